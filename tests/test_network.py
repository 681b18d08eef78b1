"""Network: wiring and the sum over readers, sharing, nesting, the flat vector, passes, errors."""

import copy
import pickle
import re
import weakref

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.layer import Layer
from backprop.layers import (
    GRU,
    LSTM,
    RNN,
    Add,
    BatchNorm,
    Concat,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Identity,
    Last,
    ReLU,
    Reshape,
    Sigmoid,
    Tanh,
)
from backprop.network import Network


def wired(*steps, inputs=1):
    """Return a Network of `(layer, *values)`."""
    net = Network(inputs=inputs)
    for layer, *values in steps:
        net.add(layer, *values)
    return net


def built(net, *in_shapes):
    """Build `net` in double precision, with biases that are not zero, and return it."""
    net.build(*in_shapes, rng=0, dtype=np.float64)
    net.parameters += np.random.default_rng(1).standard_normal(net.parameters.size) / 10
    return net


def random(*shape, seed=2):
    return np.random.default_rng(seed).standard_normal(shape)


def both_passes(net, *xs):
    """Return y, dx and the gradients for a random delta."""
    y, cache = net.forward(*xs)
    return y, *net.backward(random(*y.shape, seed=3), cache)


def assert_close(ones, others):
    for one, other in zip(ones, others, strict=True):
        assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def give(target, source, keys):
    """Copy parameters from `source` to `target`, for each pair of keys."""
    for to, of in keys.items():
        target.params[to][...] = source.params[of]


# Chains


def test_a_chain_is_its_layers_one_after_the_other():
    first, middle, last = layers = Dense(4), Tanh(), Dense(2)
    net = built(Network(layers), (3,))
    x, delta = random(5, 3), random(5, 2, seed=3)
    h, cache_1 = first.forward(x)
    a, cache_2 = middle.forward(h)
    y, cache_3 = last.forward(a)
    da, grads_3 = last.backward(delta, cache_3)
    dh, _ = middle.backward(da, cache_2)
    dx, grads_1 = first.backward(dh, cache_1)
    expected = {"0.W": grads_1["W"], "0.b": grads_1["b"], "2.W": grads_3["W"], "2.b": grads_3["b"]}
    got_y, got_dx, got_grads = both_passes(net, x)
    assert_array_equal(got_y, y)
    assert_array_equal(got_dx, dx)
    assert list(got_grads) == list(expected)
    for key, value in expected.items():
        assert_array_equal(got_grads[key], value)


def test_add_reads_the_newest_value_and_returns_the_number_of_the_next():
    net = Network()
    numbers = [net.add(Dense(3)), net.add(Tanh()), net.add(Tanh(), 1), net.add(Add(), 2, 3)]
    assert numbers == [1, 2, 3, 4]
    assert [reads for _, reads in net.steps] == [(0,), (1,), (1,), (2, 3)]
    assert not net.is_chain


def test_a_network_is_a_sequence_of_its_layers():
    layers = [Dense(3), Tanh(), Dense(2)]
    net = Network(layers)
    assert len(net) == 3
    assert list(net) == net.layers == layers
    assert net[0] is layers[0]
    assert net[-1] is layers[2]
    assert net.is_chain


def test_layers_are_named_by_kind_and_number():
    shared = Dense(3)
    named = Dense(3)
    named.name = "mine"
    net = Network([shared, Tanh(), shared, Dense(3), named, Network([Dense(1)])])
    names = [layer.name for layer in net]
    assert names == ["dense_1", "tanh_1", "dense_1", "dense_2", "mine", "network_1"]


@pytest.mark.parametrize(
    ("net", "text"),
    [
        (Network([Dense(3), ReLU()]), "Network([Dense(3), ReLU()])"),
        (
            wired((Dense(3), 0), (Add(), 0, 1)),
            "Network([Dense(3), Add()], reading [(0,), (0, 1)])",
        ),
        (
            wired((Add(), 0, 1), inputs=2),
            "Network([Add()], inputs=2, reading [(0, 1)])",
        ),
    ],
)
def test_repr(net, text):
    assert repr(net) == text


# Wiring: the delta of a value is the sum over its readers


def test_a_shortcut_adds_its_delta_to_that_of_the_block():
    net = built(wired((Dense(3), 0), (Tanh(), 1), (Add(), 0, 2)), (3,))
    x = random(4, 3)
    delta = random(4, 3, seed=3)
    W, b = net[0].W, net[0].b
    h = np.tanh(x @ W + b)
    dz = delta * (1 - h**2)
    y, dx, grads = both_passes(net, x)
    expected = x + h, delta + dz @ W.T, x.T @ dz, dz.sum(axis=0)
    assert_close((y, dx, *grads.values()), expected)


def test_a_value_that_one_layer_reads_twice():
    net = built(wired((Add(), 0, 0)), (3,))
    x = random(4, 3)
    y, dx, _ = both_passes(net, x)
    assert_array_equal(y, 2 * x)
    assert_array_equal(dx, 2 * random(4, 3, seed=3))


def test_a_value_with_three_readers():
    steps = (Tanh(), 0), (Dense(2), 1), (Dense(2), 1), (Dense(2), 1), (Add(), 2, 3, 4)
    net = built(wired(*steps), (3,))
    x, delta = random(4, 3), random(4, 2, seed=3)
    _, dx, _ = both_passes(net, x)
    weights = net[1].W + net[2].W + net[3].W
    assert_allclose(dx, delta @ weights.T * (1 - np.tanh(x) ** 2), rtol=1e-12)


def test_readers_need_not_be_neighbours():
    steps = (Sigmoid(), 0), (Tanh(), 1), (Dense(3), 2), (Concat(), 3, 1), (Dense(2), 4)
    net = built(wired(*steps), (3,))
    x, delta = random(4, 3), random(4, 2, seed=3)
    s = 1 / (1 + np.exp(-x))
    t = np.tanh(s)
    dc = delta @ net[4].W.T
    ds = dc[:, 3:] + dc[:, :3] @ net[2].W.T * (1 - t**2)
    y, dx, grads = both_passes(net, x)
    c = np.hstack([t @ net[2].W + net[2].b, s])
    assert_close((y, dx), (c @ net[4].W + net[4].b, ds * s * (1 - s)))
    assert_close((grads["2.W"], grads["4.W"]), (t.T @ dc[:, :3], c.T @ delta))


def test_deltas_are_those_of_every_value():
    steps = (Dense(3), 0), (Tanh(), 1), (Sigmoid(), 2), (Add(), 2, 3)
    net = built(wired(*steps), (2,))
    x, delta = random(4, 2), random(4, 3, seed=3)
    _, cache = net.forward(x)
    t = np.tanh(x @ net[0].W + net[0].b)
    s = 1 / (1 + np.exp(-t))
    dt = delta + delta * s * (1 - s)
    dz = dt * (1 - t**2)
    assert_close(net.deltas(delta, cache), (dz @ net[0].W.T, dz, dt, delta, delta))


