"""What every function of the package promises, tried on all of them: see `functions.py` for the list."""

from __future__ import annotations

import copy
import inspect
import math
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
import small_networks
import torch
from functions import ALL, DEEP, INDICES, LOSSES, METRICS, Case, here
from pictures import batch, noisy
from torch import Tensor


@pytest.fixture(autouse=True, params=["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"])
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    """Everything runs again on a graphics card, where there is one."""
    here.move(request.param)
    yield request.param
    here.move("cpu")


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    """LPIPS and DISTS look through small networks here."""
    with small_networks.in_place():
        yield


EVERY = [*ALL, *DEEP]
every = pytest.mark.parametrize("case", EVERY, ids=lambda case: case.name)
own = pytest.mark.parametrize("case", [*LOSSES, *INDICES, *METRICS, *DEEP], ids=lambda case: case.name)


def gradient(case: Case, x: Tensor, y: Tensor, **options: Any) -> Tensor:
    leaf = x.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    return torch.autograd.grad(case(leaf, y, **options), leaf)[0]


def close(found: Tensor, expected: Tensor, relative: float) -> None:
    """Compare by norm: a single small component may carry the rounding of a large sum."""
    found, expected = found.detach().cpu().double(), expected.detach().cpu().double()
    assert (found - expected).norm() <= relative * expected.norm() + 1e-12, (found, expected)


def near(case: Case, found: Tensor, exact: Tensor) -> None:
    """Compare values in another precision: an index is 1 minus a loss, and has its digits behind the point."""
    assert abs(found.item() - exact.item()) <= case.tolerance * (1 if case in INDICES else abs(exact.item()))


@own
def test_options_are_keywords(case: Case) -> None:
    parameters = list(inspect.signature(case.function).parameters.values())
    images = 1 if case.unary else 2
    assert [p.name for p in parameters[:images]] == ["x", "y"][:images]
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters[images:])
    assert parameters[-1].name == "reduction" and parameters[-1].default == "mean"


@every
def test_reductions(case: Case) -> None:
    x, y = case.pair(3)
    each = case(x, y, reduction="none")
    assert each.shape == (3,)
    assert len(set(each.tolist())) == 3
    close(case(x, y), each.mean(), 1e-12)
    close(case(x, y, reduction="sum"), each.sum(), 1e-12)
    assert case(x, y).shape == case(x, y, reduction="sum").shape == ()


@every
def test_a_batch_is_a_stack_of_singles(case: Case) -> None:
    x, y = case.pair(3)
    singles = torch.stack([case(x[i : i + 1], y[i : i + 1]) for i in range(3)])
    close(case(x, y, reduction="none"), singles, 1e-11)
    swapped = case(x.flip(0), y.flip(0), reduction="none").flip(0)
    close(swapped, singles, 1e-11)


@every
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_precision(case: Case, dtype: torch.dtype) -> None:
    """Half precision is computed in float32: the value belongs to the rounded images, and is not rounded itself."""
    x, y = (z.to(dtype) for z in case.pair())
    value = case(x, y)
    exact = case(x.double(), y.double())
    assert value.dtype == torch.float32
    near(case, value, exact)
    grad = gradient(case, x, y)
    assert grad.dtype == dtype
    assert grad.isfinite().all()
    bound = {torch.float16: 2e-2, torch.bfloat16: 2e-2, torch.float32: 20 * case.tolerance}[dtype]
    close(grad, gradient(case, x.double(), y.double()), bound)


@own
@pytest.mark.parametrize(
    "dtypes", [(torch.bfloat16, torch.float32), (torch.float32, torch.float64), (torch.float64, torch.float16)], ids=str
)
def test_mixed_dtypes_promote(case: Case, dtypes: tuple[torch.dtype, torch.dtype]) -> None:
    x, y = (z.to(dtype).requires_grad_() for z, dtype in zip(case.pair(), dtypes, strict=True))
    value = case(x, y)
    wide = torch.float64 if torch.float64 in (dtypes[:1] if case.unary else dtypes) else torch.float32
    assert value.dtype == wide
    near(case, value, case(x.double(), y.double()))
    value.backward()
    assert x.grad is not None and x.grad.dtype == dtypes[0]
    if case.to_y:
        assert y.grad is not None and y.grad.dtype == dtypes[1]


