"""FusionGAN's training as released: infrared by distance, visible gradients by distance and a discriminator."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.plugin.method import TrainRequest
from bench.train.trainer import Trainer, Training
from methods._training.adversarial import Discriminator, GanSettings, TrainedPath, build_gan, fake, real
from methods._training.similarity import laplacian

CONTENT = 100.0
"""Lambda: of the content loss against the adversarial one."""
GRADIENT = 5.0
"""Xi: of the gradients within the content loss."""

PRESETS = {
    # the published model is that of the fourth epoch of 1178 steps; its patches were taken in order
    "paper": GanSettings(),
    "quick": GanSettings(patch=60, stride=28, batch=4, steps=300, learning_rate=5e-4),
    "smoke": GanSettings(patch=36, stride=36, batch=2, steps=24, learning_rate=2e-3),
}


class Generator(nn.Module):
    """The generator as it is trained, with the names of the network that fuses."""

    def __init__(self) -> None:
        super().__init__()
        self.path = TrainedPath(2)
        self.last = nn.Conv2d(32, 1, 1)

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Patches in [-1, 1] -> the fused patch, 12 pixels smaller."""
        return torch.tanh(self.last(self.path(torch.cat([ir, vis], dim=1))))


def discriminator_loss(judge: Discriminator, fused: Tensor, ir: Tensor, vis: Tensor) -> Tensor:  # noqa: ARG001 - as GANMcC's
    """Visible patches are real, fused ones are not."""
    return real(judge(vis, update=True)) + fake(judge(fused))


def generator_loss(judge: Discriminator, fused: Tensor, ir: Tensor, vis: Tensor) -> tuple[Tensor, Tensor]:
    """Being taken for visible, and the content."""
    intensity = ((fused - ir) ** 2).mean()
    gradient = ((laplacian(fused) - laplacian(vis)) ** 2).mean()
    return real(judge(fused)), CONTENT * (intensity + GRADIENT * gradient)


def build(request: TrainRequest, settings: GanSettings) -> Training:
    """Reads the patches and builds both networks."""
    return build_gan(request, settings, Generator(), 1, discriminator_loss, generator_loss)


TRAINER = Trainer("fusiongan", {"released": PRESETS}, build)
