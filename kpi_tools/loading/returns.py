"""The returns folders up to a quarter → the rows accepted from them, each held against the rules.
All rows of all returns are one table: each cell is read to what it certainly means or to a fault,
then one rule after another says which rows break it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools.loading.account import Run
from kpi_tools.loading.catalogue import outside, with_targets
from kpi_tools.loading.cells import Number, Text, clean_name, read_number, read_status, read_text
from kpi_tools.loading.ids import Ids
from kpi_tools.loading.periods import Period, read_period
from kpi_tools.loading.read import Table
from kpi_tools.quarters import Quarter
from kpi_tools.received import sort_out
from kpi_tools.units import MULTIPLIERS, known_unit, meant_unit, unit_family
from kpi_tools.vocabulary import FINAL, MILESTONE, NOT_AVAILABLE, STATUSES_WITHOUT_VALUE

LINES: Final = ("target", "floor_standard")
NAME, LAST = "kpi_name", "last_figure"
PARTS: Final = ("numerator", "denominator")
NUMBERS: Final = ("value", *PARTS)
SUBMISSION: Final = {
    **dict.fromkeys(("kpi_id", "period", "quarter", "month"), "str"),
    **dict.fromkeys(NUMBERS, "float64"),
    **dict.fromkeys(("status", "note", "milestone", "received", "file", "sheet"), "str"),
    "row": "int64",
    "silent": "bool",
}
"""The columns of accepted rows, with their types."""
_CELLS: Final[dict[str, Any]] = {
    **dict.fromkeys(("kpi_id", "status", "note"), Text),
    "period": Period,
    **dict.fromkeys((*NUMBERS, *LINES, LAST), Number),
}
"""What the cells of a column are read to."""
_OF_KPI: Final = ["unit", "range_low", "range_high", "rounded_to", "decimals", "last_quarter"]
_NO_FIGURE: Final = ("row-total", "row-footnote", "row-units", "id-waits")
WELL_ABOVE_SHARES: Final = 5.0
"""Where other figures or lines of a percentage are, one of at most 1 is probably a share."""


@dataclass
class Catalogue:
    """What a return is held against: KPIs, targets, what ids are called, statuses of milestones."""

    kpis: pd.DataFrame
    targets: pd.DataFrame
    ids: Ids
    milestones: Mapping[str, Any] = field(default_factory=dict)


def submissions_upto(last: Quarter, run: Run, known: Catalogue) -> pd.DataFrame:
    """The accepted rows of every folder up to `last`, oldest folder first (columns: SUBMISSION).
    Without a catalogue nothing is read: every row would only be reported as unknown."""
    folders, others = sort_out(run.raw)
    for other in others:
        run.skip(other.path, other.code, other.detail)
    upto = sorted(quarter for quarter in folders if quarter <= last and len(known.kpis))
    tables = [(table, one) for one in upto for table in run.returns(folders[one])]
    rows = _read(tables, known)
    # where the cells do not stand under their headings no more is said, nor of what is no figure
    whole = ~_bad(rows)
    figures = whole & ~rows["kpi_id_fault"].isin(_NO_FIGURE)
    for column in ("kpi_id", "period", *NUMBERS, "status", "note"):
        code, detail = rows[f"{column}_fault"], rows[f"{column}_detail"]
        asked = whole if column == "kpi_id" else figures
        _note(rows, column, code, asked & (code != ""), detail)
    for column, code, broken, detail in _rules(rows, known):
        _note(rows, column, code, broken & figures & (rows["kpi_id"] != ""), detail)
    sent, rows = rows["status"], _settled(rows)
    _log(rows.assign(status=sent)[~_bad(rows)])
    _check_duplicates(rows)
    return rows.loc[~_bad(rows), [*SUBMISSION]].reset_index(drop=True).astype(SUBMISSION)


def with_nulls(submissions: pd.DataFrame) -> pd.DataFrame:
    """Submissions as others see them: missing texts are null."""
    texts = submissions[["month", "note", "sheet", "milestone"]]
    return submissions.assign(**texts.mask(texts == ""))


def with_decimals(kpis: pd.DataFrame, submissions: pd.DataFrame) -> pd.DataFrame:
    """The catalogue with `decimals` where a row leaves it open: as sent, one at most."""
    sent = submissions["value"].astype("float64")
    broken = submissions.loc[(sent - sent.round()).abs() > 1e-9, "kpi_id"]
    follows = kpis["kpi_id"].isin(set(broken)).astype("int64")
    return kpis.assign(decimals=kpis["decimals"].fillna(follows).astype("int64"))


def _read(tables: Sequence[tuple[Table, Quarter]], known: Catalogue) -> pd.DataFrame:
    """What each cell says, by its column; its other parts beside it: `value_percent`, `note_fault`.
    Further columns: `table` and `position` in it, and what the catalogue says of the KPI."""
    kpis: dict[str, dict[str, Any]] = known.kpis.set_index("kpi_id").to_dict("index")
    statuses = {name.casefold(): name for name in known.milestones}
    found: dict[str, list[Any]] = {name: [] for name in _CELLS}
    places = []
    for table, folder in tables:
        for at, line in enumerate(table.rows):
            sent = {name: (table.cells[name][at], table.kind(name, at)) for name in table.cells}
            match = known.ids.find(*sent["kpi_id"])
            named = known.ids.find(*sent.get(NAME, ("", ""))).taken
            if match.taken and named not in ("", match.taken):
                both = f"{match.taken} and the name of {named}"
                match = match._replace(fault="id-named", detail=both)
            kpi = kpis.get(match.taken, {})
            cells: dict[str, Any] = {
                name: read_number(
                    *sent.get(name, ("", "")),
                    table.comma_is_doubtful,
                    kpi.get("unit", "") if name == "value" else "",
                )
                for name in (*NUMBERS, *LINES, LAST)
            }
            milestone = ""
            if kpi.get("kind") == MILESTONE and not cells["value"].blank:
                milestone = statuses.get(clean_name(sent["value"][0]).casefold(), "")
                fault = "" if milestone else "milestone-unknown"
                detail = ", ".join(statuses.values())
                cells["value"] = Number(taken=milestone, fault=fault, detail=detail)
            cells["kpi_id"] = match._replace(fault=_fault_of_id(match, sent, at))
            cells["period"] = read_period(*sent["period"], kpi)
            cells["status"], cells["note"] = read_status(*sent["status"]), read_text(*sent["note"])
            for name, cell in cells.items():
                found[name].append(cell)
            places.append((table, at, table.file, table.sheet, line, folder.label, milestone))
    columns = ["table", "position", "file", "sheet", "row", "received", "milestone"]
    frames = {one: pd.DataFrame(found[one], columns=cell._fields) for one, cell in _CELLS.items()}
    parts = [frame.add_prefix(f"{name}_") for name, frame in frames.items()]
    rows = pd.concat([pd.DataFrame(places, columns=columns), *parts], axis=1)
    rows = rows.rename(columns={f"{name}_value": name for name in _CELLS})
    rows["period"] = [cell.taken for cell in found["period"]]
    rows["quarter"] = [str(cell.quarter or "") for cell in found["period"]]
    rows = rows.fillna({"kpi_id": "", "note": "", "status": ""})
    of_kpi = known.kpis.set_index("kpi_id").reindex(rows["kpi_id"])[_OF_KPI]
    rows[_OF_KPI] = of_kpi.fillna({"unit": "", "rounded_to": 0}).set_axis(rows.index)
    return rows.rename(columns={"period_month": "month"})


def _fault_of_id(match: Text, sent: Mapping[str, tuple[str, str]], at: int) -> str:
    """The fault of an id, or of its row: a footnote or units. A total is known by its id."""
    value, *others = (sent[name][0].strip() for name in ("value", *PARTS, "period", "status"))
    unknown = match.fault in ("id-unknown", "id-missing")
    there = any((value, *others))
    noted = sent["note"][0].strip()
    if not there and (match.fault == "id-missing" or unknown and not noted):
        return "row-footnote"
    if not unknown or at or re.search(r"\d", " ".join([value, *others, noted])):
        return match.fault
    unit = value.strip(" ()")
    is_unit = known_unit(unit) or meant_unit(unit) or unit.casefold() in ("numeric", "decimal")
    return "row-units" if is_unit else match.fault


def _bad(rows: pd.DataFrame) -> Any:
    """Which rows are refused."""
    places = zip(rows["table"], rows["position"], strict=True)
    return np.array([table.bad[at] for table, at in places], dtype=bool)


def _note(rows: pd.DataFrame, column: str, code: Any, broken: Any, detail: Any = "") -> None:
    """Note a rule where it is `broken`; `code` and `detail`: of all rows, or one for each."""
    if not broken.any():
        return
    found = rows[["table", "position"]].assign(code=code, detail=detail)[broken]
    for row in found.to_dict("records"):
        row["table"].fault(row["position"], column, row["code"], row["detail"])


def _rules(rows: pd.DataFrame, known: Catalogue) -> Iterator[tuple[str, Any, Any, Any]]:
    """The rules of a row of a known KPI: column, code, which rows break it, its particulars."""
    value, above, below = (rows[name] for name in NUMBERS)
    unit, low, high, rounding = (rows[name] for name in _OF_KPI[:4])
    quarter, status = rows["quarter"], rows["status"]
    reason, blank = rows["value_reason"], rows["value_blank"]
    readable, percentage = (rows["kpi_id"] != "") & (quarter != ""), unit == "%"
    lines = with_targets(rows.loc[readable, ["kpi_id", "quarter"]], known.targets)
    lines = lines[[*LINES]].reindex(rows.index)

    holds = np.array([_holds_rows(text, known.ids) for text in rows["note"]], dtype=bool)
    yield "note", "text-rows", holds, ""
    yield "period", "period-year", rows["period_notice"] != "", rows["period_notice"]
    titles = rows["received"].map(lambda label: Quarter.parse(label).title)
    yield "period", "period-future", quarter > rows["received"], titles
    last = rows["last_quarter"].astype("object").fillna("")
    titles = [Quarter.parse(label).title if label else "" for label in last]
    yield "period", "period-retired", (last != "") & (quarter > last), titles
    money = unit.map(lambda one: unit_family(one).money).astype(bool)
    for name in NUMBERS:
        percent = rows[f"{name}_percent"] & ~percentage & (name == "value")
        yield name, "value-sign", percent | rows[f"{name}_pound"] & ~money, unit
    for name in PARTS:
        yield name, "parts-sign", rows[f"{name}_percent"], ""
    yield "numerator", "value-negative", (above < 0) & (low >= 0), ""
    yield "denominator", "value-negative", below < 0, ""

    # a percentage of at most one, where nothing says that it is meant so
    parts = above.notna() & below.notna()
    by_kpi = value.where(readable).groupby([rows["table"].map(id), rows["kpi_id"]])
    usual = by_kpi.transform("median")
    near = lines.min(axis=1).fillna(usual)
    fraction = readable & percentage & ~rows["value_percent"] & ~parts & (value > 0) & (value <= 1)
    figures = near.map(" with figures near {:g}".format)
    yield "value", "value-fraction", fraction & (near > WELL_ABOVE_SHARES), figures
    whole = (unit == "count") & (rows["decimals"].fillna(0) == 0)
    yield "value", "value-fractional", whole & (value % 1 > 0), ""
    for name in LINES:
        sent, line = rows[name], lines[name]
        typed = (sent - line).abs() > 0.5 * 10.0 ** -rows[f"{name}_decimals"] + 1e-9
        called = name.replace("_", " ")
        both = [f"{called} {a:g} where {b:g} is" for a, b in zip(sent, line, strict=True)]
        yield name, "target-typed", typed, both

    capped = percentage & (high <= 100)
    over = capped & (below > 0) & (above - below > rounding)
    yield "denominator", "parts-zero", below == 0, ""
    yield "numerator", "parts-over", over, ""
    made, decimals = _made(rows), rows["value_decimals"]
    allowed = 0.5 * 10.0**-decimals + 1e-9 * made.abs().clip(lower=1)
    compared = value.mask((rounding > 0) & (made == 100), value.clip(upper=100))
    words = [f"{one:,.{places + 1}f}" for one, places in zip(made, decimals, strict=True)]
    yield "value", "value-unlike-parts", (compared - made).abs() > allowed, words

    without = status.isin(STATUSES_WITHOUT_VALUE)
    given = value.notna() | (rows["milestone"] != "")
    no_number = ~given & (rows["value_fault"] == "")
    withheld = parts & no_number & (~blank | without)
    yield "numerator", "parts-withheld", withheld, status.where(blank, reason)
    yield "status", "status-with-value", without & given, status
    other = without & ~blank & no_number & (reason != NOT_AVAILABLE) & (reason != status)
    words = reason + ', but the status says "' + status + '"'
    yield "value", "status-other-reason", other, words
    beyond = (value < low) | (value > high) & ~((rounding > 0) & parts & ~over)
    found = [outside(*one) for one in zip(value, low, high, percentage, strict=True)]
    codes, details = ([one[at] for one in found] for at in (0, 1))
    yield "value", codes, beyond, details
    yield LAST, "last-typed", no_number & blank & rows[LAST].notna(), ""
    unexplained = no_number & blank & ~without & made.isna() & ~_bad(rows)
    alone = above.notna() | below.notna()
    yield "value", "parts-alone", unexplained & alone, ""
    yield "status", "status-without-value", unexplained & ~alone & (status != ""), status


def _made(rows: pd.DataFrame) -> pd.Series:
    """The figure that the parts make; above 100 by their rounding it is 100."""
    _, above, below = (rows[name] for name in NUMBERS)
    made = rows["unit"].map(MULTIPLIERS).astype("float64") * above / below.where(below > 0)
    capped = (rows["unit"] == "%") & (rows["range_high"] <= 100) & (rows["rounded_to"] > 0)
    return made.mask(capped, made.clip(upper=100))


def _holds_rows(note: str, ids: Ids) -> bool:
    """Whether a line of the note, but for the first, is a row: an id and a period in its cells."""
    lines = [re.split(r"[,;\t]", line) for line in note.split("\n")[1:]]
    return any(
        any(ids.find(cell).taken for cell in cells)
        and any(not read_period(cell).fault for cell in cells)
        for cells in lines
        if len(cells) > 2
    )


def _settled(rows: pd.DataFrame) -> pd.DataFrame:
    """With figures that follow from their parts; the status: a figure's, or why there is none."""
    value, made, blank = rows["value"], _made(rows), rows["value_blank"]
    without = rows["status"].isin(STATUSES_WITHOUT_VALUE)
    follows = blank & ~without & made.notna()
    capped = (rows["rounded_to"] > 0) & (made == 100) & (value > 100)
    why = pd.Series("", rows.index).mask(follows, "it follows from numerator and denominator")
    why = why.mask(capped, "above 100 by the rounding of its parts")
    value = value.mask(follows, made).mask(capped, 100.0)
    taken = rows["value_taken"].mask(why != "", value.map("{:.15g}".format))
    given = value.notna() | (rows["milestone"] != "")
    kept = given | without & (blank | (rows["value_reason"] == NOT_AVAILABLE))
    status = rows["status"].where(kept, rows["value_reason"])
    status = status.mask(given & (status == ""), FINAL)
    silent = ~given & blank & (rows["status"] == "")
    return rows.assign(value=value, value_taken=taken, value_why=why, status=status, silent=silent)


