"""The figure of a quarter follows from its months, or it is said why not; months that disagree are named.

Attendances and four-hour breaches are those of East Kent Hospitals, type 1 departments, April to December 2016 (NHS
England, Open Government Licence), moved to the year 2024.
"""

import math

import pandas as pd
import pytest

from kpi_tools.explorer.evidence import evidence
from kpi_tools.explorer.views import view
from kpi_tools.loading import as_known_at, load, read_returns
from kpi_tools.page.cards import Context, cards
from kpi_tools.quarters import Quarter
from kpi_tools.rows import rows_by
from kpi_tools.scorecard import recent_quarters, score
from tests.small_council import HEAD, make_council, write_table

ATTENDED = [11821, 13303, 12832, 13504, 12876, 12873, 12700, 12064, 12487]
BREACHED = [2456, 3124, 2535, 3151, 3155, 2811, 3703, 4115, 4481]
WITHIN = [seen - late for seen, late in zip(ATTENDED, BREACHED, strict=True)]
CASES = list(zip(WITHIN, ATTENDED, strict=True))
MONTHS = [f"2024-{month:02}" for month in range(4, 13)]
KPIS = {
    "A1": ("%", "quarter", ""),
    "N1": ("count", "quarter", ""),
    "D1": ("days", "quarter", ""),
    "S1": ("%", "snapshot", ""),
    "Y1": ("count", "year_to_date", ""),
    "R1": ("%", "rolling_12_months", ""),
    "R2": ("%", "rolling_12_months", "month"),
}


@pytest.fixture
def raw(tmp_path):
    """A council of monthly KPIs, one of each basis."""
    names = ("kpi_id", "unit", "basis", "monthly_basis")
    monthly = {"frequency": "monthly", "lag_quarters": 0, "decimals": 1}
    kpis = [monthly | dict(zip(names, (one, *of), strict=True)) for one, of in KPIS.items()]
    lines = {"target": 90, "floor_standard": 80}
    targets = [{"kpi_id": one, **lines, "applies": ""} for one in KPIS]
    targets[list(KPIS).index("Y1")]["applies"] = "year_end"
    words = {"commentary/2024-25-Q3": ["kpi_id,commentary", "A1,Words"]}
    return make_council(tmp_path, kpis, targets=targets, **words)


def received(raw, *rows, quarter="2024-25-Q3"):
    """What is known after these rows (kpi_id, period, value, numerator, denominator, status)."""
    write_table(
        raw / "returns" / quarter / "place.csv",
        [dict.fromkeys(HEAD, "") | dict(zip(HEAD, row, strict=False)) for row in rows],
    )
    return read_returns(raw)


def monthly(kpi_id="A1", months=MONTHS, value=""):
    return [(kpi_id, month, value, *of) for month, of in zip(months, CASES, strict=False)]


def quarter(returns, kpi_id, label="2024-25 Q3"):
    figures = returns.figures.set_index(["kpi_id", "quarter"], drop=False)
    return figures.loc[[(kpi_id, label)]].squeeze(axis=0)


def test_a_rate_is_the_sum_of_numerators_over_the_sum_of_denominators(raw):
    received(raw, *monthly())
    returns = load(raw)
    row = quarter(returns, "A1")
    kpi = score(recent_quarters(returns), returns).set_index("kpi_id").loc["A1"]
    assert (kpi["rating"], kpi["quarter"]) == ("Red", "2024-25 Q3")
    # October to December: 12,700 + 12,064 + 12,487 = 37,251 attended, 3,703 + 4,115 + 4,481 = 12,299 waited longer.
    assert (row["numerator"], row["denominator"]) == (24_952, 37_251)
    assert row["value"] == pytest.approx(66.98343668626346)
    assert (row["status"], row["period_end"]) == ("final", pd.Timestamp("2024-12-31"))
    assert returns.figures["quarter"].tolist() == ["2024-25 Q1", "2024-25 Q2", "2024-25 Q3"]
    assert returns.problems.empty
    followed = returns.log[returns.log["why"].str.contains("follows from its months")].iloc[-1]
    assert (followed["file"], followed["row"]) == ("returns/2024-25-Q3/place.csv", 10)
    why = "the figure of A1 for 2024-25 Q3 follows from its months: 24,952 of 37,251"
    assert followed["why"] == why
    # the weakest status of the months is that of the quarter
    rows = [row + ("provisional",) if place == 7 else row for place, row in enumerate(monthly())]
    assert quarter(received(raw, *rows), "A1")["status"] == "provisional"


