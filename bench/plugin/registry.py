"""Plug-in look-up: a package's modules plus entry points, by name, importing nothing until one is asked for."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import pkgutil
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar, get_origin

from bench.errors import BenchError, suggest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """One plug-in that has been found, not imported."""

    name: str
    module: str
    origin: str


def is_subclass(value: Any, base: type) -> bool:
    """True for a class that is one; ``list[int]``, which Python 3.10 takes for a class, is none."""
    return inspect.isclass(value) and get_origin(value) is None and issubclass(value, base)


class Registry(Generic[T]):
    """All plug-ins of one kind.

    A plug-in is a module ``<package>/<name>.py`` (or a sub-package) whose name does not start with an underscore, or
    an entry point ``<name> = module`` in ``group``; it defines exactly one subclass of the base class with that name.
    """

    def __init__(self, kind: str, package: str, base: str, group: str) -> None:
        """Describes where to look.

        Args:
            kind: for messages, e.g. ``method``.
            package: dotted name of the package that is scanned.
            base: ``module:Class`` of the base class, imported on the first ``get``.
            group: entry-point group.
        """
        self.kind, self.package, self.group = kind, package, group
        self._base = base

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """Name -> entry, sorted by name.

        Raises:
            BenchError: two plug-ins claim one name.
        """
        found: dict[str, Entry] = {}
        package = importlib.import_module(self.package)
        candidates = [
            Entry(module.name, f"{self.package}.{module.name}", "built in")
            for module in pkgutil.iter_modules(package.__path__)
            if not module.name.startswith("_")
        ]
        candidates += [
            Entry(point.name, point.module, point.dist.name if point.dist else "entry point")
            for point in entry_points(group=self.group)
        ]
        for entry in candidates:
            if entry.name in found:
                raise BenchError(
                    f"{self.kind} {entry.name!r} is defined twice, by {found[entry.name].module} and {entry.module}; "
                    "rename or uninstall one"
                )
            found[entry.name] = entry
        return dict(sorted(found.items()))

    def names(self) -> list[str]:
        """All names, sorted; imports no plug-in."""
        return list(self.entries)

    def summary(self, name: str) -> str:
        """The first line of the plug-in's module docstring, read without importing it; empty if there is none."""
        spec = importlib.util.find_spec(self.entry(name).module)
        if spec is None or spec.origin is None:
            return ""
        try:
            tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):
            return "(its file cannot be read)"
        return (ast.get_docstring(tree) or "").partition("\n")[0]

    def entry(self, name: str) -> Entry:
        """The entry of one name.

        Raises:
            BenchError: unknown name; near names are suggested.
        """
        if name not in self.entries:
            raise BenchError(f"unknown {self.kind} {name!r}{suggest(name, self.entries)}")
        return self.entries[name]

    def get(self, name: str) -> type[T]:
        """Imports one plug-in and returns its class.

        Raises:
            BenchError: unknown name, a module that cannot be imported, not exactly one class with that name, or one
                that lacks a method.
        """
        entry = self.entry(name)
        try:
            module = importlib.import_module(entry.module)
        except (Exception, SystemExit) as error:  # a stranger's module may do anything; the others stay usable
            raise BenchError(f"{self.kind} {name!r} cannot be imported: {type(error).__name__}: {error}") from error
        base = self.base()
        classes = [
            value
            for value in vars(module).values()
            if is_subclass(value, base) and value is not base
            and value.__module__.startswith(module.__name__) and getattr(value, "name", None) == name
        ]  # fmt: skip
        if len(classes) != 1:
            raise BenchError(
                f"{self.kind} {name!r}: {entry.module} defines {len(classes)} {base.__name__} classes with "
                f'name = "{name}", wanted exactly one'
            )
        if lacking := sorted(getattr(classes[0], "__abstractmethods__", ())):
            missing = ", ".join(lacking)
            raise BenchError(f"{self.kind} {name!r}: {classes[0].__name__} does not define {missing}; add it")
        return classes[0]

    def base(self) -> type[T]:
        """The base class of this kind."""
        module, _, attribute = self._base.partition(":")
        return getattr(importlib.import_module(module), attribute)
