"""GANMcC's training as released: one discriminator with a score for visible and one for infrared."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.plugin.method import TrainRequest
from bench.train.trainer import Trainer, Training
from methods._training.adversarial import Discriminator, GanSettings, TrainedPath, build_gan, fake, real
from methods._training.similarity import laplacian

CONTENT = 100.0
VISIBLE_INTENSITY, VISIBLE_GRADIENT, INFRARED_GRADIENT = 0.4, 5.0, 4.0
"""Within the content loss; infrared intensity counts 1."""

PRESETS = {
    # the published model is that of the fifth epoch; patches are cut as for FusionGAN, hence as many steps each
    "paper": GanSettings(steps=5 * 1178),
    "quick": GanSettings(patch=60, stride=28, batch=4, steps=200, learning_rate=5e-4),
    "smoke": GanSettings(patch=36, stride=36, batch=2, steps=14, learning_rate=2e-3),
}


class Generator(nn.Module):
    """The generator as it is trained, with the names of the network that fuses."""

    def __init__(self) -> None:
        super().__init__()
        self.ir, self.vis = TrainedPath(3), TrainedPath(3)
        self.last = nn.Conv2d(128, 1, 1)

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Patches in [-1, 1] -> the fused patch, 12 pixels smaller."""
        contrast = self.ir(torch.cat([ir, ir, vis], dim=1))
        gradient = self.vis(torch.cat([vis, vis, ir], dim=1))
        return torch.tanh(self.last(torch.cat([contrast, gradient, contrast, gradient], dim=1)))


def discriminator_loss(judge: Discriminator, fused: Tensor, ir: Tensor, vis: Tensor) -> Tensor:
    """Each source is one kind and not the other; a fused patch is neither."""
    of_vis, of_ir, of_fused = judge(vis, update=True), judge(ir), judge(fused)
    return (
        real(of_vis[:, :1]) + fake(of_vis[:, 1:])
        + fake(of_ir[:, :1]) + real(of_ir[:, 1:])
        + fake(of_fused[:, :1]) + fake(of_fused[:, 1:])
    )  # fmt: skip


def generator_loss(judge: Discriminator, fused: Tensor, ir: Tensor, vis: Tensor) -> tuple[Tensor, Tensor]:
    """Being taken for both, and the content."""
    scores = judge(fused)
    content = (
        ((fused - ir) ** 2).mean()
        + VISIBLE_INTENSITY * ((fused - vis) ** 2).mean()
        + VISIBLE_GRADIENT * ((laplacian(fused) - laplacian(vis)) ** 2).mean()
        + INFRARED_GRADIENT * ((laplacian(fused) - laplacian(ir)) ** 2).mean()
    )
    return real(scores[:, :1]) + real(scores[:, 1:]), CONTENT * content


def build(request: TrainRequest, settings: GanSettings) -> Training:
    """Reads the patches and builds both networks."""
    return build_gan(request, settings, Generator(), 2, discriminator_loss, generator_loss)


TRAINER = Trainer("ganmcc", {"released": PRESETS}, build)
