"""Panels in rows and columns: where each one stands, and its lettering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .canvas import Canvas
from .lettering import NOTE_SIZES, TITLE_SIZES, fit, line_height
from .panels import Panel, Scale
from .style import FAINT

GAP = 10
MARGIN = 6
# Between a text and the picture below it, and between a picture and the row below.
_CLOSE = 5
_ROW_GAP = 12
_FRAME = (176, 176, 176)
# A light line inside a dark one is seen on any ground.
_MARK, _MARK_EDGE = (255, 221, 0), (0, 0, 0)

Scales = Mapping[tuple[object, ...], Scale]


def strings(name: str, texts: Sequence[str] | None, count: int) -> list[str]:
    """Return `count` texts, empty ones for None, or raise naming the argument."""
    if texts is None:
        return [""] * count
    if isinstance(texts, str) or len(texts) != count:
        got = repr(texts) if isinstance(texts, str) else f"{len(texts)}"
        raise ValueError(
            f"{name} must be a list of {count} texts, one for each panel (an empty one for none), got {got}"
        )
    return [str(text) for text in texts]


@dataclass(frozen=True)
class Grid:
    """Panels at one zoom; smaller ones stand in the middle of their cell, as a valid map does in its picture.

    `shrink` above 1 says that the pictures were reduced by that factor, which turns marks into screen pixels.
    """

    panels: Sequence[Panel]
    titles: Sequence[str]
    notes: Sequence[str]
    columns: int
    zoom: int
    shrink: int = 1

    @property
    def rows(self) -> int:
        """Number of rows."""
        return -(-len(self.panels) // self.columns)

    @property
    def cell(self) -> tuple[int, int]:
        """Width and height of a cell in screen pixels."""
        shapes = [panel.values.shape for panel in self.panels]
        return max(shape[1] for shape in shapes) * self.zoom, max(shape[0] for shape in shapes) * self.zoom

    @property
    def width(self) -> int:
        """Width in screen pixels."""
        columns = min(self.columns, len(self.panels))
        return columns * self.cell[0] + (columns - 1) * GAP

    def lettering(self) -> tuple[tuple[float, list[list[str]]], tuple[float, list[list[str]]]]:
        """Return size and lines of all titles, and of all notes."""
        # A text may reach into half of the gap on either side.
        room = self.cell[0] + GAP - 2
        return fit("titles", self.titles, room, TITLE_SIZES), fit("notes", self.notes, room, NOTE_SIZES)

    def heads(self) -> list[tuple[int, int]]:
        """Return for every row the pixels that its titles and its notes take."""
        heights = []
        for row in range(self.rows):
            part = slice(row * self.columns, (row + 1) * self.columns)
            titles, notes = (max(map(len, lines[part])) * line_height(size) for size, lines in self.lettering())
            heights.append((titles, notes + (_CLOSE if titles or notes else 0)))
        return heights

    @property
    def height(self) -> int:
        """Height in screen pixels."""
        return (
            sum(titles + notes for titles, notes in self.heads())
            + self.rows * self.cell[1]
            + (self.rows - 1) * _ROW_GAP
        )

    def row_centers(self) -> list[float]:
        """Return the middle of each row of pictures, counted from the top of the grid."""
        centers, y = [], 0
        for titles, notes in self.heads():
            y += titles + notes
            centers.append(y + self.cell[1] / 2)
            y += self.cell[1] + _ROW_GAP
        return centers

    def span(self, k: int) -> tuple[int, int]:
        """Return left and right end of the cell of panel `k`, counted from the left of the grid."""
        left = k % self.columns * (self.cell[0] + GAP)
        return left, left + self.cell[0]

    def draw(self, canvas: Canvas, x: int, y: int, scales: Scales) -> None:
        """Draw everything with the top left corner at (x, y)."""
        (title_size, titles), (note_size, notes) = self.lettering()
        width, height = self.cell
        for row, (title_head, note_head) in enumerate(self.heads()):
            for k in range(row * self.columns, min((row + 1) * self.columns, len(self.panels))):
                left = x + self.span(k)[0]
                middle = left + width / 2
                # Titles stand on the notes, so that one line and two lines end level.
                canvas.lines(middle, y + title_head - len(titles[k]) * line_height(title_size), titles[k], title_size)
                canvas.lines(middle, y + title_head, notes[k], note_size, FAINT)
                self._draw_panel(canvas, left, y + title_head + note_head, self.panels[k], scales)
            y += title_head + note_head + height + _ROW_GAP

    def _draw_panel(self, canvas: Canvas, left: int, top: int, panel: Panel, scales: Scales) -> None:
        rows, columns = (side * self.zoom for side in panel.values.shape[:2])
        left, top = left + (self.cell[0] - columns) // 2, top + (self.cell[1] - rows) // 2
        canvas.ring(left, top, columns, rows, _FRAME)
        canvas.paint(left, top, scales[panel.scale_key].color(panel.values), self.zoom)
        for mark in panel.marks:
            box = [value * self.zoom // self.shrink for value in (mark.left, mark.top, mark.width, mark.height)]
            canvas.ring(left + box[0], top + box[1], box[2], box[3], _MARK, thickness=2)
            canvas.ring(left + box[0], top + box[1], box[2], box[3], _MARK_EDGE, gap=2)
