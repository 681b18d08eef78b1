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


def mask_of(lengths, T, /, dtype=np.float32):
    r"""Return the mask of sequences that are padded at the end to `T` steps.

        x: array (N, T, D); lengths: how many steps of each sequence count
        net = Network(inputs=2)
        net.add(LSTM(32, masked=True), 0, 1)
        net.add(Last(), 2)  # each sequence's own last state
        y = net.predict(x, mask_of(lengths, T))

    A loss of every step must leave out the padding too. A row of zeros as the target does that for
    `SoftmaxCrossEntropy`, since it has loss 0 and delta 0; but "mean" still divides by all $N T$
    rows. The mean over the steps that count is a sum with weights, which stand in the targets:

        w = mask_of(lengths, T)[..., np.newaxis]
        loss = SoftmaxCrossEntropy(reduction="sum")
        value, cache = loss.forward(y, one_hot(classes, K) * w / w.sum())

    Shapes: lengths (N,); the result (N, T), 1 where a step counts and 0 where it is padding.

    Raises:
        ValueError: a length is not a whole number from 0 to `T`.
    """
    T = whole("mask_of", "T", T)
    lengths = np.asarray(lengths)
    if lengths.dtype.kind not in "iu" or lengths.ndim != 1:
        got = f"{lengths.dtype} of shape {lengths.shape}"
        raise expects("mask_of", "lengths that are whole numbers, of shape (N,)", got)
    strangers = lengths[(lengths < 0) | (lengths > T)]
    if strangers.size:
        raise expects("mask_of", f"lengths from 0 to {T}", strangers[0])
    return (np.arange(T) < lengths[:, np.newaxis]).astype(dtype)


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
