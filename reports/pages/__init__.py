"""The kinds of pages of a report, in the order of the head's links."""

from __future__ import annotations

from reports.pages import (
    ablation,
    audit,
    dataset,
    failures,
    first,
    method,
    overall,
    proofs,
    provenance,
    statistics,
    task,
    viewer,
)

KINDS = (
    first.KIND, overall.KIND, ablation.KIND, dataset.KIND, viewer.KIND, task.KIND, statistics.KIND, audit.KIND,
    failures.KIND, method.KIND, proofs.KIND, provenance.KIND,
)  # fmt: skip
"""Every kind; the first page itself is written last, by ``reports.build``."""
