"""One file that holds a method with its reading and writing of images, and what it gives beside the harness."""

from __future__ import annotations

import itertools
import json
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch

from bench.colour import luma_uint8, resize
from bench.data.catalogue import Dataset, open_dataset
from bench.data.folders import open_folders
from bench.data.pairs import read_pair
from bench.data.spec import TRAIN
from bench.errors import BenchError
from bench.files import VERSION, file_digest
from bench.fusion.deploy import OPENERS, Format, Network, require
from bench.fusion.harness import Fuser
from bench.fusion.quantise import quantise_onnx
from bench.fusion.subject import random_pair
from bench.fusion.traced import TracedFuser
from bench.fusion.tracing import reason_of, trace, write_onnx
from bench.images import as_rgb
from bench.metrics import evaluate
from bench.plugin.kinds import METHODS
from bench.plugin.method import Method, torch_dtype
from bench.types import Image, PairFiles, Way
from bench.weights.find import Resolved, resolve

ENDINGS: dict[str, str] = {"onnx": ".onnx", "openvino": ".xml", "torch": ".pt2"}
"""Format -> ending of its file; OpenVINO keeps the weights beside its own, in one that ends in ``.bin``."""

EXAMPLE = (72, 88)
"""Height and width that a file of any size is traced with."""

CALIBRATION = 8
"""Pairs that the ranges of int8 are measured on; none of them is checked."""

Shape = Literal["own", "odd", "turned"]
SHAPES: tuple[Shape, ...] = get_args(Shape)
"""What a file for any size is checked with in turn: code that decides by the size may leave no trace but its images."""

SIX = ("EN", "MI", "VIF", "SF", "SD", "Qabf")

Precision = Literal["fp32", "fp16", "int8"]


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What is to be exported.

    Attributes:
        method: ``NAME`` or ``NAME:VARIANT``.
        form: of the file.
        out: the file; a missing ending is added.
        size: height and width; None for any.
        precision: of the networks; reading and writing are float32 always.
        way: how images are read and written.
        dataset: whose pairs the file is checked on.
        ir: folder of infrared images, in the place of ``dataset``.
        vis: folder of visible images.
        limit: pairs checked.
        data_root: of the data set.
        weights_root: of published weights.
    """

    method: str
    form: Format
    out: Path
    size: tuple[int, int] | None = None
    precision: Precision = "fp32"
    way: Way = "published"
    dataset: str = "demo"
    ir: Path | None = None
    vis: Path | None = None
    limit: int = 4
    data_root: Path | None = None
    weights_root: Path | None = None


@dataclass(frozen=True, slots=True)
class PairCheck:
    """One pair by the file and by the harness.

    Attributes:
        pair: its name.
        largest: difference of any channel of any pixel, in grey levels.
        changed: share of pixels of which any channel differs.
        psnr: of the file's image, the harness's being right; decibels, infinite where they are equal.
        metrics: each of the six metrics of the file's image less that of the harness's; none for small images.
    """

    pair: str
    largest: int
    changed: float
    psnr: float
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        path: the file.
        metadata: it holds.
        checks: of each pair.
    """

    path: Path
    metadata: dict[str, str]
    checks: list[PairCheck]


def export_method(order: ExportOrder, say: Callable[[str], None] = lambda _: None) -> Exported:
    """Writes the file, opens it again and compares it with the harness on real pairs.

    Raises:
        BenchError: a missing package, weights or pair, or an operator that the format lacks; names it.
    """
    require(order.form)
    if order.precision == "int8" and order.form == "torch":
        raise BenchError("int8 is not offered for torch, wanted --format onnx or openvino")
    cls = METHODS.get(order.method)
    return export_class(cls, resolve(cls, order.weights_root), order, say)


