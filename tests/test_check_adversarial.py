"""The exercises of chapter 8: model solutions pass, typical mistakes are called by their name."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import chapter_solutions
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import lossedu as le
from lossedu import check, data
from lossedu.check.adversarial import hidden, kernels, logits, optimal, penalties, shifts, sides
from lossedu.check.adversarial.answers import distinct
from lossedu.check.adversarial.dirac import simultaneous, walk
from lossedu.filters import color_window

FUNCTIONS = {
    "valid_blur": "blur",
    "border_light": "left",
    "generator_loss": "fooling",
    "critic_loss": "telling",
    "gaussian_critic": "line",
    "uniform_divergence": "divergence",
    "dirac_step": "step",
    "dirac_factor": "factor",
    "least_gamma": "least",
    "r1_penalty": "r1",
    "min_shift": "min_shift",
}

solutions = chapter_solutions.solutions("ch08")


def hints(verdict: check.Verdict) -> str:
    return " | ".join(item.hint for item in verdict.failures)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_model_solution_passes(name: str) -> None:
    verdict = getattr(check, name)(getattr(solutions, FUNCTIONS[name]))
    assert verdict.passed, verdict
    assert len(verdict.properties) >= 5


# --- exercise 1


def test_the_numbers_of_exercise_1() -> None:
    verdict = check.printed_kernel(**solutions.kernel)
    assert verdict.passed and "2.994" in verdict.notes[0]
    rounded = check.printed_kernel(as_variance=1, as_deviation=3, too_bright="deviation", half=9.2)
    assert rounded.passed
    offsets = torch.arange(-10, 11).double()
    for power, value in ((1, kernels.printed_sum(1)), (2, kernels.printed_sum(2))):
        plane = 0.053 * torch.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 3**power))
        assert float(plane.sum()) == pytest.approx(value, rel=1e-12)
    period, window = kernels.half_period(3**0.5), color_window("wespe")
    left = float((window * torch.cos(2 * math.pi * offsets / period)).sum())
    assert left == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize(
    ("changed", "hint"),
    [
        ({"as_variance": 3.0}, "this is the other reading"),
        ({"as_deviation": 1.0}, "this is the other reading"),
        ({"as_variance": 0.23}, "two directions"),
        ({"as_variance": 0.16}, "2π is missing"),
        ({"as_deviation": 56.5}, "times 0.053"),
        ({"too_bright": "variance"}, "its level times the sum"),
        ({"half": 16.0}, "the square root of 3"),
        ({"half": 13.1}, "half of the *power*"),
        ({"half": 0.108}, "the period is its inverse"),
    ],
)
def test_a_wrong_number_of_exercise_1_is_explained(changed: dict[str, Any], hint: str) -> None:
    verdict = check.printed_kernel(**(solutions.kernel | changed))
    assert len(verdict.failures) == 1 and hint in hints(verdict), verdict
    assert not verdict.notes


def test_exercise_1_unfinished_says_nothing() -> None:
    assert len(check.printed_kernel(as_variance=None, too_bright="?").properties) == 1
    assert len(check.printed_kernel(too_bright="deviation", as_variance=1).failures) == 1
    assert not check.printed_kernel(**(solutions.kernel | {"half": "nine"})).passed


# --- exercise 2


def rows(variance: float, like: Tensor) -> Tensor:
    offsets = torch.arange(21, dtype=like.dtype) - 10
    return torch.exp(-offsets.square() / (2 * variance))


def blurred(x: Tensor, row: Tensor) -> Tensor:
    plane = torch.outer(row, row).expand(x.shape[1], 1, 21, 21)
    return F.conv2d(x, plane, groups=x.shape[1])


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x: le.color_blur(x, padding="zeros"), "keeps the size"),
        (lambda x: le.color_blur(x, padding="reflect"), "keeps the size"),
        (lambda x: le.color_blur(x, preset="dped"), "DPED's code"),
        (lambda x: blurred(x, rows(9, x) / rows(9, x).sum()), "3 is the variance here"),
        (lambda x: blurred(x, rows(9, x) * 0.053**0.5), "three times too bright"),
        (lambda x: blurred(x, rows(3, x) * 0.053**0.5), "sum to 0.999"),
        (lambda x: blurred(x, rows(1.5, x) / rows(1.5, x).sum()), "the 2 below the exponent"),
        (lambda x: blurred(x, rows(3, x)), "not divided by their sum"),
        (lambda x: le.color_blur(x).mean(dim=1, keepdim=True), "blur each by itself"),
        (lambda x: le.color_blur(x).mean(dim=1, keepdim=True).expand(-1, x.shape[1], -1, -1), "channels are mixed"),
        (lambda x: F.conv2d(x, torch.ones(1, 1, 21, 21).double()), "conv2d mixes channels"),
        (lambda x: blurred(x, rows(3, x).float()), "the dtype of x"),
        (lambda x: le.color_blur(x.detach()), "with its graph"),
    ],
)
def test_wrong_blurs_are_explained(answer: Callable[[Tensor], Any], hint: str) -> None:
    verdict = check.valid_blur(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_blurs_in_another_style_pass() -> None:
    def by_loops(x: Tensor) -> Tensor:
        row = (rows(3, x) / rows(3, x).sum()).tolist()
        height, width = x.shape[-2] - 20, x.shape[-1] - 20
        out = torch.zeros(*x.shape[:2], height, width, dtype=x.dtype)
        for i, a in enumerate(row):
            for j, b in enumerate(row):
                out = out + a * b * x[..., i : i + height, j : j + width]
        return out

    assert check.valid_blur(by_loops).passed
    assert check.valid_blur(lambda x: le.color_blur(x.float())).passed
    assert check.valid_blur(lambda x: blurred(x, rows(3, x) / rows(3, x).sum())).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda c: (1 - (1 + c) / 2, 1 - ((1 + c) / 2) ** 2), "what is left is asked for"),
        (lambda c: (0.5, 0.25), "a very wide window"),
        (lambda c: (((1 + c) / 2) ** 2, (1 + c) / 2), "the pair is edge, corner"),
        (lambda c: ((1 + c) / 2, (1 + c) / 4), "the factors multiply"),
        (lambda c: ((1 + c) / 2, c), "do not add up"),
        (lambda c: (0.5 + c, (0.5 + c) ** 2), "half of the others"),
        (lambda c: (1 + c) / 2, ""),
    ],
)
def test_wrong_borders_are_explained(answer: Callable[[float], Any], hint: str) -> None:
    verdict = check.border_light(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_the_closed_form_of_the_border_is_what_zeros_leave() -> None:
    for preset in ("wespe", "std3", "dped"):
        left = le.color_blur(torch.ones(1, 1, 60, 60).double(), preset=preset, padding="zeros")[0, 0]
        edge, corner = solutions.left(float(color_window(preset).max()))
        assert float(left[30, 0]) == pytest.approx(edge) and float(left[0, -1]) == pytest.approx(corner)
    assert check.border_light(lambda c: torch.tensor([(1 + c) / 2, (1 + c) ** 2 / 4])).passed
    verdict = check.border_light(solutions.left)
    assert verdict.target is not None and "<img" in verdict._repr_html_()


# --- exercise 3


def where(logit: Tensor) -> Tensor:
    return torch.where(logit > 0, torch.log1p(torch.exp(-logit)), -logit + torch.log1p(torch.exp(logit))).mean()


def bce(logit: Tensor) -> Tensor:
    return F.binary_cross_entropy(torch.sigmoid(logit), torch.ones_like(logit))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda z: -torch.log(torch.sigmoid(z)).mean(), "its logarithm infinite"),
        (lambda z: torch.log(1 + torch.exp(-z)).mean(), "exp overflows"),
        (lambda z: torch.log(1 - torch.sigmoid(z)).mean(), "the form that saturates"),
        (lambda z: -F.softplus(z).mean(), "the form that saturates"),
        (lambda z: F.softplus(z).mean(), "low where the critic says *fake*"),
        (lambda z: F.logsigmoid(z).mean(), "the loss is minus that"),
        (lambda z: F.softplus(-z).sum(), "this is the sum"),
        (lambda z: -torch.log(torch.sigmoid(z) + 1e-8).mean(), "a small number inside"),
        (lambda z: -torch.log(torch.sigmoid(z).clamp(min=1e-12)).mean(), "a small number inside"),
        (bce, "cuts the logarithm off at -100"),
        (lambda z: F.softplus(-z.clamp(-30, 30)).mean(), "the logits are clamped"),
        (where, "does not choose"),
        (lambda z: -torch.sigmoid(z).mean(), "the logarithm is missing"),
        (lambda z: (z - 1).square().mean(), "least squares"),
        (lambda z: -z.mean(), "Wasserstein"),
        (lambda z: F.softplus(-z).mean() / math.log(2), "in bits"),
        (lambda z: F.softplus(-z).mean().item(), "no .item()"),
        (lambda z: F.softplus(-z), "sum or average"),
    ],
)
def test_wrong_losses_of_a_generator_are_explained(answer: Callable[[Tensor], Any], hint: str) -> None:
    verdict = check.generator_loss(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_generators_losses_in_another_style_pass() -> None:
    ones = torch.ones_like
    assert check.generator_loss(lambda z: F.binary_cross_entropy_with_logits(z, ones(z))).passed
    assert check.generator_loss(lambda z: -F.logsigmoid(z).mean()).passed
    assert check.generator_loss(lambda z: torch.logaddexp(torch.zeros_like(z), -z).mean()).passed
    assert check.generator_loss(lambda z: sum(F.softplus(-one) for one in z.flatten()) / len(z)).passed
    assert check.generator_loss(lambda z: (F.relu(-z) + torch.log1p(torch.exp(-z.abs()))).mean()[None]).passed
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check.generator_loss(lambda z: F.softplus(-z.float()).mean()).passed


Critic = Callable[[nn.Module, Tensor, Tensor], Any]


def two(real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def unseen(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return two(critic(y), critic(x).detach())


def printed(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    real, fake = torch.sigmoid(critic(y)), torch.sigmoid(critic(x.detach()))
    return -(torch.log(real) + torch.log(1 - fake)).mean()


def as_labels(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    probability = torch.sigmoid(torch.cat([critic(y), critic(x.detach())]))
    labels = torch.cat([torch.ones(len(y), 1), torch.zeros(len(x), 1)]).to(probability)
    return 2 * F.binary_cross_entropy(probability, labels)


def nothing(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    with torch.no_grad():
        return two(critic(y), critic(x))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda c, x, y: two(c(x.detach()), c(y)), "changed round: y is real"),
        (lambda c, x, y: two(c(y), c(x)), "cut x off from its graph"),
        (unseen, "detach x, and not the logits"),
        (printed, "its logarithm infinite"),
        (as_labels, "cuts the logarithm off at -100"),
        (lambda c, x, y: two(c(y), c(x.detach())) / 2, "the mean of both sides"),
        (lambda c, x, y: two(c(y), c(x.detach())) * len(x), "summed over the pictures"),
        (lambda c, x, y: -two(c(y), c(x.detach())), "losses are made small"),
        (lambda c, x, y: F.softplus(-c(y)).mean(), "the processed pictures are missing"),
        (lambda c, x, y: F.softplus(c(x.detach())).mean(), "the real pictures are missing"),
        (lambda c, x, y: two(c(y), -c(x.detach())), "both are called real"),
        (lambda c, x, y: two(c(y).clamp(-20, 20), c(x.detach()).clamp(-20, 20)), "a clamp or a small number"),
        (lambda c, x, y: c(x.detach()).mean() - c(y).mean(), "Wasserstein"),
        (lambda c, x, y: F.relu(1 - c(y)).mean() + F.relu(1 + c(x.detach())).mean(), "a hinge"),
        (nothing, "the critic learns from this number"),
        (lambda c, x, y: two(c(y), c(x.detach())).item(), "the critic learns from this number"),
    ],
)
def test_wrong_losses_of_a_critic_are_explained(answer: Critic, hint: str) -> None:
    verdict = check.critic_loss(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_critics_losses_in_another_style_pass() -> None:
    def batched(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        found = critic(torch.cat([x.detach(), y])).flatten()
        labels = torch.cat([torch.zeros(len(x)), torch.ones(len(y))]).to(found)
        return 2 * F.binary_cross_entropy_with_logits(found, labels)

    def one_by_one(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        with torch.no_grad():
            x = x + 0
        pairs = zip(x, y, strict=True)
        return torch.stack([F.softplus(-critic(b[None])) + F.softplus(critic(a[None])) for a, b in pairs]).mean()

    assert check.critic_loss(batched).passed and check.critic_loss(one_by_one).passed
    real, fake = torch.randn(2, 4, 1).double()
    assert float(two(real, fake)) == pytest.approx(float(-(real.sigmoid().log() + (1 - fake.sigmoid()).log()).mean()))


def test_another_loss_is_not_told_that_its_logarithm_is_clamped() -> None:
    def swapped(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return F.softplus(critic(y)).mean() + F.softplus(-critic(x.detach())).mean()

    def clamped(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return F.softplus(-critic(y).clamp(-50, 50)).mean() + F.softplus(critic(x.detach()).clamp(-50, 50)).mean()

    assert "changed round" in hints(check.critic_loss(swapped)) and "clamp" not in hints(check.critic_loss(swapped))
    assert "a clamp or a small number" in hints(check.critic_loss(clamped))


# --- exercise 4


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda a, b, s: ((b - a) / s**2, (a * a - b * b) / 2 / s**2), "changed round"),
        (lambda a, b, s: ((a - b) / s, (b * b - a * a) / 2 / s), "the variance below it"),
        (lambda a, b, s: ((a - b) / 2 / s**2, (b * b - a * a) / 4 / s**2), "a factor 2 is missing"),
        (lambda a, b, s: ((a - b) / s**2, (b * b - a * a) / s**2), "halfway between both means"),
        (lambda a, b, s: ((a - b) / s**2, (a * a - b * b) / 2 / s**2), "the sign: the logit is 0 halfway"),
        (lambda a, b, s: ((a - b) / s**2, (b - a) ** 2 / 2 / s**2), "each square is taken by itself"),
        (lambda a, b, s: ((a - b) / s**2, (a + b) / 2), "its value at t = 0"),
        (lambda a, b, s: (a - b, (b * b - a * a) / 2), "the variance is missing"),
    ],
)
def test_wrong_lines_are_explained(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.gaussian_critic(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_the_line_is_the_logarithm_of_the_ratio_and_what_a_fit_finds() -> None:
    t = torch.linspace(-3, 3, 7).double()
    for a, b, s in optimal.GAUSSIANS:
        slope, offset = solutions.line(a, b, s)
        ratio = torch.distributions.Normal(a, s).log_prob(t) - torch.distributions.Normal(b, s).log_prob(t)
        assert torch.allclose(ratio.double(), slope * t + offset, rtol=1e-4, atol=1e-4)
    assert check.gaussian_critic(lambda a, b, s: torch.tensor(solutions.line(a, b, s))).passed
    fitted, derived = solutions.fitted(0.7, 0.2, 0.3), solutions.line(0.7, 0.2, 0.3)
    assert fitted == pytest.approx(derived, rel=0.03)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda d: abs(d) * math.log(2), "no more than all of it lies outside"),
        (lambda d: min(d, 1) * math.log(2), "as far as one to the right"),
        (lambda d: min(abs(d), 1), "this is in bits"),
        (lambda d: min(abs(d), 1) * math.log(2) / 2, "on both sides"),
        (lambda d: 2 * min(abs(d), 1) * math.log(2), "twice the divergence"),
        (lambda d: 2 * (1 - min(abs(d), 1)) * math.log(2), "solve for JS"),
        (lambda d: math.log(2) if d else 0.0, "log 2 only when they are apart"),
        (lambda d: min(abs(d), 1) ** 2 * math.log(2), "grows like the shift itself"),
        (lambda d: math.inf if d else 0.0, "Kullback-Leibler divergence is infinite"),
        (lambda d: math.nan, "counts as 0"),
    ],
)
def test_wrong_divergences_are_explained(answer: Callable[[float], float], hint: str) -> None:
    verdict = check.uniform_divergence(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_the_divergence_is_that_of_many_bins() -> None:
    t = (torch.arange(60000, dtype=torch.float64) + 0.5) / 10000 - 1
    for shift in (0.0, 0.25, 0.9, 1.0, 2.5):
        p, q = ((t > a) & (t < a + 1) for a in (0.0, shift))
        p, q = p.double() / 1e4, q.double() / 1e4
        m = (p + q) / 2
        numeric = sum(float(torch.xlogy(one, one / m.clamp(min=1e-300)).sum()) for one in (p, q)) / 2
        assert solutions.divergence(shift) == pytest.approx(numeric, abs=1e-9)
    assert check.uniform_divergence(lambda d: torch.tensor(abs(d)).clamp(max=1).double() * math.log(2)).passed


# --- exercise 5


def sig(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def turned(t: float, p: float, h: float, g: float) -> tuple[float, float]:
    p = p - h * (t * sig(p * t) + g * p)
    return t + h * p * sig(-p * t), p


def turned_other(t: float, p: float, h: float, g: float) -> tuple[float, float]:
    t = t + h * p * sig(-p * t)
    return t, p - h * (t * sig(p * t) + g * p)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (turned, "the critic's *new* slope"),
        (turned_other, "the generator's *new* place"),
        (lambda t, p, h, g: (t + h * p * sig(p * t), simultaneous(t, p, h, g)[1]), "the form that saturates"),
        (lambda t, p, h, g: (t - h * p * sig(-p * t), simultaneous(t, p, h, g)[1]), "uphill"),
        (lambda t, p, h, g: (t + h * p / 2, p - h * (t / 2 + g * p)), "at the origin, 1/2"),
        (lambda t, p, h, g: simultaneous(t, p, h, 0), "the penalty is missing"),
        (lambda t, p, h, g: simultaneous(t, p, h, 2 * g), "a factor 2 too many"),
        (lambda t, p, h, g: simultaneous(t, p, h, g / 2), "a factor 2 is missing"),
        (lambda t, p, h, g: simultaneous(t, p, h, -g), "away from 0"),
        (lambda t, p, h, g: simultaneous(t, p, h, g)[::-1], "changed round"),
        (lambda t, p, h, g: (simultaneous(t, p, h, g)[0], p + h * (t * sig(p * t) - g * p)), "uphill"),
    ],
)
def test_wrong_steps_are_explained(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.dirac_step(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_a_step_that_does_not_move_is_told_no_wrong_cause() -> None:
    verdict = check.dirac_step(lambda t, p, h, g: (t, p))
    assert len(verdict.failures) == 8 and hints(verdict).strip(" |") == ""


def test_a_step_by_autograd_passes() -> None:
    def by_autograd(theta: float, psi: float, h: float, gamma: float) -> list[Tensor]:
        place, slope = (torch.tensor(v, requires_grad=True) for v in (theta, psi))
        critic = F.softplus(-slope * 0) + F.softplus(slope * place) + gamma / 2 * slope**2
        (turn,) = torch.autograd.grad(critic, slope)
        (pull,) = torch.autograd.grad(F.softplus(-slope * place), place)
        return [place - h * pull, slope - h * turn]

    assert check.dirac_step(by_autograd).passed
    assert check.dirac_step(lambda *a: torch.stack(by_autograd(*a))).passed
    assert "<img" in check.dirac_step(by_autograd)._repr_html_()
    assert check.dirac_step(lambda *a: (0.0, 0.0)).target is None  # the picture answers what is to be predicted


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda h, g: 1 - h * g + h * h / 4, "this is the square"),
        (lambda h, g: math.sqrt(1 - h * g + h * h), "is 1/2, not 1"),
        (lambda h, g: math.sqrt(1 - h * g), "h²/4 is missing"),
        (lambda h, g: math.exp(-h * g / 2), "infinitely small steps"),
        (lambda h, g: math.sqrt(1 - 2 * h * g + h * h / 4), "not 2 gamma psi"),
        (lambda h, g: math.sqrt(1 + h * h / 4), "the penalty is missing"),
    ],
)
def test_wrong_factors_are_explained(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.dirac_factor(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_eigenvalues_instead_of_their_size_are_explained() -> None:
    def matrix(h: float, gamma: float) -> Tensor:
        return torch.tensor([[1, h / 2], [-h / 2, 1 - h * gamma]]).double()

    for answer in (
        lambda h, gamma: torch.linalg.eigvals(matrix(h, gamma)).abs(),
        lambda h, gamma: torch.linalg.eigvals(matrix(h, gamma)).abs().numpy(),
        lambda h, gamma: torch.linalg.eigvals(matrix(h, gamma))[0],
        lambda h, gamma: complex(torch.linalg.eigvals(matrix(h, gamma))[0]),
    ):
        assert "the size of an eigenvalue" in hints(check.dirac_factor(answer))
    assert check.dirac_factor(lambda h, gamma: torch.linalg.eigvals(matrix(h, gamma)).abs().max()).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda h: h, "is 1/2, not 1"),
        (lambda h: h * h / 4, "one h belongs to h gamma"),
        (lambda h: h / 8, "not 2 gamma psi"),
        (lambda h: 0.0, "infinitely small steps"),
        (lambda h: 4 / h, "upside down"),
        (lambda h: 1, "nothing turns any more"),
    ],
)
def test_wrong_penalties_are_explained(answer: Callable[[float], float], hint: str) -> None:
    verdict = check.least_gamma(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_factor_and_least_penalty_are_those_of_the_game() -> None:
    for h, gamma in ((0.2, 0.0), (0.2, 0.05), (0.5, 0.3), (1.0, 0.9)):
        step = torch.tensor([[1, h / 2], [-h / 2, 1 - h * gamma]]).double()
        assert float(torch.linalg.eigvals(step).abs().max()) == pytest.approx(solutions.factor(h, gamma))
        count = 400 if gamma < 0.2 else 60
        assert solutions.shrinks(h, gamma, steps=count) == pytest.approx(solutions.factor(h, gamma), abs=0.01)
    for h in (0.2, 0.8):
        assert solutions.factor(h, solutions.least(h)) == pytest.approx(1)
        assert solutions.shrinks(h, solutions.least(h) * 0.8) > 1 > solutions.shrinks(h, solutions.least(h) * 1.2)
    for h in (0.1, 0.3):  # from afar inwards, from near outwards, and then a ring
        for start in ((2.0, 0.0), (0.1, 0.0)):
            radii = [math.hypot(*state) for state in walk(h, 0.0, 6000, start)[-1000:]]
            assert sum(radii) / len(radii) == pytest.approx(math.sqrt(2 * h), rel=0.1)
    for h in (0.3, 2.0, 3.9):  # what the solution says of large penalties
        for gamma in (2 / h + h / 8 - 0.01, 2 / h + h / 8 + 0.01):
            step = torch.tensor([[1, h / 2], [-h / 2, 1 - h * gamma]]).double()
            size = float(torch.linalg.eigvals(step).abs().max())
            assert (size < 1) == (gamma < 2 / h + h / 8)
        assert h / 4 < 2 / h + h / 8


# --- exercise 6


def gradient(critic: nn.Module, z: Tensor, *, mean: bool = False, graph: bool = True) -> Tensor:
    leaf = z.detach().requires_grad_()
    logits = critic(leaf)
    (made,) = torch.autograd.grad(logits.mean() if mean else logits.sum(), leaf, create_graph=graph)
    return made


def each(slope: Tensor) -> Tensor:
    return slope.square().sum(dim=(1, 2, 3))


def through_backward(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    leaf = y.detach().requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        critic(leaf).sum().backward(create_graph=True)
    assert leaf.grad is not None
    return each(leaf.grad).mean()


def of_probabilities(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return each(gradient(lambda z: torch.sigmoid(critic(z)), y)).mean()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda c, x, y: each(gradient(c, x)).mean(), "at the processed pictures"),
        (lambda c, x, y: each(gradient(c, (x + y) / 2)).mean(), "between real and processed"),
        (lambda c, x, y: each(gradient(c, y)).mean() + each(gradient(c, x)).mean(), "plus the same of the processed"),
        (lambda c, x, y: each(gradient(c, y)).sqrt().mean(), "the norm is not squared"),
        (lambda c, x, y: each(gradient(c, y)).sqrt().mean() ** 2, "square each picture's norm"),
        (lambda c, x, y: gradient(c, y).square().mean(), "a mean over pixels and channels"),
        (lambda c, x, y: gradient(c, y).square().sum(), "the sum over the pictures"),
        (lambda c, x, y: each(gradient(c, y, mean=True)).mean(), "the 1/N in it is squared"),
        (lambda c, x, y: gradient(c, y, mean=True).norm() ** 2, "1/N is squared"),
        (lambda c, x, y: gradient(c, y).mean(dim=0).square().sum(), "averaged before the square"),
        (lambda c, x, y: gradient(c, y).norm(dim=1).square().mean(), "over channels only"),
        (lambda c, x, y: each(gradient(c, y)).mean() / 2, "stands before the penalty"),
        (lambda c, x, y: (each(gradient(c, y)).sqrt() - 1).square().mean(), "Wasserstein"),
        (of_probabilities, "the probability is differentiated"),
        (lambda c, x, y: each(gradient(c, y, graph=False)).mean(), "create_graph=True"),
        (lambda c, x, y: each(gradient(c, y)).mean().item(), "create_graph=True"),
        (through_backward, "also writes into the critic's parameters"),
        (lambda c, x, y: torch.autograd.grad(c(y).sum(), y), "come without a graph"),
        (lambda c, x, y: torch.autograd.grad(c(y.requires_grad_()), y), "one number has to be differentiated"),
    ],
)
def test_wrong_penalties_for_pictures_are_explained(answer: Critic, hint: str) -> None:
    verdict = check.r1_penalty(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_a_penalty_of_another_value_is_not_told_that_its_graph_is_cut() -> None:
    def not_squared(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return each(gradient(critic, y)).sqrt().mean()

    def of_the_weights(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        found = torch.autograd.grad(critic(y).sum(), list(critic.parameters()), create_graph=True)
        return sum((one.square().sum() for one in found), torch.zeros(()))

    for answer, said in ((not_squared, "not squared"), (of_the_weights, "that in the pictures is asked for")):
        told = hints(check.r1_penalty(answer))
        assert said in told and "create_graph" not in told


def test_penalties_in_another_style_pass() -> None:
    def one_by_one(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return sum((gradient(critic, one[None]).norm() ** 2 for one in y), torch.zeros(())) / len(y)

    def by_functions(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        slopes = [torch.func.grad(lambda z: critic(z[None]).squeeze())(one) for one in y]
        return torch.stack(slopes).square().sum(dim=(1, 2, 3)).mean()

    def with_ones(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        y.requires_grad_()
        found = critic(y)
        (made,) = torch.autograd.grad(found, y, torch.ones_like(found), create_graph=True)
        return each(made).mean()

    for answer in (one_by_one, by_functions, with_ones):
        assert check.r1_penalty(answer).passed, check.r1_penalty(answer)


def test_the_penalty_is_that_of_differences() -> None:
    critic, y = penalties.bent_critic(), torch.rand(2, 3, 7, 6, generator=torch.Generator().manual_seed(2)).double()
    steps = torch.eye(126).double().view(126, 3, 7, 6) * 1e-5
    with torch.no_grad():
        slopes = [(critic(one + steps) - critic(one - steps)) / 2e-5 for one in y]
    numeric = float(torch.stack(slopes).square().sum() / 2)
    assert float(penalties.squared_slope(critic, y).detach()) == pytest.approx(numeric, rel=1e-6)


# --- exercise 7


def test_the_predictions_of_exercise_7() -> None:
    verdict = check.hidden_changes(**solutions.changes)
    assert verdict.passed and len(verdict.notes) == 3
    assert {case: hidden.seen_by(case) for case in hidden.CASES} == solutions.changes
    wrong = check.hidden_changes(tint="hidden", gain="seen", negative="hidden", noise="bend")
    assert len(wrong.failures) == 4 and "moves values" in hints(wrong) and "divided out" in hints(wrong)
    assert not wrong.notes
    unfinished = check.hidden_changes(tint="?", gain="hidden")
    assert len(unfinished.properties) == 1
    assert not any(hint in repr(unfinished) for _, hint in hidden.CASES.values())


def test_what_exercise_7_says_of_the_critic() -> None:
    straight, bent, whole = hidden.measured()
    assert max(straight["tint"], straight["gain"]) < 1e-3 and straight["negative"] == pytest.approx(2, abs=1e-6)
    assert bent["tint"] > 0.05 and bent["gain"] < 0.005 and whole["gain"] == min(whole.values())
    start = hidden.change_of(hidden.second_maps(weights=0))
    bare = hidden.change_of(hidden.second_maps(weights=0, norm="none"))
    assert start["gain"] > 0.1 and bare["gain"] > 2 * start["gain"]
    before = torch.get_rng_state()
    hidden.second_maps()
    assert torch.equal(before, torch.get_rng_state())


# --- exercise 8


def tried(x: Tensor, y: Tensor, s: int) -> Tensor:
    return shifts.errors(x, y, s).mean(dim=(2, 3, 4))


def rolled(x: Tensor, y: Tensor, s: int) -> Tensor:
    moves = [(i, j) for i in range(-s, s + 1) for j in range(-s, s + 1)]
    return torch.stack([(x - y.roll(m, (2, 3))).square().mean(dim=(1, 2, 3)) for m in moves]).amin(0).mean()


def padded(x: Tensor, y: Tensor, s: int) -> Tensor:
    wide, (h, w) = F.pad(y, (s,) * 4), x.shape[-2:]
    places = [(i, j) for i in range(2 * s + 1) for j in range(2 * s + 1)]
    costs = [(x - wide[..., i : i + h, j : j + w]).square().mean(dim=(1, 2, 3)) for i, j in places]
    return torch.stack(costs).amin(0).mean()


def short_range(x: Tensor, y: Tensor, s: int) -> Tensor:
    side = 2 * s + 1
    square = tried(x, y, s).view(side, side, -1)[: max(side - 1, 1), : max(side - 1, 1)]
    return square.flatten(0, 1).amin(0).mean()


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, y, s: le.mse_loss(x, y), "of the whole pictures"),
        (rolled, "roll brings in"),
        (padded, "zeros come in"),
        (short_range, "range ends one before"),
        (lambda x, y, s: tried(x, y, s).mean(dim=1).amin(), "one displacement for the whole batch"),
        (lambda x, y, s: tried(x, y, s).amin(), "displacements *and* pictures"),
        (lambda x, y, s: shifts.errors(x, y, s).amin(0).mean(), "pixel by pixel"),
        (lambda x, y, s: shifts.errors(x, y, s).mean(dim=(3, 4)).amin(0).mean(), "channel by channel"),
        (lambda x, y, s: tried(y, x, s).amin(0).mean(), "the other way round"),
        (lambda x, y, s: tried(x, y, s).amax(0).mean(), "the largest error"),
        (lambda x, y, s: tried(x, y, s).mean(), "mean over all displacements"),
        (lambda x, y, s: tried(x, y, s).amin(0).sum(), "the sum over the pictures"),
        (lambda x, y, s: tried(x, y, s).amin(0).mean().sqrt(), "the square root"),
        (lambda x, y, s: tried(x, y, s).amin(0).mean().item(), "no .item()"),
        (lambda x, y, s: (x[..., s:-s, s:-s] - y).square().mean(), "equally large"),
    ],
)
def test_wrong_minima_are_explained(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.min_shift(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_a_minimum_by_unfolding_passes() -> None:
    def unfolded(x: Tensor, y: Tensor, s: int) -> Tensor:
        h, w = x.shape[-2] - 2 * s, x.shape[-1] - 2 * s
        parts = y.unfold(2, h, 1).unfold(3, w, 1)
        middle = x[:, :, None, None, s : s + h, s : s + w]
        return (parts - middle).square().mean(dim=(1, 4, 5)).flatten(1).min(dim=1).values.mean()

    def listed(x: Tensor, y: Tensor, s: int) -> Tensor:
        return sum((unfolded(a[None], b[None], s) for a, b in zip(x, y, strict=True)), torch.zeros(())) / len(x)

    assert check.min_shift(unfolded).passed and check.min_shift(listed).passed
    assert check.min_shift(lambda x, y, s: unfolded(x.float(), y.float(), s)).passed


def test_the_picture_of_exercise_8() -> None:
    verdict = check.free_negative(solutions.stripes)
    assert verdict.passed and "<img" in verdict._repr_html_()
    places = torch.arange(32)
    board = ((places[:, None] // 3 + places // 3) % 2).float().expand(1, 1, 32, 32)
    assert check.free_negative(board).passed
    for period in (2, 4, 6):
        assert check.free_negative((places // (period // 2) % 2).float().expand(1, 3, 32, 32)).passed
    for far, said in ((8, "up to 8 pixels it would be free"), (5, "up to 5 pixels it would be free")):
        wide = (torch.arange(64) // far % 2).float().expand(1, 1, 64, 64)
        assert said in hints(check.free_negative(wide))
    odd = (torch.arange(60) % 3 == 0).float().expand(1, 1, 60, 60)
    assert "dark where it was bright" in hints(check.free_negative(odd))
    assert check.free_negative(0.1 + 0.8 * solutions.stripes).passed
    half = torch.cat([solutions.stripes, torch.full_like(solutions.stripes, 0.5)], dim=2)
    wave = (0.5 + 0.5 * torch.cos(2 * math.pi * torch.arange(64) / 8)).expand(1, 1, 64, 64)
    pale = 0.4 + 0.2 * solutions.stripes
    for near in (torch.full((1, 1, 32, 32), 0.5), half, wave, pale):  # free negatives, and not wrong at every pixel
        verdict = check.free_negative(near)
        assert [item.name for item in verdict.failures] == ["every value is off"] and "own negative" in hints(verdict)
    assert "clamp" in hints(check.free_negative(2 * solutions.stripes))
    photo = data.crop(data.photograph("coffee"), 100, 200, 64)
    assert not check.free_negative(photo).passed
    for wrong in (solutions.stripes[0], torch.zeros(1, 1, 8, 8), torch.zeros(2, 1, 32, 32), torch.zeros(1, 2, 32, 32)):
        assert [item.name for item in check.free_negative(wrong).failures] == ["shape"]
    assert not check.free_negative(torch.full((1, 1, 32, 32), math.nan)).passed
    with pytest.raises(TypeError, match="x must be"):
        check.free_negative("stripes")  # type: ignore[arg-type]


def test_the_usual_mistakes_lead_to_different_numbers() -> None:
    generator = torch.Generator().manual_seed(8)
    x, y = torch.rand(2, 4, 3, 7, 6, generator=generator, dtype=torch.float64).unbind()
    slopes = penalties._mistakes(penalties.bent_critic(), x, y)
    assert distinct(slopes) == slopes
    made = sides._critic_mistakes(sides.small_critic(), x[..., :6, :6], y[..., :6, :6])
    assert distinct(made) == made
    found = shifts._mistakes(*shifts.pictures(), 3)
    assert distinct(found) == found
    generated = logits._generator_mistakes(torch.tensor([-2.0, -0.5, 0.3, 1.5]).double())
    kept = [hint for hint, _ in distinct(generated)]
    assert "least squares" in " ".join(kept) and sum("saturates" in hint for hint in kept) == 1
