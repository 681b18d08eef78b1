"""Graphs: every primitive's derivatives, the sweeps, the worked examples, the drawing, errors."""

import itertools
import math
import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.testing import assert_allclose, assert_array_equal

from backprop.checks.estimates import complex_step
from backprop.classics import graph
from backprop.classics.graph import (
    Graph,
    Primitive,
    add,
    examples,
    exp,
    log,
    maximum,
    primitives,
    relu,
    sigmoid,
    square,
    tanh,
)

EXAMPLES = [
    examples.sum_times,
    examples.routing,
    examples.neuron,
    examples.quotient,
    examples.shop,
    examples.square_of_product,
    examples.two_paths,
    examples.three_functions,
]
W1, W2 = np.array(graph.W1), np.array(graph.W2)
every_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda f: f.__name__)


def residual():
    A, B = np.linspace(-0.9, 0.8, 6).reshape(2, 3), np.linspace(0.7, -0.6, 6).reshape(3, 2)
    return examples.residual(A, B, [0.5, -1])


def cascade(units=4, D=2):
    rng = np.random.default_rng(10 * units + D)
    x = rng.standard_normal(D)
    return examples.cascade(
        rng.standard_normal((units, D + 1)), rng.standard_normal((units, units)), x
    )


def layered():
    g, E, _, _ = examples.layered([W1, W2], graph.X, graph.TARGET)
    return g, E


def by_complex_step(g, output):
    """Return the derivative of `output` by every input, each found alone."""
    values, _ = g.forward()

    def along(node):
        return lambda t: g.forward(**{node.name: values[node] + t})[0][output]

    return {n: complex_step(along(n)) for n in g.nodes if isinstance(n.primitive, primitives.Input)}


# Primitives

FUNCTIONS = {
    "add": (lambda u, v: u + v, lambda u, v: u + v),
    "add three": (lambda u, v: add(u, v, u), lambda u, v: u + v + u),
    "add a number": (lambda u, v: 2 + u + 3.5, lambda u, v: u + 5.5),
    "subtract": (lambda u, v: u - v, lambda u, v: u - v),
    "subtract a number": (lambda u, v: u - 3, lambda u, v: u - 3),
    "subtract from a number": (lambda u, v: 3 - u, lambda u, v: 3 - u),
    "negative": (lambda u, v: -u, lambda u, v: -u),
    "multiply": (lambda u, v: u * v, lambda u, v: u * v),
    "multiply by itself": (lambda u, v: u * u, lambda u, v: u * u),
    "scale by NumPy's numbers": (
        lambda u, v: np.float32(3) * u / np.int64(2),
        lambda u, v: 1.5 * u,
    ),
    "scale": (lambda u, v: 3 * u * 0.5, lambda u, v: 1.5 * u),
    "divide": (lambda u, v: u / v, lambda u, v: u / v),
    "divide by a number": (lambda u, v: u / 4, lambda u, v: u / 4),
    "reciprocal": (lambda u, v: 1 / v, lambda u, v: 1 / v),
    "divide a number": (lambda u, v: 5 / v, lambda u, v: 5 / v),
    "max": (maximum, lambda u, v: max(u, v)),
    "square": (lambda u, v: square(u) + u**2, lambda u, v: 2 * u * u),
    "cube": (lambda u, v: v**3, lambda u, v: v**3),
    "root": (lambda u, v: v**0.5, lambda u, v: math.sqrt(v)),
    "exp": (lambda u, v: exp(u), lambda u, v: math.exp(u)),
    "log": (lambda u, v: log(v), lambda u, v: math.log(v)),
    "sigmoid": (lambda u, v: sigmoid(u), lambda u, v: 1 / (1 + math.exp(-u))),
    "tanh": (lambda u, v: tanh(u), lambda u, v: math.tanh(u)),
    "relu": (lambda u, v: relu(u), lambda u, v: max(u, 0)),
}


@pytest.mark.parametrize("point", [(-0.7, 0.4), (1.3, 2.1), (2.5, 0.6)])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_primitive_and_its_derivatives(name, point):
    make, meaning = FUNCTIONS[name]
    g = Graph()
    u, v = g.inputs(u=point[0], v=point[1])
    f = make(u, v)
    value, d = g.differentiate(f)
    assert_allclose(value, meaning(*point), rtol=1e-14)
    for node, slope in by_complex_step(g, f).items():
        assert_allclose(d[node], slope, rtol=1e-13)
    for node, slope in g.differences(f, 1e-5).items():
        assert_allclose(d[node], slope, rtol=1e-8, atol=1e-9)


