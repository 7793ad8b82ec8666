"""Every control of the laboratory is driven without a front end; errors must come out, not vanish."""

from __future__ import annotations

import base64
import io
import re
import sys

import numpy as np
import pytest
import torch
from torch import Tensor

import lossedu as le
from lossedu.laboratory import Laboratory, ssim_laboratory
from lossedu.laboratory.bench import View
from lossedu.laboratory.distortions import DISTORTIONS
from lossedu.laboratory.ssim_bench import ssim_view

widgets = pytest.importorskip("ipywidgets")
Image = pytest.importorskip("PIL.Image")
pytest.importorskip("skimage")


def own(height: int = 80, width: int = 90, channels: int = 1) -> Tensor:
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def laboratory() -> Laboratory:
    return ssim_laboratory(own())


def stops(control: object) -> list[object]:
    """Return the least, the middle and the greatest value of a slider, or every option of a menu."""
    if isinstance(control, widgets.Dropdown):
        return [value for _, value in control.options]
    return [control.min, control.value, control.max]


def pixels(laboratory: Laboratory) -> np.ndarray:
    data = re.search(r'base64,([^"]+)"', laboratory.report.value)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data.group(1)))).convert("RGB"))


@pytest.mark.parametrize("name", ["photograph", "distortion", "strength", "sigma", "padding"])
def test_every_stop_of_every_control_works_and_is_seen(laboratory: Laboratory, name: str) -> None:
    control = laboratory.controls[name]
    before, values, shown = control.value, stops(control), []
    for value in values:
        control.value = value
        shown.append(laboratory.report.value)
        assert 'role="status"' in shown[-1] and "nan" not in shown[-1].partition("<img")[0]
        assert pixels(laboratory).shape[1] <= le.figures.PAGE_WIDTH
    assert len(set(shown)) == len(set(values)), "a control that changes nothing"
    control.value = before


@pytest.mark.parametrize("name", DISTORTIONS)
@pytest.mark.parametrize("channels", [1, 3])
def test_more_strength_is_more_damage(name: str, channels: int) -> None:
    """At strength 0 all but JPEG leave the picture alone."""
    y = le.gaussian_blur(own(96, 96, channels), 1.0)
    kind = DISTORTIONS[name]
    values = [float(le.ssim(kind.apply(y, kind.amount(strength)), y)) for strength in (0.0, 0.25, 0.5, 1.0)]
    assert values == sorted(values, reverse=True) and len(set(values)) == 4
    assert values[0] == 1 or name == "JPEG"


def test_what_is_shown_is_what_the_package_computes() -> None:
    y = own(100, 100, 3)
    view = ssim_view(y, "brightness", 0.5, sigma=3, padding="reflect")
    x = y + 0.2
    mse, psnr = float(le.mse_loss(x, y)), float(le.metrics.psnr(x, y))
    ssim = float(le.ssim(x, y, sigma=3, padding="reflect"))
    assert view.lines == (
        "every value 0.200 brighter; window of sigma 3 px, reflect",
        f"MSE {mse:.5f}, PSNR {psnr:.2f} dB, SSIM {ssim:.4f}",
    )
    assert view.lines[1] in view.alt


def test_the_reference_keeps_its_pixels() -> None:
    laboratory = ssim_laboratory(own(130, 150))
    page = pixels(laboratory)[..., 0].astype(int)
    wanted = (own(130, 150)[0, 0] * 255).round().int().numpy().repeat(2, 0).repeat(2, 1)
    corners = np.argwhere(page[: -wanted.shape[0], : -wanted.shape[1]] == wanted[0, 0])
    assert any((page[i : i + wanted.shape[0], j : j + wanted.shape[1]] == wanted).all() for i, j in corners)


def test_of_a_large_image_the_middle_is_shown() -> None:
    large = torch.zeros(1, 3, 400, 500)
    large[..., 120:280, 170:330] = own(160, 160, 3)
    a, b = ssim_laboratory(large), ssim_laboratory(own(160, 160, 3))
    assert a.report.value == b.report.value


def test_without_an_image_the_photographs_are_offered() -> None:
    laboratory = ssim_laboratory()
    assert [value for _, value in laboratory.controls["photograph"].options] == list(le.data.PHOTOGRAPHS)
    assert repr(laboratory).startswith("<Laboratory: photograph astronaut, distortion noise")


def test_a_state_is_shown_the_same_again(laboratory: Laboratory) -> None:
    laboratory.controls["distortion"].value = "noise"
    laboratory.controls["strength"].value = 0.4
    first = laboratory.report.value
    laboratory.controls["strength"].value = 0.7
    laboratory.controls["strength"].value = 0.4
    assert laboratory.report.value == first


def test_an_error_in_a_callback_is_shown_and_raised() -> None:
    laboratory = ssim_laboratory(own(20, 20))
    with pytest.raises(ValueError, match="x is too small"):
        laboratory.controls["sigma"].value = 9.0
    assert 'role="alert"' in laboratory.report.value and "<b>ValueError</b>: x is too small" in laboratory.report.value
    assert "<img" not in laboratory.report.value, "the picture of another setting must not stay"
    laboratory.controls["sigma"].value = 1.5
    assert 'role="status"' in laboratory.report.value


def test_an_error_at_the_start_reaches_the_cell() -> None:
    def compute(**settings: object) -> View:
        raise ZeroDivisionError("<b>")

    with pytest.raises(ZeroDivisionError):
        Laboratory({}, compute)


def test_misuse_names_the_argument() -> None:
    with pytest.raises(TypeError, match="image must have a floating dtype"):
        ssim_laboratory(torch.zeros(1, 1, 64, 64, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"image must have shape \(1, 1, H, W\) or \(1, 3, H, W\)"):
        ssim_laboratory(torch.zeros(2, 3, 64, 64))
    with pytest.raises(ValueError, match="distortion must be one of"):
        ssim_view(own(), "rain", 0.5, sigma=1.5, padding="valid")
    with pytest.raises(ValueError, match="strength must be a number from 0 to 1"):
        ssim_view(own(), "noise", 2.0, sigma=1.5, padding="valid")


def test_without_ipywidgets_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(ImportError, match=r"ipywidgets.*lossedu\[book\]"):
        ssim_laboratory()


def test_a_notebook_runs_without_a_front_end_and_without_widget_state() -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    source = (
        "import torch\nimport lossedu as le\nlab = le.laboratory.ssim_laboratory(torch.rand(1, 1, 40, 40))\n"
        "lab.controls['strength'].value = 1.0\nlab"
    )
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    client = nbclient.NotebookClient(book, kernel_name="python3", timeout=120, store_widget_state=False)
    client.execute()
    (output,) = book.cells[0].outputs
    assert "application/vnd.jupyter.widget-view+json" in output["data"]
