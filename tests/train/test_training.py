"""The training loop, batches, OHEM, augmentation and schedules, against plain versions and hand-worked numbers."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image
from torch import Tensor, nn

from bench.data.pairs import read_pair
from bench.errors import BenchError
from bench.machine import in_words
from bench.plugin.method import TrainRequest
from bench.run.pretrained import keep_pretrained
from bench.train import Batches, Phase, State, TrainingStopped, completed, run_phases, set_learning_rate, write_record
from bench.train.log import read_log
from bench.train.loop import Logging
from bench.train.precision import autocast, pick_precision
from bench.train.segmenter_loss import (
    class_weights,
    hard_mean_without_waiting,
    ohem_cross_entropy,
    plain_cross_entropy,
    segmentation_loss,
)
from bench.train.segmenter_schedule import SegmenterSchedule
from bench.train.segmenter_step import (
    Draws,
    augment,
    build_optimiser,
    draw_augmentation,
    jitter_colour,
    split_parameters,
)
from bench.train.stacks import load_labelled, load_pairs, shrink
from bench.types import PairFiles
from bench.weights.backbones import (
    RESNET18,
    BackboneFile,
    backbone_digest,
    load_resnet18,
    require_backbone,
    starting_file,
    starting_files,
)

# ------------------------------------------------------------------ the loop


QUIET, EVENTS = Logging(tensorboard=False), Logging(tensorboard=True)


def small_training(seed: int = 0) -> tuple[State, list[Phase]]:
    """Two phases on noise with dropout, a fresh optimiser in the second, a scheduler in the first."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 1))
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.StepLR(optimiser, 7, 0.5)
    batches = Batches(10, 4, seed=seed)
    data = torch.randn(10, 3)

    def step(number: int, state: State) -> dict[str, Tensor]:
        state.modules["net"].train()
        loss = state.modules["net"](data[torch.from_numpy(batches.indices(number))]).square().mean()
        state.optimisers["net"].zero_grad()
        loss.backward()
        state.optimisers["net"].step()
        return {"loss": loss}

    def first(number: int, state: State) -> dict[str, Tensor]:
        values = step(number, state)
        state.schedulers["net"].step()
        return values

    def begin(state: State) -> None:
        state.optimisers["net"] = torch.optim.SGD(state.modules["net"].parameters(), lr=1e-2, momentum=0.9)

    state = State({"net": net}, {"net": optimiser}, {"net": scheduler})
    return state, [Phase("one", 25, first), Phase("two", 15, step, begin)]


def run_small(out: Path, stop_after: int | None = None) -> State:
    state, phases = small_training()
    run_phases(state, phases, out, signature={"a": 1}, seed=5, stop_after=stop_after, logging=Logging(10, False))
    return state


@pytest.mark.parametrize("stop", [1, 20, 25, 33])
def test_stopping_and_resuming_gives_the_same_weights(tmp_path: Path, stop: int) -> None:
    whole = run_small(tmp_path / "whole")
    with pytest.raises(TrainingStopped, match=f"stopped after step {stop} of 40"):
        run_small(tmp_path / "parts", stop)
    resumed = run_small(tmp_path / "parts")
    assert resumed.step == 40
    for (name, wanted), seen in zip(
        whole.modules["net"].state_dict().items(), resumed.modules["net"].state_dict().values(), strict=True
    ):
        assert torch.equal(wanted, seen), name


def test_a_finished_training_takes_no_further_step(tmp_path: Path) -> None:
    done = run_small(tmp_path)
    again = run_small(tmp_path)
    assert again.step == 40
    assert torch.equal(done.modules["net"][0].weight, again.modules["net"][0].weight)


def test_lines_after_the_last_checkpoint_are_dropped_from_the_log(tmp_path: Path) -> None:
    with pytest.raises(TrainingStopped):
        run_small(tmp_path, 12)
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write(json.dumps({"step": 13, "phase": "one", "loss": 1.0}) + "\n" + '{"step": 1')
    run_small(tmp_path)
    lines = read_log(tmp_path / "log.jsonl")
    assert [line["step"] for line in lines] == [10, 12, 20, 25, 30, 40]
    assert [line["phase"] for line in lines] == ["one"] * 4 + ["two"] * 2
    with Image.open(tmp_path / "losses.png") as picture:
        assert picture.width > 300


