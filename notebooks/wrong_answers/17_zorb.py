"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

WRONG = [
    {
        "answer = 0.5": "One number for each",
        "answer = 5 * w / 9": "without the bias",
        "answer = 4.5 * w": "divide by",
        "answer = np.array([1.5, -0.75, 0.75])": "there is one of 1.500",
    },
    {
        "xs = np.linspace(0, 1, 101)": "in a column",
        "xs = np.linspace(-1, 1, 101)[:, np.newaxis]": "symmetric about 0",
        "xs = np.linspace(-9, 9, 101)[:, np.newaxis]": "wide or narrow",
        "xs = np.linspace(-500, 9000, 101)[:, np.newaxis] ** 3": "but the error",
    },
    {
        "answer = 297 / 204": "the fair one",
        "answer = (297 + 9.9) / 204": "after *every* update",
        "answer = 5000 * (297 + 9.9) / 204": "are all updates",
        "answer = 300": "(updates + evaluations)",
    },
]
