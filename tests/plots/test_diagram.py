"""The diagram of a network shows its wiring, and the numbers of its two passes."""

import re

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgba
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop import models
from backprop.classics import mazur
from backprop.layers import (
    GRU,
    LSTM,
    Add,
    BatchNorm,
    Bidirectional,
    Concat,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Last,
    MaxPool,
    ReLU,
    Reshape,
    Sigmoid,
    Tanh,
)
from backprop.losses import HalfSquaredError, SoftmaxCrossEntropy
from backprop.network import Network
from backprop.plots import BLUE, ORANGE
from backprop.plots.bodies import Slim, Tile, Units, arranged
from backprop.plots.picture import SIGNED
from plots.pictures import assert_legible, named, words

CE = SoftmaxCrossEntropy()


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def small():
    return mazur.network(), mazur.X, mazur.TARGET, mazur.LOSS


def perceptron():
    net = Network([Dense(32), ReLU(), Dense(16), ReLU(), Dense(10)])
    net.build((64,), rng=0)
    return net, random(5, 64), np.arange(5), CE


def convolutional():
    net = models.cnn((8, 8, 1), 10).net
    net.build((8, 8, 1), rng=0)
    return net, random(3, 8, 8, 1), np.arange(3), CE


def residual():
    net = Network()
    h = net.add(Dense(6), 0)
    for _ in range(2):
        a = net.add(Tanh(), net.add(Dense(6), h))
        h = net.add(Add(), h, net.add(Dense(6), a))
    net.add(Dense(3))
    net.build((4,), rng=0, dtype=np.float64)
    return net, random(5, 4), np.arange(5) % 3, CE


def branches():
    net = Network()
    a, b = net.add(Conv2D(8, 3, padding=1), 0), net.add(Conv2D(8, 1), 0)
    joined = net.add(Concat(), a, b, net.add(MaxPool(3, stride=1, padding=1), 0))
    net.add(Add(), joined, net.add(Conv2D(17, 3, padding=1), net.add(ReLU(), joined)))
    net.add(Flatten())
    net.add(Dense(4))
    net.build((6, 6, 1), rng=0)
    return net, random(3, 6, 6, 1), np.arange(3), CE


def deep():
    layers = [layer for _ in range(5) for layer in (Dense(8), Sigmoid())]
    net = Network(layers)
    net.build((8,), rng=0)
    return net, random(5, 8), random(5, 8, seed=1), HalfSquaredError()


def recurrent():
    net = Network([LSTM(12), GRU(8), Last(), Dense(3)])
    net.build((20, 4), rng=0)
    return net, random(5, 20, 4), np.arange(5) % 3, CE


def looked_up():
    net = Network([Embedding(30, 6), Bidirectional(GRU(5), last=True), Dense(2)])
    net.build((7,), rng=0)
    return net, np.arange(14).reshape(2, 7), np.arange(2), CE


def two_inputs():
    net = Network(inputs=2)
    net.add(Concat(), net.add(Dense(3), 0), net.add(Dense(2), 1))
    net.build((4,), (20,), rng=0)
    return net, (random(3, 4), random(3, 20)), random(3, 5), HalfSquaredError()


NETWORKS = pytest.mark.parametrize(
    "make",
    [
        *(small, perceptron, convolutional, residual, branches),
        *(deep, recurrent, looked_up, two_inputs),
    ],
)


def passes(net, x, y, loss):
    """The two passes, the slow way: a layer at a time. For chains."""
    values, caches = [x], []
    for layer in net:
        value, cache = layer.forward(values[-1])
        values.append(value)
        caches.append(cache)
    delta = loss.backward(loss.forward(values[-1], y)[1])
    deltas, grads = [delta], []
    for layer, cache in zip(reversed(net.layers), reversed(caches), strict=True):
        delta, of_layer = layer.backward(deltas[0], cache)
        deltas.insert(0, delta)
        grads.insert(0, of_layer)
    return values, deltas, grads


@NETWORKS
@pytest.mark.parametrize("batch", [True, False], ids=["passes", "structure"])
def test_no_two_texts_overlap(make, batch):
    net, x, y, loss = make()
    assert_legible(net.draw(x, y, loss=loss) if batch else net.draw())


