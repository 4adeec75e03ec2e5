"""At start-up: the four packages come from one installation, and nothing from the current folder by accident."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from bench.cli.screen import fail
from bench.errors import BenchError
from bench.files import PROJECT_ROOT

PACKAGES = ("bench", "methods", "tasks", "reports")


def check_installation() -> None:
    """Refuses a mixture of installations; names, in one line, what lies here and is not used.

    Raises:
        BenchError: one of the four packages is another program's.
    """
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        place = Path(spec.origin).resolve() if spec and spec.origin else None
        if place is None or place.parent.parent != PROJECT_ROOT:
            raise BenchError(
                f"package {name!r} is taken from {place or 'nowhere'}, wanted it from {PROJECT_ROOT} beside bench; "
                "take that folder off PYTHONPATH or rename it, or install ivif-bench again"
            )
    here = Path.cwd()
    if here.resolve() != PROJECT_ROOT:
        found = [path.name for name in PACKAGES for path in _modules(here, name)]
        if found:
            fail(f"note: {', '.join(found)} in this folder: of no concern here, ivif-bench uses its own")


def _modules(folder: Path, name: str) -> list[Path]:
    """What Python would import under a name from a folder."""
    found = [folder / f"{name}.py"] if (folder / f"{name}.py").is_file() else []
    package = folder / name
    return found + ([package] if package.is_dir() and any(package.glob("*.py")) else [])
