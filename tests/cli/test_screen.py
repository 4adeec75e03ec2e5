"""The progress display: a true estimate for each method, and plain lines where nobody watches."""

from __future__ import annotations

import pytest

from bench.cli.pace import Pace
from bench.cli.screen import progress
from bench.types import PART


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_method_is_reckoned_at_its_own_pace() -> None:
    clock = Clock()
    pace = Pace(clock)
    for name in ("quick", "slow", "later"):
        pace.tell(name, 0, 10)
    assert pace.left() is None
    for done in range(1, 11):
        clock.now += 1.0
        pace.tell("quick", done, 10)
    clock.now += 40.0
    pace.tell("slow", 2, 10)
    assert pace.left("quick") == 0
    assert pace.left("slow") == pytest.approx(8 * 20.0)
    # the third has not begun: it is taken to be as quick as the twelve steps seen, 50 s / 12 each
    assert pace.left("later") == pytest.approx(10 * 50 / 12)
    assert pace.left() == pytest.approx(8 * 20.0 + 10 * 50 / 12)


def test_a_method_that_begins_again_forgets_its_pace() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.tell("a", 0, 4)
    clock.now = 8.0
    pace.tell("a", 2, 4)
    pace.tell("a", 0, 4)
    assert pace.left() is None


def test_steps_that_had_ended_before_tell_no_pace() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.tell("a", 20, 100)
    assert pace.left() is None
    clock.now = 30.0
    pace.tell("a", 30, 100)
    assert pace.left() == pytest.approx(70 * 3.0)


def test_lines_say_how_long_it_will_take(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as listener:
        listener(f"fuse{PART}gtf", 0, 4)
        listener("fuse", 0, 4)
        for done in range(1, 5):
            listener(f"fuse{PART}gtf", done, 4)
            listener("fuse", done, 4)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "fuse: 0/4"
    assert lines[2] == "fuse: 2/4, 0 s left"
    assert lines[-1] == "fuse: 4/4"
    assert not any("gtf" in line for line in lines)  # dozens of methods would drown what matters


@pytest.mark.parametrize("method", ["", f"{PART}seafusion"])
def test_bars_show_a_stage_and_the_method_at_work(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    from bench.cli.screen import _Bars

    console = Console(force_terminal=True, width=120, record=True)
    with _Bars(console) as bars:
        bars.listen(f"fuse{method}", 0, 8)
        bars.listen(f"fuse{method}", 3, 8)
        bars.note("sdnet: step 30/60")
        task = {task.description.strip(): task for task in bars.display.tasks}
        assert task["seafusion" if method else "fuse"].completed == 3
        assert "left" in task["seafusion" if method else "fuse"].fields["left"]
        assert (task["sdnet"].completed, task["sdnet"].total) == (30, 60)
        bars.listen(f"fuse{method}", 8, 8)
        assert task["seafusion" if method else "fuse"].visible == (not method)


def test_a_long_stage_has_a_line_every_minute_where_nobody_watches() -> None:
    import io

    from rich.console import Console

    from bench.cli.screen import _Lines

    now, out = [0.0], io.StringIO()
    lines = _Lines(Console(file=out, width=200), clock=lambda: now[0])
    for done in range(101):
        lines.listen("fuse", done, 1000)
        now[0] += 7.0
    said = out.getvalue().splitlines()
    assert said[0] == "fuse: 0/1000"
    assert 10 <= len(said) <= 13
    assert said[-1].startswith("fuse: ")
    assert said[-1].endswith("left")
