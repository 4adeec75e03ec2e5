"""Separable windows over the lines of a tile: across along a line, down over lines a constant distance apart."""

from __future__ import annotations

from bench.compiled import Array, kernel

TILE = 208
"""Columns per tile: three tiles cover the 624 windows of a row of 640 pixels, and one tile fits the second-level cache.

The lines of a tile lie in one array at constant multiples of this, so that the compiler sees that they do not overlap.
"""
STRIDE = 13 * TILE
"""Distance between the rows of a tile: each row holds the lines of up to thirteen images side by side."""
TILE_ROWS = 16
LARGEST = 17


@kernel
def tile_width(width: int, most: int) -> int:
    """Columns per tile, at most ``most``, so that all are about equally wide."""
    tiles = (width + most - 1) // most
    return (width + tiles - 1) // tiles


@kernel
def across(line: Array, half: Array, out: Array, count: int) -> None:
    """Writes ``count`` window means of a line; ``half``: the weights from the centre outwards."""
    reach = half.size - 1
    if reach == 8:
        _across_17(line, half, out, count)
        return
    if reach == 4:
        _across_9(line, half, out, count)
        return
    centre, left, right = line[reach:], line[reach - 1 :], line[reach + 1 :]
    inner, outer = half[0], half[1]
    for x in range(count):
        out[x] = inner * centre[x] + outer * (left[x] + right[x])
    for tap in range(2, reach + 1):
        weight, left, right = half[tap], line[reach - tap :], line[reach + tap :]
        for x in range(count):
            out[x] += weight * (left[x] + right[x])


@kernel
def _across_9(line: Array, half: Array, out: Array, count: int) -> None:
    w0, w1, w2, w3, w4 = half[0], half[1], half[2], half[3], half[4]
    for x in range(count):
        near = w0 * line[x + 4] + w1 * (line[x + 3] + line[x + 5]) + w2 * (line[x + 2] + line[x + 6])
        out[x] = near + (w3 * (line[x + 1] + line[x + 7]) + w4 * (line[x] + line[x + 8]))


@kernel
def _across_17(line: Array, half: Array, out: Array, count: int) -> None:
    w0, w1, w2, w3, w4 = half[0], half[1], half[2], half[3], half[4]
    w5, w6, w7, w8 = half[5], half[6], half[7], half[8]
    for x in range(count):
        near = w0 * line[x + 8] + w1 * (line[x + 7] + line[x + 9]) + w2 * (line[x + 6] + line[x + 10])
        near += w3 * (line[x + 5] + line[x + 11]) + w4 * (line[x + 4] + line[x + 12])
        far = w5 * (line[x + 3] + line[x + 13]) + w6 * (line[x + 2] + line[x + 14])
        far += w7 * (line[x + 1] + line[x + 15]) + w8 * (line[x] + line[x + 16])
        out[x] = near + far


@kernel
def down(rows: Array, half: Array, out: Array, count: int) -> None:
    """Writes two rows of window means, ``STRIDE`` apart; the first window starts at the first of ``rows``."""
    reach = half.size - 1
    if reach == 8:
        _down_17(rows, half, out, count)
        return
    if reach == 4:
        _down_9(rows, half, out, count)
        return
    for row in range(2):
        mean, centre = out[row * STRIDE :], rows[(row + reach) * STRIDE :]
        above, below = rows[(row + reach - 1) * STRIDE :], rows[(row + reach + 1) * STRIDE :]
        inner, outer = half[0], half[1]
        for x in range(count):
            mean[x] = inner * centre[x] + outer * (above[x] + below[x])
        for tap in range(2, reach + 1):
            weight = half[tap]
            above, below = rows[(row + reach - tap) * STRIDE :], rows[(row + reach + tap) * STRIDE :]
            for x in range(count):
                mean[x] += weight * (above[x] + below[x])


@kernel
def _down_9(rows: Array, half: Array, out: Array, count: int) -> None:
    w0, w1, w2, w3, w4 = half[0], half[1], half[2], half[3], half[4]
    second = out[STRIDE:]
    for x in range(count):
        r0, r1, r2, r3 = rows[x], rows[x + STRIDE], rows[x + 2 * STRIDE], rows[x + 3 * STRIDE]
        r4, r5, r6, r7 = rows[x + 4 * STRIDE], rows[x + 5 * STRIDE], rows[x + 6 * STRIDE], rows[x + 7 * STRIDE]
        r8, r9 = rows[x + 8 * STRIDE], rows[x + 9 * STRIDE]
        out[x] = w0 * r4 + w1 * (r3 + r5) + w2 * (r2 + r6) + (w3 * (r1 + r7) + w4 * (r0 + r8))
        second[x] = w0 * r5 + w1 * (r4 + r6) + w2 * (r3 + r7) + (w3 * (r2 + r8) + w4 * (r1 + r9))


