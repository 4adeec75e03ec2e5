"""How far a fused image is from a published file: counted by hand, and compared as it was encoded."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import BenchError
from bench.fusion.agreement import compare


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
    assert seen.near == pytest.approx(19 / 20)
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
