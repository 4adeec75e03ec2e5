"""Nuclear norms of very many small matrices at once.

A library's batched decompositions work matrix by matrix and spend most of their time outside the arithmetic. Here the
matrices stand along the LAST axis, and every step of the textbook algorithm is one operation on all of them: the Gram
matrix, Householder reduction to tridiagonal form, and QL sweeps without square roots.

References:
    [1] Parlett: The Symmetric Eigenvalue Problem, 1980 (SIAM 1998), sections 7.4 (reduction), 8.11 (Wilkinson's shift)
        and 8.15 (the root-free sweeps of Pal, Walker and Kahan).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from methods._classical.planes import Plane

PRECISION = 1e-16
"""Off-diagonal, relative to the trace, that is taken for 0."""
LEFT_OVER = 0.001
"""Share of matrices that the sweeps for one eigenvalue may leave to a library's decomposition."""
SWEEPS = 12
FEW = 0.7
"""Matrices that are not done are swept by themselves when they are fewer than this share; it costs a copy."""
TINY = 1e-200


def nuclear_norms(matrices: Plane) -> Plane:
    """Sums of singular values.

    They are roots of the Gram matrix's eigenvalues, so singular values below 1e-8 of the largest are not resolved;
    the sums are right to 1e-9 of themselves, mostly to 1e-12.

    Args:
        matrices: float64 (k, k, N), k at least 3.

    Returns:
        (N,).
    """
    with np.errstate(all="ignore"):  # what goes astray is not finite, and is decomposed below
        diagonal, squared = tridiagonalise(gram(matrices))
        norms, settled = _sum_of_roots(diagonal, squared)
    astray = np.flatnonzero(~(settled & np.isfinite(norms)))
    if len(astray):
        norms[astray] = np.linalg.svd(matrices[:, :, astray].transpose(2, 0, 1), compute_uv=False).sum(axis=1)
    return norms


def gram(matrices: Plane) -> Plane:
    """Products of all rows with each other, (k, k, N); only the lower triangle is filled."""
    products = np.zeros_like(matrices)
    for row, out in enumerate(products):
        np.einsum("kn,jkn->jn", matrices[row], matrices[: row + 1], out=out[: row + 1])
    return products


def tridiagonalise(matrices: Plane) -> tuple[Plane, Plane]:
    """Householder reduction of symmetric matrices, from the last row upwards.

    Args:
        matrices: (k, k, N), lower triangles; overwritten.

    Returns:
        Diagonals (k, N) and squared off-diagonals (k - 1, N).
    """
    size = len(matrices)
    squared = np.empty_like(matrices[0, 1:])
    for last in range(size - 1, 1, -1):
        mirror = matrices[last, :last]
        squared[last - 1] = _sum_of_squares(mirror)
        _reflect(matrices[:last], mirror, squared[last - 1])
    squared[0] = np.square(matrices[1, 0])
    places = np.arange(size)
    return matrices[places, places], squared


def _sum_of_squares(rows: Plane) -> Plane:
    total = np.square(rows[0])
    for row in rows[1:]:
        total += row * row
    return total


def _reflect(matrices: Plane, mirror: Plane, squared: Plane) -> None:
    """Applies from both sides the reflection that brings ``mirror`` onto its last axis."""
    size = len(mirror)
    length = np.sqrt(squared)
    scale = squared + np.abs(mirror[-1]) * length  # half the squared length of the mirror's normal
    scale[scale == 0] = 1.0
    mirror[-1] += np.copysign(length, mirror[-1])
    image, scratch = np.zeros_like(mirror), np.empty_like(mirror)
    for row in range(size):
        image[row:] += np.multiply(matrices[row:, row], mirror[row], out=scratch[row:])
        image[:row] += np.multiply(matrices[row, :row], mirror[row], out=scratch[:row])
    image /= scale
    along = np.multiply(mirror, image, out=scratch).sum(axis=0)
    along /= 2 * scale
    image -= np.multiply(mirror, along, out=scratch)
    for row in range(size):
        matrices[row, : row + 1] -= np.multiply(image[: row + 1], mirror[row], out=scratch[: row + 1])
        matrices[row, : row + 1] -= np.multiply(mirror[: row + 1], image[row], out=scratch[: row + 1])


def _sum_of_roots(diagonal: Plane, squared: Plane) -> tuple[Plane, NDArray[np.bool_]]:
    """Of the eigenvalues of tridiagonal matrices, and where they have settled; both arrays are overwritten."""
    limit = np.square(PRECISION * diagonal.sum(axis=0)) + TINY
    np.maximum(squared, limit, out=squared)
    roots = np.zeros_like(limit)
    settled = np.ones(limit.shape, dtype=bool)
    for first in range(len(diagonal) - 2):
        _isolate(diagonal[first:], squared[first:], limit, LEFT_OVER * limit.size)
        settled &= squared[first] <= limit
        roots += np.sqrt(np.maximum(diagonal[first], 0))
    determinant = np.maximum(diagonal[-2] * diagonal[-1] - squared[-1], 0)
    roots += np.sqrt(np.maximum(diagonal[-2] + diagonal[-1] + 2 * np.sqrt(determinant), 0))
    return roots, settled


def _isolate(diagonal: Plane, squared: Plane, limit: Plane, left_over: float) -> None:
    """Sweeps until the first entries of the diagonals are eigenvalues, but for ``left_over`` matrices."""
    for _ in range(SWEEPS):
        unsettled = np.flatnonzero(squared[0] > limit)
        if len(unsettled) <= left_over:
            return
        if len(unsettled) < FEW * limit.size:
            some, some_squared = diagonal[:, unsettled], squared[:, unsettled]
            _isolate(some, some_squared, limit[unsettled], left_over)
            diagonal[:, unsettled], squared[:, unsettled] = some, some_squared
            return
        np.maximum(squared[0], limit, out=squared[0])
        _sweep(diagonal, squared)


def _sweep(diagonal: Plane, squared: Plane) -> None:
    """One QL sweep without square roots [1], which drives the first off-diagonal to 0."""
    shift = _wilkinson_shift(diagonal[0], diagonal[1], squared[0])
    size = len(diagonal)
    gamma = diagonal[-1] - shift
    p = gamma * gamma
    c, s, r, work, before = (np.empty_like(shift) for _ in range(5))
    for place in range(size - 2, -1, -1):
        np.add(p, squared[place], out=r)
        if place < size - 2:
            np.multiply(s, r, out=squared[place + 1])
        np.reciprocal(r, out=r)
        np.multiply(p, r, out=c)
        np.multiply(squared[place], r, out=s)
        gamma, before = before, gamma
        np.subtract(diagonal[place], shift, out=gamma)
        gamma *= c
        gamma -= np.multiply(s, before, out=work)
        np.subtract(diagonal[place], gamma, out=work)
        np.add(before, work, out=diagonal[place + 1])
        np.multiply(gamma, gamma, out=p)
        p /= c
    np.multiply(s, p, out=squared[0])
    np.add(shift, gamma, out=diagonal[0])


def _wilkinson_shift(first: Plane, second: Plane, squared: Plane) -> Plane:
    """The eigenvalue of the leading 2 x 2 block that is nearer to its first entry."""
    half = 0.5 * (second - first)
    root = np.copysign(np.sqrt(half * half + squared), half)
    return first - squared / (half + root)
