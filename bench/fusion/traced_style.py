"""``ImageStyle`` in PyTorch: the words of ``bench/colour.py`` as operations that an exporter can trace.

Planes are float32 (1, 1, H, W) or (1, 3, H, W), 0..255. Fixed-point formulas stay exact: all their integers are below
2^24, which float32 holds, and all their shifts are divisions by powers of two. The others differ from the harness by
float32 rounding, which moves a pixel by one level at most. Formulas and sources stand in ``bench/colour.py``.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bench.plugin.method import ImageStyle

GREY_AS_COLOUR = ("luma_floor", "luma_video")
"""Readers that take a single channel for three equal ones; the others return it as it is."""


def read_ir(style: ImageStyle, ir: Tensor) -> Tensor:
    """The infrared plane, 0..255; see ``bench.fusion.style.read_ir``.

    Args:
        style: its words.
        ir: (1, 1, H, W).
    """
    if style.ir_reader in GREY_AS_COLOUR:
        return READERS[style.ir_reader](ir.expand(1, 3, -1, -1))
    return ir


def read_vis(style: ImageStyle, vis: Tensor) -> Tensor:
    """The visible luma (1, 1, H, W) of (1, 3, H, W), 0..255."""
    return READERS[style.reader](vis)


def written_luma(style: ImageStyle, values: Tensor) -> Tensor:
    """A fused luma (or three channels, jointly) stretched and rounded; whole numbers 0..255 in float32.

    Args:
        style: its words.
        values: 0 to 1 is black to white.
    """
    if style.stretch == "min_max":
        return _rounded(style, _min_max(values, style.stretch_epsilon))
    return _rounded(style, values * 255.0)


def merged(style: ImageStyle, vis: Tensor, values: Tensor) -> Tensor:
    """A fused luma with the colour of the visible image, (1, 3, H, W); whole numbers 0..255 in float32."""
    if style.merge in EIGHT_BIT_MERGES:
        return EIGHT_BIT_MERGES[style.merge](vis, written_luma(style, values))
    rgb = FLOAT_MERGES[style.merge](vis, values * 255.0)
    if style.stretch == "min_max":
        rgb = _min_max(rgb, style.stretch_epsilon * 255.0)
    return _rounded(style, rgb)


def _min_max(values: Tensor, epsilon: float) -> Tensor:
    low = values.amin((1, 2, 3), keepdim=True)  # exporters fail on a minimum without dimensions
    span = values.amax((1, 2, 3), keepdim=True) - low
    flat = span == 0
    return torch.where(flat, torch.zeros_like(values), (values - low) / torch.where(flat, 1.0, span + epsilon) * 255.0)


def _rounded(style: ImageStyle, values: Tensor) -> Tensor:
    if style.rounding == "wrap":
        whole = torch.trunc(values)
        return whole - 256.0 * torch.floor(whole / 256.0)
    clipped = values.clamp(0.0, 255.0)
    if style.rounding == "nearest":
        return torch.floor(clipped + 0.5)
    if style.rounding == "even":
        return torch.round(clipped)
    if style.rounding == "nearest_down":
        return torch.ceil(clipped - 0.5)
    return torch.floor(clipped)


# ------------------------------------------------------------------ readers


def _weighted(vis: Tensor, red: float, green: float, blue: float) -> Tensor:
    return red * vis[:, 0:1] + green * vis[:, 1:2] + blue * vis[:, 2:3]


def _luma(vis: Tensor) -> Tensor:
    red, green, blue = vis[:, 0:1], vis[:, 1:2], vis[:, 2:3]
    return green + 0.299 * (red - green) + 0.114 * (blue - green)


def _fixed(vis: Tensor, weights: tuple[int, int, int], half: int, bits: int) -> Tensor:
    return torch.floor((_weighted(vis, *weights) + half) / (1 << bits))


def _luma_uint8(vis: Tensor) -> Tensor:
    return _fixed(vis, (19595, 38470, 7471), 1 << 15, 16)


def _luma_scipy(vis: Tensor) -> Tensor:
    y, cb, cr = _pil_forward(vis)
    return _weighted(_pil_backward(y, cb, cr), 299.0, 587.0, 114.0) / 1000.0


def _luma_floor(vis: Tensor) -> Tensor:
    red, green, blue = (vis[:, channel : channel + 1].double() for channel in range(3))
    return torch.floor(0.299 * red + 0.587 * green + 0.114 * blue).float()


def _luma_rint(vis: Tensor) -> Tensor:
    return torch.round(_weighted(vis, 0.299, 0.587, 0.114))


READERS: dict[str, Callable[[Tensor], Tensor]] = {
    "luma": _luma,
    "luma_uint8": _luma_uint8,
    "luma_scipy": _luma_scipy,
    "luma_l15": lambda vis: _fixed(vis, (9798, 19235, 3735), 1 << 14, 15),
    "luma_y14": lambda vis: _fixed(vis, (4899, 9617, 1868), 1 << 13, 14),
    "luma_png15": lambda vis: _fixed(vis, (9797, 19234, 3737), 0, 15),
    "luma_floor": _luma_floor,
    "luma_rint": _luma_rint,
    "luma_video": lambda vis: _weighted(vis, 0.257, 0.564, 0.098) + 16.0,
    "red": lambda vis: vis[:, 0:1],
}

# ------------------------------------------------------------------ merges in floats


def _add_luma(vis: Tensor, fused: Tensor) -> Tensor:
    return fused.clamp(0.0, 255.0) + (vis - _luma(vis))


def _float_ycrcb(vis: Tensor, fused: Tensor) -> Tensor:
    luma = _luma(vis)
    return _from_crcb(fused, (vis[:, 0:1] - luma) * 0.713, (vis[:, 2:3] - luma) * 0.564).clamp(0.0, 255.0)


def _cv2_crcb_float(vis: Tensor, fused: Tensor) -> Tensor:
    cr, cb = _cv2_chroma(vis)
    return _from_crcb(fused, cr - 127.5, cb - 127.5)


def _from_crcb(y: Tensor, cr: Tensor, cb: Tensor) -> Tensor:
    return torch.cat([y + 1.403 * cr, y - 0.714 * cr - 0.344 * cb, y + 1.773 * cb], 1)


def _chroma(vis: Tensor, to_cb: tuple[float, float], to_cr: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Cb and Cr around 0 by the weights of R and B, green's being what makes their sum 0: exactly 0 for grey."""
    red, blue = vis[:, 0:1] - vis[:, 1:2], vis[:, 2:3] - vis[:, 1:2]
    return to_cb[0] * red + to_cb[1] * blue, to_cr[0] * red + to_cr[1] * blue


