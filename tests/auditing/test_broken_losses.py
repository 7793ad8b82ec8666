"""Every known fault is found, under its name, with its severity, and with evidence that names the cause."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import broken_losses
import pytest
import torch
import torch.nn.functional as F
from broken_losses import BROKEN
from torch import Tensor, nn

import lossedu as le

FAULTS = list(dict.fromkeys(row[0] for row in BROKEN.values()))


@functools.cache
def audited(index: int) -> le.Report:
    return le.audit(FAULTS[index])


def found(report: le.Report, name: str) -> list[le.Finding]:
    return [finding for finding in report.findings if finding.name == name]


@pytest.mark.parametrize("case", BROKEN)
def test_fault_is_found(case: str) -> None:
    loss, name, severity, words = BROKEN[case]
    report = audited(FAULTS.index(loss))
    told = [f for f in found(report, name) if f.severity == severity]
    assert any(words in f.evidence + f.advice for f in told), report
    assert report.ok is not any(f.severity == "error" for f in report.findings)
    assert all(f.advice and f.evidence for f in report.findings)


# What else is said about a loss with one fault must not be an error, unless the table above has it.
CONSEQUENCES = {
    "value not finite",
    "size",
}


@pytest.mark.parametrize("index", range(len(FAULTS)))
def test_no_further_errors(index: int) -> None:
    known = {name for loss, name, _, _ in BROKEN.values() if loss is FAULTS[index]}
    errors = {f.name for f in audited(index).findings if f.severity == "error"}
    assert errors <= known | CONSEQUENCES, audited(index)


@pytest.mark.parametrize(
    "loss", [broken_losses.stop_gradient_weight, broken_losses.straight_through, broken_losses.Dropped()]
)
def test_deliberate_tricks_are_no_errors(loss: Any) -> None:
    report = le.audit(loss)
    assert report.ok, report


def test_the_line_that_cuts_the_graph_is_named() -> None:
    (finding,) = found(audited(FAULTS.index(broken_losses.WITH_TONE)), "dead term")
    assert "in tone_curve" in finding.evidence and "broken_losses.py" in finding.evidence
    assert "histogram_emd_loss" in finding.advice


def test_what_divides_zero_by_zero_is_named() -> None:
    (finding,) = found(audited(FAULTS.index(broken_losses.tone_curve)), "value not finite")
    assert "first in div at" in finding.evidence and "divided by 0" in finding.advice


def test_a_graph_cut_without_effect_is_not_reported() -> None:
    log: list[float] = []

    def loss(x: Tensor, y: Tensor) -> Tensor:
        value = F.mse_loss(x, y)
        log.append(value.item())
        return value

    assert le.audit(loss).ok


def test_wrong_backward_is_not_taken_for_a_dead_term_where_a_number_is_logged() -> None:
    def loss(x: Tensor, y: Tensor) -> Tensor:
        value = broken_losses.wrong_backward(x, y)
        assert value.item() >= 0
        return value

    errors = [f.name for f in le.audit(loss).findings if f.severity == "error"]
    assert errors == ["wrong gradient"]


def test_dead_term_of_a_weighted_loss_has_its_name() -> None:
    loss = le.WeightedLoss({"pixels": (1.0, le.mse_loss), "tone <curve>": (1e-6, broken_losses.tone_curve)})
    report = le.audit(loss)
    (finding,) = [f for f in found(report, "dead term") if "tone <curve>" in f.evidence]
    assert finding.severity == "error" and "weight 1e-06" in finding.evidence
    assert "gradient share" not in [f.name for f in report.findings if "pixels" not in f.evidence]


def test_shares_of_a_weighted_loss() -> None:
    report = le.audit(le.WeightedLoss({"mse": (0.5, le.mse_loss), "ssim": (0.5, le.ssim_loss)}))
    (finding,) = found(report, "gradient share")
    assert finding.severity == "info" and "ssim 99" in finding.evidence


def test_weight_zero_is_not_dead() -> None:
    report = le.audit(le.WeightedLoss({"mse": (1.0, le.mse_loss), "tone": (0.0, broken_losses.tone_curve)}))
    assert "value not finite" not in [f.name for f in report.findings if "term" in f.evidence]
    assert not [f for f in found(report, "dead term") if "'tone'" in f.evidence]


class Batches(nn.Module):
    """Whatever is called raises, now and then."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        if torch.rand(()) < 0.5:
            raise ArithmeticError("unlucky")
        return F.mse_loss(x, y)


