"""Where the slow tests look for the real MNIST: a folder with its four files."""

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[2] / "shared/data/mnist"
MNIST = Path(os.environ.get("BACKPROP_MNIST", BESIDE)).resolve()

needs_mnist = pytest.mark.skipif(
    not MNIST.is_dir(), reason=f"no MNIST in BACKPROP_MNIST or {MNIST}"
)
