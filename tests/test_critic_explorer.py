"""The explorable on blurred critics without a browser: its scene, its chart, and the promises of the text beside it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import pytest
import torch
from critic_scenes import MADE_UP
from scipy import ndimage, stats

import lossedu as le
from lossedu.experiments import blur_pictures
from lossedu.explorables import CriticExplorer, critic_chart, standalone_page
from lossedu.explorables import critic_scene as scene
from lossedu.explorables.critic_explorer import full_scale, full_text, percent
from lossedu.filters import color_window

NAN = math.nan


def shares(rows: Sequence[Sequence[float]]) -> list[tuple[float, ...]]:
    """Return rows in per cent as shares of 1."""
    return [(sd, *(value / 100 for value in values)) for sd, *values in rows]


def test_the_photograph_is_whole_levels_with_room_for_the_tint() -> None:
    photo = scene.photo()
    assert photo.shape == (1, 3, 96, 96) and photo.dtype == torch.float64
    assert bool((photo * 255).eq((photo * 255).round()).all())
    assert (photo * 255).min().item() >= 8 and (photo * 255).max().item() <= 247
    luma, chroma = scene.planes()
    assert luma.shape == (96, 96) and chroma.shape == (2, 24, 24)
    original = le.data.crop(le.data.downsample2(le.data.photograph("chelsea").double()), *scene.PLACE, 96)
    flat = (8 + 239 * original) / 255
    assert (photo - flat).abs().mean().item() < 4 / 255  # colour is coarser
    parts = torch.tensor(scene.LUMA, dtype=torch.float64).view(1, 3, 1, 1)
    assert ((photo - flat) * parts).sum(1).abs().mean().item() < 1 / 255  # texture is not


def test_what_is_done_to_the_photograph() -> None:
    y = scene.photo()
    made = {kind: scene.changed(y, kind) for kind in scene.KINDS}
    assert all(bool((255 * x).eq((255 * x).round()).all()) for x in made.values())
    soft = ndimage.gaussian_filter(y[0].numpy(), 1.0, axes=(1, 2), mode="mirror", radius=4)
    assert abs(made["texture"][0].numpy() - soft).max() < 0.6 / 255
    grain = (made["grain"] - y).flatten()
    assert grain.std().item() == pytest.approx(0.02, rel=0.02) and abs(grain.mean().item()) < 5e-4
    channels = [(made["grain"] - y)[0, c].flatten() for c in range(3)]
    assert torch.corrcoef(torch.stack(channels)).fill_diagonal_(0).abs().max().item() < 0.03
    assert ((made["cast"] - y * torch.tensor([1.08, 1, 0.92]).view(1, 3, 1, 1)).abs().max().item()) < 0.51 / 255
    tint = 255 * (made["tint"] - y)
    for channel, way in enumerate((8, 0, -8)):
        assert tint[0, channel].min().item() == pytest.approx(way) == tint[0, channel].max().item()
    with pytest.raises(ValueError, match="kind must be one of"):
        scene.changed(y, "hue")


def test_the_experiment_changes_photographs_in_the_same_way() -> None:
    """The card draws the experiment's record beside this photograph."""
    y = scene.photo()
    for kind in ("texture", "cast", "tint"):
        x, original = blur_pictures.TASKS[kind](y, torch.Generator())
        assert ((scene.changed(y, kind) - y) - (x - original)).abs().max().item() < 0.51 / 255
    assert (scene.GRAIN, scene.SOFT) == (blur_pictures.GRAIN, blur_pictures.SOFT)
    assert (scene.ROOM, scene.TINT[0]) == (blur_pictures.LEVELS, blur_pictures.LEVELS)


def test_marks_stand_for_the_blurs_of_the_literature() -> None:
    assert scene.deviation(17) ** 2 == pytest.approx(3) and scene.deviation(30) == 3
    window = color_window("dped")
    offsets = torch.arange(21, dtype=torch.float64) - 10
    assert scene.deviation(43) == pytest.approx((window * offsets.square()).sum().sqrt().item(), abs=5e-3)
    assert [scene.deviation(k) for k in (0, 1, 42, 130)] == [0, 0.1, 4.2, 13]
    steps = [scene.deviation(k) for k in range(131)]
    assert steps == sorted(steps)


@pytest.mark.parametrize("kind", scene.KINDS)
def test_state_is_what_an_independent_blur_leaves(kind: str) -> None:
    y = scene.photo()[0].numpy()
    x = scene.changed(scene.photo(), kind)[0].numpy()
    for sd in (math.sqrt(3), 6.0, 13.0):
        s = scene.state(kind, sd)
        radius = int(3.5 * sd + 0.5)
        plain, other = (ndimage.gaussian_filter(z, sd, axes=(1, 2), mode="mirror", radius=radius) for z in (y, x))
        assert s.energy == pytest.approx(((other - plain) ** 2).sum() / ((x - y) ** 2).sum(), rel=1e-9)
        assert s.before == pytest.approx(255 * math.sqrt(((x - y) ** 2).mean()))
        assert s.left == pytest.approx(255 * math.sqrt(((other - plain) ** 2).mean()))
        differ = ((plain * 255 + 0.5).astype(int) != (other * 255 + 0.5).astype(int)).any(0)
        assert s.apart == pytest.approx(differ.mean(), abs=2e-4)
    none = scene.state(kind, 0)
    assert none.energy == 1 and none.left == none.before


