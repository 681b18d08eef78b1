r"""Suspects for attention: $y = \operatorname{softmax}(s\, q k^\top)\, v$ and a product behind it.

A twin with the same output is looked for, in which $q$, $k$ and $v$ are products of $x$ and three
of the tensors, or three of the inputs. Its backward pass, run with one mistake, gives the numbers
to compare with.
"""

import itertools

import numpy as np


def attention(case):
    """Yield the gradients of the twin with each mistake in turn."""
    if case.y.ndim == 3 and case.delta.shape == case.y.shape and case.x.ndim == 3:
        for twin in itertools.islice(_twins(case), 1):
            for kind, evidence, knobs in MISTAKES:
                yield kind, evidence, twin.gradients(**knobs)


MISTAKES: tuple[tuple[str, str, dict], ...] = (
    ("softmax diagonal only", "In the softmax's own delta a (d - sum d a) the sum is missing.",
     {"summed": 0}),
    ("softmax diagonal only", "The softmax is taken for a sigmoid: delta a (1 - a).",
     {"diagonal": 1}),
    ("factor sqrt(D)", "The scores are scaled by 1/sqrt(D) on the way there, not back.",
     {"scaled": 0}),
    ("transposed", "dk takes the scores' delta where it is its transpose.", {"turned": "k"}),
    ("transposed", "dq takes the transpose of the scores' delta.", {"turned": "q"}),
    ("transposed", "dv takes the weights where it is their transpose.", {"turned": "v"}),
    ("a branch is missing", "dx holds the share of v alone.", {"branches": "v"}),
    ("a branch is missing", "dx lacks the share of v.", {"branches": "qk"}),
    ("a branch is missing", "dx lacks the share of q.", {"branches": "kv"}),
    ("a branch is missing", "dx lacks the share of k.", {"branches": "qv"}),
)  # fmt: skip


class Twin:
    """Attention of one head; `gradients` can be led astray."""

    def __init__(self, case, names, scale, behind):
        self.case, self.names, self.scale, self.behind = case, names, scale, behind
        t = case.tensors
        of_x = names[0] in t and t[names[0]].ndim == 2
        self.parts = dict(zip("qkv", (case.x @ t[n] if of_x else t[n] for n in names), strict=True))
        self.of_x = of_x
        q, k, v = self.parts.values()
        z = scale * q @ k.swapaxes(1, 2)
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        self.a = e / e.sum(axis=-1, keepdims=True)
        self.h = self.a @ v
        self.y = self.h if behind is None else self.h @ t[behind]

    def gradients(self, summed=1, diagonal=0, scaled=1, turned="", branches="qkv"):
        """Return the gradients of all tensors; the settings lead them astray."""
        (q, k, v), a, d, t = self.parts.values(), self.a, self.case.delta, self.case.tensors
        swap = lambda m, part: m if turned == part else m.swapaxes(1, 2)  # noqa: E731
        dh = d if self.behind is None else d @ t[self.behind].T
        da = dh @ v.swapaxes(1, 2)
        own = da * a if diagonal else summed * (da * a).sum(axis=-1, keepdims=True)
        dz = a * (da - own) * (self.scale if scaled else 1)
        dq = (dz.swapaxes(1, 2) if turned == "q" else dz) @ k
        grads = {"q": dq, "k": swap(dz, "k") @ q, "v": swap(a, "v") @ dh}
        named = dict(zip(self.names, grads.values(), strict=True))
        if self.of_x:
            named = {n: np.einsum("ntd,nte->de", self.case.x, dp) for n, dp in named.items()}
            shares = zip("qkv", grads.values(), self.names, strict=True)
            named[self.case.first] = sum(dp @ t[n].T for p, dp, n in shares if p in branches)
        if self.behind is not None:
            named[self.behind] = np.einsum("nte,ntf->ef", self.h, d)
        return named


def _twins(case):
    """Yield the attentions with the same output as the case."""
    names = [n for n, v in case.tensors.items() if v.ndim == 2]
    if len(names) not in (3, 4):
        names = [n for n, v in case.tensors.items() if v.ndim == 3]
    for order in itertools.permutations(names):
        for power in (-0.5, 0, -1):
            behind = order[3] if len(order) == 4 else None
            width = case.tensors[order[0]].shape[-1]
            try:
                twin = Twin(case, order[:3], float(width) ** power, behind)
            except ValueError:  # the shapes do not go together
                continue
            if np.shape(twin.y) == case.y.shape and np.allclose(twin.y, case.y, rtol=1e-8):
                yield twin
