"""Faults of a pair, each on a ladder of five severities: our own few lines, by the formula that each states.

A fault changes one image of a pair and leaves the other, labels and boxes alone. ``v`` is a grey level, 0 to 255, and
the result is rounded to the nearest level and cut to 0 to 255. What is drawn (a direction, noise, drops) hangs on the
fault and the pair's name alone: it is the same for all methods, all severities and all runs, so that a higher severity
is more of the same fault.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from bench.colour import resize
from bench.errors import BenchError
from bench.files import digest
from bench.images import as_rgb
from bench.types import Image, Pair, PairFiles

Floats = NDArray[np.float64]
Levels = Floats | Image
"""Before rounding; an image is whole already."""
Generator = np.random.Generator

SEVERITIES = (1, 2, 3, 4, 5)
GAMMA = 2.2
"""Of the display: light is proportional to (v / 255)^2.2."""
AIR = 220.0
"""Grey level of the light that fog scatters into the camera."""
NEAREST = 0.25
"""Depth of the bottom row in parts of that of the top row."""
DROP, SHARE = 230.0, 0.6
"""Grey level of a rain streak, and its share of a pixel that it covers."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What a fault may look at besides its image.

    Attributes:
        generator: drawn from anew for every severity.
        earlier: gives the infrared image of the pair so many places earlier in the listing, in this pair's size.
    """

    generator: Generator
    earlier: Callable[[int], Image]


@dataclass(frozen=True, slots=True, eq=False)
class Corruption:
    """One fault.

    Attributes:
        name: of the ladder.
        side: the image that it changes.
        title: for people.
        formula: what it does, in a sentence; ``x`` is the strength.
        strengths: of the severities 1, 2, ...
        unit: of the strength.
        apply: image as stored (uint8), strength, scene -> grey levels of the same shape, before rounding.
        reach: height, width, strength -> the width in pixels of a frame that holds all pixels which the image had to
            make up.
    """

    name: str
    side: Literal["ir", "vis"]
    title: str
    formula: str
    strengths: tuple[float, ...]
    unit: str
    apply: Callable[[Image, float, Scene], Levels]
    reach: Callable[[int, int, float], int] = lambda *_: 0

    @property
    def severities(self) -> tuple[int, ...]:
        """Those that it has."""
        return tuple(range(1, len(self.strengths) + 1))

    def frame(self, height: int, width: int) -> int:
        """What is cut off every side to compare images of all severities on pixels that are real in all of them."""
        return max(self.reach(height, width, strength) for strength in self.strengths)


def corrupt(pair: Pair, corruption: Corruption, severity: int, earlier: Callable[[int], Image]) -> tuple[Image, Image]:
    """A pair with one fault.

    Args:
        pair: as stored.
        corruption: the fault.
        severity: 1 to 5; 0 changes nothing.
        earlier: as in ``Scene``.

    Returns:
        Infrared and visible image, shaped as they were.
    """
    if severity == 0:
        return pair.ir, pair.vis
    scene = Scene(_generator(corruption.name, pair.files), earlier)
    strength = corruption.strengths[severity - 1]
    if corruption.side == "ir":
        return _levels(corruption.apply(pair.ir, strength, scene)), pair.vis
    return pair.ir, _levels(corruption.apply(pair.vis, strength, scene))


def _generator(name: str, files: PairFiles) -> Generator:
    return np.random.default_rng(int(digest(name, files.dataset, *files.key)[:16], 16))


def _levels(values: Levels) -> Image:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _channels(field: Floats, image: Image) -> Floats:
    """A field (H, W) that changes all channels of an image alike."""
    return field if image.ndim == 2 else field[..., None]


# ------------------------------------------------------------------ infrared


def _shift(image: Image, pixels: float, scene: Scene) -> Image:
    down, right = ((0, 1), (1, 0), (0, -1), (-1, 0))[int(scene.generator.integers(4))]
    height, width = image.shape[:2]
    rows = np.clip(np.arange(height) - down * int(pixels), 0, height - 1)
    columns = np.clip(np.arange(width) - right * int(pixels), 0, width - 1)
    return image[rows[:, None], columns]


def _about_the_centre(image: Image, matrix: Floats) -> Floats:
    """The image seen through a linear map of the plane: each pixel takes its level from ``matrix @ place``.

    Bilinear between pixels; beyond the frame its last pixel is repeated.
    """
    from scipy.ndimage import affine_transform

    centre = (np.array(image.shape[:2]) - 1) / 2
    planes = image[..., None] if image.ndim == 2 else image
    seen = [
        affine_transform(planes[..., at].astype(np.float64), matrix, centre - matrix @ centre, order=1, mode="nearest")
        for at in range(planes.shape[-1])
    ]
    return np.stack(seen, axis=-1).reshape(image.shape)


def _rotate(image: Image, degrees: float, scene: Scene) -> Floats:
    angle = math.radians(degrees) * (1 if scene.generator.integers(2) else -1)
    turn = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    return _about_the_centre(image, np.array(turn))


def _turned_in(height: int, width: int, degrees: float) -> int:
    """The frame inside which every pixel of a turned image comes from the image."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    sides = ((height - 1) / 2, (width - 1) / 2), ((width - 1) / 2, (height - 1) / 2)
    return math.ceil(max((along * (cosine - 1) + across * sine) / (cosine + sine) for along, across in sides))


