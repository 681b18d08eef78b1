r"""K. Levenberg (1944) and D. Marquardt (1963): least squares by linearising the network.

Gradient descent asks of the network one number for each parameter. With all derivatives of all
outputs, the Jacobian, one can ask more: which step would be best, were the network linear?

**Derivation.** Let $r = y - t$ be the residuals of all $N$ examples and $M$ outputs in one vector
of $NM$ numbers, $w$ the parameters and $J = \partial y / \partial w$, of shape $(NM, P)$. The error
and its derivatives are

$$ E = \tfrac12\, r^\top r, \qquad \frac{\partial E}{\partial w} = J^\top r, \qquad
   \frac{\partial^2 E}{\partial w^2} = J^\top J + \sum_i r_i \frac{\partial^2 y_i}{\partial w^2}. $$

*Gauss-Newton* takes $y(w + p) \approx y + Jp$. What is left is linear least squares,

$$ p = \arg\min_p\, \lVert J p + r \rVert^2 \tag{1} $$

whose gradient vanishes where $J^\top J\, p = -J^\top r$: Newton's equation without the second term,
which is small where the residuals are, or the curvature of the network. If the columns of $J$ are
not independent, then neither is $p$ determined: the problem is singular. A network with more
parameters than there are residuals is always so.

*Levenberg* keeps the step short, where the linear model can be trusted:

$$ p = \arg\min_p\, \lVert J p + r \rVert^2 + \mu \lVert p \rVert^2 $$

Setting the gradient to zero, $(J^\top J + \mu I)\, p = -J^\top r$, which has one solution for every
$\mu > 0$, whatever the rank of $J$. The two squares are one, of longer vectors,

$$ p = \arg\min_p\, \left\lVert \begin{pmatrix} J \\ \sqrt\mu\, I \end{pmatrix} p
   + \begin{pmatrix} r \\ 0 \end{pmatrix} \right\rVert^2 \tag{2} $$

and it is solved in this form: $J^\top J$ has the square of the condition number of $J$, and is
never made. For $\mu \to 0$ the step is that of Gauss-Newton, for $\mu \to \infty$ it is
$-J^\top r/\mu$, gradient descent with a small rate.

*Marquardt* lets $\mu$ find its own size. A step that lowers the error is taken, and the next one is
damped less; one that does not is undone, and tried again with more damping:

$$ \mu \leftarrow \mu / \nu \quad \text{if } E(w + p) < E(w), \qquad
   \mu \leftarrow \mu\, \nu \quad \text{else.} $$

Since a short enough step against the gradient always lowers the error, this ends, and the error
never rises. He also scales $\mu$ by the diagonal of $J^\top J$; with the identity, as here, it is
Levenberg's damping by Marquardt's rule, the form that is usual for networks.

**What is ours.** The equations are those of the literature; the problems below and their numbers
are not, and the check is another implementation: that of MINPACK, which SciPy brings.

Sources: K. Levenberg, *A method for the solution of certain non-linear problems in least squares*,
Quarterly of Applied Mathematics 2 (1944); D. Marquardt, *An algorithm for least-squares estimation
of nonlinear parameters*, Journal of the Society for Industrial and Applied Mathematics 11 (1963);
for networks, Hagan and Menhaj, *Training feedforward networks with the Marquardt algorithm* (1994).
For cascades see `cascade.py`, whose author trained by it.
"""

import numpy as np

from ...errors import expects, real
from .problem import Descent, Problem, vector

LEAST, MOST = 1e-16, 1e16
"""The bounds of the damping. A step that still fails when damped by MOST is lost in rounding."""


