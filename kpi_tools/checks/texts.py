"""Checks of what is written against what the tables say: counts, targets, quarters, improvement,
titles. English is read as tokens: words, numbers and marks. Only a few forms are looked for; the
rest is left alone."""

import math
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final, NamedTuple

import pandas as pd

from kpi_tools.checks.findings import Finding
from kpi_tools.loading import Council, Returns
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, is_number, rows_of
from kpi_tools.scorecard import matrix, ratings_of, section_words
from kpi_tools.tokens import kpi_figures, without_figure
from kpi_tools.vocabulary import MONITORED, NEGATIVE, NOT_DUE, NOT_RATED
from kpi_tools.wording import in_words, within

_TOKEN: Final = re.compile(r"£?\d[\d,]*(?:\.\d+)?|[^\W\d_]+(?:['’-][^\W\d_]+)*|[^\w\s]|\n")
_ENDS: Final = frozenset(".!?;\n")
_NUMBERS: Final = {in_words(number): number for number in range(10)} | dict(
    zip(("ten", "eleven", "twelve", "none", "both"), (10, 11, 12, 0, 2), strict=True)
)
_MOST_BETWEEN: Final = 7
_LISTS: Final = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
_BETWEEN, _OF_ONE, _COMPARED, _IMPROVED, _NOT_SO = (
    frozenset(_LISTS[name].split())
    for name in ("between", "of_one", "compared", "improved", "not_so")
)
_ALIKE: Final = 0.88


class Word(NamedTuple):
    """A word, number or mark of a text: as it stands, and where it begins and ends."""

    text: str
    start: int
    end: int

    @property
    def plain(self) -> str:
        return self.text.casefold()


Sentence = list[Word]


def sentences(text: object) -> list[Sentence]:
    """The sentences of a text as lists of words."""
    found: list[Sentence] = [[]]
    for match in _TOKEN.finditer(str(text)):
        if match[0] in _ENDS:
            found.append([])
        else:
            found[-1].append(Word(match[0], match.start(), match.end()))
    return [sentence for sentence in found if sentence]


