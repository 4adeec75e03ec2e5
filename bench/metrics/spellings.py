"""How papers write the names of metrics, and which ideas of the catalogue each may mean; imports nothing heavy."""

from __future__ import annotations

import difflib
import re
from functools import cache

from bench.metrics.metric_facts import METRICS

_WRITTEN: dict[str, tuple[str, ...]] = {
    "EN": ("en", "entropy", "ie", "informationentropy"),
    "MI": ("mi", "mutualinformation", "mutualinfo"),
    "VIF": ("vif", "vifp", "viff", "visualinformationfidelity"),
    "VIFF": ("viff", "vif", "visualinformationfidelityforfusion"),
    "SF": ("sf", "spatialfrequency"),
    "SD": ("sd", "std", "stddev", "standarddeviation", "variance", "var", "stdev"),
    "Qabf": ("qabf", "qab/f", "qf", "qabfedgepreservation", "qp/f", "qxy/f", "qg"),
    "AG": ("ag", "averagegradient", "avggradient", "meangradient", "mg"),
    "CC": ("cc", "corr", "correlation", "correlationcoefficient", "corrcoef"),
    "SCD": ("scd", "sumofcorrelationsofdifferences"),
    "MSE": ("mse", "meansquarederror", "rmse", "rootmeansquarederror"),
    "PSNR": ("psnr", "peaksignaltonoiseratio"),
    "SSIM": ("ssim", "structuralsimilarity"),
    "MS_SSIM": ("msssim", "multiscalessim"),
    "MEF_SSIM": ("mefssim", "ssimmef"),
    "MEF_MS_SSIM": ("mefmsssim", "msssim"),
    "Nabf": ("nabf", "nab/f", "artefacts", "artifacts"),
    "FMI_pixel": ("fmipixel", "fmip", "fmi", "fmiedge"),
    "FMI_raw": ("fmiraw", "fmipixel", "fmip", "fmi"),
    "FMI_edge": ("fmiedge", "fmipixel"),
    "FMI_gradient": ("fmigradient", "fmig"),
    "FMI_dct": ("fmidct", "fmid"),
    "FMI_wavelet": ("fmiwavelet", "fmiw"),
    "Qcb": ("qcb", "chenblum"),
    "Qcv": ("qcv", "chenvarshney"),
    "CE": ("ce", "crossentropy"),
    "Edge_intensity": ("ei", "edgeintensity"),
    "Q_MI": ("qmi", "nmi", "normalizedmutualinformation", "normalisedmutualinformation"),
    "Q_NCIE": ("qncie", "ncie"),
    "Q_TE": ("qte", "te", "tsallis", "tsallisentropy"),
    "Q_TE_Cvejic": ("qtecvejic", "qte", "te"),
    "TE": ("te", "tsallisentropy", "qte"),
    "Q_G": ("qg",),
    "Q_M": ("qm",),
    "Q_SF": ("qsf",),
    "Q_P": ("qp",),
    "Q_S": ("qs", "piella"),
    "Q_W": ("qw",),
    "Q_E": ("qe",),
    "Q_C": ("qc",),
    "Q_Y": ("qy", "yang"),
    "CIEDE2000": ("ciede2000", "ciede", "deltae", "de2000"),
}
"""Idea -> ways to write it, letters and digits only; a way that two ideas share may mean either."""


def written(name: str) -> str:
    """A name without case, marks, units in brackets and signs: only letters, digits and a slash."""
    return re.sub(r"[^a-z0-9/]", "", re.sub(r"\(.*?\)|\[.*?\]", "", name.casefold()))


@cache
def _ways() -> dict[str, tuple[str, ...]]:
    ways: dict[str, dict[str, None]] = {}
    for entry in METRICS.values():  # a metric's own name means its idea before anything else
        ways.setdefault(written(entry.name), {})[entry.idea] = None
    for idea, spellings in _WRITTEN.items():
        for spelling in spellings:
            ways.setdefault(spelling, {})[idea] = None
    return {spelling: tuple(ideas) for spelling, ideas in ways.items()}


def ideas_of(header: str) -> tuple[str, ...]:
    """The ideas a column header may mean, the likeliest first; empty if it is no metric's name."""
    name = written(header)
    ways = _ways()
    for form in (name, name.replace("/", "")):
        if form in ways:
            return ways[form]
    near = difflib.get_close_matches(name, [way for way in ways if len(way) > 5], n=1, cutoff=0.85)
    return ways[near[0]] if near else ()
