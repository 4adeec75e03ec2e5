"""Metrics of local structure: SSIM in its settings, multi-scale SSIM, and the MEF index that is called SSIM too."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from bench.metrics.planes import Plane, Triple
from bench.metrics.windows import Real, Window, gaussian, halved

K1, K2 = 0.01, 0.03  # Wang et al. 2004
WINDOWS = {"gaussian_11": gaussian(11, 1.5), "uniform_7": Window(np.full(7, 1.0 / 7.0))}
MS_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, table 1
MS_SMALLEST = 161
"""Height and width from which the fifth scale still has an 11x11 window."""
MEF_WEIGHTS = tuple(weight / 0.6305 for weight in MS_WEIGHTS[:3])  # Ma et al. 2015: the first three, summing to 1
MEF_SMALLEST = 44

_EPS = float(np.finfo(np.float64).eps)
_MEF_SIDE = 11
_MEF_CONSTANT = (K2 * 255.0) ** 2
_MEF_GAUSSIAN = gaussian(_MEF_SIDE, 1.5)


@dataclass(frozen=True, slots=True)
class Setting:
    """What the SSIMs of the literature differ in."""

    window: str
    border: str
    data_range: float
    sample: bool


def structural_similarity(
    triple: Triple, window: str, border: str, data_range: float, sample: bool, combine: str
) -> float:
    """SSIM(ir, F) and SSIM(vis, F), as mean (-1 to 1) or sum (-2 to 2), on levels 0..255.

    Args:
        triple: the three planes.
        window: ``gaussian_11`` (sigma 1.5) or ``uniform_7``.
        border: ``valid``: only where the window fits; ``replicate``: everywhere.
        data_range: L of C1 = (0.01 L)^2 and C2 = (0.03 L)^2; 255 is right for these levels.
        sample: variances divide by n - 1 in place of n.
        combine: ``mean`` or ``sum``.

    References:
        [1] Wang, Bovik, Sheikh, Simoncelli, 2004, doi:10.1109/TIP.2003.819861.
    """
    setting = Setting(window, border, data_range, sample)
    total = 0.0
    for source in triple.sources:
        total += _means(source, triple.fused, 0, setting)[0]
    return total / 2.0 if combine == "mean" else total


def multi_scale_structural_similarity(triple: Triple) -> float:
    """Mean of two 5-scale MS-SSIMs, 0 to 1; a negative mean contrast-structure counts as 0.

    Args:
        triple: the three planes, at least 161 x 161.

    References:
        [1] Wang, Simoncelli, Bovik, 2003, doi:10.1109/ACSSC.2003.1292216.
    """
    setting = Setting("gaussian_11", "valid", 255.0, False)
    total = 0.0
    for source in triple.sources:
        product = 1.0
        for level, weight in enumerate(MS_WEIGHTS):
            whole, contrast = _means(source, triple.fused, level, setting)
            product *= max(whole if level == len(MS_WEIGHTS) - 1 else contrast, 0.0) ** weight
        total += product
    return total / 2.0


def _values(plane: Plane, level: int) -> Real:
    if level == 0:
        return plane.levels.astype(np.float64)
    return plane.once(("half size", level), lambda: halved(_values(plane, level - 1)))


def _mean(values: Real, setting: Setting) -> Real:
    window = WINDOWS[setting.window]
    return window.mean(values) if setting.border == "valid" else window.mean_everywhere(values, cv2.BORDER_REPLICATE)


def _local(plane: Plane, level: int, setting: Setting) -> tuple[Real, Real, Real]:
    """Values, local means and local variances (population) of one plane at one scale."""

    def compute() -> tuple[Real, Real, Real]:
        values = _values(plane, level)
        mean = _mean(values, setting)
        return values, mean, _mean(values * values, setting) - mean * mean

    return plane.once(("ssim", level, setting.window, setting.border), compute)


def _means(source: Plane, fused: Plane, level: int, setting: Setting) -> tuple[float, float]:
    """Means of the SSIM map and of its contrast-structure part, kept by the fused plane: MS-SSIM begins as SSIM."""

    def compute() -> tuple[float, float]:
        luminance, contrast = _maps(_local(source, level, setting), _local(fused, level, setting), setting)
        return float((luminance * contrast).mean()), float(contrast.mean())

    return fused.once(("ssim means", source, level, setting), compute)


def _maps(first: tuple[Real, Real, Real], second: tuple[Real, Real, Real], setting: Setting) -> tuple[Real, Real]:
    """The luminance map and the contrast-structure map of two planes."""
    c1, c2 = (K1 * setting.data_range) ** 2, (K2 * setting.data_range) ** 2
    samples = len(WINDOWS[setting.window].weights) ** 2
    factor = samples / (samples - 1.0) if setting.sample else 1.0
    means = first[1] * second[1]
    covariance = _mean(first[0] * second[0], setting) - means
    luminance = (2.0 * means + c1) / (first[1] ** 2 + second[1] ** 2 + c1)
    contrast = (2.0 * factor * covariance + c2) / (factor * (first[2] + second[2]) + c2)
    return luminance, contrast


def exposure_structure(triple: Triple, scales: int) -> float:
    """The MEF structure index, 0 to 1: how close each fused patch is to the patch that both sources ask for.

    Contrast is the larger of the two, structure a mean of both weighted by contrast; there is no luminance term. With
    one scale this is what ``seafusion2022`` and ``tang2023`` print as SSIM and MS_SSIM.

    Args:
        triple: the three planes.
        scales: 1 or 3; 3 needs at least 44 x 44.

    References:
        [1] Ma, Zeng, Wang, 2015, doi:10.1109/TIP.2015.2442920.
    """
    if scales == 1:
        return _exposure_index(triple, 0)
    product = 1.0
    for level, weight in zip(range(scales), MEF_WEIGHTS, strict=True):
        product *= max(_exposure_index(triple, level), 0.0) ** weight
    return product


def _box_sum(values: Real) -> Real:
    """Sum of each 11x11 window that fits; exact, as all values are multiples of 1/16."""
    full = cv2.boxFilter(values, cv2.CV_64F, (_MEF_SIDE, _MEF_SIDE), normalize=False, borderType=cv2.BORDER_REFLECT_101)
    margin = _MEF_SIDE // 2
    return np.asarray(full[margin : full.shape[0] - margin, margin : full.shape[1] - margin], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Patches:
    """All 11x11 patches of one source: pixel sum, energy about the mean, Gaussian mean and second moment."""

    values: Real
    sums: Real
    energy: Real
    centre: Real
    variance: Real


def _patches(plane: Plane, level: int) -> _Patches:
    def compute() -> tuple[Real, Real, Real, Real, Real]:
        values = _values(plane, level)
        sums, centre = _box_sum(values), _MEF_GAUSSIAN.mean(values)
        squares = values * values
        energy = np.maximum(_box_sum(squares) - sums * sums / _MEF_SIDE**2, 0.0)
        return values, sums, energy, centre, _MEF_GAUSSIAN.mean(squares) - centre * centre

    return _Patches(*plane.once(("mef", level), compute))


def _exposure_index(triple: Triple, level: int) -> float:
    """The mean index of one scale, kept by the fused plane: the form of three scales begins as that of one."""
    return triple.fused.once(("mef index", triple.sources, level), lambda: _mean_index(triple, level))


def _mean_index(triple: Triple, level: int) -> float:
    ir, vis = _patches(triple.ir, level), _patches(triple.vis, level)
    alpha, beta, variance = triple.sources.once(("mef desired", level), lambda: _desired(ir, vis))
    fused = _values(triple.fused, level)
    fused_mean = _MEF_GAUSSIAN.mean(fused)
    fused_variance = _MEF_GAUSSIAN.mean(fused * fused) - fused_mean * fused_mean
    covariance = alpha * (_MEF_GAUSSIAN.mean(ir.values * fused) - ir.centre * fused_mean)
    covariance += beta * (_MEF_GAUSSIAN.mean(vis.values * fused) - vis.centre * fused_mean)
    index = (2.0 * covariance + _MEF_CONSTANT) / (variance + fused_variance + _MEF_CONSTANT)
    return float(index.mean())


def _desired(ir: _Patches, vis: _Patches) -> tuple[Real, Real, Real]:
    """The weights of the desired patch, alpha (ir patch) + beta (vis patch), and its Gaussian variance."""
    alpha, beta = _desired_patch(ir, vis)
    between = _MEF_GAUSSIAN.mean(ir.values * vis.values) - ir.centre * vis.centre
    return alpha, beta, alpha * alpha * ir.variance + beta * beta * vis.variance + 2.0 * alpha * beta * between


def _desired_patch(ir: _Patches, vis: _Patches) -> tuple[Real, Real]:
    """Weights of the centred infrared and visible patch in the desired patch, as [1] builds it."""
    product = _box_sum(ir.values * vis.values) - ir.sums * vis.sums / _MEF_SIDE**2
    norms = np.sqrt(ir.energy), np.sqrt(vis.energy)
    contrasts = norms[0] + 0.001, norms[1] + 0.001
    together = np.sqrt(np.maximum(ir.energy + vis.energy + 2.0 * product, 0.0))
    consistency = (together + _EPS) / (norms[0] + norms[1] + _EPS)
    consistency = np.clip(np.where(consistency > 1.0, 1.0 - _EPS, consistency), _EPS, None)
    power = np.minimum(np.tan(math.pi / 2.0 * consistency), 10.0)
    weights = [(contrast / _MEF_SIDE) ** power + _EPS for contrast in contrasts]
    total = weights[0] + weights[1]
    # a flat patch has no structure to give; its weight would only scale rounding residues
    alpha, beta = (
        np.where(norm > 0.0, weight / total / contrast, 0.0)
        for norm, weight, contrast in zip(norms, weights, contrasts, strict=True)
    )
    squared = alpha * alpha * ir.energy + beta * beta * vis.energy + 2.0 * alpha * beta * product
    norm = np.sqrt(np.maximum(squared, 0.0))
    scale = np.maximum(*contrasts) / np.where(norm > 0.0, norm, 1.0)
    scale[norm == 0.0] = 1.0
    return alpha * scale, beta * scale
