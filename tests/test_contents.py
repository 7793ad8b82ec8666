"""The table of contents in pictures: every page that is a notebook has one, and it shows what the code draws today."""

from __future__ import annotations

import re
import sys
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import draw_contents  # noqa: E402

CARD = re.compile(r":::\{grid-item-card\} (?P<title>.+)\n:link: \.\./chapters/(?P<name>\S+)\n(?P<rest>(?::.+\n)+)\n")


@pytest.mark.parametrize("name", draw_contents.PICTURES)
def test_picture_is_what_the_code_draws(name: str) -> None:
    kept = imread(draw_contents.OUT / f"{name}.png")
    drawn = imread(BytesIO(draw_contents.encoded(draw_contents.PICTURES[name]())))
    assert kept.shape == drawn.shape == (104, 320, 3), "run python tools/draw_contents.py"
    # A network's output may round to the next of 255 levels on another processor.
    assert np.abs(kept - drawn).max() < 1.5 / 255, "run python tools/draw_contents.py"
    crops = [drawn[:, start : start + 104] for start in (0, 108, 216)]
    assert all(np.abs(a - b).mean() > 0.01 for a, b in pairwise(crops)), "crops look alike"


def test_every_notebook_has_its_card_in_the_order_of_the_book() -> None:
    cards = list(CARD.finditer((ROOT / "book" / "intro.md").read_text("utf8")))
    order = re.findall(r"file: chapters/(\S+)", (ROOT / "_toc.yml").read_text("utf8"))
    assert [card["name"] for card in cards] == order
    assert sorted(draw_contents.PICTURES) == sorted(order)
    for card in cards:
        assert f":img-top: _static/contents/{card['name']}.png\n" in card["rest"]
        described = re.search(r":img-alt: (.+)\n", card["rest"])
        assert described and len(described[1]) > 30
