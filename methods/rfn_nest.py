"""RFN-Nest (Li et al., 2021): a nested auto-encoder and a trained residual fusion network at each scale."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from bench.errors import BenchError
from bench.plugin.method import ImageStyle, MethodInfo, TrainableMethod, Trainer, WeightFile
from bench.weights.tensors import expect, read_state_dict, shapes
from methods._nets.blocks import load_net
from methods._nets.rfn_nest import RFNNest

SOURCE = (
    "https://github.com/Linfeng-Tang/VIF-Benchmark/raw/23f2e51fc1b084310d998999222ce02dc364b6eb/Checkpoint/RFN-Nest"
)

TILED_ABOVE = 512
"""Pixels; a larger height or width is fused in four overlapping tiles, as the released test code does."""

SMALLEST = 16
"""Pixels; the fourth scale is an eighth of the image, and cannot be reflected when it is a single pixel."""

BRIGHTNESS = 9.0
"""Fused features are trained towards 6 infrared + 3 visible, so two equal images give nine times their brightness."""


class RFNNestMethod(TrainableMethod):
    """RFN-Nest, trained in two stages."""

    name = "rfn_nest"
    info = MethodInfo(
        title="RFN-Nest",
        year=2021,
        paper="doi:10.1016/j.inffus.2021.02.023",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="RFN-Nest/NestFuse.model",
                url=f"{SOURCE}/NestFuse.model",
                git_blob="ed97064f42408b832ba04c09c2b0f0b883de666e",
            ),
            WeightFile(
                path="RFN-Nest/RFN_Nest.model",
                url=f"{SOURCE}/RFN_Nest.model",
                git_blob="5d6f488bb906abe8e623b1e2af5bc9e380e6a580",
            ),
        ),
        trained_on=("coco2014", "kaist"),
        notes="the plain way divides the output by 9, the sum of the trained feature weights",
    )
    published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr", stretch="min_max", rounding="truncate")

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        self.net = load_net(RFNNest, weights, device)

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses luma, in four tiles where the image is large."""
        height, width = ir.shape[-2:]
        tiled = height > TILED_ABOVE or width > TILED_ABOVE
        if min(height, width) // (2 if tiled else 1) + (2 if tiled else 0) < SMALLEST:
            raise BenchError(f"rfn_nest: image is {width}x{height} pixels, wanted at least {SMALLEST} in every tile")
        if not tiled:
            return self.net(ir * 255, vis * 255) / (BRIGHTNESS * 255)
        total, count = torch.zeros_like(ir), torch.zeros_like(ir[:1])
        for rows in _halves(height):
            for columns in _halves(width):
                tile = (..., rows, columns)
                total[tile] += self.net(ir[tile] * 255, vis[tile] * 255)
                count[tile] += 1
        return total / count / (BRIGHTNESS * 255)

    @classmethod
    def convert(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the authors' two files: the auto-encoder's and the fusion networks'."""
        wanted = shapes(RFNNest())
        tensors: dict[str, Tensor] = {}
        for path, mine in zip(paths, ("auto.", "fusions."), strict=True):
            stored = read_state_dict(path)
            names = {ours: _their_name(ours) for ours in wanted if ours.startswith(mine)}
            expect(stored, {theirs: wanted[ours] for ours, theirs in names.items()}, path)
            tensors |= {ours: stored[theirs].float().contiguous() for ours, theirs in names.items()}
        return tensors

    @classmethod
    def trainer(cls) -> Trainer:
        """Trains the auto-encoder on single images, then the fusion networks on pairs."""
        from methods._training.rfn_nest import TRAINER

        return TRAINER


def _halves(length: int) -> tuple[slice, slice]:
    """Two overlapping halves of a side."""
    middle = length // 2
    return slice(0, middle + 3), slice(middle - 2, length)


def _their_name(ours: str) -> str:
    """Our name of a tensor -> the authors', ``bottelblock`` included."""
    part, _, rest = ours.partition(".")
    layer, _, tail = rest.partition(".")
    if part == "fusions":
        inner = {"direct": "conv_fusion", "ir": "conv_ir", "vis": "conv_vi"}
        first, _, last = tail.partition(".")
        if first == "residual":
            position, _, kind = last.partition(".")
            return f"fusion_block{int(layer) + 1}.bottelblock.{position}.conv2d.{kind}"
        return f"fusion_block{int(layer) + 1}.{inner[first]}.conv2d.{last}"
    if layer in ("first", "last"):
        return f"{'conv0' if layer == 'first' else 'conv_out'}.conv2d.{tail}"
    if layer == "encoder":
        scale, position, kind = tail.split(".")
        return f"DB{int(scale) + 1}_0.denseblock.{position}.conv2d.{kind}"
    position, _, kind = tail.partition(".")
    return f"DB{layer[-2]}_{layer[-1]}.denseblock.{position}.conv2d.{kind}"
