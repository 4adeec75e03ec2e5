"""Writes the first version of a new method: an adapter that works, and its test."""

from __future__ import annotations

import datetime
import importlib
import keyword
import re
from pathlib import Path

from bench.errors import BenchError
from bench.files import PROJECT_ROOT, write_atomic
from bench.plugin.kinds import METHODS

RESERVED = ("all", "create", "list", "new")
"""Words of the command line and of the package ``methods``."""

ADAPTER = '''"""{title}: say here in one line what it does; `bench list methods` prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn.functional import avg_pool2d

from bench.plugin.method import Method, MethodInfo

if TYPE_CHECKING:
    from torch import Tensor


class {camel}Method(Method):
    """Weighs the sources by their local contrast, until your own method stands here."""

    name = "{name}"
    info = MethodInfo(
        title="{title}",
        year={year},
        paper="https://example.org/your-paper",
        licence="Apache-2.0",
        kind="classical",  # "learned" once there is a network in self.net
    )

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Gets and gives luma in [0, 1], (B, 1, H, W); colour, padding and rounding are the harness's business."""
        ir_weight, vis_weight = _contrast(ir), _contrast(vis)
        return (ir_weight * ir + vis_weight * vis) / (ir_weight + vis_weight)


def _contrast(image: Tensor) -> Tensor:
    mean = avg_pool2d(image, 7, stride=1, padding=3, count_include_pad=False)
    return (image - mean).abs() + 1e-3
'''

TEST = '''"""{title}: the contract of every method, and what is true of this one alone."""

from __future__ import annotations

import numpy as np

from bench.fuse.contract import check_method
from methods import create


def test_{name}_keeps_the_contract() -> None:
    assert check_method("{name}") == []


def test_{name}_gives_two_equal_images_back() -> None:
    image = np.random.default_rng(0).integers(0, 256, (48, 64), dtype=np.uint8)
    fused = create("{name}").fuse_pair(image, image)
    assert np.array_equal(fused, np.repeat(image[..., None], 3, axis=2))
'''


def new_method(name: str, folder: Path | None = None) -> list[Path]:
    """Writes ``methods/NAME.py`` and ``tests/methods/test_NAME.py``; both work as they are.

    Args:
        name: lower case, digits and underscores, as the paper calls it.
        folder: of the project; default is the one that ``bench`` was installed from.

    Returns:
        The two files.

    Raises:
        BenchError: not a possible name, a name that is taken, or not a folder of the project.
    """
    root = PROJECT_ROOT if folder is None else folder
    _check_name(name)
    for wanted in ("pyproject.toml", "methods/__init__.py"):  # an installed copy has no place for new files
        if not (root / wanted).is_file():
            raise BenchError(f"{root}: has no {wanted}, wanted a checkout of the project; give it with --folder")
    texts = {root / "methods" / f"{name}.py": ADAPTER, root / "tests" / "methods" / f"test_{name}.py": TEST}
    for path in texts:
        if path.exists():
            raise BenchError(f"{path} exists already; choose another name, or remove it")
    words = name.split("_")
    facts = {
        "name": name,
        "title": " ".join(words).capitalize(),
        "camel": "".join(word.capitalize() for word in words),
        "year": datetime.datetime.now(tz=datetime.timezone.utc).year,
    }
    for path, text in texts.items():
        write_atomic(path, text.format(**facts).encode())
    importlib.invalidate_caches()
    METHODS.__dict__.pop("entries", None)  # it was listed before the new file was there
    return list(texts)


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise BenchError(f"{name!r} cannot be a method's name, wanted lower case like 'u2fusion' or 'mst_sr'")
    if len(name) > 40:
        raise BenchError(f"{name!r} has {len(name)} letters, wanted at most 40; tables have to hold it")
    if name in RESERVED:
        raise BenchError(f"{name!r} is a word of the command line; choose another name")
    if METHODS.split(name)[0] in METHODS.entries:
        raise BenchError(f"method {name!r} exists already, in {METHODS.entry(name).module}; choose another name")
