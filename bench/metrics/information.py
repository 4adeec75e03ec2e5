"""Metrics of grey-level statistics: all are exact functions of 256-bin histograms, counted once per image and pair."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.metrics.planes import Plane, Triple

Counts = NDArray[np.int64]
LEVELS = np.arange(256, dtype=np.int64)
_LOG_BASE = {"bit": math.log(2.0), "nat": 1.0}


def histogram(plane: Plane) -> Counts:
    """How many pixels have each of the 256 levels; int64 (256,)."""
    return plane.once("histogram", lambda: _count([plane.levels]))


def joint_histogram(first: Plane, second: Plane) -> Counts:
    """How many pixels have each pair of levels; int64 (256, 256), first plane along the rows.

    Kept by the second plane, so that a fused image takes its counts with it when it goes.
    """
    return second.once(("joint histogram", first), lambda: _count([first.levels, second.levels]))


def _count(planes: list[NDArray[np.uint8]]) -> Counts:
    """Counts in blocks of rows, because OpenCV counts in float32, which is exact up to 2^24."""
    height, width = planes[0].shape
    rows = max(2**24 // width, 1)
    axes = len(planes)
    counts = np.zeros((256,) * axes, dtype=np.int64)
    for start in range(0, height, rows):
        parts = [plane[start : start + rows] for plane in planes]
        found = cv2.calcHist(parts, list(range(axes)), None, [256] * axes, [0, 256] * axes)
        counts += found.reshape(counts.shape).astype(np.int64)
    return counts


def entropy_of(counts: Counts, unit: str = "bit") -> float:
    """Shannon entropy of a histogram of any shape, in bits or nats; 0 for a single filled bin."""
    filled = counts[counts > 0].astype(np.float64)
    probabilities = filled / filled.sum()
    return abs(float(-(probabilities * np.log(probabilities)).sum()) / _LOG_BASE[unit])


def entropy(triple: Triple, unit: str) -> float:
    """Shannon entropy of the fused image's 256-bin histogram, 0 to 8 bits.

    References:
        [1] Roberts, van Aardt, Ahmed, 2008, doi:10.1117/1.2945910.
    """
    return entropy_of(histogram(triple.fused), unit)


def mutual_information(triple: Triple, unit: str, merge_top_bins: bool = False, stretch: bool = False) -> float:
    """I(ir; fused) + I(vis; fused), the sum over both sources, 0 to 16 bits.

    Args:
        triple: the three planes.
        unit: ``bit`` or ``nat``.
        merge_top_bins: levels 254 and 255 share a bin in the joint histogram, not in the marginal ones (uint8 + 1
            saturates in the MATLAB code of ``seafusion2022`` and ``tang2023``).
        stretch: each image is first stretched to 0..255 by its own minimum and maximum (``vifb``).

    References:
        [1] Qu, Zhang, Yan, 2002, doi:10.1049/el:20020212.
    """
    total = 0.0
    for source in triple.sources:
        joint = usable_joint(source, triple.fused, stretch)
        marginals = entropy_of(joint.sum(axis=1), unit) + entropy_of(joint.sum(axis=0), unit)
        together = merged(joint) if merge_top_bins else joint
        total += exact_if_independent(marginals - entropy_of(together, unit), together)
    return total


def usable_joint(source: Plane, fused: Plane, stretch: bool) -> Counts:
    """The joint histogram of a source and the fused image, each stretched first where that is asked for."""
    joint = joint_histogram(source, fused)
    return _stretched(joint) if stretch else joint


def exact_if_independent(information: float, joint: Counts) -> float:
    """The mutual information found from a joint histogram, or exactly 0 where its images are independent.

    They are if every count times the number of pixels equals the product of its two marginal counts; sums of logarithms
    leave a residue there.
    """
    if abs(information) > 1e-9:
        return information
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    return 0.0 if np.array_equal(joint * int(joint.sum()), np.outer(rows, columns)) else information


def merged(joint: Counts) -> Counts:
    """The joint histogram with levels 254 and 255 in one bin, in both images."""
    merged = joint[:255, :255].copy()
    merged[254] += joint[255, :255]
    merged[:, 254] += joint[:255, 255]
    merged[254, 254] += joint[255, 255]
    return merged


def _stretched(joint: Counts) -> Counts:
    """The joint histogram after each image's minimum and maximum became 0 and 255."""
    half = np.zeros_like(joint)
    np.add.at(half, stretch_table(joint.sum(axis=1)), joint)
    whole = np.zeros_like(joint)
    np.add.at(whole.T, stretch_table(joint.sum(axis=0)), half.T)
    return whole


