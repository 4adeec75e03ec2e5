"""A run on a machine that has nothing: what is missing is said at once, fetched if wanted, and done without if not."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import http.server
import io
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import git_server
import numpy as np
import pytest
import yaml
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner, Result

from bench.cli import app
from bench.data.spec import _built_in, load_datasets
from bench.plugin.method import WeightFile
from bench.run.estimate import _seconds
from bench.run.units import TrainUnit
from bench.types import Pair, PairFiles
from methods._nets.seafusion import SeAFusion
from methods.seafusion import SeaFusionMethod

LAYOUTS = {"mfnet": ("png", "DN"), "roadscene": ("jpg", ""), "tno": ("png", "")}
"""Set, in its published layout -> the ending of its files, the ends of its names."""


def archive(ir: str, vis: str, ending: str, tags: str) -> bytes:
    """Two pairs, zipped as they are published."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for number in range(2):
            name = f"0000{number + 1}{tags[number : number + 1]}"
            random = np.random.default_rng(number)
            for side, shape in ((ir, (40, 48)), (vis, (40, 48, 3))):
                image = io.BytesIO()
                Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8)).save(
                    image, {"jpg": "JPEG", "png": "PNG"}[ending]
                )
                packed.writestr(f"{side}/{name}.{ending}", image.getvalue())
    return buffer.getvalue()


@dataclasses.dataclass
class World:
    """A server with archives and weights, and a machine that has nothing."""

    address: str
    served: Path
    datasets: Path
    data: Path
    out: Path
    asked: list[str]

    def run(self, *more: str, names: str = ",".join(LAYOUTS), text: str = "") -> Result:
        arguments = [
            "run", "--datasets", names, "--datasets-file", self.datasets, "--data-root", self.data, "--out", self.out,
            "--methods", "all" if "all" in more else "visible,average,seafusion", "--metrics", "EN", "--conventions",
            "standard", "--tasks", "metrics", "--executor", "inline", "--engine", "numpy",
            *(word for word in more if word != "all"),
        ]  # fmt: skip
        return CliRunner().invoke(app, [str(word) for word in arguments], input=text)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    served, asked = tmp_path / "served", list[str]()
    served.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_request(self, *_: Any) -> None:
            asked.append(self.path)

        def log_message(self, *_: Any) -> None:
            pass

    handler = functools.partial(Handler, directory=str(served))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    entries = {}
    for name, (ending, tags) in LAYOUTS.items():
        spec = load_datasets(None)[name]
        layout = spec.layouts[0]
        part = layout.parts["test"]
        packed = archive(part.ir, part.vis, ending, tags)
        (served / f"{name}.zip").write_bytes(packed)
        entries[name] = {
            "title": name, "homepage": "x", "licence": "x", "citation": "x", "instructions": f"ask for {name}",
            "layouts": [{
                "folder": layout.folder, "parts": {"test": {"ir": part.ir, "vis": part.vis, "pattern": part.pattern}},
            }],
            "downloads": [{
                "url": f"{address}/{name}.zip", "sha256": hashlib.sha256(packed).hexdigest(),
                "unpack_to": layout.folder,
            }],
        }  # fmt: skip
    datasets = tmp_path / "sets.yaml"
    datasets.write_text(yaml.safe_dump({"datasets": entries}))
    serve_weights(served, address, monkeypatch)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCH_WEIGHTS", raising=False)
    (tmp_path / "data").mkdir()
    yield World(address, served, datasets, tmp_path / "data", tmp_path / "run", asked)
    server.shutdown()
    thread.join()
    server.server_close()


