"""Which file is whose: the one answer for infrared, visible, label and fused images alike.

A file's name is its path below the folder without the ending; ``a/b.png`` is named ``a_b``. Upper and lower case and
the two Unicode spellings of an accent do not tell names apart, and neither do endings: two files of one name are twins,
and neither is taken. ``bench.data.matching`` says which files make a pair.
"""

from __future__ import annotations

import fnmatch
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from bench.errors import BenchError
from bench.images import ENDINGS
from bench.types import Problem

PAIR = "{pair}"
"""Stands for the pair's name in a folder's pattern, e.g. ``images/{pair}_ir``."""

JUNK = frozenset(
    {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "$recycle.bin", "@eadir", "icon\r", "lost+found"}
)
"""What systems leave in folders, in lower case; names that start with a dot are junk too."""

UNREADABLE = (
    ".gif", ".jp2", ".j2k", ".j2c", ".jpf", ".jpx", ".jxl", ".heic", ".heif", ".avif", ".exr", ".hdr", ".npy", ".npz",
    ".mat", ".raw", ".dng", ".psd", ".tga", ".pfm",
)  # fmt: skip
"""Endings of pictures that are not read here, and are named rather than passed over."""


def is_junk(name: str) -> bool:
    """True for what a system or an archive left in a folder: hidden files, resource forks, thumbnails."""
    return name.startswith(".") or name.casefold() in JUNK


def check_pair_id(name: str) -> str:
    """Refuses a name that is no plain file name: pair names become file names, cells of tables and text of reports.

    Raises:
        ValueError: empty, starting with a dot, or with separators, control characters or text that is not Unicode.
    """
    if not name or name.startswith(".") or not name.isprintable() or "/" in name or "\\" in name:
        raise ValueError(f"wanted a printable pair name without separators or a leading dot, got {name[:80]!a}")
    return name


LONGEST_LABEL = 120
"""Bytes: with the endings of journals and pictures a file name stays below what file systems hold."""


def check_label(label: str, where: str) -> str:
    """Refuses a label of a method that cannot name a folder, a row and a file of a report.

    Args:
        label: as given.
        where: what it was given for, e.g. ``--methods a/b=runs/a``.

    Raises:
        BenchError: empty, too long, starting or ending with a dot or a space, with separators, ``:`` (which divides a
            method from its variant) or text that cannot be printed.
    """
    fits = label.isprintable() and label == label.strip() and not label.startswith(".") and not label.endswith(".")
    if not label or not fits or set(label) & set('/\\:*?"<>|,=') or len(label.encode()) > LONGEST_LABEL:
        raise BenchError(
            f"{where}: {label[:80]!a} cannot be the label of a method, wanted letters, digits, spaces, - or _ (up to "
            f"{LONGEST_LABEL} bytes): it names a folder and a row; give another"
        )
    return label


def key_of(name: str) -> str:
    """What two spellings of one name have in common."""
    return unicodedata.normalize("NFC", name).casefold()


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """Sort key by which ``2`` comes before ``131``."""
    parts = re.split(r"([0-9]+)", name)
    return tuple((int(part), part) if index % 2 else (0, part) for index, part in enumerate(parts))


