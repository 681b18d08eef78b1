"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

WRONG = [
    {
        "answer = 2 / h.min()": "for the flat direction",
        "answer = 1 / h.max()": "the best rate for the steep direction",
        "answer = 0.2": "Just below that rate",
        "answer = 0.01": "Just above that rate",
    },
    {
        "answer = 1": "*with* (3) and (4)",
        "answer = 0.1": "divided by the root",
        "answer = 0.1 / 0.001": "take its root",
        "answer = 0.9 / 0.999**0.5": "the zero from before",
        "answer = 3.0": "What is m over root v",
    },
    {
        "answer = 0.999": "Two weights",
        "answer = (1 - 0.001 * 0.1) * np.array([1.0, 0.01])": "what SGD does",
        "answer = np.array([1.0, 0.01]) + 0.001": "towards zero",
        "answer = np.array([1.0, 0.01]) - 0.0001": "lambda is in both",
        "answer = np.zeros(2)": "one rate, for any gradient",
    },
]
