"""The kinds of pages of a report, in the order of the head's links."""

from __future__ import annotations

from reports.pages import audit, dataset, first, method, provenance, statistics, task, viewer

KINDS = (first.KIND, dataset.KIND, viewer.KIND, task.KIND, statistics.KIND, audit.KIND, method.KIND, provenance.KIND)
"""Every kind; the first page itself is written last, by ``reports.build``."""
