"""What must hold for any images, whatever their numbers are."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.metrics import PairScorer, evaluate
from bench.metrics.catalogue import CONVENTIONS, METRICS
from bench.metrics.gradient import CEILING

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)  # no shrinking: a failing triple is small enough to read
images = arrays(np.uint8, st.tuples(st.just(12), st.integers(11, 14)), elements=st.integers(0, 255))
triples = st.integers(11, 14).flatmap(lambda width: st.tuples(*[arrays(np.uint8, (12, width))] * 3))
SMALL = {name: [m for m in entry.metrics if entry.uses[m].smallest <= 11] for name, entry in CONVENTIONS.items()}

SWAPPED = {
    name: [m for m, use in entry.uses.items() if dict(use.parameters).get("swapped")]
    for name, entry in CONVENTIONS.items()
}  # fmt: skip


@settings(max_examples=25, deadline=None, phases=QUICK)
@given(triples)
def test_every_value_is_finite_and_within_its_declared_range(three: tuple[np.ndarray, ...]) -> None:
    ir, vis, fused = three
    for value in PairScorer(ir, vis, SMALL).score(fused):
        use = CONVENTIONS[value.convention].uses[value.metric]
        assert value.status == "ok", value
        assert value.value is not None
        assert math.isfinite(value.value)
        slack = 1e-6 * max(1.0, abs(value.value))
        assert use.low is None or value.value >= use.low - slack, value
        assert use.high is None or value.value <= use.high + slack, value


@settings(max_examples=15, deadline=None, phases=QUICK)
@given(triples)
def test_the_order_of_the_sources_does_not_matter(three: tuple[np.ndarray, ...]) -> None:
    ir, vis, fused = three
    one = PairScorer(ir, vis, SMALL).score(fused)
    other = PairScorer(vis, ir, SMALL).score(fused)
    for first, second in zip(one, other, strict=True):
        # the MATLAB codes score infrared first and let that change the second FMI; tang2023 rates the infrared image
        use = CONVENTIONS[first.convention].uses[first.metric]
        slip = dict(use.parameters)
        if slip.get("slips") or slip.get("rated") == "infrared" or use.metric in ("Q_G", "Q_C"):
            continue
        # colour is that of the visible image
        if use.channels == "together":
            continue
        assert first.value == pytest.approx(second.value, rel=1e-8, abs=1e-8), first


@settings(max_examples=15, deadline=None)
@given(images)
def test_three_equal_images_get_the_known_best_values(image: np.ndarray) -> None:
    got = evaluate(
        image, image, image, metrics=["EN", "MI", "Qabf", "SSIM", "MSE", "FMI_raw", "FMI_edge", "Qcb", "Qcv", "CE"]
    )
    assert got["MI"] == pytest.approx(2 * got["EN"], abs=1e-12)
    assert got["Qabf"] == pytest.approx(CEILING, abs=1e-12)
    assert got["MSE"] == got["CE"] == 0.0
    assert got["SSIM"] == pytest.approx(1.0, abs=1e-9)
    assert got["FMI_raw"] == got["FMI_edge"] == got["Qcb"] == pytest.approx(1.0)
    assert got["Qcv"] == pytest.approx(0.0, abs=1e-12)


def test_large_equal_images_get_the_known_best_values(scene: Callable[..., tuple[np.ndarray, ...]]) -> None:
    image = scene(170, 165, 3)[0]
    got = evaluate(image, image, image, metrics="all")
    assert got["VIF"] == pytest.approx(2.0, abs=1e-6)
    assert got["MS_SSIM"] == pytest.approx(1.0)
    assert got["CC"] == pytest.approx(1.0)
    assert got["Nabf"] == 0.0
    assert got["PSNR"] == pytest.approx(10 * math.log10(255**2 * 2 * image.size))


@settings(max_examples=20, deadline=None)
@given(images)
def test_grey_and_grey_stored_as_rgb_are_the_same_image(image: np.ndarray) -> None:
    colour = np.repeat(image[..., None], 3, axis=2)
    fused = image[::-1].copy()
    for name in CONVENTIONS:
        grey = evaluate(image, image[:, ::-1].copy(), fused, name, metrics=SMALL[name])
        stored = evaluate(
            colour, colour[:, ::-1].copy(), np.repeat(fused[..., None], 3, axis=2), name, metrics=SMALL[name]
        )
        assert grey == stored


def test_directions_are_as_declared_on_a_blurred_copy(scene: Callable[..., tuple[np.ndarray, ...]]) -> None:
    base = scene(170, 170, 5)[0]
    rng = np.random.default_rng(1)
    sharp = np.clip(base.astype(float) + rng.normal(0, 25, base.shape), 0, 255).astype(np.uint8)
    for name, entry in CONVENTIONS.items():
        scorer = PairScorer(sharp, sharp, {name: [m for m in entry.metrics if not m.startswith("FMI")]})
        previous = scorer.score(sharp)
        for sigma in (1.0, 2.5):
            blurred = cv2.GaussianBlur(sharp, (0, 0), sigma)
            current = scorer.score(blurred)
            for before, after in zip(previous, current, strict=True):
                # a blur makes no artefacts (see the test with noise); truncated cross entropy follows no rule; TE
                # rewards a loss of entropy; Qy has poles; swapped marginals follow no rule
                if before.metric in ("Nabf", "CE", "Cross_entropy", "TE", "Qy", *SWAPPED[name]):
                    continue
                assert before.value is not None
                assert after.value is not None
                worse = after.value < before.value
                assert worse == (METRICS[before.metric].better == "higher"), (name, before.metric, sigma)
            previous = current


def test_noise_lowers_what_compares_and_raises_what_measures_activity(
    scene: Callable[..., tuple[np.ndarray, ...]],
) -> None:
    ir, vis, _ = scene(64, 70, 2)
    mean = ((ir.astype(int) + vis) // 2).astype(np.uint8)
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 1, mean.shape)
    scorer = PairScorer(ir, vis, {"standard": ["EN", "SF", "AG", "VIF", "Qabf", "CC", "MSE", "PSNR", "SSIM", "Nabf"]})
    series = [
        {v.metric: v.value for v in scorer.score(np.clip(mean + amount * noise, 0, 255).astype(np.uint8))}
        for amount in (0, 8, 24)
    ]
    for metric in series[0]:
        values = [numbers[metric] for numbers in series]
        rising = metric in ("EN", "SF", "AG", "MSE", "Nabf")
        assert values == sorted(values, reverse=not rising), metric
        assert values[0] != values[-1]


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_constant_images_give_documented_values(level: int) -> None:
    flat = np.full((170, 165), level, np.uint8)
    got = {
        (v.convention, v.metric): v.value for v in PairScorer(flat, flat, list(CONVENTIONS), "all").score(flat)
    }  # fmt: skip
    assert all(value is not None and math.isfinite(value) for value in got.values())
    for convention in ("standard", "seafusion2022", "tang2023", "cddfuse"):
        assert got[convention, "EN"] == got[convention, "MI"] == got[convention, "SF"] == got[convention, "SD"] == 0.0
        assert got[convention, "VIF"] == 2.0
        assert got[convention, "CC"] == got[convention, "SCD"] == 0.0
    assert got["standard", "Qabf"] == pytest.approx(CEILING)


def test_many_fused_images_score_as_each_alone(scene: Callable[..., tuple[np.ndarray, ...]]) -> None:
    ir, vis, first = scene(60, 77, 8)
    second = cv2.GaussianBlur(first, (0, 0), 2.0)
    shared = PairScorer(ir, vis, list(CONVENTIONS), "all")
    for fused in (first, second, first):
        together = shared.score(fused)
        alone = [
            value for name in CONVENTIONS for value in PairScorer(ir, vis, (name,), "all").score(fused)
        ]  # fmt: skip
        assert together == alone
