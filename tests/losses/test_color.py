"""The colour blur, the discriminator and the losses around them: against the formulas and naive transcriptions."""

# mypy: disable-error-code="arg-type"

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from pathlib import Path

import oracles_histogram as oracles
import pytest
import torch
from pictures import batch, noisy, photo
from scipy.ndimage import correlate
from torch import Tensor, nn

import lossedu as le
from lossedu import filters
from lossedu.filters import color

PRESETS = ("wespe", "dped", "std3")


class Critic(nn.Module):
    """A small discriminator without a normalisation: maps of logits, or one per image."""

    def __init__(self, maps: bool = False) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.one, self.two, self.maps = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 1, 1), maps
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.two(torch.tanh(self.one(x)))
        return maps if self.maps else maps.mean(dim=(1, 2, 3))


def images(n: int = 2, size: tuple[int, int] = (26, 25)) -> tuple[Tensor, Tensor]:
    return batch(n, 3, size)


# The blur


@pytest.mark.parametrize("preset", PRESETS)
def test_windows(preset: str) -> None:
    g = filters.color_window(preset)
    assert g.shape == (21,) and g.dtype == torch.float64
    assert g.sum().item() == pytest.approx(1, abs=1e-15)
    assert torch.equal(g, g.flip(0))
    torch.testing.assert_close(torch.outer(g, g), oracles.color_kernel(preset), rtol=1e-12, atol=1e-17)
    single = filters.color_window(preset, dtype=torch.float32)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single, g.float(), rtol=0, atol=0)
    assert filters.color_window(preset, dtype=torch.float32) is single
    assert filters.color_window(preset) is g


def test_windows_by_their_numbers() -> None:
    k = torch.arange(-10, 11, dtype=torch.float64)
    spread = {p: math.sqrt((filters.color_window(p) * k**2).sum()) for p in PRESETS}
    assert spread == pytest.approx({"wespe": 3**0.5, "dped": 4.3367, "std3": 2.9912}, abs=1e-4)
    peak = {p: filters.color_window(p).max().item() ** 2 for p in PRESETS}
    assert peak == pytest.approx({"wespe": 0.053052, "dped": 0.007563, "std3": 0.017699}, abs=1e-6)
    assert torch.equal(filters.color_window(), filters.color_window("wespe"))
    assert (*color.PRESETS,) == PRESETS


def test_a_window_is_made_under_no_mode() -> None:
    with torch.inference_mode():
        x = photo(size=24).float().to(torch.float32)
        le.color_blur(x, preset="dped")
    assert not filters.color_window("dped", dtype=torch.float32).is_inference()


@pytest.mark.parametrize("preset", PRESETS)
def test_blur_is_the_weighted_sum(preset: str) -> None:
    x, _ = images(1)
    found = le.color_blur(x, preset=preset)
    assert found.shape == (1, 3, 6, 5)
    torch.testing.assert_close(found, oracles.color_blur(x, preset), rtol=1e-12, atol=1e-14)
    g = oracles.color_kernel(preset).numpy()
    for padding, mode in (("reflect", "mirror"), ("zeros", "constant")):
        expected = torch.from_numpy(correlate(x.numpy(), g[None, None], mode=mode))
        torch.testing.assert_close(le.color_blur(x, preset=preset, padding=padding), expected, rtol=1e-11, atol=1e-13)
    assert torch.equal(le.color_blur(x), le.color_blur(x, preset="wespe", padding="valid"))


def test_blur_of_the_paper_is_a_gaussian_blur() -> None:
    x, _ = images()
    for padding in ("valid", "reflect", "zeros"):
        expected = le.gaussian_blur(x, 3**0.5, kernel_size=21, padding=padding)
        assert torch.equal(le.color_blur(x, padding=padding), expected)


