"""The exercises of chapter 2: model solutions pass, typical mistakes are called by their name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chapter_solutions
import pytest
import torch
from torch import Tensor

import lossedu as le
from lossedu import check
from lossedu.variational import divergence, gradient

pytest.importorskip("skimage")

solutions = chapter_solutions.solutions("ch02")

FUNCTIONS = ("tv_subgradient", "safe_isotropic", "field_divergence", "chambolle_step", "contrast_loss", "rof_weight")


def hints(verdict: check.Verdict) -> str:
    return " | ".join(item.hint for item in verdict.failures)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_model_solution_passes(name: str) -> None:
    more = {"gone": 2.0} if name == "contrast_loss" else {}
    verdict = getattr(check, name)(getattr(solutions, name), **more)
    assert verdict.passed, verdict
    assert len(verdict.properties) >= 5


def test_the_other_model_solutions_pass() -> None:
    assert check.edge_costs(**solutions.costs).passed
    assert check.winners(**solutions.named).passed


# Exercise 1


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ({"tv": [1, 0.25, 0.0625], "squared": [1, 0.25, 0.0625]}, "absolute differences add up to the height"),
        ({"tv": [1, 1, 1], "squared": [1, 1 / 16, 1 / 256]}, "one step alone; there are several of its square"),
        ({"tv": [1, 1, 1], "squared": [1, 1, 1]}, "each step was not squared"),
        ({"tv": [1, 1], "squared": [1, 1, 1]}, "one number for each of the edges"),
        ({"tv": [32, 32, 32], "squared": [1, 1 / 4, 1 / 16]}, "the sum of 32 rows"),
        ({"tv": [1, 1, 1], "squared": [32, 8, 2]}, "the sum of 32 rows"),
        ({"tv": "one", "squared": [1, 1, 1]}, "one number for each of the edges"),
    ],
)
def test_wrong_costs_are_explained(answer: dict[str, Any], hint: str) -> None:
    verdict = check.edge_costs(**answer)
    assert not verdict.passed and hint in hints(verdict)


def test_costs_may_be_tensors_and_are_asked_for_to_a_thousandth() -> None:
    right, thirds = torch.tensor([1, 1 / 4, 1 / 16]), [torch.tensor(1.0)] * 3
    assert check.edge_costs(tv=thirds, squared=right).passed
    assert check.edge_costs(tv=torch.ones(3), squared=[1, 0.25, 0.06254]).passed
    verdict = check.edge_costs(tv=[1, 1, 1], squared=[1, 0.25, 0.063])
    assert not verdict.passed and "rounded too far" in hints(verdict)
    for other in (torch.ones(3, 1), torch.ones(3, dtype=torch.complex64), [torch.ones(2)] * 3):
        assert not check.edge_costs(tv=other, squared=right).passed


# Exercise 2


def loss_gradient(kind: str) -> Callable[[Tensor], Tensor]:
    def fn(x: Tensor) -> Tensor:
        leaf = x.clone().requires_grad_()
        return torch.autograd.grad(le.tv_loss(leaf, kind=kind) * x.numel(), leaf)[0]

    return fn


def one_side(x: Tensor) -> Tensor:
    return -gradient(x).sign().sum(0)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x: -solutions.tv_subgradient(x), "the sign is wrong"),
        (lambda x: solutions.tv_subgradient(x) / x.numel(), "gradient of the mean"),
        (loss_gradient("squared"), "gradient of the squared form"),
        (loss_gradient("isotropic"), "the isotropic form"),
        (one_side, "the pixel after it is missing"),
        (lambda x: solutions.tv_subgradient(x).sum(), "this is one number"),
        (
            lambda x: (
                (x - x.roll(1, -1)).sign()
                + (x - x.roll(-1, -1)).sign()
                + (x - x.roll(1, -2)).sign()
                + (x - x.roll(-1, -2)).sign()
            ),
            "round the border",
        ),
    ],
)
def test_wrong_subgradients_are_explained(answer: Callable[[Tensor], Tensor], hint: str) -> None:
    verdict = check.tv_subgradient(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_autograd_is_a_way_too() -> None:
    assert check.tv_subgradient(loss_gradient("anisotropic")).passed


# Exercise 3


def arrows(x: Tensor) -> Tensor:
    down = torch.nn.functional.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    right = torch.nn.functional.pad(x[..., 1:] - x[..., :-1], (0, 1))
    return torch.stack((down, right))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x: arrows(x).square().sum(0).sqrt().sum(), "infinity times 0 is NaN"),
        (lambda x: (arrows(x).square().sum(0) + 1e-4).sqrt().sum(), "an eps under the root biases the value"),
        (lambda x: (arrows(x).square().sum(0) + 1e-30).sqrt().sum(), "an eps under the root biases the value"),
        (lambda x: arrows(x).abs().sum(), "this is the anisotropic form"),
        (lambda x: arrows(x).square().sum(), "this is the squared form"),
        (lambda x: torch.linalg.vector_norm(arrows(x)), "one root of the whole sum"),
        (lambda x: torch.linalg.vector_norm(arrows(x), dim=0).mean(), "the mean was not asked for"),
        (lambda x: torch.linalg.vector_norm(arrows(x), dim=0).sum().item(), "cut the graph"),
    ],
)
def test_wrong_roots_are_explained(answer: Callable[[Tensor], Any], hint: str) -> None:
    verdict = check.safe_isotropic(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def rooted(square: Tensor, least: float = 0.0) -> Tensor:
    flat = square <= least
    return torch.where(flat, 0, torch.where(flat, 1, square).sqrt()).sum()


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x: rooted(arrows(x).square().sum(0), 1e-6), "only differences of exactly 0 are flat"),
        (lambda x: rooted(arrows(x[:1, :1]).square().sum(0)), "only the first channel of the first picture"),
        (lambda x: rooted(arrows(x).square().sum((0, 2))), "each channel has roots of its own"),
        (lambda x: rooted(arrows(x)[..., :-1, :-1].square().sum(0)), "the last row and column are left out"),
    ],
)
def test_a_root_of_some_pictures_only_does_not_pass(answer: Callable[[Tensor], Any], hint: str) -> None:
    verdict = check.safe_isotropic(answer)
    assert not verdict.passed and hint in hints(verdict), verdict
    assert "an eps under the root" not in hints(verdict)


def test_a_norm_is_a_way_too() -> None:
    assert check.safe_isotropic(lambda x: torch.linalg.vector_norm(arrows(x), dim=0).sum()).passed


# Exercise 4


def looking_ahead(xi: Tensor) -> Tensor:
    return gradient(xi[0])[0] + gradient(xi[1])[1]


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda xi: -divergence(xi), "the sign is wrong"),
        (looking_ahead, "the adjoint of a forward difference looks back"),
        (lambda xi: xi[0] - xi[0].roll(1, -2) + xi[1] - xi[1].roll(1, -1), "round the border"),
        (lambda xi: divergence(xi.flip(0)), "the two parts are swapped"),
        (lambda xi: divergence(torch.stack((xi[0], 0 * xi[1]))), "the part to the right is missing"),
        (lambda xi: xi, "this is still a field"),
    ],
)
def test_wrong_divergences_are_explained(answer: Callable[[Tensor], Tensor], hint: str) -> None:
    verdict = check.field_divergence(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_what_leaves_the_picture_does_not_count() -> None:
    def open_end(xi: Tensor) -> Tensor:
        down = xi[0] - torch.nn.functional.pad(xi[0], (0, 0, 1, 0))[..., :-1, :]
        return down + xi[1] - torch.nn.functional.pad(xi[1], (1, 0))[..., :-1]

    verdict = check.field_divergence(open_end)
    assert [item.name for item in verdict.failures] == [
        "a field with arrows past the border, which must not count",
        "<grad x, xi> = -<x, div xi>, with arrows past the border",
    ]
    assert "what leaves the picture there does not count" in hints(verdict)


def test_a_field_that_was_written_into_is_named() -> None:
    def in_place(xi: Tensor) -> Tensor:
        xi[0, ..., -1, :], xi[1, ..., -1] = 0, 0
        return divergence(xi)

    verdict = check.field_divergence(in_place)
    assert not verdict.passed and "work on a copy" in hints(verdict) and "picture" not in hints(verdict)


# Exercise 5


def step(xi: Tensor, z: Tensor, w: float, *, tau: float = 0.25, way: float = 1.0, over: bool = True) -> Tensor:
    slope = tau / w * gradient(z + w * divergence(xi))
    return (xi + way * slope) / (1 + slope.square().sum(0, keepdim=True).sqrt() if over else 1)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda xi, z, w: step(xi, z, w, over=False), "arrows grow beyond 1"),
        (lambda xi, z, w: step(xi, z, w, tau=0.125), "this looks like 1/8"),
        (lambda xi, z, w: step(xi, z, w, way=-1.0), "xi grows along the gradient of x"),
        (lambda xi, z, w: step(xi, z, w, tau=0.25 * w), "tau is divided by w"),
        (lambda xi, z, w: z + w * divergence(xi), "a picture, x perhaps"),
        (lambda xi, z, w: -step(-xi, z, w), "minus"),
    ],
)
def test_wrong_steps_are_explained(answer: Callable[[Tensor, Tensor, float], Tensor], hint: str) -> None:
    verdict = check.chambolle_step(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


# Exercises 6 and 7


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda shape, size, w: w / size, "a stripe has two edges"),
        (lambda shape, size, w: 2 * w / size, "a step has one edge"),
        (lambda shape, size, w: -solutions.contrast_loss(shape, size, w), "the sign is wrong"),
        (lambda shape, size, w: 2 * w, "divide by it"),
        (lambda shape, size, w: solutions.contrast_loss(shape, size, w) / w, "w is missing"),
    ],
)
def test_wrong_losses_of_contrast_are_explained(answer: Callable[..., float], hint: str) -> None:
    verdict = check.contrast_loss(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_a_disc_on_wide_ground_is_gone_where_it_has_lost_its_height() -> None:
    assert check.contrast_loss(solutions.contrast_loss, gone=2.0).passed
    missing = check.contrast_loss(solutions.contrast_loss)
    assert [item.seen for item in missing.failures] == ["gone is missing"]
    assert check.contrast_loss(solutions.contrast_loss, gone=torch.tensor(2.0)).passed  # type: ignore[arg-type]
    for wrong, hint in ((1.0, "wide ground hardly moves"), (4.0, "2w/r, and not w/r"), (3.0, "what it loses")):
        verdict = check.contrast_loss(solutions.contrast_loss, gone=wrong)
        assert not verdict.passed and hint in hints(verdict), verdict


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda convention, w, n: w, "ROF has a factor 1/2"),
        (lambda convention, w, n: 2 * w, "divide the weight of TV by N"),
        (lambda convention, w, n: 2 * w / n, "N drops out"),
        (lambda convention, w, n: {"fidelity": w}.get(convention, 0.0), "a large one smooths less"),
    ],
)
def test_wrong_weights_are_explained(answer: Callable[..., float], hint: str) -> None:
    verdict = check.rof_weight(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


# Exercise 8


def test_winners_are_measured() -> None:
    verdict = check.winners(step="squared", ramp="tv", disc="squared", waves="tv")
    assert len(verdict.failures) == 4
    assert "stairs come free" in hints(verdict) and "squares charge a sharp edge most" in hints(verdict)
    assert not check.winners(step="tv").passed and not check.winners(step="l1", ramp="tv", disc="tv", waves="tv").passed