def test_values_are_what_the_layers_made():
    steps = (Dense(3), 0), (Tanh(), 1), (Sigmoid(), 2), (Add(), 2, 3)
    net = built(wired(*steps), (2,))
    x = random(4, 2)
    values, caches = net.values(x)
    z = x @ net[0].W + net[0].b
    s = 1 / (1 + np.exp(-np.tanh(z)))
    assert_close(values, (x, z, np.tanh(z), s, np.tanh(z) + s))
    assert_array_equal(values[-1], net.forward(x)[0])
    assert [each.shape for each in net.deltas(random(4, 3), caches)] == [v.shape for v in values]


def test_deltas_of_a_value_in_the_middle():
    """Those of the network that ends there; what the value is not made of has none."""
    steps = (Dense(3), 0), (Tanh(), 1), (Dense(3), 0), (Add(), 2, 3), (Sigmoid(), 2)
    net = built(wired(*steps, (Add(), 4, 5)), (2,))
    x, delta = random(4, 2), random(4, 3, seed=3)
    _, cache = net.forward(x)
    deltas = net.deltas(delta, cache, value=2)
    dz = delta * (1 - np.tanh(x @ net[0].W + net[0].b) ** 2)
    assert_close(deltas[:3], (dz @ net[0].W.T, dz, delta))
    assert deltas[3:] == [None] * 4
    assert_close(net.deltas(delta, cache, value=6), net.deltas(delta, cache))
    deltas = net.deltas(x, cache, value=0)
    assert_array_equal(deltas[0], x)
    assert deltas[1:] == [None] * 6
    with refusal(ValueError, "Network expects a delta of shape (N, 2), got (4, 3)"):
        net.deltas(delta, cache, value=0)
    for value in (7, -1):
        with refusal(ValueError, f"Network expects a value from 0 to 6, got {value}"):
            net.deltas(delta, cache, value=value)


def test_paths_multiply_but_every_layer_goes_back_once():
    calls = []
    net = built(wired(*((noted(Add(), calls), k, k) for k in range(10))), (1,))
    _, dx, _ = both_passes(net, np.ones((1, 1)))
    assert_array_equal(dx, 2**10 * random(1, 1, seed=3))
    assert calls == [f"add_{k}" for k in range(10, 0, -1)]


def test_several_inputs_each_get_their_dx():
    net = built(wired((Dense(3), 0), (Add(), 2, 1), (Tanh(),), inputs=2), (4,), (3,))
    x0, x1 = random(5, 4), random(5, 3, seed=4)
    y, dxs, grads = both_passes(net, x0, x1)
    h = np.tanh(x0 @ net[0].W + net[0].b + x1)
    dz = random(5, 3, seed=3) * (1 - h**2)
    assert_close((y, *dxs), (h, dz @ net[0].W.T, dz))
    assert_close((grads["0.W"],), (x0.T @ dz,))


# Shared layers


def test_a_layer_added_twice_gets_the_sum_of_both_gradients():
    shared = Dense(3)
    net = built(Network([shared, Tanh(), shared]), (3,))
    twin = built(Network([Dense(3), Tanh(), Dense(3)]), (3,))
    give(twin, net, {"0.W": "0.W", "0.b": "0.b", "2.W": "0.W", "2.b": "0.b"})
    x = random(4, 3)
    y, dx, grads = both_passes(net, x)
    twin_y, twin_dx, twin_grads = both_passes(twin, x)
    assert list(net.params) == list(grads) == ["0.W", "0.b"]
    assert net.param_count == net.parameters.size == 12
    assert_close((y, dx), (twin_y, twin_dx))
    assert_close((grads["0.W"],), (twin_grads["0.W"] + twin_grads["2.W"],))
    assert_close((grads["0.b"],), (twin_grads["0.b"] + twin_grads["2.b"],))
    assert_array_equal(net.grads(random(4, 3, seed=3), net.forward(x)[1])["0.W"], grads["0.W"])


def test_a_recurrent_layer_is_its_unrolled_network_with_shared_layers():
    T, inward, onward = 4, Dense(3), Dense(3, bias=False)
    net = Network(inputs=T + 1)
    h = T  # the initial state; values 0 to T - 1 are the steps of the sequence
    for t in range(T):
        h = net.add(Tanh(), net.add(Add(), net.add(inward, t), net.add(onward, h)))
    built(net, *[(2,)] * T, (3,))
    rnn = RNN(3)
    rnn.build((T, 2), (3,), dtype=np.float64)
    rnn.Wx, rnn.b, rnn.Wh = inward.W, inward.b, onward.W
    x, h0, delta = random(5, T, 2), random(5, 3, seed=4), random(5, 3, seed=3)
    y, cache = rnn.forward(x, h0)
    deltas = np.zeros_like(y)
    deltas[:, -1] = delta
    (dx, dh0), grads = rnn.backward(deltas, cache)
    last, dxs, shared = both_passes(net, *x.transpose(1, 0, 2), h0)
    assert_close((last, np.stack(dxs[:-1], axis=1), dxs[-1]), (y[:, -1], dx, dh0))
    assert_close(shared.values(), (grads["Wx"], grads["b"], grads["Wh"]))


def test_a_shared_layer_may_stand_on_other_shapes_that_fit_its_parameters():
    shared = Dense(3)
    net = built(wired((shared, 0), (Last(), 2), (shared, 1), (Add(), 3, 4), inputs=2), (5, 2), (2,))
    x0, x1 = random(4, 5, 2), random(4, 2, seed=4)
    y, dxs, grads = both_passes(net, x0, x1)
    assert_close((y,), ((x0[:, -1] + x1) @ shared.W + 2 * shared.b,))
    assert [dx.shape for dx in dxs] == [x0.shape, x1.shape]
    assert_close((grads["0.W"],), ((x0[:, -1] + x1).T @ random(4, 3, seed=3),))


