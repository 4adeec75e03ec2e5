"""Statistics against published worked examples, exact small cases and brute force."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from typer.testing import CliRunner

from bench.analysis.bootstrap import WeightedStatistic, bootstrap_images, draws, iou_statistic, weighted_means
from bench.analysis.diagram import critical_difference_svg
from bench.analysis.pairwise import Comparison, Settings, compare, compare_values, critical_difference, wilcoxon
from bench.analysis.sections import compare_metrics, comparison_sections
from bench.analysis.set_draws import SetDraws, set_draws
from bench.analysis.set_level import compare_sets, seed_spread
from bench.analysis.stats_command import stats_command
from bench.cli import app
from bench.errors import BenchError
from bench.plugin.task import Resampler
from bench.run.record import declared
from bench.store.manifest import parse_manifest
from bench.store.run_folder import Store
from bench.types import SCORE_COLUMNS

QUICK = Settings(resamples=999)
DEMSAR = """
adult 0.763 0.768 0.771 0.798
breast-cancer 0.599 0.591 0.590 0.569
wisconsin 0.954 0.971 0.968 0.967
cmc 0.628 0.661 0.654 0.657
ionosphere 0.882 0.888 0.886 0.898
iris 0.936 0.931 0.916 0.931
liver 0.661 0.668 0.609 0.685
lung-cancer 0.583 0.583 0.563 0.625
lymphography 0.775 0.838 0.866 0.875
mushroom 1.000 1.000 1.000 1.000
primary-tumor 0.940 0.962 0.965 0.962
rheum 0.619 0.666 0.614 0.669
voting 0.972 0.981 0.9752 0.9750
wine 0.957 0.978 0.946 0.970
"""
"""Demsar 2006, table 6: AUC of four variants of C4.5 on 14 data sets. Voting's last two are printed as 0.975 with ranks
2 and 3, so they differed before rounding."""


@pytest.fixture(scope="module")
def demsar() -> Comparison:
    rows = [line.split() for line in DEMSAR.split("\n") if line]
    values = pd.DataFrame(
        [[float(word) for word in row[1:]] for row in rows],
        index=[row[0] for row in rows],
        columns=["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"],
    )
    return compare_values(values, "higher", metric="AUC")


def table(values: dict[str, list[float]], metric: str = "EN", **other: str) -> pd.DataFrame:
    """Scores of one data set, method -> one value per pair; NaN becomes a failed row."""
    rows = [
        {
            "task": "metrics", "dataset": "tno", "split": "test", "method": method, "pair": f"{at:02d}",
            "metric": metric,
            "convention": "standard", "label": "", "value": value, "status": "ok" if math.isfinite(value) else "failed",
            "reason": "", **other,
        }
        for method, numbers in values.items()
        for at, value in enumerate(numbers)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


# ------------------------------------------------------------------ worked examples


def test_demsars_mean_ranks(demsar: Comparison) -> None:
    ranks = {entry.method: round(entry.rank.value, 3) for entry in demsar.standings}
    assert ranks == {"C4.5": 3.143, "C4.5+m": 2.000, "C4.5+cf": 2.893, "C4.5+m+cf": 1.964}
    assert demsar.standings[0].method == "C4.5+m+cf"


def test_demsars_friedman_and_iman_davenport(demsar: Comparison) -> None:
    """He gives 9.28 and 3.69 without the correction for ties, which divides by 1 - ties / (n k (k^2 - 1))."""
    assert demsar.omnibus is not None
    n, k = 14, 4
    ties = 3 * (2**3 - 2) + (4**3 - 4)  # two alike in iris, lung-cancer and primary-tumor, four in mushroom
    uncorrected = demsar.omnibus.chi2 * (1 - ties / (n * k * (k * k - 1)))
    assert round(uncorrected, 2) == 9.28
    assert round((n - 1) * uncorrected / (n * (k - 1) - uncorrected), 2) == 3.69
    assert demsar.omnibus.f > 3.69
    assert demsar.omnibus.p_f < 0.05


def test_demsars_critical_differences(demsar: Comparison) -> None:
    """Section 3.2.2: 1.25 at 0.05 and 1.12 at 0.10; with the first, no two variants differ."""
    assert round(critical_difference(4, 14, 0.05), 2) == 1.25
    assert round(critical_difference(4, 14, 0.10), 2) == 1.12
    assert demsar.omnibus is not None
    assert demsar.nemenyi is not None
    apart = demsar.standing("C4.5").rank.value - demsar.standing("C4.5+m+cf").rank.value
    assert apart < demsar.omnibus.critical_difference
    assert (demsar.nemenyi.to_numpy() > 0.05).all()
    assert demsar.nemenyi.loc["C4.5", "C4.5+m+cf"] < 0.10


@pytest.mark.parametrize(
    ("k", "q"), list(enumerate((1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164), 2))
)
def test_demsars_table_of_critical_values(k: int, q: float) -> None:
    """Table 5 (a), q at 0.05 for the two-tailed Nemenyi test; its last digits come from rounded tables."""
    assert critical_difference(k, 6, 0.05) / math.sqrt(k * (k + 1) / 36) == pytest.approx(q, abs=1.1e-3)


def test_demsars_wilcoxon_example(demsar: Comparison) -> None:
    """Table 2: C4.5 against C4.5+m, R+ 93 and R- 12 with split zeros, significant at 0.05."""
    found = next(entry for entry in demsar.differences if {entry.first, entry.second} == {"C4.5", "C4.5+m"})
    assert found.p < 0.05
    # z = (12 - 14 * 15 / 4) / sqrt(14 * 15 * 29 / 24), Demsar's equation for large N
    z = (12 - 52.5) / math.sqrt(253.75)
    assert found.p == pytest.approx(math.erfc(-z / math.sqrt(2)), rel=0.05)


def test_holm_correction_is_the_textbooks() -> None:
    """Holm's step-down values grow along the sorted p values and never fall below p."""
    rng = np.random.default_rng(3)
    values = pd.DataFrame(rng.normal([0, 0.3, 0.6, 1.2], 1.0, (30, 4)), columns=list("abcd"))
    found = sorted(compare_values(values, "higher", QUICK).differences, key=lambda entry: entry.p)
    m, running = len(found), 0.0
    for at, entry in enumerate(found):
        running = max(running, min(1.0, (m - at) * entry.p))
        assert entry.p_holm == pytest.approx(running, rel=1e-12)
        assert bool(entry.better) == (entry.p_holm < 0.05)


