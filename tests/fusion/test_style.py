"""The words of ImageStyle and of a method's declaration, each against its closed form or a slow formula."""

from __future__ import annotations

from typing import Any, ClassVar

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench import colour
from bench.colour import resize
from bench.errors import BenchError
from bench.fusion.harness import Fuser
from bench.fusion.style import merged, read_ir, read_vis, written_luma
from bench.images import as_rgb
from bench.plugin.method import ImageStyle, Method, MethodInfo, Padding
from bench.plugin.strips import in_strips

RNG = np.random.default_rng(17)
COLOURS = RNG.integers(0, 256, (64, 80, 3), np.uint8)
GREY = as_rgb(np.arange(256, dtype=np.uint8)[None])
FUSED = RNG.integers(0, 256, (64, 80), np.uint8)


def slow(image: np.ndarray, weights: tuple[int, int, int], half: int, bits: int) -> list[int]:
    return [(sum(int(v) * w for v, w in zip(p, weights, strict=True)) + half) >> bits for p in image.reshape(-1, 3)]


@pytest.mark.parametrize(
    ("word", "weights", "half", "bits"),
    [
        ("luma_l15", (9798, 19235, 3735), 16384, 15), ("luma_y14", (4899, 9617, 1868), 8192, 14),
        ("luma_png15", (9797, 19234, 3737), 0, 15), ("luma_uint8", (19595, 38470, 7471), 32768, 16),
    ],
)  # fmt: skip
def test_fixed_point_readers(word: str, weights: tuple[int, int, int], half: int, bits: int) -> None:
    read = colour.READERS[word]
    assert read(COLOURS).ravel().tolist() == slow(COLOURS, weights, half, bits)
    np.testing.assert_array_equal(read(GREY)[0], np.arange(256))
    np.testing.assert_array_equal(read(FUSED), FUSED)


def test_opencv_makes_the_same_grey_and_luma() -> None:
    np.testing.assert_array_equal(colour.luma_l15(COLOURS), cv2.cvtColor(COLOURS, cv2.COLOR_RGB2GRAY))
    np.testing.assert_array_equal(colour.luma_y14(COLOURS), cv2.cvtColor(COLOURS, cv2.COLOR_RGB2YCrCb)[..., 0])


def test_float_readers() -> None:
    exact = COLOURS.astype(float) @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(colour.luma(COLOURS), exact, atol=1e-10)
    np.testing.assert_allclose(colour.luma_rint(COLOURS), exact, atol=0.5 + 1e-4)
    assert (colour.luma_rint(COLOURS) % 1 == 0).all()
    np.testing.assert_array_equal(colour.luma_rint(GREY)[0], np.arange(256))
    floors = [int(0.299 * int(r) + 0.587 * int(g) + 0.114 * int(b)) for r, g, b in COLOURS.reshape(-1, 3)]
    assert colour.luma_floor(COLOURS).ravel().tolist() == floors
    lost = np.flatnonzero(colour.luma_floor(GREY)[0] != np.arange(256))
    assert len(lost) == 65  # as many greys as the sheet of GIFNet counts
    assert lost[:6].tolist() == [1, 2, 4, 8, 11, 13]
    np.testing.assert_allclose(colour.luma_video(GREY)[0], 0.919 * np.arange(256) + 16)
    np.testing.assert_array_equal(colour.red(COLOURS), COLOURS[..., 0])


