"""PyTorch's schedules beside ours."""

import numpy as np
import torch  # pyright: ignore[reportMissingImports]

from .. import schedules
from .peers import Peer

TINY = 1e-16


def _scheduler(name, **settings):
    """Return a function that makes one of PyTorch's schedulers from ours and an optimizer."""
    kind = getattr(torch.optim.lr_scheduler, name)

    def make(ours, twin):
        return kind(twin, **{theirs: value(ours) for theirs, value in settings.items()})

    return make


def _cosine(ours, twin):
    floor = ours.floor * twin.param_groups[0]["lr"]
    return torch.optim.lr_scheduler.CosineAnnealingLR(twin, ours.epochs, eta_min=floor)


def _warm_up(ours, twin):
    """The line begins above zero, since PyTorch begins with a factor above 0."""
    kinds = torch.optim.lr_scheduler
    line = kinds.LinearLR(twin, TINY, 1.0, total_iters=int(ours.epochs))
    after = SCHEDULES[type(ours.after)].run(ours.after, twin)
    return kinds.SequentialLR(twin, [line, after], milestones=[int(ours.epochs)])


SCHEDULES = {
    schedules.ConstantRate: Peer(
        _scheduler("ConstantLR", factor=lambda ours: 1.0), "lr_scheduler.ConstantLR"
    ),
    schedules.StepDecay: Peer(
        _scheduler("StepLR", step_size=lambda ours: ours.every, gamma=lambda ours: ours.factor),
        "lr_scheduler.StepLR",
    ),
    schedules.ExponentialDecay: Peer(
        _scheduler("ExponentialLR", gamma=lambda ours: ours.factor), "lr_scheduler.ExponentialLR"
    ),
    schedules.CosineDecay: Peer(
        _cosine,
        "lr_scheduler.CosineAnnealingLR",
        "PyTorch's wave rises again after its end, where ours keeps the floor.",
    ),
    schedules.WarmUp: Peer(
        _warm_up,
        "lr_scheduler.LinearLR in a SequentialLR",
        f"PyTorch begins with a factor above 0, here {TINY:g}, where ours begins with 0.",
    ),
    schedules.ReduceOnPlateau: Peer(
        _scheduler(
            "ReduceLROnPlateau",
            factor=lambda ours: ours.factor,
            patience=lambda ours: ours.patience - 1,
            threshold=lambda ours: ours.min_delta,
            threshold_mode=lambda ours: "abs",
            eps=lambda ours: 0.0,
        ),
        "lr_scheduler.ReduceLROnPlateau",
        "PyTorch cuts after patience + 1 epochs without improvement, ours after patience; it"
        " leaves out a cut of less than its `eps`, here 0.",
    ),
}


def factors(case):
    """Return the factors of all epochs of our schedule and of PyTorch's."""
    twin = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    change = SCHEDULES[type(case.thing)].run(case.thing, twin)
    losses = (1 + np.random.default_rng(0).random(case.epochs)).round(2).tolist()
    ours, theirs = [], []
    for epoch in range(case.epochs):
        ours.append(case.thing(epoch, losses[:epoch]))
        theirs.append(twin.param_groups[0]["lr"])
        twin.step()
        plateau = isinstance(case.thing, schedules.ReduceOnPlateau)
        change.step(*([losses[epoch]] if plateau else []))
    return np.array(ours), np.array(theirs)