def test_the_log_holds_the_mean_since_the_line_before(tmp_path: Path) -> None:
    net = nn.Linear(1, 1)
    phase = Phase("only", 6, lambda number, _: {"value": torch.tensor(float(number))})
    run_phases(State({"net": net}), [phase], tmp_path, signature={}, seed=0, logging=Logging(4, False))
    assert [line["value"] for line in read_log(tmp_path / "log.jsonl")] == [1.5, 4.5]


def test_tensorboard_events_are_written_where_asked(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    phase = Phase("only", 3, lambda number, _: {"value": torch.tensor(float(number))})
    run_phases(
        State({"net": nn.Linear(1, 1)}), [phase], tmp_path, signature={}, seed=0, logging=Logging(tensorboard=True)
    )
    assert len(list((tmp_path / "tensorboard").glob("events*"))) == 1


def test_other_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingStopped):
        run_small(tmp_path, 3)
    state, phases = small_training()
    with pytest.raises(BenchError, match="made with a = 1, this training has 2"):
        run_phases(state, phases, tmp_path, signature={"a": 2}, seed=5)


def test_a_broken_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"nonsense")
    state, phases = small_training()
    with pytest.raises(BenchError, match=r"checkpoint\.pt: not a readable checkpoint"):
        run_phases(state, phases, tmp_path, signature={}, seed=5)


def test_a_loss_that_is_not_finite_ends_the_training(tmp_path: Path) -> None:
    phase = Phase("only", 6, lambda *_: {"loss": torch.tensor(float("nan"))})
    with pytest.raises(BenchError, match="loss is nan at step 6 of only"):
        run_phases(
            State({"net": nn.Linear(1, 1)}), [phase], tmp_path, signature={}, seed=0, logging=Logging(tensorboard=False)
        )


def test_the_generators_outside_are_untouched(tmp_path: Path) -> None:
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    state, phases = small_training()
    torch.manual_seed(3)
    run_phases(state, phases, tmp_path, signature={}, seed=0, logging=QUIET)
    assert torch.equal(torch.rand(1), wanted)


def test_a_record_marks_a_finished_training(tmp_path: Path) -> None:
    assert not completed(tmp_path, {"a": (1, 2)})
    write_record(tmp_path, {"a": (1, 2)}, {"steps": 3})
    assert completed(tmp_path, {"a": (1, 2)})
    with pytest.raises(BenchError, match=r"a = \[1, 2\], this training has 3"):
        completed(tmp_path, {"a": 3})


# ------------------------------------------------------------------ batches and rates


def test_an_epoch_is_a_permutation_without_its_rest() -> None:
    batches = Batches(10, 3, seed=1)
    first = np.concatenate([batches.indices(step) for step in range(3)])
    second = np.concatenate([batches.indices(step) for step in range(3, 6)])
    assert batches.per_epoch == 3
    assert len(set(first)) == 9
    assert set(first) != set(second) or list(first) != list(second)
    assert np.array_equal(Batches(10, 3, seed=1).indices(4), second[3:6])


def test_a_set_smaller_than_a_batch_is_repeated() -> None:
    chosen = Batches(3, 8, seed=0).indices(5)
    assert chosen.shape == (8,)
    assert np.bincount(chosen, minlength=3).min() >= 2


def test_without_shuffling_the_order_is_kept() -> None:
    assert Batches(7, 2, shuffle=False).indices(4).tolist() == [2, 3]


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(BenchError, match="0 samples"):
        Batches(0, 4)


def test_groups_keep_their_own_scale_of_the_rate() -> None:
    layers = nn.Linear(2, 2), nn.Linear(2, 2)
    sgd = torch.optim.SGD(
        [{"params": layers[0].parameters()}, {"params": layers[1].parameters(), "lr_scale": 10.0}], lr=1
    )
    set_learning_rate(sgd, 0.5)
    assert [group["lr"] for group in sgd.param_groups] == [0.5, 5.0]


def test_the_rate_rises_exponentially_and_falls_by_the_power() -> None:
    schedule = SegmenterSchedule(steps=80_000, batch=16)
    assert schedule.learning_rate(0) == pytest.approx(1e-5)
    assert schedule.learning_rate(500) == pytest.approx(1e-5 * math.sqrt(1000))
    assert schedule.learning_rate(1000) == pytest.approx(1e-2)
    assert schedule.learning_rate(40_500) == pytest.approx(1e-2 * 0.5**0.9)
    assert schedule.learning_rate(79_999) == pytest.approx(1e-2 * (1 / 79_000) ** 0.9)
    assert [schedule.learning_rate(step) for step in (80_000, 80_001, 10**6)] == [0, 0, 0]


