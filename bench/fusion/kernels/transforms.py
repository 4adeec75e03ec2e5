"""The two transforms of a tile (see :mod:`bench.fusion.kernels.points`), eight channels at a time.

Numba does not vectorise what reads and writes 36 places at once, so both are written in LLVM's own vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from bench.fusion.kernels.points import INNER, INPUT, LANES, OUTER, RESULTS, SIDE

Vectors = list[Any]
FLAGS = ("contract",)
VECTOR = ir.VectorType(ir.FloatType(), LANES)


def _times(build: Any, factor: float, vector: Any) -> Any:
    return vector if factor == 1.0 else build.fmul(vector, ir.Constant(VECTOR, [float(factor)] * LANES), flags=FLAGS)


def _weighted(build: Any, row: Sequence[float], vectors: Vectors, places: Sequence[int]) -> Any:
    total: Any = None
    for place in places:
        if abs(row[place]) > 1e-9:
            part = _times(build, row[place], vectors[place])
            total = part if total is None else build.fadd(part, total, flags=FLAGS)
    return total


def _into(build: Any, values: Vectors) -> Vectors:
    """Six values of an axis to six, B^T d."""
    found = [_weighted(build, INPUT[0], values, range(SIDE))]
    for row in (INPUT[1], INPUT[3]):
        even, odd = (_weighted(build, row, values, range(first, SIDE, 2)) for first in (0, 1))
        found += [build.fadd(even, odd, flags=FLAGS), build.fsub(even, odd, flags=FLAGS)]
    return [*found, _weighted(build, INPUT[5], values, range(SIDE))]


def _out_of(build: Any, products: Vectors) -> Vectors:
    """Six products of an axis to four results, A^T m."""
    first, near, far, last = products[0], products[1:3], products[3:5], products[5]
    sums = [build.fadd(*pair, flags=FLAGS) for pair in (near, far)]
    differences = [build.fsub(*pair, flags=FLAGS) for pair in (near, far)]
    found = []
    for power in range(RESULTS):
        total = build.fadd(
            *(
                _times(build, point**power, pair)
                for point, pair in zip((INNER, OUTER), differences if power % 2 else sums, strict=True)
            ),
            flags=FLAGS,
        )
        if power in (0, RESULTS - 1):
            total = build.fadd(total, last if power else first, flags=FLAGS)
        found.append(total)
    return found


def _everywhere(build: Any, number: Any) -> Any:
    """A vector that holds a number in every place."""
    first = build.insert_element(ir.Constant(VECTOR, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    return build.shuffle_vector(first, first, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def _vector(build: Any, data: Any, start: Any, steps: Sequence[tuple[Any, int]] = ()) -> Any:
    """Where a vector lies in an array: so many steps of such lengths behind a place."""
    for step, count in steps:
        start = build.add(start, build.mul(step, ir.Constant(step.type, count)))
    return build.bitcast(build.gep(data, [start]), VECTOR.as_pointer())


def _load(build: Any, pointer: Any) -> Any:
    value = build.load(pointer)
    value.align = 4
    return value


def _finished(build: Any, value: Any, plus: Any, slope: Any) -> Any:
    """With the bias, negative results times the slope."""
    whole = build.fadd(value, plus, flags=FLAGS)
    positive = build.fcmp_ordered(">", whole, ir.Constant(VECTOR, [0.0] * LANES))
    return build.select(positive, whole, build.fmul(whole, slope))


def _transform(along: Callable[[Any, Vectors], Vectors], results: int) -> Any:
    """A function for kernels: reads a tile, transforms both axes, writes ``results`` x ``results`` vectors.

    Its arguments: the array to read, where its tile begins and how far apart rows and columns are; the same of the
    array to write; and of a convolution's results an array and a place in it whose vector is added, and what negative
    ones are multiplied by.
    """

    @intrinsic
    def move(_: Any, source: Any, at: Any, target: Any, to: Any, added: Any, of: Any, slope: Any) -> Any:
        if of not in types.integer_domain or slope != types.float32 or {len(at), len(to)} != {3}:
            return None  # Numba's word for a call that does not fit
        place = types.UniTuple(types.intp, 3)
        signature = types.void(source, place, target, place, added, types.intp, types.float32)

        def generate(context: Any, build: Any, signature: Any, values: Any) -> Any:
            source, target, added = (
                context.make_array(signature.args[index])(context, build, values[index]).data for index in (0, 2, 4)
            )
            (at, row, column), (to, down, right) = (cgutils.unpack_tuple(build, values[index]) for index in (1, 3))
            plus, factor = _load(build, _vector(build, added, values[5])), _everywhere(build, values[6])
            tile = []
            for j in range(SIDE):
                places = (_vector(build, source, at, ((row, i), (column, j))) for i in range(SIDE))
                tile.append(along(build, [_load(build, each) for each in places]))
            for i in range(results):
                for j, value in enumerate(along(build, [tile[k][i] for k in range(SIDE)])):
                    done = _finished(build, value, plus, factor) if results == RESULTS else value
                    build.store(done, _vector(build, target, to, ((down, i), (right, j)))).align = 4
            return context.get_dummy_value()

        return signature, generate

    return move


tile_in = _transform(_into, SIDE)
tile_out = _transform(_out_of, RESULTS)
