"""What a data set is."""

import dataclasses

import numpy as np

from ..errors import expects


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Examples to train on and others to test on. Checked once; then it does not change.

    Shapes: x (N, H, W, C) of images, or any (N, ...); y (N,).

    Args:
        name: what error messages call it.
        x_train: the inputs to train on, floating-point numbers.
        y_train: their labels, whole numbers that count the classes from 0.
        x_test: the inputs to test on.
        y_test: their labels.
        classes: the names of the classes.

    Raises:
        ValueError: inputs and labels are not equally many or there are none, an input is not
            finite, a label is none of the classes, or the two parts differ in shape.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: tuple[str, ...]

    def __post_init__(self):
        who = f"Dataset {self.name!r}"
        for part, (x, y) in (("train", self.train), ("test", self.test)):
            if not (x.ndim >= 2 and x.size and y.shape == x.shape[:1]):
                what = f"inputs that are not empty and a label for each in {part}"
                raise expects(who, what, f"shapes {x.shape} and {y.shape}")
            if x.dtype.kind != "f":
                raise expects(who, f"floating-point numbers in x_{part}", x.dtype)
            if not np.isfinite(x).all():
                raise expects(who, f"finite numbers in x_{part}", "NaN or infinity")
            if y.dtype.kind not in "iu":
                raise expects(who, f"whole numbers in y_{part}", y.dtype)
            if y.min() < 0 or y.max() >= len(self.classes):
                what = f"labels from 0 to {len(self.classes) - 1} in y_{part}"
                raise expects(who, what, f"{y.min()} to {y.max()}")
        if self.x_train.shape[1:] != self.x_test.shape[1:]:
            what = f"inputs of shape {self.in_shape} in test as in train"
            raise expects(who, what, self.x_test.shape[1:])

    @property
    def train(self):
        """The pair `(x, y)` to train on."""
        return self.x_train, self.y_train

    @property
    def test(self):
        """The pair `(x, y)` to test on."""
        return self.x_test, self.y_test

    @property
    def in_shape(self):
        """The shape of one example: what `net.build` wants."""
        return self.x_train.shape[1:]

    def __repr__(self):
        """Show the name and the sizes."""
        counts = f"{len(self.y_train)} to train, {len(self.y_test)} to test"
        return f"Dataset({self.name!r}: {counts}, {self.in_shape}, {len(self.classes)} classes)"
