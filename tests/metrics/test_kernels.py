"""The compiled engine against the NumPy engine, on images that break shortcuts; and what each computes how often."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.lib.stride_tricks import sliding_window_view

from bench import compiled
from bench.data.catalogue import open_dataset
from bench.data.pairs import read_pair
from bench.errors import BenchError
from bench.images import as_rgb
from bench.metrics import PairScorer, choice, vif
from bench.metrics.catalogue import CONVENTIONS
from bench.metrics.engine import MetricValue

pytest.importorskip("numba", reason="the extra fast is not installed")

from bench.metrics.kernels.formulas import KERNELS

Images = tuple[np.ndarray, np.ndarray, np.ndarray]
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)  # no shrinking: a failing triple is small enough to read
ALL = {name: list(entry.metrics) for name, entry in CONVENTIONS.items()}
FIVE = ("standard", "seafusion2022", "tang2023", "cddfuse", "vifb")
LOOSER = {"VIF": 1e-8}
"""Relative; all others agree within 1e-9. Sums of many logarithms, and clipped products that cancel."""


def without_many_windows(images: Images) -> dict[str, list[str]]:
    """All metrics; feature mutual information, whose windows take long with NumPy, of small images only."""
    many = images[0].size > 10_000
    return {name: [m for m in metrics if not (many and m.startswith("FMI"))] for name, metrics in ALL.items()}


def compare(images: Images) -> None:
    agree(images, without_many_windows(images))


def scored(engine: str, images: Images, chosen: dict[str, list[str]]) -> list[MetricValue]:
    ir, vis, fused = images
    return PairScorer(ir, vis, chosen, engine=engine).score(fused)


def agree(images: Images, chosen: dict[str, list[str]]) -> None:
    scores = [scored(engine, images, chosen) for engine in ("numpy", "numba")]
    assert any(value.status == "ok" for value in scores[0])
    for numpy_, numba in zip(*scores, strict=True):
        assert (numpy_.metric, numpy_.status) == (numba.metric, numba.status)
        if numpy_.value is not None:
            assert numba.value == pytest.approx(numpy_.value, rel=LOOSER.get(numpy_.metric, 1e-9), abs=1e-12), numpy_


def random(seed: int, *shape: int, top: int = 256) -> Images:
    rng = np.random.default_rng(seed)
    return tuple(rng.integers(0, top, shape, dtype=np.uint8) for _ in range(3))


triples = st.tuples(st.integers(1, 52), st.integers(1, 52), st.booleans()).flatmap(
    lambda size: st.tuples(*[arrays(np.uint8, size[:2] + (3,) * size[2], elements=st.integers(0, 255))] * 3)
)


@settings(max_examples=25, deadline=None, phases=QUICK)
@given(triples)
def test_both_engines_agree_on_random_images(three: Images) -> None:
    compare(three)


@settings(max_examples=15, deadline=None, phases=QUICK)
@given(st.integers(0, 2**32), st.integers(41, 90), st.integers(41, 90), st.sampled_from([3, 17, 60, 256]))
def test_both_engines_agree_on_noise_of_any_strength(seed: int, height: int, width: int, top: int) -> None:
    compare(random(seed, height, width, top=top))


def exact_vif(source: np.ndarray, fused: np.ndarray) -> float:
    """VIF of one source in extended precision, each window about its own centre."""
    planes, kept, whole = [image.astype(np.longdouble) for image in (source, fused)], np.longdouble(0), np.longdouble(0)
    for window in vif.WINDOWS:
        weights = np.outer(window.weights, window.weights).astype(np.longdouble)
        if window.size < vif.WINDOWS[0].size:
            planes = [
                np.tensordot(sliding_window_view(image, weights.shape), weights)[::2, ::2].copy() for image in planes
            ]
        cut = [sliding_window_view(image, weights.shape) for image in planes]
        x, y = (each - each[..., window.size // 2, window.size // 2][..., None, None] for each in cut)
        means = [np.tensordot(each, weights) for each in (x, y)]
        ir, other, shared = (
            np.tensordot(one * two, weights) - means[i] * means[j] for one, two, i, j in
            ((x, x, 0, 0), (y, y, 1, 1), (x, y, 0, 1))
        )  # fmt: skip
        gain = np.where((ir >= 1e-10) & (other >= 1e-10) & (shared > 0), shared / (ir + 1e-10), 0)
        error = np.maximum(other - gain * shared, 1e-10)
        kept += np.log(1 + np.where(gain > 0, gain * gain * ir / (error + 2), 0)).sum()
        whole += np.log(1 + np.where(ir >= 1e-10, ir, 0) / 2).sum()
    return float(kept / whole)


@pytest.mark.usefixtures("either_engine")
@pytest.mark.parametrize(("low", "every"), [(250, 29), (253, 37)])
def test_vif_is_right_where_a_bright_source_is_nearly_flat(low: int, every: int) -> None:
    """What a strongly structured fused image keeps of an overexposed source hangs on the last digits of the latter."""
    source = np.full((96, 104), 255, np.uint8)
    source[5::every, 7::every] = low
    fused = np.kron(np.random.default_rng(0).integers(0, 256, (12, 13)), np.ones((8, 8))).astype(np.uint8)
    values = PairScorer(source, fused, metrics=["VIF"]).score(fused)
    assert values[0].value == pytest.approx(exact_vif(source, fused) + exact_vif(fused, fused), rel=LOOSER["VIF"])


def flat(level: int) -> np.ndarray:
    return np.full((44, 47), level, np.uint8)


def step(height: int, width: int, low: int, high: int) -> np.ndarray:
    image = np.full((height, width), low, np.uint8)
    image[height // 3 :, width // 2 :] = high
    return image


SMOOTH = tuple(np.add.outer(np.arange(169) * k % 200, np.arange(165) * (k + 1) % 55).astype(np.uint8) for k in range(3))
CASES: dict[str, Images] = {
    "black": (flat(0),) * 3,
    "white": (flat(255),) * 3,
    "flat": (flat(3), flat(15), flat(16)),
    "flat source": (flat(90), *random(1, 44, 47)[:2]),
    "flat fused image": (*random(2, 44, 47)[:2], flat(90)),
    "saturated": tuple(np.where(image > 99, 255, image // 50).astype(np.uint8) for image in random(3, 60, 61)),
    "dark": random(4, 60, 61, top=18),
    "overexposed": tuple(np.minimum(image + 190, 255).astype(np.uint8) for image in random(3, 60, 61, top=120)),
    "nearly flat": (step(90, 71, 254, 255), step(90, 71, 255, 254), step(90, 71, 100, 180)),
    "steps": (step(90, 71, 0, 255), step(90, 71, 16, 15), step(90, 71, 120, 121)),
    "equal": (SMOOTH[0],) * 3,
    "smooth": SMOOTH,
    "one pixel": random(5, 1, 1),
    "a row": random(6, 1, 50),
    "a column": random(7, 50, 1),
    "smallest of VIF": random(8, 41, 41),
    "wide": random(9, 43, 660),
    "high": random(10, 660, 43),
    "one tile": random(11, 50, 336),
    "one tile and a column": random(12, 50, 337),
}


@pytest.mark.parametrize("name", CASES)
def test_both_engines_agree_on_images_that_break_shortcuts(name: str) -> None:
    compare(CASES[name])


COMPILED = {
    name: [m for m, use in entry.uses.items() if use.formula in KERNELS and not m.startswith("FMI")]
    for name, entry in CONVENTIONS.items()
}
"""What has a kernel; the rest both engines compute by the same formulas, on planes that the greys among these are."""
FMI = {name: [metric for metric in entry.uses if metric.startswith("FMI")] for name, entry in CONVENTIONS.items()}


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "pairs"), [("tno", 42), ("roadscene", 30), ("vifb", 21), ("mfnet", 51)])
def test_both_engines_agree_on_every_pair(shared: Path, dataset: str, pairs: int) -> None:
    """Of a plain average and of a maximum; feature mutual information on a piece of each."""
    seen = 0
    for files in open_dataset(dataset, shared / "data").listing(limit=pairs).pairs:
        pair = read_pair(files)
        ir, vis = as_rgb(pair.ir), as_rgb(pair.vis)
        whole, windows = ({name: found for name, found in each.items() if found} for each in (COMPILED, FMI))
        piece = np.s_[100:150, 120:177]
        for fused in (((ir.astype(np.uint16) + vis + 1) // 2).astype(np.uint8), np.maximum(ir, vis)):
            agree((pair.ir, pair.vis, fused), whole)
            agree((pair.ir[piece], pair.vis[piece], fused[piece]), windows)
        seen += 1
    assert seen == pairs


def test_both_engines_agree_whatever_the_layout_of_the_array() -> None:
    whole = random(13, 120, 131, 3)
    ir, vis, fused = (image[3:108:2, 5:120:2, ::-1] for image in whole)
    copies = tuple(np.ascontiguousarray(image) for image in (ir, vis, fused))
    chosen = without_many_windows(copies)
    assert scored("numba", (ir, vis, fused), chosen) == scored("numba", copies, chosen)
    compare(tuple(image.transpose(1, 0, 2) for image in (ir, vis, fused)))
    frozen = tuple(image[..., 0].copy().T for image in copies)
    for image in frozen:
        image.setflags(write=False)
    compare(frozen)


@pytest.mark.usefixtures("either_engine")
def test_independent_images_share_no_information_at_all() -> None:
    levels = np.array([0, 1, 1, 7, 7, 7, 90, 200, 200, 254, 13, 13, 13, 13], np.uint8)
    fused = np.repeat(levels[:, None], 30, axis=1)
    ir = np.repeat((np.arange(30, dtype=np.uint8) ** 2 % 23)[None], 14, axis=0)
    vis = np.repeat((np.arange(30, dtype=np.uint8) % 7)[None], 14, axis=0)
    for value in PairScorer(ir, vis, ("standard", "cddfuse", "vifb"), ["MI", "Mutinf"]).score(fused):
        assert value.value == 0.0, value
    ir[0, 0] += 1
    assert all(value.value != 0.0 for value in PairScorer(ir, vis, ("standard",), ["MI"]).score(fused))


def test_polynomials_are_as_exact_as_they_say() -> None:
    from bench.metrics.kernels.elementary import angle_between, exponential

    for x in np.concatenate([np.linspace(-700, 700, 3001), np.linspace(-1, 1, 2001), [0.0]]):
        assert exponential(x) == pytest.approx(math.exp(x), rel=3e-14)
    turns = np.concatenate([np.linspace(0, math.pi, 5001), [math.pi / 8, math.pi / 4, math.pi / 2]])
    for size in (1e-17, 1.0, 1e6):
        for turn in turns:
            across, along = size * abs(math.sin(turn)), size * math.cos(turn)
            assert angle_between(across, along) == pytest.approx(math.atan2(across, along), abs=5e-13)


def test_a_step_is_shared_by_equal_definitions_of_equal_planes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    ir, vis, fused = random(14, 44, 45)
    scorer = PairScorer(ir, vis, FIVE, ["VIF", "EN", "Entropy", "Qabf"], engine="numpy")
    shared = {tuple(numbers) for numbers in scorer.plan(fused).values()}
    three = ("standard", "tang2023", "cddfuse")
    assert tuple((name, "VIF") for name in three) in shared
    assert (("seafusion2022", "VIF"),) in shared
    assert (("tang2023", "Qabf"), ("cddfuse", "Qabf")) in shared
    assert (*((name, "EN") for name in FIVE[:4]), ("vifb", "Entropy")) in shared
    counted: Counter[str] = Counter()
    for name, formula in list(scorer._formulas.items()):
        monkeypatch.setitem(
            scorer._formulas,  # type: ignore[arg-type]
            name,
            lambda triple, _name=name, _formula=formula, **parameters: (
                counted.update([_name]) or _formula(triple, **parameters)
            ),
        )
    scorer.score(fused)
    assert counted == {"visual_information_fidelity": 2, "entropy": 1, "edge_preservation": 4}


def test_planes_that_differ_in_one_pixel_share_nothing() -> None:
    grey = np.repeat(random(15, 44, 45)[0][..., None], 3, axis=2)
    coloured = grey.copy()
    coloured[20, 20] = (90, 91, 7)
    scorer = PairScorer(grey, coloured, ("standard", "tang2023", "vifb"), ["VIF", "SD", "Variance"], engine="numpy")
    plan = scorer.plan(grey)
    standard = next(step for step, numbers in plan.items() if ("standard", "VIF") in numbers)
    for step, numbers in plan.items():
        same = np.array_equal(step.triple.vis.levels, standard.triple.vis.levels)
        assert same == (step.triple.vis is standard.triple.vis), numbers
    assert len({id(step.triple.ir) for step in plan}) == 1


def test_conventions_share_a_pass_and_images_their_sources_scales(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.metrics.kernels import fidelity

    calls: Counter[str] = Counter()
    for name in ("rate_scale", "half_size"):
        original: Callable[..., object] = getattr(fidelity, name)
        monkeypatch.setattr(
            fidelity, name, lambda *given, _name=name, _own=original: calls.update([_name]) or _own(*given)
        )
    ir, vis, fused = random(16, 60, 61)
    scorer = PairScorer(ir, vis, ("standard", "seafusion2022", "tang2023", "cddfuse"), ["VIF"], engine="numba")
    scorer.score(fused)
    assert calls == {"rate_scale": 4, "half_size": 3 * 3}
    scorer.score(255 - fused)
    assert calls == {"rate_scale": 8, "half_size": 3 * 4}


def test_what_conventions_share_is_what_each_computes_alone() -> None:
    ir, vis, fused = random(18, 60, 61)
    together = PairScorer(ir, vis, ALL, engine="numba").score(fused)
    alone = [value for name in ALL for value in PairScorer(ir, vis, {name: ALL[name]}, engine="numba").score(fused)]
    for one, other in zip(together, alone, strict=True):
        assert one.status == other.status
        assert one.value is None or one.value == pytest.approx(other.value, rel=1e-13), one


def test_a_spent_budget_changes_no_number() -> None:
    from bench.metrics.planes import Budget

    ir, vis, fused = random(17, 60, 61)
    free, poor = (PairScorer(ir, vis, ALL, engine="numba") for _ in range(2))
    for plane in {plane for pairs in poor._pairs.values() for pair in pairs for plane in pair}:
        plane._budget = Budget(0)
    assert free.score(fused) == poor.score(fused)


def test_an_engine_is_chosen_by_what_was_asked_then_by_what_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_ENGINE", raising=False)
    monkeypatch.setattr(choice, "kernels_ready", lambda: False)
    assert choice.choose_engine() == "numpy"
    assert choice.choose_engine(images=choice.REPAID_AFTER) == "numba"
    assert choice.choose_engine("numba") == "numba"
    monkeypatch.setattr(choice, "kernels_ready", lambda: True)
    assert choice.choose_engine() == "numba"
    monkeypatch.setenv("BENCH_ENGINE", "numpy")
    assert choice.choose_engine(images=10**6) == "numpy"
    monkeypatch.setenv("BENCH_ENGINE", "fast")
    with pytest.raises(BenchError, match="'fast', wanted one of auto, numpy, numba"):
        choice.choose_engine()


def test_without_numba_numpy_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_ENGINE", raising=False)
    monkeypatch.setattr(choice.importlib.util, "find_spec", lambda name: None)
    assert choice.choose_engine(images=10**6) == "numpy"
    with pytest.raises(BenchError, match=r"not installed; pip install .*\[fast\]"):
        choice.choose_engine("numba")


def test_kernels_lie_in_the_cache_where_the_program_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(compiled.os, "access", lambda path, mode: False)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    assert compiled.kernel_cache.__wrapped__(tmp_path).parent == tmp_path / "numba"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "mine"))
    assert compiled.kernel_cache.__wrapped__(tmp_path).parent == tmp_path / "mine"


def test_changed_sources_are_compiled_anew(tmp_path: Path) -> None:
    (tmp_path / "windows.py").write_text("1")
    before = compiled.kernel_cache.__wrapped__(tmp_path)
    (tmp_path / "windows.py").write_text("2")
    assert compiled.kernel_cache.__wrapped__(tmp_path) != before


USED = """
import numpy as np
from bench.metrics import PairScorer
from bench.metrics.catalogue import CONVENTIONS
from tasks.detection.average_precision import THRESHOLDS
from tasks.detection.weighted import Ranked, compiled_precision

