"""The sheets of a workbook as openpyxl reads them → texts of cells and what else a person sees."""

import io
import re
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple
from xml.etree.ElementTree import Element, tostring

from kpi_tools.errors import Refused
from kpi_tools.workbooks import parts as package
from kpi_tools.workbooks.parts import MAX_COLUMNS, MAX_ROWS, Part, is_of_book, local

MAX_FORMULAS: Final = 2_000
OUR_NOTES: Final = "kpi check"
"""The author of the notes that a workbook of rejected rows carries: they may come back with it."""
_KEPT_PARTS: Final = {
    "Types": (),
    "Relationships": (),
    "workbook": ("workbookPr", "sheets"),
    "worksheet": ("cols", "sheetData"),
    "sst": (),
    "styleSheet": (),
    "comments": (),
}
"""The parts that a return is about, by their root, and which of its elements where not all."""
_THEME_COLOUR: Final = re.compile(
    rb'<a:(?:dk|lt|accent|hlink|folHlink)\w*>\s*<a:\w+[^>]*?(?:lastClr|val)="([0-9A-Fa-f]{6})"'
)


def read_workbook(raw: bytes) -> dict[str, Any]:
    """The sheets of the workbook in `raw`: name, hidden, and of a visible one its rows as texts.
    Rows are those with anything in them. `kinds`: (line, place, kind) of cells whose text does not
    say what they are; `marks`: (line, place, code of `rules`, text) of what else is to be seen
    there; `fills`: (line, place, six digits) of what is filled with a colour; `merged`: ranges;
    `hidden_rows`, `hidden_columns`. `unknown`: what could not be read of the workbook's looks.
    Raises `Refused`."""
    from openpyxl.utils.cell import range_boundaries

    parts = package.parts_of(package.open_container(raw))
    listed = package.sheets_of(parts)
    book, unknown = _load(parts)
    if len(listed) != len(book.worksheets):
        raise Refused("file-truncated", "a sheet that it lists is not in it")
    noughts = any(sheet.noughts for sheet in listed)
    circular = _circular(_load(parts, formulas=True)[0].worksheets) if noughts else set()
    found, theme = [], _theme(parts)
    for sheet, seen in zip(book.worksheets, listed, strict=True):
        if sheet.sheet_state != "visible":
            found.append({"name": sheet.title, "hidden": True, "filled": seen.filled})
            continue
        here = [(line, column - 1) for name, line, column in circular if name == sheet.title]
        kinds = dict.fromkeys(here, "circular") | dict.fromkeys(seen.uncalculated, "formula")
        areas = [(ref, *range_boundaries(ref)) for ref in seen.merged if ":" in ref]
        merged = [(ref, left - 1, top, right, bottom) for ref, left, top, right, bottom in areas]
        found.append(_read_sheet(sheet, kinds, theme) | {"merged": merged})
    return {"sheets": found, "unknown": unknown}


def _load(parts: dict[str, Part], formulas: bool = False) -> tuple[Any, str]:
    """The workbook as openpyxl reads a copy of what a return is about, and what was left out of it:
    where it stumbles, it reads again without looks."""
    from openpyxl import load_workbook

    options = {"data_only": not formulas, "rich_text": not formulas, "keep_links": False}
    with suppress(Exception):  # whatever a style makes the reader raise
        return load_workbook(_copy(parts), **options), ""
    copy = _copy(parts, looks=False)
    return load_workbook(copy, **options), "formats, colours, fonts and comments"


def _copy(parts: dict[str, Part], looks: bool = True) -> io.BytesIO:
    """A workbook of what a return is about, perhaps without its looks."""
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w") as target:
        for name, part in parts.items():
            if part.kind not in _KEPT_PARTS or part.kind == "styleSheet" and not looks:
                continue
            content, kept = part.xml, _KEPT_PARTS[part.kind]
            if kept:
                only = Element(part.root.tag, part.root.attrib)
                only.extend(one for one in part.root if local(one) in kept)
                for one in () if looks else only.iter():
                    for which in ("s", "style"):
                        one.attrib.pop(which, None)
                content = tostring(only)
            elif part.kind == "Relationships" and name != "_rels/.rels" and not is_of_book(name):
                only = Element(part.root.tag)
                comments = [one for one in part.root if one.get("Type", "").endswith("/comments")]
                only.extend(comments if looks else ())
                content = tostring(only)
            target.writestr(name, content)
    return copy


