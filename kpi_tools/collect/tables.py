"""A sheet of somebody else's workbook → its headings, what each column holds, which rows are KPIs.
Each decision is a row of the mapping, with how sure it is."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from kpi_tools.collect import message
from kpi_tools.collect.periods import find_period, kind_of, quarter_of, year_in, years_label
from kpi_tools.collect.recognise import Sure, folded, recognise
from kpi_tools.collect.sheets import Sheet
from kpi_tools.errors import InputError
from kpi_tools.loading.cells import clean_name

FIGURES: Final = ("actual", "cumulative", "target", "floor_standard", "numerator", "denominator")
"""Meanings of columns that hold figures of the KPI itself."""
OF_PERIOD: Final = (*FIGURES, "rating", "commentary", "management_action")
_ONCE: Final = ("kpi_name", "kpi_id", "section", "owner", "unit", "polarity", "frequency")
OF_KPI: Final = (*_ONCE, "directorate", "definition")
LEFT: Final = (
    *("to_date", "previous", "forecast", "benchmark", "direction", "total", "tolerance", "ignore"),
)
MEANINGS: Final = (*OF_KPI, *OF_PERIOD, "period", "row", *LEFT)
"""All that a column can be taken for; `row` says row by row what its figures are."""
_GENERAL: Final = ("target", "floor_standard", "commentary", "management_action")
"""What may stand once for all periods of a sheet."""
_NAMES: Final = ("ignore", "definition")
"""What a column may have been taken for that holds the names."""
_NOT_KNOWN: Final = "which is not known"
_DEEP: Final = 60
_EARLIER: Final = re.compile(r"\b(last|previous|prior|prev|preceding)\b( year\b| quarter\b)?\W*")
_YEARLY: Final = re.compile(r"\b(annual|yearly|full year|year[- ]end|end of year)\b")
_CODE: Final = re.compile(r"[a-z]{0,6}[ ./-]?\d[\d./-]{0,7}[a-z]?")
_NUMBER: Final = re.compile(r"[-+(<>≤≥]*\s?£?\s?-?[\d,]*\.?\d+\s?[%kmn]*\)?")


def is_number(text: str) -> bool:
    """Whether a cell holds a number, with the signs that people write beside it."""
    return bool(_NUMBER.fullmatch(folded(text)))


@dataclass
class Column:
    """What a column was taken for, and the period that it is of, with how sure that is and why."""

    sheet: str
    place: int
    letter: str
    where: str
    heading: str
    means: str = "ignore"
    period: str = ""
    sure: str = Sure.CERTAIN
    why: str = ""

    @property
    def open(self) -> bool:
        """Whether something about it has to be said by a person."""
        return self.sure == Sure.UNKNOWN and self.means in OF_PERIOD

    def take(self, why: str, **changes: str) -> None:
        """Take it for something that is likely."""
        vars(self).update(changes, sure=Sure.LIKELY, why=why)


@dataclass
class Table:
    """The table in a sheet: columns, the lines of KPIs with their section, those of totals."""

    sheet: Sheet
    columns: list[Column]
    rows: dict[int, str]
    totals: dict[int, str]
    year: int | None

    def of(self, *meanings: str) -> list[Column]:
        """The columns of these meanings."""
        return [column for column in self.columns if column.means in meanings]


def find_table(sheet: Sheet, answers: Mapping[tuple[str, str], Mapping[str, str]]) -> Table | None:
    """The table of KPIs in a sheet, its columns as `answers` (by sheet and letter) have them; None
    where there is none. Raises `InputError` where headings contradict each other or name what
    cannot be."""
    found = []
    for one in (sheet, sheet.across()):
        if block := _heading_lines(one):
            heads = _headings(one, block)
            named = any(_means(head) == "kpi_name" for head in heads) and not one.turned
            whens = map(find_period, heads)
            periods = sum(bool(when.label or when.open) for when in whens)
            hits = sum(_hits(one, line)[0] for line in block)
            found.append(((named, periods, hits), one, block, heads))
    if not found:
        return None
    _, sheet, block, heads = max(found, key=lambda one: one[0])
    above = [text for (line, _), text in sorted(sheet.cells.items()) if line < block[0]]
    titles = [sheet.name, *map(clean_name, above)]
    year = year_in(titles)
    if year is None:  # other headings may name the only year there is
        years = {quarter_of(label).year for head in heads if (label := find_period(head).label)}
        year = years.pop() if len(years) == 1 else None
    body = [line for line in sheet.lines if line > block[-1]]
    lines_above = [line for line in sheet.lines if line < block[0]]
    columns = []
    for place, heading in enumerate(heads):
        cells = [(line, place) for line in body]
        if heading or any(cell in sheet.cells or cell in sheet.fills for cell in cells):
            where = sheet.where(block[-1], place)
            column = Column(sheet.name, place, sheet.letter(place), where, heading)
            texts = [text for cell in cells if (text := sheet.cells.get(cell, "").strip())]
            _take_heading(column, sheet, texts, year)
            columns.append(column)
    _settle(sheet, columns, body)
    _group(columns, titles)
    for column in columns:
        _answer(column, answers.get((column.sheet, column.letter), {}))
    return Table(sheet, columns, *_rows(sheet, body, columns, lines_above[-1:]), year)


def _means(text: str) -> str:
    found = recognise("heading", text)
    return found.means if found else ""


def _hits(sheet: Sheet, line: int) -> tuple[int, int]:
    """How many cells of a line are headings that are recognised, and how many there are."""
    row = sheet.row(line)
    return sum(len(text) <= 90 and _is_heading(text) for text in row.values()), len(row)


def _is_heading(text: str) -> bool:
    if re.fullmatch(r"[\d.,%£ ]+", text) and not re.fullmatch(r"20\d\d", text.strip()):
        return False
    when = find_period(text)
    named = bool(when.label or when.open or when.fault)
    return named and not when.rest or bool(_means(when.rest))


def _heading_lines(sheet: Sheet) -> list[int]:
    """The lines of headings, upper ones first: the best of the first lines, with its neighbours."""
    hits = {line: _hits(sheet, line) for line in sheet.lines[:_DEEP]}
    likely = {line for line, (known, filled) in hits.items() if known and 2 * known >= filled}
    heads = {line for line in likely if hits[line][0] > 1}
    if not heads:
        return []
    best = max(heads, key=lambda line: (hits[line][0], -line))
    first = last = best
    while first - 1 in likely and (hits[first - 1][1] > 1 or not _is_title(sheet, first - 1)):
        first -= 1
    while last + 1 in heads and not _repeats(sheet, best, last + 1):
        last += 1
    return list(range(first, last + 1))


def _is_title(sheet: Sheet, line: int) -> bool:
    left, right = sheet.single.get(line, (0, sheet.width))
    return left == 0 and right + 1 >= sheet.width


def _repeats(sheet: Sheet, upper: int, lower: int) -> bool:
    """Whether a line below headings names periods where they do."""
    pairs = ((sheet.text(upper, at), sheet.text(lower, at)) for at in range(sheet.width))
    return sum(bool(find_period(a).label and find_period(b).label) for a, b in pairs) > 1


def _headings(sheet: Sheet, block: list[int]) -> list[str]:
    """The headings over each place, the upper first, each once. What stands over the first of
    several columns reaches to the next one's, if it is a period or what is of a period."""
    rows = []
    for line in block:
        texts = [sheet.text(line, place) for place in range(sheet.width)]
        reaching = ""
        for place, text in enumerate(texts):
            if text:
                when = find_period(text)
                reaches = bool(when.label or when.open) or _means(text) in OF_PERIOD
                reaching = text if reaches else ""
            elif line != block[-1] and sheet.text(block[-1], place):
                texts[place] = reaching
        rows.append(map(clean_name, texts))
    return [" ".join(dict.fromkeys(filter(None, texts))) for texts in zip(*rows, strict=True)]


