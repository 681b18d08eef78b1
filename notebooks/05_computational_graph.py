# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 5 · The computational graph
#
# After this notebook you can
#
# * draw any formula as a graph and label it with its derivatives, by two rules;
# * say why contributions are added, and what goes wrong where they are assigned;
# * write a derivative as a sum over paths, and explain why nobody computes it like that;
# * tell reverse mode from forward mode, and choose;
# * find the deltas of a network, layered or not, as labels of its graph.
#
# Change the formulas and the numbers, and draw your own graphs.

# %%
import inspect
import math
import textwrap
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown

import backprop as bp
from backprop.classics import graph, mazur, paths
from backprop.classics.graph import Graph, Primitive, examples, maximum, primitives

BLUE, ORANGE = "#0072B2", "#D55E00"

# %% [markdown]
# ## Two rules
#
# Take a pencil. Let $f = (x + y)\, z$ with $x = -2$, $y = 5$, $z = -4$, a first example from the
# notes of the course CS231n (Karpathy, 2015). Forwards, $q = x + y = 3$ and $f = q z = -12$.
#
# Backwards, begin at $f$ with a 1: $f$ moves by 1 if $f$ does. A product moves by $z$ if $q$ does
# and by $q$ if $z$ does, so $q$ is labelled $-4$ and $z$ is labelled 3. A sum moves by 1 with
# either of its terms, so $x$ and $y$ get what $q$ has, $-4$.

# %%
g = Graph()
x, y, z = g.inputs(x=-2, y=5, z=-4)
q = (x + y).named("q")
f = (q * z).named("f")
g.draw(f)

# %% [markdown]
# Blue above the wires are the values, from left to right; orange below them the derivatives of
# $f$, from right to left. This is all that `Graph` does, and it is short enough to be read as a
# whole:

# %%
bp.explain(Graph)

# %% [markdown]
# The two passes, one after the other. `local` has the $z_{ij}$ of every node, the slopes that
# belong to its edges:

# %%
values, local = g.forward()
d = g.backward(f, local)
for node in g.nodes:
    print(f"{node.name}: value {values[node]:4g}   df/d{node.name} {d[node]:4g}", end="")
    for i, slope in zip(node.reads, local[node], strict=True):
        print(f"   {slope:4g} on the edge from {i.name}", end="")
    print()

# %% [markdown]
# ## What a node does with what arrives
#
# A primitive knows its value and its slopes, and nothing of the graph around it. Here is one of
# them, and what it says is worth remembering: a product *swaps* its arguments.

# %%
bp.explain(primitives.Multiply)

# %% [markdown]
# A sum *copies* what arrives to all its terms. A maximum *routes* it to the larger argument, and
# the other gets nothing. All three are in $2\,(x y + \max(z, w))$, again of CS231n, whose notes
# print the derivatives $-8, 6, 2, 0$. The picture has the form that Rojas gave it in his book of
# 1996:

# %%
text = graph.__doc__
Markdown(text[text.index("Rojas draws a node") : text.index("    from backprop")])

# %%
g, f = examples.routing()
g.draw(f, style="halves")

# %% [markdown]
# A primitive of your own is its value and its slope. Whether the slope is right, central
# differences can tell, which run the graph twice for every input. Change the sign and see.


# %%
class Cosine(Primitive):
    symbol = "cos"

    def forward(self, u, /):
        return np.cos(u), (-np.sin(u),)


g = Graph()
x = g.input("x", 0.7)
f = g.apply(Cosine(), x * x) * x
_, d = g.differentiate(f)
print("by the graph      ", d[x])
print("by differences    ", g.differences(f)[x])

# %% [markdown]
# ### Exercise 1: label it
#
# Let $f = (x + y)\, \max(y, z)$ with $x = 1$, $y = 3$, $z = -2$. Draw the graph on paper and
# label it. What is $\partial f/\partial y$?

# %%
answer = ...  # a number

