"""Model solutions pass, typical mistakes fail and are called by their name, and no answer makes a check crash."""

from __future__ import annotations

import base64
import functools
import io
import itertools
import math
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import chapter_solutions
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import lossedu as le
from lossedu import check
from lossedu.check.examination import Examination
from lossedu.check.numbers import near, recognise, short, two_numbers
from lossedu.filters import correlate, correlate_adjoint, gaussian_window

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("skimage")

solutions = chapter_solutions.solutions("ch03")

FUNCTIONS = (
    "ssim_at_centre",
    "luminance_gradient",
    "contrast_structure_gradient",
    "ssim_gradient",
    "level_under_doubt",
    "stable_variance",
)


@functools.cache
def reference() -> Tensor:
    return le.data.crop(le.data.photograph("camera"), 90, 200, 96)


@functools.cache
def extremes() -> tuple[Tensor, Tensor]:
    return solutions.walk(reference(), -1), solutions.walk(reference(), +1)


def hints(verdict: check.Verdict) -> str:
    return " | ".join(item.hint for item in verdict.failures)


# --- the model solutions


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_model_solution_passes(name: str) -> None:
    verdict = getattr(check, name)(getattr(solutions, name))
    assert verdict.passed, verdict
    assert bool(verdict) and not verdict.failures and len(verdict.properties) >= 5
    assert repr(verdict).startswith(f"check.{name}: passed, all")


def test_the_other_model_solutions_pass() -> None:
    assert check.price_order(solutions.order).passed
    assert check.splotch(solutions.sell_splotch()).passed
    assert check.splotch(solutions.sell_splotch(sigma=9), sigma=9).passed
    verdict = check.equal_psnr(*extremes(), reference())
    assert verdict.passed, verdict


def loops(x: Tensor, y: Tensor) -> Tensor:
    """The gradient of the loss window by window, as a reader may write it first."""
    total, windows = torch.zeros_like(x), 0
    for i in range(x.shape[-2] - 10):
        for j in range(x.shape[-1] - 10):
            part = (..., slice(i, i + 11), slice(j, j + 11))
            dl = solutions.luminance_gradient(x[part], y[part], 1.5)
            dcs = solutions.contrast_structure_gradient(x[part], y[part], 1.5)
            G = solutions.window(11, 1.5)
            mu_x, mu_y = (G * x[part]).sum(), (G * y[part]).sum()
            l = (2 * mu_x * mu_y + 1e-4) / (mu_x**2 + mu_y**2 + 1e-4)
            total[part] -= dl * solutions.ssim_at_centre(x[part], y[part], 1.5) / l + l * dcs
            windows += 1
    return total / windows


def by_autograd(x: Tensor, y: Tensor) -> Tensor:
    x.requires_grad_()
    return torch.autograd.grad(le.ssim_loss(x, y), x)[0]


@pytest.mark.parametrize("answer", [loops, by_autograd, le.ssim_grad])
def test_other_ways_to_the_gradient_pass_as_well(answer: Callable[..., Any]) -> None:
    verdict = check.ssim_gradient(answer)
    assert verdict.passed, verdict


def test_a_full_wave_passes_as_a_splotch_too() -> None:
    row = 0.045 * math.sqrt(2) * torch.sin(2 * math.pi * torch.arange(128) / 128) / math.sqrt(1.75)
    assert check.splotch(0.5 + row.expand(1, 1, 128, 128)).passed


# --- typical mistakes, by name


def moments(x: Tensor, y: Tensor, sigma: float) -> dict[str, Tensor]:
    G = solutions.window(x.shape[-1], sigma)
    mu_x, mu_y = (G * x).sum(), (G * y).sum()
    return {
        "G": G,
        "mu_x": mu_x,
        "mu_y": mu_y,
        "var": (G * (x - mu_x) ** 2).sum() + (G * (y - mu_y) ** 2).sum(),
        "cov": (G * (x - mu_x) * (y - mu_y)).sum(),
    }


