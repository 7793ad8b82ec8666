"""The small networks, and a training loop that can be stopped at any moment."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from pictures import photo
from torch import Tensor, nn

import lossedu as le
from lossedu.nets import RestorationCNN, SubPixelCNN, SuperResolutionCNN, inner
from lossedu.training import OPTIMIZERS, SCHEDULES, Diverged, History, OutOfTime, loop, read_checkpoint, train


def test_the_network_of_the_paper() -> None:
    network = RestorationCNN()
    assert sum(p.numel() for p in network.parameters()) == 123_011
    assert [tuple(m.weight.shape) for m in network.layers if isinstance(m, nn.Conv2d)] == [
        (64, 3, 9, 9),
        (64, 64, 5, 5),
        (3, 64, 5, 5),
    ]
    assert [m.weight.tolist() for m in network.layers if isinstance(m, nn.PReLU)] == [[0.25] * 64] * 2


def test_the_super_resolution_network_of_the_paper() -> None:
    network = SuperResolutionCNN()
    assert sum(p.numel() for p in network.parameters()) == 20_195
    assert [tuple(m.weight.shape) for m in network.layers if isinstance(m, nn.Conv2d)] == [
        (64, 3, 9, 9),
        (32, 64, 1, 1),
        (3, 32, 5, 5),
    ]
    assert [m.weight.tolist() for m in network.layers if isinstance(m, nn.PReLU)] == [[0.25] * 64, [0.25] * 32]
    assert [type(m) for m in network.layers] == [nn.Conv2d, nn.PReLU, nn.Conv2d, nn.PReLU, nn.Conv2d]
    assert SuperResolutionCNN(3).layers[2].weight.shape == (1, 3, 1, 1)


def test_the_network_that_enlarges() -> None:
    network = SubPixelCNN()
    assert sum(p.numel() for p in network.parameters()) == 42_336
    assert network(torch.rand(2, 3, 5, 7)).shape == (2, 3, 20, 28)
    assert SubPixelCNN(4, blocks=1, factor=2)(torch.rand(1, 3, 5, 7)).shape == (1, 3, 10, 14)
    nn.init.zeros_(network.last.weight)
    x = torch.rand(1, 3, 9, 9)
    expected = nn.functional.interpolate(x, scale_factor=4, mode="bicubic", align_corners=False)
    torch.testing.assert_close(network(x), expected)
    for wrong in (torch.rand(1, 1, 9, 9), torch.rand(1, 3, 1, 9)):
        with pytest.raises(ValueError, match="x must have 3 channels and at least 2 x 2 pixels, got shape"):
            network(wrong)
    for options in ({"width": 0}, {"blocks": 0}, {"factor": 1.5}):
        with pytest.raises(ValueError, match="must be an integer of at least 1"):
            SubPixelCNN(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "field"), [(RestorationCNN, 17), (SuperResolutionCNN, 13)])
def test_valid_convolutions(kind: type[RestorationCNN] | type[SuperResolutionCNN], field: int) -> None:
    network = kind(4)
    assert network(torch.rand(2, 3, field, field)).shape == (2, 3, 1, 1)
    assert network(torch.rand(1, 3, 47, 40)).shape == (1, 3, 48 - field, 41 - field)
    for x in (torch.rand(1, 3, field - 1, 40), torch.rand(1, 3, 40, field - 1), torch.rand(1, 1, 40, 40)):
        with pytest.raises(ValueError, match=rf"x must have 3 channels and at least {field} x {field} pixels, got"):
            network(x)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize(("kind", "margin"), [(RestorationCNN, 8), (SuperResolutionCNN, 6)])
def test_receptive_field(kind: type[RestorationCNN] | type[SuperResolutionCNN], margin: int, residual: bool) -> None:
    torch.manual_seed(0)
    network = kind(4, residual=residual)
    x = torch.rand(1, 3, 41, 41, requires_grad=True)
    (pull,) = torch.autograd.grad(network(x)[0, :, 12, 12].sum(), x)
    rows, columns = pull.abs().sum(dim=(0, 1)).nonzero(as_tuple=True)
    assert kind.margin == margin
    assert (rows.min(), rows.max()) == (columns.min(), columns.max()) == (12, 12 + 2 * margin)
    # SRCNN's widths 9, 1, 5 reach all of it as well.
    assert (pull.abs().sum(dim=(0, 1))[12 : 13 + 2 * margin, 12 : 13 + 2 * margin] > 0).all()


@pytest.mark.parametrize(
    ("kind", "width", "least"),
    [(RestorationCNN, 0, 1), (RestorationCNN, 2.5, 1), (SuperResolutionCNN, True, 1), (SuperResolutionCNN, 1, 2)],
)
def test_widths_that_make_no_network(kind: type[nn.Module], width: Any, least: int) -> None:
    with pytest.raises(ValueError, match=rf"^width must be an integer of at least {least}.*got {width}$"):
        kind(width)


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


@pytest.mark.parametrize(
    ("options", "there", "here"),
    [
        ({"steps": 8}, "steps=6", "steps=8"),
        ({"lr": 1e-3}, "lr=0.002", "lr=0.001"),
        ({"optimizer": "sgd"}, "optimizer=adam", "optimizer=sgd"),
        ({"schedule": "constant"}, "schedule=cosine", "schedule=constant"),
        ({"precision": "bfloat16"}, "precision=float32", "precision=bfloat16"),
        ({"steps": 7, "lr": 1e-3}, "steps=6, lr=0.002", "steps=7, lr=0.001"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(
    options: dict[str, Any], there: str, here: str, tmp_path: Path
) -> None:
    path = tmp_path / "c.pt"
    train(network(), le.mse_loss, batch_at, steps=6, checkpoint=path)
    before, fresh = path.read_bytes(), network()
    with pytest.raises(ValueError) as caught:
        train(fresh, le.mse_loss, batch_at, checkpoint=path, **{"steps": 6, **options})
    assert str(caught.value) == (
        f"checkpoint {path} is of a run with {there}, got {here}; use the same settings or another path"
    )
    assert path.read_bytes() == before
    assert torch.equal(weights(fresh), weights(network()))


def test_settings_that_this_loop_does_not_know_are_named(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    train(network(), le.mse_loss, batch_at, steps=1, checkpoint=path)
    state = torch.load(path, weights_only=True)
    state["settings"]["magic"] = 7
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"is of a run with magic=7, got magic=None; use"):
        train(network(), le.mse_loss, batch_at, steps=1, checkpoint=path)


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


def by_hand(
    module: nn.Module, optimiser: torch.optim.Optimizer, rates: list[float], first: int = 0
) -> tuple[list[float], Tensor]:
    """The training loop in its plainest form."""
    losses = []
    for step, rate in enumerate(rates):
        for group in optimiser.param_groups:
            group["lr"] = rate
        x, y = batch_at(first + step)
        loss = le.mse_loss(module(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses, weights(module)


def cosine(steps: int, lr: float) -> list[float]:
    return [lr * 0.5 * (1 + math.cos(math.pi * k / steps)) for k in range(steps)]


RATES: dict[str, Callable[[int, float], list[float]]] = {
    "cosine": cosine,
    "constant": lambda steps, lr: [lr] * steps,
    # A twentieth of 30 steps is 1.5 of them: after nothing and two thirds of its length the cosine takes over.
    "warm": lambda steps, lr: [min(1, k / (steps / 20)) * rate for k, rate in enumerate(cosine(steps, lr))],
}


def test_a_warm_start_rises_in_a_line_over_a_twentieth_of_the_way() -> None:
    warm = [SCHEDULES["warm"](k / 100) for k in range(101)]
    plain = [0.5 * (1 + math.cos(math.pi * k / 100)) for k in range(101)]
    assert warm[:6] == pytest.approx([plain[k] * share for k, share in enumerate((0, 0.2, 0.4, 0.6, 0.8, 1))])
    assert warm[5:] == pytest.approx(plain[5:])
    assert max(warm) == warm[5] and warm[100] == pytest.approx(0, abs=1e-12)
    assert set(RATES) == set(SCHEDULES)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimisers_and_schedules_are_those_they_are_called(optimizer: str, schedule: str) -> None:
    lr = 0.002 if optimizer == "adam" else 0.1
    there, here = network(), network()
    steps = 30 if schedule == "warm" else 7
    rates = RATES[schedule](steps, lr)
    kinds: dict[str, torch.optim.Optimizer] = {
        "adam": torch.optim.Adam(there.parameters(), lr=lr, betas=(0.9, 0.999), eps=1e-8),
        "sgd": torch.optim.SGD(there.parameters(), lr=lr, momentum=0.9),
    }
    losses, expected = by_hand(there, kinds[optimizer], rates)
    assert train(here, le.mse_loss, batch_at, steps=steps, lr=lr, optimizer=optimizer, schedule=schedule) == losses
    assert torch.equal(weights(here), expected)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_another_run_carries_on_with_the_state_of_the_optimiser_but_not_its_step_size(
    optimizer: str, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"optimizer": optimizer, "schedule": "constant"}
    first = network()
    train(first, le.mse_loss, batch_at, steps=5, lr=0.004, checkpoint=tmp_path / "first.pt", **options)
    start = read_checkpoint(tmp_path / "first.pt")["optimiser"]
    untouched = copy.deepcopy(start)
    assert start["param_groups"][0]["lr"] == 0.004

    def go_on(state: dict[str, Any] | None) -> Tensor:
        module = copy.deepcopy(first)
        train(module, le.mse_loss, lambda step: batch_at(5 + step), steps=4, lr=0.001, optimizer=optimizer, start=state)
        return weights(module)

    there = network()
    kind = {"adam": torch.optim.Adam, "sgd": lambda p: torch.optim.SGD(p, lr=1, momentum=0.9)}[optimizer]
    _, expected = by_hand(there, kind(there.parameters()), [0.004] * 5 + cosine(4, 0.001))
    assert torch.equal(go_on(start), expected)
    assert not torch.equal(go_on(None), expected)
    assert torch.equal(go_on(start), expected)  # the state that was handed in is as it was
    for number, kept in untouched["state"].items():
        for name, value in kept.items():
            assert torch.equal(torch.as_tensor(start["state"][number][name]), torch.as_tensor(value)), name


def test_a_start_that_is_none_is_refused(tmp_path: Path) -> None:
    states = {}
    for name, module, optimizer in (
        ("sgd", network(), "sgd"),
        ("wide", RestorationCNN(4, residual=True), "adam"),
        ("deep", nn.Sequential(network(), nn.PReLU(3)), "adam"),
    ):
        train(module, le.mse_loss, batch_at, steps=1, optimizer=optimizer, checkpoint=tmp_path / f"{name}.pt")
        states[name] = read_checkpoint(tmp_path / f"{name}.pt")["optimiser"]
    for start, words in (
        (states["sgd"], "got that of another kind or something else"),
        ({"weights": 1}, "got that of another kind or something else"),
        ([1], "got that of another kind or something else"),
        (states["wide"], r"of the same network: exp_avg has shape \(4, 3, 9, 9\) there, \(3, 3, 9, 9\) here"),
        (states["deep"], "of the same network: "),
    ):
        with pytest.raises(ValueError, match=f"^start must be the state of an optimiser Adam.*{words}"):
            train(network(), le.mse_loss, batch_at, steps=1, start=start)  # type: ignore[arg-type]


@pytest.mark.usefixtures("one_thread")
def test_what_was_watched_is_kept_across_a_stop(tmp_path: Path) -> None:
    def watched(module: nn.Module) -> Callable[[int], Any]:
        def at(step: int) -> dict[str, Any]:
            assert not module.training
            value = le.mse_loss(module(batch_at(-1)[0]), batch_at(-1)[1])
            (pull,) = torch.autograd.grad(value, module.layers[0].weight)  # looking must not change anything
            return {"value": value.item(), "pull": [pull.norm().item()]}

        return at

    alone, straight = network(), network()
    train(alone, le.mse_loss, batch_at, steps=11)
    expected = train(straight, le.mse_loss, batch_at, steps=11, watch=watched(straight), watch_every=3)
    assert [row[0] for row in expected.watched] == [3, 6, 9, 11]
    assert len({row[1]["value"] for row in expected.watched}) == 4
    assert torch.equal(weights(alone), weights(straight))

    options: dict[str, Any] = {"steps": 11, "watch_every": 3, "checkpoint": tmp_path / "c.pt", "every": 4}
    for stop in (5, 7, 8):
        module = network()
        with pytest.raises(Stop):
            train(module, le.mse_loss, batch_at, watch=watched(module), on_step=stop_at(stop), **options)
    assert [row[0] for row in read_checkpoint(tmp_path / "c.pt")["watched"]] == [3, 6]
    module = network()
    history = train(module, le.mse_loss, batch_at, watch=watched(module), **options)
    assert history == expected
    assert history.watched == expected.watched
    again = train(network(), le.mse_loss, batch_at, watch=lambda step: 1 / 0, **options)
    assert isinstance(again, History)
    assert again.watched == expected.watched


class Clock:
    """A clock that goes on by one second whenever somebody looks."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        self.now += 1
        return self.now


