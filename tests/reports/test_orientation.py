"""The report shows the pixels that were fused, whatever a browser makes of the user's file."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.images import is_stored_upright, read_image
from reports.pictures import Picture, _data_url, showable_bytes

ORIENTATION = 0x0112


def write(path: Path, orientation: int) -> Path:
    image = Image.fromarray(np.arange(12 * 16, dtype=np.uint8).reshape(12, 16))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image.save(path, exif=exif, **({"quality": 95} if path.suffix == ".jpg" else {}))
    return path


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6, 7, 8])
def test_what_is_shown_is_what_is_read(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = write(tmp_path / f"image{suffix}", orientation)
    picture = Picture("@ir", path, "", "")
    data = showable_bytes(picture)
    shown = Image.open(io.BytesIO(data))
    assert (np.asarray(shown) == read_image(path)).all()
    assert shown.getexif().get(ORIENTATION, 1) == 1, "a browser would turn it once more"
    assert is_stored_upright(path) == (orientation == 1)
    assert (data == path.read_bytes()) == (orientation == 1), "an upright file is copied as it is"
    head, _, body = _data_url(picture).partition(",")
    assert base64.b64decode(body) == data
    assert ("jpeg" in head) == (data[:2] == b"\xff\xd8")
