"""The report as HTML: one section that brings its own colours, and a page around it."""

from __future__ import annotations

import html
from importlib import resources
from typing import TYPE_CHECKING

from . import drawing

if TYPE_CHECKING:
    from .report import Report

# Every rule begins with the section's own class: nothing leaks into the page around it.
_LIGHT = "--lx-paper:#fff;--lx-ink:#1c2024;--lx-soft:#566069;--lx-line:#c5ccd3;--lx-tint:#f1f4f7;--lx-a:#3d58b8;"
_LIGHT += "--lx-error:#a3152b;--lx-warning:#7a4b00;--lx-info:#2b5c7a;color-scheme:light"
_DARK = "--lx-paper:#1b1e22;--lx-ink:#e8eaed;--lx-soft:#b3bac1;--lx-line:#4a525a;--lx-tint:#272c32;--lx-a:#a3b4ff;"
_DARK += "--lx-error:#ff9aa5;--lx-warning:#f2c26b;--lx-info:#8fcbea;color-scheme:dark"
_THEMES = ("html[data-theme=dark]", "html[theme=dark]", "body[data-jp-theme-light=false]", "body.vscode-dark")


def _style() -> str:
    named = ",".join(f"{theme} .lx-audit" for theme in _THEMES)
    # A page that names its theme is believed; one that does not follows the reader's system.
    unnamed = "html:not([data-theme]):not([theme]) body:not([data-jp-theme-light]):not([class*=vscode]) .lx-audit"
    rules = resources.files(__package__).joinpath("report.css").read_text("utf-8")
    return (
        f".lx-audit{{{_LIGHT}}}\n@media screen and (prefers-color-scheme:dark){{{unnamed}{{{_DARK}}}}}\n"
        f"@media screen{{{named}{{{_DARK}}}}}\n"
        "html[data-theme=dark] .bd-content div.cell_output .text_html:has(>.lx-audit){background:none!important;"
        f"padding:0!important}}\n{rules}"
    )


def _text(value: object) -> str:
    return html.escape(str(value), quote=True)


def section(report: Report, level: int = 3, *, timed: bool = True) -> str:
    """Return the report as one element; headings start at `level`, and times are left out unless `timed`."""
    verdict = "No error found" if report.ok else "Errors found"
    parts = [
        f'<section class="lx-audit" aria-label="Audit of {_text(report.label)}">\n<style>{_style()}</style>',
        f'<h{level} class="lx-title">Audit of {_text(report.label)}</h{level}>',
        f'<p><strong class="lx-{"info" if report.ok else "error"}">{verdict}.</strong> {_text(report.verdict)}.</p>',
        _findings(report),
        _pictures(report, level + 1),
        _checks(report, level + 1, timed),
        "</section>\n",
    ]
    return "\n".join(filter(None, parts))


def _table(caption: str, heads: list[str], rows: list[str]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    # A region that scrolls must be reachable by keyboard.
    return (
        f'<div class="lx-scroll" role="region" aria-label="{caption}" tabindex="0"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>\n{chr(10).join(rows)}\n</tbody></table></div>"
    )


def _findings(report: Report) -> str:
    if not report.findings:
        return "<p>Nothing to report: every check that applies went well.</p>"
    rows = [
        f'<tr><td class="lx-kind lx-{f.severity}">{f.severity}</td><th scope="row">{_text(f.name)}</th>'
        f'<td>{_text(f.evidence)}<p class="lx-advice">{_text(f.advice)}</p></td></tr>'
        for f in report.findings
    ]
    return _table(f"Findings on {_text(report.label)}", ["Severity", "Finding", "What shows it, and what to do"], rows)


def _pictures(report: Report, level: int) -> str:
    figures = []
    if report.pictures is not None:
        x, y, gradient = report.pictures
        if y is not None:
            figures.append(_figure(drawing.photograph(y), "Reference y", "The reference image of the audit"))
        figures.append(_figure(drawing.photograph(x), "Image x", "The image that the loss was asked about"))
        if gradient is not None:
            caption = "Gradient in x, summed over channels: blue asks for brighter, red for darker, white for nothing"
            figures.append(
                _figure(drawing.signed(gradient), caption, "Map of the gradient of the loss in the pixels of x")
            )
    if graph := drawing.curve(report.price):
        caption = "Price of a sinusoidal error relative to MSE; the dot is a uniform shift"
        style = ' style="flex:1 1 20rem;min-width:0"'
        figures.append(f'<figure{style}>{graph}<figcaption style="max-width:none">{caption}</figcaption></figure>')
    if not figures:
        return ""
    return (
        f'<h{level} class="lx-head">What it sees and charges</h{level}>\n<div class="lx-row">{"".join(figures)}</div>'
    )


def _figure(address: str, caption: str, alt: str) -> str:
    return f'<figure><img src="{address}" alt="{alt}"><figcaption>{caption}</figcaption></figure>'


def _checks(report: Report, level: int, timed: bool) -> str:
    rows = [
        f'<tr><th scope="row">{_text(c.name)}</th><td>{c.status}</td>'
        f"<td>{_text(c.outcome if timed else c.lasting)}</td></tr>"
        for c in report.checks
    ]
    table = _table(f"Checks of {_text(report.label)}", ["What was tried", "Result", "What happened"], rows)
    return f'<h{level} class="lx-head">What was tried, and what happened</h{level}>\n{table}'


def standalone(report: Report) -> str:
    """Return a whole page that asks for no other file."""
    title = f"Audit of {_text(report.label)}"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<title>{title}</title>\n<style>html{{color-scheme:light dark}}"
        "body{margin:1rem auto;max-width:62rem;padding:0 .75rem;font-family:sans-serif}</style>\n"
        "</head>\n<body>\n<main>\n"
        f"{section(report, level=1)}</main>\n</body>\n</html>\n"
    )
