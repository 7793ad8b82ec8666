"""The explorable on perceptual losses without a browser: its scene, its words, and what its text promises."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from perceptual_scenes import coloured, made_up
from PIL import Image
from torch import Tensor

import lossedu as le
from lossedu import png, records
from lossedu.explorables import PerceptualExplorer, perceptual_scene, standalone_page
from lossedu.explorables.perceptual_explorer import bitmap_uri, caption, percent, verdict
from lossedu.explorables.perceptual_scene import CHANGES, LAYERS, Scene, changed, measure, rounded, shifted
from lossedu.metrics import psnr


def as_image(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels / 255.0).permute(2, 0, 1)[None]


def opened(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGB"))


# ---- pictures ----


def test_noise_is_nearly_normal() -> None:
    found = perceptual_scene.noise(96)
    assert found.shape == (1, 3, 96, 96)
    assert float(found.mean()) == pytest.approx(0, abs=0.02) and float(found.std()) == pytest.approx(1, abs=0.01)
    assert float(found.abs().max()) > 3.5


def test_changes_are_what_they_are_called() -> None:
    y = as_image(coloured(40)) * 0.5 + 0.25  # nothing is clamped
    torch.testing.assert_close(changed(y, "noise", 5), y + 5 / 255 * perceptual_scene.noise(40))
    torch.testing.assert_close(changed(y, "blur", 1.3), le.gaussian_blur(y, 1.3))
    torch.testing.assert_close(changed(y, "dark", 1), y / 2)
    torch.testing.assert_close(changed(y, "shift", 3)[..., 3:], y[..., :-3])
    assert changed(y, "noise", 100).min() == 0 and changed(y, "noise", 100).max() == 1
    with pytest.raises(ValueError, match="kind"):
        changed(y, "tint", 1)


@pytest.mark.parametrize("way", [0.3, 1.75, 2.0, 5.5])
def test_cubic_shift_keeps_a_parabola(way: float) -> None:
    column = torch.arange(30, dtype=torch.float64)
    row = (0.02 * column**2 - 0.3 * column + 1).view(1, 1, 1, 30)
    expected = 0.02 * (column - way) ** 2 - 0.3 * (column - way) + 1
    torch.testing.assert_close(shifted(row, way)[0, 0, 0, 8:-2], expected[8:-2])


def test_rounding_keeps_black_and_white_and_the_first_layer() -> None:
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    assert np.array_equal(rounded(pixels, "trained/relu1_2"), pixels)
    deep = rounded(pixels, "random/relu5_3")
    assert deep.min() == 0 and deep.max() == 255 and len(np.unique(deep)) == 65
    assert abs(deep.astype(int) - pixels).max() <= 2
    assert np.array_equal(rounded(pixels, "other/relu5_3"), pixels)
    file = np.frombuffer(png.encode(pixels), dtype=np.uint8)
    assert np.array_equal(rounded(file, "random/relu5_3"), deep)


@pytest.mark.parametrize("width", [8, 9, 10, 11])
def test_bitmap_holds_the_pixels(width: int) -> None:
    pixels = coloured(16)[:, :width]
    assert np.array_equal(opened(bitmap_uri(pixels)), pixels)


def test_small_files_hold_the_pixels() -> None:
    pixels = coloured(48)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png.encode(pixels, small=True)))), pixels)
    assert len(png.encode(pixels, small=True)) < 0.9 * len(png.encode(pixels))
    grey = pixels[..., 0]
    palette = np.random.default_rng(0).integers(0, 256, (256, 3), dtype=np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png.encode(grey, small=True)))), grey)
    read = Image.open(io.BytesIO(png.encode(grey, palette, small=True))).convert("RGB")
    assert np.array_equal(np.asarray(read), palette[grey])
    noise = np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)  # every filter meets every corner
    for number, rows in enumerate(png._filtered(noise)):
        assert set(rows[:, 0]) == {number}
        content = png._chunk(b"IHDR", b"\0\0\0\x1e\0\0\0\x14\x08\x02\0\0\0") + png._chunk(b"IDAT", png._squeezed(rows))
        file = b"\x89PNG\r\n\x1a\n" + content + png._chunk(b"IEND", b"")
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(file))), noise)


# ---- the table ----


@pytest.fixture(scope="module")
def measured() -> tuple[np.ndarray, dict, Scene]:
    pixels, draw = coloured(32), np.random.default_rng(0)
    names = ("random/relu2_2", "random/relu4_3", "other/relu1_2", "random/pool1")
    found = {name: (pixels + draw.normal(size=pixels.shape) * 8).clip(0, 255).astype(np.uint8) for name in names}
    table = measure(as_image(pixels).float(), found, {"random": "random"})
    assert json.loads(json.dumps(table)) == table
    return pixels, found, Scene.of(table, found)


def relative(x: Tensor, y: Tensor, layer: str) -> float:
    if layer not in LOSSES:
        LOSSES[layer] = le.PerceptualLoss((layer,), weights="random")
    size = le.vgg_features(y.float(), layer, weights="random")[layer].square().mean()
    return float(LOSSES[layer](x.float(), y.float()) / size)


LOSSES: dict[str, le.PerceptualLoss] = {}


def test_table_has_the_features_error_and_psnr(measured: tuple[np.ndarray, dict, Scene]) -> None:
    pixels, found, scene = measured
    assert np.array_equal(scene.photograph, pixels)
    assert set(scene.table["states"]) == set(scene.found) == {"random/relu2_2", "random/relu4_3"}
    y, name = as_image(pixels), "random/relu4_3"
    pictures = {"found": as_image(rounded(found[name], name))}
    pictures |= {kind: changed(y, kind, scene.table["states"][name][kind]["strength"]) for kind in CHANGES}
    for picture, x in pictures.items():
        entry = scene.table["states"][name][picture]
        assert entry["psnr"] == pytest.approx(float(psnr(x, y)), abs=0.006)
        assert entry["costs"][:3] == pytest.approx([relative(x, y, layer) for layer in LAYERS[:3]], rel=2e-3)
    flat = y.mean(dim=(2, 3), keepdim=True).expand_as(y)
    assert scene.table["flat"]["random"][0] == pytest.approx(relative(flat, y, "relu1_2"), rel=2e-3)


def test_all_cost_the_same_at_the_layer(measured: tuple[np.ndarray, dict, Scene]) -> None:
    for name, state in measured[2].table["states"].items():
        place = LAYERS.index(name.split("/")[1])
        goal = state["found"]["costs"][place]
        assert [state[kind]["costs"][place] for kind in CHANGES] == pytest.approx([goal] * 4, rel=0.01)


# ---- words and the first state ----


def test_verdict_says_what_the_numbers_say() -> None:
    states = made_up().table["states"]
    assert verdict(states["trained/relu1_2"], "trained/relu1_2") == (
        "At relu1_2, trained weights, all five pictures cost 0.010, to within 1 %. "
        "All are close to the photograph: the lowest PSNR is 39.0 dB (darker)."
    )
    assert verdict(states["random/relu5_3"], "random/relu5_3") == (
        "At relu5_3, random weights, all five pictures cost 0.010, to within 1 %. PSNR: 12.0 dB for the found picture; "
        "for the four changes from 31.0 dB (darker) to 40.0 dB (noisy). "
        "At relu1_2 the found picture costs 5.0 times as much as the noisy one."
    )
    near = json.loads(json.dumps(states["random/relu5_3"]))
    near["noise"]["costs"][0], near["shift"]["costs"][4] = near["found"]["costs"][0] / 1.5, 0.01042
    assert verdict(near, "random/relu5_3").endswith("to 40.0 dB (noisy).")
    assert "to within 5 %" in verdict(near, "random/relu5_3")


def test_captions_and_bars() -> None:
    texts = [caption(kind, "relu2_2", 1.5) for kind in ("found", *CHANGES)]
    assert texts == ["Found from relu2_2", "Noise, 1.50 / 255", "Blur, σ 1.50 px", "Shifted 1.50 px", "Darker, × 0.354"]
    assert [percent(cost) for cost in (1e-9, 1e-3, 10, 99)] == ["1.0%", "20.0%", "100.0%", "100.0%"]


def test_first_state_is_in_the_html() -> None:
    explorer = PerceptualExplorer(layer="relu3_3", weights="random", scene=made_up())
    html = explorer.to_html()
    state = made_up().table["states"]["random/relu3_3"]
    assert f">{verdict(state, 'random/relu3_3')}</p>" in html
    assert 'value="2" aria-valuetext="relu3_3"' in html and '<option value="random" selected>' in html
    assert html.count('data-state="on"') == 6 and html.count("<figure>") == 6
    assert html == PerceptualExplorer(layer="relu3_3", weights="random", scene=made_up()).to_html()
    assert "://" not in standalone_page(explorer)
    assert json.dumps(explorer.data()).count("data:image/png") == 9  # the tenth stands in the page


@pytest.mark.parametrize(("options", "message"), [({"layer": "relu3_1"}, "layer"), ({"weights": "mine"}, "weights")])
def test_start_values_are_checked(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PerceptualExplorer(scene=made_up(), **options)


def test_record_without_the_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "load", lambda name: records.Record("inversion", "quick", {}, [], {}, ""))
    with pytest.raises(ValueError, match="inversion-quick"):
        perceptual_scene.recorded("inversion-quick")


# ---- what the record shows ----


@pytest.fixture(scope="module")
def recorded(need: Callable[[object, str], None]) -> Scene:
    there = "inversion-cpu" in records.names() and "explorable" in records.load("inversion-cpu").settings
    need(there, "the record inversion-cpu does not hold the explorable's table yet")
    return perceptual_scene.recorded()


def levels(scene: Scene, picture: str, arm: str) -> list[float]:
    return [scene.table["states"][f"{arm}/{layer}"][picture]["psnr"] for layer in LAYERS]


def test_recorded_pictures_cost_the_same(recorded: Scene) -> None:
    assert len(recorded.table["states"]) == 10
    for name, state in recorded.table["states"].items():
        place = LAYERS.index(name.split("/")[1])
        goal = state["found"]["costs"][place]
        assert [state[kind]["costs"][place] for kind in CHANGES] == pytest.approx([goal] * 4, rel=0.01), name


def test_found_picture_is_near_at_first_and_lost_at_last(recorded: Scene) -> None:
    """What the tasks below the figure let the reader find."""
    for arm in ("trained", "random"):
        found, noise = levels(recorded, "found", arm), levels(recorded, "noise", arm)
        assert found[0] > 30 and found[-1] < 16 and noise[-1] > found[-1] + 15
        deep = recorded.table["states"][f"{arm}/relu5_3"]
        assert deep["found"]["costs"][0] > 20 * deep["noise"]["costs"][0]
    for layer in range(3, 5):
        others = [levels(recorded, kind, "trained")[layer] for kind in CHANGES]
        assert min(others) > levels(recorded, "found", "trained")[layer]


def test_trained_weights_forgive_darkness(recorded: Scene) -> None:
    gap = {arm: levels(recorded, "noise", arm)[-1] - levels(recorded, "dark", arm)[-1] for arm in ("trained", "random")}
    assert gap["trained"] > 15 and abs(gap["random"]) < 5


def test_recorded_page_is_small(recorded: Scene) -> None:
    assert len(PerceptualExplorer(scene=recorded).to_html().encode()) < 350_000
