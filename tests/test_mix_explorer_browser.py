"""The explorable on Mix in a real browser: the page's numbers, keyboard, phone, dark, print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from explorable_pages import press, violations

from lossedu.explorables import MixExplorer
from lossedu.explorables.mix_scene import course, state

pytestmark = pytest.mark.browser

STATE = """() => {
    const s = Object.assign({}, document.querySelector('.lx').state);
    return Object.assign(s, {picture: Array.from(s.picture), asks: s.asks.map(a => Array.from(a))});
}"""

SETTINGS: dict[str, list[tuple[str, str, int]]] = {
    "as it starts": [],
    "next to no weight": [("alpha", "Home", 1)],
    "all weight, a shift": [("alpha", "End", 1), ("error", "ArrowDown", 2)],
    "splotch, weak": [("error", "ArrowDown", 1), ("strength", "Home", 1)],
    "steps of 255, strongest": [("unit", "ArrowDown", 1), ("strength", "End", 1)],
    "some steps": [("alpha", "ArrowLeft", 9), ("strength", "ArrowRight", 3)],
}


@pytest.mark.parametrize("name", SETTINGS)
def test_page_and_package_compute_the_same(show: Callable[..., Any], name: str) -> None:
    page = show(MixExplorer())
    for control, key, times in SETTINGS[name]:
        press(page, control, key, times)
    s = page.evaluate(STATE)
    expected = state(s["error"], s["strength"], s["alpha"], s["unit"])
    assert s["picture"] == pytest.approx(expected.picture.flatten().tolist(), abs=1e-12)
    for asks, right in zip(s["asks"], expected.asks, strict=True):
        assert asks == pytest.approx(right.flatten().tolist(), abs=1e-7)
    for key in ("share", "pull", "weight", "l1"):
        assert s[key] == pytest.approx(getattr(expected, key), abs=1e-9)
    assert s["msSSIM"] == pytest.approx(expected.ms_ssim, abs=1e-9)


@pytest.mark.parametrize("options", [{}, {"alpha": 0.025, "error": "shift", "unit": 255}, {"strength": 40}])
def test_first_state_is_what_the_script_draws(show: Callable[..., Any], options: dict[str, Any]) -> None:
    still, live = show(MixExplorer(**options), java_script_enabled=False), show(MixExplorer(**options))
    names = set(live.eval_on_selector_all("[data-out]", "all => all.map(e => e.dataset.out)"))
    assert len(names) == 9
    for name in names:
        selector = f'[data-out="{name}"]'
        assert still.locator(selector).first.text_content() == live.locator(selector).first.text_content(), name
    for part, attributes in {"curve": ["d"], "dot": ["cx", "cy"], "first": ["width"], "second": ["x", "width"]}.items():
        for attribute in attributes:
            selector = f'[data-part="{part}"]'
            assert still.locator(selector).get_attribute(attribute) == live.locator(selector).get_attribute(attribute)


def test_buttons_show_the_lessons(show: Callable[..., Any]) -> None:
    page = show(MixExplorer())
    found = []
    for step in range(4):
        page.locator(f'[data-step="{step}"]').focus()
        page.keyboard.press("Enter")
        found.append(page.evaluate(STATE))
    grain, shift, code, steps = found
    assert grain["share"] > 0.98 and shift["share"] < 0.3 and shift["alpha"] == grain["alpha"]
    assert code["share"] < 0.4 and steps["share"] < 0.4 and steps["alpha"] == grain["alpha"]
    line = course("shift", shift["alpha"], 1, [shift["strength"]])
    assert line[0] == pytest.approx(shift["share"])


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_accessible_in_light_dark_and_on_a_phone(show: Callable[..., Any], dark: bool, width: int) -> None:
    page = show(MixExplorer(key="mix"), dark=dark, viewport={"width": width, "height": 844})
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    heights = page.eval_on_selector_all(".lx input, .lx button, .lx select", "all => all.map(e => e.offsetHeight)")
    assert min(heights) >= 24


def test_print_shows_the_bar_and_hides_the_controls(show: Callable[..., Any]) -> None:
    page = show(MixExplorer(), dark=True)
    page.emulate_media(media="print")
    assert page.locator("svg.lx-share").is_visible() and page.locator("svg[data-chart]").is_visible()
    assert not page.locator(".lx input, .lx button, .lx select").first.is_visible()


def test_a_move_is_quick(show: Callable[..., Any]) -> None:
    page = show(MixExplorer())
    times = []
    for key in ("ArrowRight", "ArrowLeft") * 6:
        press(page, "alpha", key)
        times.append(page.evaluate("document.querySelector('.lx').state.milliseconds"))
    assert min(times) < 40
