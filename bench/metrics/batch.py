"""Many fused images of one pair at once, in PyTorch: for GPUs, and only where it is asked for by name.

What a device computes is in double precision. Grey levels are counted there exactly, and what hangs on counts alone
then comes from the NumPy formulas, equal to the last digit; ``ERRORS`` says how far the other formulas may differ. A
formula that is not among these is computed on the CPU by the engine, as :class:`bench.metrics.PairScorer` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.errors import BenchError
from bench.metrics.engine import FORMULAS, MetricValue, PairScorer, Step, shared_steps
from bench.metrics.planes import Plane, Sources
from bench.types import Image

COUNTED = (
    "entropy", "mutual_information", "cross_entropy", "standard_deviation", "standard_deviation_uint8",
    "correlation_coefficient", "sum_of_correlations_of_differences", "mean_squared_error", "peak_signal_to_noise",
    "root_mean_squared_error_by_size", "peak_signal_to_noise_by_size",
)  # fmt: skip
"""Formulas of grey-level counts."""

ERRORS: Mapping[str, float] = {
    **dict.fromkeys(COUNTED, 0.0),
    "spatial_frequency": 1e-15,
    "average_gradient": 1e-12,
    "edge_intensity": 1e-12,
    "edge_preservation": 1e-11,
    "structural_similarity": 1e-7,
    "visual_information_fidelity": 1e-8,
}
"""Formula -> largest relative difference from the NumPy formula; 0: none."""


class BatchScorer(PairScorer):
    """Scores stacks of fused images of one pair on a device.

    Example:
        >>> import numpy as np
        >>> ramp = np.arange(64, dtype=np.uint8)[None].repeat(64, 0)
        >>> scorer = BatchScorer(ramp, ramp, metrics=["EN", "SF"], device="cpu")
        >>> [[value.value for value in values] for values in scorer.score_all([ramp, 255 - ramp])]
        [[6.0, 1.0], [6.0, 1.0]]
    """

    def __init__(
        self,
        ir: Image,
        vis: Image,
        conventions: Sequence[str] | Mapping[str, Sequence[str]] = ("standard",),
        metrics: Sequence[str] | str | None = None,
        engine: str = "auto",
        device: str = "cuda",
    ) -> None:
        """As ``PairScorer``; ``device`` is PyTorch's name of it.

        Raises:
            BenchError: as there, or PyTorch does not have that device.
        """
        super().__init__(ir, vis, conventions, metrics, engine)
        import torch

        try:
            self.device = torch.device(device)
            torch.zeros(1, dtype=torch.float64, device=self.device)
        except (RuntimeError, AssertionError, TypeError) as error:
            raise BenchError(
                f"device {device!r} cannot compute in double precision here ({str(error).splitlines()[0]}); "
                "use cuda or cpu, or PairScorer"
            ) from error

    def score_all(self, fused: Sequence[Image]) -> list[list[MetricValue]]:
        """All chosen metrics of each fused image, as ``PairScorer.score``.

        Args:
            fused: each uint8, (H, W) or (H, W, 3) RGB, height and width of the sources; as many as fit the memory of
                the device with some thirty float64 maps each.

        Raises:
            BenchError: an image is not what is wanted.
        """
        wanted = [self._wanted(image) for image in fused]
        results: dict[Step, float | BenchError] = {}
        counted: set[tuple[Sources, Plane]] = set()
        for group in _alike([step for each in wanted for step in shared_steps(each)]):
            results |= self._results(group, counted)
        return [
            [self._value(name, use, steps, [results[step] for step in steps]) for name, use, steps in each]
            for each in wanted
        ]

    def _results(self, steps: Sequence[Step], counted: set[tuple[Sources, Plane]]) -> dict[Step, float | BenchError]:
        """The numbers of steps of one formula on one pair of source planes; ``counted``: planes whose levels are."""
        from bench.metrics import on_device

        formula, parameters = steps[0].formula, dict(steps[0].parameters)
        if formula not in ERRORS:
            return {step: self._result(step) for step in steps}
        triples = [step.triple for step in steps if not isinstance(step.triple, tuple)]
        if formula in COUNTED:
            new = [one for one in triples if (one.sources, one.fused) not in counted]
            if new:
                on_device.count(on_device.Stack(new[0].sources, [one.fused for one in new], self.device))
            counted |= {(one.sources, one.fused) for one in new}
            return {step: float(FORMULAS[formula](step.triple, **parameters)) for step in steps}
        stack = on_device.Stack(triples[0].sources, [one.fused for one in triples], self.device)
        compute: Callable[..., Any] = getattr(on_device, formula)
        return dict(zip(steps, compute(stack, **parameters).tolist(), strict=True))


def _alike(steps: Sequence[Step]) -> list[list[Step]]:
    """Steps that differ in the fused plane alone, together."""
    groups: dict[Any, list[Step]] = {}
    for step in dict.fromkeys(steps):
        where = step.triple if isinstance(step.triple, tuple) else step.triple.sources
        groups.setdefault((step.formula, step.parameters, where), []).append(step)
    return list(groups.values())
