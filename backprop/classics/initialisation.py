r"""Where the weights start: not all alike, and neither too small nor too large.

**Alike.** Let two units $j$ and $k$ of a layer have the same weights and bias, and let the layer
above give both the same weights. Then they compute the same, and get the same delta:

$$ h_j = h_k, \qquad \delta_j = \sum_m \delta_m W_{jm}\,\varphi'(z_j) = \delta_k, $$

so that the gradients of their weights, before and behind them, are the same too. No gradient can
tell them apart, for ever: a layer of such units is one unit. From zeros it is as bad in another
way: the first hidden delta, which comes through $W^2 = 0$, is zero. Rumelhart, Hinton and
Williams began within $\pm 0.3$ for this reason, Mitchell within $\pm 0.05$. Small weights that
differ a little part slowly: see `caceres`.

**Too small, too large.** Let a unit sum $n$ products of weights of mean 0, variance $v$, and
inputs, all independent. Then, $m$ being how many units it feeds,

$$ E[z^2] = n\,v\,E[a^2], \qquad E[\delta_a^2] = m\,v\,E[\delta_z^2]. $$

A linear unit has $a = z$ and $\delta_z = \delta_a$. A rectifier drops one half of a symmetric $z$
and of the deltas, so that both are halved, $s = 1/2$ instead of 1. From layer to layer then

$$ \frac{E[a_l^2]}{E[a_{l-1}^2]} = s\,n_l\,v_l \tag{1} $$

$$ \frac{E[\delta_{l-1}^2]}{E[\delta_l^2]} = s\,m_l\,v_l \tag{2} $$

with $n_l$ and $m_l$ the inputs and outputs of layer $l$. LeCun's $v = 1/n$ makes the first 1 for
linear units, He's $v = 2/n$ for rectifiers. Both ratios cannot be 1 at once where
$n \ne m$; Glorot's $v = 2/(n + m)$ is the compromise. Uniform on $[-a, a]$ has variance $a^2/3$,
hence Glorot's bound $\sqrt{6/(n + m)}$.

`moments` measures both sizes in a chain of your own, `spread` how far the units of a layer differ.

**What is a reconstruction.** The schemes are as they are generally told; the networks on which they
are measured here are this package's own, and the bands follow from (1) and (2).

Source: LeCun, Bottou, Orr and Müller, *Efficient BackProp* (1998); Glorot and Bengio,
*Understanding the difficulty of training deep feedforward neural networks* (2010); He, Zhang, Ren
and Sun, *Delving deep into rectifiers* (2015).
"""

import itertools

import numpy as np

from ..errors import expects, whole
from ..initializers import Constant, Glorot, He, Initializer, LeCun, Uniform, VarianceScaling
from ..layer import Layer
from ..layers import Dense, Identity, ReLU, Sigmoid
from ..losses import HalfSquaredError
from ..network import Network
from ..optimizers import SGD
from ..plots import BLUE, ORANGE, Picture
from ..training import TrainStep
from .axes import open_frame
from .chains import check_chain, check_same
from .exclusive_or import T, X
from .reproduction import Classic, Reproduction

CLASSIC = Classic("X. Glorot and Y. Bengio", 2010, "Where the weights start", seconds=2)
FUNNEL = (400, 200, 100, 50)
FOLLOWS = "follows from the derivation, not printed by the author"
OURS = "a band of ours: the network is ours"
NEAR = "a band of ours around the expected value"


def spread(dense):
    """Return how far the units of a built `Dense` are apart: 0 if all have the same weights.

    Raises:
        TypeError: the layer is no `Dense`.
    """
    if not isinstance(dense, Dense):
        raise expects("spread", "a Dense", repr(dense), TypeError)
    units = [value.reshape(-1, dense.units) for value in dense.params.values()]
    return max(float(np.ptp(value, axis=1).max()) for value in units)


def learn_xor(init, updates=2000, seed=0):
    """Train a 2-4-1 logistic network from `init`; return it.

    Args:
        init: an initializer of all weights and biases.
        updates: how many, at the rate 1, on the four patterns together.
        seed: of the initializer.

    Raises:
        TypeError: `init` is no initializer.
    """
    if not isinstance(init, Initializer):
        raise expects("learn_xor", "an initializer such as Constant(0)", repr(init), TypeError)
    hidden, output = Dense(4, init=init, bias_init=init), Dense(1, init=init, bias_init=init)
    net = Network([hidden, Sigmoid(), output, Sigmoid()])
    net.build((2,), rng=seed, dtype=np.float64)
    step = TrainStep(net, HalfSquaredError(reduction="sum"), SGD(1.0))
    for _ in range(whole("learn_xor", "updates", updates, least=0)):
        step(X, T)
    return net


def deep(sizes, init, activation: type[Layer] = Identity, seed=0):
    """Return a chain of `Dense` layers without biases, each followed by an activation.

    Args:
        sizes: of the input and of each layer.
        init: an initializer.
        activation: the class of the activations.
        seed: of the initializer.
    """
    pairs = ([Dense(units, bias=False, init=init), activation()] for units in sizes[1:])
    net = Network(itertools.chain.from_iterable(pairs))
    net.build((sizes[0],), rng=seed, dtype=np.float64)
    return net


