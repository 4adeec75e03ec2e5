"""Slow plain-loop versions of the metrics, written from the formulas of the papers and of docs/conventions.md.

No loop is vectorised and nothing is shared with the engine; the tests compare both on small images.
"""

# ruff: noqa: B023 - the small functions below are called before the loop goes on
from __future__ import annotations

import math

Grid = list[list[float]]


def grid(image) -> Grid:
    return [[float(value) for value in row] for row in image]


def cells(image: Grid):
    return [value for row in image for value in row]


def mean(values) -> float:
    values = list(values)
    return math.fsum(values) / len(values)


# information


def entropy(values, base: float = 2.0) -> float:
    values = list(values)
    counts: dict = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return -math.fsum(n / len(values) * math.log(n / len(values), base) for n in counts.values())


def mutual_information(ir: Grid, vis: Grid, fused: Grid, base: float = 2.0, top: float = 255.0) -> float:
    """``top`` 254: levels above it share its bin in the joint histogram."""
    total = 0.0
    for source in (ir, vis):
        pairs = [(min(a, top), min(b, top)) for a, b in zip(cells(source), cells(fused), strict=True)]
        total += entropy(cells(source), base) + entropy(cells(fused), base) - entropy(pairs, base)
    return total


def stretched(image: Grid) -> Grid:
    low, high = min(cells(image)), max(cells(image))
    if low == high:
        return [[0.0 for _ in row] for row in image]
    return [[float(math.floor(255.0 * ((value - low) / (high - low)) + 0.5)) for value in row] for row in image]


def cross_entropy(ir: Grid, vis: Grid, fused: Grid) -> float:
    total = 0.0
    target = cells(fused)
    for source in (cells(ir), cells(vis)):
        for level in set(source) & set(target):
            p, q = source.count(level) / len(source), target.count(level) / len(target)
            total += p * math.log2(p / q)
    return total / 2


# moments


def deviation(fused: Grid) -> float:
    centre = mean(cells(fused))
    return math.sqrt(mean((value - centre) ** 2 for value in cells(fused)))


def deviation_uint8(fused: Grid) -> float:
    centre = mean(cells(fused))
    total = 0.0
    for value in cells(fused):
        difference = max(math.floor(value - centre + 0.5), 0)
        total += min(difference * difference, 255)
    return math.sqrt(total / len(cells(fused)))


