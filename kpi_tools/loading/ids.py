"""One text → the KPI of the catalogue that it certainly names, or why it names none."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Final

import pandas as pd

from kpi_tools.loading.cells import Text, clean_name, fault_of_text

_FOREIGN: Final = str.maketrans("АВЕЅІЈКМНОРСТХУΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABESIJKMHOPCTXYABEZHIKMNOPTYX")
_ALIKE: Final = str.maketrans("OQIL|SBZ", "00111582")
_TOTAL: Final = re.compile(
    r"(?:grand |sub-?)?totals?\b.*|.*\b(?:sub-?)?totals?:?|sum|average|mean|all kpis|overall", re.I
)
_MARKED: Final = re.compile(
    r"(?P<id>.+?)\s*(?P<mark>[\[(*†‡#].*|\s(?:revised|provisional|corrected|new)\b.*)", re.I
)


def skeleton(text: str) -> str:
    """`text` without what a reader does not tell apart: look-alikes, accents, case; every sign
    between letters and digits is a point."""
    flat = unicodedata.normalize("NFKD", clean_name(text)).upper().translate(_FOREIGN)
    without = "".join(sign for sign in flat if not unicodedata.combining(sign))
    return re.sub(r"[^0-9A-Z]+", ".", without.translate(_ALIKE)).strip(".")


def folded(text: str) -> str:
    """`text` without spaces and case."""
    return "".join(text.split()).casefold()


def without_zeros(text: str) -> str:
    """`text` as if each number in it had been taken for one: 007 → 7, CS01 → cs1, 1.10 → 1.1."""
    plain = re.sub(r"(\.\d*?)0+$", r"\1", "".join(text.split())).removesuffix(".")
    return re.sub(r"(?<!\d)0+(?=\d)", "", plain).casefold()


def _without_points(text: str) -> str:
    return skeleton(text).replace(".", "")


class Ids:
    """The ids of a catalogue, to look up what a return calls them."""

    def __init__(self, kpis: pd.DataFrame, refused: Iterable[str] = ()) -> None:
        """`kpis` have ids and names, by which they may be called instead; `refused`: ids whose own
        row is at fault. Without any id the catalogue is refused as a whole, and nothing can be said
        against an id."""
        names = kpis["kpi_name"].map(clean_name).str.casefold()
        self._exact = set(kpis["kpi_id"])
        self._refused = set(map(folded, refused))
        self._named = dict(zip(names, kpis["kpi_id"], strict=True))
        self._times = Counter(names)
        self._folded = {folded(one): one for one in self._exact}
        self._alike: dict[str, str] = {}
        for one in sorted(self._exact):
            for form in {without_zeros(one), _without_points(one)}:
                self._alike[form] = f"{self._alike[form]} or {one}" if form in self._alike else one

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
            return Text(known)
        if folded(plain) in self._refused or not self._exact:
            return Text(fault="id-waits")
        if known := self._named.get(plain.casefold()):
            if (times := self._times[plain.casefold()]) > 1:
                return Text(fault="id-names", detail=str(times))
            return Text(known)
        if _TOTAL.fullmatch(plain):
            return Text(fault="row-total")
        marked = _MARKED.fullmatch(plain)
        if marked and (known := self._folded.get(folded(marked["id"]))):
            detail = f'{known} with "{marked["mark"].strip()}" behind it'
            return Text(fault="id-marked", detail=detail)
        near = self._alike.get(without_zeros(plain)) or self._alike.get(_without_points(plain), "")
        return Text(fault="id-lookalike" if near else "id-unknown", detail=near)