def _circular(sheets: Iterable[Any]) -> set[tuple[str, int, int]]:
    """(sheet, line, column) of each formula that leads back to itself, or rests on one that does.
    Spreadsheet programs store 0 for those. Of more than `MAX_FORMULAS` none is looked into."""
    cells = [(sheet.title, cell) for sheet in sheets for row in sheet.iter_rows() for cell in row]
    uses = {
        (title, cell.row, cell.column): _areas(str(getattr(cell.value, "text", cell.value)), title)
        for title, cell in cells
        if cell.data_type == "f"
    }
    if len(uses) > MAX_FORMULAS:
        return set()
    rests_on = {
        cell: {
            (sheet, row, column)
            for sheet, row, column in uses
            for where, left, top, right, bottom in areas
            if where == sheet and top <= row <= bottom and left <= column <= right
        }
        for cell, areas in uses.items()
    }
    while free := {cell for cell, needs in rests_on.items() if not needs & rests_on.keys()}:
        rests_on = {cell: needs for cell, needs in rests_on.items() if cell not in free}
    return set(rests_on)


def _areas(formula: str, sheet: str) -> list[tuple[str, int, int, int, int]]:
    """The areas that a formula rests on: sheet, left, top, right, bottom."""
    from openpyxl.formula.tokenizer import Token, Tokenizer
    from openpyxl.utils.cell import range_boundaries

    areas = []
    for token in Tokenizer(formula).items:
        if token.type == Token.OPERAND and token.subtype == Token.RANGE:
            where, _, area = token.value.rpartition("!")
            with suppress(ValueError):  # a name
                left, top, right, bottom = range_boundaries(area.replace("$", ""))
                ends = right or MAX_COLUMNS, bottom or MAX_ROWS
                areas.append((where.strip("'") or sheet, left or 1, top or 1, *ends))
    return areas


def _theme(parts: dict[str, Part]) -> list[str]:
    """The workbook's own colours, six digits each, in the order in which cells number them."""
    theme = next((part.xml for part in parts.values() if part.kind == "theme"), b"")
    colours = [found.decode() for found in _THEME_COLOUR.findall(theme)[:12]]
    return [colours[at] for at in (1, 0, 3, 2, *range(4, 12))] if len(colours) == 12 else []


def _colour(colour: Any, theme: list[str]) -> str:
    """A colour as six digits, without its tint; "" where that cannot be told."""
    from openpyxl.styles.colors import COLOR_INDEX

    if colour is None or colour.type not in ("rgb", "theme", "indexed"):
        return ""
    system = ("000000", "FFFFFF")
    indexed = [*COLOR_INDEX[:64], *system]
    palette = {"rgb": [colour.rgb], "theme": theme or system[::-1], "indexed": indexed}[colour.type]
    at = 0 if colour.type == "rgb" else colour.value
    return str(palette[at])[-6:].upper() if at < len(palette) else ""


def _read_sheet(sheet: Any, kinds: dict[tuple[int, int], str], theme: list[str]) -> dict[str, Any]:
    rows, marks, fills = [], [], []
    looks: dict[int, Look] = {}
    for line, cells in enumerate(sheet.iter_rows(), start=1):
        texts = []
        for place, cell in enumerate(cells):
            if cell.comment and cell.comment.author != OUR_NOTES:
                marks.append((line, place, "cell-comment", str(cell.comment.text)))
            if cell.style_id not in looks:
                looks[cell.style_id] = look_of(cell, theme)
            look = looks[cell.style_id]
            if look.fill:
                fills.append((line, place, look.fill))
            if cell.value is None or (line, place) in kinds:
                texts.append("")
                continue
            text, kind, partly_struck = as_text(cell.value, cell.data_type, look)
            texts.append(text)
            if kind:
                kinds[line, place] = kind
            number = isinstance(cell.value, int | float)
            seen = {
                "cell-struck": look.struck or partly_struck,
                "cell-unseen": look.unseen or look.words and number and cell.value > 0,
                "cell-scaled": look.scaled and number,
            }
            marks += [(line, place, code, "") for code, there in seen.items() if text and there]
        while texts and not texts[-1]:
            texts.pop()
        if texts or any((line, place) in kinds for place in range(len(cells))):
            rows.append((line, texts))
    columns, hidden = list[int](), sheet.row_dimensions.items()
    for column in sheet.column_dimensions.values():
        if column.hidden or column.width == 0:
            columns += range(column.min - 1, min(column.max, MAX_COLUMNS))
    return {
        **{"name": sheet.title, "hidden": False, "rows": rows, "marks": marks, "fills": fills},
        "kinds": [(*where, kind) for where, kind in sorted(kinds.items())],
        "hidden_columns": columns,
        "hidden_rows": [line for line, row in hidden if row.hidden or row.height == 0],
    }


class Look(NamedTuple):
    """What the style of a cell makes of its value. `words`: it shows words for a number above zero;
    a dash for nought is how accounts are written. `fill`: the colour that fills it; "" for white,
    greys, and what cannot be told."""

    percent: bool = False
    month: bool = False
    year: bool = False
    seconds: bool = False
    words: bool = False
    unseen: bool = False
    scaled: bool = False
    struck: bool = False
    fill: str = ""


