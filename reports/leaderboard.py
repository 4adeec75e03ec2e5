"""The leaderboard: several packs as one ranking, in one HTML file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.analysis.captions import caption, described, heading, marks, notes, remark
from bench.analysis.means import mean_table
from bench.analysis.numbers import FUSION, Numbers
from bench.analysis.ranked import counted, unranked, unranked_in
from bench.analysis.table import Cell, Row, Table, format_number
from bench.errors import BenchError
from bench.files import write_atomic
from bench.metrics.catalogue import CONVENTIONS
from bench.store.manifest import MethodFacts, TaskFacts
from bench.store.pack import open_pack
from reports.site import environment

if TYPE_CHECKING:
    import pandas as pd

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True, eq=False)
class Entrant:
    """One pack.

    Attributes:
        name: how it is told from the others.
        sha256: of the archive.
        manifest: what ran.
        scores: its score table.
    """

    name: str
    sha256: str
    manifest: Mapping[str, Any]
    scores: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Block:
    """One table of the page, with what a reader must know of it."""

    title: str
    table: Table
    cautions: tuple[str, ...]


def leaderboard(archives: Sequence[Path], out: Path) -> Path:
    """Renders packs as one ranking, an HTML file that opens without network.

    Args:
        archives: what ``pack`` made; each is checked for being whole, none is recomputed.
        out: HTML file.

    Raises:
        BenchError: no archives, one that is damaged, or packs of two protocols.
    """
    if not archives:
        raise BenchError("no archives, wanted at least one made by bench pack")
    entrants: list[Entrant] = []
    stems: Counter[str] = Counter()
    for path in archives:
        stems[path.stem] += 1
        entrants.append(entrant_of(path, path.stem if stems[path.stem] == 1 else f"{path.stem} ({stems[path.stem]})"))
    protocols = {str(entrant.manifest["protocol"]) or "before 2026.1": entrant.name for entrant in entrants}
    if len(protocols) > 1:
        said = ", ".join(f"{protocol} ({name})" for protocol, name in protocols.items())
        raise BenchError(f"the packs are of protocols {said}, whose numbers mean different things; rank them apart")
    render(entrants, out)
    return out


def entrant_of(archive: Path, name: str) -> Entrant:
    """What a board needs of a pack.

    Raises:
        BenchError: it is damaged.
    """
    with open_pack(archive) as opened:
        return Entrant(name, opened.sha256, opened.manifest.model_dump(), opened.scores)


def ranked(entrant: Entrant) -> tuple[str, ...]:
    """The methods of a pack that its board ranks."""
    return _counted(entrant.scores, _typed(entrant.manifest["methods"]))


def _counted(scores: pd.DataFrame, methods: Mapping[str, MethodFacts]) -> tuple[str, ...]:
    return counted(methods, methods, set(scores.loc[scores["status"] == "ok", "method"]))


def blocks_of(entrants: Sequence[Entrant]) -> list[Block]:
    """The tables of a board: of every task, data set and convention, methods by their mean rank."""
    scores, facts = _merged(entrants, _labels(entrants))
    return _blocks(entrants, scores, facts, _typed(facts))


def _typed(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, MethodFacts]:
    return {label: MethodFacts.model_validate(method) for label, method in facts.items()}


def render(entrants: Sequence[Entrant], out: Path) -> None:
    """Writes the page.

    Raises:
        BenchError: the entrants have no scores, or the file cannot be written.
    """
    labels = _labels(entrants)
    scores, facts = _merged(entrants, labels)
    methods = _typed(facts)
    blocks = _blocks(entrants, scores, facts, methods)
    if not blocks:
        raise BenchError("the archives hold no scores, so there is nothing to rank")
    page = (
        environment()
        .get_template("leaderboard.html")
        .render(
            blocks=blocks,
            entrants=entrants,
            facts=facts,
            references=unranked(facts, methods),
            counted=_counted(scores, methods),
            number=format_number,
            caption=caption,
            heading=heading,
            marks=marks,
            remark=remark,
            table_notes=notes,
            style=(HERE / "static" / "style.css").read_text(encoding="utf-8"),
        )
    )
    try:
        write_atomic(out, page.encode())
    except OSError as error:
        raise BenchError(f"{out}: cannot be written ({error.strerror}); choose another place") from error


def _labels(entrants: Sequence[Entrant]) -> dict[tuple[int, str], str]:
    """How each method of each entrant is called; one label where two entrants have the very same numbers."""
    versions: dict[str, list[tuple[str, int]]] = {}
    for at, entrant in enumerate(entrants):
        for method in dict.fromkeys(entrant.scores["method"]):
            versions.setdefault(method, []).append((_digest(entrant.scores, method), at))
    labels = {}
    for method, found in versions.items():
        distinct = {digest for digest, _ in found}
        for _, at in found:
            labels[at, method] = method if len(distinct) == 1 else f"{method} · {entrants[at].name}"
    return labels


def _digest(scores: pd.DataFrame, method: str) -> str:
    """Of a method's metric values, which do not hang on the machine."""
    rows = scores[(scores["method"] == method) & (scores["task"] == "metrics") & (scores["status"] == "ok")]
    keys = [rows[column] for column in ("dataset", "pair", "convention", "metric")]
    return repr(sorted(zip(*keys, rows["value"].round(9).tolist(), strict=True)))


