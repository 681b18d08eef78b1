"""Gauss-Newton and Levenberg-Marquardt, with the Jacobians of layered networks and cascades.

Begin with `methods.py`, the derivation. `problem.py` is what is minimised, `fits.py` the demos.

    from backprop.classics.levenberg_marquardt import levenberg_marquardt

    history = levenberg_marquardt(net, x, target)
    history.errors[-1]
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
