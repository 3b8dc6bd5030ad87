"""Rating: the first band of a scheme whose line a figure meets (METHOD.md, "Rating").

`rate` takes any frame that narwhals knows (pandas, Polars eager or lazy, PyArrow, DuckDB, Spark), never changes it, and
returns the same kind of frame with more columns. All lines are compared on one scale, on which more is better (`levels`).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd
from narwhals.stable.v2 import col, lit, when
from narwhals.stable.v2.typing import IntoFrameT

from kpi_tools.errors import InputError
from kpi_tools.frames import numbers
from kpi_tools.levels import (
    NOISE,
    PARTS,
    ROUNDING,
    Rows,
    any_of,
    better,
    comparable,
    finite,
    is_met,
    level_of,
    may_be_closest,
    most_lenient,
    no_less,
    prepared,
    with_levels,
)
from kpi_tools.schemes import (
    DEFAULT_SCHEME,
    EARLIER,
    Band,
    Line,
    Scheme,
    one_of,
    parse_schemes,
    unknown_lines,
)
from kpi_tools.vocabulary import (
    CLOSEST,
    HIGHER,
    LOWER,
    MONITORED,
    NOT_RATED,
    STATUSES_WITHOUT_VALUE,
)

__all__ = [
    "DEFAULT_SCHEME",
    "Band",
    "Line",
    "Scheme",
    "band_lines",
    "cannot_be_rated",
    "meets",
    "parse_schemes",
    "rate",
    "unknown_lines",
]
ADDED = ("rating", "not_rated_reason", "band")
NO_FIGURE = "no figure"
NO_POLARITY = "polarity not known"
NO_BEYOND = "a line beyond the target, where closest to the target is best"
NUMBERS = ("value", "target", "floor_standard", "numerator", "denominator", "tolerance")
WORDS = ("polarity", "unit", "scheme", "rated", "status", "kind", "milestone", "year_target")
MILESTONE_STATUS = "milestone"
"""The column with the status of a KPI of kind milestone."""

MILESTONE = "milestone"
_Outcome = tuple[str, str | None, int | None]
"""A rating, the reason why there is none, and the band's place."""
_Step = tuple[nw.Expr, _Outcome]


def rate(
    figures: IntoFrameT,
    schemes: Mapping[str, Scheme] | None = None,
    *,
    milestones: Mapping[str, str | None] | None = None,
    words: Mapping[str, str] | None = None,
    value: str = "value",
    target: str | float = "target",
    floor_standard: str | float | None = None,
    polarity: str = "polarity",
) -> IntoFrameT:
    """Rate each figure by the bands of its scheme.

    Args:
        figures: One row per figure, on any engine. Used where they are there: `numerator` and `denominator` (with `unit`,
            else %): then 100·n is compared with line·d, since n/d·100 in floating point misrates figures that stand
            exactly on a line; `tolerance`, for closest to target: half the width of the best band; `scheme`, the name of
            a scheme; `rated` (`no`: Monitored); `status`, which says why a value is missing; `kind` and `milestone`;
            `previous` and `same_quarter_last_year`, for lines of these names; `year_target`, of which a figure of a
            year that goes on is a share; any further line that a scheme names.
        schemes: Schemes by name, the default as "" (`parse_schemes`). Default: Green at target, Amber at floor standard.
        milestones: The band, or None, of each status of a milestone.
        words: How lines are called in reasons, such as `{"floor_standard": "intervention level"}`.
        value: The column with the figures.
        target: The column with the targets, or one number.
        floor_standard: The column with the floor standards, or one number. Default: `floor_standard`, where it is there.
        polarity: The column that says what is better, or one of `higher`, `lower`, `target`.

    Returns:
        The rows with `rating` (a band's name, `Not rated` or `Monitored`), `not_rated_reason` (null where rated) and
        `band` (its place, 1 the best). Equality is met; figures are compared unrounded, with an allowance of 1e-9 of the
        line for floating noise: 74.7 misses a floor of 75.

    Raises:
        InputError: A column is not there or holds text among its numbers, or a scheme is not known.
    """
    frame: Any = nw.from_native(figures)
    given = frame.collect_schema().names()
    frame = _renamed(frame, given, value, target, floor_standard, polarity)
    schemes = schemes or {"": DEFAULT_SCHEME}
    lines = {column for scheme in schemes.values() for column in scheme.columns}
    known = frame.collect_schema().names()
    needed = [] if lines.intersection(known) else [schemes[""].columns[0]]
    _check(frame, ["value", "polarity", *needed], [*NUMBERS, *lines])
    if isinstance(frame, nw.DataFrame):
        frame = frame.select([n for n in known if n in (*NUMBERS, *WORDS, *EARLIER, *lines)])
    rows = rated(frame.with_columns(_better=better()), schemes, milestones or {}, words)
    kept = [name for name in given if name not in ADDED]
    if not isinstance(frame, nw.DataFrame):
        return rows.select(
            *(col(_given(name, rows)).alias(name) for name in kept), *ADDED
        ).to_native()
    own: Any = nw.from_native(figures)
    return own.select(*kept).with_columns(*rows.select(*ADDED).iter_columns()).to_native()


