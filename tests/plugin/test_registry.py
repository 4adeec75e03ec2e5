"""What counts as a plug-in's class."""

from __future__ import annotations

import pytest

from bench.plugin.registry import is_subclass


class Base:
    """Of plug-ins."""


class Plugin(Base):
    """One of them."""


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(Plugin, True), (Base, True), (int, False), (Plugin(), False), (list[int], False), (list[Plugin], False),
     ("Plugin", False), (None, False)],
)  # fmt: skip
def test_aliases_of_types_are_no_classes(value: object, wanted: bool) -> None:
    """Python 3.10 takes ``list[int]`` for a class, and asking whether it is a subclass then fails."""
    assert is_subclass(value, Base) is wanted


def test_an_alias_is_not_even_of_its_own_origin() -> None:
    assert not is_subclass(list[int], list)