def ssim_with(c1: float = 1e-4, c2: float = 9e-4, sample: bool = False) -> Callable[..., Tensor]:
    def wrong(x: Tensor, y: Tensor, sigma: float) -> Tensor:
        m = moments(x, y, sigma)
        n = x.numel() / (x.numel() - 1) if sample else 1.0
        l = (2 * m["mu_x"] * m["mu_y"] + c1) / (m["mu_x"] ** 2 + m["mu_y"] ** 2 + c1)
        return l * (2 * n * m["cov"] + c2) / (n * m["var"] + c2)

    return wrong


def ssim_unnormalised(x: Tensor, y: Tensor, sigma: float) -> Tensor:
    d = torch.arange(x.shape[-1]) - x.shape[-1] // 2
    row = torch.exp(-(d**2) / (2 * sigma**2)).double()
    G = torch.outer(row, row)
    mu_x, mu_y = (G * x).sum(), (G * y).sum()
    var = (G * x * x).sum() - mu_x**2 + (G * y * y).sum() - mu_y**2
    cov = (G * x * y).sum() - mu_x * mu_y
    return (2 * mu_x * mu_y + 1e-4) / (mu_x**2 + mu_y**2 + 1e-4) * (2 * cov + 9e-4) / (var + 9e-4)


def ssim_unweighted(x: Tensor, y: Tensor, sigma: float) -> Tensor:
    cov = ((x - x.mean()) * (y - y.mean())).sum() / (x.numel() - 1)
    l = (2 * x.mean() * y.mean() + 1e-4) / (x.mean() ** 2 + y.mean() ** 2 + 1e-4)
    return l * (2 * cov + 9e-4) / (x.var() + y.var() + 9e-4)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (ssim_with(c1=0.01, c2=0.03), "not squared"),
        (ssim_with(c1=2.55**2, c2=7.65**2), "data range 255"),
        (ssim_with(sample=True), "N/(N-1) variance: sample instead of population"),
        (ssim_unweighted, "every pixel has the same weight"),
        (ssim_unnormalised, "forgot to normalise the window"),
        (lambda x, y, sigma: 1 - solutions.ssim_at_centre(x, y, sigma), "this is the loss"),
        (lambda x, y, sigma: -solutions.ssim_at_centre(x, y, sigma), "sign is wrong"),
    ],
)
def test_wrong_transcriptions_of_ssim(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.ssim_at_centre(answer)
    assert not verdict.passed
    assert hint in hints(verdict), verdict


@pytest.mark.parametrize("name", ["luminance_gradient", "contrast_structure_gradient"])
@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda g, **_: -g, "wrong sign"),
        (lambda g, **_: g / 2, "factor 2 is missing"),
        (lambda g, other, **_: other, "in y instead of x"),
        (lambda g, weights, **_: g / weights, "the weight G"),
        (lambda g, **_: 3 * g, "every value is 3 times the right one"),
        (lambda g, **_: g.sum(), "one for each pixel of x"),
    ],
)
def test_wrong_gradients_of_a_patch(name: str, change: Callable[..., Tensor], hint: str) -> None:
    right = getattr(solutions, name)

    def wrong(x: Tensor, y: Tensor, sigma: float) -> Tensor:
        weights = solutions.window(x.shape[-1], sigma)
        return change(right(x, y, sigma), other=right(y, x, sigma), weights=weights)

    verdict = getattr(check, name)(wrong)
    assert not verdict.passed
    assert hint in hints(verdict), verdict


def test_one_cause_gets_one_hint() -> None:
    assert [item.hint for item in check.ssim_at_centre(ssim_unnormalised).failures if item.hint] == [
        "forgot to normalise the window: its weights must sum to 1"
    ]


def patch_slip(term: str, *, factor: bool = True, plain: bool = False, c: float | None = None) -> Callable[..., Tensor]:
    """(3.9) or (3.10) as a reader writes it, with one slip."""

    def wrong(x: Tensor, y: Tensor, sigma: float) -> Tensor:
        m = moments(x, y, sigma)
        if plain:
            m |= {"mu_x": x.mean(), "mu_y": y.mean()}
        mu_x, mu_y = m["mu_x"], m["mu_y"]
        if term == "l":
            c1 = c or 1e-4
            below = mu_x**2 + mu_y**2 + c1
            l = (2 * mu_x * mu_y + c1) / below if factor else 1.0
            return (2 * m["G"] * (mu_y - l * mu_x) / below).reshape(x.shape)
        c2 = c or 9e-4
        var, cov = m["var"], m["cov"]
        if plain:
            var, cov = x.var(correction=0) + y.var(correction=0), ((x - mu_x) * (y - mu_y)).mean()
        below = var + c2
        cs = (2 * cov + c2) / below if factor else 1.0
        return 2 * m["G"] * ((y - mu_y) - cs * (x - mu_x)) / below

    return wrong


