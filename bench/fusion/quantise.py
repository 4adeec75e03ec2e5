"""Post-training quantisation: convolutions and matrix products in int8, with ranges measured on a calibration part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.machine import quiet_libraries

Array = NDArray[Any]

OPERATORS = ("Conv", "ConvTranspose", "MatMul", "Gemm")
"""Computed in int8; all else, reading and writing of images among it, stays in float32."""


JOINS = "Concat"
"""Joins what goes into such an operator, in int8 too: all that is joined has one range."""


def quantise_onnx(path: Path, calibration: Sequence[tuple[Array, Array]], fused: bool = False) -> None:
    """Replaces an ONNX file of float32 by one that computes in int8, weights by channel, activations by tensor.

    Args:
        path: takes ``ir`` and ``vis``.
        calibration: inputs that minima and maxima of activations are measured on.
        fused: for OpenVINO, which takes a convolution and the activation behind it together and joins in int8: results
            are quantised behind the activation, and what is joined alike. ONNX Runtime wants every result quantised.

    Raises:
        BenchError: no pair, or nothing to quantise.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    if not calibration:
        raise BenchError("int8 needs pairs to calibrate on; give --dataset or --ir and --vis")

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.pairs: Iterator[tuple[Array, Array]] = iter(calibration)

        def get_next(self) -> dict[str, Any] | None:
            pair = next(self.pairs, None)
            return None if pair is None else {"ir": pair[0], "vis": pair[1]}

    model = onnx.load(path)
    if not any(node.op_type in OPERATORS for node in model.graph.node):
        raise BenchError(f"has nothing to compute in int8: none of {', '.join(OPERATORS)} is among its operators")
    metadata = {each.key: each.value for each in model.metadata_props}
    joined = _joined(model.graph) if fused else {}
    joins = [node for node in model.graph.node if node.op_type == JOINS]
    settings = {"OpTypesToExcludeOutputQuantization": [*OPERATORS, JOINS], "QuantizeBias": False}
    plain = path.with_suffix(".float.onnx")
    path.replace(plain)
    with quiet_libraries():  # it advises to prepare the file, on the root logger
        quantize_static(
            plain, path, Reader(), quant_format=QuantFormat.QDQ, op_types_to_quantize=[*OPERATORS, JOINS],
            nodes_to_exclude=[node.name for node in joins if node.output[0] not in joined],
            per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            extra_options=settings | {"TensorQuantOverrides": _ranges(plain, joined, Reader())} if fused else {},
        )  # fmt: skip
    plain.unlink()
    written = onnx.load(path)
    _leave_joined(written.graph, joined)
    onnx.helper.set_model_props(written, metadata)
    onnx.save(written, path)


def _joined(graph: Any) -> dict[str, str]:
    """What is joined and goes into an operator of ``OPERATORS``, and each of its parts -> one name for all of them."""
    wanted = {node.input[0] for node in graph.node if node.op_type in OPERATORS}
    constants, joins = {each.name for each in graph.initializer}, []
    for node in reversed(graph.node):
        if node.op_type == JOINS and node.output[0] in wanted and not constants & {*node.input}:
            wanted.update(node.input)
            joins.append(node)
    named: dict[str, str] = {}
    for node in joins:
        own = {node.output[0], *node.input}
        known = {named[each] for each in own if each in named}
        for each in [*own, *(each for each, name in named.items() if name in known)]:
            named[each] = node.output[0]
    return named


def _ranges(path: Path, joined: Mapping[str, str], reader: Any) -> dict[str, list[dict[str, Any]]]:
    """One range for all that is joined, in the form of ONNX Runtime's overrides."""
    from onnxruntime.quantization import CalibrationMethod, create_calibrator

    if not joined:
        return {}
    measuring = path.with_suffix(".measuring.onnx")
    calibrator = create_calibrator(
        path, [*OPERATORS, JOINS], augmented_model_path=measuring, calibrate_method=CalibrationMethod.MinMax
    )
    calibrator.collect_data(reader)
    seen = {name: data.range_value for name, data in calibrator.compute_data().data.items() if name in joined}
    measuring.unlink()
    low, high = dict.fromkeys(joined.values(), 0.0), dict.fromkeys(joined.values(), 0.0)
    for name, (least, most) in seen.items():
        low[joined[name]] = min(low[joined[name]], float(np.min(least)))
        high[joined[name]] = max(high[joined[name]], float(np.max(most)))
    return {name: [{"rmin": np.float32(low[group]), "rmax": np.float32(high[group])}] for name, group in joined.items()}


def _leave_joined(graph: Any, joined: Mapping[str, str]) -> None:
    """Takes out the quantising of what was joined of parts quantised alike: it changes nothing, and costs a pass."""
    joins = {node.output[0] for node in graph.node if node.op_type == JOINS and node.output[0] in joined}
    quantised = {
        node.output[0]: node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] in joins
    }
    ended = {
        node.output[0]: quantised[node.input[0]].input[0]
        for node in graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in quantised
    }
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = ended.get(name, name)
    kept = [node for node in graph.node if not {*node.output} & {*quantised, *ended}]
    del graph.node[:]
    graph.node.extend(kept)
