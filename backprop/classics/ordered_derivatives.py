r"""P. J. Werbos, *Beyond Regression* (1974): ordered derivatives, of which backpropagation is one.

Werbos takes a system in which every variable depends on earlier ones only,
$z_i = f_i(z_1, \dots, z_{i-1})$, and asks how its last one, the target $T = z_n$, depends on all
the others. There are two derivatives to tell apart. The *simple* partial derivative
$\partial z_j/\partial z_i$ looks at the equation of $z_j$ alone and holds all else in it fixed. The
*ordered* derivative $\partial^+ T/\partial z_i$ lets everything move that comes after $z_i$ and
depends on it.

In $z_2 = 4 z_1$, $z_3 = 3 z_1 + 5 z_2$, the simple derivative of $z_3$ by $z_1$ is 3. The ordered
one is $3 + 5 \cdot 4 = 23$.

**Forward**, for $i$ ascending, with $R_i$ the earlier variables that $f_i$ reads:

$$ z_i = f_i(z_j : j \in R_i) \tag{1} $$

**Backward**, for $j$ descending, beginning with $\partial^+ T/\partial z_n = 1$:

$$ \frac{\partial^+ T}{\partial z_i} \mathrel{+}= \frac{\partial^+ T}{\partial z_j}\,
   \frac{\partial z_j}{\partial z_i}, \qquad i \in R_j \tag{2} $$

**Derivation.** This is Werbos' chain rule for ordered derivatives,

$$ \frac{\partial^+ T}{\partial z_i} = \frac{\partial T}{\partial z_i}
   + \sum_{i < j < n} \frac{\partial^+ T}{\partial z_j}\, \frac{\partial z_j}{\partial z_i}, $$

its first term being that of $j = n$. To see it, let $F_i(z_1, \dots, z_i)$ be the target as a
function of the first $i$ variables, once all the later ones have been put in. Then
$F_{i-1}(z_1, \dots, z_{i-1}) = F_i(z_1, \dots, z_{i-1}, f_i(\dots))$, so by the ordinary chain rule

$$ \frac{\partial F_{i-1}}{\partial z_k} = \frac{\partial F_i}{\partial z_k}
   + \frac{\partial F_i}{\partial z_i}\, \frac{\partial f_i}{\partial z_k}. $$

$\partial F_i/\partial z_i$ is the ordered derivative by $z_i$. Applied from $i = n$ down to
$k + 1$, with $F_n = z_n$, the sum is complete. (The other way round, from the first variable to the
last, is just as right, but gives the derivatives of all variables by *one*; this way gives those of
one variable by *all*.)

**Backpropagation.** `as_system` writes a network down as an ordered system: inputs and weights
first, then every unit's sum and output, then the loss. (2) is then the whole of it: for a unit's
output it sums over the units that read it, which is $\delta W^\top$, and for its sum there is one
reader, which gives the factor $\varphi'$.

**Reconstruction.** The thesis itself was not at hand, nor a copy of a later paper with the example:
definition and chain rule are the standard ones, and 23 was computed.
"""

import inspect
from dataclasses import dataclass, field

import numpy as np

from ..errors import expects
from ..initializers import Given
from ..layer import Layer
from ..layers import Dense, Sigmoid, Tanh, activations
from ..losses import HalfSquaredError
from ..network import Network
from .chains import check_chain
from .reproduction import TWO_WAYS, Classic, Reproduction

CLASSIC = Classic(
    "P. J. Werbos",
    1974,
    "Beyond Regression: New Tools for Prediction and Analysis in the Behavioral Sciences",
)
ACTIVATIONS = tuple(
    kind
    for kind in vars(activations).values()
    if isinstance(kind, type) and issubclass(kind, Layer) and kind is not Layer
)
"""The layers that take each number by itself."""
EXAMPLE = [
    (lambda z1: 4 * z1, {1: lambda z1: 4}),
    (lambda z1, z2: 3 * z1 + 5 * z2, {1: lambda z1, z2: 3, 2: lambda z1, z2: 5}),
]
"""z2 = 4 z1, z3 = 3 z1 + 5 z2, each with its simple partial derivatives."""


