"""Comparisons as sections of text and tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from bench.analysis.captions import left_out_words
from bench.analysis.numbers import direction, metric_order
from bench.analysis.pairwise import Comparison, Difference, Settings, Standing, compare
from bench.analysis.ranked import SOURCES
from bench.analysis.table import select
from bench.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

# ------------------------------------------------------------------ what is printed


Shown = Literal["best", "all", "none"]
"""Which differences are printed: of the best method from every other, of every two, or none."""
Section = tuple[str, list[dict[str, Any]]]
"""A heading and the rows of a table."""


NO_CORRECTION = (
    "p values are corrected (Holm) for the pairs of methods within one metric; no correction is made across metrics, "
    "data sets and conventions: of twenty comparisons one counts by chance alone"
)
"""What must be said wherever p values stand."""


def compare_metrics(
    scores: pd.DataFrame,
    metrics: Sequence[str] = (),
    convention: str = "standard",
    seed: int = 0,
    exclude: Collection[str] = SOURCES,
) -> Iterator[tuple[str, Comparison | None]]:
    """A heading and the comparison of each data set and metric; None where the heading says why there is none.

    Args:
        scores: the score table.
        metrics: which; none means all in the table.
        convention: of the metrics.
        seed: of the bootstrap.
        exclude: methods that are not compared.

    Raises:
        BenchError: no such scores at all.
    """
    rows = select(scores, "metrics", convention=convention)
    found = [name for name in metric_order(rows.loc[rows["pair"] != "", "metric"], convention) if direction(name)]
    wanted = list(metrics) or found
    unknown = [name for name in wanted if name not in found]
    if unknown or not wanted:
        seen = ", ".join(found) or "none"
        raise BenchError(
            f"metrics {', '.join(unknown) or 'of any name'} not in convention {convention} of this run; there: {seen}"
        )
    for dataset in dict.fromkeys(rows["dataset"]):
        for metric in wanted:
            try:
                comparison = compare(scores, dataset, metric, convention, exclude=exclude, settings=Settings(seed=seed))
            except BenchError as error:
                yield f"{dataset} · {metric} ({convention}): not compared, {error}", None
            else:
                yield heading(comparison), comparison


def comparison_sections(title: str, comparison: Comparison | None, shown: Shown = "best") -> Iterator[Section]:
    """What ``bench stats`` prints of one comparison: a row per method, then a row per difference."""
    yield title, [_row(comparison, entry) for entry in comparison.standings] if comparison else []
    if comparison and shown != "none":
        best = comparison.standings[0].method
        rows = [
            _difference_row(comparison, entry)
            for entry in comparison.differences
            if shown == "all" or best in (entry.first, entry.second)
        ]
        yield f"{comparison.dataset} · {comparison.metric} ({comparison.convention}): paired differences", rows


def heading(comparison: Comparison) -> str:
    """One line on what was compared and whether the methods differ at all."""
    text = (
        f"{comparison.dataset} · {comparison.metric} ({comparison.convention}, {comparison.better} is better): "
        f"{comparison.pairs} pairs"
    )
    if comparison.omnibus:
        text += (
            f"; Friedman chi2 {comparison.omnibus.chi2:.2f}, {format_p(comparison.omnibus.p)}; "
            f"critical difference of ranks {comparison.omnibus.critical_difference:.3f}"
        )
    return text + left_out_words(comparison.left_out)


def _row(comparison: Comparison, entry: Standing) -> dict[str, Any]:
    return {
        "method": entry.method,
        "mean": f"{entry.mean.value:.4f}",
        f"{comparison.settings.confidence:.0%} interval": f"{entry.mean.low:.4f} to {entry.mean.high:.4f}",
        "mean rank": f"{entry.rank.value:.2f} ({entry.rank.low:.2f} to {entry.rank.high:.2f})",
        "place": f"{entry.place.value:.0f} ({entry.place.low:.0f} to {entry.place.high:.0f})",
        "not told from": ", ".join(comparison.ties(entry.method)),
    }


def _difference_row(comparison: Comparison, entry: Difference) -> dict[str, Any]:
    nemenyi, interval = comparison.nemenyi, entry.difference
    order = [standing.method for standing in comparison.standings]
    return {
        "methods": f"{entry.first} - {entry.second}",
        "difference": f"{interval.value:+.4f}",
        f"{comparison.settings.confidence:.0%} interval": f"{interval.low:+.4f} to {interval.high:+.4f}",
        "Wilcoxon": format_p(entry.p),
        "with Holm": format_p(entry.p_holm),
        "Nemenyi": ""
        if nemenyi is None
        else format_p(float(nemenyi.to_numpy()[order.index(entry.first), order.index(entry.second)])),
        "better": entry.better or "not told apart",
    }


def format_p(p: float) -> str:
    """A p value as it is printed: ``p = 0.012`` or ``p < 0.001``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
