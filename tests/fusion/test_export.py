"""Exported files: what they hold, how close they are, and what is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_method import NO_WEIGHTS, Small
from torch import Tensor
from typer.testing import CliRunner

from bench.cli import app
from bench.errors import BenchError
from bench.fusion import deploy, export
from bench.fusion.deploy import OPENERS, Network
from bench.fusion.export import Exported, ExportOrder, compare_images, export_class
from bench.fusion.harness import Fuser
from bench.fusion.subject import random_pair
from bench.fusion.tracing import reason_of, trace
from bench.images import encode_png
from bench.plugin.method import Method
from bench.weights.find import Resolved
from methods._nets.lrrnet import LRRNet

SIZES = ((48, 64), (47, 63), (77, 102))
"""Of one dynamic file: a tenth of 640x480, 631x477 and 1024x768."""


class Unheard(Small):
    name = "unheard"

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return torch.special.bessel_j0(super().fuse(ir, vis))


class Halving(Small):
    name = "halving"

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return super().fuse(ir, vis) if ir.shape[-1] > ir.shape[-2] else ir


class Leaving(Small):
    name = "leaving"

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return torch.from_numpy(np.sqrt(ir.numpy() * vis.numpy()))


@pytest.fixture(name="folders", scope="module")
def _folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Pairs of several sizes as files."""
    root = tmp_path_factory.mktemp("pairs")
    for number, size in enumerate((*SIZES, *SIZES)):
        ir, vis = random_pair(size, number)
        for part, image in (("ir", ir), ("vis", vis)):
            (root / part).mkdir(exist_ok=True)
            (root / part / f"{number}.png").write_bytes(encode_png(image))
    return root / "ir", root / "vis"


@pytest.fixture(name="make", scope="module")
def _make(folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Exported]:
    kept: dict[tuple[object, ...], Exported] = {}

    def make(form: str, cls: type[Method] = Small, **more: object) -> Exported:
        key = (form, cls, *more.items())
        if key not in kept:
            out = tmp_path_factory.mktemp("files") / "small"
            order = ExportOrder(cls.name, form, out, ir=folders[0], vis=folders[1])  # type: ignore[arg-type]
            kept[key] = export_class(cls, NO_WEIGHTS, replace(order, **more))  # type: ignore[arg-type]
        return kept[key]

    return make


def opened(form: str, made: Exported) -> Network:
    return OPENERS[form](made.path)


@pytest.mark.parametrize("form", ["onnx", "openvino", "torch"])
def test_one_file_of_any_size_gives_the_harness_image(form: str, make: Callable[..., Exported]) -> None:
    if form != "torch":
        pytest.importorskip("onnxscript")
        pytest.importorskip({"onnx": "onnxruntime"}.get(form, form))
    made = make(form)
    network, fuser = opened(form, made), Fuser(Small())
    for seed, size in enumerate((*SIZES, (96, 33))):
        ir, vis = random_pair(size, 40 + seed)
        fused = network(ir, vis)
        assert (fused.dtype, fused.shape) == (np.uint8, (*size, 3))
        assert np.abs(fused.astype(int) - fuser.fuse_pair(ir, vis)).max() <= 1
    assert max(check.largest for check in made.checks) <= 1


def test_the_two_sources_are_two_inputs(make: Callable[..., Exported]) -> None:
    network, (ir, vis) = opened("torch", make("torch")), random_pair(SIZES[0], 7)
    swapped = network(vis[..., 0], np.stack([ir] * 3, -1))
    assert np.abs(network(ir, vis).astype(int) - swapped).max() > 8


def test_flat_images_are_written_as_the_harness_does(make: Callable[..., Exported]) -> None:
    ir, vis = np.full(SIZES[0], 90, np.uint8), np.full((*SIZES[0], 3), 30, np.uint8)
    network = opened("torch", make("torch"))
    assert np.array_equal(network(ir, vis), Fuser(Small()).fuse_pair(ir, vis))


def test_metadata_names_method_version_licence_and_weights(make: Callable[..., Exported]) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    held = {each.key: each.value for each in onnx.load(make("onnx").path).metadata_props}
    assert {"name": "small", "licence": "Apache-2.0", "precision": "fp32", "size": "any"}.items() <= held.items()
    assert held["version"].startswith("ivif-bench ")
    extra = {"metadata.json": ""}
    torch.export.load(make("torch").path, extra_files=extra)
    assert json.loads(extra["metadata.json"])["name"] == "small"


def test_the_weights_digest_is_that_of_the_file(tmp_path: Path) -> None:
    from bench.files import file_digest

    path = tmp_path / "w.safetensors"
    path.write_bytes(b"weights")
    resolved = Resolved(path, "authors' weights", ({"path": "S/s.pth", "sha256": "ab"},))
    held = export.describe_export(Small, resolved, ExportOrder("small", "torch", tmp_path))
    assert held["weights"] == "S/s.pth sha256:ab"
    assert held["weights_digest"] == file_digest(path)


