"""Why a KPI stands where it does: everything that the rules say of it, computed once.

The explorer and the history of one KPI read from here; nothing is computed in a chart or a cell.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from kpi_tools.assurance import by_consequence, reading
from kpi_tools.errors import InputError
from kpi_tools.explorer.reasons import why
from kpi_tools.kinds import Chosen, chart_for
from kpi_tools.loading import Returns, as_known_at, in_set
from kpi_tools.outlook import line_chances, outlook
from kpi_tools.page.describe import outlook_in_words, quarters_alone, settings_of
from kpi_tools.quarters import Quarter
from kpi_tools.rating import band_lines
from kpi_tools.rows import Row, Rows, is_text, rows_by, rows_of
from kpi_tools.scorecard import rated, recent_quarters, score
from kpi_tools.scorecard.series import (
    NOT_ASSESSED,
    assessed,
    classified,
    rare_kinds,
    series_of,
)
from kpi_tools.terms import Terms, lines_of
from kpi_tools.tokens import filled, kpi_figures
from kpi_tools.trend import gls_direction
from kpi_tools.units import adds_up
from kpi_tools.vocabulary import ILLUSTRATIVE, MONTH, NOT_RATED
from kpi_tools.wording import capitalised, named

WITHHELD = "a figure of this KPI looks like a fault of the data, and nobody has confirmed it"
TEXTS = ["commentary", "management_action"]
_TABLES = ("recent", "kpis", "quarters", "series", "points", "rebases", "outlooks", "doubts")
_DERIVED = ("alone", "bands", "lines")
_ASSURANCE = ["variation", "assurance", "limits", "baseline_points", "series"]
_PARTS = ["value", "numerator", "denominator"]


@dataclass(frozen=True)
class Evidence:
    """What is known of the KPIs in force in a report. Tables are pandas.

    * `recent`: the quarters that the report shows, six rows a KPI, with the official and the
      overlap-aware direction;
    * `kpis`: the scorecard in order of consequence (column `consequence`), with `variation`,
      `assurance`, `reading`, `gls_direction` and what goes with it;
    * `quarters`: all quarterly figures known, those of `recent` last, rated;
    * `series`: the finest series there is of each KPI (its column `series` says `months` or
      `quarters`, `period` its label);
    * `points`: these, or the time between rare events, with process limits, `rule`,
      `special_cause` and `why`: one sentence on why a point is flagged or why not;
    * `rebases`: the rebases agreed for them, with `sentence`: what each does;
    * `outlooks`: as `outlook.outlook` gives them, from the quarters of `recent`;
    * `doubts`: the figures that look like a fault of the data (`doubts.doubt_table`).
    """

    returns: Returns
    recent: pd.DataFrame
    kpis: pd.DataFrame
    quarters: pd.DataFrame
    series: pd.DataFrame
    points: pd.DataFrame
    rebases: pd.DataFrame
    outlooks: pd.DataFrame
    doubts: pd.DataFrame

    def of(self, table: str, kpi_id: str) -> pd.DataFrame:
        """The rows of one KPI in one of the tables, or in one of the returns, numbered from 0."""
        ours = table in (*_TABLES, *_DERIVED)
        rows: pd.DataFrame = getattr(self if ours else self.returns, table)
        return rows[rows["kpi_id"] == kpi_id].reset_index(drop=True)

    def kpi(self, kpi_id: str) -> Row:
        """The row of one KPI in `kpis`."""
        return dict(self._rows[kpi_id])

    @cached_property
    def terms(self) -> Terms:
        """What the council calls things."""
        return Terms(self.returns.council)

    @cached_property
    def _rows(self) -> dict[str, Row]:
        return {row["kpi_id"]: row for row in rows_of(self.kpis)}

    def chart(self, kpi_id: str) -> Chosen:
        """The kind of chart of one KPI's points, why it is that, and which others it may have."""
        found = chart_for(self.of("points", kpi_id), self.returns.council.chart_kind)
        counts = self.of("series", kpi_id)
        possible = (*chart_for(counts).possible, *rare_kinds(counts, self.returns))
        return replace(found, possible=possible)

    def charted_as(self, kpi_id: str, chart: str) -> "Evidence":
        """What is known of one KPI with its points on another kind of chart."""
        council = replace(self.returns.council, chart_kind=chart)
        tables = {name: self.of(name, kpi_id) for name in _TABLES}
        return _charted(replace(self, returns=replace(self.returns, council=council), **tables))

    def months(self, kpi_id: str) -> pd.DataFrame:
        """The single months of one KPI, which are not rated; `period` is their label."""
        months = self.of("months", kpi_id)
        return months.assign(period=months["month"], rating=NOT_RATED, not_rated_reason=None)

    def single_months(self, kpi_id: str) -> pd.DataFrame:
        """Those of its months that have a figure of the month alone."""
        months = self.months(kpi_id)
        return months[months["value"].notna() & (months["basis"] == MONTH)]

    @cached_property
    def alone(self) -> pd.DataFrame:
        """`quarters` with each quarter alone, from rolling figures and months."""
        return quarters_alone(self.quarters, self.returns.months)

    @cached_property
    def bands(self) -> pd.DataFrame:
        """Where each band begins in `quarters`, as `rating.band_lines` gives it."""
        return band_lines(self.quarters, self.returns.council.schemes)

    @cached_property
    def lines(self) -> pd.DataFrame:
        """The lines of the latest figures that are set, as `outlook.line_chances` gives them."""
        lines = lines_of(self.kpis, self.terms)
        return line_chances(self.recent, lines, **settings_of(self.returns))

    def outlook_in_words(self, kpi_id: str) -> str:
        """What is expected of one KPI, as its card says it."""
        expected = rows_of(self.of("outlooks", kpi_id))[0]
        return outlook_in_words(self.kpi(kpi_id), expected, rows_of(self.of("lines", kpi_id)))


