r"""Y. Cheng, *Backpropagation for Fully Connected Cascade Networks* (2017): every neuron a layer.

A chain of neurons in which each one hears the inputs and all neurons before it; the last one is the
output. No feedforward network of so few neurons has more connections, and none is deeper. The paper
computes the gradient (BPFCC) by the derivative amplification coefficients that its author later
carried over to layered networks (`amplification.py`).

`Cascade` is a layer like any other: it stands in a Network, trains by `fit`, passes `gradcheck`. It
stands here alone because its backward is its own: see there for the derivation.

**The cost.** $n$ neurons on $m$ inputs have $n(m+1) + n(n-1)/2$ weights. The coefficients
$\alpha_i$ of all neurons take one multiplication with each weight $V_{ki}$, $n(n-1)/2$ together.
Each entry of the gradient takes one more. So an entry costs a constant, however large the cascade.
From the far end, as the coefficients are defined, one needs those between all pairs $i < k$, with
$k - i$ multiplications by a weight for each: $\sum_{d=1}^{n-1} d\,(n-d) = n(n^2-1)/6$, and an entry
costs the more, the more neurons there are. `count` counts both while they run, with weights that
take note of being multiplied.

**What is a reconstruction.** From the paper are the architecture, the name of the coefficients, and
that an entry of the gradient costs $O(1)$ on the average: its abstract says so. The equations in
these symbols are worked out here, and the numbers of the fixture were computed independently. The
paper trains by Levenberg-Marquardt (as `levenberg_marquardt/` does); its loss for
classification, a non-linear extension of logistic regression, is not known here in detail and is
left out.

Source: Neural Processing Letters 46 (2017), 293-311.
"""

import numpy as np

from ..errors import batch_of, expects, whole
from ..initializers import Given, Initializer, Uniform
from ..layer import Layer
from ..layers import Tanh
from ..network import Network
from ..plots import BLUE, ORANGE, Picture
from .amplification import ELEMENTWISE, SMOOTH, complex_step
from .axes import open_frame
from .reproduction import TWO_WAYS, Classic, Reproduction

CLASSIC = Classic("Y. Cheng", 2017, "Backpropagation for Fully Connected Cascade Networks")
Y = "-0.43304330712551575 -0.08328497540872741 -0.02210307649089459 -0.1211815777411497"