def test_a_shared_layer_refuses_shapes_that_need_other_parameters():
    shared = Dense(3)
    text = (
        "Dense 'dense_1' expects parameters of shapes [(4, 3), (3,)] wherever it stands, "
        "got [(3, 3), (3,)]"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        Network([shared, shared]).build((4,))


@pytest.mark.parametrize(
    ("in_shapes", "text"),
    [
        (((4,), (3,)), "((4,),) wherever it stands, got ((3,),)"),
        (((5, 2), (2,)), "((5, 2),) wherever it stands, got ((2,),)"),
    ],
)
def test_a_shared_network_stands_on_inputs_of_one_shape(in_shapes, text):
    shared = Network([Dense(3), Tanh()])
    net = wired((shared, 0), (shared, 1), (Add(), 2, 3), inputs=2)
    with refusal(ValueError, f"Network 'network_1' expects inputs of shapes {text}"):
        net.build(*in_shapes)


def test_layers_without_parameters_may_be_shared_on_any_shapes():
    tanh = Tanh()
    net = built(Network([tanh, Dense(2), tanh]), (3,))
    x = random(4, 3)
    y, dx, grads = both_passes(net, x)
    dz = random(4, 2, seed=3) * (1 - y**2)
    assert_close((dx,), (dz @ net[1].W.T * (1 - np.tanh(x) ** 2),))
    assert list(grads) == ["1.W", "1.b"]


# Nested networks


def nested_and_flat():
    inner = Network([Dense(4), Tanh()])
    middle = Network([inner, Dense(3), Sigmoid()])
    nested = built(Network([middle, Dense(2)]), (5,))
    flat = built(Network([Dense(4), Tanh(), Dense(3), Sigmoid(), Dense(2)]), (5,))
    return nested, flat


def test_nested_networks_compute_what_the_flat_one_does():
    nested, flat = nested_and_flat()
    flat.parameters[:] = nested.parameters
    x = random(6, 5)
    y, dx, grads = both_passes(nested, x)
    flat_y, flat_dx, flat_grads = both_passes(flat, x)
    assert list(grads) == ["0.0.0.W", "0.0.0.b", "0.1.W", "0.1.b", "1.W", "1.b"]
    assert_close((y, dx, *grads.values()), (flat_y, flat_dx, *flat_grads.values()))


def test_nested_networks_start_as_the_flat_one_does():
    nested, flat = nested_and_flat()
    assert_array_equal(nested.parameters, flat.parameters)


def test_a_nested_network_added_twice_gets_the_sum_of_both_gradients():
    block = Network([Dense(3), Tanh()])
    net = built(Network([block, block]), (3,))
    twin = built(Network([Dense(3), Tanh(), Dense(3), Tanh()]), (3,))
    give(twin, net, {"0.W": "0.0.W", "0.b": "0.0.b", "2.W": "0.0.W", "2.b": "0.0.b"})
    x = random(4, 3)
    y, dx, grads = both_passes(net, x)
    twin_y, twin_dx, twin_grads = both_passes(twin, x)
    assert list(grads) == ["0.0.W", "0.0.b"]
    assert_close((y, dx), (twin_y, twin_dx))
    assert_close((grads["0.0.W"],), (twin_grads["0.W"] + twin_grads["2.W"],))
    assert_close((grads["0.0.b"],), (twin_grads["0.b"] + twin_grads["2.b"],))


def test_a_nested_network_may_have_several_inputs():
    inner = wired((Dense(3), 0), (Add(), 2, 1), inputs=2)
    net = built(wired((Tanh(), 0), (inner, 0, 1)), (3,))
    x, delta = random(4, 3), random(4, 3, seed=3)
    y, dx, _ = both_passes(net, x)
    t, W, b = np.tanh(x), net.params["1.0.W"], net.params["1.0.b"]
    assert_close((y, dx), (x @ W + b + t, delta @ W.T + delta * (1 - t**2)))


# The flat vector


def example():
    """Return a built network with a shared layer, a nested one and layers without parameters."""
    shared = Dense(4)
    net = Network([Conv2D(2, 2), Flatten(), shared, Tanh(), shared, Network([Dense(3)])])
    return built(net, (3, 2, 2))


def test_parameters_are_views_into_one_vector():
    net = example()
    assert net.parameters.ndim == 1
    assert net.parameters.size == net.param_count
    for value in net.params.values():
        assert np.shares_memory(value, net.parameters)
    net.parameters[:] = 7
    assert_array_equal(net[0].W, np.full((2, 2, 2, 2), 7))
    net[2].W[...] = 5
    net[5][0].b[...] = 3
    assert (net.parameters == 5).sum() == net[2].W.size
    assert_array_equal(net[5].parameters[-3:], [3, 3, 3])
    assert_array_equal(net.parameters[-3:], [3, 3, 3])


def test_parameters_lie_in_the_order_of_their_keys():
    net = example()
    keys = ["0.W", "0.b", "2.W", "2.b", "5.0.W", "5.0.b"]
    assert list(net.params) == keys
    assert_array_equal(net.parameters, np.concatenate([net.params[key].ravel() for key in keys]))


def test_flatten_brings_gradients_into_the_order_of_the_parameters():
    net = example()
    assert_array_equal(net.flatten(net.params), net.parameters)
    backwards = dict(reversed(net.params.items()))
    assert_array_equal(net.flatten(backwards), net.parameters)


def test_a_step_along_the_flat_gradient_moves_every_parameter():
    net = example()
    before = copy.deepcopy(net.params)
    _, _, grads = both_passes(net, random(4, 3, 2, 2))
    net.parameters -= 0.5 * net.flatten(grads)
    for key, value in net.params.items():
        assert_allclose(value, before[key] - 0.5 * grads[key], rtol=1e-14)


def test_a_network_without_parameters_has_an_empty_vector():
    net = Network([Tanh(), Sigmoid()])
    net.build((3,))
    assert net.parameters.shape == (0,)
    y, cache = net.forward(np.ones((2, 3)))
    assert net.flatten(net.grads(y, cache)).shape == (0,)
    assert net.flatten({}).dtype == np.float32


@pytest.mark.parametrize(
    "copied",
    [
        copy.deepcopy,
        lambda net: pickle.loads(pickle.dumps(net)),
        lambda net: net.astype(net.dtype),
        lambda net: pickle.loads(pickle.dumps(copy.deepcopy(net))),
    ],
    ids=["deepcopy", "pickle", "astype", "both"],
)
def test_copies_have_a_vector_and_views_of_their_own(copied):
    net = example()
    twin = copied(net)
    before = net.parameters.copy()
    assert_array_equal(twin.parameters, before)
    x = random(4, 3, 2, 2)
    assert_array_equal(twin.predict(x), net.predict(x))
    twin.parameters[:] = 0
    for value in twin.params.values():
        assert not value.any()
    assert not twin[5].parameters.any()
    assert twin[2] is twin[4]
    assert_array_equal(net.parameters, before)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.complex128])
def test_astype_converts_every_parameter(dtype):
    net = example()
    twin = net.astype(dtype)
    assert twin.dtype == dtype
    assert {value.dtype for value in twin.params.values()} == {np.dtype(dtype)}
    assert_array_equal(twin.parameters, net.parameters.astype(dtype))
    assert net.dtype == np.float64


def test_what_is_not_built_can_be_copied_too():
    net = Network([Dense(3), Tanh()])
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert twin.build((2,), rng=0) == (3,)


# Building


def test_a_seed_gives_its_parameters():
    nets = [Network([Dense(4), Tanh(), Dense(2)]) for _ in range(3)]
    for net, rng in zip(nets, (5, np.random.default_rng(5), 6), strict=True):
        net.build((3,), rng=rng)
    assert_array_equal(nets[0].parameters, nets[1].parameters)
    assert (nets[0].parameters != nets[2].parameters).any()


def test_layers_of_one_shape_start_differently():
    net = Network([Dense(3), Dense(3)])
    net.build((3,), rng=0)
    assert (net[0].W != net[1].W).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_build_makes_single_precision_if_nothing_is_said(dtype):
    net = Network([Dense(3)])
    net.build((2,), **({} if dtype == np.float32 else {"dtype": dtype}))
    assert net.dtype == net[0].W.dtype == net.predict(np.ones((1, 2))).dtype == dtype