def ordered_derivative(system, /, *inputs):
    """Return the values of all variables, and the ordered derivatives of the last by each.

        values, derivatives = ordered_derivative(EXAMPLE, 2.0)  # [2, 8, 46], [23, 5, 1]

    Args:
        system: a list of pairs (function, partials), one for each variable after the inputs.
            `partials` is a dict: its keys are the numbers of the variables that the function reads,
            counted from 1, inputs included; its values are the simple partial derivatives. Each of
            these functions takes the variables that are read, in the order of the keys.
        *inputs: the values of the first variables.

    Raises:
        TypeError: something in the list is no such pair.
        ValueError: there is no variable, or one reads itself, a later one, or one that is not.
    """
    first = _check(system, len(inputs))
    z = list(inputs)
    for f, partials in system:
        z.append(f(*_read(z, partials)))  # (1)
    D = [0 * z[-1]] * len(z)  # ordered derivatives, of z_1 to z_n
    D[-1] = D[-1] + 1
    for j, (_, partials) in reversed(list(enumerate(system, start=first))):
        for i, partial in partials.items():
            D[i - 1] = D[i - 1] + D[j - 1] * partial(*_read(z, partials))  # (2)
    return z, D


def simple_derivative(system, j, i, /, *inputs):
    """Return the simple partial derivative of variable `j` by variable `i`.

    Args:
        system: as in `ordered_derivative`.
        j: the number of a variable.
        i: the number of another.
        *inputs: the values of the first variables.

    Raises:
        TypeError, ValueError: as in `ordered_derivative`; or j is no variable with an equation.
    """
    z, _ = ordered_derivative(system, *inputs)
    first = len(inputs) + 1
    if j not in range(first, len(z) + 1):
        raise expects("simple_derivative", f"a variable from z{first} to z{len(z)}", f"z{j}")
    _, partials = system[j - first]
    return partials[i](*_read(z, partials)) if i in partials else 0


def _read(z, partials):
    return [z[i - 1] for i in partials]


def _check(system, count):
    """Return the number of the first equation; raise unless all read earlier variables only."""
    who = "ordered_derivative"
    if count + len(system) == 0:
        raise expects(who, "at least one variable", "none")
    for number, step in enumerate(system, start=count + 1):
        if not (isinstance(step, tuple) and len(step) == 2 and isinstance(step[1], dict)):
            what = f"a pair (function, partials) for z{number}"
            raise expects(who, what, repr(step), TypeError)
        f, partials = step
        for function in (f, *partials.values()):
            if not callable(function):
                what = f"functions for z{number} and its partials"
                raise expects(who, what, repr(function), TypeError)
        for i in partials:
            if isinstance(i, bool) or not isinstance(i, int | np.integer) or not 1 <= i < number:
                earlier = f"z{number} to read earlier variables, z1 to z{number - 1}"
                raise expects(who, earlier if number > 1 else "z1 to read none", f"z{i}")
        _check_arguments(who, number, (f, *partials.values()), len(partials))
    return count + 1


def _check_arguments(who, number, functions, count):
    for function in functions:
        try:
            inspect.signature(function).bind(*range(count))
        except TypeError:
            what = f"functions of {count} arguments for z{number}, as it reads {count} variables"
            raise expects(who, what, str(inspect.signature(function)), TypeError) from None
        except ValueError:
            pass  # a function of NumPy, say, that does not tell its arguments


@dataclass
class Ordered:
    """A network written as an ordered system, with the numbers that its variables have."""

    system: list = field(default_factory=list)
    inputs: list = field(default_factory=list)
    numbers: dict = field(default_factory=dict)
    """The variables that each parameter consists of, by its key, in its shape."""

    def given(self, array):
        """Add variables that are given; return their numbers, in the shape of `array`."""
        first = len(self.inputs) + 1
        self.inputs.extend(np.ravel(array).tolist())
        return np.arange(first, len(self.inputs) + 1).reshape(np.shape(array))

    def computed(self, f, partials):
        """Add a variable with an equation; return its number."""
        self.system.append((f, partials))
        return len(self.inputs) + len(self.system)


