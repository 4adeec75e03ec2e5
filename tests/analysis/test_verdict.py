"""Does fusion help: made data with known differences, drives, seeds and many methods."""

from __future__ import annotations

import numpy as np
import pytest

from bench.analysis.bootstrap import weighted_means
from bench.analysis.pairwise import Settings
from bench.analysis.verdict import Verdict, draw, draw_groups
from bench.analysis.verdict import verdicts as judge
from bench.errors import BenchError

SETTINGS = Settings(resamples=999, interval="percentile")
RNG = np.random.default_rng(0)
SCENE = RNG.normal(0.0, 0.2, 120)


def verdicts(statistics, images, references, effect, groups=None, settings=SETTINGS) -> tuple[Verdict, ...]:
    drawn = draw(statistics, list(range(images)) if groups is None else groups, settings)
    methods = [name for name in statistics if name not in references]
    return judge(drawn, 0, methods, references, effect)


def method(lift: float, spread: float = 0.02, rng: np.random.Generator = RNG):
    return weighted_means((0.4 + lift + SCENE + rng.normal(0.0, spread, 120))[None])


def test_a_clear_gain_helps_a_clear_loss_hurts_and_neither_is_no_evidence() -> None:
    statistics = {
        "infrared": [method(-0.05)], "visible": [method(0.0)], "good": [method(0.06)], "same": [method(0.0)],
        "bad": [method(-0.04)], "tiny": [method(0.006, 0.0005)],
    }  # fmt: skip
    found = {v.method: v for v in verdicts(statistics, 120, ("infrared", "visible"), 0.01, settings=SETTINGS)}
    assert {name: v.answer for name, v in found.items()} == {
        "good": "helps", "same": "no evidence", "bad": "hurts", "tiny": "no evidence"
    }  # fmt: skip
    good = found["good"]
    assert good.against == "visible"
    assert good.low < good.difference < good.high
    assert good.difference == pytest.approx(0.06, abs=0.01)
    assert 0 < good.detectable < 0.02
    assert "good: fusion helps (+0.0" in good.sentence("fusion")
    assert "no evidence that fusion helps" in found["same"].sentence("fusion")


def test_scenes_shared_by_the_methods_do_not_widen_the_difference() -> None:
    (found,) = verdicts({"visible": [method(0.0)], "good": [method(0.05)]}, 120, ("visible",), 0.01, settings=SETTINGS)
    assert found.high - found.low < 0.02  # the scenes alone spread means by 0.07


def test_the_best_of_many_equal_references_is_chosen_in_every_draw() -> None:
    rng = np.random.default_rng(5)
    references = {f"rule {k}": [method(0.0, 0.2, rng)] for k in range(12)}
    found = verdicts(
        {**references, "learned": [method(0.0, 0.2, rng)]}, 120, tuple(references), 0.01, settings=SETTINGS
    )
    assert found[0].answer == "no evidence"
    assert found[0].low < found[0].difference


def test_the_choice_among_equal_references_makes_no_method_hurt() -> None:
    few, hurts, helps = Settings(resamples=199, interval="percentile"), 0, 0
    for trial in range(40):
        rng = np.random.default_rng(200 + trial)
        references = {f"rule {k}": [method(0.0, 0.2, rng)] for k in range(3)}
        statistics = {**references, "m": [method(0.0, 0.2, rng)]}
        (found,) = verdicts(statistics, 120, tuple(references), 0.0, settings=few)
        hurts, helps = hurts + (found.answer == "hurts"), helps + (found.answer == "helps")
    assert hurts <= 5  # the best of three equal rules is better than each of them, on the same images
    assert helps <= 2


def test_a_difference_beyond_all_draws_survives_many_methods() -> None:
    statistics = {"visible": [method(0.0)], **{f"m{k}": [method(0.05)] for k in range(60)}}
    assert {v.answer for v in verdicts(statistics, 120, ("visible",), 0.01)} == {"helps"}


def test_only_the_chosen_images_count() -> None:
    night = np.arange(120) % 3 == 0
    gain = np.where(night, 0.1, -0.05)
    statistics = {"visible": [weighted_means(SCENE[None])], "fused": [weighted_means((SCENE + gain)[None])]}
    for chosen, answer, value in ((night, "helps", 0.1), (~night, "hurts", -0.05)):
        drawn = draw(statistics, list(range(120)), SETTINGS, chosen)
        (found,) = judge(drawn, 0, ["fused"], ["visible"], 0.01)
        assert found.answer == answer
        assert found.difference == pytest.approx(value)
        assert drawn.units == chosen.sum()


def test_neighbouring_frames_are_drawn_together() -> None:
    rng = np.random.default_rng(2)
    drive = np.repeat(np.arange(6), 20)
    gain = np.repeat(rng.normal(0.02, 0.06, 6), 20)
    statistics = {"visible": [weighted_means(SCENE[None])], "fused": [weighted_means((SCENE + gain)[None])]}
    (alone,) = verdicts(statistics, 120, ("visible",), 0.01, settings=SETTINGS)
    (grouped,) = verdicts(statistics, 120, ("visible",), 0.01, groups=list(drive), settings=SETTINGS)
    assert draw(statistics, list(drive), SETTINGS).units == 6
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)
    counts, _ = draw_groups(list(drive), 50, rng)
    assert (counts.reshape(50, 6, 20) == counts.reshape(50, 6, 20)[..., :1]).all()
    assert (counts.sum(axis=1) == 120).all()


def test_seeds_are_part_of_the_uncertainty() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(0.0, 0.01, (5, 120))
    calm = [weighted_means((SCENE + 0.03 + row)[None]) for row in noise]
    shifted = noise + rng.normal(0, 0.05, (5, 1))
    wild = [weighted_means((SCENE + 0.03 + row)[None]) for row in shifted]
    statistics = {"visible": [weighted_means(SCENE[None])], "calm": calm, "wild": wild}
    found = verdicts(statistics, 120, ("visible",), 0.01, settings=SETTINGS)
    assert found[0].answer == "helps"
    assert found[1].high - found[1].low > 3 * (found[0].high - found[0].low)


def test_false_alarms_stay_rare_with_many_methods() -> None:
    alarms = 0
    for trial in range(20):
        rng = np.random.default_rng(100 + trial)
        statistics = {f"m{k}": [method(0.0, 0.1, rng)] for k in range(8)} | {"visible": [method(0.0, 0.1, rng)]}
        found = verdicts(statistics, 120, ("visible",), 0.0, settings=Settings(resamples=199, interval="percentile"))
        alarms += any(v.answer != "no evidence" for v in found)
    assert alarms <= 3


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(BenchError, match="references infrared"):
        verdicts({"visible": [method(0.0)]}, 120, ("infrared",), 0.01)
    with pytest.raises(BenchError, match="1 independent"):
        draw_groups("aaa", 9, RNG)


@pytest.mark.parametrize(("images", "answer"), [(3, "no evidence"), (5, "no evidence"), (6, "helps"), (40, "helps")])
def test_too_few_images_are_no_evidence_however_alike_their_draws(images: int, answer: str) -> None:
    """A gain that is the same on every image has no spread in any draw, and yet five equal signs may be chance."""
    base = np.random.default_rng(1).normal(0.4, 0.05, images)
    (found,) = verdicts(
        {"visible": [weighted_means(base[None])], "better": [weighted_means(base[None] + 0.1)]},
        images, ("visible",), 0.01,
    )  # fmt: skip
    assert found.answer == answer
    assert found.p >= 2.0 ** (1 - images)
