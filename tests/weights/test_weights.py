"""Weights are found, checked, converted once, and missing ones say how to be had."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from bench.errors import BenchError
from bench.plugin.kinds import METHODS
from bench.plugin.method import Method, MethodInfo, TrainRequest, WeightFile
from bench.plugin.registry import Registry
from bench.weights import commands
from bench.weights.convert import converter_digest
from bench.weights.find import Resolved, WeightsMissing, resolve

CONTENT = {"Made/made.index": b"index", "Made/made.data": b"12345678"}


def weight_file(path: str, content: bytes, **more: str) -> WeightFile:
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return WeightFile(path=path, git_blob=blob, size=len(content), **more)


class MadeMethod(Method):
    """A learned method with two published files."""

    name = "made"
    info = MethodInfo(
        title="Made", year=2020, paper="doi:10.0000/made", licence="MIT", trained_on=("tno",),
        weights=tuple(weight_file(path, content, licence="MIT") for path, content in CONTENT.items()),
    )  # fmt: skip
    converted: ClassVar[list[list[Path]]] = []

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return ir

    @classmethod
    def convert(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        cls.converted.append(list(paths))
        return {"w": torch.tensor(list(paths[1].read_bytes()), dtype=torch.float32)}


class TrainableMethod(MadeMethod):
    """One without published files."""

    name = "trainable"
    info = MethodInfo(title="Trainable", year=2020, paper="x", licence="MIT")

    @classmethod
    def train(cls, request: TrainRequest) -> Path:
        return request.out


class PlainMethod(MadeMethod):
    name = "plain"
    info = MethodInfo(title="Plain", year=2020, paper="x", licence="MIT", kind="classical")


@pytest.fixture(autouse=True)
def _clean(cache: Path) -> None:
    MadeMethod.converted.clear()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_root(tmp_path / "published")


def write_root(folder: Path) -> Path:
    for path, content in CONTENT.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def values(resolved: Resolved) -> list[float]:
    assert resolved.path is not None
    return load_file(resolved.path)["w"].tolist()


def test_a_classical_method_needs_none() -> None:
    assert resolve(PlainMethod) == Resolved(None, "no weights needed")


def test_a_root_is_converted_and_recorded(root: Path, cache: Path) -> None:
    resolved = resolve(MadeMethod, root)
    assert values(resolved) == list(b"12345678")
    assert resolved.origin == "authors' weights"
    assert resolved.path is not None
    assert resolved.path.is_relative_to(cache)
    assert [file["path"] for file in resolved.files] == list(CONTENT)
    assert all(file["check"] == "as published" and file["licence"] == "MIT" for file in resolved.files)
    assert resolved.files[1]["sha256"] == hashlib.sha256(b"12345678").hexdigest()
    record = json.loads(resolved.path.with_suffix(".json").read_text())
    assert record["method"] == "made"
    assert record["sha256"] == hashlib.sha256(resolved.path.read_bytes()).hexdigest()
    assert record["files"][0]["path"] == "Made/made.index"
    assert "MadeMethod.convert" in record["conversion"]


def test_conversion_happens_once(root: Path) -> None:
    first = resolve(MadeMethod, root)
    assert resolve(MadeMethod, root) == first
    assert len(MadeMethod.converted) == 1


def test_a_damaged_conversion_is_made_again(root: Path) -> None:
    first = resolve(MadeMethod, root)
    assert first.path is not None
    first.path.write_bytes(first.path.read_bytes()[:-1])
    assert values(resolve(MadeMethod, root)) == list(b"12345678")
    assert len(MadeMethod.converted) == 2


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"version https://git-lfs.github.com/spec/v1\n", "a git-lfs pointer"), (b"<!DOCTYPE html>", "a web page saved"),
     (b"", "an empty file"), (b"\x1f\x8b", "a gzip archive"), (b"/annex/objects/x\n", "a git-annex pointer")],
)  # fmt: skip
def test_what_lies_in_the_place_of_a_published_file_is_named(root: Path, data: bytes, words: str) -> None:
    (root / "Made/made.data").write_bytes(data)
    with pytest.raises(BenchError, match=rf"made\.data: {words}"):
        resolve(MadeMethod, root)


def test_the_folder_of_the_files_will_do(root: Path) -> None:
    assert resolve(MadeMethod, root / "Made") == resolve(MadeMethod, root)


def test_the_environment_names_a_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_WEIGHTS", str(root))
    assert resolve(MadeMethod).origin == "authors' weights"


def test_a_changed_file_under_a_root_is_refused(root: Path) -> None:
    (root / "Made/made.data").write_bytes(b"12345679")
    with pytest.raises(BenchError, match=r"made.data: git_blob is \w{40}, wanted \w{40}; fetch it again") as caught:
        resolve(MadeMethod, root)
    assert not isinstance(caught.value, WeightsMissing)
    (root / "Made/made.data").write_bytes(b"123")
    with pytest.raises(BenchError, match="size is 3, wanted 8"):
        resolve(MadeMethod, root)


@pytest.mark.parametrize("named", ["made.index", "made.data"])
def test_a_changed_file_that_is_named_is_taken_and_told(root: Path, named: str) -> None:
    (root / "Made/made.data").write_bytes(b"abcdefgh")
    resolved = resolve(MadeMethod, root / "Made" / named)
    assert values(resolved) == list(b"abcdefgh")
    assert resolved.origin == "file given by name"
    assert [file["check"] for file in resolved.files] == ["as published", "differs from the published file"]


def test_a_file_under_another_name_finds_its_sibling(tmp_path: Path) -> None:
    for ending, content in ((".index", b"index"), (".data", b"new")):
        (tmp_path / f"run.model-7{ending}").write_bytes(content)
    assert values(resolve(MadeMethod, tmp_path / "run.model-7.index")) == list(b"new")
    (tmp_path / "run.model-7.data").unlink()
    with pytest.raises(WeightsMissing, match=r"run.model-7.data is missing beside"):
        resolve(MadeMethod, tmp_path / "run.model-7.index")
    (tmp_path / "odd.bin").write_bytes(b"")
    with pytest.raises(BenchError, match=r"its name is none of made\.index, made\.data"):
        resolve(MadeMethod, tmp_path / "odd.bin")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="none do not exist"):
        resolve(MadeMethod, tmp_path / "none")


def test_half_of_the_files_is_missing(root: Path) -> None:
    (root / "Made/made.data").unlink()
    with pytest.raises(
        WeightsMissing, match=r"made: Made/made.index, Made/made.data not found under .* `--weights-root"
    ):
        resolve(MadeMethod, root)


def test_missing_weights_name_every_way_to_get_them() -> None:
    with pytest.raises(WeightsMissing, match="`bench train trainable`"):
        resolve(TrainableMethod)
    with pytest.raises(WeightsMissing, match=r"bench weights fetch fusiongan.*--weights-root.*bench train fusiongan"):
        resolve(METHODS.get("fusiongan"))


def train(folder: Path, value: float, method: str = "made") -> Path:
    folder.mkdir(parents=True)
    save_file({"w": torch.full((3,), value)}, folder / "weights.safetensors")
    record = {"signature": {"method": method, "dataset": "demo"}, "steps": 7}
    (folder / "training.json").write_text(json.dumps(record))
    return folder / "weights.safetensors"


def test_a_training_done_here_is_found(cache: Path) -> None:
    train(cache / "trained" / "made", 2)
    resolved = resolve(MadeMethod)
    assert values(resolved) == [2, 2, 2]
    assert resolved.origin == "trained here"
    assert resolved.training is not None
    assert (resolved.training["dataset"], resolved.training["steps"]) == ("demo", 7)


def test_the_authors_weights_come_before_a_training(cache: Path, root: Path, tmp_path: Path) -> None:
    train(cache / "trained" / "made", 2)
    assert resolve(MadeMethod, root).origin == "authors' weights"
    assert resolve(MadeMethod, tmp_path).origin == "trained here"


def test_search_folders_come_last(cache: Path, tmp_path: Path) -> None:
    train(tmp_path / "run" / "trained" / "made", 5)
    assert values(resolve(MadeMethod, search=[tmp_path / "run" / "trained"])) == [5, 5, 5]
    train(cache / "trained" / "made", 2)
    assert values(resolve(MadeMethod, search=[tmp_path / "run" / "trained"])) == [2, 2, 2]


def test_a_training_of_another_method_is_not_taken(tmp_path: Path) -> None:
    path = train(tmp_path / "other", 1, "other")
    with pytest.raises(BenchError, match="its record says 'other', wanted 'made'"):
        resolve(MadeMethod, path)
    with pytest.raises(WeightsMissing):
        resolve(MadeMethod, tmp_path / "other")


def test_a_bare_safetensors_file_is_taken_by_name(tmp_path: Path) -> None:
    save_file({"w": torch.ones(2)}, tmp_path / "mine.safetensors")
    resolved = resolve(MadeMethod, tmp_path / "mine.safetensors")
    assert (resolved.path, resolved.origin) == (tmp_path / "mine.safetensors", "file given by name")


def test_an_unwritable_cache_is_named(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(BenchError, match="point BENCH_CACHE at a writable folder"):
        resolve(MadeMethod, root)


# ------------------------------------------------------------------ commands


@pytest.fixture
def only_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METHODS, "names", lambda: ["made", "plain"])
    monkeypatch.setattr(Registry, "get", lambda self, name: {"made": MadeMethod, "plain": PlainMethod}[name])


@pytest.mark.usefixtures("only_made")
def test_import_keeps_copies_that_need_no_root(root: Path) -> None:
    assert commands.import_folder(root)[0].startswith("made: ")
    assert resolve(MadeMethod).origin == "authors' weights"
    assert len(MadeMethod.converted) == 1


@pytest.mark.usefixtures("only_made")
def test_import_of_a_wrong_folder_is_refused(root: Path, tmp_path: Path, cache: Path) -> None:
    with pytest.raises(BenchError, match="holds no method's published files"):
        commands.import_folder(tmp_path)
    with pytest.raises(BenchError, match="does not exist"):
        commands.import_folder(tmp_path / "none")
    (root / "Made/made.index").write_bytes(b"other")
    with pytest.raises(BenchError, match="git_blob"):
        commands.import_folder(root)
    assert not (cache / "published").exists()


@pytest.mark.usefixtures("only_made")
def test_the_list_says_what_is_there(root: Path, cache: Path) -> None:
    assert [row["state"] for row in commands.status_rows()] == ["missing", "missing"]
    (root / "Made/made.data").write_bytes(b"other")
    train(cache / "trained" / "made", 1)
    rows = commands.status_rows(root)
    assert [row["state"] for row in rows] == ["ready", "differs", "trained here"]
    assert rows[0] == {
        "method": "made", "file": "Made/made.index", "state": "ready", "place": str(root / "Made/made.index"),
        "licence": "MIT", "url": "",
    }  # fmt: skip


@pytest.mark.usefixtures("only_made")
def test_fetch_without_an_address_says_so() -> None:
    assert commands.fetch() == []
    with pytest.raises(BenchError, match="has no address"):
        commands.fetch(["made"])


def test_fetch_hands_address_and_checksum_to_the_download(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def download(url: str, target: Path, **wanted: object) -> Path:
        asked.append((url, target, wanted))
        return target

    monkeypatch.setattr("bench.download.download", download)
    lines = commands.fetch(["sdnet"])
    info = METHODS.get("sdnet").info
    assert asked == [
        (
            file.url,
            cache / "published" / file.path,
            {"sha256": file.sha256, "git_blob": file.git_blob, "size": file.size},
        )
        for file in info.weights
    ]
    assert all("MIT" in line for line in lines)
    assert any("for your own use only" in line for line in commands.fetch(["u2fusion"]))


def test_every_published_file_can_be_checked() -> None:
    for name in METHODS.names():
        for file in METHODS.get(name).info.weights:
            assert file.sha256 or file.git_blob, f"{name}: {file.path} has no checksum"
            assert len(file.sha256) in (0, 64)
            assert len(file.git_blob) in (0, 40)


def test_all_published_weights_at_hand_are_the_published_ones(shared: Path) -> None:
    states = {row["file"]: row["state"] for row in commands.status_rows(shared / "weights" / "published")}
    assert "differs" not in states.values()
    missing = {file for file, state in states.items() if state == "missing"}
    too_large = ("FusionGAN/", "GANMcC/", "RFN-Nest/", "NestFuse/", "CDDFuse/", "SwinFusion/", "EMMA/", "PIAFusion",
                 "MetaFusion/", "IFCNN/IFCNN-SUM", "IFCNN/IFCNN-MEAN")  # fmt: skip
    assert [file for file in missing if not file.startswith(too_large)] == []


def test_renames_beside_the_network_are_part_of_the_converter(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: (read.append("/".join(self.parts[-2:])), original(self))[1])
    converter_digest(METHODS.get("ship"))
    assert {"methods/ship.py", "_nets/ship.py", "_nets/method.py"} <= set(read)
