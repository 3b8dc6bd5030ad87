"""`kpi start` and `kpi import`: a council's folder and its quarters from the workbook that it has.
Nothing is guessed in silence, and nothing prompts."""

import os
import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kpi_tools.collect import folder, mapping, message, schemes
from kpi_tools.collect.deduce import deduce
from kpi_tools.collect.kpis import NOT_A_RATING, Book, Kpi, read_tables
from kpi_tools.collect.periods import quarter_of
from kpi_tools.collect.recognise import Fact, Sure
from kpi_tools.collect.sheets import Sheet, open_sheets
from kpi_tools.collect.tables import Table, find_table
from kpi_tools.errors import InputError
from kpi_tools.loading import Returns, quarters_with_returns, read_returns, with_targets
from kpi_tools.provenance import slug
from kpi_tools.quarters import Quarter
from kpi_tools.received import COUNCIL_BOOK
from kpi_tools.rows import is_number, rows_of
from kpi_tools.spreadsheets import save_workbook, writing
from kpi_tools.wording import plural

DIFFERENCES: Final = "differences.html"
_FEW: Final = 6


@dataclass
class Done:
    """What was made: the lines that tell it; the quarter to report, once nothing is open."""

    folder: Path
    lines: list[str]
    quarter: Quarter | None = None


def folder_of(name: str, data: Path) -> tuple[Path, str]:
    """The folder of a council and its name: `data/<name>`, or the folder that `name` is."""
    if re.search(r"[\\/]", name):
        place = Path(name)
        return (place.parent if place.name == "raw" else place), place.name
    short = slug(name)
    if not short or short in ("raw", "examples", "processed"):
        raise InputError(message("folder_name", name=name))
    return data / short, name


def _refuse_existing(place: Path) -> None:
    """Raise where something else than a mapping lies in the folder of a council to begin."""
    if place.is_file() or place.is_dir() and {one.name for one in place.iterdir()} - {mapping.FILE}:
        there = place / "raw" if (place / "raw").exists() else place
        raise InputError(message("folder_there", there=there))


def start_empty(name: str, data: Path) -> Done:
    """Write a folder `raw` with every setting and an empty council.xlsx. Raises `InputError` where
    it is there."""
    place, council = folder_of(name, data)
    raw = place / "raw"
    _refuse_existing(place)
    given = {
        ("council", "name"): council,
        ("council", "report_title"): "Performance report",
        ("council", "sections"): ["Our first section", "Our second section"],
    }
    with writing(raw):
        _write({raw / "council.toml": folder.council_toml(given)})
        save_workbook(folder.council_book(), raw / COUNCIL_BOOK)
    begun = message("begun", settings=raw / "council.toml", book=raw / COUNCIL_BOOK)
    return Done(place, begun.splitlines())


def start_from(name: str, workbook: Path, data: Path, bands: str | None = None) -> Done:
    """Write mapping.xlsx, and once nothing in it is open the folder `raw` and differences.html.
    Raises `InputError`, and writes nothing, for a workbook that cannot be taken, a mapping of
    another, or a folder that is there."""
    place, council = folder_of(name, data)
    raw, file = place / "raw", place / mapping.FILE
    _refuse_existing(place)
    answers = mapping.read(file) if file.is_file() else mapping.Answers()
    book, left, differing = _read(workbook, answers, "taken_for", "period")
    if differing:
        changes = " ".join(_few(differing, "changes", "; "))
        raise InputError(message("other_workbook", workbook=workbook.name, changes=changes))
    if not any(kpi.figures for kpi in book.kpis) and not any(one.open for one in book.columns):
        kpis = plural(len(book.kpis), "KPI")
        raise InputError(message("no_figure", workbook=workbook.name, kpis=kpis))
    cells = schemes.rated_cells(book)
    tried = schemes.agreements(cells)
    given = answers.settings | ({"bands": bands} if bands else {})
    settings = _settings(book, council, given, tried)
    files = _files(book, settings, workbook.name)
    sheets = mapping.mapping_tables(book, settings)
    asked = sheets[mapping.OPEN]
    if len(asked) and file.is_file():
        first, of = asked.iloc[0], {"file": file, "answers": plural(len(asked), "answer")}
        of |= {"sheet": mapping.OPEN, "setting": first["setting"]}
        raise InputError(message("missing", **of, which=first["name"] or first["which"]))
    unrated = [kpi.get("kpi_id") for kpi in book.kpis if kpi.get("rated") == "no"]
    alone = [f"  Only monitored, not rated: {', '.join(_few(unrated, 'KPIs'))}."] * bool(unrated)
    # once the files are made: a cell may be left by them
    lines = [*_account(book), *alone, *left]
    with writing(place):
        place.mkdir(parents=True, exist_ok=True)
        if not asked.empty:
            save_workbook(mapping.mapping_book(sheets), file)
            counted = Counter(asked["setting"]).most_common()
            counts = ", ".join(f"{name} {count}" for name, count in counted)
            of = {"file": file, "things": plural(len(asked), "thing"), "counts": counts}
            lines.append(message("untold", **of, sheet=mapping.OPEN))
            return Done(place, lines)
        scheme = settings["bands"].value
        with tempfile.TemporaryDirectory(dir=place, prefix=".start-") as work:
            _write({Path(work, "raw", path): text for path, text in files.items()})
            returns = read_returns(Path(work, "raw"))
            if not file.is_file():
                save_workbook(mapping.mapping_book(sheets), file)
            _write({place / DIFFERENCES: schemes.differences_page(cells, scheme, tried, council)})
            os.replace(Path(work, "raw"), raw)
    figures = plural(int(returns.submissions["value"].notna().sum()), "figure")
    kpis, problems = plural(len(returns.catalogue), "KPI"), plural(len(returns.problems), "problem")
    again = message("read_again", figures=figures, kpis=kpis, problems=problems)
    lines += [again, f"Written: {raw}"]
    if len(cells):
        same = int((schemes.ratings_by(cells, scheme) == cells["theirs"]).sum())
        page = place / DIFFERENCES
        lines.append(message("ratings", same=same, of=len(cells), scheme=scheme, page=page))
    return Done(place, lines, quarter=Quarter.parse(settings["report_quarter"].value))


