"""How a council rates, as [rating] of council.toml says: bands, the best first, each with the lines
that a figure has to meet (METHOD.md, "Rating")."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Final

from kpi_tools.errors import InputError
from kpi_tools.vocabulary import AMBER, GREEN, MONITORED, NOT_DUE, NOT_RATED, PERCENTAGE, RED

COLOURS: Final = ("green", "amber", "red", "blue", "grey")
PREVIOUS: Final = "previous"
YEAR_AGO: Final = "same_quarter_last_year"
EARLIER: Final = (PREVIOUS, YEAR_AGO)
"""Lines that are figures of the KPI itself."""
_TEXT = re.compile(r"([a-z]\w*)(?:\s+(within|beyond)\s+(\d+(?:\.\d+)?)\s*(%?))?")
_FORMS = '"target", "floor_standard", "target within 5%" or "target beyond 2"'
_KEYS = ("name", "meets", "colour", "says")
_MOST_BANDS = 5
_RESERVED = [word.casefold() for word in (NOT_RATED, MONITORED, NOT_DUE)]


@dataclass(frozen=True)
class Line:
    """A line that a figure meets or misses: a column, or so much beside it (in the KPI's unit, or
    with `percent` in % of the line's absolute value), on its worse side unless `beyond`."""

    column: str
    amount: float = 0.0
    percent: bool = False
    beyond: bool = False

    def words(self, names: Mapping[str, str] | None = None) -> str:
        """How the line is called in a sentence: `target`, `floor standard within 5%`."""
        called = {PREVIOUS: "previous figure", YEAR_AGO: "figure of a year ago"} | dict(names or {})
        name = called.get(self.column, self.column.replace("_", " "))
        side = f" {'beyond' if self.beyond else 'within'} {self.size}"
        return f"{name}{side if self.amount else ''}"

    @property
    def size(self) -> str:
        """How far beside the column it lies: `5%`."""
        return f"{self.amount:g}{'%' if self.percent else ''}"


@dataclass(frozen=True)
class Band:
    """One rating: `meets` are lines of which any is enough; the last has none, takes the rest."""

    name: str
    meets: tuple[Line, ...]
    colour: str
    says: str


@dataclass(frozen=True)
class Scheme:
    """Bands, the best first. `without_line` is what a figure gets that misses every line there is,
    where the lowest is not set. The default scheme of a council has the name ""."""

    name: str
    bands: tuple[Band, ...]
    without_line: str = NOT_RATED

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its lines, in their order."""
        return tuple(dict.fromkeys(line.column for band in self.bands for line in band.meets))


_SAYS_AMBER = "achieved or exceeded the floor standard but did not meet the target"
DEFAULT_SCHEME: Final = Scheme(
    "",
    (
        Band(GREEN, (Line("target"),), "green", "achieved or exceeded target"),
        Band(AMBER, (Line("floor_standard"),), "amber", _SAYS_AMBER),
        Band(RED, (), "red", "did not meet the floor standard"),
    ),
)


def parse_schemes(
    rating: Mapping[str, Any], where: str = "rating", terms: Mapping[str, str] | None = None
) -> dict[str, Scheme]:
    """The schemes of the part [rating] of council.toml by name, the default as "".

    Args:
        rating: settings, each of the kind that codebook.toml declares.
        where: how the part is called in a sentence.
        terms: what the council calls its lines, for what bands did where it does not say.

    Raises:
        InputError: for the first setting that cannot be used.
    """
    if "bands" in rating and "scheme" in rating:
        both = "both bands and scheme, the older word for the same"
        raise InputError(f"[{where}] has {both}: keep bands.")
    bands, default = _shorthand(rating, where) or rating.get("bands"), DEFAULT_SCHEME
    if bands or "without_line" in rating:
        default = _scheme("", bands, rating.get("without_line"), DEFAULT_SCHEME, where)
    further, found = rating.get("schemes", {}), {"": default}
    for name, values in further.items():
        place = f"{where}.schemes.{name}"
        if "bands" not in values:
            raise InputError(f"[{place}] has no bands.")
        found[name] = _scheme(name, values["bands"], values.get("without_line"), default, place)
    given = [band for part in (rating, *further.values()) for band in part.get("bands", ())]
    given_texts = {" ".join(str(band.get("says")).split()) for band in given}
    return {name: _in_terms(scheme, terms or {}, given_texts) for name, scheme in found.items()}


def _in_terms(scheme: Scheme, terms: Mapping[str, str], given_texts: Collection[str]) -> Scheme:
    """The scheme with what bands did in these terms, but for the sentences of the council's own."""
    bands = []
    for band in scheme.bands:
        says = band.says
        for column, term in terms.items() if says not in given_texts else ():
            says = says.replace(column.replace("_", " "), term)
        bands.append(replace(band, says=says))
    return replace(scheme, bands=tuple(bands))


def parse_line(text: object, where: str) -> Line:
    """`target within 5%` as a `Line`. Raises `InputError` for what is no line."""
    found = _TEXT.fullmatch(" ".join(text.split())) if isinstance(text, str) else None
    if not found:
        raise InputError(f'{where}: "{text}" is no line. A line is written as {_FORMS}.')
    column, side, amount, percent = found.groups()
    if side and not float(amount):
        raise InputError(f'{where}: "{text}" is the line itself: write "{column}".')
    return Line(column, float(amount or 0), bool(percent), side == "beyond")


def unknown_lines(schemes: Iterable[Scheme], columns: Collection[str]) -> list[str]:
    """A sentence for each line that no column of targets.csv gives (`columns`)."""
    known = [*columns, *EARLIER]
    return [
        f'The band "{band.name}"{f" of the scheme {scheme.name}" if scheme.name else ""} needs the '
        f'line "{line.column}", and targets.csv has no such column; there are '
        f"{one_of(line.column, known)}."
        for scheme in schemes
        for band in scheme.bands
        for line in band.meets
        if line.column not in known
    ]


def one_of(text: str, options: Collection[str]) -> str:
    """The words that may stand there, and the nearest: `green, red; the nearest is "red"`."""
    folded = {option.casefold(): option for option in options}
    near = get_close_matches(str(text).casefold(), folded, 1, 0.6)
    return ", ".join(options) + (f'; the nearest is "{folded[near[0]]}"' if near else "")


def _shorthand(rating: Mapping[str, Any], where: str) -> list[dict[str, str]] | None:
    """The bands that the older settings `scheme` and `percent` stand for."""
    percent = rating.get("percent")
    if (percent is not None) != (rating.get("scheme") == PERCENTAGE):
        raise InputError(f'[{where}] percent goes with the scheme "percentage", and with no other.')
    if percent is None:
        return None
    amber = [{"name": AMBER, "meets": f"target within {percent:g}%"}] if percent else []
    return [{"name": GREEN, "meets": "target"}, *amber, {"name": RED}]


def _scheme(name: str, bands: Any, without: str | None, default: Scheme, where: str) -> Scheme:
    """A scheme of council.toml; what it does not say is as in the default one."""
    parsed = _bands(bands, default, where) if bands else default.bands
    names, lacking = [band.name for band in parsed], without or default.without_line
    if lacking.casefold() == NOT_RATED.casefold() or not without and lacking not in names:
        lacking = NOT_RATED
    elif lacking not in names:
        there = one_of(lacking, ["not rated", *names])
        raise InputError(f'[{where}] without_line: "{lacking}" is no band; there are {there}.')
    return Scheme(name, parsed, lacking)


def _bands(bands: list[Mapping[str, Any]], default: Scheme, where: str) -> tuple[Band, ...]:
    """The bands of a scheme; a name that is known brings its colour and words."""
    if not 2 <= len(bands) <= _MOST_BANDS:
        raise InputError(f"[{where}] needs two to {_MOST_BANDS} bands, and has {len(bands)}.")
    known = {band.name.casefold(): band for band in (*DEFAULT_SCHEME.bands, *default.bands)}
    parsed, taken = list[Band](), set[str]()
    for place, band in enumerate(bands):
        name = " ".join(str(band.get("name", "")).split())
        here = f'[{where}] band "{name}"' if name else f"[{where}] band {place + 1}"
        for key in band:
            if key not in _KEYS:
                there = f"there are {one_of(key, _KEYS)}"
                raise InputError(f'{here} has no setting "{key}"; {there}.')
        last, given = place == len(bands) - 1, band.get("meets")
        for wrong, sentence in (
            (not name, " has no name."),
            (name.casefold() in _RESERVED, ": this name has a meaning of its own. Choose another."),
            (name.casefold() in taken, ": two bands have this name."),
            (last and given is not None, " is the last and takes the rest. Leave meets away."),
            (not last and not given, " has no line. Only the last band has none: give meets."),
        ):
            if wrong:
                raise InputError(f"{here}{sentence}")
        taken.add(name.casefold())
        texts = given if isinstance(given, list) else [given] * (given is not None)
        lines = tuple(parse_line(text, here) for text in texts)
        like = known.get(name.casefold())
        colour = band.get("colour", like.colour if like else name.casefold())
        if colour not in COLOURS:
            given_colour = f'"{colour}" is no colour; ' if "colour" in band else ""
            raise InputError(f"{here}: {given_colour}colour is one of {one_of(colour, COLOURS)}.")
        says = band.get("says") or _says(like, lines, parsed)
        parsed.append(Band(name, lines, colour, " ".join(str(says).split())))
    return tuple(parsed)


def _says(like: Band | None, lines: tuple[Line, ...], before: list[Band]) -> str:
    """What a figure of the band did, where the council does not say so."""
    if not lines:
        return _missed(before[-1].meets[-1])
    return like.says if like and like.meets == lines else " or ".join(map(_did, lines))


def _did(line: Line) -> str:
    name, size = Line(line.column).words(), line.size
    if not line.amount:
        return f"were no worse than the {name}" if line.column in EARLIER else f"met the {name}"
    if line.beyond:
        return f"bettered the {name} by {size} or more"
    return f"came within {size} of the {name}"


def _missed(line: Line) -> str:
    name, size = Line(line.column).words(), line.size
    if not line.amount:
        known = line.column in EARLIER
        return f"were worse than the {name}" if known else f"did not meet the {name}"
    if line.beyond:
        return f"did not better the {name} by {size}"
    return f"did not come within {size} of the {name}"
