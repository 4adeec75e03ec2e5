"""A cast that wraps turns the last bit of a sum into white or black: such pixels are judged by no processor's bits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.fusion.harness import Fuser
from bench.fusion.undecided import NUDGE, fuse_as
from bench.plugin.method import ImageStyle, Method, MethodInfo
from bench.types import Image

GREY = np.full((4, 6), 100, np.uint8)
COLOUR = np.stack([GREY, GREY // 2, GREY // 4], axis=2)


class Planted(Method):
    """Gives 60 levels, and ``values`` in its first pixels."""

    name = "planted"
    info = MethodInfo("Planted", 2020, "doi:10.1/1", "MIT", kind="classical")
    published = ImageStyle(reader="luma", merge="cv2_ycrcb", rounding="wrap", arithmetic="single")
    values: tuple[float, ...] = ()

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        out = torch.full_like(ir, 60.5 / 255)
        out.view(-1)[: len(self.values)] = torch.tensor(self.values) / 255
        return out


def fused(*values: float, style: ImageStyle = Planted.published) -> Fuser:
    return Fuser(type("Planted", (Planted,), {"values": values, "published": style})())


def image_of(vis: Image, *values: float) -> Image:
    return fused(*values).fuse_pair(GREY, vis)


@pytest.mark.parametrize("vis", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("edge", [-1.0, 256.0, -257.0])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_pixel_at_the_jump_takes_the_side_of_the_reference(vis: Image, edge: float, side: int) -> None:
    here, there = edge + side * 0.3 * NUDGE, edge - side * 0.3 * NUDGE
    ours, reference = image_of(vis, here), image_of(vis, there)
    assert abs(ours.astype(int) - reference).max() > 100, "the jump is no jump"
    seen, count = fuse_as(fused(here), (GREY, vis), reference)
    np.testing.assert_array_equal(seen, reference)
    assert count == 1
    same, count = fuse_as(fused(here), (GREY, vis), ours)
    np.testing.assert_array_equal(same, ours)
    assert count == 0


@pytest.mark.parametrize("value", [-1 - 3 * NUDGE, -1 + 3 * NUDGE, -3.2, 255.9, 120.0])
def test_any_other_pixel_stays(value: float) -> None:
    """Also one whose reference is just across the jump, or a level away."""
    ours = image_of(COLOUR, value)
    for other in (-2.0, 0.2, 254.0, 119.5):
        seen, count = fuse_as(fused(value), (GREY, COLOUR), image_of(COLOUR, other))
        np.testing.assert_array_equal(seen, ours)
        assert count == 0


def test_steps_of_one_level_are_no_jump() -> None:
    """A value at the step from 119 to 120 stays where it is."""
    value = 120 - 0.3 * NUDGE
    seen, count = fuse_as(fused(value), (GREY, GREY), image_of(GREY, 120 + 0.3 * NUDGE))
    np.testing.assert_array_equal(seen, image_of(GREY, value))
    assert count == 0


def test_the_luma_before_colour_is_settled_alike() -> None:
    here, there = -1 - 0.3 * NUDGE, -1 + 0.3 * NUDGE
    reference = fused(there).fuse_luma(GREY, COLOUR)
    seen, count = fuse_as(fused(here), (GREY, COLOUR), reference, grey=True)
    np.testing.assert_array_equal(seen, reference)
    assert count == 1


def test_a_cast_that_clips_has_no_such_pixels() -> None:
    style = ImageStyle(reader="luma", merge="cv2_ycrcb", rounding="truncate", arithmetic="single")
    plain = fused(-1 - 0.3 * NUDGE, style=style)
    seen, count = fuse_as(plain, (GREY, COLOUR), image_of(COLOUR, -1 - 0.3 * NUDGE))
    np.testing.assert_array_equal(seen, plain.fuse_pair(GREY, COLOUR))
    assert count == 0


def test_a_reference_of_another_size_is_left_to_the_comparison() -> None:
    seen, count = fuse_as(fused(-1.0), (GREY, COLOUR), COLOUR[:2])
    assert seen.shape == COLOUR.shape
    assert count == 0
