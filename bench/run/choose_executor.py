"""Which executor a name stands for."""

from __future__ import annotations

from bench.run.executors import Executor, InlineExecutor, LocalExecutor


def create_executor(name: str) -> Executor:
    """The executor of a name: ``local``, ``inline`` or ``ray``.

    Raises:
        BenchError: Ray is wanted and not installed.
    """
    if name == "inline":
        return InlineExecutor()
    if name == "ray":
        from bench.run.ray_executor import RayExecutor

        return RayExecutor()
    return LocalExecutor()
