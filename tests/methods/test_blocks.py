"""Layers that networks share: exact in both memory layouts, image by image."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from methods._nets.auif import apply_twice, start_of_base, start_of_detail
from methods._nets.blocks import OwnNorm, standardise
from methods._nets.lrrnet import Branch, LRRNet, soft

LAYOUTS = [torch.contiguous_format, torch.channels_last]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_own_statistics_are_exact_far_from_zero(layout: torch.memory_format) -> None:
    x = 3 + 0.1 * torch.rand(2, 16, 200, 300, generator=torch.Generator().manual_seed(0))
    wanted = x.double()
    mean, variance = wanted.mean((2, 3), keepdim=True), wanted.var((2, 3), correction=0, keepdim=True)
    wanted = (wanted - mean) / torch.sqrt(variance + 1e-5)
    seen = standardise(x.contiguous(memory_format=layout))
    assert float((seen.double() - wanted).abs().max()) < 5e-5


@pytest.mark.parametrize("layout", LAYOUTS)
def test_own_norm_is_a_batch_norm_in_train_mode(layout: torch.memory_format) -> None:
    norm, reference = OwnNorm(5).double(), torch.nn.BatchNorm2d(5).double().train()
    with torch.no_grad():
        norm.weight.copy_(torch.linspace(-1, 2, 5))
        norm.bias.copy_(torch.linspace(3, 0, 5))
    reference.load_state_dict(norm.state_dict(), strict=False)
    x = torch.rand(3, 5, 11, 13, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    wanted = torch.cat([reference(image) for image in x.split(1)])
    torch.testing.assert_close(norm(x.contiguous(memory_format=layout)), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [(10, 10), (12, 17), (3, 9)])
def test_the_unrolled_step_in_one_convolution_is_that_in_two(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(2)
    x, kernel = torch.rand(2, 1, *size, generator=generator), torch.rand(64, 1, 3, 3, generator=generator)
    x, kernel = x.double(), kernel.double() - 0.5
    maps = torch.nn.functional.conv2d(torch.nn.functional.pad(x, (1,) * 4, mode="reflect"), kernel)
    maps = torch.nn.functional.pad(maps, (1,) * 4, mode="reflect")
    wanted = torch.nn.functional.conv2d(maps, torch.rot90(kernel, 2, (2, 3)).reshape(1, 64, 3, 3))
    torch.testing.assert_close(apply_twice(x, kernel), wanted, rtol=0, atol=1e-12)


def test_the_decompositions_start_from_their_filters() -> None:
    image = torch.rand(1, 1, 25, 31, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    for start, size, centre, total in ((start_of_base, 11, 1.0, 121.0), (start_of_detail, 19, -360.0, 720.0)):
        kernel = torch.ones(1, 1, size, size, dtype=torch.float64)
        kernel[0, 0, size // 2, size // 2] = centre
        padded = torch.nn.functional.pad(image, (size // 2,) * 4, mode="reflect")
        wanted = torch.nn.functional.conv2d(padded, kernel / total)
        torch.testing.assert_close(start(image), wanted, rtol=0, atol=1e-12)


def test_soft_thresholds_shrink_or_grow() -> None:
    x = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0]).view(5, 1).repeat(1, 2)
    seen = soft(x, torch.tensor([1.0, -1.0]))
    assert seen[:, 0].tolist() == [-1, 0, 0, 0, 1]
    assert seen[:, 1].tolist() == [-3, -1.5, 0, 1.5, 3]


def test_lrrnet_as_matrices_is_lrrnet_as_convolutions() -> None:
    torch.manual_seed(4)
    net = LRRNet().double()
    net.ir.threshold.data[0, ::7] *= -0.1
    ir, vis = torch.rand(2, 2, 1, 37, 41, dtype=torch.float64)

    def shrunk(x: Tensor, branch: Branch) -> Tensor:
        return x.sign() * (x.abs() - branch.threshold.view(1, -1, 1, 1)).clamp(min=0)

    def parts(branch: Branch, image: Tensor) -> tuple[Tensor, Tensor]:
        code = shrunk(branch.first(image), branch)
        for block in branch.blocks:
            code = shrunk(branch.momentum * code + block.analysis(image - block.synthesis(code)), branch)
        return branch.low(code[:, :128]), branch.sparse(code[:, 128:])

    with torch.inference_mode():
        (ir_low, ir_sparse), (vis_low, vis_sparse) = parts(net.ir, ir), parts(net.vis, vis)
        wanted = net.low(torch.cat([ir_low, vis_low], 1)) + net.sparse(torch.cat([ir_sparse, vis_sparse], 1))
        torch.testing.assert_close(net(ir, vis), wanted, rtol=1e-10, atol=1e-10)
