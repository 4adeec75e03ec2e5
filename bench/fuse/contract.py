"""The contract: what the harness relies on in every method, checked on random images and with random weights.

``bench check NAME`` prints it for anyone's adapter, and the tests run it on every method that is installed.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from torch import Tensor, nn

from bench.colour import EIGHT_BIT_MERGES, FLOAT_MERGES, READERS
from bench.errors import BenchError
from bench.fuse.harness import NOMINAL_RANGE, Fuser
from bench.images import as_rgb
from bench.plugin.kinds import METHODS
from bench.plugin.method import ImageStyle, Method, MethodInfo, Rounding, Trainable, torch_dtype
from bench.plugin.proof import declared, recorded
from bench.types import Image, Way

SIZE = (48, 40)
ODD_SIZES = ((33, 47), (50, 31))
"""Height and width. Smaller images are no part of the contract: networks that mirror their borders need some pixels."""
VARIANT_NAME = re.compile("[a-z0-9_]+")
BATCH_TOLERANCE = 1e-4
"""Libraries pick other kernels for other batch sizes; a fortieth of a grey level is not that the images mixed."""


@dataclass(frozen=True)
class Subject:
    """The class under test, and what the checks share.

    Attributes:
        cls: the method's class.
        way: how images are read and written in this round.
    """

    cls: type[Method]
    way: Way = "published"

    @cached_property
    def fuser(self) -> Fuser:
        """The method with random weights in the harness."""
        return Fuser(self.cls(None, "cpu"), way=self.way)

    @cached_property
    def inputs(self) -> tuple[Tensor, Tensor]:
        """Two pairs as tensors, as the harness gives them."""
        return self.fuser.prepare([random_pair(self.size(SIZE), seed) for seed in (0, 1)])

    def size(self, wanted: tuple[int, int]) -> tuple[int, int]:
        """Height and width, but no smaller than the method allows."""
        height, width = (max(length, self.cls.smallest) for length in wanted)
        return height, width

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """One direct call, seeded where the method draws random numbers."""
        if self.cls.stochastic:
            torch.manual_seed(0)
        with torch.inference_mode():
            return self.fuser.method.fuse(ir, vis)


Check = Callable[[Subject], Iterator[str]]


def check_method(name: str) -> list[str]:
    """What one method or variant breaks of the contract, one sentence each; nothing if it keeps all of it.

    Raises:
        BenchError: no method or variant of that name.
    """
    METHODS.label(name)
    try:
        cls = METHODS.get(name)
    except BenchError as error:
        return [f"{error}."]
    silent = [] if METHODS.summary(name) else [f"{name}: the module has no docstring; `bench list methods` prints it."]
    return silent + check_class(cls)


def check_class(cls: type[Method]) -> list[str]:
    """The same for a class, wherever it comes from."""
    return [sentence for _, sentences in examine(cls) for sentence in sentences]


def examine(cls: type[Method]) -> Iterator[tuple[str, list[str]]]:
    """Each promise in words, and the sentences of what breaks it (none: it is kept).

    Where the class or its constructor is wrong, the promises on images are left out: they would say the same again.
    """
    sound = True
    for check in OF_THE_CLASS:
        sentences = _run(check, Subject(cls))
        sound = sound and not sentences
        yield _words(check), sentences
    if not sound:
        return
    subjects = [Subject(cls, way) for way in get_args(Way)]
    for check in OF_ITS_IMAGES:
        yield _words(check), _merge({subject.way: _run(check, subject) for subject in subjects})


def _merge(by_way: dict[str, list[str]]) -> list[str]:
    """Says once what is true in every way, and names the way of all else."""
    first, *others = by_way.values()
    if all(other == first for other in others):
        return first
    return [f"{text.removesuffix('.')} ({way} way)." for way, sentences in by_way.items() for text in sentences]


def _words(check: Check) -> str:
    return (check.__doc__ or "").partition("\n")[0].rstrip(".")


def _run(check: Check, subject: Subject) -> list[str]:
    name = getattr(subject.cls, "name", subject.cls.__name__)
    try:
        return [f"{name}: {sentence}." for sentence in check(subject)]
    except Exception as error:  # whatever an adapter raises is what its author needs to read
        text = " ".join(str(error).split())
        return [f"{name}: {_words(check)}: it raised {type(error).__name__}: {text}."]


def random_pair(size: tuple[int, int], seed: int) -> tuple[Image, Image]:
    """Smooth blobs plus noise, full range: infrared (H, W) and visible (H, W, 3), uint8."""
    generator = np.random.default_rng(seed)
    rows, columns = (np.arange(length)[:, None] for length in size)

    def plane() -> np.ndarray:
        waves = sum(
            np.sin(rows / generator.uniform(2, 20) + generator.uniform(0, 6))
            * np.sin(columns.T / generator.uniform(2, 20) + generator.uniform(0, 6))
            for _ in range(4)
        ) + generator.normal(0, 0.1, size)
        return (255 * (waves - waves.min()) / np.ptp(waves)).astype(np.uint8)

    return plane(), np.stack([plane() for _ in range(3)], axis=-1)


# ------------------------------------------------------------------ promises of the class


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
    """A proof that it claims is declared with a bar, and was recorded when that was reached."""
    cls = subject.cls
    claim = cls.info.proof
    if claim is None or claim.level == "none":
        return
    own = [proof for proof in declared(cls).proofs if proof.variant == cls.variant and proof.judged]
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


# ------------------------------------------------------------------ promises of its images


def gives_an_image(subject: Subject) -> Iterator[str]:
    """The output has the inputs' shape and type, is finite, and 0 to 1 is black to white."""
    ir, vis = subject.inputs
    if not subject.fuser.batchable:
        ir, vis = ir[:1], vis[:1]
    output = subject.fuse(ir, vis)
    if not isinstance(output, Tensor):
        yield f"fuse gives a {type(output).__name__}, wanted a tensor"
        return
    if output.shape != ir.shape:
        yield f"the output has shape {tuple(output.shape)}, wanted {tuple(ir.shape)}"
    if output.dtype != torch_dtype(subject.cls):
        yield f"the output is {output.dtype}, wanted {torch_dtype(subject.cls)}"
    if not bool(torch.isfinite(output).all()):
        yield "the output has NaN or infinity"
    elif subject.fuser.style.stretch == "none" and not subject.cls.clips and not in_range(output):
        yield f"the output spans {float(output.min()):.3g} to {float(output.max()):.3g}, wanted 0 to 1, not 0 to 255"
    elif not _leaves_by_design(subject) and (share := subject.fuser.clipped(output)) > MOST_CLIPPED:
        yield (
            f"{share:.0%} of the output lie outside 0 to 1 and would be clipped (it spans {float(output.min()):.3g} "
            f"to {float(output.max()):.3g}); map it to 0 to 1, or declare clips = True if the method means it so"
        )


