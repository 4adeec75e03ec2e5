"""``bench prove``: references are found and routed, bars are held, rows have the contract's form."""

from __future__ import annotations

import functools
import http.server
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

from bench.cli import app
from bench.errors import BenchError
from bench.fusion import answers, proof_fetch, prove
from bench.fusion.proof_fetch import Published
from bench.fusion.references import find_references, level_of, plain
from bench.plugin import proof as proofs
from bench.plugin.kinds import METHODS
from bench.plugin.method import ImageStyle, Method, MethodInfo, Variant, WeightFile
from bench.plugin.proof import EXACT, Alternative, Bar, Proof, Proofs, Record, in_words, strongest
from bench.plugin.registry import Entry
from bench.weights.checksums import digests

RNG = np.random.default_rng(5)


class MeanMethod(Method):
    """The mean of both images."""

    name = "mean_of_two"
    info = MethodInfo(title="Mean", year=2020, paper="doi:10.1/1", licence="MIT", kind="classical")
    published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr")
    shift: ClassVar[float] = 0.0
    variants = (Variant("up", "Mean+", settings={"shift": 2 / 255}),)

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return (ir + vis) / 2 + self.shift


class NeedyMethod(MeanMethod):
    name = "needy"
    variants = ()
    info = MethodInfo("Needy-Net", 2020, "doi:10.1/1", "MIT", weights=(WeightFile("ND_X/w.pth", sha256="0" * 64),))


class BrokenMethod(MeanMethod):
    name = "broken"
    variants = ()

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return torch.full_like(ir, float("nan"))


