"""U2Fusion's training as released: each source is kept to the degree that its features are informative.

The recipe ``infrared_visible`` has the first of the three tasks. ``three_tasks`` goes on with over- and underexposed
and with near- and far-focused pairs, made from the visible images since the authors' files cannot be had; elastic
weight consolidation is there, with weight 0 as in the released code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.plugin.method import TrainRequest
from bench.train import Batches, Phase, State
from bench.train.patches import Patches
from bench.train.trainer import Trainer, Training, named, optimise, total_steps
from bench.transfer import constant
from bench.weights.backbones import VGG16
from methods._nets.blocks import truncated_normal
from methods._nets.u2fusion import U2Fusion
from methods._training.features import VGGFeatures, find_features, normalise
from methods._training.similarity import gaussian, ssim_parts
from methods._training.synthetic import exposure_pair, focus_pair

INIT_STD = 0.05
DISTANCE = 20.0
LIMIT = 50.0
"""Weights are kept within plus and minus this."""
FISHER_BATCHES = 30
INFORMATION = ((0.125, 0.125, 0.125), (0.125, -1.0, 0.125), (0.125, 0.125, 0.125))


@dataclass(frozen=True, slots=True)
class Settings:
    """Every number of the training.

    Attributes:
        patch: side of a patch.
        stride: from one patch to the next.
        batch: patches per step.
        steps: of each task; 0 leaves it to the epochs.
        epochs: of the first task; the others have two.
        epoch_steps: steps of an epoch; 0 takes those of the patches at hand. The release does not name its training
            pairs; 393 steps of 18 are the 7084 patches of the same authors' 221 RoadScene pairs.
        learning_rate: RMSProp's.
        vgg_size: patches are brought to this size for VGG-16 by nearest neighbour.
        sharpness: c, by which information is divided before the softmax; 0 takes the median difference between the
            sources over 32 batches, so that typical weights are 0.73 and 0.27. The authors' 3200 is for the scale
            of another VGG-16 than torchvision's.
        ewc: weight of the consolidation of earlier tasks.
        fetch: 1 to download ImageNet weights that are not on disk.
        random_features: 1 to take random weights where there are none, 0 to refuse then.
    """

    patch: int = 64
    stride: int = 64
    batch: int = 18
    steps: int = 0
    epochs: int = 3
    epoch_steps: int = 393
    learning_rate: float = 1e-4
    vgg_size: int = 224
    sharpness: float = 0.0
    ewc: float = 0.0
    fetch: int = 1
    random_features: int = 0


PRESETS = {
    "paper": Settings(),
    "quick": Settings(stride=128, batch=8, steps=300, vgg_size=112, random_features=1),
    "smoke": Settings(
        patch=32, stride=64, batch=4, steps=36, learning_rate=3e-4, vgg_size=48, fetch=0, random_features=1
    ),
}
RECIPES = {"infrared_visible": PRESETS, "three_tasks": PRESETS}

Pairs = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
TASKS: dict[str, Pairs] = {
    "infrared-visible": lambda ir, vis: (vis, ir),
    "exposure": lambda _, vis: exposure_pair(vis),
    "focus": lambda _, vis: focus_pair(vis),
}


def information(maps: list[Tensor]) -> Tensor:
    """Mean squared second derivative of feature maps, averaged over the maps; (B,)."""
    means = []
    for features in maps:
        channels = features.shape[1]
        kernel = constant(INFORMATION, features).expand(channels, 1, 3, 3)
        edges = functional.conv2d(features, kernel, padding=1, groups=channels)
        means.append((edges**2).mean(dim=(1, 2, 3)))
    return torch.stack(means).mean(dim=0)


def weights_of(vgg: VGGFeatures, first: Tensor, second: Tensor, size: int, sharpness: float) -> Tensor:
    """How much each source shall be kept: (2, B), adding to 1."""
    measures = measures_of(vgg, first, second, size)
    return torch.softmax(measures / sharpness, dim=0)


@torch.no_grad()
def measures_of(vgg: VGGFeatures, first: Tensor, second: Tensor, size: int) -> Tensor:
    """Information of both sources, (2, B); images (B, 1, H, W) in [0, 1]."""
    images = functional.interpolate(torch.cat([first, second]), size=(size, size), mode="nearest")
    return information(vgg(normalise(images))).view(2, -1)


def similarity_loss(fused: Tensor, sources: tuple[Tensor, Tensor], weights: Tensor) -> tuple[Tensor, Tensor]:
    """Structure and distance parts, each source by its weight; images (B, 1, H, W), weights (2, B)."""
    window = gaussian(11, 1.5, fused.device)
    structure = distance = fused.new_zeros(())
    for source, weight in zip(sources, weights, strict=True):
        ssim, _ = ssim_parts(source, fused, window, 1.0)
        structure = structure + (weight * (1 - ssim.mean(dim=(1, 2, 3)))).mean()
        distance = distance + (weight * ((fused - source) ** 2).mean(dim=(1, 2, 3))).mean()
    return structure, DISTANCE * distance


class Consolidation:
    """What earlier tasks hold dear: their weights, and how much each mattered."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        self.anchors: list[tuple[list[Tensor], list[Tensor]]] = []

    def add(self, losses: Callable[[int], Tensor]) -> None:
        """Closes a task: squared gradients of its loss, averaged over batches."""
        parameters = list(self.net.parameters())
        fisher = [torch.zeros_like(parameter) for parameter in parameters]
        for number in range(FISHER_BATCHES):
            for total, gradient in zip(fisher, torch.autograd.grad(losses(number), parameters), strict=True):
                total += gradient**2 / FISHER_BATCHES
        self.anchors.append((fisher, [parameter.detach().clone() for parameter in parameters]))

    def state_dict(self) -> dict[str, list[list[Tensor]]]:
        """For the checkpoint."""
        return {"fisher": [fisher for fisher, _ in self.anchors], "weights": [weights for _, weights in self.anchors]}

    def load_state_dict(self, state: Mapping[str, list[list[Tensor]]]) -> None:
        """Back from the checkpoint."""
        device = next(self.net.parameters()).device
        self.anchors = [
            ([tensor.to(device) for tensor in fisher], [tensor.to(device) for tensor in weights])
            for fisher, weights in zip(state["fisher"], state["weights"], strict=True)
        ]

    def penalty(self) -> Tensor:
        """Squared distances from the earlier weights, by how much each mattered."""
        total = next(self.net.parameters()).new_zeros(())
        for fisher, anchor in self.anchors:
            for parameter, mattered, before in zip(self.net.parameters(), fisher, anchor, strict=True):
                total = total + (mattered * (parameter - before) ** 2).sum()
        return total