MOST_CLIPPED = 0.05
"""The share of an output that may leave 0 to 1 undeclared: overshoot at edges, not a range that was mistaken."""


def _leaves_by_design(subject: Subject) -> bool:
    """True if the method says that its output is clipped, wrapped or stretched."""
    style = subject.cls.published
    return subject.cls.clips or style.rounding == "wrap" or style.stretch == "min_max"


def in_range(output: Tensor) -> bool:
    """True if all values are such as the harness accepts."""
    return NOMINAL_RANGE[0] <= float(output.min()) and float(output.max()) <= NOMINAL_RANGE[1]


def leaves_its_inputs(subject: Subject) -> Iterator[str]:
    """The inputs are not changed."""
    for index in range(2):
        given = [tensor[index : index + 1].clone() for tensor in subject.inputs]
        subject.fuse(*given)
        for kind, now, before in zip(("ir", "vis"), given, subject.inputs, strict=True):
            if not torch.equal(now, before[index : index + 1]):
                yield f"fuse changes its input {kind}; work on a copy"


def repeats_itself(subject: Subject) -> Iterator[str]:
    """The same pair gives the same output, whatever came between."""
    first, second = ([tensor[index : index + 1] for tensor in subject.inputs] for index in range(2))
    before = subject.fuse(*first).clone()
    subject.fuse(*second)
    if not torch.equal(before, subject.fuse(*first)):
        yield "two calls with one pair differ; if it draws random numbers, set stochastic = True, else keep no state"


