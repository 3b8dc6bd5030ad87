"""council.toml: whose performance is reported, in which words and by which rules. Every setting is
declared once, in codebook.toml."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

from kpi_tools.errors import InputError
from kpi_tools.loading.cells import NAME_CAP, clean_name
from kpi_tools.loading.grids import Snapshot
from kpi_tools.loading.read import Entry
from kpi_tools.loading.rules import Ledger
from kpi_tools.loading.schemas import KINDS, SETTINGS
from kpi_tools.schemes import DEFAULT_SCHEME, Band, Scheme, one_of, parse_schemes
from kpi_tools.vocabulary import FLOOR_STANDARD, PERCENTAGE
from kpi_tools.wording import plural_of, within

_SCHEME: Final = "rating.schemes."
_PARTS: Final = tuple(dict.fromkeys(one.part for one in SETTINGS))
_WITHIN: Final = re.compile(r"\d+(?:\.\d+)?\s*%?")
_WORDS: Final = {
    one.name: str(one.default).strip('"')
    for one in SETTINGS
    if one.part == "words" and not one.name.endswith("_plural")
}


def _all_words(given: Mapping[str, str]) -> dict[str, str]:
    singular = {name: given.get(name, default) for name, default in _WORDS.items()}
    plural = {f"{name}_plural": plural_of(word) for name, word in singular.items()}
    return singular | {name: given.get(name, word) for name, word in plural.items()}


@dataclass(frozen=True)
class Council:
    """Whose performance is reported, in which order and words, and by which rules (council.toml).
    `words` has the council's terms and their plurals (`target`, `target_plural` …); `arrows` the
    comparisons that are shown, the first of them counted; `milestones` the band, or None, of each
    status of a milestone."""

    name: str
    report_title: str
    sections: tuple[str, ...]
    owner_team: str = ""
    prepared_by: str = ""
    signed_off_by: str = ""
    scheme: str = FLOOR_STANDARD
    schemes: Mapping[str, Scheme] = field(default_factory=lambda: {"": DEFAULT_SCHEME})
    words: Mapping[str, str] = field(default_factory=lambda: _all_words({}))
    not_due: str = "counted"
    rule: str = "ols"
    window: int = 6
    minimum_points: int = 5
    significance: float = 0.05
    arrows: tuple[str, ...] = ("trend",)
    unchanged_within: str = "0"
    milestones: Mapping[str, str | None] = field(default_factory=dict)
    headline: str = ""
    word_reference: str = ""
    chart_form: str = "auto"
    chart_kind: str = "xmr"
    profile: str = "plotthedots"
    screening: bool = True
    marks: bool = False
    rejected_share: float = 0.05
    threshold: int = 5
    rounding: int = 0

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands of the default scheme, the best first."""
        return self.schemes[""].bands


_FIELDS: Final = {one.name for one in fields(Council)} - {"words"}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(clean_name(value)) <= NAME_CAP


