"""The explorable on total variation in a real browser: the page's numbers, keyboard, phone, dark, print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from explorable_pages import press, violations

from lossedu.explorables import TVExplorer
from lossedu.explorables.tv_scene import state

pytestmark = pytest.mark.browser

STATE = """() => {
    const s = Object.assign({}, document.querySelector('.lx').state);
    return Object.assign(s, {data: Array.from(s.data), tv: Array.from(s.tv), squared: Array.from(s.squared)});
}"""


SETTINGS: dict[str, list[tuple[str, str, int]]] = {
    "as it starts": [],
    "no weight": [("weight", "Home", 1)],
    "all weight": [("weight", "End", 1)],
    "bump without noise": [("signal", "ArrowDown", 1), ("noise", "Home", 1)],
    "ramp, some steps up": [("signal", "ArrowDown", 2), ("weight", "ArrowRight", 7)],
    "strongest noise": [("noise", "End", 1), ("weight", "ArrowLeft", 11)],
}


@pytest.mark.parametrize("name", SETTINGS)
def test_page_and_package_compute_the_same(show: Callable[..., Any], name: str) -> None:
    page = show(TVExplorer())
    for control, key, times in SETTINGS[name]:
        press(page, control, key, times)
    s = page.evaluate(STATE)
    expected = state(s["signal"], s["noise"], s["weight"])
    assert s["data"] == pytest.approx(expected.data.tolist(), abs=1e-12)
    assert s["tv"] == pytest.approx(expected.tv.tolist(), abs=1e-10)
    assert s["squared"] == pytest.approx(expected.squared.tolist(), abs=1e-7)
    assert s["moved"] == pytest.approx(expected.moved, abs=1e-10)
    assert s["predicted"] == pytest.approx(expected.predicted, abs=1e-12)
    assert s["stairs"] == pytest.approx(expected.stairs, abs=1e-9)
    rises = [float("nan") if rise is None else rise for rise in s["rises"]]
    assert rises == pytest.approx(list(expected.rises), abs=1e-4, nan_ok=True)


@pytest.mark.parametrize("options", [{}, {"signal": "bump", "noise": 0.0, "weight": 0.3}, {"signal": "ramp"}])
def test_first_state_is_what_the_script_draws(show: Callable[..., Any], options: dict[str, Any]) -> None:
    still, live = show(TVExplorer(**options), java_script_enabled=False), show(TVExplorer(**options))
    names = set(live.eval_on_selector_all("[data-out]", "all => all.map(e => e.dataset.out)"))
    assert len(names) == 8
    for name in names:
        selector = f'[data-out="{name}"]'
        assert still.locator(selector).first.text_content() == live.locator(selector).first.text_content(), name
    for part in ("data", "clean", "squared", "tv"):
        selector = f'[data-part="{part}"]'
        assert still.locator(selector).get_attribute("d") == live.locator(selector).get_attribute("d"), part


def test_buttons_show_the_three_lessons(show: Callable[..., Any]) -> None:
    page = show(TVExplorer())
    found = []
    for step in range(3):
        page.locator(f'[data-step="{step}"]').focus()
        page.keyboard.press("Enter")
        found.append(page.evaluate(STATE))
    step, bump, ramp = found
    assert step["moved"] == pytest.approx(step["weight"] / 48) and step["rises"][0] == pytest.approx(0.8)
    assert step["rises"][1] > 10
    assert bump["moved"] == pytest.approx(2 * bump["weight"] / 12)
    assert ramp["signal"] == "ramp" and ramp["stairs"] > 0.8


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_accessible_in_light_dark_and_on_a_phone(show: Callable[..., Any], dark: bool, width: int) -> None:
    page = show(TVExplorer(key="tv"), dark=dark, viewport={"width": width, "height": 844})
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    heights = page.eval_on_selector_all(".lx input, .lx button, .lx select", "all => all.map(e => e.offsetHeight)")
    assert min(heights) >= 24


def test_print_shows_the_chart_and_hides_the_controls(show: Callable[..., Any]) -> None:
    page = show(TVExplorer(), dark=True)
    page.emulate_media(media="print")
    assert page.locator("svg[data-chart]").is_visible()
    assert not page.locator(".lx input, .lx button, .lx select").first.is_visible()


def test_a_move_is_quick(show: Callable[..., Any]) -> None:
    page = show(TVExplorer())
    times = []
    for key in ("ArrowRight", "ArrowLeft") * 6:
        press(page, "weight", key)
        times.append(page.evaluate("document.querySelector('.lx').state.milliseconds"))
    assert min(times) < 40
