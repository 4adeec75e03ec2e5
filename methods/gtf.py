"""GTF (Ma et al., 2016): infrared intensities with visible gradients, by total variation minimisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from bench.plugin.method import Method, MethodInfo
from methods._classical.colour import by_way
from methods._classical.gradient_transfer import transfer_gradients

if TYPE_CHECKING:
    from torch import Tensor


class GTFMethod(Method):
    """Solves the channels of a colour pair jointly, as VIFB did, and grey pairs as one channel, as the authors did."""

    name = "gtf"
    info = MethodInfo(
        title="GTF",
        year=2016,
        paper="doi:10.1016/j.inffus.2016.02.001",
        licence="own implementation; the authors' code has no licence, the solver it bundles is BSD-2-Clause",
        kind="classical",
        notes="published: colour channels solved jointly, as in VIFB's wrapper",
    )
    space = "rgb"
    dtype = "float64"
    batched = False
    reads_way = True

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """See ``Method.fuse``."""
        return torch.stack([by_way(_fuse, *pair, self.way) for pair in zip(ir, vis, strict=True)])


def _fuse(ir: Tensor, vis: Tensor) -> Tensor:
    return (vis + transfer_gradients(ir - vis)).clamp_(0.0, 1.0)
