"""What counts as a plug-in's class, and what it may lack."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from bench.plugin.method import Method
from bench.plugin.proof import Proofs, declared, recorded
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


def test_a_method_whose_module_lies_in_no_package_claims_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a test runner gives modules names of its own."""
    made = type("Made", (Method,), {"name": "made", "__module__": "no_package.inner"})
    monkeypatch.setitem(sys.modules, "no_package", ModuleType("no_package"))
    assert declared(made) == Proofs()
    assert recorded(made) == ()
