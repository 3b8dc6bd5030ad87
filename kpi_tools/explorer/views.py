"""The views of one KPI: what is drawn, and what it says in words.

On screen (`explorer`) and on paper (`history`) the same marks and the same sentences are used. Whatever cannot be
said or drawn is said in words: too few figures, none, no variation, no benchmarks.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from kpi_tools.assurance import centre_of, if_today
from kpi_tools.comparison import compare
from kpi_tools.explorer.charts import (
    SIZES,
    Picture,
    area_picture,
    limit_picture,
    season_picture,
    trend_picture,
)
from kpi_tools.explorer.evidence import Evidence
from kpi_tools.explorer.sentences import directions, doubts_in_words, draft
from kpi_tools.kinds import AUTO, DAYS_BETWEEN, PERIODS_BETWEEN, XMR
from kpi_tools.outlook import outlook_in_words, predictions
from kpi_tools.page.chart_words import note_in_words, notes_on
from kpi_tools.page.describe import is_rolling, leaving_quarters, month_alone, to_reach
from kpi_tools.page.html import Html, render
from kpi_tools.quarters import Quarter
from kpi_tools.rebases import suggested_rebases
from kpi_tools.terms import Terms, lines_of
from kpi_tools.tokens import filled, kpi_figures
from kpi_tools.vocabulary import (
    AMBER,
    COMMON_CAUSE,
    CONCERN,
    ENGLAND,
    ESTIMATED,
    GREEN,
    ILLUSTRATIVE,
    IMPROVEMENT,
    LIMIT_MEANINGS,
    MONTH,
    NEGATIVE,
    NEUTRAL,
    NOT_RATED,
    POSITIVE,
    RED,
)
from kpi_tools.wording import (
    capitalised,
    figure_of,
    is_number,
    is_text,
    line_of,
    listed,
    parts_of,
    period_of,
    plural,
    rounded,
    rows_of,
    show,
)

CAUSES = {
    COMMON_CAUSE: "Within usual variation",
    IMPROVEMENT: "Unusual: improvement",
    CONCERN: "Unusual: concern",
    NEUTRAL: "Unusual",
}
VIEWS = {
    "trend": "Trend",
    "limits": "Usual range",
    "season": "Same quarter",
    "areas": "Other areas",
}

_EACH = {
    "months": "month",
    "weeks": "week",
    "days": "day",
    DAYS_BETWEEN: "time between events",
    PERIODS_BETWEEN: "period with a case",
}
Size = tuple[float, float]
Parts = tuple[Picture, str, list[str], list[tuple[str, str]]]

_FEWEST_AREAS = 4
_NO_GAP = 1e-6
_OURS = "our latest figure"
_ALL_IN_WORDS = 16
_MARKS = {
    GREEN: "●",
    AMBER: "▲",
    RED: "■",
    NOT_RATED: "–",
    COMMON_CAUSE: "●",
    IMPROVEMENT: "■",
    CONCERN: "◆",
    NEUTRAL: "▲",
    "Blue": "⬟",
    "Grey": "⬢",
    "month": "◆",
    "expected": "▬",
    "pale": "◍",
    "hollow": "○",
}


@dataclass(frozen=True)
class View:
    """One view of one KPI: `picture` as `charts` draws it, its `description` and `notes` in words, the
    `legend` (kind, mark, text), and the id of the point to begin with (`latest`, empty where there is none)."""

    name: str
    picture: Picture
    description: str
    notes: list[str]
    legend: list[dict[str, str]]
    latest: str


def view(name: str, known: Evidence, kpi_id: str, size: str = "PAGE") -> View:
    """The view `name` (one of VIEWS) of a KPI, drawn in one of `charts.SIZES`."""
    makers = {"trend": _trend, "limits": _limits, "season": _season, "areas": _areas}
    picture, description, notes, legend = makers[name](known, kpi_id, SIZES[size])
    notes = [*notes, *picture.happened]
    description = " ".join([description, *picture.happened])
    ids = [point.name for point in picture.points if point.kind != "month"]
    if any(point.status == ESTIMATED for point in picture.points):
        legend.append(("pale", "Pale: not final, or read from a published chart"))
    if any(point.status == ILLUSTRATIVE for point in picture.points):
        legend.append(("hollow", "Hollow: illustrative, not a fact"))
    shown = [
        {"kind": kind.lower().replace(" ", "-"), "mark": _MARKS[kind], "text": text}
        for kind, text in legend
    ]
    latest = max(ids, key=_when) if name == "season" and ids else ids[-1] if ids else ""
    return View(name, picture, description, [note for note in notes if note], shown, latest)


def notes_below(shown: View, chart: Html | str = "", table: Html | str = "") -> Html:
    """A view's legend and sentences, below its `chart` where one is given (static pages) and above its `table`."""
    return render(
        "explorer_notes.html.j2", chart=chart, legend=shown.legend, notes=shown.notes, table=table
    )


