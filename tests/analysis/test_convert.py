"""Conversions between conventions: exact ones agree with the engine on the same images, others are refused by name."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bench.analysis.claims import parse_claims
from bench.analysis.convert import convert, find_rule
from bench.cli import app
from bench.errors import BenchError
from bench.metrics import PairScorer
from bench.metrics.catalogue import CONVENTIONS, METRICS


def test_every_conversion_agrees_with_the_engine_on_grey_images() -> None:
    rng = np.random.default_rng(3)
    ir, vis = (rng.integers(5, 250, (170, 163), dtype=np.uint8) // 3 * 2 for _ in range(2))
    fused = ((ir.astype(int) + vis) // 2 + rng.integers(0, 9, ir.shape)).astype(np.uint8)
    chosen = {
        name: [m for m in entry.metrics if not m.startswith("FMI") and entry.uses[m].channels != "together"]
        for name, entry in CONVENTIONS.items()
    }  # fmt: skip
    scores = {(v.convention, v.metric): v.value for v in PairScorer(ir, vis, chosen).score(fused)}
    count = 0
    for old, new in permutations(CONVENTIONS, 2):
        for use in (CONVENTIONS[old].uses[metric] for metric in chosen[old]):
            for other in (CONVENTIONS[new].uses[metric] for metric in chosen[new]):
                rule = find_rule(use, other) if METRICS[use.metric].idea == METRICS[other.metric].idea else None
                if rule is not None:
                    count += 1
                    got = scores[old, use.metric] * rule.factor + rule.offset
                    assert got == pytest.approx(scores[new, other.metric], rel=1e-10), (old, new, use.metric)
    assert count > 150


@pytest.mark.parametrize(
    ("old", "new", "header", "value", "metric", "wanted", "words"),
    [
        ("seafusion2022", "standard", "PSNR", "61.39", "PSNR", 61.39 - 48.1308036, "20 log10(255), 48.1308 dB"),
        ("standard", "tang2023", "PSNR", "13.26", "PSNR", 13.26 + 48.1308036, "+ 20 log10(255)"),
        ("cddfuse", "standard", "MI", "1.50", "MI", 1.5 / np.log(2), "/ ln 2"),
        ("standard", "vifb", "MI", "2.16", "Mutinf", 2.16 * np.log(2), "* ln 2"),
        ("seafusion2022", "cddfuse", "SF", "0.0480", "SF", 12.24, "* 255"),
        ("vifb", "standard", "Ssim", "1.42", "SSIM", 0.71, "/ 2"),
        ("standard", "seafusion2022", "MSE", "3100", "MSE", 3100 / 65025, "/ 255^2"),
        ("vifb", "standard", "Variance", "44.24", "SD", 44.24, "SD = vifb Variance"),
        ("liu2012", "standard", "Q_CB", "0.52", "Qcb", 0.52, "Qcb = liu2012 Q_CB"),
    ],
)
def test_exact_conversions_say_their_formula(
    old: str, new: str, header: str, value: str, metric: str, wanted: float, words: str
) -> None:
    (column,) = convert(parse_claims(f"method,{header}\nx,{value}\n"), old, new).columns
    assert not column.refusal
    assert column.metric == metric
    assert words in column.formula
    assert float(column.cells[0]) == pytest.approx(wanted, rel=2e-3, abs=6e-3)


@pytest.mark.parametrize(
    ("old", "new", "header"),
    [
        ("seafusion2022", "standard", "SD"), ("standard", "seafusion2022", "SD"), ("tang2023", "standard", "SSIM"),
        ("cddfuse", "standard", "SSIM"), ("seafusion2022", "tang2023", "VIF"), ("tang2023", "standard", "MI"),
        ("cddfuse", "seafusion2022", "MI"), ("cddfuse", "standard", "PSNR"), ("standard", "tang2023", "Qabf"),
        ("tang2023", "vifb", "Qabf"), ("standard", "seafusion2022", "Nabf"), ("cddfuse", "tang2023", "AG"),
        ("ivif_zoo", "standard", "EN"), ("ivif_zoo", "standard", "VIF"), ("liu2012", "standard", "Q_TE"),
        ("standard", "vifb", "SF"), ("vifb", "standard", "Rmse"), ("vifb", "standard", "Psnr"),
    ],
)  # fmt: skip
def test_what_is_not_exact_is_refused_by_name(old: str, new: str, header: str) -> None:
    (column,) = convert(parse_claims(f"method,{header}\nx,0.5\n"), old, new).columns
    assert column.refusal.startswith("not exact: " + old)
    assert new in column.refusal
    assert not column.cells


def test_the_command_writes_what_it_can_and_names_the_rest(tmp_path: Path) -> None:
    table = tmp_path / "in.csv"
    table.write_text("method,PSNR,SD,when\na,61.39,9.57,2022\nb,,9.41,\n", encoding="utf-8")
    out = tmp_path / "out.csv"
    arguments = ["convert", str(table), "--from", "seafusion2022", "--to", "standard", "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "SD: not exact: seafusion2022 SD" in result.output
    assert "when: seafusion2022 defines no metric of that name" in result.output
    assert out.read_text(encoding="utf-8").splitlines() == ["method,PSNR", "a,13.26", "b,"]
    assert "exact for grey images" in result.output
    clean = tmp_path / "clean.csv"
    clean.write_text("method,SF\na,12.25\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["convert", str(clean), "--from", "tang2023", "--to", "cddfuse"])
    assert result.exit_code == 0
    with pytest.raises(BenchError, match="both conventions are standard"):
        convert(parse_claims("EN\n1\n"), "standard", "standard")
    with pytest.raises(BenchError, match="did you mean vifb"):
        convert(parse_claims("EN\n1\n"), "vif", "standard")
