"""The table of speed as README prints it, from a published run; `python -m reports.speed_table` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.analysis.table import Cell, Table
from bench.files import PROJECT_ROOT, PROTOCOL, write_atomic
from bench.types import UNDER_LOAD
from reports.leaderboard import Entrant, blocks_of, entrant_of, ranked

START, END = "<!-- speed: made by python -m reports.speed_table -->", "<!-- end of speed -->"

PUBLISHED = PROJECT_ROOT / "results" / PROTOCOL / "speed.zip"
"""The pack of the published run of the efficiency task."""

COLUMNS = {
    "latency_ms_mean": "ms a pair", "images_per_second": "images/s", "params_M": "parameters (M)",
    "flops_G": "GFLOPs", "peak_memory_MB": "peak memory (MB)",
}  # fmt: skip
"""Numbers of the task -> their heads."""

LOADED = "\\*"
"""After a time that other work had a part in."""


@dataclass(frozen=True, slots=True)
class Speeds:
    """What the table is made of.

    Attributes:
        cells: method -> number of ``COLUMNS`` -> its text, empty where it has none; the quickest method first.
        where: pairs and machine, in words.
        loaded: True if some time was taken under load.
    """

    cells: Mapping[str, Mapping[str, str]]
    where: str
    loaded: bool

    def in_words(self, method: str) -> str:
        """One line on a method; empty where it was not timed."""
        cells = self.cells.get(method)
        if cells is None:
            return ""
        known = [f"{text.removesuffix(LOADED)} {COLUMNS[metric]}" for metric, text in cells.items() if text]
        loaded = ", while other work ran beside it" if any(text.endswith(LOADED) for text in cells.values()) else ""
        return f"{', '.join(known)}; {self.where}{loaded}"


def speeds(archive: Path = PUBLISHED) -> Speeds | None:
    """The numbers of a pack; None where there is no such file or it holds no times.

    Raises:
        BenchError: the pack is damaged.
    """
    if not archive.is_file():
        return None
    entrant = entrant_of(archive, archive.stem)
    tables = [block.table for block in blocks_of([entrant]) if block.table.task == "efficiency"]
    if not tables:
        return None
    table, wanted = tables[0], ranked(entrant)
    rows = {row.method: dict(zip((one.metric for one in table.columns), row.cells, strict=True)) for row in table.rows}
    quickest = sorted((name for name in wanted if name in rows), key=lambda name: (_latency(rows[name]), name))
    cells = {name: {metric: _text(rows[name].get(metric, Cell())) for metric in COLUMNS} for name in quickest}
    return Speeds(cells, _where(entrant, table), any(LOADED in text for row in cells.values() for text in row.values()))


def _latency(cells: Mapping[str, Cell]) -> float:
    found = cells.get("latency_ms_mean", Cell()).mean
    return float("inf") if found is None else found


def _text(cell: Cell) -> str:
    """Three figures: more hang on the day."""
    if not cell.mean:  # a rule has no parameters
        return ""
    return f"{float(f'{cell.mean:.3g}'):.10g}" + (LOADED if UNDER_LOAD in cell.reason else "")


def _where(entrant: Entrant, table: Table) -> str:
    """Pairs and machine, as the rows have it: a worker computes with fewer threads than the machine has."""
    pairs = len(entrant.manifest["datasets"][table.dataset]["pairs"])
    timed = entrant.scores[entrant.scores["metric"] == "latency_ms_mean"]
    return f"{pairs} pairs of `{table.dataset}` on {str(timed['reason'].iloc[0]).partition(', computed by')[0]}"


def markdown(found: Speeds) -> str:
    """A row for each method, the quickest first, and what was measured where."""
    lines = [f"| method | {' | '.join(COLUMNS.values())} |", f"|---|{'---:|' * len(COLUMNS)}"]
    lines += [f"| `{name}` | {' | '.join(cells.values())} |" for name, cells in found.cells.items()]
    mark = f" {LOADED} other work ran beside it." if found.loaded else ""
    return "\n".join([*lines, "", f"One pair at a time, {found.where}.{mark}"])


def with_table(text: str, found: Speeds) -> str:
    """A document with its table between the two marks made anew."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{markdown(found)}\n{END}{after}"


def main(readme: Path = PROJECT_ROOT / "README.md") -> None:
    """Writes the table into README, if a run with times is published."""
    found = speeds()
    if found is not None:
        write_atomic(readme, with_table(readme.read_text(encoding="utf-8"), found).encode())


if __name__ == "__main__":
    main()
