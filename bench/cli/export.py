"""``bench export``: a method as one file for other runtimes."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bench.cli import completion
from bench.cli.completion import one_of
from bench.cli.runs import DataRoot, WeightsRoot
from bench.cli.screen import fail, print_rows
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.fusion.export import PairCheck

Form = Literal["onnx", "openvino", "torch"]
Precision = Literal["fp32", "fp16", "int8"]

WITHIN = 1
"""Grey levels that a file of float32 may be off the harness."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(export)


def export(
    method: Annotated[
        str, typer.Argument(help="As in bench list methods.", autocompletion=one_of(completion.method_names))
    ],
    form: Annotated[Form, typer.Option("--format", help="What to write.")],
    out: Annotated[Path, typer.Option(help="The file: .onnx, .xml (with .bin beside it) or .pt2.")],
    size: Annotated[str, typer.Option(help="HxW, or dynamic: any size.")] = "dynamic",
    precision: Annotated[
        Precision, typer.Option(help="Of the networks; ranges of int8 are measured on the training part.")
    ] = "fp32",
    way: Annotated[Literal["published", "plain"], typer.Option(help="How images are read and written.")] = "published",
    dataset: Annotated[
        str, typer.Option(help="Whose pairs the file is checked on.", autocompletion=one_of(completion.datasets))
    ] = "demo",
    ir: Annotated[Path | None, typer.Option(help="Folder of infrared images, instead of --dataset.")] = None,
    vis: Annotated[Path | None, typer.Option(help="Folder of visible images.")] = None,
    limit: Annotated[int, typer.Option(help="Pairs that are checked.", min=3)] = 4,
    data_root: DataRoot = None,
    weights_root: WeightsRoot = None,
) -> None:
    """Write a method with its pre- and post-processing as one file, and compare it with the harness."""
    from bench.fusion.export import ExportOrder, export_method

    order = ExportOrder(
        method=method, form=form, out=out, size=parse_size(size), precision=precision, way=way, dataset=dataset,
        ir=ir, vis=vis, limit=limit, data_root=data_root, weights_root=weights_root,
    )  # fmt: skip
    made = export_method(order, lambda text: typer.echo(text, err=True))
    print_rows([_row(check) for check in made.checks])
    largest = max(check.largest for check in made.checks)
    typer.echo(f"{made.path}: at most {largest} levels from the harness on {len(made.checks)} pairs")
    if precision == "fp32" and largest > WITHIN:
        fail(f"{made.path}: {largest} levels from the harness, wanted at most {WITHIN}; do not use the file as it is")
        raise typer.Exit(1)


def parse_size(text: str) -> tuple[int, int] | None:
    """``HxW`` as height and width; None for ``dynamic``.

    >>> parse_size("480x640"), parse_size("dynamic")
    ((480, 640), None)

    Raises:
        BenchError: neither.
    """
    if text == "dynamic":
        return None
    found = re.fullmatch(r"([1-9]\d{0,4})[xX]([1-9]\d{0,4})", text)
    if not found:
        raise BenchError(f"--size is {text!r}, wanted HxW, e.g. 480x640, or dynamic")
    return int(found[1]), int(found[2])


def _row(check: PairCheck) -> dict[str, Any]:
    psnr = "equal" if math.isinf(check.psnr) else f"{check.psnr:.1f}"
    shares = {"pair": check.pair, "largest": check.largest, "changed %": f"{100 * check.changed:.4f}", "PSNR dB": psnr}
    return {**shares, **{f"d{name}": f"{value:+.1e}" for name, value in check.metrics.items()}}
