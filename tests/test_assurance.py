"""Variation, assurance, readings, reasons and order: tables by hand, on every engine with ordered windows."""

import math

import pandas as pd
import pytest

from kpi_tools.statistics.assurance import ORDER, assurance, by_consequence, why
from kpi_tools.statistics.rebasing import rebase_notes, suggested_rebases
from kpi_tools.variation import process_limits, special_causes
from tests.engines import ENGINES, to_pandas

# Mean 11, moving ranges 2 on average, limits 5.68 and 16.32 (see test_variation).
BASE = [10.0, 12.0, 11.0, 13.0, 9.0, 11.0, 12.0, 10.0]


def table(values, kpi="K1", **columns):
    ends = pd.date_range("2024-01-31", periods=len(values), freq="ME")
    rows = {
        "kpi_id": kpi,
        "period_end": ends,
        "value": [math.nan if v is None else float(v) for v in values],
    }
    return pd.DataFrame({**rows, "polarity": "higher", **columns})


def classified(frame, **options):
    return special_causes(process_limits(frame, **options))


@pytest.fixture(params=[name for name in ENGINES if name != "pyarrow"])
def latest(request):
    """The assurance row of one series, as a dictionary."""

    def answer(values, fix=None, **columns):
        frame = ENGINES[request.param](table(values, **columns).sample(frac=1, random_state=1))
        rows = to_pandas(assurance(classified(frame, fix=fix)))
        assert len(rows) == 1
        return dict(rows.iloc[0])

    return answer


@pytest.mark.parametrize(
    ("target", "higher", "lower"),
    [
        (5.0, "consistently passes", "consistently fails"),
        (5.68, "hit or miss", "hit or miss"),
        (5.67, "consistently passes", "consistently fails"),
        (11.0, "hit or miss", "hit or miss"),
        (16.32, "hit or miss", "hit or miss"),
        (16.33, "consistently fails", "consistently passes"),
        (math.nan, "no target", "no target"),
    ],
)
def test_a_target_beyond_the_limits_decides(latest, target, higher, lower):
    assert latest(BASE, target=target)["assurance"] == higher
    assert latest(BASE, target=target, polarity="lower")["assurance"] == lower


@pytest.mark.parametrize(
    ("target", "higher", "lower"),
    [
        (0.3, "consistently passes", "consistently passes"),
        (0.31, "consistently fails", "consistently passes"),
        (0.29, "consistently passes", "consistently fails"),
    ],
)
def test_a_flat_series_compares_its_mean(latest, target, higher, lower):
    flat = [0.1 + 0.2] * 9
    assert latest(flat, target=target)["assurance"] == higher
    assert latest(flat, target=target, polarity="lower")["assurance"] == lower


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"target": 11.0, "tolerance": 5.4}, "consistently passes"),
        ({"target": 11.0, "tolerance": 5.0}, "hit or miss"),
        ({"target": 20.0, "tolerance": 3.0}, "consistently fails"),
        ({"target": 11.0, "floor_standard": 0.0}, "consistently passes"),
        ({"target": 11.0}, "hit or miss"),
    ],
)
def test_close_to_target_compares_the_band(latest, columns, expected):
    assert latest(BASE, polarity="target", **columns)["assurance"] == expected


def test_states_instead_of_an_assurance(latest):
    assert latest([7.0], target=5.0)["assurance"] == "no limits"
    assert latest(BASE, target=5.0, basis="year_to_date")["assurance"] == "not charted"
    assert latest(BASE, target=5.0, polarity=None)["assurance"] == "polarity not known"
    assert latest(BASE)["assurance"] == "no target"


def test_variation_is_the_class_of_the_latest_point(latest):
    assert latest(BASE)["variation"] == "common cause"
    assert latest([*BASE, 17.0], fix=8)["variation"] == "improvement"
    assert latest([*BASE, 17.0], fix=8, polarity="lower")["variation"] == "concern"
    assert latest([*BASE, 17.0], fix=8, polarity="target")["variation"] == "neutral"
    assert latest([*BASE, 17.0, 11.0], fix=8)["variation"] == "common cause"
    assert latest([*BASE, None], target=5.0)["variation"] == "not reported"
    assert latest([*BASE, None], target=5.0)["assurance"] == "consistently passes"
    assert latest([7.0])["variation"] == "no limits"
    assert latest(BASE, basis="year_to_date")["variation"] == "not charted"


def test_the_latest_baseline_decides():
    rebase = [{"date": "2024-09-30", "reason": "new contract", "name": "director"}]
    rows = classified(table([*BASE, *(value + 20 for value in BASE)], target=20.0), rebase=rebase)
    assert assurance(rows)["assurance"].tolist() == ["consistently passes"]


@pytest.mark.parametrize(
    ("rag", "target", "reading"),
    [
        ("Green", 11.0, "Green by luck: expect to miss some quarters"),
        ("Red", 17.0, "will stay Red until the process is redesigned"),
        ("Red", 11.0, "an ordinary miss"),
        ("Green", 5.0, "Green, and the process can be relied on to stay so"),
        (None, 5.0, None),
        ("Red", math.nan, None),
    ],
)
def test_rating_and_assurance_are_read_together(latest, rag, target, reading):
    assert latest(BASE, target=target, rating=rag)["reading"] == reading


