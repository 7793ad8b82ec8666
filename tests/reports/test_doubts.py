"""The two doubts of chapter 0: equally likely edges, and textures that no pixel leans out of."""

from __future__ import annotations

import torch

from lossedu.reports import doubts


def test_edges_are_sharp_and_lie_at_different_places() -> None:
    edges = doubts.edges()
    assert edges.shape == (len(doubts.COLUMNS), 1, *doubts.SHAPE)
    assert set(edges.flatten().tolist()) == {doubts.DARK, doubts.BRIGHT}
    bright = (edges[:, 0, 0] == doubts.BRIGHT).sum(dim=1)
    assert bright.tolist() == [doubts.SHAPE[1] - column for column in doubts.COLUMNS]


def test_every_texture_comes_with_its_negative() -> None:
    textures = doubts.textures(3) - 0.5
    assert len(textures) == 6 and torch.allclose(textures[::2], -textures[1::2], atol=1e-6)
    assert textures.std() > 0.05


def test_three_of_each_are_shown_and_they_differ() -> None:
    for plausible in (doubts.edges(), doubts.textures()):
        a, b, c = doubts.shown(plausible)
        assert not (torch.equal(a, b) or torch.equal(b, c) or torch.equal(a, c))
