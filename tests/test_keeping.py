"""What is made once must not remember in whose call it was made."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import lossedu as le
from lossedu.keeping import Shelf, called_while_tracing, made_apart


def test_made_outside_the_modes_of_the_caller() -> None:
    with torch.inference_mode():
        assert torch.ones(1).is_inference()
        assert not made_apart(lambda: torch.ones(1)).is_inference()
    with torch.device("meta"):
        assert made_apart(lambda: torch.ones(1)).device.type == "cpu"
    with torch.no_grad():
        assert made_apart(torch.is_grad_enabled)


def test_windows_first_made_inside_a_transform_serve_later_calls() -> None:
    """A window made inside jacrev used to be a wrapper of that transform, and broke the next one."""
    options = {"sigma": 0.8765}  # a window that nobody has asked for yet

    def loss(x: Tensor, y: Tensor) -> Tensor:
        return le.ssim_loss(x, y, **options)

    x, y = (torch.linspace(0, 1, 64, dtype=torch.float64).roll(k).view(1, 1, 8, 8) for k in (0, 3))
    hessian = torch.func.jacrev(torch.func.grad(loss))(x, y)
    assert hessian.isfinite().all()
    leaf = x.clone().requires_grad_()
    loss(leaf, y).backward()
    torch.testing.assert_close(torch.func.grad(loss)(x, y), leaf.grad)


def test_errors_come_through() -> None:
    with pytest.raises(ZeroDivisionError):
        made_apart(lambda: 1 // 0)


def test_a_shelf_keeps_the_last_few() -> None:
    shelf: Shelf[int] = Shelf(2)
    made: list[int] = []

    def get(key: int) -> int:
        return shelf.get(key, lambda: made.append(key) or 10 * key)  # type: ignore[func-returns-value]

    assert [get(k) for k in (1, 2, 1, 3)] == [10, 20, 10, 30]
    assert made == [1, 2, 3]
    assert len(shelf) == 2
    get(2)  # still there: 1 was the oldest
    assert made == [1, 2, 3]
    get(1)
    assert made == [1, 2, 3, 1]
    shelf.clear()
    assert len(shelf) == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.compile trips over torch's own
def test_called_while_tracing() -> None:
    asked: list[bool] = []

    @called_while_tracing
    def constant() -> int:
        asked.append(torch.compiler.is_compiling())
        return 3

    compiled = torch.compile(lambda x: x * constant(), fullgraph=True, backend="eager")
    assert [compiled(torch.tensor(value)).item() for value in (2.0, 3.0)] == [6, 9]
    assert len(asked) == 1  # its result is part of the graph: what a trace goes through is done at every call


def test_while_a_graph_is_traced_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf: Shelf[int] = Shelf(2)
    with monkeypatch.context() as tracing:
        tracing.setattr(torch.compiler, "is_compiling", lambda: True)
        assert (shelf.get("a", lambda: 1), shelf.get("a", lambda: 2)) == (1, 2)
    assert len(shelf) == 0
    assert shelf.get("a", lambda: 3) == 3
