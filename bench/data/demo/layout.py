"""Lays out one road scene: what stands where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.data.demo import materials as stuff
from bench.data.demo.cars import BODIES, COLOURS, CarState, add_car
from bench.data.demo.materials import RGB
from bench.data.demo.mesh import Frame, Mesh, Points
from bench.data.demo.people import add_bicycle, add_walker, draw_look
from bench.data.demo.scene import Light, Road, Scene, draw_climate
from bench.data.demo.street import add_bump, add_car_stop, add_cone, add_guardrail, add_kerb, add_lamp, add_sign
from bench.data.demo.surroundings import add_far_bank, add_hedge, add_house, add_tree

CONE_COLOURS: tuple[RGB, ...] = ((0.72, 0.1, 0.02), (0.72, 0.1, 0.02), (0.05, 0.12, 0.5), (0.6, 0.45, 0.03))
LEAF_COLOURS: tuple[RGB, ...] = ((0.06, 0.14, 0.035), (0.09, 0.15, 0.03), (0.2, 0.15, 0.03), (0.05, 0.1, 0.04))


@dataclass(slots=True)
class _Plot:
    """Ground already taken: discs (x, z, radius)."""

    taken: list[tuple[float, float, float]] = field(default_factory=list)

    def take(self, points: Sequence[Points] | Points, radius: float) -> bool:
        """Takes a disc round each point; takes none and says False if something stands in one of them."""
        for x, z, other in self.taken:
            if any((x - point[0]) ** 2 + (z - point[2]) ** 2 < (radius + other) ** 2 for point in points):
                return False
        self.taken += [(float(point[0]), float(point[2]), radius) for point in points]
        return True


class _Builder:
    """Fills one scene; each ``place_`` method adds one kind of thing."""

    def __init__(self, rng: np.random.Generator, night: bool, index: int) -> None:
        self.rng = rng
        self.index = index
        self.mesh = Mesh()
        self.plot = _Plot()
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
        return bool(self.rng.random() < share)

    def either(self, first: float, second: float) -> float:
        return first if self.rng.random() < 0.5 else second

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def heading(self, distance: float) -> float:
        return float(np.arctan(2 * self.road.bend * distance))

    def frame(self, lateral: float, distance: float, yaw: float = 0.0) -> Frame:
        spot = self.road.at(lateral, distance)
        return Frame(float(spot[0]), float(spot[2]), yaw + self.heading(distance))

    def place_surroundings(self) -> None:
        """Houses, trees and hedges along both sides, and what closes the view."""
        for side in (-1.0, 1.0):
            z = self.between(-2.0, 4.0)
            setback = self.between(0.3, 5.0)
            green = self.chance(0.35)
            while z < 75.0:
                length = self.between(8.0, 18.0)
                self._lot(side, setback, (z, z + length), green)
                z += length + self.between(0.3, 4.0)
        add_far_bank(self.mesh, self.rng, 85.0, self.leaf)

    def _lot(self, side: float, setback: float, span: tuple[float, float], green: bool) -> None:
        """One lot beside the pavement between two distances: a house or trees, with or without a hedge."""
        lateral = side * (self.road.half + self.road.paved + setback)
        ends = [float(self.road.at(lateral, distance)[0]) for distance in span]
        edge = max(ends) if side > 0 else min(ends)  # the road bends: stay off it at both ends
        if not green and self.chance(0.85):
            outer = edge + side * self.between(7.0, 12.0)
            height = float(self.rng.choice([4.5, 6.5, 9.5, 13.0, 17.0]))
            add_house(self.mesh, self.rng, (min(edge, outer), max(edge, outer), *span), height)
        elif self.chance(0.9):
            for _ in range(2):
                spot = np.array([edge + side * self.between(0.5, 5.0), 0.0, self.between(*span)])
                if spot[2] > 4.0:
                    add_tree(self.mesh, self.rng, spot, self.between(6.0, 10.0), self.leaf)
        if green or self.chance(0.25):
            self._hedge(side, (max(span[0], 1.5), span[1] - 1.5))

    def _hedge(self, side: float, span: tuple[float, float]) -> None:
        lateral = side * (self.road.half + self.road.paved + 0.1)
        ends = [float(self.road.at(lateral, distance)[0]) for distance in span]
        inner = max(ends) if side > 0 else min(ends)
        outer = inner + side * self.between(0.7, 1.2)
        if span[0] < span[1]:
            corners = (min(inner, outer), max(inner, outer), *span)
            add_hedge(self.mesh, self.rng, corners, self.between(0.6, 1.3), self.leaf)

    def place_street_trees(self) -> None:
        side = self.either(-1.0, 1.0)
        for distance in np.arange(self.between(7.0, 12.0), 60.0, self.between(8.0, 13.0)):
            spot = self.road.at(side * (self.road.half + 0.9), float(distance))
            if self.plot.take([spot], 0.5):
                add_tree(self.mesh, self.rng, spot, self.between(5.0, 7.5), self.leaf)

    def place_kerbs(self) -> None:
        painted = self.chance(0.3)
        material = stuff.KERB.dyed((0.6, 0.57, 0.5)) if painted else stuff.KERB
        for side in (-1.0, 1.0):
            add_kerb(self.mesh, self.road.at, side * self.road.half, (1.2, 60.0), material)

    def place_lamps(self) -> None:
        night = self.climate.night
        colour: RGB = (1.0, 0.62, 0.3) if self.chance(0.35) else (0.86, 0.95, 0.9)
        side = self.either(-1.0, 1.0)
        works = not night or self.chance(0.75)
        for distance in np.arange(self.between(7.0, 16.0), 75.0, self.between(17.0, 26.0)):
            spot = self.road.at(side * (self.road.half + 0.6), float(distance))
            if not self.plot.take([spot], 0.3):
                continue
            on = night and works
            light = add_lamp(self.mesh, spot, -side * 1.4, self.between(5.0, 6.5), on, colour)
            if on:
                self.lights.append(Light(light, np.array(colour) * self.between(12.0, 22.0)))
            side = side if self.chance(0.7) else -side

    def place_signs(self) -> None:
        for _ in range(int(self.rng.integers(0, 3))):
            side = self.either(-1.0, 1.0)
            spot = self.road.at(side * (self.road.half + 0.5), self.between(8.0, 35.0))
            if self.plot.take([spot], 0.4):
                add_sign(self.mesh, spot, int(self.rng.integers(3)))

    def place_bump(self) -> None:
        half = self.road.half
        distance = self.between(5.0, 12.0)
        whole = self.chance(0.5)
        span = (-half + 0.15, half - 0.15) if whole else tuple(sorted((0.1 * self.side, self.side * (half - 0.15))))
        add_bump(self.mesh, self.road.at, (span[0], span[1]), distance, self.between(0.7, 1.3))

    def place_cones(self) -> None:
        colour = CONE_COLOURS[int(self.rng.integers(len(CONE_COLOURS)))]
        height = self.between(0.6, 0.85)
        side = self.either(-1.0, 1.0)
        start, step = self.between(4.5, 9.0), self.between(1.4, 3.0)
        lateral, drift = side * (self.road.half - self.between(0.4, 1.6)), self.between(-0.12, 0.12)
        for k in range(int(self.rng.integers(3, 8))):
            spot = self.road.at(lateral + drift * k, start + step * k)
            if self.plot.take([spot], 0.25):
                add_cone(self.mesh, spot, colour, height)

    def place_car_stops(self) -> None:
        side = self.either(-1.0, 1.0)
        low = self.chance(0.5)
        size = (0.65, 0.2, 0.24) if low else (self.between(1.0, 1.6), 0.42, 0.45)
        lateral = side * (self.road.half - self.between(0.35, 0.7))
        yaw = np.pi / 2 if low and self.chance(0.5) else 0.0
        step = size[0] + self.between(0.6, 1.6)
        start = self.between(4.0, 7.0)
        for k in range(int(self.rng.integers(4, 9))):
            frame = self.frame(lateral, start + step * k, yaw)
            if self.plot.take([frame.origin], size[0] / 2 + 0.1):
                add_car_stop(self.mesh, frame, size, self.chance(0.6))

    def place_guardrail(self) -> None:
        side = self.either(-1.0, 1.0)
        start = self.between(3.0, 9.0)
        span = (start, start + self.between(8.0, 24.0))
        add_guardrail(self.mesh, self.road.at, side * (self.road.half + 0.45), span, self.chance(0.6))

    def place_parked_cars(self, count: int) -> None:
        for _ in range(count):
            side = self.either(-1.0, 1.0)
            lateral = side * (self.road.half - 1.05)
            self._car(lateral, self.between(6.5, 34.0), self.either(0.0, np.pi), CarState(False, False))

    def place_idling_car(self) -> None:
        side = self.either(-1.0, 1.0)
        lateral = side * (self.road.half - 1.1)
        yaw = np.pi if self.chance(0.7) else 0.0
        self._car(lateral, self.between(7.0, 20.0), yaw, CarState(True, False))

    def place_traffic(self) -> None:
        lamps = self.climate.night
        if self.chance(0.55):
            self._car(self.side * self.road.half / 2, self.between(9.0, 32.0), 0.0, CarState(True, lamps))
        if self.chance(0.55):
            self._car(-self.side * self.road.half / 2, self.between(10.0, 40.0), np.pi, CarState(True, lamps))
        if self.chance(0.2):
            yaw = self.either(-0.5, 0.5) * np.pi
            self._car(self.between(-3.0, 3.0), self.between(14.0, 26.0), yaw, CarState(True, lamps))

    def _car(self, lateral: float, distance: float, yaw: float, state: CarState) -> None:
        frame = self.frame(lateral, distance, yaw + float(self.rng.normal(0.0, 0.02)))
        body = BODIES[str(self.rng.choice(list(BODIES)))]
        colour = COLOURS[int(self.rng.integers(len(COLOURS)))]
        if not self.plot.take(frame([(-1.5, 0, 0), (0, 0, 0), (1.5, 0, 0)]), 1.0):
            return
        add_car(self.mesh, frame, body, colour, state)
        if state.lamps and float(frame.along[2]) < 0.3:
            front = frame([(body.length / 2 + 0.1, 0.65, 0.0)])[0]
            ahead = frame.direction(1.0, -0.06, 0.0)
            self.lights.append(Light(front, np.array([1.0, 0.95, 0.85]) * 5.0, ahead))

    def place_people(self, count: int) -> None:
        dark = 0.9 if self.climate.night else 0.6
        for _ in range(count):
            look = draw_look(self.rng, dark)
            side = self.either(-1.0, 1.0)
            across = self.chance(0.3)
            distance = self.between(4.5, 11.0) if self.chance(0.35) else self.between(9.0, 32.0)
            if across:
                lateral, yaw = self.between(-3.0, 3.0), self.either(-0.5, 0.5) * np.pi
            else:
                lateral = side * (self.road.half + self.between(0.6, self.road.paved - 0.3))
                yaw = self.either(0.0, np.pi)
            frame = self.frame(lateral, distance, yaw + float(self.rng.normal(0.0, 0.35)))
            if self.plot.take([frame.origin], 0.35):
                add_walker(self.mesh, frame, look, self.climate.air, self.between(-1.0, 1.0))

    def place_cyclist(self) -> None:
        """Someone who rides along the kerb or, now and then, across."""
        side = self.either(-1.0, 1.0)
        lateral = side * (self.road.half - self.between(0.5, 1.0))
        yaw = self.either(0.0, np.pi) + float(self.rng.normal(0.0, 0.3))
        if self.chance(0.35):
            lateral, yaw = self.between(-2.0, 2.0), self.either(-0.5, 0.5) * np.pi
        frame = self.frame(lateral, self.between(5.5, 18.0), yaw)
        if self.plot.take([frame.origin], 0.8):
            add_bicycle(self.mesh, frame, self._paint(), self.climate.air, draw_look(self.rng, 0.6))

    def place_parked_bikes(self) -> None:
        """A row of bicycles on the pavement."""
        side = self.either(-1.0, 1.0)
        start, count = self.between(4.0, 11.0), int(self.rng.integers(2, 6))
        lateral = side * (self.road.half + min(self.road.paved - 0.9, 1.6))
        for k in range(count):
            frame = self.frame(lateral, start + 0.65 * k, np.pi / 2 + float(self.rng.normal(0.3, 0.12)))
            if self.plot.take([frame.origin], 0.3):
                add_bicycle(self.mesh, frame, self._paint(), self.climate.air, None)

    def _paint(self) -> RGB:
        return COLOURS[int(self.rng.integers(len(COLOURS)))]

    def build(self) -> Scene:
        azimuth = np.deg2rad(self.between(25.0, 155.0)) * self.either(-1.0, 1.0)
        elevation = np.deg2rad(self.between(28.0, 55.0))
        sun = np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])
        self.place_surroundings()
        self.place_kerbs()
        self.place_lamps()
        # every third or so scene holds each of the rarer things for certain, the others by chance
        if self.index % 3 == 0 or self.chance(0.3):
            self.place_bump()
        if self.index % 4 == 1 or self.chance(0.35):
            self.place_car_stops()
        if self.index % 4 in (0, 3) or self.chance(0.25):
            self.place_cones()
        if self.index % 4 == 2 or self.chance(0.3):
            self.place_guardrail()
        self.place_traffic()
        if self.chance(0.6):
            self.place_idling_car()
        self.place_parked_cars(int(self.rng.integers(0, 4)))
        if self.index % 2 == 0 or self.chance(0.4):
            self.place_cyclist()
        if self.index % 2 == 1 or self.chance(0.2):
            self.place_parked_bikes()
        self.place_people(int(self.rng.integers(3, 9)))
        if self.chance(0.4):
            self.place_street_trees()
        self.place_signs()
        grass = (self.leaf[0] * 1.1, self.leaf[1] * 0.95, self.leaf[2])
        return Scene(self.mesh.build(), self.road, self.climate, sun, tuple(self.lights), grass)


def draw_scene(rng: np.random.Generator, night: bool, index: int) -> Scene:
    """One random scene; ``index`` decides which of the rarer things it is sure to hold."""
    return _Builder(rng, night, index).build()
