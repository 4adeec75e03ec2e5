"""The command ``bench``; as ``python -m bench`` it takes no module from the current folder by accident."""

import os
import sys

if __name__ == "__main__" and sys.path:
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib may lie here too
    if os.path.realpath(sys.path[0]) != os.path.realpath(own):
        del sys.path[0]  # the current folder, which ``python -m`` puts first

from bench.errors import INTERRUPTED, INTERRUPTED_TEXT


def main() -> None:
    """Entry point; Ctrl-C while the command line is still being loaded ends as it does later."""
    try:
        from bench.cli import main as command
    except KeyboardInterrupt:
        sys.stderr.write(f"bench: {INTERRUPTED_TEXT}\n")
        sys.exit(INTERRUPTED)
    command()


if __name__ == "__main__":
    main()
