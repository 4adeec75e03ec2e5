"""BRISQUE, a no-reference measure, by the optional package ``piq``."""

from __future__ import annotations

from typing import Any

from bench.errors import BenchError
from bench.metrics.planes import Triple

EXTRA = "naturalness"
MISSING = "BRISQUE needs the package piq: pip install 'ivif-bench[naturalness]'"

_refused: list[str] = []
"""Why the regression could not be had: a closed net may answer only after a minute, and there are many images."""


def brisque(triple: Triple) -> float:
    """BRISQUE of the fused luma, about 0 (natural) to 100; lower is better.

    The first call fetches the regression that ``piq`` publishes with its release.

    Raises:
        BenchError: ``piq`` is not installed, or its regression cannot be fetched; a process tries that once.

    References:
        [1] Mittal, Moorthy, Bovik, 2012, doi:10.1109/TIP.2012.2214050.
    """
    if _refused:
        raise BenchError(_refused[0])
    try:
        import piq
    except ImportError as error:
        raise BenchError(MISSING) from error
    import torch

    image: Any = torch.from_numpy(triple.fused.levels.copy())[None, None].double() / 255.0
    try:
        return float(piq.brisque(image, data_range=1.0))
    except OSError as error:
        _refused.append(f"BRISQUE: piq cannot fetch its regression ({error}); connect once and try again")
        raise BenchError(_refused[0]) from error