def test_lines_are_as_wide_as_the_gradients_of_their_weights():
    net, x, y, loss = small()
    _, _, grads = passes(net, x, y, loss)
    found = named(net.draw(x, y, loss=loss))
    for number in (0, 2):
        dW = grads[number]["W"]
        for (i, j), gradient in np.ndenumerate(dW):
            (line,) = found[f"{number}.W[{i}, {j}]"]
            assert_allclose(line.get_linewidth(), 3 * abs(gradient) / np.abs(dW).max())
            assert line.get_color() == (BLUE if gradient < 0 else ORANGE)


def test_lines_can_be_as_wide_as_the_delta_that_goes_back():
    net, x, y, loss = perceptron()
    _, deltas, _ = passes(net, x.astype(np.float32), y, loss)
    found = named(net.draw(x, y, loss=loss, lines="deltas"))
    part = net[4].W * deltas[5].sum(axis=0)
    assert_allclose(part.sum(axis=1), deltas[4].sum(axis=0), rtol=1e-4, atol=1e-6)
    for i, j in ((0, 0), (3, 7), (15, 9)):
        (line,) = found[f"4.W[{i}, {j}]"]
        assert_allclose(line.get_linewidth(), 3 * abs(part[i, j]) / np.abs(part).max(), rtol=1e-5)
        assert line.get_color() == (BLUE if part[i, j] < 0 else ORANGE)


def test_lines_from_unit_to_unit_are_the_delta_handed_down():
    net, x, y, loss = small()
    _, deltas, _ = passes(net, x, y, loss)
    found = named(net.draw(x, y, loss=loss))
    for number in (1, 3):
        down = deltas[number][0]
        widths = [found[f"{number}[{k}]"][0].get_linewidth() for k in range(2)]
        assert_allclose(widths, 3 * np.abs(down) / np.abs(down).max())
        colors = [found[f"{number}[{k}]"][0].get_color() for k in range(2)]
        assert colors == [BLUE if part < 0 else ORANGE for part in down]


def test_lines_lead_from_the_unit_to_the_unit_that_their_weight_joins():
    found = named(small()[0].draw())
    units = [[found[f"delta {number}[{k}]"][0].center for k in range(2)] for number in (0, 1)]
    for i in range(2):
        for j in range(2):
            x, y = found[f"0.W[{i}, {j}]"][0].get_data()
            assert_allclose(y, [units[0][i][1], units[1][j][1]])
            assert_allclose(x, [units[0][i][0] + 0.13, units[1][j][0] - 0.13])


def test_circles_are_values_above_and_deltas_below():
    net, x, y, loss = deep()
    values, deltas, _ = passes(net, x.astype(np.float32), y, loss)
    found = named(net.draw(x, y, loss=loss))
    for number in (0, 4, 10):
        mean, total = values[number].mean(axis=0), deltas[number].sum(axis=0)
        grey = (mean - mean.min()) / (mean.max() - mean.min())
        for k in range(8):
            (upper,), (lower,) = found[f"value {number}[{k}]"], found[f"delta {number}[{k}]"]
            assert (upper.theta1, upper.theta2, lower.theta1, lower.theta2) == (180, 360, 0, 180)
            wanted = SIGNED(0.5 + total[k] / np.abs(total).max() / 2)
            assert_allclose(lower.get_facecolor(), wanted, atol=0.02)
        shades = [sum(found[f"value {number}[{k}]"][0].get_facecolor()[:3]) for k in range(8)]
        assert_array_equal(np.argsort(shades), np.argsort(-grey))


def test_the_2_2_2_network_is_written_out():
    net, x, y, loss = small()
    shown = words(net.draw(x, y, loss=loss))
    for number in ("0.3775", "0.5933", "0.7514", "0.1385", "−0.0381", "0.008771", "0.03635"):
        assert number in shown
    assert "loss 0.2984" in shown
    assert {"0 dense_1", "1 sigmoid_1", "2 dense_2", "3 sigmoid_2", "input"} <= set(shown)