def test_the_first_of_two_equal_numbers_wins():
    g = Graph()
    u, v = g.inputs(u=2, v=2)
    _, d = g.differentiate(maximum(u, v))
    assert (d[u], d[v]) == (1, 0)


def test_the_rectifier_at_0_passes_nothing():
    g = Graph()
    u = g.input("u", 0)
    assert g.differentiate(relu(u))[1][u] == 0


def test_a_primitive_of_ones_own():
    class Cosine(Primitive):
        symbol = "cos"

        def forward(self, u):
            return np.cos(u), (-np.sin(u),)

    g = Graph()
    x = g.input("x", 0.3)
    value, d = g.differentiate(g.apply(Cosine(), 2 * x))
    assert_allclose([value, d[x]], [math.cos(0.6), -2 * math.sin(0.6)], rtol=1e-15)


def test_a_primitive_passes_on_one_derivative_for_each_argument():
    y, local = primitives.Multiply().forward(3.0, -4.0)
    assert y == -12
    assert primitives.Multiply().backward(2.0, local) == (-8, 6)


# Sweeps


@pytest.mark.parametrize("make", [*EXAMPLES, residual, cascade, layered], ids=lambda f: f.__name__)
def test_both_sweeps_and_the_complex_step_agree(make):
    g, f = make()
    _, local = g.forward()
    d = g.backward(f, local)
    for node, slope in by_complex_step(g, f).items():
        assert_allclose(d[node], slope, rtol=1e-12, atol=1e-17)
        assert_allclose(g.tangents(node, local)[f], d[node], rtol=1e-12, atol=1e-17)


def test_sweeps_begin_and_end_anywhere():
    g, e = examples.two_paths()
    _, local = g.forward()
    a, b, c, d = (g[name] for name in "abcd")
    assert g.backward(c, local) == {a: 1, b: 1, c: 1, d: 0, e: 0}
    assert g.tangents(d, local) == {a: 0, b: 0, c: 0, d: 1, e: 3}
    assert g.tangents(b, local) == {a: 0, b: 1, c: 1, d: 1, e: 5}


def test_a_node_that_is_read_many_times_collects_all():
    g = Graph()
    x = g.input("x", 1.5)
    f = x
    for _ in range(6):
        f = f * f + x
    _, d = g.differentiate(f)
    assert_allclose(d[x], by_complex_step(g, f)[x], rtol=1e-13)


def test_edges_carry_the_partial_derivatives():
    g, e = examples.two_paths()
    _, local = g.forward()
    a, b, c, d = (g[name] for name in "abcd")
    assert g.edges(local) == [(a, c, 1), (b, c, 1), (b, d, 1), (c, e, 2), (d, e, 3)]


def test_passes_keep_nothing():
    g, f = examples.quotient()
    before = g.forward()
    assert g.forward(x=10.0)[0][f] != before[0][f]
    assert g.forward() == before
    assert [node.primitive.value for node in g.nodes[:2]] == [3, -4]


def test_changed_inputs():
    g, f = examples.sum_times()
    value, d = g.differentiate(f, x=1, z=2)
    assert value == 12
    assert [d[g[name]] for name in "xyz"] == [2, 2, 6]


def test_arrays_are_as_many_points():
    g, f = examples.quotient()
    x = np.linspace(-2, 2, 7)
    held = x.copy()
    values, d = g.differentiate(f, x=x)
    for n, number in enumerate(x):
        value, single = g.differentiate(f, x=number)
        assert_allclose(values[n], value, rtol=1e-14)
        for name in "xy":
            assert_allclose(d[g[name]][n], single[g[name]], rtol=1e-14)
    assert_array_equal(x, held)


def test_a_number_keeps_its_type():
    g, f = examples.quotient()
    values, local = g.forward(x=np.float32(3), y=np.float32(-4))
    assert values[f].dtype == np.float32
    assert all(np.result_type(*slopes, values[f]) == np.float32 for slopes in local.values())


def test_a_deep_graph():
    g = Graph()
    x = g.input("x", 1)
    f = x
    for _ in range(3000):
        f = f + 1
    value, d = g.differentiate(f)
    assert (value, d[x]) == (3001, 1)


# Worked examples


def labels(example, names):
    g, f = example()
    values, local = g.forward()
    d = g.backward(f, local)
    return values[f], [d[g[name]] for name in names.split()]


