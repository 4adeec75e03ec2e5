"""Fused images of a run: written, and known again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.files import digest, file_digest, write_atomic
from bench.images import encode_png
from bench.store.run_folder import Store
from bench.types import Image, PairFiles


def write_fused(store: Store, files: PairFiles, method: str, image: Image) -> dict[str, Any]:
    """Writes a fused image; returns what the journal must remember to trust it later."""
    path = store.fused_of(files, method)
    data = encode_png(image)
    write_atomic(path, data)
    return {
        "split": files.split,
        "pair": files.id,
        "digest": digest(data),
        "size": len(data),
        "mtime": path.stat().st_mtime_ns,
    }


def fused_is_whole(store: Store, dataset: str, method: str, line: Mapping[str, Any]) -> bool:
    """True if the image a journal line speaks of is still the one that was written."""
    path = store.fused_path(dataset, str(line["split"]), method, str(line["pair"]))
    try:
        status = path.stat()
    except OSError:
        return False
    if status.st_size != line.get("size"):
        return False
    return status.st_mtime_ns == line.get("mtime") or file_digest(path) == line.get("digest")
