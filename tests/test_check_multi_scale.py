"""The exercises of chapter 4: model solutions pass, typical mistakes are called by their name."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import chapter_solutions
import pytest
import torch
from torch import Tensor

import lossedu as le
from lossedu import check
from lossedu.check.multi_scale.products import _with_a_vanishing_factor
from lossedu.check.structural_similarity.textbook import RIGHT
from lossedu.experiments import scale_prices
from lossedu.losses.multiscale import SIGMAS

pytest.importorskip("skimage")

solutions = chapter_solutions.solutions("ch04")

FUNCTIONS = {
    "leave_one_out": solutions.leave_one_out,
    "all_contrast_structures": solutions.contrast_structures,
    "ms_ssim_patch_gradient": solutions.ms_ssim_patch_gradient,
    "safe_power": solutions.safe_power,
    "best_agreement": solutions.best_agreement,
}


def hints(verdict: check.Verdict) -> str:
    return " | ".join(item.hint for item in verdict.failures)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_model_solution_passes(name: str) -> None:
    verdict = getattr(check, name)(FUNCTIONS[name])
    assert verdict.passed, verdict
    assert len(verdict.properties) >= 5


def test_the_other_model_solutions_pass() -> None:
    assert check.dearest_wave(**solutions.dearest).passed
    assert check.multiplications(**solutions.counts).passed
    assert check.window_choice(solutions.chosen).passed


# Exercise 1


@pytest.mark.parametrize(
    "given", [{"trick": 128, "pyramid": 32}, {"trick": 2, "pyramid": 2}, {"trick": 8, "pyramid": 8}]
)
def test_a_wrong_prediction_is_told_what_it_costs(given: dict[str, int]) -> None:
    verdict = check.dearest_wave(**given)
    assert not verdict.passed and "another one costs more" in str(verdict)


def test_a_period_that_was_not_asked_for() -> None:
    assert "2, 8, 32 or 128" in str(check.dearest_wave(trick=16, pyramid=32))
    assert not check.dearest_wave(trick="all", pyramid=None).passed


# Exercise 2


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda cs: cs.prod(0) / cs, "is 0/0 where a factor is 0"),
        (lambda cs: cs.prod(0) / (cs + 1e-12), "an eps in the denominator gives 0"),
        (lambda cs: cs.prod(0).expand_as(cs).clone(), "the product of all factors"),
        (lambda cs: cs.prod(0), "each factor needs its own"),
        (lambda cs: cs.cumprod(0), "a running product that has the factor itself"),
        (lambda cs: torch.cat([torch.ones_like(cs[:1]), cs.cumprod(0)[:-1]]), "those after are missing"),
    ],
)
def test_wrong_products_are_explained(answer: Callable[[Tensor], Tensor], hint: str) -> None:
    verdict = check.leave_one_out(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_a_mask_is_a_way_too() -> None:
    def masked(cs: Tensor) -> Tensor:
        eye = torch.eye(len(cs), dtype=torch.bool)[:, :, None]
        return cs[None].expand(len(cs), *cs.shape).masked_fill(eye, 1.0).prod(1)

    assert check.leave_one_out(masked).passed


# Exercise 3


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, y, s: solutions.contrast_structures(x, y, s).T.contiguous(), "its transpose"),
        (lambda x, y, s: solutions.contrast_structures(x, y, [s[0]] * len(s)), "the first width"),
    ],
)
def test_wrong_contrast_structures_are_explained(answer: Callable[..., Tensor], hint: str) -> None:
    verdict = check.all_contrast_structures(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def moments(x: Tensor, y: Tensor, sigmas: Any, *, centred: bool = True, c2: float = 9e-4, two: float = 2) -> Tensor:
    G = solutions.windows_as_rows(sigmas, x.shape[-1])
    a, b = x.flatten(1), y.flatten(1)
    mx, my, xx, yy, xy = (z @ G.T for z in (a, b, a * a, b * b, a * b))
    if not centred:
        mx, my = 0 * mx, 0 * my
    return (two * (xy - mx * my) + c2) / (xx - mx**2 + yy - my**2 + c2)


@pytest.mark.parametrize(
    ("options", "hint"),
    [({"centred": False}, "means were not subtracted"), ({"c2": 0.03}, "C2 is (0.03)^2"), ({"two": 1}, "a factor 2")],
)
def test_slips_in_the_formula_are_explained(options: dict[str, Any], hint: str) -> None:
    verdict = check.all_contrast_structures(lambda x, y, s: moments(x, y, s, **options))
    assert not verdict.passed and hint in hints(verdict), verdict


# Exercise 4


def autograd(x: Tensor, y: Tensor, sigmas: Any) -> Tensor:
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(le.ms_ssim_sigma_loss(leaf, y, sigmas=sigmas, form="patch"), leaf)[0]


def terms(x: Tensor, y: Tensor, sigmas: Any) -> tuple[Tensor, Tensor, list[Tensor], Tensor]:
    leaf = x.clone().requires_grad_()
    cs = moments(leaf[0], y[0], sigmas)[0]
    slopes = [torch.autograd.grad(one, leaf, retain_graph=True)[0] for one in cs]
    G = solutions.windows_as_rows(sigmas, x.shape[-1])[-1].view_as(x)
    mx, my = (G * leaf).sum(), (G * y).sum()
    l = (2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4)
    (dl,) = torch.autograd.grad(l, leaf)
    return l.detach(), dl, slopes, cs.detach()


def divided(x: Tensor, y: Tensor, sigmas: Any) -> Tensor:
    l, dl, slopes, cs = terms(x, y, sigmas)
    return -(dl + l * sum(slope / one for slope, one in zip(slopes, cs, strict=True))) * cs.prod()


def with_scale_0(x: Tensor, y: Tensor, sigmas: Any) -> Tensor:
    l, dl, slopes, cs = terms(x, y, sigmas)
    return -(dl + l * sum(s / one for s, one in zip([slopes[0], *slopes], [cs[0], *cs], strict=True))) * cs.prod()


def without_luminance(x: Tensor, y: Tensor, sigmas: Any) -> Tensor:
    _, dl, _, cs = terms(x, y, sigmas)
    return autograd(x, y, sigmas) + dl * cs.prod()


def without_others(x: Tensor, y: Tensor, sigmas: Any) -> Tensor:
    l, dl, slopes, cs = terms(x, y, sigmas)
    return -(dl * cs.prod() + l * sum(slopes))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, y, s: -autograd(x, y, s), "the minus is missing"),
        (with_scale_0, "there is no scale 0"),
        (without_luminance, "the part of the luminance is missing"),
        (without_others, "multiplied by the other factors"),
        (lambda x, y, s: autograd(x, y, s)[0, 0], "keep the shape of x"),
    ],
)
def test_wrong_gradients_are_explained(answer: Callable[..., Tensor], hint: str) -> None:
    verdict = check.ms_ssim_patch_gradient(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def around_0(x: Tensor, y: Tensor, sigmas: Any, *, eps: float) -> Tensor:
    l, dl, slopes, cs = terms(x, y, sigmas)
    through = sum(slope * cs.prod() / (one + eps) for slope, one in zip(slopes, cs, strict=True))
    return -(dl * cs.prod() + l * through)


def with_own_windows(x: Tensor, y: Tensor, sigmas: Any) -> Tensor:
    place = torch.arange(x.shape[-1], dtype=torch.float64) - x.shape[-1] // 2
    leaf = x.clone().requires_grad_()
    product = torch.ones((), dtype=torch.float64)
    for sigma in sigmas:
        G = torch.exp(-(place[:, None] ** 2 + place**2) / (2 * sigma**2))
        G = G / G.sum()
        mx, my = (G * leaf).sum(), (G * y).sum()
        cov, both = (G * leaf * y).sum() - mx * my, (G * (leaf**2 + y**2)).sum() - mx**2 - my**2
        product = product * (2 * cov + 9e-4) / (both + 9e-4)
    l = (2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4)
    return torch.autograd.grad(1 - l * product, leaf)[0]


@pytest.mark.parametrize("kernel", ["rows and columns", "at once"])
def test_the_factor_that_vanishes_is_exactly_0_in_any_order_of_operations(kernel: str) -> None:
    G = solutions.windows_as_rows([1.0], 17).view(17, 17) if kernel == "rows and columns" else RIGHT.window(17, 1.0)
    x, y = _with_a_vanishing_factor(G)
    for cov in ((G * (x * y)).sum(), (G * x * y).sum(), (y * G * x).flip(-1).sum(), G.flatten() @ (x * y).flatten()):
        assert float(2 * cov + 0.03**2) == 0 and float((G * x).sum()) == float((G * y).sum()) == 0


def test_a_division_is_found_where_a_factor_is_0() -> None:
    verdict = check.ms_ssim_patch_gradient(divided)
    assert not verdict.passed and "multiply those before by those after" in hints(verdict), verdict
    assert all(item.ok for item in verdict.properties[:-1])


def test_an_eps_in_the_denominator_is_found_where_a_factor_is_0() -> None:
    verdict = check.ms_ssim_patch_gradient(partial(around_0, eps=1e-12))
    assert not verdict.passed and "loses the product of the others" in hints(verdict), verdict


def test_windows_of_ones_own_are_a_way_too() -> None:
    assert check.ms_ssim_patch_gradient(with_own_windows).passed


def test_autograd_is_a_way_too() -> None:
    assert check.ms_ssim_patch_gradient(autograd).passed


# Exercise 5


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"patch": 5}, "that is one moment"),
        ({"patch": 25 * 961}, "for the whole patch"),
        ({"separable": 575}, "twice the taps"),
        ({"dense": 1150}, "in two dimensions it is K^2"),
        ({"pyramid": 550}, "each has a quarter of the pixels"),
        ({"pyramid": 110}, "the first level alone"),
        ({"dense": "many"}, ""),
    ],
)
def test_wrong_counts_are_explained(change: dict[str, Any], hint: str) -> None:
    verdict = check.multiplications(**{**solutions.counts, **change})
    assert not verdict.passed and hint in hints(verdict), verdict


# Exercise 6


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda cs, w: cs.clamp_min(0) ** w, "keep 0 out of the power"),
        (lambda cs, w: torch.where(cs > 0, cs.abs() ** w, 0.0), "keep 0 out of the power"),
        (lambda cs, w: cs.abs() ** w, "opposite structure would count as agreement"),
        (lambda cs, w: cs.sign() * cs.abs() ** w, "turns two faults into a merit"),
        (lambda cs, w: (cs.clamp_min(0) + 1e-4) ** w, "an eps under the power"),
        (lambda cs, w: cs**w, ""),
        (lambda cs, w: torch.where(cs > 1e-6, cs.clamp_min(1e-6) ** w, 0.0), ""),
        (lambda cs, w: cs.clamp_min(1e-300) ** w, "keep 0 out of the power"),
    ],
)
def test_wrong_powers_are_explained(answer: Callable[[Tensor, float], Tensor], hint: str) -> None:
    verdict = check.safe_power(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_relu_is_a_way_too() -> None:
    assert check.safe_power(lambda cs, w: cs.relu() ** w).passed


# Exercise 7


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda n, K: K ** (-n / 2), "a bet on one pattern gets more"),
        (lambda n, K: 1 / K, "equal shares get more"),
        (lambda n, K: K ** (-n / 2) if n <= 2.5 else 1 / K, "a bet on one pattern gets more"),
        (lambda n, K: max(K**-n, 1 / K), "equal shares get more"),
        (lambda n, K: max(K ** (1 - n / 2), 1), "the mean over the patterns is missing"),
    ],
)
def test_wrong_agreements_are_explained(answer: Callable[[float, int], float], hint: str) -> None:
    verdict = check.best_agreement(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


# Exercise 8


@pytest.mark.parametrize(
    ("sigmas", "wanting"),
    [([1], "blotches"), ([8], "grain beside an edge"), ([1, 2, 12], "grain beside an edge")],
)
def test_windows_that_leave_something_too_cheap(sigmas: list[float], wanting: str) -> None:
    verdict = check.window_choice(sigmas)
    assert not verdict.passed and any(item.name.startswith(wanting) for item in verdict.failures), verdict
    assert "0.15 and 0.36" in str(verdict)


@pytest.mark.parametrize(
    "sigmas", [[], [1, 2, 4, 8], [0], [20], [10**400], "one", None, torch.tensor(1.0), torch.eye(2)]
)
def test_windows_that_are_not_allowed(sigmas: Any) -> None:
    assert "one to three widths" in str(check.window_choice(sigmas))


def test_a_width_counts_once() -> None:
    for sigmas in ([1, 1, 12], [1.0, 1.0001, 12]):
        verdict = check.window_choice(sigmas)
        assert not verdict.passed and "different numbers" in str(verdict)


def test_a_very_narrow_window_is_told_why_it_fails_beside_the_edge() -> None:
    assert "lets 33% of it through" in hints(check.window_choice([0.5, 12]))
    assert "a wide window sees the edge" in hints(check.window_choice([1, 2, 12]))


@pytest.mark.parametrize("sigmas", [[12, 1], [0.5, 1, 12], torch.tensor([1.0, 12.0]), (1, 1.1, 12)])
def test_other_choices_that_pass(sigmas: Any) -> None:
    assert check.window_choice(sigmas).passed


@pytest.mark.parametrize("sigmas", [(1, 12), SIGMAS])
def test_the_check_sees_the_edge_of_the_chapter(sigmas: tuple[float, ...]) -> None:
    told = re.search(r"beside the edge costs ([\d.]+)", str(check.window_choice(sigmas[-3:])))
    assert told is not None
    assert float(told[1]) == pytest.approx(float(scale_prices.beside_edge(sigmas[-3:])[3:5].mean()), abs=1e-3)
