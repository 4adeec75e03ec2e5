"""Floating-point operations of a method: counted where all of its products are, and said to be uncounted elsewhere.

PyTorch's counter knows matrix products, convolutions and the attention kernels of GPUs. What it does not know counts
nothing there, so that a method would look cheaper than it is: attention on the CPU and products with vectors are added
here; where anything else multiplies out of its sight, there is no number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

Shape = Sequence[int]

_AT_HOME = ("aten", "prim", "prims")
"""Namespaces of PyTorch's own elementary operations; kernels of other libraries are nobody's to count."""

_PRODUCTS = re.compile(
    r"^(_?linalg_|_?fft_|_?cdist|_trilinear|_?scaled_dot_product|_?(flash|efficient)_attention|_?thnn_fused|"
    r"(quantized_)?(gru|lstm|rnn)|_?(cudnn|mkldnn|miopen)_|_?sparse_|_?embedding_bag|addr$|ger$|"
    r"cholesky|lu_|qr$|geqrf|ormqr|triangular_solve|svd|matrix_exp|histc$|unique|_?weight_norm_int|_int_mm)"
)
"""Operations that multiply inside and are no elementwise ones: without a formula they are not counted."""

_LEAVES = {Tensor.numpy, Tensor.__array__, Tensor.tolist}
"""What hands the values to NumPy, whose work no counter sees."""


def attention(query: Shape, key: Shape, value: Shape, *_: Any, **__: Any) -> int:
    """Operations of attention, queries (B, H, N, D), keys (B, H, M, D), values (B, H, M, V): two products, 2 each."""
    batch = 1
    for size in query[:-2]:
        batch *= size
    return 2 * batch * query[-2] * key[-2] * (query[-1] + value[-1])


def product_with_vector(matrix: Shape, _: Shape, *__: Any, **___: Any) -> int:
    """Operations of (N, M) times (M,)."""
    return 2 * matrix[0] * matrix[1]


def sum_and_product_with_vector(_: Shape, matrix: Shape, *__: Any, **___: Any) -> int:
    """Operations of (N,) plus (N, M) times (M,), the sum as cheap as elsewhere."""
    return 2 * matrix[0] * matrix[1]


def scalar_product(first: Shape, *_: Any, **__: Any) -> int:
    """Operations of (N,) times (N,)."""
    return 2 * first[0]


def sum_of_products(_: Shape, first: Shape, second: Shape, *__: Any, **___: Any) -> int:
    """Operations of (N, K) plus the sum over B of (B, N, M) times (B, M, K)."""
    return 2 * first[0] * first[1] * first[2] * second[2]


def _added() -> dict[Any, Callable[..., int]]:
    aten = torch.ops.aten
    return {
        aten._scaled_dot_product_flash_attention_for_cpu: attention,
        aten._scaled_dot_product_fused_attention_overrideable: attention,
        aten.mv: product_with_vector,
        aten.addmv: sum_and_product_with_vector,
        aten.dot: scalar_product,
        aten.vdot: scalar_product,
        aten.addbmm: sum_of_products,
    }


class _Uncounted(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the operations that the counter passes over although they multiply."""

    def __init__(self, known: set[Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.known = known
        self.names: dict[str, None] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        packet = getattr(func, "_overloadpacket", func)
        namespace, _, name = str(packet).rpartition(".")
        if packet not in self.known and (namespace not in _AT_HOME or _PRODUCTS.match(name)):
            self.names[name] = None
        return func(*args, **(kwargs or {}))


class _Departures(TorchFunctionMode):
    """Notes whether values leave for NumPy."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen = self.seen or func in _LEAVES
        return func(*args, **(kwargs or {}))


def count_operations(run: Callable[[], object], classical: bool = False) -> tuple[float | None, str]:
    """Floating-point operations of what ``run`` does, two per multiply-add; elementwise ones count nothing, as usual.

    Args:
        run: does it once.
        classical: True for a method that is no network: most of its work is elementwise or outside PyTorch.

    Returns:
        The number and an empty text, or None and why it is not counted.
    """
    if classical:
        return None, "not counted: no network, most of its operations are none that a counter knows"
    counter = FlopCounterMode(display=False, custom_mapping=_added())
    watch, departures = _Uncounted(set(counter.flop_registry)), _Departures()
    with departures, watch, counter:
        run()
    if watch.names:
        return None, f"not counted: {', '.join(list(watch.names)[:3])} multiplies out of the counter's sight"
    if departures.seen:
        return None, "not counted: part of its work is outside PyTorch"
    total = counter.get_total_flops()
    return (float(total), "") if total else (None, "not counted: no operation ran that a counter knows")