def export_class(
    cls: type[Method], resolved: Resolved, order: ExportOrder, say: Callable[[str], None] = lambda _: None
) -> Exported:
    """The same for a method's class, with its weights found.

    Raises:
        BenchError: no pair, or an operator that the format lacks.
    """
    order = replace(order, out=_with_ending(order.out, order.form))
    fuser = Fuser(cls(resolved.path), way=order.way)
    checked, calibration = _pairs(order)
    metadata = describe_export(cls, resolved, order)
    say(f"tracing {cls.name}")
    _write(order, cls, resolved, metadata, [_images(files, order.size) for files in calibration])
    say(f"checking {order.out.name} on {len(checked)} pairs")
    try:
        network = OPENERS[order.form](order.out)
    except Exception as error:  # of another library, about this graph
        wide = " in float64" if torch_dtype(fuser.method) == torch.float64 else ""
        raise BenchError(
            f"{cls.name}: {order.out} is written, and cannot be run by {order.form}: {reason_of(error)}{wide}"
        ) from error
    checks = [
        check_pair(fuser, network, files, order.size, shape)
        for files, shape in zip(checked, itertools.cycle(SHAPES), strict=False)
    ]
    return Exported(order.out, metadata, checks)


def describe_export(cls: type[Method], resolved: Resolved, order: ExportOrder) -> dict[str, str]:
    """What the file says of itself, as text by name."""
    return {
        "name": cls.name + (f":{cls.variant}" if cls.variant else ""), "title": cls.info.title,
        "version": f"ivif-bench {VERSION}", "paper": cls.info.paper, "licence": cls.info.licence,
        "weights": ", ".join(f"{file['path']} sha256:{file['sha256']}" for file in resolved.files),
        "weights_digest": file_digest(resolved.path) if resolved.path else "",
        "way": order.way, "precision": order.precision,
        "size": "any" if order.size is None else f"{order.size[0]}x{order.size[1]}",
        "inputs": "ir uint8 (H, W); vis uint8 (H, W, 3) RGB", "outputs": "fused uint8 (H, W, 3) RGB",
    }  # fmt: skip


def check_pair(
    fuser: Fuser, network: Network, files: PairFiles, size: tuple[int, int] | None = None, shape: Shape = "own"
) -> PairCheck:
    """Compares one pair's image by the file and by the harness.

    Args:
        fuser: the method in the harness.
        network: the file, opened.
        files: the pair.
        size: that the file is made for; None for any.
        shape: of a file for any size: the pair's own, one of odd sides, or with height and width exchanged.

    Raises:
        BenchError: the file does not take this size.
    """
    if size is None and shape != "own":
        height, width = read_pair(files).vis.shape[:2]
        size = (width, height) if shape == "turned" else (height - 1 + height % 2, width - 1 + width % 2)
    ir, vis = _images(files, size)
    wanted, name = fuser.fuse_pair(ir, vis), f"{files.id} {vis.shape[1]}x{vis.shape[0]}"
    try:
        seen = network(ir, vis)
    except Exception as error:  # of another library, about this size
        raise BenchError(f"{fuser.method.name}: the file does not take {name}: {reason_of(error)}") from error
    return compare_images(name, ir, vis, wanted, seen)


def compare_images(pair: str, ir: Image, vis: Image, wanted: Image, seen: Image) -> PairCheck:
    """Differences of two fused images of a pair, and of the metrics that they get."""
    difference = np.abs(seen.astype(np.int16) - wanted)
    error = float(np.square(difference, dtype=np.float64).mean())
    metrics: dict[str, float] = {}
    if error and min(vis.shape[:2]) >= EXAMPLE[0]:
        new, old = (evaluate(ir, vis, image, metrics=SIX) for image in (seen, wanted))
        metrics = {name: new[name] - old[name] for name in SIX}
    elif not error:
        metrics = dict.fromkeys(SIX, 0.0)
    psnr = 10 * math.log10(255**2 / error) if error else math.inf
    return PairCheck(pair, int(difference.max()), float(difference.any(axis=2).mean()), psnr, metrics)


# ------------------------------------------------------------------ pairs


def _pairs(order: ExportOrder) -> tuple[list[PairFiles], list[PairFiles]]:
    """Pairs to check, and others to measure ranges on where int8 needs them."""
    bare = order.ir is not None or order.vis is not None
    dataset = open_folders(order.ir, order.vis) if bare else open_dataset(order.dataset, order.data_root)
    wanted = order.limit + (CALIBRATION if order.precision == "int8" else 0)
    pairs = list(dataset.listing(limit=wanted).pairs)
    if not pairs:
        raise BenchError(f"{dataset.name}: no pair to check the file on; `bench data check {dataset.name}` says why")
    if order.precision != "int8":
        return pairs, []
    return _apart(order, dataset, pairs)


