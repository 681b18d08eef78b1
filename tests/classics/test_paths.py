"""Sums over paths and the sweeps that replace them, on drawn graphs; what a gradient costs."""

import itertools
import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.classics import paths
from backprop.classics.graph import examples


def drawn(nodes, seed, share=0.5):
    """Return a random graph without circles, some of its edges double; node 0 and the last meet."""
    rng = np.random.default_rng(seed)
    edges = [(0, nodes - 1, 0.5)]
    for i, j in itertools.combinations(range(nodes), 2):
        slopes = rng.standard_normal(rng.binomial(2, share)).tolist()
        edges += [(i, j, z) for z in slopes]
    return [edges[n] for n in rng.permutation(len(edges))]


def jacobian(edges, nodes):
    """Return (1 - Z)^-1 = 1 + Z + Z^2 + ...: walks of every length, from i to j."""
    Z = np.zeros((nodes, nodes))
    for i, j, z in edges:
        Z[i, j] += z
    return np.linalg.inv(np.eye(nodes) - Z)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("nodes", [2, 3, 5, 8])
def test_paths_and_both_sweeps_are_the_inverse_of_the_matrix(nodes, seed):
    edges = drawn(nodes, seed)
    met = {node for i, j, _ in edges for node in (i, j)}
    J = jacobian(edges, nodes)
    for s in met:
        T, S = paths.forward(edges, s), paths.reverse(edges, s)
        for t in met:
            assert_allclose(T[t], J[s, t], rtol=1e-10, atol=1e-12)
            assert_allclose(S[t], J[t, s], rtol=1e-10, atol=1e-12)
            assert_allclose(paths.sum_over_paths(edges, s, t), J[s, t], rtol=1e-10, atol=1e-12)
            assert paths.count_paths(edges, s, t) == len(list(paths.paths(edges, s, t)))


def test_a_path_is_its_edges():
    edges = [("s", "a", 2), ("a", "t", 3), ("s", "t", 5), ("t", "u", 7)]
    found = list(paths.paths(edges, "s", "t"))
    assert found == [(("s", "a", 2), ("a", "t", 3)), (("s", "t", 5),)]
    assert paths.sum_over_paths(edges, "s", "t") == 11
    assert list(paths.paths(edges, "t", "s")) == []
    assert list(paths.paths(edges, "a", "a")) == [()]


def test_two_edges_between_two_nodes_are_two_paths():
    edges = [(0, 1, 2), (0, 1, 3), (1, 2, 5)]
    assert paths.count_paths(edges, 0, 2) == 2
    assert paths.sum_over_paths(edges, 0, 2) == paths.reverse(edges, 2)[0] == 25


@pytest.mark.parametrize(
    ("w", "value", "slope"),
    [(1.1, 21.1137767453526, 614.2189598648031), (2, 4294967296, 68719476736)],
)
def test_w_to_the_32(w, value, slope):
    g, source, output = paths.powers(5, w)
    values, local = g.forward()
    edges = g.edges(local)
    assert_allclose(values[output], value, rtol=1e-14)
    walked = list(paths.paths(edges, source, output))
    assert len(walked) == 32
    assert len(edges) == 20
    for path in walked:
        assert_allclose(math.prod(z for _, _, z in path), w**31, rtol=1e-13)
    for found in (
        paths.sum_over_paths(edges, source, output),
        paths.reverse(edges, output)[source],
        paths.forward(edges, source)[output],
        g.backward(output, local)[source],
        g.tangents(source, local)[output],
    ):
        assert_allclose(found, slope, rtol=1e-13)


@pytest.mark.parametrize("depth", range(1, 9))
def test_paths_double_with_every_layer_and_edges_do_not(depth):
    g, source, output = paths.powers(depth, 1.01)
    values, local = g.forward()
    edges = g.edges(local)
    assert paths.count_paths(edges, source, output) == 2**depth
    assert len(edges) == 4 * depth
    assert_allclose(values[output], 1.01 ** (2**depth), rtol=1e-12)


class Counted(float):
    """A number that counts its products."""

    products = 0

    def __mul__(self, other):
        Counted.products += 1
        return Counted(float(self) * float(other))

    __rmul__ = __mul__


def products_of(call):
    Counted.products = 0
    call()
    return Counted.products


def test_a_sweep_multiplies_once_for_every_edge_and_a_walk_once_for_every_step():
    g, source, output = paths.powers(5, 1.1)
    edges = [(i, j, Counted(z)) for i, j, z in g.edges(g.forward()[1])]
    assert products_of(lambda: paths.reverse(edges, output)) == 20
    assert products_of(lambda: paths.forward(edges, source)) == 20
    assert products_of(lambda: paths.sum_over_paths(edges, source, output)) == 32 * 6


