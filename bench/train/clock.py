"""Time on a device that works ahead of the host."""

from __future__ import annotations

import time

import torch


def clock(device: torch.device) -> float:
    """Seconds, once all work given to the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
