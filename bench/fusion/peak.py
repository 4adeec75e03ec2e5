"""The most memory that fusing one pair takes."""

from __future__ import annotations

import threading

import psutil
import torch
from torch import Tensor

from bench.fusion.harness import Fuser
from bench.memory import release_memory

SAMPLE_S = 0.002
"""Between two looks at the process's memory."""


def peak_memory(fuser: Fuser, tensors: tuple[Tensor, Tensor]) -> float:
    """Most memory that fusing one pair took beyond what the process held before, in MB (10^6 bytes).

    Args:
        fuser: on the CPU its process is looked at, on a GPU PyTorch's own count is taken.
        tensors: as ``Fuser.prepare`` gives them.
    """
    if fuser.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(fuser.device)
        before = torch.cuda.memory_allocated(fuser.device)
        fuser.compute(*tensors)
        return (torch.cuda.max_memory_allocated(fuser.device) - before) / 1e6
    fuser.compute(*tensors)  # what the first run leaves behind (compiled kernels, buffers) is not the pair's
    release = getattr(fuser.network, "release", None)
    if release is not None:  # feature maps that a runtime keeps for the next pair are
        release()
    release_memory()
    with Watcher() as watcher:
        fuser.compute(*tensors)
    return watcher.peak / 1e6


class Watcher:
    """Looks at the process's resident memory until told to stop."""

    def __enter__(self) -> Watcher:
        self._process = psutil.Process()
        self._before = self._most = self._process.memory_info().rss
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            self._most = max(self._most, self._process.memory_info().rss)

    @property
    def peak(self) -> int:
        """Bytes above the start."""
        return self._most - self._before
