"""Exact means exact: no TF32 while images are fused, evaluated or timed, or trained in float32."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.errors import BenchError
from bench.fusion.harness import Fuser
from bench.machine import exact_arithmetic
from bench.plugin.method import Method, MethodInfo
from bench.train.precision import autocast, pick_precision


def flags() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.fixture(autouse=True)
def _as_pytorch_starts() -> object:
    """TF32 allowed, as on a GPU; put back afterwards."""
    before = flags()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


class Watching(Method):
    """Notes what is allowed while it fuses."""

    name = "watching"
    info = MethodInfo(title="Watching", year=2026, paper="none", licence="MIT")

    def __init__(self) -> None:
        super().__init__(None, "cpu")
        self.net, self.seen = nn.Conv2d(2, 1, 3, padding=1), [flags()]

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        self.seen.append(flags())
        return self.net(torch.cat([ir, vis], 1)).sigmoid()


def exact_fusing() -> tuple[bool, bool]:
    method = Watching()
    image = np.full((16, 16), 7, np.uint8)
    Fuser(method, precision="exact").fuse_pair(image, image)
    return method.seen[-1]


def exact_context() -> tuple[bool, bool]:
    with exact_arithmetic():
        return flags()


def float32_training() -> tuple[bool, bool]:
    with autocast("float32", "cpu"):
        return flags()


def small_images_in_bfloat16() -> tuple[bool, bool]:
    with autocast("bfloat16", "cpu", (32, 32)):
        return flags()


def nested() -> tuple[bool, bool]:
    with exact_arithmetic():
        with exact_arithmetic():
            pass
        return flags()


@pytest.mark.parametrize(
    "where", [exact_fusing, exact_context, float32_training, small_images_in_bfloat16, nested], ids=lambda f: f.__name__
)
def test_tf32_is_off_within_and_as_before_afterwards(where: Callable[[], tuple[bool, bool]]) -> None:
    assert where() == (False, False)
    assert flags() == (True, True)


def test_an_error_within_puts_the_flags_back() -> None:
    with pytest.raises(ValueError, match="within"), exact_arithmetic():
        raise ValueError("within")
    assert flags() == (True, True)


@pytest.mark.parametrize("word", ["half", "bfloat16", "tf32", "", "Float32"])
def test_trainings_know_two_words(word: str) -> None:
    with pytest.raises(BenchError, match="--train-precision is"):
        pick_precision(word, "cpu")


SWITCHES = ("", "cudnn", "cuda.matmul", "cudnn.conv", "cudnn.rnn", "mkldnn.matmul", "mkldnn.conv", "mkldnn.rnn")


def switches() -> dict[str, str]:
    """What PyTorch's newer switches say, each by itself or for those that inherit from it."""
    return {name: attrgetter(f"{name}.fp32_precision".lstrip("."))(torch.backends) for name in SWITCHES}


def say(name: str, word: str) -> Callable[[], None]:
    return lambda: setattr(attrgetter(name)(torch.backends) if name else torch.backends, "fp32_precision", word)


@pytest.fixture
def put_back() -> Iterator[None]:
    """All switches, old and new, as they are in a fresh process."""
    yield
    for name in SWITCHES:
        say(name, "none")()
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = True


@pytest.mark.skipif(not hasattr(torch.backends, "fp32_precision"), reason="PyTorch has the older switches only")
@pytest.mark.parametrize(
    "ask",
    [
        lambda: torch.set_float32_matmul_precision("high"),
        lambda: torch.set_float32_matmul_precision("medium"),  # bfloat16 on processors that have it
        say("", "tf32"),
        say("cudnn", "tf32"),
        say("cuda.matmul", "tf32"),
        say("cudnn.conv", "ieee"),
        say("cudnn.rnn", "tf32"),
        say("mkldnn.matmul", "bf16"),
        say("mkldnn.conv", "bf16"),
    ],
    ids=["high", "medium", "all", "cudnn", "cuda.matmul", "cudnn.conv", "cudnn.rnn", "mkldnn.matmul", "mkldnn.conv"],
)
@pytest.mark.usefixtures("put_back")
def test_what_the_process_around_allows_is_not_heard(ask: Callable[[], None]) -> None:
    """Also where PyTorch refuses to read its older switches, since the newer ones contradict them."""
    generator = torch.Generator().manual_seed(3)
    a, b = torch.randn(256, 256, generator=generator), torch.randn(256, 256, generator=generator)
    product = a @ b
    ask()
    before = switches()
    with exact_arithmetic():
        assert set(switches().values()) <= {"none", "ieee"}
        assert flags() == (False, False)
        assert torch.equal(a @ b, product)
    assert switches() == before
