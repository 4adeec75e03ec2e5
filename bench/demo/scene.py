"""Lays out one road scene: what stands where, by day or by night."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bench.demo import materials as stuff
from bench.demo.cars import BODIES, COLOURS, CarState, add_car
from bench.demo.materials import RGB
from bench.demo.mesh import Faces, Frame, Mesh, Points
from bench.demo.people import add_bicycle, add_walker, draw_look
from bench.demo.street import (
    add_bump,
    add_car_stop,
    add_cone,
    add_guardrail,
    add_kerb,
    add_lamp,
    add_sign,
)
from bench.demo.surroundings import add_far_bank, add_hedge, add_house, add_tree

CONE_COLOURS: tuple[RGB, ...] = ((0.72, 0.1, 0.02), (0.72, 0.1, 0.02), (0.05, 0.12, 0.5), (0.6, 0.45, 0.03))
LEAF_COLOURS: tuple[RGB, ...] = ((0.06, 0.14, 0.035), (0.09, 0.15, 0.03), (0.2, 0.15, 0.03), (0.05, 0.1, 0.04))


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
    """

    night: bool
    air: float
    stored: float
    sky: float
    sun: float
    cloud: float
    dusk: float
    head_light: float


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """All that the two cameras need."""

    faces: Faces
    road: Road
    climate: Climate
    sun: Points
    lights: tuple[Light, ...]
    grass: RGB


