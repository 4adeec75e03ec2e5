"""A clip fused frame by frame: read ahead, computed by several threads where that keeps the pixels, written behind.

Every frame goes through ``Fuser.fuse_pair``, one computing thread each, as a pair of images does in a run: its pixels
are the same. No more frames are held than are on their way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

from bench.data.clips import FramePair
from bench.errors import BenchError, describe
from bench.fusion.harness import Fuser
from bench.fusion.stream import AHEAD
from bench.machine import exact_arithmetic
from bench.memory import retained_memory
from bench.types import Image

FrameSink = Callable[[FramePair, Image], None]
"""Gets each pair of frames with what it became, in order, from one thread."""


def fuse_frames(fuser: Fuser, frames: Iterable[FramePair], sink: FrameSink, threads: int = 1) -> int:
    """Fuses frames until they end; an error, or Ctrl-C, ends the clip after the frames that ``sink`` already has.

    Args:
        fuser: the method.
        frames: read by a thread of its own.
        sink: writes or shows, in a thread of its own.
        threads: frames that are computed at a time, on a CPU by a method that batches; others go one by one.

    Returns:
        How many frames ``sink`` got.

    Raises:
        BenchError: a frame cannot be read or fused; says which.
    """
    together = threads if fuser.batchable and fuser.device.type == "cpu" else 1
    with ExitStack() as stack:
        stack.enter_context(retained_memory())
        stack.enter_context(exact_arithmetic())  # for all threads: it sets what the whole process computes with
        pools = [ThreadPoolExecutor(count, name) for count, name in ((1, "read"), (together, "fuse"), (1, "write"))]
        for pool in pools:  # what runs is waited for, so that nothing is written once this has returned
            stack.callback(pool.shutdown, cancel_futures=True)
        return _drive(fuser, frames, sink, pools, together)


def _drive(
    fuser: Fuser, frames: Iterable[FramePair], sink: FrameSink, pools: list[ThreadPoolExecutor], together: int
) -> int:
    reader, computer, writer = pools
    source = iter(frames)
    coming: deque[Future[FramePair | None]] = deque(reader.submit(next, source, None) for _ in range(AHEAD))
    going: deque[tuple[FramePair, Future[Image]]] = deque()
    written: deque[Future[None]] = deque()
    begun = done = 0
    while True:
        pair = coming.popleft().result()
        if pair is not None:
            begun += 1
            coming.append(reader.submit(next, source, None))
            going.append((pair, computer.submit(_fuse, fuser, pair, begun)))
        while going and (pair is None or len(going) > together):
            first, result = going.popleft()
            written.append(writer.submit(sink, first, result.result()))
        while written and (pair is None or len(written) > AHEAD):
            written.popleft().result()
            done += 1
        if pair is None:
            return done


def _fuse(fuser: Fuser, pair: FramePair, number: int) -> Image:
    try:
        return fuser.fuse_pair(pair.ir, pair.vis)
    except Exception as error:
        raise BenchError(f"frame {number}: {describe(error)}") from error
