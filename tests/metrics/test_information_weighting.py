"""IW-SSIM against its formula, against the value that its authors' program gave, and what it must obey."""

from __future__ import annotations

import functools
import math

import official
import oracles_metrics
import pytest
import torch
from pictures import noisy, photo
from torch import Tensor

import lossedu as le
from lossedu.metrics import information_weighting, iw_ssim, laplacian


@functools.cache
def pair(name: str = "coffee", size: tuple[int, int] = (161, 163)) -> tuple[Tensor, Tensor]:
    y = photo(name, size, top=100, left=120)
    return noisy(y, 0.1), y


@functools.cache
def by_the_formula(name: str, size: tuple[int, int]) -> float:
    return oracles_metrics.iw_ssim(*map(oracles_metrics.pixels, pair(name, size)))


@pytest.mark.parametrize(("name", "size"), [("coffee", (161, 163)), ("camera", (176, 164))])
def test_value_is_that_of_the_formula(name: str, size: tuple[int, int]) -> None:
    x, y = pair(name, size)
    expected = by_the_formula(name, size)
    assert iw_ssim(x, y).item() == pytest.approx(expected, rel=1e-11)
    assert iw_ssim(x.float(), y.float()).item() == pytest.approx(expected, abs=1e-6)
    assert iw_ssim(100 * x, 100 * y, data_range=100).item() == pytest.approx(expected, rel=1e-11)


def test_values_on_photographs() -> None:
    """The transcription's values, worked out once: whole photographs take it long."""
    for name, expected in (("chelsea", 0.9855411897512757), ("astronaut", 0.9833865993228157)):
        y = le.data.photograph(name).double()
        x = (y + y.roll(1, -1)) / 2
        assert iw_ssim(x, y).item() == pytest.approx(expected, rel=1e-11)
        assert iw_ssim(x.float(), y.float()).item() == pytest.approx(expected, abs=3e-6)


@pytest.mark.parametrize("size", [(48, 50), (49, 51), (50, 49)])
def test_pyramid_pixel_by_pixel(size: tuple[int, int]) -> None:
    x = 255 * photo("camera", size)
    found = laplacian.laplacian_pyramid(x, 4)
    for band, expected in zip(found, oracles_metrics.pyramid(x[0, 0].numpy(), 4), strict=True):
        torch.testing.assert_close(band[0, 0], torch.from_numpy(expected), rtol=1e-11, atol=1e-11)
    enlarged = laplacian.enlarge(found[1], *size)[0, 0]
    expected = torch.from_numpy(oracles_metrics.enlarge(found[1][0, 0].numpy()))[: size[0], : size[1]]
    torch.testing.assert_close(enlarged, expected, rtol=1e-11, atol=1e-11)


def test_structure_window_by_window() -> None:
    """In float32 too, where the coarsest level is bright and pale: its mean is taken off before anything is squared."""
    inner = [z[:, :1, :15, :17] for z in pair()]
    pairs = [255 * torch.cat([z, 8 + 0.01 * z, 0.02 * z]) for z in inner]  # as it is, bright and pale, dark
    for with_luminance in (False, True):
        found = information_weighting._structure(*pairs, with_luminance)
        single = information_weighting._structure(*(z.float() for z in pairs), with_luminance)
        assert found.shape == (3, 1, 5, 7) and single.dtype == torch.float32
        for i in range(3):
            cs, l = oracles_metrics.structure(*(z[i, 0].numpy() for z in pairs))
            expected = torch.from_numpy(cs * l if with_luminance else cs)
            torch.testing.assert_close(found[i, 0], expected, rtol=1e-9, atol=1e-11)
            torch.testing.assert_close(single[i, 0].double(), expected, rtol=1e-4, atol=0)


def test_brightness_of_its_own_in_float32() -> None:
    """The last level is 16 times as bright: nothing of that may be squared, and l is next to 0 for black and white."""
    _, y = pair()
    for x, goal in ((0.2 * y + 0.75, 0.2 * y), (1 + 0 * y, 0.4 + 0 * y), (0 * y, 1 + 0 * y)):
        exact = iw_ssim(x, goal).item()
        assert 0.1 < exact < 0.97
        assert iw_ssim(x.float(), goal.float()).item() == pytest.approx(exact, rel=2e-6)