def _merged(
    entrants: Sequence[Entrant], labels: Mapping[tuple[int, str], str]
) -> tuple[pd.DataFrame, dict[str, Mapping[str, Any]]]:
    """All scores under their labels, the first of equal entrants kept, and what is known of each label."""
    import pandas as pd

    parts: list[pd.DataFrame] = []
    facts: dict[str, Mapping[str, Any]] = {}
    for at, entrant in enumerate(entrants):
        new = {method: label for (owner, method), label in labels.items() if owner == at and label not in facts}
        rows = entrant.scores[entrant.scores["method"].isin(list(new))]
        parts.append(rows.assign(method=rows["method"].map(new)))
        facts |= {label: {**entrant.manifest["methods"][method], "pack": entrant.name} for method, label in new.items()}
    return pd.concat(parts, ignore_index=True), facts


def _blocks(
    entrants: Sequence[Entrant],
    scores: pd.DataFrame,
    facts: Mapping[str, Mapping[str, Any]],
    methods: Mapping[str, MethodFacts],
) -> list[Block]:
    blocks = []
    tasks = {name: known for entrant in entrants for name, known in _tasks(entrant).items()}
    numbers = Numbers(tasks)
    for task, dataset, convention in _order(scores):
        partial = _partial(entrants, facts, dataset)
        aside = {*unranked_in(task, tasks.get(task, TaskFacts()), facts, methods), *partial}
        table = mean_table(scores, dataset, convention, task, unranked=aside, numbers=numbers)
        if not table.rows or not table.columns:
            continue
        rows = [_remarked(row, partial.get(row.method, "")) for row in table.rows]
        rows.sort(key=lambda row: _mean_rank([cell.rank for cell in row.cells]))
        table = described(replace(table, rows=tuple(rows)), methods)
        title = " · ".join(part for part in (dataset, task, convention) if part)
        blocks.append(Block(title, table, tuple(_cautions(entrants, task, dataset, convention))))
    return blocks


def _order(scores: pd.DataFrame) -> list[tuple[str, str, str]]:
    """(task, data set, convention) of the tables: by data set, fusion first, sound conventions before others."""
    columns = (scores[name] for name in ("task", "dataset", "convention"))
    found = list(dict.fromkeys(zip(*columns, strict=True)))
    datasets = list(dict.fromkeys(dataset for _, dataset, _ in found))
    known = list(CONVENTIONS)

    def place(key: tuple[str, str, str]) -> tuple[int, bool, bool, int, int]:
        task, dataset, convention = key
        at = known.index(convention) if convention in known else len(known)
        return datasets.index(dataset), task != FUSION, not _is_sound(convention), at, found.index(key)

    return sorted(found, key=place)


def _is_sound(convention: str) -> bool:
    return convention not in CONVENTIONS or CONVENTIONS[convention].sound


def _partial(entrants: Sequence[Entrant], facts: Mapping[str, Mapping[str, Any]], dataset: str) -> dict[str, str]:
    """Label -> why it is not ranked on a data set: its pack covers fewer pairs than another."""
    counts = {
        entrant.name: len(entrant.manifest["datasets"][dataset].get("pairs") or ())
        for entrant in entrants
        if dataset in entrant.manifest["datasets"]
    }
    most = max(counts.values(), default=0)
    return {
        label: f"{counts[str(known['pack'])]} of {most} pairs, so not ranked"
        for label, known in facts.items()
        if counts.get(str(known["pack"]), most) < most
    }


def _remarked(row: Row, reason: str) -> Row:
    """The row with the reason at each number that has none yet."""
    if not reason:
        return row
    return Row(row.method, tuple(_with_reason(cell, reason) for cell in row.cells))


def _with_reason(cell: Cell, reason: str) -> Cell:
    return cell if cell.mean is None or cell.reason else replace(cell, reason=reason)


def _mean_rank(ranks: Sequence[int | None]) -> float:
    known = [rank for rank in ranks if rank is not None]
    return sum(known) / len(known) if known else float("inf")


def _cautions(entrants: Sequence[Entrant], task: str, dataset: str, convention: str) -> list[str]:
    owners = [entrant for entrant in entrants if dataset in set(entrant.scores["dataset"])]
    facts = [entrant.manifest["datasets"].get(dataset, {}) for entrant in owners]
    cautions = []
    if task == FUSION and not _is_sound(convention):
        cautions.append(f"Some numbers of the convention {convention} are not what their names say.")
    listed = max((int(fact.get("listed") or 0) for fact in facts), default=0)
    most = max((len(fact.get("pairs") or ()) for fact in facts), default=0)
    if most < listed:
        cautions.append(f"No pack covers more than {most} of the {listed} listed pairs.")
    unfinished = [entrant.name for entrant in owners if not entrant.manifest.get("complete")]
    if unfinished:
        cautions.append(f"Not complete, with results that failed or are missing: {', '.join(unfinished)}.")
    if len({tuple(map(str, fact.get("pairs") or ())) for fact in facts}) > 1:
        cautions.append("The packs cover different pairs; only methods with all of them are ranked.")
    digests: dict[str, set[str]] = {}
    for fact in facts:
        for pair, digest in (fact.get("digests") or {}).items():
            digests.setdefault(str(pair), set()).add(str(digest))
    if any(len(seen) > 1 for seen in digests.values()):
        cautions.append("The packs were made from different copies of the source images.")
    measures = any(not _tasks(entrant).get(task, TaskFacts()).contends for entrant in owners)
    if measures and len(owners) > 1:
        cautions.append("The packs were timed on different machines; times of two packs do not compare.")
    return cautions


def _tasks(entrant: Entrant) -> dict[str, TaskFacts]:
    return {name: TaskFacts.model_validate(facts) for name, facts in entrant.manifest.get("tasks", {}).items()}
