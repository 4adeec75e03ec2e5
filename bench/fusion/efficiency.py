"""What a fusion method costs: time, parameters, operations and memory, on a named machine.

``latency_ms`` is the time of the method alone: tensors on the device in, tensor on the device out, synchronised, after
warm-up at that image size, one pair at a time. Reading and preparing (``data_ms``) and finishing, encoding and writing
(``write_ms``) are timed apart. Every row carries the machine in its ``reason``.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.data.pairs import read_pair
from bench.errors import BenchError, describe
from bench.files import write_atomic
from bench.fusion.compiling import compile_fuser, restore, synchronise
from bench.fusion.harness import Fuser, check_pair
from bench.fusion.load import REPEATS, Watch
from bench.fusion.operations import count_operations
from bench.fusion.peak import peak_memory
from bench.images import encode_png
from bench.machine import describe_machine
from bench.memory import retained_memory
from bench.plugin.settings import POSITIVE, read_number, refuse_unknown
from bench.types import Image, PairFiles, Score

WARM_UP = 2
"""Runs at each new image size before the clock starts, fewer once they have taken ``WARM_UP_S``."""

WARM_UP_S = 5.0

BUDGET_S = 120.0
"""Pairs are timed until this much time is spent (at least ``LEAST_PAIRS``); the mean then is over those."""

LEAST_PAIRS = 5

BATCH_SIZES = (2, 4, 8, 16, 32)
"""Tried beside single pairs."""

BATCH_LIMIT_S = 20.0
"""A batch is not tried if it can be expected to take longer."""

BATCH_GAIN = 1.02
"""Larger batches are not tried once doubling gains less than this factor."""

VARIANTS = ("plain", "fast_bf16", "compiled")
"""Other forms that can be timed beside the run's own: contiguous float32, bfloat16 where PyTorch holds it safe, and
``torch.compile``."""


OPTIONS = ("variants", "seconds", "passport", "sizes", "repeats")
"""Of ``--option efficiency.NAME=VALUE``; the last three are the latency passport's."""


@dataclass
class _Times:
    """Milliseconds of each timed pair, and the images of the first for comparison."""

    data: list[float] = field(default_factory=list)
    compute: dict[str, float] = field(default_factory=dict)
    write: list[float] = field(default_factory=list)
    image: Image | None = None
    load: str = ""


def measure(
    fuser: Fuser,
    files: Sequence[PairFiles],
    label: str = "",
    variants: Sequence[str] = (),
    budget_s: float = BUDGET_S,
) -> list[Score]:
    """Times one method on one part of a data set, in the form in which a run uses it, and in others if asked.

    Args:
        fuser: the method.
        files: pairs; unreadable ones become failed rows.
        label: the method's name in the rows; its own by default.
        variants: of ``VARIANTS``; their rows have the variant in ``convention`` and one more metric,
            ``max_difference``: the largest change of any channel of any pixel from the run's form, in grey levels.
        budget_s: seconds after which no further pair is timed.

    Returns:
        Rows of task ``efficiency``: ``latency_ms`` per pair; ``latency_ms_mean``, ``_std``, ``_median``, ``_p95``,
        ``images_per_second`` at the best batch size and that ``batch_size``, ``data_ms``, ``compute_ms``,
        ``write_ms``, ``params_M``, ``flops_G`` (two per multiply-add, at the most frequent image size) and
        ``peak_memory_MB`` of the data set.

    Raises:
        BenchError: no pairs, or an unknown variant.
    """
    if not files:
        raise BenchError("no pairs to time; check the data set and --limit")
    variants = _known(variants)
    row = row_of(fuser, files, label)
    rows: list[Score] = []
    with torch.no_grad():
        memory = _memory(fuser, files)
        with retained_memory():
            times, timed = _quietest(fuser, files, budget_s, row)
            rows += timed
            if times.compute:
                rows += _summary(row, times)
                rows += _static(fuser, files, row, memory)
                rows += _best_batch(fuser, files, times, row)
                for name in variants:
                    rows += _variant(fuser, files, name, budget_s, times, replace(row, convention=name))
    return rows


def row_of(fuser: Fuser, files: Sequence[PairFiles], label: str = "") -> Score:
    """A row without its number; it names the machine and the runtime."""
    machine = f"{machine_in_words(fuser.device)}, computed by {fuser.runtime}"
    return Score("efficiency", files[0].dataset, files[0].split, label or fuser.method.name, "", None, reason=machine)


