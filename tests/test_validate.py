"""What bad input gets: an error that names the argument, says what came, and what would be accepted."""

# mypy: disable-error-code="arg-type, dict-item, return-value"

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import functions
import numpy as np
import pytest
import torch
from torch import Tensor

import lossedu as le
from lossedu import _validate, filters
from lossedu.nets import RestorationCNN
from lossedu.records import load
from lossedu.training import train

OK = torch.rand(2, 3, 16, 16)
PAIRS: dict[str, Callable[..., Any]] = {
    **{case.name: case for case in functions.ALL if not case.unary and case.to_y},
    **{f"module {case.name}": case.twin(**case.options) for case in functions.LOSSES if case.twin and not case.unary},
    "ssim_map": le.ssim_map,
    "ssim_grad": le.ssim_grad,
    "ms_ssim_sigma_grad": le.ms_ssim_sigma_grad,
    "PerceptualLoss": functions.perceptual,
    "ContextualLoss": functions.contextual,
    "lpips": le.metrics.lpips,
    "dists": le.metrics.dists,
}
ONE: dict[str, Callable[..., Any]] = {
    **{case.name: case.function for case in functions.LOSSES if case.unary},
    "TVLoss": le.TVLoss(),
    "soft_histogram": le.soft_histogram,
    "color_blur": le.color_blur,
    "adversarial_color_loss": lambda x: functions.adversarial(x, x),
    "vgg_features": lambda x: le.vgg_features(x, ("relu1_1",), weights="random"),
}
SSIM = {"ssim": le.ssim, "ssim_loss": le.ssim_loss, "ssim_map": le.ssim_map, "ssim_grad": le.ssim_grad}

#: (x, y, error, words of the message): argument, what came, what is accepted
BAD_PAIRS: list[tuple[object, object, type[Exception], list[str]]] = [
    (None, OK, TypeError, ["x must be", "Tensor", "NoneType"]),
    (OK, 0.5, TypeError, ["y must be", "Tensor", "float"]),
    (np.zeros((2, 3, 16, 16), np.float32), OK, TypeError, ["x must be", "Tensor", "ndarray"]),
    ((255 * OK).byte(), OK, TypeError, ["x must have a floating dtype", "torch.uint8", "float32", "/ 255"]),
    (OK, OK.int(), TypeError, ["y must have a floating dtype", "torch.int32", "float32"]),
    (OK > 0.5, OK, TypeError, ["x must have a floating dtype", "torch.bool"]),
    (OK, OK.to(torch.complex64), TypeError, ["y must have a floating dtype", "torch.complex64"]),
    (OK[0], OK[0], ValueError, ["x must have shape (N, C, H, W)", "(3, 16, 16)"]),
    (OK[None], OK, ValueError, ["x must have shape (N, C, H, W)", "(1, 2, 3, 16, 16)"]),
    (OK[:0], OK[:0], ValueError, ["x must not be empty", "(0, 3, 16, 16)", "at least 1"]),
    (OK, OK[:, :1], ValueError, ["x and y must have the same shape", "(2, 3, 16, 16)", "(2, 1, 16, 16)"]),
    (OK, OK[..., 1:], ValueError, ["x and y must have the same shape", "(2, 3, 16, 16)", "(2, 3, 16, 15)"]),
    (OK, OK.to("meta"), ValueError, ["x and y must be on the same device", "cpu", "meta"]),
]


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(
    ("x", "y", "error", "words"), BAD_PAIRS, ids=[f"{row[3][0]}, {row[3][1]}" for row in BAD_PAIRS]
)
def test_bad_pairs(name: str, x: object, y: object, error: type[Exception], words: list[str]) -> None:
    with pytest.raises(error) as caught:
        PAIRS[name](x, y)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize(
    ("x", "error", "words"),
    [(row[0], row[2], row[3]) for row in BAD_PAIRS if row[3][0].startswith("x must")],
    ids=[f"{row[3][0]}, {row[3][1]}" for row in BAD_PAIRS if row[3][0].startswith("x must")],
)
def test_bad_single_images(name: str, x: object, error: type[Exception], words: list[str]) -> None:
    with pytest.raises(error) as caught:
        ONE[name](x)
    assert all(word in str(caught.value) for word in words), str(caught.value)


