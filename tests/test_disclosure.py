"""Small numbers: hidden in the data, and no subtraction across tables, quarters and rolling windows brings them back.

The attacker is independent of the package: integer programming (scipy) over everything that is printed.
"""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from kpi_tools.loading.disclosure import suppress
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import SUPPRESSED

FIRST = Quarter(2023, 1)
PARTS = ("A", "B", "C")


def kpis(text: str, unit: str = "count", sensitive: str = "yes") -> pd.DataFrame:
    """A catalogue: `A quarter T; B quarter` (id, basis, the totals that it is a part of)."""
    rows = [
        {"kpi_id": kpi_id, "basis": basis, "part_of": "; ".join(totals) or None}
        for kpi_id, basis, *totals in map(str.split, text.split("; "))
    ]
    return pd.DataFrame(rows).assign(unit=unit, sensitive=sensitive, monthly_basis="")


DISTRICTS = kpis("A quarter T; B quarter T; C quarter T; T quarter")
ROLLING = kpis(
    "A quarter T AR; B quarter T BR; C quarter T; T quarter TR; "
    "AR rolling_12_months; BR rolling_12_months; TR rolling_12_months"
)


def sent(kpi_id, at, value, received=None, parts=(np.nan, np.nan), **cells):
    """A row of submissions: of a quarter (how many after FIRST) or a month, received with a quarter (its own by default)."""
    month, quarter = "", FIRST
    if isinstance(at, str):
        month, quarter = at, Quarter.containing(pd.Timestamp(f"{at}-01").date())
    else:
        quarter = FIRST.shift(at)
    came = quarter if received is None else FIRST.shift(received)
    row = {"kpi_id": kpi_id, "period": month or quarter.label, "quarter": quarter.label}
    row |= {"month": month, "value": float(value), "numerator": parts[0], "denominator": parts[1]}
    row |= {"status": "final", "note": "", "received": came.label, "silent": False}
    return row | cells


def hidden(rows, catalogue, threshold=5, **options) -> set[tuple[str, int | str]]:
    """KPI and period (quarters by their number after FIRST, months by name) of what is suppressed."""
    frame = pd.DataFrame(rows)
    before = frame.copy()
    table = suppress(frame, catalogue, threshold, **options).submissions
    pd.testing.assert_frame_equal(frame, before)
    gone = table[table["status"] == SUPPRESSED]
    assert gone[["value", "numerator", "denominator"]].isna().all(axis=None)
    assert (gone["note"] == "").all()
    kept = table[table["status"] != SUPPRESSED]
    if not options.get("rounding"):
        pd.testing.assert_frame_equal(kept, before.loc[kept.index])
    return {
        (row["kpi_id"], row["month"] or Quarter.parse(row["quarter"]) - FIRST)
        for row in gone.to_dict("records")
    }


def table(*counts: tuple[int, ...]) -> list[dict]:
    """Rows for A, B and C in each quarter, and their total."""
    cells = [
        (name, at, count)
        for at, row in enumerate(counts)
        for name, count in zip((*PARTS, "T"), (*row, sum(row)), strict=True)
    ]
    return [sent(*cell) for cell in cells]


# By hand


@pytest.mark.parametrize(("counts", "expected"), [
    ((20, 30, 40), set()),
    ((5, 30, 40), set()),
    ((0, 30, 40), set()),
    ((4, 30, 40), {"A", "T"}),  # the total counts the same four cases
    ((1, 2, 50), {"A", "B", "T"}),
    ((2, 0, 0), {"A", "B", "C", "T"}),  # the total is itself small, and the noughts are cases of it
])  # fmt: skip
def test_three_cells_and_a_total(counts, expected):
    assert hidden(table(counts), DISTRICTS) == {(name, 0) for name in expected}