def _scale(image: Image, percent: float, scene: Scene) -> Floats:  # noqa: ARG001 - a fault
    return _about_the_centre(image, np.eye(2) / (1 + percent / 100))


def _noise(image: Image, deviation: float, scene: Scene) -> Floats:
    noise = scene.generator.standard_normal(image.shape[:2])
    return image + deviation * _channels(noise, image)


def _blur(image: Image, sigma: float, scene: Scene) -> Floats:  # noqa: ARG001 - a fault
    from scipy.ndimage import gaussian_filter

    axes = (sigma, sigma) if image.ndim == 2 else (sigma, sigma, 0)
    return gaussian_filter(image.astype(np.float64), axes, mode="nearest")


def _missing(image: Image, _: float, scene: Scene) -> Image:  # noqa: ARG001 - a fault
    return np.zeros_like(image)


def _frozen(image: Image, places: float, scene: Scene) -> Image:
    stale = scene.earlier(int(places))
    if stale.ndim == image.ndim:
        return stale
    return as_rgb(stale) if image.ndim == 3 else stale[..., 0]


# ------------------------------------------------------------------ visible


def _exposed(image: Image, stops: float, scene: Scene) -> Floats:  # noqa: ARG001 - a fault
    return image * 2.0 ** (stops / GAMMA)


def _darkened(image: Image, stops: float, scene: Scene) -> Floats:
    return _exposed(image, -stops, scene)


def _fog(image: Image, density: float, scene: Scene) -> Floats:  # noqa: ARG001 - a fault
    depth = np.linspace(1.0, NEAREST, image.shape[0])[:, None]
    clear = _channels(np.exp(-density * depth), image)
    return clear * image + (1 - clear) * AIR


