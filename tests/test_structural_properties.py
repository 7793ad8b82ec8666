"""What SSIM must obey, whatever the pictures."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import batch, noisy, photo
from torch import Tensor

import lossedu as le

EXAMPLES = settings(max_examples=20)
paddings = st.sampled_from(["valid", "reflect"])
channels = st.sampled_from([1, 2, 3, 5])
sides = st.integers(11, 19)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Pieces of photographs, and what they may be compared with."""
    n, c, size = draw(st.integers(1, 3)), draw(channels), (draw(sides), draw(sides))
    x, y = batch(n, c, size, seed=draw(st.integers(0, 9)))
    other = draw(st.sampled_from(["noise", "inverted", "flat", "black", "white", "shifted", "half flat", "itself"]))
    if other == "half flat":
        x[..., : size[1] // 2] = 0.5
    elif other != "noise":
        x = {
            "inverted": 1 - y,
            "flat": torch.full_like(y, 0.5),
            "black": torch.zeros_like(y),
            "white": torch.ones_like(y),
            "shifted": y.roll(2, dims=-1) + 0.1,
            "itself": y.clone(),
        }[other]
    return x, y


@EXAMPLES
@given(pairs(), paddings)
def test_symmetric(pair: tuple[Tensor, Tensor], padding: str) -> None:
    x, y = pair
    assert le.ssim(x, y, padding=padding).item() == pytest.approx(le.ssim(y, x, padding=padding).item(), abs=1e-14)


@EXAMPLES
@given(pairs(), paddings)
def test_bounded_and_finite(pair: tuple[Tensor, Tensor], padding: str) -> None:
    for x, y in (pair, [z.float() for z in pair]):
        values = le.ssim_map(x, y, padding=padding)
        assert (values <= 1).all()
        assert (values > -1).all()
        assert 0 <= le.ssim_loss(x, y, padding=padding) < 2
        assert le.ssim_grad(x, y, padding=padding).isfinite().all()


@EXAMPLES
@given(st.floats(0.05, 1), st.floats(1e-8, 1e-3), st.integers(0, 99))
def test_bounded_where_variances_drown_in_rounding(level: float, deviation: float, seed: int) -> None:
    """With constants next to nothing, a variance that rounding has made negative would turn the sign of cs."""
    y = torch.full((1, 1, 16, 16), level)
    x = noisy(y, deviation, seed)
    for a, b in ((x, y), (x, x.flip(-1)), (x, x + deviation)):
        values = le.ssim_map(a, b, k2=1e-5)
        assert ((values <= 1) & (values > -1)).all()


@EXAMPLES
@given(pairs(), paddings, st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
def test_equal_images_cost_exactly_nothing_and_pull_nowhere(
    pair: tuple[Tensor, Tensor], padding: str, dtype: torch.dtype
) -> None:
    for image in pair:
        x, y = image.to(dtype).requires_grad_(), image.to(dtype).requires_grad_()
        loss = le.ssim_loss(x, y, padding=padding)
        assert loss.item() == 0
        assert le.ssim(x, y, padding=padding).item() == 1
        for grad in torch.autograd.grad(loss, (x, y)):
            assert not grad.any()


@EXAMPLES
@given(pairs(), paddings, st.randoms(use_true_random=False))
def test_order_of_channels_and_images_does_not_matter(pair: tuple[Tensor, Tensor], padding: str, random) -> None:  # type: ignore[no-untyped-def]
    x, y = pair
    images, planes = list(range(x.shape[0])), list(range(x.shape[1]))
    random.shuffle(images)
    random.shuffle(planes)
    expected = le.ssim(x, y, padding=padding, reduction="none")
    found = le.ssim(x[images][:, planes], y[images][:, planes], padding=padding, reduction="none")
    torch.testing.assert_close(found, expected[images], rtol=1e-12, atol=1e-14)


@EXAMPLES
@given(pairs(), paddings)
def test_flips_and_turns_do_not_matter(pair: tuple[Tensor, Tensor], padding: str) -> None:
    x, y = pair
    expected, grad = le.ssim_loss(x, y, padding=padding), le.ssim_grad(x, y, padding=padding)
    for turn in (lambda z: z.flip(-1), lambda z: z.flip(-2), lambda z: z.mT, lambda z: z.rot90(1, (-2, -1))):
        assert le.ssim_loss(turn(x), turn(y), padding=padding).item() == pytest.approx(
            expected.item(), rel=1e-11, abs=1e-14
        )
        torch.testing.assert_close(le.ssim_grad(turn(x), turn(y), padding=padding), turn(grad), rtol=1e-9, atol=1e-14)


@EXAMPLES
@given(pairs(), st.floats(1e-3, 1e3))
def test_images_and_range_scale_together(pair: tuple[Tensor, Tensor], factor: float) -> None:
    x, y = pair
    expected = le.ssim_loss(x, y)
    assert le.ssim_loss(factor * x, factor * y, data_range=factor).item() == pytest.approx(
        expected.item(), rel=1e-9, abs=1e-14
    )
    assert le.ssim(255 * x, 255 * y, data_range=255).item() == pytest.approx(le.ssim(x, y).item(), abs=1e-12)


@EXAMPLES
@given(pairs(), paddings)
def test_a_batch_is_a_stack_of_singles(pair: tuple[Tensor, Tensor], padding: str) -> None:
    x, y = pair
    singles = torch.stack([le.ssim_loss(a[None], b[None], padding=padding) for a, b in zip(x, y, strict=True)])
    torch.testing.assert_close(le.ssim_loss(x, y, padding=padding, reduction="none"), singles, rtol=1e-12, atol=1e-15)
    by_channel = torch.stack(
        [le.ssim_loss(x[:, i : i + 1], y[:, i : i + 1], padding=padding) for i in range(x.shape[1])]
    )
    torch.testing.assert_close(le.ssim_loss(x, y, padding=padding), by_channel.mean(), rtol=1e-12, atol=1e-15)


@EXAMPLES
@given(st.sampled_from(["camera", "brick", "coins"]), paddings)
def test_grey_is_replicated_colour(name: str, padding: str) -> None:
    y = photo(name, 20)
    x = noisy(y, 0.1)
    colour = le.ssim_loss(x.expand(-1, 3, -1, -1), y.expand(-1, 3, -1, -1), padding=padding)
    assert colour.item() == pytest.approx(le.ssim_loss(x, y, padding=padding).item(), rel=1e-13)


@EXAMPLES
@given(st.sampled_from(["chelsea", "coffee", "camera"]), st.floats(0.5, 6), st.integers(0, 99))
def test_more_of_the_same_noise_costs_more(name: str, sigma: float, seed: int) -> None:
    y = photo(name, 48)
    noise = noisy(torch.zeros_like(y), 1.0, seed)
    losses = [le.ssim_loss(y + amount * noise, y, sigma=sigma).item() for amount in (0, 0.003, 0.01, 0.03, 0.1, 0.3)]
    assert losses == sorted(losses)
    assert len(set(losses)) == len(losses)
