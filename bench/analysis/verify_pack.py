"""Submissions to a leaderboard: ``bench pack`` makes one, ``bench verify`` scores a sample of it again."""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from bench.data.catalogue import open_dataset
from bench.data.pairs import read_pair
from bench.errors import BenchError
from bench.files import VERSION, without_folders
from bench.images import read_image
from bench.store.manifest import Manifest
from bench.store.pack import (
    Images,
    Pack,
    PackedDataset,
    PackedMethod,
    PackedTask,
    RunFacts,
    open_pack,
    sha256,
    write_pack,
)
from bench.store.run_folder import Store
from bench.types import Image, Pair, PairFiles

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 1e-6
"""Relative: another processor or another version of a library moves the last digits, never the sixth."""
FUSED_TOLERANCE = 1e-3
"""The same where images are fused anew: another processor may move single pixels by one grey level."""
Fuse = Callable[[PackedMethod, int, Pair], Image]
"""A method of a pack, the run's seed and a pair of the verifier's -> the image that the run must have made of it."""
CONFIG_FACTS = ("ir_range", "tasks", "conventions", "metrics", "preset", "device", "limit", "seed", "way", "precision")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying a pack gave.

    Attributes:
        accepted: nothing spoke against it, and something was recomputed.
        rows: one per image that was scored again: ``dataset, method, pair, numbers, largest difference, verdict``.
        problems: reasons for refusal, one line each.
        notes: what a pack cannot prove, and pairs that a method failed on.
    """

    accepted: bool
    rows: list[dict[str, Any]]
    problems: list[str]
    notes: list[str] = field(default_factory=list)


# ------------------------------------------------------------------ pack


def pack(run_dir: Path, out: Path | None = None, images: int = 8) -> Path:
    """Makes a pack of a finished run.

    Args:
        run_dir: the ``--out`` of a run.
        out: the archive; None puts it beside the run, as ``RUN.zip``.
        images: how many fused images of each method and data set go in; -1 for all. Which ones is not up to the
            caller, see ``bench.store.pack``.

    Returns:
        The archive.

    Raises:
        BenchError: no run, an unfinished one, no scored images, or an image that was scored is gone.
    """
    store = Store(run_dir)
    scores = store.read_scores()
    manifest = store.read_manifest()
    if manifest.complete is False and not (scores["status"] == "failed").any():
        raise BenchError(f"{run_dir}: the run is not finished; run the same bench run again, then pack it")
    if images < -1:
        raise BenchError(f"--images is {images}, wanted a number from 0, or -1 for all")
    hashes = _hash_images(store, scores)
    if not hashes:
        raise BenchError(f"{run_dir}: holds no scored images; run bench run with the task metrics first")
    scores = scores.assign(reason=scores["reason"].fillna("").astype(str).map(without_folders))
    text = scores.to_csv(index=False, float_format="%.17g", lineterminator="\n").encode()
    target = out or run_dir.absolute().with_name(f"{run_dir.absolute().name}.zip")
    splits = {name: facts.split or "test" for name, facts in manifest.datasets.items()}

    def image(dataset: str, method: str, pair: str) -> bytes:
        return store.fused_path(dataset, splits[dataset], method, pair).read_bytes()

    facts = public_facts(manifest)
    if (scores["status"] == "failed").any():  # what failed stands in the scores; whoever ranks packs must know
        facts = facts.model_copy(update={"complete": False})
    write_pack(target, facts, text, hashes, images, image, VERSION)
    with open_pack(target):
        return target


def _hash_images(store: Store, scores: pd.DataFrame) -> Images:
    rows = scores[(scores["task"] == "metrics") & (scores["status"] == "ok")]
    hashes: Images = {}
    columns = (rows[name] for name in ("dataset", "split", "method", "pair"))
    for dataset, split, method, pair in sorted(set(zip(*columns, strict=True))):
        path = store.fused_path(dataset, split, method, pair)
        try:
            hashes.setdefault(dataset, {}).setdefault(method, {})[pair] = sha256(path.read_bytes())
        except OSError as error:
            raise BenchError(f"{path}: cannot be read ({error.strerror}); bench run again makes it anew") from error
    return hashes


def public_facts(manifest: Manifest) -> RunFacts:
    """What others need to know of a run; folders and user names of the machine stay at home.

    Raises:
        BenchError: the manifest is not one of a run.
    """
    config = {key: value for key, value in manifest.config.model_dump(mode="json").items() if key in CONFIG_FACTS}
    datasets = {
        name: {**_known(facts, PackedDataset), "pairs": facts.main.pairs, "digests": facts.main.digests}
        for name, facts in manifest.datasets.items()
    }
    methods = {
        name: {
            **_known(facts, PackedMethod),
            "weights": [{"file": Path(file.path).name, "sha256": file.sha256} for file in facts.weights],
        }
        for name, facts in manifest.methods.items()
    }
    machine = asdict(manifest.machine)
    tasks = {name: _known(facts, PackedTask) for name, facts in manifest.tasks.items()}
    try:
        return RunFacts.model_validate(
            {**_known(manifest, RunFacts), "machine": machine, "config": config, "datasets": datasets,
             "methods": methods, "tasks": tasks}
        )  # fmt: skip
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BenchError(f"manifest.json: {where}: {first['msg']}; run bench run again to rebuild it") from error


def _known(facts: BaseModel, model: type[BaseModel]) -> dict[str, Any]:
    found = {key: getattr(facts, key) for key in model.model_fields if hasattr(facts, key)}
    return {key: value for key, value in found.items() if value is not None}


# ------------------------------------------------------------------ verify


def verify(
    archive: Path,
    data_root: Path | None = None,
    sample: int = 16,
    seed: int = 0,
    datasets_file: Path | None = None,
    fuse: Fuse | None = None,
) -> Verdict:
    """Scores a random sample of a pack's images again, from the verifier's own copy of the sources.

    Args:
        archive: what ``pack`` made.
        data_root: the verifier's data sets.
        sample: how many images to score again.
        seed: of the choice; a verifier should keep it to himself.
        datasets_file: another ``datasets.yaml``.
        fuse: makes the images anew, for packs that hold none; then any image of the run may be chosen.

    Returns:
        The verdict; a pack that is damaged or inconsistent is refused too, with the reason.

    Raises:
        BenchError: the archive does not exist, or ``sample`` is none.
    """
    if sample < 1:
        raise BenchError(f"--sample is {sample}, wanted at least one image")
    if not archive.is_file():
        raise BenchError(f"{archive}: no such file; give what bench pack made")
    try:
        with open_pack(archive) as opened:
            return _verify(opened, partial(_sources, opened, data_root, datasets_file), sample, seed, fuse)
    except BenchError as error:
        return Verdict(False, [], [str(error)])


def _verify(
    opened: Pack, find: Callable[[str], dict[str, PairFiles]], sample: int, seed: int, fuse: Fuse | None
) -> Verdict:
    held = opened.contents.sample() if fuse is None else _all_images(opened)
    if not held:
        return Verdict(
            False, [], [f"{opened.path}: holds no images, so nothing can be scored again; pack with --images 8, or "
                        "verify with --recompute"]
        )  # fmt: skip
    chosen = sorted(random.Random(seed).sample(held, min(sample, len(held))))  # noqa: S311 - a choice, not a secret
    rows, problems = [], list(gaps(opened))
    sources: dict[str, dict[str, PairFiles]] = {}
    for dataset, method, pair in chosen:
        try:
            if dataset not in sources:
                sources[dataset] = find(dataset)
            numbers, difference, wrong = _score_again(opened, sources[dataset], (dataset, method, pair), fuse)
        except BenchError as error:
            numbers, difference, wrong = 0, math.nan, [str(error)]
        problems += wrong
        rows.append(
            {
                "dataset": dataset,
                "method": method,
                "pair": pair,
                "numbers": numbers,
                "largest difference": f"{difference:.2e}",
                "verdict": "differs" if wrong else "the same",
            }
        )
    return Verdict(not problems, rows, list(dict.fromkeys(problems)), list(_notes(opened)))


def _all_images(opened: Pack) -> list[tuple[str, str, str]]:
    """Every image of the run whose method can be run by others; folders of images cannot."""
    return [
        (dataset, method, pair)
        for dataset, methods in opened.contents.images.items()
        for method, pairs in methods.items()
        if method in opened.manifest.methods and opened.manifest.methods[method].kind != "folder"
        for pair in pairs
    ]


def gaps(opened: Pack) -> Iterator[str]:
    """A mean over the easy pairs is no mean: every method must speak of every pair of its run, in all its metrics."""
    rows = opened.scores[opened.scores["task"] == "metrics"]
    for (dataset, method), table in rows.groupby(["dataset", "method"], sort=False):
        if table["status"].eq("skipped").all() and table["pair"].eq("").all():  # of ``all``, without weights: no claim
            continue
        wanted = set(opened.manifest.datasets[str(dataset)].pairs)
        strange = sorted(set(table["pair"]) - wanted - {""})
        if strange:
            yield f"{dataset}/{method}: has rows of pairs that its run does not list, e.g. {strange[0]}"
        numbers = table[table["metric"] != ""].groupby(["convention", "metric"], sort=False)["pair"]
        for name, pairs in [("", set(table["pair"])), *((f"{m} ({c})", set(found)) for (c, m), found in numbers)]:
            missing = wanted - pairs
            if missing:
                count = f"{len(missing)} of the run's {len(wanted)} pairs"
                yield f"{dataset}/{method}: {count} have no row{f' of {name}' if name else ''}, e.g. {min(missing)}"
                break


def _notes(opened: Pack) -> Iterator[str]:
    other = opened.scores[(opened.scores["task"] != "metrics") & (opened.scores["status"] == "ok")]
    for task, count in other["task"].value_counts(sort=False).items():
        yield f"{count} numbers of {task} cannot be computed again from a pack and are taken on trust"
    rows = opened.scores[opened.scores["task"] == "metrics"]
    for (dataset, method), table in rows.groupby(["dataset", "method"], sort=False):
        lost = sorted(set(table["pair"]) - set(table.loc[table["status"] == "ok", "pair"]) - {""})
        if lost:
            yield f"{dataset}/{method}: failed on {len(lost)} pairs, e.g. {lost[0]}; its means are over the others"


def _sources(opened: Pack, data_root: Path | None, datasets_file: Path | None, name: str) -> dict[str, PairFiles]:
    """The verifier's own pairs of one data set, by name."""
    mapping = opened.manifest.config.get("ir_range")  # of deep infrared, as the run was told
    dataset = open_dataset(name, data_root, datasets_file, str(mapping or ""))
    split = opened.manifest.datasets[name].split or str(dataset.split)
    return {files.id: files for files in dataset.listing(split).pairs}


