"""Joint low-level and high-level adaptive training of SeAFusion (Tang et al., 2022); its ablations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from bench.files import write_atomic
from bench.machine import exact_arithmetic
from bench.plugin.kinds import SEGMENTERS
from bench.plugin.method import TrainRequest
from bench.train import Batches, Phase, State, completed, run_phases, set_learning_rate, write_record
from bench.train.cost import phases_in_words
from bench.train.precision import autocast
from bench.train.segmenter_step import build_optimiser, segmenter_step
from bench.train.stacks import LabelledStack, PairStack, brighter_mean, load_pairs
from bench.transfer import to_device
from bench.weights.backbones import RESNET18, require_backbone, starting_file, starting_files
from methods._nets.seafusion import SeAFusion
from methods._training.losses import content_loss, float_chroma, merge_chroma, semantic_loss, semantic_weight
from methods._training.seafusion_recipe import Plan, make_plan, make_schedule


def starts_from(request: TrainRequest) -> Mapping[str, Path | None]:
    """The backbone of the segmenter that is trained along."""
    return starting_files(RESNET18, request)


def built_on(request: TrainRequest) -> tuple[str, ...]:
    """The segmenter's module."""
    plan = make_plan(request)
    return (SEGMENTERS.entry(plan.segmenter).module,) if plan.trains_segmenter else ()


def _backbone(plan: Plan, request: TrainRequest) -> Path | None:
    """The file that the segmenter starts from; None where random weights were asked for.

    Raises:
        BenchError: there is none, and random weights were not asked for.
    """
    allowed = plan.recipe.random_backbone or not plan.trains_segmenter
    found = starting_file(RESNET18, request)
    return require_backbone(RESNET18, found, allowed, "random_backbone=true", f"seafusion, preset {request.preset}")


def train(request: TrainRequest) -> Path:
    """Trains, or goes on with, or returns what was trained before with the same settings.

    Leaves ``weights.safetensors``, ``segmenter.safetensors`` (not for ``no_semantic_loss``), ``training.json``,
    ``log.jsonl`` and ``losses.png`` in ``request.out``.

    Raises:
        BenchError: settings, data or an earlier checkpoint do not fit.
        TrainingStopped: at ``request.stop_after``.
    """
    plan = make_plan(request)
    backbone = _backbone(plan, request)
    signature = plan.signature(backbone)
    target = request.out / "weights.safetensors"
    if completed(request.out, signature) and target.is_file():
        return target
    stack = load_pairs(
        request.pairs, request.device, plan.classes if plan.trains_segmenter else None, plan.recipe.image_scale
    )
    training = JointTraining(plan, stack, backbone)
    run_phases(
        training.state,
        training.phases(),
        request.out,
        signature=signature,
        seed=request.seed,
        stop_after=request.stop_after,
        progress=request.progress,
    )
    _write_results(plan, training, signature)
    return target


def _write_results(plan: Plan, training: JointTraining, signature: Mapping[str, Any]) -> None:
    out, facts = plan.request.out, {"format": "pt"}
    write_atomic(out / "weights.safetensors", save(_tensors(training.state.modules["fusion"]), metadata=facts))
    if plan.trains_segmenter:
        facts |= {
            "segmenter": plan.segmenter,
            "classes": str(plan.classes),
            "image_scale": str(plan.recipe.image_scale),
        }
        write_atomic(out / "segmenter.safetensors", save(_tensors(training.state.modules["segmenter"]), metadata=facts))
    write_record(out, signature, {
        "preset": plan.request.preset, "recipe": plan.request.recipe or "paper", "ablation": plan.ablation,
        "steps": training.state.step, "seconds": round(training.state.seconds, 1), "device": plan.request.device,
        "precision": plan.precision, "torch": torch.__version__, "threads": torch.get_num_threads(),
        "initial_segmenter": training.initial, "pairs": len(plan.request.pairs),
    })  # fmt: skip


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}


