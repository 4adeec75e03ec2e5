"""What a detector learns from: fused images of one size with their boxes, and the windows of them that a step sees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from bench.data.boxes import read_boxes
from bench.data.spec import DatasetSpec
from bench.errors import BenchError
from bench.images import as_rgb, read_image
from bench.plugin.task import FusedSet
from bench.train.segmenter_step import jitter_colour
from bench.transfer import to_device
from tasks.detection.boxes import PADDING_GREY
from tasks.detection.tuning_budget import TuningSchedule

GREY = round(255 * PADDING_GREY)

LEAST_SHARE, LEAST_SIDE = 0.2, 2.0
"""A box of which less than this share, or fewer pixels a side, is left within a window is nothing to find there."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class BoxStack:
    """Images of one size with their boxes.

    Attributes:
        images: uint8 (N, 3, H, W) RGB; smaller ones lie in the middle of a grey canvas.
        boxes: of each image float32 (K, 5): place of the class, and x1 y1 x2 y2 in pixels of the canvas.
    """

    images: Tensor
    boxes: tuple[Floats, ...]

    def __len__(self) -> int:
        return len(self.images)


def load_stack(
    part: FusedSet, spec: DatasetSpec, classes: Sequence[int], device: torch.device, size: int, stride: int
) -> BoxStack:
    """Reads fused images and the boxes of their pairs into one stack on the device.

    Args:
        part: pairs with boxes.
        spec: of the data set, which says what the boxes are.
        classes: ids; boxes of others are left out.
        device: where the images shall lie.
        size: longer sides are shrunk to this.
        stride: sides of the canvas are multiples of it.

    Raises:
        BenchError: no images, or a file that cannot be read.
    """
    if not len(part):
        raise BenchError("a training set without a single image; fuse the train part first")
    read = [_read(part, index, spec, classes, size) for index in range(len(part))]
    height, width = (-(-max(image.shape[axis] for image, _ in read) // stride) * stride for axis in (0, 1))
    canvas = np.full((len(read), height, width, 3), GREY, dtype=np.uint8)
    boxes = []
    for place, (image, rows) in enumerate(read):
        top, left = (height - image.shape[0]) // 2, (width - image.shape[1]) // 2
        canvas[place, top : top + image.shape[0], left : left + image.shape[1]] = image
        boxes.append(rows + np.array([0, left, top, left, top], dtype=np.float32))
    stack = torch.from_numpy(np.ascontiguousarray(canvas.transpose(0, 3, 1, 2)))
    return BoxStack(stack.to(device), tuple(boxes))


def _read(
    part: FusedSet, index: int, spec: DatasetSpec, classes: Sequence[int], size: int
) -> tuple[NDArray[np.uint8], Floats]:
    """One image, shrunk, and its boxes: place of the class, corners in pixels."""
    image = as_rgb(read_image(part.paths[index]))
    rows = read_boxes(part.files[index], spec, image.shape[:2]).rows
    ratio = min(1.0, size / max(image.shape[:2]))
    if ratio < 1.0:
        width, height = (max(1, round(side * ratio)) for side in image.shape[1::-1])
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    rows = rows[np.isin(rows[:, 0], list(classes))]
    places = np.array([list(classes).index(int(number)) for number in rows[:, 0]], dtype=np.float64)
    centre, half = rows[:, 1:3], rows[:, 3:5] / 2
    corners = np.concatenate([centre - half, centre + half], axis=1) * np.tile(image.shape[1::-1], 2)
    return image, np.concatenate([places[:, None], corners], axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Where the windows of a batch lie in their canvases, drawn on the host.

    Attributes:
        zoom: (B,) enlargement.
        corner: (B, 2) x and y of the window's upper left corner in the enlarged canvas, in pixels.
        flip: (B,) True mirrors left and right.
        colour: (B, 3) factors of brightness, contrast and saturation.
        size: height and width of a window.
        canvas: height and width of a canvas.
    """

    zoom: Floats
    corner: Floats
    flip: NDArray[np.bool_]
    colour: Floats
    size: tuple[int, int]
    canvas: tuple[int, int]


def draw_windows(
    random: np.random.Generator,
    boxes: Sequence[Floats],
    schedule: TuningSchedule,
    canvas: tuple[int, int],
    stride: int,
) -> Windows:
    """Draws for one batch; an enlarged canvas covers its window, a shrunk one lies wholly within where it can.

    Args:
        random: that is drawn from.
        boxes: of each canvas of the batch, as in ``BoxStack``.
        schedule: how large windows are, how many of them are about an object.
        canvas: height and width.
        stride: sides of the window are multiples of it.
    """
    batch = len(boxes)
    height, width = (max(stride, round(side * schedule.crop / stride) * stride) for side in canvas)
    size = (height, width)
    low, high = (math.log(end) for end in schedule.zoom)
    zoom = np.exp(random.uniform(low, high, batch)).astype(np.float32)
    room = np.array(canvas[::-1], dtype=np.float32) * zoom[:, None] - np.array(size[::-1], dtype=np.float32)
    corner = random.random((batch, 2)) * room
    aimed, chosen, offset = random.random(batch) < schedule.aimed, random.random(batch), random.random((batch, 2))
    for place in np.flatnonzero(aimed).tolist():
        if len(rows := boxes[place]):
            x1, y1, x2, y2 = rows[int(chosen[place] * len(rows)), 1:] * zoom[place]
            about = np.array([x1 + x2, y1 + y2]) / 2 - offset[place] * np.array(size[::-1])
            corner[place] = np.clip(about, np.minimum(room[place], 0), np.maximum(room[place], 0))
    return Windows(
        zoom=zoom,
        corner=corner.astype(np.float32),
        flip=random.random(batch) < 0.5,
        colour=random.uniform(1 - schedule.jitter, 1 + schedule.jitter, (batch, 3)).astype(np.float32),
        size=size,
        canvas=canvas,
    )


def cut_images(images: Tensor, windows: Windows) -> Tensor:
    """The windows of a batch.

    Args:
        images: uint8 (B, 3, H, W), their canvases.
        windows: where they lie.

    Returns:
        float32 (B, 3, h, w) in [0, 1]; grey beyond the canvas.
    """
    matrices = to_device(_matrices(windows), images.device)
    pictures = jitter_colour(images.float() / 255.0, to_device(windows.colour, images.device))
    grid = F.affine_grid(matrices, [len(images), 3, *windows.size], align_corners=False)
    # sampled about the grey of the padding, so that what lies beyond the canvas is grey
    return F.grid_sample(pictures - PADDING_GREY, grid, mode="bilinear", align_corners=False) + PADDING_GREY


def _matrices(windows: Windows) -> Floats:
    """(B, 2, 3): from window coordinates to canvas coordinates, both -1 to 1."""
    size, canvas = np.array(windows.size[::-1]), np.array(windows.canvas[::-1])
    share = size / (canvas * windows.zoom[:, None])
    centre = 2 * (windows.corner + size / 2) / (canvas * windows.zoom[:, None]) - 1
    matrices = np.zeros((len(share), 2, 3), np.float32)
    matrices[:, 0, 0] = np.where(windows.flip, -share[:, 0], share[:, 0])
    matrices[:, 1, 1] = share[:, 1]
    matrices[:, :, 2] = centre
    return matrices


def cut_boxes(boxes: Sequence[Floats], windows: Windows) -> Floats:
    """The boxes of a batch within their windows.

    Args:
        boxes: of each canvas, as in ``BoxStack``.
        windows: where the windows lie.

    Returns:
        float32 (N, 6): place in the batch, place of the class, centre x, centre y, width and height as shares of the
        window; boxes that are nearly or wholly outside are left out.
    """
    height, width = windows.size
    found = [np.zeros((0, 6), np.float32)]
    for place, rows in enumerate(boxes):
        whole = rows[:, 1:] * windows.zoom[place] - np.tile(windows.corner[place], 2)
        if windows.flip[place]:
            whole = np.stack([width - whole[:, 2], whole[:, 1], width - whole[:, 0], whole[:, 3]], axis=1)
        inside = np.clip(whole, 0, [width, height, width, height])
        sides, before = inside[:, 2:] - inside[:, :2], whole[:, 2:] - whole[:, :2]
        keep = (sides.min(axis=1) >= LEAST_SIDE) & (sides.prod(axis=1) >= LEAST_SHARE * before.prod(axis=1))
        centre = (inside[:, :2] + inside[:, 2:]) / 2
        columns = [np.full(len(rows), place), rows[:, 0], *(centre / [width, height]).T, *(sides / [width, height]).T]
        found.append(np.stack(columns, axis=1)[keep].astype(np.float32))
    return np.concatenate(found)
