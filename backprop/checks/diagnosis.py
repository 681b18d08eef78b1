r"""What a wrong gradient is instead.

A known mistake predicts numbers: whoever forgets the derivative of an activation gets the gradient
of another delta, whoever assigns where windows overlap gets one share instead of their sum. Each
*suspect* is a mistake with the gradients that it would give, worked out from the true derivative;
the one whose numbers are those that `backward` returned is named.

The true derivative is the whole Jacobian $J = \partial y/\partial a$ of each tensor $a$, estimated
once, so that the gradient of any other delta is one product, $J^\top \delta'$.
"""

from functools import cached_property

import numpy as np

from .estimates import TINY_STEP, along_entry
from .report import Diagnosis
from .subjects import arrays

CLOSE = 1e-6
"""How near, relative to the largest entry, a suspect's numbers must come to those returned."""


class Case:
    """A failed check: the numbers that suspects are made from, each worked out when asked for."""

    def __init__(self, check, gradients, wrong):
        self.check, self.subject, self.delta = check, check.subject.copy(), check.delta
        self.wrong = wrong
        self.returned = {name: np.asarray(value, float) for name, value in gradients.items()}
        self.tensors = {name: x.copy() for name, x in self.subject.tensors.items()}
        self.y, cache = self.subject.forward()
        self.y = np.array(self.y, float)
        self.kept = list(self._kept(cache))
        self._jacobians, self._right = {}, {}

    def _kept(self, cache):
        """Yield the arrays that the code itself keeps: hidden values among them."""
        for array in arrays((cache, self.subject.state())):
            if array.dtype.kind == "f":
                yield array.copy()

    @property
    def x(self):
        """The first input."""
        return self.tensors[self.first]

    @property
    def first(self):
        """The name of the first input, or of the first parameter where no input has a slope."""
        return next(iter(self.tensors))

    def jacobian(self, name):
        """Return dy/dtensor as a matrix: a row for each output, a column for each entry."""
        if name not in self._jacobians:
            exact = self.check.complex_subject
            subject = self.subject if exact is None else exact
            J = columns(subject, name, exact is not None)
            if exact is not None and name in self.wrong and self._is_returned(name, J):
                # At ties the complex step is on one side, as the code that is wrong there may be.
                J = columns(self.subject, name)
            self._jacobians[name] = J
        return self._jacobians[name]

    def _is_returned(self, name, J):
        if self.returned[name].size != J.shape[1]:
            return False
        gap = np.ravel(self.delta) @ J - np.ravel(self.returned[name])
        return np.abs(gap).max(initial=0) <= 1e-10 * np.abs(self.returned[name]).max(initial=0)

    def pull(self, name, delta):
        """Return the true gradient of a tensor for another delta."""
        return (np.ravel(delta) @ self.jacobian(name)).reshape(self.tensors[name].shape)

    def right(self, name):
        """Return the true gradient of a tensor."""
        if name not in self._right:
            self._right[name] = self.pull(name, self.delta)
        return self._right[name]

    def pull_all(self, delta):
        """Return the true gradients of all tensors that are wrong, for another delta."""
        return {name: self.pull(name, delta) for name in self.wrong}

    def jacobian_with(self, name, **tensors):
        """Return dy/dtensor where tensors have other values."""
        exact = self.check.complex_subject
        subject = (self.subject if exact is None else exact).copy()
        for other, value in tensors.items():
            subject.tensors[other][...] = value
        return columns(subject, name, exact is not None)

    def right_with(self, name, **tensors):
        """Return the true gradient of a tensor where others have other values."""
        J = self.jacobian_with(name, **tensors)
        return (np.ravel(self.delta) @ J).reshape(self.tensors[name].shape)

    @cached_property
    def slope(self):
        """The slope of each output by its own entry of x, if it depends on no other; or None."""
        if not self.x.shape == self.y.shape == self.delta.shape:
            return None
        J = self.jacobian(self.first)
        own = np.diagonal(J)
        alone = np.abs(J - np.diag(own)).max(initial=0) <= 1e-9 * np.abs(J).max(initial=0)
        return own.reshape(self.x.shape) if alone else None

    def is_bias(self, name):
        """Whether a tensor is a parameter with one number for each feature."""
        return name != self.first and np.squeeze(self.tensors[name]).ndim < 2

    def explained(self, suspects):
        """Return the names of the wrong tensors whose numbers are those of `suspects`."""
        return {
            name for name, value in suspects.items() if name in self.wrong and self.is_(name, value)
        }

    def is_(self, name, value):
        """Whether `value` is what was returned as the gradient of a tensor, and not the right one.

        It has to be nearer to what was returned than that is to the right gradient, by far.
        """
        returned = self.returned[name]
        if value is None or np.shape(value) != returned.shape:
            return False
        if not (np.isfinite(value).all() and np.isfinite(returned).all()):
            return False
        near = CLOSE * np.abs(returned).max(initial=0)
        if self.right(name).shape == returned.shape:
            near = min(near, 1e-3 * np.abs(self.right(name) - returned).max(initial=0))
        return bool(np.abs(value - returned).max(initial=0) <= near) and near > 0


def columns(subject, name, exact=False, step=1e-4):
    """Return the Jacobian of a tensor, column by column: exact, or by extrapolated differences."""
    array = subject.tensors[name]
    evaluate = lambda: np.ravel(subject.forward()[0])  # noqa: E731
    J = np.empty((evaluate().size, array.size))
    for k, place in enumerate(np.ndindex(array.shape)):
        phi = along_entry(evaluate, array, place)
        if exact:
            J[:, k] = phi(1j * TINY_STEP).imag / TINY_STEP
        else:
            h = step * max(1.0, abs(array[place]))
            D = [(phi(each) - phi(-each)) / (2 * each) for each in (h, h / 2)]
            J[:, k] = (4 * D[1] - D[0]) / 3
    return J


def near(a, b):
    """Whether two arrays hold the same numbers, to six digits of the largest."""
    return np.shape(a) == np.shape(b) and bool(
        np.abs(a - b).max(initial=0) <= 1e-6 * max(np.abs(b).max(initial=0), 1e-300)
    )


def diagnose(case, suspects):
    """Return the Diagnoses: the mistakes that explain the most first, until nothing more is.

    `suspects` yields `(kind, evidence, gradients by tensor)`.
    """
    found = []
    for order, (kind, evidence, gradients) in enumerate(suspects):
        names = case.explained(gradients)
        if names:
            found.append((-len(names), order, kind, evidence, names))
    open_, diagnoses = set(case.wrong), []
    for _, _, kind, evidence, names in sorted(found, key=lambda each: each[:2]):
        if names & open_:
            tensors = ", ".join(name for name in case.wrong if name in names)
            others = dict.fromkeys(o[2] for o in found if o[4] == names and o[2] != kind)
            same = f" (The same numbers as: {', '.join(others)}.)" if others else ""
            diagnoses.append(Diagnosis(kind, tensors, evidence + same))
            open_ -= names
    return diagnoses
