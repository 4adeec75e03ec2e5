"""How the classes of a detector map onto those of COCO."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.data.coco import NAMES


def coco_ids(names: Sequence[str]) -> np.ndarray:
    """COCO ids of a detector's classes; -1 where COCO has no class of that name.

    >>> coco_ids(["car", "tram", "person"]).tolist()
    [2, -1, 0]

    Returns:
        int64 (len(names),).
    """
    known = {name: index for index, name in enumerate(NAMES)}
    return np.array([known.get(str(name).strip().lower(), -1) for name in names], dtype=np.int64)


def columns(ids: np.ndarray, wanted: Sequence[int] | None) -> list[int]:
    """Which of a detector's classes are wanted: positions in ``ids`` (of ``coco_ids``); None wants all COCO knows."""
    return [index for index, number in enumerate(ids) if number >= 0 and (wanted is None or number in wanted)]