def stretch_table(counts: Counts) -> NDArray[np.intp]:
    """Level -> round(255 (level - min) / (max - min)), halves away from zero; all zero for a constant image."""
    present = np.flatnonzero(counts)
    low, high = int(present[0]), int(present[-1])
    if low == high:
        return np.zeros(256, dtype=np.intp)
    table = np.floor((LEVELS - low) / (high - low) * 255.0 + 0.5)
    return np.clip(table, 0, 255).astype(np.intp)


def cross_entropy(triple: Triple) -> float:
    """Mean over the sources of sum p log2(p / q) over levels that both histograms hold, in bits; lower is better.

    A truncated Kullback-Leibler divergence: levels missing in the fused image are left out, so it can be negative, and
    it is 0 where the histograms share no level.

    References:
        [1] Bulanon, Burks, Alchanatis, 2009, doi:10.1016/j.biosystemseng.2009.02.009.
    """
    fused = histogram(triple.fused) / triple.fused.pixels
    total = 0.0
    for source in triple.sources:
        here = histogram(source) / source.pixels
        both = (here > 0) & (fused > 0)
        total += float((here[both] * np.log2(here[both] / fused[both])).sum())
    return total / 2.0


def standard_deviation(triple: Triple) -> float:
    """Population standard deviation of the fused levels, 0 to 127.5.

    References:
        [1] Rao, 1997, doi:10.1088/0957-0233/8/4/002 (usually cited; does not define it).
    """
    counts = histogram(triple.fused)
    n, total, squares = triple.fused.pixels, int(counts @ LEVELS), int(counts @ LEVELS**2)
    return math.sqrt(n * squares - total * total) / n


def standard_deviation_uint8(triple: Triple) -> float:
    """The 2022 MATLAB result of ``sqrt(mean((F - mean(F)).^2))`` in uint8 arithmetic, 0 to 15.97.

    Differences below zero become 0 and squares above 255 become 255, so this is not a standard deviation.
    """
    counts = histogram(triple.fused)
    mean = int(counts @ LEVELS) / triple.fused.pixels
    difference = np.floor(np.maximum(LEVELS - mean, 0.0) + 0.5)
    return math.sqrt(float(counts @ np.minimum(difference**2, 255.0)) / triple.fused.pixels)


@dataclass(frozen=True, slots=True)
class Moments:
    """N^2 times the variances and the covariance of two planes, and the sum of squared differences: exact integers."""

    first: int
    second: int
    both: int
    squared_difference: int


def moments(first: Plane, second: Plane) -> Moments:
    """Second moments of two planes, from their joint histogram; kept by the second plane."""

    def compute() -> Moments:
        joint = joint_histogram(first, second)
        rows, columns = joint.sum(axis=1), joint.sum(axis=0)
        n = first.pixels
        sum_1, sum_2 = int(rows @ LEVELS), int(columns @ LEVELS)
        squares_1, squares_2 = int(rows @ LEVELS**2), int(columns @ LEVELS**2)
        product = int(LEVELS @ (joint @ LEVELS))
        return Moments(
            first=n * squares_1 - sum_1 * sum_1,
            second=n * squares_2 - sum_2 * sum_2,
            both=n * product - sum_1 * sum_2,
            squared_difference=squares_1 + squares_2 - 2 * product,
        )

    return second.once(("moments", first), compute)


def _ratio(numerator: int, variance_1: int, variance_2: int) -> float:
    """Pearson's r from integer moments; 0 if either image is constant."""
    if variance_1 == 0 or variance_2 == 0:
        return 0.0
    return numerator / (math.sqrt(variance_1) * math.sqrt(variance_2))


