"""One scene to one pair of images with its truth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.data.demo.infrared import apparent_temperature
from bench.data.demo.layout import draw_scene
from bench.data.demo.mesh import Faces
from bench.data.demo.noise import Noise
from bench.data.demo.raster import Buffers, Camera, SunView, see
from bench.data.demo.scene import Scene
from bench.data.demo.sensors import detect, draw_infrared_sensor, draw_visible_sensor, expose
from bench.data.demo.spec import BOX_CLASSES, DemoSpec, Label
from bench.data.demo.surfaces import look_up
from bench.data.demo.visible import radiance
from bench.types import Image

SMALLEST_BOX = (4, 8)
"""Width and height in drawn pixels at a width of 640 below which nobody would draw a box."""


@dataclass(frozen=True, slots=True)
class Box:
    """A person or car; centre and size as shares of the image."""

    label: Label
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A finished pair: ``vis`` uint8 (H, W, 3) RGB, ``ir`` and ``labels`` uint8 (H, W)."""

    vis: Image
    ir: Image
    labels: Image
    boxes: tuple[Box, ...]


def draw(seed: tuple[int, ...], night: bool, index: int, spec: DemoSpec) -> Drawing:
    """Draws the scene that ``seed`` stands for.

    Args:
        seed: entropy of the scene's own generator.
        night: after dark.
        index: decides which of the rarer things are sure to be there.
        spec: image size.
    """
    rng = np.random.default_rng(seed)
    noise = Noise(rng)
    scene = draw_scene(rng, night, index)
    seen = look(scene, _camera(rng, spec), noise, spec, sun_view(scene))
    return Drawing(
        vis=expose(seen.light, draw_visible_sensor(rng, scene.climate), rng),
        ir=detect(seen.warmth, draw_infrared_sensor(rng), rng),
        labels=_labels(scene.faces, seen.buffers, spec),
        boxes=_boxes(scene.faces, seen.buffers),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What reaches the sensors: ``light`` float32 (H, W, 3), ``warmth`` float32 (H, W), and the faces behind them."""

    light: NDArray[np.float32]
    warmth: NDArray[np.float32]
    buffers: Buffers


def look(scene: Scene, camera: Camera, noise: Noise, spec: DemoSpec, view: SunView | None) -> Seen:
    """A scene from where the camera stands; ``view`` is the sun's, None where it does not shine."""
    buffers = see(scene.faces, camera, noise)
    surfaces = look_up(scene, camera, buffers, noise)
    position = surfaces.position
    lit = view.lit(scene.faces, position, noise) if view else np.zeros(position.shape[1:], np.float32)
    light = np.stack([_average(plane, spec) for plane in radiance(scene, surfaces, lit, noise)], axis=2)
    return Seen(light, _average(apparent_temperature(scene, surfaces, lit, noise), spec), buffers)


def sun_view(scene: Scene) -> SunView | None:
    """The scene as the sun sees it; None by night."""
    return SunView.toward(scene.sun, 768, 56.0, np.array([0.0, 0.0, 22.0])) if scene.climate.sun > 0 else None


def _average(plane: NDArray[np.float32], spec: DemoSpec) -> NDArray[np.float32]:
    """A drawn plane at the final size."""
    return np.asarray(cv2.resize(plane, (spec.width, spec.height), interpolation=cv2.INTER_AREA), np.float32)


def _camera(rng: np.random.Generator, spec: DemoSpec) -> Camera:
    width, height = spec.width * spec.supersampling, spec.height * spec.supersampling
    return Camera(
        width=width,
        height=height,
        focal=width * float(rng.uniform(0.8, 0.95)),
        horizon=height * float(rng.uniform(0.4, 0.47)),
        height_m=float(rng.uniform(1.45, 1.8)),
        yaw=float(rng.normal(0.0, 0.05)),
    )


def _labels(faces: Faces, buffers: Buffers, spec: DemoSpec) -> Image:
    """Each final pixel gets the class that covers most of it; a tie goes to the object, not the background."""
    drawn = np.append(faces.label, 0).astype(np.uint8)[buffers.truth]
    shares = [_average((drawn == label).astype(np.float32), spec) for label in Label]
    shares[Label.UNLABELLED] -= np.float32(1e-3)
    return np.asarray(np.argmax(np.stack(shares), axis=0).astype(np.uint8))


def _boxes(faces: Faces, buffers: Buffers) -> tuple[Box, ...]:
    owner = np.append(faces.instance, 0)[buffers.truth]
    height, width = owner.shape
    label_of = dict(zip(faces.instance.tolist(), faces.label.tolist(), strict=True))
    scale = width / 640.0
    boxes = []
    for instance, found in enumerate(ndimage.find_objects(owner), start=1):
        label = Label(label_of.get(instance, 0))
        if found is None or label not in BOX_CLASSES:
            continue
        rows, columns = found
        tall, wide = rows.stop - rows.start, columns.stop - columns.start
        filled = int((owner[found] == instance).sum())
        if wide < SMALLEST_BOX[0] * scale or tall < SMALLEST_BOX[1] * scale or filled < 0.15 * wide * tall:
            continue
        boxes.append(
            Box(
                label, (columns.start + wide / 2) / width, (rows.start + tall / 2) / height, wide / width, tall / height
            )
        )
    return tuple(boxes)
