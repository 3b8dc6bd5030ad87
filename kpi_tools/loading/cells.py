"""One text → what it certainly means, or the rule it breaks: words, numbers, statuses.

Pure functions of one text. A result carries what was understood, `why` where it was written otherwise than asked for (to be
logged), and `fault`, a code of `rules`, where it is refused. Text from outside is made safe to draw, join and print here,
once: control characters abort the chart renderer, zero-width ones make two ids look alike that do not join, bidirectional
ones reverse what a reader sees.
"""

import re
import unicodedata
from math import isfinite, isnan
from typing import Final, NamedTuple

from kpi_tools import vocabulary as words
from kpi_tools.units import clock, unit_family

NAME_CAP: Final = 300
TEXT_CAP: Final = 5_000

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffc\ufffe\uffff"
    "\ud800-\udfff]"
)
_LINE_ENDS = re.compile("\r\n?|\x0b|\x0c|\x85|\u2028|\u2029")
_BETWEEN_DIGITS = re.compile(r"\d[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad]+\d")
LOST: Final = "\ufffd"
"""Stands where a character was lost, in whatever program the text was before."""
_RUNS = re.compile(r"\s+")


def clean_text(text: str) -> str:
    """`text` in NFC, without control, zero-width and bidirectional characters; line ends are newlines; ends stripped."""
    if text.isascii() and text.isprintable():
        return text.strip()
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text))).strip()


def clean_name(text: str) -> str:
    """`clean_text` on one line: newlines, tabs and runs of spaces become one space."""
    cleaned = clean_text(text)
    if cleaned.isascii() and cleaned.isprintable() and "  " not in cleaned:
        return cleaned
    return _RUNS.sub(" ", cleaned)


def hides_between_digits(text: str) -> bool:
    """Whether something invisible stands where a point or a dash may have been (zero-width marks never were one)."""
    return bool(_BETWEEN_DIGITS.search(text))


def what_changed(before: str, after: str) -> str:
    """Why `after` differs from `before`, in words for the log; empty where only nothing changed."""
    if before == after:
        return ""
    if before.strip() == after:
        return "spaces at the ends removed"
    if _INVISIBLE.search(before):
        return "invisible characters removed"
    return "line ends, spaces or accents put in their usual form"


DATE, MONTH, YEAR, TIME, PERCENT, ERROR, TRUTH, FORMULA, CIRCULAR = (
    "date",
    "month",
    "year",
    "time",
    "percent",
    "error",
    "truth",
    "formula",
    "circular",
)
"""Kinds of workbook cells whose text alone does not say what they are."""

_MARKERS: Final = {
    **dict.fromkeys(("c", "[c]", "*", "[*]", "~"), words.SUPPRESSED),
    **dict.fromkeys(("z", "[z]", "n/a"), words.NOT_APPLICABLE),
    **dict.fromkeys(("x", "[x]", "..", ":", "-", "–", "—", "−"), words.NOT_AVAILABLE),
    **dict.fromkeys(("k", "[k]", "[low]"), words.ROUNDS_TO_ZERO),
    **{reason: reason for reason in words.STATUSES_WITHOUT_VALUE},
}
PLAIN_NUMBER: Final = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
_PLAIN: Final = re.compile(PLAIN_NUMBER)
_LOOSE: Final = re.compile(
    r"[-+−]?(?P<pound>£?)(?:\d+|[1-9]\d{0,2}(?P<group>(?:,\d{3})+))?(?:\.\d+)?", re.ASCII
)
ERROR_TEXT: Final = re.compile(
    r"#(?:N/A|NAME\?|(?:NUM|NULL|REF|VALUE|DIV/0|SPILL|CALC|FIELD|BLOCKED|CONNECT|UNKNOWN)!?|GETTING_DATA|#+)|Err:\d+",
    re.I,
)
_SUPPRESSED: Final = re.compile(r"<\s?(?:[2-9]|1[01])|1 to 4", re.ASCII)
_RANGE: Final = re.compile(
    r"[\d.,]+%?\s*(?:-|–|—|to|/)\s*[\d.,]+%?|[<>≤≥~c]a?\.?\s*[\d.,]+%?|[\d.,]+%?\s*\+", re.I
)
DATELIKE: Final = re.compile(
    r"\d{1,2}[-/ ](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(?:[-/ ]\d{2,4})?|"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[-/ ]\d{1,4}|\d{1,4}[-/]\d{1,2}[-/]\d{1,4}",
    re.I,
)
_FLAGGED: Final = re.compile(
    r"[-+]?£?[\d,]*\.?\d+\s?%?\s?(?:[\[(]?(?P<flag>[a-z*†‡#¹²³]{1,2}|\*+)[\])]?|[\[(](?P<word>[a-z ]+)[\])])",
    re.I,
)


class Number(NamedTuple):
    """What a text says about a figure: a value with its written decimals, or a reason why there is none, or a fault."""

    value: float = float("nan")
    decimals: int = 0
    percent: bool = False
    pound: bool = False
    reason: str = ""
    blank: bool = False
    why: str = ""
    fault: str = ""
    detail: str = ""

    @property
    def given(self) -> bool:
        """Whether there is a number."""
        return not isnan(self.value)


