"""Proof with formula weights: the cases' inputs, a port filled by the rule, and how far its output is."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.fusion.agreement import PairAgreement, compare
from bench.fusion.answers import sampled
from bench.fusion.harness import Fuser
from bench.plugin.kinds import METHODS
from bench.plugin.method import Method
from bench.plugin.proof import Proof, declared
from bench.types import Image
from bench.weights.convert import save_converted
from bench.weights.formula import read_formula, write_files


@dataclass(frozen=True, slots=True)
class Case:
    """One input: a crop of a pair's files, cut before anything is read into floats."""

    dataset: str
    pair: str
    top: int
    left: int
    height: int
    width: int

    def cut(self, image: Image) -> Image:
        """The crop of one image."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How far one case is: floats over the reference's range, and the written image where there is one."""

    error: float
    image: PairAgreement | None = None


def read_cases(folder: Path) -> dict[str, Case]:
    """The cases of ``inputs.csv``, by name.

    Raises:
        BenchError: no such file, or not in this form.
    """
    try:
        with (folder / "inputs.csv").open(encoding="utf-8", newline="") as stream:
            return {
                row["case"]: Case(row["dataset"].lower(), row["pair"], *(int(row[key]) for key in _NUMBERS))
                for row in csv.DictReader(stream)
            }
    except (OSError, KeyError, ValueError) as error:
        raise BenchError(f"{folder / 'inputs.csv'}: not readable ({error}); it names the cases") from error


_NUMBERS = ("top", "left", "height", "width")


def formula_weights(cls: type[Method], proof: Proof, folder: Path) -> Path:
    """Fills the authors' files by the rule and converts them, as published ones are converted.

    Args:
        cls: the method.
        proof: names the list of tensors.
        folder: where the files are left.

    Returns:
        The safetensors file for the constructor.

    Raises:
        BenchError: the list is wrong, or the method cannot read the files.
    """
    formula = read_formula(proof.formula)
    paths = write_files(formula, folder / formula.title, proof.computed)
    return save_converted(cls, paths, folder / f"{proof.formula}.safetensors")


def float_output(fuser: Fuser, ir: Image, vis: Image, unit: float) -> NDArray[np.float64]:
    """The output before it is written, (H, W) or (3, H, W), in the reference's unit."""
    output = fuser.compute(*fuser.prepare([(ir, vis)]))[0].double().cpu().numpy()
    return np.asarray(output[0] if len(output) == 1 else output) * unit


def against_file(fuser: Fuser, proof: Proof, pair: tuple[Image, Image], path: Path, name: str) -> CaseResult:
    """Compares with ``<case>.npz`` and the image beside it.

    Raises:
        BenchError: a file is not readable, or of another size.
    """
    try:
        with np.load(path) as content:
            wanted, step = content["fused"], int(content["step"])
    except (OSError, KeyError, ValueError) as error:
        raise BenchError(f"{path}: not readable ({error}); wanted arrays fused and step") from error
    seen = float_output(fuser, *pair, proof.unit)[..., ::step, ::step]
    if seen.shape != wanted.shape:
        raise BenchError(f"{path}: holds {wanted.shape} values, the method gives {seen.shape}")
    apart = float(np.abs(seen - wanted).max() / np.ptp(wanted))
    image = path.with_suffix(".png")
    fused = fuser.fuse_luma(*pair) if proof.grey else fuser.fuse_pair(*pair)
    return CaseResult(apart, compare(name, fused, image) if image.is_file() else None)


def case_facts(case: Case, path: Path) -> dict[str, Any]:
    """What the repository ships of one reference output: input, range, mean, spread and 64 values."""
    with np.load(path) as content:
        wanted, step = content["fused"], int(content["step"])
    wide = wanted.astype(np.float64)
    return {
        "dataset": case.dataset, "pair": case.pair, "crop": [getattr(case, key) for key in _NUMBERS], "step": step,
        "minimum": float(wide.min()), "maximum": float(wide.max()), "mean": float(wide.mean()),
        "deviation": float(wide.std()), "samples": [float(value) for value in sampled(wanted)],
    }  # fmt: skip


def against_facts(fuser: Fuser, proof: Proof, pair: tuple[Image, Image], facts: Mapping[str, Any]) -> CaseResult:
    """Compares with what the repository ships of a case."""
    step = facts["step"]
    seen = float_output(fuser, *pair, proof.unit)[..., ::step, ::step]
    span = facts["maximum"] - facts["minimum"]
    apart = np.abs(sampled(seen) - np.array(facts["samples"])).max()
    for name, value in (("minimum", seen.min()), ("maximum", seen.max()), ("mean", seen.mean())):
        apart = max(apart, abs(float(value) - facts[name]))
    return CaseResult(float(apart) / span if span else math.inf)


def case_of(facts: Mapping[str, Any]) -> Case:
    """The input that shipped facts name."""
    return Case(facts["dataset"], facts["pair"], *facts["crop"])


def write_formula_files(names: Sequence[str], out: Path) -> list[str]:
    """Writes methods' formula weights in their authors' file formats, one folder for each title.

    Args:
        names: methods or variants; none means all that are proven so.
        out: made if absent.

    Returns:
        One line for each file.

    Raises:
        BenchError: a method that was named is not proven by formula weights.
    """
    lines = []
    for name in names or METHODS.names():
        cls = METHODS.get(name)
        proofs = [proof for proof in declared(cls).proofs if proof.formula and proof.variant in ("", cls.variant)]
        if not proofs and names:
            raise BenchError(f"{name}: no formula weights are declared for it; see bench list methods --long")
        for proof in {proof.formula: proof for proof in proofs}.values():
            formula = read_formula(proof.formula)
            paths = write_files(formula, out / formula.title, proof.computed)
            lines += [f"{name}: {path} (values SHA-256 {formula.sha256[:12]}...)" for path in paths]
    return lines