@pytest.mark.parametrize("warmup", [0.0, 0.5, 1.0])
def test_the_rate_is_a_number_for_every_step(warmup: float) -> None:
    schedule = SegmenterSchedule(steps=10, batch=2, warmup=warmup)
    rates = [schedule.learning_rate(step) for step in range(25)]
    assert all(isinstance(rate, float) and 0 <= rate <= 1e-2 * (1 + 1e-9) for rate in rates)
    assert rates[11:] == [0.0] * 14
    assert rates[0] == (1e-2 if not warmup else pytest.approx(1e-5))


def test_heads_may_learn_as_fast_as_the_rest(toy_segmenter: type) -> None:
    net, _ = toy_segmenter().build(3, 0)
    for fast, wanted in ((True, {1.0, 10.0}), (False, {1.0})):
        schedule = SegmenterSchedule(steps=10, batch=2, fast_heads=fast)
        groups = build_optimiser(toy_segmenter(), net, schedule).param_groups
        assert {group["lr_scale"] for group in groups} == wanted


def test_plain_cross_entropy_by_hand() -> None:
    logits = torch.tensor([[[[0.0, 2.0]], [[0.0, 0.0]]]])  # two classes, two pixels
    easy = math.log(1 + math.exp(-2))
    labels = torch.tensor([[[0, 0]]])
    assert float(plain_cross_entropy(logits, labels)) == pytest.approx((math.log(2) + easy) / 2)
    assert float(plain_cross_entropy(logits, torch.tensor([[[255, 0]]]))) == pytest.approx(easy)
    assert float(plain_cross_entropy(logits, torch.tensor([[[255, 255]]]))) == 0
    assert float(segmentation_loss((logits, logits), labels, (1, 0.5), False)) == pytest.approx(
        1.5 * (math.log(2) + easy) / 2
    )


def test_norms_and_biases_do_not_decay_and_heads_learn_faster() -> None:
    net = nn.ModuleDict({"body": nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), "out": nn.Conv2d(4, 2, 1)})
    groups = split_parameters(net, 5e-4, ("out.",))
    seen = {(group["weight_decay"], group["lr_scale"]): len(group["params"]) for group in groups}  # type: ignore[arg-type]
    assert seen == {(5e-4, 1.0): 1, (0.0, 1.0): 3, (5e-4, 10.0): 1, (0.0, 10.0): 1}


# ------------------------------------------------------------------ OHEM


def plain_ohem(logits: Tensor, labels: Tensor, keep: int) -> float:
    """The rule as the released code words it: sort, look at the loss at place ``keep``, cut."""
    losses = []
    for image, truth in zip(logits.double(), labels, strict=True):
        for row in range(truth.shape[0]):
            for column in range(truth.shape[1]):
                if truth[row, column] == 255:
                    losses.append(0.0)
                else:
                    values = image[:, row, column]
                    losses.append(float(torch.logsumexp(values, 0) - values[truth[row, column]]))
    losses.sort(reverse=True)
    limit = -math.log(0.7)
    kept = [loss for loss in losses if loss > limit] if keep < len(losses) and losses[keep] > limit else losses[:keep]
    return sum(kept) / len(kept)


@pytest.mark.parametrize(("keep", "sharpness"), [(5, 1.0), (40, 1.0), (40, 6.0), (120, 3.0), (500, 1.0)])
def test_ohem_equals_the_plain_rule(keep: int, sharpness: float) -> None:
    generator = torch.Generator().manual_seed(keep)
    labels = torch.randint(0, 4, (2, 8, 8), generator=generator)
    logits = F.one_hot(labels, 4).permute(0, 3, 1, 2) * sharpness + torch.randn(2, 4, 8, 8, generator=generator)
    labels[0, :2] = 255
    assert float(ohem_cross_entropy(logits, labels, keep)) == pytest.approx(plain_ohem(logits, labels, keep), rel=1e-5)


