"""Rating, on every engine by one fixture. Expected answers are by hand, from METHOD.md and from exact fractions."""

import math
from fractions import Fraction
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from kpi_tools.errors import InputError
from kpi_tools.rating import band_lines, cannot_be_rated, rate
from kpi_tools.schemes import parse_schemes
from tests.engines import ENGINES, to_pandas

NAN, INF = math.nan, math.inf


@pytest.fixture(params=list(ENGINES))
def rated(request):
    """Rate rows given as dictionaries on one engine; answers as a list of (rag, reason)."""

    def answer(rows, schemes=None, **more):
        frame = ENGINES[request.param](pd.DataFrame(rows))
        result = to_pandas(rate(frame, schemes, **more))
        return list(zip(result["rating"], result["not_rated_reason"], strict=True))

    return answer


def kpi(value, target, floor, polarity="higher", **more):
    return {"value": value, "target": target, "floor_standard": floor, "polarity": polarity, **more}


CASES = pd.read_csv(Path(__file__).with_name("ratings.csv"))


def test_every_case_by_hand_has_its_rating_or_the_reason_why_there_is_none(rated):
    """The parts count from a denominator of one on, and only where both are there."""
    rows = rated(CASES.drop(columns=["expected", "about"]))
    found = CASES.assign(found=[f"{rag}: {reason}" if reason else rag for rag, reason in rows])
    assert found[found["found"] != found["expected"]].to_dict("records") == []


def test_the_callers_columns_come_first_and_stay_as_they_were():
    table = pd.DataFrame([kpi(1.0, 2.0, 1.0, note="kept")])
    before = table.copy()
    wanted = [*before.columns, "rating", "not_rated_reason", "band"]
    assert list(rate(table).columns) == list(rate(rate(table)).columns) == wanted
    pd.testing.assert_frame_equal(table, before)
    assert len(rate(table.head(0))) == 0


def test_a_null_is_no_figure_no_polarity_and_no_status_on_engines_that_know_it():
    given = {"value": [90.0, None, None, None], "polarity": [None, "higher", "higher", None]}
    given |= {"status": ["final", None, "suppressed", None]}
    rows = pl.DataFrame(given | {"target": [90.0] * 4, "floor_standard": [85.0] * 4})
    expected = ["polarity not known", "no figure", "suppressed", "no figure"]
    for frame in (rows, rows.to_arrow()):
        found = pl.DataFrame(rate(frame))
        assert found["rating"].to_list() == ["Not rated"] * 4
        assert found["not_rated_reason"].to_list() == expected


@pytest.mark.parametrize("engine", list(ENGINES))
def test_a_table_that_cannot_be_rated_is_told_in_a_sentence(engine):
    table = pd.DataFrame([kpi(1.0, 1.0, 1.0)])
    missing = {
        ("polarity",): 'There is no column "polarity" in the table. Its columns are: value, target',
        ("target", "floor_standard"): "There is no column target in the table",
    }
    faults = [(table.drop(columns=list(names)), said) for names, said in missing.items()]
    for name in ("value", "target", "floor_standard", "numerator", "denominator", "tolerance"):
        said = f'The column "{name}" holds ("x" in row 1, which is no number|text, not numbers)'
        faults.append((table.assign(**{name: "x"}), said))
    for changed, sentence in faults:
        with pytest.raises(InputError, match=sentence):
            rate(ENGINES[engine](changed))


# Bands


def scheme(*bands, **more):
    """`scheme("Blue: target beyond 5%", "Green: target, previous", "Red")` as council.toml would have it."""
    colours = {"Blue": "blue", "Better": "green", "Worse": "red"}
    parsed = []
    for band in bands:
        name, _, lines = band.partition(": ")
        parsed.append({"name": name, "colour": colours.get(name, name.lower())})
        if lines:
            parsed[-1]["meets"] = lines.split(", ")
    return parse_schemes({"bands": parsed, **more})


