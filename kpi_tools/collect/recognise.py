"""What a heading or a cell of a council's workbook means, and how sure that is."""

import re
import tomllib
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from kpi_tools.loading.cells import clean_name

_MONTH: Final = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    "sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)


class Sure(StrEnum):
    """How sure a decision is; `given` where whoever filled in the mapping made it."""

    CERTAIN, LIKELY, UNKNOWN, GIVEN = "certain", "likely", "not told", "given"


class Fact(NamedTuple):
    """What is known, how sure that is and why."""

    value: str
    sure: str
    why: str


class Meaning(NamedTuple):
    """What a text was taken for, and how sure that is."""

    means: str
    sure: str


@cache
def recognisers() -> dict[str, list[tuple[re.Pattern[str], Meaning]]]:
    """By group what patterns mean; in them MONTH stands for the name of one."""
    text = Path(__file__).with_name("recognisers.toml").read_text("utf-8").replace("MONTH", _MONTH)
    return {
        group: [(re.compile(one["pattern"]), Meaning(one["means"], one["sure"])) for one in rows]
        for group, rows in tomllib.loads(text).items()
    }


def folded(text: str) -> str:
    """`text` as recognisers see it: one line of small letters, plain dashes and quotation marks."""
    plain = clean_name(text).casefold().replace("’", "'").replace("‘", "'")
    return re.sub("[‐-―−]", "-", plain)


def recognise(group: str, text: str) -> Meaning | None:
    """The first recogniser of a group that fits `text`; None where none does."""
    plain = folded(text)
    if group == "heading":
        plain = re.sub(r"\s*[*†‡§¹²³⁴]+$", "", plain)
    within = group.endswith(("_within", "_hint"))
    for pattern, meaning in recognisers()[group] if plain else ():
        if pattern.search(plain) if within else pattern.fullmatch(plain):
            return meaning
    bare = re.sub(r"\s*\([^()]*\)|\s*[%£]$", "", plain).strip()
    return recognise(group, bare) if group == "heading" and "" != bare != plain else None
