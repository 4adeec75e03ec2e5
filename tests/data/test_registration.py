"""Misalignment of pairs: planted ones are found, those left alone raise no alarm, moving the image mends it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from typer.testing import CliRunner

from bench.cli import app
from bench.data.commands import check_dataset
from bench.data.registration import Misalignment, estimate, register
from bench.images import read_image
from bench.types import Image
from methods import create

ALIGNED = Misalignment(0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 240, 320)
"""Nothing to be moved, on images of the size of ``scene``."""


def scene(seed: int = 0) -> tuple[Image, Image]:
    """Two views of the same shapes: what is bright in one is dark in the other, and each has noise of its own."""
    rng = np.random.default_rng(seed)
    shapes = np.full((240, 320), 90, np.uint8)
    for _ in range(40):
        corner = rng.integers(0, (320, 240))
        end = corner + rng.integers(8, 70, 2)
        cv2.rectangle(shapes, tuple(corner.tolist()), tuple(end.tolist()), int(rng.integers(0, 256)), -1)
    ir = 255 - cv2.GaussianBlur(shapes, (0, 0), 1.2).astype(float) * 0.6 + rng.normal(0, 4, shapes.shape)
    vis = shapes[..., None] * np.array([0.9, 1.0, 0.7]) + rng.normal(0, 4, (*shapes.shape, 3))
    return np.clip(ir, 0, 255).astype(np.uint8), np.clip(vis, 0, 255).astype(np.uint8)


def planted(ir: Image, move: Misalignment) -> Image:
    """The infrared image with its content moved by ``move``; what comes in from outside is black."""
    size = (move.width, move.height)
    return np.asarray(cv2.warpAffine(ir, move.matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP), np.uint8)


def left_over(move: Misalignment, found: Misalignment, own: Misalignment = ALIGNED) -> float:
    """Mean distance in pixels that stays when a planted move is undone as found; ``own`` is the pair's own."""
    square = [np.vstack([each.matrix, [0.0, 0.0, 1.0]]) for each in (move, found, own)]
    grid = np.stack(np.meshgrid([0.1, 0.5, 0.9], [0.1, 0.5, 0.9]), axis=-1).reshape(-1, 2)
    points = np.column_stack([grid * [move.width, move.height], np.ones(len(grid))])
    return float(np.linalg.norm(((square[0] @ square[1] - square[2]) @ points.T)[:2], axis=0).mean())


@pytest.mark.parametrize(
    "move",
    [
        replace(ALIGNED, dx=7.0), replace(ALIGNED, dx=-12.0, dy=9.0), replace(ALIGNED, degrees=3.0),
        replace(ALIGNED, dx=4.5, dy=-6.25, degrees=-2.2, scale=1.03),
    ],
)  # fmt: skip
def test_a_planted_move_is_found_and_undone(move: Misalignment) -> None:
    ir, vis = scene()
    moved = planted(ir, move)
    found = estimate(moved, vis)
    assert found.sure
    assert left_over(move, found) < 0.5
    assert estimate(register(moved, found), vis).distance < 0.5


def test_directions_are_those_of_the_content() -> None:
    ir, vis = scene()
    found = estimate(planted(ir, replace(ALIGNED, dx=8.0, dy=-5.0, degrees=2.0, scale=1.02)), vis)
    assert found.degrees == pytest.approx(-2.0, abs=0.1)
    assert found.scale == pytest.approx(1 / 1.02, abs=0.003)
    found = estimate(np.roll(ir, (3, 5), (0, 1)), vis)
    assert (found.dx, found.dy) == pytest.approx((-5.0, -3.0), abs=0.3)


def test_only_what_is_surely_apart_alarms() -> None:
    ir, vis = scene()
    assert not estimate(ir, vis).alarming
    assert estimate(planted(ir, replace(ALIGNED, dx=10.0, dy=6.0)), vis).alarming
    foreign = scene(seed=1)[1]
    assert not estimate(ir, foreign).alarming
    flat = np.full((240, 320), 9, np.uint8)
    found = estimate(flat, vis)
    assert not found.sure
    assert not found.alarming