def _is_list(value: Any, good: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and bool(value) and all(map(good, value))


def _is_status(one: Any) -> bool:
    keys = {"name", "band"}
    return isinstance(one, dict) and _is_text(one.get("name")) and set(one) <= keys


_GOOD: Final[dict[str, Callable[[Entry, Any], bool]]] = {
    "text": lambda _, value: _is_text(value),
    "texts": lambda _, value: _is_list(value, _is_text) and len({*value}) == len(value),
    "truth": lambda _, value: isinstance(value, bool),
    "within": lambda _, value: isinstance(value, str) and bool(_WITHIN.fullmatch(value.strip())),
    "bands": lambda _, value: _is_list(value, lambda each: isinstance(each, dict)),
    "statuses": lambda _, value: (
        _is_list(value, _is_status)
        and len({clean_name(one["name"]).casefold() for one in value}) == len(value)
    ),
    "choice": lambda setting, value: value in setting.options,
    "choices": lambda setting, value: _is_list(value, setting.options.__contains__),
    "share inside": lambda _, value: isinstance(value, float) and 0 < value < 1,
}
"""By kind of setting whether a value is of it; numbers have bounds."""


def _is_number(setting: Entry, value: Any) -> bool:
    number = isinstance(value, int if setting.kind == "whole" else int | float)
    return number and not isinstance(value, bool) and setting.least <= value <= setting.most


def _wrong(setting: Entry, value: Any) -> str:
    """What is wrong with the value of a setting, as a sentence; "" where nothing is."""
    if _GOOD.get(setting.kind, _is_number)(setting, value):
        return ""
    listed = value if isinstance(value, list) else [value]
    meant = next((one for one in listed if one not in setting.options), "")
    bounds = {"least": f"{setting.least:g}", "most": f"{setting.most:g}"}
    options = one_of(str(meant), setting.options)
    return f"It must be {KINDS[setting.kind].format(options=options, **bounds)}."


def read_council(snapshot: Snapshot, ledger: Ledger) -> Council:
    """The council's settings; at a fault the default or an empty text stands in."""

    def fault(sentence: str, place: str = "", value: object = "") -> None:
        where = dict[str, Any](column=place, value=str(value), detail=sentence)
        ledger.problem("setting-bad", snapshot.file, **where)

    try:
        settings = tomllib.loads(snapshot.raw.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        encoded = isinstance(error, UnicodeDecodeError)
        why = "it is not saved as UTF-8, which the editor offers with Save as" if encoded else error
        fault(f"The file is not valid TOML: {why}.")
        return Council("", "", ())
    rating = settings.get("rating")
    if isinstance(rating, dict) and isinstance(rating.get("schemes"), dict):
        settings |= {f"{_SCHEME}{name}": values for name, values in rating.pop("schemes").items()}
    found = {where: dict[str, Any]() for where in (*_PARTS, *settings)}
    for where, values in settings.items():
        part = f"{_SCHEME}NAME" if where.startswith(_SCHEME) else where
        keys = {one.name: one for one in SETTINGS if one.part == part}
        if not keys or not isinstance(values, dict):
            fault(f"There is no part [{where}]; there are {one_of(where, _PARTS)}.", where)
            continue
        for key, value in values.items():
            if key not in keys:
                there = f"there are {one_of(key, [*keys])}"
                fault(f"There is no setting of this name in [{where}]; {there}.", f"{where}.{key}")
            elif wrong := _wrong(keys[key], value):
                fault(wrong, f"{where}.{key}", value)
            else:
                found[where][key] = clean_name(value) if isinstance(value, str) else value
    for key in ("name", "report_title", "sections"):
        given = settings.get("council")
        if key not in found["council"] and not (isinstance(given, dict) and given.get(key)):
            fault("The setting is missing.", f"council.{key}")
    if found["rating"].get("scheme") == PERCENTAGE:
        amber = f'"target within {found["rating"].get("percent", 0):g}%"'
        green, red = '{ name = "Green", meets = "target" }', '{ name = "Red" }'
        bands = f'{green}, {{ name = "Amber", meets = {amber} }}, {red}'
        at = dict[str, Any](column="rating.scheme", value=PERCENTAGE, detail=bands)
        ledger.problem("setting-old", snapshot.file, **at)
    return _council(found, fault)


def _council(found: Mapping[str, Mapping[str, Any]], fault: Callable[..., None]) -> Council:
    given = {
        one.attribute: found[one.part][one.name]
        for one in SETTINGS
        if one.attribute in _FIELDS and one.name in found[one.part]
    }
    given |= {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
    given["sections"] = tuple(map(clean_name, given.get("sections", ())))
    bands: Sequence[str] = ()
    schemes = {where.removeprefix(_SCHEME): one for where, one in found.items() if _SCHEME in where}
    further = {name: scheme for name, scheme in schemes.items() if scheme}
    called = {name: within(word) for name, word in found["words"].items()}
    terms = {name: word for name, word in called.items() if name in ("target", "floor_standard")}
    try:
        rating = dict(found["rating"]) | ({"schemes": further} if further else {})
        given["schemes"] = parse_schemes(rating, terms=terms)
        bands = [band.name for band in given["schemes"][""].bands]
    except InputError as error:
        fault(str(error), "rating")
        given["schemes"] = dict.fromkeys(["", *further], DEFAULT_SCHEME)
    statuses = found["milestones"].get("statuses", ())
    for status in statuses:
        if bands and (band := status.get("band")) not in (None, *bands):
            sentence = f"A status has a band of [rating]: {one_of(str(band), bands)}."
            fault(sentence, "milestones.statuses", band)
    given["milestones"] = {clean_name(one["name"]): one.get("band") for one in statuses}
    council = Council(**{"name": "", "report_title": ""} | given, words=_all_words(found["words"]))
    least, most = council.minimum_points, council.window
    if least > most:
        of = f"more figures than the {most} that are shown (window), so no direction could be given"
        fault(f"It asks for {of}: lower it, or raise window.", "direction.minimum_points", least)
    return council