def levenberg_marquardt(
    net, x, target, *, steps=100, damping=1e-2, factor=10.0, goal=0.0, jacobian=None
):
    r"""Train `net` in place by damped steps, and return a Descent.

    The error falls with every step. There are fewer than `steps` if the goal is reached, or if no
    step lowers the error, however short: at a minimum, as far as rounding lets one see.

    Args:
        net: a built layer or Network, or whatever has `params` and `predict` like one.
        x: a batch.
        target: what the outputs should be, in their shape.
        steps: how many steps to take at most. One that is undone does not count.
        damping: $\mu$ of the first step.
        factor: $\nu$, by which $\mu$ falls after a step, and rises when one is undone.
        goal: stop when the error is no larger.
        jacobian: a function of `net` and `x` that returns the outputs (N, M) and their derivatives
            (N, M, P) by all parameters, in the order of `params`. If it is not given, it is the
            net's own method `jacobian(x)`, or else `amplification.jacobian`.

    Raises:
        TypeError, ValueError: an argument is of another kind, or they do not go together.
        FloatingPointError: the error is NaN or infinite at the start.
    """
    who = "levenberg_marquardt"
    problem = Problem(who, net, x, target, steps, goal, jacobian)
    mu = within(real(who, "damping", damping, least=0))
    if real(who, "factor", factor) <= 1:
        raise expects(who, "factor to be larger than 1", factor)
    history, refused = Descent([problem.error()]), 0
    w, (r, J) = problem.w, problem.linearised()
    while problem.goes_on(history):
        problem.w = w + damped_step(J, r, mu)
        error = problem.error(of_a_trial=True)
        if error < history.errors[-1]:
            history.note(error, mu, refused)
            w, (r, J), refused = problem.w, problem.linearised(), 0
            mu = within(mu / factor)
        else:
            problem.w, refused = w, refused + 1
            if mu >= MOST:
                break
            mu = within(mu * factor)
    return history


def damped_step(J, r, mu, /):
    r"""Return the step of least $\lVert Jp + r \rVert^2 + \mu \lVert p \rVert^2$."""
    P = J.shape[1]
    J, r = np.vstack([J, np.sqrt(mu) * np.eye(P)]), np.append(r, np.zeros(P))
    return np.linalg.lstsq(J, -r)[0]  # (2)


def within(mu):
    """Return the damping, or the bound that is nearest."""
    return float(min(max(mu, LEAST), MOST))


def gauss_newton(net, x, target, *, steps=20, goal=0.0, jacobian=None):
    """Train `net` in place by full Gauss-Newton steps, and return a Descent.

    A step goes where the error would be least, were the network linear. Far from a minimum it is
    not, and the error may rise.

    Args:
        net: as in `levenberg_marquardt`.
        x: a batch.
        target: what the outputs should be, in their shape.
        steps: how many steps to take.
        goal: stop before if the error is no larger.
        jacobian: as in `levenberg_marquardt`.

    Raises:
        TypeError, ValueError: an argument is of another kind, or they do not go together.
        numpy.linalg.LinAlgError: the columns of the Jacobian depend on each other. It is a
            ValueError.
        FloatingPointError: the error is NaN or infinite.
    """
    problem = Problem("gauss_newton", net, x, target, steps, goal, jacobian)
    history = Descent([problem.error()])
    while problem.goes_on(history):
        r, J = problem.linearised()
        p, _, rank, _ = np.linalg.lstsq(J, -r)  # (1)
        if rank < J.shape[1]:
            got = f"rank {rank} at step {history.steps + 1}"
            what = f"a Jacobian of rank {J.shape[1]}, the number of parameters"
            raise expects("gauss_newton", what, got, np.linalg.LinAlgError)
        problem.w = problem.w + p
        history.note(problem.error())
    return history


def gradient_descent(net, x, target, *, rate, steps=100, goal=0.0):
    """Train `net` in place by plain gradient descent on the same error, and return a Descent.

    Args:
        net: a built layer or Network.
        x: a batch.
        target: what the outputs should be, in their shape.
        rate: what the gradient is multiplied by.
        steps: how many steps to take.
        goal: stop before if the error is no larger.

    Raises:
        TypeError, ValueError: an argument is of another kind, or they do not go together.
        FloatingPointError: the error is NaN or infinite.
    """
    problem = Problem("gradient_descent", net, x, target, steps, goal, None)
    rate = real("gradient_descent", "rate", rate, least=0)
    history = Descent([problem.error()])
    while problem.goes_on(history):
        y, cache = net.forward(problem.x)
        gradient = vector(net.grads(y - problem.target, cache))
        problem.w = problem.w - rate * gradient
        history.note(problem.error())
    return history