def read_options(options: Mapping[str, str]) -> tuple[tuple[str, ...], float]:
    """Settings ``--option efficiency.variants=plain,fast_bf16,compiled`` and ``efficiency.seconds=120``.

    Returns:
        ``variants`` and ``budget_s`` of ``measure``.

    Raises:
        BenchError: an unknown setting, or a value that is none.
    """
    refuse_unknown("efficiency", options, OPTIONS)
    budget_s = read_number("option efficiency.seconds", options.get("seconds", str(BUDGET_S)), float, POSITIVE)
    variants = tuple(name.strip() for name in options.get("variants", "").split(",") if name.strip())
    return _known(variants), budget_s


def _known(variants: Sequence[str]) -> tuple[str, ...]:
    for name in variants:
        if name not in VARIANTS:
            raise BenchError(f"variant {name!r} is unknown, wanted some of {', '.join(VARIANTS)}")
    return tuple(variants)


def machine_in_words(device: torch.device) -> str:
    """What a device's timings were taken on, in one short line."""
    machine = describe_machine()
    if device.type == "cuda":
        return f"{machine.gpu}, driver {machine.driver or 'unknown'}, CUDA {machine.cuda}, torch {machine.torch}"
    return f"{machine.cpu}, {machine.cores} cores, {torch.get_num_threads()} threads, torch {machine.torch}"


# ------------------------------------------------------------------ time


def _quietest(fuser: Fuser, files: Sequence[PairFiles], budget_s: float, row: Score) -> tuple[_Times, list[Score]]:
    """Times the pairs, again where other work had a part in it; the last times are marked where it still had."""
    for _ in range(1 + REPEATS):
        rows: list[Score] = []
        times = _time_pairs(fuser, files, budget_s, row, rows)
        if not times.load:
            break
    return times, rows


def _marked(row: Score, times: _Times) -> Score:
    """The row with what is to be said of its time."""
    return replace(row, reason=f"{row.reason}; {times.load}") if times.load else row


def _time_pairs(fuser: Fuser, files: Sequence[PairFiles], budget_s: float, row: Score, rows: list[Score]) -> _Times:
    """Times pairs one by one; appends their rows."""
    times, watch = _Times(), Watch(fuser.device.type == "cpu")
    warm: set[tuple[int, ...]] = set()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bench-runtime-") as folder:
        for item in files:
            if len(times.compute) >= LEAST_PAIRS and time.perf_counter() - begin > budget_s:
                break
            try:
                value = _time_pair(fuser, item, times, warm, Path(folder), watch)
            except Exception as error:
                reason = describe(error)
                rows.append(replace(row, metric="latency_ms", pair=item.id, status="failed", reason=reason))
                continue
            rows.append(replace(row, metric="latency_ms", pair=item.id, value=value))
    times.load = watch.load().in_words() if times.compute else ""
    rows[:] = [_marked(each, times) if each.status == "ok" else each for each in rows]
    return times


def _time_pair(
    fuser: Fuser, item: PairFiles, times: _Times, warm: set[tuple[int, ...]], folder: Path, watch: Watch
) -> float:
    start = time.perf_counter()
    pair = read_pair(item)
    check_pair(pair.ir, pair.vis)
    images = [(pair.ir, pair.vis)]
    tensors = fuser.prepare(images)
    synchronise(fuser.device)
    data = _milliseconds(start)
    if pair.vis.shape[:2] not in warm:
        begin = time.perf_counter()
        for _ in range(WARM_UP):
            if time.perf_counter() - begin < WARM_UP_S:
                fuser.compute(*tensors)
        synchronise(fuser.device)
        warm.add(pair.vis.shape[:2])
    begun = watch.start()
    output = fuser.compute(*tensors)
    synchronise(fuser.device)
    compute = watch.stop(begun)
    start = time.perf_counter()
    image = fuser.finish(images, output)[0]
    write_atomic(folder / f"{item.id}.png", encode_png(image))
    times.write.append(_milliseconds(start))
    times.data.append(data)
    times.compute[item.id] = compute
    times.image = image if times.image is None else times.image
    return compute


def _milliseconds(start: float) -> float:
    return (time.perf_counter() - start) * 1000.0


def _summary(row: Score, times: _Times) -> Iterator[Score]:
    values = np.array(list(times.compute.values()))
    spread = float(values.std(ddof=1)) if values.size > 1 else 0.0
    for metric, value in (
        ("latency_ms_mean", values.mean()),
        ("latency_ms_std", spread),
        ("latency_ms_median", np.median(values)),
        ("latency_ms_p95", np.percentile(values, 95)),
        ("data_ms", np.mean(times.data)),
        ("compute_ms", values.mean()),
        ("write_ms", np.mean(times.write)),
    ):
        yield _marked(replace(row, metric=metric, value=float(value)), times)


# ------------------------------------------------------------------ throughput


