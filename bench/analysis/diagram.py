"""The critical-difference diagram of a comparison, as SVG."""

from __future__ import annotations

import io
from typing import Any

from bench.analysis.pairwise import Comparison
from bench.errors import BenchError


def critical_difference_svg(comparison: Comparison, titles: dict[str, str] | None = None) -> str:
    """Draws mean ranks on a line, best left; bars join methods that Nemenyi's test cannot tell apart.

    The text stays text (it can be searched and read aloud), and equal input gives equal bytes.

    Args:
        comparison: of at least three methods.
        titles: how methods are named in print.

    Returns:
        An ``<svg>`` element without XML header.

    Raises:
        BenchError: fewer than three methods.

    References:
        J. Demsar, JMLR 7:1-30, 2006, figure 1.
    """
    if comparison.omnibus is None or comparison.nemenyi is None:
        raise BenchError(f"{comparison.metric}: {len(comparison.standings)} methods, wanted three for such a diagram")
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from scikit_posthocs import critical_difference_diagram

    names = {entry.method: _plain((titles or {}).get(entry.method, entry.method)) for entry in comparison.standings}
    shown = _distinct(names)
    ranks = {shown[entry.method]: entry.rank.value for entry in comparison.standings}
    significance = comparison.nemenyi.rename(index=shown, columns=shown)
    settings: Any = {"svg.hashsalt": "ivif-bench", "svg.fonttype": "none", "font.size": 9}
    with rc_context(settings):
        figure = Figure(figsize=(7.0, 1.1 + 0.2 * ((len(ranks) + 1) // 2) + 0.12 * len(ranks)), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        critical_difference_diagram(
            ranks, significance, alpha=comparison.settings.alpha, ax=axes, label_fmt_left="{label} ({rank:.2f})",
            label_fmt_right="({rank:.2f}) {label}",
        )  # fmt: skip
        _draw_scale(axes, comparison.omnibus.critical_difference, min(ranks.values()))
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :].rstrip()


def _draw_scale(axes: Any, width: float, start: float) -> None:
    """The critical difference as a bar above the axis."""
    axes.plot([start, start + width], [1.2, 1.2], color="black", linewidth=1.5, marker="|", clip_on=False)
    axes.text(start + width / 2, 1.5, f"CD = {width:.3f}", ha="center", va="bottom")


def _plain(text: str) -> str:
    """Text that matplotlib does not take for formulae."""
    return " ".join(text.split()).replace("$", r"\$")


def _distinct(names: dict[str, str]) -> dict[str, str]:
    """Titles, with the method's own name added where two share one."""
    titles = list(names.values())
    return {name: title if titles.count(title) == 1 else f"{title} [{_plain(name)}]" for name, title in names.items()}
