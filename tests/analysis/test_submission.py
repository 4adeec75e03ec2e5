"""Packs: what goes in, what is recomputed, and every way of cheating or breaking one that is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.analysis.verify_pack import pack, verify
from bench.data.catalogue import open_dataset
from bench.data.pairs import pair_digest, read_pair
from bench.errors import BenchError
from bench.files import PROTOCOL
from bench.images import encode_png
from bench.metrics.engine import PairScorer
from bench.run.config import RunConfig
from bench.run.recompute import Recompute
from bench.run.record import declared
from bench.run.stages import run as run_all
from bench.store.fused import write_fused
from bench.store.manifest import parse_manifest
from bench.store.pack import open_pack
from bench.store.run_folder import Store
from bench.store.scores import scores_frame
from bench.types import Score
from reports.leaderboard import leaderboard

NAMES = ("01", "02", "03", "04", "05", "06")
CONVENTIONS = {"standard": ["EN", "SD", "SF"], "seafusion2022": ["EN", "SD"]}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pairs in TNO's layout."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for folder in ("ir", "vi"):
        (root / "TNO" / folder).mkdir(parents=True)
        for name in NAMES:
            pixels = np.clip(np.cumsum(rng.normal(0, 6, (40, 48)), axis=1) + 128, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / "TNO" / folder / f"{name}.png")
    return root


def make_run(root: Path, data: Path, weights: dict[str, float], names: tuple[str, ...] = NAMES) -> Path:
    """A finished run of methods that mix the sources, with true scores and a manifest as a run writes it."""
    store, scores = Store(root), []
    listing = open_dataset("tno", data).listing()
    for files in listing.pairs:
        if files.id not in names:
            continue
        pair = read_pair(files)
        scorer = PairScorer(pair.ir, pair.vis, CONVENTIONS)
        for method, weight in weights.items():
            mixed = (weight * pair.ir + (1 - weight) * pair.vis.astype(np.float64)).astype(np.uint8)
            image = np.repeat(mixed[..., None], 3, axis=2)
            write_fused(store, files, method, image)
            scores += [
                Score("metrics", "tno", "test", method, value.metric, value.value, files.id, value.convention)
                for value in scorer.score(image)
            ]
    scores += [Score("efficiency", "tno", "test", method, "latency_ms_mean", 5.0) for method in weights]
    store.write_scores(scores_frame(scores))
    methods = {
        method: {
            "name": method, "title": method.title(), "kind": "reference" if method == "visible" else "classical",
            "year": None, "notes": f"images from {root}", "training": None, "origin": "no weights needed",
            "weights": [{"path": f"{root}/w.pth", "sha256": "0" * 64, "licence": ""}], "trained_on": [],
        }
        for method in weights
    }  # fmt: skip
    store.write_manifest(parse_manifest(root,
        {
            "version": "0.1.0", "created": "2026-01-01", "updated": "2026-01-01T11:00", "seed": 0, "complete": True,
            "command": ["bench", "run", "--out", str(root)], "config": {"out": str(root)},
            "machine": {"cpu": "x", "cores": 2, "packages": {"numpy": "2"}}, "methods": methods,
            "tasks": {"efficiency": declared("efficiency").model_dump()},
            "datasets": {
                "tno": {
                    "title": "TNO", "split": "test", "listed": 42, "found": 6, "classes": [],
                    "parts": {"test": {
                        "pairs": list(names), "sources": {name: {"ir": str(data)} for name in names},
                        "digests": {files.id: pair_digest(files) for files in listing.pairs if files.id in names},
                    }},
                }
            },
        }
    ))  # fmt: skip
    return root


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("run"), data, {"average": 0.5, "warm": 0.8, "visible": 0.0})


@pytest.fixture
def archive(run: Path, tmp_path: Path) -> Path:
    return pack(run, tmp_path / "mine.zip", images=2)


def entries(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as file:
        return {name: file.read(name) for name in file.namelist()}


def rewrite(archive: Path, content: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(archive, "w") as file:
        for name, data in content.items():
            file.writestr(name, data)
    return archive


def sealed(content: dict[str, bytes], change: Callable[[dict[str, Any]], None] = lambda _: None) -> dict[str, bytes]:
    """The checksums made anew, as a cheat would; the images in the pack are those that remain."""
    table = json.loads(content["pack.json"])
    for name in ("manifest.json", "scores.csv"):
        table["files"][name] = hashlib.sha256(content[name]).hexdigest()
    change(table)
    return {**content, "pack.json": json.dumps(table).encode()}


# ------------------------------------------------------------------ honest packs


def test_a_pack_holds_a_sample_and_no_paths(archive: Path, run: Path, data: Path) -> None:
    content = entries(archive)
    images = [name for name in content if name.startswith("images/")]
    assert len(images) == 2 * 3
    assert {Path(name).parts[2] for name in images} == {"average", "warm", "visible"}
    assert len({Path(name).name for name in images}) == 2  # the same pairs of every method
    texts = b"".join(content[name] for name in ("pack.json", "manifest.json", "scores.csv"))
    for secret in (run, data, Path.home()):
        assert str(secret).encode() not in texts
    for name in images:
        assert content[name] == (run / "fused" / Path(name).relative_to("images")).read_bytes()


def test_equal_runs_give_equal_packs(run: Path, archive: Path, tmp_path: Path) -> None:
    assert pack(run, tmp_path / "again.zip", images=2).read_bytes() == archive.read_bytes()


def test_scores_come_back_bit_for_bit(archive: Path, run: Path) -> None:
    with open_pack(archive) as opened:
        pd.testing.assert_frame_equal(opened.scores, Store(run).read_scores(), check_dtype=False)


@pytest.mark.parametrize(("images", "count"), [(-1, 18), (0, 0), (1, 3), (99, 18)])
def test_the_sample_is_as_large_as_asked(run: Path, tmp_path: Path, images: int, count: int) -> None:
    assert sum(name.startswith("images/") for name in entries(pack(run, tmp_path / "a.zip", images))) == count


def test_the_default_place_is_beside_the_run(data: Path, tmp_path: Path) -> None:
    assert pack(make_run(tmp_path / "r1", data, {"average": 0.5})) == tmp_path / "r1.zip"


def test_an_honest_pack_is_accepted(archive: Path, data: Path) -> None:
    verdict = verify(archive, data, sample=4, seed=1)
    assert (verdict.accepted, verdict.problems) == (True, [])
    assert len(verdict.rows) == 4
    assert {(row["numbers"], row["largest difference"], row["verdict"]) for row in verdict.rows} == {
        (5, "0.00e+00", "the same")
    }
    choices = {str([(row["pair"], row["method"]) for row in verify(archive, data, 3, seed).rows]) for seed in range(6)}
    assert len(choices) > 1


def test_a_sample_larger_than_the_pack_takes_all(archive: Path, data: Path) -> None:
    assert len(verify(archive, data, sample=1000).rows) == 6


# ------------------------------------------------------------------ cheating


def change_score(content: dict[str, bytes], which: str = "warm", by: float = 0.01, where: str = "") -> bytes:
    lines = content["scores.csv"].decode().splitlines()
    for at, line in enumerate(lines):
        fields = line.split(",")
        if fields[3] == which and fields[5] == "EN" and fields[6] == "standard" and where in fields[4]:
            fields[8] = repr(float(fields[8]) + by)
            lines[at] = ",".join(fields)
    return ("\n".join(lines) + "\n").encode()


def test_a_changed_score_breaks_its_checksum(archive: Path, data: Path) -> None:
    content = entries(archive)
    rewrite(archive, {**content, "scores.csv": change_score(content)})
    verdict = verify(archive, data)
    assert not verdict.accepted
    assert "scores.csv differs from its checksum" in verdict.problems[0]


def test_a_changed_score_under_a_new_checksum_asks_for_other_images(archive: Path, data: Path) -> None:
    """The cheat does not choose which images are looked at: the sample follows from the scores."""
    content, refused = entries(archive), 0
    for by in (0.01, 0.02, 0.03, 0.04):
        rewrite(archive, sealed({**content, "scores.csv": change_score(content, by=by)}))
        refused += not verify(archive, data, sample=1000).accepted
    assert refused == 4


def test_a_changed_score_of_an_image_in_the_pack_is_recomputed(run: Path, data: Path, tmp_path: Path) -> None:
    archive = pack(run, tmp_path / "all.zip", images=-1)
    content = entries(archive)
    rewrite(archive, sealed({**content, "scores.csv": change_score(content, where="03")}))
    verdict = verify(archive, data, sample=1000)
    assert not verdict.accepted
    assert len(verdict.problems) == 1
    assert verdict.problems[0].startswith("tno/warm/03: EN (standard) is said to be ")
    assert [row["verdict"] for row in verdict.rows].count("differs") == 1


def test_an_exchanged_image_is_refused(archive: Path, data: Path) -> None:
    content = entries(archive)
    name = next(name for name in content if name.startswith("images/tno/warm"))
    content[name] = encode_png(np.full((40, 48, 3), 7, np.uint8))
    verdict = verify(rewrite(archive, content), data, sample=1000)
    assert not verdict.accepted
    assert "is not the image that was scored (its checksum differs)" in verdict.problems[0]


def test_an_exchanged_image_under_a_new_checksum_is_recomputed(run: Path, data: Path, tmp_path: Path) -> None:
    archive = pack(run, tmp_path / "all.zip", images=-1)
    content = entries(archive)
    better = encode_png(np.random.default_rng(1).integers(0, 256, (40, 48, 3), dtype=np.uint8))
    content["images/tno/warm/02.png"] = better

    def change(table: dict[str, Any]) -> None:
        table["images"]["tno"]["warm"]["02"] = hashlib.sha256(better).hexdigest()

    verdict = verify(rewrite(archive, sealed(content, change)), data, sample=1000)
    assert not verdict.accepted
    assert all(problem.startswith("tno/warm/02: ") for problem in verdict.problems)
    assert len(verdict.problems) == 5


@pytest.mark.parametrize("image", [b"no image", encode_png(np.zeros((8, 8, 3), np.uint8))], ids=["text", "size"])
def test_images_that_cannot_be_scored_are_refused(run: Path, data: Path, tmp_path: Path, image: bytes) -> None:
    archive = pack(run, tmp_path / "all.zip", images=-1)
    content = entries(archive) | {"images/tno/warm/02.png": image}

    def change(table: dict[str, Any]) -> None:
        table["images"]["tno"]["warm"]["02"] = hashlib.sha256(image).hexdigest()

    verdict = verify(rewrite(archive, sealed(content, change)), data, sample=1000)
    assert not verdict.accepted
    assert len(verdict.problems) == 1
    assert "fused.png" not in verdict.problems[0]  # of a folder that is gone


def test_dropped_pairs_are_noticed(run: Path, data: Path, tmp_path: Path) -> None:
    archive = pack(run, tmp_path / "all.zip", images=-1)
    content = entries(archive)
    content["scores.csv"] = b"".join(
        line for line in content["scores.csv"].splitlines(keepends=True) if b"warm,04" not in line
    )
    content.pop("images/tno/warm/04.png")

    def change(table: dict[str, Any]) -> None:
        table["images"]["tno"]["warm"].pop("04")

    verdict = verify(rewrite(archive, sealed(content, change)), data, sample=1000)
    assert "tno/warm: 1 of the run's 6 pairs have no row, e.g. 04" in verdict.problems


def test_a_skipped_method_makes_no_claim_and_its_reason_names_no_folder(data: Path, tmp_path: Path) -> None:
    root = make_run(tmp_path / "run", data, {"visible": 0.0, "cool": 0.3, "absent": 0.5})
    reason = f"absent: W/w.pth not found under {tmp_path}/weights or in the cache"
    scored = Store(root).read_scores()
    rows = pd.concat([
        scored[scored["method"] != "absent"],
        scores_frame([Score("metrics", "tno", "test", "absent", "", None, status="skipped", reason=reason)]),
    ])  # fmt: skip
    Store(root).write_scores(rows)
    archive = pack(root, tmp_path / "all.zip", images=-1)
    assert verify(archive, data).problems == []
    text = entries(archive)["scores.csv"].decode()
    assert "absent: W/w.pth not found under …/weights or in the cache" in text
    assert str(tmp_path) not in text


def without_rows(content: dict[str, bytes], text: bytes) -> dict[str, bytes]:
    lines = content["scores.csv"].splitlines(keepends=True)
    return {**content, "scores.csv": b"".join(line for line in lines if text not in line)}


def test_a_dropped_number_is_noticed(run: Path, data: Path, tmp_path: Path) -> None:
    archive = pack(run, tmp_path / "all.zip", images=-1)
    rewrite(archive, sealed(without_rows(entries(archive), b"warm,04,EN,standard")))
    verdict = verify(archive, data, sample=1000)
    assert verdict.problems == ["tno/warm: 1 of the run's 6 pairs have no row of EN (standard), e.g. 04"]


def test_a_number_that_is_said_not_to_exist_is_recomputed(run: Path, data: Path, tmp_path: Path) -> None:
    archive = pack(run, tmp_path / "all.zip", images=-1)
    content = entries(archive)
    lines = content["scores.csv"].decode().splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if "warm,04,EN,standard" in line)
    before, *_ = lines[at].split(",,")  # an empty label stands before the value
    lines[at] = f"{before},,,skipped,not defined\n"
    rewrite(archive, sealed({**content, "scores.csv": "".join(lines).encode()}))
    verdict = verify(archive, data, sample=1000)
    assert len(verdict.problems) == 1
    assert verdict.problems[0].startswith("tno/warm/04: EN (standard) is said to have no value, but is ")


def test_a_pair_that_is_said_to_have_failed_beside_its_image_is_refused(run: Path, data: Path, tmp_path: Path) -> None:
    archive = pack(run, tmp_path / "all.zip", images=-1)
    content = without_rows(entries(archive), b"warm,04")
    content["scores.csv"] += b"metrics,tno,test,warm,04,,standard,,,failed,too dark\n"
    verdict = verify(rewrite(archive, sealed(content)), data, sample=1000)
    assert "has no score of tno/warm/04, of which there is an image" in verdict.problems[0]


def test_failed_pairs_are_told(run: Path, data: Path, tmp_path: Path) -> None:
    archive = pack(run, tmp_path / "all.zip", images=-1)
    content = without_rows(entries(archive), b"warm,04")
    rows = [line.split(",") for line in content["scores.csv"].decode().splitlines() if line.startswith("metrics")]
    names = sorted({f"{row[5]},{row[6]}" for row in rows})
    for name in names:
        content["scores.csv"] += f"metrics,tno,test,warm,04,{name},,,failed,too dark\n".encode()
    content.pop("images/tno/warm/04.png")

    def change(table: dict[str, Any]) -> None:
        table["images"]["tno"]["warm"].pop("04")

    verdict = verify(rewrite(archive, sealed(content, change)), data, sample=1000)
    assert verdict.accepted, verdict.problems
    assert "tno/warm: failed on 1 pairs, e.g. 04; its means are over the others" in verdict.notes


def test_what_cannot_be_recomputed_is_told(archive: Path, data: Path) -> None:
    notes = verify(archive, data).notes
    assert notes == ["3 numbers of efficiency cannot be computed again from a pack and are taken on trust"]


def test_rows_of_unlisted_pairs_are_refused(run: Path, data: Path, tmp_path: Path) -> None:
    archive = pack(run, tmp_path / "all.zip", images=-1)
    content = entries(archive)
    manifest = json.loads(content["manifest.json"])
    manifest["datasets"]["tno"]["pairs"].remove("04")
    verdict = verify(rewrite(archive, sealed({**content, "manifest.json": json.dumps(manifest).encode()})), data)
    assert not verdict.accepted
    assert "tno/warm: has rows of pairs that its run does not list, e.g. 04" in verdict.problems


def test_other_sources_are_noticed(archive: Path, data: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "data")
    for path in (tmp_path / "data/TNO/ir").iterdir():
        Image.new("L", (48, 40), 9).save(path)
    verdict = verify(archive, tmp_path / "data")
    assert not verdict.accepted
    assert "its sources differ from your copy of tno" in verdict.problems[0]


def test_without_the_data_nothing_is_accepted(archive: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    verdict = verify(archive, tmp_path / "empty")
    assert not verdict.accepted
    assert len(verdict.problems) == 1
    assert "no folder TNO" in verdict.problems[0]
    shutil.copytree(data, tmp_path / "part")
    for name in NAMES[:5]:
        (tmp_path / f"part/TNO/ir/{name}.png").unlink()
    assert "the pair is not in your copy of tno" in verify(archive, tmp_path / "part").problems[0]


def test_without_images_nothing_is_accepted(run: Path, data: Path, tmp_path: Path) -> None:
    verdict = verify(pack(run, tmp_path / "a.zip", images=0), data)
    assert not verdict.accepted
    assert "holds no images" in verdict.problems[0]


# ------------------------------------------------------------------ images fused anew


@pytest.fixture(scope="module")
def real(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack without images of a run of methods that anybody can run."""
    out = tmp_path_factory.mktemp("real") / "run"
    config = RunConfig(
        methods=("average", "laplacian_pyramid"), datasets=("tno",), limit=3, tasks=("metrics",), out=out, way="plain",
        data_root=data, device="cpu", executor="inline", conventions=("standard",),
    )  # fmt: skip
    assert run_all(config).exit_code == 0
    return pack(out, out.parent / "real.zip", images=0)


