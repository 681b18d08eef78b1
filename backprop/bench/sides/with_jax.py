"""JAX: one compiled function for a whole update."""

import jax  # pyright: ignore[reportMissingImports]
import jax.numpy as jnp  # pyright: ignore[reportMissingImports]
import numpy as np
from jax import lax  # pyright: ignore[reportMissingImports]

from ... import layers
from .side import Side, Unfit


class Jitted(Side):
    """Loss, `value_and_grad` and update in one `jit`, the old weights donated to the new ones."""

    library = "jax"

    def __init__(self, problem, threads):
        super().__init__(problem, threads)
        functions = [_function(layer) for layer in problem.net]
        momentum, rate = problem.workload.momentum, problem.workload.rate

        def outputs(params, x):
            for function, p in zip(functions, params, strict=True):
                x = function(p, x)
            return x

        def loss(params, x, y):
            log_p = jax.nn.log_softmax(outputs(params, x))
            return -jnp.mean(jnp.take_along_axis(log_p, y[:, None], axis=1))

        def update(params, v, x, y):
            value, g = jax.value_and_grad(loss)(params, x, y)
            v = jax.tree.map(lambda v, g: momentum * v - rate * g, v, g)
            return value, jax.tree.map(jnp.add, params, v), v

        self.update = jax.jit(update, donate_argnums=(0, 1))
        self.outputs = jax.jit(outputs)
        self.batches = [(jnp.asarray(x), jnp.asarray(y)) for x, y in problem.batches]
        self.start()

    def start(self):
        self.params = [
            {name: jnp.array(value) for name, value in layer.params.items()}
            for layer in self.problem.net
        ]
        self.v = jax.tree.map(jnp.zeros_like, self.params)

    def train(self):
        losses = []
        for x, y in self.batches:
            loss, self.params, self.v = self.update(self.params, self.v, x, y)
            losses.append(float(loss))
        return float(np.mean(losses))

    def predict(self):
        return [np.asarray(self.outputs(self.params, x)) for x, _ in self.batches][-1]


def _function(layer):
    """Return JAX's function of a layer's parameters and its input."""
    match layer:
        case layers.Dense():
            return lambda p, x: x @ p["W"] + p["b"]
        case layers.Conv2D():
            return _convolution([(margin, margin) for margin in layer.window.padding])
        case layers.MaxPool():
            size = (1, *layer.window.size, 1)
            return lambda p, x: lax.reduce_window(x, -jnp.inf, lax.max, size, size, "VALID")
        case layers.RNN():
            return _rnn
        case layers.LSTM():
            return _lstm
        case layers.Last():
            return lambda p, x: x[:, -1]
        case layers.Flatten():
            return lambda p, x: x.reshape(len(x), -1)
        case layers.ReLU():
            return lambda p, x: jax.nn.relu(x)
        case layers.Sigmoid():
            return lambda p, x: jax.nn.sigmoid(x)
        case layers.Tanh():
            return lambda p, x: jnp.tanh(x)
    raise Unfit(f"no function for {layer!r}")


def _convolution(padding):
    def convolution(p, x):
        order = ("NHWC", "HWIO", "NHWC")
        y = lax.conv_general_dilated(x, p["W"], (1, 1), padding, dimension_numbers=order)
        return y + p["b"]

    return convolution


def _rnn(p, x):
    a = (x @ p["Wx"] + p["b"]).swapaxes(0, 1)

    def step(h, a_t):
        h = jnp.tanh(a_t + h @ p["Wh"])
        return h, h

    h0 = jnp.zeros((len(x), len(p["Wh"])), x.dtype)
    return lax.scan(step, h0, a)[1].swapaxes(0, 1)


def _lstm(p, x):
    a = (x @ p["Wx"] + p["b"]).swapaxes(0, 1)

    def step(state, a_t):
        h, c = state
        i, f, g, o = jnp.split(a_t + h @ p["Wh"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zeros = jnp.zeros((len(x), len(p["Wh"])), x.dtype)
    return lax.scan(step, (zeros, zeros), a)[1].swapaxes(0, 1)