def test_counts_are_added_up(raw):
    rows = [("N1", month, n) for month, n in zip(MONTHS, ATTENDED, strict=True)]
    row = quarter(received(raw, *rows), "N1")
    assert row["value"] == 37_251 and math.isnan(row["numerator"])


@pytest.mark.parametrize("kpi_id", ["S1", "Y1", "R1"])
def test_of_a_state_and_of_what_runs_on_the_last_month_counts_as_given(raw, kpi_id):
    rows = (kpi_id, "2024-11", 61), (kpi_id, "2024-12", 64, "", "", "estimated")
    row = quarter(received(raw, *rows), kpi_id)
    note = "The figure of December 2024, its last month."
    assert (row["value"], row["status"], row["note"]) == (64, "estimated", note)


def test_twelve_single_months_make_a_rolling_figure(raw):
    months = [f"{2024 + (place + 3) // 12}-{(place + 3) % 12 + 1:02}" for place in range(-5, 9)]
    cases = [(place + 10, 40) for place in range(14)]
    rows = [("R2", month, "", *parts) for month, parts in zip(months, cases, strict=True)]
    returns = received(raw, *rows)
    # The twelve months to December 2024 count 12 + 13 + … + 23 = 210 of 480; no earlier quarter has twelve.
    row = quarter(returns, "R2")
    assert (row["numerator"], row["denominator"], row["value"]) == (210, 480, 43.75)
    before = quarter(returns, "R2", "2024-25 Q2")
    assert math.isnan(before["value"])
    assert before["note"].startswith("Not all of the twelve months to September 2024")


@pytest.mark.parametrize(("rows", "note"), [
    (monthly(months=MONTHS[:8]), "Only 2 of its 3 months have a figure."),
    ([*monthly(months=MONTHS[:7]), ("A1", "2024-12", "", "", "", "suppressed")], "Only 1 of its 3 months has a figure."),
    ([("D1", month, 7) for month in MONTHS], "Months in the unit days cannot be added up."),
    ([("S1", "2024-11", 61)],
     "Only 1 of its 3 months has a figure, and December 2024, on which its own rests, has none."),
    ([("R2", month, "", 5, 10) for month in MONTHS], "Not all of the twelve months to December 2024 are known"),
])  # fmt: skip
def test_a_part_is_never_the_whole(raw, rows, note):
    returns = received(raw, *rows)
    row = quarter(returns, rows[0][0])
    assert math.isnan(row["value"]) and math.isnan(row["numerator"])
    assert row["status"] == "not available" and row["note"].startswith(note)
    told = returns.problems[returns.problems["code"] == "months-partial"]
    assert set(told["severity"]) == {"warning"}
    last = told.iloc[-1]
    assert f"has no figure for Quarter 3 2024/25. {note}" in last["rule"]
    assert (last["file"], last["row"]) == ("returns/2024-25-Q3/place.csv", len(rows) + 1)


def test_months_without_their_cases_are_one_message(raw):
    returns = received(raw, *(("A1", month, 70) for month in MONTHS))
    assert quarter(returns, "A1")["note"].startswith("Its months came without the cases")
    assert returns.problems["code"].tolist() == ["months-parts"]
    assert "snapshot" in returns.problems["remedy"].iloc[0]
    rows = [("A1", month, 70) for month in ("2024-25 Q3", *MONTHS[-3:])]
    assert received(raw, *rows).problems.empty


def test_months_that_came_before_the_quarter_is_due_are_no_problem(raw):
    text = (raw / "kpis.csv").read_text(encoding="utf-8").replace("monthly,0,", "monthly,1,")
    (raw / "kpis.csv").write_text(text, encoding="utf-8")
    assert received(raw, *monthly(months=MONTHS[:8])).problems.empty


def test_a_figure_that_was_sent_stands_and_other_months_are_a_warning(raw):
    returns = received(raw, *monthly(), ("A1", "2024-25 Q3", 68))
    assert quarter(returns, "A1")["value"] == 68
    problem = returns.problems.iloc[0]
    assert (problem["code"], problem["row"], problem["value"]) == ("months-unlike", 11, "68")
    assert problem["rule"] == (
        "Its months make 67.0% (24,952 of 37,251), not what was sent for the quarter, which stands."
    )


