"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

WRONG = [
    {
        "answer = p * (1 - p)": "The other way round",
        "answer = 1 / (p * (1 - p)) ** 2": "divided twice",
        "answer = 1 / p": "Near p = 0 that is about it",
        "answer = 4": "Divide p - t by",
    },
    {
        "scores = t": "Those are the probabilities",
        "scores = [[1.0, 0.0, 0.0]]": "wants to be higher yet",
        "scores = [[9.0, 0.0, 0.0]]": "you went too far",
        "scores = -np.log(t)": "wants to be higher yet",
    },
    {
        "answer = g1 + g2": "do not add up",
        "answer = (g1 + g2) / 2": "more than three times the weight",
        "answer = 50 * g1 + 14 * g2": "Divide by 64",
        "answer = g1": "50 of 64 examples",
    },
]
