"""Print one page of the built book to a tagged PDF: print_pdf.py PAGE.html OUT.pdf."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main(page: Path, out: Path) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit(f"print_pdf: none of {', '.join(BROWSERS)} is installed; install Chromium to print the book")
    out.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        tab = chromium.new_page(color_scheme="light")
        tab.goto(page.resolve().as_uri())
        tab.evaluate("MathJax.startup.promise")  # formulas are set after the page has loaded
        tab.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true })")
        margin = {"top": "18mm", "bottom": "18mm", "left": "16mm", "right": "16mm"}
        tab.pdf(path=out, format="A4", print_background=True, margin=margin, tagged=True, outline=True)
        chromium.close()
    print(f"The PDF is {out} ({out.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
