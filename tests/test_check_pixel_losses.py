"""The checks of chapter 1: model solutions pass, typical mistakes fail and are called by their name."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import chapter_solutions
import numpy as np
import pytest
import torch
from torch import Tensor

import lossedu as le
from lossedu import check

pytest.importorskip("skimage")

FUNCTIONS = ("weighted_median", "charbonnier_gradient", "careful_mse", "clipped_target", "interval_of_three")


@pytest.fixture(scope="module")
def solutions() -> Any:
    return chapter_solutions.solutions("ch01")


def hints(verdict: check.Verdict) -> str:
    return " | ".join(item.hint for item in verdict.failures)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_model_solution_passes(solutions: Any, name: str) -> None:
    verdict = getattr(check, name)(getattr(solutions, name))
    assert verdict.passed, verdict
    assert len(verdict.properties) >= 5


def test_the_other_model_solutions_pass(solutions: Any) -> None:
    assert check.orders_by_loss(*solutions.orders).passed
    assert check.both_win(*solutions.network_errors).passed


def test_orders() -> None:
    right = ["shift", "grain", "spots"]
    verdict = check.orders_by_loss(right, right)
    assert not verdict.passed and "how far they are off on average" in hints(verdict) and not verdict.notes
    verdict = check.orders_by_loss(right[::-1], right[::-1])
    assert "the square of how far" in hints(verdict) and [item.ok for item in verdict.properties] == [1, 0, 1, 1]
    assert not check.orders_by_loss(["shift"], right).passed
    with pytest.raises(TypeError, match="by_l1 must be a list of three names"):
        check.orders_by_loss(right, "shift")
    html = check.orders_by_loss(right, right[::-1])._repr_html_()
    assert "<img" in html and "scattered black and white" in html


def unsorted(values: Tensor, weights: Tensor) -> Tensor:
    return values[weights.cumsum(0) >= weights.sum() / 2][0]


def sorted_alone(values: Tensor, weights: Tensor) -> Tensor:
    return values.sort().values[weights.cumsum(0) >= weights.sum() / 2][0]


def not_normalised(values: Tensor, weights: Tensor) -> Tensor:
    order = values.argsort()
    return values[order][weights[order].cumsum(0) >= 0.5][0]


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda v, w: (v * w).sum() / w.sum(), "the weighted mean"),
        (sorted_alone, "their weights were not"),
        (unsorted, "sort the values first"),
        (lambda v, w: v[w.argmax()], "the mode"),
        (lambda v, w: v.median(), "the weights were not used"),
        (not_normalised, "half of their sum"),
        (lambda v, w: v.max() + 1, "below your number lies 100%"),
    ],
)
def test_wrong_medians(answer: Callable[[Tensor, Tensor], Tensor], hint: str) -> None:
    verdict = check.weighted_median(answer)
    assert not verdict.passed
    assert hint in hints(verdict), verdict


def test_any_median_passes() -> None:
    def upper(values: Tensor, weights: Tensor) -> Tensor:
        order = values.argsort()
        share = weights[order].cumsum(0) / weights.sum()
        return values[order][share > 0.5 + 1e-12][0]

    def by_search(values: Tensor, weights: Tensor) -> Tensor:
        return min(values, key=lambda a: float((weights * (values - a).abs()).sum()))

    for answer in (upper, by_search):
        assert check.weighted_median(answer).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, y, eps: torch.sign(x - y) / x.numel(), "gradient of the mean absolute error"),
        (lambda x, y, eps: 2 * (x - y) / x.numel(), "gradient of the mean square error"),
        (lambda x, y, eps: (x - y) / ((x - y) ** 2 + eps**2).sqrt(), "1/N is missing"),
        (lambda x, y, eps: (y - x) / ((x - y) ** 2 + eps**2).sqrt() / x.numel(), "wrong sign"),
        (lambda x, y, eps: (x - y) / ((x - y) ** 2 + eps).sqrt() / x.numel(), "eps is not squared"),
        (lambda x, y, eps: (((x - y) ** 2 + eps**2).sqrt() - eps) / x.numel(), "not its derivative"),
        (lambda x, y, eps: 1 / ((x - y) ** 2 + eps**2).sqrt() / x.numel(), "chain rule"),
        (lambda x, y, eps: (x - y) / ((x - y) ** 2 + eps**2).sqrt() / 2 / x.numel(), "factor 2 is missing"),
    ],
)
def test_wrong_gradients(answer: Callable[..., Tensor], hint: str) -> None:
    verdict = check.charbonnier_gradient(answer)
    assert not verdict.passed
    assert hint in hints(verdict), verdict


def test_autograd_passes_as_a_gradient() -> None:
    def by_autograd(x: Tensor, y: Tensor, eps: float) -> Tensor:
        x = x.clone().requires_grad_()
        return torch.autograd.grad(le.charbonnier_loss(x, y, eps=eps), x)[0]

    assert check.charbonnier_gradient(by_autograd).passed


def refusing(x: Tensor, y: Tensor, value: Callable[[Tensor, Tensor], Any]) -> Any:
    if x.shape != y.shape:
        raise ValueError("shapes differ")
    if not x.is_floating_point():
        raise TypeError("no floats")
    return value(x, y)


def refusing_bytes(x: Tensor, y: Tensor) -> Tensor:
    if x.shape != y.shape:
        raise ValueError("shapes differ")
    if x.dtype == torch.uint8:
        raise TypeError("no bytes")
    return (x.double() - y.double()).square().mean()


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, y: ((x - y) ** 2).mean(), "torch stretches the smaller tensor"),
        (lambda x, y: ((x - y) ** 2).mean(), "float32 before you square"),
        (lambda x, y: ((x.double() - y.double()) ** 2).mean(), "unsigned integers wrap round"),
        (lambda x, y: refusing_bytes(x, y), "integers are of many kinds"),
        (lambda x, y: refusing(x, y, lambda a, b: ((a - b) ** 2).sum()), "sum instead of mean"),
        (lambda x, y: refusing(x, y, lambda a, b: (a - b).abs().mean()), "mean absolute error"),
        (lambda x, y: refusing(x, y, lambda a, b: ((a - b) ** 2).mean() / 2), "factor 1/2"),
        (lambda x, y: refusing(x, y, lambda a, b: float(((a - b) ** 2).mean())), "cut the graph"),
    ],
)
def test_careless_errors(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.careful_mse(answer)
    assert not verdict.passed
    assert hint in hints(verdict), verdict


HALVES = (torch.float16, torch.bfloat16)
KINDS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def floating(x: Tensor, y: Tensor) -> bool:
    return x.is_floating_point() and y.is_floating_point()


def careful(
    differ: Callable[[Tensor, Tensor], bool] = lambda x, y: x.shape != y.shape,
    accepted: Callable[[Tensor, Tensor], bool] = floating,
    halves: Sequence[torch.dtype] = HALVES,
    value: Callable[[Tensor, Tensor], Tensor] = lambda x, y: (x - y).square().mean(),
) -> Callable[[Tensor, Tensor], Tensor]:
    def answer(x: Tensor, y: Tensor) -> Tensor:
        if differ(x, y):
            raise ValueError("shapes differ")
        if not accepted(x, y):
            raise TypeError("no floats")
        if x.dtype in halves:
            x, y = x.float(), y.float()
        return value(x, y)

    return answer


def cast_back(x: Tensor, y: Tensor) -> Tensor:
    return careful()(x, y).to(x.dtype)


def subtracted_in_half(x: Tensor, y: Tensor) -> Tensor:
    q = x - y
    return (q.float() if q.dtype in HALVES else q).square().mean()


@pytest.mark.parametrize(
    ("answer", "hint", "failed"),
    [
        (careful(differ=lambda x, y: (x.numel(), x.dim()) != (y.numel(), y.dim())), "not one shape", ["(1, 4)"]),
        (careful(accepted=lambda x, y: x.is_floating_point()), "ask both", ["floats against bytes"]),
        (careful(accepted=lambda x, y: y.is_floating_point()), "ask both", ["bytes against floats"]),
        (careful(accepted=lambda x, y: x.dtype not in KINDS and y.dtype not in KINDS), "bool is no float", ["bool"]),
        (careful(halves=HALVES[:1]), "two kinds of half precision", ["bfloat16: 1", "bfloat16 in"]),
        (careful(halves=HALVES[1:]), "float32 before you square", ["errors of 1e-4", "float16: 1", "float16 in"]),
        (careful(halves=(*HALVES, torch.float64)), "from half precision alone", ["errors of 1e-9", "float64 in"]),
        (
            careful(halves=(), value=lambda x, y: (x.double() - y.double()).square().mean()),
            "the dtype that came",
            ["float16 in", "bfloat16 in", "float32 in"],
        ),
        (careful(halves=(), value=subtracted_in_half), "before you subtract", ["float16: 1", "bfloat16: 1"]),
    ],
)
def test_errors_that_are_careful_but_for_one_thing(answer: Callable[..., Any], hint: str, failed: list[str]) -> None:
    verdict = check.careful_mse(answer)
    assert hint in hints(verdict), verdict
    assert len(verdict.failures) == len(failed)
    assert all(words in item.name for words, item in zip(failed, verdict.failures, strict=True)), verdict


def test_a_result_that_is_cast_back_to_half_precision_is_told_so() -> None:
    verdict = check.careful_mse(cast_back)
    assert [item.hint for item in verdict.failures if item.hint] == [verdict.failures[0].hint]
    assert "cast back" in verdict.failures[0].hint


def test_other_careful_errors_pass() -> None:
    def by_name(x: Tensor, y: Tensor) -> Tensor:
        if tuple(x.shape) != tuple(y.shape):
            raise ValueError("shapes differ")
        for one in (x, y):
            if one.dtype not in (*HALVES, torch.float32, torch.float64):
                raise TypeError("no floats")
        wide = torch.promote_types(x.dtype, torch.float32)
        return torch.nn.functional.mse_loss(x.to(wide), y.to(wide))

    assert check.careful_mse(careful()).passed
    assert check.careful_mse(by_name).passed


def test_a_wrong_kind_of_error_is_told() -> None:
    def asserts(x: Tensor, y: Tensor) -> Tensor:
        assert x.shape == y.shape, "shapes differ"
        return ((x.float() - y.float()) ** 2).mean()

    text = repr(check.careful_mse(asserts))
    assert "AssertionError" in text and "a ValueError" in text


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda level, spread: (level, level), "clipping moves the mean"),
        (lambda level, spread: sampled(level, spread)[::-1], "swapped"),
        (lambda level, spread: (sampled(level, spread)[0],) * 2, "swapped"),
        (lambda level, spread: (level + spread, level), "mean of the clipped values"),
        (lambda level, spread: (sampled(level, spread)[0], 0.5), "keeps the order of the values"),
    ],
)
def test_wrong_answers_to_clipped_targets(answer: Callable[[float, float], Any], hint: str) -> None:
    verdict = check.clipped_target(answer)
    assert not verdict.passed
    assert hint in hints(verdict), verdict


@pytest.mark.parametrize(
    ("low", "high", "end"), [(0.0, 9.0, "above 1"), (-9.0, 1.0, "below 0"), (-9.0, 9.0, "below 0")]
)
def test_the_end_that_was_not_clipped_is_named(low: float, high: float, end: str) -> None:
    def answer(level: float, spread: float) -> tuple[float, float]:
        normal = statistics.NormalDist(level, spread)
        quantiles = [normal.inv_cdf((k + 0.5) / 20_001) for k in range(20_001)]
        cut = [min(high, max(low, value)) for value in quantiles]
        return statistics.fmean(cut), statistics.median(cut)

    verdict = check.clipped_target(answer)
    assert not verdict.passed and f"what is cut off {end} has no counterpart" in verdict.failures[0].hint, verdict


def sampled(level: float, spread: float) -> tuple[float, float]:
    normal = statistics.NormalDist(level, spread)
    quantiles = [min(1.0, max(0.0, normal.inv_cdf((k + 0.5) / 20_001))) for k in range(20_001)]
    return statistics.fmean(quantiles), statistics.median(quantiles)


def test_the_closed_form_of_a_clipped_mean_is_that_of_the_experiment() -> None:
    from lossedu.check.pixel_losses.targets import clipped_mean
    from lossedu.experiments.noisy_targets import SPREAD, expected

    for level in (0.0, 0.3, 0.95):
        assert clipped_mean(level, SPREAD) - level == pytest.approx(expected("clipped", "l2", level), abs=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "hint"),
    [
        ([0.001, 0.001], [0.001, 0.001], "a hundred times the error"),
        ([0.002, 0.002], [0.001, 0.001], "PSNR is a logarithm"),
        ([0.001, 0.001], [0.002, 0.002], "the mean of errors belongs to the largest"),
    ],
)
def test_pairs_of_networks_that_do_not_both_win(a: list[float], b: list[float], hint: str) -> None:
    verdict = check.both_win(torch.tensor(a), torch.tensor(b))
    assert not verdict.passed and hint in hints(verdict), verdict


def test_errors_that_no_pictures_have() -> None:
    one = torch.tensor([0.001, 0.01])
    for other in (torch.tensor([0.001]), one[None], torch.tensor([0.0, 0.01]), torch.tensor([0.5, 0.01])):
        assert not check.both_win(one, other).passed
    with pytest.raises(ValueError, match="mse_a must be a sequence of numbers"):
        check.both_win(["text"], one)  # type: ignore[list-item]


def test_the_ends_of_the_range_pass_in_single_precision_and_lists_and_arrays_do() -> None:
    a, b = [1e-3, 1e-1], [2e-3, 0.09]
    for make in (torch.tensor, list, np.array):
        assert check.both_win(make(a), make(b)).passed
    assert check.both_win(torch.tensor([1e-5, 1e-2]), torch.tensor([2e-5, 9e-3])).passed


def around(factor: float, correction: int = 1, root: float = 3.0) -> Callable[[Sequence[float]], tuple[float, float]]:
    def interval(values: Sequence[float]) -> tuple[float, float]:
        mean = statistics.fmean(values)
        deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (3 - correction))
        return mean - factor * deviation / math.sqrt(root), mean + factor * deviation / math.sqrt(root)

    return interval


@pytest.mark.parametrize(
    ("answer", "hint", "share"),
    [
        (lambda values: (min(values), max(values)), "however you resample", 0.75),
        (around(1.96), "1.96 is for a deviation that is known", 0.81),
        (around(1.96, correction=0), "must divide by n - 1", 0.75),
        (around(4.303, correction=0), "must divide by n - 1", 0.93),
        (around(4.303, root=1.0), "divide by the root of 3", 0.98),
        (around(3.0), "it is too short", 0.9),
        (around(8.0), "longer than it needs to be", 0.98),
    ],
)
def test_intervals_that_cover_too_little_or_too_much(answer: Callable[..., Any], hint: str, share: float) -> None:
    verdict = check.interval_of_three(answer)
    assert not verdict.passed and hint in hints(verdict), verdict
    (seen,) = [item.seen for item in verdict.failures]
    assert float(seen.split("%")[0].removeprefix("in ")) / 100 == pytest.approx(share, abs=0.03)


def test_an_interval_of_fixed_width_covers_and_does_not_pass() -> None:
    def known(values: Sequence[float]) -> tuple[float, float]:
        return statistics.fmean(values) - 2 / math.sqrt(3), statistics.fmean(values) + 2 / math.sqrt(3)

    verdict = check.interval_of_three(known)
    assert [item.name for item in verdict.failures] == ["grows with the values"] and "three values" in hints(verdict)
    assert check.interval_of_three(lambda values: np.array(around(4.303)(values))).passed


def test_an_interval_that_does_not_move_with_its_values() -> None:
    assert not check.interval_of_three(lambda values: (-3.0, 5.0)).passed
    assert not check.interval_of_three(lambda values: (values[0], values[0])).passed
