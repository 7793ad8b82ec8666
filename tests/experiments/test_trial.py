"""What every trained experiment shares: one network, one loss, one seed, trained, watched and judged."""

from __future__ import annotations

import functools
import json
import math
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from experiment_toys import here, job, pack, trial_options, weights
from torch import Tensor, nn

import lossedu as le
from lossedu import training
from lossedu.experiments import arms, trial
from lossedu.experiments.narration import Narrator
from lossedu.experiments.scoring import CHEAP, COLUMNS, DEEP
from lossedu.experiments.tasks import photographs, restore, task
from lossedu.nets import RestorationCNN, SuperResolutionCNN
from lossedu.sweeps import performing
from lossedu.training import OutOfTime, read_checkpoint


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_first_weights_depend_on_the_seed_alone() -> None:
    state = torch.random.get_rng_state()
    first, other = (trial.new_network(trial_options(seed=3, arm=arm, lr=lr)) for arm, lr in (("l1", 1), ("mix", 2)))
    assert torch.equal(weights(first), weights(other))
    assert not torch.equal(weights(first), weights(trial.new_network(trial_options(seed=4))))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert type(first) is RestorationCNN and first.residual
    small = trial.new_network(trial_options(task="sr3", width=6, residual=False))
    assert type(small) is SuperResolutionCNN and not small.residual and small.layers[0].out_channels == 6


def test_a_trial_is_a_plain_training_and_its_scores(tmp_path: Path) -> None:
    options = trial_options(task="sr2", arm="l1", seed=2, pictures=0, train_pictures=2)
    entry, arrays = trial.perform(job(**options), here(tmp_path))
    network = trial.new_network(options)
    history = training.train(network, le.l1_loss, trial.batches(options), steps=4, lr=1e-3)
    kept = trial.network_of(tmp_path, options)
    assert torch.equal(weights(kept), weights(network)) and not kept.training
    assert {key: entry[key] for key in ("task", "arm", "seed", "lr", "ran_away")} == {
        "task": "sr2",
        "arm": "l1",
        "seed": 2,
        "lr": 1e-3,
        "ran_away": False,
    }
    assert entry["history"] == [float(f"{value:.4g}") for value in history]
    assert "watched" not in entry
    json.dumps(entry)

    said = trial.describe(options)
    assert said["columns"] == list(COLUMNS)
    assert said["sets"] == {"test": ["rocket"], "train": ["astronaut", "chelsea"], "original": ["rocket"]}
    assert {name: table.shape for name, table in arrays.items()} == {
        name: (len(rows), len(COLUMNS)) for name, rows in said["sets"].items()
    }
    for where, split in (("test", "test"), ("train", "train"), ("original", "test/original")):
        for row, name in zip(arrays[where], said["sets"][where], strict=True):
            index = photographs("embedded")[split].names.index(name)
            damaged, clean = task("sr2").damage(photographs("embedded"), split, index), photographs("embedded")[split]
            mse = (restore(network, damaged) - clean.picture(index)).square().mean().item()
            found = dict(zip(COLUMNS, row.tolist(), strict=True))
            assert found["mse"] == pytest.approx(mse, rel=1e-5)
            assert found["psnr"] == pytest.approx(-10 * math.log10(mse), rel=1e-5)
            empty = {key for key, value in found.items() if math.isnan(value)}
            assert empty >= set(DEEP) if where == "test" else empty == set(COLUMNS) - set(CHEAP)
            assert where != "test" or not empty & {"ms_ssim", "iw_ssim", "gmsd", "fsim", "slope"}


def test_the_input_is_judged_as_it_comes(tmp_path: Path) -> None:
    entry, arrays = trial.perform(job(task="jpeg", arm="input"), here(tmp_path))
    assert entry == {"task": "jpeg", "arm": "input", "seed": 0, "lr": 1e-3}
    photos = photographs("embedded")
    mse = (photos["test/jpeg25"].picture(0) - photos["test"].picture(0)).square().mean().item()
    assert arrays["test"][0, COLUMNS.index("mse")] == pytest.approx(mse, rel=1e-5)
    assert list(tmp_path.iterdir()) == []