def _take_heading(column: Column, sheet: Sheet, texts: list[str], year: int | None) -> None:
    """What a column is taken for by its heading, and by its cells where they say otherwise."""
    heading = column.heading
    when = find_period(heading, year)
    if when.fault:
        raise InputError(message("heading", sheet=_in(sheet), column=column, fault=when.fault))
    named = bool(when.label or when.open)
    means, sure = recognise("heading", when.rest) or ("", Sure.UNKNOWN)
    why = f'"{heading}"' if heading else "no heading"
    if means in ("period", "actual") and _means(heading) == "cumulative":
        means = "cumulative"
    if "previous" in (means, _means(heading)):
        heading_says = when.label and when.sure == Sure.CERTAIN  # the heading says which one
        means = _means(_EARLIER.sub("", when.rest)) or "actual" if heading_says else "previous"
    if named and (means in ("period", "total") or not when.rest):
        means, sure = "actual", sure if means else Sure.CERTAIN
    elif means in ("", "period") and sheet.turned and column.place == 0:
        means, sure = "kpi_name", Sure.LIKELY
    elif named and not means:
        means, sure = "actual" if _mostly(texts, is_number) else "", Sure.LIKELY
        why = f'a period and "{when.rest}", {_NOT_KNOWN}'
    band = recognise("band", when.rest)
    if band and _mostly(texts, lambda text: recognise("threshold_within", text)):
        means, sure = band
    if other := _by_cells(means, texts, named):
        means, sure, reason = other
        why = f"{why}; {reason}"
    column.means = means or "ignore"
    if column.means in OF_PERIOD and when.open:
        column.sure, column.why = Sure.UNKNOWN, when.open
        return
    if when.sure == Sure.LIKELY and sure != Sure.UNKNOWN:
        sure, why = Sure.LIKELY, f"{why}; the year is that of the title"
    column.period, column.sure, column.why = when.label, sure if means else Sure.UNKNOWN, why


