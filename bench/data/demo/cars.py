"""Cars: bodies with windows, wheels, lamps; running ones are warm where an engine, tyres and an exhaust are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.data.demo import materials as stuff
from bench.data.demo.materials import RGB, Material
from bench.data.demo.mesh import Frame, Mesh, Points, add_disc
from bench.data.demo.spec import Label


@dataclass(frozen=True, slots=True)
class Body:
    """Measures of a car body in metres; lengths count from the middle, positive toward the front.

    Attributes:
        length: over all.
        width: over all.
        roof: height of the roof.
        belt: height of the lower window edge.
        nose: height of the bonnet's front edge.
        tail: height of the boot's rear edge.
        screen: foot of the windscreen.
        roof_front: upper edge of the windscreen.
        roof_rear: upper edge of the rear window.
        rear: foot of the rear window.
    """

    length: float
    width: float
    roof: float
    belt: float
    nose: float
    tail: float
    screen: float
    roof_front: float
    roof_rear: float
    rear: float


BODIES = {
    "sedan": Body(4.6, 1.76, 1.44, 0.93, 0.72, 0.95, 0.95, 0.15, -1.05, -1.7),
    "hatchback": Body(3.9, 1.68, 1.52, 0.95, 0.76, 0.92, 0.95, 0.3, -1.45, -1.86),
    "kei": Body(3.4, 1.48, 1.68, 1.0, 0.9, 0.95, 1.05, 0.55, -1.5, -1.66),
    "van": Body(4.7, 1.75, 1.98, 1.1, 0.98, 1.05, 1.65, 1.0, -2.1, -2.28),
    "suv": Body(4.6, 1.84, 1.7, 1.05, 0.92, 1.02, 1.0, 0.35, -1.65, -2.15),
}

COLOURS: tuple[RGB, ...] = (
    (0.65, 0.65, 0.63), (0.42, 0.43, 0.45), (0.03, 0.03, 0.035), (0.1, 0.1, 0.11), (0.35, 0.03, 0.03),
    (0.03, 0.06, 0.22), (0.05, 0.16, 0.25), (0.48, 0.42, 0.3), (0.04, 0.12, 0.07),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CarState:
    """What a car is doing.

    Attributes:
        running: the engine is on.
        lamps: head and tail lamps are on.
    """

    running: bool
    lamps: bool


def add_car(mesh: Mesh, frame: Frame, body: Body, colour: RGB, state: CarState) -> None:
    """Adds a car whose front points along the frame."""
    mesh.begin(0)
    warm = 1.0 if state.running else 0.0
    _shade(mesh, frame, body, warm)
    mesh.begin(Label.CAR)
    paint = stuff.PAINT.dyed(colour).warmer(5.0 * warm)
    _hull(mesh, frame, body, paint, warm)
    _cabin(mesh, frame, body, paint, warm)
    for side in (-1.0, 1.0):
        for along in (0.31 * body.length, -0.3 * body.length):
            _wheel(mesh, frame, (along, side * body.width / 2), warm)
    _front(mesh, frame, body, state)
    _back(mesh, frame, body, state)


def _shade(mesh: Mesh, frame: Frame, body: Body, warm: float) -> None:
    half, side = body.length / 2 + 0.05, body.width / 2 + 0.06
    mesh.add(
        frame([(-half, 0.012, -side), (half, 0.012, -side), (half, 0.012, side), (-half, 0.012, side)]),
        stuff.SHADE.warmer(5.0 * warm),
    )


def _outline(body: Body) -> list[tuple[float, float]]:
    half = body.length / 2
    return [
        (-half + 0.06, 0.24), (-half, 0.4), (-half + 0.02, 0.62), (-half + 0.08, body.tail), (body.rear, body.belt),
        (body.screen, body.belt), (half - 0.22, body.nose), (half - 0.04, body.nose - 0.12), (half, 0.45),
        (half - 0.06, 0.22),
    ]  # fmt: skip


def _hull(mesh: Mesh, frame: Frame, body: Body, paint: Material, warm: float) -> None:
    outline = _outline(body)
    half = body.width / 2
    for side in (-half, half):
        mesh.add(frame([(along, up, side) for along, up in outline]), paint)
        mesh.add(  # sill
            frame([(-0.2 * body.length, 0.22, side * 1.004), (0.21 * body.length, 0.22, side * 1.004),
                   (0.21 * body.length, 0.3, side * 1.004), (-0.2 * body.length, 0.3, side * 1.004)]),
            stuff.RUBBER,
        )  # fmt: skip
        for seam in (-0.12 * body.length, 0.06 * body.length, 0.2 * body.length):
            mesh.add(
                frame([(seam, 0.3, side * 1.003), (seam + 0.025, 0.3, side * 1.003),
                       (seam + 0.025, body.belt, side * 1.003), (seam, body.belt, side * 1.003)]),
                paint.dyed((paint.albedo[0] * 0.3, paint.albedo[1] * 0.3, paint.albedo[2] * 0.3)),
            )  # fmt: skip
    heat = {5: 13.0, 6: 9.0, 7: 7.0, 8: 5.0}  # bonnet, its edge, grille, bumper over a running engine
    for k in range(len(outline) - 1):
        (l0, y0), (l1, y1) = outline[k], outline[k + 1]
        mesh.add(
            frame([(l0, y0, -half), (l0, y0, half), (l1, y1, half), (l1, y1, -half)]),
            paint.warmer(heat.get(k, 0.0) * warm),
        )


def _cabin(mesh: Mesh, frame: Frame, body: Body, paint: Material, warm: float) -> None:
    foot, top = body.width / 2 - 0.03, body.width / 2 - 0.2
    corners = [
        (body.screen, body.belt),
        (body.roof_front, body.roof),
        (body.roof_rear, body.roof),
        (body.rear, body.belt),
    ]

    def board(index: int, share: float, push: float) -> Points:
        """One of screen (0), roof (1), rear window (2), drawn in to ``share`` of itself and pushed outward."""
        (l0, y0), (l1, y1) = corners[index], corners[index + 1]
        w0 = foot if index == 0 else top
        w1 = foot if index == 2 else top
        corner = np.array([(l0, y0, -w0), (l0, y0, w0), (l1, y1, w1), (l1, y1, -w1)])
        middle = corner.mean(axis=0)
        outward = np.array([y1 - y0, l0 - l1, 0.0])
        outward = outward / max(float(np.linalg.norm(outward)), 1e-9)
        return frame(middle + (corner - middle) * share + outward * push)

    glass = stuff.GLASS.warmer(6.0 * warm)
    for index in range(3):
        mesh.add(board(index, 1.0, 0.0), paint)
        if index != 1:
            mesh.add(board(index, 0.9, 0.012), glass)
    split = (body.roof_front + body.roof_rear) / 2
    for sign in (-1.0, 1.0):
        mesh.add(frame([(along, up, sign * (foot if up < body.roof else top)) for along, up in corners]), paint)
        for first, last in (((corners[0][0] - 0.16, corners[1][0] - 0.06), (split + 0.05, split + 0.05)),
                            ((split - 0.05, split - 0.05), (corners[3][0] + 0.2, corners[2][0] + 0.08))):  # fmt: skip
            low, high = body.belt + 0.04, body.roof - 0.1
            lean = foot + (top - foot) * (high - body.belt) / (body.roof - body.belt)
            mesh.add(
                frame([(first[0], low, sign * (foot + 0.004)), (first[1], high, sign * (lean + 0.008)),
                       (last[1], high, sign * (lean + 0.008)), (last[0], low, sign * (foot + 0.004))]),
                glass,
            )  # fmt: skip
        mirror = body.screen - 0.1
        mesh.add(
            frame([(mirror, body.belt, sign * (foot + 0.02)), (mirror, body.belt + 0.14, sign * (foot + 0.02)),
                   (mirror, body.belt + 0.14, sign * (foot + 0.22)), (mirror, body.belt, sign * (foot + 0.2))]),
            paint,
        )  # fmt: skip


def _wheel(mesh: Mesh, frame: Frame, at: tuple[float, float], warm: float) -> None:
    along, across = at
    sign = np.sign(across)
    tyre = stuff.RUBBER.warmer(9.0 * warm)
    for push, radius, material in (
        (0.006, 0.37, stuff.SHADE), (0.012, 0.31, tyre), (0.018, 0.2, stuff.CHROME.warmer(12.0 * warm)),
        (0.022, 0.07, stuff.RUBBER.warmer(14.0 * warm)),
    ):  # fmt: skip
        centre = frame([(along, 0.31 + (0.03 if radius > 0.35 else 0.0), across + sign * push)])[0]
        add_disc(mesh, centre, frame.along * radius, np.array([0.0, radius, 0.0]), material)
    inner = across - sign * 0.2
    for face in (along - 0.25, along + 0.25):
        mesh.add(frame([(face, 0.02, inner), (face, 0.4, inner), (face, 0.4, across), (face, 0.02, across)]), tyre)


def _on_end(frame: Frame, ends: tuple[tuple[float, float], tuple[float, float]], box: tuple[float, ...]) -> Points:
    """A patch on the sloped board between two (along, up) points; box = across0, across1, share0, share1."""
    (l0, y0), (l1, y1) = ends
    w0, w1, s0, s1 = box
    low = (l0 + (l1 - l0) * s0, y0 + (y1 - y0) * s0)
    high = (l0 + (l1 - l0) * s1, y0 + (y1 - y0) * s1)
    push = 0.012 if l0 + l1 > 0 else -0.012
    return frame([(low[0] + push, low[1], w0), (low[0] + push, low[1], w1),
                  (high[0] + push, high[1], w1), (high[0] + push, high[1], w0)])  # fmt: skip


def _front(mesh: Mesh, frame: Frame, body: Body, state: CarState) -> None:
    outline, half = _outline(body), body.width / 2
    upper, lower = (outline[8], outline[7]), (outline[9], outline[8])
    lamp = stuff.CLEAR_LAMP.glowing((26.0, 25.0, 22.0)) if state.lamps else stuff.CLEAR_LAMP
    if state.lamps:
        lamp = lamp.warmer(10.0)
    for sign in (-1.0, 1.0):
        mesh.add(_on_end(frame, upper, (sign * (half - 0.42), sign * (half - 0.05), 0.35, 0.98)), lamp)
    grille = stuff.RUBBER.warmer(18.0 if state.running else 0.0)
    mesh.add(_on_end(frame, upper, (-half + 0.5, half - 0.5, 0.35, 0.95)), grille)
    mesh.add(_on_end(frame, lower, (-half + 0.3, half - 0.3, 0.1, 0.6)), grille)
    mesh.add(_on_end(frame, upper, (-0.22, 0.22, 0.0, 0.42)), stuff.PLATE)


def _back(mesh: Mesh, frame: Frame, body: Body, state: CarState) -> None:
    outline, half = _outline(body), body.width / 2
    upper, lower = (outline[2], outline[3]), (outline[1], outline[2])
    lamp = stuff.RED_LAMP.glowing((1.6, 0.06, 0.05)) if state.lamps else stuff.RED_LAMP
    for sign in (-1.0, 1.0):
        mesh.add(_on_end(frame, upper, (sign * (half - 0.3), sign * (half - 0.04), 0.35, 0.95)), lamp)
    mesh.add(_on_end(frame, upper, (-0.24, 0.24, 0.15, 0.6)), stuff.PLATE)
    mesh.add(_on_end(frame, lower, (-half + 0.1, half - 0.1, 0.0, 0.25)), stuff.RUBBER)
    pipe = stuff.RUBBER.warmer(45.0 if state.running else 0.0)
    mesh.add(_on_end(frame, (outline[0], outline[1]), (0.32, 0.52, 0.2, 0.9)), pipe)
