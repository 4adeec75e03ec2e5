"""MST-SR (LP-SR): pixel for pixel VIFB's published images, and every step against a slow version of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image as PillowImage
from safetensors.torch import save_file
from scipy.io import savemat

from bench.errors import BenchError
from bench.images import read_image
from methods import create
from methods._classical.dictionary import load_dictionary, read_matlab
from methods._classical.lp_sr import choose_details, expand, fuse_base, fuse_lp_sr, mirror, reduce
from methods._classical.sparse_coding import encode
from methods.mst_sr import MSTSRMethod

Array = NDArray[np.float64]
SMALL = 100_000
"""Pixels; larger pairs are left to the slow tests."""


@pytest.fixture(scope="session")
def published_weights(shared: Path) -> Path:
    return shared / "weights" / "published"


def worst_difference(shared: Path, name: str) -> int | None:
    """Of our image, after the JPEG that VIFB saved, and VIFB's; None where it published nothing."""
    sources = (read_image(shared / "data" / "VIFB" / kind / f"{name}.jpg") for kind in ("ir", "vi"))
    fused = create("mst_sr", weights=shared / "weights" / "published").fuse_pair(*sources)
    path = shared / "reference" / "vifb_published" / f"{name}_LP_SR.jpg"
    if not path.is_file():
        return None
    buffer = io.BytesIO()
    PillowImage.fromarray(fused).save(buffer, "JPEG", quality=75, subsampling=2)
    ours, theirs = (np.asarray(PillowImage.open(file)).astype(int) for file in (buffer, path))
    return int(np.abs(ours - theirs).max())


def vifb_pairs(shared: Path, largest: float) -> list[str]:
    names = []
    for path in sorted((shared / "data" / "VIFB" / "vi").iterdir()):
        with PillowImage.open(path) as image:
            if image.width * image.height < largest:
                names.append(path.stem)
    return names


def test_small_published_images_come_out_pixel_for_pixel(shared: Path, cache: Path) -> None:
    seen = {name: worst_difference(shared, name) for name in vifb_pairs(shared, SMALL)}
    assert set(seen.values()) <= {0, None}, seen
    assert list(seen.values()).count(0) >= 4


@pytest.mark.slow
def test_all_published_images_come_out_pixel_for_pixel(shared: Path, cache: Path) -> None:
    seen = {name: worst_difference(shared, name) for name in vifb_pairs(shared, np.inf)}
    assert len(seen) == 21
    assert set(seen.values()) <= {0, None}, seen
    assert list(seen.values()).count(0) >= 11


# ------------------------------------------------------------------ the sheet, in loops


def mirror_slowly(image: Array, border: int) -> Array:
    height, width = image.shape
    out = np.zeros((height + 2 * border, width + 2 * border))
    out[border:-border, border:-border] = image
    for step in range(1, border + 1):
        out[border - step, border:-border] = image[step]
        out[border + height - 1 + step, border:-border] = image[height - 1 - step]
        out[border:-border, border - step] = image[:, step]
        out[border:-border, border + width - 1 + step] = image[:, width - 1 - step]
    return out


def blur_slowly(image: Array, scale: float) -> Array:
    kernel = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) * scale
    bordered = mirror_slowly(image, 2)
    out = np.empty_like(image)
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            out[row, column] = (bordered[row : row + 5, column : column + 5] * kernel).sum()
    return out


def with_zeros(image: Array) -> Array:
    out = np.zeros((2 * image.shape[0], 2 * image.shape[1]))
    out[::2, ::2] = image
    return out


def choose_slowly(one: Array, other: Array) -> Array:
    def activity(high: Array) -> Array:
        magnitude = np.abs(mirror_slowly(high, 1))
        padded = np.pad(magnitude, 1)
        return np.array(
            [[padded[r : r + 3, c : c + 3].max() for c in range(magnitude.shape[1])] for r in range(magnitude.shape[0])]
        )

    wins = activity(one) > activity(other)
    out = np.empty_like(one)
    for row in range(one.shape[0]):
        for column in range(one.shape[1]):
            votes = wins[row : row + 3, column : column + 3].sum()
            out[row, column] = (one if votes >= 5 else other)[row, column]
    return out