@own
def test_autocast_changes_nothing(case: Case, device: str) -> None:
    x, y = (z.float() for z in case.pair())
    before, expected = case(x, y), gradient(case, x, y)
    with torch.autocast(device, dtype=torch.bfloat16):
        assert torch.equal(case(x, y), before)
        close(gradient(case, x, y), expected, 1e-6)


def layouts(x: Tensor) -> dict[str, Tensor]:
    """The same picture in memory of different orders."""
    wide = x.new_zeros(*x.shape[:-1], 2 * x.shape[-1])
    wide[..., ::2] = x
    return {
        "channels last": x.contiguous(memory_format=torch.channels_last),
        "transposed": x.mT.contiguous().mT,
        "batch last": x.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2),
        "every second": wide[..., ::2],
        "inner part": torch.nn.functional.pad(x, (3, 2, 1, 4))[..., 1:-4, 3:-2],
    }


@every
def test_any_strides(case: Case) -> None:
    x, y = case.pair()
    value, grad = case(x, y), gradient(case, x, y)
    for name, other in layouts(x).items():
        assert torch.equal(other, x) and other.stride() != x.stride(), name
        close(case(other, y), value, 1e-11)
        close(case(x, layouts(y)[name]), value, 1e-11)
        leaf = other.detach().requires_grad_()
        close(torch.autograd.grad(case(leaf, y), leaf)[0], grad, 1e-9)


@every
def test_expanded_images(case: Case) -> None:
    x, y = case.pair(1)
    leaf = x.clone().requires_grad_()
    value = case(leaf.expand(3, -1, -1, -1), y.expand(3, -1, -1, -1))
    close(value, case(x, y), 1e-11)
    close(torch.autograd.grad(value, leaf)[0], gradient(case, x, y), 1e-9)


@every
def test_inputs_stay_as_they_are(case: Case) -> None:
    for n, c in ((1, 3), (2, 3)):
        x, y = case.pair(n, c)
        before = x.clone(), y.clone()
        leaf = x.requires_grad_()
        case(leaf, y).backward()
        assert torch.equal(x.detach(), before[0])
        assert torch.equal(y, before[1])


@every
@pytest.mark.parametrize("wanted", [(True, False), (False, True), (True, True)], ids=str)
def test_gradients_in_either_image(case: Case, wanted: tuple[bool, bool]) -> None:
    x, y = (z.requires_grad_(want) for z, want in zip(case.pair(), wanted, strict=True))
    value = case(x, y)
    if not (wanted[0] or case.to_y):
        assert not value.requires_grad
        return
    value.backward()
    assert (x.grad is not None) == wanted[0]
    assert (y.grad is not None) == (wanted[1] and case.to_y)
    if x.grad is not None:
        close(x.grad, gradient(case, x, y.detach()), 1e-10)
    if y.grad is not None and case.symmetric:
        close(y.grad, gradient(case, y, x.detach()), 1e-9)


@every
def test_gradient_by_finite_differences(case: Case, device: str) -> None:
    """Short steps where there are kinks; noise in both images, as equal pixels of an 8-bit picture are a kink too."""
    x, y = (noisy(z.cpu(), 1e-3).to(device) for z in case.pair())
    for which in (0, 1) if case.to_y else (0,):
        images = [x, y]
        leaf = images[which].clone().requires_grad_()
        images[which] = leaf
        (grad,) = torch.autograd.grad(case(*images), leaf)
        direction = torch.randn(leaf.shape, generator=torch.Generator().manual_seed(which), dtype=torch.float64).to(
            device
        )
        step = 1e-7 if case.rough else 1e-5
        ends = []
        for sign in (1, -1):
            images[which] = leaf.detach() + sign * step * direction
            ends.append(case(*images))
        slope = (ends[0] - ends[1]) / (2 * step)
        assert slope.item() == pytest.approx((grad * direction).sum().item(), rel=1e-4, abs=1e-9)


