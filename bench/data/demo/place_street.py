"""Places what belongs to a street: houses, trees, kerbs, lamps, signs and the rarer things on the road."""

from __future__ import annotations

import numpy as np

from bench.data.demo import materials as stuff
from bench.data.demo.materials import RGB
from bench.data.demo.scene import Light
from bench.data.demo.site import Site
from bench.data.demo.street import add_bump, add_car_stop, add_cone, add_guardrail, add_kerb, add_lamp, add_sign
from bench.data.demo.surroundings import add_far_bank, add_hedge, add_house, add_tree

CONE_COLOURS: tuple[RGB, ...] = ((0.72, 0.1, 0.02), (0.72, 0.1, 0.02), (0.05, 0.12, 0.5), (0.6, 0.45, 0.03))


def place_surroundings(site: Site) -> None:
    """Houses, trees and hedges along both sides, and what closes the view."""
    for side in (-1.0, 1.0):
        z = site.between(-2.0, 4.0)
        setback = site.between(0.3, 5.0)
        green = site.chance(0.35)
        while z < 75.0:
            length = site.between(8.0, 18.0)
            _lot(site, side, setback, (z, z + length), green)
            z += length + site.between(0.3, 4.0)
    add_far_bank(site.mesh, site.rng, 85.0, site.leaf)


def _lot(site: Site, side: float, setback: float, span: tuple[float, float], green: bool) -> None:
    """One lot beside the pavement between two distances: a house or trees, with or without a hedge."""
    lateral = side * (site.road.half + site.road.paved + setback)
    ends = [float(site.road.at(lateral, distance)[0]) for distance in span]
    edge = max(ends) if side > 0 else min(ends)  # the road bends: stay off it at both ends
    if not green and site.chance(0.85):
        outer = edge + side * site.between(7.0, 12.0)
        height = float(site.rng.choice([4.5, 6.5, 9.5, 13.0, 17.0]))
        add_house(site.mesh, site.rng, (min(edge, outer), max(edge, outer), *span), height)
    elif site.chance(0.9):
        for _ in range(2):
            spot = np.array([edge + side * site.between(0.5, 5.0), 0.0, site.between(*span)])
            if spot[2] > 4.0:
                add_tree(site.mesh, site.rng, spot, site.between(6.0, 10.0), site.leaf)
    if green or site.chance(0.25):
        _hedge(site, side, (max(span[0], 1.5), span[1] - 1.5))


def _hedge(site: Site, side: float, span: tuple[float, float]) -> None:
    lateral = side * (site.road.half + site.road.paved + 0.1)
    ends = [float(site.road.at(lateral, distance)[0]) for distance in span]
    inner = max(ends) if side > 0 else min(ends)
    outer = inner + side * site.between(0.7, 1.2)
    if span[0] < span[1]:
        corners = (min(inner, outer), max(inner, outer), *span)
        add_hedge(site.mesh, site.rng, corners, site.between(0.6, 1.3), site.leaf)


def place_street_trees(site: Site) -> None:
    """A row of trees along one side."""
    side = site.either(-1.0, 1.0)
    for distance in np.arange(site.between(7.0, 12.0), 60.0, site.between(8.0, 13.0)):
        spot = site.road.at(side * (site.road.half + 0.9), float(distance))
        if site.plot.take([spot], 0.5):
            add_tree(site.mesh, site.rng, spot, site.between(5.0, 7.5), site.leaf)


def place_kerbs(site: Site) -> None:
    """A kerb along both sides, now and then painted."""
    painted = site.chance(0.3)
    material = stuff.KERB.dyed((0.6, 0.57, 0.5)) if painted else stuff.KERB
    for side in (-1.0, 1.0):
        add_kerb(site.mesh, site.road.at, side * site.road.half, (1.2, 60.0), material)


def place_lamps(site: Site) -> None:
    """Street lamps; at night most of them shine."""
    night = site.climate.night
    colour: RGB = (1.0, 0.62, 0.3) if site.chance(0.35) else (0.86, 0.95, 0.9)
    side = site.either(-1.0, 1.0)
    works = not night or site.chance(0.5)
    for distance in np.arange(site.between(7.0, 16.0), 75.0, site.between(17.0, 26.0)):
        spot = site.road.at(side * (site.road.half + 0.6), float(distance))
        if not site.plot.take([spot], 0.3):
            continue
        on = night and works
        light = add_lamp(site.mesh, spot, -side * 1.4, site.between(5.0, 6.5), on, colour)
        if on:
            site.lights.append(Light(light, np.array(colour) * site.between(12.0, 22.0)))
        side = side if site.chance(0.7) else -side


def place_signs(site: Site) -> None:
    """Up to two traffic signs."""
    for _ in range(int(site.rng.integers(0, 3))):
        side = site.either(-1.0, 1.0)
        spot = site.road.at(side * (site.road.half + 0.5), site.between(8.0, 35.0))
        if site.plot.take([spot], 0.4):
            add_sign(site.mesh, spot, int(site.rng.integers(3)))


def place_bump(site: Site) -> None:
    """A bump across the road or one lane of it."""
    half = site.road.half
    distance = site.between(4.5, 9.0)
    whole = site.chance(0.5)
    span = (-half + 0.15, half - 0.15) if whole else tuple(sorted((0.1 * site.side, site.side * (half - 0.15))))
    add_bump(site.mesh, site.road.at, (span[0], span[1]), distance, site.between(0.7, 1.3))


def place_cones(site: Site) -> None:
    """A row of cones that drifts into the lane."""
    colour = CONE_COLOURS[int(site.rng.integers(len(CONE_COLOURS)))]
    height = site.between(0.6, 0.85)
    side = site.either(-1.0, 1.0)
    start, step = site.between(4.0, 7.0), site.between(1.0, 2.2)
    lateral, drift = side * (site.road.half - site.between(0.4, 1.6)), site.between(-0.12, 0.12)
    for k in range(int(site.rng.integers(3, 8))):
        spot = site.road.at(lateral + drift * k, start + step * k)
        if site.plot.take([spot], 0.25):
            add_cone(site.mesh, spot, colour, height)


def place_car_stops(site: Site) -> None:
    """A row of car stops along the kerb."""
    side = site.either(-1.0, 1.0)
    low = site.chance(0.5)
    size = (0.65, 0.2, 0.24) if low else (site.between(1.0, 1.6), 0.42, 0.45)
    lateral = side * (site.road.half - site.between(0.35, 0.7))
    yaw = np.pi / 2 if low and site.chance(0.5) else 0.0
    step = size[0] + site.between(0.6, 1.6)
    start = site.between(3.6, 6.0)
    for k in range(int(site.rng.integers(4, 9))):
        frame = site.frame(lateral, start + step * k, yaw)
        if site.plot.take([frame.origin], size[0] / 2 + 0.1):
            add_car_stop(site.mesh, frame, size, site.chance(0.6))


def place_guardrail(site: Site) -> None:
    """A guardrail along one side."""
    side = site.either(-1.0, 1.0)
    start = site.between(3.0, 9.0)
    span = (start, start + site.between(8.0, 24.0))
    add_guardrail(site.mesh, site.road.at, side * (site.road.half + 0.45), span, site.chance(0.6))
