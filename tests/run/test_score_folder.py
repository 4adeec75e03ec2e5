"""Scoring a folder: names, faults, workers, files."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.errors import BenchError
from bench.fusion.ready import find_ready
from bench.metrics import evaluate
from bench.metrics.catalogue import chosen_metrics
from bench.run.score_folder import score_folder, summary_rows, write_scores
from bench.types import SCORE_COLUMNS, PairFiles, Problem, Score

Images = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture
def pairs(tmp_path: Path, scene: Callable[..., Images]) -> list[PairFiles]:
    """Four pairs on disk and an empty folder ``fused``."""
    made = []
    (tmp_path / "fused").mkdir()
    for index in range(4):
        ir, vis, _ = scene(44, 50, index)
        paths = [tmp_path / f"{part}{index}.png" for part in ("ir", "vis")]
        for path, image in zip(paths, (ir, vis), strict=True):
            Image.fromarray(image).save(path)
        made.append(PairFiles("made", "test", f"A{index}", *paths))
    return made


DEFAULT = ("standard", "seafusion2022")


def run(
    tmp_path: Path,
    pairs: list[PairFiles],
    conventions: Sequence[str] = DEFAULT,
    metrics: Sequence[str] | None = None,
    engine: str = "auto",
) -> tuple[list[Score], list[Problem]]:
    return score_folder(tmp_path / "fused", pairs, "mine", chosen_metrics(conventions, metrics), jobs=1, engine=engine)


def test_extension_case_and_colour_do_not_matter(
    tmp_path: Path, pairs: list[PairFiles], scene: Callable[..., Images]
) -> None:
    fused = [scene(44, 50, index)[2] for index in range(4)]
    names = ("a0.PNG", "A1.bmp", "A2.tif", "a3.png")
    for index, name in enumerate(names):
        image = fused[index] if index % 2 else np.repeat(fused[index][..., None], 3, axis=2)
        Image.fromarray(image).save(tmp_path / "fused" / name)
    scores, problems = run(tmp_path, pairs, conventions=("standard", "tang2023"))
    assert not problems
    assert len(scores) == 4 * 2 * 6
    assert {score.task for score in scores} == {"metrics"}
    expected = evaluate(*scene(44, 50, 2)[:2], fused[2], "tang2023", ["VIF"])["VIF"]
    got = [s.value for s in scores if (s.pair, s.convention, s.metric) == ("A2", "tang2023", "VIF")]
    assert got == [expected]


def test_missing_extra_and_double_files_are_reported(tmp_path: Path, pairs: list[PairFiles]) -> None:
    for name in ("A0.png", "A1.png", "a1.bmp", "other.png"):
        Image.fromarray(np.zeros((44, 50), np.uint8)).save(tmp_path / "fused" / name)
    (tmp_path / "fused" / "notes.txt").write_text("not an image")
    scores, problems = run(tmp_path, pairs, metrics=["EN"])
    assert {score.pair for score in scores} == {"A0"}
    assert all(problem.fault for problem in problems)
    said = {problem.where: problem.text for problem in problems}
    assert "holds no image named A2.*" in said["A2"]
    everything = " ".join(problem.text for problem in problems)
    assert "2 files are of the name 'A1' (A1.png, a1.bmp), none is taken" in everything
    assert "1 files belong to no pair and are not used: other.png" in everything
    assert {"A2", "A3"} < set(said)


def test_broken_images_fail_alone_and_say_why(
    tmp_path: Path, pairs: list[PairFiles], scene: Callable[..., Images]
) -> None:
    good = scene(44, 50, 0)[2]
    Image.fromarray(good).save(tmp_path / "fused" / "A0.png")
    Image.fromarray(good[:-1]).save(tmp_path / "fused" / "A1.png")
    (tmp_path / "fused" / "A2.png").write_bytes(b"nothing")
    Image.fromarray(good).save(tmp_path / "fused" / "A3.png")
    pairs[3].ir_path.write_bytes(b"nothing")
    scores, problems = run(tmp_path, pairs, conventions=("standard",), metrics=["EN", "VIF"])
    state = {(score.pair, score.metric): score.status for score in scores}
    assert [state[f"A{index}", "EN"] for index in range(4)] == ["ok", "failed", "failed", "failed"]
    reasons = {score.pair: score.reason for score in scores if score.status == "failed"}
    assert "A1.png: fused image: 50x43 pixels, wanted 50x44" in reasons["A1"]
    assert "A2.png: not a readable image" in reasons["A2"]
    assert "ir3.png" in reasons["A3"]
    assert {problem.where for problem in problems} == {"A1", "A2", "A3"}


def test_the_engine_asked_for_scores(
    tmp_path: Path, pairs: list[PairFiles], scene: Callable[..., Images], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_ENGINE", "numba")
    monkeypatch.setattr("bench.metrics.choice.importlib.util.find_spec", lambda name: None)
    for index in range(4):
        Image.fromarray(scene(44, 50, index)[2]).save(tmp_path / "fused" / f"A{index}.png")
    with pytest.raises(BenchError, match="engine numba is wanted and not installed"):
        run(tmp_path, pairs, metrics=["EN"])
    scores, _ = run(tmp_path, pairs, metrics=["EN"], engine="numpy")
    assert {score.status for score in scores} == {"ok"}


def test_wrong_folders_are_refused(tmp_path: Path, pairs: list[PairFiles]) -> None:
    with pytest.raises(BenchError, match="no such folder"):
        score_folder(tmp_path / "absent", pairs, "mine", chosen_metrics(DEFAULT, None))
    with pytest.raises(BenchError, match=r"no image, wanted files named as the pairs, e\.g\. A0\.png"):
        find_ready(tmp_path / "fused", ["A0"])
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "fused" / "x.png")
    with pytest.raises(BenchError, match=r"1 images, e\.g\. x\.png, wanted"):
        find_ready(tmp_path / "fused", ["A0"])


def test_workers_give_the_same_numbers_in_the_same_order(
    tmp_path: Path, pairs: list[PairFiles], scene: Callable[..., Images]
) -> None:
    many = []
    for index in range(16):
        first = pairs[index % 4]
        many.append(PairFiles("made", "test", f"P{index}", first.ir_path, first.vis_path))
        Image.fromarray(scene(44, 50, index)[2]).save(tmp_path / "fused" / f"P{index}.png")
    seen: list[tuple[int, int]] = []
    alone, _ = run(tmp_path, many)
    together, _ = score_folder(
        tmp_path / "fused",
        many,
        "mine",
        chosen_metrics(DEFAULT, None),
        jobs=2,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert alone == together
    assert seen == [(done, 16) for done in range(1, 17)]


@pytest.mark.parametrize("extension", [".csv", ".parquet"])
def test_written_tables_hold_every_number_exactly(tmp_path: Path, pairs: list[PairFiles], extension: str) -> None:
    rng = np.random.default_rng(0)
    for files in pairs:
        Image.fromarray(rng.integers(0, 256, (44, 50), dtype=np.uint8)).save(tmp_path / "fused" / f"{files.id}.png")
    scores, _ = run(tmp_path, pairs)
    path = tmp_path / "out" / f"s{extension}"
    write_scores(scores, path)
    frame = pd.read_csv(path, keep_default_na=False) if extension == ".csv" else pd.read_parquet(path)
    assert tuple(frame.columns) == SCORE_COLUMNS
    written = {(r.pair, r.convention, r.metric): r.value for r in frame.itertuples()}
    assert written == {(s.pair, s.convention, s.metric): s.value for s in scores}
    with pytest.raises(BenchError, match=r"wanted \.csv or \.parquet"):
        write_scores(scores, tmp_path / "s.xlsx")


def test_the_screen_table_averages_within_one_convention() -> None:
    def score(pair: str, value: float | None, status: str = "ok") -> Score:
        return Score("metrics", "d", "test", "m", "SD", value, pair, "cddfuse", status=status)  # type: ignore[arg-type]

    rows = summary_rows([score("a", 1.0), score("b", 4.0), score("c", None, "skipped")])
    assert len(rows) == 1
    assert rows[0]["mean"] == 2.5
    assert rows[0]["sd"] == pytest.approx(math.sqrt(4.5))
    assert (rows[0]["pairs"], rows[0]["left out"], rows[0]["unit"]) == (2, 1, "grey level")
