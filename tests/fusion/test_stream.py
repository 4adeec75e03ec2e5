"""The fusing stage as a pipeline: same images as the plain loop, in order, whatever fails on the way."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from made_data import write_pairs
from torch import Tensor, nn

from bench.errors import BenchError
from bench.fusion import stream as throughput
from bench.fusion.compiling import compile_fuser, repays, restore
from bench.fusion.harness import Fuser
from bench.fusion.stream import Timings, fuse_stream
from bench.memory import release_memory, retained_memory
from bench.plugin.method import Method, MethodInfo
from bench.types import Image, PairFiles


class Mixing(Method):
    """Two convolutions; enough to tell layouts and precisions apart."""

    name = "mixing"
    info = MethodInfo("Mixing", 2026, "doi:10.0000/none", "Apache-2.0")

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.net = nn.Sequential(nn.Conv2d(2, 8, 3, padding=1), nn.LeakyReLU(), nn.Conv2d(8, 1, 3, padding=1))

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return torch.sigmoid(self.net(torch.cat([ir, vis], dim=1)))


@pytest.fixture
def files(tmp_path: Path) -> list[PairFiles]:
    return write_pairs(tmp_path, [(40, 56), (40, 56), (33, 47), (40, 56), (21, 30), (40, 56), (40, 56)])


class Collector:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Image | Exception, Timings]] = []
        self.threads: set[int] = set()

    def __call__(self, files: PairFiles, result: Image | Exception, timings: Timings) -> None:
        self.threads.add(threading.get_ident())
        self.got.append((files.id, result, timings))

    def images(self) -> list[Image]:
        for _, result, _ in self.got:
            assert isinstance(result, np.ndarray), result
        return [result for _, result, _ in self.got if isinstance(result, np.ndarray)]


def plain_loop(files: Sequence[PairFiles]) -> list[Image]:
    """Read, fuse, collect, one after the other, contiguous float32."""
    from bench.data.pairs import read_pair

    fuser = Fuser(Mixing())
    fuser.use_layout(torch.contiguous_format)
    pairs = [read_pair(item) for item in files]
    return [fuser.fuse_pair(pair.ir, pair.vis) for pair in pairs]


def test_the_stream_gives_the_images_of_the_plain_loop_in_order(files: list[PairFiles]) -> None:
    sink = Collector()
    fuse_stream(Fuser(Mixing()), files, sink)
    assert [name for name, _, _ in sink.got] == [item.id for item in files]
    for image, wanted in zip(sink.images(), plain_loop(files), strict=True):
        assert image.dtype == np.uint8
        assert np.abs(image.astype(int) - wanted.astype(int)).max() <= 1
    assert len(sink.threads) == 1


@pytest.mark.parametrize("ahead", [1, 2, 20])
def test_how_far_it_reads_ahead_changes_no_bit(files: list[PairFiles], ahead: int) -> None:
    few, many = Collector(), Collector()
    fuse_stream(Fuser(Mixing()), files, few, ahead=ahead)
    fuse_stream(Fuser(Mixing()), files, many)
    assert all(np.array_equal(a, b) for a, b in zip(few.images(), many.images(), strict=True))


def test_every_step_is_timed(files: list[PairFiles]) -> None:
    sink = Collector()
    fuse_stream(Fuser(Mixing()), files, sink)
    for _, _, timings in sink.got:
        assert min(timings.read_ms, timings.prepare_ms, timings.compute_ms, timings.finish_ms) > 0


def test_pairs_that_fail_are_handed_over_and_the_rest_goes_on(files: list[PairFiles]) -> None:
    files[0].ir_path.write_bytes(b"no image")
    files[2].vis_path.unlink()
    sink = Collector()
    fuse_stream(Fuser(Mixing()), files, sink)
    failed = {name: result for name, result, _ in sink.got if isinstance(result, Exception)}
    assert set(failed) == {"0", "2"}
    assert all(isinstance(error, BenchError) for error in failed.values()), failed
    assert str(files[2].vis_path) in str(failed["2"])
    assert len(sink.got) == len(files)


class Failing(Mixing):
    """Fails on the odd-sized pair, in the method itself or with an output that is none."""

    how = "raise"

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        if ir.shape[-1] == 47:
            if self.how == "raise":
                raise RuntimeError("broken here")
            return torch.full_like(ir, float("nan"))
        return super().fuse(ir, vis)


@pytest.mark.parametrize(("how", "text"), [("raise", "broken here"), ("nan", "NaN")])
def test_a_method_that_fails_on_one_pair_loses_only_that_pair(files: list[PairFiles], how: str, text: str) -> None:
    method, sink = Failing(), Collector()
    method.how = how
    fuse_stream(Fuser(method), files, sink)
    failed = [(name, str(result)) for name, result, _ in sink.got if isinstance(result, Exception)]
    assert [name for name, _ in failed] == ["2"]
    assert text in failed[0][1]


def test_what_the_sink_raises_ends_the_stream_and_nothing_is_written_after_it(files: list[PairFiles]) -> None:
    written = []

    def sink(item: PairFiles, result: Image | Exception, timings: Timings) -> None:
        if item.id == "2":
            raise OSError(28, "No space left on device")
        written.append(item.id)

    with pytest.raises(OSError, match="No space left"):
        fuse_stream(Fuser(Mixing()), files, sink)
    assert written == ["0", "1"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("read", "write"))]


def test_an_interrupted_stream_ends_its_threads(files: list[PairFiles], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(throughput, "_compute", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fuse_stream(Fuser(Mixing()), files, Collector())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("read", "write"))]


def test_no_pairs_are_no_work() -> None:
    sink = Collector()
    fuse_stream(Fuser(Mixing()), [], sink)
    assert sink.got == []


def test_the_fast_mode_stays_within_a_few_grey_levels_and_is_not_the_default(files: list[PairFiles]) -> None:
    exact, fast, default = Collector(), Collector(), Collector()
    fuse_stream(Fuser(Mixing()), files, default)
    fuse_stream(Fuser(Mixing(), precision="exact"), files, exact)
    fuse_stream(Fuser(Mixing(), precision="fast"), files, fast)
    assert all(np.array_equal(a, b) for a, b in zip(exact.images(), default.images(), strict=True))
    change = max(
        int(np.abs(a.astype(int) - b.astype(int)).max()) for a, b in zip(exact.images(), fast.images(), strict=True)
    )
    assert 1 <= change <= 4


def test_compiling_falls_back_where_there_is_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    fuser = Fuser(Mixing())
    net = fuser.method.modules()["net"]

    def broken(module: nn.Module) -> nn.Module:
        raise RuntimeError("no C++ compiler")

    monkeypatch.setattr(torch, "compile", broken)
    sample = (torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16))
    seconds, reason = compile_fuser(fuser, sample)
    assert reason == "not compiled: RuntimeError: no C++ compiler"
    assert seconds >= 0
    assert fuser.method.modules()["net"] is net
    assert fuser.compute(*sample).shape == (1, 1, 16, 16)


@pytest.mark.parametrize("faster", [True, False])
def test_auto_keeps_the_compiled_form_only_if_it_is_faster(
    files: list[PairFiles], monkeypatch: pytest.MonkeyPatch, faster: bool
) -> None:
    class Compiled(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x)

    monkeypatch.setattr(torch, "compile", Compiled)
    monkeypatch.setattr(throughput, "repays", lambda images, seconds: True)
    clock = iter([1.0, 2.0] if faster else [2.0, 1.0])
    monkeypatch.setattr(throughput, "_seconds", lambda *_: next(clock))
    fuser, sink = Fuser(Mixing()), Collector()
    fuse_stream(fuser, files, sink, compile="auto")
    assert isinstance(fuser.method.modules()["net"], Compiled) == faster
    assert len(sink.images()) == len(files)


def test_a_fuser_is_compiled_once_for_all_its_streams(files: list[PairFiles], monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[nn.Module] = []
    seen: list[int] = []
    monkeypatch.setattr(torch, "compile", lambda module: compiled.append(module) or module)
    monkeypatch.setattr(throughput, "repays", lambda images, seconds: seen.append(images) or True)
    fuser = Fuser(Mixing())
    for _ in range(3):
        fuse_stream(fuser, files, Collector(), compile="auto", expected=100)
    assert len(compiled) == len(fuser.method.modules())
    assert seen == [99]


def test_few_images_do_not_repay_a_compilation(files: list[PairFiles], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda module: pytest.fail("compiled"))
    fuse_stream(Fuser(Mixing()), files, Collector(), compile="auto")
    fuse_stream(Fuser(Mixing()), files, Collector())
    assert not repays(7, 0.01)
    assert repays(10_000, 1.0)


def test_restore_puts_the_networks_back() -> None:
    fuser = Fuser(Mixing())
    originals = fuser.method.modules()
    fuser.method.net = nn.Identity()  # type: ignore[attr-defined]
    restore(fuser, originals)
    assert fuser.method.modules() == originals


def test_retained_memory_may_be_nested_and_used_from_threads() -> None:
    def use() -> None:
        for _ in range(20):
            with retained_memory(), retained_memory():
                assert torch.ones(1 << 20).sum() == 1 << 20

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    from bench import memory

    assert memory._users == 0
    release_memory()


def test_retained_memory_does_nothing_without_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench import memory

    monkeypatch.setattr(memory, "_glibc", lambda: None)
    with retained_memory():
        assert memory._users == 0
    release_memory()
