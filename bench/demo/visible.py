"""Light: what the visible camera receives from every surface, by day or by night."""

from __future__ import annotations

import numpy as np

from bench.demo.noise import Noise
from bench.demo.scene import Light, Scene
from bench.demo.surfaces import Plane, Surfaces

DAY_SKY = np.array([0.42, 0.6, 0.95], np.float32)
CLOUDS = np.array([0.85, 0.87, 0.9], np.float32)
SUN_LIGHT = np.array([1.0, 0.93, 0.8], np.float32)
NIGHT_SKY = np.array([0.55, 0.6, 0.75], np.float32)
BEAM = np.array([1.0, 0.97, 0.88], np.float32)


def radiance(scene: Scene, surfaces: Surfaces, lit: Plane, noise: Noise) -> Plane:
    """Linear RGB radiance, float32 (H, W, 3); 1 is a white board in full daylight.

    Args:
        scene: lights and weather.
        surfaces: what each pixel shows.
        lit: share of the sun that reaches each pixel, (H, W).
        noise: for the clouds.
    """
    climate = scene.climate
    upward = surfaces.normal[..., 1]
    sky_light = (0.62 + 0.38 * upward)[..., None]
    if climate.night:
        light = sky_light * (climate.dusk * NIGHT_SKY)
        for lamp in scene.lights:
            light = light + _lamp(lamp, surfaces)
        light = light + _own_beam(climate.head_light, surfaces)
    else:
        facing = np.clip(surfaces.normal @ scene.sun.astype(np.float32), 0.0, 1.0)
        sky_colour = DAY_SKY + (CLOUDS - DAY_SKY) * climate.cloud
        light = sky_light * (0.34 + 0.3 * climate.cloud) * sky_colour
        light = light + (0.95 * climate.sun * facing * lit)[..., None] * SUN_LIGHT
    light = light * _crevice(surfaces)[..., None]
    colour = surfaces.albedo * light + surfaces.emission
    colour = colour + _mirrored(scene, surfaces)
    if climate.night:
        back = surfaces.retro * _beam_strength(surfaces) * (2.2 * climate.head_light)
        colour = colour + surfaces.albedo * back[..., None] * BEAM
    return _through_air(scene, surfaces, colour.astype(np.float32), noise)


def _crevice(surfaces: Surfaces) -> Plane:
    """Things near the ground receive a little less light from the sky."""
    return np.asarray(
        np.where(surfaces.normal[..., 1] > 0.9, 1.0, 0.72 + 0.28 * np.clip(surfaces.position[..., 1], 0, 1))
    )


def _lamp(lamp: Light, surfaces: Surfaces) -> Plane:
    toward = lamp.position.astype(np.float32) - surfaces.position
    square = (toward * toward).sum(axis=2)
    inverse = 1.0 / np.sqrt(square)
    cosine = np.clip((toward * surfaces.normal).sum(axis=2) * inverse, 0.0, 1.0) * 0.85 + 0.15
    if lamp.direction is None:
        spread = np.clip(toward[..., 1] * inverse, 0.0, 1.0) ** 1.5
        strength = spread * cosine / (square + 2.0)
    else:
        along = -(toward @ lamp.direction.astype(np.float32)) * inverse
        strength = np.clip((along - 0.8) * 5.0, 0.0, 1.0) ** 2 * cosine / (square + 3.0)
    return np.asarray(strength[..., None] * lamp.strength.astype(np.float32))


def _beam_strength(surfaces: Surfaces) -> Plane:
    """Dipped beam of the camera's own car: cut off above, strongest ahead."""
    x, y, z = (surfaces.position[..., k] for k in range(3))
    rise = (y - 0.7) / np.maximum(z, 0.5)
    sideways = x / np.maximum(z, 0.5)
    cut = np.clip(0.6 - rise * 28.0, 0.05, 1.0)
    return np.asarray(cut * np.exp(-((sideways / 0.38) ** 2)) * 90.0 / (z * z + 60.0))


def _own_beam(strength: float, surfaces: Surfaces) -> Plane:
    towards_us = np.clip(0.25 - surfaces.normal[..., 2], 0.12, 1.0)
    return np.asarray((0.32 * strength * _beam_strength(surfaces) * towards_us)[..., None] * BEAM)


def _mirrored(scene: Scene, surfaces: Surfaces) -> Plane:
    """Windows and paint mirror the sky above and the dark street below."""
    view = surfaces.position / np.maximum(surfaces.distance, 0.1)[..., None]
    dot = (view * surfaces.normal).sum(axis=2)
    up = view[..., 1] - 2 * dot * surfaces.normal[..., 1]
    grazing = (1.0 - np.clip(np.abs(dot), 0.0, 1.0)) ** 3
    share = surfaces.gloss * (0.45 + 0.9 * grazing) * np.clip(up * 3.0 + 0.35, 0.05, 1.0)
    sky = scene.climate.dusk * 0.8 if scene.climate.night else 0.8
    return np.asarray(share[..., None] * (sky * (NIGHT_SKY if scene.climate.night else DAY_SKY * 0.7 + 0.3)))


def _through_air(scene: Scene, surfaces: Surfaces, colour: Plane, noise: Noise) -> Plane:
    """Puts the sky behind and a little haze between."""
    climate = scene.climate
    height, width = surfaces.sky.shape
    rows = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    columns = np.linspace(0.0, 1.0, width, dtype=np.float32)[None, :] * np.ones((height, 1), np.float32)
    horizon = np.clip(rows * 2.0, 0.0, 1.0)[..., None]
    if climate.night:
        sky = climate.dusk * (0.5 + 1.4 * horizon**2) * np.array([0.7, 0.62, 0.6], np.float32)
        haze_colour = climate.dusk * np.array([0.9, 0.85, 0.8], np.float32)
    else:
        clear = DAY_SKY + (np.array([0.85, 0.9, 0.97], np.float32) - DAY_SKY) * horizon**1.5
        cloud = noise.fractal(columns * 0.35, rows**0.7 * 0.9)
        cover = np.clip((cloud - 0.62 + 0.5 * climate.cloud) * 4.0, 0.0, 1.0)[..., None]
        sky = clear + (CLOUDS * (0.8 + 0.25 * cloud[..., None]) - clear) * cover
        haze_colour = np.array([0.72, 0.78, 0.86], np.float32)
    haze = (1.0 - np.exp(-surfaces.distance / 450.0))[..., None]
    colour = colour + (haze_colour - colour) * haze
    return np.where(surfaces.sky[..., None], sky, colour).astype(np.float32)
