"""The views of one KPI: what is drawn, and what it says in words.

On screen and on paper (`history`) the same marks and sentences are used. Whatever cannot be drawn
is said in words: too few figures, none, no variation, no benchmarks.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from kpi_tools import vocabulary
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
from kpi_tools.explorer.sentences import directions, doubts_in_words
from kpi_tools.kinds import AUTO, DAYS_BETWEEN, PERIODS_BETWEEN, XMR
from kpi_tools.outlook import outlook_in_words, predictions
from kpi_tools.page.chart_words import note_in_words, notes_on
from kpi_tools.page.describe import is_rolling, leaving_quarters, month_alone, to_reach
from kpi_tools.quarters import Quarter
from kpi_tools.rebases import suggested_rebases
from kpi_tools.rows import Row, is_number, is_text, rows_of
from kpi_tools.units import adds_up
from kpi_tools.wording import (
    capitalised,
    figure_of,
    line_of,
    listed,
    parts_of,
    period_of,
    plural,
    rounded,
    show,
)

CAUSES = {
    vocabulary.COMMON_CAUSE: "Within usual variation",
    vocabulary.IMPROVEMENT: "Unusual: improvement",
    vocabulary.CONCERN: "Unusual: concern",
    vocabulary.NEUTRAL: "Unusual",
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
    vocabulary.GREEN: "●",
    vocabulary.AMBER: "▲",
    vocabulary.RED: "■",
    vocabulary.NOT_RATED: "–",
    vocabulary.COMMON_CAUSE: "●",
    vocabulary.IMPROVEMENT: "■",
    vocabulary.CONCERN: "◆",
    vocabulary.NEUTRAL: "▲",
    "Blue": "⬟",
    "Grey": "⬢",
    "month": "◆",
    "expected": "▬",
    "pale": "◍",
    "hollow": "○",
}


@dataclass(frozen=True)
class View:
    """One view of one KPI: its `picture` (of `charts`), its `description` and `notes` in words,
    the `legend` (kind, mark, text), and the id of the point to begin with (`latest`, or empty)."""

    picture: Picture
    description: str
    notes: list[str]
    legend: list[dict[str, str]]
    latest: str


def view(name: str, known: Evidence, kpi_id: str, size: str = "PAGE") -> View:
    """The view `name` (one of VIEWS) of a KPI, drawn in one of `charts.SIZES`."""
    makers = {"trend": _trend, "limits": _limits, "season": _season, "areas": _areas}
    picture, description, notes, legend = makers[name](known, kpi_id, SIZES[size])
    status = {point.status for point in picture.points}
    if vocabulary.ESTIMATED in status:
        legend.append(("pale", "Pale: not final, or read from a published chart"))
    if vocabulary.ILLUSTRATIVE in status:
        legend.append(("hollow", "Hollow: illustrative, not a fact"))
    ids = [point.name for point in picture.points if point.kind != "month"]
    if name == "season":
        ids.sort(key=lambda label: Quarter.parse(label).label)
    return View(
        picture,
        " ".join([description, *picture.happened]),
        [note for note in (*notes, *picture.happened) if note],
        [
            {"kind": kind.lower().replace(" ", "-"), "mark": _MARKS[kind], "text": text}
            for kind, text in legend
        ],
        ids[-1] if ids else "",
    )


def _trend(known: Evidence, kpi_id: str, size: Size) -> Parts:
    kpi, place = known.kpi(kpi_id), _place(known.kpi(kpi_id))
    months, terms = known.single_months(kpi_id), known.terms
    picture, ahead = trend_of(known, kpi_id, size)
    notes = []
    if len(months):
        notes.append(f"{month_alone(months.iloc[-1], *place)} {_covers(kpi, terms.word('kpi'))}")
    if known.of("doubts", kpi_id).empty:
        answer = rows_of(known.of("outlooks", kpi_id))[0]
        notes.append(outlook_in_words(answer, *place, terms.word))
        if is_rolling(kpi) and is_text(parts_of(kpi)):
            leaving = leaving_quarters(rows_of(known.of("alone", kpi_id)))
            notes += to_reach(kpi, rows_of(known.of("lines", kpi_id)), leaving)
    notes += directions(known, kpi_id)
    kinds = {point.kind for point in picture.points}
    rags = [rag for rag in (*terms.looks, vocabulary.NOT_RATED) if rag in kinds]
    legend = [(terms.looks.get(rag, rag).capitalize(), rag) for rag in rags]
    legend += [("month", "A single month")] * ("month" in kinds)
    legend += [("expected", "Expected, with its 95% interval")] * bool(len(ahead))
    words = _series_in_words(known.of("quarters", kpi_id), "quarter")
    return picture, f"{words} {' '.join(notes)}", notes, legend


def trend_of(
    known: Evidence, kpi_id: str, size: Size, supposed: Mapping[str, float] | None = None
) -> tuple[Picture, pd.DataFrame]:
    """The trend as drawn, and what is expected next; of a doubted series nothing is."""
    council, recent = known.returns.council, known.of("recent", kpi_id)
    doubted = bool(len(known.of("doubts", kpi_id)))
    settings = council.significance, council.minimum_points
    ahead = predictions(recent, significance=settings[0], minimum_points=settings[1])
    ahead = ahead.head(0) if doubted else ahead
    fitted = [] if doubted else _fitted(recent, known.kpi(kpi_id))
    months = known.months(kpi_id)
    if adds_up(known.kpi(kpi_id)["unit"]):  # those of a part are on another scale
        months = months[months["basis"] != vocabulary.MONTH]
    drawn = trend_picture(
        known.of("quarters", kpi_id),
        known.of("bands", kpi_id),
        ahead,
        months,
        fitted,
        known.terms,
        notes_on(known.returns.annotations, known.kpi(kpi_id)),
        size,
        supposed,
    )
    return drawn, ahead


def _limits(known: Evidence, kpi_id: str, size: Size) -> Parts:
    kpi, points = known.kpi(kpi_id), known.of("points", kpi_id)
    dated, terms = notes_on(known.returns.annotations, kpi), known.terms
    picture = limit_picture(points, terms, dated, size)
    last = rows_of(points)[-1]
    words = _series_in_words(points, _EACH.get(last["series"], "quarter"))
    if doubt := doubts_in_words(known, kpi_id):
        return picture, f"{words} {doubt}", [doubt], []
    notes = [last["why"]]
    if last["chart"] != XMR or known.returns.council.chart_kind == AUTO:
        notes.append(known.chart(kpi_id).why)
    if last["series"] == DAYS_BETWEEN:
        notes.append(if_today(last, known.returns.quarter.end))
    if last["limits"] in vocabulary.LIMIT_MEANINGS:
        notes.append(f"{capitalised(vocabulary.LIMIT_MEANINGS[last['limits']])}.")
    if is_number(last["target"]):
        line = f"{terms.word('target')} of {line_of(last, 'target')}"
        reading = f": {kpi['reading']}" if is_text(kpi["reading"]) else ""
        notes.append(f"Against the {line} the process is read as: {kpi['assurance']}{reading}.")
    flagged = points[points["special_cause"].notna() & (points["period"] != last["period"])]
    if len(flagged):
        periods = [period_of(row) for row in rows_of(flagged.tail(6))]
        notes.append(f"Flagged before: {listed(periods)}.")
    notes += known.of("rebases", kpi_id)["said"].tolist() + _redefined(known, kpi_id)
    for change in rows_of(suggested_rebases(points)):
        side = "above" if change["run"] > 0 else "below"
        day = pd.Timestamp(change["date"])
        note = min(dated, key=lambda one: abs(pd.Timestamp(one["date"]) - day), default=None)
        near = f" The nearest note: {note_in_words(note)}" if note else ""
        notes.append(
            f"Since {change['date']:%B %Y} {abs(change['run'])} figures in a row lie {side} the "
            f"{centre_of(last)}: if the process was changed then, its owner may agree new limits "
            f"from there (a rebase, with a date, a reason and a name).{near}"
        )
    if invented := int((points["status"] == vocabulary.ILLUSTRATIVE).sum()):
        notes.append(
            f"{capitalised(plural(invented, 'figure'))} of the {len(points)} behind the limits "
            f"{'is' if invented == 1 else 'are'} illustrative, so the limits are too."
        )
    kinds = {point.kind for point in picture.points}
    legend = [(kind, text) for kind, text in CAUSES.items() if kind in kinds]
    return picture, f"{words} {' '.join(notes)}", notes, legend


def _redefined(known: Evidence, kpi_id: str) -> list[str]:
    """What a changed definition (or polarity, which is one) means for the limits."""
    changes, one = known.of("changelog", kpi_id), known.terms.word("kpi")
    return [
        f"The {one} was redefined from the report of {Quarter.parse(row['from_quarter']).title}: "
        f"{str(row['reason'] or 'no reason was given').rstrip('.')}. "
        "The figures since then are a new series, with limits of their own."
        for row in rows_of(changes[changes["change"] == "redefined"])
    ]


def _season(known: Evidence, kpi_id: str, size: Size) -> Parts:
    kpi, quarters = known.kpi(kpi_id), known.of("quarters", kpi_id)
    number = Quarter.parse(kpi["quarter"]).number
    same = [row for row in rows_of(quarters) if Quarter.parse(row["quarter"]).number == number]
    figures = [f"{figure_of(row)} in {Quarter.parse(row['quarter']).title[10:]}" for row in same]
    notes = ["No figures have been received."]
    if figures:
        notes = [f"Quarter {number} over the years: {listed(figures)}."]
    if kpi["basis"] == "rolling_12_months":
        notes.append(
            "Each figure covers twelve months, so that seasons cancel out: a difference here is "
            "a change."
        )
    if len(same) < 2:
        notes.append("The same quarter of an earlier year is not known.")
    return season_picture(quarters, size), " ".join(notes), notes, []


def _areas(known: Evidence, kpi_id: str, size: Size) -> Parts:
    kpi, rows = known.kpi(kpi_id), known.of("benchmarks", kpi_id)
    picture, place = area_picture(rows, kpi, size), _place(kpi)
    measured = rows[rows["value"].notna()]
    if measured.empty:
        one = known.terms.word("kpi")
        words = f"There are no figures of other areas for this {one}."
        return picture, words, [words], []
    notes = [f"Our latest: {figure_of(kpi)} ({period_of(kpi)})."]
    latest = measured.groupby("area", sort=False).tail(1)
    if len(latest) <= _FEWEST_AREAS:
        each = rows_of(latest)
        notes += [f"{row['area']}, {row['period']}: {show(row['value'], *place)}." for row in each]
    else:
        period = measured["period"].iloc[-1]
        last = measured.loc[measured["period"] == period, "value"]
        low, high = (show(end, *place) for end in last.quantile([0.25, 0.75]))
        notes.append(
            f"In {period} {(last < kpi['value']).sum()} of {len(last)} areas lie below it; half "
            f"lie between {low} and {high}."
        )
    quarters = known.of("quarters", kpi_id)
    then = quarters[(quarters["quarter"] == measured["quarter"].iloc[-1])].dropna(subset="value")
    when = f" in {Quarter.parse(kpi['quarter']).title}" if then.empty else ""
    notes += comparison_notes(measured, kpi if then.empty else rows_of(then)[0], when)
    sources = {str(text).rstrip("."): None for text in measured["source"] if is_text(text)}
    notes.append(f"Source: {'; '.join(sources)}." if sources else "")
    return picture, " ".join(notes), notes, []


def _place(kpi: Row) -> tuple[str, int]:
    return kpi["unit"], int(kpi["decimals"])


def _fitted(recent: pd.DataFrame, kpi: Row) -> list[float]:
    """The heights of the tested line at the quarters shown; none where there is no clear trend."""
    if kpi["direction_of_travel"] not in (vocabulary.POSITIVE, vocabulary.NEGATIVE):
        return []
    years = pd.Series(range(len(recent))) / 4
    measured = recent["value"].notna()
    line = recent["value"][measured].mean() + kpi["slope"] * (years - years[measured].mean())
    return [float(level) for level in line]


def _series_in_words(rows: pd.DataFrame, one: str) -> str:
    """How many figures from when to when: all of a short series, the ends of a long one."""
    many, known = capitalised(plural(len(rows), one)), rows[rows["value"].notna()]
    if known.empty:
        return f"{many}, none with a figure."
    ends = known["period_end"].iloc[0], rows["period_end"].iloc[-1]
    if len(rows) > _ALL_IN_WORDS:
        value = known["value"]
        named = {
            "first ": known.iloc[0],
            "lowest ": known.loc[value.idxmin()],
            "highest ": known.loc[value.idxmax()],
            "latest ": known.iloc[-1],
        }
        each = [
            f"{word}{figure_of(dict(row))} in {row['period_end']:%B %Y}"
            for word, row in named.items()
        ]
    else:
        each = [f"{row['period_end']:%B %Y} {figure_of(row)}" for row in rows_of(rows)]
    return f"{many} from {ends[0]:%B %Y} to {ends[1]:%B %Y}: {listed(each)}."


def _covers(kpi: Row, one: str) -> str:
    if kpi["basis"] != "rolling_12_months":
        return ""
    counted = f" ({parts})" if (parts := parts_of(kpi)) else ""
    return f"The {one}'s own figure covers twelve months: {figure_of(kpi)}{counted}."


def comparison_notes(measured: pd.DataFrame, kpi: Row, when: str = "") -> list[str]:
    """Sentences on a KPI's latest figure among the latest of other areas: England is compared with
    and not ranked, and of fewer than four there is no rank. `measured`: rows of benchmarks, oldest
    first, with parts where a funnel is to be drawn; `when`: our period, where it is another."""
    if measured.empty or not pd.notna(kpi["value"]):
        return []
    latest = measured[measured["period"] == measured["period"].iloc[-1]]
    latest = latest.drop_duplicates("area", keep="last")
    numbers = [name for name in ("value", "numerator", "denominator") if name in latest]
    ours = pd.DataFrame([{name: kpi.get(name) for name in numbers} | {"area": _OURS}])
    both = [
        part[["area", *numbers]].astype(dict.fromkeys(numbers, "float64"))
        for part in (latest, ours)
    ]
    table = pd.concat(both, ignore_index=True).assign(
        **{name: kpi[name] for name in ("kpi_id", "polarity", "unit")}
    )
    england = vocabulary.ENGLAND if (table["area"] == vocabulary.ENGLAND).any() else None
    settings: dict[str, Any] = {"by": ["kpi_id"], "area": "area", "england": england}
    row = compare(table, **settings).iloc[-1]
    period, notes = latest["period"].iloc[0], []
    if pd.notna(row["from_england"]):
        notes.append(
            f"Ours{when} is {_gap(row['from_england'], kpi)} {vocabulary.ENGLAND} in {period}."
        )
    groups = latest.groupby("group", sort=False)["area"] if "group" in latest else ()
    for name, members in groups:
        gap = compare(table, **settings, group=list(members)).iloc[-1]["from_group"]
        if pd.notna(gap):
            areas = plural(len(members), "area")
            notes.append(f"It is {_gap(gap, kpi)} the mean of {name} ({areas}).")
    if row["ranked"] > _FEWEST_AREAS and pd.notna(row["rank"]):
        notes.append(
            f"Among the {int(row['ranked'])} areas of {period}, ours included, it ranks "
            f"{int(row['rank'])} (1 is best), in quarter {int(row['quartile'])} of 4."
        )
    if row["ranked"] > _FEWEST_AREAS and isinstance(row.get("funnel"), str):
        notes.append(_funnel(row, kpi))
    return notes


def _gap(gap: float, kpi: Row) -> str:
    unit, decimals = "points" if kpi["unit"] == "%" else kpi["unit"], int(kpi["decimals"])
    if abs(gap) < _NO_GAP:
        return "level with"
    while not rounded(abs(gap), decimals).strip("0.,"):
        decimals += 1
    return f"{show(abs(gap), unit, decimals)} {'above' if gap > 0 else 'below'}"


def _funnel(row: pd.Series, kpi: Row) -> str:
    """Whether ours differs by more than the number of its cases explains, and how wide that is."""
    low, high = (show(row[name], *_place(kpi)) for name in ("lower_998", "upper_998"))
    times, wider = math.sqrt(row["overdispersion"]), ""
    if times > 1:
        wider = (
            f"; areas differ by more than chance, so this range is {times:.1f} times as wide as "
            "chance alone makes it"
        )
    return (
        f"For an area with {plural(int(row['denominator']), 'case')} a figure between {low} and "
        f"{high} is to be expected; ours is {row['funnel']}{wider}."
    )
