"""Fingerprints: equal key, equal result, so that it need not be made again.

Each stage depends on the rooms that its results come from, on the versions of the libraries that compute them, and on
its data; it is done again when any of these changed, and for no other room. What a room holds is found, not listed: a
file that is added to it counts at once.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench.files import PROJECT_ROOT, digest
from bench.machine import RUNTIME_PACKAGES
from bench.metrics.packages import CONVENTION, packaged_metrics
from bench.run.sources import MethodSource
from bench.types import PairFiles

GROUND = "bench.*"
"""The modules that stand directly in ``bench``."""

STAGES: dict[str, tuple[str, ...]] = {
    "fuse": (GROUND, "bench.data", "bench.plugin", "bench.weights", "bench.fusion"),
    "score": (GROUND, "bench.data", "bench.metrics"),
    "train": (GROUND, "bench.data", "bench.plugin", "bench.weights", "bench.train"),
    "task": (GROUND, "bench.data", "bench.plugin", "bench.weights", "bench.train"),
    "measure": (GROUND, "bench.data", "bench.plugin", "bench.weights", "bench.fusion"),
    "report": (GROUND, "bench.data", "bench.metrics", "bench.store", "bench.analysis", "bench.plugin", "reports"),
}
"""Stage -> the rooms that its results come from; a method or task adds its own modules."""

PIXELS = (
    "numpy", "scipy", "pillow", "opencv-python-headless", "opencv-python", "opencv-contrib-python",
    "opencv-contrib-python-headless",
)  # fmt: skip
"""What reads images and computes on them; OpenCV comes under four names."""

LIBRARIES: dict[str, tuple[str, ...]] = {
    "fuse": ("torch", *PIXELS, "scikit-image", "PyWavelets"),
    "score": (*PIXELS, "scikit-image", "PyWavelets", "numba", "piq"),
    "train": ("torch", "torchvision", *PIXELS),
    "task": ("torch", "torchvision", *PIXELS, "ultralytics", "mmsegmentation", "mmengine", "mmcv-lite"),
    "measure": ("torch", *PIXELS),
    "report": ("numpy", "pandas", "scipy", "scikit-posthocs", "matplotlib", "jinja2"),
}
"""Stage -> the distributions that compute its results; one that is not installed counts as such."""

ABSENT = "absent"
"""In the place of the version of a distribution that is not installed."""

NOT_FUSING = ("methods._training",)
"""What an adapter imports without its images depending on it."""

CONTENT = (".py", ".html", ".css", ".js", ".svg", ".json", ".yaml", ".toml")


@lru_cache(maxsize=64)
def stage_digest(stage: str) -> str:
    """Digest of the code and the libraries that a stage's results come from, a method's or task's own apart."""
    files = sorted(path for room in STAGES[stage] for path in _room_files(room))
    libraries = [f"{name} {_version(name)}" for name in LIBRARIES[stage]]
    return digest(*libraries, *(part for path in files for part in (path.name, path.read_bytes())))


MODULE = re.compile(r"[a-z]\w*(\.\w+)+(:\w+)?")
"""A text that may name a module, or something in it."""


@lru_cache(maxsize=256)
def module_digest(*modules: str, without: tuple[str, ...] = ()) -> str:
    """Digest of modules and of all that they import of their own, found without importing them.

    Their own is their package; of a stranger's module also what lies beside that, unless it is among installed ones.

    Args:
        modules: dotted names, e.g. ``methods.seafusion``, which leads to ``methods._nets.seafusion``.
        without: modules and packages that are not followed.
    """
    files: dict[str, Path] = {}
    queue = [(name, name.partition(".")[0]) for name in modules]
    while queue:
        name, top = queue.pop()
        path = _source(name)
        if name in files or path is None or _below(name, without):
            continue
        files[name] = path
        own = [found for found in _imports(path, name) if _is_own(found, top)]
        queue += [(each, top) for found in own for each in (found, *_packages_of(found))]
    return digest(*(part for name in sorted(files) for part in (name, files[name].read_bytes())))