def some(names: Iterable[str], most: int = 5) -> str:
    """The first names, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(printable(name) for name in every[:most]) + more


# ------------------------------------------------------------------ a folder's files


DATASET = "{dataset}"
"""In the folder of a method's ready images: stands for the data set's own folder."""


def lacks_pair(text: str) -> str:
    """Why a place is a pattern without the pair's name, as ``ir/*.png`` is; empty if it is none or has one."""
    marked = next((found for found in re.finditer(r"\*+|\{\w*\}", text) if found[0] != DATASET), None)
    if PAIR in text or marked is None or Path(text).is_dir():
        return ""
    meant = text[: marked.start()] + PAIR + text[marked.end() :]
    return f"has no {PAIR}, which stands for a pair's name in a pattern; wanted a folder or e.g. {meant}"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of images, and how a file there is named; an empty pattern takes every name as it stands.

    Attributes:
        folder: that is looked through.
        pattern: path below it with ``{pair}`` once; ``*`` stands for anything, and the ending may be left out.
    """

    folder: Path
    pattern: str = ""

    @classmethod
    def of(cls, path: Path | str) -> Place:
        """Reads ``FOLDER`` or ``FOLDER/PATTERN``.

        Raises:
            BenchError: ``{pair}`` stands there twice, or the pattern has none.
        """
        text = str(path)
        if why := lacks_pair(text):
            raise BenchError(f"{text}: {why}")
        if text.count(PAIR) > 1:
            raise BenchError(f"{text}: {PAIR} stands there {text.count(PAIR)} times, wanted it once")
        parts = Path(text).parts
        at = next((i for i, part in enumerate(parts) if PAIR in text and (PAIR in part or "*" in part)), len(parts))
        return cls(Path(*parts[:at]) if at else Path(), "/".join(parts[at:]))


@dataclass(frozen=True, slots=True)
class Found:
    """One file, the name it goes by, and its path below the folder (with forward slashes, without the ending)."""

    name: str
    stem: str
    path: Path


@dataclass(slots=True)
class Names:
    """The files of one place by name.

    Attributes:
        place: what was read.
        files: that have a name of their own.
        twins: names of several files, none of which is taken.
        unfit: files that do not fit the place's pattern.
        unread: pictures of kinds that are not read, by the key of their names.
        problems: twins, links that lead nowhere or in a circle.
    """

    place: Place
    files: dict[str, Found] = field(default_factory=dict)
    twins: dict[str, list[Found]] = field(default_factory=dict)
    unfit: list[Path] = field(default_factory=list)
    unread: dict[str, Path] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def find(self, name: str) -> Path | None:
        """The file of this name."""
        found = self.files.get(key_of(name))
        return found.path if found else None

    def lacks(self, name: str, what: str) -> str:
        """Says that the place has no file of a name, or one of a kind that is not read.

        Args:
            name: that was looked for.
            what: is missing, e.g. ``infrared image``.
        """
        if key_of(name) in self.unread:
            return f"its {what} {self.unread[key_of(name)]} is of a kind that is not read here; convert it, e.g. to PNG"
        return f"has no {what} in {self.place.folder}; fetch it, or remove the other image"

    def strange(self, named: Iterable[str] = ()) -> list[Problem]:
        """Pictures of kinds that are not read, but for those of names that are named already."""
        every = self.unread.keys() - {key_of(name) for name in named}
        if not every:
            return []
        shown = some(self.below(self.unread[key]) for key in sorted(every, key=natural))
        kind = f"{len(every)} pictures of kinds that are not read here: {shown}; convert them, e.g. to PNG"
        return [Problem(printable(str(self.place.folder)), kind, fault=False)]

    def below(self, path: Path) -> str:
        """A file of the place, as its path below the folder, fit to print."""
        return printable(path.relative_to(self.place.folder).as_posix())


def read_names(place: Place, glob: str = "*", endings: Sequence[str] = ENDINGS) -> Names:
    """Lists the files of a place; subfolders are looked through where the folder itself holds none.

    Links are followed: what a user put there is meant.

    Args:
        place: folder and pattern; a folder that does not exist holds nothing.
        glob: files must match it, but for their ending: any of ``endings`` in any case is as good.
        endings: of the files wanted, in lower case.
    """
    names = Names(place)
    wanted = _template(place.pattern, endings)
    glob_stem = key_of(glob[: -len(Path(glob).suffix)] if Path(glob).suffix else glob) or "*"
    for found in _walk(names, endings, deep="/" in place.pattern):
        name = _named(found, wanted, glob_stem)
        if name is None:
            names.unfit.append(found.path)
            continue
        try:
            check_pair_id(name)
        except ValueError as error:
            names.problems.append(Problem(printable(str(found.path)), f"{error}; rename the file"))
            continue
        _keep(names, Found(name, found.stem, found.path))
    for twins in names.twins.values():
        files = ", ".join(sorted(names.below(found.path) for found in twins))
        text = f"{len(twins)} files are of the name {twins[0].name!r} ({files}), none is taken; keep one"
        names.problems.append(Problem(str(place.folder), text))
    return names


def _keep(names: Names, found: Found) -> None:
    key = key_of(found.name)
    if key in names.twins:
        names.twins[key].append(found)
    elif key in names.files:
        names.twins[key] = [names.files.pop(key), found]
    else:
        names.files[key] = found


def _template(pattern: str, endings: Sequence[str]) -> re.Pattern[str] | None:
    """The pattern as an expression over a path without ending."""
    if not pattern:
        return None
    stem = pattern.removesuffix(".*")
    if PurePosixPath(stem).suffix.casefold() in endings:
        stem = stem[: -len(PurePosixPath(stem).suffix)]
    words = re.split(r"(\{pair\}|\*)", key_of(stem))
    return re.compile("".join({PAIR: "(?P<pair>.+)", "*": "[^/]*"}.get(word, re.escape(word)) for word in words))


def _named(found: Found, wanted: re.Pattern[str] | None, glob_stem: str) -> str | None:
    if glob_stem != "*" and not fnmatch.fnmatchcase(key_of(found.path.stem), glob_stem):
        return None
    if wanted is None:
        return found.name
    fits = wanted.fullmatch(key_of(found.stem))
    if fits is None:
        return None
    start, end = fits.span("pair")
    same = len(key_of(found.stem)) == len(found.stem)  # folding may change the length; the spelling is then lost
    return (found.stem[start:end] if same else fits["pair"]).replace("/", "_")


def _walk(names: Names, endings: Sequence[str], deep: bool) -> Iterator[Found]:
    top = names.place.folder
    files, folders = _scan(names, top, endings)
    yield from (Found(path.stem, path.stem, path) for path in files)
    if files and not deep:
        below = Names(names.place)  # what is wrong down there is of no interest
        if passed := [folder.name for folder in folders if _scan(below, folder, endings)[0]]:
            text = f"its subfolders {some(passed)} hold images too, which are not looked at; name one of them to use it"
            names.problems.append(Problem(str(top), text, fault=False))
        return
    above = {os.path.realpath(top)}
    for folder in folders:
        yield from _walk_below(names, folder, endings, above)


def _walk_below(names: Names, folder: Path, endings: Sequence[str], above: set[str]) -> Iterator[Found]:
    real = os.path.realpath(folder)
    if real in above:
        names.problems.append(Problem(str(folder), "is a link that leads in a circle; remove it"))
        return
    files, folders = _scan(names, folder, endings)
    for path in files:
        stem = PurePosixPath(path.relative_to(names.place.folder).as_posix()).with_suffix("")
        yield Found("_".join(stem.parts), str(stem), path)
    for inner in folders:
        yield from _walk_below(names, inner, endings, above | {real})


def _scan(names: Names, folder: Path, endings: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """Wanted files and subfolders of one folder, in order of their names."""
    files: list[Path] = []
    folders: list[Path] = []
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name) if folder.is_dir() else []
    except OSError as error:
        names.problems.append(Problem(str(folder), f"cannot be read ({error.strerror}); mend its permissions"))
        return files, folders
    for entry in entries:
        if is_junk(entry.name):
            continue
        path, ending = Path(entry.path), Path(entry.name).suffix.casefold()
        if _is_folder(entry) and ending not in endings:
            folders.append(path)
        elif ending in endings:
            wrong = _wrong_file(path)
            if wrong:
                names.problems.append(Problem(printable(entry.path), wrong))
            else:
                files.append(path)
        elif ending in UNREADABLE and endings is ENDINGS:
            below = PurePosixPath(path.relative_to(names.place.folder).as_posix()).with_suffix("")
            names.unread.setdefault(key_of("_".join(below.parts)), path)
        elif path.is_symlink() and not path.exists() and not ending:
            names.problems.append(Problem(printable(entry.path), _wrong_file(path)))
    return files, folders


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a circle of links
        return False


def _wrong_file(path: Path) -> str:
    """What keeps a file from being read; empty if nothing does."""
    try:
        if path.is_file():
            return ""
        if not path.is_symlink():
            return "is not a file; remove it"
        path.stat()
    except FileNotFoundError:
        return f"is a link to {path.readlink()}, which does not exist; mend or remove it"
    except (OSError, RuntimeError):
        return "is a link that leads in a circle; mend or remove it"
    return "is a link to what is not a file; remove it"


def broken_link(path: Path) -> Problem | None:
    """The first component of a path that is a link to nothing, or one in a circle; None if there is none."""
    for place in (*reversed(path.parents), path):
        if place.is_symlink() and not os.path.exists(place):  # noqa: PTH110 - which is False for a circle, on any Python
            return Problem(printable(str(place)), _wrong_file(place))
    return None


def printable(text: str) -> str:
    """The text with what no terminal or table can hold written out."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
