"""The explorable on perceptual losses in a real browser: its pictures, keyboard, phone, dark, print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from explorable_pages import press, violations
from perceptual_scenes import made_up

from lossedu.explorables import PerceptualExplorer
from lossedu.explorables.mix_explorer import two_digits
from lossedu.explorables.perceptual_explorer import caption, percent, verdict
from lossedu.explorables.perceptual_scene import CHANGES, LAYERS, changed

pytestmark = pytest.mark.browser

PICTURES = """() => Object.fromEntries(Object.entries(document.querySelector('.lx').state.pictures).map(
    ([kind, channels]) => [kind, channels.map(c => Array.from(c))]))"""
PIXELS = """(element, size) => {
    const c = document.createElement('canvas');
    c.width = c.height = size;
    c.getContext('2d').drawImage(element, 0, 0);
    return Array.from(c.getContext('2d').getImageData(0, 0, size, size).data);
}"""


def explorer(**options: Any) -> PerceptualExplorer:
    return PerceptualExplorer(scene=made_up(), **options)


def pixels(page: Any, selector: str) -> np.ndarray:
    page.evaluate("Promise.all(Array.from(document.querySelectorAll('.lx img'), e => e.decode()))")
    found = page.eval_on_selector(selector, PIXELS, 96)
    return np.array(found, dtype=np.uint8).reshape(96, 96, 4)[..., :3]


@pytest.mark.parametrize("place", range(5))
def test_page_and_package_make_the_same_pictures(show: Callable[..., Any], place: int) -> None:
    page = show(explorer())
    press(page, "layer", "ArrowLeft", 4 - place)
    made = page.evaluate(PICTURES)
    state = made_up().table["states"][f"trained/{LAYERS[place]}"]
    for kind in CHANGES:
        x = changed(made_up().image(), kind, state[kind]["strength"])
        found = torch.tensor(made[kind], dtype=torch.float64).view_as(x).clamp(0, 1)
        torch.testing.assert_close(found, x, rtol=0, atol=1e-9)
        shown = pixels(page, f'[data-px="{kind}"] + canvas')
        expected = (x[0].permute(1, 2, 0) * 255 + 0.5).floor().numpy()
        assert abs(shown - expected).max() <= 1 and (shown != expected).mean() < 1e-3
    assert np.array_equal(pixels(page, "[data-found]"), made_up().found[f"trained/{LAYERS[place]}"])
    assert np.array_equal(pixels(page, "[data-photograph]"), made_up().photograph)


@pytest.mark.parametrize("name", ["trained/relu1_2", "trained/relu4_3", "random/relu3_3", "random/relu5_3"])
def test_words_and_bars_follow_the_controls(show: Callable[..., Any], name: str) -> None:
    page = show(explorer(layer="relu2_2"))
    arm, layer = name.split("/")
    press(page, "layer", "Home")
    press(page, "layer", "ArrowRight", LAYERS.index(layer))
    if arm == "random":
        press(page, "weights", "ArrowDown")
    state = made_up().table["states"][name]
    assert page.locator("[role=status]").text_content() == verdict(state, name)
    assert page.locator('[data-in="layer"]').get_attribute("aria-valuetext") == layer
    for picture, entry in state.items():
        title = caption(picture, layer, entry.get("strength", 0.0))
        assert page.locator(f'figcaption[data-out="{picture}"]').text_content() == title
        figure = page.locator(f'figure:has(figcaption[data-out="{picture}"])')
        image = figure.locator("[data-found]") if picture == "found" else figure.locator('canvas[role="img"]')
        assert image.get_attribute("alt" if picture == "found" else "aria-label") == f"{title}."
        assert figure.locator(f'[data-out="{picture}psnr"]').text_content() == f"{entry['psnr']:.1f} dB"
        for k, cost in enumerate(entry["costs"]):
            assert figure.locator(f'[data-out="{picture}{k}"]').text_content() == two_digits(cost)
            width = figure.locator("i").nth(k).evaluate("e => e.style.width")
            assert width == percent(cost).replace(".0%", "%")
        assert figure.locator('[data-state="on"] dt').all_text_contents() == [layer]
    assert page.locator('[data-out="flat0"]').text_content() == two_digits(made_up().table["flat"][arm][0])


@pytest.mark.parametrize("options", [{}, {"layer": "relu2_2", "weights": "random"}])
def test_first_state_is_what_the_script_draws(show: Callable[..., Any], options: dict[str, Any]) -> None:
    still, live = show(explorer(**options), java_script_enabled=False), show(explorer(**options))
    names = set(live.eval_on_selector_all("[data-out]", "all => all.map(e => e.dataset.out)"))
    assert len(names) == 2 + 5 * 7 + 5
    for name in names:
        selector = f'[data-out="{name}"]'
        assert still.locator(selector).first.text_content() == live.locator(selector).first.text_content(), name
    assert still.locator(".lx img:visible").count() == 6
    for kind in CHANGES:  # a still has 32 levels a colour
        difference = pixels(live, f'[data-px="{kind}"]').astype(int) - pixels(live, f'[data-px="{kind}"] + canvas')
        assert abs(difference).max() <= 5


def test_photograph_blinks_in_every_place(show: Callable[..., Any]) -> None:
    page = show(explorer())
    over = page.locator(".lx-over canvas[aria-hidden]")
    assert over.count() == 5 and not over.first.is_visible()
    place = page.locator(".lx-over").nth(1)
    before = place.screenshot()
    press(page, "blink", " ")
    assert place.screenshot() != before
    for k in range(5):
        assert over.nth(k).is_visible()
        shown = np.array(over.nth(k).evaluate(PIXELS, 96), dtype=np.uint8).reshape(96, 96, 4)[..., :3]
        assert np.array_equal(shown, made_up().photograph)
        boxes = over.nth(k).evaluate("e => [e, e.parentNode].map(b => [b.getBoundingClientRect().x, b.offsetWidth])")
        assert boxes[0] == boxes[1]
    press(page, "blink", " ")
    assert place.screenshot() == before


def test_equal_explorables_do_not_meet(show: Callable[..., Any]) -> None:
    page = show(explorer(key="twin"), explorer(key="twin"))
    press(page, "layer", "Home", nth=1)
    states = page.eval_on_selector_all(".lx", "all => all.map(e => e.state.name)")
    assert states == ["trained/relu5_3", "trained/relu1_2"]
    assert violations(page) == []


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("dark", [False, True])
def test_accessible_in_light_dark_and_on_a_phone(show: Callable[..., Any], dark: bool, width: int) -> None:
    ratio = 3 if width == 360 else 1
    page = show(
        explorer(key="perceptual"), dark=dark, viewport={"width": width, "height": 800}, device_scale_factor=ratio
    )
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    heights = page.eval_on_selector_all(".lx input, .lx select", "all => all.map(e => e.offsetHeight)")
    assert min(heights) >= 24
    zooms = page.eval_on_selector_all(
        ".lx-over canvas, .lx-over img:not([hidden])",
        "all => all.map(e => e.getBoundingClientRect().width * devicePixelRatio / 96)",
    )
    assert len(zooms) == 11 and zooms == pytest.approx([round(zooms[0])] * 11, abs=0.01) and zooms[0] >= 2
    boxes = page.eval_on_selector_all(
        ".lx-scene figcaption, .lx-scene b", "all => all.map(e => e.scrollWidth <= e.clientWidth || !e.clientWidth)"
    )
    assert all(boxes)


def test_moving_does_not_move_the_pictures(show: Callable[..., Any]) -> None:
    for width in (1280, 800, 600, 360):
        page, tops = show(explorer(), viewport={"width": width, "height": 800}), set()
        for arm in ("ArrowUp", "ArrowDown"):
            press(page, "weights", arm)
            for key in ("End", *["ArrowLeft"] * 4):
                press(page, "layer", key)
                tops.add(page.evaluate("document.querySelector('.lx-scene').getBoundingClientRect().top + scrollY"))
        assert len(tops) == 1, width


def test_print_shows_the_pictures_and_hides_the_controls(show: Callable[..., Any]) -> None:
    page = show(explorer(), dark=True)
    page.emulate_media(media="print")
    assert page.locator('[data-px="noise"] + canvas').is_visible() and page.locator("[data-found]").is_visible()
    assert page.locator('[data-out="layer"]').is_visible() and page.locator("[role=status]").is_visible()
    assert not page.locator(".lx input, .lx select").first.is_visible()
    assert page.eval_on_selector(".lx", "e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"


def test_a_move_is_quick(show: Callable[..., Any]) -> None:
    page = show(explorer())
    times = []
    for key in ("ArrowLeft", "ArrowRight") * 6:
        press(page, "layer", key)
        times.append(page.evaluate("document.querySelector('.lx').state.milliseconds"))
    assert min(times) < 40
