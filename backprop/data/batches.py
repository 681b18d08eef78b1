"""Examples in another order, in part, or in another form. All of it is a function of a seed."""

import numpy as np

from ..errors import expects, real, whole


def batches(count, batch_size, /, *, seed, epoch):
    """Return an iterator over the index arrays of an epoch's batches.

    Together they hold every number below `count` once, in an order that depends on nothing but
    `(seed, epoch)`: an epoch can be done again without those before it. The last batch has what is
    left over.

    Raises:
        ValueError: `count` or `batch_size` is not a positive whole number, `seed` or `epoch` not
            a whole number of at least 0.
    """
    count = whole("batches", "count", count)
    batch_size = whole("batches", "batch_size", batch_size)
    key = whole("batches", "seed", seed, least=0), whole("batches", "epoch", epoch, least=0)
    order = np.random.default_rng(key).permutation(count)
    return (order[start : start + batch_size] for start in range(0, count, batch_size))


def split(x, y, fraction, /, *, seed):
    """Return `(x, y)` without a random `fraction` of the examples, and `(x, y)` of that fraction.

    If `y` holds classes (whole numbers), the fraction is taken of each class, rounded to a whole
    number, so that both sides have the same mixture. Both keep the order of the examples.

    Raises:
        ValueError: inputs and targets are not equally many, or a side would have none.
    """
    x, y = np.asanyarray(x), np.asanyarray(y)
    if not (x.ndim and y.ndim and len(x) == len(y)):
        raise expects("split", "as many inputs as targets", f"shapes {x.shape} and {y.shape}")
    fraction = real("split", "fraction", fraction, least=0, below=1)
    rng = np.random.default_rng(seed)
    stratified = y.ndim == 1 and y.dtype.kind in "iu"
    strata = y if stratified else np.zeros(len(y), np.int64)
    taken = np.zeros(len(y), bool)
    for stratum in np.unique(strata):
        members = rng.permutation(np.flatnonzero(strata == stratum))
        taken[members[: round(fraction * len(members))]] = True
    if taken.all() or not taken.any():
        sides = f"{len(y) - taken.sum()} and {taken.sum()}"
        raise expects("split", "at least one example on either side", sides)
    return (x[~taken], y[~taken]), (x[taken], y[taken])


def one_hot(labels, classes, /, dtype=np.float32):
    """Return `labels` as rows of `classes` numbers: 1 at the label, 0 elsewhere.

    Shapes: labels (N,), or any other; the result (N, classes).

    Raises:
        ValueError: a label is not a whole number from 0 to `classes` - 1.
    """
    classes = whole("one_hot", "classes", classes)
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise expects("one_hot", "labels that are whole numbers", labels.dtype)
    strangers = labels[(labels < 0) | (labels >= classes)]
    if strangers.size:
        raise expects("one_hot", f"labels from 0 to {classes - 1}", strangers[0])
    rows = np.zeros((*labels.shape, classes), dtype)
    np.put_along_axis(rows, labels[..., np.newaxis], 1, axis=-1)
    return rows
