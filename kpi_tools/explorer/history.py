"""One KPI in depth, piece by piece: definition, lines, usual range, directions, what was said.

Every piece is `Html`, for a notebook's cell and for one offline page; its views are those of the
explorer (`table.view_data`), each with its picture and figures to take away.
"""

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

import pandas as pd
from markupsafe import Markup

from kpi_tools.errors import InputError
from kpi_tools.explorer.evidence import Evidence, commentary_so_far, evidence, kpi_named
from kpi_tools.explorer.reasons import usual_range
from kpi_tools.explorer.sentences import draft, status_sentences
from kpi_tools.explorer.table import view_data
from kpi_tools.explorer.views import VIEWS
from kpi_tools.loading import Returns, as_known_at, commentary_until, in_set, load
from kpi_tools.page.cards import Context, cards, figures_table, target_history
from kpi_tools.page.chapters import context_of
from kpi_tools.page.describe import takes
from kpi_tools.page.facts import figure_cell
from kpi_tools.page.html import (
    Html,
    figure_with_status,
    paragraphs,
    render,
    report_table,
)
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, Rows, is_number, is_text, rows_of
from kpi_tools.scorecard.changes import restated_between
from kpi_tools.spreadsheets import csv_bytes
from kpi_tools.tokens import filled, kpi_figures
from kpi_tools.vocabulary import IN_YEARS, MONITORED
from kpi_tools.wording import capitalised, period_of, show


def one_kpi(kpi: str, quarter: object, raw: str | Path) -> "OneKpi":
    """Everything known of a KPI in the report of a quarter.

    Args:
        kpi: its id.
        quarter: the financial quarter, for example `2024-25 Q3`.
        raw: the folder of council.toml, kpis.csv and returns.

    Raises:
        InputError: with the nearest names where there is no such KPI, with the reports in which it
            is where this is none of them; as `load` does.
    """
    returns = load(raw, Quarter.parse(quarter))
    kpi_id = kpi_in_report(returns, kpi)
    known = evidence(returns, {kpi_id})
    return OneKpi(known, kpi_id, commentary_so_far(known, commentary_until(raw, returns)))


def kpi_in_report(returns: Returns, kpi: str) -> str:
    """The id of the KPI that `kpi` names, in the report of the quarter; or `InputError`."""
    kpi_id = kpi_named(returns, kpi)
    if kpi_id not in set(in_set(returns.catalogue, returns.quarter)["kpi_id"]):
        row = returns.catalogue.set_index("kpi_id").loc[kpi_id]
        last = row["last_quarter"]
        upto = f" to {Quarter.parse(last).title}" if is_text(last) else " on"
        raise InputError(
            f"{kpi_id} ({row['kpi_name']}) is not in the report for {returns.quarter.title}. It is "
            f"in the reports from {Quarter.parse(row['first_quarter']).title}{upto}: give one of "
            "these quarters."
        )
    return kpi_id