@pytest.mark.parametrize("keep", [1, 7, 30, 200])
def test_the_way_without_waiting_gives_the_same_mean_and_gradient(keep: int) -> None:
    generator = torch.Generator().manual_seed(keep)
    values = torch.rand(100, generator=generator) * 0.6
    values[:5] = values[5]  # ties
    one, other = (values.clone().requires_grad_(True) for _ in range(2))
    limit = -math.log(0.7)
    hard = one[one > limit]
    wanted = hard.mean() if len(hard) > keep else one.topk(min(keep, 100)).values.mean()
    seen = hard_mean_without_waiting(other, keep)
    assert float(seen.detach()) == pytest.approx(float(wanted.detach()), rel=1e-5)
    wanted.backward()
    seen.backward()
    assert one.grad is not None
    assert other.grad is not None
    assert float(other.grad.sum()) == pytest.approx(1, rel=1e-4)
    untied = torch.arange(100) > 5
    assert torch.allclose(one.grad[untied], other.grad[untied], atol=1e-6)


def test_class_weights_by_hand() -> None:
    labels = torch.tensor([0, 0, 0, 1, 255], dtype=torch.uint8)
    raw = 1 / np.log(1.1 + np.array([0.75, 0.25, 0.0]))
    wanted = raw / (raw * [0.75, 0.25, 0.0]).sum()
    found = class_weights(labels, 3, 1.1)
    assert found.tolist() == pytest.approx(wanted.tolist())
    assert float((found * torch.tensor([0.75, 0.25, 0.0])).sum()) == pytest.approx(1)


def test_a_loss_with_class_weights_is_a_weighted_mean() -> None:
    logits = torch.zeros(1, 2, 1, 3)
    logits[0, 1, 0, 0] = 2.0
    labels, weights = torch.tensor([[[0, 1, 255]]]), torch.tensor([1.0, 3.0])
    wrong, even = math.log(1 + math.exp(2.0)), math.log(2)
    loss = segmentation_loss([logits], labels, [1.0], True, weights)
    assert float(loss) == pytest.approx((1.0 * wrong + 3.0 * even) / 4.0)


def test_ohem_by_hand() -> None:
    # losses ln 2 (even odds) three times and ln(1 + e^-2) = 0.1269 once; the limit is 0.3567
    logits = torch.tensor([[0.0, 0.0], [0.0, 2.0]])[None, None]
    logits = torch.cat([logits, torch.zeros_like(logits)], dim=1)
    labels = torch.zeros(1, 2, 2, dtype=torch.long)
    assert float(ohem_cross_entropy(logits, labels, 2)) == pytest.approx(math.log(2))
    wanted = (3 * math.log(2) + math.log1p(math.exp(-2))) / 4
    assert float(ohem_cross_entropy(logits, labels, 4)) == pytest.approx(wanted)


def test_the_loss_weighs_its_outputs_and_keeps_one_image() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (2, 4, 4), generator=generator)
    main, middle = (torch.randn(2, 3, 4, 4, generator=generator) for _ in range(2))
    wanted = plain_ohem(main, labels, 16) + 0.75 * plain_ohem(middle, labels, 16)
    assert float(segmentation_loss((main, middle), labels, (1.0, 0.75))) == pytest.approx(wanted, rel=1e-5)


def test_only_kept_pixels_get_a_gradient() -> None:
    logits = torch.zeros(1, 2, 2, 2)
    logits[0, 0] = torch.tensor([[0.0, 5.0], [6.0, 7.0]])
    logits.requires_grad_(True)
    ohem_cross_entropy(logits, torch.zeros(1, 2, 2, dtype=torch.long), 1).backward()
    assert logits.grad is not None
    assert (logits.grad[0, 0] != 0).tolist() == [[True, False], [False, False]]


# ------------------------------------------------------------------ augmentation


def still(batch: int, **changes: object) -> Draws:
    """Draws that change nothing, except as told."""
    neutral: dict[str, object] = {
        "scale": np.ones(batch),
        "offset": np.zeros((batch, 2)),
        "flip": np.zeros(batch, bool),
        "colour": np.ones((batch, 3)),
    }
    return Draws(**{**neutral, **changes})  # type: ignore[arg-type]


def sample_batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    images = torch.randint(0, 256, (2, 3, 12, 16), generator=generator, dtype=torch.uint8)
    return images, torch.randint(0, 9, (2, 12, 16), generator=generator, dtype=torch.uint8)


