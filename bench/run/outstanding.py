"""What the lists of work have in common: the plan, the folder, and what of it need not be made again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.run.collect import latest
from bench.run.plan import MethodPlan, Plan
from bench.store.run_folder import Store


@dataclass(frozen=True)
class Outstanding:
    """A plan, and the folder that holds what is done of it."""

    plan: Plan
    store: Store

    @property
    def afresh(self) -> bool:
        """True if all is done again."""
        return self.plan.config.rerun == "all"

    @property
    def runnable(self) -> list[MethodPlan]:
        """Methods that have all they need."""
        return [method for method in self.plan.methods if method.source is not None and not method.train]

    @property
    def gpus(self) -> float:
        """What one unit of a network's work takes of them."""
        return 1.0 if self.plan.device.startswith("cuda") else 0.0

    @property
    def pretrained(self) -> Path | None:
        """The folder of the run that holds the one copy of each pretrained file."""
        return self.plan.pretrained.folder if self.plan.pretrained else None

    def done(self, kind: str, dataset: str, method: str, key: str) -> dict[str, Any] | None:
        """The line of a result that need not be made again."""
        if self.afresh:
            return None
        line = latest(self.store, kind, dataset).get((method, key))
        return line if line and line.get("status") == "ok" else None
