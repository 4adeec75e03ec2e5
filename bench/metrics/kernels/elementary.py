"""Exponential and arc tangent as polynomials, which compilers vectorise; and sums of logarithms as products."""

from __future__ import annotations

import math

import numpy as np

from bench.compiled import Array, kernel

_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # their sum is ln 2; the first has 32 bits
_MAGIC = 6755399441055744.0  # 1.5 * 2^52: adding it rounds to an integer and leaves that in the low bits
_TAN_22 = 0.41421356237309503
_LN2 = 0.6931471805599453


@kernel
def exponential(x: float) -> float:
    """e^x for -700 <= x <= 700, within 3e-14 relative: degree 9 at Chebyshev nodes of |r| <= ln 2 / 2.

    Both polynomials are evaluated in pairs of terms, which waits less for single results than Horner's rule.
    """
    shifted = x * _LOG2_E + _MAGIC
    n = shifted - _MAGIC
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    r2 = r * r
    r4 = r2 * r2
    low = (1.0000000000000135 + 1.0000000000000013 * r) + (0.4999999999943859 + 0.16666666666615648 * r) * r2
    high = (0.04166666704055191 + 0.008333333367311603 * r) + (0.0013888801749656543 + 0.0001984119064754424 * r) * r2
    p = low + (high + (2.4884459951751116e-05 + 2.7632640675430236e-06 * r) * r4) * r4
    power = np.int64((np.float64(shifted).view(np.int64) + 1023) << 52).view(np.float64)
    return p * power


@kernel
def angle_between(across: float, along: float) -> float:
    """atan2(across, along) for across >= 0 and not both 0: 0 to pi, within 5e-13.

    The ratio is brought to |t| <= tan(pi / 8) by one subtraction formula; degree 15 at Chebyshev nodes.
    """
    size = abs(along)
    less, more = min(across, size), max(across, size)
    folded = less > _TAN_22 * more
    t = (less - more if folded else less) / (less + more if folded else more)
    z = t * t
    z2 = z * z
    low = (0.9999999999992447 - 0.33333333276922494 * z) + (0.19999993053555815 - 0.14285386553752139 * z) * z2
    high = (0.11103456908947464 - 0.08992552906150912 * z) + (0.06974197686595265 - 0.03765510601291402 * z) * z2
    p = low + high * (z2 * z2)
    angle = p * t
    angle = angle + (math.pi / 4 if folded else 0.0)
    angle = math.pi / 2 - angle if across > size else angle
    return math.pi - angle if along < 0.0 else angle


@kernel
def strip_exponents(products: Array, exponents: Array, count: int) -> None:
    """Moves the binary exponents of running products to ``exponents``, so that they never overflow."""
    for x in range(count):
        bits = np.float64(products[x]).view(np.int64)
        exponents[x] += (bits >> 52) - 1023
        products[x] = np.int64((bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000).view(np.float64)


@kernel
def sum_of_logs(products: Array, exponents: Array, count: int) -> float:
    """Sum of log(product 2^exponent)."""
    total, powers = 0.0, 0
    for x in range(count):
        total += math.log(products[x])
        powers += exponents[x]
    return total + powers * _LN2
