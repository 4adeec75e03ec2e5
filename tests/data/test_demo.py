"""The generated set: layout, truth, determinism, and that the two modalities carry different things."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.demo import DemoSpec, ensure_demo


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_demo(tmp_path_factory.mktemp("demo"), spec=DemoSpec(2, 2, 2, 96, 72))


def test_every_part_has_its_folders(tiny: Path) -> None:
    for folder in ("train/vi", "train/ir", "train/Segmentation_labels", "test/vi", "detection/vi", "detection/labels"):
        assert len(list((tiny / folder).iterdir())) == 2