def serve_weights(served: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SeAFusion of our own instead of the authors', under a name of theirs."""
    path = served / "SeAFusion.safetensors"
    save_file(SeAFusion().state_dict(), path)
    wanted = WeightFile(
        path="SeAFusion/SeAFusion.safetensors", url=f"{address}/{path.name}",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(), size=path.stat().st_size, licence="x",
    )  # fmt: skip
    info = dataclasses.replace(SeaFusionMethod.info, weights=(wanted,))
    monkeypatch.setattr(SeaFusionMethod, "info", info)

    def convert(paths: Any) -> Any:
        from safetensors.torch import load_file

        return load_file(paths[0])

    monkeypatch.setattr(SeaFusionMethod, "convert", staticmethod(convert))


def test_from_nothing_to_the_report(world: World) -> None:
    first = world.run("--fetch")
    assert first.exit_code == 0, first.output
    table = first.output.splitlines()[:6]
    for name in (*LAYOUTS, "seafusion"):
        assert any(name in line and " no " in line for line in table), table
    assert (world.out / "report" / "index.html").is_file()
    assert len(list((world.out / "fused").rglob("*.png"))) == 3 * 3 * 2
    assert sorted(set(world.asked)) == ["/SeAFusion.safetensors", *(f"/{name}.zip" for name in LAYOUTS)]
    world.asked.clear()
    again = world.run("--fetch")
    assert again.exit_code == 0
    assert not world.asked
    assert "computed now: train 0, fuse 0, score 0" in again.output


@pytest.fixture
def repositories(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The three sets as they are described here and published there, with git led to a server on this machine.

    Yields:
        The addresses that the server was asked for.
    """
    if not (Path(git_output("--exec-path")) / "git-http-backend").is_file():
        pytest.skip("git has no http-backend here")
    asked: list[str] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), git_server.handler(tmp_path / "hosted", asked))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.http://127.0.0.1:{server.server_port}/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/")
    entries = {name: yaml.safe_load(_built_in().read_text())["datasets"][name] for name in LAYOUTS}
    for name, (ending, _) in LAYOUTS.items():
        spec = load_datasets(None)[name]
        assert spec.repository is not None
        unpacked = tmp_path / "upstream" / spec.repository.unpack_to
        layout = next(one for one in spec.layouts if one.folder.startswith(spec.repository.unpack_to))
        part, pairs = layout.parts["test"], list(spec.pairs["test"])[:2]
        for pair in pairs:
            for side, shape in ((part.ir, (40, 48)), (part.vis, (40, 48, 3))):
                path = tmp_path / "upstream" / layout.folder / side / f"{pair}.{ending}"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)).save(path)
        address = spec.repository.url
        commit = git_server.publish(tmp_path / "hosted", address.removeprefix("https://github.com/"), unpacked)
        entries[name] |= {
            "repository": {"url": address, "commit": commit, "unpack_to": spec.repository.unpack_to},
            "pairs": {"test": pairs}, "subsets": {}, "also": [],
        }  # fmt: skip
    world.datasets.write_text(yaml.safe_dump({"datasets": entries}))
    yield asked
    server.shutdown()
    thread.join()
    server.server_close()


def git_output(*words: str) -> str:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout.strip()


def test_the_sets_come_from_repositories_as_their_owners_publish_them(world: World, repositories: list[str]) -> None:
    first = world.run("--fetch")
    assert first.exit_code == 0, first.output
    table = first.output.splitlines()[:6]
    for spec in (load_datasets(None)[name] for name in LAYOUTS):
        assert spec.repository is not None
        assert any(line.endswith(spec.repository.url) and " no " in line for line in table), table
        assert any(path.startswith(spec.repository.url.removeprefix("https://github.com")) for path in repositories)
    assert len(list((world.out / "fused").rglob("*.png"))) == 3 * 3 * 2
    assert (world.out / "report" / "index.html").is_file()
    repositories.clear()
    again = world.run("--fetch")
    assert again.exit_code == 0, again.output
    assert repositories == []


def test_without_a_yes_nothing_is_fetched_and_the_command_that_does_is_named(world: World) -> None:
    result = world.run()
    assert not world.asked
    assert "the same command with --fetch" in result.output
    assert result.exception is not None
    assert "none of the data sets mfnet, roadscene, tno" in str(result.exception)
    assert not (world.out / "fused").exists()


def test_a_yes_at_a_terminal_fetches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.cli.begin.somebody_is_there", lambda: True)
    declined = world.run(text="n\n")
    assert "fetch mfnet, roadscene, tno, seafusion now?" in declined.output
    assert not world.asked
    agreed = world.run(text="y\n")
    assert agreed.exit_code == 0, agreed.output
    assert world.asked


def test_with_a_set_absent_the_others_run_and_the_exit_code_says_so(world: World) -> None:
    (world.served / "tno.zip").unlink()
    result = world.run("--fetch")
    assert result.exit_code == 1
    assert "not fetched: tno" in result.output
    assert "failed: tno: no folder TNO" in result.output
    assert {path.name for path in (world.out / "fused").iterdir()} == {"mfnet", "roadscene"}
    assert (world.out / "report" / "index.html").is_file()


def test_a_set_that_nobody_serves_is_to_be_got_by_hand(world: World) -> None:
    entries = yaml.safe_load(world.datasets.read_text())
    del entries["datasets"]["tno"]["downloads"]
    world.datasets.write_text(yaml.safe_dump(entries))
    result = world.run("--fetch")
    assert result.exit_code == 1
    assert "tno: ask for tno" in result.output.splitlines()[5:7]
    assert len(list((world.out / "fused").rglob("*.png"))) == 2 * 3 * 2


def test_a_dry_run_says_what_lies_ahead_and_leaves_nothing(world: World) -> None:
    world.run("--fetch", names="mfnet,roadscene")
    world.out = world.out.with_name("other")
    result = world.run("--dry-run")
    assert result.exit_code == 0, result.output
    assert not world.out.exists()
    lines = result.output.splitlines()
    pairs = {line.split()[0]: line for line in lines if line.startswith(("visible ", "average ", "seafusion "))}
    assert all(" 4 " in line for line in pairs.values())
    assert set(pairs) == {"visible", "average", "seafusion"}
    assert "authors' weights" in pairs["seafusion"]
    assert any(line.startswith("data set mfnet: 2 pairs of test") for line in lines)
    assert any(line.startswith("absent: tno: no folder TNO") for line in lines)
    assert any(line.startswith("fusing: 12 images, about") for line in lines)
    assert any(line.startswith("disk: about") for line in lines)


def test_a_training_that_is_only_reckoned_leaves_nothing(tmp_path: Path) -> None:
    unit = TrainUnit(
        out=tmp_path / "run", dataset="demo", method="seafusion", time_limit_s=None, gpus=0.0, key="", name="seafusion",
        files=(), preset="smoke", seed=0, device="cpu", trained_on="demo",
    )  # fmt: skip
    progress = unit.request().progress
    assert progress is not None
    assert not unit.out.exists()
    progress("fusion", 1, 2)
    assert [path.read_text() for path in unit.out.rglob("*.txt")] == ["seafusion: fusion 1/2"]


def test_a_dry_run_counts_what_is_left_to_do(world: World) -> None:
    world.run("--fetch", names="mfnet")
    result = world.run("--dry-run", names="mfnet")
    assert "fusing: 0 images" in result.output
    before = {path: path.read_bytes() for path in world.out.rglob("*") if path.is_file()}
    world.run("--dry-run", names="mfnet")
    assert before == {path: path.read_bytes() for path in world.out.rglob("*") if path.is_file()}


def test_methods_without_weights_are_skipped_in_a_line_of_their_own(world: World) -> None:
    world.run("--fetch", names="mfnet")
    result = CliRunner().invoke(app, [
        "run", "--dry-run", "--methods", "average,cddfuse", "--datasets", "mfnet",
        "--datasets-file", str(world.datasets), "--data-root", str(world.data),
        "--out", str(world.out.with_name("dry")),
    ])  # fmt: skip
    lines = result.output.splitlines()
    assert [line.count("cddfuse: ") for line in lines if line.startswith("skipped: ")] == [1]
    assert max(len(line) for line in lines if line.startswith(("cddfuse ", "average "))) < 100


@pytest.mark.parametrize(
    ("smallest", "sides"), [(1, (111, 111)), (64, (111, 111)), (128, (128, 128)), (500, (300, 300))]
)
def test_a_method_is_timed_on_a_piece_that_it_takes(smallest: int, sides: tuple[int, int]) -> None:
    image = np.zeros((300, 300), np.uint8)
    seen: list[tuple[int, ...]] = []
    _seconds(
        lambda ir, vis: seen.append((*ir.shape, *vis.shape)),
        Pair(PairFiles("made", "test", "p", Path(), Path()), image, image),
        smallest,
    )
    assert set(seen) == {sides * 2}