def test_white_grain_keeps_the_energy_of_the_window() -> None:
    """Far from the border white noise keeps the squared weights' sum, 1 / (4 pi sd^2) for a wide Gaussian."""
    assert scene.state("grain", 3.0).energy == pytest.approx(1 / (4 * math.pi * 9), rel=0.2)


def test_what_the_prompts_say() -> None:
    printed, code, widest = ({kind: scene.state(kind, sd) for kind in scene.KINDS} for sd in (math.sqrt(3), 4.34, 13.0))
    assert printed["texture"].energy < 0.1 and printed["cast"].energy > 0.9
    assert code["texture"].left < 0.5 and code["texture"].apart > 0.25  # less than half a step, and yet
    assert widest["texture"].energy < 1e-3 and widest["cast"].energy > 0.9
    assert all(states["tint"].energy == pytest.approx(1) for states in (printed, code, widest))
    energies = [scene.state("texture", scene.deviation(k)).energy for k in range(0, 131, 10)]
    assert energies == sorted(energies, reverse=True)


def test_answers_are_computed() -> None:
    first, second, third = CriticExplorer().answers()
    printed = scene.state("texture", math.sqrt(3))
    assert f"Of the texture {percent(printed.energy)}, " in first
    assert second.startswith(percent(scene.state("texture", 4.34).apart))
    assert percent(scene.state("cast", 13).energy) in third and "chance" not in third
    measured = CriticExplorer(MADE_UP).answers()[2]
    assert measured.startswith(third)
    compared = CriticExplorer(MADE_UP, ordered={("critic", "texture"): [(0, 0.99, 0.98, 1), (13, 0.851, 0.8, 0.9)]})
    assert "right on the texture at 85 to 99 % of the places" in compared.answers()[2]
    assert "critic, instance norm, at 6, 9, 13 px" in measured and "spectrum, exact numbers, at no blur" in measured


def test_at_chance_is_an_interval_that_reaches_half() -> None:
    texture = [
        (0, 90, 80, 100),
        (3, 60, 50, 70),
        (6, 60, 51, 70),
        (9, 40, 30, 45),
        (13, 50, 40, 60),
        (11, 50, NAN, NAN),
    ]
    cast = [
        (0, 100, 90, 100),
        (3, 90, 80, 100),
        (6, 90, 80, 100),
        (9.001, 70, 60, 80),
        (13, 60, 50, 70),
        (11, 99, 98, 100),
    ]
    tasks = critic_chart.by_task({("critic", "texture"): shares(texture), ("critic", "cast"): shares(cast)})
    assert critic_chart.blind_to_texture_alone(tasks, "critic") == [3, 9]
    assert critic_chart.blind_to_texture_alone(tasks, "spectrum") == []
    fewer = critic_chart.by_task({("critic", "texture"): shares(texture), ("critic", "cast"): shares(cast[:1])})
    assert critic_chart.blind_to_texture_alone(fewer, "critic") == []  # a cast that was not measured there is not seen


def test_the_table_shows_one_blur() -> None:
    rows = [(0.0, 99.5, 98.0, 100.0), (3.0, 51.0, 45.0, 55.5), (6.0, 50.0, NAN, NAN)]
    assert critic_chart.cell(rows, 0) == ("100 %", "98–100", "above")
    assert critic_chart.cell(rows, 3.01) == ("51 %", "45–56", "chance")
    assert critic_chart.cell(rows, 6) == ("50 %", "", "none")
    assert critic_chart.cell(rows, 4.34) == critic_chart.cell([], 0) == ("–", "", "none")
    tasks = critic_chart.by_task({("critic", "tint"): shares(rows), ("spectrum", "cast"): [(9.0, 0.6, 0.55, 0.65)]})
    assert [critic_chart.measured(tasks, sd) for sd in (1.5, 1.6, 7.6)] == [0, 3, 9]  # of two as near the narrower
    html = critic_chart.table(tasks, "tint", 13)
    assert html.count("–</b>") == 7 and '"spectrum-cast" data-state="above"><b data-out="spectrum-cast">60 %<' in html


def test_accuracies_as_the_report_gives_them() -> None:
    """With an interval beyond 1, one that is NaN, and judges and tasks that the page leaves out."""
    given = {
        ("critic", "cast"): [(4.33668, 0.99, 0.96, 1.02), (0.0, 0.995, NAN, NAN)],
        ("critic", "texture"): [(4.33668, 0.5, 0.45, 0.55)],
        ("critic_long", "texture"): [(4.33668, 0.6, 0.55, 0.65)],
        ("critic", "nothing"): [(0.0, 0.5, 0.49, 0.51)],
    }
    explorer = CriticExplorer(
        given, ordered={("critic", "texture"): [(0, 0.98, 0.97, 0.99)], ("spectrum", "cast"): [(0, 0.99, 0.98, 1)]}
    )
    assert explorer.tasks["cast"]["critic"][1] == (4.3367, 99.0, 96.0, 100.0)
    assert list(explorer.tasks) == ["texture", "cast"] and list(explorer.tasks["texture"]) == ["critic"]
    assert explorer.answers()[2].count("critic, instance norm, at 4.34 px. ") == 1
    data = explorer.data()
    assert data["tasks"]["cast"]["critic"][0] == [0.0, 99.5, None, None]
    assert data["pairs"] == {"texture": [[0.0, 98.0, 97.0, 99.0]], "cast": []}
    assert "NaN" not in explorer.to_html()


