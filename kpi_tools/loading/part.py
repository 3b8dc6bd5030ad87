"""The part of a council's returns that is of one section or directorate, for a report of its own."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from kpi_tools.loading.due import in_set
from kpi_tools.wording import named, plural

if TYPE_CHECKING:
    from kpi_tools.loading import Returns

_OF_KPIS = ("targets", "figures", "months", "submissions", "benchmarks", "rebases", "agreed")
_OF_BOTH = ("commentary", "actions", "changelog", "words")


def part_of(returns: "Returns", name: str) -> "Returns":
    """The returns with the KPIs of one section or directorate alone, which the report's title and first notice say.

    Raises `InputError` with the nearest names where there is none of that name.
    """
    catalogue = returns.catalogue
    sections = list(returns.council.sections)
    places = dict.fromkeys([*sections, *catalogue["directorate"].dropna()])
    found = named(name, {place: place for place in places}, "section or directorate")
    column = "section" if found in sections else "directorate"
    kpis = catalogue[(catalogue[column] == found).fillna(False)]
    kept = [one for one in sections if one == found or one in set(kpis["section"])]
    whole, own = (len(in_set(table, returns.quarter)) for table in (catalogue, kpis))
    word = returns.council.words
    said = (
        f"{found} only. This report has {own:,} of the {plural(whole, word['kpi'], word['kpi_plural'])} of the council's "
        "report, and its counts are of these alone."
    )
    ids, about = set(kpis["kpi_id"]), kept if column == "section" else []
    tables = {table: _rows(getattr(returns, table), ids, []) for table in _OF_KPIS}
    tables |= {table: _rows(getattr(returns, table), ids, about) for table in _OF_BOTH}
    tables["activity"] = returns.activity[returns.activity["section"].isin(about)]
    title = f"{returns.council.report_title}: {found}"
    council = replace(returns.council, sections=tuple(kept), report_title=title)
    tables = {name: table.reset_index(drop=True) for name, table in tables.items()}
    return replace(
        returns, council=council, catalogue=kpis.reset_index(drop=True), only=said, **tables
    )


def _rows(table: pd.DataFrame, ids: set[str], sections: list[str]) -> pd.DataFrame:
    of_kpi = table["kpi_id"].isin(ids)
    if not sections or "section" not in table:
        return table[of_kpi]
    return table[of_kpi | (table["kpi_id"].isna() & table["section"].isin(sections))]
