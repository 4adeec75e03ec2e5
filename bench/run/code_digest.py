"""A digest of the code that a result depends on, so that results are redone when, and only when, it changed."""

from __future__ import annotations

import ast
import importlib.util
from functools import lru_cache
from pathlib import Path

from bench.files import digest


@lru_cache(maxsize=256)
def code_digest(*modules: str, follow: bool = True) -> str:
    """Digest of the modules' sources, found without importing them.

    Args:
        modules: dotted names.
        follow: also take in what they import from their own package (``methods.x`` -> ``methods._nets.x``).
    """
    files: dict[str, Path] = {}
    queue = [(name, name.rpartition(".")[0] + ".") for name in modules]
    while queue:
        name, package = queue.pop()
        path = _source(name)
        if name in files or path is None:
            continue
        files[name] = path
        if follow:
            queue += [(found, package) for found in _imports(path, name) if found.startswith(package)]
    return digest(*(part for name in sorted(files) for part in (name, files[name].read_bytes())))


def _source(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


def _imports(path: Path, name: str) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = name if path.name == "__init__.py" else name.rpartition(".")[0]
                base = importlib.util.resolve_name("." * node.level + base, package)
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return found