@pytest.mark.usefixtures("one_thread")
def test_at_the_deadline_it_stops_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straight = network()
    expected = train(straight, le.mse_loss, batch_at, steps=10)
    clock = Clock()
    monkeypatch.setattr(loop, "time", clock)
    path, sittings = tmp_path / "c.pt", []
    for _ in itertools.repeat(None, 4):
        resumed = network()
        seen: list[int] = []
        try:
            history = train(
                resumed,
                le.mse_loss,
                batch_at,
                steps=10,
                checkpoint=path,
                every=100,
                deadline=clock.now + 4,
                on_step=lambda step, _, seen=seen: seen.append(step),  # type: ignore[misc]
            )
        except OutOfTime as error:
            sittings.append((error.step, error.steps, seen))
            assert len(read_checkpoint(path)["history"]) == error.step
    assert sittings == [(4, 10, [0, 1, 2, 3]), (8, 10, [4, 5, 6, 7])]
    assert history == expected
    assert torch.equal(weights(resumed), weights(straight))


def test_a_deadline_that_passes_with_the_last_step_is_none() -> None:
    assert len(train(network(), le.mse_loss, batch_at, steps=1, deadline=time.time() - 1)) == 1
    with pytest.raises(OutOfTime, match=r"^out of time after step 1 of 2; started again, the run goes on from there$"):
        train(network(), le.mse_loss, batch_at, steps=2, deadline=time.time() - 1)


