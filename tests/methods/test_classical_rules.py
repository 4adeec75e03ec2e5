"""Rules and decompositions of single classical methods, against loops and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.io import savemat

from bench.errors import BenchError
from methods._classical.block_svd import left_singular_vectors
from methods._classical.enhancement import enhance
from methods._classical.features import background, quadtree
from methods._classical.guided import Window
from methods._classical.hybrid import perceptual_saliency
from methods._classical.latent_low_rank import fuse_latlrr
from methods._classical.mat_file import read_variables
from methods._classical.nuclear_norm import gram, nuclear_norms, tridiagonalise
from methods._classical.saliency import rolling_guidance, visual_saliency, wrapped_mean
from methods._classical.weighted_pyramid import double, fuse_pyramids, halve, laplacian, spread_decisions
from methods._nets.cnn_liu import SiameseCNN
from methods.cnn_liu import CNNLiuMethod

Array = NDArray[np.float64]


def random(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).random(shape)


# ------------------------------------------------------------------ MSVD


@pytest.mark.parametrize("count", [4, 5, 300])
def test_singular_vectors_are_a_librarys_up_to_their_signs(count: int) -> None:
    blocks = random(0, 4, count) + 0.3
    vectors = left_singular_vectors(blocks)
    expected = np.linalg.svd(blocks, full_matrices=False)[0]
    assert np.allclose(vectors.T @ vectors, np.eye(4), rtol=0, atol=1e-12)
    assert np.allclose(np.abs((vectors * expected).sum(axis=0)), 1, rtol=0, atol=1e-9)


def test_rounding_does_not_turn_a_vector() -> None:
    for seed in range(20):
        blocks = random(seed, 4, 200)
        near = blocks * (1 + 1e-14 * np.random.default_rng(seed + 100).normal(size=blocks.shape))
        assert np.allclose(left_singular_vectors(blocks), left_singular_vectors(near), rtol=0, atol=1e-9)


@pytest.mark.parametrize("blocks", [np.zeros((4, 9)), np.ones((4, 9)), np.eye(4), np.diag([1.0, 0, 2, 0])])
def test_singular_blocks_have_vectors_too(blocks: Array) -> None:
    vectors = left_singular_vectors(blocks)
    assert np.allclose(vectors.T @ vectors, np.eye(4), rtol=0, atol=1e-12)
    spread = np.square(vectors.T @ blocks).sum(axis=1)
    assert (np.diff(spread) <= 1e-12).all()


# ------------------------------------------------------------------ TIF and VSMWLS


@pytest.mark.parametrize("size", [(40, 50), (17, 21), (5, 3)])
def test_the_mean_of_tif_wraps_around(size: tuple[int, int]) -> None:
    image = 255 * random(3, *size)
    padded = np.pad(image, 17, mode="wrap")
    seen = wrapped_mean(image)
    for row, column in ((0, 0), (size[0] - 1, size[1] - 1), (size[0] // 2, 1)):
        assert seen[row, column] == pytest.approx(padded[row : row + 35, column : column + 35].mean(), rel=1e-13)


def test_visual_saliency_is_the_distance_to_all_pixels() -> None:
    image = np.random.default_rng(4).integers(0, 256, (12, 9), dtype=np.uint8)
    distance = np.abs(image.astype(float)[:, :, None, None] - image).sum(axis=(2, 3))
    expected = (distance - distance.min()) / np.ptp(distance)
    assert np.allclose(visual_saliency(image), expected, rtol=0, atol=1e-12)
    assert not visual_saliency(np.full((4, 4), 9, np.uint8)).any()


def test_rolling_guidance_removes_the_small_and_keeps_the_large() -> None:
    image = np.full((80, 80), 0.2)
    image[:, 40:] = 0.9
    image[20, 20] = 1.0
    smooth = rolling_guidance(image, 2.0, Window(image.shape, 2))
    assert abs(smooth[20, 20] - 0.2) < 0.05
    assert smooth[60, 42] - smooth[60, 37] > 0.6


# ------------------------------------------------------------------ IFEVIP


def test_the_quadtree_splits_what_spreads() -> None:
    image = np.zeros((512, 512), np.uint8)
    assert list(quadtree(image)) == [(512, 0, 0)]
    image[300, 20] = 52
    leaves = list(quadtree(image))
    assert sum(side**2 for side, _, _ in leaves) == 512**2
    assert {side for side, _, _ in leaves} == {256, 128, 64, 32}
    assert (32, 288, 0) in leaves
    image[300, 20] = 51
    assert list(quadtree(image)) == [(512, 0, 0)]


def test_the_background_has_no_hot_spot() -> None:
    ir = np.full((200, 160), 60, np.uint8)
    ir[90:96, 70:76] = 250
    inner = background(ir)[20:-20, 20:-20]
    assert np.abs(inner - 60).max() <= 20  # bicubic resizing undershoots beside it


# ------------------------------------------------------------------ HMSD-GF and GFCE


def test_perceptual_saliency_grows_with_contrast() -> None:
    image = np.add.outer(np.arange(90), np.arange(100)) % 17.0
    assert perceptual_saliency(2 * image) == pytest.approx(2 * perceptual_saliency(image))
    assert perceptual_saliency(np.full((90, 100), 7.0)) == 0


def test_perceptual_saliency_of_one_tile_is_its_filtered_energy() -> None:
    image = 255 * random(5, 42, 43)
    inner = image[1:-1, 1:-1]
    total = weight = 0.0
    rows = np.arange(-20, 20) / 20
    for left, width in ((0, 40), (40, 1)):
        tile = inner[:, left : left + width]
        columns = np.arange(-(width // 2), -(width // 2) + width) / max(width / 2, 1)
        radius = 16 * np.sqrt(rows[:, None] ** 2 + columns**2)
        passed = 2.6 * (0.0192 + 0.114 * radius) * np.exp(-((0.114 * radius) ** 1.1))
        energy = np.sqrt((np.abs(np.fft.fftshift(np.fft.fft2(tile)) * passed) ** 2).sum()) / tile.size
        sobel = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
        strength = 0.0
        for row in range(40):
            for column in range(left, left + width):
                window = image[row : row + 3, column : column + 3]
                strength += (window * sobel).sum() ** 2 + (window * sobel.T).sum() ** 2
        total, weight = total + energy * strength, weight + strength
    assert perceptual_saliency(image) == pytest.approx(total / weight)


def test_enhancement_lifts_the_dark_and_leaves_constants() -> None:
    image = np.linspace(0, 255, 200)[None].repeat(120, axis=0)
    image[::2] *= 0.9
    enhanced = enhance(image)
    assert enhanced[:, :60].mean() > 1.5 * image[:, :60].mean()
    assert 0 < enhanced.min() < enhanced.max() <= 255
    assert np.array_equal(enhance(np.full((70, 70), 33.0)), np.full((70, 70), 33.0))


# ------------------------------------------------------------------ LatLRR


def salient_blocks(seed: int, count: int) -> Array:
    """Smooth and rough, bright and empty."""
    generator = np.random.default_rng(seed)
    smooth = generator.random((8, 1, count)) * generator.random((1, 8, count))
    return smooth + generator.normal(size=(8, 8, count)) * 10.0 ** generator.uniform(-4, 0, count)


@pytest.mark.parametrize("count", [1, 7, 4000])
def test_nuclear_norms_are_sums_of_singular_values(count: int) -> None:
    blocks = salient_blocks(6, count)
    expected = np.linalg.svd(blocks.transpose(2, 0, 1), compute_uv=False).sum(axis=1)
    assert np.allclose(nuclear_norms(blocks), expected, rtol=1e-8, atol=0)


def test_nuclear_norms_of_degenerate_matrices() -> None:
    blocks = np.zeros((8, 8, 600))
    blocks[:, :, 1] = np.eye(8)
    blocks[:, :, 2] = 1.0
    blocks[3, 5, 3] = -2.0
    blocks[:, :, 4] = np.diag(np.arange(8.0))
    blocks[:, :, 5] = 1e-160
    seen = nuclear_norms(blocks)
    assert np.allclose(seen[1:5], [8, 8, 2, 28], rtol=1e-9)
    assert np.allclose(seen[5:], 0, rtol=0, atol=1e-30)
    assert seen[0] < 1e-30


def test_reduction_keeps_the_eigenvalues() -> None:
    blocks = salient_blocks(7, 40)
    products = gram(blocks)
    full = np.einsum("rkn,skn->nrs", blocks, blocks)
    lower = products.transpose(2, 0, 1)
    assert np.allclose(np.tril(lower), np.tril(full), rtol=0, atol=1e-12)
    diagonal, squared = tridiagonalise(products)
    for index in range(40):
        off = np.diag(np.sqrt(squared[:, index]), 1)
        reduced = np.diag(diagonal[:, index]) + off + off.T
        assert np.allclose(np.linalg.eigvalsh(reduced), np.linalg.eigvalsh(full[index]), rtol=0, atol=1e-10)


def latlrr_slowly(ir: Array, vis: Array, projection: Array) -> Array:
    """Patch by patch, four levels, the sum of details never emptied."""
    height, width = ir.shape
    images, kept, fused = [ir, vis], np.zeros_like(ir), np.zeros_like(ir)
    for _ in range(4):
        details, count = [np.zeros_like(ir), np.zeros_like(ir)], np.zeros_like(ir)
        for row in range(height - 7):
            for column in range(width - 7):
                at = (slice(row, row + 8), slice(column, column + 8))
                parts = [(projection @ image[at].ravel(order="F")).reshape(8, 8, order="F") for image in images]
                norms = [np.linalg.norm(part, "nuc") for part in parts]
                for detail, part in zip(details, parts, strict=True):
                    detail[at] += part
                kept[at] += (norms[0] * parts[0] + norms[1] * parts[1]) / sum(norms)
                count[at] += 1
        images = [image - detail / count for image, detail in zip(images, details, strict=True)]
        fused += kept / count
    return 0.5 * images[0] + 0.5 * images[1] + fused


@pytest.mark.parametrize("size", [(8, 8), (11, 19)])
def test_latlrr_equals_a_loop_over_patches(size: tuple[int, int]) -> None:
    generator = np.random.default_rng(8)
    ir, vis = generator.integers(0, 256, size, dtype=np.uint8), generator.integers(0, 256, (2, *size), dtype=np.uint8)
    projection = 0.3 * np.eye(64) + generator.normal(size=(64, 64)) / 300
    fused = fuse_latlrr(ir, vis, projection)
    for plane, seen in zip(vis, fused, strict=True):
        assert np.allclose(seen, 255 * latlrr_slowly(ir / 255, plane / 255, projection), rtol=0, atol=1e-6)


# ------------------------------------------------------------------ CNN


def test_decisions_are_averaged_over_the_windows_that_hold_a_pixel() -> None:
    height, width = 33, 40
    decisions = random(9, 17 - 7, 20 - 7)
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for row, column in np.ndindex(decisions.shape):
        at = (slice(2 * row, 2 * row + 16), slice(2 * column, 2 * column + 16))
        total[at] += decisions[row, column]
        count[at] += 1
    assert np.allclose(spread_decisions(decisions, (height, width), 16), total / count, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [(8, 8), (9, 14), (2, 3)])
def test_halving_and_doubling_follow_their_definitions(size: tuple[int, int]) -> None:
    image, taps = random(10, *size), np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256
    padded = np.pad(image, 2, mode="symmetric")
    half = halve(image)
    for row, column in np.ndindex(half.shape):
        window = padded[2 * row : 2 * row + 5, 2 * column : 2 * column + 5]
        assert half[row, column] == pytest.approx((window * taps).sum(), abs=1e-12)
    spaced = np.zeros([2 * (length + 2) + 4 for length in half.shape])
    spaced[2:-2:2, 2:-2:2] = 4 * np.pad(half, 1, mode="edge")
    back = double(half, size)
    for row, column in np.ndindex(size):
        window = spaced[row + 2 : row + 7, column + 2 : column + 7]
        assert back[row, column] == pytest.approx((window * taps).sum(), abs=1e-12)


def test_a_pyramid_of_one_source_is_the_source() -> None:
    one, other = random(11, 70, 91), random(12, 70, 91)
    assert len(laplacian(one, 6)) == 6
    assert np.allclose(fuse_pyramids(one, one, random(13, 70, 91)), one, rtol=0, atol=1e-12)
    assert not np.allclose(fuse_pyramids(one, other, np.ones((70, 91))), one, rtol=0, atol=1e-3)


def test_the_network_looks_through_a_window_of_sixteen() -> None:
    net = SiameseCNN().eval()
    for size, expected in (((15, 15), (1, 1)), ((32, 33), (9, 10)), ((31, 48), (9, 17))):
        image = torch.rand(1, 1, *size)
        with torch.inference_mode():
            share = net(image, torch.rand(1, 1, *size))
        assert share.shape == (1, *expected)
        assert share.dtype == torch.float64
        assert 0 <= float(share.min()) <= float(share.max()) <= 1


def cnn_file(path: str) -> dict[str, Array]:
    generator = np.random.default_rng(14)
    shapes = {
        "weights_b1_1": (9, 64), "biases_b1_1": (64, 1), "weights_b1_2": (64, 9, 128), "biases_b1_2": (128, 1),
        "weights_b1_3": (128, 9, 256), "biases_b1_3": (256, 1), "weights_output": (512, 64, 2),
    }  # fmt: skip
    stored = {name: generator.normal(size=shape) for name, shape in shapes.items()}
    savemat(path, {name: values.astype(np.float32) for name, values in stored.items()})
    return stored


def test_patches_of_the_network_are_unrolled_by_columns(tmp_path) -> None:  # type: ignore[no-untyped-def]
    stored = cnn_file(tmp_path / "net.mat")
    tensors = CNNLiuMethod.convert([tmp_path / "net.mat"])
    SiameseCNN().load_state_dict(tensors)
    for row, column in ((0, 2), (1, 0), (2, 1)):
        place = row + 3 * column
        assert np.allclose(tensors["first.weight"][:, 0, row, column], stored["weights_b1_1"][place])
        assert np.allclose(tensors["third.weight"][:, :, row, column].T, stored["weights_b1_3"][:, place])
    assert np.allclose(tensors["decide.weight"][:, :, 5, 2].T, stored["weights_output"][:, 5 + 8 * 2])


def test_other_matlab_files_are_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    savemat(tmp_path / "x.mat", {"L_8": np.zeros((3, 3))})
    with pytest.raises(BenchError, match=r"'L_8' is of shape \(3, 3\)"):
        read_variables(tmp_path / "x.mat", {"L_8": (64, 64)})
    with pytest.raises(BenchError, match="has no tensor 'D'"):
        read_variables(tmp_path / "x.mat", {"D": (64, 256)})
    (tmp_path / "y.mat").write_bytes(b"not MATLAB")
    with pytest.raises(BenchError, match="not a readable MATLAB file"):
        read_variables(tmp_path / "y.mat", {"L_8": (64, 64)})
