"""The fusing stage as a pipeline: pairs are read ahead and results written behind while the method computes.

The numbers are those of a plain loop: one pair at a time goes through the same ``prepare``, ``compute`` and ``finish``,
in listing order. What makes it faster is overlap, the channels-last layout that ``Fuser`` gives every network, memory
that stays in the process (``bench.machine``), and where asked for, ``torch.compile`` or bfloat16.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor

from bench.data.pairs import read_pair
from bench.fusion.compiling import Compile, compile_fuser, repays, restore, synchronise
from bench.fusion.harness import Fuser, check_pair
from bench.memory import retained_memory
from bench.types import Image, Pair, PairFiles

if TYPE_CHECKING:
    from concurrent.futures import Executor

AHEAD = 3
"""Pairs that are read before they are needed, and results that wait to be written: enough to hide the disk, and little
memory."""


@dataclass(slots=True)
class Timings:
    """Where the time of one pair went, in milliseconds; steps of different pairs overlap.

    Attributes:
        read_ms: files to images.
        prepare_ms: images to tensors on the device.
        compute_ms: the method, up to the moment its output is there.
        finish_ms: the output to a uint8 image.
    """

    read_ms: float = 0.0
    prepare_ms: float = 0.0
    compute_ms: float = 0.0
    finish_ms: float = 0.0


Sink = Callable[[PairFiles, "Image | Exception", Timings], None]
"""Gets each result, or why there is none; called from one thread, in the order of the pairs. What it raises ends the
stream."""


@dataclass(slots=True)
class _Item:
    """One pair on its way."""

    files: PairFiles
    timings: Timings
    images: tuple[Image, Image] | None = None
    tensors: tuple[Tensor, Tensor] | None = None
    output: Tensor | None = None
    error: Exception | None = None


def fuse_stream(
    fuser: Fuser,
    files: Sequence[PairFiles],
    sink: Sink,
    ahead: int = AHEAD,
    compile: Compile = "never",
    expected: int = 0,
    read: Callable[[PairFiles], Pair] = read_pair,
) -> None:
    """Fuses pairs from disk; a pair that fails is handed to ``sink`` as its exception, and the rest goes on.

    Args:
        fuser: the method; its precision is used as it is.
        files: the pairs, in the order in which ``sink`` gets them.
        sink: writes or collects.
        ahead: pairs read ahead, and results waiting to be written.
        compile: ``auto`` compiles if the pairs left can repay it; results may then differ by float rounding. What is
            decided for a fuser holds for its later streams.
        expected: how many pairs the fuser will get in all, if these are not the last.
        read: files to images, where a pair is not to be fused as it lies on disk.
    """
    if not files:
        return
    stop = threading.Event()
    left = max(expected, len(files)) - 1
    consider = partial(_consider_compiling, fuser, left) if compile == "auto" else None
    with (
        retained_memory(),
        ThreadPoolExecutor(1, "read") as reader,
        ThreadPoolExecutor(1, "write") as writer,
    ):
        try:
            load = partial(_load, fuser, read, stop)
            _drive(fuser, files, sink, ahead, consider, partial(reader.submit, load), writer, stop)
        except BaseException:
            stop.set()
            for pool in (reader, writer):
                pool.shutdown(wait=False, cancel_futures=True)
            raise


def _drive(
    fuser: Fuser,
    files: Sequence[PairFiles],
    sink: Sink,
    ahead: int,
    consider: Callable[[_Item], None] | None,
    submit: Callable[[PairFiles], Future[_Item]],
    writer: Executor,
    stop: threading.Event,
) -> None:
    coming = deque(submit(item) for item in files[:ahead])
    going: deque[Future[None]] = deque()
    for number in range(len(files)):
        item = coming.popleft().result()
        if number + ahead < len(files):
            coming.append(submit(files[number + ahead]))
        _compute(fuser, item)
        if number == 0 and item.error is None and consider is not None:
            consider(item)
        going.append(writer.submit(_deliver, fuser, item, sink, stop))
        while len(going) > ahead or (going and going[0].done()):
            going.popleft().result()
    while going:
        going.popleft().result()


def _load(fuser: Fuser, read: Callable[[PairFiles], Pair], stop: threading.Event, files: PairFiles) -> _Item:
    item = _Item(files, Timings())
    if stop.is_set():
        return item
    try:
        start = time.perf_counter()
        pair = read(files)
        check_pair(pair.ir, pair.vis)
        item.images = (pair.ir, pair.vis)
        item.timings.read_ms, start = _since(start)
        item.tensors = fuser.prepare([item.images])
        item.timings.prepare_ms, _ = _since(start)
    except Exception as error:
        item.error = error
    return item


def _compute(fuser: Fuser, item: _Item) -> None:
    if item.tensors is None:
        return
    try:
        start = time.perf_counter()
        item.output = fuser.compute(*item.tensors)
        synchronise(fuser.device)
        item.timings.compute_ms, _ = _since(start)
    except Exception as error:
        item.error = error
    if item.error is not None:
        item.tensors = None


def _deliver(fuser: Fuser, item: _Item, sink: Sink, stop: threading.Event) -> None:
    if stop.is_set():
        return
    result: Image | Exception | None = item.error
    try:
        if result is None and item.images is not None and item.output is not None:
            start = time.perf_counter()
            result = fuser.finish([item.images], item.output)[0]
            item.timings.finish_ms, _ = _since(start)
    except Exception as error:
        result = error
    try:
        sink(item.files, result if result is not None else RuntimeError("the pair was not computed"), item.timings)
    except BaseException:
        stop.set()
        raise
    finally:
        item.images = item.tensors = item.output = None


def _since(start: float) -> tuple[float, float]:
    now = time.perf_counter()
    return (now - start) * 1000.0, now


def _consider_compiling(fuser: Fuser, left: int, first: _Item) -> None:
    """Compiles after the first pair if those left can repay it, and keeps the compiled form only if it is faster."""
    if first.tensors is None or fuser.compile_decided:
        return
    fuser.compile_decided = True
    if not repays(left, first.timings.compute_ms / 1000.0):
        return
    originals = fuser.method.modules()
    _, reason = compile_fuser(fuser, first.tensors)
    if reason:
        return
    compiled = _seconds(fuser, first.tensors)
    restored = fuser.method.modules()
    restore(fuser, originals)
    if compiled < _seconds(fuser, first.tensors):
        restore(fuser, restored)


def _seconds(fuser: Fuser, tensors: tuple[Tensor, Tensor]) -> float:
    start = time.perf_counter()
    fuser.compute(*tensors)
    synchronise(fuser.device)
    return time.perf_counter() - start
