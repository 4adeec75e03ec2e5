"""IFCNN's training as far as its paper tells (no code was released): sharp images back from two half-sharp ones.

The paper's pairs are made from NYU-D2 with its measured depth; here from the visible images of the data set at hand
with random depth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.plugin.method import TrainRequest
from bench.train import Batches, Phase, State, polynomial_rate, set_learning_rate, step_generator
from bench.train.patches import ColourCrops
from bench.train.trainer import Trainer, Training, named, optimise
from bench.weights.backbones import RESNET101
from methods._nets.ifcnn import IFCNN
from methods._training.features import ResNetFeatures, find_features, normalise
from methods._training.synthetic import focus_pair

MOMENTUM, WEIGHT_DECAY, POWER = 0.9, 5e-4, 0.9


@dataclass(frozen=True, slots=True)
class Settings:
    """Every number of the training.

    Attributes:
        crop: side of a crop.
        batch: crops per step.
        first_steps: with squared distance alone.
        second_steps: with the perceptual loss besides.
        learning_rate: at the start; it falls to zero with the power 0.9.
        perceptual: weight of the perceptual loss.
        fetch: 1 to download ImageNet weights that are not on disk.
        random_features: 1 to take random weights where there are none, 0 to refuse then.
    """

    crop: int = 128
    batch: int = 64
    first_steps: int = 5_000
    second_steps: int = 60_000
    learning_rate: float = 0.01
    perceptual: float = 1.0
    fetch: int = 1
    random_features: int = 0


PRESETS = {
    "paper": Settings(),
    "quick": Settings(crop=64, batch=8, first_steps=300, second_steps=150, random_features=1),
    "smoke": Settings(crop=48, batch=4, first_steps=90, second_steps=6, perceptual=0.1, fetch=0, random_features=1),
}


def initialise(net: IFCNN, first_layer: Tensor) -> None:
    """He's normal initialisation by fan-out, as released; the first layer is ImageNet's and stays so."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    with torch.no_grad():
        net.conv1.weight.copy_(first_layer)
    net.conv1.requires_grad_(False)


def build(request: TrainRequest, settings: Settings) -> Training:
    """Reads the visible images and builds network and features."""
    crops = ColourCrops(request.pairs, settings.crop, request.device)
    order = Batches(len(crops), settings.batch, request.seed)
    path = find_features(RESNET101, request, bool(settings.fetch), bool(settings.random_features))
    features = ResNetFeatures(path, request.seed)
    net = IFCNN()
    initialise(net, features.first_layer)
    net.to(request.device).train()
    features.to(request.device)
    optimiser = torch.optim.SGD(
        [parameter for parameter in net.parameters() if parameter.requires_grad],
        lr=settings.learning_rate, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY,
    )  # fmt: skip
    state = State({"net": net}, {"net": optimiser})
    total = settings.first_steps + settings.second_steps

    def step(number: int, state: State, perceptual: float) -> Mapping[str, Tensor]:
        sharp = normalise(crops.batch(order.indices(number), step_generator(request.seed, number)))
        near, far = focus_pair(sharp)
        fused = net(near, far)
        losses = {"distance": ((fused - sharp) ** 2).mean()}
        if perceptual:
            losses["perceptual"] = perceptual * features.distance(fused, sharp)
        set_learning_rate(state.optimisers["net"], polynomial_rate(settings.learning_rate, number / total, POWER))
        optimise(state.optimisers["net"], torch.stack(list(losses.values())).sum())
        return losses

    phases = [
        Phase("distance", settings.first_steps, lambda number, state: step(number, state, 0.0)),
        Phase(
            "perceptual", settings.second_steps,
            lambda number, state: step(settings.first_steps + number, state, settings.perceptual),
        ),
    ]  # fmt: skip
    facts = {
        "trained_as": "two half-sharp versions of visible images (the authors': NYU-D2 with depth)",
        "features": f"ResNet-101, {features.source}",
        "features_sha256": features.sha256,
    }
    return Training(state, phases, lambda: named(net), facts)


TRAINER = Trainer("ifcnn", {"paper": PRESETS}, build, RESNET101)
