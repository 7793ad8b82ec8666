"""Pyramid against sigma trick: rank correlations, the damage that is ranked, and the contest of speed."""

from __future__ import annotations

import functools
import json
import math
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import noisy, photo
from scipy import stats
from torch import Tensor

import lossedu as le
from lossedu.experiments import distortions, loss_speed, ms_ssim_forms
from lossedu.experiments.ms_ssim_forms import COLUMNS, INDICES, agreement, patches, pictures
from lossedu.experiments.ranks import kendall, ranks, spearman
from lossedu.sweeps import Place
from lossedu.sweeps.job import check

RNG = np.random.default_rng(0)
PLACE = Place(Path(__file__).parent, "cpu", None, print)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [2, 3, 40])
def test_correlations_are_those_of_scipy(ties: bool, n: int) -> None:
    for _ in range(5):
        a, b = RNG.normal(size=(2, n))
        if ties:
            a, b = np.round(a), np.round(b + a)
        assert ranks(a).tolist() == stats.rankdata(a).tolist()
        with warnings.catch_warnings(action="ignore"):  # scipy warns where a row is constant
            expected = stats.spearmanr(a, b).statistic, stats.kendalltau(a, b).statistic
        assert (spearman(a, b), kendall(a, b)) == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_kendall_over_some_of_the_pairs() -> None:
    a, b = RNG.normal(size=(2, 12))
    counted = RNG.random((12, 12)) < 0.5
    counted &= counted.T
    pairs = [(i, j) for i in range(12) for j in range(i) if counted[i, j]]
    agree = sum(math.copysign(1, (a[i] - a[j]) * (b[i] - b[j])) for i, j in pairs)
    assert kendall(a, b, counted) == pytest.approx(agree / len(pairs))
    assert kendall(a, b, np.ones((12, 12), dtype=bool)) == kendall(a, b)
    assert math.isnan(kendall(a, b, np.zeros((12, 12), dtype=bool)))


def test_correlations_of_what_has_no_order() -> None:
    assert math.isnan(spearman(np.ones(4), np.arange(4.0)))
    assert math.isnan(kendall(np.ones(4), np.arange(4.0)))
    with pytest.raises(ValueError, match=r"two rows of equally many numbers, got shapes \(3,\) and \(4,\)"):
        spearman(np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match="must be finite"):
        kendall(np.array([1.0, math.nan]), np.ones(2))


def test_damage_grows_with_its_strength() -> None:
    clean = photo("coffee", 48, top=150, left=280).float()
    x = distortions.damaged(clean, seed=1)
    kinds = np.array(distortions.names())
    assert x.shape == (45, 3, 48, 48)
    assert x.min() >= 0 and x.max() <= 1
    psnr = le.metrics.psnr(x, clean.expand_as(x), reduction="none").numpy()
    for kind in distortions.KINDS:
        values = psnr[kinds == kind]
        assert (np.diff(values) < 0).all(), f"{kind}: {values}"
        assert values[0] - values[-1] > 8, f"{kind}: {values}"
        assert values[0] > 28 and 8 < values[-1] < 31, f"{kind}: {values}"


def test_tones_go_where_they_should() -> None:
    clean = photo("coffee", 48, top=150, left=280).float()
    x, kinds = distortions.damaged(clean), np.array(distortions.names())
    means = {kind: x[torch.from_numpy(kinds == kind)].mean(dim=(1, 2, 3)) - clean.mean() for kind in distortions.KINDS}
    assert (means["brightness"] > 0.005).all()
    assert (means["gamma"] < -0.005).all()
    assert means["contrast"].abs().max() < 1e-4


def test_damage_is_seeded_and_can_be_thinned() -> None:
    clean = photo(size=32).float()
    x, same, other = (distortions.damaged(clean, seed=seed) for seed in (3, 3, 4))
    drawn = np.array([kind in ("noise", "grain", "sensor") for kind in distortions.names()])
    assert torch.equal(x, same)
    assert [not torch.equal(a, b) for a, b in zip(x, other, strict=True)] == drawn.tolist()
    grain = torch.stack([x[place] - clean[0] for place in (5, 6)]).flatten(1)  # two strengths, each drawn anew
    assert torch.corrcoef(grain)[0, 1].abs() < 0.3
    few = distortions.damaged(clean, strengths=2, seed=3)
    assert len(few) == len(distortions.names(2)) == 18
    assert torch.equal(few[:2], x[[0, 2]])


def test_patches_cover_the_picture() -> None:
    x = torch.arange(61.0 * 46).view(1, 1, 61, 46).expand(2, 3, -1, -1)
    cut = patches(x)
    assert cut.shape == (2 * 3 * 2, 3, 31, 31)
    assert torch.equal(cut[0], x[0, :, :31, :31])
    assert torch.equal(cut[-1], x[1, :, 30:61, 15:46])


@functools.cache
def pair() -> tuple[Tensor, Tensor]:
    y = photo("astronaut", 165, top=20, left=100)[:, :1]
    return torch.cat([noisy(y, 0.05), noisy(y, 0.1), y]).float(), y.float().expand(3, -1, -1, -1)


@pytest.mark.parametrize("arm", INDICES)
def test_every_index_judges_each_picture_by_itself(arm: str) -> None:
    x, y = pair()
    found = INDICES[arm](x, y)
    assert found.shape == (3,)
    assert found[2] > found[0] > found[1]
    assert found[0].item() == pytest.approx(INDICES[arm](x[:1], y[:1]).item(), rel=1e-5)


