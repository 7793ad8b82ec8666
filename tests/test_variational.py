"""Denoising by optimisation: each solver against another way to the same answer, and against what can be proved."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.optimize
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import lossedu as le
from lossedu.variational import divergence, gradient, mean_weight, rof, taut_string, tikhonov


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def energy(u: Tensor, f: Tensor, weight: float, kind: str) -> float:
    """Half the squared distance plus w TV, from the loss of the package."""
    return float(0.5 * (u - f).square().sum() + weight * u[0].numel() * le.tv_loss(u, kind=kind, reduction="sum"))


# Differences


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_divergence_is_less_the_adjoint(rows: int, columns: int, seed: int) -> None:
    u, p = noise(2, 3, rows, columns, seed=seed), noise(2, 2, 3, rows, columns, seed=seed + 1)
    assert float((gradient(u) * p).sum()) == pytest.approx(-float((u * divergence(p)).sum()), abs=1e-10)


def test_differences_are_those_of_the_loss() -> None:
    u = noise(2, 3, 5, 7)
    lengths = gradient(u).square().sum(dim=0).sqrt().sum(dim=(1, 2, 3)) / u[0].numel()
    torch.testing.assert_close(lengths, le.tv_loss(u, kind="isotropic", reduction="none"))


def test_divergence_adds_up_to_nothing() -> None:
    p = noise(2, 1, 1, 6, 5)
    assert float(divergence(p).sum()) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("wrong", [torch.zeros(3, 1, 1, 4, 4), torch.zeros(2, 1, 4, 4)])
def test_a_field_has_two_parts(wrong: Tensor) -> None:
    with pytest.raises(ValueError, match=r"xi must be \(2, N, C, H, W\)"):
        divergence(wrong)


# The dual


@pytest.mark.parametrize("kind", ["isotropic", "anisotropic"])
@pytest.mark.parametrize("method", ["fast", "chambolle"])
def test_nobody_finds_anything_cheaper(kind: str, method: str) -> None:
    f = noise(1, 1, 6, 7)
    found = rof(f, 0.4, kind=kind, tol=1e-6, max_steps=40_000, method=method)
    assert found.error <= 1e-6

    least = energy(found.image, f, 0.4, kind)
    for seed in range(60):
        for size in (1e-1, 1e-2, 1e-3):
            way = noise(1, 1, 6, 7, seed=seed)
            # along the field too: there a plateau would break up
            for direction in (way, divergence(gradient(way)), f - found.image):
                assert energy(found.image + size * direction, f, 0.4, kind) >= least - 1e-9


def test_a_solver_for_boxes_finds_the_same() -> None:
    """Without the field's length, the dual is a quadratic in a box, for which there are other solvers."""
    f, weight = noise(1, 1, 5, 6), 0.4

    def value(x: np.ndarray) -> tuple[float, np.ndarray]:
        u = f + weight * divergence(torch.tensor(x).view(2, *f.shape))
        return float(0.5 * u.square().sum()), (-weight * gradient(u)).flatten().numpy()

    options = {"maxiter": 20_000, "maxfun": 50_000, "ftol": 1e-15, "gtol": 1e-10}
    box = [(-1, 1)] * (2 * f.numel())
    best = scipy.optimize.minimize(
        value, np.zeros(2 * f.numel()), jac=True, method="L-BFGS-B", bounds=box, options=options
    )
    theirs = f + weight * divergence(torch.tensor(best.x).view(2, *f.shape))
    ours = rof(f, weight, kind="anisotropic", tol=1e-7, max_steps=40_000).image
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_the_bound_on_the_error_holds() -> None:
    f = noise(1, 1, 24, 24)
    truth = rof(f, 0.5, tol=1e-7, max_steps=100_000)
    for steps in (10, 50, 200, 1000):
        early = rof(f, 0.5, tol=1e-9, max_steps=steps)
        off = float((early.image - truth.image).square().mean().sqrt())
        assert off <= early.error + 1e-6
        assert early.steps == steps


def test_field_is_nowhere_longer_than_one_and_makes_the_image() -> None:
    f = noise(2, 2, 8, 9)
    for kind in ("isotropic", "anisotropic"):
        found = rof(f, 0.3, kind=kind, tol=1e-5)
        length = found.field.square().sum(dim=0).sqrt() if kind == "isotropic" else found.field.abs()
        assert float(length.max()) <= 1 + 1e-12
        torch.testing.assert_close(found.image, f + 0.3 * divergence(found.field))


def test_mean_is_kept_and_a_large_weight_leaves_nothing_else() -> None:
    f = noise(1, 2, 8, 8)
    found = rof(f, 50.0, tol=1e-6)
    torch.testing.assert_close(found.image, f.mean(dim=(2, 3), keepdim=True).expand_as(f), atol=1e-4, rtol=0)
    assert torch.equal(rof(f, 0.0).image, f)


