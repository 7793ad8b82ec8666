"""What is arbitrary about a network is taken out, and nothing else: order, scale and side of its channels."""

from __future__ import annotations

import builtins
import copy
import functools
import itertools
import json
import math
import time
from typing import Any

import pytest
import torch
from pictures import photo
from torch import Tensor, nn

from lossedu import data, mse_loss
from lossedu.experiments.landscape import barrier, compare, distance, line, relative_barrier
from lossedu.experiments.matching import descend, gap, matched
from lossedu.experiments.symmetry import Chain, canonical, chain, holding, reorder, rescale, scrambled, turn_over
from lossedu.nets import RestorationCNN, SuperResolutionCNN, inner


def network(width: int = 6, seed: int = 0, *, residual: bool = False) -> nn.Module:
    """A network as training may leave it: biases and slopes of every kind, negative and above 1 among them."""
    torch.manual_seed(seed)
    made = RestorationCNN(width, residual=residual).double()
    with torch.no_grad():
        for layer in made.layers:
            if isinstance(layer, nn.PReLU):
                layer.weight.copy_(torch.linspace(-0.6, 0.7, width)[torch.randperm(width)])
                layer.weight[0] = 1.7
                layer.weight[1] = -1.3
            elif isinstance(layer, nn.Conv2d) and layer.bias is not None:
                layer.bias.normal_(0, 0.1)
    return made


def disguised(original: nn.Module, seed: int = 0, *, spread: float = 1.5, turn: bool = True) -> nn.Module:
    """Return a copy that computes the same with other numbers, by all three symmetries."""
    c, rng = chain(original), torch.Generator().manual_seed(seed)
    for k, slopes in enumerate(c.slopes):
        if turn:
            turn_over(c, k, torch.rand(len(slopes), generator=rng) < 0.5)
        factor = torch.exp(spread * torch.randn(len(slopes), generator=rng, dtype=torch.float64))
        rescale(c, k, factor, 1 / factor)
        reorder(c, k, torch.randperm(len(slopes), generator=rng))
    return holding(c, original)


def same_function(a: nn.Module, b: nn.Module) -> bool:
    x = photo(size=24)
    with torch.no_grad():
        return torch.allclose(a(x), b(x), rtol=1e-10, atol=1e-11)


@functools.cache
def trained(seed: int) -> nn.Module:
    """Sixty steps of denoising on photographs."""
    torch.manual_seed(seed)
    made = RestorationCNN(6)
    sampler = data.PatchSampler(
        [photo(name, 128).float() for name in ("chelsea", "coffee")], size=25, batch=4, seed=seed
    )
    optimiser = torch.optim.Adam(made.parameters(), lr=4e-3)
    for step in range(60):
        clean = sampler.batch_at(step)
        loss = mse_loss(made(clean + 0.1 * torch.randn(clean.shape)), inner(clean, made.margin))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return made


def loss_of(model: nn.Module) -> float:
    clean = photo("astronaut", 48, top=60, left=200)
    noisy = clean + 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(7)).to(clean)
    with torch.no_grad():
        return float(mse_loss(model(noisy.to(next(model.parameters()))), inner(clean, 8)))


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("width", [2, 7])
def test_each_change_leaves_the_function_as_it_was(width: int, residual: bool) -> None:
    original = network(width, residual=residual)
    other = disguised(original)
    assert distance(original, other) > 0.5
    for copied in (other, canonical(original), matched(other, original), matched(original, network(width, 1))):
        assert same_function(copied, original)
    assert not same_function(scrambled(original), original)


def test_in_float32_the_function_is_kept_to_rounding() -> None:
    model, x = trained(0), photo(size=40).float()
    near = matched(model, trained(1))
    with torch.no_grad():
        error = (near(x) - model(x)).abs().max()
    assert error < 2e-6
    assert next(near.parameters()).dtype == torch.float32


def test_canonical_form() -> None:
    form = chain(canonical(network(7)))
    for k, slopes in enumerate(form.slopes):
        assert slopes.abs().max() <= 1
        enters = form.weights[k].square().sum(dim=(1, 2, 3)) + form.biases[k].square()
        leaves = form.weights[k + 1].square().sum(dim=(0, 2, 3))
        assert torch.allclose(enters, leaves, rtol=1e-12, atol=0)
    again = chain(canonical(holding(form, network(7))))
    assert gap(again, form) < 1e-24


