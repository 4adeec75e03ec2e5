"""The fusing stage against the plain loop, SeAFusion at 640x480, in one run.

    pytest tests/benchmarks/test_fusing_stage.py --benchmark-only --benchmark-columns=min,median,rounds

``plain`` reads, fuses (contiguous float32) and writes one pair after the other, as evaluation scripts do; the others
are ``fuse_stream`` as a run uses it. The factors in the table are to the fastest. ``extra_info`` in the JSON output has
the largest change of any pixel from ``plain`` in grey levels, the seconds the compilation took before the clock
started, and the processor seconds per pair, which other work on the machine disturbs less than the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.data.pairs import read_pair
from bench.files import write_atomic
from bench.fusion.compiling import compile_fuser
from bench.fusion.harness import Fuser
from bench.fusion.stream import Timings, fuse_stream
from bench.images import encode_png
from bench.plugin.kinds import METHODS
from bench.types import Image, PairFiles

PAIRS = 4
ROUNDS = 3

Images = dict[str, Image]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[PairFiles]:
    """Smooth made-up scenes with some noise: PNGs that take as long to read as real ones."""
    folder, random, pairs = tmp_path_factory.mktemp("pairs"), np.random.default_rng(0), []
    y, x = np.mgrid[0:480, 0:640]
    for number in range(PAIRS):
        waves = [127 + 100 * np.sin(x / (20 + 9 * k + number) + y / (35 - 4 * k)) for k in range(4)]
        ir, vis = waves[0], np.stack(waves[1:], axis=-1)
        paths = [folder / f"{kind}{number}.png" for kind in ("ir", "vis")]
        for path, image in zip(paths, (ir, vis), strict=True):
            noisy = image + random.normal(0, 4, image.shape)
            write_atomic(path, encode_png(np.clip(noisy, 0, 255).astype(np.uint8)))
        pairs.append(PairFiles("made", "test", str(number), *paths))
    return pairs


@pytest.fixture(scope="module")
def reference(files: list[PairFiles], tmp_path_factory: pytest.TempPathFactory) -> Images:
    return plain_loop(files, tmp_path_factory.mktemp("reference"))()


def plain_loop(files: list[PairFiles], folder: Path) -> Callable[[], Images]:
    fuser = Fuser(METHODS.get("seafusion")(None, "cpu"))
    fuser.use_layout(torch.contiguous_format)

    def run() -> Images:
        images: Images = {}
        for item in files:
            pair = read_pair(item)
            images[item.id] = fuser.fuse_pair(pair.ir, pair.vis)
            write_atomic(folder / f"{item.id}.png", encode_png(images[item.id]))
        return images

    return run


def stage(fuser: Fuser, files: list[PairFiles], folder: Path) -> Callable[[], Images]:
    def run() -> Images:
        images: Images = {}

        def sink(item: PairFiles, result: Image | Exception, timings: Timings) -> None:
            if isinstance(result, Exception):
                raise result
            images[item.id] = result
            write_atomic(folder / f"{item.id}.png", encode_png(result))

        fuse_stream(fuser, files, sink)
        return images

    return run


@pytest.mark.filterwarnings("ignore")
@pytest.mark.benchmark(group="fusing stage, SeAFusion 640x480, CPU")
@pytest.mark.parametrize("form", ["plain", "exact", "compiled", "fast"])
def test_fusing_stage(benchmark: Any, form: str, files: list[PairFiles], reference: Images, tmp_path: Path) -> None:
    if form == "plain":
        work = plain_loop(files, tmp_path)
    else:
        fuser = Fuser(METHODS.get("seafusion")(None, "cpu"), precision="fast" if form == "fast" else "exact")
        if form == "compiled":
            pair = read_pair(files[0])
            spent, reason = compile_fuser(fuser, fuser.prepare([(pair.ir, pair.vis)]))
            if reason:
                pytest.skip(reason)
            benchmark.extra_info["compile_s"] = round(spent, 1)
        work = stage(fuser, files, tmp_path)
    seconds: list[float] = []

    def timed() -> Images:
        start = time.process_time()
        made = work()
        seconds.append((time.process_time() - start) / PAIRS)
        return made

    images = benchmark.pedantic(timed, rounds=ROUNDS, warmup_rounds=1)
    change = max(int(np.abs(images[key].astype(int) - reference[key].astype(int)).max()) for key in reference)
    benchmark.extra_info.update(
        cpu_s_per_pair=round(min(seconds), 3), pairs=PAIRS, threads=torch.get_num_threads(), max_difference=change
    )
    assert change <= (4 if form == "fast" else 1)