class JointTraining:
    """The two networks, their phases and their steps."""

    def __init__(self, plan: Plan, stack: PairStack, backbone: Path | None) -> None:
        """Builds the networks; nothing is trained yet."""
        self.plan, self.recipe, self.stack = plan, plan.recipe, stack
        self.device = torch.device(plan.request.device)
        self.seed = plan.request.seed
        self.batches = Batches(len(stack), self.recipe.fusion_batch, self.seed)
        self.segmenter = SEGMENTERS.get(plan.segmenter)()
        modules = {"fusion": self._new_network(self.seed)}
        self.initial = "none"
        self.schedule = make_schedule(self.recipe, self._segmenter_total())
        optimisers: dict[str, Any] = {"fusion": self._new_adam(modules["fusion"])}
        if plan.trains_segmenter:
            net, self.initial = self.segmenter.build(plan.classes, self.seed, backbone)
            modules["segmenter"] = net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            optimisers["segmenter"] = build_optimiser(self.segmenter, net, self.schedule)
        self.state = State(modules, optimisers)
        self.compiled: dict[str, Callable[..., Any]] = {}
        if self.device.type == "cuda":
            torch.backends.cudnn.benchmark = True

    # ------------------------------------------------------------------ phases

    def phases(self) -> list[Phase]:
        """The whole schedule of this plan's ablation."""
        makers: dict[str, Callable[[], list[Phase]]] = {
            "no_semantic_loss": self._content_phases,
            "pretrained_infrared": self._pretrained_phases,
            "pretrained_visible": self._pretrained_phases,
            "one_stage": self._one_stage_phases,
        }
        return makers.get(self.plan.ablation, self._alternating_phases)()

    def _alternating_phases(self) -> list[Phase]:
        phases = []
        for number in range(1, self.recipe.rounds + 1):
            phases.append(self._fusion_phase(number))
            phases.append(
                self._segmenter_phase(
                    f"round {number}: segmenter", number - 1, self.recipe.segmenter_steps, self.fuse_all
                )
            )
        return phases

    def _content_phases(self) -> list[Phase]:
        # a recipe that starts anew every round would throw all but the last one away
        rounds = 1 if self.recipe.fresh_network else self.recipe.rounds
        return [self._fusion_phase(number) for number in range(1, rounds + 1)]

    def _pretrained_phases(self) -> list[Phase]:
        def source() -> Tensor:
            infrared = self.plan.ablation == "pretrained_infrared"
            return self.stack.ir.expand(-1, 3, -1, -1) if infrared else self.stack.vis

        before = self._segmenter_phase("segmenter before", 0, self._segmenter_total(), source)
        return [before, *(self._fusion_phase(number) for number in range(1, self.recipe.rounds + 1))]

    def _one_stage_phases(self) -> list[Phase]:
        def step(number: int, state: State) -> Mapping[str, Tensor]:
            set_learning_rate(state.optimisers["segmenter"], self.schedule.learning_rate(number))
            return self._fusion_step(number, state, number, self.recipe.gamma, joint=True)

        return [
            Phase("one stage", self._segmenter_total(), step, None, lambda _: self._enter(fusion=True, segmenter=True))
        ]

    def _fusion_phase(self, number: int) -> Phase:
        beta = semantic_weight(number, self.recipe.gamma) if self.plan.trains_segmenter else 0.0
        first = (number - 1) * self.recipe.fusion_steps

        def begin(state: State) -> None:
            if self.recipe.fresh_network:
                fresh = self._new_network(self.seed + number)
                state.modules["fusion"].load_state_dict(fresh.state_dict())
                state.optimisers["fusion"] = self._new_adam(state.modules["fusion"])

        def step(local: int, state: State) -> Mapping[str, Tensor]:
            return self._fusion_step(local, state, first + local, beta)

        return Phase(
            f"round {number}: fusion", self.recipe.fusion_steps, step, begin, lambda _: self._enter(fusion=True)
        )

    def _segmenter_phase(self, name: str, index: int, steps: int, images: Callable[[], Tensor]) -> Phase:
        """``index`` is the phase's number among the segmenter's, whose schedule runs on over all of them."""
        first = index * steps
        inner: list[Callable[[int, State], Mapping[str, Tensor]]] = []

        def begin(state: State) -> None:
            state.optimisers["segmenter"] = build_optimiser(self.segmenter, state.modules["segmenter"], self.schedule)

        def prepare(state: State) -> None:  # noqa: ARG001 - a Phase's step
            data = LabelledStack(images(), self._labels())
            self._enter(segmenter=True)
            net = self._callable("segmenter")
            inner[:] = [
                segmenter_step(
                    net, self._segmenter_weights(), data, self.schedule,
                    seed=self.seed, first=first, precision=self.plan.precision,
                )
            ]  # fmt: skip

        return Phase(name, steps, lambda number, state: inner[0](number, state), begin, prepare)

    # ------------------------------------------------------------------ steps

    def _fusion_step(
        self, local: int, state: State, number: int, beta: float, joint: bool = False
    ) -> Mapping[str, Tensor]:
        ir, vis, labels = self._fusion_batch(number)
        luma, cr, cb = float_chroma(vis)
        with autocast(self.plan.precision, self.device):
            fused = self._callable("fusion")(ir, luma)
        loss, intensity, texture = content_loss(fused, ir, luma, self.recipe.alpha)
        values = {"intensity_loss": intensity, "texture_loss": texture}
        optimisers = [state.optimisers["fusion"]]
        if beta and labels is not None:
            with autocast(self.plan.precision, self.device, fused.shape[-2:]):
                outputs = self._callable("segmenter")(merge_chroma(fused, cr, cb))
            values["semantic_loss"] = semantic_loss(
                outputs, labels, self.recipe.fusion_auxiliary, self.recipe.hard_pixels
            )
            loss = loss + beta * values["semantic_loss"]
            optimisers += [state.optimisers["segmenter"]] if joint else []
        age = local if self.recipe.fresh_network else number
        set_learning_rate(state.optimisers["fusion"], self.fusion_rate(local, age))
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        for optimiser in optimisers:
            optimiser.step()
        return {"fusion_loss": loss, **values}

    def fusion_rate(self, local: int, age: int) -> float:
        """Adam's learning rate at a step of a round: ten equal parts, each ``fusion_decay`` times the one before.

        One stage has no rounds: there the ten parts are those of the whole training.

        Args:
            local: step of the round.
            age: steps that the network has behind it.
        """
        steps = self.recipe.fusion_steps * (self.recipe.rounds if self.plan.ablation == "one_stage" else 1)
        tenth = local * 10 // steps
        rate = self.recipe.fusion_rate * self.recipe.fusion_decay ** (tenth - 1 if self.recipe.fusion_decay != 1 else 0)
        return rate * min(1.0, (age + 1) / (self.recipe.fusion_warm_up + 1))

    def _fusion_batch(self, number: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """Infrared luma, visible RGB in [0, 1] and int64 labels of one step, cropped alike."""
        chosen = to_device(self.batches.indices(number), self.device)
        rows, columns = self._crop(number)
        ir = self.stack.ir[chosen][..., rows, columns].float() / 255
        vis = self.stack.vis[chosen][..., rows, columns].float() / 255
        labels = None if self.stack.labels is None else self.stack.labels[chosen][..., rows, columns].long()
        return _channels_last(ir), _channels_last(vis), labels

    def _crop(self, number: int) -> tuple[slice, slice]:
        """One window for the whole batch, so that it is a view."""
        height, width = self.stack.ir.shape[-2:]
        if self.recipe.crop == 1:
            return slice(0, height), slice(0, width)
        random = np.random.default_rng([self.seed, 2, number])
        windows = []
        for length in (height, width):
            size = max(1, round(length * self.recipe.crop))
            start = int(random.integers(length - size + 1))
            windows.append(slice(start, start + size))
        return windows[0], windows[1]

    # ------------------------------------------------------------------ images for the segmenter

    @torch.no_grad()
    def fuse_all(self) -> Tensor:
        """The training set under the present fusion network, as its images would be published; uint8 (N, 3, H, W)."""
        net = self.state.modules["fusion"].eval()
        result = torch.empty_like(self.stack.vis)
        batch = max(self.recipe.stretch_batch, 8 if self.device.type == "cuda" else 1)
        for start in range(0, len(self.stack), batch):
            part = slice(start, start + batch)
            luma, cr, cb = float_chroma(self.stack.vis[part].float() / 255)
            with exact_arithmetic():  # as a run fuses, whatever the training computes in
                fused = net(_channels_last(self.stack.ir[part].float() / 255), _channels_last(luma))
            merged = merge_chroma(fused, cr, cb)
            result[part] = stretch(merged, whole_batch=self.recipe.stretch_batch > 1)
        return result

    def _labels(self) -> Tensor:
        assert self.stack.labels is not None  # noqa: S101 - phases that need labels load them
        return self.stack.labels

    # ------------------------------------------------------------------ networks

    def _segmenter_total(self) -> int:
        """Steps of the segmenter's whole schedule; in one stage it learns whenever the fusion network does."""
        one_stage = self.plan.ablation == "one_stage"
        return self.recipe.rounds * (self.recipe.fusion_steps if one_stage else self.recipe.segmenter_steps)

    def _segmenter_weights(self) -> tuple[float, ...]:
        return (1.0, *[self.recipe.segmenter_auxiliary] * (len(self.segmenter.loss_weights()) - 1))

    def _new_network(self, seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = SeAFusion(gradient_stream=self.plan.ablation != "no_gradient_stream")
        if self.recipe.mean_start:
            start = min(max(brighter_mean(self.stack), 0.02), 0.98)
            with torch.no_grad():
                net.decode1.bias.fill_(math.atanh(2 * start - 1))  # type: ignore[union-attr]
        return net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _new_adam(self, net: nn.Module) -> torch.optim.Adam:
        return torch.optim.Adam(
            net.parameters(), lr=self.recipe.fusion_rate, betas=self.recipe.betas, eps=1e-8,
            weight_decay=self.recipe.fusion_weight_decay, fused=self.device.type == "cuda",
        )  # fmt: skip

    def _enter(self, fusion: bool = False, segmenter: bool = False) -> None:
        """Lets the named networks learn and freezes the other."""
        for name, learns in (("fusion", fusion), ("segmenter", segmenter)):
            if name in self.state.modules:
                self.state.modules[name].train(learns).requires_grad_(learns)
        net = self.state.modules["fusion"]
        if not self.recipe.train_sobel and isinstance(net, SeAFusion):
            for kernel in net.gradient_kernels():
                kernel.requires_grad_(False)

    def _callable(self, name: str) -> Callable[..., Any]:
        """A network of the state, compiled once if that was asked for."""
        if not self.plan.compile:
            return self.state.modules[name]
        if name not in self.compiled:
            self.compiled[name] = torch.compile(self.state.modules[name])
        return self.compiled[name]


def stretch(images: Tensor, whole_batch: bool) -> Tensor:
    """Minimum and maximum (over all channels of an image, or of the whole batch) to 0 and 255, truncated to uint8."""
    dims = (0, 1, 2, 3) if whole_batch else (1, 2, 3)
    low, high = images.amin(dims, keepdim=True), images.amax(dims, keepdim=True)
    return ((images - low) / (high - low).clamp(min=1e-12) * 255).to(torch.uint8)


def _channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)


# ------------------------------------------------------------------ cost


def phases(request: TrainRequest) -> tuple[list[Phase], State]:
    """A training that is ready to run, its segmenter from random weights; nothing is written."""
    plan = make_plan(request)
    classes = plan.classes if plan.trains_segmenter else None
    stack = load_pairs(request.pairs, request.device, classes, plan.recipe.image_scale)
    training = JointTraining(plan, stack, None)
    return training.phases(), training.state


def estimate_cost(request: TrainRequest) -> str:
    """Measures a few steps of each kind on this machine and says how long the whole training would take.

    Args:
        request: as for ``train``; nothing is written.

    Raises:
        BenchError: what ``train`` would refuse, before any step.
    """
    plan = make_plan(request)
    _backbone(plan, request)
    few = replace(plan, request=replace(request, pairs=request.pairs[: max(2, plan.recipe.fusion_batch)]))
    classes = few.classes if few.trains_segmenter else None
    training = JointTraining(few, load_pairs(few.request.pairs, request.device, classes, plan.recipe.image_scale), None)

    def kind(phase: Phase) -> str:
        name = phase.name.partition(": ")[2] or phase.name
        semantic = name == "fusion" and plan.trains_segmenter and not phase.name.startswith("round 1:")
        return "fusion with semantic loss" if semantic else name

    duration, lines = phases_in_words(
        training.phases(), training.state, training.device, kind, len(request.pairs) / len(few.request.pairs)
    )
    return (
        f"seafusion, preset {request.preset}, recipe {request.recipe or 'paper'}, ablation {plan.ablation}, on "
        f"{request.device} ({plan.precision}, {torch.get_num_threads()} threads): about {duration}\n{lines}"
    )
