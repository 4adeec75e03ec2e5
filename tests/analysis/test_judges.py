"""Whether a verdict survives a change of judge, in figures and in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.analysis.captions import part_words, way_of, way_words
from bench.analysis.judges import agreements
from bench.analysis.questions import Finding, closing_lines
from bench.analysis.verdict import Answer, Verdict


def finding(judge: str, answers: dict[str, tuple[float, Answer]], **more: object) -> Finding:
    verdicts = tuple(
        Verdict(name, "visible", value, 0.5, value - 0.6, value - 0.4, 0.01, 0.02, answer)
        for name, (value, answer) in answers.items()
    )
    way = "coco" if judge == "yolov5nu" else f"{judge}/coco"
    found = Finding(
        "fusion", "detection", "Detection", "mfnet", "AP@0.5", "all", f"{way}/unseen", "unseen", True, 0.01, 40, 40, 2,
        {"visible": 0.5}, verdicts, {}, judge, judge != "yolov5nu",
    )  # fmt: skip
    return replace(found, **more)  # type: ignore[arg-type]


FIRST: dict[str, tuple[float, Answer]] = {"a": (0.7, "helps"), "b": (0.6, "helps"), "c": (0.4, "hurts")}


def test_a_verdict_survives_where_every_judge_answers_alike() -> None:
    second: dict[str, tuple[float, Answer]] = {"a": (0.8, "helps"), "b": (0.7, "helps"), "c": (0.3, "hurts")}
    (found,) = agreements([finding("yolov8n", second), finding("yolov5nu", FIRST)])
    assert found.judges == ("yolov5nu", "yolov8n")
    assert found.changed == {}
    assert found.order == 1.0
    assert found.sentence() == (
        "AP@0.5 all (coco), pairs unseen in training: whether fusion helps survives a change of judge: yolov5nu and "
        "yolov8n give the same answer for all 3 methods; order of the methods: tau 1.00."
    )


def test_methods_whose_answer_hangs_on_the_judge_are_named() -> None:
    second: dict[str, tuple[float, Answer]] = {"a": (0.6, "no evidence"), "b": (0.7, "helps"), "c": (0.3, "hurts")}
    findings = [finding("yolov5nu", FIRST), finding("yolov8n", second)]
    (found,) = agreements(findings)
    assert found.changed == {"a": ("helps", "no evidence")}
    assert found.order == pytest.approx(1 / 3)
    said = found.sentence({"a": "Method A"})
    assert (
        "does not survive a change of judge: yolov5nu and yolov8n differ on 1 of 3 methods: Method A (helps / no"
        in said
    )
    lines = closing_lines(findings)
    assert lines[-1] == f"mfnet: {found.sentence()}"
    assert sum("against the better single source" in line for line in lines) == 1, "the first judge speaks alone"


def test_one_judge_and_other_questions_are_not_compared() -> None:
    assert list(agreements([finding("yolov5nu", FIRST)])) == []
    assert list(agreements([finding("", FIRST), finding("", FIRST)])) == []
    assert list(agreements([finding("yolov5nu", FIRST), finding("yolov8n", FIRST, question="learning")])) == []
    assert list(agreements([finding("yolov5nu", FIRST), finding("yolov8n", FIRST, part="")])) == []
    assert (
        list(agreements([finding("yolov5nu", FIRST, headline=False), finding("yolov8n", FIRST, headline=False)])) == []
    )


def test_parts_of_parts_have_words() -> None:
    assert way_of("yolov8n/coco/unseen/day") == ("yolov8n/coco", "unseen/day")
    assert way_of("joint/single_scale") == ("joint/single_scale", "")
    assert way_of("day") == ("day", "")
    assert part_words("unseen/small") == "pairs unseen in training, objects of less than 32x32 pixels"
    assert way_words("coco") == "coco, all pairs"
