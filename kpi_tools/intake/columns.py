"""Arrays of a table, each distinct text looked up once."""

from typing import Any

import numpy as np
import pandas as pd

Bools = np.ndarray[Any, np.dtype[np.bool_]]
Objects = np.ndarray[Any, np.dtype[np.object_]]


def places(texts: pd.Series, among: pd.Index) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Where each text stands among others, -1 where it does not; each distinct text is looked up once."""
    codes, distinct = pd.factorize(texts)
    return among.get_indexer(distinct).astype(np.int64)[codes]
