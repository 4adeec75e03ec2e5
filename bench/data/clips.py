"""Two videos, or two folders of frames, as pairs of frames that are read one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from bench.colour import resize
from bench.data.pairs import read_pair
from bench.errors import BenchError
from bench.types import Image, PairFiles
from bench.videos import VideoReader

USUAL_RATE = 25.0
"""Frames a second where nothing says how many there are."""

SAME_RATE = 0.005
"""Rates this close, as a share, are one: 29.97 and 30 differ by a frame in half a minute."""

NEAR_GREY = 8
"""Levels that channels of infrared may differ by and still be one channel: codecs keep colour apart, and lose some."""

SAME_SHAPE = 0.01
"""Ratios of width to height this close are one."""


class FramePair(NamedTuple):
    """One moment: ``ir`` uint8 (H, W) or (H, W, 3), ``vis`` uint8 (H, W) or (H, W, 3) RGB."""

    ir: Image
    vis: Image


class Clip(Protocol):
    """Pairs of frames in order, for one pass."""

    @property
    def rate(self) -> float:
        """Pairs a second."""
        ...

    @property
    def total(self) -> int:
        """How many there should be; 0 where nobody knows."""
        ...

    @property
    def notes(self) -> list[str]:
        """What was done with sources that do not fit each other, a line each; complete after the pass."""
        ...

    def __iter__(self) -> Iterator[FramePair]:
        """Reads the pairs."""
        ...


@dataclass
class FolderClip:
    """The pairs of two folders as a clip, in natural order of their names."""

    pairs: tuple[PairFiles, ...]
    rate: float = USUAL_RATE
    notes: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Pairs."""
        return len(self.pairs)

    def __iter__(self) -> Iterator[FramePair]:
        """Reads the pairs; one that cannot be read ends the clip with its error."""
        for files in self.pairs:
            pair = read_pair(files)
            yield FramePair(pair.ir, pair.vis)


class VideoClip:
    """Two videos as a clip.

    The slower one leads: each of its frames goes with the frame of the other that is nearest in time, both counted from
    their beginnings. It ends with the shorter. An infrared video of another size, but of the same shape, is resized to
    the visible one (bilinear). Of cameras and streams the newest frames go together.
    """

    def __init__(self, ir: VideoReader, vis: VideoReader, rate: float = 0.0) -> None:
        """Compares the two.

        Args:
            ir: the infrared video.
            vis: the visible one.
            rate: frames a second of both, in place of what the files say; 0 takes theirs.

        Raises:
            BenchError: their shapes differ.
        """
        self.ir, self.vis, self.notes = ir, vis, list[str]()
        self.rates = self._rates(rate)
        self.rate = min(self.rates)
        self._compare_sizes()
        self.total = self._compare_lengths()

    def _rates(self, given: float) -> tuple[float, float]:
        if given:
            return given, given
        stated = [reader.rate for reader in (self.ir, self.vis)]
        known = [rate for rate in stated if rate] or [USUAL_RATE]
        ir, vis = (rate or known[0] for rate in stated)
        if self.ir.live or self.vis.live:  # the newest of both is taken, as fast as frames are fused
            return min(ir, vis), min(ir, vis)
        if abs(ir - vis) <= SAME_RATE * max(ir, vis):
            return vis, vis
        slow, fast = (self.vis, self.ir) if ir > vis else (self.ir, self.vis)
        self.notes.append(
            f"{self.ir.source} runs at {ir:g} and {self.vis.source} at {vis:g} frames/s: each frame of {slow.source} "
            f"is fused with the nearest in time of {fast.source}"
        )
        return ir, vis

    def _compare_sizes(self) -> None:
        ir, vis = self.ir, self.vis
        if (ir.height, ir.width) == (vis.height, vis.width):
            return
        text = f"{ir.source} is {ir.width}x{ir.height} and {vis.source} {vis.width}x{vis.height} pixels"
        if abs(ir.width / ir.height * vis.height / vis.width - 1) > SAME_SHAPE:
            raise BenchError(f"{text}, wanted one shape: their views cannot be the same; crop and register them first")
        self.notes.append(f"{text}: infrared is resized to the visible size (bilinear)")

    def _compare_lengths(self) -> int:
        """Pairs that there should be, in frames of the slower video."""
        counts = self.ir.count, self.vis.count
        if not all(counts):
            return 0
        lasting = [round(count * self.rate / rate) for count, rate in zip(counts, self.rates, strict=True)]
        if lasting[0] != lasting[1]:
            longer = self.ir if lasting[0] > lasting[1] else self.vis
            self.notes.append(
                f"{self.ir.source} has {counts[0]} frames and {self.vis.source} {counts[1]}: the last "
                f"{abs(lasting[0] - lasting[1]) / self.rate:.2f} s of {longer.source} are left out"
            )
        return min(lasting)

    def __iter__(self) -> Iterator[FramePair]:
        """Reads both side by side; only the frames of one moment are held."""
        sides = [_AtTime(reader, rate) for reader, rate in zip((self.ir, self.vis), self.rates, strict=True)]
        done = 0
        while all(frames := [side.at(done / self.rate) for side in sides]):
            (ir,), (vis,) = frames
            ir, same = _one_channel(ir), ir.shape[:2] == vis.shape[:2]
            yield FramePair(ir if same else resize(ir, vis.shape[:2], "opencv"), vis)
            done += 1
        if self.total and done < self.total:
            self.notes.append(f"{done} of {self.total} frames could be decoded; the rest is left out")


def _one_channel(ir: Image) -> Image:
    """The luma of infrared that a codec gave a trace of colour; false colours stay as they are."""
    if ir.ndim == 2 or int((ir.max(axis=2) - ir.min(axis=2)).max()) > NEAR_GREY:
        return ir
    return np.asarray(cv2.cvtColor(ir, cv2.COLOR_RGB2GRAY), np.uint8)


class _AtTime:
    """The frame of a video that is nearest to a time; times grow from call to call."""

    def __init__(self, reader: VideoReader, rate: float) -> None:
        self.frames, self.rate, self.number = iter(reader), rate, -1
        self.frame: list[Image] = []

    def at(self, seconds: float) -> list[Image]:
        """The frame, alone in a list; an empty one after the end."""
        wanted = int(seconds * self.rate + 0.5)
        while self.number < wanted:
            self.frame = [frame] if (frame := next(self.frames, None)) is not None else []
            self.number += 1
        return self.frame