@pytest.mark.parametrize(
    ("example", "names", "value", "slopes"),
    [
        (examples.sum_times, "x y z", -12, [-4, -4, 3]),
        (examples.routing, "x y z w", -20, [-8, 6, 2, 0]),
        (
            examples.neuron,
            "w0 w1 w2 x0 x1",
            0.7310585786300049,
            [
                -0.19661193324148185,
                -0.3932238664829637,
                0.19661193324148185,
                0.3932238664829637,
                -0.5898357997244456,
            ],
        ),
        (examples.quotient, "x y", 1.5456448841066441, [2.0595697955721652, 1.5922327514838093]),
        (examples.shop, "apple apples orange oranges tax", 715, [2.2, 110, 3.3, 165, 650]),
        (examples.square_of_product, "x y", 36, [24, 36]),
        (examples.two_paths, "a b", 6, [2, 5]),
        (examples.three_functions, "x", 1.648721270700128, [3.297442541400256]),
    ],
)
def test_published_values_and_derivatives(example, names, value, slopes):
    found, d = labels(example, names)
    assert_allclose(found, value, rtol=1e-14)
    assert_allclose(d, slopes, rtol=1e-14)


def test_saitohs_central_differences_to_the_last_digit():
    g, y = examples.three_functions()
    assert_allclose(g.differences(y)[g["x"]], 3.2974426293330694, rtol=0, atol=5e-16)
    g = Graph()
    x = g.input("x", 2)
    assert_allclose(g.differences(x**2)[x], 4.000000000004, rtol=0, atol=1e-15)


def test_a_chain_of_logistic_units_lets_the_derivative_vanish():
    g = Graph()
    x = g.input("x", 0.5)
    f = x
    for _ in range(10):
        f = sigmoid(f)
    _, d = g.differentiate(f)
    assert_allclose(d[x], 3.4831156097851636e-07, rtol=1e-13)


# Networks


def test_what_arrives_at_a_net_input_is_delta():
    """Of Rojas: the two formulas for delta, and the weight's derivative o delta."""
    g, E, w, z = examples.layered([W1, W2], graph.X, graph.TARGET)
    values, local = g.forward()
    d = g.backward(E, local)
    x, t = np.array(graph.X), np.array(graph.TARGET)
    o1 = 1 / (1 + np.exp(-(np.append(x, 1) @ W1)))
    o2 = 1 / (1 + np.exp(-(np.append(o1, 1) @ W2)))
    delta2 = o2 * (1 - o2) * (o2 - t)
    delta1 = o1 * (1 - o1) * (W2[:-1] @ delta2)
    assert_allclose(values[E], 0.2983711087600027, rtol=1e-14)
    for nodes, delta in zip(z, (delta1, delta2), strict=True):
        assert_allclose([d[node] for node in nodes], delta, rtol=1e-13)
    for nodes, o, delta in zip(w, (x, o1), (delta1, delta2), strict=True):
        dW = [[d[node] for node in row] for row in nodes]
        assert_allclose(dW, np.outer(np.append(o, 1), delta), rtol=1e-13)


def test_a_learning_step_is_that_of_the_network_of_layers():
    assert graph.layered_less_network() <= 1e-15
    assert graph.residual_less_network() <= 1e-15


def test_a_learning_step_leaves_the_weights_and_lowers_the_error():
    weights = [W1.copy(), W2.copy()]
    after, error = examples.learning_step(weights, graph.X, graph.TARGET, 0.5)
    assert_array_equal(weights[0], W1)
    assert_array_equal(weights[1], W2)
    _, lower = examples.learning_step(after, graph.X, graph.TARGET, 0.5)
    assert lower < error


@pytest.mark.parametrize("units", [1, 2, 5])
@pytest.mark.parametrize("D", [1, 3])
def test_a_cascade_has_the_derivatives_of_its_recursion(units, D):
    """alpha_i, the derivative by the net input of unit i, from the last unit to the first."""
    rng = np.random.default_rng(units)
    U, V = rng.standard_normal((units, D + 1)), rng.standard_normal((units, units))
    x = rng.standard_normal(D)
    g, y = examples.cascade(U, V, x)
    values, local = g.forward()
    d = g.backward(y, local)
    Y = np.array([values[g[f"y[{i}]"]] for i in range(units)])
    alpha = np.zeros(units)
    for i in reversed(range(units)):
        above = 1.0 if i == units - 1 else sum(V[k, i] * alpha[k] for k in range(i + 1, units))
        alpha[i] = (1 - Y[i] ** 2) * above
    for i in range(units):
        read = [1, *x, *Y[:i]]
        nodes = [g[f"U[{i},{j}]"] for j in range(D + 1)] + [g[f"V[{i},{k}]"] for k in range(i)]
        assert_allclose([d[n] for n in nodes], alpha[i] * np.array(read), rtol=1e-12)