@pytest.mark.parametrize(("sent", "codes"), [
    ((67,), []),
    ((66.98,), []),
    ((66.98, 24_952, 37_251), []),
    (("", 24_951, 37_250), ["months-unlike"]),  # the same rate from other cases
])  # fmt: skip
def test_a_figure_as_exact_as_it_was_written_agrees(raw, sent, codes):
    found = received(raw, *monthly(), ("A1", "2024-25 Q3", *sent)).problems
    assert found["code"].tolist() == codes


def test_a_row_left_blank_says_nothing_but_a_reason_does(raw):
    assert quarter(received(raw, *monthly(), ("A1", "2024-25 Q3", "")), "A1")["numerator"] == 24_952
    row = quarter(received(raw, *monthly(), ("A1", "2024-25 Q3", "", "", "", "suppressed")), "A1")
    assert row["status"] == "suppressed"


def test_what_was_known_earlier_is_made_from_the_months_of_then(raw):
    received(raw, *monthly(months=MONTHS[:6]), quarter="2024-25-Q2")
    returns = received(raw, *monthly()[6:], ("A1", "2024-09", "", 8_000, 10_000))
    then = as_known_at(returns, Quarter(2024, 2))
    assert quarter(then, "A1", "2024-25 Q2")["denominator"] == 13_504 + 12_876 + 12_873
    assert quarter(returns, "A1", "2024-25 Q2")["denominator"] == 13_504 + 12_876 + 10_000
    assert quarter(returns, "A1", "2024-25 Q2")["received"] == "2024-25 Q3"
    pd.testing.assert_frame_equal(then.figures, read_returns(raw, "2024-25 Q2").figures)


def test_the_limits_stand_on_the_months(raw):
    known = evidence(received(raw, *monthly()), {"A1"})
    points = known.of("points", "A1")
    assert points["period"].tolist() == MONTHS
    assert set(points["overlap"]) == {1}
    values = [100 * n / d for n, d in zip(WITHIN, ATTENDED, strict=True)]
    assert points["mean"][0] == pytest.approx(sum(values) / 9)


def _months_drawn(known, kpi_id):
    points = view("trend", known, kpi_id).picture.canvas.points
    return [one for one in points if one["look"].endswith("month")]


def test_a_target_of_three_months_is_none_of_a_single_one(raw):
    """Counts of a month lie below what is agreed for a quarter, whatever was done."""
    rows = [("N1", month, 20 + place % 3) for place, month in enumerate(MONTHS)]
    known = evidence(received(raw, *rows), {"N1"})
    assert set(known.of("points", "N1")["series"]) == {"months"}
    assert known.of("points", "N1")["target"].isna().all()
    assert known.kpis[["target", "assurance"]].to_numpy().tolist() == [[90, "no target"]]
    assert not _months_drawn(known, "N1")
    known = evidence(received(raw, *monthly()), {"A1"})
    assert set(known.of("points", "A1")["target"]) == {90}
    assert _months_drawn(known, "A1")


def test_rolling_months_have_limits_that_allow_for_twelve(raw):
    rows = [("R1", month, 60 + place % 2) for place, month in enumerate(MONTHS)]
    points = evidence(received(raw, *rows), {"R1"}).of("points", "R1")
    assert set(points["overlap"]) == {12}
    # The mean of 60 61 60 61 60 61 60 61 60 is 60 4/9 and every moving range is 1.
    assert points["upper_limit"][0] == pytest.approx(60 + 4 / 9 + 2.66 * math.sqrt(12))


def test_a_rolling_month_is_not_said_to_be_alone(raw):
    def notes(kpi_id, *parts):
        returns = received(raw, (kpi_id, "2024-12", *parts), (kpi_id, "2024-25 Q3", "", 30, 60))
        recent, context = recent_quarters(returns), Context(months=rows_by(returns.months))
        return cards(score(recent, returns), recent, context)._repr_html_()

    assert "December 2024 alone: 40.0% (4 of 10)" in notes("R2", "", 4, 10)
    assert "alone" not in notes("R1", "", 30, 60)