def test_a_kpi_by_itself_loses_that_figure_alone():
    figures = [sent("A", at, n) for at, n in enumerate((9, 3, 9, 0, 5))]
    assert hidden(figures, DISTRICTS[:1]) == {("A", 1)}
    assert hidden([sent("A", 0, 3)], DISTRICTS[:1].assign(sensitive="no")) == set()
    assert hidden([sent("A", 0, 9)], DISTRICTS[:1], threshold=10) == {("A", 0)}


def test_percentages_are_small_in_those_who_met_them_those_who_did_not_or_all():
    one = kpis("P quarter", unit="%")
    cases = [(4, 90), (5, 90), (85, 90), (86, 90), (0, 4), (0, 5), (90, 90)]
    rows = [
        sent("P", at, 100 * n / d, parts=(float(n), float(d))) for at, (n, d) in enumerate(cases)
    ]
    assert hidden(rows, one) == {("P", 0), ("P", 3), ("P", 4)}
    assert hidden([sent("P", 0, 50.0)], one) == {("P", 0)}
    rows = [sent("P", 0, 50.0), sent("P", 1, np.nan, status=SUPPRESSED)]
    judged = suppress(pd.DataFrame(rows), one, 5)
    assert judged.uncounted["period"].tolist() == [FIRST.label]


def test_a_month_is_not_found_from_its_quarter_and_the_other_months():
    one = kpis("A quarter")
    months = [sent("A", "2023-04", 2), sent("A", "2023-05", 20), sent("A", "2023-06", 30)]
    assert hidden(months, one) == {("A", "2023-04")}
    assert hidden([*months, sent("A", 0, 52)], one) == {("A", "2023-04"), ("A", 0)}


def test_a_quarter_is_not_found_from_twelve_months():
    """In-quarter 9, 9, 9, 2 and the twelve months 29: these and the next three hold the 2, so they go."""
    both = kpis("A quarter R; R rolling_12_months")
    rows = [sent("A", at, count) for at, count in enumerate((9, 9, 9, 2))]
    assert hidden(rows, both) == {("A", 3)}
    assert hidden([*rows, sent("R", 3, 29)], both) == {("A", 3), ("R", 3)}
    later = [*rows, sent("R", 3, 29), sent("A", 4, 8), sent("R", 4, 28)]
    assert hidden(later, both) == {("A", 3), ("R", 3), ("R", 4)}


def test_a_small_rolling_figure_takes_the_next_three_with_it():
    """Each of them counts its latest quarter too; the one after those does not."""
    rows = [sent("R", at, n) for at, n in enumerate((9, 4, 8, 7, 9, 9, 8))]
    assert hidden(rows, kpis("R rolling_12_months")) == {("R", at) for at in (1, 2, 3, 4)}


def test_the_year_to_date_is_not_taken_apart():
    rows = [sent("Y", at, n) for at, n in enumerate((3, 9, 20))]
    assert hidden(rows, kpis("Y year_to_date")) == {("Y", 0), ("Y", 1), ("Y", 2)}
    both = kpis("A quarter Y; Y year_to_date")
    rows = [sent("A", 0, 30), sent("Y", 0, 30), sent("A", 1, 3), sent("Y", 1, 33)]
    assert hidden(rows, both) == {("A", 1), ("Y", 1)}


def test_what_subtraction_alone_gives_is_not_given_either():
    """A second quarter of 2, a third month of 3 and a district of 4 of which no figure of their own is printed."""
    years = [sent("Y", at, n) for at, n in enumerate((30, 32, 36))]
    assert hidden(years, kpis("Y year_to_date")) == {("Y", 1), ("Y", 2)}
    months = [sent("A", "2023-04", 20), sent("A", "2023-05", 30), sent("A", 0, 53)]
    assert hidden(months, kpis("A quarter")) == {("A", 0)}
    assert hidden([sent("B", 0, 20), sent("C", 0, 30), sent("T", 0, 54)], DISTRICTS) == {("T", 0)}