def test_which_pictures_get_which_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """LPIPS and DISTS for every so many-th picture of the test: the judge decides, if it is asked for "all"."""
    asked = []

    class Fake:
        def score(self, outputs: list[Tensor], *, kind: str = "all") -> np.ndarray:
            asked[-1] += (len(outputs), kind)
            return np.zeros((len(outputs), len(COLUMNS)))

    def judge(name: str, where: str, limit: int, deep_every: int) -> Fake:
        asked.append((name, where, limit, deep_every))
        return Fake()

    monkeypatch.setattr(trial, "judge", judge)
    trial.judged(None, trial_options(task="jpeg", pictures=0, train_pictures=3, deep_every=4))
    assert asked == [
        ("embedded", "test", 0, 4, 1, "all"),
        ("embedded", "train", 3, 0, 3, "cheap"),
        ("embedded", "test/original", 0, 0, 1, "cheap"),
    ]


def test_photographs_without_originals_are_judged_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = photographs("embedded")["train"].raw(0)[:, :60, :70]
    few, many = (
        pack(picture, test=[picture] * 3),
        pack(picture, **{"test": [picture] * 3, "test/original": [picture] * 3}),
    )
    options = trial_options(pictures=2, train_pictures=1)
    for photos, expected in ((few, {}), (many, {"original": ("test/original", 2)})):
        monkeypatch.setattr(trial, "photographs", lambda name, photos=photos: photos)
        assert trial.sets(options) == {"test": ("test", 2), "train": ("train", 1)} | expected
        said = trial.describe(options)["sets"]
        assert said.keys() == trial.sets(options).keys()
        assert said.get("original", ["test/original0", "test/original1"]) == ["test/original0", "test/original1"]


def test_linear_light_is_judged_as_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    options = trial_options(task="dd_linear")
    shown: list[Tensor] = []

    class Fake:
        def score(self, outputs: list[Tensor], *, kind: str) -> np.ndarray:
            shown.extend(outputs)
            return np.zeros((1, len(COLUMNS)))

    monkeypatch.setattr(trial, "judge", lambda *_: Fake())
    trial.judged(None, options)
    for output, split in zip(shown, ("test", "train", "test/original"), strict=True):
        display = photographs("embedded")[split].picture(0)
        assert (output.mean() - display.mean()).abs() < 0.02  # not as dark as linear light
        assert output.min() >= 0 and output.max() <= 1


def test_a_trial_out_of_time_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    def watch(network: Any, batch_at: Callable[[int], tuple[Tensor, Tensor]]) -> Callable[[int], Any]:
        return lambda step: [step, network(batch_at(-1)[0]).mean().item()]

    toy = job(arm="ssim_1.5", steps=8)
    perform = functools.partial(trial.perform, toy, watch=watch, watches=4)
    straight, tables = perform(here(tmp_path / "straight"))
    assert [row[0] for row in straight["watched"]] == [2, 4, 6, 8]
    place = here(tmp_path / "slices", deadline=time.time() - 1)  # one step a sitting
    for step in range(1, 8):
        with pytest.raises(OutOfTime) as caught:
            perform(place)
        assert (caught.value.step, caught.value.steps) == (step, 8)
    entry, arrays = perform(place)
    assert entry == straight
    for where in tables:
        np.testing.assert_array_equal(arrays[where], tables[where])
    assert perform(place)[0] == straight  # as after a death between training and judging


def test_a_loss_that_stops_being_finite_is_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []

    def fatal(x: Tensor, y: Tensor) -> Tensor:
        steps.append(len(steps))
        return le.mse_loss(x, y) * (math.nan if len(steps) == 3 else 1)

    monkeypatch.setitem(arms.LOSSES, "l2", fatal)  # type: ignore[call-overload]
    entry, arrays = trial.perform(job(), here(tmp_path))
    assert entry == {"task": "dd", "arm": "l2", "seed": 0, "lr": 1e-3, "diverged_at": 2, "ran_away": True}
    assert arrays == {}


def test_the_loss_and_the_name_it_goes_by(tmp_path: Path) -> None:
    label = {"arm": "ssim_5_map", "budget": "patches"}
    entry, _ = trial.perform(job(arm="l1", loss="charbonnier", label=label, train_pictures=1), here(tmp_path / "a"))
    assert (entry["arm"], entry["budget"], entry["task"]) == ("ssim_5_map", "patches", "dd")
    network = trial.new_network(trial_options())
    training.train(network, le.charbonnier_loss, trial.batches(trial_options()), steps=4, lr=1e-3)
    assert torch.equal(weights(trial.network_of(tmp_path / "a", trial_options())), weights(network))
    with pytest.raises(ValueError, match=r"^loss must be one of 'l2', .* got 'l7'"):
        trial.perform(job(arm="l7"), here(tmp_path / "b"))


