"""Keeps freed memory in the process while images are fused or networks trained.

A network's feature maps are tens of megabytes each. By default glibc gives such blocks back to the system when they
are freed, and the system hands out zeroed pages again for the next layer: with SeAFusion at 640x480 that took up to
half of the time. Kept blocks are simply used again; no number changes.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -3, -4, -8
"""Parameters of ``mallopt`` (malloc.h): free memory at the heap's end that is given back, the size from which blocks
are mapped apart from the heap, how many may be, and how many heaps there are."""

USUAL = ((M_MMAP_THRESHOLD, 32 << 20), (M_TRIM_THRESHOLD, 64 << 20), (M_MMAP_MAX, 65536))
"""Where glibc's own adjustment ends in a process that handles large arrays; setting any of them ends the adjustment."""

KEEP_ALL = 2**31 - 1

_lock = threading.Lock()
_users = 0
_one_heap = False


@contextmanager
def retained_memory() -> Iterator[None]:
    """Within it, freed memory stays with the process; may be nested and used from several threads.

    Does nothing where the C library is not glibc, or where an allocator is preloaded that knows no ``mallopt``.
    """
    _count(1)
    try:
        yield
    finally:
        _count(-1)


def _count(step: int) -> None:
    global _users
    libc = _glibc()
    if libc is None:
        return
    with _lock:
        before, _users = _users, _users + step
        if before == 0:
            libc.mallopt(M_MMAP_MAX, 0)
            libc.mallopt(M_TRIM_THRESHOLD, KEEP_ALL)
        elif _users == 0:
            for parameter, value in USUAL:
                libc.mallopt(parameter, value)
            libc.malloc_trim(0)


def use_one_heap() -> None:
    """Lets all threads that are to come allocate from one heap; does nothing where there are threads already.

    By default glibc gives each thread one of its own, of 64 MB, and maps what is larger anew each time, so that a
    thread that computes feature maps waits for zeroed pages again.
    """
    global _one_heap
    libc = _glibc()
    if libc is not None and threading.active_count() == 1:
        _one_heap = bool(libc.mallopt(M_ARENA_MAX, 1))


def has_one_heap() -> bool:
    """Whether threads may allocate large blocks at no more cost than the main one; True where glibc is not used."""
    return _one_heap or _glibc() is None


def release_memory() -> None:
    """Gives freed memory back to the system, so that what the process holds is what it uses."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL(None)
        return library if library.gnu_get_libc_version and library.mallopt and library.malloc_trim else None
    except (OSError, AttributeError):  # musl, or a static build
        return None
