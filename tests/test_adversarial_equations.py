"""Every numbered equation of chapter 8, against plain transcriptions, finite differences, grids and simulations."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter
from torch import Tensor

import lossedu as le
from lossedu import data, filters
from lossedu.experiments import doubt

LOG2 = math.log(2)
K = torch.arange(-10, 11, dtype=torch.float64)
U = torch.linspace(-9, 9, 6001, dtype=torch.float64)
DU = 18 / 6000


def photo(size: int = 48, top: int = 60, left: int = 150) -> Tensor:
    return data.crop(data.photograph("astronaut"), top, left, size).double()


def some(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def bell(mean: float, deviation: float = 1.0) -> Tensor:
    return torch.exp(-((U - mean) ** 2) / (2 * deviation**2)) / (deviation * math.sqrt(2 * math.pi)) + 1e-300


def mix(*parts: tuple[float, float, float]) -> Tensor:
    return sum((share * bell(mean, deviation) for share, mean, deviation in parts), torch.zeros_like(U))


def kl(a: Tensor, b: Tensor) -> float:
    return float((a * (a / b).log()).sum() * DU)


def js(a: Tensor, b: Tensor) -> float:
    m = (a + b) / 2
    return (kl(a, m) + kl(b, m)) / 2


def critic(seed: int = 0, size: int = 20) -> torch.nn.Module:
    torch.manual_seed(seed)
    return le.ColorDiscriminator(image_size=size, width=0.1, norm="none").double()


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


PAIR = (mix((0.5, -1, 1), (0.5, 2, 1)), mix((1, 0.3, 1.5)))
PAIRS = (PAIR, (mix((1, 0, 1)), mix((1, 1, 1))), (mix((0.3, -2, 0.5), (0.7, 1, 0.7)), mix((0.9, 1, 0.7), (0.1, 3, 1))))


# The blur


@pytest.mark.equation("8.1")
def test_the_losses_are_cross_entropies_of_blurred_pictures() -> None:
    D, x, y = critic(), photo(40), photo(40, 90, 60)
    believed = [torch.sigmoid(D(le.color_blur(z))) for z in (x, y)]
    naive = -(believed[1].log().mean() + (1 - believed[0]).log().mean())
    assert float(le.color_discriminator_loss(D, x, y).detach()) == pytest.approx(float(naive.detach()), rel=1e-10)
    fooling = -believed[0].log().mean()
    assert float(le.adversarial_color_loss(D, x).detach()) == pytest.approx(float(fooling.detach()), rel=1e-10)


@pytest.mark.equation("8.2")
def test_the_printed_weights_are_those_of_the_preset() -> None:
    printed = 0.053 * torch.exp(-(K[:, None] ** 2) / (2 * 3) - K**2 / (2 * 3))
    window = filters.color_window("wespe")
    torch.testing.assert_close(printed / printed.sum(), torch.outer(window, window), rtol=1e-12, atol=1e-18)
    assert float(printed.sum()) == pytest.approx(0.999, abs=1e-3)
    assert 0.053 == round(1 / (6 * math.pi), 3) != round(1 / (18 * math.pi), 3)


@pytest.mark.equation("8.3")
@pytest.mark.parametrize("variance", [1.5, 3.0, 9.0])
def test_a_gaussian_sums_to_its_integral(variance: float) -> None:
    k = torch.arange(-60, 61, dtype=torch.float64)
    total = float(torch.exp(-(k[:, None] ** 2 + k**2) / (2 * variance)).sum())
    assert total == pytest.approx(2 * math.pi * variance, rel=1e-6)
    if variance == 9:
        assert 0.053 * total == pytest.approx(3, abs=0.01)


@pytest.mark.equation("8.4")
def test_the_root_of_a_gaussian_is_wider_by_the_root_of_two() -> None:
    s = 2.3
    torch.testing.assert_close(
        torch.exp(-(K**2) / (2 * s**2)).sqrt(), torch.exp(-(K**2) / (2 * (math.sqrt(2) * s) ** 2))
    )
    # What DPED's code does: roots of the masses in 21 bins of (6 + 1/3) / 21 deviations.
    nominal = math.sqrt(2) * 21 / (6 + 1 / 3)
    assert nominal == pytest.approx(4.69, abs=0.005)
    window = filters.color_window("dped")
    fitted = math.sqrt(-100 / (2 * math.log(float(window[20] / window[10]))))
    assert fitted == pytest.approx(nominal, rel=0.005)
    assert float((window * K**2).sum().sqrt()) == pytest.approx(4.34, abs=0.005)
    assert float(window[20] / window[10]) == pytest.approx(0.1, abs=0.01)


def response(window: Tensor, f: float) -> float:
    place = torch.arange(len(window), dtype=torch.float64) - len(window) // 2
    return float((window * torch.cos(2 * math.pi * f * place)).sum())


@pytest.mark.equation("8.5")
@pytest.mark.parametrize("s", [math.sqrt(3), 3.0, 4.69])
def test_what_a_gaussian_lets_through(s: float) -> None:
    wide = filters.gaussian_window(s, 2 * int(8 * s) + 1)
    for f in (0.01, 0.05, 0.1):
        assert response(wide, f) == pytest.approx(math.exp(-2 * (math.pi * s * f) ** 2), rel=1e-6)
    wave = torch.cos(2 * math.pi * torch.arange(400, dtype=torch.float64) / 20)
    blurred = torch.from_numpy(gaussian_filter(wave.numpy(), s, truncate=8, mode="wrap"))
    assert float(blurred[0] / wave[0]) == pytest.approx(math.exp(-2 * (math.pi * s / 20) ** 2), rel=1e-4)


@pytest.mark.equation("8.6")
def test_the_period_that_is_halved() -> None:
    assert math.pi * math.sqrt(2 / LOG2) == pytest.approx(5.34, abs=0.005)
    for s in (math.sqrt(3), 3.0):
        period = math.pi * s * math.sqrt(2 / LOG2)
        assert response(filters.gaussian_window(s, 61), 1 / period) == pytest.approx(0.5, abs=1e-4)
        assert response(filters.gaussian_window(s, 61), 1 / (0.8 * period)) < 0.4


@pytest.mark.equation("8.7")
def test_how_far_a_wave_stands_out_of_rounding() -> None:
    side, a, left = 80, 10.0, 0.01
    i = torch.arange(side, dtype=torch.float64)
    pattern = torch.cos(2 * math.pi * (7 * i[:, None] + 3 * i) / side)
    found = []
    for seed in range(300):
        busy = 128 + 20 * some(side, side, seed=seed)
        rounding = (busy + a * left * pattern).round() - (busy + a * left * pattern)
        assert float(rounding.var()) == pytest.approx(1 / 12, rel=0.1)
        found.append(float(2 * (rounding * pattern).mean()))
    spread = float(torch.tensor(found).std())
    by_formula = a * left * math.sqrt(6 * side**2)
    assert a * left / spread == pytest.approx(by_formula, rel=0.12)
    assert abs(a * left / spread / (2 * by_formula) - 1) > 0.4  # and not with another constant


@pytest.mark.equation("8.8")
@pytest.mark.parametrize("preset", ["wespe", "std3", "dped"])
def test_zeros_past_the_border_darken(preset: str) -> None:
    frame = le.color_blur(torch.full((1, 1, 50, 50), 0.7, dtype=torch.float64), preset=preset, padding="zeros")[0, 0]
    b = filters.color_window(preset)
    for d in range(11):
        by_formula = 0.7 / 2 * (1 + float(b[10])) + 0.7 * float(b[11 : 11 + d].sum())
        assert float(frame[25, d]) == pytest.approx(by_formula, rel=1e-9)
    assert float(frame[0, 0]) == pytest.approx(0.7 * ((1 + float(b[10])) / 2) ** 2, rel=1e-9)


# What critic and generator do


@pytest.mark.equation("8.9")
def test_the_loss_of_the_critic_is_an_integral() -> None:
    generator = torch.Generator().manual_seed(0)
    real = torch.randn(400_000, generator=generator, dtype=torch.float64) * 0.7 + 0.5
    fake = torch.randn(400_000, generator=generator, dtype=torch.float64) - 0.4

    def D(u: Tensor) -> Tensor:
        return torch.sin(u) + 0.3 * u

    drawn = float(F.softplus(-D(real)).mean() + F.softplus(D(fake)).mean())
    integral = (bell(0.5, 0.7) * F.softplus(-D(U)) + bell(-0.4) * F.softplus(D(U))).sum() * DU
    assert drawn == pytest.approx(float(integral), abs=4e-3)


@pytest.mark.equation("8.10")
def test_the_best_critic_is_the_logarithm_of_the_ratio() -> None:
    for p, q in itertools.product((0.01, 0.3, 2.0), repeat=2):
        tried = torch.linspace(-8, 8, 160_001, dtype=torch.float64)
        paid = p * F.softplus(-tried) + q * F.softplus(tried)
        assert float(tried[paid.argmin()]) == pytest.approx(math.log(p / q), abs=2e-4)


@pytest.mark.equation("8.11")
@pytest.mark.parametrize("pair", PAIRS)
def test_the_least_loss_of_a_critic(pair: tuple[Tensor, Tensor]) -> None:
    p, q = pair
    best = (p / q).log()

    def paid(d: Tensor) -> float:
        return float((p * F.softplus(-d) + q * F.softplus(d)).sum() * DU)

    assert paid(best) == pytest.approx(2 * LOG2 - 2 * js(p, q), abs=1e-7)
    assert all(paid(best + 0.3 * torch.sin(U + k)) > paid(best) + 1e-4 for k in range(3))
    assert js(p, p) == pytest.approx(0, abs=1e-12)


@pytest.mark.equation("8.12")
def test_slopes_of_the_two_forms_in_the_logit() -> None:
    d = torch.linspace(-10, 10, 81, dtype=torch.float64).requires_grad_()
    for paid, slope in ((-F.softplus(d), -torch.sigmoid(d)), (F.softplus(-d), -(1 - torch.sigmoid(d)))):
        (found,) = torch.autograd.grad(paid.sum(), d)
        torch.testing.assert_close(found, slope.detach())
    assert round(sigmoid(-10), 5) == 0.00005


@pytest.mark.equation("8.12")
def test_the_saturating_form_descends_twice_js() -> None:
    p, q = PAIR
    change = bell(1.0, 0.5) - bell(-1.0, 0.5)
    slope = float((change * -F.softplus((p / q).log())).sum() * DU)  # of -softplus(D*), with D* held
    by_js = (2 * js(p, q + 1e-5 * change) - 2 * js(p, q - 1e-5 * change)) / 2e-5
    assert slope == pytest.approx(by_js, rel=1e-5)


@pytest.mark.equation("8.13")
@pytest.mark.parametrize("pair", PAIRS)
def test_what_the_non_saturating_generator_descends(pair: tuple[Tensor, Tensor]) -> None:
    p, q = pair
    m = (p + q) / 2
    assert kl(q, p) - 2 * js(p, q) == pytest.approx(2 * kl(m, p), rel=1e-9)
    assert kl(m, p) > 0 and kl(p, p) == pytest.approx(0, abs=1e-12)
    change = 0.1 * (bell(0.4, 0.5) - bell(-0.2, 0.6))
    slope = float((change * F.softplus(-(p / q).log())).sum() * DU)  # of softplus(-D*), with D* held

    def descended(step: float) -> float:
        moved = q + step * change
        return 2 * kl((p + moved) / 2, p)

    assert slope == pytest.approx((descended(1e-4) - descended(-1e-4)) / 2e-4, rel=1e-4)


@pytest.mark.equation("8.13")
def test_it_is_dear_to_make_what_does_not_exist_and_cheap_to_leave_out() -> None:
    def integrand(p: float, q: float) -> float:
        m = (p + q) / 2
        return 2 * m * math.log(m / p)

    assert integrand(1e-9, 1) > 15 and integrand(1e-30, 1) > 60
    assert integrand(1, 0) == pytest.approx(-LOG2)


@pytest.mark.equation("8.14")
def test_apart_js_is_flat() -> None:
    values = [js(bell(-g / 2, 0.3), bell(g / 2, 0.3)) for g in (6.0, 8.0, 10.0)]
    assert values == pytest.approx([LOG2] * 3, abs=1e-9)
    assert js(bell(-0.3, 0.3), bell(0.3, 0.3)) < 0.5
    best = (bell(-4, 0.3) / bell(4, 0.3)).log()
    assert float(best[(U + 4).abs().argmin()]) > 300 and float(best[(U - 4).abs().argmin()]) < -300


@pytest.mark.equation("8.15")
def test_with_the_input_as_real_the_identity_is_an_optimum() -> None:
    z = photo(40)
    for seed in range(4):
        D = critic(seed)
        D.layers[-1].bias.data += 0.1 * seed  # type: ignore[index,union-attr,operator]
        assert float(le.color_discriminator_loss(D, z, z).detach()) >= 2 * LOG2 - 1e-12
    law = mix((0.4, -1, 0.5), (0.6, 1, 0.8))
    identity, warmer = law, mix((0.4, -0.5, 0.5), (0.6, 1.5, 0.8))
    assert 2 * js(law, identity) == pytest.approx(0, abs=1e-12) and 2 * js(law, warmer) > 0.05


@pytest.mark.equation("8.15")
def test_and_another_target_changes_nothing() -> None:
    """One step of both players, with the roles swapped: `y` is not an argument of anything."""

    def trained(swapped: bool, y: Tensor) -> list[Tensor]:
        torch.manual_seed(0)
        G, D, z = torch.nn.Conv2d(3, 3, 1).double(), critic(), photo(40)
        steps = torch.optim.SGD([*G.parameters(), *D.parameters()], lr=0.1)
        for _ in range(3):
            steps.zero_grad()
            x = G(z)
            (le.color_discriminator_loss(D, x, z if swapped else y) + le.adversarial_color_loss(D, x)).backward()
            steps.step()
        return [*G.parameters(), *D.parameters()]

    targets = photo(40, 90, 60), photo(40, 200, 200)
    for swapped in (True, False):
        same = [torch.equal(a, b) for a, b in zip(*(trained(swapped, y) for y in targets), strict=True)]
        assert all(same) == swapped


# Other pairs of losses: what the table says of their best critics

PAID: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor], Callable[[float, float], float]]] = {
    "least squares": (lambda d: (d - 1) ** 2, lambda d: d**2, lambda p, q: p / (p + q)),
    "hinge": (lambda d: F.relu(1 - d), lambda d: F.relu(1 + d), lambda p, q: math.copysign(1, p - q)),
}


@pytest.mark.parametrize("name", PAID)
def test_the_best_critics_of_the_table(name: str) -> None:
    real, fake, best = PAID[name]
    tried = torch.linspace(-3, 3, 60_001, dtype=torch.float64)
    for p, q in ((0.2, 0.7), (1.5, 0.4), (0.9, 1.0)):
        paid = p * real(tried) + q * fake(tried)
        assert float(tried[paid.argmin()]) == pytest.approx(best(p, q), abs=2e-4)


def test_the_relativistic_critic_is_the_logarithm_of_the_ratio_up_to_a_constant() -> None:
    p, q = torch.tensor([0.5, 0.3, 0.2]).double(), torch.tensor([0.1, 0.3, 0.6]).double()
    d = torch.zeros(3, dtype=torch.float64).requires_grad_()
    optimiser = torch.optim.LBFGS([d], max_iter=200, tolerance_grad=1e-10, tolerance_change=1e-14)

    def closure() -> Tensor:
        optimiser.zero_grad()
        paid = (p[:, None] * q * F.softplus(d - d[:, None])).sum()  # y by rows, x by columns: D(x) - D(y)
        paid.backward()
        return paid

    optimiser.step(closure)
    offset = d.detach() - (p / q).log()
    assert float(offset.max() - offset.min()) < 1e-4


def test_the_wasserstein_critic_measures_a_distance() -> None:
    x, y = some(40), some(40, seed=1) + 1
    w1 = float((x.sort().values - y.sort().values).abs().mean())
    ends = torch.cat([x, y]).sort().values
    f, g = (torch.searchsorted(z.sort().values, ends[:-1], right=True).double() / 40 for z in (x, y))
    steepest = torch.cat([torch.zeros(1).double(), ((f - g).sign() * ends.diff()).cumsum(0)])  # slope +-1

    def D(u: Tensor) -> Tensor:
        return steepest[torch.searchsorted(ends, u)]

    assert float(D(x).mean() - D(y).mean()) == pytest.approx(-w1, rel=1e-9)
    assert float(0.9 * x.mean() - 0.9 * y.mean()) >= -w1


# The smallest GAN


def flow(theta: float, psi: float, form: str = "non-saturating", gamma: float = 0.0) -> tuple[float, float]:
    """(8.16), from the losses by autograd, with the penalty of (8.20)."""
    t, s = (torch.tensor(v, dtype=torch.float64).requires_grad_() for v in (theta, psi))
    d = s * t
    pays = F.softplus(-d) if form == "non-saturating" else -F.softplus(d)
    (down,) = torch.autograd.grad(pays, t, retain_graph=True)
    u = torch.zeros(1, dtype=torch.float64).requires_grad_()  # the real pictures
    (slope,) = torch.autograd.grad((s * u).sum(), u, create_graph=True)
    told = F.softplus(-(s * u)).sum() + F.softplus(d) + gamma / 2 * slope.square().sum()
    (turn,) = torch.autograd.grad(told, s)
    return -float(down), -float(turn)


@pytest.mark.equation("8.16")
def test_the_two_equations_are_the_slopes_of_the_losses() -> None:
    for theta, psi in ((1.0, 0.0), (0.5, -2.0), (-1.5, 0.7)):
        pull, turn = flow(theta, psi)
        assert pull == pytest.approx(psi * sigmoid(-psi * theta), rel=1e-12)
        assert turn == pytest.approx(-theta * sigmoid(psi * theta), rel=1e-12)
        assert flow(theta, psi, "saturating")[0] == pytest.approx(psi * sigmoid(psi * theta), rel=1e-12)


def jacobian(gamma: float = 0.0, form: str = "non-saturating") -> Tensor:
    h = 1e-5
    columns = []
    for dt, dp in ((h, 0.0), (0.0, h)):
        up, down = flow(dt, dp, form, gamma), flow(-dt, -dp, form, gamma)
        columns.append([(a - b) / (2 * h) for a, b in zip(up, down, strict=True)])
    return torch.tensor(columns, dtype=torch.float64).T


@pytest.mark.equation("8.17")
@pytest.mark.parametrize("form", ["saturating", "non-saturating"])
def test_near_the_goal_it_is_a_rotation(form: str) -> None:
    found = jacobian(form=form)
    torch.testing.assert_close(found, torch.tensor([[0, 0.5], [-0.5, 0]]).double(), rtol=0, atol=1e-8)
    values = torch.linalg.eigvals(found)
    assert sorted(values.imag.tolist()) == pytest.approx([-0.5, 0.5], abs=1e-8)
    assert values.real.abs().max() < 1e-8


def walk(h: float, steps: int, form: str = "non-saturating", gamma: float = 0.0) -> list[tuple[float, float]]:
    theta, psi, path = 1.0, 0.0, []
    for _ in range(steps):
        path.append((theta, psi))
        d = psi * theta
        pull = sigmoid(-d) if form == "non-saturating" else sigmoid(d)
        theta, psi = theta + h * pull * psi, psi - h * (sigmoid(d) * theta + gamma * psi)
    return path


@pytest.mark.equation("8.18")
@pytest.mark.parametrize("h", [0.02, 0.2, 1.0])
def test_every_step_of_the_saturating_form_leads_outward(h: float) -> None:
    path = walk(h, 50, "saturating")
    for (theta, psi), (theta2, psi2) in itertools.pairwise(path):
        factor = 1 + (h * sigmoid(theta * psi)) ** 2
        assert theta2**2 + psi2**2 == pytest.approx(factor * (theta**2 + psi**2), rel=1e-12)


def test_in_turns_the_linear_map_leads_neither_out_nor_in() -> None:
    for h in (0.1, 1.0):
        first = torch.tensor([[1, h / 2], [0, 1]]).double()
        second = torch.tensor([[1, 0], [-h / 2, 1]]).double()
        sizes = torch.linalg.eigvals(second @ first).abs()
        assert sizes.tolist() == pytest.approx([1, 1], abs=1e-7)  # tensors above are made of float32 numbers


@pytest.mark.equation("8.19")
@pytest.mark.parametrize("h", [0.02, 0.05, 0.1])
def test_the_non_saturating_form_ends_on_a_circle(h: float) -> None:
    path = torch.tensor(walk(h, int(24 / h**2)), dtype=torch.float64)
    radius = float(path[-int(80 / h) :].norm(dim=1).mean())
    assert radius == pytest.approx(math.sqrt(2 * h), rel=0.02)


@pytest.mark.equation("8.20")
def test_r1_is_the_squared_slope_at_real_pictures() -> None:
    for psi, gamma in ((0.7, 0.3), (-1.2, 2.0)):
        with_it, without = flow(0.4, psi, gamma=gamma), flow(0.4, psi)
        assert with_it[0] == without[0]
        assert with_it[1] - without[1] == pytest.approx(-gamma * psi, rel=1e-9)
    D = critic()
    y = le.color_blur(photo(40)).requires_grad_()
    (slope,) = torch.autograd.grad(D(y).sum(), y)
    step = 1e-5 * slope / slope.norm()
    with torch.no_grad():
        rise = float((D(y + step) - D(y - step)) / 2e-5)
    assert float(slope.norm()) == pytest.approx(rise, rel=1e-5)


@pytest.mark.equation("8.21")
@pytest.mark.parametrize("gamma", [0.1, 0.5, 1.5, 4.0])
def test_with_r1_it_spirals_in(gamma: float) -> None:
    found = torch.linalg.eigvals(jacobian(gamma))
    root = complex(gamma**2 / 4 - 1 / 4) ** 0.5
    wanted = sorted((-gamma / 2 + sign * root for sign in (1, -1)), key=lambda v: (v.real, v.imag))
    ordered = sorted(found.tolist(), key=lambda v: (round(v.real, 6), v.imag))
    assert ordered == pytest.approx(wanted, abs=1e-6)
    assert found.real.max() < 0
    end = walk(0.05, int(4000 / min(gamma, 1 / gamma) / 4), gamma=gamma)[-1]
    assert math.hypot(*end) < 1e-3
    if gamma == 4:
        assert float(found.real.max()) == pytest.approx(-1 / (4 * gamma), rel=0.03)


@pytest.mark.equation("8.22")
def test_a_bounded_slope_bounds_the_pull() -> None:
    torch.manual_seed(0)
    layers = [torch.nn.Linear(30, 20), torch.nn.Linear(20, 10), torch.nn.Linear(10, 1)]
    for layer in layers:
        layer.weight.data /= torch.linalg.matrix_norm(layer.weight.data, 2)
    D = torch.nn.Sequential(layers[0], torch.nn.LeakyReLU(0.2), layers[1], torch.nn.LeakyReLU(0.2), layers[2]).double()
    u = (5 * some(200, 30)).requires_grad_()
    logits = D(u)
    (slope,) = torch.autograd.grad(logits.sum(), u)
    (pull,) = torch.autograd.grad(F.softplus(-D(u)).sum(), u)
    torch.testing.assert_close(pull.norm(dim=1), torch.sigmoid(-logits[:, 0]).detach() * slope.norm(dim=1))
    assert float(slope.norm(dim=1).max()) <= 1 + 1e-6 and float(pull.norm(dim=1).max()) < 1


@pytest.mark.equation("8.22")
def test_and_does_not_damp() -> None:
    theta, psi, far = 1.0, 0.0, []
    for _ in range(2000):
        d = psi * theta
        theta, psi = theta + 0.2 * sigmoid(-d) * psi, psi - 0.2 * sigmoid(d) * theta
        psi = max(-0.5, min(0.5, psi))
        far.append(math.hypot(theta, psi))
    assert min(far[-200:]) > 0.4


def test_the_singular_value_of_reshaped_weights_is_not_that_of_the_convolution() -> None:
    torch.manual_seed(0)
    layer = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Conv2d(1, 1, 5, padding=2, bias=False))
    layer.train()
    for _ in range(20):
        layer(torch.zeros(1, 1, 9, 9))
    layer.eval()
    assert float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)) == pytest.approx(1, abs=1e-3)
    waves = torch.fft.fft2(layer.weight.detach(), s=(64, 64)).abs().max()
    assert float(waves) > 1.5


# The network that judges, and pairs


@pytest.mark.equation("8.23")
def test_instance_normalisation_takes_a_tint_out() -> None:
    torch.manual_seed(0)
    W, norm = torch.nn.Conv2d(3, 6, 5, stride=2).double(), torch.nn.InstanceNorm2d(6, eps=1e-3)
    x = photo(40)
    c = torch.tensor([0.1, 0.02, -0.2]).double().view(1, 3, 1, 1)
    with torch.no_grad():
        torch.testing.assert_close(norm(W(x + c)), norm(W(x)), rtol=0, atol=1e-12)
        assert float((W(x + c) - W(x)).abs().max()) > 0.01
        bent = [norm(F.leaky_relu(W(z), 0.2)) for z in (x + c, x)]
        assert float((bent[0] - bent[1]).abs().max()) > 1e-3, "the bend is a leak"
        padded = torch.nn.functional.pad
        framed = [norm(W(padded(z, (2, 2, 2, 2)))) for z in (x + c, x)]
        assert float((framed[0] - framed[1]).abs().max()) > 1e-3, "zeros past the border are another"


@pytest.mark.equation("8.23")
@pytest.mark.parametrize(("border", "bend"), [(False, False), (False, True), (True, False), (True, True)])
def test_only_both_leaks_closed_hide_it_from_the_whole_critic(border: bool, bend: bool) -> None:
    torch.manual_seed(1)
    D = le.ColorDiscriminator(image_size=40, width=0.2).double()
    for layer in D.layers:
        if isinstance(layer, torch.nn.Conv2d) and not border:
            layer.padding_mode = "circular"
    if not bend:
        for index in (1, 3):
            D.layers[index].negative_slope = 1.0  # type: ignore[assignment]
    x = torch.cat([photo(40), photo(40, 90, 60), photo(40, 200, 200)])
    c = torch.tensor([0.06, 0.0, -0.06]).double().view(1, 3, 1, 1)
    with torch.no_grad():
        moved = float((D(x + c) - D(x)).abs().max() / D(x).std())
    assert moved < 1e-6 if not (border or bend) else moved > 0.01


@pytest.mark.equation("8.24")
def test_the_paired_loss_is_linear_inside() -> None:
    x, y = photo(40), photo(40, 61, 151)
    apart = (le.color_blur(x) - le.color_blur(y)).square().mean()
    together = le.color_blur(x - y).square().mean()
    assert float(le.blurred_mse_loss(x, y)) == pytest.approx(float(apart), rel=1e-10)
    assert float(apart) == pytest.approx(float(together), rel=1e-10)


def matrix(size: int) -> Tensor:
    """The valid blur of pictures size x size, as a matrix."""
    units = torch.eye(size * size, dtype=torch.float64).view(-1, 1, size, size)
    return le.color_blur(units).flatten(1).T


@pytest.mark.equation("8.25")
def test_both_gradients_end_with_the_adjoint_of_the_blur() -> None:
    B = matrix(24)
    x, y = (some(1, 1, 24, 24, seed=s).requires_grad_(s == 0) for s in (0, 1))
    (slope,) = torch.autograd.grad(le.blurred_mse_loss(x, y), x)
    by_hand = 2 / 16 * B.T @ B @ (x - y).detach().flatten()
    torch.testing.assert_close(slope.flatten(), by_hand, rtol=1e-9, atol=1e-14)

    class Bent(torch.nn.Module):
        def forward(self, u: Tensor) -> Tensor:
            return torch.tanh(u.flatten(1) @ torch.arange(16).double()) + u.square().sum(dim=(1, 2, 3))

    (slope,) = torch.autograd.grad(le.adversarial_color_loss(Bent(), x), x)
    seen = (B @ x.detach().flatten()).view(1, 1, 4, 4).requires_grad_()
    logit = Bent()(seen)
    (rise,) = torch.autograd.grad(logit.sum(), seen)
    by_hand = -torch.sigmoid(-logit.detach()) * (B.T @ rise.flatten())
    torch.testing.assert_close(slope.flatten(), by_hand, rtol=1e-9, atol=1e-14)


@pytest.mark.equation("8.26")
@pytest.mark.parametrize("preset", ["wespe", "std3", "dped"])
def test_the_price_is_the_squared_response(preset: str) -> None:
    waves = [1 / 64, 1 / 20, 1 / 11, 1 / 8]
    found = le.price(le.BlurredMSELoss(preset=preset), frequencies=waves)
    wanted = [response(filters.color_window(preset), f) ** 2 for f in waves]
    assert found.values.tolist() == pytest.approx(wanted, rel=2e-3, abs=1e-6)
    assert found.uniform == pytest.approx(1, rel=1e-4)


@pytest.mark.equation("8.27")
def test_the_expected_loss_asks_for_the_mean_through_the_blur() -> None:
    targets, mean = doubt.edges(reach=4, height=30, width=40).double(), None
    mean = targets.mean(dim=0, keepdim=True)
    blur = partial(le.color_blur, preset="std3")

    def expected(x: Tensor) -> float:
        return float(torch.stack([blur(x - y[None]).square().sum() for y in targets]).mean())

    rest = expected(mean)
    for seed in range(3):
        x = mean + 0.1 * some(*mean.shape, seed=seed)
        assert expected(x) == pytest.approx(float(blur(x - mean).square().sum()) + rest, rel=1e-9)
        assert expected(x) > rest
    hidden = some(*mean.shape, seed=9)
    hidden = hidden - le.gaussian_blur(hidden, 3.0, kernel_size=21)
    assert expected(mean + 0.1 * hidden) < rest + 0.02 * float((0.1 * hidden).square().sum())


# Pairs that do not register


@pytest.mark.equation("8.28")
@pytest.mark.parametrize("d", [(1, 0), (0, 3), (2, -1)])
@pytest.mark.parametrize("preset", ["wespe", "dped"])
def test_what_a_shift_costs(d: tuple[int, int], preset: str) -> None:
    y = photo(48)[:, 1:2]
    window = filters.color_window(preset)

    def around(x: Tensor) -> Tensor:
        return le.color_blur(F.pad(x, (10, 10, 10, 10), mode="circular"), preset=preset)

    cost = float(around(y.roll(d, dims=(2, 3)) - y).square().mean())
    f = torch.fft.fftfreq(48, dtype=torch.float64)
    one = torch.tensor([response(window, float(v)) for v in f], dtype=torch.float64)
    through = (one[:, None] * one) ** 2
    power = torch.fft.fft2(y[0, 0]).abs().square() / 48**4
    assert float(power.sum()) == pytest.approx(float(y.square().mean()), rel=1e-9)
    turned = 4 * torch.sin(math.pi * (f[:, None] * d[0] + f * d[1])) ** 2
    assert cost == pytest.approx(float((power * through * turned).sum()), rel=1e-8)


@pytest.mark.equation("8.29")
def test_random_shifts_blur_by_their_distribution() -> None:
    y = photo(48)[:, :1]
    shares = {-2: 0.1, 0: 0.5, 1: 0.3, 3: 0.1}
    mean = sum((p * y.roll(d, dims=3) for d, p in shares.items()), torch.zeros_like(y))
    f = torch.fft.fftfreq(48, dtype=torch.float64)
    keeps = sum(p * torch.exp(-2j * math.pi * f * d) for d, p in shares.items())
    torch.testing.assert_close(torch.fft.fft2(mean), torch.fft.fft2(y) * keeps, rtol=1e-8, atol=1e-8)
    act = le.bayes_act(le.mse_loss, torch.cat([y.roll(d, dims=3) for d in shares]), list(shares.values()), steps=150)
    torch.testing.assert_close(act, mean, rtol=0, atol=1e-4)


@pytest.mark.equation("8.30")
def test_the_least_over_shifts_is_a_search() -> None:
    x, y = photo(24), photo(24, 62, 149)
    s = 3
    tried = [
        float((x[..., s:-s, s:-s] - y[..., s + u : 24 - s + u, s + v : 24 - s + v]).square().mean())
        for u in range(-s, s + 1)
        for v in range(-s, s + 1)
    ]
    assert float(le.min_shift_loss(x, y, shift=s)) == pytest.approx(min(tried), rel=1e-9, abs=1e-15)
    assert min(tried) == pytest.approx(0, abs=1e-15) and max(tried) > 1e-3


@pytest.mark.equation("8.31")
@pytest.mark.parametrize("h", [0.1, 0.5])
def test_the_contextual_loss_written_out(h: float) -> None:
    x, y, eps = some(1, 6, 3, 4), some(1, 6, 3, 4, seed=1), 1e-5
    xs, ys = (z.flatten(2)[0].T for z in (x, y))
    mean = ys.mean(dim=0)
    best = [0.0] * len(ys)
    for a in xs:
        d = [1 - float(F.cosine_similarity(a - mean, b - mean, dim=0)) for b in ys]
        w = [math.exp((1 - v / (min(d) + eps)) / h) for v in d]
        best = [max(old, v / sum(w)) for old, v in zip(best, w, strict=True)]
    wanted = -math.log(sum(best) / len(best))
    assert float(le.contextual_loss(x, y, bandwidth=h, eps=eps)) == pytest.approx(wanted, rel=1e-6)


# Failures


@pytest.mark.equation("8.32")
def test_contrast_does_not_know_a_negative() -> None:
    x = photo(40)
    h = some(4, 3, 5, 5)
    h = h - h.mean(dim=(1, 2, 3), keepdim=True)
    torch.testing.assert_close(F.conv2d(1 - x, h).abs(), F.conv2d(x, h).abs(), rtol=0, atol=1e-10)
    assert float((F.conv2d(1 - x, h + 0.1).abs() - F.conv2d(x, h + 0.1).abs()).abs().max()) > 0.1


@pytest.mark.equation("8.33")
def test_one_norm_cancels_on_a_diagonal_ramp() -> None:
    i = torch.arange(20, dtype=torch.float64)
    ramp = (i - i[:, None]) / 40
    down, right = ramp.diff(dim=0)[:, :-1], ramp.diff(dim=1)[:-1]
    assert float((down + right).norm()) == pytest.approx(0, abs=1e-12)
    assert float(down.norm() + right.norm()) == pytest.approx(2 * float(down.norm())) and float(down.norm()) > 0.1
