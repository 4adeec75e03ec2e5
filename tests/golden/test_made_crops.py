"""Made crops with known answers, so that a clone without the reference folder still holds metrics and methods."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench.metrics.catalogue import CONVENTIONS

HERE = Path(__file__).parent


def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_crops", HERE / "make_crops.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CROPS = maker()
KNOWN: dict[str, Any] = json.loads((HERE / "made" / "answers.json").read_text())


def test_there_are_crops_in_every_convention() -> None:
    assert sorted(KNOWN) == CROPS.crops() != []
    for entry in KNOWN.values():
        assert set(entry["metrics"]) == set(CONVENTIONS)
        assert set(entry["methods"]) == set(CROPS.METHODS_HELD)


@pytest.mark.parametrize("name", KNOWN)
def test_metrics_of_made_crops(name: str) -> None:
    found = CROPS.scores(name)
    for convention, values in KNOWN[name]["metrics"].items():
        assert found[convention].keys() == values.keys()
        for metric, value in values.items():
            assert found[convention][metric] == pytest.approx(value, rel=1e-7, abs=1e-9), f"{convention} {metric}"


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("method", CROPS.METHODS_HELD)
def test_methods_on_made_crops(name: str, method: str) -> None:
    found, wanted = np.array(CROPS.levels(name, method)), np.array(KNOWN[name]["methods"][method])
    assert found.shape == wanted.shape == (len(CROPS.SAMPLES), 3)
    assert np.abs(found - wanted).max() <= 1  # a level on the edge may fall to either side on another processor


@pytest.mark.parametrize("name", KNOWN)
def test_entropy_and_deviation_of_made_crops_by_hand(name: str) -> None:
    """Not the engine's code: so that the answers are not merely what it gave once."""
    fused = CROPS.read(name)[2].astype(float)
    grey = np.floor(fused @ [0.299, 0.587, 0.114] + 0.5)
    share = np.unique(grey, return_counts=True)[1] / grey.size
    standard = KNOWN[name]["metrics"]["standard"]
    assert standard["EN"] == pytest.approx(-(share * np.log2(share)).sum(), abs=0.02)
    assert standard["SD"] == pytest.approx(grey.std(), rel=0.01)
