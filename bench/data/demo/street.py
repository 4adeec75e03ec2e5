"""Street furniture: kerbs, bumps, cones, car stops, guardrails, lamps and signs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from bench.data.demo import materials as stuff
from bench.data.demo.materials import RGB, Material
from bench.data.demo.mesh import UP, Frame, Mesh, Points, add_box, add_capsule, add_disc, facing
from bench.data.demo.spec import Label

Course = Callable[[float, float], Points]
"""The road's course: (lateral metres from its middle, distance) to a ground point (3,)."""

YELLOW: RGB = (0.62, 0.42, 0.02)
BLACK: RGB = (0.03, 0.03, 0.03)


def add_kerb(mesh: Mesh, course: Course, lateral: float, span: tuple[float, float], material: Material) -> None:
    """Adds a kerb along the road at a lateral place; the road side is the one nearer the middle."""
    mesh.begin(Label.CURVE)
    outer = lateral + 0.32 * np.sign(lateral)
    rise = 0.17 * UP
    distance = span[0]
    while distance < span[1]:
        following = min(distance * 1.12 + 0.9, span[1])
        near, far = course(lateral, distance), course(lateral, following)
        mesh.add([near, far, far + rise, near + rise], material)
        mesh.add([near + rise, far + rise, course(outer, following) + rise, course(outer, distance) + rise], material)
        distance = following


def add_bump(mesh: Mesh, course: Course, span: tuple[float, float], distance: float, depth: float) -> None:
    """Adds a striped speed bump across ``span`` (lateral metres)."""
    mesh.begin(Label.BUMP)
    yellow = stuff.BUMP_PAINT.dyed(YELLOW)
    black = stuff.ASPHALT.dyed(BLACK)
    profile = [(0.0, 0.0), (0.25, 0.08), (0.75, 0.08), (1.0, 0.0)]
    pieces = max(int((span[1] - span[0]) / 0.5), 2)
    edges = np.linspace(span[0], span[1], pieces + 1)
    for k in range(pieces):
        material = yellow if k % 2 else black
        for (d0, y0), (d1, y1) in pairwise(profile):
            near, far = distance + d0 * depth, distance + d1 * depth
            mesh.add(
                [course(edges[k], near) + y0 * UP, course(edges[k + 1], near) + y0 * UP,
                 course(edges[k + 1], far) + y1 * UP, course(edges[k], far) + y1 * UP],
                material,
            )  # fmt: skip


def add_cone(mesh: Mesh, at: Points, colour: RGB, height: float) -> None:
    """Adds a traffic cone with two reflective bands."""
    mesh.begin(0)
    add_disc(mesh, at + 0.008 * UP, np.array([0.24, 0, 0]), np.array([0, 0, 0.24]), stuff.SHADE, 8)
    mesh.begin(Label.COLOR_CONE)
    plastic = stuff.PLASTIC.dyed(colour)
    frame = Frame(float(at[0]), float(at[2]))
    add_box(mesh, frame, (-0.19, 0.0, -0.19), (0.19, 0.05, 0.19), plastic)
    right, toward = facing(at)
    white = stuff.REFLECTIVE
    bands = (
        (0.05, 0.38, plastic), (0.38, 0.56, white), (0.56, 0.72, plastic), (0.72, 0.84, white), (0.84, 1.0, plastic),
    )  # fmt: skip
    for low, high, material in bands:
        w0, w1 = 0.16 * (1 - low) + 0.025, 0.16 * (1 - high) + 0.025
        y0, y1 = low * height * UP, high * height * UP
        for side in (-1.0, 1.0):  # two halves shaded apart make it round
            mesh.add(
                [at + y0, at + y0 + side * right * w0, at + y1 + side * right * w1, at + y1],
                material, normal=toward + side * 0.6 * right + 0.2 * UP,
            )  # fmt: skip


def add_car_stop(mesh: Mesh, frame: Frame, size: tuple[float, float, float], striped: bool) -> None:
    """Adds a concrete block of ``size`` = (along, up, across) metres with reflectors."""
    along, up, across = size
    mesh.begin(0)
    shade = [(-along / 2 - 0.04, 0.008, -across / 2 - 0.04), (along / 2 + 0.04, 0.008, -across / 2 - 0.04),
             (along / 2 + 0.04, 0.008, across / 2 + 0.04), (-along / 2 - 0.04, 0.008, across / 2 + 0.04)]  # fmt: skip
    mesh.add(frame(shade), stuff.SHADE)
    mesh.begin(Label.CAR_STOP)
    concrete = stuff.CONCRETE.dyed((0.5, 0.49, 0.46))
    add_box(mesh, frame, (-along / 2, 0.0, -across / 2), (along / 2, up, across / 2), concrete, taper=0.18 * up)
    if striped:
        inset = 0.16 * up
        for k in range(4):
            low = -along / 2 + along * (k + 0.25) / 4
            high = low + along / 8
            for sign in (-1.0, 1.0):
                edge = sign * (across / 2 + 0.004)
                mesh.add(
                    frame([(low, 0.1 * up, edge - sign * 0.1 * inset), (high, 0.1 * up, edge - sign * 0.1 * inset),
                           (high, 0.9 * up, edge - sign * inset), (low, 0.9 * up, edge - sign * inset)]),
                    stuff.REFLECTIVE.dyed(YELLOW),
                )  # fmt: skip
    for sign in (-1.0, 1.0):  # a reflector on either end, which leans like the block
        end, low, high = sign * (along / 2 + 0.004), sign * 0.05 * up, sign * 0.14 * up
        wide = 0.3 * across
        patch = [(end - low, 0.3 * up, -wide), (end - low, 0.3 * up, wide),
                 (end - high, 0.75 * up, wide), (end - high, 0.75 * up, -wide)]  # fmt: skip
        mesh.add(frame(patch), stuff.REFLECTIVE.dyed(YELLOW))