def begin_with(known: Evidence, kpi_id: str) -> Html:
    """A first paragraph for the commentary, to copy with its tokens and go on from, and how it reads."""
    text = draft(known, kpi_id)
    reads = filled(text, kpi_figures(known.kpi(kpi_id)))
    return render("explorer_draft.html.j2", text=text, reads=reads)


def _trend(known: Evidence, kpi_id: str, size: Size) -> Parts:
    kpi, quarters = known.kpi(kpi_id), known.of("quarters", kpi_id)
    months = known.months(kpi_id)
    doubted = bool(len(known.of("doubts", kpi_id)))
    terms = Terms(known.returns.council)
    picture, ahead = trend_of(known, kpi_id, size)
    notes = []
    if not doubted:
        answer = rows_of(known.of("outlooks", kpi_id))[0]
        notes.append(outlook_in_words(answer, kpi["unit"], int(kpi["decimals"]), terms.word))
    if not doubted and is_rolling(kpi) and is_text(parts_of(kpi)):
        leaving = leaving_quarters(rows_of(known.alone(kpi_id)))
        notes += to_reach(kpi, rows_of(lines_of(pd.DataFrame([kpi]), terms)), leaving)
    notes += directions(known, kpi_id)
    measured = months[months["value"].notna() & (months["basis"] == MONTH)]
    if len(measured):
        notes.insert(
            0, f"{month_alone(measured.iloc[-1], kpi['unit'], int(kpi['decimals']))} {_covers(kpi)}"
        )
    rags = [
        rag
        for rag in (*terms.looks, NOT_RATED)
        if any(point.kind == rag for point in picture.points)
    ]
    legend = [(terms.looks.get(rag, rag).capitalize(), rag) for rag in rags]
    legend += (
        [("month", "A single month")]
        if any(point.kind == "month" for point in picture.points)
        else []
    )
    legend += [("expected", "Expected, with its 95% interval")] if len(ahead) else []
    words = _series_in_words(quarters, "quarter")
    return picture, f"{words} {' '.join(notes)}", notes, legend


def trend_of(
    known: Evidence, kpi_id: str, size: Size, supposed: Mapping[str, float] | None = None
) -> tuple[Picture, pd.DataFrame]:
    """The trend as drawn, and what is expected of the next quarters; of a doubted series nothing is."""
    council, recent = known.returns.council, known.of("recent", kpi_id)
    if len(known.of("doubts", kpi_id)):
        recent = recent.head(0)
    ahead = predictions(
        known.of("recent", kpi_id),
        significance=council.significance,
        minimum_points=council.minimum_points,
    ).head(99 if len(recent) else 0)
    fitted, months = _fitted(recent, known.kpi(kpi_id)), known.months(kpi_id)
    quarters, terms = known.of("quarters", kpi_id), Terms(council)
    dated = _dated(known, known.kpi(kpi_id))
    drawn = trend_picture(quarters, ahead, months, fitted, terms, dated, size, supposed)
    return drawn, ahead


