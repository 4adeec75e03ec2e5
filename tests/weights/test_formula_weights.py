"""The rule of the formula weights: worked values, whole titles, and files that the readers take."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.errors import BenchError
from bench.weights.formula import Buffer, fill, fill_files, read_formula, write_files
from bench.weights.tensorflow import read_tensorflow, read_tensorflow_index
from bench.weights.tensorflow_writer import crc32c, encode_checkpoint
from bench.weights.tensors import read_state_dict

LISTS = Path(__file__).resolve().parents[2] / "methods" / "_formula"
TITLES = sorted(path.stem for path in LISTS.glob("*.json"))

WORKED = [
    ("conv0.conv2d.weight", 0.0, 1.5588457268119895, "", {0: 0.68812, 1: 1.4210304, 15: -0.9847203}),
    (
        "DIDF_Encoder/module.patch_embed.proj.weight", 0.0, 0.5196152422706631, "a",
        {0: -0.055231, 1: 0.38266116, 575: 0.23583801},
    ),
    ("BaseFuseLayer/module.attn.scale", 1.0, 0.25, "a", {0: 0.8709486, 7: 0.9978864}),
    ("fusion_model/layer1/w1", 0.0, 0.004898979485566356, "", {0: -0.00235798, 1: 0.00154118, 12799: -0.0040696985}),
]  # fmt: skip
"""name, offset, amplitude, salt, {index: value}: worked by hand from the rule."""


@pytest.mark.parametrize(("name", "offset", "amplitude", "salt", "values"), WORKED)
def test_worked_values_come_out(
    name: str, offset: float, amplitude: float, salt: str, values: dict[int, float]
) -> None:
    filled = fill(name, (12800,), offset, amplitude, salt)
    assert filled.dtype == np.float32
    for index, value in values.items():
        assert filled[index] == pytest.approx(value, abs=5e-8 if abs(value) < 1 else 5e-7)


def test_a_value_knows_its_place_not_its_shape() -> None:
    np.testing.assert_array_equal(fill("w", (2, 3, 4), 0, 1).ravel(), fill("w", (24,), 0, 1))
    assert fill("w", (), 0, 1) == fill("w", (5,), 0, 1)[0]
    assert (fill("w", (24,), 0, 1) != fill("v", (24,), 0, 1)).all()
    assert (fill("w", (24,), 0, 1) != fill("w", (24,), 0, 1, "a")).all()


def test_values_are_even_in_their_range() -> None:
    values = fill("w", (100_000,), 0.5, 2.0).astype(float)
    assert values.min() >= -1.5
    assert values.max() <= 2.5
    counts, _ = np.histogram(values, 10, (-1.5, 2.5))
    assert abs(counts - 10_000).max() < 500


def test_ten_titles_are_listed() -> None:
    assert len(TITLES) == 10


@pytest.mark.parametrize("title", TITLES)
def test_a_whole_title_has_its_digest(title: str) -> None:
    formula = read_formula(title)
    filled = fill_files(formula)
    assert sum(array.size for tensors in filled.values() for array in tensors.values()) == formula.values


@pytest.mark.parametrize("title", TITLES)
def test_the_lists_are_the_given_ones(title: str, shared: Path) -> None:
    given = json.loads((shared / "specs/methods" / f"{title}_tensors.json").read_text())
    ours = json.loads((LISTS / f"{title}.json").read_text())
    for key in ("title", "salt", "values", "sha256", "files"):
        assert ours[key] == given[key]


def test_a_changed_list_is_noticed() -> None:
    formula = read_formula("metafusion")
    file, rows = next(iter(formula.files.items()))
    for changed in (
        (dataclasses.replace(rows[0], amplitude=rows[0].amplitude * (1 + 1e-6)), *rows[1:]),
        (*rows[1:], rows[0]),
        rows[1:],
    ):
        with pytest.raises(BenchError, match=r"MetaFusion: .* mend the list"):
            fill_files(dataclasses.replace(formula, files={file: changed}))


def test_faulty_lists_are_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no such list"):
        read_formula("nothing", tmp_path)
    for text in ("{", "[]", '{"files": {"x": [["w", [1]]]}}', '{"files": {}}'):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(BenchError, match=r"bad\.json: not a list of tensors"):
            read_formula("bad", tmp_path)


# ------------------------------------------------------------------ files


def test_a_state_dict_is_written_as_its_authors_wrote_it(tmp_path: Path) -> None:
    formula = read_formula("metafusion")
    (path,) = write_files(formula, tmp_path)
    assert path == tmp_path / "model_weight.pth"
    stored = read_state_dict(path)
    for name, array in fill_files(formula)["model_weight.pth"].items():
        np.testing.assert_array_equal(stored[name].numpy(), array)


def test_a_dictionary_of_state_dicts_is_written_as_its_authors_wrote_it(tmp_path: Path) -> None:
    (path,) = write_files(read_formula("cddfuse"), tmp_path)
    content = torch.load(path, weights_only=True)
    assert set(content) == {"DIDF_Encoder", "DIDF_Decoder", "BaseFuseLayer", "DetailFuseLayer"}
    name = "DIDF_Encoder/module.patch_embed.proj.weight"
    expected = fill(name, (64, 1, 3, 3), 0.0, 0.5196152422706631, "a")
    np.testing.assert_array_equal(content["DIDF_Encoder"]["module.patch_embed.proj.weight"].numpy(), expected)


def test_two_files_come_in_the_order_of_the_list(tmp_path: Path) -> None:
    assert [path.name for path in write_files(read_formula("rfn_nest"), tmp_path)] == [
        "NestFuse.model", "RFN_Nest.model",
    ]  # fmt: skip


def test_computed_tensors_are_written_if_someone_makes_them(tmp_path: Path) -> None:
    formula = read_formula("swinfusion")

    def computed(buffer: Buffer) -> np.ndarray:
        return np.ones(buffer.shape, buffer.dtype)

    buffers = {row.name: row for row in formula.buffers["10000_E.pth"][:2]}
    short = dataclasses.replace(formula, buffers={"10000_E.pth": tuple(buffers.values())})
    (without,), (with_them,) = write_files(short, tmp_path / "a"), write_files(short, tmp_path / "b", computed)
    assert buffers.keys() & read_state_dict(without).keys() == set()
    stored = read_state_dict(with_them)
    assert all(tuple(stored[name].shape) == row.shape for name, row in buffers.items())


def test_a_tensorflow_checkpoint_is_written_as_its_authors_wrote_it(tmp_path: Path) -> None:
    formula = read_formula("piafusion")
    index, data = write_files(formula, tmp_path)
    assert index.name == "IAFusion.model-29.index"
    assert data.stat().st_size == 5_066_380
    assert index.stat().st_size == 1_499  # both sizes are the published files'
    back = read_tensorflow(index, data)
    filled = fill_files(formula)[data.name]
    assert list(back) == list(filled)
    for name, array in filled.items():
        np.testing.assert_array_equal(back[name], array)


def test_an_index_differs_from_the_published_one_in_its_checksums_alone(shared: Path) -> None:
    published = (shared / "weights/published/FusionGAN/FusionGAN.index").read_bytes()
    (arrays,) = fill_files(read_formula("fusiongan")).values()
    written, _ = encode_checkpoint(arrays)
    assert len(written) == len(published)
    differing = [at for at, pair in enumerate(zip(written, published, strict=True)) if pair[0] != pair[1]]
    assert len(differing) <= 4 * (len(arrays) + 1)  # one checksum for each tensor, one for the block
    assert written[-60:] == published[-60:]  # footer and the index block's own checksum


def test_checksums_are_those_of_the_standard() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    assert crc32c(bytes(range(32))) == 0x46DD794E


def test_an_index_in_many_blocks_comes_back(tmp_path: Path) -> None:
    arrays = {f"scope/{at:03d}/w": np.full((at % 3 + 1, 2), at, np.float32) for at in range(80)}
    for ending, content in zip(("index", "data"), encode_checkpoint(arrays, block_bytes=300), strict=True):
        (tmp_path / f"m.{ending}").write_bytes(content)
    assert list(read_tensorflow_index(tmp_path / "m.index")) == sorted(arrays)
    for name, array in read_tensorflow(tmp_path / "m.index", tmp_path / "m.data").items():
        np.testing.assert_array_equal(array, arrays[name])