def test_shapes_of_all_values_are_known():
    net = wired((Conv2D(2, 3), 0), (Flatten(), 2), (Concat(), 3, 1), (Dense(5),), inputs=2)
    assert net.build((5, 4, 1), (7,)) == (5,)
    assert net.shapes == [(5, 4, 1), (7,), (3, 2, 2), (12,), (19,), (5,)]
    assert net.multiply_adds((5, 4, 1), (7,)) == 3 * 2 * 9 * 2 + 19 * 5


@pytest.mark.parametrize("in_shape", [4, (4,), [4]], ids=str)
def test_a_shape_may_be_a_number_a_tuple_or_a_list(in_shape):
    net = Network([Dense(3)])
    assert net.build(in_shape) == (3,)
    assert net.in_shapes == ((4,),)


def test_an_example_may_be_a_single_number():
    net = Network([Tanh()])
    assert net.build((), dtype=np.float64) == ()
    assert_array_equal(net.predict([0.5, 1.0]), np.tanh([0.5, 1.0]))
    with refusal(ValueError, "Network expects inputs of shape (N,), got ()"):
        net.predict(0.5)


def test_building_anew_makes_a_new_vector():
    net = Network([Dense(3), Dense(2)])
    net.build((4,), rng=0)
    old = net.parameters
    net.build((5,), rng=0)
    assert net.parameters.size == 5 * 3 + 3 + 3 * 2 + 2
    net.parameters[:] = 1
    assert net[0].W.sum() == 15
    assert not np.shares_memory(old, net.parameters)


def test_a_build_that_fails_changes_nothing():
    net = Network([Dense(3), Reshape((3,))])
    net.build((4,), rng=0)
    before = net.parameters.copy()
    with pytest.raises(ValueError, match="Reshape 'reshape_1' expects 3 numbers"):
        net.build((2, 4), rng=1)
    assert net.in_shapes == ((4,),)
    assert_array_equal(net[0].W.ravel(), before[:12])
    assert np.shares_memory(net[0].W, net.parameters)


# Passes


def noted(layer, calls):
    """Return `layer`, which will write its name into `calls` whenever it goes back."""
    backward = layer.backward

    def write_and_go_back(delta, cache):
        calls.append(layer.name)
        return backward(delta, cache)

    layer.backward = write_and_go_back
    return layer


CALLS = [
    # A chain, and what goes back in `grads`: nothing below the first parameters
    (lambda: [Dense(3), Tanh(), Dense(2)], ["dense_2", "tanh_1"]),
    (lambda: [Reshape(2), Tanh(), Dense(3), ReLU(), Dense(2)], ["dense_2", "relu_1"]),
    (lambda: [Dense(3), Dense(2), Tanh(), Sigmoid()], ["sigmoid_1", "tanh_1", "dense_2"]),
    (lambda: [Tanh(), Sigmoid()], []),
    (lambda: [Tanh(), Dense(1)], []),
]


@pytest.mark.parametrize(("layers", "in_grads"), CALLS)
def test_grads_goes_back_no_further_than_the_first_parameters(layers, in_grads):
    calls = []
    net = built(Network([noted(layer, calls) for layer in layers()]), (2,))
    y, cache = net.forward(random(4, 2))
    delta = random(*y.shape, seed=3)
    grads = net.grads(delta, cache)
    assert calls == in_grads
    calls.clear()
    _, expected = net.backward(delta, cache)
    assert calls == [layer.name for layer in reversed(net.layers)]
    assert list(grads) == list(expected)
    for key in expected:
        assert_array_equal(grads[key], expected[key])


def test_in_a_graph_grads_goes_back_only_where_parameters_wait():
    calls = []
    steps = (Tanh(), 0), (Dense(3), 0), (Sigmoid(), 1), (Add(), 2, 3), (Dense(2), 4)
    net = built(wired(*((noted(layer, calls), *reads) for layer, *reads in steps)), (3,))
    y, cache = net.forward(random(4, 3))
    delta = random(*y.shape, seed=3)
    grads = net.grads(delta, cache)
    assert calls == ["dense_2", "add_1"]
    for key, expected in net.backward(delta, cache)[1].items():
        assert_array_equal(grads[key], expected)


def test_grads_of_a_network_with_several_inputs():
    net = built(wired((Tanh(), 1), (Dense(3), 0), (Add(), 2, 3), inputs=2), (2,), (3,))
    _, cache = net.forward(random(4, 2), random(4, 3, seed=4))
    delta = random(4, 3, seed=3)
    expected = net.backward(delta, cache)[1]
    for key, gradient in net.grads(delta, cache).items():
        assert_array_equal(gradient, expected[key])
    assert list(expected) == ["1.W", "1.b"]


@pytest.mark.parametrize("net", [example, lambda: nested_and_flat()[0]], ids=["shared", "nested"])
def test_grads_are_those_of_backward(net):
    net = net()
    y, cache = net.forward(random(4, *net.in_shapes[0]))
    delta = random(*y.shape, seed=3)
    grads, expected = net.grads(delta, cache), net.backward(delta, cache)[1]
    assert list(grads) == list(expected) == list(net.params)
    for key in expected:
        assert_array_equal(grads[key], expected[key])


@pytest.mark.parametrize("net", [example, lambda: nested_and_flat()[0]], ids=["shared", "nested"])
def test_gradient_is_grads_as_one_vector(net):
    net = net()
    y, cache = net.forward(random(4, *net.in_shapes[0]))
    delta = random(*y.shape, seed=3)
    found = net.gradient(delta, cache)
    assert_array_equal(found, net.flatten(net.grads(delta, cache)))
    assert not np.shares_memory(found, net.parameters)
    assert_array_equal(net.gradient(delta, cache), found)


def test_gradient_of_complex_caches_is_complex():
    net = built(Network([Dense(3), Tanh(), Dense(2)]), (4,))
    delta, xs = random(5, 2), random(5, 4) + 1e-3j
    caches = []
    for layer in net:
        xs, cache = layer.forward(xs)
        caches.append(cache)
    found = net.gradient(delta, caches)
    assert found.dtype == np.complex128
    assert found.imag.any()
    assert_array_equal(found, net.flatten(net.grads(delta, caches)))


class Odd(Layer):
    """A layer whose backward can be wrong in several ways."""

    param_names = ("W", "b")

    def __init__(self, dx, grads):
        self.dx, self.made = dx, grads
        self.W, self.b = np.ones(3), np.ones(2)

    def forward(self, x, /):
        return x, None

    def backward(self, delta, cache, /):
        return self.dx, self.made


RIGHT = {"W": np.ones(3), "b": np.ones(2)}


