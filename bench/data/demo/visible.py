"""Light: what the visible camera receives from every surface, by day or by night."""

from __future__ import annotations

import numpy as np

from bench.data.demo.materials import RGB
from bench.data.demo.noise import Noise
from bench.data.demo.scene import Climate, Light, Scene
from bench.data.demo.surfaces import Plane, Surfaces

DAY_SKY: RGB = (0.4, 0.62, 0.95)
HORIZON: RGB = (0.8, 0.87, 0.95)
CLOUDS: RGB = (0.9, 0.91, 0.93)
SUN_LIGHT: RGB = (1.0, 0.92, 0.78)
NIGHT_SKY: RGB = (0.55, 0.6, 0.75)
TOWN_GLOW: RGB = (0.7, 0.62, 0.6)
BEAM: RGB = (1.0, 0.97, 0.88)


def radiance(scene: Scene, surfaces: Surfaces, lit: Plane, noise: Noise) -> Plane:
    """Linear RGB radiance, float32 (3, H, W); 1 is a white board in full daylight.

    Args:
        scene: lights and weather.
        surfaces: what each pixel shows.
        lit: share of the sun that reaches each pixel, (H, W).
        noise: for the clouds.
    """
    light = _night_light(scene, surfaces) if scene.climate.night else _day_light(scene, surfaces, lit)
    light *= _crevice(surfaces)
    colour = surfaces.albedo * light + surfaces.emission
    mirrored = _mirrored(surfaces)
    climate = scene.climate
    for channel in range(3):
        sky = climate.dusk * NIGHT_SKY[channel] if climate.night else 0.7 * DAY_SKY[channel] + 0.3
        colour[channel] += mirrored * np.float32(0.8 * sky)
    if climate.night:
        back = surfaces.retro * _beam(surfaces) * np.float32(2.6 * climate.head_light)
        colour += surfaces.albedo * back
    return _through_air(climate, surfaces, colour, noise)


def _day_light(scene: Scene, surfaces: Surfaces, lit: Plane) -> Plane:
    climate = scene.climate
    from_sky = (0.62 + 0.38 * surfaces.normal[1]) * np.float32(0.2 + 0.42 * climate.cloud)
    from_sun = surfaces.facing(scene.sun) * lit * np.float32(1.9 * climate.sun)
    return np.stack(
        [from_sky * np.float32(_mix(DAY_SKY[k], CLOUDS[k], climate.cloud)) + from_sun * np.float32(SUN_LIGHT[k])
         for k in range(3)]
    )  # fmt: skip


def _night_light(scene: Scene, surfaces: Surfaces) -> Plane:
    climate = scene.climate
    from_sky = (0.62 + 0.38 * surfaces.normal[1]) * np.float32(climate.dusk)
    light = np.stack([from_sky * np.float32(value) for value in NIGHT_SKY])
    own = _beam(surfaces) * np.clip(0.25 - surfaces.normal[2], np.float32(0.12), np.float32(1.0))
    for channel in range(3):
        light[channel] += own * np.float32(0.32 * climate.head_light * BEAM[channel])
    for lamp in scene.lights:
        strength = _lamp(lamp, surfaces)
        for channel in range(3):
            light[channel] += strength * np.float32(lamp.strength[channel])
    return light


def _mix(first: float, second: float, share: float) -> float:
    return first + (second - first) * share


def _crevice(surfaces: Surfaces) -> Plane:
    """Upright things receive less light from the sky near the ground."""
    near_ground = 0.72 + 0.28 * np.clip(surfaces.position[1], np.float32(0), np.float32(1))
    return np.asarray(np.where(surfaces.normal[1] > 0.9, np.float32(1.0), near_ground))


def _lamp(lamp: Light, surfaces: Surfaces) -> Plane:
    x, y, z = (np.float32(lamp.position[k]) - surfaces.position[k] for k in range(3))
    square = x * x + y * y + z * z
    inverse = 1.0 / np.sqrt(square)
    cosine = (x * surfaces.normal[0] + y * surfaces.normal[1] + z * surfaces.normal[2]) * inverse
    cosine = np.maximum(cosine, np.float32(0)) * 0.85 + 0.15
    if lamp.direction is None:  # a street lamp shines down
        down = np.maximum(y * inverse, np.float32(0))
        return np.asarray(down * np.sqrt(down) * cosine / (square + 2.0))
    forward = [np.float32(value) for value in lamp.direction]
    along = -(x * forward[0] + y * forward[1] + z * forward[2]) * inverse
    cone = np.clip((along - 0.8) * 5.0, np.float32(0), np.float32(1))
    return np.asarray(cone * cone * cosine / (square + 3.0))


def _beam(surfaces: Surfaces) -> Plane:
    """Dipped beam of the camera's own car: cut off above, strongest ahead."""
    x, y, z = surfaces.position
    ahead = np.maximum(z, np.float32(0.5))
    cut = np.clip(0.6 - (y - 0.7) / ahead * 28.0, np.float32(0.05), np.float32(1.0))
    sideways = x / (ahead * np.float32(0.38))
    return np.asarray(cut * np.exp(-(sideways * sideways)) * 90.0 / (ahead * ahead + 60.0))


def _mirrored(surfaces: Surfaces) -> Plane:
    """Share of the sky that windows and paint mirror; they mirror the dark street where they look down."""
    x, y, z = surfaces.position
    normal = surfaces.normal
    scale = 1.0 / np.maximum(surfaces.distance, np.float32(0.1))
    y = y - np.float32(1.6)
    dot = (x * normal[0] + y * normal[1] + z * normal[2]) * scale
    up = y * scale - 2 * dot * normal[1]
    grazing = 1.0 - np.minimum(np.abs(dot), np.float32(1))
    fresnel = 0.45 + 0.9 * grazing * grazing * grazing
    return np.asarray(surfaces.gloss * fresnel * np.clip(up * 3.0 + 0.35, np.float32(0.05), np.float32(1.0)))


def _through_air(climate: Climate, surfaces: Surfaces, colour: Plane, noise: Noise) -> Plane:
    """Puts the sky behind and a little haze between."""
    height, width = surfaces.sky.shape
    rows = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None]
    columns = np.linspace(0.0, 1.0, width, dtype=np.float32)[None, :]
    horizon = np.minimum(rows * 2.0, np.float32(1.0))
    cloud = noise.fractal(columns * 0.35 + 0 * rows, rows**0.7 * 0.9 + 0 * columns)
    cover = np.clip((cloud - 0.62 + np.float32(0.5 * climate.cloud)) * 4.0, np.float32(0), np.float32(1))
    haze = 1.0 - np.exp(surfaces.distance / np.float32(-climate.clear))
    for channel in range(3):
        if climate.night:
            sky = np.float32(climate.dusk * TOWN_GLOW[channel]) * (0.5 + 1.4 * horizon * horizon)
            far = 1.3 * climate.dusk * TOWN_GLOW[channel]
        else:
            clear = DAY_SKY[channel] + np.float32(HORIZON[channel] - DAY_SKY[channel]) * horizon**1.5
            sky = clear + (CLOUDS[channel] * (0.8 + 0.25 * cloud) - clear) * cover
            far = 0.85 * HORIZON[channel]
        plane = colour[channel]
        plane += (np.float32(far) - plane) * haze
        np.copyto(plane, sky, where=surfaces.sky)
    return colour