def evidence(returns: Returns, kpi_ids: Collection[str] | None = None) -> Evidence:
    """Everything that the rules say of the KPIs in the report of the returns' quarter, or of
    `kpi_ids`. Of one with a doubted figure nothing is concluded: no special cause, assurance,
    reading or outlook."""
    there = list(in_set(returns.catalogue, returns.quarter)["kpi_id"])
    if not there:
        raise InputError(
            f"No KPI is in the report for {returns.quarter.title}: see first_quarter and "
            "last_quarter in kpis.csv."
        )
    if kpi_ids is not None and not set(there) & set(kpi_ids):
        some = evidence(returns, there[:1])
        return replace(some, **{name: getattr(some, name).head(0) for name in _TABLES})
    returns = returns if kpi_ids is None else _only(returns, kpi_ids)
    settings = settings_of(returns)
    recent = gls_direction(recent_quarters(returns), **settings)
    quarters, series, doubts = series_of(recent, returns)
    certain = recent.assign(
        value=recent["value"].mask(recent["kpi_id"].isin(set(doubts["kpi_id"])))
    )
    outlooks = outlook(certain, **settings)
    kpis, rebases = score(recent, returns), returns.rebases
    return _charted(
        Evidence(returns, recent, kpis, quarters, series, series, rebases, outlooks, doubts)
    )


def _charted(known: Evidence) -> Evidence:
    """The same with `points` on the council's kind of chart, and what follows from that."""
    returns, doubted = known.returns, set(known.doubts["kpi_id"])
    council, points = returns.council, classified(known.series, returns)
    points["why"] = [why(row) for row in rows_of(points)]
    found = assessed(points, known.doubts)[_ASSURANCE]
    kpis = known.kpis.drop(columns=_ASSURANCE, errors="ignore").join(found, on="kpi_id")
    withheld = points["kpi_id"].isin(doubted)
    points.loc[withheld, ["rule", "special_cause"]] = None
    points.loc[withheld, "why"] = f"{capitalised(NOT_ASSESSED)}: {WITHHELD}."
    agreed = returns.rebases[returns.rebases["kpi_id"].isin(set(points["kpi_id"]))]
    rebases = agreed.assign(sentence=[_rebase_sentence(row, points) for row in rows_of(agreed)])
    bands = {name: len(scheme.bands) for name, scheme in council.schemes.items()}
    better = _better_alone(known)
    kpis["reading"] = [
        reading(
            row,
            bands.get(row["scheme"] or "", 0),
            alone_meets=row["kpi_id"] in better,
            target=known.terms.word("target"),
        )
        for row in rows_of(kpis)
    ]
    kpis = by_consequence(kpis, bands, known.quarters)
    return replace(known, kpis=kpis, points=points, rebases=rebases)