@pytest.mark.parametrize(
    ("dx", "grads", "error"),
    [
        (None, RIGHT, "NoneType"),
        (np.ones((5, 3)), {"W": np.ones(3)}, "1.b"),
        (np.ones((5, 3)), {**RIGHT, "b": np.ones(1)}, None),
    ],
    ids=["no dx", "no db", "db too short"],
)
def test_gradient_has_nothing_that_was_not_handed_to_it(dx, grads, error):
    net = built(Network([Dense(3), Odd(dx, grads)]), (4,))
    y, cache = net.forward(random(5, 4))
    if error:
        with pytest.raises((KeyError, AttributeError, TypeError, ValueError), match=error):
            net.gradient(y, cache)
    else:  # which the optimizer tells
        assert net.gradient(y, cache).size == net.parameters.size - 1


def test_gradient_passes_over_what_is_no_parameters():
    net = built(Network([Dense(3), Odd(np.ones((5, 3)), {**RIGHT, "note": 0.0})]), (4,))
    y, cache = net.forward(random(5, 4))
    assert_array_equal(net.gradient(y, cache)[-5:], np.ones(5))


def test_gradient_of_a_network_without_parameters_is_empty():
    net = built(Network([Tanh()]), (4,))
    y, cache = net.forward(random(5, 4))
    assert net.gradient(y, cache).shape == (0,)


class Watch(Layer):
    """A copy of its input; `alive` counts, at each call, the copies of before that still live."""

    def __init__(self, copies, alive):
        self.copies, self.alive = copies, alive

    def build(self, *in_shapes, rng=None, dtype=np.float32):
        return in_shapes[0]

    def predict(self, *xs):
        self.alive.append(sum(one() is not None for one in self.copies))
        y = sum(xs) + 0.0
        self.copies.append(weakref.ref(y))
        return y


@pytest.mark.parametrize(
    ("reads", "alive"),
    [
        ([(0,), (1,), (2,), (3,), (4,)], [0, 1, 1, 1, 1]),
        ([(0,), (1,), (2,), (3,), (4, 1)], [0, 1, 2, 2, 2]),
        ([(0,), (0,), (1, 2), (3,), (4,)], [0, 1, 2, 1, 1]),
    ],
    ids=["chain", "shortcut", "fork"],
)
def test_predict_lets_a_value_go_after_its_last_reader(reads, alive):
    copies, counts = [], []
    net = wired(*((Watch(copies, counts), *values) for values in reads))
    net.build((3,))
    net.predict(np.ones((2, 3)))
    assert counts == alive


@pytest.mark.parametrize("net", [example, lambda: nested_and_flat()[0]], ids=["shared", "nested"])
def test_predict_is_forward(net):
    net = net()
    x = random(4, *net.in_shapes[0])
    assert_array_equal(net.predict(x), net.forward(x)[0])


def test_randomness_comes_from_the_generator_of_the_pass():
    net = built(Network([Dropout(), Network([Dropout()]), Dense(2)]), (30,))
    x = np.ones((4, 30))
    one, two, other = (net.forward(x, rng=np.random.default_rng(k)) for k in (0, 0, 1))
    assert_array_equal(one[0], two[0])
    assert (one[0] != other[0]).any()
    first, (second,), _ = one[1]
    assert (first != second).any()
    assert net.stochastic
    assert not net.stateful
    assert_array_equal(net.predict(x), x @ net[2].W + net[2].b)


@pytest.mark.parametrize(
    "x",
    [
        [[1, 0], [0, 1]],
        np.eye(2, dtype=np.int64),
        np.eye(2, dtype=np.uint8),
        np.eye(2, dtype=bool),
        np.eye(2, dtype=np.float64),
        np.eye(2, dtype=np.float16),
    ],
    ids=["list", "int64", "uint8", "bool", "float64", "float16"],
)
def test_real_inputs_are_converted_at_the_entry(x):
    net = Network([Dense(3), Tanh()])
    net.build((2,), rng=0)
    y, cache = net.forward(x)
    assert y.dtype == net.predict(x).dtype == np.float32
    assert_array_equal(y, net.predict(np.eye(2, dtype=np.float32)))
    assert net.backward(y, cache)[0].dtype == np.float32


# Whole numbers


def on_ids():
    """Return a network of an id (value 0) beside three real numbers (value 1)."""
    return built(wired((Embedding(5, 2), 0), (Concat(), 2, 1), (Dense(3),), inputs=2), (), (3,))


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64])
def test_whole_numbers_stay_what_they_are(kind):
    net = on_ids()
    ids, x = np.array([4, 0, 4], kind), random(3, 3).astype(np.float32)
    y, cache = net.forward(ids, x)
    assert cache[0] is ids
    assert y.dtype == np.float64
    rows = np.concatenate([net[0].W[ids], x], axis=1)
    assert_allclose(y, rows @ net[2].W + net[2].b, rtol=1e-12)
    assert_array_equal(net.predict(ids.tolist(), x.tolist()), y)


def test_whole_numbers_have_no_delta():
    net = on_ids()
    ids, x, delta = np.array([4, 0, 4]), random(3, 3), random(3, 3, seed=3)
    _, cache = net.forward(ids, x)
    dxs, grads = net.backward(delta, cache)
    drow = delta @ net[2].W.T
    assert dxs[0] is None
    assert_allclose(dxs[1], drow[:, 2:], rtol=1e-12)
    assert_allclose(grads["0.W"][4], drow[0, :2] + drow[2, :2], rtol=1e-12)
    assert_allclose(grads["0.W"][0], drow[1, :2], rtol=1e-12)
    assert not grads["0.W"][1:4].any()
    deltas = net.deltas(delta, cache)
    assert deltas[0] is None
    assert [each.shape for each in deltas[1:]] == [(3, 3), (3, 2), (3, 5), (3, 3)]
    for key, value in net.grads(delta, cache).items():
        assert_array_equal(value, grads[key])


def test_whole_numbers_with_two_readers():
    net = built(wired((Embedding(5, 2), 0), (Embedding(3, 2), 0), (Add(), 1, 2)), ())
    y, cache = net.forward([2, 1])
    assert_array_equal(y, net[0].W[[2, 1]] + net[1].W[[2, 1]])
    dx, grads = net.backward(np.ones((2, 2)), cache)
    assert dx is None
    assert_array_equal(grads["1.W"], [[0, 0], [1, 1], [1, 1]])
    assert net.integers_below(0) == 3


def test_which_inputs_are_whole_numbers():
    assert on_ids().integer_inputs == (0,)
    assert Network([Dense(3)]).integer_inputs == ()
    assert Network().integer_inputs == ()
    inner = wired((Embedding(5, 2), 1), (Concat(), 0, 2), inputs=2)
    outer = wired((inner, 1, 0), (Tanh(),), inputs=2)
    assert inner.integer_inputs == (1,)
    assert outer.integer_inputs == (0,)
    assert outer.integers_below(0) == 5
    built(outer, (), (3,))
    y, cache = outer.forward([4], [[1, 2, 3]])
    assert_allclose(y[0, :3], np.tanh([1, 2, 3]))
    dxs, _ = outer.backward(np.ones_like(y), cache)
    assert dxs[0] is None
    assert dxs[1].shape == (1, 3)


