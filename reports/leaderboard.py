"""The leaderboard: several packs as one ranking, in one HTML file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from bench.analysis.means import mean_table
from bench.analysis.numbers import Numbers
from bench.analysis.ranked import unranked
from bench.analysis.table import Table, format_number
from bench.errors import BenchError
from bench.files import write_atomic
from bench.store.manifest import MethodFacts, TaskFacts
from bench.store.pack import open_pack

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
        BenchError: no archives, or one that is damaged.
    """
    if not archives:
        raise BenchError("no archives, wanted at least one made by bench pack")
    entrants: list[Entrant] = []
    stems: Counter[str] = Counter()
    for path in archives:
        with open_pack(path) as opened:
            stems[path.stem] += 1
            name = path.stem if stems[path.stem] == 1 else f"{path.stem} ({stems[path.stem]})"
            entrants.append(Entrant(name, opened.sha256, opened.manifest.model_dump(), opened.scores))
    render(entrants, out)
    return out


def render(entrants: Sequence[Entrant], out: Path) -> None:
    """Writes the page.

    Raises:
        BenchError: the entrants have no scores, or the file cannot be written.
    """
    labels = _labels(entrants)
    scores, facts = _merged(entrants, labels)
    references = set(unranked(facts, {label: MethodFacts.model_validate(method) for label, method in facts.items()}))
    blocks = list(_blocks(entrants, scores, references))
    if not blocks:
        raise BenchError("the archives hold no scores, so there is nothing to rank")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    page = environment.get_template("leaderboard.html").render(
        blocks=blocks,
        entrants=entrants,
        facts=facts,
        references=references,
        number=format_number,
        style=(HERE / "static" / "style.css").read_text(encoding="utf-8"),
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


def _blocks(entrants: Sequence[Entrant], scores: pd.DataFrame, references: set[str]) -> list[Block]:
    blocks = []
    numbers = Numbers({name: facts for entrant in entrants for name, facts in _tasks(entrant).items()})
    for task, dataset, convention in dict.fromkeys(
        zip(scores["task"], scores["dataset"], scores["convention"], strict=True)
    ):
        table = mean_table(scores, dataset, convention, task, unranked=references, numbers=numbers)
        if not table.rows or not table.columns:
            continue
        order = sorted(table.rows, key=lambda row: _mean_rank([cell.rank for cell in row.cells]))
        table = Table(task, dataset, convention, table.columns, tuple(order), table.pairs)
        title = " · ".join(part for part in (dataset, task, convention) if part)
        blocks.append(Block(title, table, tuple(_cautions(entrants, task, dataset))))
    return blocks


def _mean_rank(ranks: Sequence[int | None]) -> float:
    known = [rank for rank in ranks if rank is not None]
    return sum(known) / len(known) if known else float("inf")


def _cautions(entrants: Sequence[Entrant], task: str, dataset: str) -> list[str]:
    owners = [entrant for entrant in entrants if dataset in set(entrant.scores["dataset"])]
    facts = [entrant.manifest["datasets"].get(dataset, {}) for entrant in owners]
    cautions = []
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
