"""The seven conventions: how each computes each metric, as parameters of the engine's formulas, and what was found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from bench.metrics.facts import Convention, Parameter, Use
from bench.metrics.metric_facts import BUILT_IN, METRICS
from bench.metrics.packages import CONVENTION, packaged_metrics

SIX = ("EN", "MI", "VIF", "SF", "SD", "Qabf")
"""The metrics of the SeAFusion paper; they lead every table."""


def _use(
    metric: str, formula: str, definition: str = "", /, *, about: dict[str, Any] | None = None, **parameters: Parameter
) -> Use:
    """A use whose facts are the metric's unless ``about`` says otherwise."""
    facts = METRICS[metric]
    told: dict[str, Any] = {"unit": facts.unit, "low": facts.low, "high": facts.high, **(about or {})}
    return Use(metric, formula, tuple(sorted(parameters.items())), definition or facts.definition, **told)


def _slow(
    metric: str, formula: str, definition: str = "", /, *, about: dict[str, Any] | None = None, **parameters: Parameter
) -> Use:
    """A use that is computed only when it is asked for."""
    return _use(metric, formula, definition, about={"quick": False, **(about or {})}, **parameters)


def _fmi(metric: str, feature: str, slips: bool, definition: str = "", defect: str = "") -> Use:
    about = {"smallest": 3, "defect": defect}
    return _slow(metric, "feature_mutual_information", definition, about=about, feature=feature, slips=slips)


def _colour(metric: str, formula: str, statistic: str) -> Use:
    return _slow(metric, formula, about={"channels": "together"}, statistic=statistic)


def _table(uses: Iterable[Use]) -> MappingProxyType[str, Use]:
    return MappingProxyType({use.metric: use for use in uses})


_VIF = _use("VIF", "visual_information_fidelity", about={"smallest": 41}, saturate=False)
_AG_MATLAB_TEXT = "Centred differences, one-sided at the frame; the sum over H W pixels divided by (H - 1)(W - 1)."
_AG_MATLAB = _use(
    "AG", "average_gradient", _AG_MATLAB_TEXT,
    about={"high": None, "smallest": 2, "defect": "sums H W terms and divides by fewer: 0.4 % high at 640x480"},
    difference="central", divisor="inner",
)  # fmt: skip
_QABF_LEVELS = _use(
    "Qabf", "edge_preservation", "On 0..255 images with a black frame.",
    about={"defect": "the black frame counts as an edge"}, unit="level", border="zero", tie="strength",
)  # fmt: skip
_PSNR_MATLAB = _use(
    "PSNR", "peak_signal_to_noise", "20 log10(255 / sqrt(MSE)) with the MSE of images scaled to 0..1.",
    about={"low": 48.13, "defect": "the error is taken on 0..1 but the peak is 255: 48.13 dB too high"},
    scale=255.0, peak="255",
)  # fmt: skip

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
    _use(
        "AG", "average_gradient", "Forward differences of 0..255, mean over the (H - 1)(W - 1) pixels that have both.",
        about={"smallest": 2}, difference="forward", divisor="inner",
    ),
    _use("CC", "correlation_coefficient"),
    _use("SCD", "sum_of_correlations_of_differences"),
    _use("MSE", "mean_squared_error", scale=1.0),
    _use("PSNR", "peak_signal_to_noise", scale=1.0, peak="255"),
    _use("CE", "cross_entropy"),
    _slow(
        "SSIM", "structural_similarity", about={"smallest": 11},
        window="gaussian_11", border="valid", data_range=255.0, sample=False, combine="mean",
    ),
    _slow("MS_SSIM", "multi_scale_structural_similarity", about={"smallest": 161}),
    _slow("MEF_SSIM", "exposure_structure", about={"smallest": 11}, scales=1),
    _slow("MEF_MS_SSIM", "exposure_structure", about={"smallest": 44}, scales=3),
    _fmi("FMI_raw", "raw", False),
    _fmi("FMI_gradient", "gradient", False),
    _fmi("FMI_edge", "edge", False),
    _fmi("FMI_dct", "dct", False),
    _fmi("FMI_wavelet", "wavelet", False),
    _slow(
        "Nabf", "fusion_artefacts", "On 0..255, Sobel / 8 with a mirrored frame.",
        about={"smallest": 2}, unit="level", rated="fused",
    ),
    _slow("Qcb", "chen_blum", about={"smallest": 2}),
    _slow("Qcv", "chen_varshney", about={"smallest": 2}),
    _slow("Q_MI", "normalised_mutual_information", stretch=False),
    _slow("Q_NCIE", "nonlinear_correlation_entropy", stretch=False),
    _slow("Q_TE", "tsallis_quality", swapped=False, stretch=False),
    _slow("Q_P", "phase_preservation", about={"smallest": 2}, slips=False),
    _slow(
        "Q_Y", "selective_similarity", "SSIM with Wang's constants, Gaussian 7x7 windows.",
        about={"smallest": 7}, constants="wang",
    ),
    _slow("Q_S", "saliency_similarity", about={"smallest": 11}),
    _slow("Q_W", "weighted_similarity", about={"smallest": 11}),
    _slow("Q_E", "edge_weighted_similarity", about={"smallest": 11}),
    _slow(
        "VIFF", "fusion_fidelity", "Equal gains: the source with more information counts.",
        about={"smallest": 41}, ties="more",
    ),
    _colour("CIEDE2000", "colour_difference", "mean"),
    _colour("CIEDE2000_p95", "colour_difference", "p95"),
    _colour("Hue_difference", "hue_difference", "mean"),
    _colour("Hue_difference_p95", "hue_difference", "p95"),
    _slow("BRISQUE", "brisque", about={"smallest": 16, "extra": "naturalness"}),
])  # fmt: skip