SCHEMES = {
    "": scheme("Green: target", "Amber: floor_standard", "Red"),
    "tolerant": scheme("Green: target within 5%", "Amber: target within 10%", "Red"),
    "blue": scheme("Blue: target beyond 7.5%", "Green: target", "Amber: target within 2", "Red"),
    "alone": scheme("Better: target", "Worse"),
    "no worse": scheme("Green: target within 10%", "Amber: same_quarter_last_year", "Red"),
    "either": scheme("Green: target, previous", "Amber: floor_standard within 1.5", "Red"),
    "stretch": scheme("Blue: stretch", "Green: target", "Red", without_line="Red"),
}
SCHEMES = {name: found[""] for name, found in SCHEMES.items()}
UNITS = {"%": 100, "rate per 1,000": 1_000, "rate per 100,000": 100_000}
_LINES = ("target", "floor_standard", "tolerance", "stretch", "previous", "same_quarter_last_year")


def exactly(row):
    """The rating by fractions: what is written decides, not what floating point makes of it."""
    bands, without = SCHEMES[row["scheme"]].bands, SCHEMES[row["scheme"]].without_line
    known = {name: None if row.get(name) is None else Fraction(str(row[name])) for name in _LINES}
    figure = row["written"]
    if row["numerator"] is not None:
        figure = Fraction(UNITS[row["unit"]] * row["numerator"], row["denominator"])
    closest, target = row["polarity"] == "target", known["target"]
    way = -1 if row["polarity"] == "lower" else 1
    if closest and (target is None or any(line.beyond for band in bands for line in band.meets)):
        return "Not rated"

    def off(line):
        return Fraction(str(line.amount)) * (abs(known[line.column]) / 100 if line.percent else 1)

    def reach(line, after):
        if line.column != "target":
            return abs(known[line.column] - target) + off(line)
        if line.amount:
            return off(line)
        if known["tolerance"] is not None:
            return known["tolerance"]
        following = after.meets[0] if after.meets else None
        if following and following.column != "target" and known[following.column] is None:
            return None
        if following and (following.column != "target" or following.amount):
            return reach(following, None) / 2
        floor = known["floor_standard"]
        return None if floor is None else abs(floor - target) / 2

    def level(line, after):
        if known[line.column] is None:
            return None
        if closest:
            far = reach(line, after)
            return None if far is None else -far
        return known[line.column] * way + (off(line) if line.beyond else -off(line))

    own = -abs(figure - target) if closest else figure * way
    levels = [
        [(line.column, level(line, after)) for line in band.meets]
        for band, after in zip(bands, bands[1:], strict=False)
    ]
    for kind in ("", "previous", "same_quarter_last_year"):
        kinds = [
            [at for column, at in lines if (column if column in _LINES[4:] else "") == kind]
            for lines in levels
        ]
        agreed = [[at for at in lines if at is not None] for lines in kinds]
        lowest = [min(lines) for lines in agreed if lines]
        if any(worse > better for i, better in enumerate(lowest) for worse in lowest[i + 1 :]):
            return "Not rated"
    for band, lines in zip(bands, levels, strict=False):
        for line, (column, at) in zip(band.meets, lines, strict=True):
            of_nothing = line.beyond and line.percent and known[column] == 0
            if at is not None and own >= at and not of_nothing:
                return band.name
    if all(at is None for lines in levels for _, at in lines):
        return "Not rated"
    return without if all(at is None for _, at in levels[-1]) else bands[-1].name


decimal = st.decimals(min_value=-50, max_value=150, places=1).map(float)
perhaps = st.one_of(st.none(), decimal)


@st.composite
def figures(draw):
    """A row whose figure often stands on one of its lines, or on what 2, 5, 7.5 or 10% beside it
    is; sums of floating-point numbers leave it a step beside what was `written`.
    """
    row = {name: draw(perhaps) for name in _LINES}
    row["tolerance"] = None if row["tolerance"] is None else abs(row["tolerance"])
    row["target"] = draw(decimal) if draw(st.integers(0, 5)) else None
    row["polarity"] = draw(st.sampled_from(["higher", "lower", "target"]))
    row["scheme"] = draw(st.sampled_from(list(SCHEMES)))
    row["unit"] = draw(st.sampled_from(list(UNITS)))
    row["numerator"] = row["denominator"] = None
    row["written"] = Fraction(str(draw(decimal)))
    near = row[draw(st.sampled_from(_LINES))]
    if near is not None and draw(st.booleans()):
        percent = draw(st.sampled_from([0, 5, -5, 10, -10, Fraction(15, 2)]))
        exact = Fraction(str(near)) * (100 + percent) / 100
        exact += draw(st.sampled_from([0, 2, -2, Fraction(1, 1000), Fraction(-1, 1000)]))
        row["written"] = exact
        if draw(st.booleans()) and exact >= 0:
            # n of 10,000,000 is what is written, to the last digit
            of = 10_000_000
            row |= {"numerator": int(exact * of / UNITS[row["unit"]]), "denominator": of}
    beside = draw(st.sampled_from([0, -math.inf, math.inf]))
    value = float(row["written"])
    row["value"] = math.nextafter(value, beside) if beside else value
    return row


