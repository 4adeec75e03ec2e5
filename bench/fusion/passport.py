"""The latency passport: what a pair takes from file to file in every runtime and precision, and what that changes.

One row, one number: ``convention`` is the form (``as_run``, ``openvino``...), ``label`` the image size. Each step has
its median and 95th percentile; a 99th percentile says little of fewer than 300 measurements and then is not given.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from bench.colour import resize
from bench.data.pairs import read_pair
from bench.errors import BenchError, describe
from bench.files import write_atomic
from bench.fusion.compiling import synchronise
from bench.fusion.energy import Meter, meter_of
from bench.fusion.export import SIX, PairCheck, compare_images
from bench.fusion.forms import FORMS, RUN, in_form
from bench.fusion.harness import Fuser
from bench.fusion.load import Watch
from bench.fusion.peak import peak_memory
from bench.images import encode_png
from bench.memory import retained_memory
from bench.plugin.settings import Limits, read_number
from bench.types import Image, PairFiles, Score

STEPS = ("read", "prepare", "infer", "finish", "write")
"""Of one pair: files to images, images to tensors, the method, tensor to image, image to a PNG."""

SIZES = ((480, 640), (768, 1024))
"""Height and width that pairs are resized to, unless told otherwise."""

REPEATS = 300
P99_FROM = 300
"""Measurements from which on a 99th percentile is given."""

PAIRS = 4
"""Different pairs that are timed in turn, and compared."""

WARM_UP = 3
"""Pairs before the clock starts."""


@dataclass(frozen=True, slots=True)
class PassportOrder:
    """What is measured.

    Attributes:
        forms: of ``FORMS``; the run's own is always measured, first.
        sizes: height and width.
        repeats: measurements of a form at a size.
        seconds: after which it is content with fewer.
    """

    forms: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...] = SIZES
    repeats: int = REPEATS
    seconds: float = 120.0


def read_passport(options: Mapping[str, str], seconds: float) -> PassportOrder | None:
    """Settings ``efficiency.passport=all`` or forms by comma, ``.sizes=480x640,768x1024``, ``.repeats=300``.

    >>> read_passport({"passport": "openvino", "sizes": "48x64"}, 9.0)
    PassportOrder(forms=('openvino',), sizes=((48, 64),), repeats=300, seconds=9.0)

    Returns:
        None where no passport is asked for.

    Raises:
        BenchError: an unknown form, or a size or number that is none.
    """
    text = options.get("passport", "")
    if not text:
        return None
    forms = tuple(FORMS) if text == "all" else tuple(name.strip() for name in text.split(",") if name.strip())
    for form in forms:
        if form not in FORMS:
            raise BenchError(f"option efficiency.passport: form {form!r} is unknown, wanted all, {', '.join(FORMS)}")
    sizes = tuple(_size(each) for each in options["sizes"].split(",")) if "sizes" in options else SIZES
    repeats = read_number("option efficiency.repeats", options.get("repeats", str(REPEATS)), int, Limits(2))
    return PassportOrder(tuple(form for form in forms if form != RUN), sizes, int(repeats), seconds)


def _size(text: str) -> tuple[int, int]:
    height, _, width = (side.strip() for side in text.partition("x"))
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise BenchError(f"option efficiency.sizes has {text!r}, wanted HxW by comma, e.g. 480x640,768x1024")
    return int(height), int(width)


def passport(
    fuser: Fuser, files: Sequence[PairFiles], row: Score, order: PassportOrder, meter: Meter | None = None
) -> Iterator[Score]:
    """Measures every form at every size.

    Args:
        fuser: as the run uses it.
        files: pairs; the first readable ones are resized.
        row: with task, data set, part and label; its ``reason`` names the machine.
        order: what is measured.
        meter: of energy; the machine's own by default.

    Yields:
        ``STEP_ms_median``, ``_p95``, ``_p99`` of each step and of ``total``, ``pairs_per_second``, ``measurements``,
        ``peak_MB``, ``energy_J`` a pair; of other forms than the run's also ``changed_levels``, ``changed_share``,
        ``psnr_dB`` and ``change_METRIC``. A form that is not offered has one row, skipped with the reason.
    """
    meter = meter or meter_of(fuser.device)
    with tempfile.TemporaryDirectory(prefix="bench-passport-") as folder, torch.no_grad(), retained_memory():
        made = {size: _at_size(files, size, Path(folder)) for size in order.sizes}
        wanted = {size: [_fused(fuser, item) for item in pairs] for size, pairs in made.items()}
        inputs = [fuser.prepare([_read(pairs[0])]) for pairs in made.values()]
        for form in (RUN, *order.forms):
            own = replace(row, convention=form)
            try:
                with in_form(fuser, form, inputs):
                    for size, pairs in made.items():
                        sized = replace(own, label=f"{size[1]}x{size[0]}")
                        if form != RUN:
                            yield from _changes(fuser, pairs, wanted[size], sized)
                        yield from _measured(fuser, pairs, sized, order, meter, Path(folder))
            except Exception as error:  # one form that fails says nothing about the others
                yield replace(own, metric="infer_ms_median", status="skipped", reason=describe(error))


# ------------------------------------------------------------------ pairs


def _at_size(files: Sequence[PairFiles], size: tuple[int, int], folder: Path) -> list[PairFiles]:
    """Some pairs written at one size; reading them is then part of what is timed."""
    made: list[PairFiles] = []
    for item in files[: 2 * PAIRS]:
        try:
            pair = read_pair(item)
        except BenchError:
            continue
        paths = [folder / f"{len(made)}-{size[0]}x{size[1]}-{part}.png" for part in ("ir", "vis")]
        for path, image in zip(paths, (pair.ir, pair.vis), strict=True):
            path.write_bytes(encode_png(resize(np.ascontiguousarray(image), size, "pillow")))
        made.append(PairFiles(item.dataset, item.split, item.id, ir_path=paths[0], vis_path=paths[1]))
        if len(made) == PAIRS:
            break
    if not made:
        raise BenchError(f"none of the first {2 * PAIRS} pairs can be read; `bench data check` names the files")
    return made


def _read(item: PairFiles) -> tuple[Image, Image]:
    pair = read_pair(item)
    return pair.ir, pair.vis


def _fused(fuser: Fuser, item: PairFiles) -> Image:
    return fuser.fuse_pair(*_read(item))


def _changes(fuser: Fuser, pairs: Sequence[PairFiles], wanted: Sequence[Image], row: Score) -> Iterator[Score]:
    """What a form changes in the images, on average; the largest difference of any pixel."""
    checks: list[PairCheck] = []
    for item, image in zip(pairs, wanted, strict=True):
        ir, vis = _read(item)
        checks.append(compare_images(item.id, ir, vis, image, fuser.fuse_pair(ir, vis)))
    yield replace(row, metric="changed_levels", value=float(max(check.largest for check in checks)))
    yield replace(row, metric="changed_share", value=float(np.mean([check.changed for check in checks])))
    finite = [check.psnr for check in checks if np.isfinite(check.psnr)]
    if finite:
        yield replace(row, metric="psnr_dB", value=float(np.mean(finite)))
    for name in SIX if all(check.metrics for check in checks) else ():
        yield replace(row, metric=f"change_{name}", value=float(np.mean([check.metrics[name] for check in checks])))


# ------------------------------------------------------------------ time


@dataclass
class _Steps:
    """Milliseconds of each step, measurement by measurement."""

    times: dict[str, list[float]] = field(default_factory=lambda: {step: [] for step in (*STEPS, "total")})

    def add(self, marks: Sequence[float]) -> None:
        for step, first, last in zip(STEPS, marks[:-1], marks[1:], strict=True):
            self.times[step].append((last - first) * 1000.0)
        self.times["total"].append((marks[-1] - marks[0]) * 1000.0)

    def __len__(self) -> int:
        return len(self.times["total"])


def _measured(
    fuser: Fuser, pairs: Sequence[PairFiles], row: Score, order: PassportOrder, meter: Meter, folder: Path
) -> Iterator[Score]:
    out = folder / "fused.png"
    for item in pairs[:WARM_UP]:
        _once(fuser, item, out)
    memory = peak_memory(fuser, fuser.prepare([_read(pairs[0])]))
    steps, watch = _Steps(), Watch(fuser.device.type == "cpu")
    begin = time.perf_counter()
    meter.start()
    clocks = watch.start()
    for item in itertools.islice(itertools.cycle(pairs), order.repeats):
        steps.add(_once(fuser, item, out))
        if len(steps) > 1 and time.perf_counter() - begin > order.seconds:
            break
    watch.stop(clocks)
    joules = meter.stop()
    load = watch.load().in_words()
    marked = replace(row, reason=f"{row.reason}; {load}") if load else row
    yield from _percentiles(steps, marked)
    yield replace(marked, metric="pairs_per_second", value=1000.0 / float(np.mean(steps.times["total"])))
    yield replace(row, metric="measurements", value=float(len(steps)))
    yield replace(row, metric="peak_MB", value=memory)
    if joules is None:
        text = "this machine does not tell its energy (no RAPL that may be read, no NVML)"
        yield replace(row, metric="energy_J", status="skipped", reason=text)
    else:
        yield replace(marked, metric="energy_J", value=joules / len(steps))


def _once(fuser: Fuser, item: PairFiles, out: Path) -> list[float]:
    """The clock before and after each step of one pair."""
    marks = [time.perf_counter()]
    images = [_read(item)]
    marks.append(time.perf_counter())
    tensors = fuser.prepare(images)
    synchronise(fuser.device)
    marks.append(time.perf_counter())
    output = fuser.compute(*tensors)
    synchronise(fuser.device)
    marks.append(time.perf_counter())
    image = fuser.finish(images, output)[0]
    marks.append(time.perf_counter())
    write_atomic(out, encode_png(image))
    marks.append(time.perf_counter())
    return marks


def _percentiles(steps: _Steps, row: Score) -> Iterator[Score]:
    for step, values in steps.times.items():
        yield replace(row, metric=f"{step}_ms_median", value=float(np.median(values)))
        yield replace(row, metric=f"{step}_ms_p95", value=float(np.percentile(values, 95)))
        if len(values) >= P99_FROM:
            yield replace(row, metric=f"{step}_ms_p99", value=float(np.percentile(values, 99)))
    if len(steps) < P99_FROM:
        text = f"{len(steps)} measurements, wanted {P99_FROM} for a 99th percentile; give efficiency.seconds more"
        yield replace(row, metric="total_ms_p99", status="skipped", reason=text)
