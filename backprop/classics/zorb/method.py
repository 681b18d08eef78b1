r"""ZORB, the method: every layer is asked once which weights would have done.

A network is a chain $A^0 = x$, $A^l = f_l(A^{l-1})$, with a target $Y$ for its end. Let $F^l$ be
the target of what layer $l$ puts out: $F^L = Y$, and the layers above $l$, run backwards, say what
the rest is,

$$ F^{l-1} = f_l^{-1}(F^l). $$

No derivative is taken: what travels backwards is no delta but a target. The layers with weights are
visited from the first to the last. Each is solved for its own target, and its new output goes
forward. Those after it still have the weights that they began with: the first layers learn to serve
random later ones, and these then learn to make the best of that. One visit each, and it is done.
`inverses` derives each step of that.

**Where the scale stays.** $s$ and $c$ are part of what was learned, and no activation has them. So
the trained network is a new one, in which a layer `Scale` follows every Sigmoid and Tanh; nothing
is written to the network that was given. One could do without, since what comes next mostly has
weights, and

$$ (s\,\varphi + c\,\mathbf 1)\, W + b = \varphi\,(sW) + \Bigl(b + c \sum_d W_d\Bigr), $$

so these could take the scale in. On paper that is the same function. In floating-point numbers it
is not: the weights found are large and cancel (millions, for sinc), and taking the scale in rounds
their sum once more. It turns an error of 0.003 into one of 0.1. Behind the last layer,
and before a padded convolution, it cannot be done at all.

**What is the authors' and what is not.** The steps and the constants are those of their NumPy code,
without two slips in it: a rescaled tanh there evaluates the logistic function (in their later JAX
code it is tanh), and its sigmoid maps what is below -709 to 1. There the forward pass of Softmax
takes $\varepsilon$ off every exponential; here it puts out its probabilities, which differ by about
$\varepsilon$. And a layer's $W^+$ is computed once, not at every visit: $W$ is still the same.
"""

import numpy as np

from ...errors import expects, real
from ...layers import Sigmoid, Tanh
from ...network import Network
from .demands import check, examples
from .inverses import Weights, unrolled
from .scale import Scale


def fit_zorb(network, x, y, /, *, cutoff=1e-15, rng=None):
    """Return a trained network: one least-squares problem for each layer, on all examples at once.

    It has the layers of `network`, with a `Scale` after each Sigmoid and Tanh, and began with its
    weights, which decide what target each layer gets. `network` itself stays as it is.

    Shapes: x (N, ...), y (N, ...) as the network takes and returns them.

    Args:
        network: a Network built in float64, a chain of Dense, Conv2D, Flatten, Sigmoid, Tanh, ReLU
            and, at its end, Softmax. Every Dense and Conv2D has a bias.
        x: the inputs.
        y: what the network is to return for them. Classes are rows of 0 and 1 (`one_hot`).
        cutoff: singular values below this share of the largest count as zero. The authors' 1e-15 is
            finer than float64: rounding is inverted too. With convolutions they take 1e-9, or 1e-2
            if there is only one. The larger it is, the smaller are the weights.
        rng: a numpy Generator or a seed, for the targets below a ReLU.

    Raises:
        TypeError: `network` is no Network.
        ValueError: it is not built, no chain, of another type, or has a layer that cannot be
            inverted; x or y do not fit it or are not finite; a target is outside the range of a
            Softmax; the targets of an activation are all the same; a target becomes infinite.
    """
    check(network)
    cutoff = real("fit_zorb", "cutoff", cutoff, least=0, below=1)
    A, Y = examples(network, x, y)
    trained = with_scales(network)
    stages = unrolled(trained, cutoff, np.random.default_rng(rng))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # looked for below
        for number, stage in enumerate(stages):
            if isinstance(stage, Weights):
                later = stages[number + 1 :]
                forward([stage, *later], A)  # so that a Softmax knows its sums
                F = target(later, Y)
                if not np.isfinite(F).all():
                    what = f"finite targets of {stage.layer.who}"
                    raise expects("fit_zorb", what, "NaN or infinity")
                stage.solve(A, F)
            A = stage.forward(A)
    return trained


def with_scales(network):
    """Return a copy of a built chain in which a Scale, the identity so far, follows each squash."""
    copy = Network()
    for layer in network:
        twin = type(layer)(**layer.settings)
        twin.name = layer.name
        copy.add(twin)
        if isinstance(layer, Sigmoid | Tanh):
            copy.add(Scale())
    copy.build(*network.in_shapes, rng=0, dtype=network.dtype)
    twins = [layer for layer in copy if not isinstance(layer, Scale)]
    for twin, layer in zip(twins, network, strict=True):
        for name, value in layer.params.items():
            twin.params[name][...] = value
    return copy


def forward(stages, x):
    """Return what the stages make of `x`."""
    for stage in stages:
        x = stage.forward(x)
    return x


def target(stages, y):
    """Return what has to go into the stages for `y` to come out."""
    for stage in reversed(stages):
        y = stage.inverse(y)
    return y
