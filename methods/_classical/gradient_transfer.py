"""Gradient transfer: l1 data term plus total variation, solved by iteratively reweighted norms (IRN).

    U = argmin ||U - S||_1 + weight * || |grad U| ||_1,   S = infrared - visible

References:
    [1] Ma, Chen, Li, Huang: Infrared and visible image fusion via gradient transfer and total variation minimization,
        Information Fusion 31, 2016, doi:10.1016/j.inffus.2016.02.001.
    [2] Rodriguez, Wohlberg: Efficient minimization method for a generalized total variation functional, IEEE TIP
        18(2), 2009, doi:10.1109/TIP.2008.2008420. The constants below without another source are those of the solver
        its authors distribute (NUMIPAD, ``irntv``), which the authors of [1] used with its defaults.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import torch
from torch import Tensor

REWEIGHTINGS = 5
FIDELITY_CUTOFF, VARIATION_CUTOFF = 0.05, 0.01
HISTOGRAM_BINS = 1000
CG_STEPS = 500
CG_REDUCTION = 5.0
"""Each inner solve brings the residual down to this part of where it started."""
FIRST_TRUST = 2.0 * math.sqrt(0.1)
EPSILON = sys.float_info.epsilon


def transfer_gradients(difference: Tensor, weight: float = 4.0) -> Tensor:
    """Minimises ``||U - difference||_1 + weight * TV(U)``.

    The channels are one problem: the gradient's magnitude is taken over all of them (vector total variation). The
    minimum itself is never reached; which of the near-minima comes out is fixed by the number of reweightings and of
    conjugate-gradient steps, so both follow the original solver to the letter.

    Args:
        difference: float64 (C, H, W), infrared minus visible of images in [0, 1].
        weight: of the total variation; 4 in [1].

    Returns:
        float64 (C, H, W).
    """
    difference = difference.contiguous()
    solution, trust, target, *work = (torch.empty_like(difference) for _ in range(6))
    solution.copy_(difference)
    operator = FivePoint(difference)
    for round_ in range(REWEIGHTINGS):
        edges = squared_gradient(solution, scratch=target)
        if not bool(edges.any()):  # a constant is its own minimum, and has no scale to weigh gradients by
            break
        edges.clamp_(min=_variation_threshold(edges)).rsqrt_().mul_(2.0)
        _set_trust(trust, solution, difference, first=round_ == 0)
        operator.set(trust, edges, weight)
        torch.div(difference, trust, out=target)
        solution.div_(trust)
        steps = conjugate_gradients(operator, target, solution, work, CG_REDUCTION)
        solution.mul_(trust)
        if steps == 0:
            break
    return solution


def squared_gradient(image: Tensor, scratch: Tensor) -> Tensor:
    """Squared forward differences, summed over both directions and all channels; zero past the last row and column.

    Args:
        image: (C, H, W).
        scratch: the same shape; overwritten.

    Returns:
        (H, W).
    """
    squared = torch.zeros_like(image[0])
    for axis in (-1, -2):
        length = image.shape[axis] - 1
        step = scratch.narrow(axis, 0, length)
        torch.sub(image.narrow(axis, 1, length), image.narrow(axis, 0, length), out=step)
        for channel in step.square_():
            squared.narrow(axis, 0, length).add_(channel)
    return squared


def histogram_bin(values: Tensor, cutoff: float) -> tuple[int, Tensor]:
    """First bin of a 1000-bin histogram at which the cumulative share of ``values`` exceeds ``cutoff``.

    The bins are centred at 1000 even steps from the minimum to the maximum, end bins open; a value on an edge counts
    to the lower bin. Only the bin of one order statistic is needed, so no histogram is made.

    Returns:
        The bin's index and all bin centres.
    """
    flat = values.flatten()
    low, high = torch.aminmax(flat)
    step = (high - low) / (HISTOGRAM_BINS - 1)
    centres = low + step * torch.arange(HISTOGRAM_BINS, dtype=flat.dtype, device=flat.device)
    edges = centres[:-1] + 0.5 * (centres[1:] - centres[:-1])
    rank = min(math.floor(cutoff * flat.numel()) + 1, flat.numel())
    statistic = torch.topk(flat, rank, largest=False, sorted=False).values.max()
    return int(torch.searchsorted(edges, statistic)), centres


def _variation_threshold(squared: Tensor) -> float:
    index, centres = histogram_bin(squared, VARIATION_CUTOFF)
    return float(centres[index]) or float(centres[index + 1])


def _set_trust(trust: Tensor, solution: Tensor, difference: Tensor, first: bool) -> None:
    """The inverse square root of the data term's weights; the start equals the data, so there it is a constant."""
    if first:
        trust.fill_(FIRST_TRUST)
        return
    torch.sub(solution, difference, out=trust).abs_()
    index, centres = histogram_bin(trust, FIDELITY_CUTOFF)
    threshold = float(centres[min(index + 1, HISTOGRAM_BINS - 1)])
    trust.clamp_(min=threshold).sqrt_().mul_(math.sqrt(0.5))