def _limits(known: Evidence, kpi_id: str, size: Size) -> Parts:
    kpi, points = known.kpi(kpi_id), known.of("points", kpi_id)
    dated, terms = _dated(known, kpi), Terms(known.returns.council)
    picture = limit_picture(points, terms, dated, size)
    last = points.iloc[-1]
    one = _EACH.get(str(last["series"]), "quarter")
    if doubt := doubts_in_words(known, kpi_id):
        return picture, f"{_series_in_words(points, one)} {doubt}", [doubt], []
    notes = [str(last["why"])]
    if last["chart"] != XMR or known.returns.council.chart_kind == AUTO:
        notes.append(known.chart(kpi_id).why)
    if last["series"] == DAYS_BETWEEN:
        notes.append(if_today(last, known.returns.quarter.end))
    if last["limits"] in LIMIT_MEANINGS:
        notes.append(f"{capitalised(LIMIT_MEANINGS[last['limits']])}.")
    terms = Terms(known.returns.council)
    target = line_of(dict(last), "target")
    reading = f": {kpi['reading']}" if is_text(kpi["reading"]) else ""
    if is_number(last["target"]):
        line = f"{terms.word('target')} of {target}"
        notes.append(f"Against the {line} the process is read as: {kpi['assurance']}{reading}.")
    flagged = points[points["special_cause"].notna() & (points["period"] != last["period"])]
    if len(flagged):
        notes.append(
            f"Flagged before: {listed([period_of(row) for row in rows_of(flagged)][-6:])}."
        )
    notes += known.of("rebases", kpi_id)["said"].tolist() + _redefined(known, kpi_id)
    for change in rows_of(suggested_rebases(points)):
        side = "above" if change["run"] > 0 else "below"
        centre = centre_of(last)
        day = pd.Timestamp(change["date"])
        note = min(dated, key=lambda one: abs(pd.Timestamp(one["date"]) - day), default=None)
        near = f" The nearest note: {note_in_words(note)}" if note else ""
        notes.append(
            f"Since {change['date']:%B %Y} {abs(change['run'])} figures in a row lie {side} the {centre}: if the process was "
            "changed then, its owner may agree new limits from there (a rebase, with a date, a reason and a name)."
            f"{near}"
        )
    invented = int((points["status"] == ILLUSTRATIVE).sum())
    if invented:
        notes.append(
            f"{capitalised(plural(invented, 'figure'))} of the {len(points)} behind the limits "
            f"{'is' if invented == 1 else 'are'} illustrative, so the limits are too."
        )
    kinds = [kind for kind in CAUSES if any(point.kind == kind for point in picture.points)]
    words = _series_in_words(points, one)
    return picture, f"{words} {' '.join(notes)}", notes, [(kind, CAUSES[kind]) for kind in kinds]


def _redefined(known: Evidence, kpi_id: str) -> list[str]:
    """What a changed definition (or polarity, which is one) means for the limits."""
    changes, one = known.returns.changelog, Terms(known.returns.council).word("kpi")
    own = rows_of(changes[(changes["kpi_id"] == kpi_id) & (changes["change"] == "redefined")])
    return [
        f"The {one} was redefined from the report of {Quarter.parse(row['from_quarter']).title}: "
        f"{str(row['reason'] or 'no reason was given').rstrip('.')}. "
        "The figures since then are a new series, with limits of their own."
        for row in own
    ]


def _season(known: Evidence, kpi_id: str, size: Size) -> Parts:
    kpi, quarters = known.kpi(kpi_id), known.of("quarters", kpi_id)
    picture = season_picture(quarters, size)
    number = Quarter.parse(kpi["quarter"]).number
    same = [row for row in rows_of(quarters) if Quarter.parse(row["quarter"]).number == number]
    said = [f"{figure_of(row)} in {Quarter.parse(row['quarter']).title[10:]}" for row in same]
    notes = [
        f"Quarter {number} over the years: {listed(said)}."
        if said
        else "No figures have been received."
    ]
    if kpi["basis"] == "rolling_12_months":
        notes.append(
            "Each figure covers twelve months, so that seasons cancel out: a difference here is a change."
        )
    if len(same) < 2:
        notes.append("The same quarter of an earlier year is not known.")
    return picture, " ".join(notes), notes, []


