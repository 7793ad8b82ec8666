"""The explorable on total variation without a browser: its scene, and the promises of the text beside it."""

from __future__ import annotations

import math

import pytest
import torch

from lossedu.explorables import TVExplorer, standalone_page
from lossedu.explorables.axes import LinearAxis
from lossedu.explorables.linear_chart import points, polyline
from lossedu.explorables.tv_explorer import move_text, rise_text
from lossedu.explorables.tv_scene import SHAPES, edge_rise, signal, squared_alike, state, unit_noise


def test_signals_have_the_plateaus_of_their_shape() -> None:
    for name, shape in SHAPES.items():
        line = signal(name)
        assert line.shape == (96,)
        assert set(line[slice(*shape.lower)].tolist()) == {0.25} and set(line[slice(*shape.upper)].tolist()) == {0.75}
    assert int((signal("bump") == 0.75).sum()) == 12
    assert torch.allclose(signal("ramp").diff()[24:71], torch.tensor(0.5 / 48).double())


def test_noise_is_normal_enough_and_the_same_everywhere() -> None:
    noise = unit_noise()
    assert float(noise.mean()) == pytest.approx(0, abs=1e-12)
    assert float(noise.std(correction=0)) == pytest.approx(1, rel=1e-12)
    assert noise.abs().max() < 4
    # written down once: the text quotes what this noise shows
    assert noise[::32].tolist() == pytest.approx(NOISE, abs=1e-9)


NOISE = [-0.196350695223, -0.136532903201, -0.990439167634]


@pytest.mark.parametrize(("name", "plateau", "sides"), [("step", 48, 1), ("bump", 12, 2)])
def test_plateaus_move_by_the_weight_over_their_length(name: str, plateau: int, sides: int) -> None:
    for weight in (0.1, 0.5, 1.0):
        found = state(name, 0.0, weight)
        assert found.moved == pytest.approx(sides * weight / plateau, rel=1e-9)
        assert found.predicted == pytest.approx(found.moved, rel=1e-9)
        assert found.rises[0] == pytest.approx(0.8) and found.rises[1] > found.rises[0]


def test_squares_take_no_more_from_the_data() -> None:
    for name in SHAPES:
        found = state(name, 0.1, 0.5)
        away = [float((u - found.data).square().mean().sqrt()) for u in (found.tv, found.squared)]
        assert away[0] == pytest.approx(away[1], rel=1e-6)


def test_the_edge_melts_under_squares_and_stays_under_tv() -> None:
    for noise in (0.0, 0.1):
        tv, squared = state("step", noise, 1.0).rises
        assert tv < 1 < 2.5 < squared


def test_a_ramp_in_noise_becomes_stairs() -> None:
    found = state("ramp", 0.1, 1.0)
    assert found.stairs > 0.8 and found.predicted == 0
    assert state("ramp", 0.0, 0.01).stairs < 0.6


def test_a_bump_can_be_gone() -> None:
    found = state("bump", 0.0, 3.0)
    assert math.isnan(found.rises[0]) and found.predicted == 0
    assert rise_text(found.rises[0]) == "gone"


def test_rise_between_two_samples() -> None:
    assert edge_rise(signal("step"), SHAPES["step"]) == pytest.approx(0.8)
    assert edge_rise(signal("ramp"), SHAPES["ramp"]) == pytest.approx(0.8 * 48, rel=0.01)


def test_distance_is_met_by_bisection() -> None:
    data = signal("step") + 0.1 * unit_noise()
    u, weight = squared_alike(data, 0.05)
    assert float((u - data).square().mean().sqrt()) == pytest.approx(0.05, rel=1e-9) and weight > 0


def test_first_state_is_in_the_html() -> None:
    html = TVExplorer(signal="bump", noise=0.0, weight=0.5).to_html()
    found = state("bump", 0.0, 10**-0.3)
    assert f'data-out="moved">{move_text(found.moved)}<' in html
    assert f'data-out="rise_tv">{rise_text(found.rises[0])}<' in html
    assert '<option value="bump" selected>' in html
    assert html == TVExplorer(signal="bump", noise=0.0, weight=0.5).to_html()
    assert len(html.encode()) < 60_000
    assert "://" not in standalone_page(TVExplorer())


def test_texts_of_numbers() -> None:
    assert [move_text(move) for move in (0.0208, -0.0208, 0.0, 1e-6)] == ["−0.0208", "0.0208", "0.0000", "0.0000"]
    assert rise_text(0.7999) == "0.8 px"


def test_paths_are_those_of_the_axes() -> None:
    x, y = LinearAxis(0, 10, 0, 100), LinearAxis(0, 1, 50, 0)
    assert polyline(x, y, [0.0, 1.0]) == "M0.0,50.0L10.0,0.0"
    assert points(x, y, [0.5]) == "M0.0,25.0h0"


@pytest.mark.parametrize(
    ("options", "message"), [({"signal": "sine"}, "signal"), ({"noise": 0.4}, "noise"), ({"weight": 0.001}, "weight")]
)
def test_wrong_start_is_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TVExplorer(**options)
