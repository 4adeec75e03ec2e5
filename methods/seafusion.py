"""SeAFusion (Tang et al., 2022): fusion trained with a segmenter in the loop, so that it serves high-level vision."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from bench.errors import BenchError
from bench.plugin.method import ImageStyle, MethodInfo, TrainableMethod, Trainer, WeightFile
from bench.weights.tensors import read_state_dict
from methods._nets.seafusion import SeAFusion

RENAMED = (
    ("inf_", "ir."), ("vis_", "vis."), ("rgbd", "block"), (".dense.conv", ".dense"), (".convdown.", ".mix."),
    (".convup.", ".gradient.mix."), (".sobelconv.convx.", ".gradient.horizontal."),
    (".sobelconv.convy.", ".gradient.vertical."), (".conv.conv.", ".head."), (".conv.", "."),
)  # fmt: skip
"""The authors' names of tensors -> ours, applied in this order."""


class SeaFusionMethod(TrainableMethod):
    """SeAFusion with the authors' weights, or trained here by Algorithm 1; ablations: those of Table 4 and Fig. 19."""

    name = "seafusion"
    ablations = (
        "full", "no_semantic_loss", "no_gradient_stream", "pretrained_infrared", "pretrained_visible", "one_stage",
    )  # fmt: skip
    info = MethodInfo(
        title="SeAFusion",
        year=2022,
        paper="doi:10.1016/j.inffus.2021.12.004",
        licence="MIT (authors' weights: MIT, (c) 2021 Linfeng Tang)",
        weights=(
            WeightFile(
                path="SeAFusion/SeAFusion.pth",
                url="https://github.com/Linfeng-Tang/VIF-Benchmark/raw/23f2e51fc1b084310d998999222ce02dc364b6eb/"
                "Checkpoint/SeAFusion/SeAFusion.pth",
                sha256="8d65a7f9a50f36349803368cf9920f40420776995e7e8cc8a56d8d30e499431d",
                git_blob="6d98f55fa969849c905ccbe1d2ba81da0a24c909",
                size=682_043,
                licence="MIT",
            ),
        ),
        trained_on=("mfnet",),
    )
    space = "luma"
    published = ImageStyle(reader="luma", merge="float_ycrcb", stretch="min_max", rounding="truncate")

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        tensors = None if weights is None else _read_tensors(weights)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            # the ablation without gradient streams is recognised by the tensors it lacks
            self.net = SeAFusion(gradient_stream=tensors is None or any(".gradient." in key for key in tensors))
        if tensors is not None:
            _check_tensors(tensors, self.net.state_dict(), str(weights))
            self.net.load_state_dict(tensors)
        self.net.to(device).eval()

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses luma; the network is fully convolutional, so any height and width will do."""
        return self.net(ir, vis)

    @classmethod
    def convert(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the authors' ``SeAFusion.pth``; their four batch norms, which no forward pass calls, are left out."""
        path = Path(paths[0])
        stored = read_state_dict(path)
        tensors = {_our_name(key): value.contiguous() for key, value in stored.items() if ".bn." not in key}
        _check_tensors(tensors, SeAFusion().state_dict(), str(path))
        return tensors

    @classmethod
    def trainer(cls) -> Trainer:
        """Recipes ``paper`` (default) and ``released``; ablations and options in ``_training/seafusion``."""
        from methods._training import seafusion

        return seafusion


def _our_name(key: str) -> str:
    for theirs, ours in RENAMED:
        key = key.replace(theirs, ours)
    return key


def _read_tensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise BenchError(f"{path}: not a readable safetensors file ({error}); convert or train it again") from error


def _check_tensors(tensors: dict[str, Tensor], wanted: dict[str, Tensor], where: str) -> None:
    """Names and shapes must be exactly those of the network.

    Raises:
        BenchError: the first difference.
    """
    for key in sorted(wanted.keys() | tensors.keys()):
        if key not in tensors:
            raise BenchError(f"{where}: tensor {key} is missing, wanted SeAFusion's weights; fetch or train them again")
        if key not in wanted:
            raise BenchError(f"{where}: tensor {key} is unknown, wanted SeAFusion's weights; fetch or train them again")
        if tensors[key].shape != wanted[key].shape:
            raise BenchError(
                f"{where}: tensor {key} has shape {tuple(tensors[key].shape)}, wanted {tuple(wanted[key].shape)}; "
                "fetch or train the weights again"
            )
