"""Three KPIs of Bracknell Forest as published (council plan overview reports, March 2025 to January 2026).

Its own rule: Green within 5% of the target, Amber within 10%, else Red; the arrow against the
previous quarter.
"""

import pytest

from kpi_tools.loading import load
from kpi_tools.scorecard import recent_quarters, score
from tests.small_council import make_council

SETTINGS = """
[rating]
bands = [
  { name = "Green", meets = "target within 5%" },
  { name = "Amber", meets = "target within 10%" },
  { name = "Red" },
]
[direction]
show = ["previous", "trend"]
"""
KPIS = [
    "kpi_id,kpi_name,section,unit,polarity,basis",
    "EH02,Children with a plan in a school of the borough,Roads,%,higher,snapshot",
    "EH03,Visits to a discovery centre,Roads,count,higher,quarter",
    "EH08,Care leavers not in education or work,Care,%,lower,snapshot",
]
TARGETS = {
    "EH02": {"2024-25 Q2": 75, "2025-26 Q1": 76},
    "EH03": {"2024-25 Q2": 19625, "2025-26 Q1": 19875},
    "EH08": {"2024-25 Q2": 36, "2024-25 Q4": 35, "2025-26 Q2": 34},
}
FIGURES = {
    "2024-25 Q2": (72.4, 18565, 62.5),
    "2024-25 Q3": (73.4, 10966, 53.6),
    "2024-25 Q4": (73.6, 20020, 53.1),
    "2025-26 Q1": (72.8, 20843, 53.8),
    "2025-26 Q2": (75.2, 26502, 59.5),
}
RATINGS = {
    "2024-25 Q3": ("Green", "Red", "Red"),
    "2024-25 Q4": ("Green", "Green", "Red"),
    "2025-26 Q1": ("Green", "Green", "Red"),
    "2025-26 Q2": ("Green", "Green", "Red"),
}
TRENDS = {
    "2024-25 Q4": ("better", "better", "better"),
    "2025-26 Q1": ("worse", "better", "worse"),
    "2025-26 Q2": ("better", "better", "worse"),
}


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    targets = ["kpi_id,from_quarter,target"]
    for kpi, lines in TARGETS.items():
        targets += [f"{kpi},{quarter},{target}" for quarter, target in lines.items()]
    figures = []
    for quarter, values in FIGURES.items():
        figures += [(quarter, kpi, quarter, n) for kpi, n in zip(TARGETS, values, strict=True)]
    return make_council(tmp_path_factory.mktemp("raw"), KPIS, figures, targets, SETTINGS)


@pytest.mark.parametrize("quarter", RATINGS)
def test_published_ratings_and_trends_come_out(raw, quarter):
    returns = load(raw, quarter)
    kpis = score(recent_quarters(returns), returns)
    assert tuple(kpis["rating"]) == RATINGS[quarter]
    if quarter in TRENDS:
        assert tuple(kpis["arrow"]) == TRENDS[quarter]
