"""The forms that a method's network can be timed in: runtimes and precisions, each put in and taken out again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from torch import Tensor

from bench.errors import BenchError
from bench.fusion.compiling import compile_fuser, restore
from bench.fusion.deploy import Network, open_onnx, open_openvino, require
from bench.fusion.harness import Fuser
from bench.fusion.quantise import quantise_onnx
from bench.fusion.runtime import TensorNetwork, convert, trace_network
from bench.fusion.tracing import write_onnx
from bench.fusion.winograd import WinogradNetwork
from bench.machine import FAST_INSTRUCTIONS, fast_instructions

Inputs = Sequence[tuple[Tensor, Tensor]]
"""Prepared pairs: of the sizes to be timed, and to measure the ranges of int8 on."""

RUN = "as_run"
"""The form that the run itself fuses in; all others are compared with it."""


def _as_run(_fuser: Fuser, _inputs: Inputs) -> None:
    """Stays as it is."""


def _torch(fuser: Fuser, _: Inputs) -> None:
    fuser.network, fuser.precision = None, "exact"


def _torch_bf16(fuser: Fuser, _: Inputs) -> None:
    fuser.network, fuser.precision = None, "fast"


def _compiled(fuser: Fuser, inputs: Inputs) -> None:
    fuser.network = None
    if reason := compile_fuser(fuser, inputs[0])[1]:
        raise BenchError(reason)
    for sample in inputs[1:]:
        fuser.compute(*sample)


def _winograd(fuser: Fuser, _: Inputs) -> None:
    fuser.network = WinogradNetwork(fuser.method)


def _openvino(precision: str, fuser: Fuser, _: Inputs) -> None:
    fuser.network = TensorNetwork(open_openvino(convert(fuser), precision))


def _onnx(opener: Callable[[Path], Network], int8: bool, fuser: Fuser, inputs: Inputs) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-network-") as folder:
        path = Path(folder) / "network.onnx"
        write_onnx(trace_network(fuser), path, ("ir", "vis"), "fused", {})
        if int8:
            quantise_onnx(path, [(ir.numpy(), vis.numpy()) for ir, vis in inputs], opener is open_openvino)
        fuser.network = TensorNetwork(opener(path))


FORMS: dict[str, Callable[[Fuser, Inputs], None]] = {
    RUN: _as_run,
    "torch": _torch,
    "torch_bf16": _torch_bf16,
    "compiled": _compiled,
    "winograd": _winograd,
    "onnx": partial(_onnx, open_onnx, False),
    "onnx_int8": partial(_onnx, open_onnx, True),
    "openvino": partial(_openvino, "f32"),
    "openvino_bf16": partial(_openvino, "bf16"),
    "openvino_int8": partial(_onnx, open_openvino, True),
}
"""Name -> what turns a fuser to it; float32 where the name does not say otherwise."""

NEEDED = {
    "onnx": ("onnx",), "onnx_int8": ("onnx",), "openvino": ("openvino_network",),
    "openvino_bf16": ("openvino_network",), "openvino_int8": ("onnx", "openvino_network"),
    "winograd": ("winograd_network",),
}  # fmt: skip


@contextmanager
def in_form(fuser: Fuser, form: str, inputs: Inputs) -> Iterator[None]:
    """Within it the fuser computes in a form.

    Args:
        fuser: as the run uses it before and after.
        form: of ``FORMS``.
        inputs: prepared pairs of the sizes to come; int8 measures its ranges on them.

    Raises:
        BenchError: the form is not offered here, and why.
    """
    _offered(fuser, form)
    modules, before = fuser.method.modules(), (fuser.network, fuser.precision)
    try:
        FORMS[form](fuser, inputs)
        yield
    finally:
        fuser.network, fuser.precision = before
        restore(fuser, modules)


def _offered(fuser: Fuser, form: str) -> None:
    for name in NEEDED.get(form, ()):
        require(name)
    if form == RUN:
        return
    if fuser.device.type == "cpu" and form.endswith(("bf16", "int8")) and not fast_instructions():
        raise BenchError(f"not offered here: the processor has none of {', '.join(FAST_INSTRUCTIONS)}")
    if form in NEEDED and fuser.device.type != "cpu":
        raise BenchError("not offered here: the runtimes are used on the CPU only")
    if not fuser.method.modules():
        raise BenchError("not offered here: the method holds no network")
