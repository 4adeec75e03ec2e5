"""What the contract of methods is checked on: a method with random weights, and random images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from bench.fusion.harness import Fuser
from bench.plugin.method import Method
from bench.types import Image, Way

SIZE = (48, 40)


@dataclass(frozen=True)
class Subject:
    """The class under test, and what the checks share.

    Attributes:
        cls: the method's class.
        way: how images are read and written in this round.
    """

    cls: type[Method]
    way: Way = "published"

    @cached_property
    def fuser(self) -> Fuser:
        """The method with random weights in the harness."""
        return Fuser(self.cls(None, "cpu"), way=self.way)

    @cached_property
    def inputs(self) -> tuple[Tensor, Tensor]:
        """Two pairs as tensors, as the harness gives them."""
        return self.fuser.prepare([random_pair(self.size(SIZE), seed) for seed in (0, 1)])

    def size(self, wanted: tuple[int, int]) -> tuple[int, int]:
        """Height and width, but no smaller than the method allows."""
        height, width = (max(length, self.cls.smallest) for length in wanted)
        return height, width

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """One direct call, seeded where the method draws random numbers."""
        if self.cls.stochastic:
            torch.manual_seed(0)
        with torch.inference_mode():
            return self.fuser.method.fuse(ir, vis)


Check = Callable[[Subject], Iterator[str]]


def random_pair(size: tuple[int, int], seed: int) -> tuple[Image, Image]:
    """Smooth blobs plus noise, full range: infrared (H, W) and visible (H, W, 3), uint8."""
    generator = np.random.default_rng(seed)
    rows, columns = (np.arange(length)[:, None] for length in size)

    def plane() -> np.ndarray:
        waves = sum(
            np.sin(rows / generator.uniform(2, 20) + generator.uniform(0, 6))
            * np.sin(columns.T / generator.uniform(2, 20) + generator.uniform(0, 6))
            for _ in range(4)
        ) + generator.normal(0, 0.1, size)
        return (255 * (waves - waves.min()) / np.ptp(waves)).astype(np.uint8)

    return plane(), np.stack([plane() for _ in range(3)], axis=-1)
