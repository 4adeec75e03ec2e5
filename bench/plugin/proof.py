"""How a method is proven: what it is held to, source by source, and what was found when it last was.

The bars stand beside the methods in ``methods/_proofs/<name>.py`` as ``PROOFS``; what ``bench prove --record`` found
stands in ``methods/_proofs/<name>.json``. ``bench prove`` and the tests hold the one against the other.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.plugin.method import Method

Level = Literal["published images", "authors' program", "formula weights", "independent second implementation", "none"]
LEVELS: tuple[Level, ...] = (
    "published images", "authors' program", "formula weights", "independent second implementation", "none"
)  # fmt: skip
"""What a method was compared with, the strongest first."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What every pair must reach.

    Attributes:
        psnr_db: at least, over the three channels, 255 as peak.
        difference: grey levels, at most.
        equal: share of pixels that must lie within ``difference``; the others may leave it.
        relative_error: of the float output, at most, over the range of the reference; None: not compared.
    """

    psnr_db: float = 0.0
    difference: int = 255
    equal: float = 1.0
    relative_error: float | None = None


EXACT = Bar(math.inf, 0)
"""Every pixel equal."""

FORMULA_BAR = Bar(difference=1, equal=0.999, relative_error=1e-4)
"""Of outputs of an authors' network filled by the formula rule."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another setting under which a pair of a source may reach the bar.

    Attributes:
        settings: class attributes, as of a ``Variant``.
        pairs: those it is allowed for; empty for all.
    """

    settings: Mapping[str, Any]
    pairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """One source of reference images or outputs, and what a method is held to there.

    Attributes:
        source: folder below the reference folder, without the method's own: ``tno_published``, ``vifb_published``,
            ``authors_code/TNO``, ``extra``, ``formula``...
        bar: of every pair.
        level: what the source is.
        variant: whose images they are; empty for the method itself.
        exceptions: pair -> its own bar.
        settings: class attributes that this source asks for, e.g. another script's ``published``.
        alternatives: other settings under which a pair may pass.
        grey: the references hold the luma as it is written, before colour is put back.
        resize: ``floor16``: sources are first resized (bilinear, Pillow 13) to the multiples of 16 below their sides.
        judged: False where another program made the images: differences are shown and nothing is concluded.
        formula: of a formula source, the stem of the list of tensors in ``methods/_formula``.
        suffix: of a formula source, what the names of its cases end in.
        unit: of a formula source, by how much its floats exceed the output of ``fuse``.
        computed: of a formula source, makes the tensors that the rule does not fill.
        note: one line for the table.
    """

    source: str
    bar: Bar
    level: Level = "published images"
    variant: str = ""
    exceptions: Mapping[str, Bar] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    alternatives: tuple[Alternative, ...] = ()
    grey: bool = False
    resize: Literal["", "floor16"] = ""
    judged: bool = True
    formula: str = ""
    suffix: str = ""
    unit: float = 1.0
    computed: Callable[..., Any] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What one source gave when it was last compared; a row of ``bench prove``, and of a manifest.

    Attributes:
        method: label, ``<method>`` or ``<method>-<variant>``.
        against: source and the name that it has for the method.
        level: what the source is.
        pairs: reference files.
        worst_psnr_db: of the worst pair; None where all are equal, or nothing could be compared.
        largest_difference: grey levels; None where nothing could be compared.
        relative_error: of float outputs, the largest; None where none are compared.
        ok: whether the bars were reached; None where that could not be tried, or is not judged.
        date: of the comparison, ISO.
        note: one line.
    """

    method: str = ""
    against: str = ""
    level: Level = "none"
    pairs: int = 0
    worst_psnr_db: float | None = None
    largest_difference: int | None = None
    relative_error: float | None = None
    ok: bool | None = None
    date: str = ""
    note: str = ""

    def row(self) -> dict[str, Any]:
        """Plain values in this order."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Proofs:
    """All that is declared of one method and its variants.

    Attributes:
        proofs: the sources.
        labels: variant -> what reference folders call it, beside its title.
        idle: variant -> patterns (``fnmatch``) of tensors that no output depends on, though they are loaded.
        answer_size: height and width of the known answer's pair, where the usual one is too small for some weight to
            act.
        answer_tolerance: of the known answer, relative to its range, where the method itself carries last bits further
            than usual; None: the usual one.
    """

    proofs: tuple[Proof, ...] = ()
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    idle: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    answer_size: tuple[int, int] | None = None
    answer_tolerance: float | None = None


def declared(cls: type[Method]) -> Proofs:
    """What a method's module in ``_proofs`` declares: ``PROOFS``, and where needed more.

    Raises:
        BenchError: the module cannot be imported.
    """
    name = _module(cls)
    if not _is_there(name):
        return Proofs()
    try:
        module = importlib.import_module(name)
        return Proofs(
            tuple(module.PROOFS),
            getattr(module, "LABELS", {}),
            _by_variant(cls, getattr(module, "IDLE", {})),
            getattr(module, "ANSWER_SIZE", None),
            getattr(module, "ANSWER_TOLERANCE", None),
        )
    except (ImportError, AttributeError) as error:
        raise BenchError(f"{name}: {error}; it declares PROOFS, a tuple of Proof") from error


def _is_there(name: str) -> bool:
    """Whether there is such a module; not where what should hold it is no package."""
    try:
        return all(importlib.util.find_spec(each) is not None for each in (name.rpartition(".")[0], name))
    except ModuleNotFoundError:
        return False


def _by_variant(cls: type[Method], idle: Any) -> Mapping[str, tuple[str, ...]]:
    """Patterns as they stand, or one tuple that is meant for the method and all its variants."""
    if isinstance(idle, Mapping):
        return idle
    return dict.fromkeys(("", *(variant.name for variant in cls.variants), cls.variant), tuple(idle))


def facts_path(cls: type[Method]) -> Path:
    """Where what was found lies: ``_proofs/<name>.json`` beside the method's module."""
    package = importlib.import_module(cls.__module__.rpartition(".")[0] or cls.__module__)
    places = (getattr(module, "__file__", None) for module in (package, sys.modules.get(cls.__module__)))
    return Path(next(filter(None, places), "")).parent / "_proofs" / f"{base_name(cls)}.json"


