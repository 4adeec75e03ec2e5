"""The engine: one pair, any number of fused images, any conventions and metrics, shared work done once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.metrics import (
    colour,
    fidelity,
    fmi,
    gradient,
    information,
    naturalness,
    perceptual,
    phase,
    quality_edges,
    quality_information,
    quality_structure,
    structural,
    vif,
)
from bench.metrics.catalogue import CONVENTIONS, Convention, Use, chosen_metrics, convention
from bench.metrics.planes import Budget, Kept, Plane, Sources, Triple, check_image, grey_planes
from bench.types import Image, Status

KEPT_BYTES = 75 * 2**20
"""Source statistics kept per pair; what does not fit is computed again, so that a worker's memory stays bounded."""

Formula = Callable[..., float]
FORMULAS: dict[str, Formula] = {
    "entropy": information.entropy,
    "mutual_information": information.mutual_information,
    "cross_entropy": information.cross_entropy,
    "standard_deviation": information.standard_deviation,
    "standard_deviation_uint8": information.standard_deviation_uint8,
    "spatial_frequency": information.spatial_frequency,
    "correlation_coefficient": information.correlation_coefficient,
    "sum_of_correlations_of_differences": information.sum_of_correlations_of_differences,
    "mean_squared_error": information.mean_squared_error,
    "peak_signal_to_noise": information.peak_signal_to_noise,
    "root_mean_squared_error_by_size": information.root_mean_squared_error_by_size,
    "peak_signal_to_noise_by_size": information.peak_signal_to_noise_by_size,
    "edge_preservation": gradient.edge_preservation,
    "visual_information_fidelity": vif.visual_information_fidelity,
    "average_gradient": gradient.average_gradient,
    "edge_intensity": gradient.edge_intensity,
    "fusion_artefacts": gradient.fusion_artefacts,
    "structural_similarity": structural.structural_similarity,
    "multi_scale_structural_similarity": structural.multi_scale_structural_similarity,
    "exposure_structure": structural.exposure_structure,
    "feature_mutual_information": fmi.feature_mutual_information,
    "chen_blum": perceptual.chen_blum,
    "chen_blum_at_half_frequency": perceptual.chen_blum_at_half_frequency,
    "chen_varshney": perceptual.chen_varshney,
    "normalised_mutual_information": quality_information.normalised_mutual_information,
    "tsallis_quality": quality_information.tsallis_quality,
    "tsallis_sum": quality_information.tsallis_sum,
    "nonlinear_correlation_entropy": quality_information.nonlinear_correlation_entropy,
    "linear_correlation_entropy": quality_information.linear_correlation_entropy,
    "shifted_entropy": quality_information.shifted_entropy,
    "information_over_source_entropies": quality_information.information_over_source_entropies,
    "entropy_difference": quality_information.entropy_difference,
    "sigmoid_cross_entropy": quality_information.sigmoid_cross_entropy,
    "gradient_preservation": quality_edges.gradient_preservation,
    "wavelet_preservation": quality_edges.wavelet_preservation,
    "frequency_error": quality_edges.frequency_error,
    "black_framed_edge_intensity": quality_edges.black_framed_edge_intensity,
    "phase_preservation": phase.phase_preservation,
    "saliency_similarity": quality_structure.saliency_similarity,
    "weighted_similarity": quality_structure.weighted_similarity,
    "edge_weighted_similarity": quality_structure.edge_weighted_similarity,
    "covariance_similarity": quality_structure.covariance_similarity,
    "selective_similarity": quality_structure.selective_similarity,
    "heavy_window_selective_similarity": quality_structure.heavy_window_selective_similarity,
    "black_padded_multi_scale_similarity": quality_structure.black_padded_multi_scale_similarity,
    "fusion_fidelity": fidelity.fusion_fidelity,
    "stretched_window_fidelity": fidelity.stretched_window_fidelity,
    "colour_difference": colour.colour_difference,
    "hue_difference": colour.hue_difference,
    "brisque": naturalness.brisque,
}
"""Formula name of the catalogue -> function of a triple (of colour: of the three channels' triples) and the parameters
that the catalogue declares."""


