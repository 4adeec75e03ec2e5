"""Figures of a notebook; what is drawn comes from :mod:`bench.analysis`."""

from __future__ import annotations

import io
from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.curves import Curve
from bench.types import Image

PANELS = 4
"""In a row."""


class Shown(Figure):
    """A figure that a notebook shows by itself, without pyplot."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=100)
        return buffer.getvalue()


def curve_panels(title: str, curves: Mapping[str, Mapping[str, Curve]]) -> Figure:
    """Cumulative curves: a panel for each metric, one legend below all."""
    figure, panels = _panels(len(curves), 3.0, 2.6)
    colours = {method: f"C{place % 10}" for place, method in enumerate(dict.fromkeys(_methods(curves)))}
    handles = {}
    for axes, (metric, lines) in zip(panels, curves.items(), strict=True):
        for method, (x, y) in lines.items():
            (handles[method],) = axes.plot(x, y, color=colours[method], linewidth=1.2, label=method)
        axes.set(xlabel="part of the pairs", ylabel=metric, xlim=(0, 1))
        axes.grid(alpha=0.3)
    figure.suptitle(title)
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=5, fontsize="small", frameon=False)
    return figure


def image_row(panels: Mapping[str, Image]) -> Figure:
    """Images side by side under their names."""
    figure, places = _panels(len(panels), 3.2, 2.7)
    for axes, (name, image) in zip(places, panels.items(), strict=True):
        axes.imshow(image, cmap="gray", vmin=0, vmax=255)
        axes.set_title(name, fontsize="small")
        axes.set_axis_off()
    return figure


def _methods(curves: Mapping[str, Mapping[str, Curve]]) -> list[str]:
    return [method for lines in curves.values() for method in lines]


def _panels(count: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels of a size in inches, at most four in a row."""
    columns = min(count, PANELS)
    rows = -(-count // columns)
    figure = Shown(figsize=(width * columns, height * rows), layout="constrained")
    return figure, [figure.add_subplot(rows, columns, place) for place in range(1, count + 1)]
