"""What changed between two runs: where, by how much, and which pairs to look at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.analysis.numbers import Numbers
from bench.analysis.ranked import unranked
from bench.errors import BenchError
from bench.metrics.facts import CAPPED
from bench.store.manifest import Manifest, MethodFacts
from bench.store.run_folder import Store
from bench.types import SCORE_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

KEYS = [column for column in SCORE_COLUMNS if column not in ("value", "status", "reason")]
WHERE = [column for column in KEYS if column != "pair"]


@dataclass(frozen=True, slots=True)
class PairChange:
    """One pair whose value changed."""

    pair: str
    before: float
    after: float

    @property
    def delta(self) -> float:
        """After minus before."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Change:
    """One number of one method that is not the same in both runs.

    Attributes:
        task, dataset, split, method, metric, convention, label: which number.
        before: mean over the pairs that have a value in both runs (or the set-level value) in the first run.
        after: the same in the second.
        pairs: how many pairs have a value in both; 0 for a set-level number.
        changed: how many of them differ.
        size: the change of the mean in units of the spread over pairs in the first run; for a set-level number
            relative to its value. Infinite where that is zero.
        better: True if it went the metric's better way, False if the other, None where it has none.
        measured: True for times and memory, which differ between any two runs and so make no difference.
        look_at: the pairs that changed most, most first.
    """

    task: str
    dataset: str
    split: str
    method: str
    metric: str
    convention: str
    label: str
    before: float
    after: float
    pairs: int
    changed: int
    size: float
    better: bool | None
    measured: bool = False
    look_at: tuple[PairChange, ...] = ()

    @property
    def delta(self) -> float:
        """After minus before."""
        return self.after - self.before

    @property
    def name(self) -> str:
        """The number in words, without its method and data set."""
        return " ".join(part for part in (self.metric, self.label, self.convention and f"[{self.convention}]") if part)


