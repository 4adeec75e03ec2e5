"""Formulas of ``bench.metrics.batch`` in PyTorch, float64: NumPy's of the same names, over a stack of images."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bench.metrics import vif
from bench.metrics.gradient import CEILING, ORIENTATION, STRENGTH
from bench.metrics.planes import Plane, Sources
from bench.metrics.structural import K1, K2, WINDOWS
from bench.metrics.windows import Window

NOTHING = 1e-300
"""Keeps 0 / 0 at 0 where both images are flat."""
TURN = ORIENTATION[1] / (math.pi / 2)
WINDOWS_AT_ONCE = 256


class Stack:
    """The two source planes of a pair and some fused ones, on a device.

    Attributes:
        sources: float64 (1, H, W) each, infrared first.
        fused: float64 (B, H, W), 0..255.
    """

    def __init__(self, sources: Sources, fused: Sequence[Plane], device: torch.device) -> None:
        """Takes the planes to the device."""
        self.planes, self.of = sources, fused
        self.sources = [_tensor([plane], device) for plane in sources]
        self.fused = _tensor(fused, device)


def _tensor(planes: Sequence[Plane], device: torch.device) -> Tensor:
    return torch.from_numpy(np.stack([plane.levels for plane in planes])).to(device).to(torch.float64)


def count(stack: Stack) -> None:
    """Counts grey levels, and pairs of them, where the planes keep them for the NumPy formulas."""
    size, pixels = len(stack.of), stack.fused[0].numel()
    fused = stack.fused.reshape(size, pixels).to(torch.int64)
    first = torch.arange(size, device=fused.device)[:, None] * 2**16
    for plane, values in zip(stack.planes, stack.sources, strict=True):
        codes = first + 256 * values.reshape(1, pixels).to(torch.int64) + fused
        found = torch.bincount(codes.ravel(), minlength=size * 2**16).reshape(size, 256, 256).cpu().numpy()
        for other, joint in zip(stack.of, found, strict=True):
            _keep(other, ("joint histogram", plane), joint)
            _keep(other, "histogram", joint.sum(axis=0))
            _keep(plane, "histogram", joint.sum(axis=1))


def _keep(plane: Plane, key: object, counts: np.ndarray) -> None:
    plane.once(key, lambda: counts)


def spatial_frequency(stack: Stack, scale: float, divisor: str) -> Tensor:
    """(B,); sums of squares of levels are exact."""
    levels = stack.fused
    _, height, width = levels.shape
    across = (levels[:, :, 1:] - levels[:, :, :-1]).square().sum((1, 2))
    down = (levels[:, 1:] - levels[:, :-1]).square().sum((1, 2))
    if divisor == "pixels":
        return ((across + down) / (height * width)).sqrt() / scale
    return (across / max(height * (width - 1), 1) + down / max((height - 1) * width, 1)).sqrt() / scale


def average_gradient(stack: Stack, difference: str, divisor: str) -> Tensor:
    """(B,)."""
    levels = stack.fused
    _, height, width = levels.shape
    if difference == "forward":
        right, down, halves = levels[:, :-1, 1:] - levels[:, :-1, :-1], levels[:, 1:, :-1] - levels[:, :-1, :-1], 1.0
    else:
        right, down, halves = _doubled_central(levels), _doubled_central(levels.mT).mT, 2.0
    total = ((right.square() + down.square()) / 2.0).sqrt().sum((1, 2)) / halves
    return total / (height * width if divisor == "pixels" else max((height - 1) * (width - 1), 1))


def _doubled_central(levels: Tensor) -> Tensor:
    """Twice the centred difference along the last axis, one-sided at both ends."""
    framed = torch.cat([2 * levels[..., :1] - levels[..., 1:2], levels, 2 * levels[..., -1:] - levels[..., -2:-1]], -1)
    return framed[..., 2:] - framed[..., :-2] if levels.shape[-1] > 1 else torch.zeros_like(levels)


def edge_intensity(stack: Stack) -> Tensor:
    """(B,)."""
    across, down = _sobel(stack.fused, "replicate")
    return (across.square() + down.square()).sqrt().mean((1, 2))


SOBEL_ACROSS = ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1))
SOBEL_DOWN = ((1, 2, 1), (0, 0, 0), (-1, -2, -1))


def _sobel(values: Tensor, border: str) -> tuple[Tensor, Tensor]:
    """Responses along x and y, both of the other sign than a derivative's; taps in ``convolve_in_order``'s order."""
    mode = "replicate" if border == "replicate" else "constant"
    padded = functional.pad(values[:, None], (1, 1, 1, 1), mode=mode)[:, 0]
    _, height, width = values.shape
    found = []
    for mask in (SOBEL_ACROSS, SOBEL_DOWN):
        out = torch.zeros_like(values)
        for column in range(3):
            for row in range(3):
                if mask[row][column]:
                    out += mask[row][column] * padded[:, 2 - row : 2 - row + height, 2 - column : 2 - column + width]
        found.append(out)
    return found[0], found[1]


def edge_preservation(stack: Stack, unit: str, border: str, tie: str) -> Tensor:
    """(B,)."""
    scale = 255.0 if unit == "level_times_255" and tie == "strength" else 1.0 if tie == "strength" else 0.0
    fused = _polar(stack.fused, unit, border)
    total = torch.zeros(len(stack.fused), dtype=torch.float64, device=stack.fused.device)
    weight = 0.0
    for source in stack.sources:
        edges = _polar(source, unit, border)
        weight += float(edges[0].sum())
        total += _kept(edges, fused, scale)
    return total / weight if weight else torch.full_like(total, float(CEILING))


def _polar(values: Tensor, unit: str, border: str) -> tuple[Tensor, Tensor]:
    """Strength and angle of edges; the angle is pi/2 where the edge has no part across, in sigmoid units."""
    if unit == "fraction":
        # a device may divide by multiplying, and ties of fractions hang on the last digit
        fractions = torch.from_numpy(np.arange(256) / 255.0).to(values.device)
        values, border = fractions[values.to(torch.int64)], "zero"
    across, down = _sobel(values, border)
    angle = torch.where(across == 0.0, math.pi / 2, torch.atan(down / across)) * TURN
    return _root(across * across + down * down), angle


def _root(values: Tensor) -> Tensor:
    """Square roots, correctly rounded: ties hang on the last digit, and PyTorch's own miss it on some CPUs."""
    return values.sqrt() if values.is_cuda else torch.from_numpy(np.sqrt(values.cpu().numpy())).to(values.device)


