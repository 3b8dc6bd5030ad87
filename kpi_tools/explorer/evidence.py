"""Why a KPI stands where it does: everything that the rules say of it, computed once from the same rows (floor 2).

The explorers and the history of one KPI read from here; nothing is computed in a chart, a widget or a cell.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pandas as pd

from kpi_tools.assurance import assurance, by_consequence, reading
from kpi_tools.cases import in_period
from kpi_tools.doubts import doubt_table, with_doubts
from kpi_tools.errors import InputError
from kpi_tools.kinds import Chosen, chart_for
from kpi_tools.loading import Returns, as_known_at, in_set
from kpi_tools.outlook import outlook
from kpi_tools.quarters import Quarter
from kpi_tools.rebases import rebase_notes
from kpi_tools.scorecard import rated, recent_quarters, score
from kpi_tools.scorecard.series import (
    AGREED,
    NOT_JUDGED,
    all_quarters,
    classified,
    finest_series,
    rare_events,
    rare_kinds,
)
from kpi_tools.tokens import filled, kpi_figures
from kpi_tools.trend import gls_direction
from kpi_tools.vocabulary import ILLUSTRATIVE, MONTH, NOT_RATED
from kpi_tools.wording import capitalised, named, rows_of

WITHHELD = "a figure of this KPI looks like a fault of the data, and nobody has confirmed it"
_ASSURANCE = ["variation", "assurance", "limits", "baseline_points", "series"]


@dataclass(frozen=True)
class Evidence:
    """What is known of the KPIs in force in a report. Tables are pandas.

    * `recent`: the quarters that the report shows, six rows a KPI, with the official and the overlap-aware direction;
    * `kpis`: the scorecard in order of consequence (column `consequence`), with `variation`, `assurance`, `reading`,
      `gls_direction` and what goes with it;
    * `quarters`: all quarterly figures known, those of `recent` last, rated;
    * `points`: the finest series there is of each KPI (`series` says `months` or `quarters`, `period` its label), with
      process limits, `rule`, `special_cause` and `why`: one sentence on why a point is flagged or why not;
    * `rebases`: the rebases agreed for them, as `returns.rebases`, each with `said`: what it does, in a sentence;
    * `outlooks`: as `outlook.outlook` gives them, from the quarters of `recent`;
    * `doubts`: the figures that look like a fault of the data (`doubts.doubt_table`).
    """

    returns: Returns
    recent: pd.DataFrame
    kpis: pd.DataFrame
    quarters: pd.DataFrame
    points: pd.DataFrame
    rebases: pd.DataFrame
    outlooks: pd.DataFrame
    doubts: pd.DataFrame
    _found: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def of(self, table: str, kpi_id: str) -> pd.DataFrame:
        """The rows of one KPI in one of the tables, numbered from 0."""
        if (table, kpi_id) not in self._found:
            rows: pd.DataFrame = getattr(self, table)
            own = rows[rows["kpi_id"] == kpi_id].reset_index(drop=True)
            self._found[table, kpi_id] = own
        return pd.DataFrame(self._found[table, kpi_id])

    def kpi(self, kpi_id: str) -> dict[str, Any]:
        """The row of one KPI in `kpis`."""
        if kpi_id not in self._found:
            self._found[kpi_id] = rows_of(self.of("kpis", kpi_id))[0]
        return dict(self._found[kpi_id])

    def chart(self, kpi_id: str) -> Chosen:
        """The kind of chart of one KPI's points, why it is that, and which others there may be (`charted_as`)."""
        found = chart_for(self.of("points", kpi_id), self.returns.council.chart_kind)
        counts = finest_series(self.returns, self.of("recent", kpi_id), self.of("quarters", kpi_id))
        possible = (*chart_for(counts).possible, *rare_kinds(counts, self.returns))
        return replace(found, possible=possible)

    def charted_as(self, kpi_id: str, chart: str) -> "Evidence":
        """The same with the points of one KPI on another kind of chart."""
        recent, quarters = self.of("recent", kpi_id), self.of("quarters", kpi_id)
        own = with_doubts(finest_series(self.returns, recent, quarters))
        own = rare_events(own, self.returns, chart)
        points = classified(own, self.returns, chart)
        kpis, mine = self.kpis.copy(), self.kpis["kpi_id"] == kpi_id
        if kpi_id in set(self.doubts["kpi_id"]):
            _withhold(points)
        else:
            kpis.loc[mine, _ASSURANCE] = assurance(points)[_ASSURANCE].to_numpy()
        council = replace(self.returns.council, chart_kind=chart)
        points = pd.concat(
            [self.points[self.points["kpi_id"] != kpi_id], points], ignore_index=True
        )
        returns = replace(self.returns, council=council)
        found = replace(self, points=points, kpis=kpis, returns=returns)
        kpis.loc[mine, "reading"] = _readings(kpis[mine], found)
        return replace(found, kpis=kpis)

    def months(self, kpi_id: str) -> pd.DataFrame:
        """The single months of one KPI, which are not rated; `period` is their label."""
        months = self.returns.months[self.returns.months["kpi_id"] == kpi_id].reset_index(drop=True)
        return months.assign(period=months["month"], rating=NOT_RATED, not_rated_reason=None)

    def alone(self, kpi_id: str) -> pd.DataFrame:
        """The quarterly figures with each quarter alone, as `cases.in_period` recovers it from rolling figures and months."""
        months = self.months(kpi_id)
        months = months[(months["basis"] == MONTH) & months["value"].notna()]
        whole = (
            months.groupby("quarter")[["numerator", "denominator"]]
            .sum(min_count=3)
            .dropna()
            .reset_index()
        )
        ends = [pd.Timestamp(Quarter.parse(label).end) for label in whole["quarter"]]
        return in_period(self.of("quarters", kpi_id), whole.assign(kpi_id=kpi_id, period_end=ends))

    def benchmarks(self, kpi_id: str) -> pd.DataFrame:
        """The figures of other areas for one KPI."""
        return self.returns.benchmarks[self.returns.benchmarks["kpi_id"] == kpi_id].reset_index(
            drop=True
        )


