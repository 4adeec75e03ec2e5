"""Settings as a user types them, ``NAME=VALUE``: read, and those that nobody knows refused in one way."""

from __future__ import annotations

from collections.abc import Iterable

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
