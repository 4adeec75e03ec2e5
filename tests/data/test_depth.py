"""Infrared of more than 8 bits: refused until a mapping is chosen, and then mapped alike for all methods."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command import bench
from PIL import Image

from bench.data.depth import map_levels, resolve
from bench.data.folders import list_folders, open_folders
from bench.data.pairs import pair_digest, read_pair
from bench.errors import BenchError
from bench.images import read_levels

LEVELS = np.random.default_rng(3).integers(100, 16000, (24, 32)).astype(np.uint16)


def write(path: Path, levels: np.ndarray, kind: str = "png") -> Path:
    """Writes 16-bit levels: grey PNG, TIFF or PGM, or a PNG of three equal channels."""
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    path = path.with_suffix({"rgb": ".png", "big": ".tif"}.get(kind, f".{kind}"))
    if kind in ("png", "tif", "pgm"):
        assert cv2.imwrite(str(path), levels)
    elif kind == "rgb":
        assert cv2.imwrite(str(path), np.repeat(levels[..., None], 3, axis=2))
    else:
        Image.fromarray(levels.astype(">u2")).save(path)
    return path


def folders(root: Path, kind: str = "png", count: int = 3) -> tuple[Path, Path]:
    for number in range(count):
        write(root / "ir" / str(number), LEVELS // (number + 1), kind)
        vis = root / "vis" / f"{number}.png"
        vis.parent.mkdir(exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(vis)
    return root / "ir", root / "vis"


@pytest.mark.parametrize("kind", ["png", "tif", "pgm", "rgb", "big"])
def test_levels_are_read_as_stored(tmp_path: Path, kind: str) -> None:
    levels, bits = read_levels(write(tmp_path / "a", LEVELS, kind))
    np.testing.assert_array_equal(levels, LEVELS)
    assert (levels.dtype, bits) == (np.uint16, 16)


def expected(low: float, high: float) -> np.ndarray:
    return np.floor(np.clip((LEVELS.astype(float) - low) * 255 / (high - low), 0, 255) + 0.5).astype(np.uint8)


MAPPINGS = {
    "full": (0, 65535),
    "full:14": (0, 16383),
    "percentile": tuple(np.percentile(LEVELS, (1, 99))),
    "percentile:5,90.5": tuple(np.percentile(LEVELS, (5, 90.5))),
    "levels:1000,9000": (1000, 9000),
}


@pytest.mark.parametrize("word", MAPPINGS)
def test_a_mapping_is_what_it_says(word: str) -> None:
    mapped = map_levels(LEVELS, 16, word, "a.png")
    low, high = MAPPINGS[word]
    np.testing.assert_array_equal(mapped, expected(low, high))
    assert mapped.dtype == np.uint8


@pytest.mark.parametrize("bits", range(10, 17))
def test_the_full_range_takes_the_bits_that_are_said(bits: int) -> None:
    top = (1 << bits) - 1
    levels = np.array([[0, top // 2, top]], np.uint16)
    assert map_levels(levels, 16, f"full:{bits}", "a").tolist() == [[0, 127, 255]]
    assert map_levels(levels, bits, "full", "a").tolist() == [[0, 127, 255]]
    if bits < 16:
        with pytest.raises(BenchError, match=f"level {top + 1}, wanted at most {top}"):
            map_levels(levels + 1, 16, f"full:{bits}", "a")


def test_a_constant_image_is_black() -> None:
    assert not map_levels(np.full((4, 4), 7000, np.uint16), 16, "percentile", "a").any()


@pytest.mark.parametrize(
    "word",
    ["half", "full:8", "full:17", "full:x", "percentile:9", "percentile:90,10", "set:0,101", "levels", "levels:5,5"],
)
def test_what_is_no_mapping_is_refused(tmp_path: Path, word: str) -> None:
    with pytest.raises(BenchError, match=r"--ir-range is .*, wanted full"):
        open_folders(*folders(tmp_path), ir_range=word)


def test_without_a_mapping_it_is_refused_and_the_option_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"16-bit image .*choose a mapping with --ir-range"):
        list_folders(*folders(tmp_path))


@pytest.mark.parametrize("kind", ["png", "tif"])
def test_pairs_are_listed_and_read_by_the_mapping(tmp_path: Path, kind: str) -> None:
    listing = list_folders(*folders(tmp_path, kind), "full:14")
    assert [files.ir_range for files in listing.pairs] == ["full:14"] * 3
    np.testing.assert_array_equal(read_pair(listing.pairs[0]).ir, expected(0, 16383))
    said = [problem for problem in listing.problems if "3 infrared images of 16 bits are mapped" in problem.text]
    assert [problem.fault for problem in said] == [False]
    other = list_folders(tmp_path / "ir", tmp_path / "vis", "percentile")
    assert pair_digest(other.pairs[0]) != pair_digest(listing.pairs[0])


def test_the_range_of_the_set_is_that_of_all_its_images_whatever_the_limit(tmp_path: Path) -> None:
    dataset = open_folders(*folders(tmp_path), ir_range="set")
    low, high = int((LEVELS // 3).min()), int(LEVELS.max())
    for limit in (1, None):
        assert dataset.listing(limit=limit).pairs[0].ir_range == f"levels:{low},{high}"
    every = np.sort(np.concatenate([LEVELS // number for number in (1, 2, 3)], axis=None))
    paths = sorted((tmp_path / "ir").iterdir())
    wanted = [every[int(np.ceil(len(every) * share)) - 1] for share in (0.02, 0.98)]
    assert resolve("set:2,98", paths) == f"levels:{wanted[0]},{wanted[1]}"


def test_eight_bits_stay_as_they_are(tmp_path: Path) -> None:
    ir, vis = folders(tmp_path, count=1)
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32), dtype=np.uint8)
    Image.fromarray(pixels).save(ir / "0.png")
    for word in ("percentile", "set", "full"):
        np.testing.assert_array_equal(read_pair(list_folders(ir, vis, word).pairs[0]).ir, pixels)


def test_deep_infrared_in_colour_and_deep_visible_images_are_refused(tmp_path: Path) -> None:
    import cv2

    ir, vis = folders(tmp_path, count=1)
    cv2.imwrite(str(ir / "0.png"), np.dstack([LEVELS, LEVELS, LEVELS + 1]))
    files = list_folders(ir, vis, "full").pairs[0]
    with pytest.raises(BenchError, match="infrared in colour"):
        read_pair(files)
    ir, vis = folders(tmp_path / "deep", count=1)
    write(vis / "0", LEVELS)
    with pytest.raises(BenchError, match="16-bit image"):
        list_folders(ir, vis, "full")


def test_a_run_maps_alike_for_all_and_records_it(tmp_path: Path) -> None:
    ir, vis = folders(tmp_path, count=2)
    common = ["--ir", ir, "--vis", vis, "--methods", "infrared,average", "--tasks", "metrics", "--metrics", "EN",
              "--executor", "inline", "--device", "cpu", "--out", tmp_path / "run"]  # fmt: skip
    assert "holds a usable pair" in str(bench("run", *common).exception)
    done = bench("run", *common, "--ir-range", "full:14")
    assert done.exit_code == 0, done.output
    manifest = json.loads((tmp_path / "run/manifest.json").read_text())
    assert manifest["config"]["ir_range"] == manifest["datasets"]["folder"]["ir_range"] == "full:14"
    sources = manifest["datasets"]["folder"]["parts"]["test"]["sources"]
    assert {facts["ir_range"] for facts in sources.values()} == {"full:14"}
    fused = np.asarray(Image.open(tmp_path / "run/fused/folder/infrared/0.png"))
    np.testing.assert_array_equal(fused[..., 0] if fused.ndim == 3 else fused, expected(0, 16383))
    assert "mapped to 8" in done.output
    other = bench("run", *common, "--ir-range", "percentile")
    assert "was made with --ir-range full:14" in str(other.exception)


@pytest.mark.parametrize("command", ["score", "fuse"])
def test_other_commands_take_the_mapping_too(tmp_path: Path, command: str) -> None:
    ir, vis = folders(tmp_path, count=2)
    extra = {
        "fuse": ["--method", "average", "--out", tmp_path / "out"],
        "score": ["--fused", vis, "--out", tmp_path / "x.csv"],
    }
    assert bench(command, "--ir", ir, "--vis", vis, *extra[command]).exception
    done = bench(command, "--ir", ir, "--vis", vis, *extra[command], "--ir-range", "percentile")
    assert done.exit_code == 0, done.output


def test_a_pack_is_verified_by_the_mapping_of_its_run(tmp_path: Path) -> None:
    folders(tmp_path / "Own", count=2)
    file = tmp_path / "own.yaml"
    parts = {"test": {"ir": "ir", "vis": "vis"}}
    file.write_text(json.dumps({"datasets": {"own": {"layouts": [{"folder": "Own", "parts": parts}]}}}))
    known = ["--data-root", tmp_path, "--datasets-file", file]
    chosen = ["--datasets", "own", *known, "--methods", "average", "--tasks", "metrics", "--metrics", "EN"]
    done = bench("run", *chosen, "--executor", "inline", "--out", tmp_path / "run", "--ir-range", "full:14")
    assert done.exit_code == 0, done.output
    assert bench("pack", tmp_path / "run", "--out", tmp_path / "a.zip", "--images", "2").exit_code == 0
    verified = bench("verify", tmp_path / "a.zip", *known)
    assert verified.exit_code == 0, verified.output
