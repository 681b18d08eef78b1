"""The example that no single unit can learn: two bits, and whether just one of them is 1."""

import numpy as np

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
T = np.array([[0.0], [1.0], [1.0], [0.0]])
XOR = X, T
"""Inputs (4, 2) and targets (4, 1)."""
