"""Each adapter beside a plain PyTorch forward of the same layers, on one thread; run with ``--benchmark-only``.

The aim: no slower than the plain forward plus a tenth. The two rows of a group are to be compared, not asserted: a
shared machine's times are not stable enough to fail a build on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.fusion.harness import Fuser
from bench.plugin.kinds import METHODS

HEIGHT, WIDTH = 288, 384


def conv(layer: nn.Conv2d, x: Tensor, mode: str = "reflect") -> Tensor:
    """Padding, then convolution, as a plain module would do it."""
    pad = (layer.kernel_size[0] // 2,) * 4
    if mode != "zeros":
        return functional.conv2d(functional.pad(x, pad, mode=mode) if pad[0] else x, layer.weight, layer.bias)
    return functional.conv2d(x, layer.weight, layer.bias, padding=pad[0])


def leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.2)


def dense(layers: Any, x: Tensor, activation: Callable[[Tensor], Tensor]) -> Tensor:
    for layer in layers:
        x = torch.cat([activation(conv(layer, x)), x], 1)
    return x


def densefuse(net: Any, ir: Tensor, vis: Tensor) -> Tensor:
    x, y = (dense(net.dense, functional.relu(conv(net.first, image * 255)), functional.relu) for image in (ir, vis))
    x = x + y
    for layer in net.decoder[:-1]:
        x = functional.relu(conv(layer, x))
    return conv(net.decoder[-1], x)


def u2fusion(net: Any, ir: Tensor, vis: Tensor) -> Tensor:
    x = dense(net.dense, leaky(conv(net.first, torch.cat([ir, vis], 1))), leaky)
    for layer in net.decoder[:-1]:
        x = leaky(conv(layer, x))
    return torch.tanh(conv(net.decoder[-1], x)) / 2 + 0.5


def sdnet(net: Any, ir: Tensor, vis: Tensor) -> Tensor:
    levels = []
    for tower, image in ((net.ir, 2 * ir - 1), (net.vis, 2 * vis - 1)):
        own: list[Tensor] = []
        for layer in tower.layers:
            own.append(leaky(conv(layer, torch.cat(own, 1) if own else image, "zeros")))
        levels.append(own)
    return torch.tanh(conv(net.fuse, torch.cat([x for both in zip(*levels, strict=True) for x in both], 1)))


def ifcnn(net: Any, ir: Tensor, vis: Tensor) -> Tensor:
    features = []
    for image in (ir, vis):
        x = conv(net.conv1, image.repeat(1, 3, 1, 1), "replicate")
        features.append(functional.relu(net.conv2.bn(conv(net.conv2.conv, x, "replicate"))))
    x = functional.relu(net.conv3.bn(conv(net.conv3.conv, torch.maximum(*features), "replicate")))
    return conv(net.conv4, x)


def path(net: Any, x: Tensor) -> Tensor:
    for layer in net.layers:
        x = leaky(functional.instance_norm(layer(x)))
    return x


def fusiongan(net: Any, ir: Tensor, vis: Tensor) -> Tensor:
    x = functional.pad(torch.cat([2 * ir - 1, 2 * vis - 1], 1), (6,) * 4, mode="replicate")
    return torch.tanh(net.last(path(net.path, x)))


def ganmcc(net: Any, ir: Tensor, vis: Tensor) -> Tensor:
    ir, vis = (functional.pad(2 * image - 1, (6,) * 4, mode="replicate") for image in (ir, vis))
    a, b = path(net.ir, torch.cat([ir, ir, vis], 1)), path(net.vis, torch.cat([vis, vis, ir], 1))
    return torch.tanh(net.last(torch.cat([a, b, a, b], 1)))


def rfn_nest(net: Any, ir: Tensor, vis: Tensor) -> Tensor:
    return net.auto.decode(net.fuse(net.auto.encode(ir * 255), net.auto.encode(vis * 255)))


PLAIN: dict[str, Callable[[Any, Tensor, Tensor], Tensor]] = {
    "densefuse": densefuse, "u2fusion": u2fusion, "sdnet": sdnet, "ifcnn": ifcnn, "fusiongan": fusiongan,
    "ganmcc": ganmcc, "rfn_nest": rfn_nest,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(name: str, kind: str) -> Callable[[], Tensor]:
    """A forward pass: ``adapter`` as the harness calls it, ``plain`` layer by layer in PyTorch's default layout."""
    generator = torch.Generator().manual_seed(0)
    ir, vis = (torch.rand(1, 1, HEIGHT, WIDTH, generator=generator) for _ in range(2))
    method = METHODS.get(name)()
    if kind == "adapter":
        fuser = Fuser(method)
        ir, vis = (image.contiguous(memory_format=torch.channels_last) for image in (ir, vis))
        return lambda: fuser.compute(ir, vis)
    net: Any = next(iter(method.modules().values()))

    @torch.inference_mode()
    def plain() -> Tensor:
        return PLAIN[name](net, ir, vis)

    return plain


@pytest.mark.parametrize("kind", ["plain", "adapter"])
@pytest.mark.parametrize("name", PLAIN)
def test_forward(benchmark: Any, name: str, kind: str) -> None:
    benchmark.group = f"{name} {WIDTH}x{HEIGHT}"
    benchmark.pedantic(run(name, kind), rounds=5, warmup_rounds=1)