def test_what_the_indices_are() -> None:
    x, y = pair()
    scores = [
        le.ms_ssim_sigma(x[:1, :, i : i + 31, j : j + 31], y[:1, :, i : i + 31, j : j + 31], form="patch").item()
        for i in range(0, 135, 15)
        for j in range(0, 135, 15)
    ]
    assert INDICES["ms_ssim"](x[:1], y[:1]).item() == pytest.approx(sum(scores) / len(scores), rel=1e-5)
    assert ms_ssim_forms.REFERENCE(x, y)[0].item() == pytest.approx(le.ms_ssim(x[:1], y[:1]).item())
    # The exponents of Wang are below 1 and their factors too, so exponents 1 are harsher.
    assert INDICES["ms_ssim_pyramid_1"](x, y)[0] < ms_ssim_forms.REFERENCE(x, y)[0] - 0.1


def test_agreement_apart_from_what_is_trivial() -> None:
    """Two kinds of three strengths: in the right order within each, and in the wrong one between them."""
    kinds = np.array(["a"] * 3 + ["b"] * 3)
    reference = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    ours = np.array([0.6, 0.5, 0.4, 0.9, 0.8, 0.7])
    decibels = np.array([40.0, 39.5, 30.0, 30.5, 20.0, 10.0])
    rho, tau, across, close = agreement(ours, reference, decibels, kinds)
    assert across == -1
    assert tau == pytest.approx((6 - 9) / 15)
    assert rho == pytest.approx(stats.spearmanr(ours, reference).statistic)
    assert close == -1  # 30 and 30.5 dB; 40 and 39.5 dB are of one kind
    assert agreement(reference, reference, decibels, kinds) == [1, 1, 1, 1]
    assert math.isnan(agreement(ours, reference, np.arange(6) * 10.0, kinds)[3])


def test_pictures_are_large_enough_for_the_pyramid() -> None:
    found = dict(pictures("embedded"))
    assert set(found) == {"rocket", "astronaut", "chelsea", "coffee"}
    for picture in found.values():
        assert min(picture.shape[2:]) >= 161
    assert found["chelsea"].shape == (1, 3, 161, 225)
    assert torch.equal(found["chelsea"][:, :, 150], found["chelsea"][:, :, 148])


def test_ranking_from_job_to_entry() -> None:
    jobs = ms_ssim_forms.jobs("smoke")
    check(jobs)
    assert len(jobs) == len(INDICES) + sum(len(arms) for arms in loss_speed.TASKS.values())
    found = {}
    for job in ms_ssim_forms.jobs("smoke", tasks=("rank",), arms=("ms_ssim_dense", "ms_ssim_pyramid_1", "psnr")):
        entry, arrays = ms_ssim_forms.perform(job, PLACE)
        assert json.loads(json.dumps(entry, allow_nan=False)) == entry
        assert arrays["test"].shape == (1, len(COLUMNS))
        assert arrays["test"][0, 0] == pytest.approx(entry["spearman"], abs=1e-6)
        assert entry["spearman_interval"] is None  # one picture says nothing about spread
        assert entry["pooled_spearman"] == pytest.approx(entry["spearman"])
        assert entry["kinds"] == dict.fromkeys(distortions.KINDS, 1.0)
        found[entry["arm"]] = entry
    assert 1 > found["ms_ssim_pyramid_1"]["across"] > found["ms_ssim_dense"]["across"] > found["psnr"]["across"]
    said = ms_ssim_forms.describe(job.options)
    assert said["sets"] == {"test": ["rocket"]}
    assert said["columns"] == list(COLUMNS)


def test_turns_alternate_and_the_first_ones_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    ticks = iter(range(100))
    monkeypatch.setattr(loss_speed.time, "process_time", lambda: float(next(ticks)))
    seconds = loss_speed.interleaved([lambda: done.append("a"), lambda: done.append("b")], 3, "cpu")
    assert seconds == [[1.0] * 3, [1.0] * 3]
    assert "".join(done[4:]) in ("abbaab", "baabba")
    assert len(done) == 2 * (2 + 3)


def test_speed_from_job_to_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([*range(24)] * 2)
    monkeypatch.setattr(loss_speed.time, "process_time", lambda: float(next(clock)))
    tasks = {"patches_16": 15376 / 25921}
    for job in ms_ssim_forms.jobs("smoke", tasks=tasks):
        entry, arrays = ms_ssim_forms.perform(job, PLACE)
        assert arrays == {}
        # Both took a second; ours for fewer pixels.
        assert entry["ms"] == entry["ms_pyramid"] == 1000
        assert entry["ratio"] == pytest.approx(1 / tasks[entry["task"]], abs=1e-4)
        assert entry["ratio_quartiles"] == [entry["ratio"]] * 2


@pytest.mark.parametrize("arm", loss_speed.TASKS["step_64"])
def test_a_step_of_training_is_timed(arm: str) -> None:
    found = loss_speed.compare("step_64", arm, repeats=2, width=1, seed=0, device="cpu")
    assert found["pixels"] == found["pixels_pyramid"] == 248 * 248
    low, high = found["ratio_quartiles"]
    assert 0 < low <= found["ratio"] <= high


def test_one_window_a_patch_is_faster_than_the_pyramid() -> None:
    """Some fifteen times faster on a quiet machine; the dense form on the same patches is slower."""
    ratio = {
        arm: loss_speed.compare("patches_64", arm, repeats=3, width=1, seed=0, device="cpu")["ratio"]
        for arm in loss_speed.TASKS["patches_64"]
    }
    assert ratio["ms_ssim"] < 0.7
    assert ratio["ms_ssim_dense"] > 1.5


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match="scale must be one of"):
        ms_ssim_forms.jobs("huge")
    with pytest.raises(ValueError, match="arm must be one of 'ms_ssim_dense', got 'ssim'"):
        loss_speed.compare("map_256", "ssim", repeats=2, width=1, seed=0, device="cpu")
