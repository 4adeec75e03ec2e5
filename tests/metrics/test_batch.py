"""The batched path on a device gives NumPy's numbers, as closely as it says; here on tensors of the CPU."""

from __future__ import annotations

import numpy as np
import pytest

from bench.errors import BenchError
from bench.metrics import PairScorer
from bench.metrics.batch import COUNTED, ERRORS, BatchScorer
from bench.metrics.catalogue import CONVENTIONS
from bench.metrics.engine import FORMULAS

COVERED = {
    name: [metric for metric, use in entry.uses.items() if use.formula in ERRORS and use.channels != "together"]
    for name, entry in CONVENTIONS.items()
}


def made(colour: bool) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Bright and nearly flat, dark and flat, and textured parts, and fused images that keep more and less of them."""
    rng = np.random.default_rng(5)
    ir = rng.integers(0, 256, (66, 57), dtype=np.uint8)
    ir[:40, :40] = 250
    ir[20, 20] = 251
    vis = rng.integers(0, 256, (66, 57, 3) if colour else (66, 57), dtype=np.uint8)
    vis[40:] = 0
    grey = vis[..., 0] if colour else vis
    mean = (ir.astype(np.uint16) + grey) // 2
    fused = [vis, ir, mean.astype(np.uint8), np.full_like(ir, 200), rng.integers(0, 256, ir.shape, dtype=np.uint8)]
    return ir, vis, fused


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("name", [name for name, metrics in COVERED.items() if metrics])
def test_a_device_gives_the_numbers_of_numpy(name: str, colour: bool) -> None:
    ir, vis, fused = made(colour)
    single = PairScorer(ir, vis, (name,), COVERED[name], "numpy")
    found = BatchScorer(ir, vis, (name,), COVERED[name], "numpy", device="cpu").score_all(fused)
    for image, values in zip(fused, found, strict=True):
        for one, reference in zip(values, single.score(image), strict=True):
            assert (one.metric, one.status, one.reason) == (reference.metric, reference.status, reference.reason)
            if reference.value is not None:
                error = ERRORS[CONVENTIONS[name].uses[one.metric].formula]
                assert one.value == pytest.approx(reference.value, rel=error, abs=1e-12 if error else 0.0), one


def test_what_no_device_computes_comes_from_the_engine() -> None:
    ir, vis, fused = made(True)
    metrics = ["EN", "Nabf", "MS_SSIM"]
    found = BatchScorer(ir, vis, metrics=metrics, engine="numpy", device="cpu").score_all(fused[:2])
    single = PairScorer(ir, vis, metrics=metrics, engine="numpy")
    assert found == [single.score(image) for image in fused[:2]]
    assert {value.metric: value.status for value in found[0]} == {"EN": "ok", "Nabf": "ok", "MS_SSIM": "skipped"}


def test_levels_are_counted_once_for_all_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.metrics import on_device

    ir, vis, fused = made(False)
    count, calls = on_device.count, []
    monkeypatch.setattr(on_device, "count", lambda stack: calls.append(len(stack.of)) or count(stack))
    BatchScorer(ir, vis, metrics=["EN", "MI", "SD", "CC"], engine="numpy", device="cpu").score_all(fused)
    assert calls == [len(fused)]


def test_every_formula_with_an_error_is_one_of_the_catalogue() -> None:
    from bench.metrics import on_device

    assert set(ERRORS) <= set(FORMULAS)
    assert all(name in COUNTED or callable(getattr(on_device, name)) for name in ERRORS)


def test_no_images_have_no_numbers() -> None:
    ir, vis, _ = made(False)
    assert BatchScorer(ir, vis, device="cpu").score_all([]) == []


@pytest.mark.parametrize("device", ["abacus", "meta:x"])
def test_a_device_that_is_not_there_is_named(device: str) -> None:
    ir, vis, _ = made(False)
    with pytest.raises(BenchError, match=f"device '{device}' cannot compute"):
        BatchScorer(ir, vis, device=device)
