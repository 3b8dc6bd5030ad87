"""A name that somebody typed → the one that is meant, or a sentence with the nearest ones."""

from collections.abc import Mapping
from difflib import get_close_matches

from kpi_tools.errors import InputError
from kpi_tools.wording import listed

_SHOWN = 3
_LONGEST = 80


def named(given: object, known: Mapping[str, str], what: str) -> str:
    """The key of `known` that `given` names, whatever its capitals and spaces.

    `known`: names, each with how to present it (a KPI's id with its title). `what` is the kind of thing, for the
    sentence. Raises `InputError` with the nearest names where there is no such one: near in spelling, or holding what
    was typed.
    """
    typed = _plain(given)
    for name in known:
        if _plain(name) == typed:
            return name
    by_plain = {_plain(text): name for name, text in known.items()} | {_plain(name): name for name in known}
    near = get_close_matches(typed, by_plain, n=_SHOWN, cutoff=0.6)
    holding = [plain for plain in by_plain if typed and typed in plain]
    found = list(dict.fromkeys(by_plain[plain] for plain in (*near, *holding)))[:_SHOWN]
    shown = " ".join(str(given).split())
    shown = shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
    choices = [known[name] for name in found or known]
    advice = f"The nearest: {listed(choices, 'or')}." if found else f"There are: {'; '.join(choices)}."
    raise InputError(f'There is no {what} "{shown}". {advice}')


def _plain(text: object) -> str:
    return " ".join(str(text).casefold().split())
