"""What lies behind every pixel: place, direction, reflectance and warmth, patterns included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.demo.ground import paint_ground
from bench.data.demo.materials import ASPHALT, Surface
from bench.data.demo.mesh import Faces
from bench.data.demo.noise import Noise
from bench.data.demo.raster import Buffers, Camera
from bench.data.demo.scene import Scene
from bench.data.demo.walls import draw_wall

Plane = NDArray[np.float32]
"""float32 (H, W), or (3, H, W) for colours, places and directions."""

PROPERTIES = ("albedo", "emission", "heat", "storage", "sun", "emissivity", "retro", "gloss")


@dataclass(slots=True, eq=False)
class Surfaces:
    """Planes of the size of the drawing, float32; the patterns are worked into them in place.

    Attributes:
        position: (3, H, W) metres.
        normal: (3, H, W) unit vectors.
        distance: (H, W) metres from the lens, large for the sky.
        sky: bool (H, W).
        albedo: (3, H, W), as in ``Material``, and so are the following.
        emission: (3, H, W).
        heat: (H, W).
        storage: (H, W).
        sun: (H, W).
        emissivity: (H, W).
        retro: (H, W).
        gloss: (H, W).
    """

    position: Plane
    normal: Plane
    distance: Plane
    sky: NDArray[np.bool_]
    albedo: Plane
    emission: Plane
    heat: Plane
    storage: Plane
    sun: Plane
    emissivity: Plane
    retro: Plane
    gloss: Plane

    def facing(self, direction: NDArray[np.float64]) -> Plane:
        """Cosine between the normals and a fixed unit vector, 0 where they turn away; (H, W)."""
        x, y, z = (np.float32(value) for value in direction)
        cosine = self.normal[0] * x + self.normal[1] * y + self.normal[2] * z
        return np.asarray(np.maximum(cosine, np.float32(0)))


def look_up(scene: Scene, camera: Camera, buffers: Buffers, noise: Noise) -> Surfaces:
    """Gathers the material of every pixel and draws the patterns."""
    faces = scene.faces
    ground = (buffers.face < 0) & (buffers.nearness > 0)
    sky = (buffers.face < 0) & ~ground
    depth = np.asarray(1.0 / np.maximum(buffers.nearness, np.float32(1e-3)), np.float32)
    x, y, z = position = _positions(camera, depth)
    below = y - np.float32(camera.height_m)
    distance = np.sqrt(x * x + below * below + z * z)
    normals = np.concatenate([_facing_normals(faces, camera), [[0.0, 1.0, 0.0]]]).astype(np.float32)
    normal = np.stack([normals[:, k][buffers.face] for k in range(3)])
    planes = {name: _gather(faces, name, buffers.face) for name in PROPERTIES}
    surfaces = Surfaces(position, normal, distance, sky, **planes)
    paint_ground(surfaces, ground, scene.road, scene.grass, noise)
    _draw_patterns(surfaces, faces, buffers, noise, scene.climate.night)
    return surfaces


def _gather(faces: Faces, name: str, face: NDArray[np.int32]) -> Plane:
    # index -1, no face, finds the last row: the ground
    table = np.concatenate([faces.column(name), np.array([getattr(ASPHALT, name)], np.float32)])
    if table.ndim == 1:
        return np.asarray(table[face])
    return np.stack([np.ascontiguousarray(table[:, k])[face] for k in range(3)])


def _positions(camera: Camera, depth: Plane) -> Plane:
    across, up = camera.rays()
    axes = camera.axes.astype(np.float32)
    x = across * depth
    y = up * depth + np.float32(camera.height_m)
    return np.stack([x * axes[0, 0] + depth * axes[2, 0], y, x * axes[0, 2] + depth * axes[2, 2]])


def _facing_normals(faces: Faces, camera: Camera) -> NDArray[np.float64]:
    """The shading normals, those of flat faces turned toward the camera: every face is seen from its outside."""
    toward = camera.centre - faces.vertices[faces.starts[:-1]]
    away = np.einsum("ij,ij->i", faces.normals, toward) < 0
    flat = np.abs(faces.normals - faces.planes).max(axis=1) < 1e-9
    return np.where((away & flat)[:, None], -faces.normals, faces.normals)


def _draw_patterns(surfaces: Surfaces, faces: Faces, buffers: Buffers, noise: Noise, night: bool) -> None:
    material = np.append(faces.material, -1)[buffers.face]
    kinds = np.array([int(entry.surface) for entry in faces.materials] + [0], np.uint8)[material]
    _foliage(surfaces, np.nonzero(kinds == Surface.FOLIAGE), noise)
    rough = np.nonzero(kinds == Surface.ROUGH)
    x, y, z = (plane[rough] for plane in surfaces.position)
    _multiply(surfaces.albedo, rough, 0.75 + 0.5 * noise.fractal((x + y) * 0.3, (z + y) * 0.3))
    walls = np.nonzero(kinds == Surface.WALL)
    on_wall = material[walls]
    for index in np.unique(on_wall):
        facade = faces.materials[index].facade
        if facade is not None:
            chosen = on_wall == index
            draw_wall(surfaces, (walls[0][chosen], walls[1][chosen]), facade, noise, night)


def _foliage(surfaces: Surfaces, where: tuple[NDArray[np.intp], ...], noise: Noise) -> None:
    x, y, z = (plane[where] for plane in surfaces.position)
    tone = noise.fractal((x + 0.7 * z) * 0.35, (y - 0.3 * z) * 0.35)
    leaf = noise.grain((x + 0.7 * z) * 14.0, (y + 0.2 * z) * 14.0)
    _multiply(surfaces.albedo, where, 0.35 + 0.7 * tone + 0.6 * leaf * leaf)
    surfaces.heat[where] += 1.6 * (tone - 0.5) + 0.8 * (leaf - 0.5)


def _multiply(colour: Plane, where: tuple[NDArray[np.intp], ...], tone: Plane) -> None:
    for plane in colour:
        plane[where] *= tone
