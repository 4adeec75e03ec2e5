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
from collections.abc import Callable

import torch
from torch import Tensor

REWEIGHTINGS = 5
FIDELITY_CUTOFF, VARIATION_CUTOFF = 0.05, 0.01
HISTOGRAM_BINS = 1000
CG_STEPS = 500
CG_REDUCTION = 5.0
"""Each inner solve brings the residual down to this part of where it started."""
FIRST_FIDELITY_WEIGHT = 2.0 * math.sqrt(0.1)
EPSILON = sys.float_info.epsilon

Operator = Callable[[Tensor, Tensor], Tensor]


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
    solution = difference
    for round_ in range(REWEIGHTINGS):
        squared = squared_gradient(solution)
        if not bool(squared.any()):  # a constant is its own minimum, and has no scale to weigh gradients by
            return solution
        edges = 2.0 / squared.clamp_(min=_variation_threshold(squared)).sqrt_()
        trust = _fidelity_weight(solution, difference, first=round_ == 0)
        solution, steps = _reweighted_solve(difference, solution, trust, edges, weight)
        if steps == 0:
            break
    return solution


def squared_gradient(image: Tensor) -> Tensor:
    """Squared forward differences, summed over both directions and all channels; zero past the last row and column.

    Args:
        image: (C, H, W).

    Returns:
        (H, W).
    """
    squared = torch.zeros_like(image[0])
    squared[:, :-1] += (image[:, :, 1:] - image[:, :, :-1]).square_().sum(0)
    squared[:-1] += (image[:, 1:] - image[:, :-1]).square_().sum(0)
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
    return int(torch.searchsorted(edges, torch.kthvalue(flat, rank).values)), centres


def _variation_threshold(squared: Tensor) -> float:
    index, centres = histogram_bin(squared, VARIATION_CUTOFF)
    return float(centres[index]) or float(centres[index + 1])


def _fidelity_weight(solution: Tensor, difference: Tensor, first: bool) -> Tensor:
    """The inverse square root of the data term's weights; the start equals the data, so there it is a constant."""
    if first:
        return torch.full_like(difference, FIRST_FIDELITY_WEIGHT)
    distance = (solution - difference).abs_()
    index, centres = histogram_bin(distance, FIDELITY_CUTOFF)
    threshold = float(centres[min(index + 1, HISTOGRAM_BINS - 1)])
    return distance.clamp_(min=threshold).sqrt_().mul_(math.sqrt(0.5))


def _reweighted_solve(
    difference: Tensor, start: Tensor, trust: Tensor, edges: Tensor, weight: float
) -> tuple[Tensor, int]:
    """One reweighted least-squares problem, in the variable ``v = U / trust``; the steps taken come second."""
    operator = FivePoint(trust, edges, weight)
    target = (difference / trust).flatten()
    solution = (start / trust).flatten()
    residual = operator(solution, torch.empty_like(solution)).sub_(target)
    tolerance = float(residual.norm() / target.norm()) / CG_REDUCTION
    # MATLAB's pcg quietly clamps its tolerance so; the first solves start far above 1, and all depends on it
    tolerance = min(max(tolerance, EPSILON), 1.0 - EPSILON)
    solution, steps = conjugate_gradients(operator, target, solution, tolerance)
    return solution.view_as(trust).mul_(trust), steps


class FivePoint:
    """``v + weight * T (Dx' E Dx + Dy' E Dy) T v`` as a symmetric five-point stencil.

    T and E are diagonal. All is flat: a pixel's right neighbour is one further, the one below a row further, and
    links that would leave a row, a column or a channel have the coefficient zero.
    """

    def __init__(self, trust: Tensor, edges: Tensor, weight: float) -> None:
        """Makes the coefficients.

        Args:
            trust: diagonal of T, (C, H, W).
            edges: diagonal of E, (H, W), the same for all channels.
            weight: of the regulariser.
        """
        self.width = trust.shape[-1]
        right, below = trust.new_zeros(trust.shape), trust.new_zeros(trust.shape)
        right[:, :, :-1] = edges[:, :-1]
        below[:, :-1] = edges[:-1]
        links = right + below
        links[:, :, 1:] += edges[:, :-1]
        links[:, 1:] += edges[:-1]
        self.own = links.mul_(trust).mul_(trust).mul_(weight).add_(1.0).flatten()
        scaled = trust * -weight
        right[:, :, :-1] *= scaled[:, :, :-1] * trust[:, :, 1:]
        below[:, :-1] *= scaled[:, :-1] * trust[:, 1:]
        self.right, self.below = right.flatten()[:-1], below.flatten()[: -self.width]

    def __call__(self, vector: Tensor, out: Tensor) -> Tensor:
        """Writes the product with a flat vector into ``out`` and returns it."""
        width = self.width
        torch.mul(self.own, vector, out=out)
        out[:-1].addcmul_(self.right, vector[1:])
        out[1:].addcmul_(self.right, vector[:-1])
        out[:-width].addcmul_(self.below, vector[width:])
        out[width:].addcmul_(self.below, vector[:-width])
        return out


def conjugate_gradients(
    operator: Operator, target: Tensor, start: Tensor, tolerance: float
) -> tuple[Tensor, int]:
    """Conjugate gradients without preconditioner, until the true residual is at most ``tolerance * ||target||``.

    Args:
        operator: writes the product of a symmetric positive definite matrix and a vector into its second argument.
        target: flat right-hand side.
        start: flat first guess.
        tolerance: relative.

    Returns:
        The solution and the steps taken: 0 if ``start`` was good enough, at most 500.
    """
    goal = tolerance * float(target.norm())
    solution, product = start.clone(), torch.empty_like(start)
    residual = target - operator(solution, product)
    energy = float(residual.dot(residual))
    if math.sqrt(energy) <= goal:
        return solution, 0
    direction = residual.clone()
    for step in range(1, CG_STEPS + 1):
        operator(direction, product)
        length = energy / float(direction.dot(product))
        solution.add_(direction, alpha=length)
        residual.sub_(product, alpha=length)
        before, energy = energy, float(residual.dot(residual))
        if math.sqrt(energy) <= goal:
            torch.sub(target, operator(solution, product), out=residual)
            energy = float(residual.dot(residual))
            if math.sqrt(energy) <= goal:
                return solution, step
        torch.add(residual, direction, alpha=energy / before, out=direction)
    return solution, CG_STEPS
