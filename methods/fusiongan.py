"""FusionGAN (Ma et al., 2019): a generator kept near infrared by its loss and near visible by a discriminator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from bench.plugin.method import ImageStyle, MethodInfo, TrainableMethod, Trainer, WeightFile
from bench.weights.tensorflow import convert_tensorflow
from bench.weights.tensors import shapes
from methods._nets.blocks import load_net
from methods._nets.fusiongan import FusionGAN

SOURCE = "https://github.com/jiayi-ma/FusionGAN/raw/15e7ea1fb23d5249f05759993846d1111beeb98f/checkpoint/CGAN_120"

NAMES = {
    **{f"path.layers.{layer}.weight": f"fusion_model/layer{layer + 1}/w{layer + 1}" for layer in range(4)},
    "last.weight": "fusion_model/layer5/w5",
    "last.bias": "fusion_model/layer5/b5",
}
"""Our tensors -> the authors'; test-time normalisation makes the others void."""


class FusionGANMethod(TrainableMethod):
    """FusionGAN as its released test code runs: raw weights, normalised by each image's own statistics."""

    name = "fusiongan"
    info = MethodInfo(
        title="FusionGAN",
        year=2019,
        paper="doi:10.1016/j.inffus.2018.09.004",
        licence="Apache-2.0 (authors' weights: MIT, (c) 2018 yuwei998)",
        weights=(
            WeightFile(
                path="FusionGAN/FusionGAN.index",
                url=f"{SOURCE}/CGAN.model-3.index",
                sha256="18b615e1acaab8d9bb0f35de9822eb670147ae3375d4e6cb045777b5ee47c956",
                git_blob="4663a8291f21fd61adab30a070d275daaa435f0a",
                size=2_195,
                licence="MIT",
            ),
            WeightFile(
                path="FusionGAN/FusionGAN.data-00000-of-00001",
                url=f"{SOURCE}/CGAN.model-3.data-00000-of-00001",
                git_blob="dc79b9075bafede7fe0a169a8e32bbfc499e2f83",
                size=5_305_616,
                licence="MIT",
            ),
        ),
        trained_on=("tno",),
        notes="trained on the TNO pairs it is usually tested on",
    )
    published = ImageStyle(reader="luma_scipy", merge="pil_ycbcr", stretch="min_max")

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        self.net = load_net(FusionGAN, weights, device)

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses luma; the network works on [-1, 1]."""
        return (self.net(2 * ir - 1, 2 * vis - 1) + 1) / 2

    @classmethod
    def convert(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the authors' TensorFlow checkpoint."""
        return convert_tensorflow(paths, NAMES, shapes(FusionGAN()))

    @classmethod
    def trainer(cls) -> Trainer:
        """Trains generator and discriminator against each other on patches."""
        from methods._training.fusiongan import TRAINER

        return TRAINER
