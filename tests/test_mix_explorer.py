"""The explorable on Mix without a browser: its scene, and the promises of the text beside it."""

from __future__ import annotations

import pytest
import torch

import lossedu as le
from lossedu.explorables import MixExplorer, standalone_page
from lossedu.explorables.mix_explorer import two_digits, weight_of
from lossedu.explorables.mix_scene import KINDS, course, error, patch, state


def test_errors_have_a_root_mean_square_of_one() -> None:
    for kind in KINDS:
        found = error(kind)
        assert found.shape == (1, 1, 31, 31) and found.dtype == torch.float64
        assert float(found.square().mean()) == pytest.approx(1)
        assert float(found.mean()) == pytest.approx(1 if kind == "shift" else 0, abs=1e-12)
    assert error("grain")[0, 0, 0, :2].tolist() == pytest.approx(GRAIN, abs=1e-9)


GRAIN = [0.4008318947426068, 0.42905301525906764]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("alpha", "unit"), [(0.84, 1), (0.025, 1), (0.84, 255)])
def test_asks_are_the_gradient_of_mix(kind: str, alpha: float, unit: float) -> None:
    found = state(kind, 7, alpha, unit)
    x = found.picture.clone().requires_grad_()
    mix = alpha * le.ms_ssim_sigma_loss(x, patch(), form="patch")
    mix = mix + (1 - alpha) * unit * le.mix_loss(x, patch(), alpha=0.0, form="patch")
    (grad,) = torch.autograd.grad(mix, x)
    torch.testing.assert_close(found.asks[2], -961 * grad)
    assert found.share == pytest.approx(float(found.asks[0].abs().sum() / sum(a.abs().sum() for a in found.asks[:2])))
    assert found.l1 == pytest.approx(unit * float(le.mix_loss(found.picture, patch(), alpha=0.0, form="patch")))


def test_what_the_text_says_of_the_buttons() -> None:
    strength = 2**2.5
    grain, shift = (state(kind, strength, weight_of(0.72), 1).share for kind in ("grain", "shift"))
    assert grain > 0.98 and 0.2 < shift < 0.3
    code, steps = state("grain", strength, weight_of(-1.59), 1), state("grain", strength, weight_of(0.72), 255)
    assert 0.2 < steps.share < code.share < 0.35
    assert steps.weight == pytest.approx(0.0202, abs=2e-4)


def test_the_share_falls_at_both_ends_of_the_strength() -> None:
    for alpha in (0.84, 0.025):
        weak, middle, strong = course("grain", alpha, 1, [0.25, 8, 64])
        assert weak < middle > strong
    assert course("grain", 0.84, 1, [64])[0] < 0.1


def test_first_state_is_in_the_html() -> None:
    html = MixExplorer(alpha=0.025, error="splotch", strength=8).to_html()
    found = state("splotch", 8, weight_of(-1.59), 1)
    assert f'data-out="share">{100 * found.share:.0f} %<' in html
    assert '<option value="splotch" selected>' in html and '<option value="1" selected>' in html
    assert html == MixExplorer(alpha=0.025, error="splotch", strength=8).to_html()
    assert len(html.encode()) < 60_000
    assert "://" not in standalone_page(MixExplorer())


def test_texts_of_weights() -> None:
    assert [two_digits(a) for a in (0.84, 0.025, 0.001, 0.969)] == ["0.84", "0.025", "0.0010", "0.97"]
    assert weight_of(0.0) == 0.5 and weight_of(0.72) == pytest.approx(0.84, abs=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"alpha": 0.0}, "alpha"), ({"unit": 2}, "unit"), ({"error": "blur"}, "error"), ({"strength": 100}, "strength")],
)
def test_start_values_are_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MixExplorer(**options)  # type: ignore[arg-type]
