"""``bench weights import FILE``: files are recognised whatever they are called, and what is none is told plainly."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from bench.cli import app
from bench.errors import BenchError
from bench.plugin.kinds import METHODS
from bench.weights.find import AUTHORS, GIVEN, resolve
from bench.weights.formula import read_formula, write_files
from bench.weights.places import published_dir
from bench.weights.recognise import import_file

pytestmark = pytest.mark.usefixtures("cache")


def test_a_published_file_is_known_by_its_digest(shared: Path, tmp_path: Path) -> None:
    shutil.copy(shared / "weights/published/SeAFusion/SeAFusion.pth", tmp_path / "download (1).pth")
    (line,) = import_file(tmp_path / "download (1).pth")
    assert line.startswith("seafusion: ")
    assert (published_dir() / "SeAFusion/SeAFusion.pth").is_file()
    assert resolve(METHODS.get("seafusion")).origin == AUTHORS


def test_half_of_a_checkpoint_says_what_is_missing(shared: Path, tmp_path: Path) -> None:
    for part in ("index", "data-00000-of-00001"):
        shutil.copy(shared / f"weights/published/SDNet/SDNet.model.{part}", tmp_path / f"x.{part}")
    (line,) = import_file(tmp_path / "x.index")
    assert "SDNet/SDNet.model.data-00000-of-00001 still missing" in line
    (line,) = import_file(tmp_path / "x.data-00000-of-00001")
    assert line.startswith("sdnet: ")
    assert "(as published)" in line


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("nested", [False, True])
def test_other_weights_are_known_by_their_tensors(shared: Path, tmp_path: Path, prefix: str, nested: bool) -> None:
    stored = torch.load(shared / "weights/published/SeAFusion/SeAFusion.pth", map_location="cpu", weights_only=True)
    changed = {prefix + name: value * 1.5 for name, value in stored.items()}
    torch.save({"state_dict": changed, "epoch": 3} if nested else changed, tmp_path / "mine.pt")
    (line,) = import_file(tmp_path / "mine.pt")
    assert "seafusion: " in line
    assert "recognised by its tensors" in line
    assert resolve(METHODS.get("seafusion")).origin == GIVEN


def test_two_files_of_one_method_are_put_in_order(tmp_path: Path) -> None:
    first, second = write_files(read_formula("rfn_nest"), tmp_path / "made")
    (tmp_path / "in").mkdir()
    shutil.copy(first, tmp_path / "in/b.pt")
    shutil.copy(second, tmp_path / "in/a.pt")
    (line,) = import_file(tmp_path / "in/a.pt")
    assert line.startswith("rfn_nest: ")


def test_tensors_that_fit_several_ask_for_the_method(shared: Path, tmp_path: Path) -> None:
    stored = torch.load(shared / "weights/published/IFCNN/IFCNN-MAX.pth", map_location="cpu", weights_only=True)
    torch.save({name: value + 0.01 for name, value in stored.items()}, tmp_path / "w.pth")
    with pytest.raises(BenchError, match="fit ifcnn, ifcnn:sum, ifcnn:mean; say which with --method"):
        import_file(tmp_path / "w.pth")
    (line,) = import_file(tmp_path / "w.pth", "ifcnn:mean")
    assert line.startswith("ifcnn-mean: ")
    assert resolve(METHODS.get("ifcnn:mean")).origin == GIVEN


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "a git-lfs pointer"),
        (b"<!DOCTYPE html>", "a web page saved"),
        (b"anything", "not a readable PyTorch checkpoint"),
    ],
)
def test_what_is_no_weights_file_is_one_line(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "x.pth").write_bytes(data)
    result = CliRunner().invoke(app, ["weights", "import", str(tmp_path / "x.pth")])
    assert result.exit_code != 0
    with pytest.raises(BenchError, match=words) as caught:
        import_file(tmp_path / "x.pth")
    assert "\n" not in str(caught.value)


def test_a_strange_pickled_module_is_named(tmp_path: Path) -> None:
    torch.save(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3)), tmp_path / "x.pth")
    with pytest.raises(BenchError, match="holds a pickled object"):
        import_file(tmp_path / "x.pth")


def test_only_the_given_file_is_at_fault(shared: Path, tmp_path: Path) -> None:
    """What lies beside it, and is tried as a part of it, is not what the message is about."""
    torch.save(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3)), tmp_path / "a.pth")
    torch.save({"w": torch.zeros(3)}, tmp_path / "b.pth")
    with pytest.raises(BenchError, match=r"b\.pth: its tensors are no known method's"):
        import_file(tmp_path / "b.pth")
    torch.save({"model": {"w": torch.zeros(3)}, "ema": {"w": torch.zeros(3)}}, tmp_path / "c.pth")
    with pytest.raises(BenchError, match=r"c\.pth: holds 2 dicts"):
        import_file(tmp_path / "c.pth")


def test_weights_that_are_no_numbers_are_refused(shared: Path, tmp_path: Path) -> None:
    source = shared / "weights/published/SeAFusion/SeAFusion.pth"
    stored = torch.load(source, map_location="cpu", weights_only=True)
    name = next(key for key in stored if key.endswith("weight"))
    stored[name] = stored[name] * float("nan")
    torch.save(stored, tmp_path / "w.pth")
    with pytest.raises(BenchError, match=r"w\.pth: tensor .* holds values that are no numbers"):
        import_file(tmp_path / "w.pth")
