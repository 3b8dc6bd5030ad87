"""Rating: the first band of a scheme whose line a figure meets (METHOD.md, "Rating").

`rate` takes any frame that narwhals knows (pandas, Polars eager or lazy, PyArrow, DuckDB, Spark),
never changes it, and returns the same kind of frame with more columns. All lines are compared on
one scale, on which more is better (`levels`).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd
from narwhals.stable.v2 import col, lit, when
from narwhals.stable.v2.typing import IntoFrameT

from kpi_tools import vocabulary
from kpi_tools.errors import InputError
from kpi_tools.frames import no_column, numbers
from kpi_tools.levels import (
    NOISE,
    PARTS,
    Rows,
    any_of,
    comparable,
    finite,
    is_met,
    level_of,
    most_lenient,
    no_less,
    prepared,
    with_levels,
)
from kpi_tools.schemes import DEFAULT_SCHEME, EARLIER, Line, Scheme, one_of
from kpi_tools.wording import capitalised

ADDED = ("rating", "not_rated_reason", "band")
NO_FIGURE = "no figure"
NUMBERS = ("value", "target", "floor_standard", "numerator", "denominator", "tolerance")
_FURTHER = ("unit", "scheme", "rated", "kind", vocabulary.MILESTONE, "status", "year_target")
_Outcome = tuple[str, str | None, int | None]
"""A rating, the reason why there is none, and the band's place."""
_Step = tuple[nw.Expr, _Outcome]
_AS_STATUS: _Outcome = (vocabulary.NOT_RATED, "the status says why", None)


def rate(
    figures: IntoFrameT,
    schemes: Mapping[str, Scheme] | None = None,
    *,
    milestones: Mapping[str, str | None] | None = None,
    words: Mapping[str, str] | None = None,
    value: str = "value",
    target: str | float = "target",
    floor_standard: str | float = "floor_standard",
    polarity: str = "polarity",
) -> IntoFrameT:
    """Rate each figure by the bands of its scheme.

    Args:
        figures: One row per figure, on any engine. Used where they are there: `numerator` and
            `denominator` (with `unit`, else %): then 100·n is compared with line·d, since n/d·100
            in floating point misrates figures that stand exactly on a line; `tolerance`, for
            closest to target: half the width of the best band; `scheme`, the name of a scheme;
            `rated` (`no`: Monitored); `status`, which says why a value is missing; `kind` and
            `milestone`; `previous` and `same_quarter_last_year`, for lines of these names;
            `year_target`, of which a figure of a year that goes on is a share; any further line
            that a scheme names.
        schemes: Schemes by name, the default as "" (`parse_schemes`). Default: Green at target,
            Amber at floor standard.
        milestones: The band, or None, of each status of a milestone.
        words: How lines are called in reasons: `{"floor_standard": "intervention level"}`.
        value: The column with the figures.
        target: The column with the targets, or one number.
        floor_standard: The column with the floor standards, or one number.
        polarity: The column that says what is better, or one of `higher`, `lower`, `target`.

    Returns:
        The rows with `rating` (a band's name, `Not rated` or `Monitored`), `not_rated_reason` (null
        where rated) and `band` (its place, 1 the best). Equality is met; figures are compared
        unrounded, with an allowance of 1e-9 of the line for floating noise: 74.7 misses a floor
        of 75.

    Raises:
        InputError: A column is not there or holds text among its numbers, or a scheme is not known.
    """
    frame: Any = nw.from_native(figures)
    names = frame.collect_schema().names()
    schemes, words = schemes or {"": DEFAULT_SCHEME}, words or {}
    lines = {column for scheme in schemes.values() for column in scheme.columns}
    given = {name: col(name) for name in names}
    asked = {"value": value, "target": target, "polarity": polarity}
    asked["floor_standard"] = floor_standard
    for parameter, name in asked.items():
        if parameter == "polarity" and name in vocabulary.POLARITIES or not isinstance(name, str):
            given[parameter] = lit(name)
        elif name in names:
            given[parameter] = col(name)
        elif parameter != name or parameter in ("value", "polarity"):
            raise no_column(name, names, parameter)
    if not lines & set(given):
        raise InputError(
            f"There is no column {schemes[''].columns[0]} in the table. "
            f"Its columns are: {', '.join(names)}."
        )
    _check_numbers(frame, [str(asked.get(name, name)) for name in {*NUMBERS, *lines}])
    used = _used(frame, schemes)
    before = list(_of_all(used, milestones or {}, given))
    steps = {name: list(_of_scheme(name, scheme, words)) for name, scheme in used.items()}
    every = dict.fromkeys(outcome for _, outcome in chain(before, *steps.values()))
    outcomes = sorted(every, key=lambda outcome: (outcome[1] is None, outcome[2] is not None))
    none = lit(0, dtype=nw.Int64)
    code = _first(steps.pop(""), outcomes, none)
    for name, of_scheme in steps.items():
        code = when(col("scheme") == name).then(_first(of_scheme, outcomes, none)).otherwise(code)
    rows, kept = frame, [name for name in names if name not in ADDED]
    if isinstance(frame, nw.DataFrame):  # each step copies a frame, so it has what rules need
        used_columns = {*map(str, asked.values()), *NUMBERS, *lines, *_FURTHER}
        rows = frame.select(name for name in names if name in used_columns)
    rows = with_levels(prepared(rows, used.values(), given), used)
    share = _share(given) if "year_target" in given else lit(None, dtype=nw.Float64)
    rows = rows.with_columns(_code=_first(before, outcomes, code), _share=share)
    added = _looked_up(outcomes, names, words)
    if isinstance(frame, nw.DataFrame):
        found = rows.select(**added)
        return frame.select(*kept, *(found[name] for name in ADDED)).to_native()
    return rows.select(*kept, **added).to_native()


