"""Checks of the words in what is written: repeated from last time, against the direction, a title spelt otherwise (floor 2).

Each function takes the table of texts that `text_checks.texts` makes and gives findings.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, Final

import pandas as pd

from kpi_tools.quarters import Quarter
from kpi_tools.release.text_checks import sentences
from kpi_tools.vocabulary import NEGATIVE, POSITIVE, RAGS
from kpi_tools.words.findings import Finding, error, warning
from kpi_tools.words.row_words import rows_of


def same_as_before(
    said: pd.DataFrame, earlier: pd.DataFrame, quarter: Quarter
) -> Iterator[Finding]:
    """Commentary that is word for word that of the previous report. `earlier`: columns as `remarks.commentary_until`."""
    before = earlier[earlier["quarter"] == quarter.shift(-1).label]
    told = {
        (row["kpi_id"] if isinstance(row["kpi_id"], str) else row["section"]): str(
            row["commentary"]
        )
        for row in rows_of(before)
    }
    for row in rows_of(said[said["column"] == "commentary"]):
        if _plain(told.get(row["kpi_id"] or row["section"], "")) == _plain(row["sent"]):
            yield warning(
                "commentary-unchanged", row["place"], "The commentary is the same as in the previous report.",
                "Write what happened in this quarter.",
            )  # fmt: skip


_ALIKE: Final = 0.88
_BETTER: Final = re.compile(r"\b(?:improv\w+|better|recover(?:ed|ing|s)|strengthen\w*)\b", re.I)
_WORSE: Final = re.compile(
    r"\b(?:worse\w*|deteriorat\w+|declin(?:ed|ing|es)|slipp(?:ed|ing))\b", re.I
)
_RISE: Final = re.compile(r"\b(?:increas(?:ed|ing|es)|rose|risen|rising|went up)\b", re.I)
_FALL: Final = re.compile(
    r"\b(?:decreas(?:ed|ing|es)|fell|fallen|falling|dropped|went down)\b", re.I
)
_SUBJECT: Final = re.compile(
    r"^\W*(?:the |this |our )?(?:KPI|figure|rate|share|percentage|proportion|number|result|performance)\b"
    r"(?! of (?:complaints|calls|requests|contacts))",
    re.I,
)
_NOT: Final = re.compile(
    r"\b(?:not|no|n't|to|will|should|can|could|would|may|if|until|than)\W+(?:\w+\W+){0,2}?$", re.I
)


def words_against_direction(said: pd.DataFrame, kpis: pd.DataFrame) -> Iterator[Finding]:
    """`improved` beside a negative arrow or a lower rating, `worse` beside their opposites, `rose` where it fell."""
    rows = {row["kpi_id"]: row for row in rows_of(kpis)}
    for row in rows_of(said[said["kpi_id"].notna() & (said["column"] == "commentary")]):
        kpi = rows[row["kpi_id"]]
        step = kpi["value"] - kpi["previous_value"]
        rating = _climbed(kpi["previous_rating"], kpi["rating"])
        better = step * (-1 if kpi["polarity"] == "lower" else 1)
        for sentence in sentences(row["text"]):
            for pattern, against, arrow, sign in (
                (_BETTER, NEGATIVE, -1, 1),
                (_WORSE, POSITIVE, 1, -1),
            ):
                found = pattern.search(sentence)
                if not found or _NOT.search(sentence[: found.start()]):
                    continue
                on_quarter = (
                    re.search(r"\b(?:quarter|last report)\b", sentence, re.I) and better * sign > 0
                )
                if (kpi["direction_of_travel"] == against or rating * arrow > 0) and not on_quarter:
                    yield _contradiction(row, found[0], kpi)
            if _SUBJECT.search(sentence):
                for pattern, sign in ((_RISE, 1), (_FALL, -1)):
                    found = pattern.search(sentence)
                    if (
                        found
                        and not _NOT.search(sentence[: found.start()])
                        and step * sign < 0
                        and not kpi["slope"] * sign > 0
                    ):
                        yield _contradiction(row, found[0], kpi)


def _contradiction(row: Mapping[str, Any], word: str, kpi: Mapping[str, Any]) -> Finding:
    before, now = (
        f"{kpi['previous_value']:g} ({kpi['previous_rating']})",
        f"{kpi['value']:g} ({kpi['rating']})",
    )
    return warning(
        "words-against-direction", row["place"],
        f'"{word}", and {row["kpi_id"]} went from {before} to {now}, direction {kpi["direction_of_travel"]}.',
        "Say over which time it is meant, or correct it.",
    )  # fmt: skip


def titles(said: pd.DataFrame, kpis: pd.DataFrame, others: Mapping[str, str]) -> Iterator[Finding]:
    """A KPI's title that is spelt otherwise than in the catalogue, in commentary or in `others` (place → text)."""
    places = dict(zip(said["place"], said["text"], strict=True)) | dict(others)
    by_words = {tuple(_words(_stem(name))): _stem(name) for name in kpis["kpi_name"]}
    for place, text in places.items():
        spoken = _words(text)
        for title, name in by_words.items():
            size = len(title)
            if size < 3 or len(set(title) & set(spoken)) < 0.7 * size:
                continue
            windows = [
                spoken[at : at + width]
                for width in (size, size - 1, size + 1)
                for at in range(len(spoken) - width + 1)
            ]
            if list(title) in windows:
                continue
            if near := _nearest(map(" ".join, windows), " ".join(title)):
                yield error(
                    "title-spelt-two-ways", place, f'"{near}", and the title of the KPI is "{name}".',
                    "Spell it as in kpis.csv.",
                )  # fmt: skip


def _nearest(texts: Iterable[str], title: str) -> str:
    """The text most like the title, if any is like enough to be meant for it."""
    matcher, alike = SequenceMatcher(b=title), dict[str, float]()
    for text in texts:
        matcher.set_seq1(text)
        if (
            min(matcher.real_quick_ratio(), matcher.quick_ratio()) >= _ALIKE
        ):  # upper bounds, soon known
            alike[text] = matcher.ratio()
    near = max(alike, key=lambda text: alike[text], default="")
    return near if alike.get(near, 0) >= _ALIKE else ""


def _climbed(before: object, now: object) -> int:
    """How many colours better; none where one of the two is not rated."""
    return RAGS.index(str(before)) - RAGS.index(str(now)) if before in RAGS and now in RAGS else 0


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _words(text: object) -> list[str]:
    return re.findall(r"[\w'&%]+", str(text).casefold())


def _stem(name: str) -> str:
    return name.partition(" - ")[0].partition(" (")[0]
