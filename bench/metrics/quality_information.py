"""Information measures of the assessment papers and of ``ivif_zoo``: normalised, Tsallis, nonlinear, cross entropy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bench.metrics.information import Counts, entropy_of, histogram, joint_histogram, moments, stretch_table
from bench.metrics.planes import Plane, Triple

Matrix = NDArray[np.float64]

NAVA_ORDER = 0.43137  # the order of the Tsallis entropy that Nava et al. chose
CVEJIC_ORDER = 1.85
_LOG_2 = math.log(2.0)
_SHIFT = 1e-10  # added to probabilities inside the logarithms of ``ivif_zoo``


def _joint(first: Plane, second: Plane, stretch: bool) -> Counts:
    """Joint counts of levels, first plane along the rows, of the images as they are or stretched to 0..255 each."""
    counts = joint_histogram(first, second)
    if not stretch:
        return counts

    def compute() -> Counts:
        rows, columns = stretch_table(histogram(first)), stretch_table(histogram(second))
        first_level, second_level = np.nonzero(counts)
        cells = rows[first_level] * 256 + columns[second_level]
        moved = np.bincount(cells, weights=counts[first_level, second_level], minlength=counts.size)
        return moved.astype(np.int64).reshape(counts.shape)

    return second.once(("stretched joint histogram", first), compute)


def _shared_bits(joint: Counts) -> tuple[float, float, float]:
    """H(first), H(second) and their mutual information, in bits."""
    first, second = entropy_of(joint.sum(axis=1)), entropy_of(joint.sum(axis=0))
    return first, second, first + second - entropy_of(joint)


def normalised_mutual_information(triple: Triple, stretch: bool) -> float:
    """2 I(ir; F) / (H(ir) + H(F)) + 2 I(vis; F) / (H(vis) + H(F)), 0 to 2; two constant images count as 0.

    Args:
        triple: the three planes.
        stretch: each image is first stretched to 0..255 by its own minimum and maximum (``liu2012``).

    References:
        [1] Hossny, Nahavandi, Creighton, 2008, doi:10.1049/el:20081754 (after Qu et al.).
    """
    total = 0.0
    for source in triple.sources:
        first, second, shared = _shared_bits(_joint(source, triple.fused, stretch))
        total += 2.0 * shared / (first + second) if first + second > 0.0 else 0.0
    return total


def tsallis_information(joint: Counts, order: float, swapped: bool) -> float:
    """Tsallis mutual information of that order from joint counts, 0 upwards.

    Args:
        joint: int64 (256, 256).
        order: q, not 1.
        swapped: by a slip the two marginals change places, so that level i of one image meets level i of the other;
            cells without a marginal are then lost.
    """
    shares = joint / joint.sum()
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    independent = np.outer(columns, rows) if swapped else np.outer(rows, columns)
    used = (shares > 0.0) & (independent > 0.0)
    powers = shares[used] ** order / independent[used] ** (order - 1.0)
    return (1.0 - float(powers.sum())) / (1.0 - order)


def tsallis_quality(triple: Triple, swapped: bool, stretch: bool) -> float:
    """Q_TE: [T(ir, F) + T(vis, F)] / [H(ir)^q + H(vis)^q + T(ir, vis)], q = 0.43137; 0 if both sources are constant.

    Args:
        triple: the three planes.
        swapped: see :func:`tsallis_information`.
        stretch: each image is first stretched to 0..255.

    References:
        [1] Nava, Cristobal, Escalante-Ramirez, 2007 (mutual information improves image fusion quality assessments).
    """
    ir, vis = triple.sources
    parts = [tsallis_information(_joint(source, triple.fused, stretch), NAVA_ORDER, swapped) for source in (ir, vis)]
    between = _joint(ir, vis, stretch)
    entropies = [entropy_of(between.sum(axis=1)), entropy_of(between.sum(axis=0))]
    whole = sum(entropy**NAVA_ORDER for entropy in entropies if entropy > 0.0)
    whole += tsallis_information(between, NAVA_ORDER, swapped)
    return sum(parts) / whole if whole > 0.0 else 0.0


def tsallis_sum(triple: Triple, swapped: bool, stretch: bool) -> float:
    """T(ir, F) + T(vis, F) of order 1.85, without a normalisation and without bound.

    References:
        [1] Cvejic, Canagarajah, Bull, 2006, doi:10.1049/el:20060693.
    """
    return sum(
        tsallis_information(_joint(source, triple.fused, stretch), CVEJIC_ORDER, swapped) for source in triple.sources
    )


def nonlinear_correlation_entropy(triple: Triple, stretch: bool) -> float:
    """Q_NCIE: 1 + sum (l / 3) log2(l / 3) / 8 over the eigenvalues of the matrix of I / 8 bits, 0.8019 to 1.

    Args:
        triple: the three planes.
        stretch: each image is first stretched to 0..255 (``liu2012``).

    References:
        [1] Wang, Shen, Zhang, 2005; Wang, Shen, Jin, 2008 (nonlinear correlation information entropy).
    """
    ir, vis = triple.sources
    pairs = ((ir, vis), (ir, triple.fused), (vis, triple.fused))
    return _eigenvalue_entropy([_shared_bits(_joint(first, second, stretch))[2] / 8.0 for first, second in pairs])


def linear_correlation_entropy(triple: Triple) -> float:
    """QNCIE of ``ivif_zoo``: as Q_NCIE, but of Pearson's r, which is linear and signed; a constant image has r = 0."""
    ir, vis = triple.sources
    pairs = ((ir, vis), (ir, triple.fused), (vis, triple.fused))
    return _eigenvalue_entropy([_pearson(first, second) for first, second in pairs])