def errors_and_alarms(shared: Path, each: int) -> tuple[list[float], list[bool]]:
    """Of planted moves over what a pair has already, and whether the untouched pairs alarm."""
    rng = np.random.default_rng(0)
    errors, alarms = [], []
    for ir_folder, vis_folder in (
        ("TNO/ir", "TNO/vi"), ("RoadScene/cropinfrared", "RoadScene/crop_LR_visible"), ("MSRS/test/ir", "MSRS/test/vi"),
        ("VIFB/ir", "VIFB/vi"),
    ):  # fmt: skip
        paths = sorted((shared / "data" / ir_folder).iterdir())
        for path in paths[:: max(1, len(paths) // each)][:each]:
            ir, vis = read_image(path), read_image(next((shared / "data" / vis_folder).glob(f"{path.stem}.*")))
            own = estimate(ir, vis)
            move = Misalignment(
                *rng.uniform(-12, 12, 2), rng.uniform(-3, 3), 1.0, 0.0, 1.0, own.height, own.width
            )  # fmt: skip
            errors.append(left_over(move, estimate(planted(ir, move), vis), own))
            alarms.append(own.alarming)
    return errors, alarms


def test_planted_moves_of_real_pairs_are_found(shared: Path) -> None:
    errors, alarms = errors_and_alarms(shared, 2)
    assert float(np.median(errors)) <= 0.5
    assert not any(alarms)


@pytest.mark.slow
def test_all_real_pairs_alarm_seldom(shared: Path) -> None:
    errors, alarms = errors_and_alarms(shared, 400)
    assert float(np.median(errors)) <= 0.5
    assert float(np.mean(alarms)) <= 0.05


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A good pair and one that is out of place."""
    ir, vis = scene()
    moved = planted(ir, replace(ALIGNED, dx=10.0, dy=6.0))
    for side, images in (("ir", (ir, moved)), ("vi", (vis, vis))):
        (tmp_path / side).mkdir()
        for name, image in zip(("good", "moved"), images, strict=True):
            Pillow.fromarray(image).save(tmp_path / side / f"{name}.png")
    return tmp_path / "ir", tmp_path / "vi"


def fuse(folders: tuple[Path, Path], out: Path, *more: str) -> str:
    command = ["fuse", "--method", "average", "--ir", *map(str, folders[:1]), "--vis", *map(str, folders[1:])]
    result = CliRunner().invoke(app, [*command, "--out", str(out), "--jobs", "1", *more])
    assert result.exit_code == 0, result.output
    return result.output


def test_fuse_names_the_pair_that_is_out_of_place_and_leaves_it(folders: tuple[Path, Path], tmp_path: Path) -> None:
    printed = fuse(folders, tmp_path / "out")
    (line,) = [line for line in printed.splitlines() if "off the visible one" in line]
    assert line.startswith("note: moved: ")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["good.png", "moved.png"]
    sources = [read_image(folder / "moved.png") for folder in folders]
    np.testing.assert_array_equal(read_image(tmp_path / "out" / "moved.png"), create("average").fuse_pair(*sources))


def test_fuse_registers_on_request_and_records_it(folders: tuple[Path, Path], tmp_path: Path) -> None:
    fuse(folders, tmp_path / "out", "--register")
    record = json.loads((tmp_path / "out" / "registration.json").read_text())
    found = record["pairs"]["moved"]
    assert found["applied"]
    assert (found["dx"], found["dy"]) == pytest.approx((-10.0, -6.0), abs=0.5)
    ir, vis = (read_image(folder / "moved.png") for folder in folders)
    wanted = create("average").fuse_pair(register(ir, estimate(ir, vis)), vis)
    np.testing.assert_array_equal(read_image(tmp_path / "out" / "moved.png"), wanted)


def test_one_pair_is_recorded_beside_its_file(folders: tuple[Path, Path], tmp_path: Path) -> None:
    fuse((folders[0] / "moved.png", folders[1] / "moved.png"), tmp_path / "f.png", "--register")
    assert json.loads((tmp_path / "f.registration.json").read_text())["pairs"]["moved"]["applied"]


def test_the_check_of_a_data_set_says_how_far_pairs_are_apart(folders: tuple[Path, Path], tmp_path: Path) -> None:
    for folder in folders:
        (tmp_path / "TNO").mkdir(exist_ok=True)
        folder.rename(tmp_path / "TNO" / folder.name)
        for old, new in (("good", "01"), ("moved", "02")):
            (tmp_path / "TNO" / folder.name / f"{old}.png").rename(tmp_path / "TNO" / folder.name / f"{new}.png")
    report = check_dataset("tno", tmp_path)
    assert [problem.where for problem in report.alignment] == ["tno test 02", "tno"]
    assert not any(problem.fault for problem in report.alignment)
    result = CliRunner().invoke(app, ["data", "check", "tno", "--data-root", str(tmp_path)])
    assert "note: tno test 02: the infrared image lies" in result.output
