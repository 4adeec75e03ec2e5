"""Every method keeps the contract; every way to break it that we know of is noticed and named."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.errors import BenchError
from bench.files import PROJECT_ROOT
from bench.fusion.contract import check_class, check_method, examine
from bench.fusion.harness import Fuser
from bench.plugin.kinds import METHODS
from bench.plugin.method import ImageStyle, Method, MethodInfo, WeightFile
from bench.plugin.proof import Bar, Proof, Proofs, Record
from bench.plugin.registry import Registry

INFO = MethodInfo(title="T", year=2026, paper="doi:10.0/x", licence="Apache-2.0", kind="classical")
LEARNED = MethodInfo(title="T", year=2026, paper="doi:10.0/x", licence="Apache-2.0")


class Good(Method):
    name = "good"
    info = INFO

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return (ir + vis) / 2


def seeded(module: type[nn.Module], *sizes: int, **options: object) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return module(*sizes, **options)


class GoodNet(Method):
    name = "good_net"
    info = MethodInfo(
        title="T", year=2026, paper="doi:10.0/x", licence="MIT", weights=(WeightFile(path="T/t.pt", git_blob="0"),)
    )

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        self.net = seeded(nn.Conv2d, 2, 1, 3, padding=1, padding_mode="reflect")
        if weights is not None:
            raise BenchError(f"{weights}: not weights of this network")

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return self.net(torch.cat([ir, vis], dim=1)).sigmoid()

    @classmethod
    def convert(cls, paths):  # type: ignore[no-untyped-def]
        return {}


class GoodNoise(Good):
    stochastic = True

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return (ir + vis + 0.1 * torch.rand_like(ir)) / 2.1


class GoodStretched(Good):
    """A published stretch takes any range; the plain way must still be an image."""

    published = ImageStyle(stretch="min_max")

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return ir + vis if self.way == "plain" else 100 * (ir + vis)


@pytest.mark.parametrize("name", METHODS.everything())
def test_every_method_keeps_the_contract(name: str) -> None:
    assert check_method(name) == []


@pytest.mark.parametrize("cls", [Good, GoodNet, GoodNoise, GoodStretched])
def test_sound_adapters_pass(cls: type[Method]) -> None:
    assert check_class(cls) == []


def test_every_promise_is_named() -> None:
    words = [promise for promise, _ in examine(Good)]
    assert len(words) == len(set(words)) == 16
    assert all(words)


# ------------------------------------------------------------------ broken adapters


class Range255(Good):
    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return (ir + vis) / 2 * 255


class PlainRange255(Good):
    published = ImageStyle(stretch="min_max")

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return (ir + vis) / 2 * 255


class BatchMinMax(Good):
    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        mixed = ir + vis
        return (mixed - mixed.min()) / (mixed.max() - mixed.min() + 1e-6)


class InPlace(Good):
    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return ir.add_(vis).div_(2)


class Random(Good):
    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return (ir + vis + torch.rand_like(ir)) / 3


class Stateful(Good):
    seen = 0

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        self.seen += 1
        return (ir + vis) / (1 + self.seen)


class Half(Good):
    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return ((ir + vis) / 2).half()


class WrongChannels(Good):
    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return torch.cat([ir, vis], dim=1)


class Cropped(Good):
    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return ((ir + vis) / 2)[..., 1:, 1:]


class NotANumber(Good):
    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return (ir - vis) / (ir - ir)


class NotATensor(Good):
    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return ((ir + vis) / 2).numpy()  # type: ignore[return-value]


class Module(nn.Module, Good):  # type: ignore[misc]
    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        nn.Module.__init__(self)
        self.device = device


class TrainModeBatchNorm(Good):
    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return functional.batch_norm(ir + vis, None, None, training=True).sigmoid()


class HiddenModules(Good):
    info = LEARNED

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        self.nets = [seeded(nn.BatchNorm2d, 1)]


class NoLicence(Good):
    info = MethodInfo(title="T", year=2026, paper="doi:10.0/x", licence=" ", kind="classical")


class NoPaper(Good):
    info = MethodInfo(title="T", year=0, paper="soon", licence="MIT", kind="classical")


class NoInfo(Good):
    info = "a fine method"  # type: ignore[assignment]


class WeightsOutside(GoodNet):
    info = MethodInfo(
        title="T", year=2026, paper="doi:10.0/x", licence="MIT", weights=(WeightFile(path="../t.pt", sha256="0"),)
    )


class NoChecksum(GoodNet):
    info = MethodInfo(
        title="T", year=2026, paper="doi:10.0/x", licence="MIT",
        weights=(WeightFile(path="T/t.pt", url="https://example.org/t.pt"),),
    )  # fmt: skip


class NoConvert(GoodNet):
    convert = Method.convert


class NothingLearned(GoodNet):
    info = LEARNED


class IgnoresItsWeights(GoodNet):
    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(None, device)


class DrawsGlobally(GoodNet):
    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        torch.rand(1)


class BadSpace(Good):
    space = "ycbcr"  # type: ignore[assignment]


class BadMultiple(Good):
    multiple = 0


class EvenSizesOnly(Good):
    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        small = functional.avg_pool2d((ir + vis) / 2, 2)
        return functional.interpolate(small, scale_factor=2.0)


class DividesByContrast(Good):
    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        mixed = (ir + vis) / 2
        low, high = mixed.amin((1, 2, 3), keepdim=True), mixed.amax((1, 2, 3), keepdim=True)
        return (mixed - low) / (high - low)


class InexactReference(Good):
    info = MethodInfo(title="T", year=0, paper="", licence="MIT", kind="reference")


class Raises(Good):
    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        raise RuntimeError("no such\nlayer")


class CannotBuild(Good):
    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        raise ValueError("where are my weights?")


BROKEN = {
    Range255: "wanted 0 to 1, not 0 to 255.",
    PlainRange255: "wanted 0 to 1, not 0 to 255 (plain way).",
    BatchMinMax: "with its neighbours in the batch",
    InPlace: "changes its input ir",
    Random: "two calls with one pair differ",
    Stateful: "two calls with one pair differ",
    Half: "is torch.float16, wanted torch.float32",
    WrongChannels: "has shape (2, 2, 48, 40), wanted (2, 1, 48, 40)",
    Cropped: "has shape (2, 1, 47, 39), wanted (2, 1, 48, 40)",
    NotANumber: "NaN or infinity",
    NotATensor: "gives a ndarray, wanted a tensor",
    Module: "it is a torch module",
    TrainModeBatchNorm: "with its neighbours in the batch",
    HiddenModules: "self.nets hides modules in a list",
    NoLicence: "info.licence is empty",
    NoPaper: "info.paper is 'soon'",
    NoInfo: "info is str, wanted a MethodInfo",
    WeightsOutside: "has the path '../t.pt'",
    NoChecksum: "T/t.pt has an address but no checksum",
    NoConvert: "convert is not written",
    NothingLearned: "neither weights nor a train",
    IgnoresItsWeights: "a damaged file of weights is accepted",
    DrawsGlobally: "draws from torch's global generator",
    BadSpace: "space is 'ycbcr'",
    BadMultiple: "multiple is 0",
    EvenSizesOnly: "a pair of 47x33 pixels: it raised BenchError",
    DividesByContrast: "black images: it raised BenchError: good: output has NaN",
    InexactReference: "gives neither source exactly",
    Raises: "it raised RuntimeError: no such layer",
    CannotBuild: "it raised ValueError: where are my weights?",
}


@pytest.mark.parametrize("cls", BROKEN, ids=lambda cls: cls.__name__)
def test_broken_adapters_are_named_in_one_line_each(cls: type[Method]) -> None:
    sentences = check_class(cls)
    assert any(BROKEN[cls] in sentence for sentence in sentences), sentences
    for sentence in sentences:
        assert sentence.startswith(f"{cls.name}: ")
        assert sentence.endswith(".")
        assert "\n" not in sentence


def test_what_holds_in_both_ways_is_said_once() -> None:
    assert len(check_class(Half)) == len(set(check_class(Half)))
    assert not any("way)" in sentence for sentence in check_class(Half))


def test_unknown_names_are_refused_with_near_ones() -> None:
    with pytest.raises(BenchError, match="did you mean gtf"):
        check_method("gft")


def test_a_module_that_cannot_be_imported_is_one_sentence(
    tmp_path: Path, add_to_package: Callable[[str, Path], None]
) -> None:
    (tmp_path / "half_done.py").write_text('"""Half done."""\nimport no_such_library\n')
    add_to_package("methods", tmp_path)
    (sentence,) = check_method("half_done")
    assert "half_done" in sentence
    assert "No module named 'no_such_library'" in sentence


# ------------------------------------------------------------------ an installed plug-in


@pytest.fixture
def plugin(tmp_path: Path) -> list[str]:
    """The example package as pip would have installed it: two entries for ``sys.path``."""
    source = Path(__file__).parents[1] / "plugin" / "example_package"
    project = read_toml(source / "pyproject.toml")["project"]
    installed = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = [
        line
        for group, points in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {module}" for name, module in points.items()))
    ]
    (installed / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return [str(tmp_path), str(source)]


def read_toml(path: Path) -> dict:
    try:
        toml = importlib.import_module("tomllib")
    except ModuleNotFoundError:  # Python 3.10, where pytest brings the same module along
        toml = importlib.import_module("tomli")
    return toml.loads(path.read_text())


def test_an_installed_plugin_is_a_method_like_others(plugin: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for entry in plugin:
        monkeypatch.syspath_prepend(entry)
    registry: Registry[Method] = Registry("method", "methods", "bench.plugin.method:Method", "ivfbench.methods")
    assert registry.entry("example_plugin").origin == "ivfbench-example"
    assert registry.summary("example_plugin").startswith("Example plug-in")
    cls = registry.get("example_plugin")
    assert check_class(cls) == []
    ir, vis = np.full((32, 32), 30, np.uint8), np.full((32, 32, 3), 90, np.uint8)
    fused = Fuser(cls()).fuse_pair(ir, vis)
    assert (fused == round(((30**2 + 90**2) / 2) ** 0.5)).all()


def test_an_installed_plugin_is_seen_by_every_command(plugin: list[str]) -> None:
    code = "from bench.fusion.contract import check_method as c; print(c('example_plugin'))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(plugin), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.stdout.strip() == "[]", done.stderr


def test_a_name_given_twice_is_refused(tmp_path: Path, plugin: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    points = next(tmp_path.glob("*.dist-info")) / "entry_points.txt"
    points.write_text(points.read_text().replace("example_plugin =", "gtf ="))
    for entry in plugin:
        monkeypatch.syspath_prepend(entry)
    registry: Registry[Method] = Registry("method", "methods", "bench.plugin.method:Method", "ivfbench.methods")
    with pytest.raises(BenchError, match="'gtf' is defined twice"):
        registry.names()


# ------------------------------------------------------------------ clipped outputs


CLIPPED = {
    "-1 to 1": (lambda ir, vis: ir + vis - 1, {}, True),
    "0 to 2": (lambda ir, vis: ir + vis, {}, True),
    "shifted by a third": (lambda ir, vis: (ir + vis) / 2 + 1 / 3, {}, True),
    "contrast tripled about the middle": (lambda ir, vis: 1.5 * (ir + vis) - 1.0, {}, True),
    "negative": (lambda ir, vis: -(ir + vis) / 4, {}, True),
    "0 to 2, declared": (lambda ir, vis: ir + vis, {"clips": True}, False),
    "0 to 2, wrapped": (lambda ir, vis: ir + vis, {"published": ImageStyle(rounding="wrap")}, False),
    "0 to 2, stretched": (lambda ir, vis: ir + vis, {"published": ImageStyle(stretch="min_max")}, False),
    "a touch of overshoot": (lambda ir, vis: (ir + vis) / 2 * 1.02 - 0.01, {}, False),
    "half a level": (lambda ir, vis: (ir + vis) / 2 - 0.4 / 255, {}, False),
}


@pytest.mark.parametrize(("fuse", "declared", "broken"), CLIPPED.values(), ids=CLIPPED)
def test_a_range_that_was_mistaken_is_named(fuse: Any, declared: dict[str, Any], broken: bool) -> None:
    cls = type("Ranged", (Good,), {"fuse": lambda _, ir, vis: fuse(ir, vis), **declared})
    said = [sentence for sentence in check_class(cls) if "would be clipped" in sentence]
    assert bool(said) == broken, check_class(cls)


@pytest.mark.parametrize(
    ("fuse", "share"),
    [
        (lambda ir, vis: ir, 0.0),
        (lambda ir, vis: ir + 1 / 255, 0.5),
        (lambda ir, vis: ir - 1 / 255, 0.5),
        (lambda ir, vis: ir + 0.4 / 255, 0.0),
        (lambda ir, vis: ir * 3 - 1, 1.0),
    ],
)
def test_the_share_that_is_clipped_is_counted(fuse: Any, share: float) -> None:
    cls = type("Ranged", (Good,), {"fuse": lambda _, ir, vis: fuse(ir, vis)})
    half = np.zeros((8, 8), np.uint8)
    half[:, 4:] = 255
    fuser = Fuser(cls(None, "cpu"))
    fuser.fuse_pair(half, half)
    assert fuser.last_clipped == (share,)


def claiming(monkeypatch: pytest.MonkeyPatch, proofs: Proofs, rows: tuple[Record, ...], claim: Record | None) -> str:
    """What the contract says of a method with these bars, recorded results and claim."""
    monkeypatch.setattr("bench.fusion.class_promises.declared", lambda _: proofs)
    monkeypatch.setattr("bench.fusion.class_promises.recorded", lambda _: rows)
    cls = type("Claiming", (Good,), {"info": replace(INFO, proof=claim), "__module__": __name__})
    return " ".join(check_class(cls))


TNO = Proofs((Proof("tno_published", Bar(80.0, 1)),))
REACHED = Record("good", "tno_published/Good", "published images", 3, 85.0, 1, ok=True)


def test_a_proof_that_no_result_backs_breaks_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    assert claiming(monkeypatch, TNO, (REACHED,), REACHED) == ""
    assert "it declares a bar against tno_published, which was never" in claiming(monkeypatch, TNO, (), None)
    missed = replace(REACHED, ok=False)
    assert "which was never recorded" in claiming(monkeypatch, TNO, (missed,), REACHED)
    assert "which no Proof in its _proofs module declares" in claiming(monkeypatch, Proofs(), (), REACHED)


def test_adapters_stay_short() -> None:
    """What is long in an adapter belongs into ``_nets``, ``_classical`` or ``_training``, or is a table of facts."""
    long = {path.name: lines for path in sorted((PROJECT_ROOT / "methods").glob("*.py"))
            if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 62}  # fmt: skip
    assert long == {}
