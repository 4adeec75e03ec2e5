"""The folder that a run writes into: made, held by one writer, and extended only by what fits what is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bench.data.folders import FOLDER
from bench.errors import BenchError, describe, is_fatal, stop_for
from bench.run.config import RunConfig
from bench.store.manifest import Manifest
from bench.store.run_folder import Store

ALWAYS_THE_SAME = ("seed", "way", "precision", "compile", "runtime", "train_precision", "ir_range")
"""Settings that all results of one folder share."""


@contextmanager
def sole_writer(store: Store) -> Iterator[None]:
    """Holds the output folder's lock, which dies with its holder; a full disk ends the work in one line.

    Raises:
        BenchError: another run holds the folder, or the disk takes no more.
    """
    lock = FileLock(store.lock_path)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BenchError(
            f"{store.root}: another bench run is writing here; wait for it, end it, or choose another --out"
        ) from error
    except OSError as error:
        raise BenchError(
            f"{store.lock_path}: cannot be locked ({error.strerror}); remove it, or choose another --out"
        ) from error
    try:
        with lock:
            yield
    except OSError as error:
        if is_fatal(error):
            raise stop_for(describe(error)) from error
        raise


def make_folder(folder: Path) -> None:
    """Creates an output folder.

    Raises:
        BenchError: a file is in the way, or it is not writable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(
            f"{folder}: cannot be made an output folder ({error.strerror}); choose another --out"
        ) from error
    if not os.access(folder, os.W_OK):
        raise BenchError(f"{folder}: is not writable; choose another --out or mend its permissions")


def with_absolute_paths(config: RunConfig) -> RunConfig:
    """The same request with roots that mean the same in the workers of any machine, whatever their current folder."""
    roots = {key: getattr(config, key) for key in ("data_root", "weights_root", "datasets_file", "ir", "vis")}
    found = {key: path.expanduser().absolute() for key, path in roots.items() if path is not None}
    return config.model_copy(update=found)


def extending(config: RunConfig, manifest: Manifest) -> RunConfig:
    """The request as it continues a folder: more methods, sets, metrics, tasks or pairs, all else as it was.

    A preset that is not given is the folder's; options of tasks that ran here before are kept.

    Args:
        config: what was asked for now.
        manifest: of the folder; an empty one fits everything.

    Raises:
        BenchError: another seed, way, precision, compile, preset, task option, part of a data set, or fewer pairs;
            the first difference is named.
    """
    if not manifest or not manifest.methods:
        return config
    before = manifest.config
    for key in ALWAYS_THE_SAME:
        _same(config.out, f"--{key.replace('_', '-')}", getattr(before, key), getattr(config, key))
    if config.preset is not None and _used_a_preset(manifest):
        _same(config.out, "--preset", before.preset or "quick", config.preset)
    for name in manifest.tasks:
        asked = config.options_of(name)
        if asked or name in config.tasks:
            _same(config.out, f"options of {name}", _words(before.options_of(name)), _words(asked))
    for selection in config.datasets:
        name, _, part = selection.partition(":")
        for old in before.datasets:
            if old.partition(":")[0] == name and name in manifest.datasets:
                _same(config.out, f"part of {name}", old.partition(":")[2] or "all", part or "all")
    _same_folders(config, manifest)
    _no_fewer(config, before.limit, manifest)
    return config.model_copy(
        update={"preset": config.preset or before.preset, "options": {**before.options, **config.options}}
    )


def _used_a_preset(manifest: Manifest) -> bool:
    """True if some result hangs on the schedule: a training, or a task other than metrics and measurements."""
    trained = any(method.training and method.origin == "trained here" for method in manifest.methods.values())
    return manifest.config.preset is not None or trained


def _no_fewer(config: RunConfig, before: int | None, manifest: Manifest) -> None:
    known = [name for name in manifest.datasets if name in {text.partition(":")[0] for text in config.datasets}]
    if known and config.limit is not None and (before is None or config.limit < before):
        raise BenchError(
            f"{config.out}: holds {'all' if before is None else before} pairs of {', '.join(known)}, --limit is now "
            f"{config.limit}; leave it as it was or raise it, or choose another --out"
        )


def _same_folders(config: RunConfig, manifest: Manifest) -> None:
    if FOLDER in config.datasets and FOLDER in manifest.datasets:
        before = manifest.config
        for option, old, new in (("--ir", before.ir, config.ir), ("--vis", before.vis, config.vis)):
            _same(config.out, option, old, new and str(new.expanduser().absolute()))


def _words(options: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(options.items())) or "none"


def _same(out: Path, what: str, before: object, now: object) -> None:
    if before != now:
        raise BenchError(
            f"{out}: was made with {what} {before}, now it is {now}; results of both would stand in one table: "
            "choose another --out, or the same setting"
        )
