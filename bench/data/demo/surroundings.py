"""What stands beside the road: houses, trees and hedges."""

from __future__ import annotations

import numpy as np

from bench.data.demo import materials as stuff
from bench.data.demo.materials import RGB, Facade, Material, Surface
from bench.data.demo.mesh import UP, Frame, Mesh, Points, add_box, add_capsule, facing

WALLS: tuple[RGB, ...] = (
    (0.5, 0.45, 0.38), (0.3, 0.16, 0.11), (0.42, 0.4, 0.38), (0.6, 0.57, 0.5), (0.36, 0.28, 0.2), (0.25, 0.27, 0.3),
)  # fmt: skip


PATCH_TURN = np.linspace(0, 2 * np.pi, 11, endpoint=False)[:, None]
PATCH_COSINE, PATCH_SINE = np.cos(PATCH_TURN), np.sin(PATCH_TURN)


def add_house(mesh: Mesh, rng: np.random.Generator, corners: tuple[float, float, float, float], height: float) -> None:
    """Adds a house on the ground rectangle ``corners`` = (x0, x1, z0, z1)."""
    mesh.begin(0)
    x0, x1, z0, z1 = corners
    kind = int(rng.integers(3))
    facade = Facade(
        seed=int(rng.integers(1 << 30)),
        storey=float(rng.uniform(2.8, 3.4)),
        bay=float(rng.uniform(2.0, 3.4)),
        glass=(float(rng.uniform(0.35, 0.7)), float(rng.uniform(0.4, 0.62))),
        lit=float(rng.uniform(0.08, 0.45)),
        brick=kind,
        shop=bool(rng.random() < 0.35),
        height=height,
    )
    colour = (0.32, 0.15, 0.1) if kind == 1 else WALLS[int(rng.integers(len(WALLS)))]
    wall = Material(
        colour, heat=float(rng.uniform(0.3, 1.6)), storage=0.75, sun=6.0, emissivity=0.93, surface=Surface.WALL,
        facade=facade,
    )  # fmt: skip
    roof = stuff.CONCRETE.dyed((0.16, 0.14, 0.14))
    frame = Frame(0.0, 0.0)
    add_box(mesh, frame, (z0, 0.0, x0), (z1, height, x1), wall, roof)
    ledge = stuff.CONCRETE.dyed((colour[0] * 0.7, colour[1] * 0.7, colour[2] * 0.7))
    add_box(mesh, frame, (z0 - 0.2, height, x0 - 0.2), (z1 + 0.2, height + 0.35, x1 + 0.2), ledge, roof)
    _boxes_on_wall(mesh, rng, corners, height)


def _boxes_on_wall(
    mesh: Mesh, rng: np.random.Generator, corners: tuple[float, float, float, float], height: float
) -> None:
    """Air conditioners on the wall toward the road: warm when they run."""
    x0, x1, z0, z1 = corners
    inner, out = (x1, 0.35) if x1 < 0 else (x0, -0.35)
    for _ in range(int(rng.integers(0, 4))):
        z = float(rng.uniform(z0 + 1.0, max(z1 - 1.0, z0 + 1.1)))
        y = float(rng.uniform(2.6, max(height - 1.0, 2.8)))
        metal = stuff.STEEL.dyed((0.55, 0.55, 0.52)).warmer(float(rng.choice([0.0, 3.0, 9.0])))
        near, far = sorted((inner, inner + out))
        add_box(mesh, Frame(0.0, 0.0), (z, y, near), (z + 0.8, y + 0.6, far), metal)


def _shades(colour: RGB, low: float, high: float, holes: float) -> list[Material]:
    """Leaves of one plant, from the dark to the light ones."""
    return [
        stuff.LEAVES.dyed((colour[0] * tone, colour[1] * tone, colour[2] * tone)).thinned(holes)
        for tone in np.linspace(low, high, 4).tolist()
    ]


def add_tree(mesh: Mesh, rng: np.random.Generator, at: Points, height: float, colour: RGB) -> None:
    """Adds a broad-leaved tree: a crown of leafy patches that face outward from its middle."""
    mesh.begin(0)
    right, toward = facing(at)
    fork = at + UP * height * 0.36
    add_capsule(mesh, at, fork, (0.035 * height, 0.024 * height), stuff.BARK)
    for lean in (-0.22, 0.02, 0.2):
        tip = fork + (right * lean + UP * 0.3) * height
        add_capsule(mesh, fork, tip, (0.02 * height, 0.01 * height), stuff.BARK)
    centre = at + UP * height * 0.68
    shades = _shades(colour, 0.7, 1.25, 0.42)
    directions = rng.normal(size=(22, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    directions[:, 1] *= 0.8
    for direction in directions:
        middle = centre + direction * height * 0.26 * float(rng.uniform(0.5, 1.05))
        leaves = shades[int(rng.integers(len(shades)))]
        size = height * float(rng.uniform(0.11, 0.19))
        _add_patch(mesh, rng, middle, size, leaves, direction + 0.5 * UP + 0.3 * toward)


def _add_patch(
    mesh: Mesh, rng: np.random.Generator, centre: Points, radius: float, leaves: Material, normal: Points
) -> None:
    right, _ = facing(centre)
    reach = radius * rng.uniform(0.7, 1.2, size=(11, 1))
    mesh.add(centre + reach * (PATCH_COSINE * right + PATCH_SINE * UP), leaves, normal=normal)


def add_hedge(
    mesh: Mesh, rng: np.random.Generator, corners: tuple[float, float, float, float], height: float, colour: RGB
) -> None:
    """Adds a clipped hedge on the ground rectangle (x0, x1, z0, z1)."""
    mesh.begin(0)
    x0, x1, z0, z1 = corners
    tone = float(rng.uniform(0.8, 1.1))
    leaves = stuff.LEAVES.dyed((colour[0] * tone, colour[1] * tone, colour[2] * tone))
    add_box(mesh, Frame(0.0, 0.0), (z0, 0.0, x0), (z1, height, x1), leaves, taper=0.08)
    edge = x1 if x1 < 0 else x0
    toward = np.array([np.sign(-edge) * 0.8, 0.5, -0.4])
    loose = leaves.thinned(0.35)
    for z in np.arange(z0, z1, max(0.7, (z1 - z0) / 14)):
        spot = np.array([edge, float(rng.uniform(0.5, 1.0)) * height, z])
        _add_patch(mesh, rng, spot, 0.4, loose, toward)


def add_far_bank(mesh: Mesh, rng: np.random.Generator, distance: float, colour: RGB) -> None:
    """Adds a row of far trees and blocks that closes the view."""
    mesh.begin(0)
    shades = _shades(colour, 0.6, 1.1, 0.12)
    outward = np.array([0.2, 0.6, -0.6])
    for x in np.arange(-100.0, 100.0, 4.0):
        spot = np.array([x + float(rng.uniform(-3.0, 3.0)), 0.0, distance + float(rng.uniform(0.0, 30.0))])
        size = float(rng.uniform(2.5, 6.0))
        leaves = shades[int(rng.integers(len(shades)))]
        for height in (0.3, 1.0):
            _add_patch(mesh, rng, spot + UP * size * height, size, leaves, outward)
    for _ in range(5):
        x, z = float(rng.uniform(-60.0, 60.0)), distance + float(rng.uniform(25.0, 50.0))
        wide, height = float(rng.uniform(10.0, 22.0)), float(rng.uniform(9.0, 26.0))
        add_house(mesh, rng, (x, x + wide, z, z + 10.0), height)
