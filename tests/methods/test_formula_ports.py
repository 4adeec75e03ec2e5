"""Ports whose weights are not at hand: the authors' networks filled by the formula rule, case by case."""

from __future__ import annotations

import csv
import dataclasses
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.errors import BenchError
from bench.fusion.harness import Fuser
from bench.fusion.style import written_luma
from bench.images import read_image
from bench.plugin.kinds import METHODS
from bench.plugin.method import Method
from bench.plugin.proof import Proof, declared
from bench.weights.find import resolve
from bench.weights.formula import fill, read_formula, write_files

TITLES = {
    "cddfuse": "CDDFuse", "emma": "EMMA", "swinfusion": "SwinFusion", "piafusion": "PIAFusion",
    "piafusion:torch": "PIAFusion_pytorch", "metafusion": "MetaFusion", "nestfuse": "NestFuse",
    "nestfuse:max": "NestFuse", "nestfuse:nuclear": "NestFuse",
}  # fmt: skip
"""Method or variant -> folder of its reference outputs."""

FAST_CASES = dict.fromkeys(TITLES, "tno_05_crop") | {"emma": "msrs_01004N_odd", "piafusion": "msrs_00537D_crop"}
ACTS = 1e-7
"""Of the float64 output's range: a change that known answers notice."""


def proof_of(name: str) -> Proof:
    cls = METHODS.get(name)
    (proof,) = (each for each in declared(cls).proofs if each.formula and each.variant == cls.variant)
    return proof


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Method]:
    """Every method with formula weights, through its own converter."""
    folder = tmp_path_factory.mktemp("formula")
    methods = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(folder / "cache"))
        for name in TITLES:
            proof = proof_of(name)
            paths = write_files(read_formula(proof.formula), folder / proof.formula)
            methods[name] = METHODS.get(name)(resolve(METHODS.get(name), paths[0]).path)
    return methods


def pair_of(case: str, shared: Path) -> tuple[np.ndarray, np.ndarray]:
    """The case's crop of the pixels of the files."""
    with (shared / "reference/formula/inputs.csv").open() as stream:
        row = next(row for row in csv.DictReader(stream) if row["case"] == case)
    top, left, height, width = (int(row[key]) for key in ("top", "left", "height", "width"))
    folder = shared / "data" / ("TNO" if row["dataset"] == "TNO" else "MSRS/test")
    ir, vis = (read_image(folder / kind / f"{row['pair']}.png") for kind in ("ir", "vi"))
    return ir[top : top + height, left : left + width], vis[top : top + height, left : left + width]


def check_case(name: str, method: Method, case: str, shared: Path) -> None:
    proof = proof_of(name)
    file = shared / "reference/formula" / TITLES[name] / f"{case}{'_' + proof.suffix if proof.suffix else ''}.npz"
    pair, fuser = pair_of(case, shared), Fuser(method, authors_size=True)
    with np.load(file) as content:
        wanted, step = content["fused"].astype(float), int(content["step"])
    output = fuser.compute(*fuser.prepare([pair]))
    seen = output[0, 0].double().numpy() * proof.unit
    assert np.abs(seen[::step, ::step] - wanted).max() <= 1e-4 * np.ptp(wanted)
    image = read_image(file.with_suffix(".png"))
    grey = written_luma(fuser.style, output[0, 0].numpy())
    written = grey if proof.grey else fuser.finish([pair], output)[0]
    assert written.shape == image.shape
    near = np.abs(written.astype(int) - image) <= 1
    assert near.reshape(*near.shape[:2], -1).all(axis=2).mean() >= 0.999


@pytest.mark.parametrize("name", TITLES)
def test_the_authors_network_gives_this(name: str, built: dict[str, Method], shared: Path) -> None:
    check_case(name, built[name], FAST_CASES[name], shared)


@pytest.mark.slow
@pytest.mark.parametrize("name", TITLES)
def test_the_authors_network_gives_this_in_every_case(name: str, built: dict[str, Method], shared: Path) -> None:
    suffix = proof_of(name).suffix
    files = (shared / "reference/formula" / TITLES[name]).glob(f"*{suffix}.npz")
    cases = {path.stem.removesuffix(f"_{suffix}") for path in files} - {FAST_CASES[name]}
    assert len(cases) == (2 if name.startswith("nestfuse") else 3)
    for case in sorted(cases):
        check_case(name, built[name], case, shared)


# ------------------------------------------------------------------ noise


