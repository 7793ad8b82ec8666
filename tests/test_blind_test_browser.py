"""The blind test in a real browser: the fit, the counts, the keyboard, what is kept, and who can use it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from explorable_pages import violations

from lossedu.explorables import BlindTest, observer_scene
from lossedu.preferences import bradley_terry, wilson

pytestmark = pytest.mark.browser

KEYS = {"left": "ArrowLeft", "right": "ArrowRight", "tie": "ArrowDown"}
STATE = "document.querySelector('.lx').state"


def choose(page: Any, answers: list[str]) -> None:
    page.locator('[data-answer="tie"]').focus()
    for answer in answers:
        page.keyboard.press(KEYS[answer])


def expected(state: dict[str, Any]) -> tuple[torch.Tensor, dict[str, int], int]:
    """Wins, agreements and decisions, counted anew from the page's own list of answers."""
    kinds, choices = list(observer_scene.KINDS), observer_scene.choices()
    wins, agrees, decided = torch.zeros(8, 8, dtype=torch.float64), dict.fromkeys(observer_scene.METRICS, 0), 0
    for number, answer in zip(state["order"], state["answers"], strict=False):
        choice = choices[number]
        a, b = map(kinds.index, choice.kinds)
        wins[a, b] += 1 - answer
        wins[b, a] += answer
        if answer != 0.5:
            decided += 1
            for metric, side in choice.preferred.items():
                agrees[metric] += side == answer
    return wins, agrees, decided


def favour(state: dict[str, Any], ranking: list[str]) -> list[str]:
    """What somebody answers who always chooses the damage that stands first in a ranking."""
    found = []
    for number, turned in zip(state["order"], state["turned"], strict=True):
        first, second = observer_scene.choices()[number].kinds
        better = int(ranking.index(second) < ranking.index(first))
        found.append("left" if better == turned else "right")
    return found


@pytest.mark.parametrize("how", ["at random", "all undecided", "always left", "one ranking"])
def test_page_and_package_fit_the_same(show: Callable[..., Any], how: str) -> None:
    page = show(BlindTest())
    rng, ranking = random.Random(7), sorted(observer_scene.KINDS)
    answers = {
        "at random": [rng.choice(["left", "right", "tie"]) for _ in range(20)],
        "all undecided": ["tie"] * 20,
        "always left": ["left"] * 20,
        "one ranking": favour(page.evaluate(STATE), ranking),
    }[how]
    choose(page, answers)
    s = page.evaluate(STATE)
    wins, agrees, decided = expected(s)
    assert s["done"] and len(s["answers"]) == 20
    assert s["wins"] == wins.tolist() and s["agrees"] == list(agrees.values()) and s["decided"] == decided
    fit = bradley_terry(wins)
    assert s["values"] == pytest.approx(fit.values.tolist(), abs=1e-9)
    assert s["deviations"] == pytest.approx(fit.deviations.tolist(), abs=1e-9)
    if how == "one ranking":  # the strengths of five choices each need not keep it, but best and worst stay
        rows = page.locator('[data-part="kinds"] th').all_inner_texts()
        assert rows[0] in ranking[:2] and rows[-1] in ranking[-2:]
        metric = page.locator('[data-part="metrics"] tr').first
        share = wilson(max(agrees.values()), 20)
        assert metric.locator("td").nth(1).inner_text() == (
            f"{100 * share.value:.0f} % ({100 * share.low:.0f} to {100 * share.high:.0f})"
        )
    if how == "all undecided":
        assert "nothing to compare" in page.locator('[data-out="verdict"]').inner_text()


def test_order_and_sides_differ_from_visit_to_visit(show: Callable[..., Any]) -> None:
    states = [show(BlindTest()).evaluate(STATE) for _ in range(4)]
    assert len({tuple(s["order"]) for s in states}) == 4 and len({tuple(s["turned"]) for s in states}) == 4
    for s in states:
        assert sorted(s["order"]) == list(range(20)) and set(s["turned"]) == {0, 1}


