"""What the shell completes, asked as a shell asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

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
    ],
)
def test_the_shell_is_offered(line: str, offered: str, complete: Callable[[str], list[str]]) -> None:
    assert offered in complete(line)


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
