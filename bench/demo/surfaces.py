"""What lies behind every pixel: place, direction, reflectance and warmth, patterns included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.demo.ground import paint_ground
from bench.demo.materials import ASPHALT, Facade, Surface
from bench.demo.mesh import Faces
from bench.demo.noise import Noise
from bench.demo.raster import Buffers, Camera
from bench.demo.scene import Scene

Plane = NDArray[np.float32]
"""float32 (H, W) or (H, W, 3)."""

PROPERTIES = ("albedo", "emission", "heat", "storage", "sun", "emissivity", "retro", "gloss")


@dataclass(slots=True, eq=False)
class Surfaces:
    """Planes of the size of the drawing, float32; the patterns are worked into them in place.

    Attributes:
        position: (H, W, 3) metres.
        normal: (H, W, 3) unit vectors.
        distance: (H, W) metres from the lens, large for the sky.
        sky: bool (H, W).
        albedo: (H, W, 3), as in ``Material``, and so are the following.
        emission: (H, W, 3).
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


def look_up(scene: Scene, camera: Camera, buffers: Buffers, noise: Noise) -> Surfaces:
    """Gathers the material of every pixel and draws the patterns."""
    faces = scene.faces
    ground = (buffers.face < 0) & (buffers.nearness > 0)
    sky = (buffers.face < 0) & ~ground
    depth = 1.0 / np.maximum(buffers.nearness, 1e-3)
    position = _positions(camera, depth)
    normals = _facing_normals(faces, camera)
    table = np.concatenate([normals, [[0.0, 1.0, 0.0]]]).astype(np.float32)
    normal = table[buffers.face]
    planes = {name: _gather(faces, name, buffers.face) for name in PROPERTIES}
    distance = np.sqrt(((position - camera.centre.astype(np.float32)) ** 2).sum(axis=2))
    surfaces = Surfaces(position, normal, distance, sky, **planes)
    paint_ground(surfaces, ground, scene.road, scene.grass, noise)
    _draw_patterns(surfaces, faces, buffers, noise, scene.climate.night)
    return surfaces


def _gather(faces: Faces, name: str, face: NDArray[np.int32]) -> Plane:
    column = faces.column(name)
    own = np.array([getattr(ASPHALT, name)], np.float32)
    return np.concatenate([column, own])[face]  # index -1, no face, finds the last row: the ground


def _positions(camera: Camera, depth: Plane) -> Plane:
    across, up = camera.rays()
    axes = camera.axes.astype(np.float32)
    x = across * depth
    y = up * depth + np.float32(camera.height_m)
    return np.stack([x * axes[0, 0] + depth * axes[2, 0], y, x * axes[0, 2] + depth * axes[2, 2]], axis=2)


def _facing_normals(faces: Faces, camera: Camera) -> NDArray[np.float64]:
    """The shading normals, turned toward the camera: every face is seen from its outside."""
    toward = camera.centre - faces.vertices[faces.starts[:-1]]
    away = np.einsum("ij,ij->i", faces.normals, toward) < 0
    flat = np.abs(faces.normals - faces.planes).max(axis=1) < 1e-9
    return np.where((away & flat)[:, None], -faces.normals, faces.normals)


def _draw_patterns(surfaces: Surfaces, faces: Faces, buffers: Buffers, noise: Noise, night: bool) -> None:
    material = np.append(faces.material, -1)[buffers.face]
    kinds = np.append([int(m.surface) for m in faces.materials], 0)[material]
    leaves = kinds == Surface.FOLIAGE
    _foliage(surfaces, leaves, noise)
    rough = kinds == Surface.ROUGH
    x, y, z = (surfaces.position[rough][:, k] for k in range(3))
    surfaces.albedo[rough] *= (0.75 + 0.5 * noise.fractal((x + y) * 0.3, (z + y) * 0.3))[:, None]
    for index, entry in enumerate(faces.materials):
        if entry.facade is not None:
            where = material == index
            if where.any():
                _wall(surfaces, where, entry.facade, noise, night)


def _foliage(surfaces: Surfaces, where: NDArray[np.bool_], noise: Noise) -> None:
    x, y, z = (surfaces.position[where][:, k] for k in range(3))
    tone = noise.fractal((x + 0.7 * z) * 0.35, (y - 0.3 * z) * 0.35)
    leaf = noise.grain((x + 0.7 * z) * 14.0, (y + 0.2 * z) * 14.0)
    surfaces.albedo[where] *= (0.35 + 0.7 * tone + 0.6 * leaf * leaf)[:, None]
    surfaces.heat[where] += 1.6 * (tone - 0.5) + 0.8 * (leaf - 0.5)


