"""Which files make a pair: sources and fused images alike, in every command."""

from __future__ import annotations

import itertools
import re
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import bench
from PIL import Image

from bench.data.folders import list_folders
from bench.data.names import PAIR, Place
from bench.errors import BenchError
from bench.fusion.ready import find_ready, find_ready_parts

LEVEL = itertools.count(30)


def put(folder: Path, *names: str, level: int | None = None) -> Path:
    """Small constant images, each of another level unless one is given."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if Path(name).suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"):
            grey = next(LEVEL) % 200 if level is None else level
            Image.fromarray(np.full((12, 16), grey, np.uint8)).save(path)
        else:
            path.write_bytes(b"x")
    return folder


# ------------------------------------------------------------------ two sides

SIDES = {
    "equal names": (["1.png", "2.png"], ["1.png", "2.png"], ["1", "2"]),
    "other endings": (["1.png", "2.JPG", "3.bmp"], ["1.tif", "2.jpeg", "3.PNG"], ["1", "2", "3"]),
    "other case": (["B.png", "c.png"], ["b.png", "C.png"], ["C", "b"]),
    "both kinds of accents": (
        [unicodedata.normalize("NFC", "möwe.png")], [unicodedata.normalize("NFD", "möwe.png")],
        [unicodedata.normalize("NFD", "möwe")],
    ),
    "a word behind": (["001_ir.png", "002_ir.png"], ["001_vis.png", "002_vis.png"], ["001", "002"]),
    "a word before": (["IR1.png", "IR10.png"], ["VIS1.png", "VIS10.png"], ["1", "10"]),
    "other words": (["a-thermal.png", "b-thermal.png"], ["a-rgb.png", "b-rgb.png"], ["a", "b"]),
    "a letter": (["00001i.png", "00002i.png"], ["00001v.png", "00002v.png"], ["00001", "00002"]),
    "FLIR's words": (["FLIR_07_PreviewData.jpeg"], ["FLIR_07_RGB.jpg"], ["FLIR_07"]),
    "one side plain": (["1.png", "2.png"], ["1_rgb.png", "2_rgb.png"], ["1", "2"]),
    "nested": (["day/1.png", "night/1.png"], ["day/1.png", "night/1.png"], ["day_1", "night_1"]),
    "folders of words": (["set0/lwir/I1.png"], ["set0/visible/I1.png"], ["set0_I1"]),
    "junk": (["1.png", "._1.png", "Thumbs.db", "desktop.ini", "__MACOSX/1.png"], ["1.png", ".DS_Store"], ["1"]),
}  # fmt: skip


@pytest.mark.parametrize(("ir", "vis", "wanted"), SIDES.values(), ids=SIDES)
def test_pairs_are_found_by_their_names(tmp_path: Path, ir: list[str], vis: list[str], wanted: list[str]) -> None:
    listing = list_folders(put(tmp_path / "x", *ir), put(tmp_path / "y", *vis))
    assert [files.id for files in listing.pairs] == wanted
    assert not [problem for problem in listing.problems if problem.fault]


@pytest.mark.parametrize(
    "files",
    [
        ["001_ir.png", "001_vis.png", "002_ir.png", "002_vis.png"],
        ["IR1.png", "VIS1.png", "IR2.png", "VIS2.png"],
        ["001/ir.png", "001/vis.png", "002/ir.png", "002/vis.png"],
        ["thermal/1.png", "visible/1.png", "thermal/2.png", "visible/2.png"],
        ["s1/lwir/a.png", "s1/rgb/a.png", "s2/lwir/a.png", "s2/rgb/a.png"],
    ],
    ids=["behind", "before", "folder of a pair", "folder of a side", "folders within"],
)
def test_both_sides_in_one_folder_are_told_apart(tmp_path: Path, files: list[str]) -> None:
    put(tmp_path / "all", *files)
    listing = list_folders(tmp_path / "all", tmp_path / "all")
    assert len(listing.pairs) == 2
    for pair in listing.pairs:
        assert any(word in str(pair.ir_path).lower() for word in ("ir", "thermal"))
        assert any(word in str(pair.vis_path).lower() for word in ("vis", "rgb"))
    assert not [problem for problem in listing.problems if problem.fault]


@pytest.mark.parametrize(
    ("ir", "vis"),
    [
        ("{pair}_left", "{pair}_right"),
        ("{pair}_left.png", "{pair}_right.png"),
        ("{pair}_LEFT.*", "{pair}_Right"),
        ("{pair}_l*", "{pair}_r*"),
        ("*/{pair}_left", "*/{pair}_right"),
    ],
)
def test_patterns_can_be_given(tmp_path: Path, ir: str, vis: str) -> None:
    names = ["1_left.png", "1_right.png", "22_left.png", "22_right.png", "mask.png"]
    put(tmp_path / "all", *(f"deep/{name}" if "/" in ir else name for name in names))
    listing = list_folders(tmp_path / "all" / ir, tmp_path / "all" / vis)
    assert [files.id for files in listing.pairs] == ["1", "22"]
    with pytest.raises(BenchError, match="no usable pair"):
        list_folders(tmp_path / "all", tmp_path / "all")


NAMED = {
    "twins by ending": (["a.png", "a.jpg", "b.png"], ["a.png", "b.png"], "2 files are of the name 'a' (a.jpg, a.png)"),
    "twins by case": (["A.png", "a.png", "b.png"], ["a.png", "b.png"], "2 files are of the name 'A' (A.png, a.png)"),
    "twins on the other side": (["a.png", "b.png"], ["a.png", "a.tif", "b.png"], "2 files are of the name 'a'"),
    "twins in folders": (["d/a.png", "d_/a.png", "b.png"], ["b.png"], "subfolders d, d_ hold images too"),
    "no infrared": (["b.png"], ["a.png", "b.png"], "a: has no infrared image"),
    "no visible": (["a.png", "b.png"], ["b.png"], "a: has no visible image"),
    "a stranger": (["b_ir.png", "logo.png"], ["b_vis.png"], "1 files are of neither side and are left out: logo.png"),
    "of another kind": (["a.gif", "b.png"], ["b.png"], "1 pictures of kinds that are not read here: a.gif"),
    "of another kind on one side": (["a.jp2", "b.png"], ["a.png", "b.png"], "a.jp2 is of a kind that is not read"),
    "of another kind on both": (["a.avif", "b.png"], ["A.heic", "b.png"], "a.avif is of a kind that is not read"),
    "a link to nothing": (["b.png", "a.png -> "], ["b.png", "a.png"], "a.png, which does not exist"),
}


@pytest.mark.parametrize(("ir", "vis", "text"), NAMED.values(), ids=NAMED)
def test_nothing_is_dropped_silently(tmp_path: Path, ir: list[str], vis: list[str], text: str) -> None:
    """The rest is fused and scored, what was left out is named, and the exit code tells."""
    for link in [name for name in ir if name.endswith("-> ")]:
        ir = [name for name in ir if name != link]
        (tmp_path / "x").mkdir()
        (tmp_path / "x" / link.removesuffix(" -> ")).symlink_to(tmp_path / "gone" / "a.png")
    sides = "--ir", put(tmp_path / "x", *ir), "--vis", put(tmp_path / "y", *vis)
    fused = bench("fuse", "--method", "average", *sides, "--out", tmp_path / "f", "--device", "cpu")
    assert text in fused.output
    assert [path.name for path in (tmp_path / "f").iterdir()] == ["b.png"]
    scored = bench("score", "--fused", tmp_path / "f", *sides, "--out", tmp_path / "s.csv", "--metrics", "EN")
    assert text in scored.output
    assert set(pd.read_csv(tmp_path / "s.csv")["pair"]) == {"b"}
    a_remark = "note: " in fused.output and "bench: " not in fused.output
    assert (fused.exit_code, scored.exit_code) == ((0, 0) if a_remark else (1, 1))
    assert a_remark == any(word in text for word in ("subfolders", "a.gif"))


def test_names_that_can_be_paired_in_two_ways_are_asked_about(tmp_path: Path) -> None:
    put(tmp_path / "x", "1_ir.png", "2_thermal.png")
    put(tmp_path / "y", "1_vis.png", "2_rgb.png")
    with pytest.raises(BenchError, match=r"can be paired as .*"):
        list_folders(tmp_path / "x", tmp_path / "y")


# ------------------------------------------------------------------ fused images

FUSED = {
    "as they are": ["01.png", "02.jpg", "10.BMP"],
    "a word behind": ["01_fused.png", "02_fused.png", "10_fused.png"],
    "a word before": ["fused01.png", "fused02.png", "fused10.png"],
    "the method's name": ["U2Fusion-01.png", "U2Fusion-02.png", "U2Fusion-10.png"],
    "nested": ["out/01.png", "out/02.png", "out/10.png"],
    "words on both sides": ["result_01_v2.png", "result_02_v2.png", "result_10_v2.png"],
    "junk": ["01.png", "02.png", "10.png", "._01.png", "Thumbs.db", ".DS_Store", "desktop.ini"],
}


@pytest.mark.parametrize("files", FUSED.values(), ids=FUSED)
def test_fused_images_are_found_by_their_names(tmp_path: Path, files: list[str]) -> None:
    ready = find_ready(put(tmp_path / "f", *files), ["01", "02", "10"])
    assert {pair: pair in path.stem for pair, path in ready.files.items()} == dict.fromkeys(("01", "02", "10"), True)
    assert not ready.problems


@pytest.mark.parametrize(
    ("place", "wanted"),
    [("{pair}_a", "1_a"), ("{pair}_b.png", "1_b"), ("*_b/{pair}", "x_b/1"), ("x_b/{pair}", "x_b/1")],
)
def test_fused_patterns_can_be_given(tmp_path: Path, place: str, wanted: str) -> None:
    put(tmp_path / "f", "1_a.png", "1_b.png", "x_b/1.png")
    found = find_ready(tmp_path / "f" / place, ["1"]).files["1"]
    assert found == tmp_path / "f" / f"{wanted}.png"


@pytest.mark.parametrize(
    ("files", "text"),
    [
        (["1.png", "1.jpg", "2.png"], "2 files are of the name '1'"),
        (["a.png", "A.png", "1.png"], "2 files are of the name 'A'"),
        (["1.png", "2.png", "3.png"], "1 files belong to no pair and are not used: 3.png"),
        (["1.png"], "holds no image named 2"),
        (["1.png", "2.gif"], "2.gif is of a kind that is not read here"),
        (["1.png", "2.png", "3.exr"], "1 pictures of kinds that are not read here: 3.exr"),
    ],
)
def test_fused_files_that_fit_no_pair_are_named(tmp_path: Path, files: list[str], text: str) -> None:
    ready = find_ready(put(tmp_path / "f", *files), ["1", "2"])
    assert text in " ".join(problem.text for problem in ready.problems)


def test_two_readings_are_asked_about(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"can be read as .*_a\{?.* say which"):
        find_ready(put(tmp_path / "f", "1_a.png", "1_b.png"), ["1"])


def test_parts_that_share_a_name_do_not_share_an_image(tmp_path: Path) -> None:
    parts = {"test": ["1", "2"], "train": ["1", "3"]}
    put(tmp_path / "f", "1.png", "2.png", "3.png")
    found = find_ready_parts(tmp_path / "f", "own", parts)
    assert set(found["test"].files) == {"1", "2"}
    assert not found["train"].files
    assert "its name is also that of a pair of test" in found["train"].problems[0].text
    put(tmp_path / "f", "own@train/1.png", "own@train/3.png")
    assert set(find_ready_parts(tmp_path / "f", "own", parts)["train"].files) == {"1", "3"}


# ------------------------------------------------------------------ the commands


def test_the_twin_that_a_folder_happens_to_list_first_is_not_scored(tmp_path: Path) -> None:
    """`a.png` is the fused image and `a.jpg` something else: which of them is meant nobody can know."""
    ir, vis = put(tmp_path / "x", "a.png", "b.png", level=40), put(tmp_path / "y", "a.png", "b.png", level=50)
    fused = put(put(tmp_path / "f", "a.png", "b.png", level=45), "a.jpg", level=255)
    ran = bench("run", "--ir", ir, "--vis", vis, "--methods", f"mine={fused}", "--metrics", "MSE", "--tasks", "metrics",
                "--out", tmp_path / "run", "--device", "cpu", "--executor", "inline")  # fmt: skip
    assert ran.exit_code == 1, ran.output
    assert "2 files are of the name 'a'" in ran.output
    table = pd.read_csv(tmp_path / "run" / "scores.csv")
    assert set(table.loc[table["status"] == "ok", "pair"]) == {"b"}


@pytest.mark.parametrize(
    ("out", "written"),
    [
        ("one", "one.png"),
        ("one.png", "one.png"),
        ("one.BMP", "one.BMP"),
        ("one.tif", "one.tif"),
        ("d/", "d/1.png"),
    ],
)
def test_fuse_says_what_it_wrote(tmp_path: Path, out: str, written: str) -> None:
    ir, vis = put(tmp_path / "x", "1.png") / "1.png", put(tmp_path / "y", "1.png") / "1.png"
    (tmp_path / "d").mkdir()
    done = bench(
        "fuse", "--method", "average", "--ir", ir, "--vis", vis, "--out", f"{tmp_path}/{out}", "--device", "cpu"
    )
    assert done.exit_code == 0, done.output
    assert f"fused: {tmp_path / written}" in done.output
    with Image.open(tmp_path / written) as image:
        assert image.format == {"png": "PNG", "BMP": "BMP", "tif": "TIFF"}[written.rpartition(".")[2]]


def test_fuse_writes_no_file_that_loses_pixels(tmp_path: Path) -> None:
    ir, vis = put(tmp_path / "x", "1.png") / "1.png", put(tmp_path / "y", "1.png") / "1.png"
    done = bench(
        "fuse", "--method", "average", "--ir", ir, "--vis", vis, "--out", tmp_path / "one.jpg", "--device", "cpu"
    )
    assert isinstance(done.exception, BenchError)
    assert "wanted one that keeps every pixel" in str(done.exception)


@pytest.mark.parametrize("out", ["all.png", "all.jpg", "all.TIFF"])
def test_two_folders_are_not_fused_into_a_folder_that_looks_like_a_file(tmp_path: Path, out: str) -> None:
    sides = "--ir", put(tmp_path / "x", "1.png"), "--vis", put(tmp_path / "y", "1.png")
    done = bench("fuse", "--method", "average", *sides, "--out", tmp_path / out, "--device", "cpu")
    assert "wanted a folder, as --ir and --vis are" in str(done.exception)


@pytest.mark.parametrize(
    ("typed", "meant"), [("ir/*.png", "ir/{pair}.png"), ("{name}_ir", "{pair}_ir"), ("a/b/{}_x", "a/b/{pair}_x")]
)
def test_a_pattern_without_the_pairs_name_is_refused_with_one_that_has_it(typed: str, meant: str) -> None:
    with pytest.raises(BenchError, match=re.escape(f"has no {PAIR}") + ".*" + re.escape(f"e.g. {meant}")):
        Place.of(typed)


def test_the_place_of_a_zoo_is_no_pattern_of_pairs() -> None:
    assert Place.of("zoo/{dataset}/mine").folder == Path("zoo/{dataset}/mine")


def test_a_folder_that_is_called_like_a_pattern_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a*b").mkdir()
    assert Place.of(tmp_path / "a*b").folder == tmp_path / "a*b"
