"""Operations of a method: a number that holds all its products, or none and why."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from bench.fusion.operations import count_operations

X = torch.ones(2, 3, 16, 8)
SQUARE = torch.eye(8)


@pytest.mark.parametrize(
    ("run", "wanted"),
    [
        # queries and keys: 16 x 16 x 8 for each of 6 heads, and the same again with the values
        (lambda: functional.scaled_dot_product_attention(X, X, X), 2 * 2 * 6 * 16 * 16 * 8),
        (lambda: functional.scaled_dot_product_attention(X, X[:, :, :4], X[:, :, :4]), 2 * 2 * 6 * 16 * 4 * 8),
        (lambda: (X.softmax(-1) @ X.transpose(-1, -2)).softmax(-1) @ X, 2 * 2 * 6 * 16 * 16 * 8),
        (lambda: SQUARE.mv(SQUARE[0]), 2 * 64),
        (lambda: torch.addmv(SQUARE[0], SQUARE, SQUARE[0]), 2 * 64),
        (lambda: SQUARE[0].dot(SQUARE[1]), 2 * 8),
        (lambda: torch.addbmm(SQUARE, SQUARE.expand(3, 8, 8), SQUARE.expand(3, 8, 8)), 2 * 3 * 8 * 8 * 8),
        (lambda: nn.functional.conv2d(X, torch.ones(5, 3, 3, 3)), 2 * 2 * 5 * 14 * 6 * 27),
        (lambda: torch.einsum("bchw,dw->bchd", X, SQUARE), 2 * 6 * 16 * 8 * 8),
        (lambda: nn.Linear(8, 4)(X).relu(), 2 * 6 * 16 * 8 * 4),
    ],
    ids=[
        "attention",
        "cross attention",
        "attention by hand",
        "mv",
        "addmv",
        "dot",
        "addbmm",
        "conv",
        "einsum",
        "linear",
    ],
)
def test_all_products_are_counted(run: Callable[[], object], wanted: int) -> None:
    with torch.no_grad():
        assert count_operations(run) == (wanted, "")


@pytest.mark.parametrize(
    "run",
    [
        lambda: torch.linalg.svd(SQUARE @ SQUARE),
        lambda: torch.linalg.solve(SQUARE, SQUARE) @ SQUARE,
        lambda: torch.fft.rfft2(X @ SQUARE),
        lambda: nn.LSTM(8, 4)(X[0] @ SQUARE),
        lambda: torch.cdist(SQUARE @ SQUARE, SQUARE),
        lambda: torch.from_numpy((X @ SQUARE).numpy() * 2),
        lambda: np.asarray(X @ SQUARE) @ np.ones((8, 8)),
        lambda: X * X + X,
    ],
    ids=["svd", "solve", "fft", "lstm", "cdist", "numpy", "asarray", "elementwise alone"],
)
def test_a_part_of_the_work_is_not_passed_for_the_whole(run: Callable[[], object]) -> None:
    with torch.no_grad():
        flops, why = count_operations(run)
    assert flops is None
    assert why.startswith("not counted: ")


def test_what_is_no_network_is_not_counted() -> None:
    assert count_operations(lambda: SQUARE @ SQUARE, classical=True)[0] is None