_FLAT = "two flat windows are compared by their rounding residues"
_MEF = "not SSIM: an index made for multi-exposure fusion"
_MATLAB_SHARED = (
    _use("EN", "entropy", unit="bit"),
    _use(
        "MI", "mutual_information", "Bits, sum over the sources; levels 254 and 255 share a joint bin.",
        about={
            "high": 16.0225,  # 2 log2(254 + 2^2): the shared bin saves up to 2 bit wherever it is met
            "defect": "the shared bin raises it: 0.23 bit on a real pair with white areas, 2 bit on levels 254, 255",
        },
        unit="bit", merge_top_bins=True, stretch=False,
    ),
    _AG_MATLAB,
    _use("CC", "correlation_coefficient"),
    _use("SCD", "sum_of_correlations_of_differences"),
    _use("MSE", "mean_squared_error", "Of images scaled to 0..1.", about={"unit": "", "high": 1.0}, scale=255.0),
    _PSNR_MATLAB,
    _slow(
        "MS_SSIM", "exposure_structure", "The MEF structure index at three scales.",
        about={"smallest": 44, "defect": _MEF}, scales=3,
    ),
    _fmi(
        "FMI_pixel", "edge", True, "Of binary Sobel edge maps, thinned as Octave does.",
        f"not of pixels but of edge maps; {_FLAT}; MATLAB thins edges in another way and gets other values",
    ),
    _fmi("FMI_dct", "dct", True, defect=_FLAT),
    _fmi(
        "FMI_wavelet", "wavelet", True,
        defect=f"{_FLAT}; MATLAB's discrete Meyer filter has 102 taps, this one 62, so MATLAB gets other values",
    ),
    _fmi("FMI_raw", "raw", True, "Of levels; in the toolbox, not called by the evaluator.", _FLAT),
    _fmi(
        "FMI_gradient", "gradient", True, "Of horizontal gradients; in the toolbox, not called by the evaluator.", _FLAT
    ),
)  # fmt: skip
_MATLAB_ORDER = (*SIX, "AG", "CC", "SCD", "MSE", "PSNR", "SSIM", "MS_SSIM", "Nabf",
                 "FMI_pixel", "FMI_dct", "FMI_wavelet", "FMI_raw", "FMI_gradient")  # fmt: skip


def _matlab(*own: Use) -> MappingProxyType[str, Use]:
    """The two states of the MATLAB evaluator: what they share, and what each has of its own."""
    uses = {use.metric: use for use in (*_MATLAB_SHARED, *own)}
    return _table(uses[name] for name in _MATLAB_ORDER)