def correlation_coefficient(triple: Triple) -> float:
    """Mean of Pearson's r between each source and the fused image, -1 to 1; a constant image counts as r = 0."""
    total = 0.0
    for source in triple.sources:
        values = moments(source, triple.fused)
        total += _ratio(values.both, values.first, values.second)
    return total / 2.0


def sum_of_correlations_of_differences(triple: Triple) -> float:
    """r(F - vis, ir) + r(F - ir, vis), -2 to 2; a constant image or difference counts as r = 0.

    References:
        [1] Aslantas, Bendes, 2015, doi:10.1016/j.aeue.2015.09.004.
    """
    ir, vis = moments(triple.ir, triple.fused), moments(triple.vis, triple.fused)
    between = moments(triple.ir, triple.vis).both
    total = 0.0
    for kept, removed in ((ir, vis), (vis, ir)):
        difference = removed.second + removed.first - 2 * removed.both
        total += _ratio(kept.both - between, difference, kept.first)
    return total


def mean_squared_error(triple: Triple, scale: float) -> float:
    """Mean of the two mean squared errors against the sources, of levels divided by ``scale``; lower is better.

    References:
        [1] Jagalingam, Hegde, 2015, doi:10.1016/j.aqpro.2015.02.019.
    """
    return _squared_error_sum(triple) / (2.0 * triple.fused.pixels * scale * scale)


def _squared_error_sum(triple: Triple) -> int:
    return sum(moments(source, triple.fused).squared_difference for source in triple.sources)


def peak_signal_to_noise(triple: Triple, scale: float, peak: str) -> float:
    """10 log10(peak^2 / MSE) in dB, MSE as :func:`mean_squared_error`.

    Three equal images would give infinity; they count as if one pixel of one source were one level off, the best value
    that images of this size can otherwise reach.

    Args:
        triple: the three planes.
        scale: the levels are divided by it before the error is taken.
        peak: ``255``, or ``fused_maximum``: the largest level of the fused image (an all-black one counts as 1).
    """
    error = max(_squared_error_sum(triple), 1) / (2.0 * triple.fused.pixels * scale * scale)
    top = 255.0 if peak == "255" else float(max(int(triple.fused.levels.max()), 1))
    return 10.0 * math.log10(top * top / error)


def root_mean_squared_error_by_size(triple: Triple) -> float:
    """Mean over the sources of sqrt(sum d^2) / (H W): the true RMSE divided by sqrt(H W); lower is better."""
    roots = [math.sqrt(moments(source, triple.fused).squared_difference) for source in triple.sources]
    return sum(roots) / (2.0 * triple.fused.pixels)


def peak_signal_to_noise_by_size(triple: Triple) -> float:
    """20 log10(255 / sqrt(m)) in dB with m from :func:`root_mean_squared_error_by_size` in place of an MSE.

    Three equal images count as if one pixel of one source were one level off.
    """
    error = root_mean_squared_error_by_size(triple) or 0.5 / triple.fused.pixels
    return 20.0 * math.log10(255.0 / math.sqrt(error))


def spatial_frequency(triple: Triple, scale: float, divisor: str) -> float:
    """sqrt(mean squared horizontal + mean squared vertical difference) of the fused levels divided by ``scale``.

    Args:
        triple: the three planes.
        scale: 1 for 0..255, 255 for the unit range.
        divisor: ``differences``: each mean is over its own differences; ``pixels``: both sums are divided by H W.

    References:
        [1] Eskicioglu, Fisher, 1995, doi:10.1109/26.477498.
    """
    levels = triple.fused.levels
    height, width = levels.shape
    across = squared_difference_sum(levels[:, 1:], levels[:, :-1])
    down = squared_difference_sum(levels[1:], levels[:-1])
    if divisor == "pixels":
        return math.sqrt((across + down) / (height * width)) / scale
    return math.sqrt(across / max(height * (width - 1), 1) + down / max((height - 1) * width, 1)) / scale


def squared_difference_sum(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Sum of squared differences of two uint8 arrays, an exact integer."""
    return round(cv2.norm(first, second, cv2.NORM_L2SQR)) if first.size else 0.0
