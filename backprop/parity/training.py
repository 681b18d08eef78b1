"""The optimizers, schedules and training of PyTorch, beside ours."""

import numpy as np
import torch  # pyright: ignore[reportMissingImports]

from .. import optimizers, penalties, schedules
from ..data import load_data
from ..models import MODELS
from ..training.step import MASKS, TrainStep
from .peers import PEERS, Peer, run

STEPS = 20
UPDATES = 100

# Optimizers


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
        " rates it was made with.",
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

# Schedules


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


TINY = 1e-16
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


# Training


def curves(case, dtype):
    """Return `{"losses": ..., "w": ...}` of ours and of PyTorch, for 100 updates of one model.

    Both begin with the same parameters and see the same batches, rates and dropout masks. Losses
    are divided by PyTorch's, so that a small one counts as much as a large one.
    """
    data = load_data("digits")
    x, labels = data.x_train.astype(dtype), data.y_train
    if case.thing in ("lenet", "zhang"):  # which cannot take 8x8 pixels
        x = _enlarged(x)
    model = MODELS[case.thing](x.shape[1:], len(data.classes))
    net = model.net
    net.build(x.shape[1:], rng=0, dtype=dtype)
    ws = {key: torch.tensor(w, requires_grad=True) for key, w in net.params.items()}
    step = TrainStep(net, model.loss, model.optimizer, clip=model.clip)
    twin = optimizer(model.optimizer, list(ws.values()))
    schedule, order = model.schedule(1), np.random.default_rng(0)
    losses = []
    for t in range(UPDATES):
        n = order.choice(len(x), model.batch_size, replace=False)
        rate = model.optimizer.rate * schedule(t / UPDATES)
        twin.param_groups[0]["lr"] = rate
        rng = np.random.default_rng((step.seed, t, MASKS))
        y = run(net, ws, torch.from_numpy(x[n]), rng=rng)
        loss = PEERS[type(model.loss)].run(model.loss, y, torch.from_numpy(labels[n]))
        twin.zero_grad()
        loss.backward()
        if model.clip is not None:
            clip(list(ws.values()), model.clip)
        twin.step()
        losses.append((step(x[n], labels[n], rate), loss.item()))
    ours, theirs = np.array(losses).T
    v = torch.cat([w.detach().ravel() for w in ws.values()]).numpy()
    ratio = {"losses": ours / theirs, "w": net.parameters}
    return ratio, {"losses": np.ones(UPDATES), "w": v}


def _enlarged(images):
    """Return images of 8x8 pixels as 28x28: each pixel as 3x3, and a margin of 2."""
    large = images.repeat(3, axis=1).repeat(3, axis=2)
    return np.pad(large, ((0, 0), (2, 2), (2, 2), (0, 0)))