def test_canonical_form_is_the_shortest_of_all_scales() -> None:
    form = chain(canonical(network(5)))

    def energy(c: Chain) -> float:
        return sum(float(t.square().sum()) for t in [*c.weights, *c.biases])

    rng = torch.Generator().manual_seed(0)
    for _ in range(20):
        other = form.copy()
        for k in range(2):
            factor = torch.exp(0.1 * torch.randn(5, generator=rng, dtype=torch.float64))
            rescale(other, k, factor, 1 / factor)
        assert energy(other) > energy(form)


@pytest.mark.parametrize("spread", [0.0, 3.0])
def test_there_is_one_canonical_form_whatever_the_scales_and_sides(spread: float) -> None:
    original = network(5)
    c = chain(original)
    for k in range(2):
        turn_over(c, k, torch.tensor([True, False, True, True, False]))
        factor = torch.exp(spread * torch.linspace(-1, 1, 5, dtype=torch.float64))
        rescale(c, k, factor, 1 / factor)
    assert distance(canonical(holding(c, original)), canonical(original)) < 1e-12


def test_silent_channels_become_zero_and_do_no_harm() -> None:
    original = network(5)
    with torch.no_grad():
        original.layers[2].weight[:, 3] = 0  # nothing leaves channel 3 of the first layer
        original.layers[2].weight[1] = 0  # nothing enters channel 1 of the second
        original.layers[2].bias[1] = 0
    form = canonical(original)
    assert same_function(form, original)
    c = chain(form)
    assert not c.weights[0][3].any() and not c.biases[0][3] and not c.slopes[0][3]
    assert not c.weights[2][:, 1].any() and not c.slopes[1][1]
    assert distance(form, matched(disguised(form, turn=False), form)) < 1e-12


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_a_disguised_copy_is_recognised(residual: bool, seed: int) -> None:
    original = network(8, seed, residual=residual)
    found = compare(original, disguised(original, seed), loss_of)
    assert found["distance_raw"] > 1
    assert found["distance"] < 1e-12
    assert found["barrier"] < 1e-9
    assert found["distance_chance"] > 0.8


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_a_disguised_trained_network_has_a_barrier_before_matching_and_none_after(spread: float) -> None:
    model = trained(0)
    found = compare(model, disguised(model, turn=False, spread=spread), loss_of)
    assert found["barrier_raw_relative"] > 2
    assert abs(found["barrier_relative"]) < 1e-4
    assert found["distance"] < 1e-6 < 0.5 < found["distance_balanced"]


@pytest.mark.parametrize("noise", [0.01, 0.1])
def test_the_order_is_found_under_noise(noise: float) -> None:
    original = network(16)
    shaken = copy.deepcopy(original)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in shaken.layers.parameters():
            parameter.add_(noise * parameter.square().mean().sqrt() * torch.randn_like(parameter))
    found = matched(disguised(shaken, turn=False), original)
    assert distance(found, canonical(shaken)) < 1e-12  # channel for channel
    assert distance(found, canonical(original)) < 3 * noise


@pytest.mark.parametrize("seed", range(4))
def test_sides_do_not_part_channels_whose_slopes_are_about_one(seed: int) -> None:
    first, second = network(6, seed), network(6, seed)
    with torch.no_grad():
        for model, slope in ((first, 0.99), (second, 1.01)):
            for k in (1, 3):
                model.layers[k].weight[2:] = torch.tensor([slope, -slope, slope, -slope])
    assert distance(canonical(first), canonical(second)) > 0.3  # what was turned over in one was not in the other
    found = matched(disguised(second, seed, turn=False), first)
    assert distance(found, canonical(first)) < 0.02
    assert same_function(found, second)


def brute_force(b: nn.Module, a: nn.Module) -> float:
    """The smallest gap over all orders of both layers."""
    target, best = chain(canonical(a)), math.inf
    for orders in itertools.product(itertools.permutations(range(3)), repeat=2):
        c = chain(canonical(b))
        for k, order in enumerate(orders):
            reorder(c, k, torch.tensor(order))
        best = min(best, gap(c, target))
    return best


def mild(seed: int) -> nn.Module:
    """No slope near 1: then turning over never helps, and all orders are all there is."""
    model = network(3, seed)
    with torch.no_grad():
        for k in (1, 3):
            model.layers[k].weight.copy_(torch.tensor([0.2, -0.1, 0.3]))
    return model


@pytest.mark.parametrize("seed", range(4))
def test_the_closest_order_of_all_is_found(seed: int) -> None:
    a, b = mild(seed), mild(seed + 10)
    assert gap(chain(matched(b, a)), chain(canonical(a))) == pytest.approx(brute_force(b, a), rel=1e-9)


