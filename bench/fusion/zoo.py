"""A zoo of ready images: ``ROOT/<dataset>/<METHOD>/<image>``, or ``ROOT/<METHOD>/<dataset>/<image>``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.data.names import DATASET, is_junk
from bench.data.spec import names_beside
from bench.errors import BenchError


def zoo_methods(root: Path, datasets: Sequence[str]) -> list[str]:
    """``LABEL=FOLDER`` of every method below a root, for the data sets asked for.

    Args:
        root: the zoo.
        datasets: names, or ``NAME:SUBSET``.

    Raises:
        BenchError: not a folder, or without a folder of any of these data sets.
    """
    if not root.is_dir():
        raise BenchError(f"--results {root} is not a folder; give the one that holds DATASET/METHOD or METHOD/DATASET")
    names = [selection.partition(":")[0] for selection in datasets]
    first = [folder for name in names if (folder := folder_of(root, name))]
    found = {method.name: root / DATASET / method.name for folder in first for method in _folders(folder)}
    for method in _folders(root):
        if method not in first and any(folder_of(method, name) for name in names):
            found.setdefault(method.name, method / DATASET)
    if not found:
        raise BenchError(
            f"--results {root}: holds no folder of {', '.join(names)}, wanted e.g. {root / names[0]}/METHOD/01.png "
            f"or {root}/METHOD/{names[0]}/01.png"
        )
    return [f"{label}={place}" for label, place in sorted(found.items())]


def folder_of(parent: Path, dataset: str) -> Path | None:
    """The folder of a data set below another, in any case and by any of its names; None where there is none."""
    known = {dataset.casefold(), *names_beside(dataset)}
    return next((folder for folder in _folders(parent) if folder.name.casefold() in known), None)


def at_dataset(place: Path, dataset: str) -> Path:
    """A method's folder with the data set's own name in the place of ``{dataset}``."""
    text = str(place)
    if DATASET not in text:
        return place
    before, _, after = text.partition(DATASET)
    own = folder_of(Path(before), dataset) if Path(before).is_dir() else None
    return (own or Path(before) / dataset) / after.strip("/\\")


def zoo_files(place: Path) -> tuple[Path, list[Path]]:
    """The root of a method's folder with ``{dataset}`` in it, and all files that it stands for."""
    before, _, after = str(place).partition(DATASET)
    root = Path(before)
    folders = [folder / after.strip("/\\") for folder in _folders(root)]
    files = (path for folder in folders if folder.is_dir() for path in folder.rglob("*") if path.is_file())
    return root, sorted(path for path in files if not is_junk(path.name))


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
