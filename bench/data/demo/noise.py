"""Tileable noise from one generator: grain of asphalt, spread of leaves, clouds."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = 512
"""Texels per side of the tables; a power of two, so that wrapping is a mask."""

Table = NDArray[np.float32]


@lru_cache(maxsize=1)
def _tables() -> tuple[Table, Table, tuple[Table, ...]]:
    """White noise, cloudy noise and leaf noise in four sizes; the same for all scenes, which start at other corners."""
    rng = np.random.default_rng(20220101)
    grain = rng.random((SIZE, SIZE), dtype=np.float32)
    fractal = np.zeros((SIZE, SIZE), np.float32)
    for cells, weight in ((8, 0.5), (16, 0.25), (32, 0.125), (64, 0.0625), (128, 0.0625)):
        coarse = np.pad(rng.random((cells, cells), dtype=np.float32), 2, mode="wrap")
        step = SIZE // cells
        fine = cv2.resize(coarse, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        fractal += weight * fine[2 * step : 2 * step + SIZE, 2 * step : 2 * step + SIZE]
    fractal -= fractal.min()
    fractal /= fractal.max()
    leaf = cv2.GaussianBlur(rng.random((SIZE, SIZE), dtype=np.float32), (0, 0), 0.8)
    ranks = np.empty(SIZE * SIZE, np.float32)
    ranks[np.argsort(leaf, axis=None)] = np.linspace(0, 1, SIZE * SIZE, dtype=np.float32)
    base = ranks.reshape(SIZE, SIZE)
    leaves = [base] + [
        cv2.resize(base[: SIZE // k, : SIZE // k], (SIZE, SIZE), interpolation=cv2.INTER_LINEAR) for k in (2, 4, 8)
    ]
    doubled = tuple(np.tile(table, (2, 2)).astype(np.float32) for table in leaves)
    return grain, fractal, doubled


class Noise:
    """Noise of one scene.

    Args:
        rng: the scene's generator; it picks where in the tables the scene begins.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._grain, self._fractal, self._leaves = _tables()
        self._u, self._v = (int(value) for value in rng.integers(0, SIZE, 2))

    def grain(self, u: Any, v: Any) -> Table:
        """White noise 0..1 that changes at every integer of ``u`` and ``v``."""
        return self._grain[self._wrap(v, self._v), self._wrap(u, self._u)]

    def fractal(self, u: Any, v: Any) -> Table:
        """Cloudy noise 0..1; one unit of ``u`` and ``v`` holds about 8 blobs."""
        return self._fractal[self._wrap(v * SIZE, self._v), self._wrap(u * SIZE, self._u)]

    def holes(self, index: int, shape: tuple[int, int], leaf: float) -> Table:
        """A patch of evenly spread 0..1 values with blobs of about ``leaf`` pixels, another for every ``index``.

        Patches larger than the table repeat it.
        """
        table = self._leaves[int(np.clip(round(float(np.log2(max(leaf, 1.0) / 2.0))), 0, 3))]
        top, left = (index * 97 + self._v) % SIZE, (index * 61 + self._u) % SIZE
        if shape[0] <= SIZE and shape[1] <= SIZE:
            return table[top : top + shape[0], left : left + shape[1]]
        rows, columns = np.arange(top, top + shape[0]) % SIZE, np.arange(left, left + shape[1]) % SIZE
        return np.asarray(table[rows[:, None], columns[None, :]])

    @staticmethod
    def _wrap(values: Any, start: int) -> NDArray[np.int32]:
        whole: NDArray[np.int32] = np.floor(values).astype(np.int32)
        whole += start
        whole &= SIZE - 1
        return whole
