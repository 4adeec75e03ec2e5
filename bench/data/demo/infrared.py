"""Warmth: the apparent temperature that the infrared camera sees on every surface."""

from __future__ import annotations

import cv2
import numpy as np

from bench.data.demo.noise import Noise
from bench.data.demo.scene import Climate, Scene
from bench.data.demo.surfaces import Plane, Surfaces


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
    upward = np.maximum(surfaces.normal[1], np.float32(0))
    warmth = surfaces.heat + np.float32(climate.stored) * surfaces.storage
    if climate.night:  # light things are cooled by the open sky
        warmth -= np.float32(1.3 * (1.0 - climate.cloud)) * upward * (1.0 - surfaces.storage)
    elif climate.sun > 0:
        slow = cv2.GaussianBlur(lit, (0, 0), surfaces.sky.shape[1] / 160.0)
        # heat spreads within things, so that how a face lies to the sun counts less than in light
        warmth += surfaces.sun * np.float32(climate.sun) * (0.5 + 0.5 * surfaces.facing(scene.sun)) * slow
    mirrored = upward * np.float32(climate.sky * 0.5) + (1.0 - upward) * np.float32(0.5 * climate.stored)
    apparent = surfaces.emissivity * warmth + (1.0 - surfaces.emissivity) * mirrored
    apparent *= np.exp(surfaces.distance * np.float32(-1 / 600))  # the air between has its own temperature
    apparent += np.float32(climate.air)
    np.copyto(apparent, _sky(climate, surfaces.sky.shape, noise), where=surfaces.sky)
    return apparent


def _sky(climate: Climate, shape: tuple[int, ...], noise: Noise) -> Plane:
    height, width = shape
    rows = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None]
    columns = np.linspace(0.0, 1.0, width, dtype=np.float32)[None, :]
    horizon = np.minimum(rows * 2.0, np.float32(1.0)) ** 2
    cloud = noise.fractal(columns * 0.35 + 0 * rows, rows**0.7 * 0.9 + 0 * columns)
    return np.asarray(np.float32(climate.air) + np.float32(climate.sky) * (1.0 - 0.75 * horizon) + 8.0 * (cloud - 0.5))
