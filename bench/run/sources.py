"""Where a label's images come from: a method with its weights, or a folder of ready images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.types import Runtime, Way

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
    runtime: Runtime = "torch"
    device: str = "cpu"
    seed: int = 0
    weights: Path | None = None
    folder: Path | None = None


def runtime_in_words(fuser: Fuser) -> str:
    """What its networks compute on, and why not on what was asked for."""
    return f"{fuser.runtime}: {fuser.runtime_reason}" if fuser.runtime_reason else fuser.runtime


@lru_cache(maxsize=1)
def load_fuser(source: MethodSource) -> Fuser:
    """The method of a source, built once per process and kept until another one is asked for."""
    from bench.fusion.harness import Fuser
    from bench.plugin.kinds import METHODS

    method = METHODS.get(source.name)(source.weights, source.device)
    fuser = Fuser(method, way=source.way, seed=source.seed, precision=source.precision)
    if source.runtime != "torch":
        from bench.fusion.runtime import use_runtime

        use_runtime(fuser, source.runtime, source.key)
    return fuser
