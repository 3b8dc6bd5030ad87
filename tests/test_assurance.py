"""Variation, assurance, readings, reasons and order: tables by hand, on every engine with ordered windows."""

import math

import pandas as pd
import pytest

from kpi_tools.assurance import assurance, by_consequence, reading, why
from kpi_tools.limits import process_limits
from kpi_tools.rebases import rebase_notes, suggested_rebases
from kpi_tools.variation import special_causes
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


@pytest.fixture(params=list(ENGINES))
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


READ = {"rating": "Red", "band": 3, "assurance": "consistently fails"}


@pytest.mark.parametrize(
    ("kpi", "said"),
    [
        (
            {"rating": "Green", "band": 1, "assurance": "hit or miss"},
            "Green by luck: expect to miss some quarters",
        ),
        (
            {"rating": "Green", "band": 1, "assurance": "consistently passes"},
            "Green, and the process can be relied on to stay so",
        ),
        ({"assurance": "hit or miss"}, "an ordinary miss"),
        ({}, "will stay Red until the process is redesigned"),
        (
            {"rating": "Amber", "band": 2},
            "will not reach the target until the process is redesigned",
        ),
        ({"rating": "Not rated", "band": math.nan}, None),
        ({"assurance": "no target"}, None),
        ({"assurance": "not described by its mean"}, None),
        # no sentence against another one
        ({"assurance": "hit or miss", "variation": "concern"}, None),
        (
            {
                "rating": "Green",
                "band": 1,
                "assurance": "hit or miss",
                "direction_of_travel": "positive",
            },
            None,
        ),
        (
            {
                "rating": "Green",
                "band": 1,
                "assurance": "consistently passes",
                "variation": "concern",
            },
            None,
        ),
        ({"variation": "improvement"}, None),
    ],
)
def test_rating_and_assurance_are_read_together(kpi, said):
    assert reading(READ | kpi) == said


def test_nobody_has_to_redesign_what_meets_the_line_by_now():
    assert reading(READ, alone_meets=True) is None


@pytest.mark.parametrize("at", [2, 6])
def test_an_outlier_that_carries_its_own_limits_assures_nothing(latest, at):
    values = [613.0, 610, 608, 615, 611, 612, 609]
    values[at] *= 10
    assert latest(values, target=600.0)["assurance"] == "not described by its mean"
    longer = [*values, 613, 610, 614, 611]
    assert latest(longer, target=600.0)["assurance"] == "not described by its mean"


def test_targets_polarity_and_columns_are_arguments():
    own = table(BASE).rename(columns={"value": "pct", "kpi_id": "name"}).drop(columns="polarity")
    rows = special_causes(own, by="name", value="pct", polarity="higher")
    found = assurance(rows, by="name", value="pct", polarity="higher", target=5.0)
    assert found["assurance"].tolist() == ["consistently passes"]


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
        "(the usual range is 5.7% to 16.3%)."
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


@pytest.mark.parametrize(
    ("unit", "values", "words"),
    [
        ("%", [99.2, 98.4, 99.6, 97.9, 99.9, 98.1, 99.8, 98.3, 99.5, 99.1], "of 95.34% and more;"),
        ("count", [3, 0, 5, 1, 4, 0, 6, 1, 3, 2], "of up to "),
        ("£", [3, 0, 5, 1, 4, 0, 6, 1, 3, 2], "of -£"),
    ],
)
def test_words_of_limits_end_where_the_measure_ends(unit, values, words):
    """By hand: mean 98.98, mean moving range 1.367, so 98.98 + 2.66 × 1.367 = 102.62 %; a count below nought; money may be."""
    assert words in reasons(values, fix=None, unit=unit, decimals=1)[-1]


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
    places = {"Green": 1, "Amber": 2, "Red": 3, "Not rated": math.nan, "Monitored": math.nan}
    rows = [
        ("calm Green", "Green", "Green", "stable or no clear trend", "consistently passes"),
        ("watched", "Monitored", "Monitored", "negative", "hit or miss"),
        ("not rated", "Not rated", "Red", "not enough data", "no target"),
        ("changed", "Green", "Amber", "stable or no clear trend", "consistently passes"),
        ("Amber worse", "Amber", "Amber", "negative", "hit or miss"),
        ("lucky", "Green", "Green", "stable or no clear trend", "hit or miss"),
        ("Red better", "Red", "Red", "positive", "consistently fails"),
        ("Red", "Red", "Red", "stable or no clear trend", "hit or miss"),
        ("Red worse", "Red", "Green", "negative", "consistently fails"),
        ("calm Amber", "Amber", "Amber", "stable or no clear trend", "hit or miss"),
        ("Red worse, long", "Red", "Red", "negative", "consistently fails"),
        ("Red, disputed", "Red", "Red", "negative", "hit or miss"),
    ]
    names = ["kpi_id", "rating", "previous_rating", "direction_of_travel", "assurance"]
    kpis = pd.DataFrame(rows, columns=names)
    kpis["band"] = kpis["rating"].map(places)
    kpis["gls_direction"] = "not testable"
    kpis.loc[kpis["kpi_id"] == "Red, disputed", "gls_direction"] = "stable or no clear trend"
    history = pd.DataFrame({"kpi_id": ["Red worse, long"] * 3, "rating": ["Green", "Red", "Red"]})
    ordered = by_consequence(kpis, history=history)
    assert ordered[["kpi_id", "consequence"]].to_numpy().tolist() == [
        ["Red worse, long", "Red and getting worse"],
        ["Red worse", "Red and getting worse"],
        ["Red", "Red, no clear change"],
        ["Red, disputed", "Red, no clear change"],
        ["Red better", "Red, improving"],
        ["Amber worse", "Amber and getting worse"],
        ["lucky", "Green, but the limits say that it will miss by chance"],
        ["changed", "newly changed rating"],
        ["calm Amber", "other Amber"],
        ["calm Green", "other Green"],
        ["not rated", "not rated"],
        ["watched", "monitored"],
    ]
