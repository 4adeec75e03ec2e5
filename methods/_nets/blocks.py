"""Layers that several networks share, and how a network gets its weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.errors import BenchError
from bench.weights.tensors import expect, shapes

Activation = Literal["relu", "leaky", "tanh", "none"]
Net = TypeVar("Net", bound=nn.Module)

LEAKY_SLOPE = 0.2  # the authors of the TensorFlow methods write max(x, 0.2 x)


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
        net.load_state_dict({name: tensors[name] for name in net.state_dict()})
    return net.to(device).eval()


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
