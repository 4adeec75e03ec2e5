"""The training loop: phases of seeded steps over one state that is saved whole, so that it resumes at any step.

Resuming gives the same weights as never stopping (bit for bit on a CPU), since everything random is a function of the
seed and the step, learning rates are functions of the step, and the state holds every module and optimiser.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.errors import BenchError
from bench.files import write_atomic
from bench.memory import retained_memory
from bench.train.log import TrainingLog

CHECKPOINT = "checkpoint.pt"
RECORD = "training.json"
CHECKPOINT_SECONDS = 60.0
"""Time between checkpoints."""


class TrainingStopped(BenchError):  # noqa: N818 - named for what it says
    """The training stopped where it was asked to; the same call resumes it."""


@dataclass(slots=True)
class State:
    """All that a training carries from step to step.

    Attributes:
        modules: networks by name.
        optimisers: by name; a phase may replace one in its ``begin``.
        schedulers: by name, for trainings that step one (a rate set from the step number needs none).
        step: optimiser steps done, over all phases.
        seconds: time spent in steps, over all attempts.
        notes: further facts to keep, plain JSON values.
    """

    modules: dict[str, nn.Module]
    optimisers: dict[str, Any] = field(default_factory=dict)
    schedulers: dict[str, Any] = field(default_factory=dict)
    step: int = 0
    seconds: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict)

    def parts(self) -> Iterator[tuple[str, Any]]:
        """Everything with a ``state_dict``, by a unique name."""
        for kind in ("modules", "optimisers", "schedulers"):
            for name, part in getattr(self, kind).items():
                yield f"{kind}.{name}", part


@dataclass(frozen=True, slots=True)
class Phase:
    """A run of equal steps.

    Attributes:
        name: for logs and progress.
        steps: how many.
        step: called with the phase's own step number (from 0) and the state; makes one optimiser step and returns
            the values to log, as scalars on any device (they are read only when a line is written).
        begin: called once before the first step, and again before a checkpoint inside this phase is loaded; makes
            what belongs to the phase anew (a fresh optimiser, say).
        prepare: called whenever the phase is entered, also on resume, after the state is whole; makes what is
            derived from it (the fused training set, modes and frozen parameters, compiled functions).
    """

    name: str
    steps: int
    step: Callable[[int, State], Mapping[str, Tensor]]
    begin: Callable[[State], None] | None = None
    prepare: Callable[[State], None] | None = None


@dataclass(frozen=True, slots=True)
class Logging:
    """How a training is logged.

    Attributes:
        every: steps between log lines, each of which waits for the device once.
        tensorboard: None writes events if the package is installed.
    """

    every: int = 20
    tensorboard: bool | None = None


LOGGING = Logging()


def run_phases(
    state: State,
    phases: Sequence[Phase],
    out: Path,
    *,
    signature: Mapping[str, Any],
    seed: int,
    stop_after: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    logging: Logging = LOGGING,
) -> None:
    """Runs all phases, from the last checkpoint in ``out`` if there is one.

    Args:
        state: freshly built; it is filled from the checkpoint.
        phases: in order.
        out: folder of checkpoint and logs.
        signature: all settings that the result depends on, plain JSON values; a checkpoint made with others is refused.
        seed: torch's global generators are seeded from it and the step number before every step.
        stop_after: save and stop after this many steps of the whole schedule.
        progress: called with (phase name, steps done, steps in all) at every log line.
        logging: how often lines are written, and where to.

    Raises:
        TrainingStopped: at ``stop_after``; everything is saved.
        BenchError: a loss is not finite, or the checkpoint is of another training or unreadable.
    """
    out.mkdir(parents=True, exist_ok=True)
    signature = json.loads(json.dumps(signature))
    _resume(state, phases, out / CHECKPOINT, signature)
    log = TrainingLog(out, state.step, logging.tensorboard)
    runner = _Runner(state, out, signature, seed, log, logging.every, stop_after, progress)
    try:
        with _generators_kept(), retained_memory():
            runner.run(phases)
    finally:
        log.close()


@dataclass(slots=True)
class _Runner:
    state: State
    out: Path
    signature: Mapping[str, Any]
    seed: int
    log: TrainingLog
    log_every: int
    stop_after: int | None
    progress: Callable[[str, int, int], None] | None
    total: int = 0
    window: dict[str, Tensor] = field(default_factory=dict)
    window_steps: int = 0
    window_start: float = 0.0
    saved_at: float = 0.0

    def run(self, phases: Sequence[Phase]) -> None:
        self.total = sum(phase.steps for phase in phases)
        self.saved_at = time.monotonic()
        first = 0
        for phase in phases:
            if self.state.step < first + phase.steps:
                self._run_phase(phase, first)
            first += phase.steps
        self.save()

    def _run_phase(self, phase: Phase, first: int) -> None:
        self._stop_if_asked()
        if self.state.step == first and phase.begin is not None:
            torch.manual_seed(_mixed(self.seed, first))
            phase.begin(self.state)
        if phase.prepare is not None:
            phase.prepare(self.state)
        self._open_window()
        while self.state.step < first + phase.steps:
            torch.manual_seed(_mixed(self.seed, self.state.step))
            values = phase.step(self.state.step - first, self.state)
            self.state.step += 1
            self._collect(values)
            last = self.state.step == first + phase.steps
            if last or self.state.step % self.log_every == 0 or self.state.step == self.stop_after:
                self._write_line(phase)
                self._stop_if_asked()
                if time.monotonic() - self.saved_at > CHECKPOINT_SECONDS:
                    self.save()

    def _open_window(self) -> None:
        self.window, self.window_steps, self.window_start = {}, 0, time.monotonic()

    def _collect(self, values: Mapping[str, Tensor]) -> None:
        self.window_steps += 1
        for name, value in values.items():
            value = value.detach()
            self.window[name] = self.window[name] + value if name in self.window else value.clone()

    def _write_line(self, phase: Phase) -> None:
        names = list(self.window)
        sums = torch.stack([self.window[name].float() for name in names]).tolist() if names else []
        means = {name: value / self.window_steps for name, value in zip(names, sums, strict=True)}
        seconds = max(time.monotonic() - self.window_start, 1e-9)
        for name, value in means.items():
            if value != value or abs(value) == float("inf"):
                raise BenchError(
                    f"{self.out}: {name} is {value} at step {self.state.step} of {phase.name}; "
                    "remove the folder and train with a smaller learning rate, or check the images"
                )
        self.state.seconds += seconds
        self.log.add({
            "step": self.state.step, "phase": phase.name, **means,
            "seconds": round(self.state.seconds, 3), "steps_per_s": round(self.window_steps / seconds, 3),
        })  # fmt: skip
        if self.progress is not None:
            self.progress(phase.name, self.state.step, self.total)
        self._open_window()

    def _stop_if_asked(self) -> None:
        if self.stop_after is not None and self.state.step >= self.stop_after and self.state.step < self.total:
            self.save()
            raise TrainingStopped(
                f"{self.out}: stopped after step {self.state.step} of {self.total}, as asked; run it again to go on"
            )

    def save(self) -> None:
        """Writes the checkpoint whole or not at all."""
        buffer = io.BytesIO()
        content = {name: part.state_dict() for name, part in self.state.parts()}
        facts = {"step": self.state.step, "seconds": self.state.seconds, "notes": self.state.notes}
        torch.save({"signature": json.dumps(self.signature), "facts": json.dumps(facts), "parts": content}, buffer)
        write_atomic(self.out / CHECKPOINT, buffer.getvalue())
        self.saved_at = time.monotonic()


def _resume(state: State, phases: Sequence[Phase], path: Path, signature: Mapping[str, Any]) -> None:
    if not path.is_file():
        return
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        made_with, facts, parts = json.loads(stored["signature"]), json.loads(stored["facts"]), stored["parts"]
    except Exception as error:
        text = " ".join(str(error).split())[:160]
        raise BenchError(f"{path}: not a readable checkpoint ({text}); remove it to train from the start") from error
    _check_signature(path, made_with, signature)
    first = 0
    for phase in phases:
        if first < facts["step"] <= first + phase.steps and phase.begin is not None:
            phase.begin(state)  # so that optimisers have this phase's shape
        first += phase.steps
    for name, part in state.parts():
        part.load_state_dict(parts[name])
    state.step, state.seconds, state.notes = facts["step"], facts["seconds"], facts["notes"]


def _check_signature(path: Path, seen: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for key in sorted(seen.keys() | wanted.keys()):
        if seen.get(key) != wanted.get(key):
            raise BenchError(
                f"{path}: made with {key} = {_short(seen.get(key))}, this training has {_short(wanted.get(key))}; "
                "remove the folder or choose another one"
            )


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _mixed(seed: int, step: int) -> int:
    return (seed * 1_000_003 + step) % 2**63


@contextmanager
def _generators_kept() -> Iterator[None]:
    """The loop seeds torch's global generators; outside they are as if nothing had happened."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        yield


def completed(out: Path, signature: Mapping[str, Any]) -> bool:
    """True if ``out`` holds the finished training with exactly these settings.

    Raises:
        BenchError: it holds a finished training with other settings.
    """
    path = out / RECORD
    if not path.is_file():
        return False
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BenchError(f"{path}: not readable as JSON ({error}); remove the folder to train again") from error
    _check_signature(path, record.get("signature", {}), json.loads(json.dumps(signature)))
    return True


def write_record(out: Path, signature: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Writes ``training.json``, the sign that a training is finished, and drops its checkpoint.

    Args:
        out: the training's folder; the results lie there already.
        signature: as given to ``run_phases``.
        facts: what else a reader should know: steps, seconds, losses, initial weights, data.
    """
    record = {"signature": dict(signature), **facts}
    write_atomic(out / RECORD, json.dumps(record, indent=2).encode())
    (out / CHECKPOINT).unlink(missing_ok=True)
