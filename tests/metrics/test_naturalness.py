"""BRISQUE where its regression cannot be fetched."""

from __future__ import annotations

import sys
from types import ModuleType
from urllib.error import URLError

import numpy as np
import pytest

from bench.metrics import PairScorer, naturalness


def test_a_regression_that_cannot_be_fetched_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def no_net(*_: object, **__: object) -> None:
        asked.append(1)
        raise URLError("no route to host")

    library = ModuleType("piq")
    library.brisque = no_net  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "piq", library)
    monkeypatch.setattr(naturalness, "_refused", [])
    image = np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)
    for _ in range(3):
        (value,) = PairScorer(image, image, ("standard",), ("BRISQUE",)).score(image)
        assert value.status == "skipped"
        assert "no route to host" in value.reason
        assert "connect once" in value.reason
    assert len(asked) == 1
