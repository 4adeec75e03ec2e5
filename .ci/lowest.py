"""Prints a constraint for each dependency: the lowest version that pyproject.toml allows, but today's torch."""

from __future__ import annotations

import re
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

TODAYS = ("torch", "torchvision")


def lowest() -> list[str]:
    """``NAME==VERSION.*`` of every dependency with a lower bound."""
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    found = {}
    for text in [*project["dependencies"], *extras["test"], *extras["fast"]]:
        match = re.match(r"([\w.-]+)(?:\[[\w,]+\])?>=([\w.]+)$", text)
        if match and match[1] not in TODAYS:
            found[match[1]] = match[2]  # its newest repair: the first release of a line may be withdrawn
    return [f"{name}=={version}.*" for name, version in found.items()]


if __name__ == "__main__":
    print("\n".join(lowest()))  # noqa: T201
