"""Small made data sets in every on-disk layout that datasets.yaml knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from made_data import write_boxes, write_image, write_labels

Maker = Callable[..., Path]


@pytest.fixture
def image() -> Maker:
    return write_image


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data root that holds four data sets in their published layouts."""
    data = tmp_path / "data"
    for split, names in (("train", ("00001D", "00003N")), ("test", ("00004N", "00055D", "00081D"))):
        for name in names:
            write_image(data / "MSRS" / split / "ir" / f"{name}.png")
            write_image(data / "MSRS" / split / "vi" / f"{name}.png", 3)
            write_labels(data / "MSRS" / split / "Segmentation_labels" / f"{name}.png", 9)
    for name in ("2", "131", "583"):
        write_image(data / "MSRS/detection/ir" / f"{name}.png")
        write_image(data / "MSRS/detection/vi" / f"{name}.png", 3)
        write_boxes(data / "MSRS/detection/labels" / f"{name}.txt", "0 0.5 0.5 0.25 0.5\n2 0.1 0.2 0.1 0.1\n")
    for name in ("01", "03", "05"):
        write_image(data / "TNO/ir" / f"{name}.png")
        write_image(data / "TNO/vi" / f"{name}.png", seed=1)
    for name in ("FLIR_00006", "FLIR_00122"):
        write_image(data / "RoadScene/cropinfrared" / f"{name}.jpg")
        write_image(data / "RoadScene/crop_LR_visible" / f"{name}.jpg", 3)
    for name in ("carLight", "peopleshadow"):
        write_image(data / "VIFB/input/VI" / f"{name}.jpg", 3)
    for name in ("carLight", "peopleShadow"):  # the published names differ in case
        write_image(data / "VIFB/input/IR" / f"{name}.jpg")
    return data


@pytest.fixture
def four_channel_root(tmp_path: Path) -> Path:
    """A data root with the original MFNet release."""
    folder = tmp_path / "original" / "ir_seg_dataset"
    for name in ("00001D", "00004N", "00055D", "00069D"):
        write_image(folder / "images" / f"{name}.png", 4, seed=int(name[:5]))
        write_labels(folder / "labels" / f"{name}.png", 1)
    (folder / "train.txt").write_text("00001D\n00001D_flip\n")
    (folder / "val.txt").write_text("00055D\n")
    (folder / "test.txt").write_text("00069D\n00004N\n")
    return folder.parent
