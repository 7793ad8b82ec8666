"""Explorables in a real browser, from disk and without a network: numbers, keyboard, twins, accessibility."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from explorable_pages import press, violations
from PIL import Image

import lossedu as le
from lossedu import png
from lossedu.explorables import FrameSlider, SSIMExplorer, disturbance, flat_price

pytestmark = pytest.mark.browser

STATE = """() => {
    const s = Object.assign({}, document.querySelector('.lx').state);
    return Object.assign(s, {map: Array.from(s.map), grad: Array.from(s.grad)});
}"""


def outputs(page: Any) -> dict[str, str]:
    found = page.eval_on_selector_all("[data-out]", "all => all.map(e => [e.dataset.out, e.textContent])")
    return dict(found)


def frames() -> FrameSlider:
    pictures = [png.encode(np.full((8, 8), level, np.uint8)) for level in (0, 90, 180)]
    return FrameSlider(pictures, [1, 2, 3], label="Level", alt="A grey square, step {value}.", zoom=10)


SETTINGS: dict[str, list[tuple[str, str, int]]] = {
    "as it starts": [],
    "splotch": [("scale", "End", 1)],
    "splotch, widest window, strongest": [("scale", "End", 1), ("sigma", "End", 1), ("strength", "End", 1)],
    "narrowest window, faintest": [("sigma", "Home", 1), ("strength", "Home", 1)],
    "in between": [("scale", "ArrowRight", 47), ("sigma", "ArrowUp", 23), ("strength", "ArrowLeft", 3)],
    "splotch on flat grey": [("ground", "ArrowDown", 1), ("scale", "End", 1), ("strength", "Home", 1)],
    "flat grey, wide": [("ground", "ArrowDown", 1), ("scale", "PageUp", 6), ("sigma", "PageUp", 8)],
}


@pytest.mark.parametrize("name", SETTINGS)
def test_page_and_package_compute_the_same(show: Callable[..., Any], name: str) -> None:
    page = show(SSIMExplorer())
    for control, key, times in SETTINGS[name]:
        press(page, control, key, times)
    s = page.evaluate(STATE)
    y = SSIMExplorer(ground=s["ground"]).reference
    x = y + disturbance(s["wavelength"], rms=s["rms"])
    options = {"sigma": s["sigma"], "padding": "reflect"}
    expected_map, expected_grad = 1 - le.ssim_map(x, y, **options), le.ssim_grad(x, y, **options)
    x.requires_grad_()
    loss = le.ssim_loss(x, y, **options)
    (autograd,) = torch.autograd.grad(loss, x)
    page_grad = torch.tensor(s["grad"], dtype=torch.float64).view_as(x)
    scale = expected_grad.abs().max().item()
    assert s["loss"] == pytest.approx(loss.item(), rel=1e-9)
    assert s["mse"] == pytest.approx(s["rms"] ** 2, rel=1e-9)
    assert s["price"] == pytest.approx(loss.item() / s["rms"] ** 2, rel=1e-9)
    assert (torch.tensor(s["map"], dtype=torch.float64).view_as(x) - expected_map).abs().max().item() < 1e-9
    assert (page_grad - expected_grad).abs().max().item() < 1e-9 * scale
    assert (page_grad - autograd).abs().max().item() < 1e-9 * scale
    assert s["transfer"] == pytest.approx(flat_price(1 / s["wavelength"], s["sigma"], level=y.mean().item()), rel=1e-9)
    grain = y + disturbance(2, rms=s["rms"])
    assert s["grainPrice"] == pytest.approx(le.ssim_loss(grain, y, **options).item() / s["rms"] ** 2, rel=1e-9)


def test_settings_reach_the_ends_of_the_sliders(show: Callable[..., Any]) -> None:
    page = show(SSIMExplorer())
    for key, expected in (("End", (128, 10, 12 / 255)), ("Home", (2, 0.5, 0.5 / 255))):
        for control in ("scale", "sigma", "strength"):
            press(page, control, key)
        s = page.evaluate(STATE)
        assert (s["wavelength"], s["sigma"], s["rms"]) == pytest.approx(expected)


@pytest.mark.parametrize("options", [{}, {"sigma": 3, "wavelength": 40, "strength": 2.5, "ground": "flat"}])
def test_first_state_is_what_the_script_draws(show: Callable[..., Any], options: dict[str, Any]) -> None:
    still, live = show(SSIMExplorer(**options), java_script_enabled=False), show(SSIMExplorer(**options))
    names = set(live.eval_on_selector_all("[data-out]", "all => all.map(e => e.dataset.out)"))
    assert len(names) > 8
    for name in names:
        selector = f'[data-out="{name}"]'
        assert still.locator(selector).first.text_content() == live.locator(selector).first.text_content()
    for part, attribute in (("curve", "d"), ("ghost", "d"), ("theory", "cy"), ("measured", "cy"), ("measured", "cx")):
        selector = f'[data-part="{part}"]'
        assert still.locator(selector).get_attribute(attribute) == live.locator(selector).get_attribute(attribute)
    for picture in ("picture", "map", "pull"):
        assert still.locator(f'[data-px="{picture}"]').is_visible()
        alt = still.locator(f'[data-px="{picture}"]').get_attribute("alt")
        assert live.locator(f'[data-px="{picture}"] + canvas').get_attribute("aria-label") == alt
        difference = live.evaluate(
            """name => {
                const still = document.querySelector(`[data-px="${name}"]`), live = still.nextElementSibling;
                const read = draw => {
                    const c = document.createElement('canvas');
                    c.width = c.height = 96;
                    c.getContext('2d').drawImage(draw, 0, 0);
                    return c.getContext('2d').getImageData(0, 0, 96, 96).data;
                };
                const a = read(still), b = read(live);
                return a.reduce((worst, v, i) => Math.max(worst, Math.abs(v - b[i])), 0);
            }""",
            picture,
        )
        assert difference <= 1, picture


def test_a_key_press_moves_every_picture(show: Callable[..., Any]) -> None:
    page = show(SSIMExplorer())
    figures = [page.locator(f'[data-px="{name}"] + canvas') for name in ("picture", "map", "pull")]
    before, texts = [figure.screenshot() for figure in figures], outputs(page)
    press(page, "scale", "ArrowRight", 5)
    assert all(old != figure.screenshot() for old, figure in zip(before, figures, strict=True))
    after = outputs(page)
    assert after["mse"] == texts["mse"]
    assert {name for name in after if after[name] != texts[name]} >= {"scale", "loss", "price"}
    assert page.locator('[data-in="scale"]').get_attribute("aria-valuetext") == after["scale"] == "2.38 px"


def test_buttons_show_the_bargain(show: Callable[..., Any]) -> None:
    page = show(SSIMExplorer())
    ratios = []
    for step in range(3):
        page.locator(f'[data-step="{step}"]').focus()
        page.keyboard.press("Enter")
        s = page.evaluate(STATE)
        ratios.append(s["ratio"])
    assert ratios[0] == pytest.approx(1)
    assert ratios[1] > 100
    assert ratios[2] < 10
    assert outputs(page)["meaning"] == "cheaper than grain"


def test_equal_explorables_do_not_meet(show: Callable[..., Any]) -> None:
    page = show(SSIMExplorer(key="twin"), frames(), SSIMExplorer(key="twin"), frames())
    press(page, "scale", "End", nth=1)
    press(page, "frame", "ArrowRight", nth=0)
    states = page.eval_on_selector_all(".lx", "all => all.map(e => e.state.wavelength || e.state.value)")
    assert states == [2, "2", 128, "1"]
    texts = page.locator('[data-out="scale"]')
    assert [texts.nth(i).inner_text() for i in (0, 1)] == ["2.00 px", "128 px"]
    images = page.locator("img[data-frame]")
    assert images.nth(0).get_attribute("src") != images.nth(1).get_attribute("src")
    assert images.nth(0).get_attribute("alt") == "A grey square, step 2."
    identifiers = page.eval_on_selector_all("[id]", "all => all.map(e => e.id)")
    assert sorted(set(identifiers)) == sorted(identifiers) == ["lx-twin"]
    assert violations(page) == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_accessible_in_light_dark_and_on_a_phone(show: Callable[..., Any], dark: bool, width: int) -> None:
    page = show(
        SSIMExplorer(),
        frames(),
        dark=dark,
        viewport={"width": width, "height": 844},
        device_scale_factor=3 if width == 390 else 1,
    )
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    heights = page.eval_on_selector_all(".lx input, .lx button, .lx select", "all => all.map(e => e.offsetHeight)")
    assert min(heights) >= 24
    zooms = page.eval_on_selector_all(
        ".lx canvas", "all => all.map(e => e.getBoundingClientRect().width * devicePixelRatio / e.width)"
    )
    assert len(zooms) == 3
    assert zooms == pytest.approx([round(zooms[0])] * 3, abs=0.01)
    assert zooms[0] >= 2
    filters = page.eval_on_selector_all(".lx canvas, .lx img", "all => all.map(e => getComputedStyle(e).filter)")
    assert set(filters) == {"none"}


def test_dark_pages_change_the_card_but_no_pixel(show: Callable[..., Any]) -> None:
    colours, pixels = [], []
    for dark in (False, True):
        page = show(SSIMExplorer(), dark=dark)
        colours.append(page.eval_on_selector(".lx", "e => getComputedStyle(e).backgroundColor"))
        shot = Image.open(io.BytesIO(page.locator("canvas").first.screenshot())).convert("RGB")
        pixels.append(shot.crop((2, 2, shot.width - 2, shot.height - 2)).tobytes())  # a rim may blend with the card
    assert colours[0] != colours[1]
    assert pixels[0] == pixels[1]


def test_print_shows_the_picture_and_hides_the_controls(show: Callable[..., Any]) -> None:
    page = show(SSIMExplorer(), dark=True)
    page.emulate_media(media="print")
    assert page.locator('[data-px="map"] + canvas').is_visible()
    assert page.locator('[data-out="sigma"]').is_visible()
    assert not page.locator(".lx input, .lx button, .lx select").first.is_visible()
    assert page.eval_on_selector(".lx", "e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"


def test_without_scripts_the_first_state_stands(show: Callable[..., Any]) -> None:
    page = show(SSIMExplorer(wavelength=128), frames(), java_script_enabled=False)
    assert page.locator(".lx img:visible").count() == 4
    assert page.locator('[data-out="times"]').inner_text() == "106×"


def test_keys_are_kept_from_the_notebook_shell(show: Callable[..., Any]) -> None:
    page = show(frames())
    page.evaluate("document.addEventListener('keydown', e => { window.seen = e.key; e.preventDefault(); }, true)")
    press(page, "frame", "ArrowRight")
    assert page.evaluate("window.seen") is None
    assert page.evaluate("document.querySelector('.lx').state.frame") == 1
    page.keyboard.press("a")
    assert page.evaluate("window.seen") == "a"


def test_script_finds_its_root_wherever_a_shell_runs_it(show: Callable[..., Any]) -> None:
    page = show(frames())
    # as a shell that takes the script out and runs it in the head, for two equal blocks
    states = page.evaluate(
        """() => {
            const old = document.querySelector('.lx'), block = old.outerHTML, main = document.querySelector('main');
            old.remove();
            main.insertAdjacentHTML('beforeend', block + block);
            const source = main.querySelector('.lx script:not([type])').textContent;
            for (let i = 0; i < 2; i++) {
                const script = document.createElement('script');
                script.textContent = source;
                document.head.append(script);
            }
            return Array.from(document.querySelectorAll('.lx'), e => !!e.state);
        }"""
    )
    assert states == [True, True]


def test_a_move_is_quick(show: Callable[..., Any]) -> None:
    page = show(SSIMExplorer(sigma=9))
    times = []
    for key in ("ArrowRight", "ArrowLeft") * 6:
        press(page, "sigma", key)  # with the window, everything is computed anew
        times.append(page.evaluate("document.querySelector('.lx').state.milliseconds"))
    assert min(times) < 40
