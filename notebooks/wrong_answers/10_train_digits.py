"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

WRONG = [
    {
        "answer = 0.1": "That is the probability",
        "answer = np.log(0.1)": "mind the sign",
        "answer = 1.0": "one in ten",
    },
    {
        "recognised = found.confusion": "One number for each digit",
        "recognised = found.confusion.diagonal() / found.confusion.sum(axis=0)": "A class is",
        "recognised = found.confusion.diagonal() / 359": "not by all",
        "recognised = found.confusion.sum(axis=1)": "on the diagonal",
    },
    {
        "fooled = few + 0.5 * np.sign(dx)": "more than 0.1",
        "fooled = few - 0.1 * np.sign(dx)": "dx points to where it grows",
        "fooled = few + 0.1 * dx": "what matters is the direction",
    },
]
