"""IFCNN (Zhang et al., 2020): a general fusion network, features joined by their maximum."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from bench.plugin.method import ImageStyle, MethodInfo, TrainableMethod, Trainer, Variant, WeightFile
from bench.weights.tensors import expect, read_state_dict, shapes
from methods._nets.blocks import load_net
from methods._nets.ifcnn import IFCNN

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Of ImageNet; the authors' published pictures were made with them."""

SOURCE = "https://github.com/uzeful/IFCNN/raw/8fe59c2b1553e52acc793986208ca479d134a8da/Code/snapshots"

GREY = (0.299, 0.587, 0.114)
GREY_FIXED = (9798, 19235, 3735)
"""The same weights times 2^15, as OpenCV 4 reduces three uint8 channels to grey."""


def _weights(rule: str, git_blob: str, size: int, sha256: str = "") -> WeightFile:
    return WeightFile(f"IFCNN/IFCNN-{rule}.pth", f"{SOURCE}/IFCNN-{rule}.pth", sha256, git_blob, size)


MAX = _weights(
    "MAX", "93c6324ba2c63ffc01561d7311aef52578b1e3ef", 337_094,
    "6022b44c88a2f0367ba9b08fcdf0d663745d9a966fca0ee1f41867797b6ff53f",
)  # fmt: skip
SUM = (_weights("SUM", "5030034a0b656abba7b030b24b2c5f82e6c15f50", 337_107),)
MEAN_FILE = (_weights("MEAN", "7ccaeab58a13c483b881a7a54f68951a3fb89542", 337_079),)


class IFCNNMethod(TrainableMethod):
    """IFCNN-MAX with ImageNet normalisation, as in the authors' published pictures."""

    name = "ifcnn"
    info = MethodInfo(
        title="IFCNN",
        year=2020,
        paper="doi:10.1016/j.inffus.2019.07.011",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(MAX,),
        trained_on=("nyu_d2",),
        notes="ImageNet normalisation, as in the published pictures; the authors' present script leaves it out",
    )
    published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr")
    reads_way = True
    join: ClassVar[str] = "max"
    variants = (
        Variant("sum", "IFCNN-SUM", SUM, settings={"join": "sum"}),
        Variant("mean", "IFCNN-MEAN", MEAN_FILE, settings={"join": "mean"}),
    )

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        self.net = load_net(partial(IFCNN, self.join), weights, device)

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses luma as three equal channels; the published way reduces truncated uint8 channels to grey."""
        mean, std = (ir.new_tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
        fused = self.net((ir - mean) / std, (vis - mean) / std) * std + mean
        if self.way == "plain":
            return (fused * fused.new_tensor(GREY).view(1, 3, 1, 1)).sum(1, keepdim=True)
        levels = (fused.clamp(0, 1) * 255).to(torch.int32)
        weights = torch.tensor(GREY_FIXED, dtype=torch.int32, device=fused.device).view(1, 3, 1, 1)
        return ((levels * weights).sum(1, keepdim=True) + (1 << 14) >> 15).to(fused.dtype) / 255

    @classmethod
    def convert(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the authors' file; it was saved before batch norms counted their batches."""
        tensors = read_state_dict(paths[0])
        wanted = shapes(IFCNN())
        tensors |= {name: torch.zeros((), dtype=torch.int64) for name in wanted if name.endswith("num_batches_tracked")}
        expect(tensors, wanted, paths[0])
        return {name: tensors[name] for name in wanted}

    @classmethod
    def trainer(cls) -> Trainer:
        """Trains on synthetic multi-focus pairs, as far as the paper tells."""
        from methods._training.ifcnn import TRAINER

        return TRAINER
