"""The arithmetic of trainings: bfloat16 where the device computes it natively, or float32 throughout."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Literal, get_args

import torch

from bench.errors import BenchError
from bench.machine import exact_arithmetic

TrainPrecision = Literal["auto", "float32"]
"""What a run may ask for, see ``pick_precision``."""

SMALLEST_SIDE = 64
"""Images with a shorter side than this are computed in float32 on a CPU. There the gradients of strided bfloat16
convolutions read memory that nobody wrote once a feature map is one or two pixels wide (seen with PyTorch 2.14 and
oneDNN, on images up to 32 pixels wide): mostly it is multiplied by zero, but now and then it holds NaN."""


def pick_precision(wanted: str, device: str | torch.device) -> str:
    """``float32`` or ``bfloat16``.

    Args:
        wanted: ``float32``, without TF32; or ``auto``: bfloat16 on GPUs since Ampere and on CPUs with bfloat16
            instructions, where it halves the time of a step; weights, losses and optimiser stay in float32 either way.
        device: a torch device.

    Raises:
        BenchError: another word.
    """
    if wanted not in get_args(TrainPrecision):
        raise BenchError(f"--train-precision is {wanted!r}, wanted one of {', '.join(get_args(TrainPrecision))}")
    if wanted != "auto":
        return wanted
    if torch.device(device).type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bfloat16" if _cpu_has_bfloat16() else "float32"


def _cpu_has_bfloat16() -> bool:
    # torch keeps these two questions private; a version without them gets float32
    questions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, name)()) for name in questions if hasattr(torch.cpu, name))


def autocast(
    precision: str, device: str | torch.device, size: Sequence[int] | None = None
) -> AbstractContextManager[object]:
    """The context of the forward pass for a precision picked before; float32 is without TF32.

    Args:
        precision: ``float32`` or ``bfloat16``.
        device: a torch device.
        size: (height, width) of the images, for networks that shrink them; see ``SMALLEST_SIDE``.
    """
    kind = torch.device(device).type
    too_small = kind == "cpu" and size is not None and min(size) < SMALLEST_SIDE
    if precision == "bfloat16" and not too_small:
        return torch.autocast(kind, torch.bfloat16)
    return exact_arithmetic()
