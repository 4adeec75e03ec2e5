"""The classical methods of VIFB: pixel for pixel its published images, and what must hold of any pair."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage

from bench.errors import BenchError
from bench.fusion.harness import Fuser
from bench.images import read_image
from bench.plugin.kinds import METHODS
from methods import create

Image = NDArray[np.uint8]

LABELS = {
    "adf": "ADF", "fpde": "FPDE", "mgff": "MGFF", "vsmwls": "VSMWLS", "tif": "TIF", "msvd": "MSVD", "gff": "GFF",
    "cbf": "CBF", "rp_sr": "RP_SR", "ifevip": "IFEVIP", "hmsd_gf": "HMSD_GF", "hybrid_msd": "Hybrid_MSD",
    "gfce": "GFCE", "latlrr": "LatLRR", "cnn_liu": "CNN",
}  # fmt: skip
BARS = {"tif": (83.0, 2), "cnn_liu": (67.0, 5)}
"""Smallest PSNR in decibels and largest difference in grey levels, of methods that are not equal on every pair: one
tie of TIF's is decided by the order of MATLAB's additions; CNN's float32 sums differ."""
BY_CHANNEL = ("adf", "fpde", "mgff", "vsmwls", "tif", "cbf", "rp_sr", "hmsd_gf", "hybrid_msd", "gfce", "latlrr")
"""Fuse a channel of a colour image as they fuse a grey image."""
TIES = ({}, {"ties": "ir"})
LOADER = {"infrared_as_green": True}
"""VIFB's loader spoilt infrared files of a single channel for GFF."""


def fuser(name: str, shared: Path, **settings: Any) -> Fuser:
    made = create(name, weights=shared / "weights" / "published")
    for attribute, value in settings.items():
        setattr(made.method, attribute, value)
    return made


def difference(fused: Image, published: Path) -> tuple[float, int]:
    """PSNR and largest difference of our image, after the JPEG that VIFB saved, and VIFB's."""
    buffer = io.BytesIO()
    PillowImage.fromarray(fused).save(buffer, "JPEG", quality=75, subsampling=2)
    ours, theirs = (np.asarray(PillowImage.open(file)).astype(float) for file in (buffer, published))
    error = float(np.square(ours - theirs).mean())
    return (10 * math.log10(255**2 / error) if error else math.inf), int(np.abs(ours - theirs).max())


def agreement(name: str, shared: Path, pair: str) -> tuple[float, int]:
    """Of the reading that fits best, where the published images of a method are not all made alike."""
    ir, vis = (read_image(shared / "data" / "VIFB" / kind / f"{pair}.jpg") for kind in ("ir", "vi"))
    readings = ((LOADER,) if ir.ndim == 2 else TIES) if name == "gff" else ({},)
    path = shared / "reference" / "vifb_published" / f"{pair}_{LABELS[name]}.jpg"
    return max(difference(fuser(name, shared, **settings).fuse_pair(ir, vis), path) for settings in readings)


def assert_agrees(name: str, seen: dict[str, tuple[float, int]]) -> None:
    decibels, levels = BARS.get(name, (math.inf, 0))
    assert all(psnr >= decibels and largest <= levels for psnr, largest in seen.values()), seen


@pytest.mark.parametrize("name", LABELS)
def test_a_published_image_comes_out_pixel_for_pixel(name: str, shared: Path, cache: Path) -> None:
    assert_agrees(name, {"walking": agreement(name, shared, "walking")})


@pytest.mark.slow
@pytest.mark.parametrize("name", LABELS)
def test_all_published_images_come_out_pixel_for_pixel(name: str, shared: Path, cache: Path) -> None:
    files = (shared / "reference" / "vifb_published").glob(f"*_{LABELS[name]}.jpg")
    pairs = sorted(path.stem.removesuffix(f"_{LABELS[name]}") for path in files)
    assert len(pairs) >= 11
    assert_agrees(name, {pair: agreement(name, shared, pair) for pair in pairs})


# ------------------------------------------------------------------ any pair


