"""The figure of a quarter follows from its months, or it is said why not; months that disagree are named.

Attendances and four-hour breaches are those of East Kent Hospitals, type 1 departments, April to December 2016 (NHS
England, Open Government Licence), moved to the year 2024.
"""

import csv
import math

import pandas as pd
import pytest

from kpi_tools.explorer.evidence import evidence
from kpi_tools.loading import as_known_at, load, read_returns
from kpi_tools.page.cards import Context, cards
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import recent_quarters, score
from kpi_tools.wording import rows_by
from tests.small_council import HEAD, write_raw

ATTENDED = [11821, 13303, 12832, 13504, 12876, 12873, 12700, 12064, 12487]
BREACHED = [2456, 3124, 2535, 3151, 3155, 2811, 3703, 4115, 4481]
WITHIN = [seen - late for seen, late in zip(ATTENDED, BREACHED, strict=True)]
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
    write_raw(tmp_path)
    head = [
        "kpi_id",
        "kpi_name",
        "section",
        "directorate",
        "unit",
        "decimals",
        "polarity",
        "basis",
        "frequency",
        "lag_quarters",
        "first_quarter",
        "monthly_basis",
    ]
    rows = [
        [
            kpi_id,
            f"Name of {kpi_id}",
            "Roads",
            "Place",
            unit,
            1,
            "higher",
            basis,
            "monthly",
            0,
            "2020-21 Q1",
            covers,
        ]
        for kpi_id, (unit, basis, covers) in KPIS.items()
    ]
    write(tmp_path / "kpis.csv", [head, *rows])
    lines = [
        [kpi_id, "2020-21 Q1", "90", "80", "year_end" if kpi_id == "Y1" else ""] for kpi_id in KPIS
    ]
    write(
        tmp_path / "targets.csv",
        [["kpi_id", "from_quarter", "target", "floor_standard", "applies"], *lines],
    )
    (tmp_path / "commentary" / "2024-25-Q3.csv").write_text(
        "kpi_id,commentary\nA1,Words\n", encoding="utf-8"
    )
    return tmp_path


def write(path, rows):
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def received(raw, *rows, quarter="2024-25-Q3"):
    """The figures and everything else after these rows (kpi_id, period, value, numerator, denominator, status, note)."""
    write(
        raw / "returns" / quarter / "place.csv",
        [HEAD, *(list(row) + [""] * (7 - len(row)) for row in rows)],
    )
    return read_returns(raw)


def monthly(kpi_id="A1", months=MONTHS, value=""):
    return [
        (kpi_id, month, value, WITHIN[place], ATTENDED[place]) for place, month in enumerate(months)
    ]


def quarter(returns, kpi_id, label="2024-25 Q3"):
    rows = returns.figures[
        (returns.figures["kpi_id"] == kpi_id) & (returns.figures["quarter"] == label)
    ]
    assert len(rows) == 1
    return rows.iloc[0]


def test_a_rate_is_the_sum_of_numerators_over_the_sum_of_denominators(raw):
    returns = received(raw, *monthly())
    row = quarter(returns, "A1")
    # October to December: 12,700 + 12,064 + 12,487 = 37,251 attended, 3,703 + 4,115 + 4,481 = 12,299 waited longer.
    assert (row["numerator"], row["denominator"]) == (24_952, 37_251)
    assert row["value"] == pytest.approx(66.98343668626346)
    assert (row["status"], row["period_end"]) == ("final", pd.Timestamp("2024-12-31"))
    assert returns.figures["quarter"].tolist() == ["2024-25 Q1", "2024-25 Q2", "2024-25 Q3"]
    assert returns.problems.empty
    followed = returns.log[returns.log["why"].str.contains("follows from its months")]
    assert (
        followed["why"].iloc[-1]
        == "the figure of A1 for 2024-25 Q3 follows from its months: 24,952 of 37,251"
    )
    assert (followed["file"].iloc[-1], followed["row"].iloc[-1]) == (
        "returns/2024-25-Q3/place.csv",
        10,
    )


def test_a_quarter_made_from_months_is_rated_and_shown_like_any_other(raw):
    returns = received(raw, *monthly())
    recent = recent_quarters(returns)
    kpi = score(recent, returns).set_index("kpi_id").loc["A1"]
    assert (kpi["rating"], kpi["quarter"]) == ("Red", "2024-25 Q3")


def test_the_weakest_status_of_the_months_is_that_of_the_quarter(raw):
    rows = [row + ("provisional",) if place == 7 else row for place, row in enumerate(monthly())]
    assert quarter(received(raw, *rows), "A1")["status"] == "provisional"


def test_counts_are_added_up(raw):
    row = quarter(
        received(raw, *[("N1", month, n) for month, n in zip(MONTHS, ATTENDED, strict=True)]), "N1"
    )
    assert row["value"] == 37_251
    assert math.isnan(row["numerator"])


