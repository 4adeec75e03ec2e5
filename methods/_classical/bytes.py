"""The methods of VIFB's MATLAB code: 8-bit planes in, channel by channel with one infrared plane."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from bench.plugin.method import Method
from methods._classical.colour import by_way, is_grey
from methods._classical.matlab import grey, to_uint8
from methods._classical.planes import Bytes, Plane


class ByteMethod(Method):
    """A method that is defined on grey values 0..255.

    Several of them decide ties by the last digit, or meet exact halves, so they are given exactly the integers that
    were stored, and what they make of them is rounded here: in the published way the channels of the image, in both
    ways a grey image. In the plain way a colour image's luma is rounded before it is fused, and not after.
    """

    space = "rgb"
    dtype = "float64"
    batched = False
    whole = True
    reads_way = True

    @abstractmethod
    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Plane:
        """Fuses one pair.

        Args:
            ir: (H, W).
            vis: (C, H, W), C = 1 or 3.

        Returns:
            float64 (C, H, W), about 0..255, not rounded at the end; NaN is black.
        """

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """See ``Method.fuse``."""
        return torch.stack([self._fuse_pair(*pair) for pair in zip(ir, vis, strict=True)])

    def _fuse_pair(self, ir: Tensor, vis: Tensor) -> Tensor:
        stored = self.way == "published" or (is_grey(ir) and is_grey(vis))
        return by_way(partial(self._fuse, finish=to_uint8 if stored else _clip), ir, vis, self.way)

    def _fuse(self, ir: Tensor, vis: Tensor, finish: Callable[[Plane], Plane]) -> Tensor:
        fused = self.fuse_bytes(to_uint8(grey(_bytes(ir))), _bytes(vis))
        return torch.from_numpy(finish(fused) / 255.0).to(vis)


def _bytes(image: Tensor) -> Bytes:
    return to_uint8(image.detach().cpu().contiguous().numpy() * 255.0)


def _clip(values: Plane) -> Plane:
    return np.clip(np.nan_to_num(values), 0.0, 255.0)