def test_channels_and_pictures_do_not_meet() -> None:
    f = noise(2, 3, 8, 8)
    together = rof(f, 0.3, tol=1e-7, max_steps=30_000).image
    alone = rof(f[1:, 2:], 0.3, tol=1e-7, max_steps=30_000).image
    torch.testing.assert_close(together[1:, 2:], alone, atol=1e-6, rtol=0)


def test_scikit_image_minimises_the_same_and_stops_early() -> None:
    from skimage.restoration import denoise_tv_chambolle

    f = 0.1 * noise(1, 1, 48, 48)
    f[..., 24:] += 0.5
    ours = rof(f, 0.1, tol=1e-6, max_steps=20_000).image[0, 0].numpy()
    theirs = {
        eps: denoise_tv_chambolle(f[0, 0].numpy(), weight=0.1, eps=eps, max_num_iter=20_000) for eps in (2e-4, 1e-10)
    }
    off = {eps: float(np.sqrt(np.mean((ours - picture) ** 2))) for eps, picture in theirs.items()}
    assert off[1e-10] < 1e-3 and off[2e-4] > 10 * off[1e-10]


def test_the_weight_of_a_loss_of_means_is_halved() -> None:
    f, c = noise(1, 1, 6, 6), 0.5
    found = rof(f, mean_weight(c), tol=1e-7, max_steps=40_000).image
    least = float((found - f).square().mean() + c * le.tv_loss(found, kind="isotropic"))
    for seed in range(40):
        other = found + 0.02 * noise(1, 1, 6, 6, seed=seed)
        assert float((other - f).square().mean() + c * le.tv_loss(other, kind="isotropic")) > least


@pytest.mark.parametrize(
    "options", [{"weight": -1.0}, {"tol": 0.0}, {"kind": "squared"}, {"method": "newton"}, {"max_steps": 0}]
)
def test_wrong_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        rof(noise(1, 1, 4, 4), **{"weight": 0.1, **options})  # type: ignore[arg-type]


def test_halves_are_computed_in_single_precision() -> None:
    assert rof(noise(1, 1, 8, 8).half(), 0.1).image.dtype == torch.float32
    assert tikhonov(noise(1, 1, 8, 8).bfloat16(), 0.1).dtype == torch.float32


# Signals


@given(st.lists(st.floats(-2, 2, width=32), min_size=1, max_size=24), st.sampled_from([0.0, 0.05, 0.3, 1.0, 7.0]))
def test_string_is_optimal(values: list[float], weight: float) -> None:
    """The conditions of optimality are necessary and sufficient: running sums stay in the tube, and touch at bends."""
    f = torch.tensor(values, dtype=torch.float64)
    u = taut_string(f, weight)
    slack = (u - f).cumsum(0)  # w p
    assert float(slack.abs().max()) <= weight + 1e-9
    assert float(slack[-1]) == pytest.approx(0, abs=1e-9)
    for k, jump in enumerate((u[1:] - u[:-1]).tolist()):
        if abs(jump) > 1e-7:
            assert float(slack[k]) == pytest.approx(math.copysign(weight, jump), abs=1e-7)


def test_string_and_dual_agree() -> None:
    f = noise(60)
    for weight in (0.1, 1.0, 4.0):
        for kind in ("isotropic", "anisotropic"):
            found = rof(f.view(1, 1, 1, -1), weight, kind=kind, tol=1e-7, max_steps=60_000)
            torch.testing.assert_close(found.image.flatten(), taut_string(f, weight), atol=1e-6, rtol=0)


def test_plateaus_move_by_the_weight_over_their_length() -> None:
    f = torch.cat([torch.full((20,), 0.2), torch.full((30,), 0.8), torch.full((25,), 0.4)]).double()
    u = taut_string(f, 0.6)
    assert u[:20].tolist() == pytest.approx([0.2 + 0.6 / 20] * 20)
    assert u[20:50].tolist() == pytest.approx([0.8 - 2 * 0.6 / 30] * 30)
    assert u[50:].tolist() == pytest.approx([0.4 + 0.6 / 25] * 25)


@pytest.mark.parametrize("wrong", [torch.zeros(0), torch.zeros(2, 3)])
def test_a_signal_has_one_axis(wrong: Tensor) -> None:
    with pytest.raises(ValueError, match=r"z must be a signal"):
        taut_string(wrong, 0.1)


# Squares


@pytest.mark.parametrize("weight", [0.0, 0.3, 5.0])
def test_cosines_solve_the_linear_system(weight: float) -> None:
    f = noise(2, 3, 5, 8)
    u = tikhonov(f, weight)
    torch.testing.assert_close(u - 2 * weight * divergence(gradient(u)), f)


def test_squares_are_the_minimum_of_the_loss() -> None:
    f = noise(1, 1, 5, 6)
    u = tikhonov(f, 0.7).requires_grad_()
    total = 0.5 * (u - f).square().sum() + 0.7 * u.numel() * le.tv_loss(u, kind="squared")
    assert float(torch.autograd.grad(total, u)[0].abs().max()) < 1e-12