def made_pair(height: int = 16, width: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Colours without any order, but with a large bright part and a dark one."""
    ir, vis = fill("ir", (height, width), 100, 60), fill("vis", (height, width, 3), 120, 60)
    ir[:, : width // 3] += 80
    vis[: height // 2] -= 50
    return ir.clip(0, 255).astype(np.uint8), vis.clip(0, 255).astype(np.uint8)


def wide_output(method: Method) -> Tensor:
    """The output in float64, where no rounding hides a change."""
    fuser, side = Fuser(method), max(method.smallest, 16)
    return fuser.compute(*(x.double() for x in fuser.prepare([made_pair(side, side + 8)])))


def unnoticed(name: str, method: Method, tensors: slice) -> list[str]:
    """Tensors that 1 % noise changes without moving the output."""
    cls = METHODS.get(name)
    idle = declared(cls).idle.get(cls.variant, ())
    net = method.modules()["net"].double()
    clean = wide_output(method)
    span = float(clean.max() - clean.min())
    found = []
    for key, parameter in list(net.named_parameters())[tensors]:
        kept = parameter.data
        parameter.data = kept * torch.from_numpy(fill(f"noise of {key}", kept.shape, 1.0, 0.01)).double()
        moved = float((wide_output(method) - clean).abs().max()) > ACTS * span
        parameter.data = kept
        if moved == any(fnmatch(key, pattern) for pattern in idle):
            found.append(key)
    net.float()
    return found


@pytest.mark.parametrize("name", TITLES)
def test_noise_on_a_tensor_is_noticed(name: str, built: dict[str, Method]) -> None:
    count = sum(1 for _ in built[name].modules()["net"].parameters())
    assert unnoticed(name, built[name], slice(count // 7, None, max(count // 4, 1))) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", TITLES)
def test_noise_on_any_tensor_is_noticed(name: str, built: dict[str, Method]) -> None:
    assert unnoticed(name, built[name], slice(None)) == []


# ------------------------------------------------------------------ files


@pytest.mark.parametrize("name", ["cddfuse", "piafusion", "swinfusion"])
def test_a_file_of_another_method_is_refused(name: str, tmp_path: Path) -> None:
    other = write_files(read_formula("metafusion" if name != "piafusion" else "fusiongan"), tmp_path)
    with pytest.raises(BenchError, match="has no tensor"):
        METHODS.get(name).convert(other)


def test_the_masks_in_the_authors_file_are_not_needed(tmp_path: Path) -> None:
    proof, formula = proof_of("swinfusion"), read_formula("swinfusion")
    assert proof.computed is not None
    kept = {"10000_E.pth": tuple(row for row in formula.buffers["10000_E.pth"] if "layers_Ex_A" in row.name)}
    (path,) = write_files(dataclasses.replace(formula, buffers=kept), tmp_path, proof.computed)
    stored = torch.load(path, weights_only=True)
    for row in kept["10000_E.pth"]:
        assert tuple(stored[row.name].shape) == row.shape
        assert str(stored[row.name].dtype) == f"torch.{row.dtype}"
    assert METHODS.get("swinfusion").convert([path]).keys() == METHODS.get("swinfusion")().net.state_dict().keys()


def test_what_stands_beside_the_state_dicts_is_left_out(tmp_path: Path) -> None:
    (path,) = write_files(read_formula("cddfuse"), tmp_path)
    content = torch.load(path, weights_only=True) | {"optimizer1": {"state": {}, "param_groups": [{"lr": 0.1}]}}
    torch.save(content, path)
    assert METHODS.get("cddfuse").convert([path]).keys() == METHODS.get("cddfuse")().net.state_dict().keys()


# ------------------------------------------------------------------ windows and tiles


def test_emma_takes_the_last_rows_and_columns_from_other_windows(built: dict[str, Method]) -> None:
    method, (ir, vis) = built["emma"], (torch.rand(1, 1, 36, 71) for _ in range(2))
    whole = method.fuse(ir, vis)
    for rows, columns, kept in (
        (slice(0, 32), slice(0, 64), (slice(0, 32), slice(0, 64))),
        (slice(0, 32), slice(7, 71), (slice(0, 32), slice(64, 71))),
        (slice(4, 36), slice(0, 64), (slice(32, 36), slice(0, 64))),
        (slice(4, 36), slice(7, 71), (slice(32, 36), slice(64, 71))),
    ):
        window = torch.zeros_like(whole)
        window[..., rows, columns] = method.fuse(ir[..., rows, columns], vis[..., rows, columns])
        torch.testing.assert_close(whole[..., kept[0], kept[1]], window[..., kept[0], kept[1]])


def test_swinfusion_always_pads(built: dict[str, Method]) -> None:
    seen: list[tuple[int, ...]] = []
    net = built["swinfusion"].modules()["net"]
    hook = net.register_forward_hook(lambda *call: seen.append(tuple(call[1][0].shape[2:])))
    for height, width in ((16, 17), (23, 24)):
        pair = tuple(image[:height, :width] for image in made_pair(24, 24))
        assert Fuser(built["swinfusion"]).fuse_pair(pair[0], pair[1]).shape == (height, width, 3)
    hook.remove()
    assert seen == [(24, 24), (24, 32)]


def test_nestfuse_stays_finite_where_exponentials_do_not() -> None:
    from methods._nets.nestfuse import by_place

    ir, vis = torch.full((1, 2, 3, 3), 400.0), torch.full((1, 2, 3, 3), 399.0)
    weight = 1 / (1 + np.exp(-1))
    torch.testing.assert_close(by_place(ir, vis), ir * weight + vis * (1 - weight))
    small = torch.rand(2, 1, 2, 3, 3, dtype=torch.float64)
    first, second = (torch.exp(x.mean(1, keepdim=True)) for x in small)
    expected = (first * small[0] + second * small[1]) / (first + second + 1e-5)
    torch.testing.assert_close(by_place(*small), expected)
