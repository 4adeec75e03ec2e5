"""Every option of every command changes what its command does, or is refused: none is there for nothing."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from bench.cli import app
from bench.errors import BenchError
from bench.fusion.export import PairCheck

OUTCOME = SimpleNamespace(
    summary=[], notes=[], failed=[], skipped=[], rows=[], computed={}, scores=0, report="", exit_code=0, path="",
    written=1, what="images", interrupted=False, accepted=True, problems=[], name="", folder="x", text="", listed=0,
    good=0, files=(), next=(), answers=(), alignment=(),
    caption=lambda: "", as_json=dict,
)  # fmt: skip
"""What a command gets from a function that only writes down how it was called."""

RUN = ["run", "--methods", "average"]


@dataclass(frozen=True)
class Case:
    """How one command is tried.

    Attributes:
        base: arguments without the options in question; ``{tmp}`` is a fresh folder.
        calls: functions that the command hands its work to -> what they return.
        options: option -> what is added to ``base``; a changed call, output, file or a refusal must follow.
    """

    base: list[str]
    options: dict[str, list[str]]
    calls: dict[str, Any] = field(default_factory=dict)


EXPORTED = SimpleNamespace(path=Path("o"), checks=[PairCheck("1", 0, 0.0, 9.0, {})])


def values(**options: str) -> dict[str, list[str]]:
    """``--some-name VALUE`` for each keyword."""
    return {(name := f"--{key.replace('_', '-')}"): [name, value] for key, value in options.items()}


TABLE: dict[str, Case] = {
    "run": Case(
        RUN,
        values(
            methods="min", results="x", datasets="tno", ir="x", vis="x", tasks="metrics", conventions="tang2023",
            metrics="EN", preset="smoke", out="x", data_root="x", weights_root="x", datasets_file="x", device="cpu",
            jobs="3", executor="inline", limit="2", seed="4", rerun="all", way="plain", precision="fast",
            train_precision="float32", compile="auto", runtime="auto", engine="numpy", ir_range="full", time_limit="7",
            option="detection.model=yolov5s",
        )
        | {"--fetch": ["--fetch"], "--dry-run": ["--dry-run"]},
        {
            "bench.run.stages.run": OUTCOME, "bench.cli.begin.prepare": None, "bench.cli.begin.show_plan": None,
            "bench.cli.end.show_result": None,
        },
    ),
    "score": Case(
        ["score", "--fused", "f", "--out", "o.csv"],
        values(
            fused="g", out="p.csv", dataset="tno", ir="x", vis="x", method="mine", conventions="tang2023", metrics="EN",
            data_root="x", datasets_file="x", jobs="3", ir_range="full", engine="numpy",
        ),
        {"bench.run.score_command.score_command": OUTCOME},
    ),
    "fuse": Case(
        ["fuse", "--method", "average", "--ir", "i", "--vis", "v", "--out", "o"],
        {
            **values(
                method="min", ir="x", vis="x", out="x", weights_root="x", device="cpu", ir_range="full", way="plain",
                precision="fast", compile="auto", runtime="auto", jobs="3",
            ),
            "--register": ["--register"], "--rate": ["--show", "--rate", "9"], "--show": ["--show"],
            "--port": ["--show", "--port", "8765"],
        },
        {"bench.run.fuse_command.fuse_command": OUTCOME, "bench.run.fuse_video.fuse_video": OUTCOME},
    ),
    "train": Case(
        ["train", "sdnet"],
        {
            **values(
                dataset="mfnet", preset="smoke", recipe="released", ablation="full", out="x", data_root="x",
                weights_root="x", datasets_file="x", ir="x", vis="x", device="cpu", seed="4", limit="2",
                ir_range="full", stop_after="3", train_precision="float32", option="steps=4",
            ),
            "--install": ["--no-install"],
        },
        {"bench.train.command.train_command": "x"},
    ),
    "ablate": Case(
        ["ablate"],
        values(
            dataset="mfnet", preset="smoke", ablations="full", seeds="2", out="x", data_root="x", datasets_file="x",
            device="cpu", train_precision="float32", jobs="3", executor="inline",
        ),
        {"bench.run.ablation.ablate": SimpleNamespace(rows=[], failed=[], report=None)},
    ),
    "report": Case(
        ["report", "r"],
        {**values(jobs="3", zip="x.zip", highlight="mine"), "--single-page": ["--single-page"]},
        {"reports.build_report": "x", "reports.bundle.zip_report": "x", "reports.single.write_single": "x"},
    ),
    "open": Case(["open", "r"], {}, {"typer.launch": 0, "reports.build_report": Path("x")}),
    "stats": Case(
        ["stats", "r"],
        values(metrics="EN", convention="tang2023", seed="4", differences="all", diagrams="x", jobs="3"),
        {
            "bench.analysis.stats_command.stats_command": [], "bench.analysis.stats_command.why_silent": "",
            "bench.run.draw_unit.draw_ahead": None,
        },
    ),
    "compare": Case(
        ["compare", "a", "b"],
        values(html="x.html"),
        {
            "bench.analysis.two_runs.compare_runs": OUTCOME, "bench.analysis.two_runs.render_text": "",
            "reports.comparison.write_comparison": None,
        },
    ),
    "pack": Case(["pack", "r"], values(out="x.zip", images="3"), {"bench.analysis.verify_pack.pack": "x"}),
    "verify": Case(
        ["verify", "p.zip"],
        {
            **values(data_root="x", sample="3", seed="4", datasets_file="x", weights_root="x", device="cpu"),
            "--recompute": ["--recompute"],
        },
        {"bench.analysis.verify_pack.verify": OUTCOME},
    ),
    "leaderboard": Case(["leaderboard", "p.zip"], values(out="x.html"), {"reports.leaderboard.leaderboard": "x"}),
    "publish": Case(["publish", "r", "--out", "o"], values(out="x"), {"reports.published.publish": "x"}),
    "selftest": Case(["selftest"], {}),
    "identify": Case(
        ["identify", "--fused", "f", "--ir", "i", "--vis", "v", "--claim", "c.csv"],
        values(fused="x", ir="x", vis="x", claim="x.csv", json="x.json"),
        {
            "bench.run.identify_command.identify_command": (OUTCOME, []), "bench.analysis.identify.summary_rows": [],
            "bench.files.write_atomic": None,
        },
    ),
    "convert": Case(
        ["convert", "{tmp}/table.csv", "--from", "seafusion2022", "--to", "tang2023"],
        {"--from": ["--from", "tang2023"], "--to": ["--to", "standard"], "--out": ["--out", "{tmp}/out.md"]},
    ),
    "list": Case(["list", "methods"], {"--long": ["--long"], "--datasets-file": ["--datasets-file", "x"]}),
    "check": Case(["check", "average"], values(weights_root="x"), {"bench.fusion.check_kinds.check": []}),
    "new": Case(
        ["new", "method", "mine"], values(folder="x", kind="learned"),
        {"bench.plugin.scaffold.new_plugin": OUTCOME},
    ),
    "audit": Case(
        ["audit", "r"],
        values(convention="vifb", metrics="EN", pairs="3", opinions="o.csv", seed="4", jobs="3"),
        {"bench.run.audit_command.audit_command": [], "reports.build_report": "x"},
    ),
    "prove": Case(
        ["prove"],
        {
            **values(reference="x", data_root="x", weights_root="x", out="x", json="x.json"),
            "--formula": ["--formula"], "--record": ["--record"], "--fetch": ["--fetch"],
        },
        {
            "bench.fusion.prove.prove": [], "bench.fusion.formula_cases.write_formula_files": [],
            "bench.files.write_atomic": None,
        },
    ),
    "export": Case(
        ["export", "average", "--format", "onnx", "--out", "o"],
        values(
            format="torch", out="x", size="48x64", precision="int8", way="plain", dataset="tno", ir="x", vis="x",
            limit="3", data_root="x", weights_root="x",
        ),
        {"bench.fusion.export.export_method": EXPORTED},
    ),
    "data list": Case(
        ["data", "list"], values(data_root="x", datasets_file="x"), {"bench.data.commands.status_rows": []}
    ),
    "data fetch": Case(
        ["data", "fetch", "tno"],
        values(data_root="x", datasets_file="x"),
        {"bench.data.commands.fetch_dataset": OUTCOME},
    ),
    "data check": Case(
        ["data", "check", "tno"],
        values(data_root="x", datasets_file="x"),
        {"bench.data.commands.check_dataset": OUTCOME},
    ),
    "data describe": Case(
        ["data", "describe", "f"],
        values(out="x.yaml"),
        {
            "bench.data.describe.describe_folder": SimpleNamespace(
                text=lambda: "", pairs={}, unsure=(), name="f", top=Path("f")
            ),
            "bench.files.write_atomic": None,
        },
    ),
    "weights list": Case(["weights", "list"], values(weights_root="x"), {"bench.weights.commands.status_rows": []}),
    "weights fetch": Case(["weights", "fetch"], values(weights_root="x"), {"bench.weights.commands.fetch": []}),
    "weights import": Case(
        ["weights", "import", "w.pth"],
        values(method="sdnet"),
        {"bench.weights.recognise.import_file": [], "bench.weights.commands.import_folder": []},
    ),
    "doctor": Case(
        ["doctor"],
        {**values(data_root="x", weights_root="x", datasets_file="x"), "--warm": ["--warm"], "--gpu": ["--gpu"]},
        {
            "bench.cli.doctor.examine": ([], True), "bench.metrics.choice.compile_kernels": None,
            "bench.cli.doctor.examine_gpu": True, "tasks.detection.task.warm": None,
        },
    ),
}  # fmt: skip


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command with its name as typed; by shape, since typer may bring a click of its own."""
    if not hasattr(group, "commands"):
        yield " ".join(path), group
        return
    for name, command in group.commands.items():
        yield from commands(command, (*path, name))


