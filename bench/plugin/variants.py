"""Methods and their variants by name: ``NAME`` or ``NAME:VARIANT``, in tables and folders ``NAME-VARIANT``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.errors import BenchError, suggest
from bench.plugin.method import MethodInfo
from bench.plugin.proof import strongest
from bench.plugin.registry import Entry, Registry

if TYPE_CHECKING:
    from bench.plugin.method import Method, Variant


ALIASES = {"guided_filter": "gff"}
"""Names that methods had here before -> their names now. They can be asked for, and are listed nowhere."""


class MethodRegistry(Registry["Method"]):
    """The methods; each of their variants is a class of its own, a subclass made when it is first asked for."""

    def __init__(self) -> None:
        super().__init__("method", "methods", "bench.plugin.method:Method", "ivfbench.methods")
        self._bound: dict[tuple[type[Method], str], type[Method]] = {}

    def split(self, name: str) -> tuple[str, str]:
        """``tardal:tt`` or ``tardal-tt`` -> (``tardal``, ``tt``); a method's own name has no variant.

        A method's former name is taken for its name.
        """
        if name in self.entries:
            return name, ""
        base, _, variant = name.partition(":" if ":" in name else "-")
        base = base if base in self.entries else ALIASES.get(base, base)
        return (base, variant) if ":" in name or base in self.entries else (name, "")

    def entry(self, name: str) -> Entry:
        """The entry of a method, or of the method that has a variant; see ``Registry.entry``."""
        return super().entry(self.split(name)[0])

    def get(self, name: str) -> type[Method]:
        """The class of a method or variant.

        Raises:
            BenchError: as ``Registry.get``, or no such variant; near names are suggested.
        """
        base, variant = self.split(name)
        cls = _proven(super().get(base))
        return self.bound(cls, variant) if variant or ":" in name else cls

    def bound(self, cls: type[Method], variant: str) -> type[Method]:
        """One variant of a method's class; the same class for each call.

        Raises:
            BenchError: it has no such variant.
        """
        key = (cls, variant)
        if key not in self._bound:
            found = next((item for item in cls.variants if item.name == variant), None)
            if found is None:
                raise BenchError(_unknown(cls, variant))
            self._bound[key] = _proven(bind(cls, found))
        return self._bound[key]

    def label(self, name: str) -> str:
        """What tables and folders call a method or variant.

        Raises:
            BenchError: no such method, or no such variant of it.
        """
        base, variant = self.split(name)
        self.entry(base)
        return self.get(name).name if variant or ":" in name else base

    def known(self, name: str) -> bool:
        """Whether a method or variant goes by this name."""
        try:
            return bool(self.label(name))
        except BenchError:
            return False

    def variants(self, name: str) -> list[str]:
        """``NAME:VARIANT`` of each variant of a method."""
        return [f"{name}:{variant.name}" for variant in self.get(name).variants]

    def everything(self) -> list[str]:
        """All names, each followed by its variants; imports every method, and passes over those that cannot be."""
        names = []
        for name in self.names():
            names.append(name)
            try:
                names += self.variants(name)
            except BenchError:
                continue
        return names


def _proven(cls: type[Method]) -> type[Method]:
    """The class, its facts completed by what its port was proven with; a claim of its own stays for the contract."""
    if isinstance(getattr(cls, "info", None), MethodInfo) and cls.info.proof is None:
        cls.info = replace(cls.info, proof=strongest(cls))
    return cls


def bind(cls: type[Method], variant: Variant) -> type[Method]:
    """The class of a variant: its base with other facts, weights and class attributes."""
    info = replace(
        cls.info,
        proof=None,
        title=variant.title,
        weights=cls.info.weights if variant.weights is None else variant.weights,
        trained_on=cls.info.trained_on if variant.trained_on is None else variant.trained_on,
        notes=cls.info.notes if variant.notes is None else variant.notes,
    )
    attributes = {
        **variant.settings, "name": f"{cls.name}-{variant.name}", "info": info, "variant": variant.name, "variants": (),
        "__doc__": cls.__doc__, "__module__": cls.__module__,
    }  # fmt: skip
    return type(f"{cls.__name__}_{variant.name}", (cls,), attributes)


def _unknown(cls: type[Method], variant: str) -> str:
    known = [f"{cls.name}:{item.name}" for item in cls.variants]
    if not known:
        return f"unknown variant {cls.name}:{variant}; {cls.name} has none, ask for it by its name"
    return f"unknown variant {cls.name}:{variant}{suggest(f'{cls.name}:{variant}', known)}"
