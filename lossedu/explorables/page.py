"""A page around explorables: for tests, and to hand one to somebody as a single file."""

from __future__ import annotations

from .base import Explorable, escape


def standalone_page(*explorables: Explorable, title: str = "Explorable", dark: bool = False) -> str:
    """Return a whole HTML page that holds `explorables` and asks for nothing else.

    Parameters
    ----------
    *explorables : Explorable
        In the order of the page.
    title : str
        Title and heading of the page.
    dark : bool
        Use the dark colours, marked as the book's theme marks them.

    Returns
    -------
    str
        Write it to a file with ``encoding="utf-8"`` and open that in a browser.
    """
    blocks = "\n".join(each.to_html() for each in explorables)
    colours = "#121212;color:#e6e6e6" if dark else "#fff;color:#1c2024"
    return (
        f'<!doctype html>\n<html lang="en" data-theme="{"dark" if dark else "light"}">\n'
        '<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>body{{margin:1rem auto;max-width:50rem;padding:0 1rem;font-family:sans-serif;background:{colours}}}"
        f"</style>\n</head>\n<body>\n<main>\n<h1>{escape(title)}</h1>\n{blocks}\n</main>\n</body>\n</html>\n"
    )