class FivePoint:
    """``v + weight * T (Dx' E Dx + Dy' E Dy) T v`` as a symmetric five-point stencil.

    T and E are diagonal, Dx and Dy forward differences. All is flat: a pixel's right neighbour is one further, the
    one below a row further, and links that would leave a row, a column or a channel have the coefficient zero.
    """

    def __init__(self, like: Tensor) -> None:
        """Makes room for the coefficients of images (C, H, W) like this one."""
        self.own, self.right, self.below = (torch.empty_like(like) for _ in range(3))

    def set(self, trust: Tensor, edges: Tensor, weight: float) -> None:
        """Computes the coefficients.

        Args:
            trust: diagonal of T, (C, H, W).
            edges: diagonal of E, (H, W), the same for all channels.
            weight: of the regulariser.
        """
        own, right, below = self.own, self.right.zero_(), self.below.zero_()
        right[:, :, :-1] = edges[:, :-1]
        below[:, :-1] = edges[:-1]
        torch.add(right, below, out=own)
        own[:, :, 1:] += edges[:, :-1]
        own[:, 1:] += edges[:-1]
        own.mul_(trust).mul_(trust).mul_(weight).add_(1.0)
        right[:, :, :-1].mul_(trust[:, :, :-1]).mul_(trust[:, :, 1:]).mul_(-weight)
        below[:, :-1].mul_(trust[:, :-1]).mul_(trust[:, 1:]).mul_(-weight)

    def __call__(self, image: Tensor, out: Tensor) -> Tensor:
        """Writes the product with a contiguous (C, H, W) into ``out`` and returns it."""
        width = image.shape[-1]
        torch.mul(self.own, image, out=out)
        vector, product = image.view(-1), out.view(-1)
        right, below = self.right.view(-1)[:-1], self.below.view(-1)[:-width]
        product[:-1].addcmul_(right, vector[1:])
        product[1:].addcmul_(right, vector[:-1])
        product[:-width].addcmul_(below, vector[width:])
        product[width:].addcmul_(below, vector[:-width])
        return out


def conjugate_gradients(
    operator: FivePoint, target: Tensor, solution: Tensor, work: Sequence[Tensor], reduction: float
) -> int:
    """Improves ``solution`` in place by conjugate gradients without preconditioner.

    It ends when the norm of the true residual is ``reduction`` times smaller than at the start, but no sooner than
    when it is below that of ``target``: MATLAB's ``pcg``, which the results of [1] were made with, clamps the
    relative tolerance to less than 1, and the first solves start far above it.

    Args:
        operator: symmetric positive definite.
        target: right-hand side.
        solution: first guess; becomes the solution.
        work: three tensors of that shape; overwritten.
        reduction: wanted.

    Returns:
        Steps taken: 0 if the first guess was good enough, at most 500.
    """
    residual, direction, product = work
    scale = _norm(target)
    torch.sub(target, operator(solution, product), out=residual)
    start = _norm(residual)
    goal = min(max(start / scale / reduction, EPSILON), 1.0 - EPSILON) * scale
    if start <= goal:
        return 0
    direction.copy_(residual)
    energy = start * start
    for step in range(1, CG_STEPS + 1):
        operator(direction, product)
        length = energy / _dot(direction, product)
        solution.add_(direction, alpha=length)
        residual.sub_(product, alpha=length)
        before, energy = energy, _dot(residual, residual)
        if math.sqrt(energy) <= goal:
            torch.sub(target, operator(solution, product), out=residual)
            energy = _dot(residual, residual)
            if math.sqrt(energy) <= goal:
                return step
        torch.add(residual, direction, alpha=energy / before, out=direction)
    return CG_STEPS


def _dot(one: Tensor, other: Tensor) -> float:
    return float(one.view(-1).dot(other.view(-1)))


def _norm(values: Tensor) -> float:
    return math.sqrt(_dot(values, values))
