"""A name that somebody typed → the one that is meant, or a sentence with the nearest ones."""

from collections.abc import Mapping
from difflib import get_close_matches

from kpi_tools.errors import InputError
from kpi_tools.words.wording import listed

_SHOWN = 3
_LONGEST = 80
_SHORT = 3


def named(given: object, known: Mapping[str, str], what: str) -> str:
    """The key of `known` that `given` names, whatever its capitals and spaces.

    `known`: names, each with how to present it (a KPI's id with its title). `what` is the kind of thing, for the
    sentence. Raises `InputError` with the nearest names where there is no such one: near in spelling, holding what was
    typed, or with a word near to one of it.
    """
    typed = _plain(given)
    for name in known:
        if _plain(name) == typed:
            return name
    by_plain = {_plain(text): name for name, text in known.items()} | {
        _plain(name): name for name in known
    }
    near = get_close_matches(typed, by_plain, n=_SHOWN, cutoff=0.5)
    holding = [plain for plain in by_plain if typed and typed in plain]
    alike = [
        plain for plain in by_plain if not near and not holding and _share_a_word(typed, plain)
    ]
    found = list(dict.fromkeys(by_plain[plain] for plain in (*near, *holding, *alike)))[:_SHOWN]
    nearest = [_clipped(known[name]) for name in found]
    advice = (
        f"The nearest: {listed(nearest, 'or')}." if nearest else f"There are: {'; '.join(known)}."
    )
    raise InputError(f'There is no {what} "{_clipped(str(given))}". {advice}')


def _share_a_word(typed: str, name: str) -> bool:
    words = [word.strip(",.()") for word in name.split()]
    return any(
        get_close_matches(word, words, n=1, cutoff=0.8)
        for word in typed.split()
        if len(word) > _SHORT
    )


def _clipped(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _plain(text: object) -> str:
    return " ".join(str(text).casefold().split())
