"""The five conventions: how each computes each metric, as parameters of the engine's formulas, and what was found."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

from bench.metrics.facts import Convention, Parameter, Use
from bench.metrics.metric_facts import METRICS

SIX = ("EN", "MI", "VIF", "SF", "SD", "Qabf")
"""The metrics of the SeAFusion paper; they lead every table."""

_VIF_SMALLEST = 41
_SUM_OVER_MN = (
    "Central differences of 0..255, one-sided at the frame; the sum over all H W pixels divided by (H - 1)(W - 1)."
)
_PSNR_DEFECT = "the error is taken on 0..1 but the peak is 255: 48.13 dB too high"


def _use(
    metric: str, formula: str, definition: str = "", /, *, about: dict[str, Any] | None = None, **parameters: Parameter
) -> Use:
    """A use whose facts are the metric's unless ``about`` says otherwise."""
    facts = METRICS[metric]
    told: dict[str, Any] = {"unit": facts.unit, "low": facts.low, "high": facts.high, **(about or {})}
    return Use(metric, formula, tuple(sorted(parameters.items())), definition or facts.definition, **told)


def _table(uses: Iterable[Use]) -> MappingProxyType[str, Use]:
    return MappingProxyType({use.metric: use for use in uses})


def _changed(
    base: MappingProxyType[str, Use], *changes: Use, without: tuple[str, ...] = ()
) -> MappingProxyType[str, Use]:
    """The base's table with some uses replaced or left out."""
    table = {name: use for name, use in base.items() if name not in without}
    return MappingProxyType({**table, **{use.metric: use for use in changes}})


_VIF = _use("VIF", "visual_information_fidelity", about={"smallest": _VIF_SMALLEST}, saturate=False)

_STANDARD = _table([
    _use("EN", "entropy", unit="bit"),
    _use("MI", "mutual_information", unit="bit", merge_top_bins=False, stretch=False),
    _VIF,
    _use("SF", "spatial_frequency", scale=1.0, divisor="differences"),
    _use("SD", "standard_deviation"),
    _use(
        "Qabf", "edge_preservation",
        "Sobel gradients of 0..255 with the frame repeated; equal strengths score as preserved.",
        unit="level", border="replicate", tie="one",
    ),
    _use("CC", "correlation_coefficient"),
    _use("SCD", "sum_of_correlations_of_differences"),
    _use("MSE", "mean_squared_error", scale=1.0),
    _use("PSNR", "peak_signal_to_noise", scale=1.0, peak="255"),
])  # fmt: skip

_SEAFUSION = _table([
    _use("EN", "entropy", unit="bit"),
    _use(
        "MI", "mutual_information", "Bits, sum over the sources; levels 254 and 255 share a joint bin.",
        about={"defect": "the shared bin moves it by up to 0.04 bit where the image has white areas"},
        unit="bit", merge_top_bins=True, stretch=False,
    ),
    _use(
        "VIF", "visual_information_fidelity",
        "Sum over the sources; at the finest scale the products of the images are clipped to 255.",
        about={"smallest": _VIF_SMALLEST,
               "defect": "the finest scale counts only where it is darker than 16; the TNO mean is 0.98 for 0.70"},
        saturate=True,
    ),
    _use(
        "SF", "spatial_frequency", "Of images scaled to 0..1: 1/255 of the usual scale.",
        about={"unit": "", "high": 1.4143}, scale=255.0, divisor="differences",
    ),
    _use(
        "SD", "standard_deviation_uint8",
        "In uint8 arithmetic: differences below the mean become 0, squares above 255 become 255.",
        about={"high": 15.97, "defect": "not a standard deviation; at most 15.97; it reverses rankings"},
    ),
    _use(
        "Qabf", "edge_preservation", "On 0..1 images with a black frame, in the tap order of the MATLAB code.",
        about={"defect": "equal edge strengths score as lost; rounding residues of flat areas decide by up to 0.01"},
        unit="fraction", border="zero", tie="strength",
    ),
    _use("CC", "correlation_coefficient"),
    _use("SCD", "sum_of_correlations_of_differences"),
    _use("MSE", "mean_squared_error", "Of images scaled to 0..1.", about={"unit": "", "high": 1.0}, scale=255.0),
    _use(
        "PSNR", "peak_signal_to_noise", "20 log10(255 / sqrt(MSE)) with the MSE of images scaled to 0..1.",
        about={"defect": _PSNR_DEFECT, "low": 48.13}, scale=255.0, peak="255",
    ),
])  # fmt: skip

_TANG = _changed(
    _SEAFUSION,
    _VIF,
    _use("SF", "spatial_frequency", scale=1.0, divisor="differences"),
    _use("SD", "standard_deviation"),
    _use(
        "Qabf", "edge_preservation", "On 0..255 images with a black frame.",
        about={"defect": "the black frame is an edge; equal edge strengths below 1 score as lost"},
        unit="level", border="zero", tie="strength",
    ),
)  # fmt: skip

