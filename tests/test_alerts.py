"""Data-quality alerts: one doctored figure each, and a clean series that raises none."""

import math

import pandas as pd
import pytest

from kpi_tools.statistics.alerts import alerts

CLEAN = [81.2, 79.5, 80.4, 82.1, 78.8, 80.0]
LABELS = ["2023-24 Q2", "2023-24 Q3", "2023-24 Q4", "2024-25 Q1", "2024-25 Q2", "2024-25 Q3"]


def series(values=CLEAN, **columns):
    rows = {
        "kpi_id": "K1",
        "quarter": LABELS,
        "period_end": pd.date_range("2023-09-30", periods=6, freq="QE"),
    }
    base = {
        "value": values,
        "unit": "%",
        "decimals": 1,
        "numerator": math.nan,
        "denominator": math.nan,
    }
    return pd.DataFrame({**rows, **base, **columns}).astype(
        {"value": float, "numerator": float, "denominator": float}
    )


def codes(figures, *more):
    found = alerts(figures, *more)
    return [(row["quarter"], row["code"]) for row in found.to_dict("records")]


def doctored(place, value):
    return series([value if at == place else figure for at, figure in enumerate(CLEAN)])


def test_a_clean_series_raises_none():
    assert codes(series()) == []
    parts = series(numerator=[812, 795, 804, 821, 788, 800], denominator=1000)
    assert codes(parts) == []


@pytest.mark.parametrize(("value", "size"), [(8.04, "a tenth of"), (0.81, "a hundredth of")])
def test_a_slip_of_the_decimal_point(value, size):
    found = alerts(doctored(2, value))
    assert found["code"].tolist() == ["decimal slip"]
    assert found["alert"][0].endswith(f"is about {size} the usual 80.0%.")


def test_a_slip_upwards_of_a_percentage_is_two_alerts():
    assert codes(doctored(2, 804.0)) == [
        ("2023-24 Q4", "percentage outside 0 to 100"),
        ("2023-24 Q4", "decimal slip"),
    ]
    assert codes(series([812, 795, 80400, 821, 788, 800], unit="count")) == [
        ("2023-24 Q4", "decimal slip")
    ]


def test_a_percentage_stays_within_its_bounds():
    assert codes(doctored(0, 100.1)) == [("2023-24 Q2", "percentage outside 0 to 100")]
    assert codes(doctored(0, 100.0)) == []


def test_the_same_figure_twice():
    assert codes(doctored(3, 80.4)) == []
    assert codes(series([81.23, 79.5, 80.41, 80.41, 78.8, 80.0])) == [
        ("2024-25 Q1", "repeated to the last digit")
    ]
    assert codes(series([81.23, 79.5, 80.41, 80.41, 78.8, 80.0], status="carried forward")) == []
    same = series(
        [81.2, 81.2, 80.4, 82.1, 78.8, 80],
        numerator=[812, 812, 804, 821, 788, 800],
        denominator=1000,
    )
    assert codes(same) == [("2023-24 Q3", "repeated to the last digit")]
    differ = series(
        [50.0] * 6,
        numerator=[500, 510, 505, 500, 490, 500],
        denominator=[1000, 1020, 1010, 1000, 980, 1000],
    )
    assert codes(differ) == []


def test_parts_and_value():
    over = series(
        numerator=[1000, 795, 804, 821, 788, 800], denominator=[812, 1000, 1000, 1000, 1000, 1000]
    )
    assert codes(over)[:2] == [
        ("2023-24 Q2", "numerator over denominator"),
        ("2023-24 Q2", "value unlike numerator and denominator"),
    ]
    unlike = series(numerator=[812, 795, 840, 821, 788, 800], denominator=1000)
    found = alerts(unlike)
    assert found["alert"].tolist() == ["80.4% was sent, but 840 of 1,000 is 84.00%."]
    rounded = series(
        [81.2, 79.5, 80.4, 82.1, 78.8, 80.0],
        decimals=0,
        numerator=[815, 795, 804, 821, 788, 800],
        denominator=1000,
    )
    assert codes(rounded) == []


def test_a_denominator_jumps():
    jump = series(
        numerator=[812, 795, 322, 821, 788, 800],
        denominator=[1000, 1000, 400, 1000, 1000, 1000],
        decimals=0,
    )
    assert codes(jump) == [("2023-24 Q4", "denominator jump")]


def test_a_zero_among_large_figures():
    assert codes(doctored(4, 0.0)) == [("2024-25 Q2", "zero that looks like a missing value")]
    assert codes(series([0, 1, 0, 2, 0, 1], unit="count")) == []


def test_late_figures():
    received = [*LABELS[:5], "2024-25 Q3"]
    assert codes(series(received=received)) == []
    late = series(received=[LABELS[0], LABELS[2], *LABELS[2:]], owner="Data team")
    assert codes(late) == [("2023-24 Q3", "late")]
    assert alerts(late)["who"].tolist() == ["Data team"]
    assert codes(late.assign(lag_quarters=1)) == []
    assert codes(late.assign(first_quarter="2024-25 Q1")) == []


def test_restated_figures():
    sent = pd.DataFrame(
        {
            "kpi_id": "K1",
            "quarter": ["2023-24 Q3", "2023-24 Q3", "2023-24 Q4"],
            "value": [79.5, 79.9, 80.4],
            "received": ["2023-24 Q3", "2023-24 Q4", "2023-24 Q4"],
        }
    )
    found = alerts(series(), sent)
    assert found[["quarter", "code", "value"]].values.tolist() == [["2023-24 Q3", "restated", 79.9]]
    assert found["alert"][0] == "Sent as 79.5 (2023-24 Q3), then as 79.9 (2023-24 Q4)."


def test_missing_figures_and_short_series_raise_none():
    assert codes(series([math.nan] * 6)) == []
    assert codes(series().head(1)) == []
    assert list(alerts(series().head(0)).columns) == [
        "kpi_id",
        "quarter",
        "code",
        "value",
        "alert",
        "remedy",
        "who",
    ]
