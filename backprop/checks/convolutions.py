r"""Suspects for convolutions, with whatever activation is built in.

A twin is looked for, $y = \varphi(x \star W + b)$ with a stride and a padding, whose output is that
of the layer that is checked. Its backward pass, run with one mistake, gives the numbers to compare
with. Images are (N, H, W, C) inside, kernels (K, K, C, F).
"""

import itertools
from collections.abc import Iterator

import numpy as np

from .slopes import ACTIVATIONS, wrong_slopes

LAST, FIRST = (0, 1, 2, 3), (0, 3, 1, 2)
"""The axes of (N, H, W, C) in images with the channels last and first."""
KERNELS = ((0, 1, 2, 3), (3, 2, 0, 1), (3, 0, 1, 2), (2, 3, 0, 1))
"""The axes of (K, K, C, F) in kernels (K, K, C, F), (F, C, K, K), (F, K, K, C), (C, F, K, K)."""


def convolutions(case):
    """Yield the gradients of the twin with each mistake in turn."""
    for twin in itertools.islice(_twins(case), 1):
        for kind, evidence, knobs in twin.mistakes():
            yield kind, evidence, twin.gradients(**knobs)


class Twin:
    """A convolution of one stride and padding; `gradients` can be led astray."""

    def __init__(self, case, images, kernels, names, stride, pad):
        self.case, self.images, self.kernels, self.names = case, images, kernels, names
        self.W_name, self.b_name = names
        self.x = case.x.transpose(np.argsort(images))
        self.W = case.tensors[self.W_name].transpose(np.argsort(kernels))
        self.b = 0.0 if self.b_name is None else case.tensors[self.b_name].ravel()
        self.S, self.P = stride, pad
        self.xp = np.pad(self.x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))

    def windows(self, image, stride, shape):
        """Yield the window at each position of an output of `shape`, (OH, OW)."""
        K, L = self.W.shape[:2]
        for i, j in np.ndindex(*shape):
            yield image[:, i * stride : i * stride + K, j * stride : j * stride + L], (i, j)

    def fits(self):
        """Find the activation, and return whether the output is that of the case."""
        y = self.case.y.transpose(np.argsort(self.images))
        shape = [(n - k) // self.S + 1 for n, k in zip(self.xp.shape[1:], self.W.shape[:2])]  # noqa: B905
        if list(y.shape[1:3]) != shape or y.shape[3] != self.W.shape[3]:
            return False
        self.z, self.y = np.zeros(y.shape), y
        for window, (i, j) in self.windows(self.xp, self.S, shape):
            self.z[:, i, j] = np.tensordot(window, self.W, axes=3) + self.b
        for phi, phi_prime in ACTIVATIONS.values():
            if np.allclose(phi(self.z), y, rtol=1e-8, atol=1e-10):
                self.slope = phi_prime(self.z)
                return True
        return False

    def gradients(self, slope=None, stride=None, flipped=False):
        """Return the gradients of all tensors.

        Args:
            slope: another slope of the activation.
            stride: another stride between the windows.
            flipped: whether the kernel is rotated by 180 degrees on the way back.
        """
        stride = self.S if stride is None else stride
        delta = self.case.delta.transpose(np.argsort(self.images))
        dz = delta * (self.slope if slope is None else slope)
        W = self.W[::-1, ::-1] if flipped else self.W
        dxp, dW = np.zeros(self.xp.shape), np.zeros(self.W.shape)
        for window, (i, j) in self.windows(self.xp, stride, dz.shape[1:3]):
            dW += np.tensordot(window, dz[:, i, j], axes=(0, 0))
        for window, (i, j) in self.windows(dxp, stride, dz.shape[1:3]):
            window += np.tensordot(dz[:, i, j], W, axes=(1, 3))
        (_, H, width, _), P = self.x.shape, self.P
        dx = dxp[:, P : P + H, P : P + width]
        found = {
            self.case.first: dx.transpose(self.images),
            self.W_name: dW.transpose(self.kernels),
        }
        if self.b_name is not None:
            shape = self.case.tensors[self.b_name].shape
            found[self.b_name] = dz.sum(axis=(0, 1, 2)).reshape(shape)
        return found

    def mistakes(self) -> Iterator[tuple[str, str, dict]]:
        """Yield `(kind, evidence, settings of gradients)`."""
        delta = self.case.delta.transpose(np.argsort(self.images))
        values = {"z": self.z, "y": self.y, "x": self.x, "delta": delta}
        for kind, evidence, slope in wrong_slopes(self.slope, values):
            yield kind, evidence, {"slope": slope}
        evidence = "This is the right gradient for a kernel rotated by 180 degrees."
        yield "kernel not rotated", evidence, {"flipped": True}
        if self.S > 1:
            evidence = "The windows were put, or read, one pixel apart, as if the stride were 1."
            yield "stride forgotten", evidence, {"stride": 1}


def _twins(case):
    """Yield convolutions with the same output as the case."""
    if case.x.ndim != 4 or case.y.ndim != 4 or case.delta.shape != case.y.shape:
        return
    others = {name: v for name, v in case.tensors.items() if name != case.first}
    for W, b in itertools.product(others, [None, *others]):
        if others[W].ndim == 4 and len(others) == 1 + (b is not None) and b != W:
            for images, kernels in itertools.product((LAST, FIRST), KERNELS):
                K = others[W].shape[kernels.index(0)]
                for stride, pad in itertools.product(range(1, 5), range(K)):
                    try:
                        twin = Twin(case, images, kernels, (W, b), stride, pad)
                        if twin.fits():
                            yield twin
                    except ValueError:  # these axes do not fit
                        continue
