"""The optional runtimes of the extra ``[deploy]``: found, named, set to compute as the suite does, and run."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from bench.errors import BenchError

Format = Literal["onnx", "openvino", "torch"]
Arrays = tuple[NDArray[Any], ...]


class Network:
    """What another runtime opened: arrays in, one array out.

    Attributes:
        release: gives back the memory that the runtime keeps between inputs, if it can.
    """

    def __init__(self, run: Callable[..., NDArray[Any]], release: Callable[[], object] = lambda: None) -> None:
        self._run, self.release = run, release

    def __call__(self, *arrays: NDArray[Any]) -> NDArray[Any]:
        """Computes."""
        return self._run(*arrays)


NEEDS = {
    "onnx": ("onnx", "onnxscript", "onnxruntime"), "openvino": ("onnx", "onnxscript", "openvino"), "torch": (),
    "openvino_network": ("openvino",), "winograd_network": ("numba",),
}  # fmt: skip
"""Format -> packages that write and run it; OpenVINO's files are made of ONNX ones, its networks are not."""


def install(form: str) -> str:
    """The command that installs what a format needs."""
    return f"pip install 'ivif-bench[{'fast' if form == 'winograd_network' else 'deploy'}]'"


def require(form: str) -> None:
    """Refuses a format whose packages are not installed.

    Raises:
        BenchError: names them, and how to install them.
    """
    missing = [name for name in NEEDS[form] if find_spec(name) is None]
    if missing:
        name = form.partition("_")[0]
        raise BenchError(f"{name} needs {', '.join(missing)}; install them with: {install(form)}")


def openvino_settings(precision: str = "f32") -> dict[str, Any]:
    """What OpenVINO must be told to compute as PyTorch does here: float32 throughout, as many threads, none pinned."""
    return {
        "INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": torch.get_num_threads(), "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False, "PERFORMANCE_HINT": "LATENCY",
    }  # fmt: skip


def onnx_settings() -> Any:
    """ONNX Runtime's options: as many threads as PyTorch has here, none that spins while it waits."""
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


@lru_cache(maxsize=1)
def openvino_core() -> Any:
    """OpenVINO's entry, one a process."""
    return importlib.import_module("openvino").Core()


def open_openvino(model: Any, precision: str = "f32") -> Network:
    """Compiles a model (or its file, IR or ONNX) for the CPU; ``bf16`` lets it compute in that."""
    compiled = openvino_core().compile_model(model, "CPU", openvino_settings(precision))
    request = compiled.create_infer_request()

    def run(*arrays: NDArray[Any]) -> NDArray[Any]:
        found = request.infer([np.ascontiguousarray(array) for array in arrays], share_inputs=True)
        return np.array(next(iter(found.values())))

    return Network(run, compiled.release_memory)


def open_onnx(path: Path) -> Network:
    """A session of ONNX Runtime on the CPU."""
    runtime = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(path, onnx_settings(), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    shrinking = runtime.RunOptions()
    shrinking.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    last: dict[str, NDArray[Any]] = {}

    def run(*arrays: NDArray[Any]) -> NDArray[Any]:
        last.update(zip(names, map(np.ascontiguousarray, arrays), strict=True))
        return session.run(None, last)[0]

    def release() -> None:  # the arena shrinks at the end of a run only
        if last:
            session.run(None, last, shrinking)

    return Network(run, release)


def open_torch(path: Path) -> Network:
    """A saved program of ``torch.export``; it holds no code but operators."""
    module = torch.export.load(path).module()

    def run(*arrays: NDArray[Any]) -> NDArray[Any]:
        with torch.inference_mode():
            return module(*(torch.tensor(array) for array in arrays)).numpy()

    return Network(run)


OPENERS: dict[str, Callable[[Path], Network]] = {"onnx": open_onnx, "openvino": open_openvino, "torch": open_torch}
"""Format -> what runs a file of it."""
