r"""Y. Cheng, *Derivation of the Backpropagation Algorithm Based on Derivative Amplification
Coefficients* (2021): backpropagation as a theorem about factors, before any loss is spoken of.

Push the net input of a unit by a little: how much larger is the push when it arrives at the net
input of a unit further on? These factors obey a recursion at their far end by definition, and one
at their near end by induction, and the second is backpropagation.

**Derivation.** $z^l = a^{l-1} W^l + b^l$ and $a^l = \varphi_l(z^l)$ for the layers $l = 1 \dots L$,
$a^0 = x$, $y = a^L$; one example at a time. $D_l$ is the diagonal matrix of the slopes
$\varphi_l'(z^l)$. The derivative amplification coefficient from unit $i$ of layer $l_1$ to unit
$j$ of layer $l_2 \ge l_1$ is

$$ [A_{l_1,l_2}]_{ij} = \frac{\partial z^{l_2}_j}{\partial z^{l_1}_i}, \qquad A_{l,l} = I. $$

*At the far end*, $z^{l_2}$ hears of $z^{l_1}$ only through $z^{l_2-1}$, and there the slope and the
weight of one layer are left to be passed:

$$ A_{l_1,l_2} = A_{l_1,l_2-1}\, D_{l_2-1} W^{l_2} \tag{1} $$

*At the near end* the same holds of the first layer instead of the last:

$$ A_{l_1,l_2} = D_{l_1} W^{l_1+1}\, A_{l_1+1,l_2} \tag{2} $$

By induction on $l_2 - l_1$. For 1, both are $D_{l_1} W^{l_2}$. For more, let (2) hold for all
spans that are shorter; then

$$ A_{l_1,l_2} \overset{(1)}{=} A_{l_1,l_2-1} D_{l_2-1} W^{l_2}
   \overset{(2)}{=} D_{l_1} W^{l_1+1} \bigl( A_{l_1+1,l_2-1} D_{l_2-1} W^{l_2} \bigr)
   \overset{(1)}{=} D_{l_1} W^{l_1+1} A_{l_1+1,l_2}. $$

(1) keeps the near end, so it begins anew for every layer that one starts from. (2) keeps the far
end: one sweep from $L$ down to 1 gives the coefficients from every layer to the output.

*What they are for.* A weight $W^l_{kj}$ moves $z^l_j$ by $a^{l-1}_k$, and nothing else directly; a
bias moves it by 1. At the output one slope remains. So

$$ S^l = A_{l,L}\, D_L, \qquad S^l_{jm} = \frac{\partial y_m}{\partial z^l_j} \tag{3} $$

$$ \frac{\partial y_m}{\partial W^l_{kj}} = a^{l-1}_k\, S^l_{jm} \tag{4} $$

$$ \frac{\partial y_m}{\partial b^l_j} = S^l_{jm} \tag{5} $$

which is the Jacobian that Gauss-Newton and Levenberg-Marquardt need (`levenberg_marquardt/`).

*Errors.* With a loss, $\delta^L_m = \varphi_L'(z^L_m)\, \partial L / \partial y_m$ and

$$ \delta^l_j = \frac{\partial L}{\partial z^l_j} = \sum_m [A_{l,L}]_{jm}\, \delta^L_m \tag{6} $$

Put (2) into (6) and the matrices fold up: $\delta^l = (\delta^{l+1} W^{l+1\top}) \odot
\varphi_l'(z^l)$, the ordinary backward pass, which carries a vector where (2) carries a matrix.

**What is a reconstruction.** The abstract says that the coefficients are defined recursively, that
a result proved by induction makes their backward propagation possible, and that the error
coefficients obey the same procedure. The symbols $A_{l_1,l_2}$, $S^l$ and $D_l$, the row vectors,
the numbering and the induction above are worked out here from that outline; they are not the
paper's own notation. The paper prints no numbers that are known here: those of `reproduce()` were
computed independently.

Source: arXiv 2102.04320 (2021). The concept is from Y. Cheng, *Backpropagation for fully connected
cascade networks*, Neural Processing Letters 46 (2017): see `cascade.py`.
"""

