"""The known answers: all come out, every metric has some, the sheet's are among them, and planted slips are caught."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.metrics import engine, planes
from bench.metrics.catalogue import CONVENTIONS
from bench.metrics.known_answers.answers import ANSWERS
from bench.metrics.known_answers.images import IMAGES
from bench.metrics.known_answers.proof import prove
from bench.metrics.known_answers.wrong_answers import WRONG_ANSWERS

Patch = Callable[[pytest.MonkeyPatch], None]


def test_every_known_answer_comes_out_and_no_published_wrong_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["selftest"])
    assert result.exit_code == 0, result.output
    count = sum(len(answer.conventions) for answer in ANSWERS)
    assert re.search(rf"proved {count} known answers in [\d.]+ s\Z", result.output.strip())
    assert f"{len(WRONG_ANSWERS)} of {len(WRONG_ANSWERS)} published wrong answers did not come out" in result.output
    assert not list(tmp_path.iterdir())


def test_every_metric_of_every_convention_has_two_answers() -> None:
    counts = Counter((name, answer.metric) for answer in ANSWERS for name in answer.conventions)
    for name, entry in CONVENTIONS.items():
        for metric in entry.metrics:
            assert counts[name, metric] >= 2, (name, metric)
    assert sum(counts.values()) > 180
    assert all(answer.why for answer in ANSWERS)
    keys = [(a.metric, name, a.images) for a in ANSWERS for name in a.conventions]
    assert len(keys) == len(set(keys)), "an answer is counted twice"
    used = {answer.images for answer in ANSWERS} | {wrong.images for wrong in WRONG_ANSWERS}
    assert used == set(IMAGES)


def test_the_cases_of_the_sheet_are_all_here(shared: Path) -> None:
    known = {(a.metric, name, a.images): a.value for a in ANSWERS for name in a.conventions}
    rows = 0
    for line in (shared / "specs" / "known_answers.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) != 8 or not cells[0].isdigit():
            continue
        rows += 1
        _, metric, conventions, images, _, value, _, _ = cells
        for name in conventions.split(", "):
            wanted = pytest.approx(float(value), rel=1e-10, abs=1e-12)
            # the identical texture of the sheet's Q_G to Q_CB and its VIF stand here under the same names
            assert known[metric, name, images] == wanted, (metric, name, images)
    assert rows == 134


def parameters(convention: str, metric: str, **changed: Any) -> tuple[str, str, Patch]:
    """A slip in the facts: other parameters of one metric."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        entry = CONVENTIONS[convention]
        use = entry.uses[metric]
        slipped = replace(use, parameters=tuple(sorted((dict(use.parameters) | changed).items())))
        uses = MappingProxyType({**entry.uses, metric: slipped})
        monkeypatch.setitem(CONVENTIONS, convention, replace(entry, uses=uses))

    return convention, metric, plant


def field(convention: str, metric: str, **changed: Any) -> tuple[str, str, Patch]:
    """A slip in the facts: another formula or channels."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        entry = CONVENTIONS[convention]
        uses = MappingProxyType({**entry.uses, metric: replace(entry.uses[metric], **changed)})
        monkeypatch.setitem(CONVENTIONS, convention, replace(entry, uses=uses))

    return convention, metric, plant


def formula(convention: str, metric: str, slip: Callable[..., float]) -> tuple[str, str, Patch]:
    """A slip in the engine: a formula's value goes through ``slip(value, triple)``."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        name = CONVENTIONS[convention].uses[metric].formula
        original = engine.FORMULAS[name]
        monkeypatch.setitem(engine.FORMULAS, name, lambda triple, **given: slip(original(triple, **given), triple))

    return convention, metric, plant


def colour_order(monkeypatch: pytest.MonkeyPatch) -> None:
    original = planes.split_channels
    monkeypatch.setattr(planes, "split_channels", lambda image: original(image)[::-1])


def levels(triple: Any) -> np.ndarray:
    return np.asarray(triple.fused.levels, dtype=np.float64)


def coarse_entropy(_: float, triple: Any) -> float:
    shares = np.bincount(np.minimum(triple.fused.levels.ravel(), 254)) / triple.fused.levels.size
    return float(-(shares[shares > 0] * np.log2(shares[shares > 0])).sum())


