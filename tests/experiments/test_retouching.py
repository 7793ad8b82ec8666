"""Networks that retouch: pairs that depend on seed and step alone, losses that are what they are called, small runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from trained import needs_weights

from lossedu import histogram_emd_loss, mse_loss, png, ssim_loss
from lossedu.data.looks import NO_MOOD, retouch
from lossedu.experiments import (
    retouch_folders,
    retouch_losses,
    retouch_pairs,
    retouch_rates,
    retouch_scores,
    retouching,
    running,
)
from lossedu.experiments.retouch_losses import HISTOGRAMS, LAYERS
from lossedu.losses import PerceptualLoss
from lossedu.records import load
from lossedu.storage import DataError
from lossedu.sweeps import Place

PHOTOS = "embedded"


def batch(task: str, seed: int, step: int) -> tuple[Tensor, Tensor]:
    return retouch_pairs.batches(task, PHOTOS, 32, 2, seed)(step)


def test_batches_depend_on_seed_and_step_alone_and_differ_by_the_mood_only() -> None:
    for task in ("certain", "moody"):
        for one, again in zip(batch(task, 0, 3), batch(task, 0, 3), strict=True):
            assert torch.equal(one, again)
        assert not torch.equal(batch(task, 0, 3)[0], batch(task, 0, 4)[0])
        assert not torch.equal(batch(task, 0, 3)[0], batch(task, 1, 3)[0])
    certain, moody = batch("certain", 0, 3), batch("moody", 0, 3)
    assert torch.equal(certain[0], moody[0]) and not torch.equal(certain[1], moody[1])
    with pytest.raises(ValueError, match="task must be one of"):
        retouch_pairs.batches("sad", PHOTOS, 32, 2, 0)


def test_a_certain_target_is_a_function_of_the_input_and_both_are_8_bit() -> None:
    for x, y in (batch("certain", 0, 0), *((p.x, p.y) for p in retouch_pairs.pairs("certain", PHOTOS, "test", 1, 0))):
        torch.testing.assert_close(y, (retouch(x, NO_MOOD) * 255).round() / 255)
        for z in (x, y):
            torch.testing.assert_close(z * 255, (z * 255).round(), rtol=0, atol=1e-4)
            assert float(z.min()) >= 0 and float(z.max()) <= 1


def test_again_makes_the_target_of_the_same_mood() -> None:
    for task in ("certain", "moody"):
        (pair,) = retouch_pairs.pairs(task, PHOTOS, "test", 1, 0)
        torch.testing.assert_close(pair.again(pair.x), pair.y)
    moody, certain = (retouch_pairs.pairs(task, PHOTOS, "test", 1, 0)[0] for task in ("moody", "certain"))
    assert torch.equal(moody.x, certain.x) and not torch.equal(moody.y, certain.y)


def test_the_shown_photographs_are_in_no_training() -> None:
    """They come with scikit-image; the record's networks are trained on BSDS500."""
    assert retouching.SCALES["cpu"].photographs == retouching.SCALES["full"].photographs == "bsds500"
    assert not set(retouch_pairs.SHOWN) & set(load("retouching-cpu").settings["sets"]["train"])
    for name in retouch_pairs.SHOWN:
        pair = retouch_pairs.shown(name)
        assert pair.x.shape == pair.y.shape and not torch.equal(pair.x, pair.y)


def test_histogram_losses_are_what_their_names_say() -> None:
    x, y = batch("moody", 0, 0)
    for arm, expected in {
        "printed": 256 * histogram_emd_loss(x, y, kernel="logistic", bandwidth=1e-3, mirror=False),
        "printed_mirror": 256 * histogram_emd_loss(x, y, kernel="logistic", bandwidth=1e-3),
        "unit": histogram_emd_loss(x, y, kernel="logistic", bandwidth=1e-3, mirror=False),
        "unit_mirror": histogram_emd_loss(x, y, kernel="logistic", bandwidth=1e-3),
        "sharp": histogram_emd_loss(x, y, kernel="logistic", bandwidth=1 / 256 / 1000),
        "sort": histogram_emd_loss(x, y, kernel="sort"),
        "printed_k50": 50 * histogram_emd_loss(x, y, bins=50, kernel="logistic", bandwidth=1e-3, mirror=False),
        "printed_10": 2560 * histogram_emd_loss(x, y, kernel="logistic", bandwidth=1e-3, mirror=False),
        "unit_01": 0.1 * histogram_emd_loss(x, y, kernel="logistic", bandwidth=1e-3, mirror=False),
    }.items():
        found = retouch_losses.with_histogram(HISTOGRAMS[arm], 1, x, y)
        torch.testing.assert_close(found, mse_loss(x, y) + expected)
    few = retouch_losses.with_histogram(HISTOGRAMS["sort"], 2, x, y)
    part = (..., slice(None, None, 2), slice(None, None, 2))
    torch.testing.assert_close(few, mse_loss(x, y) + histogram_emd_loss(x[part], y[part], kernel="sort"))


