"""``bench fuse``: the pixels of a run, whatever the number of workers; a pair that fails holds up no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from bench.cli import app
from bench.errors import BenchError
from bench.images import read_image
from bench.run.config import RunConfig
from bench.run.fuse_command import fuse_command
from bench.run.worklist import CHUNK

COUNT = CHUNK + 2  # more than one worker's share


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("pairs")
    for side, shape in (("ir", (40, 48)), ("vi", (40, 48, 3))):
        (root / side).mkdir()
        for number in range(COUNT):
            image = np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)
            Image.fromarray(image).save(root / side / f"{number:02d}.png")
    return root / "ir", root / "vi"


def bench(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def fuse(folders: tuple[Path, Path], out: Path, *more: str) -> dict[str, bytes]:
    result = bench(
        "fuse", "--method", "laplacian_pyramid", "--ir", folders[0], "--vis", folders[1], "--out", out, *more
    )
    assert result.exit_code == 0, result.output
    return {path.stem: path.read_bytes() for path in out.iterdir()}


def test_the_pixels_are_those_of_a_run(folders: tuple[Path, Path], tmp_path: Path) -> None:
    fused = fuse(folders, tmp_path / "out", "--jobs", "1")
    result = bench(
        "run", "--ir", folders[0], "--vis", folders[1], "--methods", "laplacian_pyramid", "--out", tmp_path / "run",
        "--metrics", "EN", "--conventions", "standard", "--executor", "inline", "--engine", "numpy",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert len(fused) == COUNT
    for name in fused:
        (path,) = (tmp_path / "run" / "fused").rglob(f"{name}.png")
        np.testing.assert_array_equal(read_image(tmp_path / "out" / f"{name}.png"), read_image(path))


def test_more_workers_write_the_same_bytes(folders: tuple[Path, Path], tmp_path: Path) -> None:
    assert fuse(folders, tmp_path / "a", "--jobs", "1") == fuse(folders, tmp_path / "b", "--jobs", "2")


def test_a_broken_pair_is_named_and_the_others_are_fused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    for folder in folders:
        (tmp_path / folder.name).mkdir()
        for path in sorted(folder.iterdir())[:3]:
            (tmp_path / folder.name / path.name).write_bytes(path.read_bytes())
    broken = tmp_path / "vi" / "01.png"
    broken.write_bytes(broken.read_bytes()[:-40])
    result = bench(
        "fuse", "--method", "average", "--ir", tmp_path / "ir", "--vis", tmp_path / "vi", "--out", tmp_path / "out"
    )
    assert result.exit_code == 1
    assert "01.png" in result.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["00.png", "02.png"]


def test_precision_compiling_and_device_reach_the_method(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr("bench.run.fuse_command.load_fuser", lambda source: seen.append(source))
    stream = "bench.fusion.stream.fuse_stream"
    monkeypatch.setattr(stream, lambda _, files, sink, compile, **rest: seen.append(compile))
    config = RunConfig(precision="fast", compile="auto", jobs=1, device="cpu", way="plain")
    with pytest.raises(FileNotFoundError):  # the stream that stands in for the real one ends without a result
        fuse_command("average", *folders, tmp_path / "out", config, lambda *_: None)
    source = seen[0]
    assert (source.precision, source.compile, source.way, seen[1]) == ("fast", "auto", "plain", "auto")


@pytest.mark.parametrize(
    ("config", "message"),
    [({"way": "both"}, "--way is 'both'"), ({"device": "moon"}, "device")],
)
def test_what_cannot_be_done_is_refused(
    config: dict[str, str], message: str, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(BenchError, match=message):
        fuse_command("average", *folders, tmp_path / "out", RunConfig(**config), lambda *_: None)  # type: ignore[arg-type]
