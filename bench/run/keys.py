"""Fingerprints: equal key, equal result, so that it need not be made again."""

from __future__ import annotations

from bench.files import digest
from bench.run.sources import MethodSource


def fused_key(source: MethodSource, pair: str, digests: dict[str, str]) -> str:
    """The fingerprint of one fused image."""
    return digest(source.key, digests[pair])