def _apart(order: ExportOrder, dataset: Dataset, pairs: list[PairFiles]) -> tuple[list[PairFiles], list[PairFiles]]:
    try:
        training = list(dataset.listing(TRAIN, limit=CALIBRATION).pairs) if dataset.has_split(TRAIN) else []
    except BenchError:  # listed and not on this disk
        training = []
    if training and dataset.split != TRAIN:
        return pairs[: order.limit], training
    if len(pairs) < 2:
        raise BenchError(f"{dataset.name}: one pair, wanted at least one to calibrate on and another to check")
    count = min(order.limit, len(pairs) // 2)
    return pairs[:count], pairs[count:]


def _images(files: PairFiles, size: tuple[int, int] | None) -> tuple[Image, Image]:
    """A pair as a file takes it: infrared of one channel, visible of three, at its size."""
    pair = read_pair(files)
    ir, vis = luma_uint8(pair.ir), as_rgb(pair.vis)
    if size is not None and vis.shape[:2] != size:
        ir, vis = resize(ir, size, "pillow"), resize(vis, size, "pillow")
    return np.ascontiguousarray(ir), np.ascontiguousarray(vis)


# ------------------------------------------------------------------ files


def _write(
    order: ExportOrder, cls: type[Method], resolved: Resolved, metadata: dict[str, str],
    calibration: Sequence[tuple[Image, Image]],
) -> None:  # fmt: skip
    # networks of float16 are not those of the harness, which the file is compared with
    fuser = Fuser(cls(resolved.path), way=order.way)
    fuser.use_layout(torch.contiguous_format)
    module = TracedFuser(fuser, half=order.precision == "fp16" and order.form != "openvino").eval()
    size = order.size or (max(EXAMPLE[0], cls.smallest), max(EXAMPLE[1], cls.smallest))
    example = tuple(torch.from_numpy(image) for image in random_pair(size, 0))
    order.out.parent.mkdir(parents=True, exist_ok=True)
    try:
        program = trace(module, example, None if order.size else (0, 1), cls.smallest)
        with tempfile.TemporaryDirectory(prefix=".", dir=order.out.parent) as folder:
            WRITERS[order.form](program, Path(folder), order, metadata, calibration)
    except BenchError as error:
        raise BenchError(f"{cls.name} {error}") from error


def _write_torch(program: Any, folder: Path, order: ExportOrder, metadata: dict[str, str], _: object) -> None:
    path = folder / order.out.name
    torch.export.save(program, path, extra_files={"metadata.json": json.dumps(metadata)})
    path.replace(order.out)


def _write_onnx(
    program: Any, folder: Path, order: ExportOrder, metadata: dict[str, str],
    calibration: Sequence[tuple[Image, Image]],
) -> None:  # fmt: skip
    path = folder / order.out.name
    write_onnx(program, path, ("ir", "vis"), "fused", metadata)
    if order.precision == "int8":
        quantise_onnx(path, calibration, order.form == "openvino")
    path.replace(order.out)


def _write_openvino(
    program: Any, folder: Path, order: ExportOrder, metadata: dict[str, str],
    calibration: Sequence[tuple[Image, Image]],
) -> None:  # fmt: skip
    import openvino

    own = replace(order, out=folder / "model.onnx")
    _write_onnx(program, folder, own, metadata, calibration)
    try:
        model = openvino.convert_model(own.out)
    except Exception as error:
        raise BenchError(f"has no form in OpenVINO: {reason_of(error)}") from error
    for name, text in metadata.items():
        model.set_rt_info(text, ["ivif_bench", name])
    path = folder / order.out.name
    openvino.save_model(model, path, compress_to_fp16=order.precision == "fp16")
    path.with_suffix(".bin").replace(order.out.with_suffix(".bin"))
    path.replace(order.out)


WRITERS: dict[str, Callable[..., None]] = {"onnx": _write_onnx, "openvino": _write_openvino, "torch": _write_torch}
"""Format -> what writes its file, in a folder of its own first."""


def _with_ending(out: Path, form: Format) -> Path:
    ending = ENDINGS[form]
    if not out.suffix:
        return out.with_name(out.name + ending)
    if out.suffix != ending:
        raise BenchError(f"--out ends in {out.suffix}, wanted {ending} for --format {form}")
    return out