_SEAFUSION = _matlab(
    _use(
        "VIF", "visual_information_fidelity",
        "Sum over the sources; at the finest scale the products of the images are clipped to 255.",
        about={"smallest": 41, "error": 2e-8, "defect": "the finest scale counts only where it is darker than 16"},
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
    _slow(
        "SSIM", "exposure_structure", "The single-scale MEF structure index, 11x11 windows, on 0..255.",
        about={"smallest": 11, "defect": _MEF}, scales=1,
    ),
    _slow(
        "Nabf", "fusion_artefacts", "On 0..1 images, Sobel / 8 with a mirrored frame.",
        about={"smallest": 2, "defect": "no gradient of 0..1 images gets a weight of its own: an unweighted mean"},
        unit="fraction", rated="fused",
    ),
)  # fmt: skip

_TANG = _matlab(
    _VIF,
    _use("SF", "spatial_frequency", scale=1.0, divisor="differences"),
    _use("SD", "standard_deviation"),
    _QABF_LEVELS,
    _slow(
        "SSIM", "structural_similarity",
        "Mean of two SSIMs, Gaussian window 11, frame repeated, constants of a data range of 1 on 0..255 data.",
        about={"defect": "constants 65025 times too small: noise decides in flat areas; not verified in MATLAB"},
        window="gaussian_11", border="replicate", data_range=1.0, sample=False, combine="mean",
    ),
    _slow(
        "Nabf", "fusion_artefacts", "On 0..255; rates the infrared image as if it were fused from the other two.",
        about={"smallest": 2, "defect": "arguments in the wrong order: it does not rate the fused image"},
        unit="level", rated="infrared",
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
        about={"smallest": 41, "defect": "printed as VIFF, another metric"}, saturate=False,
    ),
    _use("SF", "spatial_frequency", about={"error": 3e-7}, scale=1.0, divisor="differences"),
    _use("SD", "standard_deviation", about={"error": 3e-7}),
    _QABF_LEVELS,
    _use(
        "AG", "average_gradient", "Centred differences of 0..255, one-sided at the frame; mean over all H W pixels.",
        about={"smallest": 2}, difference="central", divisor="pixels",
    ),
    _use("CC", "correlation_coefficient"),
    _use("SCD", "sum_of_correlations_of_differences"),
    _use("MSE", "mean_squared_error", about={"error": 3e-7}, scale=1.0),
    _use(
        "PSNR", "peak_signal_to_noise", "10 log10(max(fused)^2 / MSE).",
        about={"low": None, "defect": "the peak is the largest fused level, so a darker image scores less"},
        scale=1.0, peak="fused_maximum",
    ),
    _use(
        "SSIM", "structural_similarity",
        "Sum of two SSIMs, uniform 7x7 window, sample covariance, constants of a data range of 2 on 0..255 data.",
        about={"low": -2.0, "high": 2.0, "smallest": 7, "error": 1e-5,
               "defect": "a sum, up to 2; the data range of float images (-1..1) is assumed for 0..255"},
        window="uniform_7", border="valid", data_range=2.0, sample=True, combine="sum",
    ),
])  # fmt: skip

_VIFB = _table([
    _use(
        "Avg_gradient", "average_gradient", _AG_MATLAB_TEXT,
        about={"smallest": 2}, difference="central", divisor="inner",
    ),
    _use("Cross_entropy", "cross_entropy"),
    _use("Edge_intensity", "edge_intensity"),
    _use("Entropy", "entropy", unit="bit"),
    _use("Mutinf", "mutual_information", unit="nat", merge_top_bins=False, stretch=True),
    _use("Psnr", "peak_signal_to_noise_by_size"),
    _use(
        "Qabf", "edge_preservation", "On levels that were scaled by 255 twice (0..65025), with a black frame.",
        about={"defect": "the black frame counts as an edge"}, unit="level_times_255", border="zero", tie="strength",
    ),
    _use("Qcb", "chen_blum", about={"smallest": 2}),
    _use("Qcv", "chen_varshney", about={"smallest": 2}),
    _use("Rmse", "root_mean_squared_error_by_size"),
    _use("Spatial_frequency", "spatial_frequency", about={"channels": "side_by_side"}, scale=1.0, divisor="pixels"),
    _use(
        "Ssim", "structural_similarity", about={"smallest": 11},
        window="gaussian_11", border="valid", data_range=255.0, sample=False, combine="sum",
    ),
    _use("Variance", "standard_deviation"),
])  # fmt: skip

