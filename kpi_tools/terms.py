"""The council's words for its ratings, lines and arrows, and what its KPIs are called in lists."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from kpi_tools.loading import Council
from kpi_tools.schemes import DEFAULT_SCHEME, EARLIER, Band, Scheme
from kpi_tools.scorecard import counts, ratings_of, trends_of
from kpi_tools.vocabulary import TREND_ARROW
from kpi_tools.wording import Row, capitalised, in_words, is_number, is_text, plural_of, rows_of

AGAINST = {
    "previous": "the previous figure",
    "year_ago": "the same quarter last year",
    "average": "the average of the four figures before",
}
"""What a two-point arrow compares the latest figure with."""
_LEADING = ("Percentage of ", "Number of ", "Proportion of ")


@dataclass(frozen=True)
class Terms:
    """The words of a council: its bands of ratings, its terms, the arrow that it counts. Without one the default words."""

    council: Council | None = None

    @property
    def schemes(self) -> Mapping[str, Scheme]:
        """The schemes of bands by name; the default has none."""
        return self.council.schemes if self.council else {"": DEFAULT_SCHEME}

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands of the default scheme, the best first."""
        return self.schemes[""].bands

    @property
    def worst(self) -> tuple[str, ...]:
        """The last band of each scheme: what needs an action and has a chapter."""
        return tuple(dict.fromkeys(scheme.bands[-1].name for scheme in self.schemes.values()))

    def lines(self, kpi: Row) -> list[str]:
        """The columns of the lines that the scheme of a KPI has, the target first, where they are set for it."""
        columns = self.schemes.get(kpi.get("scheme") or "", self.schemes[""]).columns
        ordered = dict.fromkeys(["target", "floor_standard", *columns])
        return [
            name
            for name in ordered
            if name in columns and is_number(kpi.get(name)) and name not in EARLIER
        ]

    def all_lines(self, kpis: pd.DataFrame) -> list[str]:
        """The lines that any of these KPIs has."""
        found = {name for row in rows_of(kpis) for name in self.lines(row)}
        return sorted(found, key=lambda name: (name != "target", name != "floor_standard", name))

    @property
    def looks(self) -> dict[str, str]:
        """The colour of each rating, by its name."""
        return {
            b.name: b.colour for scheme in reversed([*self.schemes.values()]) for b in scheme.bands
        }

    @property
    def middle(self) -> list[str]:
        """The bands between the best and the worst."""
        return [band.name for band in self.bands[1:] if band.name not in self.worst]

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
        return self.council.arrows[0] if self.council else TREND_ARROW

    @property
    def states(self) -> tuple[str, ...]:
        """The three states of the arrow that is counted, the good one first."""
        return trends_of(self.council)

    def counts(self, kpis: pd.DataFrame) -> Counter[str]:
        """How many KPIs have each rating and each state of the arrow (`scorecard.counts`), and nought of anything else."""
        return Counter(counts(kpis, self.council)) + Counter()

    def word(self, name: str, number: int = 1) -> str:
        """The council's term for `kpi`, `target`, `floor_standard` …, as it stands within a sentence."""
        given: Mapping[str, str] = self.council.words if self.council else {}
        one = given.get(name) or {"kpi": "KPI"}.get(name, name.replace("_", " "))
        text = one if number == 1 else given.get(f"{name}_plural") or plural_of(one)
        return text if text[1:2].isupper() else text[:1].lower() + text[1:]

    def head(self, name: str, number: int = 1) -> str:
        """The same as it stands at the head of a column or sentence."""
        return capitalised(self.word(name, number))

    def kpis(self, number: int) -> str:
        """`three KPIs`, `no KPI`, in the council's term."""
        return f"{in_words(number)} {self.word('kpi', number or 1)}"

    def says(self, band: Band, number: int) -> str:
        """What so many KPIs of that band did."""
        if not band.says:
            return f"{were(number)} rated {band.name}"
        if number == 1 and band.says.startswith("were "):
            return f"was {band.says.removeprefix('were ')}"
        return band.says


def names(kpis: pd.DataFrame, *, short: bool = False) -> dict[str, str]:
    """What each KPI is called in a list, by its id: with the id where two have one name.

    `short`: by `short_name`, else the name less `Percentage of`, `Number of`.
    """
    called = {row["kpi_id"]: _short(row) if short else row["kpi_name"] for row in rows_of(kpis)}
    often = Counter(called.values())
    return {i: f"{name} ({i})" if often[name] > 1 else name for i, name in called.items()}


def _short(row: Row) -> str:
    if is_text(row.get("short_name")):
        return row["short_name"]
    name = str(row["kpi_name"])
    start = next((text for text in _LEADING if name.startswith(text)), "")
    return capitalised(name.removeprefix(start))


def were(number: int) -> str:
    """`was` for none and one, else `were`."""
    return "was" if number in (0, 1) else "were"


def are(number: int) -> str:
    """`is` for none and one, else `are`."""
    return "is" if number in (0, 1) else "are"
