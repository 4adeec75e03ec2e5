"""The efficiency task: what ``bench.fuse.efficiency`` measures, as rows of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.errors import BenchError
from bench.files import digest
from bench.machine import describe_machine
from bench.plugin.task import Job, Number, Task
from bench.types import Score


class EfficiencyTask(Task):
    """Times each method on the pairs that are scored, in the form in which the run fuses with it."""

    name = "efficiency"
    title = "Run time"
    about = "Latency, throughput, parameters, operations and memory on one machine, which every row names."
    truth = ""
    splits = ()
    runs = "named"
    needs_method = True
    alone = True
    numbers = (
        Number("latency_ms_mean", "lower", "Latency (ms)", headline=True, measured=True),
        Number("latency_ms_std", "", "Latency, standard deviation (ms)", measured=True),
        Number("latency_ms_median", "lower", "Latency, median (ms)", measured=True),
        Number("latency_ms_p95", "lower", "Latency, 95th percentile (ms)", measured=True),
        Number("images_per_second", "higher", "Images per second", measured=True),
        Number("batch_size", "", "Best batch size", 0, measured=True),
        Number("data_ms", "lower", "Reading (ms)", measured=True),
        Number("compute_ms", "lower", "Computing (ms)", measured=True),
        Number("write_ms", "lower", "Writing (ms)", measured=True),
        Number("params_M", "lower", "Parameters (M)"),
        Number("flops_G", "lower", "Operations (GFLOP)"),
        Number("peak_memory_MB", "lower", "Peak memory (MB)", measured=True),
        Number("max_difference", "lower", "Largest change of a pixel (grey levels)", 0),
    )

    def check(self) -> None:
        """Needs nothing beyond the suite."""

    def run(self, job: Job) -> Iterable[Score]:
        """Measures.

        Raises:
            BenchError: a wrong setting, no pairs, or ready images in place of a method.
        """
        from bench.fuse.efficiency import measure, read_options

        variants, budget_s = read_options(job.options)
        if job.load is None:
            raise BenchError(f"{job.method}: a folder of ready images cannot be timed; name the method itself")
        files = [item for part in job.parts.values() for item in part.files]
        return measure(job.load(), files, job.method, variants, budget_s)

    def fingerprint(self, job: Job) -> str:
        """The machine; the method, the pairs and the settings are part of every task's key."""
        return digest(str(describe_machine()))

    def facts(
        self, preset: str, options: Mapping[str, str], device: str, weights_root: Path | None
    ) -> dict[str, object]:
        """What is timed beside the run's own form, and for how long.

        Raises:
            BenchError: a wrong setting.
        """
        from bench.fuse.efficiency import read_options

        variants, budget_s = read_options(options)
        return {"variants": list(variants), "seconds": budget_s}
