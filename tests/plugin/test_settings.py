"""Settings that are numbers: what means nothing is refused by every owner in one form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.fusion.efficiency import read_options
from bench.fusion.passport import read_passport
from bench.plugin.method import TrainRequest
from bench.plugin.settings import COUNT, POSITIVE, SHARE, Limits, read_number
from bench.train.trainer import choose
from methods._training.densefuse import TRAINER as DENSEFUSE
from methods._training.seafusion_recipe import LIMITS, Recipe, make_plan
from methods._training.u2fusion import TRAINER as U2FUSION
from tasks.detection.settings import read_settings as read_detection
from tasks.segmentation.budget import make_budget


def request(options: tuple[tuple[str, str], ...]) -> TrainRequest:
    return TrainRequest(
        pairs=(), dataset="demo", out=Path("nowhere"), seed=0, preset="smoke", device="cpu", options=options
    )


def seafusion(name: str, text: str) -> object:
    return getattr(make_plan(request(((name, text), ("classes", "9")))).recipe, name)


def densefuse(name: str, text: str) -> object:
    return getattr(choose(request(((name, text),)), "densefuse", DENSEFUSE.recipes)[1], name)


def u2fusion(name: str, text: str) -> object:
    return getattr(choose(request(((name, text),)), "u2fusion", U2FUSION.recipes)[1], name)


def segmentation(name: str, text: str) -> object:
    return make_budget("smoke", {name: text})


def detection(name: str, text: str) -> object:
    return getattr(read_detection({"finetune": "true", name: text}), name)


def efficiency(_: str, text: str) -> object:
    return read_options({"seconds": text})[1]


def passport(name: str, text: str) -> object:
    return getattr(read_passport({"passport": "all", name: text}, 9.0), name)


@pytest.mark.parametrize(
    ("owner", "name", "text"),
    [
        (seafusion, "rounds", "0"), (seafusion, "rounds", "1.5"), (seafusion, "fusion_steps", "0"),
        (seafusion, "segmenter_steps", "-5"), (seafusion, "fusion_batch", "0"), (seafusion, "segmenter_batch", "1"),
        (seafusion, "stretch_batch", "0"), (seafusion, "fusion_rate", "nan"), (seafusion, "fusion_rate", "inf"),
        (seafusion, "fusion_rate", "-1"), (seafusion, "fusion_decay", "0"), (seafusion, "alpha", "-1"),
        (seafusion, "gamma", "nan"), (seafusion, "warm_up", "3"), (seafusion, "image_scale", "0"),
        (seafusion, "image_scale", "7"), (seafusion, "crop", "2"), (seafusion, "segmenter_crop", "-1"),
        (seafusion, "betas", "2:3"), (seafusion, "betas", "0.9"), (seafusion, "betas", "nan:0.9"),
        (seafusion, "shuffle", "perhaps"),
        (densefuse, "learning_rate", "nan"), (densefuse, "learning_rate", "0"), (densefuse, "ssim_weight", "-1"),
        (densefuse, "size", "-64"), (densefuse, "size", "64.5"),
        (u2fusion, "learning_rate", "inf"), (u2fusion, "fetch", "7"), (u2fusion, "steps", "-1"),
        (segmentation, "steps", "0"), (segmentation, "auxiliary", "nan"), (segmentation, "crop", "nan"),
        (detection, "batch", "0"), (detection, "seeds", "-1"), (detection, "steps", "many"),
        (efficiency, "seconds", "nan"), (efficiency, "seconds", "-1"), (efficiency, "seconds", "soon"),
        (passport, "repeats", "0"), (passport, "repeats", "-3"), (passport, "sizes", "0x0"),
        (passport, "sizes", "-4x5"), (passport, "sizes", "480"),
    ],
)  # fmt: skip
def test_numbers_that_mean_nothing_are_refused(owner: Callable[[str, str], object], name: str, text: str) -> None:
    with pytest.raises(BenchError, match=name) as refused:
        owner(name, text)
    assert "wanted" in str(refused.value)
    assert text in str(refused.value)


@pytest.mark.parametrize(
    ("owner", "name", "text", "value"),
    [
        (seafusion, "rounds", "1", 1), (seafusion, "fusion_epochs", "0", 0), (seafusion, "alpha", "0", 0.0),
        (seafusion, "image_scale", "1", 1.0), (seafusion, "betas", "0:0.999", (0.0, 0.999)),
        (seafusion, "shuffle", "False", False), (seafusion, "fusion_rate", "1e-4", 1e-4),
        (densefuse, "ssim_weight", "0", 0.0), (u2fusion, "steps", "0", 0), (u2fusion, "fetch", "0", 0),
        (detection, "seeds", "2", 2), (efficiency, "seconds", "0.1", 0.1), (passport, "repeats", "2", 2),
        (passport, "sizes", "48x64, 9x7", ((48, 64), (9, 7))),
    ],
)  # fmt: skip
def test_numbers_at_the_edge_are_taken(
    owner: Callable[[str, str], object], name: str, text: str, value: object
) -> None:
    assert owner(name, text) == value


def test_every_number_of_a_recipe_has_limits() -> None:
    recipe = Recipe()
    numbers = {name for name in Recipe.__dataclass_fields__ if type(getattr(recipe, name)) in (int, float)}
    assert set(LIMITS) == numbers


@pytest.mark.parametrize(
    ("kind", "limits", "words"),
    [
        (int, COUNT, "a whole number from 1"), (float, POSITIVE, "a number above 0"),
        (float, SHARE, "a number above 0 and up to 1"), (int, Limits(0, 1), "a whole number from 0 to 1"),
        (float, Limits(), "a number from 0"),
    ],
)  # fmt: skip
def test_limits_are_said_in_words(kind: type[int | float], limits: Limits, words: str) -> None:
    with pytest.raises(BenchError, match=f"^here is 'x', wanted {words}$"):
        read_number("here", "x", kind, limits)