@dataclass(frozen=True, slots=True)
class Shift:
    """Scores that are only in one run, or whose status changed, counted for one task, data set and method."""

    task: str
    dataset: str
    method: str
    what: str
    count: int
    pairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs side by side.

    Attributes:
        a: folder of the first run.
        b: folder of the second.
        equal: how many values are the same in both.
        changes: numbers that differ, the largest change first, measured times last.
        shifts: scores that came, went, or changed their status.
        leads: columns whose best method changed, one sentence each.
        causes: differences in versions, settings, weights and data, one sentence each.
    """

    a: Path
    b: Path
    equal: int
    changes: tuple[Change, ...]
    shifts: tuple[Shift, ...]
    leads: tuple[str, ...]
    causes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """True if the two runs hold the same scores, measured times aside."""
        return not self.shifts and all(change.measured for change in self.changes)


def compare_runs(a: Path, b: Path, tolerance: float = 1e-9, look_at: int = 5) -> Comparison:
    """Compares the scores and the provenance of two runs.

    Args:
        a: folder of the first run.
        b: folder of the second.
        tolerance: values that differ by no more than this, relative to the larger of 1 and the value, are equal.
        look_at: how many pairs to name for each change.

    Raises:
        BenchError: one of them holds no scores, or the two have no score in common.
    """
    stores = Store(Path(a)), Store(Path(b))
    both = _joined(_frame(stores[0]), _frame(stores[1]))
    common = both[(both["_merge"] == "both") & both["ok_a"] & both["ok_b"]]
    if common.empty:
        raise BenchError(f"{a} and {b} have no score in common; compare runs of the same methods and data sets")
    same = _equal(common["value_a"].to_numpy(), common["value_b"].to_numpy(), tolerance)
    manifests = [store.read_manifest() for store in stores]
    numbers, methods = Numbers.of(*manifests), {**manifests[0].methods, **manifests[1].methods}
    changes = tuple(_changes(common, same, look_at, numbers))
    leads = tuple(_leads(common, numbers, unranked(map(str, common["method"]), methods)))
    return Comparison(
        Path(a), Path(b), int(same.sum()), changes, tuple(_shifts(both)), leads, tuple(_causes(*manifests))
    )  # fmt: skip


def _frame(store: Store) -> pd.DataFrame:
    frame = store.read_scores()
    for column in [*KEYS, "status", "reason"]:
        frame[column] = frame[column].fillna("").astype("object")
    frame["ok"] = (frame["status"] == "ok") & np.isfinite(frame["value"].astype("float64"))
    return frame.drop_duplicates(KEYS, keep="last")


def _joined(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    both = a.merge(b, how="outer", on=KEYS, suffixes=("_a", "_b"), indicator=True, sort=False)
    for column in ("ok_a", "ok_b"):
        both[column] = both[column].eq(True)
    return both


def _equal(before: Any, after: Any, tolerance: float) -> np.ndarray:
    return np.abs(after - before) <= tolerance * np.maximum(1.0, np.abs(before))


def _changes(common: pd.DataFrame, same: np.ndarray, look_at: int, numbers: Numbers) -> Iterator[Change]:
    touched = common.loc[~same, WHERE].drop_duplicates()
    rows = common.assign(same=same).merge(touched, on=WHERE, how="inner")
    found = []
    for key, group in rows.groupby(WHERE, sort=False):
        found.append(_change(dict(zip(WHERE, map(str, key), strict=True)), group, look_at, numbers))
    yield from sorted(found, key=lambda change: (change.measured, -change.size))


def _change(where: dict[str, str], group: pd.DataFrame, look_at: int, numbers: Numbers) -> Change:
    capped = (group["reason_a"] == CAPPED) | (group["reason_b"] == CAPPED)
    group = group if capped.all() else group[~capped]
    before, after = (group[column].to_numpy(dtype=np.float64) for column in ("value_a", "value_b"))
    delta = after - before
    by_pair = bool((group["pair"] != "").all())
    spread = float(before.std(ddof=1)) if by_pair and len(before) > 1 else abs(float(before.mean()))
    shift = abs(float(delta.mean()))
    order = np.argsort(-np.abs(delta), kind="stable")
    pairs = [
        PairChange(str(group["pair"].iloc[index]), float(before[index]), float(after[index]))
        for index in order[:look_at]
        if by_pair and not group["same"].iloc[index]
    ]
    number = numbers.find(where["task"], where["metric"])
    way = number.better
    better = None if not way or delta.mean() == 0 else bool((delta.mean() > 0) == (way == "higher"))
    return Change(
        **where, before=float(before.mean()), after=float(after.mean()), pairs=len(group) if by_pair else 0,
        changed=int((~group["same"]).sum()), size=shift / spread if spread else (np.inf if shift else 0.0),
        better=better, measured=number.measured, look_at=tuple(pairs),
    )  # fmt: skip


def _shifts(both: pd.DataFrame) -> Iterator[Shift]:
    kinds = {
        "only in the first run": both["_merge"] == "left_only",
        "only in the second run": both["_merge"] == "right_only",
        "has no value any more": (both["_merge"] == "both") & both["ok_a"] & ~both["ok_b"],
        "has a value now": (both["_merge"] == "both") & ~both["ok_a"] & both["ok_b"],
    }
    for what, rows in kinds.items():
        for key, group in both[rows].groupby(["task", "dataset", "method"], sort=True):
            pairs = tuple(pair for pair in dict.fromkeys(group["pair"]) if pair)
            task, dataset, method = (str(part) for part in key)
            yield Shift(task, dataset, method, what, len(group), pairs)


def _leads(common: pd.DataFrame, numbers: Numbers, references: Collection[str]) -> Iterator[str]:
    """Columns in which another method is best now, among those that are ranked and have every pair that any has."""
    column = [name for name in WHERE if name != "method"]
    ranked = common[~common["method"].isin(list(references))]
    means = ranked.groupby([*column, "method"], sort=False)[["value_a", "value_b"]].agg(["mean", "size"]).reset_index()
    for key, group in means.groupby(column, sort=False):
        where = dict(zip(column, map(str, key), strict=True))
        number = numbers.find(where["task"], where["metric"])
        whole = group[group[("value_a", "size")] == group[("value_a", "size")].max()]
        if not number.better or number.measured or len(whole) < 2:
            continue
        best = [
            whole["method"].iloc[int((values.argmax if number.better == "higher" else values.argmin)())]
            for values in (whole[("value_a", "mean")].to_numpy(), whole[("value_b", "mean")].to_numpy())
        ]
        if best[0] != best[1]:
            name = " ".join(part for part in (where["metric"], where["label"], where["convention"]) if part)
            yield f"{where['dataset']}, {name}: {best[0]} was best, now {best[1]}"


_FACTS = ("origin", "way", "precision", "parameters", "status")


def _causes(a: Manifest, b: Manifest) -> Iterator[str]:
    for key in ("version", "seed"):
        if getattr(a, key) != getattr(b, key):
            yield f"{key}: {getattr(a, key)} -> {getattr(b, key)}"
    yield from _differences("setting", a.config.model_dump(), b.config.model_dump(), skip=("jobs",))
    yield from _differences("machine", asdict(a.machine), asdict(b.machine), skip=("packages",))
    yield from _differences("package", a.machine.packages, b.machine.packages)
    for name in sorted(set(a.datasets) & set(b.datasets)):
        if a.datasets[name].fingerprint != b.datasets[name].fingerprint:
            yield f"data set {name}: its files, or the pairs taken, differ"
    for name in sorted(set(a.methods) & set(b.methods)):
        yield from _method_causes(name, a.methods[name], b.methods[name])


def _method_causes(name: str, a: MethodFacts, b: MethodFacts) -> Iterator[str]:
    for key in _FACTS:
        if getattr(a, key) != getattr(b, key):
            yield f"method {name}: {key} {getattr(a, key)} -> {getattr(b, key)}"
    if [weight.sha256 for weight in a.weights] != [weight.sha256 for weight in b.weights]:
        yield f"method {name}: other weights"


def _differences(title: str, a: dict[str, Any], b: dict[str, Any], skip: Iterable[str] = ()) -> Iterator[str]:
    for key in sorted((set(a) | set(b)).difference(skip)):
        if a.get(key) != b.get(key):
            yield f"{title} {key}: {_short(a.get(key))} -> {_short(b.get(key))}"


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def render_text(comparison: Comparison, limit: int = 20) -> str:
    """The comparison as plain text for a terminal.

    Args:
        comparison: what to print.
        limit: at most this many lines of each kind; the rest is counted.
    """
    one = comparison
    lines = [f"a: {one.a}", f"b: {one.b}", ""]
    lines.append(f"{one.equal} values are equal, {len(one.changes)} means or set-level numbers differ.")
    if one.same:
        lines.append("The scores are the same" + (" (measured times aside)." if one.changes else "."))
    lines += _block("What differs in how they were made", one.causes, limit)
    lines += _block("Scores that came, went or changed status", [_shift_text(shift) for shift in one.shifts], limit)
    lines += _block("Other best method", one.leads, limit)
    changes = [line for change in one.changes[:limit] for line in _change_lines(change)]
    more = len(one.changes) - limit
    if changes:
        heading = "Changed numbers, largest change against the spread over pairs first"
        lines += ["", heading, *changes] + ([f"  ... and {more} more"] if more > 0 else [])
    return "\n".join(lines) + "\n"


def _block(heading: str, items: Iterable[str], limit: int) -> list[str]:
    items = list(items)
    if not items:
        return []
    tail = [f"  ... and {len(items) - limit} more"] if len(items) > limit else []
    return ["", heading, *(f"  {item}" for item in items[:limit]), *tail]


def _shift_text(shift: Shift) -> str:
    pairs = f" (pairs {', '.join(shift.pairs[:4])}{', ...' if len(shift.pairs) > 4 else ''})" if shift.pairs else ""
    count = "1 score" if shift.count == 1 else f"{shift.count} scores"
    return f"{shift.task} {shift.dataset} {shift.method}: {count} {shift.what}{pairs}"


def _change_lines(change: Change) -> Iterator[str]:
    verdict = {True: "better", False: "worse", None: ""}[change.better]
    scope = f"{change.changed} of {change.pairs} pairs" if change.pairs else "set level"
    yield (
        f"  {change.dataset} {change.method} {change.name}: {change.before:.6g} -> {change.after:.6g} "
        f"({change.delta:+.3g}{', ' + verdict if verdict else ''}; {scope})"
    )
    if change.look_at:
        pairs = ", ".join(f"{pair.pair} {pair.delta:+.3g}" for pair in change.look_at)
        yield f"      look at {pairs}"
