"""Significance letters: methods that share one cannot be told apart (compact letter display)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

MOST = 52
"""Letters there are; a run whose groups need more gets none."""


def letters(methods: Sequence[str], differ: Collection[tuple[str, str]]) -> dict[str, str]:
    """The letters of each method: two share a letter exactly if they are not told apart.

    Args:
        methods: best first, so that ``a`` is the best one's.
        differ: pairs that are told apart, in either order.

    Returns:
        Method -> its letters, such as ``ab``; empty for all where more than 52 would be needed.

    References:
        H.-P. Piepho, An Algorithm for a Letter-Based Representation of All-Pairwise Comparisons, JCGS 13:456-466, 2004.
    """
    from scikit_posthocs import compact_letter_display

    apart = {frozenset(pair) for pair in differ}
    if len(methods) < 2:
        return dict.fromkeys(methods, "a")
    same = np.array([[frozenset((one, two)) not in apart for two in methods] for one in methods])
    try:
        shown = compact_letter_display(np.where(same, 1.0, 0.0), names=list(methods))
    except ValueError:  # more groups than letters
        return dict.fromkeys(methods, "")
    return {method: str(text).replace(" ", "") for method, text in shown.items()}