def test_norms_stand_below_their_layer():
    net, x, y, loss = small()
    _, deltas, grads = passes(net, x, y, loss)
    shown = words(net.draw(x, y, loss=loss))
    for delta in deltas:
        assert f"‖δ‖ {np.linalg.norm(delta):.3g}" in shown
    for number in (0, 2):
        both = np.concatenate([grads[number][name].ravel() for name in "Wb"])
        assert f"‖dθ‖ {np.linalg.norm(both):.3g}" in shown


def test_tiles_are_deltas():
    net, x, y, loss = perceptron()
    x = x.astype(np.float32)
    _, deltas, _ = passes(net, x, y, loss)
    found = named(net.draw(x, y, loss=loss))
    (image,) = found["delta 0"]
    total = deltas[0].sum(axis=0)
    shown = image.get_array()
    assert shown.shape == (8, 8, 4)
    assert_allclose(
        shown, SIGNED(0.5 + total / np.abs(total).max() / 2).reshape(8, 8, 4), atol=0.02
    )
    assert "delta 2" not in found  # the rectifier is a slim box


def test_wires_are_as_wide_as_the_logarithm_of_the_norm():
    net, x, y, loss = branches()
    _, caches = net.forward(x)
    values, _ = net.values(x)
    delta = loss.backward(loss.forward(values[-1], y)[1])
    deltas = net.deltas(delta, caches)
    parts = {(i, 5): dx for i, dx in enumerate(net[3].backward(deltas[4], caches[3])[0], 1)}
    found = named(net.draw(x, y, loss=loss))
    widths = {
        pair: {wire.get_linewidth() for wire in found[f"wire {pair[0]} to 4"]} for pair in parts
    }
    assert all(len(each) == 1 for each in widths.values())
    sizes = np.log10([np.linalg.norm(part) for part in parts.values()])
    drawn = np.array([each.pop() for each in widths.values()])
    slope = (4 - 0.4) / 3
    assert_allclose(np.diff(drawn), slope * np.diff(sizes), rtol=1e-4)


def test_a_wire_past_a_layer_carries_the_shortcuts_share_alone():
    net, x, y, loss = residual()
    _, caches = net.forward(x)
    delta = loss.backward(loss.forward(net.forward(x)[0], y)[1])
    deltas = net.deltas(delta, caches)
    found = named(net.draw(x, y, loss=loss))
    ends = []
    for pair, part in (("1 to 5", deltas[5]), ("5 to 9", deltas[9])):
        (width,) = {wire.get_linewidth() for wire in found[f"wire {pair}"]}
        ends.append((np.log10(np.linalg.norm(part)), width))
    (a, thin), (b, thick) = ends
    assert_allclose(thick - thin, 1.2 * (b - a), rtol=1e-9)


def test_a_vanishing_delta_has_the_thinnest_wire():
    net = Network([Dense(20, init=bp.Given(np.zeros((30, 20)))), ReLU(), Dense(3)])
    net.build((30,), rng=0)
    found = named(net.draw(random(2, 30), [0, 1], loss=CE))
    assert {wire.get_linewidth() for wire in found["wire 0 to 1"]} == {0.4}
    assert {wire.get_linewidth() for wire in found["wire 2 to 3"]} == {4.0}


def test_what_stands_for_a_value_depends_on_its_size():
    assert [Units((n,)).count for n in (1, 16)] == [1, 16]
    picture = arranged(np.arange(24.0).reshape(2, 3, 4))
    assert picture.shape == (5, 11)
    assert_array_equal(picture[:2, :3], np.arange(24).reshape(2, 3, 4)[..., 0])
    assert_array_equal(arranged(np.arange(6.0).reshape(3, 2)), np.arange(6).reshape(3, 2).T)
    square = arranged(np.arange(7.0))
    assert square.shape == (3, 3)
    assert np.isnan(square).sum() == 2
    assert arranged(np.zeros((5, 4, 1))).shape == (5, 4)
    assert Tile((20, 4)).width > Tile((20, 4)).height
    assert Slim(2.0).above > Slim(0.2).above