@dataclass(frozen=True)
class OneKpi:
    """One KPI; each property is a piece of its page. `known` holds every table (`Evidence`)."""

    known: Evidence
    kpi_id: str
    commentary: pd.DataFrame

    @property
    def kpi(self) -> Row:
        """Its row of the scorecard, with what the rules say of it."""
        return self.known.kpi(self.kpi_id)

    @property
    def answer(self) -> Html:
        """How it stands and whether that is luck or process, and its card as in the report."""
        known = self.known
        kpis = known.kpis[known.kpis["kpi_id"] == self.kpi_id]
        card = cards(kpis, known.recent, context_of(kpis, known.recent, known.returns))
        return paragraphs(status_sentences(known, self.kpi_id)) + card

    @property
    def definition(self) -> Html:
        """What is counted, what a figure covers, who answers, what was changed."""
        return render(
            "explorer_definition.html.j2",
            kpi=self.kpi,
            changes=rows_of(self.known.of("changelog", self.kpi_id)),
            title=lambda label: Quarter.parse(label).title,
        )

    @property
    def targets(self) -> Html:
        """Every target and floor standard, from when it held, and why it was set so."""
        targets = rows_of(self.known.of("targets", self.kpi_id))
        rows = [
            {
                "From": capitalised(entry["since"]),
                "Lines": entry["lines"],
                "Reason": figure_with_status(capitalised(entry["reason"]), entry["status"]),
            }
            for entry in target_history(self.kpi, targets, self.known.terms)
        ]
        if self.kpi["rating"] == MONITORED or is_text(self.kpi["milestone"]) or not rows:
            return paragraphs("No line is agreed for it.")
        return _table(rows, "Its lines over time", "targets")

    @property
    def usual_range(self) -> Html:
        """The control chart: mean, process limits, every flag and every reason for having none."""
        if is_text(self.kpi["milestone"]):
            return paragraphs("A status has no usual range.")
        rows = [
            {
                "Period": period_of(row),
                "Figure": figure_cell(row),
                "Usual range": usual_range(row) if is_number(row["lower_limit"]) else row["limits"],
                "Rule": _text(row["rule"], "–"),
                "Why, or why not": row["why"],
            }
            for row in rows_of(self.known.of("points", self.kpi_id))
        ]
        caption = "Each figure, its usual range, and why it is flagged or not"
        return self._view("limits", _table(rows, caption, "limits"))

    @property
    def directions(self) -> Html:
        """Both directions of travel, what is expected next, and every figure's rating."""
        if is_text(self.kpi["milestone"]):
            return paragraphs("A status has no direction of travel and is not predicted.")
        quarters = rows_of(self.known.of("quarters", self.kpi_id))
        table = figures_table(self.kpi, quarters, Context(self.known.terms))
        caption = "Each quarter's figure, lines and rating"
        return self._view("trend", _table(table, caption, "trend"))

    @property
    def seasons(self) -> Html:
        """The same quarter over the years."""
        if is_text(self.kpi["milestone"]) or self.kpi["frequency"] in IN_YEARS:
            return paragraphs("It has no figure for each quarter of a year.")
        return self._view("season")

    @property
    def areas(self) -> Html:
        """Figures of other areas, where there are any."""
        return self._view("areas")

    @property
    def takes(self) -> Html:
        """What it takes: the quarters alone in a rolling figure, and how many cases decide."""
        quarters, lines = (rows_of(self.known.of(name, self.kpi_id)) for name in ("alone", "lines"))
        unknown = "How many cases are behind this figure is not known"
        none = [f"{unknown}, so what it takes cannot be counted."]
        sentences = paragraphs(*(takes(self.kpi, quarters, lines, self.known.terms) or none))
        rows = [
            {
                "Quarter": period_of(row),
                "Twelve months": figure_cell(row),
                "The quarter alone": show(
                    row["in_period_value"], row["unit"], int(row["decimals"])
                ),
                "Cases": f"{row['in_period_numerator']:,.0f} of "
                f"{row['in_period_denominator']:,.0f}",
            }
            for row in quarters
            if is_number(row["in_period_value"])
        ]
        caption = "The quarter alone inside the rolling figure"
        if not rows:
            return sentences
        return sentences + report_table(rows, caption, name="alone", quiet=False)

    @property
    def restated(self) -> Html:
        """Figures that a later return changed: old, new, reason, effect on the rating."""
        returns = self.known.returns
        again = returns.submissions[returns.submissions.duplicated("quarter")]["received"].unique()
        rows = [
            {
                "Quarter": Quarter.parse(row["quarter"]).title,
                "Was": row["old"],
                "Is": row["new"],
                "With the returns of": Quarter.parse(row["received"]).title,
                "Rating": " → ".join(dict.fromkeys([row["old_rating"], row["new_rating"]])),
                "Reason": _text(row["reason"], "No reason was given."),
            }
            for quarter in sorted(map(Quarter.parse, again))
            for row in rows_of(
                restated_between(
                    as_known_at(returns, quarter.shift(-1)), as_known_at(returns, quarter)
                )
            )
        ]
        if not rows:
            return paragraphs("No figure has been changed after it was first received.")
        return _table(rows, "Figures changed after they were first received", "restated")

    @property
    def remarks(self) -> Html:
        """What each report said of it and by whom, the latest first, and a draft to go on from."""
        rows = [
            {
                "Report": Quarter.parse(row["quarter"]).title,
                "Commentary": figure_with_status(_text(row["commentary"], "–"), row["status"]),
                self.known.terms.head("management_action"): _text(row["management_action"], "–"),
                "By": _text(row["author"], "not given"),
            }
            for row in reversed(rows_of(self.commentary[self.commentary["kpi_id"] == self.kpi_id]))
        ]
        text = draft(self.known, self.kpi_id)
        reads = filled(text, kpi_figures(self.kpi))
        begin = render("explorer_draft.html.j2", text=text, reads=reads)
        if rows:
            return _table(rows, "Commentary, report by report", "remarks") + begin
        none = f"No report so far has commentary on this {self.known.terms.word('kpi')}."
        return paragraphs(none) + begin

    @property
    def doubts(self) -> Html:
        """What about its data looks wrong, for whoever sends them."""
        doubts = self.known.doubts[["quarter", "doubt", "remedy", "who"]]
        if doubts.empty:
            return paragraphs("No figure looks like a fault of the data.")
        doubts = doubts.assign(quarter=[Quarter.parse(one).title for one in doubts["quarter"]])
        doubts.columns = ["Quarter", "Doubt", "What to do", "Who"]
        return _table(rows_of(doubts), "Doubted figures", "doubts")

    def _view(self, name: str, table: Html | str = "") -> Html:
        """A view: its chart, legend and sentences; below them its figures; both to take away."""
        one = view_data(self.known, self.kpi_id, name, "PAGE")
        if not one["svg"] and name == "areas":
            return paragraphs(*one["notes"])
        stem = f"{self.kpi_id}-{name}-{self.known.returns.quarter.slug}"
        figures = pd.DataFrame(one["table"]["rows"], columns=one["table"]["columns"])
        taken = {f"{stem}.csv": ("text/csv", csv_bytes(figures))}
        if one["svg"]:
            taken[f"{stem}.svg"] = "image/svg+xml", self._picture(name, one).encode()
        return render(
            "explorer_notes.html.j2",
            chart=Markup(one["svg"]),
            legend=one["legend"],
            notes=one["notes"],
            table=table,
            taken={
                file: f"data:{kind};base64,{b64encode(text).decode()}"
                for file, (kind, text) in taken.items()
            },
        )

    def _picture(self, name: str, one: dict[str, Any]) -> str:
        """The whole picture, for a slide: title, sentence, chart, legend, source and as-at."""
        kpi, returns = self.kpi, self.known.returns
        source = _text(kpi["source"], returns.council.name)
        keys = "   ".join(f"{entry['mark']} {entry['text']}" for entry in one["legend"])
        return str(
            render(
                "explorer_picture.svg.j2",
                titles=wrap(f"{kpi['kpi_name']} ({self.kpi_id})", 92),
                sentences=wrap(f"{VIEWS[name]}. {status_sentences(self.known, self.kpi_id)}", 135),
                picture=Markup(one["svg"]),
                size=[*map(float, one["svg"].split('viewBox="0 0 ')[1].split('"')[0].split())],
                foot=[keys, *wrap(f"Source: {source}. As at {returns.quarter.title}.", 150)],
            )
        )


def kpi_tables(one: OneKpi) -> dict[str, pd.DataFrame]:
    """The tables that go with the page, by sheet: the finest series with its limits, and others."""
    return {
        "Figures": one.known.of("points", one.kpi_id),
        "Quarters": one.known.of("quarters", one.kpi_id),
        "Targets": one.known.of("targets", one.kpi_id),
    }


def _table(rows: Rows, caption: str, name: str) -> Html:
    return report_table(rows, caption, name=name, look="kpi-order")


def _text(text: Any, otherwise: str) -> str:
    return text if is_text(text) else otherwise