def meets(
    value: Any, line: Any, polarity: str = HIGHER, *, far: Any = None, denominator: Any = None
) -> Any:
    """Whether a value meets a line: the one rule, of numbers or of whole columns (numpy, pandas).

    Args:
        value: The figure, in the KPI's unit; with `denominator` the numerator times the unit's multiplier.
        line: The edge of the band (`band_lines`: `edge`), in the KPI's unit.
        polarity: `higher`, `lower` or `target`.
        far: For closest to target, the other edge of the band (`far_edge`).
        denominator: What the line is multiplied by.

    Returns:
        True where it is met, equality included; False where the line is NaN.
    """
    noise, scale = (NOISE, 1.0) if denominator is None else (ROUNDING, denominator)
    edge = line * scale
    if polarity == CLOSEST:
        other = far * scale
        size = abs(value) + (abs(edge) + abs(other)) / 2
        return no_less(edge - value, size, noise) & no_less(value - other, size, noise)
    way = -1.0 if polarity == LOWER else 1.0
    return no_less((edge - value) * way, abs(edge), noise)


def band_lines(table: pd.DataFrame, schemes: Mapping[str, Scheme] | None = None) -> pd.DataFrame:
    """Where each band begins, for charts, cards and sentences of distance.

    Args:
        table: Rows with `kpi_id`, `polarity`, the lines, and where they are there `quarter`, `period_end`, `scheme`.
        schemes: As for `rate`.

    Returns:
        A row for each row and band: `kpi_id`, `quarter`, `period_end`, `place`, `band`, `colour`, `edge` in the KPI's
        unit (NaN where the line is not set, and for the last band) and `far_edge`, the other edge where closest to the
        target is best.
    """
    schemes = schemes or {"": DEFAULT_SCHEME}
    keys = [name for name in ("kpi_id", "quarter", "period_end") if name in table]
    columns = {"polarity", "scheme", *NUMBERS, *chain(*(one.columns for one in schemes.values()))}
    columns = columns.union(keys).difference(PARTS)  # what is not asked for would be copied with it
    plain = table[[name for name in table if name in columns]].assign(value=0.0)
    numbered = nw.from_native(plain).with_row_index("_n").with_columns(_better=better())
    rows = prepared(numbered, schemes.values())
    found = []
    for name, scheme in schemes.items():
        if "scheme" in table:
            own = with_levels(rows.filter(_is_of(rows, name, schemes)), scheme)
        elif not name:
            own = with_levels(rows, scheme)
        else:
            continue
        for place, band in enumerate(scheme.bands, 1):
            level: nw.Expr = lit(None, dtype=nw.Float64)
            if band.meets:
                level = most_lenient(band.meets)
            for line in (line for line in band.meets if line.beyond and line.percent):
                level = when(col(f"_line_{line.column}") != 0).then(level)  # never met
            lines = own.with_columns(_edge=level)
            closest = col("_closest")
            lines = lines.with_columns(
                edge=when(closest)
                .then(col("_line_target") + col("_edge"))
                .otherwise(col("_edge") * col("_way")),
                far_edge=when(closest).then(col("_line_target") - col("_edge")),
                place=lit(place),
                band=lit(band.name),
                colour=lit(band.colour),
            )
            found.append(lines.select("_n", *keys, "place", "band", "colour", "edge", "far_edge"))
    together = nw.concat(found).sort("_n", "place").drop("_n").to_native()
    return together.reset_index(drop=True)


