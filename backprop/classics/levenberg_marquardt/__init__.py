"""K. Levenberg (1944) and D. Marquardt (1963): least squares by linearising the network.

Gauss-Newton takes the step that would be best, were the network linear in its parameters;
Levenberg-Marquardt damps it, as much as is needed for the error to fall. Both need the derivatives
of all outputs by all parameters, which the amplification coefficients of layered networks
(`amplification.py`) and of cascades (`cascade.py`) give from one sweep.

    from backprop.classics.levenberg_marquardt import levenberg_marquardt

    history = levenberg_marquardt(net, x, target)
    history.errors[-1]

The derivation is in `methods.py`, above the methods; `problem.py` is what they minimise; `fits.py`
tries them on a sine and on parity, beside MINPACK.
"""

from .fits import CLASSIC, fitter, guesser, minpack, parity, reproduce, sine, solved
from .methods import gauss_newton, gradient_descent, levenberg_marquardt
from .problem import Descent

__all__ = [
    "CLASSIC",
    "Descent",
    "fitter",
    "gauss_newton",
    "gradient_descent",
    "guesser",
    "levenberg_marquardt",
    "minpack",
    "parity",
    "reproduce",
    "sine",
    "solved",
]
