"""``--executor ray`` on real clusters of several node processes on this machine: the same bits, also when one dies."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.run.ray_executor import room
from bench.store.run_folder import Store

ray = pytest.importorskip("ray", reason='Ray is not installed; pip install -e ".[scale]"')

Request = Callable[..., list[Any]]
HERE = Path(__file__).parent


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty cluster to add nodes to; every node is a raylet process of its own."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_DISABLE_IMPORT_WARNING", "1")
    # worker processes of a node must find the test's own units and plug-ins
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(tmp_path / "plugins")]))
    cluster = Cluster()
    yield cluster
    cluster.shutdown()


def add_node(cluster: Any, **resources: float) -> Any:
    return cluster.add_node(
        **{"num_cpus": 1, "num_gpus": 0, "object_store_memory": 80 << 20, "include_dashboard": False, **resources}
    )


def test_room_counts_workers_that_fit_on_one_node() -> None:
    nodes = [
        {"Alive": True, "Resources": {"CPU": 3.0, "GPU": 1.0}},
        {"Alive": True, "Resources": {"CPU": 5.0}},
        {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}},
    ]
    assert room(nodes, 1, 0.0) == 8
    assert room(nodes, 4, 0.0) == 1, "two nodes with half the threads each hold no worker"
    assert room(nodes, 1, 1.0) == 1
    assert room(nodes, 4, 1.0) == 0
    assert room(nodes, 1, 0.5) == 2


DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from faulty_units import FaultyUnit
from bench.run.ray_executor import RayExecutor
out, gpus = Path(sys.argv[2]), float(sys.argv[3])
units = [FaultyUnit(out, "d", "m", None, gpus, (f"{i}", "bad", f"{i}b"), "raise") for i in range(3)]
(out / "apart").mkdir(exist_ok=True)
units += [FaultyUnit(out / "apart", "d", "m", None, gpus, ("dying", "bad"), "once")]
units += [FaultyUnit(out, "d", "m", 4.0, gpus, ("bad", "late"), "hang")]
ended = []
RayExecutor().run(units, 2, 1, lambda unit, failed: ended.append(failed))
print("ended", len(ended), "failed", sum(ended))
"""


def drive(cluster: Any, out: Path, gpus: float = 0.0) -> tuple[int, str]:
    """Runs faulty units from a process of its own, as a command would."""
    import subprocess

    out.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(HERE), str(out), str(gpus)], text=True, capture_output=True, check=False,
        env={**os.environ, "RAY_ADDRESS": cluster.address, "RAY_DEDUP_LOGS": "0"}, timeout=240,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_units_that_fail_hang_or_die_on_two_nodes_leave_the_rest_done(cluster: Any, tmp_path: Path) -> None:
    for _ in range(2):
        add_node(cluster)
    code, output = drive(cluster, tmp_path / "out")
    assert code == 0, output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"0", "0b", "1", "1b", "2", "2b", "late"} <= names
    assert (tmp_path / "out" / "apart" / "bad").exists(), "a unit whose worker died once is tried again"
    assert "ended 13 failed 4" in output, output


@pytest.mark.slow
def test_gpus_are_asked_for(cluster: Any, tmp_path: Path) -> None:
    add_node(cluster, num_cpus=4)
    code, output = drive(cluster, tmp_path / "out", gpus=1.0)
    assert code != 0
    assert "a worker wants 1 and 1 on one node; add nodes" in output
    add_node(cluster, num_cpus=1, num_gpus=1)
    code, output = drive(cluster, tmp_path / "out", gpus=1.0)
    assert code == 0, output
    assert (tmp_path / "out" / "2b").exists()


def test_a_cluster_that_does_not_answer_is_one_line(
    msrs: Path, tmp_path: Path, bench_process: Any, request_for: Request
) -> None:
    request = request_for(msrs, tmp_path / "out", "visible", "--executor", "ray")
    process = type(bench_process)({**bench_process.env, "RAY_ADDRESS": "127.0.0.1:1"})
    code, output = process.run(*request)
    assert code == 2
    assert "RAY_ADDRESS is 127.0.0.1:1: no cluster answers there" in output