def _wall(surfaces: Surfaces, where: NDArray[np.bool_], facade: Facade, noise: Noise, night: bool) -> None:
    position, normal = surfaces.position[where], surfaces.normal[where]
    across = position[:, 0] * normal[:, 2] - position[:, 2] * normal[:, 0]
    up = position[:, 1]
    _masonry(surfaces, where, facade.brick, (across, up), noise)
    bay, storey = np.floor(across / facade.bay), np.floor(up / facade.storey)
    cell_u, cell_v = across / facade.bay - bay, up / facade.storey - storey
    wide, tall = facade.glass
    ground_floor = storey == 0
    if facade.shop:
        wide, tall = np.where(ground_floor, 0.86, wide), np.where(ground_floor, 0.74, tall)
    du, dv = np.abs(cell_u - 0.5) / (wide / 2), np.abs(cell_v - 0.5) / (tall / 2)
    complete = ((storey + 1) * facade.storey <= facade.height + 0.2) & (np.abs(normal[:, 1]) < 0.5)
    opening = (du < 1) & (dv < 1) & complete
    bars = (np.abs(cell_u - 0.5) * facade.bay < 0.04) | (np.abs(cell_v - 0.5) * facade.storey < 0.035)
    frame = (((du < 1.12) & (dv < 1.1) & complete) & ~opening) | (opening & bars)
    luck = noise.grain(bay * 7.0 + facade.seed % 509, storey * 13.0 + facade.seed % 311)
    lit = opening & (luck < facade.lit)
    albedo, emission = surfaces.albedo[where], surfaces.emission[where]
    albedo[frame] = 0.55
    glass = opening & ~bars
    curtain = 0.02 + 0.35 * (noise.grain(bay * 3.0 + 17.0, storey * 5.0 + facade.seed % 97) > 0.55)
    albedo[glass] = (0.03 + 0.3 * curtain)[glass][:, None]
    if night:
        tint = np.stack([np.ones_like(luck), 0.62 + 1.1 * luck, 0.3 + 1.6 * luck], axis=1)
        inside = 0.35 + 0.65 * noise.fractal(across * 0.2, up * 0.2)
        glow = (0.25 + 0.75 * np.clip(dv, 0, 1)) * inside * (1.2 - 2.0 * luck)
        emission[lit & ~bars] = (glow[:, None] * tint)[lit & ~bars]
    surfaces.albedo[where], surfaces.emission[where] = albedo, emission
    surfaces.gloss[where] = np.where(glass, 0.35, 0.0)
    warmth = surfaces.heat[where] + 1.2 * (noise.fractal(across * 0.05, up * 0.05) - 0.5)
    warmth = np.where(glass, warmth + np.where(luck < facade.lit, 2.4, -1.2), warmth)
    warmth = np.where(np.abs(cell_v) * facade.storey < 0.25, warmth + 0.5, warmth)  # the slab's edge: a thermal bridge
    surfaces.heat[where] = warmth
    surfaces.emissivity[where] = np.where(glass, 0.88, 0.93)
    surfaces.sun[where] = np.where(glass, 1.5, surfaces.sun[where])


def _masonry(surfaces: Surfaces, where: NDArray[np.bool_], brick: int, at: tuple[Plane, Plane], noise: Noise) -> None:
    across, up = at
    tone = 0.8 + 0.4 * noise.fractal(across * 0.06 + 0.3, up * 0.06)
    if brick == 1:
        row = np.floor(up / 0.15)
        shifted = across / 0.4 + 0.5 * (row % 2)
        tone = tone * (0.75 + 0.5 * noise.grain(np.floor(shifted), row))
        tone = np.where((up / 0.15 - row < 0.12) | (shifted - np.floor(shifted) < 0.06), tone * 1.25, tone)
    elif brick == 2:
        u, v = across / 1.8, up / 1.5
        joint = (np.abs(u - np.round(u)) < 0.012) | (np.abs(v - np.round(v)) < 0.012)
        tone = np.where(joint, tone * 0.6, tone * (0.92 + 0.16 * noise.grain(np.floor(u), np.floor(v))))
    surfaces.albedo[where] *= tone[:, None]
