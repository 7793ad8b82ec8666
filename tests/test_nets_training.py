"""The small network, and a training loop that can be stopped at any moment."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from pictures import photo
from torch import Tensor, nn

import lossedu as le
from lossedu.nets import RestorationCNN, inner
from lossedu.training import Diverged, train


def test_the_network_of_the_paper() -> None:
    network = RestorationCNN()
    assert sum(p.numel() for p in network.parameters()) == 123_011
    assert [tuple(m.weight.shape) for m in network.layers if isinstance(m, nn.Conv2d)] == [
        (64, 3, 9, 9),
        (64, 64, 5, 5),
        (3, 64, 5, 5),
    ]
    assert [m.weight.tolist() for m in network.layers if isinstance(m, nn.PReLU)] == [[0.25] * 64] * 2


def test_valid_convolutions() -> None:
    network = RestorationCNN(4)
    assert network(torch.rand(2, 3, 17, 17)).shape == (2, 3, 1, 1)
    assert network(torch.rand(1, 3, 47, 40)).shape == (1, 3, 31, 24)


@pytest.mark.parametrize("residual", [False, True])
def test_receptive_field_is_seventeen_by_seventeen(residual: bool) -> None:
    torch.manual_seed(0)
    network = RestorationCNN(4, residual=residual)
    x = torch.rand(1, 3, 41, 41, requires_grad=True)
    (pull,) = torch.autograd.grad(network(x)[0, :, 12, 12].sum(), x)
    rows, columns = pull.abs().sum(dim=(0, 1)).nonzero(as_tuple=True)
    assert (rows.min(), rows.max()) == (columns.min(), columns.max()) == (12, 28)
    assert rows.max() - rows.min() + 1 == 2 * RestorationCNN.margin + 1 == 17
    assert (pull.abs().sum(dim=(0, 1))[12:29, 12:29] > 0).all()


def test_with_the_residual_connection_it_starts_near_the_identity() -> None:
    torch.manual_seed(0)
    x = photo(size=40).float()
    network = RestorationCNN(16, residual=True)
    start = (network(x) - inner(x, 8)).square().mean().sqrt()
    assert 0 < start < 0.1
    with torch.no_grad():
        for parameter in network.layers[-1].parameters():
            parameter.zero_()
    assert torch.equal(network(x), inner(x, 8))


def test_first_weights_keep_the_variance_of_the_signal() -> None:
    """He's rule: behind each of the two inner layers and its PReLU, mean squares neither fade nor explode."""
    torch.manual_seed(0)
    network = RestorationCNN(64)
    signal = torch.randn(4, 3, 40, 40)
    for stage in (network.layers[:2], network.layers[2:4]):
        before = signal.square().mean()
        signal = stage(signal)
        assert 0.7 < (signal.square().mean() / before).item() < 1.4
    assert all(not m.bias.any() for m in network.layers if isinstance(m, nn.Conv2d) and m.bias is not None)


def test_inner() -> None:
    x = torch.arange(36).view(1, 1, 6, 6)
    assert torch.equal(inner(x, 2), x[..., 2:4, 2:4])
    assert torch.equal(inner(x, 0), x)


class Stop(Exception):
    """What ends a run in these tests: the power cut."""


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def batch_at(step: int) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(step)
    clean = torch.rand(2, 3, 20, 20, generator=rng)
    return clean + 0.1 * torch.randn(clean.shape, generator=rng), inner(clean, 8)


def network() -> RestorationCNN:
    torch.manual_seed(0)
    return RestorationCNN(3, residual=True)


def stop_at(last: int) -> Callable[[int, float], None]:
    def on_step(step: int, value: float) -> None:
        if step == last:
            raise Stop

    return on_step