def test_what_the_blurs_leave() -> None:
    """Waves of 9.2, 16 and 25 pixels are halved: variance 3 leaves most of the texture."""
    for preset, period in (("wespe", 9.2), ("std3", 16.0), ("dped", 25.0)):
        k = torch.arange(-10, 11, dtype=torch.float64)
        response = (filters.color_window(preset) * (2 * math.pi * k / period).cos()).sum().item()
        assert response == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("padding", ["valid", "reflect", "zeros"])
def test_blur_has_derivatives_of_any_order(padding: str) -> None:
    x = photo(size=22)[:, :1].requires_grad_()

    def squared(z: Tensor) -> Tensor:
        return le.color_blur(z, preset="dped", padding=padding)[..., :2].pow(3).sum()

    small = x.detach()[..., :22, :21].requires_grad_()
    assert torch.autograd.gradcheck(squared, (small,), fast_mode=True)
    (first,) = torch.autograd.grad(squared(small), small, create_graph=True)
    assert torch.autograd.grad(first.sum(), small)[0].any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_blur_in_half_precision(dtype: torch.dtype) -> None:
    x = photo(size=24).to(dtype)
    found = le.color_blur(x)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), le.color_blur(x.double()), rtol=0, atol=2e-7)


# The error of blurred images


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("padding", ["valid", "reflect", "zeros"])
def test_blurred_error_is_that_of_the_blurred_images(preset: str, padding: str) -> None:
    x, y = (z.requires_grad_() for z in images())
    blurred_x, blurred_y = (le.color_blur(z, preset=preset, padding=padding) for z in (x, y))
    expected = (blurred_x - blurred_y).square().mean(dim=(1, 2, 3))
    found = le.blurred_mse_loss(x, y, preset=preset, padding=padding, reduction="none")
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-16)
    upstream = torch.tensor([1.0, -2.0], dtype=torch.float64)
    for a, b in zip(
        torch.autograd.grad(found, (x, y), upstream), torch.autograd.grad(expected, (x, y), upstream), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-15)


def test_blurred_error_defaults_and_sees_colour_before_texture() -> None:
    x, y = images()
    assert torch.equal(le.blurred_mse_loss(x, y), le.blurred_mse_loss(x, y, preset="wespe", padding="valid"))
    grain = noisy(y, 0.1)
    assert le.blurred_mse_loss(y + 0.1, y).item() == pytest.approx(0.01, rel=1e-12)
    # white noise keeps the sum of squared weights, 1 / 12 pi
    assert le.blurred_mse_loss(grain, y).item() == pytest.approx(0.01 / (12 * math.pi), rel=0.5)
    assert le.mse_loss(grain, y).item() == pytest.approx(0.01, rel=0.1)
    assert torch.equal(
        le.BlurredMSELoss(preset="dped", padding="zeros", reduction="sum")(x, y),
        le.blurred_mse_loss(x, y, preset="dped", padding="zeros", reduction="sum"),
    )
    assert repr(le.BlurredMSELoss()) == "BlurredMSELoss(preset='wespe', padding='valid', reduction='mean')"


# The discriminator