def _rain(image: Image, density: float, scene: Scene) -> Floats:
    height, width = image.shape[:2]
    slant = math.tan(math.radians(float(scene.generator.uniform(-15.0, 15.0))))
    rows, columns = np.nonzero(scene.generator.random((height, width)) < density / 100)
    steps = np.arange(max(2, height // 20))
    rows, columns = rows[:, None] + steps, columns[:, None] + np.rint(steps * slant).astype(np.int64)
    inside = (rows < height) & (columns >= 0) & (columns < width)
    covered = np.zeros((height, width))
    covered[rows[inside], columns[inside]] = SHARE
    covered = _channels(covered, image)
    return (1 - covered) * image + covered * DROP


def _jpeg(image: Image, quality: float, scene: Scene) -> Image:  # noqa: ARG001 - a fault
    buffer = io.BytesIO()
    PillowImage.fromarray(image).save(buffer, "JPEG", quality=int(quality))
    return np.asarray(PillowImage.open(buffer))


# ------------------------------------------------------------------ the ladders

_ALL = (
    Corruption(
        "ir_shift", "ir", "Infrared shifted",
        "The infrared image is moved by x pixels to the right, down, left or up (drawn); its last row or column is "
        "repeated where it left the frame.",
        (1, 2, 4, 8, 16), "px", _shift, lambda *size_and_pixels: int(size_and_pixels[2]),
    ),
    Corruption(
        "ir_rotate", "ir", "Infrared turned",
        "The infrared image is turned by x degrees about its centre, to a side that is drawn, bilinear; its last "
        "pixels are repeated where it left the frame.",
        (0.25, 0.5, 1, 2, 4), "degrees", _rotate, _turned_in,
    ),
    Corruption(
        "ir_scale", "ir", "Infrared enlarged",
        "The infrared image is enlarged by x percent about its centre, bilinear.", (0.5, 1, 2, 4, 8), "%", _scale,
    ),
    Corruption(
        "ir_noise", "ir", "Infrared noise", "v + n, n normal with mean 0 and deviation x, one for all channels.",
        (4, 8, 16, 32, 64), "grey levels", _noise,
    ),
    Corruption(
        "ir_blur", "ir", "Infrared blurred", "Gaussian of deviation x, cut at 4 x; the frame is repeated.",
        (0.5, 1, 2, 4, 8), "px", _blur,
    ),
    Corruption("ir_missing", "ir", "No infrared", "v = 0 everywhere; one severity.", (1,), "image", _missing),
    Corruption(
        "ir_frozen", "ir", "Infrared frozen",
        "The infrared image is that of the pair x places earlier in the listing, resized where sizes differ; before "
        "the first pair stands the last, and the pair itself is passed over (1 + (x - 1) mod (n - 1) places).",
        (1, 2, 4, 8, 16), "pairs ago", _frozen,
    ),
    Corruption(
        "vis_dark", "vis", "Visible too dark", "v 2^(-x / 2.2): x stops less light at a display gamma of 2.2.",
        (1, 2, 3, 4, 5), "stops", _darkened,
    ),
    Corruption(
        "vis_over", "vis", "Visible overexposed", "min(255, v 2^(x / 2.2)): x stops more light at a display gamma of "
        "2.2.", (1, 2, 3, 4, 5), "stops", _exposed,
    ),
    Corruption(
        "vis_fog", "vis", "Fog",
        "t v + (1 - t) 220 with t = exp(-x d), Koschmieder's law; the depth d falls from 1 in the top row to 0.25 in "
        "the bottom row.", (0.25, 0.5, 1, 2, 4), "optical depth", _fog,
    ),
    Corruption(
        "vis_rain", "vis", "Rain",
        "0.4 v + 0.6 230 where a streak lies: streaks begin at x percent of the pixels, are a twentieth of the height "
        "long and slant by up to 15 degrees, alike in one image.", (0.05, 0.1, 0.2, 0.4, 0.8), "% of pixels", _rain,
    ),
    Corruption(
        "vis_jpeg", "vis", "JPEG", "Written and read as JPEG of quality x (Pillow, colours halved).",
        (80, 40, 20, 10, 5), "quality", _jpeg,
    ),
)  # fmt: skip

CORRUPTIONS: dict[str, Corruption] = {corruption.name: corruption for corruption in _ALL}
"""Every fault by name."""


def earlier_infrared(files: list[PairFiles], at: int, size: tuple[int, int]) -> Callable[[int], Image]:
    """What ``Scene.earlier`` is for a pair of a listing.

    Args:
        files: the listing.
        at: the pair's place in it.
        size: height and width of its images.
    """
    from bench.data.pairs import read_pair

    def earlier(places: int) -> Image:
        if len(files) < 2:
            raise BenchError("ir_frozen needs the infrared image of another pair, and there is one pair; take more")
        ir = read_pair(files[at - 1 - (places - 1) % (len(files) - 1)]).ir
        return ir if ir.shape[:2] == size else resize(ir, size, "opencv")

    return earlier