def test_out_of_time_survives_the_way_back_from_another_process() -> None:
    error = OutOfTime(3, 9)
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), back.step, back.steps, str(back)) == (OutOfTime, 3, 9, str(error))
    kept = pickle.loads(pickle.dumps(History([1.0, 2.0], [[1, 0.5]])))
    assert (kept, kept.watched) == ([1.0, 2.0], [[1, 0.5]])


@pytest.mark.usefixtures("one_thread")
def test_half_precision_is_that_of_the_network_alone(tmp_path: Path) -> None:
    dtypes = set()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        dtypes.add(x.dtype)
        return le.mse_loss(x, y)

    plain, half, twin = (RestorationCNN(4) for _ in range(3))
    for module in (half, twin):
        module.load_state_dict(plain.state_dict())
    start = weights(plain)
    exact = train(plain, le.mse_loss, batch_at, steps=20)
    rough = train(half, loss, batch_at, steps=20, precision="bfloat16", checkpoint=tmp_path / "c.pt")
    assert dtypes == {torch.bfloat16}  # the products were rounded,
    assert {p.dtype for p in half.parameters()} == {torch.float32}  # the weights were not
    state = read_checkpoint(tmp_path / "c.pt")["optimiser"]["state"]
    assert {kept["exp_avg"].dtype for kept in state.values()} == {torch.float32}
    assert rough != exact
    assert rough == pytest.approx(exact, rel=0.02)
    assert (weights(half) - weights(plain)).norm() < 0.1 * (weights(plain) - start).norm()
    assert train(twin, le.mse_loss, batch_at, steps=20, precision="bfloat16") == rough