def meets(value: Any, line: Any, polarity: str = vocabulary.HIGHER, *, far: Any = None) -> Any:
    """Whether a value meets a line, equality included: the one rule, of numbers or of columns
    (numpy, pandas). False where the line is NaN.

    `line` and `far` are the edges of a band (`band_lines`).
    """
    if polarity == vocabulary.CLOSEST:
        size = abs(value) + (abs(line) + abs(far)) / 2
        return no_less(line - value, size, NOISE) & no_less(value - far, size, NOISE)
    way = -1.0 if polarity == vocabulary.LOWER else 1.0
    return no_less((line - value) * way, abs(line), NOISE)


def band_lines(table: pd.DataFrame, schemes: Mapping[str, Scheme] | None = None) -> pd.DataFrame:
    """Where each band begins, for charts, cards and sentences of distance.

    A row for each row and band: `kpi_id`, `quarter`, `period_end`, `place`, `band`, `colour`,
    `edge` in the KPI's unit (NaN where the line is not set, and for the last band) and `far_edge`,
    the other edge where closest to the target is best.
    """
    schemes = schemes or {"": DEFAULT_SCHEME}
    keys = [name for name in ("kpi_id", "quarter", "period_end") if name in table]
    lines = {column for scheme in schemes.values() for column in scheme.columns}
    used = {*keys, "scheme", "polarity", "target", "floor_standard", "tolerance", *lines}
    plain = table[[name for name in table if name in used]].assign(value=0.0).reset_index(drop=True)
    given = {name: col(name) for name in plain}
    levels = with_levels(prepared(nw.from_native(plain), schemes.values(), given), schemes)
    rows: pd.DataFrame = levels.to_native()
    names = rows.get("scheme", pd.Series("", rows.index))
    names = names.where(names.isin(list(schemes)), "")
    found = []
    for name, scheme in schemes.items():
        mine = rows[names == name]
        closest, target = mine["_closest"], mine["_line_target"]
        for place, band in enumerate(scheme.bands, 1):
            level = mine[[level_of(line, name) for line in band.meets]].min(axis=1)
            for line in band.meets:
                if line.beyond and line.percent:
                    level = level.where(mine[f"_line_{line.column}"] != 0)  # never met
            edges = {
                "edge": (level * mine["_way"]).mask(closest, target + level),
                "far_edge": (target - level).where(closest),
            }
            named = {"place": place, "band": band.name, "colour": band.colour}
            found.append(mine[keys].assign(**named, **edges))
    return pd.concat(found).sort_index(kind="stable").reset_index(drop=True)


