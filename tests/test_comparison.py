"""Councils side by side: ranks and funnels by hand and by scipy, and on published figures of England and Scotland."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kpi_tools.comparison import ADDED, compare
from kpi_tools.errors import InputError
from kpi_tools.explorer.views import view
from tests import kent
from tests.engines import ENGINES, to_pandas

LGBF = Path(__file__).parents[2] / "shared/data/open/lgbf_quarterly_welfare_fund_decisions.csv"
SIX = {"A": 90.0, "B": 80.0, "C": 80.0, "D": 70.0, "E": math.nan, "England": 75.0}


def table(values=SIX, polarity="higher", **more):
    rows = {"authority": [*values], "value": [*values.values()], "kpi_id": "K"}
    rows |= {"period_end": pd.Timestamp("2024-12-31"), "polarity": polarity}
    return pd.DataFrame(rows | more)


@pytest.fixture(params=["pandas", "polars", "pyarrow", "duckdb"])
def compared(request):
    """Each area's row on one engine."""

    def answer(rows, **options):
        found = to_pandas(compare(ENGINES[request.param](rows), **options))
        return found.set_index("authority")

    return answer


def column(rows, name):
    return [None if pd.isna(value) else value for value in rows[name].sort_index()]


def test_rank_and_quartile(compared):
    rows = compared(table(), england="England")
    assert column(rows, "rank") == [1, 2, 2, 4, None, None]
    assert column(rows, "ranked") == [4] * 6
    assert column(rows, "quartile") == [1, 2, 2, 4, None, None]
    lower = compared(table(polarity="lower"), england="England")
    assert column(lower, "rank") == [4, 2, 2, 1, None, None]
    assert column(compared(table(dict.fromkeys(SIX))), "rank") == [None] * 6
    assert column(compared(table(polarity="target"), england="England"), "rank") == [None] * 6
    # floating noise alone makes no rank
    assert 29 / 50 * 100 != 100 * 29 / 50
    noise = table({"A": 29 / 50 * 100, "B": 58.0, "C": 57.999})
    assert column(compared(noise), "rank") == [1, 1, 3]
    # KPIs and periods are apart
    both = pd.concat([table({"A": 1.0, "B": 2.0}), table({"C": 9.0}).assign(kpi_id="L")])
    assert column(compared(both), "rank") == [2, 1, 1]
    # an area without a name is ranked on every engine alike
    nameless = compared(table({"A": 3.0, None: 2.0, "C": 1.0}), group=["A"]).reset_index()
    assert sorted(nameless["rank"]) == [1, 2, 3]


def test_distances(compared):
    rows = compared(table(), england="England", group=["A", "B", "E"])
    assert column(rows, "from_england") == [15, 5, 5, -5, None, 0]
    # A against B alone, B against A alone; the others against the mean of both, 85.
    assert column(rows, "from_group") == [10, -10, -5, -15, None, -10]
    alone = compared(table(), group=["A"])
    assert column(alone, "from_england") == [None] * 6
    assert column(alone, "from_group") == [None, -10, -10, -20, None, -15]


def test_funnel_by_hand_in_per_cent_and_in_shares(compared):
    """58 of 100, 450 of 1,000, 5 of 10: 513 of 1,110 expected; few areas, so no overdispersion can
    be shown. Some publish 0.98 where others publish 98.
    """
    parts = pd.DataFrame({"numerator": [58, 450, 5], "denominator": [100, 1000, 10]})
    rows = table(dict(zip("ABC", 100 * parts["numerator"] / parts["denominator"], strict=True)))
    rows = rows.join(parts)
    shares = rows.assign(kpi_id="S", value=(rows["value"] / 100).round(2))
    both = compared(pd.concat([rows, shares])).reset_index()
    centre = 513 / 1110
    for kpi_id, per in (("K", 100), ("S", 1)):
        found = both[both["kpi_id"] == kpi_id].set_index("authority")
        assert column(found, "expected") == pytest.approx([per * centre] * 3)
        for name, level in (("95", 0.95), ("998", 0.998)):
            z = stats.norm.ppf((1 + level) / 2)
            reach = z * (centre * (1 - centre) / parts["denominator"]) ** 0.5
            lower, upper = (centre - reach).clip(0, 1), (centre + reach).clip(0, 1)
            assert column(found, f"lower_{name}") == pytest.approx((per * lower).tolist())
            assert column(found, f"upper_{name}") == pytest.approx((per * upper).tolist())
        assert column(found, "overdispersion") == [1, 1, 1]
        assert column(found, "funnel") == ["better than expected", "as expected", "as expected"]
    assert column(compared(rows.assign(polarity="lower")), "funnel")[0] == "worse than expected"
    assert column(compared(rows.assign(unit="days")), "funnel") == [None] * 3


def test_overdispersion_draws_in_the_outer_tenths(compared):
    # Twenty areas of 400, of which 200 ± 2, 4, … are met: z = ±0.2, ±0.4 … with centre 1/2 and error 1/40.
    steps = [sign * k for k in range(1, 11) for sign in (-1, 1)]
    steps[-2:] = [-40, 40]
    rows = table({f"A{i:02}": 50 + step for i, step in enumerate(steps)})
    rows["numerator"], rows["denominator"] = [200 + 4 * step for step in steps], 400
    z = np.sort(np.array(steps[:-2]) / 2.5)  # without the two that are far from what is expected
    drawn = np.clip(z, z[1], z[-2])
    phi = float(np.mean(drawn**2))
    assert phi > 1 + 2 * math.sqrt(2 / 18)
    found = compared(rows)
    assert column(found, "overdispersion") == pytest.approx([phi] * 20)
    upper = 50 + 1.959964 * 2.5 * math.sqrt(phi)
    assert column(found, "upper_95") == pytest.approx([upper] * 20, abs=1e-5)
    assert column(found, "funnel")[-1] == "far better than expected"


