r"""Suspects for layers that normalise: over a batch, over features, over images.

$y = \gamma \hat x + \beta$ with $\hat x = (x - \mu)/\sigma$ has a gradient of three terms, with
$d = \gamma \odot \delta$: $dx = d/\sigma - \operatorname{mean}(d)/\sigma - \hat x
\operatorname{mean}(d \odot \hat x)/\sigma$. The second is there because $\mu$ depends on $x$, the
third because $\sigma$ does.
"""

import itertools

import numpy as np


def norms(case):
    """The gradient of a normalisation without one of its terms, or with it weighed wrongly."""
    x = case.first
    if case.x.shape != case.y.shape or case.x.shape != case.delta.shape or x not in case.wrong:
        return
    for axes in _axes(case.x.ndim):
        for gamma, beta in _scales(case, axes):
            found = _normalised(case, axes, gamma, beta)
            if found is None:
                continue
            mean = lambda a, axes=axes: a.mean(axis=axes, keepdims=True)
            N = int(np.prod([case.x.shape[axis] for axis in axes]))
            x_hat, scale = found
            for d, kind, what in (
                (case.delta * gamma, None, ""),
                (case.delta, "gamma forgotten", "delta was not multiplied by gamma."),
            ):
                own, mu, var = d * scale, -mean(d) * scale, -x_hat * mean(d * x_hat) * scale
                if kind is not None:
                    yield kind, f"The gradient is that for gamma = 1: {what}", {x: own + mu + var}
                    continue
                for kind_, evidence, value in _terms(own, mu, var, N):
                    yield kind_, evidence, {x: value}


def _terms(own, mu, var, N):
    """Yield `(kind, evidence, gradient)` with the terms put together wrongly."""
    what = "The gradient of a normalisation"
    mean, variance = "mean's share forgotten", "variance's share forgotten"
    yield mean, f"{what} without what comes by way of its mean.", own + var
    yield variance, f"{what} without what comes by way of its variance.", own + mu
    both = "mean's and variance's shares forgotten"
    yield both, f"{what} as if its mean and variance were constants.", own
    for a, b, which in ((N, N, "both means"), (N, 1, "the mean"), (1, N, "the mean with x_hat")):
        evidence = f"{what} with a sum over {N} numbers where there is a mean: {which}."
        yield "1/N forgotten", evidence, own + a * mu + b * var
    yield "variance's share halved", f"{what}, but the 2 of the square is missing.", own + mu + var / 2
    yield "sign of a share", f"{what} with the mean's share added.", own - mu + var
    yield "sign of a share", f"{what} with the variance's share added.", own + mu - var


def _axes(ndim):
    """Return the axes that a mean may be taken over: the batch, the features, images."""
    if ndim == 4:
        return [(0, 1, 2), (0, 2, 3), (1, 2, 3), (1, 2), (2, 3), (3,), (1,)]
    return list(dict.fromkeys([(0,), (ndim - 1,), tuple(range(ndim - 1))]))


def _scales(case, axes):
    """Yield gamma and beta, in shapes that go with x: parameters, or 1 and 0."""
    fitting = [
        v.reshape(shape)
        for name, v in case.tensors.items()
        if name != case.first
        for shape in _shapes(case.x.shape, axes)
        if np.prod(shape) == v.size
    ]
    if not fitting:
        yield np.ones(()), np.zeros(())
    yield from itertools.permutations(fitting, 2)


def _shapes(shape, axes):
    """Return how gamma may lie along x: beside the axes, or along them (layer normalisation)."""
    beside = tuple(1 if k in axes else n for k, n in enumerate(shape))
    channels = {(1,) * k + (n,) + (1,) * (len(shape) - k - 1) for k, n in enumerate(shape) if k}
    return {beside, *channels}


def _normalised(case, axes, gamma, beta):
    """Return x_hat and 1/sigma if y is gamma x_hat + beta with these axes, else None."""
    centred = case.x - case.x.mean(axis=axes, keepdims=True)
    squares = (centred**2).sum(axis=axes, keepdims=True)
    if not squares.all() or not gamma.all():
        return None
    x_hat = (case.y - beta) / gamma
    scale = (x_hat * centred).sum(axis=axes, keepdims=True) / squares
    good = np.allclose(x_hat, centred * scale, rtol=1e-6, atol=1e-8)
    size = (x_hat**2).mean(axis=axes)
    return (x_hat, scale) if good and (size < 1 + 1e-6).all() and (size > 0.5).all() else None