def _kept(source: tuple[Tensor, Tensor], fused: tuple[Tensor, Tensor], tie_scale: float) -> Tensor:
    strength, angle = source
    ratio = torch.minimum(strength, fused[0]) / (torch.maximum(strength, fused[0]) + NOTHING)
    if tie_scale:
        ratio = torch.where(strength == fused[0], tie_scale * strength, ratio)
    kept = 1.0 + (STRENGTH[1] * (STRENGTH[2] - ratio)).exp()
    kept *= 1.0 + ((angle - fused[1]).abs() - ORIENTATION[1] * (1.0 - ORIENTATION[2])).exp()
    return (strength / kept).sum((1, 2)) * (STRENGTH[0] * ORIENTATION[0])


def _means(window: Window, values: Tensor, step: int = 1, border: str = "valid") -> Tensor:
    """The weighted means of (B, H, W) wherever the window fits, or everywhere with the frame repeated."""
    taps = torch.from_numpy(window.weights).to(values.device)
    stacked, half = values[:, None], window.size // 2
    if border != "valid":
        stacked = functional.pad(stacked, (half, half, half, half), mode="replicate")
    down = functional.conv2d(stacked, taps[None, None, :, None], stride=(step, 1))
    return functional.conv2d(down, taps[None, None, None, :], stride=(1, step))[:, 0]


def structural_similarity(
    stack: Stack, window: str, border: str, data_range: float, sample: bool, combine: str
) -> Tensor:
    """(B,)."""
    chosen = WINDOWS[window]
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    samples = chosen.size**2
    factor = samples / (samples - 1.0) if sample else 1.0
    fused_mean, fused_variance = _moments(chosen, stack.fused, border)
    total = torch.zeros(len(stack.fused), dtype=torch.float64, device=stack.fused.device)
    for source in stack.sources:
        mean, variance = _moments(chosen, source, border)
        means = mean * fused_mean
        covariance = _means(chosen, source * stack.fused, border=border) - means
        luminance = (2.0 * means + c1) / (mean.square() + fused_mean.square() + c1)
        contrast = (2.0 * factor * covariance + c2) / (factor * (variance + fused_variance) + c2)
        total += (luminance * contrast).mean((1, 2))
    return total / 2.0 if combine == "mean" else total


