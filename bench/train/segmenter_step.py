"""Training a segmenter: augmentation in batches on the device, warm-up and poly schedule, the step itself.

The defaults are those of the SeAFusion authors' released code, which follows the PyTorch BiSeNet of CoinCheung.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from bench.train.batches import Batches, set_learning_rate, step_generator
from bench.train.precision import autocast
from bench.train.segmenter_loss import class_weights, segmentation_loss
from bench.train.segmenter_schedule import SegmenterSchedule
from bench.train.stacks import LabelledStack
from bench.transfer import to_device

if TYPE_CHECKING:
    from bench.plugin.task import Segmenter
    from bench.train.loop import State


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """What chance decides for a batch of augmented images, drawn on the host so that the device is never asked.

    Attributes:
        scale: (B,) enlargement of each image before it is cropped to its own size.
        offset: (B, 2) where the crop lies, y and x, as a share of the room there is.
        flip: (B,) True mirrors left and right.
        colour: (B, 3) factors of brightness, contrast and saturation.
    """

    scale: np.ndarray
    offset: np.ndarray
    flip: np.ndarray
    colour: np.ndarray


def draw_augmentation(random: np.random.Generator, batch: int, schedule: SegmenterSchedule) -> Draws:
    """Draws for one batch."""
    return Draws(
        scale=random.choice(np.asarray(schedule.scales), batch),
        offset=random.random((batch, 2)),
        flip=random.random(batch) < 0.5,
        colour=random.uniform(1 - schedule.jitter, 1 + schedule.jitter, (batch, 3)),
    )


def augment(images: Tensor, labels: Tensor, draws: Draws, crop: float = 1.0) -> tuple[Tensor, Tensor]:
    """Colour jitter, mirroring, scaling and cropping of a batch, in a handful of operations on its device.

    An image scaled so small that it no longer fills the crop is enlarged again, as the released code does: it is
    softened.

    Args:
        images: uint8 (B, 3, H, W).
        labels: uint8 (B, H, W).
        draws: what chance decided.
        crop: share of height and width that is kept.

    Returns:
        float32 images (B, 3, h, w) in [0, 1] and int64 labels (B, h, w).
    """
    device = images.device
    place = _place(draws, images.shape[-2:], crop)
    pictures = jitter_colour(images.float() / 255.0, to_device(draws.colour.astype(np.float32), device))
    for index in np.flatnonzero(draws.scale < place.scale).tolist():
        # slices, since an index array would make the host wait for the device
        one = pictures[index : index + 1]
        reduced = F.interpolate(one, scale_factor=float(draws.scale[index]), mode="bilinear", antialias=True)
        one.copy_(F.interpolate(reduced, size=one.shape[-2:], mode="bilinear"))
    grid = F.affine_grid(
        to_device(place.matrices(), device), [len(pictures), 3, *place.size.tolist()], align_corners=False
    )
    pictures = F.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)
    rows, columns = (to_device(index, device) for index in place.nearest())
    batch = torch.arange(len(labels), device=device)[:, None, None]
    return pictures, labels[batch, rows[:, :, None], columns[:, None, :]].long()


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where each crop of a batch lies.

    Attributes:
        full: (2,) height and width of the images.
        size: (2,) of the crops.
        scale: (B,) enlargement before cropping.
        start: (B, 2) upper left corner, in whole pixels of the enlarged image.
        flip: (B,) True is mirrored.
    """

    full: np.ndarray
    size: np.ndarray
    scale: np.ndarray
    start: np.ndarray
    flip: np.ndarray

    def matrices(self) -> np.ndarray:
        """(B, 2, 3): from crop coordinates to image coordinates, both -1 to 1."""
        enlarged = self.full * self.scale[:, None]
        share = self.size / enlarged
        centre = 2 * self.start / enlarged + share - 1
        matrices = np.zeros((len(self.scale), 2, 3), np.float32)
        matrices[:, 0, 0] = np.where(self.flip, -share[:, 1], share[:, 1])
        matrices[:, 1, 1] = share[:, 0]
        matrices[:, 0, 2] = centre[:, 1]
        matrices[:, 1, 2] = centre[:, 0]
        return matrices

    def nearest(self) -> tuple[np.ndarray, np.ndarray]:
        """The source row (B, h) and column (B, w) under the middle of each pixel of the crop."""
        rows, columns = (
            ((np.arange(self.size[axis]) + self.start[:, axis, None] + 0.5) / self.scale[:, None]).astype(np.int64)
            for axis in (0, 1)
        )
        return rows, np.ascontiguousarray(np.where(self.flip[:, None], columns[:, ::-1], columns))


