"""Where the words on a KPI are written beside its evidence: what stands there, the draft, what `check` says of it, Save."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from kpi_tools.checks import release_findings
from kpi_tools.errors import KpiError
from kpi_tools.explorer import words
from kpi_tools.explorer.evidence import Evidence, said_so_far
from kpi_tools.explorer.points import remarks
from kpi_tools.explorer.sentences import doubts_in_words, draft
from kpi_tools.loading import commentary_now, raw_folder
from kpi_tools.provenance import council_name, slug
from kpi_tools.report import OUTPUTS, RAW
from kpi_tools.report.publish import MANIFEST
from kpi_tools.scorecard import in_last_band
from kpi_tools.scorecard.actions import OPEN, followed
from kpi_tools.terms import Terms
from kpi_tools.tokens import filled, kpi_figures
from kpi_tools.wording import is_text, plural, rows_of

_NAMES = ("commentary", "management_action")


class Desk:
    """The words of one quarter's report. `saved`: what can be undone, the last save last."""

    def __init__(self, known: Evidence, commentary: pd.DataFrame, raw: str) -> None:
        self.known, self.commentary = known, commentary
        self.raw, self.saved = raw_folder(raw), list[words.Written]()

    def show(self, kpi_id: str) -> dict[str, Any]:
        """What stands there of a KPI, the draft, the texts before, the open actions, and whether it can be written."""
        kpi, terms = self.known.kpi(kpi_id), Terms(self.known.returns.council)
        figures = kpi_figures(kpi)
        now, why_not, place = ("", ""), self._why_not(kpi_id), ""
        try:
            path = words.words_file(self.raw, self.known.returns.quarter)
            now, place = words.read_words(path, kpi_id), f"{path.parent.name}/{path.name}"
        except (KpiError, OSError) as error:
            why_not = why_not or str(error)
        sent = [kpi[name] if is_text(kpi[name]) else "" for name in _NAMES]
        before = self.commentary[self.commentary["quarter"] < self.known.returns.quarter.label]
        earlier = rows_of(said_so_far(self.known, before[before["kpi_id"] == kpi_id]))[-1:]
        actions = followed(self.known.returns)
        mine = actions[(actions["kpi_id"] == kpi_id) & (actions["status"] == OPEN)]
        own = self.known.of("kpis", kpi_id)
        needed = bool(in_last_band(own, self.known.returns.council).any())
        return {
            "now": list(now),
            "texts": list(now) if any(now) else sent,
            "draft": draft(self.known, kpi_id),
            "tokens": {name: text for name, text in figures.items() if text},
            "before": [text for row in earlier for text in remarks(row)],
            "actions": [
                f"{row['action']} ({row['owner']}, due {row['due']})" for row in rows_of(mine)
            ],
            "needed": needed,
            "action": terms.head("management_action"),
            "why_not": why_not,
            "place": place,
            "undo": bool(self.saved),
        }

    def save(self, kpi_id: str, texts: list[str], shown: list[str] | None = None) -> dict[str, Any]:
        """Write both texts; a conflict gives `theirs`. Then what is found of the KPI, as `check` finds it."""
        if why_not := self._why_not(kpi_id):
            raise KpiError(why_not)
        path = words.words_file(self.raw, self.known.returns.quarter)
        stood = None if shown is None else (shown[0], shown[1])
        try:
            self.saved.append(words.save_words(path, kpi_id, (texts[0], texts[1]), stood))
        except words.ConflictError as error:
            return {"theirs": list(error.theirs), "said": str(error)}
        return self._after(kpi_id, f"Saved in {path.parent.name}/{path.name}")

    def undo(self, kpi_id: str) -> dict[str, Any]:
        """Take the last save back."""
        if not self.saved:
            raise KpiError("There is nothing to undo.")
        words.undo(self.saved[-1])
        self.saved.pop()
        return self._after(kpi_id, "The last save is undone")

    def _after(self, kpi_id: str, done: str) -> dict[str, Any]:
        said, problems = commentary_now(self.raw, self.known.returns)
        label = self.known.returns.quarter.label
        others = self.commentary[self.commentary["quarter"] != label]
        self.commentary = pd.concat([others, said.assign(quarter=label)], ignore_index=True)
        found = self._found(kpi_id, said, problems)
        left = plural(len(found), "finding")
        return {"said": f"{done}; {left}.", "found": found, **self.show(kpi_id)}

    def _found(self, kpi_id: str, said: pd.DataFrame, problems: pd.DataFrame) -> list[str]:
        """What `check` finds in the words on a KPI."""
        own = said[said["kpi_id"] == kpi_id]
        returns, kpi = self.known.returns, self.known.of("kpis", kpi_id)
        texts = {name: own[name].iloc[0] if len(own) else None for name in _NAMES}
        kpi = kpi.assign(
            **{
                name: filled(text, kpi_figures(self.known.kpi(kpi_id))) if is_text(text) else None
                for name, text in texts.items()
            }
        )
        returns = replace(returns, commentary=own.reset_index(drop=True))
        recent = self.known.of("recent", kpi_id)
        findings = release_findings(returns, recent, kpi, same=kpi.head(0), earlier=self.commentary)
        findings = findings[findings["code"].isin(_OF_WORDS)]
        path = words.words_file(self.raw, returns.quarter)
        faults = problems[problems["row"] == words.row_of(path, kpi_id)]
        broken = [f"{row['rule']} {row['remedy']}" for row in rows_of(faults)]
        return broken + [f"{row['finding']} {row['remedy']}" for row in rows_of(findings)]

    def _why_not(self, kpi_id: str) -> str:
        quarter = self.known.returns.quarter
        if is_published(self.raw, quarter.slug):
            return (
                f"The report of {quarter.title} is published: its words can be read, not changed."
            )
        return doubts_in_words(self.known, kpi_id)


_OF_WORDS = (
    "red-without-action",
    "token-without-figure",
    "count-in-text",
    "target-in-text",
    "stale-quarter",
    "words-against-direction",
    "title-spelt-two-ways",
    "commentary-unchanged",
)
"""The findings that are about what is written."""


def is_published(raw: Path, quarter: str) -> bool:
    """Whether the outputs hold the final report of a quarter."""
    own = raw.resolve() == RAW.resolve()
    folder = (OUTPUTS if own else OUTPUTS / slug(council_name(raw))) / quarter
    try:
        return bool(
            json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["edition"] == "final"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False
