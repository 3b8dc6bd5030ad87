"""`kpi start`: a council's folder from the wide workbook that it has. Nothing is guessed in silence, nothing prompts."""

import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kpi_tools.collect import folder as made
from kpi_tools.collect.cells import Book
from kpi_tools.collect.council_book import council_book
from kpi_tools.collect.differences import differences_page
from kpi_tools.collect.kpis import collect
from kpi_tools.collect.layout import Found, find_table
from kpi_tools.collect.mapping import FILE, Mapping_, mapping_book, questions, read_mapping, unlike
from kpi_tools.collect.recognise import CERTAIN, GIVEN, LIKELY, NOT_TOLD, quarter_of
from kpi_tools.collect.schemes import (
    CANDIDATES,
    ENOUGH,
    FLOOR,
    Agreement,
    agreements,
    bands_of,
    rated_cells,
    ratings_by,
    scheme_of,
)
from kpi_tools.collect.sheets import open_sheets
from kpi_tools.errors import InputError, KpiError
from kpi_tools.loading import read_returns
from kpi_tools.provenance import slug
from kpi_tools.quarters import Quarter
from kpi_tools.received import COUNCIL_BOOK
from kpi_tools.spreadsheets import save_workbook
from kpi_tools.wording import plural

DIFFERENCES: Final = "differences.html"
_FEW: Final = 6
Settings = dict[str, tuple[str, str, str]]


@dataclass
class Started:
    """What was made: the lines that tell it, what is still to be filled in, the quarter of the first report."""

    folder: Path
    lines: list[str] = field(default_factory=list)
    open: int = 0
    quarter: Quarter | None = None


def council_folder(name: str, data: Path) -> tuple[Path, str]:
    """The folder of a council and its name: `data/<name>`, or the folder itself where `name` is a path."""
    if re.search(r"[\\/]", name):
        place = Path(name)
        return (place.parent if place.name == "raw" else place), place.name
    short = slug(name)
    if not short or short in ("raw", "examples", "processed"):
        raise InputError(
            f'"{name}" cannot name a folder in data: give the council\'s name, such as "Medway Council".'
        )
    return data / short, name


def raw_of(place: Path) -> Path:
    """The folder with council.toml: `place`, or `raw` in it. Raises `InputError` where neither has one."""
    found = next((one for one in (place / "raw", place) if (one / "council.toml").is_file()), None)
    if found is None:
        raise InputError(
            f"There is no council in {place}: it has no council.toml, nor has a folder raw in it."
        )
    return found


def start_from(name: str, workbook: Path, data: Path, bands: str = "") -> Started:
    """Write mapping.xlsx, and once nothing in it is open the folder `raw` and the page of differences.

    Raises `InputError`, with nothing written, for a workbook that cannot be taken, a mapping of another, or a folder
    that is there.
    """
    place, council = council_folder(name, data)
    raw, mapping = place / "raw", place / FILE
    _must_be_free(place)
    said = read_mapping(mapping) if mapping.is_file() else Mapping_()
    book, account = take(workbook, said)
    cells = rated_cells(book)
    settings, tried = _settings(
        book, council, said.settings | ({"bands": bands} if bands else {}), cells
    )
    asked = questions(book, settings)
    returns = [row for kpi in book.kpis for row in made.return_rows(kpi, book)]
    targets = [row for kpi in book.kpis for row in made.target_rows(kpi, book)]
    started = Started(place, [*account_of(book), *account], len(asked))
    if asked:
        if mapping.is_file():
            left = Counter(f"{row['setting']} of {row['name'] or row['which']}" for row in asked)
            raise InputError(
                f'{mapping}, sheet "To fill in": {plural(len(asked), "answer")} '
                f"{'is' if len(asked) == 1 else 'are'} still missing, such as the {next(iter(left))}. Nothing was written."
            )
        _write(place, mapping, book, settings, asked)
        started.lines.append(_asks(asked, mapping))
        return started
    files = _files(book, returns, targets, settings, workbook.name)
    started.quarter = Quarter.parse(settings["report_quarter"][0])
    page = differences_page(
        cells.assign(ours=ratings_by(cells, settings["bands"][0])),
        settings["bands"][0],
        tried,
        council,
    )
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place, prefix=".start-") as work:
            for path, text in files.items():
                target = Path(work) / "raw" / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8", newline="\n")
            checked = _checked(Path(work) / "raw", started.quarter, book)
            if not mapping.is_file():
                save_workbook(mapping_book(book, settings, asked), mapping)
            (place / DIFFERENCES).write_text(page, encoding="utf-8")
            os.replace(Path(work) / "raw", raw)
    except OSError as error:
        raise KpiError(
            f"{place} could not be written: {error.strerror} ({error.filename})."
        ) from error
    started.lines = [
        *account_of(book),
        *checked,
        f"Written: {raw}",
        *_agreement(cells, settings, place),
    ]
    return started


