"""Winograd's minimal filtering in numbers: tiles, points and matrices; needs no Numba.

A tile of 4x4 results of a 3x3 filter is made of 36 products instead of 144 (Lavin and Gray, "Fast algorithms for
convolutional neural networks", CVPR 2016, F(4x4, 3x3)): A^T [(G g G^T) * (B^T d B)] A, summed over channels between
the brackets. They evaluate polynomials at 0, +-1, +-2; at 0, +-1/sqrt(2), +-sqrt(2) the rounding errors are half as
large (Barabasz et al., "Error analysis and improving the accuracy of Winograd convolution", TOMS 2020, on the choice).
"""

from __future__ import annotations

import numpy as np

RESULTS, TAPS, SIDE = 4, 3, 6
"""Of a tile along one axis: results, taps of the filter, and values that go in."""

LANES = 8
"""Channels at a time."""

INNER, OUTER = 0.5**0.5, 2.0**0.5
POINTS = (0.0, INNER, -INNER, OUTER, -OUTER)
"""Where the polynomials are evaluated; infinity is the sixth."""


def _powers(count: int) -> np.ndarray:
    rows = [[point**power for power in range(count)] for point in POINTS]
    return np.array([*rows, [0.0] * (count - 1) + [1.0]])


FILTER = _powers(TAPS)
"""G: (6, 3)."""

INPUT = np.linalg.inv(_powers(SIDE)).T
"""B^T: (6, 6). Rows of a pair of points differ in the sign of the odd columns only."""