def test_a_pack_without_images_is_fused_anew(real: Path, data: Path) -> None:
    verdict = verify(real, data, sample=6, fuse=Recompute())
    assert verdict.accepted, verdict.problems
    assert {(row["method"], row["verdict"]) for row in verdict.rows} == {
        ("average", "the same"), ("laplacian_pyramid", "the same"),
    }  # fmt: skip
    assert all(row["numbers"] == 5 for row in verdict.rows)  # of the six, VIF wants larger images


def test_numbers_of_other_images_are_refused(real: Path, data: Path, tmp_path: Path) -> None:
    content = entries(real)
    table = content["scores.csv"].decode().replace(",average,", ",swapped,").replace(",laplacian_pyramid,", ",average,")
    content["scores.csv"] = table.replace(",swapped,", ",laplacian_pyramid,").encode()
    forged = rewrite(tmp_path / "forged.zip", sealed(content))
    verdict = verify(forged, data, sample=6, fuse=Recompute())
    assert not verdict.accepted
    assert any("is said to be" in problem for problem in verdict.problems)


def test_other_weights_make_other_images(real: Path, data: Path, tmp_path: Path) -> None:
    content = entries(real)
    facts = json.loads(content["manifest.json"])
    facts["methods"]["average"]["weights"] = [{"file": "w.pth", "sha256": "0" * 64}]
    content["manifest.json"] = json.dumps(facts).encode()
    verdict = verify(rewrite(tmp_path / "other.zip", sealed(content)), data, sample=6, fuse=Recompute())
    assert not verdict.accepted
    assert "only the same weights make the same images" in verdict.problems[0]


