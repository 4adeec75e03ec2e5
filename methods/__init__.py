"""One file per fusion method; see CONTRIBUTING.md for how to add one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.fusion.harness import Fuser
    from bench.types import Way
    from methods._nets.method import NetMethod

__all__ = ["NetMethod", "create"]


def create(name: str, weights: Path | str | None = None, device: str = "cpu", way: Way = "published") -> Fuser:
    """A method ready to fuse pairs: ``create("seafusion").fuse_pair(ir, vis)``.

    Args:
        name: as in ``bench list methods``.
        weights: a weights root, a published or converted file, or None to look where ``bench run`` looks.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        way: ``published`` reads and writes images as the method's authors did, ``plain`` the same for all methods.

    Raises:
        BenchError: unknown name, or weights that are missing, with the command that mends it.
    """
    from bench.fusion.harness import create_fuser

    return create_fuser(name, weights=weights, device=device, way=way)


def __getattr__(name: str) -> Any:
    if name == "NetMethod":  # what a network's adapter is made from, here and in other packages
        from methods._nets.method import NetMethod

        return NetMethod
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
