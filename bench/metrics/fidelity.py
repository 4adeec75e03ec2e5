"""Visual information fidelity for fusion (VIFF), and the VIF of ``ivif_zoo`` with its stretched window."""

from __future__ import annotations

import cv2
import numpy as np

from bench.metrics.planes import Triple
from bench.metrics.vif import NOISE_VARIANCE, TINY, WINDOWS
from bench.metrics.windows import Real

VIFF_NOISE = 0.005 * 255.0**2
VIFF_WEIGHTS = (1.0, 0.0, 0.15, 1.0)  # of the scales, learnt by Han et al.
_GUARD = 1e-7

Maps = tuple[Real, Real, Real]


def _corrected(reference: Real, distorted: Real, shared: Real, noise: float) -> Maps:
    """Gain, kept information and information of the reference at each place, from variances and covariance.

    The order of the corrections is that of the released VIF code.
    """
    reference, distorted = np.maximum(reference, 0.0), np.maximum(distorted, 0.0)
    gain = shared / (reference + TINY)
    error = distorted - gain * shared
    flat = reference < TINY
    gain[flat] = 0.0
    error[flat] = distorted[flat]
    reference[flat] = 0.0
    dull = distorted < TINY
    gain[dull] = error[dull] = 0.0
    inverse = gain < 0.0
    error[inverse] = distorted[inverse]
    gain[inverse] = 0.0
    error = np.maximum(error, TINY)
    return gain, np.log10(1.0 + gain * gain * reference / (error + noise)), np.log10(1.0 + reference / noise)


def fusion_fidelity(triple: Triple, ties: str) -> float:
    """VIFF: at every place and scale the information kept of the source that the fused image follows less, 0 upwards.

    Args:
        triple: the three planes, at least 41 x 41.
        ties: where both gains are equal: ``visible`` as in the released code, or the source with ``more`` information.

    References:
        [1] Han, Cai, Cao, Xu, 2013, doi:10.1016/j.inffus.2011.08.002.
    """
    images = [plane.levels.astype(np.float64) for plane in (triple.ir, triple.vis, triple.fused)]
    total = 0.0
    for level, weight in enumerate(VIFF_WEIGHTS):
        window = WINDOWS[level]
        if level:
            images = [window.mean(image, step=2) for image in images]
        if weight == 0.0:
            continue
        means = [window.mean(image) for image in images]
        variances = [window.mean(image * image) - mean * mean for image, mean in zip(images, means, strict=True)]
        ir, vis = (
            _corrected(
                variances[index], variances[2],
                window.mean(images[index] * images[2]) - means[index] * means[2], VIFF_NOISE,
            )
            for index in (0, 1)
        )  # fmt: skip
        first = ir[0] < vis[0]
        if ties == "more":
            first |= (ir[0] == vis[0]) & (ir[2] > vis[2])
        kept, whole = (np.where(first, ir[part], vis[part]) + _GUARD for part in (1, 2))
        total += weight * float(kept.sum()) / float(whole.sum())
    return total / sum(VIFF_WEIGHTS)


def _stretched_weights(size: int) -> Real:
    """A Gaussian on coordinates from -(n + 1) / 2 to (n - 1) / 2 in n steps: stretched and off centre, as released."""
    places = -(size + 1) / 2.0 + np.arange(size) * size / (size - 1.0)
    weights = np.exp(-(places**2) / (2.0 * (size / 5.0) ** 2))
    return np.asarray(weights / weights.sum())


_STRETCHED = tuple(_stretched_weights(size) for size in (17, 9, 5, 3))


def _black_framed_mean(image: Real, level: int) -> Real:
    weights = _STRETCHED[level]
    return np.asarray(cv2.sepFilter2D(image, cv2.CV_64F, weights, weights, borderType=cv2.BORDER_CONSTANT))


def stretched_window_fidelity(triple: Triple) -> float:
    """VIF(ir, F) + VIF(vis, F) of ``ivif_zoo``: an off-centre window and a black frame at every scale, 0 upwards.

    A source without any variance has no information to lose and counts 1.
    """
    total = 0.0
    for source in triple.sources:
        images = [plane.levels.astype(np.float64) for plane in (source, triple.fused)]
        kept = whole = 0.0
        for level in range(len(_STRETCHED)):
            if level:
                images = [_black_framed_mean(image, level)[::2, ::2] for image in images]
            means = [_black_framed_mean(image, level) for image in images]
            squares = [_black_framed_mean(image * image, level) for image in images]
            variances = [square - mean * mean for square, mean in zip(squares, means, strict=True)]
            shared = _black_framed_mean(images[0] * images[1], level) - means[0] * means[1]
            _, here, there = _corrected(variances[0], variances[1], shared, NOISE_VARIANCE)
            kept += float(here.sum())
            whole += float(there.sum())
        total += kept / whole if whole > 0.0 else 1.0
    return total
