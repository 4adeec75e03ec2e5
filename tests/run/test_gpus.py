"""``--device cuda`` gives every worker one of the visible GPUs; tried here with counts that no machine has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from bench import machine
from bench.run import executors, stages
from bench.run.config import RunConfig
from bench.run.executors import LocalExecutor, shared_gpus
from bench.run.worker import NO_GPUS, Gpus

HERE = Path(__file__).parent


def pretend(monkeypatch: pytest.MonkeyPatch, count: int, visible: str | None = None) -> None:
    """A driver that counts so many GPUs."""
    monkeypatch.setattr(machine, "has_gpu", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)


@pytest.mark.parametrize(
    ("count", "visible", "names"),
    [
        (0, None, ()), (1, None, ("0",)), (4, None, ("0", "1", "2", "3")), (2, "5, 7", ("5", "7")),
        (2, "GPU-8f1a,MIG-22", ("GPU-8f1a", "MIG-22")), (1, "3,99", ("3",)), (0, "", ()),
    ],
)  # fmt: skip
def test_gpus_are_called_what_the_environment_calls_them(
    count: int, visible: str | None, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, count, visible)
    assert machine.visible_gpus() == names
    assert machine.gpus_for("cuda") == max(1, len(names))
    assert machine.gpus_for("cuda:0") == 1
    assert machine.gpus_for("cpu") == 0


@pytest.mark.parametrize(
    ("device", "jobs", "count", "workers"),
    [("cuda", 0, 3, 3), ("cuda", 2, 3, 2), ("cuda", 0, 1, 1), ("cuda:1", 0, 3, 1), ("cpu", 5, 0, None)],
)
def test_a_run_has_a_worker_for_every_gpu(
    device: str, jobs: int, count: int, workers: int | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, msrs: Path
) -> None:
    pretend(monkeypatch, count)
    monkeypatch.setattr(stages, "count_cores", lambda: 8)
    config = RunConfig(
        methods=("average",), datasets=("mfnet",), data_root=msrs, out=tmp_path, device=device, jobs=jobs
    )
    runner = stages.Runner(config, stages.Store(tmp_path), ())
    assert runner.fuse_workers == (workers or jobs)
    assert runner.long_jobs == (workers or jobs)
    assert [unit.gpus for unit in runner.work.fuse_units()] == [float(device != "cpu")]


@pytest.fixture(autouse=True)
def _found_by_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))


def units(out: Path, names: str, gpus: float = 1.0, **more: Any) -> list[Any]:
    from faulty_units import GpuUnit

    return [GpuUnit(out, "d", name, None, gpus, name, **{"together": len(names), **more}) for name in names]


def test_workers_share_out_the_gpus_one_each_and_a_lost_one_is_free_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "visible_gpus", lambda: ("GPU-a", "GPU-b"))
    ended: list[bool] = []
    LocalExecutor().run(units(tmp_path, "ab"), 2, 1, lambda _, failed: ended.append(failed))
    seen = dict((tmp_path / f"{name}.gpu").read_text().split() for name in "ab")
    assert set(seen) == {"GPU-a", "GPU-b"}
    assert len(set(seen.values())) == 2
    dying = tmp_path / "dying"
    dying.mkdir()
    work = [*units(dying, "x", deed="die"), *units(dying, "yz", together=3)]
    LocalExecutor().run(work, 2, 1, lambda _, failed: ended.append(failed))
    assert (dying / "x.failed").is_file()
    assert {(dying / f"{name}.gpu").read_text().split()[0] for name in "yz"} == {"GPU-a", "GPU-b"}
    assert ended.count(False) == 4


def test_nothing_is_shared_out_where_one_worker_or_no_gpu_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "visible_gpus", lambda: ("0", "1"))
    assert shared_gpus(units(tmp_path, "ab"), 2).names == ("0", "1")
    assert shared_gpus(units(tmp_path, "ab"), 1) == Gpus(used=True)
    assert shared_gpus(units(tmp_path, "ab", gpus=0.0), 2) == NO_GPUS
    monkeypatch.setattr(executors, "visible_gpus", lambda: ("0",))
    assert shared_gpus(units(tmp_path, "ab"), 2) == Gpus(used=True)


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build  (nixbld@)", "580.159.04"),
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024", "535.183.01"),
        ("NVRM version: of a kind of its own", "NVRM version: of a kind of its own"),
        ("", ""),
    ],
)
def test_the_driver_is_named_by_its_version(
    line: str, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_NVIDIA", tmp_path / "version")
    assert machine._driver() == ""
    (tmp_path / "version").write_text(f"{line}\nGCC version:  gcc version 13.2.0\n")
    assert machine._driver() == version


RAY_SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_raylet_start_wait_time_s": "200"}
RAY_DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import ray
from faulty_units import GpuUnit
from bench.run.ray_executor import RayExecutor
out = Path(sys.argv[2])
ray.init(address="local", num_cpus=2, num_gpus=2, include_dashboard=False, log_to_driver=False)
RayExecutor().run([GpuUnit(out, "d", n, None, 1.0, n, 2) for n in "ab"], 2, 1, lambda unit, failed: print(failed))
"""


@pytest.mark.slow
def test_ray_gives_every_worker_a_gpu_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    done = subprocess.run(
        [sys.executable, "-c", RAY_DRIVER, str(HERE), str(tmp_path)], text=True, capture_output=True, check=False,
        env={**os.environ, "PYTHONPATH": str(HERE), **RAY_SETTINGS}, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert {(tmp_path / f"{name}.gpu").read_text().split()[0] for name in "ab"} == {"0", "1"}
