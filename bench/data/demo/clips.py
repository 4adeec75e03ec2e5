"""The generated data set ``demo_video``: two clips of the demo's streets, by day and by night, from a moving camera."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.data.clips import FramePair
from bench.data.demo.layout import draw_scene
from bench.data.demo.noise import Noise
from bench.data.demo.place import Progress, ensure_made, read_stamp
from bench.data.demo.raster import Camera
from bench.data.demo.render import look, sun_view
from bench.data.demo.sensors import detect, draw_infrared_sensor, draw_visible_sensor, expose
from bench.data.demo.spec import VERSION, DemoSpec
from bench.images import encode_png

FOLDER = "demo_video"
SIDES = ("ir", "vi")
CLIPS = {"day": False, "night": True}
FRAMES = 30
"""Of each clip of the data set."""

PAN = 0.2
"""Radians that the camera turns to the right in a second, at ``RATE``."""

RATE = 25.0
"""Frames a second."""

SEED = 4
"""Second word of a clip's seed: the parts of the data set ``demo`` have 1 to 3."""


def draw_clip(
    clip: str, frames: int, spec: DemoSpec | None = None, seed: int = 0, still: bool = False
) -> Iterator[FramePair]:
    """Frames of one scene as a camera sees it that is carried along: it turns, nods, and goes up and down.

    Args:
        clip: ``day`` or ``night``.
        frames: how many.
        spec: size of the images.
        seed: of everything random; the noise of the sensors is new in every frame.
        still: the camera stands, and its noise with it.

    Yields:
        ``ir`` uint8 (H, W), ``vis`` uint8 (H, W, 3).
    """
    night, spec = CLIPS[clip], spec or DemoSpec()
    rng = np.random.default_rng((seed, SEED, int(night)))
    noise, scene = Noise(rng), draw_scene(rng, night, 1)
    sensors = draw_visible_sensor(rng, scene.climate), draw_infrared_sensor(rng)
    view = sun_view(scene)
    for number in range(frames):
        at = 0 if still else number
        seen = look(scene, _camera(at, spec), noise, spec, view)
        of_frame = np.random.default_rng((seed, SEED, int(night), at))
        yield FramePair(detect(seen.warmth, sensors[1], of_frame), expose(seen.light, sensors[0], of_frame))


def _camera(number: int, spec: DemoSpec) -> Camera:
    """Where the camera is at a frame."""
    width, height = spec.width * spec.supersampling, spec.height * spec.supersampling
    seconds = number / RATE
    return Camera(
        width=width,
        height=height,
        focal=width * 0.9,
        horizon=height * (0.44 + 0.01 * float(np.sin(5.0 * seconds))),
        height_m=1.6 + 0.04 * float(np.sin(8.0 * seconds)),
        yaw=PAN * seconds - 0.1,
    )


def ensure_clips(root: Path, progress: Progress | None = None) -> Path:
    """Makes ``demo_video`` below ``root`` unless the same one is already there.

    Args:
        root: the data root; frames go to ``root/demo_video/{ir,vi}/CLIP_NNNNNN.png``.
        progress: told after each frame how many are done and how many there will be.

    Raises:
        BenchError: the folder cannot be written, or holds something this program did not make.
    """
    target, stamp = root / FOLDER, {"version": VERSION, "frames": FRAMES}
    return ensure_made(target, lambda: _is_there(target, stamp), lambda folder: _build(folder, progress), stamp)


def _is_there(target: Path, stamp: dict[str, int]) -> bool:
    whole = len(CLIPS) * FRAMES
    return read_stamp(target) == stamp and all(len(list((target / side).glob("*.png"))) == whole for side in SIDES)


def _build(folder: Path, progress: Progress | None) -> None:
    for side in SIDES:
        (folder / side).mkdir(parents=True)
    for place, clip in enumerate(CLIPS):
        for number, pair in enumerate(draw_clip(clip, FRAMES), 1):
            for side, image in zip(SIDES, (pair.ir, pair.vis), strict=True):
                (folder / side / f"{clip}_{number:06d}.png").write_bytes(encode_png(image))
            if progress is not None:
                progress(place * FRAMES + number, len(CLIPS) * FRAMES)