@pytest.mark.parametrize("width", [4, 16])
def test_no_step_of_the_matching_leads_away(width: int) -> None:
    moved = 0
    for seed in range(5):
        ours, target = chain(canonical(network(width, seed))), chain(canonical(network(width, seed + 20)))
        end, gaps = descend(ours, target)
        assert all(after <= before * (1 + 1e-13) for before, after in itertools.pairwise(gaps))
        assert gaps[0] == gap(ours, target) and gaps[-1] == gap(end, target)
        moved += gaps[-1] < gaps[0]
        again, rest = descend(end, target)  # nothing is left to do
        assert len(rest) == 3 and gap(again, end) == 0
    assert moved >= 4


@pytest.mark.parametrize("seed", [6, 16, 17])
def test_the_order_as_it_is_is_tried_too(seed: int) -> None:
    """Networks from the same first weights belong together channel for channel; here no other start does as well."""
    a, b = network(12, seed), network(12, seed + 50)
    straight = descend(chain(canonical(b)), chain(canonical(a)))[1][-1]
    assert gap(chain(matched(b, a, restarts=0)), chain(canonical(a))) <= straight * (1 + 1e-12)


def test_restarts_help() -> None:
    a, b = network(12, 0), network(12, 1)
    plain, few, many = (
        distance(canonical(a), canonical(b)),
        *(distance(canonical(a), matched(b, a, restarts=n)) for n in (0, 30)),
    )
    assert many < few < plain


def test_matching_is_deterministic_and_changes_neither_network() -> None:
    a, b = network(8, 0), network(8, 1)
    before = copy.deepcopy((a.state_dict(), b.state_dict()))
    first = matched(b, a)
    torch.manual_seed(99)
    state = torch.get_rng_state()
    second = matched(b, a)
    assert torch.equal(torch.get_rng_state(), state)
    assert distance(first, second) == 0
    assert all(torch.equal(x, y) for old, new in zip(before, (a, b), strict=True) for x, y in pairs(old, new))


def pairs(old: dict[str, Tensor], model: nn.Module) -> list[tuple[Tensor, Tensor]]:
    return [(old[name], value) for name, value in model.state_dict().items()]


def test_two_seeds() -> None:
    found = compare(trained(0), trained(1), loss_of, points=7)
    assert found["distance"] < found["distance_balanced"] < 1.5
    assert len(found["line"]) == len(found["line_raw"]) == 7
    assert found["line"][0] == pytest.approx(found["line_raw"][0], rel=1e-4)
    assert found["line"][-1] == pytest.approx(found["line_raw"][-1], rel=1e-4)
    assert found["barrier"] >= 0 and found["barrier_raw"] >= 0
    flat = json.loads(json.dumps(found, allow_nan=False))
    numbers = [n for value in flat.values() for n in (value if isinstance(value, list) else [value])]
    assert all(math.isfinite(n) and n == float(f"{n:.6g}") for n in numbers)


def test_a_scrambled_network_is_a_stranger_of_the_same_make() -> None:
    original = network(8)
    ours, theirs = chain(original), chain(scrambled(original))
    for x, y in zip(ours.weights, theirs.weights, strict=True):
        signs = (y / x).flatten(2)
        assert torch.equal(signs.abs().round(), torch.ones_like(signs))
        assert torch.equal(signs, signs[..., :1].expand_as(signs))  # one sign a kernel
        assert 0.2 < (signs[..., 0] > 0).double().mean() < 0.8
    for x, y in zip(ours.biases, theirs.biases, strict=True):
        assert torch.equal(x.abs(), y.abs()) and not torch.equal(x, y)
    assert all(torch.equal(x, y) for x, y in zip(ours.slopes, theirs.slopes, strict=True))
    assert distance(scrambled(original), scrambled(original)) == 0 < distance(original, scrambled(original, 1))


def test_a_stranger_is_no_closer_than_chance() -> None:
    """The fall in distance that matching brings is no finding by itself."""
    for seed in range(3):
        found = compare(network(12, seed), network(12, seed + 5), lambda _: 1.0)
        assert found["distance"] < 0.97 * found["distance_balanced"]
        assert found["distance"] == pytest.approx(found["distance_chance"], rel=0.03)


def test_the_network_of_the_paper_is_matched_in_time() -> None:
    a, b = RestorationCNN(), RestorationCNN()
    start = time.process_time()
    near = matched(b, a)
    assert time.process_time() - start < 10  # about half a second on an idle core
    assert 0 < distance(near, canonical(a)) < distance(canonical(b), canonical(a))