def _mostly(texts: list[str], test: Callable[[str], object]) -> bool:
    known = [text for text in texts if not recognise("no_figure", text)]
    return bool(known) and 3 * sum(bool(test(text)) for text in known) >= 2 * len(known)


def _by_cells(means: str, texts: list[str], named: bool) -> tuple[str, str, str] | None:
    """What a column is whose cells say something else than its heading."""
    words = sum(not recognise("no_figure", text) for text in texts)
    rated = _mostly(texts, lambda text: recognise("rating", text) and not is_number(text))
    if rated and means in ("", "actual", "target", "direction"):
        return "rating", Sure.LIKELY, "its cells are ratings"
    if means == "rating" and _mostly(texts, is_number):
        return "actual" if named else "ignore", Sure.LIKELY, "its cells are numbers"
    if means == "actual" and words > 2 and not _mostly(texts, lambda t: re.search(r"\d", t)):
        return "ignore", Sure.UNKNOWN, "its cells are words"
    several = len(texts) > 2 and len({*map(folded, texts)}) > 1
    if (
        means in ("", "unit", "section")
        and several
        and _mostly(texts, lambda t: recognise("row", t))
    ):
        return "row", Sure.LIKELY, "it says what the figures of a row are"
    return None


def _is_code(text: str) -> bool:
    return bool(_CODE.fullmatch(folded(text)))


def _settle(sheet: Sheet, columns: list[Column], body: list[int]) -> None:
    """What follows from all columns together: which one has the names, which stand twice."""
    full = [line for line in body if len(sheet.row(line)) > 1]
    texts = {
        at: [text for line in full if (text := sheet.cells.get((line, one.place), ""))]
        for at, one in enumerate(columns)
    }
    words = {at: {text for text in known if not is_number(text)} for at, known in texts.items()}
    titles = {at for at in words if len(words[at]) > 1 and not _mostly(texts[at], _is_code)}
    for at, one in enumerate(columns):
        named = one.means == "kpi_name" or one.means == "ignore" and len(words[at]) > 1
        others = any(columns[other].means in ("kpi_name", *_NAMES) for other in titles - {at})
        if named and others and _mostly(texts[at], _is_code):
            one.take("its cells are codes", means="kpi_id")
    if not any(one.means == "kpi_name" for one in columns):
        likely = [at for at in words if columns[at].means in (*_NAMES, "section", "kpi_id")]
        best = max(
            likely,
            key=lambda at: (at in titles, len(words[at]), sum(map(len, words[at]))),
            default=-1,
        )
        if len(words.get(best, ())) > 1:
            columns[best].take("the column with the most different texts", means="kpi_name")
    targets = [one for one in columns if one.means == "target"]
    bands = [one for one in targets if recognise("band", one.heading)]
    for one in bands if len(targets) > len(bands) else ():
        one.take("beside a target it says what is better", means="polarity")
    for means in (*_ONCE, "row"):
        for one in [one for one in columns if one.means == means][1:]:
            means_now = "definition" if means == "kpi_name" else "ignore"
            one.take(f"a second column of {means}", means=means_now)
    if not any(one.means == "actual" for one in columns):
        for one in columns:
            if one.means == "to_date" and "target" in folded(one.heading):
                one.means = "target"


