"""A photograph with a crop marked in it, and the crop under several treatments beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from lossedu import _validate

from .canvas import Canvas
from .grid import GAP, MARGIN, Grid, strings
from .panels import Panel
from .pictures import mark_crop, picture
from .strips import scales_of
from .style import PAGE_WIDTH

_SEPARATION = 2 * GAP
# A smaller photograph shows nothing of its surroundings, a larger one leaves no room for the crops.
_CONTEXT_SIDES = (150, 360)
# Taller, and photograph and crops are no longer seen at one glance.
_MAX_HEIGHT = 540
# A zoom beyond this shows nothing new; the room is then better spent on the photograph.
_LARGE = 4


def strip_with_context(
    photo: Tensor | Panel,
    crops: Sequence[Tensor | Panel],
    titles: Sequence[str] | None = None,
    notes: Sequence[str] | None = None,
    *,
    top: int,
    left: int,
    context_title: str = "",
    zoom: int | None = None,
    columns: int | None = None,
) -> Figure:
    """The photograph at left with the crop marked, and at right what became of the crop, at whole-pixel zoom.

    The crops keep their exact pixels.  The photograph is a sketch map: a large one is reduced by a whole factor (mean
    of the stored values, last rows and columns that do not fill a block left out), and the factor is then written
    above it.

    Parameters
    ----------
    photo : Tensor or Panel
        (1, C, H, W), (C, H, W) or (H, W), floating, nominal range [0, 1]; or a panel from `mark_crop` that has marks
        already.
    crops : sequence of Tensor or Panel
        Pictures of one size, nominal range [0, 1]; what lies outside is clipped for display only.
    titles, notes : sequence of str, optional
        As in `image_strip`, one for each crop.
    top, left : int
        Where in the photograph the crops begin; their size is that of the first.
    context_title : str
        Title of the photograph.
    zoom, columns : int, optional
        Screen pixels a source pixel and crops a row; by default chosen so that crops are large and the page is filled.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot.

    Raises
    ------
    TypeError, ValueError
        If a tensor is of another kind or shape, the crop does not lie in the photograph, or nothing fits the page.
    """
    if len(crops) == 0:
        raise ValueError("crops must hold at least one picture, got none")
    panels = [crop if isinstance(crop, Panel) else picture(crop, name=f"crops[{k}]") for k, crop in enumerate(crops)]
    if any(panel.kind != "picture" for panel in panels):
        raise ValueError("crops must be pictures, got a map; show maps with image_strip, which draws their colour bar")
    height, width = panels[0].values.shape[:2]
    context = mark_crop(photo if isinstance(photo, Panel) else picture(photo, name="photo"), top, left, (height, width))
    texts = strings("titles", titles, len(panels)), strings("notes", notes, len(panels))

    best = max(_layouts(context, context_title, panels, texts, zoom, columns), key=_worth, default=None)
    if best is None:
        raise ValueError(
            f"crops must fit {PAGE_WIDTH} pixels beside the photograph: got {len(panels)} of {height} x {width} with "
            f"zoom={zoom!r}, columns={columns!r}; crop smaller, or leave zoom and columns out"
        )
    shown, grid = best
    width, height = shown.width + _SEPARATION + grid.width, _height(shown, grid)
    canvas = Canvas(width + 2 * MARGIN, height + 2 * MARGIN)
    # Pictures begin level, whatever stands above them.
    drops = [max(sum(g.heads()[0]) for g in (shown, grid)) - sum(g.heads()[0]) for g in (shown, grid)]
    shown.draw(canvas, MARGIN, MARGIN + drops[0], scales_of(shown.panels))
    grid.draw(canvas, MARGIN + shown.width + _SEPARATION, MARGIN + drops[1], scales_of(panels))
    return canvas.figure()


def _height(shown: Grid, grid: Grid) -> int:
    head = max(sum(g.heads()[0]) for g in (shown, grid))
    return head + max(g.height - sum(g.heads()[0]) for g in (shown, grid))


def _worth(layout: tuple[Grid, Grid]) -> tuple[float, float]:
    """Rank a layout: large crops without empty cells first, then a full page with equal heights."""
    shown, grid = layout
    filled = len(grid.panels) / (grid.rows * grid.columns)
    return min(grid.zoom, _LARGE) * filled**2, shown.width + grid.width - 0.3 * abs(shown.height - grid.height)


def _layouts(
    context: Panel,
    title: str,
    panels: Sequence[Panel],
    texts: tuple[list[str], list[str]],
    zoom: int | None,
    columns: int | None,
) -> Iterator[tuple[Grid, Grid]]:
    """Yield every layout that fits the page."""
    zooms = range(1, PAGE_WIDTH) if zoom is None else [_validate.count("zoom", zoom)]
    choices = range(1, len(panels) + 1) if columns is None else [min(_validate.count("columns", columns), len(panels))]
    for shown in _contexts(context, title):
        for k in choices:
            for z in zooms:
                grid = Grid(panels, *texts, k, z)
                if shown.width + _SEPARATION + grid.width > PAGE_WIDTH - 2 * MARGIN:
                    break
                try:
                    fits = _height(shown, grid) <= _MAX_HEIGHT
                except ValueError:
                    # A text too long for this zoom may fit a larger one.
                    continue
                if fits:
                    yield shown, grid


def _contexts(context: Panel, title: str) -> Iterator[Grid]:
    """Yield the photograph at whole-pixel zooms and at whole-number reductions of a sensible size."""
    side = max(context.values.shape[:2])
    least = min(_CONTEXT_SIDES[0], side)
    for zoom in range(1, 1 + max(1, _CONTEXT_SIDES[1] // side)):
        if least <= side * zoom <= _CONTEXT_SIDES[1]:
            yield Grid([context], [title], [""], 1, zoom)
    for shrink in range(2, 1 + side // least):
        if side // shrink <= _CONTEXT_SIDES[1]:
            yield Grid([_reduced(context, shrink)], [title], [f"shown at 1/{shrink}"], 1, 1, shrink)


def _reduced(panel: Panel, factor: int) -> Panel:
    """Return the panel with the mean over blocks of `factor` x `factor`; marks keep their source pixels."""
    rows, columns = (side // factor for side in panel.values.shape[:2])
    values = (
        panel.values[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor, -1).mean(axis=(1, 3))
    )
    return replace(panel, values=np.ascontiguousarray(values if panel.values.ndim == 3 else values[..., 0]))
