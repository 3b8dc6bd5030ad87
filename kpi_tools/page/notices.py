"""Notices at the report's top: rows that were left out, figures that are illustrative."""

import pandas as pd

from kpi_tools.loading import Returns
from kpi_tools.page.html import Html, render
from kpi_tools.vocabulary import ILLUSTRATIVE
from kpi_tools.words.wording import listed, plural


def left_out(returns: Returns) -> Html:
    """The notice of refused rows and files, without which a report was made; nothing where there are none."""
    rows, files = (
        returns.counts["rejected"].sum(),
        int((returns.counts["outcome"] == "refused").sum()),
    )
    if not rows and not files:
        return Html()
    sent = set(returns.rejected.get("kpi_id", pd.Series(dtype="str")).dropna())
    names = returns.catalogue.loc[returns.catalogue["kpi_id"].isin(sent), "kpi_name"]
    of_kpis = f", of these KPIs: {'; '.join(names)}" if len(names) else ""
    said = (
        [f"{rows:,} of {returns.counts['rows_in'].sum():,} rows received are rejected{of_kpis}."]
        if rows
        else []
    )
    said += [f"{plural(files, 'file')} could not be read at all."] if files else []
    return render("left_out.html.j2", said=" ".join(text[0].upper() + text[1:] for text in said))


def illustrative_banner(recent: pd.DataFrame, activity: pd.DataFrame | None = None) -> Html:
    """The notice at the top of a report that shows any invented figure; nothing for one that shows none."""
    figures = recent[recent["status"] == ILLUSTRATIVE]
    lines = recent.loc[recent["target_status"] == ILLUSTRATIVE, "kpi_id"].nunique()
    whole = recent.loc[recent["kpi_status"] == ILLUSTRATIVE, "kpi_id"].nunique()
    of_activity = 0 if activity is None else int((activity["status"] == ILLUSTRATIVE).sum())
    invented = [
        *(
            [f"{len(figures)} of the {len(recent)} quarterly figures of its KPIs"]
            if len(figures)
            else []
        ),
        *([f"the target or floor standard of {plural(lines, 'KPI')}"] if lines else []),
        *([f"the whole of {plural(whole, 'KPI')}"] if whole else []),
        *([plural(of_activity, "activity figure")] if of_activity else []),
    ]
    return render("banner.html.j2", invented=listed(invented)) if invented else Html()