def test_sweeps_of_a_graph_are_those_of_its_edges():
    g, f = examples.quotient()
    _, local = g.forward()
    edges = g.edges(local)
    d, S = g.backward(f, local), paths.reverse(edges, f)
    assert {node: d[node] for node in S} == S
    for name in "xy":
        assert_allclose(
            paths.sum_over_paths(edges, g[name], f), d[g[name]], rtol=1e-13, err_msg=name
        )


def test_olahs_nine_paths_are_two_factors():
    first, second = (2, 3, 5), (7, 11, 13)
    edges = [("X", "Y", z) for z in first] + [("Y", "Z", z) for z in second]
    walked = [math.prod(z for _, _, z in path) for path in paths.paths(edges, "X", "Z")]
    assert walked == [a * b for a in first for b in second]
    assert sum(walked) == paths.reverse(edges, "Z")["X"] == sum(first) * sum(second)


def test_a_long_chain_is_walked():
    edges = [(n, n + 1, 1) for n in range(5000)]
    assert len(next(paths.paths(edges, 0, 5000))) == 5000
    assert paths.sum_over_paths(edges, 0, 5000) == 1


# Without derivatives


@pytest.mark.parametrize("sizes", paths.SIZES)
@pytest.mark.parametrize("N", [1, 3])
def test_central_differences_take_two_passes_for_every_parameter(sizes, N):
    net, rng = paths.network(sizes), np.random.default_rng(N)
    x, t = rng.standard_normal((N, sizes[0])), rng.standard_normal((N, sizes[-1]))
    before = net.parameters.copy()
    gradient, passes = paths.central_differences(net, x, t)
    p = sum((D + 1) * M for D, M in itertools.pairwise(sizes))
    assert passes == 2 * p == 2 * net.param_count
    assert_allclose(gradient, paths.backpropagation(net, x, t), rtol=1e-6, atol=1e-9)
    assert_array_equal(net.parameters, before)


def test_a_comparison_tells_sizes_passes_difference_and_ratio():
    p, passes, worst, ratio = paths.compare((4, 4, 2))
    assert (p, passes) == (30, 60)
    assert 0 < worst < 1e-9
    assert ratio > 2


# Errors

CIRCLE = [("a", "b", 1), ("b", "c", 1), ("c", "a", 1)]
LINE = [("a", "b", 1)]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: paths.paths([("a", "a", 1)], "a", "a"),
            "paths expects edges without a circle, got a -> a",
        ),
        (
            lambda: paths.sum_over_paths(LINE, "a", "z"),
            "paths expects a node that an edge meets, got 'z'",
        ),
        (
            lambda: paths.reverse(LINE, "z"),
            "reverse expects a node that an edge meets, got 'z'",
        ),
        (
            lambda: paths.reverse([("a", "b")], "b"),
            "reverse expects edges (i, j, z), got ('a', 'b')",
        ),
        (lambda: paths.forward([], "z"), "forward expects a node that an edge meets, got 'z'"),
        (
            lambda: paths.count_paths(LINE, "z", "b"),
            "count_paths expects a node that an edge meets, got 'z'",
        ),
        (
            lambda: paths.powers(0, 1),
            "powers expects depth to be a whole number of at least 1, got 0",
        ),
        (
            lambda: paths.powers(2, "w"),
            "Input 'w' expects a finite number or an array of such, got 'w'",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("paths", lambda: list(paths.paths(CIRCLE, "a", "c"))),
        ("paths", lambda: paths.sum_over_paths(CIRCLE, "a", "c")),
        ("reverse", lambda: paths.reverse(CIRCLE, "c")),
        ("forward", lambda: paths.forward(CIRCLE, "a")),
        ("count_paths", lambda: paths.count_paths(CIRCLE, "a", "c")),
    ],
)
def test_a_circle_is_told_with_its_nodes(name, call):
    with pytest.raises(ValueError, match=f"^{name} expects edges without a circle, got ") as caught:
        call()
    walk = str(caught.value).rpartition("got ")[2].split(" -> ")
    assert walk[0] == walk[-1]
    assert len(walk) == 4
    assert all((i, j, 1) in CIRCLE for i, j in itertools.pairwise(walk))


def test_edges_are_a_list_as_they_are_read_twice():
    with pytest.raises(TypeError, match=r"^reverse expects a list of edges, got <list_iterator"):
        paths.reverse(iter(LINE), "b")
