"""The explorable on scales without a browser: its scene, and the promises of the text beside it."""

from __future__ import annotations

import pytest
import torch

import lossedu as le
from lossedu.explorables import ScalesExplorer, standalone_page
from lossedu.explorables.scales_explorer import three_places, where
from lossedu.explorables.scales_scene import EDGE, HIGH, LOW, MEAN_SQUARE, blotch, clean, grain, state
from lossedu.losses.multiscale import SIGMAS
from lossedu.losses.scales_apart import factors

ALL = (True,) * 5


def only(*sigmas: float) -> tuple[bool, ...]:
    return tuple(sigma in sigmas for sigma in SIGMAS)


@pytest.mark.parametrize("width", [3.0, 8.0, 16.0])
def test_blotch_and_grain_have_one_mean_square_each(width: float) -> None:
    assert float(blotch(width).square().mean()) == pytest.approx(MEAN_SQUARE, rel=1e-12)
    assert float(grain().square().mean()) == pytest.approx(1, rel=1e-12)
    assert float(grain().mean()) == pytest.approx(0, abs=1e-12)
    assert 0 < float((clean() + blotch(width)).max()) < 1


def test_clean_picture_is_a_step() -> None:
    y = clean()
    assert y.dtype == torch.float64 and set(y[..., :EDGE].flatten().tolist()) == {LOW}
    assert set(y[..., EDGE:].flatten().tolist()) == {HIGH}


@pytest.mark.parametrize("sigmas", [SIGMAS, (0.5, 2.0), (8.0,)])
def test_numbers_are_those_of_the_loss(sigmas: tuple[float, ...]) -> None:
    found = state(10.0, 3 / 255, only(*sigmas))
    y, options = clean(), {"sigmas": sigmas, "padding": "reflect"}
    x = y + blotch(10.0) + 3 / 255 * grain()
    assert found.loss == pytest.approx(le.ms_ssim_sigma_loss(x, y, **options).item(), rel=1e-10)
    alone = le.ms_ssim_sigma_loss(y + blotch(10.0), y, **options).item() / MEAN_SQUARE
    assert found.prices.blotch == pytest.approx(alone, rel=1e-10)
    cs = factors(x, y, padding="reflect").contrast_structure[:, 0, 0, 44:53].mean(1)
    torch.testing.assert_close(found.profiles, cs)


def test_a_dozen_pixels_from_the_edge_the_widest_window_alone_looks_away() -> None:
    cs = state(12.0, 8 / 255, ALL).profiles[:, EDGE - 12]
    assert float(cs[-1]) > 0.9 and float(cs[:-1].max()) < 0.7
    close = state(12.0, 8 / 255, ALL).profiles[:, EDGE - 5]  # five pixels away: σ 4 has given up too, σ 2 begins to
    assert float(close[3]) > 0.9 and float(close[:2].max()) < 0.7


def test_without_sigma_8_the_blotch_is_less_than_half_as_dear_and_without_4_nearly_free() -> None:
    ratios = []
    for used in (ALL, only(0.5, 1, 2, 4), only(0.5, 1, 2), only(8)):
        prices = state(12.0, 2 / 255, used).prices
        ratios.append(prices.grain / prices.blotch)
    assert ratios[1] > 2 * ratios[0] and ratios[2] > 40 and ratios[3] < 3


def test_the_blotch_is_seen_by_the_widest_window_most() -> None:
    cs = state(12.0, 2 / 255, ALL).profiles[:, 66]
    assert cs.tolist() == sorted(cs.tolist(), reverse=True) and float(cs[-1]) < 0.8 < 0.9 < float(cs[1])


def test_first_state_is_in_the_html() -> None:
    explorer = ScalesExplorer(width=8, grain=0, place=20, sigmas=(1, 4))
    html, found = explorer.to_html(), explorer.state()
    assert f'data-out="cs3">{three_places(float(found.profiles[3, 20]))}<' in html
    assert 'data-in="s1" type="checkbox" checked>' in html and 'data-in="s0" type="checkbox">' in html
    assert html == ScalesExplorer(width=8, grain=0, place=20, sigmas=(1, 4)).to_html()
    assert len(html.encode()) < 80_000
    assert "://" not in standalone_page(ScalesExplorer())


def test_texts() -> None:
    assert [three_places(value) for value in (1.0, -0.25, -0.0)] == ["1.000", "−0.250", "0.000"]
    assert where(EDGE) == "edge + 1 px" and where(EDGE - 1) == "edge − 1 px"


@pytest.mark.parametrize(
    ("options", "message"),
    [({"width": 2}, "width"), ({"grain": 9}, "grain"), ({"place": 96}, "place"), ({"sigmas": ()}, "sigmas"),
     ({"sigmas": (3,)}, "sigmas")],
)  # fmt: skip
def test_wrong_start_is_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ScalesExplorer(**options)
