"""Plug-ins of the current folder: its ``pyproject.toml`` names them, and they are used as if it were installed."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

from bench.files import digest, read_toml, write_atomic

PREFIX = "ivfbench."
"""Of the entry-point groups that this benchmark reads."""


def use_package_here(folder: Path) -> list[str]:
    """Makes the plug-ins known that a folder's ``pyproject.toml`` declares for this benchmark.

    An importer finds a package's entry points by a ``.dist-info`` folder on the path. One that says what the file says
    is put there, so that registries, worker processes and tests need to know nothing of it. A folder without such
    entry points is left alone: nothing is taken from it by accident.

    Returns:
        What was found, ``group: name``.
    """
    try:
        project = read_toml(folder / "pyproject.toml").get("project", {})
        points = _ours(project)
    except (OSError, ValueError, AttributeError):  # none, or somebody else's
        return []
    if not points:
        return []
    from bench.weights.places import cache_dir

    name = re.sub(r"[^A-Za-z0-9_.]+", "_", str(project.get("name", "plugins")))
    version = re.sub(r"[^A-Za-z0-9_.]+", "_", str(project.get("version", "0")))
    text = "".join(
        f"[{group}]\n" + "".join(f"{key} = {module}\n" for key, module in found.items())
        for group, found in points.items()
    )
    place = cache_dir() / "plugins" / digest(name, version, text)
    facts = place / f"{name}-{version}.dist-info"
    write_atomic(facts / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode())
    write_atomic(facts / "entry_points.txt", text.encode())
    sys.path[:0] = [path for path in (str(place), str(folder)) if path not in sys.path]
    importlib.invalidate_caches()
    return [f"{group.removeprefix(PREFIX).rstrip('s')} {key}" for group, found in points.items() for key in found]


def _ours(project: dict[str, Any]) -> dict[str, dict[str, str]]:
    points = project.get("entry-points", {})
    return {
        group: {str(key): str(module) for key, module in found.items()}
        for group, found in points.items()
        if group.startswith(PREFIX)
    }