def evidence(returns: Returns, kpi_ids: Collection[str] | None = None) -> Evidence:
    """Everything that the rules say of the KPIs in the report of the returns' quarter, or of those of `kpi_ids` in it.

    Of a KPI with a doubted figure nothing is concluded: no special cause, assurance, reading or outlook.
    """
    there = list(in_set(returns.catalogue, returns.quarter)["kpi_id"])
    if not there:
        raise InputError(
            f"No KPI is in the report for {returns.quarter.title}: see first_quarter and last_quarter in kpis.csv."
        )
    if kpi_ids is not None and not set(there) & set(kpi_ids):
        return _none_of(evidence(returns, there[:1]))
    returns = returns if kpi_ids is None else _only(returns, kpi_ids)
    council = returns.council
    settings: dict[str, Any] = {
        "significance": council.significance,
        "minimum_points": council.minimum_points,
    }
    recent = gls_direction(recent_quarters(returns), **settings)
    quarters = with_doubts(all_quarters(returns, recent))
    points = with_doubts(finest_series(returns, recent, quarters))
    finer = points[points["series"] != "quarters"]
    doubts = doubt_table(pd.concat([quarters, finer]) if len(finer) else quarters)
    doubted = set(doubts["kpi_id"])
    points = rare_events(points, returns, council.chart_kind)
    agreed = returns.rebases[returns.rebases["kpi_id"].isin(set(points["kpi_id"]))]
    points = classified(points, returns, council.chart_kind)
    judged_points = assurance(points).set_index("kpi_id")
    kpis = score(recent, returns).join(judged_points[_ASSURANCE], on="kpi_id")
    _withhold(points, points["kpi_id"].isin(doubted))
    withheld = kpis["kpi_id"].isin(doubted)
    kpis.loc[withheld, ["variation", "assurance"]] = NOT_JUDGED
    rebases = agreed.assign(said=[_said_of(row, points) for row in rows_of(agreed)])
    certain = recent.assign(value=recent["value"].mask(recent["kpi_id"].isin(doubted)))
    known = Evidence(
        returns, recent, kpis, quarters, points, rebases, outlook(certain, **settings), doubts
    )
    kpis["reading"] = _readings(kpis, known)
    bands = {name: len(scheme.bands) for name, scheme in council.schemes.items()}
    return replace(known, kpis=by_consequence(kpis, bands, quarters))


def _readings(kpis: pd.DataFrame, known: Evidence) -> list[str | None]:
    schemes = known.returns.council.schemes
    return [
        reading(
            row,
            len(schemes[row["scheme"] or ""].bands) if (row["scheme"] or "") in schemes else 0,
            alone_meets=_reached_alone(row, known),
        )
        for row in rows_of(kpis)
    ]


def _withhold(points: pd.DataFrame, where: Any = slice(None)) -> None:
    points.loc[where, ["rule", "special_cause"]] = None
    points.loc[where, "why"] = f"{capitalised(NOT_JUDGED)}: {WITHHELD}."


