"""Input checks, skipped metrics, shared work and light imports."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from bench.errors import BenchError
from bench.metrics import PairScorer, evaluate, vif
from bench.metrics.catalogue import CONVENTIONS, default_metrics
from bench.metrics.planes import Budget, Plane
from bench.metrics.windows import Window

GREY = np.arange(48 * 50, dtype=np.uint32).reshape(48, 50).astype(np.uint8)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ([[1, 2], [3, 4]], "a list"),
        (np.zeros((4, 4, 1), np.uint8), r"shape \(4, 4, 1\)"),
        (np.zeros((4, 4, 4), np.uint8), r"shape \(4, 4, 4\)"),
        (np.zeros((2, 4, 4, 3), np.uint8), r"shape \(2, 4, 4, 3\)"),
        (np.zeros(16, np.uint8), r"shape \(16,\)"),
        (np.zeros((0, 5), np.uint8), "empty"),
        (GREY / 255.0, r"float64 with values 0\.\.1"),
        (GREY.astype(np.int64) * 300, r"int64 with values 0\.\.76500"),
        (np.where(GREY == 3, np.nan, GREY), "10 NaN"),
        (GREY.astype(np.uint16), "uint16"),
        (GREY > 7, "dtype bool"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_bad_input_is_named_with_what_was_seen(bad: object, words: str, place: int) -> None:
    triple: list[object] = [GREY, GREY, GREY]
    triple[place] = bad
    name = ("infrared", "visible", "fused")[place]
    with pytest.raises(BenchError, match=f"{name} image: .*{words}"):
        evaluate(*triple)  # type: ignore[arg-type]


@pytest.mark.parametrize("place", [1, 2])
def test_another_size_is_refused(place: int) -> None:
    triple = [GREY, GREY, GREY]
    triple[place] = GREY[:, :-1]
    with pytest.raises(BenchError, match="49x48 pixels, wanted 50x48"):
        evaluate(*triple)


def test_images_too_small_for_a_window_are_skipped_with_the_size_they_need() -> None:
    small = GREY[:40, :40]
    values = {v.metric: v for v in PairScorer(small, small, ("standard",), "all").score(small)}
    assert values["VIF"].status == values["MS_SSIM"].status == "skipped"
    assert values["VIF"].value is None
    assert values["VIF"].reason == "40x40 pixels, VIF needs at least 41x41"
    assert values["EN"].status == "ok"
    with pytest.raises(BenchError, match="VIF needs at least 41x41"):
        evaluate(small, small, small)
    assert evaluate(GREY[:41, :41], GREY[:41, :41], GREY[:41, :41], metrics="VIF")["VIF"] > 0


@pytest.mark.parametrize("name", CONVENTIONS)
def test_declared_smallest_sizes_are_exact(name: str) -> None:
    for metric in CONVENTIONS[name].metrics:
        use = CONVENTIONS[name].uses[metric]
        image = np.random.default_rng(0).integers(0, 256, (use.smallest, use.smallest + 3), dtype=np.uint8)
        values = PairScorer(image, image[::-1].copy(), {name: [metric]}).score(image)
        assert values[0].status == "ok", (name, metric)


def test_default_metrics_are_the_six_or_what_stands_for_them() -> None:
    assert default_metrics("standard") == ("EN", "MI", "VIF", "SF", "SD", "Qabf")
    assert len(default_metrics("vifb")) == 13
    values = PairScorer(GREY, GREY, ("standard", "vifb")).score(GREY)
    assert [v.metric for v in values] == [*default_metrics("standard"), *default_metrics("vifb")]


def test_evaluate_and_a_run_have_one_default() -> None:
    assert tuple(evaluate(GREY, GREY, GREY, "seafusion2022")) == default_metrics("seafusion2022")
    assert tuple(evaluate(GREY, GREY, GREY, metrics=["SD", "EN"])) == ("EN", "SD")


def test_unknown_names_are_refused_with_near_ones() -> None:
    with pytest.raises(BenchError, match="unknown convention 'standart'; did you mean standard"):
        evaluate(GREY, GREY, GREY, "standart")
    with pytest.raises(BenchError, match="unknown metric 'QABF'; did you mean Qabf"):
        evaluate(GREY, GREY, GREY, metrics=["QABF"])
    with pytest.raises(BenchError, match="unknown metric of convention vifb 'VIF'"):
        evaluate(GREY, GREY, GREY, "vifb", metrics=["VIF"])


def test_a_convention_leaves_out_metrics_that_only_others_define() -> None:
    values = PairScorer(GREY, GREY, ("standard", "vifb"), ["EN", "Entropy"]).score(GREY)
    assert [(v.convention, v.metric) for v in values] == [("standard", "EN"), ("vifb", "Entropy")]


def test_source_statistics_are_computed_once_per_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    original = vif._variance
    monkeypatch.setattr(vif, "_variance", lambda *images: calls.append(1) or original(*images))
    scorer = PairScorer(GREY, GREY[::-1].copy(), ("standard", "tang2023", "cddfuse"), ["VIF"], engine="numpy")
    scorer.score(GREY)
    first = len(calls)
    scorer.score(255 - GREY)
    assert first == 3 * 4  # two sources and one fused image, four scales
    assert len(calls) - first == 4


def test_a_spent_budget_changes_no_number() -> None:
    ir, vis = GREY, GREY[::-1].copy()
    free, poor = PairScorer(ir, vis, list(CONVENTIONS), "all"), PairScorer(ir, vis, list(CONVENTIONS), "all")
    for plane in {plane for pairs in poor._pairs.values() for pair in pairs for plane in pair}:
        plane._budget = Budget(0)
    for sources in poor._sources.values():
        sources._budget = Budget(0)
    assert free.score(GREY) == poor.score(GREY)


def test_kept_results_stay_within_the_budget() -> None:
    plane = Plane(GREY, Budget(100))
    calls = []
    for _ in range(2):
        plane.once("large", lambda: calls.append(1) or np.zeros(100))
        plane.once("small", lambda: calls.append(2) or np.zeros(5))
    assert calls == [1, 2, 1]


def test_inputs_are_not_changed_and_may_be_read_only() -> None:
    rng = np.random.default_rng(3)
    images = [rng.integers(0, 256, (50, 60, 3), dtype=np.uint8) for _ in range(3)]
    before = [image.copy() for image in images]
    for image in images:
        image.setflags(write=False)
    for name, entry in CONVENTIONS.items():
        evaluate(*images, convention=name, metrics=[m for m in entry.metrics if entry.uses[m].smallest <= 50])
    assert all((image == old).all() for image, old in zip(images, before, strict=True))


def test_views_of_larger_arrays_score_as_their_copies() -> None:
    whole = np.random.default_rng(5).integers(0, 256, (120, 130, 3), dtype=np.uint8)
    view = whole[3:108:2, 5:120:2, ::-1]
    assert evaluate(view, view, view) == evaluate(view.copy(), view.copy(), view.copy())


def test_the_catalogue_imports_nothing_heavy() -> None:
    code = (
        "import sys, bench.metrics.catalogue as c; c.metric_rows(True); c.convention_rows(True);"
        "print([name for name in ('numpy', 'cv2', 'scipy', 'pandas', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


STRUCTURE = ("Q_S", "Q_W", "Q_E", "Q_Y", "SSIM", "MS_SSIM", "MEF_SSIM", "MEF_MS_SSIM", "Qcb", "Qcv")
"""Metrics that share maps with each other, or with the next image of the same pair."""


def _structured(name: str) -> list[np.ndarray]:
    """Two sources and two fused images, odd-sized and large enough for every metric."""
    rng = np.random.default_rng(9)
    noise = [rng.integers(0, 256, (163, 171), np.uint8) for _ in range(4)]
    images = {
        "random": noise,
        "constant": [np.full_like(noise[0], level) for level in (7, 255, 90, 0)],
        "one constant": [np.full_like(noise[0], 40), *noise[1:]],
        "equal": [noise[0]] * 4,
        "colour": [noise[0], *(np.stack([image, noise[3], image.T[:1].T + image], 2) for image in noise[1:])],
        "columns of an array": [image.T for image in noise],
    }
    return images[name]


@pytest.mark.parametrize("name", ["random", "constant", "one constant", "equal", "colour", "columns of an array"])
def test_maps_that_metrics_share_are_those_that_each_makes_alone(name: str) -> None:
    ir, vis, *fused = _structured(name)
    together = PairScorer(ir, vis, ("standard",), STRUCTURE, engine="numpy")
    shared = [evaluate(ir, vis, image, metrics=STRUCTURE, engine="numpy") for image in fused]
    for image, values in zip(fused, shared, strict=True):
        assert {value.metric: value.value for value in together.score(image)} == values
        for metric in STRUCTURE:
            assert evaluate(ir, vis, image, metrics=[metric], engine="numpy") == {metric: values[metric]}


def test_metrics_of_one_family_make_their_maps_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    mean = Window.mean
    monkeypatch.setattr(Window, "mean", lambda self, *args, **more: counted.append(1) or mean(self, *args, **more))

    def windows(scorer: PairScorer, image: np.ndarray) -> int:
        counted.clear()
        scorer.score(image)
        return len(counted)

    ir, vis, *fused = _structured("random")
    for family in (("Q_S", "Q_W"), ("MEF_SSIM", "MEF_MS_SSIM")):
        whole = PairScorer(ir, vis, ("standard",), family, engine="numpy")
        last = PairScorer(ir, vis, ("standard",), family[-1:], engine="numpy")
        first = windows(whole, fused[0])
        assert first == windows(last, fused[0])
        assert windows(whole, fused[1]) < first  # the sources' own are kept