def _better_alone(known: Evidence) -> set[str]:
    """The KPIs of which the latest month or quarter alone would have a better rating."""
    quarters = known.alone.dropna(subset="in_period_value").drop(columns=_PARTS)
    quarters = quarters.rename(columns={f"in_period_{name}": name for name in _PARTS})
    months = known.returns.months
    months = months[months["value"].notna() & (months["basis"] == MONTH)]
    months = months[~months["unit"].map(adds_up).astype("bool")]
    rows = known.kpis.drop(columns=_PARTS).rename(columns={"band": "band_now"})
    latest = [table.groupby("kpi_id")[_PARTS].last(skipna=False) for table in (quarters, months)]
    rows = pd.concat([rows.merge(table, on="kpi_id") for table in latest], ignore_index=True)
    if rows.empty:
        return set()
    bands = rated(rows, known.returns.council)
    return set(bands.loc[bands["band"] < bands["band_now"], "kpi_id"])


def commentary_so_far(known: Evidence, commentary: pd.DataFrame) -> pd.DataFrame:
    """The commentary (rows of `loading.commentary_until`) on KPIs, report by report, its tokens
    with the figures of its own report."""
    of_kpis = commentary[commentary["kpi_id"].isin(set(known.kpis["kpi_id"]))].reset_index(
        drop=True
    )
    tokens = of_kpis[TEXTS].apply(lambda texts: texts.str.contains("{", regex=False, na=False))
    for label, rows in of_kpis[tokens.any(axis=1)].groupby("quarter"):
        kpis = _as_reported(known, Quarter.parse(label), set(rows["kpi_id"]))
        for place, row in rows[rows["kpi_id"].isin(set(kpis))].iterrows():
            figures = kpi_figures(kpis[row["kpi_id"]][0])
            texts = row[TEXTS]
            of_kpis.loc[place, TEXTS] = [
                filled(text, figures) if is_text(text) else None for text in texts
            ]
    return of_kpis


def _as_reported(known: Evidence, quarter: Quarter, kpi_ids: set[str]) -> dict[str, Rows]:
    """The rows of the scorecard that the report of a quarter had for some KPIs."""
    if quarter == known.returns.quarter:
        return rows_by(known.kpis)
    then = as_known_at(_only(known.returns, kpi_ids), quarter)
    if in_set(then.catalogue, quarter).empty:
        return {}
    return rows_by(score(recent_quarters(then), then))


def directorate_named(returns: Returns, text: object) -> str:
    """The directorate that `text` names; an empty text means all of them and stays empty. Raises
    `InputError` with the nearest names where there is none."""
    known = dict.fromkeys(returns.catalogue["directorate"].dropna())
    return named(text, {name: name for name in known}, "directorate") if str(text).strip() else ""


def kpi_named(returns: Returns, text: object) -> str:
    """The id of the KPI that `text` names. Raises `InputError` with the nearest names."""
    titles = dict(zip(returns.catalogue["kpi_id"], returns.catalogue["kpi_name"], strict=True))
    return named(text, {known: f"{known} ({title})" for known, title in titles.items()}, "KPI")


def _rebase_sentence(rebase: Row, points: pd.DataFrame) -> str:
    """What a rebase does to the limits of its series, or that it does nothing."""
    ends = points.loc[points["kpi_id"] == rebase["kpi_id"], "period_end"]
    day, reason = pd.Timestamp(rebase["date"]), rebase["reason"].rstrip(".")
    if not ends.min() < day <= ends.max():
        side = "after the last" if day > ends.max() else "before the second"
        what = f"The rebase of {day:%B %Y} ({reason})"
        return f"{what} lies {side} figure, so it changes nothing."
    invented = f" ({ILLUSTRATIVE})" if rebase["status"] == ILLUSTRATIVE else ""
    anew = f"The limits are made anew from {day:%B %Y}: {reason}."
    return f"{anew} Agreed by: {rebase['name']}{invented}."


def _only(returns: Returns, kpi_ids: Collection[str]) -> Returns:
    names = ("catalogue", "figures", "months", "submissions", "benchmarks")
    tables = {name: getattr(returns, name) for name in names}
    return replace(
        returns, **{name: rows[rows["kpi_id"].isin(set(kpi_ids))] for name, rows in tables.items()}
    )
