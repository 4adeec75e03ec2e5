"""Draws of the numbers of a task, kept so that they are made once for all who show or compare them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.files import digest, write_atomic
from bench.store.run_folder import Store

KEY = "key"


def keep_draws(store: Store, owner: tuple[str, ...], key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Keeps arrays in the place of those that their owner had; a folder that cannot be written keeps nothing.

    Args:
        store: a run.
        owner: what they are of, e.g. a task, a data set and a method.
        key: fingerprint of all that they depend on.
        arrays: of numbers or text, by name.
    """
    buffer = io.BytesIO()
    named: dict[str, Any] = {KEY: np.array(key), **arrays}
    np.savez(buffer, **named)  # allow_pickle=False would be one more array before NumPy 2.1
    with suppress(OSError):
        write_atomic(_path(store, owner), buffer.getvalue())


def kept_draws(store: Store, owner: tuple[str, ...], key: str) -> dict[str, NDArray[Any]] | None:
    """What was kept; None if there is nothing, if it is damaged, or if it depends on something else."""
    try:
        with np.load(io.BytesIO(_path(store, owner).read_bytes()), allow_pickle=False) as found:
            if found[KEY].item() == key:
                return {name: found[name] for name in found.files if name != KEY}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return None


def _path(store: Store, owner: tuple[str, ...]) -> Path:
    return store.root / "parts" / "draws" / f"{digest(*owner)}.npz"
