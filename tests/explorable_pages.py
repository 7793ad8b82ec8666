"""Explorables in a page from disk: what their browser tests do with it.  The fixture `show` opens it."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe

NEXT_FRAME = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"


def press(page: Any, control: str, key: str, times: int = 1, nth: int = 0) -> None:
    """Press a key on a control, and wait until the page has drawn what follows."""
    page.locator(f'[data-in="{control}"]').nth(nth).focus()
    for _ in range(times):
        page.keyboard.press(key)
    page.evaluate(NEXT_FRAME)


def violations(page: Any) -> list[str]:
    """Return what axe finds wrong, a line each."""
    response = Axe().run(page).response
    return [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in response["violations"]]
