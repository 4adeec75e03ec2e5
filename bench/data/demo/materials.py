"""What things are made of: how they look in visible light and how warm they are.

Heat: a surface is warmer than the air by ``heat`` (its own source), by ``storage`` times what the street keeps of the
day, and in the sun by ``sun`` at most. What it does not emit (1 - ``emissivity``) it mirrors: sky above, street below.
Emissivities are rounded from common tables of total emissivity at 300 K (asphalt 0.95, concrete 0.92, painted steel
0.90, glass 0.88, skin 0.98, foliage 0.96, bare metal 0.3); albedos are linear reflectances.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

RGB = tuple[float, float, float]


class Surface(IntEnum):
    """Which pattern is drawn on a face when it is shaded."""

    PLAIN = 0
    WALL = 1
    FOLIAGE = 2
    ROUGH = 3


@dataclass(frozen=True, slots=True)
class Facade:
    """The windows of a wall.

    Attributes:
        seed: picks which windows are lit, curtained or warm.
        storey: height of a storey in metres.
        bay: distance of the windows in metres.
        glass: width and height of a window as shares of its cell.
        lit: share of lit windows at night.
        brick: 0 plaster, 1 brick, 2 concrete panels.
        shop: True if the ground floor is a shop front.
        height: of the wall in metres.
    """

    seed: int
    storey: float = 3.0
    bay: float = 2.6
    glass: tuple[float, float] = (0.5, 0.5)
    lit: float = 0.3
    brick: int = 0
    shop: bool = False
    height: float = 9.0


@dataclass(frozen=True, slots=True)
class Material:
    """Visible and thermal properties of one surface.

    Attributes:
        albedo: linear RGB reflectance, 0..1.
        heat: kelvin above the air by its own source.
        storage: share of the street's stored heat, 0..1.
        sun: kelvin gained in full sun.
        emissivity: 0..1, long-wave infrared.
        retro: how strongly it throws head light back to its source.
        gloss: share of the surroundings it mirrors.
        emission: linear RGB radiance of its own.
        surface: pattern drawn on it.
        holes: share of the face that is open (foliage).
        facade: windows, for walls.
    """

    albedo: RGB
    heat: float = 0.0
    storage: float = 0.6
    sun: float = 6.0
    emissivity: float = 0.93
    retro: float = 0.0
    gloss: float = 0.0
    emission: RGB = (0.0, 0.0, 0.0)
    surface: Surface = Surface.PLAIN
    holes: float = 0.0
    facade: Facade | None = None

    def warmer(self, kelvin: float) -> Material:
        """The same with more heat of its own."""
        return replace(self, heat=self.heat + kelvin)

    def glowing(self, emission: RGB) -> Material:
        """The same, shining."""
        return replace(self, emission=emission)

    def thinned(self, holes: float) -> Material:
        """The same with a share of holes."""
        return replace(self, holes=holes)

    def dyed(self, albedo: RGB) -> Material:
        """The same in another colour."""
        return replace(self, albedo=albedo)


ASPHALT = Material((0.085, 0.085, 0.09), storage=1.0, sun=7.5, emissivity=0.95)
BUMP_PAINT = Material((0.62, 0.42, 0.02), storage=1.0, sun=7.5, emissivity=0.95, retro=0.6)
SHADE = Material((0.012, 0.012, 0.013), storage=0.9, sun=0.0, emissivity=0.95)
CONCRETE = Material((0.36, 0.35, 0.33), storage=1.0, sun=7.5, emissivity=0.95, surface=Surface.ROUGH)
KERB = Material((0.55, 0.54, 0.51), storage=1.0, sun=7.5, emissivity=0.95, retro=0.45, surface=Surface.ROUGH)
PLASTER = Material((0.5, 0.46, 0.4), storage=0.8, sun=6.0, emissivity=0.92, surface=Surface.WALL)
LEAVES = Material((0.06, 0.14, 0.035), storage=0.15, sun=1.5, emissivity=0.97, surface=Surface.FOLIAGE)
BARK = Material((0.11, 0.08, 0.06), storage=0.5, sun=4.0, emissivity=0.95, surface=Surface.ROUGH)
RAIL = Material((0.52, 0.53, 0.53), storage=0.95, sun=7.0, emissivity=0.94, gloss=0.1)
STEEL = Material((0.33, 0.34, 0.35), storage=0.45, sun=4.0, emissivity=0.7, gloss=0.1)
PAINT = Material((0.3, 0.02, 0.02), storage=0.7, sun=6.0, emissivity=0.92, gloss=0.09)
GLASS = Material((0.015, 0.018, 0.02), storage=0.7, sun=2.0, emissivity=0.88, gloss=0.28)
RUBBER = Material((0.018, 0.018, 0.019), storage=0.8, sun=8.0, emissivity=0.95)
CHROME = Material((0.4, 0.4, 0.42), storage=0.5, sun=3.0, emissivity=0.5, gloss=0.2)
PLATE = Material((0.75, 0.75, 0.72), storage=0.6, sun=4.0, retro=1.0)
RED_LAMP = Material((0.32, 0.01, 0.012), storage=0.6, sun=4.0, retro=0.5)
CLEAR_LAMP = Material((0.6, 0.6, 0.6), storage=0.6, sun=4.0, retro=0.15, gloss=0.2)
PLASTIC = Material((0.75, 0.12, 0.03), storage=1.0, sun=7.5, emissivity=0.95, retro=0.2)
REFLECTIVE = Material((0.8, 0.8, 0.78), storage=1.0, sun=7.5, emissivity=0.95, retro=1.0)
SKIN = Material((0.45, 0.27, 0.19), storage=0.0, sun=1.0, emissivity=0.98)
HAIR = Material((0.02, 0.016, 0.013), storage=0.0, sun=3.0, emissivity=0.95)
CLOTH = Material((0.05, 0.05, 0.06), storage=0.0, sun=3.0, emissivity=0.95)