def test_the_papers_network_has_its_parameters() -> None:
    critic = le.ColorDiscriminator()
    assert sum(p.numel() for p in critic.parameters()) == 7_371_713
    assert sum(p.numel() for p in critic.layers[-3].parameters()) == 6272 * 1024 + 1024
    assert not list(critic.buffers())
    convolutions = [layer for layer in critic.layers if isinstance(layer, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.kernel_size[0], c.stride[0]) for c in convolutions] == [
        (3, 48, 11, 4), (48, 128, 5, 2), (128, 192, 3, 1), (192, 192, 3, 1), (192, 128, 3, 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("size", "channels", "width"),
    [(17, 3, 0.1), ((20, 33), 1, 0.25), (80, 3, 0.05), (18, 2, 0.001), ((17, 64), 3, 0.1)],
)
def test_discriminator_is_that_of_the_transcription(size: int | tuple[int, int], channels: int, width: float) -> None:
    torch.manual_seed(0)
    critic = le.ColorDiscriminator(image_size=size, channels=channels, width=width).double()
    for parameter in critic.parameters():  # away from where they start: scales of 1 and shifts of 0 hide mistakes
        parameter.data += 0.1 * torch.randn(parameter.shape, dtype=torch.float64)
    height, length = size if isinstance(size, tuple) else (size, size)
    x = photo(size=(height, length))[:, :channels].repeat(2, 1, 1, 1)
    x[1] = x[1].flip(-1) * 0.5
    found = critic(x)
    assert found.shape == (2, 1)
    torch.testing.assert_close(found, oracles.discriminator_logits(critic.state_dict(), x), rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(critic.eval()(x[:1]), found[:1], rtol=1e-9, atol=1e-11)


def test_discriminator_starts_as_in_the_code() -> None:
    torch.manual_seed(0)
    critic = le.ColorDiscriminator(image_size=40, width=0.5)
    for layer in critic.layers:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            assert layer.bias is not None and (layer.bias == 0.01).all()
            assert layer.weight.abs().max() <= 0.02
            if layer.weight.numel() > 1000:
                # a normal distribution cut off at two deviations keeps 0.88 of its deviation
                assert layer.weight.std().item() == pytest.approx(0.0088, rel=0.05)
                assert abs(layer.weight.mean().item()) < 1e-3
    logits = critic(torch.rand(4, 3, 40, 40))
    assert logits.abs().max() < 1


def test_width_and_size_set_the_layers() -> None:
    small = le.ColorDiscriminator(image_size=(20, 36), width=0.25, channels=1)
    shapes = [tuple(p.shape) for p in small.parameters() if p.ndim > 1]
    assert shapes == [(12, 1, 11, 11), (32, 12, 5, 5), (48, 32, 3, 3), (48, 48, 3, 3), (32, 48, 3, 3),
                      (256, 32 * 2 * 3), (1, 256)]  # fmt: skip
    least = le.ColorDiscriminator(image_size=17, width=1e-9)
    assert [tuple(p.shape)[:2] for p in least.parameters() if p.ndim > 1] == [(1, 3), *[(1, 1)] * 4, (1, 4), (1, 1)]
    said = "image_size=(20, 36), channels=1, width=0.25, norm='instance', spectral=False"
    assert repr(small).startswith(f"ColorDiscriminator(\n  {said}\n")
    assert (small.image_size, small.channels, small.width) == ((20, 36), 1, 0.25)


@pytest.mark.parametrize(("norm", "kind"), [("instance", nn.InstanceNorm2d), ("batch", nn.BatchNorm2d), ("none", None)])
def test_normalisation_stands_after_all_convolutions_but_the_first(norm: str, kind: type[nn.Module] | None) -> None:
    layers = list(le.ColorDiscriminator(image_size=24, width=0.1, norm=norm).layers)
    for before, layer in zip(layers, layers[2:], strict=False):
        if isinstance(before, nn.Conv2d):
            wanted = kind is not None and before.in_channels != 3
            assert isinstance(layer, nn.InstanceNorm2d | nn.BatchNorm2d) is wanted
            assert not wanted or (type(layer) is kind and layer.eps == 1e-3)
    with pytest.raises(ValueError, match=r"norm must be one of 'instance', 'batch', 'none', got 'layer'"):
        le.ColorDiscriminator(norm="layer")


def test_instance_normalisation_hides_a_uniform_tint_from_the_layers_that_follow() -> None:
    flat = torch.full((1, 3, 81, 81), 0.4, dtype=torch.float64)
    tinted = flat + torch.tensor([0.1, 0.0, -0.1], dtype=torch.float64).view(1, 3, 1, 1)

    def inside(norm: str) -> float:
        torch.manual_seed(0)
        D = le.ColorDiscriminator(image_size=81, width=0.25, norm=norm).double().eval()
        for layer in D.layers:  # mirrored borders: zeros around a picture would tell its level
            if isinstance(layer, nn.Conv2d):
                layer.padding_mode = "replicate"
                layer._reversed_padding_repeated_twice = [int(layer.padding[0])] * 4
        return float((D(flat) - D(tinted)).detach().abs())

    assert inside("instance") < 1e-9 < 1e-3 < inside("none")


def test_spectral_normalisation_bounds_every_layer() -> None:
    torch.manual_seed(0)
    D = le.ColorDiscriminator(image_size=24, width=0.1, norm="none", spectral=True)
    for _ in range(30):  # each call in training mode is one step of the power iteration
        D(torch.rand(1, 3, 24, 24))
    for layer in D.eval().layers:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            assert torch.linalg.svdvals(layer.weight.flatten(1))[0].item() == pytest.approx(1, abs=1e-2)


def test_a_patch_of_100_becomes_80_under_the_valid_blur() -> None:
    x = torch.rand(1, 3, 100, 100)
    assert le.adversarial_color_loss(le.ColorDiscriminator(image_size=80, width=0.05), x).isfinite()
    whole = le.ColorDiscriminator(width=0.05)
    assert le.adversarial_color_loss(whole, x, padding="reflect").isfinite()
    with pytest.raises(ValueError, match=r"x must have shape \(N, 3, 100, 100\) .* got \(1, 3, 80, 80\); .* 20 pixels"):
        le.adversarial_color_loss(whole, x)


# The adversarial losses


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("padding", ["valid", "reflect", "zeros"])
def test_losses_are_logarithms_of_probabilities(preset: str, padding: str) -> None:
    x, y = (z.requires_grad_() for z in images())
    for critic in (Critic().double(), Critic(maps=True).double()):
        blurred_x, blurred_y = (le.color_blur(z, preset=preset, padding=padding) for z in (x, y))
        fake, real = (torch.sigmoid(critic(z)).reshape(2, -1) for z in (blurred_x, blurred_y))
        found = le.adversarial_color_loss(critic, x, preset=preset, padding=padding, reduction="none")
        expected = -fake.log().mean(dim=1)
        torch.testing.assert_close(found, expected, rtol=1e-11, atol=0)
        (grad,) = torch.autograd.grad(found[1], x, retain_graph=True)
        torch.testing.assert_close(
            grad, torch.autograd.grad(expected[1], x, retain_graph=True)[0], rtol=1e-9, atol=1e-15
        )
        assert not grad[0].any()
        both = le.color_discriminator_loss(critic, x, y, preset=preset, padding=padding, reduction="none")
        wanted = -(real.log() + (1 - fake).log()).mean(dim=1)
        torch.testing.assert_close(both, wanted, rtol=1e-11, atol=0)
        parameters = list(critic.parameters())
        for a, b in zip(
            torch.autograd.grad(both.sum(), parameters),
            torch.autograd.grad(wanted.sum(), parameters),
            strict=True,
        ):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-15)


def test_defaults_and_reductions() -> None:
    (x, y), critic = images(), Critic().double()
    each = le.adversarial_color_loss(critic, x, reduction="none")
    assert each.shape == (2,)
    assert le.adversarial_color_loss(critic, x).item() == pytest.approx(each.mean().item(), rel=1e-14)
    total = le.adversarial_color_loss(critic, x, preset="wespe", padding="valid", reduction="sum")
    assert total.item() == pytest.approx(each.sum().item(), rel=1e-14)
    both = le.color_discriminator_loss(critic, x, y, reduction="none")
    assert both.shape == (2,)
    assert le.color_discriminator_loss(critic, x, y).item() == pytest.approx(both.mean().item(), rel=1e-14)
    total = le.color_discriminator_loss(critic, x, y, preset="wespe", padding="valid", reduction="sum")
    assert total.item() == pytest.approx(both.sum().item(), rel=1e-14)
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.zero_()
    assert le.adversarial_color_loss(critic, x).item() == pytest.approx(math.log(2))
    assert le.color_discriminator_loss(critic, x, y).item() == pytest.approx(2 * math.log(2))


def test_gradients_go_where_they_should() -> None:
    (x, y), critic = (z.requires_grad_() for z in images()), Critic().double()
    le.adversarial_color_loss(critic, x).backward()
    assert x.grad is not None and x.grad.any()
    assert all(p.grad is None for p in critic.parameters())
    x.grad = None
    le.color_discriminator_loss(critic, x, y).backward()
    assert x.grad is None and y.grad is None
    assert all(p.grad is not None and p.grad.any() for p in critic.parameters())
    small = x[:1, :, :24, :23].detach().requires_grad_()
    assert torch.autograd.gradcheck(lambda z: le.adversarial_color_loss(critic, z), (small,), fast_mode=True)


def test_networks_run_in_their_own_precision() -> None:
    x, y = images()
    exact = le.adversarial_color_loss(Critic().double(), x)
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        for image in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
            value = le.adversarial_color_loss(Critic().to(dtype), x.to(image))
            assert value.dtype == (torch.float64 if image == torch.float64 else torch.float32)
            assert value.item() == pytest.approx(exact.item(), abs=0.05)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        leaf = x.float().requires_grad_()
        value = le.adversarial_color_loss(Critic(), leaf)
        both = le.color_discriminator_loss(Critic(), x.float(), y.float())
    assert value.dtype == both.dtype == torch.float32
    assert value.item() == pytest.approx(exact.item(), abs=0.05)
    value.backward()
    assert leaf.grad is not None and leaf.grad.dtype == torch.float32


class NoParameters(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(1, 2, 3))


def test_a_discriminator_without_parameters() -> None:
    x = torch.full((1, 3, 24, 24), 0.5)
    assert le.adversarial_color_loss(NoParameters(), x).item() == pytest.approx(math.log(1 + math.exp(-0.5)))


def test_wrappers_of_parallel_training_are_taken_off(tmp_path: Path) -> None:
    """The wrapper of distributed training would wait for gradients of the parameters that never come."""
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("this torch has no gloo backend")
    x, y = (z.float() for z in images())
    expected = le.adversarial_color_loss(Critic(), x)
    store = (tmp_path / "store").as_uri()
    torch.distributed.init_process_group("gloo", init_method=store, rank=0, world_size=1)
    try:
        critic = nn.parallel.DistributedDataParallel(Critic())
        for _ in range(2):
            leaf = x.clone().requires_grad_()
            value = le.adversarial_color_loss(critic, leaf)
            assert value.item() == pytest.approx(expected.item(), rel=1e-6)
            value.backward()
            assert all(p.grad is None for p in critic.parameters())
        le.color_discriminator_loss(critic.module, x, y).backward()
        assert all(p.grad is not None for p in critic.parameters())
    finally:
        torch.distributed.destroy_process_group()


def test_the_module_holds_its_discriminator_without_owning_it() -> None:
    (x, y), critic = images(), Critic().double()
    loss = le.AdversarialColorLoss(critic, preset="dped", padding="reflect", reduction="sum")
    expected = le.adversarial_color_loss(critic, x, preset="dped", padding="reflect", reduction="sum")
    assert torch.equal(loss(x), expected) and torch.equal(loss(x, y), expected)
    assert loss.held[0] is critic
    assert not list(loss.modules())[1:]
    assert repr(loss) == "AdversarialColorLoss(preset='dped', padding='reflect', reduction='sum')"
    assert (
        repr(le.AdversarialColorLoss(critic))
        == "AdversarialColorLoss(preset='wespe', padding='valid', reduction='mean')"
    )
    for twin in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert torch.equal(twin(x), expected)
    with torch.no_grad():
        critic.two.bias.add_(1)  # it goes on learning
    assert not torch.equal(loss(x), expected)


def test_a_colour_cast_is_learned_and_undone() -> None:
    """Unpaired: real are other photographs, fake ones have a cast, and D's pull is against the cast."""
    torch.manual_seed(0)
    real = torch.cat([photo(n, 37, top=t, left=l) for n in ("coffee", "chelsea") for t, l in ((50, 60), (150, 200))])
    cast = torch.tensor([0.15, 0.0, -0.15]).view(1, 3, 1, 1)
    fake = (torch.cat([photo("astronaut", 37, top=t, left=l) for t in (20, 150) for l in (30, 200)]) + cast).float()
    critic = le.ColorDiscriminator(image_size=17, width=0.1)
    optimiser = torch.optim.Adam(critic.parameters(), lr=2e-3)
    for _ in range(40):
        optimiser.zero_grad()
        loss = le.color_discriminator_loss(critic, fake, real.float())
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.7 * 2 * math.log(2)
    before = le.adversarial_color_loss(critic, fake).item()
    shift = torch.zeros(1, 3, 1, 1, requires_grad=True)
    for _ in range(20):
        (grad,) = torch.autograd.grad(le.adversarial_color_loss(critic, fake + shift), shift)
        shift = (shift - 0.02 * grad / grad.norm()).detach().requires_grad_()
    assert le.adversarial_color_loss(critic, fake + shift).item() < before


# What is refused

OK = torch.rand(2, 3, 26, 26)


class Wrong(nn.Module):
    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, x: Tensor) -> object:
        return self.answer


