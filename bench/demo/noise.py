"""Tileable noise from one generator: grain of asphalt, spread of leaves, clouds."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = 512
"""Texels per side of the tables; a power of two, so that wrapping is a mask."""


class Noise:
    """Noise tables of one scene.

    Args:
        rng: the scene's generator.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._grain = rng.random((SIZE, SIZE), dtype=np.float32)
        fractal = np.zeros((SIZE, SIZE), np.float32)
        for cells, weight in ((8, 0.5), (16, 0.25), (32, 0.125), (64, 0.0625), (128, 0.0625)):
            coarse = np.pad(rng.random((cells, cells), dtype=np.float32), 2, mode="wrap")
            step = SIZE // cells
            fine = cv2.resize(coarse, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
            fractal += weight * fine[2 * step : 2 * step + SIZE, 2 * step : 2 * step + SIZE]
        self._fractal = (fractal - fractal.min()) / (fractal.max() - fractal.min())
        leaf = cv2.GaussianBlur(rng.random((SIZE, SIZE), dtype=np.float32), (0, 0), 0.8)
        ranks = np.empty(SIZE * SIZE, np.float32)
        ranks[np.argsort(leaf, axis=None)] = np.linspace(0, 1, SIZE * SIZE, dtype=np.float32)
        base = ranks.reshape(SIZE, SIZE)
        self._leaves = [base] + [
            cv2.resize(base[: SIZE // k, : SIZE // k], (SIZE, SIZE), interpolation=cv2.INTER_LINEAR) for k in (2, 4, 8)
        ]

    def grain(self, u: NDArray[np.float32], v: NDArray[np.float32]) -> NDArray[np.float32]:
        """White noise 0..1 that changes at every integer of ``u`` and ``v``."""
        return self._grain[_wrap(v), _wrap(u)]

    def fractal(self, u: NDArray[np.float32], v: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cloudy noise 0..1; one unit of ``u`` and ``v`` holds about 8 blobs."""
        return self._fractal[_wrap(v * SIZE), _wrap(u * SIZE)]

    def holes(self, index: int, shape: tuple[int, int], leaf: float) -> NDArray[np.float32]:
        """A patch of evenly distributed 0..1 values with blobs of about ``leaf`` pixels, another for every ``index``."""
        table = self._leaves[int(np.clip(round(float(np.log2(max(leaf, 1.0) / 2.0))), 0, 3))]
        rows = np.arange(index * 97, index * 97 + shape[0]) & (SIZE - 1)
        columns = np.arange(index * 61, index * 61 + shape[1]) & (SIZE - 1)
        return np.asarray(table[rows[:, None], columns[None, :]])


def _wrap(values: NDArray[np.float32]) -> NDArray[np.int32]:
    return np.floor(values).astype(np.int32) & (SIZE - 1)
