"""Make the IDX files in `digits/` from scikit-learn's copy of the UCI optical digits.

    python -m backprop.data.make_digits [FOLDER]

See `digits/PROVENANCE.md`. Only this script needs scikit-learn.
"""

import sys
from pathlib import Path

import numpy as np

from .batches import split
from .idx import write_idx
from .named import FILES

FOLDER = Path(__file__).parent / "digits"


def make_digits(folder=FOLDER):
    """Write the four files into `folder`. A fifth of each class, by seed 0, is to test on."""
    from sklearn.datasets import load_digits  # pyright: ignore[reportMissingImports]

    images, labels = load_digits(return_X_y=True)
    images, labels = images.reshape(-1, 8, 8).astype(np.uint8), labels.astype(np.uint8)
    train, test = split(images, labels, 0.2, seed=0)
    for name, array in zip(FILES, (*train, *test), strict=True):
        write_idx(Path(folder, f"{name}.gz"), array)


if __name__ == "__main__":
    make_digits(*map(Path, sys.argv[1:]))
