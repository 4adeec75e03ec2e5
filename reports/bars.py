"""Intervals as small bars, on one scale for all rows of a table."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.analysis.bootstrap import Interval

FEW_PAIRS = 10
"""Below this many pairs a page says that intervals are rough."""


def bar_places(intervals: Sequence[Interval]) -> list[list[float]]:
    """Where low end, value and high end of each lie, in percent of the width; an end that is not known is the value."""
    ends = [end for one in intervals for end in (one.low, one.value, one.high) if math.isfinite(end)]
    low, width = min(ends, default=0.0), (max(ends, default=0.0) - min(ends, default=0.0)) or 1.0
    return [
        [
            round(100 * ((end if math.isfinite(end) else one.value) - low) / width, 2)
            for end in (one.low, one.value, one.high)
        ]
        for one in intervals
    ]
