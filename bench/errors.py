"""Errors that a user can mend, how any error is worded in one line, and which of them end a run."""

from __future__ import annotations

import difflib
import errno
import traceback
from collections.abc import Iterable
from pathlib import Path

FATAL_ERRNO = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
"""Faults of a disk that hit everything that is written after them too."""

INTERRUPTED = 130
"""Exit code after Ctrl-C."""

INTERRUPTED_TEXT = "interrupted; what is finished is kept, run the same command again to go on"


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


def suggest(name: str, known: Iterable[str]) -> str:
    """The end of a message on an unknown name: near names, or all there are.

    Example:
        >>> suggest("seafusoin", ["seafusion", "gtf"]), suggest("x", ["seafusion", "gtf"])
        ('; did you mean seafusion?', '; known: seafusion, gtf')
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3) or [each for each in names if _bare(each) == _bare(name)]
    return f"; did you mean {', '.join(near)}?" if near else f"; known: {', '.join(names)}"


def _bare(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def is_fatal(error: BaseException) -> bool:
    """True for faults that will hit every further unit too: a full, over-quota, limited or read-only disk."""
    return isinstance(error, OSError) and error.errno in FATAL_ERRNO


def stop_for(reason: str) -> StoppedError:
    """The error that ends a run whose disk takes no more."""
    return StoppedError(f"stopped: {reason}; free space or choose another --out, then run the same command again")
