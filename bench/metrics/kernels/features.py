"""Feature mutual information: blocks of neighbouring windows at once, each step in the order of the NumPy formula.

Whether a correlation or a bound is exactly 0 decides the score of a window, so nothing is fused or reordered.
"""

from __future__ import annotations

import numpy as np

from bench.compiled import Array, exact_kernel
from bench.metrics import fmi
from bench.metrics.planes import Triple

BLOCK = 64
"""Windows at once; their lines of numbers lie in the first-level cache."""

_LOG2_E = 1.4426950408889634
_WORK = np.zeros((100, BLOCK)), np.zeros((3, 9, BLOCK)), np.zeros((2, BLOCK), dtype=np.bool_)


@exact_kernel
def binary_logarithm(x: float) -> float:
    """log2(x) for normal x > 0, within 4e-16 of the larger of 1 and itself: series of the area tangent, and 0 for 0."""
    bits = np.float64(x).view(np.int64)
    mantissa = np.int64((bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000).view(np.float64)
    # the biased exponent becomes a number by way of the low bits of 2^52, which compilers vectorise
    exponent = np.int64((bits >> 52) | 0x4330000000000000).view(np.float64) - 4503599627370496.0 - 1023.0
    large = mantissa > 1.4142135623730951
    mantissa = 0.5 * mantissa if large else mantissa
    exponent = exponent + 1.0 if large else exponent
    s = (mantissa - 1.0) / (mantissa + 1.0)
    z = s * s
    tail = 1.0 / 15.0 + z * (1.0 / 17.0 + z * (1.0 / 19.0))
    series = 1.0 / 3.0 + z * (
        1.0 / 5.0 + z * (1.0 / 7.0 + z * (1.0 / 9.0 + z * (1.0 / 11.0 + z * (1.0 / 13.0 + z * tail))))
    )
    value = exponent + 2.0 * _LOG2_E * (s + s * z * series)
    return 0.0 if x == 0.0 else value


@exact_kernel
def _gather(values: Array, row: int, left: int, count: int, windows: Array) -> None:
    """The nine values of neighbouring windows, each read down its columns."""
    for column in range(3):
        for part in range(3):
            line, out = values[row + part, left + column :], windows[3 * column + part]
            for x in range(count):
                out[x] = line[x]


@exact_kernel
def _scale(windows: Array, low: Array, high: Array, count: int) -> None:
    """Stretches each window to 0..1 in place; a flat one becomes all ones; ``low`` and ``high`` keep its range."""
    for x in range(count):
        low[x] = windows[0, x]
        high[x] = windows[0, x]
    for place in range(1, 9):
        for x in range(count):
            value = windows[place, x]
            low[x] = value if value < low[x] else low[x]
            high[x] = value if value > high[x] else high[x]
    for place in range(9):
        for x in range(count):
            spread = high[x] - low[x]
            windows[place, x] = (
                1.0 if spread == 0.0 else (windows[place, x] - low[x]) / (1.0 if spread == 0.0 else spread)
            )


@exact_kernel
def _distribute(windows: Array, totals: Array, spreads: Array, information: Array, count: int) -> None:
    """Makes each window sum to 1; writes the spread over its places and its entropy."""
    totals[:] = 0.0
    for place in range(9):
        for x in range(count):
            totals[x] += windows[place, x]
    for place in range(9):
        for x in range(count):
            windows[place, x] /= totals[x]
    totals[:], spreads[:], information[:] = 0.0, 0.0, 0.0
    for place in range(9):
        k = place + 1.0
        for x in range(count):
            totals[x] += k * windows[place, x]
            spreads[x] += k * k * windows[place, x]
            information[x] += windows[place, x] * binary_logarithm(windows[place, x])
    for x in range(count):
        square = spreads[x] - totals[x] * totals[x]
        spreads[x] = np.sqrt(square if square > 0.0 else 0.0)
        information[x] = -information[x]


@exact_kernel
def _correlate(first: Array, second: Array, lines: Array, correlation: Array, count: int) -> None:
    """Pearson's r of each window pair, 0 where its numerator is exactly 0."""
    lines[:] = 0.0
    for place in range(9):
        for x in range(count):
            lines[0, x] += first[place, x]
            lines[1, x] += second[place, x]
    for place in range(9):
        for x in range(count):
            one, other = first[place, x] - lines[0, x] / 9.0, second[place, x] - lines[1, x] / 9.0
            lines[2, x] += one * other
            lines[3, x] += one * one
            lines[4, x] += other * other
    for x in range(count):
        scale = np.sqrt(lines[3, x] * lines[4, x])
        usable = lines[2, x] != 0.0 and scale > 0.0
        correlation[x] = lines[2, x] / (scale if usable else 1.0) if usable else 0.0


@exact_kernel
def _cumulate(windows: Array, out: Array, count: int) -> None:
    """Running sums, after a line of zeros."""
    for x in range(count):
        out[0, x] = 0.0
    for place in range(9):
        for x in range(count):
            out[place + 1, x] = out[place, x] + windows[place, x] if place else windows[0, x]


@exact_kernel
def _bound(fused: float, source: float, upper: bool) -> float:
    least = fused if fused < source else source
    most = fused + source - 1.0
    most = most if most > 0.0 else 0.0
    return least if upper else most


@exact_kernel
def _extreme(fused: Array, source: Array, correlation: Array, out: Array, count: int) -> None:
    """Sum over the cumulated table of the bound less independence."""
    out[:] = 0.0
    for row in range(1, 10):
        for column in range(1, 10):
            for x in range(count):
                one, other = fused[row, x], source[column, x]
                out[x] += _bound(one, other, correlation[x] >= 0.0) - one * other


@exact_kernel
def _joint_information(
    windows: tuple[Array, Array], cumulated: tuple[Array, Array], correlation: Array, weights: Array, out: Array,
    count: int,
) -> None:  # fmt: skip
    """Adds to ``out`` the entropy of the mixture of bound and independence; the fused image comes before a source."""
    (fused, source), (above, beside) = windows, cumulated
    for row in range(9):
        for column in range(9):
            for x in range(count):
                upper = correlation[x] >= 0.0
                cell = _bound(above[row + 1, x], beside[column + 1, x], upper)
                cell -= _bound(above[row, x], beside[column + 1, x], upper) if row else 0.0
                cell -= _bound(above[row + 1, x], beside[column, x], upper) if column else 0.0
                cell += _bound(above[row, x], beside[column, x], upper) if row and column else 0.0
                q = weights[x] * cell + (1.0 - weights[x]) * (fused[row, x] * source[column, x])
                out[x] -= q * binary_logarithm(abs(q))


@exact_kernel
def _score(source: Array, fused: Array, spread: Array, information: Array, work: Array, out: Array, count: int) -> None:
    """The normalised mutual information of distributed windows; ``spread`` and ``information``: ir or vis, then F."""
    correlation, extreme, weights, joint, lines = work[0], work[1], work[2], work[3], work[4:9]
    above, beside = work[9:19], work[19:29]
    _correlate(source, fused, lines, correlation, count)
    _cumulate(fused, above, count)
    _cumulate(source, beside, count)
    _extreme(above, beside, correlation, extreme, count)
    for x in range(count):
        spreads = spread[0, x] * spread[1, x]
        usable = correlation[x] != 0.0 and spreads > 0.0
        most = extreme[x] / (spreads if usable else 1.0)
        usable = usable and most != 0.0
        weights[x] = correlation[x] / most if usable else 0.0
        joint[x] = 0.0
    _joint_information((fused, source), (above, beside), correlation, weights, joint, count)
    for x in range(count):
        separate = information[0, x] + information[1, x]
        mutual = separate - joint[x]
        scored = mutual != 0.0 and separate != 0.0
        out[x] = 2.0 * mutual / (separate if scored else 1.0) if scored else 0.0


@exact_kernel
def _total(scores: Array, ranges: Array, same: Array, slip: Array, totals: Array, count: int) -> None:
    """Adds up the means of both sources' scores; equal windows score 1, and without slips two flat ones too."""
    for x in range(count):
        flat = ranges[4, x] == ranges[5, x]
        one = same[0, x] or (flat and ranges[0, x] == ranges[1, x])
        other = same[1, x] or (flat and ranges[2, x] == ranges[3, x])
        totals[0] += ((1.0 if one else scores[0, x]) + (1.0 if other else scores[1, x])) / 2.0
        first, second = 1.0 if same[0, x] else scores[0, x], 1.0 if slip[x] == 1.0 else scores[1, x]
        totals[1] += (first + second) / 2.0


@exact_kernel
def _score_block(windows: Array, scratch: Array, same: Array, totals: Array, count: int) -> None:
    """Adds to ``totals`` the scores of a block: without the slips of the MATLAB code, and with them."""
    ir, vis, fused = windows[0], windows[1], windows[2]
    ranges, spreads, information, scores = scratch[30:36], scratch[36:39], scratch[39:42], scratch[42:44]
    raw, pair = scratch[44:53], scratch[53:57]
    for place in range(9):
        for x in range(count):
            raw[place, x] = fused[place, x]
    same[:] = True
    for place in range(9):
        for x in range(count):
            same[0, x] = same[0, x] and ir[place, x] == raw[place, x]
            same[1, x] = same[1, x] and vis[place, x] == raw[place, x]
    slip = scratch[57]
    _scale(fused, ranges[4], ranges[5], count)
    slip[:] = 1.0
    for place in range(9):
        for x in range(count):
            seen = raw[place, x] if same[0, x] else fused[place, x]
            slip[x] = slip[x] if vis[place, x] == seen else 0.0
    _scale(ir, ranges[0], ranges[1], count)
    _scale(vis, ranges[2], ranges[3], count)
    for index in range(3):
        _distribute(windows[index], scratch[58], spreads[index], information[index], count)
    for index in range(2):
        for x in range(count):
            pair[0, x], pair[1, x] = spreads[index, x], spreads[2, x]
            pair[2, x], pair[3, x] = information[index, x], information[2, x]
        _score(windows[index], fused, pair[:2], pair[2:], scratch, scores[index], count)
    _total(scores, ranges, same, slip, totals, count)


@exact_kernel
def score_windows(maps: tuple[Array, Array, Array], work: tuple[Array, Array, Array], totals: Array) -> None:
    """Adds to ``totals`` the scores of all 3x3 windows of the feature maps of ir, vis and fused, see _score_block."""
    scratch, windows, same = work
    height, width = maps[0].shape
    for row in range(height - 2):
        for left in range(0, width - 2, BLOCK):
            count = min(BLOCK, width - 2 - left)
            for index in range(3):
                _gather(maps[index], row, left, count, windows[index])
            _score_block(windows, scratch, same, totals, count)


def feature_mutual_information(triple: Triple, feature: str, slips: bool) -> float:
    """See :func:`bench.metrics.fmi.feature_mutual_information`; both readings come from one pass."""

    def compute() -> tuple[float, float]:
        ir, vis, fused = (fmi.feature_map(plane, feature) for plane in (triple.ir, triple.vis, triple.fused))
        totals, windows = np.zeros(2), (fused.shape[0] - 2) * (fused.shape[1] - 2)
        score_windows((ir, vis, fused), _WORK, totals)
        return float(totals[0]) / windows, float(totals[1]) / windows

    return triple.fused.once(("kernel features", triple.sources, feature), compute)[slips]
