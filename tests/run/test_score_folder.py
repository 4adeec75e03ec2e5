"""Scoring a folder: names, faults, workers, files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_data import write_image, write_pairs
from PIL import Image

from bench.errors import BenchError
from bench.fusion.ready import find_ready
from bench.images import read_image
from bench.metrics import evaluate
from bench.metrics.catalogue import chosen_metrics
from bench.run.score_folder import score_folder, summary_rows, write_scores
from bench.types import SCORE_COLUMNS, PairFiles, Problem, Score

SIZE = (44, 50)


@pytest.fixture
def pairs(tmp_path: Path) -> list[PairFiles]:
    """Four pairs on disk, ``A0`` to ``A3``, and an empty folder ``fused``."""
    (tmp_path / "fused").mkdir()
    return write_pairs(tmp_path, [SIZE] * 4, prefix="A")


def write_fused(tmp_path: Path, *names: str) -> list[Path]:
    """A fused image of each name."""
    return [write_image(tmp_path / "fused" / name, 1, SIZE, 100 + at) for at, name in enumerate(names)]


DEFAULT = ("standard", "seafusion2022")


def run(
    tmp_path: Path,
    pairs: list[PairFiles],
    conventions: Sequence[str] = DEFAULT,
    metrics: Sequence[str] | None = None,
    engine: str = "auto",
) -> tuple[list[Score], list[Problem]]:
    return score_folder(tmp_path / "fused", pairs, "mine", chosen_metrics(conventions, metrics), jobs=1, engine=engine)


def test_extension_case_and_colour_do_not_matter(tmp_path: Path, pairs: list[PairFiles]) -> None:
    paths = write_fused(tmp_path, "a0.PNG", "A1.bmp", "A2.tif", "a3.png")
    for path in paths[::2]:
        grey = np.array(Image.open(path))
        Image.fromarray(np.repeat(grey[..., None], 3, axis=2)).save(path)
    scores, problems = run(tmp_path, pairs, conventions=("standard", "tang2023"))
    assert not problems
    assert len(scores) == 4 * 2 * 6
    assert {score.task for score in scores} == {"metrics"}
    images = (read_image(path) for path in (pairs[2].ir_path, pairs[2].vis_path, paths[2]))
    expected = evaluate(*images, "tang2023", ["VIF"])["VIF"]
    got = [s.value for s in scores if (s.pair, s.convention, s.metric) == ("A2", "tang2023", "VIF")]
    assert got == [expected]


def test_missing_extra_and_double_files_are_reported(tmp_path: Path, pairs: list[PairFiles]) -> None:
    write_fused(tmp_path, "A0.png", "A1.png", "a1.bmp", "other.png")
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


def test_broken_images_fail_alone_and_say_why(tmp_path: Path, pairs: list[PairFiles]) -> None:
    write_fused(tmp_path, "A0.png", "A3.png")
    write_image(tmp_path / "fused" / "A1.png", 1, (43, 50))
    (tmp_path / "fused" / "A2.png").write_bytes(b"nothing")
    pairs[3].ir_path.write_bytes(b"nothing")
    scores, problems = run(tmp_path, pairs, conventions=("standard",), metrics=["EN", "VIF"])
    state = {(score.pair, score.metric): score.status for score in scores}
    assert [state[f"A{index}", "EN"] for index in range(4)] == ["ok", "failed", "failed", "failed"]
    reasons = {score.pair: score.reason for score in scores if score.status == "failed"}
    assert "A1.png: fused image: 50x43 pixels, wanted 50x44" in reasons["A1"]
    assert "A2.png: not a readable image" in reasons["A2"]
    assert "ir3.png" in reasons["A3"]
    assert {problem.where for problem in problems} == {"A1", "A2", "A3"}


def test_the_engine_asked_for_scores(tmp_path: Path, pairs: list[PairFiles], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_ENGINE", "numba")
    monkeypatch.setattr("bench.metrics.choice.importlib.util.find_spec", lambda name: None)
    write_fused(tmp_path, *(f"{files.id}.png" for files in pairs))
    with pytest.raises(BenchError, match="engine numba is wanted and not installed"):
        run(tmp_path, pairs, metrics=["EN"])
    scores, _ = run(tmp_path, pairs, metrics=["EN"], engine="numpy")
    assert {score.status for score in scores} == {"ok"}


def test_wrong_folders_are_refused(tmp_path: Path, pairs: list[PairFiles]) -> None:
    with pytest.raises(BenchError, match="no such folder"):
        score_folder(tmp_path / "absent", pairs, "mine", chosen_metrics(DEFAULT, None))
    with pytest.raises(BenchError, match=r"no image, wanted files named as the pairs, e\.g\. A0\.png"):
        find_ready(tmp_path / "fused", ["A0"])
    write_fused(tmp_path, "x.png")
    with pytest.raises(BenchError, match=r"1 images, e\.g\. x\.png, wanted"):
        find_ready(tmp_path / "fused", ["A0"])


def test_workers_give_the_same_numbers_in_the_same_order(tmp_path: Path, pairs: list[PairFiles]) -> None:
    many = [replace(pairs[index % 4], id=f"P{index}") for index in range(16)]
    write_fused(tmp_path, *(f"{files.id}.png" for files in many))
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
    write_fused(tmp_path, *(f"{files.id}.png" for files in pairs))
    scores, _ = run(tmp_path, pairs)
    path = tmp_path / "out" / f"s{extension}"
    write_scores(scores, path)
    if extension == ".csv":  # before version 3, pandas own reader of numbers is off in the last digit
        frame = pd.read_csv(path, keep_default_na=False, converters={"value": float})
    else:
        frame = pd.read_parquet(path)
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
