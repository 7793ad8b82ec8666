"""Losses with networks inside: what can be trained, what depends on the training mode, what changes by itself."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .custody import tensors_of
from .findings import Finding, Outcome, Skipped
from .opening import Case
from .tracing import graph_nodes


def trainable_parameters(case: Case) -> Outcome:
    """Look in the graph for leaves other than the images that ask for a gradient."""
    leaves = _leaves(case)
    if not leaves:
        return "nothing inside asks for a gradient", []
    value = case.subject(case.x.clone().requires_grad_(), case.y)
    slopes = torch.autograd.grad(value, leaves, allow_unused=True)
    norm = math.sqrt(sum(float(s.double().square().sum()) for s in slopes if s is not None))
    evidence = (
        f"{len(leaves)} tensors inside the loss ({sum(leaf.numel() for leaf in leaves):,} numbers) get a gradient of "
        f"norm {norm:.3g}"
    )
    advice = (
        "A feature network or a discriminator must stand still while the generator learns: requires_grad_(False) on "
        "its parameters, and eval(). Left so, it costs time and memory, and an optimiser that is given them lowers the "
        "loss by ruining the network. Deliberate only for learned weights."
    )
    return "parameters inside are trained", [Finding("trainable parameters", "warning", evidence, advice)]


def _leaves(case: Case) -> list[Tensor]:
    """Return the leaf tensors that the value's graph reaches, without x."""
    x = case.x.clone().requires_grad_()
    value = case.subject(x, case.y.clone())
    held = [getattr(node, "variable", None) for node in graph_nodes(value)]
    leaves = [leaf for leaf in held if leaf is not None and leaf is not x]
    if value.grad_fn is None and value.requires_grad:
        leaves.append(value)
    return leaves


def training_mode(case: Case) -> Outcome:
    """Compare train() with eval() for modules inside, and look whether a call changes their buffers."""
    modules = case.subject.modules
    if not case.subject.modules:
        raise Skipped("no module inside")
    if "stateful" in case.cache:
        raise Skipped(case.cache["stateful"])
    modes = [module.training for module in case.subject.modules]
    before = [tensor.detach().clone() for tensor in tensors_of(modules)]
    as_found = case.subject.value(case.x, case.y)
    touched = any(not torch.equal(a, b) for a, b in zip(before, tensors_of(modules), strict=True))
    values = {}
    try:
        for mode in (False, True):
            for module in case.subject.modules:
                module.train(mode)
            values[mode] = case.subject.value(case.x, case.y)
    finally:
        for module, mode in zip(case.subject.modules, modes, strict=True):
            module.training = mode
    differs = abs(values[True] - values[False]) > 1e-5 * max(abs(values[True]), abs(values[False]))
    evidence = f"train() {values[True]:.6g}, eval() {values[False]:.6g}, as found {as_found:.6g}"
    advice = (
        "Batch normalisation or dropout inside: call eval() on the network, and override train() so that loss.train() "
        "does not undo it."
    )
    if touched:
        evidence = f"a call changed buffers or parameters of the loss; {evidence}"
        return "a call changes the loss", [Finding("training mode", "warning", evidence, advice)]
    if differs:
        return "train() and eval() differ", [Finding("training mode", "warning", evidence, advice)]
    return "train() and eval() give the same value", []
