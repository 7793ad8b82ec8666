"""The explorable on histogram EMD in a real browser: the page's numbers, its buttons, keyboard, phone, dark, print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from explorable_pages import NEXT_FRAME, press, violations
from torch import Tensor

import lossedu as le
from lossedu.explorables import EMDExplorer
from lossedu.explorables import emd_scene as scene

pytestmark = pytest.mark.browser

STATE = """() => {
    const s = Object.assign({}, document.querySelector('.lx').state);
    for (const key of ['x', 'y', 'pull', 'before', 'places']) s[key] = Array.from(s[key]);
    return s;
}"""

SETTINGS: dict[str, tuple[dict[str, Any], list[tuple[str, str, int]]]] = {
    "exact": ({}, []),
    "exact, crossing": ({}, [("pshift", "End", 1), ("pgamma", "ArrowRight", 6), ("tgain", "ArrowLeft", 5)]),
    "linear": ({"kernel": "linear"}, []),
    "linear, crossing": ({"kernel": "linear", "target": (0, -1, 0.6)}, [("pshift", "ArrowRight", 17)]),
    "equal": ({"kernel": "linear", "picture": (0, 0.3, 1)}, []),
    "wide, mirrored": ({"kernel": "logistic"}, []),
    "wide, plain": ({"kernel": "logistic", "mirror": False}, []),
    "narrow, mirrored": ({"kernel": "logistic"}, [("width", "End", 1)]),
    "narrow, plain": ({"kernel": "logistic", "mirror": False}, [("width", "End", 1), ("pgain", "ArrowRight", 4)]),
    "between, black and white": ({"kernel": "logistic"}, [("width", "PageUp", 4), ("pgain", "End", 1)]),
    "between, plain, white": ({"kernel": "logistic", "mirror": False}, [("width", "PageUp", 3), ("pgain", "End", 1)]),
}


def as_image(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(1, 1, 64, 64)


def expected_of(s: dict[str, Any]) -> scene.State:
    return scene.state(as_image(s["x"]), as_image(s["y"]), s["kernel"], s["width"], s["mirror"])


def do(page: Any, *names: str) -> dict[str, Any]:
    """Press buttons, with the keyboard, and return the state afterwards."""
    for name in names:
        page.locator(f'[data-do="{name}"]').focus()
        page.keyboard.press("Enter")
        page.evaluate(NEXT_FRAME)
        page.wait_for_function("document.querySelector('.lx').state.running === 0")
    return page.evaluate(STATE)


@pytest.mark.parametrize("name", SETTINGS)
def test_page_and_package_compute_the_same(show: Callable[..., Any], name: str) -> None:
    options, moves = SETTINGS[name]
    page = show(EMDExplorer(**options))
    for control, key, times in moves:
        press(page, control, key, times)
    s = page.evaluate(STATE)
    x, y = as_image(s["x"]), as_image(s["y"])
    read = {
        who: [float(page.locator(f'[data-in="{who}{k}"]').input_value()) for k in ("shift", "gain", "gamma")]
        for who in "pt"
    }
    photo = scene.photo()
    assert (x - scene.Tones(*read["p"])(photo)).abs().max().item() < 1e-12
    assert (y - scene.Tones(*read["t"])(photo)).abs().max().item() < 1e-12
    x.requires_grad_()
    loss = le.histogram_emd_loss(x, y, **scene.options(s["kernel"], s["width"], s["mirror"]))
    (grad,) = torch.autograd.grad(loss, x)
    assert s["loss"] == pytest.approx(loss.item(), abs=1e-9)
    pull = as_image(s["pull"])
    torch.testing.assert_close(pull, -4096 * grad, rtol=1e-7, atol=1e-7)
    expected = expected_of(s)
    for ours, theirs in (
        ("exact", "exact"), ("apart", "apart"), ("felt", "felt"), ("largest", "largest"), ("black", "black"),
        ("blackPull", "black_pull"), ("blackGoal", "black_goal"),
    ):  # fmt: skip
        assert s[ours] == pytest.approx(getattr(expected, theirs), rel=1e-7, abs=1e-9), ours


@pytest.mark.parametrize(
    "options",
    [{}, {"kernel": "logistic", "narrow": 100, "mirror": False}, {"kernel": "linear", "picture": (0.1, -0.4, 0.6)}],
)
def test_first_state_is_what_the_script_draws(show: Callable[..., Any], options: dict[str, Any]) -> None:
    still, live = show(EMDExplorer(**options), java_script_enabled=False), show(EMDExplorer(**options))
    names = set(live.eval_on_selector_all("[data-out]", "all => all.map(e => e.dataset.out)"))
    assert len(names) == 18
    for name in names:
        selector = f'[data-out="{name}"]'
        assert still.locator(selector).first.text_content() == live.locator(selector).first.text_content(), name
    for name in ("pshift", "pgain", "tgamma", "width"):
        texts = [page.locator(f'[data-in="{name}"]').get_attribute("aria-valuetext") for page in (still, live)]
        assert texts[0] == texts[1]
    for part in live.eval_on_selector_all("[data-part]", "all => all.map(e => e.dataset.part)"):
        selector = f'[data-part="{part}"]'
        assert still.locator(selector).get_attribute("d") == live.locator(selector).get_attribute("d"), part
    for picture in ("picture", "target", "pull"):
        assert still.locator(f'[data-px="{picture}"]').is_visible()
        alt = still.locator(f'[data-px="{picture}"]').get_attribute("alt")
        assert live.locator(f'[data-px="{picture}"] + canvas').get_attribute("aria-label") == alt
        difference = live.evaluate(
            """name => {
                const still = document.querySelector(`[data-px="${name}"]`), live = still.nextElementSibling;
                const read = draw => {
                    const c = document.createElement('canvas');
                    c.width = c.height = 64;
                    c.getContext('2d').drawImage(draw, 0, 0);
                    return c.getContext('2d').getImageData(0, 0, 64, 64).data;
                };
                const a = read(still), b = read(live);
                return a.reduce((worst, v, i) => Math.max(worst, Math.abs(v - b[i])), 0);
            }""",
            picture,
        )
        assert difference <= 1, picture


@pytest.mark.parametrize("kernel", scene.KERNELS)
def test_moving_pixels_changes_the_picture_and_not_the_loss(show: Callable[..., Any], kernel: str) -> None:
    page = show(EMDExplorer(kernel=kernel))
    first = page.evaluate(STATE)
    moved, shuffled, back = do(page, "sky"), do(page, "shuffle"), do(page, "back")
    assert moved["x"] == first["x"][-16 * 64 :] + first["x"][: -16 * 64]
    assert sorted(shuffled["places"]) == list(range(4096)) and shuffled["places"] != moved["places"]
    for s in (moved, shuffled):
        assert s["loss"] == pytest.approx(first["loss"], abs=1e-12)
        assert s["apart"] > first["apart"]
        assert s["pull"] == pytest.approx(expected_of(s).pull.flatten().tolist(), abs=1e-6)
    assert back["x"] == first["x"] and back["apart"] == first["apart"]
    assert page.locator('[role=status] [data-out="order"]').inner_text() == "as taken"


def test_a_step_follows_the_pull(show: Callable[..., Any]) -> None:
    page = show(EMDExplorer(kernel="logistic"))
    first = do(page, "shuffle")
    found = do(page, "step")
    expected = (as_image(first["x"]) + scene.STEP * as_image(first["pull"])).clamp(0, 1)
    assert (as_image(found["x"]) - expected).abs().max().item() < 1e-12
    assert found["steps"] == 1 and found["exact"] < first["exact"]
    again = do(page, "again")
    assert again["x"] == first["x"] and again["steps"] == 0 and again["moved"] == 0


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_with_a_narrow_kernel_most_pixels_stay(show: Callable[..., Any], motion: str) -> None:
    page = show(EMDExplorer(), reduced_motion=motion)
    found = {}
    for step, name in enumerate(("exact", "wide")):
        page.locator(f'[data-step="{step}"]').click()
        found[name] = do(page, "run")
    page.locator('[data-step="1"]').click()
    press(page, "width", "End")
    found["narrow"] = do(page, "run")
    assert all(s["steps"] == 20 for s in found.values())
    start = EMDExplorer().state().exact
    assert found["exact"]["moved"] == 1 and found["exact"]["exact"] < 0.1 * start
    assert found["wide"]["moved"] > 0.9 and found["wide"]["exact"] < 0.2 * start
    assert found["narrow"]["moved"] < 0.05 and found["narrow"]["exact"] > 0.9 * start
    assert found["narrow"]["felt"] < 1e-3  # who moved has moved away from the edges


def test_without_mirrors_black_grows(show: Callable[..., Any]) -> None:
    page = show(EMDExplorer())
    page.locator('[data-step="2"]').click()
    assert "pushed darker" in page.locator('[data-out="blacktext"]').inner_text()
    first = page.evaluate(STATE)
    found = do(page, "step")
    assert found["black"] > 1.3 * first["black"]


def test_the_histogram_can_be_dragged(show: Callable[..., Any]) -> None:
    page = show(EMDExplorer())
    for name, value in (("pshift", "0.03"), ("tshift", "0.25")):
        page.locator(f'[data-drag="{name}"]').scroll_into_view_if_needed()
        box = page.locator(f'[data-drag="{name}"]').bounding_box()
        x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + box["width"] / 8, y, steps=3)
        page.mouse.move(x + box["width"] / 4, y, steps=3)
        page.mouse.up()
        page.mouse.move(x, y)  # let go: nothing follows
        page.evaluate(NEXT_FRAME)
        assert page.locator(f'[data-in="{name}"]').input_value() == value
        assert page.locator(f'[data-out="{name}"]').inner_text() == value


def test_controls_without_meaning_are_off(show: Callable[..., Any]) -> None:
    page = show(EMDExplorer())
    assert page.locator('[data-in="width"]').is_disabled() and page.locator('[data-in="mirror"]').is_disabled()
    press(page, "kernel", "ArrowDown", 2)
    assert page.locator('[data-in="width"]').is_enabled() and page.locator('[data-in="mirror"]').is_enabled()
    press(page, "mirror", "Space")
    s = page.evaluate(STATE)
    assert s["kernel"] == "logistic" and s["mirror"] is False


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_accessible_in_light_dark_and_on_a_phone(show: Callable[..., Any], dark: bool, width: int) -> None:
    page = show(
        EMDExplorer(key="emd"),
        EMDExplorer(key="emd", kernel="logistic"),
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
    assert zooms == pytest.approx([round(zooms[0])] * 6, abs=0.01)


def test_print_shows_the_chart_and_hides_the_controls(show: Callable[..., Any]) -> None:
    page = show(EMDExplorer(), dark=True)
    page.emulate_media(media="print")
    assert page.locator("svg[data-chart]").is_visible()
    assert page.locator('[data-out="loss"]').is_visible()
    assert not page.locator(".lx input, .lx button, .lx select").first.is_visible()


def test_a_move_is_quick(show: Callable[..., Any]) -> None:
    page = show(EMDExplorer(kernel="logistic"))
    times = []
    for key in ("ArrowRight", "ArrowLeft") * 6:
        press(page, "pshift", key)
        times.append(page.evaluate("document.querySelector('.lx').state.milliseconds"))
    assert min(times) < 40
