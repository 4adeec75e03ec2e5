"""What the baselines' recipes share: settings by preset and option, one run of the loop, results and their record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from safetensors.torch import save
from torch import Tensor, nn

from bench.errors import BenchError
from bench.files import write_atomic
from bench.plugin.method import TrainRequest
from bench.plugin.settings import COUNT, POSITIVE, Limits, read_number, refuse_unknown
from bench.train import Phase, State, completed, run_phases, write_record
from bench.train.cost import phases_in_words
from bench.train.sets import set_digest
from bench.weights.backbones import BackboneFile, starting_files

Settings = TypeVar("Settings")


@dataclass(frozen=True, slots=True)
class Training:
    """A training that is ready to run.

    Attributes:
        state: freshly built networks and optimisers.
        phases: in order.
        export: the tensors that the adapter's constructor loads, after the last step.
        facts: what else its record should say, e.g. which features a loss was taken from.
    """

    state: State
    phases: list[Phase]
    export: Callable[[], Mapping[str, Tensor]]
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trainer(Generic[Settings]):
    """How one baseline is trained.

    Attributes:
        method: its name.
        recipes: recipe -> preset -> settings (a frozen dataclass of numbers and words); the first is the default.
        build: reads the data and builds the training.
        starts: ImageNet's weights that it takes its losses from; any of the files will do.
    """

    method: str
    recipes: Mapping[str, Mapping[str, Settings]]
    build: Callable[[TrainRequest, Settings], Training]
    starts: Sequence[BackboneFile] = ()

    def starts_from(self, request: TrainRequest) -> Mapping[str, Path | None]:
        """See ``Trainable``."""
        return starting_files(self.starts, request) if self.starts else {}

    def train(self, request: TrainRequest) -> Path:
        """Trains, or goes on with, or returns what was trained before with the same settings.

        Returns:
            ``weights.safetensors`` in ``request.out``; beside it lie ``training.json``, ``log.jsonl`` and
            ``losses.png``.

        Raises:
            BenchError: settings, data or an earlier checkpoint do not fit.
            TrainingStopped: at ``request.stop_after``.
        """
        recipe, settings = choose(request, self.method, self.recipes)
        signature = {
            "method": self.method, "recipe": recipe, "settings": asdict(settings), "seed": request.seed,  # type: ignore[call-overload]
            "dataset": request.dataset, "pairs": set_digest(request.pairs),
        }  # fmt: skip
        target = request.out / "weights.safetensors"
        if completed(request.out, signature) and target.is_file():
            return target
        if not request.pairs:
            raise BenchError(f"{self.method}: {request.dataset} has no training pair on disk; check the data root")
        training = self._built(request, settings)
        run_phases(
            training.state, training.phases, request.out, signature=signature, seed=request.seed,
            stop_after=request.stop_after, progress=request.progress,
        )  # fmt: skip
        tensors = {name: value.detach().cpu().contiguous() for name, value in training.export().items()}
        write_atomic(target, save(tensors, metadata={"method": self.method}))
        write_record(request.out, signature, {
            "preset": request.preset, "steps": training.state.step, "seconds": round(training.state.seconds, 1),
            "device": request.device, "torch": torch.__version__, "threads": torch.get_num_threads(),
            "n_pairs": len(request.pairs), **training.facts,
        })  # fmt: skip
        return target

    def phases(self, request: TrainRequest) -> tuple[list[Phase], State]:
        """A training that is ready to run, e.g. to time or to watch its steps; nothing is written.

        Raises:
            BenchError: settings or data do not fit.
        """
        training = self._built(request, choose(request, self.method, self.recipes)[1])
        return training.phases, training.state

    def estimate_cost(self, request: TrainRequest) -> str:
        """Measures a few steps on this machine and says how long ``train`` would take; nothing is written.

        Raises:
            BenchError: settings or data do not fit.
        """
        recipe, settings = choose(request, self.method, self.recipes)
        training = self._built(request, settings)
        with torch.random.fork_rng(devices=[]):
            duration, lines = phases_in_words(training.phases, training.state, torch.device(request.device))
        return (
            f"{self.method}, preset {request.preset}, recipe {recipe}, on {request.device} "
            f"({torch.get_num_threads()} threads): about {duration}\n{lines}"
        )

    def _built(self, request: TrainRequest, settings: Settings) -> Training:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(request.seed)
            return self.build(request, settings)


def choose(request: TrainRequest, method: str, recipes: Mapping[str, Mapping[str, Settings]]) -> tuple[str, Settings]:
    """The recipe's name and its settings for the preset, with options put in.

    Raises:
        BenchError: an unknown recipe, ablation or option, or an option that is not of its kind.
    """
    recipe = request.recipe or next(iter(recipes))
    if recipe not in recipes:
        raise BenchError(f"{method}: recipe {recipe!r} is not known, wanted one of {', '.join(recipes)}")
    if request.ablation:
        raise BenchError(f"{method}: ablation {request.ablation!r} is not known, it has none")
    settings = recipes[recipe][request.preset]
    known = {item.name: type(getattr(settings, item.name)) for item in fields(settings)}  # type: ignore[arg-type]
    changed: dict[str, Any] = {}
    refuse_unknown(method, dict(request.options), known)
    for name, text in request.options:
        usual = COUNT if known[name] is int else POSITIVE
        changed[name] = read_number(f"{method}: option {name}", text, known[name], LIMITS.get(name, usual))
    return recipe, replace(settings, **changed)  # type: ignore[type-var]


LIMITS = {
    **dict.fromkeys(("steps", "epochs", "epoch_steps"), Limits()),  # 0 says that another one decides
    **dict.fromkeys(("fetch", "random_features"), Limits(0, 1)),
    **dict.fromkeys(("ssim_weight", "perceptual", "sharpness", "ewc"), Limits()),
}
"""Of the settings for which other numbers mean something than whole ones from 1 and others above 0."""


def total_steps(steps: int, epochs: int, per_epoch: int) -> int:
    """``steps`` where it is given, else as many as the epochs have."""
    return steps or max(1, epochs * per_epoch)


def named(module: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    """The state of a network, its names after ``prefix``."""
    return {prefix + name: value for name, value in module.state_dict().items()}


def adam(parameters: Sequence[nn.Parameter], rate: float) -> torch.optim.Adam:
    """Adam with the defaults that TensorFlow and PyTorch share: betas 0.9 and 0.999, epsilon 1e-8."""
    return torch.optim.Adam(parameters, lr=rate, betas=(0.9, 0.999), eps=1e-8)


def optimise(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step down a loss; gradients are those of this loss alone."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