def scene(seed: int, *shape: int) -> Image:
    """Blobs of several sizes, full range; channels last."""
    generator = np.random.default_rng(seed)
    total = np.zeros(shape)
    for scale in (1, 4, 16, 32):
        coarse = generator.normal(size=[-(-shape[0] // scale), -(-shape[1] // scale), *shape[2:]])
        total += coarse.repeat(scale, 0).repeat(scale, 1)[: shape[0], : shape[1]] * scale**0.5
    return np.round(255 * (total - total.min()) / np.ptp(total)).astype(np.uint8)


def fuse(name: str, ir: Image, vis: Image, way: str = "published") -> Image:
    return Fuser(METHODS.get(name)(), way=way).fuse_pair(ir, vis)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", LABELS)
def test_constant_images_give_an_image(name: str) -> None:
    size = (64, 73)
    flat, texture = np.ones((*size, 3), np.uint8), scene(0, *size, 3)
    pairs = ((flat * 0, flat * 0), (flat * 90, flat * 160), (flat * 255, flat * 255), (flat * 90, texture),
             (texture, flat * 160))  # fmt: skip
    for ir, vis in pairs:
        assert fuse(name, ir[..., 0], vis).shape == (*size, 3)


@pytest.mark.parametrize("name", sorted({*LABELS} - {"ifevip", "hmsd_gf", "gfce", "latlrr"}))
def test_equal_sources_come_back(name: str) -> None:
    image = scene(2, 70, 82 if name == "msvd" else 81)  # which resizes odd sides, as released
    fused = fuse(name, image, image, "plain")  # the published way of GFF and MSVD stores as JPEG and stretches
    assert np.abs(fused[..., 0].astype(int) - image).max() <= 1


def test_equal_sources_are_brightened_as_released() -> None:
    image = scene(3, 70, 81)
    expected = np.minimum(np.floor(image * (275 / 255) + 0.5), 255)
    assert np.abs(fuse("hmsd_gf", image, image)[..., 0] - expected).max() <= 1


def test_the_visible_image_is_never_darkened_by_infrared_features() -> None:
    ir, vis = scene(4, 90, 120), scene(5, 90, 120, 3)
    fused = fuse("ifevip", ir, vis)
    assert (fused >= vis).all()
    assert (fused > vis).mean() > 0.1


@pytest.mark.parametrize("name", BY_CHANNEL)
def test_channels_are_fused_one_by_one(name: str) -> None:
    ir, vis = scene(6, 64, 72), scene(7, 64, 72, 3)
    fused = fuse(name, ir, vis)
    for channel in range(3):
        assert np.array_equal(fused[..., channel], fuse(name, ir, vis[..., channel])[..., 0])


@pytest.mark.parametrize("name", LABELS)
def test_the_plain_way_keeps_the_visible_chroma(name: str) -> None:
    ir, vis = scene(8, 64, 72) // 4 + 96, scene(9, 64, 72, 3) // 4 + 96
    fused = fuse(name, ir, vis, "plain").astype(int)
    inside = ((fused > 0) & (fused < 255)).all(axis=2)
    chroma = [image[..., 0].astype(int) - image[..., 2] for image in (fused, vis)]
    assert np.abs(chroma[0] - chroma[1])[inside].max() <= 1
    assert inside.any()


@pytest.mark.parametrize("name", sorted({*LABELS} - {"gff", "msvd"}))
def test_grey_pairs_give_the_same_in_every_way(name: str) -> None:
    ir, vis = scene(10, 64, 72), scene(11, 64, 72)
    fused = fuse(name, ir, vis)
    assert np.array_equal(fused, fuse(name, ir, vis, "plain"))
    assert np.array_equal(fused, fuse(name, ir, vis[..., None].repeat(3, -1)))


@pytest.mark.parametrize("name", ["adf", "gff", "cnn_liu", "latlrr"])
def test_colour_infrared_is_made_grey(name: str) -> None:
    ir, vis = scene(12, 64, 72, 3), scene(13, 64, 72, 3)
    weights = np.array([0.298936021293775, 0.587043074451121, 0.114020904255103])
    assert np.array_equal(fuse(name, ir, vis), fuse(name, np.floor(ir @ weights + 0.5).astype(np.uint8), vis))


@pytest.mark.parametrize("name", sorted({*LABELS} - {"latlrr", "cnn_liu"}))
@pytest.mark.parametrize("size", [(9, 17), (17, 9), (31, 40)])
def test_small_images_are_fused(name: str, size: tuple[int, int]) -> None:
    assert fuse(name, scene(14, *size), scene(15, *size, 3)).shape == (*size, 3)


@pytest.mark.parametrize(("name", "smallest"), [("latlrr", 8), ("cnn_liu", 15)])
def test_images_below_one_window_are_refused(name: str, smallest: int) -> None:
    size = (smallest, smallest + 3)
    assert fuse(name, scene(16, *size), scene(17, *size, 3)).shape == (*size, 3)
    with pytest.raises(BenchError, match=f"at least {smallest}"):
        fuse(name, scene(16, smallest - 1, 40), scene(17, smallest - 1, 40, 3))


def test_grey_results_of_msvd_are_stretched_as_released() -> None:
    ir, vis = scene(18, 64, 72) // 3 + 60, scene(19, 64, 72) // 3 + 60
    published, plain = (fuse("msvd", ir, vis, way)[..., 0].astype(int) for way in ("published", "plain"))
    assert (published.min(), published.max()) == (0, 255)
    assert 30 < plain.min() < plain.max() < 180
    assert np.corrcoef(published.ravel(), plain.ravel())[0, 1] > 0.999


def test_ties_of_gff_go_to_the_source_asked_for() -> None:
    flat, texture = np.full((120, 100), 90, np.uint8), scene(20, 120, 100)
    ir, vis = flat.copy(), flat + 60
    ir[:30], vis[:30] = texture[:30], texture[:30]
    method = METHODS.get("gff")()
    fused = {}
    for method.ties in ("vis", "ir"):  # type: ignore[attr-defined]
        fused[method.ties] = Fuser(method, way="plain").fuse_pair(ir, vis)[110, 50, 0]  # type: ignore[attr-defined]
    # the filters carry a little of the texture's weights down here
    assert abs(int(fused["vis"]) - 150) <= 2
    assert abs(int(fused["ir"]) - 90) <= 2
