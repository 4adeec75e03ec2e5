"""``python -m bench``: the command ``bench``, which takes no module from the current folder by accident."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
if sys.path and Path(sys.path[0] or ".").resolve() != HERE:
    del sys.path[0]  # the current folder, which ``python -m`` puts first

from bench.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