def test_wilcoxon_is_exact_for_few_pairs() -> None:
    """All 2^6 sign patterns, counted."""
    differences = np.array([1.5, -0.5, 2.0, 3.0, -1.0, 4.0])
    ranks = np.abs(differences).argsort().argsort() + 1
    smaller = min(ranks[differences > 0].sum(), ranks[differences < 0].sum())
    sums = [sum(r for r, on in zip(ranks, signs, strict=True) if on) for signs in product((0, 1), repeat=6)]
    expected = 2 * sum(total <= smaller for total in sums) / 64
    assert wilcoxon(differences) == pytest.approx(expected, rel=1e-12)


def test_wilcoxon_of_equal_methods_is_one() -> None:
    assert wilcoxon(np.zeros(10)) == 1.0


# ------------------------------------------------------------------ intervals


def test_percentile_interval_of_a_mean_agrees_with_normal_theory() -> None:
    sample = np.random.default_rng(0).normal(10.0, 2.0, (1, 400))
    found = bootstrap_images(400, weighted_means(sample), method="percentile", resamples=20_000).intervals[0]
    half = 1.96 * sample.std() / 20
    assert found.value == pytest.approx(sample.mean(), rel=1e-14)
    assert (found.low, found.high) == pytest.approx((sample.mean() - half, sample.mean() + half), abs=0.03 * half)


