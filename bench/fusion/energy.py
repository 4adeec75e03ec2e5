"""Energy that the machine counted while something ran: RAPL for processors, NVML for NVIDIA's GPUs.

RAPL is read from Linux' powercap tree: counters of microjoules that start again at ``max_energy_range_uj``. A package's
counter holds its cores; memory (``dram``) has one of its own. They count the whole machine, whatever else runs on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter of energy.

    Attributes:
        name: of what it counts.
        read: joules since some moment; OSError where it may not be read.
        range_j: joules at which it starts again; 0 for one that does not.
    """

    name: str
    read: Callable[[], float]
    range_j: float = 0.0


def rapl_counters(root: Path = POWERCAP) -> list[Counter]:
    """The packages' counters and those of their memory; none where the system has none, or they may not be read."""
    found = []
    for zone in sorted(root.glob("*rapl:*")):
        name = _text(zone / "name")
        if name == "dram" or name.startswith("package"):
            counter = Counter(
                f"{zone.name} {name}", lambda zone=zone: int(_text(zone / "energy_uj")) / 1e6,  # type: ignore[misc]
                int(_text(zone / "max_energy_range_uj") or 0) / 1e6,
            )  # fmt: skip
            if _text(zone / "energy_uj").isdigit():
                found.append(counter)
    return found


def nvml_counters(device: torch.device) -> list[Counter]:
    """The counter of a GPU (Volta and later); none without NVML."""
    if device.type != "cuda":
        return []
    try:
        import pynvml

        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(device.index or 0)
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except Exception:  # the library, the driver or the counter is missing
        return []
    return [Counter("nvml", lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3)]


class Meter:
    """Joules between a start and a stop, over all counters."""

    def __init__(self, counters: list[Counter]) -> None:
        self.counters = counters
        self._start: Mapping[str, float] = {}

    def start(self) -> None:
        """Notes where the counters stand."""
        self._start = {counter.name: counter.read() for counter in self.counters}

    def stop(self) -> float | None:
        """Joules since ``start``; None without counters. A counter may have started again once since."""
        if not self.counters:
            return None
        total = 0.0
        for counter in self.counters:
            spent = counter.read() - self._start[counter.name]
            total += spent + counter.range_j if spent < 0 else spent
        return total


def meter_of(device: torch.device, root: Path = POWERCAP) -> Meter:
    """The counters of what a device is: a GPU's own, else the processor's."""
    counters: Any = nvml_counters(device) if device.type == "cuda" else rapl_counters(root)
    return Meter(counters)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
