"""Controls, and what they show: the part of a laboratory that does not depend on the loss.

Everything is shown in one HTML widget.  An Output widget would swallow errors raised in a callback, and running a
notebook without widget state fails on it.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..storage import missing_package

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class View:
    """One state of a laboratory: a figure, its description for those who do not see it, and lines of numbers."""

    figure: Figure
    alt: str
    lines: tuple[str, ...]

    def to_html(self) -> str:
        """Return numbers and picture; the picture is part of the text."""
        from ..figures import png_bytes

        data = base64.b64encode(png_bytes(self.figure)).decode("ascii")
        lines = "".join(f"<p>{html.escape(line)}</p>" for line in self.lines)
        image = f'<img src="data:image/png;base64,{data}" alt="{html.escape(self.alt)}">'
        return f'<div role="status">{lines}</div>{image}'


class Laboratory:
    """A live cell.  A notebook shows it when it is the last expression of a cell.

    Attributes
    ----------
    controls : dict of str to ipywidgets widget
        Setting ``controls["sigma"].value`` does what the reader's hand does.
    report : ipywidgets.HTML
        What is shown below them.
    """

    def __init__(self, controls: Mapping[str, Any], compute: Callable[..., View]) -> None:
        widgets = import_widgets()
        self.controls = dict(controls)
        self._compute = compute
        self.report = widgets.HTML()
        self.box = widgets.VBox([*self.controls.values(), self.report])
        self.update()
        for control in self.controls.values():
            control.observe(lambda change: self.update(), names="value")

    @property
    def settings(self) -> dict[str, Any]:
        """The values of the controls."""
        return {name: control.value for name, control in self.controls.items()}

    def update(self) -> None:
        """Compute and show the present settings; an error is shown in place of the picture, and raised."""
        try:
            self.report.value = self._compute(**self.settings).to_html()
        except Exception as error:
            # A front end hides what a callback raises; the old picture would stay and seem to be the answer.
            self.report.value = f'<p role="alert"><b>{type(error).__name__}</b>: {html.escape(str(error))}</p>'
            raise

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)

    def __repr__(self) -> str:
        return f"<Laboratory: {', '.join(f'{name} {value}' for name, value in self.settings.items())}>"


def import_widgets() -> Any:
    """Return the module ipywidgets, or raise `ImportError` saying how to get it."""
    try:
        import ipywidgets
    except ModuleNotFoundError as error:
        raise missing_package("ipywidgets", "a laboratory") from error
    return ipywidgets


def slider(description: str, low: float, high: float, value: float, step: float) -> Any:
    """Return a slider that reports its value when it is let go, not on the way."""
    return import_widgets().FloatSlider(
        value=value, min=low, max=high, step=step, description=description, continuous_update=False, style=_STYLE
    )


def choice(description: str, options: Mapping[str, Any]) -> Any:
    """Return a menu of names; its value is what stands behind the name, and the first is chosen."""
    return import_widgets().Dropdown(options=list(options.items()), description=description, style=_STYLE)


_STYLE = {"description_width": "7em"}