def weights(module: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("stops", [(6,), (3, 3, 9), (0, 1), (11,)])
def test_a_stopped_run_ends_with_the_same_bits(stops: tuple[int, ...], tmp_path: Path) -> None:
    straight = network()
    expected = train(straight, le.mse_loss, batch_at, steps=12)
    for stop in stops:
        with pytest.raises(Stop):
            train(
                network(), le.mse_loss, batch_at, steps=12, checkpoint=tmp_path / "c.pt", every=2, on_step=stop_at(stop)
            )
    resumed = network()
    seen: list[int] = []
    history = train(
        resumed,
        le.mse_loss,
        batch_at,
        steps=12,
        checkpoint=tmp_path / "c.pt",
        every=2,
        on_step=lambda step, _: seen.append(step),
    )
    assert history == expected
    assert torch.equal(weights(resumed), weights(straight))
    assert seen == list(range(max(stops) // 2 * 2, 12))  # at most one interval is lost
    assert not resumed.training


@pytest.mark.usefixtures("one_thread")
def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = network()
    history = train(first, le.mse_loss, batch_at, steps=5, checkpoint=tmp_path / "deep" / "c.pt", every=100)

    def no_more(step: int) -> tuple[Tensor, Tensor]:
        raise AssertionError("asked for a batch")

    again = network()
    assert train(again, le.mse_loss, no_more, steps=5, checkpoint=tmp_path / "deep" / "c.pt") == history
    assert torch.equal(weights(again), weights(first))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["c.pt"]


@pytest.mark.usefixtures("one_thread")
def test_a_checkpoint_that_was_half_written_is_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.pt"
    straight = network()
    train(straight, le.mse_loss, batch_at, steps=6)
    save = torch.save

    def power_cut(state: dict[str, Any], where: Path) -> None:
        if len(state["history"]) < 4:
            save(state, where)
        else:
            Path(where).write_bytes(b"half of it")
            raise Stop

    monkeypatch.setattr(torch, "save", power_cut)
    with pytest.raises(Stop):
        train(network(), le.mse_loss, batch_at, steps=6, checkpoint=path, every=2)
    monkeypatch.undo()
    assert len(torch.load(path, weights_only=True)["history"]) == 2  # the one before
    resumed = network()
    assert len(train(resumed, le.mse_loss, batch_at, steps=6, checkpoint=path, every=2)) == 6
    assert torch.equal(weights(resumed), weights(straight))
    assert [p.name for p in tmp_path.iterdir()] == ["c.pt"]


@pytest.mark.parametrize(("options", "words"), [({"steps": 8}, "steps=6"), ({"lr": 1e-3}, "lr=0.002")])
def test_a_checkpoint_of_other_settings_is_refused(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    train(network(), le.mse_loss, batch_at, steps=6, checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(
        ValueError, match=f"checkpoint .*c.pt is of a run with .*{words}.* got .*; use the same settings"
    ):
        train(network(), le.mse_loss, batch_at, checkpoint=path, **{"steps": 6, **options})
    assert path.read_bytes() == before


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_divergence_is_said_and_harms_nothing(bad: float) -> None:
    module, after = network(), []

    def loss(x: Tensor, y: Tensor) -> Tensor:
        after.append(weights(module).clone())
        return le.mse_loss(x, y) * (bad if len(after) == 4 else 1)

    with pytest.raises(Diverged, match=rf"diverged: the loss was {bad} at step 3; lower lr") as caught:
        train(module, loss, batch_at, steps=9)
    assert caught.value.step == 3
    assert torch.equal(weights(module), after[-1])  # as it was before that step
    copy = pickle.loads(pickle.dumps(caught.value))  # as from another process
    assert (copy.step, str(copy)) == (3, str(caught.value))


def test_the_step_size_falls_along_a_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    step = torch.optim.Adam.step

    def spy(self: torch.optim.Adam, *args: Any, **kwargs: Any) -> Any:
        rates.append(self.param_groups[0]["lr"])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", spy)
    train(network(), le.mse_loss, batch_at, steps=10, lr=0.004)
    assert rates == pytest.approx([0.002 * (1 + math.cos(math.pi * k / 10)) for k in range(10)])


def test_training_lowers_the_loss() -> None:
    torch.manual_seed(0)
    history = train(RestorationCNN(3), le.mse_loss, batch_at, steps=60)
    assert sum(history[-10:]) < 0.8 * sum(history[:10])


def test_a_checkpoint_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    for content, words in (
        (b"half of it", "is damaged or no checkpoint"),
        ({"weights": 1}, "was not written by this training loop"),
        ([1], "was not written by this training loop"),
    ):
        path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
        with pytest.raises(ValueError, match=rf"checkpoint .*c\.pt {words}"):
            train(network(), le.mse_loss, batch_at, steps=6, checkpoint=path)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    train(RestorationCNN(4, residual=True), le.mse_loss, batch_at, steps=1, checkpoint=path)
    here = network()
    before = weights(here)
    with pytest.raises(ValueError, match=r"checkpoint .*c\.pt is of another network: .* has shape \(.*there, \(.*here"):
        train(here, le.mse_loss, batch_at, steps=1, checkpoint=path)
    assert torch.equal(weights(here), before)
