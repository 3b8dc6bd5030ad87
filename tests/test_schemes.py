"""Schemes as council.toml writes them, and a sentence for each that cannot be used."""

import tomllib

import pytest

from kpi_tools.errors import InputError
from kpi_tools.schemes import DEFAULT_SCHEME, Line, parse_line, parse_schemes, unknown_lines


def schemes(text):
    return parse_schemes(tomllib.loads(text).get("rating", {}))


def test_without_a_word_a_council_rates_by_target_and_floor_standard():
    assert parse_schemes({}) == {"": DEFAULT_SCHEME} == parse_schemes({"scheme": "floor_standard"})
    assert [band.name for band in DEFAULT_SCHEME.bands] == ["Green", "Amber", "Red"]
    assert DEFAULT_SCHEME.columns == ("target", "floor_standard")


def test_bands_and_further_schemes_inherit_what_they_do_not_say():
    found = schemes("""
        [rating]
        bands = [
          { name = "Blue", meets = "target beyond 5%", colour = "blue" },
          { name = "Green", meets = ["target", "same_quarter_last_year"], says = "on target or no worse" },
          { name = "Red" },
        ]
        without_line = "Red"
        [rating.schemes.tolerant]
        bands = [
          { name = "Green", meets = "target within 5%" },
          { name = "Amber", meets = "target within 10%" },
          { name = "Red" },
        ]
    """)
    blue, green, red = found[""].bands
    assert blue.meets == (Line("target", 5, percent=True, beyond=True),)
    assert (blue.colour, blue.says) == ("blue", "bettered the target by 5% or more")
    assert green.meets == (Line("target"), Line("same_quarter_last_year"))
    assert (green.colour, red.colour, red.meets) == ("green", "red", ())
    tolerant = found["tolerant"]
    assert tolerant.without_line == "Red"
    assert tolerant.bands[1].says == "came within 10% of the target"
    assert [band.colour for band in tolerant.bands] == ["green", "amber", "red"]


def test_what_bands_did_is_said_in_the_terms_of_the_council():
    terms = {"target": "aim", "floor_standard": "least level"}
    bands = [
        {"name": "Ahead", "meets": "target beyond 5%", "colour": "blue"},
        {"name": "Fair", "meets": ["target", "previous"], "colour": "green"},
        {"name": "Near", "meets": "floor_standard", "colour": "amber"},
        {"name": "Behind", "colour": "red"},
    ]
    bands[2]["says"] = "kept the target near"
    assert [band.says for band in parse_schemes({"bands": bands}, terms=terms)[""].bands] == [
        "bettered the aim by 5% or more",
        "met the aim or were no worse than the previous figure",
        "kept the target near",
        "did not meet the least level",
    ]
    (kents,) = parse_schemes({}, terms=terms).values()
    assert [band.says for band in kents.bands] == [
        "achieved or exceeded aim",
        "achieved or exceeded the least level but did not meet the aim",
        "did not meet the least level",
    ]


@pytest.mark.parametrize(
    ("meets", "last"),
    [
        ("target", "did not meet the target"),
        ("target within 10%", "did not come within 10% of the target"),
        ("target beyond 2", "did not better the target by 2"),
        ("previous", "were worse than the previous figure"),
    ],
)
def test_the_last_band_says_what_its_figures_missed(meets, last):
    bands = [{"name": "Green", "meets": meets}, {"name": "Red"}]
    assert parse_schemes({"bands": bands})[""].bands[-1].says == last


def test_the_older_words_still_mean_the_same():
    ten = parse_schemes({"scheme": "percentage", "percent": 10})[""]
    lines = [(Line("target"),), (Line("target", 10, percent=True),), ()]
    assert [band.meets for band in ten.bands] == lines
    alone = parse_schemes({"scheme": "percentage", "percent": 0})[""]
    assert [band.name for band in alone.bands] == ["Green", "Red"]


@pytest.mark.parametrize(("text", "line", "words"), [
    ("target", Line("target"), "target"),
    ("floor_standard within 2.5", Line("floor_standard", 2.5), "floor standard within 2.5"),
    ("target  beyond 10 %", Line("target", 10, True, True), "target beyond 10%"),
    ("previous", Line("previous"), "previous figure"),
    ("stretch", Line("stretch"), "stretch"),
])  # fmt: skip
def test_a_line_as_it_is_written_and_called(text, line, words):
    assert parse_line(text, "here") == line
    assert line.words() == words


RED, GREEN = {"name": "Red"}, {"name": "Green", "meets": "target"}


@pytest.mark.parametrize(("bands", "more", "sentence"), [
    ([RED], {}, "needs two to 5 bands, and has 1"),
    ([{"name": "Green"}, RED], {}, 'band "Green" has no line. Only the last'),
    ([GREEN, GREEN | RED], {}, 'band "Red" is the last'),
    ([{"meets": "target"}, RED], {}, "band 1 has no name"),
    ([GREEN | {"name": "red"}, RED], {}, "two bands have this name"),
    ([GREEN | {"name": "Not rated"}, RED], {}, "a meaning of its own"),
    ([GREEN | {"meets": "Target!"}, RED], {}, '"Target!" is no line. A line is written as "tar'),
    ([GREEN | {"meets": "target within 0%"}, RED], {}, 'is the line itself: write "target"'),
    ([GREEN | {"name": "Gold"}, RED], {}, '"Gold": colour is one of green, amber, red, blue'),
    ([GREEN | {"colour": "gren"}, RED], {}, '"gren" is no colour; .*is "green"'),
    ([GREEN | {"meats": "x"}, RED], {}, 'no setting "meats"; there are .*nearest is "meets"'),
    ([GREEN, RED], {"without_line": "Rd"}, '"Rd" is no band; there are not rated, Green, Red; the nearest is "Red"'),
    ([GREEN, RED], {"scheme": "percentage"}, "has both bands and scheme"),
    (None, {"scheme": "percentage"}, 'percent goes with the scheme "percentage"'),
    (None, {"percent": 5}, 'percent goes with the scheme "percentage"'),
    (None, {"schemes": {"x": {"without_line": "Red"}}}, r"\[rating.schemes.x\] has no bands"),
])  # fmt: skip
def test_what_cannot_be_used_has_a_sentence(bands, more, sentence):
    with pytest.raises(InputError, match=sentence):
        parse_schemes(({} if bands is None else {"bands": bands}) | more)


def test_a_line_that_no_column_has_is_named_with_the_nearest():
    found = schemes('[rating]\nbands = [ { name = "Green", meets = "strech" }, { name = "Red" } ]')
    (sentence,) = unknown_lines(found.values(), ["target", "floor_standard", "stretch"])
    assert sentence == (
        'The band "Green" needs the line "strech", and targets.csv has no such column; there are target, floor_standard, '
        'stretch, previous, same_quarter_last_year; the nearest is "stretch".'
    )
    assert unknown_lines([DEFAULT_SCHEME], ["target", "floor_standard"]) == []
