"""ImageNet features that some losses are taken from: found, fetched where the network allows, random if asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.errors import BenchError
from bench.plugin.method import TrainRequest
from bench.transfer import constant
from bench.weights.backbones import BackboneFile, backbone_digest, require_backbone, starting_file
from bench.weights.tensors import read_state_dict

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the images that torchvision's networks were trained on."""

VGG_LAYERS = (3, 8, 15, 22, 29)
"""Where relu1_2, 2_2, 3_3, 4_3 and 5_3 lie in torchvision's VGG-16."""


def normalise(images: Tensor) -> Tensor:
    """Images in [0, 1], (B, 1 or 3, H, W), as torchvision's networks want them."""
    return (images - constant(MEAN, images).view(1, 3, 1, 1)) / constant(STD, images).view(1, 3, 1, 1)


def find_features(files: Sequence[BackboneFile], request: TrainRequest, fetch: bool, allow_random: bool) -> Path | None:
    """The file, from disk or fetched; None where there is none and random features were asked for.

    Args:
        files: that will do.
        request: of the training.
        fetch: whether it may be downloaded.
        allow_random: whether random features will do.

    Raises:
        BenchError: there is none, and random ones were not asked for.
    """
    return require_backbone(
        files, starting_file(files, request, fetch), allow_random, "random_features=1",
        f"preset {request.preset} takes a loss from ImageNet features",
    )  # fmt: skip


class VGGFeatures(nn.Module):
    """Five feature maps of a fixed VGG-16."""

    def __init__(self, path: Path | None, seed: int = 0) -> None:
        """Loads ImageNet's weights, or draws random ones.

        Args:
            path: as ``find_features`` gave it; None is random.
            seed: of random weights.
        """
        from torchvision.models.vgg import cfgs, make_layers

        super().__init__()
        self.layers = make_layers(cfgs["D"])  # without the classifier, nine tenths of all weights
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for layer in self.layers:
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")
        self.source = _fill(self.layers, path, "features.")
        self.sha256 = backbone_digest(path)
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps of normalised images (B, 3, H, W)."""
        maps, x = [], images
        for number, layer in enumerate(self.layers):
            x = layer(x)
            if number in VGG_LAYERS:
                maps.append(x)
        return maps


class ResNetFeatures(nn.Module):
    """The last convolution's features of a fixed ResNet-101."""

    def __init__(self, path: Path | None, seed: int = 0) -> None:
        """As ``VGGFeatures``."""
        from torchvision.models import resnet101

        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.net = resnet101(weights=None)
            self.scale = 1.0 if path else self._settle()
        self.source = _fill(self.net, path, "")
        self.sha256 = backbone_digest(path)
        self.eval().requires_grad_(False)

    @property
    def first_layer(self) -> Tensor:
        """Weights of the first convolution, (64, 3, 7, 7)."""
        return self.net.conv1.weight

    def distance(self, first: Tensor, second: Tensor) -> Tensor:
        """Mean squared distance of two batches' features, a scalar."""
        return ((self(first) - self(second)) ** 2).mean() / self.scale

    def forward(self, images: Tensor) -> Tensor:
        """Features (B, 2048, H / 32, W / 32) of normalised images."""
        net = self.net
        x = net.maxpool(net.relu(net.bn1(net.conv1(images))))
        return net.layer4(net.layer3(net.layer2(net.layer1(x))))

    @torch.no_grad()
    def _settle(self) -> float:
        """Gives random layers the running statistics of noise; without any, a hundred of them grow beyond all bounds.

        Returns:
            What distances are to be divided by: a hundred times their features' variance, since a random network's
            gradients are that much larger than a trained one's and would drown every other loss.
        """
        for module in self.net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 1.0
        return 100 * float(self.train()(torch.randn(4, 3, 96, 96)).var())


def _fill(net: nn.Module, path: Path | None, prefix: str) -> str:
    if path is None:
        return "random"
    tensors = {
        name.removeprefix(prefix): value for name, value in read_state_dict(path).items() if name.startswith(prefix)
    }
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        raise BenchError(f"{path}: {' '.join(str(error).split())[:160]}; wanted torchvision's file") from error
    return f"ImageNet ({path.name})"
