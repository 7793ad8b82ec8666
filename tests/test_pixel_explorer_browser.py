"""The pixel explorable in a real browser, from disk and without a network: numbers, keyboard, accessibility."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from explorable_pages import NEXT_FRAME, press, violations

from lossedu.explorables import PixelLossExplorer
from lossedu.explorables import pixel_scene as scene

pytestmark = pytest.mark.browser

STATE = "() => document.querySelector('.lx').state"


SETTINGS: dict[str, list[tuple[str, str, int]]] = {
    "as it starts": [],
    "likelier bright, in doubt": [("bright", "ArrowRight", 20), ("spread", "ArrowRight", 12)],
    "even odds": [("bright", "ArrowRight", 10)],
    "an outlier, dragged": [("bright", "Home", 1), ("outliers", "ArrowRight", 15), ("place", "ArrowLeft", 7)],
    "the ends": [("bright", "End", 1), ("outliers", "End", 1), ("place", "Home", 1), ("delta", "End", 1)],
    "Huber, sharp": [("delta", "Home", 1), ("spread", "End", 1)],
}


@pytest.mark.parametrize("name", SETTINGS)
def test_page_and_package_compute_the_same(show: Callable[..., Any], name: str) -> None:
    page = show(PixelLossExplorer())
    for control, key, times in SETTINGS[name]:
        press(page, control, key, times)
    s = page.evaluate(STATE)
    known = scene.answers(s["bright"], s["spread"], s["outliers"], s["place"])
    assert s["l2"] == pytest.approx(scene.mean(known), abs=1e-12)
    assert s["l1"] == pytest.approx(scene.median(known), abs=1e-12)
    assert s["huber"] == pytest.approx(scene.huber(known, s["delta"]), abs=1e-12)
    for k in (0, 30, 60, 100):
        level = -0.2 + 2 * k / 100
        assert s["rows"][k] == pytest.approx(scene.expected(known, level, s["delta"]), rel=1e-12)


@pytest.mark.parametrize("options", [{}, {"bright": 70, "spread": 0.12, "outliers": 8, "place": 1.2, "delta": 0.05}])
def test_first_state_is_what_the_script_draws(show: Callable[..., Any], options: dict[str, Any]) -> None:
    still, live = show(PixelLossExplorer(**options), java_script_enabled=False), show(PixelLossExplorer(**options))
    for name in set(live.eval_on_selector_all("[data-out]", "all => all.map(e => e.dataset.out)")):
        selector = f'[data-out="{name}"]'
        assert still.locator(selector).first.text_content() == live.locator(selector).first.text_content()
    for part in live.eval_on_selector_all("[data-part]", "all => all.map(e => e.dataset.part)"):
        selector = f'[data-part="{part}"]'
        assert still.locator(selector).get_attribute("d") == live.locator(selector).get_attribute("d"), part
    for name in ("l2", "l1", "huber"):
        patches = [page.locator(f'[data-grey="{name}"]') for page in (still, live)]
        colours = [patch.evaluate("e => getComputedStyle(e).backgroundColor") for patch in patches]
        assert colours[0] == colours[1]


def test_buttons_tell_the_story(show: Callable[..., Any]) -> None:
    page = show(PixelLossExplorer())
    words = []
    for step in range(4):
        page.locator(f'[data-step="{step}"]').focus()
        page.keyboard.press("Enter")
        page.evaluate(NEXT_FRAME)
        words.append([page.locator(f'[data-out="word_{name}"]').inner_text() for name in ("l2", "l1")])
    assert words[0] == ["neither answer", "the dark answer"]
    assert words[1] == ["neither answer", "the bright answer"]
    assert words[2] == ["in between", "in between"]
    assert words[3] == ["neither answer", "the dark answer"]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_accessible_in_light_dark_and_on_a_phone(show: Callable[..., Any], dark: bool, width: int) -> None:
    page = show(PixelLossExplorer(), PixelLossExplorer(), dark=dark, viewport={"width": width, "height": 844})
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    heights = page.eval_on_selector_all(".lx input, .lx button", "all => all.map(e => e.offsetHeight)")
    assert min(heights) >= 24


def test_a_move_changes_the_text_for_screen_readers(show: Callable[..., Any]) -> None:
    page = show(PixelLossExplorer())
    press(page, "bright", "ArrowRight", 3)
    assert page.locator('[data-in="bright"]').get_attribute("aria-valuetext") == "43 %"
    assert page.locator("[data-out=level_l2]").inner_text() == "0.46"
