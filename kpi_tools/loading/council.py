"""council.toml: whose performance is reported, in which words and by which rules.

Every setting is declared once, in codebook.toml.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from kpi_tools import vocabulary as words
from kpi_tools.errors import InputError
from kpi_tools.loading.cells import NAME_CAP, clean_name
from kpi_tools.loading.grids import Snapshot
from kpi_tools.loading.rules import Ledger
from kpi_tools.loading.schemas import SETTINGS, Setting
from kpi_tools.schemes import DEFAULT_SCHEME, Band, Scheme, one_of, parse_schemes
from kpi_tools.wording import plural_of

_WORDS: Final = {
    "target": "target",
    "floor_standard": "floor standard",
    "kpi": "KPI",
    "section": "section",
    "management_action": "management action",
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
    status of a milestone.
    """

    name: str
    report_title: str
    sections: tuple[str, ...]
    owner_team: str = ""
    prepared_by: str = ""
    signed_off_by: str = ""
    scheme: str = words.FLOOR_STANDARD
    percent: float = 0.0
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


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(clean_name(value)) <= NAME_CAP


def _is_number(one: Setting, value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and one.least <= value <= one.most


def _wrong(setting: Setting, value: Any) -> str:
    """What is wrong with the value of a setting, as a sentence; "" where nothing is."""
    if setting.kind == "statuses":
        return _wrong_statuses(value)
    if setting.kind == "choices" and value in setting.options:
        return f'It must be a list: ["{value}"].'
    good, must_be = _KINDS[setting.kind]
    if good(setting, value):
        return ""
    listed = value if isinstance(value, list) else [value]
    meant = next((one for one in listed if one not in setting.options), "")
    bounds = {"least": setting.least, "most": setting.most}
    return f"It must be {must_be}.".format(options=one_of(str(meant), setting.options), **bounds)


def _wrong_statuses(value: Any) -> str:
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        example = '{ name = "On track", band = "Green" }, { name = "Not started" }'
        return f"It must be a list such as [{example}]."
    for one in value:
        if unknown := set(one) - {"name", "band"}:
            return f'A status has "name" and perhaps "band", not "{min(unknown)}".'
        if not _is_text(one.get("name")):
            return "Each status needs a name."
    names = {clean_name(one["name"]).casefold() for one in value}
    return "" if len(names) == len(value) else "Two statuses have one name."


def _are_texts(value: Any) -> bool:
    good = isinstance(value, list) and bool(value) and all(map(_is_text, value))
    return good and len({*value}) == len(value)


def _are_choices(one: Setting, value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(each in one.options for each in value)


def _is_within(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"\d+(?:\.\d+)?\s*%?", value.strip()))


_KINDS: Final[dict[str, tuple[Callable[[Setting, Any], bool], str]]] = {
    "text": (lambda _, value: _is_text(value), "a text, one alone"),
    "texts": (lambda _, value: _are_texts(value), "a list of different texts"),
    "share inside": (
        lambda _, value: isinstance(value, float) and 0 < value < 1,
        "a number between 0 and 1",
    ),
    "truth": (lambda _, value: isinstance(value, bool), "true or false"),
    "within": (
        lambda _, value: _is_within(value),
        'a number or a percentage in quotation marks, such as "0", "0.5" or "1%"',
    ),
    "bands": (
        lambda _, value: isinstance(value, list) and bool(value),
        "a list of bands, the best first",
    ),
    "choice": (lambda one, value: value in one.options, "one of: {options}"),
    "choices": (_are_choices, "a list of these: {options}"),
    "whole": (
        lambda one, value: isinstance(value, int) and _is_number(one, value),
        "a whole number from {least:g} to {most:g}",
    ),
    "number": (_is_number, "a number from {least:g} to {most:g}"),
}
"""What a setting of each kind is, and how that is said."""
_KNOWN: Final = {(one.part, one.key): one for one in SETTINGS}
_PARTS: Final = tuple(dict.fromkeys(one.part for one in SETTINGS if "NAME" not in one.part))
_SCHEMES, _SCHEME = "schemes", "rating.schemes."
_FIELDS: Final = {one.name for one in fields(Council)}


class _Settings:
    """The settings of one file as they are checked; at a fault the default stands."""

    def __init__(self, file: str, ledger: Ledger) -> None:
        self.file, self.ledger = file, ledger
        self.found: dict[tuple[str, str], Any] = {}

    def fault(self, sentence: str, place: str = "", value: object = "") -> None:
        """Note what is wrong with a setting."""
        text = str(value)
        self.ledger.problem("setting-bad", self.file, column=place, value=text, detail=sentence)

    def part(self, part: str, values: Mapping[str, Any], where: str = "") -> None:
        """Check the settings of one part; `where` is how it is called in the file."""
        where = where or part
        keys = [key for known, key in _KNOWN if known == part]
        for key, value in values.items():
            if (part, key) not in _KNOWN:
                there = one_of(key, keys)
                sentence = f"There is no setting of this name in [{where}]; there are {there}."
                self.fault(sentence, f"{where}.{key}")
            elif wrong := _wrong(_KNOWN[part, key], value):
                self.fault(wrong, f"{where}.{key}", value)
            else:
                self.found[where, key] = clean_name(value) if isinstance(value, str) else value


def read_council(snapshot: Snapshot, ledger: Ledger) -> Council:
    """The council's settings; at a fault the default or an empty text stands in."""
    read = _Settings(snapshot.file, ledger)
    try:
        settings = tomllib.loads(snapshot.raw.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        read.fault(f"The file is not valid TOML: {error}.")
        return Council("", "", ())
    schemes = dict[str, Any]()
    for part, values in settings.items():
        if part not in _PARTS or not isinstance(values, dict):
            read.fault(f"There is no part [{part}]; there are {one_of(part, _PARTS)}.", part)
            continue
        if part == "rating" and isinstance(values.get(_SCHEMES), dict):
            schemes = values[_SCHEMES]
            values = {key: value for key, value in values.items() if key != _SCHEMES}
        read.part(part, values)
    for name, values in schemes.items():
        if isinstance(values, dict):
            read.part("rating.schemes.NAME", values, f"rating.schemes.{name}")
        else:
            read.fault('A scheme has "bands" and perhaps "without_line".', f"rating.schemes.{name}")
    return _council(read, settings)


def _council(read: _Settings, settings: Mapping[str, Any]) -> Council:
    found = read.found
    for key in ("name", "report_title", "sections"):
        if ("council", key) not in found and not (settings.get("council") or {}).get(key):
            read.fault("The setting is missing.", f"council.{key}")
    given = {
        one.attribute: found[one.part, one.key]
        for one in SETTINGS
        if one.attribute in _FIELDS - {"words"} and (one.part, one.key) in found
    }
    given["sections"] = tuple(map(clean_name, given.get("sections", ())))
    if "arrows" in given:
        given["arrows"] = tuple(given["arrows"])
    if found.get(("rating", "scheme")) == words.PERCENTAGE:
        amber = f"target within {found.get(('rating', 'percent'), 0):g}%"
        old_bands = (
            '{ name = "Green", meets = "target" }, '
            f'{{ name = "Amber", meets = "{amber}" }}, {{ name = "Red" }}'
        )
        column, value = "rating.scheme", words.PERCENTAGE
        read.ledger.problem("setting-old", read.file, column=column, value=value, detail=old_bands)
    terms = {key: value for (part, key), value in found.items() if part == "words"}
    council = Council(**({"name": "", "report_title": ""} | given), words=_all_words(terms))
    bands: Sequence[str] = ()
    try:
        council = replace(council, schemes=_schemes(read))
        bands = [band.name for band in council.bands]
    except InputError as error:
        read.fault(str(error), "rating")
        named = (part for part, _ in found if part.startswith(_SCHEME))
        names = ["", *(part.removeprefix(_SCHEME) for part in named)]
        council = replace(council, schemes=dict.fromkeys(names, DEFAULT_SCHEME))
    return replace(council, milestones=_milestones(read, bands))


def _milestones(read: _Settings, bands: Sequence[str]) -> dict[str, str | None]:
    """The band of each status; `bands` that there are, where that is known."""
    statuses = read.found.get(("milestones", "statuses"), ())
    for status in statuses:
        if bands and (band := status.get("band")) not in (None, *bands):
            sentence = f"A status has a band of [rating]: {one_of(str(band), bands)}."
            read.fault(sentence, "milestones.statuses", band)
    return {clean_name(status["name"]): status.get("band") for status in statuses}


def _schemes(read: _Settings) -> Mapping[str, Scheme]:
    rating = {key: value for (part, key), value in read.found.items() if part == "rating"}
    further: dict[str, dict[str, Any]] = {}
    for (part, key), value in read.found.items():
        if part.startswith(_SCHEME):
            further.setdefault(part.removeprefix(_SCHEME), {})[key] = value
    return parse_schemes({**rating, **({_SCHEMES: further} if further else {})})
