"""One text → what it certainly means, or the rule it breaks: words, numbers, statuses. Pure
functions of one text. A result carries what was understood, and `fault`, a code of `rules`, where
it is refused. Text from
outside is made safe to draw, join and print here, once: control characters abort the chart
renderer, zero-width ones make two ids look alike that do not join, bidirectional ones reverse what
a reader sees."""

import re
import tomllib
import unicodedata
from math import isfinite, isnan
from pathlib import Path
from typing import Any, Final, NamedTuple

from kpi_tools.units import clock, unit_family
from kpi_tools.vocabulary import NOT_AVAILABLE, STATUSES, SUPPRESSED

NAME_CAP: Final = 300
TEXT_CAP: Final = 5_000

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffc\ufffe\uffff\ud800-\udfff]"
)
_LINE_ENDS = re.compile("\r\n?|\x0b|\x0c|\x85|\u2028|\u2029")
_BETWEEN_DIGITS = re.compile(r"\d[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad]+\d")
"""Something invisible where a point or a dash may have been (zero-width marks never were one)."""
LOST: Final = "\ufffd"
"""Stands where a character was lost, in whatever program the text was before."""
_MANGLED: Final = re.compile(
    "\u00e2\u20ac|\u00c2[\u00a0-\u00bf]|\u00c3[\u0080-\u00bf\u0192\u02c6\u2020-\u203a]"
)
"""UTF-8 that a program took for Windows-1252: a dash or quotation mark, a pound, an accent."""


def clean_text(text: str) -> str:
    """`text` in NFC, stripped, without control, zero-width, bidirectional signs; `\\n` ends."""
    if text.isascii() and text.isprintable():
        return text.strip()
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text))).strip()


def clean_name(text: str) -> str:
    """`clean_text` on one line: newlines, tabs and runs of spaces become one space."""
    return " ".join(clean_text(text).split())


DATE, MONTH, YEAR, TIME, PERCENT = "date", "month", "year", "time", "percent"
ERROR, TRUTH, FORMULA, CIRCULAR = "error", "truth", "formula", "circular"
"""Kinds of workbook cells whose text alone does not say what they are."""

_FORMS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_GIVEN: Final = _FORMS["markers"].items()
_MARKERS: Final = {mark: reason for reason, marks in _GIVEN for mark in (*marks, reason)}
_PLAIN: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_LOOSE: Final = re.compile(
    r"[-+−]?(?P<pound>£?)(?:\d+|[1-9]\d{0,2}(?P<group>(?:,\d{3})+))?(?:\.\d+)?", re.ASCII
)
_SUPPRESSED: Final = re.compile(r"<\s?(?:[2-9]|1[01])|1 to 4", re.ASCII)
_NO_NUMBERS: Final = {code: re.compile(form, re.I) for code, form in _FORMS["no_number"].items()}
"""What a text that is no number looks like, and the rule that it breaks: the first that fits."""
ERROR_TEXT: Final = _NO_NUMBERS["value-error"]
_REFUSED_KINDS: Final[dict[str, str]] = _FORMS["refused_kinds"]


class Text(NamedTuple):
    """What a cell says, as the tables have it, or a fault."""

    value: Any = None
    fault: str = ""
    detail: str = ""

    @property
    def taken(self) -> str:
        """What the log says was taken."""
        return "" if self.value is None else str(self.value)


class Number(NamedTuple):
    """A value with its written decimals, or a reason why there is none, or a fault. `taken`: what
    the log says was taken."""

    value: float = float("nan")
    taken: str = ""
    decimals: int = 0
    percent: bool = False
    pound: bool = False
    reason: str = ""
    blank: bool = False
    fault: str = ""
    detail: str = ""

    @property
    def given(self) -> bool:
        """Whether there is a number."""
        return not isnan(self.value)


