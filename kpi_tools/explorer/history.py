"""One KPI in depth, piece by piece: definition, targets, usual range, directions, outlook, what it takes, what was said.

Every piece is `Html`, for a notebook's cell and for one offline page; the charts are the explorer's own, as SVG.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from kpi_tools.assurance import usual_range
from kpi_tools.errors import InputError
from kpi_tools.explorer.evidence import Evidence, evidence, kpi_named, said_so_far
from kpi_tools.explorer.sentences import standing
from kpi_tools.explorer.views import begin_with, notes_below, view
from kpi_tools.loading import Returns, as_known_at, commentary_until, in_set, line_columns, load
from kpi_tools.page.cards import Beside, cards
from kpi_tools.page.chart_words import YEARLY, quality_notes
from kpi_tools.page.describe import needed
from kpi_tools.page.html import (
    Html,
    badge,
    figure_with_status,
    looks,
    paragraphs,
    report_table,
    slug,
)
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard.changes import restated_between
from kpi_tools.terms import Terms
from kpi_tools.vocabulary import CLOSEST, HIGHER, LOWER, MONITORED
from kpi_tools.wording import (
    capitalised,
    figure_of,
    in_words,
    is_number,
    is_text,
    line_of,
    listed,
    period_of,
    rounded,
    rows_by,
    rows_of,
    show,
    show_line,
)

_BASES = {
    "quarter": "One figure covers one quarter.",
    "rolling_12_months": "One figure covers the twelve months to the end of its quarter, so neighbours share most of their data.",
    "snapshot": "One figure is the state at the end of its quarter.",
    "year_to_date": "One figure covers the financial year so far.",
    "annual": "One figure covers a year.",
}
_GOOD = {
    HIGHER: "Higher is better.",
    LOWER: "Lower is better.",
    CLOSEST: "Closest to the {target} is better.",
}


def one_kpi(kpi: str, quarter: object, raw: str | Path) -> "OneKpi":
    """Everything known of the KPI (its id) in the report of `quarter`, from the folder `raw`.

    Raises `InputError` with the nearest names where there is no such KPI, with the reports in which it is where this
    is none of them, and as `loading.load` does.
    """
    returns = load(raw, Quarter.parse(quarter))
    kpi_id = kpi_in_report(returns, kpi)
    known = evidence(returns, {kpi_id})
    return OneKpi(known, kpi_id, said_so_far(known, commentary_until(raw, returns)))


def kpi_in_report(returns: Returns, kpi: str) -> str:
    """The id of the KPI that `kpi` names, which is in the report of the returns' quarter; else an `InputError`."""
    kpi_id = kpi_named(returns, kpi)
    if kpi_id not in set(in_set(returns.catalogue, returns.quarter)["kpi_id"]):
        row = returns.catalogue.set_index("kpi_id").loc[kpi_id]
        upto = (
            f" to {Quarter.parse(row['last_quarter']).title}"
            if isinstance(row["last_quarter"], str)
            else " on"
        )
        raise InputError(
            f"{kpi_id} ({row['kpi_name']}) is not in the report for {returns.quarter.title}. It is in the reports from "
            f"{Quarter.parse(row['first_quarter']).title}{upto}: give one of these quarters."
        )
    return kpi_id


