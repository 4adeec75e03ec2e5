"""``bench fuse`` of two videos, cameras or sequences of frames: into a video, into frames, onto a page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

import numpy as np

from bench.data.clips import USUAL_RATE, Clip, FolderClip, FramePair, VideoClip
from bench.data.folders import list_folders
from bench.data.registration import SMALLEST, Misalignment, estimate, register
from bench.errors import BenchError
from bench.files import write_atomic
from bench.fusion.clips import FrameSink, fuse_frames
from bench.fusion.files import FuseOutcome
from bench.images import encode_png
from bench.machine import count_cores
from bench.plugin.kinds import METHODS
from bench.run.config import RunConfig
from bench.run.live_view import LiveView
from bench.run.plan_methods import make_source
from bench.run.registering import record, warning
from bench.run.sources import load_fuser
from bench.run.worker import set_threads
from bench.types import Image
from bench.videos import CODECS, LOSSLESS, VideoReader, VideoWriter, is_live, is_video
from bench.weights.find import resolve

LOOKED_AT = 5
"""First frames that a clip's misalignment is estimated from: the cameras are taken to be fixed to each other."""


@dataclass(frozen=True, slots=True)
class VideoOrder:
    """What is to be fused into what.

    Attributes:
        method: registered name, or ``NAME:VARIANT``.
        ir: infrared video, camera number, address of a stream, or folder of frames.
        vis: the visible one, of the same kind.
        out: video, or folder for frames as PNG; None only shows them.
        rate: frames a second, in place of what the sources say; 0 takes theirs.
        register: move infrared frames onto the visible ones, all by one estimate, and record it.
        show: serve the frames on a page of this machine.
        port: of the page; 0 takes a free one.
    """

    method: str
    ir: str
    vis: str
    out: Path | None
    rate: float = 0.0
    register: bool = False
    show: bool = False
    port: int = 0


def is_video_order(order: VideoOrder) -> bool:
    """True if frames of a clip are to be fused, not pairs of images."""
    return order.show or order.out is None or order.out.suffix.casefold() in CODECS or is_video(order.ir) or is_video(
        order.vis
    )  # fmt: skip


def fuse_video(
    order: VideoOrder, config: RunConfig, progress: Callable[[int, int], None], say: Callable[[str], None]
) -> FuseOutcome:
    """Fuses a clip frame by frame, with the pixels of a run; Ctrl-C ends it and leaves what was fused playable.

    Args:
        order: what to fuse.
        config: weights, device, way, precision, jobs, seed and infrared range, as of a run.
        progress: called with (done, total); total is 0 where nobody knows.
        say: told at once what the sources are and where they are shown.

    Raises:
        BenchError: unknown method, missing weights, sources or an output that will not do, a frame that fails.
    """
    _check(order, config)
    cls = METHODS.get(order.method)
    set_threads(1)
    fuser = load_fuser(make_source(cls, resolve(cls, config.weights_root).path, config))
    with ExitStack() as stack:
        clip = _open(order, config.ir_range, stack)
        for note in clip.notes:
            say(f"note: {note}")
        told = len(clip.notes)
        frames, notes = _aligned(order, iter(clip))
        sinks, path = _sinks(order, clip, stack, say)
        done = 0

        def deliver(pair: FramePair, fused: Image) -> None:
            nonlocal done
            for sink in sinks:
                sink(pair, fused)
            done += 1
            progress(done, max(clip.total, 0))

        interrupted = False
        try:
            fuse_frames(fuser, frames, deliver, config.jobs or count_cores())
        except KeyboardInterrupt:
            interrupted = True
            notes.append(f"interrupted after {done} frames; they are kept")
    return FuseOutcome(path, done, [*clip.notes[told:], *notes], [], "frames", interrupted)


def _check(order: VideoOrder, config: RunConfig) -> None:
    if config.way == "both":
        raise BenchError("--way is 'both', wanted published or plain: bench fuse writes each frame once")
    if config.compile != "never":
        raise BenchError("--compile auto is for pairs of images, wanted never for a video")
    if order.out is None and not order.show:
        raise BenchError("no --out, wanted a video or a folder to write to, or --show to look only")
    if is_video(order.ir) != is_video(order.vis):
        raise BenchError(f"{order.ir} and {order.vis}: one is a video and one is not, wanted two of a kind")
    suffix = order.out.suffix.casefold() if order.out is not None else ""
    if order.out is not None and suffix and suffix not in CODECS and not order.out.is_dir():
        raise BenchError(f"--out is {order.out}, wanted a folder for frames, or a video: {', '.join(CODECS)}")


