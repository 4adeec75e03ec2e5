"""Two bare folders, or two patterns, as a data set."""

from __future__ import annotations

from pathlib import Path

from bench.data.catalogue import Dataset
from bench.data.depth import IrRange
from bench.data.listing import Listing
from bench.data.names import Place, broken_link
from bench.data.spec import DatasetSpec, Layout, Part
from bench.errors import BenchError

FOLDER = "folder"
"""What a data set is called that is given as ``--ir DIR --vis DIR``."""


def folder_spec(ir: Path, vis: Path, split: str = "test", ir_range: str = "") -> DatasetSpec:
    """The description of two folders as a data set of one part.

    Args:
        ir: ``FOLDER`` or ``FOLDER/PATTERN`` of the infrared images.
        vis: of the visible ones.
        split: what its part is called.
        ir_range: mapping of deep infrared; empty refuses it.
    """
    # made without the check of relative paths: what is typed on the command line may lie anywhere
    part = Part.model_construct(ir=str(ir.expanduser().absolute()), vis=str(vis.expanduser().absolute()), pattern="*")
    layout = Layout.model_construct(folder=".", parts={split: part})
    return DatasetSpec(
        title=f"{ir} and {vis}",
        licence="the user's own images",
        instructions="Two folders given as --ir and --vis.",
        layouts=(layout,),
        default_split=split,
        ir_range=ir_range,
    )


def open_folders(ir: Path | None, vis: Path | None, split: str = "test", ir_range: str = "") -> Dataset:
    """Two folders of images as the data set ``folder``.

    Raises:
        BenchError: one is missing or no folder, or the mapping of deep infrared is none.
    """
    if ir_range:
        IrRange.of(ir_range)
    for option, path in (("--ir", ir), ("--vis", vis)):
        if path is not None and (broken := broken_link(path.expanduser().absolute())):
            raise BenchError(f"{option} is {path}: {broken.where} {broken.text}")
        if path is None or not Place.of(path.expanduser()).folder.is_dir():
            raise BenchError(f"{option} is {path}, wanted a folder of images; give both --ir and --vis")
    assert ir is not None and vis is not None  # noqa: S101, PT018 - for the type checker
    spec = folder_spec(ir, vis, split, ir_range)
    return Dataset(FOLDER, spec, Path.cwd(), spec.layouts[0], split, "")


def list_folders(ir: Path | None, vis: Path | None, ir_range: str = "") -> Listing:
    """The pairs of two folders, with what was left out and why.

    Raises:
        BenchError: a folder is missing, or they hold no usable pair.
    """
    listing = open_folders(ir, vis, ir_range=ir_range).listing()
    refuse_empty(listing, ir, vis)
    return listing


def refuse_empty(listing: Listing, ir: Path | None, vis: Path | None) -> None:
    """Raises BenchError, which says why, where two folders hold no usable pair."""
    if listing.pairs:
        return
    faults = [problem for problem in listing.problems if problem.fault]
    why = faults[0].text + (f" (and {len(faults) - 1} more)" if faults[1:] else "") if faults else "no image is there"
    raise BenchError(f"{ir} and {vis} hold no usable pair: {why}")
