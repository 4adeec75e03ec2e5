"""A published result: runs as a folder of numbers that anyone can cite, check and make again; it holds no images."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

from bench.analysis.export import to_csv, to_latex, to_markdown
from bench.analysis.questions import Finding
from bench.analysis.verify_pack import gaps, pack
from bench.data.names import is_junk
from bench.errors import BenchError
from bench.files import PROTOCOL, VERSION, write_atomic
from bench.machine import lock_lines
from bench.store.pack import open_pack, sha256
from bench.store.thumbnails import slug
from reports.croissant import library, metadata
from reports.figures import bar_files, curve_files
from reports.leaderboard import Block, Entrant, blocks_of, entrant_of, ranked, render
from reports.overview import Overview
from reports.pages.overall import summary
from reports.pages.provenance import command_text
from reports.source import RunData

SUMS = "SHA256SUMS"
"""Of every other file of the folder; a folder that has it is a published result."""

LOCK, SUMMARY = "requirements.lock", "README.md"

TOLERANCE = 1e-9
"""Relative: means of equal scores, summed in another order."""

Files = dict[str, bytes]
"""Path below the folder -> content."""


@dataclass(frozen=True)
class PublishedRun:
    """One run of a published result.

    Attributes:
        folder: of the run.
        archive: its pack, without images.
    """

    folder: Path
    archive: Path

    @property
    def name(self) -> str:
        """What its files are called."""
        return self.archive.stem

    @cached_property
    def overview(self) -> Overview:
        """The run as reports see it."""
        return Overview(RunData.read(self.folder))

    @cached_property
    def blocks(self) -> list[Block]:
        """Its tables, from the pack alone, as whoever checks them makes them."""
        return pack_tables(self.archive)

    @cached_property
    def figures(self) -> Files:
        """Curves and bars of the leading metrics, in the first convention of each data set."""
        files: Files = {}
        for data in self.overview.run.datasets:
            for convention in data.conventions[:1]:
                order = self.overview.best_first(data)
                drawn = {
                    "curves": curve_files(self.overview.rows[data.name, convention], data.name, convention, order),
                    "bars": bar_files(self.overview.tables[data.name][convention], order),
                }
                for kind, made in drawn.items():
                    if "svg" in made:
                        files[f"{self.name}/figures/{kind}-{slug(data.name)}-{slug(convention)}.svg"] = made["svg"]
        return files


def publish(run_dirs: Sequence[Path], out: Path) -> Path:
    """Writes runs into a published result: packs, tables, figures of numbers, boards, and a summary of each.

    What else is published there stays; a run of the same name is replaced whole. Lock file and answers lie beside each
    run's tables; metadata, checksums and the summary of all speak of every run in the folder.

    Args:
        run_dirs: finished runs of one protocol; each is called after its folder.
        out: a new folder, or one that was published before.

    Returns:
        ``out``.

    Raises:
        BenchError: a run is not finished or of another protocol, two have one name, a run lies where its tables go,
            files lie there that were not published, or the extra that writes the metadata is not installed.
    """
    names = _names(run_dirs, out)
    library()  # refuses before any work
    before = _read_sums(out / SUMS) if is_published(out) else {}
    _refuse_foreign(out, {*before, *(f"{name}.zip" for name in names)}, tuple(f"{name}/" for name in names))
    runs = [PublishedRun(path, out / f"{name}.zip") for path, name in zip(run_dirs, names, strict=True)]
    for run in runs:
        found = run.overview.run.manifest.protocol
        if found != PROTOCOL:
            raise BenchError(f"{run.folder}: is of protocol {found or 'before 2026.1'}, wanted {PROTOCOL}; run it anew")
    for run in runs:
        pack(run.folder, run.archive, images=0)
    for run in runs:
        for name in before:
            if name.startswith(f"{run.name}/"):
                (out / name).unlink(missing_ok=True)
        render([entrant_of(run.archive, run.name)], out / run.name / "leaderboard.html")
        files = _tables(run) | run.figures
        files[f"{run.name}/{LOCK}"] = ("\n".join(lock_lines()) + "\n").encode()
        files[f"{run.name}/{SUMMARY}"] = ("\n".join(_of_run(run)) + "\n").encode()
        for name, content in files.items():
            write_atomic(out / name, content)
    seal(out)
    return out


def _names(run_dirs: Sequence[Path], out: Path) -> list[str]:
    """What the runs are called in the result."""
    names = [path.resolve().name for path in run_dirs]
    if not names or len(set(names)) < len(names):
        raise BenchError(f"runs {', '.join(names) or 'none'}: wanted one or more, of different names")
    for path, name in zip(run_dirs, names, strict=True):
        if path.resolve() == (out / name).resolve():
            raise BenchError(f"{path}: its tables would be written among its own files; give another --out")
    return names


def _refuse_foreign(out: Path, known: Collection[str], own: tuple[str, ...]) -> None:
    """Refuses a folder with files that no result has: they would be overwritten, or published and vouched for.

    Args:
        out: where a result goes.
        known: names of files that may lie there.
        own: beginnings of such names: what an interrupted command may have left.
    """
    found = [name for name, _ in _files(out) if name not in known and not name.startswith(own)]
    if found:
        more = f" and {len(found) - 1} more" if found[1:] else ""
        raise BenchError(
            f"{out}: holds {found[0]}{more}, not written by bench publish; give --out a folder of its own, or move them"
        )


def seal(out: Path) -> None:
    """Writes what speaks of all runs of a published result, from their packs: summary, metadata, checksums.

    Raises:
        BenchError: a pack is damaged or of another protocol.
    """
    archives = sorted(out.glob("*.zip"))
    entrants = [entrant_of(path, path.stem) for path in archives]
    for entrant in entrants:
        if entrant.manifest["protocol"] != PROTOCOL:
            found = entrant.manifest["protocol"] or "before 2026.1"
            raise BenchError(f"{out}: {entrant.name}.zip is of protocol {found}, wanted {PROTOCOL}; publish elsewhere")
    updated = max(entrant.manifest["updated"] for entrant in entrants)
    written = {
        SUMMARY: ("\n".join(_of_all(entrants)) + "\n").encode(),
        "croissant.json": metadata(PROTOCOL, archives, updated),
    }
    sums = {name: _sum(path) for name, path in _files(out)} | {name: sha256(new) for name, new in written.items()}
    # first, so that whoever interrupts this may go on: what it names is known to be of the result
    write_atomic(out / SUMS, "".join(f"{value}  {name}\n" for name, value in sorted(sums.items())).encode())
    for name, content in written.items():
        write_atomic(out / name, content)


def pack_tables(archive: Path) -> list[Block]:
    """The tables of a pack: of every task, data set and convention."""
    return blocks_of([entrant_of(archive, archive.stem)])


def is_published(folder: Path) -> bool:
    """True for what ``publish`` wrote."""
    return (folder / SUMS).is_file()


def check_published(folder: Path) -> Iterator[str]:
    """What is wrong with a published result, a line each: checksums, packs, tables."""
    wanted = _read_sums(folder / SUMS)
    found = dict(_files(folder))
    yield from (f"{name}: is missing" for name in sorted(set(wanted) - set(found)))
    yield from (f"{name}: is not listed in {SUMS}" for name in sorted(set(found) - set(wanted)))
    for name in sorted(set(wanted) & set(found)):
        if _sum(found[name]) != wanted[name]:
            yield f"{name}: differs from its checksum in {SUMS}"
    for archive in sorted(folder.glob("*.zip")):
        yield from _check_pack(folder, archive)


def _check_pack(folder: Path, archive: Path) -> Iterator[str]:
    try:
        with open_pack(archive) as opened:
            yield from (f"{archive.name}: {line}" for line in gaps(opened))
        blocks = pack_tables(archive)
    except BenchError as error:
        yield str(error)
        return
    for block in blocks:
        name = f"{archive.stem}/tables/{_slug(block)}.csv"
        try:
            text = (folder / name).read_text(encoding="utf-8")
        except OSError:
            yield f"{name}: is missing, though the pack has its scores"
            continue
        if not _same(text, to_csv(block.table)):
            yield f"{name}: is not what the scores of {archive.name} give"


def _same(text: str, again: str) -> bool:
    """Equal tables, but for the last digits of their numbers."""
    rows, others = (list(csv.reader(io.StringIO(each))) for each in (text, again))
    return [len(row) for row in rows] == [len(row) for row in others] and all(
        map(_close, chain.from_iterable(rows), chain.from_iterable(others))
    )


def _close(field: str, other: str) -> bool:
    try:
        return field == other or math.isclose(float(field), float(other), rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    except ValueError:
        return False


def _slug(block: Block) -> str:
    return slug(block.title.replace(" · ", "-"))


def _tables(run: PublishedRun) -> Files:
    files: Files = {}
    for block in run.blocks:
        name = f"{run.name}/tables/{_slug(block)}"
        files[f"{name}.csv"] = to_csv(block.table).encode()
        files[f"{name}.tex"] = to_latex(block.table, block.title).encode()
        files[f"{name}.md"] = to_markdown(block.table, block.title).encode()
    return files


# ------------------------------------------------------------------ the summary


def _of_all(entrants: Sequence[Entrant]) -> Iterator[str]:
    """``README.md`` of the whole: which runs there are, and how to check and repeat them."""
    yield f"# Result {PROTOCOL}"
    yield ""
    yield f"Made by ivif-bench {VERSION} with `bench publish`; numbers only, the images belong to their authors."
    yield ""
    yield "| run, with its answers | pairs | methods ranked | tasks | finished | |"
    yield "|---|---|---:|---|---|---|"
    for entrant in entrants:
        facts, name = entrant.manifest, entrant.name
        pairs = ", ".join(f"`{data}` {len(known['pairs'])}" for data, known in facts["datasets"].items())
        cells = [
            f"[{name}]({name}/{SUMMARY})", pairs, str(len(ranked(entrant))), ", ".join(facts["tasks"]),
            facts["updated"][:10], f"[board]({name}/leaderboard.html), scores: `{name}.zip`",
        ]  # fmt: skip
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield from _HOW_TO.splitlines()


_HOW_TO = f"""## Check it

