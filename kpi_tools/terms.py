"""The council's words for its ratings, lines and arrows, and what its KPIs are called in lists."""

import math
import re
from collections import Counter
from dataclasses import dataclass

import pandas as pd

from kpi_tools import vocabulary as words
from kpi_tools.loading import Council
from kpi_tools.rating import band_lines, meets
from kpi_tools.rows import Row, is_number, rows_of, text_of
from kpi_tools.schemes import EARLIER, Band, Scheme
from kpi_tools.scorecard import DEFAULT_COUNCIL, counts, ratings_of, trends_of
from kpi_tools.wording import capitalised, distance, in_words, plural_of, show_line, within

AGAINST = {
    "previous": "the previous figure",
    "year_ago": "the same period last year",
    "average": "the average of the four figures before",
}
"""What a two-point arrow compares the latest figure with."""
_NOT_COMPARED = {words.NOT_ENOUGH_DATA: "nothing to compare", words.NOT_TESTABLE: "not compared"}
_LEADING = ("Percentage of ", "Number of ", "Proportion of ")


@dataclass(frozen=True)
class Terms:
    """The words of a council: its bands of ratings, its terms, the arrow that it counts."""

    council: Council = DEFAULT_COUNCIL

    @property
    def worst(self) -> tuple[str, ...]:
        """The last band of each scheme: what needs an action and has a chapter."""
        schemes = self.council.schemes.values()
        return tuple(dict.fromkeys(scheme.bands[-1].name for scheme in schemes))

    def scheme(self, kpi: Row) -> Scheme:
        """The scheme by which a KPI is rated."""
        return self.council.schemes.get(kpi.get("scheme") or "", self.council.schemes[""])

    def further_schemes(self, kpis: pd.DataFrame) -> dict[str, int]:
        """How many of these KPIs each scheme beside the council's own rates."""
        rated = kpis[kpis["rating"] != words.MONITORED]
        found = Counter(self.scheme(row).name for row in rows_of(rated))
        return {name: found[name] for name in self.council.schemes if name and found[name]}

    def meanings(self, scheme: str = "") -> dict[str, str]:
        """What each band of a scheme asks for: `target within 5%`, `the rest`."""
        return {
            band.name: " or ".join(line.words(self.line_words) for line in band.meets) or "the rest"
            for band in self.council.schemes[scheme].bands
        }

    def lines(self, kpi: Row) -> list[str]:
        """The lines of a KPI's scheme that are set for it, by column, the target first."""
        columns = [name for name in self.scheme(kpi).columns if name not in EARLIER]
        first = [name for name in ("target", "floor_standard") if name in columns]
        return [name for name in dict.fromkeys([*first, *columns]) if is_number(kpi.get(name))]

    def all_lines(self, kpis: pd.DataFrame) -> list[str]:
        """The lines that any of these KPIs has."""
        found = {name for row in rows_of(kpis) for name in self.lines(row)}
        return sorted(found, key=lambda name: (name != "target", name != "floor_standard", name))

    @property
    def looks(self) -> dict[str, str]:
        """The colour of each rating, by its name, in order: green, amber, red, blue, grey."""
        schemes = [*self.council.schemes.values()]
        colours = {band.name: band.colour for scheme in reversed(schemes) for band in scheme.bands}
        return {name: colours[name] for name in self.ratings if name in colours}

    def look(self, rating: str) -> str:
        """The colour of a rating, also of what is not rated or only monitored."""
        return self.looks.get(rating, "monitored" if rating == words.MONITORED else "not-rated")

    @property
    def middle(self) -> list[str]:
        """The bands between the best and the worst."""
        return [band.name for band in self.council.bands[1:] if band.name not in self.worst]

    @property
    def rated_worst(self) -> str:
        """`rated Red`."""
        return f"rated {' or '.join(self.worst)}"

    @property
    def ratings(self) -> tuple[str, ...]:
        """What a KPI can count as, in order."""
        return ratings_of(self.council)

    @property
    def arrow(self) -> str:
        """Which arrow is counted."""
        return self.council.arrows[0]

    def arrow_of(self, kpi: Row) -> str:
        """The arrow that a KPI is shown with, in a word; a milestone has none."""
        if kpi.get("kind") == words.MILESTONE:
            return ""
        if self.arrow == words.TREND_ARROW:
            return str(kpi["direction_of_travel"])
        return _NOT_COMPARED.get(kpi["arrow"]) or str(kpi["arrow"])

    @property
    def states(self) -> tuple[str, ...]:
        """The three states of the arrow that is counted, the good one first."""
        return trends_of(self.council)

    def counts(self, kpis: pd.DataFrame) -> Counter[str]:
        """How many KPIs have each rating and each state of the arrow (`scorecard.counts`)."""
        return Counter(counts(kpis, self.council))

    def word(self, name: str, number: int = 1) -> str:
        """The council's term for `kpi`, `target`, `floor_standard` …, within a sentence."""
        one = self.council.words.get(name) or name.replace("_", " ")
        many = self.council.words.get(f"{name}_plural")
        return within(one if number == 1 else many or plural_of(one))

    def head(self, name: str, number: int = 1) -> str:
        """The same as it stands at the head of a column or sentence."""
        return capitalised(self.word(name, number))

    @property
    def line_words(self) -> dict[str, str]:
        """What the council calls target and floor standard."""
        return {line: self.word(line) for line in ("target", "floor_standard")}

    def drawn(self, kpi: Row) -> dict[str, str]:
        """Target and floor standard, where its scheme uses them, and what each is called."""
        used = self.scheme(kpi).columns
        return {name: word for name, word in self.line_words.items() if name in used}

    def kpis(self, number: int) -> str:
        """`three KPIs`, `no KPI`, in the council's term."""
        return f"{in_words(number)} {self.word('kpi', number or 1)}"

    def says(self, band: Band, number: int) -> str:
        """What so many KPIs of that band did."""
        if not band.says:
            return f"{were(number)} rated {band.name}"
        return re.sub(r"(^|\bor )were\b", r"\1was", band.says) if number == 1 else band.says


