# The same report as an analyst would write it with pandas and Altair alone: the measure for benchmarks/run.py, which makes
# a notebook of these cells. The same figures, ratings, words and charts (as SVG), without checks, descriptions or layout.

# %%
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import vl_convert
from IPython.display import HTML, SVG, Markdown, display

# %% parameters
quarter = "2024-25 Q3"
raw = "data/raw"

# %%
raw = Path(raw)
folders = [
    folder
    for folder in sorted((raw / "returns").iterdir())
    if folder.name <= quarter.replace(" ", "-")
]
files = [
    path
    for folder in folders
    for path in sorted(folder.glob("*.csv")) + sorted(folder.glob("*.xlsx"))
]
returns = pd.concat(
    [pd.read_excel(path) if path.suffix == ".xlsx" else pd.read_csv(path) for path in files]
)
returns = returns[returns["period"].str.contains("Q")].drop_duplicates(
    ["kpi_id", "period"], keep="last"
)
catalogue = pd.read_csv(raw / "kpis.csv")
targets = pd.read_csv(raw / "targets.csv")
activity = pd.read_csv(raw / "activity.csv")
commentary = pd.read_csv(raw / "commentary" / f"{quarter.replace(' ', '-')}.csv")

# %%
figures = catalogue.merge(returns, on="kpi_id").sort_values(["kpi_id", "period"])
figures = figures[figures["period"] <= quarter].groupby("kpi_id").tail(6)
lines = figures[["kpi_id", "period"]].merge(targets, on="kpi_id")
lines = (
    lines[lines["from_quarter"] <= lines["period"]]
    .sort_values("from_quarter")
    .groupby(["kpi_id", "period"])
    .last()
)
figures = figures.merge(
    lines[["target", "floor_standard"]], left_on=["kpi_id", "period"], right_index=True, how="left"
)
sign = np.where(figures["polarity"] == "lower", -1, 1)
met, above = (
    sign * (figures["value"] - figures["target"]) >= 0,
    sign * (figures["value"] - figures["floor_standard"]) >= 0,
)
figures["rating"] = np.select([met, above], ["Green", "Amber"], "Red")
latest = figures[figures["period"] == quarter].set_index("kpi_id")
slopes = {
    kpi: np.polyfit(range(len(one)), one["value"].fillna(0), 1)[0]
    for kpi, one in figures.groupby("kpi_id")
}
latest["slope"] = pd.Series(slopes)

# %%
counts = figures.groupby(["period", "rating"]).size().reset_index(name="kpis")
chart = (
    alt.Chart(counts)
    .mark_bar()
    .encode(x="period", y="kpis", color="rating")
    .properties(width=280, height=150)
)
display(Markdown(f"# Quarterly Performance Report, {quarter}"))
display(SVG(vl_convert.vegalite_to_svg(chart.to_dict())))
display(HTML(latest.groupby(["section", "rating"]).size().unstack(fill_value=0).to_html()))
display(
    HTML(
        latest[latest["rating"] == "Red"][
            ["kpi_name", "value", "target", "floor_standard"]
        ].to_html()
    )
)

# %%
for section, kpis in latest.groupby("section"):
    display(Markdown(f"## {section}"))
    display(
        Markdown(
            "\n\n".join(commentary.loc[commentary["section"] == section, "commentary"].fillna(""))
        )
    )
    for kpi_id, kpi in kpis.iterrows():
        points = figures[figures["kpi_id"] == kpi_id].assign(
            label=lambda table: table["value"].round(1).astype(str)
        )
        base = alt.Chart(points).encode(x=alt.X("period:O", axis=None))
        scale = alt.Scale(domain=[0, 1.2 * max(points["value"].max(), points["target"].max())])
        columns = base.mark_bar(strokeWidth=1.5).encode(
            y=alt.Y("value:Q", axis=None, scale=scale),
            fill=alt.Fill(
                "status_y:N", legend=None, scale=alt.Scale(domain=["final"], range=["#1d5b94"])
            ),
        )
        target = base.mark_line(interpolate="step", strokeDash=[8, 4], strokeWidth=2).encode(
            y="target:Q"
        )
        floor = base.mark_line(interpolate="step", strokeDash=[2, 3], strokeWidth=2).encode(
            y="floor_standard:Q"
        )
        halo = base.mark_line(interpolate="step", stroke="white", strokeWidth=5).encode(
            y="target:Q"
        )
        labels = base.mark_text(dy=-6, fontSize=11).encode(y="value:Q", text="label:N")
        quarters = base.mark_text(dy=10, fontSize=11).encode(y=alt.value(150), text="period:N")
        ends = (
            alt.Chart(points.tail(1))
            .mark_text(align="left", dx=24)
            .encode(x="period:O", y="target:Q", text=alt.value("Target"))
        )
        chart = alt.layer(columns, halo, target, floor, labels, quarters, ends).properties(
            width=276, height=150
        )
        said = commentary[commentary["kpi_id"] == kpi_id]
        display(
            Markdown(
                f"### {kpi['kpi_name']}\n\n**{kpi['rating']}**, {kpi['value']} against {kpi['target']}"
            )
        )
        display(SVG(vl_convert.vegalite_to_svg(chart.to_dict())))
        display(
            Markdown(
                "\n\n".join([*said["commentary"].fillna(""), *said["management_action"].fillna("")])
            )
        )
        display(
            HTML(
                points[["period", "value", "target", "floor_standard", "rating"]].to_html(
                    index=False
                )
            )
        )

# %%
for name, points in activity[activity["period"] <= quarter].groupby("activity_name"):
    points = (
        points.sort_values("period").tail(6).assign(label=lambda table: table["value"].astype(str))
    )
    base = alt.Chart(points).encode(x=alt.X("period:O", axis=None))
    band = base.mark_area(fill="#e3e8ec").encode(
        y=alt.Y("lower_expected:Q", axis=None), y2="upper_expected:Q"
    )
    line = base.mark_line(strokeWidth=2.5, stroke="#1d5b94").encode(y="value:Q")
    dots = base.mark_point(size=45, filled=True).encode(
        y="value:Q", fill=alt.Fill("status:N", legend=None)
    )
    labels = base.mark_text(dy=-8, fontSize=11).encode(y="value:Q", text="label:N")
    quarters = base.mark_text(dy=10, fontSize=11).encode(y=alt.value(150), text="period:N")
    chart = alt.layer(band, line, dots, labels, quarters).properties(width=276, height=150)
    display(Markdown(f"### {name}"))
    display(SVG(vl_convert.vegalite_to_svg(chart.to_dict())))
    display(
        HTML(points[["period", "value", "lower_expected", "upper_expected"]].to_html(index=False))
    )
