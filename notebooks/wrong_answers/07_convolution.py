"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

WRONG = [
    {
        "answer = 0 * 1 + 3 * (-1) + 1 * 2 + 1 * 0.5": "not down",
        "answer = 1 * 0.5 + 0 * 2 + 3 * (-1) + 1 * 1": "you have turned delta",
        "answer = 7.5 / 4": "not the mean",
        "answer = 1 * 1": "upper right square",
    },
    {
        'dx_of = lambda delta, K: convolve(delta, K, "full")': "without flip",
        'dx_of = lambda delta, K: convolve(delta, K[::-1], "full")': "Only the rows",
        'dx_of = lambda delta, K: convolve(delta, K[::-1, ::-1], "same")': "as large as the image",
        'dx_of = lambda delta, K: convolve(delta[::-1, ::-1], K, "full")': "Delta stays",
    },
    {
        "answer = (8, 0)": "rounded down",
        "answer = (7, 2)": "is padding, not a pixel",
        "answer = (7, 0)": "Where does the last window end",
        "answer = (6, 1)": "and one more",
    },
]
