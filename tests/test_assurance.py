"""Variation, assurance, readings, reasons and order: tables by hand, on every engine with ordered windows."""

import math

import pandas as pd
import pytest

from kpi_tools.assurance import assurance, by_consequence, reading
from kpi_tools.explorer.reasons import why
from kpi_tools.explorer.views import run_began
from kpi_tools.limits import process_limits
from kpi_tools.rows import rows_of
from kpi_tools.variation import special_causes
from tests.engines import ENGINES, to_pandas

# Mean 11, moving ranges 2 on average, limits 5.68 and 16.32 (see test_variation).
BASE = [10.0, 12.0, 11.0, 13.0, 9.0, 11.0, 12.0, 10.0]


def table(values, kpi="K1", **columns):
    rows = {
        "kpi_id": kpi,
        "period_end": pd.date_range("2024-01-31", periods=len(values), freq="ME"),
        "value": [math.nan if value is None else float(value) for value in values],
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


FLAT = [0.1 + 0.2] * 9  # compares its mean
PASSES, MISSES, LUCK = "consistently passes", "consistently fails", "hit or miss"


@pytest.mark.parametrize(("values", "target", "higher", "lower"), [
    (BASE, 5.0, PASSES, MISSES),
    (BASE, 5.67, PASSES, MISSES),
    (BASE, 5.68, LUCK, LUCK),
    (BASE, 11.0, LUCK, LUCK),
    (BASE, 16.32, LUCK, LUCK),
    (BASE, 16.33, MISSES, PASSES),
    (BASE, math.nan, "no target", "no target"),
    (FLAT, 0.3, PASSES, PASSES),
    (FLAT, 0.31, MISSES, PASSES),
    (FLAT, 0.29, PASSES, MISSES),
])  # fmt: skip
def test_a_target_beyond_the_limits_decides(latest, values, target, higher, lower):
    assert latest(values, target=target)["assurance"] == higher
    assert latest(values, target=target, polarity="lower")["assurance"] == lower


@pytest.mark.parametrize(("columns", "expected"), [
    ({"target": 11.0, "tolerance": 5.4}, PASSES),
    ({"target": 11.0, "tolerance": 5.0}, LUCK),
    ({"target": 20.0, "tolerance": 3.0}, MISSES),
    ({"target": 11.0, "floor_standard": 0.0}, PASSES),
    ({"target": 11.0}, LUCK),
])  # fmt: skip
def test_close_to_target_compares_the_band(latest, columns, expected):
    assert latest(BASE, polarity="target", **columns)["assurance"] == expected


@pytest.mark.parametrize(("values", "columns", "variation", "assured"), [
    (BASE, {}, "common cause", "no target"),
    (BASE, {"target": 5.0, "polarity": None}, "common cause", "polarity not known"),
    ([*BASE, 17.0], {}, "improvement", "no target"),
    ([*BASE, 17.0], {"polarity": "lower"}, "concern", "no target"),
    ([*BASE, 17.0], {"polarity": "target"}, "neutral", "no target"),
    ([*BASE, 17.0, 11.0], {}, "common cause", "no target"),
    ([*BASE, None], {"target": 5.0}, "not reported", PASSES),
    ([7.0], {"target": 5.0}, "no limits", "no limits"),
    (BASE, {"target": 5.0, "basis": "year_to_date"}, "not charted", "not charted"),
])  # fmt: skip
def test_variation_is_the_class_of_the_latest_point_and_states_stand_for_an_assurance(
    latest, values, columns, variation, assured
):
    row = latest(values, fix=8, **columns)
    assert (row["variation"], row["assurance"]) == (variation, assured)


def test_the_latest_baseline_decides():
    rebase = [{"date": "2024-09-30", "reason": "new contract", "name": "director"}]
    rows = classified(table([*BASE, *(value + 20 for value in BASE)], target=20.0), rebase=rebase)
    assert assurance(rows)["assurance"].tolist() == [PASSES]


READ = {"rating": "Red", "band": 3, "assurance": MISSES}
GREEN = {"rating": "Green", "band": 1}


@pytest.mark.parametrize(("kpi", "said"), [
    (GREEN | {"assurance": LUCK}, "Green by luck: expect to miss some quarters"),
    (GREEN | {"assurance": PASSES}, "Green, and the process can be relied on to stay so"),
    # the second of four bands, which meets the target
    ({"rating": "Fair", "band": 2, "value": 94.2, "target": 92.0, "polarity": "higher"} | {"assurance": PASSES},
     "Fair, and the process can be relied on to stay so"),
    ({"assurance": LUCK}, "an ordinary miss"),
    ({}, "will stay Red until the process is redesigned"),
    ({"rating": "Amber", "band": 2}, "will not reach the target until the process is redesigned"),
    ({"rating": "Not rated", "band": math.nan}, None),
    ({"assurance": "no target"}, None),
    ({"assurance": "not described by its mean"}, None),
    # no sentence against another one
    ({"assurance": LUCK, "variation": "concern"}, None),
    (GREEN | {"assurance": LUCK, "direction_of_travel": "positive"}, None),
    (GREEN | {"assurance": PASSES, "variation": "concern"}, None),
    ({"variation": "improvement"}, None),
])  # fmt: skip
def test_rating_and_assurance_are_read_together(kpi, said):
    assert reading(READ | kpi) == said


def test_a_reading_knows_the_councils_words_and_what_meets_the_line_by_now():
    said = "will not reach the ambition until the process is redesigned"
    assert reading(READ | {"rating": "Amber", "band": 2}, target="ambition") == said
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
    rows = rows_of(classified(table([*BASE, *[13.0] * 7]), fix=8))
    assert run_began(rows)["period_end"] == pd.Timestamp("2024-09-30")
    for ended_or_short in ([13.0] * 7 + [10.0], [13.0] * 6):
        assert not run_began(rows_of(classified(table(BASE + ended_or_short), fix=8)))


def reasons(values, fix=8, **columns):
    rows = classified(table(values, **{"unit": "%", "decimals": 0, **columns}), fix=fix)
    return [why(row) for row in rows.to_dict("records")]


RISING = [9.0, 9.5, 10.0, 10.5, 11.5, 12.0, 12.5]


@pytest.mark.parametrize(("values", "columns", "said"), [
    ([*BASE, 17.0], {},
     "Flagged as an improvement: 17% is above the upper process limit of 16.3% (the usual range is 5.7% to 16.3%)."),
    ([*BASE, 5.0], {}, "Flagged as a concern: 5% is below the lower process limit of 5.7%"),
    ([*BASE, 5.0], {"polarity": "target"}, "Flagged as unusual: 5% is below"),
    (BASE + RISING, {}, "seven or more figures in a row that all rise or all fall"),
    ([*BASE, 12.0, *[10.0] * 7], {}, "one of 7 figures in a row below the mean of 11.0%"),
    ([*BASE, 15.0, 12.0, 15.0], {}, "outer third of the usual range, above the mean of 11.0%"),
    ([5.0] * 8 + [6.0], {}, "(the figures behind the limits were all the same)."),
    ([*BASE, 12.0], {},
     "Not flagged: 12% lies within the usual range of 5.7% to 16.3%; its run above the mean "
     "is 1 long (seven make a shift), and its run of rises is 1 long (six make a trend)."),
    ([*BASE, None, 11.0], {}, "it lies on the mean, and it follows no rise or fall"),
    ([1, 2, 1, 2], {}, "fewer than 8 figures"),
    (BASE, {"basis": "rolling_12_months"}, "they are widened"),
    ([5.0] * 8, {}, "Not flagged: every figure is the same, so the limits stand on the mean."),
    ([*BASE, None], {"status": "suppressed"}, "No figure for this period (suppressed): nothing to judge."),
    ([5.0], {}, "Not judged: no two figures follow each other, so limits cannot be calculated."),
    (BASE, {"basis": "year_to_date"}, "Not charted: year-to-date figures grow"),
])  # fmt: skip
def test_reasons_for_a_flag_or_none(values, columns, said):
    assert said in reasons(values, **columns)[-1]


@pytest.mark.parametrize(("unit", "values", "words"), [
    ("%", [99.2, 98.4, 99.6, 97.9, 99.9, 98.1, 99.8, 98.3, 99.5, 99.1], "of 95.34% and more;"),
    ("count", [3, 0, 5, 1, 4, 0, 6, 1, 3, 2], "of up to "),
    ("£", [3, 0, 5, 1, 4, 0, 6, 1, 3, 2], "of -£"),
])  # fmt: skip
def test_words_of_limits_end_where_the_measure_ends(unit, values, words):
    """By hand: mean 98.98, mean moving range 1.367, so 98.98 + 2.66 × 1.367 = 102.62 %; a count below nought; money may be."""
    assert words in reasons(values, fix=None, unit=unit, decimals=1)[-1]


def test_the_order_of_consequence():
    level, worse, better = "stable or no clear trend", "negative", "positive"
    rows = [
        # name, rating, the one before, direction, assurance
        ("calm Green", "Green", "Green", level, PASSES),
        ("watched", "Monitored", "Monitored", worse, LUCK),
        ("not rated", "Not rated", "Red", "not enough data", "no target"),
        ("changed", "Green", "Amber", level, PASSES),
        ("Amber worse", "Amber", "Amber", worse, LUCK),
        ("lucky", "Green", "Green", level, LUCK),
        ("Red better", "Red", "Red", better, MISSES),
        ("Red", "Red", "Red", level, LUCK),
        ("Red worse", "Red", "Green", worse, MISSES),
        ("calm Amber", "Amber", "Amber", level, LUCK),
        ("Red worse, long", "Red", "Red", worse, MISSES),
        ("Red, disputed", "Red", "Red", worse, LUCK),
    ]
    names = ["kpi_id", "rating", "previous_rating", "direction_of_travel", "assurance"]
    kpis = pd.DataFrame(rows, columns=names)
    kpis["band"] = kpis["rating"].map({"Green": 1, "Amber": 2, "Red": 3})
    kpis["gls_direction"] = "not testable"
    kpis.loc[kpis["kpi_id"] == "Red, disputed", "gls_direction"] = level
    history = pd.DataFrame({"kpi_id": ["Red worse, long"] * 3, "rating": ["Green", "Red", "Red"]})
    ordered = by_consequence(kpis, history=history)
    assert (ordered["kpi_id"] + ": " + ordered["consequence"]).tolist() == [
        *("Red worse, long: Red and getting worse", "Red worse: Red and getting worse"),
        *("Red: Red, no clear change", "Red, disputed: Red, no clear change"),
        *("Red better: Red, improving", "Amber worse: Amber and getting worse"),
        "lucky: Green, but the limits say that it will miss by chance",
        *("changed: newly changed rating", "calm Amber: Amber", "calm Green: Green"),
        *("not rated: not rated", "watched: monitored"),
    ]
