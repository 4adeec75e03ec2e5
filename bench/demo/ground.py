"""Patterns of the ground: asphalt with paint and patches, pavements of slabs, grass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.demo.materials import RGB
from bench.demo.noise import Noise

if TYPE_CHECKING:
    from bench.demo.scene import Road
    from bench.demo.surfaces import Surfaces

Values = NDArray[np.float32]

PAINT_WHITE = (0.62, 0.62, 0.6)
PAINT_YELLOW = (0.6, 0.4, 0.05)


def paint_ground(surfaces: Surfaces, where: NDArray[np.bool_], road: Road, grass: RGB, noise: Noise) -> None:
    """Draws the ground into the pixels of ``where``."""
    position = surfaces.position[where]
    x, z = position[:, 0], position[:, 2]
    lateral = x - (np.float32(road.middle) + np.float32(road.bend) * z * z)
    on_road = np.abs(lateral) < road.half
    on_path = ~on_road & (np.abs(lateral) < road.half + road.paved)
    albedo = _asphalt(x, z, noise)
    heat = 0.9 * (noise.fractal(x * 0.03, z * 0.03) - 0.5) + 0.5 * (noise.grain(x * 24, z * 24) - 0.5)
    heat = heat + 0.6 * np.exp(-(((np.abs(lateral) - road.half / 2) / 0.7) ** 2))  # wheels warm their track
    albedo[on_path] = _pavement(lateral, z, road.slabs, noise)[on_path]
    heat[on_path] -= 0.9
    off = ~on_road & ~on_path
    albedo[off] = _grass(x, z, grass, noise)[off]
    heat[off] += 1.5 * (noise.grain(x * 7, z * 7)[off] - 0.5)
    paint, yellow = _paint(lateral, z, road)
    paint = (
        paint
        * on_road
        * np.clip(
            (noise.fractal(x * 0.5, z * 0.5) + 0.5 * noise.grain(x * 30, z * 30) - road.wear * 0.8) * 3.0, 0.25, 1.0
        )
    )
    colour = np.where(yellow[:, None], PAINT_YELLOW, PAINT_WHITE).astype(np.float32)
    albedo += (colour - albedo) * paint[:, None]
    cover = (lateral - road.manhole[0]) ** 2 + (z - road.manhole[1]) ** 2
    iron = cover < 0.33**2
    albedo[iron] = (0.05 + 0.05 * (np.sin(x * 40) * np.sin(z * 40) > 0))[iron][:, None]
    heat[iron] += 1.3  # the sewer below is warmer
    surfaces.albedo[where] = albedo
    surfaces.heat[where] = heat
    surfaces.storage[where] = np.where(off, 0.2, np.where(on_path, 0.9, 1.0))
    surfaces.sun[where] = np.where(off, 3.0, np.where(on_path, 9.0, 11.0) - 1.0 * paint)
    surfaces.retro[where] = 0.35 * paint
    surfaces.emissivity[where] = np.where(off, 0.97, 0.95)


def _asphalt(x: Values, z: Values, noise: Noise) -> Values:
    grain = noise.grain(x * 45, z * 45)
    cloud = noise.fractal(x * 0.08, z * 0.08)
    tone = 0.06 + 0.035 * cloud + 0.05 * (grain - 0.5)
    crack = np.abs(noise.fractal(x * 0.11 + 0.37, z * 0.07) - 0.5) < 0.0035
    patch = noise.grain(np.floor(x / 2.4) * 3 + 5, np.floor(z / 5.0) * 7) > 0.9
    tone = np.where(crack, 0.02, np.where(patch, tone * 0.7, tone))
    return np.stack([tone, tone, tone * 1.06], axis=1).astype(np.float32)


def _pavement(lateral: Values, z: Values, slabs: bool, noise: Noise) -> Values:
    tone = 0.17 + 0.05 * noise.fractal(lateral * 0.1, z * 0.1) + 0.05 * (noise.grain(lateral * 40, z * 40) - 0.5)
    if slabs:
        u, v = lateral / 0.45, z / 0.45
        tone = tone * (0.85 + 0.3 * noise.grain(u, v))
        joint = (np.abs(u - np.round(u)) < 0.04) | (np.abs(v - np.round(v)) < 0.04)
        tone = np.where(joint, 0.07, tone)
    return np.stack([tone * 1.04, tone, tone * 0.93], axis=1).astype(np.float32)


def _grass(x: Values, z: Values, grass: RGB, noise: Noise) -> Values:
    tone = 0.55 + 0.6 * noise.fractal(x * 0.12, z * 0.12) + 0.5 * (noise.grain(x * 25, z * 25) - 0.5)
    return (tone[:, None] * np.array(grass, np.float32)).astype(np.float32)


def _paint(lateral: Values, z: Values, road: Road) -> tuple[Values, NDArray[np.bool_]]:
    """How much of each ground point is painted, 0..1, and where that paint is yellow."""
    middle = np.abs(lateral) < 0.075
    if road.dashed:
        middle &= (z % 8.0) < 4.5
    edges = np.abs(np.abs(lateral) - (road.half - 0.3)) < 0.07
    paint = middle | edges
    yellow = middle & road.yellow
    if road.crossing:
        along = z - road.crossing
        stripes = (along > 0) & (along < 3.2) & (((lateral + 20) % 0.9) < 0.45) & (np.abs(lateral) < road.half - 0.35)
        stop = (along > -2.2) & (along < -1.85) & (lateral * road.middle < 0.1)
        paint = np.where((along > -0.6) & (along < 3.8), stripes, paint) | stop
    if road.arrow[1]:
        u, v = lateral - road.arrow[0], z - road.arrow[1]
        shaft = (np.abs(u) < 0.09) & (v > 0) & (v < 2.6)
        head = (v >= 2.6) & (v < 4.0) & (np.abs(u) < 0.42 * (4.0 - v) / 1.4)
        paint = paint | shaft | head
    return paint.astype(np.float32), yellow
