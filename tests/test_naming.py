"""What is meant by a name, or the nearest ones."""

import pytest

from kpi_tools.errors import InputError
from kpi_tools.words.naming import named

KNOWN = {
    "ES01": "ES01 (Plans within 20 weeks)",
    "ES02": "ES02 (Reviews overdue)",
    "CS01": "CS01 (Calls)",
}


@pytest.mark.parametrize("typed", ["ES01", "es01", "  Es01 "])
def test_capitals_and_spaces_do_not_matter(typed):
    assert named(typed, KNOWN, "KPI") == "ES01"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (
            "ES1",
            'There is no KPI "ES1". The nearest: ES01 (Plans within 20 weeks), ES02 (Reviews overdue) or CS01 (Calls).',
        ),
        ("reviews", 'There is no KPI "reviews". The nearest: ES02 (Reviews overdue).'),
        ("the plan", 'There is no KPI "the plan". The nearest: ES01 (Plans within 20 weeks).'),
        ("../../etc", 'There is no KPI "../../etc". There are: ES01; ES02; CS01.'),
        ("", 'There is no KPI "". There are: ES01; ES02; CS01.'),
    ],
)
def test_otherwise_the_nearest_names_are_told(typed, sentence):
    with pytest.raises(InputError) as error:
        named(typed, KNOWN, "KPI")
    assert str(error.value) == sentence


def test_a_long_text_is_cut_short():
    with pytest.raises(InputError) as error:
        named("x" * 5000, KNOWN, "KPI")
    assert len(str(error.value)) < 200
