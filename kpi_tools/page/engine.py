"""Who draws: the engine in this process (`vl_convert`), or one that works beside it (`running.pen`)."""

from typing import Any

_beside: Any = None


def engine() -> Any:
    """What has the functions `vega_to_svg` and `vegalite_to_vega` of vl_convert."""
    return _beside or own()


def own() -> Any:
    """The engine in this process, started with the first chart; from then on the process cannot be copied (`forked`)."""
    import vl_convert

    return vl_convert


def use(other: Any) -> None:
    """Have another engine draw from now on; None: this process's own."""
    global _beside
    _beside = other