# Check
if answer is not ...:
    g = Graph()
    x, y, z = g.inputs(x=1, y=3, z=-2)
    total, most = x + y, maximum(y, z)
    f = total * most
    value, d = g.differentiate(f)
    assert answer != value, "That is f itself, the label on the other side of the wire."
    assert answer != d[total], "That comes over the sum. y is read by the maximum, too."
    assert answer != d[most], "That comes over the maximum. y is read by the sum, too."
    assert answer != d[total] * d[most], "What arrives over two edges is added, not multiplied."
    assert answer == d[y], f"Over the sum comes {d[total]:g}. And over the maximum?"
    print(f"{d[total]:g} over the sum and {d[most]:g} over the maximum: {answer:g}")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 3 + 4
# ```
#
# The product swaps: the sum gets the maximum, 3, and the maximum gets the sum, 4. The sum copies
# its 3 to $y$, the maximum routes its 4 to $y$, the larger one, and they are added.
# </details>

# %% [markdown]
# ## A sum over paths
#
# C. Olah's *Calculus on Computational Graphs* (2015) has the smallest case: $e = (a + b)(b + 1)$
# with $a = 2$, $b = 1$. The input $b$ forks, and the two branches bring back 2 and 3.

# %%
g, e = examples.two_paths()
g.draw(e)

# %% [markdown]
# There is another way to say this, without any labels. Walk from $b$ to $e$, in every way there
# is, and multiply the slopes of the edges on the way:

# %%
_, local = g.forward()
edges = g.edges(local)  # triples: the node read, the node that reads it, the slope
for path in paths.paths(edges, g["b"], e):
    names = " -> ".join(["b", *(j.name for _, j, _ in path)])
    slopes = [slope for _, _, slope in path]
    print(f"{names}:  {' * '.join(f'{slope:g}' for slope in slopes)} = {math.prod(slopes):g}")
print("together:", paths.sum_over_paths(edges, g["b"], e))

# %% [markdown]
# That this is always the derivative is a lemma of Aggarwal's, and the labels follow from it: they
# are the sum, with everything that paths have in common taken out of the brackets.

# %%
bp.explain(paths)

# %% [markdown]
# How much is saved? His example multiplies a number with itself, again and again, two nodes in
# each layer. At depth 5 that is $w^{32}$, and there are $2^5$ paths:

# %%
g, w, output = paths.powers(5, 1.1)
values, local = g.forward()
edges = g.edges(local)
print("w^32           ", values[output], "=", 1.1**32)
print("over all paths ", paths.sum_over_paths(edges, w, output))
print("by labels      ", paths.reverse(edges, output)[w])
print("with a pencil  ", 32 * 1.1**31)
print(len(list(paths.paths(edges, w, output))), "paths,", len(edges), "edges")

# %% [markdown]
# Each layer more doubles the paths and adds four edges. The labels take every edge once.

# %%
depths = range(1, 31)
counts = []
for depth in depths:
    g, w, output = paths.powers(depth, 1)
    edges = g.edges(g.forward()[1])
    counts.append((paths.count_paths(edges, w, output), len(edges)))

fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
walked, swept = np.transpose(counts)
ax.semilogy(depths, walked, "s-", color=ORANGE, markersize=3, label="paths: the sum, term by term")
ax.semilogy(depths, swept, "o-", color=BLUE, markersize=3, label="edges: the labels")
ax.set(xlabel="depth of the graph", ylabel="products to take")
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# At depth 30 it is a thousand million paths. (They were counted, not walked: the number of paths
# is a sum over paths as well, with a 1 on every edge.)
#
# ### Exercise 2: the one line
#
# Here is the backward sweep, without its line. For each edge from $i$ to $j$ it calls `collect`
# with the label that $i$ has so far, the slope of the edge, and the label of $j$, which is
# complete; what comes back is the new label of $i$. Write `collect`.