def read_number(
    text: str, kind: str = "", comma_is_doubtful: bool = False, unit: str = ""
) -> Number:
    """The number in `text`, a cell of workbook kind `kind` ("" for text and plain numbers), of a KPI of this unit.

    `comma_is_doubtful` is for files whose cells are separated by semicolons: there a comma may be a decimal point.
    """
    if not kind and _PLAIN.fullmatch(text):
        return _finite(
            Number(float(text) + 0.0, len(text.partition(".")[2]))
        )  # + 0.0: there is no minus nought
    if kind in ("", TIME) and unit_family(unit).clock and ":" in text:
        return _duration(text, kind, unit)
    if kind in _REFUSED_KINDS:
        return Number(fault=_REFUSED_KINDS[kind])
    if LOST in text or hides_between_digits(text):
        return Number(fault="text-lost" if LOST in text else "value-hidden")
    plain = clean_name(text)
    why = what_changed(text, plain)
    if not plain:
        return Number(reason=words.NOT_AVAILABLE, blank=True, why=why if text.strip(" ") else "")
    if kind == PERCENT:
        digits = plain.removesuffix("%")
        return _finite(
            Number(
                float(digits),
                len(digits.partition(".")[2]),
                True,
                why="a cell formatted as a percentage",
            )
        )
    if reason := _MARKERS.get(plain.lower()):
        return Number(reason=reason, why=why or f'"{plain}" means {reason}')
    if _SUPPRESSED.fullmatch(plain):
        return Number(reason=words.SUPPRESSED, why=why or f'"{plain}" means {words.SUPPRESSED}')
    percent = plain.endswith("%")
    digits = plain.removesuffix("%").rstrip() if percent else plain
    found = _LOOSE.fullmatch(digits)
    if found and any(letter.isdigit() for letter in digits):
        if found["group"] and comma_is_doubtful:
            return Number(fault="value-comma")
        bare = digits.replace(",", "").replace("£", "").replace("−", "-").removeprefix("+")
        if bare.lstrip("-").startswith("0") and not re.match(r"-?0(?:\.|$)", bare):
            return Number(fault="value-zeros")
        why = why or ("the sign % left out" if percent else "written with separators or signs")
        if bare == plain:
            why = what_changed(text, plain) or "written without the zero before the point"
        return _finite(
            Number(
                float(bare) + 0.0,
                len(bare.partition(".")[2]),
                percent,
                bool(found["pound"]),
                why=why,
            )
        )
    code, detail = _why_not(plain)
    return Number(fault=code, detail=detail)


def _duration(text: str, kind: str, unit: str) -> Number:
    """`mm:ss`, `hh:mm` of hours, `hh:mm:ss`. A cell that shows hours and minutes does not say which of them was typed."""
    plain = clean_name(text)
    value = clock(plain, unit)
    if value is None or kind == TIME and plain.count(":") == 1 and unit != "hours":
        return Number(fault="value-time")
    return Number(value, 6, why=f"a duration, in {unit}")


def _finite(number: Number) -> Number:
    return number if isfinite(number.value) else Number(fault="value-infinite")


_REFUSED_KINDS: Final = {
    DATE: "value-date",
    MONTH: "value-date",
    YEAR: "value-date",
    TIME: "value-time",
    ERROR: "value-error",
    TRUTH: "value-truth",
    FORMULA: "formula-empty",
    CIRCULAR: "formula-circular",
}


def _why_not(plain: str) -> tuple[str, str]:
    """The rule that a text which is no number breaks, as closely as it can be told."""
    if ERROR_TEXT.fullmatch(plain):
        return "value-error", ""
    if re.fullmatch(r"[-+]?(?:inf(?:inity)?|nan|∞)", plain, re.I):
        return "value-infinite", ""
    if plain.lower() in ("true", "false"):
        return "value-truth", ""
    if re.fullmatch(r"[-+]?\d*[.,]?\d+e[-+]?\d+", plain, re.I):
        return "value-scientific", ""
    if DATELIKE.fullmatch(plain):
        return "value-date", ""
    if re.fullmatch(r"\d{1,3}:\d\d(?::\d\d)?", plain):
        return "value-time", ""
    if re.fullmatch(r"[-+]?£?[\d.]*\d,\d[\d.,]*\s?%?", plain):
        return "value-comma", ""
    if _RANGE.fullmatch(plain):
        return "value-range", ""
    if re.fullmatch(r"[-+]?£?\d[\d.,]*(?:\s[\d.,]+)+\s?%?", plain):
        return "value-spaces", ""
    if found := _FLAGGED.fullmatch(plain):
        return "value-flag", f'"{found["flag"] or found["word"]}"'
    return "value-text", ""


def fault_of_text(text: str, kind: str = "") -> str:
    """The rule that a cell for words breaks: it shows the error of a formula, or one never calculated, or lost letters."""
    if kind in (FORMULA, CIRCULAR):
        return _REFUSED_KINDS[kind]
    if kind == ERROR or (("#" in text or ":" in text) and ERROR_TEXT.fullmatch(clean_name(text))):
        return "value-error"
    return "text-lost" if LOST in text else ""


def read_status(text: str, kind: str = "") -> tuple[str, str, str]:
    """(status, why it is logged, fault) for a status cell; blank gives "" and no fault."""
    if fault := fault_of_text(text, kind):
        return "", "", fault
    plain = clean_name(text)
    folded = re.sub(r"[\s_-]+", " ", plain).lower()
    if not folded:
        return "", "", ""
    if folded in words.STATUSES:
        return (
            folded,
            "" if folded == text else what_changed(text, plain) or "spelt as the tables have it",
            "",
        )
    return "", "", "status-unknown"
