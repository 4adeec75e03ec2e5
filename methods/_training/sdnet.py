"""SDNet's training as released: squeeze two patches into one that keeps the stronger gradients, and decompose it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bench.plugin.method import TrainRequest
from bench.train import Batches, Phase, State
from bench.train.patches import Patches
from bench.train.trainer import Trainer, Training, adam, named, optimise, total_steps
from bench.transfer import constant
from methods._nets.blocks import truncated_normal
from methods._nets.sdnet import Decomposition, SDNet
from methods._training.similarity import laplacian

LOWPASS = ((0.0947, 0.1183, 0.0947), (0.1183, 0.1478, 0.1183), (0.0947, 0.1183, 0.0947))
VISIBLE_INTENSITY = 0.5
GRADIENT = 80.0
DECOMPOSITION = 1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Every number of the training.

    Attributes:
        patch: side of a patch.
        stride: from one patch to the next.
        batch: patches per step.
        steps: 0 leaves it to the epochs.
        epochs: the published model is that of the eleventh.
        epoch_steps: steps of an epoch; 0 takes those of the patches at hand. The release does not name its training
            files; 2504 steps of 32 are the 80,153 patches of the 42 TNO pairs that the authors' group evaluates on.
        learning_rate: Adam's.
        init_std: of the truncated normal distribution that weights start from.
    """

    patch: int = 120
    stride: int = 10
    batch: int = 32
    steps: int = 0
    epochs: int = 11
    epoch_steps: int = 2504
    learning_rate: float = 1e-4
    init_std: float = 1e-3


PRESETS = {
    "paper": Settings(),
    # short trainings start from larger weights: from 0.001 the network takes long to leave a flat image
    "quick": Settings(patch=84, stride=42, batch=8, steps=800, learning_rate=1e-3, init_std=0.05),
    "smoke": Settings(patch=60, stride=60, batch=4, steps=60, learning_rate=2e-3, init_std=0.05),
}


def stronger_gradients(ir: Tensor, vis: Tensor) -> tuple[Tensor, Tensor]:
    """Where infrared decides and where visible does, 0 or 1: the adaptive decision block; ties go to infrared."""
    kernel = constant(LOWPASS, ir)[None, None]
    of_ir, of_vis = (laplacian(functional.conv2d(image, kernel, padding=1)).abs() for image in (ir, vis))
    visible = torch.sign(of_vis - torch.minimum(of_vis, of_ir))
    return 1 - visible, visible


def squeeze_loss(fused: Tensor, ir: Tensor, vis: Tensor) -> tuple[Tensor, Tensor]:
    """Intensity and gradient parts; images (B, 1, H, W) in [-1, 1]."""
    intensity = ((fused - ir) ** 2).mean() + VISIBLE_INTENSITY * ((fused - vis) ** 2).mean()
    decides_ir, decides_vis = stronger_gradients(ir, vis)
    edges = laplacian(fused)
    gradient = (decides_ir * (edges - laplacian(ir)) ** 2).mean() + (decides_vis * (edges - laplacian(vis)) ** 2).mean()
    return intensity, GRADIENT * gradient


def build(request: TrainRequest, settings: Settings) -> Training:
    """Reads the patches and builds both halves."""
    patches = Patches(request.pairs, settings.patch, settings.stride, request.device)
    order = Batches(len(patches), settings.batch, request.seed)
    net, decomposition = SDNet(), Decomposition()
    for half in (net, decomposition):
        truncated_normal(half, settings.init_std)
        half.to(request.device).train()
    parameters = [*net.parameters(), *decomposition.parameters()]
    state = State({"net": net, "decomposition": decomposition}, {"both": adam(parameters, settings.learning_rate)})

    def step(number: int, state: State) -> Mapping[str, Tensor]:
        ir, vis = (2 * images - 1 for images in patches.batch(order.indices(number)))
        fused = net(ir, vis)
        intensity, gradient = squeeze_loss(fused, ir, vis)
        again_ir, again_vis = decomposition(fused)
        decomposed = DECOMPOSITION * (((again_ir - ir) ** 2).mean() + ((again_vis - vis) ** 2).mean())
        optimise(state.optimisers["both"], intensity + gradient + decomposed)
        return {"intensity": intensity, "gradient": gradient, "decomposition": decomposed}

    steps = total_steps(settings.steps, settings.epochs, settings.epoch_steps or order.per_epoch)
    return Training(state, [Phase("squeeze", steps, step)], lambda: named(net), {"patches": len(patches)})


TRAINER = Trainer("sdnet", {"released": PRESETS}, build)
