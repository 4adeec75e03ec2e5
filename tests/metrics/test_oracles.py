"""The engine against plain loops written from the formulas, on images that break shortcuts."""

from __future__ import annotations

import math
from itertools import chain, pairwise
from types import ModuleType

import numpy as np
import pytest

from bench.metrics import evaluate
from bench.metrics.catalogue import CONVENTIONS

pytestmark = pytest.mark.usefixtures("either_engine")

RNG = np.random.default_rng(7)


def random(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def smooth(height: int, width: int, phase: float) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.clip(127 + 90 * np.sin(x / 5.0 + phase) * np.cos(y / 4.0 - phase), 0, 255).astype(np.uint8)


CASES = {
    "random": (random(14, 17), random(14, 17), random(14, 17)),
    "smooth": (smooth(16, 15, 0.1), smooth(16, 15, 0.9), smooth(16, 15, 0.5)),
    "flat": (np.full((13, 12), 40, np.uint8), np.full((13, 12), 200, np.uint8), np.full((13, 12), 90, np.uint8)),
    "black": (np.zeros((12, 13), np.uint8), np.zeros((12, 13), np.uint8), np.zeros((12, 13), np.uint8)),
    "half flat": (np.repeat([[9, 9, 9, 200]], 12, 0).repeat(3, 1).astype(np.uint8), random(12, 12), smooth(12, 12, 0)),
    "white areas": (np.maximum(random(13, 13), 250), np.maximum(random(13, 13), 252), np.maximum(random(13, 13), 251)),
    "equal": (smooth(13, 14, 0.3),) * 3,
    "dark": (random(12, 15) // 30, random(12, 15) // 20, random(12, 15) // 25),
}
TINY = {"one pixel": (random(1, 1),) * 3, "row": (random(1, 6), random(1, 6), random(1, 6)), "two": (random(2, 2),) * 3}
LARGE = {
    "random": (random(41, 43), random(41, 43), random(41, 43)),
    "smooth": (smooth(43, 41, 0.1), smooth(43, 41, 1.2), smooth(43, 41, 0.6)),
    "dark": (random(41, 41) // 16, random(41, 41) // 12, random(41, 41) // 20),
    "flat source": (np.full((42, 41), 7, np.uint8), smooth(42, 41, 0.2), smooth(42, 41, 0.4)),
}


@pytest.mark.parametrize("name", [*CASES, *TINY])
def test_statistics_equal_the_formulas(oracle: ModuleType, name: str) -> None:
    images = {**CASES, **TINY}[name]
    ir, vis, fused = (oracle.grid(image) for image in images)
    names = ["EN", "MI", "SF", "SD", "CC", "SCD", "MSE", "CE", "PSNR"]
    got = evaluate(*images, metrics=names)
    error = oracle.squared_error(ir, vis, fused)
    floor = 1 / (2 * images[0].size)
    expected = {
        "EN": oracle.entropy(oracle.cells(fused)), "MI": oracle.mutual_information(ir, vis, fused),
        "SF": oracle.spatial_frequency(fused), "SD": oracle.deviation(fused),
        "CC": oracle.correlation_coefficient(ir, vis, fused), "SCD": oracle.correlations_of_differences(ir, vis, fused),
        "MSE": error, "CE": oracle.cross_entropy(ir, vis, fused),
        "PSNR": 10 * math.log10(255**2 / max(error, floor)),
    }  # fmt: skip
    assert got == pytest.approx(expected, abs=1e-11, rel=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_older_conventions_equal_the_formulas(oracle: ModuleType, name: str) -> None:
    images = CASES[name]
    ir, vis, fused = (oracle.grid(image) for image in images)
    height, width = images[0].shape
    old = evaluate(*images, convention="seafusion2022", metrics=["MI", "SF", "SD", "AG", "MSE"])
    gradient = oracle.central_gradient_sum(fused)
    assert old == pytest.approx(
        {
            "MI": oracle.mutual_information(ir, vis, fused, top=254.0), "SF": oracle.spatial_frequency(fused) / 255,
            "SD": oracle.deviation_uint8(fused), "AG": gradient / ((height - 1) * (width - 1)),
            "MSE": oracle.squared_error(ir, vis, fused) / 255**2,
        }, abs=1e-11,
    )  # fmt: skip
    # its SSIM has constants so small that flat areas show the rounding of the variances
    python = evaluate(*images, convention="cddfuse", metrics=["MI", "AG", "SSIM"])
    window = [[1 / 49] * 7] * 7
    assert python == pytest.approx(
        {
            "MI": oracle.mutual_information(ir, vis, fused, base=math.e), "AG": gradient / (height * width),
            "SSIM": sum(oracle.similarity(source, fused, window, 2.0, sample=True) for source in (ir, vis)),
        }, abs=1e-7,
    )  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_edge_metrics_equal_the_formulas(oracle: ModuleType, name: str) -> None:
    images = CASES[name]
    grids = [oracle.grid(image) for image in images]
    got = evaluate(*images, metrics=["Qabf", "AG", "Nabf"])
    assert got["Qabf"] == pytest.approx(oracle.edge_preservation(*grids, "replicate", None), abs=1e-12)
    assert got["AG"] == pytest.approx(oracle.forward_gradient(grids[2]), abs=1e-11)
    assert got["Nabf"] == pytest.approx(oracle.fusion_artefacts(*grids), abs=1e-12)
    tang = evaluate(*images, convention="tang2023", metrics=["Qabf", "Nabf"])
    assert tang["Qabf"] == pytest.approx(oracle.edge_preservation(*grids, "zero", 1.0), abs=1e-12)
    assert tang["Nabf"] == pytest.approx(oracle.fusion_artefacts(grids[1], grids[2], grids[0]), abs=1e-12)
    vifb = evaluate(*images, convention="vifb", metrics=["Qabf", "Edge_intensity"])
    assert vifb["Qabf"] == pytest.approx(oracle.edge_preservation(*grids, "zero", 255.0), abs=1e-12)
    assert vifb["Edge_intensity"] == pytest.approx(oracle.edge_intensity(grids[2]), abs=1e-11)


@pytest.mark.parametrize("name", CASES)
def test_structure_metrics_equal_the_formulas(oracle: ModuleType, name: str) -> None:
    images = CASES[name]
    ir, vis, fused = (oracle.grid(image) for image in images)
    window = oracle.gaussian(11, 1.5)
    got = evaluate(*images, metrics=["SSIM", "MEF_SSIM", "FMI_raw"])
    parts = [oracle.similarity(source, fused, window, 255.0) for source in (ir, vis)]
    assert got["SSIM"] == pytest.approx(sum(parts) / 2, abs=1e-9)
    assert got["MEF_SSIM"] == pytest.approx(oracle.exposure_structure(ir, vis, fused), abs=1e-9)
    assert got["FMI_raw"] == pytest.approx(oracle.raw_feature_information(ir, vis, fused), abs=1e-9)
    vifb = evaluate(*images, convention="vifb", metrics=["Ssim"])
    assert vifb["Ssim"] == pytest.approx(sum(parts), abs=1e-9)


def test_ssim_with_a_repeated_frame_equals_the_formula(oracle: ModuleType) -> None:
    images = CASES["smooth"]
    ir, vis, fused = (oracle.padded(oracle.grid(image), 5) for image in images)
    window = oracle.gaussian(11, 1.5)
    expected = sum(oracle.similarity(source, fused, window, 1.0) for source in (ir, vis)) / 2
    assert evaluate(*images, convention="tang2023", metrics=["SSIM"])["SSIM"] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("name", LARGE)
def test_information_fidelity_equals_the_formula(oracle: ModuleType, name: str) -> None:
    images = LARGE[name]
    ir, vis, fused = (oracle.grid(image) for image in images)
    for convention, saturate in (("standard", False), ("seafusion2022", True)):
        expected = sum(oracle.fidelity(source, fused, saturate) for source in (ir, vis))
        got = evaluate(*images, convention=convention, metrics=["VIF"])["VIF"]
        assert got == pytest.approx(expected, abs=1e-9), convention


def test_vifb_statistics_equal_the_formulas_per_channel(oracle: ModuleType) -> None:
    ir, vis, fused = random(12, 13), random(12, 13, 3), random(12, 13, 3)
    channels = [[oracle.grid(image) for image in (ir, vis[..., k], fused[..., k])] for k in range(3)]
    got = evaluate(ir, vis, fused, convention="vifb", metrics=["Entropy", "Mutinf", "Rmse", "Psnr", "Cross_entropy",
                                                              "Spatial_frequency", "Variance"])  # fmt: skip
    size = 12 * 13
    errors = []
    for grids in channels:
        roots = [
            math.sqrt(sum((a - b) ** 2 for a, b in zip(oracle.cells(s), oracle.cells(grids[2]), strict=True))) / size
            for s in grids[:2]
        ]
        errors.append(sum(roots) / 2)
    wide = [list(chain.from_iterable(rows)) for rows in zip(*(grids[2] for grids in channels), strict=True)]
    across = sum((b - a) ** 2 for row in wide for a, b in pairwise(row))
    down = sum((b - a) ** 2 for column in zip(*wide, strict=True) for a, b in pairwise(column))
    stretched = [[oracle.stretched(grid) for grid in grids] for grids in channels]
    expected = {
        "Entropy": oracle.mean(oracle.entropy(oracle.cells(grids[2])) for grids in channels),
        "Mutinf": oracle.mean(oracle.mutual_information(*grids, base=math.e) for grids in stretched),
        "Rmse": oracle.mean(errors),
        "Psnr": oracle.mean(20 * math.log10(255 / math.sqrt(error)) for error in errors),
        "Cross_entropy": oracle.mean(oracle.cross_entropy(*grids) for grids in channels),
        "Spatial_frequency": math.sqrt((across + down) / (size * 3)),
        "Variance": oracle.mean(oracle.deviation(grids[2]) for grids in channels),
    }
    assert got == pytest.approx(expected, abs=1e-10)


def test_colour_becomes_grey_as_each_convention_declares() -> None:
    image = np.random.default_rng(3).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    values = {
        name: evaluate(image, image, image, convention=name, metrics=["SD"])["SD"]
        for name, entry in CONVENTIONS.items() if "SD" in entry.uses
    }  # fmt: skip
    weights = {
        "standard": (0.299, 0.587, 0.114), "cddfuse": (0.299, 0.587, 0.114),
        "tang2023": (0.298936021293775, 0.587043074451121, 0.114020904255103), "ivif_zoo": (0.299, 0.587, 0.114),
    }  # fmt: skip
    for name, factors in weights.items():
        exact = sum(factor * image[..., k].astype(float) for k, factor in enumerate(factors))
        # rounding to whole levels moves the deviation by well under a hundredth
        assert values[name] == pytest.approx(exact.std(), abs=0.01), name
    halves = np.array([[[2, 0, 1], [0, 0, 0]]], np.uint8)  # 0.712 and 0: rounds to 1
    assert evaluate(halves, halves, halves, metrics=["SD"])["SD"] == 0.5
