"""What a training step does on this GPU: whether the host ever waits in it, its pace and memory, with TF32 and without.

The steps are those of every method that can be trained here, at the paper's sizes, on made pairs of 640x480 with
labels; nothing is kept of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as PillowImage

from bench.errors import BenchError
from bench.machine import describe_machine, product_arithmetic
from bench.plugin.kinds import METHODS
from bench.plugin.method import Preset, TrainableMethod, TrainRequest
from bench.train.clock import clock
from bench.train.loop import Phase, State
from bench.types import PairFiles

WARM_UP, STEPS = 3, 20
"""Steps before the clock starts, and steps that are timed."""
CLASSES = tuple(f"class {number}" for number in range(9))
OPTIONS = {
    "seafusion": (("random_backbone", "true"),),
    "ifcnn": (("fetch", "0"), ("random_features", "1")),
    "u2fusion": (("fetch", "0"), ("random_features", "1")),
}  # fmt: skip
"""Values do not matter here, so that nothing is downloaded."""


@dataclass(frozen=True, slots=True)
class Pace:
    """One kind of step.

    Attributes:
        method: whose training.
        phase: which part of it.
        steps_per_s: in float32; NaN where the step failed.
        steps_per_s_tf32: with TF32 allowed.
        memory_mb: most that PyTorch held at once.
        waits: what made the host wait, or why the step failed; empty if nothing.
    """

    method: str
    phase: str
    steps_per_s: float
    steps_per_s_tf32: float
    memory_mb: float
    waits: str = ""

    def line(self) -> str:
        """As a row of the table in docs/scaling.md."""
        numbers = f"{self.steps_per_s:.2f} | {self.steps_per_s_tf32:.2f} | {self.memory_mb:.0f}"
        return f"| {self.method}, {self.phase} | {numbers} | {self.waits or 'none'} |"


HEAD = ("| step | steps/s | with TF32 | peak memory (MB) | waits of the host |", "|---|---|---|---|---|")


def require_gpu() -> str:
    """The GPU in words.

    Raises:
        BenchError: PyTorch can compute on none here.
    """
    if not torch.cuda.is_available():
        built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
        raise BenchError(
            f"no GPU that PyTorch {torch.__version__} ({built}) can compute on; nothing was measured. Install a build "
            "for your driver (https://pytorch.org), or run this on a machine that has one"
        )
    machine = describe_machine()
    return f"{machine.gpu}, PyTorch {machine.torch}, CUDA {machine.cuda}"


def paces(
    device: str, methods: Sequence[str] = (), preset: Preset = "paper", size: tuple[int, int] = (480, 640),
    steps: int = STEPS,
) -> Iterator[Pace]:  # fmt: skip
    """Times the steps of trainings, one kind after the other.

    Args:
        device: torch device.
        methods: names; empty for all that can be trained here.
        preset: whose sizes.
        size: height and width of the made pairs.
        steps: timed of each kind.
    """
    with tempfile.TemporaryDirectory() as folder:
        pairs = _made_pairs(Path(folder), size)
        for name in methods or [name for name in METHODS.names() if issubclass(METHODS.get(name), TrainableMethod)]:
            request = TrainRequest(
                dataset="made", pairs=pairs, preset=preset, out=Path(folder) / name, device=device, classes=CLASSES,
                options=OPTIONS.get(name, ()),
            )  # fmt: skip
            yield from _of_method(name, request, steps)


def _of_method(name: str, request: TrainRequest, steps: int) -> Iterator[Pace]:
    trainer: Any = METHODS.get(name).trainer()  # type: ignore[attr-defined]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(request.seed)
        phases, state = trainer.phases(request)
        seen: set[str] = set()
        for phase in phases:
            kind = phase.name.partition(": ")[2] or phase.name
            if kind not in seen:
                seen.add(kind)
                yield _pace(name, kind, phase, state, torch.device(request.device), steps)


def _pace(name: str, kind: str, phase: Phase, state: State, device: torch.device, steps: int) -> Pace:
    try:
        for enter in (phase.begin, phase.prepare):
            if enter is not None:
                enter(state)
        exact, waits = _timed(phase, state, device, steps, tf32=False)
        fast, _ = _timed(phase, state, device, steps, tf32=True)
    except (BenchError, RuntimeError) as error:  # out of memory, an operation that the device lacks
        return Pace(name, kind, np.nan, np.nan, np.nan, " ".join(str(error).split())[:160])
    memory = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else np.nan
    return Pace(name, kind, exact, fast, memory, waits)


def _timed(phase: Phase, state: State, device: torch.device, steps: int, tf32: bool) -> tuple[float, str]:
    """Steps per second, and what made the host wait in one of them."""
    with product_arithmetic(tf32):
        for number in range(WARM_UP):
            phase.step(number, state)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        waits = _waits(phase, state, device)
        start = clock(device)
        for number in range(steps):
            phase.step(WARM_UP + number, state)
        return steps / max(clock(device) - start, 1e-9), waits


def _waits(phase: Phase, state: State, device: torch.device) -> str:
    """What PyTorch refuses in a step as long as the host may not wait for the device; empty if nothing."""
    if device.type != "cuda":
        return ""
    torch.cuda.set_sync_debug_mode("error")
    try:
        phase.step(WARM_UP, state)
    except RuntimeError as error:
        return " ".join(str(error).split())[:160]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return ""


def _made_pairs(folder: Path, size: tuple[int, int], count: int = 16) -> tuple[PairFiles, ...]:
    """Pairs of noise over a slope, with labels of every class."""
    random = np.random.default_rng(0)
    slope = np.linspace(20, 200, size[1])[None, :, None]
    labels = folder / "labels.png"
    PillowImage.fromarray(random.integers(0, len(CLASSES), size, dtype=np.uint8)).save(labels)
    found = []
    for number in range(count):
        ir, vis = folder / f"ir{number}.png", folder / f"vis{number}.png"
        noise = random.normal(0, 10, (*size, 3))
        PillowImage.fromarray(np.clip(slope + noise, 0, 255).astype(np.uint8)).save(vis)
        PillowImage.fromarray(np.clip(220 - slope[..., 0] + noise[..., 0], 0, 255).astype(np.uint8)).save(ir)
        found.append(PairFiles("made", "train", str(number), ir, vis, labels))
    return tuple(found)
