"""RP-SR (Liu et al., 2015): ratio of low-pass pyramid with a sparsely coded base."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from bench.plugin.method import MethodInfo
from methods._classical.bytes import ByteMethod
from methods._classical.dictionary import LP_SR_DICTIONARY, load_dictionary, read_matlab
from methods._classical.lp_sr import RATIO, fuse_lp_sr
from methods._classical.planes import Bytes, Plane


class RPSRMethod(ByteMethod):
    """Fuses each channel of a colour image by itself, as VIFB did."""

    name = "rp_sr"
    info = MethodInfo(
        title="RP-SR",
        year=2015,
        paper="doi:10.1016/j.inffus.2014.09.004",
        licence="own implementation; the authors' code and dictionary are free for research purposes only",
        kind="classical",
        weights=(LP_SR_DICTIONARY,),
        notes="the ratio pyramid of the paper's eight transforms; quotients at dark pixels are clipped",
    )

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        self.dictionary = load_dictionary(weights).to(device)

    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Plane:
        """See ``ByteMethod.fuse_bytes``."""
        infrared, visible = (torch.from_numpy(image).to(self.dictionary) for image in (ir[None], vis))
        return fuse_lp_sr(infrared, visible, self.dictionary, RATIO).cpu().numpy()

    @classmethod
    def convert(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the authors' MATLAB file."""
        return {"dictionary": read_matlab(paths[0])}