def pursue_slowly(signal: Array, dictionary: Array, tolerance: float) -> Array:
    """Textbook OMP: choose, solve the least squares anew, repeat."""
    chosen: list[int] = []
    code, residual = np.zeros(dictionary.shape[1]), signal.copy()
    while residual @ residual > tolerance**2 and len(chosen) < len(signal):
        best = int(np.argmax(np.abs(dictionary.T @ residual)))
        if best in chosen or (dictionary[:, best] @ residual) ** 2 < 1e-14:
            break
        if chosen:
            part = dictionary[:, chosen]
            rest = dictionary[:, best] - part @ np.linalg.lstsq(part, dictionary[:, best], rcond=None)[0]
            if rest @ rest <= 1e-14:
                break
        chosen.append(best)
        values = np.linalg.lstsq(dictionary[:, chosen], signal, rcond=None)[0]
        residual = signal - dictionary[:, chosen] @ values
    if chosen:
        code[chosen] = values
    return code


def fuse_base_slowly(ir: Array, vis: Array, dictionary: Array) -> Array:
    height, width = vis.shape
    total, count = np.zeros_like(vis), np.zeros_like(vis)
    for row in range(0, height - 7, 2):
        for column in range(0, width - 7, 2):
            best: tuple[float, Array] | None = None
            for image in (ir, vis):
                patch = image[row : row + 8, column : column + 8].ravel()
                code = pursue_slowly(patch - patch.mean(), dictionary, 0.1)
                if best is None or best[0] < np.abs(code).sum():
                    best = np.abs(code).sum(), (dictionary @ code + patch.mean()).reshape(8, 8)
            assert best is not None
            total[row : row + 8, column : column + 8] += best[1]
            count[row : row + 8, column : column + 8] += 1
    return np.where(count > 0, total / np.maximum(count, 1), (ir + vis) / 2)


def fuse_slowly(ir: Array, vis: Array, dictionary: Array) -> Array:
    levels = []
    for _ in range(4):
        height, width = vis.shape
        parts = []
        for image in (ir, vis):
            even = np.pad(image, ((0, height % 2), (0, width % 2)), mode="reflect")
            low = blur_slowly(even, 1 / 256)[::2, ::2]
            parts.append((low, even - blur_slowly(with_zeros(low), 1 / 64)))
        levels.append((choose_slowly(parts[0][1], parts[1][1]), (height, width)))
        ir, vis = parts[0][0], parts[1][0]
    fused = fuse_base_slowly(ir, vis, dictionary)
    for high, (height, width) in reversed(levels):
        fused = (blur_slowly(with_zeros(fused), 1 / 64) + high)[:height, :width]
    return fused


