"""Rare events in depth: from their dates to the chart, and in weeks and days."""

from pathlib import Path

import pandas as pd
import pytest

from kpi_tools.explorer.evidence import Evidence, evidence
from kpi_tools.explorer.points import facts
from kpi_tools.explorer.views import view
from kpi_tools.loading import load
from kpi_tools.page.cards import cards
from kpi_tools.page.chapters import context_of
from kpi_tools.page.chart_words import quality_notes
from kpi_tools.page.html import piece
from kpi_tools.scorecard import recent_quarters, score
from tests.small_council import make_council, quarters

FALLS = {"kpi_id": "F1", "unit": "count", "polarity": "lower"}
SENT = [("2024-25-Q3", "P1", "2024-25 Q3", 61)]
DAYS = [f"2021-{day}" for day in ("03-01", "07-09", "08-01")]
DAYS += [f"2022-{day}" for day in ("02-11", "05-30", "12-24")]
DAYS += ["2023-01-07", "2023-06-15", "2023-10-02", "2024-05-05"]
AUTO = '[anomalies]\nchart = "auto"\n'


def known(folder: Path, settings: str = AUTO, days=DAYS, **tables) -> Evidence:
    tables["events"] = [{"kpi_id": "F1", "date": day} for day in days]
    kpis = [FALLS, {"kpi_id": "P1"}]
    return evidence(load(make_council(folder, kpis, SENT, settings=settings, **tables)))


def over(kpi_id: str, first: int, values: list[int]) -> list[tuple[object, ...]]:
    """A figure for each quarter from that year on."""
    labels = quarters(f"{first}-{first % 100 + 1} Q1", len(values))
    return [("2024-25-Q3", kpi_id, *one) for one in zip(labels, values, strict=True)]


def test_dates_make_a_t_chart_that_ends_with_today(tmp_path):
    found = known(tmp_path)
    points = found.of("points", "F1")
    between = pd.to_datetime(pd.Series(DAYS)).diff().dt.days.dropna().tolist()
    assert points["value"].tolist() == between
    assert set(points["chart"]) == {"t"} and set(points["polarity"]) == {"higher"}
    shown = view("limits", found, "F1")
    assert found.chart("F1").why in shown.notes
    today = "If one happened today (31 December 2024), 240 days after the last, that would"
    assert any(note.startswith(today) for note in shown.notes)
    assert "nan" not in " ".join([shown.description, *shown.notes]).lower()
    clicked = facts(found, "F1", pd.DataFrame({"kpi_id": []}))[DAYS[-1]]
    assert clicked["figures"] == "216 days after the one before"
    assert clicked["more"] == [points["why"].iloc[-1]]


def test_another_kind_can_be_shown(tmp_path):
    found = known(tmp_path, settings="")
    assert set(found.of("points", "F1")["chart"]) == {"xmr"}
    assert set(found.chart("F1").possible) == {"xmr", "run", "c", "t", "g"}
    for kind in found.chart("F1").possible:
        other = found.charted_as("F1", kind)
        assert set(other.of("points", "F1")["chart"]) == {kind}
        assert set(other.points["kpi_id"]) == {"F1"}
        assert set(found.of("points", "F1")["chart"]) == {"xmr"}
        shown = view("limits", other, "F1")
        assert kind == "xmr" or other.chart("F1").why in shown.notes


def test_periods_between_are_counted_where_dates_are_not_known(tmp_path):
    sent = over("F1", 2020, [0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 1, 0])
    raw = make_council(tmp_path, [FALLS, {"kpi_id": "P1"}], [*SENT, *sent], settings=AUTO)
    found = evidence(load(raw))
    points = found.of("points", "F1")
    assert set(points["chart"]) == {"g"}
    assert points["value"].tolist() == [3, 4, 2]
    assert points["period"].tolist() == ["2021-22 Q3", "2022-23 Q4", "2023-24 Q3"]


@pytest.mark.parametrize("days", [DAYS[:1], DAYS[:2]])
def test_too_few_events_keep_their_counts(tmp_path, days):
    found = known(tmp_path, days=days)
    assert set(found.of("points", "F1")["chart"]) <= {"c", "run", "xmr"}
    assert view("limits", found, "F1").notes