def test_a_layer_of_ones_own_may_take_whole_numbers_without_a_limit():
    class Shift(Layer):
        integer_inputs = (1,)

        def build(self, x, n, *, rng=None, dtype=np.float32):
            return x

        def forward(self, x, n):
            return x + n, None

        def backward(self, delta, cache):
            return (delta, None), {}

    net = built(wired((Shift(), 0, 1), inputs=2), (), ())
    assert_array_equal(net.predict([0.5], [10**6]), [10**6 + 0.5])
    with refusal(ValueError, "Network expects inputs that are whole numbers from 0 to inf, got -1"):
        net.predict([0.5], [-1])


@pytest.mark.parametrize(
    ("ids", "kind", "got"),
    [
        ([0, 5], ValueError, "from 0 to 4, got 5"),
        ([-1, 0], ValueError, "from 0 to 4, got -1"),
        (np.array([200], np.uint8), ValueError, "from 0 to 4, got 200"),
        ([1.0], TypeError, ", got float64"),
        ([True], TypeError, ", got bool"),
        (["a"], TypeError, ", got <U1"),
    ],
    ids=str,
)
def test_ids_that_no_row_stands_for(ids, kind, got):
    for net in (Network([Embedding(5, 2)]), Network([Network([Embedding(5, 2)])])):
        built(net, ())
        for verb in (net.forward, net.predict):
            text = f"Network expects inputs that are whole numbers {got}".replace(" ,", ",")
            with refusal(kind, text):
                verb(ids)


def test_no_ids_are_no_examples():
    with refusal(ValueError, f"Network expects {EXAMPLES}, got 0"):
        built(Network([Embedding(5, 2)]), (3,)).predict(np.zeros((0, 3), int))


@pytest.mark.parametrize(
    ("net", "text"),
    [
        (
            lambda: wired((Embedding(5, 3), 0), (Dense(2), 0), (Concat(), 1, 2)),
            "all readers of a value to take whole numbers, or none, got both for value 0",
        ),
        (
            lambda: Network([Flatten(), Embedding(5, 3)]),
            "whole numbers to be inputs, got value 1, made by Flatten 'flatten_1'",
        ),
        (
            lambda: Network([Dense(2), Network([Embedding(5, 3)])]),
            "whole numbers to be inputs, got value 1, made by Dense 'dense_1'",
        ),
    ],
    ids=["both", "made", "nested"],
)
def test_whole_numbers_are_inputs_and_nothing_else(net, text):
    with refusal(ValueError, f"Network expects {text}"):
        net().build((2,))


# Running averages


def averaging():
    """Return a built network with a shared BatchNorm, a nested one and other layers."""
    shared = BatchNorm()
    net = Network([Dense(3), shared, Dense(3), shared, Network([Tanh(), BatchNorm()])])
    return built(net, (2,))


def test_running_averages_lie_under_keys():
    net = averaging()
    assert net.stateful
    assert list(net.averages) == ["1.mean", "1.variance", "4.1.mean", "4.1.variance"]
    assert net.averages["1.mean"] is net[1].mean
    assert net.averages["4.1.variance"] is net[4][1].variance
    assert list(net.params)[2:4] == ["1.gamma", "1.beta"]
    assert Network([Dense(2)]).averages == {}


def test_a_pass_changes_them_and_assigning_brings_them_back():
    net, x = averaging(), random(5, 2)
    before, y = net.averages, net.predict(x)
    net.forward(x)
    assert all((net.averages[key] != before[key]).any() for key in before)
    assert (net.predict(x) != y).any()
    net.averages = before
    assert all(net.averages[key] is before[key] for key in before)
    assert_array_equal(net.predict(x), y)


def test_a_layer_that_stands_twice_averages_over_both_places():
    shared = BatchNorm(keep=0.5)
    net = built(wired((shared, 0), (Tanh(), 1), (shared, 2)), (2,))
    x = random(5, 2)
    h = np.tanh(shared.gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5) + shared.beta)
    net.forward(x)
    assert_allclose(shared.mean, 0.25 * x.mean(axis=0) + 0.5 * h.mean(axis=0), rtol=1e-12)


def test_averages_of_another_network_are_refused():
    net = averaging()
    before = net.averages
    text = (
        "Network expects averages of shapes {'1.mean': (3,), '1.variance': (3,), '4.1.mean': (3,), "
        "'4.1.variance': (3,)}, got {}"
    )
    with refusal(ValueError, text):
        net.averages = {}
    with pytest.raises(ValueError, match=r"^Network expects averages of shapes .*'1.mean': \(4,\)"):
        net.averages = {**before, "1.mean": np.zeros(4)}
    assert all(net.averages[key] is before[key] for key in before)


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net)), lambda net: net.astype(net.dtype)],
    ids=["deepcopy", "pickle", "astype"],
)
def test_copies_have_averages_of_their_own(copied):
    net, x = averaging(), random(5, 2)
    net.forward(x)
    before = net.averages
    twin = copied(net)
    assert_array_equal(twin.predict(x), net.predict(x))
    assert twin[1] is twin[3]
    twin.forward(x)
    assert all(net.averages[key] is before[key] for key in before)
    assert (twin.averages["1.mean"] != before["1.mean"]).any()
    single = net.astype(np.float32)
    assert {value.dtype for value in single.averages.values()} == {np.dtype(np.float32)}
    assert single.predict(x).dtype == np.float32


def test_a_build_that_fails_keeps_the_averages():
    net = built(Network([BatchNorm(), Reshape((3,))]), (3,))
    net.forward(random(4, 3))
    before = net.averages
    with pytest.raises(ValueError, match="Reshape 'reshape_1' expects 3 numbers"):
        net.build((4,))
    assert all(net.averages[key] is before[key] for key in before)


def test_a_shared_layer_refuses_shapes_that_need_other_averages():
    shared = BatchNorm()
    text = (
        "BatchNorm 'batchnorm_1' expects parameters of shapes [(4,), (4,), (4,), (4,)] wherever it "
        "stands, got [(2,), (2,), (2,), (2,)]"
    )
    with refusal(ValueError, text):
        Network([shared, Dense(2), shared]).build((4,))


# Invariants


def test_a_bias_gradient_is_that_of_the_weight_of_an_input_that_is_always_one():
    net = built(Network([Dense(4), Sigmoid(), Dense(2), Sigmoid()]), (3,))
    wide = built(Network([Dense(4, bias=False), Sigmoid(), Dense(2), Sigmoid()]), (4,))
    wide[0].W[...] = np.vstack([net[0].W, net[0].b])
    give(wide, net, {"2.W": "2.W", "2.b": "2.b"})
    x = random(5, 3)
    _, _, grads = both_passes(net, x)
    _, _, wide_grads = both_passes(wide, np.hstack([x, np.ones((5, 1))]))
    assert_close((wide_grads["0.W"][:3], wide_grads["0.W"][3]), (grads["0.W"], grads["0.b"]))


