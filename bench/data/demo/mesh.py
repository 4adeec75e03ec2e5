"""Flat faces in metres with a material each: the shape of a scene, before any camera sees it.

World axes: x to the right, y up, z ahead of the camera's foot point; the ground is y = 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.demo.materials import Material

Points = NDArray[np.float64]
"""float64 (K, 3), metres."""

UP = np.array([0.0, 1.0, 0.0])
CAP_COSINE, CAP_SINE = np.cos(np.deg2rad([0.0, 50.0, 130.0, 180.0])), np.sin(np.deg2rad([0.0, 50.0, 130.0, 180.0]))


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """All faces of a scene as arrays; face i has the vertices ``starts[i]:starts[i + 1]``.

    Attributes:
        vertices: float64 (M, 3).
        starts: int (N + 1,).
        planes: float64 (N, 3), the unit normals of the faces as flat shapes.
        normals: float64 (N, 3), the unit normals to shade with (rounded things give their own).
        material: int (N,), index into ``materials``.
        label: uint8 (N,), class id.
        instance: int32 (N,), 0 for none.
        truth_only: bool (N,), True for faces that nobody sees but an annotator would fill.
    """

    vertices: Points
    starts: NDArray[np.int64]
    planes: Points
    normals: Points
    material: NDArray[np.int64]
    label: NDArray[np.uint8]
    instance: NDArray[np.int32]
    truth_only: NDArray[np.bool_]
    materials: tuple[Material, ...]

    def column(self, name: str) -> NDArray[np.float32]:
        """One material property for every face; float32 (N,) or (N, 3)."""
        table: NDArray[np.float32] = np.array([getattr(material, name) for material in self.materials], np.float32)
        return table[self.material]


class Mesh:
    """Collects faces; ``label`` and ``instance`` apply to all that is added until they are set again."""

    def __init__(self) -> None:
        self.label = 0
        self.instance = 0
        self._points: list[Points] = []
        self._normals: list[Points | None] = []
        self._material: list[int] = []
        self._label: list[int] = []
        self._instance: list[int] = []
        self._truth_only: list[bool] = []
        self._materials: dict[Material, int] = {}
        self._instances = 0

    def begin(self, label: int = 0) -> None:
        """Starts a new object of a class; faces added from now on belong to it."""
        self.label = label
        if label:
            self._instances += 1
        self.instance = self._instances if label else 0

    def add(self, points: Any, material: Material, normal: Points | None = None, truth_only: bool = False) -> None:
        """Adds one flat polygon of at least three vertices."""
        self._points.append(np.asarray(points, np.float64))
        self._normals.append(normal)
        self._material.append(self._materials.setdefault(material, len(self._materials)))
        self._label.append(self.label)
        self._instance.append(self.instance)
        self._truth_only.append(truth_only)

    def build(self) -> Faces:
        """The faces added so far."""
        vertices = np.concatenate(self._points)
        counts = np.array([len(points) for points in self._points])
        starts = np.concatenate([[0], np.cumsum(counts)])
        following = np.arange(len(vertices)) + 1
        following[starts[1:] - 1] = starts[:-1]
        centred = vertices - np.repeat(vertices[starts[:-1]], counts, axis=0)
        planes = np.add.reduceat(np.cross(centred, centred[following]), starts[:-1], axis=0)  # Newell
        planes /= np.maximum(np.linalg.norm(planes, axis=1, keepdims=True), 1e-12)
        normals = planes.copy()
        for index, normal in enumerate(self._normals):
            if normal is not None:
                normals[index] = normal / np.linalg.norm(normal)
        return Faces(
            vertices=vertices,
            starts=starts,
            planes=planes,
            normals=normals,
            material=np.array(self._material),
            label=np.array(self._label, np.uint8),
            instance=np.array(self._instance, np.int32),
            truth_only=np.array(self._truth_only, bool),
            materials=tuple(self._materials),
        )


class Frame:
    """A place to build at: local axes (along, up, across) turned by ``yaw`` about the vertical and moved to a spot.

    Yaw 0 points ``along`` away from the camera and ``across`` to the right.
    """

    def __init__(self, x: float, z: float, yaw: float = 0.0, y: float = 0.0) -> None:
        self.origin = np.array([x, y, z])
        self.along = np.array([np.sin(yaw), 0.0, np.cos(yaw)])
        self.across = np.array([np.cos(yaw), 0.0, -np.sin(yaw)])

    def __call__(self, points: Sequence[Sequence[float]] | Points) -> Points:
        """Local (K, 3) points (along, up, across) in world axes."""
        local = np.asarray(points, np.float64)
        axes = np.stack([self.along, UP, self.across])
        return np.asarray(self.origin + local @ axes)

    def direction(self, along: float, up: float, across: float) -> Points:
        """A local direction in world axes."""
        return np.asarray(along * self.along + up * UP + across * self.across)


def facing(point: Points) -> tuple[Points, Points]:
    """Right and toward-camera unit vectors of an upright board at ``point`` that faces the camera's foot."""
    x, z = float(point[0]), float(point[2])
    length = max(float(np.hypot(x, z)), 1e-9)
    x, z = -x / length, -z / length
    return np.array([-z, 0.0, x]), np.array([x, 0.0, z])


