"""Units of work of the metric audit: the fused images of one pair, tricked, scored again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.errors import describe
from bench.files import digest, file_digest
from bench.run.units import Unit
from bench.store.journal import Journal
from bench.store.run_folder import Store
from bench.types import PairFiles

KIND = "audit"
"""Of its journals."""


@dataclass(frozen=True)
class AuditUnit(Unit):
    """All methods of one pair after every trick.

    Attributes:
        files: the pair.
        methods: labels.
        convention: of the metrics.
        metrics: names.
        code: digest of what the scores come from.
    """

    files: PairFiles
    methods: tuple[str, ...]
    convention: str
    metrics: tuple[str, ...]
    code: str

    def run(self) -> None:
        """Scores what the journal does not hold yet."""
        from bench.analysis.tricks import TRICKS
        from bench.data.pairs import read_pair
        from bench.images import read_image
        from bench.metrics import PairScorer

        known = {(line["method"], line["trick"], line["key"]) for line in self.lines()}
        scorer: PairScorer | None = None
        for method in self.methods:
            path = Store(self.out).fused_of(self.files, method)
            if not path.is_file():
                continue
            key = self.key(file_digest(path))
            left = [trick for trick in TRICKS if (method, trick, key) not in known]
            image = read_image(path) if left else None
            for trick in left:
                if scorer is None:
                    pair = read_pair(self.files)
                    scorer = PairScorer(pair.ir, pair.vis, [self.convention], self.metrics)
                assert image is not None  # noqa: S101 - there is a trick left
                values = {value.metric: value.value for value in scorer.score(TRICKS[trick](image))}
                self._journal().append({"method": method, "trick": trick, "key": key, "values": values})

    def key(self, image: str) -> str:
        """What the numbers of an image depend on; ``image`` is the digest of its file."""
        return digest(self.code, self.convention, *self.metrics, image)

    def lines(self) -> Iterator[dict[str, Any]]:
        """What is there: ``method``, ``trick``, ``key``, ``values``."""
        return self._journal().lines("method", "trick", "key", "values")

    def give_up(self, reason: str) -> list[Unit]:
        """Notes why; the pair is then missing from the audit."""
        self._journal().append({"failed": describe(RuntimeError(reason))})
        return []

    def _journal(self) -> Journal:
        return Store(self.out).journal(KIND, self.dataset, digest(self.files.split, self.files.id)[:16])