def lines_of(kpis: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """The lines of each KPI's own scheme that are set, best band first: `band_lines`, and four
    more.

    `line`: what it is called. `plain`: whether it is a column of targets.csv as it stands, not so
    much beside it. `earlier`: whether it is a figure of the KPI itself, so that the next figure has
    another. `lowest`: whether below it is the last band.
    """
    schemes = {row["kpi_id"]: terms.scheme(row) for row in rows_of(kpis)}
    table = band_lines(kpis, terms.council.schemes)
    table = table[table["edge"].notna()]
    rows = []
    for kpi_id, place in zip(table["kpi_id"], table["place"], strict=True):
        bands = schemes[kpi_id].bands
        lines = bands[place - 1].meets
        called = {one.column: terms.word(one.column) for one in lines if one.column not in EARLIER}
        rows.append(
            {
                "line": " or ".join(line.words(called) for line in lines),
                "plain": len(lines) == 1 and not lines[0].amount,
                "earlier": any(line.column in EARLIER for line in lines),
                "lowest": place == len(bands) - 1,
            }
        )
    columns = ["line", "plain", "earlier", "lowest"]
    return table.join(pd.DataFrame(rows, columns=columns, index=table.index))


def missed(kpi: Row, line: Row) -> float | None:
    """The value of a line of `lines_of` that a figure misses, on its side; else None."""
    value, edge, far = kpi["value"], line["edge"], line["far_edge"]
    if not is_number(value) or meets(value, edge, kpi["polarity"], far=far):
        return None
    return float(far if kpi["polarity"] == words.CLOSEST and value > max(edge, far) else edge)


def miss(kpi: Row, line: Row | None, *, bare: bool = False) -> str:
    """How far a figure misses a line: `21 points below`; empty where it is met."""
    at = missed(kpi, line) if line else None
    if at is None:
        return ""
    far = distance(kpi | {"line": at}, "line", bare=bare)
    return f"{far} {'above' if kpi['value'] > at else 'below'}"


def gap_of(kpi: Row, name: str, *, bare: bool = False) -> str:
    """How far a figure misses its target or another line by itself: `26 points below`; else
    empty."""
    level = kpi.get(name)
    if not is_number(level) or kpi["polarity"] == words.CLOSEST:
        return ""
    return miss(kpi, {"edge": level, "far_edge": math.nan}, bare=bare)


def level_of(kpi: Row, value: float, *, bare: bool = True) -> str:
    """The value of a line, as it is printed."""
    return show_line(round(value, 9), kpi["unit"], int(kpi["decimals"]), bare=bare)


def names(kpis: pd.DataFrame, *, short: bool = False) -> dict[str, str]:
    """What each KPI is called in a list, by its id: with the id where two have one name. `short`:
    by `short_name`, else the name less `Percentage of`, `Number of`."""
    called = {row["kpi_id"]: _short(row) if short else row["kpi_name"] for row in rows_of(kpis)}
    often = Counter(called.values())
    return {i: f"{name} ({i})" if often[name] > 1 else name for i, name in called.items()}


def _short(row: Row) -> str:
    start = next((text for text in _LEADING if row["kpi_name"].startswith(text)), "")
    return text_of(row.get("short_name")) or capitalised(row["kpi_name"].removeprefix(start))


def were(number: int) -> str:
    """`was` for none and one, else `were`."""
    return "was" if number in (0, 1) else "were"


def are(number: int) -> str:
    """`is` for none and one, else `are`."""
    return "is" if number in (0, 1) else "are"