def add_box(
    mesh: Mesh,
    frame: Frame,
    low: Sequence[float],
    high: Sequence[float],
    material: Material,
    top: Material | None = None,
    taper: float = 0.0,
) -> None:
    """Adds an upright box between two local corners (along, up, across); ``taper`` draws the top in on all sides."""
    (l0, y0, w0), (l1, y1, w1) = low, high
    bottom = frame([(l0, y0, w0), (l1, y0, w0), (l1, y0, w1), (l0, y0, w1)])
    t = taper
    cap = frame([(l0 + t, y1, w0 + t), (l1 - t, y1, w0 + t), (l1 - t, y1, w1 - t), (l0 + t, y1, w1 - t)])
    for k in range(4):
        n = (k + 1) % 4
        mesh.add([bottom[k], bottom[n], cap[n], cap[k]], material)
    mesh.add(cap, top or material)


def add_capsule(mesh: Mesh, start: Points, end: Points, radii: tuple[float, float], material: Material) -> None:
    """Adds a limb: a board from ``start`` to ``end`` that faces the camera, with round ends of the given radii."""
    right, toward = facing((start + end) / 2)
    axis = end - start
    length = float(np.sqrt(axis @ axis))
    unit = axis / max(length, 1e-9)
    across = np.array([-toward[2] * unit[1], toward[2] * unit[0] - toward[0] * unit[2], toward[0] * unit[1]])
    breadth = float(np.sqrt(across @ across))  # sine of the angle between the limb and the line of sight
    if breadth < 0.25:  # seen end-on: a blob
        add_disc(mesh, (start + end) / 2, right * max(radii), UP * max(radii), material, 8)
        return
    cap = CAP_COSINE[:, None] * (across / breadth) + CAP_SINE[:, None] * unit
    mesh.add(np.concatenate([end + radii[1] * cap, start - radii[0] * cap]), material, normal=toward + 0.3 * UP)


def add_disc(
    mesh: Mesh, centre: Points, first: Points, second: Points, material: Material, sides: int = 14,
    truth_only: bool = False,
) -> None:  # fmt: skip
    """Adds an ellipse with the two half axes ``first`` and ``second``."""
    turn = np.linspace(0.0, 2 * np.pi, sides, endpoint=False)[:, None]
    mesh.add(centre + np.cos(turn) * first + np.sin(turn) * second, material, truth_only=truth_only)


def add_ring(
    mesh: Mesh, centre: Points, first: Points, second: Points, width: float, material: Material, sides: int = 16
) -> None:
    """Adds a flat ring: the ellipse of the two half axes, hollow inside ``1 - width``."""
    turn = np.linspace(0.0, 2 * np.pi, sides + 1)[:, None]
    circle = np.cos(turn) * first + np.sin(turn) * second
    mesh.add(np.concatenate([centre + circle, (centre + circle * (1 - width))[::-1]]), material)
