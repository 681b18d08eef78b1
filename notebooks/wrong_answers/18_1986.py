"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

NO_BIAS = """
hidden = 1 / (1 + np.exp([-7.2, 7.1]))
answer = 1 / (1 + np.exp(8.8 * hidden.sum() - 6.4))
"""

WRONG = [
    {
        "answer = 6.4 - 8.8 * (0.997762 + 0.000275)": "Now squash it",
        NO_BIAS: "a bias too",
        "answer = 1.0": "squashed before",
        "answer = 0.5": "The sums of A and B are",
    },
    {
        "u = (1, 2, 0)": "Three whole numbers",
        "u = (1, 2, 8)": "from 1 to 4",
        "u = (1, 2, 3)": "are not symmetric",
        "u = (4, 2, 1)": "Those are the paper's",
    },
    {
        "answer = 1.9": "the second sweep",
        "answer = 9": "the gradient itself",
        "answer = 0.9": "Less far",
        "answer = 2": "v = g + 0.9 v",
    },
]