def _read(
    workbook: Path, answers: mapping.Answers, *names: str
) -> tuple[Book, list[str], list[str]]:
    """A workbook as a mapping has it, sheets that were left, how columns differ from the mapping.
    `names`: what the mapping says of columns. What the program takes by itself is no answer."""
    sheets, left = open_sheets(workbook)
    book = deduce(read_tables(_tables(sheets, {})), {})
    differing = []
    if answers.columns:
        differing, plain = answers.changes(book.columns), {kpi.key: kpi for kpi in book.kpis}
        given = {
            key: {k: v for k, v in row.items() if key not in plain or plain[key].get(k) != v}
            for key, row in answers.kpis.items()
        }
        tables = _tables(sheets, answers.of(book.columns, names))
        book = deduce(read_tables(tables), given)
    there = {column.sheet for column in book.columns}
    without = [one.name for one in sheets if one.cells and one.name not in there]
    left += [(name, "no table of KPIs was found in it") for name in without]
    return book, [f'  Sheet "{name}": {why}.' for name, why in left], differing


def _tables(sheets: list[Sheet], answers: Mapping[tuple[str, str], Any]) -> list[Table]:
    """The tables of sheets that have KPIs with figures or targets."""
    found = (find_table(sheet, answers) for sheet in sheets)
    means = ("actual", "cumulative", "target")
    return [table for table in found if table and table.rows and table.of(*means)]


def _account(book: Book) -> list[str]:
    """Figures in the sheet = taken + left, and so for targets and ratings."""
    sheets = {column.sheet for column in book.columns}
    lines = [f"{plural(len(book.kpis), 'KPI')} in {plural(len(sheets), 'sheet')}."]
    names = {"figure": "Figures", "target": "Targets and floors", "rating": "Ratings"}
    for what, name in names.items():
        cells = [cell for cell in book.cells if cell.what == what]
        there = sum(cell.value is not None for cell in cells)
        left = sum(cell.value is not None and bool(cell.left) for cell in cells)
        account = message("account", name=name, there=there, taken=there - left, left=left)
        lines += [account] * bool(there)
        reasons = Counter(cell.left for cell in cells if cell.left).most_common(_FEW)
        lines += [f"    {count:,} not taken: {reason}" for reason, count in reasons]
    return lines


