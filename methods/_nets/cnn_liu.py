"""The siamese network of Liu et al. (2017, fig. 3; 2018), which says how much of each place is worth taking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from methods._nets.blocks import Conv

WINDOW = 16
"""Pixels a side that one decision is made from."""

SHAPES = {
    "weights_b1_1": (9, 64), "biases_b1_1": (64, 1), "weights_b1_2": (64, 9, 128), "biases_b1_2": (128, 1),
    "weights_b1_3": (128, 9, 256), "biases_b1_3": (256, 1), "weights_output": (512, 64, 2),
}  # fmt: skip
"""The variables of the authors' MATLAB file; one bias there is not used."""

NAMES = {"first": "b1_1", "second": "b1_2", "third": "b1_3", "decide": "output"}
"""Our layers -> theirs."""


class SiameseCNN(nn.Module):
    """Three convolutions shared by both images, and a fully connected layer as a convolution; images are 0..1."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Conv(1, 64, padding_mode="zeros")
        self.second = Conv(64, 128, padding_mode="zeros")
        self.third = Conv(128, 256, padding_mode="zeros")
        self.decide = nn.Conv2d(512, 2, WINDOW // 2, bias=False)

    def features(self, image: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, 256, ceil(H / 2), ceil(W / 2)); odd sides are padded with zeros at the end."""
        # features are not negative, so that a window cut at the end has the maximum of one padded with zeros
        return self.third(functional.max_pool2d(self.second(self.first(image)), 2, ceil_mode=True))

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Shares of infrared, 0 to 1, for every second window of 16 x 16 pixels in either direction.

        Args:
            ir: float32 (B, 1, H, W), sides of at least 15.
            vis: the same shape.

        Returns:
            float64 (B, ceil(H / 2) - 7, ceil(W / 2) - 7).
        """
        scores = self.decide(torch.cat([self.features(ir), self.features(vis)], dim=1))
        return scores.double().softmax(dim=1)[:, 1]


def tensors_of(stored: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """Our tensors of the authors' variables, whose patches are unrolled column by column."""
    tensors = {f"{ours}.weight": _kernel(stored[f"weights_{theirs}"]) for ours, theirs in NAMES.items()}
    for ours in ("first", "second", "third"):
        tensors[f"{ours}.bias"] = torch.from_numpy(stored[f"biases_{NAMES[ours]}"].ravel().astype(np.float32))
    return tensors


def _kernel(stored: NDArray[Any]) -> Tensor:
    """([in,] k * k, out) -> (out, in, k, k)."""
    stored = stored if stored.ndim == 3 else stored[None]
    channels, places, outputs = stored.shape
    side = round(places**0.5)
    by_columns = torch.from_numpy(stored.astype(np.float32)).view(channels, side, side, outputs)
    return by_columns.permute(3, 0, 2, 1).contiguous()
