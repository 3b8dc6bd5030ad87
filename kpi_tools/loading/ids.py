"""One text → the KPI of the catalogue that it certainly names, or why it names none."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from kpi_tools.loading.cells import (
    DATE,
    DATELIKE,
    MONTH,
    YEAR,
    clean_name,
    fault_of_text,
    what_changed,
)
from kpi_tools.loading.periods import month_number

_FOREIGN: Final = str.maketrans("АВЕЅІЈКМНОРСТХУΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABESIJKMHOPCTXYABEZHIKMNOPTYX")
_ALIKE: Final = str.maketrans("OQIL|SBZ", "00111582")


def skeleton(text: str) -> str:
    """`text` without what a reader does not tell apart: look-alike letters and digits, accents, case, punctuation."""
    flat = (
        unicodedata.normalize("NFKD", clean_name(text))
        .upper()
        .translate(_FOREIGN)
        .translate(_ALIKE)
    )
    return re.sub(r"[^0-9A-Z]", "", flat)


def _folded(text: str) -> str:
    return re.sub(r"\s", "", text).casefold()


def _without_zeros(text: str) -> str:
    """`text` as if each number in it had been taken for one: 007 → 7, CS01 → cs1."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"\s|\.0+$", "", text)).casefold()


class Match(NamedTuple):
    """The catalogue's id for a text, or a fault."""

    id: str = ""
    why: str = ""
    fault: str = ""
    detail: str = ""


_LIKE_A_POWER: Final = re.compile(r"\d+e\d{1,3}", re.I)
_LIKE_A_DATE: Final = re.compile(r"([a-z]{3,4})[- ]?(\d{1,2})", re.I)
_TOTAL: Final = re.compile(
    r"(?:grand |sub-?)?totals?\b.*|.*\b(?:sub-?)?totals?:?|sum|average|mean|all kpis|overall", re.I
)
_MARKED: Final = re.compile(
    r"(?P<id>.+?)\s*(?P<mark>[\[(*†‡#].*|\s(?:revised|provisional|corrected|new)\b.*)", re.I
)


class Ids:
    """The ids of a catalogue, to look up what a return calls them."""

    def __init__(
        self,
        ids: Iterable[str],
        names: Mapping[str, str] | None = None,
        refused: Iterable[str] = (),
    ) -> None:
        """`names` by id, for who writes them instead; `refused` are ids whose own row in the catalogue is at fault.

        Without any id the catalogue is refused as a whole, and nothing can be said against an id.
        """
        self._exact = set(ids)
        self._refused = {_folded(one) for one in refused}
        self._names: dict[str, list[str]] = {}
        for known, name in (names or {}).items():
            self._names.setdefault(clean_name(name).casefold(), []).append(known)
        self._folded = {_folded(known): known for known in self._exact}
        self._alike = {skeleton(known): known for known in sorted(self._exact)}
        self._without_zeros = {_without_zeros(known): known for known in sorted(self._exact)}
        self._powers = {
            Decimal(known): known for known in sorted(self._exact) if _LIKE_A_POWER.fullmatch(known)
        }
        self._dates = [
            (known, number, int(found[2]), found[1].lower())
            for known in sorted(self._exact)
            if (found := _LIKE_A_DATE.fullmatch(known))
            and (number := month_number(found[1].lower()))
        ]

    def find(self, text: str, kind: str = "") -> Match:
        """The id that `text` certainly is: only spaces, case and invisible characters are forgiven."""
        if text in self._exact:
            return Match(text)
        plain = clean_name(text)
        if fault := fault_of_text(text, kind):
            return Match(fault=fault)
        if not plain:
            return Match(fault="id-missing")
        if known := self._folded.get(_folded(plain)):
            return Match(known, what_changed(text, plain) or "spaces or case in the id")
        if _folded(plain) in self._refused or not self._exact:
            return Match(fault="id-waits")
        if named := self._names.get(plain.casefold()):
            if len(named) > 1:
                return Match(fault="id-names", detail=str(len(named)))
            return Match(named[0], "the name of the KPI instead of its id")
        if _TOTAL.fullmatch(plain):
            return Match(fault="row-total")
        if (found := _MARKED.fullmatch(plain)) and (
            known := self._folded.get(_folded(found["id"]))
        ):
            return Match(
                fault="id-marked", detail=f'{known} with "{found["mark"].strip()}" behind it'
            )
        if near := self._near(plain, kind):
            return Match(fault="id-lookalike", detail=near)
        return Match(fault="id-unknown", detail="")

    def _near(self, plain: str, kind: str) -> str:
        """The known id that `plain` was probably meant to be, with how it may have come about."""
        if known := self._without_zeros.get(_without_zeros(plain)):
            return f"{known}: zeros at the beginning of a number were lost or added"
        if kind in (DATE, MONTH, YEAR) or DATELIKE.fullmatch(plain):
            return self._made_a_date(plain.lower())
        try:
            known = self._powers.get(Decimal(plain))
        except (ArithmeticError, ValueError):
            known = None
        if known:
            return f"{known}: the spreadsheet program took the id for a number"
        if known := self._alike.get(skeleton(plain)):
            strange = next((letter for letter in plain if not letter.isascii()), "")
            name = (
                f" (it has {unicodedata.name(strange, 'a strange character').lower()})"
                if strange
                else ""
            )
            return known + name
        return ""

    def _made_a_date(self, plain: str) -> str:
        for known, month, day, name in self._dates:
            forms = (
                f"-{month:02}-{day:02}",
                f"{day:02}/{month:02}/",
                f"{day}-{name}",
                f"{day:02}-{name}",
                f"{name}-{day:02}",
            )
            if any(form in plain for form in forms):
                return f"{known}: the spreadsheet program took the id for a date"
        return ""