def _packages_of(name: str) -> list[str]:
    """The packages that a stranger's module stands in, which are imported with it: ``a`` and ``a.b`` of ``a.b.c``."""
    parts = name.split(".")
    if _home(parts[0]) == PROJECT_ROOT:  # ours compute nothing
        return []
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _is_own(name: str, top: str) -> bool:
    """Whether a module belongs to the package ``top``, or to the stranger's folder that holds it."""
    other = name.partition(".")[0]
    home = _home(top)
    strangers = home is not None and home != PROJECT_ROOT and home.name not in ("site-packages", "dist-packages")
    return other == top or (strangers and home == _home(other))


@lru_cache(maxsize=1024)
def _home(top: str) -> Path | None:
    """The folder that a top-level module or package stands in; it is not imported."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    places = list(spec.submodule_search_locations or ()) if spec else []
    at = places[0] if places else spec.origin if spec and spec.has_location else None
    return Path(at).parent if at else None


def fuse_code(module: str) -> str:
    """Digest of the code that makes a method's images; training code is not among it."""
    return digest(stage_digest("fuse"), module_digest(module, without=NOT_FUSING))


def runtime_key(wanted: str, device: str) -> str:
    """What a fused image's fingerprint says of the runtime that was asked for; empty where it can only be PyTorch."""
    packages = [package for name, package in RUNTIME_PACKAGES.items() if wanted in (name, "auto")]
    found = {name: _version(name) for name in packages if device == "cpu"}
    here = [f"{name} {release}" for name, release in found.items() if release != ABSENT]
    return f"{wanted}: {', '.join(here)}" if here else ""


def train_code(module: str, built_on: Sequence[str] = ()) -> str:
    """Digest of the code that trains a method.

    Args:
        module: the adapter's.
        built_on: modules that its training uses through a registry, e.g. a segmenter's.
    """
    return digest(stage_digest("train"), module_digest(module, *built_on))


def task_code(module: str, built_on: Sequence[str] = ()) -> str:
    """Digest of the code of a task: the whole package that its runner stands in, and the metrics if it computes any.

    Args:
        module: the runner's.
        built_on: modules that it uses through a registry, e.g. a detector's.
    """
    package = ".".join(module.split(".")[:2])
    files = sorted(_room_files(package))
    own = digest(*(part for path in files for part in (path.name, path.read_bytes())))
    imported = (name for path in files if path.suffix == ".py" for name in _imports(path, package))
    scores = any(_below(name, ("bench.metrics",)) for name in imported)
    code = module_digest(module, *built_on)
    return digest(stage_digest("task"), own, code, stage_digest("score") if scores else "")


def fused_key(source: MethodSource, files: PairFiles, digests: Mapping[tuple[str, str], str]) -> str:
    """The fingerprint of one fused image."""
    return digest(source.key, digests[files.key])


def score_key(convention: str, fused: Mapping[str, Any], sources: str) -> str:
    """The fingerprint of one image's scores in one convention; which metrics they are, their lines say.

    Args:
        convention: its name.
        fused: the journal's line of the fused image.
        sources: digest of the pair.
    """
    code = packaged_code() if convention == CONVENTION else ""
    return digest(stage_digest("score"), code, convention, str(fused["digest"]), sources)


@lru_cache(maxsize=1)
def packaged_code() -> str:
    """Digest of the metrics that other packages bring; empty if there are none."""
    modules = sorted(found.module for found in packaged_metrics().values())
    return module_digest(*modules) if modules else ""


def _below(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _room_files(room: str) -> list[Path]:
    flat = room.endswith(".*")
    origin = _source(room.removesuffix(".*"))
    if origin is None:
        return []
    if origin.name != "__init__.py":
        return [origin]
    found = origin.parent.glob("*") if flat else origin.parent.rglob("*")
    return [path for path in found if path.suffix in CONTENT and path.is_file()]


@lru_cache(maxsize=64)
def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ABSENT


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
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and MODULE.fullmatch(node.value):
            found.append(node.value.partition(":")[0])  # imported when it is asked for, as ``trained_by``
    return found
