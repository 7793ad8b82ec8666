"""The explorable on histogram EMD without a browser: its scene, and the promises of the text beside it."""

from __future__ import annotations

import math
import re

import pytest
import torch

import lossedu as le
from lossedu.explorables import EMDExplorer, emd_chart, standalone_page
from lossedu.explorables import emd_scene as scene
from lossedu.explorables.emd_explorer import black_text

NARROW, WIDE = scene.bandwidth(100), scene.bandwidth(0)


def test_the_photograph_has_its_rounding_undone() -> None:
    photo, crop = scene.photo(), scene.crop()
    assert photo.shape == (1, 1, 64, 64) and photo.dtype == torch.float64
    assert bool((photo[0, 0] * 256).floor().eq(crop).all())
    places = (photo * 255) % 1
    assert float(places.std()) == pytest.approx(1 / math.sqrt(12), rel=0.03)  # anywhere in their bins, not on a comb


def test_bandwidths_go_from_deephists_to_a_thousandth_of_a_bin() -> None:
    assert pytest.approx(1 / 256 / 2.5) == WIDE
    assert pytest.approx(1 / 256 / 1000) == NARROW
    assert scene.bandwidth(50) == pytest.approx(1 / 256 / 50)


def test_state_is_that_of_the_loss() -> None:
    x, y = EMDExplorer().pictures()
    for kernel in scene.KERNELS:
        found = scene.state(x, y, kernel, 1e-3, True)
        z = x.clone().requires_grad_()
        loss = le.histogram_emd_loss(z, y, **scene.options(kernel, 1e-3, True))
        loss.backward()
        assert z.grad is not None
        assert found.loss == loss.item()
        torch.testing.assert_close(found.pull, -4096 * z.grad)
        assert found.exact == pytest.approx((x.flatten().sort().values - y.flatten().sort().values).abs().mean().item())


def test_a_tone_curve_costs_its_absolute_error_and_a_shuffle_costs_nothing() -> None:
    x, y = EMDExplorer().pictures()
    found = EMDExplorer().state()
    assert found.exact == pytest.approx(found.apart)  # ranks are as they were
    shuffled = x.flatten()[torch.randperm(4096, generator=torch.Generator().manual_seed(1))].view_as(x)
    other = scene.state(shuffled, y, "sort", WIDE, True)
    assert other.exact == pytest.approx(found.exact) and other.apart > 1.05 * found.apart


def test_what_the_prompts_say() -> None:
    x, y = EMDExplorer().pictures()
    wide, narrow, plain = (
        scene.state(x, y, "logistic", *each) for each in ((WIDE, True), (NARROW, True), (WIDE, False))
    )
    assert wide.felt == pytest.approx(1 - wide.black) and wide.black > 0.05  # all but the black pixels
    assert narrow.felt < 0.05 and narrow.largest > 200
    assert max(abs(wide.black_pull), abs(narrow.black_pull)) < 1e-12  # the mirrored kernel is even at black
    assert plain.black_pull < -100 and plain.black_goal > 0.1
    assert "pushed darker" in black_text(plain) and "feel nothing" in black_text(wide)
    exact = scene.state(x, y, "sort", WIDE, True)
    assert exact.felt == exact.largest == 1 and "are pulled lighter: 1.00." in black_text(exact)


def test_a_narrow_kernel_is_felt_by_as_many_as_the_formula_says() -> None:
    """The kernel at distance d of an edge is exp(-d / W) / (W K): above t within W ln(1 / (W K t)) on either side."""
    x = torch.linspace(0.1, 0.4, 250_000, dtype=torch.float64).view(1, 1, 500, 500)
    for setting in (70, 100):
        width = scene.bandwidth(setting)
        found = scene.state(x, x + 0.4, "logistic", width, True)
        expected = 2 * width * 256 * math.log(1 / (width * 256 * scene.FELT))
        assert found.felt == pytest.approx(expected, rel=0.05)
        assert found.pull.mean().item() == pytest.approx(1, rel=0.01)  # right on average


def test_words_for_black_pixels() -> None:
    base = EMDExplorer().state()
    assert black_text(base._replace(black=0.0)) == "No pixel is black."
    assert black_text(base._replace(black_goal=0.0, black_pull=-0.5)).endswith("stay black; their mean pull is −0.50.")


def test_the_scale_of_the_pull() -> None:
    values = [-1e9, -1e5, -1.0, -1e-3, 0.0, 1e-4, math.sqrt(1e-3), 1.0, math.sqrt(1e5), 1e5]
    expected = [-1, -1, -0.5, 0, 0, 0, 0.25, 0.5, 0.75, 1]
    assert [emd_chart.pull_scale(v) for v in values] == pytest.approx(expected)


def test_the_chart_holds_every_pixel() -> None:
    line = emd_chart.cumulative([0.0, 0.0, 0.5, 1.0])
    assert [p.split(",")[1] for p in (line[0], line[1], line[33], line[-1])] == ["250.0", "214.0", "196.0", "178.0"]
    assert emd_chart.bars([0.0] * 20 + [0.99] * 80, 62, 46).count("M") == 2
    assert emd_chart.dots([0.5, 0.5, 0.25], [1.0, 1.0, 0.0]) == "M126,332h0M208,307h0"
    threads = re.findall(r"M([\d.]+),65L([\d.]+),103", emd_chart.transport([0.1] * 50, [0.6] * 50))
    assert threads == [("76.8", "240.8")] * emd_chart.THREADS


def test_first_state_is_in_the_html() -> None:
    options = {"picture": (-0.1, 0.5, 1.2), "kernel": "logistic", "narrow": 60, "mirror": False}
    explorer = EMDExplorer(**options)  # type: ignore[arg-type]
    html, found = explorer.to_html(), explorer.state()
    assert f'data-out="loss">{found.loss:.4f}<' in html and f'data-out="felt">{100 * found.felt:.1f} %<' in html
    assert '<option value="logistic" selected>' in html and 'type="checkbox">' in html
    assert 'value="1.20" aria-valuetext="1.20"' in html
    assert html == EMDExplorer(**options).to_html()  # type: ignore[arg-type]
    assert len(EMDExplorer().to_html().encode()) < 60_000
    assert "://" not in standalone_page(EMDExplorer())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"picture": (0.6, 0, 1)}, r"picture \(shift\)"),
        ({"target": (0.0, 3, 1)}, r"target \(gain\)"),
        ({"target": (0.0, 0, 0)}, r"target \(gamma\)"),
        ({"picture": (0.0, 0)}, "three numbers"),
        ({"kernel": "box"}, "kernel"),
        ({"narrow": 101}, "narrow"),
    ],
)
def test_start_values_are_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EMDExplorer(**options)  # type: ignore[arg-type]
