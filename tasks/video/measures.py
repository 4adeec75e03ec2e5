"""The numbers of a clip, gathered frame by frame: nothing but sums, counts and the last frame is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.types import Image

Flow = NDArray[np.float32]
"""float32 (H, W, 2): how many pixels right and down the content of a pixel moves to the next frame."""

LUMA = (0.299, 0.587, 0.114)
"""Of RGB, ITU-R BT.601."""

SMALLEST = 32
"""Shorter side, in pixels, that optical flow is found for."""

STEP, MOST = 8, 15
"""Levels in a class of a difference between frames, and classes on either side of the one around 0."""

CLASSES = 2 * MOST + 1


class Moment(NamedTuple):
    """Frames of one time: ``ir`` and ``vis`` uint8 (H, W) luma, ``fused`` uint8 (H, W, 3) RGB."""

    ir: Image
    vis: Image
    fused: Image


def luma(image: Image) -> Image:
    """uint8 (H, W) of a grey or RGB image."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def mean_luma(image: Image) -> float:
    """Mean luma of a uint8 RGB image (H, W, 3), 0 to 255, without rounding pixel by pixel."""
    return float(np.asarray(cv2.mean(image)[:3]) @ LUMA)


def flicker(before: float, now: float, after: float) -> float:
    """How far the mean of a frame is off the line between its neighbours', in levels: ``|a - 2 b + c| / 2``.

    A clip whose mean goes up and down by ``A`` from frame to frame has ``2 A``; a steady drift, as of a camera that
    turns to the light, has 0. The second difference stands in the place of the first, since a moving
    camera changes the mean by itself.
    """
    return abs(before - 2.0 * now + after) / 2.0


def flow(first: Image, second: Image) -> Flow:
    """Dense optical flow from one frame to another by inverse search.

    Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016, in OpenCV's medium preset.

    Args:
        first: uint8 (H, W), at least ``SMALLEST`` a side.
        second: likewise.
    """
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.asarray(finder.calc(first, second, np.zeros((*first.shape, 2), np.float32)), np.float32)


def warp(image: NDArray[Any], by: Flow) -> NDArray[Any]:
    """What the pixels of the first frame show in the second, bilinear; of the frame's border where it leaves it."""
    down, across = np.indices(by.shape[:2], np.float32)
    return np.asarray(
        cv2.remap(image, across + by[..., 0], down + by[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def seen_in_both(forward: Flow, backward: Flow) -> NDArray[np.bool_]:
    """Pixels whose flow can be trusted: where they are seen in both frames, and away from the borders of motions.

    Ruder, Dosovitskiy, Brox, "Artistic Style Transfer for Videos", GCPR 2016: the rules that it takes for
    disocclusions and motion boundaries. Pixels that leave the frame are left out too.
    """
    height, width = forward.shape[:2]
    down, across = np.indices((height, width), np.float32)
    to = np.stack([across + forward[..., 0], down + forward[..., 1]], axis=-1)
    inside = ((to >= 0) & (to <= [width - 1, height - 1])).all(axis=-1)
    back = warp(backward, forward)
    lengths = (forward**2).sum(axis=-1) + (back**2).sum(axis=-1)
    consistent = ((forward + back) ** 2).sum(axis=-1) <= 0.01 * lengths + 0.5
    slopes = [np.gradient(forward[..., axis]) for axis in (0, 1)]
    steep = sum((part**2 for pair in slopes for part in pair), np.zeros((height, width)))
    smooth = steep <= 0.01 * (forward**2).sum(axis=-1) + 0.002
    return np.asarray(inside & consistent & smooth)


def warping_error(now: Moment, after: Moment) -> float:
    """Mean squared difference, of colours in [0, 1], between a fused frame and the next one moved back onto it.

    Lai et al., "Learning Blind Video Temporal Consistency", ECCV 2018, over pixels seen in both frames.
    The flow is that of the mean of both sources, so that it is one for all methods and none is helped by its own
    smoothness. NaN if no pixel can be followed.
    """
    frames = [np.asarray((moment.ir.astype(np.uint16) + moment.vis + 1) // 2, np.uint8) for moment in (now, after)]
    forward, backward = flow(frames[0], frames[1]), flow(frames[1], frames[0])
    seen = seen_in_both(forward, backward)
    if not seen.any():
        return math.nan
    moved = warp(after.fused.astype(np.float32), forward)
    return float(((now.fused.astype(np.float32) - moved)[seen] ** 2).mean(dtype=np.float64)) / 255.0**2


def classes(now: Image, after: Image) -> NDArray[np.int64]:
    """The change of each pixel in classes of ``STEP`` levels, 0 to ``CLASSES - 1``, the one around 0 in the middle."""
    change = after.astype(np.int64) - now
    return np.clip((change + STEP // 2) // STEP, -MOST, MOST) + MOST


def entropy(counts: NDArray[np.int64]) -> float:
    """Of a histogram, bits; 0 for an empty one."""
    shares = counts[counts > 0] / max(int(counts.sum()), 1)
    return float(-(shares * np.log2(shares)).sum())


def consistency(counts: NDArray[np.int64], sources: tuple[int, ...] = (0, 1)) -> float:
    """Mutual information, in bits, of the changes of sources with those of the fused clip.

    Rockinger, Fechner, "Pixel-level image fusion: the case of image sequences", SPIE 3374, 1998: high where the fused
    clip changes as its sources do, low where it changes by itself.

    Args:
        counts: pixels by the classes of the changes of ir, vis and fused; (CLASSES, CLASSES, CLASSES).
        sources: which of the two are taken, together: 0 for ir, 1 for vis.
    """
    left = tuple(axis for axis in (0, 1) if axis not in sources)
    both = counts.sum(axis=left) if left else counts
    return entropy(both.sum(axis=-1)) + entropy(counts.sum(axis=(0, 1))) - entropy(both)


@dataclass
class ClipNumbers:
    """What has been gathered of one clip."""

    flickers: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((CLASSES,) * 3, np.int64))
    steps: int = 0
    _means: list[float] = field(default_factory=list)
    _last: Moment | None = None

    def add(self, moment: Moment, follows: bool) -> None:
        """Takes the next frame; ``follows`` is False after a gap, over which nothing is measured."""
        if not follows:
            self._means, self._last = [], None
        self._means = [*self._means[-2:], mean_luma(moment.fused)]
        if len(self._means) == 3:
            self.flickers.append(flicker(*self._means))
        if self._last is not None:
            self._step(self._last, moment)
        self._last = moment

    def _step(self, now: Moment, after: Moment) -> None:
        self.steps += 1
        self.errors.append(warping_error(now, after))
        ir, vis = classes(now.ir, after.ir), classes(now.vis, after.vis)
        fused = classes(luma(now.fused), luma(after.fused))
        places = (ir * CLASSES + vis) * CLASSES + fused
        self.counts += np.bincount(places.ravel(), minlength=CLASSES**3).reshape(self.counts.shape)

    def values(self) -> dict[str, float]:
        """The numbers by name; NaN where the clip is too short for one."""
        known = [error for error in self.errors if not math.isnan(error)]
        return {
            "flicker": float(np.mean(self.flickers)) if self.flickers else math.nan,
            "warping_error": float(np.mean(known)) if known else math.nan,
            "consistency": consistency(self.counts) if self.steps else math.nan,
            "consistency_ir": consistency(self.counts, (0,)) if self.steps else math.nan,
            "consistency_vis": consistency(self.counts, (1,)) if self.steps else math.nan,
        }
