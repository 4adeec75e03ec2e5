"""From journals to the score table: what of all that was ever computed here answers the present plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from bench.run.keys import fused_key
from bench.run.plan import DatasetPlan, MethodPlan, Plan
from bench.store.run_folder import Store
from bench.store.scores import scores_frame, tidy
from bench.types import Score

if TYPE_CHECKING:
    import pandas as pd


class FusedIndex:
    """Which fused images of one data set are finished, by method and pair."""

    def __init__(self, store: Store, dataset: str) -> None:
        """Reads the journals; later lines replace earlier ones, but a failure never replaces a finished image."""
        self._store, self._dataset = store, dataset
        self._lines: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._whole: dict[tuple[str, str, str], bool] = {}
        for journal in store.journals("fused", dataset):
            for line in journal.lines("method", "pair", "key", "status"):
                identity = (line["method"], line["pair"], line["key"])
                if line["status"] == "ok" or self._lines.get(identity, {}).get("status") != "ok":
                    self._lines[identity] = line

    def line(self, method: str, pair: str, key: str) -> dict[str, Any] | None:
        """The latest line on this result: ok or failed."""
        return self._lines.get((method, pair, key))

    def finished(self, method: str, pair: str, key: str) -> dict[str, Any] | None:
        """The line of a finished image that is still whole on disk."""
        line = self._lines.get((method, pair, key))
        if line is None or line.get("status") != "ok":
            return None
        identity = (method, pair, key)
        if identity not in self._whole:
            self._whole[identity] = self._store.fused_is_whole(self._dataset, method, line)
        return line if self._whole[identity] else None

    def parameters(self, method: str) -> int | None:
        """How many parameters the method's networks have, if any image of it was fused."""
        return next(
            (line["parameters"] for key, line in self._lines.items() if key[0] == method and "parameters" in line), None
        )


def latest(store: Store, kind: str, dataset: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The last line of each (method, key) of a whole-unit journal."""
    return {
        (line["method"], line["key"]): line
        for journal in store.journals(kind, dataset)
        for line in journal.lines("method", "key", "status")
    }


def metric_lines(store: Store, dataset: str) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    """The last line of each (pair, method, convention, key) of the metrics journals; failures only where none is whole.

    Which of two journals is the younger one says nothing about which of their lines is, hence the preference.
    """
    lines: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for journal in store.journals("metrics", dataset):
        for line in journal.lines("pair", "method", "convention", "key", "rows"):
            identity = (line["pair"], line["method"], line["convention"], line["key"])
            if line["rows"] or not lines.get(identity, {}).get("rows"):
                lines[identity] = line
    return lines


def metric_scores(
    plan: Plan,
    dataset: DatasetPlan,
    method: MethodPlan,
    index: FusedIndex,
    lines: dict[Any, dict[str, Any]],
    score_key: Any,
) -> Iterator[Score]:
    """The per-pair metric rows of one method: a value, or why there is none."""
    assert method.source is not None  # noqa: S101 - callers pass runnable methods only
    for files in dataset.parts[dataset.main]:
        key = fused_key(method.source, files.id, dataset.digests)
        finished = index.finished(method.label, files.id, key)
        noted = index.line(method.label, files.id, key) or {}
        for convention in plan.config.conventions:
            line = (
                lines.get((files.id, method.label, convention, score_key(finished, files, convention)))
                if finished
                else None
            )
            common = {"task": "metrics", "dataset": dataset.name, "split": files.split, "method": method.label,
                      "pair": files.id, "convention": convention}  # fmt: skip
            if line and line["rows"]:
                for metric, value, status, reason in line["rows"]:
                    yield Score(metric=metric, value=value, status=status, reason=reason, **common)
                continue
            reason = (line or noted).get("reason") or "not computed; run the same command again"
            for metric in plan.metrics[convention]:
                yield Score(metric=metric, value=None, status="failed", reason=reason, **common)


def whole_scores(
    line: dict[str, Any] | None, task: str, dataset: str, split: str, method: str, why: str = ""
) -> Iterable[Score]:
    """The rows of a task on one method: its scores, or one row that says why there are none."""
    if line is None or line.get("status") != "ok":
        reason = (line or {}).get("reason") or why or "not computed; run the same command again"
        return [Score(task, dataset, split, method, "", None, status="failed", reason=reason)]
    return [Score(**row) for row in line["scores"]]


def skipped_score(task: str, dataset: DatasetPlan, label: str, reason: str) -> Score:
    """The one row of a method that was left out."""
    return Score(task, dataset.name, dataset.main, label, "", None, status="skipped", reason=reason)


def merge(previous: pd.DataFrame | None, scores: Iterable[Score], plan: Plan) -> pd.DataFrame:
    """The new table, with rows of earlier runs in this folder that the present plan says nothing about."""
    import pandas as pd

    frame = scores_frame(scores)
    if previous is None or previous.empty:
        return frame
    covered = {(task, dataset.name, method.label)
               for task in plan.tasks for dataset in plan.datasets for method in plan.methods}  # fmt: skip
    identity = list(zip(previous["task"], previous["dataset"], previous["method"], strict=True))
    kept = previous[[item not in covered for item in identity]]
    return tidy(pd.concat([kept, frame])) if len(kept) else frame