def _open(order: VideoOrder, ir_range: str, stack: ExitStack) -> Clip:
    if is_video(order.ir):
        if order.ir == order.vis:
            raise BenchError(f"{order.ir}: is given as both videos, wanted an infrared and a visible one")
        ir, vis = (stack.enter_context(VideoReader(side)) for side in (order.ir, order.vis))
        return VideoClip(ir, vis, order.rate)
    for side in (order.ir, order.vis):
        if Path(side).is_file():
            raise BenchError(f"{side}: is a single image, wanted a video or a folder of frames")
    listing = list_folders(Path(order.ir).expanduser(), Path(order.vis).expanduser(), ir_range)
    notes = [f"{problem.where}: {problem.text}" for problem in listing.problems]
    return FolderClip(listing.pairs, order.rate or USUAL_RATE, notes)


def _aligned(order: VideoOrder, frames: Iterator[FramePair]) -> tuple[Iterator[FramePair], list[str]]:
    """The frames, moved if that is ordered, and remarks on how they lie."""
    first = list(islice(frames, LOOKED_AT if order.register else 1))
    every = chain(first, frames)
    found = [estimate(*pair) for pair in first if min(pair.vis.shape[:2]) >= SMALLEST]
    if not order.register:
        return every, [line for each in found for line in warning("first frame", each)]
    sure = [each for each in found if each.sure]
    if not sure:
        return every, ["the first frames share too few edges to be registered; they are left as they are"]
    own = _median(sure)
    notes = []
    if order.out is not None:
        target = order.out if order.out.suffix else order.out / "frames"
        target.parent.mkdir(parents=True, exist_ok=True)
        notes.append(record(target, {"all frames": own}))
    return (FramePair(register(pair.ir, own), pair.vis) for pair in every), notes


def _median(found: list[Misalignment]) -> Misalignment:
    dx, dy, degrees, scale = np.median([(each.dx, each.dy, each.degrees, each.scale) for each in found], axis=0)
    return replace(found[0], dx=float(dx), dy=float(dy), degrees=float(degrees), scale=float(scale))


def _sinks(
    order: VideoOrder, clip: Clip, stack: ExitStack, say: Callable[[str], None]
) -> tuple[list[FrameSink], Path | str]:
    """Where frames go, and what is named at the end."""
    sinks: list[FrameSink] = []
    address = ""
    if order.show:
        view = stack.enter_context(LiveView(order.port))
        address = view.address
        say(f"live: {address}")
        if order.out is None and not is_live(order.ir):
            sinks.append(_paced(clip.rate))
        sinks.append(view.show)
    if order.out is None:
        return sinks, address
    path = order.out.expanduser()
    if path.suffix.casefold() in CODECS:
        writer = stack.enter_context(VideoWriter(path, clip.rate))
        sinks.append(lambda _, fused: writer.write(fused))
        if path.suffix.casefold() != LOSSLESS:
            say(f"note: {path.suffix} loses a little of every frame; {LOSSLESS}, or a folder, keeps every pixel")
    else:
        sinks.append(_frames_in(path))
    return sinks, path


def _paced(rate: float) -> FrameSink:
    """Waits for the time at which a frame is due: nobody could watch a file as fast as it is fused."""
    start: list[float] = []

    def wait(_pair: FramePair, _fused: Image) -> None:
        now = time.monotonic()
        due = start[0] + 1 / rate if start else now
        time.sleep(max(due - now, 0.0))
        start[:] = [max(due, now)]

    return wait


def _frames_in(folder: Path) -> FrameSink:
    """Writes ``000001.png`` and so on."""
    number = 0

    def write(_pair: FramePair, fused: Image) -> None:
        nonlocal number
        number += 1
        write_atomic(folder / f"{number:06d}.png", encode_png(fused))

    return write