def one_source_error(_: float, triple: Any) -> float:
    return float(np.square(levels(triple) - triple.ir.levels).mean())


SLIPS: dict[str, tuple[str, str, Patch]] = {
    "entropy in nats": parameters("standard", "EN", unit="nat"),
    "entropy in base 10": formula("standard", "EN", lambda value, _: value * math.log10(2.0)),
    "level 255 in the bin of 254": formula("standard", "EN", coarse_entropy),
    "no shift in the logarithm": parameters("ivif_zoo", "EN", shift=0.0),
    "information in nats": parameters("standard", "MI", unit="nat"),
    "information in bits": parameters("cddfuse", "MI", unit="bit"),
    "information as a mean": formula("standard", "MI", lambda value, _: value / 2.0),
    "top bins merged": parameters("standard", "MI", merge_top_bins=True),
    "top bins apart": parameters("tang2023", "MI", merge_top_bins=False),
    "marginals swapped": parameters("standard", "Q_TE", swapped=True),
    "frequency of 0..1": parameters("standard", "SF", scale=255.0),
    "frequency over all pixels": parameters("standard", "SF", divisor="pixels"),
    "frequency without seams": field("vifb", "Spatial_frequency", channels="mean"),
    "sample deviation": formula("standard", "SD", lambda _, triple: float(levels(triple).std(ddof=1))),
    "variance": formula("standard", "SD", lambda value, _: value**2),
    "deviation in uint8": field("standard", "SD", formula="standard_deviation_uint8", parameters=()),
    "sound deviation": field("seafusion2022", "SD", formula="standard_deviation", parameters=()),
    "BGR": ("standard", "SD", colour_order),
    "centred differences": parameters("standard", "AG", difference="central"),
    "gradient over all pixels": parameters("standard", "AG", divisor="pixels"),
    "gradient over fewer": parameters("cddfuse", "AG", divisor="inner"),
    "correlation as a sum": formula("standard", "CC", lambda value, _: 2.0 * value),
    "differences as a mean": formula("standard", "SCD", lambda value, _: value / 2.0),
    "error of 0..1": parameters("standard", "MSE", scale=255.0),
    "error of one source": formula("standard", "MSE", one_source_error),
    "noise ratio of 0..1": parameters("standard", "PSNR", scale=255.0),
    "peak of the fused image": parameters("standard", "PSNR", peak="fused_maximum"),
    "range of 1": parameters("standard", "SSIM", data_range=1.0),
    "similarity as a sum": parameters("standard", "SSIM", combine="sum"),
    "sample covariance": parameters("standard", "SSIM", sample=True),
    "uniform window": parameters("standard", "SSIM", window="uniform_7"),
    "range of 255": parameters("cddfuse", "SSIM", data_range=255.0),
    "constants of range 255": parameters("tang2023", "SSIM", data_range=255.0),
    "products clipped": parameters("standard", "VIF", saturate=True),
    "fidelity as a mean": formula("standard", "VIF", lambda value, _: value / 2.0),
    "black frame": parameters("standard", "Qabf", border="zero"),
    "tie rule": parameters("standard", "Qabf", tie="strength"),
    "tie rule of 0..255": parameters("seafusion2022", "Qabf", unit="level"),
    "weights switched off": parameters("standard", "Nabf", unit="fraction"),
    "arguments in wrong order": parameters("standard", "Nabf", rated="infrared"),
    "floor of weights": parameters("ivif_zoo", "Nabf", floor=0.001),
    "no constants": parameters("standard", "Q_Y", constants="none"),
    "mean for percentile": parameters("standard", "CIEDE2000_p95", statistic="mean"),
    "full frequency": field("ivif_zoo", "Qcb", formula="chen_blum"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_planted_slip_is_caught(monkeypatch: pytest.MonkeyPatch, slip: str) -> None:
    convention, metric, plant = SLIPS[slip]
    answers = [
        replace(answer, conventions=(convention,))
        for answer in ANSWERS if answer.metric == metric and convention in answer.conventions
    ]  # fmt: skip
    assert not prove(answers, ()).refuted
    plant(monkeypatch)
    assert prove(answers, ()).refuted


def test_the_slips_are_thirty_and_more() -> None:
    assert len(SLIPS) >= 30