@dataclass(frozen=True, slots=True)
class MetricValue:
    """One number of one fused image.

    Attributes:
        value: finite, or None where ``status`` is not ok.
        status: ``skipped`` where the images are too small for the metric, ``failed`` where it came out not finite.
        reason: why, in one line.
    """

    convention: str
    metric: str
    value: float | None
    status: Status = "ok"
    reason: str = ""


class PairScorer:
    """Scores any number of fused images of one pair; what concerns the sources alone is computed once, when needed.

    Example:
        >>> import numpy as np
        >>> ramp = np.arange(64, dtype=np.uint8)[None].repeat(64, 0)
        >>> scorer = PairScorer(ramp, ramp, metrics=["EN", "MI"])
        >>> [(value.metric, value.value) for value in scorer.score(ramp)]
        [('EN', 6.0), ('MI', 12.0)]
    """

    def __init__(
        self,
        ir: Image,
        vis: Image,
        conventions: Sequence[str] | Mapping[str, Sequence[str]] = ("standard",),
        metrics: Sequence[str] | str | None = None,
    ) -> None:
        """Takes the pair as stored; each convention converts colour by itself.

        Args:
            ir: uint8, (H, W) or (H, W, 3) RGB.
            vis: uint8, (H, W) or (H, W, 3) RGB, same height and width.
            conventions: names; or name -> metrics, as ``catalogue.chosen_metrics`` gives them.
            metrics: names, ``all``, or None for each convention's default; only where ``conventions`` is a list.

        Raises:
            BenchError: unknown names, or images that are not what is wanted.
        """
        _keep_freed_memory()
        self.metrics = _chosen(conventions, metrics)
        check_image(ir, "infrared image")
        self.shape: tuple[int, int] = ir.shape[:2]
        check_image(vis, "visible image", self.shape)
        self._budget = Budget(KEPT_BYTES)
        self._planes: list[Plane] = []
        self._sources: dict[tuple[Plane, Plane], Sources] = {}
        self._ir, self._vis = ir, vis
        conversions: set[str] = {
            _conversion(CONVENTIONS[name], metric) for name, metrics in self.metrics.items() for metric in metrics
        }
        self._pairs = {
            conversion: list(
                zip(
                    _planes(ir, conversion, self._planes, self._budget),
                    _planes(vis, conversion, self._planes, self._budget),
                    strict=True,
                )
            )
            for conversion in sorted(conversions)
        }

    def score(self, fused: Image) -> list[MetricValue]:
        """All chosen metrics of one fused image, by convention, in the catalogue's order.

        Args:
            fused: uint8, (H, W) or (H, W, 3) RGB, height and width of the sources.

        Raises:
            BenchError: the image is not what is wanted.
        """
        check_image(fused, "fused image", self.shape)
        known: list[Plane] = []
        budget = Budget(KEPT_BYTES // 4)
        shared = Kept()
        values = []
        for name, metrics in self.metrics.items():
            entry = CONVENTIONS[name]
            needed = {_conversion(entry, metric) for metric in metrics}
            triples = {conversion: self._triples(fused, conversion, known, budget) for conversion in sorted(needed)}
            values += [
                self._value(name, entry.uses[metric], triples[_conversion(entry, metric)], shared) for metric in metrics
            ]
        return values

    def _triples(self, fused: Image, conversion: str, known: list[Plane], budget: Budget) -> list[Triple]:
        pairs = self._pairs[conversion]
        planes = _planes(fused, conversion, known, budget)
        return [Triple(self._pair(*pair), plane) for pair, plane in zip(pairs, planes, strict=True)]

    def _pair(self, ir: Plane, vis: Plane) -> Sources:
        return self._sources.setdefault((ir, vis), Sources(ir, vis, self._budget))

    def _value(self, name: str, use: Use, triples: list[Triple], shared: Kept) -> MetricValue:
        height, width = self.shape
        if min(height, width) < use.smallest:
            reason = f"{width}x{height} pixels, {use.metric} needs at least {use.smallest}x{use.smallest}"
            return MetricValue(name, use.metric, None, "skipped", reason)
        try:
            value = _computed(use, triples, shared)
        except BenchError as error:
            return MetricValue(name, use.metric, None, "skipped", str(error))
        if not math.isfinite(value):
            return MetricValue(name, use.metric, None, "failed", f"{use.metric} came out as {value}")
        return MetricValue(name, use.metric, value)


@cache
def _keep_freed_memory() -> None:
    """Makes the GNU C library keep freed arrays for the next pair instead of returning every page to the system.

    It raises its threshold for that when one block of nearly 32 MiB is freed. Without it a third of the time of a pair
    goes into page faults. Elsewhere this does nothing.
    """
    np.empty(31 * 2**20, dtype=np.uint8)


def _chosen(
    conventions: Sequence[str] | Mapping[str, Sequence[str]], metrics: Sequence[str] | str | None
) -> dict[str, tuple[str, ...]]:
    if not isinstance(conventions, Mapping):
        return chosen_metrics([conventions] if isinstance(conventions, str) else conventions, metrics)
    return {name: chosen_metrics([name], list(wanted))[name] for name, wanted in conventions.items()}


def _conversion(entry: Convention, metric: str) -> str:
    return "channels" if entry.uses[metric].channels == "together" else entry.grey


def _computed(use: Use, triples: list[Triple], shared: Kept) -> float:
    if use.channels == "together":
        return float(FORMULAS[use.formula](triples, **dict(use.parameters)))
    if use.channels == "side_by_side":
        triples = [_side_by_side(triples)]
    return _mean([_apply(use, triple, shared) for triple in triples])


def _apply(use: Use, triple: Triple, shared: Kept) -> float:
    key = (use.formula, use.parameters, triple.ir, triple.vis, triple.fused)
    parameters: dict[str, Any] = dict(use.parameters)
    return shared.once(key, lambda: float(FORMULAS[use.formula](triple, **parameters)))


def _side_by_side(triples: list[Triple]) -> Triple:
    """The channels of each image next to each other, as one wide image."""
    ir, vis, fused = (
        Plane(np.hstack([plane.levels for plane in planes]))
        for planes in zip(*((triple.ir, triple.vis, triple.fused) for triple in triples), strict=True)
    )
    return Triple(Sources(ir, vis), fused)


def _mean(values: list[float]) -> float:
    return values[0] if len(values) == 1 else sum(values) / len(values)


def _planes(image: Image, conversion: str, known: list[Plane], budget: Budget | None) -> list[Plane]:
    """The planes of an image in one conversion; a plane equal to a known one is that one, so that work is shared."""
    planes = []
    for levels in grey_planes(image, conversion):
        plane = next((each for each in known if np.array_equal(each.levels, levels)), None)
        if plane is None:
            plane = Plane(levels, budget)
            known.append(plane)
        planes.append(plane)
    return planes


def evaluate(
    ir: Image,
    vis: Image,
    fused: Image,
    convention: str = "standard",
    metrics: Sequence[str] | str | None = None,
) -> dict[str, float]:
    """Metric name -> value of one fused image in one convention.

    Args:
        ir: uint8, (H, W) or (H, W, 3) RGB.
        vis: uint8, (H, W) or (H, W, 3) RGB, same height and width.
        fused: uint8, (H, W) or (H, W, 3) RGB, same height and width.
        convention: name, see ``bench list conventions``.
        metrics: names; ``all``; None for those of the convention that cost little (the six among them).

    Raises:
        BenchError: unknown names, images that are not what is wanted, or too small for one of the metrics.

    Example:
        >>> import numpy as np
        >>> ramp = np.arange(64, dtype=np.uint8)[None].repeat(64, 0)
        >>> evaluate(ramp, ramp, ramp, metrics=["EN", "SD"])
        {'EN': 6.0, 'SD': 18.472953201911164}
    """
    if metrics is None:
        metrics = chosen_quick(convention)
    values = {}
    for score in PairScorer(ir, vis, (convention,), metrics).score(fused):
        if score.value is None:
            raise BenchError(f"{convention} {score.metric}: {score.reason}; leave it out of the metrics")
        values[score.metric] = score.value
    return values


def chosen_quick(name: str) -> tuple[str, ...]:
    """The metrics that ``evaluate`` computes in a convention when none is asked for by name."""
    return convention(name).quick