def _best_batch(fuser: Fuser, files: Sequence[PairFiles], times: _Times, row: Score) -> Iterator[Score]:
    """Images per second of the method alone, at the batch size where that is largest; from the median of pairs."""
    tensors = _sample(fuser, files)
    best, best_size = 1000.0 / float(np.median(list(times.compute.values()))), 1
    for size in BATCH_SIZES if fuser.batchable else ():
        if size / best > BATCH_LIMIT_S:
            break
        try:
            rate = size / _seconds_of_batch(fuser, tensors, size)
        except (RuntimeError, MemoryError):  # out of memory: what was measured so far stands
            break
        if rate < best * BATCH_GAIN:
            break
        best, best_size = rate, size
    yield _marked(replace(row, metric="images_per_second", value=best), times)
    yield replace(row, metric="batch_size", value=float(best_size))


def _seconds_of_batch(fuser: Fuser, tensors: tuple[Tensor, Tensor], size: int) -> float:
    """The shorter of two runs; the first also warms up."""
    ir, vis = (tensor.expand(size, *tensor.shape[1:]).contiguous(memory_format=fuser.layout) for tensor in tensors)
    seconds = []
    for _ in range(2):
        synchronise(fuser.device)
        start = time.perf_counter()
        fuser.compute(ir, vis)
        synchronise(fuser.device)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _sample(fuser: Fuser, files: Sequence[PairFiles]) -> tuple[Tensor, Tensor]:
    """A prepared pair of the most frequent image size among the first readable ones."""
    images: dict[tuple[int, ...], tuple[Image, Image]] = {}
    sizes: Counter[tuple[int, ...]] = Counter()
    for item in files[: 2 * LEAST_PAIRS]:
        try:
            pair = read_pair(item)
            check_pair(pair.ir, pair.vis)
        except BenchError:
            continue
        sizes[pair.vis.shape[:2]] += 1
        images.setdefault(pair.vis.shape[:2], (pair.ir, pair.vis))
    if not sizes:
        raise BenchError(f"none of the first {2 * LEAST_PAIRS} pairs can be read; `bench data check` names the files")
    return fuser.prepare([images[sizes.most_common(1)[0][0]]])


# ------------------------------------------------------------------ parameters, operations, memory


def _static(fuser: Fuser, files: Sequence[PairFiles], row: Score, memory: float | None) -> Iterator[Score]:
    modules = fuser.method.modules().values()
    parameters = {id(p): p.numel() for module in modules for p in module.parameters()}
    yield replace(row, metric="params_M", value=sum(parameters.values()) / 1e6)
    tensors = _sample(fuser, files)
    flops, why = count_operations(lambda: fuser.compute(*tensors), fuser.method.info.kind != "learned")
    if flops is None:
        yield replace(row, metric="flops_G", status="skipped", reason=why)
    else:
        yield replace(row, metric="flops_G", value=flops / 1e9)
    if memory is None:
        yield replace(row, metric="peak_memory_MB", status="skipped", reason="no pair could be fused")
    else:
        yield replace(row, metric="peak_memory_MB", value=memory)


def _memory(fuser: Fuser, files: Sequence[PairFiles]) -> float | None:
    try:
        return peak_memory(fuser, _sample(fuser, files))
    except Exception:  # the timing that follows says what is wrong with each pair
        return None


# ------------------------------------------------------------------ variants


def _variant(
    fuser: Fuser, files: Sequence[PairFiles], name: str, budget_s: float, base: _Times, row: Score
) -> list[Score]:
    """The same method in another form, on the pairs that were timed, and what the form changes in their images."""
    rows: list[Score] = []
    originals = fuser.method.modules()
    precision = fuser.precision
    timed = [item for item in files if item.id in base.compute]
    try:
        if name == "compiled":
            seconds, reason = compile_fuser(fuser, _sample(fuser, files))
            if reason:
                return [replace(row, metric="latency_ms_mean", status="skipped", reason=reason)]
            rows.append(replace(row, metric="compile_s", value=seconds))
        elif name == "fast_bf16":
            fuser.precision = "fast"
        elif name == "plain":
            fuser.use_layout(torch.contiguous_format)
        changed = _images(fuser, timed[:LEAST_PAIRS])
        times, again = _quietest(fuser, timed, budget_s, row)
        rows += again
    finally:
        fuser.precision = precision
        restore(fuser, originals)
        fuser.use_layout(torch.channels_last)
    reference = _images(fuser, timed[:LEAST_PAIRS])
    largest = max(
        (int(np.abs(a.astype(int) - b.astype(int)).max()) for a, b in zip(changed, reference, strict=True)), default=0
    )
    rows.append(replace(row, metric="max_difference", value=float(largest)))
    return [*rows, *(_summary(row, times) if times.compute else ())]


def _images(fuser: Fuser, files: Sequence[PairFiles]) -> list[Image]:
    pairs = [read_pair(item) for item in files]
    return [fuser.fuse_pair(pair.ir, pair.vis) for pair in pairs]
