"""Critics behind a blur: pictures that differ in one thing, judges that find what is there, and only that."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from lossedu import color_blur, data
from lossedu.experiments import blur_critics, blur_judges, blur_pictures, running, tasks
from lossedu.experiments.blur_pictures import MARGIN, SIDE, Shown
from lossedu.filters import gaussian_blur
from lossedu.sweeps import Place
from lossedu.training import OutOfTime, train

PHOTOS = "embedded"


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def raw(task: str, x: Tensor) -> tuple[Tensor, Tensor]:
    """The two classes without a blur."""
    return blur_pictures.both(task, "none", x, generator())


@pytest.fixture(scope="module")
def photo() -> Tensor:
    return data.photograph("rocket")[..., 20:180, 40:240]


def test_the_two_classes_differ_by_what_the_task_says(photo: Tensor) -> None:
    inner = photo[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
    levels = {task: raw(task, photo) for task in blur_pictures.TASKS}
    for task, pair in levels.items():
        for z in pair:
            assert z.shape == inner.shape and float(z.min()) >= 0 and float(z.max()) <= 1
            torch.testing.assert_close(z * 255, (z * 255).round(), rtol=0, atol=1e-4)
        if task != "tint":
            torch.testing.assert_close(pair[1], inner, rtol=0, atol=0.6 / 255)
    for task, sigma in (("texture", 1.0), ("texture_slight", 0.5)):
        soft = gaussian_blur(photo, sigma)[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
        torch.testing.assert_close(levels[task][0], soft, rtol=0, atol=0.6 / 255)
    zero, one = levels["tint"]
    shift = torch.tensor([8.0, 0.0, -8.0]).view(1, 3, 1, 1) / 255
    torch.testing.assert_close(zero - one, shift.expand_as(one), rtol=0, atol=1e-6)
    zero, one = levels["cast"]
    middle = (one > 0.2) & (one < 0.9)
    for channel, factor in enumerate((1.08, 1.0, 0.92)):
        part = middle[:, channel]
        ratio = zero[:, channel][part] / one[:, channel][part]
        torch.testing.assert_close(ratio, torch.full_like(ratio, factor), rtol=0.012, atol=0)
    grain = levels["grain"][0] - levels["grain"][1]
    assert float(grain[(levels["grain"][1] - 0.5).abs() < 0.4].std()) == pytest.approx(0.02, rel=0.03)
    assert torch.equal(*levels["nothing"])


def test_blurs_are_the_presets_and_gaussians(photo: Tensor) -> None:
    for blur in blur_pictures.BLURS:
        found = blur_pictures.both("nothing", blur, photo, generator())[1]
        eight = (photo * 255).round() / 255
        if blur == "none":
            whole = eight
        elif blur in blur_pictures.GAUSSIANS:
            whole = gaussian_blur(eight, float(blur[1:]))
        else:
            whole = color_blur(eight, preset=blur, padding="reflect")
        torch.testing.assert_close(found, whole[..., MARGIN:-MARGIN, MARGIN:-MARGIN])
    with pytest.raises(ValueError, match="blur must be one of"):
        blur_pictures.deviation("g7")


@pytest.mark.parametrize("blur", blur_pictures.BLURS)
def test_the_deviation_is_that_of_a_blurred_point(blur: str) -> None:
    side = 121
    point = torch.zeros(1, 1, side, side, dtype=torch.float64)
    point[..., side // 2, side // 2] = 1
    spread = blur_pictures.blurred(point, blur)[0, 0].sum(dim=0)
    offsets = torch.arange(side, dtype=torch.float64) - side // 2
    expected = float((spread * offsets.square()).sum().sqrt())
    assert blur_pictures.deviation(blur) == pytest.approx(expected, abs=1e-6)
    named = {"none": 0, "wespe": math.sqrt(3), "std3": 3, "dped": 4.337, "g6": 6, "g9": 9, "g13": 13}
    assert blur_pictures.deviation(blur) == pytest.approx(named[blur], rel=5e-3)


def crops(task: str, seed: int, step: int, **options: bool) -> Tensor:
    x, y = blur_pictures.batches(task, "wespe", PHOTOS, 6, seed, **options)(step)
    assert x.shape == (6, 3, SIDE, SIDE) and y[:, 0].tolist() == [0, 0, 0, 1, 1, 1]
    return x


@pytest.mark.parametrize("paired", [True, False])
def test_batches_depend_on_seed_and_step_alone(paired: bool) -> None:
    assert torch.equal(crops("texture", 0, 3, paired=paired), crops("texture", 0, 3, paired=paired))
    assert not torch.equal(crops("texture", 0, 3, paired=paired), crops("texture", 0, 4, paired=paired))
    assert not torch.equal(crops("texture", 0, 3, paired=paired), crops("texture", 1, 3, paired=paired))
    zero, one = crops("nothing", 0, 3, paired=paired).chunk(2)
    assert torch.equal(zero, one) is paired  # the same places, or each class its own
    with pytest.raises(ValueError, match="batch must be even"):
        blur_pictures.batches("texture", "none", PHOTOS, 3, 0)


def test_the_classes_of_the_control_are_drawn_alike() -> None:
    """Means of many crops of either class agree within what chance does to them."""
    batch_at = blur_pictures.batches("nothing", "none", PHOTOS, 64, 0, paired=False)
    means = torch.cat([batch_at(step)[0].mean(dim=(2, 3)).view(2, 32, 3) for step in range(12)], dim=1)
    gap = (means[0].mean(dim=0) - means[1].mean(dim=0)).abs()
    error = (means.var(dim=1).sum(dim=0) / means.shape[1]).sqrt()
    assert (gap < 3.5 * error).all() and not torch.equal(means[0], means[1])


def test_no_test_photograph_is_in_the_training() -> None:
    found = blur_critics.describe(blur_critics.jobs("smoke")[0].options)["sets"]
    photos = tasks.photographs(PHOTOS)
    assert found["test"] == list(photos["test"].names) and not set(found["test"]) & set(photos["train"].names)
    assert set(found["train"]) <= set(photos["train"].names)


def test_each_place_is_asked_about_once_for_the_accuracy() -> None:
    for number, one in enumerate(blur_pictures.shown("texture", "none", PHOTOS, "train")):
        assert one.crops.shape == (2, 8, 3, SIDE, SIDE) and int(one.real.sum()) == 4
        zero, whole = blur_pictures.pictures("texture", "none", PHOTOS, "train")[number]
        assert torch.equal(one.crops[1, 0], whole[0, :, :SIDE, :SIDE])
        assert torch.equal(one.crops[0, -1], zero[0, :, -SIDE:, -SIDE:])
        assert bool(one.real[0]) is (number % 2 == 0)


def test_columns_by_hand() -> None:
    """Two places: the first counts as a photograph, the second as what became of one."""
    shown = Shown(torch.zeros(2, 2, 3, 4, 4), torch.tensor([True, False]))
    logits = iter((torch.tensor([1.0, 2.0]), torch.tensor([3.0, -1.0])))  # of class 0, of class 1
    accuracy, ordered, bits = blur_judges.judged(lambda x: next(logits), [shown])[0]
    assert accuracy == 0.5 and ordered == 0.5
    assert bits == pytest.approx((math.log2(1 + math.exp(-3)) + math.log2(1 + math.exp(2))) / 2)
    blind = blur_judges.judged(lambda x: torch.zeros(len(x)), [shown])[0]
    assert blind.tolist() == pytest.approx([0.5, 0.5, 1.0])


def test_features_know_noise_by_its_power_and_casts_by_their_ratio() -> None:
    noise = 0.1 * torch.randn(64, 1, SIDE, SIDE, generator=generator(), dtype=torch.float64).expand(-1, 3, -1, -1) + 0.5
    found = blur_judges.features(noise).mean(dim=0)
    bands = found[1 : blur_judges.BANDS]  # the lowest has the mean taken out
    torch.testing.assert_close(bands, torch.full_like(bands, math.log(0.01)), rtol=0, atol=0.1)
    torch.testing.assert_close(found[-5:-2], torch.full((3,), 0.5, dtype=torch.float64), rtol=0, atol=0.01)
    grey = torch.full((1, 3, SIDE, SIDE), 0.5, dtype=torch.float64)
    flat = blur_judges.features(grey * torch.tensor([1.2, 1, 0.8], dtype=torch.float64).view(1, 3, 1, 1))[0]
    torch.testing.assert_close(flat[: blur_judges.BANDS].exp(), torch.full((12,), 1e-12, dtype=torch.float64))
    assert flat[-2:].tolist() == pytest.approx([math.log(0.61 / 0.51), math.log(0.41 / 0.51)])
    blurry = blur_pictures.blurred(noise, "dped")
    fine, coarse = (blur_judges.features(blurry, levels=levels)[:, 6].mean() for levels in (False, True))
    assert float(coarse) > float(fine) + 0.5  # the rounding is noise of its own


def test_the_regression_is_what_a_descent_finds() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((400, 3)) * (1, 10, 0.1) + 3
    labels = (rng.random(400) < 1 / (1 + np.exp(-(rows - 3) @ (1, 0.1, -5)))).astype(float)
    weights, bias = blur_judges.regression(rows, labels)
    z = torch.from_numpy((rows - rows.mean(axis=0)) / rows.std(axis=0))
    w = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    descent = torch.optim.LBFGS([w], max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-15)

    def cost() -> Tensor:
        descent.zero_grad()
        value = torch.nn.functional.binary_cross_entropy_with_logits(z @ w[:3] + w[3], torch.from_numpy(labels))
        value = value + blur_judges.PENALTY * w[:3].square().sum()
        value.backward()
        return value

    descent.step(cost)
    found = w.detach().numpy()
    np.testing.assert_allclose(weights * rows.std(axis=0), found[:3], rtol=1e-5)
    np.testing.assert_allclose(rows @ weights + bias, z.numpy() @ found[:3] + found[3], rtol=1e-5, atol=1e-6)


def test_the_regression_is_at_its_least_cost_and_bears_what_can_be_told_for_certain() -> None:
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((300, 2))
    labels = (rows @ (1.0, -2.0) + rng.logistic(size=300) > 0).astype(float)
    weights, bias = blur_judges.regression(rows, labels)

    def cost(w: np.ndarray, b: float) -> float:
        signs = 2 * labels - 1
        size = np.sum((w * rows.std(axis=0)) ** 2)
        return float(np.logaddexp(0, -signs * (rows @ w + b)).mean() + blur_judges.PENALTY * size)

    least = cost(weights, bias)
    for change in np.eye(3) * 0.03:
        for sign in (1, -1):
            assert cost(weights + sign * change[:2], bias + sign * change[2]) > least
    certain, offset = blur_judges.regression(rows, (rows[:, 0] > 0).astype(float))
    assert np.isfinite(certain).all() and (((rows @ certain + offset) > 0) == (rows[:, 0] > 0)).mean() > 0.99


def planted(step: int, *, shuffled: bool = False) -> tuple[Tensor, Tensor]:
    """Noise, and the same kind of noise that is softer: a difference in texture alone."""
    draw = torch.Generator().manual_seed(data.derive_seed("planted", step))
    noise = 0.5 + 0.1 * torch.randn(32, 3, SIDE, SIDE, generator=draw)
    labels = torch.arange(2).repeat_interleave(16).float()[:, None]
    x = torch.cat([gaussian_blur(noise[:16], 0.6), noise[16:]])
    return x, labels[torch.randperm(32, generator=draw)] if shuffled else labels


def right(judge: blur_judges.Judge) -> float:
    pairs = [planted(step) for step in range(1000, 1006)]
    return float(np.mean([((judge(x) > 0) == (y[:, 0] > 0.5)).float().mean() for x, y in pairs]))


def test_judges_find_a_planted_difference_and_nothing_in_shuffled_labels() -> None:
    def shuffled(step: int) -> tuple[Tensor, Tensor]:
        return planted(step, shuffled=True)

    assert right(blur_judges.spectral("spectrum", planted, 10)) == 1
    assert 0.3 < right(blur_judges.spectral("spectrum", shuffled, 30)) < 0.7
    for batch_at, low, high in ((planted, 0.9, 1.0), (shuffled, 0.3, 0.7)):
        network = blur_judges.critic("critic_plain", 0, 0.1)
        train(network, blur_judges.cross_entropy, batch_at, steps=60, lr=3e-3)
        with torch.no_grad():
            assert low <= right(blur_judges.by_network(network)) <= high


def test_critics_of_a_seed_are_the_papers_and_begin_alike() -> None:
    one, two, other = (blur_judges.critic("critic", seed, 0.1) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(next(one.parameters()), next(other.parameters()))
    assert one.norm == "instance" and blur_judges.critic("critic_plain", 1, 0.1).norm == "none"
    before = torch.random.get_rng_state()
    blur_judges.critic("critic", 3, 0.1)
    assert torch.equal(before, torch.random.get_rng_state())
    with pytest.raises(ValueError, match="arm must be one of"):
        blur_judges.critic("spectrum", 0, 0.1)


def test_which_jobs_there_are() -> None:
    found = [job.options for job in blur_critics.jobs("cpu")]
    assert {job["task"] for job in found} == set(blur_critics.TASKS)
    assert {job["arm"] for job in found} == set(blur_critics.ARMS)
    for task in blur_critics.TASKS:
        blurs = {job["blur"] for job in found if job["task"] == task}
        assert blurs == set(blur_critics.BEHIND[task])
        for blur in blurs:
            own = [
                job["seed"] for job in found if (job["task"], job["blur"], job["arm"]) == (task, blur, "critic_plain")
            ]
            assert own == list(range(5 if task == "texture" and blur in blur_critics.PRESETS else 3))
    long = [(job["task"], job["blur"]) for job in found if job["arm"] == "critic_long"]
    assert set(long) == {("texture", "wespe"), ("texture", "dped")}
    order = [(job["task"], job["blur"]) for job in found]
    assert len(set(order)) == sum(a != b for a, b in zip(order, [None, *order[:-1]], strict=True))  # pictures are kept


def test_a_small_run_has_its_tables_and_comes_out_the_same(tmp_path: Path) -> None:
    arms = ("critic", "critic_plain_long", "spectrum_8bit")
    chosen = {"arms": arms, "tasks": ("texture",), "device": "cpu", "say": lambda line: None}
    record = running.run("blur_critics", "smoke", out=tmp_path / "one", **chosen)
    again = running.run("blur_critics", "smoke", out=tmp_path / "two", **chosen)
    assert record.settings["columns"] == ["accuracy", "ordered", "cross_entropy"]
    assert record.settings["sets"] == {"test": ["rocket"], "train": ["astronaut"]}
    wanted = {(blur, arm) for blur in blur_pictures.BLURS for arm in arms if blur_critics.asked(arm, "texture", blur)}
    assert {(run["blur"], run["arm"]) for run in record.runs} == wanted
    rates = {"critic": 3e-4, "critic_plain_long": 1e-3, "spectrum_8bit": 0}
    for run in record.runs:
        assert run["sd"] == pytest.approx(blur_pictures.deviation(run["blur"]), rel=1e-4)
        assert run["ran_away"] is False and run["seed"] == 0 and run["lr"] == rates[run["arm"]]
        for where in ("test", "train"):
            table = record.scores[f"{run['job']}@{where}"]
            assert table.shape == (1, 3) and np.isfinite(table).all()
            np.testing.assert_array_equal(table, again.scores[f"{run['job']}@{where}"])


def test_a_stopped_run_goes_on_and_ends_with_the_same_numbers(tmp_path: Path) -> None:
    job = next(job for job in blur_critics.jobs("smoke") if job.options["arm"] == "critic_plain")
    job = job._replace(options=job.options | {"steps": 4})
    places = [Place(tmp_path / name, "cpu", None, lambda line: None) for name in ("straight", "stopped")]
    for place in places:
        place.folder.mkdir()
    straight = blur_critics.perform(job, places[0])
    with pytest.raises(OutOfTime):
        blur_critics.perform(job, places[1]._replace(deadline=0.0))  # after its first step
    assert (places[1].folder / "network.pt").exists()
    resumed = blur_critics.perform(job, places[1])
    assert resumed[0] == straight[0]
    for where, table in straight[1].items():
        np.testing.assert_array_equal(table, resumed[1][where])
