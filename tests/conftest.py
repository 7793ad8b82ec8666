"""What the tests share: the tree, the built wheel, the built pages, and no luck."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import processor  # noqa: F401  (before torch computes anything)
import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]

# Found examples must be the same on every machine, and a slow machine is no failure.
settings.register_profile("lossedu", deadline=None, derandomize=True)
settings.load_profile("lossedu")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the files that take longest, so that one worker does not end up waiting for them."""
    slow = ("test_colab.py", "test_browser.py")
    items.sort(key=lambda item: slow.index(item.path.name) if item.path.name in slow else len(slow))


@pytest.fixture(scope="session")
def need():
    """Return a function that skips a test for a stated reason, or fails it where skipping is not allowed (CI)."""

    def unless(condition: object, reason: str) -> None:
        if not condition:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)

    return unless


BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # no name can be resolved
]


@pytest.fixture(scope="module")
def browser(need) -> Iterator[Any]:
    """Chromium without a network."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    need(program, f"browser tests need Chromium: none of {', '.join(BROWSERS)} was found")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open explorables in a page from disk; at the end nothing may have been asked for or complained about."""
    from lossedu.explorables import standalone_page

    contexts, requests, complaints = [], [], []

    def open_page(*explorables: Any, dark: bool = False, **context: Any) -> Any:
        file = tmp_path / "page.html"
        file.write_text(standalone_page(*explorables, title="Test", dark=dark), encoding="utf-8")
        contexts.append(browser.new_context(offline=True, **context))
        page = contexts[-1].new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [url for url in requests if not url.startswith(("data:", tmp_path.as_uri()))] == []
    assert complaints == []


@pytest.fixture(scope="session")
def site(need) -> Path:
    """The folder of the built book."""
    built = ROOT / "_build" / "html"
    need((built / ".done").exists(), "the book is not built: run `make book`")
    return built


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a reader installs it, built from the tree as it is."""
    # A build in the tree would pick up files that an earlier build left in build/.
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "lossedu", source / "lossedu", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-text"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", out, source]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return next(out.glob("*.whl"))
