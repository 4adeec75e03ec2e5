"""Lays out one road scene: what stands where."""

from __future__ import annotations

import numpy as np

from bench.data.demo.place_street import (
    place_bump,
    place_car_stops,
    place_cones,
    place_guardrail,
    place_kerbs,
    place_lamps,
    place_signs,
    place_street_trees,
    place_surroundings,
)
from bench.data.demo.place_traffic import (
    place_cyclist,
    place_idling_car,
    place_parked_bikes,
    place_parked_cars,
    place_people,
    place_traffic,
)
from bench.data.demo.scene import Scene
from bench.data.demo.site import Site


def draw_scene(rng: np.random.Generator, night: bool, index: int) -> Scene:
    """One random scene; ``index`` decides which of the rarer things it is sure to hold."""
    site = Site(rng, night, index)
    azimuth = np.deg2rad(site.between(25.0, 155.0)) * site.either(-1.0, 1.0)
    elevation = np.deg2rad(site.between(28.0, 55.0))
    sun = np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])
    place_surroundings(site)
    place_kerbs(site)
    place_lamps(site)
    # every third or so scene holds each of the rarer things for certain, the others by chance
    if site.index % 3 == 0 or site.chance(0.3):
        place_bump(site)
    if site.index % 4 == 1 or site.chance(0.35):
        place_car_stops(site)
    if site.index % 4 in (0, 3) or site.chance(0.25):
        place_cones(site)
    if site.index % 4 == 2 or site.chance(0.3):
        place_guardrail(site)
    place_traffic(site)
    if site.chance(0.6):
        place_idling_car(site)
    place_parked_cars(site, int(site.rng.integers(0, 4)))
    if site.index % 2 == 0 or site.chance(0.4):
        place_cyclist(site)
    if site.index % 2 == 1 or site.chance(0.2):
        place_parked_bikes(site)
    place_people(site, int(site.rng.integers(3, 9)))
    if site.chance(0.4):
        place_street_trees(site)
    place_signs(site)
    grass = (site.leaf[0] * 1.1, site.leaf[1] * 0.95, site.leaf[2])
    return Scene(site.mesh.build(), site.road, site.climate, sun, tuple(site.lights), grass)