def _moments(window: Window, values: Tensor, border: str = "valid", limit: float = math.inf) -> tuple[Tensor, Tensor]:
    """Local means and variances; squares above ``limit`` count as that."""
    mean = _means(window, values, border=border)
    return mean, _means(window, values.square().clamp(max=limit), border=border) - mean.square()


def visual_information_fidelity(stack: Stack, saturate: bool) -> Tensor:
    """(B,)."""
    kept = torch.zeros(2, len(stack.fused), dtype=torch.float64, device=stack.fused.device)
    whole = [0.0, 0.0]
    images = [*stack.sources, stack.fused]
    for level, window in enumerate(vif.WINDOWS):
        if level:
            images = [_means(window, values, step=2) for values in images]
        limit = 255.0 if saturate and level == 0 else math.inf
        mean, variance = _moments(window, images[2], limit=limit)
        # nothing is kept where the fused image is flat: an infinite error makes the term 0
        noisy = torch.where(variance < vif.TINY, math.inf, variance) + vif.NOISE_VARIANCE
        for index, source in enumerate(images[:2]):
            own, spread, places = _reference(window, source, limit)
            whole[index] += float((spread / vif.NOISE_VARIANCE).log1p().sum())
            shared = _means(window, (source * images[2]).clamp(max=limit)) - own * mean
            shared[:, places[0], places[1]] = _about_centre(window, source, images[2], places)
            inverse = (spread > 0.0) / (spread + vif.TINY)
            term = shared.clamp(min=0.0).square() * inverse
            error = (noisy - term).clamp(min=vif.NOISE_VARIANCE + vif.TINY)
            kept[index] += (term / error * (1.0 - vif.TINY * inverse)).log1p().sum((1, 2))
    parts = [kept[index] / whole[index] if whole[index] > 0.0 else torch.ones_like(kept[0]) for index in range(2)]
    return parts[0] + parts[1]


def _reference(window: Window, values: Tensor, limit: float) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
    """Local means and variances of a source, and where it is nearly flat; see ``bench.metrics.vif``."""
    mean, variance = _moments(window, values, limit=limit)
    places = torch.empty(2, 0, dtype=torch.int64, device=values.device)
    if limit == math.inf:
        doubtful = variance < vif.NEARLY_FLAT * mean.square()
        highest = functional.max_pool2d(values[:, None], window.size, stride=1)[:, 0]
        lowest = -functional.max_pool2d(-values[:, None], window.size, stride=1)[:, 0]
        equal = doubtful & (highest - lowest < vif.EQUAL)
        variance[equal] = 0.0
        places = torch.nonzero((doubtful & ~equal)[0]).T
        variance[:, places[0], places[1]] = _about_centre(window, values, values, (places[0], places[1]))
    return mean, torch.where(variance >= vif.TINY, variance, 0.0), (places[0], places[1])


def _about_centre(window: Window, first: Tensor, second: Tensor, places: tuple[Tensor, Tensor]) -> Tensor:
    """(B, n), covariances in some windows of (1, H, W) and (B, H, W), from differences to the centres."""
    taps = torch.from_numpy(np.outer(window.weights, window.weights)).to(first.device)
    half, offsets = window.size // 2, torch.arange(window.size, device=first.device)
    found = [torch.empty(len(second), 0, dtype=torch.float64, device=first.device)]
    for start in range(0, len(places[0]), WINDOWS_AT_ONCE):
        rows, columns = (axis[start : start + WINDOWS_AT_ONCE, None] + offsets for axis in places)
        cut = (slice(None), rows[:, :, None], columns[:, None, :])
        x, y = first[cut], second[cut]
        x, y = (part - part[:, :, half : half + 1, half : half + 1] for part in (x, y))
        mean_x, mean_y, product = ((part * taps).sum((2, 3)) for part in (x, y, x * y))
        found.append(product - mean_x * mean_y)
    return torch.cat(found, dim=1)
