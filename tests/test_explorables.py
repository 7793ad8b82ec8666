"""Explorables without a browser: what Python writes, and that the scene keeps what the text promises."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pytest
import torch
from PIL import Image

import lossedu as le
from lossedu import png
from lossedu.explorables import (
    Explorable,
    FrameSlider,
    SSIMExplorer,
    camera_crop,
    disturbance,
    flat_price,
    standalone_page,
)
from lossedu.explorables.ssim_explorer import digits3, round_up, verdict

#: Every fortieth pixel of ``disturbance(64)``.
CORNER = [
    1.9744320320571311, -0.5847581407992846, 0.845026397886794, -0.6908525934322923, -0.20849798814619638,
    -0.7468144929181675, 1.9440907718126532, -1.4882507696808818, 0.09099020962666149,
]  # fmt: skip


def picture(level: int) -> bytes:
    return png.encode(np.full((4, 6), level, np.uint8))


class Tricky(Explorable):
    """Data and words that would break a careless page."""

    template, scripts = "frames.html", ("frames.js",)

    def fields(self) -> dict[str, str]:
        return dict.fromkeys(("label", "last", "start", "value", "uri", "alt", "width", "height", "kind"), "0")

    def data(self) -> dict[str, str]:
        return {"text": "</script><!-- \u2028 ü"}


@pytest.fixture(scope="module")
def explorer_html() -> str:
    return SSIMExplorer().to_html()


# ---- png ----


def test_png_holds_the_pixels() -> None:
    grey = np.arange(35, dtype=np.uint8).reshape(5, 7) * 7
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png.encode(grey)))), grey)
    palette = np.random.default_rng(0).integers(0, 256, (256, 3), dtype=np.uint8)
    coloured = Image.open(io.BytesIO(png.encode(grey, palette))).convert("RGB")
    assert np.array_equal(np.asarray(coloured), palette[grey])


# ---- the base ----


def test_data_cannot_end_the_script() -> None:
    block = Tricky(label="a").to_html()
    raw = re.search(r'<script type="application/json">(.*?)</script>', block, re.S)
    assert raw is not None
    assert json.loads(raw[1]) == {"text": "</script><!-- \u2028 ü"}
    assert block.count("</script>") == 2


def test_label_is_escaped() -> None:
    assert 'aria-label="&quot;&lt;b&gt;"' in Tricky(label='"<b>').to_html()


def test_equal_content_gives_equal_bytes() -> None:
    assert SSIMExplorer().to_html() == SSIMExplorer()._repr_html_()


def test_name_depends_on_content_and_key() -> None:
    def name(**options: object) -> str:
        found = re.search(r'data-lx="(\w+)"', SSIMExplorer(**options).to_html())  # type: ignore[arg-type]
        assert found is not None
        return found[1]

    assert len({name(), name(sigma=3), name(key="a"), name(key="b")}) == 4


def test_key_becomes_the_id_and_nothing_else_has_one(explorer_html: str) -> None:
    assert not re.search(r"\sid=", explorer_html)
    assert re.findall(r'\sid="([^"]*)"', SSIMExplorer(key="splotch").to_html()) == ["lx-splotch"]


@pytest.mark.parametrize("key", ["a b", '"', "<"])
def test_key_is_checked(key: str) -> None:
    with pytest.raises(ValueError, match="key must be letters"):
        SSIMExplorer(key=key)


def test_nothing_is_loaded_from_anywhere(explorer_html: str) -> None:
    page = standalone_page(SSIMExplorer(), FrameSlider([picture(1)], [1], label="x", alt="y"))
    assert "://" not in page
    assert "url(" not in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)


def test_page_is_light_enough(explorer_html: str) -> None:
    assert len(explorer_html.encode()) < 120_000


# ---- frames ----


def test_frame_slider_starts_where_it_is_told() -> None:
    slider = FrameSlider([picture(1), picture(2)], [0.5, 1.5], label="σ", unit="px", alt="Blur of {value}.", start=1)
    block = slider.to_html()
    image = re.search(r"<img[^>]*>", block)
    assert image is not None
    assert 'alt="Blur of 1.5 px."' in image[0]
    assert png.data_uri(picture(2)) in image[0]
    assert 'width="6" height="4"' in image[0]
    assert 'max="1" step="1" value="1" aria-valuetext="1.5 px"' in block


def test_frame_slider_zooms_pixels_and_takes_an_alt_a_frame() -> None:
    slider = FrameSlider([picture(1), picture(2)], ["a", "b"], label="x", alt=["one", "two"], zoom=8)
    assert 'class="lx-pixels"' in slider.to_html()
    assert 'width="48" height="32"' in slider.to_html()
    assert slider.data()["alts"] == ["one", "two"]


@pytest.mark.parametrize(
    ("frames", "values", "options", "message"),
    [
        ([], [], {}, "at least one"),
        ([picture(1)], [1, 2], {}, "got 1, 2, 2"),
        ([picture(1)], [1], {"alt": ["a", "b"]}, "got 1, 1, 2"),
        ([picture(1), b"GIF89a.."], [1, 2], {}, r"frames\[1\] must be a PNG"),
        ([picture(1), png.encode(np.zeros((4, 7), np.uint8))], [1, 2], {}, "one size"),
        ([picture(1)], [1], {"start": 1}, "start must be a position from 0 to 0, got 1"),
        ([picture(1)], [1], {"zoom": 0}, "zoom must"),
    ],
)
def test_frame_slider_says_what_is_wrong(frames: list[bytes], values: list[int], options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FrameSlider(frames, values, **{"label": "x", "alt": "y", **options})


def test_frames_from_figures_are_closed_and_repeat() -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    def draw(value: float) -> plt.Figure:
        figure, axes = plt.subplots(figsize=(2, 1))
        axes.plot([0, value])
        return figure

    before = plt.get_fignums()
    first, second = (FrameSlider.from_figures(draw, [1, 2], label="x", alt="{value}", dpi=50) for _ in range(2))
    assert plt.get_fignums() == before
    assert first.frames == second.frames
    assert first.frames[0] != first.frames[1]
    assert 'width="100" height="50"' in first.to_html()


# ---- the scene of the SSIM explorable ----


@pytest.mark.parametrize("wavelength", [2, 5.3, 31, 128])
def test_disturbance_costs_the_same_mse_at_every_wavelength(wavelength: float) -> None:
    assert disturbance(wavelength, rms=0.02).square().mean().item() == pytest.approx(4e-4, rel=1e-12)


def test_disturbance_is_the_same_on_every_machine() -> None:
    # written down once: a change here moves every number that the chapter quotes from this figure
    corner = disturbance(64, rms=1.0)[0, 0, ::40, ::40].flatten().tolist()
    assert corner == pytest.approx(CORNER, abs=1e-9)


def test_disturbance_has_one_wavelength() -> None:
    d = disturbance(8)[0, 0]
    mirrored = torch.cat([d, d.flip(0)])
    spectrum = torch.fft.fft2(torch.cat([mirrored, mirrored.flip(1)], 1)).abs() ** 2
    f = torch.fft.fftfreq(192, dtype=torch.float64)
    radius = torch.hypot(f[:, None], f[None, :])
    inside = (radius > 1 / 8 / 1.35) & (radius < 1.35 / 8)
    assert (spectrum[inside].sum() / spectrum.sum()).item() > 0.98


@pytest.mark.parametrize("sigma", [1.5, 4.0, 9.0])
@pytest.mark.parametrize("wavelength", [3, 8, 32, 90, 128])
def test_measured_price_on_flat_ground_meets_the_theory(wavelength: float, sigma: float) -> None:
    y = torch.full((1, 1, 96, 96), 0.5, dtype=torch.float64)
    rms = 1e-3
    loss = le.ssim_loss(y + disturbance(wavelength, rms=rms), y, sigma=sigma, padding="reflect").item()
    assert loss / rms**2 == pytest.approx(flat_price(1 / wavelength, sigma), rel=0.05)


def test_flat_price_is_what_price_measures() -> None:
    frequencies = torch.tensor([1 / 64, 1 / 16, 1 / 8, 1 / 4], dtype=torch.float64)
    measured = le.price(lambda x, y: le.ssim_loss(x, y, sigma=3.0), level=0.3, amplitude=1e-4, frequencies=frequencies)
    theory = [flat_price(f.item(), 3.0, level=0.3) for f in measured.frequencies]
    assert measured.values.tolist() == pytest.approx(theory, rel=1e-3)


def test_crop_is_whole_bytes() -> None:
    crop = camera_crop()
    assert crop.shape == (1, 1, 96, 96)
    assert torch.equal(crop, (crop * 255).round() / 255)


# ---- the SSIM explorable ----


def ratio(**options: object) -> float:
    state = SSIMExplorer(**options)._state()  # type: ignore[arg-type]
    return state.grain_price / state.price


def test_the_splotch_of_the_text_is_for_sale() -> None:
    assert ratio(wavelength=128) > 100
    assert ratio(wavelength=128, ground="flat", strength=0.5) == pytest.approx(139, rel=0.05)
    assert 2 < ratio(wavelength=128, sigma=9) < 10
    assert ratio() == 1


def test_first_state_is_in_the_html() -> None:
    explorer = SSIMExplorer(sigma=3, wavelength=64, strength=2, ground="flat")
    y = torch.full((1, 1, 96, 96), 0.5, dtype=torch.float64)
    x = y + disturbance(64, rms=2 / 255)
    loss = le.ssim_loss(x, y, sigma=3, padding="reflect").item()
    block = explorer.to_html()
    assert f'data-out="loss">{digits3(loss)}<' in block
    assert f'data-out="mse">{digits3((2 / 255) ** 2 * 1e6)}<' in block
    assert '<option value="flat" selected>' in block
    assert 'value="6.00" aria-valuetext="64.0 px"' in block


def test_own_photograph_is_used() -> None:
    photo = torch.rand(1, 1, 96, 96, generator=torch.Generator().manual_seed(0))
    explorer = SSIMExplorer(photo=photo)
    assert (explorer.reference - photo).abs().max().item() <= 0.5 / 255 + 1e-6
    assert explorer.to_html() != SSIMExplorer().to_html()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sigma": 0.4}, "sigma"),
        ({"wavelength": 1.9}, "wavelength"),
        ({"strength": 13}, "strength"),
        ({"ground": "sky"}, "ground"),
        ({"photo": torch.zeros(1, 3, 96, 96)}, "photo must have shape"),
    ],
)
def test_wrong_start_is_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SSIMExplorer(**options)


def test_numbers_are_written_with_three_digits() -> None:
    assert [digits3(v) for v in (0, 1234.5, 123.4, 12.34, 1.234, 0.1234, 0.0001234)] == [
        "0", "1234", "123", "12.3", "1.23", "0.123", "0.000123",
    ]  # fmt: skip
    assert [round_up(v) for v in (0.7, 1, 1.1, 2.5, 51, 5e-3)] == [1, 1, 2, 5, 100, 5e-3]
    assert verdict(106.4) == ("106×", "cheaper than grain")
    assert verdict(1 / 3) == ("3.0×", "dearer than grain")
    assert verdict(1.04) == ("1×", "the price of grain")