def test_sides_are_fair() -> None:
    """The page's generator, repeated here: over many seeds each picture stands left in half of the tests."""
    left = []
    for seed in range(1, 4000, 7):
        state = seed
        for _ in range(8 + 19 + 1):  # warming up, the order, the first side
            state = state * 16807 % 2147483647
        left.append(state * 2 // 2147483647)
    assert sum(left) / len(left) == pytest.approx(0.5, abs=0.06)


def test_what_is_shown_is_what_is_counted(show: Callable[..., Any]) -> None:
    page = show(BlindTest())
    data = BlindTest().data()
    for n in range(3):
        s = page.evaluate(STATE)
        choice = data["choices"][s["order"][n]]
        assert page.locator('[data-part="left"]').get_attribute("src") == choice["pictures"][s["turned"][n]]
        assert page.locator('[data-part="right"]').get_attribute("src") == choice["pictures"][1 - s["turned"][n]]
        page.locator('[data-answer="left"]').click()
        assert page.evaluate(STATE)["answers"][n] == s["turned"][n]
        assert page.locator('[data-out="progress"]').inner_text() == f"Choice {n + 2} of 20"


def test_choices_survive_a_reload_until_they_are_thrown_away(show: Callable[..., Any]) -> None:
    page = show(BlindTest())
    choose(page, ["left", "tie", "right"])
    before = page.evaluate(STATE)
    page.reload()
    after = page.evaluate(STATE)
    assert (after["seed"], after["answers"]) == (before["seed"], before["answers"]) and len(after["answers"]) == 3
    page.get_by_role("button", name="Take back").click()
    assert page.evaluate(STATE)["answers"] == before["answers"][:2]
    page.get_by_role("button", name="Show results").click()
    assert page.get_by_role("region", name="What your choices say").is_visible()
    page.get_by_role("button", name="Go on").click()  # goes back to the test, and takes nothing away
    assert page.evaluate(STATE)["answers"] == before["answers"][:2]
    page.get_by_role("button", name="Start anew", exact=True).click()
    assert page.evaluate(STATE)["answers"] == before["answers"][:2]  # asks first
    page.get_by_role("button", name="Really start anew?").click()
    anew = page.evaluate(STATE)
    assert anew["answers"] == [] and anew["seed"] != before["seed"]


def test_the_question_before_starting_anew_goes_away_with_the_next_choice(show: Callable[..., Any]) -> None:
    page = show(BlindTest())
    choose(page, ["left"])
    page.get_by_role("button", name="Start anew").click()
    choose(page, ["left"])
    assert page.get_by_role("button", name="Start anew", exact=True).is_visible()
    assert len(page.evaluate(STATE)["answers"]) == 2


def test_answers_to_other_pairs_are_dropped(show: Callable[..., Any]) -> None:
    page = show(BlindTest())
    choose(page, ["left", "right"])
    shelf = "'lossedu:' + document.querySelector('.lx').dataset.lx"
    page.evaluate(
        f"() => {{ const k = {shelf}, s = JSON.parse(localStorage.getItem(k)); s.digest = 'other';"
        " localStorage.setItem(k, JSON.stringify(s)); }"
    )
    page.reload()
    assert page.evaluate(STATE)["answers"] == []


def test_what_each_choice_was_between_stays_hidden_until_the_end(show: Callable[..., Any]) -> None:
    page = show(BlindTest())
    choose(page, ["left"] * 5)
    page.get_by_role("button", name="Show results").click()
    every, verdict = page.locator('[data-part="every"]'), page.locator('[data-out="verdict"]')
    assert not every.is_visible() and "not blind" not in verdict.inner_text()
    page.reload()
    assert page.evaluate(STATE)["seen"] == 5
    choose(page, ["left"] * 15)
    assert every.is_visible() and "the 15 made since then were not blind" in verdict.inner_text()


def test_a_click_into_the_test_is_enough_for_the_keys(show: Callable[..., Any]) -> None:
    page = show(BlindTest())
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(STATE)["answers"] == []
    page.locator('[data-part="reference"]').click()
    page.keyboard.press("Shift+ArrowLeft")
    assert page.evaluate(STATE)["answers"] == []
    page.keyboard.press("ArrowLeft")
    assert len(page.evaluate(STATE)["answers"]) == 1


@pytest.mark.parametrize("stored", ["", "nonsense", '{"seed":-3,"answers":[0]}', '{"seed":5,"answers":[7]}', "null"])
def test_a_spoilt_memory_starts_anew(show: Callable[..., Any], stored: str) -> None:
    page = show(BlindTest())
    page.evaluate("text => localStorage.setItem('lossedu:' + document.querySelector('.lx').dataset.lx, text)", stored)
    page.reload()
    assert page.evaluate(STATE)["answers"] == []


def test_it_works_where_nothing_can_be_stored(show: Callable[..., Any]) -> None:
    page = show(BlindTest())
    page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })")
    page.reload()
    choose(page, ["left"] * 20)
    assert page.evaluate(STATE)["done"]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_accessible_before_and_after(show: Callable[..., Any], dark: bool, width: int) -> None:
    scale = 3 if width == 390 else 1
    page = show(BlindTest(), dark=dark, viewport={"width": width, "height": 844}, device_scale_factor=scale)
    for _ in range(2):
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if not page.evaluate(STATE)["done"]:
            sides = page.eval_on_selector_all(
                ".lx img", "all => all.map(e => e.getBoundingClientRect().width * devicePixelRatio / 72)"
            )
            assert sides == pytest.approx([round(sides[0])] * 3, abs=0.01) and sides[0] >= 2
            choose(page, ["left", "right"] * 10)
    assert page.evaluate("document.activeElement.dataset.part") == "results"


def test_without_scripts_the_first_choice_stands(show: Callable[..., Any]) -> None:
    page = show(BlindTest(), java_script_enabled=False)
    assert page.locator(".lx img:visible").count() == 3
    assert page.locator('[data-part="still"]').is_visible()
    assert not page.locator('[data-part="results"]').is_visible()