COMMANDS = dict(commands(typer.main.get_command(app)))


def long_options(command: Any) -> set[str]:
    """The first long spelling of each option."""
    options = [item for item in command.params if item.param_type_name == "option"]
    return {next(name for name in option.opts if name.startswith("--")) for option in options} - {"--help"}


def test_the_table_holds_every_command_and_option() -> None:
    assert TABLE.keys() == COMMANDS.keys()
    assert {name: set(case.options) for name, case in TABLE.items()} == {
        name: long_options(command) for name, command in COMMANDS.items()
    }


def test_no_command_has_a_default_for_what_typer_gives_it() -> None:
    """Python 3.10 reads a default of None as "or None", and typer then makes an option of it."""
    callbacks = [command.callback for command in app.registered_commands]
    given = [
        parameter
        for callback in callbacks
        if callback is not None
        for parameter in inspect.signature(callback).parameters.values()
        if "Context" in str(parameter.annotation)
    ]
    assert given
    assert all(parameter.default is inspect.Parameter.empty for parameter in given)


@pytest.fixture
def attempt(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[[Case, list[str]], tuple[Any, ...]]:
    """Runs one command line and returns all that it led to: calls with their arguments, output, files, refusal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["bench"])
    (tmp_path / "table.csv").write_text("method,SD,EN\na,9.5,7.1\nb,8.5,6.9\n")

    def run(case: Case, extra: list[str]) -> tuple[Any, ...]:
        made: list[tuple[str, ...]] = []
        for target, returned in case.calls.items():
            module, _, name = target.rpartition(".")
            monkeypatch.setattr(importlib.import_module(module), name, written_down(made, target, returned))
        arguments = [text.replace("{tmp}", str(tmp_path)) for text in [*case.base, *extra]]
        refused = ""
        try:
            app(arguments, standalone_mode=False)
        except BenchError as error:
            refused = str(error)
        written = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        return made, capsys.readouterr().out, written, refused

    return run


def written_down(made: list[tuple[str, ...]], target: str, returned: Any) -> Callable[..., Any]:
    def call(*args: Any, **settings: Any) -> Any:
        shown = {key: plain(value) for key, value in settings.items() if key != "command"}
        made.append((target, repr([plain(value) for value in args]), repr(shown)))
        return returned

    return call


def plain(value: Any) -> Any:
    """A value without what differs between any two calls."""
    return "a function" if callable(value) and not isinstance(value, type) else value


@pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name, case in TABLE.items() for option in case.options]
)
def test_every_option_changes_something_or_is_refused(
    name: str, option: str, attempt: Callable[[Case, list[str]], tuple[Any, ...]]
) -> None:
    case = TABLE[name]
    before = attempt(case, [])
    assert not before[3], before[3]
    assert attempt(case, case.options[option]) != before


@pytest.mark.parametrize("name", [name for name in TABLE if name != "selftest"])
def test_folders_set_in_the_environment_refuse_no_command(
    name: str,
    attempt: Callable[[Case, list[str]], tuple[Any, ...]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``BENCH_WEIGHTS`` is meant for every command, also for one that has no use for it as it is asked."""
    (tmp_path / "sets.yaml").write_text("datasets: {}\n")
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("BENCH_DATASETS", str(tmp_path / "sets.yaml"))
    refused = attempt(TABLE[name], [])[3]
    assert not refused


def test_two_equal_command_lines_do_the_same(attempt: Callable[[Case, list[str]], tuple[Any, ...]]) -> None:
    for name, case in TABLE.items():
        if name != "selftest":
            assert attempt(case, []) == attempt(case, []), name


# ------------------------------------------------------------------ options of a run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--option", "nosuch.x=1"], "unknown task of --option 'nosuch'; known: detection"),
        (["--option", "detecton.model=x"], "unknown task of --option 'detecton'; did you mean detection"),
        (["--option", "detection.modell=x"], "detection: option 'modell' is unknown; did you mean model?"),
        (["--option", "segmentation.depth=3"], "option 'depth' is unknown"),
        (["--option", "efficiency.secs=3"], "efficiency: option 'secs' is unknown"),
        (["--option", "sdnet.steps=3"], "sdnet is a method, and a run hands options to tasks only"),
        (["--tasks", "metrics", "--option", "detection.model=x"], "detection is not among --tasks metrics"),
        (["--option", "detection.model="], "wanted TASK.NAME=VALUE"),
        (["--option", "model=x"], "wanted TASK.NAME=VALUE"),
        (
            ["--option", "detection.model=a", "--option", "detection.model=b"],
            "detection.model is given twice, as 'a' and 'b'",
        ),
        (["--methods", "a/b=x"], "cannot be the label of a method"),
        (["--methods", "..=x"], "cannot be the label of a method"),
        (["--methods", "average,Average=x"], "Average and average differ in case alone"),
        (["--methods", "mine=x,MINE=y"], "MINE and mine differ in case alone"),
        (["--methods", "mine=x,mine=y"], "the label mine is given twice"),
        (["--methods", "=x"], "cannot be the label of a method"),
        (["--methods", ".mine=x"], "cannot be the label of a method"),
        (["--methods", "a\\b=x"], "cannot be the label of a method"),
        (["--methods", "a:b=x"], "cannot be the label of a method"),
        (["--methods", "a\nb=x"], "cannot be the label of a method"),
        (["--methods", f"{'m' * 300}=x"], "cannot be the label of a method"),
    ],
)
def test_what_a_run_cannot_do_is_refused_before_any_work(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BenchError, match=message):
        app(["run", "--methods", "average", "--out", "r", *arguments], standalone_mode=False)
    assert not list(tmp_path.rglob("*.png"))
    assert not list(tmp_path.rglob("scores.*"))


