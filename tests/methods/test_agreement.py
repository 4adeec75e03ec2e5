"""Agreement with published images: found under any usual name, compared as they were encoded, and told honestly."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from bench.errors import BenchError
from bench.fuse.agreement import compare, find_published, method_labels, plain_name, verify_command, verify_methods
from bench.images import read_image
from bench.plugin.kinds import METHODS
from bench.plugin.method import Method, MethodInfo, WeightFile
from bench.plugin.registry import Entry
from bench.types import PairFiles


class MeanMethod(Method):
    """The mean of both images; labelled by others as its weights folder."""

    name = "mean_of_two"
    info = MethodInfo(title="Mean", year=2020, paper="x", licence="MIT", kind="classical")

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return (ir + vis) / 2


class NeedyMethod(MeanMethod):
    name = "needy"
    info = MethodInfo(
        title="Needy-Net",
        year=2020,
        paper="x",
        licence="MIT",
        weights=(WeightFile(path="ND_X/w.pth", sha256="0" * 64),),
    )


class BrokenMethod(MeanMethod):
    name = "broken"
    info = MethodInfo(title="Broken", year=2020, paper="x", licence="MIT", kind="classical")

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return torch.full_like(ir, float("nan"))


MADE = {cls.name: cls for cls in (MeanMethod, NeedyMethod, BrokenMethod)}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(METHODS, "entries", {name: Entry(name, __name__, "made") for name in MADE})
    monkeypatch.setattr(METHODS, "get", MADE.__getitem__)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three TNO pairs of even numbers, so that their mean is exact."""
    rng = np.random.default_rng(0)
    for kind in ("ir", "vi"):
        folder = tmp_path / "data" / "TNO" / kind
        folder.mkdir(parents=True)
        for name in ("01", "02", "13"):
            image = np.kron(rng.integers(0, 128, (6, 8)) * 2, np.ones((8, 8))).astype(np.uint8)
            Image.fromarray(image).save(folder / f"{name}.png")
    return tmp_path / "data"


@pytest.fixture
def pairs(data: Path) -> list[PairFiles]:
    return [
        PairFiles("tno", "test", name, data / f"TNO/ir/{name}.png", data / f"TNO/vi/{name}.png")
        for name in ("01", "02", "13")
    ]


def mean(pair: PairFiles) -> np.ndarray:
    return (np.stack([read_image(pair.ir_path), read_image(pair.vis_path)]).astype(int).sum(0) // 2).astype(np.uint8)


def publish(folder: Path, pairs: list[PairFiles], label: str, off: int = 0) -> Path:
    (folder / label).mkdir(parents=True, exist_ok=True)
    for pair in pairs:
        image = mean(pair)
        image[0, :5] = np.clip(image[0, :5].astype(int) + off, 0, 255)
        Image.fromarray(image).save(folder / label / f"{pair.id}.png")
    return folder


# ------------------------------------------------------------------ comparing


def test_equal_images_agree_exactly(tmp_path: Path) -> None:
    image = np.arange(48, dtype=np.uint8).reshape(6, 8)
    Image.fromarray(image).save(tmp_path / "x.png")
    for fused in (image, np.repeat(image[..., None], 3, axis=2)):
        seen = compare("x", fused, tmp_path / "x.png")
        assert (seen.psnr, seen.max_difference, seen.identical) == (math.inf, 0, 1)


def test_differences_are_counted(tmp_path: Path) -> None:
    image = np.full((4, 5, 3), 100, np.uint8)
    Image.fromarray(image).save(tmp_path / "x.png")
    fused = image.copy()
    fused[0, 0, 1], fused[1, 2] = 103, (99, 99, 99)
    seen = compare("x", fused, tmp_path / "x.png")
    assert seen.max_difference == 3
    assert seen.identical == pytest.approx(18 / 20)
    assert seen.psnr == pytest.approx(10 * math.log10(255**2 / ((9 + 3) / 60)))


@pytest.mark.parametrize("quality", [75, 92])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_a_jpeg_is_compared_as_it_was_encoded(tmp_path: Path, quality: int, subsampling: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (33, 41, 3), dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "x.jpg", quality=quality, subsampling=subsampling)
    assert compare("x", image, tmp_path / "x.jpg").psnr == math.inf
    changed = image.copy()
    changed[10:20, 10:20] //= 2
    assert compare("x", changed, tmp_path / "x.jpg").psnr < 40


def test_a_grey_jpeg_too(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (33, 41), dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "x.jpg", quality=80)
    assert compare("x", np.repeat(image[..., None], 3, axis=2), tmp_path / "x.jpg").psnr == math.inf


def test_another_size_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "x.png")
    with pytest.raises(BenchError, match="5x4 pixels, wanted 4x5"):
        compare("x", np.zeros((5, 4), np.uint8), tmp_path / "x.png")


# ------------------------------------------------------------------ finding


def test_names_are_matched_without_case_and_punctuation() -> None:
    assert {plain_name(text) for text in ("RFN-Nest", "rfn_nest", "RFN Nest")} == {"rfnnest"}


