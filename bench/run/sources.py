"""Where a label's images come from: a method with its weights, or a folder of ready images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.types import Way

if TYPE_CHECKING:
    from bench.fusion.harness import Fuser


@dataclass(frozen=True)
class MethodSource:
    """Where a label's images come from: a method with its weights, or a folder of ready images.

    Attributes:
        name: the method's registered name; empty for a folder.
        folder: ready fused images, ``<pair>.*`` or ``<dataset>/<pair>.*``.
        weights: the safetensors file of a learned method.
        key: digest of code, weights and way, part of each fused image's fingerprint.
    """

    name: str
    key: str
    way: Way = "published"
    precision: Literal["exact", "fast"] = "exact"
    compile: Literal["never", "auto"] = "never"
    device: str = "cpu"
    seed: int = 0
    weights: Path | None = None
    folder: Path | None = None


@lru_cache(maxsize=1)
def load_fuser(source: MethodSource) -> Fuser:
    """The method of a source, built once per process and kept until another one is asked for."""
    from bench.fusion.harness import Fuser
    from bench.plugin.kinds import METHODS

    method = METHODS.get(source.name)(source.weights, source.device)
    return Fuser(method, way=source.way, seed=source.seed, precision=source.precision)
