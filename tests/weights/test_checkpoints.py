"""Checkpoints: what was written comes back, and damaged or hostile files are refused in one line."""

from __future__ import annotations

import gzip
import os
import random
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from bench.errors import BenchError
from bench.weights.tensorflow import convert_tensorflow, read_tensorflow, read_tensorflow_index
from bench.weights.tensors import expect, read_state_dict


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {
        "a/scalar": (), "layer/1/kernel": (3, 5, 2, 4), "layer/1/bias": (4,), "layer/10/kernel": (1, 1, 4, 7),
        "línea/ünïcode": (2, 2), "z" * 200: (300,),
    }  # fmt: skip
    shapes |= {f"scope/with/a/long/shared/start/{index:03d}": (index % 5 + 1,) for index in range(60)}
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def test_a_written_checkpoint_comes_back(tmp_path: Path, write_tensorflow: Any, arrays: dict[str, np.ndarray]) -> None:
    index, data = write_tensorflow(tmp_path / "model.ckpt", arrays)
    back = read_tensorflow(index, data)
    assert list(back) == sorted(arrays)
    for name, array in arrays.items():
        assert back[name].dtype == np.float32
        np.testing.assert_array_equal(back[name], array)


def test_only_the_asked_tensors_are_read(tmp_path: Path, write_tensorflow: Any, arrays: dict[str, np.ndarray]) -> None:
    index, data = write_tensorflow(tmp_path / "m", arrays)
    assert list(read_tensorflow(index, data, ["layer/1/bias", "a/scalar"])) == ["layer/1/bias", "a/scalar"]


def test_kernels_become_pytorch_weights(tmp_path: Path, write_tensorflow: Any, arrays: dict[str, np.ndarray]) -> None:
    paths = write_tensorflow(tmp_path / "m", arrays)
    names = {"conv.weight": "layer/1/kernel", "conv.bias": "layer/1/bias"}
    tensors = convert_tensorflow(paths, names, {"conv.weight": (4, 2, 3, 5), "conv.bias": (4,)})
    assert tensors["conv.weight"].is_contiguous()
    for (row, column, inner, outer), value in np.ndenumerate(arrays["layer/1/kernel"]):
        assert tensors["conv.weight"][outer, inner, row, column] == value


def test_a_wrong_shape_is_named(tmp_path: Path, write_tensorflow: Any, arrays: dict[str, np.ndarray]) -> None:
    paths = write_tensorflow(tmp_path / "m", arrays)
    with pytest.raises(BenchError, match=r"'b' is of shape \(4,\), wanted \(5,\)"):
        convert_tensorflow(paths, {"b": "layer/1/bias"}, {"b": (5,)})


def test_a_missing_name_is_named(tmp_path: Path, write_tensorflow: Any, arrays: dict[str, np.ndarray]) -> None:
    index, data = write_tensorflow(tmp_path / "m", arrays)
    with pytest.raises(BenchError, match="has no tensor 'nope'"):
        read_tensorflow(index, data, ["nope"])


def test_a_short_data_file_is_named(tmp_path: Path, write_tensorflow: Any, arrays: dict[str, np.ndarray]) -> None:
    index, data = write_tensorflow(tmp_path / "m", arrays)
    data.write_bytes(data.read_bytes()[:-1])
    with pytest.raises(BenchError, match="too short for"):
        read_tensorflow(index, data)


def test_missing_files_are_named(tmp_path: Path, write_tensorflow: Any, arrays: dict[str, np.ndarray]) -> None:
    index, data = write_tensorflow(tmp_path / "m", arrays)
    data.unlink()
    with pytest.raises(BenchError, match="cannot be read"):
        read_tensorflow(index, data)
    with pytest.raises(BenchError, match="cannot be read"):
        read_tensorflow_index(tmp_path / "none.index")


def test_another_file_is_not_an_index(tmp_path: Path) -> None:
    path = tmp_path / "x.index"
    for content in (b"", b"PK\x03\x04" * 100):
        path.write_bytes(content)
        with pytest.raises(BenchError, match=r"wanted the \.index"):
            read_tensorflow_index(path)