import numpy as np

from ..errors import batch_of, expects, whole
from ..initializers import Given
from ..layer import Array
from ..layers import (
    ELU,
    GELU,
    SELU,
    Dense,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
)
from ..network import Network
from ..plots import BLUE, ORANGE, Picture
from .axes import open_frame
from .reproduction import TWO_WAYS, Classic, Reproduction

CLASSIC = Classic(
    "Y. Cheng",
    2021,
    "Derivation of the Backpropagation Algorithm Based on Derivative Amplification Coefficients",
)
SMOOTH = (Identity, Sigmoid, Tanh, SELU, ELU, GELU, Softplus, Softsign, SiLU)
ELEMENTWISE = (*SMOOTH, ReLU, LeakyReLU)
"""The activations without parameters. At a kink, the slope is the one of the layer's convention."""
A12 = "0.4823756810910317 -0.578850817309238 0.6778010430874046 0.7746297635284625"
SLOPES_OF_W1 = "0.465628619147619 -0.5787907980553205 0.6542692264995108 0.7745494445601221"


class Amplification:
    r"""One pass of a layered network, and the amplification coefficients in it.

    Layers are numbered as in the derivation, $l = 1 \dots L$: a layer is a Dense and the
    activations that follow it. Every coefficient has the batch as its first axis.

    * `y`: the outputs $(N, M)$.
    * `a[l]`: the inputs $a^l$ of layer $l + 1$; `W[l]` and `slopes[l]`: $W^l$ and
      $\varphi_l'(z^l)$, from $l = 1$.

    Args:
        net: a built Network that is a chain of Dense layers and elementwise activations.
        x: a batch $(N, D)$.

    Raises:
        TypeError: `net` is no Network.
        ValueError: it is not built, no such chain, or `x` does not suit it.
    """

    def __init__(self, net, x, /):
        starts = dense_numbers(net)
        self.y, caches = net.forward(x)
        self.L = len(starts)
        self.a: list[Array] = []
        self.W: list[Array] = [None]
        self.slopes: list[Array] = [None]
        for start, end in zip(starts, [*starts[1:], len(net)], strict=True):
            slope = np.ones((len(self.y), net[start].units), net.dtype)
            for number in reversed(range(start + 1, end)):
                slope, _ = net[number].backward(slope, caches[number])
            self.a.append(caches[start])
            self.W.append(net[start].W)
            self.slopes.append(slope)

    def far_end(self, l1, l2, /):
        """Return $A_{l1,l2}$ of shape (N, units of l1, units of l2), from l1 onwards."""
        self._check(l1, l2)
        A = self._identity(l1)
        for k in range(l1 + 1, l2 + 1):
            A = (A * self.slopes[k - 1][:, np.newaxis, :]) @ self.W[k]  # (1)
        return A

    def near_end(self, l1, l2, /):
        """Return the same, from l2 backwards."""
        self._check(l1, l2)
        return self._sweep(l1, l2)[0]

    def to_output(self):
        """Return $A_{1,L} ... A_{L,L}$, all from one sweep."""
        return self._sweep(1, self.L)

    def _sweep(self, l1, l2):
        found = [self._identity(l2)]
        for k in reversed(range(l1, l2)):
            A = self.slopes[k][:, :, np.newaxis] * (self.W[k + 1] @ found[0])  # (2)
            found.insert(0, A)
        return found

    def _identity(self, k):
        N, M = self.slopes[k].shape
        return np.broadcast_to(np.eye(M, dtype=self.y.dtype), (N, M, M))

    def _check(self, l1, l2):
        whole("Amplification", "l1", l1)
        if whole("Amplification", "l2", l2, least=l1) > self.L:
            raise expects("Amplification", f"l2 to be at most {self.L}", l2)

    def errors(self, delta, /):
        """Return the error coefficients of the layers 1 to L, for `delta` = dL/dy."""
        if np.shape(delta) != self.y.shape:
            raise expects("Amplification", f"a delta of shape {self.y.shape}", np.shape(delta))
        last = (self.slopes[-1] * delta)[:, :, np.newaxis]
        found = [A @ last for A in self.to_output()]  # (6)
        return [each[:, :, 0] for each in found]

    def jacobian(self):
        """Return dy/dW and dy/db of each layer: (N, M, D, units) and (N, M, units)."""
        found = []
        for a, A in zip(self.a, self.to_output(), strict=True):
            S = A * self.slopes[-1][:, np.newaxis, :]  # (3)
            dW = np.einsum("nk,njm->nmkj", a, S)  # (4)
            db = S.transpose(0, 2, 1)  # (5)
            found.append((dW, db))
        return found