MADE = {cls.name: cls for cls in (MeanMethod, NeedyMethod, BrokenMethod)}
DECLARED = Proofs(
    (
        Proof("tno_published", EXACT, exceptions={"13": Bar(38.0, 9)}),
        Proof("authors_code/TNO", EXACT, "authors' program", variant="up"),
        Proof("authors_code/TNO_colour", EXACT, "authors' program", grey=True),
        Proof("extra", EXACT, alternatives=(Alternative({"shift": 2 / 255}, ("b",)),)),
    ),
    labels={"": ("MN_X",)},
)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(METHODS, "entries", {name: Entry(name, __name__, "made") for name in MADE})
    monkeypatch.setattr("bench.plugin.registry.Registry.get", lambda self, name: MADE[name])
    empty = Proofs((Proof("tno_published", EXACT),))
    monkeypatch.setattr(prove, "declared", lambda cls: DECLARED if issubclass(cls, MeanMethod) and
                        proofs.base_name(cls) == "mean_of_two" else empty)  # fmt: skip
    monkeypatch.setattr(proofs, "facts_path", lambda cls: tmp_path / f"facts_{proofs.base_name(cls)}.json")
    monkeypatch.setattr("bench.fusion.proof_facts.facts_path", proofs.facts_path)
    proofs.forget_facts()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three TNO pairs of even numbers, so that their mean is exact."""
    for kind in ("ir", "vi"):
        (tmp_path / "data/TNO" / kind).mkdir(parents=True)
        for name in ("01", "02", "13"):
            save(tmp_path / "data/TNO" / kind / f"{name}.png", RNG.integers(0, 100, (24, 32)) * 2)
    return tmp_path / "data"


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image.astype(np.uint8)).save(path)


def mean(data: Path, name: str) -> np.ndarray:
    both = [np.asarray(Image.open(data / "TNO" / kind / f"{name}.png")).astype(int) for kind in ("ir", "vi")]
    return (both[0] + both[1]) // 2


@pytest.fixture
def reference(tmp_path: Path, data: Path) -> Path:
    root = tmp_path / "reference"
    for name in ("01", "02", "13"):
        save(root / f"tno_published/Mean-Of_Two/{name}.png", mean(data, name) + 3 * (name == "13"))
        save(root / f"authors_code/Mean+/TNO/{name}.png", mean(data, name) + 2)
    return root


def rows_of(*names: str, **places: Any) -> dict[tuple[str, str], Record]:
    return {(row.method, row.against): row for row in prove.prove(names, **places)}


# ------------------------------------------------------------------ finding


def test_labels_are_plain_but_a_plus_counts() -> None:
    assert {plain(text) for text in ("RFN-Nest", "rfn_nest", "RFN Nest")} == {"rfnnest"}
    assert len({plain(text) for text in ("TarDAL", "TarDAL+", "TarDAL++")}) == 3


def test_every_layout_is_found(tmp_path: Path) -> None:
    for name in ("vifb_published/walking_night_LP_SR.jpg", "vifb_published/carLight_GTF.jpg", "extra/CAF/fused/1.png",
                 "extra/CAF/ir/1.jpg", "extra/CAF/vi/1.png", "extra/CAF/fused/2.png", "authors_code/X/MSRS/3.png",
                 "authors_code/X/README.md", "formula/EMMA/c.npz", "formula/EMMA/c.png",
                 "tno_published/A/5.bmp"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = {(r.source, r.label, r.pair, r.dataset) for r in find_references(tmp_path, ["LP_SR"])}
    assert found == {
        ("vifb_published", "LP_SR", "walking_night", "vifb"), ("vifb_published", "GTF", "carLight", "vifb"),
        ("extra", "CAF", "1", ""), ("authors_code/MSRS", "X", "3", "mfnet"), ("formula", "EMMA", "c", "formula"),
        ("tno_published", "A", "5", "tno"),
    }  # fmt: skip
    assert level_of("authors_code/MSRS") == "authors' program"
    with pytest.raises(BenchError, match="is not a folder"):
        find_references(tmp_path / "none")
    with pytest.raises(BenchError, match="holds no reference image"):
        find_references(tmp_path / "extra")


# ------------------------------------------------------------------ proving


@pytest.mark.usefixtures("made")
def test_a_method_and_its_variant_are_held_to_their_own_bars(reference: Path, data: Path) -> None:
    rows = rows_of("mean_of_two", reference=reference, data_root=data)
    own, up = rows["mean_of_two", "tno_published/Mean-Of_Two"], rows["mean_of_two-up", "authors_code/TNO/Mean+"]
    assert (own.pairs, own.largest_difference, own.ok, own.level) == (3, 3, True, "published images")
    assert own.worst_psnr_db == pytest.approx(20 * np.log10(255 / 3), abs=1e-3)
    assert (up.pairs, up.largest_difference, up.worst_psnr_db, up.ok, up.level) == (
        3,
        0,
        None,
        True,
        "authors' program",
    )
    assert len(rows) == 2


@pytest.mark.usefixtures("made")
def test_a_missed_bar_is_false_and_named(reference: Path, data: Path) -> None:
    save(reference / "tno_published/Mean-Of_Two/02.png", mean(data, "02") + 1)
    row = rows_of("mean_of_two", reference=reference, data_root=data)["mean_of_two", "tno_published/Mean-Of_Two"]
    assert row.ok is False
    assert "below the bar: 02 (48.1 dB, 1 levels)" in row.note


@pytest.mark.usefixtures("made")
def test_alternatives_count_only_for_their_pairs(tmp_path: Path, data: Path) -> None:
    for name, pair in (("b", "01"), ("c", "02")):
        for kind in ("ir", "vi"):
            save(
                tmp_path / f"ref/extra/MN_X/{kind}/{name}.png", np.asarray(Image.open(data / f"TNO/{kind}/{pair}.png"))
            )
        save(tmp_path / f"ref/extra/MN_X/fused/{name}.png", mean(data, pair) + 2)
    row = rows_of("mean_of_two", reference=tmp_path / "ref")["mean_of_two", "extra/MN_X"]
    assert (row.pairs, row.ok) == (2, False)
    assert "c (" in row.note
    assert "b (" not in row.note


@pytest.mark.usefixtures("made")
def test_a_grey_reference_is_the_written_luma(tmp_path: Path) -> None:
    ir, vis = RNG.integers(0, 256, (24, 32)), RNG.integers(0, 256, (24, 32, 3))
    ir += (ir + np.asarray(Image.fromarray(vis.astype(np.uint8)).convert("L"))) % 2  # so that the mean is exact
    ir[ir > 255] -= 2
    save(tmp_path / "data/TNO/ir/01.png", ir)
    save(tmp_path / "data/TNO/vi/01.png", vis)
    luma = np.asarray(Image.open(tmp_path / "data/TNO/vi/01.png").convert("L")).astype(int)
    save(tmp_path / "ref/authors_code/Mean/TNO_colour/01.png", (ir + luma) // 2)
    row = rows_of("mean_of_two", reference=tmp_path / "ref", data_root=tmp_path / "data")
    assert row["mean_of_two", "authors_code/TNO_colour/Mean"].ok is True


@pytest.mark.usefixtures("made", "cache")
def test_what_cannot_be_tried_is_null_and_what_breaks_is_false(reference: Path, data: Path, tmp_path: Path) -> None:
    for label in ("Needy Net", "broken"):
        save(reference / f"tno_published/{label}/01.png", mean(data, "01"))
    rows = rows_of(reference=reference, data_root=data)
    needy, broken = rows["needy", "tno_published/Needy Net"], rows["broken", "tno_published/broken"]
    assert (needy.ok, needy.pairs, needy.worst_psnr_db) == (None, 1, None)
    assert "ND_X/w.pth" in needy.note
    assert broken.ok is False
    assert "NaN" in broken.note
    lost = rows_of("mean_of_two", reference=reference, data_root=tmp_path)
    assert lost["mean_of_two", "tno_published/Mean-Of_Two"].ok is None


@pytest.mark.usefixtures("made")
def test_a_recorded_result_is_shown_without_references(reference: Path, data: Path) -> None:
    prove.prove(["mean_of_two"], reference=reference, data_root=data, record=True)
    (row,) = prove.prove(["mean_of_two:up"])
    assert (row.against, row.pairs, row.largest_difference, row.ok) == ("authors_code/TNO/Mean+", 3, 0, None)
    assert row.note.startswith("recorded 20")
    assert strongest(METHODS.get("mean_of_two:up")).level == "authors' program"
    assert in_words(strongest(MeanMethod)).startswith(
        "published images, 3 pairs, at least 38.6 dB, at most 3 levels, 20"
    )


@pytest.mark.usefixtures("made")
def test_a_known_answer_that_changed_makes_every_row_false(
    reference: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prove.prove(["mean_of_two"], reference=reference, data_root=data, record=True)
    monkeypatch.setattr(MeanMethod, "shift", 1e-5)  # moves no pixel
    rows = rows_of("mean_of_two", reference=reference, data_root=data)
    assert rows["mean_of_two", "tno_published/Mean-Of_Two"].ok is False
    assert "the known answer is off by" in rows["mean_of_two", "tno_published/Mean-Of_Two"].note
    assert rows["mean_of_two-up", "authors_code/TNO/Mean+"].ok is True
    assert rows_of("mean_of_two")["mean_of_two", "tno_published/Mean-Of_Two"].ok is False
    save(reference / "tno_published/Mean-Of_Two/02.png", mean(data, "02") + 1)
    with pytest.raises(BenchError, match="nothing is recorded"):
        prove.prove(["mean_of_two"], reference=reference, data_root=data, record=True)


@pytest.mark.usefixtures("made", "cache")
def test_the_command_writes_the_contracts_json(reference: Path, data: Path, tmp_path: Path) -> None:
    request = ["prove", "mean_of_two", "--reference", str(reference), "--data-root", str(data), "--json"]
    result = CliRunner().invoke(app, [*request, str(tmp_path / "p.json")])
    assert result.exit_code == 0, result.output
    rows = json.loads((tmp_path / "p.json").read_text())["proofs"]
    keys = {"method", "against", "level", "pairs", "worst_psnr_db", "largest_difference", "relative_error", "ok"}
    assert all(keys <= row.keys() for row in rows)
    assert sum(row["pairs"] for row in rows if row["method"] == "mean_of_two") == 3
    save(reference / "tno_published/Mean-Of_Two/02.png", mean(data, "02") + 1)
    assert CliRunner().invoke(app, [*request, str(tmp_path / "p.json")]).exit_code == 1


@pytest.fixture
def served(reference: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Published]]:
    """The reference images behind a server of this machine, listed with their checksums."""
    monkeypatch.setenv("no_proxy", "*")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(reference))
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        paths = [path.relative_to(reference).as_posix() for path in sorted(reference.rglob("*.png"))]
        yield [
            Published(path, f"http://127.0.0.1:{server.server_port}/{path}", digests(reference / path)["sha256"])
            for path in paths
        ]
        server.shutdown()


@pytest.mark.usefixtures("made")
def test_published_images_are_fetched_by_address_and_checksum(
    served: list[Published], data: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof_fetch, "published_files", lambda: served)
    said: list[str] = []
    rows = rows_of("mean_of_two", data_root=data, fetch=True, say=said.append)
    assert rows["mean_of_two", "tno_published/Mean-Of_Two"].pairs == 3
    assert rows["mean_of_two", "tno_published/Mean-Of_Two"].ok is True
    assert (cache / "reference/tno_published/Mean-Of_Two/01.png").is_file()
    assert rows["mean_of_two-up", "authors_code/TNO/Mean+"].ok is True


@pytest.mark.usefixtures("made")
def test_an_image_that_differs_is_not_kept(
    served: list[Published], data: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [replace(file, sha256="0" * 64) for file in served]
    monkeypatch.setattr(proof_fetch, "published_files", lambda: others)
    said: list[str] = []
    (row, *_) = prove.prove(["mean_of_two"], data_root=data, fetch=True, say=said.append)
    assert row.ok is None
    assert "not fetched" in said[-1]
    assert list(cache.rglob("*.png")) == []


def test_without_a_net_what_is_recorded_stands(cache: Path) -> None:
    closed = Published("tno_published/Mean/01.png", "http://127.0.0.1:9/01.png", "0" * 64)
    said: list[str] = []
    assert proof_fetch.fetch_references(["Mean"], said.append, [closed, closed]) is None
    assert len([line for line in said if line.startswith("not fetched")]) == 1


def test_the_list_of_published_images_is_pinned() -> None:
    files = proof_fetch.published_files()
    assert len({file.path for file in files}) == len(files) > 100
    for file in files:
        assert re.match(r"https://github\.com/[\w.-]+/[\w.-]+/raw/[0-9a-f]{40}/", file.url), file
        assert re.fullmatch("[0-9a-f]{64}", file.sha256), file


def test_the_made_pair_is_made_of_integers_and_stays() -> None:
    ir, vis = answers.made_pair()
    assert (ir.shape, vis.shape) == ((64, 72), (64, 72, 3))
    assert (int(ir.astype(int).sum()), int(vis.astype(int).sum())) == (801095, 1685682)
    assert min(ir.std(), vis.std()) > 20
