"""The executive summary: counts in large figures, sections × ratings and directions, and the last six reports."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from kpi_tools.page.card_tables import short_title
from kpi_tools.page.charts import counts_spec
from kpi_tools.page.html import Html, render, slug
from kpi_tools.page.svg import inline_svg
from kpi_tools.page.tables import report_table
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import NEGATIVE, NOT_RATED, POSITIVE, RAGS, STABLE, TRENDS
from kpi_tools.words.wording import change_in_words

RATINGS, DIRECTION = "RAG rating", "Direction of travel"
_OTHER = "other"
_SHORT = {POSITIVE: "Positive", STABLE: "Stable", NEGATIVE: "Negative", _OTHER: "Not tested"}

Column = tuple[str, str]

_HEAD: Column = ("", "Section")
_WORDS: dict[Column, str] = (
    {("", "KPIs"): "kpis"}
    | {(RATINGS, rag): rag for rag in (*RAGS, NOT_RATED)}
    | {(DIRECTION, short): word for word, short in _SHORT.items()}
)


def matrix(
    kpis: pd.DataFrame, sections: Sequence[str], previous: Mapping[str, int] | None = None
) -> Html:
    """Sections × ratings and directions, with totals.

    `kpis`: one row per KPI with `section`, `rating`, `direction_of_travel`. `previous`: the last report's counts as
    `scorecard.counts` gives them, for two more rows: what it had, and the change.
    """
    rows: list[dict[Column, Any]] = [
        {_HEAD: name} | _counted(kpis[kpis["section"] == name]) for name in sections
    ]
    total = _counted(kpis)
    rows.append({_HEAD: "All KPIs"} | total)
    if previous is not None:
        before = {column: previous[_WORDS[column]] for column in total}
        rows.append({_HEAD: "Previous report"} | before)
        rows.append(
            {_HEAD: "Change"}
            | {column: _signed(total[column] - then) for column, then in before.items()}
        )
    frame = pd.DataFrame([list(row.values()) for row in rows], dtype=object)
    frame.columns = pd.Index(list(rows[0]), tupleize_cols=False)
    return report_table(
        frame,
        "KPIs by section, with how many have each rating and direction of travel",
        name="matrix",
        totals=1 if previous is None else 3,
        look="kpi-matrix",
        numbers=True,
        wide=True,
    )


def scoreboard(kpis: pd.DataFrame, previous: Mapping[str, int] | None = None) -> Html:
    """The counts of ratings and directions in large figures, each with its change on the `previous` report's counts.

    What is none now and was none before, such as "not rated", is left out.
    """
    groups = []
    for title in (RATINGS, DIRECTION):
        tiles = []
        for (group, label), count in _counted(kpis).items():
            word = _WORDS[group, label]
            before = previous[word] if previous is not None else None
            if group == title and (word in (*RAGS, *TRENDS) or count or before):
                change = None if before is None else _changed(count - before)
                tiles.append({"name": word, "label": label, "count": count, "change": change})
        groups.append(
            {
                "title": f"{title} and change on last quarter" if previous is not None else title,
                "anchor": f"board-{slug(title)}",
                "tiles": tiles,
            }
        )
    return render("scoreboard.html.j2", groups=groups)


def _counted(kpis: pd.DataFrame) -> dict[Column, int]:
    """How many KPIs there are, have each rating, and have each direction: both add up to all."""
    ratings = kpis["rating"]
    directions = kpis["direction_of_travel"].where(kpis["direction_of_travel"].isin(TRENDS), _OTHER)
    found = (
        {"kpis": len(kpis)} | ratings.value_counts().to_dict() | directions.value_counts().to_dict()
    )
    return {column: int(found.get(word, 0)) for column, word in _WORDS.items()}


def side_by_side(one: Html, other: Html) -> Html:
    """Two pieces beside each other on a wide page, below each other on a narrow one; the first alone if need be."""
    return render("beside.html.j2", one=one, other=other) if str(other) else one


def counts_history(history: pd.DataFrame) -> Html:
    """The ratings of the whole set in the last six reports as chart, sentence and table; nothing for one report alone.

    `history`: `quarter` (label), Green, Amber, Red, Not rated; one row per quarter, oldest first
    (`scorecard.rating_history`).
    """
    shown = history.tail(6)
    if len(shown) < 2:
        return Html()
    columns = ["quarter", *RAGS, NOT_RATED]
    said = history_sentence(shown)
    chart = inline_svg(
        counts_spec(shown), "history", "How many KPIs had each rating, report by report", said
    )
    frame = shown[columns].assign(quarter=[short_title(label) for label in shown["quarter"]])
    frame = frame.rename(columns={"quarter": "Quarter"}).assign(KPIs=shown[columns[1:]].sum(axis=1))
    caption = "KPIs by rating in the last reports, as printed then"
    table = report_table(
        frame, caption, name="history-table", wide=True, look="kpi-reports", quiet=True
    )
    return render("history.html.j2", chart=Markup(chart), table=table)


def history_sentence(history: pd.DataFrame) -> str:
    """`From Quarter 2 2023/24 to Quarter 3 2024/25: Green from 15 to 17, …, as printed in each report.`"""
    first, last = history.iloc[0], history.iloc[-1]
    went = [
        f"{rag} from {first[rag]} to {last[rag]}"
        for rag in (*RAGS, NOT_RATED)
        if first[rag] or last[rag]
    ]
    span = f"From {Quarter.parse(first['quarter']).title} to {Quarter.parse(last['quarter']).title}"
    return f"{span}: {', '.join(went)}, as printed in each report."


def _signed(change: int) -> str:
    return f"{change:+d}".replace("-", "−") if change else "0"


def _changed(change: int) -> str:
    return change_in_words(change) if change else "no change"
