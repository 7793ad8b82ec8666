"""Looks: what depends on the picture does, what is told by nobody is not guessed, and nothing leaves the range."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lossedu import data
from lossedu.data import looks
from lossedu.data.looks import NO_MOOD, WIDEST, Mood, flat, moods, retouch


def photo(name: str = "coffee") -> Tensor:
    return data.downsample2(data.downsample2(data.photograph(name)[..., :400, :400]))


def luma(x: Tensor) -> Tensor:
    return (x * torch.tensor(looks.LUMA).view(1, 3, 1, 1)).sum(dim=1)


def test_flat_pictures_are_flat_and_follow_exposure_and_warmth() -> None:
    x = photo()
    plain = flat(x)
    assert float(plain.std()) < 0.8 * float(x.std())
    assert float(flat(x, exposure=0.5).mean()) > float(plain.mean()) > float(flat(x, exposure=-0.5).mean())
    warm = flat(x, warmth=0.1)
    torch.testing.assert_close(warm[:, 0], (1.1 * plain[:, 0]).clamp(0, 1))
    torch.testing.assert_close(warm[:, 2], 0.9 * plain[:, 2])
    torch.testing.assert_close(flat(x, contrast=0.75), plain)


def test_the_retoucher_mends_exposure_casts_and_flatness() -> None:
    x = photo()
    dim = flat(x, exposure=-0.6, warmth=0.1)
    y = retouch(dim)
    assert abs(float(luma(y).mean()) - looks.AIM) < abs(float(luma(dim).mean()) - looks.AIM) / 2
    dull = flat(x, contrast=0.4)
    assert float(retouch(dull).std()) > 1.3 * float(dull.std())
    cast = [float((z[:, 0].mean() - z[:, 2].mean()) / z.mean()) for z in (dim, y)]
    assert cast[1] < cast[0]


def test_the_look_depends_on_the_picture_and_not_on_its_neighbours_in_the_batch() -> None:
    one, other = flat(photo()), flat(photo("rocket"))
    together = retouch(torch.cat([one, other]))
    torch.testing.assert_close(together, torch.cat([retouch(one), retouch(other)]))
    grey = torch.full((1, 3, 32, 32), 0.3)
    grey[..., :16] = 0.6
    bright, dark = retouch(grey), retouch(grey * 0.5)
    assert float((bright - dark).abs().mean()) < 0.15  # half of the light is made good
    crop = retouch(one)[..., :50, :50] - retouch(one[..., :50, :50])
    assert float(crop.abs().mean()) > 0.005  # a crop is a picture of its own


def test_moods_do_what_they_say() -> None:
    x = flat(photo())
    plain = retouch(x)
    torch.testing.assert_close(retouch(x, NO_MOOD), plain)
    assert float(retouch(x, Mood(exposure=0.5)).mean()) > float(plain.mean()) + 0.05
    assert float(retouch(x, Mood(warmth=0.1))[:, 0].mean()) > float(plain[:, 0].mean())

    def colour(z: Tensor) -> float:
        return float((z - luma(z)[:, None]).abs().mean())

    assert colour(retouch(x, Mood(saturation=0.5))) > 1.2 * colour(plain) > colour(retouch(x, Mood(saturation=-0.5)))


def test_moods_are_drawn_within_their_range_and_one_a_picture() -> None:
    drawn = moods(1000, generator=torch.Generator().manual_seed(0))
    for part, most in zip(drawn, WIDEST, strict=True):
        assert isinstance(part, Tensor) and part.shape == (1000,)
        assert 0.95 * most < float(part.abs().max()) <= most and abs(float(part.mean())) < 0.1 * most
    x = flat(photo()).expand(2, -1, -1, -1)
    both = Mood(exposure=torch.tensor([0.4, -0.4]))
    each = torch.cat([retouch(x[:1], Mood(exposure=value)) for value in (0.4, -0.4)])
    torch.testing.assert_close(retouch(x, both), each)
    half = moods(1000, generator=torch.Generator().manual_seed(0), strength=0.5)
    torch.testing.assert_close(half.warmth, 0.5 * torch.as_tensor(drawn.warmth))


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_flat_ground_stays_in_the_range_and_is_a_number(value: float) -> None:
    for z in (retouch(torch.full((1, 3, 16, 16), value)), flat(torch.full((1, 3, 16, 16), value))):
        assert bool(z.isfinite().all()) and float(z.min()) >= 0 and float(z.max()) <= 1


def test_wrong_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="x must have 3 channels"):
        retouch(torch.zeros(1, 1, 32, 32))
    with pytest.raises(ValueError, match="at least 16 x 16"):
        retouch(torch.zeros(1, 3, 8, 32))
    with pytest.raises(TypeError, match="x"):
        flat(torch.zeros(1, 3, 32, 32, dtype=torch.int64))
    with pytest.raises(ValueError, match="contrast"):
        flat(torch.zeros(1, 3, 32, 32), contrast=1.5)
    with pytest.raises(ValueError, match="count"):
        moods(0, generator=torch.Generator())
    with pytest.raises(ValueError, match="one number or 1, one a picture, got 3"):
        retouch(torch.zeros(1, 3, 32, 32), Mood(exposure=torch.zeros(3)))
    assert retouch(torch.zeros(1, 3, 32, 32).bfloat16()).dtype == torch.float32
