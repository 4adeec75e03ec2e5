"""What the shell completes, asked as a shell asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
import typer
from make_run import RunPlan, make_run

from bench.cli import app, completion
from bench.plugin.kinds import TASKS
from bench.plugin.task import Setting


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], list[str]]:
    """What bash is offered for the last word of a command line."""

    def ask(line: str) -> list[str]:
        monkeypatch.setenv("_BENCH_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        with pytest.raises(SystemExit):
            app(prog_name="bench")
        return capsys.readouterr().out.split()

    return ask


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("bench run --methods seaf", "seafusion"),
        ("bench run --methods visible,ifc", "visible,ifcnn"),
        ("bench run --datasets mfnet:n", "mfnet:night"),
        ("bench run --datasets mfnet,roads", "mfnet,roadscene"),
        ("bench run --metrics Qab", "Qabf"),
        ("bench run --conventions standard,tang", "standard,tang2023"),
        ("bench run --tasks metrics,seg", "metrics,segmentation"),
        ("bench run --preset sm", "smoke"),
        ("bench run --option detection.mod", "detection.model="),
        ("bench run --option segmentation.st", "segmentation.steps="),
        ("bench run --option seafusion.tr", "seafusion.trained_on="),
        ("bench fuse --method didf", "didfuse"),
        ("bench score --dataset tn", "tno"),
        ("bench train sdn", "sdnet"),
        ("bench stats RUN --metrics EN,S", "EN,SF"),
        ("bench stats RUN --convention seaf", "seafusion2022"),
        ("bench audit RUN --convention seaf", "seafusion2022"),
        ("bench convert T.csv --from tang", "tang2023"),
        ("bench weights fetch sea", "seafusion"),
        ("bench data fetch average road", "roadscene"),
        ("bench data check vi", "vifb"),
        ("bench check det", "detector"),
        ("bench prove didf", "didfuse"),
        ("bench run --way pl", "plain"),
        ("bench run --precision f", "fast"),
        ("bench run --rerun mis", "missing"),
        ("bench ablate --executor in", "inline"),
        ("bench fuse --runtime open", "openvino"),
    ],
)
def test_the_shell_is_offered(line: str, offered: str, complete: Callable[[str], list[str]]) -> None:
    assert offered in complete(line)


def test_the_methods_of_a_run_are_offered_to_be_marked(complete: Callable[[str], list[str]], tmp_path: Path) -> None:
    root = make_run(tmp_path / "run", RunPlan(methods=2, images=False))
    assert complete(f"bench report {root} --highlight me") == ["method0", "method1"]
    assert complete(f"bench report {tmp_path} --highlight me") == []


FREE = {
    "--ir", "--vis", "--ir-range", "--size", "--recipe", "--ablation", "--ablations", "--option", "name", "other",
    "--method",
}  # fmt: skip
"""Texts that name nothing the program knows; ``--method`` of ``bench score`` is a label, ``name`` of ``new`` is new."""


def commands(app: typer.Typer) -> Iterator[Callable[..., Any]]:
    for command in app.registered_commands:
        assert command.callback is not None
        yield command.callback
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance)


def test_every_text_of_the_command_line_that_names_something_is_completed() -> None:
    seen, silent = 0, []
    for command in commands(app):
        for name, hint in get_type_hints(command, include_extras=True).items():
            kind, *notes = get_args(hint) if get_origin(hint) is Annotated else (hint,)
            if not notes or (str not in (kind, *get_args(kind)) and list[str] not in (kind, *get_args(kind))):
                continue
            seen += 1
            option = notes[0]
            if option.autocompletion is None and name not in {one.lstrip("-").replace("-", "_") for one in FREE}:
                silent.append(f"{command.__name__}: {name}")
    assert seen > 40
    assert silent == []


def test_a_name_is_not_offered_twice_in_a_list() -> None:
    assert completion.by_comma(lambda: ["gtf", "gff"])("gtf,g") == ["gtf,gff"]


@pytest.mark.parametrize("name", TASKS.names())
def test_every_declared_option_of_a_task_is_heard(name: str) -> None:
    """Declared options are known: what is refused is their value, not their name."""
    task = TASKS.get(name)()
    good = {
        "segmenter": "unet", "model": "yolov5n", "detector": "yolov5", "padding": "val", "variants": "",
        "passport": "torch", "sizes": "640x480", "corruptions": "ir_shift", "severities": "1", "detection": "true",
        "conventions": "standard", "metrics": "EN", "robustness.pictures": "2",
    }  # fmt: skip
    for option in task.options:
        usual = "true" if option in _SWITCHES else "2" if option not in _SHARES else "0.5"
        value = good.get(f"{name}.{option}", good.get(option, usual))
        beside = {"finetune": "true"} if "finetune" in task.options else {}  # many speak of a training alone
        task.facts(Setting("smoke", {**beside, option: value}, "cpu", None, "auto"))


_SWITCHES = {"compile", "multi_scale", "random_backbone", "finetune", "pictures", "random_start"}
_SHARES = {"image_scale", "crop"}