def _score_again(
    opened: Pack, sources: Mapping[str, PairFiles], key: tuple[str, str, str], fuse: Fuse | None
) -> tuple[int, float, list[str]]:
    """How many numbers were compared, the largest relative difference, and what is wrong."""
    from bench.data.pairs import pair_digest
    from bench.metrics.engine import PairScorer

    dataset, method, pair = key
    where = "/".join(key)
    if pair not in sources:
        raise BenchError(f"{where}: the pair is not in your copy of {dataset}; see bench data check {dataset}")
    known = opened.manifest.datasets[dataset].digests
    if pair in known and known[pair] != pair_digest(sources[pair]):
        raise BenchError(f"{where}: its sources differ from your copy of {dataset}; one of the two is not as published")
    wanted, denied = dict(_claimed(opened.scores, key)), set(_denied(opened.scores, key))
    conventions: dict[str, list[str]] = {}
    for convention, metric in [*wanted, *denied]:
        conventions.setdefault(convention, []).append(metric)
    files = read_pair(sources[pair])
    if fuse is None:
        image, tolerance = _decode(opened.image(dataset, method, pair), where), TOLERANCE
    else:
        image, tolerance = fuse(opened.manifest.methods[method], opened.manifest.seed, files), FUSED_TOLERANCE
    values = PairScorer(files.ir, files.vis, conventions).score(image)
    seen = {(value.convention, value.metric): value.value for value in values}
    differences = {name: _difference(claim, seen.get(name)) for name, claim in wanted.items()}
    wrong = [
        f"{where}: {name[1]} ({name[0]}) is said to be {wanted[name]:.10g}, but is {_shown(seen.get(name))}"
        for name, difference in differences.items()
        if not difference <= tolerance
    ]
    wrong += [
        f"{where}: {name[1]} ({name[0]}) is said to have no value, but is {_shown(seen.get(name))}"
        for name in sorted(denied)
        if seen.get(name) is not None
    ]
    return len(wanted), max(differences.values(), default=0.0), wrong