def test_days_are_apart_from_each_other_and_from_months():
    rows = [sent("S", 0, 3), sent("S", 1, 30), sent("S", "2023-06", 3)]
    assert hidden(rows, kpis("S snapshot")) == {("S", 0), ("S", "2023-06")}


def test_what_the_service_suppressed_is_not_found_either():
    rows = [sent("B", 0, 20), sent("C", 0, 30), sent("T", 0, 53)]
    rows.append(sent("A", 0, np.nan, status=SUPPRESSED))
    assert hidden(rows, DISTRICTS) == {("A", 0), ("T", 0)}


def test_a_total_that_is_not_sensitive_itself_can_still_give_its_parts_away():
    plain = DISTRICTS.assign(sensitive=["yes", "yes", "yes", "no"])
    rows = table((2, 0, 1))
    gone = hidden(rows, plain)
    # the total counts the two and the one; nought counts none of them, and beside it they stay unknown
    assert gone == {(name, 0) for name in "ACT"}
    assert all(width >= 4 for width in attack(by_quarter(rows), gone).values())
    assert hidden([sent("T", 0, 3)], plain) == set()


# Over time


def test_what_was_printed_before_cannot_be_hidden_any_more():
    """Two districts came before, so the total is hidden; the total came before, so all its parts are."""
    parts = [sent("B", 0, 20, 0), sent("C", 0, 30, 0), sent("A", 0, 3, 1), sent("T", 0, 53, 1)]
    assert hidden(parts, DISTRICTS) == {("A", 0), ("T", 0)}
    total = [sent("T", 0, 53, 0), sent("A", 0, 3, 1), sent("B", 0, 20, 1), sent("C", 0, 30, 1)]
    assert hidden(total, DISTRICTS) == {("A", 0), ("B", 0), ("C", 0)}
    foreseen = [sent("B", 0, 20, 0), sent("C", 0, 30, 0), sent("T", 0, 53, 0), sent("A", 0, 3, 1)]
    assert hidden(foreseen, DISTRICTS) == {("A", 0), ("T", 0)}


def test_what_comes_later_changes_nothing_of_what_was_decided():
    rows = table((4, 30, 40), (9, 30, 40), (1, 30, 40))
    whole = hidden(rows, DISTRICTS)
    for upto in range(3):
        early = [row for row in rows if Quarter.parse(row["received"]) - FIRST <= upto]
        assert hidden(early, DISTRICTS) == {place for place in whole if place[1] <= upto}


def test_a_figure_sent_again_stays_hidden_and_a_restated_one_is_judged_anew():
    again = [*table((4, 30, 40)), sent("T", 0, 74, 1)]
    assert hidden(again, DISTRICTS) == {("A", 0), ("T", 0)}
    frame = pd.DataFrame([sent("A", 0, 3, 0), sent("A", 0, 30, 1), sent("A", 0, 2, 2)])
    status = suppress(frame, DISTRICTS[:1], 5).submissions["status"]
    assert status.tolist() == [SUPPRESSED, "final", SUPPRESSED]


def test_an_agreed_figure_is_printed_from_its_returns_on():
    agreed = {"kpi_id": "A", "period": FIRST.label, "from_quarter": FIRST.shift(1).label}
    agreed |= {"reason": "published by the regulator", "agreed_by": "Director"}
    frame = pd.DataFrame([sent("A", 0, 3, 0), sent("A", 1, 3, 1), sent("A", 0, 3, 1)])
    found = suppress(frame, DISTRICTS[:1], 5, exempt=pd.DataFrame([agreed])).submissions
    assert found["status"].tolist() == [SUPPRESSED, SUPPRESSED, "final"]


