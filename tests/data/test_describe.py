"""A stranger's folder is described so that every pair in it is listed, and what is a guess is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from bench.cli import app
from bench.data.catalogue import Datasets
from bench.data.describe import describe_folder
from bench.data.pairs import read_pair
from bench.data.spec import read_datasets
from bench.errors import BenchError

SIZE = (24, 32)
RED = {"ir": 40, "vis": 200}
"""What the first pixel shows tells whose image it is, whatever the file is called."""


def image(path: Path, side: str, seed: int = 0, grey: bool | None = None, size: tuple[int, int] = SIZE) -> None:
    """Writes an infrared (grey) or a visible (coloured, unless told) image that knows its side."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng([seed, len(side)])
    flat = side == "ir" if grey is None else grey
    pixels = random.integers(0, 256, size if flat else (*size, 3), dtype=np.uint8)
    pixels[:8, :8] = RED[side]
    if not flat:
        pixels[8:, :, 0] //= 2
    Image.fromarray(pixels).save(path, **({"quality": 95} if path.suffix.lower() in (".jpg", ".jpeg") else {}))


def both(ir: Path, vis: Path, count: int = 4, start: int = 1, **more: Any) -> None:
    """Fills two patterns of paths, ``{n}`` being the number."""
    for number in range(start, start + count):
        image(Path(str(ir).format(n=f"{number:03d}")), "ir", number, **({} if "size" not in more else more))
        image(Path(str(vis).format(n=f"{number:03d}")), "vis", number, **more)


def deep(path: Path, seed: int) -> None:
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    levels = np.random.default_rng(seed).integers(7000, 9000, SIZE).astype(np.uint16)
    levels[:8, :8] = 7000
    assert cv2.imwrite(str(path), levels)


def labels(path: Path, highest: int = 4) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = np.zeros(SIZE, np.uint8)
    ids[5:] = highest
    Image.fromarray(ids).save(path)


