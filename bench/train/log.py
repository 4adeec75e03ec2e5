"""What a training writes while it runs: JSON lines, TensorBoard events where installed, a plot of the losses."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.files import write_atomic


class TrainingLog:
    """``log.jsonl``, ``tensorboard/`` and ``losses.png`` in a training's folder.

    A line holds ``step``, ``phase``, ``seconds``, ``steps_per_s`` and the mean of every value since the line before.
    """

    def __init__(self, out: Path, first_step: int, tensorboard: bool | None = None) -> None:
        """Opens the log; lines past ``first_step`` (written after the last checkpoint) are dropped.

        Args:
            out: the training's folder.
            first_step: steps done so far.
            tensorboard: None writes events if the package is installed.
        """
        self.path = out / "log.jsonl"
        self.lines: list[dict[str, Any]] = [line for line in read_log(self.path) if line["step"] <= first_step]
        write_atomic(self.path, "".join(json.dumps(line) + "\n" for line in self.lines).encode())
        wanted = find_spec("tensorboard") is not None if tensorboard is None else tensorboard
        self._writer = _event_writer(out / "tensorboard", first_step) if wanted else None

    def add(self, line: Mapping[str, Any]) -> None:
        """Appends one line."""
        self.lines.append(dict(line))
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if self._writer is not None:
            for key, value in line.items():
                if isinstance(value, float):
                    self._writer.add_scalar(f"{line['phase']}/{key}", value, line["step"])

    def close(self) -> None:
        """Flushes the events and draws the plot."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self.lines:
            write_atomic(self.path.with_name("losses.png"), plot_losses(self.lines))


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a ``log.jsonl``; none if there is no file, and a half-written last line is left out."""
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            lines.append(line)
    return lines


def _event_writer(folder: Path, first_step: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its dependencies warn of their own deprecations on import
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(folder), purge_step=first_step + 1)


NOT_LOSSES = frozenset({"step", "seconds", "steps_per_s", "lr"})


def plot_losses(lines: Sequence[Mapping[str, Any]]) -> bytes:
    """One panel per value over all steps, phases shaded in turn; PNG bytes."""
    import io

    from matplotlib.figure import Figure

    names = sorted({key for line in lines for key, value in line.items() if isinstance(value, float)} - NOT_LOSSES)
    figure = Figure(figsize=(9, 2.2 * max(1, len(names))), layout="constrained")
    panels = figure.subplots(max(1, len(names)), 1, sharex=True, squeeze=False)[:, 0]
    for panel, name in zip(panels, names, strict=False):
        points = [(line["step"], line[name]) for line in lines if name in line]
        panel.plot(*zip(*points, strict=True), color="#1f4e79", linewidth=1, marker="." if len(points) < 30 else "")
        panel.set_ylabel(name)
        for index, (start, end) in enumerate(_phase_spans(lines)):
            if index % 2:
                panel.axvspan(start, end, color="0.92", zorder=0)
    panels[-1].set_xlabel("step (shaded in turn: phases)")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def _phase_spans(lines: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    phase, start, last = None, 0, 0
    for line in lines:
        if line["phase"] != phase:
            if phase is not None:
                spans.append((start, last))
            phase, start = line["phase"], last
        last = line["step"]
    spans.append((start, last))
    return spans