# %%
def sweep(edges, nodes, target, collect):
    """Return the derivative of `target` by every node, the nodes being in their order."""
    S = dict.fromkeys(nodes, 0.0)
    S[target] = 1.0
    for node in reversed(nodes):
        for i, j, slope in edges:
            if j is node:
                S[i] = collect(S[i], slope, S[j])
    return S


collect = ...  # a function: lambda so_far, slope, arriving: ...

# Check
if collect is not ...:
    for example in (examples.two_paths, examples.quotient, examples.routing):
        g, out = example()
        edges = g.edges(g.forward()[1])
        truth = paths.reverse(edges, out)
        for node, label in sweep(edges, g.nodes, out, collect).items():
            tried = f"{example.__name__}: the label of {node.name} is {label:g}"
            last = [slope * truth[j] for i, j, slope in edges if i is node]
            if not np.isclose(label, truth.get(node, 0.0)):
                assert label or len(last) == 0, f"{tried}. It begins at 0: do not multiply by it."
                assert not np.isclose(last, label).any(), (
                    f"{tried}, what comes over one edge alone. What came before is lost: add."
                )
                count = paths.count_paths(edges, node, out)
                assert label != count, f"{tried}: so many paths lead from there. And the slopes?"
                raise AssertionError(f"{tried} and should be {truth[node]:g}.")
    print("The labels of three graphs are right.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# collect = lambda so_far, slope, arriving: so_far + slope * arriving
# ```
#
# An `=` in place of `+=` is the commonest mistake in hand-written backward passes, because it is
# right as long as nothing is read twice. Where windows of a convolution overlap, where a hidden
# state is read by the output and by the next step, where a weight is shared, there it shows.
# </details>

# %% [markdown]
# ## The other direction
#
# The paths can be factored at their beginning as well. Forward mode, equations (4) and (5) of
# `Graph`, pushes a 1 *into an input* and runs with the values: at the end there are the
# derivatives of all nodes by that one input. Reverse mode pulls a 1 back *out of the output*:
# there are the derivatives of that one output by all nodes. This formula, of CS231n as well, reads
# $x$ three times and $y$ twice; nobody would care to differentiate it by hand:

# %%
g, f = examples.quotient()
values, local = g.forward()
S = g.backward(f, local)
print("reverse, one sweep:   df/dx", S[g["x"]], "  df/dy", S[g["y"]])
for name in "xy":
    T = g.tangents(g[name], local)
    print(f"forward, from {name}:      df/d{name}", T[f], f"  d(den)/d{name}", T[g["den"]])

# %%
picture = g.draw(f)
picture.set_dpi(110)
picture

# %% [markdown]
# With $p$ inputs and one output it is $p$ sweeps against one. A network has one output that
# counts, the loss, and as inputs all its weights. This is the reason why everyone goes backwards.
# Without derivatives it would be two forward passes for each weight:

# %%
rng = np.random.default_rng(0)
net = paths.network((16, 16, 4))
one, target = rng.standard_normal((1, 16)), rng.standard_normal((1, 4))
gradient, passes = paths.central_differences(net, one, target)
found = paths.backpropagation(net, one, target)
print(f"{found.size} parameters: {passes} forward passes, or one forward and one backward")
print(f"largest difference {np.abs(gradient - found).max():.0e}")

# %% [markdown]
# Forward mode wins where there are few inputs and many outputs: how do all pixels of a picture
# change with the angle of the camera?
#
# ## A network is a graph
#
# Rojas extends a network by its errors, $\tfrac12 (o - t)^2$ behind every output and a sum at the
# end, and labels that. Nothing is said about layers. `examples.layered` makes such a graph with
# every weight as an input; here with the weights of [the worked
# example](03_worked_example.ipynb).

# %%
weights = [graph.W1, graph.W2]  # the biases in the last row, as weights of an input that is 1
g, E, w, z = examples.layered(weights, graph.X, graph.TARGET)
error, d = g.differentiate(E)
print(len(g.nodes), "nodes, error", error)

worked = mazur.network()
_, caches, delta = mazur.backward(worked)
_, delta1, _, delta2, _ = worked.deltas(delta, caches)
for name, nodes, of_layers in (("delta1", z[0], delta1), ("delta2", z[1], delta2)):
    print(f"{name}  labels {[float(round(d[node], 9)) for node in nodes]}")
    print(f"        layers {of_layers[0].round(9).tolist()}")

# %% [markdown]
# A layer is nothing but many nodes whose labels are computed at once. And what holds for nodes
# holds for layers: `Network` adds up where a value is read twice. A *residual block*, $y = x +
# \tanh(x W_1) W_2$, reads $x$ twice:

# %%
W1 = [[0.5, -0.3, 0.8], [0.2, 0.7, -0.4]]
W2 = [[0.6, -0.1], [-0.5, 0.3], [0.2, 0.9]]
point = [1.0, -0.5]

block = bp.Network()
h = block.add(bp.Dense(3, bias=False, init=bp.Given(W1)), 0)
h = block.add(bp.Tanh(), h)
h = block.add(bp.Dense(2, bias=False, init=bp.Given(W2)), h)
block.add(bp.Add(), 0, h)
block.build((2,), dtype=np.float64)

y, caches = block.forward([point])
dx, _ = block.backward(2 * y, caches)  # of the sum of the squares of y

g, L = examples.residual(W1, W2, point)
_, d = g.differentiate(L)
print("layers", dx[0])
print("labels", np.array([d[g[f"x[{i}]"]] for i in range(2)]))

# %%
picture = block.draw([point], [[0.0, 0.0]], loss=bp.HalfSquaredError())
picture.set_dpi(100)
picture

# %% [markdown]
# Orange and blue are the deltas again, here for half the squares. The wire above the units is the
# shortcut: it brings the delta of the output back to the input as it is, and what comes through
# the layers is added to it. The code that adds is two lines of `Network`:

# %%
lines = inspect.getsource(bp.Network._run_back).splitlines()
at = next(n for n, line in enumerate(lines) if "deltas[i] + part" in line)
print(textwrap.dedent("\n".join(lines[at - 2 : at + 1])))

# %% [markdown]
# ### Exercise 3: how many ways lead to the error?
#
# A network has 3 inputs, hidden layers of 4 and 5 units, and 2 outputs, all fully connected. Over
# how many paths does the *first input* reach the error?

# %%
answer = ...

# Check
if answer is not ...:
    sizes = (3, 4, 5, 2)
    weights = [np.ones((D + 1, M)) for D, M in pairwise(sizes)]
    g, E, _, _ = examples.layered(weights, [1, 1, 1], [0, 0])
    edges = g.edges(g.forward()[1])
    first = paths.count_paths(edges, g["x[0]"], E)
    assert answer != 3 * first, "That is from all three inputs together."
    assert answer != sum(sizes[1:]), "At every layer each path goes on in as many ways: multiply."
    weights_in_all = sum(D * M for D, M in pairwise(sizes))
    assert answer != weights_in_all, "That is the number of weights, each of which is one edge."
    assert answer == first, "Each of the 4 is a way to each of the 5. And then?"
    print(f"{answer} paths from one input; the labels take {weights_in_all} weights once each.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 4 * 5 * 2
# ```
#
# The paths multiply with every layer, the weights add. Ten layers of a hundred units have about a
# hundred thousand weights and $10^{20}$ paths, and the delta of one unit sums them all up.
# </details>

# %% [markdown]
# ## Where to go on
#
# [6 · Is this derivative right?](06_gradient_checking.ipynb) makes a tool of the central
# differences. [11 · Recurrence](11_rnn.ipynb) unfolds a graph in time, where every weight is read
# at every step, and [16 · Cascades](16_cascades.ipynb) has a graph without layers, each unit
# reading all before it. The classics of this notebook: `backprop classics run graph` and
# `backprop classics run paths`.