@pytest.mark.parametrize("shape", [(64, 80, 3), (1, 1, 3), (37, 41), (5, 3, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arithmetic_in_place_gives_the_bits_of_the_formulas(shape: tuple[int, ...], dtype: Any) -> None:
    vis = RNG.integers(0, 256, shape, np.uint8)
    fused = RNG.uniform(-20, 280, shape[:2]).astype(dtype)
    given = vis.copy(), fused.copy()
    red, green, blue = (as_rgb(vis)[..., channel].astype(np.float64) for channel in range(3))
    luma = green + 0.299 * (red - green) + 0.114 * (blue - green)
    np.testing.assert_array_equal(colour.luma(vis), luma)
    change = (np.clip(fused, 0, 255).astype(np.float64) - luma)[..., None]
    np.testing.assert_array_equal(colour.add_luma(vis, fused), as_rgb(vis).astype(np.float64) + change)
    halves = np.arange(-2, 258, 0.5).astype(dtype)
    edges = [values.astype(dtype) for values in (np.nextafter(halves, -np.inf), halves, np.nextafter(halves, np.inf))]
    values = np.concatenate([fused.ravel(), *edges])
    inside = np.clip(values, 0, 255)
    for rounding, wanted in (
        ("nearest", np.floor(inside + dtype(0.5))), ("truncate", np.floor(inside)), ("even", np.rint(inside)),
        ("nearest_down", np.ceil(inside - dtype(0.5))),
    ):  # fmt: skip
        np.testing.assert_array_equal(colour.quantise(values, rounding), wanted.astype(np.uint8))
    np.testing.assert_array_equal(vis, given[0])
    np.testing.assert_array_equal(fused, given[1])


def test_readers_of_the_two_images_are_chosen_apart() -> None:
    both = as_rgb(np.full((4, 4), 11, np.uint8))
    assert read_ir(ImageStyle(reader="luma_scipy"), both)[0, 0] == 10
    assert read_ir(ImageStyle(reader="luma_scipy", ir_reader="luma_uint8"), both)[0, 0] == 11
    assert read_vis(ImageStyle(reader="luma_uint8", ir_reader="luma_scipy"), both)[0, 0] == 11
    assert read_ir(ImageStyle(ir_reader="red"), COLOURS).tolist() == COLOURS[..., 0].tolist()


# ------------------------------------------------------------------ rounding and stretch


@pytest.mark.parametrize(
    ("rounding", "wanted"),
    [
        ("nearest", [0, 1, 2, 3, 255, 0, 0, 255, 7]), ("truncate", [0, 0, 1, 2, 254, 0, 0, 255, 6]),
        ("even", [0, 0, 2, 2, 254, 0, 0, 255, 7]), ("nearest_down", [0, 0, 1, 2, 254, 0, 0, 255, 7]),
        ("wrap", [0, 0, 1, 2, 254, 0, 253, 44, 6]),
    ],
)  # fmt: skip
def test_roundings(rounding: str, wanted: list[int]) -> None:
    values = np.array([0.0, 0.5, 1.5, 2.5, 254.5, -0.9, -3.2, 300.2, 6.9])
    for dtype in (np.float32, np.float64):
        assert colour.quantise(values.astype(dtype), rounding).tolist() == wanted


def test_a_wrapped_output_is_white_where_it_is_just_below_zero() -> None:
    style = ImageStyle(rounding="wrap", merge="pil_ycbcr")
    assert written_luma(style, np.array([[-1.2, -0.9, 256.0]]) / 255).tolist() == [[255, 0, 0]]


def test_stretch_with_and_without_epsilon() -> None:
    values = np.array([[0.3, 0.4, 0.5]])
    assert written_luma(ImageStyle(stretch="min_max"), values).tolist() == [[0, 128, 255]]
    with_epsilon = ImageStyle(stretch="min_max", stretch_epsilon=1e-5, rounding="truncate")
    assert written_luma(with_epsilon, values).tolist() == [[0, 127, 254]]
    assert not written_luma(ImageStyle(stretch="min_max"), np.full((3, 3), 0.7)).any()


def test_single_precision_is_that_of_the_whole_stretch() -> None:
    values = np.random.default_rng(0).random((400, 500)).astype(np.float32)
    levels = {
        word: written_luma(ImageStyle(stretch="min_max", rounding="truncate", arithmetic=word), values)  # type: ignore[arg-type]
        for word in ("single", "double")
    }
    low, span = values.min(), np.float32(values.max() - values.min())
    np.testing.assert_array_equal(levels["single"], ((values - low) / span * np.float32(255)).astype(np.uint8))
    wide = values.astype(np.float64)
    np.testing.assert_array_equal(levels["double"], ((wide - wide.min()) / np.ptp(wide) * 255).astype(np.uint8))
    plain = [written_luma(ImageStyle(rounding="truncate", arithmetic=word), values) for word in levels]  # type: ignore[arg-type]
    np.testing.assert_array_equal(*plain)  # 255 x never crosses an integer by rounding


def test_uint8_over_255_is_the_same_in_both_precisions() -> None:
    levels = np.arange(256)
    np.testing.assert_array_equal((levels / 255).astype(np.float32), levels.astype(np.float32) / np.float32(255))


# ------------------------------------------------------------------ merges


def test_opencv_merges_the_same() -> None:
    ycrcb = cv2.cvtColor(COLOURS, cv2.COLOR_RGB2YCrCb)
    for plane, ours in zip((ycrcb[..., 1], ycrcb[..., 2]), colour.cv2_chroma(COLOURS), strict=True):
        np.testing.assert_array_equal(plane, ours)
    ycrcb[..., 0] = FUSED
    np.testing.assert_array_equal(cv2.cvtColor(ycrcb, cv2.COLOR_YCrCb2RGB), colour.cv2_ycrcb(COLOURS, FUSED))


@pytest.mark.parametrize("word", ["cv2_ycrcb", "pil_ycbcr", "cv2_hsv"])
def test_eight_bit_merges_keep_grey_grey_and_round_first(word: str) -> None:
    vis = as_rgb(FUSED[::-1].copy())
    style = ImageStyle(merge=word, rounding="truncate", reader="luma_uint8")  # type: ignore[arg-type]
    np.testing.assert_array_equal(merged(style, vis, (FUSED + 0.9) / 255), as_rgb(FUSED))


@pytest.mark.parametrize("word", ["add_luma", "float_ycrcb", "ycbcr3", "ycbcr6"])
def test_float_merges_give_the_visible_image_back(word: str) -> None:
    style = ImageStyle(merge=word)  # type: ignore[arg-type]
    same = merged(style, COLOURS, colour.luma(COLOURS) / 255)
    assert np.abs(same.astype(int) - COLOURS).max() <= 1  # matrices rounded to three digits
    np.testing.assert_array_equal(merged(style, as_rgb(FUSED), FUSED / 255), as_rgb(FUSED))


def test_a_brighter_luma_moves_all_channels_alike_before_the_clip() -> None:
    for word in ("ycbcr3", "ycbcr6", "cv2_crcb_float"):
        merge = colour.FLOAT_MERGES[word]
        shift = merge(COLOURS, FUSED + 300.0) - merge(COLOURS, FUSED.astype(float))
        np.testing.assert_allclose(shift, 300.0, atol=1e-9)
    np.testing.assert_allclose(
        colour.video(COLOURS, FUSED + 100.0) - colour.video(COLOURS, FUSED.astype(float)), 116.4, atol=1e-9
    )


def test_half_for_the_zero_of_chroma_tints_grey() -> None:
    tint = colour.cv2_crcb_float(as_rgb(FUSED), FUSED.astype(float)) - FUSED[..., None]
    np.testing.assert_allclose(tint[0, 0], [0.5 * 1.403, -0.5 * (0.714 + 0.344), 0.5 * 1.773], atol=1e-9)


def test_video_range() -> None:
    vis = np.array([[[200, 30, 60]]], np.uint8)
    cb, cr = -0.148 * 200 - 0.291 * 30 + 0.439 * 60, 0.439 * 200 - 0.368 * 30 - 0.071 * 60
    q = 1.164 * (100 - 16)
    wanted = [q + 1.596 * cr, q - 0.392 * cb - 0.813 * cr, q + 2.017 * cb]
    np.testing.assert_allclose(colour.video(vis, np.array([[100.0]]))[0, 0], wanted)


def test_brightness_takes_the_place_of_v() -> None:
    vis = np.array([[[200, 100, 50], [0, 0, 0], [10, 10, 10]]], np.uint8)
    fused = colour.cv2_hsv(vis, np.array([[100, 40, 30]], np.uint8))
    assert fused.max(axis=-1).tolist() == [[100, 40, 30]]
    assert np.abs(fused[0, 0].astype(int) - [100, 50, 25]).max() <= 1
    assert fused[0, 1:].tolist() == [[40] * 3, [30] * 3]


# ------------------------------------------------------------------ declarations

INFO = MethodInfo(title="T", year=2020, paper="doi:10.1/1", licence="MIT", kind="classical")


class Echo(Method):
    """Gives the visible luma back and remembers what it saw."""

    name = "echo"
    info = INFO

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        self.seen = (ir, vis)
        return vis[:, :1].clone()


def made(**attributes: Any) -> Any:
    return type("Made", (Echo,), attributes)()


@pytest.mark.parametrize("mode", ["reflect", "symmetric", "edge", "zero"])
@pytest.mark.parametrize(("side", "always"), [("end", False), ("both", False), ("end", True)])
def test_padding_follows_numpy_and_is_cropped_again(mode: Any, side: Any, always: bool) -> None:
    grey = RNG.integers(0, 256, (16, 13), np.uint8)
    fuser = Fuser(made(padding=Padding(8, mode, always, side)))
    np.testing.assert_array_equal(fuser.fuse_pair(grey, grey), as_rgb(grey))
    rows, columns = (8, 3) if always else (0, 3)
    split = (lambda more: (more // 2, more - more // 2)) if side == "both" else (lambda more: (0, more))
    wanted = np.pad(grey, (split(rows), split(columns)), mode="constant" if mode == "zero" else mode)
    np.testing.assert_allclose(fuser.method.seen[1][0, 0] * 255, wanted, atol=1e-4)


def test_too_small_a_pair_is_refused_in_one_line() -> None:
    with pytest.raises(BenchError, match="20x40 pixels, wanted at least 32 a side"):
        Fuser(made(smallest=32)).fuse_pair(np.zeros((40, 20), np.uint8), np.zeros((40, 20), np.uint8))


def test_whole_methods_are_never_batched() -> None:
    pairs = [(FUSED, FUSED)] * 3
    for whole, batch in ((True, 1), (False, 3)):
        fuser = Fuser(made(whole=whole))
        fuser.fuse_batch(pairs)
        assert fuser.method.seen[0].shape[0] == batch


def test_contiguous_methods_stay_so() -> None:
    class Held(Echo):
        layout = "contiguous"

        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Conv2d(3, 3, 3)

    fuser = Fuser(Held())
    for _ in range(2):
        assert fuser.layout == torch.contiguous_format
        assert fuser.method.net.weight.is_contiguous()  # type: ignore[attr-defined,operator]
        fuser.use_layout(torch.channels_last)


def test_rgb_to_luma_sees_colours_and_gives_luma() -> None:
    fuser = Fuser(made(space="rgb_to_luma", published=ImageStyle(merge="ycbcr6", ir_reader="red")))
    fused = fuser.fuse_pair(COLOURS, COLOURS)
    ir, vis = fuser.method.seen
    assert (ir.shape, vis.shape) == ((1, 1, 64, 80), (1, 3, 64, 80))
    np.testing.assert_array_equal(fuser.fuse_luma(COLOURS, COLOURS), COLOURS[..., 0])
    wanted = colour.quantise(colour.ycbcr6(COLOURS, COLOURS[..., 0].astype(float)))
    assert np.abs(fused.astype(int) - wanted).max() <= 1
    with pytest.raises(BenchError, match="fuses colours"):
        Fuser(made(space="rgb")).fuse_luma(COLOURS, COLOURS)


def test_the_authors_size_is_taken_only_when_asked_for() -> None:
    method = made(space="rgb_to_luma", working_size=(32, 48), published=ImageStyle(merge="cv2_hsv"))
    assert Fuser(method).fuse_pair(FUSED, COLOURS).shape == COLOURS.shape
    fuser = Fuser(method, authors_size=True)
    assert fuser.fuse_pair(FUSED, COLOURS).shape == (32, 48, 3)
    ir, vis = fuser.method.seen
    np.testing.assert_allclose(ir[0, 0] * 255, resize(FUSED, (32, 48), "pillow"), atol=1e-4)
    for planes, by in ((vis[0, :3], "pillow"), (vis[0, 3:], "opencv")):
        np.testing.assert_allclose(planes.permute(1, 2, 0) * 255, resize(COLOURS, (32, 48), by), atol=1e-4)  # type: ignore[arg-type]


def test_outputs_beyond_the_range_are_refused_unless_declared() -> None:
    class Far(Echo):
        gain: ClassVar[float] = 5.0

        def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
            return vis * self.gain

    white = np.full((8, 8), 255, np.uint8)
    with pytest.raises(BenchError, match="wanted 0 to 1"):
        Fuser(Far()).fuse_pair(white, white)
    assert Fuser(type("Free", (Far,), {"clips": True})()).fuse_pair(white, white).min() == 255


def test_strips_give_what_the_whole_gives() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 4, 5, padding=2, padding_mode="reflect"), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))
    images = [torch.rand(1, 1, 53, 20) for _ in range(2)]
    with torch.no_grad():
        whole = net(torch.cat(images, 1))
        strips = in_strips(lambda a, b: net(torch.cat([a, b], 1)), images, rows=8, radius=3, align=2)
        short = in_strips(lambda a, b: net(torch.cat([a, b], 1)), images, rows=8, radius=1)
    torch.testing.assert_close(strips, whole, atol=1e-6, rtol=0)
    assert float((short - whole).abs().max()) > 1e-4
    with pytest.raises(ValueError, match="strips of 7 rows"):
        in_strips(net, images, rows=7, radius=3, align=2)


def test_large_images_of_a_local_method_go_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counted(Echo):
        radius = 2
        multiple = 4

        def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
            heights.append(vis.shape[-2])
            return super().fuse(ir, vis)

    heights: list[int] = []
    monkeypatch.setattr("bench.fusion.harness.STRIP_PIXELS", 64 * 80 - 1)
    np.testing.assert_array_equal(Fuser(Counted()).fuse_pair(FUSED, FUSED), as_rgb(FUSED))
    assert max(heights) <= 20 + 8
    assert len(heights) > 3
    heights.clear()
    Fuser(type("Global", (Counted,), {"whole": True, "multiple": 1})()).fuse_pair(FUSED, FUSED)
    assert heights == [64]