def test_neighbourhoods_and_what_is_inside() -> None:
    x = torch.arange(2 * 5 * 4).view(2, 1, 5, 4)
    found = information_weighting._neighbourhoods(x)
    assert found.shape == (2, 9, 3, 2)
    assert found[1, :, 2, 1].tolist() == x[1, 0, 2:5, 1:4].flatten().tolist()
    assert torch.equal(information_weighting._inner(x, 1), x[:, :, 1:4, 1:3])


def test_weights_pixel_by_pixel() -> None:
    x, y = (255 * z[:, :1, :40, :36] for z in pair())
    for parent in (None, laplacian.reduce_by_two(y)):
        found = information_weighting._information(x, y, parent)
        arrays = [None if z is None else z[0, 0].numpy() for z in (x, y, parent)]
        expected = torch.from_numpy(oracles_metrics.information(*arrays))[4:-4, 4:-4]  # type: ignore[arg-type]
        torch.testing.assert_close(found[0, 0] / found.mean(), expected / expected.mean(), rtol=1e-9, atol=0)
        assert (found > 0).all()


def test_gradient_is_the_slope_of_the_formula() -> None:
    """The oracle's own finite differences: nothing in them comes from autograd."""
    x, y = pair()
    directions = noisy(torch.zeros_like(x), 1.0, 5), noisy(torch.zeros_like(x), 1.0, 6)
    ends = []
    for step in (1e-5, -1e-5):
        moved = [z + step * direction for z, direction in zip((x, y), directions, strict=True)]
        ends.append(oracles_metrics.iw_ssim(*map(oracles_metrics.pixels, moved)))
    leaves = [x.clone().requires_grad_(), y.clone().requires_grad_()]
    grads = torch.autograd.grad(iw_ssim(*leaves), leaves)
    found = sum((grad * direction).sum().item() for grad, direction in zip(grads, directions, strict=True))
    assert found == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-5)
    assert all(grad.norm() > 1e-4 for grad in grads)


