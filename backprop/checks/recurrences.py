r"""Suspects for recurrent layers: backpropagation through time with one term too few.

Nobody can tell from outputs alone what went on between the steps. So a twin is looked for: a plain
recurrence written here whose outputs, with the very same parameters, are those of the layer that
is checked. Its backward pass, run with one mistake, gives the numbers to compare with.

Parameters may come as `Wx`, `Wh` and `b`, or stacked on $[h, x]$ or $[x, h]$, with the gates packed
in any order, or as a matrix and a bias for each gate.
"""

import itertools

import numpy as np

MISTAKES = {
    "hidden delta not carried": "dh of step t + 1 is not added to the delta of step t.",
    "cell delta not carried": "dc of step t + 1 is not added to that of step t.",
    "transposed": "dh goes back through Wh where it is Wh transposed.",
    "missing activation derivative": "da is not multiplied by the slope of the activation.",
    "first time step only": "The sum over the steps holds the first one alone.",
    "last time step only": "The sum over the steps holds the last one alone.",
    "gate deltas swapped": "The deltas of two gates stand in each other's place.",
}


def recurrent(case):
    """Yield the gradients of the twin with each mistake in turn."""
    found = next(_twins(case), None)
    if found is None:
        return
    twin, names = found
    for kind, evidence, gradients in twin.wrong(case.delta):
        yield kind, evidence, names(gradients)