@pytest.mark.parametrize("name", TABLE)
def test_an_option_without_a_value_is_refused_by_name(name: str) -> None:
    """``--metrics "$UNSET"`` would mean the default, and ``--out "$UNSET"`` the current folder."""
    case = TABLE[name]
    valued = [option for option, words in case.options.items() if len(words) > 1 and words[0] == option]
    for option in valued:
        for words in ([option, ""], [option, " , "], [f"{option}="]):
            with pytest.raises(BenchError, match=f"^{option} is .*, wanted a value"):
                app([*case.base, *words], standalone_mode=False)
    with pytest.raises(BenchError, match="an argument is '', wanted a value"):
        app([*name.split(), ""], standalone_mode=False)


@pytest.mark.parametrize("label", ["a/b", "..", ".x", "a\\b", "a:b", "a\tb", "m" * 300])
def test_score_refuses_an_impossible_label(label: str, tmp_path: Path) -> None:
    for folder in ("f", "i", "v"):
        (tmp_path / folder).mkdir()
    folders = ["--fused", str(tmp_path / "f"), "--ir", str(tmp_path / "i"), "--vis", str(tmp_path / "v")]
    with pytest.raises(BenchError, match=r"--method: .* cannot be the label of a method"):
        app(["score", *folders, "--out", str(tmp_path / "o.csv"), "--method", label], standalone_mode=False)
    assert not (tmp_path / "o.csv").exists()


