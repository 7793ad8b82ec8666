"""Traps of the colour losses, each with a twin that falls in: our function must pass each check, the twin not."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from pictures import photo
from torch import Tensor, nn
from traps import only_ours

import lossedu as le
from lossedu import filters

Window = Callable[[], Tensor]


def printed(divisor: float) -> Tensor:
    """0.053 exp(-k^2 / divisor - l^2 / divisor), 21 x 21, as printed: not divided by its sum."""
    k = torch.arange(-10, 11, dtype=torch.float64)
    g = torch.exp(-(k**2) / divisor)
    return 0.053 * torch.outer(g, g)


def ours(preset: str) -> Window:
    return lambda: torch.outer(filters.color_window(preset), filters.color_window(preset))


def deviation(g: Tensor) -> float:
    """The standard deviation along one axis, from the second moment of the weights."""
    k = torch.arange(g.shape[0], dtype=torch.float64) - g.shape[0] // 2
    return math.sqrt(((g * k**2).sum() / g.sum()).item())


def test_trap_5_9_three_is_a_variance() -> None:
    """With sigma = 3 read as a deviation, the printed factor 0.053 makes images three times as bright."""

    def printed_constants_fit(window: Window) -> None:
        assert deviation(window()) == pytest.approx(math.sqrt(3), abs=1e-6)
        assert window().sum().item() == pytest.approx(1, abs=2e-3)
        assert window().max().item() == pytest.approx(0.053, abs=1e-4)

    only_ours(printed_constants_fit, ours("wespe"), lambda: printed(2 * 3**2))
    printed_constants_fit(lambda: printed(2 * 3))  # so this is what was meant
    assert printed(2 * 9).sum().item() == pytest.approx(2.99, abs=0.01)


def test_trap_5_9_the_code_of_dped_is_not_what_is_printed() -> None:
    def as_in_the_code(window: Window) -> None:
        g = window()
        assert deviation(g) == pytest.approx(4.3367, abs=1e-3)
        assert g.max().item() == pytest.approx(0.00756, abs=1e-5)
        assert g[10, 0].item() / g.max().item() == pytest.approx(0.1047, abs=1e-4)

    for twin in ("wespe", "std3"):
        only_ours(as_in_the_code, ours("dped"), ours(twin))
    # bins between -3 and 3 of 21 taps suggest a deviation of 20 / 6; the root makes it sqrt(2) times that
    only_ours(as_in_the_code, ours("dped"), lambda: torch.outer(*[filters.gaussian_window(3.3158, 21)] * 2))
    uncut = math.sqrt(2) * 21 / (6 + 1 / 3)
    assert uncut == pytest.approx(4.69, abs=0.01)
    assert deviation(torch.outer(*[filters.gaussian_window(uncut, 21)] * 2)) == pytest.approx(4.33, abs=0.02)


def test_trap_5_9_windows_keep_the_brightness() -> None:
    def flat_stays_flat(blur: Callable[[Tensor], Tensor]) -> None:
        x = torch.full((1, 3, 40, 40), 0.7, dtype=torch.float64)
        torch.testing.assert_close(blur(x), torch.full_like(blur(x), 0.7), rtol=1e-13, atol=0)

    def blur_as_printed(x: Tensor) -> Tensor:
        return F.conv2d(x, printed(6).expand(3, 1, 21, 21), groups=3)

    for preset in ("wespe", "dped", "std3"):
        only_ours(flat_stays_flat, lambda x, p=preset: le.color_blur(x, preset=p), blur_as_printed)


def test_trap_5_9_zero_padding_darkens_the_border() -> None:
    """Zeros around the image make both images dark at the border, where their difference then counts less."""

    def shift_costs_its_square(padding: str) -> None:
        y = photo(size=40)
        for preset in ("wespe", "dped"):
            loss = le.blurred_mse_loss(y + 0.1, y, preset=preset, padding=padding)
            assert loss.item() == pytest.approx(0.01, rel=1e-9)

    only_ours(shift_costs_its_square, "valid", "zeros")
    only_ours(shift_costs_its_square, "reflect", "zeros")


def test_trap_5_9_two_losses_of_one_name() -> None:
    """WESPE's is adversarial and never sees a reference of its image; DPED's is a plain error against it."""
    y = photo(size=40).float()
    x = (0.8 * y).requires_grad_()
    torch.manual_seed(0)
    critic = le.ColorDiscriminator(image_size=20, width=0.1)

    def is_zero_at_the_reference(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
        assert loss(y, y).item() == 0
        assert loss(x, y).item() > 0

    only_ours(is_zero_at_the_reference, le.blurred_mse_loss, le.AdversarialColorLoss(critic))
    adversarial = le.AdversarialColorLoss(critic)
    assert adversarial(x, y).item() == adversarial(x).item() == adversarial(x, 0 * y).item()


class Brightness(nn.Module):
    """A discriminator of one weight: the logit is the mean times it."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x.mean(dim=(1, 2, 3))


