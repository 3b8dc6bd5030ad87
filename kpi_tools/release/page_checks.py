"""Checks of the finished page: each chart and verdict says what the figures say (floor 3).

The page is read as a browser reads it, by the anchors of its cards; expected texts are made anew from the tables.
"""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Final

import pandas as pd

from kpi_tools.page.descriptions import activity_description, chart_description
from kpi_tools.page.html import slug
from kpi_tools.words.findings import Finding, error
from kpi_tools.words.row_words import Rows, rows_by, rows_of

_CARD: Final = re.compile(
    r'<article class="kpi-card[^"]*" id="(?P<anchor>[^"]+)"(?P<inside>.*?)</article>', re.S
)
_CHART: Final = re.compile(r'<svg\b(?P<head>[^>]*role="img"[^>]*)>(?P<inside>.*?)</svg>', re.S)
_VERDICT: Final = re.compile(r'<p class="kpi-verdict">(.*?)</p>', re.S)
_ROW: Final = re.compile(
    r'<tr>(?:(?!</tr>).)*?href="#(?P<anchor>kpi-[^"]+)"(?P<inside>.*?)</tr>', re.S
)
_MARK: Final = re.compile(r'<span class="kpi-(?:rag|arrow)\b[^"]*">(.*?)</span>', re.S)
_LEFT_OVER: Final = re.compile(r"\b(?:Series ?\d+|Chart Title|Axis Title|undefined|NaN)\b")
_REMEDY: Final = "A fault in the program itself: please tell who looks after it."
_SHOWN_ACTIVITY: Final = 6
_IN_A_ROW: Final = 3


def page_findings(
    page: str, kpis: pd.DataFrame, recent: pd.DataFrame, activity: pd.DataFrame
) -> Iterator[Finding]:
    """What of the page contradicts the scorecard (`kpis`), the quarters shown (`recent`) or the activity indicators."""
    cards = {found["anchor"]: found["inside"] for found in _CARD.finditer(page)}
    by_kpi = rows_by(recent)
    for kpi in rows_of(kpis):
        verdict = f"{kpi['rating']} {kpi['direction_of_travel'].capitalize()}"
        yield from _of_card(
            cards,
            f"kpi-{slug(kpi['kpi_id'])}",
            kpi["kpi_name"],
            by_kpi[kpi["kpi_id"]],
            chart_description,
            verdict,
        )
    yield from _of_rows(page, kpis)
    if not kpis.empty:
        for activity_id, rows in rows_by(activity, "activity_id").items():
            anchor, name = f"activity-{slug(activity_id)}", rows[-1]["activity_name"]
            yield from _of_card(cards, anchor, name, rows[-_SHOWN_ACTIVITY:], activity_description)
    for chart in _CHART.finditer(page):
        if not _part(chart["inside"], "title") or not _part(chart["inside"], "desc"):
            yield error(
                "chart-without-words", "a chart", "A chart has no title or no description.", _REMEDY
            )
        if left := _LEFT_OVER.search(
            " ".join(re.findall(r"<text\b[^>]*>([^<]*)", chart["inside"]))
        ):
            yield error(
                "name-left-over",
                _part(chart["inside"], "title"),
                f'"{left[0]}" stands in the chart.',
                _REMEDY,
            )


def _of_rows(page: str, kpis: pd.DataFrame) -> Iterator[Finding]:
    """Rows of the table at a glance, which lead to a card: rating, previous rating and direction are that KPI's."""
    rows = {f"kpi-{slug(kpi['kpi_id'])}": kpi for kpi in rows_of(kpis)}
    for found in _ROW.finditer(page):
        kpi = rows.get(found["anchor"])
        marks = [_text(mark) for mark in _MARK.findall(found["inside"])]
        if kpi is None or len(marks) != _IN_A_ROW:
            continue
        ratings = [str(kpi[name]) for name in ("rating", "previous_rating")]
        expected = [*ratings, str(kpi["direction_of_travel"]).capitalize()]
        if marks != expected:
            told = f'A table says "{", ".join(marks)}", and the scorecard "{", ".join(expected)}".'
            yield error("row-not-the-table", found["anchor"], told, _REMEDY)


def _of_card(
    cards: dict[str, str], anchor: str, name: str, rows: Rows, describe: Callable[[Rows], str],
    verdict: str = "",
) -> Iterator[Finding]:  # fmt: skip
    card = cards.get(anchor)
    chart = _CHART.search(card) if card is not None else None
    if card is None or chart is None:
        yield error("card-missing", anchor, f"There is no card with a chart for {name}.", _REMEDY)
        return
    if _part(chart["inside"], "title") != _plain(name):
        told = f'The chart is entitled "{_part(chart["inside"], "title")}", and the indicator is "{name}".'
        yield error("chart-of-another", anchor, told, _REMEDY)
    if _part(chart["inside"], "desc") != _plain(describe(rows)):
        told = f'The description of the chart is not that of its figures: "{_part(chart["inside"], "desc")[:120]}…"'
        yield error("description-not-the-figures", anchor, told, _REMEDY)
    if verdict:
        shown = _VERDICT.search(card)
        if shown is None or _text(shown[1]) != verdict:
            told = f'Rating and arrow say "{_text(shown[1]) if shown else ""}", and the table "{verdict}".'
            yield error("verdict-not-the-table", anchor, told, _REMEDY)


def _part(inside: str, tag: str) -> str:
    found = re.search(rf"<{tag}\b[^>]*>(.*?)</{tag}>", inside, re.S)
    return _text(found[1]) if found else ""


def _text(markup: str) -> str:
    return _plain(unescape(re.sub(r"<[^>]*>", " ", markup)))


def _plain(text: str) -> str:
    return " ".join(text.split())
