"""Whether a text gives a suppressed figure away, by one who knows the figures and tells no more than yes or no (floor 0)."""

import re
from collections.abc import Collection, Iterable
from typing import Final

_WORDS: Final = {
    word: number
    for number, word in enumerate(
        (
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ),
        start=1,
    )
}
_TIME: Final = r"\s*(?:-\s*)?(?:working\s+)?(?:days?|weeks?|months?|quarters?|years?|hours?|minutes?|(?:am|pm|a\.m|p\.m)\b)"
_KINDS: Final = (
    r"(?:\s+\w+){0,3}?\s+(?:KPIs?|indicators?|measures?|targets?|Greens?|Ambers?|Reds?)\b"
)
_MONTH: Final = r"\s+(?:of\s+)?(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"
_NUMBER: Final = re.compile(
    r"(?<![\w.,/£-])(?P<figure>£?\d[\d,]*(?:\.\d+)?)(?P<sign>\s*(?:%|per cent\b|percent\b))?(?![\w/]|[.,]\d|-\d)",
    re.I,
)
_WORD: Final = re.compile(rf"(?<![\w-])(?P<word>{'|'.join(_WORDS)})(?![\w-])(?!\s+of\b)", re.I)
_NOT_BEFORE: Final = re.compile(
    r"(?:\b(?:Quarter|Qtr\.?|Q|Phase|Stage|Tier|Key Stage|Section|Ofsted)\s*|\b20\d\d[/-])$", re.I
)
_NOT_AFTER: Final = re.compile(rf"{_TIME}|{_MONTH}|{_KINDS}", re.I)


class Withheld:
    """The suppressed figures of each KPI. It has no way to print them, so that no output of a notebook can."""

    def __init__(self) -> None:
        self._of: dict[str, set[float]] = {}

    def __repr__(self) -> str:
        return "<suppressed figures>"

    def add(self, kpi_id: str, numbers: Iterable[float]) -> None:
        """Keep the numbers of a suppressed figure; nought says nothing."""
        self._of.setdefault(kpi_id, set()).update(number for number in numbers if number)

    def tells(self, kpi_id: object, text: object) -> bool:
        """Whether a number in the text, in digits or words, is a suppressed one of the KPI, exactly or as rounded.

        Quarters, dates, spans of time and counts of KPIs are let pass.
        """
        return isinstance(text, str) and any(
            _tells(text, number) for number in self._of.get(str(kpi_id), ())
        )

    def told_of(self, kpi_ids: Collection[str], text: str) -> bool:
        """Whether the text gives a figure of any of the KPIs away."""
        return any(self.tells(kpi_id, text) for kpi_id in kpi_ids)


def _tells(text: str, number: float) -> bool:
    for found in _NUMBER.finditer(text):
        plain = found["figure"].strip("£,").replace(",", "")
        half = 0.5 * 10.0 ** -len(plain.partition(".")[2]) if found["sign"] or "." in plain else 0.0
        if abs(float(plain) - number) <= half + 1e-9 and not _about_something_else(text, found):
            return True
    return any(
        _WORDS[found["word"].lower()] == number and not _about_something_else(text, found)
        for found in _WORD.finditer(text)
    )


def _about_something_else(text: str, found: re.Match[str]) -> bool:
    return bool(_NOT_BEFORE.search(text[: found.start()]) or _NOT_AFTER.match(text[found.end() :]))