class Recurrence:
    """A recurrence in the plainest form, over steps (T, N, D); its deltas can be led astray."""

    gates = "h"

    def __init__(self, x, Wx, Wh, b, h0):
        self.x, self.Wx, self.Wh, self.b = x.swapaxes(0, 1), Wx, Wh, b
        self.h = [h0]

    def run(self):
        """Work out all states, and return the recurrence itself."""
        raise NotImplementedError

    def deltas(self, delta, **knobs):
        """Return da, of all steps, and dh0; the knobs lead them astray."""
        raise NotImplementedError

    def outputs(self):
        """Return all states, (N, T, H)."""
        return np.stack(self.h[1:], axis=1)

    def wrong(self, delta):
        """Yield `(kind, evidence, gradients)` for each mistake."""
        steps = delta.swapaxes(0, 1)
        right = self.deltas(steps)
        for which, kind in ((0, "first time step only"), (-1, "last time step only")):
            yield kind, MISTAKES[kind], self.gradients(*right, only=which)
        for kind, what, knobs in self.mistakes():
            evidence = MISTAKES[kind] + (f" ({what}.)" if what else "")
            yield kind, evidence, self.gradients(*self.deltas(steps, **knobs))

    def mistakes(self):
        """Yield `(kind, where, settings of deltas)`."""
        yield "hidden delta not carried", "", {"carry_h": 0}
        H = len(self.Wh)
        blocks = np.split(self.Wh, self.Wh.shape[1] // H, axis=1)
        yield "transposed", "", {"Wh_back": np.vstack(blocks)}
        yield "missing activation derivative", "", {"bare": range(len(self.gates))}

    def gradients(self, da, dh0, only=None):
        """Return the gradients of all tensors; the sums over time may hold one step `only`."""
        part = slice(None) if only is None else [only]
        x, h, d = self.x[part], np.stack(self.h[:-1])[part], da[part]
        dx = (da @ self.Wx.T).swapaxes(0, 1)
        if only is not None:
            mask = np.zeros(len(da))
            mask[only] = 1
            dx = dx * mask[:, None]
        return {
            "x": dx,
            "Wx": np.einsum("tnd,tnh->dh", x, d),
            "Wh": np.einsum("tnk,tnh->kh", h, d),
            "b": d.sum(axis=(0, 1)),
            "h0": dh0,
        }


class Simple(Recurrence):
    r"""$h_t = \tanh(x_t W_x + h_{t-1} W_h + b)$."""

    def run(self):
        for x in self.x:
            self.h.append(np.tanh(x @ self.Wx + self.h[-1] @ self.Wh + self.b))
        return self

    def deltas(self, delta, carry_h=1, Wh_back=None, bare=()):
        Wh_back = self.Wh.T if Wh_back is None else Wh_back
        da, dh = np.zeros_like(delta), 0.0
        for t in reversed(range(len(delta))):
            slope = 1.0 if 0 in bare else 1 - self.h[t + 1] ** 2
            da[t] = (carry_h * dh + delta[t]) * slope
            dh = da[t] @ Wh_back
        return da, dh


class LongShort(Recurrence):
    """Long short-term memory, its gates in the order i, f, g, o, its cells beginning with zero."""

    gates = "ifgo"

    def run(self):
        self.c, self.values = [np.zeros_like(self.h[0])], []
        for x in self.x:
            a = np.split(x @ self.Wx + self.h[-1] @ self.Wh + self.b, 4, axis=1)
            i, f, g, o = _sigmoid(a[0]), _sigmoid(a[1]), np.tanh(a[2]), _sigmoid(a[3])
            self.c.append(f * self.c[-1] + i * g)
            self.h.append(o * np.tanh(self.c[-1]))
            self.values.append((i, f, g, o))
        return self

    def mistakes(self):
        yield from super().mistakes()
        yield "cell delta not carried", "", {"carry_c": 0}
        yield "missing activation derivative", "tanh' of the cell", {"bare": [4]}
        for k, gate in enumerate(self.gates):
            yield "missing activation derivative", f"gate {gate}", {"bare": [k]}
        for order in list(itertools.permutations(range(4)))[1:]:
            names = "".join(self.gates[k] for k in order)
            yield "gate deltas swapped", f"{names} for {self.gates}", {"order": order}

    def deltas(self, delta, carry_h=1, carry_c=1, Wh_back=None, bare=(), order=(0, 1, 2, 3)):
        Wh_back = self.Wh.T if Wh_back is None else Wh_back
        da, dh, dc = [], 0.0, 0.0
        for t in reversed(range(len(delta))):
            i, f, g, o = self.values[t]
            tanh_c = np.tanh(self.c[t + 1])
            dh = delta[t] + carry_h * dh
            dc = carry_c * dc + dh * o * (1.0 if 4 in bare else 1 - tanh_c**2)
            slopes = [i * (1 - i), f * (1 - f), 1 - g**2, o * (1 - o)]
            slopes = [1.0 if k in bare else slope for k, slope in enumerate(slopes)]
            reached = [dc * g, dc * self.c[t], dc * i, dh * tanh_c]
            parts = [d * slope for d, slope in zip(reached, slopes, strict=True)]
            da.insert(0, np.concatenate([parts[k] for k in order], axis=1))
            dh = da[0] @ Wh_back
            dc = dc * f
        return np.stack(da), dh


def _sigmoid(a):
    return (1 + np.tanh(a / 2)) / 2


def _twins(case):
    """Yield `(twin, names)`: a recurrence with the same outputs, and how to name its gradients."""
    x, y = case.x, case.y
    if x.ndim != 3 or y.ndim != 3 or y.shape[:2] != x.shape[:2] or case.delta.shape != y.shape:
        return
    H = y.shape[-1]
    for kind in (Simple, LongShort):
        for read in _readings(case, H, len(kind.gates) * H):
            canonical = read(case.tensors)
            h0 = canonical.get("h0", np.zeros((len(x), H)))
            twin = kind(x, canonical["Wx"], canonical["Wh"], canonical["b"], h0).run()
            if np.allclose(twin.outputs(), y, rtol=1e-8, atol=1e-10):
                yield twin, _namer(case, read)


def _namer(case, read):
    """Return the function that brings the twin's gradients into the tensors of the case.

    `read` only cuts and joins. Applied to tensors of serial numbers, it says where each entry goes.
    """
    starts = np.cumsum([0, *(x.size for x in case.tensors.values())])
    serial = {
        name: start + np.arange(x.size).reshape(x.shape)
        for (name, x), start in zip(case.tensors.items(), starts, strict=False)
    }
    places = {"x": serial[case.first], **read(serial)}

    def names(gradients):
        flat = np.full(starts[-1], np.nan)
        for name, place in places.items():
            flat[place] = gradients[name]
        return {name: flat[place] for name, place in serial.items()}

    return names


def _readings(case, H, width):
    """Yield functions that read Wx, Wh, b (and h0) out of tensors, for every way to hold them."""
    x, D = case.x, case.x.shape[-1]
    others = {name: v for name, v in case.tensors.items() if name != case.first}
    orders = list(itertools.permutations(range(width // H)))
    h0s = [None, *(name for name, v in others.items() if v.shape == (len(x), H))]
    shapes = {name: v.shape for name, v in others.items()}
    for h0 in h0s:
        left = {name: shape for name, shape in shapes.items() if name != h0}
        for order in orders:
            yield from _packed(left, h0, D, H, width, order)
            yield from _gatewise(left, h0, D, H, order)


def _packed(shapes, h0, D, H, width, order):
    """Wx, Wh and b with the gates side by side, or one matrix stacked on the other."""
    by_shape = lambda *wanted: [n for n, s in shapes.items() if s in wanted]  # noqa: E731
    for b in by_shape((width,), (1, width)):
        for Wx, Wh in itertools.permutations(shapes, 2):
            if shapes[Wx] == (D, width) and shapes[Wh] == (H, width):
                yield lambda t, Wx=Wx, Wh=Wh, b=b: _read(t, h0, t[Wx], t[Wh], t[b], H, order)
        for W in by_shape((D + H, width)):
            yield lambda t, W=W, b=b: _read(t, h0, t[W][:D], t[W][D:], t[b], H, order)
            yield lambda t, W=W, b=b: _read(t, h0, t[W][H:], t[W][:H], t[b], H, order)


def _gatewise(shapes, h0, D, H, order):
    """A matrix on [h, x] and a bias for each gate."""
    matrices = [n for n, s in shapes.items() if s == (D + H, H)]
    biases = [n for n, s in shapes.items() if s in ((H,), (1, H))]
    if len(order) > 1 and len(matrices) == len(biases) == len(order):

        def joined(t):
            return np.hstack([t[n] for n in matrices]), np.hstack([t[n].ravel() for n in biases])

        yield lambda t: _read(t, h0, joined(t)[0][H:], joined(t)[0][:H], joined(t)[1], H, order)
        yield lambda t: _read(t, h0, joined(t)[0][:D], joined(t)[0][D:], joined(t)[1], H, order)


def _read(tensors, h0, Wx, Wh, b, H, order):
    """Return the parameters by their usual names, the gates brought into the twin's order."""
    turn = lambda a: np.concatenate([a[..., k * H : (k + 1) * H] for k in order], axis=-1)  # noqa: E731
    found = {"Wx": turn(Wx), "Wh": turn(Wh), "b": turn(b.ravel())}
    return found if h0 is None else {**found, "h0": tensors[h0]}
