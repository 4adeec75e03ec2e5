"""The dictionary of patches that LP-SR and RP-SR code their base with."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from bench.plugin.method import WeightFile
from bench.weights.tensors import expect
from methods._classical.lp_sr import PATCH
from methods._classical.mat_file import read_variables
from methods._nets.blocks import read_tensors

SHAPE = (PATCH * PATCH, 256)
LP_SR_DICTIONARY = WeightFile(
    path="LP_SR/D_100000_256_8.mat",
    url="https://github.com/yuliu316316/MST-SR-Fusion-Toolbox/raw/6885bcde3239a7c70d3ea3bf5e2bb2ef5a7ea57e/"
    "sparsefusion/Dictionary/D_100000_256_8.mat",
    sha256="ca4e6fc769ccdab7e0854c0f76d8103802fce05f8e56a8c0b461c9a7c37f4e10",
    git_blob="37a0a8ec1ff9a134fa7c071148f5345d860f5879",
    size=125_957,
)


def load_dictionary(path: Path | None) -> Tensor:
    """A dictionary with columns of unit norm, float64 (64, 256); patches are unrolled row by row.

    Args:
        path: a safetensors file, or None for seeded random columns.

    Raises:
        BenchError: not such a file.
    """
    if path is None:
        dictionary = torch.randn(*SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    else:
        tensors = read_tensors(path)
        expect(tensors, {"dictionary": SHAPE}, path)
        dictionary = tensors["dictionary"].double()
    return dictionary / dictionary.norm(dim=0)


def read_matlab(path: Path) -> Tensor:
    """The variable ``D`` of the authors' MATLAB file, whose patches are unrolled column by column.

    Raises:
        BenchError: not such a file.
    """
    by_columns = torch.from_numpy(read_variables(path, {"D": SHAPE})["D"].astype("float64"))
    return by_columns.view(PATCH, PATCH, -1).transpose(0, 1).reshape(SHAPE)
