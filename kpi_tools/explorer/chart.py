"""The control chart of a series of one's own, as the explorer draws it: any table → an Altair
chart."""

from typing import Any

import numpy as np
import pandas as pd

from kpi_tools.errors import InputError
from kpi_tools.explorer.charts import limit_picture
from kpi_tools.explorer.reasons import why
from kpi_tools.frames import in_order
from kpi_tools.kinds import AUTO, RUN, SHARES, XMR, chart_for
from kpi_tools.limits import process_limits
from kpi_tools.page.canvas import period_label
from kpi_tools.rows import rows_of
from kpi_tools.terms import Terms
from kpi_tools.variation import special_causes
from kpi_tools.vocabulary import FINAL, NOT_CHARTED, POLARITIES
from kpi_tools.wording import written_decimals

_MOST_DECIMALS = 1


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
        frame: A table of pandas, Polars, PyArrow or DuckDB with the rows of one series. `unit`,
            `decimals`, `range_low` and `range_high` are used where they are there.
        chart: The kind of chart, as for `process_limits`; `auto` takes what the series needs.
        period: Dates, numbers, or text that sorts by time.
        value: The figures. As for `process_limits` shares, rates and `t` do without.
        polarity: The column that says what is better, or one of `higher`, `lower`, `target`.
            Without it causes are neutral.
        target: The column with the targets, or one number; drawn where it is there.
        title: Stands above, with the reason of the latest point below it. Default: the kind of
            chart, and why that.
        **options: `numerator`, `denominator`, `screen`, `fix`, `rebase`, `overlap` and `profile`,
            as for `process_limits` and `special_causes`.

    Returns:
        An `altair.LayerChart`. It is shown by a notebook, saved by its own `save`, and can be
        combined with others.

    Raises:
        InputError: As `process_limits`; also for a table of more than one series or none.
    """
    rows = in_order(frame, None, period)
    table = rows.frame.to_pandas().iloc[rows.order].reset_index(drop=True)
    if table.empty or "kpi_id" in table and table["kpi_id"].nunique() > 1:
        raise InputError("The chart is of one series: give the rows of one KPI, and at least one.")
    profile = {"profile": options.pop("profile")} if "profile" in options else {}
    parts = {name: options[name] for name in ("numerator", "denominator") if name in options}
    limited = process_limits(table, by=(), period=period, value=value, chart=chart, **options)
    table = special_causes(
        limited, by=(), period=period, value=value, polarity=polarity, **parts, **profile
    )
    names = {value: "value", **{given: name for name, given in parts.items()}}
    table = table.drop(columns=[new for old, new in names.items() if new in table and new != old])
    table = table.rename(columns=names)
    if "unit" in table and table["unit"].isna().all():
        table = table.drop(columns="unit")
    kind = str(table["chart"].iloc[-1])
    ends = pd.to_datetime(rows.days if rows.dates else np.arange(len(table)), unit="D")
    figures = table["value"].dropna()
    far = np.inf if kind in (XMR, RUN) and "unit" not in table else np.nan
    usual = {
        "unit": "%" if kind in SHARES else "",
        "polarity": polarity if polarity in POLARITIES else "",
        "decimals": min(_MOST_DECIMALS, max(map(written_decimals, figures), default=0)),
        "range_low": -far,
        "range_high": far,
    }
    texts = table[period].astype(str).str[:10]
    labels = [
        period_label(end.date()) if rows.dates else (text, "")
        for end, text in zip(ends, texts, strict=True)
    ]
    table = table.assign(
        **{name: one for name, one in usual.items() if name not in table},
        value=table["value"].mask(table["limits"] == NOT_CHARTED),
        target=table.get(target, np.nan) if isinstance(target, str) else target,
        period=texts,
        period_end=ends,
        label=labels,
        status=FINAL,
    )
    taken = chart_for(table, AUTO if chart == AUTO else kind)
    drawing = limit_picture(table, Terms()).canvas.drawing()
    return drawing.altair(title or taken.why, why(rows_of(table)[-1]))
