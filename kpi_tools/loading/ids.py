"""One text → the KPI of the catalogue that it certainly names, or why it names none."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from kpi_tools.loading import cells
from kpi_tools.loading.cells import Text, clean_name, fault_of_text, what_changed
from kpi_tools.loading.periods import month_number

_FOREIGN: Final = str.maketrans("АВЕЅІЈКМНОРСТХУΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABESIJKMHOPCTXYABEZHIKMNOPTYX")
_ALIKE: Final = str.maketrans("OQIL|SBZ", "00111582")
_LIKE_A_POWER: Final = re.compile(r"\d+e\d{1,3}", re.I)
_LIKE_A_DATE: Final = re.compile(r"([a-z]{3,4})[- ]?(\d{1,2})", re.I)
_TOTAL: Final = re.compile(
    r"(?:grand |sub-?)?totals?\b.*|.*\b(?:sub-?)?totals?:?|sum|average|mean|all kpis|overall", re.I
)
_MARKED: Final = re.compile(
    r"(?P<id>.+?)\s*(?P<mark>[\[(*†‡#].*|\s(?:revised|provisional|corrected|new)\b.*)", re.I
)


def skeleton(text: str) -> str:
    """`text` without what a reader does not tell apart: look-alikes, accents, case, punctuation."""
    flat = unicodedata.normalize("NFKD", clean_name(text)).upper().translate(_FOREIGN)
    return re.sub(r"[^0-9A-Z]", "", flat.translate(_ALIKE))


def folded(text: str) -> str:
    """`text` without spaces and case."""
    return "".join(text.split()).casefold()


def _without_zeros(text: str) -> str:
    """`text` as if each number in it had been taken for one: 007 → 7, CS01 → cs1."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"\s|\.0+$", "", text)).casefold()


class Ids:
    """The ids of a catalogue, to look up what a return calls them."""

    def __init__(
        self, ids: Iterable[str], names: Mapping[str, str] = {}, refused: Iterable[str] = ()
    ) -> None:
        """`names` by id, for who writes them instead; `refused`: ids whose own row is at fault.
        Without any id the catalogue is refused as a whole, and nothing can be said against an
        id."""
        self._exact = set(ids)
        known = sorted(self._exact)
        self._refused = set(map(folded, refused))
        self._named = {clean_name(name).casefold(): one for one, name in names.items()}
        self._times = Counter(clean_name(name).casefold() for name in names.values())
        self._folded = {folded(one): one for one in known}
        self._alike = {skeleton(one): one for one in known}
        self._zeros = {_without_zeros(one): one for one in known}
        self._powers = {Decimal(one): one for one in known if _LIKE_A_POWER.fullmatch(one)}
        self._dates: dict[str, str] = {}
        for one in filter(_LIKE_A_DATE.fullmatch, known):
            name, day = re.sub(r"[\d -]", "", one).lower(), int(re.sub(r"\D", "", one))
            if month := month_number(name):
                forms = (f"-{month:02}-{day:02}", f"{day:02}/{month:02}/", f"{day}-{name}")
                words = (f"{day:02}-{name}", f"{name}-{day:02}")
                self._dates |= dict.fromkeys(forms + words, one)

    def find(self, text: str, kind: str = "") -> Text:
        """The id that `text` certainly is: only spaces, case and invisible signs are forgiven."""
        if text in self._exact:
            return Text(text)
        plain = clean_name(text)
        if fault := fault_of_text(text, kind):
            return Text(fault=fault)
        if not plain:
            return Text(fault="id-missing")
        if known := self._folded.get(folded(plain)):
            return Text(known, what_changed(text, plain) or "spaces or case in the id")
        if folded(plain) in self._refused or not self._exact:
            return Text(fault="id-waits")
        if known := self._named.get(plain.casefold()):
            if (times := self._times[plain.casefold()]) > 1:
                return Text(fault="id-names", detail=str(times))
            return Text(known, "the name of the KPI instead of its id")
        if _TOTAL.fullmatch(plain):
            return Text(fault="row-total")
        marked = _MARKED.fullmatch(plain)
        if marked and (known := self._folded.get(folded(marked["id"]))):
            detail = f'{known} with "{marked["mark"].strip()}" behind it'
            return Text(fault="id-marked", detail=detail)
        near = self._near(plain, kind)
        return Text(fault="id-lookalike" if near else "id-unknown", detail=near)

    def _near(self, plain: str, kind: str) -> str:
        """The id that `plain` was probably meant to be, with how it may have come about."""
        if known := self._zeros.get(_without_zeros(plain)):
            return f"{known}: zeros at the beginning of a number were lost or added"
        if kind in (cells.DATE, cells.MONTH, cells.YEAR) or cells.DATELIKE.fullmatch(plain):
            dates = (known for form, known in self._dates.items() if form in plain.lower())
            known = next(dates, None)
            return f"{known}: the spreadsheet program took the id for a date" if known else ""
        try:
            if known := self._powers.get(Decimal(plain)):
                return f"{known}: the spreadsheet program took the id for a number"
        except (InvalidOperation, TypeError):
            pass
        if known := self._alike.get(skeleton(plain)):
            strange = next((letter for letter in plain if not letter.isascii()), "")
            name = unicodedata.name(strange or " ", "a strange character").lower()
            return f"{known} (it has {name})" if strange else known
        return ""
