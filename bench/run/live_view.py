"""Frames as they are fused, on a page of this machine: motion JPEG, which every browser shows without a script."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

import cv2
import numpy as np

from bench.data.clips import FramePair
from bench.errors import BenchError
from bench.images import as_rgb
from bench.types import Image

HOST = "127.0.0.1"
"""Nobody but this machine sees the page."""

QUALITY = 90
"""Of the JPEG frames; the page is for looking, files keep the pixels."""

BOUNDARY = "frame"

PAGE = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>ivif-bench live</title>
<style>body{margin:0;background:#111;color:#ddd;font:16px system-ui,sans-serif;text-align:center}
img{max-width:100%;max-height:90vh}p{display:flex;margin:.4em 0}span{flex:1}</style>
<p><span>infrared</span><span>visible</span><span>fused</span></p>
<img src="live.mjpg" alt="infrared, visible and fused frames, side by side, as they are computed">
</html>"""


class LiveView:
    """Serves the newest frames; one who looks late or slowly misses some, and holds nothing up. For ``with``."""

    def __init__(self, port: int = 0) -> None:
        """Begins to serve.

        Args:
            port: on this machine; 0 takes a free one.

        Raises:
            BenchError: the port is taken.
        """
        self._newest: tuple[FramePair, Image] | None = None
        self._number = 0
        self._changed = threading.Condition()
        self._ended = False
        try:
            self._server = ThreadingHTTPServer((HOST, port), self._handler())
        except OSError as error:
            raise BenchError(f"--port is {port}: {error.strerror or error}; choose another, or 0") from error
        self._server.daemon_threads = True
        self.address = f"http://{HOST}:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, name="live view", daemon=True).start()

    def show(self, pair: FramePair, fused: Image) -> None:
        """Makes these the newest frames."""
        with self._changed:
            self._newest, self._number = (pair, fused), self._number + 1
            self._changed.notify_all()

    def __enter__(self) -> LiveView:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def _after(self, number: int) -> tuple[int, bytes]:
        """The first frames newer than a number, as JPEG; empty at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._number > number)
            if self._newest is None or self._number <= number:
                return number, b""
            number, (pair, fused) = self._number, self._newest
        row = np.hstack([as_rgb(pair.ir), as_rgb(pair.vis), fused])
        return number, bytes(cv2.imencode(".jpg", row[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        view = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/":
                    self._begin("text/html; charset=utf-8", len(PAGE))
                    self.wfile.write(PAGE)
                elif self.path == "/live.mjpg":
                    self._begin(f"multipart/x-mixed-replace; boundary={BOUNDARY}")
                    self._stream()
                else:
                    self.send_error(404)

            def _begin(self, kind: str, length: int | None = None) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Cache-Control", "no-store")
                if length is not None:
                    self.send_header("Content-Length", str(length))
                self.end_headers()

            def _stream(self) -> None:
                number, jpeg = view._after(0)
                while jpeg:
                    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    try:
                        self.wfile.write(head.encode() + jpeg + b"\r\n")
                    except OSError:  # the page was closed
                        return
                    number, jpeg = view._after(number)

            def log_message(self, *_: object) -> None:
                """Says nothing: the terminal shows the progress."""

        return Handler