def _place(draws: Draws, full: Sequence[int], crop: float) -> _Place:
    lengths = np.array(full)
    size = np.maximum(1, np.round(lengths * crop)).astype(np.int64)
    scale = np.maximum(draws.scale, (size / lengths).max())
    room = np.floor(lengths * scale[:, None] + 1e-9) - size
    return _Place(lengths, size, scale, np.floor(draws.offset * (room + 1)), draws.flip)


def jitter_colour(images: Tensor, factors: Tensor) -> Tensor:
    """Brightness, contrast and saturation in this order, as Pillow's ``ImageEnhance`` blends them, each clipped.

    Args:
        images: (B, 3, H, W) in [0, 1].
        factors: (B, 3).
    """
    brightness, contrast, saturation = factors[:, :, None, None, None].unbind(1)
    images = (images * brightness).clamp_(0, 1)
    mean = _grey(images).mean(dim=(2, 3), keepdim=True)
    images = torch.lerp(mean, images, contrast).clamp_(0, 1)
    return torch.lerp(_grey(images).expand_as(images), images, saturation).clamp_(0, 1)


def _grey(images: Tensor) -> Tensor:
    red, green, blue = images[:, 0:1], images[:, 1:2], images[:, 2:3]
    return 0.299 * red + 0.587 * green + 0.114 * blue


def split_parameters(net: nn.Module, weight_decay: float, heads: tuple[str, ...]) -> list[dict[str, object]]:
    """Optimiser groups: convolution weights decay, norms and biases do not; heads have ten times the rate.

    Args:
        net: the segmenter.
        weight_decay: of the first kind.
        heads: prefixes of the names of head parameters.
    """
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        groups.setdefault((parameter.ndim > 1, name.startswith(heads)), []).append(parameter)
    return [
        {"params": params, "weight_decay": weight_decay if decays else 0.0, "lr_scale": 10.0 if head else 1.0}
        for (decays, head), params in sorted(groups.items(), key=lambda item: item[0])
    ]


def build_optimiser(segmenter: Segmenter, net: nn.Module, schedule: SegmenterSchedule) -> torch.optim.Optimizer:
    """The schedule's optimiser over the segmenter's parameter groups."""
    groups: list[dict[str, Any]] = segmenter.parameter_groups(net, schedule.weight_decay)
    if not schedule.fast_heads:
        groups = [{**group, "lr_scale": 1.0} for group in groups]
    if schedule.optimiser == "adamw":
        able = next(net.parameters()).device.type in ("cpu", "cuda")
        try:
            return torch.optim.AdamW(groups, lr=schedule.rate, fused=able)  # three times as fast on a CPU
        except RuntimeError:  # PyTorch before 2.4 fuses on GPUs only
            return torch.optim.AdamW(groups, lr=schedule.rate)
    fused = next(net.parameters()).is_cuda
    return torch.optim.SGD(groups, lr=schedule.rate, momentum=schedule.momentum, fused=fused)


def segmenter_step(
    net: Callable[[Tensor], Sequence[Tensor]],
    weights: Sequence[float],
    data: LabelledStack,
    schedule: SegmenterSchedule,
    *,
    seed: int,
    first: int = 0,
    precision: str = "float32",
    optimiser: str = "segmenter",
) -> Callable[[int, State], Mapping[str, Tensor]]:
    """The step of a phase that trains a segmenter on a stack.

    Args:
        net: the network in train mode, perhaps compiled.
        weights: of its outputs in the loss.
        data: the training set on the network's device.
        schedule: sizes and rates.
        seed: of batches and augmentation.
        first: number of this phase's first step in the schedule.
        precision: of the forward pass.
        optimiser: its name in the state.
    """
    batches = Batches(len(data), schedule.batch, seed, schedule.shuffle)
    device = data.images.device
    balanced: list[Tensor] = []

    def step(number: int, state: State) -> Mapping[str, Tensor]:
        number += first
        chosen = to_device(batches.indices(number), device)
        draws = draw_augmentation(step_generator(seed, number), schedule.batch, schedule)
        images, labels = augment(data.images[chosen], data.labels[chosen], draws, schedule.crop)
        learner = state.optimisers[optimiser]
        set_learning_rate(learner, schedule.learning_rate(number))
        with autocast(precision, device, images.shape[-2:]):
            outputs = net(images.contiguous(memory_format=torch.channels_last))
        if schedule.balance and not balanced:
            balanced.append(class_weights(data.labels, outputs[0].shape[1], schedule.balance).to(device))
        loss = segmentation_loss(outputs, labels, weights, schedule.hard_pixels, *balanced)
        learner.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        learner.step()
        return {"segmentation_loss": loss}

    return step
