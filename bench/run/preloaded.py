"""What the workers of a run need anyway, imported once by the process that they are forked from, and only there."""

from __future__ import annotations

import ctypes
import os
import signal
from contextlib import suppress

from bench.run.fork_server import MARK
from bench.run.worker import set_threads

PR_SET_PDEATHSIG = 1
"""Of ``prctl``: the signal that a process gets when the one that started it ends."""

if os.environ.pop(MARK, ""):
    # a command that ends early, over a wrong name say, does not leave a process behind that goes on importing
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    set_threads(1)
    with suppress(Exception):  # the worker that misses it says so
        import bench.fusion.stream  # noqa: F401
