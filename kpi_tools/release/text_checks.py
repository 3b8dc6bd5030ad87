"""Checks of the figures in what is written against those of the tables: tokens, counts, targets, values (floor 2).

Each function takes the table of texts that `texts` makes and gives findings. They read English as committees write it;
what they cannot read they leave alone.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

import pandas as pd

from kpi_tools.loading import Returns
from kpi_tools.scorecard import matrix, section_words
from kpi_tools.words.findings import Finding, error, warning
from kpi_tools.words.row_words import rows_by, rows_of
from kpi_tools.words.tokens import kpi_figures, without_figure

_SMALL: Final = {
    word: number
    for number, word in enumerate(
        (
            "no",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        )
    )
} | {"none": 0, "both": 2}
_NUMBER: Final = rf"(?P<number>\d+|{'|'.join(_SMALL)})"
_BETWEEN: Final = (
    r"(?:\s+(?:of|the|them|these|its|this|our|KPIs?|indicators?|measures?|section|report|is|are|was|were|rated|now|"
    r"remains?|stays?|stay)){0,7}?"
)
_COLOUR: Final = r"(?P<rating>Green|Amber|Red)s?\b"
_COUNT: Final = re.compile(rf"\b{_NUMBER}{_BETWEEN}\s+{_COLOUR}", re.I)
_CHANGE: Final = re.compile(
    rf"\b{_NUMBER}\s+(?P<way>more|fewer|less)\s+(?:KPIs?\s+(?:are\s+)?)?{_COLOUR}", re.I
)
_ALL: Final = re.compile(
    rf"\b(?:all|out of(?: the)?|of (?:the|our)|the)\s+{_NUMBER}\s+(?:KPIs|indicators)\b", re.I
)
_SENTENCE: Final = re.compile(r"[^.!?;\n]+(?:\.\d[^.!?;\n]*)*")
_PUT: Final = "Correct it, or use a token, which is filled in from the table."


def texts(returns: Returns, kpis: pd.DataFrame) -> pd.DataFrame:
    """Every commentary and action as shown: `kpi_id` (null: on a section), `section`, `column`, `text`, `sent`, `place`."""
    shown = {row["kpi_id"]: row for row in rows_of(kpis)}
    sections = section_words(returns, kpis).to_dict("index")
    rows = []
    for index, sent in returns.commentary.to_dict("index").items():
        of_kpi = isinstance(sent["kpi_id"], str)
        filled = shown.get(sent["kpi_id"]) if of_kpi else sections[index]
        for column in ("commentary", "management_action"):
            if filled is not None and isinstance(sent[column], str):
                rows.append({
                    "kpi_id": sent["kpi_id"] if of_kpi else None, "section": filled["section"], "column": column,
                    "text": filled[column], "sent": sent[column],
                    "place": f"{sent['file']}, row {sent['row']}, {column}",
                })  # fmt: skip
    return pd.DataFrame(
        rows, columns=["kpi_id", "section", "column", "text", "sent", "place"], dtype=object
    )


def sentences(text: object) -> list[str]:
    """The sentences of a text, as they stand."""
    return [found[0] for found in _SENTENCE.finditer(str(text))]


def tokens_without_figure(said: pd.DataFrame, kpis: pd.DataFrame) -> Iterator[Finding]:
    """Tokens whose figure is missing in this quarter."""
    figures = {row["kpi_id"]: kpi_figures(row) for row in rows_of(kpis)}
    for row in rows_of(said[said["kpi_id"].notna()]):
        for token in without_figure(row["sent"], figures[row["kpi_id"]]):
            there = ", ".join(
                f"{{{name}}}" for name, figure in figures[row["kpi_id"]].items() if figure
            )
            yield error(
                "token-without-figure", row["place"], f"{token} of {row['kpi_id']} has no figure in this quarter.",
                f"Write the sentence without it. There are: {there}.",
            )  # fmt: skip


def counts_in_text(
    said: pd.DataFrame, kpis: pd.DataFrame, change: Mapping[str, int]
) -> Iterator[Finding]:
    """Counts of colours and of KPIs that are not those of the table; changes that are not like for like.

    A text on a section counts that section, or the whole report where it says so. `change`: how each colour changed
    like for like in the whole report.
    """
    counted = matrix(kpis).set_index("section").to_dict("index")
    whole = counted["Total"]
    for row in rows_of(said):
        own = counted.get(row["section"], whole)
        for sentence in sentences(row["text"]):
            about = [whole] if re.search(r"\b(?:report|council)\b", sentence, re.I) else [own]
            about = [own, whole] if row["kpi_id"] else about
            for found in _CHANGE.finditer(sentence):
                rating, told = found["rating"].capitalize(), _number(found["number"])
                told = told if found["way"].lower() == "more" else -told
                if told != change[rating]:
                    yield error(
                        "change-not-like-for-like", row["place"],
                        f'"{found[0]}", and like for like {rating} changed by {change[rating]:+d}.',
                        "Give the change on the KPIs that are in both reports.",
                    )  # fmt: skip
            for pattern in (_COUNT, _ALL):
                for found in pattern.finditer(sentence):
                    word = found["rating"].capitalize() if pattern is _COUNT else "kpis"
                    if _number(found["number"]) not in [table[word] for table in about]:
                        there = " or ".join(str(table[word]) for table in about)
                        what = "KPIs" if word == "kpis" else word
                        yield error(
                            "count-in-text",
                            row["place"],
                            f'"{found[0]}", and the table has {there} {what}.',
                            _PUT,
                        )


def figures_in_text(
    said: pd.DataFrame, recent: pd.DataFrame, known: Mapping[str, list[float]]
) -> Iterator[Finding]:
    """Targets that are not the table's, and other figures in the KPI's unit that stand nowhere in its figures.

    `recent`: the quarters shown; `known`: for each KPI what else is known of it (single months, benchmarks).
    """
    shown = rows_by(recent)
    for row in rows_of(said[said["kpi_id"].notna()]):
        own = shown[row["kpi_id"]]
        last = own[-1]
        text, taken = str(row["text"]), []
        for column, word in (("target", "target"), ("floor_standard", "floor(?: standard)?")):
            for found in re.finditer(
                rf"\b{word} (?:of|is|was|stands at|at) (?P<figure>£?\d[\d,.]*\d|\d)", text, re.I
            ):
                taken.append(found.start("figure"))
                if (
                    not _matches(found["figure"], [last[column]])
                    and "previous" not in text[: found.start()].split(".")[-1]
                ):
                    yield error(
                        "target-in-text", row["place"],
                        f'"{found[0]}", and the {column.replace("_", " ")} in the table is {last[column]:g}.', _PUT,
                    )  # fmt: skip
        lines = ("value", "target", "floor_standard", "numerator", "denominator")
        there = [one[name] for name in lines for one in own] + known.get(row["kpi_id"], [])
        steps = [now["value"] - before["value"] for before, now in pairwise(own)]
        for found in _figures(text, last["unit"]):
            if found.start("figure") not in taken and not _matches(
                found["figure"], [*there, *map(abs, steps)]
            ):
                yield warning(
                    "figure-in-text", row["place"],
                    f'"{found[0].strip()}" is none of the figures shown for {row["kpi_id"]}.', _PUT,
                )  # fmt: skip


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else _SMALL[text.lower()]


def _figures(text: str, unit: str) -> Iterator[re.Match[str]]:
    if unit == "%":
        return re.finditer(r"(?P<figure>\d+(?:\.\d+)?)\s*(?:%|per cent\b|percent\b)", text)
    other = r"(?!\s*(?:%|per cent|working days?|days?|weeks?|hours?|months?|years?|percentage))"
    return re.finditer(
        rf"(?<![\d/.,])(?P<figure>(?!(?:19|20)\d\d\b)\d[\d,]{{2,}}(?:\.\d+)?)\b(?!/){other}", text
    )


def _matches(figure: str, there: list[float]) -> bool:
    plain = figure.strip("£,.").replace(",", "")
    half = 0.5 * 10.0 ** -len(plain.partition(".")[2]) + 1e-9
    return any(abs(float(plain) - value) <= half for value in there)
