"""The command ``bench``; as ``python -m bench`` it takes no module from the current folder by accident."""

import os
import signal
import sys
import threading
import time
from types import FrameType

if __name__ == "__main__" and sys.path:
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib may lie here too
    if os.path.realpath(sys.path[0]) != os.path.realpath(own):
        del sys.path[0]  # the current folder, which ``python -m`` puts first

from bench.errors import INTERRUPTED, INTERRUPTED_TEXT

PATIENCE_S = 15.0
"""How long Ctrl-C waits for an import to end: one that hangs must not be waited for."""


class Interrupts:
    """Answers Ctrl-C once no import is under way.

    The C++ part of a package (PyTorch's) that calls Python while it is being loaded cannot pass on a
    ``KeyboardInterrupt``: the process would abort with a core dump and without a word.
    """

    def __init__(self) -> None:
        self.pressed: float | None = None

    def install(self) -> None:
        """Takes Ctrl-C over, unless it is ignored (as in the background of a shell) or somebody else's already."""
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self.answer)

    def answer(self, number: int, frame: FrameType | None) -> None:
        """The handler: raises ``KeyboardInterrupt``, now or as soon as what is imported is there."""
        now = time.monotonic()
        if self.pressed is None:
            self.pressed = now
        if _importing(frame) and now - self.pressed < PATIENCE_S:
            again = threading.Timer(0.05, _press)
            again.daemon = True
            again.start()
            return
        self.pressed = None
        signal.default_int_handler(number, frame)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def _press() -> None:
    if hasattr(signal, "pthread_kill"):  # which wakes a main thread that waits
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)


def main() -> None:
    """Entry point; Ctrl-C while the command line is still being loaded ends as it does later."""
    Interrupts().install()
    try:
        from bench.cli import main as command

        command()
    except KeyboardInterrupt:
        sys.stderr.write(f"bench: {INTERRUPTED_TEXT}\n")
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