def test_bca_follows_the_skew() -> None:
    sample = np.random.default_rng(1).lognormal(0.0, 1.0, (1, 40))
    plain, corrected = (
        bootstrap_images(40, weighted_means(sample), method=method).intervals[0] for method in ("percentile", "BCa")
    )
    assert corrected.low > plain.low
    assert corrected.high > plain.high


def test_intervals_cover_as_often_as_they_say() -> None:
    rng, covered = np.random.default_rng(2), 0
    for _ in range(300):
        sample = rng.normal(0.0, 1.0, (1, 50))
        found = bootstrap_images(50, weighted_means(sample), method="percentile", resamples=400).intervals[0]
        covered += not found.excludes(0.0)
    assert 0.90 <= covered / 300 <= 0.975


def test_intervals_depend_on_the_seed_alone() -> None:
    values = pd.DataFrame(np.random.default_rng(4).normal(size=(20, 3)), columns=list("abc"))
    same, again, other = (compare_values(values, "higher", Settings(999, seed)) for seed in (1, 1, 2))
    assert same.standings == again.standings
    assert same.differences == again.differences
    assert same.standings != other.standings


def test_differences_are_paired() -> None:
    """Two methods that differ by a constant on wildly different pairs: the difference is certain, the means are not."""
    base = np.random.default_rng(5).normal(0, 100, 25)
    found = compare_values(pd.DataFrame({"a": base, "b": base + 1.0}), "higher", QUICK)
    assert found.differences[0].first == "b"
    assert (found.differences[0].difference.low, found.differences[0].difference.high) == pytest.approx((1.0, 1.0))
    assert found.standing("a").mean.high - found.standing("a").mean.low > 10
    assert found.standing("b").place.high == 1
    assert found.differences[0].better == "b"


def test_lower_is_better_turns_ranks_and_winners() -> None:
    rng = np.random.default_rng(6)
    values = pd.DataFrame({"slow": rng.normal(5, 1, 30), "mid": rng.normal(3, 1, 30), "fast": rng.normal(1, 1, 30)})
    found = compare_values(values, "lower", QUICK)
    assert [entry.method for entry in found.standings] == ["fast", "mid", "slow"]
    assert [entry.place.value for entry in found.standings] == [1, 2, 3]
    assert {entry.better for entry in found.differences} == {"fast", "mid"}
    assert found.ties("fast") == ()


def test_equal_methods_are_not_told_apart() -> None:
    base = np.random.default_rng(7).normal(size=12)
    found = compare_values(pd.DataFrame({"a": base, "b": base, "c": base}), "higher", QUICK)
    assert found.ties("a") == ("b", "c")
    assert found.omnibus is not None
    assert (found.omnibus.chi2, found.omnibus.p) == (0.0, 1.0)
    assert [entry.place.value for entry in found.standings] == [1, 1, 1]
    assert all(entry.difference.low == entry.difference.high == 0 for entry in found.differences)


def test_a_clear_order_gives_an_infinite_statistic() -> None:
    base = np.arange(10.0)
    found = compare_values(pd.DataFrame({"a": base, "b": base + 1, "c": base + 2}), "higher", QUICK)
    assert found.omnibus is not None
    assert (found.omnibus.chi2, found.omnibus.f, found.omnibus.p_f) == (20.0, math.inf, 0.0)


def test_two_methods_have_no_omnibus_test() -> None:
    found = compare_values(
        pd.DataFrame(np.random.default_rng(8).normal(size=(9, 2)), columns=["a", "b"]), "higher", QUICK
    )
    assert found.omnibus is None
    with pytest.raises(BenchError, match="2 methods, wanted three"):
        critical_difference_svg(found)


# ------------------------------------------------------------------ from the score table