def test_a_fixed_size_is_fixed(make: Callable[..., Exported]) -> None:
    made = make("torch", size=(48, 64))
    assert made.metadata["size"] == "48x64"
    assert max(check.largest for check in made.checks) <= 1
    with pytest.raises((RuntimeError, AssertionError), match="48"):
        opened("torch", made)(*random_pair((50, 64), 0))


def test_int8_is_calibrated_on_other_pairs_than_it_is_checked_on(make: Callable[..., Exported]) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    made = make("onnx", precision="int8")
    kinds = {node.op_type for node in onnx.load(made.path).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds
    assert made.metadata["precision"] == "int8"
    assert len(made.checks) == 3  # of six pairs, half are measured on
    assert all(check.psnr > 20 for check in made.checks), made.checks


def test_half_precision_moves_few_pixels(make: Callable[..., Exported]) -> None:
    made = make("torch", precision="fp16")
    assert 0 < max(check.largest for check in made.checks) <= 4
    assert all(check.psnr > 40 for check in made.checks)


def test_a_missing_operator_is_named(make: Callable[..., Exported]) -> None:
    pytest.importorskip("onnxscript")
    with pytest.raises(BenchError, match=r"^unheard .*operator .*bessel_j0.* is missing"):
        make("onnx", Unheard)


def test_code_that_decides_by_the_size_is_refused_for_any_size(make: Callable[..., Exported]) -> None:
    with pytest.raises(BenchError, match=r"^halving.*(by the image's size|does not take)"):
        make("torch", Halving)


def test_what_leaves_pytorch_is_refused_in_one_line(make: Callable[..., Exported]) -> None:
    with pytest.raises(BenchError, match=r"^leaving cannot be traced: ") as caught:
        make("torch", Leaving)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Constraints violated (height, width)! For more information", "hangs on the image's height and width"),
        ("Could not extract specialized integer from data-dependent expression u0", "by values of the image"),
        ("Could not find an implementation for Conv(11) node with name 'n'", "operator Conv is missing"),
        ("aten::fft_fft2 has no decomposition", "operator aten::fft_fft2 is missing"),
        ("something else\nand more", "RuntimeError: something else"),
    ],
)
def test_a_refusal_says_what_stands_in_the_way(text: str, said: str) -> None:
    found = reason_of(RuntimeError(text))
    assert found.endswith(said)
    assert "\n" not in found


def test_lrrnet_is_traced_for_any_size() -> None:
    torch.manual_seed(0)
    net = LRRNet().eval()
    with torch.no_grad():
        for name, values in net.named_parameters():
            if name.endswith("threshold"):
                values.mul_(0.02).sub_(0.005)  # some of both signs
    images = [torch.rand(1, 1, *size) for size in ((40, 56), (40, 56), (33, 70), (33, 70))]
    program = trace(net, (images[0], images[1]), dynamic=(2, 3)).module()
    for ir, vis in (images[:2], images[2:]):
        with torch.inference_mode():
            assert (program(ir, vis) - net(ir, vis)).abs().max() < 1e-5


@pytest.mark.parametrize("form", ["onnx", "openvino"])
def test_without_the_extra_it_says_how_to_install_it(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy, "find_spec", lambda name: None)
    with pytest.raises(BenchError, match=r"onnxscript.*pip install 'ivif-bench\[deploy\]'"):
        export.export_method(ExportOrder("average", form, Path("x")))  # type: ignore[arg-type]


def test_int8_of_torch_is_refused() -> None:
    with pytest.raises(BenchError, match="int8 is not offered for torch"):
        export.export_method(ExportOrder("average", "torch", Path("x"), precision="int8"))


def test_differences_are_counted_in_levels() -> None:
    ir, vis = random_pair((80, 80), 0)
    other = vis.copy()
    other[0, 0, 1] ^= 4
    check = compare_images("a", ir, vis, vis, other)
    assert (check.largest, check.changed) == (4, 1 / 6400)
    assert check.psnr == pytest.approx(10 * np.log10(255**2 * 3 * 6400 / 16))
    assert check.metrics["SF"] != 0
    assert set(compare_images("a", ir, vis, vis, vis).metrics.values()) == {0.0}


def test_the_command_prints_the_check(folders: tuple[Path, Path], tmp_path: Path) -> None:
    words = ["export", "average", "--format", "torch", "--out", str(tmp_path / "a.pt2")]
    result = CliRunner().invoke(app, [*words, "--ir", str(folders[0]), "--vis", str(folders[1])])
    assert result.exit_code == 0, result.output
    assert "at most" in result.output
    assert (tmp_path / "a.pt2").is_file()


@pytest.mark.parametrize(("words", "text"), [
    (["--size", "480"], "wanted HxW"), (["--out", "a.onnx"], ".pt2"),
])  # fmt: skip
def test_wrong_requests_are_one_line(words: list[str], text: str, folders: tuple[Path, Path]) -> None:
    base = ["export", "average", "--format", "torch", "--ir", str(folders[0]), "--vis", str(folders[1])]
    result = CliRunner().invoke(app, [*base, *(words if "--out" in words else ["--out", "a.pt2", *words])])
    assert isinstance(result.exception, BenchError)
    assert text in str(result.exception)