def test_eigenvalues_and_inverse_to_second_order() -> None:
    vectors = torch.randn(2, 4, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    vectors.requires_grad_()
    assert torch.autograd.gradcheck(information_weighting._spectrum, (vectors,))
    assert torch.autograd.gradgradcheck(lambda v: information_weighting._spectrum(v)[1], (vectors,))
    values, inverse = information_weighting._spectrum(vectors)
    covariance = vectors @ vectors.mT / 9
    torch.testing.assert_close(values, torch.linalg.eigvalsh(covariance))
    torch.testing.assert_close(inverse @ covariance, torch.eye(4, dtype=torch.float64).expand(2, 4, 4))


@pytest.mark.parametrize("faintness", [1.0, 1e-5])
@pytest.mark.parametrize("rank", [0, 1, 3])
def test_lost_directions_carry_nothing(rank: int, faintness: float) -> None:
    """The pseudo-inverse, with a finite gradient, where the inverse does not exist."""
    generator = torch.Generator().manual_seed(rank)
    basis, strengths = (torch.randn(5, n, dtype=torch.float64, generator=generator) for n in (rank, 40))
    vectors = (faintness * basis @ strengths[:rank])[None].requires_grad_()
    values, inverse = information_weighting._spectrum(vectors)
    covariance = (vectors @ vectors.mT / 40).detach()
    assert (values > 0).sum() == rank and (values >= 0).all()
    expected = torch.linalg.pinv(covariance, hermitian=True)
    torch.testing.assert_close(faintness**2 * inverse, faintness**2 * expected, rtol=1e-8, atol=1e-8)
    (grad,) = torch.autograd.grad(values.sum() + inverse.sum(), vectors)
    assert grad.isfinite().all()


def test_equal_eigenvalues_have_a_finite_gradient() -> None:
    vectors = torch.eye(4, dtype=torch.float64)[None].requires_grad_()
    values, inverse = information_weighting._spectrum(vectors)
    (grad,) = torch.autograd.grad(values.sum() + inverse.sum(), vectors)
    # values sum to |v|^2 / 4, inverse = 4 (v v')^-1
    torch.testing.assert_close(grad, 0.5 * vectors.detach() - 2 * 4 * torch.ones_like(grad))


def test_gain_and_noise() -> None:
    y = torch.randn(1, 9, 1, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y[..., 2:4] = 7.0
    x = 0.5 * y + 3
    x[..., 1] = 2.0
    x[..., 3] = torch.arange(9, dtype=torch.float64).view(1, 9, 1)
    gain, noise = information_weighting._gain_and_noise(x, y)
    assert gain.flatten().tolist() == pytest.approx([0.5, 0, 0, 0, 0.5], rel=1e-12)
    variance = torch.arange(9, dtype=torch.float64).var(correction=0).item()
    assert noise.flatten().tolist() == pytest.approx([0, 0, 0, variance, 0], rel=1e-12, abs=1e-12)
    # a variance stays one where rounding would take it below 0
    y = torch.randn(1, 9, 20, 20, generator=torch.Generator().manual_seed(3))
    assert (information_weighting._gain_and_noise(0.3 * y, y)[1] >= 0).all()
    # what rounding leaves of a flat image has no gain
    faint = 1e-6 * torch.randn(1, 9, 1, 1, generator=torch.Generator().manual_seed(2))
    gain, noise = information_weighting._gain_and_noise(torch.randn(1, 9, 1, 1), faint)
    assert gain.item() == 0 and noise.item() > 0
    gain, _ = information_weighting._gain_and_noise(faint.double(), faint.double())
    assert gain.item() == pytest.approx(1)


def test_where_a_neighbourhood_counts_as_flat() -> None:
    """Below a deviation of four roundings of 255 in float32, and of 3e-8 levels in float64; not at it."""
    pattern = torch.tensor([1.5, -1.5, 1.5, -1.5, 0, 0, 0, 0, 0]).view(1, 9, 1, 1)  # of mean 0 and variance 1
    rounding = 4 * 255 * 2**-23  # the squares of 1.5 times this are numbers of float32
    for dtype, edge in ((torch.float32, rounding), (torch.float64, math.sqrt(1.05e-15))):
        y = edge * pattern.to(dtype)
        for x, gain in ((3 * y, 3), (y, 1), (0.99 * y, 0.99 if dtype == torch.float64 else 0)):
            assert information_weighting._gain_and_noise(x, y)[0].item() == pytest.approx(gain)
    y = math.sqrt(0.95e-15) * pattern.double()
    assert information_weighting._gain_and_noise(3 * y, y)[0].item() == 0
    y = 0.99 * rounding * pattern
    gain, noise = information_weighting._gain_and_noise(3 * y, y)
    assert gain.item() == 0 and noise.item() == pytest.approx((2.97 * rounding) ** 2)


@pytest.mark.parametrize("name", ["chelsea", "coffee"])
def test_properties(name: str) -> None:
    _, y = pair(name, (168, 161))
    noise = noisy(torch.zeros_like(y), 1.0, 3)
    values = [iw_ssim(y + amount * noise, y).item() for amount in (0, 0.01, 0.03, 0.1, 0.3)]
    assert values[0] == 1
    assert values == sorted(values, reverse=True) and len(set(values)) == len(values)
    blurred = [iw_ssim(le.gaussian_blur(y, sigma), y).item() for sigma in (0.5, 1, 2, 4)]
    assert blurred == sorted(blurred, reverse=True)
    x = y + 0.1 * noise
    assert iw_ssim(x.mT, y.mT).item() == pytest.approx(values[3], rel=1e-10)
    for turn in (lambda z: z.flip(-1), lambda z: z.flip(-2)):  # the pyramid begins at the upper left
        assert iw_ssim(turn(x), turn(y)).item() == pytest.approx(values[3], abs=5e-3)
    grey = [z[:, :1] for z in (x, y)]
    colour = [z.expand(-1, 3, -1, -1) for z in grey]
    assert iw_ssim(*colour).item() == pytest.approx(iw_ssim(*grey).item(), rel=1e-11)


def test_official_value() -> None:
    """To the last digit, but with the noisy image in the place of the reference: the weights come from it."""
    noisy_one, clean = official.image("piq", "i01_01_5.png"), official.image("piq", "i01_ref.png")
    expected = float(official.values("piq")["iw_ssim"]["value"])
    assert iw_ssim(clean, noisy_one).item() == pytest.approx(expected, rel=1e-14)
    assert iw_ssim(clean.float(), noisy_one.float()).item() == pytest.approx(expected, abs=1e-6)
    # with the clean image as the reference, as the index is meant
    assert iw_ssim(noisy_one, clean).item() == pytest.approx(expected - 0.000565222913513, abs=1e-12)