def _settings(
    book: Book, council: str, given: Mapping[str, str], tried: list[schemes.Agreement]
) -> dict[str, Fact]:
    """What is set for the council as a whole. Raises `InputError` where ratings fit nothing."""
    quarter = folder.report_quarter(book.kpis)
    best = tried[0] if tried else schemes.Agreement("", 0, 0)
    bands, why = "", "neither ratings nor floors stand in the workbook"
    if given.get("bands"):
        schemes.scheme_of(given["bands"])
    elif best.of >= _FEW and best.same < schemes.ENOUGH * best.of:
        raise InputError(message("no_scheme", tried=len(schemes.CANDIDATES), best=best))
    elif strange := _strange(book):
        why = f"{strange}; {best.bands} gives {best.same} of the {best.of} others"
    elif best.same:
        others = [one.bands for one in tried[1:] if one.same == best.same]
        also = f"; so do {len(others)} others, such as {others[0]}" if others else ""
        bands, why = best.bands, f"gives {best.same} of the {best.of} ratings in the workbook{also}"
    elif any(kpi.of("floor_standard") for kpi in book.kpis):
        bands, why = schemes.FLOOR, "there are floor standards"
    elif all(kpi.get("rated") == "no" for kpi in book.kpis):
        bands, why = schemes.FLOOR, "no KPI is rated"
    label = quarter.label if quarter else ""
    settings = {
        "name": Fact(council, Sure.CERTAIN, "as given"),
        "report_title": Fact("Performance report", Sure.LIKELY, "no title of a report is told"),
        "report_quarter": Fact(label, Sure.LIKELY, "the latest whole quarter with a figure"),
        "bands": Fact(bands, Sure.LIKELY if bands else Sure.UNKNOWN, why),
    }
    for name, fact in settings.items():
        if given.get(name, "") not in ("", fact.value):
            settings[name] = Fact(given[name], Sure.GIVEN, "mapping.xlsx")
    return settings


def _strange(book: Book) -> str:
    """The word in the place of a rating that is not known as one, where one in ten is."""
    cells = [cell for cell in book.cells if cell.what == "rating" and cell.text.strip()]
    unknown = Counter(cell.text.strip() for cell in cells if cell.left == NOT_A_RATING)
    (word, times), *_ = unknown.most_common(1) or [("", 0)]
    return f'the rating "{word}", {times} times, is not known' if 10 * times > len(cells) else ""


def _files(book: Book, settings: Mapping[str, Fact], source: str) -> dict[str, str]:
    """Every file of the folder `raw` as text, by its path in it; none without a quarter."""
    facts = [{name: fact.value for name, fact in kpi.facts.items()} for kpi in book.kpis]
    kpis = [kpi | {"source": source} for kpi in facts]
    rows = [row for kpi in book.kpis for row in folder.return_rows(kpi)]
    targets = [row for kpi in book.kpis for row in folder.target_rows(kpi)]
    value = {name: fact.value for name, fact in settings.items()}
    if not value["report_quarter"] or not value["bands"]:
        return {}
    report, name = Quarter.parse(value["report_quarter"]), slug(Path(source).stem) or "workbook"
    given = {
        ("council", "name"): value["name"],
        ("council", "report_title"): value["report_title"],
        ("council", "sections"): list(dict.fromkeys(kpi.get("section") for kpi in book.kpis)),
        ("rating", "bands"): schemes.bands_of(value["bands"]),
    }
    files = {
        "council.toml": folder.council_toml(given, f"Made from {source}."),
        "kpis.csv": folder.csv_text("kpis", kpis),
        "targets.csv": folder.csv_text("targets", targets),
    }
    returns: dict[Quarter, folder.Rows] = {report: []}
    for row in rows:
        returns.setdefault(max(report, quarter_of(row["period"])), []).append(row)
    for quarter, quarter_rows in returns.items():
        files[f"returns/{quarter.slug}/{name}.csv"] = folder.csv_text("returns", quarter_rows)
    for quarter, quarter_rows in folder.text_rows(book.kpis, report).items():
        files[f"commentary/{quarter.slug}.csv"] = folder.csv_text("commentary", quarter_rows)
    return files


