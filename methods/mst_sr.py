"""MST-SR in its variant LP-SR (Liu et al., 2015): Laplacian pyramid with a sparsely coded base."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from bench.plugin.method import Method, MethodInfo
from methods._classical.colour import by_way
from methods._classical.dictionary import LP_SR_DICTIONARY, load_dictionary, read_matlab
from methods._classical.lp_sr import fuse_lp_sr


class MSTSRMethod(Method):
    """Fuses each channel of a colour image by itself, as VIFB did."""

    name = "mst_sr"
    info = MethodInfo(
        title="MST-SR (LP-SR)",
        year=2015,
        paper="doi:10.1016/j.inffus.2014.09.004",
        licence="own implementation; the authors' code and dictionary are free for research purposes only",
        kind="classical",
        weights=(LP_SR_DICTIONARY,),
        notes="the Laplacian pyramid of the paper's eight transforms; images in 0..255",
    )
    space = "rgb"
    dtype = "float64"
    reads_way = True

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        self.dictionary = load_dictionary(weights).to(device)

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses in 0..255, the range that the tolerance of the sparse codes is meant for."""
        return torch.stack([by_way(self._fuse, *pair, self.way) for pair in zip(ir, vis, strict=True)])

    def _fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        shared = ir[:1] if bool((ir == ir[:1]).all()) else ir
        return fuse_lp_sr(shared * 255, vis * 255, self.dictionary).div_(255)

    @classmethod
    def convert(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the authors' MATLAB file."""
        return {"dictionary": read_matlab(paths[0])}
