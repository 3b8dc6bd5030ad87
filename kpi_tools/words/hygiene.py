"""Text from outside, made safe to draw, join and print: once, on the way in (floor 0).

Control characters abort the chart renderer, zero-width ones make two ids look alike that do
not join, bidirectional ones reverse what a reader sees. What is removed is said, so it can be logged.
"""

import re
import unicodedata
from typing import Final

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
