"""Images that become numbers from 0 to 1 only where they are read."""

import numpy as np

from ..errors import expects, real


class Scaled:
    """An array whose numbers are divided where they are read, batch by batch, and are float32 then.

        images = read_idx("train-images-idx3-ubyte", mmap=True)  # uint8, they stay in the file
        fit(net, (Scaled(images), labels), ...)

    The numbers are those that `load_data` gives, to the last bit, without the four times larger
    array that holds them all. `fit`, `evaluate` and `TruncatedBPTT` take it as their `x`;
    everything else gets all numbers at once from it, as from `scaled[:]`. So take a part before:
    `Scaled(images[:50_000])`.

    Args:
        array: whole or floating-point numbers.
        white: the number that becomes 1.

    Raises:
        ValueError: `array` is of something else, or `white` is less than 1.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, array, /, white=255):
        self.array = np.asanyarray(array)
        if self.array.dtype.kind not in "iuf" or self.array.ndim == 0:
            got = f"{self.array.dtype} of shape {self.array.shape}"
            raise expects("Scaled", "an array of numbers", got)
        self.white = real("Scaled", "white", white, least=1)

    @property
    def shape(self):
        """The shape of the array."""
        return self.array.shape

    @property
    def ndim(self):
        """The number of its axes."""
        return self.array.ndim

    def __len__(self):
        """Return how many examples there are."""
        return len(self.array)

    def __getitem__(self, index):
        """Return the numbers at `index`, divided."""
        return np.divide(self.array[index], self.white, dtype=self.dtype)

    def __array__(self, dtype=None, copy=None):
        """Return all numbers, divided, for what needs them all."""
        if copy is False:
            raise expects("Scaled", "to make its numbers anew", "copy=False")
        return self[:] if dtype is None else self[:].astype(dtype, copy=False)

    def __repr__(self):
        """Show what is divided by what."""
        kind = f"{self.array.dtype} of shape {self.shape}"
        return f"Scaled({kind}, white={self.white:g})"


def as_it_is(x):
    """Return `x` as an array, one that is mapped or to be divided as it is: nothing is copied."""
    return x if isinstance(x, Scaled) else np.asanyarray(x)
