"""Tiny data sets for tests: images, pairs, and a data set in the MSRS layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bench.types import PairFiles


def write_image(path: Path, channels: int = 1, size: tuple[int, int] = (12, 16), seed: int = 0) -> Path:
    """Writes a small random image; ``size`` is (height, width)."""
    shape = size if channels == 1 else (*size, channels)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)).save(path)
    return path


def write_labels(path: Path, classes: int = 2, size: tuple[int, int] = (12, 16), seed: int = 0) -> Path:
    """Writes an image of class ids below ``classes``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, classes, size, dtype=np.uint8)).save(path)
    return path


def write_boxes(path: Path, text: str = "0 0.5 0.5 0.5 0.5\n") -> Path:
    """Writes boxes as YOLO lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def make_parts(folder: Path, parts: Mapping[str, str], names: Sequence[str] = ("0", "1")) -> None:
    """Writes a data set of one's own, ``PART/{ir,vi}`` and the truth that a part's letters ask for: l labels, b boxes.

    All parts have the same names, and images of their own.
    """
    size = (24, 32)
    for at, (part, truth) in enumerate(parts.items()):
        for number, name in enumerate(names):
            seed = 100 * at + number
            write_image(folder / part / "ir" / f"{name}.png", 1, size, 2 * seed)
            write_image(folder / part / "vi" / f"{name}.png", 3, size, 2 * seed + 1)
            if "l" in truth:
                write_labels(folder / part / "labels" / f"{name}.png", 2, size, seed)
            if "b" in truth:
                write_boxes(folder / part / "boxes" / f"{name}.txt")


def write_pairs(folder: Path, sizes: Sequence[tuple[int, int]], prefix: str = "") -> list[PairFiles]:
    """Writes a pair of random images of each size, named by ``prefix`` and their number."""
    return [
        PairFiles(
            "set", "test", f"{prefix}{number}",
            write_image(folder / f"ir{number}.png", 1, size, 2 * number),
            write_image(folder / f"vis{number}.png", 3, size, 2 * number + 1),
        )
        for number, size in enumerate(sizes)
    ]  # fmt: skip


def make_msrs(root: Path, parts: dict[str, int] | None = None, size: tuple[int, int] = (48, 64), seed: int = 0) -> Path:
    """Writes a small data set in the MSRS layout, with labels and boxes; (height, width) = size.

    Names are from the published lists, so that it can be used as ``mfnet``.
    """
    from bench.data.spec import load_datasets

    rng = np.random.default_rng(seed)
    lists = load_datasets()["mfnet"].pairs
    folders = {"train": ("vi", "ir", "Segmentation_labels"), "test": ("vi", "ir", "Segmentation_labels"),
               "detection": ("vi", "ir", "labels")}  # fmt: skip
    for split, count in (parts or {"train": 4, "test": 4, "detection": 2}).items():
        names = list(lists[split])[:: max(1, len(lists[split]) // count)][:count]
        for folder in folders[split]:
            (root / "MSRS" / split / folder).mkdir(parents=True, exist_ok=True)
        for name in names:
            labels = np.zeros(size, np.uint8)
            labels[size[0] // 2 :, : size[1] // 2] = rng.integers(1, 9)
            labels[: size[0] // 2, size[1] // 2 :] = 1 + rng.integers(0, 2)
            vis = rng.integers(0, 60, (*size, 3)) + labels[..., None] * np.array([20, 11, 5])
            ir = rng.integers(0, 60, size) + labels * 20
            folder = root / "MSRS" / split
            Image.fromarray(vis.astype(np.uint8)).save(folder / "vi" / f"{name}.png")
            Image.fromarray(ir.astype(np.uint8)).save(folder / "ir" / f"{name}.png")
            if split == "detection":
                (folder / "labels" / f"{name}.txt").write_text("0 0.5 0.5 0.2 0.4\n2 0.25 0.75 0.3 0.3\n")
            else:
                Image.fromarray(labels).save(folder / "Segmentation_labels" / f"{name}.png")
    return root
