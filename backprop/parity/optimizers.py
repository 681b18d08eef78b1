"""PyTorch's optimizers and penalties beside ours."""

import numpy as np
import torch  # pyright: ignore[reportMissingImports]

from .. import optimizers, penalties
from .peers import Peer
from .schedules import SCHEDULES

STEPS = 20


def optimizer(ours, ws):
    """Return PyTorch's twin of one of our optimizers, for the tensors `ws`."""
    settings = dict(ours.settings)
    for name, theirs in RENAMED.items():
        if name in settings:
            settings[theirs] = settings.pop(name)
    if isinstance(ours, optimizers.Adam):
        settings["betas"] = settings.pop("beta1"), settings.pop("beta2")
    return getattr(torch.optim, OPTIMIZERS[type(ours)].called.split(".")[-1])(ws, **settings)


RENAMED = {"rate": "lr", "decay": "alpha", "epsilon": "eps"}
OPTIMIZERS = {
    optimizers.SGD: Peer(
        optimizer,
        "optim.SGD",
        "PyTorch's velocity is ours without the learning rate, which it multiplies by last. At a"
        " constant rate that is the same; when the rate changes, ours lets the velocity keep the"
        " rates it was made with. `clip_grad_norm_` divides by the norm plus 1e-6; that factor"
        " is put right.",
    ),
    optimizers.AdaGrad: Peer(optimizer, "optim.Adagrad", "PyTorch's default epsilon is 1e-10."),
    optimizers.RMSProp: Peer(optimizer, "optim.RMSprop", "The rate's default is 0.01 there."),
    optimizers.Adam: Peer(optimizer, "optim.Adam"),
    optimizers.AdamW: Peer(optimizer, "optim.AdamW"),
}


def clip(ws, limit):
    """Shorten the gradients of `ws` to the global norm `limit`.

    PyTorch divides by the norm plus 1e-6. What it has shortened is put right by that factor.
    """
    norm = float(torch.nn.utils.clip_grad_norm_(ws, limit))
    if norm > limit:
        for w in ws:
            w.grad *= (norm + 1e-6) / norm


def steps(case, dtype):
    """Return the weights after 20 steps of our optimizer and of PyTorch's.

    The gradient is that of a quadratic bowl plus noise; two weights have none and stay.
    """
    rng = np.random.default_rng(0)
    start, slope, *noise = rng.standard_normal((2 + STEPS, 50)).astype(dtype)
    slope[:2] = 0
    for each in noise:
        each[:2] = 0
    w, state = start.copy(), case.thing.start(start)
    v = torch.tensor(start, requires_grad=True)
    twin = optimizer(case.thing, [v])
    change = SCHEDULES[type(case.schedule)].run(case.schedule, twin)
    for t in range(STEPS):
        g = slope**2 * w + noise[t]
        if case.clip is not None:
            g, _ = optimizers.clip_by_global_norm(g, case.clip)
        case.thing.step(w, g, state, case.thing.rate * case.schedule(t))
        v.grad = torch.from_numpy(slope**2) * v.detach() + torch.from_numpy(noise[t])
        if case.clip is not None:
            clip([v], case.clip)
        twin.step()
        change.step()
    return w, v.detach().numpy()


PENALTIES = {
    penalties.L1: Peer(
        lambda ours, w: ours.strength * w.abs().sum(), "abs and sum", "The slope at 0 is 0 in both."
    ),
    penalties.L2: Peer(
        lambda ours, w: ours.strength / 2 * w.square().sum(),
        "square and sum",
        "An optimizer's `weight_decay` there moves biases too.",
    ),
}
