"""Patterns of house walls: bricks or panels, windows with frames and curtains, lit ones by night."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.data.demo.materials import Facade
from bench.data.demo.noise import Noise

if TYPE_CHECKING:
    from bench.data.demo.surfaces import Surfaces

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Windows:
    """Where the windows of a wall are; all arrays (K,), one entry a pixel.

    Attributes:
        glass: on a pane.
        frame: on a frame or bar.
        luck: a random 0..1 for each window.
        drawn: a second one.
        height: 0 in the window's middle, 1 at its upper and lower edge.
    """

    glass: Mask
    frame: Mask
    luck: Values
    drawn: Values
    height: Values


def draw_wall(
    surfaces: Surfaces, where: tuple[NDArray[np.intp], ...], facade: Facade, noise: Noise, night: bool
) -> None:
    """Draws one wall into the pixels ``where`` (rows, columns)."""
    x, up, z = (plane[where] for plane in surfaces.position)
    nx, ny, nz = (plane[where] for plane in surfaces.normal)
    across = x * nz - z * nx
    windows = _windows(across, up, np.abs(ny) < 0.5, facade, noise)
    tone = _masonry(facade.brick, across, up, noise)
    glass, frame = windows.glass, windows.frame
    lit = glass & (windows.luck < facade.lit)
    pane = 0.03 + 0.12 * (windows.drawn > 0.55)
    glow = _glow(windows, noise.fractal(across * 0.2, up * 0.2))
    for channel in range(3):
        albedo = surfaces.albedo[channel][where] * tone
        surfaces.albedo[channel][where] = np.where(frame, 0.5, np.where(glass, pane, albedo))
        if night:
            surfaces.emission[channel][where] = np.where(lit, glow[channel], 0.0)
    surfaces.gloss[where] = np.where(glass, 0.35, 0.0)
    warmth = surfaces.heat[where] + 1.2 * (noise.fractal(across * 0.05, up * 0.05) - 0.5)
    warmth += np.where(glass, np.where(windows.luck < facade.lit, 2.4, -1.2), 0.0)
    slab = (up % np.float32(facade.storey)) < 0.25  # the edge of each floor is a thermal bridge
    surfaces.heat[where] = warmth + 0.5 * slab
    surfaces.emissivity[where] = np.where(glass, 0.88, 0.93)
    surfaces.sun[where] = np.where(glass, 1.5, surfaces.sun[where])


def _windows(across: Values, up: Values, upright: Mask, facade: Facade, noise: Noise) -> _Windows:
    u, v = across / np.float32(facade.bay), up / np.float32(facade.storey)
    bay, storey = np.floor(u), np.floor(v)
    off_u, off_v = np.abs(u - bay - 0.5), np.abs(v - storey - 0.5)
    open_to_street = (storey == 0) & facade.shop
    wide = np.where(open_to_street, np.float32(0.43), np.float32(facade.glass[0] / 2))
    tall = np.where(open_to_street, np.float32(0.37), np.float32(facade.glass[1] / 2))
    complete = ((storey + 1) * facade.storey <= facade.height + 0.2) & upright
    du, dv = off_u / wide, off_v / tall
    opening = (du < 1) & (dv < 1) & complete
    bars = (off_u * facade.bay < 0.04) | (off_v * facade.storey < 0.035)
    rim = (du < 1.12) & (dv < 1.1) & complete & ~opening
    return _Windows(
        glass=opening & ~bars,
        frame=rim | (opening & bars),
        luck=noise.grain(bay * 7.0 + facade.seed % 509, storey * 13.0 + facade.seed % 311),
        drawn=noise.grain(bay * 3.0 + 17.0, storey * 5.0 + facade.seed % 97),
        height=np.minimum(dv, 1.0),
    )


def _glow(windows: _Windows, inside: Values) -> tuple[Values, Values, Values]:
    """Linear RGB of a lit window; the lamps of some rooms are warm, of others cold."""
    strength = (0.25 + 0.75 * windows.height) * (0.35 + 0.65 * inside) * (1.2 - 2.0 * windows.luck)
    return strength, strength * (0.62 + 1.1 * windows.luck), strength * (0.3 + 1.6 * windows.luck)


def _masonry(brick: int, across: Values, up: Values, noise: Noise) -> Values:
    tone = 0.8 + 0.4 * noise.fractal(across * 0.06 + 0.3, up * 0.06)
    if brick == 1:
        v = up / np.float32(0.15)
        row = np.floor(v)
        u = across / np.float32(0.4) + 0.5 * (row % 2)
        tone = tone * (0.75 + 0.5 * noise.grain(u, row))
        return np.asarray(np.where((v - row < 0.12) | (u - np.floor(u) < 0.06), tone * 1.25, tone))
    if brick == 2:
        u, v = across / np.float32(1.8), up / np.float32(1.5)
        joint = (np.abs(u - np.round(u)) < 0.012) | (np.abs(v - np.round(v)) < 0.012)
        return np.asarray(np.where(joint, tone * 0.6, tone * (0.92 + 0.16 * noise.grain(u, v))))
    return np.asarray(tone)
