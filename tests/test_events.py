"""events.csv and annotations.csv: counts that follow from single events, dated notes; faults told with their place."""

from pathlib import Path

import pytest

from kpi_tools.loading import as_known_at, load, read_returns
from kpi_tools.loading.returns import SUBMISSION
from kpi_tools.quarters import Quarter
from tests.small_council import make_council

FALLS = {"kpi_id": "F1", "unit": "count", "polarity": "lower"}
SHARE = {"kpi_id": "P1"}
SENT = [("2024-25-Q2", "P1", "2024-25 Q2", 60), ("2024-25-Q3", "P1", "2024-25 Q3", 61)]
DATES = ["2024-07-03", "2024-07-31", "2024-09-30", "2024-12-31"]


def council(folder: Path, events, kpis=(FALLS, SHARE), sent=SENT, **tables):
    rows = [{"kpi_id": "F1", "date": one} if isinstance(one, str) else one for one in events]
    return make_council(folder, kpis, sent, events=rows, **tables)


def faults(raw: Path, *files: str):
    problems = read_returns(raw).problems
    own = problems[problems["file"].isin(files or ["events.csv"])]
    return list(zip(own["code"], own["row"], strict=True))


def test_counts_of_months_and_quarters_follow_from_events(tmp_path):
    returns = load(council(tmp_path, DATES))
    figures = returns.figures[returns.figures["kpi_id"] == "F1"]
    assert figures.set_index("quarter")["value"].to_dict() == {"2024-25 Q2": 3, "2024-25 Q3": 1}
    months = returns.months[returns.months["kpi_id"] == "F1"]
    assert months["value"].tolist() == [2, 0, 1, 0, 0, 1]
    assert returns.events["date"].tolist() == DATES
    assert set(SUBMISSION) == set(returns.submissions.columns)


def test_an_event_known_later_changes_no_earlier_report(tmp_path):
    late = {"kpi_id": "F1", "date": "2024-08-01", "from_quarter": "2024-25 Q3"}
    returns = load(council(tmp_path, [*DATES, late]))
    quarter = "2024-25 Q2"
    for known, count, events in (
        (returns, 4, 5),
        (as_known_at(returns, Quarter.parse(quarter)), 3, 3),
        (load(tmp_path, quarter), 3, 3),
    ):
        own = known.figures[known.figures["kpi_id"] == "F1"].set_index("quarter")["value"]
        assert (own[quarter], len(known.events)) == (count, events)


def test_what_happened_before_the_first_returns_makes_no_report_of_its_own(tmp_path):
    returns = load(council(tmp_path, ["2023-11-08", *DATES]))
    assert set(returns.submissions["received"]) == {"2024-25 Q2", "2024-25 Q3"}
    figures = returns.figures[returns.figures["kpi_id"] == "F1"].set_index("quarter")["value"]
    assert (figures["2023-24 Q3"], figures["2024-25 Q1"], figures["2024-25 Q2"]) == (1, 0, 3)


def test_a_count_that_was_sent_stands_and_another_is_told(tmp_path):
    sent = [*SENT, ("2024-25-Q2", "F1", "2024-25 Q2", 3), ("2024-25-Q3", "F1", "2024-25 Q3", 2)]
    returns = load(council(tmp_path, DATES, sent=sent))
    own = returns.figures[returns.figures["kpi_id"] == "F1"]
    assert own["value"].tolist() == [3, 2]
    told = returns.problems[returns.problems["code"] == "months-unlike"]
    assert told["value"].tolist() == ["2"]


@pytest.mark.parametrize(("event", "code"), [
    ({"kpi_id": "F1", "date": "2024-07-03"}, "catalogue-twice"),
    ({"kpi_id": "F1", "date": "2025-01-01"}, "event-future"),
    ({"kpi_id": "F1", "date": "31 June"}, "catalogue-number"),
    ({"kpi_id": "F1", "date": "1824-07-03"}, "catalogue-number"),
    ({"kpi_id": "F1", "date": ""}, "catalogue-missing"),
    ({"kpi_id": "P1", "date": "2024-07-03"}, "event-kind"),
    ({"kpi_id": "F9", "date": "2024-07-03"}, "id-unknown"),
])  # fmt: skip
def test_a_bad_event_is_told_with_its_row(tmp_path, event, code):
    raw = council(tmp_path, [*DATES, event])
    assert faults(raw) == [(code, 6)]
    assert len(read_returns(raw).events) == 4


def test_two_events_of_one_day_are_told_apart_by_their_labels(tmp_path):
    two = [{"kpi_id": "F1", "date": "2024-12-01", "label": name} for name in ("A", "B")]
    returns = load(council(tmp_path, two))
    assert returns.figures.query("kpi_id == 'F1'")["value"].tolist() == [2]


def test_events_of_a_sensitive_kpi_are_nowhere(tmp_path):
    returns = load(council(tmp_path, DATES, kpis=(FALLS | {"sensitive": "yes"}, SHARE)))
    assert returns.events.empty
    own = returns.figures[returns.figures["kpi_id"] == "F1"]
    assert own["value"].isna().all() and own["status"].ne("final").all()
    sent = returns.submissions[returns.submissions["kpi_id"] == "F1"]
    assert set(sent["value"].dropna()) == {0}, "nought is shown, as of any sensitive figure"


def test_dated_notes(tmp_path):
    notes = [
        "kpi_id,section,date,label,source",
        "F1,,2024-09-01,New floors,Minutes",
        ",all,2024-08-01,Snow,",
        "F1,all,2024-08-01,Both,",
        ",Rail,2024-08-01,No such,",
    ]
    raw = council(tmp_path, DATES, annotations=notes)
    found = [code for code, _ in faults(raw, "annotations.csv")]
    assert found == ["text-place", "catalogue-choice"]
    assert read_returns(raw).annotations["label"].tolist() == ["Snow", "New floors"]