def test_sources_and_gaps_are_left_out() -> None:
    rng = np.random.default_rng(9)
    values = {name: list(rng.normal(size=20)) for name in ("a", "b", "c", "visible")}
    values["a"][3] = math.nan
    values["c"][:10] = [math.nan] * 10
    found = compare(table(values), "tno", "EN", settings=QUICK)
    assert {entry.method for entry in found.standings} == {"a", "b"}
    assert found.pairs == 19
    assert found.left_out == {"c": "it has values for 10 of 20 pairs"}
    with pytest.raises(BenchError, match="c: is not compared on EN; it has values for 10 of 20 pairs"):
        found.standing("c")
    assert found.standing("b").mean.value == pytest.approx(np.mean(values["b"][:3] + values["b"][4:]))


@pytest.mark.parametrize(
    ("values", "metric", "message"),
    [
        ({"a": [1.0, 2.0]}, "EN", "1 methods with 2 pairs in common"),
        ({"a": [1.0], "b": [2.0]}, "EN", "2 methods with 1 pairs in common"),
        ({}, "EN", "0 methods with 0 pairs"),
        ({"a": [1.0, 2.0], "b": [2.0, 1.0]}, "nonsense", "nonsense: has no direction"),
    ],
)
def test_too_little_is_refused(values: dict[str, list[float]], metric: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        compare(table(values), "tno", metric)


def test_sections_print_every_metric_and_method() -> None:
    rng = np.random.default_rng(10)
    scores = pd.concat(
        [
            table({name: list(rng.normal(level, 0.1, 15)) for name, level in levels.items()}, metric)
            for metric, levels in (("EN", {"a": 7, "b": 6, "c": 6}), ("MI", {"a": 1, "b": 2, "c": 3}))
        ]
    )
    sections = [part for found in compare_metrics(scores) for part in comparison_sections(*found)]
    assert [title.split(":")[0] for title, _ in sections] == [
        "tno · EN (standard, higher is better)",
        "tno · EN (standard)",
        "tno · MI (standard, higher is better)",
        "tno · MI (standard)",
    ]
    first, second, differences = sections[0][1], sections[2][1], sections[3][1]
    assert (first[0]["method"], first[0]["place"], first[0]["not told from"]) == ("a", "1 (1 to 1)", "")
    assert [row["method"] for row in second] == ["c", "b", "a"]
    assert "Friedman chi2 30.00, p < 0.001" in sections[2][0]
    assert [row["methods"] for row in differences] == ["c - b", "c - a"]
    assert [row["better"] for row in differences] == ["c", "c"]
    assert list(differences[0]) == [
        "methods", "difference", "95% interval", "Wilcoxon", "with Holm", "Nemenyi", "better",
    ]  # fmt: skip
    low, high = map(float, differences[1]["95% interval"].split(" to "))
    assert low < float(differences[1]["difference"]) < high
    assert low > 1.5
    alone = list(compare_metrics(scores, ["MI"]))
    assert next(comparison_sections(*alone[0]))[1] == second
    assert len(list(comparison_sections(*alone[0], "all"))[1][1]) == 3
    assert len(list(comparison_sections(*alone[0], "none"))) == 1


def test_sections_say_what_cannot_be_compared() -> None:
    title, comparison = next(compare_metrics(table({"a": [1.0, 2.0]})))
    assert comparison is None
    assert list(comparison_sections(title, comparison)) == [(title, [])]
    assert "not compared, tno EN (standard): 1 methods" in title


def test_unknown_metrics_name_those_there() -> None:
    with pytest.raises(BenchError, match="metrics VIF not in convention standard of this run; there: EN"):
        list(compare_metrics(table({"a": [1.0, 2.0]}), ["VIF"]))


TASKS = {"segmentation": declared("segmentation").model_dump()}


def write_run(out: Path, scores: pd.DataFrame, **config: object) -> Path:
    """The parts of a run folder that ``bench stats`` reads."""
    store = Store(out)
    store.root.mkdir()
    store.write_scores(scores)
    store.write_manifest(
        parse_manifest(out, {"config": {"seed": 0, "preset": "smoke", "options": {}, **config}, "tasks": TASKS})
    )
    return out


def test_the_command_prints_differences_and_writes_diagrams(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    scores = table({name: list(rng.normal(level, 0.1, 15)) for name, level in {"a": 7, "b": 6, "c": 6}.items()})
    run = write_run(tmp_path / "run", scores)
    result = CliRunner().invoke(app, ["stats", str(run), "--diagrams", str(tmp_path / "diagrams")])
    assert result.exit_code == 0, result.output
    assert "paired differences" in result.output
    assert "a - b" in result.output
    svg = (tmp_path / "diagrams" / "tno-EN-standard.svg").read_text()
    assert "CD = " in svg
    assert "a (1.00)" in svg


def test_the_command_shows_the_spread_over_seeds(tmp_path: Path) -> None:
    runs = []
    for seed, (visible, fused) in enumerate([(0.50, 0.60), (0.52, 0.64), (0.54, 0.68)]):
        rows = [
            table({"visible": [value], "fused": [better]}, "mIoU", task="segmentation", pair="", convention=scale)
            for scale, value, better in (("single_scale", visible, fused), ("multi_scale", visible + 0.1, fused + 0.1))
        ]
        runs.append(str(write_run(tmp_path / f"seed{seed}", pd.concat(rows), seed=seed)))
    result = CliRunner().invoke(app, ["stats", *runs])
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert "tno · segmentation · mIoU (single_scale): spread over seeds 0, 1, 2" in result.output
    assert ["fused", "3", "0.6400", "0.0400", "0.6000", "0.6800"] in lines
    assert ["visible", "3", "0.6200", "0.0200", "0.6000", "0.6400"] in lines


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"seed": 0}, "has seed 0 as .*first has; give runs with --seed of their own"),
        ({"seed": 1, "preset": "quick"}, "has preset 'quick', .*first has 'smoke'; only the seed may differ"),
        ({"seed": 1, "options": {"segmentation.steps": "9"}}, "only the seed may differ"),
    ],
)
def test_runs_that_are_not_the_same_but_for_the_seed_are_refused(
    tmp_path: Path, config: dict[str, object], message: str
) -> None:
    scores = table({"a": [0.5]}, "mIoU", task="segmentation", pair="", convention="")
    first, second = write_run(tmp_path / "first", scores), write_run(tmp_path / "second", scores, **config)
    with pytest.raises(BenchError, match=message):
        list(stats_command([first, second]))


