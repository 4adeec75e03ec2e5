"""Structural measures of the assessment papers: Q_S, Q_W, Q_E, Q_C, Q_Y; and those of ``ivif_zoo`` with their slips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from bench.metrics.planes import Plane, Triple
from bench.metrics.structural import K1, K2, MS_WEIGHTS
from bench.metrics.windows import Real, gaussian

NOISE = 1e-8
"""Local moments of whole levels below this are the rounding of flat places and count as 0."""
SAME = 0.75
"""From this similarity of the sources on, Q_Y takes their weighted mean; below it, the better one [Yang]."""

_ELEVEN, _SEVEN = gaussian(11, 1.5), gaussian(7, 1.5)
_WANG = ((K1 * 255.0) ** 2, (K2 * 255.0) ** 2)
_NONE = (2e-16, 2e-16)
_UNIT = (K1**2, K2**2)
_PREWITT = np.array([[1, 0, -1], [1, 0, -1], [1, 0, -1]], dtype=np.float64)

Averager = Callable[[Real], Real]


@dataclass(frozen=True, slots=True)
class Local:
    """Values of one image with its local means and variances, all float64."""

    values: Real
    mean: Real
    variance: Real


def _snapped(moment: Real) -> Real:
    return np.where(np.abs(moment) < NOISE, 0.0, moment)


def local(values: Real, average: Averager) -> Local:
    """Local mean and variance of an image under a window."""
    mean = average(values)
    return Local(values, mean, _snapped(average(values * values) - mean * mean))


def covariance(first: Local, second: Local, average: Averager) -> Real:
    """Local covariance; 0 where either image is flat."""
    product = average(first.values * second.values) - first.mean * second.mean
    return np.where((first.variance == 0.0) | (second.variance == 0.0), 0.0, _snapped(product))


def similarity(first: Local, second: Local, shared: Real, constants: tuple[float, float]) -> tuple[Real, Real]:
    """The luminance map and the contrast-structure map of two images; their product is the SSIM map."""
    c1, c2 = constants
    luminance = (2.0 * first.mean * second.mean + c1) / (first.mean**2 + second.mean**2 + c1)
    return luminance, (2.0 * shared + c2) / (first.variance + second.variance + c2)


@dataclass(frozen=True, slots=True)
class _Index:
    """SSIM maps of each source with the fused image, and the infrared share of saliency."""

    ir: Local
    vis: Local
    fused: Local
    average: Averager
    constants: tuple[float, float]

    def map(self, first: Local, second: Local) -> Real:
        luminance, contrast = similarity(first, second, covariance(first, second, self.average), self.constants)
        return luminance * contrast

    def share(self) -> Real:
        """Infrared variance over that of both, one half where both are flat."""
        total = self.ir.variance + self.vis.variance
        return np.divide(self.ir.variance, total, out=np.full_like(total, 0.5), where=total != 0.0)

    def weighted(self) -> Real:
        share = self.share()
        return share * self.map(self.fused, self.ir) + (1.0 - share) * self.map(self.fused, self.vis)


def _local(plane: Plane, average: Averager, view: Callable[[Real], Real] | None = None) -> Local:
    """Moments of a plane, or of a view of it, kept by it: several measures ask for them, and every fused image."""

    def compute() -> tuple[Real, Real, Real]:
        levels = plane.levels.astype(np.float64)
        found = local(levels if view is None else view(levels), average)
        return found.values, found.mean, found.variance

    return Local(*plane.once(("local", average, view), compute))


def _index(
    triple: Triple, average: Averager, constants: tuple[float, float], view: Callable[[Real], Real] | None = None
) -> _Index:
    ir, vis, fused = (_local(plane, average, view) for plane in (triple.ir, triple.vis, triple.fused))
    return _Index(ir, vis, fused, average, constants)


def saliency_similarity(triple: Triple) -> float:
    """Q_S: mean of the SSIM with each source, weighted at every place by the source's share of variance, -1 to 1.

    SSIM with a Gaussian window of 11, sigma 1.5 stands for the universal index of the paper.

    References:
        [1] Piella, Heijmans, 2003, doi:10.1109/ICIP.2003.1247209.
    """
    return _weighted(triple)[0]


def weighted_similarity(triple: Triple) -> float:
    """Q_W: as Q_S, but places count by the larger variance of the two sources, -1 to 1.

    References:
        [1] Piella, Heijmans, 2003, doi:10.1109/ICIP.2003.1247209.
    """
    return _weighted(triple)[1]


def edge_weighted_similarity(triple: Triple) -> float:
    """Q_E: Q_W of the images times Q_W of their edge strengths, -1 to 1 (our repair: the released code stops).

    Edges are Prewitt strengths with a black frame, and the exponent of their factor is 1.

    References:
        [1] Piella, Heijmans, 2003, doi:10.1109/ICIP.2003.1247209.
    """
    return _weighted(triple)[1] * _weighted(triple, _prewitt)[1]


def _weighted(triple: Triple, view: Callable[[Real], Real] | None = None) -> tuple[float, float]:
    """Q_S and Q_W of the images or of a view of them, from the same maps."""

    def compute() -> tuple[float, float]:
        index = _index(triple, _ELEVEN.mean, _WANG, view)
        weight = np.maximum(index.ir.variance, index.vis.variance)
        total = float(weight.sum())
        quality = index.weighted()
        mean = float(quality.mean())
        return mean, float((weight * quality).sum()) / total if total > 0.0 else mean

    return triple.fused.once(("weighted similarity", triple.sources, view), compute)


def _prewitt(image: Real) -> Real:
    across, down = (
        cv2.filter2D(image, cv2.CV_64F, kernel, borderType=cv2.BORDER_CONSTANT) for kernel in (_PREWITT, _PREWITT.T)
    )
    return np.hypot(across, down)


def covariance_similarity(triple: Triple) -> float:
    """Q_C of ``liu2012``: SSIM with each source, weighted by the covariances with the fused image, -1 to 1.

    Where the infrared share of the covariances leaves 0..1 the released code puts 0 and 1 in place of the quality.
    Where both covariances are 0 the share is taken as one half.

    References:
        [1] Cvejic, Loza, Bull, Canagarajah, 2005 (clips the share instead).
    """
    index = _index(triple, _SEVEN.mean, _NONE)
    ir, vis = (covariance(source, index.fused, index.average) for source in (index.ir, index.vis))
    total = ir + vis
    share = np.divide(ir, total, out=np.full_like(total, 0.5), where=total != 0.0)
    quality = share * index.map(index.ir, index.fused) + (1.0 - share) * index.map(index.vis, index.fused)
    quality[share < 0.0] = 0.0
    quality[share > 1.0] = 1.0
    return float(quality.mean())


def selective_similarity(triple: Triple, constants: str) -> float:
    """Q_Y: where the sources are alike, the weighted SSIM with both; elsewhere the better of the two, -1 to 1.

    Args:
        triple: the three planes, at least 7 x 7.
        constants: of SSIM: ``wang`` for a range of 255, ``none`` for 2e-16 as in the released code.

    References:
        [1] Yang, Zhang, Wang, Li, 2008, doi:10.1016/j.inffus.2006.09.001.
    """
    index = _index(triple, _SEVEN.mean, _WANG if constants == "wang" else _NONE)
    ir, vis = index.map(index.ir, index.fused), index.map(index.vis, index.fused)
    share = index.share()
    alike = triple.sources.once(("alike", constants), lambda: index.map(index.ir, index.vis) >= SAME)
    return float(np.where(alike, share * ir + (1.0 - share) * vis, np.maximum(ir, vis)).mean())


def heavy_window_selective_similarity(triple: Triple) -> float:
    """Qy of ``ivif_zoo``: Q_Y under a window that is Gaussian across, uniform down, and sums to 7.

    Variances are then 7 E[x^2] - 49 E[x]^2, mostly negative, so the value has no bounds.
    """

    def average(image: Real) -> Real:
        full = cv2.sepFilter2D(image, cv2.CV_64F, _SEVEN.weights, np.ones(7), borderType=cv2.BORDER_CONSTANT)
        return np.asarray(full, dtype=np.float64)

    moments = []
    for plane in (triple.ir, triple.vis, triple.fused):
        image = plane.levels.astype(np.float64)
        mean = average(image)
        moments.append(Local(image, mean, average(image * image) - mean * mean))
    ir, vis, fused = moments

    def map_of(first: Local, second: Local) -> Real:
        shared = average(first.values * second.values) - first.mean * second.mean
        luminance, contrast = similarity(first, second, shared, _UNIT)
        return luminance * contrast

    share = ir.variance / (ir.variance + vis.variance + 1e-10)
    with_ir, with_vis = map_of(ir, fused), map_of(vis, fused)
    alike = map_of(ir, vis) >= SAME
    return float(np.where(alike, share * with_ir + (1.0 - share) * with_vis, np.maximum(with_ir, with_vis)).mean())


def black_padded_multi_scale_similarity(triple: Triple) -> float:
    """MS_SSIM of ``ivif_zoo``: sum of two 5-scale values, constants of a range of 1 on 0..255, 0 to 2.

    Odd sides are padded with a line of zeros at both ends before they are halved.

    Args:
        triple: the three planes, at least 161 x 161.
    """
    return sum(_multi_scale(source, triple.fused) for source in triple.sources)


def _multi_scale(source: Plane, fused: Plane) -> float:
    product = 1.0
    for level, weight in enumerate(MS_WEIGHTS):
        first, second = (local(_halved(plane, level), _ELEVEN.mean) for plane in (source, fused))
        luminance, contrast = similarity(first, second, covariance(first, second, _ELEVEN.mean), _UNIT)
        last = level == len(MS_WEIGHTS) - 1
        product *= max(float((luminance * contrast if last else contrast).mean()), 0.0) ** weight
    return product


def _halved(plane: Plane, level: int) -> Real:
    if level == 0:
        return plane.levels.astype(np.float64)

    def compute() -> Real:
        image = _halved(plane, level - 1)
        rows, columns = (size % 2 for size in image.shape)
        padded = np.pad(image, ((rows, rows), (columns, columns)))
        height, width = (size // 2 for size in padded.shape)
        parts = [padded[row : 2 * height : 2, column : 2 * width : 2] for row in (0, 1) for column in (0, 1)]
        return np.asarray(sum(parts) / 4.0)

    return plane.once(("black padded half size", level), compute)
