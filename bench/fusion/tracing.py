"""Modules traced to graphs of two inputs, of one size or of any; what cannot be traced is refused by its operator."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.errors import BenchError
from bench.machine import quiet_libraries

OPSET = 18
"""Of ONNX files."""

LARGEST = 16384
"""Pixels a side that a file of any size is traced for."""

SMALLEST = 8
"""Pixels a side at least, so that no axis of length 1 is taken for one that is broadcast."""

_OPERATORS = (
    re.compile(r"(?:aten|prims)[.:]+\w+(?:\.\w+)?"), re.compile(r"implementation for (\w+)\("),
    re.compile(r"-- (\w+?)-\d+ with a message"),
)  # fmt: skip
"""How PyTorch, ONNX Runtime and OpenVINO name what they lack."""


def trace(
    module: nn.Module, inputs: tuple[Tensor, ...], dynamic: Sequence[int] | None, smallest: int = 1, multiple: int = 1
) -> Any:
    """A module as a ``torch.export`` program.

    Args:
        module: in eval mode.
        inputs: an example; two inputs must differ, since one tensor given twice becomes one input.
        dynamic: axes of height and width of every input that stay free; None fixes the example's size.
        smallest: pixels a side that the method can do with.
        multiple: of which height and width are.

    Raises:
        BenchError: it cannot be traced; names the operator, or what depends on values.
    """
    shapes = None
    if dynamic is not None:
        least, most = -(-max(SMALLEST, smallest) // multiple), LARGEST // multiple
        sides: list[Any] = [torch.export.Dim(name, min=max(least, 2), max=most) for name in ("height", "width")]
        sides = [multiple * side for side in sides] if multiple > 1 else sides
        shapes = tuple(dict(zip(dynamic, sides, strict=True)) for _ in inputs)
    try:
        with quiet_libraries(), torch.no_grad():
            return torch.export.export(module, inputs, dynamic_shapes=shapes, strict=False)
    except Exception as error:  # whatever the tracer raises is about the module
        free = "" if dynamic is None else "; a fixed --size HxW may do"
        raise BenchError(f"cannot be traced: {reason_of(error)}{free}") from error


def write_onnx(program: Any, path: Path, names: Sequence[str], output: str, metadata: dict[str, str]) -> None:
    """Writes a program as one ONNX file.

    Args:
        program: of ``trace``.
        path: the file.
        names: of the inputs.
        output: name of the output.
        metadata: kept in the file.

    Raises:
        BenchError: an operator has no counterpart in ONNX; names it.
    """
    try:
        with quiet_libraries():
            found = torch.onnx.export(
                program, input_names=list(names), output_names=[output], dynamo=True, verbose=False, opset_version=OPSET
            )
    except Exception as error:
        raise BenchError(f"has no form in ONNX: {reason_of(error)}") from error
    if found is None:
        raise BenchError("has no form in ONNX: the exporter gave nothing")
    found.model.metadata_props.update(metadata)
    found.save(path, external_data=False)


def reason_of(error: BaseException) -> str:
    """The operators that an exporter's error or one of its causes names; else its first line."""
    texts, each = [], error
    cause: BaseException | None = each
    while cause is not None:
        texts.append(str(cause))
        cause = cause.__cause__ or cause.__context__
    for text in texts:
        if names := dict.fromkeys(name for pattern in _OPERATORS for name in pattern.findall(text)):
            return f"operator {', '.join(list(names)[:3])} is missing"
    if sides := re.search(r"Constraints violated \(([^)]*)\)", texts[0]):
        return f"how many parts it works in hangs on the image's {sides[1].replace(', ', ' and ')}"
    if "data-dependent" in texts[0]:
        return "its code decides by values of the image"
    if guard := re.search(r"satisfy the generated guard (.*)", texts[0]):
        return f"its code decides by the image's size: {_in_sides(guard[1])}"
    line = next((line.strip() for line in texts[-1].splitlines() if line.strip()), type(error).__name__)
    return f"{type(error).__name__}: {line[:200]}"


def _in_sides(guard: str) -> str:
    """A tracer's condition on the shape of an input, with the sides' names."""
    for axis, name in ((0, "height"), (1, "width"), (2, "height"), (3, "width")):
        guard = re.sub(rf"L\['\w+'\]\.size\(\)\[{axis}\]", name, guard)
    return guard.strip(" .")[:120]
