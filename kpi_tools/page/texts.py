"""The texts of a drawing, written into its SVG at their places.

Vega measures every text that it draws, which takes as long as all the rest of a chart; no place
here depends on a width.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any

SVG = "{http://www.w3.org/2000/svg}"
_ANCHORS = {"left": "start", "center": "middle", "right": "end"}


def write_texts(
    root: ET.Element, vega: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write `rows` above all marks that Vega drew: what lies behind the texts, then the texts."""
    marks = root.find(f".//{SVG}path[@class='background']/../{SVG}g")
    assert marks is not None
    under, over = ET.SubElement(marks, f"{SVG}g"), ET.SubElement(marks, f"{SVG}g")
    known = {signal["name"]: signal.get("value") for signal in vega["signals"]}
    known |= {"width": vega["width"], "height": vega["height"]}
    scales = {scale["name"]: scale for scale in vega["scales"]}
    for row in rows:
        x, y = (_place(scales[name], known, row[name]) for name in ("x", "y"))
        look = {
            "text-anchor": _ANCHORS[row["align"]],
            "transform": f"translate({x},{y})",
            "font-size": f"{row['size']}px",
            "font-weight": str(row["weight"]),
        }
        if row.get("behind"):
            edge = {"stroke": row["behind"], "stroke-width": "4", "stroke-linejoin": "round"}
            ET.SubElement(under, f"{SVG}text", look | edge).text = row["text"]
        ET.SubElement(over, f"{SVG}text", look | {"fill": row["colour"]}).text = row["text"]


def _place(scale: Mapping[str, Any], known: Mapping[str, Any], value: float) -> float:
    """Where a value lies on a linear scale of Vega, with ends of numbers or names of signals."""
    low, high, start, end = (
        known[given["signal"]] if isinstance(given, dict) else given
        for given in (*scale["domain"], *scale["range"])
    )
    share = (value - low) / (high - low)
    return float(start * (1 - share) + end * share)
