"""Small made copies of every published layout: pairs, labels and boxes are found where their makers put them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data.boxes import read_boxes
from bench.data.catalogue import Datasets, open_dataset
from bench.data.commands import check_dataset
from bench.data.pairs import read_pair
from bench.data.spec import load_datasets
from bench.errors import BenchError
from bench.run.config import RunConfig
from bench.run.planning import make_plan


def picture(path: Path, seed: int, grey: bool = False, border: int = 0) -> None:
    """Writes 32x24 pixels within a white border."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (24, 32) if grey else (24, 32, 3)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    around = [(border, border)] * 2 + [(0, 0)] * (pixels.ndim - 2)
    Image.fromarray(np.pad(pixels, around, constant_values=255)).save(path)


def xml(path: Path, *names: str, polygon: bool = False, at: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    box = "<bndbox><xmin>8</xmin><ymin>6</ymin><xmax>24</xmax><ymax>18</ymax></bndbox>"
    if polygon:
        low, high = 8 + at, 24 + at
        corners = [(low, 6 + at), (high, 6 + at), (high, 18 + at), (low, 18 + at)]
        box = "".join(f"<x{i}>{x}</x{i}><y{i}>{y}</y{i}>" for i, (x, y) in enumerate(corners, 1))
        box = f"<polygon>{box}</polygon>"
    objects = "".join(f"<object><name>{name}</name>{box}</object>" for name in names)
    path.write_text(f"<annotation><filename>other.jpg</filename>{objects}</annotation>")


def make_m3fd(root: Path) -> None:
    for number, name in enumerate(("00000", "00016", "00110", "00111", "01300", "04199")):
        for side in ("Ir", "Vis"):
            picture(root / "M3FD_Detection" / side / f"{name}.png", number + 50 * (side == "Vis"))
        xml(root / "M3FD_Detection/Annotation" / f"{name}.xml", "People", "Lamp")
    for number, name in enumerate(("00000", "00112", "04160")):
        for side in ("Ir", "Vis"):
            picture(root / "M3FD_Fusion" / side / f"{name}.png", number + 50 * (side == "Vis"))


def make_fmb(root: Path) -> None:
    for part, names in (("train", ("00001", "00002")), ("test", ("00003",))):
        for number, name in enumerate(names):
            picture(root / "FMB" / part / "Infrared" / f"{name}.png", number)
            picture(root / "FMB" / part / "Visible" / f"{name}.png", number + 50)
            labels = root / "FMB" / part / "Label" / f"{name}.png"
            labels.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((24, 32), 14, np.uint8)).save(labels)
            picture(root / "FMB" / part / "color" / f"{name}.png", number)


def make_llvip(root: Path) -> None:
    for number, (part, name) in enumerate((("train", "010001"), ("train", "010002"), ("test", "190001"))):
        picture(root / "LLVIP/infrared" / part / f"{name}.jpg", number)
        picture(root / "LLVIP/visible" / part / f"{name}.jpg", number + 50)
        xml(root / "LLVIP/Annotations" / f"{name}.xml", "person")


def make_flir(root: Path) -> None:
    for number, name in enumerate(("FLIR_00002", "FLIR_08864", "FLIR_08863")):
        picture(root / "align/JPEGImages" / f"{name}_PreviewData.jpeg", number, grey=True)
        picture(root / "align/JPEGImages" / f"{name}_RGB.jpg", number + 50)
        picture(root / "align/AnnotatedImages" / f"{name}_PreviewData.jpeg", number)
        xml(root / "align/Annotations" / f"{name}_PreviewData.xml", "bicycle", "dog")
    (root / "align/align_train.txt").write_text("FLIR_00002_PreviewData\n")


def make_dronevehicle(root: Path) -> None:
    for number, part in enumerate(("train", "val", "test")):
        folder = root / "DroneVehicle" / part
        picture(folder / f"{part}img" / "00001.jpg", number, border=100)
        picture(folder / f"{part}imgr" / "00001.jpg", number + 50, border=100)
        for side in ("label", "labelr"):
            xml(folder / f"{part}{side}" / "00001.xml", "feright_car", "*", "truvk", polygon=True, at=100)
        xml(folder / f"{part}labelr" / "00002.xml", "car", polygon=True)  # one without an image


