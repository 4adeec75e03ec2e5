"""SeAFusion (Tang et al., 2022): fusion trained with a segmenter in the loop, so that it serves high-level vision."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bench.plugin.method import ImageStyle, Method, MethodInfo, TrainableMethod, WeightFile
from methods._nets.blocks import load_net, read_tensors
from methods._nets.method import NetMethod
from methods._nets.seafusion import SeAFusion

RENAMED = (
    ("inf_", "ir."), ("vis_", "vis."), ("rgbd", "block"), (".dense.conv", ".dense"), (".convdown.", ".mix."),
    (".convup.", ".gradient.mix."), (".sobelconv.convx.", ".gradient.horizontal."),
    (".sobelconv.convy.", ".gradient.vertical."), (".conv.conv.", ".head."), (".conv.", "."),
)  # fmt: skip
"""The authors' names of tensors -> ours, applied in this order."""


class SeaFusionMethod(NetMethod, TrainableMethod):
    """SeAFusion with the authors' weights, or trained here; ablations: the paper's, and its training strategies."""

    name = "seafusion"
    network = SeAFusion
    renamed = RENAMED
    trained_by = "methods._training.seafusion"
    radius = 9
    unlabelled = "no_semantic_loss"
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
    published = ImageStyle(reader="luma", merge="float_ycrcb", stretch="min_max", rounding="truncate")

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        Method.__init__(self, weights, device)
        # the ablation without gradient streams is recognised by the tensors it lacks
        streams = weights is None or any(".gradient." in name for name in read_tensors(weights))
        self.net = load_net(partial(SeAFusion, streams), weights, device)
