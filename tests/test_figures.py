"""Strips are read back from the PNG pixel by pixel; colours are checked as the colour-blind see them."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from lossedu import figures
from lossedu.figures.bars import HEIGHT
from lossedu.statistics import t_interval

Image = pytest.importorskip("PIL.Image")
skcolor = pytest.importorskip("skimage.color")

MAIN = ("l2", "l1", "ssim", "ms_ssim", "mix", "perceptual")
FAMILY = ("ssim_1", "ssim_1.5", "ssim_3", "ssim_5", "ssim_9")
MIXES = ("mix_0", "mix_0.025", "mix_0.1", "mix_0.3", "mix")
MULTISCALE = ("ms_ssim", "ms_ssim_dense", "ms_ssim_pyramid", "ms_ssim_sigma")
PIXEL = ("l2", "l1", "l1_frequency", "charbonnier")
# Simulation of full protanopia, deuteranopia and tritanopia in linear RGB: Machado, Oliveira and Fernandes, 2009.
SIGHT = {
    "full": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def read(figure: Figure) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(figures.png_bytes(figure))).convert("RGB"))


def random_image(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def zoomed(image: Tensor, zoom: int) -> NDArray[np.uint8]:
    """Return the pixels that a (C, H, W) picture must have on the screen."""
    rgb = (image.clamp(0, 1).double() * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return np.broadcast_to(rgb, (*rgb.shape[:2], 3)).repeat(zoom, 0).repeat(zoom, 1)


def places(page: NDArray[np.uint8], part: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Return (row, column) of every exact occurrence of `part` in `page`."""
    height, width = part.shape[:2]
    corners = np.argwhere((page[: page.shape[0] - height + 1, : page.shape[1] - width + 1] == part[0, 0]).all(-1))
    return [(int(y), int(x)) for y, x in corners if np.array_equal(page[y : y + height, x : x + width], part)]


def linear(color: str) -> NDArray[np.float64]:
    rgb = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def seen_lab(color: str, sight: str) -> NDArray[np.float64]:
    seen = np.clip(SIGHT[sight] @ linear(color), 0, 1)
    return skcolor.rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)[None, None])[
        0, 0
    ]


# Loading


def test_package_loads_without_drawing_libraries() -> None:
    heavy = "[m for m in ('matplotlib', 'PIL', 'skimage', 'IPython', 'pooch') if m in sys.modules]"
    code = f"import sys, lossedu, lossedu.statistics; assert not {heavy}, {heavy}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


def test_notebook_shows_exact_bytes() -> None:
    code = """
import base64
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import torch
from lossedu import figures
figures.use_house_style()
figure = figures.image_strip(torch.rand(3, 9, 9), ["a"], zoom=11)
data, metadata = shell.display_formatter.format(figure)
png = data["image/png"]
png = png if isinstance(png, bytes) else base64.b64decode(png)
assert png == figures.png_bytes(figure) and b"Software" not in png and not metadata.get("image/png")
"""
    pytest.importorskip("IPython")
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


# Colours


def test_unknown_loss_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"name must be one of 'l2', .*'ssim_9'.*'weighted', got 'ssim_2'"):
        figures.loss_style("ssim_2")


def test_style_is_a_fresh_dictionary_for_plot() -> None:
    figures.loss_style("l1")["color"] = "red"
    assert figures.loss_style("l1")["color"] != "red"
    _, (axes,) = figures.chart()
    (line,) = axes.plot([1, 2], **figures.loss_style("ssim_9"))
    assert line.get_label() == r"$\mathrm{SSIM}_9$"


def test_one_loss_one_look() -> None:
    looks = {name: figures.loss_style(name) for name in figures.LOSS_NAMES}
    for one, other in (("l2", "mse"), ("ssim", "ssim_1.5")):
        assert looks[one] | {"label": ""} == looks[other] | {"label": ""}
    distinct = [look for name, look in looks.items() if name not in ("mse", "ssim_1.5")]
    for key in ("color", "marker", "label"):
        assert len({str(look[key]) for look in distinct}) == len(distinct)
    for family in (FAMILY, MIXES, MULTISCALE):
        assert len({str(looks[name]["linestyle"]) for name in family}) == len(family)


