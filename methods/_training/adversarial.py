"""What FusionGAN's and GANMcC's trainings share: spectral normalisation, discriminator, two steps to one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from bench.plugin.method import TrainRequest
from bench.train import Batches, Phase, State
from bench.train.patches import Patches
from bench.train.trainer import Training, adam, optimise
from methods._nets.blocks import NORM_EPSILON as EPSILON
from methods._nets.blocks import activate, truncated_normal
from methods._nets.fusiongan import MARGIN, WIDTHS, GeneratorPath

INIT_STD = 1e-3


@dataclass(frozen=True, slots=True)
class GanSettings:
    """Every number of the training.

    Attributes:
        patch: side of the fused patch; the generator sees 12 pixels more.
        stride: from one patch to the next.
        batch: patches per step.
        steps: of the generator.
        discriminator_steps: of the discriminator before each.
        learning_rate: Adam's, of both.
    """

    patch: int = 120
    stride: int = 14
    batch: int = 32
    steps: int = 4 * 1178
    discriminator_steps: int = 2
    learning_rate: float = 1e-4


class Spectral(nn.Module):
    """Divides a weight by an estimate of its largest singular value: one power iteration at each use.

    As released, gradients flow through the iterated vectors too.
    """

    u: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("u", nn.init.trunc_normal_(torch.empty(1, weight.shape[0])))
        self.update = True

    def forward(self, weight: Tensor) -> Tensor:
        matrix = weight.reshape(weight.shape[0], -1)
        v = unit(self.u @ matrix)
        u = unit(v @ matrix.T)
        if self.update:
            self.u = u.detach()
        return weight / (v @ matrix.T @ u.T).squeeze()


def unit(vector: Tensor) -> Tensor:
    """The vector by its length, as released."""
    return vector / (vector.norm() + 1e-12)


def prepare(net: nn.Module) -> None:
    """Released initialisation and spectral normalisation of every convolution and linear layer."""
    truncated_normal(net, INIT_STD)
    for module in list(net.modules()):
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            parametrize.register_parametrization(module, "weight", Spectral(module.weight), unsafe=True)


def raw_state(net: nn.Module) -> dict[str, Tensor]:
    """Parameters without their normalisation, under the names they have in the network that fuses."""
    return {name.replace("parametrizations.weight.original", "weight"): value for name, value in net.named_parameters()}


class TrainedPath(GeneratorPath):
    """A generator path as it is trained: normalised over the batch, with scale and shift."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width, EPSILON, track_running_stats=False) for width in WIDTHS)

    def forward(self, x: Tensor) -> Tensor:
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = activate(norm(layer(x)), "leaky")
        return x


class Discriminator(nn.Module):
    """Four strided convolutions and a linear layer; one score per kind of image, not squashed."""

    def __init__(self, patch: int, scores: int) -> None:
        super().__init__()
        widths = (1, 32, 64, 128, 256)
        self.layers = nn.ModuleList(nn.Conv2d(inner, outer, 3, stride=2) for inner, outer in pairwise(widths))
        self.norms = nn.ModuleList(nn.BatchNorm2d(width, EPSILON, track_running_stats=False) for width in widths[2:])
        side = patch
        for _ in self.layers:
            side = (side - 3) // 2 + 1
        self.score = nn.Linear(side * side * widths[-1], scores)

    def forward(self, images: Tensor, update: bool = False) -> Tensor:
        """(B, 1, patch, patch) -> (B, scores); ``update`` lets the power iterations move on."""
        for module in self.modules():
            if isinstance(module, Spectral):
                module.update = update
        x = activate(self.layers[0](images), "leaky")
        for layer, norm in zip(list(self.layers)[1:], self.norms, strict=True):
            x = activate(norm(layer(x)), "leaky")
        return self.score(x.flatten(1))


def distance(scores: Tensor, low: float, high: float) -> Tensor:
    """Mean squared distance to soft labels, one drawn afresh for each sample from [low, high)."""
    return ((scores - (low + (high - low) * torch.rand_like(scores))) ** 2).mean()


def real(scores: Tensor) -> Tensor:
    """Distance to labels that say yes."""
    return distance(scores, 0.7, 1.2)


def fake(scores: Tensor) -> Tensor:
    """Distance to labels that say no."""
    return distance(scores, 0.0, 0.3)


DiscriminatorLoss = Callable[[Discriminator, Tensor, Tensor, Tensor], Tensor]
GeneratorLoss = Callable[[Discriminator, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def build_gan(
    request: TrainRequest,
    settings: GanSettings,
    generator: nn.Module,
    scores: int,
    discriminator_loss: DiscriminatorLoss,
    generator_loss: GeneratorLoss,
) -> Training:
    """A training of a generator against a discriminator.

    Args:
        request: data, device and seed.
        settings: sizes and rates.
        generator: called with patches of [-1, 1], ``patch + 12`` wide.
        scores: outputs of the discriminator.
        discriminator_loss: of (discriminator, fused, ir, vis).
        generator_loss: of the same; its adversarial and its content part.
    """
    patches = Patches(request.pairs, settings.patch + 2 * MARGIN, settings.stride, request.device)
    # the authors took all patches in order, several times; a training too short for that must not see one corner only
    order = Batches(len(patches), settings.batch, request.seed, shuffle=settings.batch * settings.steps < len(patches))
    discriminator = Discriminator(settings.patch, scores)
    for net in (generator, discriminator):
        prepare(net)
        net.to(request.device).train()
    state = State(
        {"generator": generator, "discriminator": discriminator},
        {
            "generator": adam(list(generator.parameters()), settings.learning_rate),
            "discriminator": adam(list(discriminator.parameters()), settings.learning_rate),
        },
    )

    def step(number: int, state: State) -> Mapping[str, Tensor]:
        ir, vis = (2 * images - 1 for images in patches.batch(order.indices(number)))
        centre = (..., slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
        wanted = ir[centre], vis[centre]
        judged = ir.new_zeros(())
        for _ in range(settings.discriminator_steps):
            with torch.no_grad():
                fused = generator(ir, vis)
            judged = discriminator_loss(discriminator, fused, *wanted)
            optimise(state.optimisers["discriminator"], judged)
        adversarial, content = generator_loss(discriminator, generator(ir, vis), *wanted)
        optimise(state.optimisers["generator"], adversarial + content)
        return {"discriminator": judged, "adversarial": adversarial, "content": content}

    def export() -> Mapping[str, Tensor]:
        # the released test code normalises by each image's own statistics, without the trained scale and shift
        return {name: value for name, value in raw_state(generator).items() if ".norms." not in name}

    return Training(state, [Phase("adversarial", settings.steps, step)], export, {"patches": len(patches)})