def test_usual_labels_name_the_methods() -> None:
    labels = method_labels()
    for label, name in (
        ("LP_SR", "mst_sr"), ("MST-SR", "mst_sr"), ("GTF", "gtf"), ("RFN-Nest", "rfn_nest"), ("SeAFusion", "seafusion"),
        ("U2Fusion", "u2fusion"), ("IFCNN", "ifcnn"), ("GANMcC", "ganmcc"), ("FusionGAN", "fusiongan"),
    ):  # fmt: skip
        assert labels[plain_name(label)] == name


def test_flat_files_are_split_at_the_longest_pair_name(tmp_path: Path) -> None:
    for name in ("walking_GTF.jpg", "walking_night_LP_SR.jpg", "Walking_night_GTF.jpg", "other_GTF.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    found = {published.label: published for published in find_published(tmp_path, ["walking", "walking_night"])}
    assert set(found) == {"GTF", "LP_SR"}
    assert set(found["GTF"].files) == {"walking", "walking_night"}
    assert found["GTF"].missing == 1


def test_a_folder_without_images_of_these_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="is not a folder"):
        find_published(tmp_path / "none", ["01"])
    (tmp_path / "GTF").mkdir()
    (tmp_path / "GTF" / "99.png").write_bytes(b"")
    with pytest.raises(BenchError, match=r"holds no image of these 1 pairs, wanted METHOD/01\.png"):
        find_published(tmp_path, ["01"])


# ------------------------------------------------------------------ the whole line


@pytest.mark.usefixtures("made")
def test_a_method_is_held_against_its_images(tmp_path: Path, pairs: list[PairFiles]) -> None:
    publish(tmp_path / "out", pairs, "Mean-of-Two")
    publish(tmp_path / "out", pairs[:2], "MEAN", off=2)
    publish(tmp_path / "out", pairs, "Stranger")
    exact, near, stranger = sorted(
        verify_methods(tmp_path / "out", pairs), key=lambda row: ("Mean-of-Two", "MEAN", "Stranger").index(row.label)
    )
    assert (exact.method, exact.exact, exact.psnr_min, exact.identical) == ("mean_of_two", 3, math.inf, 1)
    assert (near.method, len(near.pairs), near.exact, near.max_difference) == ("mean_of_two", 2, 0, 2)
    assert near.psnr_min <= near.psnr_median < 80
    assert near.identical == pytest.approx(1 - 5 / (48 * 64))
    assert (stranger.method, stranger.status) == ("", "skipped")
    assert exact.row()["PSNR min"] == "exact"
    assert "no such method" in stranger.row()["note"]


@pytest.mark.usefixtures("made")
def test_missing_weights_and_broken_methods_are_told(tmp_path: Path, pairs: list[PairFiles]) -> None:
    publish(tmp_path / "out", pairs, "ND_X")
    publish(tmp_path / "out", pairs, "broken")
    broken, needy = verify_methods(tmp_path / "out", pairs)
    assert (broken.status, needy.status) == ("failed", "skipped")
    assert "NaN" in broken.reason
    assert "ND_X/w.pth" in needy.reason


@pytest.mark.usefixtures("made")
def test_the_command_writes_every_pair(tmp_path: Path, data: Path, pairs: list[PairFiles]) -> None:
    publish(tmp_path / "out", pairs[1:], "mean_of_two", off=1)
    table = tmp_path / "table.csv"
    outcome = verify_command(tmp_path / "out", dataset="tno", data_root=data, out=table, limit=1)
    assert outcome.problems == []
    assert [(row["method"], row["pairs"], row["max difference"]) for row in outcome.rows] == [("mean_of_two", 1, 1)]
    with table.open(newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    assert [(row["pair"], row["max_difference"]) for row in rows] == [("02", "1")]
    assert float(rows[0]["psnr_db"]) > 60


@pytest.mark.usefixtures("made")
def test_what_was_asked_by_name_and_is_not_there_is_a_problem(
    tmp_path: Path, data: Path, pairs: list[PairFiles]
) -> None:
    publish(tmp_path / "out", pairs, "mean_of_two")
    publish(tmp_path / "out", pairs, "needy")
    asked = ["needy", "broken", "mean_of_two"]
    outcome = verify_command(tmp_path / "out", dataset="tno", data_root=data, methods=asked)
    assert [line.partition(":")[0] for line in outcome.problems] == ["broken", "needy"]
    assert verify_command(tmp_path / "out", dataset="tno", data_root=data).problems == []
    with pytest.raises(BenchError, match="unknown method 'nope'"):
        verify_command(tmp_path / "out", dataset="tno", data_root=data, methods=["nope"])


def test_published_tno_images_are_found_and_agree(shared: Path, cache: Path) -> None:
    outcome = verify_command(
        shared / "reference" / "tno_published", dataset="tno", methods=["sdnet"], data_root=shared / "data",
        weights_root=shared / "weights" / "published", limit=2,
    )  # fmt: skip
    assert outcome.problems == []
    (row,) = outcome.rows
    assert (row["method"], row["published as"], row["pairs"]) == ("sdnet", "SDNet", 2)
    assert row["max difference"] <= 1