def _log(rows: pd.DataFrame) -> None:
    """Log each cell of accepted rows that was taken otherwise than written."""
    places = list(zip(rows["table"], rows["position"], strict=True))
    for column in (*NUMBERS, "kpi_id", "period", "status", "note"):
        taken = rows[f"{column}_taken" if column in NUMBERS else column]
        reasons = rows.get(f"{column}_why", pd.Series("", rows.index))
        for (table, at), text, why in zip(places, taken, reasons, strict=True):
            table.changed(at, column, text, why)


def _check_duplicates(rows: pd.DataFrame) -> None:
    """A KPI and period sent more than once for a folder: refused where the rows differ."""
    rows = rows[(rows["kpi_id"] != "") & (rows["quarter"] != "")]
    keys = ["received", "kpi_id", "period"]
    rows = rows[rows.duplicated(keys, keep=False)]
    # a refused row is like no other
    texts = rows[["value", *PARTS]].map("{:.12g}".format)
    bad = _bad(rows)
    texts = texts.assign(**rows[["status", "note", "milestone"]], place=rows.index.where(bad, -1))
    rows = rows.assign(content=list(texts.itertuples(index=False, name=None)), bad=bad)
    for _, places in rows.groupby(keys, sort=False):
        alike, same = places.to_dict("records"), places["content"].nunique() == 1
        for row in alike if not same else [one for one in alike if not one["bad"]]:
            table, others = row["table"], [one for one in alike[:6] if one is not row][:5]
            files = ["" if one["table"] is table else f" of {one['file']}" for one in others]
            named = [f"row {one['row']}{file}" for one, file in zip(others, files, strict=True)]
            code = "duplicate-same" if same else "duplicate-conflict"
            table.fault(row["position"], "kpi_id", code, "; ".join(named))
