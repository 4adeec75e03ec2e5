"""Patterns of the ground: asphalt with paint and patches, pavements of slabs, grass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.data.demo.materials import RGB
from bench.data.demo.noise import Noise

if TYPE_CHECKING:
    from bench.data.demo.scene import Road
    from bench.data.demo.surfaces import Surfaces

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]

PAINT_WHITE = (0.62, 0.62, 0.6)
PAINT_YELLOW = (0.6, 0.4, 0.05)
ASPHALT_TINT = (1.0, 1.0, 1.05)
SLAB_TINT = (1.04, 1.0, 0.93)


def paint_ground(surfaces: Surfaces, where: Mask, road: Road, grass: RGB, noise: Noise) -> None:
    """Draws the ground into the pixels of ``where``."""
    spot = np.nonzero(where)
    x, z = surfaces.position[0][spot], surfaces.position[2][spot]
    lateral = x - (np.float32(road.middle) + np.float32(road.bend) * z * z)
    off_middle = np.abs(lateral)
    on_road = off_middle < road.half
    beyond = off_middle >= road.half + road.paved
    on_path = ~on_road & ~beyond
    tones = _tones(on_road, on_path, (x, z, lateral), road.slabs, noise)
    worn = (noise.fractal(x * 0.5, z * 0.5) + 0.5 * noise.grain(x * 30, z * 30) - np.float32(road.wear * 0.8)) * 3.0
    painted, yellow = _paint(lateral, z, road)
    paint = painted * on_road * np.clip(worn, np.float32(0.25), np.float32(1.0))
    iron = (lateral - road.manhole[0]) ** 2 + (z - road.manhole[1]) ** 2 < 0.33**2
    cover = np.float32(0.05) + np.float32(0.05) * (np.sin(x * 40) * np.sin(z * 40) > 0)
    for channel in range(3):
        tint = np.where(on_road, ASPHALT_TINT[channel], np.where(on_path, SLAB_TINT[channel], grass[channel]))
        colour = np.where(yellow, PAINT_YELLOW[channel], PAINT_WHITE[channel])
        albedo = tones * tint
        albedo += (colour - albedo) * paint
        surfaces.albedo[channel][spot] = np.where(iron, cover, albedo)
    tracks = np.exp(-(((off_middle - np.float32(road.half / 2)) / np.float32(0.7)) ** 2))
    heat = 0.9 * (noise.fractal(x * 0.03, z * 0.03) - 0.5) + 0.5 * (noise.grain(x * 24, z * 24) - 0.5)
    heat += np.where(on_road, 0.3 * tracks, 0.0)  # wheels warm their tracks
    heat += np.where(beyond, 1.5 * (noise.grain(x * 7, z * 7) - 0.5), np.where(iron, 1.3, 0.0))  # sewers are warm
    surfaces.heat[spot] = heat
    surfaces.storage[spot] = np.where(beyond, 0.2, 1.0)  # road and pavement are one in warmth, and so is paint
    surfaces.sun[spot] = np.where(beyond, 3.0, 7.5)
    surfaces.retro[spot] = 0.35 * paint
    surfaces.emissivity[spot] = np.where(beyond, 0.97, 0.95)


def _tones(on_road: Mask, on_path: Mask, at: tuple[Values, Values, Values], slabs: bool, noise: Noise) -> Values:
    """Grey reflectance of asphalt and slabs; for grass the factor on its colour."""
    x, z, lateral = at
    tones = np.empty(x.shape, np.float32)
    beyond = ~on_road & ~on_path
    tones[on_road] = _asphalt(lateral[on_road], z[on_road], noise)
    tones[on_path] = _pavement(lateral[on_path], z[on_path], slabs, noise)
    tones[beyond] = _grass(x[beyond], z[beyond], noise)
    return tones


def _asphalt(lateral: Values, z: Values, noise: Noise) -> Values:
    tone = 0.06 + 0.035 * noise.fractal(lateral * 0.08, z * 0.08) + 0.05 * (noise.grain(lateral * 45, z * 45) - 0.5)
    crack = np.abs(noise.fractal(lateral * 0.11 + 0.37, z * 0.07) - 0.5) < 0.0035
    ragged = 0.25 * noise.fractal(lateral * 0.3, z * 0.3)
    patch = noise.grain(np.floor(lateral / 1.3 + ragged) * 3, np.floor(z / 2.7 + ragged) * 7) > 0.94  # mended spots
    return np.asarray(np.where(crack, 0.02, np.where(patch, tone * 0.8, tone)), np.float32)


def _pavement(lateral: Values, z: Values, slabs: bool, noise: Noise) -> Values:
    tone = 0.17 + 0.05 * noise.fractal(lateral * 0.1, z * 0.1) + 0.05 * (noise.grain(lateral * 40, z * 40) - 0.5)
    if not slabs:
        return np.asarray(tone, np.float32)
    u, v = lateral / np.float32(0.45), z / np.float32(0.45)
    joint = (np.abs(u - np.round(u)) < 0.04) | (np.abs(v - np.round(v)) < 0.04)
    return np.asarray(np.where(joint, 0.07, tone * (0.85 + 0.3 * noise.grain(u, v))), np.float32)


def _grass(x: Values, z: Values, noise: Noise) -> Values:
    return np.asarray(0.55 + 0.6 * noise.fractal(x * 0.12, z * 0.12) + 0.5 * (noise.grain(x * 25, z * 25) - 0.5))


def _paint(lateral: Values, z: Values, road: Road) -> tuple[Values, Mask]:
    """How much of each ground point is painted, 0 or 1, and where that paint is yellow."""
    middle = np.abs(lateral) < 0.075
    if road.dashed:
        middle &= (z % 8.0) < 4.5
    paint = middle | (np.abs(np.abs(lateral) - (road.half - 0.3)) < 0.07)
    if road.crossing:
        along = z - road.crossing
        stripes = (along > 0) & (along < 3.2) & (((lateral + 20) % 0.9) < 0.45) & (np.abs(lateral) < road.half - 0.35)
        stop = (along > -2.2) & (along < -1.85) & (lateral * road.middle < 0.1)
        paint = np.where((along > -0.6) & (along < 3.8), stripes, paint) | stop
    if road.arrow[1]:
        u, v = np.abs(lateral - road.arrow[0]), z - road.arrow[1]
        shaft = (u < 0.09) & (v > 0) & (v < 2.6)
        head = (v >= 2.6) & (v < 4.0) & (u < 0.3 * (4.0 - v))
        paint = paint | shaft | head
    return paint.astype(np.float32), middle & road.yellow
