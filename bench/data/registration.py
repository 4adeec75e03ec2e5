"""How far the two images of a pair are from lying on each other, and the infrared image moved so that they do.

A similarity (shift, rotation, scale) is found that makes the edges of both images agree. What is compared are oriented
gradients, channel by channel, since the same edge may be bright to dark in one spectrum and dark to bright in the
other: the channel features of Ye et al., "Fast and Robust Matching for Multimodal Remote Sensing Image Registration",
IEEE TGRS 57(11), 2019. A coarse search correlates them over all shifts for a grid of rotations and scales; the best is
refined by the forward iterations of Evangelidis and Psarakis, "Parametric Image Alignment Using Enhanced Correlation
Coefficient Maximization", IEEE TPAMI 30(10), 2008, with all channels at once (OpenCV's has no similarity and takes one
channel).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.images import is_grey
from bench.types import Image, Pair

Plane = NDArray[np.float32]

ALARM = 0.0125
"""Mean distance between the images, as a share of their diagonal, from which on a warning is given. The pairs that the
field scores are up to about that far apart themselves: of 335 of TNO, VIFB, MSRS and RoadScene 2 are farther."""

LEAST_GAIN = 0.2
"""Of the agreement once moved, what the move must have brought before a warning is given: a tie is no evidence."""

LEAST_AGREEMENT = 0.1
"""Correlation of the edges below which the images share too little for an estimate."""

ORIENTATIONS = 6
"""Channels of the features: edges of directions 30 degrees apart."""

COARSE, FINE = 128, (160, 320)
"""Longer side, in pixels, that images are shrunk to for the search and for each refinement."""

FARTHEST = 24.0
"""Largest shift that is searched, pixels of the full image; refinement may go a little beyond."""

ROTATIONS = tuple(float(degrees) for degrees in range(-4, 5))
SCALES = (1.0, 0.95, 0.975, 1.025, 1.05)

SMALLEST = 32
"""Shorter side, in pixels, of images that an estimate can be made from."""

MOST_STEPS = 25
"""Of a refinement; it ends much earlier, when the agreement grows no more."""


@dataclass(frozen=True, slots=True)
class Misalignment:
    """The similarity that takes the infrared image to where the visible one shows the same.

    Attributes:
        dx: pixels that the content of the infrared image must move to the right, at the image's centre.
        dy: pixels that it must move down.
        degrees: that it must turn, clockwise as seen, about the centre.
        scale: that it must grow by, about the centre.
        before: correlation of the edges as the images are, -1 to 1.
        after: once moved.
        height: of the images, pixels.
        width: of the images, pixels.
    """

    dx: float
    dy: float
    degrees: float
    scale: float
    before: float
    after: float
    height: int
    width: int

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Where in the infrared image the content of a pixel of the moved one lies; float64 (2, 3), x before y."""
        turn = np.deg2rad(-self.degrees)
        cosine, sine = np.cos(turn) / self.scale, np.sin(turn) / self.scale
        linear = np.array([[cosine, -sine], [sine, cosine]])
        centre = np.array([(self.width - 1) / 2, (self.height - 1) / 2])
        return np.column_stack([linear, centre - linear @ (centre + np.array([self.dx, self.dy]))])

    @property
    def distance(self) -> float:
        """Mean over the image of how far the content must move, pixels."""
        shares = [0.1, 0.5, 0.9]
        points = np.array([(x * self.width, y * self.height, 1.0) for x, y in product(shares, shares)])
        return float(np.hypot(*(points @ self.matrix.T - points[:, :2]).T).mean())

    @property
    def sure(self) -> bool:
        """True if the images share enough edges for the estimate to mean something."""
        return self.after >= LEAST_AGREEMENT and self.after > self.before

    @property
    def alarming(self) -> bool:
        """True if the images are surely farther apart than published pairs are."""
        gain = (self.after - self.before) / self.after if self.sure else 0.0
        return gain >= LEAST_GAIN and self.distance > ALARM * float(np.hypot(self.height, self.width))

    def in_words(self) -> str:
        """One line for people."""
        return (
            f"the infrared image lies {self.distance:.1f} pixels off the visible one on average: shift "
            f"{self.dx:+.1f}, {self.dy:+.1f} pixels, rotation {self.degrees:+.2f} degrees, scale {self.scale:.4f}"
        )


