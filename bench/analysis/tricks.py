"""What can be done to a fused image without adding anything about the scene: the tricks of the metric audit."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from bench.analysis.bootstrap import Floats
from bench.types import Image


def _stretch(image: Image) -> Image:
    low, high = np.percentile(image, [1.0, 99.0])
    return _levels((image - low) * (255.0 / max(high - low, 1.0)))


def _unsharp(image: Image) -> Image:
    values = image.astype(np.float64)
    return _levels(values + 1.5 * (values - cv2.GaussianBlur(values, (0, 0), 1.5)))


def _noise(image: Image) -> Image:
    return _levels(image + np.random.default_rng(0).normal(0.0, 8.0, image.shape))


def _jpeg(image: Image) -> Image:
    stored = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1]
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_UNCHANGED), dtype=np.uint8)


def _equalise(image: Image) -> Image:
    planes = [cv2.equalizeHist(np.ascontiguousarray(plane)) for plane in np.atleast_3d(image).transpose(2, 0, 1)]
    return np.asarray(planes[0] if image.ndim == 2 else np.dstack(planes), dtype=np.uint8)


def _levels(values: Floats) -> Image:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


TRICKS: dict[str, Callable[[Image], Image]] = {
    "contrast stretch": _stretch,
    "gamma 0.6": lambda image: _levels(255.0 * (image / 255.0) ** 0.6),
    "unsharp mask": _unsharp,
    "noise": _noise,
    "JPEG": _jpeg,
    "one-pixel shift": lambda image: np.roll(image, 1, axis=1),
    "histogram equalisation": _equalise,
}
"""Name -> what is done to a fused image, uint8 (H, W) or (H, W, 3); none adds information about the scene."""
