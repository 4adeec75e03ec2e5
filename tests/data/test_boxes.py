"""Truth in YOLO lines, VOC XML and COCO JSON says the same; what is wrong in it is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data.boxes import read_boxes
from bench.data.spec import DatasetSpec
from bench.errors import BenchError
from bench.types import PairFiles

SPEC = DatasetSpec(
    layouts=[{"folder": "x", "parts": {}}],
    box_classes={0: "person", 2: "car", 81: "freight car"},
    box_aliases={"feright_car": "freight car", "Truvk": "car", "dog": ""},
)
WIDTH, HEIGHT = 40, 20
BOXES = [("person", (4, 5, 12, 15)), ("Feright_Car ", (0, 0, 40, 20))]
WANTED = [[0, 0.2, 0.5, 0.2, 0.5], [81, 0.5, 0.5, 1, 1]]


def pair(folder: Path, boxes: Path, border: int = 0, name: str = "a") -> PairFiles:
    paths = [folder / side / f"{name}.png" for side in ("ir", "vis")]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (WIDTH + 2 * border, HEIGHT + 2 * border)).save(path)
    return PairFiles("own", "test", name, *paths, boxes_path=boxes, border=border)


def voc(boxes: list[tuple[str, tuple[float, ...]]], polygon: bool = False) -> str:
    def shape(x1: float, y1: float, x2: float, y2: float) -> str:
        if polygon:
            corners = [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
            inner = "".join(f"<x{i}>{x}</x{i}><y{i}>{y}</y{i}>" for i, (x, y) in enumerate(corners, 1))
            return f"<polygon>{inner}</polygon>"
        return f"<bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox>"

    objects = "".join(f"<object><name>{name}</name>{shape(*box)}</object>" for name, box in boxes)
    return f"<annotation><filename>foreign.jpg</filename><size><width>9</width></size>{objects}</annotation>"


def coco(boxes: list[tuple[str, tuple[float, ...]]], file_name: str = "deep/vis/a.png") -> str:
    names = list(dict.fromkeys(name for name, _ in boxes))
    return json.dumps({
        "categories": [{"id": at + 7, "name": name} for at, name in enumerate(names)],
        "images": [{"id": 3, "file_name": file_name}, {"id": 4, "file_name": "other.png"}],
        "annotations": [
            {"id": at, "image_id": 3, "category_id": names.index(name) + 7, "bbox": [x1, y1, x2 - x1, y2 - y1]}
            for at, (name, (x1, y1, x2, y2)) in enumerate(boxes)
        ],
    })  # fmt: skip


FORMATS = {
    "YOLO": ("a.txt", lambda boxes: "".join(f"{' '.join(map(str, row))}\n" for row in WANTED)),
    "YOLO with a mark of its bytes": ("a.txt", lambda boxes: "\ufeff" + FORMATS["YOLO"][1](boxes)),
    "VOC": ("a.xml", voc),
    "VOC polygons": ("a.xml", lambda boxes: voc(boxes, polygon=True)),
    "COCO": ("all.json", coco),
    "COCO by the infrared name": ("all.json", lambda boxes: coco(boxes, "ir\\a.png")),
}


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_says_the_same(tmp_path: Path, form: str) -> None:
    name, write = FORMATS[form]
    (tmp_path / name).write_text(write(BOXES), encoding="utf-8")
    found = read_boxes(pair(tmp_path, tmp_path / name), SPEC)
    np.testing.assert_allclose(found.rows, WANTED, atol=1e-12)
    assert found.remarks() == []


@pytest.mark.parametrize("form", ["VOC", "VOC polygons", "COCO"])
def test_a_border_is_taken_off_images_and_boxes(tmp_path: Path, form: str) -> None:
    name, write = FORMATS[form]
    shifted = [(label, tuple(value + 10 for value in box)) for label, box in BOXES]
    outside = [("car", (0, 0, 9, 9)), ("person", (4, 5, 12, 15)), ("dog", (20, 20, 30, 25))]
    (tmp_path / name).write_text(write([*shifted, *outside, shifted[0]]))
    found = read_boxes(pair(tmp_path, tmp_path / name, border=10), SPEC)
    np.testing.assert_allclose(found.rows, [*WANTED, [0, 1 / 40, 2.5 / 20, 2 / 40, 5 / 20]], atol=1e-12)
    assert (found.outside, found.nothing, found.repeated) == (1, 1, 1)
    assert len(found.remarks()) == 3


def test_ids_of_ones_own_are_read_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("0 .5 .5 .1 .1\n1 .5 .5 .1 .1\n2 .5 .5 .1 .1\n")
    spec = SPEC.model_copy(update={"box_ids": {0: "car", 1: "person"}})
    with pytest.raises(BenchError, match=r"line 3: class 2, wanted one of 0, 1 \(box_ids\)"):
        read_boxes(pair(tmp_path, tmp_path / "a.txt"), spec)
    (tmp_path / "a.txt").write_text("0 .5 .5 .1 .1\n1 .5 .5 .1 .1\n")
    assert read_boxes(pair(tmp_path, tmp_path / "a.txt"), spec).rows[:, 0].tolist() == [2, 0]


def test_equal_file_names_in_two_folders_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    content = json.loads(coco(BOXES, "vis/a.png"))
    content["images"][1]["file_name"] = "night/a.png"
    (tmp_path / "all.json").write_text(json.dumps(content))
    assert len(read_boxes(pair(tmp_path, tmp_path / "all.json"), SPEC).rows) == 2
    content["images"][0]["file_name"] = "day/a.png"
    (tmp_path / "all.json").write_text(json.dumps(content))
    with pytest.raises(BenchError, match="does not list"):
        read_boxes(pair(tmp_path, tmp_path / "all.json"), SPEC)


WRONG = {
    "no XML": ("a.xml", "<annotation><object>", "not readable as VOC XML"),
    "another root": ("a.xml", "<html></html>", "its root is <html>"),
    "entities": ("a.xml", '<!DOCTYPE a [<!ENTITY b "c">]><annotation/>', "holds a document type"),
    "no box": ("a.xml", "<annotation><object><name>car</name></object></annotation>", "object 1: wanted <name>"),
    "half a box": (
        "a.xml", "<annotation><object><name>car</name><bndbox><xmin>1</xmin></bndbox></object></annotation>",
        "object 1: wanted <name>",
    ),
    "a class nobody knows": ("a.xml", voc([("bus", (1, 1, 2, 2))]), "class 'bus', wanted one of person, car"),
    "no number": ("a.xml", voc([("car", (1, 1, float("nan"), 2))]), "of numbers; mend it"),
    "no number in JSON": ("all.json", coco([("car", (1, 1, float("nan"), 2))]), "not readable as COCO JSON"),
    "no JSON": ("all.json", "{", "not readable as COCO JSON"),
    "a list": ("all.json", "[]", "not readable as COCO JSON"),
    "no such category": ("all.json", coco(BOXES).replace('"category_id": 7', '"category_id": 1'), "KeyError: 1"),
    "no such image": ("all.json", coco(BOXES, "z.png"), "does not list the image a.png"),
    "another ending": ("a.csv", "0,1", "wanted boxes in one of .txt, .xml, .json"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BenchError, match=message) as caught:
        read_boxes(pair(tmp_path, tmp_path / name), SPEC)
    assert "\n" not in str(caught.value)


def test_the_boxes_of_the_msrs_pairs_are_those_of_their_fact_sheet(shared: Path) -> None:
    """51 of the 361 pairs are here, in three versions; the ids are those of their classes.txt."""
    from bench.data.catalogue import open_dataset

    dataset = open_dataset("msrs", shared / "data")
    listing = dataset.listing()
    assert (dataset.name, dataset.split, len(listing.pairs)) == ("mfnet", "test", 51)
    rows = np.concatenate([read_boxes(files, dataset.spec).rows for files in listing.pairs])
    assert set(rows[:, 0]) == {0.0, 1.0, 2.0}
    assert all(files.boxes_path and "fusion" in files.boxes_path.parts for files in listing.pairs)
    assert len(dataset.listing("detection").pairs) == 16