def keeps_pairs_apart(subject: Subject) -> Iterator[str]:
    """A pair's output does not depend on the others of its batch."""
    if not subject.fuser.batchable:
        return
    together = subject.fuse(*subject.inputs)
    alone = torch.cat([subject.fuse(*(tensor[index : index + 1] for tensor in subject.inputs)) for index in range(2)])
    apart = float((together - alone).abs().max())
    if apart > BATCH_TOLERANCE * max(1.0, float(alone.abs().max())):
        yield (
            f"a pair's output changes by {apart:.2g} with its neighbours in the batch; normalise each image by "
            "itself, or set batched = False"
        )


def survives_odd_sizes(subject: Subject) -> Iterator[str]:
    """Odd sizes come back whole from the harness."""
    for size in map(subject.size, ODD_SIZES):
        yield from _wrong_image(subject, f"a pair of {size[1]}x{size[0]} pixels", *random_pair(size, 2))


def survives_plain_images(subject: Subject) -> Iterator[str]:
    """Grey, black, white and equal sources are fused like others."""
    size = subject.size(SIZE)
    ir, vis = random_pair(size, 3)
    black, white = np.zeros(size, np.uint8), np.full(size, 255, np.uint8)
    cases = {
        "a grey visible image": (ir, vis[..., 0]),
        "grey images stored as RGB": (as_rgb(ir), as_rgb(vis[..., 0])),
        "a black infrared image": (black, vis),
        "a black visible image": (ir, as_rgb(black)),
        "black images": (black, black),
        "white images": (white, as_rgb(white)),
        "a white and a black image": (white, black),
        "equal images": (ir, as_rgb(ir)),
    }
    with suppress(Exception):  # one batch is quicker; what breaks it is found pair by pair
        if all(_is_image(fused, size) for fused in subject.fuser.fuse_batch(list(cases.values()))):
            return
    for what, pair in cases.items():
        yield from _wrong_image(subject, what, *pair)


def _wrong_image(subject: Subject, what: str, ir: Image, vis: Image) -> Iterator[str]:
    try:
        fused = subject.fuser.fuse_pair(ir, vis)
    except Exception as error:
        yield f"{what}: it raised {type(error).__name__}: {' '.join(str(error).split())}"
        return
    if not _is_image(fused, vis.shape[:2]):
        yield f"{what} came back as {fused.dtype} {fused.shape}, wanted uint8 {(*vis.shape[:2], 3)}"


def _is_image(fused: Image, size: tuple[int, ...]) -> bool:
    return fused.shape == (*size, 3) and fused.dtype == np.uint8


def passes_through(subject: Subject) -> Iterator[str]:
    """A reference gives one of its sources, exactly."""
    if subject.cls.info.kind != "reference":
        return
    ir, vis = random_pair(SIZE, 4)
    fused = subject.fuser.fuse_pair(ir, vis)
    if not any(np.array_equal(fused, as_rgb(source)) for source in (ir, vis)):
        yield "it is a reference, but gives neither source exactly"


OF_ITS_IMAGES: tuple[Check, ...] = (
    gives_an_image, leaves_its_inputs, repeats_itself, keeps_pairs_apart, survives_odd_sizes, survives_plain_images,
    passes_through,
)  # fmt: skip