def test_weeks_are_a_series_of_their_own(tmp_path):
    days = pd.date_range("2024-09-06", periods=16, freq="7D").strftime("%Y-%m-%d").tolist()
    watched = {"kpi_id": "W1", "unit": "count", "frequency": "weekly", "rated": "no"}
    watched["polarity"] = "none"
    sent = [("2024-25-Q3", "W1", day, 40 + n % 5) for n, day in enumerate(days)]
    raw = make_council(tmp_path, [watched, {"kpi_id": "P1"}], [*SENT, *sent])
    points = evidence(load(raw)).of("points", "W1")
    assert set(points["series"]) == {"weeks"}
    assert points["period"].tolist() == days
    assert points["value"].tolist() == [40 + n % 5 for n in range(16)]
    assert points["moving_range"].isna().sum() == 1


NOTES = [
    "kpi_id,section,date,label,source",
    "F1,,2023-02-01,New floors,Minutes",
    ",all,2022-03-01,Snow,",
    ",all,2011-08-01,Long ago,",
    "P1,,2024-12-01,Of another,",
]


def test_dated_notes_are_numbers_on_the_picture_and_words_below(tmp_path):
    found = known(tmp_path, annotations=NOTES)
    shown = view("limits", found, "F1")
    said = ["1: 1 March 2022: Snow.", "2: 1 February 2023: New floors (Minutes)."]
    assert shown.notes[-2:] == said
    assert all(one in shown.description for one in said)
    drawn = {text["text"] for text in shown.picture.canvas.texts}
    assert {"1", "2"} <= drawn and "3" not in drawn
    recent = recent_quarters(found.returns)
    kpis = score(recent, found.returns)
    card = cards(kpis, recent, context_of(kpis, found.recent, found.returns))
    assert "1: 1 December 2024: Of another." in str(card)
    assert "Long ago" not in str(card)


def test_a_suggested_rebase_names_the_nearest_note(tmp_path):
    sent = over("P1", 2021, [60, 62, 61, 60, 61, 62, 60, 80, 82, 81, 80, 82, 81, 80, 82])
    notes = [NOTES[0], *NOTES[2:]]
    raw = make_council(tmp_path, [{"kpi_id": "P1"}], sent, annotations=notes)
    notes = view("limits", evidence(load(raw)), "P1").notes
    (suggested,) = [note for note in notes if "may agree new limits" in note]
    assert suggested.endswith("The nearest note: 1 March 2022: Snow.")


def test_variation_and_assurance_are_small_marks_with_their_words():
    said = {"polarity": "lower", "variation": "concern", "assurance": "consistently fails"}
    drawn = str(piece("spc_marks", said))
    for word in ("concern", "consistently fails"):
        assert drawn.count(f"<title>{word}</title>") == 1
    # high is the bad way of what is better low
    assert ">H</text>" in drawn and ">F</text>" in drawn
    nothing = {"variation": "not judged", "assurance": "no limits"}
    assert piece("spc_marks", said | nothing) == ""


def test_the_mark_of_the_data_stands_in_words():
    kpi = {"data_quality": "GAR", "reviewed_at": "Scrutiny, 12 May 2025", "escalated_to": None}
    assert quality_notes(kpi) == [
        "Data quality: sign-off Green, timeliness Amber, audit Red.",
        "Last reviewed: Scrutiny, 12 May 2025.",
    ]
    assert quality_notes({"data_quality": None}) == []


def test_a_week_that_is_withheld_leaves_its_month_and_quarter_without_a_figure(tmp_path):
    days = pd.date_range("2024-10-04", periods=13, freq="7D").strftime("%Y-%m-%d").tolist()
    watched = {"kpi_id": "W1", "unit": "count", "frequency": "weekly", "rated": "no"}
    sent = [("2024-25-Q3", "W1", day, 40 + n % 5) for n, day in enumerate(days[:-1])]
    sent.append(("2024-25-Q3", "W1", days[-1], "", "", "", "suppressed"))
    returns = load(make_council(tmp_path, [watched, {"kpi_id": "P1"}], [*SENT, *sent]))
    months = returns.months[returns.months["kpi_id"] == "W1"]
    assert months["value"].tolist()[:2] == [40 + 41 + 42 + 43, 44 + 40 + 41 + 42 + 43]
    assert months["status"].tolist()[2:] == ["not available"]
    quarters = returns.figures[returns.figures["kpi_id"] == "W1"]
    assert quarters["value"].isna().all() and set(quarters["status"]) == {"not available"}
