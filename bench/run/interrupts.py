"""Ctrl-C while processes are started: they take none, and the command answers once they are there."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Threads that start meanwhile, and the workers that these start, take no Ctrl-C: it is the command's to answer.

    A terminal sends it to the whole group, and a worker that is still importing would print where it stood. The command
    answers at the end: a worker that it has half started would find nothing to read.
    """
    handler, pressed = signal.getsignal(signal.SIGINT), list[int]()
    noted = callable(handler) and threading.current_thread() is threading.main_thread()
    if noted:  # a mask is not enough: any other thread that runs by now may take the signal for this one
        signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        with masked():
            yield
    finally:
        if noted:
            signal.signal(signal.SIGINT, handler)
            if pressed:
                signal.raise_signal(signal.SIGINT)


@contextmanager
def masked() -> Iterator[None]:
    """Ctrl-C is blocked in this thread and in what it starts."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # which would let go of Ctrl-C when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
