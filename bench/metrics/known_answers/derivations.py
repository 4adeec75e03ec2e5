"""What the answers are derived with: elementary functions alone, independent of the engine."""

from __future__ import annotations

import math
from collections.abc import Sequence

WANG = ((0.01 * 255.0) ** 2, (0.03 * 255.0) ** 2)
QA = 0.9879 / (1.0 + math.exp(-4.4))
"""Orientation factor of Qabf where nothing turned."""
QN = math.sqrt(0.9999 / 2.0 * 0.9995 / (1.0 + math.exp(-11.0)))
"""Quality of Nabf at half the strength and equal orientation."""
EDGE_50 = 50.0**1.5
NAVA, CVEJIC = 0.43137, 1.85


def lum(first: float, second: float, c1: float) -> float:
    """Luminance term of SSIM for two local means."""
    return (2.0 * first * second + c1) / (first**2 + second**2 + c1)


def eig(*eigenvalues: float) -> float:
    """1 + sum (l / 3) log2(l / 3) / 8 over the eigenvalues above 0."""
    return 1.0 + sum(value / 3.0 * math.log2(value / 3.0) for value in eigenvalues if value > 0.0) / 8.0


def gauss(size: int, sigma: float) -> list[float]:
    """Weights of a 1-D Gaussian window that sum to 1."""
    weights = [math.exp(-((k - size // 2) ** 2) / (2.0 * sigma**2)) for k in range(size)]
    return [weight / sum(weights) for weight in weights]


def parity(size: int, sigma: float) -> tuple[float, float]:
    """Weight of the columns of the centre's parity under a Gaussian window, and of the others.

    Under it, stripes 0, a have local mean a w and variance a^2 w (1 - w), w one of the two.
    """
    weights = gauss(size, sigma)
    own = sum(weight for k, weight in enumerate(weights) if (k - size // 2) % 2 == 0)
    return own, 1.0 - own


def stripes_ssim(
    size: int, first: float, second: float, constants: tuple[float, float], power: tuple[float, float] = (1.0, 1.0)
) -> float:
    """Mean SSIM of stripes 0, ``first`` and 0, ``second`` under a Gaussian of sigma 1.5: both parities count alike.

    The covariance is first * second * w (1 - w). ``power`` leaves out luminance or contrast where it is 0.
    """
    c1, c2 = constants
    own, other = parity(size, 1.5)
    spread = own * other
    contrast = (2.0 * first * second * spread + c2) / ((first**2 + second**2) * spread + c2)
    luminance = [lum(first * weight, second * weight, c1) ** power[0] for weight in (own, other)]
    return sum(luminance) / 2.0 * contrast ** power[1]


def stripes_vif(gain: float, level: float, noise: float) -> tuple[float, float]:
    """Information kept and there at the finest scale, stripes 0, a seen as 0, gain a; coarser scales see no stripes.

    The local variance v = a^2 w (1 - w) is the same at both parities, the error e vanishes.
    """
    own, other = parity(17, 17.0 / 5.0)
    variance = level**2 * own * other
    return math.log10(1.0 + gain**2 * variance / (1e-10 + noise)), math.log10(1.0 + variance / noise)


def clipped_stripes_vif() -> float:
    """VIF of one source, stripes 0, 20 seen as 0, 10, with the source's squares clipped from 400 to 255."""
    kept = whole = 0.0
    for weight in parity(17, 17.0 / 5.0):
        there = 255.0 * weight - 400.0 * weight**2
        seen, shared = 100.0 * (weight - weight**2), 200.0 * (weight - weight**2)
        gain = shared / (there + 1e-10)
        error = max(seen - gain * shared, 1e-10)
        kept += math.log(1.0 + gain**2 * there / (error + 2.0))
        whole += math.log(1.0 + there / 2.0)
    return kept / whole


def one_pixel_vif(level: float, gain: float) -> float:
    """``ivif_zoo`` VIF of one source, a single pixel in a black surrounding: only the window's centre weight counts.

    Coordinates run from -(n + 1) / 2 to (n - 1) / 2 in n points, so the centre lies at -1/2.
    """
    kept = whole = 0.0
    value = level
    for scale, size in enumerate((17, 9, 5, 3)):
        places = [-(size + 1) / 2.0 + k * size / (size - 1.0) for k in range(size)]
        weights = [math.exp(-(place**2) / (2.0 * (size / 5.0) ** 2)) for place in places]
        centre = (weights[size // 2] / sum(weights)) ** 2
        value = value * centre if scale else value
        variance = centre * value**2 * (1.0 - centre)
        seen_gain = gain * variance / (variance + 1e-10)
        error = max(gain**2 * variance - seen_gain * gain * variance, 1e-10)
        kept += math.log10(1.0 + seen_gain**2 * variance / (error + 2.0))
        whole += math.log10(1.0 + variance / 2.0)
    return kept / whole


def one_pixel_qy(level: float, seen: float) -> float:
    """``ivif_zoo`` Qy of a single pixel: SSIM with means w x and variances w x^2 - (w x)^2, w the centre weight."""
    weight = gauss(7, 1.5)[3]
    spread = weight - weight**2
    contrast = (2.0 * spread * level * seen + 9e-4) / (spread * (level**2 + seen**2) + 9e-4)
    return lum(weight * level, weight * seen, 1e-4) * contrast


def tsallis(powers: float, order: float) -> float:
    """(1 - sum) / (1 - q)."""
    return (1.0 - powers) / (1.0 - order)


def impulse_q_e(level: float, seen: float) -> float:
    """Q_E of an impulse in 11 x 11 images: one window, so SSIM of the images times SSIM of their edge rings.

    The Prewitt strengths of an impulse a are a at the 4 neighbours and sqrt(2) a at the 4 diagonal ones.
    """
    weights = gauss(11, 1.5)
    centre, side, corner = weights[5] ** 2, weights[5] * weights[4], weights[4] ** 2
    product = 1.0
    for mean, square in ((centre, centre), (4.0 * side + 4.0 * math.sqrt(2.0) * corner, 4.0 * side + 8.0 * corner)):
        spread = square - mean**2
        contrast = (2.0 * spread * level * seen + WANG[1]) / (spread * (level**2 + seen**2) + WANG[1])
        product *= lum(mean * level, mean * seen, WANG[0]) * contrast
    return product


def two_by_two_contrast(top_level: float, frequency: float, guard: float) -> tuple[float, float]:
    """Masked contrast of Chen and Blum at the dark and the bright column of a 2 x 2 image 0, a.

    The filter leaves S(0) of the mean and S(r) of the difference; windows hold the two columns only.
    """

    def response(radius: float) -> float:
        return math.exp(-((radius / 15.3870) ** 2)) - 0.7622 * math.exp(-((radius / 1.3456) ** 2))

    def weights(sigma: float) -> tuple[float, float]:
        scale = math.sqrt(2.0 * math.pi) * sigma
        return 1.0 / scale, math.exp(-1.0 / (2.0 * sigma**2)) / scale

    half = top_level / 2.0
    dark, bright = half * (response(0.0) - response(frequency)), half * (response(0.0) + response(frequency))
    masked = []
    for here, there in ((dark, bright), (bright, dark)):
        near, far = (sum(weights(s)) * (weights(s)[0] * here + weights(s)[1] * there) for s in (2.0, 4.0))
        contrast = abs(near / (far + guard) - 1.0)
        masked.append(contrast**3 / (contrast**2 + 0.0001))
    return masked[0], masked[1]


def half_turned_qcb() -> float:
    """Qcb of 2 x 2 columns against rows: kept where the levels agree, the ratio of both contrasts elsewhere."""
    dark, bright = two_by_two_contrast(255.0, 2.0 / 30.0, 0.0)
    return (1.0 + min(dark, bright) / max(dark, bright)) / 2.0


def guarded_qcb(turned: bool) -> float:
    """``ivif_zoo`` Qcb of 2 x 2 columns against themselves or against rows; weights are 2 c^2 / (2 c^2 + 1e-10)."""
    dark, bright = two_by_two_contrast(1.0, 1.0 / 30.0, 1e-10)
    ratio = min(dark, bright) / max(dark, bright) if turned else 1.0
    return sum(2.0 * c**2 / (2.0 * c**2 + 1e-10) * (1.0 + ratio) / 2.0 for c in (dark, bright)) / 2.0


def stripes_check_qcv() -> float:
    """Qcv of stripes against a chessboard, 0, 255: both are pure waves, filtered at r = 8 and 8 sqrt(2)."""

    def response(radius: float) -> float:
        return 2.6 * (0.0192 + 0.144 * radius) * math.exp(-((0.144 * radius) ** 1.1))

    return 127.5**2 * (response(8.0) ** 2 + response(8.0 * math.sqrt(2.0)) ** 2)


def small_edge_qabf() -> float:
    """``seafusion2022`` Qabf of a step of 0.2: the tie rule puts the strength in place of the ratio.

    246 pixels have strength 4 t, 2 have sqrt(10) t, 4 have sqrt(18) t.
    """
    strengths = [(246, 0.8), (2, math.sqrt(10.0) * 0.2), (4, math.sqrt(18.0) * 0.2)]
    kept = sum(count * g * 0.9994 / (1.0 + math.exp(-15.0 * (g - 0.5))) * QA for count, g in strengths)
    return kept / sum(count * g for count, g in strengths)


def lightness(level: int) -> float:
    """CIELAB L* of a grey level of sRGB."""
    value = level / 255.0
    linear = ((value + 0.055) / 1.055) ** 2.4 if value > 0.04045 else value / 12.92
    return 116.0 * linear ** (1.0 / 3.0) - 16.0 if linear > 0.008856 else 903.292 * linear


def grey_ciede2000(first: int, second: int) -> float:
    """CIEDE2000 of two greys: the lightness difference over S_L."""
    one, other = lightness(first), lightness(second)
    middle = ((one + other) / 2.0 - 50.0) ** 2
    return abs(one - other) / (1.0 + 0.015 * middle / math.sqrt(20.0 + middle))


def primary_lab(column: Sequence[float]) -> tuple[float, float]:
    """a*, b* of a full primary of sRGB from its column of the matrix to XYZ, white D65."""
    x, y, z = (part / white for part, white in zip(column, (0.95047, 1.0, 1.08883), strict=True))
    fx, fy, fz = (value ** (1.0 / 3.0) if value > 0.008856 else 7.787 * value + 16.0 / 116.0 for value in (x, y, z))
    return 500.0 * (fx - fy), 200.0 * (fy - fz)


def red_green_hue() -> float:
    """CIELAB hue difference of the red and the green primary: sqrt(2 (C C' - a a' - b b'))."""
    red, green = primary_lab((0.412453, 0.212671, 0.019334)), primary_lab((0.357580, 0.715160, 0.119193))
    return math.sqrt(2.0 * (math.hypot(*red) * math.hypot(*green) - red[0] * green[0] - red[1] * green[1]))