def image(seed: int, *shape: int) -> Array:
    """Blobs of four sizes, whole numbers 0 to 255."""
    generator = np.random.default_rng(seed)
    total = np.zeros(shape)
    for scale in (1, 4, 16, 32):
        coarse = generator.normal(size=[*shape[:-2], *(-(-length // scale) for length in shape[-2:])])
        total += coarse.repeat(scale, -1).repeat(scale, -2)[..., : shape[-2], : shape[-1]]
    return np.round(255 * (total - total.min()) / np.ptp(total))


@pytest.fixture(scope="module")
def dictionary() -> torch.Tensor:
    return load_dictionary(None)


@pytest.mark.parametrize("size", [(6, 8), (7, 3), (4, 4)])
@pytest.mark.parametrize("border", [1, 2])
def test_mirror_leaves_the_corners_empty(size: tuple[int, int], border: int) -> None:
    values = image(0, *size)
    assert np.array_equal(mirror(torch.from_numpy(values)[None], border)[0].numpy(), mirror_slowly(values, border))


@pytest.mark.parametrize("size", [(4, 4), (10, 16), (18, 6)])
def test_halving_is_the_binomial_kernel(size: tuple[int, int]) -> None:
    values = image(1, *size)
    assert np.array_equal(reduce(torch.from_numpy(values)[None])[0].numpy(), blur_slowly(values, 1 / 256)[::2, ::2])


@pytest.mark.parametrize("size", [(2, 2), (5, 8), (9, 3)])
def test_doubling_is_the_kernel_between_zeros(size: tuple[int, int]) -> None:
    values = image(2, *size)
    assert np.array_equal(expand(torch.from_numpy(values)[None])[0].numpy(), blur_slowly(with_zeros(values), 1 / 64))


def test_details_follow_the_majority() -> None:
    one, other = (np.random.default_rng(seed).integers(-9, 10, (9, 12)).astype(float) for seed in (0, 1))
    chosen = choose_details(*(torch.from_numpy(high)[None] for high in (one, other)))[0].numpy()
    assert np.array_equal(chosen, choose_slowly(one, other))
    assert not np.array_equal(chosen, one)
    assert not np.array_equal(chosen, other)


def signals(count: int) -> Array:
    values = np.random.default_rng(5).normal(size=(count, 64)) * np.geomspace(0.01, 60, count)[:, None]
    return values - values.mean(axis=1, keepdims=True)


@pytest.mark.parametrize("count", [1, 7, 300])
def test_codes_equal_a_pursuit_of_one_signal_at_a_time(count: int, dictionary: torch.Tensor) -> None:
    values = signals(count)
    codes = encode(torch.from_numpy(values), dictionary, 0.1).numpy()
    for signal, code in list(zip(values, codes, strict=True))[:: max(1, count // 40)]:
        assert np.allclose(code, pursue_slowly(signal, dictionary.numpy(), 0.1), rtol=1e-8, atol=1e-9)


def test_codes_keep_the_tolerance_with_few_atoms(dictionary: torch.Tensor) -> None:
    values = torch.from_numpy(signals(200))
    codes = encode(values, dictionary, 0.1)
    assert float((values - codes @ dictionary.T).norm(dim=1).max()) <= 0.1 * (1 + 1e-9)
    assert int((codes != 0).sum(dim=1).max()) <= 64
    assert not bool(codes[values.norm(dim=1) <= 0.1].any())
    assert bool(codes[values.norm(dim=1) > 0.1].any(dim=1).all())


def test_a_signal_made_of_one_atom_gets_that_atom(dictionary: torch.Tensor) -> None:
    codes = encode(-7 * dictionary[:, [3, 200]].T.contiguous(), dictionary, 0.1)
    expected = torch.zeros(2, 256, dtype=torch.float64)
    expected[0, 3], expected[1, 200] = -7, -7
    assert torch.allclose(codes, expected, rtol=0, atol=1e-9)


def test_a_poor_dictionary_ends_the_pursuit() -> None:
    poor = torch.eye(64, dtype=torch.float64)[:, :2].repeat(1, 2)  # two atoms, each twice
    codes = encode(torch.ones(3, 64, dtype=torch.float64), poor, 0.1)
    assert codes.tolist() == [[1, 1, 0, 0]] * 3


def test_no_signals_no_codes(dictionary: torch.Tensor) -> None:
    assert encode(torch.empty(0, 64, dtype=torch.float64), dictionary, 0.1).shape == (0, 256)


@pytest.mark.parametrize("size", [(8, 8), (12, 17), (7, 20)])
def test_base_equals_a_loop_over_patches(size: tuple[int, int], dictionary: torch.Tensor) -> None:
    ir, vis = (image(seed, *size) for seed in (3, 4))
    fused = fuse_base(*(torch.from_numpy(part)[None] for part in (ir, vis)), dictionary)[0].numpy()
    assert np.allclose(fused, fuse_base_slowly(ir, vis, dictionary.numpy()), rtol=0, atol=1e-8)


def test_ties_go_to_infrared_mean_and_all(dictionary: torch.Tensor) -> None:
    ir, vis = (torch.full((1, 8, 8), value, dtype=torch.float64) for value in (30.0, 90.0))
    assert torch.equal(fuse_base(ir, vis, dictionary), ir)


@pytest.mark.parametrize("size", [(150, 133), (128, 160)])
def test_the_whole_equals_the_slow_version(size: tuple[int, int], dictionary: torch.Tensor) -> None:
    ir, vis = (image(seed, *size) for seed in (5, 6))
    fused = fuse_lp_sr(*(torch.from_numpy(part)[None] for part in (ir, vis)), dictionary)[0].numpy()
    expected = fuse_slowly(ir, vis, dictionary.numpy())
    assert np.allclose(fused, expected, rtol=0, atol=1e-8)
    assert np.abs(expected - (ir + vis) / 2).max() > 20


def test_one_infrared_channel_serves_three_visible_ones(dictionary: torch.Tensor) -> None:
    ir, vis = torch.from_numpy(image(7, 1, 130, 129)), torch.from_numpy(image(8, 3, 130, 129))
    together = fuse_lp_sr(ir, vis, dictionary)
    for channel in range(3):
        assert torch.allclose(together[channel], fuse_lp_sr(ir, vis[channel : channel + 1], dictionary)[0], atol=1e-9)
    assert torch.allclose(together, fuse_lp_sr(ir.repeat(3, 1, 1), vis, dictionary), atol=1e-9)


# ------------------------------------------------------------------ images and weights


def fuse(ir: Array, vis: Array, way: str = "published") -> NDArray[np.uint8]:
    from bench.fusion.harness import Fuser

    return Fuser(MSTSRMethod(), way=way).fuse_pair(ir.astype(np.uint8), vis.astype(np.uint8))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (2, 3), (3, 3), (5, 4), (17, 16), (33, 127)])
def test_tiny_images_are_fused(size: tuple[int, int]) -> None:
    ir, vis = image(9, *(max(length, 2) for length in size)), image(10, *(max(length, 2) for length in size))
    ir, vis = ir[: size[0], : size[1]], vis[: size[0], : size[1]]
    assert fuse(ir, vis).shape == (*size, 3)


def test_equal_sources_come_back() -> None:
    same = image(11, 136, 150)
    assert np.abs(fuse(same, same)[..., 0] - same).max() <= 1


def test_grey_pairs_give_the_same_in_every_way() -> None:
    ir, vis = image(12, 140, 130), image(13, 140, 130)
    published, plain = fuse(ir, vis), fuse(ir, vis, "plain")
    assert np.array_equal(published, plain)
    assert np.array_equal(published, fuse(ir, vis[..., None].repeat(3, -1)))


def test_colour_is_by_channel_as_published_and_by_luma_in_the_plain_way() -> None:
    ir, vis = image(14, 140, 130), np.moveaxis(image(15, 3, 140, 130), 0, -1)
    published, plain = fuse(ir, vis), fuse(ir, vis, "plain")
    for channel in range(3):
        assert np.array_equal(published[..., channel], fuse(ir, vis[..., channel])[..., 0])
    inside = ((plain > 0) & (plain < 255)).all(axis=2)
    chroma = [values[..., 0].astype(int) - values[..., 2].astype(int) for values in (plain, vis)]
    assert np.abs(chroma[0] - chroma[1])[inside].max() <= 1
    assert np.abs(published.astype(int) - plain).max() > 10


def test_patches_are_turned_from_columns_to_rows(tmp_path: Path) -> None:
    by_columns = np.arange(64 * 256, dtype=float).reshape(64, 256)
    savemat(tmp_path / "d.mat", {"D": by_columns})
    by_rows = read_matlab(tmp_path / "d.mat").numpy()
    for row, column in ((0, 0), (2, 5), (7, 1)):
        assert np.array_equal(by_rows[8 * row + column], by_columns[8 * column + row])


def test_published_dictionary_has_the_norm_and_no_mean(published_weights: Path) -> None:
    published = MSTSRMethod.convert([published_weights / MSTSRMethod.info.weights[0].path])["dictionary"]
    assert published.dtype == torch.float64
    assert torch.allclose(published.norm(dim=0), torch.ones(256, dtype=torch.float64))
    assert float(published.sum(dim=0).abs().max()) < 1e-12


def test_columns_are_brought_to_unit_norm(tmp_path: Path) -> None:
    save_file({"dictionary": load_dictionary(None) * 3}, tmp_path / "d.safetensors")
    assert torch.allclose(load_dictionary(tmp_path / "d.safetensors"), load_dictionary(None))


@pytest.mark.parametrize(
    ("write", "text"),
    [
        (lambda path: path.write_bytes(b"not MATLAB"), "not a readable MATLAB file"),
        (lambda path: None, "not a readable MATLAB file"),
        (lambda path: savemat(path, {"E": np.ones((64, 256))}), "has no tensor 'D'"),
        (lambda path: savemat(path, {"D": np.ones((64, 128))}), r"is of shape \(64, 128\), wanted \(64, 256\)"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, write: Callable[[Path], object], text: str) -> None:
    write(tmp_path / "d.mat")
    with pytest.raises(BenchError, match=text):
        MSTSRMethod.convert([tmp_path / "d.mat"])