@pytest.mark.parametrize("factor", [-2.0, 0.0, 0.25, 1024.0])
def test_scaling_the_loss_scales_every_gradient(factor):
    net = example()
    y, cache = net.forward(random(4, 3, 2, 2))
    delta = random(*y.shape, seed=3)
    dx, grads = net.backward(delta, cache)
    scaled_dx, scaled = net.backward(factor * delta, cache)
    assert_array_equal(scaled_dx, factor * dx)  # powers of two: to the last bit
    for key in grads:
        assert_array_equal(scaled[key], factor * grads[key])


def test_the_gradient_of_a_batch_is_the_sum_over_its_examples():
    net = example()
    x = random(5, 3, 2, 2)
    y, cache = net.forward(x)
    delta = random(*y.shape, seed=3)
    dx, grads = net.backward(delta, cache)
    total = {key: np.zeros_like(value) for key, value in grads.items()}
    for n in range(5):
        one = slice(n, n + 1)
        y_n, cache_n = net.forward(x[one])
        dx_n, grads_n = net.backward(delta[one], cache_n)
        assert_close((y_n, dx_n), (y[one], dx[one]))
        for key in total:
            total[key] += grads_n[key]
    assert_close(grads.values(), total.values())


# States that one pass hands on to the next


def recurrent():
    """Return networks of one kind: for 6 steps, and for 2 with the same parameters."""
    nets = [
        built(Network([Dense(3), LSTM(4), Network([GRU(3), Tanh()]), RNN(2)]), (T, 2))
        for T in (6, 2)
    ]
    nets[1].parameters[:] = nets[0].parameters
    return nets


def test_a_sequence_in_chunks_is_the_whole_if_states_are_handed_on():
    whole, part = recurrent()
    x = random(3, 6, 2)
    expected = whole.predict(x)
    outputs, states = [], None
    for t in (0, 2, 4):
        y, cache = part.forward(x[:, t : t + 2], states=states)
        y_advanced, advanced = part.advance(x[:, t : t + 2], states=states)
        states = part.final_states(cache)
        outputs.append(y)
        assert_array_equal(y_advanced, y)
        assert repr(advanced) == repr(states)
    assert_allclose(np.hstack(outputs), expected, rtol=1e-12, atol=1e-14)
    assert {number: np.shape(parts) for number, parts in states.items() if number != 2} == {
        1: (2, 3, 4),
        3: (1, 3, 2),
    }
    assert np.shape(states[2][0]) == (1, 3, 3)  # of layer 0 of the network that is layer 2
    assert_array_equal(states[3][0], outputs[-1][:, -1])


def test_state_shapes_are_by_layer_number():
    whole, _ = recurrent()
    assert whole.state_shapes() == {1: ((4,), (4,)), 2: {0: ((3,),)}, 3: ((2,),)}
    assert built(Network([Dense(3)]), (2,)).state_shapes() == {}
    assert Dense(3).final_states(None) == ()


def test_layers_that_begin_anew_hand_nothing_on():
    net = wired(
        (RNN(2, reverse=True), 0),
        (LSTM(2), 0, 1, 1),
        (Concat(), 3, 4),
        (RNN(2, masked=True), 5, 2),
        inputs=3,
    )
    net = built(net, (4, 3), (2,), (4,))
    assert net.state_shapes() == {3: ((2,),)}


def test_a_layer_that_stands_twice_has_states_in_each_place():
    layer = RNN(3)
    net = built(Network([layer, layer]), (2, 3))
    whole = built(Network([RNN(3), RNN(3)]), (4, 3))
    give(whole, net, {f"{n}.{name}": f"0.{name}" for n in (0, 1) for name in layer.param_names})
    x = random(5, 4, 3)
    first, states = net.advance(x[:, :2])
    second, _ = net.advance(x[:, 2:], states=states)
    assert_allclose(np.hstack([first, second]), whole.predict(x), rtol=1e-12)


def test_states_are_constants_to_the_gradient_and_written_to_by_nothing():
    net = built(Network([RNN(3)]), (4, 2))
    twin = built(wired((RNN(3), 0, 1), inputs=2), (4, 2), (3,))
    twin.parameters[:] = net.parameters
    x, h0, delta = random(5, 4, 2), random(5, 3, seed=4), random(5, 4, 3, seed=3)
    h0.flags.writeable = False
    y, cache = net.forward(x, states={0: (h0,)})
    dx, grads = net.backward(delta, cache)
    twin_y, twin_cache = twin.forward(x, h0)
    (twin_dx, _), twin_grads = twin.backward(delta, twin_cache)
    for one, other in zip(
        (y, dx, *grads.values()), (twin_y, twin_dx, *twin_grads.values()), strict=True
    ):
        assert_array_equal(one, other)


def test_final_states_hold_no_cache_alive():
    net = built(Network([LSTM(3)]), (4, 2))
    _, cache = net.forward(random(5, 4, 2))
    for state in net.final_states(cache)[0]:
        assert state.base is None


def test_states_are_converted_at_the_entry():
    net = Network([LSTM(3)])
    net.build((4, 2), rng=0)
    y, _ = net.advance(random(5, 4, 2), states={0: (random(5, 3), random(5, 3))})
    assert y.dtype == np.float32


@pytest.mark.parametrize(
    ("states", "kind", "text"),
    [
        ({0: ()}, ValueError, "Network expects states of layers [1, 2, 3], got 0"),
        ({2: {1: ()}}, ValueError, "Network 'network_1' expects states of layers [0], got 1"),
        (
            {2: [1]},
            TypeError,
            "Network 'network_1' expects states in a dict by layer number, got [1]",
        ),
        (
            {1: (np.zeros((3, 4)),)},
            ValueError,
            "LSTM 'lstm_1' expects states of shapes [(3, 4), (3, 4)], got [(3, 4)]",
        ),
        (
            {3: (np.zeros((1, 2)),)},
            ValueError,
            "RNN 'rnn_1' expects states of shapes [(3, 2)], got [(1, 2)]",
        ),
        ([1, 2], TypeError, "Network expects states in a dict by layer number, got [1, 2]"),
    ],
)
def test_states_that_do_not_fit(states, kind, text):
    _, net = recurrent()
    x = random(3, 2, 2)
    for call in (net.forward, net.advance):
        with pytest.raises(kind, match=f"^{re.escape(text)}$"):
            call(x, states=states)


# Errors


def refusal(kind, text):
    return pytest.raises(kind, match=f"^{re.escape(text)}$")


def of_two_inputs():
    net = wired((Add(), 0, 1), inputs=2)
    net.build((3,), (3,))
    return net


def ready():
    net = Network([Dense(2)])
    net.build((3,), rng=0)
    return net


def nested_share():
    shared = Dense(3)
    return Network([shared, Network([shared])])


NOT_BUILT = "build(in_shape) before a pass, got none"
EXAMPLES = "at least one example, as many in each input"
UNREAD = "every value to be read, got no reader of value 1"
WHOLE = "to be a whole number of at least"
SHARED_TWICE = (
    "a layer to be shared within one network, got Dense 'dense_1' inside a nested one too"
)