_ZOO = _table([
    _use(
        "CE", "sigmoid_cross_entropy", "Binary cross entropy of sigmoids of grey levels, in nats.",
        about={"unit": "nat", "low": 0.0, "high": 17.0,
               "defect": "no cross entropy of histograms: only levels below 16 count"},
    ),
    _use("NMI", "information_over_source_entropies"),
    _use("QNCIE", "linear_correlation_entropy"),
    _use("TE", "entropy_difference"),
    _use("EI", "black_framed_edge_intensity"),
    _use("Qy", "heavy_window_selective_similarity"),
    _slow(
        "Qcb", "chen_blum_at_half_frequency", "At half the frequencies of the paper, with guards of 1e-10.",
        about={"smallest": 2, "error": 1e-3,
               "defect": "identical images do not reach 1; its filter sees half of each frequency"},
    ),
    _use("EN", "shifted_entropy", "1e-7 is added inside the logarithm.", about={"low": -1e-6}, shift=1e-7),
    _use("MI", "mutual_information", unit="bit", merge_top_bins=False, stretch=False),
    _use("SF", "spatial_frequency", scale=1.0, divisor="differences"),
    _use(
        "AG", "average_gradient", "Centred differences of 0..255, one-sided at the frame; mean over all H W pixels.",
        about={"smallest": 2}, difference="central", divisor="pixels",
    ),
    _use("SD", "standard_deviation"),
    _use("CC", "correlation_coefficient"),
    _use("SCD", "sum_of_correlations_of_differences"),
    _use(
        "VIF", "stretched_window_fidelity", "Sum over the sources; windows stretched and off centre, black frame.",
        about={"error": 2e-4, "defect": "the windows are off centre and the black frame counts"},
    ),
    _use("MSE", "mean_squared_error", "Of images scaled to 0..1.", about={"unit": "", "high": 1.0}, scale=255.0),
    _PSNR_MATLAB,
    _QABF_LEVELS,
    _slow(
        "Nabf", "fusion_artefacts", "On 0..255, Sobel / 8 with a mirrored frame; gradients below 2 have no weight.",
        about={"smallest": 2, "defect": "weak edges count nothing"}, unit="level", rated="fused", floor=0.0,
    ),
    _slow(
        "SSIM", "structural_similarity", "Sum of two, constants of a data range of 1 on 0..255 data.",
        about={"low": -2.0, "high": 2.0, "smallest": 11, "error": 1e-3,
               "defect": "a sum, up to 2; constants 65025 times too small: noise decides in flat areas"},
        window="gaussian_11", border="valid", data_range=1.0, sample=False, combine="sum",
    ),
    _slow(
        "MS_SSIM", "black_padded_multi_scale_similarity",
        "Sum of two, constants of a data range of 1 on 0..255 data; odd sides padded with black.",
        about={"high": 2.0, "smallest": 161, "error": 3e-4,
               "defect": "a sum, up to 2; constants 65025 times too small"},
    ),
])  # fmt: skip

