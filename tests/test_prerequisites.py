"""Every formula of the page on prerequisites, by a test of its own; the list of both must agree."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

import lossedu as le
from lossedu.filters import correlate, correlate_adjoint, gaussian_window
from lossedu.variational import divergence, gradient, rof, taut_string

PAGE = Path(__file__).parents[1] / "book" / "prerequisites.md"

#: What each displayed formula holds, in the order of the page -> the test that proves it.
PROVED = {
    r"(\nabla x)_{i,j}": "test_forward_differences",
    r"\mathcal L(x + d)": "test_gradient_of_a_loss",
    r"(Gx)_i": "test_filter",
    r"\hat G(f)": "test_wave_through_a_filter",
    r"2 \sin(\pi f)\, \sin 2\pi f(u": "test_wave_through_a_difference",
    r"\langle G x, v\rangle": "test_adjoint",
    r"\nabla_{\!x}\, \mathcal L(G x)": "test_chain_rule",
    r"\langle \nabla x, \xi\rangle": "test_divergence",
    r"\frac{1}{2 s^2}": "test_gaussian_likelihood",
    r"\frac{1}{b} \sum_i": "test_laplace_likelihood",
    r"-\log P(z \mid y) - \log P(y)": "test_map",
    r"w = \frac{s^2}{b}": "test_weight_of_the_prior",
    r"= \mathrm E[y],": "test_mean_is_the_best_answer",
    r"\operatorname{Var}(y)": "test_expected_square_splits",
}


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_every_formula_has_a_proof() -> None:
    formulas = re.findall(r"\$\$\n(.*?)\n\$\$", PAGE.read_text("utf8"), re.DOTALL)
    assert len(formulas) == len(PROVED)
    for formula, (part, test) in zip(formulas, PROVED.items(), strict=True):
        assert part in formula, (part, formula)
        assert test in globals()
    assert len(set(PROVED.values())) == len(PROVED)


def test_forward_differences() -> None:
    x = noise(1, 1, 4, 5)
    down, right = gradient(x)
    for i in range(4):
        for j in range(5):
            assert down[0, 0, i, j] == (x[0, 0, i + 1, j] - x[0, 0, i, j] if i < 3 else 0)
            assert right[0, 0, i, j] == (x[0, 0, i, j + 1] - x[0, 0, i, j] if j < 4 else 0)


def test_the_step_of_the_question() -> None:
    step = torch.zeros(1, 1, 5, 8)
    step[..., 4:] = 1
    assert int((gradient(step) != 0).sum()) == 5 and float(gradient(step).sum()) == 5


def test_gradient_of_a_loss() -> None:
    y = le.data.crop(le.data.photograph("camera"), 50, 60, 24).double()
    x = (y + 0.1 * noise(*y.shape)).requires_grad_()
    loss = le.ssim_loss(x, y)
    (slope,) = torch.autograd.grad(loss, x)
    for size in (1e-4, 1e-5):
        d = size * noise(*y.shape, seed=2)
        change = float((le.ssim_loss(x + d, y) - loss).detach())
        assert change == pytest.approx(float((slope * d).sum()), rel=300 * size)


def test_filter() -> None:
    x, taps = noise(1, 1, 10, 11), gaussian_window(1.0)
    weights = torch.outer(taps, taps)
    size = taps.numel()
    patch = x[0, 0, 1 : 1 + size, 1 : 1 + size]
    found = correlate(x, taps)
    assert found[0, 0, 1, 1].item() == pytest.approx(float((weights * patch).sum()), rel=1e-12)


@pytest.mark.parametrize("f", [0.0, 0.05, 0.2, 0.5])
def test_wave_through_a_filter(f: float) -> None:
    taps = gaussian_window(1.5)
    k = torch.arange(taps.numel(), dtype=torch.float64) - taps.numel() // 2
    response = float((taps * torch.cos(2 * math.pi * f * k)).sum())
    wave = torch.cos(2 * math.pi * f * torch.arange(40, dtype=torch.float64)).expand(1, 1, 20, 40)
    radius = taps.numel() // 2
    torch.testing.assert_close(correlate(wave, taps), response * wave[..., radius:-radius, radius:-radius])


def test_a_mean_of_three_turns_the_finest_wave_over_and_sharpening_makes_it_stronger() -> None:
    k = torch.arange(3, dtype=torch.float64) - 1
    finest = torch.cos(math.pi * k)
    assert float((torch.full_like(k, 1 / 3) * finest).sum()) == pytest.approx(-1 / 3)
    assert float((torch.tensor([-0.25, 1.5, -0.25]) * finest).sum()) > 1


@pytest.mark.parametrize("f", [0.05, 0.2, 0.5])
def test_wave_through_a_difference(f: float) -> None:
    u = torch.arange(40, dtype=torch.float64)
    found = gradient(torch.cos(2 * math.pi * f * u).expand(1, 1, 2, 40))[1, 0, 0, 0, :-1]
    torch.testing.assert_close(found, (-2 * math.sin(math.pi * f) * torch.sin(2 * math.pi * f * (u + 0.5)))[:-1])
    # a quarter of a wave and half a pixel further on
    moved = 2 * math.sin(math.pi * f) * torch.cos(2 * math.pi * f * (u + 0.5 + 1 / (4 * f)))
    torch.testing.assert_close(found, moved[:-1])


def test_adjoint() -> None:
    taps = gaussian_window(1.0)
    x = noise(1, 1, 12, 13)
    v = noise(*correlate(x, taps).shape, seed=1)
    assert float((correlate(x, taps) * v).sum()) == pytest.approx(float((x * correlate_adjoint(v, taps)).sum()))


def test_adjoint_of_a_symmetric_blur_is_the_blur_inside_alone() -> None:
    taps, x = gaussian_window(1.0), torch.ones(1, 1, 20, 20, dtype=torch.float64)
    back = correlate_adjoint(correlate(x, taps), taps)[0, 0]
    assert back[10, 10].item() == pytest.approx(1) and back[0, 0].item() < 0.2


def test_a_symmetric_blur_is_its_own_adjoint_with_zeros_past_the_border_and_not_with_reflections() -> None:
    taps, rows = gaussian_window(1.0), torch.eye(12, dtype=torch.float64)[:, None]
    radius = taps.numel() // 2

    def matrix(mode: str) -> Tensor:
        return torch.nn.functional.conv1d(torch.nn.functional.pad(rows, (radius, radius), mode), taps[None, None])[:, 0]

    zeros, reflected = matrix("constant"), matrix("reflect")
    torch.testing.assert_close(zeros, zeros.T)
    renormalised = zeros / zeros.sum(dim=0)  # column j holds the weights of output j
    for blur in (reflected, renormalised):
        assert float((blur - blur.T).abs().max()) > 0.01


def test_chain_rule() -> None:
    taps, x = gaussian_window(1.0), noise(1, 1, 12, 13).requires_grad_()
    target = noise(*correlate(x, taps).shape, seed=1)
    loss = (correlate(x, taps) - target).square().mean()
    (slope,) = torch.autograd.grad(loss, x)
    seen = 2 * (correlate(x.detach(), taps) - target) / target.numel()
    torch.testing.assert_close(slope, correlate_adjoint(seen, taps))


def test_divergence() -> None:
    x, xi = noise(1, 1, 5, 6), noise(2, 1, 1, 5, 6, seed=1)
    xi[0, ..., -1, :] = 0  # what would leave the picture counts as 0
    xi[1, ..., -1] = 0
    assert float((gradient(x) * xi).sum()) == pytest.approx(-float((x * divergence(xi)).sum()))
    found = divergence(xi)[0, 0]
    down, right = xi[0, 0, 0], xi[1, 0, 0]
    for i in range(5):
        for j in range(6):
            above, left = (down[i - 1, j] if i else 0), (right[i, j - 1] if j else 0)
            assert found[i, j].item() == pytest.approx(float(down[i, j] - above + right[i, j] - left))
    assert float(found.sum()) == pytest.approx(0, abs=1e-12)


def test_gaussian_likelihood() -> None:
    y, s = noise(30), 0.3
    z = y + s * noise(30, seed=1)
    found = -float(torch.distributions.Normal(y, s).log_prob(z).sum())
    assert found == pytest.approx(
        float((z - y).square().sum()) / (2 * s**2) + 30 * math.log(s * math.sqrt(2 * math.pi))
    )


def test_laplace_likelihood() -> None:
    y, b = noise(30), 0.3
    z = y + b * noise(30, seed=1)
    found = -float(torch.distributions.Laplace(y, b).log_prob(z).sum())
    assert found == pytest.approx(float((z - y).abs().sum()) / b + 30 * math.log(2 * b))


def test_map() -> None:
    """For one pixel with a Gaussian prior the most probable value is known."""
    z, s, spread = 0.8, 0.2, 0.4
    y = torch.linspace(-1, 2, 300_001, dtype=torch.float64)
    likelihood, prior = torch.distributions.Normal(y, s), torch.distributions.Normal(0.0, spread)
    best = y[(-likelihood.log_prob(torch.tensor(z)) - prior.log_prob(y)).argmin()]
    assert best.item() == pytest.approx(z * spread**2 / (spread**2 + s**2), abs=1e-4)


def test_weight_of_the_prior() -> None:
    """Noise of s and differences of scale b: nothing near the ROF answer with w = s^2 / b is more probable."""
    s, b = 0.2, 0.1
    z = noise(20)
    best = taut_string(z, s**2 / b)

    def improbable(y: Tensor) -> float:
        noise_part = torch.distributions.Normal(y, s).log_prob(z).sum()
        return -float(noise_part + torch.distributions.Laplace(0.0, b).log_prob(y[1:] - y[:-1]).sum())

    least = improbable(best)
    for seed in range(50):
        assert improbable(best + 0.01 * noise(20, seed=seed)) > least
    for wrong in (s / b, s**2, 2 * s**2 / b):
        assert improbable(taut_string(z, wrong)) > least


def test_the_weight_of_the_prior_in_two_dimensions_belongs_to_the_anisotropic_form() -> None:
    s, b = 0.2, 0.1
    z = noise(1, 1, 6, 6)

    def improbable(y: Tensor) -> float:
        priors = [torch.distributions.Laplace(0.0, b).log_prob(y.diff(dim=dim)).sum() for dim in (-1, -2)]
        return -float(torch.distributions.Normal(y, s).log_prob(z).sum() + sum(priors))

    found = {kind: rof(z, s**2 / b, kind=kind, tol=1e-6).image for kind in ("anisotropic", "isotropic")}
    least = improbable(found["anisotropic"])
    assert improbable(found["isotropic"]) > least
    for seed in range(50):
        assert improbable(found["anisotropic"] + 0.01 * noise(1, 1, 6, 6, seed=seed)) > least


def test_mean_is_the_best_answer() -> None:
    y, chances = torch.tensor([0.0, 1.0]).double(), torch.tensor([0.6, 0.4]).double()
    x = torch.linspace(-0.5, 1.5, 2001, dtype=torch.float64)[:, None]
    assert x[(chances * (x - y).square()).sum(dim=1).argmin()].item() == pytest.approx(0.4, abs=1e-3)
    assert x[(chances * (x - y).abs()).sum(dim=1).argmin()].item() == pytest.approx(0.0, abs=1e-3)


def test_expected_square_splits() -> None:
    y = noise(1000)
    for x in (-1.0, 0.3, 2.0):
        whole = float((x - y).square().mean())
        assert whole == pytest.approx((x - float(y.mean())) ** 2 + float(y.var(correction=0)))
