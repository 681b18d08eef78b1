"""How fast, and against whom: the benchmarks, which `backprop bench` runs.

Nothing in the package imports this one. `workloads.py` has the six networks, once, as data;
`sides/` trains them with this package, PyTorch, JAX and scikit-learn; `race.py` lets the sides take
turns, after it has seen that they find the same losses from the same weights. `memory.py`,
`growth.py`, `startup.py` and `gradient_cost.py` measure what their names say.

The peers come with the extra `bench`; one that is not installed is left out, and the table says so.
"""
