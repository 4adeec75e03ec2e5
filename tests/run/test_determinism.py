"""The same seed gives the same scores, bit for bit, whatever runs the work: one process, many, or a cluster."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Request = Callable[..., list[Any]]
METHODS = "average,laplacian_pyramid,gtf,seafusion"


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Seeded random weights of SeAFusion where a run finds those that were trained here."""
    import torch
    from safetensors.torch import save_file

    from bench.weights.places import trained_path
    from methods.seafusion import SeaFusionMethod

    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(0)
    path = trained_path("seafusion")
    path.parent.mkdir(parents=True)
    save_file({name: t.contiguous() for name, t in SeaFusionMethod().net.state_dict().items()}, path)
    return path


def results(out: Path) -> dict[str, bytes]:
    """The score table and every fused image, as bytes."""
    files = [out / "scores.csv", *(out / "fused").rglob("*.png")]
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


def test_two_workers_and_none_give_the_same_bits(
    msrs: Path, tmp_path: Path, weights: Path, bench_process: Any, request_for: Request
) -> None:
    ways = {"inline": ("--executor", "inline"), "two": ("--jobs", "2")}
    # no limit on threads from outside: the program itself must see to it
    free = {"OMP_NUM_THREADS": "", "MKL_NUM_THREADS": "", "OPENBLAS_NUM_THREADS": ""}
    process = type(bench_process)({**bench_process.env, **free})
    found = {}
    for name, more in ways.items():
        request = request_for(msrs, tmp_path / name, METHODS, "--metrics", "EN,MI,VIF,SF,SD,Qabf,MS_SSIM", *more)
        code, output = process.run(*request)
        assert code == 0, output
        found[name] = results(tmp_path / name)
    assert len(found["inline"]) == 1 + 4 * 4
    assert found["two"] == found["inline"]


@pytest.mark.slow
def test_a_ray_worker_gives_the_same_bits(
    msrs: Path, tmp_path: Path, weights: Path, bench_process: Any, request_for: Request
) -> None:
    pytest.importorskip("ray", reason='Ray is not installed; pip install -e ".[scale]"')
    for name in ("local", "ray"):
        code, output = bench_process.run(
            *request_for(msrs, tmp_path / name, METHODS, "--executor", name, "--jobs", "2")
        )
        assert code == 0, output
    assert results(tmp_path / "ray") == results(tmp_path / "local")


@pytest.mark.slow
def test_a_training_gives_the_same_bits_with_one_job_and_two(
    msrs: Path, tmp_path: Path, bench_process: Any, request_for: Request
) -> None:
    for jobs in ("1", "2"):
        request = request_for(msrs, tmp_path / jobs, "seafusion,visible", "--preset", "smoke", "--jobs", jobs)
        code, output = bench_process.run(*request)
        assert code == 0, output
    assert results(tmp_path / "1") == results(tmp_path / "2")
    weights = [sorted((tmp_path / jobs / "trained").rglob("weights.safetensors")) for jobs in ("1", "2")]
    assert [path.read_bytes() for path in weights[0]] == [path.read_bytes() for path in weights[1]]
    assert weights[0]


@pytest.mark.slow
def test_another_seed_gives_another_training(
    msrs: Path, tmp_path: Path, bench_process: Any, request_for: Request
) -> None:
    for seed in ("0", "1"):
        request = request_for(msrs, tmp_path / seed, "seafusion", "--preset", "smoke", "--seed", seed)
        code, output = bench_process.run(*request)
        assert code == 0, output
    assert results(tmp_path / "0") != results(tmp_path / "1")
