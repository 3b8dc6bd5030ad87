"""The council's own tables and settings as data: codebook.toml says all of each column.

From its kind, default, meaning and example follow what is read (`loading.fields`,
`loading.council`), the codebook in data/raw/README.md and the sentences of faults.
`python -m kpi_tools.loading.schemas` prints the codebook.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kpi_tools.loading.read import Layout
from kpi_tools.quarters import Quarter

BEGINNING: Final = Quarter(2000, 1)
"""Stands where a table says nothing of the first quarter: it holds from the beginning."""
PROSE, CHOICE, NUMBER, WHOLE, QUARTER = "prose", "choice", "number", "whole", "quarter"
ID, PERIOD, DATE, UNIT, RANGE, DUE = "id", "period", "date", "unit", "range", "due"
YEAR_ENDS, LETTERS, VALUE = "year ends", "letters", "value"
"""Kinds of columns. A `value` is a number or the reason why there is none."""
PLACES: Final = ("kpi_id", "section")


@dataclass(frozen=True)
class Column:
    """A column: its kind, what it means, what stands for a blank, an example.

    `without` says the default in words where it does not say itself; `most` bounds a whole number.
    """

    name: str
    kind: str
    meaning: str
    needed: bool = False
    default: Any = None
    without: str = ""
    example: str = ""
    options: tuple[str, ...] = ()
    most: int = 0


@dataclass(frozen=True)
class Schema:
    """A table: where it lies, what a row of it is, its columns, and which of them name a row.

    `further`: whether more columns may stand beside these, each a line of numbers; `optional`:
    whether the file may be missing; `certain`: whether of two rows with one key the first is taken,
    not neither.
    """

    file: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    further: bool = False
    optional: bool = True
    certain: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in their order."""
        return tuple(column.name for column in self.columns)

    @property
    def placed(self) -> bool:
        """Whether a row is of a KPI or of a section, and names exactly one of them."""
        places = [column for column in self.columns if column.name in PLACES]
        return len(places) == len(PLACES) and not any(column.needed for column in places)

    @property
    def layout(self) -> Layout:
        """The headings that the file must and may have."""
        required = tuple(column.name for column in self.columns if column.needed)
        others = tuple(name for name in self.names if name not in required)
        return Layout(required, others, others=self.further)


@dataclass(frozen=True)
class Setting:
    """One setting of council.toml: what it may be, its default in words, its meaning, an example.

    `attribute` is its name in `Council`; `options`, `least` and `most` bound it, as its kind needs.
    """

    part: str
    key: str
    kind: str
    default: str
    meaning: str
    example: str
    attribute: str = ""
    options: tuple[str, ...] = ()
    least: float = 0
    most: float = 0


def _column(entry: dict[str, Any]) -> Column:
    given = entry | {"options": tuple(entry.get("options", ()))}
    if given.get("default") == "beginning":
        given["default"] = BEGINNING.label
    return Column(**given)


def _schema(entry: dict[str, Any]) -> Schema:
    columns = tuple(map(_column, entry["columns"]))
    return Schema(**entry | {"columns": columns, "key": tuple(entry["key"])})


def _setting(part: str, entry: dict[str, Any]) -> Setting:
    given = {"attribute": entry["key"]} | entry | {"options": tuple(entry.get("options", ()))}
    return Setting(part, **given)


_CODEBOOK = tomllib.loads(Path(__file__).with_name("codebook.toml").read_text(encoding="utf-8"))
KINDS: Final[dict[str, str]] = _CODEBOOK["kinds"]
"""What a setting or a cell of each kind must be."""
SCHEMAS: Final = {name: _schema(entry) for name, entry in _CODEBOOK["tables"].items()}
KPIS, TARGETS, COMMENTARY, WORDS, ACTIVITY, BENCHMARKS = (
    SCHEMAS[name] for name in ("kpis", "targets", "commentary", "words", "activity", "benchmarks")
)
CHANGES, REBASES, SMALL_NUMBERS, EVENTS, ANNOTATIONS, ACTIONS = (
    SCHEMAS[name]
    for name in ("changes", "rebases", "small_numbers", "events", "annotations", "actions")
)
SETTINGS: Final = tuple(
    _setting(part, entry) for part, several in _CODEBOOK["settings"].items() for entry in several
)


def codebook() -> str:
    """Every setting, table and column as Markdown: what it means, its default, an example."""
    lines = ["### council.toml", "", "| setting | meaning | default | example |"]
    lines.append("|---|---|---|---|")
    lines += [
        f"| `[{one.part}]` `{one.key}` | {one.meaning} | {one.default} | `{one.example}` |"
        for one in SETTINGS
    ]
    for schema in SCHEMAS.values():
        free = " (optional)" if schema.optional else ""
        lines += ["", f"### {schema.file}, one row for each {schema.row}{free}", ""]
        lines += ["| column | meaning | where blank | example |", "|---|---|---|---|"]
        lines += [_line(column) for column in schema.columns]
        if schema.further:
            further = "a further line of numbers, for `bands`"
            lines.append(f"| any other | {further} | not set | `stretch` |")
    return "\n".join(lines)


def _line(column: Column) -> str:
    options = " or ".join(f"`{option}`" for option in column.options)
    meaning = ": ".join(filter(None, (column.meaning, options)))
    default = "none" if column.default is None else column.default
    default = "needed" if column.needed else column.without or default
    return f"| `{column.name}` | {meaning} | {default} | `{column.example}` |"


if __name__ == "__main__":
    print(codebook())