def _reached_alone(kpi: dict[str, Any], known: Evidence) -> bool:
    """Whether the latest month or quarter alone would have a better rating."""
    names = ["value", "numerator", "denominator"]
    months, alone = known.months(kpi["kpi_id"]), known.alone(kpi["kpi_id"])
    months = months[(months["basis"] == MONTH) & months["value"].notna()]
    alone = alone[alone["in_period_value"].notna()].drop(columns=names)
    alone = alone.rename(columns={f"in_period_{name}": name for name in names})
    latest = [kpi | dict(table[names].iloc[-1]) for table in (months, alone) if len(table)]
    return bool(latest) and bool(
        (rated(pd.DataFrame(latest), known.returns.council)["band"] < kpi["band"]).any()
    )


def run_of(ratings: Sequence[str]) -> int:
    """How many of the last ratings are the same."""
    return next(
        (n for n, rating in enumerate(reversed(ratings)) if rating != ratings[-1]), len(ratings)
    )


def said_so_far(known: Evidence, commentary: pd.DataFrame) -> pd.DataFrame:
    """The commentary on KPIs, report by report, with the figures of its own report for its tokens.

    `commentary`: as `remarks.commentary_until` gives it, or some rows of that.
    """
    said = commentary[commentary["kpi_id"].isin(set(known.kpis["kpi_id"]))].reset_index(drop=True)
    texts = ["commentary", "management_action"]
    for label, rows in said.groupby("quarter"):
        tokens = (
            rows[texts]
            .apply(lambda column: column.str.contains("{", regex=False, na=False))
            .any(axis=1)
        )
        if not tokens.any():
            continue
        kpis = _as_reported(known, Quarter.parse(label), set(rows.loc[tokens, "kpi_id"]))
        for place, row in rows[tokens].iterrows():
            if row["kpi_id"] in kpis:
                figures = kpi_figures(kpis[row["kpi_id"]])
                for name in texts:
                    said.loc[place, name] = (
                        filled(row[name], figures) if isinstance(row[name], str) else None
                    )
    return said


def _as_reported(known: Evidence, quarter: Quarter, kpi_ids: set[str]) -> dict[str, dict[str, Any]]:
    """The rows of the scorecard that the report of a quarter had for some KPIs."""
    kpis = known.kpis
    if quarter != known.returns.quarter:
        then = as_known_at(_only(known.returns, kpi_ids), quarter)
        kpis = (
            score(recent_quarters(then), then)
            if len(in_set(then.catalogue, quarter))
            else kpis.head(0)
        )
    return {str(row["kpi_id"]): row for row in rows_of(kpis)}


def directorate_named(returns: Returns, text: object) -> str:
    """The directorate that `text` names; an empty text means all of them and stays empty.

    Raises `InputError` with the nearest names where there is none.
    """
    known = dict.fromkeys(returns.catalogue["directorate"].dropna())
    return named(text, {name: name for name in known}, "directorate") if str(text).strip() else ""


def kpi_named(returns: Returns, text: object) -> str:
    """The id of the KPI that `text` names. Raises `InputError` with the nearest names, or with when it was in force."""
    titles = dict(zip(returns.catalogue["kpi_id"], returns.catalogue["kpi_name"], strict=True))
    return named(text, {known: f"{known} ({title})" for known, title in titles.items()}, "KPI")


def _said_of(rebase: dict[str, Any], points: pd.DataFrame) -> str:
    """What a rebase does to the limits of its series, or that it does nothing."""
    agreed = {name: rebase[name] for name in AGREED}
    nothing = rebase_notes(points, agreed)
    if nothing:
        return nothing[0]
    invented = f" ({ILLUSTRATIVE})" if rebase["status"] == ILLUSTRATIVE else ""
    return (
        f"The limits are made anew from {date.fromisoformat(rebase['date']):%B %Y}: {rebase['reason'].rstrip('.')}. "
        f"Agreed by: {rebase['name']}{invented}."
    )


def _none_of(known: Evidence) -> Evidence:
    tables = ("recent", "kpis", "quarters", "points", "rebases", "outlooks", "doubts")
    return replace(known, **{name: getattr(known, name).head(0) for name in tables})


def _only(returns: Returns, kpi_ids: Collection[str]) -> Returns:
    names = ("catalogue", "figures", "months", "submissions", "benchmarks")
    tables = {name: getattr(returns, name) for name in names}
    return replace(
        returns, **{name: rows[rows["kpi_id"].isin(set(kpi_ids))] for name, rows in tables.items()}
    )