def _pearson(first: Plane, second: Plane) -> float:
    values = moments(first, second)
    if values.first == 0 or values.second == 0:
        return 0.0
    return values.both / (math.sqrt(values.first) * math.sqrt(values.second))


def _eigenvalue_entropy(correlations: list[float]) -> float:
    """Of the order ir-vis, ir-fused, vis-fused; an eigenvalue of 0, or rounded below it, adds nothing."""
    matrix: Matrix = np.eye(3)
    for (row, column), value in zip(((0, 1), (0, 2), (1, 2)), correlations, strict=True):
        matrix[row, column] = matrix[column, row] = value
    shares = np.linalg.eigvalsh(matrix) / 3.0
    shares = shares[shares > 1e-15]
    return 1.0 + float((shares * np.log2(shares)).sum()) / 8.0


def shifted_entropy(triple: Triple, shift: float) -> float:
    """Entropy of the fused histogram in bits with ``shift`` added inside the logarithm: lower by up to 4e-5 bit."""
    return _shifted_entropy(triple.fused, shift)


def _shifted_entropy(plane: Plane, shift: float) -> float:
    counts = histogram(plane)
    shares = counts[counts > 0] / plane.pixels
    return -float((shares * np.log(shares + shift)).sum()) / _LOG_2


def information_over_source_entropies(triple: Triple) -> float:
    """NMI of ``ivif_zoo``: 2 (I(ir; F) + I(vis; F)) / (H(ir) + H(vis)); the entropy of the fused image is missing."""
    shared = sum(_shared_bits(joint_histogram(source, triple.fused))[2] for source in triple.sources)
    return 2.0 * shared / (sum(_shifted_entropy(source, _SHIFT) for source in triple.sources) + _SHIFT)


def entropy_difference(triple: Triple) -> float:
    """TE of ``ivif_zoo``: H(ir) + H(vis) - H(F) in bits: no Tsallis entropy, and no joint histogram."""
    ir, vis = triple.sources
    return _shifted_entropy(ir, _SHIFT) + _shifted_entropy(vis, _SHIFT) - _shifted_entropy(triple.fused, _SHIFT)


def sigmoid_cross_entropy(triple: Triple) -> float:
    """CE of ``ivif_zoo``: binary cross entropy of sigmoids of grey levels, in nats; only levels below 16 count.

    The sigmoid is taken in single precision as in the original, because its rounding near 1 is the value.
    """
    sigmoid = _single_precision_sigmoid()
    ir, vis = (sigmoid[source.levels] for source in triple.sources)
    low, high = np.float32(1e-7), np.float32(1.0) - np.float32(2.0**-23)
    wanted = np.clip((ir + vis) / np.float32(2.0), low, high).astype(np.float64)
    found = np.clip(sigmoid, low, high).astype(np.float64)
    hit, miss = np.log(found)[triple.fused.levels], np.log(1.0 - found)[triple.fused.levels]
    return float(-(wanted * hit + (1.0 - wanted) * miss).mean())


def _single_precision_sigmoid() -> NDArray[np.float32]:
    levels = np.arange(256, dtype=np.float64)
    exponential = np.exp(-levels).astype(np.float32)
    return np.float32(1.0) / (np.float32(1.0) + exponential)
