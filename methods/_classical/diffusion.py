"""Edge-preserving smoothing by partial differential equations.

References:
    [1] Perona, Malik: Scale-space and edge detection using anisotropic diffusion, IEEE TPAMI 12(7), 1990,
        doi:10.1109/34.56205.
    [2] You, Kaveh: Fourth-order partial differential equations for noise removal, IEEE TIP 9(10), 2000,
        doi:10.1109/83.869184.
"""

from __future__ import annotations

import numpy as np

from methods._classical.matlab import gradient
from methods._classical.planes import Plane

DIRECTIONS = (((0, 1), 1.0), ((1, 0), 1.0), ((1, 1), 0.5), ((1, -1), 0.5))
"""Half of the eight neighbours (row, column) with the inverse of their squared distance; the others mirror them."""


def diffuse(image: Plane, steps: int = 10, rate: float = 0.15, contrast: float = 30.0) -> Plane:
    """Anisotropic diffusion over eight neighbours, with the exponential conduction of [1].

    Outside the image everything is 0, so the border darkens.

    Args:
        image: float64 (H, W), 0..255.
        steps: explicit steps.
        rate: of a step.
        contrast: grey levels above which an edge holds the flow back.
    """
    state = np.pad(image, 1)
    inside = (slice(1, -1), slice(1, -1))
    for _ in range(steps):
        change = np.zeros_like(state)
        for (down, right), weight in DIRECTIONS:
            here, there = _shifted(state, down, right)
            flow = there - here
            conduction = flow * (1 / contrast)
            conduction *= conduction
            np.negative(conduction, out=conduction)
            flow *= np.exp(conduction, out=conduction)
            if weight != 1:
                flow *= weight
            here, there = _shifted(change, down, right)
            here += flow
            there -= flow
        change *= rate
        state[inside] += change[inside]
    return state[inside].copy()


def _shifted(image: Plane, down: int, right: int) -> tuple[Plane, Plane]:
    """All pixels that have a neighbour in this direction, and those neighbours."""
    height, width = image.shape
    left, ahead = max(-right, 0), max(right, 0)
    here = image[: height - down, left : width - ahead]
    return here, image[down:, left + right : width - ahead + right]


def smooth_fourth_order(image: Plane, steps: int = 15, rate: float = 0.9, contrast: float = 4.0) -> Plane:
    """Fourth-order diffusion [2], its second derivatives being ``gradient`` taken twice, as in FPDE's code.

    Args:
        image: float64 (H, W), 0..255.
        steps: explicit steps.
        rate: of a step; stable only for these wide derivatives.
        contrast: second derivative, in grey levels, above which the smoothing is held back.
    """
    image = image.copy()
    first, vertical, horizontal, conduction = (np.empty_like(image) for _ in range(4))
    for _ in range(steps):
        _second(image, 1, first, horizontal)
        _second(image, 0, first, vertical)
        np.multiply(horizontal, horizontal, out=conduction)
        np.multiply(vertical, vertical, out=first)
        conduction += first
        np.sqrt(conduction, out=conduction)
        conduction /= contrast
        np.multiply(conduction, conduction, out=conduction)
        conduction += 1
        np.divide(1, conduction, out=conduction)
        horizontal *= conduction
        vertical *= conduction
        _second(horizontal, 1, first, conduction)
        _second(vertical, 0, first, horizontal)
        conduction += horizontal
        conduction *= rate
        image -= conduction
    return image


def _second(image: Plane, axis: int, first: Plane, out: Plane) -> None:
    gradient(gradient(image, axis, out=first), axis, out=out)