def _claimed(scores: pd.DataFrame, key: tuple[str, str, str]) -> Iterator[tuple[tuple[str, str], float]]:
    rows = _of_image(scores, key)
    rows = rows[rows["status"] == "ok"]
    for convention, metric, value in zip(rows["convention"], rows["metric"], rows["value"], strict=True):
        yield (convention, metric), float(value)


def _denied(scores: pd.DataFrame, key: tuple[str, str, str]) -> Iterator[tuple[str, str]]:
    """The numbers that an image is said not to have."""
    rows = _of_image(scores, key)
    rows = rows[(rows["status"] != "ok") & (rows["metric"] != "")]
    yield from zip(rows["convention"], rows["metric"], strict=True)


def _of_image(scores: pd.DataFrame, key: tuple[str, str, str]) -> pd.DataFrame:
    rows = scores[scores["task"] == "metrics"]
    for column, name in zip(("dataset", "method", "pair"), key, strict=True):
        rows = rows[rows[column] == name]
    return rows


def _difference(claim: float, value: float | None) -> float:
    return math.inf if value is None else abs(claim - value) / max(1.0, abs(value))


def _shown(value: float | None) -> str:
    return "not defined for this image" if value is None else f"{value:.10g}"


def _decode(data: bytes, where: str) -> Image:
    """A fused image from a stranger, by the same checks as any file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fused.png"
        path.write_bytes(data)
        try:
            return read_image(path)
        except BenchError as error:
            raise BenchError(f"{where}: {str(error).replace(str(path), 'its image')}") from error
