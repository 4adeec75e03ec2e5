"""The contract: what the harness relies on in every method, checked on random images and with random weights.

``bench check NAME`` prints it for anyone's adapter, and the tests run it on every method that is installed. The
promises themselves stand in ``class_promises`` and ``image_promises``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from bench.errors import BenchError
from bench.fusion.class_promises import OF_THE_CLASS
from bench.fusion.image_promises import OF_ITS_IMAGES
from bench.fusion.subject import Check, Subject
from bench.plugin.kinds import METHODS
from bench.plugin.method import Method
from bench.types import Way


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
