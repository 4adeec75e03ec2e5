"""From images to a detector's input, and from its raw boxes to detections."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.data.coco import NAMES
from tasks.detection.boxes import PADDING_GREY, Placement, Protocol, letterbox, select, select_final
from tasks.detection.coco import coco_ids, columns

WHOLE = Placement((1.0, 1.0), (0, 0), 100, 100)


def test_an_image_that_fits_is_not_touched() -> None:
    images = torch.rand(2, 3, 480, 640, generator=torch.Generator().manual_seed(0))
    padded, placement = letterbox(images, 640, 32)
    assert torch.equal(padded, images)
    assert placement == Placement((1.0, 1.0), (0, 0), 640, 480)


def test_a_small_image_is_padded_around_with_grey_not_enlarged() -> None:
    images = torch.zeros(1, 3, 61, 90)
    padded, placement = letterbox(images, 640, 32)
    assert padded.shape == (1, 3, 64, 96)
    assert placement.offset == (3, 1)
    assert placement.scale == (1.0, 1.0)
    inner = padded[..., 1:62, 3:93]
    assert inner.abs().max() == 0
    assert padded.sum() == pytest.approx(PADDING_GREY * (padded.numel() - inner.numel()), rel=1e-5)


def test_boxes_of_a_shrunk_image_come_back_in_its_own_pixels() -> None:
    padded, placement = letterbox(torch.zeros(1, 3, 900, 1280), 640, 32)
    assert padded.shape[-2:] == (480, 640)
    in_input = torch.tensor([[100.0, 15.0 + 50, 200.0, 15.0 + 150]])
    found = select(in_input, torch.tensor([[0.9]]), torch.tensor([2]), placement, Protocol())
    assert found.boxes[0] == pytest.approx([200, 100, 400, 300])
    assert found.classes.tolist() == [2]


def test_overlapping_boxes_of_one_class_are_suppressed_and_of_two_are_not() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [50, 50, 60, 60]])
    scores = torch.tensor([[0.9, 0.3], [0.8, 0.0], [0.5, 0.0]])
    found = select(boxes, scores, torch.tensor([0, 2]), WHOLE, Protocol())
    assert found.scores.tolist() == pytest.approx([0.9, 0.5, 0.3])
    assert found.classes.tolist() == [0, 0, 2]


def test_an_overlap_of_exactly_the_threshold_stays() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5]])
    found = select(boxes, torch.tensor([[0.9], [0.8]]), torch.tensor([0]), WHOLE, Protocol(iou=0.5))
    assert len(found.scores) == 2
    tighter = select(boxes, torch.tensor([[0.9], [0.8]]), torch.tensor([0]), WHOLE, Protocol(iou=0.49))
    assert len(tighter.scores) == 1


def test_a_score_at_the_threshold_is_dropped_and_the_best_boxes_are_kept() -> None:
    boxes = torch.stack([torch.tensor([x, 0.0, x + 1, 1.0]) for x in range(0, 20, 2)])
    scores = torch.linspace(0.1, 1.0, 10)[:, None]
    found = select(boxes, scores, torch.tensor([0]), WHOLE, Protocol(confidence=float(scores[3, 0]), max_boxes=4))
    assert found.scores.tolist() == pytest.approx([1.0, 0.9, 0.8, 0.7])


def test_boxes_are_cut_at_the_image() -> None:
    found = select(torch.tensor([[-5.0, -5, 120, 40]]), torch.tensor([[0.9]]), torch.tensor([0]), WHOLE, Protocol())
    assert found.boxes[0].tolist() == [0, 0, 100, 40]


def test_final_boxes_are_filtered_by_class_and_sorted() -> None:
    boxes = torch.tensor([[0.0, 0, 1, 1], [2, 2, 3, 3], [4, 4, 5, 5], [6, 6, 7, 7]])
    scores, labels = torch.tensor([0.2, 0.0005, 0.9, 0.8]), torch.tensor([0, 0, 2, 7])
    found = select_final(boxes, scores, labels, (0, 2), WHOLE, Protocol())
    assert found.scores.tolist() == pytest.approx([0.9, 0.2])
    assert found.classes.tolist() == [2, 0]


def test_nothing_found_is_an_empty_list_of_boxes() -> None:
    found = select(torch.zeros(3, 4), torch.zeros(3, 1), torch.tensor([0]), WHOLE, Protocol())
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == found.classes.shape == (0,)


def test_coco_has_80_classes_and_others_are_mapped_by_name() -> None:
    assert len(NAMES) == len(set(NAMES)) == 80
    ids = coco_ids(["Car", "unknown", "person"])
    assert ids.tolist() == [2, -1, 0]
    assert columns(ids, (0,)) == [2]
    assert columns(ids, None) == [0, 2]
    assert coco_ids(NAMES).tolist() == np.arange(80).tolist()