def moments(net, seed=0, examples=200):
    r"""Return $E[a^2]$ and $E[\delta_a^2]$ of the input and of every layer's output.

    Inputs, and deltas at the output, are drawn from a standard normal distribution.

    Args:
        net: a built chain.
        seed: of what is drawn.
        examples: how many.

    Raises:
        TypeError: it is no Network.
        ValueError: the network is no such chain, or has a layer like `Dropout` that does something
            else in training.
    """
    check_chain("moments", net)
    check_same("moments", net)
    if net.in_shapes is None:
        raise expects("moments", "a chain that is built", repr(net))
    rng = np.random.default_rng(seed)
    N = whole("moments", "examples", examples)
    x = rng.standard_normal((N, *net.in_shapes[0])).astype(net.dtype)
    y, caches = net.forward(x)
    delta = rng.standard_normal(y.shape).astype(net.dtype)
    both = net.values(x)[0], net.deltas(delta, caches)
    return np.array([[np.mean(each**2) for each in sizes] for sizes in both])


def predicted(sizes, init, share=1.0):
    """Return what `moments` should find after each layer of `deep`, by (1) and (2).

    Args:
        sizes: of the input and of each layer.
        init: one that knows its variance, such as `Glorot()`.
        share: $s$: 1 for linear units, 1/2 for rectifiers.

    Raises:
        TypeError: `init` does not know its variance.
    """
    if not isinstance(init, VarianceScaling):
        what = "an initializer with a variance, such as Glorot()"
        raise expects("predicted", what, repr(init), TypeError)
    up, down = [1.0], [1.0]
    for n, m in itertools.pairwise(sizes):
        up.append(up[-1] * share * n * init.variance(n, m))  # (1)
    for n, m in reversed(list(itertools.pairwise(sizes))):
        down.insert(0, down[0] * share * m * init.variance(n, m))  # (2)
    return np.array([up, down])


def reproduce():
    """Return what becomes of equal units, and of the sizes of activations and deltas."""
    table = Reproduction(CLASSIC)
    for name, init in (("0", Constant(0.0)), ("0.5", Constant(0.5))):
        net = learn_xor(init)
        apart = spread(net[0])
        table.number(f"from {name}: units apart by", "0", apart, remark=FOLLOWS, tolerance=1e-12)
        table.band(f"from {name}: patterns of XOR right", 0, 3, _right(net), remark=FOLLOWS)
    net = learn_xor(Uniform(-1, 1))
    table.band("from [-1, 1): units apart by", 1, 100, spread(net[0]), remark=OURS)
    table.claim("from [-1, 1): patterns of XOR right", 4, _right(net), remark="a seed of ours")
    bound, formula = np.sqrt(3 * Glorot().variance(100, 50)), "by Glorot's formula"
    table.number("Glorot's bound, 100 to 50", "0.2", bound, remark=formula, tolerance=1e-15)
    expected = predicted(FUNNEL, Glorot())
    found = np.mean([moments(deep(FUNNEL, Glorot(), seed=s))[:, ::2] for s in range(10)], axis=0)
    name = "Glorot, linear 400-200-100-50"
    table.number(f"{name}: E[a^2] by (1)", "2.370370", expected[0, -1], remark=FOLLOWS)
    table.band(f"{name}: E[a^2] found", 2.37 * 0.9, 2.37 * 1.1, found[0, -1], remark=NEAR)
    table.number(f"{name}: E[delta^2] by (2)", "0.296296", expected[1, 0], remark=FOLLOWS)
    low, high = 0.296 * 0.9, 0.296 * 1.1
    table.band(f"{name}: E[delta^2] found", low, high, found[1, 0], remark=NEAR)
    ones = ["1"] * len(FUNNEL)
    found = predicted(FUNNEL, LeCun())[0]
    table.number("LeCun, the same: E[a^2] by (1)", ones, found, remark=FOLLOWS)
    sizes = [100] * 11
    found = np.mean([moments(deep(sizes, He(), ReLU, s))[:, ::2] for s in range(10)], axis=0)
    table.band("He, 10 layers of ReLU: E[a^2]", 0.5, 2, found[0, -1], remark=NEAR)
    table.band("He, 10 layers of ReLU: E[delta^2]", 0.5, 2, found[1, 0], remark=NEAR)
    table.picture = draw
    return table


def _right(net):
    return int(((net.predict(X) > 0.5) == (T > 0.5)).sum())


def draw():
    """Draw the sizes of activations and deltas in 20 layers of rectifiers, for four starts."""
    figure = Picture(8.6, 3.4)
    panels = figure.subplots(1, 2)
    starts = (
        ("He", He(), BLUE, "o-"),
        ("Glorot", Glorot(), ORANGE, "s--"),
        ("$\\pm 0.3$", Uniform(-0.3, 0.3), "0.35", "^:"),
        ("$\\pm 0.05$", Uniform(-0.05, 0.05), "0.65", "v-."),
    )
    for label, init, color, mark in starts:
        found = moments(deep([100] * 21, init, ReLU))[:, ::2]
        for axes, sizes in zip(panels, found, strict=True):
            axes.semilogy(sizes, mark, color=color, markersize=3, label=label)
    for axes, name in zip(panels, ("activations, $E[a^2]$", "deltas, $E[\\delta^2]$"), strict=True):
        axes.set(xlabel="layer", title=name)
        axes.set_xticks(range(0, 21, 5))
        open_frame(axes)
    panels[0].legend(frameon=False, fontsize=8)
    return figure