def cannot_be_rated(
    lines: pd.DataFrame,
    schemes: Mapping[str, Scheme] | None = None,
    words: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Which KPIs cannot be rated whatever their figure, or not as their bands mean it.

    `lines`: a row per KPI. A row for each that cannot: `kpi_id`, `kind` (`never`, `order`: a band
    asks for more than a better one, `zero`: a per cent of a target of 0) and `reason`, a sentence.
    """
    schemes = schemes or {"": DEFAULT_SCHEME}
    rows = lines.drop(columns=["status", *PARTS], errors="ignore")
    rows = rows.assign(**dict.fromkeys(EARLIER, 0.0))
    if "kind" in rows:
        rows = rows[rows["kind"] != vocabulary.MILESTONE]
    best = rows["polarity"].map({vocabulary.HIGHER: 1e300, vocabulary.LOWER: -1e300}).fillna(0.0)
    ends = pd.concat([rows.assign(value=best), rows.assign(value=-best)], ignore_index=True)
    rated = rate(ends, schemes)
    unrated = (rated["rating"] == vocabulary.NOT_RATED).to_numpy().reshape(2, -1).all(axis=0)
    never = rated.head(len(rows))[unrated]
    found = []
    for kpi_id, reason in zip(never["kpi_id"], never["not_rated_reason"], strict=True):
        kind = "order" if " on the better side of " in reason else "never"
        found.append((kpi_id, kind, f"{capitalised(reason)}."))
    names = rows["scheme"].fillna("") if "scheme" in rows else pd.Series("", rows.index)
    for name, scheme in schemes.items():
        for line in (line for band in scheme.bands for line in band.meets if line.percent):
            text = f"{line.words(words).capitalize()}: a per cent of 0 is nothing. Use a number."
            zero = rows[(names == name) & (rows.get(line.column, 1.0) == 0)]
            found += [(kpi_id, "zero", text) for kpi_id in zero["kpi_id"]]
    return pd.DataFrame(found, columns=["kpi_id", "kind", "reason"])


def _check_numbers(frame: Rows, names: Sequence[str]) -> None:
    """Raise `InputError` where a column holds text where there should be numbers."""
    for name, kind in frame.collect_schema().items():
        if name in names and isinstance(frame, nw.DataFrame) and not kind.is_numeric():
            numbers(frame, name)
        elif name in names and kind == nw.String:
            raise InputError(
                f'The column "{name}" holds text, not numbers. Where there is no figure leave it '
                "missing."
            )


def _used(rows: Rows, schemes: Mapping[str, Scheme]) -> Mapping[str, Scheme]:
    """The schemes that rows name, all of them where that cannot be asked."""
    if "scheme" not in rows.collect_schema():
        return {"": schemes[""]}
    if not isinstance(rows, nw.DataFrame):
        return schemes
    found = {str(name) for name in rows["scheme"].fill_null("").unique().to_list() if name == name}
    if unknown := sorted(found - set(schemes)):
        known = one_of(unknown[0], [name for name in schemes if name]) or "none"
        raise InputError(f'There is no scheme "{unknown[0]}"; there are {known}.')
    return {name: scheme for name, scheme in schemes.items() if name in found or not name}


def _unrated(reason: str) -> _Outcome:
    return vocabulary.NOT_RATED, reason, None


def _of_all(
    schemes: Mapping[str, Scheme],
    milestones: Mapping[str, str | None],
    given: Mapping[str, nw.Expr],
) -> Iterator[_Step]:
    """What is asked of a figure whatever its scheme, in order, each with what follows from it. A
    milestone has the band of its status."""
    if "rated" in given:
        yield col("rated") == "no", (vocabulary.MONITORED, None, None)
    if "kind" in given:
        of_kind = (col("kind") == vocabulary.MILESTONE).fill_null(False)
        every = (pair for scheme in schemes.values() for pair in enumerate(scheme.bands, 1))
        places = {band.name: place for place, band in every}
        for name, band in milestones.items() if vocabulary.MILESTONE in given else ():
            status = col(vocabulary.MILESTONE).cast(nw.String).str.to_lowercase()
            outcome = _unrated(f'the status "{name}" has no rating')
            if band:
                outcome = (band, None, places.get(band))
            yield of_kind & (status == name.lower()), outcome
        yield of_kind, _unrated(NO_FIGURE)
    no_figure = col("_value").is_null()
    if "status" in given:
        has_status = col("status").cast(nw.String).is_in(vocabulary.STATUSES_WITHOUT_VALUE)
        yield no_figure & has_status.fill_null(False), _AS_STATUS
    yield no_figure, _unrated(NO_FIGURE)
    yield (col("_way") == 0) & ~col("_closest"), _unrated("polarity not known")


def _of_scheme(name: str, scheme: Scheme, words: Mapping[str, str]) -> Iterator[_Step]:
    """What a scheme asks of a figure, in order, each with what follows where it is the first that
    is true."""

    def levels(lines: Sequence[Line]) -> list[nw.Expr]:
        return [col(level_of(line, name)) for line in lines]

    def none_set(lines: Sequence[Line]) -> nw.Expr:
        return nw.all_horizontal(*(one.is_null() for one in levels(lines)), ignore_nulls=True)

    def no_line(column: str) -> _Outcome:
        return _unrated(f"no {Line(column).words(words)}")

    lines = [line for band in scheme.bands for line in band.meets]
    if any(line.beyond for line in lines):
        reason = "a line beyond the target, where closest to the target is best"
        yield col("_closest"), _unrated(reason)
    for strict, loose in comparable(scheme):
        least, most = most_lenient(levels(loose)), most_lenient(levels(strict))
        wrong = (least - most > NOISE) & (least - most > (least.abs() + most.abs()) * NOISE)
        reason = f"{loose[0].words(words)} on the better side of the {strict[0].words(words)}"
        yield wrong.fill_null(False), _unrated(reason)
    for place, band in enumerate(scheme.bands[:-1], 1):
        met = map(is_met, band.meets, levels(band.meets))
        yield any_of(met), (band.name, None, place)
    yield none_set(lines), no_line("target" if "target" in scheme.columns else scheme.columns[0])
    lowest, names = scheme.bands[-2].meets, [band.name for band in scheme.bands]
    outcome = no_line(lowest[0].column)
    if scheme.without_line in names:
        outcome = (scheme.without_line, None, names.index(scheme.without_line) + 1)
    yield none_set(lowest), outcome
    yield lit(True), (scheme.bands[-1].name, None, len(scheme.bands))


def _first(steps: Sequence[_Step], outcomes: Sequence[_Outcome], otherwise: Any) -> Any:
    """The number, among the outcomes, of the first step whose truth holds."""
    code = otherwise
    for truth, outcome in reversed(steps):
        code = when(truth).then(lit(outcomes.index(outcome), dtype=nw.Int64)).otherwise(code)
    return code


def _looked_up(
    outcomes: Sequence[_Outcome], names: Sequence[str], words: Mapping[str, str]
) -> dict[str, Any]:
    """The columns that `rate` adds, from the number of each row's outcome: reasons first, bands
    last."""
    ratings, reasons, places = (list(texts) for texts in zip(*outcomes, strict=True))
    code = col("_code")

    def found(texts: list[Any], kind: Any) -> Any:
        old = list(range(len(texts)))
        return code.replace_strict(old, texts, default=texts[0], return_dtype=kind)

    unrated = code < len(reasons) - reasons.count(None)
    reason: nw.Expr = when(unrated).then(found([text or "" for text in reasons], nw.String))
    if _AS_STATUS in outcomes:
        has_status = when(code == outcomes.index(_AS_STATUS)).then(col("status").cast(nw.String))
        reason = has_status.otherwise(reason)
    if "year_target" in names:
        share = col("_share")
        part = share.fill_null(0.0).cast(nw.Int64).cast(nw.String)
        of_year = lit(f"% of the year's {words.get('target', 'target')}")
        going_on = unrated & ~share.is_null() & col("_line_target").is_null()
        on_the_way = nw.concat_str(lit("on the way: "), part, of_year)
        reason = when(going_on).then(on_the_way).otherwise(reason)
    band = found([at or 0 for at in places], nw.Int64)
    return {
        "rating": found(ratings, nw.String),
        "not_rated_reason": reason,
        "band": when(code >= places.count(None)).then(band),
    }


def _share(given: Mapping[str, nw.Expr]) -> nw.Expr:
    """Of a figure of a year that goes on: how much of the year's target it is, in %."""
    return finite((finite(given["value"]) / finite(given["year_target"]) * 100 + 0.5).floor())