@pytest.mark.parametrize("residual", [False, True])
def test_the_super_resolution_network(residual: bool) -> None:
    torch.manual_seed(0)
    original = SuperResolutionCNN(6, residual=residual).double()
    other = disguised(original, turn=False)
    near = matched(other, original)
    assert same_function(near, original)
    assert distance(near, canonical(original)) < 1e-12 < 0.5 < distance(other, original)


def test_distance() -> None:
    a = network()
    double, opposite = copy.deepcopy(a), copy.deepcopy(a)
    with torch.no_grad():
        for parameter, mirror in zip(double.parameters(), opposite.parameters(), strict=True):
            parameter.mul_(2)
            mirror.neg_()
    assert distance(a, a) == 0
    assert distance(a, opposite) == pytest.approx(2)
    assert distance(a, double) == distance(double, a) == pytest.approx(1 / math.sqrt(2))
    torch.manual_seed(0)
    first, second = (nn.Linear(100, 100) for _ in range(2))
    assert distance(first, second) == pytest.approx(math.sqrt(2), abs=0.03)
    with torch.no_grad():
        for parameter in double.parameters():
            parameter.zero_()
    with pytest.raises(ValueError, match="a and b must each have a parameter that is not 0"):
        distance(a, double)
    with pytest.raises(ValueError, match="equal names and shapes"):
        distance(a, network(5))


def test_line_walks_from_one_to_the_other() -> None:
    a, b = nn.Linear(1, 1), nn.Linear(1, 1)
    with torch.no_grad():
        a.weight.fill_(0.1), b.weight.fill_(0.7), a.bias.fill_(1.0), b.bias.fill_(-1.0)

    def weight(model: Any) -> float:
        assert not model.training and not torch.is_grad_enabled()
        return model.weight.item()

    walked = line(a, b, weight, points=5)
    assert walked == pytest.approx([0.1, 0.25, 0.4, 0.55, 0.7])
    assert (walked[0], walked[-1]) == (a.weight.item(), b.weight.item())
    assert line(a, b, lambda m: m.bias.item(), points=3) == [1.0, 0.0, -1.0]
    assert a.training and a.weight.item() == pytest.approx(0.1)  # as it was
    for points in (2, 0, 2.5):
        with pytest.raises(ValueError, match="points must be"):
            line(a, b, weight, points=points)  # type: ignore[arg-type]


def test_barrier() -> None:
    assert barrier([1, 2, 3]) == 0  # a slope is no barrier
    assert barrier([1, 0.5, 3]) == 0  # nor is a valley
    assert barrier([1, 2.5, 3]) == pytest.approx(0.5)
    assert barrier([0, 4, 1, 3, 0]) == 4
    assert barrier([4, 4, 4, 0]) == pytest.approx(8 / 3)  # above the slope, though nowhere above an end
    assert relative_barrier([1, 2.5, 3]) == pytest.approx(0.25)
    assert relative_barrier([0, 1, 0]) is None
    for values in ([1, 2], [1, math.nan, 1], [1, math.inf, 1], []):
        with pytest.raises(ValueError, match="values must be at least 3 finite numbers"):
            barrier(values)


def test_what_cannot_be_matched_is_refused() -> None:
    good = network(4)
    with pytest.raises(ValueError, match="network_b must have weights of the shapes of network_a"):
        matched(network(5), good)
    with pytest.raises(ValueError, match="restarts must be at least 0, got -1"):
        matched(good, good, restarts=-1)
    with pytest.raises(TypeError, match="seed must be an integer"):
        matched(good, good, seed=0.5)  # type: ignore[arg-type]
    wrong: list[list[nn.Module]] = [
        [nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 3)],
        [nn.Conv2d(3, 4, 3), nn.PReLU(1), nn.Conv2d(4, 3, 3)],
        [nn.Conv2d(3, 4, 3, bias=False), nn.PReLU(4), nn.Conv2d(4, 3, 3)],
        [nn.Conv2d(3, 4, 3), nn.PReLU(4), nn.Conv2d(4, 4, 3, groups=2)],
        [nn.Conv2d(3, 4, 3), nn.PReLU(4)],
        [nn.Conv2d(3, 4, 3)],
    ]
    for layers in wrong:
        model = nn.Module()
        model.layers = nn.Sequential(*layers)
        with pytest.raises(TypeError, match=r"network must have layers that are convolutions with bias.*got Conv2d"):
            canonical(model)
    with pytest.raises(TypeError, match="got none in Linear"):
        canonical(nn.Linear(2, 2))


def test_without_scipy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = builtins.__import__

    def bare(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("scipy"):
            raise ImportError(name)
        return whole(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", bare)
    with pytest.raises(ImportError, match="matching the channels of two networks needs the package scipy"):
        matched(network(2), network(2))
