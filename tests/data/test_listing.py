"""Data sets on disk: every layout is found, every broken pair is named, nothing outside the root is read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data.catalogue import Dataset, open_dataset, seen_in_training
from bench.data.demo import DemoSpec
from bench.data.listing import Listing, natural
from bench.data.pairs import read_pair
from bench.data.spec import Split
from bench.errors import BenchError


def ids(listing: Listing) -> list[str]:
    return [files.id for files in listing.pairs]


def problem(listing: Listing, where: str) -> str:
    """The one problem of a place."""
    texts = [found.text for found in listing.problems if found.where.endswith(where)]
    assert len(texts) == 1, listing.problems
    return texts[0]


def faults(listing: Listing) -> list[str]:
    return [found.where for found in listing.problems if found.fault]


def listing_of(data: Path, selection: str = "tno") -> Listing:
    return open_dataset(selection, data).listing()


# ------------------------------------------------------------------ what is found


@pytest.mark.parametrize(
    ("selection", "wanted", "listed"),
    [
        ("mfnet", ["00004N", "00055D", "00081D"], 361),
        ("mfnet:test", ["00004N", "00055D", "00081D"], 361),
        ("mfnet:train", ["00001D", "00003N"], 1083),
        ("mfnet:day", ["00055D", "00081D"], 179),
        ("mfnet:night", ["00004N"], 182),
        ("mfnet:detection", ["2", "131", "583"], 80),
        ("mfnet:detection_train", ["2"], 48),
        ("mfnet:detection_test", ["131"], 23),
        ("mfnet:detection_unlisted", ["583"], 9),
        ("tno", ["01", "03", "05"], 42),
        ("tno:cddfuse25", ["01", "03"], 25),
        ("roadscene", ["FLIR_00006", "FLIR_00122"], 221),
        ("roadscene:superfusion20", ["FLIR_00122"], 20),
        ("vifb", ["carLight", "peopleshadow"], 21),
    ],
)
def test_every_selection_lists_its_pairs(root: Path, selection: str, wanted: list[str], listed: int) -> None:
    listing = listing_of(root, selection)
    assert ids(listing) == wanted
    assert (listing.listed, listing.found) == (listed, len(wanted))
    absent = problem(listing, listing.pairs[0].split)
    assert absent.startswith(f"{listed - len(wanted)} of the {listed} listed pairs are not there")
    assert not any(found.fault for found in listing.problems)  # a part of a published list is no fault


def test_truth_and_tags_are_filled(root: Path) -> None:
    test, detection = (open_dataset("mfnet", root).listing(split).pairs[0] for split in ("test", "detection"))
    assert test.label_path == root / "MSRS/test/Segmentation_labels/00004N.png"
    assert (test.boxes_path, test.tags, test.split) == (None, ("night",), "test")
    assert detection.boxes_path == root / "MSRS/detection/labels/2.txt"
    assert (detection.label_path, detection.tags) == (None, ("detection_train",))


def test_a_missing_label_leaves_the_pair(root: Path) -> None:
    (root / "MSRS/test/Segmentation_labels/00004N.png").unlink()
    assert listing_of(root, "mfnet").pairs[0].label_path is None


def test_limit_takes_the_first_good_pairs(root: Path) -> None:
    (root / "TNO/ir/01.png").write_bytes(b"broken")
    listing = open_dataset("tno", root).listing(limit=1)
    assert ids(listing) == ["03"]
    assert (listing.listed, listing.found) == (42, 3)
    assert not open_dataset("tno", root).listing(limit=0).pairs


def test_another_split_drops_the_subset(root: Path) -> None:
    assert ids(open_dataset("mfnet:day", root).listing("train")) == ["00001D", "00003N"]


def test_names_sort_as_numbers() -> None:
    names = ["131", "2", "FLIR_video_00001", "FLIR_00010", "FLIR_9", "00004N", "a"]
    assert sorted(names, key=natural) == ["2", "00004N", "131", "FLIR_9", "FLIR_00010", "FLIR_video_00001", "a"]


def test_pairs_are_read_as_stored(root: Path) -> None:
    pair = read_pair(listing_of(root, "mfnet").pairs[0])
    assert (pair.ir.shape, pair.vis.shape, pair.ir.dtype) == ((12, 16), (12, 16, 3), np.uint8)
    assert not pair.ir.flags.writeable


# ------------------------------------------------------------------ the four-channel release


def test_four_channel_files_are_taken_apart(four_channel_root: Path) -> None:
    dataset = open_dataset("mfnet", four_channel_root)
    listing = dataset.listing()
    assert ids(listing) == ["00004N", "00055D"]  # 00069D is of neither split of the 1083/361 release
    stored = np.asarray(Image.open(four_channel_root / "ir_seg_dataset/images/00004N.png"))
    pair = read_pair(listing.pairs[0])
    np.testing.assert_array_equal(pair.vis, stored[..., :3])
    np.testing.assert_array_equal(pair.ir, stored[..., 3])
    assert listing.pairs[0].label_path == four_channel_root / "ir_seg_dataset/labels/00004N.png"


def test_original_lists_are_read_from_their_files(four_channel_root: Path) -> None:
    assert ids(listing_of(four_channel_root, "mfnet:original_test")) == ["00004N", "00069D"]
    listing = listing_of(four_channel_root, "mfnet:original_train")
    assert (ids(listing), listing.listed) == (["00001D"], 2)


def test_three_channels_are_not_four(four_channel_root: Path, image: object) -> None:
    Image.new("RGB", (16, 12)).save(four_channel_root / "ir_seg_dataset/images/00004N.png")
    assert "wanted four 8-bit channels" in problem(listing_of(four_channel_root, "mfnet"), "00004N")


def test_a_layout_without_the_split_says_so(four_channel_root: Path, root: Path) -> None:
    with pytest.raises(BenchError, match="has no detection split"):
        open_dataset("mfnet:detection", four_channel_root)
    with pytest.raises(BenchError, match="has no list of subset 'original_test'"):
        open_dataset("mfnet:original_test", root)
    with pytest.raises(BenchError, match="split 'detection' is not in the layout"):
        open_dataset("mfnet", four_channel_root).listing("detection")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"../../../etc/passwd\n00004N\n", "wanted a printable pair name without separators"),
        (b".hidden\n00004N\n", "leading dot"),
        (b"a\x07b\n00004N\n", "printable"),
    ],
)
def test_names_in_lists_stay_in_their_folder(four_channel_root: Path, content: bytes, message: str) -> None:
    (four_channel_root / "ir_seg_dataset/test.txt").write_bytes(content)
    listing = listing_of(four_channel_root, "mfnet:original_test")
    assert ids(listing) == ["00004N"]
    assert message in problem(listing, "test.txt, entry 1")


def test_a_list_that_is_no_text_is_refused(four_channel_root: Path) -> None:
    (four_channel_root / "ir_seg_dataset/test.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BenchError, match="not readable as a list of pair names"):
        listing_of(four_channel_root, "mfnet:original_test")


# ------------------------------------------------------------------ broken pairs


@pytest.mark.parametrize(("folder", "missing"), [("ir", "infrared"), ("vi", "visible")])
def test_missing_partner_is_named(root: Path, folder: str, missing: str) -> None:
    (root / "TNO" / folder / "03.png").unlink()
    listing = listing_of(root)
    assert ids(listing) == ["01", "05"]
    assert faults(listing) == ["tno test 03"]
    assert problem(listing, "tno test 03").startswith(f"has no {missing} image in {root / 'TNO' / folder}")


def test_unequal_size_is_named(root: Path, image: object) -> None:
    Image.new("L", (16, 13)).save(root / "TNO/vi/03.png")
    listing = listing_of(root)
    assert ids(listing) == ["01", "05"]
    assert "infrared is 16x12, visible 16x13, wanted the same size" in problem(listing, "03")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file; fetch it again"),
        (b"this is text", "not a readable image"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "not a readable image"),
        (Image.new("I;16", (16, 12)), "16-bit image (mode I;16), wanted at most 8 bits a channel"),
        (Image.new("RGBA", (16, 12)), "image with an alpha channel (mode RGBA)"),
        (Image.new("LA", (16, 12)), "image with an alpha channel (mode LA)"),
    ],
    ids=["empty", "text", "header", "16-bit", "alpha", "grey-alpha"],
)
def test_unusable_files_are_named(root: Path, content: bytes | Image.Image, message: str) -> None:
    path = root / "TNO/ir/03.png"
    content.save(path) if isinstance(content, Image.Image) else path.write_bytes(content)
    listing = listing_of(root)
    assert ids(listing) == ["01", "05"]
    assert message in problem(listing, "03")
    assert str(path) in problem(listing, "03")


def test_a_truncated_file_is_refused_when_read(root: Path, image: object) -> None:
    path = root / "TNO/ir/03.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (120, 160), dtype=np.uint8)).save(path)
    Image.new("L", (160, 120)).save(root / "TNO/vi/03.png")
    path.write_bytes(path.read_bytes()[:-2000])
    files = next(files for files in listing_of(root).pairs if files.id == "03")
    with pytest.raises(BenchError, match=r"03\.png: not a readable image"):
        read_pair(files)


def test_sizes_are_checked_again_when_read(root: Path) -> None:
    files = listing_of(root).pairs[0]
    Image.new("L", (4, 4)).save(files.vis_path)
    with pytest.raises(BenchError, match="infrared is 16x12, visible 4x4"):
        read_pair(files)


def test_files_off_the_list_are_left_out(root: Path) -> None:
    for folder in ("ir", "vi"):
        Image.new("L", (16, 12)).save(root / "TNO" / folder / "99.png")
    listing = listing_of(root)
    assert "99" not in ids(listing)
    assert any(found.text.startswith("1 files are not on the list of the test split") for found in listing.problems)


def test_two_files_of_one_name_are_named(root: Path) -> None:
    Image.new("L", (16, 12)).save(root / "TNO/ir/03.bmp")
    listing = listing_of(root)
    assert ids(listing) == ["01", "05"]
    assert problem(listing, "TNO/ir") == "2 files are of the name '03' (03.bmp, 03.png), none is taken; keep one"


def test_hidden_files_are_nothing(root: Path) -> None:
    (root / "TNO/ir/._01.png").write_bytes(b"resource fork")
    (root / "TNO/ir/Thumbs.db").write_bytes(b"")
    assert len(listing_of(root).problems) == 1  # the absent pairs


@pytest.mark.parametrize("name", ["a\nb.png", "a\x1b[31m.png", "a\udcff.png"])
def test_names_that_no_table_can_hold_are_refused(root: Path, name: str) -> None:
    (root / "TNO/ir" / name).write_bytes((root / "TNO/ir/01.png").read_bytes())
    listing = listing_of(root)
    found = [entry for entry in listing.problems if "rename the file" in entry.text]
    assert len(found) == 1
    assert found[0].where.isprintable()
    assert found[0].text.isprintable()


# ------------------------------------------------------------------ links are the user's own


LINKED = {
    "the data root": ".",
    "the data set": "TNO",
    "one side": "TNO/vi",
    "a single image": "TNO/ir/03.png",
    "labels": "MSRS/test/Segmentation_labels",
    "a single label": "MSRS/test/Segmentation_labels/00004N.png",
    "a part": "MSRS/test",
}


@pytest.mark.parametrize("place", LINKED.values(), ids=LINKED)
def test_links_that_the_user_placed_are_followed(root: Path, tmp_path: Path, place: str) -> None:
    target = root if place == "." else root / place
    elsewhere = tmp_path / "other disk" / target.name
    elsewhere.parent.mkdir()
    target.rename(elsewhere)
    target.symlink_to(elsewhere)
    assert ids(listing_of(root)) == ["01", "03", "05"]
    labelled = listing_of(root, "mfnet")
    assert ids(labelled) == ["00004N", "00055D", "00081D"]
    assert all(files.label_path for files in labelled.pairs)
    assert not faults(listing_of(root)) + faults(labelled)
    read_pair(labelled.pairs[0])


def test_a_linked_list_is_read(four_channel_root: Path, tmp_path: Path) -> None:
    path = four_channel_root / "ir_seg_dataset/test.txt"
    path.rename(tmp_path / "elsewhere.txt")
    path.symlink_to(tmp_path / "elsewhere.txt")
    assert ids(listing_of(four_channel_root, "mfnet:original_test")) == ["00004N", "00069D"]


def test_a_folder_that_leads_into_itself_is_named(root: Path) -> None:
    shutil.move(root / "RoadScene/cropinfrared", root / "inner")
    (root / "RoadScene/cropinfrared").mkdir()
    shutil.move(root / "inner", root / "RoadScene/cropinfrared/inner")
    (root / "RoadScene/cropinfrared/again").symlink_to(root / "RoadScene/cropinfrared")
    listing = listing_of(root, "roadscene")
    assert problem(listing, "again") == "is a link that leads in a circle; remove it"


BROKEN = {
    "the data set": "TNO",
    "both sides": "TNO/ir TNO/vi",
    "one side": "TNO/vi",
    "another part": "MSRS/train",
    "one side of another part": "MSRS/train/vi",
    "labels": "MSRS/test/Segmentation_labels",
}


@pytest.mark.parametrize("places", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("circle", [False, True], ids=["to nothing", "in a circle"])
def test_folders_that_are_broken_links_are_named(root: Path, places: str, circle: bool) -> None:
    for place in places.split():
        shutil.rmtree(root / place, ignore_errors=True)
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).symlink_to(root / place if circle else root / "gone")
    name, split = ("tno", "test") if places.startswith("TNO") else ("mfnet", "train" if "train" in places else "test")
    words = "is a link that leads in a circle" if circle else "gone, which does not exist; mend or remove it"
    try:
        listing = open_dataset(name, root).listing(split)
        said = " ".join(f"{found.where}: {found.text}" for found in listing.problems if found.fault)
    except BenchError as error:
        said = str(error)
    assert f"{root / places.split()[0]}: " in said
    assert words in said


@pytest.mark.parametrize("kind", ["nothing", "loop", "pipe", "folder"])
def test_what_is_no_file_is_refused(root: Path, kind: str) -> None:
    path = root / "TNO/ir/03.png"
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(root / "TNO/ir" / ("03.png" if kind == "loop" else "nowhere.png"))
    listing = listing_of(root)
    assert ids(listing) == ["01", "05"]
    said = {"nothing": "nowhere.png, which does not exist", "loop": "in a circle", "pipe": "is not a file"}
    assert said.get(kind, "has no infrared image") in " ".join(found.text for found in listing.problems)


# ------------------------------------------------------------------ requests


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ("mfnt", "unknown data set 'mfnt'; did you mean mfnet"),
        ("../mfnet", "unknown data set"),
        ("mfnet:dya", "unknown split or subset 'dya'; did you mean day"),
        ("mfnet:", "unknown split or subset ''"),
        ("tno:train", "unknown split or subset 'train'; known: test, cddfuse25"),
    ],
)
def test_wrong_requests_suggest_what_is_meant(root: Path, selection: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        open_dataset(selection, root)


def test_an_absent_data_set_says_how_to_get_it(root: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BenchError, match=r"tno: no folder TNO or Evaluation.* with its images in .*; Clone https"):
        open_dataset("tno", tmp_path / "empty")
    with pytest.raises(BenchError, match=f"give its parent {root} as data root"):
        open_dataset("tno", root / "TNO")
    with pytest.raises(BenchError, match="is not a folder; give one with --data-root or BENCH_DATA"):
        open_dataset("tno", tmp_path / "nowhere")


def test_the_environment_names_the_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_DATA", str(root))
    assert open_dataset("tno").root == root / "TNO"


@pytest.mark.parametrize("stamp", ['{"version": 1}', "{}", "not JSON"])
def test_scenes_of_another_version_are_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stamp: str) -> None:
    tiny = DemoSpec(train=1, test=1, detection=1, width=96, height=72)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    monkeypatch.setattr("bench.data.demo.dataset.DemoSpec", lambda **sizes: DemoSpec(**sizes) if sizes else tiny)
    first = open_dataset("demo").root
    seen = first / "test" / "vi" / "00002D.png"
    wanted = seen.read_bytes()
    seen.write_bytes(b"of an older version")
    (first / "demo.json").write_text(stamp)
    assert open_dataset("demo").root == first
    assert seen.read_bytes() == wanted


def test_the_generated_data_set_goes_to_the_cache(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written into a folder of the user's, and what lies there already is taken."""
    made: list[Path] = []

    def small_demo(data: Path, seed: int = 0) -> Path:
        made.append(data)
        for folder in ("ir", "vi"):
            (data / "demo/test" / folder).mkdir(parents=True, exist_ok=True)
            Image.new("L", (16, 12)).save(data / "demo/test" / folder / "00001N.png")
        return data / "demo"

    monkeypatch.setattr("bench.data.demo.ensure_demo", small_demo)
    monkeypatch.delenv("BENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = sorted(root.rglob("*"))
    for _ in range(2):
        dataset = open_dataset("demo:night", root)
        assert dataset.root == tmp_path / "cache/ivif-bench/data/demo"
        assert ids(dataset.listing()) == ["00001N"]
    assert set(made) == {tmp_path / "cache/ivif-bench/data"}  # which looks whether its version lies there
    assert sorted(root.rglob("*")) == before
    small_demo(root)
    assert open_dataset("demo", root).root == root / "demo"


# ------------------------------------------------------------------ leaks


@pytest.mark.parametrize(
    ("selection", "split", "trained_on", "wanted"),
    [
        ("mfnet", None, ("mfnet",), 0),
        ("mfnet", "detection", ("mfnet",), 48),
        ("mfnet", "detection", ("tno",), 0),
        ("mfnet", "train", ("mfnet", "tno"), 1083),
        ("tno", None, ("mfnet",), 0),
    ],
)
def test_pairs_seen_in_training_are_counted(
    root: Path, selection: str, split: Split | None, trained_on: tuple[str, ...], wanted: int
) -> None:
    seen = seen_in_training(open_dataset(selection, root), trained_on, split)
    assert seen is not None
    assert len(seen) == wanted


def test_without_a_published_training_part_it_is_not_known(root: Path) -> None:
    assert seen_in_training(open_dataset("tno", root), ("tno",)) is None


def test_the_detection_pairs_of_the_training_split_are_its_scenes(root: Path) -> None:
    """The overlap is also what the numbers in the names say."""
    spec = open_dataset("mfnet", root).spec
    for subset, split in (("detection_train", "train"), ("detection_test", "test")):
        numbers = {int(name[:-1]) for name in spec.pairs[split]}
        assert {int(name) for name in spec.pairs["detection"]} & numbers == {
            int(name) for name in spec.subsets[subset].pairs
        }


# ------------------------------------------------------------------ real data


def test_real_data_sets_are_whole(shared: Path) -> None:
    counts = {name: len(listing_of(shared / "data", name).pairs) for name in ("mfnet", "tno", "roadscene", "vifb")}
    assert counts == {"mfnet": 51, "tno": 42, "roadscene": 221, "vifb": 21}
    dataset: Dataset = open_dataset("mfnet", shared / "data")
    assert len(dataset.listing("detection").pairs) == 16
    assert set(ids(dataset.listing("detection"))) <= set(dataset.spec.subsets["detection_test"].pairs)


def test_importing_is_light() -> None:
    heavy = "any(module in sys.modules for module in ('torch', 'pandas', 'cv2'))"
    code = f"import sys, bench.data.catalogue, bench.data.commands; sys.exit({heavy})"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("ending", [".npy", ".mat", ".gif", ".jp2", ".npz"])
def test_labels_of_a_kind_that_is_not_read_are_named(root: Path, ending: str) -> None:
    label = root / "MSRS/test/Segmentation_labels/00004N.png"
    label.rename(label.with_suffix(ending))
    listing = open_dataset("mfnet", root).listing()
    assert f"00004N{ending}; convert them" in problem(listing, "Segmentation_labels")
    assert [files.id for files in listing.pairs if files.label_path is None] == ["00004N"]