def as_system(net, x, target, /):
    """Return a network and half its squared error for one example as an ordered system.

    Args:
        net: a built Network, a chain of `Dense` and of the activations that take each number by
            itself.
        x: one input (D).
        target: its target (M).

    Raises:
        ValueError: the network is no such chain or not built, or an input or a target does not suit
            it.
    """
    check_chain("as_system", net)
    if not all(isinstance(layer, (Dense, *ACTIVATIONS)) for layer in net):
        raise expects("as_system", "a chain of Dense and of activations", repr(net))
    net.predict([x])  # complains about what does not fit
    if np.ndim(x) != 1 or np.shape(target) != net.shapes[-1]:
        what = f"an input of shape (D,) and a target of shape {net.shapes[-1]}"
        raise expects("as_system", what, f"{np.shape(x)} and {np.shape(target)}")
    made = Ordered()
    now = made.given(x)
    made.numbers = {key: made.given(value) for key, value in net.params.items()}
    targets = made.given(target)
    for number, layer in enumerate(net):
        if isinstance(layer, Dense):
            W, b = (made.numbers.get(f"{number}.{name}") for name in ("W", "b"))
            now = [made.computed(*_sum(now, W, b, m)) for m in range(layer.units)]
        else:
            now = [made.computed(*_unit(layer, i)) for i in now]
    made.computed(*_half_squares(now, targets))
    return made


def _sum(reads, W, b, m):
    """Return the equation of a unit's sum, and its partials: weights by inputs, inputs by weights.

    Its arguments are the inputs, then as many weights, then perhaps a bias.
    """
    D = len(reads)
    partials: dict = {i: lambda *v, d=d: v[D + d] for d, i in enumerate(reads)}
    partials |= {i: lambda *v, d=d: v[d] for d, i in enumerate(W[:, m])}
    if b is not None:
        partials[b[m]] = lambda *v: 1.0

    def f(*v):
        return sum(v[d] * v[D + d] for d in range(D)) + sum(v[2 * D :])

    return f, partials


def _unit(layer, i):
    """Return the equation of a unit's output, and its one partial, the slope."""

    def slope(z):
        y, cache = layer.forward(np.array([z]))
        return float(layer.backward(np.ones_like(y), cache)[0][0])

    return lambda z: float(layer.predict(np.array([z]))[0]), {i: slope}


def _half_squares(outputs, targets):
    """Return the equation of the loss and its partials; the outputs come before the targets."""
    M = len(outputs)
    partials = {i: lambda *v, m=m: v[m] - v[M + m] for m, i in enumerate(outputs)}
    partials |= {i: lambda *v, m=m: v[M + m] - v[m] for m, i in enumerate(targets)}
    return lambda *v: sum((v[m] - v[M + m]) ** 2 for m in range(M)) / 2, partials


def gradients(net, x, target, /):
    """Return half the squared error and its gradients by parameter, as ordered derivatives.

    Args:
        net: as in `as_system`.
        x: one input (D).
        target: its target (M).

    Raises:
        ValueError: as in `as_system`.
    """
    made = as_system(net, x, target)
    z, D = ordered_derivative(made.system, *made.inputs)
    return z[-1], {key: np.array(D)[numbers - 1] for key, numbers in made.numbers.items()}


def small_network():
    """Return a 2-3-2 network with fixed weights."""
    hidden = Dense(3, init=Given([[0.3, -0.8, 0.5], [1.1, 0.2, -0.6]]))
    output = Dense(2, init=Given([[0.7, -0.4], [-1.2, 0.9], [0.1, 0.6]]))
    net = Network([hidden, Sigmoid(), output, Tanh()])
    net.build((2,), dtype=np.float64)
    return net


def reproduce():
    """Return the example, and a network's gradients as ordered derivatives beside its own."""
    table = Reproduction(CLASSIC)
    z, D = ordered_derivative(EXAMPLE, 1.0)
    simple = simple_derivative(EXAMPLE, 3, 1, 1.0)
    table.number("z3 where z1 is 1", "23", z[-1], computed=True)
    table.number("simple derivative of z3 by z1", "3", simple, computed=True)
    table.number("ordered derivative of z3 by z1", "23", D[0], computed=True)
    table.number("ordered derivative of z3 by z2", "5", D[1], computed=True)
    net, x, target = small_network(), np.array([0.4, -0.7]), np.array([0.2, -0.5])
    loss, ordered = gradients(net, x, target)
    half_squares = HalfSquaredError(reduction="sum")
    y, caches = net.forward([x])
    ours, cache = half_squares.forward(y, target[np.newaxis])
    own = net.grads(half_squares.backward(cache), caches)
    what = "a network's loss and that of its system apart by"
    table.band(what, 0, 1e-12, abs(loss - ours), remark=TWO_WAYS)
    for key, gradient in own.items():
        apart = np.abs(gradient - ordered[key]).max()
        what = f"d({key}) and its ordered derivatives apart by"
        table.band(what, 0, 1e-12, apart, remark=TWO_WAYS)
    return table