# ------------------------------------------------------------------ hostile archives

HEADER = "task,dataset,split,method,pair,metric,convention,label,value,status,reason\n"
Content = dict[str, bytes]
Change = Callable[[Content], Content]


def scores(text: str) -> Change:
    return lambda content: sealed({**content, "scores.csv": text.encode()})


def in_table(change: Callable[[dict[str, Any]], None]) -> Change:
    return lambda content: sealed(content, change)


def in_manifest(key: str, value: object) -> Change:
    def change(content: Content) -> Content:
        manifest = json.loads(content["manifest.json"])
        manifest[key] = value
        return sealed({**content, "manifest.json": json.dumps(manifest).encode()})

    return change


def without(name: str) -> Change:
    return lambda content: {key: data for key, data in content.items() if key != name}


def with_entry(name: str, data: bytes = b"1") -> Change:
    return lambda content: {**content, name: data}


def row(**fields: str) -> str:
    known = {
        "task": "metrics",
        "dataset": "tno",
        "method": "warm",
        "pair": "01",
        "metric": "EN",
        "value": "1",
        "status": "ok",
    }
    return ",".join({**known, **fields}.get(column, "") for column in HEADER.strip().split(",")) + "\n"


REFUSED: list[tuple[str, Change, str]] = [
    ("no table", without("pack.json"), "has no entry pack.json"),
    ("no scores", without("scores.csv"), "'scores.csv' is missing"),
    ("missing image", lambda c: without(next(n for n in c if "images/tno/warm" in n))(c), "is missing"),
    ("stranger", with_entry("evil.py"), "'evil.py' has no business there"),
    ("more images", with_entry("images/tno/warm/xx.png"), "has no business there"),
    ("parent", with_entry("../evil"), "is no plain relative name"),
    ("absolute", with_entry("/etc/evil"), "is no plain relative name"),
    ("bomb", with_entry("images/tno/warm/xx.png", bytes(80 << 20)), "times its size"),
    ("json", with_entry("pack.json", b"{"), "not a pack of this program"),
    ("deep json", with_entry("pack.json", b"[" * 200_000), "not a pack of this program"),
    ("other json", with_entry("pack.json", b"[1, 2]"), "not a pack of this program"),
    ("large json", with_entry("pack.json", b'{"a": "' + b"0123456789" * (7 << 20) + b'"}'), "times its size"),
    ("other format", in_table(lambda t: t.update(format=2)), "'format': Input should be 1"),
    ("unknown key", in_table(lambda t: t.update(extra=1)), "'extra': Extra inputs"),
    ("bad checksum", in_table(lambda t: t["files"].update({"scores.csv": "x"})), "String should match"),
    ("no checksum", in_table(lambda t: t["files"].pop("scores.csv")), "wanted manifest.json and scores.csv"),
    ("wild name", in_table(lambda t: t["images"]["tno"].update({"../x": {"01": "0" * 64}})), "String should match"),
    ("unknown method", in_table(lambda t: t["images"]["tno"].update(x={})), "does not know method 'x'"),
    ("unknown data", in_table(lambda t: t["images"].update(x={})), "does not know dataset 'x'"),
    ("manifest", in_manifest("datasets", 7), "manifest.json: 'datasets'"),
    ("manifest key", in_manifest("sources", "/home/me"), "manifest.json: 'sources': Extra inputs"),
    ("manifest shape", in_manifest("methods", {"warm": {"year": "old"}}), "manifest.json: 'methods.warm.year'"),
    ("columns", scores("a,b\n1,2\n"), "its columns are not those of a run"),
    ("empty", scores(""), "its columns are not those of a run"),
    ("short row", scores(HEADER + "metrics,tno\n"), "line 2: not a row of scores"),
    ("status", scores(HEADER + row(status="great")), "line 2: not a row of scores"),
    ("text value", scores(HEADER + row(value="high")), "value 'high', wanted a number"),
    ("infinite", scores(HEADER + row(value="inf")), "value 'inf' of status ok, wanted a finite number"),
    ("nan", scores(HEADER + row(value="nan")), "wanted a finite number"),
    ("no value", scores(HEADER + row(value="")), "value '' of status ok"),
    ("no metric", scores(HEADER + row(metric="")), "a value of no metric"),
    ("control", scores(HEADER + row(reason="\x1b[2J")), "characters that cannot be printed"),
    ("twice", scores(HEADER + row() + row(value="2")), "is there twice"),
    ("foreign method", scores(HEADER + row(method="x")), "does not know method 'x'"),
    ("foreign pair", scores(HEADER + row(pair="99")), "tno/warm/99, of which no image is known"),
    ("bytes", lambda c: sealed({**c, "scores.csv": b"\xff\xfe"}), "not readable as CSV"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_hostile_packs_are_refused_with_the_reason(
    run: Path, data: Path, tmp_path: Path, change: Change, message: str
) -> None:
    archive = pack(run, tmp_path / "all.zip", images=-1)  # all images, so that the sample stays right
    content = change(entries(archive))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in content.items():
            file.writestr(name, text)
    verdict = verify(archive, data)
    assert not verdict.accepted
    assert len(verdict.problems) == 1
    with pytest.raises(BenchError, match=message) as caught:
        leaderboard([archive], tmp_path / "board.html")
    assert str(caught.value) == verdict.problems[0]
    assert str(caught.value).isprintable()
    assert not (tmp_path / "board.html").exists()


@pytest.mark.parametrize("data_bytes", [b"", b"hello", b"PK\x05\x06" + bytes(18)], ids=["empty", "text", "no entries"])
def test_what_is_no_pack_is_refused(tmp_path: Path, data: Path, data_bytes: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(data_bytes)
    assert not verify(tmp_path / "a.zip", data).accepted


def test_wrong_requests_are_named(tmp_path: Path, archive: Path, run: Path, data: Path) -> None:
    with pytest.raises(BenchError, match="no such file"):
        verify(tmp_path / "none.zip", data)
    with pytest.raises(BenchError, match="--sample is 0"):
        verify(archive, data, sample=0)
    with pytest.raises(BenchError, match="--images is -2"):
        pack(run, tmp_path / "a.zip", images=-2)
    with pytest.raises(BenchError, match="not a finished run"):
        pack(tmp_path / "nowhere")
    with pytest.raises(BenchError, match="no archives"):
        leaderboard([], tmp_path / "board.html")


def test_a_run_without_its_images_cannot_be_packed(data: Path, tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", data, {"average": 0.5})
    (folder / "fused/tno/average/03.png").unlink()
    with pytest.raises(BenchError, match=r"03\.png: cannot be read"):
        pack(folder, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


# ------------------------------------------------------------------ leaderboard


class Cells(HTMLParser):
    """The text of every table row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip()


def test_a_leaderboard_merges_and_ranks(archive: Path, data: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path / "other", data, {"average": 0.5, "warm": 0.7, "cold": 0.1})
    page = leaderboard([archive, pack(other, tmp_path / "theirs.zip")], tmp_path / "board.html").read_text()
    cells = Cells(page)
    methods = [entry[0] for entry in cells.rows]
    assert {"average", "visible", "cold", "warm · mine", "warm · theirs"} <= set(methods)
    with open_pack(archive) as opened:
        rows = opened.scores[(opened.scores["metric"] == "EN") & (opened.scores["convention"] == "standard")]
        mean = rows.loc[rows["method"] == "warm", "value"].mean()
    assert any(
        entry[0] == "warm · mine" and any(cell.startswith(f"{mean:.4f}") for cell in entry) for entry in cells.rows
    )
    assert "The packs were timed on different machines" in page
    assert "script" not in cells.tags
    assert page.count("(best)") > 0
    for entry in cells.rows:
        if entry[0] == "visible":
            assert not any("(best)" in cell for cell in entry)


def test_a_pack_of_fewer_pairs_is_not_ranked(archive: Path, data: Path, tmp_path: Path) -> None:
    fewer = make_run(tmp_path / "fewer", data, {"cold": 0.1}, NAMES[:3])
    page = leaderboard([archive, pack(fewer, tmp_path / "fewer.zip")], tmp_path / "board.html").read_text()
    assert "The packs cover different pairs" in page
    assert "3 of 6 pairs, so not ranked" in page


def test_packs_of_two_protocols_share_no_board(archive: Path, real: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=rf"before 2026.1 \(mine\), {PROTOCOL} \(real\), .*rank them apart"):
        leaderboard([archive, real], tmp_path / "board.html")


def test_packs_of_one_name_are_told_apart(archive: Path, data: Path, tmp_path: Path) -> None:
    other = pack(make_run(tmp_path / "run", data, {"warm": 0.6}), tmp_path / "sub/mine.zip")
    page = leaderboard([archive, other], tmp_path / "board.html").read_text()
    assert {"warm · mine", "warm · mine (2)"} <= {entry[0] for entry in Cells(page).rows}


def test_names_from_strangers_stay_text(data: Path, tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>&\"'"
    made = pack(make_run(tmp_path / "run", data, {hostile: 0.5, "cold": 0.1}), tmp_path / "<b>.zip", images=1)
    cells = Cells(leaderboard([made], tmp_path / "board.html").read_text())
    assert "img" not in cells.tags
    assert "b" in cells.tags  # of the brand alone
    assert cells.tags.count("b") == 1
    assert any(entry[0] == hostile for entry in cells.rows)