@every
def test_any_upstream_gradient(case: Case) -> None:
    x, y = case.pair(3)
    x.requires_grad_()
    each = case(x, y, reduction="none")
    upstream = torch.tensor([2.0, -1.0, 0.0], dtype=each.dtype, device=each.device)
    every_second = torch.stack([upstream, upstream + 7], dim=1)[:, 0]
    for g in (upstream, every_second, upstream[:1].expand(3)):
        (found,) = torch.autograd.grad(each, x, g, retain_graph=True)
        singles = [k * gradient(case, x[i : i + 1], y[i : i + 1]) for i, k in enumerate(g.tolist())]
        close(found, torch.cat(singles), 1e-9)


@every
def test_a_second_derivative_is_right_or_refused(case: Case, device: str) -> None:
    x, y = case.pair(1)
    x.requires_grad_()
    (first,) = torch.autograd.grad(case(x, y), x, create_graph=True)
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64).to(device)
    if not first.requires_grad:  # a piecewise linear function: its gradient is a constant
        step = 1e-9
        ahead = gradient(case, x + step * direction, y)
        close(ahead, first, 1e-12)
        return
    try:
        (second,) = torch.autograd.grad((first * direction).sum(), x)
    except RuntimeError:
        assert not case.twice
        return
    step = 1e-6
    ends = [gradient(case, x + sign * step * direction, y) for sign in (1, -1)]
    close(second, (ends[0] - ends[1]) / (2 * step), 1e-3)


@every
def test_func_grad_and_vmap(case: Case) -> None:
    x, y = case.pair(3)
    close(torch.func.grad(case)(x, y), gradient(case, x, y), 1e-9)
    single = lambda a, b: case(a[None], b[None])  # noqa: E731
    values = case(x, y, reduction="none")
    grads = gradient(case, x, y, reduction="sum")
    close(torch.func.vmap(single)(x, y), values, 1e-9)
    close(torch.func.vmap(torch.func.grad(single))(x, y), grads, 1e-9)


@every
def test_a_first_call_under_inference_mode_does_not_poison_training(case: Case) -> None:
    x, y = (z.float() for z in case.pair())
    with torch.inference_mode():
        before = case(x, y)
    leaf = x.clone().requires_grad_()
    value = case(leaf, y)
    value.backward()
    close(value, before, 1e-6)
    with torch.no_grad():
        assert not case(leaf, y).requires_grad


@every
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.compile trips over torch's own
def test_compiles_into_one_graph(case: Case) -> None:
    """No pixel is read on the way: that would break the graph."""
    torch._dynamo.reset()
    backend = "eager" if case in [*METRICS, *DEEP] else "aot_eager"  # capturing is quick, a backward graph is not
    compiled = torch.compile(lambda a, b: case(a, b), fullgraph=True, backend=backend)
    x, y = (z.float() for z in case.pair())
    leaf = x.clone().requires_grad_()
    value = compiled(leaf, y)
    close(value, case(x, y), 10 * case.tolerance)
    value.backward()
    close(leaf.grad, gradient(case, x, y), 1e-3)


