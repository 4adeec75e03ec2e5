"""Exact means exact: no TF32 while images are fused, evaluated or timed, or trained in float32."""

from __future__ import annotations

from collections.abc import Callable

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
