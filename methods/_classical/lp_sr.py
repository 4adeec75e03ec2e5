"""LP-SR and RP-SR: a pyramid whose details go to the stronger source and whose base is fused by sparse coding.

The details of LP-SR are differences (Laplacian pyramid), those of RP-SR quotients (ratio of low-pass pyramid).

References:
    [1] Liu, Liu, Wang: A general framework for image fusion based on multi-scale transform and sparse representation,
        Information Fusion 24, 2015, doi:10.1016/j.inffus.2014.09.004.
    [2] Burt, Adelson: The Laplacian pyramid as a compact image code, IEEE Transactions on Communications 31(4), 1983,
        doi:10.1109/TCOM.1983.1095851.
    [3] Li, Manjunath, Mitra: Multisensor image fusion using the wavelet transform, Graphical Models and Image
        Processing 57(3), 1995, doi:10.1006/gmip.1995.1022 (maximum over a window, verified by the majority).
    [4] Toet: Image fusion by a ratio of low-pass pyramid, Pattern Recognition Letters 9(4), 1989,
        doi:10.1016/0167-8655(89)90003-2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from methods._classical.sparse_coding import encode

LEVELS = 4
PATCH, STEP = 8, 2
TOLERANCE = 0.1
"""Of the norm of a patch's residual, for images in 0..255, as in [1]."""
KERNEL = (1.0, 4.0, 6.0, 4.0, 1.0)
SMALLEST_SIDE = 3
"""Below it the mirrored border of two pixels does not exist, so the pyramid ends."""


TINY = 1e-6
"""Added where RP-SR divides."""


@dataclass(frozen=True, slots=True)
class Detail:
    """How an image is taken apart by what its low-pass image predicts of it, and put together again."""

    split: Callable[[Tensor, Tensor], Tensor]
    join: Callable[[Tensor, Tensor], Tensor]


DIFFERENCE = Detail(split=torch.sub, join=torch.add)
RATIO = Detail(
    split=lambda image, predicted: image / (predicted + TINY),
    join=lambda predicted, detail: (predicted + TINY) * detail,
)
"""[4]; the choice is by the quotient itself, as released, not by its distance from 1."""


def fuse_lp_sr(ir: Tensor, vis: Tensor, dictionary: Tensor, detail: Detail = DIFFERENCE) -> Tensor:
    """Fuses channel by channel; a single infrared channel serves all visible ones.

    Args:
        ir: float64 (1 or C, H, W), 0..255.
        vis: float64 (C, H, W), 0..255.
        dictionary: (64, K), unit columns, patches in row-major order.
        detail: LP-SR's ``DIFFERENCE``, or RP-SR's ``RATIO``.

    Returns:
        float64 (C, H, W), about 0..255; RP-SR leaves that range at dark pixels.
    """
    chosen: list[tuple[Tensor, torch.Size]] = []
    while len(chosen) < LEVELS and min(_even(size) for size in vis.shape[-2:]) > SMALLEST_SIDE:
        ir_low, ir_high = _split(ir, detail)
        vis_low, vis_high = _split(vis, detail)
        chosen.append((choose_details(ir_high, vis_high), vis.shape[-2:]))
        ir, vis = ir_low, vis_low
    fused = fuse_base(ir, vis, dictionary)
    for high, (height, width) in reversed(chosen):
        fused = detail.join(expand(fused), high)[:, :height, :width]
    return fused


def _even(size: int) -> int:
    return size + size % 2


def _split(image: Tensor, detail: Detail) -> tuple[Tensor, Tensor]:
    """One level: the low-pass image of half the size, and the detail; odd sizes are mirrored to even ones first."""
    height, width = image.shape[-2:]
    if height % 2 or width % 2:
        image = functional.pad(image, (0, width % 2, 0, height % 2), mode="reflect")
    low = reduce(image)
    return low, detail.split(image, expand(low))


def reduce(image: Tensor) -> Tensor:
    """Blurs by the 5 x 5 binomial kernel and keeps every second row and column; sides are even."""
    rows = _every_second(mirror(image, 2), -1)
    return _every_second(rows, -2).mul_(1 / 256)


def _every_second(image: Tensor, axis: int) -> Tensor:
    """The kernel along one axis of an image with a border of two, at even places only, times 16."""
    count = image.shape[axis] - 4
    taps = [image.narrow(axis, offset, count - 1) for offset in range(5)]
    first, second, third, fourth, fifth = (tap[..., ::2] if axis == -1 else tap[..., ::2, :] for tap in taps)
    return (first + fifth).add_(second, alpha=4).add_(fourth, alpha=4).add_(third, alpha=6)


