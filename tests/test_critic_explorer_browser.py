"""The explorable on blurred critics in a real browser: the page's numbers, its game, keyboard, phone, dark, print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from critic_scenes import MADE_UP
from explorable_pages import NEXT_FRAME, press, violations

from lossedu.explorables import CriticExplorer, critic_chart
from lossedu.explorables import critic_scene as scene
from lossedu.explorables.critic_explorer import full_scale, full_text, percent

pytestmark = pytest.mark.browser

STATE = """() => {
    const s = Object.assign({}, document.querySelector('.lx').state);
    for (const key of ['plain', 'other']) s[key] = s[key].map(c => Array.from(c));
    return s;
}"""
PIXELS = """element => {
    const c = document.createElement('canvas');
    c.width = c.height = 96;
    c.getContext('2d').drawImage(element, 0, 0, 96, 96);
    return Array.from(c.getContext('2d').getImageData(0, 0, 96, 96).data);
}"""


def pixels(page: Any, selector: str) -> np.ndarray:
    return np.array(page.eval_on_selector(selector, PIXELS), dtype=int).reshape(96, 96, 4)[..., :3]


def shown(page: Any, name: str) -> str | None:
    return page.locator(f'[data-out="{name}"]').first.text_content()


@pytest.mark.parametrize("kind", scene.KINDS)
@pytest.mark.parametrize("blur", [0, 17, 43, 130])
def test_page_and_package_compute_the_same(show: Callable[..., Any], kind: str, blur: int) -> None:
    page = show(CriticExplorer())
    press(page, "kind", "ArrowDown", scene.KINDS.index(kind))
    press(page, "blur", "Home")
    press(page, "blur", "ArrowRight", blur)
    s, expected = page.evaluate(STATE), scene.state(kind, scene.deviation(blur))
    for name in ("plain", "other"):
        found = torch.tensor(s[name], dtype=torch.float64).view(1, 3, 96, 96)
        torch.testing.assert_close(found, getattr(expected, name), rtol=0, atol=1e-12)
        drawn = scene.levels(getattr(expected, name))[0].permute(1, 2, 0).numpy()
        assert (pixels(page, f'[data-px="{name}"] + canvas') != drawn).mean() < 1e-4
    for name in ("energy", "before", "left", "apart"):
        assert s[name] == pytest.approx(getattr(expected, name), rel=1e-9), name
    assert shown(page, "energy") == percent(expected.energy) and shown(page, "apart") == percent(expected.apart)
    assert shown(page, "full") == full_text(full_scale(expected.left))
    difference = 255 * (expected.other - expected.plain) / full_scale(expected.left)
    exact = (255 * (1 + difference) / 2).clamp(0, 255)[0].permute(1, 2, 0).numpy()  # a tint may lie between two levels
    assert abs(pixels(page, '[data-px="difference"] + canvas') - exact).max() < 0.5 + 1e-6


@pytest.mark.parametrize(
    "options",
    [{}, {"accuracies": MADE_UP, "note": "Made up.", "blur": 9}, {"accuracies": MADE_UP, "difference": "tint"}],
)
def test_first_state_is_what_the_script_draws(show: Callable[..., Any], options: dict[str, Any]) -> None:
    still, live = show(CriticExplorer(**options), java_script_enabled=False), show(CriticExplorer(**options))
    names = set(live.eval_on_selector_all("[data-out]", "all => all.map(e => e.dataset.out)"))
    assert len(names) == 10 + (33 if options else 0)
    for name in names:
        assert shown(still, name) == shown(live, name), name
    for part in live.eval_on_selector_all("[data-part]", "all => all.map(e => e.dataset.part)"):
        selector = f'[data-part="{part}"]'
        assert still.locator(selector).get_attribute("d") == live.locator(selector).get_attribute("d"), part
    states = [page.eval_on_selector_all("td", "all => all.map(e => e.dataset.state)") for page in (still, live)]
    assert states[0] == states[1]
    for picture in ("plain", "other", "difference"):
        assert still.locator(f'[data-px="{picture}"]').is_visible()
        alt = still.locator(f'[data-px="{picture}"]').get_attribute("alt")
        assert live.locator(f'[data-px="{picture}"] + canvas').get_attribute("aria-label") == alt
        # a still has half the resolution and fewer levels
        apart = pixels(live, f'[data-px="{picture}"]') - pixels(live, f'[data-px="{picture}"] + canvas')
        assert abs(apart).mean() < (12 if picture == "difference" else 3), picture


def test_chart_and_table_follow_the_controls(show: Callable[..., Any]) -> None:
    page = show(CriticExplorer(MADE_UP))
    tasks = critic_chart.by_task(MADE_UP)
    press(page, "kind", "ArrowDown", 3)
    page.locator('[data-blur="43"]').click()
    for judge, rows in tasks["tint"].items():
        for end, expected in critic_chart.lines(rows, critic_chart.JUDGES[judge].aside).items():
            assert page.locator(f'[data-part="{judge}{end}"]').get_attribute("d") == expected
        for task in tasks:
            mean, span, state = critic_chart.cell(tasks[task][judge], 4.34)
            cell = page.locator(f'[data-cell="{judge}-{task}"]')
            words = [*mean.split(), *span.split()]
            assert cell.inner_text().split() == words and cell.get_attribute("data-state") == state
    assert page.locator('[data-part="now"]').get_attribute("d") == critic_chart.mark(4.34)
    press(page, "blur", "ArrowRight", 12)
    assert shown(page, "blur") == "5.50 px" and shown(page, "measured") == "6.00 px"
    assert shown(page, "critic-texture") == "51 %" and shown(page, "critic-tint") == "–"  # not measured there


def test_amplify_and_levels_change_the_third_picture(show: Callable[..., Any]) -> None:
    page, third = show(CriticExplorer(blur=4.3)), '[data-px="difference"] + canvas'
    assert page.evaluate("document.querySelector('.lx').state.full") == 1
    press(page, "amplify", " ")
    plain = page.evaluate(STATE)
    assert plain["full"] == full_scale(plain["before"]) == 20
    assert abs(pixels(page, third) - 128).max() < 20  # nearly nothing is left
    press(page, "amplify", " ")
    press(page, "round", " ")
    expected = scene.state("texture", 4.34)
    steps = (scene.levels(expected.other) - scene.levels(expected.plain))[0].permute(1, 2, 0).numpy()
    full = full_scale(float(np.sqrt((steps**2).mean())))
    assert shown(page, "full") == full_text(full)
    drawn = np.clip(np.floor(255 * (1 + steps / full) / 2 + 0.5), 0, 255)
    assert (pixels(page, third) != drawn).mean() < 1e-3


def test_buttons_of_the_questions(show: Callable[..., Any]) -> None:
    page = show(CriticExplorer(MADE_UP, blur=9, difference="tint"))
    for step, sd in enumerate(("1.73 px", "4.34 px", "13.00 px")):
        page.locator(f'[data-step="{step}"]').focus()
        page.keyboard.press("Enter")
        assert shown(page, "blur") == sd and shown(page, "kind") == "texture"
        details = page.locator("details").nth(step)
        details.locator("summary").focus()
        page.keyboard.press("Enter")
        assert CriticExplorer(MADE_UP).answers()[step] in details.inner_text()


@pytest.mark.parametrize("wrong", [0, 3])
def test_the_game_counts(show: Callable[..., Any], wrong: int) -> None:
    page = show(CriticExplorer(MADE_UP, ordered=MADE_UP, blur=0))
    page.locator('[data-do="game"]').focus()
    page.keyboard.press("Enter")
    sides, seen = [], set()
    for k in range(10):
        assert page.evaluate("document.activeElement.dataset.answer") in ("0", "1")
        assert shown(page, "game") == f"Pair {k + 1} of 10." and shown(page, "first") == "Left"
        assert not page.locator(".lx-3").is_visible()
        game, s = page.evaluate("document.querySelector('.lx').state.game"), scene.state("texture", 0)
        sides.append(game["side"])
        seen.add((game["mirror"], game["turn"]))
        for name, picture in (("other", s.other), ("plain", s.plain)):
            right = game["side"] if name == "other" else 1 - game["side"]
            drawn = scene.levels(picture)[0].permute(1, 2, 0).numpy()
            drawn = drawn[:: -1 if game["turn"] else 1, :: -1 if game["mirror"] else 1]
            canvas = f'[data-px="{"other" if right else "plain"}"] + canvas'
            assert np.array_equal(pixels(page, canvas), drawn)
            label = page.locator(canvas).get_attribute("aria-label")
            assert label == f"The {'right' if right else 'left'} picture."  # says nothing of which is which
        answer = 1 - game["side"] if k < wrong else game["side"]
        page.locator(f'[data-answer="{answer}"]').focus()
        page.keyboard.press("Enter")
    text = shown(page, "game")
    assert text is not None and text.startswith(f"You: {10 - wrong} of 10 right (texture, 0.00 px).")
    assert text.endswith("at 0.00 px: 98 %.")
    assert len(seen) > 1 and page.locator(".lx-3").is_visible() and shown(page, "second") == "Softened, blurred"
    assert page.evaluate("document.activeElement.dataset.do") == "game"


@pytest.mark.parametrize("how", ["stop", "blur", "kind", "button"])
def test_the_game_can_end_early(show: Callable[..., Any], how: str) -> None:
    page = show(CriticExplorer())
    page.locator('[data-do="game"]').click()
    page.locator('[data-answer="1"]').click()
    if how == "stop":
        page.locator('[data-do="stop"]').click()
    elif how == "button":
        page.locator('[data-blur="43"]').click()
    else:
        press(page, how, "ArrowRight" if how == "blur" else "ArrowDown")
    page.evaluate(NEXT_FRAME)
    assert (shown(page, "game") or "").startswith("Stopped")
    assert page.locator('[data-do="game"]').is_visible() and page.locator(".lx-3").is_visible()
    assert (shown(page, "first") or "") == "Photograph, blurred"


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_accessible_in_light_dark_and_on_a_phone(show: Callable[..., Any], dark: bool, width: int) -> None:
    page = show(
        CriticExplorer(MADE_UP, note="Made up.", key="critic"),
        CriticExplorer(key="critic", difference="cast"),
        dark=dark,
        viewport={"width": width, "height": 844},
        device_scale_factor=3 if width == 390 else 1,
    )
    page.locator('[data-do="game"]').first.click()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    heights = page.eval_on_selector_all(
        ".lx input, .lx button, .lx select, .lx summary",
        "all => all.filter(e => e.offsetParent).map(e => e.offsetHeight)",
    )
    assert min(heights) >= 24
    zooms = page.eval_on_selector_all(
        ".lx canvas", "all => all.map(e => e.getBoundingClientRect().width * devicePixelRatio / e.width)"
    )
    assert zooms == pytest.approx([round(zooms[0])] * 6, abs=0.01)
    states = page.eval_on_selector_all(".lx", "all => all.map(e => e.state.kind)")
    assert states == ["texture", "cast"]


def test_print_shows_the_chart_and_hides_the_controls(show: Callable[..., Any]) -> None:
    page = show(CriticExplorer(MADE_UP), dark=True)
    page.emulate_media(media="print")
    assert page.locator("svg[data-chart]").is_visible() and page.locator('[data-out="energy"]').is_visible()
    assert not page.locator(".lx input, .lx button, .lx select").first.is_visible()


def test_a_move_is_quick(show: Callable[..., Any]) -> None:
    page = show(CriticExplorer(MADE_UP, blur=12))
    times = []
    for key in ("ArrowRight", "ArrowLeft") * 6:
        press(page, "blur", key)
        times.append(page.evaluate("document.querySelector('.lx').state.milliseconds"))
    assert min(times) < 60