```bash
bench verify .
bench verify . --recompute --sample 3 --data-root DATA --weights-root WEIGHTS
```

In this folder. The first compares checksums and makes every table again from the scores; the second also fuses and
scores images chosen at random anew, with your copies of images and weights.

`{LOCK}` beside a run's tables is its environment (`pip install -r {LOCK}`), `croissant.json` describes the
scores for machines (Croissant), `{SUMS}` holds a checksum of every file.
"""


def _of_run(run: PublishedRun) -> Iterator[str]:
    """``README.md`` of one run: what was run, the answers, where its tables lie."""
    data = run.overview.run
    machine = data.manifest.machine
    yield f"# Result {PROTOCOL}: {run.name}"
    yield ""
    made_on = f"{machine.cpu}, Python {machine.python}, PyTorch {machine.torch}"
    yield f"Finished {data.manifest.updated[:10]} at commit `{_commit(data)}` on {made_on}."
    yield ""
    yield "| data set | pairs | of the list |"
    yield "|---|---:|---:|"
    for view in data.datasets:
        part = f":{view.facts.subset}" if view.facts.subset else ""
        yield f"| `{view.name}{part}` ({view.facts.split}) | {len(view.pairs)} | {view.facts.listed} |"
    yield ""
    yield f"{len(data.counted)} methods are ranked."
    yield from _left_out(data)
    sentences = [summary(run.overview), *(f"{found.dataset}: {found.summary(data.titles)}" for found in _leading(run))]
    yield from (f"* {line}" for line in sentences if line)
    yield ""
    yield "Made by:"
    yield ""
    yield "```"
    yield from (command_text(data, one) for one in data.manifest.commands)
    yield "```"
    yield ""
    yield f"[Board](leaderboard.html) · scores: `../{run.archive.name}` · tables: " + ", ".join(
        f"[{block.title}](tables/{_slug(block)}.md)" for block in run.blocks
    )
    for path in map(Path, run.figures):
        yield from ("", f"![{path.stem.replace('-', ' ')}](figures/{path.name})")


def _left_out(data: RunData) -> Iterator[str]:
    """The methods that did not run, a line for each way not to."""
    for status in dict.fromkeys(method.status for method in data.methods if method.status != "ok"):
        yield f"* {status}: {', '.join(method.label for method in data.methods if method.status == status)}"


def _leading(run: PublishedRun) -> list[Finding]:
    return [found for found in run.overview.findings if found.headline and found.verdicts and not found.part]


def _commit(data: RunData) -> str:
    commits = dict.fromkeys(one.commit for one in data.manifest.commands if one.commit)
    return ", ".join(commits) or "unknown"


# ------------------------------------------------------------------ checksums


def _files(folder: Path) -> list[tuple[str, Path]]:
    """(name with slashes, path) of every file but the list of checksums, sorted; hidden ones and junk do not count."""
    found = ((path.relative_to(folder), path) for path in folder.rglob("*") if path.is_file() and path.name != SUMS)
    return sorted(
        (name.as_posix(), path)
        for name, path in found
        if not any(part.startswith(".") or is_junk(part) for part in name.parts)
    )


def _sum(path: Path) -> str:
    return sha256(path.read_bytes())


def _read_sums(path: Path) -> Mapping[str, str]:
    """Name -> checksum.

    Raises:
        BenchError: not a list of checksums.
    """
    lines = [line.split("  ", 1) for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line]
    if any(len(line) != 2 for line in lines):
        raise BenchError(f"{path}: not a list of checksums; take the published folder anew")
    return {name: value for value, name in lines}
