"""RNN: published states and gradients, the definition step by step, states, direction, errors."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.initializers import Given
from backprop.layers import RNN
from backprop.network import Network

PHI = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}
SLOPE = {"tanh": lambda z: 1 / np.cosh(z) ** 2, "relu": lambda z: (z > 0).astype(float)}

# N, T, D, H
SHAPES = [(1, 1, 1, 1), (2, 1, 3, 2), (1, 4, 2, 3), (3, 5, 2, 4), (2, 3, 4, 1)]

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
each_activation = pytest.mark.parametrize("activation", ["tanh", "relu"])


def line(start, stop, *shape):
    return np.linspace(start, stop, int(np.prod(shape))).reshape(shape)


def given(Wx, Wh, b, T=1, **settings):
    """Return an RNN with these parameters."""
    inits = {"init": Given(Wx), "recurrent_init": Given(Wh), "bias_init": Given(b)}
    layer = RNN(len(b), **inits, **settings)
    layer.build((T, len(Wx)), dtype=np.float64)
    return layer


def built(shape, **settings):
    """Return an RNN, sequences, initial states and deltas."""
    N, T, D, H = shape
    rng = np.random.default_rng(0)
    Wx, Wh, b = (rng.standard_normal(size) / 2 for size in ((D, H), (H, H), (H,)))
    arrays = (rng.standard_normal(size) for size in ((N, T, D), (N, H), (N, T, H)))
    return given(Wx, Wh, b, T, **settings), *arrays


def unrolled(layer, x, h0, delta):
    """Return h, dx, dh0, dWx, dWh and db, one example after the other.

    The loss of step t goes back through all steps k <= t by itself, as in the first derivations.
    """
    phi, slope = PHI[layer.activation], SLOPE[layer.activation]
    (N, T, _), h = x.shape, np.zeros(delta.shape)
    dx, dh0 = np.zeros(x.shape), np.zeros(h0.shape)
    dWx, dWh, db = (np.zeros(p.shape) for p in (layer.Wx, layer.Wh, layer.b))
    for n in range(N):
        z, states = [], [h0[n]]
        for t in range(T):
            z.append(x[n, t] @ layer.Wx + states[-1] @ layer.Wh + layer.b)
            states.append(phi(z[-1]))
        h[n] = states[1:]
        for t in range(T):
            dh = delta[n, t]
            for k in reversed(range(t + 1)):
                dz = dh * slope(z[k])
                dWx += np.outer(x[n, k], dz)
                dWh += np.outer(states[k], dz)
                db += dz
                dx[n, k] += layer.Wx @ dz
                dh = layer.Wh @ dz
            dh0[n] += dh
    return h, dx, dh0, dWx, dWh, db


def both_passes(layer, x, delta, *h0):
    """Return y, dx, dh0 if there is an h0, and the gradients."""
    y, cache = layer.forward(x, *h0)
    dx, grads = layer.backward(delta, cache)
    return y, *(dx if h0 else (dx,)), *grads.values()


def assert_close(ones, others):
    for one, other in zip(ones, others, strict=True):
        assert_allclose(one, other, rtol=1e-11, atol=1e-13)


@each_activation
@every_shape
def test_both_passes_are_the_definition(shape, activation):
    layer, x, h0, delta = built(shape, activation=activation)
    assert_close(both_passes(layer, x, delta, h0), unrolled(layer, x, h0, delta))


@every_shape
def test_without_an_initial_state_it_is_zero(shape):
    layer, x, h0, delta = built(shape)
    y, dx, _, *grads = both_passes(layer, x, delta, 0 * h0)
    assert_close(both_passes(layer, x, delta), (y, dx, *grads))


@each_activation
@every_shape
def test_in_reverse_it_is_the_layer_on_reversed_sequences(shape, activation):
    layer, x, h0, delta = built(shape, activation=activation)
    turned = given(layer.Wx, layer.Wh, layer.b, shape[1], activation=activation, reverse=True)
    y, dx, *rest = both_passes(turned, x[:, ::-1], delta[:, ::-1], h0)
    assert_close((y[:, ::-1], dx[:, ::-1], *rest), both_passes(layer, x, delta, h0))


# Section 10 of the derivations


def scalar_layer():
    layer = given([[0.5]], [[0.8]], [0.0], T=3)
    x = np.array([1.0, -0.5, 0.25]).reshape(1, 3, 1)
    y, cache = layer.forward(x)
    delta = np.zeros((1, 3, 1))
    delta[0, -1] = y[0, -1] - 0.3  # of half the squared error of the last state
    return x, y, delta, layer.backward(delta, cache)


def test_scalar_states():
    _, y, delta, _ = scalar_layer()
    states = [0.46211715726000974, 0.11912538166040551, 0.21680426986794443]
    assert_allclose(y.ravel(), states, rtol=1e-14)
    assert_allclose(0.5 * (delta**2).sum(), 0.0034607647561029084, rtol=1e-12)


def test_scalar_gradients_and_the_share_of_every_step():
    x, y, _, (dx, grads) = scalar_layer()
    da = dx.ravel() / 0.5  # dx = da u
    of_u = [-0.03934003612682413, 0.03126402626470579, -0.019821297606523878]
    of_w = [0, -0.028895285883896244, -0.009444878569526556]
    before = [0, *y.ravel()[:-1]]
    assert_allclose(x.ravel() * da, of_u, rtol=1e-12)
    assert_allclose(before * da, of_w, rtol=1e-12)
    assert_allclose(grads["Wx"], [[-0.027897307468642215]], rtol=1e-12)
    assert_allclose(grads["Wh"], [[-0.0383401644534228]], rtol=1e-12)


def vector_layer():
    Wx, Wh, b = line(-0.2, 0.4, 4, 5), line(-0.4, 0.1, 5, 5), line(-0.7, 0.1, 5)
    layer = given(Wx, Wh, b, T=3)
    x, h0 = line(-0.1, 0.3, 2, 3, 4), line(-0.3, 0.1, 2, 5)
    y, dx, dh0, dWx, dWh, db = both_passes(layer, x, line(-1, 1, 2, 3, 5), h0)
    return y, {"x": dx, "h0": dh0, "Wx": dWx, "Wh": dWh, "b": db}


def test_published_states_of_a_sequence():
    y, _ = vector_layer()
    first = [-0.42070749, -0.27279261, -0.11074945, 0.05740409, 0.22236251]
    last = [-0.51014825, -0.30524429, -0.06755202, 0.17806392, 0.40333043]
    assert_allclose(y[0, 0], first, rtol=0, atol=1e-8)
    assert_allclose(y[1, 2], last, rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("name", "total", "length"),
    [
        ("x", 0.33860452030024724, 2.2304794135441073),
        ("h0", 0.9511781822271164, 1.4449862617982252),
        ("Wx", 5.314439408910915, 1.4291126781406327),
        ("Wh", 6.934858050491444, 1.753845816546622),
        ("b", -0.5452183506725814, 1.4253850077508787),
    ],
)
def test_gradients_of_the_published_sequence(name, total, length):
    gradient = vector_layer()[1][name]
    assert_allclose(gradient.sum(), total, rtol=1e-12)
    assert_allclose(np.linalg.norm(gradient), length, rtol=1e-12)


def test_bias_gradient_of_the_published_sequence():
    db = [
        -1.0440238906454864,
        -0.5656089507801435,
        -0.02328016162044222,
        0.42190214064463205,
        0.6657925117288586,
    ]
    assert_allclose(vector_layer()[1]["b"], db, rtol=1e-12)


def test_published_single_step():
    layer = given(line(-0.1, 0.9, 10, 4), line(-0.3, 0.7, 4, 4), line(-0.2, 0.4, 4))
    y, _ = layer.forward(line(-0.4, 0.7, 3, 1, 10), line(-0.2, 0.5, 3, 4))
    first = [-0.58172089, -0.50182032, -0.41232771, -0.31410098]
    last = [0.97934501, 0.99144213, 0.99646691, 0.99854353]
    assert_allclose(y[0, 0], first, rtol=0, atol=1e-8)
    assert_allclose(y[2, 0], last, rtol=0, atol=1e-8)


# Deltas that travel


def test_a_delta_travels_through_the_product_of_all_steps():
    layer, x, h0, _ = built((1, 6, 2, 3))
    y, cache = layer.forward(x, h0)
    delta = np.zeros_like(y)
    delta[0, -1] = [1.0, -2.0, 0.5]
    (_, dh0), _ = layer.backward(delta, cache)
    product = np.eye(3)
    for h in y[0]:
        product = product @ layer.Wh @ np.diag(1 - h**2)
    assert_allclose(dh0[0], product @ delta[0, -1], rtol=1e-12)


def test_no_delta_reaches_a_later_step():
    layer, x, _, delta = built((2, 5, 3, 4))
    delta[:, 2:] = 0
    dx, _ = layer.backward(delta, layer.forward(x)[1])
    assert_array_equal(dx[:, 2:], np.zeros_like(dx[:, 2:]))
    assert dx[:, :2].all()


def test_a_stack_hands_its_delta_down_through_both_sums():
    below, x, h0, _ = built((2, 4, 3, 3))
    above = built((2, 4, 3, 2))[0]
    net = Network([below, above])
    net.build((4, 3), dtype=np.float64)
    y, caches = net.forward(x)
    delta = np.random.default_rng(1).standard_normal(y.shape)
    dx, grads = net.backward(delta, caches)
    middle = unrolled(below, x, 0 * h0, np.zeros((2, 4, 3)))[0]
    top = unrolled(above, middle, np.zeros((2, 2)), delta)
    bottom = unrolled(below, x, 0 * h0, top[1])
    assert_close((y, dx), (top[0], bottom[1]))
    assert_close(grads.values(), (*bottom[3:], *top[3:]))


def test_a_sequence_in_two_halves_is_the_whole_if_its_state_is_handed_on():
    layer, x, h0, delta = built((2, 6, 3, 4))
    y, dx, dh0, *grads = both_passes(layer, x, delta, h0)
    y_1, cache_1 = layer.forward(x[:, :2], h0)
    y_2, cache_2 = layer.forward(x[:, 2:], y_1[:, -1])
    (dx_2, dh), grads_2 = layer.backward(delta[:, 2:], cache_2)
    delta_1 = delta[:, :2].copy()
    delta_1[:, -1] += dh
    (dx_1, dh0_1), grads_1 = layer.backward(delta_1, cache_1)
    assert_close((np.hstack([y_1, y_2]), np.hstack([dx_1, dx_2]), dh0_1), (y, dx, dh0))
    assert_close([grads_1[name] + grads_2[name] for name in grads_1], grads)


# Sizes and errors


def test_output_shape_parameters_and_multiply_adds():
    layer = RNN(5)
    assert layer.build((7, 3), rng=0) == (7, 5)
    assert [p.shape for p in layer.params.values()] == [(3, 5), (5, 5), (5,)]
    assert layer.multiply_adds((7, 3)) == 7 * (3 * 5 + 5 * 5)
    assert layer.build((7, 3), (5,), rng=0) == (7, 5)
    assert layer.multiply_adds((7, 3), (5,)) == 280


def test_recurrent_weights_start_orthogonal_and_biases_zero():
    layer = RNN(5)
    layer.build((7, 3), rng=0, dtype=np.float64)
    assert_allclose(layer.Wh @ layer.Wh.T, np.eye(5), atol=1e-14)
    assert_array_equal(layer.b, np.zeros(5))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: RNN(0), "units to be a whole number of at least 1, got 0"),
        (
            lambda: RNN(3, activation="sigmoid"),
            "activation to be one of 'tanh', 'relu', got 'sigmoid'",
        ),
        (lambda: RNN(3).build((4,)), "sequences of shape (N, T, D), got (N, 4)"),
        (lambda: RNN(3).build((2, 4, 1)), "sequences of shape (N, T, D), got (N, 2, 4, 1)"),
        (lambda: RNN(3).build((4, 2), (3,), (3,)), "0 or 1 initial states, got 2"),
        (lambda: RNN(3).build((4, 2), (4,)), "initial states of shape (N, 3), got (N, 4)"),
        (lambda: RNN(3).build((4, 2), (1, 3)), "initial states of shape (N, 3), got (N, 1, 3)"),
    ],
)
def test_settings_and_inputs_that_do_not_fit(make, text):
    with pytest.raises(ValueError, match=f"^{re.escape(f'RNN expects {text}')}$"):
        make()
