"""From journals to the score table: what of all that was ever computed here answers the present plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from bench.run.keys import fused_key, score_key
from bench.run.plan import METRICS, DatasetPlan, MethodPlan, Plan
from bench.store.fused import fused_is_whole
from bench.store.run_folder import Store
from bench.store.scores import scores_frame, tidy
from bench.types import PairFiles, Score

if TYPE_CHECKING:
    import pandas as pd


class FusedIndex:
    """Which fused images of one data set are finished, by method, part and pair."""

    def __init__(self, store: Store, dataset: str) -> None:
        """Reads the journals; later lines replace earlier ones, but a failure never replaces a finished image."""
        self._store, self._dataset = store, dataset
        self._lines: dict[tuple[str, str, str, str], dict[str, Any]] = {}
        self._whole: dict[tuple[str, str, str, str], bool] = {}
        for journal in store.journals("fused", dataset):
            for line in journal.lines("method", "split", "pair", "key", "status"):
                identity = (line["method"], line["split"], line["pair"], line["key"])
                if line["status"] == "ok" or self._lines.get(identity, {}).get("status") != "ok":
                    self._lines[identity] = line

    def line(self, method: str, files: PairFiles, key: str) -> dict[str, Any] | None:
        """The latest line on this result: ok or failed."""
        return self._lines.get((method, *files.key, key))

    def finished(self, method: str, files: PairFiles, key: str) -> dict[str, Any] | None:
        """The line of a finished image that is still whole on disk."""
        identity = (method, *files.key, key)
        line = self._lines.get(identity)
        if line is None or line.get("status") != "ok":
            return None
        if identity not in self._whole:
            self._whole[identity] = fused_is_whole(self._store, self._dataset, method, line)
        return line if self._whole[identity] else None

    def fact(self, method: str, name: str) -> Any:
        """What the journal says of a method beside its latest image, e.g. ``parameters``; None if it has none."""
        lines = (line for key, line in self._lines.items() if key[0] == method and name in line)
        return next((line[name] for line in reversed(list(lines))), None)


def latest(store: Store, kind: str, dataset: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The last line of each (method, key) of a whole-unit journal."""
    return {
        (line["method"], line["key"]): line
        for journal in store.journals(kind, dataset)
        for line in journal.lines("method", "key", "status")
    }


def metric_lines(store: Store, dataset: str) -> dict[tuple[str, str, str, str, str], dict[str, Any]]:
    """What the metrics journals say of each (part, pair, method, convention, key), the rows of all lines together.

    Equal keys mean equal images and code, so lines of several commands add up; a failure counts only where none is
    whole, since which of two journals is the younger one says nothing about which of their lines is.
    """
    lines: dict[tuple[str, str, str, str, str], dict[str, Any]] = {}
    for journal in store.journals("metrics", dataset):
        for line in journal.lines("split", "pair", "method", "convention", "key", "rows"):
            identity = (line["split"], line["pair"], line["method"], line["convention"], line["key"])
            known = lines.get(identity)
            if known and known["rows"]:
                new = {row[0] for row in line["rows"]}
                lines[identity] = {**known, "rows": [row for row in known["rows"] if row[0] not in new] + line["rows"]}
            else:
                lines[identity] = line
    return lines


def metric_scores(
    plan: Plan, dataset: DatasetPlan, method: MethodPlan, index: FusedIndex, lines: dict[Any, dict[str, Any]],
    others: Collection[str] = (),
) -> Iterator[Score]:  # fmt: skip
    """The per-pair metric rows of one method: a value, or why there is none.

    Args:
        plan: with the conventions and metrics asked for.
        dataset: one of its.
        method: one that can run.
        index: of the data set's fused images.
        lines: of its metrics.
        others: conventions of earlier commands; their rows are given as far as they are there.
    """
    for files in dataset.parts[dataset.main]:
        key = fused_key(method.ready, files, dataset.digests)
        finished = index.finished(method.label, files, key)
        noted = index.line(method.label, files, key) or {}
        for convention in dict.fromkeys([*plan.metrics, *others]):
            line = None
            if finished:
                found = score_key(convention, finished, dataset.digests[files.key])
                line = lines.get((*files.key, method.label, convention, found))
            common = {"task": METRICS, "dataset": dataset.name, "split": files.split, "method": method.label,
                      "pair": files.id, "convention": convention}  # fmt: skip
            rows = line["rows"] if line else []
            for metric, value, status, reason in rows:
                yield Score(metric=metric, value=value, status=status, reason=reason, **common)
            reason = (line or noted).get("reason") or "not computed; run the same command again"
            for metric in set(plan.metrics.get(convention, ())) - {row[0] for row in rows}:
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


def merge(previous: pd.DataFrame | None, scores: Iterable[Score], plan: Plan, tasks: Collection[str]) -> pd.DataFrame:
    """The new table, with rows of earlier commands in this folder that the present plan says nothing about.

    Args:
        previous: the table that is there.
        scores: all that is known now of the plan's methods and data sets.
        plan: the present one.
        tasks: whose rows ``scores`` holds.
    """
    import pandas as pd

    rows = list(scores)
    frame = scores_frame(rows)
    if previous is None or previous.empty:
        return frame
    covered = {(task, dataset.name, method.label)
               for task in tasks for dataset in plan.datasets for method in plan.methods}  # fmt: skip
    covered |= {(row.task, row.dataset, row.method) for row in rows}  # controls are no methods of the plan
    identity = list(zip(previous["task"], previous["dataset"], previous["method"], strict=True))
    kept = previous[[item not in covered for item in identity]]
    return tidy(pd.concat([kept, frame])) if len(kept) else frame
