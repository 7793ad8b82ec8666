"""Histogram losses on one channel: curves, conditions, gradients by pixel, and steps."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import lossedu as le
from lossedu.experiments import running, tone_curves, tone_fit, tone_gradients, tone_steps
from lossedu.experiments.tone_curves import CONDITIONS, WIDTH, Condition, channel, curve, fit
from lossedu.experiments.tone_steps import STARTS, arrivals, broken_line, comparison, descend, increments


def ramp(pixels: int = 128, rows: int = 1) -> Tensor:
    return ((torch.arange(pixels, dtype=torch.float64) + 0.5) / pixels).expand(rows, -1)


def with_black(share: float = 0.25, pixels: int = 128) -> Tensor:
    return ((ramp(pixels) - share) / (1 - share)).clamp(min=0)


def test_a_channel_has_the_black_that_was_asked_for() -> None:
    photograph = torch.linspace(0, 1, 3 * 40 * 50).view(3, 40, 50)[None]
    for condition in CONDITIONS.values():
        x = channel(photograph, condition, 200)
        assert x.shape == (200,) and bool((x.diff() >= 0).all()) and float(x.max()) <= 1
        assert float((x == 0).float().mean()) == pytest.approx(condition.black, abs=0.011) or condition.coded
        if condition.coded:
            torch.testing.assert_close(255 * x, (255 * x).round())
        assert torch.equal(x, channel(photograph, condition, 200))
    plain = channel(photograph, Condition(light=1.0), 200)
    expected = photograph[:, 1].flatten().sort().values[(10 * torch.arange(200)) + 5]
    torch.testing.assert_close(plain, expected, atol=1.5 / 255, rtol=0)


def test_the_curve_of_a_black_pixel_is_its_lift_whatever_gamma_and_gain() -> None:
    x = torch.tensor([[0.0, 0.25, 1.0]], dtype=torch.float64)
    parameters = torch.tensor([[0.5, 0.8, 0.1]], dtype=torch.float64, requires_grad=True)
    z = curve(x, parameters)
    assert z.tolist() == [pytest.approx([0.1, 0.5, 0.9])]
    (slope,) = torch.autograd.grad(z[0, 0], parameters)
    assert slope.tolist() == [[0.0, 0.0, 1.0]]  # finite: 0^gamma has no slope here


@pytest.mark.parametrize("arm", ["plain", "mirror", "linear", "sort", "l2"])
def test_distances_are_those_of_the_library(arm: str) -> None:
    y = ramp(64) ** 0.6
    x = (ramp(64) - 0.1).requires_grad_()
    options = {"plain": {"mirror": False}, "mirror": {"mirror": True}}.get(arm, {})
    if arm == "l2":
        expected = (x.clamp(0, 1) - y).square().mean()
    else:
        kernel = "logistic" if options else arm
        images = (z.view(1, 1, 1, -1) for z in (x.clamp(0, 1), y))
        expected = le.histogram_emd_loss(*images, kernel=kernel, bandwidth=WIDTH if options else None, **options)
    found = tone_curves.distance(y, arm)(x)
    assert found.shape == (1,) and float(found.detach()) == pytest.approx(float(expected.detach()), rel=1e-9)
    slopes = [torch.autograd.grad(one.sum(), x)[0] for one in (found, expected)]
    torch.testing.assert_close(*slopes, rtol=1e-7, atol=1e-12)


def test_the_printed_kernel_is_the_plain_one_inside_the_range_and_counts_what_is_outside() -> None:
    inside = ramp(50)
    printed, plain = (tone_curves.cumulative(inside, arm) for arm in ("printed", "plain"))
    torch.testing.assert_close(printed, plain)
    edges = np.arange(257) / 256
    naive = np.array([[1 / (1 + math.exp(-(e - p) / 0.01)) for p in (-0.02, 0.5)] for e in edges]).mean(axis=1)
    pixels = torch.tensor([[-0.02, 0.5]], dtype=torch.float64)
    np.testing.assert_allclose(tone_curves.printed_cumulative(pixels, 0.01)[0], naive[1:] - naive[0], atol=1e-12)


def test_a_lift_is_what_leads_the_plain_kernel_astray() -> None:
    """Gain and gamma alone leave black where it is, in both histograms; then half of it is lost in both alike."""
    x, black = with_black(), Condition(black=0.25)
    assert float((x == 0).double().mean()) == 0.25
    lifted = black._replace(lift=True)
    for arm in ("plain", "mirror", "linear", "sort"):
        parameters, error = fit(x, black, arm, 300)
        assert parameters[0].tolist() == pytest.approx([0.6, 1.0, 0.0], abs=0.01), arm
        assert float(error) < 0.2
    assert float(fit(x, lifted, "plain", 300)[1]) > 1.0
    assert float(fit(x, lifted, "mirror", 300)[1]) < 0.2
    assert float(fit(x, black._replace(guard=1e-3), "plain", 300)[1]) > 5.0  # black of the output is not the target's


def test_gradients_of_a_picture_whose_kernel_is_wide_enough_are_of_one_sign() -> None:
    y = ramp(4096).view(1, 1, 64, 64)
    found = dict(zip(tone_gradients.COLUMNS, tone_gradients.survey(y, tone_gradients.READINGS["0.4"]), strict=True))
    assert found["continuous above 1e-06"] == 1.0
    assert found["continuous mean"] == pytest.approx(-256, rel=0.05)  # darker than its target everywhere
    sharp = dict(zip(tone_gradients.COLUMNS, tone_gradients.survey(y, tone_gradients.READINGS["0.001"]), strict=True))
    width = 0.001 / 256
    expected = 2 * 0.001 * math.log(1 / (width * 1e-6))
    assert sharp["continuous above 1e-06"] == pytest.approx(expected, abs=0.02)
    assert sharp["continuous max"] <= 1 / (4 * width) * 1.001
    assert tone_gradients.statistics(torch.tensor([0.0, -2.0, 1e-4, 0.0])) == pytest.approx(
        [0.5, 0.25, -0.5, 2.0, 1.0], 1e-3
    )


def test_a_plain_kernel_pushes_black_pixels_out_of_the_range() -> None:
    y = ramp(256).view(1, 1, 16, 16)
    x = (y**2).clone()
    x[..., 0, :] = 0
    slopes = []
    for name in ("0.4", "0.4_plain"):
        z = x.clone().requires_grad_()
        loss = 256 * le.histogram_emd_loss(z, y, **tone_gradients.READINGS[name])
        slopes.append(256 * torch.autograd.grad(loss, z)[0][0, 0, 0, 0])
    assert slopes[0] == pytest.approx(0.0, abs=1e-6) and slopes[1] > 1e4


def test_curves_of_eight_pieces() -> None:
    x = torch.tensor([[0.0, 0.0625, 0.125, 0.5, 1.0]], dtype=torch.float64)
    assert broken_line(x, torch.zeros(1, 8, dtype=torch.float64)).tolist() == [x[0].tolist()]
    bent = broken_line(x, increments(0.5)[None])
    assert bent.tolist() == [pytest.approx([0.0, math.sqrt(0.125) / 2, math.sqrt(0.125), math.sqrt(0.5), 1.0])]


@pytest.mark.parametrize("kernel", ["logistic", "linear"])
def test_all_losses_see_the_same_histograms(kernel: str) -> None:
    x, y = ramp(300) ** 2, ramp(300)
    options = {"kernel": kernel, "bandwidth": WIDTH if kernel == "logistic" else None}
    one, other = (le.soft_histogram(z.view(1, 1, 1, -1), **options)[0, 0] for z in (x, y))
    for loss, expected in (
        ("cdf", (one.cumsum(0) - other.cumsum(0)).abs().mean()),
        ("bins_l1", (one - other).abs().mean()),
        ("bins_l2", (one - other).square().mean()),
    ):
        assert float(comparison(y, f"{loss}_{kernel}")(x)) == pytest.approx(float(expected), rel=1e-9)
    assert float(tone_steps.exact(x, y)) == pytest.approx(float((x - y).abs().mean()))


def test_arrivals_are_steps_from_which_on_it_stays() -> None:
    path = torch.tensor([[1.0, 0.5, 0.05, 0.2], [1.0, 0.9, 0.08, 0.07], [1.0, 0.9, 0.8, 0.7]])
    assert arrivals(path, 0.1 * path[:, 0]).tolist() == [3, 2, 3]  # the first passed by, the last was never there
    assert arrivals(path, 0.5).tolist() == [1, 2, 3] and arrivals(path, 2.0).tolist() == [0, 0, 0]


def test_histograms_that_lie_apart_leave_bins_without_a_direction() -> None:
    x = ramp(256)
    path = {arm: descend(x, arm, STARTS["apart"], 0.1, 60)[0] for arm in ("cdf_linear", "bins_l1_linear")}
    assert path["cdf_linear"][-1] < 0.1 * path["cdf_linear"][0] < path["bins_l1_linear"][-1]
    assert tone_steps.tune(x, "cdf_linear", STARTS["apart"], 60, (1e-6, 0.1))[0] == 60.0


def test_jobs_and_scales() -> None:
    names = [job.name for job in tone_fit.jobs("cpu")]
    assert len(set(names)) == len(names) and "black_lift-printed-0" in names and "dark-printed-0" not in names
    assert [job.name for job in tone_fit.jobs("smoke", tasks=("dark",), arms=("sort", "cdf_linear"))] == ["dark-sort-0"]
    assert set(tone_fit.TASKS) == {"gradient", *CONDITIONS, *STARTS}


def test_a_whole_run(tmp_path: Path) -> None:
    tasks, arms = ("gradient", "black_lift", "near"), ("0.4", "plain", "sort", "cdf_linear")
    record = running.run(
        "tone_fit", "smoke", out=tmp_path, tasks=tasks, arms=arms, device="cpu", say=lambda line: None
    )  # fmt: skip
    assert [run["job"] for run in record.runs] == [
        *("black_lift-plain-0", "black_lift-sort-0", "gradient-0.4-0", "gradient-sort-0", "near-cdf_linear-0"),
    ]
    for run in record.runs:
        assert record.scores[f"{run['job']}@test"].shape == (1, len(run["columns"]))  # one photograph
    assert record.runs[-1]["lr"] in tone_steps.RATES and len(record.runs[-1]["course"]) == 4
    assert record.settings["conditions"]["black_lift"]["lift"] and len(record.settings["pictures_of"]["tuning"]) == 1