def dense_numbers(net, /):
    """Return the numbers of the Dense layers in a chain of them and elementwise activations.

    Raises:
        TypeError: `net` is no Network.
        ValueError: it is not built, or no such chain.
    """
    if not isinstance(net, Network):
        raise expects("amplification", "a Network", repr(net), TypeError)
    if net.in_shapes is None:
        raise expects(net.who, "build(in_shape) before its amplification is asked for", "none")
    what = "a chain of Dense layers, each once, and elementwise activations, a Dense first"
    if not net.is_chain:
        raise expects(net.who, what, "another wiring")
    for layer in net:
        if not isinstance(layer, (Dense, *ELEMENTWISE)):
            raise expects(net.who, what, layer.who)
    starts = [number for number, layer in enumerate(net) if isinstance(layer, Dense)]
    if starts[:1] != [0]:
        raise expects(net.who, what, f"{net[0].who} first")
    if len({id(net[start]) for start in starts}) < len(starts):
        raise expects(net.who, what, "one that is shared")
    if len(net.in_shapes[0]) != 1:
        what = "inputs of shape (N, D) for its amplification"
        raise expects(net.who, what, batch_of(net.in_shapes[0]))
    return starts


def jacobian(net, x, /):
    """Return the outputs (N, M) and their derivatives by all parameters, (N, M, P).

    The last axis has the order of `net.parameters`.

    Args:
        net: a built Network that is a chain of Dense layers and elementwise activations.
        x: a batch (N, D).

    Raises:
        TypeError, ValueError: as in `Amplification`.
    """
    sweep = Amplification(net, x)
    N, M = sweep.y.shape
    parts = []
    for number, (dW, db) in zip(dense_numbers(net), sweep.jacobian(), strict=True):
        parts.append(dW.reshape(N, M, -1))
        if net[number].bias:
            parts.append(db)
    return sweep.y, np.concatenate(parts, axis=2)


def network(sizes, activation, *, rng=None):
    """Return a float64 network of these sizes, the inputs first, every layer with `activation`."""
    layers = [layer for units in sizes[1:] for layer in (Dense(units), activation)]
    net = Network(layers)
    net.build(sizes[:1], rng=rng, dtype=np.float64)
    return net


def fixture():
    """Return the 2-2-2 network of tanh units whose coefficients were computed independently."""
    first = Dense(2, init=Given([[0.1, 0.2], [0.3, 0.4]]), bias_init=Given([0.01, 0.02]))
    second = Dense(2, init=Given([[0.5, -0.6], [0.7, 0.8]]), bias_init=Given([0.03, 0.04]))
    net = Network([first, Tanh(), second, Tanh()])
    net.build((2,), dtype=np.float64)
    return net


