"""Videos: frames read one after the other from a file, camera or address, and written as they come.

Both through OpenCV's own ffmpeg, so that nothing beyond the suite is needed. At no time more than a frame is held here.
"""

from __future__ import annotations

import math
import os
import queue
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from bench.errors import BenchError
from bench.images import is_grey
from bench.types import Image

ENDINGS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv")
"""Files that are read as videos."""

CODECS = {".webm": "VP80", ".mkv": "FFV1", ".mp4": "mp4v"}
"""Endings that are written: VP8 for browsers, FFV1 which keeps every pixel, MPEG-4 for players."""

LOSSLESS = ".mkv"

PARTIAL = ".part"
"""Stands before the ending of a video while it is written."""

_ADDRESS = re.compile(r"(rtsp|rtmp|udp|http|https)://")


def is_video(source: str) -> bool:
    """True for a video file by its ending, the number of a camera or its device, or the address of a stream."""
    return is_live(source) or Path(source).suffix.casefold() in ENDINGS


def is_live(source: str) -> bool:
    """True for what delivers frames at a pace of its own, without end: a camera, or a stream."""
    if _ADDRESS.match(source) or source.startswith("/dev/"):
        return True
    return source.isdecimal() and not Path(source).exists()


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences ffmpeg, which writes to the standard error of the process itself; faults are worded here."""
    try:
        error = sys.__stderr__.fileno() if sys.__stderr__ is not None else -1
    except (OSError, ValueError):
        error = -1
    if error < 0:
        yield
        return
    kept, nowhere = os.dup(error), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, error)
    try:
        yield
    finally:
        os.dup2(kept, error)
        os.close(kept)
        os.close(nowhere)


class VideoReader:
    """Frames of one video, in order; for ``with`` and for one pass.

    Attributes:
        source: as given.
        height: of the frames as they are shown, pixels.
        width: pixels.
        live: a camera or stream: of its frames the newest is taken each time, those before it are dropped.
        rate: frames a second; 0 where the file does not say.
        count: frames as the file says; 0 where it does not.
    """

    def __init__(self, source: str) -> None:
        """Opens a video file, camera or stream.

        Raises:
            BenchError: not there, or not a video that ffmpeg of this OpenCV decodes.
        """
        self.source, self.live, self._stop = source, is_live(source), threading.Event()
        if not self.live and not Path(source).is_file():
            raise BenchError(f"{source}: no such video; check --ir and --vis")
        with _quiet():
            self._capture = cv2.VideoCapture(int(source)) if source.isdecimal() else cv2.VideoCapture(source)
        if not self._capture.isOpened():
            raise BenchError(f"{source}: no video that can be opened; convert it with ffmpeg, e.g. to .mp4 or .webm")
        self._watcher: threading.Thread | None = None
        self._next = self._decode()
        if self._next is None:
            raise BenchError(f"{source}: holds no frame that can be decoded; convert it with ffmpeg")
        self.height, self.width = self._next.shape[:2]
        self.rate = self._stated(cv2.CAP_PROP_FPS)
        self.count = 0 if self.live else round(self._stated(cv2.CAP_PROP_FRAME_COUNT))

    def _stated(self, what: int) -> float:
        value = self._capture.get(what)
        return value if math.isfinite(value) and 0 < value < 1e9 else 0.0

    def _decode(self) -> Image | None:
        there, frame = self._capture.read()
        return np.asarray(frame, np.uint8) if there and frame is not None else None

    def __iter__(self) -> Iterator[Image]:
        """The frames, uint8 RGB (H, W, 3), or (H, W) where all three channels are equal."""
        for frame in self._newest() if self.live else self._every():
            yield np.ascontiguousarray(frame[..., 0] if is_grey(frame) else frame[..., ::-1])

    def _every(self) -> Iterator[Image]:
        while (frame := self._next) is not None:
            yield frame
            self._next = self._decode()

    def _newest(self) -> Iterator[Image]:
        """What the camera sees now, however long the frame before took: a queue would show the past."""
        newest: queue.Queue[Image | None] = queue.Queue(1)

        def watch() -> None:
            for frame in self._every():
                if self._stop.is_set():
                    break
                _replace(newest, frame)
            while not self._stop.is_set():  # the last frame stays until it is taken
                with suppress(queue.Full):
                    newest.put(None, timeout=0.1)
                    break

        self._watcher = threading.Thread(target=watch, name="camera", daemon=True)
        self._watcher.start()
        while (frame := newest.get()) is not None:
            yield frame

    def close(self) -> None:
        """Lets the file or camera go."""
        self._stop.set()
        if self._watcher is not None:
            self._watcher.join(timeout=5)
        self._capture.release()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _replace(newest: queue.Queue[Image | None], frame: Image) -> None:
    """Puts a frame in the place of one that nobody took; for one thread that puts."""
    with suppress(queue.Empty):
        newest.get_nowait()
    newest.put(frame)


class VideoWriter:
    """Writes frames of one size to a video; what was written is playable however the ``with`` ends."""

    def __init__(self, path: Path, rate: float) -> None:
        """Takes note of where to write; the file is begun with the first frame.

        Args:
            path: its ending chooses the codec, see ``CODECS``.
            rate: frames a second.

        Raises:
            BenchError: another ending.
        """
        if path.suffix.casefold() not in CODECS:
            seen = path.suffix or "nothing"
            raise BenchError(f"--out ends in {seen}, wanted {', '.join(CODECS)}; {LOSSLESS} keeps every pixel")
        self.path, self.rate, self.written = path, rate, 0
        self._part = path.with_name(f"{path.stem}{PARTIAL}{path.suffix}")
        self._writer: cv2.VideoWriter | None = None

    def write(self, image: Image) -> None:
        """Adds a frame, uint8 RGB (H, W, 3).

        Raises:
            BenchError: the file cannot be written.
        """
        if self._writer is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            code = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.casefold()])
            size = (image.shape[1], image.shape[0])
            with _quiet():  # it remarks on every file of VP8 that the code has another spelling there
                self._writer = cv2.VideoWriter(str(self._part), cv2.CAP_FFMPEG, code, self.rate, size)
            if not self._writer.isOpened():
                raise BenchError(
                    f"{self.path}: OpenCV cannot write a video of {size[0]}x{size[1]} pixels here; choose a folder "
                    f"that can be written, or another of {', '.join(CODECS)}"
                )
        self._writer.write(np.ascontiguousarray(image[..., ::-1]))
        self.written += 1

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.release()
            self._writer = None
            self._part.replace(self.path)