def _must_be_free(place: Path) -> None:
    """Raise `InputError` where something else than a mapping lies in the folder of a council that is to begin."""
    others = [one for one in sorted(place.glob("*")) if one.name != FILE] if place.is_dir() else []
    mine = (place / FILE).is_file() and not (place / "raw").exists()
    if others and not mine or place.is_file():
        there = place / "raw" if (place / "raw").exists() else place
        raise InputError(
            f"{there} is there already, and nothing was changed. Take another name, or move it away."
        )


def take(workbook: Path, said: Mapping_, strict: bool = True) -> tuple[Book, list[str]]:
    """All that a workbook holds, by the mapping; and which sheets were left. Raises `InputError` for what cannot be taken."""
    sheets, left = open_sheets(workbook)
    given = {
        where: {k: v for k, v in row.items() if k in ("taken_for", "period")}
        for where, row in said.columns.items()
    }
    if said.columns and strict:
        plain = [one for sheet in sheets if (one := find_table(sheet, {}))]
        own = {
            (c.sheet, c.letter): {"taken_for": c.means, "period": c.period}
            for one in plain
            for c in one.columns
        }
        differing = unlike(said, [column for one in plain for column in one.columns])
        if differing:
            raise InputError(
                f"{FILE} is of another workbook than {workbook.name}: {'; '.join(differing[:3])}"
                f"{f' and {len(differing) - 3} more' if len(differing) > 3 else ''}. Nothing was written."
            )
        given = {where: row for where, row in given.items() if row != own.get(where)}
        base = {kpi.key: kpi.said for kpi in collect(plain, {}).kpis}
        said.kpis = {
            key: {name: text for name, text in row.items() if base.get(key, {}).get(name) != text}
            for key, row in said.kpis.items()
        }
    tables = [one for sheet in sheets if (one := find_table(sheet, given)) and has_figures(one)]
    named = {found.sheet.name for found in tables}
    left += [
        (one.name, "no table of KPIs was found in it")
        for one in sheets
        if one.cells and one.name not in named
    ]
    book = collect(tables, said.kpis)
    if not any(kpi.of("actual") or kpi.of("cumulative") for kpi in book.kpis) and not any(
        one.open for one in book.columns
    ):
        what = (
            f"{plural(len(book.kpis), 'KPI')}, but"
            if book.kpis
            else "no row of headings with KPIs and periods, and"
        )
        raise InputError(
            f"{workbook.name}: {what} no figure of any period was found. A sheet needs a row of headings such as "
            '"Indicator, Unit, Target, Q1 2024/25, Q2 2024/25", one row for each KPI below it.'
        )
    return book, [f'  Sheet "{name}": {why}.' for name, why in left]


def has_figures(found: Found) -> bool:
    """Whether a table has KPIs, and columns for their figures or targets."""
    means = {one.means for one in found.columns}
    return bool(found.rows) and not means.isdisjoint(("actual", "cumulative", "target"))


def account_of(book: Book) -> list[str]:
    """Figures in the sheet = taken + left, and so for targets and ratings."""
    sheets = len({column.sheet for column in book.columns})
    lines = [f"{plural(len(book.kpis), 'KPI')} in {plural(sheets, 'sheet')}."]
    for what, name in (
        ("figure", "Figures"),
        ("target", "Targets and floors"),
        ("rating", "Ratings"),
    ):
        there, left = book.counts[what, "in the sheet"], book.counts[what, "left"]
        if there:
            lines.append(
                f"  {name} in the workbook {there:,} = {there - left:,} taken + {left:,} left."
            )
        reasons = Counter(one.reason for one in book.left if one.what == what)
        lines += [
            f"    {count:,} not taken: {reason}" for reason, count in reasons.most_common(_FEW)
        ]
    return lines


def _settings(
    book: Book, council: str, said: Mapping[str, str], cells: Any
) -> tuple[Settings, list[Agreement]]:
    """What is to be set for the council as a whole: value, how sure, why. Raises `InputError` where ratings fit nothing."""
    quarter = made.report_quarter(book)
    tried = agreements(cells) if len(cells) else []
    settings: Settings = {
        "name": (council, CERTAIN, "as given"),
        "report_title": ("Performance report", LIKELY, "no title of a report is told"),
        "report_quarter": (
            quarter.label if quarter else "",
            LIKELY,
            "the latest whole quarter with a figure",
        ),
        "bands": ("", NOT_TOLD, "neither ratings nor floors stand in the workbook"),
    }
    best = tried[0] if tried else None
    if said.get("bands"):
        scheme_of(said["bands"])
    elif best and best.of >= _FEW and best.same < ENOUGH * best.of:
        raise InputError(
            f"The ratings in the workbook follow from no scheme: of {len(CANDIDATES)} that were tried, the best "
            f"({best.bands}) gives {best.same} of {best.of}. Mend the workbook, or say how you rate with "
            f'--bands "{best.bands}". Nothing was written.'
        )
    elif best and best.same:
        others = [one.bands for one in tried[1:] if one.same == best.same]
        also = f"; so do {len(others)} others, such as {others[0]}" if others else ""
        why = f"gives {best.same} of the {best.of} ratings in the workbook{also}"
        settings["bands"] = (best.bands, LIKELY, why)
    elif any(kpi.of("floor_standard") for kpi in book.kpis):
        settings["bands"] = (FLOOR, LIKELY, "there are floor standards")
    elif not any(kpi.said.get("rated") != "no" for kpi in book.kpis):
        settings["bands"] = (FLOOR, LIKELY, "no KPI is rated")
    for name, value in said.items():
        if name in settings and value and value != settings[name][0]:
            settings[name] = (value, GIVEN, "mapping.xlsx")
    return settings, tried


