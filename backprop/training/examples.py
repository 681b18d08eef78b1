"""The examples to train on or to evaluate, checked before anything is done with them."""

import numpy as np

from ..data.scaled import as_it_is
from ..errors import batch_of, expects
from ..network import check_whole

CHUNK = 2**16
"""How many numbers are looked at together: what a cache holds, however large the data set is."""


class Examples:
    """Inputs and targets of a data set, none of them copied.

    `examples[index]` are the `(inputs, target)` of a batch, `inputs` being a tuple with one array
    for each input of the network. The arrays may be memory-mapped files, or Scaled ones.

    Args:
        who: what error messages begin with.
        net: the Network that is to take the inputs.
        data: a pair `(x, y)`; `x` is a tuple of arrays if the network has several inputs.
        loss: the Loss that is to take the targets.

    Raises:
        TypeError: inputs that the network takes as whole numbers are of another type.
        ValueError: `data` is no pair, inputs and targets are not equally many or none, a number is
            not finite, an input's shape is not the network's, a whole number is too large, or the
            loss takes one of the targets not.
    """

    def __init__(self, who, net, data, loss):
        if not (isinstance(data, tuple | list) and len(data) == 2):
            raise expects(who, "data to be a pair (x, y)", type(data).__name__, TypeError)
        x, y = data
        self.inputs = tuple(as_it_is(each) for each in (x if isinstance(x, tuple) else (x,)))
        self.target = np.asanyarray(y)
        arrays = (*self.inputs, self.target)
        counts = [len(each) if each.ndim else 0 for each in arrays]
        if min(counts) == 0 or min(counts) != max(counts):
            raise expects(who, "at least one example, as many inputs as targets", counts)
        shapes = [each.shape[1:] for each in self.inputs]
        if shapes != list(net.in_shapes):
            wanted, got = (", ".join(map(batch_of, each)) for each in (net.in_shapes, shapes))
            raise expects(who, f"inputs of shape {wanted}", got)
        for name, each in zip(["x"] * len(self.inputs) + ["y"], arrays, strict=True):
            _check_finite(who, name, each)
        for i, below in net.limits.items():
            for part in _chunks(len(self), self.inputs[i][0].size):
                check_whole(who, self.inputs[i][part], below)
        self._check_targets(net, loss)

    def __len__(self):
        """Return how many examples there are."""
        return len(self.target)

    def __getitem__(self, index):
        """Return the inputs, a tuple, and the targets of the examples at `index`."""
        return tuple(each[index] for each in self.inputs), self.target[index]

    def _check_targets(self, net, loss):
        # The loss itself judges all targets, with the first example's output in place of each
        # one's.
        y = net.predict(*(each[:1] for each in self.inputs))
        for part in _chunks(len(self), y.size):
            target = self.target[part]
            loss.forward(np.broadcast_to(y, (len(target), *y.shape[1:])), target)


def _check_finite(who, name, array):
    if array.dtype.kind not in "fc":
        return
    for part in _chunks(len(array), array[0].size):
        finite = np.isfinite(array[part]).reshape(len(array[part]), -1).all(axis=1)
        if not finite.all():
            first = part.start + int(finite.argmin())
            raise expects(who, f"{name} of finite numbers", f"NaN or infinity in example {first}")


def _chunks(count, size):
    """Return slices over `count` examples of `size` numbers each."""
    step = max(1, CHUNK // max(1, size))
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]
