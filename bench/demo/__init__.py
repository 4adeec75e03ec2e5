"""The generated data set ``demo``: road scenes drawn in visible and infrared from one seed, with exact truth.

Importing this package is light; the drawing code loads when ``ensure_demo`` has something to make.
"""

from __future__ import annotations

from pathlib import Path

from bench.demo.spec import DemoSpec

__all__ = ["DemoSpec", "ensure_demo"]


def ensure_demo(root: Path, seed: int = 0, spec: DemoSpec | None = None) -> Path:
    """Makes the demo set below ``root`` unless the same one is already there.

    Args:
        root: the data root; the set goes to ``root/demo`` in the MSRS layout.
        seed: the one source of every random choice.
        spec: number and size of the images; the default set if None.

    Returns:
        ``root/demo``.

    Raises:
        BenchError: the folder cannot be written, or ``root/demo`` holds something this program did not make.
    """
    from bench.demo.dataset import ensure

    return ensure(root, seed, spec or DemoSpec())