def look_of(cell: Any, theme: list[str]) -> Look:
    """The look of a cell of openpyxl."""
    look, font, fill = read_format(cell.number_format or ""), cell.font, cell.fill
    solid = fill is not None and fill.patternType == "solid"
    filled = _colour(fill.fgColor, theme) if solid else ""
    paper = (filled or "FFFFFF", fill.fgColor.tint if solid else 0)
    colour = font.color if font is not None else None
    ink = (_colour(colour, theme) or "000000", colour.tint if colour is not None else 0)
    parts = [int(filled[at : at + 2], 16) for at in (0, 2, 4)] if filled else [0]
    return look._replace(
        unseen=look.unseen or ink == paper,
        struck=bool(font and font.strike),
        fill=filled if max(parts) - min(parts) > 15 else "",
    )


_LITERAL: Final = re.compile(r'"[^"]*"|\[(?![hms]+\])[^\]]*\]|\\.|_.', re.I)


def read_format(form: str) -> Look:
    """What the format of a number makes of it. Formats with conditions are not looked into."""
    plain = _LITERAL.sub("", form).lower()
    positive = plain.partition(";")[0]
    shows = re.search(r"[0#?@ymdhsbeg]", positive)
    return Look(
        percent="%" in plain,
        month="m" in plain and not re.search("[dhs]", plain),
        year="y" in plain and not re.search("[mdhs]", plain),
        seconds="s" in plain,
        words=bool(form) and not shows and not re.search(r"\[[<>=]", form),
        unseen=bool(re.fullmatch(";{2,3}", plain)),
        scaled=bool(re.search(r"[0#?],+[^0#?,]*$", positive)),
    )


_ESCAPE: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DIGITS: Final = {"superscript": "⁰¹²³⁴⁵⁶⁷⁸⁹", "subscript": "₀₁₂₃₄₅₆₇₈₉"}
_LEVELS: Final = {name: str.maketrans("0123456789", of) for name, of in _DIGITS.items()}
_STROKE: Final = "\u0336"


def as_text(value: Any, data_type: str, look: Look) -> tuple[str, str, bool]:
    """A cell as a person would type it, its kind where that is unclear, whether it is struck."""
    struck = False
    if isinstance(value, list):  # a text in several fonts
        runs = [
            (run, "", False)
            if isinstance(run, str)
            else (run.text, run.font.vertAlign or "", bool(run.font.strike))
            for run in value
        ]
        value, struck = rich_text(runs), any(struck and text for text, _, struck in runs)
    if isinstance(value, str):
        plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), value)
        return (value, "error", False) if data_type == "e" else (plain, "", struck)
    if isinstance(value, bool):
        return ("TRUE" if value else "FALSE"), "truth", False
    if isinstance(value, int | float):
        percent = "percent" if look.percent else ""
        return _as_percentage(value) if percent else digits(value), percent, False
    if isinstance(value, datetime) and value.time() != time(0):
        return value.isoformat(" ", "seconds"), "date", False
    if isinstance(value, date):
        kind = "year" if look.year else "month" if look.month and value.day == 1 else "date"
        return f"{value:%Y-%m-%d}", kind, False
    if isinstance(value, time):
        value = timedelta(hours=value.hour, minutes=value.minute, seconds=value.second)
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        clock = f"{minutes // 60}:{minutes % 60:02}"
        return (f"{clock}:{seconds:02}" if look.seconds or seconds else clock), "time", False
    return str(value), "", False


def rich_text(runs: Iterable[tuple[str, str, bool]]) -> str:
    """The text of runs (text, "superscript", "subscript" or "", struck) as a person sees it. A
    raised mark of a footnote must not become a digit of the number before it, nor what is struck
    out a part of it."""
    runs = [run for run in runs if run[0]]
    whole = all(struck for _, _, struck in runs)
    texts = []
    for text, level, struck in runs:
        if struck and not whole:  # its digits, and all of it where it has no letters
            text = re.sub(r"\d" if any(map(str.isalpha, text)) else r"\S", rf"\g<0>{_STROKE}", text)
        texts.append(text.translate(_LEVELS.get(level, {})))
    return "".join(texts)


def _as_percentage(value: float) -> str:
    """As it is shown in a cell formatted as a percentage: 0.875 as 87.5%."""
    text = digits(value)
    plain = text.strip("-").replace(".", "", 1).isdecimal()
    return f"{(Decimal(text) * 100).normalize():f}%" if plain else f"{text}%"


def digits(value: float) -> str:
    """A number as a spreadsheet shows it: fifteen digits, no exponent."""
    short = f"{value:.15g}"
    return f"{Decimal(short):f}" if "e" in short else short
