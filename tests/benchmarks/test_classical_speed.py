"""Time of the classical methods on one core: of the solvers for 576x768 pixels, wanted under 1.5 s each; of VIFB's
methods in CPU seconds for a colour pair of 640x480, as docs/classical.md lists them.

Run with ``pytest tests/benchmarks/test_classical_speed.py --benchmark-only``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bench.colour import luma_uint8
from bench.images import read_image
from methods import create

SIZE = (576, 768)
Image = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def one_core() -> Iterator[None]:
    threads, opencv_threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    yield
    torch.set_num_threads(threads)
    cv2.setNumThreads(opencv_threads)


@pytest.fixture(scope="module")
def pair(shared: Path) -> tuple[Image, Image]:
    """A real pair, enlarged: the solvers' steps depend on what the images show."""
    folder = shared / "data" / "VIFB"
    name = sorted(path.name for path in (folder / "vi").iterdir())[0]
    ir, vis = (read_image(folder / kind / name) for kind in ("ir", "vi"))
    return tuple(cv2.resize(image, SIZE[::-1], interpolation=cv2.INTER_CUBIC) for image in (ir, vis))  # type: ignore[return-value]


@pytest.mark.parametrize("colour", [False, True], ids=["grey", "colour"])
@pytest.mark.parametrize("name", ["gtf", "mst_sr"])
def test_solver(benchmark, name: str, colour: bool, pair: tuple[Image, Image], shared: Path) -> None:  # type: ignore[no-untyped-def]
    ir, vis = pair
    fuser = create(name, weights=shared / "weights" / "published" if name == "mst_sr" else None)
    fused = benchmark.pedantic(fuser.fuse_pair, (ir, vis if colour else luma_uint8(vis)), rounds=5, warmup_rounds=1)
    assert fused.shape == (*SIZE, 3)


@pytest.mark.parametrize("name", ["average", "maximum", "laplacian_pyramid", "ratio_pyramid", "wavelet"])
def test_simple_method(benchmark, name: str, pair: tuple[Image, Image]) -> None:  # type: ignore[no-untyped-def]
    fused = benchmark.pedantic(create(name).fuse_pair, pair, rounds=5, warmup_rounds=1)
    assert fused.shape == (*SIZE, 3)


VIFB = (
    "adf", "fpde", "mgff", "vsmwls", "tif", "msvd", "gff", "cbf", "rp_sr", "ifevip", "hmsd_gf", "hybrid_msd", "gfce",
    "latlrr", "cnn_liu", "gtf", "mst_sr",
)  # fmt: skip


@pytest.mark.benchmark(group="VIFB, CPU seconds per colour pair of 640x480", timer=time.process_time)
@pytest.mark.parametrize("name", VIFB)
def test_vifb_method(benchmark, name: str, shared: Path) -> None:  # type: ignore[no-untyped-def]
    sources = [read_image(shared / "data" / "VIFB" / kind / "labMan.jpg") for kind in ("ir", "vi")]
    fuser = create(name, weights=shared / "weights" / "published")
    fused = benchmark.pedantic(fuser.fuse_pair, sources, rounds=1 if name == "latlrr" else 3, warmup_rounds=0)
    assert fused.shape == (480, 640, 3)