def _write(
    place: Path, mapping: Path, book: Book, settings: Settings, asked: list[dict[str, str]]
) -> None:
    try:
        place.mkdir(parents=True, exist_ok=True)
        save_workbook(mapping_book(book, settings, asked), mapping)
    except OSError as error:
        raise KpiError(f"{mapping} could not be written: {error.strerror}.") from error


def _asks(asked: list[dict[str, str]], mapping: Path) -> str:
    counted = Counter(row["setting"] for row in asked)
    words = ", ".join(f"{name} {count}" for name, count in counted.most_common())
    return (
        f'{mapping}: {plural(len(asked), "thing")} could not be told ({words}). Fill in its sheet "To fill in", look '
        "through the others, and run the same command again."
    )


def _files(
    book: Book, rows: made.Rows, targets: made.Rows, settings: Settings, source: str
) -> dict[str, str]:
    """Every file of the folder `raw` as text, by its path in it."""
    report = Quarter.parse(settings["report_quarter"][0])
    returns: dict[Quarter, made.Rows] = {report: []}
    for row in rows:
        returns.setdefault(max(report, quarter_of(row["period"])), []).append(row)
    sections = list(dict.fromkeys(kpi.said["section"] for kpi in book.kpis))
    given = {
        ("council", "name"): settings["name"][0],
        ("council", "report_title"): settings["report_title"][0],
        ("council", "sections"): sections,
        ("rating", "bands"): bands_of(settings["bands"][0]),
    }
    name = slug(Path(source).stem) or "workbook"
    files = {
        "council.toml": made.council_toml(given, f"Made from {source}."),
        "kpis.csv": made.csv_text("kpis", made.kpi_rows(book.kpis, source)),
        "targets.csv": made.csv_text("targets", targets),
    }
    for quarter, rows in returns.items():
        files[f"returns/{quarter.slug}/{name}.csv"] = made.csv_text("returns", rows)
    for quarter, rows in made.text_rows(book.kpis, report).items():
        files[f"commentary/{quarter.slug}.csv"] = made.csv_text("commentary", rows)
    return files


def _checked(raw: Path, quarter: Quarter, book: Book) -> list[str]:
    """The folder as the program reads it: figures accepted, and what `kpi check` will say."""
    last = max(Quarter.parse(path.name) for path in (raw / "returns").iterdir())
    returns = read_returns(raw, last)
    figures = int(returns.submissions["value"].notna().sum())
    faults = Counter(returns.problems["severity"])
    lines = [
        f"  Read again from the new folder: {plural(figures, 'figure')}, {plural(len(returns.catalogue), 'KPI')}."
    ]
    if faults["error"] or faults["warning"]:
        lines.append(
            f"  kpi check will name {plural(faults['error'], 'error')} and {plural(faults['warning'], 'warning')}."
        )
    return lines


def _agreement(cells: Any, settings: Settings, place: Path) -> Iterator[str]:
    if len(cells):
        bands = settings["bands"][0]
        same = int((ratings_by(cells, bands) == cells["theirs"]).sum())
        yield f"Ratings: {same:,} of {len(cells):,} as in the workbook by {bands} ({place / DIFFERENCES})."


def start_empty(name: str, data: Path) -> Started:
    """Write a folder `raw` with every setting and an empty council.xlsx. Raises `InputError` for one that is there."""
    place, council = council_folder(name, data)
    raw = place / "raw"
    _must_be_free(place)
    given = {
        ("council", "name"): council,
        ("council", "report_title"): "Performance report",
        ("council", "sections"): ["Our first section", "Our second section"],
    }
    try:
        raw.mkdir(parents=True)
        (raw / "council.toml").write_text(made.council_toml(given), encoding="utf-8", newline="\n")
        save_workbook(council_book(), raw / COUNCIL_BOOK)
    except OSError as error:
        raise KpiError(
            f"{raw} could not be written: {error.strerror} ({error.filename})."
        ) from error
    lines = [
        f"Written: {raw / 'council.toml'}, with every setting, its default and what it means;",
        f"{raw / COUNCIL_BOOK}, for KPIs, targets, figures and actions. It is read as it is.",
        "Give the sections in council.toml, fill in the sheets, then kpi check.",
    ]
    return Started(place, lines)
