"""Images as stored, turned into the planes that a method reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench import colour, images
from bench.fusion import style
from bench.plugin.method import ImageStyle
from bench.types import Image


@dataclass(frozen=True)
class Planes:
    """How one method reads images.

    Attributes:
        space: the method's.
        style: the way of its authors, or the plain one.
        size: height and width that images are resized to first; None: they stay.
    """

    space: str
    style: ImageStyle
    size: tuple[int, int] | None

    def ir(self, ir: Image) -> np.ndarray:
        """The infrared image as (1, H, W), or (3, H, W) of a method that fuses colours."""
        small = self._resized(ir)
        return _rgb_planes(small) if self.space == "rgb" else style.read_ir(self.style, small)[None]

    def vis(self, vis: Image) -> np.ndarray:
        """The visible image as (1, H, W), (3, H, W), or (6, H, W) with the colours that are put back."""
        small = self._resized(vis)
        if self.space == "luma":
            return style.read_vis(self.style, small)[None]
        planes = _rgb_planes(small)
        if self.size is None or self.space == "rgb":
            return planes
        return np.concatenate([planes, _rgb_planes(self.colours(vis))])

    def _resized(self, image: Image) -> Image:
        return image if self.size is None else colour.resize(image, self.size, "pillow")

    def colours(self, vis: Image) -> Image:
        """The image that gives the colours; scripts that resize do it with OpenCV here."""
        return vis if self.size is None else colour.resize(vis, self.size, "opencv")


def _rgb_planes(image: Image) -> np.ndarray:
    return images.as_rgb(image).transpose(2, 0, 1)
