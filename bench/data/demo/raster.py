"""Draws faces into depth, face and label buffers, as seen by a camera or by the sun."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.data.demo.mesh import Faces, Points
from bench.data.demo.noise import Noise

NEAR = 0.6
"""Faces closer than this (metres) are cut off."""

SUBPIXEL = 4
"""Binary digits behind the point in polygon coordinates."""

LEAF_SIZE = 0.07
"""Width of the holes between leaves in metres."""


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A pinhole at ``(0, height_m, 0)`` that looks along z, turned by ``yaw``; verticals stay vertical.

    Attributes:
        width: pixels.
        height: pixels.
        focal: pixels.
        horizon: row of the horizon, pixels.
        height_m: of the lens above the ground, metres.
        yaw: radians, positive looks to the right.
    """

    width: int
    height: int
    focal: float
    horizon: float
    height_m: float
    yaw: float

    @property
    def axes(self) -> Points:
        """Rows: right, up, ahead in world axes; float64 (3, 3)."""
        sine, cosine = np.sin(self.yaw), np.cos(self.yaw)
        return np.array([[cosine, 0.0, -sine], [0.0, 1.0, 0.0], [sine, 0.0, cosine]])

    @property
    def centre(self) -> Points:
        """The lens in world axes."""
        return np.array([0.0, self.height_m, 0.0])

    def project(self, points: Points) -> Points:
        """(K, 3) points in camera axes, all ahead of the lens, to (K, 2) pixels."""
        u = (self.width - 1) / 2 + self.focal * points[:, 0] / points[:, 2]
        v = self.horizon - self.focal * points[:, 1] / points[:, 2]
        return np.stack([u, v], axis=1)

    def nearness(self, normals: Points, offsets: Points) -> Points:
        """Coefficients (N, 3) of 1/z = a u + b v + c on planes ``normal . point = offset`` (camera axes)."""
        a = normals[:, 0] / self.focal
        b = -normals[:, 1] / self.focal
        c = normals[:, 2] - a * (self.width - 1) / 2 - b * self.horizon
        return np.stack([a, b, c], axis=1) / offsets[:, None]

    def rays(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Horizontal and vertical slopes of the pixels' rays in camera axes: (1, W) and (H, 1)."""
        u = (np.arange(self.width, dtype=np.float32) - (self.width - 1) / 2) / self.focal
        v = (self.horizon - np.arange(self.height, dtype=np.float32)) / self.focal
        return u[None, :].astype(np.float32), v[:, None].astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Buffers:
    """What each pixel shows.

    Attributes:
        nearness: float32 (H, W), 1/z for a camera, minus the depth for the sun; larger is nearer.
        face: int32 (H, W), -1 for none.
        truth: int32 (H, W), the face an annotator would name, -1 for none.
    """

    nearness: NDArray[np.float32]
    face: NDArray[np.int32]
    truth: NDArray[np.int32]

    @classmethod
    def empty(cls, shape: tuple[int, int], nearness: NDArray[np.float32]) -> Buffers:
        """Buffers that show no face yet, with what is there without any."""
        return cls(nearness, np.full(shape, -1, np.int32), np.full(shape, -1, np.int32))


def see(faces: Faces, camera: Camera, noise: Noise) -> Buffers:
    """Draws the faces and the ground plane as ``camera`` sees them."""
    axes = camera.axes
    vertices = (faces.vertices - camera.centre) @ axes.T
    planes = faces.planes @ axes.T
    offsets = np.einsum("ij,ij->i", planes, vertices[faces.starts[:-1]])
    edge_on = np.abs(offsets) < 1e-4
    coefficients = camera.nearness(planes, np.where(edge_on, 1.0, offsets))
    nearest = np.minimum.reduceat(vertices[:, 2], faces.starts[:-1])
    farthest = np.maximum.reduceat(vertices[:, 2], faces.starts[:-1])
    pixels = camera.project(np.where(vertices[:, 2:] < NEAR, [[0.0, 0.0, 1.0]], vertices))
    outlines = _Outlines(pixels, faces.starts)
    _, slope = camera.rays()
    ground = np.maximum(-slope / camera.height_m, 0.0)
    buffers = Buffers.empty((camera.height, camera.width), np.repeat(ground, camera.width, axis=1))
    leaf = LEAF_SIZE * camera.focal / np.maximum(nearest, NEAR)
    pen = _Pen(buffers, coefficients, faces.column("holes"), leaf, noise)
    crossing = nearest < NEAR
    usable = ~edge_on & (farthest > NEAR)
    for index in np.flatnonzero(usable & (crossing | outlines.touch(buffers.face.shape))).tolist():
        outline = outlines[index]
        if crossing[index]:
            cut = camera.project(_cut(vertices[faces.starts[index] : faces.starts[index + 1]]))
            outline = _Outlines(cut, np.array([0, len(cut)]))[0]
        pen.draw(index, outline, bool(faces.truth_only[index]))
    return buffers


@dataclass(frozen=True, slots=True, eq=False)
class SunView:
    """The scene as the sun sees it: a parallel projection onto a square map.

    Attributes:
        axes: rows: map right, map down, away from the sun; (3, 3).
        scale: map pixels per metre.
        size: map pixels per side.
        focus: the point (x, y, z) in the middle of the map.
    """

    axes: Points
    scale: float
    size: int
    focus: Points

    @classmethod
    def toward(cls, sun: Points, size: int, metres: float, focus: Points) -> SunView:
        """A map of ``metres`` by ``metres`` across the direction to the sun."""
        away = -sun / np.linalg.norm(sun)
        right = np.cross([0.0, 1.0, 0.0], away)
        right /= np.linalg.norm(right)
        return cls(np.stack([right, np.cross(away, right), away]), size / metres, size, focus)

    def lit(self, faces: Faces, position: NDArray[np.float32], noise: Noise) -> NDArray[np.float32]:
        """Share of the sun that reaches each position (3, H, W); float32 (H, W), 0 or 1."""
        depth = self._map(faces, noise)
        shifted = [position[k] - np.float32(self.focus[k]) for k in range(3)]

        def along(axis: int) -> NDArray[np.float32]:
            x, y, z = (np.float32(value) for value in self.axes[axis])
            return np.asarray(shifted[0] * x + shifted[1] * y + shifted[2] * z)

        scale, half = np.float32(self.scale), np.float32(self.size / 2)
        columns = np.clip(along(0) * scale + half, 0, self.size - 1)
        rows = np.clip(along(1) * scale + half, 0, self.size - 1)
        blocker = cv2.remap(depth, columns, rows, cv2.INTER_NEAREST)
        return (along(2) + blocker < 0.22).astype(np.float32)  # nearer than what blocks the sun, or on it

    def _map(self, faces: Faces, noise: Noise) -> NDArray[np.float32]:
        vertices = (faces.vertices - self.focus) @ self.axes.T
        planes = faces.planes @ self.axes.T
        offsets = np.einsum("ij,ij->i", planes, vertices[faces.starts[:-1]])
        steep = np.where(np.abs(planes[:, 2]) < 1e-3, 1e-3, planes[:, 2])
        # on the plane: depth = (offset - n0 X - n1 Y) / n2 with X = (u - size/2) / scale; nearness = -depth
        slope = planes[:, :2] / steep[:, None] / self.scale
        constant = -offsets / steep - slope.sum(axis=1) * self.size / 2
        coefficients = np.concatenate([slope, constant[:, None]], axis=1)
        shape = (self.size, self.size)
        buffers = Buffers.empty(shape, np.full(shape, -1e6, np.float32))
        outlines = _Outlines(vertices[:, :2] * self.scale + self.size / 2, faces.starts)
        leaf = np.full(len(planes), LEAF_SIZE * self.scale * 2)
        pen = _Pen(buffers, coefficients, faces.column("holes"), leaf, noise)
        usable = ~faces.truth_only & (np.abs(planes[:, 2]) > 1e-2) & outlines.touch(shape)
        for index in np.flatnonzero(usable).tolist():
            pen.draw(index, outlines[index], False)
        return buffers.nearness


@dataclass(frozen=True, slots=True, eq=False)
class _Outline:
    """A polygon in fixed-point pixels and the rows and columns it touches (first, one past the last)."""

    points: NDArray[np.int32]
    left: int
    top: int
    right: int
    bottom: int


class _Outlines:
    """The outlines of all faces, measured at once."""

    def __init__(self, pixels: Points, starts: NDArray[np.int64]) -> None:
        bounded = np.clip(pixels, -30000.0, 30000.0)  # OpenCV counts in 32 bits
        self._points = np.round(bounded * 2**SUBPIXEL).astype(np.int32)
        self._starts = starts.tolist()
        low = np.floor(np.minimum.reduceat(bounded, starts[:-1])).astype(int)
        high = np.ceil(np.maximum.reduceat(bounded, starts[:-1])).astype(int) + 1
        self._low, self._high = low, high
        self._bounds = np.concatenate([low, high], axis=1).tolist()

    def __getitem__(self, index: int) -> _Outline:
        return _Outline(self._points[self._starts[index] : self._starts[index + 1]], *self._bounds[index])

    def touch(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Which outlines reach into a picture of this height and width."""
        inside = (self._high > 0).all(axis=1) & (self._low < (shape[1], shape[0])).all(axis=1)
        return np.asarray(inside)


class _Pen:
    """Draws faces into buffers, one at a time, each pixel if nothing nearer is there.

    Args:
        buffers: where to draw.
        coefficients: (N, 3), nearness = a u + b v + c on each face.
        holes: (N,), share of each face that is open.
        leaf: (N,), pixels between holes.
        noise: shapes the holes.
    """

    def __init__(
        self, buffers: Buffers, coefficients: Points, holes: NDArray[np.float32], leaf: Points, noise: Noise
    ) -> None:
        self._buffers = buffers
        self._coefficients = coefficients.astype(np.float32)
        self._holes: list[float] = holes.tolist()
        self._leaf: list[float] = leaf.tolist()
        self._noise = noise
        self._ramp = np.arange(max(buffers.face.shape), dtype=np.float32)

    def draw(self, index: int, outline: _Outline, truth_only: bool) -> None:
        """Draws face ``index``; a ``truth_only`` one goes to the truth alone and hides nothing."""
        height, width = self._buffers.face.shape
        left, top = max(outline.left, 0), max(outline.top, 0)
        right, bottom = min(outline.right, width), min(outline.bottom, height)
        if left >= right or top >= bottom:
            return
        mask = np.zeros((bottom - top, right - left), np.uint8)
        shift = (-left << SUBPIXEL, -top << SUBPIXEL)  # OpenCV counts the offset in subpixels, too
        cv2.fillPoly(mask, [outline.points], 1, cv2.LINE_8, SUBPIXEL, shift)
        if self._holes[index] > 0:
            mask &= self._noise.holes(index, mask.shape, self._leaf[index]) > self._holes[index]
        a, b, c = self._coefficients[index]
        nearness = (b * self._ramp[top:bottom] + c)[:, None] + a * self._ramp[left:right]
        window = (slice(top, bottom), slice(left, right))
        seen = nearness > self._buffers.nearness[window]
        seen &= mask.view(bool)
        np.copyto(self._buffers.truth[window], index, where=seen)
        if not truth_only:
            np.copyto(self._buffers.face[window], index, where=seen)
            np.copyto(self._buffers.nearness[window], nearness, where=seen)


def _cut(polygon: Points) -> Points:
    """The part of a polygon (camera axes) with z >= NEAR (Sutherland and Hodgman's clipping against one plane)."""
    kept: list[Points] = []
    for current, following in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if current[2] >= NEAR:
            kept.append(current)
        if (current[2] >= NEAR) != (following[2] >= NEAR):
            share = (NEAR - current[2]) / (following[2] - current[2])
            kept.append(current + share * (following - current))
    return np.array(kept)