class Cascade(Layer):
    r"""A fully connected cascade: neuron $i$ hears a 1, all inputs, and the neurons before it.

    Shapes: $x\,(N, m)$; $U\,(n, m + 1)$, a row for each neuron, the bias first;
    $V\,(n(n-1)/2)$, the lower triangle $V_{21} \mid V_{31} V_{32} \mid \dots$ row by row;
    $y\,(N, 1)$.

    **Forward**, with $a = [1, x]$ and for $i = 1, \dots, n$:

    $$ z_i = \sum_j U_{ij}\, a_j + \sum_{j<i} V_{ij}\, y_j \tag{1} $$

    $$ y_i = \varphi_i(z_i) \tag{2} $$

    The output is $y_n$.

    **Backward**, with $\alpha_i = \partial y_n / \partial z_i$: $\alpha_n = \varphi_n'$, and for
    $i = n - 1, \dots, 1$

    $$ \alpha_i = \varphi_i' \sum_{k>i} V_{ki}\, \alpha_k \tag{3} $$

    Then, with $\delta$ that of the output,

    $$ dz_i = \delta\, \alpha_i \tag{4} $$

    $$ dU = dz^\top a \tag{5} $$

    $$ dV_{ij} = (dz^\top y)_{ij}, \qquad j < i \tag{6} $$

    $$ dx_j = \sum_i dz_i\, U_{i,j+1} \tag{7} $$

    **From the far end** the coefficients between any two neurons are, by their definition,
    $A_{ii} = 1$ and

    $$ A_{ik} = \frac{\partial z_k}{\partial z_i}
       = \sum_{j=i}^{k-1} A_{ij}\, \varphi_j'\, V_{kj} \tag{8} $$

    and $\alpha_i = A_{in}\, \varphi_n'$. The passes do not use it: it is the long way.

    **Derivation.** $z_i$ acts through $y_i$ only, with slope $\varphi_i'$, and $y_i$ is heard by
    every later neuron $k$ directly, with weight $V_{ki}$. So the chain rule sums over them:

    $$ \alpha_i = \frac{\partial y_i}{\partial z_i}
       \sum_{k>i} \frac{\partial z_k}{\partial y_i} \frac{\partial y_n}{\partial z_k}
       = \varphi_i' \sum_{k>i} V_{ki}\, \alpha_k. $$

    The paths through several neurons are in $\alpha_k$ already: none is walked twice. $U_{ij}$ is a
    factor of $z_i$ beside $a_j$, $V_{ij}$ one beside $y_j$, in every example and nowhere else, so
    (5) and (6) sum over the examples. An input is heard by all neurons: (7).

    Args:
        neurons: $n$.
        activation: $\varphi_i$, an elementwise activation without parameters.
        output: that of neuron $n$, if it is another one.
        init: how $U$ starts.
        init_V: how $V$ starts.

    Raises:
        TypeError: an activation is of another kind.
        ValueError: `neurons` is not a positive whole number; in `build`, inputs that are no rows.

    Source: Y. Cheng, *Backpropagation for fully connected cascade networks* (2017), in symbols of
    our own.
    """

    param_names = ("U", "V")

    def __init__(
        self,
        neurons,
        activation=Tanh(),
        *,
        output=None,
        init: Initializer = Uniform(-0.5, 0.5),
        init_V: Initializer = Uniform(-0.5, 0.5),
    ):
        self.neurons = whole("Cascade", "neurons", neurons)
        self.param_names = ("U", "V") if self.neurons > 1 else ("U",)
        self.activation = _elementwise("activation", activation)
        self.output = output if output is None else _elementwise("output", output)
        self.init = init
        self.init_V = init_V

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        if len(in_shape) != 1:
            raise expects(self.who, "inputs of shape (N, D)", batch_of(in_shape))
        rng = np.random.default_rng(rng)
        n, m = self.neurons, in_shape[0]
        self.U = self.init((n, m + 1), rng=rng, dtype=dtype)
        if n > 1:
            self.V = self.init_V((n * (n - 1) // 2,), rng=rng, dtype=dtype)
        else:
            self.V = np.empty(0, bool)  # one neuron hears no other: no numbers, of no type
        return (1,)

    def row(self, i, /):
        """Return the weights that neuron i, from 0, hears the neurons before it with."""
        return self.V[i * (i - 1) // 2 : i * (i + 1) // 2]

    def column(self, i, /):
        """Return the weights that neuron i, from 0, is heard with by those after it."""
        k = np.arange(i + 1, self.neurons)
        return self.V[k * (k - 1) // 2 + i]

    def phi(self, i, /):
        """Return the activation of neuron i, from 0."""
        last = i == self.neurons - 1
        return self.output if last and self.output is not None else self.activation

    def forward(self, x, /):
        a = np.concatenate([np.ones_like(x[:, :1]), x], axis=1)
        heard = a @ self.U.T
        y, caches = np.zeros_like(heard), []
        for i in range(self.neurons):
            z_i = heard[:, i] + y[:, :i] @ self.row(i)  # (1)
            y[:, i], cache = self.phi(i).forward(z_i)  # (2)
            caches.append(cache)
        return y[:, -1:].copy(), (a, y, caches)

    def backward(self, delta, cache, /):
        a, y, _ = cache
        dz = delta * self.alphas(self.slopes(cache))  # (4)
        dU = dz.T @ a  # (5)
        dV = (dz.T @ y)[np.tril_indices(self.neurons, -1)]  # (6)
        dx = dz @ self.U[:, 1:]  # (7)
        return dx, {"U": dU, "V": dV} if self.neurons > 1 else {"U": dU}

    def slopes(self, cache, /):
        r"""Return the slopes $\varphi_i'(z_i)$ of a pass, (N, n)."""
        _, y, caches = cache
        one = np.ones_like(y[:, 0])
        return np.stack([self.phi(i).backward(one, c)[0] for i, c in enumerate(caches)], axis=1)

    def alphas(self, slopes, /):
        r"""Return the coefficients $\alpha_i$ of all neurons, (N, n), from the slopes."""
        alpha = slopes.copy()
        for i in reversed(range(self.neurons - 1)):
            alpha[:, i] = slopes[:, i] * (alpha[:, i + 1 :] @ self.column(i))  # (3)
        return alpha

    def far_end(self, slopes, /):
        r"""Return the coefficients $A_{ik}$ between all pairs of neurons, (N, n, n)."""
        A = slopes[:, :, np.newaxis] * np.eye(self.neurons, dtype=slopes.dtype)
        for k in range(self.neurons):
            A[:, k, k] = 1
            for i in range(k):
                A[:, i, k] = (A[:, i, i:k] * slopes[:, i:k]) @ self.row(k)[i:]  # (8)
        return A

    def jacobian(self, x, /):
        """Return the outputs (N, 1) and their derivatives (N, 1, P) by U, row by row, and V."""
        out, cache = self.forward(x)
        a, y, _ = cache
        alpha = self.alphas(self.slopes(cache))[:, :, np.newaxis]
        by_U = (alpha * a[:, np.newaxis, :]).reshape(len(x), 1, -1)
        i, j = np.tril_indices(self.neurons, -1)
        by_V = (alpha * y[:, np.newaxis, :])[:, np.newaxis, i, j]
        return out, np.concatenate([by_U, by_V], axis=2)

    def multiply_adds(self, in_shape, /):
        return self.neurons * (in_shape[0] + 1) + self.neurons * (self.neurons - 1) // 2


def _elementwise(name, activation):
    if not isinstance(activation, ELEMENTWISE):
        what = f"{name} to be an elementwise activation without parameters"
        raise expects("Cascade", what, repr(activation), TypeError)
    return activation


class Counted(float):
    """A weight that counts how often a Counted is a factor of a product. Products are floats."""

    times = 0

    def __mul__(self, other):
        Counted.times += 1
        return float(self) * float(other)

    __rmul__ = __mul__


def count(neurons, /):
    """Return how often a weight is multiplied on the way to the coefficients of one example.

    Both ways run, from the near end and from the far end, and what they do is counted.

    Raises:
        ValueError: `neurons` is not a positive whole number.
    """
    cascade = Cascade(neurons)
    cascade.build((1,), rng=0, dtype=np.float64)
    _, cache = cascade.forward(np.ones((1, 1)))
    slopes = cascade.slopes(cache).astype(object)
    cascade.V = np.array([Counted(v) for v in cascade.V], dtype=object)
    counts = []
    for way in (cascade.alphas, cascade.far_end):
        Counted.times = 0
        way(slopes)
        counts.append(Counted.times)
    return tuple(counts)


def fixture(neurons=4, /):
    """Return the first neurons of a cascade of four tanh neurons, built, on two inputs."""
    U, V = np.linspace(-0.6, 0.6, 12).reshape(4, 3), np.linspace(-0.5, 0.7, 6)
    used = neurons * (neurons - 1) // 2
    cascade = Cascade(neurons, init=Given(U[:neurons]), init_V=Given(V[:used]))
    cascade.build((2,), dtype=np.float64)
    return cascade


def reproduce():
    """Return the fixture's numbers beside ours, the identities, and the counts."""
    table = Reproduction(CLASSIC)
    x = np.array([[0.5, -1.0]])
    for neurons, y in enumerate(Y.split(), start=1):
        out = fixture(neurons).predict(x)
        table.number(f"output of {neurons} neurons", y, out, computed=True)
    worst = np.max([gaps(seed) for seed in range(20)], axis=0)
    table.band("near end - far end, 20 random cascades", 0, 1e-14, worst[0], remark=TWO_WAYS)
    table.band("Jacobian - complex step", 0, 1e-14, worst[1], remark=TWO_WAYS)
    follows = "follows from the derivation, not printed by the author"
    for n in (2, 10, 40):
        near, far = count(n)
        table.number(
            f"products for all alpha, n = {n}", str(n * (n - 1) // 2), near, remark=follows
        )
        table.number(
            f"the same from the far end, n = {n}", str(n * (n**2 - 1) // 6), far, remark=follows
        )
    table.picture = draw
    return table


def gaps(seed, /):
    """Return how far apart, in a random cascade, what should be equal is: two largest gaps.

    They are those between the coefficients from the near end and from the far end, and between the
    Jacobian and the complex step.
    """
    rng = np.random.default_rng(seed)
    neurons, m = rng.integers(1, 8, 2)
    cascade = Cascade(int(neurons), SMOOTH[seed % len(SMOOTH)]())
    net = Network([cascade])
    net.build((int(m),), rng=rng, dtype=np.float64)
    x = rng.standard_normal((4, int(m)))
    slopes = cascade.slopes(cascade.forward(x)[1])
    far = cascade.far_end(slopes)[:, :, -1] * slopes[:, -1:]
    slopes_of_y = cascade.jacobian(x)[1] - complex_step(net, x)
    return [np.abs(each).max() for each in (cascade.alphas(slopes) - far, slopes_of_y)]


def draw():
    """Draw how many multiplications an entry of the gradient takes, from either end."""
    figure = Picture(6.4, 3.2)
    axes = figure.subplots()
    sizes = np.arange(1, 41)
    counts = np.array([count(int(n)) for n in sizes])
    weights = sizes * (2 + 1) + sizes * (sizes - 1) // 2
    per_entry = 1 + counts / weights[:, np.newaxis]
    axes.plot(sizes, per_entry[:, 0], color=BLUE, label="from the near end")
    axes.plot(sizes, per_entry[:, 1], color=ORANGE, label="from the far end")
    axes.set(xlabel="neurons", ylabel="multiplications by entry", title="a cascade on two inputs")
    axes.set_ylim(bottom=0)
    open_frame(axes)
    axes.legend(frameon=False)
    return figure
