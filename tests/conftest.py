"""Every test runs with floating-point errors raised: no silent overflow, no silent NaN."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def raise_on_floating_point_errors():
    with np.errstate(all="raise", under="ignore"):
        yield
