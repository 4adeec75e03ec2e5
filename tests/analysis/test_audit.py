"""The metric audit: noise agrees with nothing, the task score with itself, tricks are counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench.analysis.audit import (
    Judge,
    audit_metrics,
    audit_sentence,
    places_gained,
    read_opinions,
    redundancy,
    stability,
)
from bench.analysis.audit import agreement as agree
from bench.analysis.tricks import TRICKS
from bench.errors import BenchError
from bench.metrics import evaluate

METHODS = [f"m{k:02}" for k in range(14)]
TASK = pd.Series(np.linspace(0.3, 0.6, 14), index=METHODS)


def agreement(values, better, truth, resamples=399):
    judge = Judge.of_pairs(truth) if isinstance(truth, pd.DataFrame) else Judge.fixed(truth)
    return agree(values, better, judge, resamples)


def table(means: np.ndarray, spread: float, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(means + rng.normal(0, spread, (60, len(means))), columns=METHODS[: len(means)])


def test_a_metric_that_is_noise_agrees_with_nothing() -> None:
    taus = [agreement(table(np.zeros(14), 1.0, seed), "higher", TASK, 99).tau for seed in range(12)]
    assert abs(np.mean([tau.value for tau in taus])) < 0.15
    assert sum(tau.excludes(0.0) for tau in taus) <= 2


def test_a_metric_equal_to_the_task_agrees_wholly_in_either_direction() -> None:
    values = table(TASK.to_numpy(), 0.0)
    assert agreement(values, "higher", TASK).tau.value == pytest.approx(1.0)
    assert agreement(-values, "lower", TASK).tau.value == pytest.approx(1.0)
    assert agreement(values, "lower", TASK).tau.value == pytest.approx(-1.0)
    found = agreement(values, "higher", TASK)
    assert "follows the judge" in audit_sentence("X", found, [], stability(values, "higher", 99))


def test_permuting_the_task_scores_changes_the_verdict() -> None:
    values = table(TASK.to_numpy(), 0.02)
    shuffled = pd.Series(np.random.default_rng(4).permutation(TASK.to_numpy()), index=METHODS)
    true, false = (agreement(values, "higher", truth, 399) for truth in (TASK, shuffled))
    assert true.tau.excludes(0.0)
    assert not false.tau.excludes(0.0)
    steady = stability(values, "higher", 99)
    assert audit_sentence("X", true, [], steady) != audit_sentence("X", false, [], steady)
    assert "no evidence that it follows" in audit_sentence("X", false, [], steady)


def test_scores_per_pair_are_drawn_with_the_pairs() -> None:
    values = table(TASK.to_numpy(), 0.1)
    found = agreement(values, "higher", values * 2.0, 199)
    assert found.tau.value == pytest.approx(1.0)
    assert found.tau.low == pytest.approx(1.0)
    assert (found.methods, found.pairs) == (14, 60)
    with pytest.raises(BenchError, match="2 methods"):
        agreement(values, "higher", TASK[:2])


def test_places_gained_are_counted_method_by_method() -> None:
    values = table(np.array([1.0, 2.0, 3.0, 4.0]), 0.01)
    gamed = {"doubled": values * 2.0, "nothing": values, "halved": values / 2.0}
    gains = {(gain.method, gain.trick): gain for gain in places_gained(values, "higher", gamed, 99)}
    assert [gains[m, "doubled"].places for m in METHODS[:4]] == [0, 2, 1, 0]  # 2 x 1 ties with 2 within its noise
    assert gains["m01", "doubled"].share == 1.0
    assert all(gains[m, "nothing"].places == 0 for m in METHODS[:4])
    assert gains["m03", "halved"].places == -2
    lower = {(gain.method, gain.trick): gain for gain in places_gained(values, "lower", gamed, 99)}
    assert lower["m03", "halved"].places == 2
    worst = places_gained(values, "higher", {"doubled": values * 2.0}, 99)
    found = agreement(values, "higher", TASK[:4], 99)
    assert "doubled alone lifts m01 by 2 places" in audit_sentence("X", found, worst, (1.0, 1.0))


def test_like_metrics_stand_together() -> None:
    rng = np.random.default_rng(1)
    base, other = rng.normal(size=14), rng.normal(size=14)
    means = pd.DataFrame({"a": base, "x": other, "b": base + 0.01, "y": other * 2, "c": -base}, index=METHODS)
    found = redundancy(means, {"a": "higher", "x": "higher", "b": "higher", "y": "higher", "c": "lower"})
    order = list(found.columns)
    assert sorted(order.index(name) for name in "abc") in ([0, 1, 2], [2, 3, 4])
    assert found.loc["a", "c"] == pytest.approx(1.0)


def test_stability_tells_clear_from_close_rankings() -> None:
    clear, close = (
        stability(table(TASK.to_numpy(), 0.01), "higher", 99),
        stability(table(np.zeros(14), 1.0), "higher", 99),
    )
    assert clear[0] > 0.95
    assert clear[1] == 1.0
    assert close[0] < 0.75


def test_an_audit_says_all_of_it_in_one_sentence_a_metric() -> None:
    rng = np.random.default_rng(3)
    good = table(np.append(TASK.to_numpy()[:12], [0.2, 0.9]), 0.005)
    good.columns = [*METHODS[:12], "average", "infrared"]
    noise = pd.DataFrame(rng.normal(size=good.shape), columns=good.columns)
    judge = Judge.fixed(TASK[:12])
    tricked = {"noise": {"contrast stretch": noise + 100.0}, "good": {"contrast stretch": good}}
    values, directions = {"good": good, "noise": noise}, {"good": "higher", "noise": "higher"}
    (first, second), alike = audit_metrics(values, directions, judge, tricked, ("infrared", "average"), 199)
    assert first.agreement is not None
    assert first.agreement.tau.value == pytest.approx(1.0)
    assert first.standing == {"infrared": 1, "average": 13}
    assert first.gains[0].places == 0
    assert "puts infrared before every method" in first.verdict
    assert "follows the judge" in first.verdict
    assert second.gains[0].places == 13
    assert "no evidence" in second.verdict
    assert "contrast stretch alone lifts" in second.verdict
    assert first.winner_stays == 1.0
    assert set(alike.columns) == {"good", "noise"}


def test_opinions_become_a_table() -> None:
    rows = pd.DataFrame({"pair": [1, 1, 1, 2], "method": ["a", "a", "b", "a"], "score": ["4", "2", "5", "1"]})
    found = read_opinions(rows)
    assert found.loc["1", "a"] == 3.0
    assert np.isnan(found.loc["2", "b"])
    with pytest.raises(BenchError, match="no column score"):
        read_opinions(rows.drop(columns="score"))
    with pytest.raises(BenchError, match="1 scores are no numbers"):
        read_opinions(rows.assign(score=["4", "2", "good", "1"]))


@pytest.mark.parametrize("name", TRICKS)
def test_tricks_keep_shape_and_change_the_image(name: str) -> None:
    rng = np.random.default_rng(6)
    y, x = np.mgrid[:48, :50]
    grey = np.clip(110 + 50 * np.sin(x / 6) * np.cos(y / 5) + rng.normal(0, 3, x.shape), 0, 255).astype(np.uint8)
    for image in (grey, np.dstack([grey, grey[::-1], grey[:, ::-1]])):
        before = image.copy()
        changed = TRICKS[name](image)
        assert changed.shape == image.shape
        assert changed.dtype == np.uint8
        assert (image == before).all()
        assert (changed != image).any()
        assert (TRICKS[name](image) == changed).all()
    if name in ("contrast stretch", "histogram equalisation"):
        lifted = TRICKS[name](grey)
        assert evaluate(grey, grey, lifted, metrics=["SD"])["SD"] > evaluate(grey, grey, grey, metrics=["SD"])["SD"]
