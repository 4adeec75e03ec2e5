"""Places who uses a street: cars, cyclists, people on foot."""

from __future__ import annotations

import numpy as np

from bench.data.demo.cars import BODIES, COLOURS, CarState, add_car
from bench.data.demo.materials import RGB
from bench.data.demo.people import add_bicycle, add_walker, draw_look
from bench.data.demo.scene import Light
from bench.data.demo.site import Site


def place_parked_cars(site: Site, count: int) -> None:
    """Cars that stand cold along the kerb."""
    for _ in range(count):
        side = site.either(-1.0, 1.0)
        lateral = side * (site.road.half - 1.05)
        warm = site.climate.night and site.chance(0.7)  # not parked for long
        _car(site, lateral, site.between(6.5, 26.0), site.either(0.0, np.pi), CarState(warm, False))


def place_idling_car(site: Site) -> None:
    """A car along the kerb with its engine on."""
    side = site.either(-1.0, 1.0)
    lateral = side * (site.road.half - 1.1)
    yaw = np.pi if site.chance(0.7) else 0.0
    _car(site, lateral, site.between(7.0, 20.0), yaw, CarState(True, False))


def place_traffic(site: Site) -> None:
    """Cars that drive, one way or the other, or cross."""
    lamps = site.climate.night and site.chance(0.4)
    if site.chance(0.55):
        _car(site, site.side * site.road.half / 2, site.between(9.0, 26.0), 0.0, CarState(True, lamps))
    if site.chance(0.55):
        _car(site, -site.side * site.road.half / 2, site.between(9.0, 30.0), np.pi, CarState(True, lamps))
    if site.chance(0.2):
        yaw = site.either(-0.5, 0.5) * np.pi
        _car(site, site.between(-3.0, 3.0), site.between(14.0, 26.0), yaw, CarState(True, lamps))


def _car(site: Site, lateral: float, distance: float, yaw: float, state: CarState) -> None:
    frame = site.frame(lateral, distance, yaw + float(site.rng.normal(0.0, 0.02)))
    body = BODIES[str(site.rng.choice(list(BODIES)))]
    colour = COLOURS[int(site.rng.integers(len(COLOURS)))]
    if not site.plot.take(frame([(-1.5, 0, 0), (0, 0, 0), (1.5, 0, 0)]), 1.0):
        return
    add_car(site.mesh, frame, body, colour, state)
    if state.lamps and float(frame.along[2]) < 0.3:
        front = frame([(body.length / 2 + 0.1, 0.65, 0.0)])[0]
        ahead = frame.direction(1.0, -0.06, 0.0)
        site.lights.append(Light(front, np.array([1.0, 0.95, 0.85]) * 5.0, ahead))


def place_people(site: Site, count: int) -> None:
    """Walkers on the pavements and across the road."""
    dark = 1.0 if site.climate.night else 0.6
    for _ in range(count):
        look = draw_look(site.rng, dark)
        side = site.either(-1.0, 1.0)
        across = site.chance(0.3)
        distance = site.between(4.0, 9.0) if site.chance(0.65) else site.between(9.0, 24.0)
        if across:
            lateral, yaw = site.between(-3.0, 3.0), site.either(-0.5, 0.5) * np.pi
        else:
            lateral = side * (site.road.half + site.between(0.6, site.road.paved - 0.3))
            yaw = site.either(0.0, np.pi)
        frame = site.frame(lateral, distance, yaw + float(site.rng.normal(0.0, 0.35)))
        if site.plot.take([frame.origin], 0.35):
            add_walker(site.mesh, frame, look, site.climate.air, site.between(-1.0, 1.0))


def place_cyclist(site: Site) -> None:
    """Someone who rides along the kerb or, now and then, across."""
    side = site.either(-1.0, 1.0)
    lateral = side * (site.road.half - site.between(0.5, 1.0))
    yaw = site.either(0.0, np.pi) + float(site.rng.normal(0.0, 0.3))
    if site.chance(0.35):
        lateral, yaw = site.between(-2.0, 2.0), site.either(-0.5, 0.5) * np.pi
    frame = site.frame(lateral, site.between(5.5, 18.0), yaw)
    if site.plot.take([frame.origin], 0.8):
        add_bicycle(site.mesh, frame, _paint(site), site.climate.air, draw_look(site.rng, 0.6))


def place_parked_bikes(site: Site) -> None:
    """A row of bicycles on the pavement."""
    side = site.either(-1.0, 1.0)
    start, count = site.between(4.0, 11.0), int(site.rng.integers(2, 6))
    lateral = side * (site.road.half + min(site.road.paved - 0.9, 1.6))
    for k in range(count):
        frame = site.frame(lateral, start + 0.65 * k, np.pi / 2 + float(site.rng.normal(0.3, 0.12)))
        if site.plot.take([frame.origin], 0.3):
            add_bicycle(site.mesh, frame, _paint(site), site.climate.air, None)


def _paint(site: Site) -> RGB:
    return COLOURS[int(site.rng.integers(len(COLOURS)))]