def make_roadscene(root: Path) -> None:
    for number, name in enumerate(("FLIR_04215", "FLIR_video_04215")):
        picture(root / "RoadScene/cropinfrared" / f"{name}.jpg", number, grey=True)
        picture(root / "RoadScene/crop_LR_visible" / f"{name}.jpg", number + 50)
    (root / "RoadScene/crop_LR_visible/Thumbs.db").write_bytes(b"x")


def make_msrs_boxes(root: Path) -> None:
    for part, name in (("train", "00001D"), ("test", "00004N"), ("detection", "131")):
        picture(root / "MSRS" / part / "ir" / f"{name}.png", 1, grey=True)
        picture(root / "MSRS" / part / "vi" / f"{name}.png", 2)
        for version, text in (("fusion", "1  0.5  0.5  0.5  0.5  "), ("infrared", "0 .5 .5 .1 .1\n")):
            path = root / "MSRS-detection-label" / version / part / f"{name}.txt"
            path = root / "MSRS/detection/labels" / path.name if part == "detection" else path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


WHOLE = [[0, 0.5, 0.5, 0.5, 0.5]]
LAYOUTS: dict[str, tuple[Callable[[Path], None], dict[str, tuple[list[str], list[int]]]]] = {
    "m3fd": (make_m3fd, {
        "": (["00000", "00112", "04160"], []),
        "detection": (["00000", "00016", "00110", "00111", "01300", "04199"], [0, 80]),
        "train": (["00000", "00016", "00110"], [0, 80]),
        "damsdet_train": (["00000", "00016", "00110"], [0, 80]),
        "damsdet_test": (["00111", "04199"], [0, 80]),
        "zxsplit_train": (["00000", "00016", "00110", "00111"], [0, 80]),
        "bdl_train": (["00000", "00110", "00111", "01300", "04199"], [0, 80]),
        "bdl_test": (["00016"], [0, 80]),
    }),
    "fmb": (make_fmb, {"": (["00003"], []), "train": (["00001", "00002"], [])}),
    "llvip": (make_llvip, {"": (["190001"], [0]), "train": (["010001", "010002"], [0])}),
    "flir_aligned": (make_flir, {"": (["FLIR_08864"], [1]), "train": (["FLIR_00002"], [1])}),
    "dronevehicle": (make_dronevehicle, {"": (["00001"], [81, 7]), "train": (["00001"], [81, 7]),
                                         "val": (["00001"], [81, 7])}),
    "roadscene": (make_roadscene, {"": (["FLIR_04215", "FLIR_video_04215"], [])}),
    "mfnet": (make_msrs_boxes, {"": (["00004N"], [1]), "train": (["00001D"], [1]), "detection": (["131"], [0])}),
    "msrs": (make_msrs_boxes, {"": (["00004N"], [1])}),
}  # fmt: skip
CASES = [(name, part) for name, (_, parts) in LAYOUTS.items() for part in parts]


@pytest.mark.parametrize(("name", "part"), CASES, ids=[":".join(case) for case in CASES])
def test_every_published_layout_is_read(tmp_path: Path, name: str, part: str) -> None:
    make, parts = LAYOUTS[name]
    make(tmp_path)
    names, classes = parts[part]
    dataset = open_dataset(f"{name}:{part}".rstrip(":"), tmp_path)
    listing = dataset.listing()
    assert [files.id for files in listing.pairs] == names
    for files in listing.pairs:
        pair = read_pair(files)
        assert pair.ir.shape[:2] == pair.vis.shape[:2] == (24, 32)
        assert files.ir_path != files.vis_path
        assert (files.label_path is not None) == bool(dataset.spec.classes and name == "fmb")
        if classes:
            rows = read_boxes(files, dataset.spec).rows
            assert rows[:, 0].tolist() == classes
            if name not in ("mfnet", "msrs"):
                np.testing.assert_allclose(rows[:, 1:], [[0.5, 0.5, 0.5, 0.5]] * len(classes))


