"""Exercises that need nothing but counting: receptive fields, and how often a transposed convolution writes a pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F

from ..examination import Examination
from ..reader import function
from ..verdict import Verdict

Layers = Sequence[tuple[int, int]]

_C, _P = (3, 1), (2, 2)

#: Title -> kernels and strides, and a hint.
NETWORKS: dict[str, tuple[Layers, str]] = {
    "one layer": ([_C], "one 3 x 3 convolution sees 3 pixels"),
    "two layers": ([_C, _C], "each further 3 x 3 convolution adds 2 steps of one pixel"),
    "a pool between": ([_C, _P, _C], "behind a stride of 2 a step is 2 pixels, and the pool itself adds one of 1"),
    "relu4_3 of VGG-16": (
        [_C] * 2 + [_P] + [_C] * 2 + [_P] + [_C] * 3 + [_P] + [_C] * 3,
        "ten convolutions and three pools; the strides multiply",
    ),
    "AlexNet to its third": ([(11, 4), (3, 2), (5, 1), (3, 2), (3, 1)], "a stride counts for all layers behind it"),
    "nothing": ([], "a pixel of the picture sees itself"),
}

_FIELD = "fn(layers)"


def field_size(fn: Callable[[Layers], Any]) -> Verdict:
    """Check ``fn(layers)``: how many pixels a unit behind these layers sees, in one direction; (6.2).

    Parameters
    ----------
    fn : callable
        Takes a list of pairs (kernel, stride), the first layer first; returns one number.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _FIELD)
    with Examination("field_size", _FIELD) as exam:
        for title, (layers, hint) in NETWORKS.items():
            answer = exam.number(exam.call(fn, list(layers)))
            size, plain, late, own = _sizes(layers)
            mistakes = [
                ("the strides are left out: a step behind a stride of 2 is 2 pixels", float(plain)),
                ("a layer's own stride counts only for the layers behind it", float(own)),
                ("this is the step between neighbours, not the size of the field", float(late)),
                ("kernel - 1, and the size begins with 1", float(size - 1)),
            ]
            exam.value(title, answer, float(size), rtol=1e-9, mistakes=mistakes, hint=hint)
    return exam.verdict()


def _sizes(layers: Layers) -> tuple[int, int, int, int]:
    """Return the size of the field, the same without strides, the step, and the size with each stride too early."""
    size, plain, step, own = 1, 1, 1, 1
    for kernel, stride in layers:
        size += (kernel - 1) * step
        plain += kernel - 1
        step *= stride
        own += (kernel - 1) * step
    return size, plain, step, own


_COVERAGE = "fn(length, kernel, stride)"


def write_counts(fn: Callable[[int, int, int], Any]) -> Verdict:
    """Check ``fn(length, kernel, stride)``: how often a transposed convolution writes each place of its output.

    Parameters
    ----------
    fn : callable
        Takes the length of the input, the kernel and the stride; returns a floating tensor (n,) with
        n = (length - 1) * stride + kernel.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _COVERAGE)
    with Examination("write_counts", _COVERAGE) as exam:
        for length, kernel, stride in ((4, 3, 2), (4, 4, 2), (3, 2, 2), (5, 5, 3), (3, 1, 2), (6, 3, 1)):
            right = counts(length, kernel, stride)
            short: dict[tuple[int, ...], str] = {
                (length * stride,): "nothing is cut off at the end: the last input writes a whole kernel"
            }
            name = f"{length} inputs, kernel {kernel}, stride {stride}"
            answer = exam.tensor(exam.call(fn, length, kernel, stride), tuple(right.shape), shape_hints=short)
            mistakes = [
                ("every place is not written equally often: count", torch.full_like(right, kernel / stride)),
                ("inputs lie stride apart in the output, not side by side", counts_from_left(length, kernel, stride)),
            ]
            hint = "input k writes the places k * stride to k * stride + kernel - 1"
            rows = [(words, value[None]) for words, value in mistakes]
            exam.value(name, answer[None], right[None], rtol=1e-6, mistakes=rows, hint=hint)
    return exam.verdict()


def counts(length: int, kernel: int, stride: int) -> torch.Tensor:
    """Return how often each place is written, float64."""
    ones = torch.ones(1, 1, length, dtype=torch.float64)
    return F.conv_transpose1d(ones, torch.ones(1, 1, kernel, dtype=torch.float64), stride=stride).flatten()


def counts_from_left(length: int, kernel: int, stride: int) -> torch.Tensor:
    """Return the same where inputs are taken to lie side by side, with zeros behind."""
    dense = counts(length, kernel, 1)
    return F.pad(dense, (0, (length - 1) * stride + kernel - len(dense)))