def test_plain_losses_are_the_packages_own() -> None:
    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        return batch("moody", 0, step)

    x, y = batch_at(0)
    for arm, expected in (("l2", mse_loss(x, y)), ("ssim", ssim_loss(x, y))):
        torch.testing.assert_close(retouch_losses.loss(arm, batch_at, "cpu", "float32")(x, y), expected)
    with pytest.raises(ValueError, match="arm must be one of"):
        retouch_losses.loss("l3", batch_at, "cpu", "float32")


@needs_weights("vgg16")
def test_features_begin_with_a_gradient_as_large_as_that_of_the_squared_error() -> None:
    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        return batch("moody", 0, step)

    total = retouch_losses.loss("vgg", batch_at, "cpu", "float32")
    seen, sizes = PerceptualLoss(LAYERS), np.zeros(2)
    for step in range(retouch_losses.COMPARED):
        start, y = batch_at(step)
        for place, one in enumerate((mse_loss, lambda x, y: total(x, y) - mse_loss(x, y))):
            x = start.clone().requires_grad_()
            sizes[place] += float(torch.autograd.grad(one(x, y), x)[0].norm())
    assert sizes[1] == pytest.approx(sizes[0], rel=1e-3)
    x, y = batch_at(0)
    rest = total(x, y) - mse_loss(x, y)
    other = x.clone()
    other[1] = 1 - other[1]  # the second picture plays no part in the features
    torch.testing.assert_close(total(other, y) - mse_loss(other, y), rest, rtol=1e-3, atol=1e-6)
    assert float(rest) / float(seen(x[:1], y[:1])) > 0


def test_scores_of_the_target_itself_and_of_shuffled_pixels() -> None:
    (pair,) = retouch_pairs.pairs("certain", PHOTOS, "test", 1, 0)
    found = dict(zip(retouch_scores.COLUMNS, retouch_scores.judged([pair.y + 0.0], [pair])[0], strict=True))
    assert found["mse"] == found["emd"] == found["joint"] == found["bias"] == 0
    assert found["de00"] == pytest.approx(0, abs=1e-3) and found["ssim"] == pytest.approx(1)
    assert found["colour"] == pytest.approx(1) and found["spread"] == pytest.approx(1)
    turned = dict(zip(retouch_scores.COLUMNS, retouch_scores.judged([pair.y.flip(2)], [pair])[0], strict=True))
    assert turned["emd"] == pytest.approx(0, abs=1e-6) and turned["joint"] == pytest.approx(0, abs=1e-6)
    assert turned["mse"] > 0.01 and turned["ssim"] < 0.9
    swapped = dict(zip(retouch_scores.COLUMNS, retouch_scores.judged([pair.y.flip(1)], [pair])[0], strict=True))
    assert swapped["emd"] > 0.001 and swapped["colour"] == pytest.approx(1, abs=1e-3)


def test_a_curve_is_what_the_retoucher_makes_of_the_ramp() -> None:
    (pair,) = retouch_pairs.pairs("certain", PHOTOS, "test", 1, 0)
    ramp = torch.linspace(0, 1, retouch_scores.POINTS)
    torch.testing.assert_close(retouch_scores.curve(lambda x: x, pair.x), ramp, rtol=0, atol=5e-3)
    squared = retouch_scores.curve(lambda x: x.square(), pair.x)
    torch.testing.assert_close(squared, ramp.square(), rtol=0, atol=1e-2)
    whole = retouch_scores.with_ramp(pair.x)
    rows = pair.x.shape[-2] // retouch_scores.BAND
    assert torch.equal(whole[..., :-rows, :], pair.x[..., :-rows, :])
    assert torch.equal(whole[..., -rows:, :].amax(dim=(1, 2)), whole[..., -rows:, :].amin(dim=(1, 2)))


