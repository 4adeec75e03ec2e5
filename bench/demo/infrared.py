"""Warmth: the apparent temperature that the infrared camera sees on every surface."""

from __future__ import annotations

import cv2
import numpy as np

from bench.demo.noise import Noise
from bench.demo.scene import Scene
from bench.demo.surfaces import Plane, Surfaces


def apparent_temperature(scene: Scene, surfaces: Surfaces, lit: Plane, noise: Noise) -> Plane:
    """Degrees Celsius as a black body would have to be to look alike; float32 (H, W).

    A grey surface sends ``emissivity`` of its own and mirrors the rest: the sky if it faces up, the street if not.

    Args:
        scene: weather.
        surfaces: what each pixel shows.
        lit: share of the sun that reaches each pixel; heat follows it slowly, so it is smoothed.
        noise: for the clouds.
    """
    climate = scene.climate
    upward = np.clip(surfaces.normal[..., 1], 0.0, 1.0)
    warmth = surfaces.heat + climate.stored * surfaces.storage
    if climate.night:
        warmth = warmth - 1.3 * (1.0 - climate.cloud) * upward * (1.0 - surfaces.storage)  # cooled by the open sky
    else:
        facing = np.clip(surfaces.normal @ scene.sun.astype(np.float32), 0.0, 1.0)
        slow = cv2.GaussianBlur(lit, (0, 0), surfaces.sky.shape[1] / 160.0)
        warmth = warmth + surfaces.sun * climate.sun * facing * slow
    own = climate.air + warmth
    mirrored = climate.air + upward * climate.sky * 0.5 + (1.0 - upward) * 0.5 * climate.stored
    apparent = surfaces.emissivity * own + (1.0 - surfaces.emissivity) * mirrored
    air = 1.0 - np.exp(-surfaces.distance / 600.0)
    apparent = apparent + (climate.air - apparent) * air
    return np.where(surfaces.sky, _sky(scene, surfaces.sky.shape, noise), apparent).astype(np.float32)


def _sky(scene: Scene, shape: tuple[int, ...], noise: Noise) -> Plane:
    height, width = shape
    rows = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    columns = np.linspace(0.0, 1.0, width, dtype=np.float32)[None, :] * np.ones((height, 1), np.float32)
    horizon = np.clip(rows * 2.0, 0.0, 1.0) ** 2
    cloud = noise.fractal(columns * 0.35, rows**0.7 * 0.9)
    return np.asarray(scene.climate.air + scene.climate.sky * (1.0 - 0.75 * horizon) + 8.0 * (cloud - 0.5))