_CDDFUSE = _table([
    _use("EN", "entropy", unit="bit"),
    _use(
        "MI", "mutual_information", "Nats, sum over the sources.",
        about={"unit": "nat", "high": 11.0904, "defect": "0.693 of the value in bits that most papers give"},
        unit="nat", merge_top_bins=False, stretch=False,
    ),
    _use(
        "VIF", "visual_information_fidelity", "The pixel-domain sum; the original code calls it VIFF, which it is not.",
        about={"smallest": _VIF_SMALLEST, "defect": "printed as VIFF, another metric"}, saturate=False,
    ),
    _use("SF", "spatial_frequency", scale=1.0, divisor="differences"),
    _use("SD", "standard_deviation"),
    _use(
        "Qabf", "edge_preservation", "On 0..255 images with a black frame.",
        about={"defect": "the black frame is an edge; equal edge strengths below 1 score as lost"},
        unit="level", border="zero", tie="strength",
    ),
    _use("CC", "correlation_coefficient"),
    _use("SCD", "sum_of_correlations_of_differences"),
    _use("MSE", "mean_squared_error", scale=1.0),
    _use(
        "PSNR", "peak_signal_to_noise", "10 log10(max(fused)^2 / MSE).",
        about={"low": None, "defect": "the peak is the largest fused level, so a darker image scores less"},
        scale=1.0, peak="fused_maximum",
    ),
])  # fmt: skip

_ALL = (
    Convention(
        name="standard",
        title="Mathematically sound",
        summary="Every number is what its name says; what this benchmark recommends.",
        sound=True,
        grey="bt601",
        input_text="BT.601 luma 0.299 R + 0.587 G + 0.114 B, rounded half up to 0..255",
        defects=(),
        used_by=("this benchmark",),
        verified="against plain-loop oracles written from the formulas",
        cite="ivif-bench metrics, convention `standard`",
        source="definitions of the papers named for each metric",
        default=SIX,
        uses=_STANDARD,
    ),
    Convention(
        name="seafusion2022",
        title="MATLAB evaluator of 2022",
        summary="The MATLAB code of Tang et al. before March 2023, with its uint8 arithmetic; the SeAFusion paper's numbers.",
        sound=False,
        grey="matlab",
        input_text="MATLAB rgb2gray to uint8; some metrics on uint8, others on 0..1",
        defects=(
            "SD: uint8 arithmetic drops all pixels below the mean and clips squares at 255; at most 15.97.",
            "VIF: products clip at 255, so the finest scale counts in dark areas only; 0.98 for 0.70 on TNO.",
            "SF: on 0..1 images, 255 times smaller than usual.",
            "Qabf: a tie of edge strengths scores the strength itself; on 0..1 images that is a loss.",
            "MI: levels 254 and 255 share a bin of the joint histogram.",
            "PSNR: error on 0..1 with a peak of 255, 48.13 dB too high.",
        ),
        used_by=("SeAFusion 2022", "PIAFusion 2022", "SwinFusion 2022", "SuperFusion 2022", "TC-MoA 2024"),
        verified="117 published values per metric within 1e-9 (VIF 2e-8)",
        cite="MATLAB evaluator of Tang et al., state of 2022 (uint8), as reproduced by ivif-bench `seafusion2022`",
        source="Tang, Yuan, Ma, 2022, doi:10.1016/j.inffus.2021.12.004, and its evaluation code before 2023-03-03",
        default=SIX,
        uses=_SEAFUSION,
    ),
    Convention(
        name="tang2023",
        title="MATLAB evaluator since 2023",
        summary="The same repository after its repair in March 2023: floating point on 0..255.",
        sound=False,
        grey="matlab",
        input_text="MATLAB rgb2gray to uint8, then floating point 0..255",
        defects=(
            "Qabf: zero padding makes the frame an edge, and ties of edge strength score the strength itself.",
            "MI: levels 254 and 255 share a bin of the joint histogram.",
            "PSNR: error on 0..1 with a peak of 255, 48.13 dB too high.",
        ),
        used_by=("DRMF 2024", "papers that use Evaluation-for-Image-Fusion since March 2023"),
        verified="27 rows of the authors' code in Octave within 1e-9",
        cite="MATLAB evaluator of Tang et al., state since March 2023, as reproduced by ivif-bench `tang2023`",
        source="github.com/Linfeng-Tang/Evaluation-for-Image-Fusion",
        default=SIX,
        uses=_TANG,
    ),
    Convention(
        name="cddfuse",
        title="Python evaluator of CDDFuse",
        summary="The evaluator that came with CDDFuse and is copied by many papers since 2023.",
        sound=False,
        grey="opencv",
        input_text="OpenCV grey in float32, rounded half to even",
        defects=(
            "MI is in nats: 0.693 of the value in bits.",
            "VIFF is the sum of two pixel-domain VIFs, not the VIFF of Han et al. 2013.",
            "PSNR: the peak is the largest fused level.",
            "Qabf: zero padding makes the frame an edge, and ties of edge strength score the strength itself.",
        ),
        used_by=("CDDFuse 2023", "papers that reuse its Evaluator.py"),
        verified="27 rows of the original code within 1e-6 relative",
        cite="Evaluator of CDDFuse (Zhao et al., CVPR 2023), as reproduced by ivif-bench `cddfuse`",
        source="Zhao et al., 2023, doi:10.1109/CVPR52729.2023.00572",
        default=SIX,
        uses=_CDDFUSE,
    ),
)  # fmt: skip

CONVENTIONS: dict[str, Convention] = {convention.name: convention for convention in _ALL}
"""All conventions by name."""