@settings(max_examples=6, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.lists(figures(), min_size=50, max_size=100))
def test_bands_by_polarity_and_edges_agree_with_exact_fractions_on_every_engine(rows):
    expected = [exactly(row) for row in rows]
    table = pd.DataFrame(rows).drop(columns="written")
    table = table.astype(dict.fromkeys((*_LINES, "numerator", "denominator"), float))
    for engine, made in ENGINES.items():
        found = to_pandas(rate(made(table), SCHEMES))
        wrong = [row for row, a, b in zip(rows, found["rating"], expected, strict=True) if a != b]
        assert not wrong, (engine, wrong[0], exactly(wrong[0]))
        for row, rating, place in zip(rows, expected, found["band"], strict=True):
            names = [band.name for band in SCHEMES[row["scheme"]].bands]
            assert rating == (names[int(place) - 1] if place == place and place else "Not rated")
        assert [one is None for one in found["not_rated_reason"]] == [
            one != "Not rated" for one in expected
        ]


def test_schemes_monitored_and_milestones_in_one_table(rated):
    schemes = {name: SCHEMES[name] for name in ("", "tolerant")}
    rows = [
        kpi(82.0, 90.0, 85.0, scheme="", rated="yes"),
        kpi(82.0, 90.0, 85.0, scheme="tolerant", rated="yes"),
        kpi(86.0, 90.0, 95.0, scheme="tolerant", rated="yes"),
        kpi(82.0, None, None, "none", scheme="", rated="no"),
        kpi(NAN, NAN, NAN, "none", scheme="", rated="yes", kind="milestone", milestone="On Track"),
        kpi(NAN, NAN, NAN, "none", scheme="", rated="yes", kind="milestone", milestone="Closed"),
    ]
    rows = [{"kind": "number", "milestone": "-", **row} for row in rows]
    found = rated(rows, schemes, milestones={"On track": "Green", "Closed": None})
    ratings = ["Red", "Amber", "Green", "Monitored", "Green"]
    assert found[:5] == [(rating, None) for rating in ratings]
    assert found[5:] == [("Not rated", 'the status "Closed" has no rating')]
    told = 'no scheme "tolernt"; there are tolerant; the nearest is "tolerant"'
    with pytest.raises(InputError, match=told):
        rate(pd.DataFrame([kpi(1.0, 2.0, 1.0, scheme="tolernt")]), schemes)


def test_closest_to_target_goes_by_the_rows_own_scheme_and_needs_a_target(rated):
    tight = scheme("Green: target", "Amber: target within 2", "Red")[""]
    rows = [kpi(52.0, 50.0, 40.0, "target", scheme=name) for name in ("", "tight")]
    rows.append(kpi(52.0, None, 40.0, "target", scheme="tight"))
    found = [("Green", None), ("Amber", None), ("Not rated", "no target")]
    assert rated(rows, {"": SCHEMES[""], "tight": tight}) == found


def test_a_figure_without_a_line_is_rated_by_those_it_has(rated):
    rows = [kpi(91.0, 90.0, None), kpi(89.0, 90.0, None)]
    rows += [kpi(86.0, None, 85.0), kpi(84.0, None, 85.0)]
    assert [rag for rag, _ in rated(rows)] == ["Green", "Not rated", "Amber", "Red"]
    lowest = scheme("Green: target", "Amber: floor_standard", "Red", without_line="Amber")
    assert rated(rows[1:2], lowest) == [("Amber", None)]
    assert rated([kpi(1.0, None, None)], lowest) == [("Not rated", "no target")]
    beyond_nothing = [kpi(0.0, 0.0, None), kpi(5.0, 0.0, None)]  # a per cent of 0 is nothing
    assert [rag for rag, _ in rated(beyond_nothing, {"": SCHEMES["blue"]})] == ["Green"] * 2


