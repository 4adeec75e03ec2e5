"""Sparse coding of many signals at once by orthogonal matching pursuit.

References:
    [1] Pati, Rezaiifar, Krishnaprasad: Orthogonal matching pursuit, Asilomar Conference on Signals, Systems and
        Computers, 1993, doi:10.1109/ACSSC.1993.342465.
    [2] Rubinstein, Zibulevsky, Elad: Efficient implementation of the K-SVD algorithm using batch orthogonal matching
        pursuit, Technion CS-2008-08, 2008. Its released code sets the two limits below.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SMALLEST_SQUARED_CORRELATION = 1e-14
SMALLEST_SQUARED_NOVELTY = 1e-14
"""A code also ends where no atom is left that would help, or where the best one is spanned by those chosen."""
BLOCK = 128
"""Signals coded together on the CPU: their bases, 64 x 64 numbers each for 8 x 8 patches, stay in its cache."""
DEVICE_BLOCK = 8192
"""The same on an accelerator, which wants width; half a gigabyte."""
COMPACT_BELOW = 0.75
"""Finished signals are carried along until fewer than this part is at work: leaving them out costs a copy."""


def encode(signals: Tensor, dictionary: Tensor, tolerance: float) -> Tensor:
    """Codes signals one atom at a time until the residual's Euclidean norm is at most ``tolerance``.

    All signals of a block take their k-th step together. Each keeps an orthonormal basis of its atoms, so that a step
    costs some products of small matrices and no system is solved before the code is finished.

    Args:
        signals: (N, n).
        dictionary: (n, K), columns of unit norm.
        tolerance: largest norm of a residual.

    Returns:
        Codes (N, K); a code has at most n entries that are not zero.
    """
    codes = signals.new_zeros(len(signals), dictionary.shape[1])
    block = BLOCK if signals.device.type == "cpu" else DEVICE_BLOCK
    for start in range(0, len(signals), block):
        part = slice(start, start + block)
        _encode_block(signals[part], dictionary, tolerance**2, codes[part])
    return codes


@dataclass(slots=True)
class _Pursuit:
    """Signals at work, all with the same number of atoms so far.

    Attributes:
        rows: (M,) their places in the block.
        residual: (M, n).
        basis: (M, n, n) orthonormal rows that span the atoms.
        triangle: (M, n, n) upper triangular, atoms = triangle' basis.
        weights: (M, n) the signals in that basis.
        atoms: (M, n) which ones, in order of choice.
        alive: (M,) False where the code is finished.
    """

    rows: Tensor
    residual: Tensor
    basis: Tensor
    triangle: Tensor
    weights: Tensor
    atoms: Tensor
    alive: Tensor

    def keep(self, chosen: Tensor) -> None:
        """Leaves out all but the chosen signals."""
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name)[chosen])

    def write(self, finished: Tensor, count: int, codes: Tensor) -> None:
        """Solves for the codes of the finished signals, which have ``count`` atoms."""
        index = finished.nonzero().squeeze(1)
        self.alive[index] = False
        if count and len(index):
            values = torch.linalg.solve_triangular(
                self.triangle[index, :count, :count], self.weights[index, :count, None], upper=True
            )
            codes[self.rows[index, None], self.atoms[index, :count]] = values.squeeze(2)


def _encode_block(signals: Tensor, dictionary: Tensor, squared_tolerance: float, codes: Tensor) -> None:
    rows = (_squared_norm(signals) > squared_tolerance).nonzero().squeeze(1)
    length, atoms = signals.shape[1], dictionary.T.contiguous()
    state = _Pursuit(
        rows=rows,
        residual=signals[rows],
        basis=signals.new_zeros(len(rows), length, length),
        triangle=signals.new_zeros(len(rows), length, length),
        weights=signals.new_zeros(len(rows), length),
        atoms=rows.new_zeros(len(rows), length),
        alive=torch.ones_like(rows, dtype=torch.bool),
    )
    for count in range(length):
        working = int(state.alive.sum())
        if not working:
            return
        if working < COMPACT_BELOW * len(state.rows):
            state.keep(state.alive)
        stuck = _step(state, count, dictionary, atoms)
        state.write(state.alive & stuck, count, codes)
        good = _squared_norm(state.residual) <= squared_tolerance
        state.write(state.alive & good, count + 1, codes)
    state.write(state.alive, length, codes)


def _step(state: _Pursuit, count: int, dictionary: Tensor, atoms: Tensor) -> Tensor:
    """Adds the atom most like the residual to every signal; True where there is none worth adding."""
    correlation, choice = (state.residual @ dictionary).abs_().max(dim=1)
    stuck = correlation.square() < SMALLEST_SQUARED_CORRELATION
    stuck |= (state.atoms[:, :count] == choice[:, None]).any(dim=1)
    novelty, basis = atoms[choice].unsqueeze(1), state.basis[:, :count]
    for _ in range(2):  # a second projection removes what rounding left of the first
        shares = novelty @ basis.mT
        novelty = novelty - shares @ basis
        state.triangle[:, :count, count] += shares.squeeze(1)
    novelty = novelty.squeeze(1)
    squared = _squared_norm(novelty)
    stuck |= squared <= SMALLEST_SQUARED_NOVELTY
    scale = squared.clamp(min=SMALLEST_SQUARED_NOVELTY).sqrt_()
    direction = novelty / scale[:, None]
    weight = (direction * state.residual).sum(dim=1)
    state.residual -= weight[:, None] * direction
    state.basis[:, count] = direction
    state.triangle[:, count, count] = scale
    state.weights[:, count] = weight
    state.atoms[:, count] = choice
    return stuck


def _squared_norm(vectors: Tensor) -> Tensor:
    return vectors.square().sum(dim=1)
