"""Formula name of the catalogue -> its compiled version; a formula that is not here is computed by NumPy."""

from __future__ import annotations

from collections.abc import Callable

from bench.metrics import information
from bench.metrics.kernels import counts, edges, features, fidelity, greys
from bench.metrics.planes import Conversion

KERNELS: dict[str, Callable[..., float]] = {
    "entropy": counts.entropy,
    "mutual_information": counts.mutual_information,
    "correlation_coefficient": counts.counted(information.correlation_coefficient),
    "sum_of_correlations_of_differences": counts.counted(information.sum_of_correlations_of_differences, between=True),
    "mean_squared_error": counts.counted(information.mean_squared_error),
    "peak_signal_to_noise": counts.counted(information.peak_signal_to_noise),
    "root_mean_squared_error_by_size": counts.counted(information.root_mean_squared_error_by_size),
    "peak_signal_to_noise_by_size": counts.counted(information.peak_signal_to_noise_by_size),
    "visual_information_fidelity": fidelity.visual_information_fidelity,
    "feature_mutual_information": features.feature_mutual_information,
    "edge_preservation": edges.edge_preservation,
}

GREYS: dict[str, Conversion] = {"bt601": greys.bt601, "matlab": greys.matlab}
"""The same for conversions to grey; OpenCV's own is fast, and its rounding is not ours to copy."""