def test_the_year_that_goes_on(rated):
    rows = [kpi(value, None, None, year_target=100.0) for value in (52.0, 0.0, NAN)]
    rows.append(kpi(52.0, 50.0, 40.0, year_target=NAN))
    way = "on the way: {}% of the year's target"
    reasons = [way.format(52), way.format(0), "no figure"]
    assert rated(rows) == [*(("Not rated", reason) for reason in reasons), ("Green", None)]


def test_a_frame_of_ones_own_names_its_columns(rated):
    own = pd.DataFrame({"pct": [91.0, 85.0, 79.0], "goal": 90.0, "target": ["x", "y", "z"]})
    for made in ENGINES.values():
        found = rate(made(own), value="pct", target="goal", floor_standard=80, polarity="higher")
        found = to_pandas(found)
        assert found["rating"].tolist() == ["Green", "Amber", "Red"]
        assert found["target"].tolist() == ["x", "y", "z"] and "polarity" not in found
    with pytest.raises(InputError, match='no column "gaol" .* target=…'):
        rate(own, value="pct", target="gaol", polarity="higher")


def test_reasons_use_the_councils_words(rated):
    words = {"floor_standard": "intervention level", "target": "aim"}
    found = rated([kpi(89.0, 90.0, None), kpi(1.0, None, None)], words=words)
    assert found == [("Not rated", "no intervention level"), ("Not rated", "no aim")]


def test_where_each_band_begins():
    one = {"quarter": "2024-25 Q3", "scheme": ""}
    rows = [
        {"kpi_id": "A", **one, **kpi(1.0, 90.0, 85.0)},
        {"kpi_id": "B", **one, **kpi(1.0, -50.0, NAN, "lower"), "scheme": "five"},
        {"kpi_id": "C", **one, **kpi(1.0, 50.0, 44.0, "target")},
    ]
    five = scheme("Blue: target beyond 10%", "Green: target", "Red")[""]
    found = band_lines(pd.DataFrame(rows), {"": SCHEMES[""], "five": five})
    names = ["kpi_id", "quarter", "place", "band", "colour", "edge", "far_edge"]
    assert list(found.columns) == names
    shown = found.drop(columns=["quarter", "colour"]).astype(object)
    lines = [" ".join(map(str, row)) for row in shown.where(shown.notna(), "-").to_numpy()]
    assert lines == [
        *("A 1 Green 90.0 -", "A 2 Amber 85.0 -", "A 3 Red - -"),
        *("B 1 Blue -55.0 -", "B 2 Green -50.0 -", "B 3 Red - -"),
        *("C 1 Green 47.0 53.0", "C 2 Amber 44.0 56.0", "C 3 Red - -"),
    ]


def test_which_kpis_can_never_be_rated_and_why():
    rows = pd.DataFrame(
        [
            {"kpi_id": "good", "scheme": "", **kpi(NAN, 90.0, 85.0)},
            {"kpi_id": "half", "scheme": "", **kpi(NAN, 90.0, NAN)},
            {"kpi_id": "none", "scheme": "", **kpi(NAN, NAN, NAN)},
            {"kpi_id": "order", "scheme": "", **kpi(NAN, 90.0, 95.0)},
            {"kpi_id": "zero", "scheme": "blue", **kpi(NAN, 0.0, NAN)},
            {"kpi_id": "closest", "scheme": "blue", **kpi(NAN, 5.0, NAN, "target")},
            {"kpi_id": "seen", "scheme": "", "rated": "no", **kpi(NAN, NAN, NAN, "none")},
        ]
    )
    schemes = {name: SCHEMES[name] for name in ("", "blue")}
    assert cannot_be_rated(rows, schemes).to_numpy().tolist() == [
        ["none", "never", "No target."],
        ["order", "order", "Floor standard on the better side of the target."],
        ["closest", "never", "A line beyond the target, where closest to the target is best."],
        ["zero", "zero", "Target beyond 7.5%: a per cent of 0 is nothing. Use a number."],
    ]
