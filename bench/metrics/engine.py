"""The engine: one pair, any number of fused images, any conventions and metrics, shared work done once."""

from __future__ import annotations

import math
import sys
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

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
from bench.metrics.catalogue import CONVENTIONS, Convention, Use, chosen_metrics
from bench.metrics.choice import Engine, choose_engine, compile_kernels
from bench.metrics.facts import CAPPED, Parameter
from bench.metrics.packages import packaged_metrics
from bench.metrics.planes import Budget, Conversion, Levels, Plane, Sources, Triple, check_image, grey_planes
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
        reason: why, in one line; of a value, :data:`bench.metrics.facts.CAPPED` or empty.
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
        engine: str = "auto",
    ) -> None:
        """Takes the pair as stored; each convention converts colour by itself.

        Args:
            ir: uint8, (H, W) or (H, W, 3) RGB.
            vis: uint8, (H, W) or (H, W, 3) RGB, same height and width.
            conventions: names; or name -> metrics, as ``catalogue.chosen_metrics`` gives them.
            metrics: names, ``all``, or None for each convention's default; only where ``conventions`` is a list.
            engine: ``auto``, ``numpy`` or ``numba``, see :func:`bench.metrics.choice.choose_engine`.

        Raises:
            BenchError: unknown names, an engine that is not installed, or images that are not what is wanted.
        """
        _keep_freed_memory()
        self.metrics = _chosen(conventions, metrics)
        self.engine = choose_engine(engine)
        self._formulas, self._faster = _implementations(self.engine)
        check_image(ir, "infrared image")
        self.shape: tuple[int, int] = ir.shape[:2]
        check_image(vis, "visible image", self.shape)
        self._budget = Budget(KEPT_BYTES)
        self._sources: dict[tuple[Plane, Plane], Sources] = {}
        self._conversions = sorted(
            {_conversion(CONVENTIONS[name], metric) for name, metrics in self.metrics.items() for metric in metrics}
        )
        planes: list[Plane] = []
        both = [self._planes(image, planes, self._budget) for image in (ir, vis)]
        self._pairs = {name: list(zip(*(each[name] for each in both), strict=True)) for name in self._conversions}

    def score(self, fused: Image) -> list[MetricValue]:
        """All chosen metrics of one fused image, by convention, in the catalogue's order.

        Args:
            fused: uint8, (H, W) or (H, W, 3) RGB, height and width of the sources.

        Raises:
            BenchError: the image is not what is wanted.
        """
        wanted = self._wanted(fused)
        results = {step: self._result(step) for step in shared_steps(wanted)}
        return [self._value(name, use, steps, [results[step] for step in steps]) for name, use, steps in wanted]

    def plan(self, fused: Image) -> dict[Step, list[tuple[str, str]]]:
        """What :meth:`score` will compute, each step once, and the numbers (convention, metric) that each goes into.

        Steps are shared where formula, parameters and all three planes are equal, and nowhere else; formulas of one
        triple share parts of their work by themselves.

        Raises:
            BenchError: the image is not what is wanted.
        """
        return shared_steps(self._wanted(fused))

    def _wanted(self, fused: Image) -> list[tuple[str, Use, list[Step]]]:
        check_image(fused, "fused image", self.shape)
        found = self._planes(fused, [], Budget(KEPT_BYTES // 4))
        wanted = []
        for name, metrics in self.metrics.items():
            entry = CONVENTIONS[name]
            for metric in metrics:
                use, conversion = entry.uses[metric], _conversion(entry, metric)
                pairs = zip(self._pairs[conversion], found[conversion], strict=True)
                wanted.append(
                    (name, use, self._steps_of(use, [Triple(self._pair(*pair), each) for pair, each in pairs]))
                )
        return wanted

    def _steps_of(self, use: Use, triples: list[Triple]) -> list[Step]:
        """The steps whose mean is the number; none where the images are too small."""
        if min(self.shape) < use.smallest:
            return []
        if use.channels == "together":
            return [Step(use.formula, use.parameters, tuple(triples))]
        if use.channels == "side_by_side":
            triples = [_side_by_side(triples)]
        for triple in triples:
            triple.sources.asked.add((use.formula, use.parameters))
        return [Step(use.formula, use.parameters, triple) for triple in triples]

    def _result(self, step: Step) -> float | BenchError:
        """The number of a step, or why it cannot be had."""
        try:
            return float(self._formulas[step.formula](step.triple, **dict(step.parameters)))
        except BenchError as error:
            return error

    def _pair(self, ir: Plane, vis: Plane) -> Sources:
        return self._sources.setdefault((ir, vis), Sources(ir, vis, self._budget))

    def _planes(self, image: Image, known: list[Plane], budget: Budget) -> dict[str, list[Plane]]:
        """The planes of an image in each conversion; one equal to a known one is that one, so that work is shared."""
        levels = grey_planes(image, self._conversions, self._faster)
        return {name: [_known_plane(each, known, budget) for each in levels[name]] for name in self._conversions}

    def _value(self, name: str, use: Use, steps: list[Step], results: list[float | BenchError]) -> MetricValue:
        if not results:
            height, width = self.shape
            reason = f"{width}x{height} pixels, {use.metric} needs at least {use.smallest}x{use.smallest}"
            return MetricValue(name, use.metric, None, "skipped", reason)
        refused = next((result for result in results if isinstance(result, BenchError)), None)
        if refused is not None:
            return MetricValue(name, use.metric, None, "skipped", str(refused))
        value = _mean([float(result) for result in results if not isinstance(result, BenchError)])
        if not math.isfinite(value):
            return MetricValue(name, use.metric, None, "failed", f"{use.metric} came out as {value}")
        return MetricValue(name, use.metric, value, reason=CAPPED if any(map(_is_capped, steps)) else "")


@dataclass(frozen=True, slots=True)
class Step:
    """One formula with its parameters on one triple of planes, or on those of all channels; equal ones are one."""

    formula: str
    parameters: tuple[tuple[str, Parameter], ...]
    triple: Triple | tuple[Triple, ...]


UNBOUNDED = ("peak_signal_to_noise", "peak_signal_to_noise_by_size")
"""Formulas that are infinite for three equal images, and return a cap that hangs on the image size."""


def _is_capped(step: Step) -> bool:
    """True if the number of a step is such a cap."""
    if step.formula not in UNBOUNDED or isinstance(step.triple, tuple):
        return False
    ir, vis, fused = (plane.levels for plane in (step.triple.ir, step.triple.vis, step.triple.fused))
    return np.array_equal(ir, fused) and np.array_equal(vis, fused)


def shared_steps(wanted: list[tuple[str, Use, list[Step]]]) -> dict[Step, list[tuple[str, str]]]:
    """Each step once, and the numbers (convention, metric) that it goes into."""
    numbers: dict[Step, list[tuple[str, str]]] = {}
    for name, use, steps in wanted:
        for step in dict.fromkeys(steps):
            numbers.setdefault(step, []).append((name, use.metric))
    return numbers


def _packaged() -> dict[str, Formula]:
    """The formulas of other packages' metrics, as functions of a triple."""

    def wrapped(compute: Callable[..., float]) -> Formula:
        return lambda triple: float(
            compute(*(plane.levels.astype(np.float64) for plane in (triple.ir, triple.vis, triple.fused)))
        )

    return {found.formula: wrapped(found.compute) for found in packaged_metrics().values()}


@cache
def _implementations(engine: Engine) -> tuple[Mapping[str, Formula], Mapping[str, Conversion]]:
    """Formulas and conversions to grey of an engine; compiled ones first, NumPy's where there is none."""
    if engine == "numpy":
        return ChainMap(FORMULAS, _packaged()), {}
    compile_kernels(lambda text: print(text, file=sys.stderr))  # noqa: T201 - said once on a machine
    from bench.metrics.kernels.formulas import GREYS, KERNELS

    return ChainMap(KERNELS, FORMULAS, _packaged()), GREYS


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


def _side_by_side(triples: list[Triple]) -> Triple:
    """The channels of each image next to each other, as one wide image."""
    ir, vis, fused = (
        Plane(np.hstack([plane.levels for plane in planes]))
        for planes in zip(*((triple.ir, triple.vis, triple.fused) for triple in triples), strict=True)
    )
    return Triple(Sources(ir, vis), fused)


def _mean(values: list[float]) -> float:
    return values[0] if len(values) == 1 else sum(values) / len(values)


def _known_plane(levels: Levels, known: list[Plane], budget: Budget) -> Plane:
    for plane in known:
        if plane.levels is levels or np.array_equal(plane.levels, levels):
            return plane
    known.append(Plane(levels, budget))
    return known[-1]


def evaluate(
    ir: Image,
    vis: Image,
    fused: Image,
    convention: str = "standard",
    metrics: Sequence[str] | str | None = None,
    engine: str = "auto",
) -> dict[str, float]:
    """Metric name -> value of one fused image in one convention.

    Args:
        ir: uint8, (H, W) or (H, W, 3) RGB.
        vis: uint8, (H, W) or (H, W, 3) RGB, same height and width.
        fused: uint8, (H, W) or (H, W, 3) RGB, same height and width.
        convention: name, see ``bench list conventions``.
        metrics: names; ``all``; None for the convention's default, as ``bench run`` computes.
        engine: ``auto``, ``numpy`` or ``numba``, see :func:`bench.metrics.choice.choose_engine`.

    Raises:
        BenchError: unknown names, images that are not what is wanted, or too small for one of the metrics.

    Example:
        >>> import numpy as np
        >>> ramp = np.arange(64, dtype=np.uint8)[None].repeat(64, 0)
        >>> {name: round(value, 6) for name, value in evaluate(ramp, ramp, ramp, metrics=["EN", "SD"]).items()}
        {'EN': 6.0, 'SD': 18.472953}
    """
    return metric_values(PairScorer(ir, vis, (convention,), metrics, engine).score(fused))


def metric_values(scores: Sequence[MetricValue]) -> dict[str, float]:
    """Metric name -> value, of one image in one convention.

    Raises:
        BenchError: there is no value of some metric.
    """
    values = {}
    for score in scores:
        if score.value is None:
            raise BenchError(f"{score.convention} {score.metric}: {score.reason}; leave it out of the metrics")
        values[score.metric] = score.value
    return values
