"""What a proof finds at hand: reference files, sources, weights, inputs of formula cases."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from bench.data.catalogue import open_dataset
from bench.data.pairs import read_pair
from bench.errors import BenchError
from bench.fusion import formula_cases
from bench.fusion.formula_cases import Case
from bench.fusion.references import FORMULA, Reference
from bench.types import Image, PairFiles


@dataclass
class Places:
    """What is at hand: reference files, sources, weights.

    Attributes:
        references: of ``find_references``; empty without a reference folder.
        reference: that folder.
        data_root: of the sources.
        weights_root: of published weights.
        work: a folder for formula weights.
    """

    work: Path
    reference: Path | None = None
    references: Sequence[Reference] = ()
    data_root: Path | None = None
    weights_root: Path | None = None
    _listed: dict[str, dict[str, PairFiles]] = field(default_factory=dict)

    def source(self, dataset: str, pair: str) -> tuple[Image, Image] | None:
        """A pair of a data set as stored; None where it is not here."""
        if dataset not in self._listed:
            self._listed[dataset] = {}
            with suppress(BenchError):
                name = {"msrs": "mfnet"}.get(dataset, dataset)
                pairs = open_dataset(name, self.data_root).listing().pairs
                self._listed[dataset] = {files.id.casefold(): files for files in pairs}
        files = self._listed[dataset].get(pair.casefold())
        if files is None:
            return None
        read = read_pair(files)
        return read.ir, read.vis

    @cached_property
    def cases(self) -> dict[str, Case]:
        """The inputs of formula cases; empty without a reference folder."""
        folder = self.reference / FORMULA if self.reference else None
        return formula_cases.read_cases(folder) if folder and folder.is_dir() else {}

    def case(self, pair: str, suffix: str) -> Case | None:
        """The input of a formula case by its output's name; None where it is not here."""
        return self.cases.get(pair.removesuffix(suffix).rstrip("_"))

    def cut(self, case: Case) -> tuple[Image, Image] | None:
        """The crops of a case; None where its sources are not here."""
        pair = self.source(case.dataset, case.pair)
        return None if pair is None else (case.cut(pair[0]), case.cut(pair[1]))
