"""The methods of VIFB's MATLAB code: 8-bit planes in, 8-bit planes out, channel by channel with one infrared plane."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from bench.plugin.method import Method
from methods._classical.colour import by_way
from methods._classical.matlab import grey, to_uint8
from methods._classical.planes import Bytes


class ByteMethod(Method):
    """A method that is defined on grey values 0..255, and rounds to them itself.

    Several of them decide ties by the last digit, so they are given exactly the integers that were stored: in the
    published way the channels of the image; in the plain way, and for grey images, the luma alone, rounded.
    """

    space = "rgb"
    dtype = "float64"
    batched = False
    whole = True
    reads_way = True

    @abstractmethod
    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Bytes:
        """Fuses one pair.

        Args:
            ir: (H, W).
            vis: (C, H, W), C = 1 or 3.

        Returns:
            (C, H, W).
        """

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """See ``Method.fuse``."""
        return torch.stack([by_way(self._fuse, *pair, self.way) for pair in zip(ir, vis, strict=True)])

    def _fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        fused = self.fuse_bytes(to_uint8(grey(_bytes(ir))), _bytes(vis))
        return torch.from_numpy(fused / 255.0).to(vis)


def _bytes(image: Tensor) -> Bytes:
    return to_uint8(image.detach().cpu().contiguous().numpy() * 255.0)
