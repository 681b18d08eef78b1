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
    if not case.x.shape == case.y.shape == case.delta.shape or case.first not in case.wrong:
        return
    for axes in _axes(case.x.ndim):
        for gamma, beta in _scales(case, axes):
            found = _normalised(case, axes, gamma, beta)
            if found is not None:
                x_hat, scale = found
                for kind, evidence, value in _terms(case.delta, gamma, x_hat, scale, axes):
                    yield kind, evidence, {case.first: value}


def _terms(delta, gamma, x_hat, scale, axes):
    """Yield `(kind, evidence, gradient)` with the terms put together wrongly."""

    def three(d):
        mean, mean_of_product = (a.mean(axis=axes, keepdims=True) for a in (d, d * x_hat))
        return d * scale, -mean * scale, -x_hat * mean_of_product * scale

    own, mu, var = three(gamma * delta)
    what = "The gradient of a normalisation"
    yield "mean's share forgotten", f"{what} without what comes by way of its mean.", own + var
    evidence = f"{what} without what comes by way of its variance."
    yield "variance's share forgotten", evidence, own + mu
    evidence = f"{what} as if its mean and variance were constants."
    yield "mean's and variance's shares forgotten", evidence, own
    N = int(np.prod([delta.shape[axis] for axis in axes]))
    for a, b, which in ((N, N, "both means"), (N, 1, "the mean"), (1, N, "the mean with x_hat")):
        evidence = f"{what} with a sum over {N} numbers where there is a mean: {which}."
        yield "1/N forgotten", evidence, own + a * mu + b * var
    evidence = f"{what}, but the 2 of the square is missing."
    yield "variance's share halved", evidence, own + mu + var / 2
    yield "sign of a share", f"{what} with the mean's share added.", own - mu + var
    yield "sign of a share", f"{what} with the variance's share added.", own + mu - var
    yield "gamma forgotten", f"{what} with gamma = 1.", sum(three(delta))


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
