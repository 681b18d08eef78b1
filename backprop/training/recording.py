"""What is watched while a network learns."""

from ..errors import expects, whole
from .objective import require_loss
from .passes import both_passes, norm


class DeltaNorms:
    r"""Records how large delta is at every layer's output, every so many updates.

    It always looks at the same batch, which it is given, so that what changes is the network:

        record = DeltaNorms((x[:64], y[:64]), loss=loss, every=10)
        fit(net, data, loss=loss, optimizer=Adam(), watch=[record])
        record.plot()

    In a loop of one's own it is called with the TrainStep: `record(step)` before the first update
    and after each. It looks before the first update it sees, and then whenever the number of
    updates is a multiple of `every`; a training that begins anew begins a new record. The training
    itself stays the same to the last bit.

    Attributes:
        updates: after how many updates it looked.
        norms: for each time a list with $\lVert \delta \rVert$ of each layer, in their order.
        names: the layers' numbers and names.

    Args:
        data: a pair `(x, y)`, one batch; `x` is a tuple of arrays if the network has several
            inputs.
        loss: a Loss.
        every: how many updates lie between two looks.

    Raises:
        TypeError: `loss` is no Loss, or `data` no pair.
        ValueError: `every` is below 1.
    """

    def __init__(self, data, /, *, loss, every=10):
        if not isinstance(data, tuple | list) or len(data) != 2:
            raise expects("DeltaNorms", "a pair (x, y)", repr(type(data).__name__), TypeError)
        require_loss("DeltaNorms", loss)
        self.x, self.y = data
        self.loss = loss
        self.every = whole("DeltaNorms", "every", every)
        self.updates: list[int] = []
        self.norms: list[list[float]] = []
        self.names: list[str] = []

    def __call__(self, step, /):
        """Look at the network of a TrainStep if it is time."""
        t = step.state["t"]
        if self.updates and t < self.updates[-1]:
            self.updates, self.norms = [], []
        if self.updates and (t % self.every or t == self.updates[-1]):
            return
        self.norms.append(self.look(step.net))
        self.updates.append(t)
        self.names = [f"{number}  {layer.name}" for number, layer in enumerate(step.net)]

    def look(self, net, /):
        """Return the norm of delta at every layer's output, as the network is now."""
        deltas = both_passes("DeltaNorms", net, self.x, self.y, self.loss).deltas
        return [norm(delta) for delta in deltas[net.inputs :]]

    def plot(self):
        """Draw the norms over the updates: `backprop.plots.delta_history`."""
        from .. import plots

        return plots.delta_history(self)
