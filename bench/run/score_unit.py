"""Scoring all methods' images of some pairs, as a piece of work that any process can do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bench.errors import describe, is_fatal
from bench.files import digest
from bench.run.units import Unit
from bench.store.run_folder import Store
from bench.types import PairFiles


@dataclass(frozen=True)
class ScoreTarget:
    """One fused image to score: its method, its pair's index in the unit, and the fingerprint per convention."""

    method: str
    index: int
    keys: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ScoreUnit(Unit):
    """Scores all methods' images of some pairs; journal ``metrics``, one line per pair, method and convention.

    Attributes:
        metrics: the chosen metrics of each convention.
        afresh: score again what the journal holds already.
        engine: of the metrics, see :func:`bench.metrics.choice.choose_engine`.
    """

    files: tuple[PairFiles, ...]
    targets: tuple[ScoreTarget, ...]
    metrics: tuple[tuple[str, tuple[str, ...]], ...]
    afresh: bool = False
    engine: str = "auto"

    @property
    def weight(self) -> int:
        """Fused images."""
        return len(self.targets)

    def run(self) -> None:
        """Scores what is not scored yet; the statistics of the sources are computed once per pair.

        The images are decoded here, so their thumbnails for the report are made here too.
        """
        left = self.targets if self.afresh else self._left()
        for index, files in enumerate(self.files):
            targets = [target for target in left if target.index == index]
            if not targets:
                continue
            try:
                self._score_pair(files, targets)
            except Exception as error:
                if is_fatal(error):
                    raise
                for target in targets:
                    self._fail(target, describe(error))

    def _left(self) -> list[ScoreTarget]:
        """What an earlier try of this unit, whose process was lost, did not come to."""
        done: dict[tuple[str, ...], set[str]] = {}
        for line in self._journal().lines("split", "pair", "method", "convention", "key", "rows"):
            identity = tuple(line[key] for key in ("split", "pair", "method", "convention", "key"))
            done.setdefault(identity, set()).update(row[0] for row in line["rows"])
        wanted, left = dict(self.metrics), []
        for target in self.targets:
            place = (*self.files[target.index].key, target.method)
            keys = tuple(
                (name, key)
                for name, key in target.keys
                if not set(wanted[name]) <= done.get((*place, name, key), set())
            )
            if keys:
                left.append(replace(target, keys=keys))
        return left

    def _score_pair(self, files: PairFiles, targets: list[ScoreTarget]) -> None:
        from bench.data.pairs import read_pair
        from bench.images import read_image
        from bench.metrics import PairScorer
        from bench.store.thumbnails import keep_fused_thumbnail, keep_source_thumbnails

        store, pair = Store(self.out), read_pair(files)
        conventions = sorted({convention for target in targets for convention, _ in target.keys})
        names = {name for convention, chosen in self.metrics if convention in conventions for name in chosen}
        scorer = PairScorer(pair.ir, pair.vis, conventions, sorted(names), self.engine)
        for target in targets:
            try:
                fused = read_image(store.fused_of(files, target.method))
                values = scorer.score(fused)
            except Exception as error:
                if is_fatal(error):
                    raise
                self._fail(target, describe(error))
                continue
            for convention, key in target.keys:
                rows = [[v.metric, v.value, v.status, v.reason] for v in values if v.convention == convention]
                self._append(target, convention, {"key": key, "rows": rows})
            keep_fused_thumbnail(store, files, target.method, fused)
        keep_source_thumbnails(store, pair)

    def _fail(self, target: ScoreTarget, reason: str) -> None:
        for convention, key in target.keys:
            self._append(target, convention, {"key": key, "status": "failed", "reason": reason, "rows": []})

    def _append(self, target: ScoreTarget, convention: str, line: dict[str, Any]) -> None:
        split, pair = self.files[target.index].key
        self._journal().append(
            {"split": split, "pair": pair, "method": target.method, "convention": convention, **line}
        )

    def _journal(self) -> Any:
        name = digest(self.dataset, *(part for files in self.files for part in files.key))[:16]
        return Store(self.out).journal("metrics", self.dataset, name)

    def give_up(self, reason: str) -> list[Unit]:
        """Several pairs: the unfinished ones one by one, to find the culprit; one pair: notes the failure."""
        left = self._left()
        if len(self.files) > 1:
            return [
                replace(
                    self,
                    files=(files,),
                    targets=tuple(replace(target, index=0) for target in left if target.index == index),
                )
                for index, files in enumerate(self.files)
                if any(target.index == index for target in left)
            ]
        for target in left:
            self._fail(target, reason)
        return []
