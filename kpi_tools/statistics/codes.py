"""Columns of truths, signs and codes, which the rules reckon with, and the words that they are told in, on any engine."""

from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2 import col, lit, when

from kpi_tools.vocabulary import HIGHER, LOWER


def finite(name: str) -> nw.Expr:
    """The column where it is finite, else null: comparisons with NaN differ from engine to engine."""
    number = col(name).cast(nw.Float64)
    return when(number.is_finite()).then(number)


def flag(truth: nw.Expr) -> nw.Expr:
    """1 or 0: truths become objects on pandas when they are shifted, numbers stay numbers."""
    return truth.cast(nw.Int8)


def sign(positive: nw.Expr, negative: nw.Expr | None = None) -> nw.Expr:
    """1, else -1, or 0 where neither is known to be true."""
    one, minus, none = (lit(number, dtype=nw.Int8) for number in (1, -1, 0))
    either = when(positive).then(one)
    return (either if negative is None else either.when(negative).then(minus)).otherwise(none)


def better() -> nw.Expr:
    """Whether higher (1) or lower (-1) is better, by the column `polarity`; 0 where it says neither."""
    polarity = col("polarity").cast(nw.String)
    return sign(polarity == HIGHER, polarity == LOWER)


def first_of(rows: Any, *truths: nw.Expr, start: int = 1, otherwise: int = 0) -> nw.Expr:
    """Which of the truths is the first that holds, counted from `start`: a code for `words`, without a sign in eager rows."""
    kind = nw.UInt32 if isinstance(rows, nw.DataFrame) else nw.Int64
    code: Any = lit(otherwise, dtype=kind)
    for place, truth in reversed(list(enumerate(truths, start))):
        code = when(truth).then(lit(place, dtype=kind)).otherwise(code)
    return code


def words(rows: Any, code: str, meanings: Mapping[int, str]) -> nw.Expr | nw.Series[Any]:
    """The text for each number of a column, null for a 0 that means nothing; no other may be without a meaning.

    Eager rows are looked up by place, which is quicker than to replace, most of all where the code has no sign.
    """
    if not isinstance(rows, nw.DataFrame):
        return col(code).replace_strict(
            list(meanings), list(meanings.values()), default=None, return_dtype=nw.String
        )
    masked = (
        0 not in meanings and rows.implementation.is_polars()
    )  # which looks up thrice as fast what is never null
    texts = [meanings.get(number, "" if masked else None) for number in range(max(meanings) + 1)]
    found = nw.new_series(code, texts, nw.String, backend=rows.implementation)[
        rows[code].cast(nw.UInt32)
    ]
    return when(col(code) > 0).then(found) if masked else found