# ------------------------------------------------------------------ segmentation, detection, seeds


def confusion(rng: np.random.Generator, images: int, accuracy: float, classes: int = 4) -> np.ndarray:
    truth = rng.integers(0, classes, (images, 200))
    guess = np.where(rng.random(truth.shape) < accuracy, truth, rng.integers(0, classes, truth.shape))
    index = truth * classes + guess
    return np.stack([np.bincount(row, minlength=classes**2).reshape(classes, classes) for row in index])


def miou(matrix: np.ndarray) -> float:
    """Plain loops."""
    ious = []
    for at in range(len(matrix)):
        hit = matrix[at][at]
        union = sum(matrix[at]) + sum(row[at] for row in matrix) - hit
        if union:
            ious.append(hit / union)
    return float(np.mean(ious))


def test_iou_of_any_weighting_is_that_of_the_summed_matrices() -> None:
    matrices = confusion(np.random.default_rng(11), 9, 0.8)
    counts = np.random.default_rng(12).integers(0, 4, (5, 9))
    found = iou_statistic(matrices)(counts)
    assert found.shape == (5, 5)
    for row, values in zip(counts, found.T, strict=True):
        total = sum(weight * matrix for weight, matrix in zip(row, matrices, strict=True))
        assert values[0] == pytest.approx(miou(total), rel=1e-12)
        assert values[0] == pytest.approx(values[1:].mean(), rel=1e-12)


