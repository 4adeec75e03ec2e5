"""What a training will cost: a few of its steps, measured on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from bench.machine import in_words
from bench.memory import retained_memory
from bench.train.clock import clock
from bench.train.loop import Phase, State

STEPS = 2
"""Steps of a kind that are timed, after one that is not; fewer once they have taken ``ENOUGH_S``."""

ENOUGH_S = 5.0


def seconds_per_step(step: Callable[[int, State], object], state: State, device: torch.device) -> float:
    """Mean seconds of a step after a first one that warms up; the state is changed."""
    with retained_memory():
        step(0, state)
        start, done = clock(device), 0
        while done < STEPS and (not done or clock(device) - start < ENOUGH_S):
            done += 1
            step(done, state)
        return (clock(device) - start) / done


def phases_in_words(
    phases: Sequence[Phase],
    state: State,
    device: torch.device,
    kind: Callable[[Phase], str] = lambda phase: phase.name,
    entry_factor: float = 1.0,
) -> tuple[str, str]:
    """Runs a few steps of each kind of phase and reckons what all of them take.

    Args:
        phases: of a freshly built training, which is of no use afterwards.
        state: its state.
        device: its device.
        kind: phases of one kind have steps of equal cost.
        entry_factor: how many times longer the real training needs to enter a phase, e.g. because it has more images.

    Returns:
        The whole duration, and a line for each kind and one for the numbers of steps.
    """
    total, timed = 0.0, dict[str, tuple[float, float]]()
    for phase in phases:
        name = kind(phase)
        if name not in timed:
            before = clock(device)
            for enter in (phase.begin, phase.prepare):
                if enter is not None:
                    enter(state)
            entry = clock(device) - before
            timed[name] = entry, seconds_per_step(phase.step, state, device)
        entry, step = timed[name]
        total += entry * entry_factor + step * phase.steps
    lines = [f"  {name}: {step:.3f} s a step" for name, (_, step) in timed.items()]
    lines.append("  steps: " + ", ".join(f"{phase.name} {phase.steps}" for phase in phases))
    return in_words(total), "\n".join(lines)