def _areas(known: Evidence, kpi_id: str, size: Size) -> Parts:
    kpi = known.kpi(kpi_id)
    rows = known.benchmarks(kpi_id)
    picture = area_picture(rows, kpi, size)
    measured = rows[rows["value"].notna()]
    if measured.empty:
        one = Terms(known.returns.council).word("kpi")
        words = f"There are no figures of other areas for this {one}."
        return picture, words, [words], []
    latest = measured.groupby("area", sort=False).nth(-1)
    place = kpi["unit"], int(kpi["decimals"])
    notes = [f"Our latest: {figure_of(kpi)} ({period_of(kpi)})."]
    if len(latest) <= 4:
        notes += [
            f"{row['area']}, {row['period']}: {show(row['value'], *place)}."
            for row in rows_of(latest)
        ]
    else:
        period = measured["period"].iloc[-1]
        last = measured.loc[measured["period"] == period, "value"]
        below = int((last < kpi["value"]).sum())
        notes.append(
            f"In {period} {below} of {len(last)} areas lie below it; half lie between "
            f"{show(last.quantile(0.25), *place)} and {show(last.quantile(0.75), *place)}."
        )
    own = known.of("quarters", kpi_id)
    own = own[(own["quarter"] == measured["quarter"].iloc[-1]) & own["value"].notna()]
    when = f" in {Quarter.parse(kpi['quarter']).title}" if own.empty else ""
    notes += comparison_notes(measured, kpi if own.empty else rows_of(own)[0], when)
    sources = dict.fromkeys(
        str(source).rstrip(".") for source in measured["source"] if is_text(source)
    )
    notes.append(f"Source: {'; '.join(sources)}." if sources else "")
    return picture, " ".join(notes), notes, []


def _dated(known: Evidence, kpi: dict[str, Any]) -> list[dict[str, Any]]:
    return notes_on(known.returns.annotations, kpi)


def _fitted(recent: pd.DataFrame, kpi: dict[str, Any]) -> list[float]:
    """The heights of the tested line at the quarters shown; none where there is no clear trend."""
    if recent.empty or kpi["direction_of_travel"] not in (POSITIVE, NEGATIVE):
        return []
    years = pd.Series(range(len(recent))) / 4
    measured = recent["value"].notna()
    middle, level = years[measured].mean(), recent.loc[measured, "value"].mean()
    return [float(level + kpi["slope"] * (year - middle)) for year in years]


def _series_in_words(rows: pd.DataFrame, one: str) -> str:
    records = rows_of(rows)
    measured = [row for row in records if is_number(row["value"])]
    if not measured:
        return f"{capitalised(plural(len(records), one))}, none with a figure."
    span = f"{capitalised(plural(len(records), one))} from {measured[0]['period_end']:%B %Y} to {records[-1]['period_end']:%B %Y}"
    if len(records) <= _ALL_IN_WORDS:
        each = [f"{row['period_end']:%B %Y} {figure_of(row)}" for row in records]
        return f"{span}: {listed(each)}."
    least, most = (
        min(measured, key=lambda row: row["value"]),
        max(measured, key=lambda row: row["value"]),
    )
    ends = [
        f"{word} {figure_of(row)} in {row['period_end']:%B %Y}"
        for word, row in (
            ("first", measured[0]),
            ("lowest", least),
            ("highest", most),
            ("latest", measured[-1]),
        )
    ]
    return f"{span}: {listed(ends)}."