def swapped(answer: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda x, y, sigma: answer(y, x, sigma)


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("luminance_gradient", patch_slip("l", factor=False), "l multiplies mu_x"),
        ("luminance_gradient", patch_slip("l", c=9e-4), "C2 = 0.03^2 where C1"),
        ("luminance_gradient", patch_slip("l", plain=True), "weighted means"),
        ("luminance_gradient", swapped(patch_slip("l")), "in y instead of x"),
        ("luminance_gradient", swapped(patch_slip("l", factor=False)), "l multiplies mu_x, and x and y are swapped"),
        ("contrast_structure_gradient", patch_slip("cs", factor=False), "cs multiplies (x - mu_x)"),
        ("contrast_structure_gradient", patch_slip("cs", c=1e-4), "C1 = 0.01^2 where C2"),
        ("contrast_structure_gradient", patch_slip("cs", plain=True), "weighted with G"),
        ("contrast_structure_gradient", swapped(patch_slip("cs")), "in y instead of x"),
    ],
)
def test_slips_in_the_gradients_of_a_patch(name: str, answer: Callable[..., Any], hint: str) -> None:
    verdict = getattr(check, name)(answer)
    (told,) = [item.hint for item in verdict.failures if item.hint]
    assert hint in told, verdict


def test_means_that_were_not_subtracted() -> None:
    def wrong(x: Tensor, y: Tensor, sigma: float) -> Tensor:
        m = moments(x, y, sigma)
        cs = (2 * m["cov"] + 9e-4) / (m["var"] + 9e-4)
        return 2 * m["G"] * (y - cs * x) / (m["var"] + 9e-4)

    verdict = check.contrast_structure_gradient(wrong)
    assert verdict.failures[0].name == "sums to 0"
    assert "subtract both means" in hints(verdict)


