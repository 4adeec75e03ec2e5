"""IFCNN (Zhang et al., 2020): a general fusion network, features joined by their maximum."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from bench.plugin.method import ImageStyle, MethodInfo, TrainableMethod, Variant, WeightFile
from methods._nets.ifcnn import IFCNN, grey, grey_of_bytes, on_imagenets_scale
from methods._nets.method import NetMethod

SOURCE = "https://github.com/uzeful/IFCNN/raw/8fe59c2b1553e52acc793986208ca479d134a8da/Code/snapshots"


def _weights(rule: str, git_blob: str, size: int, sha256: str = "") -> WeightFile:
    return WeightFile(f"IFCNN/IFCNN-{rule}.pth", f"{SOURCE}/IFCNN-{rule}.pth", sha256, git_blob, size)


MAX_SHA256 = "6022b44c88a2f0367ba9b08fcdf0d663745d9a966fca0ee1f41867797b6ff53f"
MAX = (_weights("MAX", "93c6324ba2c63ffc01561d7311aef52578b1e3ef", 337_094, MAX_SHA256),)
SUM = (_weights("SUM", "5030034a0b656abba7b030b24b2c5f82e6c15f50", 337_107),)
MEAN = (_weights("MEAN", "7ccaeab58a13c483b881a7a54f68951a3fb89542", 337_079),)


class IFCNNMethod(NetMethod, TrainableMethod):
    """IFCNN-MAX with ImageNet normalisation, as in the authors' published pictures."""

    name = "ifcnn"
    network = IFCNN
    trained_by = "methods._training.ifcnn:TRAINER"
    takes = ("join",)
    info = MethodInfo(
        title="IFCNN",
        year=2020,
        paper="doi:10.1016/j.inffus.2019.07.011",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=MAX,
        trained_on=("nyu_d2",),
        notes="ImageNet normalisation, as in the published pictures; the authors' present script leaves it out",
    )
    published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr")
    reads_way = True
    join: ClassVar[str] = "max"
    variants = (
        Variant("sum", "IFCNN-SUM", SUM, settings={"join": "sum"}),
        Variant("mean", "IFCNN-MEAN", MEAN, settings={"join": "mean"}),
    )

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses luma as three equal channels; the published way reduces truncated uint8 channels to grey."""
        fused = on_imagenets_scale(self.net, ir, vis)
        return grey(fused) if self.way == "plain" else grey_of_bytes(fused)

    @classmethod
    def read(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the authors' file; it was saved before batch norms counted their batches."""
        counts = [name for name in cls.build().state_dict() if name.endswith("num_batches_tracked")]
        return super().read(paths) | {name: torch.zeros((), dtype=torch.int64) for name in counts}