def test_rounding_halves_go_up_and_a_percentage_is_made_of_the_rounded_counts():
    counted = pd.DataFrame([sent("A", at, n) for at, n in enumerate((12, 13, 7, 0, 4))])
    rounded = suppress(counted, DISTRICTS[:1], 5, 5).submissions["value"]
    assert rounded.tolist()[:4] == [10, 15, 5, 0]
    rows = [sent("P", 0, 100 * 12 / 33, parts=(12, 33)), sent("P", 1, 50, parts=(6, 12))]
    shares = pd.DataFrame(rows)
    one, two = suppress(shares, kpis("P quarter", unit="%"), 5, 5).submissions.to_dict("records")
    assert (one["numerator"], one["denominator"], round(one["value"], 4)) == (10, 35, 28.5714)
    assert (two["numerator"], two["denominator"], two["value"]) == (5, 10, 50)
    other = suppress(counted, DISTRICTS[:1].assign(sensitive="no"), 5, 5).submissions
    assert other["value"].tolist() == [12, 13, 7, 0, 4]


def test_notes_that_repeat_a_hidden_figure_go_too():
    rows = [sent("A", 0, 3), sent("A", 1, 30, note="Was 3 in Quarter 1")]
    frame = pd.DataFrame([*rows, sent("A", 2, 31, note="Late")])
    assert suppress(frame, DISTRICTS[:1], 5).submissions["note"].tolist() == ["", "", "Late"]


# By an attacker


Cell = tuple[tuple[str, int | str], set, float]


def attack(cells: list[Cell], gone: set) -> dict:
    """How far apart the least and the greatest value of each hidden figure are, by everything that is printed.

    A cell is a figure's name, the events whose cases it adds up, and its value; cases are whole numbers, nought or more.
    """
    every = sorted({event for _, events, _ in cells for event in events})
    unknown = {event: n for n, event in enumerate(every)}

    def adds(events: set) -> np.ndarray:
        return np.isin(np.arange(len(unknown)), [unknown[event] for event in events]).astype(float)

    told = [(adds(events), value) for name, events, value in cells if name not in gone]
    values = np.array([value for _, value in told])
    printed = LinearConstraint(np.array([row for row, _ in told]), values, values) if told else ()
    widths = {}
    given = {"constraints": printed, "bounds": Bounds(0, 10**6), "integrality": 1}
    for name, events, _ in cells:
        if name in gone:
            found = [milp(sign * adds(events), **given) for sign in (1, -1)]
            assert all(one.success for one in found)
            widths[name] = -round(found[1].fun) - round(found[0].fun)
    return widths


def by_quarter(rows: list[dict]) -> list[Cell]:
    """The cells of A, B, C, T and their twelve months AR, BR, TR: each district and quarter is an event."""
    districts = {"A": "A", "B": "B", "C": "C", "AR": "A", "BR": "B", "T": "ABC", "TR": "ABC"}
    cells = []
    for row in rows:
        kpi_id, at = row["kpi_id"], Quarter.parse(row["quarter"]) - FIRST
        first = at - 3 if kpi_id.endswith("R") else at
        events = set(product(districts[kpi_id], range(first, at + 1)))
        cells.append(((kpi_id, at), events, row["value"]))
    return cells


cases = st.one_of(st.integers(0, 6), st.integers(0, 40))
quarters = st.lists(st.tuples(cases, cases, cases), min_size=1, max_size=7)


@settings(max_examples=150)
@given(quarters, st.booleans())
@example([(2, 7, 100)], True)
@example([(1, 1, 1), (0, 0, 1)], False)
@pytest.mark.slow
def test_no_attacker_narrows_a_cell_of_a_table_with_totals(counts, total_too):
    rows = table(*counts)
    sensitive = ["yes", "yes", "yes", "yes" if total_too else "no"]
    gone = hidden(rows, DISTRICTS.assign(sensitive=sensitive))
    small = [row for row in rows if 0 < row["value"] < 5 and (total_too or row["kpi_id"] != "T")]
    assert gone >= {(row["kpi_id"], Quarter.parse(row["quarter"]) - FIRST) for row in small}
    assert all(width >= 4 for width in attack(by_quarter(rows), gone).values())


