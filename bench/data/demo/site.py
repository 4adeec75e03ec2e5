"""The ground of one scene while it is filled: its dice, its road, what is taken, what was built so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.data.demo.materials import RGB
from bench.data.demo.mesh import Frame, Mesh, Points
from bench.data.demo.scene import Light, Road, draw_climate

LEAF_COLOURS: tuple[RGB, ...] = ((0.06, 0.14, 0.035), (0.09, 0.15, 0.03), (0.2, 0.15, 0.03), (0.05, 0.1, 0.04))


@dataclass(slots=True)
class Plot:
    """Ground already taken: discs (x, z, radius)."""

    taken: list[tuple[float, float, float]] = field(default_factory=list)

    def take(self, points: Sequence[Points] | Points, radius: float) -> bool:
        """Takes a disc round each point; takes none and says False if something stands in one of them."""
        for x, z, other in self.taken:
            if any((x - point[0]) ** 2 + (z - point[2]) ** 2 < (radius + other) ** 2 for point in points):
                return False
        self.taken += [(float(point[0]), float(point[2]), radius) for point in points]
        return True


class Site:
    """What every thing that is placed draws from, stands on and is added to."""

    def __init__(self, rng: np.random.Generator, night: bool, index: int) -> None:
        self.rng = rng
        self.index = index
        self.mesh = Mesh()
        self.plot = Plot()
        self.climate = draw_climate(rng, night)
        self.side = float(rng.choice([-1.0, 1.0]))  # the side of the road we drive on
        self.road = self._draw_road()
        self.leaf = LEAF_COLOURS[int(rng.integers(len(LEAF_COLOURS)))]
        self.lights: list[Light] = []

    def _draw_road(self) -> Road:
        rng = self.rng
        half = float(rng.uniform(3.2, 4.2))
        return Road(
            middle=-self.side * float(rng.uniform(0.25, 0.5)) * half,
            bend=float(rng.normal(0.0, 0.0022)),
            half=half,
            paved=float(rng.uniform(2.2, 3.6)),
            crossing=float(rng.uniform(9.0, 20.0)) if rng.random() < 0.35 else 0.0,
            dashed=bool(rng.random() < 0.6),
            yellow=bool(rng.random() < 0.3),
            slabs=bool(rng.random() < 0.6),
            wear=float(rng.uniform(0.1, 0.6)),
            manhole=(float(rng.uniform(-2.0, 2.0)), float(rng.uniform(5.0, 14.0))),
            arrow=(self.side * half / 2, float(rng.uniform(7.0, 16.0)) if rng.random() < 0.3 else 0.0),
        )

    def chance(self, share: float) -> bool:
        """True in this share of draws."""
        return bool(self.rng.random() < share)

    def either(self, first: float, second: float) -> float:
        """One of two, evenly."""
        return first if self.rng.random() < 0.5 else second

    def between(self, low: float, high: float) -> float:
        """Uniform between two."""
        return float(self.rng.uniform(low, high))

    def heading(self, distance: float) -> float:
        """The road's direction at a distance, in radians."""
        return float(np.arctan(2 * self.road.bend * distance))

    def frame(self, lateral: float, distance: float, yaw: float = 0.0) -> Frame:
        """A place beside or on the road, turned with it."""
        spot = self.road.at(lateral, distance)
        return Frame(float(spot[0]), float(spot[2]), yaw + self.heading(distance))