NUMERIC = {
    "run": ["--jobs -1", "--limit 0", "--seed -1", "--seed 4294967296", "--time-limit -1"],
    "score": ["--jobs -1"],
    "fuse": ["--jobs -1"],
    "train": ["--limit 0", "--limit -3", "--stop-after 0", "--seed -1", "--seed 4294967296"],
    "ablate": ["--seeds 0", "--jobs -1"],
    "report": ["--jobs -1"],
    "stats": ["--seed -1"],
    "pack": ["--images -2"],
    "verify": ["--sample 0", "--seed -1"],
    "export": ["--limit 1"],
    "audit": ["--pairs 0", "--seed -1", "--jobs -1"],
}


@pytest.mark.parametrize(("command", "words"), [(name, words) for name, every in NUMERIC.items() for words in every])
def test_a_number_that_means_nothing_is_refused_by_name(
    command: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--limit 0`` would be an empty set, ``--jobs -1`` no machine: the parser knows where each number begins."""
    base = [part.replace("{tmp}", str(tmp_path)) for part in TABLE[command].base]
    option, number = words.split()
    with pytest.raises(SystemExit) as ended:
        app([*base, option, number])
    assert ended.value.code == 2
    assert f"'{option}'" in " ".join(capsys.readouterr().err.split())
