"""The harness and a method as one PyTorch module that exporters can trace: images as stored in, an image out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.errors import BenchError
from bench.fusion import traced_style
from bench.fusion.harness import Fuser
from bench.plugin.method import Method, Padding, torch_dtype


class TracedNetwork(nn.Module):
    """A method's ``fuse``; its networks are this module's children, so that an exporter finds their weights."""

    def __init__(self, method: Method, half: bool = False) -> None:
        """Wraps a method; with ``half`` its networks are turned to float16."""
        super().__init__()
        self._method: Any = method
        self.dtype = torch.float16 if half else torch_dtype(method)
        for name, module in method.modules().items():
            self.add_module(name, module.half() if half else module)

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses planes (1, C, H, W) in [0, 1] to float32 ones."""
        fused: Tensor = self._method.fuse(ir.to(self.dtype), vis.to(self.dtype))
        return fused.float()


class TracedFuser(nn.Module):
    """What ``Fuser.fuse_pair`` does to one pair, without a branch that depends on the values."""

    def __init__(self, fuser: Fuser, half: bool = False) -> None:
        """Wraps a method.

        Args:
            fuser: the method in the harness.
            half: its networks compute in float16; reading and writing stay in float32.

        Raises:
            BenchError: the method draws random numbers, or its way has a word that is not made of tensor operations.
        """
        super().__init__()
        check_words(fuser)
        self.space, self.style = fuser.method.space, fuser.style
        self.network = TracedNetwork(fuser.method, half)
        self.rule = fuser.method.padding or Padding(fuser.method.multiple)

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses one pair.

        Args:
            ir: uint8 (H, W).
            vis: uint8 (H, W, 3) RGB.

        Returns:
            uint8 RGB (H, W, 3).
        """
        ir_plane, colours = ir.float()[None, None], vis.float().permute(2, 0, 1)[None]
        values = self._computed(*(plane / 255.0 for plane in self._planes(ir_plane, colours)))
        if self.space == "rgb":
            image = traced_style.written_luma(self.style, values)
        else:
            image = traced_style.merged(self.style, colours, values)
        return image[0].permute(1, 2, 0).to(torch.uint8)

    def _computed(self, ir: Tensor, vis: Tensor) -> Tensor:
        if self.rule.multiple == 1 and not self.rule.always:
            return self.network(ir, vis)
        height, width = ir.shape[-2:]
        (ir, top, left), (vis, _, _) = _padded(ir, self.rule), _padded(vis, self.rule)
        return self.network(ir, vis)[..., top : top + height, left : left + width]

    def _planes(self, ir: Tensor, colours: Tensor) -> tuple[Tensor, Tensor]:
        ir = ir.expand(-1, 3, -1, -1) if self.space == "rgb" else traced_style.read_ir(self.style, ir)
        return ir, traced_style.read_vis(self.style, colours) if self.space == "luma" else colours


def check_words(fuser: Fuser) -> None:
    """Refuses what cannot be traced.

    Raises:
        BenchError: names it.
    """
    name = fuser.method.name
    if fuser.method.stochastic:
        raise BenchError(f"{name}: draws random numbers, wanted a method that gives the same image every time")
    merge = fuser.style.merge
    if merge not in traced_style.EIGHT_BIT_MERGES and merge not in traced_style.FLOAT_MERGES:
        raise BenchError(f"{name}: operator {merge} (colours as its authors write them) is missing; use --way plain")


def _padded(planes: Tensor, rule: Padding) -> tuple[Tensor, Any, Any]:
    """Planes padded by a rule, and how many rows and columns were added first; sizes may be symbols."""
    before: list[Any] = []
    for axis in (-2, -1):
        size = planes.shape[axis]
        more = (size + rule.multiple - 1) // rule.multiple * rule.multiple - size
        if rule.always:
            more = rule.multiple - size % rule.multiple
        first = more // 2 if rule.side == "both" else 0
        before.append(first)
        if rule.mode == "zero":
            pads = (first, more - first)
            planes = functional.pad(planes, (0, 0, *pads) if axis == -2 else pads)
        else:
            index = _reflected(torch.arange(size + more, device=planes.device) - first, size, rule.mode)
            planes = planes.index_select(axis, index)
    return planes, before[0], before[1]


def _reflected(index: Tensor, size: Any, mode: str) -> Tensor:
    """Indices outside 0 to ``size`` - 1 brought inside, by a mode of ``numpy.pad``."""
    if mode == "edge":
        return index.clamp(0, size - 1)
    edge = 1 if mode == "symmetric" else 0
    period = torch.full((), 2 * size - 2 + 2 * edge, dtype=index.dtype, device=index.device).clamp(min=1)
    index = torch.remainder(index, period)
    return torch.minimum(index, period - index - edge)
