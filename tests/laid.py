"""Ways in which the numbers of an array can lie in memory, or be kept from being written."""

import numpy as np

from backprop.checks.promises import freeze
from backprop.checks.trials import backwards, every_other, fortran


def read_only(x):
    """Return a copy of `x` that cannot be written to."""
    return freeze(np.copy(x))


LAID = [fortran, every_other, backwards, read_only]