def test_every_loss_is_warmed_up_alike(tmp_path: Path) -> None:
    """Some steps of l2 on batches of their own, then the loss at hand with a fresh optimiser."""
    options = trial_options(warmup=5, residual=False, lr=2e-3)
    for arm in ("l1", "ssim_5"):
        network = trial.new_network(options)
        trial.fit(network, options | {"arm": arm}, here(tmp_path / arm))
    states = [read_checkpoint(tmp_path / arm / "warmup.pt") for arm in ("l1", "ssim_5")]
    assert states[0]["history"] == states[1]["history"]
    assert states[0]["settings"]["lr"] == 1e-3 and len(states[0]["history"]) == 5

    network, batch_at = trial.new_network(options), trial.batches(options)
    training.train(network, le.mse_loss, lambda step: batch_at(4 + step), steps=5, lr=1e-3)
    assert all(torch.equal(states[1]["network"][k], v) for k, v in network.state_dict().items())
    training.train(network, arms.loss("ssim_5"), batch_at, steps=4, lr=2e-3)
    assert torch.equal(weights(trial.network_of(tmp_path / "ssim_5", options)), weights(network))

    # Stopped during the warm-up and after it
    place = here(tmp_path / "late", deadline=time.time() - 1)
    stops = []
    for _ in range(7):
        with pytest.raises(OutOfTime) as caught:
            trial.fit(trial.new_network(options), options | {"arm": "ssim_5"}, place)
        stops.append((caught.value.step, caught.value.steps))
    assert stops == [(1, 5), (2, 5), (3, 5), (4, 5), (1, 4), (2, 4), (3, 4)]
    trial.fit(resumed := trial.new_network(options), options | {"arm": "ssim_5"}, place)
    assert torch.equal(weights(resumed), weights(network))


def test_the_course_of_a_loss() -> None:
    assert trial.course([4.0, 2.0, 3.0, 1.0], blocks=2) == {"history": [3.0, 2.0], "ran_away": False}
    assert trial.course([0.123456] * 3)["history"] == [0.1235] * 3  # fewer steps than blocks
    assert trial.course([float(k) for k in range(500)])["history"][:2] == [4.5, 14.5]
    assert trial.course([])["ran_away"]


def falling(steps: int) -> np.ndarray:
    """A loss as it usually goes: 0.2 at first, 0.02 at last, and every batch is another."""
    noise = np.random.default_rng(0).lognormal(0, 0.4, steps)
    return (0.02 + 0.18 * np.exp(-8 * np.arange(steps) / steps)) * noise


def bump(steps: int, first: float, last: float, height: float) -> list[float]:
    """The same with a bump over a share of the steps."""
    values = falling(steps)
    values[int(first * steps) : int(last * steps)] += height
    return values.tolist()


