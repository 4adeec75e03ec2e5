"""Every declared proof is backed here: known answers hold, noise on any tensor breaks them, sources reach their bars.

Known answers need the published weights (skipped without) or the formula weights, which any clone can make. One tensor
of each network is tried by default, all of them under ``slow``.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from bench.files import PROJECT_ROOT
from bench.fuse import answers
from bench.fuse.formula_cases import formula_weights
from bench.fuse.proof_places import Places
from bench.fuse.proof_table import with_table
from bench.fuse.prove import MethodProof, prove
from bench.fuse.references import find_references
from bench.plugin.kinds import METHODS
from bench.plugin.method import Method
from bench.plugin.proof import LEVELS, Record, declared, facts, recorded
from bench.weights.find import WeightsMissing, resolve


def _answers() -> list[tuple[str, str]]:
    """(label, kind) of every recorded known answer."""
    found = []
    for name in METHODS.everything():
        cls = METHODS.get(name)
        found += [(cls.name, key.split()[1]) for key in facts(cls).get("answers", {}) if key.split()[0] == cls.name]
    return found


ANSWERS = _answers()
LEARNED = [(name, kind) for name, kind in ANSWERS if METHODS.get(name).info.weights]


def weights_for(cls: type[Method], kind: str, folder: Path, request: pytest.FixtureRequest) -> Path | None:
    if kind == "formula":
        proof = next(p for p in declared(cls).proofs if p.formula and p.variant == cls.variant)
        return formula_weights(cls, proof, folder)
    if not cls.info.weights:
        return None
    root = request.getfixturevalue("shared") / "weights/published"
    try:
        return resolve(cls, root).path
    except WeightsMissing as error:
        pytest.skip(str(error))


def wanted(cls: type[Method], kind: str) -> dict[str, Any]:
    return dict(facts(cls)["answers"][f"{cls.name} {kind}"])


@pytest.mark.parametrize(("name", "kind"), ANSWERS)
def test_the_known_answer_holds(name: str, kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    cls = METHODS.get(name)
    seen = answers.answer(cls, weights_for(cls, kind, tmp_path, request))
    assert answers.difference(cls, seen, wanted(cls, kind)) <= answers.TOLERANCE


def acting(cls: type[Method], tensors: dict[str, torch.Tensor]) -> list[str]:
    """Names of the tensors that noise must be seen on."""
    idle = (*declared(cls).idle.get(cls.variant, ()), "*num_batches_tracked")
    floats = [key for key, value in tensors.items() if value.is_floating_point()]
    return [key for key in floats if not any(fnmatchcase(key, pattern) for pattern in idle)]


def with_noise(tensors: dict[str, torch.Tensor], name: str, share: float, path: Path) -> Path:
    """The tensors with one of them off by a share of its own size, value by value."""
    generator = torch.Generator().manual_seed(1)
    value = tensors[name]
    size = value.double().square().mean().sqrt().clamp_min(1e-12)
    noise = torch.randn(value.shape, generator=generator, dtype=torch.float64) * size * share
    save_file({**tensors, name: (value.double() + noise).to(value.dtype).contiguous()}, path)
    return path


def hears(cls: type[Method], kind: str, tensors: dict[str, torch.Tensor], name: str, path: Path) -> bool:
    seen = answers.answer(cls, with_noise(tensors, name, 0.01, path))
    return not answers.difference(cls, seen, wanted(cls, kind)) <= answers.TOLERANCE


@pytest.mark.parametrize(("name", "kind"), LEARNED)
def test_noise_on_the_quietest_tensor_is_heard(
    name: str, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    cls = METHODS.get(name)
    tensors = load_file(str(weights_for(cls, kind, tmp_path, request)))
    quietest = min(acting(cls, tensors), key=lambda key: float(tensors[key].double().abs().mean()))
    assert hears(cls, kind, tensors, quietest, tmp_path / "noisy.safetensors"), quietest


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("name", "kind"), LEARNED)
def test_noise_on_any_tensor_makes_the_proof_fail(
    name: str, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    cls = METHODS.get(name)
    tensors = load_file(str(weights_for(cls, kind, tmp_path, request)))
    path = tmp_path / "noisy.safetensors"
    deaf = [key for key in acting(cls, tensors) if not hears(cls, kind, tensors, key, path)]
    assert deaf == []
    loud = [key for key in tensors if key not in acting(cls, tensors) and tensors[key].is_floating_point()
            and hears(cls, kind, tensors, key, path)]  # fmt: skip
    assert loud == [], "declared idle, but the output depends on it"


# ------------------------------------------------------------------ declarations


@pytest.mark.parametrize("name", METHODS.everything())
def test_what_is_claimed_is_declared_and_recorded(name: str) -> None:
    cls = METHODS.get(name)
    own = [proof for proof in declared(cls).proofs if proof.variant == cls.variant]
    for record in recorded(cls):
        if record.ok:
            assert any(proof.judged and record.against.startswith(proof.source) for proof in own), record.against
    known = {variant.name for variant in cls.variants} | {""}
    if not cls.variant:
        for proof in declared(cls).proofs:
            assert proof.variant in known, proof
            assert proof.level in LEVELS


@pytest.mark.parametrize("name", sorted({cls_name for cls_name, _ in ANSWERS}))
def test_each_proven_method_reaches_its_bar_on_one_pair(name: str, shared: Path, tmp_path: Path) -> None:
    """One reference file of the first source that has a bar; all of them are ``bench prove``'s."""
    cls = METHODS.get(name)
    places = Places(
        tmp_path, shared / "reference", find_references(shared / "reference", _labels()), shared / "data",
        shared / "weights/published",
    )  # fmt: skip
    own = MethodProof(cls, places)
    groups = [(key, files) for key, files in own._groups().items() if own._proof_for(key[0]).judged]
    if not groups:
        pytest.skip(f"no reference of {name} is at hand")
    (source, label), files = min(groups, key=lambda group: group[1][0].path.stat().st_size)
    row: Record = own._against(source, label, files[:1])
    assert row.ok is not False, row.note


def _labels() -> list[str]:
    return [label for name in METHODS.everything() for cls in [METHODS.get(name)]
            for label in (cls.info.title, *declared(cls).labels.get(cls.variant, ()))]  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", METHODS.names())
def test_every_source_reaches_its_bar(name: str, shared: Path) -> None:
    rows = prove(
        [name], reference=shared / "reference", data_root=shared / "data", weights_root=shared / "weights/published"
    )
    assert [(row.against, row.note) for row in rows if row.ok is False] == []


def test_readmes_table_is_current() -> None:
    text = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    assert text == with_table(text), "run python -m bench.fuse.proof_table"
