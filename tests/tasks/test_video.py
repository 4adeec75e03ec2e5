"""The video task: known clips have known numbers, planted flicker shows, and a run of the demo clips has its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow
from typer.testing import CliRunner

from bench.cli import app
from bench.data.catalogue import open_dataset
from bench.data.commands import check_dataset, fetch_dataset
from bench.data.demo import DemoSpec
from bench.data.demo.clips import draw_clip
from bench.data.spec import load_datasets
from bench.errors import BenchError
from bench.images import read_image
from bench.plugin.task import FusedSet, Job
from bench.run.record import declared
from bench.types import Image, PairFiles, Score
from bench.videos import VideoWriter
from tasks.video import VideoTask
from tasks.video.measures import (
    CLASSES,
    ClipNumbers,
    Moment,
    classes,
    consistency,
    flicker,
    flow,
    seen_in_both,
    warp,
    warping_error,
)

SIZE = (64, 96)


def texture(seed: int = 0, size: tuple[int, int] = (120, 160)) -> Image:
    """Smooth random grey."""
    noise = np.random.default_rng(seed).normal(size=size).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return (128 + 60 * smooth / np.abs(smooth).max()).astype(np.uint8)


def panned(grey: Image, pixels: int) -> Image:
    """A view of a texture, moved to the right by some pixels."""
    return np.ascontiguousarray(grey[: SIZE[0], pixels : pixels + SIZE[1]])


def moments(count: int, speed: int = 2, planted: float = 0.0) -> Iterator[Moment]:
    """A camera that turns over two textures; the fused frame is their mean, brighter and darker by turns."""
    for number in range(count):
        ir, vis = (panned(texture(seed), speed * number) for seed in (0, 1))
        mean = (ir.astype(float) + vis) / 2 + planted * (-1) ** number
        yield Moment(ir, vis, np.repeat(mean.round().astype(np.uint8)[..., None], 3, axis=2))


def numbers(frames: Iterator[Moment] | Sequence[Moment]) -> dict[str, float]:
    clip = ClipNumbers()
    for frame in frames:
        clip.add(frame, True)
    return clip.values()


def test_a_still_clip_has_no_flicker_no_error_and_nothing_to_be_consistent_with() -> None:
    assert numbers(moments(5, speed=0)) == {
        "flicker": 0.0, "warping_error": 0.0, "consistency": 0.0, "consistency_ir": 0.0, "consistency_vis": 0.0,
    }  # fmt: skip


def test_flicker_is_twice_the_planted_amplitude_and_a_drift_none() -> None:
    assert [numbers(moments(6, 0, planted))["flicker"] for planted in (0, 1, 4, 9)] == pytest.approx(
        [0, 2, 8, 18], abs=1e-9
    )
    assert flicker(10.0, 13.0, 16.0) == 0.0
    moving = [numbers(moments(6, 2, planted))["flicker"] for planted in (0, 1, 2, 4, 8)]
    assert moving == sorted(moving)
    assert moving[-1] > 10


def test_flow_follows_a_pan_and_the_error_is_that_of_what_is_planted() -> None:
    first, second = panned(texture(), 0), panned(texture(), 3)
    forward = flow(first, second)
    inner = (slice(10, -10), slice(10, -10))
    np.testing.assert_allclose(np.median(forward[inner], axis=(0, 1)), [-3, 0], atol=0.1)
    assert np.abs(warp(second, forward).astype(int) - first)[inner].mean() < 3
    seen = seen_in_both(forward, flow(second, first))
    assert seen[inner].mean() > 0.8
    assert not seen[:, 0].any()  # it has left the frame
    still = list(moments(2, 0, planted=5))
    assert warping_error(*still) == pytest.approx((10 / 255) ** 2, rel=0.05)
    assert numbers(moments(4))["warping_error"] < 1e-3


def test_consistency_is_the_information_that_sources_and_fused_share() -> None:
    counts = np.zeros((CLASSES,) * 3, np.int64)
    counts[[3, 3, 9, 9], [1, 8, 1, 8], [3, 3, 9, 9]] = 25  # fused changes as ir does: one bit
    assert (consistency(counts), consistency(counts, (0,)), consistency(counts, (1,))) == pytest.approx((1, 1, 0))
    assert classes(np.array([[0, 100, 100]], np.uint8), np.array([[255, 103, 95]], np.uint8)).tolist() == [[30, 15, 14]]
    following, frozen = list(moments(4)), list(moments(4))
    frozen = [each._replace(fused=frozen[0].fused) for each in frozen]
    assert numbers(following)["consistency"] > numbers(frozen)["consistency"] == 0


@dataclass
class Made:
    """A job over frames on disk."""

    folder: Path

    def job(self, names: Sequence[str], frames: Sequence[Moment]) -> Job:
        files, paths = [], []
        for name, frame in zip(names, frames, strict=True):
            for side, image in (("ir", frame.ir), ("vi", frame.vis), ("fused", frame.fused)):
                (self.folder / side).mkdir(exist_ok=True)
                Pillow.fromarray(image).save(self.folder / side / f"{name}.png")
            sides = (self.folder / side / f"{name}.png" for side in ("ir", "vi"))
            files.append(PairFiles("demo_video", "test", name, *sides, clip=name.rpartition("_")[0]))
            paths.append(self.folder / "fused" / f"{name}.png")
        spec = load_datasets()["demo_video"]
        parts = {"test": FusedSet("average", tuple(files), tuple(paths))}
        return Job("demo_video", spec, "average", parts, self.folder, "quick", 0, "cpu")


def scores(job: Job) -> dict[tuple[str, str], Score]:
    return {(score.metric, score.pair): score for score in VideoTask().run(job)}


def test_each_clip_has_a_row_and_the_set_their_mean(tmp_path: Path) -> None:
    names = [f"{clip}_{number:06d}" for clip in ("a", "b") for number in range(1, 5)]
    found = scores(Made(tmp_path).job(names, [*moments(4, 0, 1), *moments(4, 0, 3)]))
    assert [found["flicker", name].value for name in ("a", "b", "")] == [2, 6, 4]
    assert {metric for metric, _ in found} == {number.metric for number in VideoTask.numbers}
    assert found["flicker", ""].reason == "mean over 2 clips, 6 steps from frame to frame"


def test_a_source_passed_through_is_no_contender() -> None:
    assert not declared("video").contends
    assert declared("segmentation").contends


def test_nothing_is_measured_over_a_frame_that_is_not_there(tmp_path: Path) -> None:
    names = [f"a_{number:06d}" for number in (1, 2, 3, 5, 6)]
    frames = list(moments(3, 0)) + list(moments(2, 0, 20))  # a jump of brightness, over the gap
    found = scores(Made(tmp_path).job(names, frames))
    assert found["flicker", "a"].value == 0
    found = scores(Made(tmp_path).job(["b_000001"], frames[:1]))
    assert (found["flicker", "b"].status, ("flicker", "") in found) == ("skipped", False)


@pytest.fixture
def street() -> list[tuple[Image, Image]]:
    return [tuple(pair) for pair in draw_clip("day", 3, DemoSpec(width=96, height=72, supersampling=1))]  # type: ignore[misc]


def test_the_demo_s_camera_moves_and_stands_when_told(street: list[tuple[Image, Image]]) -> None:
    (ir, vis), (later_ir, later_vis), _ = street
    assert (ir.shape, vis.shape) == ((72, 96), (72, 96, 3))
    assert (ir != later_ir).any()
    assert (vis != later_vis).any()
    still = list(draw_clip("day", 2, DemoSpec(width=96, height=72, supersampling=1), still=True))
    np.testing.assert_array_equal(still[0].vis, still[1].vis)
    np.testing.assert_array_equal(still[0].ir, still[1].ir)


def test_videos_of_m3svd_are_unpacked_read_and_scored(street: list[tuple[Image, Image]], tmp_path: Path) -> None:
    for side, place in (("infrared", 0), ("visible", 1)):
        with VideoWriter(tmp_path / "M3SVD" / "Video" / "test" / side / "0111_1716.mp4", 20) as writer:
            for frames in street:
                image = frames[place]
                writer.write(image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2))
    with pytest.raises(BenchError, match="bench data fetch m3svd"):
        open_dataset("m3svd:test", tmp_path)
    assert "1 pairs of videos unpacked into 3 pairs of frames" in fetch_dataset("m3svd", tmp_path).text
    assert fetch_dataset("m3svd", tmp_path).text.startswith("is there already")
    assert read_image(tmp_path / "M3SVD/Video/test/infrared/0111_1716/000002.png").ndim == 2
    report = check_dataset("m3svd:test", tmp_path)
    assert (report.good, report.listed) == (3, 3)
    arguments = [
        "run",
        "--datasets",
        "m3svd",
        "--data-root",
        tmp_path,
        "--methods",
        "average,maximum",
        "--out",
        tmp_path / "r",
    ]
    arguments += ["--tasks", "video", "--executor", "inline", "--engine", "numpy"]
    result = CliRunner().invoke(app, [str(part) for part in arguments])
    assert result.exit_code == 0, result.output
    table = pd.read_parquet(tmp_path / "r" / "scores.parquet")
    rows = table[(table["task"] == "video") & (table["method"] == "average")]
    assert set(rows["pair"]) == {"", "0111_1716"}
    assert rows["value"].notna().all()
    page = (tmp_path / "r" / "report" / "video.html").read_text()
    assert "Flicker of the mean" in page
    assert "Mean over 1 clip, 2 steps" in page