def test_neutral_draws_return_the_images() -> None:
    images, labels = sample_batch()
    seen, truth = augment(images, labels, still(2))
    assert torch.allclose(seen, images / 255, atol=1e-5)
    assert torch.equal(truth, labels.long())


def test_flipping_mirrors_image_and_labels() -> None:
    images, labels = sample_batch()
    seen, truth = augment(images, labels, still(2, flip=np.array([True, False])))
    assert torch.allclose(seen[0], images[0].flip(-1) / 255, atol=1e-5)
    assert torch.equal(truth[0], labels[0].flip(-1).long())
    assert torch.equal(truth[1], labels[1].long())


def test_scaling_equals_resizing_and_cropping() -> None:
    images, labels = sample_batch()
    draws = still(2, scale=np.array([2.0, 1.5]), offset=np.array([[0.5, 0.25], [0.9, 0.0]]))
    seen, truth = augment(images, labels, draws)
    for index, scale in enumerate((2.0, 1.5)):
        large = F.interpolate(images[index : index + 1] / 255, scale_factor=scale, mode="bilinear")
        room = np.array([large.shape[-2] - 12, large.shape[-1] - 16])
        top, left = np.floor(draws.offset[index] * (room + 1)).astype(int)
        assert torch.allclose(seen[index], large[0, :, top : top + 12, left : left + 16], atol=1e-4)
        rows = ((torch.arange(12) + top + 0.5) / scale).long()
        columns = ((torch.arange(16) + left + 0.5) / scale).long()
        assert torch.equal(truth[index], labels[index].long()[rows][:, columns])


def test_shrinking_softens_but_keeps_size_and_labels() -> None:
    images, labels = sample_batch()
    seen, truth = augment(images, labels, still(2, scale=np.array([0.75, 1.0])))
    assert seen.shape == (2, 3, 12, 16)
    assert torch.equal(truth, labels.long())
    assert seen[0].var() < (images[0] / 255).var()
    assert torch.allclose(seen[1], images[1] / 255, atol=1e-5)


def test_a_crop_is_a_window_of_the_scaled_image() -> None:
    images, labels = sample_batch()
    draws = still(2, scale=np.array([1.0, 0.75]), offset=np.array([[0.5, 0.99], [0.0, 0.5]]))
    seen, truth = augment(images, labels, draws, crop=0.5)
    assert seen.shape == (2, 3, 6, 8)
    # room of 6 rows and 8 columns: rows from floor(0.5 * 7), columns from floor(0.99 * 9)
    assert torch.allclose(seen[0], images[0, :, 3:9, 8:16] / 255, atol=1e-5)
    assert torch.equal(truth[0], labels[0, 3:9, 8:16].long())
    # at 0.75 the image is 9x12: columns from floor(0.5 * 5) = 2, so the first middle lies over column (2.5 / 0.75)
    assert torch.equal(truth[1, 0], labels[1, 0, ((torch.arange(8) + 2.5) / 0.75).long()].long())


def test_colour_jitter_equals_pillow() -> None:
    from PIL import ImageEnhance

    images, _ = sample_batch()
    factors = torch.tensor([[0.7, 1.4, 0.5], [1.3, 0.6, 1.5]])
    seen = jitter_colour(images / 255, factors) * 255
    for index in range(2):
        picture = Image.fromarray(images[index].permute(1, 2, 0).numpy())
        for enhance, factor in zip(
            (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color), factors[index].tolist(), strict=True
        ):
            picture = enhance(picture).enhance(factor)
        # Pillow drops the fraction after each of three steps, and the next one stretches it by up to 1.5
        assert np.abs(seen[index].permute(1, 2, 0).numpy() - np.asarray(picture, float)).max() < 4


def test_draws_keep_to_their_ranges() -> None:
    schedule = SegmenterSchedule(steps=10, batch=8)
    draws = draw_augmentation(np.random.default_rng(0), 2000, schedule)
    assert set(draws.scale) == set(schedule.scales)
    assert 0.5 <= draws.colour.min() < 0.51
    assert 1.49 < draws.colour.max() <= 1.5
    assert 0.45 < draws.flip.mean() < 0.55


# ------------------------------------------------------------------ stacks


