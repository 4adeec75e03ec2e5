"""Variants: one mechanism from the command line to the folder of images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from bench.cli import app
from bench.errors import BenchError
from bench.fusion.contract import check_class
from bench.plugin.kinds import METHODS
from bench.plugin.method import ImageStyle, Variant
from methods import create
from methods._nets.densefuse import weigh
from methods.densefuse import DenseFuseMethod

RNG = np.random.default_rng(3)


def test_a_variant_is_a_class_of_its_own() -> None:
    cls = METHODS.get("ifcnn:sum")
    assert (cls.name, cls.variant, cls.info.title, cls.join) == ("ifcnn-sum", "sum", "IFCNN-SUM", "sum")  # type: ignore[attr-defined]
    assert cls.info.weights[0].path == "IFCNN/IFCNN-SUM.pth"
    assert METHODS.get("ifcnn").info.weights[0].path == "IFCNN/IFCNN-MAX.pth"
    assert METHODS.get("ifcnn-sum") is cls
    assert METHODS.get("densefuse:l1").info.weights == DenseFuseMethod.info.weights
    assert {"ifcnn:sum", "ifcnn:mean", "densefuse:l1"} <= set(METHODS.everything())
    assert not any(":" in name for name in METHODS.names())


def test_a_former_name_is_the_method_and_is_listed_nowhere() -> None:
    assert METHODS.get("guided_filter") is METHODS.get("gff")
    assert METHODS.label("guided_filter") == METHODS.entry("guided_filter").name == "gff"
    assert METHODS.known("guided_filter")
    assert "guided_filter" not in METHODS.everything()
    with pytest.raises(BenchError, match="gff has none"):
        METHODS.get("guided_filter:x")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ifcnn:summ", "unknown variant ifcnn:summ; did you mean ifcnn:sum"),
        ("average:x", "unknown variant average:x; average has none"),
        ("ifcn:sum", "unknown method 'ifcn'; did you mean ifcnn"),
        ("ifcnn:", "unknown variant ifcnn:"),
        ("ifcnn-zzz", "unknown variant ifcnn:zzz; did you mean"),
    ],
)
def test_an_unknown_variant_is_named_with_near_ones(name: str, words: str) -> None:
    for ask in (METHODS.get, METHODS.label, create):
        with pytest.raises(BenchError, match=words):
            ask(name)


@pytest.mark.parametrize("name", ["ifcnn:sum", "ifcnn:mean", "densefuse:l1"])
def test_variants_keep_the_contract(name: str) -> None:
    assert check_class(METHODS.get(name)) == []


def test_variants_compute_differently() -> None:
    ir, vis = (torch.rand(1, 1, 24, 30, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    outputs = []
    for name in ("ifcnn", "ifcnn:sum", "ifcnn:mean"):
        method = METHODS.get(name)()
        method.way = "plain"
        with torch.no_grad():
            outputs.append(method.fuse(ir, vis))
            torch.testing.assert_close(outputs[-1], method.fuse(vis, ir))
    assert not torch.allclose(outputs[0], outputs[1])
    assert not torch.allclose(outputs[1], outputs[2])


def test_l1_norms_weigh_pixel_by_pixel() -> None:
    ir, vis = torch.zeros(1, 2, 1, 3), torch.zeros(1, 2, 1, 3)
    ir[0, :, 0, 0], vis[0, :, 0, 0] = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 1.0])
    vis[0, :, 0, 1] = torch.tensor([4.0, 0.0])
    joined = weigh(ir, vis)
    torch.testing.assert_close(joined[0, :, 0, 0], torch.tensor([0.75, 1.75]))
    torch.testing.assert_close(joined[0, :, 0, 1], torch.tensor([4.0, 0.0]))
    assert joined[0, :, 0, 2].tolist() == [0.0, 0.0]


def test_a_variant_that_declares_nonsense_breaks_the_contract() -> None:
    cls = type("Bad", (DenseFuseMethod,), {"variants": (Variant("A b", "T"), Variant("x", "T", settings={"zz": 1}))})
    sentences = " ".join(check_class(cls))
    assert "the variant 'A b' needs another name" in sentences
    assert "sets zz, which the method does not have" in sentences
    cls = type("Bad", (DenseFuseMethod,), {"published": ImageStyle(reader="grey"), "whole": True, "multiple": 8})  # type: ignore[arg-type]
    sentences = " ".join(check_class(cls))
    assert "published.reader is 'grey', wanted one of luma" in sentences
    assert "whole statistics forbid the harness to pad" in sentences


def test_a_run_gives_a_variant_its_own_row_and_folder(shared: Path, tmp_path: Path) -> None:
    request = [
        "run", "--methods", "densefuse:l1,average", "--datasets", "demo", "--tasks", "metrics", "--limit", "1", "--out",
        str(tmp_path / "run"), "--weights-root", str(shared / "weights/published"), "--executor", "inline",
    ]  # fmt: skip
    result = CliRunner().invoke(app, request)
    assert result.exit_code == 0, result.output
    assert list((tmp_path / "run/fused/demo/densefuse-l1").glob("*.png"))
    assert ",densefuse-l1," in (tmp_path / "run/scores.csv").read_text()
