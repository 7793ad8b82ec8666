"""Draw the pictures of the table of contents into book/_static/contents: python tools/draw_contents.py.

Three crops for each page, of the photographs that come with the package and of networks from the records.  A test draws
them again and compares.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import lossedu as le
from lossedu import data, png, records
from lossedu.experiments import inversion, keepsakes, noisy_targets, plausible, rings, tasks
from lossedu.explorables import mix_scene
from lossedu.reports import outputs, perceptual, tints, variation
from lossedu.variational import rof, tikhonov

OUT = Path(__file__).resolve().parents[1] / "book" / "_static" / "contents"

#: Side of a crop, screen pixels for each of its pixels, and the gap between two crops, whose grey suits any ground:
SIDE, ZOOM, GAP, GREY = 52, 2, 4, 128

_crop = functools.partial(data.crop, size=SIDE)


def noisy_and_wanted() -> list[Tensor]:
    """A scene in noise, what a network of SSIM makes of it, and what SSIM wants; with four times the contrast."""
    scene = plausible.draw_scene(0)
    act = torch.from_numpy(records.load("rings-cpu").scores["ssim_5-0@act"])
    made = [rings.inside(scene.seen), rings.inside(rings.network_output("ssim_5", scene)), act.double()]
    middle = (plausible.LOW + plausible.HIGH) / 2
    half = [(middle + 4 * (picture - middle))[None, None, 3:29, 3:29] for picture in made]
    return [crop.repeat_interleave(2, -1).repeat_interleave(2, -2) for crop in half]


def bright_black() -> list[Tensor]:
    """Black cloth, three times as bright as it is: what networks were asked for, and the answers of l2 and l1."""
    photo = data.photograph("astronaut")
    record = records.load("noisy_targets-cpu")
    seen = data.noisy_bayer(photo, seed=0)
    asked = noisy_targets.spoiled(photo, "clipped", torch.Generator().manual_seed(1))
    made = [tasks.restore(keepsakes.network(record, arm), seen) for arm in ("l2", "l1")]
    return [3 * _crop(picture, 200, 180) for picture in (asked, *made)]


def two_regularisers() -> list[Tensor]:
    """A noisy photograph, and what squared differences and total variation make of it."""
    photo = data.downsample2(data.photograph("camera").double())
    noisy = photo + 0.1 * torch.randn(photo.shape, generator=torch.Generator().manual_seed(1), dtype=photo.dtype)
    record = records.load("total_variation-cpu")
    weights = {arm: variation.values(record, "photographs", arm, 0.1, "weight")[0] for arm in ("squared", "tv")}
    made = [tikhonov(noisy, weights["squared"]), rof(noisy, weights["tv"]).image]
    return [_crop(picture, 32, 90) for picture in (noisy, *made)]


def equal_errors() -> list[Tensor]:
    """A piece of sky, and the same with a splotch and with grain of the same mean square error."""
    sky = _crop(data.photograph("camera", gray=True), 100, 300)
    noises = [
        data.band_noise(sky.shape, low=low, high=high, std=1.0, seed=3)
        for low, high in ((1 / 64, 1 / 24), (1 / 3, 1 / 2))
    ]
    return [sky, *(sky + 10 ** (-27 / 20) * noise / noise.square().mean().sqrt() for noise in noises)]


def two_tints() -> list[Tensor]:
    """An astronaut, and the coarse errors of colour of networks trained with MS-SSIM and with l1, on mid grey."""
    record = records.load("table1-cpu")
    return tints.panels(record, ["ms_ssim", "l1"], ["astronaut"], step=6, side=SIDE)


def grain_and_shift() -> list[Tensor]:
    """A patch with grain, what Mix asks of it, and what the same Mix asks of the patch when it is too bright."""
    made = [mix_scene.state(kind, 6.0, 0.84, 1) for kind in ("grain", "shift")]
    asked = [0.5 + found.asks[2] / (6 * found.asks[2].square().mean().sqrt()) for found in made]
    inside = (..., slice(3, 29), slice(3, 29))
    return [part[inside].repeat_interleave(2, -1).repeat_interleave(2, -2) for part in (made[0].picture, *asked)]


def photograph_and_what_is_left() -> list[Tensor]:
    """A photograph, and what was found from the features of two layers of VGG-16 alone."""
    record = records.load("inversion-cpu")
    clean = inversion.photograph(record.settings["shown"], record.settings["side"])
    found = [perceptual.inverted(record, "trained", layer) for layer in ("relu3_3", "relu5_3")]
    return [_crop(picture, 20, 24) for picture in (clean, *found)]


def same_histograms() -> list[Tensor]:
    """A cup of coffee, a face in its three histograms, and the coffee with its blues given out the other way round."""
    cup = _crop(data.photograph("coffee"), 110, 220)
    face = _crop(data.downsample2(data.photograph("astronaut")), 18, 72)
    ordered, ranks = (order(cup) for order in (_in_order, _ranks))
    turned = torch.cat([cup[:, :2], ordered.flip(2).gather(2, ranks).view_as(cup)[:, 2:]], dim=1)
    return [cup, ordered.gather(2, _ranks(face)).view_as(cup), turned]


def through_the_blur() -> list[Tensor]:
    """A cat, the cat under loud fine grain, and the grainy one as a critic of colour sees it."""
    photo = data.crop(data.photograph("chelsea"), 90, 170, SIDE + 20)
    grain = torch.rand(photo.shape, generator=torch.Generator().manual_seed(0)) - 0.5
    grain = grain - le.gaussian_blur(grain, 2.0)
    grainy = photo + 0.09 * grain / grain.std()
    return [*(data.crop(z, 10, 10, SIDE) for z in (photo, grainy)), le.color_blur(grainy)]


def _in_order(x: Tensor) -> Tensor:
    return x.flatten(2).sort(dim=2).values


def _ranks(x: Tensor) -> Tensor:
    return x.flatten(2).argsort(dim=2, stable=True).argsort(dim=2)


def right_and_wrong_range() -> list[Tensor]:
    """A noisy face, what SSIM asks of it, and what it asks with the wrong data range: nothing."""
    y = _crop(data.photograph("astronaut", gray=True), 90, 190)
    x = data.sensor_noise(y, a=0, b=0.06**2, seed=0)
    asked = [le.ssim_grad(x, y, padding="reflect", data_range=width) for width in (1.0, 255.0)]
    scale = 6 * asked[0].square().mean().sqrt()
    return [x, *(0.5 - grad / scale for grad in asked)]


def three_windows() -> list[Tensor]:
    """The map of SSIM of one noisy crop for three widths of the window: three numbers, all called SSIM."""
    y = _crop(data.photograph("coffee", gray=True), 120, 240)
    x = data.sensor_noise(y, seed=1)
    return [le.ssim_map(x, y, sigma=sigma, padding="reflect") for sigma in (0.8, 1.5, 4)]


def before_and_after() -> list[Tensor]:
    """What the sensor saw, what a network made of it, and the clean picture."""
    clean, seen, made = outputs.crops(records.load("table1-cpu"), "dd", ["l1"], "chelsea", 92, 180, side=SIDE)
    return [seen, made, clean]


def three_losses() -> list[Tensor]:
    """Sky as networks of l2, l1 and MS-SSIM leave it, its contrast stretched."""
    losses = ("l2", "l1", "ms_ssim")
    return outputs.crops(records.load("table1-cpu"), "dd", losses, "rocket", 60, 240, side=SIDE, stretch=7)[2:]


PICTURES: dict[str, Callable[[], list[Tensor]]] = {
    "ch00-what-is-a-pixel-worth": noisy_and_wanted,
    "ch01-pixel-losses": bright_black,
    "ch02-total-variation": two_regularisers,
    "ch03-ssim": equal_errors,
    "ch04-ms-ssim": two_tints,
    "ch05-mix": grain_and_shift,
    "ch06-perceptual": photograph_and_what_is_left,
    "ch07-histogram-emd": same_histograms,
    "ch08-adversarial-colour": through_the_blur,
    "audit-a-loss": right_and_wrong_range,
    "same-number": three_windows,
    "training-loop": before_and_after,
    "zhao-again": three_losses,
}


def encoded(crops: list[Tensor]) -> bytes:
    """Return the PNG of crops side by side, whole screen pixels for each of theirs."""
    parts = []
    for crop in crops:
        pixels = (crop[0].detach().clamp(0, 1) * 255).round().to(torch.uint8).expand(3, SIDE, SIDE)
        parts += [pixels.repeat_interleave(ZOOM, 1).repeat_interleave(ZOOM, 2).numpy()]
    gap = np.full((3, SIDE * ZOOM, GAP), GREY, dtype=np.uint8)
    row = [part for crop in parts for part in (gap, crop)][1:]
    return png.encode(np.ascontiguousarray(np.concatenate(row, axis=2).transpose(1, 2, 0)))


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        (OUT / f"{name}.png").write_bytes(encoded(draw()))


if __name__ == "__main__":
    main()
