"""Who draws: the engine in this process (`vl_convert`), or one that works beside it (`running.pen`)."""

from collections.abc import Sequence
from typing import Any, Protocol

from kpi_tools.errors import KpiError


class Engine(Protocol):
    """What charts need of a drawing engine."""

    def svgs(self, specs: Sequence[str]) -> list[str | KpiError]:
        """Drawings in Vega as SVG, and where one fails the reason."""

    def vegalite_to_vega(self, spec: dict[str, Any]) -> dict[str, Any]:
        """A Vega-Lite specification in Vega. Raises `KpiError` where that fails."""


class Own:
    """The engine in this process, started with the first chart; from then on the process cannot be copied (`forked`)."""

    def svgs(self, specs: Sequence[str]) -> list[str | KpiError]:
        """As `Engine`."""
        return [_attempt("vega_to_svg", spec) for spec in specs]

    def vegalite_to_vega(self, spec: dict[str, Any]) -> dict[str, Any]:
        """As `Engine`."""
        drawing = _attempt("vegalite_to_vega", spec)
        if isinstance(drawing, KpiError):
            raise drawing
        return dict(drawing)


_engine: Engine = Own()


def engine() -> Engine:
    """The engine that draws the charts of this process."""
    return _engine


def use(other: Engine) -> None:
    """Have another engine draw from now on."""
    global _engine
    _engine = other


def _attempt(what: str, spec: Any) -> Any:
    try:
        import vl_convert

        return getattr(vl_convert, what)(spec)
    except Exception as error:
        return KpiError(f"The drawing engine cannot draw this: {type(error).__name__}: {error}")
