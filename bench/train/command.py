"""``bench train``: one method on one data set, outside any run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from bench.data.catalogue import Dataset, open_dataset
from bench.data.folders import open_folders, refuse_empty
from bench.data.frames import write_frames
from bench.data.listing import Listing
from bench.data.spec import TRAIN
from bench.errors import BenchError
from bench.machine import pick_device
from bench.plugin.kinds import METHODS
from bench.plugin.method import Preset, Trainable, TrainRequest
from bench.plugin.settings import parse_settings
from bench.train.precision import pick_precision
from bench.weights.places import trained_path


@dataclass(frozen=True, slots=True)
class TrainOrder:
    """What ``bench train`` was asked for; the rest is as in ``TrainRequest``.

    Attributes:
        method: a trainable method.
        dataset: with a training part; ``ir`` and ``vis`` are two bare folders in its place.
        out: folder of checkpoint and weights; None: named after the request.
        limit: at most so many pairs.
        install: copy the result to where ``bench run`` looks for weights when no published ones are there.
        options: ``NAME=VALUE``.
    """

    method: str
    dataset: str = "demo"
    preset: str = "quick"
    recipe: str = ""
    ablation: str = ""
    out: Path | None = None
    data_root: Path | None = None
    weights_root: Path | None = None
    datasets_file: Path | None = None
    ir: Path | None = None
    vis: Path | None = None
    device: str = "auto"
    seed: int = 0
    limit: int | None = None
    stop_after: int | None = None
    train_precision: str = "auto"
    ir_range: str = ""
    install: bool = True
    options: tuple[str, ...] = ()


def train_command(order: TrainOrder, say: Callable[[str], None], progress: Callable[[str, int, int], None]) -> Path:
    """Trains a method and returns its weights; resumes what ``out`` holds.

    Args:
        order: what is asked for.
        say: prints a line, e.g. what the training will cost.
        progress: called with (phase, steps done, steps in all).

    Raises:
        BenchError: unknown names, a method that cannot be trained, a data set without a training part.
    """
    if order.preset not in get_args(Preset):
        raise BenchError(f"--preset is {order.preset!r}, wanted one of {', '.join(get_args(Preset))}")
    if not 0 <= order.seed < 2**32:
        raise BenchError(f"--seed is {order.seed}, wanted a whole number from 0 to 4294967295")
    pick_precision(order.train_precision, "cpu")
    cls: Any = METHODS.get(order.method)
    if not isinstance(cls, Trainable):
        raise BenchError(f"{order.method} cannot be trained here; trainable: {', '.join(trainable_methods())}")
    bare = order.ir is not None or order.vis is not None
    opened = (
        open_folders(order.ir, order.vis, TRAIN, order.ir_range)
        if bare
        else open_dataset(order.dataset, order.data_root, order.datasets_file, order.ir_range)
    )
    listing = _training_pairs(order, opened, say)
    trained_on = opened.training_selection
    name = f"{order.method}-{trained_on.replace(':', '-')}-{order.preset}-{order.seed}"
    request = TrainRequest(
        dataset=trained_on, pairs=listing.pairs, preset=order.preset,  # type: ignore[arg-type]
        out=order.out or Path("runs/train") / name, recipe=order.recipe, ablation=order.ablation,
        device=pick_device(order.device), seed=order.seed, stop_after=order.stop_after, progress=progress,
        options=tuple(parse_settings(order.options, "NAME=VALUE").items()),
        classes=opened.spec.classes, weights_root=order.weights_root,
        precision=order.train_precision,  # type: ignore[arg-type]
    )  # fmt: skip
    request = _without_labels(cls, request, say)
    if order.preset == "paper" and hasattr(cls, "estimate_cost"):
        say("measuring a few steps of each kind, to say how long all will take")
        say(cls.estimate_cost(request))
    path = cls.train(request)
    if path.is_file():
        write_frames(path, trained_on, listing.pairs)
    if order.install and order.stop_after is None and path.is_file():
        install_weights(order.method, path)
    return path


def _training_pairs(order: TrainOrder, opened: Dataset, say: Callable[[str], None]) -> Listing:
    """The pairs to learn from; says what is wrong with others."""
    if not opened.has_split(TRAIN):
        raise BenchError(f"{order.dataset} has no training part, wanted a data set with one, e.g. mfnet or demo")
    listing = opened.listing(split=TRAIN, limit=order.limit)
    if order.ir is not None:
        refuse_empty(listing, order.ir, order.vis)
    for problem in listing.problems:
        say(f"note: {problem.where}: {problem.text}")
    if not listing.pairs:
        raise BenchError(f"{order.dataset}: no training pair is on disk; see bench data check {order.dataset}")
    return listing


def _without_labels(cls: Any, request: TrainRequest, say: Callable[[str], None]) -> TrainRequest:
    """The same training by what of the paper's loss needs no labels, where no pair has any; says so."""
    alone = getattr(cls, "unlabelled", "")
    if not alone or request.ablation or any(files.label_path for files in request.pairs):
        return request
    say(f"note: no pair has labels, so {cls.name} learns by its content loss alone ({alone}), not as its paper does")
    return replace(request, ablation=alone)


def trainable_methods() -> list[str]:
    """Names of the methods that can be trained here."""
    return [name for name in METHODS.names() if isinstance(METHODS.get(name), Trainable)]


def install_weights(method: str, path: Path) -> None:
    """Copies a finished training to the cache, with the record and any segmenter beside it."""
    target = trained_path(method).parent
    target.mkdir(parents=True, exist_ok=True)
    for file in path.parent.iterdir():
        if file.suffix in (".safetensors", ".json"):
            shutil.copy2(file, target / file.name)
