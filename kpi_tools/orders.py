"""Which reports are to be made: of which councils and quarters, and which of them are already what they would be."""

import json
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kpi_tools.errors import InputError, KpiError
from kpi_tools.provenance.inputs import fingerprint, fingerprints
from kpi_tools.provenance.program import program
from kpi_tools.quarters import Quarter
from kpi_tools.received import returns_in, sort_out
from kpi_tools.report import NOTEBOOK, PAGE, asked
from kpi_tools.running.manifest import MANIFEST

_LONGEST_SLUG = 60
_TAKEN = r"con|prn|aux|nul|(com|lpt)[0-9]|history"


@dataclass(frozen=True)
class Order:
    """The report of `quarter` from the folder `raw` into `outputs`, with the other `settings` of `report_quarter`."""

    quarter: Quarter
    raw: Path
    outputs: Path
    council: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is, in a list of several."""
        return f"{self.council}, {self.quarter.title}" if self.council else self.quarter.title

    @property
    def page(self) -> Path:
        """Where its page is, or will be."""
        return self.outputs / self.quarter.slug / PAGE


def orders_of(
    raw: Path,
    outputs: Path,
    quarters: Sequence[Quarter] | None,
    settings: Mapping[str, Any],
    council: str = "",
) -> list[Order]:
    """An order for each of `quarters`: for the latest with returns where there are none, for every one where it is None.

    Raises `InputError` where there is no such folder, or no quarter with returns.
    """
    there = sorted(quarter for quarter, folder in sort_out(raw)[0].items() if returns_in(folder))
    if not there:
        raise InputError(
            f"There are no returns in {raw / 'returns'}. Put them into a folder named like 2024-25-Q3."
        )
    wanted = there if quarters is None else quarters or there[-1:]
    return [
        Order(quarter, raw.resolve(), outputs.resolve(), council, settings)
        for quarter in dict.fromkeys(wanted)
    ]


def orders_of_councils(
    folders: Iterable[Path],
    outputs: Path,
    quarters: Sequence[Quarter] | None,
    settings: Mapping[str, Any],
) -> tuple[list[Order], list[tuple[str, KpiError]]]:
    """The orders of several councils, each into `outputs`/<slug>, and which folders have none, with the reason."""
    names: dict[Path, str] = {}
    refused: list[tuple[str, KpiError]] = []
    given: dict[Path, Path] = {}
    for folder in folders:
        given.setdefault(folder.resolve(), folder)
    for folder in given.values():
        try:
            names[folder] = council_name(folder)
        except KpiError as error:
            refused.append((str(folder), error))
    alike = Counter(slug(name) for name in names.values())
    orders: list[Order] = []
    for folder, name in names.items():
        own = slug(name)
        try:
            if alike[own] > 1:
                others = ", ".join(
                    str(other) for other in names if slug(names[other]) == own and other != folder
                )
                raise InputError(
                    f'Its reports would go to "{own}", and so would those of {others}, so none of them is made. '
                    "Give one of the councils another name in its council.toml."
                )
            orders += orders_of(folder, outputs / own, quarters, settings, name)
        except KpiError as error:
            refused.append((str(folder), error))
    return orders, refused


def council_name(raw: Path) -> str:
    """The council's name in `raw`/council.toml. Raises `InputError` where there is none that can name a folder."""
    path = raw / "council.toml"
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("council")
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror or error}). Is this a folder of raw data?"
        ) from None
    except ValueError as error:
        raise InputError(
            f"{path} is not as TOML should be: {error}. `kpi check` says more."
        ) from None
    name = said.get("name") if isinstance(said, dict) else None
    if not isinstance(name, str) or not slug(name):
        raise InputError(
            f'{path} needs under [council] a line such as name = "Kent County Council", with a letter of a to z in it.'
        )
    return name


def slug(name: str) -> str:
    """A council's name as the name of a folder on any system: small letters, digits and dashes."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    short = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_SLUG].strip("-")
    return f"{short}-council" if re.fullmatch(_TAKEN, short) else short


def up_to_date(order: Order) -> bool:
    """Whether the order's report is there, whole, and what the same inputs, notebook, settings and program would give."""
    page, folder, settings = (
        order.page,
        order.page.parent,
        {name: value for name, value in order.settings.items() if name != "pdf"},
    )
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return bool(
            manifest["program"] == program()
            and manifest["notebook"] == fingerprint(NOTEBOOK)
            and manifest["parameters"] == asked(**settings)
            and (
                page.with_suffix(".pdf").name in manifest["outputs"]
                or not order.settings.get("pdf")
            )
            and manifest["inputs"] == fingerprints(order.raw, order.quarter)
            and all(fingerprint(folder / name) == one for name, one in manifest["outputs"].items())
        )
    except (InputError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