SAMPLES = torch.rand(3, 1, 16, 16)
TWO = le.WeightedLoss({"mse": (0.5, le.mse_loss), "l1": (0.5, le.l1_loss)})
NOT_POSITIVE = (0, -1.0, math.nan, math.inf, None, "1", True)


def frozen(*_: Tensor) -> Tensor:
    return torch.tensor(1.0)


#: (call, error, words of the message)
BAD_CALLS: list[tuple[Callable[[], object], type[Exception], list[str]]] = [
    *[
        (
            lambda case=case: case(*case.pair(), reduction="average"),
            ValueError,
            ["reduction must be one of 'mean', 'sum', 'none'", "'average'"],
        )
        for case in functions.ALL
        if case.name not in ("PerceptualLoss", "ContextualLoss")
    ],
    *[
        (
            lambda f=f: f(OK, OK, reduction="average"),
            ValueError,
            ["reduction must be one of 'mean', 'sum', 'none'", "'average'"],
        )
        for f in (le.ssim_grad, lambda x, y, reduction: le.PerceptualLoss(weights="random", reduction=reduction))
    ],
    *[
        (
            lambda case=case, v=v: case(*case.pair(), data_range=v),
            ValueError,
            ["data_range must be", "above 0", repr(v)],
        )
        for case in functions.ALL
        if "data_range" in inspect.signature(case.function).parameters and not case.name.startswith("ssim")
        for v in NOT_POSITIVE
    ],
    *[
        (lambda v=v: le.charbonnier_loss(OK, OK, eps=v), ValueError, ["eps must be", "above 0", repr(v)])
        for v in NOT_POSITIVE
    ],
    *[
        (
            lambda f=SSIM[name], o=option, v=v: f(OK, OK, **{o: v}),
            ValueError,
            [f"{option} must be", "above 0", repr(v)],
        )
        for name in SSIM
        for option in ("sigma", "data_range", "k1", "k2")
        for v in NOT_POSITIVE
    ],
    *[
        (
            lambda f=SSIM[name], v=v: f(OK, OK, kernel_size=v),
            ValueError,
            ["kernel_size must be", "odd", "centre", repr(v)],
        )
        for name in SSIM
        for v in (10, 0, -3, 11.0, "11", True)
    ],
    *[
        (
            lambda f=SSIM[name]: f(OK, OK, padding="same"),
            ValueError,
            ["padding must be one of 'valid', 'reflect'", "'same'"],
        )
        for name in SSIM
    ],
    *[
        (
            lambda f=SSIM[name]: f(OK, OK, sigma=3.0),
            ValueError,
            ["x is too small", "at least 23", "window of 23", "16 x 16", "smaller sigma", "reflect"],
        )
        for name in SSIM
    ],
    (
        lambda: le.ssim_loss(OK, OK, sigma=9.0, padding="reflect"),
        ValueError,
        ["x is too small", "at least 33", "window of 65", "padding='reflect'", "16 x 16"],
    ),
    (
        lambda: le.SSIMLoss(padding="zeros")(OK, OK),
        ValueError,
        ["padding must be one of 'valid', 'reflect'", "'zeros'"],
    ),
    (lambda: le.gaussian_blur(OK[0], 1.5), ValueError, ["x must have shape (N, C, H, W)", "(3, 16, 16)"]),
    (lambda: le.gaussian_blur(OK.byte(), 1.5), TypeError, ["x must have a floating dtype", "torch.uint8"]),
    (lambda: le.gaussian_blur([OK], 1.5), TypeError, ["x must be a torch.Tensor", "list"]),
    *[(lambda v=v: le.gaussian_blur(OK, v), ValueError, ["sigma must be", "above 0", repr(v)]) for v in NOT_POSITIVE],
    (lambda: le.gaussian_blur(OK, 1.5, kernel_size=4), ValueError, ["kernel_size must be", "odd", "4"]),
    (
        lambda: le.gaussian_blur(OK, 1.5, padding="same"),
        ValueError,
        ["padding", "'reflect', 'valid', 'zeros'", "'same'"],
    ),
    (
        lambda: le.gaussian_blur(OK, 4.0, padding="valid"),
        ValueError,
        ["x is too small", "29", "16 x 16", "or padding='reflect'"],
    ),
    (lambda: le.gaussian_blur(OK, 9.0), ValueError, ["x is too small", "at least 33", "16 x 16"]),
    *[
        (lambda d=d: filters.gaussian_window(1.5, dtype=d), ValueError, ["dtype must be", "torch.float32", str(d)])
        for d in (torch.float16, torch.bfloat16, torch.int64)
    ],
    (lambda: le.WeightedLoss({}), ValueError, ["terms must name at least one loss", "got none"]),
    (lambda: le.WeightedLoss([le.mse_loss]), TypeError, ["terms must be a dict", "(weight, loss)", "list"]),
    (lambda: le.WeightedLoss({"a": le.mse_loss}), TypeError, ["terms['a'] must be a pair (weight, loss)"]),
    (lambda: le.WeightedLoss({"a": (1.0, 2.0)}), TypeError, ["terms['a'] must be a pair", "(1.0, 2.0)"]),
    (lambda: le.WeightedLoss({"a": ("1", le.mse_loss)}), TypeError, ["terms['a'] must be a pair"]),
    *[
        (
            lambda v=v: le.WeightedLoss({"a": (v, le.mse_loss)}),
            ValueError,
            ["terms['a']", "weight of at least 0", str(v)],
        )
        for v in (-0.5, math.nan, math.inf)
    ],
    (lambda: le.price("mse"), TypeError, ["loss must be a function", "str"]),
    (lambda: le.price(le.mse_loss, size=8), ValueError, ["size must be at least 16", "8"]),
    (lambda: le.price(le.mse_loss, size=64.0), ValueError, ["size must be an integer", "64.0"]),
    (lambda: le.price(le.mse_loss, channels=0), ValueError, ["channels must be an integer of at least 1", "0"]),
    *[
        (lambda v=v: le.price(le.mse_loss, amplitude=v), ValueError, ["amplitude must be", repr(v)])
        for v in NOT_POSITIVE
    ],
    *[
        (lambda v=v: le.price(le.mse_loss, level=v), ValueError, ["level must be a number", repr(v)])
        for v in (None, math.nan, "x")
    ],
    *[
        (
            lambda v=v: le.price(le.mse_loss, frequencies=[v]),
            ValueError,
            ["frequencies must be a number from", "0.5", str(v)],
        )
        for v in (0.0, -0.1, 0.6, 2.0)
    ],
    (lambda: le.price(le.mse_loss, frequencies=[]), ValueError, ["frequencies must hold at least one number"]),
    (lambda: le.price(lambda x, y: 1.0), ValueError, ["loss must return a tensor with one number", "float"]),
    (
        lambda: le.price(lambda x, y: x - y),
        ValueError,
        ["loss must return a tensor with one number", "(1, 3, 128, 128)"],
    ),
    (lambda: le.bayes_act(None, SAMPLES), TypeError, ["loss must be a function", "NoneType"]),
    (
        lambda: le.bayes_act(le.mse_loss, SAMPLES[0]),
        ValueError,
        ["samples must have shape (N, C, H, W)", "(1, 16, 16)"],
    ),
    (lambda: le.bayes_act(le.mse_loss, SAMPLES.int()), TypeError, ["samples must have a floating dtype", "int32"]),
    *[
        (
            lambda w=w: le.bayes_act(le.mse_loss, SAMPLES, w),
            ValueError,
            ["weights must be 3 numbers of at least 0", repr(w)],
        )
        for w in ([0.5, 0.5], [1.0, -1.0, 1.0], [0, 0, 0], [math.nan, 1, 1], [math.inf, 1, 1])
    ],
    (lambda: le.bayes_act(le.mse_loss, SAMPLES, steps=0), ValueError, ["steps must be an integer of at least 1", "0"]),
    (lambda: le.bayes_act(le.mse_loss, SAMPLES, lr=-1), ValueError, ["lr must be", "above 0", "-1"]),
    (
        lambda: le.bayes_act(le.mse_loss, SAMPLES, init=SAMPLES),
        ValueError,
        ["init must have shape (1, 1, 16, 16)", "(3, 1, 16, 16)"],
    ),
    (
        lambda: le.bayes_act(le.mse_loss, SAMPLES, init=SAMPLES[:1].int()),
        TypeError,
        ["init must have a floating dtype"],
    ),
    (
        lambda: le.bayes_act(lambda x, y: x - y, SAMPLES),
        ValueError,
        ["loss must return a tensor with one number", "(1, 1, 16, 16)"],
    ),
    (lambda: le.bayes_act(frozen, SAMPLES), ValueError, ["loss must be differentiable in x"]),
    (
        lambda: le.bayes_act(lambda x, y: (x - x).sum().log(), SAMPLES),
        ValueError,
        ["loss must be finite at the start", "inf", "init"],
    ),
    (
        lambda: le.gradient_share(le.mse_loss, OK, OK),
        TypeError,
        ["weighted_loss must be a le.WeightedLoss", "function"],
    ),
    (lambda: le.gradient_share(TWO, OK, OK[0]), ValueError, ["y must have shape (N, C, H, W)", "(3, 16, 16)"]),
    (lambda: le.gradient_share(TWO, OK, OK, norm=0.5), ValueError, ["norm must be a number from 1 to inf", "0.5"]),
    (lambda: le.gradient_share(TWO, OK, OK, parameters=[]), ValueError, ["parameters must hold at least one tensor"]),
    (
        lambda: le.gradient_share(TWO, OK, OK, parameters=[OK]),
        ValueError,
        ["parameters must be tensors that require a gradient"],
    ),
    (lambda: RestorationCNN(0), ValueError, ["width must be an integer of at least 1", "0"]),
    (lambda: RestorationCNN(4)(OK), ValueError, ["3 channels and at least 17 x 17", "(2, 3, 16, 16)"]),
    (lambda: RestorationCNN(4)(torch.rand(1, 1, 20, 20)), ValueError, ["3 channels", "(1, 1, 20, 20)"]),
    (lambda: RestorationCNN(4)(OK.byte()), TypeError, ["x must have a floating dtype", "uint8"]),
    *[
        (
            lambda o=o: train(torch.nn.Linear(1, 1), le.mse_loss, lambda _: (OK, OK), **{"steps": 1, **o}),
            ValueError,
            [f"{next(iter(o))} must be"],
        )
        for o in ({"steps": 0}, {"steps": 1.5}, {"lr": 0}, {"every": 0})
    ],
    (lambda: load("no_such_record"), ValueError, ["name must be one of the records", "'no_such_record'"]),
]


