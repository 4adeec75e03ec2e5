"""What this machine is, for manifests and rows of timings; and times in words."""

from __future__ import annotations

import logging
import os
import platform
import runpy
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench.errors import BenchError
from bench.types import Machine

PACKAGES = ("numpy", "scipy", "opencv-python-headless", "pillow", "torchvision", "ultralytics", "mmsegmentation", "ray",
            "openvino", "onnxruntime")  # fmt: skip

RUNTIME_PACKAGES = {"winograd": "numba", "openvino": "openvino"}
"""Runtime of networks other than PyTorch -> the package that it needs, in the order in which ``auto`` tries them."""


@lru_cache(maxsize=1)
def describe_machine() -> Machine:
    """Processor, memory, GPU, driver and the versions that numbers may depend on."""
    import psutil

    gpu = has_gpu()
    if gpu:
        import torch
    return Machine(
        cpu=processor_name(),
        cores=count_cores(),
        memory_gb=round(psutil.virtual_memory().total / 2**30, 1),
        gpu=torch.cuda.get_device_name(0) if gpu else "",
        driver=_driver() if gpu else "",
        python=platform.python_version(),
        torch=_torch_version(),
        cuda=torch.version.cuda or "" if gpu else "",
        platform=platform.platform(),
        threads=_threads(),
        packages={name: found for name in PACKAGES if (found := _version(name))},
    )


def lock_lines(package: str = "ivif-bench") -> list[str]:
    """``name==version`` of all that is installed and that the package needs, with its extras; sorted.

    What an extra needs and is not installed is left out. A file of these lines gives the environment again.
    """
    found: dict[str, str] = {}
    open_ = [package]
    while open_:
        name = open_.pop()
        try:
            known = distribution(name)
        except PackageNotFoundError:
            continue
        if canonicalize_name(name) in found:
            continue
        found[canonicalize_name(name)] = known.version
        wanted = [Requirement(text) for text in known.requires or ()]
        every = name == package  # its extras are followed, those of others are not
        open_ += [one.name for one in wanted if every or one.marker is None or one.marker.evaluate({"extra": ""})]
    found.pop(canonicalize_name(package), None)
    return [f"{name}=={found[name]}" for name in sorted(found)]


@lru_cache(maxsize=1)
def source_commit() -> str:
    """The commit of the checkout that this program runs from, ``-changed`` where files differ; empty if unknown."""
    root = Path(__file__).resolve().parents[1]
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return ""
    try:
        told = [
            subprocess.run(
                [git, "-C", str(root), *words], capture_output=True, text=True, check=True, timeout=20
            ).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        ]
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{told[0]}-changed" if told[1] else told[0]


def _torch_version() -> str:
    """With the build's local label, which the package's metadata lack; PyTorch is not imported for it."""
    found = find_spec("torch")
    if found is None or found.origin is None:
        return ""
    return str(runpy.run_path(str(Path(found.origin).with_name("version.py")))["__version__"])


def _threads() -> int:
    """How many threads the computing libraries take, PyTorch among them."""
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(wanted) if wanted.isdigit() and int(wanted) else count_cores()


VISIBLE = "CUDA_VISIBLE_DEVICES"
"""Environment variable of CUDA: the GPUs that a process may see."""

_GPU_DRIVERS = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")


def lacks_gpu() -> bool:
    """True if there is surely no GPU: on Linux, without a driver; PyTorch is not imported."""
    return sys.platform.startswith("linux") and not any(map(os.path.exists, _GPU_DRIVERS))


def has_gpu() -> bool:
    """True if PyTorch can compute on a GPU; on Linux it is not imported to say no where there is no driver.

    Importing it takes longer than all else that a finished run does.
    """
    if lacks_gpu():
        return False
    import torch

    return torch.cuda.is_available()


def visible_gpus() -> tuple[str, ...]:
    """What ``CUDA_VISIBLE_DEVICES`` calls each GPU that this process sees; empty where there is none."""
    if not has_gpu():
        return ()
    import torch

    count = torch.cuda.device_count()
    named = [word.strip() for word in os.environ.get(VISIBLE, "").split(",") if word.strip()]
    return tuple(named[:count]) if named else tuple(map(str, range(count)))


def gpus_for(device: str) -> int:
    """How many GPUs a run may use at a time: all visible ones for ``cuda``, one for ``cuda:1``, none for ``cpu``."""
    if not device.startswith("cuda"):
        return 0
    return 1 if ":" in device else max(1, len(visible_gpus()))


