"""The drawing as it stands in the page: small, named, the same each time, nothing but shapes."""

import re
import xml.etree.ElementTree as ET

import pytest

from kpi_tools.errors import KpiError
from kpi_tools.page.charts import activity_spec, kpi_spec
from kpi_tools.page.svg import inline_svg
from kpi_tools.words.row_words import rows_of
from tests.page_samples import activity_points, points

HOSTILE = "<script>alert(1)</script> & \"'\\n{datum.x}"


def drawn(name: str = "kpi-cs01", **columns: object) -> str:
    return inline_svg(
        kpi_spec(rows_of(points(**columns))), name, "Calls answered", "Columns for six quarters."
    )


def test_it_is_an_image_with_a_name_and_a_description():
    root = ET.fromstring(drawn())
    assert root.get("role") == "img"
    by_id = {element.get("id"): element.text for element in root if element.get("id")}
    assert [by_id[name] for name in root.get("aria-labelledby", "").split()] == [
        "Calls answered",
        "Columns for six quarters.",
    ]


def test_it_draws_six_columns_and_prints_their_values():
    root = ET.fromstring(drawn())
    columns = [
        path
        for path in root.iter("path")
        if re.fullmatch(r"M[\d.,]+h40\.5v[\d.]+h-40\.5Z", path.get("d", ""))
    ]
    assert len(columns) == 6
    words = [text.text for text in root.iter("text")]
    assert {"82%", "91%", "Dec 24", "Target 90%", "Floor 80%"} <= set(words)


def test_the_height_of_a_column_is_in_proportion_to_its_value():
    heights = [
        float(found)
        for found in re.findall(r"h40\.5v([\d.]+)h-40\.5Z", drawn(values=(10, 20, 30, 40, 50, 100)))
    ]
    assert [height / heights[-1] for height in heights] == pytest.approx(
        [0.1, 0.2, 0.3, 0.4, 0.5, 1], abs=0.005
    )


def test_the_kinds_of_line_and_column_are_told_apart_without_colour():
    dashes = set(
        re.findall(r'stroke-dasharray="([\d,]+)"', drawn(status=["illustrative", *["final"] * 5]))
    )
    assert {"8,4", "2,3", "3,2"} <= dashes


def test_nothing_in_it_can_run_fetch_or_style():
    text = drawn()
    assert not re.search(
        r"style=|<style|<script|href|xmlns|https?:|url\(|aria-roledescription| on\w+=", text
    )
    assert len(text) < 4000


def test_text_from_outside_stays_text():
    svg = inline_svg(kpi_spec(rows_of(points()), (HOSTILE, 85.0)), "x", HOSTILE, HOSTILE)
    root = ET.fromstring(svg)
    assert [element.text for element in root if element.tag in ("title", "desc")] == [
        HOSTILE,
        HOSTILE,
    ]
    assert not list(root.iter("script"))


def test_the_same_chart_is_the_same_whatever_was_drawn_before():
    first = drawn()
    inline_svg(activity_spec(rows_of(activity_points())), "a", "t", "d")
    drawn(values=(1, 2, 3, 4, 5, 6))
    assert drawn() == first


def test_ids_come_from_the_name():
    ids = re.findall(r' id="([^"]+)"', drawn("KPI CS/01"))
    assert ids and all(name.startswith("kpi-cs-01-") for name in ids)


@pytest.mark.parametrize("control", ["\x00", "\x0b", "\x1b", "￾", "\x85"])
def test_a_control_character_is_refused_before_it_ends_the_process(control: str):
    with pytest.raises(KpiError, match="control character"):
        inline_svg(kpi_spec(rows_of(points()), (f"Eng{control}land", 85.0)), "kpi-cs01", "t", "d")
    with pytest.raises(KpiError, match="kpi-cs01"):
        inline_svg(kpi_spec(rows_of(points())), "kpi-cs01", f"t{control}", "d")
