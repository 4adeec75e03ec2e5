"""What lies in a stranger's folder: which images are infrared, visible, labels, and what other files there are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np

from bench.data.matching import ROLES
from bench.data.names import UNREADABLE, is_junk, key_of, natural
from bench.errors import BenchError
from bench.images import ENDINGS, Header, is_grey, read_header, read_ids, read_image, read_levels

TRUTH_WORDS = frozenset({
    "label", "labels", "mask", "masks", "gt", "groundtruth", "seg", "segmentation", "segmentationclass", "annotation",
    "annotations", "anno", "annos", "semantic", "boxes", "bboxes", "xml", "xmls", "voc", "coco", "yolo",
})  # fmt: skip
"""Words of folders that hold truth."""
NO_SOURCE_WORDS = frozenset({
    "fused", "fusion", "result", "results", "output", "outputs", "annotatedimages", "overlay", "overlays", "thumbs",
    "thumbnails", "preview", "previews", "gtcolor", "depth", "disparity",
})  # fmt: skip
"""Words of folders whose images are made from others."""
INSIDE = {"ir": ("infrared", "thermal", "lwir", "红外"), "vis": ("visible", "visual", "可见光")}
"""Long words that tell a side even where they are written together with others, as in ``cropinfrared``."""
SPLITS = {
    "train": frozenset({"train", "training", "trainset"}),
    "val": frozenset({"val", "valid", "validation", "dev"}),
    "test": frozenset({"test", "testing", "eval", "evaluation", "testset"}),
}
"""Words of folders that say which part of a data set they are."""
SAMPLE = 3
"""Images of a folder that are looked into."""
MOST_IDS = 64
"""An image of one channel with no more levels, all below this or 255, is taken for labels."""


def words_of(text: str) -> list[str]:
    """The words of a name in lower case: ``crop_LR-visible2`` has ``crop``, ``lr``, ``visible``."""
    return [word.casefold() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text)]


@dataclass(frozen=True)
class Group:
    """The images of one folder, or of one folder and those below it.

    Attributes:
        folder: below the top, with forward slashes; ``.`` for the top itself.
        base: the same, as a path.
        paths: its images, in natural order.
    """

    folder: str
    base: Path
    paths: tuple[Path, ...]

    @cached_property
    def names(self) -> frozenset[str]:
        """What its images go by, as ``bench.data.names`` has it."""
        stems = (path.relative_to(self.base).with_suffix("").parts for path in self.paths)
        return frozenset(key_of("_".join(parts)) for parts in stems)

    @cached_property
    def root(self) -> str:
        """Its path up to the last folder that says a side or a part; empty if none does."""
        parts = PurePosixPath(self.folder).parts
        telling = [at for at, part in enumerate(parts) if role_of(part) in ("ir", "vis") or split_of(part)]
        return "/".join(parts[: telling[-1] + 1]) if telling else ""

    @cached_property
    def role(self) -> str:
        """``ir``, ``vis``, ``truth``, ``other`` by the words of its path, the last folder first; empty for none."""
        for part in reversed(PurePosixPath(self.folder).parts):
            role = role_of(part)
            if role:
                return role
        return ""

    @cached_property
    def split(self) -> str:
        """``train``, ``val`` or ``test`` by the words of its path; empty for none."""
        found = [split_of(part) for part in PurePosixPath(self.folder).parts]
        return next((split for split in reversed(found) if split), "")

    @cached_property
    def headers(self) -> list[Header]:
        """Of some of its images that can be read; neighbours too, for a folder may hold both sides."""
        found = []
        for path in dict.fromkeys([*self.sample(), *self.paths[: 4 * SAMPLE]]):
            try:
                found.append(read_header(path, deep=True))
            except BenchError:
                continue
        return found

    def sample(self) -> Sequence[Path]:
        """Some of its images, from the first to the last."""
        step = max(1, len(self.paths) // SAMPLE)
        return self.paths[::step][:SAMPLE]

    @cached_property
    def bits(self) -> int:
        """Of its deepest image."""
        return max((header.bits for header in self.headers), default=0)

    @cached_property
    def grey(self) -> bool:
        """True if the images looked into have no colour."""
        return all(is_grey(image) for image in _readable(self.sample()))

    @cached_property
    def ids(self) -> set[int]:
        """The ids in its images if they can be labels: one channel, few levels; else nothing."""
        seen: set[int] = set()
        for path in self.sample():
            try:
                seen |= set(np.unique(read_ids(path)).tolist())
            except BenchError:
                return set()
        return seen if seen and max(seen - {255}, default=0) < MOST_IDS else set()

    @cached_property
    def levels(self) -> tuple[int, int]:
        """The lowest and the highest level of the deep images looked into."""
        found = []
        for path in dict.fromkeys([*self.sample(), *self.paths[: 4 * SAMPLE]]):
            try:
                levels, bits = read_levels(path)
            except BenchError:
                continue
            found += [levels] if bits > 8 else []
        return int(min(each.min() for each in found)), int(max(each.max() for each in found))


def _readable(paths: Sequence[Path]) -> Iterator[np.ndarray]:
    for path in paths:
        try:
            yield read_image(path)
        except BenchError:
            continue


def role_of(name: str) -> str:
    """What the name of a folder says of its images; empty for nothing, or for both sides."""
    words = words_of(name)
    if set(words) & TRUTH_WORDS:
        return "truth"
    found = [
        role
        for role, known in ROLES.items()
        if any((len(word) > 1 or len(words) == 1) and word in known for word in words if word not in NO_SOURCE_WORDS)
        or any(word in name.casefold() for word in INSIDE[role])
    ]
    if len(found) == 1:
        return found[0]
    return "other" if not found and set(words) & NO_SOURCE_WORDS else ""


def split_of(name: str) -> str:
    """The part of a data set that the name of a folder says; empty for none."""
    words = set(words_of(name))
    return next((split for split, known in SPLITS.items() if words & known), "")


@dataclass(frozen=True)
class Survey:
    """All of a folder.

    Attributes:
        top: the folder.
        groups: its folders of images, by path below it.
        files: other files by path below it, with their ending.
        unreadable: folders with pictures of formats that are not read, and their ending.
    """

    top: Path
    groups: dict[str, Group] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()

    def sources(self) -> list[Group]:
        """Folders that may hold infrared or visible images."""
        found = [group for group in self.groups.values() if group.role in ("ir", "vis", "")]
        return found if len(found) > 1 else list(self.groups.values())


TEXTS = (".txt", ".xml", ".json", ".yaml", ".yml", ".names")


def survey(top: Path) -> Survey:
    """Looks through a folder; links are followed once, junk is passed over.

    Raises:
        BenchError: not a folder, or without an image.
    """
    if not top.is_dir():
        raise BenchError(f"{top} is not a folder; give the one that holds the images")
    groups: dict[str, Group] = {}
    files: dict[str, str] = {}
    seen: set[str] = set()
    unreadable: dict[str, None] = {}
    for place, folders, names in os.walk(top, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = sorted((name for name in folders if not is_junk(name)), key=natural) if real not in seen else []
        if real in seen:
            continue
        seen.add(real)
        below = Path(place).relative_to(top).as_posix()
        kept = sorted((Path(place) / name for name in names if not is_junk(name)), key=lambda path: natural(path.name))
        images = tuple(path for path in kept if path.suffix.casefold() in ENDINGS)
        if images:
            groups[below] = Group(below, Path(place), images)
        strange = {path.suffix.casefold() for path in kept} & set(UNREADABLE)
        unreadable |= dict.fromkeys(f"{below}/*{ending}" for ending in sorted(strange))
        for path in kept:
            if path.suffix.casefold() in TEXTS:
                files[path.relative_to(top).as_posix()] = path.suffix.casefold()
    if not groups:
        raise BenchError(f"{top}: holds no image in {', '.join(ENDINGS)}; give the folder of a data set")
    return Survey(top, _with_those_below(top, groups), files, tuple(unreadable))


def _with_those_below(top: Path, groups: dict[str, Group]) -> dict[str, Group]:
    """Folders of one side below one that holds no image itself are one: ``ir/day`` and ``ir/night`` are ``ir``."""
    together: dict[str, list[Group]] = {}
    for group in groups.values():
        merges = group.role in ("ir", "vis") and group.root and group.root not in groups
        together.setdefault(group.root if merges else group.folder, []).append(group)
    whole = (
        found[0] if len(found) == 1 else
        Group(folder, top / folder, tuple(path for group in found for path in group.paths))
        for folder, found in together.items()
    )  # fmt: skip
    return {group.folder: group for group in whole}
