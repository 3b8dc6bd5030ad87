"""The drawing as it stands in the page: small, named, the same each time; colours with contrast."""

import re
import xml.etree.ElementTree as ET

import pytest

from kpi_tools.errors import KpiError
from kpi_tools.page import drawing
from kpi_tools.page.charts import activity_chart, kpi_chart
from kpi_tools.page.overviews import counts_chart, peers_strip
from kpi_tools.rows import rows_of
from tests.page_samples import activity_points, points

HOSTILE = "</script><img src=x onerror=alert(1)> & \"'\\\n{datum.x} ' + 1"
OURS = {"area": "Kent", "value": 18.0, "unit": "%", "decimals": 0, "polarity": "higher"}
COUNTS = [{"quarter": q, "Green": 5, "Amber": 2, "Red": 1} for q in ("2024-25 Q2", "2024-25 Q3")]


def kpi(name: str = "kpi-cs01", **columns: object) -> str:
    return kpi_chart(rows_of(points(**columns)), name).svg


def every_kind(word: str = "Kent") -> list[str]:
    area = {"area": word, "period": "2023", "value": 85.0, "status": "final"}
    more = {"benchmarks": [area], "words": {"target": word, "floor_standard": word}}
    return [
        kpi_chart(rows_of(points()), "k", **more).svg,
        activity_chart(rows_of(activity_points()), "a").svg,
        counts_chart(COUNTS, "c").svg,
        peers_strip([{"value": 30.0}, {"value": 50.0}], OURS | {"area": word}, "p").svg,
    ]


def test_it_is_an_image_with_a_name_and_a_description():
    for svg in every_kind():
        root = ET.fromstring(svg)
        named = {element.get("id"): element.text for element in root if element.get("id")}
        assert root.get("role") == "img"
        assert all(named[name] for name in root.get("aria-labelledby", "").split())


def test_the_same_chart_is_the_same_whatever_was_drawn_before():
    assert every_kind() == [every_kind()[n] for n in range(4)]
    first = kpi()
    kpi(values=(1, 2, 3, 4, 5, 6))
    assert kpi() == first


def test_ids_come_from_the_name():
    ids = re.findall(r' id="([^"]+)"', kpi("KPI CS/01"))
    assert ids and all(name.startswith("kpi-cs-01-") for name in ids)


def test_nothing_in_it_can_run_fetch_or_style():
    live = r"style=|<style|<script|href|xmlns|https?:|url\(|aria-roledescription| on\w+="
    for svg in every_kind():
        assert not re.search(live, svg) and len(svg) < 9000
    for svg in every_kind(HOSTILE.replace("\n", " ")):
        assert not {"script", "img"} & {element.tag for element in ET.fromstring(svg).iter()}


@pytest.mark.parametrize("control", ["\x00", "\x0b", "\x1b", "\ufffe", "\x85"])
def test_a_control_character_is_refused_before_it_ends_the_process(control):
    with pytest.raises(KpiError, match=r'"p".*control character'):
        peers_strip([{"value": 30.0}], OURS | {"area": f"Eng{control}land"}, "p")


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", drawing.COLOURS)
def test_colours_have_contrast(name):
    colour = drawing.COLOURS[name]
    assert contrast(colour.badge, colour.text) >= 4.5
    assert contrast(colour.edge, colour.tint) >= 3
    for text in (drawing.INK, drawing.QUIET, drawing.VIOLET):
        assert contrast(text, colour.tint) >= 4.5
    for mark in (drawing.BLUE, drawing.VIOLET, drawing.INK):
        assert contrast(mark, colour.tint) >= 3


def test_bands_are_told_apart_without_colour():
    """The worse the darker in grey, each with its own shape."""
    tints = [luminance(drawing.COLOURS[name].tint) for name in ("green", "amber", "red")]
    assert tints == sorted(tints, reverse=True)
    assert len({colour.shape for colour in drawing.COLOURS.values()}) == len(drawing.COLOURS)
    assert drawing.LINES["target"][1:] != drawing.LINES["floor"][1:]
