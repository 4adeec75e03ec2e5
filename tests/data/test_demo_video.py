"""The generated clips are made once, whole or not at all, as the demo set is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.data.demo import clips
from bench.data.demo.place import STAMP
from bench.errors import BenchError


@pytest.fixture(autouse=True)
def one_frame_a_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "FRAMES", 1)


def draw_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("drawn again")

    monkeypatch.setattr(clips, "draw_clip", fail)


def test_clips_are_made_once_with_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    folder = clips.ensure_clips(tmp_path, lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
    names = ["day_000001.png", "night_000001.png"]
    assert [path.name for path in sorted((folder / "ir").iterdir())] == names
    assert [path.name for path in sorted((folder / "vi").iterdir())] == names
    draw_nothing(monkeypatch)
    assert clips.ensure_clips(tmp_path) == folder


def test_clips_in_a_folder_that_cannot_be_written_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips.ensure_clips(tmp_path)
    draw_nothing(monkeypatch)

    def locked(*_: object) -> None:
        raise PermissionError("read-only file system")

    monkeypatch.setattr("bench.data.demo.place.FileLock", locked)
    assert clips.ensure_clips(tmp_path) == tmp_path / "demo_video"


@pytest.mark.parametrize("damage", ["a frame is missing", "an older version", "no stamp of ours"])
def test_clips_that_will_not_do_are_made_again(damage: str, tmp_path: Path) -> None:
    folder = clips.ensure_clips(tmp_path)
    frame = folder / "ir" / "day_000001.png"
    before = frame.read_bytes()
    if damage == "a frame is missing":
        frame.unlink()
    else:
        frame.write_bytes(b"old")
        stamp = {"version": 0, "frames": 1} if damage == "an older version" else ["?"]
        (folder / STAMP).write_text(json.dumps(stamp))
    (tmp_path / ".demo_video-killed" / "new").mkdir(parents=True)
    clips.ensure_clips(tmp_path)
    assert frame.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} <= {"demo_video", ".demo_video.lock"}


def test_folder_of_someone_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "demo_video").mkdir()
    (tmp_path / "demo_video" / "mine.txt").write_text("mine")
    with pytest.raises(BenchError, match=r"holds files but no demo\.json"):
        clips.ensure_clips(tmp_path)
