"""Quality against time: which methods no other one beats in both, as a picture."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from bench.analysis.overall import Overall
from bench.analysis.placing import Box, place_names
from bench.analysis.table import select
from bench.types import UNDER_LOAD

if TYPE_CHECKING:
    import pandas as pd

AP = "AP@[0.5:0.95]"

LEADER = 9.0
"""Points of a figure from a mark to its name beyond which a line joins them."""


@dataclass(frozen=True, slots=True)
class Trade:
    """One method.

    Attributes:
        latency_ms: mean time of one pair.
        quality: mean rank or AP.
        loaded: True if other work had a part in the time.
        front: True if no method is both quicker and better, or one and as good in the other.
    """

    method: str
    latency_ms: float
    quality: float
    loaded: bool = False
    front: bool = False


@dataclass(frozen=True, slots=True)
class TradeOff:
    """All methods that have both.

    Attributes:
        quality: what it is, for the axis.
        higher: True if more of it is better.
        trades: quickest first.
    """

    quality: str
    higher: bool
    trades: tuple[Trade, ...]

    @property
    def front(self) -> list[str]:
        """The methods on the front, quickest first."""
        return [trade.method for trade in self.trades if trade.front]


def trade_offs(scores: pd.DataFrame, dataset: str, found: Overall | None) -> list[TradeOff]:
    """Mean rank over everything, and average precision where the data set has it, against latency there.

    Args:
        scores: of the run.
        dataset: whose latencies are taken.
        found: the mean ranks; None where there are none.

    Returns:
        Those of two methods or more.
    """
    rows = select(scores, "efficiency", dataset, "")
    rows = rows[(rows["metric"] == "latency_ms_mean") & (rows["status"] == "ok")]
    times = {
        str(method): (float(value), UNDER_LOAD in str(reason))
        for method, value, reason in zip(rows["method"], rows["value"], rows["reason"], strict=True)
    }
    ranks = {one.method: one.rank.value for one in found.standings} if found is not None else {}
    both = [
        trade_off("Mean rank", False, times, ranks),
        trade_off(f"{AP} of all classes", True, times, _precision(scores, dataset)),
    ]
    return [each for each in both if len(each.trades) > 1]


def trade_off(
    quality: str, higher: bool, times: Mapping[str, tuple[float, bool]], values: Mapping[str, float]
) -> TradeOff:
    """Puts times and qualities of the same methods side by side.

    >>> trade_off("AP", True, {"a": (1.0, False), "b": (2.0, False), "c": (3.0, False)},
    ...           {"a": 0.2, "b": 0.1, "c": 0.3}).front
    ['a', 'c']

    Args:
        quality: its name.
        higher: True if more is better.
        times: milliseconds, and whether they were taken under load.
        values: qualities.
    """
    shared = sorted((name for name in times if name in values), key=lambda name: (times[name][0], name))
    sign = 1 if higher else -1
    merits = {name: (-times[name][0], sign * values[name]) for name in shared}

    def beaten(name: str) -> bool:
        own = merits[name]
        return any(other != own and other[0] >= own[0] and other[1] >= own[1] for other in merits.values())

    return TradeOff(quality, higher, tuple(
        Trade(name, times[name][0], values[name], times[name][1], not beaten(name)) for name in shared
    ))  # fmt: skip


def _precision(scores: pd.DataFrame, dataset: str) -> dict[str, float]:
    rows = select(scores, "detection", dataset)
    rows = rows[(rows["metric"] == AP) & (rows["label"] == "all") & (rows["status"] == "ok") & (rows["pair"] == "")]
    rows = rows[~rows["convention"].str.contains("/")]
    first = rows[rows["convention"] == rows["convention"].iloc[0]] if len(rows) else rows
    return {str(method): float(value) for method, value in zip(first["method"], first["value"], strict=True)}


def trade_off_svg(found: TradeOff, titles: Mapping[str, str]) -> str:
    """Draws it, better above and quicker left; a line joins the front, hollow marks are times under load.

    Args:
        found: two methods or more.
        titles: how they are named in print.

    Returns:
        An ``<svg>`` element whose text stays text; equal input gives equal bytes.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings: Any = {"svg.hashsalt": "ivif-bench", "svg.fonttype": "none", "font.size": 9}
    with rc_context(settings):
        figure = Figure(figsize=(7.0, 4.2 + 0.06 * max(0, len(found.trades) - 12)), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        _draw(axes, found)
        figure.draw_without_rendering()  # places and sizes are known from here on
        figure.set_layout_engine("none")
        _name(axes, found, titles)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :].rstrip()


def _draw(axes: Any, found: TradeOff) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    _step(axes, [trade for trade in found.trades if trade.front])
    for trade in found.trades:
        colour = _colour(trade)
        axes.plot(trade.latency_ms, trade.quality, "o", color=colour, mfc="white" if trade.loaded else colour, ms=6)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("Latency of one pair (ms)")
    axes.set_ylabel(f"{found.quality}, better above")
    axes.margins(x=0.15, y=0.12)
    if not found.higher:
        axes.invert_yaxis()
    axes.grid(alpha=0.3)


def _colour(trade: Trade) -> str:
    return "#b5460f" if trade.front else "#5b6b7a"


def _name(axes: Any, found: TradeOff, titles: Mapping[str, str]) -> None:
    """Writes the names, those of the front first; a thin line leads to one that had to go further off."""
    trades = sorted(found.trades, key=lambda trade: not trade.front)
    points = axes.transData.transform([(trade.latency_ms, trade.quality) for trade in trades])
    names = [" ".join(titles.get(trade.method, trade.method).split()).replace("$", r"\$") for trade in trades]
    texts = [
        axes.annotate(name, point, xycoords="figure pixels", ha="left", va="bottom", color=_colour(trade))
        for name, point, trade in zip(names, points, trades, strict=True)
    ]
    sizes = [(box.width, box.height) for box in (text.get_window_extent() for text in texts)]
    front = [(float(x), float(y)) for trade, (x, y) in zip(trades, points, strict=True) if trade.front]
    boxes = place_names([(float(x), float(y)) for x, y in points], sizes, axes.bbox.extents, list(_boxes(front)))
    for text, (x, y), box in zip(texts, points, boxes, strict=True):
        text.set_position(box[:2])
        near_x, near_y = min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3])
        if math.hypot(near_x - x, near_y - y) > LEADER:
            axes.annotate("", (x, y), xytext=(near_x, near_y), xycoords="figure pixels", textcoords="figure pixels",
                          arrowprops={"arrowstyle": "-", "color": "#9aa0a6", "linewidth": 0.6})  # fmt: skip


def _step(axes: Any, front: Sequence[Trade]) -> None:
    axes.step([trade.latency_ms for trade in front], [trade.quality for trade in front], where="post", color="#d9a066")


def _boxes(front: Sequence[tuple[float, float]]) -> Iterator[Box]:
    """What the line through the front covers: from each point right, then up."""
    for (x, y), (next_x, next_y) in pairwise(front):
        yield x, y - 1, next_x, y + 1
        yield next_x - 1, min(y, next_y), next_x + 1, max(y, next_y)