def labelled_pair(folder: Path, name: str, labels: np.ndarray, size: tuple[int, int] = (6, 8)) -> PairFiles:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{name}_{kind}.png" for kind in ("ir", "vis", "labels")]
    Image.fromarray(np.full(size, 40, np.uint8)).save(paths[0])
    Image.fromarray(np.full((*size, 3), 90, np.uint8)).save(paths[1])
    Image.fromarray(labels.astype(np.uint8)).save(paths[2])
    return PairFiles("made", "train", name, paths[0], paths[1], label_path=paths[2])


def test_pairs_become_bytes_on_the_device(tmp_path: Path) -> None:
    files = labelled_pair(tmp_path, "a", np.eye(6, 8))
    stack = load_pairs([files, files], "cpu", classes=9)
    assert stack.ir.shape == (2, 1, 6, 8)
    assert stack.vis.shape == (2, 3, 6, 8)
    assert stack.ir.dtype == stack.vis.dtype == torch.uint8
    assert stack.labels is not None
    assert stack.labels[1].diagonal().tolist() == [1] * 6


def test_shrunk_labels_are_taken_from_the_middle(tmp_path: Path) -> None:
    labels = np.arange(8).repeat(6).reshape(8, 6).T
    files = labelled_pair(tmp_path, "a", labels)
    stack = load_labelled([lambda: np.full((6, 8, 3), 7, np.uint8)], [files], "cpu", 9, scale=0.5)
    assert stack.images.shape == (1, 3, 3, 4)
    assert stack.labels[0, 0].tolist() == [1, 3, 5, 7]


