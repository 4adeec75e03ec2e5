"""RFN-Nest's two stages as released: an auto-encoder of single images, then the fusion networks alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.errors import BenchError
from bench.plugin.method import TrainRequest
from bench.train import Batches, Phase, State
from bench.train.patches import square_images
from bench.train.trainer import Trainer, Training, adam, named, optimise
from bench.transfer import to_device
from methods._nets.rfn_nest import RFNNest
from methods._training.similarity import released_ms_ssim, smallest_ms_ssim_side

DETAIL = 700.0
"""Alpha: of the visible structure in stage 2."""
SCALES = (1.0, 10.0, 100.0, 1000.0)
"""Of the feature distances of the four scales."""
INFRARED, VISIBLE = 6.0, 3.0
"""Multiples of the sources' features that the fused ones are drawn to."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every number of the training.

    Attributes:
        size: images are brought to this height and width by nearest neighbour.
        batch: images, then pairs, per step.
        auto_steps: of stage 1.
        fusion_steps: of stage 2.
        learning_rate: Adam's, in both stages.
        ssim_weight: of 1 - MS-SSIM in stage 1.
    """

    size: int = 256
    batch: int = 4
    auto_steps: int = 40_000
    fusion_steps: int = 40_000
    learning_rate: float = 1e-4
    ssim_weight: float = 100.0


PRESETS = {
    # two epochs of 80,000 images (MS-COCO) and of 80,000 pairs (KAIST), in as many steps
    "paper": Settings(),
    "quick": Settings(size=64, batch=2, auto_steps=250, fusion_steps=150, learning_rate=5e-4),
    "smoke": Settings(size=32, batch=2, auto_steps=40, fusion_steps=16, learning_rate=1e-3),
}


def fusion_loss(net: RFNNest, ir: Tensor, vis: Tensor) -> tuple[Tensor, Tensor]:
    """Structure and feature parts of stage 2; images (B, 1, H, W), 0..255."""
    with torch.no_grad():
        of_ir, of_vis = net.auto.encode(ir), net.auto.encode(vis)
    fused = net.fuse(of_ir, of_vis)
    output = net.auto.decode(fused)
    low, high = output.min(), output.max()  # over the whole batch, as released
    structure = DETAIL * (1 - released_ms_ssim((output - low) / (high - low + 1e-5) * 255, vis))
    features = output.new_zeros(())
    for weight, mine, a, b in zip(SCALES, fused, of_ir, of_vis, strict=True):
        features = features + weight * ((mine - (INFRARED * a + VISIBLE * b)) ** 2).mean()
    return structure, features


def living_network(images: Tensor, seed: int) -> tuple[RFNNest, int]:
    """A network whose output is not zero everywhere, and the seed it has.

    The output passes a ReLU: from an unlucky start it is black, has no gradient, and nothing can be learned.
    """
    for attempt in range(100):
        torch.manual_seed(seed + 1_000_003 * attempt)
        net = RFNNest()
        with torch.no_grad():
            if bool((net.auto.decode(net.auto.encode(images)) > 0).float().mean() > 0.5):
                return net, seed + 1_000_003 * attempt
    raise BenchError("rfn_nest: a hundred random networks all gave black images; are the training images black?")


def build(request: TrainRequest, settings: Settings) -> Training:
    """Reads all images and builds the network."""
    if settings.size < smallest_ms_ssim_side():
        raise BenchError(f"rfn_nest: option size is {settings.size}, wanted at least {smallest_ms_ssim_side()}")
    pairs = square_images(request.pairs, settings.size)
    net, seed = living_network(pairs[:1, :1].float(), request.seed)
    pairs = pairs.to(request.device)
    singles = pairs.flatten(0, 1)[:, None]
    net.to(request.device).train()
    state = State({"net": net}, {"auto": adam(list(net.auto.parameters()), settings.learning_rate)})
    image_order = Batches(len(singles), settings.batch, request.seed)
    pair_order = Batches(len(pairs), settings.batch, request.seed + 1)

    def auto_step(number: int, state: State) -> Mapping[str, Tensor]:
        image = singles[to_device(image_order.indices(number), singles.device)].float()
        output = net.auto.decode(net.auto.encode(image))
        distance = ((output - image) ** 2).mean()
        structure = settings.ssim_weight * (1 - released_ms_ssim(output, image))
        optimise(state.optimisers["auto"], distance + structure)
        return {"distance": distance, "structure": structure}

    def begin_fusion(state: State) -> None:
        state.optimisers = {"fusion": adam(list(net.fusions.parameters()), settings.learning_rate)}

    def fusion_step(number: int, state: State) -> Mapping[str, Tensor]:
        ir, vis = pairs[to_device(pair_order.indices(number), pairs.device)].float().chunk(2, dim=1)
        structure, features = fusion_loss(net, ir, vis)
        optimise(state.optimisers["fusion"], structure + features)
        return {"structure": structure, "features": features}

    phases = [
        Phase("auto-encoder", settings.auto_steps, auto_step, prepare=lambda _: learn_only(net, net.auto)),
        Phase("fusion", settings.fusion_steps, fusion_step, begin_fusion, lambda _: learn_only(net, net.fusions)),
    ]
    facts = {
        "trained_as": "both stages on this data set (the authors': MS-COCO, then KAIST)",
        "initial_seed": seed,
    }
    return Training(state, phases, lambda: named(net), facts)


def learn_only(net: nn.Module, part: nn.Module) -> None:
    """Freezes all but one part."""
    net.requires_grad_(False)
    part.requires_grad_(True)


TRAINER = Trainer("rfn_nest", {"two_stages": PRESETS}, build)
