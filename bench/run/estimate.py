"""``bench run --dry-run``: what a run would do here, what it would take, measured on one small pair per method."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.data.pairs import read_pair
from bench.errors import describe
from bench.images import encode_png
from bench.machine import count_cores, gpus_for, in_words
from bench.metrics.choice import choose_engine, kernels_ready
from bench.run.config import RunConfig
from bench.run.forecast import forecast, one_thread
from bench.run.plan import METRICS, MethodPlan, Plan
from bench.run.planning import make_plan
from bench.run.sources import load_fuser
from bench.run.worklist import Worklist
from bench.store.run_folder import Store
from bench.types import Image, Pair, PairFiles

if TYPE_CHECKING:
    from bench.run.fuse_unit import FuseUnit

PIXELS = 128 * 96
"""Of the piece of a pair that a method is timed on; its time grows with the pixels."""

REPORT_SHARE = 0.15
"""Bytes of the report for each byte of fused images, which it links to and does not copy: thumbnails, tables."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What lies ahead.

    Attributes:
        rows: one a method: where its weights come from, pairs to fuse, seconds a pair, the time of all of them.
        lines: of data sets, scoring, trainings, tasks, the whole.
    """

    rows: list[dict[str, str]]
    lines: list[str]


def estimate_run(config: RunConfig, say: Callable[[str], None]) -> Estimate:
    """Plans a run, times one pair of each method, and writes nothing into the run's folder.

    Args:
        config: the request.
        say: told which method is being timed.

    Raises:
        BenchError: the request is wrong.
    """
    store = Store(config.out.resolve())
    plan = make_plan(config, tuple(store.read_manifest().tasks))
    jobs = config.jobs or count_cores()
    workers = min(jobs, gpus_for(plan.device) or jobs)
    work = Worklist(plan, store, workers)
    ahead = [unit for unit in work.fuse_units() if config.rerun != "none"]
    with one_thread():
        timed = {method.label: _timed(method, ahead, plan, say) for method in plan.methods}
        scoring = _scoring(plan, work, ahead)
    trainings = [unit for unit in work.training.units() if not work.training.is_done(unit)]
    fusing = sum(seconds for _, seconds, _ in timed.values()) / workers
    images = sum(unit.weight for unit in ahead)
    lines = [
        *(f"data set {data.selection}: {_parts(data.parts)}" for data in plan.datasets),
        *(f"absent: {line}" for line in plan.absent),
        *(f"skipped: {method.why_not}" for method in plan.methods if method.reason),
        *(f"not timed: {label}: {problem}" for label, (_, _, problem) in timed.items() if problem),
        f"tasks: {', '.join(plan.tasks)}; conventions: {', '.join(plan.metrics)}",
        *forecast(trainings, list(work.tasks.jobs_ahead()), workers),
        f"fusing: {images} images, about {in_words(fusing)}; scoring: about {in_words(scoring / workers)}; workers: "
        f"{workers}, if this machine stays as busy as it is",
        f"disk: about {_disk(plan, ahead) / 1e6:.0f} MB in {config.out}",
    ]  # fmt: skip
    return Estimate([_row(method, *timed[method.label]) for method in plan.methods], lines)


def _parts(parts: dict[str, tuple[PairFiles, ...]]) -> str:
    return ", ".join(f"{len(files)} pairs of {split}" for split, files in parts.items())


def _row(method: MethodPlan, pairs: int, seconds: float, problem: str) -> dict[str, str]:
    origin = method.facts.origin if method.source is not None else "skipped"
    if method.train:
        origin = "trained in this run"
    return {
        "method": method.label, "weights": origin, "pairs": str(pairs),
        "a pair": f"{seconds / pairs:.2f} s" if seconds else "not timed" if problem else "",
        "all": in_words(seconds) if seconds else "",
    }  # fmt: skip


def _timed(
    method: MethodPlan, ahead: Sequence[FuseUnit], plan: Plan, say: Callable[[str], None]
) -> tuple[int, float, str]:
    """(pairs to fuse, seconds for all of them on one thread, why that is not known)."""
    units = [unit for unit in ahead if unit.method == method.label]
    files = [item for unit in units for item in unit.files]
    if method.train and method.source is not None:  # it fuses once it is trained
        files = [item for data in plan.datasets for item in data.files()]
    if method.source is None or method.source.folder is not None or not files:
        return len(files), 0.0, ""
    say(f"timing {method.label}")
    try:
        fuser = load_fuser(method.source)
        pair = read_pair(files[0])
        seconds = _seconds(lambda ir, vis: fuser.fuse_pair(ir, vis), pair, fuser.method.smallest)
    except Exception as error:  # a method may fail in its own way; the run will say so pair by pair
        return len(files), 0.0, describe(error)
    return len(files), seconds * len(files), ""


def _seconds(fuse: Callable[[Image, Image], object], pair: Pair, smallest: int = 64) -> float:
    """Seconds of a whole pair, from a piece of it of at least so many pixels a side."""
    height, width = pair.ir.shape[:2]
    share = min(1.0, (PIXELS / (height * width)) ** 0.5)
    rows, columns = (max(64, smallest, round(side * share)) for side in (height, width))
    piece = pair.ir[:rows, :columns], pair.vis[:rows, :columns]
    fuse(*piece)  # the first call builds what later ones have
    start = time.perf_counter()
    fuse(*piece)
    return (time.perf_counter() - start) * height * width / (piece[0].shape[0] * piece[0].shape[1])


def _scoring(plan: Plan, work: Worklist, ahead: Sequence[FuseUnit]) -> float:
    """Seconds of all metrics of all images that are not scored yet, on one thread."""
    if METRICS not in plan.tasks:
        return 0.0
    from bench.metrics import PairScorer

    main = {(data.name, item.key) for data in plan.datasets for item in data.parts[data.main]}
    fresh = sum((unit.dataset, item.key) in main for unit in ahead for item in unit.files)
    fresh += sum(len(data.parts[data.main]) for method in plan.methods if method.train for data in plan.datasets)
    images = fresh + sum(unit.weight for unit in work.score_units())
    first = next((item for data in plan.datasets for item in data.parts[data.main]), None)
    if first is None or not images:
        return 0.0
    names = sorted({name for chosen in plan.metrics.values() for name in chosen})
    engine = choose_engine(plan.config.engine, images) if kernels_ready() else "numpy"
    scored = _seconds(
        lambda ir, vis: PairScorer(ir, vis, sorted(plan.metrics), names, engine).score(vis), read_pair(first)
    )
    return scored * images


def _disk(plan: Plan, ahead: Sequence[FuseUnit]) -> float:
    """Bytes: every fused image about as large as its visible one written as PNG."""
    sizes: dict[str, int] = {}
    for data in plan.datasets:
        first = next(iter(data.files()), None)
        sizes[data.name] = len(encode_png(read_pair(first).vis)) if first is not None else 0
    images = sum(sizes[unit.dataset] * unit.weight for unit in ahead)
    images += sum(sizes[d.name] * len(d.files()) for method in plan.methods if method.train for d in plan.datasets)
    return images * (1.0 + REPORT_SHARE)
