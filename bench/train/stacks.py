"""Image sets held on the device as bytes, so that a training step waits for neither disk nor host."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.colour import luma_uint8
from bench.data.pairs import read_pair
from bench.data.truth import read_labels
from bench.errors import BenchError
from bench.images import as_rgb
from bench.types import Image, PairFiles


@dataclass(frozen=True, slots=True, eq=False)
class PairStack:
    """Source pairs of one size.

    Attributes:
        ids: pair names; the name of each piece's pair.
        ir: uint8 (N, 1, H, W).
        vis: uint8 (N, 3, H, W) RGB.
        labels: uint8 (N, H, W) class ids, 255 ignored; None where they were not asked for.
    """

    ids: tuple[str, ...]
    ir: Tensor
    vis: Tensor
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, eq=False)
class LabelledStack:
    """Images of one size with their labels.

    Attributes:
        images: uint8 (N, 3, H, W) RGB.
        labels: uint8 (N, H, W) class ids, 255 ignored.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.images)


def load_pairs(
    pairs: Sequence[PairFiles], device: str | torch.device, classes: int | None = None, scale: float = 1.0
) -> PairStack:
    """Reads pairs into one stack; images of several sizes are cut into pieces of the smallest height and width.

    Args:
        pairs: pieces cover each image evenly, and overlap where they must.
        device: where the stack shall lie.
        classes: how many there are, if labels are wanted.
        scale: images are shrunk to this share of their size (area means; labels by nearest neighbour).

    Raises:
        BenchError: no pairs, a file is broken, or labels are missing, of another size or unknown.
    """
    if not pairs:
        raise BenchError("a training set without a single pair; check the data root, or choose another data set")

    def read(files: PairFiles) -> tuple[Image, Image, Image | None]:
        pair = read_pair(files)
        vis = as_rgb(pair.vis)
        labels = None if classes is None else read_labels_of(files, classes, vis.shape[:2])
        return shrink(luma_uint8(pair.ir), scale), shrink(vis, scale), _shrink_labels(labels, scale)

    whole = _in_threads(read, pairs)
    smallest = [min(images[0].shape[axis] for images in whole) for axis in (0, 1)]
    cut = [
        (files.id, *(image if image is None else image[window] for image in images))
        for files, images in zip(pairs, whole, strict=True)
        for window in _windows(images[0].shape, smallest)
    ]
    names, ir, vis, labels = zip(*cut, strict=True)
    return PairStack(
        names,
        torch.from_numpy(np.stack(ir)[:, None]).to(device),
        _channels_first(vis).to(device),
        None if classes is None else torch.from_numpy(np.stack(labels)).to(device),
    )


def _windows(shape: tuple[int, ...], smallest: Sequence[int]) -> Iterator[tuple[slice, slice]]:
    """Windows of one size that cover an image evenly."""
    rows, columns = (
        [slice(start, start + size) for start in np.linspace(0, length - size, -(-length // size)).round().astype(int)]
        for length, size in zip(shape, smallest, strict=False)
    )
    yield from product(rows, columns)


def load_labelled(
    images: Sequence[Callable[[], Image]],
    files: Sequence[PairFiles],
    device: str | torch.device,
    classes: int,
    scale: float = 1.0,
) -> LabelledStack:
    """Reads images (fused, say) and the labels of their pairs into one stack; else as ``load_pairs``."""

    def read(index: int) -> tuple[Image, Image]:
        image = as_rgb(images[index]())
        labels = read_labels_of(files[index], classes, image.shape[:2])
        shrunk = _shrink_labels(labels, scale)
        assert shrunk is not None  # noqa: S101 - for the type checker
        return shrink(image, scale), shrunk

    if not images:
        raise BenchError("a training set without a single image; fuse the train part first")
    pictures, labels = zip(*_in_threads(read, range(len(images))), strict=True)
    _check_one_size(files, pictures)
    return LabelledStack(_channels_first(pictures).to(device), torch.from_numpy(np.stack(labels)).to(device))


def read_labels_of(files: PairFiles, classes: int, size: tuple[int, ...]) -> Image:
    """A pair's labels, checked against the size of its images.

    Raises:
        BenchError: missing, unreadable, of another size, or with ids that are neither a class nor 255.
    """
    if files.label_path is None:
        raise BenchError(f"{files.dataset} {files.id}: has no segmentation labels; fetch them, or leave the task out")
    labels = read_labels(files.label_path, classes)
    if labels.shape != tuple(size):
        raise BenchError(
            f"{files.label_path}: labels of {labels.shape[1]}x{labels.shape[0]}, wanted the image's "
            f"{size[1]}x{size[0]}; fetch the file again"
        )
    return labels


def shrink(image: Image, scale: float) -> Image:
    """The image at a share of its size, each pixel the mean of the area it covers."""
    import cv2

    if scale == 1.0:
        return image
    width, height = scaled_size(image.shape[1], scale), scaled_size(image.shape[0], scale)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def scaled_size(length: int, scale: float) -> int:
    """A side's length at a scale, at least one pixel."""
    return max(1, round(length * scale))


def _shrink_labels(labels: Image | None, scale: float) -> Image | None:
    if labels is None or scale == 1.0:
        return labels
    rows, columns = (_nearest(length, scaled_size(length, scale)) for length in labels.shape)
    return labels[rows][:, columns]


def _nearest(length: int, wanted: int) -> NDArray[np.intp]:
    """The source index under the middle of each target pixel."""
    return ((np.arange(wanted) + 0.5) * length / wanted).astype(np.intp)


def _channels_first(images: Sequence[Image]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2)))


def _check_one_size(files: Sequence[PairFiles], images: Sequence[Image]) -> None:
    for file, image in zip(files, images, strict=True):
        if image.shape != images[0].shape:
            raise BenchError(
                f"{file.dataset} {file.id}: {image.shape[1]}x{image.shape[0]} pixels, wanted "
                f"{images[0].shape[1]}x{images[0].shape[0]} as {files[0].id}; a training set is of one size"
            )


def _in_threads(function: Callable[..., object], items: Sequence[object]) -> list[tuple[Image, ...]]:
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(function, items))  # type: ignore[arg-type]


def brighter_mean(stack: PairStack) -> float:
    """Mean over all pixels of the brighter of infrared and the mean of visible's channels, 0 to 1; in whole numbers."""
    total = pixels = 0
    for ir, vis in zip(stack.ir, stack.vis, strict=True):
        total += int(torch.maximum(3 * ir.long(), vis.long().sum(0, keepdim=True)).sum())
        pixels += ir.numel()
    return total / (3 * 255 * pixels)