INPUTS = [
    (lambda: Network([Dense(2)]).forward(np.ones((1, 3))), ValueError, NOT_BUILT),
    (lambda: Network([Dense(2)]).predict(np.ones((1, 3))), ValueError, NOT_BUILT),
    (lambda: Network([Dense(2)]).summary(), ValueError, "build(in_shape) before summary, got none"),
    (lambda: ready().predict(np.ones(3)), ValueError, "inputs of shape (N, 3), got (3,)"),
    (lambda: ready().predict(np.ones((2, 4))), ValueError, "inputs of shape (N, 3), got (2, 4)"),
    (
        lambda: ready().predict(np.ones((2, 3, 1))),
        ValueError,
        "inputs of shape (N, 3), got (2, 3, 1)",
    ),
    (lambda: ready().predict(1.0), ValueError, "inputs of shape (N, 3), got ()"),
    (lambda: ready().forward(np.ones((2, 4))), ValueError, "inputs of shape (N, 3), got (2, 4)"),
    (
        lambda: ready().predict(np.ones((2, 3), complex)),
        TypeError,
        "inputs that are float32, got complex128",
    ),
    (lambda: ready().predict([["a", "b", "c"]]), TypeError, "inputs that are float32, got <U1"),
    (lambda: ready().predict([[None, 1, 2]]), TypeError, "inputs that are float32, got object"),
    (lambda: ready().predict(np.ones((0, 3))), ValueError, f"{EXAMPLES}, got 0"),
    (
        lambda: of_two_inputs().predict(np.ones((2, 3)), np.ones((4, 3))),
        ValueError,
        f"{EXAMPLES}, got 2, 4",
    ),
    (lambda: of_two_inputs().predict(np.ones((2, 3))), ValueError, "2 inputs, got 1"),
    (lambda: ready().predict(np.ones((2, 3)), np.ones((2, 3))), ValueError, "1 inputs, got 2"),
]

WIRINGS = [
    (lambda: Network(inputs=0), ValueError, "inputs to be a whole number of at least 1, got 0"),
    (lambda: Network([Dense(2), "tanh"]), TypeError, "layers to add, got 'tanh'"),
    (lambda: Network([Dense]), TypeError, f"layers to add, got {Dense!r}"),
    (lambda: wired((Dense(2), 1)), ValueError, "a value from 0 to 0, got 1"),
    (lambda: wired((Dense(2), 0), (Add(), 0, 2)), ValueError, "a value from 0 to 1, got 2"),
    (lambda: wired((Dense(2), -1)), ValueError, f"a value's number {WHOLE} 0, got -1"),
    (lambda: wired((Dense(2), "0")), ValueError, f"a value's number {WHOLE} 0, got '0'"),
    (
        lambda: ready().add(Tanh()),
        ValueError,
        "all layers to be added before build, got Tanh() after it",
    ),
    (lambda: Network().build((3,)), ValueError, "at least one layer, got none"),
    (lambda: wired((Dense(2), 0), (Dense(2), 0)).build((3,)), ValueError, UNREAD),
    (lambda: wired((Dense(2), 0), inputs=2).build((3,), (3,)), ValueError, UNREAD),
    (lambda: nested_share().build((3,)), ValueError, SHARED_TWICE),
    (lambda: Network([Dense(2)]).build((3,), (3,)), ValueError, "the shapes of 1 inputs, got 2"),
    (
        lambda: wired((Add(), 0, 1), inputs=2).build((3,)),
        ValueError,
        "the shapes of 2 inputs, got 1",
    ),
    (
        lambda: Network([Dense(2)]).build((3, 0)),
        ValueError,
        f"an axis of an input's shape {WHOLE} 1, got 0",
    ),
    (
        lambda: Network([Dense(2)]).build((3, None)),
        ValueError,
        f"an axis of an input's shape {WHOLE} 1, got None",
    ),
]


@pytest.mark.parametrize(("make", "kind", "text"), INPUTS, ids=[row[2] for row in INPUTS])
def test_inputs_that_do_not_fit(make, kind, text):
    with refusal(kind, f"Network expects {text}"):
        make()


@pytest.mark.parametrize(("make", "kind", "text"), WIRINGS, ids=[row[2] for row in WIRINGS])
def test_wirings_and_shapes_that_do_not_fit(make, kind, text):
    with refusal(kind, f"Network expects {text}"):
        make()


@pytest.mark.parametrize(
    ("net", "in_shape", "text"),
    [
        (
            Network([Conv2D(2, 3), Flatten(), Dense(3)]),
            (2, 2, 1),
            "Conv2D 'conv2d_1' expects images that a 3x3 window fits into with padding (0, 0), "
            "got (N, 2, 2, 1)",
        ),
        (
            Network([Dense(3), Tanh(), RNN(4)]),
            (5,),
            "RNN 'rnn_1' expects sequences of shape (N, T, D), got (N, 3)",
        ),
        (
            wired((Dense(3), 0), (Dense(4), 0), (Add(), 1, 2)),
            (5,),
            "Add 'add_1' expects two or more inputs of one shape, got (N, 3) and (N, 4)",
        ),
        (
            Network([Network([Dense(3), Last()])]),
            (5,),
            "Last 'last_1' expects sequences of shape (N, T, D), got (N, 3)",
        ),
    ],
)
def test_shapes_that_a_layer_cannot_take_are_told_in_build_by_its_name(net, in_shape, text):
    with refusal(ValueError, text):
        net.build(in_shape)


def test_a_layer_that_is_not_built_has_no_parameters():
    what = "expects build(in_shape) before its parameters are used, got none"
    with refusal(ValueError, f"Dense {what}"):
        _ = Dense(2).params
    with refusal(ValueError, f"Dense 'dense_1' {what}"):
        _ = Network([Dense(2)]).params


def test_a_layer_refuses_more_inputs_than_it_takes():
    with pytest.raises(ValueError, match=r"^Dense 'dense_1' expects .*, got 2"):
        wired((Dense(2), 0, 1), inputs=2).build((3,), (3,))


def test_a_network_cannot_hold_itself():
    net = Network([Dense(2)])
    for loop in (net, Network([net]), Network([Tanh(), Network([net])])):
        with pytest.raises(ValueError, match=r"^Network .*expects .* itself"):
            net.add(loop)


@pytest.mark.parametrize("shape", [(2, 3, 1), (5, 1, 1), (3,), (2, 4), ()])
def test_a_delta_is_not_broadcast(shape):
    net = Network([Identity(), Tanh()])
    net.build((3,))
    _, cache = net.forward(np.ones((2, 3)))
    for verb in (net.backward, net.grads, net.deltas):
        with refusal(ValueError, f"Network expects a delta of shape (N, 3), got {shape}"):
            verb(np.ones(shape, np.float32), cache)


def test_a_seed_that_is_none_is_refused():
    what = "rng to be a numpy Generator or a seed, a whole number of at least 0"
    with pytest.raises(ValueError, match=f"^Network expects {what}, got -2$"):
        Network([Dense(2)]).build((3,), rng=-2)
