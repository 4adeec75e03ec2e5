"""``bench doctor``: what is installed, found and missing, and how to mend it."""

from __future__ import annotations

import importlib.util
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench import __version__
from bench.data.commands import status_rows as data_rows
from bench.errors import BenchError
from bench.metrics.choice import kernels_ready
from bench.metrics.kernel_cache import kernel_cache
from bench.weights.find import status_rows as weight_rows

CORE = ("torch", "torchvision", "numpy", "scipy", "pandas", "pyarrow", "scikit-image", "opencv-python-headless")
EXTRAS = {
    "detection": ("ultralytics", "faster_coco_eval"),
    "segmentation": ("mmseg", "mmengine", "mmcv"),
    "scale": ("ray",),
    "fast": ("numba",),
}


def examine(data_root: Path | None, weights_root: Path | None) -> tuple[list[dict[str, Any]], bool]:
    """Looks at packages, devices, data, weights and tools.

    Returns:
        Rows with ``what``, ``state``, ``detail`` and ``mend``; and True if nothing needed for the main job is missing.
    """
    rows = [_row("ivif-bench", "ok", __version__)]
    rows += [_package(name) for name in CORE]
    rows += [_extra(name, modules) for name, modules in EXTRAS.items()]
    rows += [_device(), _compiler(), _kernels()]
    rows += _data(data_root)
    rows += _weights(weights_root)
    return rows, all(row["state"] != "broken" for row in rows)


def _row(what: str, state: str, detail: str = "", mend: str = "") -> dict[str, Any]:
    return {"what": what, "state": state, "detail": detail, "mend": mend}


def _package(name: str) -> dict[str, Any]:
    try:
        return _row(name, "ok", version(name))
    except PackageNotFoundError:
        return _row(name, "broken", "not installed", f"pip install {name}")


def _extra(name: str, modules: tuple[str, ...]) -> dict[str, Any]:
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        return _row(f"extra {name}", "absent", f"without {', '.join(missing)}", f'pip install -e ".[{name}]"')
    return _row(f"extra {name}", "ok", ", ".join(modules))


def _device() -> dict[str, Any]:
    import torch

    if torch.cuda.is_available():
        return _row("GPU", "ok", f"{torch.cuda.device_count()} x {torch.cuda.get_device_name(0)}")
    return _row("GPU", "absent", "everything runs on the CPU; training to the paper's schedule wants one")


def _compiler() -> dict[str, Any]:
    found = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    return _row("C++ compiler", "ok" if found else "absent", found or "torch.compile is left out; nothing needs it")


def _kernels() -> dict[str, Any]:
    if importlib.util.find_spec("numba") is None:
        return _row("metrics engine", "ok", "NumPy; the extra fast makes it about four times as fast")
    if kernels_ready():
        return _row("metrics engine", "ok", f"compiled in {kernel_cache()}")
    return _row("metrics engine", "ok", "compiled when a run repays it, for half a minute; or now: bench doctor --warm")


def _data(root: Path | None) -> list[dict[str, Any]]:
    try:
        found = data_rows(root)
    except BenchError as error:
        return [_row("datasets.yaml", "broken", str(error), "mend the file")]
    rows = []
    for row in found:
        counts = ", ".join(f"{split} {there} of {listed}" for split, (there, listed) in row.counts.items())
        if row.folder:
            rows.append(_row(f"data {row.name}", "ok", f"{row.folder}: {counts}"))
        else:
            mend = "made when first used" if row.how == "generated" else f"bench data fetch {row.name}, or --data-root"
            rows.append(_row(f"data {row.name}", "absent", "not there", mend))
    return rows


def _weights(root: Path | None) -> list[dict[str, Any]]:
    methods: dict[str, list[dict[str, str]]] = {}
    for row in weight_rows(root):
        methods.setdefault(row["method"], []).append(row)
    rows = []
    for name, files in methods.items():
        published = [row for row in files if row["state"] != "trained here"]
        states = {row["state"] for row in published}
        if "differs" in states:
            bad = next(row for row in published if row["state"] == "differs")
            rows.append(
                _row(f"weights {name}", "broken", f"{bad['place']} is not the published file", "fetch it again")
            )
        elif states == {"ready"}:
            rows.append(_row(f"weights {name}", "ok", published[0]["place"]))
        elif len(published) < len(files):
            rows.append(_row(f"weights {name}", "ok", "trained here"))
        else:
            mend = f"bench weights fetch {name}, --weights-root, or bench train {name}"
            rows.append(_row(f"weights {name}", "absent", "missing", mend))
    return rows