rng = np.random.default_rng(1)
for shape in ((161, 170), (161, 170, 3)):
    ir, vis, fused = (rng.integers(0, 256, shape, np.uint8) for _ in range(3))
    names = {name: [m for m in entry.metrics if m != "BRISQUE"] for name, entry in CONVENTIONS.items()}
    PairScorer(ir, vis, names, engine="numba").score(fused)
parts = Ranked(rng.random((50, len(THRESHOLDS))) < 0.5, rng.integers(0, 7, 50), rng.integers(0, 9, 7))
compiled_precision(parts, rng.integers(0, 3, (20, 7)))
"""


@pytest.mark.slow
def test_what_doctor_compiles_ahead_is_all_that_is_ever_compiled(tmp_path: Path) -> None:
    def after(*words: str) -> dict[Path, int]:
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
        done = subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr  # doctor's own findings do not matter here
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")}

    warm = after("-m", "bench", "doctor", "--warm")
    assert {path.name.partition(".")[0] for path in warm} >= {"precision", "fidelity", "edges", "features", "counts"}
    assert after("-c", USED) == warm


@pytest.mark.parametrize(
    "code", ["import bench, bench.metrics.engine", "from bench.cli import main; sys.argv = ['bench', '--help']; main()"]
)
def test_numba_is_imported_only_where_its_engine_computes(code: str) -> None:
    told = "import sys, atexit; atexit.register(lambda: print('numba' in sys.modules, file=sys.stderr)); "
    done = subprocess.run([sys.executable, "-c", told + code], capture_output=True, text=True, check=True)
    assert done.stderr.split()[-1] == "False"