_LIU = _table([
    _use("Q_MI", "normalised_mutual_information", "Of min-max stretched images.", stretch=True),
    _use(
        "Q_TE", "tsallis_quality", "Of min-max stretched images, q = 0.43137, marginals swapped.",
        about={"defect": "the two marginals change places: 1.27 to 2.5 times too high"}, swapped=True, stretch=True,
    ),
    _use("Q_NCIE", "nonlinear_correlation_entropy", "Of min-max stretched images.", stretch=True),
    _use("Q_G", "gradient_preservation", about={"defect": "not symmetric in the sources; the black frame counts"}),
    _use("Q_M", "wavelet_preservation", about={"smallest": 4, "defect": "a sum of three bands, up to 3"}),
    _use("Q_SF", "frequency_error"),
    _slow(
        "Q_P", "phase_preservation", about={"smallest": 2, "defect": "odd sides: the low-pass filter is out of place"},
        slips=True,
    ),
    _use("Q_S", "saliency_similarity", about={"smallest": 11}),
    _use(
        "Q_C", "covariance_similarity",
        about={"smallest": 7, "error": 2e-2,
               "defect": "quality, not its weight, is cut at 0 and 1; rounding decides in flat areas"},
    ),
    _use(
        "Q_Y", "selective_similarity", "SSIM constants 2e-16, Gaussian 7x7 windows.",
        about={"smallest": 7, "defect": "constants of 2e-16: rounding decides in flat areas"}, constants="none",
    ),
    _use("Q_CV", "chen_varshney", about={"smallest": 2}),
    _use("Q_CB", "chen_blum", about={"smallest": 2}),
    _use("Q_W", "weighted_similarity", about={"smallest": 11}),
    _use("Q_E_repaired", "edge_weighted_similarity", about={"smallest": 11}),
    _use(
        "Q_TE_Cvejic", "tsallis_sum", "Of min-max stretched images, q = 1.85, marginals swapped.",
        about={"defect": "the two marginals change places: thousands in place of ten"}, swapped=True, stretch=True,
    ),
    _slow(
        "VIFF", "fusion_fidelity", "As released: where both gains are equal the visible image counts.",
        about={"smallest": 41}, ties="visible",
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
        summary="The evaluator of Tang et al. until March 2023, with its uint8 arithmetic; SeAFusion reports in it.",
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
            "AG: a sum over H W pixels is divided by (H - 1)(W - 1).",
            "SSIM and MS_SSIM are MEF structure indices; FMI_pixel is of edge maps; Nabf has its weights switched off.",
        ),
        used_by=("SeAFusion 2022", "PIAFusion 2022", "SwinFusion 2022", "SuperFusion 2022"),
        verified="117 published values of each of 11 metrics within 1e-9 (VIF 2e-8); slow metrics on 9 rows in Octave",
        cite="MATLAB evaluator of Tang et al., state of 2022 (uint8), as reproduced by ivif-bench `seafusion2022`",
        source="Tang, Yuan, Ma, 2022, doi:10.1016/j.inffus.2021.12.004, and its evaluation code before 2023-03-03",
        default=SIX,
        uses=_SEAFUSION,
    ),
    Convention(
        name="tang2023",
        title="MATLAB evaluator since 2023",
        summary="The same evaluator after its repair in March 2023: floating point on 0..255.",
        sound=False,
        grey="matlab",
        input_text="MATLAB rgb2gray to uint8, then floating point 0..255",
        defects=(
            "Qabf: zero padding makes the frame an edge.",
            "MI: levels 254 and 255 share a bin of the joint histogram.",
            "MSE and PSNR: error on 0..1 with a peak of 255, 48.13 dB too high.",
            "AG: a sum over H W pixels is divided by (H - 1)(W - 1).",
            "SSIM: constants of a data range of 1 on 0..255; MS_SSIM is a MEF structure index.",
            "Nabf rates the infrared image, by a slip in the order of arguments; FMI_pixel is of edge maps.",
        ),
        used_by=("DRMF 2024", "papers with the evaluator of Tang et al. since March 2023"),
        verified="27 rows of the authors' code in Octave, 11 metrics within 1e-9; SSIM not verified",
        cite="MATLAB evaluator of Tang et al., state since March 2023, as reproduced by ivif-bench `tang2023`",
        source="github.com/Linfeng-Tang/Evaluation-for-Image-Fusion",
        default=SIX,
        uses=_TANG,
    ),
    Convention(
        name="cddfuse",
        title="Python evaluator of CDDFuse",
        summary="The evaluator that came with CDDFuse, used by many papers since.",
        sound=False,
        grey="opencv",
        input_text="OpenCV grey in float32, rounded half to even",
        defects=(
            "MI is in nats: 0.693 of the value in bits.",
            "VIFF is the sum of two pixel-domain VIFs, not the VIFF of Han et al. 2013.",
            "PSNR: the peak is the largest fused level.",
            "Qabf: zero padding makes the frame an edge.",
            "SSIM: a sum, with the constants of a data range of 2 on 0..255.",
        ),
        used_by=("CDDFuse 2023", "papers that reuse its evaluator"),
        verified="27 rows of the original code, 12 metrics within 1e-6 relative (SSIM 1e-5)",
        cite="Evaluator of CDDFuse (Zhao et al., CVPR 2023), as reproduced by ivif-bench `cddfuse`",
        source="Zhao et al., 2023, doi:10.1109/CVPR52729.2023.00572",
        default=SIX,
        uses=_CDDFUSE,
        error=1e-6,
    ),
    Convention(
        name="vifb",
        title="Toolbox of the VIFB benchmark",
        summary="The thirteen metrics of VIFB under its own names, per colour channel.",
        sound=False,
        grey="channels",
        input_text="none: per colour channel of the fused image, then the mean; grey counts as three channels",
        defects=(
            "Rmse is the true RMSE divided by sqrt(H W), so it depends on the image size; Psnr is computed from it.",
            "Mutinf is in nats and of min-max stretched images.",
            "Spatial_frequency counts the seams between the three channels side by side.",
            "Variance is a standard deviation.",
            "Ssim and Mutinf are sums over the two sources.",
            "Qabf: zero padding makes the frame an edge.",
        ),
        used_by=("VIFB 2020", "papers that use the VIFB toolbox"),
        verified="3289 published values of 23 methods, every printed digit",
        cite="VIFB toolbox (Zhang et al., CVPRW 2020), as reproduced by ivif-bench `vifb`",
        source="Zhang, Ye, Xiao, 2020, doi:10.1109/CVPRW50498.2020.00060",
        default=tuple(_VIFB),
        uses=_VIFB,
    ),
    Convention(
        name="ivif_zoo",
        title="Evaluator of the IVIF survey",
        summary="The Python evaluator of the IVIF_ZOO survey repository, 21 metrics in single precision.",
        sound=False,
        grey="pillow",
        input_text="Pillow's mode L, in integers",
        defects=(
            "CE is a cross entropy of sigmoids of grey levels: only pixels darker than 16 count.",
            "TE is H(ir) + H(vis) - H(fused), no Tsallis entropy; NMI lacks the fused image's entropy.",
            "QNCIE takes Pearson's r in place of a nonlinear correlation.",
            "VIF: windows off centre, black frame. Qy: the window sums to 7. Qcb: half of each frequency.",
            "PSNR: error on 0..1 with a peak of 255, 48.13 dB too high.",
            "SSIM and MS_SSIM: sums, with constants of a data range of 1 on 0..255.",
            "Qabf: zero padding makes the frame an edge. Nabf: weak gradients have no weight.",
            "EN: 1e-7 inside the logarithm, at most 4e-5 bit too low.",
        ),
        used_by=("the IVIF survey of 2024 and papers that use its repository",),
        verified="18 rows of the authors' code, 21 metrics: 2e-6 relative, VIF 2e-4, MS_SSIM 3e-4, Qcb and SSIM 1e-3",
        cite="Evaluator of the IVIF_ZOO repository (state of October 2024), as reproduced by ivif-bench `ivif_zoo`",
        source="github.com/RollingPlain/IVIF_ZOO",
        default=SIX,
        uses=_ZOO,
        error=2e-6,
    ),
    Convention(
        name="liu2012",
        title="Assessment toolbox of Liu et al.",
        summary="The MATLAB measures of the comparative study of Liu et al. (TPAMI 2012), and VIFF as released.",
        sound=False,
        grey="matlab",
        input_text="MATLAB rgb2gray to uint8, then floating point 0..255 (our choice: the toolbox takes grey images)",
        defects=(
            "Q_TE and Q_TE_Cvejic: the two marginals change places.",
            "Q_G: a mean over pixels, not symmetric in the sources, with a black frame.",
            "Q_M: a sum over three bands, up to 3.",
            "Q_C and Q_Y: constants of 2e-16, so that rounding decides in flat areas.",
            "Q_E stops with an error as released; Q_E_repaired is our repair.",
            "Q_P: on odd sides a filter is one sample out of place.",
        ),
        used_by=("Liu et al. 2012 and papers that use its toolbox",),
        verified="18 rows of the authors' code in Octave, 15 metrics within 1e-11 relative, Q_C within 2e-2",
        cite="Measures of Liu et al. (TPAMI 2012), as reproduced by ivif-bench `liu2012`",
        source="Liu et al., 2012, doi:10.1109/TPAMI.2011.109",
        default=tuple(name for name, use in _LIU.items() if use.quick),
        uses=_LIU,
    ),
)  # fmt: skip


def _with_packages(convention: Convention) -> Convention:
    found = packaged_metrics() if convention.name == CONVENTION else {}
    found = {name: each for name, each in found.items() if name not in BUILT_IN}
    uses = {**convention.uses, **{name: each.use for name, each in found.items()}}
    return replace(convention, uses=MappingProxyType(uses)) if found else convention


CONVENTIONS: dict[str, Convention] = {convention.name: _with_packages(convention) for convention in _ALL}
"""All conventions by name."""