@pytest.mark.parametrize(
    ("call", "error", "words"), BAD_CALLS, ids=[f"{i}: {row[2][0]}" for i, row in enumerate(BAD_CALLS)]
)
def test_bad_calls(call: Callable[[], object], error: type[Exception], words: list[str]) -> None:
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        ((torch.float16, torch.float16), torch.float32),
        ((torch.bfloat16, torch.float16), torch.float32),
        ((torch.float32, torch.bfloat16), torch.float32),
        ((torch.float16, torch.float64), torch.float64),
    ],
)
def test_working_dtype_is_never_below_float32(dtypes: tuple[torch.dtype, ...], expected: torch.dtype) -> None:
    x, y = _validate.images(*(OK.to(dtype) for dtype in dtypes))
    assert x.dtype == y.dtype == expected


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "charbonnier_loss", "psnr"])
def test_checks_read_no_pixel(name: str) -> None:
    """Meta tensors have shapes and no values: what runs on them reads none.  For the others torch.compile proves it."""
    x = torch.empty(2, 3, 16, 16, device="meta")
    assert PAIRS[name](x, x).device.type == "meta"


def test_numbers_may_be_of_any_kind() -> None:
    expected = le.ssim_loss(OK, OK + 0.1).item()
    assert le.ssim_loss(OK, OK + 0.1, data_range=1, sigma=np.float64(1.5), kernel_size=np.int64(11)).item() == expected
    assert le.charbonnier_loss(OK, OK + 0.1, eps=np.float32(0.5)).item() > 0


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_floats_of_8_bits_are_refused(dtype: torch.dtype) -> None:
    x = torch.zeros(1, 1, 16, 16).to(dtype)
    for call in (le.mse_loss, le.ssim_loss):
        with pytest.raises(TypeError, match=r"x must have a floating dtype .*got torch.float8"):
            call(x, x)


@pytest.mark.parametrize(("dtype", "width"), [(torch.float32, 1e-25), (torch.float32, 1e25), (torch.float64, 1e-200)])
def test_constants_beyond_the_dtype_are_refused(dtype: torch.dtype, width: float) -> None:
    x = torch.rand(1, 1, 16, 16, dtype=dtype)
    with pytest.raises(ValueError, match=r"data_range must give constants .* can hold, got data_range=1e"):
        le.ssim_loss(x, x, data_range=width)
    assert le.ssim_loss(x.double(), x.double(), data_range=1e-25) == 0