def reproduce():
    """Return the coefficients beside those of an independent computation, and the identities."""
    table = Reproduction(CLASSIC)
    net, x = fixture(), np.array([[1.0, -1.0]])
    sweep = Amplification(net, x)
    z = [net[0].predict(x), net[2].predict(sweep.a[1])]
    table.number("z1", "-0.19 -0.18", z[0], computed=True)
    table.number("a1", "-0.187746205868 -0.178080868117", sweep.a[1], computed=True)
    table.number("z2", "-0.188529710616 0.010183029027", z[1], computed=True)
    table.number("y", "-0.186327351543 0.010182677068", sweep.y, computed=True)
    table.number("A12, far end", A12, sweep.far_end(1, 2), computed=True)
    table.number("A12, near end", A12, sweep.near_end(1, 2), computed=True)
    dW, _ = sweep.jacobian()[0]
    table.number("dy_m/dW1[0,j], by j and m", SLOPES_OF_W1, dW[0, :, 0].T, computed=True)
    worst = np.max([gaps(seed) for seed in range(20)], axis=0)
    table.band("far end - near end, 20 random nets", 0, 1e-14, worst[0], remark=TWO_WAYS)
    table.band("errors by them - ordinary deltas", 0, 1e-14, worst[1], remark=TWO_WAYS)
    table.band("Jacobian - complex step", 0, 1e-14, worst[2], remark=TWO_WAYS)
    table.picture = draw
    return table


def gaps(seed):
    """Return how far apart, in a random network, what should be equal is: three largest gaps.

    They are those between the two recursions, over all pairs of layers; between the error
    coefficients and the deltas of the network's own backward pass; and between the Jacobian and
    the complex step.
    """
    rng = np.random.default_rng(seed)
    sizes = tuple(int(size) for size in rng.integers(1, 6, rng.integers(3, 7)))
    net = network(sizes, SMOOTH[seed % len(SMOOTH)](), rng=rng)
    net.parameters[...] += 0.1 * rng.standard_normal(net.parameters.size)
    x, delta = rng.standard_normal((4, sizes[0])), rng.standard_normal((4, sizes[-1]))
    sweep = Amplification(net, x)
    pairs = [(l1, l2) for l2 in range(1, sweep.L + 1) for l1 in range(1, l2 + 1)]
    ends = [sweep.far_end(*pair) - sweep.near_end(*pair) for pair in pairs]
    deltas = net.deltas(delta, net.forward(x)[1])[1::2]  # those of z: each second value is one
    errors = [one - other for one, other in zip(sweep.errors(delta), deltas, strict=True)]
    slopes = jacobian(net, x)[1] - complex_step(net, x)
    return [max(np.abs(each).max() for each in gap) for gap in (ends, errors, slopes)]


def complex_step(net, x, /, step=1e-100):
    r"""Return dy/d(parameters), (N, M, P), as $\operatorname{Im} y(\theta + ih)/h$: P passes."""
    twin = net.astype(np.complex128)
    columns = []
    for p in range(net.param_count):
        twin.parameters[p] += 1j * step
        columns.append(twin.predict(x).imag / step)
        twin.parameters[p] -= 1j * step
    return np.stack(columns, axis=-1)


def draw():
    """Draw the size of the coefficients to the output, layer by layer, in deep networks."""
    figure = Picture(6.4, 3.2)
    axes = figure.subplots()
    x = np.random.default_rng(0).standard_normal((50, 20))
    for activation, color in ((Tanh(), BLUE), (Sigmoid(), ORANGE)):
        sweep = Amplification(network((20,) * 13, activation, rng=1), x)
        sizes = [np.sqrt((A**2).sum(axis=(1, 2)).mean()) for A in sweep.to_output()]
        name = type(activation).__name__
        axes.semilogy(range(1, sweep.L + 1), sizes, "o-", color=color, markersize=3, label=name)
    axes.set(
        xlabel="from layer $l$", ylabel="Frobenius norm of $A_{l,12}$", title="12 layers of 20"
    )
    open_frame(axes)
    axes.legend(frameon=False)
    return figure