BAD_CALLS: list[tuple[Callable[[], object], type[Exception], list[str]]] = [
    (lambda: le.color_blur([OK]), TypeError, ["x must be a torch.Tensor", "list"]),
    (lambda: le.color_blur(OK.byte()), TypeError, ["x must have a floating dtype", "torch.uint8"]),
    (lambda: le.color_blur(OK[0]), ValueError, ["x must have shape (N, C, H, W)", "(3, 26, 26)"]),
    (
        lambda: le.color_blur(OK, preset="dslr"),
        ValueError,
        ["preset must be one of 'wespe', 'dped', 'std3', got 'dslr'"],
    ),
    (lambda: filters.color_window("std"), ValueError, ["preset must be one of 'wespe', 'dped', 'std3', got 'std'"]),
    (
        lambda: le.color_blur(OK, padding="same"),
        ValueError,
        ["padding must be one of 'valid', 'reflect', 'zeros', got 'same'"],
    ),
    (
        lambda: le.color_blur(OK[..., :20]),
        ValueError,
        ["x is too small", "at least 21", "padding='valid', got 26 x 20; use larger images, or padding='reflect'"],
    ),
    (
        lambda: le.color_blur(OK[..., :10, :], padding="reflect"),
        ValueError,
        ["x is too small", "at least 11", "padding='reflect', got 10 x 26; use larger images"],
    ),
    (lambda: filters.color_window(dtype=torch.float16), ValueError, ["dtype must be torch.float32 or torch.float64"]),
    (
        lambda: filters.color_window("dped", dtype=torch.float16),
        ValueError,
        ["dtype must be torch.float32 or torch.float64", "torch.float16"],
    ),
    (lambda: le.blurred_mse_loss(OK, OK[:1]), ValueError, ["x and y must have the same shape"]),
    (lambda: le.blurred_mse_loss(OK, OK, reduction="avg"), ValueError, ["reduction must be one of", "'avg'"]),
    (lambda: le.blurred_mse_loss(OK, OK, preset="x"), ValueError, ["preset must be one of"]),
    (lambda: le.adversarial_color_loss(abs, OK), TypeError, ["D must be a torch.nn.Module", "logit", "builtin"]),
    (lambda: le.AdversarialColorLoss(abs), TypeError, ["D must be a torch.nn.Module"]),
    (lambda: le.color_discriminator_loss(None, OK, OK), TypeError, ["D must be a torch.nn.Module", "NoneType"]),
    (lambda: le.adversarial_color_loss(Critic(), OK[0]), ValueError, ["x must have shape (N, C, H, W)"]),
    (lambda: le.adversarial_color_loss(Critic(), None), TypeError, ["x must be a torch.Tensor", "NoneType"]),
    (lambda: le.adversarial_color_loss(Critic(), OK, reduction="x"), ValueError, ["reduction must be one of"]),
    (lambda: le.adversarial_color_loss(Critic(), OK, padding="x"), ValueError, ["padding must be one of"]),
    (lambda: le.adversarial_color_loss(Critic(), OK[..., :20]), ValueError, ["x is too small", "21"]),
    (
        lambda: le.adversarial_color_loss(Critic().to("meta"), OK),
        ValueError,
        ["x and D must be on the same device, got cpu and meta"],
    ),
    (
        lambda: le.adversarial_color_loss(Wrong(torch.zeros(1, 1)), OK),
        ValueError,
        ["D must return logits of shape (2, …)", "first axis as in x", "got shape (1, 1)"],
    ),
    (lambda: le.adversarial_color_loss(Wrong(torch.tensor(0.0)), OK), ValueError, ["D must return", "got shape ()"]),
    (lambda: le.color_discriminator_loss(Wrong([OK]), OK, OK), ValueError, ["D must return logits", "got list"]),
    (lambda: le.color_discriminator_loss(Critic(), OK, None), TypeError, ["y must be a torch.Tensor", "NoneType"]),
    (lambda: le.color_discriminator_loss(Critic(), 1, OK), TypeError, ["x must be a torch.Tensor", "int"]),
    (lambda: le.color_discriminator_loss(Critic(), OK, OK[:1]), ValueError, ["x and y must have the same shape"]),
    *[
        (lambda v=v: le.ColorDiscriminator(image_size=v), ValueError, ["image_size must be", "integer", repr(v)])
        for v in (16, (17, 16), (16, 17), 0, 33.0, None, (20,), (20, 20, 20))
        if v not in (0, 33.0, None)
    ],
    *[
        (lambda v=v: le.ColorDiscriminator(image_size=v), ValueError, ["image_size must be an integer of at least 1"])
        for v in (0, 33.0, None, (17, "17"))
    ],
    (lambda: le.ColorDiscriminator(image_size=16), ValueError, ["one or two integers of at least 17, got 16"]),
    *[
        (lambda v=v: le.ColorDiscriminator(channels=v), ValueError, ["channels must be an integer of at least 1"])
        for v in (0, 1.5)
    ],
    *[
        (lambda v=v: le.ColorDiscriminator(width=v), ValueError, ["width must be", "above 0", repr(v)])
        for v in (0, -1, "1")
    ],
    (
        lambda: le.ColorDiscriminator(image_size=26, width=0.01)(OK[:, :1]),
        ValueError,
        ["x must have shape (N, 3, 26, 26) for this discriminator, got (2, 1, 26, 26)", "after the blur"],
    ),
    (lambda: le.ColorDiscriminator(image_size=26, width=0.01)(OK[0]), ValueError, ["x must have shape (N, C, H, W)"]),
]


@pytest.mark.parametrize("row", BAD_CALLS, ids=lambda row: row[2][0])
def test_bad_calls(row: tuple[Callable[[], object], type[Exception], list[str]]) -> None:
    call, error, words = row
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_the_smallest_that_is_accepted() -> None:
    assert le.color_blur(OK[..., :21, :21]).shape == (2, 3, 1, 1)
    assert le.color_blur(OK[..., :11, :11], padding="reflect").shape == (2, 3, 11, 11)
    assert le.color_blur(OK[..., :1, :1], padding="zeros").shape == (2, 3, 1, 1)
    message = "use larger images$"
    with pytest.raises(ValueError, match=message):
        le.color_blur(OK[..., :10, :10])