def drawn_of(statistic: WeightedStatistic, images: int, names: list[str], resamples: int = 999) -> SetDraws:
    numbers = tuple((name, "", "") for name in names)
    return set_draws(Resampler(tuple(map(str, range(images))), numbers, statistic), Settings(resamples))


def test_a_class_that_is_nowhere_has_no_iou() -> None:
    matrices = np.zeros((3, 2, 2), dtype=np.int64)
    matrices[:, 0, 0] = 5
    found = compare_sets({"a": drawn_of(iou_statistic(matrices), 3, ["mIoU", "one", "two"])}).values["a"]
    assert (found[0].value, found[0].low, found[0].high) == (1.0, 1.0, 1.0)
    assert all(math.isnan(number) for number in (found[2].value, found[2].low, found[2].high))


def test_a_rare_class_keeps_an_interval() -> None:
    """Some draws of images lack the class; the interval is of those that have it."""
    matrices = np.zeros((6, 2, 2), dtype=np.int64)
    matrices[:, 0, 0] = 5
    matrices[0, 1] = (1, 3)
    matrices[1, 1] = (2, 2)
    rare = compare_sets({"a": drawn_of(iou_statistic(matrices), 6, ["mIoU", "one", "two"])}).values["a"][2]
    assert rare.value == pytest.approx(5 / 8)
    assert (rare.low, rare.high) == pytest.approx((0.5, 0.75))


def test_segmenters_are_compared_on_the_same_draws() -> None:
    rng = np.random.default_rng(13)
    good, bad = confusion(rng, 40, 0.9), confusion(rng, 40, 0.7)
    names = ["mIoU", "0", "1", "2", "3"]
    matrices = {"good": good, "twin": good, "bad": bad}
    found = compare_sets({name: drawn_of(iou_statistic(each), 40, names) for name, each in matrices.items()})
    assert found.values["good"] == found.values["twin"]
    assert all(entry.low == entry.high == 0 for entry in found.differences["good", "twin"])
    lead = found.differences["good", "bad"][0]
    assert lead.value == pytest.approx(miou(good.sum(axis=0)) - miou(bad.sum(axis=0)))
    assert lead.low > 0
    assert lead.excludes(0.0)


def test_detection_scores_are_recomputed_on_every_draw() -> None:
    """A stand-in for AP that depends on which images are drawn, and how often."""
    hits, found = np.array([1, 0, 1, 1]), np.array([2, 1, 1, 3])
    seen: list[list[int]] = []

    def precision(drawn: np.ndarray) -> list[float]:
        seen.append(drawn.tolist())
        return [hits[drawn].sum() / found[drawn].sum()]

    def statistic(counts: np.ndarray) -> np.ndarray:
        return np.array([precision(np.repeat(np.arange(4), row)) for row in counts]).T

    result = compare_sets({"a": drawn_of(statistic, 4, ["precision"], 200)})
    assert result.values["a"][0].value == pytest.approx(3 / 7)
    assert 0 <= result.values["a"][0].low < 3 / 7 < result.values["a"][0].high <= 1.0
    assert [0, 1, 2, 3] in seen
    assert {len(drawn) for drawn in seen} == {4}
    assert any(len(set(drawn)) < 4 for drawn in seen)


def test_plain_quantiles_are_those_of_scipy() -> None:
    sample = np.random.default_rng(21).normal(size=(2, 50))
    found = bootstrap_images(50, weighted_means(sample), resamples=700, seed=4, method="percentile")
    theirs = scipy.stats.bootstrap(
        (sample,), lambda x, axis: x.mean(axis=axis), n_resamples=700, method="percentile", axis=1,
        rng=np.random.default_rng(4),
    )  # fmt: skip
    ends = np.array([(one.low, one.high) for one in found.intervals]).T
    assert np.allclose(ends, theirs.confidence_interval, rtol=0, atol=1e-10)
    assert np.allclose(found.distribution, theirs.bootstrap_distribution, rtol=0, atol=1e-10)


