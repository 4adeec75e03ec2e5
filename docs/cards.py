"""Writes the cards of all metrics, methods and tasks from the catalogue; nothing on them is kept by hand."""

from __future__ import annotations

from pathlib import Path

from bench.metrics.catalogue import CONVENTIONS, METRICS
from bench.metrics.facts import Metric
from bench.plugin.kinds import METHODS, TASKS
from bench.plugin.method import Method
from bench.plugin.proof import in_words, strongest
from bench.plugin.task import Task
from reports.speed_table import Speeds, speeds


def write(folder: Path) -> None:
    """Writes ``metrics.md``, ``methods.md`` and ``tasks.md``; a file that is the same already is left alone."""
    folder.mkdir(exist_ok=True)
    cards = {"metrics.md": metric_cards(), "methods.md": method_cards(), "tasks.md": task_cards()}
    for name, text in cards.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def metric_cards() -> str:
    """One card a metric: what it is, its range, what fools it, who computes it how."""
    cards = [_metric_card(facts) for facts in sorted(METRICS.values(), key=lambda facts: facts.name.lower())]
    head = (
        "# Metric cards\n\nWhat each number is, where it comes from, what is known to fool it, and which conventions "
        "compute it how. `bench list metrics --long` prints the same, [conventions](../conventions.md) says how they "
        "differ.\n"
    )
    return "\n".join([head, *cards])


def _metric_card(facts: Metric) -> str:
    better = f"{facts.better} is better" if facts.better else "neither more nor less is better"
    rows = [
        f"**{facts.title}** · {better} · {_range(facts.low, facts.high)}{f' {facts.unit}' if facts.unit else ''}", "",
        facts.definition, "", f"Source: {facts.source}{f', doi:{facts.doi}' if facts.doi else ''}.",
    ]  # fmt: skip
    if facts.defects:
        rows += ["", f"What fools it: {facts.defects}."]
    uses = [
        (name, convention.uses[facts.name]) for name, convention in CONVENTIONS.items() if facts.name in convention.uses
    ]
    if uses:
        rows += ["", "| convention | what it computes | used by |", "|---|---|---|"]
        rows += [
            f"| `{name}` | {_cell(use.definition)}{_cell(f' Defect: {use.defect}.') if use.defect else ''} "
            f"| {_cell(', '.join(CONVENTIONS[name].used_by))} |"
            for name, use in uses
        ]
    return "\n".join([f"## {facts.name}", "", *rows, ""])


def method_cards() -> str:
    """One card a method: paper, licence, proof, speed, what it learned from."""
    found = speeds()
    head = (
        "# Method cards\n\nEvery method and variant, with what its port was compared with. "
        "[How a port is proven](../proofs.md) says what the words mean, and how to repeat it.\n"
    )
    return "\n".join([head, *(_method_card(METHODS.get(name), found) for name in METHODS.everything())])


def _method_card(cls: type[Method], found: Speeds | None) -> str:
    info, proof = cls.info, strongest(cls)
    name = cls.name.replace("-", ":", 1) if cls.variant else cls.name
    paper = f"https://doi.org/{info.paper.removeprefix('doi:')}" if info.paper.startswith("doi:") else info.paper
    rows = {
        "paper": f"{info.year}, <{paper}>" if "//" in paper else f"{info.year}, {paper}",
        "kind": info.kind,
        "licence": info.licence,
        "trained on": info.learned_from,
        "proof": in_words(proof),
        "speed": found.in_words(cls.name) if found else "",
        "weights": ", ".join(file.path for file in info.weights),
        "notes": info.notes,
    }
    table = [f"| {key} | {_cell(value)} |" for key, value in rows.items() if value]
    return "\n".join([f"## {name}", "", f"**{info.title}**", "", "| | |", "|---|---|", *table, ""])


def task_cards() -> str:
    """One card a task: what is measured, and which way each number is better."""
    head = "# Task cards\n\nWhat each task measures. `bench list tasks` prints what there is.\n"
    return "\n".join([head, *(_task_card(TASKS.get(name)) for name in TASKS.names())])


def _task_card(cls: type[Task]) -> str:
    rows = [
        f"| `{number.metric}` | {_cell(number.title)} | {number.better or 'neither'} |"
        for number in cls.numbers
        if not number.hidden
    ]
    table = ["| number | in tables | better |", "|---|---|---|", *rows]
    return "\n".join([f"## {cls.name}", "", f"**{cls.title or cls.name}**", "", cls.about, "", *table, ""])


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "any value"
    return f"{'' if low is None else f'{low:g}'} to {'any' if high is None else f'{high:g}'}".strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