@pytest.mark.parametrize("name", figures.LOSS_NAMES)
def test_contrast_on_white(name: str) -> None:
    luminance = linear(figures.loss_style(name)["color"]) @ [0.2126, 0.7152, 0.0722]
    assert 1.05 / (luminance + 0.05) >= 3


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize(
    ("names", "least"),
    [
        (MAIN, 15.0),
        (FAMILY, 7.5),
        (("l2", "l1", *FAMILY), 7.5),
        (PIXEL, 10.0),
        (("l2", "l1", *MULTISCALE), 9.0),
        (MIXES, 5.0),
    ],
)
def test_colours_stay_apart_for_every_sight(names: tuple[str, ...], least: float, sight: str) -> None:
    lab = {name: seen_lab(figures.loss_style(name)["color"], sight) for name in names}
    for one, other in itertools.combinations(names, 2):
        assert skcolor.deltaE_ciede2000(lab[one], lab[other]) >= least, (one, other)


def test_family_is_one_hue_of_even_lightness() -> None:
    lab = np.array([seen_lab(figures.loss_style(name)["color"], "full") for name in FAMILY])
    assert np.all(np.abs(np.diff(lab[:, 0]) + 11) < 1)
    assert np.ptp(np.degrees(np.arctan2(lab[:, 2], lab[:, 1]))) < 6


def test_mix_darkens_evenly_with_its_weight() -> None:
    lab = np.array([seen_lab(figures.loss_style(name)["color"], "full") for name in MIXES])
    assert np.all(np.abs(np.diff(lab[:, 0]) + 6.5) < 0.5)
    assert np.ptp(np.degrees(np.arctan2(lab[:, 2], lab[:, 1]))) < 6


def test_signed_scale_is_even_and_symmetric() -> None:
    lab = skcolor.rgb2lab(figures.signed_colormap().colors[None])[0]
    steps = np.linalg.norm(np.diff(lab, axis=0), axis=1)
    assert steps.max() < 1.03 * steps.min()
    assert np.allclose(lab[:, 0], lab[::-1, 0], atol=0.3)
    assert np.linalg.norm(lab[128, 1:]) < 0.5 < 96 < lab[128, 0]


# Strips


@pytest.mark.parametrize(
    ("height", "width", "count", "zoom"),
    [
        (7, 5, 3, None),
        (16, 16, 4, None),
        (13, 9, 2, 3),
        (64, 48, 5, 2),
        (1, 1, 1, 29),
        (40, 338, 2, 1),
        (19, 16, 1, 42),
    ],
)
@pytest.mark.parametrize("titled", [False, True])
def test_every_source_pixel_is_an_exact_square(
    height: int, width: int, count: int, zoom: int | None, titled: bool
) -> None:
    images = random_image(count, 3, height, width)
    figure = figures.image_strip(images, [r"$\sigma$"] * count if titled and width > 1 else None, zoom=zoom)
    page = read(figure)
    zoom = zoom or (page.shape[1] - 12 - 10 * (count - 1)) // (count * width)
    found = [places(page, zoomed(image, zoom)) for image in images]
    assert all(len(place) == 1 for place in found)
    assert len({place[0][0] for place in found}) == 1
    assert [place[0][1] for place in found] == [6 + k * (width * zoom + 10) for k in range(count)]


def test_pixels_stay_exact_in_a_tight_box_and_at_double_resolution() -> None:
    image = random_image(3, 9, 11)
    figure = figures.image_strip(image, ["title"], zoom=13)
    for options, zoom in (({"bbox_inches": "tight"}, 13), ({"dpi": 200}, 26)):
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", **options)
        assert len(places(np.asarray(Image.open(buffer).convert("RGB")), zoomed(image, zoom))) == 1


@pytest.mark.parametrize("shape", [(1, 1, 8, 9), (1, 8, 9), (8, 9), (1, 3, 8, 9), (3, 8, 9)])
def test_all_shapes_of_one_image(shape: tuple[int, ...]) -> None:
    image = random_image(*shape).requires_grad_()
    assert len(places(read(figures.image_strip([image], zoom=20)), zoomed(image.detach().reshape(-1, 8, 9), 20))) == 1


def test_values_outside_are_clipped_for_display_only() -> None:
    image = torch.tensor([[-1.0, 0.0, 0.5, 1.0, 7.0, torch.nan]])
    before = image.clone()
    page = read(figures.image_strip(image, zoom=10))
    assert [int(v) for v in page[10, 10:70:10, 0]] == [0, 0, 128, 255, 255, 255]
    assert page[10, 60].tolist() == [255, 0, 255]
    assert torch.equal(image.nan_to_num(), before.nan_to_num())