def read_number(
    text: str, kind: str = "", comma_is_doubtful: bool = False, unit: str = ""
) -> Number:
    """The number in `text`, a cell of workbook kind `kind` ("": text or number), in a unit.
    `comma_is_doubtful` is for files whose cells are separated by semicolons: there a comma may be a
    decimal point."""
    if not kind and _PLAIN.fullmatch(text):
        return _number(text)
    plain = clean_name(text)
    if kind in ("", TIME) and unit_family(unit).clock:
        value = clock(plain, unit)
        # a cell that shows hours and minutes does not say which of them was typed
        doubtful = kind == TIME and plain.count(":") == 1 and unit != "hours"
        if ":" in text and (value is None or doubtful):
            return Number(fault="value-time")
        if value is not None:
            return Number(value, f"{value:.15g} {unit}", 6)
    if kind in _REFUSED_KINDS:
        return Number(fault=_REFUSED_KINDS[kind])
    if LOST in text or _BETWEEN_DIGITS.search(text):
        return Number(fault="text-lost" if LOST in text else "value-hidden")
    if not plain:
        return Number(reason=NOT_AVAILABLE, blank=True)
    if kind == PERCENT:
        return _number(plain.removesuffix("%"))._replace(percent=True)
    reason = _MARKERS.get(plain.lower())
    if reason or _SUPPRESSED.fullmatch(plain):
        reason = reason or SUPPRESSED
        return Number(reason=reason, taken=reason)
    percent = plain.endswith("%")
    digits = plain.removesuffix("%").rstrip()
    found = _LOOSE.fullmatch(digits)
    if not found or not any(letter.isdigit() for letter in digits):
        known = ((form.fullmatch(plain), code) for code, form in _NO_NUMBERS.items())
        match, code = next((match, code) for match, code in known if match)
        flag = f'"{match["flag"] or match["word"]}"' if code == "value-flag" else ""
        return Number(fault=code, detail=flag)
    if found["group"] and comma_is_doubtful:
        return Number(fault="value-comma")
    bare = digits.replace(",", "").replace("£", "").replace("−", "-").removeprefix("+")
    if bare.lstrip("-").startswith("0") and not re.match(r"-?0(?:\.|$)", bare):
        return Number(fault="value-zeros")
    if bare.lstrip("-").startswith("."):
        bare = bare.replace(".", "0.", 1)
    return _number(bare)._replace(percent=percent, pound=bool(found["pound"]))


_TOO_LARGE: Final = 1e15  # beyond it a workbook loses digits


def _number(digits: str) -> Number:
    value = float(digits) + 0.0  # there is no minus nought
    if not isfinite(value):
        return Number(fault="value-infinite")
    if abs(value) >= _TOO_LARGE:
        return Number(fault="value-large")
    return Number(value, digits, len(digits.partition(".")[2]))


def fault_of_text(text: str, kind: str = "") -> str:
    """The rule that a cell for words breaks: an error, a formula never calculated, lost letters."""
    if kind in (FORMULA, CIRCULAR):
        return _REFUSED_KINDS[kind]
    if kind == ERROR or (("#" in text or ":" in text) and ERROR_TEXT.fullmatch(clean_name(text))):
        return "value-error"
    if LOST in text:
        return "text-lost"
    return "text-mangled" if not text.isascii() and _MANGLED.search(text) else ""


def read_text(text: str, kind: str = "", prose: bool = True) -> Text:
    """A text of paragraphs, or a name on one line; cut where it is too long."""
    if fault := fault_of_text(text, kind):
        return Text(fault=fault)
    taken, cap = (clean_text(text), TEXT_CAP) if prose else (clean_name(text), NAME_CAP)
    if len(taken) > cap:
        return Text(taken[:cap], "text-cut", f"{cap:,}")
    return Text(taken or None)


def read_status(text: str, kind: str = "") -> Text:
    """One of the statuses of figures; blank gives none and no fault."""
    if fault := fault_of_text(text, kind):
        return Text(fault=fault)
    folded = re.sub(r"[\s_-]+", " ", clean_name(text)).lower()
    if folded and folded not in STATUSES:
        return Text(fault="status-unknown", detail=", ".join(STATUSES))
    return Text(folded)
