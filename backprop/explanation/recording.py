"""One example's way through a network, its loss and back, recorded line by line."""

import dataclasses
from typing import Any

from ..errors import expects
from ..losses import Loss
from ..network import Network
from .tracer import Call, Record, Tracer


@dataclasses.dataclass(frozen=True)
class Recording:
    """What the shipped code computed: every tagged line, every layer's pass, loss and gradients."""

    net: Network
    loss: Loss
    records: tuple[Record, ...]
    """The tagged lines in the order in which they ran."""
    calls: tuple[Call, ...]
    """What each layer was given and returned, in that order."""
    inputs: tuple
    target: Any
    y: Any
    """The network's output."""
    value: Any
    """The loss."""
    delta: Any
    """The loss's gradient by the output."""
    dxs: tuple
    """The gradients by the inputs; None for one of whole numbers."""
    grads: dict[str, Any]
    """The gradients by the parameters."""
    caches: tuple = ()
    """The caches of the network and of the loss: what forward kept for backward."""
    left_out: frozenset[str] = frozenset()
    """The compiled kernels that would have run, if nobody had looked at the lines."""

    def of(self, steps, phase):
        """Return the records of one layer's pass, those of a network inside it included."""
        return [
            record
            for record in self.records
            if record.phase == phase and record.steps[: len(steps)] == steps
        ]

    def call(self, steps, phase):
        """Return what the layer was given and what it returned."""
        return next(one for one in self.calls if (one.steps, one.phase) == (steps, phase))

    @property
    def dtype(self):
        """The type of what was computed."""
        return self.y.dtype

    def network(self, prefix):
        """Return the network at `prefix`: () is the whole one, (2,) one that is its layer 2."""
        net = self.net
        for number in prefix:
            net = net[number]
        return net

    def layer(self, steps):
        """Return the layer at `steps`; the loss at ()."""
        return self.network(steps[:-1])[steps[-1]] if steps else self.loss

    def handed(self, prefix, value):
        """Return what the readers of a value of that network hand down to it, the last first."""
        terms = []
        for number, (_, reads) in reversed(list(enumerate(self.network(prefix).steps))):
            if value in reads:
                dx = self.call((*prefix, number), "backward").returned
                dxs = dx if isinstance(dx, tuple) else (dx,)
                terms += [dx for i, dx in zip(reads, dxs, strict=True) if i == value]
        return terms

    def delta_of(self, prefix, value):
        """Return dL/dv of a value of the network at `prefix`."""
        made_by = value - self.network(prefix).inputs
        if made_by >= 0:
            return self.call((*prefix, made_by), "backward").given[0]
        dxs = self.call(prefix, "backward").returned if prefix else self.dxs
        return dxs[value] if isinstance(dxs, tuple) else dxs


def record(net, xs, target, loss, rng=None):
    """Run both passes of `net` and `loss` under the tracer; change nothing.

    Raises:
        TypeError: `net` is no Network, or `loss` no Loss.
        ValueError: there is no target; or what `net` and `loss` raise.
    """
    if not isinstance(net, Network):
        raise expects("explain", "a Network to send an example through", repr(net), TypeError)
    if not isinstance(loss, Loss):
        what = "loss=, such as HalfSquaredError(), to send back its gradient"
        raise expects("explain", what, repr(loss), TypeError)
    if target is None:
        raise expects("explain", "a target for the loss", "none")
    if net.in_shapes is None:
        raise expects("explain", "a network that is built", repr(net))
    averages = net.averages
    try:
        with Tracer(net, loss) as trace:
            y, caches = net.forward(*xs, rng=rng)
            trace.phase = "loss"
            value, cache = loss.forward(y, target)
            delta = loss.backward(cache)
            trace.phase = "backward"
            dxs, grads = net.backward(delta, caches)
    finally:
        net.averages = averages
    dxs = dxs if isinstance(dxs, tuple) else (dxs,)
    passes = tuple(trace.records), tuple(trace.calls)
    found = (tuple(xs), target, y, value, delta, dxs, grads, (caches, cache))
    return Recording(net, loss, *passes, *found, frozenset(trace.left_out))
