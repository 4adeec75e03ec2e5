"""``bench ablate``: a run whose methods are the variants of one, each with several seeds, and a table over the seeds.

The run is like any other (``bench.run.stages``): it resumes, its folder holds the score table and the manifest, and it
has a report, of which one page is the table that is printed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.analysis.numbers import Numbers, headline
from bench.analysis.seeds import by_seed, seed_table
from bench.analysis.table import Cell, Table
from bench.errors import BenchError
from bench.plugin.kinds import METHODS
from bench.run.config import RunConfig, Trial
from bench.run.record import declared
from bench.run.stages import Listener, run
from bench.store.manifest import MethodFacts
from bench.store.run_folder import Store

LOOKS = headline("standard")
"""Fusion metrics of the test part, convention ``standard``: what an ablation does to the looks."""

TASKS = ("metrics", "segmentation")
CONVENTIONS = ("single_scale", "multi_scale", "joint/single_scale", "joint/multi_scale")


@dataclass(frozen=True, slots=True, eq=False)
class AblationResult:
    """What came of it.

    Attributes:
        rows: the table, all text; a variant of which no seed came out is not in it.
        failed: one line per thing that did not come out.
        report: ``index.html``.
    """

    rows: list[dict[str, str]]
    failed: list[str]
    report: Path | None = None


def trials_of(method: str, variants: Sequence[str] = (), seeds: int = 1) -> tuple[Trial, ...]:
    """Each variant with each seed, seed after seed, so that one that is broken off has whole seeds.

    Args:
        method: a method that names its ``ablations``.
        variants: some of these, or names of other methods (``visible``, ``average``); none: all of them.
        seeds: how many, from 0.

    Raises:
        BenchError: no ablations, an unknown variant, no seeds.
    """
    known = tuple(METHODS.get(method).ablations)
    if not known:
        raise BenchError(f"{method} has no ablations; wanted a method with some, e.g. seafusion")
    if seeds < 1:
        raise BenchError(f"--seeds is {seeds}, wanted at least 1")
    for name in variants:
        if name not in known and name not in METHODS.names():
            raise BenchError(f"variant {name!r} is not known, wanted one of {', '.join(known)}, or a method's name")
    return tuple(
        Trial(method=method, ablation=name, seed=seed) if name in known else Trial(method=name, seed=seed)
        for seed in range(seeds)
        for name in variants or known
    )


def ablate(config: RunConfig, command: Sequence[str] = (), listener: Listener | None = None) -> AblationResult:
    """Trains, fuses and evaluates what is not done yet, and fills the table: mean and standard deviation over seeds.

    Args:
        config: with ``trials``.
        command: as typed.
        listener: called with (stage, done, total).

    Raises:
        BenchError: the request is wrong, the data set lacks a part, or another run holds the folder.
    """
    result = run(config, command, listener)
    store = Store(config.out)
    return AblationResult(table(store.read_scores(), store.read_manifest().methods), result.failed, result.report)


def table(scores: pd.DataFrame, methods: Mapping[str, MethodFacts]) -> list[dict[str, str]]:
    """One row per variant: set-level segmentation in percent and fusion metrics, mean ± standard deviation over seeds.

    Args:
        scores: the score table.
        methods: their entries in the manifest.
    """
    scores = by_seed(scores, methods)
    numbers = Numbers({"segmentation": declared("segmentation")})
    segmentation = {
        name: _by_place(seed_table(scores, "segmentation", name, factor=100.0, numbers=numbers)) for name in CONVENTIONS
    }
    looks = _by_place(seed_table(scores, "metrics", "standard"))
    rows = []
    for name in dict.fromkeys(scores["method"]):
        own = scores[scores["method"] == name]
        row = {"variant": name, "seeds": str(own["seed"].nunique())}
        for convention, cells in segmentation.items():
            if (own["convention"] == convention).any():
                row |= {f"{metric} {convention}": _text(cells.get((name, metric, ""))) for metric in ("mIoU", "mAcc")}
            if convention == CONVENTIONS[0]:
                labels = own.loc[(own["metric"] == "IoU") & (own["convention"] == convention), "label"]
                scored = {label for _, metric, label in cells if metric == "IoU"}  # the others have no truth here
                row |= {
                    label: _text(cells.get((name, "IoU", label))) for label in dict.fromkeys(labels) if label in scored
                }
        row |= {metric: _text(looks.get((name, metric, "")), 3) for metric in LOOKS}
        rows.append(row)
    return rows


def _by_place(made: Table) -> dict[tuple[str, str, str], Cell]:
    """(variant, metric, label) -> cell."""
    return {
        (row.method, column.metric, column.label): cell
        for row in made.rows
        for column, cell in zip(made.columns, row.cells, strict=True)
    }


def _text(cell: Cell | None, digits: int = 2) -> str:
    if cell is None or cell.mean is None:
        return ""
    mean = f"{cell.mean:.{digits}f}"
    return mean if cell.spread is None else f"{mean} ± {cell.spread:.{digits}f}"