@settings(max_examples=60)
@given(quarters, st.sampled_from([("AR", "TR"), ("AR", "BR"), ("AR", "BR", "TR")]))
@example([(9, 20, 30)] * 3 + [(2, 20, 30)] + [(9, 20, 30)] * 2, ("AR", "BR", "TR"))
@pytest.mark.slow
def test_nor_with_rolling_windows_of_parts_and_of_the_total(counts, windows):
    rows = table(*counts)
    for at in range(3, len(counts)):
        year = np.array(counts[at - 3 : at + 1]).sum(axis=0)
        sums = {"AR": year[0], "BR": year[1], "TR": year.sum()}
        rows += [sent(name, at, float(sums[name])) for name in windows]
    gone = hidden(rows, ROLLING)
    assert all(width >= 4 for width in attack(by_quarter(rows), gone).values())


@settings(max_examples=60)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=12))
@pytest.mark.slow
def test_nor_from_rolling_figures_alone(values):
    """Any sums of four can be told of: the quarters behind them are not known to anybody."""
    cells = [3, *values]
    steps = [sum(cells[max(at - 3, 0) : at + 1]) for at in range(len(cells))]
    rows = [sent("AR", at, float(total)) for at, total in enumerate(steps)]
    catalogue = kpis("AR rolling_12_months")
    gone = hidden(rows, catalogue)
    assert all(width >= 4 for width in attack(by_quarter(rows), gone).values())


@settings(max_examples=60)
@given(st.lists(cases, min_size=3, max_size=15), st.booleans(), st.booleans())
@example([2, 20, 30], True, False)
@pytest.mark.slow
def test_nor_from_months_their_quarters_and_twelve_months(counts, with_quarters, with_years):
    catalogue = kpis("A quarter R; R rolling_12_months")
    names = [str(month) for month in pd.period_range("2023-04", periods=len(counts), freq="M")]
    rows = [sent("A", name, count) for name, count in zip(names, counts, strict=True)]
    known = enumerate(zip(names, counts, strict=True))
    cells = [(("A", name), {at}, count) for at, (name, count) in known]
    for at in range(len(counts) // 3):
        months = set(range(3 * at, 3 * at + 3))
        year = set(range(3 * at - 9, 3 * at + 3))
        if with_quarters:
            rows.append(sent("A", at, sum(counts[month] for month in months)))
            cells.append((("A", at), months, rows[-1]["value"]))
        if with_years and min(year) >= 0:
            rows.append(sent("R", at, sum(counts[month] for month in year)))
            cells.append((("R", at), year, rows[-1]["value"]))
    gone = hidden(rows, catalogue)
    assert all(width >= 4 for width in attack(cells, gone).values())


@settings(max_examples=60)
@given(st.lists(st.tuples(*[st.tuples(cases, cases)] * 3), min_size=1, max_size=3))
def test_nor_the_cases_of_percentages_those_who_met_them_and_those_who_did_not(counts):
    catalogue = DISTRICTS.assign(unit="%")
    rows, met, missed = [], [], []
    for at, row in enumerate(counts):
        whole = (sum(n for n, _ in row), sum(m for _, m in row))
        for name, (n, m) in zip([*PARTS, "T"], [*row, whole], strict=True):
            if n + m:
                rows.append(sent(name, at, 100 * n / (n + m), parts=(float(n), float(n + m))))
                events = {(part, at) for part in (PARTS if name == "T" else name)}
                met.append(((name, at), events, n))
                missed.append(((name, at), events, m))
    if rows:
        gone = hidden(rows, catalogue)
        assert all(width >= 4 for side in (met, missed) for width in attack(side, gone).values())


def test_the_attacker_would_find_a_figure_that_is_hidden_alone():
    rows = table((2, 7, 100))
    assert attack(by_quarter(rows), {("A", 0)}) == {("A", 0): 0}
    assert attack(by_quarter(rows), {("A", 0), ("B", 0)}) == {("A", 0): 9, ("B", 0): 9}