def with_slopes(spread: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """The model solution with another way back from windows to pixels."""

    def wrong(x: Tensor, y: Tensor) -> Tensor:
        g = gaussian_window(1.5)
        mu_x, mu_y = correlate(x, g), correlate(y, g)
        below_l = mu_x**2 + mu_y**2 + 1e-4
        below_cs = correlate(x * x, g) - mu_x**2 + correlate(y * y, g) - mu_y**2 + 9e-4
        l = (2 * mu_x * mu_y + 1e-4) / below_l
        cs = (2 * (correlate(x * y, g) - mu_x * mu_y) + 9e-4) / below_cs
        a, b = l / below_cs, -l * cs / below_cs
        rest = cs * (mu_y - mu_x * l) / below_l - a * mu_y - b * mu_x
        return -2 * (spread(rest, g) + y * spread(a, g) + x * spread(b, g)) / l.numel()

    return wrong


def blurred(u: Tensor, g: Tensor) -> Tensor:
    return F.pad(le.gaussian_blur(u, 1.5), (5, 5, 5, 5), mode="replicate")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, y: -le.ssim_grad(x, y), "wrong sign"),
        (lambda x, y: le.ssim_grad(x, y) / 2, "factor 2 is missing"),
        (lambda x, y: le.ssim_grad(x, y) * 16 * 20, "sum instead of mean"),
        (lambda x, y: le.ssim_grad(x, y) * 16 * 20 / x.numel(), "1/N counts pixels"),
        (lambda x, y: le.ssim_grad(y, x), "in y instead of x"),
        (lambda x, y: le.ssim_grad(x, y, data_range=255), "data range 255"),
        (lambda x, y: le.ssim_grad(x, y, k1=0.1, k2=0.03**0.5), "not squared"),
        (with_slopes(blurred), "blur instead of its adjoint at the border"),
        (lambda x, y: le.ssim_grad(x, y)[..., 5:-5, 5:-5], "the adjoint of the blur brings it back"),
        (le.ssim_loss, "this is one number"),
        (lambda x, y: le.ssim_grad(x, y)[0, 0], "the leading axes are missing: end with .reshape(1, 1, 26, 30)"),
        (lambda x, y: le.ssim_grad(x, y).float(), "float32 or less"),
        (lambda x, y: le.ssim_grad(x, y) / 0, "division by 0"),
        (lambda x, y: le.ssim_grad(x, y).numpy(), "torch.from_numpy"),
        (lambda x, y: None, "no return"),
    ],
)
def test_wrong_gradients_of_the_loss(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.ssim_gradient(answer)
    assert not verdict.passed
    assert hint in hints(verdict), verdict


def test_correlate_in_place_of_its_adjoint_is_recognised() -> None:
    (failure,) = check.ssim_gradient(with_slopes(correlate)).failures
    assert failure.name == "runs" and failure.seen.startswith("RuntimeError: The size of tensor")
    assert "its adjoint, correlate_adjoint, grows it back to the size of the image" in failure.hint
    (other,) = check.ssim_gradient(lambda x, y: x * torch.ones(11, 11)).failures
    assert "must match" in other.seen and other.hint == ""


def test_a_blur_at_the_border_is_right_inside() -> None:
    assert check.ssim_gradient(with_slopes(correlate_adjoint)).passed
    failures = check.ssim_gradient(with_slopes(blurred)).failures
    assert [item.name for item in failures if "photograph" in item.name] == [
        "value on a photograph with noise, at the border"
    ]


@pytest.mark.parametrize(
    ("order", "name"),
    [
        (["grain", "ripple", "splotch", "shift"], "cheapest first"),
        (["splotch", "shift", "ripple", "grain"], "cheapest first"),
        (["shift", "ripple", "splotch", "grain"], "cheapest first"),
        (["shift", "splotch"], "names each error once"),
        (["shift", "shift", "ripple", "grain"], "names each error once"),
        ([], "names each error once"),
    ],
)
def test_wrong_orders(order: list[str], name: str) -> None:
    assert check.price_order(order).failures[0].name == name


@pytest.mark.parametrize("order", list(itertools.permutations(["shift", "splotch", "ripple", "grain"])))
def test_a_wrong_order_is_not_told_the_right_one(order: tuple[str, ...]) -> None:
    verdict = check.price_order(order)
    assert verdict.passed == (list(order) == solutions.order)
    if verdict.passed:
        assert len(verdict.notes) == 4 and verdict.target is not None
        return
    (failure,) = verdict.failures
    dear, cheap = re.findall(r"'(\w+)'", failure.seen)[:2]
    assert order.index(cheap) == order.index(dear) + 1
    assert solutions.order.index(cheap) < solutions.order.index(dear)
    assert failure.hint and not failure.expected and not verdict.notes and verdict.target is None


def wave(amplitude: float, half_periods: float = 1.0) -> Tensor:
    row = torch.cos(math.pi * half_periods * (torch.arange(128) + 0.5) / 128)
    return 0.5 + amplitude * row.expand(1, 1, 128, 128)


SEEN = "mean square error, as the windows see it"


def border_only() -> Tensor:
    x = torch.full((1, 1, 128, 128), 0.5)
    x[..., 0, :], x[..., -1, :] = 0.9, 0.1
    return x


@pytest.mark.parametrize(
    ("x", "name", "hint"),
    [
        (torch.full((1, 1, 128, 128), 0.55), "zero mean", "a uniform shift is cheaper"),
        (torch.full((1, 1, 128, 128), 0.55), SEEN, "all of it is a uniform shift"),
        (wave(0.1), "price", "scale the amplitude by"),
        (wave(0.03), SEEN, "raise the amplitude"),
        (wave(0.0134, 32), SEEN, "too fine"),
        (border_only(), SEEN, "at the border"),
        (torch.full((1, 1, 128, 128), 0.5), SEEN, "raise the amplitude"),
        (wave(2.0), "values", "far outside"),
        (torch.zeros(1, 1, 64, 64), "shape", ""),
        (torch.full((1, 1, 128, 128), math.nan), "finite", ""),
    ],
)
def test_splotches_that_are_not_bought(x: Tensor, name: str, hint: str) -> None:
    failures = {item.name: item for item in check.splotch(x).failures}
    assert name in failures
    assert hint in failures[name].hint, failures[name]


def test_a_search_that_ends_a_hair_above_the_budget_passes() -> None:
    x = 0.5 + 1.0003 * (solutions.sell_splotch() - 0.5)
    assert float(le.ssim_loss(x, torch.full_like(x, 0.5))) > 0.01
    assert check.splotch(x).passed
    assert not check.splotch(0.5 + 1.01 * (x - 0.5)).passed


@pytest.mark.parametrize("sigma", [1.5, 9.0])
def test_error_at_the_border_gives_nothing(sigma: float) -> None:
    small = 0.5 + 0.8 * (solutions.sell_splotch(sigma=sigma) - 0.5)
    small[..., 0, :] += 0.3
    small[..., -1, :] -= 0.3
    # a uniform shift costs next to nothing; here the outermost pixels pay for its zero mean
    shift = torch.full((1, 1, 128, 128), 0.5 - 0.012)
    rim = torch.ones(1, 1, 128, 128, dtype=torch.bool)
    rim[..., 1:-1, 1:-1] = False
    shift[rim] += 0.012 * rim.numel() / rim.sum()
    plain = float((solutions.sell_splotch(sigma=sigma) - 0.5).square().mean())
    assert (small - 0.5).square().mean() > plain, "counted alike, the rows would more than pay"
    window = gaussian_window(sigma)
    for x in (small, shift):
        (seen,) = [item.seen for item in check.splotch(x, sigma=sigma).properties if item.name == SEEN]
        assert float(seen.split()[0]) < 0.8 * plain
    assert correlate((shift.double() - 0.5) ** 2, window).mean() > 1e-4, "the shift itself is seen"


@pytest.mark.parametrize("shift", [0.0, 0.25])
def test_a_wave_of_one_period_passes_in_any_phase(shift: float) -> None:
    row = torch.cos(2 * math.pi * ((torch.arange(128) + 0.5) / 128 - shift))
    ground = torch.full((1, 1, 128, 128), 0.5)
    amplitude = 0.04
    for _ in range(8):
        amplitude *= math.sqrt(0.00999 / float(le.ssim_loss(ground + amplitude * row, ground)))
    verdict = check.splotch(ground + amplitude * row)
    assert verdict.passed, verdict


def test_the_splotch_of_a_small_window_is_too_dear_for_a_large_one() -> None:
    verdict = check.splotch(solutions.sell_splotch(sigma=1.5), sigma=9)
    assert [item.name for item in verdict.failures] == ["price"]
    assert any("best wave of one period gets 5.12e-05" in note for note in verdict.notes)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda m, v: m, "what MSE chooses"),
        (lambda m, v: m + v / (2 * m), "wrong sign"),
        (lambda m, v: m - v / m, "factor 2 is missing"),
        (lambda m, v: m - math.sqrt(v) / (2 * m), "square root"),
        (lambda m, v: m - v / 2, "not divided by m"),
        (lambda m, v: m - v * v / (2 * m), "v is already the variance"),
        (lambda m, v: m - v / (4 * m), "a factor 2 too many"),
        (lambda m, v: v / (2 * m), "the shift alone"),
    ],
)
def test_wrong_levels(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.level_under_doubt(answer)
    assert hint in hints(verdict), verdict
    assert all("level for" in item.name for item in verdict.failures)
    assert len([item for item in verdict.failures if item.hint]) == 1, "one cause, one hint"


def test_the_order_of_the_error_is_told() -> None:
    (note,) = check.level_under_doubt(lambda m, v: m).notes
    assert "with v four times as large, the error of your formula is 4 times as large" in note
    (note,) = check.level_under_doubt(solutions.level_under_doubt).notes
    assert "the error of your formula is 17 times as large" in note


def test_a_level_that_knows_c1_passes() -> None:
    assert check.level_under_doubt(lambda m, v: torch.tensor(m - v * m / (2 * m * m + 1e-4))).passed


def textbook_variance(x: Tensor, window: Tensor) -> Tensor:
    return correlate(x * x, window) - correlate(x, window) ** 2


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (textbook_variance, "two numbers near .81"),
        (lambda x, w: textbook_variance(x, w).clamp_min(0), "two numbers near .81"),
        (lambda x, w: textbook_variance(x - 0.5, w), "close to the picture's own values"),
        (lambda x, w: textbook_variance(x - x.mean(), w).sqrt(), "standard deviation"),
        (lambda x, w: correlate(x * x, w), "the square of the mean was not subtracted"),
        (lambda x, w: correlate((x - x.mean()) ** 2, w), "the square of the mean of x - c was not subtracted"),
        (lambda x, w: correlate((x - 0.9) ** 2, w), "the square of the mean of x - c was not subtracted"),
        (lambda x, w: textbook_variance(x - x.mean(), w) * 121 / 120, "N/(N-1)"),
        (lambda x, w: F.pad(textbook_variance(x - x.mean(), w), (5, 5, 5, 5)), "only windows that lie inside"),
        (lambda x, w: textbook_variance(x.double() - 0.9, w.double()), "something in it is float64"),
    ],
)
def test_wrong_variances(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.stable_variance(answer)
    assert not verdict.passed
    assert hint in hints(verdict), verdict


def test_a_variance_taken_in_float64_passes() -> None:
    verdict = check.stable_variance(lambda x, w: textbook_variance(x.double(), w.double()).float())
    assert verdict.passed, verdict


def test_the_hint_on_lost_digits_asks_and_does_not_tell() -> None:
    text = hints(check.stable_variance(textbook_variance))
    assert text.endswith("What does the variance not depend on?")
    assert "constant" not in text and "subtract " not in text


def test_lost_digits_show_on_the_bright_picture_only() -> None:
    failures = check.stable_variance(textbook_variance).failures
    assert [item.name for item in failures] == ["value on bright noise: level .9, std .001"]


def test_wrong_pairs_of_one_psnr() -> None:
    best, worst = extremes()
    y = reference()
    swapped = check.equal_psnr(worst, best, y)
    assert [item.name for item in swapped.failures] == ["best: SSIM", "worst: SSIM"]
    assert "the wrong way round" in hints(swapped)

    start = solutions.on_sphere(
        y + torch.randn(y.shape, generator=torch.Generator().manual_seed(8)), y, 10 ** (-25 / 20)
    )
    assert "hardly different from plain noise" in hints(check.equal_psnr(start, worst, y))

    outside = check.equal_psnr(y + 1.2 * (best - y), y + 0.5 * (worst - y), y)
    names = [item.name for item in outside.failures]
    assert "best: PSNR" in names and "worst: PSNR" in names
    assert [item.name for item in check.equal_psnr(best[..., :-1], worst, y).failures] == ["best: shape"]
    far = check.equal_psnr(best - 0.5, worst, y)
    assert far.failures[0].name == "best: values" and "clamp" in hints(far)


def test_the_reference_itself_is_recognised() -> None:
    verdict = check.equal_psnr(reference(), reference(), reference())
    assert {item.hint for item in verdict.failures} - {""} == {
        "the picture equals the reference: start from the reference plus noise of the right strength"
    }


def test_a_brightness_shift_is_an_answer_for_best() -> None:
    y = reference()
    shifted = solutions.on_sphere(y + 0.1, y, 10 ** (-25 / 20))
    names = [item.name for item in check.equal_psnr(shifted, extremes()[1], y).failures]
    assert "best: PSNR" not in names and "best: values" not in names


# --- whatever comes, a check answers


def test_a_crash_inside_torch_names_the_line_that_called_it() -> None:
    def answer(x: Tensor, y: Tensor) -> Tensor:
        return x @ torch.zeros(3, 3, dtype=x.dtype)

    (failure,) = check.ssim_gradient(answer).failures
    assert failure.seen.startswith("RuntimeError: ")
    assert failure.seen.endswith("in answer: return x @ torch.zeros(3, 3, dtype=x.dtype))")


def test_a_crash_in_code_without_a_file_has_a_line_number() -> None:
    space: dict[str, Any] = {}
    exec(compile("def answer(x, y):\n    return undefined\n", "<string>", "exec"), space)
    (failure,) = check.ssim_gradient(space["answer"]).failures
    assert failure.seen == "NameError: name 'undefined' is not defined (line 2, in answer)"


def test_a_wrong_number_of_arguments_is_explained() -> None:
    (failure,) = check.ssim_gradient(lambda x: x).failures
    assert failure.seen.startswith("TypeError") and failure.hint == "the check calls fn(x, y)"


def test_an_answer_that_writes_into_its_input_is_told_so() -> None:
    def answer(x: Tensor, y: Tensor) -> Tensor:
        gradient = le.ssim_grad(x, y)
        x -= x.mean()
        return gradient

    (failure,) = check.ssim_gradient(answer).failures
    assert failure.name == "leaves its input alone" and "in place" in failure.hint


def test_a_reader_who_interrupts_is_not_held() -> None:
    def answer(*args: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check.ssim_gradient(answer)


# --- misuse


def test_other_misuse_names_the_argument() -> None:
    y = reference()
    with pytest.raises(TypeError, match="order must be a list of four names"):
        check.price_order("shift, splotch")
    with pytest.raises(TypeError, match="order must be"):
        check.price_order([1, 2, 3, 4])
    with pytest.raises(TypeError, match=r"x must be a torch\.Tensor"):
        check.splotch([0.5])
    with pytest.raises(TypeError, match="x must have a floating dtype"):
        check.splotch(torch.zeros(1, 1, 128, 128, dtype=torch.uint8))
    with pytest.raises(ValueError, match="sigma must be at most 18"):
        check.splotch(wave(0.1), sigma=30)
    with pytest.raises(ValueError, match="sigma must be"):
        check.splotch(wave(0.1), sigma=-1)
    with pytest.raises(TypeError, match=r"worst must be a torch\.Tensor"):
        check.equal_psnr(y, None, y)
    with pytest.raises(ValueError, match="reference must be one picture"):
        check.equal_psnr(y, y, torch.zeros(1, 1, 300, 300))
    with pytest.raises(ValueError, match=r"reference must lie in \[0, 1\]"):
        check.equal_psnr(y, y, y + 1)
    with pytest.raises(ValueError, match="psnr must be a number from 10 to 50"):
        check.equal_psnr(y, y, y, psnr=100)


# --- how it is shown


class Page(HTMLParser):
    """Collects elements and refuses ones that are left open or closed out of turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.mark.parametrize(
    "make",
    [
        lambda: check.ssim_gradient(solutions.ssim_gradient),
        lambda: check.ssim_gradient(lambda x, y: le.ssim_grad(x, y) * 3),
        lambda: check.contrast_structure_gradient(lambda x, y, s: -solutions.contrast_structure_gradient(x, y, s)),
        lambda: check.splotch(wave(0.07)),
        lambda: check.price_order(solutions.order),
        lambda: check.equal_psnr(*extremes(), reference()),
    ],
)
def test_html_stands_alone_and_carries_a_described_picture(make: Callable[[], check.Verdict]) -> None:
    verdict = make()
    text = verdict._repr_html_()
    page = Page(text)
    (picture,) = page.all("img")
    assert len(picture["alt"]) > 40
    kind, _, data = picture["src"].partition(",")
    assert kind == "data:image/png;base64"
    size = Image.open(io.BytesIO(base64.b64decode(data))).size
    assert 100 < size[0] <= le.figures.PAGE_WIDTH and len(data) < 200_000
    assert re.findall(r"https?://|url\(|<script|\bid=", text) == []
    for item in verdict.properties:
        assert item.name in page.text
    assert text == make()._repr_html_()


def test_pictures_keep_their_pixels() -> None:
    best, worst = extremes()
    text = check.equal_psnr(best, worst, reference())._repr_html_()
    data = re.search(r"base64,([^\"]+)", text)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data.group(1)))).convert("L")).astype(int)
    zoom = 3
    wanted = (best[0, 0] * 255).round().int().numpy().repeat(zoom, 0).repeat(zoom, 1)
    corners = np.argwhere(pixels[: -wanted.shape[0], : -wanted.shape[1]] == wanted[0, 0])
    assert any((pixels[i : i + wanted.shape[0], j : j + wanted.shape[1]] == wanted).all() for i, j in corners)


def test_a_picture_as_large_as_allowed_and_in_colour_is_shown() -> None:
    y = le.data.photograph("astronaut")[..., :200, :256]
    noisy = solutions.on_sphere(
        y + torch.randn(y.shape, generator=torch.Generator().manual_seed(1)), y, 10 ** (-25 / 20)
    )
    assert "data:image/png" in check.equal_psnr(noisy, noisy, y)._repr_html_()


def test_readers_text_is_escaped() -> None:
    def answer(x: Tensor, y: Tensor) -> Tensor:
        raise ValueError("<script>alert('1')</script> & more")

    text = check.ssim_gradient(answer)._repr_html_()
    assert "<script" not in text and "&lt;script&gt;" in text
    assert "<script>alert" in Page(text).text


def test_text_says_what_was_seen_expected_and_usual() -> None:
    text = repr(check.luminance_gradient(lambda x, y, s: -solutions.luminance_gradient(x, y, s)))
    assert text == repr(check.luminance_gradient(lambda x, y, s: -solutions.luminance_gradient(x, y, s)))
    lines = text.splitlines()
    assert lines[0] == "check.luminance_gradient: not yet, 3 of 7 tested properties hold"
    at = lines.index("  WRONG  sign")
    assert [line.split()[0] for line in lines[at + 1 : at + 4]] == ["seen", "expected", "hint"]
    assert text.count("the gradient has the wrong sign") == 1, "a hint is given once"
    assert max(map(len, lines)) < 130


def test_checks_and_laboratory_load_nothing_that_only_pictures_need() -> None:
    code = (
        "import sys, lossedu.laboratory; from lossedu import check; repr(check.level_under_doubt(lambda m, v: m)); "
        "print(sorted({'matplotlib', 'PIL', 'skimage', 'ipywidgets', 'IPython'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_without_matplotlib_the_verdict_is_still_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("matplotlib", "lossedu.figures"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    text = check.splotch(wave(0.07))._repr_html_()
    assert "needs the package matplotlib" in text and "<img" not in text


# --- the core, which other chapters build on


def test_numbers_are_told_apart() -> None:
    assert short(-0.0) == "0" and short(1 / 3) == "0.3333"
    assert two_numbers(0.123456, 0.123457) == ("0.123456", "0.123457")
    assert two_numbers(1.0, 2.0) == ("1", "2")
    assert near(1.0, 1.0 + 1e-9, 1e-6) and not near(math.nan, 1.0, 1.0)
    assert not near(torch.zeros(2), torch.zeros(3), 1.0)


def test_a_mistake_is_recognised_only_if_it_explains_the_answer() -> None:
    mistakes = [("the right value is no mistake", 1.0), ("half", 0.5)]
    assert recognise(0.5, 1.0, mistakes) == "half"
    assert recognise(0.7, 1.0, mistakes) == ""
    assert recognise(torch.tensor([0.0, 0.0]), torch.tensor([1.0, 2.0]), []) == ""
    assert recognise(torch.tensor([2.0, 4.0]), torch.tensor([1.0, 2.0]), []) == "every value is 2 times the right one"


def test_an_examination_stops_where_the_rest_makes_no_sense() -> None:
    with Examination("example") as exam:
        exam.test("first", False, "this", hint="once")
        exam.test("second", False, "that", hint="once")
        exam.require("third", False, "other")
        exam.test("never", True, "")
    verdict = exam.verdict()
    assert [(item.name, item.hint) for item in verdict.properties] == [("first", "once"), ("second", ""), ("third", "")]
    with pytest.raises(ZeroDivisionError), Examination("example"):
        _ = 1 / 0