def test_draws_hang_on_the_seed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    statistic = weighted_means(np.arange(30.0)[None])
    whole = draws(30, statistic, 100, 5)
    monkeypatch.setattr("bench.analysis.bootstrap.BATCH_BYTES", 8 * 30 * 7)
    assert np.array_equal(draws(30, statistic, 100, 5), whole)
    assert not np.array_equal(draws(30, statistic, 100, 6), whole)


def test_a_wrong_count_of_names_is_refused() -> None:
    with pytest.raises(BenchError, match="all images: 5 numbers for 2 names"):
        drawn_of(iou_statistic(np.ones((3, 4, 4), dtype=np.int64)), 3, ["mIoU", "x"])


def test_one_image_has_no_ends() -> None:
    one = np.full((1, 2, 2), 3)
    found = compare_sets({name: drawn_of(iou_statistic(one), 1, ["mIoU", "0", "1"]) for name in "ab"})
    for interval in (*found.values["a"], *found.differences["a", "b"]):
        assert math.isfinite(interval.value)
        assert math.isnan(interval.low)
        assert math.isnan(interval.high)


def test_spread_over_seeds() -> None:
    runs = [table({"a": [value]}, "mIoU", task="segmentation", pair="", convention="") for value in (0.70, 0.72, 0.77)]
    found = seed_spread(runs)
    assert found.loc[0, ["method", "metric", "seeds"]].tolist() == ["a", "mIoU", 3]
    assert found.loc[0, ["mean", "std", "min", "max"]].tolist() == pytest.approx(
        [0.73, 0.0360555, 0.70, 0.77], abs=1e-6
    )
    assert math.isnan(seed_spread(runs[:1]).loc[0, "std"])
    with pytest.raises(BenchError, match="no runs"):
        seed_spread([])


# ------------------------------------------------------------------ diagram


def texts(svg: str) -> list[str]:
    return [node.text for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("}text") and node.text]  # noqa: S314


def test_the_diagram_says_ranks_and_critical_difference(demsar: Comparison) -> None:
    svg = critical_difference_svg(demsar, {"C4.5": "Quinlan"})
    assert {"C4.5+m+cf (1.96)", "C4.5+m (2.00)", "(2.89) C4.5+cf", "(3.14) Quinlan", "CD = 1.254"} <= set(texts(svg))
    assert svg == critical_difference_svg(demsar, {"C4.5": "Quinlan"})
    assert svg.startswith("<svg")


def test_the_diagram_takes_any_name() -> None:
    names = ["$\\alpha$ & co", "<script>alert(1)</script>", "a{b}", "same"]
    values = pd.DataFrame(np.random.default_rng(14).normal(size=(20, 4)), columns=names)
    found = compare_values(values, "higher", QUICK)
    svg = critical_difference_svg(found, {"a{b}": "same"})
    assert "<script" not in svg
    shown = " ".join(texts(svg))
    for name in ("$\\alpha$ & co", "<script>alert(1)</script>", "same [a{b}]", "same [same]"):
        assert name in shown


# ------------------------------------------------------------------ real scores


def test_the_papers_order_is_significant(shared: Path) -> None:
    """In the authors' TNO sheet SeAFusion leads EN among the paper's methods, and not by chance over DenseFuse."""
    sheet = pd.read_csv(shared / "reference/tno_published_metrics.csv", dtype={"image": str})
    values = sheet.pivot(index="image", columns="method", values="EN")
    found = compare_values(
        values[["DenseFuse", "RFN-Nest", "FusionGAN", "SeAFusion", "IFCNN", "SDNet", "U2Fusion"]], "higher"
    )
    assert found.standings[0].method == "SeAFusion"
    assert "DenseFuse" in {entry.second for entry in found.differences if entry.better == "SeAFusion"}
    assert found.standing("SeAFusion").mean.value == pytest.approx(values["SeAFusion"].mean(), rel=1e-12)
