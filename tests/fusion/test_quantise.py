"""int8: what ONNX Runtime and OpenVINO each need to compute in it, and that both compute the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.errors import BenchError
from bench.fusion import deploy
from bench.fusion.quantise import quantise_onnx
from bench.fusion.tracing import trace, write_onnx

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")


class Dense(nn.Module):
    """Joins of joins of values of both signs, as dense blocks have them, and one that goes into no convolution."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head, self.first = nn.Conv2d(2, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
        self.second, self.mix = nn.Conv2d(32, 16, 3, padding=1), nn.Conv2d(48, 1, 1)

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        x = functional.leaky_relu(self.head(torch.cat([ir, vis], 1)), 0.2)
        y = torch.cat([x, functional.leaky_relu(self.first(x), 0.2)], 1)
        z = torch.cat([y, 3 * functional.leaky_relu(self.second(y), 0.2)], 1)
        return torch.cat([torch.sigmoid(self.mix(z)), 2 * vis - 0.3], 1)


def planes(seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    rough = torch.rand(2, 1, 1, 9, 11, generator=generator)
    ir, vis = (functional.interpolate(each, (72, 88), mode="bilinear") for each in rough)
    return ir, vis


@pytest.fixture(name="written", scope="module")
def _written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Path]:
    folder, net = tmp_path_factory.mktemp("int8"), Dense().eval()

    def write(fused: bool) -> Path:
        path = folder / f"{fused}.onnx"
        if not path.exists():
            write_onnx(trace(net, planes(0), (2, 3), 8, 1), path, ("ir", "vis"), "fused", {"name": "dense"})
            pairs = [tuple(each.numpy() for each in planes(seed)) for seed in (1, 2)]
            quantise_onnx(path, pairs, fused)  # type: ignore[arg-type]
        return path

    return write


def run(network: Any) -> np.ndarray:
    return network(*(each.numpy() for each in planes(3)))


@pytest.fixture(name="wanted", scope="module")
def _wanted() -> np.ndarray:
    with torch.inference_mode():
        return Dense().eval()(*planes(3)).numpy()


@pytest.mark.parametrize("fused", [False, True])
def test_both_forms_are_near_to_float32(written: Callable[[bool], Path], wanted: np.ndarray, fused: bool) -> None:
    off = np.abs(run(deploy.open_onnx(written(fused))) - wanted)
    assert 0 < off.max() < 0.03
    assert off[:, 1].max() < 0.5 / 127  # twice a source, whose levels are 1/255 apart; the join itself is not quantised


def test_openvino_computes_its_form_as_onnx_runtime_does(written: Callable[[bool], Path], wanted: np.ndarray) -> None:
    pytest.importorskip("openvino")
    found, other = run(deploy.open_openvino(written(True))), run(deploy.open_onnx(written(True)))
    assert np.abs(found - wanted).max() < 0.03
    assert np.abs(found - other).max() < 0.02


def test_what_is_joined_is_quantised_alike_and_once(written: Callable[[bool], Path]) -> None:
    graph = onnx.load(written(True)).graph
    numbers = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    made = {output: node for node in graph.node for output in node.output}
    joins = [node for node in graph.node if node.op_type == "Concat"]
    quantised = {node.input[0]: tuple(float(numbers[name]) for name in node.input[1:]) for node in graph.node
                 if node.op_type == "QuantizeLinear"}  # fmt: skip
    parts = [made[made[name].input[0]].input[0] for join in joins for name in join.input
             if name in made and made[name].op_type == "DequantizeLinear"]  # fmt: skip
    assert len({quantised[part] for part in parts if "leaky" in part or "mul" in part}) == 1
    assert not {join.output[0] for join in joins} & quantised.keys()
    assert sum(node.op_type == "Concat" for node in graph.node) == 4


def test_metadata_stay_and_nothing_lies_beside_the_file(written: Callable[[bool], Path]) -> None:
    for fused in (False, True):
        assert {each.key: each.value for each in onnx.load(written(fused)).metadata_props} == {"name": "dense"}
    assert sorted(path.name for path in written(True).parent.iterdir()) == ["False.onnx", "True.onnx"]


def test_nothing_to_calibrate_on_or_to_quantise_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sum.onnx"
    write_onnx(trace(Sum(), planes(0), (2, 3), 8, 1), path, ("ir", "vis"), "fused", {})
    with pytest.raises(BenchError, match="needs pairs to calibrate on"):
        quantise_onnx(path, [])
    pair = tuple(each.numpy() for each in planes(0))
    with pytest.raises(BenchError, match="nothing to compute in int8"):
        quantise_onnx(path, [pair])  # type: ignore[list-item]


class Sum(nn.Module):
    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        return ir + vis
