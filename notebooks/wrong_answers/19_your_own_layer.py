"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

WRONG = [
    {
        "Gain.backward = lambda self, d, x: (d * self.g, {'g': ...})": "Now dg",
        "Gain.backward = lambda self, d, x: (d, {'g': d * x})": "the shape of g",
        "Gain.backward = lambda self, d, x: (d, {'g': (d * x).sum(0)})": "x_nd grows",
        "Gain.backward = lambda self, d, x: (d * self.g, {'g': d.sum(0)})": "multiplies g_d",
    },
    {
        "dx_of = lambda delta: delta": "by -1/D in the others",
        "dx_of = lambda delta: 2 * (delta - delta.mean(axis=-1, keepdims=True))": "Twice",
    },
    {
        "def forward_of(x):\n    return np.log1p(x**2)": "another function",
        "def forward_of(x):\n    return np.log1p(np.fabs(x))": "Still not possible",
        "def forward_of(x):\n    return np.log1p(np.hypot(x.real, x.imag))": "a real one",
        "def forward_of(x):\n    return np.log1p(abs(x.real) + 0 * x)": "the larger of",
    },
]