def written(returns: Returns, kpis: pd.DataFrame) -> pd.DataFrame:
    """Each commentary and action as shown and as sent; `kpi_id` is None on a section."""
    by_kpi = {row["kpi_id"]: row for row in rows_of(kpis)}
    sections = section_words(returns, kpis).to_dict("index")
    rows = []
    for index, sent in returns.commentary.to_dict("index").items():
        key = sent["kpi_id"] if isinstance(sent["kpi_id"], str) else None
        filled = by_kpi.get(key) if key else sections[index]
        for column in ("commentary", "management_action"):
            if filled is not None and isinstance(sent[column], str):
                place = f"{sent['file']}, row {sent['row']}, {column}"
                rows.append((key, filled["section"], column, filled[column], sent[column], place))
    columns = ["kpi_id", "section", "column", "text", "sent", "place"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _on_kpis(texts: pd.DataFrame, kpis: pd.DataFrame) -> Iterator[tuple[Row, Row]]:
    """Each text on a KPI with the KPI's row of the scorecard."""
    rows = {row["kpi_id"]: row for row in rows_of(kpis)}
    return ((row, rows[row["kpi_id"]]) for row in rows_of(texts[texts["kpi_id"].notna()]))


def tokens_without_figure(texts: pd.DataFrame, kpis: pd.DataFrame) -> Iterator[Finding]:
    """Tokens whose figure is missing in this quarter."""
    for row, kpi in _on_kpis(texts, kpis):
        figures = kpi_figures(kpi)
        there = ", ".join(f"{{{name}}}" for name, figure in figures.items() if figure)
        for token in without_figure(row["sent"], figures):
            finding = f"{token} of {row['kpi_id']} has no figure in this quarter."
            yield Finding("token-without-figure", row["place"], finding, there)


def counts(
    texts: pd.DataFrame, kpis: pd.DataFrame, pairs: pd.DataFrame, council: Council
) -> Iterator[Finding]:
    """Counts of ratings and of KPIs that are not those of the table; changes that are not like for
    like.

    A text on a section counts that section, or the whole report where it says so. `pairs`: the
    rating of each KPI that is in both reports, `now` and `before`.
    """
    counted = matrix(kpis, council).set_index("section").to_dict("index")
    whole = counted["Total"]
    bands = [name for name in ratings_of(council) if name not in (NOT_RATED, MONITORED, NOT_DUE)]
    now, then = (pairs[side].value_counts() for side in ("now", "before"))
    for row in rows_of(texts):
        section = counted.get(row["section"], whole)
        for sentence in sentences(row["text"]):
            about = [section, whole] if row["kpi_id"] else [section]
            if {"report", "council"} & {word.plain for word in sentence}:
                about = [whole]
            for words, number, what, way in _counted(sentence, bands, council.words["kpi_plural"]):
                change = int(now.get(what, 0) - then.get(what, 0))
                if way and number * way != change:
                    there = f"and like for like {what} changed by {change:+d}."
                    code = "change-not-like-for-like"
                elif not way and number not in [table[what] for table in about]:
                    named = within(council.words["kpi_plural"]) if what == "kpis" else what
                    there = f"and the table has {' or '.join(str(t[what]) for t in about)} {named}."
                    code = "count-in-text"
                else:
                    continue
                yield Finding(code, row["place"], f'"{_quote(row, words)}", {there}')


def _counted(
    sentence: Sentence, bands: Collection[str], kpis: str
) -> Iterator[tuple[Sentence, int, str, int]]:
    """Each count: its words, the number, a rating or `kpis`, and 1 or -1 for more or fewer."""
    names = ("kpis", "indicators", kpis.casefold())
    for place, word in enumerate(sentence):
        number = _number(word)
        before = [one.plain for one in sentence[max(place - 2, 0) : place]]
        if number is None or before[-1:] == ["at"]:
            continue
        rest = sentence[place + 1 :]
        way = {"more": 1, "fewer": -1, "less": -1}.get(rest[0].plain, 0) if rest else 0
        for between, other in enumerate(rest[bool(way) :][: _MOST_BETWEEN + 1]):
            if number > 1 and other.plain in _OF_ONE:
                break
            rating = other.text.removesuffix("s")  # `green` in `green spaces` is none
            if rating in bands:
                yield sentence[place : place + bool(way) + between + 2], number, rating, way
                break
            if other.plain not in _BETWEEN:
                break
        all_of_them = before[-1:] in (["all"], ["the"], ["our"]) or before[-2:] == ["out", "of"]
        if all_of_them and not way and rest and rest[0].plain in names:
            yield sentence[place - 1 : place + 2], number, "kpis", 0


def targets(texts: pd.DataFrame, kpis: pd.DataFrame, council: Council) -> Iterator[Finding]:
    """Targets and floor standards that are not the table's; the previous one is let pass."""
    lines = {"target": "target", "floor": "floor_standard"}
    lines[council.words["target"].casefold()] = "target"
    for row, kpi in _on_kpis(texts, kpis):
        for sentence in sentences(row["text"]):
            for place, word in enumerate(sentence):
                column = lines.get(word.plain)
                before = {one.plain for one in sentence[:place]}
                if column is None or before & {"previous", "earlier", "former", "last"}:
                    continue
                found, line = _line_after(sentence[place + 1 :]), kpi[column]
                if found and is_number(line) and not _prints_as(found.text, line):
                    words = _quote(row, sentence[place : sentence.index(found) + 1])
                    named = column.replace("_", " ")
                    there = f'"{words}", and the {named} in the table is {line:g}.'
                    yield Finding("target-in-text", row["place"], there)


def quarters(texts: pd.DataFrame, kpis: pd.DataFrame, quarter: Quarter) -> Iterator[Finding]:
    """Quarters named as if this report's; one compared with or still to come passes."""
    data = dict(zip(kpis["kpi_id"], kpis["quarter"], strict=True))
    for row in rows_of(texts):
        reported = {quarter} | ({Quarter.parse(data[row["kpi_id"]])} if row["kpi_id"] else set())
        for sentence in sentences(row["text"]):
            for place in range(len(sentence)):
                number, year = _quarter(sentence[place:])
                compared = _COMPARED & {one.plain for one in sentence[max(place - 4, 0) : place]}
                if number is None or compared or (year is None and row["column"] != "commentary"):
                    continue
                if any(one.number == number and year in (None, one.year % 100) for one in reported):
                    continue
                if year is None or (year, number) <= (quarter.year % 100, quarter.number):
                    words = _quote(row, sentence[place : place + 2])
                    there = f'"{words}" in the report of {quarter.title}.'
                    yield Finding("stale-quarter", row["place"], there)


def improvements(texts: pd.DataFrame, kpis: pd.DataFrame, council: Council) -> Iterator[Finding]:
    """A word of improvement beside a negative direction or a lower rating. What is denied, wished
    for or expected is let pass; so is a better quarter that is said to be one."""
    for row, kpi in _on_kpis(texts[texts["column"] == "commentary"], kpis):
        scheme = council.schemes.get(kpi["scheme"] or "", council.schemes[""])
        places = {band.name: place for place, band in enumerate(scheme.bands)}
        before = places.get(kpi["previous_rating"], math.nan)
        is_worse = places.get(kpi["rating"], math.nan) > before
        if kpi["direction_of_travel"] != NEGATIVE and not is_worse:
            continue
        step = (kpi["value"] - kpi["previous_value"]) * (-1 if kpi["polarity"] == "lower" else 1)
        for sentence in sentences(row["text"]):
            plain = [word.plain for word in sentence]
            place = next((at for at, word in enumerate(plain) if word in _IMPROVED), None)
            if place is None or _NOT_SO & set(plain[max(place - 3, 0) : place]):
                continue
            if step > 0 and {"quarter", "report"} & set(plain):
                continue
            then = f"{kpi['previous_value']:g} ({kpi['previous_rating']})"
            now = f"{kpi['value']:g} ({kpi['rating']}), direction {kpi['direction_of_travel']}"
            there = f'"{sentence[place].text}", and {row["kpi_id"]} went from {then} to {now}.'
            yield Finding("words-against-direction", row["place"], there)


def titles(texts: pd.DataFrame, kpis: pd.DataFrame, others: Mapping[str, str]) -> Iterator[Finding]:
    """A KPI's title spelt otherwise than in the catalogue; `others`: texts by their place."""
    places = dict(zip(texts["place"], texts["text"], strict=True)) | dict(others)
    stems = [name.partition(" - ")[0].partition(" (")[0] for name in kpis["kpi_name"]]
    names = {tuple(_words(stem)): stem for stem in stems}
    for place, text in places.items():
        spoken = _words(text)
        for title, name in names.items():
            size, whole = len(title), " ".join(title)
            if size < 3 or len(set(title) & set(spoken)) < 0.7 * size:
                continue
            windows = [
                " ".join(spoken[at : at + width])
                for width in (size - 1, size, size + 1)
                for at in range(len(spoken) - width + 1)
            ]
            near = get_close_matches(whole, windows, n=1, cutoff=_ALIKE)
            if near and near[0] != whole:
                finding = f'"{near[0]}", and the title of the KPI is "{name}".'
                yield Finding("title-spelt-two-ways", place, finding)


def unchanged(
    texts: pd.DataFrame, earlier: pd.DataFrame | None, quarter: Quarter
) -> Iterator[Finding]:
    """Commentary that is word for word that of the previous report."""
    if earlier is None:
        return
    last = earlier[earlier["quarter"] == quarter.shift(-1).label]
    keys = last["kpi_id"].fillna(last["section"])
    before = dict(zip(keys, last["commentary"].astype(str), strict=True))
    for row in rows_of(texts[texts["column"] == "commentary"]):
        if _words(before.get(row["kpi_id"] or row["section"], "")) == _words(row["sent"]):
            there = "The commentary is the same as in the previous report."
            yield Finding("commentary-unchanged", row["place"], there)


def _number(word: Word) -> int | None:
    """The count that a word is; a year is none."""
    if word.text.isdecimal():
        return int(word.text) if len(word.text) < len("2024") else None
    return _NUMBERS.get(word.plain)


def _line_after(words: Sentence) -> Word | None:
    """The number right after the word for a line: `of 85`, `standard is £4,000`, `stands at 5`."""
    plain = [word.plain for word in words[:4]]
    first = int(plain[:1] == ["standard"])
    for verb in (["of"], ["is"], ["was"], ["at"], ["stands", "at"]):
        after = first + len(verb)
        if plain[first:after] == verb and len(words) > after:
            return words[after] if any(map(str.isdigit, words[after].text)) else None
    return None


def _quarter(words: Sentence) -> tuple[int | None, int | None]:
    """The number of the quarter named here, and the two digits of the year its year began in."""
    name, number = words[0].plain, "".join(word.text for word in words[1:2])
    if name not in ("quarter", "qtr", "q") or number not in ("1", "2", "3", "4"):
        return None, None
    rest = [word.text for word in words[2:] if word.plain not in (",", "of")]
    given = len(rest) > 2 and rest[0].isdecimal() and rest[1] in "/-" and rest[2].isdecimal()
    return int(number), int(rest[0]) % 100 if given else None


def _prints_as(figure: str, value: float) -> bool:
    """Whether a number as written is the value, rounded to the decimals written."""
    plain = figure.strip("£").replace(",", "")
    return abs(float(plain) - value) <= 0.5 * 10.0 ** -len(plain.partition(".")[2]) + 1e-9


def _quote(row: Row, words: Sentence) -> str:
    """These words as they stand in the text."""
    return str(row["text"])[words[0].start : words[-1].end]


def _words(text: object) -> list[str]:
    each = [word for sentence in sentences(text) for word in sentence]
    return [word.plain for word in each if word.text[0].isalnum()]
