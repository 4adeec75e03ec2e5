"""``bench fuse``: one pair, or two folders of images, by the engine of a run and outside any run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.data.pairs import read_pair
from bench.errors import BenchError, describe, is_fatal
from bench.files import write_atomic
from bench.fusion.files import FuseOutcome, Work, list_work
from bench.images import encode_image
from bench.machine import count_cores
from bench.plugin.kinds import METHODS
from bench.run.choose_executor import create_executor
from bench.run.config import RunConfig
from bench.run.plan_methods import device_of, make_source
from bench.run.registering import read_estimate, read_registered, record, warnings
from bench.run.sources import MethodSource, load_fuser
from bench.run.units import Unit
from bench.run.worklist import CHUNK
from bench.types import Image, Pair, PairFiles
from bench.weights.find import resolve

FUSED = "ok"
"""Noted of a pair whose image is written; anything else is why it failed."""

ESTIMATE = ".json"
"""Ends the name of a pair's note of its misalignment."""


@dataclass(frozen=True)
class FilesUnit(Unit):
    """Fuses some pairs into files; ``out`` holds a note of each pair's end, by its number.

    Attributes:
        source: how the images are made.
        pairs: number, pair and the file that it becomes.
        expected: about how many pairs each worker will fuse.
        register: move each infrared image onto the visible one first; ``out`` then holds the estimates as well.
    """

    source: MethodSource
    pairs: tuple[tuple[int, PairFiles, Path], ...]
    expected: int = 0
    register: bool = False

    @property
    def weight(self) -> int:
        """Pairs."""
        return len(self.pairs)

    def run(self) -> None:
        """Fuses the pairs that have not ended; one that fails is noted and the rest goes on."""
        from bench.fusion.stream import fuse_stream

        left = self._left()
        target = {files.key: (number, path) for number, files, path in left}
        numbers = {files.key: number for number, files, _ in left}
        fuse_stream(
            load_fuser(self.source), [files for _, files, _ in left],
            lambda files, result, _: self._keep(*target[files.key], result),
            compile=self.source.compile, expected=self.expected,
            read=partial(self._registered, numbers) if self.register else read_pair,
        )  # fmt: skip

    def _registered(self, numbers: Mapping[tuple[str, str], int], files: PairFiles) -> Pair:
        return read_registered(self.out / f"{numbers[files.key]}{ESTIMATE}", files)

    def _keep(self, number: int, path: Path, result: Image | Exception) -> None:
        try:
            if isinstance(result, Exception):
                raise result
            write_atomic(path, encode_image(result, path.suffix))
        except Exception as error:
            if is_fatal(error):
                raise
            self._note(number, describe(error))
        else:
            self._note(number, FUSED)

    def _note(self, number: int, text: str) -> None:
        write_atomic(self.out / str(number), text.encode())

    def _left(self) -> list[tuple[int, PairFiles, Path]]:
        return [pair for pair in self.pairs if not (self.out / str(pair[0])).is_file()]

    def give_up(self, reason: str) -> list[Unit]:
        """Several pairs: the unfinished ones one by one, to find the culprit; one pair: notes its failure."""
        left = self._left()
        if len(self.pairs) > 1:
            return [replace(self, pairs=(pair,)) for pair in left]
        for number, _, _ in left:
            self._note(number, reason)
        return []


def fuse_command(
    method: str, ir: Path, vis: Path, out: Path, config: RunConfig, progress: Callable[[int, int], None],
    register: bool = False,
) -> FuseOutcome:  # fmt: skip
    """Fuses a pair of files into a file, or two folders into a folder of PNG named as the pairs.

    The pixels are those of a run: the same workers, one computing thread each.

    Args:
        method: registered name, or ``NAME:VARIANT``.
        ir: infrared image, or folder, or ``FOLDER/PATTERN``.
        vis: visible image, or folder, or ``FOLDER/PATTERN``.
        out: file or folder; a folder is created, and a file without ending gets ``.png``.
        config: weights, device, way, precision, compiling, jobs, seed, infrared range and time limit, as of a run.
        progress: called with (done, total).
        register: move each infrared image onto the visible one first, and record by how much; else some pairs are
            looked at, and those that are too far apart named.

    Raises:
        BenchError: unknown method or way, missing weights, a file beside a folder, no pairs, an ending that would lose
            pixels.
    """
    if config.way == "both":
        raise BenchError("--way is 'both', wanted published or plain: bench fuse writes each image once")
    work = list_work(ir.expanduser(), vis.expanduser(), out.expanduser(), config.ir_range)
    cls = METHODS.get(method)
    source = make_source(cls, resolve(cls, config.weights_root).path, config)
    cores = 1 if device_of(config).startswith("cuda") else config.jobs or count_cores()
    workers = max(1, min(cores, -(-len(work.pairs) // CHUNK)))
    done = 0

    def note(unit: Unit, failed: bool) -> None:  # noqa: ARG001 - a callback of the executors
        nonlocal done
        done += unit.weight
        progress(min(done, len(work.pairs)), len(work.pairs))

    progress(0, len(work.pairs))
    with tempfile.TemporaryDirectory(prefix="bench-fuse-") as folder:
        units = [
            replace(unit, register=register)
            for unit in _units(work, source, Path(folder), workers, config.time_limit_s)
        ]
        # one worker needs no process of its own, which would take longer to start than a pair to fuse
        create_executor("local" if workers > 1 else "inline").run(units, workers, 1, note)
        outcome = _outcome(work, Path(folder))
        outcome.notes.extend(_registration(work, Path(folder)) if register else warnings(work.pairs))
        return outcome


def _units(work: Work, source: MethodSource, notes: Path, workers: int, limit: float) -> Iterator[FilesUnit]:
    pairs = [(number, files, work.targets[files.id]) for number, files in enumerate(work.pairs)]
    for start in range(0, len(pairs), CHUNK):
        yield FilesUnit(
            out=notes, dataset="", method=source.name, time_limit_s=limit, gpus=0.0, source=source,
            pairs=tuple(pairs[start : start + CHUNK]), expected=-(-len(pairs) // workers),
        )  # fmt: skip


def _outcome(work: Work, notes: Path) -> FuseOutcome:
    failed = [f"{problem.where}: {problem.text}" for problem in work.problems if problem.fault]
    ends = [(notes / str(number)).read_text(encoding="utf-8") for number in range(len(work.pairs))]
    failed += [f"{files.vis_path.name}: {end}" for files, end in zip(work.pairs, ends, strict=True) if end != FUSED]
    remarks = [f"{problem.where}: {problem.text}" for problem in work.problems if not problem.fault]
    return FuseOutcome(work.path, ends.count(FUSED), remarks, failed)


def _registration(work: Work, notes: Path) -> Iterator[str]:
    """Records the estimates of the pairs that could be read."""
    known = {files.id: notes / f"{number}{ESTIMATE}" for number, files in enumerate(work.pairs)}
    found = {name: read_estimate(path) for name, path in known.items() if path.is_file()}
    if found:
        yield record(work.path, found)
