"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

BY_A_BUFFER = """
def std_of(x):
    s = np.empty((len(x), 1))
    s[:, 0] = [np.sqrt(((row - row.mean()) ** 2).mean()) for row in x]
    return s
"""
MENDED_BY_HALF = """
def backward(self, delta):
    dx = np.zeros_like(self.x)
    for place, window in self.windows():
        dx[window] += (self.x[window] == self.y[place]) * delta[place]
    return dx
StudentPool.backward = backward
"""

WRONG = [
    {
        "answer = -1e-8": "it is positive",
        "answer = 1e-5": "make the step smaller",
        "answer = 1e-13": "make the step larger",
        "answer = 2e-8": "its derivative by h is 0",
    },
    {
        "def std_of(x):\n    return np.sqrt((x**2).mean(axis=1, keepdims=True))": "Another",
        "def std_of(x):\n    return np.sqrt(x.var(axis=1, keepdims=True))": "Still void",
        BY_A_BUFFER: "is there a float buffer",
    },
    {
        "size, stride, image = 3, 2, noise": "Convicted",
        "size, stride, image = 2, 2, digit": "Convicted",
        "size, stride, image = 3, 3, noise": "a stride below the size",
        MENDED_BY_HALF: "Something is mended. It still fails where pixels tie",
        f"{MENDED_BY_HALF}size, stride = 3, 2": "It passes here, and fails where pixels tie",
    },
]
