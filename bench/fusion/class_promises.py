"""What the harness relies on in a method's class: its facts, its constructor, its weights."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import get_args

import torch
from torch import nn

from bench.colour import EIGHT_BIT_MERGES, FLOAT_MERGES, READERS
from bench.errors import BenchError
from bench.fusion.subject import Check, Subject
from bench.plugin.method import ImageStyle, Method, MethodInfo, Rounding, Trainable
from bench.plugin.proof import declared, recorded

VARIANT_NAME = re.compile("[a-z0-9_]+")


def is_no_module(subject: Subject) -> Iterator[str]:
    """It holds torch modules, and is none."""
    if issubclass(subject.cls, nn.Module):
        yield "it is a torch module, wanted a Method that holds one; put the network into an attribute"


def has_metadata(subject: Subject) -> Iterator[str]:
    """Its facts are filled in."""
    info = getattr(subject.cls, "info", None)
    if not isinstance(info, MethodInfo):
        yield f"info is {type(info).__name__}, wanted a MethodInfo"
        return
    for field in ("title", "licence"):
        if not getattr(info, field).strip():
            yield f"info.{field} is empty"
    if info.kind != "reference":
        if not 1950 <= info.year <= 2100:
            yield f"info.year is {info.year}, wanted the paper's"
        if not info.paper.startswith(("doi:10.", "https://", "http://")):
            yield f"info.paper is {info.paper!r}, wanted doi:10... or an address"
    for file in info.weights:
        if not file.path or Path(file.path).is_absolute() or ".." in Path(file.path).parts:
            yield f"a weight file has the path {file.path!r}, wanted one below the weights root"
        if file.url and not (file.sha256 or file.git_blob):
            yield f"{file.path} has an address but no checksum; fill sha256 or git_blob"


def has_valid_attributes(subject: Subject) -> Iterator[str]:
    """Its class attributes are among those the harness knows."""
    cls = subject.cls
    if cls.space not in ("luma", "rgb", "rgb_to_luma"):
        yield f"space is {cls.space!r}, wanted 'luma', 'rgb' or 'rgb_to_luma'"
    if cls.dtype not in ("float32", "float64"):
        yield f"dtype is {cls.dtype!r}, wanted 'float32' or 'float64'"
    if not isinstance(cls.multiple, int) or cls.multiple < 1:
        yield f"multiple is {cls.multiple!r}, wanted a positive int"
    if not isinstance(cls.published, ImageStyle):
        yield f"published is {type(cls.published).__name__}, wanted an ImageStyle"
    else:
        yield from _wrong_words(cls.published)
    if cls.layout not in ("any", "contiguous"):
        yield f"layout is {cls.layout!r}, wanted 'any' or 'contiguous'"


def _wrong_words(style: ImageStyle) -> Iterator[str]:
    known = {
        "reader": tuple(READERS), "ir_reader": (None, *READERS), "merge": (*FLOAT_MERGES, *EIGHT_BIT_MERGES),
        "stretch": ("none", "min_max"), "rounding": get_args(Rounding), "arithmetic": ("double", "single"),
    }  # fmt: skip
    for field, words in known.items():
        if getattr(style, field) not in words:
            yield f"published.{field} is {getattr(style, field)!r}, wanted one of {', '.join(map(str, words))}"


def declares_no_contradiction(subject: Subject) -> Iterator[str]:
    """What it declares of padding, strips and variants fits together."""
    cls = subject.cls
    if cls.padding is not None and cls.multiple != 1:
        yield "padding and multiple are both set; leave multiple at 1"
    if cls.whole and cls.multiple != 1:
        yield "whole statistics forbid the harness to pad; put the authors' own rule into padding"
    if cls.whole and cls.radius is not None:
        yield "whole and radius contradict each other; keep one"
    names = [variant.name for variant in cls.variants]
    for name in names:
        if not VARIANT_NAME.fullmatch(name) or name == "plain" or names.count(name) > 1:
            yield f"the variant {name!r} needs another name: lower-case letters, digits, _, each once, not 'plain'"
        for key in _unknown_settings(cls, name):
            yield f"the variant {name!r} sets {key}, which the method does not have; declare it as a class attribute"


def _unknown_settings(cls: type[Method], variant: str) -> list[str]:
    """Settings of a variant that are no attributes of its method."""
    return [key for item in cls.variants if item.name == variant for key in item.settings if not hasattr(cls, key)]


def proves_what_it_claims(subject: Subject) -> Iterator[str]:
    """A proof that it claims is declared with a bar, and every bar that it declares was recorded as reached."""
    cls = subject.cls
    claim = cls.info.proof
    own = [proof for proof in declared(cls).proofs if proof.variant == cls.variant and proof.judged]
    reached = {record.against.rpartition("/")[0] for record in recorded(cls) if record.ok}
    for source in sorted({proof.source for proof in own} - reached):
        yield f"it declares a bar against {source}, which was never recorded; run bench prove {cls.name} --record"
    if claim is None or claim.level == "none":
        return
    if claim.level not in {proof.level for proof in own}:
        yield f"it claims {claim.level!r}, which no Proof in its _proofs module declares; declare one, or claim nothing"
    if not any(record.ok and record.level == claim.level for record in recorded(cls)):
        yield f"it claims {claim.level!r}, which was never recorded; run bench prove {cls.name} --record"


def can_get_weights(subject: Subject) -> Iterator[str]:
    """What it learned can be had: the authors' files convert, or it trains."""
    cls, info = subject.cls, subject.cls.info
    converts = cls.convert.__func__ is not Method.convert.__func__  # type: ignore[attr-defined]
    if info.weights and not converts:
        yield "info.weights names files but convert is not written"
    if info.kind == "learned" and not info.weights and not isinstance(cls, Trainable):
        yield "it is learned, but has neither weights nor a train; give one, or set kind='classical'"


def builds_without_weights(subject: Subject) -> Iterator[str]:
    """Without weights it builds seeded random ones, and leaves the global generator alone."""
    torch.manual_seed(1)
    before = torch.get_rng_state()
    subject.cls(None, "cpu")
    if not torch.equal(before, torch.get_rng_state()):
        yield "the constructor draws from torch's global generator; use torch.random.fork_rng or a Generator"


def refuses_bad_weights(subject: Subject) -> Iterator[str]:
    """A missing or damaged file of weights is a BenchError, never ignored."""
    if subject.cls.info.kind != "learned" and not subject.cls.info.weights:
        return
    with tempfile.TemporaryDirectory() as folder:
        damaged = Path(folder) / "damaged.safetensors"
        damaged.write_bytes(b"\x08\0\0\0\0\0\0\0no json!")
        for path in (damaged, Path(folder) / "missing.safetensors"):
            with suppress(BenchError):
                subject.cls(path, "cpu")
                yield f"a {path.stem} file of weights is accepted, wanted a BenchError"


def shows_its_modules(subject: Subject) -> Iterator[str]:
    """Its torch modules are attributes, where the harness finds them."""
    method = subject.fuser.method
    for key, value in vars(method).items():
        members = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
        if any(isinstance(member, nn.Module) for member in members):
            yield f"self.{key} hides modules in a {type(value).__name__}; use nn.ModuleList or nn.ModuleDict"
    if subject.cls.info.kind == "learned" and not method.modules():
        yield "it is learned but holds no torch module in an attribute"


OF_THE_CLASS: tuple[Check, ...] = (
    is_no_module, has_metadata, has_valid_attributes, declares_no_contradiction, proves_what_it_claims, can_get_weights,
    builds_without_weights, refuses_bad_weights,
    shows_its_modules,
)  # fmt: skip
