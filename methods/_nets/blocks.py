"""Layers that several networks share, and how a network gets its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.errors import BenchError
from bench.weights.tensors import expect, shapes

Activation = Literal["relu", "leaky", "tanh", "none"]
Net = TypeVar("Net", bound=nn.Module)

NORM_EPSILON = 1e-5

LEAKY_SLOPE = 0.2  # the authors of the TensorFlow methods write max(x, 0.2 x)


exporting = getattr(torch.compiler, "is_exporting", torch.compiler.is_compiling)
"""Says whether a graph is traced, which may neither depend on values nor hold as many parts as the example has."""


def activate(x: Tensor, activation: Activation) -> Tensor:
    """Applies an activation; the input's memory is reused where that is safe."""
    if activation == "relu":
        return functional.relu(x, inplace=True)
    if activation == "leaky":
        return functional.leaky_relu(x, LEAKY_SLOPE, inplace=True)
    return torch.tanh(x) if activation == "tanh" else x


class Conv(nn.Conv2d):
    """A stride-1 convolution that keeps the size, and its activation."""

    def __init__(
        self,
        channels: int,
        out_channels: int,
        size: int = 3,
        activation: Activation = "relu",
        padding_mode: Literal["reflect", "replicate", "zeros"] = "reflect",
        bias: bool = True,
    ) -> None:
        super().__init__(channels, out_channels, size, padding=size // 2, padding_mode=padding_mode, bias=bias)
        self.activation: Activation = activation

    def forward(self, input: Tensor) -> Tensor:
        return activate(super().forward(input), self.activation)


class DenseBlock(nn.ModuleList):
    """Each layer sees all before it; its output is put in FRONT of them, as the released weights expect."""

    def forward(self, x: Tensor) -> Tensor:
        for layer in self:
            x = torch.cat([layer(x), x], dim=1)
        return x


class Appending(nn.ModuleList):
    """Each layer sees all before it; its output is put BEHIND them, as TarDAL and its kin do."""

    def forward(self, x: Tensor) -> Tensor:
        for layer in self:
            x = torch.cat([x, layer(x)], dim=1)
        return x


class ConvNorm(nn.Sequential):
    """A stride-1 convolution that keeps the size, a normalisation and an activation, numbered as authors' files are."""

    def __init__(
        self,
        channels: int,
        out_channels: int,
        size: int = 3,
        activation: nn.Module | None = None,
        *,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
        padding_mode: Literal["reflect", "replicate", "zeros"] = "zeros",
        dilation: int = 1,
    ) -> None:
        """Builds the three.

        Args:
            channels: of the input.
            out_channels: of the output.
            size: of the kernel, odd.
            activation: ReLU where None.
            norm: makes the normalisation of a number of channels.
            padding_mode: of the convolution.
            dilation: of the convolution.
        """
        super().__init__(
            nn.Conv2d(
                channels, out_channels, size, padding=dilation * (size // 2), dilation=dilation,
                padding_mode=padding_mode,
            ),
            norm(out_channels),
            nn.ReLU(inplace=True) if activation is None else activation,
        )  # fmt: skip


def standardise(
    x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, epsilon: float = NORM_EPSILON
) -> Tensor:
    """Each channel of each image to zero mean and unit variance over its own pixels, then scaled and shifted.

    What a batch norm left in train mode does to a batch of one (biased variance), without keeping
    statistics; image by image, the result does not depend on what else is in the batch.
    """
    # one image at a time; instance norm, which is the same, is many times slower in channels-last
    images = [_standardise_one(image, weight, bias, epsilon) for image in x.split(1)]
    return images[0] if len(images) == 1 else torch.cat(images)


def _standardise_one(image: Tensor, weight: Tensor | None, bias: Tensor | None, epsilon: float) -> Tensor:
    if image.is_contiguous():
        return functional.batch_norm(image, None, None, weight, bias, training=True, eps=epsilon)
    # PyTorch sums channels-last pixels one after the other in float32: where the mean is far from 0, the result is
    # off by percents of a standard deviation. Row by row, then in double, it is as exact as in the other layout.
    rows = image.permute(0, 2, 3, 1).float() if image.dtype != torch.float64 else image.permute(0, 2, 3, 1)
    mean = _mean_of_rows(rows)
    variance = _mean_of_rows((rows - mean).square())
    return functional.batch_norm(image, mean, variance, weight, bias, eps=epsilon)


def _mean_of_rows(rows: Tensor) -> Tensor:
    return rows.mean(2).mean((0, 1), dtype=torch.float64).to(rows.dtype)


class OwnNorm(nn.Module):
    """``standardise`` with a learned scale and shift, for networks whose batch norms run in train mode."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return standardise(x, self.weight, self.bias)


def truncated_normal(net: nn.Module, std: float) -> None:
    """Fills all weights from a normal distribution cut at two standard deviations, and all biases with zero.

    TensorFlow's ``truncated_normal_initializer``; as there, ``std`` is the one before the cut.
    """
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.trunc_normal_(module.weight, 0.0, std, -2 * std, 2 * std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def load_net(build: Callable[[], Net], weights: Path | None, device: str) -> Net:
    """Builds a network in eval mode with the tensors of a safetensors file, or with seeded random weights.

    Args:
        build: makes the network.
        weights: None for random weights, the same at every call; the global generator is left as it was.
        device: where it is put.

    Raises:
        BenchError: the file is not readable, or its names or shapes are not the network's.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = build()
    if weights is not None:
        tensors = read_tensors(weights)
        expect(tensors, shapes(net), weights)
        if unknown := sorted(tensors.keys() - net.state_dict().keys()):
            raise BenchError(f"{weights}: tensor {unknown[0]!r} is unknown, wanted {type(net).__name__}'s alone")
        net.load_state_dict(tensors)
    return net.to(device).eval()


def pick(
    tensors: Mapping[str, Tensor], build: Callable[[], nn.Module], renamed: Sequence[tuple[str, str]], where: Path
) -> dict[str, Tensor]:
    """What a network holds of an authors' file.

    Args:
        tensors: by the authors' names.
        build: makes the network.
        renamed: the authors' text -> ours, applied to every name in this order.
        where: the file, for errors.

    Raises:
        BenchError: a tensor is missing or of another shape.
    """
    found = {}
    for name, tensor in tensors.items():
        for theirs, ours in renamed:
            name = name.replace(theirs, ours)
        found[name] = tensor
    wanted = shapes(build())
    expect(found, wanted, where)
    return {name: found[name] for name in wanted}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file, on the CPU.

    Raises:
        BenchError: not such a file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise BenchError(f"{path}: not a readable safetensors file ({error}); convert or train it again") from error
