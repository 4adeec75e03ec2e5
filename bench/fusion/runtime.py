"""A method's network on another runtime: the same pixels in less time, where that is so.

``winograd`` is ours (see :mod:`bench.fusion.winograd`), ``openvino`` Intel's. Only the network runs there; reading,
stretch, colours and rounding stay with the harness, in the precision of the authors' programs. What is not faster or
not the same stays with PyTorch, and the fuser says why.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from bench.errors import BenchError
from bench.files import write_atomic
from bench.fusion.deploy import Network, install, open_openvino, require
from bench.fusion.harness import Fuser
from bench.fusion.subject import random_pair
from bench.fusion.traced import TracedNetwork
from bench.fusion.tracing import reason_of, trace
from bench.fusion.winograd import WinogradNetwork
from bench.machine import RUNTIME_PACKAGES
from bench.memory import retained_memory
from bench.plugin.method import Padding
from bench.types import Image, Runtime
from bench.weights.places import cache_dir

PROBES = ((160, 200), (171, 133))
"""Heights and widths of the pairs that both runtimes fuse before one is trusted: code that decides by an image's size
may leave no other trace in what was traced."""

FEW = 5e-4
"""The same pixels: none is more than 1 level off, and no larger share of them at all. A stretched and truncated image
moves that much with the order of a sum, in PyTorch too, from one processor to the next."""

GAIN, TIMED, TURNS = 0.95, (240, 320), 3
"""``auto`` takes a runtime if it needs at most this share of PyTorch's CPU time for a pair of this size; a time is the
least of some turns."""


def use_runtime(fuser: Fuser, wanted: Runtime, key: str = "") -> None:
    """Gives a fuser's network to a runtime; ``fuser.runtime`` then names it, and ``fuser.runtime_reason`` why.

    Args:
        fuser: changed in place.
        wanted: ``auto`` takes the first of ``RUNTIME_PACKAGES`` that is installed, gives the same pixels on probe
            pairs, and gains; by its own name a runtime may move any pixel by a level.
        key: of code, weights and library, under which converted networks and choices are kept where there is a cache;
            empty keeps nothing.

    Raises:
        BenchError: a runtime was asked for by name and is not installed, or does not take a learned method.
    """
    if wanted == "torch":
        return
    key = key if key and _can_keep() else ""
    names, reasons = RUNTIME_PACKAGES if wanted == "auto" else (wanted,), [_refusal(fuser)]
    for name in () if reasons[0] else names:
        try:
            if wanted != "auto":
                require(f"{name}_network")
            reason = _absent(name) or _use(fuser, name, key, wanted == "auto")
        except BenchError as error:
            reason = str(error)
        if not reason:
            package = RUNTIME_PACKAGES[name]
            fuser.runtime = f"{name} {version(package)}" if name == package else f"{name}, {package} {version(package)}"
            return
        fuser.network = None
        reasons.append(f"{name}: {reason}" if wanted == "auto" else reason)
    fuser.runtime_reason = "; ".join(filter(None, reasons))
    if wanted != "auto" and fuser.method.info.kind == "learned":
        raise BenchError(
            f"{fuser.method.name}: --runtime {wanted}: {fuser.runtime_reason}; give --runtime auto, or leave it out"
        )


def _refusal(fuser: Fuser) -> str:
    if fuser.device.type != "cpu":
        return "other runtimes are used on the CPU only"
    if not fuser.method.modules() or fuser.method.dtype == "float64" or fuser.method.stochastic:
        return "the method holds no network of float32 that always gives the same"
    if fuser.precision != "exact":
        return "the fast precision is PyTorch's"
    return ""


def _absent(name: str) -> str:
    return (
        ""
        if find_spec(RUNTIME_PACKAGES[name])
        else f"{RUNTIME_PACKAGES[name]} is not installed: {install(f'{name}_network')}"
    )


def _use(fuser: Fuser, name: str, key: str, choose: bool) -> str:
    """Uses a runtime where it fits; why it does not, else.

    A choice (``auto``) is made once and kept, so that every worker and every later run on this machine makes the same.
    """
    if not (choose and key):
        return _try(fuser, name, key, choose)
    kept = _kept(fuser, f"{key}-{name}.choice")
    with FileLock(kept.with_suffix(".lock")):
        if not kept.is_file():
            write_atomic(kept, _try(fuser, name, key, choose).encode())
    reason = kept.read_text()
    if not reason and fuser.network is None:
        fuser.network = NETWORKS[name](fuser, key)
    return reason


def _try(fuser: Fuser, name: str, key: str, choose: bool) -> str:
    """Uses a runtime if the probes' pixels are the same, and in a choice if it gains; why not, else."""
    sizes = [tuple(max(side, fuser.method.smallest) for side in probe) for probe in (*PROBES, TIMED)]
    pairs = [random_pair(size, 0) for size in sizes]  # type: ignore[arg-type]
    wanted = [fuser.fuse_pair(*pair) for pair in pairs[:-1]]
    usual = _cpu_seconds(fuser, pairs[-1]) if choose else 0.0
    try:
        fuser.network = NETWORKS[name](fuser, key)
    except BenchError as error:
        return str(error)
    for pair, image in zip(pairs, wanted, strict=False):
        off = np.abs(fuser.fuse_pair(*pair).astype(np.int16) - image)
        changed = float(off.any(axis=2).mean())
        if off.max() > 1 or (choose and changed > FEW):
            return f"the image of a probe pair is up to {off.max()} levels off, at {changed:.2%} of the pixels"
    if isinstance(fuser.network, WinogradNetwork) and not fuser.network.gains:
        return "no convolution gains by it"
    if choose and (spent := _cpu_seconds(fuser, pairs[-1])) > GAIN * usual:
        return f"a probe pair took {spent * 1e3:.3g} ms of CPU time, and {usual * 1e3:.3g} in PyTorch"
    return ""