@dataclass(slots=True)
class _Plot:
    """Ground already taken: discs (x, z, radius)."""

    taken: list[tuple[float, float, float]] = field(default_factory=list)

    def take(self, point: Points, radius: float) -> bool:
        """Takes a disc; False if something stands there."""
        for x, z, other in self.taken:
            if (x - point[0]) ** 2 + (z - point[2]) ** 2 < (radius + other) ** 2:
                return False
        self.taken.append((float(point[0]), float(point[2]), radius))
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

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def heading(self, distance: float) -> float:
        return float(np.arctan(2 * self.road.bend * distance))

    def frame(self, lateral: float, distance: float, yaw: float = 0.0) -> Frame:
        spot = self.road.at(lateral, distance)
        return Frame(float(spot[0]), float(spot[2]), yaw + self.heading(distance))

    def place_surroundings(self) -> None:
        road, rng = self.road, self.rng
        for side in (-1.0, 1.0):
            z = self.between(-2.0, 4.0)
            setback = self.between(0.3, 5.0)
            green = self.chance(0.35)
            while z < 75.0:
                length = self.between(8.0, 18.0)
                edge = road.at(side * (road.half + road.paved + setback), z + length / 2)[0]
                if abs(road.bend) > 0:
                    ends = [road.at(side * (road.half + road.paved + setback), d)[0] for d in (z, z + length)]
                    edge = max(ends) if side > 0 else min(ends)
                if not green and self.chance(0.85):
                    outer = edge + side * self.between(7.0, 12.0)
                    add_house(self.mesh, rng, (min(edge, outer), max(edge, outer), z, z + length),
                              float(rng.choice([4.5, 6.5, 9.5, 13.0, 17.0])))  # fmt: skip
                elif self.chance(0.9):
                    for _ in range(2):
                        spot = np.array([edge + side * self.between(0.5, 5.0), 0.0, z + self.between(0.0, length)])
                        if spot[2] > 4.0:
                            add_tree(self.mesh, rng, spot, self.between(6.0, 10.0), self.leaf)
                if green or self.chance(0.25):
                    low = max(z, 1.5)
                    inner = road.at(side * (road.half + road.paved + 0.1), low)[0]
                    depth = side * self.between(0.7, 1.2)
                    add_hedge(self.mesh, rng, (min(inner, inner + depth), max(inner, inner + depth), low, z + length - 1.5),
                              self.between(0.6, 1.3), self.leaf)  # fmt: skip
                z += length + self.between(0.3, 4.0)
        add_far_bank(self.mesh, rng, 85.0, self.leaf)

    def place_street_trees(self) -> None:
        side = float(self.rng.choice([-1.0, 1.0]))
        for distance in np.arange(self.between(7.0, 12.0), 60.0, self.between(8.0, 13.0)):
            spot = self.road.at(side * (self.road.half + 0.9), float(distance))
            if self.plot.take(spot, 0.5):
                add_tree(self.mesh, self.rng, spot, self.between(5.0, 7.5), self.leaf)

    def place_kerbs(self) -> None:
        painted = self.chance(0.3)
        material = stuff.KERB.dyed((0.6, 0.57, 0.5)) if painted else stuff.KERB
        for side in (-1.0, 1.0):
            add_kerb(self.mesh, self.road.at, side * self.road.half, (1.2, 60.0), material)

    def place_lamps(self) -> None:
        night = self.climate.night
        colour: RGB = (1.0, 0.62, 0.3) if self.chance(0.35) else (0.86, 0.95, 0.9)
        side = float(self.rng.choice([-1.0, 1.0]))
        works = not night or self.chance(0.85)
        for distance in np.arange(self.between(7.0, 16.0), 75.0, self.between(17.0, 26.0)):
            spot = self.road.at(side * (self.road.half + 0.6), float(distance))
            if not self.plot.take(spot, 0.3):
                continue
            on = night and works
            light = add_lamp(self.mesh, spot, -side * 1.4, self.between(5.0, 6.5), on, colour)
            if on:
                self.lights.append(Light(light, np.array(colour) * self.between(3.5, 6.5)))
            side = side if self.chance(0.7) else -side

    def place_signs(self) -> None:
        for _ in range(int(self.rng.integers(0, 3))):
            side = float(self.rng.choice([-1.0, 1.0]))
            spot = self.road.at(side * (self.road.half + 0.5), self.between(8.0, 35.0))
            if self.plot.take(spot, 0.4):
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
        side = float(self.rng.choice([-1.0, 1.0]))
        start, step = self.between(4.5, 9.0), self.between(1.4, 3.0)
        lateral, drift = side * (self.road.half - self.between(0.4, 1.6)), self.between(-0.12, 0.12)
        for k in range(int(self.rng.integers(3, 8))):
            spot = self.road.at(lateral + drift * k, start + step * k)
            if self.plot.take(spot, 0.25):
                add_cone(self.mesh, spot, colour, height)

    def place_car_stops(self) -> None:
        side = float(self.rng.choice([-1.0, 1.0]))
        low = self.chance(0.5)
        size = (0.65, 0.2, 0.24) if low else (self.between(1.0, 1.6), 0.42, 0.45)
        lateral = side * (self.road.half - self.between(0.35, 0.7))
        yaw = np.pi / 2 if low and self.chance(0.5) else 0.0
        step = size[0] + self.between(0.6, 1.6)
        start = self.between(4.0, 7.0)
        for k in range(int(self.rng.integers(4, 9))):
            frame = self.frame(lateral, start + step * k, yaw)
            if self.plot.take(frame.origin, size[0] / 2 + 0.1):
                add_car_stop(self.mesh, frame, size, self.chance(0.6))

    def place_guardrail(self) -> None:
        side = float(self.rng.choice([-1.0, 1.0]))
        start = self.between(3.0, 9.0)
        add_guardrail(self.mesh, self.road.at, side * (self.road.half + 0.45), (start, start + self.between(8.0, 24.0)),
                      self.chance(0.6))  # fmt: skip

    def place_parked_cars(self, count: int) -> None:
        for _ in range(count):
            side = float(self.rng.choice([-1.0, 1.0]))
            lateral = side * (self.road.half - 1.05)
            self._car(lateral, self.between(6.5, 34.0), float(self.rng.choice([0.0, np.pi])), CarState(False, False))

    def place_idling_car(self) -> None:
        side = float(self.rng.choice([-1.0, 1.0]))
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
            self._car(self.between(-3.0, 3.0), self.between(14.0, 26.0), float(self.rng.choice([-1, 1])) * np.pi / 2,
                      CarState(True, lamps))  # fmt: skip

    def _car(self, lateral: float, distance: float, yaw: float, state: CarState) -> None:
        frame = self.frame(lateral, distance, yaw + float(self.rng.normal(0.0, 0.02)))
        body = BODIES[str(self.rng.choice(list(BODIES)))]
        colour = COLOURS[int(self.rng.integers(len(COLOURS)))]
        if not self._take_car(frame):
            return
        add_car(self.mesh, frame, body, colour, state)
        if state.lamps and float(frame.along[2]) < 0.3:
            front = frame([(body.length / 2 + 0.1, 0.65, 0.0)])[0]
            ahead = frame.direction(1.0, -0.06, 0.0)
            self.lights.append(Light(front, np.array([1.0, 0.95, 0.85]) * 5.0, ahead))

    def _take_car(self, frame: Frame) -> bool:
        spots = [frame([(along, 0.0, 0.0)])[0] for along in (-1.5, 0.0, 1.5)]
        kept = list(self.plot.taken)
        before = len(kept)
        for spot in spots:
            clear = all(
                (x - spot[0]) ** 2 + (z - spot[2]) ** 2 >= (r + 1.0) ** 2 for x, z, r in self.plot.taken[:before]
            )
            if not clear:
                self.plot.taken = kept
                return False
            self.plot.taken = [*self.plot.taken, (float(spot[0]), float(spot[2]), 1.0)]
        return True

    def place_people(self, count: int) -> None:
        dark = 0.8 if self.climate.night else 0.45
        for _ in range(count):
            look = draw_look(self.rng, dark)
            side = float(self.rng.choice([-1.0, 1.0]))
            across = self.chance(0.3)
            distance = self.between(4.5, 11.0) if self.chance(0.35) else self.between(9.0, 32.0)
            lateral = (
                self.between(-3.0, 3.0)
                if across
                else side * (self.road.half + self.between(0.6, self.road.paved - 0.3))
            )
            yaw = float(self.rng.choice([-1, 1])) * np.pi / 2 if across else float(self.rng.choice([0.0, np.pi]))
            frame = self.frame(lateral, distance, yaw + float(self.rng.normal(0.0, 0.35)))
            if self.plot.take(frame.origin, 0.35):
                add_walker(self.mesh, frame, look, self.climate.air, self.between(-1.0, 1.0))

    def place_bikes(self) -> None:
        if self.chance(0.6):
            side = float(self.rng.choice([-1.0, 1.0]))
            lateral = side * (self.road.half - self.between(0.5, 1.0))
            yaw = float(self.rng.choice([0.0, np.pi])) + float(self.rng.normal(0.0, 0.3))
            if self.chance(0.35):
                lateral, yaw = self.between(-2.0, 2.0), float(self.rng.choice([-1, 1])) * np.pi / 2
            frame = self.frame(lateral, self.between(5.5, 20.0), yaw)
            if self.plot.take(frame.origin, 0.8):
                add_bicycle(self.mesh, frame, self._paint(), self.climate.air, draw_look(self.rng, 0.6))
        else:
            side = float(self.rng.choice([-1.0, 1.0]))
            start, count = self.between(4.0, 12.0), int(self.rng.integers(2, 6))
            lateral = side * (self.road.half + self.road.paved - 0.9)
            for k in range(count):
                frame = self.frame(lateral, start + 0.65 * k, np.pi / 2 + float(self.rng.normal(0.3, 0.12)))
                if self.plot.take(frame.origin, 0.3):
                    add_bicycle(self.mesh, frame, self._paint(), self.climate.air, None)

    def _paint(self) -> RGB:
        return COLOURS[int(self.rng.integers(len(COLOURS)))]

    def build(self) -> Scene:
        azimuth = np.deg2rad(self.between(25.0, 155.0)) * float(self.rng.choice([-1.0, 1.0]))
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
        if self.chance(0.45):
            self.place_idling_car()
        self.place_parked_cars(int(self.rng.integers(0, 4)))
        if self.index % 2 == 0 or self.chance(0.4):
            self.place_bikes()
        self.place_people(int(self.rng.integers(2, 7)))
        if self.chance(0.4):
            self.place_street_trees()
        self.place_signs()
        grass = (self.leaf[0] * 1.1, self.leaf[1] * 0.95, self.leaf[2])
        return Scene(self.mesh.build(), self.road, self.climate, sun, tuple(self.lights), grass)


def draw_climate(rng: np.random.Generator, night: bool) -> Climate:
    """Random weather by night or by day."""
    cloud = float(rng.uniform(0.0, 1.0))
    if night:
        return Climate(
            night=True,
            air=float(rng.uniform(8.0, 17.0)),
            stored=float(rng.uniform(2.0, 4.0)),
            sky=-38.0 + 24.0 * cloud,
            sun=0.0,
            cloud=cloud,
            dusk=float(rng.uniform(0.002, 0.012)),
            head_light=float(rng.uniform(0.3, 1.0)),
        )
    return Climate(
        night=False,
        air=float(rng.uniform(10.0, 20.0)),
        stored=float(rng.uniform(0.5, 2.0)),
        sky=-34.0 + 22.0 * cloud,
        sun=float(np.clip(1.6 - 1.9 * cloud, 0.0, 1.0)),
        cloud=cloud,
        dusk=1.0,
        head_light=0.0,
    )


def draw_scene(rng: np.random.Generator, night: bool, index: int) -> Scene:
    """One random scene; ``index`` decides which of the rarer things it is sure to hold."""
    return _Builder(rng, night, index).build()
