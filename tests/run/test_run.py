"""The whole line in process: data set -> fused -> scores -> report, and again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command import bench
from PIL import Image
from typer.testing import Result

import reports.pictures
from bench.errors import BenchError
from bench.metrics import evaluate
from bench.run import stages
from bench.types import SCORE_COLUMNS


def run(msrs: Path, out: Path, *more: str, methods: str = "visible,average") -> Result:
    return bench(
        "run", "--methods", methods, "--datasets", "mfnet", "--tasks", "metrics", "--data-root", msrs,
        "--out", out, "--executor", "inline", *more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def finished(msrs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    result = run(msrs, out)
    assert result.exit_code == 0, result.output
    return out


def test_what_is_said_of_two_sets_alike_is_said_once(msrs: Path, tmp_path: Path) -> None:
    sides = msrs / "MSRS" / "test"
    more = ("--ir", str(sides / "ir"), "--vis", str(sides / "vi"), "--metrics", "EN")
    said = run(msrs, tmp_path / "run", *more, methods="average").output
    notes = [line for line in said.splitlines() if "perceptual hash" in line]
    assert len(notes) == 1, notes
    assert notes[0].startswith("note: mfnet test, folder test: ")
    page = (tmp_path / "run" / "report" / "index.html").read_text()
    assert page.count("perceptual hash") == 1


def test_a_finished_run_answers_without_importing_what_computes(finished: Path, msrs: Path) -> None:
    told = "import atexit, sys; from bench.cli import main;"
    heavy = ("torch", "numba", "matplotlib", "scipy.stats")
    told += f"atexit.register(lambda: print(sorted({{*{heavy}}} & set(sys.modules)))); main()"
    again = ["run", "--methods", "visible,average", "--datasets", "mfnet", "--tasks", "metrics", "--executor", "inline"]
    command = [sys.executable, "-c", told, *again, "--data-root", str(msrs), "--out", str(finished)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "fuse 0, score 0" in done.stderr + done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_end_is_prepared_before_the_workers_are_waited_for(
    msrs: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(stages, "prepare_end", lambda: seen.append("prepared"))
    executed = stages.create_executor

    class Noting:
        def run(self, *work: Any) -> None:
            seen.append("executed")
            executed("inline").run(*work)

    monkeypatch.setattr(stages, "create_executor", lambda _: Noting())
    assert run(msrs, tmp_path / "new").exit_code == 0
    assert seen == ["prepared", "executed"] * 2
    seen.clear()
    assert run(msrs, finished).exit_code == 0
    assert not seen, "a finished run has nothing to wait for"


def test_a_run_is_planned_without_importing_what_computes() -> None:
    told = "import sys; from bench.plugin.kinds import TASKS;"
    told += "print({name: TASKS.get(name)().runs for name in TASKS.names()});"
    told += "print(sorted({'torch', 'numba', 'matplotlib', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    tasks, heavy = done.stdout.splitlines()
    assert "'segmentation': 'preset'" in tasks
    assert heavy == "[]"


def test_a_run_leaves_what_the_contract_says(finished: Path) -> None:
    scores = pd.read_parquet(finished / "scores.parquet")
    assert list(scores.columns) == list(SCORE_COLUMNS)
    assert len(scores) == 4 * 2 * 2 * 6
    assert set(scores["status"]) == {"ok"}
    assert len(list((finished / "fused" / "mfnet" / "average").glob("*.png"))) == 4
    manifest = json.loads((finished / "manifest.json").read_text())
    assert manifest["complete"] is True
    assert manifest["datasets"]["mfnet"]["listed"] == 361
    assert manifest["datasets"]["mfnet"]["found"] == 4
    assert (finished / "report" / "index.html").is_file()


def test_the_manifest_says_which_engine_scored_and_both_give_the_same_numbers(
    finished: Path, msrs: Path, tmp_path: Path
) -> None:
    pytest.importorskip("numba", reason="the extra fast is not installed")
    assert run(msrs, tmp_path / "run", "--engine", "numba").exit_code == 0
    tables = []
    for folder, engine in ((finished, "numpy"), (tmp_path / "run", "numba")):
        manifest = json.loads((folder / "manifest.json").read_text())
        assert [command["engine"] for command in manifest["commands"]] == [engine]
        tables.append(pd.read_parquet(folder / "scores.parquet"))
    identity = ["pair", "method", "convention", "metric"]
    first, second = (table.sort_values(identity)["value"].to_numpy() for table in tables)
    np.testing.assert_allclose(second, first, rtol=1e-8)
    assert run(msrs, tmp_path / "other", "--engine", "fast").exit_code != 0


def test_scores_are_what_evaluate_gives_on_the_files(finished: Path, msrs: Path) -> None:
    scores = pd.read_parquet(finished / "scores.parquet")
    row = scores[(scores["method"] == "average") & (scores["convention"] == "standard")].iloc[0]
    source = msrs / "MSRS" / "test"
    ir, vis, fused = (
        np.asarray(Image.open(path))
        for path in (
            source / "ir" / f"{row['pair']}.png",
            source / "vi" / f"{row['pair']}.png",
            finished / "fused" / "mfnet" / "average" / f"{row['pair']}.png",
        )
    )
    assert row["value"] == evaluate(ir, vis, fused, metrics=[row["metric"]])[row["metric"]]


def test_a_second_run_recomputes_nothing(finished: Path, msrs: Path) -> None:
    kept = [*finished.rglob("*.png"), *finished.rglob("*.jpg"), *finished.glob("scores.*"), *finished.rglob("*.html")]
    before = {path: path.stat().st_mtime_ns for path in kept}
    result = run(msrs, finished)
    assert "fuse 0, score 0" in result.output
    assert {path: path.stat().st_mtime_ns for path in kept} == before


def test_scoring_leaves_the_thumbnails_that_the_report_would_make(
    msrs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    monkeypatch.setattr(reports.pictures, "write_thumbnail", lambda path, _: made.append(path))
    assert run(msrs, tmp_path / "run").exit_code == 0  # with the visible images as a method, the infrared as a source
    assert not made
    monkeypatch.undo()
    report = tmp_path / "run" / "report"
    before = {path: path.read_bytes() for path in report.rglob("*.jpg")}
    assert len(before) == 4 * 3
    shutil.rmtree(report)
    reports.build_report(tmp_path / "run")
    assert {path: path.read_bytes() for path in report.rglob("*.jpg")} == before


def test_compiling_must_repay_itself_in_each_worker(
    msrs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(stages, "ready_engine", lambda _, images, __: asked.append(images) or "numpy")
    assert run(msrs, tmp_path / "run", "--jobs", "2").exit_code == 0
    assert asked == [2 * 4 * 2 // 2]  # methods, pairs, conventions; workers


def test_one_more_convention_scores_only_that(finished: Path, msrs: Path) -> None:
    result = run(msrs, finished, "--conventions", "standard,seafusion2022,cddfuse")
    assert result.exit_code == 0, result.output
    assert "fuse 0, score 8" in result.output
    assert "cddfuse" in set(pd.read_parquet(finished / "scores.parquet")["convention"])


def test_a_damaged_image_is_made_again(msrs: Path, tmp_path: Path) -> None:
    run(msrs, tmp_path)
    scores = (tmp_path / "scores.csv").read_bytes()
    victim = next((tmp_path / "fused" / "mfnet" / "average").glob("*.png"))
    victim.write_bytes(victim.read_bytes()[:50])
    result = run(msrs, tmp_path)
    assert "fuse 1, score 0" in result.output
    assert (tmp_path / "scores.csv").read_bytes() == scores


def test_other_methods_of_an_earlier_run_stay_in_the_table(msrs: Path, tmp_path: Path) -> None:
    run(msrs, tmp_path, methods="visible")
    run(msrs, tmp_path, methods="infrared")
    assert set(pd.read_parquet(tmp_path / "scores.parquet")["method"]) == {"visible", "infrared"}


def test_a_folder_of_images_is_a_method_and_its_gaps_are_named(finished: Path, msrs: Path, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    ready.mkdir()
    images = sorted((finished / "fused" / "mfnet" / "average").glob("*.png"))
    for path in images[1:]:
        (ready / path.name).write_bytes(path.read_bytes())
    result = run(msrs, tmp_path / "out", methods=f"mine={ready}")
    assert result.exit_code == 1
    assert f"holds no image named {images[0].stem}" in result.output
    scores = pd.read_parquet(tmp_path / "out" / "scores.parquet")
    assert scores.groupby("status").size().to_dict() == {"failed": 12, "ok": 36}


def test_a_folder_may_hold_names_that_are_no_text(finished: Path, msrs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ready"
    shutil.copytree(finished / "fused" / "mfnet" / "average", folder)
    shutil.copy(next(folder.glob("*.png")), os.fsencode(folder) + b"/caf\xe9.png")
    run(msrs, tmp_path / "run", methods=f"mine={folder}")
    assert (pd.read_parquet(tmp_path / "run" / "scores.parquet")["status"] == "ok").sum() == 4 * 2 * 6


def test_missing_weights_skip_a_named_method_with_the_mending_command(msrs: Path, tmp_path: Path) -> None:
    result = run(msrs, tmp_path, methods="visible,ifcnn")
    assert result.exit_code == 1
    assert "bench weights fetch ifcnn" in result.output
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert scores[scores["method"] == "ifcnn"]["status"].tolist() == ["skipped"]
    assert (scores[scores["method"] == "visible"]["status"] == "ok").all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--methods", "sefusion"], "did you mean seafusion"),
        (["--datasets", "mfnett"], "mfnet"),
        (["--conventions", "standart"], "did you mean standard"),
        (["--metrics", "VIFX"], "VIF"),
        (["--methods", ""], "--methods is '', wanted a value"),
        (["--methods", " , "], "--methods is ' , ', wanted a value"),
        (["--datasets", ""], "--datasets is '', wanted a value"),
        (["--tasks", "metric"], "did you mean metrics"),
        (["--preset", "huge"], "--preset is 'huge'"),
        (["--device", "tpu"], "wanted auto, cpu, cuda"),
        (["--data-root", "/nowhere"], "--data-root /nowhere does not exist"),
        (["--methods", "mine=/nowhere"], "is not a folder"),
        (["--methods", "mine="], "no folder after the ="),
        (["--option", "detection"], "wanted TASK.NAME=VALUE"),
    ],
)
def test_a_wrong_request_is_refused_before_any_work(
    msrs: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    base = {"--methods": "visible", "--datasets": "mfnet", "--data-root": str(msrs), "--executor": "inline",
            "--out": str(tmp_path / "out")}  # fmt: skip
    base.update(zip(arguments[::2], arguments[1::2], strict=True))
    result = bench("run", *(part for pair in base.items() for part in pair))
    assert isinstance(result.exception, BenchError)
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
    assert not list((tmp_path / "out").glob("fused/*"))


@pytest.mark.parametrize("arguments", [["--jobs", "-1"], ["--limit", "0"], ["--seed", "-1"], ["--seed", str(2**32)]])
def test_a_number_out_of_range_is_refused_before_any_work(msrs: Path, tmp_path: Path, arguments: list[str]) -> None:
    out = tmp_path / "out"
    result = bench("run", "--datasets", "mfnet", "--data-root", str(msrs), "--out", str(out), *arguments)
    assert result.exit_code == 2
    assert arguments[0] in result.output
    assert not out.exists()


def test_two_runs_at_once_on_one_folder_are_refused(msrs: Path, tmp_path: Path) -> None:
    from filelock import FileLock

    with FileLock(tmp_path / ".lock"):
        result = run(msrs, tmp_path)
    assert "another bench run is writing here" in str(result.exception)


def test_worker_processes_give_the_same_bytes(finished: Path, msrs: Path, tmp_path: Path) -> None:
    result = run(msrs, tmp_path, "--executor", "local", "--jobs", "2", methods="average")
    assert result.exit_code == 0, result.output
    for path in (tmp_path / "fused" / "mfnet" / "average").glob("*.png"):
        assert path.read_bytes() == (finished / "fused" / "mfnet" / "average" / path.name).read_bytes()


def test_a_default_task_without_its_weights_is_left_out_with_a_note(msrs: Path, tmp_path: Path) -> None:
    result = bench(
        "run", "--methods", "visible", "--datasets", "mfnet", "--data-root", msrs, "--out", tmp_path,
        "--executor", "inline",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "task detection left out" in result.output


def test_a_named_task_without_truth_is_refused_before_any_work(msrs: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "TNO").mkdir(parents=True)
    for kind in ("ir", "vi"):
        (tmp_path / "data" / "TNO" / kind).mkdir()
        Image.fromarray(np.zeros((48, 48), np.uint8)).save(tmp_path / "data" / "TNO" / kind / "01.png")
    result = bench(
        "run", "--methods", "visible", "--datasets", "tno", "--tasks", "segmentation", "--data-root", tmp_path / "data",
        "--out", tmp_path / "out", "--executor", "inline",
    )  # fmt: skip
    assert isinstance(result.exception, BenchError)
    assert "--tasks segmentation: tno has no segmentation classes" in str(result.exception)
    assert not list((tmp_path / "out").rglob("*.png")), "it was known before anything was fused"


def test_workers_start_from_the_file_that_the_run_chose(
    msrs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_segmenter: type
) -> None:
    """A worker's machine without the file, or with another: the run's own copy counts, and the manifest names it."""
    import hashlib

    from bench.weights.backbones import BackboneFile
    from tasks.segmentation import starts, task

    content = b"the weights that the command found"
    made = (BackboneFile("made.pth", hashlib.sha256(content).hexdigest(), 0),)
    for module in (starts, task):
        monkeypatch.setattr(module, "RESNET18", made)
    found = tmp_path / "weights" / "ImageNet" / "made.pth"
    found.parent.mkdir(parents=True)
    found.write_bytes(content)
    started: list[object] = []
    build = toy_segmenter.build
    folder = tmp_path / "run" / "pretrained"

    def building(self: object, classes: int, seed: int, backbone: Path | None = None) -> object:
        if not started:
            found.unlink()
            found.write_bytes(b"what lies on another machine")
        started.append(backbone and (backbone, backbone.read_bytes()))
        return build(self, classes, seed, backbone)

    monkeypatch.setattr(toy_segmenter, "build", building)
    more = ("--tasks", "segmentation", "--preset", "smoke", "--weights-root", str(tmp_path / "weights"),
            "--option", "segmentation.steps=4")  # fmt: skip
    result = run(msrs, tmp_path / "run", *more)
    assert result.exit_code == 0, result.output
    assert started == [(folder / "made.pth", content)] * 2
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["pretrained"] == {"made.pth": made[0].sha256}
    assert manifest["tasks"]["segmentation"]["settings"]["backbone_sha256"] == made[0].sha256

    found.unlink()
    started.append(0)  # the file stays away: a random start, said, for all
    result = run(msrs, tmp_path / "random", *more)
    assert result.exit_code == 0, result.output
    assert started[3:] == [None, None]
    assert json.loads((tmp_path / "random" / "manifest.json").read_text())["pretrained"] == {"made.pth": "random"}
    refused = run(msrs, tmp_path / "paper", *more[:3], "paper", *more[4:], methods="average")
    assert "segmentation.random_backbone=true" in str(refused.exception)
    assert not list((tmp_path / "paper" / "fused").rglob("*.png")), "refused before the work, not after it"