@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_compiled_it_learns_the_same(tmp_path: Path) -> None:
    if shutil.which("g++") is None:
        pytest.skip("torch.compile needs a C++ compiler (g++) for the CPU")
    plain, fast = network(), network()
    expected = train(plain, le.mse_loss, batch_at, steps=4)
    found = train(fast, le.mse_loss, batch_at, steps=4, compiled=True, checkpoint=tmp_path / "c.pt")
    assert found == pytest.approx(expected, rel=1e-4)
    torch.testing.assert_close(weights(fast), weights(plain), rtol=1e-3, atol=1e-5)
    # Its checkpoint is one of the network, whether compiled or not.
    assert train(network(), le.mse_loss, batch_at, steps=4, checkpoint=tmp_path / "c.pt") == found


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"steps": 0}, "steps must be an integer of at least 1, got 0"),
        ({"steps": 1.5}, "steps must be an integer of at least 1, got 1.5"),
        ({"every": 0}, "every must be an integer of at least 1, got 0"),
        ({"watch_every": -1}, "watch_every must be an integer of at least 1, got -1"),
        ({"lr": 0}, "lr must be a finite number above 0, got 0"),
        ({"lr": math.inf}, "lr must be a finite number above 0, got inf"),
        ({"optimizer": "adamw"}, "optimizer must be one of 'adam', 'sgd', got 'adamw'"),
        ({"schedule": "step"}, "schedule must be one of 'cosine', 'constant', 'warm', got 'step'"),
        ({"precision": "float16"}, "precision must be one of 'float32', 'bfloat16', got 'float16'"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as caught:
        train(network(), le.mse_loss, batch_at, checkpoint=tmp_path / "c.pt", **{"steps": 2, **options})
    assert str(caught.value) == words
    assert list(tmp_path.iterdir()) == []


def test_reading_a_checkpoint(tmp_path: Path) -> None:
    module = network()
    history = train(module, le.mse_loss, batch_at, steps=3, lr=1e-3, checkpoint=tmp_path / "c.pt", watch=float)
    state = read_checkpoint(str(tmp_path / "c.pt"))
    assert state["settings"] == {
        "steps": 3,
        "lr": 1e-3,
        "optimizer": "adam",
        "schedule": "cosine",
        "precision": "float32",
    }
    assert (state["history"], state["watched"]) == (list(history), [[3, 3.0]])
    assert state["network"].keys() == module.state_dict().keys()
    assert all(torch.equal(state["network"][key], value) for key, value in module.state_dict().items())
    assert set(state["optimiser"]) == {"state", "param_groups"}
    with pytest.raises(FileNotFoundError):
        read_checkpoint(tmp_path / "none.pt")
    (tmp_path / "c.pt").write_bytes((tmp_path / "c.pt").read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"c\.pt is damaged or no checkpoint; delete it or use another path"):
        read_checkpoint(tmp_path / "c.pt")