@pytest.mark.parametrize("error", [ValueError, KeyError, RecursionError, AssertionError])
def test_no_exception_of_a_loss_gets_out(error: type[Exception]) -> None:
    def loss(x: Tensor, y: Tensor) -> Tensor:
        raise error("a < b & c")

    report = le.audit(loss)
    assert [f.name for f in report.findings] == ["crash"] and error.__name__ in report.findings[0].evidence
    assert isinstance(le.audit(Batches()), le.Report)


@pytest.mark.parametrize("limit", [40, 80, 120])
def test_a_loss_that_fails_later_on_is_still_reported(limit: int) -> None:
    calls = 0

    def loss(x: Tensor, y: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        if calls > limit:
            raise MemoryError("full")
        return F.mse_loss(x, y)

    report = le.audit(loss)
    assert any("MemoryError" in f.evidence for f in report.findings), report


def renamed(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def anything(a: Tensor, b: Tensor) -> Tensor:
        return loss(a, b)

    return anything


def test_names_do_not_matter() -> None:
    for loss in (broken_losses.gmsd, broken_losses.detached_term):
        one, other = audited(FAULTS.index(loss)), le.audit(renamed(loss))
        assert [(f.name, f.severity) for f in one.findings] == [(f.name, f.severity) for f in other.findings]


@pytest.mark.parametrize("peak", [255.0, 4095.0, 65535.0])
def test_a_range_of_one_under_larger_images_is_found(peak: float) -> None:
    y = peak * torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    (finding,) = found(le.audit(le.ssim_loss, y=y), "data range")
    assert finding.severity == "warning" and f"data_range={peak:g}" in finding.advice


def test_a_range_too_large_for_the_images_is_found() -> None:
    y = 255 * torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    (finding,) = found(le.audit(lambda a, b: le.ssim_loss(a, b, data_range=65535.0), y=y), "data range")
    assert "larger values than your images hold" in finding.advice


def test_a_loss_with_a_memory_is_told_of_its_memory_only() -> None:
    names = {f.name for f in audited(FAULTS.index(BROKEN["counts calls"][0])).findings}
    assert "state between calls" in names and not names & {"training mode", "asymmetry", "channel order"}


def test_a_stretched_comparison_is_not_called_grey() -> None:
    names = {f.name for f in audited(FAULTS.index(broken_losses.stretched)).findings}
    assert not names & {"grey images only", "Python warnings"}


def test_a_mean_colour_is_not_sent_to_a_larger_window() -> None:
    names = {f.name for f in audited(FAULTS.index(broken_losses.mean_colour)).findings}
    assert "blind to low frequencies" not in names


@pytest.mark.parametrize("loss", [broken_losses.angle, broken_losses.largest_weight, broken_losses.LOGARITHM])
def test_what_is_not_finite_is_not_called_harmless(loss: Any) -> None:
    report = audited(FAULTS.index(loss))
    assert not found(report, "not zero at the optimum") and not found(report, "index as a loss")


def test_what_rewards_an_error_is_not_called_blind() -> None:
    report = audited(FAULTS.index(broken_losses.MISCAST))
    assert not [f for f in report.findings if "blind" in f.name]


def test_an_optimum_elsewhere_is_not_called_harmless() -> None:
    for name in ("skewed crop", "logits", "sigmoid", "range of tanh", "one letter"):
        report = audited(FAULTS.index(broken_losses.BROKEN[name][0]))
        assert "Harmless" not in "".join(f.advice for f in report.findings), report


def test_what_is_no_number_is_not_compared() -> None:
    # The pair whose values are compared holds numbers below 0: "batch: neither mean nor sum, nan" would be no news.
    names = {f.name for f in le.audit(lambda x, y: ((x - 0.03).log() - (y - 0.03).log()).square().mean()).findings}
    assert "value not finite" in names and not names & {"batch", "asymmetry", "channel order"}


def test_an_ignored_image_is_not_called_pooling() -> None:
    report = le.audit(lambda x, y: F.mse_loss(x[0], y[0]))
    assert found(report, "an image is ignored")
    assert not found(report, "batch")
