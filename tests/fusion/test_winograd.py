"""Convolutions by Winograd's filtering: PyTorch's results within float32's rounding, whatever the image's memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_method import Small
from torch import Tensor, nn
from torch.nn import functional

from bench.errors import BenchError
from bench.fusion import deploy, runtime, winograd
from bench.fusion.forms import FORMS, in_form
from bench.fusion.harness import Fuser
from bench.fusion.runtime import use_runtime
from bench.fusion.subject import random_pair
from bench.fusion.winograd import Convolutions, WinogradNetwork, _Threads
from bench.plugin.strips import in_strips

pytest.importorskip("numba")

CLOSE = 2e-6
"""Of the largest value: the rounding of some hundred terms in float32, by either way of summing them."""


def by_kernels(network: Any, x: Tensor) -> tuple[Tensor, Convolutions]:
    with torch.inference_mode(), Convolutions({}, _Threads()) as convolutions:
        found = network(x)
        convolutions.finish()
    return found, convolutions


def random_layer(channels: int, out: int, size: int = 3, **settings: Any) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(channels, out, size, **settings).requires_grad_(False)


def image(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1)) - 0.3


def check(network: Any, x: Tensor) -> Convolutions:
    with torch.inference_mode():
        wanted = network(x.clone())
    found, convolutions = by_kernels(network, x.clone(memory_format=torch.preserve_format))
    assert found.shape == wanted.shape
    assert float((found - wanted).abs().max()) <= CLOSE * max(float(wanted.abs().max()), 1.0)
    return convolutions


SIZES = [(4, 4), (5, 9), (6, 6), (17, 30), (33, 64)]


@pytest.mark.parametrize(
    ("size", "padding"), [*((size, 0) for size in SIZES), *((size, 1) for size in [(1, 1), (2, 3), *SIZES])]
)
@pytest.mark.parametrize(("channels", "out"), [(16, 16), (40, 24), (96, 64)])
def test_three_by_three(size: tuple[int, int], padding: int, channels: int, out: int) -> None:
    assert check(random_layer(channels, out, padding=padding), image(2, channels, *size)).taken == 1


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (33, 64)])
def test_one_by_one(size: tuple[int, int]) -> None:
    assert check(random_layer(48, 32, 1), image(1, 48, *size)).taken == 1


def test_an_image_so_small_that_pytorch_refuses_it_is_refused() -> None:
    with pytest.raises(RuntimeError):
        by_kernels(random_layer(16, 16), image(1, 16, 2, 9))


@pytest.mark.parametrize(
    "laid",
    [
        lambda x: x,
        lambda x: x.to(memory_format=torch.channels_last),
        lambda x: x.to(memory_format=torch.channels_last)[:, 16:48],
        lambda x: x.to(memory_format=torch.channels_last)[:, :, 3:14, 2:],
        lambda x: x.to(memory_format=torch.channels_last).flip(2),
        lambda x: x.transpose(2, 3),
        lambda x: x[:, :, ::2, ::3],
        lambda x: x[:1].expand(3, -1, -1, -1),
    ],
)
@pytest.mark.parametrize("size", [1, 3])
def test_any_memory(laid: Any, size: int) -> None:
    x = laid(image(2, 64, 18, 23))
    layer = random_layer(x.shape[1], 16, size, padding=size // 2)
    with torch.inference_mode():
        wanted = layer(x)
    found, convolutions = by_kernels(layer, x)
    assert float((found - wanted).abs().max()) <= CLOSE
    assert convolutions.taken == 1


ACTIVATIONS = {
    "relu in place": lambda x: functional.relu(x, inplace=True),
    "leaky in place": lambda x: functional.leaky_relu(x, 0.2, inplace=True),
    "leaky module": nn.LeakyReLU(0.1, inplace=True),
    "default slope": lambda x: functional.leaky_relu(x, inplace=True),
    "relu": functional.relu,
    "leaky": lambda x: functional.leaky_relu(x, 0.2),
    "negated": lambda x: -x,
    "both": lambda x: torch.cat([x, functional.relu(x, inplace=True)], 1),
    "kept": lambda x: x + functional.leaky_relu(x, 0.2, inplace=False),
    "shape first": lambda x: functional.relu(x, inplace=True) if x.shape[0] else x,
    "NumPy": lambda x: torch.from_numpy(x.numpy() * 2),
    "view": lambda x: functional.relu(x[:, :8], inplace=True),
    "nothing": lambda x: x,
    "of another": lambda x: (functional.relu(torch.ones(3) - 2, inplace=True), x)[1],
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("size", [1, 3])
def test_what_comes_behind(name: str, size: int) -> None:
    layer = random_layer(32, 16, size, bias=name != "nothing")
    check(lambda x: ACTIVATIONS[name](layer(x)), image(1, 32, 13, 10))


def test_two_in_a_row_and_the_same_layer_twice() -> None:
    first, second = random_layer(16, 16, padding=1), random_layer(16, 32, 1)
    check(lambda x: second(first(first(x))), image(1, 16, 12, 12))


@pytest.mark.parametrize(
    "layer",
    [
        random_layer(16, 16, stride=2),
        random_layer(16, 16, dilation=2),
        random_layer(32, 32, groups=2),
        random_layer(16, 16, padding=(1, 0)),
        random_layer(16, 16, padding="same"),
        random_layer(16, 16, 5),
        random_layer(16, 16, 1, padding=1),
        random_layer(8, 16),
        random_layer(16, 20),
    ],
    ids=str,
)
def test_what_does_not_fit_is_pytorchs(layer: nn.Conv2d) -> None:
    x = image(1, layer.in_channels, 12, 14)
    found, convolutions = by_kernels(layer, x)
    assert torch.equal(found, layer(x))
    assert convolutions.taken == 0


def test_filters_made_on_the_way_are_not_kept() -> None:
    weight = torch.rand(16, 16, 3, 3)
    x = image(1, 16, 9, 9)
    found, convolutions = by_kernels(lambda x: functional.conv2d(x, weight), x)
    assert convolutions.taken == 0
    assert torch.equal(found, functional.conv2d(x, weight))


def test_bfloat16_and_double_are_pytorchs() -> None:
    for dtype in (torch.bfloat16, torch.float64):
        _, convolutions = by_kernels(random_layer(16, 16).to(dtype), image(1, 16, 9, 9).to(dtype))
        assert convolutions.taken == 0


def test_not_a_number_stays_one() -> None:
    x = image(1, 16, 12, 12)
    x[0, 3, 6, 6] = float("nan")
    layer = random_layer(16, 16, padding=1)
    found, _ = by_kernels(lambda x: functional.relu(layer(x), inplace=True), x)
    assert bool(found[0, :, 5:8, 5:8].isnan().all())


def test_as_near_to_the_exact_result_as_a_convolution_of_float32() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        *(layer for _ in range(4) for layer in (nn.Conv2d(64, 64, 3, padding=1), nn.LeakyReLU(0.2, inplace=True)))
    ).requires_grad_(False)
    x = image(1, 64, 40, 48)
    found, _ = by_kernels(net, x.clone())
    with torch.inference_mode():
        exact = net.double()(x.double())
    error = float((found - exact).square().mean().sqrt() / exact.square().mean().sqrt())
    assert error < 1e-6  # PyTorch's own is about half of that


def test_threads_share_an_image() -> None:
    layer, x = random_layer(64, 32, padding=1), image(1, 64, 90, 110)
    alone, _ = by_kernels(layer, x)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        together, _ = by_kernels(layer, x)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(alone, together)


class Wide(Small):
    """Most of its multiplications are in a convolution of many channels."""

    name = "wide"
    padding = None
    radius = 2

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        torch.manual_seed(0)
        self.net = nn.Sequential(
            nn.Conv2d(2, 32, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(inplace=True), nn.Conv2d(32, 1, 1), nn.Sigmoid(),
        )  # fmt: skip


def test_bands_of_a_local_method_are_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "has_one_heap", lambda: True)
    calls: list[int] = []
    monkeypatch.setattr(winograd, "in_strips", lambda *args: calls.append(1) or in_strips(*args))
    fuser, pair = Fuser(Wide()), random_pair((90, 61), 0)
    inputs = fuser.prepare([pair])
    wanted = fuser.compute(*inputs)
    fuser.network = WinogradNetwork(fuser.method)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        found = fuser.compute(*inputs)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert float((found - wanted).abs().max()) <= CLOSE
    assert calls == [1]


@pytest.mark.parametrize("wanted", ["auto", "winograd"])
def test_a_run_takes_it_where_it_gains(wanted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_cpu_seconds", gaining)
    fuser = Fuser(Wide())
    use_runtime(fuser, wanted)
    assert fuser.runtime.startswith("winograd, numba ")
    assert fuser.runtime_reason == ""
    for seed, size in enumerate([(48, 64), (47, 63), (33, 120)]):
        pair = random_pair(size, seed)
        off = np.abs(fuser.fuse_pair(*pair).astype(int) - Fuser(Wide()).fuse_pair(*pair))
        assert off.max() <= 1


def gaining(fuser: Fuser, _: Any) -> float:
    return 1.0 if fuser.network is None else 0.5


def test_a_choice_is_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(runtime, "RUNTIME_PACKAGES", {"winograd": "numba"})
    monkeypatch.setattr(runtime, "_cpu_seconds", lambda fuser, _: 0.25)
    for _ in range(2):
        fuser = Fuser(Wide())
        use_runtime(fuser, "auto", "slow")
        assert (fuser.runtime, fuser.network) == ("torch", None)
        assert fuser.runtime_reason == "winograd: a probe pair took 250 ms of CPU time, and 250 in PyTorch"
        monkeypatch.setattr(runtime, "_cpu_seconds", gaining)
    use_runtime(Fuser(Wide()), "auto", "fast")
    monkeypatch.setattr(runtime, "_try", lambda *_: pytest.fail("chosen again"))
    fuser = Fuser(Wide())
    use_runtime(fuser, "auto", "fast")
    assert fuser.runtime.startswith("winograd")
    assert isinstance(fuser.network, WinogradNetwork)


def test_without_a_cache_nothing_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(runtime, "_cpu_seconds", gaining)
    fuser = Fuser(Wide())
    use_runtime(fuser, "auto", "key")
    assert fuser.runtime.startswith("winograd")


def test_a_network_of_few_channels_stays_with_pytorch() -> None:
    with pytest.raises(BenchError, match=r"small: --runtime winograd: no convolution gains by it; give --runtime auto"):
        use_runtime(Fuser(Small()), "winograd")


def test_without_numba_it_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (runtime, deploy):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(BenchError, match=r"winograd needs numba; .*pip install 'ivif-bench\[fast\]'"):
        use_runtime(Fuser(Wide()), "winograd")
    fuser = Fuser(Wide())
    use_runtime(fuser, "auto")
    assert fuser.runtime == "torch"
    assert "numba is not installed" in fuser.runtime_reason
    assert "openvino is not installed" in fuser.runtime_reason


def test_the_passport_offers_it() -> None:
    fuser = Fuser(Wide())
    inputs = [fuser.prepare([random_pair((48, 40), 0)])]
    assert "winograd" in FORMS
    with in_form(fuser, "winograd", inputs):
        assert isinstance(fuser.network, WinogradNetwork)
        fuser.compute(*inputs[0])
    assert fuser.network is None