# Names


def test_nodes_show_what_they_are():
    g, f = examples.sum_times()
    assert repr(g["x"]) == "x = Input(-2.0)"
    assert repr(f) == "f = Multiply(q, z)"
    assert g["q"].named("q") is g["q"]


def test_a_name_that_is_given_up_is_free_and_an_automatic_one_evades():
    g = Graph()
    v1 = g.input("v1", 1)
    first = v1 + 1
    assert first.name == "v1'"
    first.named("a").named("b")
    assert (v1 + 2).named("a").name == "a"
    assert g["b"] is first


# Pictures


def texts(figure):
    """Return every text of a picture with its box in pixels."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    found = [text for text in figure.axes[0].texts if text.get_text()]
    return [(text.get_text(), text.get_window_extent(renderer)) for text in found]


PICTURES = [*EXAMPLES, residual, cascade, layered]


@pytest.mark.parametrize("style", ["wires", "halves"])
@pytest.mark.parametrize("make", PICTURES, ids=lambda f: f.__name__)
def test_no_two_texts_of_a_picture_overlap(make, style):
    g, f = make()
    figure = g.draw(f, style=style)
    width, height = figure.get_size_inches() * figure.dpi
    for (one, a), (two, b) in itertools.combinations(texts(figure), 2):
        assert not a.shrunk(0.9, 0.7).overlaps(b.shrunk(0.9, 0.7)), (one, two)
    for text, box in texts(figure):
        assert 0 <= box.x0 <= box.x1 <= width, text
        assert 0 <= box.y0 <= box.y1 <= height, text


def test_a_picture_shows_values_derivatives_and_what_branches_add():
    g, e = examples.two_paths()
    shown = [text for text, _ in texts(g.draw(e))]
    values, derivatives, branches = "2 1 3 2 6", "2 5 2 3 1", "2 3"
    numbers = f"value {values} derivative {derivatives} {branches}".split()
    assert sorted(shown) == sorted([*numbers, *"abcde+×", "+1"])
    shown = [text for text, _ in texts(g.draw(e, style="halves"))]
    partial = "11123"
    assert sorted(shown) == sorted([*numbers, *partial, "a", "b", "c: +", "d: +1", "e: ×"])


def test_a_picture_has_only_what_the_output_is_made_of():
    g, _ = examples.two_paths()
    shown = [text for text, _ in texts(g.draw(g["d"], b=7))]
    assert sorted(shown) == sorted(["value", "derivative", "b", "7", "1", "d", "+1", "8", "1"])


def chain(nodes):
    g = Graph()
    f = g.input("x", 1)
    for _ in range(nodes - 1):
        f = f + 1
    return g, f


def test_the_longest_chain_is_a_picture():
    g, f = chain(150)
    assert g.draw(f, style="halves").png().startswith(b"\x89PNG")


def test_an_input_alone_is_a_picture():
    g = Graph()
    assert g.draw(g.input("x", 1)).png().startswith(b"\x89PNG")


# Errors


def two():
    g = Graph()
    return g, *g.inputs(x=1, y=0)


def taken():
    g, *_ = two()
    g.input("x", 2)


def renamed():
    _, x, y = two()
    (x + y).named("y")


def of_another():
    _, x, _ = two()
    _, other, _ = two()
    return x + other


def unlabelled():
    g, x, y = two()
    _, local = g.forward()
    g.backward(x + y, local)


def evaluated(make, **changed):
    g, x, y = two()
    make(x, y).named("f")
    return g.forward(**changed)


FINITE = "expects arguments at which it and its derivatives are finite"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (taken, "Graph expects a name that no other node has, got 'x'"),
        (renamed, "Graph expects a name that no other node has, got 'y'"),
        (lambda: two()[0].input(3, 1), "Graph expects a name that no other node has, got 3"),
        (
            lambda: two()[0].input("z", "one"),
            "Input 'z' expects a finite number or an array of such, got 'one'",
        ),
        (
            lambda: two()[1].named(""),
            "Graph expects a name that no other node has, got ''",
        ),
        (
            lambda: two()[0].differentiate(3),
            "Graph expects one of its own nodes that has labels, got 3",
        ),
        (of_another, "Add expects nodes of one graph, got 'x' of another"),
        (lambda: add(two()[1], 3), "Add expects nodes of one graph, got 3"),
        (lambda: two()[0]["z"], "Graph expects one of x, y, got 'z'"),
        (unlabelled, "Graph expects one of its own nodes that has labels, got v2 = Add(x, y)"),
        (
            lambda: two()[0].tangents("x", {}),
            "Graph expects one of its own nodes that has labels, got 'x'",
        ),
        (lambda: two()[1] / 0, "a quotient of 'x' expects a divisor other than 0, got 0"),
        (lambda: evaluated(lambda x, y: x / y), f"Divide 'f' {FINITE}, got 1.0, 0.0"),
        (lambda: evaluated(lambda x, y: log(y)), f"Log 'f' {FINITE}, got 0.0"),
        (lambda: evaluated(lambda x, y: log(x), x=-1), f"Log 'f' {FINITE}, got -1.0"),
        (lambda: evaluated(lambda x, y: 1 / y), f"Power 'f' {FINITE}, got 0.0"),
        (lambda: evaluated(lambda x, y: y**0.5), f"Power 'f' {FINITE}, got 0.0"),
        (lambda: evaluated(lambda x, y: exp(x), x=1000), f"Exp 'f' {FINITE}, got 1000.0"),
        (
            lambda: two()[0].forward(x=math.inf),
            "Input 'x' expects a finite number or an array of such, got inf",
        ),
        (lambda: two()[0].forward(z=1), "forward expects inputs named x, y, got 'z'"),
        (
            lambda: two()[0].forward(x=None),
            "Input 'x' expects a finite number or an array of such, got None",
        ),
        (
            lambda: two()[0].forward(x=np.ones(2), y=np.ones(3)),
            "forward expects single numbers and arrays of one shape, got (2,) and (3,)",
        ),
        (
            lambda: Graph().differences(None, 0),
            "differences expects h above 0, got 0",
        ),
        (
            lambda: Graph().differences(None, -1),
            "differences expects h to be a finite number of at least 0, got -1",
        ),
        (
            lambda: examples.sum_times()[0].draw(None, style="dots"),
            "draw expects style to be one of 'wires', 'halves', got 'dots'",
        ),
        (
            lambda: [g.draw(f) for g, f in [chain(151)]],
            "draw expects at most 150 nodes, got 151",
        ),
        (
            lambda: [g.draw(f, x=np.ones(2)) for g, f in [examples.sum_times()]],
            "draw expects single numbers, got shape (2,)",
        ),
        (
            lambda: examples.layered([np.ones((3, 2)), np.ones((2, 1))], [1, 2], [0]),
            "layered expects weights [(3, 2), (3, 1)] and 1 targets, got [(3, 2), (2, 1)] and 1",
        ),
        (
            lambda: examples.layered([np.ones((3, 2))], [1, 2], [0]),
            "layered expects weights [(3, 2)] and 2 targets, got [(3, 2)] and 1",
        ),
        (
            lambda: examples.residual(np.ones((2, 3)), np.ones((2, 2)), [1, 2]),
            "residual expects W1 (2, H) and W2 (H, 2), got (2, 3) and (2, 2)",
        ),
        (
            lambda: examples.cascade(np.ones((2, 3)), np.ones((1, 1)), [1, 2]),
            "cascade expects U (units, 3) and V (units, units), got (2, 3) and (1, 1)",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: exp(3), "Exp expects nodes of a graph, got 3"),
        (lambda: add(), "Add expects nodes of a graph, got none"),
    ],
)
def test_functions_of_what_is_no_node(call, text):
    with pytest.raises(TypeError, match=f"^{re.escape(text)}$"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x + "y",
        lambda x: "y" * x,
        lambda x: x**x,
        lambda x: np.ones(3) * x,
        lambda x: x - np.ones(3),
    ],
)
def test_arithmetic_with_what_is_neither_node_nor_number_is_refused(call):
    with pytest.raises(TypeError):
        call(two()[1])


def test_what_is_applied_is_a_primitive():
    g, x, _ = two()
    with pytest.raises(TypeError, match=r"^apply expects a primitive such as Exp\(\), got 3$"):
        g.apply(3, x)
