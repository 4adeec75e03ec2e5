"""Writes what was found: the facts beside the methods, and the JSON of ``bench prove``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.files import write_atomic
from bench.fusion.formula_cases import case_facts
from bench.plugin.proof import Record, facts, facts_path, forget_facts
from bench.weights.find import WeightsMissing

if TYPE_CHECKING:
    from bench.fusion.prove import MethodProof

KEYS = ("method", "against", "level", "pairs", "worst_psnr_db", "largest_difference", "relative_error", "ok")
"""Of a row of the JSON, after the outer contract; ``date`` and ``note`` come on top."""


def write_facts(proof: MethodProof, rows: Sequence[Record]) -> None:
    """Writes what was found beside the method: records, known answers, shipped values of formula cases.

    Args:
        proof: of the method or variant.
        rows: its rows, found just now or remembered.

    Raises:
        BenchError: one is false, or the file cannot be written.
    """
    cls = proof.cls
    if bad := [f"{row.against} ({row.note})" for row in rows if row.ok is False]:
        raise BenchError(f"{cls.name}: false against {', '.join(bad)}; nothing is recorded, mend the method first")
    content: dict[str, Any] = {"records": [], "answers": {}, "formula": {}, **facts(cls)}
    fresh = {(row.method, row.against): row.row() for row in rows if row.date and not row.note.startswith("recorded")}
    kept = {(old["method"], old["against"]): old for old in content["records"]}
    content["records"] = [row for _, row in sorted({**kept, **fresh}.items())]
    for kind in ("published", "formula"):
        with suppress(WeightsMissing):
            content["answers"][f"{cls.name} {kind}"] = proof.answer(kind)
    if shipped := {pair: case_facts(*found) for pair, found in proof.cases_here().items()}:
        content["formula"][cls.name] = shipped
    try:
        write_atomic(facts_path(cls), (json.dumps(content, indent=1) + "\n").encode())
    except OSError as error:
        raise BenchError(f"{facts_path(cls)}: cannot be written ({error.strerror})") from error
    forget_facts()


def as_json(rows: Sequence[Record]) -> str:
    """The rows in the form of the outer contract."""
    content = {"proofs": [{key: row.row()[key] for key in (*KEYS, "date", "note")} for row in rows]}
    return json.dumps(content, indent=1) + "\n"


def table(rows: Sequence[Record]) -> list[dict[str, str]]:
    """The rows as text for the screen."""
    return [
        {
            "method": row.method, "against": row.against, "level": row.level, "pairs": str(row.pairs),
            "worst PSNR": _decibels(row), "largest difference": _text(row.largest_difference),
            "floats": "" if row.relative_error is None else f"{row.relative_error:.1e}",
            "ok": {True: "yes", False: "NO", None: "-"}[row.ok], "note": row.note,
        }
        for row in rows
    ]  # fmt: skip


def _decibels(row: Record) -> str:
    if row.worst_psnr_db is None:
        return "equal" if row.largest_difference == 0 else ""
    return f"{row.worst_psnr_db:.1f} dB"


def _text(value: object) -> str:
    return "" if value is None else str(value)
