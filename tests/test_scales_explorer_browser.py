"""The explorable on scales in a real browser: the page's numbers, keyboard, phone, dark, print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from explorable_pages import press, violations

from lossedu.explorables import ScalesExplorer
from lossedu.explorables.scales_scene import state

pytestmark = pytest.mark.browser

STATE = """() => {
    const s = Object.assign({}, document.querySelector('.lx').state);
    return Object.assign(s, {map: Array.from(s.map), profiles: s.profiles.map(p => Array.from(p))});
}"""

SETTINGS: dict[str, list[tuple[str, str, int]]] = {
    "as it starts": [],
    "widest blotch, most grain": [("width", "End", 1), ("grain", "End", 1)],
    "narrow blotch, no grain, left end": [("width", "Home", 1), ("grain", "Home", 1), ("place", "Home", 1)],
    "without sigma 8": [("s4", "Space", 1), ("width", "ArrowLeft", 3)],
    "sigma 1 alone": [("s0", "Space", 1), ("s2", "Space", 1), ("s3", "Space", 1), ("s4", "Space", 1)],
}


@pytest.mark.parametrize("name", SETTINGS)
def test_page_and_package_compute_the_same(show: Callable[..., Any], name: str) -> None:
    page = show(ScalesExplorer())
    for control, key, times in SETTINGS[name]:
        press(page, control, key, times)
    s = page.evaluate(STATE)
    expected = state(s["width"], s["grain"], s["used"])
    assert s["loss"] == pytest.approx(expected.loss, rel=1e-9)
    assert s["prices"] == pytest.approx(list(expected.prices), rel=1e-9)
    found = torch.tensor(s["profiles"], dtype=torch.float64)
    assert (found - expected.profiles).abs().max().item() < 1e-10
    assert (torch.tensor(s["map"], dtype=torch.float64) - expected.map.flatten()).abs().max().item() < 1e-10
    used = expected.profiles[torch.tensor(s["used"])]
    assert s["product"] == pytest.approx(used[:, s["place"]].prod().item(), rel=1e-9)


@pytest.mark.parametrize("options", [{}, {"width": 5, "grain": 0, "place": 12, "sigmas": (1, 8)}])
def test_first_state_is_what_the_script_draws(show: Callable[..., Any], options: dict[str, Any]) -> None:
    still, live = show(ScalesExplorer(**options), java_script_enabled=False), show(ScalesExplorer(**options))
    names = set(live.eval_on_selector_all("[data-out]", "all => all.map(e => e.dataset.out)"))
    assert len(names) == 14
    for name in names:
        selector = f'[data-out="{name}"]'
        assert still.locator(selector).first.text_content() == live.locator(selector).first.text_content(), name
    for k in range(5):
        selector = f'[data-part="line{k}"]'
        for attribute in ("d", "data-state"):
            assert still.locator(selector).get_attribute(attribute) == live.locator(selector).get_attribute(attribute)
    for part in ("guide", "rings"):
        attribute = "d" if part == "guide" else "transform"
        selector = f'[data-part="{part}"]'
        assert still.locator(selector).get_attribute(attribute) == live.locator(selector).get_attribute(attribute)


def test_buttons_show_the_three_lessons(show: Callable[..., Any]) -> None:
    page = show(ScalesExplorer())
    found = []
    for step in range(3):
        page.locator(f'[data-step="{step}"]').focus()
        page.keyboard.press("Enter")
        found.append(page.evaluate(STATE))
    everything, without, beside = found
    ratio = [s["prices"][1] / s["prices"][0] for s in (everything, without)]
    assert ratio[1] > 2 * ratio[0] and without["used"] == [True] * 4 + [False]
    assert beside["place"] == 27 and beside["profiles"][4][27] > 0.99 > 0.97 > beside["profiles"][1][27]


def test_the_last_window_stays_on(show: Callable[..., Any]) -> None:
    page = show(ScalesExplorer(sigmas=(2,)))
    press(page, "s2", "Space")
    assert page.evaluate(STATE)["used"] == [False, False, True, False, False]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_accessible_in_light_dark_and_on_a_phone(show: Callable[..., Any], dark: bool, width: int) -> None:
    page = show(ScalesExplorer(key="scales"), dark=dark, viewport={"width": width, "height": 844})
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    heights = page.eval_on_selector_all(".lx input, .lx button, .lx select", "all => all.map(e => e.offsetHeight)")
    assert min(heights) >= 24


def test_print_shows_the_chart_and_hides_the_controls(show: Callable[..., Any]) -> None:
    page = show(ScalesExplorer(), dark=True)
    page.emulate_media(media="print")
    assert page.locator("svg[data-chart]").is_visible()
    assert not page.locator(".lx input, .lx button").first.is_visible()


def test_a_move_is_quick(show: Callable[..., Any]) -> None:
    page = show(ScalesExplorer())
    times = []
    for key in ("ArrowRight", "ArrowLeft") * 4:
        press(page, "width", key)
        times.append(page.evaluate("document.querySelector('.lx').state.milliseconds"))
    assert min(times) < 80
