"""Networks on OpenVINO: the same pixels, named, and PyTorch where it is not there or does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from small_method import Small
from torch import Tensor, nn

from bench.errors import BenchError
from bench.fusion import deploy, runtime
from bench.fusion.harness import Fuser
from bench.fusion.runtime import use_runtime
from bench.fusion.subject import random_pair
from bench.plugin.kinds import METHODS
from bench.run import keys
from bench.run.config import RunConfig
from bench.run.fuse_unit import FuseUnit
from bench.run.plan_methods import make_source
from bench.run.sources import MethodSource, load_fuser
from bench.store.run_folder import Store
from bench.types import PairFiles


class Other(Small):
    """Not the network that it is taken for."""

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return super().fuse(vis, ir)


class Unheard(Small):
    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return torch.special.bessel_j0(super().fuse(ir, vis))


class Plain(Small):
    """Holds no network."""

    info = METHODS.get("average").info

    def modules(self) -> dict[str, nn.Module]:
        return {}


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    load_fuser.cache_clear()
    yield
    load_fuser.cache_clear()


@pytest.fixture(name="on_openvino", scope="module")
def _on_openvino() -> Fuser:
    pytest.importorskip("openvino")
    fuser = Fuser(Small())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "_cpu_seconds", lambda fuser, _: 1.0 if fuser.network is None else 0.5)
        use_runtime(fuser, "auto")
    return fuser


def test_auto_takes_openvino_where_the_probe_is_the_same(on_openvino: Fuser) -> None:
    assert on_openvino.runtime.startswith("openvino 20")
    assert on_openvino.runtime_reason == ""


@pytest.mark.parametrize("size", [(48, 64), (47, 63), (33, 120)])
def test_pixels_are_those_of_pytorch(on_openvino: Fuser, size: tuple[int, int]) -> None:
    pairs = [random_pair(size, seed) for seed in (3, 4)]
    wanted = Fuser(Small()).fuse_batch(pairs)
    for seen, image in zip(on_openvino.fuse_batch(pairs), wanted, strict=True):
        assert np.abs(seen.astype(int) - image).max() <= 1


def test_auto_stays_with_pytorch_where_pixels_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino")
    convert, fuser = runtime.convert, Fuser(Small())
    monkeypatch.setattr(runtime, "convert", lambda _: convert(Fuser(Other())))
    use_runtime(fuser, "auto")
    assert (fuser.runtime, fuser.network) == ("torch", None)
    assert "levels off" in fuser.runtime_reason
    ir, vis = random_pair((40, 40), 1)
    assert np.array_equal(fuser.fuse_pair(ir, vis), Fuser(Small()).fuse_pair(ir, vis))
    with pytest.raises(BenchError, match=r"small: --runtime openvino: .*levels off"):
        use_runtime(Fuser(Small()), "openvino")


def test_an_operator_that_openvino_lacks_is_named() -> None:
    pytest.importorskip("openvino")
    fuser = Fuser(Unheard())
    use_runtime(fuser, "auto")
    assert fuser.runtime == "torch"
    assert "operator aten" in fuser.runtime_reason
    assert "bessel_j0" in fuser.runtime_reason


def test_without_openvino_auto_says_so_and_the_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (runtime, deploy):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    fuser = Fuser(Small())
    use_runtime(fuser, "auto")
    assert fuser.runtime == "torch"
    assert "not installed" in fuser.runtime_reason
    with pytest.raises(BenchError, match=r"pip install 'ivif-bench\[deploy\]'"):
        use_runtime(Fuser(Small()), "openvino")


def test_what_holds_no_network_stays_with_pytorch() -> None:
    pytest.importorskip("openvino")
    fuser = Fuser(Plain())
    use_runtime(fuser, "openvino")
    assert fuser.runtime == "torch"
    assert "no network" in fuser.runtime_reason


def test_a_converted_network_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    use_runtime(Fuser(Small()), "openvino", "key")
    monkeypatch.setattr(runtime, "convert", lambda _: pytest.fail("converted again"))
    fuser = Fuser(Small())
    use_runtime(fuser, "openvino", "key")
    assert fuser.runtime.startswith("openvino")
    assert sorted(path.suffix for path in (tmp_path / "runtimes").iterdir()) == [".bin", ".xml"]


def test_the_runtime_is_part_of_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    cls = METHODS.get("average")

    def key(wanted: str, device: str = "cpu") -> str:
        return make_source(cls, None, RunConfig(runtime=wanted, device=device)).key  # type: ignore[arg-type]

    monkeypatch.setattr(keys, "_version", lambda name: "2026.4" if name == "openvino" else "1")
    assert len({key("torch"), key("auto"), key("openvino"), key("winograd")}) == 4
    first = key("auto")
    monkeypatch.setattr(keys, "_version", lambda name: "2027.0" if name == "openvino" else "1")
    assert key("auto") != first
    monkeypatch.setattr(keys, "_version", lambda name: keys.ABSENT if name == "openvino" else "1")
    second = key("auto")
    assert len({first, second, key("torch")}) == 3
    monkeypatch.setattr(keys, "_version", lambda name: keys.ABSENT if name in ("openvino", "numba") else "1")
    assert key("auto") == key("winograd") == key("torch")


def test_the_journal_names_the_runtime_of_each_image(make_pair: PairFiles, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    source = MethodSource("mmdrfuse", "key", runtime="openvino")
    unit = FuseUnit(
        out=tmp_path, dataset="d", method="mmdrfuse", time_limit_s=60.0, gpus=0.0, source=source, files=(make_pair,),
        keys=("k",),
    )  # fmt: skip
    unit.run()
    (line,) = [line for journal in Store(tmp_path).journals("fused", "d") for line in journal.lines("status")]
    assert line["status"] == "ok", line
    assert line["runtime"].startswith("openvino 20")


@pytest.fixture(name="make_pair")
def _make_pair(tmp_path: Path) -> PairFiles:
    from bench.images import encode_png

    ir, vis = random_pair((64, 72), 0)
    for name, image in (("ir", ir), ("vis", vis)):
        (tmp_path / f"{name}.png").write_bytes(encode_png(image))
    return PairFiles("d", "test", "1", tmp_path / "ir.png", tmp_path / "vis.png")
