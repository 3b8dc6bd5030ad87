"""Doubts: one planted slip each, by hand; a clean series and ordinary changes raise none."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_tools.checks import release_findings
from kpi_tools.doubts import doubt_table, let_pass, with_doubts
from kpi_tools.loading import load
from kpi_tools.page.chapters import reds
from kpi_tools.quarters import Quarter, quarter_range
from kpi_tools.rows import in_doubt
from kpi_tools.scorecard import earlier_reports, recent_quarters, score
from kpi_tools.scorecard.actions import without_action
from tests import kent
from tests.small_council import make_council

HOMES = [663, 655, 658, 640, 624, 612]
RATES = [81.2, 79.5, 80.4, 82.1, 78.8, 80.0]


def series(values, kpi_id="K1", **columns):
    base = {"kpi_id": kpi_id, "unit": "%", "decimals": 1, "note": None, "status": "final"}
    base |= {"quarter": [Quarter(2020, 1).shift(place).label for place in range(len(values))]}
    base |= {"period_end": pd.date_range("2020-06-30", periods=len(values), freq="QE")}
    base |= {"value": [float(value) for value in values]}
    base |= {"numerator": math.nan, "denominator": math.nan}
    return pd.DataFrame(base | columns)


def last(values, **columns):
    """The doubt of the last figure; of the others none may be doubted."""
    rows = with_doubts(series(values, **columns))
    assert rows["doubt"].iloc[:-1].isna().all()
    row = rows.iloc[-1]
    return None if pd.isna(row["doubt"]) else (row["doubt_code"], row["doubt"])


COUNT = {"unit": "count", "decimals": 0}


@pytest.mark.parametrize(("values", "more", "code", "sentence"), [
    ([*HOMES, 6130], COUNT, "doubt-slip", "6,130 is about ten times the usual 648."),
    ([*HOMES, 61.3], COUNT, "doubt-slip", "61 is about a tenth of the usual 648."),
    ([*HOMES, 613000], COUNT, "doubt-slip", "613,000 is about a thousand times the usual 648."),
    ([*RATES, 8.09], {}, "doubt-slip", "8.1% is about a tenth of the usual 80.2%."),
    ([*RATES, 0], {}, "doubt-zero", "It is 0, and the figures before it lie near 80.2%."),
    ([*RATES, 19.5], {}, "doubt-remainder", "19.5% is what 80.5%, which would be usual, leaves to 100%."),
    ([75.2, 74.8, 75.9, 76.1, 74.9, 57.2], {}, "doubt-exchanged",
     "57.2% is 75.2%, which would be usual, with two digits exchanged."),
    ([26, 27, 28, 27, 26, 28, 27, 26, 207], {"unit": "days", "decimals": 0}, "doubt-far",
     "207 days is far from all figures before it, which lie between 26 days and 28 days."),
    ([*HOMES, 261], COUNT, "doubt-exchanged", "261 is 621, which would be usual, with two digits exchanged."),
    ([11250, 12801, 12518, 12656, 11719, 11719], COUNT, "doubt-repeated",
     "11,719 is, to the last digit, what was sent for the period before."),
    ([600, 655, 700, 640, 624, 612, 690, 650, 2100], COUNT, "doubt-far",
     "2,100 is far from all figures before it, which lie between 600 and 700."),
    ([600, 601, 602, 603, 604, 31_415], COUNT, "doubt-far",
     "31,415 is far from all figures before it, which lie between 600 and 604."),
])  # fmt: skip
def test_a_planted_slip_is_named(values, more, code, sentence):
    assert last(values, **more) == (code, sentence)


def test_another_kpis_figure_is_named_where_it_is_strange():
    other = series([59.2, 56.1, 54.3, 53.6, 52.0, 51.3, 50.1], "K2")
    both = with_doubts(pd.concat([series([*RATES, 50.1]), other]))
    assert doubt_table(both)[["kpi_id", "code"]].to_numpy().tolist() == [["K1", "doubt-another"]]
    assert with_doubts(pd.concat([series([*RATES, 50.2]), other]))["doubt"].isna().all()


def test_a_denominator_that_jumps_is_named():
    cases = [1000, 1100, 950, 1010, 990, 310]
    rows = with_doubts(series(RATES, denominator=cases))
    assert rows["doubt"].iloc[-1] == "The denominator is 310, and it usually is near 1,000."
    assert with_doubts(series(RATES, denominator=[*cases[:5], 700]))["doubt"].isna().all()


@pytest.mark.parametrize(("values", "more"), [
    (RATES, {}),
    ([98, 98, 97, 97, 97, 97], {}),
    ([66, 73, 76, 75, 72, 70, 82, 92, 96], {}),  # a real improvement
    ([60, 51, 47, 48, 40, 28, 51, 52], {}),  # a real fall, and back
    ([75.2, 70, 79, 72, 78, 57.2], {}),  # as far as others moved
    ([88, 90, 89, 91, 90, 88, 89, 99], {"decimals": 0}),  # 99.0 is not 90.9 where there is no 99.0
    ([624, 647, 641, 618, 562], COUNT),  # 652 would be usual, and 562 is not strange
    ([0.01, 0.02, 0.03, 0.04, 0.04, 0], {}),  # nought is a neighbour
    ([40, math.nan, 41, 40, math.nan, 39], {}),
    ([5, 50], {}),  # too few to say
    ([], {}),
    # small counts vary by chance
    ([3, 1, 2, 4, 2, 0], COUNT),
    ([2, 1, 1, 2, 2, 6], COUNT),
    # figures before a redefinition say nothing of those after it
    ([*HOMES, 6130], COUNT | {"series_from": ["2019-20 Q1"] * 6 + ["2021-22 Q3"]}),
    # what is carried forward repeats rightly
    ([11250, 12801, 12518, 12656, 11719, 11719], COUNT | {"status": ["final"] * 5 + ["carried forward"]}),
])  # fmt: skip
def test_ordinary_changes_are_not_doubted(values, more):
    assert with_doubts(series(values, **more))["doubt"].isna().all()


def test_with_few_figures_the_lines_help():
    lines = {"target": 700.0, "floor_standard": 650.0, **COUNT}
    assert last([61.3], **lines) == ("doubt-slip", "61 is about a tenth of the target, 700.")
    assert last([613, 6130], **lines)[0] == "doubt-slip"
    assert last([613], **lines) is None
    assert last([65, 66, 64, 63, 67, 690], **lines) is None, "it may be the leap that was planned"


def test_the_note_confirms_and_a_role_lets_pass():
    notes = [None] * 6 + ["Checked: a new duty since April"]
    rows = with_doubts(series([*HOMES, 6130], note=notes, **COUNT))
    assert rows["doubt_state"].iloc[-1] == "confirmed"
    assert not in_doubt(rows.iloc[-1])
    assert doubt_table(rows).empty
    doubted = with_doubts(series([*HOMES, 6130], **COUNT))
    assert let_pass(doubted, "stale-quarter | a title | Head of Performance").equals(doubted)
    rows = let_pass(doubted, "doubt-slip | the source says so | Head of Performance")
    assert rows["doubt_state"].iloc[-1] == "let pass"
    # a second slip is not hidden by the first; what is confirmed belongs to what is usual
    for note, codes in ((None, ["doubt-slip"] * 2), ("checked: a merger", ["doubt-slip", None])):
        notes = [None] * 6 + [note, None]
        rows = with_doubts(series([*HOMES, 6130, 6240], note=notes, **COUNT))
        found = rows["doubt_code"].astype(object).where(rows["doubt_code"].notna(), None)
        assert found.tolist()[-2:] == codes


def test_none_of_the_published_figures_is_doubted():
    recent = recent_quarters(kent.returns())
    assert recent["value"].notna().sum() == 228
    assert recent["doubt"].isna().all()


@given(
    before=st.lists(st.floats(100, 490), min_size=4, max_size=12),
    place=st.floats(0, 1),
    slip=st.sampled_from([10, 100, 1000, 0.1, 0.01]),
)
def test_a_decimal_point_is_seen_wherever_the_history_spans_less_than_fivefold(before, place, slip):
    """Unless the right figure is so far from the one before that the wrong one is within fourfold of it."""
    wrong = slip * (min(before) + place * (max(before) - min(before)))
    if max(wrong / before[-1], before[-1] / wrong) >= 4:
        rows = with_doubts(series([*before, wrong], unit="rate per 1,000"))
        assert rows["doubt_code"].iloc[-1] == "doubt-slip"


@given(st.permutations(range(6)))
def test_order_of_rows_and_the_callers_table_do_not_matter(order):
    table = series([*HOMES[:5], 6130], **COUNT)
    shuffled = table.iloc[order]
    before = shuffled.copy()
    rows = with_doubts(shuffled)
    assert rows.sort_index()["doubt"].equals(with_doubts(table)["doubt"])
    pd.testing.assert_frame_equal(shuffled, before)


def test_a_red_in_doubt_asks_for_no_action_and_is_not_called_new(tmp_path):
    """80% last quarter, 8% now: it is Red and counted, and nothing is concluded until it is checked."""
    values = {"P1": [80, 82, 81, 80, 81, 82, 80, 8], "P2": [80, 82, 81, 80, 81, 82, 80, 40]}
    sent = [
        (f"{quarter.label.replace(' ', '-')}", kpi_id, quarter.label, values[kpi_id][place])
        for kpi_id in values
        for place, quarter in enumerate(quarter_range(Quarter(2024, 3), 8))
    ]
    kpis = [{"kpi_id": kpi_id} for kpi_id in values]
    lines = [one | {"target": 70, "floor_standard": 60} for one in kpis]
    raw = make_council(tmp_path, kpis, sent, lines)
    returns = load(raw)
    recent = recent_quarters(returns)
    kpis, (before, _) = score(recent, returns), earlier_reports(returns)
    assert kpis["rating"].tolist() == ["Red", "Red"]
    assert kpis["doubt_state"].fillna("").tolist() == ["open", ""]
    assert without_action(kpis, returns)["kpi_id"].tolist() == ["P2"]
    found = release_findings(returns, recent, kpis)
    asked = found[found["code"] == "red-without-action"]["place"].tolist()
    assert len(asked) == 1 and "P2" in asked[0]
    chapter = str(reds(kpis, before, recent, returns))
    assert chapter.count("Red for the first time in six quarters.") == 1
    assert chapter.count("No management action has been given.") == 1
