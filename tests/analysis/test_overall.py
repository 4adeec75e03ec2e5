"""Significance letters and the overall mean rank: known answers, and what they must keep for any outcome."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.analysis.bootstrap import Interval
from bench.analysis.letters import letters
from bench.analysis.overall import Strand, overall, pair_strands, set_strand
from bench.analysis.pairwise import Settings
from bench.analysis.set_level import SetComparison
from bench.analysis.standing import pair_losses
from bench.analysis.table import decimals
from bench.store.scores import scores_frame
from bench.types import Score

FEW = Settings(resamples=199, interval="percentile")


def test_letters_of_a_textbook_case() -> None:
    """a and b are alike, b and c are alike, a and c differ, d differs from all."""
    told = [("a", "c"), ("d", "a"), ("b", "d"), ("c", "d")]
    assert letters(["a", "b", "c", "d"], told) == {"a": "a", "b": "ab", "c": "b", "d": "c"}


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 9).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.booleans(), min_size=n * n, max_size=n * n)))
)
def test_two_share_a_letter_exactly_if_they_are_not_told_apart(case: tuple[int, list[bool]]) -> None:
    size, flags = case
    names = [f"m{at}" for at in range(size)]
    told = {(names[a], names[b]) for a in range(size) for b in range(a) if flags[a * size + b]}
    found = letters(names, told)
    for a in range(size):
        for b in range(a):
            assert bool(set(found[names[a]]) & set(found[names[b]])) == ((names[a], names[b]) not in told)


def strand(
    task: str, dataset: str, values: dict[str, float], noise: float = 0.0, metric: str = "EN", images: int = 20
) -> Strand:
    random = np.random.default_rng(0)
    numbers = np.array(list(values.values()))
    drawn = numbers[:, None] + noise * random.normal(size=(len(numbers), 199))
    return Strand(task, dataset, metric, "", "higher", tuple(values), numbers, drawn, images)


def test_too_few_images_tell_nobody_apart() -> None:
    """Draws of five images that all agree never waver, and yet five equal signs may be chance."""
    for images, letters_of in ((5, ["a", "a", "a"]), (6, ["a", "b", "c"])):
        found = overall([strand("metrics", "tno", {"x": 3.0, "y": 2.0, "z": 1.0}, images=images)])
        assert found is not None
        assert [one.letters for one in found.standings] == letters_of
    two_sets = overall([
        strand("metrics", name, {"x": 3.0, "y": 2.0, "z": 1.0}, images=4) for name in ("tno", "vifb")
    ])  # fmt: skip
    assert two_sets is not None
    assert [one.letters for one in two_sets.standings] == ["a", "b", "c"]


def test_tasks_data_sets_and_numbers_count_alike() -> None:
    """Two numbers of one data set count together what the one number of the other does."""
    falling = {"x": 3.0, "y": 2.0, "z": 1.0}
    rising = {"x": 1.0, "y": 2.0, "z": 3.0}
    found = overall([
        strand("metrics", "tno", falling), strand("metrics", "tno", falling, metric="SD"),
        strand("metrics", "vifb", {"x": 1.0, "y": 3.0, "z": 2.0}), strand("segmentation", "tno", rising),
    ])  # fmt: skip
    assert found is not None
    ranks = {one.method: one.rank.value for one in found.standings}
    assert ranks == pytest.approx({"x": (2.0 + 3.0) / 2, "y": (1.5 + 2.0) / 2, "z": (2.5 + 1.0) / 2})
    assert [one.method for one in found.standings] == ["y", "z", "x"]
    assert found.standings[0].by_task == {"metrics": 1.5, "segmentation": 2.0}


def test_clear_differences_are_told_apart_and_noise_is_not() -> None:
    clear = overall([strand("metrics", "tno", {"x": 3.0, "y": 2.0, "z": 1.0}, 0.05)])
    noisy = overall([strand("metrics", "tno", {"x": 3.0, "y": 2.9, "z": 2.8}, 5.0)])
    assert clear is not None
    assert noisy is not None
    assert [one.letters for one in clear.standings] == ["a", "b", "c"]
    assert {one.letters for one in noisy.standings} == {"a"}
    assert all(one.rank.low <= one.rank.value <= one.rank.high for one in noisy.standings)


def test_who_lacks_a_number_is_left_out_and_said() -> None:
    found = overall([
        strand("metrics", "tno", {"x": 2.0, "y": 1.0, "new": 3.0}), strand("metrics", "vifb", {"x": 2.0, "y": 1.0}),
        strand("detection", "mfnet", {"x": 2.0}, metric="AP"),
    ])  # fmt: skip
    assert found is not None
    assert [one.method for one in found.standings] == ["x", "y"]
    assert found.left_out == {"new": "no EN on vifb", "AP on mfnet": "some methods have no value"}
    assert overall([strand("metrics", "tno", {"x": 1.0})]) is None
    assert overall([]) is None


def test_a_draw_that_lacks_a_class_does_not_count() -> None:
    values = {"x": (Interval(0.5, 0.4, 0.6),), "y": (Interval(0.4, 0.3, 0.5),)}
    drawn = np.array([[[0.5, np.nan, 0.6]], [[0.4, np.nan, 0.3]]])
    comparison = SetComparison(("mIoU",), values, {}, 3, (1 / 3,), drawn)
    found = overall([set_strand("segmentation", "mfnet", ("mIoU", ""), "higher", comparison, 0, ("x", "y"))])
    assert found is not None
    assert [(one.method, one.rank.value, one.rank.low, one.rank.high) for one in found.standings] == [
        ("x", 1.0, 1.0, 1.0), ("y", 2.0, 2.0, 2.0),
    ]  # fmt: skip


def scores() -> pd.DataFrame:
    """``good`` wins everywhere, least on pair 2; ``bad`` loses most on pair 1, in SD; MSE is better when small."""
    values = {
        "EN": {"good": [3, 3, 3], "bad": [2, 2, 2.9]},
        "SD": {"good": [9, 9, 9], "bad": [8, 1, 8.9]},
        "MSE": {"good": [1, 1, 1], "bad": [2, 2, 1.1]},
    }
    return scores_frame([
        Score("metrics", "tno", "test", name, metric, float(value), f"{pair}", "standard")
        for metric, methods in values.items() for name, numbers in methods.items() for pair, value in enumerate(numbers)
    ])  # fmt: skip


def test_losses_are_against_the_best_of_the_pair_and_name_the_worst_metric() -> None:
    found = sorted(pair_losses(scores(), ("EN", "SD", "MSE"), ("good", "bad")), key=lambda one: -one.gap)
    assert [(one.method, one.pair, one.best) for one in found] == [("bad", pair, "good") for pair in ("1", "0", "2")]
    assert found[0].metric == "SD"
    assert all(one.gap > 0 for one in found)


def test_strands_of_pairs_are_the_means_over_common_pairs() -> None:
    (one,) = pair_strands(scores(), "tno", ("EN",), ("good", "bad"), FEW)
    assert dict(zip(one.methods, one.values, strict=True)) == pytest.approx({"good": 3.0, "bad": 6.9 / 3})
    assert one.drawn.shape == (2, 199)


@pytest.mark.parametrize(
    ("largest", "wanted"), [(0, 4), (0.5, 4), (9.9, 4), (10, 3), (99, 3), (100, 2), (0.05, 5), (0.0005, 7), (1e-12, 8)]
)
def test_decimals_suit_the_size(largest: float, wanted: int) -> None:
    assert decimals(largest) == wanted
