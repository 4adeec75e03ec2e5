"""Fusing some pairs with one method, as a piece of work that any process can do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bench.errors import BenchError, describe, is_fatal
from bench.files import digest
from bench.run.sources import MethodSource, load_fuser, runtime_in_words
from bench.run.units import Unit
from bench.store.fused import fused_is_whole, write_fused
from bench.store.run_folder import Store
from bench.types import PairFiles

if TYPE_CHECKING:
    from bench.fusion.harness import Fuser


@dataclass(frozen=True)
class FuseUnit(Unit):
    """Fuses some pairs of one data set with one method; journal ``fused``, one line per pair.

    Attributes:
        files: the pairs.
        keys: the fingerprint of each pair's result.
        expected: about how many pairs each worker will fuse with this method, this unit's among them.
        ready: for a folder of ready images, the image of each (part, pair) that has one.
    """

    source: MethodSource
    files: tuple[PairFiles, ...]
    keys: tuple[str, ...]
    expected: int = 0
    ready: tuple[tuple[tuple[str, str], Path], ...] = ()

    @property
    def weight(self) -> int:
        """Pairs."""
        return len(self.files)

    def run(self) -> None:
        """Fuses the pairs that are not finished yet; a pair that fails is noted and the rest goes on."""
        done = self._finished()
        files = [files for files, key in zip(self.files, self.keys, strict=True) if (*files.key, key) not in done]
        if self.source.folder is not None:
            self._copy(files)
            return
        from bench.fusion.stream import fuse_stream

        fuser = load_fuser(self.source)
        parameters = sum(p.numel() for module in fuser.method.modules().values() for p in module.parameters())
        fuse_stream(
            fuser, files, lambda item, result, _: self._keep(item, result, parameters, fuser),
            compile=self.source.compile, expected=self.expected,
        )  # fmt: skip

    def _copy(self, files: list[PairFiles]) -> None:
        from bench.data.pairs import read_pair
        from bench.fusion.ready import missing_image, read_ready

        ready, folder = dict(self.ready), cast(Path, self.source.folder)
        for item in files:
            try:
                if item.key not in ready:
                    raise BenchError(missing_image(folder, item.id))
                result: Any = read_ready(ready[item.key], read_pair(item).vis.shape[:2])
            except Exception as error:
                result = error
            self._keep(item, result, 0)

    def _keep(self, item: PairFiles, result: Any, parameters: int, fuser: Fuser | None = None) -> None:
        store = Store(self.out)
        key = dict(zip((files.key for files in self.files), self.keys, strict=True))[item.key]
        if isinstance(result, Exception):
            if is_fatal(result):
                raise result
            self._journal().append(self._failure(item, key, describe(result)))
            return
        line = write_fused(store, item, self.method, result)
        facts: dict[str, Any] = {"method": self.method, "key": key, "status": "ok", "parameters": parameters}
        if fuser is not None:
            facts["runtime"] = runtime_in_words(fuser)
            if any(fuser.last_clipped):
                facts["clipped"] = round(max(fuser.last_clipped), 6)
        self._journal().append({**line, **facts})

    def _failure(self, item: PairFiles, key: str, reason: str) -> dict[str, Any]:
        return {
            "split": item.split,
            "pair": item.id,
            "method": self.method,
            "key": key,
            "status": "failed",
            "reason": reason,
        }

    def _journal(self) -> Any:
        return Store(self.out).journal("fused", self.dataset, f"{digest(self.method, *self.keys)[:16]}")

    def _finished(self) -> set[tuple[str, str, str]]:
        store, lines = Store(self.out), self._journal().lines("split", "pair", "key", "status")
        return {
            (line["split"], line["pair"], line["key"])
            for line in lines
            if line["status"] == "ok" and fused_is_whole(store, self.dataset, self.method, line)
        }

    def give_up(self, reason: str) -> list[Unit]:
        """Several pairs: tries the unfinished ones one by one, to find the culprit; one pair: notes its failure."""
        done = self._finished()
        left = [(files, key) for files, key in zip(self.files, self.keys, strict=True) if (*files.key, key) not in done]
        if len(self.files) > 1:
            return [replace(self, files=(files,), keys=(key,)) for files, key in left]
        for files, key in left:
            self._journal().append(self._failure(files, key, reason))
        return []