def test_a_small_run_has_its_tables_and_its_pictures(tmp_path: Path) -> None:
    arms = ("l2", "printed")
    chosen = {"arms": arms, "tasks": ("certain",), "device": "cpu", "say": lambda line: None}
    record = running.run("retouching", "smoke", out=tmp_path, **chosen)
    assert [(run["task"], run["arm"]) for run in record.runs] == [("certain", arm) for arm in ("input", *arms)]
    columns = list(retouch_scores.COLUMNS)
    assert record.settings["columns"] == columns
    for arm in ("input", *arms):
        assert record.scores[f"certain-{arm}-0@test"].shape == (1, len(columns))
        assert record.scores[f"certain-{arm}-0@curve"].shape == (1, retouch_scores.POINTS)
    shown = retouching.picture(record, "certain", "rocket", "l2")
    assert shown.shape == retouch_pairs.shown("rocket").x.shape
    with pytest.raises(ValueError, match="task/name/arm must be one of"):
        retouching.picture(record, "certain", "rocket", "ssim")
    again = running.run("retouching", "smoke", out=tmp_path / "two", **chosen)
    for key, table in record.scores.items():
        np.testing.assert_array_equal(table, again.scores[key])


def test_every_loss_of_a_seed_begins_at_the_same_network() -> None:
    one, two, other = (retouching.new_network(seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.summary[0].weight, other.summary[0].weight)


def test_the_search_has_a_run_for_every_step_size_and_takes_the_least_cost(tmp_path: Path) -> None:
    job = next(job for job in retouch_rates.jobs("smoke") if job.options["arm"] == "l2")
    entry, _ = retouch_rates.perform(job, Place(tmp_path, "cpu", None, lambda line: None))
    assert entry["cost"] > 0 and entry["psnr"] > 5 and not entry["ran_away"]
    assert len(retouch_rates.jobs("cpu")) == len(retouch_rates.ARMS) * len(retouch_rates.RATES)
    made = [
        {"arm": "printed", "lr": lr, "cost": cost, "ran_away": cost < 0}
        for lr, cost in ((3e-4, 2.0), (1e-3, 1.0), (3e-3, -1.0))
    ]
    alike = [arm for arm, other in retouch_rates.TAKEN.items() if other == "printed"]
    assert retouch_rates.best(made) == dict.fromkeys(["printed", *alike], 1e-3) and len(alike) == 4


def test_the_step_sizes_in_the_code_are_those_of_the_record() -> None:
    found = retouch_rates.best(load("retouch_rates-cpu").runs)
    for arm in retouch_losses.ARMS:
        assert retouching.RATES.get(arm, retouching.RATE) == found[arm]
    for run in load("retouching-cpu").runs:
        assert run["arm"] == "input" or run["lr"] == found[run["arm"]]


def test_pairs_of_your_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOSSEDU_DATA", str(tmp_path))
    with pytest.raises(DataError, match="pairs/own/input and pairs/own/expertC"):
        retouch_folders.folder()
    generator = torch.Generator().manual_seed(0)
    for number in range(5):
        picture = (255 * torch.rand(70, 90, 3, generator=generator)).byte()
        for name, pixels in (("input", picture // 2), ("expertC", picture)):
            file = tmp_path / "pairs" / "own" / name / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(png.encode(pixels.numpy()))
    x, y = retouch_pairs.batches("own", "", 64, 2, 0)(0)
    torch.testing.assert_close(x, (y * 255 / 2).floor() / 255, rtol=0, atol=1e-6)
    names = {where: [pair.name for pair in retouch_pairs.pairs("own", "", where, 0, 0)] for where in ("train", "test")}
    assert len(names["train"]) == 3 and len(names["test"]) == 1 and not set(names["train"]) & set(names["test"])
    chosen = {"tasks": ("own",), "arms": ("l2",), "device": "cpu", "say": lambda line: None}
    record = running.run("retouching", "smoke", out=tmp_path / "run", **chosen)
    assert record.settings["sets"]["test_own"] == names["test"]
    assert record.scores["own-l2-0@test_own"].shape == (1, len(retouch_scores.COLUMNS))
    with pytest.raises(ValueError, match="'own' alone"):
        retouching.jobs("smoke", tasks=("own", "moody"))
    assert "own-input-0@curve" not in record.scores and "own-l2-0@curve" in record.scores


def test_views_of_a_seed_are_tested_on_panoramas_that_it_does_not_train_on() -> None:
    from lossedu.experiments import retouch_views

    held = [retouch_views.held_out(seed) for seed in range(3)]
    assert len({name for pair in held for name in pair}) == 6
    assert retouch_views.held_out(3) == held[0]
