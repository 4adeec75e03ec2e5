"""DenseFuse's training as released: an auto-encoder of grey images; fusion plays no part in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from bench.plugin.method import TrainRequest
from bench.train import Batches, Phase, State
from bench.train.patches import square_images
from bench.train.trainer import Trainer, Training, adam, named, optimise, total_steps
from bench.transfer import to_device
from methods._nets.blocks import truncated_normal
from methods._nets.densefuse import DenseFuse
from methods._training.similarity import gaussian, ssim_parts

INIT_STD = 0.1


@dataclass(frozen=True, slots=True)
class Settings:
    """Every number of the training.

    Attributes:
        size: images are brought to this height and width by nearest neighbour.
        batch: images per step.
        steps: 0 leaves it to the epochs.
        epochs: over both images of every pair.
        learning_rate: Adam's.
        ssim_weight: lambda.
    """

    size: int = 256
    batch: int = 2
    steps: int = 0
    epochs: int = 4
    learning_rate: float = 1e-4
    ssim_weight: float = 100.0


PRESETS = {
    # the paper has 80,000 images of MS-COCO, in as many steps
    "paper": Settings(steps=160_000),
    "quick": Settings(size=128, steps=1500, learning_rate=5e-4),
    "smoke": Settings(size=64, steps=90, learning_rate=1e-3),
}


def reconstruction_loss(output: Tensor, image: Tensor, ssim_weight: float) -> tuple[Tensor, Tensor]:
    """Squared distance, and lambda (1 - structure); the constants are those of images in [0, 1], as released.

    Args:
        output: (B, 1, H, W), 0..255.
        image: the same.
        ssim_weight: lambda.
    """
    _, structure = ssim_parts(output, image, gaussian(11, 1.5, output.device), 1.0)
    return ((output - image) ** 2).mean(), ssim_weight * (1 - structure.mean())


def build(request: TrainRequest, settings: Settings) -> Training:
    """Reads all images, infrared and visible, and builds the network."""
    images = square_images(request.pairs, settings.size).flatten(0, 1)[:, None].to(request.device)
    net = DenseFuse()
    truncated_normal(net, INIT_STD)
    net.to(request.device).train()
    state = State({"net": net}, {"net": adam(list(net.parameters()), settings.learning_rate)})
    order = Batches(len(images), settings.batch, request.seed)

    def step(number: int, state: State) -> Mapping[str, Tensor]:
        image = images[to_device(order.indices(number), images.device)].float()
        distance, structure = reconstruction_loss(net.decoder(net.encode(image)), image, settings.ssim_weight)
        optimise(state.optimisers["net"], distance + structure)
        return {"distance": distance, "structure": structure}

    steps = total_steps(settings.steps, settings.epochs, order.per_epoch)
    facts = {"trained_as": "auto-encoder of this data set's infrared and visible images (the authors': MS-COCO)"}
    return Training(state, [Phase("auto-encoder", steps, step)], lambda: named(net), facts)


TRAINER = Trainer("densefuse", {"released": PRESETS}, build)