@pytest.mark.parametrize("others", [0, 12])
@pytest.mark.parametrize("england", [None, "England"])
def test_no_area_becomes_as_expected_by_getting_worse(others, england):
    """England 2%, 4 and 5 of 200, and one that goes from 8 (without England: 14) to 60 of 200."""
    for cases in range(8 if england else 14, 61):
        counts = {"X": cases, "A": 4, "B": 5} | {f"C{n}": 3 + n % 3 for n in range(others)}
        rows = table({name: n / 2 for name, n in counts.items()}, polarity="lower")
        rows["numerator"], rows["denominator"] = list(counts.values()), 200
        if england:
            parts = {"numerator": 20_000, "denominator": 1_000_000}
            whole = table({"England": 2.0}, polarity="lower", **parts)
            rows = pd.concat([rows, whole], ignore_index=True)
        found = compare(rows, england=england).set_index("authority")["funnel"]
        assert "worse than expected" in found["X"], cases


def test_names_that_are_not_there():
    with pytest.raises(InputError, match='no authority "Englnd"'):
        compare(table(), england="Englnd")
    with pytest.raises(InputError, match='no column "polarity"'):
        compare(table().drop(columns="polarity"))


@pytest.mark.parametrize("engine", ["pandas", "polars", "pyarrow"])
def test_two_rows_of_one_area(engine):
    twice = pd.concat([table(), table().iloc[[1]]])
    with pytest.raises(InputError, match="Rows 2 and 7 are both of B for the same KPI and period"):
        compare(ENGINES[engine](twice), england="England")


@pytest.mark.parametrize("engine", list(ENGINES))
@pytest.mark.parametrize("name", ["value", "numerator"])
def test_text_among_the_figures(engine, name):
    """As the Department for Education sends them: "x" where there is no figure."""
    rows = table(SIX | {"E": 60.0}, numerator=7.0, denominator=10.0)
    rows[name] = [*rows[name].astype("str")[:-1], "x"]
    with pytest.raises(InputError, match=f'The column "{name}" holds "x" in row 6'):
        compare(ENGINES[engine](rows))


def test_the_callers_table_is_not_changed():
    rows = table()
    before = rows.copy()
    result = compare(rows)
    pd.testing.assert_frame_equal(rows, before)
    pd.testing.assert_frame_equal(result[list(before.columns)], before)
    assert list(compare(result).columns) == [*before.columns, *ADDED]


def test_the_explorer_says_where_ours_stands_as_the_card_does():
    known = kent.known("ES01")
    names = {"England": 50.0, "A": 60.0, "B": 30.0, "C": 20.0, "D": 40.0}
    rows = pd.DataFrame({"area": list(names), "value": list(names.values())})
    rows = rows.assign(kpi_id="ES01", period="2024-25 Q3", quarter="2024-25 Q3", status="final")
    rows = rows.assign(group=["", *["our neighbours"] * 4], source="DfE")
    with_areas = replace(known, returns=replace(known.returns, benchmarks=rows))
    notes = view("areas", with_areas, "ES01").notes
    # 60, 40, 34, 30, 20; England alone is no group
    assert notes == [
        "Our latest: 34% (Quarter 3 2024/25).",
        "England, 2024-25 Q3: 50%.",
        "Ours is 16 points below England in 2024-25 Q3.",
        "3rd of 5 our neighbours, Quarter 3 2024/25 (best first); ours 34%, median 34%, range 20% to 60%.",
        "Source: DfE.",
    ]


@given(st.lists(st.one_of(st.none(), st.integers(0, 20)), min_size=1, max_size=60))
def test_ranks_are_scipys(values):
    found = compare(table({f"A{at:02}": value for at, value in enumerate(values)} | {"E": 10.5}))
    known = found.dropna(subset="value")
    assert known["rank"].tolist() == stats.rankdata(-known["value"], method="min").tolist()
    assert set(found["ranked"]) == {len(known)}
    quarters = [4 * (int(rank) - 1) // len(known) + 1 for rank in known["rank"]]
    assert known["quartile"].tolist() == quarters


# Published figures


def test_scottish_councils_have_the_ranks_that_are_published():
    if not LGBF.exists():
        pytest.skip(f"{LGBF.name} is not beside this checkout")
    names = {"Code": "kpi_id", "Period": "period_end", "Value": "value"}
    rows = pd.read_csv(LGBF).rename(columns={"LocalAuthority": "authority", **names})
    rows = rows[rows["authority"] != "Scotland"].dropna(subset=["value", "ScotRank"])
    found = compare(rows.assign(polarity="higher"))
    assert len(found) > 1_000
    # Published values are rounded to two places and the ranks are of the unrounded: a rank of ours is never later.
    assert (found["rank"] <= found["ScotRank"]).mean() > 0.95