@kernel
def _down_17(rows: Array, half: Array, out: Array, count: int) -> None:
    """Two rows in one sweep share sixteen of their seventeen loads."""
    w0, w1, w2, w3, w4 = half[0], half[1], half[2], half[3], half[4]
    w5, w6, w7, w8 = half[5], half[6], half[7], half[8]
    second = out[STRIDE:]
    for x in range(count):
        r0, r1, r2, r3 = rows[x], rows[x + STRIDE], rows[x + 2 * STRIDE], rows[x + 3 * STRIDE]
        r4, r5, r6, r7 = rows[x + 4 * STRIDE], rows[x + 5 * STRIDE], rows[x + 6 * STRIDE], rows[x + 7 * STRIDE]
        r8, r9, r10, r11 = rows[x + 8 * STRIDE], rows[x + 9 * STRIDE], rows[x + 10 * STRIDE], rows[x + 11 * STRIDE]
        r12, r13, r14 = rows[x + 12 * STRIDE], rows[x + 13 * STRIDE], rows[x + 14 * STRIDE]
        r15, r16, r17 = rows[x + 15 * STRIDE], rows[x + 16 * STRIDE], rows[x + 17 * STRIDE]
        near = w0 * r8 + w1 * (r7 + r9) + w2 * (r6 + r10) + w3 * (r5 + r11) + w4 * (r4 + r12)
        out[x] = near + (w5 * (r3 + r13) + w6 * (r2 + r14) + w7 * (r1 + r15) + w8 * (r0 + r16))
        near = w0 * r9 + w1 * (r8 + r10) + w2 * (r7 + r11) + w3 * (r6 + r12) + w4 * (r5 + r13)
        second[x] = near + (w5 * (r4 + r14) + w6 * (r3 + r15) + w7 * (r2 + r16) + w8 * (r1 + r17))


@kernel
def down_lines(rows: Array, half: Array, lines: int, out: Array, count: int) -> None:
    """:func:`down` for the first ``lines`` lines of each row; in one go where they leave no wide gaps."""
    if 8 * count >= 7 * TILE:
        down(rows, half, out, lines * TILE)
        return
    for line in range(lines):
        down(rows[line * TILE :], half, out[line * TILE :], count)


@kernel
def copy(source: Array, out: Array, count: int) -> None:
    """Copies ``count`` values."""
    for x in range(count):
        out[x] = source[x]


@kernel
def fetch(levels: Array, values: Array, row: int, left: int, out: Array, count: int) -> None:
    """A piece of a row as float64, from uint8 ``levels``; or from ``values`` where these are not empty."""
    if values.size:
        copy(values[row, left:], out, count)
        return
    line = levels[row, left:]
    for x in range(count):
        out[x] = line[x]


@kernel
def multiply(first: Array, second: Array, clipped: bool, out: Array, count: int) -> None:
    """Products of two lines, ``clipped`` to 255 as in uint8 arithmetic."""
    if clipped:
        for x in range(count):
            product = first[x] * second[x]
            out[x] = product if product < 255.0 else 255.0
        return
    for x in range(count):
        out[x] = first[x] * second[x]


@kernel
def move_up(tile: Array, rows: int, keep: int, lines: int, count: int) -> None:
    """Brings the ``keep`` rows from row ``rows`` on to the top of a tile."""
    for row in range(keep):
        for line in range(lines):
            copy(tile[(rows + row) * STRIDE + line * TILE :], tile[row * STRIDE + line * TILE :], count)


@kernel
def half_size(levels: Array, values: Array, half: Array, ring: Array, line: Array, out: Array) -> None:
    """Window means at every second row and column; ``ring``: 2-D, window rows; ``line``: one row, and its means."""
    reach, size, width = half.size - 1, 2 * half.size - 1, ring.shape[1]
    filled = 0
    for row in range(out.shape[0]):
        for y in range(filled, 2 * row + size):
            fetch(levels, values, y, 0, ring[y % size], width)
        filled = 2 * row + size
        centre = ring[(2 * row + reach) % size]
        above, below = ring[(2 * row + reach - 1) % size], ring[(2 * row + reach + 1) % size]
        for x in range(width):
            line[0, x] = half[0] * centre[x] + half[1] * (above[x] + below[x])
        for tap in range(2, reach + 1):
            weight = half[tap]
            above, below = ring[(2 * row + reach - tap) % size], ring[(2 * row + reach + tap) % size]
            for x in range(width):
                line[0, x] += weight * (above[x] + below[x])
        across(line[0], half, line[1], width - size + 1)
        for x in range(out.shape[1]):
            out[row, x] = line[1, 2 * x]
