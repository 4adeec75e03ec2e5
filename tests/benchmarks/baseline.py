"""The six metrics as one would write them in an afternoon: what the engine is timed against.

NumPy, SciPy and OpenCV, vectorised, nothing shared between images or methods; ``test_metrics_speed.py`` checks that the
numbers are the same.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.signal import convolve2d


def entropy(image: np.ndarray) -> float:
    counts, _ = np.histogram(image, bins=256, range=(0, 256))
    p = counts[counts > 0] / image.size
    return float(-(p * np.log2(p)).sum())


def mutual_information(source: np.ndarray, fused: np.ndarray) -> float:
    joint, _, _ = np.histogram2d(source.ravel(), fused.ravel(), bins=256, range=((0, 256), (0, 256)))
    p = joint[joint > 0] / source.size
    return entropy(source) + entropy(fused) + float((p * np.log2(p)).sum())


def vif(reference: np.ndarray, distorted: np.ndarray) -> float:
    numerator = denominator = 0.0
    for scale in range(4):
        size = 2 ** (4 - scale) + 1
        taps = cv2.getGaussianKernel(size, size / 5.0)
        window, margin = taps @ taps.T, size // 2

        def mean(image: np.ndarray, window: np.ndarray = window, margin: int = margin) -> np.ndarray:
            return cv2.filter2D(image, -1, window)[margin:-margin, margin:-margin]

        if scale:
            reference, distorted = mean(reference)[::2, ::2], mean(distorted)[::2, ::2]
        mean_r, mean_d = mean(reference), mean(distorted)
        var_r = np.maximum(mean(reference * reference) - mean_r**2, 0)
        var_d = np.maximum(mean(distorted * distorted) - mean_d**2, 0)
        covariance = mean(reference * distorted) - mean_r * mean_d
        gain = covariance / (var_r + 1e-10)
        error = var_d - gain * covariance
        gain[var_r < 1e-10] = 0
        error[var_r < 1e-10] = var_d[var_r < 1e-10]
        var_r[var_r < 1e-10] = 0
        gain[var_d < 1e-10] = 0
        error[var_d < 1e-10] = 0
        error[gain < 0] = var_d[gain < 0]
        gain[gain < 0] = 0
        error = np.maximum(error, 1e-10)
        numerator += np.log10(1 + gain**2 * var_r / (error + 2)).sum()
        denominator += np.log10(1 + var_r / 2).sum()
    return float(numerator / denominator)


def spatial_frequency(image: np.ndarray) -> float:
    return float(np.sqrt((np.diff(image, axis=1) ** 2).mean() + (np.diff(image, axis=0) ** 2).mean()))


def edges(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    padded = np.pad(image, 1, mode="edge")
    x = convolve2d(padded, np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]), mode="valid")
    y = convolve2d(padded, np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]]), mode="valid")
    angle = np.full(image.shape, np.pi / 2)
    angle[x != 0] = np.arctan(y[x != 0] / x[x != 0])
    return np.sqrt(x**2 + y**2), angle


def qabf(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray) -> float:
    strength_f, angle_f = edges(fused)
    numerator = denominator = 0.0
    for source in (ir, vis):
        strength, angle = edges(source)
        larger = np.maximum(strength, strength_f)
        ratio = np.where(larger > 0, np.minimum(strength, strength_f) / np.maximum(larger, 1e-300), 0)
        turn = 1 - np.abs(angle - angle_f) / (np.pi / 2)
        kept = 0.9994 / (1 + np.exp(-15 * (ratio - 0.5))) * 0.9879 / (1 + np.exp(-22 * (turn - 0.8)))
        numerator += (kept * strength).sum()
        denominator += strength.sum()
    return float(numerator / denominator)


def six_metrics(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray) -> dict[str, float]:
    """The six metrics of uint8 grey images in the convention ``standard``."""
    ir, vis, fused = (image.astype(np.float64) for image in (ir, vis, fused))
    return {
        "EN": entropy(fused),
        "MI": mutual_information(ir, fused) + mutual_information(vis, fused),
        "VIF": vif(ir, fused) + vif(vis, fused),
        "SF": spatial_frequency(fused),
        "SD": float(fused.std()),
        "Qabf": qabf(ir, vis, fused),
    }