def correlation(first, second) -> float:
    first, second = list(first), list(second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        return 0.0
    mean_1, mean_2 = mean(first), mean(second)
    top = math.fsum((a - mean_1) * (b - mean_2) for a, b in zip(first, second, strict=True))
    return top / math.sqrt(math.fsum((a - mean_1) ** 2 for a in first) * math.fsum((b - mean_2) ** 2 for b in second))


def correlation_coefficient(ir: Grid, vis: Grid, fused: Grid) -> float:
    return (correlation(cells(ir), cells(fused)) + correlation(cells(vis), cells(fused))) / 2


def correlations_of_differences(ir: Grid, vis: Grid, fused: Grid) -> float:
    without_vis = [f - v for f, v in zip(cells(fused), cells(vis), strict=True)]
    without_ir = [f - i for f, i in zip(cells(fused), cells(ir), strict=True)]
    return correlation(without_vis, cells(ir)) + correlation(without_ir, cells(vis))


def squared_error(ir: Grid, vis: Grid, fused: Grid) -> float:
    errors = [mean((a - b) ** 2 for a, b in zip(cells(source), cells(fused), strict=True)) for source in (ir, vis)]
    return mean(errors)


# differences


def spatial_frequency(fused: Grid) -> float:
    height, width = len(fused), len(fused[0])
    across = [(fused[y][x + 1] - fused[y][x]) ** 2 for y in range(height) for x in range(width - 1)]
    down = [(fused[y + 1][x] - fused[y][x]) ** 2 for y in range(height - 1) for x in range(width)]
    return math.sqrt((mean(across) if across else 0.0) + (mean(down) if down else 0.0))


def forward_gradient(fused: Grid) -> float:
    height, width = len(fused), len(fused[0])
    return mean(
        math.sqrt(((fused[y][x + 1] - fused[y][x]) ** 2 + (fused[y + 1][x] - fused[y][x]) ** 2) / 2)
        for y in range(height - 1)
        for x in range(width - 1)
    )


def slope(values: list[float], index: int) -> float:
    low, high = max(index - 1, 0), min(index + 1, len(values) - 1)
    return (values[high] - values[low]) / (high - low)


def central_gradient_sum(fused: Grid) -> float:
    height, width = len(fused), len(fused[0])
    columns = [[fused[y][x] for y in range(height)] for x in range(width)]
    return math.fsum(
        math.sqrt((slope(fused[y], x) ** 2 + slope(columns[x], y) ** 2) / 2)
        for y in range(height)
        for x in range(width)
    )


# edges


def pixel(image: Grid, y: int, x: int, border: str) -> float:
    height, width = len(image), len(image[0])
    if 0 <= y < height and 0 <= x < width:
        return image[y][x]
    if border == "zero":
        return 0.0
    if border == "mirror":
        y = -y if y < 0 else 2 * (height - 1) - y if y >= height else y
        x = -x if x < 0 else 2 * (width - 1) - x if x >= width else x
        return image[y][x]
    return image[min(max(y, 0), height - 1)][min(max(x, 0), width - 1)]


def gradients(image: Grid, border: str) -> list[list[tuple[float, float]]]:
    """Brightening to the right and upwards, Sobel weights."""
    out = []
    for y in range(len(image)):
        row = []
        for x in range(len(image[0])):
            right = up = 0.0
            for offset, weight in ((-1, 1.0), (0, 2.0), (1, 1.0)):
                right += weight * (pixel(image, y + offset, x + 1, border) - pixel(image, y + offset, x - 1, border))
                up += weight * (pixel(image, y - 1, x + offset, border) - pixel(image, y + 1, x + offset, border))
            row.append((right, up))
        out.append(row)
    return out


def sigmoid(gain: float, slope_: float, centre: float, value: float) -> float:
    return gain / (1 + math.exp(-slope_ * (value - centre)))


def edge_preservation(ir: Grid, vis: Grid, fused: Grid, border: str, tie_scale: float | None) -> float:
    """``tie_scale`` None: equal strengths have ratio 1; else ratio strength * tie_scale."""
    result = gradients(fused, border)
    top = bottom = 0.0
    for source in (gradients(ir, border), gradients(vis, border)):
        for y in range(len(ir)):
            for x in range(len(ir[0])):
                strength, kept = math.hypot(*source[y][x]), math.hypot(*result[y][x])
                if strength == 0.0:
                    continue
                if strength == kept:
                    ratio = 1.0 if tie_scale is None else kept * tie_scale
                else:
                    ratio = min(strength, kept) / max(strength, kept)
                angle_1, angle_2 = (
                    math.pi / 2 if right == 0 else math.atan(up / right) for right, up in (source[y][x], result[y][x])
                )
                turn = 1 - abs(angle_1 - angle_2) / (math.pi / 2)
                top += sigmoid(0.9994, 15, 0.5, ratio) * sigmoid(0.9879, 22, 0.8, turn) * strength
                bottom += strength
    if bottom == 0.0:
        return sigmoid(0.9994, 15, 0.5, 1.0) * sigmoid(0.9879, 22, 0.8, 1.0)
    return top / bottom


def edge_intensity(fused: Grid) -> float:
    return mean(math.hypot(right, up) for row in gradients(fused, "replicate") for right, up in row)


def fusion_artefacts(ir: Grid, vis: Grid, fused: Grid) -> float:
    def polar(image: Grid):
        out = []
        for row in gradients(image, "mirror"):
            for right, up in row:
                across, down = right / 8, -up / 8
                if across == 0 and down == 0:
                    angle = 0.0
                else:
                    angle = math.copysign(math.pi / 2, across) if down == 0 else math.atan(across / down)
                out.append((math.hypot(across, down), angle))
        return out

    top = bottom = 0.0
    for first, second, result in zip(polar(ir), polar(vis), polar(fused), strict=True):
        lost = 0.0
        for strength, angle in (first, second):
            weight = strength**1.5 if strength >= 2 else 0.001
            small, large = min(strength, result[0]), max(strength, result[0])
            ratio = small / large if small > 0 else 0.0
            orientation = abs(abs(angle - result[1]) - math.pi / 2) * 2 / math.pi
            quality = math.sqrt(sigmoid(0.9999, 19, 0.5, ratio) * sigmoid(0.9995, 22, 0.5, orientation))
            lost += (1 - quality) * weight
            bottom += weight
        if result[0] > first[0] and result[0] > second[0]:
            top += lost
    return top / bottom


# windows


def gaussian(size: int, sigma: float) -> Grid:
    half = size // 2
    raw = [
        [math.exp(-(x * x + y * y) / (2 * sigma * sigma)) for x in range(-half, half + 1)]
        for y in range(-half, half + 1)
    ]
    total = math.fsum(cells(raw))
    return [[value / total for value in row] for row in raw]


def places(image: Grid, size: int):
    return [(y, x) for y in range(len(image) - size + 1) for x in range(len(image[0]) - size + 1)]


def weighted(window: Grid, y: int, x: int, value) -> float:
    return math.fsum(window[dy][dx] * value(y + dy, x + dx) for dy in range(len(window)) for dx in range(len(window)))


def filtered(window: Grid, image: Grid) -> Grid:
    size = len(window)
    return [
        [weighted(window, y, x, lambda r, c: image[r][c]) for x in range(len(image[0]) - size + 1)]
        for y in range(len(image) - size + 1)
    ]


def fidelity(reference: Grid, distorted: Grid, saturate: bool) -> float:
    top = bottom = 0.0
    for scale in range(1, 5):
        size = 2 ** (5 - scale) + 1
        window = gaussian(size, size / 5)
        if scale > 1:
            reference = [row[::2] for row in filtered(window, reference)[::2]]
            distorted = [row[::2] for row in filtered(window, distorted)[::2]]
        limit = 255.0 if saturate and scale == 1 else math.inf
        for y, x in places(reference, size):
            mean_r = weighted(window, y, x, lambda r, c: reference[r][c])
            mean_d = weighted(window, y, x, lambda r, c: distorted[r][c])
            var_r = weighted(window, y, x, lambda r, c: min(reference[r][c] ** 2, limit)) - mean_r**2
            var_d = weighted(window, y, x, lambda r, c: min(distorted[r][c] ** 2, limit)) - mean_d**2
            both = weighted(window, y, x, lambda r, c: min(reference[r][c] * distorted[r][c], limit)) - mean_r * mean_d
            var_r, var_d = max(var_r, 0.0), max(var_d, 0.0)
            gain = both / (var_r + 1e-10)
            error = var_d - gain * both
            if var_r < 1e-10:
                gain, error, var_r = 0.0, var_d, 0.0
            if var_d < 1e-10:
                gain, error = 0.0, 0.0
            if gain < 0:
                gain, error = 0.0, var_d
            top += math.log10(1 + gain**2 * var_r / (max(error, 1e-10) + 2))
            bottom += math.log10(1 + var_r / 2)
    return top / bottom if bottom > 0 else 1.0


def similarity_maps(first: Grid, second: Grid, window: Grid, data_range: float, sample: bool):
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    n = len(window) ** 2
    factor = n / (n - 1) if sample else 1.0
    luminance, contrast = [], []
    for y, x in places(first, len(window)):
        mean_1 = weighted(window, y, x, lambda r, c: first[r][c])
        mean_2 = weighted(window, y, x, lambda r, c: second[r][c])
        var_1 = factor * weighted(window, y, x, lambda r, c: (first[r][c] - mean_1) ** 2)
        var_2 = factor * weighted(window, y, x, lambda r, c: (second[r][c] - mean_2) ** 2)
        both = factor * weighted(window, y, x, lambda r, c: (first[r][c] - mean_1) * (second[r][c] - mean_2))
        luminance.append((2 * mean_1 * mean_2 + c1) / (mean_1**2 + mean_2**2 + c1))
        contrast.append((2 * both + c2) / (var_1 + var_2 + c2))
    return luminance, contrast


def similarity(first: Grid, second: Grid, window: Grid, data_range: float, sample: bool = False) -> float:
    return mean(a * b for a, b in zip(*similarity_maps(first, second, window, data_range, sample), strict=True))


def padded(image: Grid, margin: int) -> Grid:
    height, width = len(image), len(image[0])
    return [
        [pixel(image, y, x, "replicate") for x in range(-margin, width + margin)]
        for y in range(-margin, height + margin)
    ]


def exposure_structure(ir: Grid, vis: Grid, fused: Grid) -> float:
    """Single-scale MEF structure index, patch by patch."""
    side, constant, eps = 11, (0.03 * 255) ** 2, 2.0**-52
    window = gaussian(side, 1.5)
    values = []
    for y, x in places(fused, side):
        spots = [(y + dy, x + dx) for dy in range(side) for dx in range(side)]
        patches = []
        for source in (ir, vis):
            patch = [source[r][c] for r, c in spots]
            centre = mean(patch)
            patches.append([value - centre for value in patch])
        norms = [math.sqrt(math.fsum(v * v for v in patch)) for patch in patches]
        contrasts = [norm + 0.001 for norm in norms]
        together = math.sqrt(math.fsum((a + b) ** 2 for a, b in zip(*patches, strict=True)))
        consistency = min((together + eps) / (norms[0] + norms[1] + eps), 1 - eps)
        power = min(math.tan(math.pi / 2 * max(consistency, eps)), 10)
        weights = [(contrast / side) ** power + eps for contrast in contrasts]
        wanted = [
            (a * weights[0] / contrasts[0] + b * weights[1] / contrasts[1]) / sum(weights)
            for a, b in zip(*patches, strict=True)
        ]
        norm = math.sqrt(math.fsum(v * v for v in wanted))
        if norm > 0:
            wanted = [v * max(contrasts) / norm for v in wanted]
        taps = cells(window)
        patch = [fused[r][c] for r, c in spots]
        mean_r = math.fsum(w * v for w, v in zip(taps, wanted, strict=True))
        mean_f = math.fsum(w * v for w, v in zip(taps, patch, strict=True))
        var_r = math.fsum(w * (v - mean_r) ** 2 for w, v in zip(taps, wanted, strict=True))
        var_f = math.fsum(w * (v - mean_f) ** 2 for w, v in zip(taps, patch, strict=True))
        both = math.fsum(w * (a - mean_r) * (b - mean_f) for w, a, b in zip(taps, wanted, patch, strict=True))
        values.append((2 * both + constant) / (var_r + var_f + constant))
    return mean(values)


def window_information(source: list[float], fused: list[float]) -> float:
    """Fast-FMI of one window pair, each nine values read down the columns; two flat windows score 1."""
    if source == fused or (len(set(source)) == 1 and len(set(fused)) == 1):
        return 1.0

    def distribution(values: list[float]) -> list[float]:
        low, high = min(values), max(values)
        scaled = [(value - low) / (high - low) if high > low else 1.0 for value in values]
        return [value / sum(scaled) for value in scaled]

    def bits(probabilities) -> float:
        return -math.fsum(p * math.log2(abs(p)) for p in probabilities if p != 0)

    x, f = distribution(source), distribution(fused)
    flat = len(set(source)) == 1 or len(set(fused)) == 1
    c = 0.0 if flat else correlation(x, f)
    spreads = [
        math.sqrt(
            max(sum((k + 1) ** 2 * p for k, p in enumerate(d)) - sum((k + 1) * p for k, p in enumerate(d)) ** 2, 0)
        )
        for d in (x, f)
    ]
    summed = [[math.fsum(d[: k + 1]) for k in range(9)] for d in (x, f)]

    def bound(i: int, j: int) -> float:
        if i < 0 or j < 0:
            return 0.0
        a, b = summed[1][i], summed[0][j]
        return min(a, b) if c >= 0 else max(a + b - 1, 0.0)

    share = 0.0
    if c != 0 and spreads[0] * spreads[1] > 0:
        reach = sum(bound(i, j) - summed[1][i] * summed[0][j] for i in range(9) for j in range(9))
        share = c / (reach / (spreads[0] * spreads[1]))
    joint = [
        share * (bound(i, j) - bound(i - 1, j) - bound(i, j - 1) + bound(i - 1, j - 1)) + (1 - share) * f[i] * x[j]
        for i in range(9)
        for j in range(9)
    ]
    separate = bits(x) + bits(f)
    mutual = separate - bits(joint)
    return 2 * mutual / separate if separate else 0.0


def raw_feature_information(ir: Grid, vis: Grid, fused: Grid) -> float:
    def window(image: Grid, y: int, x: int) -> list[float]:
        return [image[y + dy][x + dx] for dx in range(3) for dy in range(3)]

    return mean(
        (
            window_information(window(ir, y, x), window(fused, y, x))
            + window_information(window(vis, y, x), window(fused, y, x))
        )
        / 2
        for y, x in places(fused, 3)
    )
