"""What a scene is: its faces, its road, its weather and its lamps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.data.demo.materials import RGB
from bench.data.demo.mesh import Faces, Points


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """A lamp: where it hangs, its linear RGB strength, where it points (unit, or None for down)."""

    position: Points
    strength: Points
    direction: Points | None = None


@dataclass(frozen=True, slots=True)
class Road:
    """The ground: a road with a bend, pavements and what is painted on it.

    Attributes:
        middle: x of the road's middle at the camera.
        bend: x = middle + bend z^2.
        half: half the carriageway's width.
        paved: width of the pavements.
        crossing: distance of a zebra crossing, 0 for none.
        dashed: the middle line is dashed.
        yellow: the middle line is yellow.
        slabs: the pavement is of slabs, else of asphalt.
        wear: 0 fresh paint .. 1 worn.
        manhole: (lateral, distance) of a cover.
        arrow: (lateral, distance) of an arrow, distance 0 for none.
    """

    middle: float
    bend: float
    half: float
    paved: float
    crossing: float
    dashed: bool
    yellow: bool
    slabs: bool
    wear: float
    manhole: tuple[float, float]
    arrow: tuple[float, float]

    def at(self, lateral: float, distance: float) -> Points:
        """The ground point at a lateral place and distance."""
        return np.array([self.middle + self.bend * distance**2 + lateral, 0.0, distance])


@dataclass(frozen=True, slots=True)
class Climate:
    """Weather and hour.

    Attributes:
        night: after dark.
        air: degrees Celsius.
        stored: kelvin that heavy materials keep above the air.
        sky: apparent temperature of the sky overhead relative to the air, kelvin.
        sun: linear strength of the direct sun, 0 at night or under clouds.
        cloud: 0 clear .. 1 overcast.
        dusk: linear strength of the sky's light by night.
        head_light: strength of the camera car's own dipped beam.
        clear: metres in which the air takes all but 1/e of the visible contrast; it hides less from infrared.
    """

    night: bool
    air: float
    stored: float
    sky: float
    sun: float
    cloud: float
    dusk: float
    head_light: float
    clear: float

    @property
    def foggy(self) -> bool:
        """Things a street's length away are gone in visible light."""
        return self.clear < 100.0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """All that the two cameras need."""

    faces: Faces
    road: Road
    climate: Climate
    sun: Points
    lights: tuple[Light, ...]
    grass: RGB


FOGGY = 0.7
"""Share of the days with fog."""


def draw_climate(rng: np.random.Generator, night: bool) -> Climate:
    """Random weather by night or by day."""
    cloud = float(rng.uniform(0.6 if night else 0.0, 1.0))
    fog = rng.random() < FOGGY
    clear = float(rng.uniform(9.0, 18.0)) if fog and not night else 1100.0
    if night:
        return Climate(
            night=True,
            air=float(rng.uniform(8.0, 17.0)),
            stored=float(rng.uniform(2.0, 4.0)),
            sky=-38.0 + 34.0 * cloud,
            sun=0.0,
            cloud=cloud,
            dusk=float(rng.uniform(0.001, 0.005)),
            head_light=float(rng.uniform(0.15, 0.5)),
            clear=clear,
        )
    return Climate(
        night=False,
        air=float(rng.uniform(10.0, 20.0)),
        stored=float(rng.uniform(0.5, 2.0)),
        sky=-34.0 + 22.0 * cloud,
        sun=0.0 if fog else float(np.clip(1.7 - 2.0 * cloud, 0.0, 1.0)),
        cloud=cloud,
        dusk=1.0,
        head_light=0.0,
        clear=clear,
    )