METHODS = "average,maximum,laplacian_pyramid,ratio_pyramid,gff,wavelet"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_losing_a_node_changes_no_number(
    cluster: Any, tmp_path: Path, bench_process: Any, request_for: Request, make_data: Callable[..., Path]
) -> None:
    data = make_data(tmp_path / "data", {"test": 24})
    code, output = bench_process.run(*request_for(data, tmp_path / "local", METHODS, "--jobs", "2"))
    assert code == 0, output
    add_node(cluster)
    nodes = [add_node(cluster) for _ in range(2)]
    out = tmp_path / "ray"
    process = type(bench_process)({**bench_process.env, "RAY_ADDRESS": cluster.address})
    running = process.start(*request_for(data, out, METHODS, "--executor", "ray"))
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(running.stdout or ()))
    reader.start()
    end = time.monotonic() + 200
    while len(list((out / "fused").rglob("*.png"))) < 20:
        assert time.monotonic() < end, "".join(lines)
        time.sleep(0.05)
    cluster.remove_node(nodes[0], allow_graceful=False)
    assert running.wait(400) == 0, "".join(lines)
    reader.join(30)
    assert running.stdout is not None
    running.stdout.close()
    assert (out / "scores.csv").read_bytes() == (tmp_path / "local" / "scores.csv").read_bytes()
    images = sorted(path.relative_to(out) for path in (out / "fused").rglob("*.png"))
    assert len(images) == 24 * 6
    assert all((out / path).read_bytes() == (tmp_path / "local" / path).read_bytes() for path in images)
    finished = [line for journal in Store(out).journals("fused", "mfnet") for line in journal.lines("pair", "key")]
    assert len({(line["method"], line["pair"]) for line in finished}) == 24 * 6
    assert set(pd.read_parquet(out / "scores.parquet")["status"]) == {"ok"}


DETECTOR = '''"""Finds the brightest row, so that a test needs no weights."""
import numpy as np
from bench.plugin.task import Detections, Detector

class Brightest(Detector):
    name = "brightest"
    summary = "for tests"
    def __init__(self, model, weights_root, device): pass
    def detect(self, images, classes=None):
        found = []
        for image in images.numpy():
            y = int(image.mean(axis=(0, 2)).argmax())
            box = np.array([[0, y, image.shape[2], y + 40]], np.float32)
            found.append(Detections(box, np.array([image.mean()], np.float32), np.array([classes[0]])))
        return found
'''
WHOLE_PLAN = (
    "--tasks", "metrics,segmentation,detection,efficiency", "--preset", "smoke", "--option", "segmentation.steps=20",
    "--option", "detection.detector=brightest", "--option", "efficiency.seconds=1",
)  # fmt: skip
TRAINED = "seafusion,average"


def busy_nodes(nodes: list[Any]) -> list[Any]:
    """The nodes of which a worker is at work on a unit."""
    import psutil

    found = []
    for node in nodes:
        raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
        if any(child.name().startswith("ray::_Worker.run") for child in raylet.children(recursive=True)):
            found.append(node)
    return found


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_training_detecting_and_segmenting_on_a_cluster_that_loses_nodes_give_the_same_numbers(
    cluster: Any, tmp_path: Path, bench_process: Any, request_for: Request, make_data: Callable[..., Path], plugin: Any
) -> None:
    data = make_data(tmp_path / "data", {"train": 4, "test": 4, "detection": 3}, size=(96, 128))
    plugin(tmp_path / "plugins", "brightest", DETECTOR, ["brightest"], "detectors")
    code, output = bench_process.run(*request_for(data, tmp_path / "local", TRAINED, *WHOLE_PLAN, "--jobs", "2"))
    assert code == 0, output
    add_node(cluster, num_cpus=0)
    nodes = [add_node(cluster) for _ in range(3)]
    out = tmp_path / "ray"
    process = type(bench_process)({**bench_process.env, "RAY_ADDRESS": cluster.address})
    running = process.start(*request_for(data, out, TRAINED, *WHOLE_PLAN, "--executor", "ray"))
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(running.stdout or ()))
    reader.start()
    for what in ("round 1", "segmenter on average"):
        end = time.monotonic() + 900
        while not (at_work := [path for path in out.glob("parts/progress/*") if what in path.read_text()]):
            assert time.monotonic() < end, "".join(lines)
            assert running.poll() is None, "".join(lines)
            time.sleep(0.05)
        assert at_work
        lost = busy_nodes(nodes)[0]
        nodes.remove(lost)
        cluster.remove_node(lost, allow_graceful=False)
    nodes.append(add_node(cluster))
    assert running.wait(1800) == 0, "".join(lines)
    reader.join(30)
    assert running.stdout is not None
    running.stdout.close()
    found, wanted = (pd.read_parquet(folder / "scores.parquet") for folder in (out, tmp_path / "local"))
    assert set(wanted["task"]) == {"metrics", "segmentation", "detection", "efficiency"}
    alike = [
        table[(table["task"] != "efficiency") | table["metric"].isin(["params_M", "flops_G"])].reset_index(drop=True)
        for table in (found, wanted)
    ]
    pd.testing.assert_frame_equal(*alike, check_exact=True)
    assert (wanted["metric"] == "flops_G").sum() == 2
    assert set(found["status"]) == set(wanted["status"])
    weights = [
        sorted(path.relative_to(f) for path in f.glob("trained/*/*/weights.safetensors"))
        for f in (out, tmp_path / "local")
    ]
    assert weights[0] == weights[1]
    assert len(weights[0]) == 1
    assert all((out / path).read_bytes() == (tmp_path / "local" / path).read_bytes() for path in weights[0])
