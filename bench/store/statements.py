"""Files of statements about a run, beside its scores."""

from __future__ import annotations

from pathlib import Path

from bench.store.run_folder import Store


def verdicts_path(store: Store) -> Path:
    """Whether fusion and learning help, as drawn of the scores."""
    return store.root / "verdicts.json"


def audit_path(store: Store) -> Path:
    """What ``bench audit`` found."""
    return store.root / "audit.json"