@pytest.mark.parametrize("steps", [100, 150, 1000])
def test_a_network_that_does_not_come_back_has_run_away(steps: int) -> None:
    def away(values: Any) -> bool:
        found = trial.course(list(values))["ran_away"]
        assert type(found) is bool
        return found

    assert not away(falling(steps))
    assert not away(np.random.default_rng(1).lognormal(0, 0.4, steps))  # noise, and nothing is learned
    assert not away(bump(steps, 0.4, 0.6, 1.0))  # it came down again
    assert not away(bump(steps, 0.0, 0.1, 5.0))
    assert away(bump(steps, 0.5, 1.0, 0.05))  # far below where it began, and yet: it was better before
    assert away(bump(steps, 0.9, 1.0, 0.05))
    assert away(bump(steps, 0.0, 1.0, 0.0)[::-1])
    # One and a half times the best tenth, and no more: the tenths are means of whole steps.
    level = [1.0] * (steps - steps // 10)
    assert not away(level + [1.499] * (steps // 10))
    assert away(level + [1.501] * (steps // 10))
    one_in_ten = [1.0] * (steps // 10 - 1)
    assert not away(level + one_in_ten + [1 + 0.49 * (steps // 10)])
    assert away([*level, *one_in_ten, math.inf])
    assert away([*level, *one_in_ten, math.nan])


def test_short_runs_tell_more_of_their_batches_than_of_the_network() -> None:
    wild = [1.0] * 90 + [9.0] * 10
    assert trial.LONG == 100 == len(wild)
    assert trial.course(wild)["ran_away"]
    assert not trial.course(wild[1:])["ran_away"]
    assert not trial.course([0.6, 0.61, 0.93])["ran_away"]


class Clock:
    """Ten steps a second: whoever looks at the clock has made one."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        self.now += 0.1
        return self.now


def test_a_network_at_work_says_how_far_it_is(tmp_path: Path) -> None:
    said: list[str] = []
    clock = Clock(100.0)
    narrate = Narrator(here(tmp_path, say=said.append), 1000, clock=clock)
    assert narrate.rate == 0
    for step in range(1000):
        narrate.on_step(step, 0.11234)
        assert narrate.rate == pytest.approx(10 if step else 0)
    assert said[0] == "step 200 of 1000, loss 0.1123, 80 s left"
    assert [line.split()[1] for line in said] == ["200", "400", "600", "800"]
    # Taken up again at step 500, the steps before are not counted.
    said.clear()
    narrate = Narrator(here(tmp_path, say=said.append), 1000, clock=Clock(0.0))
    for step in range(500, 1000):
        narrate.on_step(step, 0.5)
    assert said == ["step 600 of 1000, loss 0.5, 40 s left", "step 800 of 1000, loss 0.5, 20 s left"]


def test_speed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the steps of this sitting, in words; no entry has it, since it depends on the hour of the day."""
    said: list[str] = []
    monkeypatch.setattr(trial, "Narrator", functools.partial(Narrator, clock=Clock(0.0)))
    entry, _ = trial.perform(job(task="sr2", train_pictures=1), here(tmp_path, say=said.append))
    assert said[0].startswith("step 2 of 4, loss ")
    assert said[-1].startswith("20.0 patches/s = ") and "matrix product" in said[-1]  # 10 steps of 2
    assert "patches_per_second" not in entry
    lines = len(said)
    assert trial.perform(job(task="sr2", train_pictures=1), here(tmp_path, say=said.append))[0] == entry
    assert len(said) == lines  # nothing was trained


@pytest.mark.parametrize(("values", "gone"), [([9.0, 10.9], True), ([9.0, 11.0], False), ([30.0, math.nan], True)])
def test_a_bounded_loss_does_not_tell_that_a_network_is_lost(values: list[float], gone: bool) -> None:
    table = np.full((len(values), len(COLUMNS)), 99.0, dtype=np.float32)
    table[:, COLUMNS.index("psnr")] = values
    assert trial.lost({"test": table, "train": 0 * table}) is gone


def test_a_network_that_is_lost_has_run_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows the negative from the first step on: its loss does not rise, and yet."""
    toy = job(arm="ssim_5", task="jpeg")
    network = trial.new_network(toy.options)
    with torch.no_grad():
        for layer in network.layers:
            for parameter in layer.parameters() if hasattr(layer, "kernel_size") else ():
                parameter.zero_()
        network.layers[-1].bias.fill_(-2.0)
    monkeypatch.setattr(trial, "new_network", lambda *_: network)
    entry, _ = trial.perform(toy, here(tmp_path))
    assert entry["history"][-1] <= 1.5 * entry["history"][0]
    assert entry["ran_away"]


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a processor")
def test_a_compiled_network_ends_with_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def compiled(network: nn.Module) -> nn.Module:
        asked.append(network)
        return compile_(network)

    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", compiled)
    plain = performing.attempt(job(), here(tmp_path / "plain"), {})
    assert not asked
    found = performing.attempt(job(), here(tmp_path / "compiled"), {"compiled": True})
    assert plain.entry is not None and found.entry is not None and len(asked) == 1
    assert found.entry["compiled"] is True and "compiled" not in plain.entry
    assert found.entry["history"] == pytest.approx(plain.entry["history"], rel=1e-4)
    np.testing.assert_allclose(found.arrays["test"], plain.arrays["test"], rtol=1e-3, equal_nan=True)
