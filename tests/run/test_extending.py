"""Parts of a data set with equal names, and what a second command may do in the folder of a first."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import bench
from made_data import make_parts

from bench.images import read_image
from bench.store.run_folder import Store

SETS = """
datasets:
  twins:
    title: Two parts with equal names
    homepage: https://example.org
    licence: none
    citation: none
    instructions: made by a test
    classes: [other, thing]
    palette: [[0, 0, 0], [255, 255, 255]]
    layouts:
      - folder: twins
        parts:
          train: {ir: train/ir, vis: train/vi, labels: train/labels}
          test: {ir: test/ir, vis: test/vi, labels: test/labels}
"""


@pytest.fixture
def twins(tmp_path: Path) -> list[str]:
    """Arguments that name a data set whose train and test part use the same four names, with other images."""
    (tmp_path / "sets.yaml").write_text(SETS)
    make_parts(tmp_path / "data" / "twins", {"train": "l", "test": "l"}, "abcd")
    return ["--datasets", "twins", "--datasets-file", str(tmp_path / "sets.yaml"), "--data-root",
            str(tmp_path / "data"), "--out", str(tmp_path / "out"), "--device", "cpu", "--jobs", "1",
            "--executor", "inline"]  # fmt: skip


def test_parts_with_equal_names_do_not_overwrite_each_other(
    twins: list[str], tmp_path: Path, toy_segmenter: type
) -> None:
    result = bench(
        "run", *twins, "--methods", "visible,average", "--tasks", "metrics,segmentation", "--preset", "smoke",
        "--option", "segmentation.steps=4", "--metrics", "MSE",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    store = Store(tmp_path / "out")
    for split in ("train", "test"):
        source = read_image(tmp_path / "data" / "twins" / split / "vi" / "a.png")
        assert np.array_equal(read_image(store.fused_path("twins", split, "visible", "a")), source)
    assert (tmp_path / "out/fused/twins/visible/a.png").is_file()
    assert (tmp_path / "out/fused/twins@train/visible/a.png").is_file()
    rows = store.read_scores()
    assert set(rows.loc[rows["task"] == "metrics", "split"]) == {"test"}
    manifest = store.read_manifest()
    assert set(manifest.datasets["twins"].parts) == {"train", "test"}
    assert manifest.datasets["twins"].source("a", "train").ir.endswith("train/ir/a.png")
    assert manifest.datasets["twins"].source("a").ir.endswith("test/ir/a.png")

    twins[twins.index("--out") + 1] = str(tmp_path / "alone")
    alone = bench("run", *twins, "--methods", "visible", "--tasks", "metrics", "--metrics", "MSE")
    assert alone.exit_code == 0, alone.output
    value = pd.read_csv(tmp_path / "alone" / "scores.csv")["value"].mean()
    both = rows[(rows["task"] == "metrics") & (rows["method"] == "visible")]["value"].mean()
    assert both == pytest.approx(value, rel=1e-12)


REFUSED = [
    (["--seed", "1"], "--seed 0, now it is 1"),
    (["--way", "plain"], "--way published, now it is plain"),
    (["--way", "both"], "--way published, now it is both"),
    (["--precision", "fast"], "--precision exact, now it is fast"),
    (["--compile", "auto"], "--compile never, now it is auto"),
    (["--limit", "1"], "holds 2 pairs of twins, --limit is now 1"),
    (["--datasets", "twins:train"], "part of twins all, now it is train"),
    (["--tasks", "efficiency", "--option", "efficiency.seconds=2"], "options of efficiency seconds=1, now it is"),
]


@pytest.mark.parametrize(("more", "said"), REFUSED, ids=[" ".join(more) for more, _ in REFUSED])
def test_other_settings_in_the_same_folder_are_refused_by_name(
    twins: list[str], tmp_path: Path, more: list[str], said: str
) -> None:
    first = [*twins, "--methods", "average", "--metrics", "EN", "--limit", "2", "--tasks", "metrics,efficiency",
             "--option", "efficiency.seconds=1"]  # fmt: skip
    assert bench("run", *first).exit_code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").glob("*.*")}
    if "--tasks" not in more:
        more = [*more, "--tasks", "metrics"]
    if "--limit" not in more:
        more = [*more, "--limit", "2"]
    result = bench("run", *twins, "--methods", "visible", "--metrics", "EN", *more)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.output.split())
    assert {path: path.read_bytes() for path in (tmp_path / "out").glob("*.*")} == before


def test_methods_conventions_metrics_and_pairs_extend_a_folder(twins: list[str], tmp_path: Path) -> None:
    one = [*twins, "--tasks", "metrics", "--conventions", "standard"]
    assert bench("run", *one, "--methods", "average", "--metrics", "EN", "--limit", "2").exit_code == 0
    assert bench("run", *one, "--methods", "visible", "--metrics", "SD", "--limit", "2").exit_code == 0
    two = [*one[:-1], "seafusion2022"]
    assert bench("run", *two, "--methods", "average", "--metrics", "SD").exit_code == 0
    rows = pd.read_csv(tmp_path / "out" / "scores.csv")
    counts = rows.groupby(["method", "convention", "metric"])["pair"].nunique().to_dict()
    assert counts == {
        ("average", "standard", "EN"): 2, ("average", "seafusion2022", "SD"): 4, ("visible", "standard", "SD"): 2,
    }  # fmt: skip
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [command["rows"] for command in manifest["commands"]] == [2, 2, 4]
    assert [command["covers"]["methods"] for command in manifest["commands"]] == [["average"], ["visible"], ["average"]]
    again = bench("run", *two, "--methods", "average", "--metrics", "SD")
    assert "fuse 0, score 0" in again.output
    assert len(json.loads((tmp_path / "out" / "manifest.json").read_text())["commands"]) == 3


def test_two_parts_of_one_set_are_not_mixed_in_one_folder(twins: list[str]) -> None:
    result = bench("run", *twins, "--methods", "average", "--datasets", "twins:train,twins:test")
    assert result.exit_code == 2
    assert "two parts of one set" in result.output
