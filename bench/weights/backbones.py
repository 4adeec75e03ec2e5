"""ImageNet weights that trainings start from: found on disk, fetched where the network allows, or done without."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bench.errors import BenchError
from bench.weights.checksums import digests
from bench.weights.places import published_dir
from bench.weights.tensors import read_state_dict

if TYPE_CHECKING:
    from torch import nn

OFFLINE = "BENCH_OFFLINE"
"""Environment variable; if set to anything, nothing is fetched unasked."""


@dataclass(frozen=True, slots=True)
class BackboneFile:
    """A file of torchvision's ImageNet weights (BSD-3-Clause); size 0 where it is not known."""

    name: str
    sha256: str
    size: int

    @property
    def url(self) -> str:
        """Where it is fetched."""
        return f"https://download.pytorch.org/models/{self.name}"


RESNET18 = (
    BackboneFile(
        "resnet18-f37072fd.pth", "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec", 46_830_571
    ),
    # an older serialisation of the same training, the one the SeAFusion authors started from
    BackboneFile(
        "resnet18-5c106cde.pth", "5c106cde386e87d4033832f2996f5493238eda96ccf559d1d62760c4de0613f8", 46_827_520
    ),
)


VGG16 = (
    BackboneFile("vgg16-397923af.pth", "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0", 553_433_881),
)
RESNET101 = (
    BackboneFile("resnet101-63fe2227.pth", "63fe2227b86e8f1f2063f43a75c84d195911b6a0eace650907dd3dc62dd49a0a", 0),
)


class Starter(Protocol):
    """What asks for a backbone: a ``TrainRequest``, a task's ``Job`` or ``Setting``."""

    @property
    def preset(self) -> str:
        """Smoke fetches nothing."""

    @property
    def weights_root(self) -> Path | None:
        """Folder of published weights."""

    @property
    def pretrained(self) -> Path | None:
        """The folder of a run that holds the one copy that all its workers start from."""


def starting_file(files: Sequence[BackboneFile], asked: Starter, fetch: bool = True) -> Path | None:
    """The file that a training starts from; None for a random start.

    Within a run that is the file which the run itself chose, wherever the worker stands. Elsewhere it is the first
    that is on disk (below the weights root, in the cache, or where torchvision keeps downloads), else the first one
    fetched into the cache, unless the preset is ``smoke``.

    Args:
        files: that will do, the best first.
        asked: for what.
        fetch: False downloads nothing.

    Raises:
        BenchError: a file of that name is there with other bytes, so that two machines would not start alike.
    """
    if asked.pretrained is not None:
        return _find(files, [asked.pretrained])
    found = _find(files, _folders(asked.weights_root))
    allowed = fetch and asked.preset != "smoke" and not os.environ.get(OFFLINE)
    return found or (_fetch(files[0]) if allowed else None)


def starting_files(files: Sequence[BackboneFile], asked: Starter, fetch: bool = True) -> dict[str, Path | None]:
    """``starting_file`` by the file's name, for a run that keeps it for all its workers."""
    path = starting_file(files, asked, fetch)
    return {path.name if path else files[0].name: path}


def _find(files: Sequence[BackboneFile], folders: Iterable[Path]) -> Path | None:
    for folder in folders:
        for file in files:
            path = folder / file.name
            if path.is_file() and (not file.size or path.stat().st_size == file.size):  # else half a download
                _check(path, file)
                return path
    return None


def backbone_digest(path: Path | None) -> str:
    """SHA-256 of the file, ``random`` for None; what manifests and fingerprints say of a backbone."""
    return "random" if path is None else _digest(path, path.stat().st_size, path.stat().st_mtime_ns)


def require_backbone(
    files: Sequence[BackboneFile], path: Path | None, allow_random: bool, option: str, who: str
) -> Path | None:
    """The path again, where there is one or random weights were asked for.

    Args:
        files: what was looked for.
        path: what was found.
        allow_random: whether random weights will do.
        option: what asks for them, e.g. ``random_backbone=true``.
        who: the training that needs them.

    Raises:
        BenchError: there is none, and random ones were not asked for.
    """
    if path is None and not allow_random:
        raise BenchError(
            f"{who}: no ImageNet weights {files[0].name} at hand, and random ones give another result; put the file "
            f"of {files[0].url} into ImageNet/ below the weights root, or ask for random ones with --option {option}"
        )
    return path


def _check(path: Path, file: BackboneFile) -> None:
    if backbone_digest(path) != file.sha256:
        raise BenchError(
            f"{path}: not the file of {file.url} (its SHA-256 is not {file.sha256[:16]}...); remove it or fetch it anew"
        )


@cache
def _digest(path: Path, size: int, changed: int) -> str:  # noqa: ARG001 - a changed file has another key
    return digests(path)["sha256"]


@cache
def _fetch(file: BackboneFile) -> Path | None:
    from bench.download import download

    try:
        return download(file.url, published_dir() / "ImageNet" / file.name, sha256=file.sha256, size=file.size)
    except BenchError:
        return None


def _folders(weights_root: Path | None) -> Iterator[Path]:
    given = weights_root or os.environ.get("BENCH_WEIGHTS")
    if given:
        yield Path(given).expanduser() / "ImageNet"
    yield published_dir() / "ImageNet"
    import torch

    yield Path(torch.hub.get_dir()) / "checkpoints"


def load_resnet18(parts: Mapping[str, nn.Module], path: Path | None) -> str:
    """Fills the parts of a ResNet-18 and says what was done.

    Args:
        parts: by torchvision's names: ``conv1``, ``bn1``, ``layer1`` ... ``layer4``.
        path: as ``starting_file`` gave it; None leaves the parts as they are.

    Returns:
        ``random`` or ``ImageNet (FILE)``.

    Raises:
        BenchError: the file does not fit.
    """
    if path is None:
        return "random"
    tensors = read_state_dict(path)
    for name, part in parts.items():
        own = {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
        try:
            result = part.load_state_dict(own, strict=False)
        except RuntimeError as error:
            raise BenchError(f"{path}: {' '.join(str(error).split())[:160]}; wanted torchvision's resnet18") from error
        missing = [key for key in result.missing_keys if not key.endswith("num_batches_tracked")]
        if missing or result.unexpected_keys:
            wrong = (missing or result.unexpected_keys)[0]
            raise BenchError(f"{path}: tensor {name}.{wrong} is missing or unknown; wanted torchvision's resnet18")
    return f"ImageNet ({path.name})"
