"""TarDAL, LRRNet, DIDFuse, AUIF, SAGE, PMGI, CAF, ReCoNet: one small image each, and what is particular to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bench.errors import BenchError
from bench.fusion.agreement import compare
from bench.fusion.harness import Fuser
from bench.images import read_image
from bench.plugin.kinds import METHODS
from bench.plugin.method import torch_dtype
from methods import create

PARAMETERS = {
    "tardal": 296_577, "tardal:tt": 296_577, "lrrnet": 49_204, "didfuse": 260_935, "auif": 11_631, "sage": 135_617,
    "pmgi": 41_441, "caf": 148_321, "reconet": 7_527,
}  # fmt: skip
"""By the fact sheets; PMGI's without the biases that cancel."""

SMALL = {
    "tardal": ("authors_code/TarDAL/TNO/05.png", 85.0), "tardal:tt": ("authors_code/TarDAL-TT/TNO/05.png", 85.0),
    "tardal:ct": ("authors_code/TarDAL-CT/TNO/05.png", 85.0), "caf": ("authors_code/CAF/TNO/05.png", 88.0),
    "caf:seg": ("authors_code/CAF-Seg/TNO/05.png", 88.0), "sage": ("authors_code/SAGE/TNO/05.png", 89.5),
    "reconet": ("authors_code/ReCoNet/TNO/05.png", 88.0), "didfuse": ("tno_published/DIDFuse/05.png", 87.0),
    "auif": ("tno_published/AUIF/05.png", 85.0), "pmgi": ("tno_published/PMGI/37.png", 81.0),
    "lrrnet": ("tno_published/LRRNet/06.png", 84.5),
}  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_a_reference_image_comes_out(name: str, shared: Path) -> None:
    file, least = SMALL[name]
    reference = shared / "reference" / file
    ir, vis = (read_image(shared / f"data/TNO/{kind}/{reference.stem}.png") for kind in ("ir", "vi"))
    fused = create(name, shared / "weights" / "published").fuse_pair(ir, vis)
    seen = compare(reference.stem, fused, reference)
    assert seen.max_difference <= 1
    assert seen.psnr >= least


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_those_of_the_published_file(name: str) -> None:
    (net,) = METHODS.get(name)().modules().values()
    assert sum(tensor.numel() for tensor in net.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", ["tardal", "pmgi", "lrrnet"])
def test_an_image_with_its_own_statistics_does_not_depend_on_its_batch(name: str) -> None:
    method = METHODS.get(name)()
    Fuser(method)
    generator = torch.Generator().manual_seed(0)
    ir, vis = (torch.rand(3, 1, 40, 47, generator=generator) for _ in range(2))
    with torch.inference_mode():
        torch.testing.assert_close(method.fuse(ir, vis)[1:2], method.fuse(ir[1:2], vis[1:2]), rtol=0, atol=2e-5)


def test_modes_of_torch_do_not_change_tardal() -> None:
    method = METHODS.get("tardal")()
    ir, vis = torch.rand(2, 1, 1, 30, 33, generator=torch.Generator().manual_seed(1)).unbind()
    (net,) = method.modules().values()
    with torch.inference_mode():
        assert torch.equal(net.train()(ir, vis), net.eval()(ir, vis))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in net.modules())
    stored = METHODS.get("tardal:ct")()
    assert any(isinstance(module, nn.BatchNorm2d) for module in stored.modules()["net"].modules())


def test_lrrnet_stretches_its_sources() -> None:
    method = METHODS.get("lrrnet")()
    ir, vis = torch.rand(2, 1, 1, 30, 33, generator=torch.Generator().manual_seed(1), dtype=torch.float64).unbind()
    method.modules()["net"].double()
    with torch.inference_mode():
        dim = method.fuse(ir * 0.3 + 0.2, vis * 0.5)
        torch.testing.assert_close(dim, method.fuse(ir, vis), rtol=0, atol=1e-3)


def test_values_below_black_wrap_in_caf_as_published_and_only_there() -> None:
    ir, vis = np.full((20, 24), 90, np.uint8), np.full((20, 24, 3), 60, np.uint8)
    images = {}
    for way in ("published", "plain"):
        fuser = Fuser(METHODS.get("caf")(), way=way)  # type: ignore[arg-type]
        fuser.method.fuse = lambda ir, vis: torch.full_like(ir, -3.2 / 255)  # type: ignore[method-assign]
        images[way] = fuser.fuse_pair(ir, vis)
    assert (images["published"] == 253).all()
    assert (images["plain"] == 0).all()


def test_sage_tints_grey_images_as_published_and_only_there() -> None:
    ir = np.full((20, 24), 90, np.uint8)
    images = {}
    for way in ("published", "plain"):
        fuser = Fuser(METHODS.get("sage")(), way=way)  # type: ignore[arg-type]
        fuser.method.fuse = lambda ir, vis: torch.full_like(ir, 100.2 / 255)  # type: ignore[method-assign]
        images[way] = fuser.fuse_pair(ir, ir)
    assert images["published"][0, 0].tolist() == [101, 100, 101]
    assert images["plain"][0, 0].tolist() == [100, 100, 100]


def test_caf_refuses_a_file_without_its_network(tmp_path: Path) -> None:
    torch.save({"other": torch.zeros(1)}, tmp_path / "x.pth")
    with pytest.raises(BenchError, match="has no network 'fuse'"):
        METHODS.get("caf").convert([tmp_path / "x.pth"])


@pytest.mark.parametrize("name", ["didfuse", "auif"])
def test_the_sum_of_features_does_not_care_which_image_is_which(name: str) -> None:
    method = METHODS.get(name)()
    generator = torch.Generator().manual_seed(2)
    ir, vis = torch.rand(2, 1, 1, 30, 33, generator=generator, dtype=torch_dtype(method)).unbind()
    with torch.inference_mode():
        torch.testing.assert_close(method.fuse(ir, vis), method.fuse(vis, ir), rtol=0, atol=1e-5)
