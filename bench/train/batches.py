"""Which samples belong to which step: a pure function of seed and step, so that a resumed training is the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError


@dataclass(slots=True)
class Batches:
    """The samples of every step.

    Each epoch is one permutation of all samples cut into whole batches; what is left over is dropped, as PyTorch's
    ``drop_last`` does. Fewer samples than a batch: permutations are strung together until the batch is full.

    Attributes:
        count: samples in the set.
        batch: samples per step.
        seed: of the permutations.
        shuffle: False takes the samples in order.
    """

    count: int
    batch: int
    seed: int = 0
    shuffle: bool = True
    _epoch: tuple[int, NDArray[np.int64]] = field(default=(-1, np.empty(0, np.int64)), repr=False)

    def __post_init__(self) -> None:
        if self.count < 1 or self.batch < 1:
            raise BenchError(
                f"a training set of {self.count} samples in batches of {self.batch}, wanted at least one each"
            )

    @property
    def per_epoch(self) -> int:
        """Steps per epoch."""
        return max(1, self.count // self.batch)

    def indices(self, step: int) -> NDArray[np.int64]:
        """The samples of one step, int64 (batch,)."""
        epoch, place = divmod(step, self.per_epoch)
        if self._epoch[0] != epoch:
            self._epoch = (epoch, self._order(epoch))
        return self._epoch[1][place * self.batch : (place + 1) * self.batch]

    def _order(self, epoch: int) -> NDArray[np.int64]:
        rounds = max(1, -(-self.batch // self.count))
        if not self.shuffle:
            return np.tile(np.arange(self.count), rounds)
        random = np.random.default_rng([self.seed, epoch])
        return np.concatenate([random.permutation(self.count) for _ in range(rounds)])


def step_generator(seed: int, step: int, stream: int = 0) -> np.random.Generator:
    """The random numbers of one step; ``stream`` keeps several uses of one step apart."""
    return np.random.default_rng([seed, stream, step])


def polynomial_rate(rate: float, share: float, power: float) -> float:
    """``rate`` (1 - share)^power: the poly schedule; 0 from the last step on, whatever step is asked for.

    Args:
        rate: at the start.
        share: of the steps that are done, 0 or more; above 1 is after the end.
        power: of the decay.
    """
    return rate * (1 - min(1.0, share)) ** power


def set_learning_rate(optimiser: Any, rate: float) -> None:
    """Sets every group's rate to ``rate`` times its own ``lr_scale`` (1 where it has none)."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("lr_scale", 1.0)