def count_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor_name() -> str:
    """The processor's model, as the system names it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


FAST_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "amx_int8", "avx512_vnni", "avx_vnni", "bf16", "i8mm")
"""What x86 and ARM call arithmetic in bfloat16 or of bytes that is faster than float32."""


def fast_instructions() -> tuple[str, ...]:
    """Those of them that the processor has."""
    info = Path("/proc/cpuinfo")
    words = set(info.read_text(encoding="utf-8", errors="replace").split()) if info.is_file() else set()
    return tuple(name for name in FAST_INSTRUCTIONS if name in words)


_NVIDIA = Path("/proc/driver/nvidia/version")


def _driver() -> str:
    """The version of NVIDIA's driver, from a line that also holds who built it, where and when."""
    words = _NVIDIA.read_text(encoding="utf-8").partition("\n")[0].split() if _NVIDIA.is_file() else []
    numbers = [word for word in words if word[0].isdecimal() and "." in word]
    return numbers[0] if numbers else " ".join(words)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def pick_device(wanted: str) -> str:
    """``auto`` -> ``cuda`` where there is one, else ``cpu``; anything else is checked and returned.

    Raises:
        BenchError: not a device, or not on this machine.
    """
    if wanted == "auto":
        return "cuda" if has_gpu() else "cpu"
    if wanted == "cpu":
        return wanted
    import torch

    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise BenchError(f"device {wanted!r} is unknown, wanted auto, cpu, cuda or cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise BenchError(f"device {wanted!r} is not supported, wanted auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise BenchError(f"device {wanted!r} was asked for, this machine has {torch.cuda.device_count()} CUDA devices")
    return wanted


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Within it, float32 means float32 on every device: no TF32, the default of convolutions on GPUs since Ampere.

    Nor what ``torch.set_float32_matmul_precision`` and ``fp32_precision`` allow GPUs and CPUs in the process around it.

    With TF32 a product keeps 10 bits of the fraction; of fused images that moves up to 9 % of the pixels by a level.
    """
    with product_arithmetic(tf32=False):
        yield


@contextmanager
def product_arithmetic(tf32: bool) -> Iterator[None]:
    """Within it, products of float32 are computed in float32, on a GPU with TF32 if so wanted; then as before.

    PyTorch has two sets of switches for this, of which the newer (``fp32_precision``, since 2.9) also governs CPUs. It
    refuses to say how the older ones stand where they contradict the newer, so both are set alike.
    """
    import torch

    cudnn: Any = torch.backends.cudnn
    allowed = _allows_tf32(cudnn)
    with _fp32_precision("ieee"):
        if allowed is None:
            allowed = _allows_tf32(cudnn) is None  # still in contradiction, now that the newer ones say no
        matmul = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        cudnn.allow_tf32 = tf32
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(matmul)
            cudnn.allow_tf32 = allowed


def _allows_tf32(cudnn: Any) -> bool | None:
    """How cuDNN's older switch stands; None where it contradicts the newer ones."""
    try:
        return bool(cudnn.allow_tf32)
    except RuntimeError:
        return None


@contextmanager
def _fp32_precision(word: str) -> Iterator[None]:
    """PyTorch's newer switches, where it has them, at a word; those that say nothing stay. Put back afterwards."""
    import torch

    backends: Any = torch.backends
    if not hasattr(backends, "fp32_precision"):
        yield
        return
    # the two that others inherit from come first: while they say nothing, each of the others shows its own word
    wanted = [(backends, "none"), (backends.cudnn, "none"), (backends.cuda.matmul, word), (backends.cudnn.conv, word)]
    wanted += [(backends.cudnn.rnn, word)]
    wanted += [(switch, word) for switch in (backends.mkldnn.matmul, backends.mkldnn.conv, backends.mkldnn.rnn)]
    before = []
    try:
        for switch, new in wanted:
            old = switch.fp32_precision
            before.append((switch, old))
            if old not in ("none", new):
                switch.fp32_precision = new
        yield
    finally:
        for switch, old in reversed(before):
            switch.fp32_precision = old


def in_words(seconds: float) -> str:
    """A duration for people: ``40 s``, ``12 min``, ``3.5 h``, ``2.1 days``."""
    for limit, unit, name in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.{0 if unit < 3600 else 1}f} {name}"
    return f"{seconds / 86_400:.1f} days"


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """For libraries that log every tensor and step and warn of their own deprecations; errors are raised as ever."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
