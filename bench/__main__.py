"""The command ``bench``; as ``python -m bench`` it takes no module from the current folder by accident."""

import sys
from pathlib import Path

from bench.errors import INTERRUPTED, INTERRUPTED_TEXT

HERE = Path(__file__).resolve().parent.parent


def main() -> None:
    """Entry point; Ctrl-C while the command line is still being loaded ends as it does later."""
    try:
        from bench.cli import main as command
    except KeyboardInterrupt:
        sys.stderr.write(f"bench: {INTERRUPTED_TEXT}\n")
        sys.exit(INTERRUPTED)
    command()


if __name__ == "__main__":
    if sys.path and Path(sys.path[0] or ".").resolve() != HERE:
        del sys.path[0]  # the current folder, which ``python -m`` puts first
    main()