def test_largest_zoom_that_fits_is_chosen() -> None:
    images = [random_image(3, 20, 64, seed=k) for k in range(3)]
    width = read(figures.image_strip(images)).shape[1]
    assert width == 2 * 6 + 2 * 10 + 3 * 3 * 64 <= 700 < 2 * 6 + 2 * 10 + 3 * 4 * 64


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("side", [8, 31, 48, 70])
def test_no_strip_is_wider_than_the_page(count: int, side: int) -> None:
    page = read(
        figures.image_strip(random_image(count, 1, side, side), signed=True, row_labels=["row"], label="residual")
    )
    assert page.shape[1] <= figures.PAGE_WIDTH
    assert (
        (page[:, :2] == 255).all()
        and (page[:, -2:] == 255).all()
        and (page[:2] == 255).all()
        and (page[-2:] == 255).all()
    )


def test_columns_wrap_into_rows() -> None:
    images = random_image(5, 3, 12, 12)
    page = read(figures.image_strip(images, columns=3, zoom=4))
    (first, second, _, fourth, fifth) = (places(page, zoomed(image, 4))[0] for image in images)
    assert first[0] == second[0] < fourth[0] == fifth[0]
    assert (first[1], second[1]) == (fourth[1], fifth[1])


def test_smaller_map_lies_on_its_own_pixels() -> None:
    image = random_image(3, 20, 24)
    page = read(figures.image_strip([image, image[:, 5:-5, 5:-5]], zoom=6))
    whole = min(places(page, zoomed(image, 6)))
    inner = max(places(page, zoomed(image[:, 5:-5, 5:-5], 6)), key=lambda place: place[1])
    assert (inner[0] - whole[0], inner[1] - whole[1]) == (30, 24 * 6 + 10 + 30)


def test_maps_share_one_scale() -> None:
    low, high = torch.zeros(8, 8), torch.ones(8, 8)
    low[0, 0], high[0, 0] = 0.25, 0.25
    page = read(figures.image_strip([low, high], cmap="viridis", value_range=None, zoom=20))
    assert page[6, 6].tolist() == page[6, 6 + 160 + 10].tolist()
    assert page[150, 150].tolist() == [68, 1, 84] and page[150, 300].tolist() == [253, 231, 37]


def test_signed_maps_share_a_scale_about_zero() -> None:
    a, b = torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)
    a[..., 0], b[..., 0], b[..., 1] = 1.0, 2.0, -2.0
    page = read(figures.image_strip([a, b], signed=True, zoom=20))
    colors = (figures.signed_colormap().colors * 255).round().astype(int)
    half, zero = page[10, 10], page[10, 100]
    assert np.abs(zero - colors[128]).max() <= 1
    assert np.abs(half - colors[192]).max() <= 2
    assert np.abs(page[10, 176 + 4] - colors[-1]).max() <= 1 and np.abs(page[10, 176 + 24] - colors[0]).max() <= 1