@pytest.fixture(scope="module")
def good_index(tmp_path_factory: pytest.TempPathFactory, write_tensorflow: Any) -> bytes:
    arrays = {f"scope/{index}/w": np.zeros((2, 3), np.float32) for index in range(30)}
    return write_tensorflow(tmp_path_factory.mktemp("tf") / "m", arrays)[0].read_bytes()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_a_damaged_index_never_fails_in_another_way(tmp_path: Path, good_index: bytes, seed: int) -> None:
    rng = random.Random(seed)
    damaged = bytearray(good_index)
    for _ in range(rng.randint(1, 8)):
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    path = tmp_path / "damaged.index"
    path.write_bytes(damaged)
    try:
        entries = read_tensorflow_index(path)
    except BenchError as error:
        assert "\n" not in str(error)  # noqa: PT017 - some damage goes unseen, and then there is no error
    else:
        assert all(isinstance(name, str) for name in entries)


def test_a_compressed_index_is_refused(tmp_path: Path, good_index: bytes) -> None:
    from bench.weights.tensorflow import _handle

    damaged = bytearray(good_index)
    _, at = _handle(good_index, len(good_index) - 48)
    (offset, size), _ = _handle(good_index, at)
    damaged[offset + size] = 1  # snappy
    path = tmp_path / "x.index"
    path.write_bytes(damaged)
    with pytest.raises(BenchError, match="compressed block"):
        read_tensorflow_index(path)


def test_the_published_index_is_read_whole(shared: Path) -> None:
    folder = shared / "weights" / "published"
    counts = {
        "FusionGAN/FusionGAN.index": (58, 5_305_616), "GANMcC/GANMcC.index": (86, 9_102_232),
        "SDNet/SDNet.model.index": (32, 268_364), "U2Fusion/model.ckpt.index": (20, 2_636_868),
    }  # fmt: skip
    for name, (count, size) in counts.items():
        entries = read_tensorflow_index(folder / name)
        assert len(entries) == count
        assert max(entry.offset + entry.size for entry in entries.values()) == size
        assert {entry.dtype for entry in entries.values()} == {1}


# ------------------------------------------------------------------ PyTorch


def test_a_state_dict_comes_back(tmp_path: Path) -> None:
    torch.save({"w": torch.arange(6.0).view(2, 3)}, tmp_path / "x.pth")
    assert read_state_dict(tmp_path / "x.pth")["w"].tolist() == [[0, 1, 2], [3, 4, 5]]


