"""The two cameras behind the lens: blur, glare, exposure, vignetting, noise, eight bits."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from bench.data.demo.scene import Climate
from bench.data.demo.surfaces import Plane
from bench.types import Image


@dataclass(frozen=True, slots=True)
class VisibleSensor:
    """A small colour camera.

    Attributes:
        blur: of the lens, pixels at a width of 640.
        glare: share of light spread by the lens around bright spots.
        target: mean grey that the exposure aims at, 0..1 linear.
        limit: largest gain.
        tint: RGB white balance.
        photons: full-well light; smaller is noisier.
        read_noise: of the reading, share of full scale.
    """

    blur: float
    glare: float
    target: float
    limit: float
    tint: tuple[float, float, float]
    photons: float
    read_noise: float


def draw_visible_sensor(rng: np.random.Generator, climate: Climate) -> VisibleSensor:
    """A random camera with the exposure of the hour."""
    tint = (float(rng.uniform(0.94, 1.05)), 1.0, float(rng.uniform(0.94, 1.08)))
    if climate.night:
        tint = (tint[0] * 0.92, 1.0, tint[2] * 0.88)  # the greenish cast of cheap cameras in the dark
        return VisibleSensor(
            0.8, 0.13, float(rng.uniform(0.035, 0.065)), float(rng.uniform(1.4, 2.8)), tint, 600.0, 0.01
        )
    dim = 0.45 if climate.foggy else 1.0
    return VisibleSensor(0.65, 0.012, dim * float(rng.uniform(0.16, 0.27)), 2.0, tint, 5000.0, 0.003)


def expose(radiance: Plane, sensor: VisibleSensor, rng: np.random.Generator) -> Image:
    """Linear radiance (H, W, 3) at the final size to uint8 RGB."""
    height, width = radiance.shape[:2]
    scale = width / 640.0
    light = cv2.GaussianBlur(np.minimum(radiance, 60.0), (0, 0), max(sensor.blur * scale, 0.3))
    for share, sigma in ((0.5, 3.0), (0.3, 10.0), (0.2, 34.0)):  # glare of the lens falls off slowly
        light = light + sensor.glare * share * cv2.GaussianBlur(np.maximum(light - 0.6, 0.0), (0, 0), sigma * scale)
    mean = float(np.minimum(light, 1.0).mean())
    light = light * min(sensor.target / max(mean, 1e-4), sensor.limit)
    light = light * np.array(sensor.tint, np.float32) * _vignette(height, width, 0.22)
    light = np.clip(light, 0.0, 1.6)
    shot = rng.standard_normal(light.shape, np.float32)
    read = rng.standard_normal(light.shape, np.float32)
    light = light + shot * np.sqrt(light / sensor.photons) + sensor.read_noise * read
    light = cv2.GaussianBlur(light, (0, 0), 0.35)  # the colour filter's interpolation
    grey = np.clip(light, 0.0, None)
    encoded = np.where(grey <= 0.0031308, 12.92 * grey, 1.055 * np.power(np.maximum(grey, 1e-6), 1 / 2.4) - 0.055)
    rolled = np.where(encoded > 0.8, 0.8 + 0.2 * np.tanh((encoded - 0.8) / 0.2), encoded)  # highlights roll off
    return np.asarray(np.clip(rolled * 255.0 + 0.5, 0, 255).astype(np.uint8))


@dataclass(frozen=True, slots=True)
class InfraredSensor:
    """A microbolometer with automatic gain.

    Attributes:
        blur: of the lens, pixels at a width of 640.
        noise_k: temporal noise, kelvin.
        pattern_k: fixed pattern noise, kelvin.
        floor: grey, 0..1, that the automatic gain gives to the middle temperature of the scene.
        span: kelvin from there to white.
    """

    blur: float
    noise_k: float
    pattern_k: float
    floor: float
    span: float


def draw_infrared_sensor(rng: np.random.Generator) -> InfraredSensor:
    """A random camera; the street is dark and people are bright, as in MSRS (median 14 to 17, 99.5 % at 110 to 130)."""
    return InfraredSensor(
        blur=float(rng.uniform(1.3, 1.8)),
        noise_k=float(rng.uniform(0.25, 0.5)),
        pattern_k=float(rng.uniform(0.2, 0.4)),
        floor=float(rng.uniform(0.05, 0.1)),
        span=float(rng.uniform(15.0, 20.0)),
    )


def detect(temperature: Plane, sensor: InfraredSensor, rng: np.random.Generator) -> Image:
    """Apparent temperature (H, W) at the final size to uint8 grey."""
    height, width = temperature.shape
    scale = width / 640.0
    seen = cv2.GaussianBlur(np.clip(temperature, -40.0, 70.0), (0, 0), max(sensor.blur * scale, 0.3))
    columns = rng.standard_normal((1, width), np.float32) + 0.5 * rng.standard_normal((height, 1), np.float32)
    pattern = 0.35 * columns + 0.6 * rng.standard_normal((height, width), np.float32)
    seen = seen + sensor.pattern_k * pattern + sensor.noise_k * rng.standard_normal((height, width), np.float32)
    seen = seen - 0.8 * (1.0 - _vignette(height, width, 0.5)[..., 0])
    grey = sensor.floor + (seen - float(np.median(seen))) / sensor.span
    detail = grey - cv2.GaussianBlur(grey, (0, 0), 6.0 * scale)
    grey = grey + 0.35 * detail  # the camera's own edge enhancement
    toe = sensor.floor * np.exp(np.minimum(grey / sensor.floor - 1.0, 0.0))  # what is colder fades out, not off
    grey = np.where(grey < sensor.floor, toe, grey)
    return np.asarray(np.clip(grey * 255.0 + 0.5, 0, 255).astype(np.uint8))


def _vignette(height: int, width: int, strength: float) -> Plane:
    v = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None]
    u = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None, :]
    return np.asarray((1.0 - strength * (u * u + v * v) / 2.0)[..., None])
