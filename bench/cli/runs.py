"""Commands that compute: run, score, fuse, train, ablate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bench.cli import completion
from bench.cli.completion import by_comma, one_of
from bench.cli.frames import frame_progress
from bench.cli.screen import fail, names, print_rows, progress

DataRoot = Annotated[Path | None, typer.Option(help="Folder of the data sets.", envvar="BENCH_DATA")]
WeightsRoot = Annotated[
    Path | None,
    typer.Option(help="Folder of published weights.", envvar="BENCH_WEIGHTS"),
]
DatasetsFile = Annotated[
    Path | None,
    typer.Option(help="More data sets, described as in datasets.yaml.", envvar="BENCH_DATASETS"),
]
IrRange = Annotated[
    str,
    typer.Option(
        help="Infrared of more than 8 bits becomes 8 by: full, full:BITS, percentile:LOW,HIGH, set, set:LOW,HIGH, "
        "levels:LOW,HIGH; the same for all methods. Default: such images are refused."
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of everything random.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.", autocompletion=one_of(completion.devices))]
Option = Annotated[
    list[str] | None,
    typer.Option(
        "--option", help="TASK.NAME=VALUE, a setting of one task; may be repeated.",
        autocompletion=one_of(completion.options),
    ),
]  # fmt: skip
Preset = Annotated[str, typer.Option(help="smoke, quick or paper.", autocompletion=one_of(completion.presets))]
Conventions = Annotated[
    str, typer.Option(help="Metric conventions by comma.", autocompletion=by_comma(completion.conventions))
]
Metrics = Annotated[
    str,
    typer.Option(help="Metrics by comma, or all; default: the six.", autocompletion=by_comma(completion.metrics)),
]
Dataset = Annotated[str, typer.Option(help="Data set of the sources.", autocompletion=one_of(completion.datasets))]
MethodName = Annotated[
    str, typer.Option(help="As in bench list methods.", autocompletion=one_of(completion.method_names))
]


Precision = Annotated[
    str,
    typer.Option(
        help="exact, or fast: may move pixels by some grey levels.", autocompletion=completion.setting("precision")
    ),
]
Compile = Annotated[
    str,
    typer.Option(
        help="never; auto: networks are compiled where that repays, pixels may move by one level.",
        autocompletion=completion.setting("compile"),
    ),
]
Runtime = Annotated[
    str,
    typer.Option(
        help="Of networks on the CPU: torch; winograd; openvino; auto: the first of these two that is installed, gains "
        "and gives the same pixels on probe pairs.",
        autocompletion=completion.setting("runtime"),
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        help="Of the metrics: numpy, numba, or auto: what is quicker.", autocompletion=completion.setting("engine")
    ),
]
Executor = Annotated[
    str,
    typer.Option(help="local, ray, or inline for debugging.", autocompletion=completion.setting("executor")),
]
Jobs = Annotated[int, typer.Option(min=0, help="Worker processes; 0: one per core.")]
TrainPrecision = Annotated[
    str,
    typer.Option(
        help="Of trainings: auto, bfloat16 where the device computes it natively; or float32.",
        autocompletion=completion.setting("train_precision"),
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (run, score, fuse, train, ablate):
        app.command()(command)


def run(
    methods: Annotated[
        str | None,
        typer.Option(
            help="all (each method once, no variants; the default but with --results), or NAME, NAME:VARIANT, "
            "LABEL=FOLDER by comma.",
            autocompletion=by_comma(completion.methods),
        ),
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="Ready images of many methods: ROOT/DATASET/METHOD or ROOT/METHOD/DATASET.")
    ] = None,
    datasets: Annotated[
        str | None,
        typer.Option(
            help="Names by comma; NAME:SUBSET for a part. Default: demo, or what --ir and --vis hold.",
            autocompletion=by_comma(completion.datasets),
        ),
    ] = None,
    ir: Annotated[Path | None, typer.Option(help="Folder of infrared images: the data set `folder`.")] = None,
    vis: Annotated[Path | None, typer.Option(help="Folder of visible images.")] = None,
    ir_range: IrRange = "",
    tasks: Annotated[
        str,
        typer.Option(
            help="metrics, efficiency, segmentation, detection, robustness, video; default: what fits.",
            autocompletion=by_comma(completion.tasks),
        ),
    ] = "",
    conventions: Conventions = "standard,seafusion2022",
    metrics: Metrics = "",
    preset: Annotated[
        str,
        typer.Option(
            help="smoke, quick or paper: trains what has no weights.", autocompletion=one_of(completion.presets)
        ),
    ] = "",
    out: Annotated[Path, typer.Option(help="Folder of this run.")] = Path("runs/latest"),
    data_root: DataRoot = None,
    weights_root: WeightsRoot = None,
    datasets_file: DatasetsFile = None,
    device: Device = "auto",
    jobs: Jobs = 0,
    executor: Executor = "local",
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many pairs per data set.")] = None,
    seed: Seed = 0,
    rerun: Annotated[
        str, typer.Option(help="missing, all or none.", autocompletion=completion.setting("rerun"))
    ] = "missing",
    way: Annotated[
        str,
        typer.Option(
            help="published: images as the authors wrote them; plain: all alike; both.",
            autocompletion=completion.setting("way"),
        ),
    ] = "published",
    precision: Precision = "exact",
    train_precision: TrainPrecision = "auto",
    compile: Compile = "never",
    runtime: Runtime = "torch",
    engine: Engine = "auto",
    time_limit: Annotated[float, typer.Option(min=0, help="Seconds for one pair before it is given up.")] = 300.0,
    fetch: Annotated[bool, typer.Option("--fetch", help="First get what is missing and has a direct address.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and the time and disk it takes; do nothing.")
    ] = False,
    option: Option = None,
) -> None:
    """Fuse, score, evaluate and report."""
    import sys

    from bench.run.fork_server import start_fork_server

    if executor == "local" and not dry_run:
        start_fork_server(out)  # first of all: what the workers import takes longer than what follows here

    from bench.cli.begin import prepare, show_plan
    from bench.cli.end import show_result
    from bench.plugin.settings import parse_settings
    from bench.run.stages import run as run_benchmark

    bare = ("folder",) if ir or vis else ()
    chosen = names(datasets) if datasets is not None else () if bare else ("demo",)
    config = build_config(
        methods=names(methods) if methods is not None else () if results else ("all",), results=results,
        datasets=(*chosen, *bare), ir=ir, vis=vis, ir_range=ir_range, tasks=names(tasks),
        conventions=names(conventions), metrics=names(metrics), preset=preset or None, out=out, data_root=data_root,
        weights_root=weights_root, datasets_file=datasets_file, device=device, jobs=jobs, executor=executor,
        limit=limit, seed=seed, rerun=rerun, way=way, precision=precision, compile=compile, engine=engine,
        train_precision=train_precision, runtime=runtime,
        time_limit_s=time_limit,
        options=parse_settings(option or (), "TASK.NAME=VALUE, e.g. detection.model=yolov5s"),
    )  # fmt: skip
    prepare(config, fetch, dry_run)
    if dry_run:
        show_plan(config)
        return
    with progress(config.out) as listener:
        result = run_benchmark(config, command=["bench", *sys.argv[1:]], listener=listener, say=typer.echo)
    show_result(config, result)
    raise typer.Exit(result.exit_code)


def build_config(**settings: Any) -> Any:
    """A RunConfig, or BenchError with the first wrong setting."""
    from pydantic import ValidationError

    from bench.errors import BenchError
    from bench.run.config import RunConfig

    try:
        return RunConfig(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        where = "--" + "-".join(str(part) for part in first["loc"]).replace("_", "-")
        raise BenchError(f"{where} is {first['input']!r}: {first['msg']}") from error


def score(
    fused: Annotated[Path, typer.Option(help="Folder of fused images.")],
    out: Annotated[Path, typer.Option(help="FILE.csv or FILE.parquet.")],
    dataset: Dataset = "",
    ir: Annotated[Path | None, typer.Option(help="Folder of infrared images, instead of --dataset.")] = None,
    vis: Annotated[Path | None, typer.Option(help="Folder of visible images.")] = None,
    ir_range: IrRange = "",
    method: Annotated[str, typer.Option(help="Label in the table; default: the folder's name.")] = "",
    conventions: Conventions = "standard,seafusion2022",
    metrics: Metrics = "",
    data_root: DataRoot = None,
    datasets_file: DatasetsFile = None,
    jobs: Jobs = 0,
    engine: Engine = "auto",
) -> None:
    """Score a folder of fused images that anything made."""
    from bench.run.score_command import ScoreRequest, score_command

    request = ScoreRequest(
        fused=fused, out=out, dataset=dataset, ir=ir, vis=vis, label=method, conventions=names(conventions),
        metrics=names(metrics), data_root=data_root, datasets_file=datasets_file, jobs=jobs, engine=engine,
        ir_range=ir_range,
    )  # fmt: skip
    with progress() as listener:
        outcome = score_command(request, lambda done, total: listener("score", done, total))
    print_rows(outcome.summary)
    for line in outcome.notes:
        typer.echo(f"note: {line}")
    for line in outcome.failed:
        fail(line)
    typer.echo(f"{outcome.rows} rows in {out}")
    raise typer.Exit(1 if outcome.failed else 0)


def fuse(
    method: MethodName,
    ir: Annotated[
        str, typer.Option(help="Infrared image, folder, or video: a file, a camera's number, an rtsp:// address.")
    ],
    vis: Annotated[str, typer.Option(help="Visible image, folder, or video, of the same kind.")],
    out: Annotated[
        Path | None, typer.Option(help="Fused image, folder, or video: .webm, .mp4, or .mkv, which keeps every pixel.")
    ] = None,
    weights_root: WeightsRoot = None,
    device: Device = "auto",
    way: Annotated[
        str, typer.Option(help="published or plain.", autocompletion=one_of(lambda: ("published", "plain")))
    ] = "published",
    ir_range: IrRange = "",
    precision: Precision = "exact",
    compile: Compile = "never",
    runtime: Runtime = "torch",
    jobs: Jobs = 0,
    register: Annotated[
        bool,
        typer.Option(
            "--register", help="First move each infrared image onto the visible one (shift, rotation, scale); recorded."
        ),
    ] = False,
    rate: Annotated[float, typer.Option(help="Frames a second of a video; default: as the sources say, or 25.")] = 0.0,
    show: Annotated[bool, typer.Option("--show", help="Show the frames of a video on a page of this machine.")] = False,
    port: Annotated[int, typer.Option(help="Of the page; default: a free one.")] = 0,
) -> None:
    """Fuse one pair, two folders of pairs, or two videos, with the pixels of a run.

    A folder may end in a pattern, e.g. images/{pair}_ir, where its names are more than the pair's own. Two folders
    become a video where --out names one.
    """
    from bench.run.fuse_command import fuse_command
    from bench.run.fuse_video import VideoOrder, fuse_video, is_video_order

    config = build_config(
        weights_root=weights_root, device=device, way=way, precision=precision, compile=compile, jobs=jobs,
        ir_range=ir_range, runtime=runtime,
    )  # fmt: skip
    order = VideoOrder(method, ir, vis, out, rate, register, show, port)
    if out is None or is_video_order(order):
        with frame_progress() as frames_done:
            outcome = fuse_video(order, config, frames_done, typer.echo)
    else:
        with progress() as listener:
            outcome = fuse_command(
                method, Path(ir), Path(vis), out, config, lambda done, total: listener("fuse", done, total), register
            )
    for line in outcome.notes:
        typer.echo(f"note: {line}")
    for line in outcome.failed:
        fail(line)
    if outcome.written:
        count = f" ({outcome.written} {outcome.what})" if outcome.written != 1 else ""
        typer.echo(f"fused: {outcome.path}{count}")
    raise typer.Exit(1 if outcome.failed or outcome.interrupted else 0)


def train(
    method: Annotated[
        str,
        typer.Argument(help="A trainable method, e.g. seafusion.", autocompletion=one_of(completion.method_names)),
    ],
    dataset: Annotated[
        str, typer.Option(help="Data set with a training part.", autocompletion=one_of(completion.datasets))
    ] = "demo",
    preset: Preset = "quick",
    recipe: Annotated[str, typer.Option(help="One of the method's recipes; default: its first.")] = "",
    ablation: Annotated[str, typer.Option(help="One of the method's ablations.")] = "",
    out: Annotated[Path | None, typer.Option(help="Default: runs/train/METHOD-DATASET-PRESET-SEED.")] = None,
    data_root: DataRoot = None,
    weights_root: WeightsRoot = None,
    datasets_file: DatasetsFile = None,
    ir: Annotated[Path | None, typer.Option(help="Folder of infrared images, instead of --dataset.")] = None,
    vis: Annotated[Path | None, typer.Option(help="Folder of visible images.")] = None,
    ir_range: IrRange = "",
    device: Device = "auto",
    seed: Seed = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many training pairs.")] = None,
    stop_after: Annotated[int | None, typer.Option(min=1, help="Stop, resumably, after this many steps.")] = None,
    train_precision: TrainPrecision = "auto",
    install: Annotated[bool, typer.Option(help="Make the result the weights bench run finds.")] = True,
    option: Annotated[list[str] | None, typer.Option(help="NAME=VALUE; may be repeated.")] = None,
) -> None:
    """Train a method here; run the same command again to go on after an interruption."""
    from bench.train.command import TrainOrder, train_command

    order = TrainOrder(
        method=method, dataset=dataset, preset=preset, recipe=recipe, ablation=ablation, out=out,
        data_root=data_root, datasets_file=datasets_file, device=device, seed=seed, limit=limit,
        stop_after=stop_after, install=install, options=tuple(option or ()), weights_root=weights_root, ir=ir,
        vis=vis, train_precision=train_precision, ir_range=ir_range,
    )  # fmt: skip
    with progress() as listener:
        path = train_command(order, typer.echo, listener)
    typer.echo(f"weights: {path}")


def ablate(
    dataset: Annotated[
        str, typer.Option(help="Data set with segmentation labels.", autocompletion=one_of(completion.datasets))
    ] = "demo",
    preset: Preset = "quick",
    ablations: Annotated[str, typer.Option(help="By comma; default: all that SeAFusion has.")] = "",
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder.")] = Path("runs/ablation"),
    data_root: DataRoot = None,
    datasets_file: DatasetsFile = None,
    device: Device = "auto",
    train_precision: TrainPrecision = "auto",
    jobs: Annotated[int, typer.Option(min=0, help="Variants at a time; 0: one per core, or per GPU.")] = 0,
    executor: Executor = "local",
) -> None:
    """Train SeAFusion's ablations and strategies and compare their segmentation."""
    import sys

    from bench.run.ablation import TASKS, trials_of
    from bench.run.ablation import ablate as run_ablation

    config = build_config(
        methods=(), trials=trials_of("seafusion", names(ablations), seeds), datasets=(dataset,), tasks=TASKS,
        conventions=("standard",), preset=preset, out=out, data_root=data_root, datasets_file=datasets_file,
        device=device, jobs=jobs, executor=executor, train_precision=train_precision,
    )  # fmt: skip
    with progress(out) as listener:
        result = run_ablation(config, ["bench", *sys.argv[1:]], listener)
    if result.rows:
        typer.echo("means over the seeds, ± standard deviation where there are several; segmentation in percent")
    print_rows(result.rows, list(dict.fromkeys(key for row in result.rows for key in row)))
    for line in result.failed:
        fail(f"failed: {line}")
    if result.report:
        typer.echo(f"report: {result.report}")
    raise typer.Exit(1 if result.failed else 0)
