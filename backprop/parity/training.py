"""Training in PyTorch beside ours."""

import numpy as np
import torch  # pyright: ignore[reportMissingImports]

from ..data import load_data
from ..models import MODELS
from ..training.step import MASKS, TrainStep
from .optimizers import clip, optimizer
from .peers import PEERS, run

UPDATES = 100


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
