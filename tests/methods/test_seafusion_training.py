"""SeAFusion's losses by hand, its schedules, and joint training: resume, ablations, results, messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from bench.data.catalogue import open_dataset
from bench.errors import BenchError
from bench.plugin.method import Trainable, TrainRequest
from bench.train import TrainingStopped
from bench.train.log import read_log
from bench.train.stacks import load_pairs
from methods._nets.seafusion import SeAFusion
from methods._training import seafusion
from methods._training.losses import (
    content_loss,
    float_chroma,
    intensity_loss,
    merge_chroma,
    semantic_loss,
    semantic_weight,
    sobel,
    texture_loss,
)
from methods._training.seafusion import JointTraining, estimate_cost, stretch
from methods._training.seafusion_recipe import ABLATIONS, RECIPES, Plan, make_plan, make_schedule
from methods.seafusion import SeaFusionMethod

TINY = (
    ("rounds", "2"), ("fusion_steps", "10"), ("segmenter_steps", "10"), ("fusion_batch", "2"),
    ("segmenter_batch", "2"), ("image_scale", "1"), ("crop", "0.5"),
)  # fmt: skip


@pytest.fixture
def request_for(msrs: Path, tmp_path: Path) -> Callable[..., TrainRequest]:
    """Makes a request for 40 steps on the small made data set."""
    pairs = open_dataset("mfnet:train", msrs).listing().pairs

    def make(out: str = "out", **changes: object) -> TrainRequest:
        request = TrainRequest("mfnet", tuple(pairs), "smoke", tmp_path / out, options=TINY, precision="float32")
        return replace(request, **changes)  # type: ignore[arg-type]

    return make


# ------------------------------------------------------------------ losses


def image(rows: list[list[float]]) -> Tensor:
    return torch.tensor(rows)[None, None]


def test_sobel_by_hand() -> None:
    # zeros outside: at the centre gx = (1 + 2*5 + 0) - (0 + 2*3 + 2) and gy likewise downwards
    x = image([[0.0, 4.0, 1.0], [3.0, 7.0, 5.0], [2.0, 6.0, 0.0]])
    gx, gy = (1 + 10 + 0) - (0 + 6 + 2), (2 + 12 + 0) - (0 + 8 + 1)
    assert float(sobel(x)[0, 0, 1, 1]) == abs(gx) + abs(gy) == 8
    # the corner sees only its right, lower and diagonal neighbours: gx = 2*4 + 7, gy = 2*3 + 7
    assert float(sobel(x)[0, 0, 0, 0]) == 15 + 13


def test_sobel_equals_a_plain_loop() -> None:
    x = torch.rand(1, 1, 5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    padded = np.pad(x[0, 0].numpy(), 1)
    wanted = np.zeros((5, 6))
    for row in range(5):
        for column in range(6):
            window = padded[row : row + 3, column : column + 3]
            gx = (window[:, 2] - window[:, 0]) @ [1, 2, 1]
            gy = (window[2] - window[0]) @ [1, 2, 1]
            wanted[row, column] = abs(gx) + abs(gy)
    assert np.allclose(sobel(x)[0, 0].numpy(), wanted)


def test_intensity_is_the_distance_to_the_larger_source() -> None:
    ir, vis = image([[0.2, 0.9]]), image([[0.5, 0.1]])
    assert float(intensity_loss(image([[0.4, 0.6]]), ir, vis)) == pytest.approx((0.1 + 0.3) / 2)


def test_texture_takes_the_larger_gradient_of_each_place() -> None:
    generator = torch.Generator().manual_seed(1)
    fused, ir, vis = (torch.rand(1, 1, 6, 7, generator=generator) for _ in range(3))
    wanted = (sobel(fused) - torch.maximum(sobel(ir), sobel(vis))).abs().mean()
    assert float(texture_loss(fused, ir, vis)) == pytest.approx(float(wanted))
    flat = torch.full((1, 1, 6, 7), 0.5)
    assert float(texture_loss(ir, ir, torch.zeros_like(ir))) == 0
    assert float(texture_loss(flat, flat, flat)) == 0


def test_content_is_intensity_and_ten_times_texture() -> None:
    generator = torch.Generator().manual_seed(2)
    fused, ir, vis = (torch.rand(2, 1, 6, 7, generator=generator) for _ in range(3))
    total, intensity, texture = content_loss(fused, ir, vis)
    assert float(total) == pytest.approx(float(intensity) + 10 * float(texture))


def test_the_semantic_weight_grows_with_the_rounds() -> None:
    assert [semantic_weight(number) for number in (1, 2, 3, 4)] == [0, 1, 2, 3]
    assert semantic_weight(3, gamma=0.5) == 1


def test_semantic_loss_takes_a_tenth_of_the_auxiliary_output() -> None:
    labels = torch.zeros(1, 2, 2, dtype=torch.long)
    even, sure = torch.zeros(1, 2, 2, 2), torch.tensor([3.0, 0.0])[None, :, None, None].expand(1, 2, 2, 2)
    wanted = np.log1p(np.exp(-3.0)) + 0.1 * np.log(2)
    assert float(semantic_loss((sure, even), labels)) == pytest.approx(wanted)
    assert float(semantic_loss((sure, even), labels, hard_pixels=True)) == pytest.approx(wanted)
    labels[0, 0, 0] = 1  # a pixel that is hard for the main output alone: the mean over all is not that over the hard
    wanted = (3 * np.log1p(np.exp(-3.0)) + np.log1p(np.exp(3.0))) / 4 + 0.1 * np.log(2)
    assert float(semantic_loss((sure, even), labels)) == pytest.approx(wanted)


def test_chroma_goes_and_comes_back() -> None:
    vis = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(3)) * 0.8 + 0.1
    luma, cr, cb = float_chroma(vis)
    assert torch.allclose(merge_chroma(luma, cr, cb), vis, atol=2e-3)  # the matrices are rounded to three digits
    assert merge_chroma(luma + 2, cr, cb).max() == 1


def test_stretching_per_image_or_over_the_batch() -> None:
    images = torch.stack([torch.full((3, 2, 2), 0.5), torch.full((3, 2, 2), 0.9)])
    images[:, 0, 0, 0] = 0.1
    assert stretch(images, whole_batch=False)[0].unique().tolist() == [0, 255]
    assert stretch(images, whole_batch=True)[0].unique().tolist() == [0, 127]


# ------------------------------------------------------------------ recipes


def test_recipes_hold_the_published_numbers(request_for: Callable[..., TrainRequest]) -> None:
    paper, released = RECIPES["paper"], RECIPES["released"]
    assert (paper.rounds, paper.fusion_steps, paper.segmenter_steps) == (4, 2700, 20_000)
    assert (paper.fusion_batch, paper.segmenter_batch, paper.betas) == (8, 16, (0.9, 0.99))
    assert (paper.fusion_weight_decay, paper.fusion_auxiliary, paper.alpha) == (2e-4, 0.1, 10)
    assert (released.segmenter_auxiliary, released.betas, released.fusion_weight_decay) == (0.75, (0.9, 0.999), 0)
    request = request_for(preset="paper", options=())
    pairs = request.pairs * 271  # 1084, of which an epoch of 8 takes 135 batches as with the published 1083
    assert make_plan(replace(request, recipe="released", pairs=pairs)).recipe.fusion_steps == 1350
    assert make_plan(request).recipe == paper
    # the paper's text: cross-entropy over all pixels, Sobel fixed, no warm-up, one rate for all; the code: the others
    for recipe, other in ((paper, False), (released, True)):
        assert (recipe.hard_pixels, recipe.train_sobel, recipe.fast_heads, recipe.warm_up > 0) == (other,) * 4
        schedule = make_schedule(recipe, 80_000)
        assert (schedule.hard_pixels, schedule.fast_heads) == (other, other)
        assert schedule.learning_rate(0) == pytest.approx(1e-5 if other else 1e-2)


def test_a_recipe_of_the_paper_keeps_its_steps_on_any_set(request_for: Callable[..., TrainRequest]) -> None:
    for recipe, steps in (("paper", 2700), ("released", 1350)):
        request = request_for(preset="paper", options=(), recipe=recipe)
        for pairs in (request.pairs[:2], request.pairs, request.pairs * 100):
            assert make_plan(replace(request, pairs=pairs)).recipe.fusion_steps == steps


@pytest.mark.usefixtures("toy_segmenter")
@pytest.mark.parametrize("rounds", [1, 2, 4, 7])
def test_the_released_rate_of_one_stage_falls_once(rounds: int, request_for: Callable[..., TrainRequest]) -> None:
    plan = replace(make_plan(request_for(ablation="one_stage")), recipe=replace(RECIPES["released"], rounds=rounds))
    training = joint(plan)
    rates = [training.fusion_rate(step, step) for step in range(training.phases()[0].steps)]
    assert max(rates) == rates[0] == pytest.approx(1e-3 / 0.75)
    assert min(rates) == rates[-1] == pytest.approx(1e-3 * 0.75**8)


@pytest.mark.usefixtures("toy_segmenter")
def test_a_warm_up_is_of_a_new_network(request_for: Callable[..., TrainRequest]) -> None:
    options = (("fusion_warm_up", "3"), ("fusion_rate", "0.004"), ("fusion_decay", "1"))
    training = joint(make_plan(request_for(options=(*TINY, *options))))
    rates = [training.fusion_rate(step % 10, step) for step in range(20)]
    assert rates[:4] == pytest.approx([0.001, 0.002, 0.003, 0.004])
    assert set(rates[4:]) == {0.004}


@pytest.mark.usefixtures("toy_segmenter")
@pytest.mark.parametrize(
    ("ir", "vis", "wanted"), [(30, 60, 60), (90, 60, 90), (0, 1, 0.02 * 255), (255, 9, 0.98 * 255)]
)
def test_a_network_may_start_at_the_brighter_sources_mean(
    ir: int, vis: int, wanted: float, request_for: Callable[..., TrainRequest]
) -> None:
    plan, starts = make_plan(request_for()), {}
    stack = joint(plan).stack
    stack = replace(stack, ir=torch.full_like(stack.ir, ir), vis=torch.full_like(stack.vis, vis))
    for start in (True, False):
        training = JointTraining(replace(plan, recipe=replace(plan.recipe, mean_start=start)), stack, None)
        with torch.inference_mode():
            sources = [torch.full((1, 1, 24, 32), level / 255) for level in (ir, vis)]
            starts[start] = 255 * float(training.state.modules["fusion"](*sources).mean())
    assert starts[True] == pytest.approx(wanted, abs=8)
    assert starts[False] == pytest.approx(127.5, abs=8)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [5, 11, 16])
def test_quick_leaves_the_dark_with_seeds_that_did_not(seed: int, tmp_path: Path) -> None:
    """100 steps of its first round at a quarter of the size; from grey they end at .143 to .156."""
    demo = open_dataset("demo", None)
    request = TrainRequest(
        "demo:train", demo.listing(split="train").pairs, "quick", tmp_path / "out", seed=seed, stop_after=100,
        options=(("image_scale", "0.25"),), precision="float32", classes=demo.spec.classes,
    )  # fmt: skip
    with pytest.raises(TrainingStopped):
        seafusion.train(request)
    losses = [line["intensity_loss"] for line in read_log(request.out / "log.jsonl") if "intensity_loss" in line]
    assert losses[-1] < 0.12


@pytest.mark.usefixtures("toy_segmenter")
@pytest.mark.parametrize(("recipe", "moves"), [("paper", False), ("released", True)])
def test_gradient_kernels_move_in_the_released_recipe_only(
    recipe: str, moves: bool, request_for: Callable[..., TrainRequest]
) -> None:
    options = tuple((dict(TINY) | {"rounds": "1", "fusion_steps": "2", "segmenter_steps": "1"}).items())
    path = seafusion.train(request_for(recipe=recipe, options=options))
    before = SeAFusion().state_dict()
    kernels = {key: value for key, value in load_file(path).items() if ".horizontal." in key or ".vertical." in key}
    assert len(kernels) == 8
    assert [not torch.equal(value, before[key]) for key, value in kernels.items()] == [moves] * 8


@pytest.mark.usefixtures("toy_segmenter")
def test_a_random_backbone_must_be_asked_for(
    request_for: Callable[..., TrainRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:  # before a step is timed, which takes minutes at the paper's sizes
        patch.setattr(seafusion, "load_pairs", lambda *_: pytest.fail("images were loaded"))
        for ask in (estimate_cost, seafusion.train):
            with pytest.raises(BenchError, match=r"seafusion, preset paper: no ImageNet .*random_backbone=true"):
                ask(request_for(preset="paper", options=()))
    allowed = request_for(preset="paper", options=(*TINY, ("random_backbone", "true"), ("short_schedule", "true")))
    assert seafusion.train(allowed).is_file()


@pytest.mark.usefixtures("toy_segmenter")
def test_the_released_rate_decays_within_a_round(request_for: Callable[..., TrainRequest]) -> None:
    plan = replace(make_plan(request_for()), recipe=replace(RECIPES["released"], fusion_steps=1350))
    training = joint(plan)
    rates = [training.fusion_rate(step, step) for step in (0, 135, 1349)]
    assert rates == pytest.approx([1e-3 / 0.75, 1e-3, 1e-3 * 0.75**8])


def joint(plan: Plan) -> JointTraining:
    stack = load_pairs(plan.request.pairs, "cpu", plan.classes or None, plan.recipe.image_scale)
    return JointTraining(plan, stack, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": "mine"}, "recipe 'mine' is not known, wanted one of paper, released"),
        ({"ablation": "none"}, "ablation 'none' is not known"),
        ({"options": (("rate", "1"),)}, "option 'rate' is unknown"),
        ({"options": (("classes", "none"),)}, "option classes='none', wanted a number"),
        ({"options": (("rounds", "many"),)}, "option rounds is 'many', wanted a whole number from 1"),
    ],
)
def test_unknown_settings_are_named(
    request_for: Callable[..., TrainRequest], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(BenchError, match=message):
        make_plan(request_for(**changes))


def test_without_semantic_loss_no_labels_are_needed(request_for: Callable[..., TrainRequest]) -> None:
    pairs = tuple(replace(item, label_path=None) for item in request_for().pairs)
    with pytest.raises(BenchError, match="has no segmentation labels"):
        make_plan(request_for(pairs=pairs))
    plan = make_plan(request_for(dataset="tno", pairs=pairs, ablation="no_semantic_loss"))
    assert not plan.trains_segmenter
    assert "segmenter" not in joint(plan).state.modules


def test_a_data_set_without_classes_is_refused(request_for: Callable[..., TrainRequest]) -> None:
    with pytest.raises(BenchError, match="'tno' has no segmentation classes"):
        make_plan(request_for(dataset="tno"))


# ------------------------------------------------------------------ training


@pytest.mark.usefixtures("toy_segmenter")
def test_forty_steps_equal_twenty_and_twenty(request_for: Callable[..., TrainRequest]) -> None:
    assert isinstance(SeaFusionMethod, Trainable)
    whole = SeaFusionMethod.train(request_for("whole"))
    for stop in (20, 33):  # between two phases, and within one
        with pytest.raises(TrainingStopped, match=f"step {stop} of 40"):
            SeaFusionMethod.train(request_for("parts", stop_after=stop))
    parts = SeaFusionMethod.train(request_for("parts"))
    for name in ("weights.safetensors", "segmenter.safetensors"):
        wanted, seen = load_file(whole.with_name(name)), load_file(parts.with_name(name))
        assert wanted.keys() == seen.keys()
        for key, value in wanted.items():
            assert torch.equal(value, seen[key]), key
    record = json.loads(whole.with_name("training.json").read_text())
    assert (record["steps"], record["ablation"], record["initial_segmenter"]) == (40, "full", "random")
    lines = read_log(whole.with_name("log.jsonl"))
    assert [line["phase"] for line in lines][-1] == "round 2: segmenter"
    # the semantic term comes in with the second round
    assert ["semantic_loss" in line for line in lines if "fusion" in line["phase"]] == [False, True]
    assert not whole.with_name("checkpoint.pt").exists()


@pytest.mark.usefixtures("toy_segmenter")
def test_a_second_call_returns_what_is_there(request_for: Callable[..., TrainRequest]) -> None:
    options = (*TINY, ("fusion_steps", "2"), ("segmenter_steps", "2"))
    weights = SeaFusionMethod.train(request_for(options=options))
    before = weights.stat().st_mtime_ns
    assert SeaFusionMethod.train(request_for(options=options)) == weights
    assert weights.stat().st_mtime_ns == before
    with pytest.raises(BenchError, match="seed = 0, this training has 1"):
        SeaFusionMethod.train(request_for(options=options, seed=1))


@pytest.mark.usefixtures("toy_segmenter")
def test_the_trained_weights_fuse(request_for: Callable[..., TrainRequest]) -> None:
    options = (*TINY, ("fusion_steps", "3"), ("segmenter_steps", "2"))
    method = SeaFusionMethod(SeaFusionMethod.train(request_for(options=options)))
    ir, vis = torch.rand(1, 1, 9, 11), torch.rand(1, 1, 9, 11)
    with torch.inference_mode():
        assert method.fuse(ir, vis).shape == (1, 1, 9, 11)


def test_the_method_names_its_ablations() -> None:
    assert SeaFusionMethod.ablations == tuple(ABLATIONS)


@pytest.mark.parametrize("ablation", sorted(ABLATIONS.keys() - {"full"}))
@pytest.mark.usefixtures("toy_segmenter")
def test_every_ablation_trains(request_for: Callable[..., TrainRequest], ablation: str) -> None:
    options = (*TINY, ("fusion_steps", "2"), ("segmenter_steps", "2"))
    weights = SeaFusionMethod.train(request_for(options=options, ablation=ablation))
    tensors = load_file(weights)
    assert any(".gradient." in name for name in tensors) == (ablation != "no_gradient_stream")
    assert weights.with_name("segmenter.safetensors").exists() == (ablation != "no_semantic_loss")
    phases = [line["phase"] for line in read_log(weights.with_name("log.jsonl"))]
    first = {
        "one_stage": "one stage",
        "pretrained_visible": "segmenter before",
        "pretrained_infrared": "segmenter before",
    }
    assert phases[0] == first.get(ablation, "round 1: fusion")


@pytest.mark.usefixtures("toy_segmenter")
def test_the_released_recipe_starts_anew_every_round(request_for: Callable[..., TrainRequest]) -> None:
    options = (*TINY, ("fusion_steps", "2"), ("fusion_epochs", "0"), ("segmenter_steps", "1"))
    training = joint(make_plan(request_for(recipe="released", options=options)))
    phases = training.phases()
    before = {name: value.clone() for name, value in training.state.modules["fusion"].state_dict().items()}
    optimiser = training.state.optimisers["fusion"]
    assert phases[2].begin is not None
    phases[2].begin(training.state)
    assert not torch.equal(before["decode1.weight"], training.state.modules["fusion"].state_dict()["decode1.weight"])
    assert training.state.optimisers["fusion"] is not optimiser


@pytest.mark.usefixtures("toy_segmenter")
def test_fusion_learns_and_the_segmenter_stands_still(request_for: Callable[..., TrainRequest]) -> None:
    training = joint(make_plan(request_for()))
    phase = training.phases()[2]
    assert phase.prepare is not None
    phase.prepare(training.state)
    before = {name: value.clone() for name, value in training.state.modules["segmenter"].state_dict().items()}
    losses = [float(phase.step(number, training.state)["fusion_loss"].detach()) for number in range(8)]
    assert losses[-1] < losses[0]
    for name, value in training.state.modules["segmenter"].state_dict().items():
        assert torch.equal(before[name], value), name


@pytest.mark.usefixtures("toy_segmenter")
def test_the_semantic_gradient_reaches_the_fusion_network(request_for: Callable[..., TrainRequest]) -> None:
    training = joint(make_plan(request_for(options=(*TINY, ("alpha", "0"), ("fusion_weight_decay", "0")))))
    net = training.state.modules["fusion"]

    def gradients(beta: float) -> Tensor:
        training._enter(fusion=True)
        training._fusion_step(0, training.state, 0, beta)
        result = net.decode1.weight.grad.clone()  # type: ignore[union-attr, operator]
        fresh = training._new_network(0)
        net.load_state_dict(fresh.state_dict())
        return result

    without, once, twice = gradients(0.0), gradients(1.0), gradients(2.0)
    assert not torch.allclose(without, once)
    assert torch.allclose(twice - once, once - without, rtol=1e-3, atol=1e-7)


@pytest.mark.usefixtures("toy_segmenter")
def test_cost_is_told_in_advance(request_for: Callable[..., TrainRequest]) -> None:
    options = (("fusion_batch", "2"), ("segmenter_batch", "2"), ("random_backbone", "true"))
    text = estimate_cost(request_for(preset="paper", options=options))
    assert "preset paper, recipe paper, ablation full, on cpu (float32" in text
    assert "round 1: fusion 2700, round 1: segmenter 20000" in text
    assert "fusion with semantic loss: " in text


def test_pairs_without_labels_are_learned_from_by_the_content_loss_alone(tmp_path: Path) -> None:
    """Two bare folders of images of several sizes; what is left out of the paper's loss is said and recorded."""
    from bench.train.command import TrainOrder, train_command

    rng = np.random.default_rng(4)
    for number, size in enumerate(((48, 64), (33, 41), (60, 50))):
        for side, shape in (("thermal", size), ("colour", (*size, 3))):
            (tmp_path / side).mkdir(exist_ok=True)
            Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(tmp_path / side / f"{number}.png")
    said: list[str] = []
    order = TrainOrder(
        "seafusion", preset="smoke", out=tmp_path / "out", device="cpu", install=False, ir=tmp_path / "thermal",
        vis=tmp_path / "colour", options=("rounds=1", "fusion_steps=3"),
    )  # fmt: skip
    path = train_command(order, said.append, lambda *_: None)
    assert path.is_file()
    assert ["learns by its content loss alone (no_semantic_loss), not as its paper does" in line for line in said] == [
        True
    ]
    assert json.loads((tmp_path / "out/training.json").read_text())["ablation"] == "no_semantic_loss"
    assert not (tmp_path / "out/segmenter.safetensors").exists()