def test_trap_the_saturating_form_stops_pulling() -> None:
    """Where D is sure of a fake, log(1 - D) is flat: the code of DPED feeds it to the generator."""

    def saturating(critic: nn.Module, x: Tensor) -> Tensor:
        return -F.softplus(critic(le.color_blur(x))).mean()

    def pulls_where_it_is_worst(loss: Callable[[nn.Module, Tensor], Tensor]) -> None:
        x = torch.full((1, 3, 24, 24), 0.5, requires_grad=True)
        critic = Brightness(-40.0)  # a logit of -20
        (grad,) = torch.autograd.grad(loss(critic, x), x)
        # d/dx of 40 mean(x): towards darker, with all of its slope
        assert grad.sum().item() == pytest.approx(40, rel=1e-3)

    only_ours(pulls_where_it_is_worst, le.adversarial_color_loss, saturating)


def test_trap_probabilities_overflow() -> None:
    """log of a probability that has been rounded to 0: infinite, and its gradient not a number."""

    def through_probabilities(critic: nn.Module, x: Tensor) -> Tensor:
        return -torch.sigmoid(critic(le.color_blur(x))).log().mean()

    def finite(loss: Callable[[nn.Module, Tensor], Tensor]) -> None:
        x = torch.full((1, 3, 24, 24), 0.5, requires_grad=True)
        value = loss(Brightness(-400.0), x)
        assert value.item() == pytest.approx(200)
        assert torch.autograd.grad(value, x)[0].isfinite().all()

    only_ours(finite, le.adversarial_color_loss, through_probabilities)


def test_trap_the_discriminator_learns_from_the_generators_loss() -> None:
    """Without care its parameters gather gradients of the wrong sign, and its running statistics those of fakes."""

    def leaves_it_alone(loss: Callable[[nn.Module, Tensor], Tensor]) -> None:
        torch.manual_seed(0)
        critic = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.LazyLinear(1))
        critic(torch.zeros(1, 3, 4, 4))
        before = {name: value.clone() for name, value in critic.state_dict().items()}
        x = photo(size=24).float().requires_grad_()
        loss(critic, x).backward()
        assert x.grad is not None and x.grad.any()
        assert all(parameter.grad is None and parameter.requires_grad for parameter in critic.parameters())
        assert all(torch.equal(value, before[name]) for name, value in critic.state_dict().items())
        assert critic.training and critic[1].training

    def naive(critic: nn.Module, x: Tensor) -> Tensor:
        return F.softplus(-critic(le.color_blur(x))).mean()

    def with_flags(critic: nn.Module, x: Tensor) -> Tensor:
        critic.requires_grad_(False)
        value = naive(critic, x)
        critic.requires_grad_(True)
        return value

    only_ours(leaves_it_alone, le.adversarial_color_loss, naive)
    only_ours(leaves_it_alone, le.adversarial_color_loss, with_flags)  # the buffers still move


def test_trap_the_discriminator_among_the_losss_parameters() -> None:
    """An optimiser over (net, loss) would train D to be fooled, and a checkpoint of the loss would hold D."""

    class Registered(nn.Module):
        def __init__(self, critic: nn.Module) -> None:
            super().__init__()
            self.critic = critic

    def holds_nothing(module: Callable[[nn.Module], nn.Module]) -> None:
        loss = module(Brightness(1.0))
        assert not list(loss.parameters()) and not loss.state_dict() and not list(loss.children())
        weighted = le.WeightedLoss({"colour": (0.1, loss)})
        assert not list(weighted.parameters())

    only_ours(holds_nothing, le.AdversarialColorLoss, Registered)


def test_trap_the_fake_is_not_detached() -> None:
    """Training D must not send gradients through the generator."""

    def keeps_the_generator_out(loss: Callable[[nn.Module, Tensor, Tensor], Tensor]) -> None:
        x = photo(size=24).float().requires_grad_()
        loss(Brightness(1.0), x, 0.5 * photo(size=24).float()).backward()
        assert x.grad is None

    def naive(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return (F.softplus(-critic(le.color_blur(y))) + F.softplus(critic(le.color_blur(x)))).mean()

    only_ours(keeps_the_generator_out, le.color_discriminator_loss, naive)


def test_trap_real_and_fake_are_swapped() -> None:
    """Real is the target domain: with the input as "real", as one text prints, D learns to prefer the input."""

    def learns_to_prefer_the_target(loss: Callable[[nn.Module, Tensor, Tensor], Tensor]) -> None:
        critic = Brightness(0.0)
        x, y = torch.full((1, 3, 24, 24), 0.2), torch.full((1, 3, 24, 24), 0.8)
        loss(critic, x, y).backward()
        assert critic.weight.grad is not None and critic.weight.grad < 0  # descending raises the logit of y

    only_ours(
        learns_to_prefer_the_target, le.color_discriminator_loss, lambda D, x, y: le.color_discriminator_loss(D, y, x)
    )