@pytest.mark.parametrize("name", ["m3fd", "fmb", "llvip", "flir_aligned", "dronevehicle"])
def test_every_pixel_label_and_box_of_a_layout_is_in_order(tmp_path: Path, name: str) -> None:
    LAYOUTS[name][0](tmp_path)
    for part in filter(None, [*LAYOUTS[name][1], "test"]):
        report = check_dataset(f"{name}:{part}", tmp_path)
        assert report.good == len(LAYOUTS[name][1]["" if part == "test" else part][0])
        assert [problem for problem in report.problems if problem.fault] == []


def test_one_half_of_m3fd_is_enough(tmp_path: Path) -> None:
    make_m3fd(tmp_path)
    (tmp_path / "M3FD_Detection").rename(tmp_path / "elsewhere")
    assert len(open_dataset("m3fd", tmp_path).listing().pairs) == 3
    (tmp_path / "M3FD_Detection").symlink_to(tmp_path / "elsewhere")  # what lies beside it is found all the same
    assert len(open_dataset("m3fd", tmp_path).listing().pairs) == 3
    assert len(open_dataset("m3fd:detection", tmp_path).listing().pairs) == 6


def test_a_border_that_leaves_nothing_is_named(tmp_path: Path) -> None:
    make_dronevehicle(tmp_path)
    picture(tmp_path / "DroneVehicle/test/testimg/00001.jpg", 1)
    picture(tmp_path / "DroneVehicle/test/testimgr/00001.jpg", 2)
    listing = open_dataset("dronevehicle", tmp_path).listing()
    assert not listing.pairs
    assert any("nothing is left within the border of 100" in problem.text for problem in listing.problems)


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        ("m3fd", "245 of its 300 pairs"), ("m3fd:bdl_test", "drawn at random"), ("m3fd:detection", "DAMSDet"),
        ("m3fd:damsdet_test", "40 of its 831"), ("msrs", "359 of the 361"),
    ],
)  # fmt: skip
def test_what_names_do_not_tell_is_said(tmp_path: Path, selection: str, said: str) -> None:
    LAYOUTS[selection.partition(":")[0]][0](tmp_path)
    config = RunConfig(methods=("visible",), datasets=(selection,), tasks=("metrics",), data_root=tmp_path)
    problems = make_plan(config).datasets[0].problems
    known = [problem for problem in problems if "what training may know of it" in problem.text]
    assert [said in problem.text for problem in known] == [True]
    assert not known[0].fault


def test_the_numbers_in_the_remarks_are_those_of_the_lists() -> None:
    specs = load_datasets()

    def beside(names: tuple[str, ...], training: tuple[str, ...]) -> int:
        numbers = {int(name[:5]) for name in training}
        return sum(bool({int(name[:5]) - 1, int(name[:5]) + 1} & numbers) for name in names)

    mfnet, m3fd = specs["mfnet"], specs["m3fd"]
    assert f"{beside(mfnet.pairs['test'], mfnet.pairs['train'])} of the 361" in mfnet.leaks["test"]
    for name in ("damsdet", "zxsplit", "bdl"):
        training, test = (m3fd.subsets[f"{name}_{part}"].pairs for part in ("train", "test"))
        assert not set(training) & set(test)
        assert f"{beside(test, training)} of its {len(test)}" in m3fd.leaks[f"{name}_test"]


def test_another_name_is_the_same_data_set(tmp_path: Path) -> None:
    make_msrs_boxes(tmp_path)
    assert open_dataset("msrs:night", tmp_path).training_selection == "mfnet"
    with pytest.raises(BenchError, match="unknown data set 'msr'; did you mean"):
        open_dataset("msr", tmp_path)
    own = {"msrs": load_datasets()["tno"], **load_datasets()}  # a set of one's own goes before another's second name
    with pytest.raises(BenchError, match="msrs: no folder TNO"):
        Datasets(tmp_path, own).open("msrs")
