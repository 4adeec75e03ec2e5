"""``bench run --results``: a zoo of ready images in both layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from bench.cli import app
from bench.errors import BenchError
from bench.fusion.zoo import at_dataset, folder_of, zoo_methods

RNG = np.random.default_rng(2)


def save(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, (48, 64), np.uint8)).save(path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for dataset, names in (("TNO/ir", ("01", "02")), ("TNO/vi", ("01", "02"))):
        for name in names:
            save(tmp_path / "data" / dataset / f"{name}.png")
    return tmp_path / "data"


@pytest.mark.parametrize("layout", ["zoo/TNO/{method}/{pair}.png", "zoo/{method}/tno/{pair}.png"])
def test_both_layouts_are_scored(tmp_path: Path, data: Path, layout: str) -> None:
    for method in ("Alpha", "Beta-Net"):
        for pair in ("01", "02"):
            save(tmp_path / layout.format(method=method, pair=pair))
    request = ["run", "--results", str(tmp_path / "zoo"), "--datasets", "tno", "--data-root", str(data), "--tasks",
               "metrics", "--out", str(tmp_path / "run"), "--executor", "inline"]  # fmt: skip
    result = CliRunner().invoke(app, request)
    assert result.exit_code == 0, result.output
    text = (tmp_path / "run/scores.csv").read_text()
    assert text.count(",Alpha,01,SD,standard") == text.count(",Beta-Net,02,SD,standard") == 1
    assert ",average," not in text


def test_images_beyond_the_limit_are_no_leftovers(tmp_path: Path, data: Path) -> None:
    for pair in ("01", "02"):
        save(tmp_path / f"zoo/TNO/Alpha/{pair}.png")
    request = ["run", "--results", str(tmp_path / "zoo"), "--datasets", "tno", "--data-root", str(data), "--tasks",
               "metrics", "--metrics", "EN", "--limit", "1", "--out", str(tmp_path / "run"),
               "--executor", "inline"]  # fmt: skip
    result = CliRunner().invoke(app, request)
    assert result.exit_code == 0, result.output
    save(tmp_path / "zoo/TNO/Alpha/99x.png")
    result = CliRunner().invoke(app, request)
    assert result.exit_code == 1
    assert "1 files belong to no pair" in result.output


def test_folders_are_matched_in_any_case_and_by_both_names(tmp_path: Path) -> None:
    for name in ("MSRS/A", "tno/A", "tno/B", "C/RoadScene", "C/x"):
        (tmp_path / name).mkdir(parents=True)
    assert zoo_methods(tmp_path, ["mfnet:day", "tno"]) == [
        f"A={tmp_path}/{{dataset}}/A", f"B={tmp_path}/{{dataset}}/B",
    ]  # fmt: skip
    assert zoo_methods(tmp_path, ["roadscene"]) == [f"C={tmp_path}/C/{{dataset}}"]
    assert at_dataset(tmp_path / "{dataset}" / "A", "mfnet") == tmp_path / "MSRS" / "A"
    assert at_dataset(tmp_path / "C", "tno") == tmp_path / "C"
    assert folder_of(tmp_path, "vifb") is None


def test_a_root_without_these_sets_says_what_was_wanted(tmp_path: Path) -> None:
    (tmp_path / "A").mkdir()
    with pytest.raises(BenchError, match=r"holds no folder of tno, wanted e\.g\. .*METHOD/01\.png"):
        zoo_methods(tmp_path, ["tno"])
    with pytest.raises(BenchError, match="is not a folder"):
        zoo_methods(tmp_path / "none", ["tno"])
