"""What a run was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from bench.data.spec import PresetName
from bench.strict import Strict
from bench.types import Runtime


class Trial(Strict):
    """One method of an ablation.

    Attributes:
        method: a registered method.
        ablation: one of its ablations, which is trained in this run; empty for the method as it is.
        seed: of its training, and of what tasks train on its images.
    """

    method: str
    ablation: str = ""
    seed: int = 0

    @property
    def variant(self) -> str:
        """What is varied: the rows of the ablation's tables."""
        return self.ablation or self.method

    @property
    def label(self) -> str:
        """What the score table calls it."""
        return f"{self.variant}-{self.seed}"


class RunConfig(Strict):
    """All that ``bench run`` was asked for; what of it a reader needs stands in the manifest."""

    methods: tuple[str, ...] = ("all",)
    trials: tuple[Trial, ...] = ()
    datasets: tuple[str, ...] = ("demo",)
    tasks: tuple[str, ...] = ()
    conventions: tuple[str, ...] = ("standard", "seafusion2022")
    metrics: tuple[str, ...] = ()
    preset: PresetName | None = None
    out: Path = Path("runs/latest")
    data_root: Path | None = None
    weights_root: Path | None = None
    datasets_file: Path | None = None
    results: Path | None = None
    ir: Path | None = None
    vis: Path | None = None
    ir_range: str = ""
    device: str = "auto"
    jobs: int = Field(default=0, ge=0)
    executor: Literal["local", "inline", "ray"] = "local"
    limit: int | None = Field(default=None, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**32)
    rerun: Literal["missing", "all", "none"] = "missing"
    way: Literal["published", "plain", "both"] = "published"
    precision: Literal["exact", "fast"] = "exact"
    compile: Literal["never", "auto"] = "never"
    runtime: Runtime = "torch"
    train_precision: Literal["auto", "float32"] = "auto"
    engine: Literal["auto", "numpy", "numba"] = "auto"
    time_limit_s: float = Field(default=300.0, gt=0)
    options: dict[str, str] = Field(default_factory=dict)

    def options_of(self, name: str) -> dict[str, str]:
        """The ``--option NAME.key=value`` settings meant for one task or method, by key."""
        prefix = f"{name}."
        return {key.removeprefix(prefix): value for key, value in self.options.items() if key.startswith(prefix)}