def _group(columns: list[Column], titles: list[str]) -> None:
    """Give columns without a period one: repeated ones that of the figure beside them, one alone
    that of the title."""
    labels = [find_period(title).label for title in titles]
    dated = [label for label in labels if kind_of(label) in ("quarter", "month")]
    in_name = labels[:1] == dated[:1] or bool(find_period(titles[0]).open)
    name_year = year_in(titles[:1])
    figures = [one for one in columns if one.means in ("actual", "cumulative")]
    figures = [one for one in figures if one.period or one.sure == Sure.UNKNOWN]
    years = [quarter_of(one.period).year for one in figures if one.period]
    for one in columns:
        if one.means in ("target", "floor_standard") and not one.period and years:
            if name_year is not None or _YEARLY.search(folded(one.heading)):
                year = max(years) if name_year is None else name_year
                one.take(f"{one.why}; of the year of the figures", period=years_label(year))
            elif any(other.means == one.means and other.period for other in columns):
                one.sure, one.why = Sure.UNKNOWN, "others of its kind name their period"
        elif one.means == "actual" and _NOT_KNOWN in one.why:
            others = [other.period for other in figures if _NOT_KNOWN not in other.why]
            if one.period in others:
                one.take(f"{one.why}, beside the figure of the period", means="ignore")
    undated = [one for one in columns if one.means in OF_PERIOD and not one.period]
    for one in undated:
        alike = [other for other in undated if other.means == one.means]
        if one.sure == Sure.UNKNOWN:
            continue
        if len(alike) > 1 and figures:
            leads = figures[0].place >= alike[0].place
            before = [other for other in figures if other.place < one.place]
            after = [other for other in figures if other.place > one.place]
            for other in after[:1] if leads else before[-1:]:
                one.take(f"{one.why}; of the figure beside it, in {other.letter}")
                one.period, one.sure = other.period, Sure.LIKELY if other.period else other.sure
        elif dated and not figures and (in_name or one.means not in _GENERAL):
            where = "name of the sheet" if in_name else "title"
            one.take(f"{one.why}; the period is that of the {where}", period=dated[0])


def _answer(column: Column, given: Mapping[str, str]) -> None:
    """Take a column as the mapping has it."""
    means, period = given.get("taken_for") or column.means, given.get("period") or column.period
    if (means, period) == (column.means, column.period) and not column.open:
        return
    if means not in MEANINGS:
        options = ", ".join(MEANINGS)
        raise InputError(message("mapping_means", means=means, column=column, options=options))
    when = find_period(period)
    if period and not when.label:
        why = when.fault or when.open or "it names no period"
        raise InputError(message("mapping_period", period=period, column=column, why=why))
    settled = given.get("period") or means not in OF_PERIOD or not column.open
    column.means, column.period = means, when.label
    column.sure = Sure.GIVEN if settled else Sure.UNKNOWN


def _rows(
    sheet: Sheet, body: list[int], columns: list[Column], above: list[int]
) -> tuple[dict[int, str], dict[int, str]]:
    """The lines of KPIs with the section above them, and those of totals with what they say. The
    line `above` the headings names a section where they stand again below."""
    names = {one.place for one in columns if one.means == "kpi_name"}
    codes = {one.place for one in columns if one.means == "kpi_id"}
    of_rows = ("kpi_name", "kpi_id", "section", "directorate")
    content = {one.place for one in columns if one.means not in of_rows}
    rows, totals, section = dict[int, str](), dict[int, str](), ""
    repeated = {line for line in body if _is_repeated(sheet, line, columns)}
    for line in above if repeated else ():
        section = (
            clean_name(next(iter(sheet.row(line).values()))) if len(sheet.row(line)) == 1 else ""
        )
    for line in body:
        row = sheet.row(line)
        if not row or line in repeated:
            continue
        filled, coded = content & row.keys(), codes & row.keys()
        named = any(sheet.text(line, place).strip() for place in names)
        first, alone = clean_name(next(iter(row.values()))), len(row) == 1
        merged = line in sheet.single
        note = recognise("note", first)
        numbers = any(is_number(row[place]) for place in filled)
        if note and not (coded and named) and (note.means == "total" or not numbers):
            if note.means == "total":
                totals[line] = f"a total: {clean_name(' '.join(row.values()))[:80]}"
        elif (named and (filled or coded) and not (alone and merged)) or (
            (named or filled) and not (alone or merged)
        ):
            rows[line] = section
        elif alone or merged:
            section = first
    if any(rows.values()) and above and above[0] != sheet.lines[0]:
        over = [clean_name(text) for text in sheet.row(above[0]).values()]
        if len(over) == 1 and not find_period(over[0]).label:
            rows = {line: section or over[0] for line, section in rows.items()}
    return rows, totals


def _is_repeated(sheet: Sheet, line: int, columns: list[Column]) -> bool:
    """Whether a line below the headings is them again. Raises where it contradicts them."""
    hits, filled = _hits(sheet, line)
    if hits < 3 or 3 * hits < 2 * filled:
        return False
    for column in columns:
        now = sheet.text(line, column.place)
        labels = {find_period(now).label, find_period(column.heading).label} - {""}
        if len(labels) > 1:
            where = sheet.where(line, column.place)
            of = {"sheet": _in(sheet), "column": column, "where": where, "now": now}
            raise InputError(message("two_headings", **of))
    return True


def _in(sheet: Sheet) -> str:
    return f'Sheet "{sheet.name}": ' if sheet.name else ""
