"""Labels and boxes: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data.boxes import Boxes, read_boxes
from bench.data.folders import list_folders
from bench.data.spec import load_datasets
from bench.data.truth import read_labels
from bench.errors import BenchError
from bench.types import PairFiles


def boxes_in(path: Path) -> Boxes:
    return read_boxes(PairFiles("mfnet", "test", path.stem, Path(), Path(), boxes_path=path), load_datasets()["mfnet"])


def write(path: Path, ids: np.ndarray, palette: bool = False) -> Path:
    picture = Image.fromarray(ids.astype(np.uint8))
    if palette:
        picture = picture.convert("P")
        picture.putpalette([200, 10, 10, 0, 0, 0] + [9] * 762)
        picture.putdata(ids.astype(int).ravel().tolist())
    picture.save(path)
    return path


@pytest.mark.parametrize("palette", [False, True])
def test_class_ids_are_read_as_stored(tmp_path: Path, palette: bool) -> None:
    ids = np.array([[0, 1, 8], [255, 2, 3]])
    np.testing.assert_array_equal(read_labels(write(tmp_path / "a.png", ids, palette), 9), ids)


def test_a_foreign_id_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="label 9, wanted class ids 0 to 8, or 255 for none"):
        read_labels(write(tmp_path / "a.png", np.array([[0, 9]])), 9)


def test_colour_labels_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2)).save(tmp_path / "a.png")
    with pytest.raises(BenchError, match="image of mode RGB, wanted one channel of class ids"):
        read_labels(tmp_path / "a.png", 9)


def test_truncated_labels_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", np.random.default_rng(0).integers(0, 9, (60, 60)))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BenchError, match="not a readable image"):
        read_labels(path, 9)


@pytest.mark.parametrize(
    ("text", "boxes"),
    [
        ("", []),
        ("\n \n", []),
        ("0 0.5 0.5 0.25 0.5\n2 .1 .2 .1 .1\n", [[0, 0.5, 0.5, 0.25, 0.5], [2, 0.1, 0.2, 0.1, 0.1]]),
    ],
)
def test_boxes_are_read(tmp_path: Path, text: str, boxes: list[list[float]]) -> None:
    (tmp_path / "a.txt").write_text(text)
    np.testing.assert_array_equal(boxes_in(tmp_path / "a.txt").rows, np.reshape(boxes, (-1, 5)))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.5 0.5 0.25", "line 2: '0 0.5 0.5 0.25', wanted class, centre x"),
        ("0 0.5 0.5 0.25 0.5 0.9", "line 2"),
        ("person 0.5 0.5 0.2 0.2", "line 2: 'person"),
        ("0 nan 0.5 0.2 0.2", "line 2: '0 nan"),
        ("0.5 0.5 0.5 0.2 0.2", "class 0.5, wanted a whole number"),
        ("-1 0.5 0.5 0.2 0.2", "class -1, wanted a whole number"),
        ("0 320 240 64 48", "box 320 240 64 48, wanted fractions of the image"),
        ("0 0.5 0.5 0 0.2", "wanted fractions of the image"),
        ("0 0.5 0.5 0.2 -0.2", "wanted fractions of the image"),
    ],
)
def test_wrong_boxes_are_named_with_their_line(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "a.txt").write_text(f"0 0.5 0.5 0.2 0.2\n{line}\n")
    with pytest.raises(BenchError, match=message):
        boxes_in(tmp_path / "a.txt")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe0 0")
    with pytest.raises(BenchError, match="not readable as YOLO lines"):
        boxes_in(tmp_path / "a.txt")


def test_the_authors_boxes_are_read(shared: Path) -> None:
    boxes = [boxes_in(path).rows for path in sorted((shared / "data/MSRS/detection/labels").iterdir())]
    assert len(boxes) == 16
    assert set(np.concatenate(boxes)[:, 0]) == {0.0, 2.0}


REPEATED = {
    "none": ("0 .5 .5 .2 .2\n0 .5 .5 .2 .3\n", 0),
    "a row": ("0 .5 .5 .2 .2\n0 .5 .5 .2 .2\n", 1),
    "spelled otherwise": ("0 0.5 0.50 .2 2e-1\n0 .5 .5 .2 .2\n", 1),
    "thrice": ("0 .5 .5 .2 .2\n2 .5 .5 .2 .2\n0 .5 .5 .2 .2\n0 .5 .5 .2 .2", 2),
    "of another class": ("0 .5 .5 .2 .2\n2 .5 .5 .2 .2\n", 0),
    "with spaces and empty lines": ("0  .5 .5\t.2 .2 \n\n 0 .5 .5 .2 .2\r\n", 1),
}


@pytest.mark.parametrize(("text", "twice"), REPEATED.values(), ids=REPEATED)
def test_a_row_that_stands_twice_counts_once(tmp_path: Path, text: str, twice: int) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode())
    rows = len([line for line in text.splitlines() if line.strip()])
    assert (len(boxes_in(path).rows), boxes_in(path).repeated) == (rows - twice, twice)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 .5 .5 .2 .2\n0 .5 .5 .2 .2\n", "1 boxes stand there again and count once"),
        ("0 1.002 .5 .2 .2\n", "is left out of detection: "),
        ("0 .5 -0.001 .2 .2\n", "wanted fractions of the image, 0 to 1"),
        ("0 .5 .5 1.5 .2\n", "wanted fractions of the image, 0 to 1"),
        ("0 .5 .5 .2\n", "is left out of detection: "),
        ("car .5 .5 .2 .2\n", "is left out of detection: "),
    ],
)
def test_what_is_wrong_with_boxes_is_said_where_pairs_are_listed(tmp_path: Path, text: str, said: str) -> None:
    from bench.data.catalogue import Dataset
    from bench.data.folders import folder_spec

    for side, level in (("ir", 20), ("vis", 30)):
        (tmp_path / side).mkdir()
        Image.new("L", (8, 6), level).save(tmp_path / side / "1.png")
    (tmp_path / "boxes").mkdir()
    (tmp_path / "boxes/1.txt").write_text(text)
    spec = folder_spec(tmp_path / "ir", tmp_path / "vis")
    part = spec.layouts[0].parts["test"].model_copy(update={"boxes": str(tmp_path / "boxes")})
    layout = spec.layouts[0].model_copy(update={"parts": {"test": part}})
    listing = Dataset("own", spec, tmp_path, layout, "test", "").listing()
    assert len(listing.pairs) == 1
    assert [said in problem.text for problem in listing.problems] == [True]
    assert not list_folders(tmp_path / "ir", tmp_path / "vis").problems


def test_boxes_with_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("0 .5 .5 .2 .2\r\n", encoding="utf-8-sig")
    assert boxes_in(tmp_path / "a.txt").rows.tolist() == [[0, 0.5, 0.5, 0.2, 0.2]]