class _Similarity(NamedTuple):
    """Complex ``z -> factor * z + shift`` about the centre, from pixels of the result to those of the source."""

    factor: complex
    shift: complex

    def matrix(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        linear = np.array([[self.factor.real, -self.factor.imag], [self.factor.imag, self.factor.real]])
        centre = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
        return np.column_stack([linear, centre + np.array([self.shift.real, self.shift.imag]) - linear @ centre])

    def after(self, first: _Similarity) -> _Similarity:
        return _Similarity(self.factor * first.factor, self.factor * first.shift + self.shift)


def estimate(ir: Image, vis: Image) -> Misalignment:
    """Finds how the infrared image must move to lie on the visible one.

    Args:
        ir: uint8 (H, W) or (H, W, 3).
        vis: uint8 (H, W) or (H, W, 3), of the same height and width.

    Returns:
        The similarity. Of images without edges, or that share none, ``sure`` is False.

    Raises:
        BenchError: the sizes differ, or a side is shorter than ``SMALLEST``.
    """
    if ir.shape[:2] != vis.shape[:2] or min(ir.shape[:2]) < SMALLEST:
        raise BenchError(
            f"ir is {ir.shape[1]}x{ir.shape[0]} and vis {vis.shape[1]}x{vis.shape[0]} pixels, wanted equal sizes of at "
            f"least {SMALLEST} a side to estimate their misalignment"
        )
    height, width = ir.shape[:2]
    found, before, after = _Similarity(1, 0), 0.0, 0.0
    for side in (COARSE, *FINE):
        (small_ir, small_vis), shrunk = _shrunk((_grey(ir), _grey(vis)), side)
        start = _Similarity(found.factor, found.shift / shrunk)
        if side == COARSE:
            moved = _search(small_ir, small_vis, FARTHEST / shrunk)
        else:
            moved, before, after = _refine(small_ir, small_vis, start)
        found = _Similarity(moved.factor, moved.shift * shrunk)
    shift = -found.shift / found.factor  # of the content, not of the place it is read from
    turn, scale = float(-np.angle(found.factor, deg=True)), 1.0 / abs(found.factor)
    return Misalignment(shift.real, shift.imag, turn, scale, before, after, height, width)


def register(ir: Image, found: Misalignment) -> Image:
    """The infrared image moved onto the visible one, by cubic interpolation; its edge is continued where it ends.

    Args:
        ir: uint8 (H, W) or (H, W, 3), as the estimate was made from.
        found: the estimate.
    """
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    size = (found.width, found.height)
    moved = cv2.warpAffine(ir, found.matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def register_pair(pair: Pair, found: Misalignment) -> Pair:
    """A pair with its infrared image moved; one whose estimate is not sure stays as it is."""
    return Pair(pair.files, register(pair.ir, found), pair.vis) if found.sure else pair


def _grey(image: Image) -> Image:
    if image.ndim == 2:
        return image
    return image[..., 0] if is_grey(image) else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def _shrunk(images: tuple[Image, Image], side: int) -> tuple[list[Plane], float]:
    """Both images with a longer side of at most ``side``, and what they were divided by."""
    height, width = images[0].shape
    by = max(height, width) / side
    if by <= 1:
        return [image.astype(np.float32) for image in images], 1.0
    size = (max(round(width / by), 16), max(round(height / by), 16))
    return [np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32) for image in images], by


def _features(image: Plane) -> Plane:
    """Strength of the edges in each direction, normalised pixel by pixel; float32 (H, W, channels)."""
    smooth = cv2.GaussianBlur(image, (0, 0), 0.8)
    right, down = (cv2.Sobel(smooth, cv2.CV_32F, x, 1 - x, ksize=3) for x in (1, 0))
    angles = np.pi * np.arange(ORIENTATIONS) / ORIENTATIONS
    strengths = [np.abs(float(np.cos(angle)) * right + float(np.sin(angle)) * down) for angle in angles]
    channels = np.stack([cv2.GaussianBlur(strength, (0, 0), 1.0) for strength in strengths], axis=2)
    length = np.sqrt((channels * channels).sum(axis=2, keepdims=True))
    even = channels / (length + 0.5 * float(length.mean()) + 1e-6)  # noise where nothing is stays small
    return np.asarray(even - even.mean(axis=2, keepdims=True), np.float32)


def _warp(image: Plane, by: _Similarity) -> Plane:
    """An image of up to four channels at the places that a similarity names, bilinear."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    height, width = image.shape[:2]
    warped = cv2.warpAffine(
        image, by.matrix(image.shape), (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(warped, np.float32)


def _search(ir: Plane, vis: Plane, farthest: float) -> _Similarity:
    """The best of a grid of rotations and scales, each with its best whole shift."""
    from scipy import fft  # takes half a second, which a run that registers nothing need not wait

    height, width = vis.shape
    window = np.sqrt(np.outer(np.hanning(height), np.hanning(width))).astype(np.float32)
    wanted = fft.rfft2(_features(vis).transpose(2, 0, 1) * window)
    reach = min(int(farthest) + 2, (min(height, width) - 1) // 2)
    best, found = -np.inf, _Similarity(1, 0)
    for scale, degrees in product(SCALES, ROTATIONS):
        turned = _Similarity(np.exp(1j * np.deg2rad(degrees)) * scale, 0)
        seen = fft.rfft2(_features(_warp(ir, turned)).transpose(2, 0, 1) * window)
        agreement = fft.irfft2((wanted * seen.conj()).sum(axis=0), (height, width))
        near = np.roll(agreement, (reach, reach), (0, 1))[: 2 * reach + 1, : 2 * reach + 1]
        row, column = np.unravel_index(int(near.argmax()), near.shape)
        if near[row, column] > best:
            best = float(near[row, column])
            found = turned.after(_Similarity(1, complex(reach - int(column), reach - int(row))))
    return found


class _Target:
    """The features of the visible image within a margin, and what the refinement needs of their places."""

    def __init__(self, image: Plane) -> None:
        height, width = image.shape
        margin = max(int(0.06 * max(height, width)), 4)
        self.rows, self.columns = slice(margin, height - margin), slice(margin, width - margin)
        self.values = _features(image)[self.rows, self.columns]
        self.length = float(np.linalg.norm(self.values))
        self.down = (np.arange(height, dtype=np.float32) - (height - 1) / 2)[self.rows, None, None]
        self.across = (np.arange(width, dtype=np.float32) - (width - 1) / 2)[None, self.columns, None]

    def agreement(self, features: Plane) -> float:
        """Correlation with features of the whole image."""
        inner = features[self.rows, self.columns]
        return float((self.values * inner).sum() / (self.length * float(np.linalg.norm(inner)) + 1e-9))

    def slopes(self, features: Plane) -> NDArray[Any]:
        """Change of the features with a shift right, a shift down, a turn and a growth; (values, 4)."""
        top, left = self.rows.start, self.columns.start
        inner = features[top - 1 : self.rows.stop + 1, left - 1 : self.columns.stop + 1]
        right = (inner[1:-1, 2:] - inner[1:-1, :-2]) / 2
        down = (inner[2:, 1:-1] - inner[:-2, 1:-1]) / 2
        turn, growth = down * self.across - right * self.down, right * self.across + down * self.down
        return np.stack([right, down, turn, growth], axis=-1).reshape(-1, 4)


def _refine(ir: Plane, vis: Plane, start: _Similarity) -> tuple[_Similarity, float, float]:
    """The similarity near ``start`` with the best agreement, the agreement as it was, and the best."""
    target, features = _Target(vis), _features(ir)
    before = target.agreement(features)
    found, best, current = start, -np.inf, start
    for _ in range(MOST_STEPS):
        warped = np.concatenate([_warp(part, current) for part in np.split(features, 2, axis=2)], axis=2)
        agreement = target.agreement(warped)
        if agreement <= best + 1e-5:
            break
        found, best = current, agreement
        current = current.after(_step(target, warped))
    return found, before, max(best, before)


def _step(target: _Target, warped: Plane) -> _Similarity:
    """One forward step of enhanced correlation (Evangelidis and Psarakis, the forward additive scheme)."""
    slopes = target.slopes(warped)
    inner = warped[target.rows, target.columns].ravel()
    wanted = target.values.ravel()
    normal = np.linalg.pinv((slopes.T @ slopes).astype(np.float64), hermitian=True)
    along_wanted, along_inner = slopes.T @ wanted, slopes.T @ inner
    less = float(wanted @ inner) - float(along_wanted @ normal @ along_inner)
    more = float(inner @ inner) - float(along_inner @ normal @ along_inner)
    gain = more / less if less > 0 else float(np.linalg.norm(inner)) / (target.length + 1e-9)
    dx, dy, turn, growth = (float(value) for value in normal @ (gain * along_wanted - along_inner))
    return _Similarity(complex(1 + growth, turn), complex(dx, dy))
