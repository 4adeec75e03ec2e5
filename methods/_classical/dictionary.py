"""The dictionary of patches that LP-SR codes its base with."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from bench.errors import BenchError
from bench.weights.tensors import expect
from methods._classical.lp_sr import PATCH
from methods._nets.blocks import read_tensors

SHAPE = (PATCH * PATCH, 256)


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
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        stored = loadmat(path)
    except (OSError, ValueError, TypeError, NotImplementedError, MatReadError) as error:
        text = " ".join(str(error).split())
        raise BenchError(f"{path}: not a readable MATLAB file ({text}); fetch it again") from error
    expect(stored, {"D": SHAPE}, path)
    by_columns = torch.from_numpy(stored["D"].astype("float64"))
    return by_columns.view(PATCH, PATCH, -1).transpose(0, 1).reshape(SHAPE)