def add_guardrail(mesh: Mesh, course: Course, lateral: float, span: tuple[float, float], beam: bool) -> None:
    """Adds a guardrail along the road: a steel beam on posts, or white pipes."""
    mesh.begin(Label.GUARDRAIL)
    white = stuff.RAIL.dyed((0.62, 0.62, 0.6))
    posts = np.arange(span[0], span[1] + 0.1, 2.0)
    toward = -np.sign(lateral) * np.array([1.0, 0.0, 0.0])
    strips = ((0.42, 0.53, 0.5), (0.53, 0.6, -0.7), (0.6, 0.67, 0.7), (0.67, 0.78, -0.2)) if beam else (
        (0.38, 0.43, 0.3), (0.72, 0.78, 0.3))  # fmt: skip
    steel = stuff.RAIL if beam else white
    for first, last in pairwise(posts):
        near, far = course(lateral, float(first)), course(lateral, float(last))
        for low, high, tilt in strips:
            mesh.add(
                [near + low * UP, far + low * UP, far + high * UP, near + high * UP],
                steel, normal=toward + tilt * UP,
            )  # fmt: skip
        if not beam:
            mesh.add([near + 0.1 * UP, far + 0.1 * UP, far + 0.75 * UP, near + 0.75 * UP], white,
                     truth_only=True)  # fmt: skip
    for post in posts:
        foot = course(lateral + 0.06 * np.sign(lateral), float(post))
        add_capsule(mesh, foot, foot + 0.8 * UP, (0.055, 0.055), white)
        dot = foot + 0.62 * UP + 0.1 * toward
        if beam:
            right, _ = facing(dot)
            add_disc(mesh, dot, right * 0.04, UP * 0.04, stuff.REFLECTIVE.dyed((0.8, 0.4, 0.05)), 8)


def add_lamp(mesh: Mesh, at: Points, reach: float, height: float, on: bool, colour: RGB) -> Points:
    """Adds a street lamp whose arm reaches sideways; returns where its light sits."""
    mesh.begin(0)
    steel = stuff.STEEL.dyed((0.2, 0.21, 0.21))
    top = at + height * UP
    bend = at + (height - 0.5) * UP
    tip = top + np.array([reach, 0.1, 0.0])
    add_capsule(mesh, at, bend, (0.09, 0.055), steel)
    add_capsule(mesh, bend, top + np.array([0.25 * reach, 0.0, 0.0]), (0.055, 0.045), steel)
    add_capsule(mesh, top + np.array([0.25 * reach, 0.0, 0.0]), tip, (0.045, 0.04), steel)
    head = stuff.CLEAR_LAMP.warmer(9.0 if on else 0.0)
    if on:
        head = head.glowing((22.0 * colour[0], 22.0 * colour[1], 22.0 * colour[2]))
    add_capsule(mesh, tip - 0.06 * UP, tip + np.array([0.45 * np.sign(reach), -0.06, 0.0]), (0.09, 0.07), head)
    return np.asarray(tip + np.array([0.2 * np.sign(reach), -0.2, 0.0]))


def add_sign(mesh: Mesh, at: Points, kind: int) -> None:
    """Adds a road sign on a post: 0 speed limit, 1 parking, 2 stop (an inverted triangle)."""
    mesh.begin(0)
    right, toward = facing(at)
    add_capsule(mesh, at, at + 2.6 * UP, (0.04, 0.04), stuff.STEEL.dyed((0.5, 0.5, 0.5)))
    centre = at + 2.35 * UP + 0.06 * toward
    red = stuff.REFLECTIVE.dyed((0.5, 0.02, 0.02))
    blue = stuff.REFLECTIVE.dyed((0.02, 0.08, 0.42))
    if kind == 2:
        turn = np.deg2rad([90.0, 210.0, 330.0])[:, None] + np.pi
        mesh.add(centre + np.cos(turn) * right * 0.45 + np.sin(turn) * UP * 0.45, red)
        return
    add_disc(mesh, centre, right * 0.32, UP * 0.32, red if kind == 0 else blue)
    if kind == 0:
        add_disc(mesh, centre + 0.01 * toward, right * 0.24, UP * 0.24, stuff.REFLECTIVE)
        for shift in (-0.08, 0.08):
            add_capsule(mesh, centre + shift * right - 0.1 * UP + 0.02 * toward,
                        centre + shift * right + 0.1 * UP + 0.02 * toward, (0.03, 0.03), blue)  # fmt: skip
