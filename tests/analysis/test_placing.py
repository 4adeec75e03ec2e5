"""Names in a picture lie over nothing, where there is room, and over as little as can be where there is none."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from bench.analysis.placing import overlap, place_names

AREA = (0.0, 0.0, 600.0, 500.0)


def test_no_name_lies_over_another_or_over_a_mark_or_leaves_the_picture() -> None:
    rng = np.random.default_rng(0)
    points = [(float(x), float(y)) for x, y in rng.normal((300, 250), (120, 100), (46, 2)).clip(10, 490)]
    boxes = place_names(points, [(60.0, 11.0)] * len(points), AREA)
    assert max(overlap(one, other) for one, other in combinations(boxes, 2)) == 0
    assert max(overlap(box, (x - 3, y - 3, x + 3, y + 3)) for box in boxes for x, y in points) == 0
    assert all(overlap(box, AREA) == pytest.approx(60 * 11) for box in boxes)


def test_points_at_the_same_place_get_names_at_different_ones() -> None:
    boxes = place_names([(300.0, 250.0)] * 8, [(60.0, 11.0)] * 8, AREA)
    assert max(overlap(one, other) for one, other in combinations(boxes, 2)) == 0


def test_a_name_that_fits_stands_right_of_its_point() -> None:
    ((left, bottom, right, top),) = place_names([(300.0, 250.0)], [(60.0, 10.0)], AREA)
    assert 300 < left < 310
    assert right - left == pytest.approx(60)
    assert 245 < bottom < top < 270


def test_where_there_is_no_room_every_name_still_has_a_place() -> None:
    boxes = place_names([(50.0, 20.0)] * 30, [(80.0, 12.0)] * 30, (0.0, 0.0, 100.0, 40.0))
    assert len(boxes) == 30
    assert all(right - left == pytest.approx(80) for left, _, right, _ in boxes)


def test_a_name_keeps_off_what_else_is_drawn() -> None:
    line = (290.0, 254.0, 400.0, 256.0)
    (box,) = place_names([(300.0, 250.0)], [(60.0, 11.0)], AREA, [line])
    assert overlap(box, line) == 0
