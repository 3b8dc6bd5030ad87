"""What stands on a picture beside its figures: words where there are none, and numbers where something happened."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pandas as pd
from markupsafe import Markup

from kpi_tools.page.canvas import Canvas
from kpi_tools.page.drawing import BLUE, QUIET, VIOLET
from kpi_tools.page.labels import text_width
from kpi_tools.vocabulary import (
    COMMON_CAUSE,
    CONCERN,
    FAILS,
    HIGHER,
    HIT_OR_MISS,
    ILLUSTRATIVE,
    IMPROVEMENT,
    NEUTRAL,
    PASSES,
)
from kpi_tools.wording import Row, Rows, is_number, is_text, rows_of

_QUALITY = ("sign-off", "timeliness", "audit", "system")
_LETTERS = {"G": "Green", "A": "Amber", "R": "Red"}
_ORANGE = "#b3470b"
_ABSENT = {"suppressed": "[c]", "not applicable": "n/a"}


def draw_gaps(canvas: Canvas, points: Rows) -> None:
    """A word for each run of periods without a figure, where there is room for it."""
    words = [
        "" if is_number(row["value"]) else _ABSENT.get(row["status"], "no data") for row in points
    ]
    for word, run in groupby(range(len(points)), key=lambda n: words[n]):
        places = list(run)
        if canvas.x(len(places)) >= text_width(word, 13):
            canvas.text(
                places[0] + len(places) / 2, canvas.height - 7, word, colour=QUIET, halo=True
            )


def notes_on(annotations: pd.DataFrame, kpi: Row) -> Rows:
    """The dated notes on a KPI, its section or all, oldest first."""
    about = annotations["section"].isin([kpi["section"], "all"])
    return rows_of(annotations[about | (annotations["kpi_id"] == kpi["kpi_id"])])


def draw_dated(canvas: Canvas, points: Rows, notes: Sequence[Row]) -> list[str]:
    """Number each note that falls within the periods of `points`; their words, in the order of their numbers."""
    ends = [pd.Timestamp(row["period_end"]) for row in points]
    first = ends[0] - (ends[1] - ends[0]) if len(ends) > 1 else ends[0] - pd.Timedelta(days=92)
    said: list[str] = []
    for note in notes:
        day = pd.Timestamp(note["date"])
        place = next((n for n, end in enumerate(ends) if day <= end), None)
        if place is None or day <= first:
            continue
        begin = ends[place - 1] if place else first
        x = place + (day - begin) / (ends[place] - begin)
        said.append(f"{len(said) + 1}: {note_in_words(note)}")
        canvas.line("divider", [x, x], [canvas.low, canvas.high])
        number: dict[str, Any] = {"bold": True, "colour": QUIET, "align": "left"}
        at = x + 3 * canvas.places / canvas.width
        if not canvas.note(at, [12, 26, canvas.height - 22], f"{len(said)}", **number):
            canvas.text(at, 12, f"{len(said)}", halo=True, **number)
    return said


def note_in_words(note: Row) -> str:
    """`1 April 2024: New booking system (Cabinet, 14 March 2024).`"""
    day = pd.Timestamp(note["date"])
    source = [str(note["source"])] if is_text(note["source"]) else []
    source += [ILLUSTRATIVE] if note["status"] == ILLUSTRATIVE else []
    more = f" ({', '.join(source)})" if source else ""
    return f"{day.day} {day:%B %Y}: {str(note['label']).rstrip('.')}{more}."


def assurance_marks(kpi: Row) -> Markup:
    """Variation and assurance of a KPI as small marks in the forms that NHS readers know, each with its word; or nothing."""
    up = kpi["polarity"] == HIGHER
    letters = {
        IMPROVEMENT: (BLUE, "H" if up else "L"),
        CONCERN: (_ORANGE, "L" if up else "H"),
        NEUTRAL: (VIOLET, "↕"),
        COMMON_CAUSE: (QUIET, "∿"),
        PASSES: (BLUE, "P"),
        FAILS: (_ORANGE, "F"),
        HIT_OR_MISS: (QUIET, "?"),
    }
    svg = Markup(
        '<svg class="mark" role="img" aria-label="{0}" viewBox="0 0 20 20" width="20" height="20"><title>{0}</title>'
        '<circle cx="10" cy="10" r="8.5" fill="none" stroke="{1}" stroke-width="2"/>'
        '<text x="10" y="14" text-anchor="middle" font-size="11" font-weight="bold" fill="{1}">{2}</text></svg>'
    )
    words = [str(kpi[name]) for name in ("variation", "assurance")]
    return Markup("").join(svg.format(word, *letters[word]) for word in words if word in letters)


def quality_notes(kpi: Row) -> list[str]:
    """The council's own mark of its data, in words, where the KPI was last reviewed and where it was escalated to."""
    letters = kpi["data_quality"] if is_text(kpi.get("data_quality")) else ""
    marks = [f"{of} {_LETTERS[letter]}" for of, letter in zip(_QUALITY, letters, strict=False)]
    said = {
        "Data quality": ", ".join(marks),
        "Last reviewed": kpi.get("reviewed_at"),
        "Escalated to": kpi.get("escalated_to"),
    }
    return [f"{label}: {text}." for label, text in said.items() if is_text(text) and text]


def nearest(notes: Sequence[Row], day: Any) -> Row | None:
    """The note whose date is nearest to a day."""
    return min(
        notes, key=lambda note: abs(pd.Timestamp(note["date"]) - pd.Timestamp(day)), default=None
    )