@pytest.mark.parametrize("kpi_id", ["S1", "Y1", "R1"])
def test_of_a_state_and_of_what_runs_on_the_last_month_counts_as_given(raw, kpi_id):
    row = quarter(
        received(raw, (kpi_id, "2024-11", 61), (kpi_id, "2024-12", 64, "", "", "estimated")), kpi_id
    )
    assert (row["value"], row["status"], row["note"]) == (
        64,
        "estimated",
        "The figure of December 2024, its last month.",
    )


def test_twelve_single_months_make_a_rolling_figure(raw):
    months = [f"{2024 + (place + 3) // 12}-{(place + 3) % 12 + 1:02}" for place in range(-5, 9)]
    cases = [(place + 10, 40) for place in range(14)]
    rows = [("R2", month, "", *parts) for month, parts in zip(months, cases, strict=True)]
    returns = received(raw, *rows)
    # The twelve months to December 2024 count 12 + 13 + … + 23 = 210 of 480; no earlier quarter has twelve.
    row = quarter(returns, "R2")
    assert (row["numerator"], row["denominator"], row["value"]) == (210, 480, 43.75)
    assert math.isnan(quarter(returns, "R2", "2024-25 Q2")["value"])
    assert quarter(returns, "R2", "2024-25 Q2")["note"].startswith(
        "Not all of the twelve months to September 2024"
    )


@pytest.mark.parametrize(
    ("rows", "note"),
    [
        (monthly(months=MONTHS[:8]), "Only 2 of its 3 months have a figure."),
        (
            [*monthly(months=MONTHS[:7]), ("A1", "2024-12", "", "", "", "suppressed")],
            "Only 1 of its 3 months has a figure.",
        ),
        ([("D1", month, 7) for month in MONTHS], "Months in the unit days cannot be added up."),
        (
            [("S1", "2024-11", 61)],
            "Only 1 of its 3 months has a figure, and December 2024, on which its own rests, has none.",
        ),
        (
            [("R2", month, "", 5, 10) for month in MONTHS],
            "Not all of the twelve months to December 2024 are known",
        ),
    ],
)
def test_a_part_is_never_the_whole(raw, rows, note):
    returns = received(raw, *rows)
    row = quarter(returns, rows[0][0])
    assert math.isnan(row["value"]) and math.isnan(row["numerator"])
    assert row["status"] == "not available"
    assert row["note"].startswith(note)
    told = returns.problems[returns.problems["code"] == "months-partial"]
    assert set(told["severity"]) == {"warning"}
    assert f"has no figure for Quarter 3 2024/25. {note}" in told["rule"].iloc[-1]
    assert told["file"].iloc[-1] == "returns/2024-25-Q3/place.csv"
    assert told["row"].iloc[-1] == len(rows) + 1


def test_months_without_their_cases_are_one_message(raw):
    returns = received(raw, *(("A1", month, 70) for month in MONTHS))
    assert quarter(returns, "A1")["note"].startswith("Its months came without the cases")
    assert returns.problems["code"].tolist() == ["months-parts"]
    assert "snapshot" in returns.problems["remedy"].iloc[0]
    assert received(
        raw, ("A1", "2024-25 Q3", 70), *(("A1", month, 70) for month in MONTHS[-3:])
    ).problems.empty


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


@pytest.mark.parametrize("sent", [(67,), (66.98,), (66.98, 24_952, 37_251)])
def test_a_figure_as_exact_as_it_was_written_agrees(raw, sent):
    assert received(raw, *monthly(), ("A1", "2024-25 Q3", *sent)).problems.empty


def test_the_same_rate_from_other_cases_disagrees(raw):
    returns = received(raw, *monthly(), ("A1", "2024-25 Q3", "", 24_951, 37_250))
    assert returns.problems["code"].tolist() == ["months-unlike"]


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


def test_rolling_months_have_limits_that_allow_for_twelve(raw):
    known = evidence(
        received(raw, *[("R1", month, 60 + place % 2) for place, month in enumerate(MONTHS)]),
        {"R1"},
    )
    points = known.of("points", "R1")
    assert set(points["overlap"]) == {12}
    # The mean of 60 61 60 61 60 61 60 61 60 is 60 4/9 and every moving range is 1.
    assert points["upper_limit"][0] == pytest.approx(60 + 4 / 9 + 2.66 * math.sqrt(12))


def test_a_rolling_month_is_not_said_to_be_alone(raw):
    def notes(kpi_id, *parts):
        returns = received(raw, (kpi_id, "2024-12", *parts), (kpi_id, "2024-25 Q3", "", 30, 60))
        recent = recent_quarters(returns)
        return cards(
            score(recent, returns), recent, Context(months=rows_by(returns.months))
        )._repr_html_()

    assert "December 2024 alone: 40.0% (4 of 10)" in notes("R2", "", 4, 10)
    assert "alone" not in notes("R1", "", 30, 60)


def test_load_accepts_what_has_only_warnings(raw):
    received(raw, *monthly(months=MONTHS[:8]))
    assert math.isnan(quarter(load(raw), "A1")["value"])