def test_a_structure_alone_has_shapes_and_counts():
    shown = words(convolutional()[0].draw())
    assert {"(N, 8, 8, 32)", "(N, 256)", "(N, 10)", "9,248 params", "2,570 params"} <= set(shown)
    assert not any("δ" in word for word in shown)


def test_colours_of_the_legend_are_those_of_the_signs():
    assert (to_hex(SIGNED(0.0)), to_hex(SIGNED(1.0))) == (BLUE.lower(), ORANGE.lower())
    assert SIGNED(0.5)[:3] == pytest.approx(to_rgba("white")[:3], abs=0.01)


@pytest.mark.parametrize(
    "net",
    [
        Network([Reshape((4, 4, 1)), Conv2D(3, 3), Flatten(), Dense(1)]),
        Network([Dense(20), Reshape((5, 4)), Reshape((2, 2, 5)), Flatten()]),
        Network([Network([Dense(5), Tanh()]), Dense(2)]),
    ],
)
def test_any_shape_is_drawn(net):
    net.build((16,), rng=0)
    y = np.zeros_like(net.predict(random(2, 16)))
    assert_legible(net.draw(random(2, 16), y, loss=HalfSquaredError()))
    assert_legible(net.draw())


def test_a_net_after_its_training_has_deltas_of_zero():
    net = Network([Dense(2), Tanh(), Dense(2)])
    net.build((3,), rng=0)
    x = random(4, 3)
    assert_legible(net.draw(x, net.predict(x), loss=HalfSquaredError()))


def test_drawing_changes_nothing():
    net = Network([Flatten(), Dense(6), BatchNorm(), Dropout(0.5), Dense(3)])
    net.build((5, 4, 1), rng=0)
    before, parameters = net.averages, net.parameters.copy()
    svg = net.draw(random(4, 5, 4, 1), [0, 1, 2, 0], loss=CE).svg()
    assert all(net.averages[key] is before[key] for key in before)
    assert_array_equal(net.parameters, parameters)
    assert net.draw(random(4, 5, 4, 1), [0, 1, 2, 0], loss=CE).svg() == svg


def test_the_svg_names_what_is_drawn_and_keeps_its_text():
    net, x, y, loss = small()
    svg = net.draw(x, y, loss=loss).svg().decode()
    assert 'id="0.W[1, 0]"' in svg
    assert ">0 dense_1</text>" in svg
    assert re.search(r">‖δ‖ 0\.772</text>", svg)


TOGETHER = "draw expects x, y and loss together, or none of them, got"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda net, x, y: net.draw(x), f"{TOGETHER} x"),
        (lambda net, x, y: net.draw(x, y), f"{TOGETHER} x and y"),
        (lambda net, x, y: net.draw(loss=CE), f"{TOGETHER} loss"),
        (
            lambda net, x, y: net.draw(lines="values"),
            "draw expects lines to be one of 'gradients', 'deltas', got 'values'",
        ),
        (
            lambda net, x, y: net.draw(x[:, :1], y, loss=CE),
            "Network expects inputs of shape (N, 2), got (1, 1)",
        ),
        (
            lambda net, x, y: Network([Dense(2)]).draw(),
            "draw expects a network after build(in_shape), got one before it",
        ),
    ],
)
def test_errors(call, text):
    net, x, y, _ = small()
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call(net, x, y)


def test_errors_of_kind():
    net, x, y, _ = small()
    with pytest.raises(TypeError, match="expects") as error:
        net.draw(x, y, loss="mse")
    assert str(error.value) == "draw expects a loss such as SoftmaxCrossEntropy(), got 'mse'"
    with pytest.raises(TypeError, match="expects") as error:
        bp.plots.diagram(Dense(2))
    assert str(error.value) == "draw expects a Network, got Dense(2)"


def test_a_network_has_as_many_values_as_there_is_room_for():
    net = Network([Tanh() for _ in range(150)])
    net.build((2,))
    with pytest.raises(ValueError, match="expects") as error:
        net.draw()
    assert str(error.value) == "draw expects at most 150 nodes, got 151"