class Unified:
    """Network, features and tasks."""

    def __init__(self, request: TrainRequest, settings: Settings) -> None:
        self.settings, self.seed = settings, request.seed
        self.patches = Patches(request.pairs, settings.patch, settings.stride, request.device)
        path = find_features(VGG16, request, bool(settings.fetch), bool(settings.random_features))
        self.vgg = VGGFeatures(path, request.seed).to(request.device)
        self.net = U2Fusion()
        truncated_normal(self.net, INIT_STD)
        self.net.to(request.device).train()
        optimiser = torch.optim.RMSprop(self.net.parameters(), lr=settings.learning_rate, alpha=0.6, momentum=0.15)
        self.consolidation = Consolidation(self.net)
        self.state = State({"net": self.net}, {"net": optimiser}, {"consolidation": self.consolidation})

    def phases(self, tasks: list[str]) -> list[Phase]:
        """One for each task."""
        phases = []
        for number, task in enumerate(tasks):
            order = Batches(len(self.patches), self.settings.batch, self.seed + number)
            epochs = self.settings.epochs if number == 0 else 2
            steps = total_steps(self.settings.steps, epochs, self.settings.epoch_steps or order.per_epoch)
            phases.append(Phase(task, steps, self._step(task, order), self._begin(tasks[:number], task)))
        return phases

    def _sources(self, task: str, order: Batches, number: int) -> tuple[Tensor, Tensor]:
        """Both sources of one step, in random order."""
        first, second = TASKS[task](*self.patches.batch(order.indices(number)))
        return (first, second) if float(torch.rand(())) < 0.5 else (second, first)

    def _loss(self, task: str, sources: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        weights = weights_of(self.vgg, *sources, self.settings.vgg_size, self._sharpness(task))
        return similarity_loss(self.net(*sources), sources, weights)

    def _step(self, task: str, order: Batches) -> Callable[[int, State], Mapping[str, Tensor]]:
        def step(number: int, state: State) -> Mapping[str, Tensor]:
            structure, distance = self._loss(task, self._sources(task, order, number))
            losses = {"structure": structure, "distance": distance}
            if self.settings.ewc and self.consolidation.anchors:
                losses["consolidation"] = self.settings.ewc / 2 * self.consolidation.penalty()
            optimise(state.optimisers["net"], torch.stack(list(losses.values())).sum())
            with torch.no_grad():
                for parameter in self.net.parameters():
                    parameter.clamp_(-LIMIT, LIMIT)
            return losses

        return step

    def _begin(self, before: list[str], task: str) -> Callable[[State], None]:
        def begin(_: State) -> None:
            self._sharpness(task)
            if self.settings.ewc and before:
                order = Batches(len(self.patches), self.settings.batch, self.seed + 100)
                self.consolidation.add(
                    lambda number: torch.stack(self._loss(before[-1], self._sources(before[-1], order, number))).sum()
                )

        return begin

    def _sharpness(self, task: str) -> float:
        """The c of a task, measured before its first step and then kept with the state."""
        known = self.state.notes.get(f"sharpness {task}") or self.settings.sharpness
        if not known:
            order = Batches(len(self.patches), self.settings.batch, self.seed)
            differences: list[float] = []
            for number in range(min(32, order.per_epoch)):
                sources = self._sources(task, order, number)
                measures = measures_of(self.vgg, *sources, self.settings.vgg_size)
                differences += (measures[0] - measures[1]).abs().tolist()
            known = max(float(np.median(differences)), 1e-12)
        self.state.notes[f"sharpness {task}"] = float(known)
        return float(known)


def build(request: TrainRequest, settings: Settings) -> Training:
    """Reads the patches and builds network and features."""
    training = Unified(request, settings)
    tasks = list(TASKS) if request.recipe == "three_tasks" else list(TASKS)[:1]
    facts = {
        "features": f"VGG-16, {training.vgg.source}",
        "features_sha256": training.vgg.sha256,
        "patches": len(training.patches),
        "tasks": tasks,
    }
    return Training(training.state, training.phases(tasks), lambda: named(training.net), facts)


TRAINER = Trainer("u2fusion", RECIPES, build, VGG16)
