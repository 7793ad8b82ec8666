"""PRICE, CHOICE and PULL against answers known in advance."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from kornia.losses import ssim_loss as kornia_half_ssim
from pictures import batch, photo
from torch import Tensor, nn

import lossedu as le

FREQUENCIES = [1 / 64, 0.1, 0.3, 0.5]


@pytest.mark.parametrize("level", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("amplitude", [1e-2, 1e-1])
def test_mse_charges_one_for_everything(level: float, amplitude: float) -> None:
    found = le.price(le.mse_loss, level=level, amplitude=amplitude, size=64)
    assert found.uniform == pytest.approx(1, rel=1e-4)
    assert found.values.tolist() == pytest.approx([1] * 25, rel=1e-4)
    assert found.level == level


def test_default_frequencies() -> None:
    found = le.price(le.mse_loss, size=64, channels=1)
    assert found.frequencies.shape == found.values.shape == (25,)
    assert found.frequencies[0].item() == pytest.approx(1 / 64)
    assert found.frequencies[-1].item() == pytest.approx(0.5)
    ratios = found.frequencies[1:] / found.frequencies[:-1]
    torch.testing.assert_close(ratios, ratios[:1].expand(24))


@pytest.mark.parametrize("amplitude", [1e-3, 1e-2])
def test_price_of_l1_depends_on_the_amplitude(amplitude: float) -> None:
    """A uniform shift a costs a, relative to a^2; a wave costs 2 a / pi, relative to a^2 / 2."""
    found = le.price(le.l1_loss, amplitude=amplitude, frequencies=[0.05, 0.5], size=100)
    assert found.uniform == pytest.approx(1 / amplitude, rel=1e-3)
    assert found.values[0].item() == pytest.approx(4 / (math.pi * amplitude), rel=0.01)
    # cosine is +-1 and sine is 0 there: the energy of both phases is that of one
    assert found.values[1].item() == pytest.approx(1 / amplitude, rel=1e-3)


def test_price_of_charbonnier_is_that_of_a_scaled_mse_below_eps() -> None:
    found = le.price(lambda x, y: le.charbonnier_loss(x, y, eps=1.0), amplitude=1e-2, frequencies=FREQUENCIES, size=64)
    assert found.values.tolist() == pytest.approx([0.5] * 4, rel=1e-3)


def test_price_of_a_loss_from_elsewhere() -> None:
    """Any callable will do; this one is (1 - SSIM) / 2."""
    theirs = le.price(
        lambda x, y: kornia_half_ssim(x, y, 11, padding="valid"), amplitude=1e-2, frequencies=FREQUENCIES, size=64
    )
    ours = le.price(le.ssim_loss, amplitude=1e-2, frequencies=FREQUENCIES, size=64)
    assert theirs.values.tolist() == pytest.approx((ours.values / 2).tolist(), rel=0.01)
    module = le.price(nn.MSELoss(), frequencies=FREQUENCIES, size=64)
    assert module.values.tolist() == pytest.approx([1] * 4, rel=1e-4)


def test_both_directions_and_both_signs_count() -> None:
    def along_rows(x: Tensor, y: Tensor) -> Tensor:
        return (x - y).diff(dim=-1).square().mean()

    def brighter_only(x: Tensor, y: Tensor) -> Tensor:
        return (x - y).clamp_min(0).square().mean()

    frequencies = [0.1, 0.25, 0.4]
    # a wave along a row costs 4 sin^2(pi f), one along a column nothing
    expected = [2 * math.sin(math.pi * f) ** 2 for f in frequencies]
    assert le.price(along_rows, frequencies=frequencies).values.tolist() == pytest.approx(expected, rel=0.01)
    assert le.price(brighter_only, frequencies=[0.25]).uniform == pytest.approx(0.5, rel=1e-4)


def test_price_in_the_precision_that_torch_is_set_to() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        assert le.price(le.mse_loss, amplitude=1e-9, frequencies=[0.25], size=16).uniform == pytest.approx(1, rel=1e-6)
    finally:
        torch.set_default_dtype(torch.float32)


def test_one_curve_explains_splotches() -> None:
    """The numbers of the book: at level 0.5 SSIM_1.5 charges 8 at 128 px a cycle, 1111 for grain and 2 for a shift."""
    found = le.price(le.ssim_loss, amplitude=1e-3, frequencies=[1 / 128, 0.5], size=128, channels=1)
    assert found.values.tolist() == pytest.approx([8, 1111], rel=0.02)
    assert found.values[1].item() / found.uniform == pytest.approx(556, rel=0.01)


def test_price_can_be_drawn() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    found = le.price(le.ssim_loss, frequencies=FREQUENCIES, size=32, channels=1)
    ax = found.plot(label="SSIM")
    lines = ax.get_lines()
    assert lines[0].get_xdata() == pytest.approx(FREQUENCIES)
    assert lines[0].get_ydata() == pytest.approx(found.values.tolist())
    assert lines[1].get_ydata()[0] == pytest.approx(found.uniform)
    assert found.plot(ax) is ax
    blind = le.Price(0.0, found.frequencies, found.values, 0.5)
    assert len(blind.plot(plt.subplots()[1]).get_lines()) == 1  # a price of 0 has no place on a logarithmic axis
    plt.close("all")


SAMPLES = torch.tensor([0.1, 0.2, 0.7], dtype=torch.float64).view(3, 1, 1, 1).expand(3, 1, 4, 4).contiguous()


@pytest.mark.parametrize(
    ("weights", "mean"),
    [(None, 1 / 3), ([1, 1, 2], 0.425), ([0.5, 0.0, 0.5], 0.4), (torch.tensor([2.0, 2.0, 0.0]), 0.15)],
)
def test_l2_chooses_the_mean(weights: list[float] | Tensor | None, mean: float) -> None:
    start = torch.full((1, 1, 4, 4), 0.9)
    found = le.bayes_act(le.mse_loss, SAMPLES, weights, init=start)
    assert found.shape == (1, 1, 4, 4)
    assert found.dtype == torch.float64
    assert not found.requires_grad
    assert found.flatten().tolist() == pytest.approx([mean] * 16, abs=1e-4)
    assert le.bayes_act(le.mse_loss, SAMPLES, weights, steps=1).mean().item() == pytest.approx(mean)  # starts there


@pytest.mark.parametrize(("weights", "median"), [(None, 0.2), ([1, 1, 3], 0.7), ([3, 1, 1], 0.1)])
def test_l1_chooses_the_weighted_median(weights: list[float] | None, median: float) -> None:
    found = le.bayes_act(le.l1_loss, SAMPLES, weights)
    assert found.flatten().tolist() == pytest.approx([median] * 16, abs=2e-3)


def test_each_pixel_has_its_own_choice() -> None:
    samples = torch.rand(5, 2, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = le.bayes_act(le.l1_loss, samples, steps=1000)
    torch.testing.assert_close(found[0], samples.median(dim=0).values, rtol=0, atol=3e-3)


def test_the_best_image_met_is_returned() -> None:
    """With a step far too large the search runs away from its start: the start must come back."""
    seen: list[float] = []

    def loss(x: Tensor, y: Tensor) -> Tensor:
        value = (x - y).square().mean()
        seen.append(value.item())
        return value

    target = torch.full((1, 1, 2, 2), 0.5)
    found = le.bayes_act(loss, target, steps=3, lr=100.0, init=target + 0.01)
    assert max(seen) > 1
    assert le.mse_loss(found, target).item() == pytest.approx(min(seen))


def test_the_search_works_where_gradients_are_off_and_leaves_its_arguments_alone() -> None:
    samples, start = SAMPLES.clone(), torch.zeros(1, 1, 4, 4, dtype=torch.float64)
    with torch.no_grad():
        found = le.bayes_act(le.mse_loss, samples, init=start)
    assert found.mean().item() == pytest.approx(1 / 3, abs=1e-4)
    assert torch.equal(samples, SAMPLES)
    assert not start.any()


def test_half_precision_samples() -> None:
    found = le.bayes_act(le.mse_loss, SAMPLES.bfloat16(), steps=50)
    assert found.dtype == torch.float32


def test_shares_of_known_gradients() -> None:
    """Gradients in x: 2 e / N and sign(e) / N; with e = 0.1 everywhere that is 0.2 : 1."""
    y = torch.rand(2, 3, 5, 5)
    x = y + 0.1
    loss = le.WeightedLoss({"mse": (1.0, le.mse_loss), "l1": (1.0, le.l1_loss)})
    for norm in (1, 2, math.inf):
        share = le.gradient_share(loss, x, y, norm=norm)
        assert share == pytest.approx({"mse": 0.2 / 1.2, "l1": 1 / 1.2}, rel=1e-5)
    weighted = le.WeightedLoss({"mse": (5.0, le.mse_loss), "l1": (1.0, le.l1_loss)})
    assert le.gradient_share(weighted, x, y) == pytest.approx({"mse": 0.5, "l1": 0.5}, rel=1e-5)


def test_the_norm_matters() -> None:
    """One pixel off by 1 for l2, all off by a little for l1: the norms disagree about who pulls."""
    y = torch.zeros(1, 1, 10, 10)
    x = torch.full_like(y, 1e-4)
    x[0, 0, 0, 0] = 1.0
    loss = le.WeightedLoss({"mse": (1.0, le.mse_loss), "l1": (1.0, le.l1_loss)})
    error, size = x.flatten(), x.numel()
    for norm in (1, 2, 3.5):
        pulls = [torch.linalg.vector_norm(g, ord=norm).item() for g in (2 * error / size, error.sign() / size)]
        assert le.gradient_share(loss, x, y, norm=norm)["mse"] == pytest.approx(pulls[0] / sum(pulls), rel=1e-5)
    assert le.gradient_share(loss, x, y, norm=1)["mse"] < 0.1 < 0.6 < le.gradient_share(loss, x, y, norm=50)["mse"]


def test_dead_terms_have_no_share() -> None:
    x, y = batch(1, 3, 14)
    terms = {
        "mse": (1.0, le.mse_loss),
        "rounded": (1.0, lambda a, b: F.mse_loss(a.round(), b)),
        "detached": (1.0, lambda a, b: le.l1_loss(a.detach(), b)),
        "weightless": (0.0, le.l1_loss),
    }
    assert le.gradient_share(le.WeightedLoss(terms), x, y) == {"mse": 1.0, "rounded": 0, "detached": 0, "weightless": 0}
    dead = le.WeightedLoss({name: terms[name] for name in ("rounded", "detached")})
    assert le.gradient_share(dead, x, y) == {"rounded": 0, "detached": 0}


def test_shares_in_parameters() -> None:
    """x = g y + b: the gradients by gain and offset follow from those by pixel."""
    y = photo(size=16).float()
    gain, offset = torch.tensor(1.1, requires_grad=True), torch.tensor(0.05, requires_grad=True)
    idle = torch.tensor(1.0, requires_grad=True)
    loss = le.WeightedLoss({"mse": (1.0, le.mse_loss), "ssim": (0.3, le.ssim_loss)})
    x = gain * y + offset
    share = le.gradient_share(loss, x, y, parameters=iter([gain, offset, idle]))
    pixel = {"mse": 2 * (x - y).detach() / x.numel(), "ssim": 0.3 * le.ssim_grad(x.detach(), y)}
    pulls = {name: math.hypot((g * y).sum().item(), g.sum().item()) for name, g in pixel.items()}
    assert share == pytest.approx({name: pull / sum(pulls.values()) for name, pull in pulls.items()}, rel=1e-4)
    assert sum(share.values()) == pytest.approx(1)
    in_pixels = le.gradient_share(loss, x, y)
    assert abs(in_pixels["ssim"] - share["ssim"]) > 0.01  # the space matters
    x.sum().backward()  # the graph is still there


def test_shares_do_not_mind_where_gradients_are_off() -> None:
    x, y = batch(1, 1, 14)
    loss = le.WeightedLoss({"mse": (1.0, le.MSELoss(reduction="none")), "ssim": (1.0, le.ssim_loss)})
    expected = le.gradient_share(loss, x, y)
    with torch.no_grad():
        assert le.gradient_share(loss, x, y) == expected
    assert not x.requires_grad


def test_shares_of_terms_that_do_not_promote_by_themselves() -> None:
    x, y = batch(1, 1, 14)
    loss = le.WeightedLoss({"mse": (1.0, F.mse_loss), "l1": (1.0, F.l1_loss)})
    # 1e-4 squared is below what float16 holds
    low, high = torch.zeros(1, 1, 8, 8, dtype=torch.float16), torch.full((1, 1, 8, 8), 1e-4, dtype=torch.float16)
    assert le.gradient_share(loss, high, low)["mse"] == pytest.approx(2e-4, rel=0.01)
    assert le.gradient_share(loss, x.float(), y.double()) == pytest.approx(le.gradient_share(loss, x, y), rel=1e-3)


def test_a_term_that_returns_no_tensor_is_named() -> None:
    x, y = batch(1, 1, 14)
    loss = le.WeightedLoss({"mse": (1.0, le.mse_loss), "plain": (1.0, lambda a, b: 0.5)})
    with pytest.raises(TypeError, match="term 'plain' of weighted_loss must return a tensor, got float"):
        le.gradient_share(loss, x, y)


def test_instruments_under_inference_mode() -> None:
    x, y = batch(1, 1, 14)
    loss = le.WeightedLoss({"mse": (1.0, le.mse_loss), "ssim": (1.0, le.ssim_loss)})
    expected = le.gradient_share(loss, x, y)
    gain = torch.ones((), dtype=x.dtype, requires_grad=True)
    with torch.inference_mode():
        assert le.gradient_share(loss, x.clone(), y.clone()) == expected
        found = le.bayes_act(le.mse_loss, SAMPLES.clone(), torch.ones(3), init=torch.zeros(1, 1, 4, 4))
        with pytest.raises(ValueError, match=r"x must be computed outside torch.inference_mode"):
            le.gradient_share(loss, x * gain, y, parameters=[gain])
    assert found.mean().item() == pytest.approx(1 / 3, abs=1e-4)
    share = le.gradient_share(loss, x * gain, y, parameters=[gain])
    with torch.inference_mode():
        theirs = y.clone()
    assert le.gradient_share(loss, x * gain, theirs, parameters=[gain]) == share


def test_what_is_no_list_of_numbers_is_named() -> None:
    with pytest.raises(ValueError, match="weights must be a sequence of numbers, got 'ab'"):
        le.bayes_act(le.mse_loss, SAMPLES, "ab")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="frequencies must be a sequence of numbers, got 'abc'"):
        le.price(le.mse_loss, frequencies="abc")  # type: ignore[arg-type]


def test_how_far_the_search_reaches() -> None:
    """lr * steps / 2, as the documentation says."""
    samples = torch.full((1, 1, 2, 2), 1000.0)
    found = le.bayes_act(le.l1_loss, samples, steps=100, lr=0.1, init=torch.zeros(1, 1, 2, 2))
    assert found.mean().item() == pytest.approx(5, rel=0.02)