def test_a_rebase_is_suggested_where_the_latest_run_began():
    rows = classified(table([*BASE, *[13.0] * 7]), fix=8)
    found = suggested_rebases(rows)
    assert found.to_dict("records") == [
        {"kpi_id": "K1", "run": 7, "date": pd.Timestamp("2024-09-30")}
    ]
    assert len(suggested_rebases(classified(table([*BASE, *[13.0] * 7, 10.0]), fix=8))) == 0
    assert len(suggested_rebases(classified(table([*BASE, *[13.0] * 6]), fix=8))) == 0


def test_a_rebase_that_changes_nothing_says_so():
    rows, why_and_who = table(BASE), {"reason": "new system", "name": "director"}
    days = ["2024-03-31", "2024-01-31", "2030-01-01"]
    rebase = [{"kpi_id": "K1", "date": day, **why_and_who} for day in days]
    assert rebase_notes(rows, rebase) == [
        "The rebase of 2024-01-31 (new system) lies before the second figure of K1, so it changes nothing.",
        "The rebase of 2030-01-01 (new system) lies after the last figure of K1, so it changes nothing.",
    ]
    assert rebase_notes(rows, [rebase[0] | {"kpi_id": "K9"}]) == [
        "The rebase of 2024-03-31 (new system) is for a series that is not there, so it changes nothing."
    ]


def reasons(values, fix=8, **columns):
    rows = classified(table(values, **{"unit": "%", "decimals": 0, **columns}), fix=fix)
    return [why(row) for row in rows.to_dict("records")]


def test_reasons_for_a_flag():
    assert reasons([*BASE, 17.0])[-1] == (
        "Flagged as an improvement: 17% is above the upper process limit of 16.3% "
        "(usually it lies between 5.7% and 16.3%)."
    )
    assert reasons([*BASE, 5.0])[-1].startswith(
        "Flagged as a concern: 5% is below the lower process limit of 5.7%"
    )
    assert reasons([*BASE, 5.0], polarity="target")[-1].startswith(
        "Flagged as unusual: 5% is below"
    )
    rising = [9.0, 9.5, 10.0, 10.5, 11.5, 12.0, 12.5]
    assert "seven or more figures in a row that all rise or all fall" in reasons(BASE + rising)[-1]
    assert (
        "one of 7 figures in a row below the mean of 11.0%"
        in reasons([*BASE, 12.0, *[10.0] * 7])[-1]
    )
    assert (
        "outer third of the usual range, above the mean of 11.0%"
        in reasons([*BASE, 15.0, 12.0, 15.0])[-1]
    )
    flat = reasons([5.0] * 8 + [6.0])[-1]
    assert flat.endswith("(the figures behind the limits were all the same).")


def test_reasons_for_no_flag():
    assert reasons([*BASE, 12.0])[-1] == (
        "Not flagged: 12% lies within the usual range of 5.7% to 16.3%; "
        "its run above the mean is 1 long (seven make a shift), and its run of rises is 1 long (six make a trend)."
    )
    assert "it lies on the mean, and it follows no rise or fall" in reasons([*BASE, None, 11.0])[-1]
    assert "fewer than 8 figures" in reasons([1, 2, 1, 2], fix=None)[-1]
    assert "they are widened" in reasons(BASE, basis="rolling_12_months")[-1]
    assert (
        reasons([5.0] * 8)[-1]
        == "Not flagged: every figure is the same, so the limits stand on the mean."
    )
    assert (
        reasons([*BASE, None], status="suppressed")[-1]
        == "No figure for this period (suppressed): nothing to judge."
    )
    assert reasons([5.0], fix=None) == [
        "Not judged: no two figures follow each other, so limits cannot be calculated."
    ]
    assert reasons(BASE, basis="year_to_date")[0].startswith(
        "Not charted: year-to-date figures grow"
    )


def test_the_order_of_consequence():
    rows = [
        ("calm Green", "Green", "Green", "stable or no clear trend", "consistently passes"),
        ("not rated", "Not rated", "Red", "not enough data", "no target"),
        ("changed", "Amber", "Green", "stable or no clear trend", "hit or miss"),
        ("Amber worse", "Amber", "Amber", "negative", "hit or miss"),
        ("lucky", "Green", "Green", "positive", "hit or miss"),
        ("Red", "Red", "Red", "positive", "consistently fails"),
        ("Red worse", "Red", "Green", "negative", "consistently fails"),
        ("calm Amber", "Amber", "Amber", "stable or no clear trend", "hit or miss"),
        ("Red worse, second", "Red", "Red", "negative", "consistently fails"),
    ]
    kpis = pd.DataFrame(
        rows, columns=["kpi_id", "rating", "previous_rating", "direction_of_travel", "assurance"]
    )
    ordered = by_consequence(kpis)
    names = [
        "Red worse",
        "Red worse, second",
        "lucky",
        "Amber worse",
        "changed",
        "Red",
        "calm Amber",
        "calm Green",
        "not rated",
    ]
    assert ordered["kpi_id"].tolist() == names
    assert ordered["consequence"].tolist() == [ORDER[0], *ORDER]
    assert list(kpis.columns) == [
        "kpi_id",
        "rating",
        "previous_rating",
        "direction_of_travel",
        "assurance",
    ]
    short = by_consequence(kpis[["kpi_id", "rating", "direction_of_travel"]])
    assert short["kpi_id"].tolist()[:4] == ["Red worse", "Red worse, second", "Amber worse", "Red"]
