"""Multi-resolution singular value decomposition (MSVD), with a decomposition whose signs are fixed.

The fused vectors are the mean of the sources', so the sign of each vector changes the picture, and a library's signs
change with its version and the processor. The published images follow one rule, which is carried out here: QR of the
blocks, Golub-Kahan bidiagonalisation, implicit QR sweeps that always chase downwards.

References:
    [1] Naidu: Image fusion technique using multi-resolution singular value decomposition, Defence Science Journal
        61(5), 2011, doi:10.14429/dsj.61.705.
    [2] Golub, Van Loan: Matrix Computations, 4th edition, 2013, sections 5.4 and 8.6.
"""

from __future__ import annotations

import math

import numpy as np

from methods._classical.matlab import imresize, stretch
from methods._classical.planes import Bytes, Plane

NEGLIGIBLE = 1e-15
"""Superdiagonal, relative to its diagonal neighbours, that is taken for 0."""
SWEEPS = 500
"""More than any 4 x 4 matrix was seen to need; where they do not suffice, the rest of the superdiagonal is dropped."""


def fuse_msvd(ir: Bytes, vis: Bytes, stretch_grey: bool = False) -> Plane:
    """Fuses each channel: (H, W) and (C, H, W) -> (C, H, W).

    Args:
        ir: odd sides are resized to the next even number, and the result is resized back.
        vis: likewise.
        stretch_grey: a single channel's minimum and maximum become 0 and 255, as released.
    """
    height, width = ir.shape
    even = (height + height % 2, width + width % 2)
    ir_part = _split(imresize(ir / 255.0, even))
    fused = [_join(ir_part, _split(imresize(plane / 255.0, even)), even) for plane in vis]
    fused = [imresize(plane, (height, width)) for plane in fused]
    return 255 * np.stack([stretch(plane) if stretch_grey and len(vis) == 1 else plane for plane in fused])


def _split(image: Plane) -> tuple[Plane, Plane]:
    """Singular vectors (4, 4) of the 2 x 2 blocks, and the blocks in their terms (4, N)."""
    height, width = image.shape
    # a block's pixels and the blocks themselves run down the columns
    blocks = image.reshape(height // 2, 2, width // 2, 2).transpose(3, 1, 2, 0).reshape(4, -1)
    vectors = left_singular_vectors(blocks)
    return vectors, vectors.T @ blocks


def _join(ir: tuple[Plane, Plane], vis: tuple[Plane, Plane], size: tuple[int, int]) -> Plane:
    (ir_vectors, ir_terms), (vis_vectors, vis_terms) = ir, vis
    terms = np.where(np.abs(ir_terms) - np.abs(vis_terms) >= 0, ir_terms, vis_terms)
    terms[0] = (ir_terms[0] + vis_terms[0]) / 2
    blocks = (ir_vectors + vis_vectors) / 2 @ terms
    height, width = size
    return blocks.reshape(2, 2, width // 2, height // 2).transpose(3, 1, 2, 0).reshape(height, width)


# ------------------------------------------------------------------ singular vectors with fixed signs


def left_singular_vectors(blocks: Plane) -> Plane:
    """Left singular vectors of a wide matrix, largest singular value first.

    Args:
        blocks: float64 (n, N), N >= n.

    Returns:
        (n, n), a vector a column.
    """
    upper = np.asarray(np.linalg.qr(blocks.T, mode="r"))
    diagonal, above, vectors = _bidiagonalise(upper)
    _diagonalise(diagonal, above, vectors)
    vectors[:, diagonal < 0] *= -1
    return vectors[:, np.argsort(-np.abs(diagonal), kind="stable")]


def _bidiagonalise(matrix: Plane) -> tuple[Plane, Plane, Plane]:
    """Diagonal, superdiagonal and right vectors, by Householder reflections from either side in turn."""
    matrix, size = matrix.copy(), len(matrix)
    vectors = np.eye(size)
    for column in range(size - 1):
        _reflect(matrix[column:, column].copy(), matrix[column:])
        if column < size - 2:
            mirror = matrix[column, column + 1 :].copy()
            _reflect(mirror, matrix[:, column + 1 :].T)
            _reflect(mirror, vectors[:, column + 1 :].T)
    return np.diag(matrix).copy(), np.diag(matrix, 1).copy(), vectors


def _reflect(vector: Plane, rows: Plane) -> None:
    """Applies, in place, the reflection that would bring ``vector`` onto its first axis, against its first sign."""
    if not vector[1:].any():
        return
    normal = vector.copy()
    normal[0] += math.copysign(float(np.linalg.norm(vector)), float(vector[0]))
    rows -= np.outer(normal * (2 / (normal @ normal)), normal @ rows)


def _diagonalise(diagonal: Plane, above: Plane, vectors: Plane) -> None:
    """Sweeps the superdiagonal away, in place; ``vectors`` are turned along."""
    for _ in range(SWEEPS):
        above[np.abs(above) <= NEGLIGIBLE * (np.abs(diagonal[:-1]) + np.abs(diagonal[1:]))] = 0
        active = np.flatnonzero(above)
        if not len(active):
            return
        last = int(active[-1]) + 1
        first = last - 1
        while first > 0 and above[first - 1] != 0:
            first -= 1
        _chase(diagonal, above, vectors, first, last)


def _chase(diagonal: Plane, above: Plane, vectors: Plane, first: int, last: int) -> None:
    """One implicit QR sweep over rows ``first`` to ``last``, shifted by the smaller singular value at its end."""
    shift = _smaller_singular_value(diagonal[last - 1], above[last - 1], diagonal[last])
    lead = float(diagonal[first])
    f, g = abs(lead), float(above[first])
    if lead != 0:
        f = (abs(lead) - shift) * (math.copysign(1.0, lead) + shift / lead)
    for k in range(first, last):
        c, s = _rotation(f, g)
        if k > first:
            above[k - 1] = c * f + s * g
        d, e, following = float(diagonal[k]), float(above[k]), float(diagonal[k + 1])
        f, above[k] = c * d + s * e, c * e - s * d
        g, diagonal[k + 1] = s * following, c * following
        vectors[:, [k, k + 1]] = vectors[:, [k, k + 1]] @ np.array([[c, -s], [s, c]])
        c, s = _rotation(f, g)
        diagonal[k] = c * f + s * g
        e, following = float(above[k]), float(diagonal[k + 1])
        above[k], diagonal[k + 1] = c * e + s * following, c * following - s * e
        f = float(above[k])
        if k < last - 1:
            g = s * float(above[k + 1])
            above[k + 1] *= c


def _smaller_singular_value(top: float, corner: float, bottom: float) -> float:
    """Of [[top, corner], [0, bottom]]."""
    values = np.linalg.svd(np.array([[top, corner], [0.0, bottom]]), compute_uv=False)
    return float(values[1])


def _rotation(f: float, g: float) -> tuple[float, float]:
    """Cosine and sine that turn (f, g) into (r, 0), in LAPACK's choice of signs."""
    if g == 0:
        return 1.0, 0.0
    if f == 0:
        return 0.0, 1.0
    length = math.hypot(f, g)
    c, s = f / length, g / length
    return (-c, -s) if abs(f) > abs(g) and c < 0 else (c, s)
