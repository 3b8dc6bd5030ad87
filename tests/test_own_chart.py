"""`kpi_tools.chart`: any table to the explorer's picture, on every engine, and never a NaN on it."""

import json

import numpy as np
import pandas as pd
import pytest
from test_kinds import noise, series

import kpi_tools
from kpi_tools.errors import InputError
from kpi_tools.kinds import CHARTS
from tests.engines import ENGINES


def spec(frame, **options):
    found = kpi_tools.chart(frame, **options).to_dict()
    json.dumps(found, allow_nan=False)
    return found


def texts(found):
    return [row["text"] for row in found["datasets"]["texts"]]


@pytest.mark.parametrize(("kind", "engine"), list(zip(CHARTS, [*ENGINES, *ENGINES], strict=False)))
@pytest.mark.slow
def test_every_kind_and_every_engine(kind, engine):
    table = noise(kind, 2, count=1).assign(polarity="higher")
    found = spec(ENGINES[engine](table), chart=kind)
    assert found == spec(table, chart=kind)
    words = texts(found)
    assert any(word.startswith("Upper") for word in words) == (kind != "run")
    assert any(word.startswith("Median" if kind in ("g", "run") else "Mean") for word in words)
    assert len(found["datasets"]["points"]) == 24


@pytest.mark.parametrize("kind", ["p", "p_prime", "u", "u_prime"])
@pytest.mark.slow
def test_parts_alone_are_enough(kind):
    table = noise(kind, 3, count=1)
    assert spec(table.drop(columns="value"), chart=kind) == spec(
        table.assign(unit=None), chart=kind
    )


@pytest.mark.parametrize("frame", [
    series([0.0] * 12),
    series([5.0] * 12),
    series([-3.0, 4.0, -5.0] * 4),
    series([np.nan] * 12),
    series([4.0]),
    series([1.0, np.nan, 3.0] * 5),
    series(n=[0] * 12, d=[50] * 12),
    series(n=[50] * 12, d=[50] * 12),
    series([3.0, 4.0, 5.0] * 4).assign(period_end=range(12)),
    series([3.0, 4.0, 5.0] * 4).assign(period_end=[f"2020 w{n:02}" for n in range(12)]),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["auto", "run"])
@pytest.mark.slow
def test_odd_series_are_drawn_or_said(frame, kind):
    if "value" not in frame:
        frame = frame.assign(value=100 * frame["numerator"] / frame["denominator"])
    found = spec(frame, chart=kind)
    assert "nan" not in json.dumps(found["title"]).lower()


def test_days_between_dates_need_no_value():
    days = pd.to_datetime(["2024-01-03", "2024-02-01", "2024-02-20", "2024-05-05", "2024-05-30"])
    points = spec(pd.DataFrame({"period_end": days}), chart="t")["datasets"]["points"]
    assert [point["y"] for point in points] == [29, 19, 75, 25]


def test_two_series_and_none_are_told():
    two = noise("xmr", 1, count=2)
    with pytest.raises(InputError, match="the rows of one KPI"):
        kpi_tools.chart(two)
    with pytest.raises(InputError, match="at least one"):
        kpi_tools.chart(two.head(0))
