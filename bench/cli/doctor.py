"""``bench doctor``: what is installed, found and missing, and how to mend it."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from bench.data.commands import DataRow
from bench.data.commands import status_rows as data_rows
from bench.data.spec import broken_packages
from bench.errors import BenchError
from bench.files import VERSION
from bench.metrics.choice import compiled_in, kernels_ready
from bench.plugin.kinds import METHODS
from bench.plugin.method import Trainable
from bench.weights.commands import status_rows as weight_rows

CORE = ("torch", "torchvision", "numpy", "scipy", "pandas", "pyarrow", "scikit-image", "opencv-python-headless")
FOR_DEVELOPERS = ("test", "all")
"""Extras that are no part of what can be used."""


def examine(
    data_root: Path | None, weights_root: Path | None, datasets_file: Path | None = None
) -> tuple[list[dict[str, Any]], bool]:
    """Looks at packages, devices, data, weights and tools.

    Returns:
        Rows with ``what``, ``state``, ``detail`` and ``mend``; and True if nothing needed for the main job is missing.
    """
    rows = [_row("ivif-bench", "ok", VERSION)]
    rows += [_package(name) for name in CORE]
    rows += [_extra(name, wanted) for name, wanted in extras().items()]
    rows += [_device(), _compiler(), _kernels()]
    rows += _data(data_root, datasets_file)
    rows += _weights(weights_root)
    return rows, all(row["state"] != "broken" for row in rows)


def examine_gpu(say: Callable[[str], None]) -> bool:
    """Times training steps on the GPU and prints the table for docs/scaling.md; True if no step failed or waits.

    Raises:
        BenchError: there is no GPU.
    """
    from bench.train.device_check import HEAD, paces, require_gpu

    for line in (require_gpu(), "", *HEAD):
        say(line)
    sound = True
    for pace in paces("cuda"):
        say(pace.line())
        sound &= not pace.waits
    return sound


def _row(what: str, state: str, detail: str = "", mend: str = "") -> dict[str, Any]:
    return {"what": what, "state": state, "detail": detail, "mend": mend}


def _package(name: str) -> dict[str, Any]:
    try:
        return _row(name, "ok", version(name))
    except PackageNotFoundError:
        return _row(name, "broken", "not installed", f"pip install {name}")


def extras() -> dict[str, list[Requirement]]:
    """What each extra of this installation asks for, as its metadata say; empty where it has none."""
    try:
        named = metadata("ivif-bench").get_all("Provides-Extra") or []
        wanted = [Requirement(text) for text in requires("ivif-bench") or []]
    except PackageNotFoundError:  # the packages lie on the path without having been installed
        return {}
    return {
        name: [one for one in wanted if one.marker is not None and _only_for(one, name)]
        for name in named
        if name not in FOR_DEVELOPERS
    }


def _only_for(requirement: Requirement, extra: str) -> bool:
    marker = requirement.marker
    return marker is not None and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""})


def _extra(name: str, wanted: Sequence[Requirement]) -> dict[str, Any]:
    missing = [text for one in wanted if (text := _lacks(one))]
    if missing:
        return _row(f"extra {name}", "absent", f"without {', '.join(missing)}", f'pip install -e ".[{name}]"')
    return _row(f"extra {name}", "ok", ", ".join(dict.fromkeys(one.name for one in wanted)))


def _lacks(requirement: Requirement) -> str:
    """The package as it is wanted, if it is not here or of another version; empty if all is well."""
    try:
        here = version(requirement.name)
    except PackageNotFoundError:
        return requirement.name
    fits = requirement.specifier.contains(here, prereleases=True)
    return "" if fits else f"{requirement.name}{requirement.specifier} (here {here})"


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
        return _row("metrics engine", "ok", f"compiled in {compiled_in()}")
    return _row("metrics engine", "ok", "compiled when a run repays it, for half a minute; or now: bench doctor --warm")


def _data(root: Path | None, datasets_file: Path | None) -> list[dict[str, Any]]:
    try:
        found = data_rows(root, datasets_file)
    except BenchError as error:
        return [_row("data sets", "broken", str(error), "mend the file")]
    rows = [_data_row(row) for row in found]
    for name, why in broken_packages().items():
        rows.append(_row(f"data {name}", "broken", why, "mend or uninstall the package that brings it"))
    return rows


def _data_row(row: DataRow) -> dict[str, Any]:
    what, fetch = f"data {row.name}", f"bench data fetch {row.name}, or --data-root"
    if row.how == "by hand":
        fetch = f"bench data fetch {row.name} says where to get it; then give --data-root"
    if row.folder is None:
        return _row(what, "absent", "not there", "made when first used" if row.how == "generated" else fetch)
    counts = ", ".join(f"{split} {there} of {listed}" for split, (there, listed) in row.counts.items())
    lacking = [split for split, (there, listed) in row.counts.items() if there < max(listed, 1)]
    faults = sum(problem.fault for problem in row.problems)
    if not lacking and not faults:
        return _row(what, "ok", f"{row.folder}: {counts}")
    mend = (
        f"bench data check {row.name} names the faults"
        if faults
        else f"fetch the rest of {', '.join(lacking)}: {fetch}"
    )
    return _row(what, "faulty" if faults else "incomplete", f"{row.folder}: {counts}", mend)


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
            rows.append(_row(f"weights {name}", "absent", "missing", _get_weights(name, files)))
    return rows


def _get_weights(name: str, files: list[dict[str, str]]) -> str:
    """How the weights of a method can be got: only what would work is advised."""
    ways = [f"bench weights fetch {name}"] if any(row["url"] for row in files) else []
    ways.append("--weights-root with the authors' files")
    if isinstance(METHODS.get(name), Trainable):
        ways.append(f"bench train {name}")
    return ", or ".join(ways)
