"""Labels and boxes: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data.truth import read_boxes, read_labels
from bench.errors import BenchError


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
    np.testing.assert_array_equal(read_boxes(tmp_path / "a.txt"), np.reshape(boxes, (-1, 5)))


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
        read_boxes(tmp_path / "a.txt")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe0 0")
    with pytest.raises(BenchError, match="not readable as YOLO lines"):
        read_boxes(tmp_path / "a.txt")


def test_the_authors_boxes_are_read(shared: Path) -> None:
    boxes = [read_boxes(path) for path in sorted((shared / "data/MSRS/detection/labels").iterdir())]
    assert len(boxes) == 16
    assert set(np.concatenate(boxes)[:, 0]) == {0.0, 2.0}