def _write(files: Mapping[Path, str]) -> None:
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def import_quarter(raw: Path, quarter: Quarter, workbook: Path) -> tuple[list[str], list[Path]]:
    """Write what a workbook has for a report and was not known before: figures, also restated ones,
    and words. Raises `InputError`, and writes nothing, where there is no mapping, the return is
    there, or a column with figures has no period."""
    file = raw.parent / mapping.FILE
    if not file.is_file():
        raise InputError(message("no_mapping", file=file))
    book, left, changed = _read(workbook, mapping.read(file), "taken_for")
    if column := next((one for one in book.columns if one.open), None):
        raise InputError(message("open_column", workbook=workbook.name, column=column))
    before = [one for one in quarters_with_returns(raw) if one < quarter]
    returns = read_returns(raw, before[-1] if before else None)
    in_book = {kpi.get("kpi_id"): kpi for kpi in book.kpis}
    frequencies = returns.catalogue.set_index("kpi_id")["frequency"].to_dict()
    gone = sorted(frequencies.keys() - in_book.keys())
    more = " and more" * (len(gone) > _FEW)
    kpis = [in_book[kpi_id] for kpi_id in in_book if kpi_id in frequencies]
    ids = dict(zip(returns.catalogue["kpi_name"], returns.catalogue["kpi_id"], strict=True))
    for kpi_id, kpi in ((kpi.get("kpi_id"), kpi) for kpi in kpis):
        kpi.facts["frequency"] = Fact(frequencies[kpi_id], Sure.GIVEN, "kpis.csv")
        if ids.get(kpi.called, kpi_id) != kpi_id:
            of = {"kpi": kpi, "kpi_id": kpi_id, "other": ids[kpi.called]}
            raise InputError(message("other_code", workbook=workbook.name, **of))
    rows, counted = _new_rows(kpis, returns, quarter)
    unknown = [one for one in book.kpis if one not in kpis]
    lines = [
        *["Columns otherwise than in the mapping:"] * bool(changed),
        *(f"  {text}" for text in _few(changed, "changes")),
        *_account(book),
        *left,
        *(message("unknown_kpi", name=one.get("kpi_name"), kpi=one) for one in unknown),
        *[f"Not in the workbook: {', '.join(gone[:_FEW])}{more}."] * bool(gone),
        counted,
        *_other_targets(kpis, returns, quarter),
    ]
    place = raw / "returns" / quarter.slug / f"{slug(workbook.stem) or 'workbook'}.csv"
    words = raw / "commentary" / f"{quarter.slug}.csv"
    if place.exists():
        raise InputError(message("return_there", place=place))
    if not rows:
        raise InputError(message("nothing_new", workbook=workbook.name, quarter=quarter))
    files = {place: folder.csv_text("returns", rows)}
    texts = folder.text_rows(kpis, quarter).get(quarter, [])
    if texts and words.exists():
        lines.append(message("words_there", words=words))
    elif texts:
        files[words] = folder.csv_text("commentary", texts)
    with writing(place):
        _write(files)
    return lines, list(files)


def _few(lines: list[str], what: str, end: str = "") -> list[str]:
    more = len(lines) - _FEW
    return [f"{line}{end}" for line in lines[:_FEW]] + [f"and {more} more {what}."] * (more > 0)


def _new_rows(kpis: list[Kpi], returns: Returns, quarter: Quarter) -> tuple[folder.Rows, str]:
    """The rows whose figure was not known before, or is another now, and how many they are."""
    sent = returns.submissions.drop_duplicates(["kpi_id", "period"], keep="last")
    known = sent.dropna(subset="value").set_index(["kpi_id", "period"])["value"].to_dict()
    found, without, restated, later = folder.Rows(), folder.Rows(), 0, 0
    for row in (row for kpi in kpis for row in folder.return_rows(kpi)):
        ends = quarter_of(row["period"])
        label = ends.label if "/" in row["period"] else row["period"]
        old = known.get((row["kpi_id"], label))
        if not row.get("value"):
            without += [row] if ends == quarter and old is None else []
        elif ends > quarter:
            later += 1
        elif old is None or abs(old - float(row["value"])) > 1e-9:
            restated += old is not None
            found.append(row)
    counts = {"figures": plural(len(found), "figure"), "later": plural(later, "figure")}
    counted = message("new", **counts, quarter=quarter, restated=restated)
    return found + without if found else [], counted


def _other_targets(kpis: list[Kpi], returns: Returns, quarter: Quarter) -> list[str]:
    """A sentence for each target that is not the one in force: targets.csv has what is agreed."""
    asked = pd.DataFrame({"kpi_id": [kpi.get("kpi_id") for kpi in kpis]})
    in_force = with_targets(asked.assign(quarter=quarter.label), returns.targets)
    lines = []
    for kpi, row in zip(kpis, rows_of(in_force), strict=True):
        rows = [one for one in folder.target_rows(kpi) if one["from_quarter"] <= quarter.label]
        ours = row["year_target"] if is_number(row["year_target"]) else row["target"]
        theirs = rows[-1].get("target") if rows else None
        if theirs and not (is_number(ours) and abs(float(theirs) - ours) <= 1e-9):
            have = f"{ours:g}" if is_number(ours) else "none"
            lines.append(message("target", kpi_id=row["kpi_id"], theirs=theirs, ours=have))
    return _few(lines, "targets that differ")