def expand(low: Tensor) -> Tensor:
    """Doubles the sides: zeros between the pixels, then twice the binomial kernel in either direction.

    The zeros are not multiplied: even places see the taps 1, 6, 1 and odd ones 4, 4. The border is the one that
    mirroring the image with zeros gives: the second pixel before the first, the last one after the last.
    """
    channels, height, width = low.shape
    bordered = low.new_zeros(channels, height + 2, width + 2)
    bordered[:, 1:-1, 1:-1] = low
    bordered[:, 0, 1:-1], bordered[:, -1, 1:-1] = low[:, 1], low[:, -1]
    bordered[:, 1:-1, 0], bordered[:, 1:-1, -1] = low[:, :, 1], low[:, :, -1]
    return _between(_between(bordered, -1), -2).mul_(1 / 64)


def _between(image: Tensor, axis: int) -> Tensor:
    """Doubles one axis of an image with a border of one, times 8."""
    count = image.shape[axis] - 2
    before, here, after = (image.narrow(axis, offset, count) for offset in range(3))
    shape = list(image.shape)
    shape[axis] = 2 * count
    doubled = image.new_empty(shape)
    even, odd = (doubled[..., place::2] if axis == -1 else doubled[..., place::2, :] for place in (0, 1))
    torch.add(before, after, out=even).add_(here, alpha=6)
    torch.add(here, after, out=odd).mul_(4)
    return doubled


def mirror(image: Tensor, border: int) -> Tensor:
    """Mirrors the edges without repeating the outermost pixel; the corners of the border are zero, as in [1]'s code."""
    bordered = functional.pad(image, (border,) * 4, mode="reflect")
    for rows in (slice(None, border), slice(-border, None)):
        for columns in (slice(None, border), slice(-border, None)):
            bordered[:, rows, columns] = 0
    return bordered


def choose_details(ir: Tensor, vis: Tensor) -> Tensor:
    """Takes each coefficient from the source that is stronger around most of its 3 x 3 neighbours [3].

    Args:
        ir: (1 or C, H, W).
        vis: (C, H, W).

    Returns:
        (C, H, W).
    """
    stronger = (_activity(ir) > _activity(vis)).to(torch.uint8)
    votes = _window(_window(stronger, -1, torch.add), -2, torch.add)
    return torch.where(votes > 4, ir, vis)


def _activity(high: Tensor) -> Tensor:
    """Largest magnitude in a 3 x 3 window, also around the pixels of the mirrored border: (C, H + 2, W + 2)."""
    magnitude = functional.pad(mirror(high.abs(), 1), (1, 1, 1, 1))
    return _window(_window(magnitude, -1, torch.maximum), -2, torch.maximum)


def _window(image: Tensor, axis: int, combine: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Combines three neighbours along one axis; two shorter."""
    count = image.shape[axis] - 2
    before, here, after = (image.narrow(axis, offset, count) for offset in range(3))
    return combine(combine(before, here), after)


def fuse_base(ir: Tensor, vis: Tensor, dictionary: Tensor) -> Tensor:
    """Fuses low-pass images patch by patch: the source whose code has the larger sum of magnitudes wins, mean and all.

    Pixels that no whole patch covers are averaged.

    Args:
        ir: (1 or C, H, W).
        vis: (C, H, W).
        dictionary: (64, K).

    Returns:
        (C, H, W).
    """
    average = (ir + vis) / 2
    if min(vis.shape[-2:]) < PATCH:
        return average
    ir_code, ir_mean = _code(ir, dictionary)
    vis_code, vis_mean = _code(vis, dictionary)
    vis_wins = ir_code.abs().sum(-1, keepdim=True) < vis_code.abs().sum(-1, keepdim=True)
    patches = torch.where(vis_wins, vis_code, ir_code) @ dictionary.T + torch.where(vis_wins, vis_mean, ir_mean)
    total = _overlap_add(patches, vis)
    count = _overlap_add(torch.ones_like(patches[:1]), vis)
    return torch.where(count > 0, total / count.clamp(min=1), average)


def _code(image: Tensor, dictionary: Tensor) -> tuple[Tensor, Tensor]:
    """Codes (C, patches, K) and means (C, patches, 1) of overlapping patches."""
    patches = functional.unfold(image[:, None], PATCH, stride=STEP).mT
    mean = patches.mean(dim=-1, keepdim=True)
    codes = encode((patches - mean).flatten(0, 1), dictionary, TOLERANCE)
    return codes.view(*patches.shape[:2], -1), mean


def _overlap_add(patches: Tensor, like: Tensor) -> Tensor:
    return functional.fold(patches.mT, like.shape[-2:], PATCH, stride=STEP).squeeze(1)
