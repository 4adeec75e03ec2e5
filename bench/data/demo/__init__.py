"""The generated data set ``demo``: road scenes drawn in visible and infrared from one seed, with exact truth.

Importing this package is light; the drawing code loads when ``ensure_demo`` has something to make.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.data.demo.spec import DemoSpec

__all__ = ["DemoSpec", "ensure_demo"]


def ensure_demo(
    root: Path, seed: int = 0, spec: DemoSpec | None = None, progress: Callable[[int, int], None] | None = None
) -> Path:
    """Makes the demo set below ``root`` unless the same one is already there.

    Args:
        root: the data root; the set goes to ``root/demo`` in the MSRS layout.
        seed: the one source of every random choice, 0 or more.
        spec: number and size of the images. None keeps a set of any size that is there, or makes the default one.
        progress: told after each scene how many are done and how many there will be.

    Returns:
        ``root/demo``.

    Raises:
        BenchError: the folder cannot be written, or ``root/demo`` holds something this program did not make.
    """
    from bench.data.demo.dataset import ensure

    return ensure(root, seed, spec, progress)
