"""A council's folder of raw data, made of what was found in a workbook: settings, KPIs, targets, returns and commentary."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from kpi_tools.collect.cells import Book, Cell, Kpi
from kpi_tools.collect.deduce import adds
from kpi_tools.collect.recognise import LAST_MONTHS, kind_of, quarter_of
from kpi_tools.loading.schemas import SCHEMAS, SETTINGS
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import STATUSES_WITHOUT_VALUE
from kpi_tools.workbooks.sheets import digits

_HEADINGS: Final = {
    "kpis": "kpi_id kpi_name section directorate owner unit polarity basis frequency due rated definition source",
    "targets": "kpi_id from_quarter target floor_standard applies profile reason",
    "returns": "kpi_id period value numerator denominator status note",
    "commentary": "kpi_id section commentary management_action author status",
}
Rows = list[dict[str, str]]


def csv_text(table: str, rows: Rows) -> str:
    """Rows as one of the council's own files; a column that is blank in every row is left away unless it is needed."""
    schema = SCHEMAS.get(table)
    needed = (
        {c.name for c in schema.columns if c.needed} if schema else {"kpi_id", "period", "value"}
    )
    needed |= {"target"} if table == "targets" else set()
    names = _HEADINGS[table].split()
    kept = [name for name in names if name in needed or any(row.get(name) for row in rows)]
    text = io.StringIO()
    writer = csv.DictWriter(text, kept, extrasaction="ignore", lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def council_toml(given: Mapping[tuple[str, str], Any], first: str = "") -> str:
    """council.toml with every setting: those `given` (by part and key) with their value, the others as a remark."""
    lines = [
        "# Every setting with its meaning and default. A line behind a # shows how it is written: take the # away to set it."
    ]
    lines += [f"# {first}"] if first else []
    parts = dict.fromkeys(one.part for one in SETTINGS)
    for part in parts:
        free = "" if part != "rating.schemes.NAME" else "# "
        lines += ["", f"{free}[{part}]"]
        for one in (one for one in SETTINGS if one.part == part):
            default = "" if one.default == "needed" else f" (default: {one.default})"
            lines.append(f"# {one.meaning}{default}")
            value = given.get((part, one.key))
            lines.append(
                f"{one.key} = {_toml(value)}"
                if value is not None
                else f"# {one.key} = {one.example}"
            )
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        rows = [", ".join(f"{k} = {_toml(v)}" for k, v in one.items()) for one in value]
        return "[\n" + "".join(f"  {{ {row} }},\n" for row in rows) + "]"
    return json.dumps(value, ensure_ascii=False)


def report_quarter(book: Book) -> Quarter | None:
    """The latest quarter that is whole: with a figure of its own, or of its last month. None without figures."""
    periods = {
        p for kpi in book.kpis for means in ("actual", "cumulative") for p in kpi.of(means) if p
    }
    whole = [
        quarter_of(p)
        for p in periods
        if kind_of(p) in ("quarter", "half") or kind_of(p) == "month" and p[5:] in LAST_MONTHS
    ]
    years = [quarter_of(p) for p in periods if kind_of(p) == "year"]
    return max(whole or years or [quarter_of(p) for p in periods], default=None)


def return_rows(kpi: Kpi, book: Book) -> Rows:
    """The figures of a KPI as rows of a return; what no return can hold goes among the cells left."""
    rows: dict[str, dict[str, str]] = {}
    own = kpi.of("actual")
    for (means, period), cell in sorted(kpi.figures.items(), key=lambda one: _order(one[0][1])):
        if means not in ("actual", "cumulative"):
            continue
        label, why = _label(kpi, period, own or kpi.of("cumulative"))
        if own and means == "cumulative":
            why = "a figure of the year to date beside figures of the periods themselves"
        earlier = rows.get(label, {})
        row = {"kpi_id": kpi.said["kpi_id"], "period": label, "_from": period}
        if cell.value is None:
            reports = kpi.said["frequency"] in ("quarterly", "monthly")
            if not why and reports and cell.reason in STATUSES_WITHOUT_VALUE and not earlier:
                rows[label] = row | {"status": cell.reason}
            continue
        value = digits(round(kpi.number(cell), 10))
        if not why and earlier.get("value"):
            same = "the same as" if earlier["value"] == value else "another figure than"
            why = f"{same} that of {earlier['_from']}, which was taken for {label}"
        if why:
            book.leave(kpi.sheet, cell.where, "figure", digits(cell.value), why)
            continue
        rows[label] = row | {"value": value, "status": "final", "note": cell.note}
        for name in ("numerator", "denominator"):
            if period in (parts := kpi.of(name)):
                rows[label][name] = digits(parts[period].value or 0)
    return list(rows.values())


def _order(period: str) -> tuple[str, str]:
    return (
        quarter_of(period).label if period else "",
        {"quarter": "0", "half": "1", "month": "2"}.get(kind_of(period), "3"),
    )


def _label(kpi: Kpi, period: str, figures: Mapping[str, Cell]) -> tuple[str, str]:
    """The period as a return of this KPI has it, or why it cannot be sent."""
    kind, frequency = kind_of(period), kpi.said["frequency"]
    if not kind:
        return "", "its heading names no period"
    if kind == "month" and frequency not in ("monthly", "weekly"):
        if period[5:] not in LAST_MONTHS:
            return "", f"a month of a KPI that is {frequency.replace('_', ' ')}"
        period, kind = quarter_of(period).label, "quarter"
    if frequency in ("annual", "biennial"):
        quarter = quarter_of(period)
        if kind == "year":
            return period, ""
        ended = quarter.year if quarter.number == 4 else quarter.year - 1
        return f"{ended}/{(ended + 1) % 100:02}", ""
    if kind == "year":
        if kpi.said.get("basis") == "year_to_date" or not any(
            kind_of(p) in ("quarter", "month") for p in figures
        ):
            return quarter_of(period).label, ""
        return "", "a figure of a whole year beside figures of parts of it"
    if kind == "half" and frequency != "half_yearly":
        return "", f"a half year of a KPI that is {frequency}"
    return (quarter_of(period).label if kind == "half" else period), ""


def target_rows(kpi: Kpi, book: Book) -> Rows:
    """The lines of a KPI as rows of targets.csv: one for each change."""
    covers, basis = kpi.said.get("target_covers", "quarter"), kpi.said.get("basis") or "quarter"
    lines: dict[str, dict[str, float]] = {}
    for means in ("target", "floor_standard"):
        months: dict[str, list[tuple[str, Cell]]] = {}
        for period, cell in kpi.of(means).items():
            if kind_of(period) == "month":
                months.setdefault(quarter_of(period).label, []).append((period, cell))
                continue
            parts = {
                quarter_of(one).year
                for one in kpi.of(means)
                if kind_of(one) in ("quarter", "month")
            }
            if kind_of(period) == "year" and quarter_of(period).year in parts:
                why = "a target of the whole year beside targets of its parts"
                book.leave(kpi.sheet, cell.where, "target", digits(cell.value or 0), why)
                continue
            since = "" if not period else quarter_of(period).label
            if kind_of(period) == "year":
                since = Quarter(quarter_of(period).year, 1).label
            factor = (
                {"month": 3.0, "year": 0.25}.get(covers, 1.0)
                if kpi.said["frequency"] not in ("annual", "biennial")
                else 1.0
            )
            lines.setdefault(since, {})[means] = kpi.number(cell) * factor
        for quarter, cells in months.items():
            numbers = [kpi.number(cell) for _, cell in sorted(cells)]
            summed = adds(kpi) and basis == "quarter" and kpi.said["frequency"] == "monthly"
            if summed and len(numbers) < 3:
                for _, cell in cells:
                    why = "a target of a month, of a quarter that is not whole"
                    book.leave(kpi.sheet, cell.where, "target", digits(cell.value or 0), why)
            else:
                lines.setdefault(quarter, {})[means] = sum(numbers) if summed else numbers[-1]
    words = {"year_end": {"applies": "year_end"}, "even": {"profile": "even"}}.get(covers, {})
    rows: Rows = []
    now: dict[str, float] = {}
    for since in sorted(lines):
        later = now | lines[since]
        if later != now:
            texts = {name: digits(round(number, 10)) for name, number in later.items()}
            rows.append({"kpi_id": kpi.said["kpi_id"], "from_quarter": since, **texts, **words})
        now = later
    return rows


def text_rows(kpis: Iterable[Kpi], report: Quarter) -> dict[Quarter, Rows]:
    """Commentary and actions by the report that they belong to; braces are kept from being read as tokens."""
    found: dict[Quarter, dict[str, dict[str, str]]] = {}
    for kpi in kpis:
        for (means, period), text in kpi.texts.items():
            if means in ("commentary", "management_action"):
                quarter = quarter_of(period) if period else report
                if kind_of(period) == "year" and quarter.year == report.year:
                    quarter = report
                row = found.setdefault(quarter, {}).setdefault(
                    kpi.said["kpi_id"], {"kpi_id": kpi.said["kpi_id"]}
                )
                plain = text.replace("{", "{{").replace("}", "}}")
                row[means] = f"{row[means]}\n\n{plain}" if means in row else plain
    return {quarter: list(rows.values()) for quarter, rows in found.items()}


def kpi_rows(kpis: Iterable[Kpi], source: str) -> Rows:
    """kpis.csv: what was told of each."""
    return [
        {
            name: text
            for name, text in kpi.said.items()
            if name not in ("multiply_by", "target_covers")
        }
        | {"definition": kpi.texts.get(("definition", ""), ""), "source": source}
        for kpi in kpis
    ]
