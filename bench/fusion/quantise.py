"""Post-training quantisation: convolutions and matrix products in int8, with ranges measured on a calibration part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from bench.errors import BenchError
from bench.machine import quiet_libraries

Array = NDArray[Any]

OPERATORS = ("Conv", "ConvTranspose", "MatMul", "Gemm")
"""Computed in int8; all else, reading and writing of images among it, stays in float32."""


def quantise_onnx(path: Path, calibration: Sequence[tuple[Array, Array]]) -> None:
    """Replaces an ONNX file of float32 by one that computes in int8, weights by channel, activations by tensor.

    Args:
        path: takes ``ir`` and ``vis``.
        calibration: inputs that minima and maxima of activations are measured on.

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
    plain = path.with_suffix(".float.onnx")
    path.replace(plain)
    with quiet_libraries():  # it advises to prepare the file, on the root logger
        quantize_static(
            plain, path, Reader(), quant_format=QuantFormat.QDQ, op_types_to_quantize=list(OPERATORS), per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
    plain.unlink()
    written = onnx.load(path)
    onnx.helper.set_model_props(written, metadata)
    onnx.save(written, path)
