"""Intervals do not hang on the order in which a processor adds numbers."""

from __future__ import annotations

import numpy as np
import pytest

from bench.analysis.bootstrap import WeightedStatistic, bootstrap_images


def summed(values: np.ndarray, ulps: int) -> WeightedStatistic:
    """Means of rows; a lone row comes out some last bits higher or lower than the same row among others.

    That is what a BLAS does which multiplies by a vector in another order than by a matrix.
    """

    def statistic(counts: np.ndarray) -> np.ndarray:
        means = values @ counts.T / counts.sum(axis=1)
        return means * (1 + ulps * np.finfo(float).eps) if len(counts) == 1 else means

    return statistic


@pytest.mark.parametrize("n", [3, 4, 6, 9])
@pytest.mark.parametrize("scale", [0.03, 1.0, 60.0, 4e4])
def test_intervals_are_those_of_any_order(n: int, scale: float) -> None:
    values = scale * np.random.default_rng(n).random((3, n))
    found = [bootstrap_images(n, summed(values, ulps), resamples=999).intervals for ulps in (-8, 0, 8)]
    ends = np.array([[(interval.low, interval.high) for interval in intervals] for intervals in found])
    assert np.allclose(ends, ends[1], rtol=1e-7, atol=1e-8)
