"""Commands on finished runs: report, stats, compare, pack, verify, leaderboard, publish."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli import completion
from bench.cli.completion import by_comma, one_of
from bench.cli.runs import DataRoot, DatasetsFile, Device, Jobs, WeightsRoot
from bench.cli.screen import fail, names, print_rows, progress, typed
from bench.errors import BenchError

RunDir = Annotated[Path, typer.Argument(help="The --out of a bench run.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (report, open_, stats, compare, pack, verify, leaderboard, publish):
        app.command(command.__name__.rstrip("_"))(command)


def report(
    run_dir: RunDir,
    archive: Annotated[
        Path | None, typer.Option("--zip", help="Also pack the report with all its images into this file.")
    ] = None,
    single_page: Annotated[bool, typer.Option(help="Also write all pages and images as one HTML file.")] = False,
    highlight: Annotated[
        str,
        typer.Option(help="Mark this method everywhere, in figures and exports too.", autocompletion=completion.labels),
    ] = "",
    jobs: Jobs = 0,
) -> None:
    """Rebuild the HTML from what a run holds."""
    from reports import build_report

    typer.echo(f"report: {build_report(run_dir, jobs=jobs, highlight=highlight)}")
    if archive is not None:
        from reports.bundle import zip_report

        typer.echo(f"archive: {zip_report(run_dir, archive)}")
    if single_page:
        from reports.single import write_single

        typer.echo(f"single page: {write_single(run_dir)}")


def open_(run_dir: Annotated[Path, typer.Argument(help="The --out of a bench run.")] = Path("runs/latest")) -> None:
    """Open a run's report in the browser, building it if it is not there."""
    from bench.store.run_folder import Store

    index = Store(run_dir).report_dir / "index.html"
    if not index.is_file():
        from reports import build_report

        index = build_report(run_dir)
    typer.launch(index.resolve().as_uri())
    typer.echo(f"report: {index}")


def stats(
    run_dirs: Annotated[
        list[Path], typer.Argument(help="The --out of a bench run; more of them add the spread over their seeds.")
    ],
    metrics: Annotated[
        str, typer.Option(help="By comma; default: all in the run.", autocompletion=by_comma(completion.metrics))
    ] = "",
    convention: Annotated[
        str, typer.Option(help="Metric convention.", autocompletion=one_of(completion.conventions))
    ] = "standard",
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
    differences: Annotated[
        Literal["best", "all", "none"], typer.Option(help="From the best method, of every two methods, or none.")
    ] = "best",
    diagrams: Annotated[Path | None, typer.Option(help="Folder for critical-difference diagrams, SVG.")] = None,
    jobs: Jobs = 0,
) -> None:
    """Say which differences between methods are real."""
    from bench.analysis.set_draws import DRAWS
    from bench.analysis.stats_command import stats_command, why_silent
    from bench.run.draw_unit import draw_ahead
    from bench.store.run_folder import Store

    with progress() as listener:
        draw_ahead(Store(run_dirs[0]), replace(DRAWS, seed=seed), jobs, listener)
    chosen, silent = names(metrics), True
    for title, rows in stats_command(run_dirs, chosen, convention, seed, differences, diagrams):
        typer.echo(f"\n{title}")
        print_rows(rows)
        silent = False
    if silent:
        typer.echo(f"nothing to say: {why_silent(run_dirs[0])}")


def compare(
    run_a: RunDir,
    run_b: RunDir,
    html: Annotated[Path | None, typer.Option(help="Also write a page.")] = None,
) -> None:
    """Say what changed between two runs, where, and by how much."""
    from bench.analysis.two_runs import compare_runs, render_text

    comparison = compare_runs(run_a, run_b)
    typer.echo(render_text(comparison))
    if html:
        from reports.comparison import write_comparison

        write_comparison(comparison, html)
        typer.echo(f"page: {html}")


def pack(
    run_dir: RunDir,
    out: Annotated[Path | None, typer.Option(help="Default: RUN_DIR.zip beside it.")] = None,
    images: Annotated[int, typer.Option(min=-1, help="Fused images per method and data set that go in; -1: all.")] = 8,
) -> None:
    """Make a small archive of a run for a leaderboard."""
    from bench.analysis.verify_pack import pack as make_pack

    typer.echo(f"pack: {make_pack(run_dir, out, images=images)}")


def verify(
    context: typer.Context,
    archive: Annotated[Path, typer.Argument(help="What bench pack or bench publish made, or a folder of packs.")],
    data_root: DataRoot = None,
    sample: Annotated[int, typer.Option(min=1, help="How many images to score again.")] = 16,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice.")] = 0,
    datasets_file: DatasetsFile = None,
    recompute: Annotated[
        bool, typer.Option("--recompute", help="Fuse the sample anew instead of taking the archive's images.")
    ] = False,
    weights_root: WeightsRoot = None,
    device: Device = "auto",
) -> None:
    """Recompute a random sample of an archive and refuse a tampered one."""
    from bench.analysis.verify_pack import verify as verify_pack
    from reports.published import is_published

    accepted, fuse = True, None
    if recompute:
        from bench.run.recompute import Recompute

        fuse = Recompute(weights_root, device)
    elif typed(context, "weights_root", "device"):
        raise BenchError("--weights-root and --device are for --recompute; give it too, or leave them out")
    if is_published(archive):
        accepted = _verify_published(archive)
        if fuse is None:
            raise typer.Exit(0 if accepted else 1)
    archives = sorted(archive.glob("*.zip")) if archive.is_dir() else [archive]
    if not archives:
        raise BenchError(f"{archive}: holds no *.zip; give what bench pack made, or a folder of such archives")
    for path in archives:
        outcome = verify_pack(path, data_root, sample=sample, seed=seed, datasets_file=datasets_file, fuse=fuse)
        print_rows(outcome.rows)
        for line in outcome.problems:
            fail(line)
        for line in outcome.notes:
            typer.echo(f"note: {line}")
        typer.echo(f"{path.name}: {'accepted' if outcome.accepted else 'refused'}")
        accepted = accepted and outcome.accepted
    raise typer.Exit(0 if accepted else 1)


def _verify_published(folder: Path) -> bool:
    from reports.published import check_published

    problems = list(check_published(folder))
    for line in problems:
        fail(line)
    if not problems:
        typer.echo(f"{folder}: whole, and its tables are what its scores give; --recompute makes some anew")
    return not problems


def leaderboard(
    archives: Annotated[list[Path], typer.Argument(help="Archives by bench pack.")],
    out: Annotated[Path, typer.Option(help="HTML file.")] = Path("leaderboard.html"),
) -> None:
    """Render archives as one ranking."""
    from reports.leaderboard import leaderboard as render

    typer.echo(f"leaderboard: {render(archives, out)}")


def publish(
    run_dirs: Annotated[list[Path], typer.Argument(help="The --out of bench runs, each called after its folder.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
) -> None:
    """Write runs as a result to cite and check: packs, tables, figures, lock file, metadata; no images."""
    from reports.published import publish as write

    typer.echo(f"published: {write(run_dirs, out)}")
