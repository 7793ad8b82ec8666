"""Leave a loss as it was found: state of its modules, gradients of its parameters, random numbers."""

from __future__ import annotations

import functools
import random
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_DEPTH = 4  # a lambda that calls a partial of a method of an object that holds a module


def modules_of(loss: object) -> list[nn.Module]:
    """Return the modules that a callable holds or refers to: itself, its owner, closure, globals, partial arguments."""
    found: dict[int, nn.Module] = {}
    seen: set[int] = set()

    def visit(thing: object, depth: int) -> None:
        if id(thing) in seen or depth > _DEPTH:
            return
        seen.add(id(thing))
        if isinstance(thing, nn.Module):
            found.update((id(part), part) for part in thing.modules())
        for part in _parts(thing):
            visit(part, depth + 1)

    visit(loss, 0)
    return list(found.values())


def _parts(thing: object) -> list[object]:
    if isinstance(thing, functools.partial):
        return [thing.func, *thing.args, *thing.keywords.values()]
    if isinstance(thing, types.MethodType):
        return [thing.__self__, thing.__func__]
    if isinstance(thing, types.FunctionType):
        cells = [cell.cell_contents for cell in thing.__closure__ or () if cell != types.CellType()]
        names = [thing.__globals__.get(name) for name in thing.__code__.co_names]
        defaults = [*(thing.__defaults__ or ()), *(thing.__kwdefaults__ or {}).values()]
        return [*cells, *defaults, *(x for x in names if isinstance(x, nn.Module | types.FunctionType))]
    if isinstance(thing, list | tuple):
        return list(thing)
    if isinstance(thing, dict):
        return list(thing.values())
    if isinstance(thing, type | types.ModuleType | Tensor | str | int | float | None):
        return []
    if isinstance(thing, nn.Module) or type(thing).__module__ != "builtins":
        held = getattr(thing, "__dict__", None)
        return list(held.values()) if isinstance(held, dict) else []
    return []


def tensors_of(modules: list[nn.Module]) -> list[Tensor]:
    """Return parameters and buffers, each once; lazy ones that have no values yet are left out."""
    held: dict[int, Tensor] = {}
    for module in modules:
        for tensor in (*module._parameters.values(), *module._buffers.values()):
            if tensor is not None and not nn.parameter.is_lazy(tensor):
                held[id(tensor)] = tensor
    return list(held.values())


@contextmanager
def undisturbed(loss: object) -> Iterator[None]:
    """Restore modes, parameters, buffers, their gradients and all random states on the way out."""
    modules = modules_of(loss)
    tensors = tensors_of(modules)
    modes = [module.training for module in modules]
    owners = [(module, dict(module._parameters), dict(module._buffers)) for module in modules]
    kept = [
        (t, t.detach().clone(), t.requires_grad, t.grad, None if t.grad is None else t.grad.clone()) for t in tensors
    ]
    states: list[tuple[Callable[[Any], Any], Any]] = [
        (random.setstate, random.getstate()),
        (np.random.set_state, np.random.get_state()),
        (torch.set_rng_state, torch.get_rng_state()),
    ]
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        states.append((torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all()))
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        with torch.inference_mode(False), torch.no_grad():
            for module, parameters, buffers in owners:
                module._parameters.update(parameters)
                module._buffers.update(buffers)
            for tensor, values, wanted, grad, grad_values in kept:
                if not torch.equal(tensor, values):
                    tensor.copy_(values)
                if tensor.is_leaf:
                    tensor.requires_grad_(wanted)
                tensor.grad = grad
                if grad is not None and grad_values is not None:
                    grad.copy_(grad_values)
            for module, mode in zip(modules, modes, strict=True):
                module.training = mode
        for restore, state in states:
            restore(state)


def seed_all(seed: int) -> None:
    """Seed Python's, numpy's and torch's generators: a loss that draws numbers then draws the same at each call."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