class Hostile:
    """A pickle that would make a folder if it were run."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_hostile_pickle_is_refused_and_does_nothing(tmp_path: Path, legacy: bool) -> None:
    mark = tmp_path / "executed"
    torch.save({"w": Hostile(mark)}, tmp_path / "x.pth", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(BenchError, match=r"holds a pickled object \((posix|nt).mkdir\), which is not loaded"):
        read_state_dict(tmp_path / "x.pth")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ({"module.a": 1, "module.b": 2}, {"a": 1, "b": 2}),
        ({"module.a": 1, "b": 2}, {"module.a": 1, "b": 2}),
        ({"state_dict": {"module.a": 1}, "epoch": 3}, {"a": 1}),
        ({"params": {"a": 1}}, {"a": 1}),
        ({"weight": {"module.a": 1}, "epoch": 120, "optimizer": {"lr": 0.1, "state": {}}}, {"a": 1}),
    ],
)
def test_prefixes_and_nesting_are_taken_off(tmp_path: Path, content: Any, wanted: dict[str, float]) -> None:
    def tensors(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: tensors(item, name) for name, item in value.items()}
        return value if key in ("epoch", "lr") else torch.tensor(float(value))

    torch.save(tensors(content), tmp_path / "x.pth")
    assert {name: float(value) for name, value in read_state_dict(tmp_path / "x.pth").items()} == wanted


def test_several_dictionaries_are_joined_only_when_asked_for(tmp_path: Path) -> None:
    torch.save({"E": {"module.a": torch.zeros(1)}, "D": {"a": torch.ones(1)}, "o": {"lr": 1}}, tmp_path / "x.pth")
    assert {name: float(value) for name, value in read_state_dict(tmp_path / "x.pth", nested=True).items()} == {
        "E/a": 0.0, "D/a": 1.0,
    }  # fmt: skip
    with pytest.raises(BenchError, match=r"holds 2 dicts \(E, D\), wanted one of tensors"):
        read_state_dict(tmp_path / "x.pth")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "a git-lfs pointer"),
        (b"\n\n<!DOCTYPE html><html>", "a web page saved"),
        (b"<html><head>", "a web page saved"),
        (b'<?xml version="1.0"?>', "a web page saved"),
        (b"", "an empty file"),
        (b"/annex/objects/MD5E-s680000--0.pth\n", "a git-annex pointer"),
        (b'{"message": "Not Found"}', "a text .JSON"),
        (gzip.compress(b"weights", mtime=0), "a gzip archive"),
        (b"Rar!\x1a\x07\x00", "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"%PDF-1.4", "a PDF"),
        (b"\x89PNG\r\n\x1a\n", "an image"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"MATLAB 5.0 MAT-file", "not a readable PyTorch checkpoint"),
        (bytes(range(1, 200)), "not a readable PyTorch checkpoint"),
        (b"PK\x03\x04half of an archive", "not a readable PyTorch checkpoint"),
    ],
)
def test_what_is_often_saved_in_the_place_of_weights_is_named(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "x.pth").write_bytes(data)
    with pytest.raises(BenchError, match=words) as caught:
        read_state_dict(tmp_path / "x.pth")
    assert "\n" not in str(caught.value)
    assert "weights_only" not in str(caught.value)
    assert len(str(caught.value)) < 250 + len(str(tmp_path)), "PyTorch's advice is left out"


def test_archives_and_programs_are_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.pth", "w") as archive:
        archive.writestr("x.pth", "weights")
    with pytest.raises(BenchError, match="a zip archive, wanted the file inside it"):
        read_state_dict(tmp_path / "x.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(torch.nn.Conv2d(1, 1, 1), torch.zeros(1, 1, 2, 2)), tmp_path / "y.pth")
    with pytest.raises(BenchError, match="a TorchScript archive, which is a program"):
        read_state_dict(tmp_path / "y.pth")


WRAPPED = {
    "DataParallel": lambda tensors: {f"module.{name}": value for name, value in tensors.items()},
    "torch.compile": lambda tensors: {f"_orig_mod.{name}": value for name, value in tensors.items()},
    "both": lambda tensors: {f"module._orig_mod.{name}": value for name, value in tensors.items()},
    "below an entry": lambda tensors: {"state_dict": tensors, "epoch": 3},
    "both below an entry": lambda tensors: {"model": {f"module.{name}": value for name, value in tensors.items()}},
    "two entries deep": lambda tensors: {"net": {"state_dict": tensors, "arch": "x"}, "epoch": 3, "optimizer": {}},
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_what_programs_put_around_tensors_is_taken_off(tmp_path: Path, wrap: Callable[[Any], Any]) -> None:
    tensors = {"conv.weight": torch.ones(2, 1), "conv.bias": torch.zeros(2)}
    torch.save(wrap(tensors), tmp_path / "x.pth")
    found = read_state_dict(tmp_path / "x.pth")
    assert sorted(found) == sorted(tensors)
    assert all(torch.equal(found[name], value) for name, value in tensors.items())


def test_safetensors_are_read_whatever_they_are_called(tmp_path: Path) -> None:
    save_file({"w": torch.ones(3)}, tmp_path / "x.pth")
    assert read_state_dict(tmp_path / "x.pth")["w"].tolist() == [1, 1, 1]


def test_a_pickled_module_is_one_plain_line(tmp_path: Path) -> None:
    torch.save(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3)), tmp_path / "x.pth")
    with pytest.raises(BenchError, match=r"holds a pickled object \(torch.nn.modules.container.Sequential\)"):
        read_state_dict(tmp_path / "x.pth")


def test_anything_but_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(1), "epoch": 3}, tmp_path / "x.pth")
    with pytest.raises(BenchError, match="'epoch' is a int, wanted a tensor"):
        read_state_dict(tmp_path / "x.pth")
    torch.save([torch.zeros(1)], tmp_path / "y.pth")
    with pytest.raises(BenchError, match="holds a list"):
        read_state_dict(tmp_path / "y.pth")
    (tmp_path / "z.pth").write_bytes(b"not a checkpoint")
    with pytest.raises(BenchError, match="fetch it again"):
        read_state_dict(tmp_path / "z.pth")
    with pytest.raises(BenchError, match="no such file"):
        read_state_dict(tmp_path / "none.pth")


def test_expect_allows_more_but_not_less() -> None:
    tensors = {"a": torch.zeros(2), "more": torch.zeros(1)}
    expect(tensors, {"a": (2,)}, Path("x"))
    with pytest.raises(BenchError, match="x: has no tensor 'b'"):
        expect(tensors, {"b": (2,)}, Path("x"))
