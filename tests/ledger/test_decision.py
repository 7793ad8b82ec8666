"""The rule: zones, words, conjunctions, and how often it errs."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lossedu.ledger.decision import SCALES, VERDICTS, ZONES, joint, judge, verdict, zone
from lossedu.ledger.parts import Part, describe
from lossedu.statistics import Interval

finite = st.floats(-100, 100)
margins = st.floats(0, 20)
pairs = st.tuples(finite, finite).map(sorted)
RANK = {"contradicted": 0, "inconclusive": 1, "equivalent": 1, "supported": 2}


def span(low: float, high: float) -> Interval:
    return Interval((low + high) / 2, low, high)


def part(values: tuple[float, ...], **options: object) -> Part:
    return Part(**{"name": "a over b", "values": values, "unit": "dB", "margin": 0.1, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        (0.11, 0.5, "supported"),
        (-0.05, 0.1, "equivalent"),
        (-0.1, 0.1, "equivalent"),
        (-0.5, -0.11, "contradicted"),
        (0.05, 0.5, "inconclusive"),
        (-0.5, 0.05, "inconclusive"),
        (-0.5, 0.5, "inconclusive"),
        (0.1, 0.5, "inconclusive"),
    ],
)
def test_zones_of_the_protocol(low: float, high: float, found: str) -> None:
    assert zone(span(low, high), 0.1) == found


@given(pairs, margins)
def test_zones_say_what_they_say(ends: list[float], margin: float) -> None:
    """Exclusive and exhaustive: each zone is exactly its condition, and the conditions do not overlap."""
    low, high = ends
    found = zone(span(low, high), margin)
    conditions = {
        "supported": low > margin,
        "contradicted": high < -margin,
        "equivalent": -margin <= low and high <= margin,
    }
    assert sum(conditions.values()) <= 1
    assert found == next((name for name, holds in conditions.items() if holds), "inconclusive")


@given(pairs, margins, st.floats(0, 50), st.booleans())
def test_more_of_the_claimed_difference_is_never_worse_for_the_claim(
    ends: list[float], margin: float, more: float, par: bool
) -> None:
    low, high = ends
    before, after = (zone(span(low + d, high + d), margin, par=par) for d in (0.0, more))
    assert RANK[after] >= RANK[before]


@given(pairs, margins, st.booleans())
def test_the_other_side_is_the_mirror(ends: list[float], margin: float, par: bool) -> None:
    low, high = ends
    assert zone(span(low, high), margin, claimed=-1, par=par) == zone(span(-high, -low), margin, par=par)
    assert zone(span(low, high), margin, claimed=0) == zone(span(-high, -low), margin, claimed=0)


@given(pairs, margins)
def test_ties_satisfy_the_claims_that_allow_them(ends: list[float], margin: float) -> None:
    plain, par, equal = (
        zone(span(*ends), margin, **how)
        for how in ({}, {"par": True}, {"claimed": 0})  # type: ignore[arg-type]
    )
    assert "equivalent" not in (par, equal)
    assert (par == "contradicted") == (plain == "contradicted")
    assert (equal == "supported") == (plain == "equivalent")
    if plain in ("supported", "equivalent"):
        assert par == "supported"
    if plain in ("supported", "contradicted"):
        assert equal == "contradicted"


def test_words() -> None:
    assert [verdict(found, matched=True) for found in ZONES] == ["supported", "equivalent", "refuted", "inconclusive"]
    assert verdict("contradicted", matched=False) == "not replicated"
    assert {verdict(found, matched=m) for found in ZONES for m in (True, False)} < set(VERDICTS)


@pytest.mark.parametrize(
    ("values", "options", "word"),
    [
        ((0.5, 0.51, 0.49), {}, "supported"),
        ((-0.5, -0.51, -0.49), {}, "not replicated"),
        ((-0.5, -0.51, -0.49), {"claimed": -1}, "supported"),
        ((0.01, -0.01, 0.0), {}, "equivalent"),
        ((0.01, -0.01, 0.0), {"par": True}, "supported"),
        ((0.01, -0.01, 0.0), {"claimed": 0}, "supported"),
        ((0.5, 0.1, 0.9), {}, "inconclusive"),
        ((0.5, 0.5), {}, "inconclusive"),
        ((0.5,), {}, "inconclusive"),
        ((), {}, "inconclusive"),
    ],
)
def test_known_differences_give_their_words(values: tuple[float, ...], options: dict[str, object], word: str) -> None:
    ruling = judge([part(values, **options)], matched=False, scale="cpu")
    assert ruling.verdict == word
    assert any("a over b" in reason for reason in ruling.reasons)


@given(st.lists(finite, min_size=0, max_size=2), st.sampled_from(SCALES), st.booleans())
def test_two_seeds_never_decide(values: list[float], scale: str, matched: bool) -> None:
    parts = [part((5.0, 5.0, 5.0)), part(tuple(values))]
    ruling = judge(parts, matched=matched, scale=scale)
    assert ruling.verdict == "inconclusive" and ruling.decisive == 1
    assert f"too few seeds ({len(values)})" in ruling.reasons[0] and "at least 3" in ruling.reasons[0]


def test_a_smoke_run_decides_nothing() -> None:
    ruling = judge([part((0.5, 0.51, 0.49))], matched=True, scale="smoke")
    assert ruling.verdict == "inconclusive" and "tests the code" in ruling.reasons[0]
    assert judge([part((0.5, 0.51, 0.49))], matched=True, scale="quick").verdict == "supported"


UP, TIE, DOWN, WIDE = (0.5, 0.51, 0.49), (0.01, 0.0, -0.01), (-0.5, -0.51, -0.49), (0.5, 0.1, 0.9)
HARDLY_DOWN = (-0.5, -0.4, -0.6)  # 95 %: below -0.25, 98.75 %: up to -0.02


@pytest.mark.parametrize(
    ("rows", "found", "decisive"),
    [
        ((UP, UP), "supported", 0),
        ((UP, WIDE), "inconclusive", 1),
        ((UP, DOWN), "contradicted", 1),
        ((WIDE, DOWN), "contradicted", 1),
        ((UP, TIE), "inconclusive", 1),
        ((TIE, UP), "inconclusive", 0),
        ((UP, UP, TIE, TIE), "inconclusive", 2),
        ((TIE, DOWN), "contradicted", 1),
        ((TIE, TIE), "equivalent", 0),
        ((TIE, WIDE), "inconclusive", 0),
        ((DOWN, DOWN), "contradicted", 0),
        ((HARDLY_DOWN, HARDLY_DOWN, HARDLY_DOWN, HARDLY_DOWN), "contradicted", 0),
        ((UP, UP, UP, HARDLY_DOWN), "inconclusive", 3),
    ],
)
def test_claims_of_several_parts(rows: tuple[tuple[float, ...], ...], found: str, decisive: int) -> None:
    assert joint([part(row) for row in rows]) == (found, decisive)


def test_a_mixture_is_neither_supported_nor_equivalent() -> None:
    """Half of a claim held and half of it did not: no word for the whole says so, at whatever precision."""
    exact = [part((0.5, 0.5, 0.5 + 1e-9)), part((0.0, 0.0, 1e-9))]
    assert judge(exact, matched=True, scale="full").verdict == "inconclusive"
    # A tie that satisfies its part is none of the claim, whose word the other parts decide.
    for satisfied in ({"par": True}, {"claimed": 0}):
        assert joint([part(UP), part(TIE, **satisfied)]) == ("supported", 0)
        assert joint([part(TIE, **satisfied), part(TIE)]) == ("equivalent", 1)
        assert joint([part(TIE, **satisfied), part(TIE), part(UP)]) == ("inconclusive", 1)


def test_exact_values_span_from_the_least_to_the_largest() -> None:
    values = (8.0, 10.0, 18.0)
    assert part(values, exact=True).interval() == (12.0, 8.0, 18.0)
    assert joint([part(values, exact=True)])[0] == "supported"
    assert joint([part(values)])[0] == "inconclusive"


def test_intervals_over_three_paired_seeds_cover_as_often_as_they_say() -> None:
    """Pairs share much larger differences between seeds; 95 % of the intervals hold the true difference."""
    rng = torch.Generator().manual_seed(1)
    base = 30 + 5 * torch.randn(4000, 3, generator=rng, dtype=torch.float64)
    other = base + 0.3 + 0.2 * torch.randn(4000, 3, generator=rng, dtype=torch.float64)
    found = [part(tuple(row.tolist())).interval() for row in other - base]
    share = sum(interval.low <= 0.3 <= interval.high for interval in found) / len(found)
    assert abs(share - 0.95) < 3 * math.sqrt(0.95 * 0.05 / len(found))


def test_false_verdicts_are_rare() -> None:
    """With no difference at all, and with one of exactly the margin, wrong words come in their share of cases."""
    rng = torch.Generator().manual_seed(2)
    noise = 0.1 * torch.randn(3000, 2, 3, generator=rng, dtype=torch.float64)

    def share(wrong: str, first: float, second: float) -> float:
        truth = torch.tensor([first, second]).view(2, 1)
        cases = [[part(tuple(row.tolist())) for row in case + truth] for case in noise]
        return sum(joint(parts)[0] == wrong for parts in cases) / len(cases)

    slack = 3 * math.sqrt(0.025 / len(noise))
    assert share("supported", 0.1, 5.0) < 0.025 + slack  # one part at the margin: false if supported
    assert share("contradicted", -0.1, -0.1) < 0.05 + slack  # both just tolerable
    assert share("equivalent", 0.1, 0.1) < 0.05 + slack  # neither inside


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: zone(span(0, 1), -0.1), "margin"),
        (lambda: zone(span(0, 1), math.inf), "margin"),
        (lambda: zone(span(0, 1), 0.1, claimed=2), "claimed"),
        (lambda: zone(Interval(0, 1, -1), 0.1), "interval"),
        (lambda: zone(Interval(0, -math.inf, 1), 0.1), "interval"),
        (lambda: verdict("maybe", matched=True), "zone"),
        (lambda: judge([], matched=True, scale="cpu"), "parts"),
        (lambda: judge([part((1.0, 2.0, 3.0))], matched=True, scale="huge"), "scale"),
    ],
)
def test_bad_input_is_named(call: object, named: str) -> None:
    with pytest.raises(ValueError, match=rf"^{named} must"):
        call()  # type: ignore[operator]


def test_comparisons_in_words() -> None:
    assert describe(part((0.5, 0.51, 0.49))) == (
        "a over b: +0.5 dB [+0.475, +0.525], 3 seeds; claimed above, margin 0.1 dB"
    )
    assert "no value" in describe(part(())) and "alone" in describe(part((1.0,)))
    assert "at par or below" in describe(part((1.0, 2.0), claimed=-1, par=True))