def voc(path: Path, *names: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    box = "<bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    path.write_text(f"<annotation>{''.join(f'<object><name>{n}</name>{box}</object>' for n in names)}</annotation>")


# ------------------------------------------------------------------ folders as people leave them


def numbered_in_one_folder(top: Path) -> None:
    """IR1.png and VIS1.png, side by side."""
    for number in range(1, 13):
        image(top / f"IR{number}.png", "ir", number)
        image(top / f"VIS{number}.png", "vis", number)


def suffixes_and_two_endings(top: Path) -> None:
    """Both sides in one folder with the words of FLIR, one JPEG, the other TIFF."""
    both(top / "images/FLIR_{n}_PreviewData.tiff", top / "images/FLIR_{n}_RGB.jpg")


def upper_case(top: Path) -> None:
    """Folders and endings in capitals, and what systems leave behind."""
    both(top / "THERMAL/IMG_{n}.PNG", top / "RGB/IMG_{n}.JPG")
    (top / "RGB/Thumbs.db").write_bytes(b"x")
    (top / "__MACOSX").mkdir()
    (top / "__MACOSX/._IMG_001.JPG").write_bytes(b"x")


def msrs_like(top: Path) -> None:
    """Train and test, with labels of ids and boxes in YOLO lines named by a classes.txt."""
    for part, start in (("train", 1), ("test", 50)):
        both(top / part / "ir/{n}D.png", top / part / "vi/{n}D.png", start=start)
        for number in range(start, start + 4):
            labels(top / part / "Segmentation_labels" / f"{number:03d}D.png")
            boxes = top / part / "labels" / f"{number:03d}D.txt"
            boxes.parent.mkdir(exist_ok=True)
            boxes.write_text("0 .5 .5 .2 .2\n1 .3 .3 .1 .1\n" if number % 2 else "")
    (top / "classes.txt").write_text("car\nperson\n")


def llvip_like(top: Path) -> None:
    """The side outside, the part inside, one folder of VOC XML for both."""
    for part, start in (("train", 1), ("test", 50)):
        both(top / "infrared" / part / "01{n}.jpg", top / "visible" / part / "01{n}.jpg", start=start)
        for number in range(start, start + 4):
            voc(top / "Annotations" / f"01{number:03d}.xml", "person", "Lamp")


def deep_infrared(top: Path) -> None:
    """16-bit infrared TIFF beside grey visible PNG."""
    for number in range(1, 5):
        deep(top / "lwir" / f"frame_{number:04d}.tif", number)
        image(top / "visual" / f"frame_{number:04d}.png", "vis", number, grey=True)


def nested_videos(top: Path) -> None:
    """KAIST: sets, videos, then the side."""
    for number, video in enumerate(("set00/V000", "set00/V001", "set06/V000")):
        both(top / "images" / video / "lwir/I{n}.jpg", top / "images" / video / "visible/I{n}.jpg", start=10 * number)


def four_channels(top: Path) -> None:
    """MFNet: colour and thermal in one file, lists beside them."""
    for number in range(1, 7):
        path = top / "images" / f"{number:05d}D.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (*SIZE, 4), dtype=np.uint8)
        pixels[:8, :8] = (RED["vis"],) * 3 + (RED["ir"],)
        Image.fromarray(pixels).save(path)
        labels(top / "labels" / f"{number:05d}D.png", 8)
    (top / "train.txt").write_text("00001D\n00002D\n00003D\n00004D\n")
    (top / "test.txt").write_text("00005D.png\r\n00006D.png\r\n")


def telling_nothing(top: Path) -> None:
    """Folders whose names say nothing: only colour tells."""
    both(top / "A/{n}.bmp", top / "B/{n}.bmp")


def joined_words(top: Path) -> None:
    """RoadScene: words written together, a second visible folder of another size, uncropped infrared."""
    both(top / "cropinfrared/FLIR_{n}.jpg", top / "crop_LR_visible/FLIR_{n}.jpg")
    for number in range(1, 5):
        image(top / "crop_HR_visible" / f"FLIR_{number:03d}.jpg", "vis", number, size=(48, 64))


def coco_file(top: Path) -> None:
    """Day and night beside each other, one COCO JSON for all."""
    both(top / "day/tir/{n}.png", top / "day/rgb/{n}.png")
    both(top / "night/tir/{n}.png", top / "night/rgb/{n}.png", start=50)
    names = [f"{number:03d}.png" for number in (*range(1, 5), *range(50, 54))]
    content = {
        "images": [{"id": at, "file_name": name} for at, name in enumerate(names)],
        "categories": [{"id": 1, "name": "Pedestrian"}, {"id": 2, "name": "rider"}],
        "annotations": [
            {"id": at, "image_id": at, "category_id": 1 + at % 2, "bbox": [2, 2, 5, 5]} for at in range(len(names))
        ],
    }
    (top / "annotations.json").write_text(json.dumps(content))


def letters_behind(top: Path) -> None:
    """001a and 001b: only colour tells which is which."""
    both(top / "{n}b.png", top / "{n}a.png")


def prefixes_of_two_folders(top: Path) -> None:
    """Names that share nothing but their number, in folders that say nothing."""
    both(top / "left/L{n}.png", top / "right/R{n}.png")


def a_folder_for_each_scene(top: Path) -> None:
    """Each scene has a folder, the side is the file's whole name."""
    both(top / "scene {n}/thermal.png", top / "scene {n}/visible.png")


def one_side_named(top: Path) -> None:
    """One folder says what it is, the other does not; fused results lie beside them."""
    both(top / "thermal/{n}.png", top / "images/{n}.png")
    both(top / "fused/x{n}.png", top / "fused/y{n}.png")


def drone(top: Path) -> None:
    """DJI: T for thermal, W for wide, in one folder, both in colour, the thermal one deep in the next."""
    for number in range(1, 5):
        image(top / f"DJI_20260101_{number:04d}_T.JPG", "ir", number, grey=False)
        image(top / f"DJI_20260101_{number:04d}_W.JPG", "vis", number)


def deep_in_one_folder(top: Path) -> None:
    """A 16-bit PNG beside a JPEG of the same scene."""
    for number in range(1, 5):
        deep(top / f"{number:03d}_thermal.png", number)
        image(top / f"{number:03d}_rgb.jpg", "vis", number)


def part_and_side_in_one_word(top: Path) -> None:
    """TrainIR, TrainVIS, TestIR, TestVIS."""
    both(top / "TrainIR/{n}.png", top / "TrainVIS/{n}.png")
    both(top / "TestIR/{n}.png", top / "TestVIS/{n}.png", count=2)


def colour_beside_a_letter(top: Path) -> None:
    """A letter and a word."""
    for number in range(1, 5):
        deep(top / "T" / f"{number:02d}.tiff", number)
        image(top / "colour" / f"{number:02d}.png", "vis", number)


def pictures_of_labels(top: Path) -> None:
    """FMB: labels twice, as ids and as pictures of the visible images' size."""
    for part in ("train", "test"):
        both(top / part / "Infrared/{n}.png", top / part / "Visible/{n}.png")
        for number in range(1, 5):
            labels(top / part / "Label" / f"{number:03d}.png")
            image(top / part / "color" / f"{number:03d}.png", "ir", number, grey=False)


def chinese(top: Path) -> None:
    """Folders in Chinese."""
    both(top / "红外/{n}.png", top / "可见光/{n}.png")


def lists_of_one_folder(top: Path) -> None:
    """One pair of folders, parts by text files."""
    both(top / "Ir/{n}.png", top / "Vis/{n}.png", count=6)
    (top / "splits").mkdir()
    (top / "splits/train.txt").write_text("001\n002\n003\n004\n")
    (top / "splits/val.txt").write_text("Vis/005.png\nVis/006.png\n")


Check = Callable[[dict[str, Any], str], bool]


def scenes_with_masks(top: Path) -> None:
    """Each scene has a folder in which every file is named by what it is, and one is neither side."""
    both(top / "pairs/{n}/ir.png", top / "pairs/{n}/vi.png")
    for number in range(1, 5):
        labels(top / f"pairs/{number:03d}/mask.png")


def zeros_before_numbers(top: Path) -> None:
    """1.png on one side, 0001.png on the other."""
    for number in range(1, 5):
        image(top / f"ir/{number}.png", "ir", number)
        image(top / f"vis/{number:04d}.png", "vis", number)


def depth_and_raw_levels_beside(top: Path) -> None:
    """PST900: thermal twice, the second time as 16-bit levels, and depth."""
    for part in ("train", "test"):
        both(top / part / "thermal/{n}_rgb.png", top / part / "rgb/{n}_rgb.png")
        for number in range(1, 5):
            for other in ("thermal_raw", "depth"):
                deep(top / part / other / f"{number:03d}_rgb.png", number)
            labels(top / part / f"labels/{number:03d}_rgb.png")


def fused_between(top: Path) -> None:
    """Both sides and fused images in one folder, with two words behind each name."""
    both(top / "scene{n}_thermal_aligned.png", top / "scene{n}_visible_cropped.png")
    for number in range(1, 5):
        image(top / f"scene{number:03d}_fused.png", "vis", number + 9)


def lists_of_paths(top: Path) -> None:
    """KAIST: lists of paths below the folder of images, boxes in folders of the same kind."""
    for place in ("set00/V000", "set00/V001", "set06/V000", "set06/V001"):
        both(top / "images" / place / "lwir/I{n}.png", top / "images" / place / "visible/I{n}.png")
        for number in range(1, 5):
            voc(top / "annotations-xml" / place / f"I{number:03d}.xml", "person")
    (top / "imageSets").mkdir()
    for part, name in (("set00", "train-all-02"), ("set06", "test-all-20")):
        lines = [f"{part}/{video}/I{number:03d}\n" for video in ("V000", "V001") for number in range(1, 5)]
        (top / f"imageSets/{name}.txt").write_text("".join(lines))


def many_videos(top: Path) -> None:
    """MVSeg: a folder for each of many videos, in which both the folder and the file say the side."""
    for video in range(33):
        clip = top / f"data/clip{video:02d}"
        both(clip / "infrared/{n}i.png", clip / "visible/{n}v.png", 2)


def one_side_deeper(top: Path) -> None:
    """One side lies two folders deeper than the other."""
    both(top / "thermal/morning/cut/{n}.png", top / "rgb/{n}.png")


FOLDERS: dict[str, tuple[Callable[[Path], None], dict[str, int], list[str]]] = {
    "IR1 and VIS1": (numbered_in_one_folder, {"test": 12}, []),
    "suffixes": (suffixes_and_two_endings, {"test": 4}, []),
    "capitals": (upper_case, {"test": 4}, []),
    "train and test with truth": (msrs_like, {"train": 4, "test": 4}, []),
    "sides outside": (llvip_like, {"train": 4, "test": 4}, []),
    "16 bits": (deep_infrared, {"test": 4}, ["16 bits, levels 7", "visible images of test are grey"]),
    "videos": (nested_videos, {"test": 12}, []),
    "four channels": (four_channels, {"train": 4, "test": 2}, ["fourth is taken for infrared"]),
    "no words": (telling_nothing, {"test": 4}, ["A is taken for infrared, for its images are grey"]),
    "joined words": (joined_words, {"test": 4}, ["not used lie in crop_HR_visible"]),
    "COCO": (coco_file, {"day": 4, "night": 4}, []),
    "letters": (letters_behind, {"test": 4}, ["both sides lie in ."]),
    "prefixes": (prefixes_of_two_folders, {"test": 4}, ["left is taken for infrared, for its images are grey"]),
    "scenes": (a_folder_for_each_scene, {"test": 4}, []),
    "half named": (one_side_named, {"test": 4}, ["images is taken for the visible side", "not used lie in fused"]),
    "drone": (drone, {"test": 4}, ["{pair}_t and {pair}_w"]),
    "16 bits in one folder": (deep_in_one_folder, {"test": 4}, ["16 bits, levels 7"]),
    "part and side in a word": (part_and_side_in_one_word, {"train": 4, "test": 2}, []),
    "colour": (colour_beside_a_letter, {"test": 4}, ["16 bits"]),
    "pictures of labels": (pictures_of_labels, {"train": 4, "test": 4}, ["not used lie in test/color, train/color"]),
    "Chinese": (chinese, {"test": 4}, []),
    "lists": (lists_of_one_folder, {"train": 4, "val": 2}, []),
    "scenes with masks": (scenes_with_masks, {"test": 4}, ["4 files are of neither side"]),
    "zeros": (zeros_before_numbers, {"test": 4}, ["without the zeros before them"]),
    "depth": (depth_and_raw_levels_beside, {"train": 4, "test": 4}, ["not used lie in test/depth, test/thermal_raw"]),
    "fused between": (fused_between, {"test": 4}, ["{pair}_thermal_aligned and {pair}_visible_cropped"]),
    "many videos": (many_videos, {"test": 66}, ["{pair}infrared{pair} and {pair}i"]),
    "one side deeper": (one_side_deeper, {"test": 4}, []),
    "lists of paths": (lists_of_paths, {"train": 8, "test": 8}, []),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_every_pair_of_a_folder_is_listed_and_guesses_are_said(tmp_path: Path, name: str) -> None:
    make, wanted, said = FOLDERS[name]
    top = tmp_path / "My Set"
    make(top)
    found = describe_folder(top)
    assert found.pairs == wanted, found.text()
    (tmp_path / "own.yaml").write_text(found.text(), encoding="utf-8")
    known = Datasets(tmp_path, read_datasets(tmp_path / "own.yaml"))
    for part, count in wanted.items():
        listing = known.open(f"my_set:{part}").listing()
        assert len(listing.pairs) == count
        for files in listing.pairs:
            pair = read_pair(files)
            first = [round(float(side[:8, :8].mean())) for side in (pair.ir, pair.vis)]
            assert first[0] < 50 < 190 < first[1], f"sides are exchanged: {files}"
            if not files.four_channel:
                digits = [
                    "".join(filter(str.isdigit, f"{path.parent.name}{path.stem}")).lstrip("0")
                    for path in (files.ir_path, files.vis_path)
                ]
                assert digits[0] == digits[1], f"not of one pair: {files}"
    for words in said:
        assert any(words in sentence for sentence in found.unsure), found.unsure
    guessed = [sentence for sentence in found.unsure if "taken for" in sentence and "(a remark)" not in sentence]
    assert said or not guessed, guessed


def test_truth_is_found_with_its_classes(tmp_path: Path) -> None:
    msrs_like(tmp_path / "own")
    found = describe_folder(tmp_path / "own").entry
    part = found["layouts"][0]["parts"]["test"]
    assert (part["labels"], part["boxes"]) == ("test/Segmentation_labels", "test/labels")
    assert found["classes"] == [f"class_{number}" for number in range(5)]
    assert (found["box_classes"], found["box_ids"]) == ({0: "person", 2: "car"}, {0: "car", 1: "person"})
    llvip_like(tmp_path / "voc")
    found = describe_folder(tmp_path / "voc").entry
    assert found["layouts"][0]["parts"]["test"]["boxes"] == "Annotations"
    assert found["box_classes"] == {0: "person", 80: "Lamp"}
    coco_file(tmp_path / "json")
    found = describe_folder(tmp_path / "json").entry
    assert found["layouts"][0]["parts"]["night"]["boxes"] == "annotations.json"
    assert found["box_classes"] == {0: "Pedestrian", 80: "rider"}


def test_what_is_not_used_says_nothing_of_the_entry(tmp_path: Path) -> None:
    depth_and_raw_levels_beside(tmp_path / "pst")
    entry = describe_folder(tmp_path / "pst").entry
    assert "ir_range" not in entry
    assert entry["layouts"][0]["parts"]["train"] == {
        "ir": "train/thermal", "vis": "train/rgb", "labels": "train/labels",
    }  # fmt: skip
    lists_of_paths(tmp_path / "kaist")
    assert describe_folder(tmp_path / "kaist").entry["layouts"][0]["parts"]["test"]["boxes"] == "annotations-xml"


def test_folders_that_say_nothing_are_no_pair_beside_one_that_says_its_side(tmp_path: Path) -> None:
    for city in ("berlin", "ulm"):
        both(tmp_path / f"x/thermal/{city}/{city}_{{n}}_t.png", tmp_path / f"x/left8/{city}/{city}_{{n}}_left8.png")
    with pytest.raises(BenchError, match="no two of its images make a pair: seen left8/berlin"):
        describe_folder(tmp_path / "x")


def test_a_folder_without_pairs_says_what_was_seen(tmp_path: Path) -> None:
    for number in range(3):
        image(tmp_path / "x" / f"holiday {number}.jpg", "vis", number)
    with pytest.raises(BenchError, match=r"no two of its images make a pair: seen \. \(3 images\)"):
        describe_folder(tmp_path / "x")
    with pytest.raises(BenchError, match="is not a folder"):
        describe_folder(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BenchError, match="holds no image"):
        describe_folder(tmp_path / "empty")


def test_faults_of_a_folder_are_named(tmp_path: Path) -> None:
    both(tmp_path / "own/ir/{n}.png", tmp_path / "own/vis/{n}.png")
    (tmp_path / "own/ir/002.png").unlink()
    image(tmp_path / "own/vis/003.png", "vis", size=(20, 20))
    found = describe_folder(tmp_path / "own")
    assert found.pairs == {"test": 2}
    text = " ".join(found.unsure)
    assert "has no infrared image" in text
    assert "wanted the same size" in text


def test_the_command_writes_a_file_that_a_run_takes(tmp_path: Path) -> None:
    msrs_like(tmp_path / "Drive 7")
    file = tmp_path / "drive.yaml"
    printed = CliRunner().invoke(app, ["data", "describe", str(tmp_path / "Drive 7")])
    assert printed.exit_code == 0, printed.output
    assert list(yaml.safe_load(printed.output)["datasets"]) == ["drive_7"]
    done = CliRunner().invoke(app, ["data", "describe", str(tmp_path / "Drive 7"), "--out", str(file)])
    assert f"bench run --datasets drive_7 --datasets-file {file} --data-root {tmp_path}" in done.output
    assert file.read_text() == printed.output.rstrip("\n") + "\n"
    ran = CliRunner().invoke(app, [
        "run", "--datasets", "drive_7", "--datasets-file", str(file), "--data-root", str(tmp_path), "--methods",
        "average", "--tasks", "metrics", "--metrics", "EN", "--out", str(tmp_path / "run"), "--executor", "inline",
        "--device", "cpu",
    ])  # fmt: skip
    assert ran.exit_code == 0, ran.output


def test_real_folders_are_described_as_they_are_known(shared: Path) -> None:
    wanted = {
        "TNO": {"test": 42},
        "RoadScene": {"test": 221},
        "VIFB": {"test": 21},
        "MSRS": {"test": 51, "detection": 16},
    }
    for name, pairs in wanted.items():
        assert describe_folder(shared / "data" / name).pairs == pairs