def _cpu_seconds(fuser: Fuser, pair: tuple[Image, Image]) -> float:
    """The least that the network takes for a pair, of some turns; freed memory is kept, as in a run."""
    inputs, best = fuser.prepare([pair]), float("inf")
    with retained_memory():
        fuser.compute(*inputs)
        for _ in range(TURNS):
            start = time.process_time()
            fuser.compute(*inputs)
            best = min(best, time.process_time() - start)
    return best


def _folder() -> Path:
    return cache_dir() / "runtimes"


def _can_keep() -> bool:
    """Whether there is a cache that can be written; its folder is made."""
    try:
        _folder().mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(_folder(), os.W_OK)


def _kept(fuser: Fuser, name: str) -> Path:
    """A file of a method in the cache."""
    return _folder() / f"{fuser.method.name}-{name}"


def _converted(fuser: Fuser, key: str) -> Network:
    if not key:
        return open_openvino(convert(fuser))
    path = _kept(fuser, f"{key}.xml")
    if not path.is_file():
        import openvino

        with tempfile.TemporaryDirectory(prefix=".", dir=path.parent) as folder:
            own = Path(folder) / path.name
            openvino.save_model(convert(fuser), own, compress_to_fp16=False)
            own.with_suffix(".bin").replace(path.with_suffix(".bin"))
            own.replace(path)
    return open_openvino(path)


def convert(fuser: Fuser) -> object:
    """A method's network as an OpenVINO model of any size: planes (1, C, H, W) in [0, 1] in, the same out.

    Raises:
        BenchError: it cannot be traced, or has an operator that OpenVINO lacks; names it.
    """
    import openvino

    program = trace_network(fuser)
    try:
        return openvino.convert_model(program)
    except Exception as error:  # of another library, about this network
        raise BenchError(f"has no form in OpenVINO: {reason_of(error)}") from error


def trace_network(fuser: Fuser) -> Any:
    """A method's ``fuse`` as a ``torch.export`` program of any size.

    Raises:
        BenchError: it cannot be traced.
    """
    multiple = (fuser.method.padding or Padding(fuser.method.multiple)).multiple
    size = tuple(-(-max(side, fuser.method.smallest) // multiple) * multiple for side in (72, 88))
    inputs = fuser.prepare([random_pair(size, 0)])  # type: ignore[arg-type]
    module, layout = TracedNetwork(fuser.method).eval(), fuser.layout
    fuser.use_layout(torch.contiguous_format)
    try:
        return trace(module, tuple(each.contiguous() for each in inputs), (2, 3), fuser.method.smallest, multiple)
    finally:
        fuser.use_layout(layout)


NETWORKS: dict[str, Callable[[Fuser, str], Callable[[Tensor, Tensor], Tensor]]] = {
    "winograd": lambda fuser, _: WinogradNetwork(fuser.method),
    "openvino": lambda fuser, key: TensorNetwork(_converted(fuser, key)),
}
"""Runtime -> what makes a fuser's network there."""


class TensorNetwork:
    """A network of arrays that takes one pair, called with batches.

    Attributes:
        release: gives back the memory that it keeps between pairs.
    """

    def __init__(self, network: Network) -> None:
        self._network, self.release = network, network.release

    def __call__(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses batches (N, C, H, W), pair by pair."""
        pairs = ((ir[at : at + 1].numpy(), vis[at : at + 1].numpy()) for at in range(len(ir)))
        return torch.cat([torch.from_numpy(self._network(*pair)) for pair in pairs])