def _video(vis: Tensor, fused: Tensor) -> Tensor:
    cb, cr = _chroma(vis, (-0.148, 0.439), (0.439, -0.071))
    q = 1.164 * (fused - 16.0)
    return torch.cat([q + 1.596 * cr, q - 0.392 * cb - 0.813 * cr, q + 2.017 * cb], 1)


def _full_range(y: Tensor, cb: Tensor, cr: Tensor) -> Tensor:
    return torch.cat([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], 1)


FLOAT_MERGES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add_luma": _add_luma,
    "float_ycrcb": _float_ycrcb,
    "cv2_crcb_float": _cv2_crcb_float,
    "video": _video,
    "ycbcr3": lambda vis, fused: _full_range(fused, *_chroma(vis, (-0.169, 0.5), (0.5, -0.081))),
    "ycbcr6": lambda vis, fused: _full_range(fused, *_chroma(vis, (-0.168736, 0.5), (0.5, -0.081312))),
}

# ------------------------------------------------------------------ merges in 8 bits


def _sixth_bits(plane: Tensor, weight: float) -> Tensor:
    """A product as Pillow's tables hold it: 6 fractional bits, rounded."""
    return torch.trunc(plane * (weight * 64.0) + 0.5)


def _pil_sum(vis: Tensor, weights: tuple[float, float, float]) -> Tensor:
    terms = [_sixth_bits(vis[:, channel : channel + 1], weight) for channel, weight in enumerate(weights)]
    return torch.floor((terms[0] + terms[1] + terms[2]) / 64.0)


def _pil_forward(vis: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Y, Cb and Cr of Pillow's 8-bit YCbCr."""
    y = _pil_sum(vis, (0.299, 0.587, 0.114))
    cb = _pil_sum(vis, (-0.16874, -0.33126, 0.5)) + 128.0
    cr = _pil_sum(vis, (0.5, -0.41869, -0.08131)) + 128.0
    return y, cb, cr


def _pil_backward(y: Tensor, cb: Tensor, cr: Tensor) -> Tensor:
    cb, cr = cb - 128.0, cr - 128.0
    green = _sixth_bits(cb, -0.34414) + _sixth_bits(cr, -0.71414)
    steps = (_sixth_bits(cr, 1.402), green, _sixth_bits(cb, 1.772))
    return torch.cat([y + torch.floor(step / 64.0) for step in steps], 1).clamp(0.0, 255.0)


def _pil_ycbcr(vis: Tensor, fused: Tensor) -> Tensor:
    _, cb, cr = _pil_forward(vis)
    return _pil_backward(fused, cb, cr)


def _cv2_chroma(vis: Tensor) -> tuple[Tensor, Tensor]:
    y, middle = READERS["luma_y14"](vis), (128 << 14) + (1 << 13)
    cr, cb = (
        torch.floor(((vis[:, channel : channel + 1] - y) * factor + middle) / (1 << 14)).clamp(0.0, 255.0)
        for channel, factor in ((0, 11682), (2, 9241))
    )
    return cr, cb


def _cv2_ycrcb(vis: Tensor, fused: Tensor) -> Tensor:
    cr, cb = (plane - 128.0 for plane in _cv2_chroma(vis))
    steps = (22987.0 * cr, -11698.0 * cr - 5636.0 * cb, 29049.0 * cb)
    return torch.cat([fused + torch.floor((step + (1 << 13)) / (1 << 14)) for step in steps], 1).clamp(0.0, 255.0)


EIGHT_BIT_MERGES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"pil_ycbcr": _pil_ycbcr, "cv2_ycrcb": _cv2_ycrcb}
"""Not ``cv2_hsv``: OpenCV's 8-bit HSV comes from tables of its own."""
