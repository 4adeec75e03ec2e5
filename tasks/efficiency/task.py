"""The efficiency task: what ``bench.fusion.efficiency`` measures, as rows of a run."""

from __future__ import annotations

from collections.abc import Iterable

from bench.errors import BenchError
from bench.files import digest
from bench.machine import describe_machine
from bench.plugin.task import Job, Number, Setting, Task
from bench.types import Score

STEPS = ("read", "prepare", "infer", "finish", "write")
"""Of the latency passport, in ``bench.fusion.passport``."""

SIX = ("EN", "MI", "VIF", "SF", "SD", "Qabf")
"""Metrics whose change it gives."""


class EfficiencyTask(Task):
    """Times each method on the pairs that are scored, in the form in which the run fuses with it."""

    name = "efficiency"
    title = "Efficiency"
    about = "Time of one pair from tensors to fused tensor, one at a time, after warming up; and what it costs."
    truth = ""
    options = ("variants", "seconds", "passport", "sizes", "repeats")
    splits = ()
    runs = "named"
    needs_method = True
    alone = True
    numbers = (
        Number("latency_ms_mean", "lower", "Latency (ms)", headline=True, measured=True),
        Number("latency_ms_std", "", measured=True, spread_of="latency_ms_mean"),
        Number("latency_ms_median", "lower", "Median (ms)", measured=True),
        Number("latency_ms_p95", "lower", "95th percentile (ms)", measured=True),
        Number("latency_ms", "lower", "Latency (ms)", measured=True),
        Number("images_per_second", "higher", "Images/s", measured=True),
        Number("batch_size", "", "at batch", 0, measured=True),
        Number("data_ms", "", "Reading (ms)", measured=True),
        Number("compute_ms", "", measured=True, hidden=True),
        Number("write_ms", "", "Writing (ms)", measured=True),
        Number("params_M", "lower", "Parameters (M)", headline=True, zero="none"),
        Number("flops_G", "lower", "FLOPs (G)"),
        Number("peak_memory_MB", "lower", "Peak memory (MB)", measured=True, zero="too little to measure"),
        Number("max_difference", "lower", "Largest change (levels)"),
        Number("compile_s", "", "Compiling (s)", measured=True),
        Number("total_ms_median", "lower", "File to file, median (ms)", measured=True),
        Number("total_ms_p95", "lower", "95th percentile (ms)", measured=True),
        Number("total_ms_p99", "lower", "99th percentile (ms)", measured=True),
        *(Number(f"{step}_ms_median", "", f"{step.capitalize()} (ms)", measured=True) for step in STEPS),
        *(Number(f"{step}_ms_{part}", "", measured=True, hidden=True) for step in STEPS for part in ("p95", "p99")),
        Number("pairs_per_second", "higher", "Pairs/s", measured=True),
        Number("measurements", "", "Measurements", 0, measured=True, hidden=True),
        Number("peak_MB", "lower", "Peak memory (MB)", measured=True, zero="too little to measure"),
        Number("energy_J", "lower", "Energy (J)", measured=True),
        Number("changed_levels", "lower", "Largest change (levels)", 0),
        Number("changed_share", "", "Changed pixels", hidden=True),
        Number("psnr_dB", "higher", "PSNR to the run's (dB)", 1),
        *(Number(f"change_{name}", "", f"Change of {name}", hidden=True) for name in SIX),
    )
    ways = {  # noqa: RUF012 - a declaration, never changed
        "as_run": "from file to file, in the form in which the run fuses",
        "torch": "from file to file, PyTorch in float32",
        "torch_bf16": "from file to file, PyTorch in bfloat16",
        "onnx": "from file to file, network on ONNX Runtime",
        "onnx_int8": "from file to file, network on ONNX Runtime in int8",
        "winograd": "from file to file, network with fewer multiplications",
        "openvino": "from file to file, network on OpenVINO",
        "openvino_bf16": "from file to file, network on OpenVINO in bfloat16",
        "openvino_int8": "from file to file, network on OpenVINO in int8",
        "compiled": "compiled by torch.compile",
        "fast_bf16": "in bfloat16",
        "plain": "without channels-last memory layout",
    }

    def check(self) -> None:
        """Needs nothing beyond the suite."""

    def run(self, job: Job) -> Iterable[Score]:
        """Measures.

        Raises:
            BenchError: a wrong setting, no pairs, or ready images in place of a method.
        """
        from bench.fusion.efficiency import measure, read_options, row_of
        from bench.fusion.passport import passport, read_passport

        variants, budget_s = read_options(job.options)
        order = read_passport(job.options, budget_s)
        if job.load is None:
            raise BenchError(f"{job.method}: a folder of ready images cannot be timed; name the method itself")
        files = [item for part in job.parts.values() for item in part.files]
        fuser = job.load()
        rows = measure(fuser, files, job.method, variants, budget_s)
        return rows if order is None else [*rows, *passport(fuser, files, row_of(fuser, files, job.method), order)]

    def fingerprint(self, job: Job) -> str:  # noqa: ARG002 - a Task
        """The machine; the method, the pairs and the settings are part of every task's key."""
        return digest(str(describe_machine()))

    def facts(self, setting: Setting) -> dict[str, object]:
        """What is timed beside the run's own form, and for how long.

        Raises:
            BenchError: a wrong setting.
        """
        from bench.fusion.efficiency import read_options
        from bench.fusion.passport import read_passport

        variants, budget_s = read_options(setting.options)
        order = read_passport(setting.options, budget_s)
        return {"variants": list(variants), "seconds": budget_s, "passport": list(order.forms) if order else []}