def test_lines_of_the_chart() -> None:
    rows = [(0, 50, 30, 70), (4.3367, 90, 80, 100), (6, 50, NAN, NAN), (13, 100, 100, 100)]
    found = critic_chart.lines(rows, 1.0)
    x, y = critic_chart.X, critic_chart.Y
    cut = f"{math.floor(10 * (x(4.3367) + 1) + 0.5) / 10}"
    assert found[""] == f"M41.0,{y(50):.1f}L{x(6) + 1:.1f},{y(50):.1f}L373.0,24.0" and x(13) == 372
    spans = f"M41.0,172.0V{y(70):.1f}M{cut},{y(80):.1f}V24.0M373.0,24.0V24.0"  # cut off at 40 %
    assert found["-spans"] == spans
    assert found["-dots"].count("h0") == 4 and found["-cut"] == f"M{cut},{y(90):.1f}h0"  # beside the line
    assert set(critic_chart.lines([], 0).values()) == {""}


def test_the_scale_of_the_difference() -> None:
    assert [full_scale(v) for v in (0, 0.33, 1.6, 1.7, 0.004)] == pytest.approx([1, 1, 5, 10, 0.02])
    assert [full_text(v) for v in (1, 20, 0.5, 0.02, 0.005)] == ["1", "20", "0.5", "0.02", "0.005"]


def test_the_game_says_what_guessing_gives() -> None:
    chance = stats.binom(10, 0.5)
    assert chance.cdf(8) - chance.cdf(1) == pytest.approx(0.98, abs=0.005)
    assert chance.cdf(7) - chance.cdf(2) < 0.9  # and less would not do


def test_first_state_is_in_the_html() -> None:
    explorer = CriticExplorer(MADE_UP, note="Made <up>.", blur=4.3, difference="cast")
    html, found = explorer.to_html(), explorer.state()
    assert f'data-out="energy">{percent(found.energy)}<' in html and f'data-out="apart">{percent(found.apart)}<' in html
    assert '<option value="cast" selected>' in html and 'value="43" aria-valuetext="4.34 px"' in html
    assert "Made &lt;up&gt;." in html and html.count("<svg data-chart") == 1
    assert html == CriticExplorer(MADE_UP, note="Made <up>.", blur=4.3, difference="cast").to_html()
    assert len(html.encode()) < 66_000
    assert "://" not in standalone_page(explorer)
    assert not re.search(r"\sid=", html)


def test_without_accuracies_there_is_no_chart() -> None:
    html = CriticExplorer().to_html()
    assert "<svg data-chart" not in html and "<table>" not in html and "read the card." in html
    assert len(html.encode()) < 55_000


def test_some_judges_may_be_missing() -> None:
    some = {key: rows for key, rows in MADE_UP.items() if key[0] == "spectrum" or key == ("critic", "cast")}
    explorer = CriticExplorer(some)
    assert list(explorer.data()["judges"]) == ["critic", "spectrum"]
    html = explorer.to_html()
    assert '<td data-cell="critic-texture" data-state="none">' in html and "critic_plain" not in html


ROW = (0.0, 0.5, 0.4, 0.6)


@pytest.mark.parametrize(
    ("accuracies", "options", "message"),
    [
        (None, {"blur": 13.1}, "blur must be a number from 0 to 13"),
        (None, {"difference": "hue"}, "difference must be one of"),
        ({("oracle", "cast"): [ROW]}, {}, r"accuracies must have keys .* got \('oracle', 'cast'\)"),
        ({"critic": [ROW]}, {}, "accuracies must have keys"),
        ({("critic", "hue"): [ROW]}, {}, "accuracies must have keys"),
        ({("critic", "cast"): [(0, 0.5, 0.4)]}, {}, "rows"),
        ({("critic", "cast"): [(14, 0.5, 0.4, 0.6)]}, {}, "rows"),
        ({("critic", "cast"): [(0, 50, 40, 60)]}, {}, "rows"),
        ({("critic", "cast"): [(0, NAN, 0.4, 0.6)]}, {}, "rows"),
        ({("critic", "cast"): [(0, 0.5, NAN, 0.6)]}, {}, "rows"),
        ({("critic", "cast"): [(0, 0.5, 0.6, 0.7)]}, {}, r"got \(0, 0.5, 0.6, 0.7\) for \('critic', 'cast'\)"),
    ],
)
def test_what_is_wrong_is_said(accuracies: object, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CriticExplorer(accuracies, **options)  # type: ignore[arg-type]
