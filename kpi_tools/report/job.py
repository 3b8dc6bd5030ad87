"""What is to be made: which report, of which folder of raw data, into which folder."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kpi_tools.errors import InputError
from kpi_tools.parameters import corrections_of
from kpi_tools.quarters import Quarter

PROJECT = Path(__file__).resolve().parents[2]
RAW = PROJECT / "data" / "raw"
OUTPUTS = PROJECT / "outputs"
NOTEBOOK = PROJECT / "notebooks" / "quarterly_report.ipynb"
HISTORY = PROJECT / "notebooks" / "kpi_history.ipynb"
EXPLORER = PROJECT / "notebooks" / "directorate_explorer.ipynb"
CELL_TIMEOUT = 300


@dataclass(frozen=True)
class Job:
    """The report `outputs/name`, made of `raw` by `notebook` with `parameters` (name to text).

    `kind` is what it is a report of (`report`, `history`); page and notebook are called `stem`, its tables `tables`. With a
    `browser` the page is printed to PDF too; in `word` it is a Word document as well. `read_in` is the folder in which it is
    to be read, where it is made elsewhere to be compared with it. Each cell may take `timeout` seconds. `council` tells it
    apart in a list of several.
    """

    quarter: Quarter
    name: str
    raw: Path
    outputs: Path
    notebook: Path
    kind: str = "report"
    stem: str = "report"
    tables: str = "kpis"
    parameters: Mapping[str, str] = field(default_factory=dict)
    browser: Path | None = None
    word: bool = False
    read_in: Path | None = None
    timeout: float = CELL_TIMEOUT
    council: str = ""

    @property
    def title(self) -> str:
        """What it is, in a list of several."""
        return f"{self.council}, {self.quarter.title}" if self.council else self.quarter.title

    @property
    def final(self) -> Path:
        """The folder of the finished report."""
        return self.outputs / self.name


@dataclass(frozen=True)
class Report:
    """A finished report: `folder` holds `files`, all of one run; `warnings` is what its notebook wrote to stderr.

    `account` is the reconciliation of the rows that were read: rows in = accepted + rejected.
    """

    quarter: Quarter
    folder: Path
    files: tuple[str, ...]
    warnings: tuple[str, ...]
    account: str = ""


def parameters_of(
    edition: str = "draft",
    overrides: Iterable[tuple[str, str, str]] = (),
    allow_rejected: bool = False,
    prepared_by: str = "",
    signed_off_by: str = "",
    only: str = "",
    corrections: str = "",
) -> dict[str, str]:
    """The settings of `make_report` as parameters of its notebook, those that differ from its own.

    `overrides`: findings let pass, each a check, a reason and a role. Raises `InputError` for one that lacks a part.
    """
    if edition not in ("draft", "final"):
        raise InputError(f'A report is "draft" or "final", not {edition!r}.')
    for override in overrides:
        for name, text in zip(("code", "reason", "role"), override, strict=True):
            if not text.strip() or "|" in text or "\n" in text:
                raise InputError(
                    f"An override needs a {name} in plain words, on one line and without |; it has {text!r}."
                )
    if corrections_of(corrections) and edition != "final":
        raise InputError("Only a final report is published again: give --final with --corrected.")
    given = {
        "allow_rejected": "yes" if allow_rejected else "",
        "edition": edition if edition != "draft" else "",
        "overrides": "\n".join(map(" | ".join, overrides)),
        "prepared_by": prepared_by,
        "signed_off_by": signed_off_by,
        "only": only.strip(),
        "corrections": corrections,
    }
    return {name: text for name, text in given.items() if text}
