"""SeAFusion from file to file, as one writes it in an afternoon and on the suite's runtimes, timed in own processes."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from bench.data.pairs import read_pair
from bench.errors import BenchError
from bench.files import write_atomic
from bench.fusion.forms import FORMS
from bench.fusion.harness import Fuser
from bench.images import encode_png
from bench.memory import retained_memory
from bench.plugin.kinds import METHODS
from bench.types import PairFiles
from bench.weights.find import WeightsMissing, resolve

Spent = tuple[float, float]
"""CPU and wall seconds."""


def leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.2)


def block(own: Any, x: Tensor) -> Tensor:
    first = torch.cat((x, leaky(own.dense1(x))), 1)
    second = torch.cat((first, leaky(own.dense2(first))), 1)
    edges = torch.abs(own.gradient.horizontal(x)) + torch.abs(own.gradient.vertical(x))
    return functional.leaky_relu(own.mix(second) + own.gradient.mix(edges), 0.1)


class Plain(nn.Module):
    """The layers of SeAFusion one after the other."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net

    def forward(self, vis: Tensor, ir: Tensor) -> Tensor:
        features = []
        for own, image in ((self.net.vis, vis), (self.net.ir, ir)):
            features.append(block(own.block2, block(own.block1, leaky(own.head(image)))))
        x = torch.cat(features, 1)
        for layer in (self.net.decode4, self.net.decode3, self.net.decode2):
            x = leaky(layer(x))
        return torch.tanh(self.net.decode1(x)) / 2 + 0.5


def load_method() -> Any:
    cls = METHODS.get("seafusion")
    try:
        return cls(resolve(cls).path)
    except (WeightsMissing, BenchError):  # times do not depend on the values
        return cls(None)


def released(folder: Path) -> nn.Module:
    """The authors' network with their weights."""
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location("released", folder / "FusionNet.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net: nn.Module = module.FusionNet(output=1)
    file = Path(os.environ["BENCH_WEIGHTS"]) / METHODS.get("seafusion").info.weights[0].path
    net.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    return net.eval()


def plain_loop(net: nn.Module, files: PairFiles, out: Path) -> None:
    """Reads, converts, fuses, stretches and writes one pair as a script does."""
    vis = torch.from_numpy(np.asarray(Image.open(files.vis_path), np.float32).transpose(2, 0, 1) / 255)[None]
    ir = torch.from_numpy(np.asarray(Image.open(files.ir_path).convert("L"), np.float32) / 255)[None, None]
    red, green, blue = vis[:, 0:1], vis[:, 1:2], vis[:, 2:3]
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    cr, cb = (red - y) * 0.713, (blue - y) * 0.564
    with torch.no_grad():
        fused = net(y, ir)
    image = torch.cat((fused + 1.403 * cr, fused - 0.714 * cr - 0.344 * cb, fused + 1.773 * cb), 1).clamp(0, 1)
    pixels = image[0].numpy().transpose(1, 2, 0)
    pixels = (pixels - pixels.min()) / (pixels.max() - pixels.min())
    Image.fromarray(np.uint8(255.0 * pixels)).save(out)


def once(task: Callable[[], object]) -> Spent:
    """Of the second of two turns, so that it is warm."""
    task()
    cpu, wall = time.process_time(), time.perf_counter()
    task()
    return time.process_time() - cpu, time.perf_counter() - wall


@cache
def plain_network(folder: Path | None) -> nn.Module:
    return released(folder) if folder is not None and folder.is_dir() else Plain(load_method().net)


def time_plain(folder: Path | None, threads: int, files: PairFiles, out: Path) -> Spent:
    """The plain loop, for a process of its own: what others left in the heap makes it a quarter faster."""
    torch.set_num_threads(threads)
    net = plain_network(folder)
    return once(lambda: plain_loop(net, files, out))


@cache
def fuser_on(form: str, files: PairFiles) -> Fuser:
    """In a form of the passport; int8 measures its ranges on the pair."""
    fuser, pair = Fuser(load_method()), read_pair(files)
    FORMS[form](fuser, [fuser.prepare([(pair.ir, pair.vis)])])
    return fuser


def own_loop(fuser: Fuser, files: PairFiles, out: Path) -> None:
    pair = read_pair(files)
    write_atomic(out, encode_png(fuser.fuse_pair(pair.ir, pair.vis)))


def time_form(form: str, threads: int, files: PairFiles, out: Path) -> Spent:
    """The suite's loop, which keeps freed memory as a run does."""
    torch.set_num_threads(threads)
    fuser = fuser_on(form, files)
    with retained_memory():
        return once(lambda: own_loop(fuser, files, out))
