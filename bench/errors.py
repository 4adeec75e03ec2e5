"""Errors that a user can mend, how any error is worded in one line, and which of them end a run."""

from __future__ import annotations

import errno
import traceback
from pathlib import Path

FATAL_ERRNO = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
"""Faults of a disk that hit everything that is written after them too."""


class BenchError(Exception):
    """A fault the user can mend; its text is one line: what was seen, what was wanted, how to mend it."""


class StoppedError(BenchError):
    """The run cannot go on (disk full, no worker lives...); what is finished is kept."""


def describe(error: BaseException) -> str:
    """An exception as one line for tables: our own text as it is, anything else with its type and place."""
    if isinstance(error, BenchError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"


def is_fatal(error: BaseException) -> bool:
    """True for faults that will hit every further unit too: a full, over-quota, limited or read-only disk."""
    return isinstance(error, OSError) and error.errno in FATAL_ERRNO


def stop_for(reason: str) -> StoppedError:
    """The error that ends a run whose disk takes no more."""
    return StoppedError(f"stopped: {reason}; free space or choose another --out, then run the same command again")