def test_bar_shows_the_scale_and_marks_clipping() -> None:
    values = torch.linspace(-1, 1, 900).reshape(30, 30)
    whole = read(figures.image_strip(figures.signed_map(values), zoom=10))
    clipped = read(figures.image_strip(figures.signed_map(values, limit=0.5), zoom=10))
    bar_top = 6 + 300 + 10
    row = whole[bar_top + HEIGHT // 2, 20:292]
    colors = (figures.signed_colormap().colors * 255).round().astype(int)
    assert np.abs(row[0].astype(int) - colors[0]).max() <= 2 and np.abs(row[-1].astype(int) - colors[-1]).max() <= 2
    assert (whole[bar_top + HEIGHT // 2, 15] == 255).all()
    assert (clipped[bar_top + HEIGHT // 2, 15] != 255).any()
    assert read(figures.image_strip(values, signed=True, zoom=10, colorbar=False)).shape[0] == 312


def test_gradient_field_shows_what_the_loss_asks_for() -> None:
    x = torch.full((1, 3, 8, 8), 0.5, requires_grad=True)
    y = torch.full((1, 3, 8, 8), 0.5)
    y[..., :4] = 0.9
    torch.nn.functional.mse_loss(x, y).backward()
    assert x.grad is not None
    panel = figures.gradient_field(x.grad, quantile=1.0)
    # The left half is too dark: the loss asks for brighter pixels, although its gradient is negative there.
    assert (panel.values[:, :4] > 0).all() and (panel.values[:, 4:] == 0).all()
    assert panel.values[0, 0] == pytest.approx(-float(x.grad[0, :, 0, 0].sum()))
    page = read(figures.image_strip(panel, zoom=20, colorbar=False))
    assert page[10, 10, 0] > page[10, 10, 2]


def test_mixed_strip_has_a_bar_under_each_kind() -> None:
    photo, amounts, signs = random_image(3, 40, 40), random_image(1, 40, 40), random_image(1, 40, 40) - 0.5
    page = read(
        figures.image_strip(
            [photo, figures.scalar_map(amounts, label="a"), figures.signed_map(signs, label="b")], zoom=5
        )
    )
    bar = page[6 + 200 + 10 + HEIGHT // 2]
    assert (bar[:210] == 255).all()
    assert (bar[230:400] != 255).any(-1).all() and (bar[440:610] != 255).any(-1).all()


def test_titles_end_level_above_the_notes() -> None:
    figure = figures.image_strip(random_image(2, 3, 10, 10), ["one two three four", "one"], ["", "1 dB"], zoom=8)
    last, first, single, note = (figure.texts[k].get_position()[1] for k in (1, 0, 2, 3))
    assert [text.get_text() for text in figure.texts] == ["one two", "three four", "one", "1 dB"]
    assert first > last == single > note


# Context


def test_mark_leaves_the_crop_untouched() -> None:
    photo = random_image(3, 30, 40)
    page = read(figures.image_strip([figures.mark_crop(photo, 0, 25, (10, 15))], zoom=10))
    inside = zoomed(photo[:, :10, 25:], 10)
    ((y, x),) = places(page, inside)
    for k in (1, 2):
        assert (page[y - k, x : x + 150] == (255, 221, 0)).all() and (page[y : y + 100, x - k] == (255, 221, 0)).all()
    assert (page[y + 100 + 2, x : x + 150] == 0).all()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6])
def test_context_strip_holds_exact_crops(count: int) -> None:
    photo = random_image(1, 3, 400, 512)
    crops = [photo[..., 100:164, 200:264] * (1 - 0.1 * k) for k in range(count)]
    page = read(
        figures.strip_with_context(
            photo,
            crops,
            [f"crop {k}" for k in range(count)],
            ["1 dB"] * count,
            top=100,
            left=200,
            context_title="Photo",
        )
    )
    assert page.shape[1] <= figures.PAGE_WIDTH
    zooms = [zoom for zoom in range(1, 11) if places(page, zoomed(crops[0][0], zoom))]
    assert zooms and zooms[0] >= 2
    assert all(len(places(page, zoomed(crop[0], zooms[0]))) == 1 for crop in crops)


def test_context_is_the_mean_of_blocks() -> None:
    photo = random_image(1, 300, 450).double()
    page = read(figures.strip_with_context(photo, [photo[:, :64, :64]], top=0, left=0, zoom=3))
    for factor in (2, 3):
        small = torch.nn.functional.avg_pool2d(photo, factor)
        # The mark lies outside the crop, so the lower right part is untouched.
        if places(page, zoomed(small[:, 70:, 70:], 1)):
            return
    raise AssertionError("the reduced photograph was not found")


# Errors


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"images": torch.rand(3, 8, 900)},
            ValueError,
            r"^images must fit 700 pixels.*crop to at most 688, or set fewer columns",
        ),
        (
            {"images": torch.rand(6, 3, 8, 200)},
            ValueError,
            r"6 panels a row leave 106 for each, got a width of 200 at zoom 1; crop to at most 106",
        ),
        (
            {"images": torch.rand(3, 8, 64), "zoom": 12},
            ValueError,
            r"at zoom 12; crop to at most 57, .* or a smaller zoom",
        ),
        ({"images": torch.rand(3, 8, 8), "zoom": 0}, ValueError, r"^zoom must be an integer of at least 1"),
        ({"images": torch.rand(3, 8, 8), "columns": 1.5}, ValueError, r"^columns must"),
        ({"images": []}, ValueError, r"^images must hold at least one image"),
        (
            {"images": [torch.zeros(3, 8, 8, dtype=torch.uint8)]},
            TypeError,
            r"^images\[0\] must have a floating dtype.*uint8",
        ),
        ({"images": [torch.rand(8, 8), [1]]}, TypeError, r"^images\[1\] must be a torch.Tensor"),
        ({"images": [torch.rand(2, 8, 8)]}, ValueError, r"^images\[0\] must have shape .* got \(2, 8, 8\)"),
        ({"images": [torch.rand(3, 8, 8)], "signed": True}, ValueError, r"^images\[0\] must have one channel"),
        (
            {"images": [torch.rand(8, 8)], "signed": True, "cmap": "viridis"},
            ValueError,
            r"^cmap must be None for signed maps",
        ),
        ({"images": [torch.rand(8, 8)], "cmap": "rainbows"}, ValueError, r"^cmap must be the name"),
        ({"images": [torch.rand(8, 8)], "value_range": (1.0, 1.0)}, ValueError, r"^value_range must be \(low, high\)"),
        (
            {"images": [torch.rand(8, 8)], "value_range": None},
            ValueError,
            r"^value_range must be \(low, high\) for pictures",
        ),
        (
            {"images": torch.rand(2, 1, 8, 8), "titles": ["one"]},
            ValueError,
            r"^titles must be a list of 2 texts.*got 1",
        ),
        ({"images": torch.rand(2, 1, 8, 8), "notes": "ab"}, ValueError, r"^notes must be a list of 2 texts.*got 'ab'"),
        ({"images": torch.rand(8, 8), "row_labels": ["a", "b"]}, ValueError, r"^row_labels must be a list of 1 texts"),
        (
            {"images": torch.rand(2, 1, 8, 8), "zoom": 4, "titles": ["", "incomprehensibilities"]},
            ValueError,
            r"^titles\[1\] must fit into 2 lines of 40 pixels",
        ),
    ],
)
def test_strip_names_what_is_wrong(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        figures.image_strip(**arguments)


def test_panels_and_context_name_what_is_wrong() -> None:
    photo = torch.rand(3, 40, 60)
    with pytest.raises(
        ValueError,
        match=r"^left and size must be whole numbers that give a crop inside the 40 x 60 picture, got left=50",
    ):
        figures.mark_crop(photo, 0, 50, 16)
    with pytest.raises(ValueError, match=r"^limit must"):
        figures.signed_map(photo[0], limit=-1.0)
    with pytest.raises(ValueError, match=r"^quantile must"):
        figures.signed_map(photo[0], quantile=2.0)
    with pytest.raises(ValueError, match=r"^crops must hold"):
        figures.strip_with_context(photo, [], top=0, left=0)
    with pytest.raises(ValueError, match=r"^crops must be pictures"):
        figures.strip_with_context(photo, [figures.signed_map(photo[0, :8, :8])], top=0, left=0)
    with pytest.raises(ValueError, match=r"^crops must fit 700 pixels beside"):
        figures.strip_with_context(photo, [photo[:, :16, :16]], top=0, left=0, zoom=60)
    with pytest.raises(ValueError, match=r"^path must end in \.png"):
        figures.save_figure(figures.image_strip(photo), "strip.jpg")
    with pytest.raises(ValueError, match=r"^height must"):
        figures.chart(height=0)


# Curves


def make_price(uniform: float, lowest: float = 1 / 128, count: int = 13) -> SimpleNamespace:
    frequencies = torch.logspace(np.log10(lowest), np.log10(0.5), count)
    return SimpleNamespace(frequencies=frequencies, values=10 + 1000 * frequencies, uniform=uniform)


def test_price_curve_is_log_log_with_periods_above() -> None:
    figure, (axes,) = figures.chart()
    figures.price_curve(axes, make_price(2.0), "ssim_9")
    figures.price_curve(axes, make_price(0.0, lowest=1 / 64), "l1", label="mine")
    figure.canvas.draw()
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert "cycles per pixel" in axes.get_xlabel() and "MSE = 1" in axes.get_ylabel()
    (top,) = axes.child_axes
    labels = {text.get_text(): x for text, x in zip(top.get_xticklabels(), top.get_xticks(), strict=True)}
    assert list(labels) == ["128", "64", "32", "16", "8", "4", "2"] and all(
        x == pytest.approx(1 / int(p)) for p, x in labels.items()
    )
    curve, shift, other, free = axes.get_lines()
    assert np.allclose(curve.get_xdata(), make_price(2.0).frequencies) and curve.get_label() == r"$\mathrm{SSIM}_9$"
    assert other.get_label() == "mine"
    # The uniform shift stands left of every frequency, at its own height; one that is free stands below all curves.
    pixel = axes.transData.transform
    marker = shift.get_transform().transform(shift.get_xydata())[0]
    assert marker[0] < pixel((1 / 128, 1))[0] and marker[1] == pytest.approx(pixel((1, 2.0))[1])
    assert free.get_markerfacecolor() == "white"


def test_free_uniform_shift_stands_below_every_curve() -> None:
    figure, (axes,) = figures.chart()
    frequencies = make_price(0.0).frequencies
    figures.price_curve(axes, SimpleNamespace(frequencies=frequencies, values=1 + frequencies, uniform=0.0), "mix")
    figures.price_curve(axes, SimpleNamespace(frequencies=frequencies, values=9 + frequencies, uniform=9.0), "l1")
    figure.canvas.draw()
    foot = axes.transAxes.transform((0, axes.get_lines()[1].get_xydata()[0, 1]))[1]
    assert foot < axes.transData.transform((0.1, 1.0))[1] - 8


def test_price_curve_takes_the_price_of_the_package() -> None:
    import lossedu as le

    _, (axes,) = figures.chart()
    price = le.price(le.mse_loss, size=32)
    figures.price_curve(axes, price, "mse")
    assert np.allclose(axes.get_lines()[0].get_ydata(), 1, atol=1e-3)


def test_price_curve_names_what_is_wrong() -> None:
    _, (axes,) = figures.chart()
    price = make_price(1.0)
    with pytest.raises(ValueError, match=r"^name must be one of"):
        figures.price_curve(axes, price, "mae")
    for frequencies in (price.frequencies[1:], torch.cat([torch.zeros(1), price.frequencies[1:]])):
        with pytest.raises(ValueError, match=r"^price must have frequencies"):
            figures.price_curve(axes, SimpleNamespace(frequencies=frequencies, values=price.values, uniform=1.0), "l1")


def test_seeds_are_drawn_with_their_interval() -> None:
    _, (axes,) = figures.chart()
    values = [3.0, 5.0, 4.0]
    found = figures.seed_dots(axes, 1.0, values, "mix")
    assert found == t_interval(values)
    low, high = axes.get_ylim()
    assert low < found.low and found.high < high
    dots = axes.get_lines()[0]
    assert list(dots.get_ydata()) == values
    (bar,) = axes.collections
    assert np.allclose(bar.get_segments()[0][:, 1], [found.low, found.high])
    with pytest.raises(ValueError, match=r"^low and high must enclose"):
        figures.interval(axes, 0, 1.0, 2.0, 3.0, "l1")
    with pytest.raises(ValueError, match=r"^values must hold at least 2"):
        figures.seed_dots(axes, 0, [1.0], "l1")


# Files


def build() -> tuple[Figure, Figure]:
    strip = figures.image_strip(
        [random_image(3, 20, 20), figures.gradient_field(random_image(3, 20, 20) - 0.5)],
        ["a", r"$\ell_2$"],
        ["1 dB", ""],
    )
    chart, (axes,) = figures.chart()
    figures.price_curve(axes, make_price(1.0), "ssim")
    figures.seed_dots(axes, 0.1, [20.0, 30.0], "l1")
    axes.legend()
    return strip, chart


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_two_saves_are_equal_byte_for_byte(kind: str, tmp_path: Path) -> None:
    first = [figures.save_figure(figure, tmp_path / f"a{k}.{kind}").read_bytes() for k, figure in enumerate(build())]
    second = [figures.save_figure(figure, tmp_path / f"b{k}.{kind}").read_bytes() for k, figure in enumerate(build())]
    assert first == second
    if kind == "png":
        assert b"Software" not in first[0]


def test_ground_is_white_and_opaque(tmp_path: Path) -> None:
    for k, figure in enumerate(build()):
        page = np.asarray(Image.open(figures.save_figure(figure, tmp_path / f"{k}.png")).convert("RGBA"))
        assert (page[0, 0, :3] == 255).all() and (page[..., 3] == 255).all()


def test_strips_do_not_depend_on_the_session_style() -> None:
    import matplotlib as mpl

    expected = figures.png_bytes(build()[0])
    with mpl.rc_context({"font.size": 30, "figure.dpi": 72, "font.family": "monospace", "figure.facecolor": "red"}):
        assert figures.png_bytes(build()[0]) == expected


# 2.03 inches at 100 dots an inch are 202.99… pixels in floating point.
@pytest.mark.parametrize("height", [203, 226, 232, 300, 431])
def test_chart_has_exactly_the_size_asked_for(height: int) -> None:
    figure, _ = figures.chart(height=height)
    assert read(figure).shape[:2] == (height, 700)
