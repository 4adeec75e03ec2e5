"""Cumulative curves for a paper: one PDF per data set and convention, a panel for each headline metric."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pandas as pd

from bench.analysis.curves import Curve, cumulative_curves
from bench.analysis.numbers import headline
from reports.source import MethodView

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#c4609a", "#b87a00", "#3f9fd6", "#17191c")
"""Okabe and Ito's palette without its yellow, a little darker where white paper asks for it; as in ``curves.js``."""

GREY = "#8a9098"
DASHES: tuple[Any, ...] = ("solid", (0, (6, 3)), (0, (1.5, 2)), (0, (8, 2.5, 1.5, 2.5)), (0, (3.5, 2)))
POINTS = 200
"""Longer curves are drawn through this many of their points; a printed panel shows no more."""


def curves_pdf(rows: pd.DataFrame, dataset: str, convention: str, methods: Sequence[MethodView]) -> bytes:
    """Draws the curves of all methods, with the means in the legend as the SeAFusion paper does.

    Args:
        rows: scores of the data set in this convention.
        dataset: its name.
        convention: of the metrics.
        methods: in the order of the legend; references are left out.

    Returns:
        A PDF file; equal input gives equal bytes. Empty if there is nothing to draw.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    found = {metric: cumulative_curves(rows, dataset, convention, metric) for metric in headline(convention)}
    compared = [method for method in methods if not method.reference]
    labels = {method.label for method in compared}
    found = {metric: curves for metric, curves in found.items() if labels.intersection(curves)}
    if not found:
        return b""
    columns = min(3, len(found))
    lines = -(-len(found) // columns)
    with rc_context({"font.size": 8, "pdf.fonttype": 42, "axes.grid": True, "grid.color": "#dddddd"}):
        figure = Figure(figsize=(3.3 * columns, 2.9 * lines))
        FigureCanvasPdf(figure)
        # fixed margins: to measure every label first would double the time
        figure.subplots_adjust(
            left=0.55 / (3.3 * columns), right=1 - 0.1 / (3.3 * columns), wspace=0.28,
            bottom=0.45 / (2.9 * lines), top=1 - 0.12 / (2.9 * lines), hspace=0.28,
        )  # fmt: skip
        for place, (metric, curves) in enumerate(found.items(), 1):
            axes = figure.add_subplot(lines, columns, place)
            _panel(axes, metric, curves, compared)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="pdf", metadata={"CreationDate": None})
    return buffer.getvalue()


def _panel(axes: Any, metric: str, curves: dict[str, Curve], methods: Sequence[MethodView]) -> None:
    for method in methods:
        if method.label not in curves:
            continue
        x, y = curves[method.label]
        step = max(1, len(x) // POINTS)
        keep = [*range(0, len(x) - 1, step), len(x) - 1]
        axes.plot(
            x[keep], y[keep], color=COLOURS[method.colour], linestyle=DASHES[method.dash % len(DASHES)], linewidth=1.1,
            label=f"{_plain(method.title)}: {y.mean():.4g}",
        )  # fmt: skip
    axes.set(xlabel="Part of the pairs", ylabel=_plain(metric), xlim=(0, 1))
    axes.legend(fontsize=5.5, framealpha=0.8, handlelength=2.6)


def _plain(text: str) -> str:
    """Text that matplotlib does not take for formulae."""
    return " ".join(text.split()).replace("$", r"\$")