def _covers(kpi: dict[str, Any]) -> str:
    if kpi["basis"] != "rolling_12_months":
        return ""
    counted = (
        f" ({kpi['numerator']:,.0f} of {kpi['denominator']:,.0f})"
        if is_number(kpi["denominator"])
        else ""
    )
    return f"The KPI's own figure covers twelve months: {figure_of(kpi)}{counted}."


def _when(name: str) -> tuple[int, int]:
    quarter = Quarter.parse(name)
    return quarter.year, quarter.number


def comparison_notes(measured: pd.DataFrame, kpi: dict[str, Any], when: str = "") -> list[str]:
    """Sentences on a KPI's latest figure among the latest of other areas (rows with `area`, `period`, `value`, in order).

    England is compared with and not ranked. With fewer than four areas there is no rank. `group` names the group in which an
    area is to be compared with ours; `numerator` and `denominator`, ours included, say whether ours differs by more than
    chance. `when` names our own period where it is not that of the others.
    """
    if measured.empty or not pd.notna(kpi["value"]):
        return []
    latest = measured[measured["period"] == measured["period"].iloc[-1]].drop_duplicates(
        "area", keep="last"
    )
    names = [
        name for name in ("area", "value", "numerator", "denominator") if name in latest.columns
    ]
    ours = pd.DataFrame({name: [_OURS if name == "area" else kpi.get(name)] for name in names})
    numbers = dict.fromkeys(names[1:], "float64")
    areas = pd.concat([latest[names].astype(numbers), ours.astype(numbers)], ignore_index=True)
    england = ENGLAND if (areas["area"] == ENGLAND).any() else None
    table = areas.assign(kpi_id=kpi["kpi_id"], polarity=kpi["polarity"], unit=kpi["unit"])
    row = compare(table, by=["kpi_id"], area="area", england=england).iloc[-1]
    period, notes = latest["period"].iloc[0], []
    if pd.notna(row["from_england"]):
        notes.append(f"Ours{when} is {_gap(row['from_england'], kpi)} {ENGLAND} in {period}.")
    for name, members in (
        latest.groupby("group", sort=False)["area"] if "group" in latest.columns else ()
    ):
        gap = compare(table, by=["kpi_id"], area="area", england=england, group=list(members)).iloc[
            -1
        ]["from_group"]
        if pd.notna(gap):
            notes.append(
                f"It is {_gap(gap, kpi)} the mean of {name} ({plural(len(members), 'area')})."
            )
    if pd.notna(row["rank"]) and row["ranked"] > _FEWEST_AREAS:
        notes.append(
            f"Among the {int(row['ranked'])} areas of {period}, ours included, it ranks {int(row['rank'])} (1 is best), in "
            f"quarter {int(row['quartile'])} of 4."
        )
    if row["ranked"] > _FEWEST_AREAS and isinstance(row.get("funnel"), str):
        notes.append(_funnel(row, kpi))
    return notes


def _gap(gap: float, kpi: dict[str, Any]) -> str:
    unit, decimals = "points" if kpi["unit"] == "%" else kpi["unit"], int(kpi["decimals"])
    if abs(gap) < _NO_GAP:
        return "level with"
    while not rounded(abs(gap), decimals).strip("0.,"):
        decimals += 1
    return f"{show(abs(gap), unit, decimals)} {'above' if gap > 0 else 'below'}"


def _funnel(row: pd.Series, kpi: dict[str, Any]) -> str:
    """Whether ours differs by more than the number of its cases explains, and how wide that is."""
    low, high = (
        show(row[name], kpi["unit"], int(kpi["decimals"])) for name in ("lower_998", "upper_998")
    )
    wider, times = "", math.sqrt(row["overdispersion"])
    if times > 1:
        wider = f"; areas differ by more than chance, so this range is {times:.1f} times as wide as chance alone makes it"
    cases = plural(int(row["denominator"]), "case")
    return f"For an area with {cases} a figure between {low} and {high} is to be expected; ours is {row['funnel']}{wider}."
