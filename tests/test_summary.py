"""summary: the table of shapes, parameters, multiply-adds and bytes of cache."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from backprop.layers import (
    Add,
    AvgPool,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Identity,
    Last,
    ReLU,
    Sigmoid,
    Tanh,
)
from backprop.network import Network


def table(net, *in_shapes, dtype=np.float32):
    """Return the cells of the rows of the table, without the line."""
    net.build(*in_shapes, rng=0, dtype=dtype)
    lines = [line for line in net.summary().splitlines() if set(line) != {"-"}]
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]


def column(rows, name):
    """Return the numbers of a column, the total last."""
    place = rows[0].index(name) - len(rows[0])
    return [int(row[place].replace(",", "")) for row in rows[1:]]


def test_the_whole_table_of_a_chain():
    net = Network([Dense(32), ReLU(), Dense(10)])
    net.build((64,), rng=0)
    assert net.summary().splitlines() == [
        "   layer      output   parameters  multiply-adds  cache",
        "0  Dense(32)  (N, 32)       2,080          2,048      0",
        "1  ReLU()     (N, 32)           0              0    128",
        "2  Dense(10)  (N, 10)         330            320      0",
        "-------------------------------------------------------",
        "   total                    2,410          2,368    128",
    ]


def test_a_graph_shows_what_each_layer_reads():
    net = Network(inputs=2)
    net.add(Dense(3), 0)
    net.add(Add(), 2, 1)
    net.build((4,), (3,), rng=0)
    assert net.summary().splitlines() == [
        "   layer     reads  output  parameters  multiply-adds  cache",
        "0  Dense(3)  0      (N, 3)          15             12      0",
        "1  Add()     2, 1   (N, 3)           0              0      0",
        "------------------------------------------------------------",
        "   total                            15             12      0",
    ]


def test_numbers_of_a_convolutional_network():
    layers = [
        Conv2D(6, 5, flip=True),
        Sigmoid(),
        AvgPool(2),
        Conv2D(12, 5, flip=True),
        Sigmoid(),
        AvgPool(2),
        Flatten("columns"),
        Dense(10),
        Sigmoid(),
    ]
    rows = table(Network(layers), (28, 28, 1))
    assert column(rows, "parameters") == [156, 0, 0, 1812, 0, 0, 0, 1930, 0, 3898]
    products = [86_400, 0, 3456, 115_200, 0, 768, 0, 1920, 0]
    assert column(rows, "multiply-adds") == [*products, sum(products)]
    shapes = [row[2] for row in rows[1:-1]]
    assert shapes[::3] == ["(N, 24, 24, 6)", "(N, 8, 8, 12)", "(N, 192)"]
    assert shapes[2::3] == ["(N, 12, 12, 6)", "(N, 4, 4, 12)", "(N, 10)"]


def test_a_shared_layer_counts_its_parameters_once_and_its_work_twice():
    shared = Dense(3)
    rows = table(Network([shared, Tanh(), shared]), (3,))
    assert [row[1] for row in rows[1:-1]] == ["Dense(3)", "Tanh()", "Dense(3), shared"]
    assert column(rows, "parameters") == [12, 0, 0, 12]
    assert column(rows, "multiply-adds") == [9, 0, 9, 18]


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 4), (np.float64, 8)])
def test_an_array_that_two_layers_keep_counts_once(dtype, size):
    # Tanh keeps its output, which is what Dense keeps as its input.
    rows = table(Network([Dense(5), Tanh(), Dense(2)]), (3,), dtype=dtype)
    assert column(rows, "cache") == [0, 5 * size, 0, 5 * size]


def test_a_cache_of_several_parts_counts_them_all():
    rows = table(Network([Dropout(), Dense(4), Sigmoid(), Last()]), (5, 3))
    mask, y, gate = 5 * 3 * 4, 5 * 3 * 4, 5 * 4 * 4
    assert column(rows, "cache") == [mask, y, gate, 0, mask + y + gate]


def test_a_layer_that_passes_its_input_on_keeps_nothing():
    rows = table(Network([Identity(), Flatten(), Dense(4)]), (2, 3))
    assert column(rows, "cache") == [0, 0, 0, 0]


def test_a_nested_network_is_one_row_with_the_numbers_of_its_layers():
    inner = Network([Dense(3), ReLU()])
    rows = table(Network([inner, Dense(2)]), (4,))
    assert rows[1][1] == "Network([Dense(3), ReLU()])"
    assert column(rows, "parameters") == [15, 8, 23]
    assert column(rows, "multiply-adds") == [12, 6, 18]
    assert column(rows, "cache") == [12, 0, 12]


def test_a_pass_over_zeros_leaves_running_averages_alone():
    net = Network([Dense(3), BatchNorm(), Dense(2)])
    rows = table(net, (2,))
    # In the cache: xhat and s, and y, which is the input of the layer after it.
    assert [row[1:] for row in rows[2:4]] == [
        ["BatchNorm()", "(N, 3)", "6", "6", "24"],
        ["Dense(2)", "(N, 2)", "8", "6", "12"],
    ]
    assert_array_equal(net[1].mean, np.zeros(3))
    assert_array_equal(net[1].variance, np.ones(3))


def test_ids_are_zeros_too():
    rows = table(Network([Embedding(50, 3), Flatten(), Dense(2)]), (4,))
    assert rows[1][1:] == ["Embedding(50, 3)", "(N, 4, 3)", "150", "0", "0"]


def test_a_table_changes_nothing():
    net = Network([Dense(3), Dropout()])
    net.build((4,), rng=0)
    before = net.parameters.copy()
    assert net.summary() == net.summary()
    assert (net.parameters == before).all()
