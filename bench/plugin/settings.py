"""Settings as a user types them, ``NAME=VALUE``: read, and those that nobody knows refused in one way."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bench.errors import BenchError, suggest


def parse_settings(texts: Iterable[str], wanted: str) -> dict[str, str]:
    """``NAME=VALUE`` settings as a dict.

    Args:
        texts: as typed.
        wanted: the form, for the message; with a dot in it, names must have one.

    Raises:
        BenchError: of another form, without a value, or given twice with two values.
    """
    parsed: dict[str, str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name or not value or ("." in wanted.partition("=")[0] and "." not in name):
            raise BenchError(f"--option is {text!r}, wanted {wanted}")
        if parsed.setdefault(name, value) != value:
            raise BenchError(f"--option {name} is given twice, as {parsed[name]!r} and {value!r}; keep one")
    return parsed


def refuse_unknown(owner: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuses a setting that its owner does not have.

    Args:
        owner: the task or method that is set.
        given: names as typed.
        known: names that it has.

    Raises:
        BenchError: naming the first unknown one, and what is near it.
    """
    names = sorted(known)
    for name in given:
        if name not in names:
            raise BenchError(f"{owner}: option {name!r} is unknown{suggest(name, names)}")


@dataclass(frozen=True, slots=True)
class Limits:
    """Between which numbers a setting means something.

    Attributes:
        least: the smallest; ``above`` says that it must be more than that.
        most: the largest.
        above: see ``least``.
    """

    least: float = 0.0
    most: float = math.inf
    above: bool = False

    def hold(self, value: float) -> bool:
        """True for a finite number between them."""
        return math.isfinite(value) and self.least <= value <= self.most and not (self.above and value == self.least)

    def in_words(self, kind: type[int | float]) -> str:
        """What is wanted, for a message."""
        start = "a whole number" if kind is int else "a number"
        least = f"{'above' if self.above else 'from'} {self.least:g}"
        most = f" {'and up ' if self.above else ''}to {self.most:g}" if math.isfinite(self.most) else ""
        return f"{start} {least}{most}"


POSITIVE = Limits(above=True)
COUNT = Limits(1)
SHARE = Limits(0, 1, above=True)


def read_number(option: str, text: str, kind: type[int | float], limits: Limits) -> int | float:
    """The value of a setting that is a number.

    Args:
        option: owner and name, for the message.
        text: as typed.
        kind: ``int`` or ``float``.
        limits: between which it means something; NaN and infinity never do.

    Raises:
        BenchError: another kind of text, or a number beyond the limits.
    """
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not limits.hold(value):
        raise BenchError(f"{option} is {text!r}, wanted {limits.in_words(kind)}")
    return value
