"""A sheet of somebody else's workbook → where its headings are, what each column holds, which rows are KPIs.

Knows sheets and words, no files of ours. Everything decided here is a row of the mapping, with how sure it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from kpi_tools.collect.columns import MEANINGS, OF_PERIOD, Column, as_given, is_number, settle
from kpi_tools.collect.recognise import (
    CERTAIN,
    LIKELY,
    NOT_TOLD,
    find_period,
    folded,
    kind_of,
    quarter_of,
    recognise,
    year_in,
)
from kpi_tools.collect.sheets import Sheet
from kpi_tools.errors import InputError
from kpi_tools.loading.cells import DATE, MONTH, YEAR, clean_name

_DEEP: Final = 60


@dataclass
class Found:
    """The table in a sheet: its columns, the lines of its KPIs with section and directorate, the lines of notes."""

    sheet: Sheet
    columns: list[Column]
    rows: dict[int, tuple[str, str]]
    notes: dict[int, str]
    year: int | None

    def of(self, *meanings: str) -> list[Column]:
        """The columns of these meanings."""
        return [column for column in self.columns if column.means in meanings]


def find_table(sheet: Sheet, given: Mapping[tuple[str, str], Mapping[str, str]]) -> Found | None:
    """The table of KPIs in a sheet; None where there is none. `given`: by sheet and letter what a person says of a column.

    Raises `InputError` where headings contradict each other or name what cannot be.
    """
    best = None
    for one in (sheet, sheet.across()):
        block = _heading_lines(one)
        if not block:
            continue
        names = _name_places(one, block)
        periods = sum(
            bool(find_period(_heading(one, block, place)).label) for place in range(one.width)
        )
        score = (
            bool(names) and not one.turned,
            periods,
            sum(_hits(one, line)[0] for line in block),
        )
        if best is None or score > best[0]:
            best = (score, one, block)
    return _table(best[1], best[2], given) if best else None


def _hits(sheet: Sheet, line: int) -> tuple[int, int]:
    """How many cells of a line are headings that are recognised, and how many there are; merged ones count once."""
    hits = filled = 0
    for place in range(sheet.width):
        text = sheet.cells.get((line, place), "")
        if text.strip():
            filled += 1
            hits += len(text) <= 90 and _is_heading(_shown(sheet, line, place))
    return hits, filled


def _is_heading(text: str) -> bool:
    if re.fullmatch(r"[\d.,%£ ]+", text) and not re.fullmatch(r"20\d\d", text.strip()):
        return False
    when = find_period(text)
    named = bool(when.label or when.open or when.fault)
    meaning = recognise("heading", when.rest)
    return named and (not when.rest or meaning is not None) or meaning is not None


def _shown(sheet: Sheet, line: int, place: int) -> str:
    """A heading as it shows: dates of a workbook as a month, a year alone."""
    text, kind = sheet.text(line, place), sheet.kinds.get((line, place), "")
    if kind == YEAR:
        return text[:4]
    return text[:7] if kind in (MONTH, DATE) else text


def _heading_lines(sheet: Sheet) -> list[int]:
    """The lines of headings, upper ones first: the best of the first lines, with those that belong to it."""
    scored = {line: _hits(sheet, line) for line in sheet.lines[:_DEEP]}
    heads = {line for line, (hits, filled) in scored.items() if hits >= 2 and 2 * hits >= filled}
    if not heads:
        return []
    best = max(heads, key=lambda line: (scored[line][0], -line))
    block = [best]
    for step in (-1, 1):
        line = best + step
        while line in scored and scored[line][0] and 2 * scored[line][0] >= scored[line][1]:
            wide = scored[line][1] > 1 or not _is_title(sheet, line)
            if not wide or step > 0 and line not in heads:
                break
            if step > 0 and _repeats(sheet, line, block):
                break
            block.append(line)
            line += step
    return sorted(block)


def _is_title(sheet: Sheet, line: int) -> bool:
    left, right = sheet.single.get(line, (0, 0))
    return line not in sheet.single or (left == 0 and right + 1 >= sheet.width)


def _repeats(sheet: Sheet, line: int, block: list[int]) -> bool:
    """Whether a line of headings below another says of most places something of its own kind again."""
    upper = [_shown(sheet, block[0], place) for place in range(sheet.width)]
    lower = [_shown(sheet, line, place) for place in range(sheet.width)]
    both = [(find_period(a), find_period(b)) for a, b in zip(upper, lower, strict=True) if a and b]
    return sum(bool(a.label and b.label) for a, b in both) > 1


def _heading(sheet: Sheet, block: list[int], place: int) -> str:
    """The headings over a place, the upper first, each once; a group's heading reaches to the next one's."""
    said = []
    for line in block:
        text = _shown(sheet, line, place)
        if not text and line != block[-1] and _shown(sheet, block[-1], place):
            text = _group(sheet, line, place, block)
        if clean_name(text) and clean_name(text) not in said:
            said.append(clean_name(text))
    return " ".join(said)


def _group(sheet: Sheet, line: int, place: int, block: list[int]) -> str:
    """The period that stands left of a blank in an upper line of headings, centred over several columns."""
    for before in range(place - 1, -1, -1):
        if text := _shown(sheet, line, before):
            merged = (line, before) in sheet.cells and any(
                top == line and left <= before <= right and right > left
                for top, left, _, right in sheet.merged
            )
            when = find_period(text)
            known = when.label or when.open or _group_of_columns(text)
            return "" if merged or not known else text
    return ""


def _group_of_columns(text: str) -> bool:
    found = recognise("heading", text)
    return found is not None and found.means in OF_PERIOD


def _name_places(sheet: Sheet, block: list[int]) -> list[int]:
    return [
        place
        for place in range(sheet.width)
        if (found := recognise("heading", _heading(sheet, block, place)))
        and found.means == "kpi_name"
    ]


def _table(
    sheet: Sheet, block: list[int], given: Mapping[tuple[str, str], Mapping[str, str]]
) -> Found:
    top = [line for line in sheet.lines if line < block[0]]
    titles = [clean_name(sheet.cells[where]) for where in sorted(sheet.cells) if where[0] in top]
    year = year_in([sheet.name, *titles])
    context = next(
        (
            w.label
            for w in map(find_period, [sheet.name, *titles])
            if kind_of(w.label) in ("quarter", "month")
        ),
        "",
    )
    body = [line for line in sheet.lines if line > block[-1]]
    if year is None:  # other headings may name the only year there is
        headings = (
            find_period(_heading(sheet, block, place)).label for place in range(sheet.width)
        )
        years = {quarter_of(label).year for label in headings if label}
        year = years.pop() if len(years) == 1 else None
    dated = kind_of(find_period(sheet.name).label) in ("quarter", "month")
    columns = [
        column
        for place in range(sheet.width)
        if (column := _column(sheet, block, place, body, year))
    ]
    columns = settle(sheet, columns, body, context, dated)
    columns = [as_given(column, given.get((column.sheet, column.letter), {})) for column in columns]
    rows, notes = _rows(sheet, block, body, columns)
    return Found(sheet, columns, rows, notes, year)


def _column(
    sheet: Sheet, block: list[int], place: int, body: list[int], year: int | None
) -> Column | None:
    heading = _heading(sheet, block, place)
    texts = [text for line in body if (text := sheet.cells.get((line, place), "").strip())]
    fills = any((line, place) in sheet.fills for line in body)
    if not heading and not texts and not fills:
        return None
    where = sheet.where(block[-1], place)
    letter = re.sub(r"\d", "", where) if not sheet.turned else re.sub(r"\D", "", where)
    column = Column(sheet.name, place, letter, heading, "ignore", sure=NOT_TOLD)
    when = find_period(heading, year)
    if when.fault:
        raise InputError(f'{_in(sheet)}The heading "{heading}" ({where}) cannot be: {when.fault}.')
    meaning = recognise("heading", when.rest)
    named = bool(when.label or when.open)
    means, sure = (
        meaning if meaning else ("actual", CERTAIN) if named and not when.rest else ("", "")
    )
    if named and means in ("period", "total"):
        means = "actual"
    if means in ("", "period") and sheet.turned and place == 0:
        means, sure = "kpi_name", LIKELY
    why = f'"{heading}"' if heading else "no heading"
    if named and not means:
        means, sure = ("actual", LIKELY) if _mostly(texts, is_number) else ("ignore", NOT_TOLD)
        why = f'a period and "{when.rest}", which is not known'
    means, sure, why = _by_cells(means, sure, why, texts, named)
    if means in OF_PERIOD and when.open and not when.label:
        return replace(column, means=means, sure=NOT_TOLD, why=when.open)
    if LIKELY in (when.sure, sure) and sure != NOT_TOLD:
        sure = LIKELY
        why += "; the year is that of the title" if when.sure == LIKELY else ""
    return replace(
        column, means=means or "ignore", period=when.label, sure=sure or NOT_TOLD, why=why
    )


def _mostly(texts: list[str], test: Any) -> bool:
    known = [text for text in texts if not recognise("no_figure", text)]
    return bool(known) and 3 * sum(bool(test(text)) for text in known) >= 2 * len(known)


def _by_cells(
    means: str, sure: str, why: str, texts: list[str], named: bool
) -> tuple[str, str, str]:
    """What a column is whose cells say something else than its heading, or that has none that is known."""
    rated = _mostly(texts, lambda text: recognise("rating", text) and not is_number(text))
    if means in ("", "actual", "rating", "target", "direction") and texts:
        if rated and means != "rating":
            return "rating", LIKELY, f"{why}; its cells are ratings"
        if means == "rating" and _mostly(texts, is_number):
            return "actual" if named else "ignore", LIKELY, f"{why}; its cells are numbers"
        words = [text for text in texts if not recognise("no_figure", text)]
        numbers = _mostly(texts, lambda text: re.search(r"\d", text))
        if means == "actual" and len(words) > 2 and not numbers:
            return "ignore", NOT_TOLD, f"{why}; its cells are words"
    several = len(texts) > 2 and len({*map(folded, texts)}) > 1
    if means in ("", "unit", "section") and several and all(recognise("row", t) for t in texts):
        return "row", LIKELY, f"{why}; it says what the figures of a row are"
    if not means and _mostly(
        texts, lambda text: recognise("polarity", text) and not is_number(text)
    ):
        return "direction", LIKELY, f"{why}; its cells are arrows"
    return means, sure, why


def _rows(
    sheet: Sheet, block: list[int], body: list[int], columns: list[Column]
) -> tuple[dict[int, tuple[str, str]], dict[int, str]]:
    """The lines of KPIs with their section and directorate, and the lines that are none with their texts."""
    by_means = {means: [one.place for one in columns if one.means == means] for means in MEANINGS}
    content = [
        one.place
        for one in columns
        if one.means not in ("kpi_name", "kpi_id", "section", "directorate")
    ]
    names, ids = by_means["kpi_name"], by_means["kpi_id"]
    rows: dict[int, tuple[str, str]] = {}
    notes: dict[int, str] = {}
    section, above, waiting = "", "", list[tuple[int, str]]()
    for line in body:
        own = {
            place: text
            for place in range(sheet.width)
            if (text := sheet.cells.get((line, place), "").strip())
        }
        if not own:
            continue
        if _is_repeated(sheet, line, block, columns):
            notes[line] = "the headings again"
            continue
        filled = [place for place in own if place in content]
        named = any(sheet.text(line, place).strip() for place in names)
        coded = any(place in own for place in ids)
        text = clean_name(" ".join(own.values()))
        is_note = recognise("note", next(iter(own.values())))
        numbers = sum(is_number(own[place]) for place in filled)
        if is_note and (is_note.means == "total" or not numbers) and not coded:
            notes[line] = f"a {is_note.means}: {text[:80]}"
        elif len(own) == 1 and line in sheet.single:
            waiting.append((line, text))
        elif named and (filled or coded or (len(own) > 1 and line not in sheet.single)):
            if waiting:
                above = waiting[-2][1] if len(waiting) > 1 else above
                section, waiting = waiting[-1][1], []
            rows[line] = (section, above)
        elif len(own) == 1 or line in sheet.single:
            waiting.append((line, clean_name(next(iter(own.values())))))
        elif filled or named:
            rows[line] = (section, above)
        else:
            notes[line] = f"no KPI: {text[:80]}"
    notes |= {line: f"a note: {text[:80]}" for line, text in waiting}
    return rows, notes


def _is_repeated(sheet: Sheet, line: int, block: list[int], columns: list[Column]) -> bool:
    """Whether a line below the headings is them again. Raises `InputError` where it contradicts them."""
    hits, filled = _hits(sheet, line)
    if hits < 3 or 3 * hits < 2 * filled:
        return False
    for column in columns:
        now, was = _shown(sheet, line, column.place), _heading(sheet, block, column.place)
        a, b = find_period(now), find_period(was)
        if a.label and b.label and a.label != b.label:
            raise InputError(
                f"{_in(sheet)}Two rows of headings disagree: {sheet.where(block[-1], column.place)} says "
                f'"{was}", {sheet.where(line, column.place)} says "{now}". Give each table a sheet of its own.'
            )
    return True


def _in(sheet: Sheet) -> str:
    return f'Sheet "{sheet.name}": ' if sheet.name else ""
