"""The answers to both questions, drawn once for a run and kept beside its scores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from bench.analysis.questions import SETTINGS, Finding, findings
from bench.analysis.verdict import Verdict
from bench.files import VERSION, digest, file_digest, write_atomic
from bench.store.run_folder import Store
from bench.store.statements import verdicts_path

ANSWERS = 1
"""Raised whenever the same scores would get other answers."""


def run_findings(store: Store) -> list[Finding]:
    """The answers of one run: those kept, if they are of its present scores, else drawn now and kept.

    Raises:
        BenchError: no finished run.
    """
    store.read_scores()
    path, key = verdicts_path(store), _key(store)
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["key"] == key:
            return [_finding(each) for each in kept["findings"]]
    found = findings([store], SETTINGS)
    with suppress(OSError):  # a folder that cannot be written is read all the same
        text = json.dumps({"key": key, "findings": [asdict(each) for each in found]}, indent=1)
        write_atomic(path, text.encode())
    return found


def _key(store: Store) -> str:
    manifest = json.dumps(store.read_manifest().without_times(), sort_keys=True)
    return digest(VERSION, str(ANSWERS), str(asdict(SETTINGS)), manifest, file_digest(store.scores_parquet))


def _finding(facts: Mapping[str, Any]) -> Finding:
    verdicts = tuple(Verdict(**each) for each in facts["verdicts"])
    return Finding(**{**facts, "verdicts": verdicts})
