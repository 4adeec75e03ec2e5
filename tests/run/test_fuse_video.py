"""``bench fuse`` of clips: the pixels of pairs, sources that do not fit, the page, what Ctrl-C leaves."""

from __future__ import annotations

import re
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from typer.testing import CliRunner, Result

from bench.cli import app
from bench.data.clips import FramePair, VideoClip
from bench.errors import BenchError
from bench.fusion.clips import fuse_frames
from bench.images import read_image
from bench.run.config import RunConfig
from bench.run.fuse_video import VideoOrder, fuse_video
from bench.run.live_view import LiveView
from bench.types import Image
from bench.videos import VideoReader, VideoWriter
from methods import create

HEIGHT, WIDTH = 48, 64


def picture(number: int, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Image:
    """A smooth colour picture that moves with its number."""
    down, across = np.mgrid[: size[0], : size[1]]
    planes = [across * 3 + 9 * number, down * 4 + across, down * 2 + 40 + number]
    return (127 + 100 * np.sin(np.stack(planes, axis=2) / 40)).astype(np.uint8)


def clip(
    path: Path, count: int, rate: float = 20.0, size: tuple[int, int] = (HEIGHT, WIDTH), grey: bool = False
) -> Path:
    """A lossless video of such pictures."""
    with VideoWriter(path, rate) as writer:
        for number in range(count):
            frame = picture(number, size)
            writer.write(np.repeat(frame[..., :1], 3, axis=2) if grey else frame)
    return path


@pytest.fixture
def videos(tmp_path: Path) -> tuple[Path, Path]:
    return clip(tmp_path / "ir.mkv", 12, grey=True), clip(tmp_path / "vis.mkv", 12)


def frames_of(path: Path) -> list[Image]:
    with VideoReader(str(path)) as reader:
        return list(reader)


def bench(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["fuse", *map(str, arguments)])


def fuse(videos: tuple[Path, Path], out: Path, *more: str, method: str = "laplacian_pyramid") -> str:
    result = bench("--method", method, "--ir", videos[0], "--vis", videos[1], "--out", out, *more)
    assert result.exit_code == 0, result.output
    return result.output


def wanted(count: int, method: str = "laplacian_pyramid") -> list[Image]:
    fuser = create(method)
    return [fuser.fuse_pair(picture(number)[..., 0], picture(number)) for number in range(count)]


@pytest.mark.parametrize("threads", ["1", "3"])
def test_the_frames_are_those_of_pairs(videos: tuple[Path, Path], tmp_path: Path, threads: str) -> None:
    printed = fuse(videos, tmp_path / "fused.mkv", "--jobs", threads)
    np.testing.assert_array_equal(frames_of(tmp_path / "fused.mkv"), wanted(12))
    assert "frames/s" in printed
    assert f"fused: {tmp_path / 'fused.mkv'} (12 frames)" in printed


def test_frames_keep_their_order_on_several_threads() -> None:
    pairs = [FramePair(picture(number)[..., 0], picture(number)) for number in range(6)]
    kept: list[Image] = []
    fuser = create("average")
    assert fuse_frames(fuser, iter(pairs), lambda _, fused: kept.append(fused), threads=3) == 6
    np.testing.assert_array_equal(kept, [fuser.fuse_pair(*pair) for pair in pairs])


def test_a_browser_s_video_is_close_to_them(videos: tuple[Path, Path], tmp_path: Path) -> None:
    printed = fuse(videos, tmp_path / "fused.webm")
    found = frames_of(tmp_path / "fused.webm")
    assert len(found) == 12
    assert float(np.abs(np.asarray(found, float) - wanted(12)).mean()) < 4
    assert "loses a little" in printed


def test_frames_go_into_a_folder_and_folders_into_a_video(videos: tuple[Path, Path], tmp_path: Path) -> None:
    fuse(videos, tmp_path / "frames")
    names = sorted(path.name for path in (tmp_path / "frames").iterdir())
    assert (names[0], names[-1], len(names)) == ("000001.png", "000012.png", 12)
    for side in ("ir", "vi"):
        (tmp_path / side).mkdir()
    for number in range(5):
        Pillow.fromarray(picture(number)[..., 0]).save(tmp_path / "ir" / f"{number}.png")
        Pillow.fromarray(picture(number)).save(tmp_path / "vi" / f"{number}.png")
    fuse((tmp_path / "ir", tmp_path / "vi"), tmp_path / "of_folders.mkv", "--rate", "10")
    np.testing.assert_array_equal(frames_of(tmp_path / "of_folders.mkv"), wanted(5))
    np.testing.assert_array_equal(read_image(tmp_path / "frames" / "000003.png"), wanted(5)[2])
    with VideoReader(str(tmp_path / "of_folders.mkv")) as reader:
        assert reader.rate == pytest.approx(10)


def test_another_length_is_named_and_the_rest_left_out(tmp_path: Path) -> None:
    pair = clip(tmp_path / "ir.mkv", 9, grey=True), clip(tmp_path / "vis.mkv", 12)
    printed = fuse(pair, tmp_path / "fused.mkv")
    assert f"the last 0.15 s of {pair[1]} are left out" in printed
    assert len(frames_of(tmp_path / "fused.mkv")) == 9


def test_another_rate_is_named_and_the_nearest_in_time_taken(tmp_path: Path) -> None:
    pair = clip(tmp_path / "ir.mkv", 24, rate=40, grey=True), clip(tmp_path / "vis.mkv", 12, rate=20)
    printed = fuse(pair, tmp_path / "fused.mkv")
    assert "nearest in time" in printed
    fuser = create("laplacian_pyramid")
    expected = [fuser.fuse_pair(picture(2 * number)[..., 0], picture(number)) for number in range(12)]
    np.testing.assert_array_equal(frames_of(tmp_path / "fused.mkv"), expected)


def test_another_size_is_named_and_another_shape_refused(tmp_path: Path) -> None:
    ir, vis = clip(tmp_path / "ir.mkv", 3, size=(24, 32), grey=True), clip(tmp_path / "vis.mkv", 3)
    assert "infrared is resized" in fuse((ir, vis), tmp_path / "fused.mkv")
    assert frames_of(tmp_path / "fused.mkv")[0].shape == (HEIGHT, WIDTH, 3)
    wide = clip(tmp_path / "wide.mkv", 3, size=(24, 64), grey=True)
    with pytest.raises(BenchError, match="wanted one shape"):
        VideoClip(VideoReader(str(wide)), VideoReader(str(vis)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"out": None}, "no --out"), ({"out": "f.png"}, "wanted a folder for frames"),
        ({"vis": "vi"}, "one is a video and one is not"), ({"ir": "none.mp4"}, "no such video"),
        ({"vis": "{ir}"}, "given as both"), ({"ir": "{text}"}, "no video that can be opened"),
    ],
)  # fmt: skip
def test_what_cannot_be_fused_is_refused(
    change: dict[str, str | None], message: str, videos: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    given = {"--ir": str(videos[0]), "--vis": str(videos[1]), "--out": str(tmp_path / "o.mkv")}
    places = {"ir": str(videos[0]), "text": str(tmp_path / "text.mp4")}
    for name, value in change.items():
        given[f"--{name}"] = value.format(**places) if value else ""
    arguments = [part for name, value in given.items() if value for part in (name, value)]
    result = bench("--method", "average", *arguments)
    assert isinstance(result.exception, BenchError)
    assert message in str(result.exception)


def test_ctrl_c_leaves_a_video_that_plays(videos: tuple[Path, Path], tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    order = VideoOrder("average", str(videos[0]), str(videos[1]), tmp_path / "fused.webm")
    outcome = fuse_video(order, RunConfig(device="cpu", jobs=1), stop, lambda _: None)
    assert outcome.interrupted
    assert 5 <= outcome.written < 12
    assert len(frames_of(tmp_path / "fused.webm")) == outcome.written
    assert [path.name for path in tmp_path.glob("*.webm")] == ["fused.webm"]


def jpegs(address: str) -> Iterator[Image]:
    """The frames of a motion JPEG page."""
    with urllib.request.urlopen(f"{address}live.mjpg", timeout=20) as stream:  # noqa: S310 - this machine
        while stream.readline().startswith(b"--"):
            head = [stream.readline() for _ in range(3)]
            length = int(next(line for line in head if line.startswith(b"Content-Length")).split()[1])
            yield np.asarray(cv2.imdecode(np.frombuffer(stream.read(length), np.uint8), cv2.IMREAD_COLOR), np.uint8)
            stream.readline()


def test_the_page_shows_infrared_visible_and_fused(videos: tuple[Path, Path]) -> None:
    seen: list[Image] = []
    watchers = []

    def say(text: str) -> None:
        if text.startswith("live: "):
            watchers.append(threading.Thread(target=lambda: seen.extend(jpegs(text.removeprefix("live: ")))))
            watchers[0].start()

    order = VideoOrder("average", str(videos[0]), str(videos[1]), None, show=True)
    outcome = fuse_video(order, RunConfig(device="cpu", jobs=1), lambda *_: None, say)
    watchers[0].join(timeout=20)
    assert outcome.written == 12
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", str(outcome.path)), "nothing was written: its name is the page's"
    assert seen
    assert seen[0].shape == (HEIGHT, 3 * WIDTH, 3)


def test_the_page_is_of_this_machine_only() -> None:
    with LiveView() as view:
        assert view.address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(view.address) as page:  # noqa: S310 - this machine
            assert b"live.mjpg" in page.read()
        with pytest.raises(BenchError, match="--port is"):
            LiveView(int(view.address.rstrip("/").rpartition(":")[2]))


def test_frames_of_a_camera_that_nobody_took_in_time_are_dropped(
    videos: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.videos.is_live", lambda source: True)
    decode, ended = VideoReader._decode, threading.Event()

    def decoded(reader: VideoReader) -> Image | None:
        frame = decode(reader)
        if frame is None:
            ended.set()
        return frame

    monkeypatch.setattr(VideoReader, "_decode", decoded)
    with VideoReader(str(videos[1])) as reader:
        assert (reader.live, reader.count) == (True, 0)
        frames = iter(reader)
        first = next(frames)
        assert ended.wait(60)
        rest = list(frames)
    assert len(rest) <= 1
    np.testing.assert_array_equal([first, *rest][-1], picture(11))


def test_a_clip_is_registered_as_a_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shapes = cv2.resize(rng.integers(0, 256, (15, 20), dtype=np.uint8), (160, 120), interpolation=cv2.INTER_NEAREST)
    moved = np.roll(255 - shapes, (0, 6), (0, 1))
    for name, image in (("ir", moved), ("vis", shapes)):
        with VideoWriter(tmp_path / f"{name}.mkv", 20) as writer:
            for _ in range(3):
                writer.write(np.repeat(image[..., None], 3, axis=2))
    printed = fuse((tmp_path / "ir.mkv", tmp_path / "vis.mkv"), tmp_path / "f.mkv", "--register", method="infrared")
    assert "infrared images were moved" in printed
    assert (tmp_path / "f.registration.json").is_file()
    inner = (slice(20, -20), slice(20, -20))
    assert np.abs(frames_of(tmp_path / "f.mkv")[0][inner].astype(int) - (255 - shapes[inner])).mean() < 20
