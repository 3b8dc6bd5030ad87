"""The control chart of a series of one's own, as the explorer draws it: from any table to an Altair chart."""

import math
from collections.abc import Mapping
from textwrap import wrap
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from kpi_tools.assurance import why
from kpi_tools.errors import InputError
from kpi_tools.explorer.charts import limit_picture
from kpi_tools.kinds import AUTO, RUN, SHARES, XMR, chart_for
from kpi_tools.limits import process_limits
from kpi_tools.page.canvas import period_label
from kpi_tools.page.drawing import KINDS, QUIET, Drawing
from kpi_tools.variation import special_causes
from kpi_tools.vocabulary import FINAL, NOT_CHARTED, POLARITIES
from kpi_tools.wording import is_number, rows_of, written_decimals

_MOST_DECIMALS, _WIDTH = 1, 130


def chart(
    frame: Any,
    *,
    chart: str = AUTO,
    period: str = "period_end",
    value: str = "value",
    polarity: str = "polarity",
    target: str | float = "target",
    title: str = "",
    **options: Any,
) -> Any:
    """The control chart of one series.

    Args:
        frame: A table of pandas, Polars, PyArrow or DuckDB with the rows of one series. `unit`, `decimals`, `range_low` and
            `range_high` are used where they are there.
        chart: The kind of chart, as for `process_limits`; `auto` takes what the series needs.
        period: Dates, numbers, or text that sorts by time.
        value: The figures. As for `process_limits` shares, rates and `t` do without.
        polarity: The column that says what is better, or one of `higher`, `lower`, `target`. Without it causes are neutral.
        target: The column with the targets, or one number; drawn where it is there.
        title: Stands above, with the reason of the latest point below it. Default: the kind of chart, and why that.
        **options: `numerator`, `denominator`, `screen`, `fix`, `rebase`, `overlap` and `profile`, as for `process_limits` and
            `special_causes`.

    Returns:
        An `altair.LayerChart`. It is shown by a notebook, saved by its own `save`, and can be combined with others.

    Raises:
        InputError: As `process_limits`; also for a table of more than one series or none.
    """
    given: Any = nw.from_native(frame)
    names = given.collect_schema().names()
    given = given.collect("pandas") if isinstance(given, nw.LazyFrame) else given
    table = given.to_pandas().reset_index(drop=True)
    if "kpi_id" in names and table["kpi_id"].nunique() > 1:
        raise InputError("The table has more than one kpi_id: choose the rows of one.")
    if table.empty:
        raise InputError("The table has no rows, so there is nothing to draw.")
    profile = {"profile": options.pop("profile")} if "profile" in options else {}
    parts = {name: options[name] for name in ("numerator", "denominator") if name in options}
    limited = process_limits(table, period=period, value=value, chart=chart, **options)
    flagged = special_causes(
        limited, period=period, value=value, polarity=polarity, **parts, **profile
    )
    flagged = flagged.sort_values(period, kind="stable", ignore_index=True)
    kind = str(flagged["chart"].iloc[-1])
    rows = [
        _drawn(row, kind, {"period": period, "value": value, "target": target})
        for row in rows_of(flagged)
    ]
    found = pd.DataFrame(rows)
    decimals = [written_decimals(row["value"]) for row in rows if is_number(row["value"])]
    if "decimals" not in found:
        found["decimals"] = min(_MOST_DECIMALS, max(decimals, default=0))
    better = polarity if polarity in POLARITIES else found.get("polarity", "")
    found = found.assign(polarity=better)
    named = {parts[name]: name for name in parts}
    taken = chart_for(
        flagged.rename(columns={value: "value", **named}), AUTO if chart == AUTO else kind
    )
    latest = rows_of(found)[-1]
    return _altair(limit_picture(found).drawing(), title or taken.why, why(latest))


def _drawn(row: dict[str, Any], kind: str, names: Mapping[str, str | float]) -> dict[str, Any]:
    """A row with the columns that the picture and the sentences need."""
    when, line = row[str(names["period"])], names["target"]
    stamp = pd.to_datetime(when, errors="coerce") if not isinstance(when, int | float) else pd.NaT
    unit = row.get("unit") or ("%" if kind in SHARES else "")
    free = not unit and kind in (XMR, RUN)
    ends = {"range_low": -math.inf, "range_high": math.inf} if free else {}
    return ends | row | {
        "period": str(when)[:10], "status": FINAL, "unit": unit,
        "value": row[str(names["value"])] if row["limits"] != NOT_CHARTED else float("nan"),
        "target": row.get(line) if isinstance(line, str) else line,
        "period_end": stamp,
        "label": (str(when), "") if pd.isna(stamp) else period_label(stamp.date()),
    }  # fmt: skip


def _altair(drawing: Drawing, title: str, below: str) -> Any:
    """The drawing as one Altair chart: its marks, and its texts over wider copies of themselves in white."""
    import altair as alt

    expr, settings = alt.ExprRef, drawing.settings
    scales = [
        alt.Scale(domain=ends, nice=False, zero=False, padding=0)
        for ends in ([0, settings["places"]], [settings["low"], settings["high"]])
    ]
    looks: Any = {"baseline": "alphabetic", "align": expr("datum.align"), "fontSize": expr("datum.size"),
                  "fontWeight": expr("datum.weight"), "fill": expr("datum.colour")}  # fmt: skip
    white = {"fill": "transparent", "stroke": "white", "strokeWidth": 4, "strokeJoin": "round"}
    texts = alt.Chart(alt.NamedData("texts")).encode(
        x=alt.X("x:Q", axis=None, scale=scales[0]),
        y=alt.Y("y:Q", axis=None, scale=scales[1]),
        text="text:N",
    )
    under = texts.transform_filter("isValid(datum.behind)").mark_text(**(looks | white))
    independent: Any = dict.fromkeys(
        ("fill", "stroke", "strokeDash", "strokeWidth", "size", "shape"), "independent"
    )
    lines = [wrap(text, _WIDTH) for text in (title, below)]
    left, right, top, bottom = drawing.margins
    room = {"left": left, "right": right, "top": top + 15 * sum(map(len, lines)), "bottom": bottom}
    whole = alt.layer(
        KINDS[drawing.kind]().resolve_scale(**independent), under, texts.mark_text(**looks)
    ).properties(
        width=drawing.width,
        height=drawing.height,
        padding=room,
        autosize=alt.AutoSizeParams(type="none"),
        title=alt.TitleParams(lines[0], subtitle=lines[1], anchor="start", subtitleColor=QUIET),
        datasets={name: list(rows) for name, rows in drawing.data.items()},
    )
    whole = whole.add_params(*(alt.param(name, value=value) for name, value in settings.items()))
    return whole.resolve_scale(**independent).configure_view(stroke=None)