@dataclass(frozen=True)
class OneKpi:
    """One KPI; each property is a piece of its page. `known` holds every table (see `evidence.Evidence`)."""

    known: Evidence
    kpi_id: str
    commentary: pd.DataFrame

    @property
    def kpi(self) -> dict[str, Any]:
        """Its row of the scorecard, with what the rules say of it."""
        return self.known.kpi(self.kpi_id)

    @property
    def terms(self) -> Terms:
        """The council's words."""
        return Terms(self.known.returns.council)

    @property
    def answer(self) -> Html:
        """How it stands and whether that is luck or process, in a few sentences, and its card as in the report."""
        council = self.known.returns.council
        changes = self.known.returns.changelog
        beside = Beside(
            self.terms,
            headline=council.headline,
            dated=self.known.returns.annotations,
            breaks=rows_by(changes[changes["change"] == "redefined"]),
            benchmarks=rows_by(self.known.benchmarks(self.kpi_id)),
            months=rows_by(self.known.months(self.kpi_id)),
        )
        own = self.known.kpis[self.known.kpis["kpi_id"] == self.kpi_id]
        shown = cards(own, self.known.recent, beside)
        return paragraphs(standing(self.known, self.kpi_id)) + shown

    @property
    def definition(self) -> Html:
        """What is counted, what is better, what one figure covers, who answers for it, and what was changed in it."""
        kpi, returns = self.kpi, self.known.returns
        what = (
            kpi["definition"]
            if isinstance(kpi["definition"], str)
            else "No definition has been given."
        )
        late = int(kpi["lag_quarters"])
        in_arrears = (
            f" It is reported {in_words(late)} quarter{'s' if late > 1 else ''} in arrears."
            if late
            else ""
        )
        who = (
            f" Accountable: {kpi['owner']} ({kpi['directorate']})."
            if isinstance(kpi["owner"], str)
            else ""
        )
        changes = rows_of(returns.changelog[returns.changelog["kpi_id"] == self.kpi_id])
        changed = [
            figure_with_status(
                f"From {Quarter.parse(row['from_quarter']).title} {row['change']}: {row['reason']}",
                row["status"],
            )
            for row in changes
        ]
        good = _GOOD.get(kpi["polarity"], "Neither higher nor lower is better.")
        good = good.format(target=self.terms.word("target"))
        unit = f" Unit: {kpi['unit']}." if kpi["unit"] else ""
        measured = f"{good} {_BASES[kpi['basis']]}{unit}{in_arrears}{who} {' '.join(quality_notes(kpi))}".rstrip()
        return paragraphs(
            what, measured, *(changed or ("No change of its definition is on record.",))
        )

    @property
    def targets(self) -> Html:
        """Every target and floor standard, from when it held, and why it was set so."""
        kpi, targets = self.kpi, self.known.returns.targets
        unit, decimals = kpi["unit"], int(kpi["decimals"])
        terms, own = self.terms, targets[targets["kpi_id"] == self.kpi_id]
        lines = [name for name in line_columns(targets) if own[name].notna().any()]
        rows = [
            {
                "From": Quarter.parse(row["from_quarter"]).title,
                **{
                    terms.head(name): show_line(row[name], unit, decimals)
                    + (_tolerance(row, decimals) if name == "target" else "")
                    for name in lines
                },
                "Reason": figure_with_status(
                    _said(row["target_reason"], "No reason was given"), row["target_status"]
                ),
            }
            for row in rows_of(own)
        ]
        if kpi["rating"] == MONITORED:
            return paragraphs("It is monitored only: no line is agreed for it.")
        if is_text(kpi["milestone"]):
            return paragraphs("It is rated by its status.")
        if not rows:
            return paragraphs(
                f"No {terms.word('target')} has been agreed, so the {terms.word('kpi')} is not rated."
            )
        return _table(
            rows,
            f"{capitalised(listed([terms.word(name, 2) for name in lines]))} over time",
            "targets",
        )

    @property
    def usual_range(self) -> Html:
        """The XmR chart: mean, process limits, every flag with its reason, and every figure's reason for having none."""
        if is_text(self.kpi["milestone"]):
            return paragraphs("A status has no usual range.")
        rows = [
            {
                "Period": period_of(row),
                "Figure": _figure(row),
                "Usual range": _range(row),
                "Rule": _said(row["rule"], "–"),
                "Why, or why not": row["why"],
            }
            for row in rows_of(self.known.of("points", self.kpi_id))
        ]
        return self._shown(
            "limits",
            _table(rows, "Each figure, its usual range, and why it is flagged or not", "limits"),
        )

    @property
    def directions(self) -> Html:
        """Both directions of travel with their size, what is expected of the next quarters, and every figure's rating."""
        if is_text(self.kpi["milestone"]):
            return paragraphs("A status has no direction of travel and is not predicted.")
        colours, lines = looks(self.terms), self.terms.lines(self.kpi)
        rows = [
            {
                "Quarter": period_of(row),
                "Figure": _figure(row),
                **{self.terms.head(name): line_of(row, name) for name in lines},
                "Rating": badge(row["rating"], colours.get(row["rating"])),
            }
            for row in rows_of(self.known.of("quarters", self.kpi_id))
        ]
        return self._shown(
            "trend", _table(rows, "Each quarter's figure, lines and rating", "trend")
        )

    @property
    def seasons(self) -> Html:
        """The same quarter over the years."""
        if is_text(self.kpi["milestone"]) or self.kpi["frequency"] in YEARLY:
            return paragraphs("It has no figure for each quarter of a year.")
        return self._shown("season")

    @property
    def areas(self) -> Html:
        """Figures of other areas, where there are any."""
        return self._shown("areas")

    @property
    def takes(self) -> Html:
        """What it takes: the quarters alone inside a rolling figure, what each must be, and how many cases decide."""
        kpi, own = self.kpi, self.known.alone(self.kpi_id)
        said = paragraphs(*needed(kpi, rows_of(own), self.known.months(self.kpi_id)))
        rows = [
            {
                "Quarter": period_of(row),
                "Twelve months": _figure(row),
                "The quarter alone": show(
                    row["in_period_value"], row["unit"], int(row["decimals"])
                ),
                "Cases": f"{row['in_period_numerator']:,.0f} of {row['in_period_denominator']:,.0f}",
            }
            for row in rows_of(own[own["in_period_value"].notna()])
        ]
        if not rows:
            return said
        return said + report_table(
            pd.DataFrame(rows),
            "The quarter alone inside the rolling figure",
            name="alone",
            wide=True,
        )

    @property
    def restated(self) -> Html:
        """Figures that a later return changed: old, new, reason, effect on rating and direction."""
        returns = self.known.returns
        again = returns.submissions[returns.submissions.duplicated("quarter")]["received"].unique()
        tables = [
            restated_between(as_known_at(returns, quarter.shift(-1)), as_known_at(returns, quarter))
            for quarter in sorted(map(Quarter.parse, again))
        ]
        changed = pd.concat(
            [table for table in tables if len(table)] or [pd.DataFrame()], ignore_index=True
        )
        if changed.empty:
            return paragraphs("No figure has been changed after it was first received.")
        rows = [
            {
                "Quarter": Quarter.parse(row["quarter"]).title,
                "Was": row["old"],
                "Is": row["new"],
                "With the returns of": Quarter.parse(row["received"]).title,
                "Rating": row["new_rating"]
                if row["old_rating"] == row["new_rating"]
                else f"{row['old_rating']} → {row['new_rating']}",
                "Reason": _said(row["reason"], "No reason was given."),
            }
            for row in rows_of(changed)
        ]
        return _table(rows, "Figures changed after they were first received", "restated")

    @property
    def remarks(self) -> Html:
        """What each report said of it: commentary, management action, and by whom; the latest first."""
        rows = [
            {
                "Report": Quarter.parse(row["quarter"]).title,
                "Commentary": figure_with_status(_said(row["commentary"], "–"), row["status"]),
                self.terms.head("management_action"): _said(row["management_action"], "–"),
                "By": _said(row["author"], "not given"),
            }
            for row in reversed(rows_of(self.commentary[self.commentary["kpi_id"] == self.kpi_id]))
        ]
        begin = begin_with(self.known, self.kpi_id)
        if not rows:
            return (
                paragraphs(f"No report so far has commentary on this {self.terms.word('kpi')}.")
                + begin
            )
        return _table(rows, "Commentary, report by report", "remarks") + begin

    @property
    def doubts(self) -> Html:
        """What about its data looks wrong, for whoever sends them."""
        rows = [
            {
                "Quarter": Quarter.parse(row["quarter"]).title,
                "Doubt": row["doubt"],
                "What to do": row["remedy"],
                "Who": row["who"],
            }
            for row in rows_of(self.known.doubts)
        ]
        if not rows:
            return paragraphs("No figure looks like a fault of the data.")
        return _table(rows, "Doubted figures", "doubts")

    def _shown(self, name: str, table: Html | str = "") -> Html:
        shown = view(name, self.known, self.kpi_id)
        if name == "areas" and not shown.picture.points:
            return paragraphs(*shown.notes)
        title = f"{self.kpi['kpi_name']}: {name}"
        chart = shown.picture.svg(f"{slug(self.kpi_id)}-{name}", title, shown.description)
        return notes_below(shown, Markup(chart), table)


def kpi_tables(one: OneKpi) -> dict[str, pd.DataFrame]:
    """The tables that go with the page, by sheet name: `Figures` (the finest series, with limits and reasons), `Quarters`,
    `Targets`."""
    targets = one.known.returns.targets
    return {
        "Figures": one.known.of("points", one.kpi_id),
        "Quarters": one.known.of("quarters", one.kpi_id),
        "Targets": targets[targets["kpi_id"] == one.kpi_id].reset_index(drop=True),
    }


def _table(rows: list[dict[str, Any]], caption: str, name: str) -> Html:
    return report_table(
        pd.DataFrame(rows), caption, name=name, wide=True, quiet=True, look="kpi-order"
    )


def _figure(row: dict[str, Any]) -> Html:
    return figure_with_status(figure_of(row), row["status"] if is_number(row["value"]) else None)


def _range(row: dict[str, Any]) -> str:
    if pd.isna(row["lower_limit"]):
        return str(row["limits"])
    return usual_range(row)


def _tolerance(row: dict[str, Any], decimals: int) -> str:
    return "" if pd.isna(row["tolerance"]) else f" ± {rounded(row['tolerance'], decimals)}"


def _said(text: Any, otherwise: str) -> str:
    return text if is_text(text) else otherwise
