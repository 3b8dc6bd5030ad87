"""Whether a hidden figure can be worked out from what is printed, and what to hide besides so that it cannot (floor 0).

What is printed fixes sums of events. Two blocks of events of which every printed figure counts both or neither can be
exchanged: so many cases may belong to the one or to the other, and no reader can tell. So a hidden figure is safe when it
holds a block that no printed figure counts, or when the blocks that it shares out with others hold `width` cases together:
then at least `width` + 1 values of it agree with everything printed. This is a proof, not a search: it may hide a figure
that a cleverer choice would have spared, it never leaves one open.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from kpi_tools.suppression.counts import Event, Figure

Block = frozenset[Event]
Seen = Mapping[Block, frozenset[int]]
Known = Mapping[Block, tuple[float, ...]]


def also_to_hide(
    hidden: Iterable[Figure], printed: Iterable[Figure], free: Sequence[Figure], width: float
) -> set[Figure]:
    """The figures of `free` to hide as well, so that each of `hidden`, and of these, is safe.

    `printed` stays, because it has been published before; a figure that it gives away is left as it is. The fewest figures
    are taken, and among equals the smallest.
    """
    fixed, secret, still = list(printed), list(hidden), list(free)
    figures = [*fixed, *secret, *still]
    blocks = _blocks(figures)
    known = _known(blocks, [*figures, *remainders(figures)])
    lost = set[Figure]()
    while True:
        shown = [*fixed, *still]
        seen = _seen(blocks, shown)
        open_ = next(
            (one for one in secret if one not in lost and not is_safe(one, seen, known, width)),
            None,
        )
        if open_ is None:
            return set(free) - set(still)
        ways = [
            [shown[at] for at in sorted(way)]
            for way in _ways(open_, seen, known, width)
            if min(way) >= len(fixed)
        ]
        if not ways:
            ways = [[one for one in still if one.events & open_.events]]
            rest = [one for one in shown if one not in ways[0]]
            if not is_safe(open_, _seen(blocks, rest), known, width):
                lost.add(open_)
                continue
        chosen = min(ways, key=lambda way: (len(way), sum(sum(one.parts) for one in way)))
        secret += chosen
        still = [one for one in still if one not in chosen]


def is_safe(secret: Figure, seen: Seen, known: Known, width: float) -> bool:
    """Whether `secret` may have more than `width` values for all that a reader knows.

    `seen`: for each block which printed figures count it; `known`: how many cases are in it, where that is known to us.
    """
    alike: dict[frozenset[int], list[Block]] = {}
    for block, by in seen.items():
        alike.setdefault(by, []).append(block)
    if any(block <= secret.events for block in alike.get(frozenset(), ())):
        return True
    shared = [
        group
        for group in alike.values()
        if 0 < sum(block <= secret.events for block in group) < len(group)
    ]
    return _enough([known[block] for group in shared for block in group if block in known], width)


def _ways(secret: Figure, seen: Seen, known: Known, width: float) -> Iterator[frozenset[int]]:
    """The printed figures to hide to make `secret` safe: those that count one of its blocks, or that tell it from another."""
    for block in (block for block in seen if block <= secret.events):
        yield seen[block]
        for other in known:
            pair = [known[one] for one in (block, other) if one in known]
            if (
                not other <= secret.events
                and _enough(pair, width)
                and (apart := seen[block] ^ seen[other])
            ):
                yield apart


def remainders(figures: Sequence[Figure]) -> list[Figure]:
    """What no figure counts by itself and subtraction gives: a year to date less the one before, a quarter less two months.

    For each figure what is left of it when the largest others within it are taken away, if it is known and not negative.
    """
    counted = {one.events for one in figures}
    by_size = sorted(figures, key=lambda one: (-len(one.events), _name(one)))
    found = {}
    for whole in figures:
        events, parts = whole.events, whole.parts
        for one in by_size:
            if one.events <= events and one.events != whole.events and len(one.parts) == len(parts):
                events, parts = (
                    events - one.events,
                    tuple(a - b for a, b in zip(parts, one.parts, strict=True)),
                )
        if events and events not in counted and parts and min(parts) >= 0:
            found[events] = Figure(whole.kpi_id, f"{whole.period}, the rest", (), events, parts)
    return list(found.values())


def _name(figure: Figure) -> tuple[str, str]:
    return figure.kpi_id, figure.period


def _seen(blocks: Iterable[Block], shown: Sequence[Figure]) -> Seen:
    return {
        block: frozenset(at for at, one in enumerate(shown) if block <= one.events)
        for block in blocks
    }


def _enough(counts: Sequence[tuple[float, ...]], width: float) -> bool:
    """Whether the counts add up to the width, each part for itself."""
    return bool(counts) and all(sum(part) >= width for part in zip(*counts, strict=True))


def _blocks(figures: Sequence[Figure]) -> list[Block]:
    """The events in groups that every figure counts as a whole or not at all."""
    groups: dict[frozenset[int], set[Event]] = {}
    for event in sorted({event for one in figures for event in one.events}):
        groups.setdefault(
            frozenset(at for at, one in enumerate(figures) if event in one.events), set()
        ).add(event)
    return [frozenset(group) for group in groups.values()]


def _known(blocks: Sequence[Block], figures: Sequence[Figure]) -> dict[Block, tuple[float, ...]]:
    """How many cases a block holds, where a figure counts just that block."""
    there = set(blocks)
    return {one.events: one.parts for one in figures if one.parts and one.events in there}
