"""Pictures and maps side by side, pixel for pixel."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from matplotlib.figure import Figure
from torch import Tensor

from lossedu import _validate

from .bars import MIN_WIDTH, bar_height, draw_bar
from .canvas import Canvas
from .grid import GAP, MARGIN, Grid, Scales, strings
from .lettering import TITLE_SIZES, line_height
from .maps import scalar_map, signed_map
from .panels import Panel, Scale, shared_scale
from .pictures import picture
from .style import PAGE_WIDTH

MAX_HEIGHT = 900
_BAR_GAP = 10


def image_strip(
    images: Tensor | Panel | Sequence[Tensor | Panel],
    titles: Sequence[str] | None = None,
    notes: Sequence[str] | None = None,
    *,
    zoom: int | None = None,
    columns: int | None = None,
    value_range: tuple[float, float] | None = (0.0, 1.0),
    cmap: str | None = None,
    signed: bool = False,
    label: str = "",
    colorbar: bool = True,
    row_labels: Sequence[str] | None = None,
) -> Figure:
    """Pictures and maps side by side at one whole-pixel zoom.

    Every source pixel becomes exactly `zoom` x `zoom` pixels of the saved PNG (nearest neighbour), and the figure is
    at most `PAGE_WIDTH` pixels wide, so that the site shows it unscaled.  Maps of one kind share one colour scale and
    one bar.

    Parameters
    ----------
    images : Tensor, Panel or sequence of both
        Tensors are (1, C, H, W), (C, H, W) or (H, W), floating, C = 1 or 3; a single (N, C, H, W) tensor is N
        panels.  Panels from `picture`, `scalar_map`, `signed_map`, `gradient_field` and `mark_crop` keep their own
        settings, so that a photograph, its map and its gradient can stand in one strip.  Smaller panels are centred
        in their cell.
    titles, notes : sequence of str, optional
        One line above each panel, and a smaller one below it for a number such as ``"SSIM .842"``.  Dollar signs
        enclose maths.
    zoom : int, optional
        Screen pixels a source pixel; by default the largest that fits the page.
    columns : int, optional
        Panels a row; by default all in one.
    value_range : tuple of float, optional
        Values shown as black and white, or as the ends of the colour scale.  None takes the least and greatest value
        over all maps. What lies outside is clipped for display only: numbers shown with the picture are computed
        before.
    cmap : str, optional
        Show tensors as maps of amounts with this colour scale, see `scalar_map`.
    signed : bool
        Show tensors as signed maps with one scale symmetric about zero, see `signed_map`; `value_range` is then not
        used.
    label : str
        Text at the bar of those maps.
    colorbar : bool
        Draw a bar for each scale of maps.  Pictures have none.
    row_labels : sequence of str, optional
        Texts on the left that read upwards, one a row.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot: a cell that ends with it shows it once.

    Raises
    ------
    TypeError, ValueError
        If a tensor is of another kind or shape, a text is too long for its panel, or the strip is too wide: the
        message then says to what width to crop.
    """
    panels = _panels(images, value_range, cmap, signed, label)
    columns = len(panels) if columns is None else min(_validate.count("columns", columns), len(panels))
    indent = 0 if row_labels is None else line_height(TITLE_SIZES[0]) + 4
    zoom = _zoom(panels, columns, indent, zoom)
    grid = Grid(panels, strings("titles", titles, len(panels)), strings("notes", notes, len(panels)), columns, zoom)
    labels = None if row_labels is None else strings("row_labels", row_labels, grid.rows)

    scales = scales_of(panels)
    bars = bar_places(grid, scales) if colorbar else []
    inner = indent + max([grid.width, *(right for _, _, right in bars)])
    height = grid.height + max([0, *(_BAR_GAP + bar_height(scale, right - left) for scale, left, right in bars)])
    canvas = Canvas(inner + 2 * MARGIN, height + 2 * MARGIN)
    for text, center in zip(labels or [], grid.row_centers(), strict=False):
        canvas.sideways(MARGIN + (indent - 4) / 2, MARGIN + center, text, TITLE_SIZES[0])
    # A bar may be wider than a small picture, which then stands above its middle.
    grid.draw(canvas, MARGIN + indent + (inner - indent - grid.width) // 2, MARGIN, scales)
    for scale, left, right in bars:
        draw_bar(canvas, MARGIN + indent + left, MARGIN + grid.height + _BAR_GAP, right - left, scale)
    return canvas.figure()


def _panels(
    images: Tensor | Panel | Sequence[Tensor | Panel],
    value_range: tuple[float, float] | None,
    cmap: str | None,
    signed: bool,
    label: str,
) -> list[Panel]:
    """Return every image as a panel; tensors take the settings of the strip."""
    if isinstance(images, Panel):
        images = [images]
    elif isinstance(images, Tensor):
        images = list(images.split(1)) if images.ndim == 4 else [images]
    if len(images) == 0:
        raise ValueError("images must hold at least one image, got none")
    if signed and cmap is not None:
        raise ValueError(f"cmap must be None for signed maps, which have their own colours, got {cmap!r}")
    panels = []
    for k, image in enumerate(images):
        name = f"images[{k}]"
        if isinstance(image, Panel):
            panels.append(image)
        elif signed:
            panels.append(signed_map(image, label=label, name=name))
        elif cmap is not None:
            panels.append(scalar_map(image, value_range=value_range, cmap=cmap, label=label, name=name))
        elif value_range is None:
            raise ValueError(
                "value_range must be (low, high) for pictures, got None; only maps take it from their values"
            )
        else:
            panels.append(picture(image, value_range=value_range, name=name))
    return panels


def _zoom(panels: Sequence[Panel], columns: int, indent: int, zoom: int | None) -> int:
    """Return the zoom asked for, or the largest that fits; raise when nothing does."""
    width = max(panel.values.shape[1] for panel in panels)
    height = max(panel.values.shape[0] for panel in panels) * -(-len(panels) // columns)
    room = (PAGE_WIDTH - 2 * MARGIN - indent - (columns - 1) * GAP) // columns
    largest = room // width
    if zoom is not None and _validate.count("zoom", zoom) <= largest:
        return zoom
    if zoom is None and largest >= 1:
        return max(1, min(largest, MAX_HEIGHT // height))
    raise ValueError(
        f"images must fit {PAGE_WIDTH} pixels: {columns} panels a row leave {room} for each, "
        f"got a width of {width} at zoom {zoom or 1}; "
        f"crop to at most {room // (zoom or 1)}, or set fewer columns"
        + ("" if zoom in (None, 1) else " or a smaller zoom")
    )


def scales_of(panels: Sequence[Panel]) -> Scales:
    """Return one colour scale for each key among the panels."""
    keys = dict.fromkeys(panel.scale_key for panel in panels)
    return {key: shared_scale([panel for panel in panels if panel.scale_key == key]) for key in keys}


def bar_places(grid: Grid, scales: Scales) -> list[tuple[Scale, int, int]]:
    """Return scale, left and right end of each bar: below its columns, or all side by side where columns are mixed."""
    keys = [key for key in scales if any(panel.kind != "picture" and panel.scale_key == key for panel in grid.panels)]
    places = []
    for key in keys:
        spans = [grid.span(k) for k, panel in enumerate(grid.panels) if panel.scale_key == key]
        left, right = min(span[0] for span in spans), max(span[1] for span in spans)
        if right - left < MIN_WIDTH:
            left = max(0, min((left + right - MIN_WIDTH) // 2, grid.width - MIN_WIDTH))
            right = left + MIN_WIDTH
        places.append((scales[key], left, right))
    ordered = sorted(places, key=lambda place: place[1])
    if any(before[2] > after[1] for before, after in pairwise(ordered)):
        step = min(max(grid.width // len(ordered), MIN_WIDTH), (PAGE_WIDTH - 2 * MARGIN) // len(ordered))
        return [(scale, k * step, (k + 1) * step) for k, (scale, _, _) in enumerate(places)]
    return places
