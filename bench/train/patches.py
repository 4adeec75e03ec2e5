"""Training images: patches cut on a grid from pairs of any size, or whole images brought to one size."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PillowImage
from torch import Tensor

from bench.colour import luma_uint8
from bench.data.pairs import read_pair
from bench.errors import BenchError
from bench.images import as_rgb
from bench.transfer import to_device
from bench.types import Image, PairFiles

Result = TypeVar("Result")


def in_threads(function: Callable[[PairFiles], Result], pairs: Sequence[PairFiles]) -> list[Result]:
    """One result per pair, in order; decoding releases Python's lock."""
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(function, pairs))


def read_lumas(files: PairFiles) -> tuple[Image, Image]:
    """Infrared and visible luma of one pair, uint8 (H, W)."""
    pair = read_pair(files)
    return luma_uint8(pair.ir), luma_uint8(pair.vis)


class Patches:
    """All patches of all pairs on a grid; nothing is copied until a batch is asked for."""

    def __init__(self, pairs: Sequence[PairFiles], size: int, stride: int, device: str) -> None:
        """Reads the pairs.

        Args:
            pairs: images smaller than a patch give none.
            size: height and width of a patch.
            stride: from one patch to the next.
            device: where batches are put.

        Raises:
            BenchError: a file is broken, or not one image is large enough.
        """
        self.size, self.stride, self.device = size, stride, device
        self.images = [pair for pair in in_threads(read_lumas, pairs) if min(pair[0].shape) >= size]
        if not self.images:
            raise BenchError(f"no image of the {len(pairs)} pairs has {size}x{size} pixels; give a smaller patch")
        self.grids = [tuple((length - size) // stride + 1 for length in ir.shape) for ir, _ in self.images]
        self.ends: NDArray[np.int64] = np.cumsum([rows * columns for rows, columns in self.grids])

    def __len__(self) -> int:
        return int(self.ends[-1])

    def place(self, index: int) -> tuple[int, int, int]:
        """Image number, top and left of a patch; patches are counted image by image, row by row."""
        image = int(np.searchsorted(self.ends, index, side="right"))
        within = index - (int(self.ends[image - 1]) if image else 0)
        row, column = divmod(within, self.grids[image][1])
        return image, row * self.stride, column * self.stride

    def batch(self, indices: Sequence[int] | NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Infrared and visible patches, float32 (B, 1, size, size) in [0, 1]."""
        cuts = []
        for index in indices:
            image, top, left = self.place(int(index))
            cuts.append([part[top : top + self.size, left : left + self.size] for part in self.images[image]])
        both = to_device(np.stack(cuts), self.device).float() / 255
        return both[:, :1], both[:, 1:]


def square_images(pairs: Sequence[PairFiles], size: int) -> Tensor:
    """Both lumas of every pair at one size by nearest neighbour, uint8 (N, 2, size, size), on the CPU."""

    def read(files: PairFiles) -> NDArray[np.uint8]:
        return np.stack([_nearest(image, size) for image in read_lumas(files)])

    return torch.from_numpy(np.stack(in_threads(read, pairs)))


def _nearest(image: Image, size: int) -> NDArray[np.uint8]:
    return np.asarray(PillowImage.fromarray(image).resize((size, size), PillowImage.Resampling.NEAREST))


class ColourCrops:
    """Visible images in colour, for trainings on single images: crops at random places."""

    def __init__(self, pairs: Sequence[PairFiles], size: int, device: str) -> None:
        """Reads the visible images; those smaller than a crop are left out.

        Raises:
            BenchError: a file is broken, or not one image is large enough.
        """
        images = in_threads(lambda files: as_rgb(read_pair(files).vis), pairs)
        self.images = [image for image in images if min(image.shape[:2]) >= size]
        if not self.images:
            raise BenchError(f"no image of the {len(pairs)} pairs has {size}x{size} pixels; give a smaller crop")
        self.size, self.device = size, device

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: Sequence[int] | NDArray[np.int64], random: np.random.Generator) -> Tensor:
        """Crops, float32 (B, 3, size, size) in [0, 1]."""
        cuts = []
        for index in indices:
            image = self.images[int(index)]
            top, left = (int(random.integers(0, length - self.size + 1)) for length in image.shape[:2])
            cuts.append(image[top : top + self.size, left : left + self.size].transpose(2, 0, 1))
        return to_device(np.ascontiguousarray(np.stack(cuts)), self.device).float() / 255
