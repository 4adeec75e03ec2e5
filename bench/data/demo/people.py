"""People on foot and on bicycles: limbs as boards that face the camera, warm skin, cooler clothes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.data.demo import materials as stuff
from bench.data.demo.materials import RGB, Material
from bench.data.demo.mesh import UP, Frame, Mesh, Points, add_capsule, add_disc, add_ring, facing
from bench.data.demo.spec import Label

SKIN_C = 33.0
"""Temperature of bare skin outdoors in degrees Celsius."""

DARK: tuple[RGB, ...] = ((0.02, 0.02, 0.025), (0.03, 0.035, 0.06), (0.05, 0.04, 0.035), (0.06, 0.06, 0.06))
LIGHT: tuple[RGB, ...] = (
    (0.6, 0.6, 0.58), (0.3, 0.05, 0.05), (0.08, 0.16, 0.35), (0.4, 0.34, 0.22), (0.1, 0.25, 0.15), (0.45, 0.25, 0.3),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """How a person is dressed and built.

    Attributes:
        height: metres.
        jacket: linear RGB.
        trousers: linear RGB.
        skin: linear RGB.
        skirt: a coat or skirt to the knee.
        bag: carries a backpack.
        insulation: 0 warm surface (a shirt) .. 1 cold surface (a thick coat).
    """

    height: float
    jacket: RGB
    trousers: RGB
    skin: RGB
    skirt: bool
    bag: bool
    insulation: float


def draw_look(rng: np.random.Generator, dark: float) -> Look:
    """A random person; ``dark`` is the share of dark clothes."""

    def cloth() -> RGB:
        table = DARK if rng.random() < dark else LIGHT
        return table[int(rng.integers(len(table)))]

    tone = float(rng.uniform(0.45, 1.1))
    return Look(
        height=float(rng.uniform(1.5, 1.85)),
        jacket=cloth(),
        trousers=cloth(),
        skin=(0.45 * tone, 0.27 * tone, 0.19 * tone),
        skirt=bool(rng.random() < 0.25),
        bag=bool(rng.random() < 0.35),
        insulation=float(rng.uniform(0.2, 0.75)),
    )


class _Wardrobe:
    """The materials of one person at one air temperature."""

    def __init__(self, look: Look, air: float) -> None:
        gain = max(SKIN_C - air, 2.0)
        self.skin = stuff.SKIN.dyed(look.skin).warmer(gain)
        self.hair = stuff.HAIR.warmer(0.62 * gain)
        self.jacket = stuff.CLOTH.dyed(look.jacket).warmer((0.72 - 0.38 * look.insulation) * gain)
        self.trousers = stuff.CLOTH.dyed(look.trousers).warmer((0.62 - 0.2 * look.insulation) * gain)
        self.shoes = stuff.RUBBER.warmer(0.3 * gain)
        self.bag = stuff.CLOTH.dyed((0.05, 0.05, 0.045)).warmer(0.12 * gain)


def add_walker(mesh: Mesh, frame: Frame, look: Look, air: float, stride: float) -> None:
    """Adds a person who walks along the frame.

    Args:
        mesh: where the faces go.
        frame: place and walking direction.
        look: build and clothes.
        air: degrees Celsius.
        stride: phase of the walk, -1..1; 0 stands.
    """
    mesh.begin(0)
    _contact(mesh, frame, 0.26)
    mesh.begin(Label.PERSON)
    size = look.height / 1.75
    wear = _Wardrobe(look, air)

    def joint(along: float, up: float, across: float) -> Points:
        return frame([(along * size, up * size, across * size)])[0]

    hips = [joint(0.0, 0.9, -0.08), joint(0.0, 0.9, 0.08)]
    for side, hip in zip((-1, 1), hips, strict=True):
        swing = stride * side
        knee = joint(0.2 * swing + 0.04, 0.5, 0.09 * side)
        ankle = joint(0.33 * swing - 0.05 * abs(stride), 0.09 + 0.07 * max(-swing, 0.0), 0.1 * side)
        add_capsule(mesh, hip, knee, (0.09 * size, 0.065 * size), wear.trousers)
        add_capsule(mesh, knee, ankle, (0.066 * size, 0.045 * size), wear.trousers)
        toe = ankle + frame.direction(0.16, -0.05, 0.02 * side) * size
        add_capsule(mesh, ankle - np.array([0.0, 0.04 * size, 0.0]), toe, (0.05 * size, 0.035 * size), wear.shoes)
    if look.skirt:
        _coat(mesh, frame, size, wear.jacket)
    _torso(mesh, frame, size, wear, joint(0.02, 0.9, 0.0), joint(0.04, 1.42, 0.0))
    for side in (-1, 1):
        swing = -stride * side
        shoulder = joint(0.03, 1.39, 0.2 * side)
        elbow = joint(0.14 * swing - 0.02, 1.12, 0.25 * side)
        hand = joint(0.3 * swing + 0.06, 0.9, 0.25 * side)
        add_capsule(mesh, shoulder, elbow, (0.06 * size, 0.048 * size), wear.jacket)
        add_capsule(mesh, elbow, hand, (0.047 * size, 0.036 * size), wear.jacket)
        add_capsule(mesh, hand, hand - np.array([0.0, 0.08 * size, 0.0]), (0.038 * size, 0.03 * size), wear.skin)
    if look.bag:
        add_capsule(mesh, joint(-0.16, 1.02, 0.0), joint(-0.15, 1.34, 0.0), (0.15 * size, 0.12 * size), wear.bag)
    _head(mesh, frame, size, wear, joint(0.06, 1.63, 0.0))


def _contact(mesh: Mesh, frame: Frame, radius: float) -> None:
    add_disc(mesh, frame([(0.0, 0.008, 0.0)])[0], frame.along * radius, frame.across * radius, stuff.SHADE, 10)


def _coat(mesh: Mesh, frame: Frame, size: float, material: Material) -> None:
    right, toward = facing(frame.origin)
    low, high = frame.origin + toward * 0.13, frame.origin + toward * 0.1
    up = np.array([0.0, size, 0.0])
    mesh.add(
        [low + 0.52 * up - right * 0.22 * size, low + 0.52 * up + right * 0.22 * size,
         high + 1.0 * up + right * 0.15 * size, high + 1.0 * up - right * 0.15 * size],
        material, normal=toward + 0.2 * UP,
    )  # fmt: skip


def _torso(mesh: Mesh, frame: Frame, size: float, wear: _Wardrobe, low: Points, high: Points) -> None:
    right, toward = facing(low)
    broad = 0.14 + 0.07 * abs(
        float(right @ frame.across)
    )  # shoulders are broader seen from the front than from the side
    width = broad * size
    waist, top = low - np.array([0.0, 0.05, 0.0]) * size, high
    mesh.add(
        [waist - right * width * 0.78, waist + right * width * 0.78, waist + right * width * 0.74 + (top - waist) * 0.4,
         top + right * width * 0.98 - (top - waist) * 0.06, top + right * width * 0.62 + (top - waist) * 0.04,
         top - right * width * 0.62 + (top - waist) * 0.04, top - right * width * 0.98 - (top - waist) * 0.06,
         waist - right * width * 0.74 + (top - waist) * 0.4],
        wear.jacket, normal=toward + 0.25 * UP,
    )  # fmt: skip
    add_capsule(mesh, high, high + np.array([0.0, 0.1 * size, 0.0]), (0.06 * size, 0.055 * size), wear.skin)


def _head(mesh: Mesh, frame: Frame, size: float, wear: _Wardrobe, centre: Points) -> None:
    right, toward = facing(centre)
    up = UP
    seen = float(toward @ frame.along)  # 1: looks at the camera, -1: shows the back of the head
    side = float(right @ frame.along)
    add_disc(mesh, centre + toward * 0.02, right * 0.095 * size, up * 0.125 * size, wear.skin, 12)
    if seen < -0.4:
        add_disc(mesh, centre + toward * 0.03 + up * 0.025 * size, right * 0.1 * size, up * 0.115 * size, wear.hair, 12)
        return
    turn = np.linspace(-0.1, np.pi + 0.1, 9)[:, None]
    shift = -side * 0.03 * size
    hair = centre + toward * 0.03 + right * shift + up * 0.035 * size
    mesh.add(hair + np.cos(turn) * right * 0.1 * size + np.sin(turn) * up * 0.105 * size, wear.hair)
    if abs(side) > 0.5:
        back = centre + toward * 0.031 - right * np.sign(side) * 0.06 * size
        add_disc(mesh, back, right * 0.05 * size, up * 0.1 * size, wear.hair, 8)


def add_bicycle(mesh: Mesh, frame: Frame, colour: RGB, air: float, rider: Look | None) -> None:
    """Adds a bicycle along the frame, ridden or leaning on its stand."""
    mesh.begin(0)
    _contact(mesh, frame, 0.3)
    mesh.begin(Label.BIKE)
    radius = 0.34
    paint = stuff.PAINT.dyed(colour)
    warm = 0.0 if rider is None else 8.0
    for along in (-0.52, 0.52):
        centre = frame([(along, radius, 0.0)])[0]
        first, second = frame.along * radius, np.array([0.0, radius, 0.0])
        add_ring(mesh, centre, first, second, 0.13, stuff.RUBBER.warmer(warm))
        add_ring(mesh, centre, first * 0.87, second * 0.87, 0.07, stuff.CHROME)
        add_disc(mesh, centre, first, second, stuff.RUBBER, truth_only=True)
        low, high = centre - second * 0.95, centre + second * 0.95
        add_capsule(mesh, low, high, (0.022, 0.022), stuff.RUBBER.warmer(warm))
        for turn in (0.4, 1.45, 2.5):
            spoke = np.cos(turn) * first + np.sin(turn) * second
            add_capsule(mesh, centre - spoke, centre + spoke, (0.004, 0.004), stuff.CHROME)
    spots = {
        "rear": (-0.52, 0.34), "crank": (-0.08, 0.3), "seat": (-0.22, 0.86), "neck": (0.33, 0.8),
        "fork": (0.52, 0.34), "bars": (0.36, 1.0),
    }  # fmt: skip
    at = {name: frame([(along, up, 0.0)])[0] for name, (along, up) in spots.items()}
    for start, end in (("rear", "crank"), ("crank", "neck"), ("seat", "crank"), ("seat", "neck"), ("rear", "seat"),
                       ("fork", "bars")):  # fmt: skip
        add_capsule(mesh, at[start], at[end], (0.026, 0.024), paint)
    mesh.add(np.array([at["rear"], at["crank"], at["neck"], at["seat"]]), paint, truth_only=True)
    add_capsule(mesh, at["seat"] - frame.along * 0.12, at["seat"] + frame.along * 0.12, (0.05, 0.03), stuff.RUBBER)
    add_capsule(mesh, at["bars"] - frame.across * 0.28, at["bars"] + frame.across * 0.28, (0.018, 0.018), stuff.CHROME)
    mesh.add(frame([(0.5, 0.8, -0.16), (0.5, 0.8, 0.16), (0.5, 1.0, 0.16), (0.5, 1.0, -0.16)]), stuff.CHROME)  # basket
    mesh.add(
        frame([(-0.87, 0.42, -0.035), (-0.87, 0.42, 0.035), (-0.87, 0.52, 0.035), (-0.87, 0.52, -0.035)]),
        stuff.RED_LAMP,
    )
    if rider is not None:
        _rider(mesh, frame, rider, air)


def _rider(mesh: Mesh, frame: Frame, look: Look, air: float) -> None:
    mesh.begin(Label.PERSON)
    wear = _Wardrobe(look, air)

    def joint(along: float, up: float, across: float) -> Points:
        return frame([(along, up, across)])[0]

    for side, knee_up, foot_up in ((-1, 0.76, 0.42), (1, 0.6, 0.18)):
        hip, knee = joint(-0.2, 0.93, 0.08 * side), joint(0.16, knee_up, 0.11 * side)
        foot = joint(-0.04, foot_up, 0.12 * side)
        add_capsule(mesh, hip, knee, (0.09, 0.065), wear.trousers)
        add_capsule(mesh, knee, foot, (0.066, 0.045), wear.trousers)
        add_capsule(mesh, foot, foot + frame.direction(0.15, -0.03, 0.0), (0.045, 0.035), wear.shoes)
    _torso(mesh, frame, 0.97, wear, joint(-0.2, 0.93, 0.0), joint(0.08, 1.42, 0.0))
    for side in (-1, 1):
        shoulder, hand = joint(0.08, 1.38, 0.18 * side), joint(0.38, 1.02, 0.26 * side)
        elbow = (shoulder + hand) / 2 + frame.direction(-0.02, -0.06, 0.04 * side)
        add_capsule(mesh, shoulder, elbow, (0.055, 0.047), wear.jacket)
        add_capsule(mesh, elbow, hand, (0.046, 0.036), wear.jacket)
    _head(mesh, frame, 0.97, wear, joint(0.15, 1.64, 0.0))
