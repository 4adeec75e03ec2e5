"""The table of proofs as README prints it, from recorded results; `python -m bench.fusion.proof_table` writes it."""

from __future__ import annotations

from pathlib import Path

from bench.files import PROJECT_ROOT, write_atomic
from bench.plugin.kinds import METHODS
from bench.plugin.proof import LEVELS, in_words, strongest

START, END = "<!-- proofs: made by python -m bench.fusion.proof_table -->", "<!-- end of proofs -->"


def markdown() -> str:
    """One row for each method and variant that is not a source passed through, the best proven first."""
    classes = [METHODS.get(name) for name in METHODS.everything()]
    rows = []
    for cls in classes:
        if cls.info.kind == "reference":
            continue
        best = strongest(cls)
        name = cls.name.replace("-", ":", 1) if cls.variant else cls.name
        rows.append((LEVELS.index(best.level), name, f"| `{name}` | {cls.info.learned_from} | {in_words(best)} |"))
    head = ["| method | trained on | proven by |", "|---|---|---|"]
    return "\n".join([*head, *(row for _, _, row in sorted(rows))])


def with_table(text: str) -> str:
    """A document with its table between the two marks made anew."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{markdown()}\n{END}{after}"


def main(readme: Path = PROJECT_ROOT / "README.md") -> None:
    """Writes the table into README."""
    write_atomic(readme, with_table(readme.read_text(encoding="utf-8")).encode())


if __name__ == "__main__":
    main()