def test_shrinking_takes_area_means() -> None:
    image = np.array([[0, 100], [100, 200]], np.uint8)
    assert shrink(image, 0.5).tolist() == [[100]]
    assert shrink(image, 1.0) is image


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((6, 7)), "labels of 7x6, wanted the image's 8x6"),
        (np.full((6, 8), 12), "label 12, wanted class ids 0 to 8"),
    ],
)
def test_labels_that_do_not_fit_are_named(tmp_path: Path, labels: np.ndarray, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        load_pairs([labelled_pair(tmp_path, "a", labels)], "cpu", classes=9)


def test_missing_labels_are_named(tmp_path: Path) -> None:
    files = labelled_pair(tmp_path, "a", np.zeros((6, 8)))
    bare = PairFiles("made", "train", "a", files.ir_path, files.vis_path)
    with pytest.raises(BenchError, match="made a: has no segmentation labels"):
        load_pairs([bare], "cpu", classes=9)


def test_unequal_sizes_are_cut_into_pieces_that_cover_them(tmp_path: Path) -> None:
    columns = np.tile(np.arange(20) % 9, (13, 1))
    pairs = [
        labelled_pair(tmp_path, "a", np.zeros((6, 8))), labelled_pair(tmp_path, "b", columns, (13, 20)),
    ]  # fmt: skip
    stack = load_pairs(pairs, "cpu", classes=9)
    assert stack.labels is not None
    assert stack.ids == ("a", *["b"] * 9)  # three rows of pieces, three columns
    assert stack.ir.shape == (10, 1, 6, 8)
    assert stack.vis.shape == (10, 3, 6, 8)
    starts = [0, 6, 12]
    for piece, start in zip(stack.labels[1:4], starts, strict=True):
        np.testing.assert_array_equal(piece.numpy(), columns[:6, start : start + 8])
    pair = read_pair(pairs[1])
    np.testing.assert_array_equal(stack.vis[-1].permute(1, 2, 0).numpy(), pair.vis[7:, 12:])
    np.testing.assert_array_equal(
        stack.vis[5].permute(1, 2, 0).numpy(), pair.vis[4:10, 6:14]
    )  # 3.5 is 4: halves to even


def test_no_pairs_are_refused() -> None:
    with pytest.raises(BenchError, match="without a single pair"):
        load_pairs([], "cpu")


# ------------------------------------------------------------------ backbone and precision


def test_the_backbone_is_found_by_name_and_size(tmp_path: Path) -> None:
    asked = TrainRequest("d", (), "smoke", tmp_path, weights_root=tmp_path)
    assert starting_file(RESNET18, asked) is None
    (tmp_path / "ImageNet").mkdir()
    file = tmp_path / "ImageNet" / RESNET18[0].name
    file.write_bytes(b"short")
    assert starting_file(RESNET18, asked) is None
    made = BackboneFile("made.pth", hashlib.sha256(b"weights").hexdigest(), 7)
    path = file.with_name("made.pth")
    path.write_bytes(b"weights")
    assert starting_file([made], asked) == path
    assert backbone_digest(path) == made.sha256
    path.write_bytes(b"WEIGHTS")
    with pytest.raises(BenchError, match=r"made\.pth: not the file of https.*remove it or fetch it anew"):
        starting_file([made], asked)


@pytest.mark.parametrize("shared", [False, True])
def test_a_run_has_one_start_for_all(tmp_path: Path, shared: bool) -> None:
    """What the run chose holds, also where another file or none lies on the worker's machine."""
    made = BackboneFile("made.pth", hashlib.sha256(b"weights").hexdigest(), 7)
    here = tmp_path / "here" / "ImageNet" / "made.pth"
    here.parent.mkdir(parents=True)
    here.write_bytes(b"weights")
    driver = TrainRequest("d", (), "smoke", tmp_path, weights_root=tmp_path / "here")
    elsewhere = replace(driver, weights_root=tmp_path / "nowhere")
    kept = keep_pretrained(tmp_path / "run", [starting_files([made], driver)], shared)
    assert kept.digests == {"made.pth": made.sha256}
    found = starting_file([made], replace(elsewhere, pretrained=kept.folder))
    assert found == kept.folder / "made.pth"
    assert found.read_bytes() == b"weights"
    random = keep_pretrained(kept.folder, [starting_files([made], elsewhere)], shared)
    assert random.digests == {"made.pth": "random"}
    assert starting_file([made], replace(driver, pretrained=random.folder)) is None, "random for one, random for all"


def test_no_link_leads_off_what_a_cluster_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def another_disk(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", another_disk)
    path = tmp_path / "made.pth"
    path.write_bytes(b"weights")
    alone = keep_pretrained(tmp_path / "run", [{"made.pth": path}], shared=False)
    assert (alone.folder / "made.pth").is_symlink()
    cluster = keep_pretrained(tmp_path / "run", [{"made.pth": path}], shared=True)
    assert not (cluster.folder / "made.pth").is_symlink()
    assert (cluster.folder / "made.pth").read_bytes() == b"weights"
    assert cluster.digests == alone.digests


def test_random_backbones_must_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"a training: no ImageNet weights resnet18.*--option random_backbone=true"):
        require_backbone(RESNET18, None, False, "random_backbone=true", "a training")
    assert require_backbone(RESNET18, None, True, "random_backbone=true", "a training") is None
    assert require_backbone(RESNET18, tmp_path, False, "random_backbone=true", "a training") == tmp_path


def test_backbone_tensors_are_loaded_and_checked(tmp_path: Path) -> None:
    from torchvision.models import resnet18

    source, target = resnet18(weights=None), resnet18(weights=None)
    path = tmp_path / "resnet18.pth"
    torch.save(source.state_dict(), path)
    parts = {name: getattr(target, name) for name in ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4")}
    assert load_resnet18(parts, path) == "ImageNet (resnet18.pth)"
    assert torch.equal(target.layer4[1].conv2.weight, source.layer4[1].conv2.weight)
    assert load_resnet18(parts, None) == "random"
    torch.save({key: value for key, value in source.state_dict().items() if "layer3.0.conv1" not in key}, path)
    with pytest.raises(BenchError, match=r"layer3\.0\.conv1\.weight is missing"):
        load_resnet18(parts, path)


def test_durations_for_people() -> None:
    assert [in_words(seconds) for seconds in (40, 600, 9000, 200_000)] == ["40 s", "10 min", "2.5 h", "2.3 days"]


def test_precision_words() -> None:
    assert pick_precision("float32", "cpu") == "float32"
    assert pick_precision("auto", "cpu") in ("float32", "bfloat16")
    with pytest.raises(BenchError, match=r"--train-precision is .half."):
        pick_precision("half", "cpu")


@pytest.mark.parametrize(
    ("size", "kind"), [((63, 80), torch.float32), ((64, 80), torch.bfloat16), (None, torch.bfloat16)]
)
def test_small_images_are_not_computed_in_bfloat16_on_a_cpu(size: tuple[int, int] | None, kind: torch.dtype) -> None:
    with autocast("bfloat16", "cpu", size):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == kind
    with autocast("float32", "cpu", size):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
