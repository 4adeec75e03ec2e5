"""What the harness relies on in a method's images: shape, range, repetition, no mixing of pairs, odd sizes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import torch
from torch import Tensor

from bench.fusion.harness import NOMINAL_RANGE
from bench.fusion.subject import SIZE, Check, Subject, random_pair
from bench.images import as_rgb
from bench.plugin.method import torch_dtype
from bench.types import Image

ODD_SIZES = ((33, 47), (50, 31))
"""Height and width. Smaller images are no part of the contract: networks that mirror their borders need some pixels."""
BATCH_TOLERANCE = 1e-4
"""Libraries pick other kernels for other batch sizes; a fortieth of a grey level is not that the images mixed."""


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
