"""What a run asks for, before any work: which data sets and weights are on this machine, and which can be fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bench.data.catalogue import Datasets, find_layout, parse_selection
from bench.data.commands import fetch_dataset
from bench.data.folders import FOLDER
from bench.data.listing import Source, list_pairs
from bench.data.spec import DatasetSpec
from bench.download import Progress
from bench.errors import BenchError
from bench.plugin.kinds import METHODS
from bench.plugin.method import Method, Trainable
from bench.run.config import RunConfig
from bench.run.planning import requested_methods
from bench.weights.commands import fetch as fetch_weights
from bench.weights.find import is_here

Kind = Literal["data set", "weights"]


@dataclass(frozen=True, slots=True)
class Item:
    """A data set, or a method's weights.

    Attributes:
        kind: of it.
        name: as asked for.
        here: on this machine, or made without asking anyone.
        state: in words.
        source: where it is fetched from; empty where it cannot be fetched by itself.
        advice: what is to be done by hand, where it is missing.
    """

    kind: Kind
    name: str
    here: bool
    state: str
    source: str = ""
    advice: str = ""

    @property
    def fetchable(self) -> bool:
        """Missing, and to be had without a hand's turn."""
        return not self.here and bool(self.source)


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that a run asks for."""

    items: tuple[Item, ...]

    @property
    def missing(self) -> tuple[Item, ...]:
        """What is not here."""
        return tuple(item for item in self.items if not item.here)

    @property
    def fetchable(self) -> tuple[Item, ...]:
        """What of it can be fetched."""
        return tuple(item for item in self.items if item.fetchable)

    def advice(self) -> list[str]:
        """A line for each missing thing that cannot be fetched by itself."""
        return [f"{item.name}: {item.advice}" for item in self.missing if item.advice and not item.source]

    def rows(self) -> list[dict[str, str]]:
        """For a table: every data set, the weights that are missing, and how many are here."""
        ready = [item for item in self.items if item.kind == "weights" and item.here]
        shown = [item for item in self.items if item not in ready]
        rows = [
            {
                "what": item.kind, "name": item.name, "here": "yes" if item.here else "no", "state": item.state,
                "fetched by --fetch": item.source or ("" if item.here else "no"),
            }
            for item in shown
        ]  # fmt: skip
        if ready:
            rows.append({"what": "weights", "name": f"{len(ready)} methods", "here": "yes", "state": _counted(ready)})
        return rows


def _counted(items: Iterable[Item]) -> str:
    states = [item.state for item in items]
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))


def take_inventory(config: RunConfig, fetch: bool = False) -> Inventory:
    """Looks for everything that a run asks for; reads no image and no weights.

    Args:
        config: the request.
        fetch: weights that have an address are wanted rather than a training in this run.

    Raises:
        BenchError: an unknown data set or method.
    """
    known = Datasets.of(config.data_root, config.datasets_file)
    names = [name for name in dict.fromkeys(config.datasets) if name != FOLDER]
    sets = [_dataset(name, known) for name in names]
    labels = [label for label in requested_methods(config)[1] if "=" not in label]
    return Inventory((*sets, *(_weights(label, config, fetch) for label in labels)))


def _dataset(selection: str, known: Datasets) -> Item:
    name, spec, split, _ = parse_selection(selection, known.specs)
    layout = find_layout(spec, known.root)
    if layout is None:
        state = "made when first used" if spec.generated else f"not in {known.root}"
        return Item("data set", selection, spec.generated, state, _source(spec), spec.how_to_get)
    if split not in layout.parts:
        return Item("data set", selection, True, f"no part {split} in {known.root / layout.folder}")
    listing = list_pairs(Source(name, spec, known.root, layout, split), limit=0)
    return Item("data set", selection, True, f"{listing.found} of {listing.listed} pairs")


def _source(spec: DatasetSpec) -> str:
    if spec.repository is not None:
        return spec.repository.url
    return ", ".join(item.url for item in spec.downloads)


def _weights(label: str, config: RunConfig, fetch: bool) -> Item:
    try:
        method = METHODS.get(label)
    except BenchError as error:
        return Item("weights", label, False, str(error))
    if is_here(method, config.weights_root):
        return Item("weights", label, True, "here" if method.info.weights else "in need of none")
    item = Item("weights", label, False, ", ".join(file.path for file in method.info.weights) or "trained weights")
    source, trains = _address(method), isinstance(method, Trainable)
    if trains and config.preset is not None and not (fetch and source):
        return Item("weights", label, True, f"to be trained in this run (--preset {config.preset})")
    if source:
        return replace(item, source=source)
    if trains:
        return replace(item, advice=f"train it here with --preset, or bench train {label}")
    return replace(item, advice="ask its authors, then give their files with --weights-root")


def _address(method: type[Method]) -> str:
    """Host and size of a method's files, where all of them have an address."""
    files = method.info.weights
    if not files or not all(file.url for file in files):
        return ""
    hosts = ", ".join(dict.fromkeys(file.url.split("/")[2] for file in files))
    size = sum(file.size or 0 for file in files)
    in_words = f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.0f} kB"
    return f"{hosts}, {in_words}" if size else hosts


def fetch_missing(
    inventory: Inventory, config: RunConfig, say: Callable[[str], None], progress: Progress | None = None
) -> list[str]:
    """Fetches what can be fetched: data sets to the data root, weights to the cache.

    Args:
        inventory: of the same request.
        config: names the folders.
        say: told of everything that was fetched.
        progress: told of every piece of a download.

    Returns:
        One line for each thing that did not come; the run goes on without it.
    """
    failed = []
    for item in inventory.fetchable:
        try:
            for line in _fetch(item, config, progress):
                say(line)
        except BenchError as error:
            failed.append(f"{item.name}: {error}")
    return failed


def _fetch(item: Item, config: RunConfig, progress: Progress | None) -> Iterator[str]:
    if item.kind == "weights":
        yield from fetch_weights([item.name])
        return
    if config.data_root is not None:
        Path(config.data_root).mkdir(parents=True, exist_ok=True)
    done = fetch_dataset(item.name.partition(":")[0], config.data_root, config.datasets_file, progress)
    yield f"{done.name}: {done.folder}: {done.text}"