def cannot_be_rated(
    lines: pd.DataFrame,
    schemes: Mapping[str, Scheme] | None = None,
    words: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Which KPIs cannot be rated whatever their figure, or not as their bands mean it.

    Args:
        lines: A row per KPI with `kpi_id`, `polarity` and its lines; perhaps `scheme`, `rated`, `kind`.
        schemes: As for `rate`.
        words: Likewise.

    Returns:
        `kpi_id`, `kind` (`never`, `order`: a band asks for more than a better one, `zero`: a per cent of a target of 0)
        and `reason`, a sentence. Nothing for what is monitored and for milestones.
    """
    schemes = schemes or {"": DEFAULT_SCHEME}
    rows = lines.drop(columns=["status", *PARTS], errors="ignore").assign(
        value=0.0, **dict.fromkeys(EARLIER, 0.0)
    )
    if "kind" in rows:
        rows = rows[rows["kind"] != "milestone"]
    ends = [
        rows.assign(value=rows["polarity"].map({HIGHER: end, LOWER: -end}).fillna(0.0))
        for end in (1e300, -1e300)
    ]
    both = rate(pd.concat(ends, ignore_index=True), schemes)
    best, worst = (both[at : at + len(rows)].set_axis(rows.index) for at in (0, len(rows)))
    never = (best["rating"] == NOT_RATED) & (worst["rating"] == NOT_RATED)
    found = [
        (
            kpi_id,
            "order" if " on the better side of " in reason else "never",
            f"{reason[0].upper()}{reason[1:]}.",
        )
        for kpi_id, reason in zip(
            rows["kpi_id"][never], best["not_rated_reason"][never], strict=True
        )
    ]
    names = rows["scheme"].fillna("") if "scheme" in rows else pd.Series("", rows.index)
    for name, scheme in schemes.items():
        for line in (line for band in scheme.bands for line in band.meets if line.percent):
            zero = rows[(names == name) & (rows.get(line.column, 1.0) == 0)]
            found += [
                (
                    kpi_id,
                    "zero",
                    f"{line.words(words).capitalize()}: a per cent of 0 is nothing. Use a number.",
                )
                for kpi_id in zero["kpi_id"]
            ]
    return pd.DataFrame(found, columns=["kpi_id", "kind", "reason"])


def rated(
    rows: Rows,
    schemes: Mapping[str, Scheme] | None = None,
    milestones: Mapping[str, str | None] | None = None,
    words: Mapping[str, str] | None = None,
) -> Rows:
    """Add what `rate` adds to rows with `_better` (1, -1, or 0 where `polarity` says neither)."""
    schemes = schemes or {"": DEFAULT_SCHEME}
    names = rows.collect_schema().names()
    used = _used(rows, names, schemes)
    rows = prepared(rows, used.values())
    steps = {}
    for name, scheme in used.items():
        rows = with_levels(rows, scheme)
        steps[name] = list(_steps(rows, scheme, words))
    before: list[_Step] = []
    if "rated" in names:
        before.append((col("rated") == "no", (MONITORED, None, None)))
    if "kind" in names:
        before += _of_milestones(used, milestones or {}, names)
    every = dict.fromkeys(outcome for _, outcome in chain(before, *steps.values()))
    outcomes = sorted(every, key=lambda outcome: (outcome[1] is None, outcome[2] is not None))
    code = _first(rows, steps.pop(""), outcomes)
    for name, own in steps.items():
        code = when(_is_of(rows, name, schemes)).then(_first(rows, own, outcomes)).otherwise(code)
    rows = rows.with_columns(_code=_first(rows, before, outcomes, code))
    rows = rows.with_columns(**_looked_up(rows, outcomes))
    if "status" in names:
        no_figure = (col("not_rated_reason") == NO_FIGURE) & col("status").is_in(
            STATUSES_WITHOUT_VALUE
        )
        no_figure = no_figure.fill_null(False)
        if not isinstance(rows, nw.DataFrame) or rows.select(_any=no_figure)["_any"].any():
            why = when(no_figure).then(col("status")).otherwise(col("not_rated_reason"))
            rows = rows.with_columns(not_rated_reason=why)
    if "year_target" in names:
        rows = rows.with_columns(
            not_rated_reason=_on_the_way((words or {}).get("target", "target"))
        )
    return rows


def _check(frame: Rows, needed: Sequence[str], with_numbers: Sequence[str]) -> None:
    """Raise `InputError` where a column is not there, or holds text where there should be numbers."""
    schema = frame.collect_schema()
    if missing := [name for name in needed if name not in schema]:
        raise InputError(
            f"There is no column {' or '.join(missing)} in the table. Its columns are: {', '.join(schema)}."
        )
    for name in with_numbers:
        if name not in schema or schema[name].is_numeric():
            continue
        if isinstance(frame, nw.DataFrame):
            numbers(frame, name)
        elif schema[name] == nw.String:
            raise InputError(
                f'The column "{name}" holds text, not numbers. Where there is no figure leave it missing.'
            )


def _renamed(
    frame: Rows,
    given: Sequence[str],
    value: str,
    target: str | float,
    floor: str | float | None,
    polarity: str,
) -> Rows:
    """The frame with the columns called as the rules call them."""
    asked: dict[str, nw.Expr] = {}
    named = {"value": value, "target": target, "floor_standard": floor, "polarity": polarity}
    for parameter, name in named.items():
        if name is None or name == parameter and name in given:
            continue
        if parameter == "polarity" and name in (HIGHER, LOWER, CLOSEST):
            asked[parameter] = lit(name)
        elif not isinstance(name, str):
            asked[parameter] = lit(float(name))
        elif name in given:
            asked[parameter] = col(name)
        elif parameter != name or parameter in ("value", "polarity"):
            raise InputError(
                f'There is no column "{name}" in the table. Its columns are: {", ".join(given)}. '
                f"Name the one that is meant: {parameter}=…"
            )
    kept = {f"_given_{name}": col(name) for name in asked if name in given}
    return frame.with_columns(**kept).with_columns(**asked) if asked else frame


def _given(name: str, rows: Rows) -> str:
    return kept if (kept := f"_given_{name}") in rows.collect_schema().names() else name


def _used(rows: Rows, names: Sequence[str], schemes: Mapping[str, Scheme]) -> Mapping[str, Scheme]:
    """The schemes that rows name, all of them where that cannot be asked."""
    if "scheme" not in names:
        return {"": schemes[""]}
    if not isinstance(rows, nw.DataFrame):
        return schemes
    found = {str(name) for name in rows["scheme"].fill_null("").unique().to_list() if name == name}
    if unknown := sorted(found - set(schemes)):
        known = [name for name in schemes if name]
        raise InputError(
            f'There is no scheme "{unknown[0]}"; there are {one_of(unknown[0], known) or "none"}.'
        )
    return {name: scheme for name, scheme in schemes.items() if name in found or not name}


def _is_of(rows: Rows, name: str, schemes: Mapping[str, Scheme]) -> nw.Expr:
    if "scheme" not in rows.collect_schema().names():
        return lit(not name)
    others = [other for other in schemes if other]
    return col("scheme") == name if name else ~col("scheme").is_in(others).fill_null(False)


def _steps(rows: Rows, scheme: Scheme, words: Mapping[str, str] | None) -> Iterator[_Step]:
    """What is asked of a figure, one after the other, each with what follows where it is the first that is true."""
    closest = may_be_closest(rows)
    lines = [line for band in scheme.bands for line in band.meets]
    names = dict(words or {})
    is_set = {line: ~col(level_of(line)).is_null() for line in lines}
    yield col("_value").is_null(), (NOT_RATED, NO_FIGURE, None)
    neither = col("_better") == 0
    yield (neither & ~col("_closest") if closest else neither), (NOT_RATED, NO_POLARITY, None)
    if closest and any(line.beyond for line in lines):
        yield col("_closest"), (NOT_RATED, NO_BEYOND, None)
    for strict, loose in comparable(scheme):
        above, size = (
            most_lenient(loose) - most_lenient(strict),
            most_lenient(loose).abs() + most_lenient(strict).abs(),
        )
        wrong = (above > NOISE) & (above > size * NOISE)
        reason = f"{loose[0].words(names)} on the better side of the {strict[0].words(names)}"
        yield wrong.fill_null(False), (NOT_RATED, reason, None)
    for place, band in enumerate(scheme.bands[:-1], 1):
        met = [is_met(line, closest) for line in band.meets]
        yield any_of(met), (band.name, None, place)
    none_set = ~any_of(list(is_set.values()))
    first = "target" if "target" in scheme.columns else scheme.columns[0]
    yield none_set, (NOT_RATED, f"no {Line(first).words(names)}", None)
    lowest = scheme.bands[-2].meets
    without = next(
        (p for p, b in enumerate(scheme.bands, 1) if b.name == scheme.without_line), None
    )
    lacking = f"no {Line(lowest[0].column).words(names)}"
    yield (
        ~any_of([is_set[line] for line in lowest]),
        (NOT_RATED, lacking, None) if without is None else (scheme.without_line, None, without),
    )
    yield lit(True), (scheme.bands[-1].name, None, len(scheme.bands))


def _of_milestones(
    schemes: Mapping[str, Scheme], milestones: Mapping[str, str | None], names: Sequence[str]
) -> Iterator[_Step]:
    """A milestone has the band of its status."""
    of_bands = {
        band.name: place for one in schemes.values() for place, band in enumerate(one.bands, 1)
    }
    of_kind = (col("kind") == MILESTONE).fill_null(False)
    if MILESTONE_STATUS in names:
        status = col(MILESTONE_STATUS).cast(nw.String).str.to_lowercase()
        for name, band in milestones.items():
            unrated = (NOT_RATED, f'the status "{name}" has no rating', None)
            yield (
                of_kind & (status == name.lower()),
                (band, None, of_bands.get(band)) if band else unrated,
            )
    yield of_kind, (NOT_RATED, NO_FIGURE, None)


def _first(
    rows: Rows, steps: Sequence[_Step], outcomes: Sequence[_Outcome], otherwise: Any = None
) -> Any:
    """The number, among the outcomes, of the first step whose truth holds."""
    kind = nw.UInt32 if isinstance(rows, nw.DataFrame) else nw.Int64
    code = lit(0, dtype=kind) if otherwise is None else otherwise
    for truth, outcome in reversed(steps):
        code = when(truth).then(lit(outcomes.index(outcome), dtype=kind)).otherwise(code)
    return code


def _looked_up(rows: Rows, outcomes: Sequence[_Outcome]) -> dict[str, Any]:
    """The columns that `rate` adds, from the number of each row's outcome. Those with a reason come first, bands last."""
    ratings, reasons, places = (list(texts) for texts in zip(*outcomes, strict=True))
    code, numbers = col("_code"), range(len(outcomes))

    def found(texts: list[Any], kind: Any) -> Any:
        if isinstance(rows, nw.DataFrame):  # quicker than to replace
            series = nw.new_series("_code", texts, kind, backend=rows.implementation)
            return series[rows["_code"].cast(nw.UInt32)]
        return code.replace_strict(
            list(numbers), texts, default=None if kind == nw.Int64 else "", return_dtype=kind
        )

    in_band, no_reason = places.count(None), len(reasons) - reasons.count(None)
    masked = not rows.implementation.is_pandas()  # quicker, but for its texts
    texts = [text or "" for text in reasons] if masked else reasons
    why = found(texts, nw.String)
    return {
        "rating": found(ratings, nw.String),
        "not_rated_reason": when(code < no_reason).then(why) if masked else why,
        "band": when(code >= in_band).then(found([place or 0 for place in places], nw.Int64)),
    }


def _on_the_way(target: str) -> nw.Expr:
    """A figure of a year that goes on, where only the year's target is agreed: how much of it there is."""
    share = (finite("value") / finite("year_target") * 100 + 0.5).floor()
    part = when(share.is_finite()).then(share).otherwise(lit(0.0)).cast(nw.Int64).cast(nw.String)
    words = nw.concat_str(lit("on the way: "), part, lit(f"% of the year's {target}"))
    yes = share.is_finite() & col("_line_target").is_null() & ~col("not_rated_reason").is_null()
    return when(yes.fill_null(False)).then(words).otherwise(col("not_rated_reason"))