@functools.lru_cache(maxsize=256)
def _facts(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BenchError(f"{path}: not readable ({error}); make it again with bench prove --record") from error
    return dict(content)


def facts(cls: type[Method]) -> dict[str, Any]:
    """What was recorded of a method and its variants: ``records``, ``answers`` and ``formula``; empty if nothing was.

    Raises:
        BenchError: the file is damaged.
    """
    return _facts(facts_path(cls))


def forget_facts() -> None:
    """Reads the files afresh, after they were written."""
    _facts.cache_clear()


def recorded(cls: type[Method]) -> tuple[Record, ...]:
    """The recorded results of one method or variant, the strongest level first."""
    rows = [Record(**row) for row in facts(cls).get("records", [])]
    return tuple(sorted((row for row in rows if row.method == cls.name), key=lambda row: LEVELS.index(row.level)))


def strongest(cls: type[Method]) -> Record:
    """The best that a method is proven by: of the reached bars, the strongest level with all its sources together."""
    passed = [row for row in recorded(cls) if row.ok]
    if not passed:
        return Record(cls.name, "", "none", 0)
    level = passed[0].level
    same = [row for row in passed if row.level == level]
    worst = [row.worst_psnr_db for row in same if row.worst_psnr_db is not None]
    largest = [row.largest_difference for row in same if row.largest_difference is not None]
    errors = [row.relative_error for row in same if row.relative_error is not None]
    return Record(
        cls.name, ", ".join(row.against for row in same), level, sum(row.pairs for row in same),
        min(worst, default=None), max(largest, default=None), max(errors, default=None), True,
        max(row.date for row in same),
    )  # fmt: skip


def in_words(record: Record) -> str:
    """A record as one phrase, e.g. ``published images, 13 pairs, at least 90.5 dB, at most 1 level, 2026-11-25``."""
    if record.level == "none":
        return "none"
    parts = [record.level, f"{record.pairs} {'pair' if record.pairs == 1 else 'pairs'}"]
    if record.relative_error is not None:
        parts.append(f"floats within {record.relative_error:.1e} of the range")
    if record.worst_psnr_db is not None:
        parts.append(f"at least {record.worst_psnr_db:.1f} dB")
    if record.largest_difference is not None:
        levels = record.largest_difference
        parts.append("equal" if levels == 0 else f"at most {levels} {'level' if levels == 1 else 'levels'}")
    return ", ".join([*parts, record.date] if record.date else parts)


def base_name(cls: type[Method]) -> str:
    """The name of a method, also of one whose variant is given."""
    return cls.name.removesuffix(f"-{cls.variant}") if cls.variant else cls.name


def _module(cls: type[Method]) -> str:
    package = cls.__module__.rpartition(".")[0]
    return f"{package}._proofs.{base_name(cls)}" if package else f"_proofs.{base_name(cls)}"
