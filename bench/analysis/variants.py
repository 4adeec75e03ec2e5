"""Variants of a convention: the same numbers under the slips and habits that papers differ in."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.metrics.facts import Use
from bench.metrics.metric_facts import METRICS

Numbers = NDArray[np.float64]
Transform = Callable[[Numbers, Numbers], Numbers]
"""(values of some images, their numbers of pixels) -> values in the variant."""

SUMMED = ("MI", "VIF", "SCD")
"""Ideas that conventions give as a sum over the two sources; SSIMs say so in their parameters."""
AVERAGED = ("CC", "MSE", "CE", "SSIM", "MS_SSIM")
_GREY_LEVELS = ("SF", "SD", "AG", "Edge_intensity")
_INFORMATION = ("EN", "MI", "CE", "TE")


@dataclass(frozen=True, slots=True)
class Variant:
    """A change of a convention's numbers that keeps their meaning.

    Attributes:
        name: in a few words; empty for the convention itself.
        change: of the values, per image, before they are averaged.
    """

    name: str
    change: Transform


def _times(factor: float) -> Transform:
    return lambda values, _: values * factor


def _sample(values: Numbers, pixels: Numbers) -> Numbers:
    return values * np.sqrt(pixels / np.maximum(pixels - 1.0, 1.0))


def _root(values: Numbers, pixels: Numbers) -> Numbers:  # noqa: ARG001 - a Transform
    return np.sqrt(np.maximum(values, 0.0))


def _square(values: Numbers, pixels: Numbers) -> Numbers:  # noqa: ARG001 - a Transform
    return values * values


EXACT = Variant("", lambda values, _: values)


def variants(use: Use) -> tuple[Variant, ...]:
    """The convention's own numbers first, then what papers make of them."""
    idea = METRICS[use.metric].idea
    found = [EXACT]
    summed = dict(use.parameters).get("combine") == "sum" or use.formula == "black_padded_multi_scale_similarity"
    if idea in SUMMED or summed:
        found.append(Variant("mean over the two sources", _times(0.5)))
    elif idea in AVERAGED:
        found.append(Variant("sum over the two sources", _times(2.0)))
    if idea in _INFORMATION:
        found.append(_other_unit(use))
    if idea in _GREY_LEVELS:
        found.append(_other_scale(use, 255.0))
    if idea == "MSE" and use.formula == "mean_squared_error":
        found += [_other_scale(use, 65025.0), Variant("root of the mean squared error", _root)]
    if idea == "SD" and use.formula == "standard_deviation":
        found += [Variant("sample in place of population", _sample), Variant("variance", _square)]
    return tuple(found)


def _other_unit(use: Use) -> Variant:
    if use.unit == "nat":
        return Variant("bits", _times(1.0 / math.log(2.0)))
    return Variant("nats", _times(math.log(2.0)))


def _other_scale(use: Use, factor: float) -> Variant:
    if dict(use.parameters).get("scale") == 255.0:
        return Variant("of 0..255", _times(factor))
    return Variant("of 0..1", _times(1.0 / factor))
