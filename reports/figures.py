"""Figures for a paper: cumulative curves and bars of means, one column wide, legend outside; PDF, SVG and PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.analysis.curves import Curve, cumulative_curves
from bench.analysis.numbers import headline
from bench.analysis.table import Cell, Table
from reports.source import MethodView

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#c4609a", "#b87a00", "#3f9fd6", "#17191c")
"""Okabe and Ito's palette without its yellow, a little darker where white paper asks for it; as in ``curves.js``."""

MARKS = ("o", "s", "^", "D", "v", "P", "X")
"""One for each colour, so that a print in grey, or an eye that mixes colours up, still tells the lines apart."""

GREY, PALE, INK = "#9aa0a6", "#9ecae1", "#17191c"
DASHES: tuple[Any, ...] = ("solid", (0, (6, 3)), (0, (1.5, 2)), (0, (8, 2.5, 1.5, 2.5)), (0, (3.5, 2)))
POINTS = 200
"""Longer curves are drawn through this many of their points; a printed panel shows no more."""

COLUMN_INCHES = 3.5
"""Width of one column of a page."""

NAMED = 10
"""Curves that can be told apart in a panel of half a column; the others are thin and grey."""

BARS = 15
"""Methods in a bar chart that fits a page."""

STYLE: dict[Any, Any] = {
    "font.size": 7, "axes.labelsize": 7, "xtick.labelsize": 6, "ytick.labelsize": 6, "legend.fontsize": 6.5,
    "pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "ivif-bench", "axes.grid": True,
    "grid.color": "#dddddd", "grid.linewidth": 0.5, "axes.linewidth": 0.6, "axes.axisbelow": True,
    "hatch.linewidth": 0.6,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """How a method is drawn."""

    colour: str
    mark: str
    dash: Any
    width: float


def look_of(method: MethodView, own: str) -> Look:
    """The colour, mark and dash of a method; the marked one is drawn twice as thick."""
    width = 2.0 if method.label == own else 1.0
    return Look(COLOURS[method.colour], mark_of(method), DASHES[method.dash % len(DASHES)], width)


def mark_of(method: MethodView) -> str:
    """Another one where a colour comes again."""
    return MARKS[(method.colour + 3 * method.dash) % len(MARKS)]


def curve_files(
    rows: pd.DataFrame, dataset: str, convention: str, methods: Sequence[MethodView], own: str = ""
) -> dict[str, bytes]:
    """The curves of all methods, a panel for each leading metric, the legend below.

    Args:
        rows: scores of the data set in this convention.
        dataset: its name.
        convention: of the metrics.
        methods: the best first; the first ``NAMED`` and the marked one have colours, the others are grey. References
            are left out.
        own: label of the marked method; empty for none.

    Returns:
        File ending -> bytes; equal input gives equal bytes. Empty if there is nothing to draw.
    """
    compared = [method for method in methods if not method.reference]
    labels = {method.label for method in compared}
    found = {metric: cumulative_curves(rows, dataset, convention, metric) for metric in headline(convention)}
    found = {metric: curves for metric, curves in found.items() if labels.intersection(curves)}
    if not found:
        return {}
    named = _named(compared, own, NAMED)

    def draw(figure: Any) -> None:
        for place, (metric, curves) in enumerate(found.items()):
            axes = figure.axes[place]
            _curve_panel(axes, curves, compared, {method.label for method in named}, own)
            axes.set(xlabel="part of the pairs", ylabel=_plain(metric), xlim=(0, 1))
        handles = [_line(look_of(method, own), _plain(method.title)) for method in named]
        if len(compared) > len(named):
            handles.append(_line(Look(GREY, "", "solid", 0.6), f"{len(compared) - len(named)} others"))
        _legend(figure, handles)

    return _files(draw, len(found), len(named) + 1, 1.25)


def bar_files(table: Table, methods: Sequence[MethodView], own: str = "") -> dict[str, bytes]:
    """Means and standard deviations over pairs as bars, a panel for each leading metric.

    Args:
        table: the means.
        methods: the best first; the first ``BARS`` and the marked one are shown. References are left out.
        own: label of the marked method; empty for none.

    Returns:
        File ending -> bytes; empty if there is nothing to draw.
    """
    cells = {row.method: row.cells for row in table.rows}
    wanted = [at for at, column in enumerate(table.columns) if column.metric in headline(table.convention)]
    compared = [method for method in methods if not method.reference and method.label in cells]
    if not wanted or not compared:
        return {}
    named = _named(compared, own, BARS)

    def draw(figure: Any) -> None:
        for place, at in enumerate(wanted):
            _bar_panel(figure.axes[place], {method.label: cells[method.label][at] for method in named}, own)
            figure.axes[place].set_xlabel(_plain(table.columns[at].title))
            names = [_plain(method.title) for method in named]
            figure.axes[place].set_yticks(range(len(names)), names if place % PANELS == 0 else [""] * len(names))

    return _files(draw, len(wanted), 0, 0.4 + 0.115 * len(named))


PANELS = 2
"""Panels beside each other."""


def _named(methods: Sequence[MethodView], own: str, most: int) -> list[MethodView]:
    named = list(methods[:most])
    marked = [method for method in methods[most:] if method.label == own]
    return [*named[: most - 1], *marked] if marked else named


def _files(draw: Any, panels: int, entries: int, height: float) -> dict[str, bytes]:
    """Draws into a figure one column wide and gives it in every form."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = -(-panels // PANELS)
    legend = 0.14 * -(-entries // 3) + 0.08 if entries else 0.0
    with rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_INCHES, rows * height + legend), layout="constrained")
        FigureCanvasAgg(figure)
        for axes in figure.subplots(rows, min(PANELS, panels), squeeze=False).flat[panels:]:
            axes.remove()
        draw(figure)
        # margins are measured once, not for every form
        figure.canvas.draw()
        figure.set_layout_engine("none")
        return {ending: _saved(figure, ending) for ending in ("pdf", "svg", "png")}


def _saved(figure: Any, ending: str) -> bytes:
    buffer = io.BytesIO()
    no_date = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}[ending]
    figure.savefig(buffer, format=ending, dpi=300, metadata=no_date)
    return buffer.getvalue()


def _line(look: Look, label: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=look.colour, linestyle=look.dash, linewidth=look.width, marker=look.mark or None,
                  markersize=3, label=label)  # fmt: skip


def _legend(figure: Any, handles: Sequence[Any]) -> None:
    columns = min(3, len(handles))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, handlelength=2.4,
                  columnspacing=1.0, borderaxespad=0.2, labelspacing=0.25)  # fmt: skip


def _curve_panel(
    axes: Any, curves: Mapping[str, Curve], methods: Sequence[MethodView], named: set[str], own: str
) -> None:
    shown = [method for method in methods if method.label in curves]
    for at, method in enumerate(sorted(shown, key=lambda method: (method.label in named, method.label == own))):
        x, y = curves[method.label]
        step = max(1, len(x) // POINTS)
        keep = [*range(0, len(x) - 1, step), len(x) - 1]
        if method.label not in named:
            axes.plot(x[keep], y[keep], color=GREY, linewidth=0.5, alpha=0.6)
            continue
        look = look_of(method, own)
        every = max(1, len(keep) // 5)
        axes.plot(
            x[keep], y[keep], color=look.colour, linestyle=look.dash, linewidth=look.width, marker=look.mark,
            markersize=2.6, markevery=(at % every, every),
        )  # fmt: skip


def _bar_panel(axes: Any, cells: Mapping[str, Cell], own: str) -> None:
    """One bar a method, the best at the top; the best dark, the marked one in another colour and hatched."""
    known = {label: cell for label, cell in cells.items() if cell.mean is not None}
    places = [at for at, label in enumerate(cells) if label in known]
    colours = [COLOURS[1] if label == own else COLOURS[0] if cell.rank == 1 else PALE for label, cell in known.items()]
    spreads = [cell.spread or 0.0 for cell in known.values()]
    bars = axes.barh(
        places, [cell.mean for cell in known.values()], height=0.72, color=colours, edgecolor=INK, linewidth=0.3,
        xerr=spreads if any(spreads) else None, error_kw={"elinewidth": 0.6, "ecolor": INK},
    )  # fmt: skip
    for label, bar in zip(known, bars, strict=True):
        bar.set_hatch("////" if label == own else None)
    axes.set_ylim(len(cells) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")


def _plain(text: str) -> str:
    """Text that matplotlib does not take for formulae."""
    return " ".join(text.split()).replace("$", r"\$")
