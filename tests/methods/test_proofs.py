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

from bench.errors import BenchError
from bench.files import PROJECT_ROOT
from bench.fusion import answers
from bench.fusion.formula_cases import formula_weights
from bench.fusion.proof_places import Places
from bench.fusion.proof_table import with_table
from bench.fusion.prove import MethodProof, prove
from bench.fusion.references import find_references
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
    assert answers.difference(cls, seen, wanted(cls, kind)) <= answers.tolerance(cls)


class Heard:
    """Whether the proof of a method hears 1 % of noise on a tensor, one tensor at a time."""

    def __init__(self, cls: type[Method], kind: str, weights: Path | None, folder: Path) -> None:
        self.cls, self.wanted, self.folder = cls, wanted(cls, kind), folder
        self.fuser = answers.in_float64(cls, weights)
        self.tensors = {
            name: tensor
            for module in self.fuser.method.modules().values()
            for name, tensor in module.state_dict().items()
            if tensor.is_floating_point()
        }
        self.stored = {} if self.tensors else load_file(str(weights))  # held as arrays, not as a network
        self.names = sorted(self.tensors or self.stored)

    def idle(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in declared(self.cls).idle.get(self.cls.variant, ()))

    def hears(self, name: str) -> bool:
        seen = self.of_network(name) if self.tensors else self.of_file(name)
        return not answers.difference(self.cls, seen, self.wanted) <= answers.tolerance(self.cls)

    def of_network(self, name: str) -> dict[str, Any]:
        tensor = self.tensors[name]
        kept = tensor.clone()
        tensor.copy_(with_noise(tensor))
        try:
            return answers.answer_of(self.fuser)
        finally:
            tensor.copy_(kept)

    def of_file(self, name: str) -> dict[str, Any]:
        save_file({**self.stored, name: with_noise(self.stored[name])}, self.folder / "noisy.safetensors")
        return answers.answer(self.cls, self.folder / "noisy.safetensors")

    def wrong(self, names: list[str]) -> list[str]:
        """Tensors whose noise stays unheard, or is heard though they are declared idle."""
        return [name for name in names if self.hears(name) == self.idle(name)]


def with_noise(tensor: torch.Tensor, share: float = 0.01) -> torch.Tensor:
    """The tensor off by a share of its own size, value by value."""
    size = tensor.double().square().mean().sqrt().clamp_min(1e-12)
    noise = torch.randn(tensor.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * size * share
    return (tensor.double() + noise).to(tensor.dtype).contiguous()


TRIED = 2
"""Tensors of each network that are tried by default beside the quietest."""


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, kind in LEARNED if not METHODS.get(name).variant])
def test_noise_on_some_tensors_makes_the_proof_fail(
    name: str, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    cls = METHODS.get(name)
    heard = Heard(cls, kind, weights_for(cls, kind, tmp_path, request), tmp_path)
    names = heard.names[:: -(-len(heard.names) // TRIED)]
    if acting := [key for key in heard.tensors if not heard.idle(key)]:
        names.append(min(acting, key=lambda key: float(heard.tensors[key].abs().mean())))
    assert heard.wrong(names) == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("name", "kind"), LEARNED)
def test_noise_on_any_tensor_makes_the_proof_fail(
    name: str, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    cls = METHODS.get(name)
    heard = Heard(cls, kind, weights_for(cls, kind, tmp_path, request), tmp_path)
    assert heard.wrong(heard.names) == []


@pytest.mark.parametrize("name", [name for name in METHODS.everything() if METHODS.get(name).info.weights])
def test_a_published_file_that_changed_anywhere_fails(name: str, shared: Path, tmp_path: Path) -> None:
    """Also in tensors that no forward pass uses, which are not loaded."""
    weights = METHODS.get(name).info.weights
    root = shared / "weights/published"
    if not all((root / file.path).is_file() for file in weights):
        pytest.skip(f"{name}: published weights are not at hand")
    for changed in weights:
        for file in weights:
            content = bytearray((root / file.path).read_bytes())
            if file is changed:
                content[len(content) // 2] ^= 1
            (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file.path).write_bytes(content)
        with pytest.raises(BenchError, match="wanted"):
            resolve(METHODS.get(name), tmp_path)


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


@pytest.fixture(scope="module")
def places(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Places:
    """Where proofs find things; the tree of reference images is walked once."""
    reference = shared / "reference"
    return Places(
        tmp_path_factory.mktemp("proofs"), reference, find_references(reference, _labels()), shared / "data",
        shared / "weights/published",
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted({cls_name for cls_name, _ in ANSWERS}))
def test_each_proven_method_reaches_its_bar_on_one_pair(name: str, places: Places) -> None:
    """One reference file of the first source that has a bar; all of them are ``bench prove``'s."""
    cls = METHODS.get(name)
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
    assert text == with_table(text), "run python -m bench.fusion.proof_table"


def test_sources_that_this_pillow_resizes_otherwise_prove_nothing(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = MethodProof(METHODS.get("lut_fuse"), places)
    (source, label), files = next((key, files) for key, files in own._groups().items() if own._proof_for(key[0]).resize)
    monkeypatch.setattr("bench.fusion.prove.RESIZES_AS_THEN", False)
    row = own._against(source, label, files[:1])
    assert row.ok is None
    assert "resized by Pillow 13" in row.note
