"""Weights and matrices that were published as MATLAB files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from bench.errors import BenchError
from bench.weights.tensors import expect


def read_variables(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[Any]]:
    """Variables of a MATLAB file (version 5 to 7), of the shapes wanted.

    Raises:
        BenchError: not such a file.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        stored = loadmat(path, variable_names=list(shapes))
    except (OSError, ValueError, TypeError, NotImplementedError, MatReadError) as error:
        text = " ".join(str(error).split())
        raise BenchError(f"{path}: not a readable MATLAB file ({text}); fetch it again") from error
    expect(stored, dict(shapes), path)
    return {name: stored[name] for name in shapes}
