"""The robustness ladder: its faults by their formulas, what a share is, and the task as a run uses it."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from made_data import make_msrs
from PIL import Image as PillowImage

from bench.data.spec import load_datasets
from bench.errors import BenchError
from bench.files import PROJECT_ROOT
from bench.fusion.harness import create_fuser
from bench.images import encode_png
from bench.metrics import evaluate
from bench.plugin.task import Detections, FusedSet, Job
from bench.run.config import RunConfig
from bench.run.stages import run
from bench.store.run_folder import Store
from bench.types import Image, Pair, PairFiles, Score
from tasks.robustness import task as module
from tasks.robustness.climbing import FILE, PICTURES, pictured
from tasks.robustness.corruptions import CORRUPTIONS, corrupt, earlier_infrared
from tasks.robustness.settings import read_settings
from tasks.robustness.shares import area, has_share
from tasks.robustness.task import RobustnessTask

GRADED = [name for name in CORRUPTIONS if name not in ("ir_missing", "ir_frozen")]
"""Faults whose severity is a strength; that of a frozen camera is an age."""

DOC = PROJECT_ROOT / "docs" / "robustness.md"
SIZE = (72, 96)


def scenery(seed: int, channels: int, size: tuple[int, int] = SIZE) -> Image:
    """Smooth surfaces with an edge, so that a small shift changes little and a large one more."""
    random = np.random.default_rng(seed)
    coarse = random.integers(30, 220, (5, 7, channels)).astype(np.float32)
    image = cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC).reshape(*size, channels)
    image[size[0] // 3 : size[0] // 2, size[1] // 3 : size[1] // 2] += 25
    return np.clip(image, 5, 250).astype(np.uint8).squeeze()


def write_scenes(folder: Path, count: int = 3, boxes: bool = False) -> tuple[PairFiles, ...]:
    files = []
    for number in range(count):
        paths = folder / f"ir{number}.png", folder / f"vis{number}.png", folder / f"{number}.txt"
        paths[0].write_bytes(encode_png(scenery(2 * number, 1)))
        paths[1].write_bytes(encode_png(scenery(2 * number + 1, 3)))
        paths[2].write_text("0 0.5 0.5 0.2 0.4\n2 0.25 0.5 0.25 0.25\n")
        files.append(PairFiles("mfnet", "test", str(number), *paths[:2], boxes_path=paths[2] if boxes else None))
    return tuple(files)


def make_job(folder: Path, method: str, files: tuple[PairFiles, ...], load: Any = None, **options: str) -> Job:
    part = FusedSet(method, files, tuple(item.vis_path for item in files))
    work = folder / "work" / method
    work.mkdir(parents=True, exist_ok=True)
    return Job(
        "mfnet", load_datasets()["mfnet"], method, {"test": part}, work, "quick", 0, "cpu", options=options,
        load=load or (lambda: create_fuser(method, way="plain")), engine="numpy", key="one",
    )  # fmt: skip


def rows_of(job: Job) -> dict[tuple[str, str], Score]:
    rows = list(RobustnessTask().run(job))
    found = {(row.metric, row.label): row for row in rows}
    assert len(found) == len(rows)
    return found


# ------------------------------------------------------------------ faults


@pytest.fixture(scope="module")
def pair() -> Pair:
    files = PairFiles("set", "test", "one", Path("ir"), Path("vis"))
    return Pair(files, scenery(0, 1), scenery(1, 3))


def faulty(pair: Pair, name: str, severity: int) -> Image:
    ir, vis = corrupt(pair, CORRUPTIONS[name], severity, lambda _: 255 - pair.ir)
    side, other = (ir, vis) if CORRUPTIONS[name].side == "ir" else (vis, ir)
    kept = pair.vis if CORRUPTIONS[name].side == "ir" else pair.ir
    assert (other == kept).all()
    assert side.dtype == np.uint8
    assert side.shape == (pair.ir if CORRUPTIONS[name].side == "ir" else pair.vis).shape
    return side


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_fault_is_the_same_each_time_and_changes_one_image(pair: Pair, name: str) -> None:
    for severity in CORRUPTIONS[name].severities:
        assert (faulty(pair, name, severity) == faulty(pair, name, severity)).all()
        assert (faulty(pair, name, severity) != (pair.ir if name.startswith("ir") else pair.vis)).any()
    assert corrupt(pair, CORRUPTIONS[name], 0, lambda _: pair.ir)[0] is pair.ir


def test_the_names_are_those_of_the_contract() -> None:
    names = (
        "ir_shift ir_rotate ir_scale ir_noise ir_blur ir_missing ir_frozen vis_dark vis_over vis_fog vis_rain vis_jpeg"
    )
    assert list(CORRUPTIONS) == names.split()
    assert CORRUPTIONS["ir_shift"].strengths == (1, 2, 4, 8, 16)
    assert [len(one.severities) for one in CORRUPTIONS.values()] == [5, 5, 5, 5, 5, 1, 5, 5, 5, 5, 5, 5]


@pytest.mark.skipif(not DOC.is_file(), reason="only in a checkout: an installed package has no docs")
def test_the_docs_state_the_formulas_that_are_used() -> None:
    text = DOC.read_text(encoding="utf-8")
    for one in CORRUPTIONS.values():
        strengths = ", ".join(f"{strength:g}" for strength in one.strengths)
        assert f"| `{one.name}` | {one.formula} | {strengths} {one.unit} |\n" in text


def test_a_shift_moves_by_whole_pixels_along_one_axis(pair: Pair) -> None:
    places = set()
    for number in range(24):
        one = Pair(dataclasses.replace(pair.files, id=str(number)), pair.ir, pair.vis)
        for severity, pixels in enumerate((1, 2, 4, 8, 16), start=1):
            moved = faulty(one, "ir_shift", severity).astype(int)
            source = pair.ir.astype(int)
            fits = {
                "right": (moved[:, pixels:] == source[:, :-pixels]).all(),
                "left": (moved[:, :-pixels] == source[:, pixels:]).all(),
                "down": (moved[pixels:] == source[:-pixels]).all(),
                "up": (moved[:-pixels] == source[pixels:]).all(),
            }
            assert sum(fits.values()) == 1
            made_up = moved[:, :pixels] if fits["right"] else moved[:, -pixels:]
            if fits["right"] or fits["left"]:  # the last column again
                assert (made_up == source[:, :1] if fits["right"] else made_up == source[:, -1:]).all()
            places.add((number, *(side for side, fit in fits.items() if fit)))
    assert len(places) == 24  # one direction at all severities of a pair
    assert {side for _, side in places} == {"right", "left", "down", "up"}


def test_light_fog_noise_and_rain_follow_their_formulas(pair: Pair) -> None:
    v = pair.vis.astype(np.float64)
    depth = 1 - 0.75 * np.arange(SIZE[0])[:, None, None] / (SIZE[0] - 1)
    for severity, (stops, fog) in enumerate(zip((1, 2, 3, 4, 5), (0.25, 0.5, 1, 2, 4), strict=True), start=1):
        light = 255 * np.minimum(1, (v / 255) ** 2.2 * 2.0**stops) ** (1 / 2.2)
        assert np.abs(faulty(pair, "vis_over", severity) - light).max() <= 0.5 + 1e-9
        light = 255 * ((v / 255) ** 2.2 / 2.0**stops) ** (1 / 2.2)
        assert np.abs(faulty(pair, "vis_dark", severity) - light).max() <= 0.5 + 1e-9
        clear = np.exp(-fog * depth)
        assert np.abs(faulty(pair, "vis_fog", severity) - (clear * v + (1 - clear) * 220)).max() <= 0.5 + 1e-9
    grey = Pair(pair.files, np.full((200, 200), 128, np.uint8), pair.vis)
    fields = [faulty(grey, "ir_noise", severity) - 128.0 for severity in (1, 2)]
    assert np.abs(fields[1] - 2 * fields[0]).max() <= 1.5  # the same noise, twice as strong
    assert abs(fields[0].std() - 4) < 0.1
    drops = [faulty(pair, "vis_rain", severity) for severity in (1, 2, 3, 4, 5)]
    wet = [(image != pair.vis).any(axis=2) for image in drops]
    assert all((first <= second).all() for first, second in pairwise(wet))  # more drops, none gone
    assert np.abs(drops[4] - np.where(wet[4][..., None], 0.4 * v + 138, v)).max() <= 0.5 + 1e-9


def test_turning_and_enlarging_are_bilinear_about_the_centre() -> None:
    rows, columns = np.mgrid[:61, :81].astype(np.float64)
    plane = np.rint(100 + (rows - 30) + 0.5 * (columns - 40)).astype(np.uint8)  # bilinear is exact on a plane
    pair = Pair(PairFiles("set", "test", "one", Path("a"), Path("b")), plane, plane)
    inner = np.s_[10:-10, 10:-10]
    for severity, (degrees, percent) in enumerate(zip((0.25, 0.5, 1, 2, 4), (0.5, 1, 2, 4, 8), strict=True), start=1):
        larger = 100 + ((rows - 30) + 0.5 * (columns - 40)) / (1 + percent / 100)
        assert np.abs(faulty(pair, "ir_scale", severity) - larger)[inner].max() <= 1.01
        turned = []
        for sign in (1, -1):
            a = np.radians(sign * degrees)
            y = np.cos(a) * (rows - 30) - np.sin(a) * (columns - 40)
            x = np.sin(a) * (rows - 30) + np.cos(a) * (columns - 40)
            turned.append(np.abs(faulty(pair, "ir_rotate", severity) - (100 + y + 0.5 * x))[inner].max())
        assert min(turned) <= 1.01
        assert max(turned) > min(turned)


@pytest.mark.parametrize(("height", "width"), [(480, 640), (72, 96), (96, 72)])
def test_inside_the_frame_every_pixel_of_a_moved_image_is_real(height: int, width: int) -> None:
    rows, columns = np.indices((height, width))
    for name in ("ir_shift", "ir_rotate"):
        frame = CORRUPTIONS[name].frame(height, width)
        assert frame < min(height, width) // 4
        border = (np.minimum(rows, height - 1 - rows) == 0) | (np.minimum(columns, width - 1 - columns) == 0)
        image = np.where(border, 255, 0).astype(np.uint8)  # what is made up repeats the border
        pair = Pair(PairFiles("set", "test", "one", Path("a"), Path("b")), image, image)
        moved = faulty(pair, name, 5)
        assert moved[frame + 1 : -frame - 1, frame + 1 : -frame - 1].max() == 0
        assert moved[2:-2, 2:-2].max() > 0


def test_a_frozen_camera_shows_an_earlier_pair_and_never_the_pair_itself(tmp_path: Path) -> None:
    files = list(write_scenes(tmp_path, 4))
    images = [scenery(2 * number, 1) for number in range(4)]

    def shown(at: int, places: int) -> int:
        ir = earlier_infrared(files, at, SIZE)(places)
        return next(number for number, image in enumerate(images) if (image == ir).all())

    assert [shown(3, places) for places in (1, 2, 4, 8, 16)] == [2, 1, 2, 1, 2]
    assert [shown(0, places) for places in (1, 2, 4, 8, 16)] == [3, 2, 3, 2, 3]
    assert earlier_infrared(files, 0, (30, 40))(1).shape == (30, 40)
    with pytest.raises(BenchError, match="there is one pair"):
        earlier_infrared(files[:1], 0, SIZE)(1)


def test_grey_stored_as_rgb_stays_grey_and_jpeg_is_jpeg(pair: Pair) -> None:
    three = Pair(pair.files, np.repeat(pair.ir[..., None], 3, axis=2), pair.vis[..., 0])
    for name in CORRUPTIONS:
        image = faulty(three, name, 1)
        if name.startswith("ir"):
            assert (image == image[..., :1]).all(), name
    buffer = io.BytesIO()
    PillowImage.fromarray(pair.vis).save(buffer, "JPEG", quality=20)
    assert (faulty(pair, "vis_jpeg", 3) == np.asarray(PillowImage.open(buffer))).all()


# ------------------------------------------------------------------ numbers


def test_area_is_the_mean_height_over_the_severities_that_were_measured() -> None:
    levels = [np.array([one]) for one in (1.0, 0.8, 0.4, 0.2)]
    assert area([0, 1, 3, 5], levels)[0] == pytest.approx((0.9 + 2 * 0.6 + 2 * 0.3) / 5, abs=1e-15)
    assert area([0, 1], levels[:2])[0] == pytest.approx(0.9, abs=1e-15)
    assert np.isnan(area([0, 1], [np.array([1.0]), np.array([np.nan])]))[0]


def test_what_noise_raises_has_no_share() -> None:
    assert [name for name in ("EN", "SD", "SF", "AG", "EI", "PSNR", "MSE") if has_share(name)] == []
    assert all(map(has_share, ("MI", "VIF", "Qabf", "SSIM", "AP@0.5")))


def test_options_are_checked() -> None:
    chosen = read_settings({"corruptions": "ir_shift, ir_missing", "severities": "5,0,3", "metrics": "MI"})
    assert chosen.ladders == {"ir_shift": (3, 5), "ir_missing": (1,)}
    assert chosen.chosen == {"standard": ("MI",)}
    for options, text in (
        ({"corruption": "x"}, "did you mean corruptions"), ({"corruptions": "ir_shit"}, "did you mean ir_shift"),
        ({"corruptions": ","}, "names none"), ({"severities": "6"}, "wanted some of 1, 2"),
        ({"severities": "high"}, "wanted whole numbers"), ({"metrics": "XX"}, "unknown metric"),
        ({"conventions": "mine"}, "unknown convention"), ({"detection": "yes"}, "wanted auto, true or false"),
        ({"severities": "0"}, "wanted some of 1, 2"),
    ):  # fmt: skip
        with pytest.raises(BenchError, match=text):
            read_settings(options)


@pytest.fixture(scope="module")
def climbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[tuple[str, str], Score]]:
    """The rows of three controls over all faults."""
    folder = tmp_path_factory.mktemp("ladder")
    files = write_scenes(folder)
    return {name: rows_of(make_job(folder, name, files)) for name in ("visible", "infrared", "average")}


def test_severity_0_is_the_clean_table(climbed: dict[str, dict[tuple[str, str], Score]], tmp_path: Path) -> None:
    for method, rows in climbed.items():
        fuser, found = create_fuser(method, way="plain"), []
        for number in range(3):
            ir, vis = scenery(2 * number, 1), scenery(2 * number + 1, 3)
            found.append(evaluate(ir, vis, fuser.fuse_pair(ir, vis), engine="numpy"))
        for name in CORRUPTIONS:
            for metric in found[0]:
                wanted = np.mean([values[metric] for values in found])
                assert rows[metric, f"{name}@0"].value == pytest.approx(wanted, rel=1e-12)


def test_a_source_keeps_everything_when_the_other_one_fails(climbed: dict[str, dict[tuple[str, str], Score]]) -> None:
    for method, other in (("visible", "ir_"), ("infrared", "vis_")):
        own = [row for (metric, label), row in climbed[method].items() if label.startswith(other) and metric]
        shares = [row.value for row in own if row.metric.startswith("kept")]
        assert len(shares) > 100
        assert set(shares) == {1.0}  # exactly
        assert {row.value for row in own if row.metric == "self_PSNR"} == {100.0}
        assert {row.value for row in own if row.metric == "self_SSIM"} == {1.0}
    assert climbed["visible"]["kept", "vis_fog@area"].value < 0.95
    assert climbed["infrared"]["kept_MI", "ir_missing@1"].value == 0.0
    assert {(metric) for metric, _ in climbed["average"]} >= {"kept_MI", "kept_VIF", "kept_Qabf", "EN", "kept_at"}
    assert not {f"kept_{name}" for name in ("EN", "SD", "SF", "AG")} & {metric for metric, _ in climbed["average"]}


@pytest.mark.parametrize("name", GRADED)
def test_the_average_moves_away_from_its_clean_image_step_by_step(
    climbed: dict[str, dict[tuple[str, str], Score]], name: str
) -> None:
    values = [climbed["average"]["self_PSNR", f"{name}@{severity}"].value for severity in (1, 2, 3, 4, 5)]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 5
    assert max(values) < 100


def test_area_and_mean_are_those_of_the_rows(climbed: dict[str, dict[tuple[str, str], Score]]) -> None:
    rows = climbed["average"]
    shares = [rows["kept_MI", f"ir_noise@{severity}"].value for severity in range(6)]
    assert rows["kept_MI", "ir_noise@area"].value == pytest.approx(
        (sum(shares) - (shares[0] + shares[5]) / 2) / 5, rel=1e-12
    )
    clean, third = rows["MI", "ir_noise@0"].value, rows["MI", "ir_noise@3"].value
    assert shares[3] == pytest.approx(third / clean, rel=1e-12)
    mean = np.mean([rows[f"kept_{name}", "ir_noise@3"].value for name in ("MI", "VIF", "Qabf")])
    assert rows["kept_at", "ir_noise@3"].value == pytest.approx(mean, rel=1e-12)
    areas = [rows["kept", f"{name}@area"].value for name in CORRUPTIONS]
    assert rows["kept", "all@area"].value == pytest.approx(np.mean(areas), rel=1e-12)
    assert ("self_PSNR", "ir_noise@area") not in rows  # it has no value at severity 0


# ------------------------------------------------------------------ the job


class Counted:
    """The average of a pair; counts, and fails where it is told to."""

    def __init__(self, fails_after: int = 10**9, black_fails: bool = False) -> None:
        self.calls, self.fails_after, self.black_fails = 0, fails_after, black_fails

    def fuse_pair(self, ir: Image, vis: Image) -> Image:
        self.calls += 1
        if self.calls > self.fails_after:
            raise KeyboardInterrupt
        if self.black_fails and not ir.any():
            raise BenchError("mine: output has NaN")
        return ((ir[..., None].astype(int) + vis) // 2).astype(np.uint8)


CHOICE = {"corruptions": "ir_shift,ir_missing", "severities": "1,3", "pictures": "1"}


def test_an_interrupted_ladder_goes_on_where_it_stood(tmp_path: Path) -> None:
    files = write_scenes(tmp_path)
    whole = rows_of(make_job(tmp_path / "whole", "mine", files, lambda: Counted(), **CHOICE))
    dying = Counted(6)
    first = make_job(tmp_path, "mine", files, lambda: dying, **CHOICE)
    with pytest.raises(KeyboardInterrupt):
        rows_of(first)
    kept = len((first.work_dir / FILE).read_bytes().splitlines())
    assert 0 < kept < 12
    with (first.work_dir / FILE).open("ab") as file:
        file.write(b'{"key":"one","pair":"2","ru')  # half a line
    again = Counted()
    assert rows_of(dataclasses.replace(first, load=lambda: again)) == whole
    assert again.calls <= 12 - kept + 2  # what is left, and the clean image of a pair begun before
    rows_of(dataclasses.replace(first, load=lambda: again, key="two"))
    lines = [json.loads(line) for line in (first.work_dir / FILE).read_bytes().splitlines()]
    assert {line["key"] for line in lines} == {"two"}  # of another key nothing is used
    assert {path.parent.name for path in (first.work_dir / PICTURES).rglob("0.png")} == {
        "clean", "ir_shift@1", "ir_shift@3", "ir_missing@1",
    }  # fmt: skip
    assert not list((first.work_dir / PICTURES).rglob("2.png"))


def test_pictures_are_spread_over_the_listing() -> None:
    assert pictured(9, 3) == {0, 4, 8}
    assert pictured(1, 3) == {0}
    assert pictured(5, 0) == set()


def test_a_method_that_fails_on_a_rung_says_so_there_and_has_the_other_numbers(tmp_path: Path) -> None:
    rows = rows_of(make_job(tmp_path, "mine", write_scenes(tmp_path), lambda: Counted(black_fails=True), **CHOICE))
    row = rows["MI", "ir_missing@1"]
    assert (row.status, row.value, row.reason) == ("failed", None, "3 of 3 pairs: mine: output has NaN")
    assert rows["MI", "ir_missing@0"].status == rows["kept", "ir_shift@area"].status == "ok"
    assert rows["kept_MI", "ir_missing@area"].reason == "no number at ir_missing@1"
    assert rows["kept", "all@area"].status == "skipped"


def test_ready_images_cannot_climb(tmp_path: Path) -> None:
    job = dataclasses.replace(make_job(tmp_path, "mine", write_scenes(tmp_path)), load=None)
    with pytest.raises(BenchError, match="cannot be fused anew"):
        rows_of(job)


def test_draws_of_pairs_give_the_rows_again(tmp_path: Path) -> None:
    files = write_scenes(tmp_path)
    job = make_job(tmp_path, "average", files, **CHOICE)
    rows, spec = rows_of(job), load_datasets()["mfnet"]
    (found,) = RobustnessTask().resamplers(job.work_dir, files, spec)
    values = found.statistic(np.array([[1, 1, 1], [3, 0, 0]]))
    labels = [(metric, label) for metric, label, _ in found.numbers]
    assert labels == [("kept", f"{name}@area") for name in ("ir_shift", "ir_missing", "all")]
    assert values[:, 0].tolist() == [rows[label].value for label in labels]
    alone = make_job(tmp_path / "alone", "average", files[:1], **{**CHOICE, "corruptions": "ir_shift"})
    assert values[0, 1] == pytest.approx(rows_of(alone)["kept", "ir_shift@area"].value, rel=1e-12)


class Finder:
    """Finds what the labels say, less surely where the image is darker."""

    def __call__(self, image: Image) -> Detections:
        boxes = np.array([[38.4, 21.6, 57.6, 50.4], [12, 27, 36, 45], [60, 60, 90, 70]], np.float32)
        keep = slice(0, 3 if image.mean() > 60 else 1)
        return Detections(boxes[keep], np.array([0.9, 0.8, 0.7], np.float32)[keep], np.array([0, 2, 2])[keep])


def test_average_precision_where_there_are_boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write_scenes(tmp_path, boxes=True)
    options = {"corruptions": "vis_dark", "severities": "5"}
    monkeypatch.setattr(module, "open_detector", lambda *_: Finder())
    rows = rows_of(make_job(tmp_path, "visible", files, **options))
    assert rows["AP@0.5", "vis_dark@0"].value == pytest.approx(1.0)
    assert rows["AP@0.5", "vis_dark@0"].convention == "coco"
    assert rows["AP@0.5", "vis_dark@5"].value == rows["kept_AP@0.5", "vis_dark@5"].value == pytest.approx(0.5)
    assert rows["AP@0.5", "vis_dark@area"].value == pytest.approx(0.75)

    def absent(*_: object) -> Sequence[Detections]:
        raise BenchError("detection needs the package ultralytics; pip install it")

    monkeypatch.setattr(module, "open_detector", absent)
    rows = rows_of(make_job(tmp_path / "without", "visible", files, **options))
    assert (rows["AP@0.5", ""].status, "pip install" in rows["AP@0.5", ""].reason) == ("skipped", True)
    assert rows["MI", "vis_dark@5"].status == "ok"
    with pytest.raises(BenchError, match="detection=true: detection needs"):
        rows_of(make_job(tmp_path / "asked", "visible", files, **options, detection="true"))
    rows = rows_of(make_job(tmp_path / "none", "visible", files, **options, detection="false"))
    assert not [metric for metric, _ in rows if "AP" in metric]


@pytest.mark.skipif(not find_spec("ultralytics"), reason="the detection extra is not installed")
def test_the_detector_is_that_of_the_detection_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_WEIGHTS", raising=False)
    job = make_job(tmp_path, "visible", write_scenes(tmp_path, boxes=True), detection="true")
    with pytest.raises(BenchError, match=r"yolov5n\.pt not found; mend with"):
        rows_of(job)


def test_a_run_puts_the_controls_beside_and_a_second_one_has_nothing_to_do(tmp_path: Path) -> None:
    config = RunConfig(
        datasets=("mfnet",), data_root=make_msrs(tmp_path / "data", {"test": 3}), out=tmp_path / "run", device="cpu",
        methods=("maximum",), tasks=("metrics", "robustness"), metrics=("MI", "EN"), executor="inline",
        options={
            "robustness.corruptions": "ir_noise,ir_missing", "robustness.severities": "2",
            "robustness.metrics": "MI,EN",
        },
    )  # fmt: skip
    done = run(config)
    assert done.failed == []
    scores = Store(tmp_path / "run").read_scores()
    rows = scores[(scores["task"] == "robustness") & (scores["status"] == "ok")]
    assert set(rows["method"]) == {"maximum", "visible", "infrared", "average"}
    clean = scores[(scores["task"] == "metrics") & (scores["convention"] == "standard")]
    wanted = clean.groupby(["method", "metric"])["value"].mean()
    found = rows[rows["label"] == "ir_noise@0"].set_index(["method", "metric"])["value"]
    assert found[wanted.index].to_numpy() == pytest.approx(wanted.to_numpy(), rel=1e-12)
    facts = Store(tmp_path / "run").read_manifest().tasks["robustness"]
    assert facts.settings["faults"]["ir_noise"]["strengths"] == [4, 8, 16, 32, 64]  # type: ignore[index, call-overload]
    report = tmp_path / "run" / "report"
    page, viewer = ((report / name).read_text(encoding="utf-8") for name in ("robustness.html", "data/site.js"))
    assert page.count("<polyline") >= 4 * 2  # four methods along two faults
    assert "v + n, n normal with mean 0 and deviation x" in page
    pair = sorted(path.stem for path in (tmp_path / "run").rglob("clean/*.png"))[0]
    assert f"viewer.html#d=mfnet%20ladder&amp;p={pair}%20clean" in page
    assert f'"{pair} ir_noise@2"' in viewer
    assert not any(run(config).computed.values())