def gallery(size: tuple[int, int]) -> dict[str, tuple[Tensor, Tensor]]:
    """Pairs on which formulas divide by zero, take roots of zero, or leave their range."""
    _, y = batch(1, 3, size)
    half = y.clone()
    half[..., : size[1] // 2] = 0.5
    constant, black, white = torch.full_like(y, 0.5), torch.zeros_like(y), torch.ones_like(y)
    return {
        "equal": (y, y.clone()),
        "inverted": (1 - y, y),
        "constant": (constant, constant + 0.1),
        "constant against a picture": (constant, y),
        "picture against a constant": (y, constant),
        "half flat": (half, y),
        "half flat, equal": (half, half.clone()),
        "black": (black, black.clone()),
        "white": (white, white.clone()),
        "black and white": (black, white),
        "far outside": (3 * y - 1, y),
        "one pixel": (torch.where(torch.arange(y.numel()).view(y.shape) == 40, 1.0, black), black),
    }


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_finite_on_every_image(case: Case, dtype: torch.dtype) -> None:
    for name, pair in gallery(case.size).items():
        x, y = (z.to(here.device, dtype).requires_grad_() for z in pair)
        value = case(x, y)
        if not (case.name == "psnr" and value.isinf()):
            assert value.isfinite(), name
        value.backward()
        assert x.grad is not None and x.grad.isfinite().all(), name
        if case.to_y:
            assert y.grad is not None and y.grad.isfinite().all(), name


@every
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_shows(case: Case, bad: float) -> None:
    """A guard such as `if loss.isfinite(): step()` must see it: never a finite value with a useless gradient."""
    x, y = case.pair(2)
    x = x.clone()
    x[0, 0, 5, 5] = bad
    x.requires_grad_()
    value = case(x, y)
    (grad,) = torch.autograd.grad(value, x)
    assert not value.isfinite() or grad.isfinite().all()
    if math.isnan(bad):
        assert value.isnan()


@pytest.mark.parametrize("case", [c for c in EVERY if c.zero], ids=lambda case: case.name)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_equal_images_cost_exactly_nothing(case: Case, dtype: torch.dtype) -> None:
    for name in ("equal", "half flat, equal", "black", "white"):
        x, y = (z.to(here.device, dtype) for z in gallery(case.size)[name])
        assert case(x, y).item() == 0, name
        assert gradient(case, x, y).abs().max() == 0, name
    x, y = case.pair()
    assert case(x, y).item() > 0


@pytest.mark.parametrize("case", [c for c in EVERY if c.symmetric and not c.unary], ids=lambda case: case.name)
def test_symmetric(case: Case) -> None:
    x, y = case.pair()
    close(case(x, y), case(y, x), 1e-11)


@pytest.mark.parametrize(
    "case",
    [c for c in EVERY if c.units is not None and "data_range" in inspect.signature(c.function).parameters],
    ids=lambda case: case.name,
)
def test_images_and_range_scale_together(case: Case) -> None:
    x, y = case.pair()
    close(case(255 * x, 255 * y, data_range=255), case(x, y), 1e-9)


@pytest.mark.parametrize("case", [c for c in LOSSES if c.twin], ids=lambda case: case.name)
def test_the_module_twin(case: Case) -> None:
    assert case.twin is not None
    x, y = case.pair(3)
    for reduction in ("mean", "sum", "none"):
        module = case.twin(**case.options, reduction=reduction)
        expected = case(x, y, reduction=reduction)
        assert torch.equal(module(x, y), expected)
        assert torch.equal(copy.deepcopy(module)(x, y), expected)
        assert torch.equal(pickle.loads(pickle.dumps(module))(x, y), expected)
        assert not list(module.parameters()) and not module.state_dict()
        for name, value in (*case.options.items(), ("reduction", reduction)):
            assert f"{name}={value!r}" in repr(module)
    if case.unary:
        assert torch.equal(case.twin(**case.options)(x), case(x, y))


@pytest.mark.parametrize("case", [c for c in LOSSES if c.twin], ids=lambda case: case.name)
def test_the_twin_takes_the_same_options(case: Case) -> None:
    assert case.twin is not None
    taken = {n: p.default for n, p in inspect.signature(case.function).parameters.items() if p.kind is p.KEYWORD_ONLY}
    twin = {n: p.default for n, p in inspect.signature(case.twin).parameters.items()}
    assert twin == taken
