"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

WRONG = [
    {
        "dx_of = lambda delta: delta / 4": "As large as the image",
        "dx_of = lambda delta: delta.repeat(2, axis=0).repeat(2, axis=1)": "Each of the four gets",
        "dx_of = lambda delta: np.tile(delta, (2, 2)) / 4": "side by side",
        "dx_of = lambda delta: np.kron(delta, np.ones((2, 2))) / 2": "a quarter in each place",
    },
    {
        "answer = (16, 16)": "one of its four pixels",
        "answer = (1, 4)": "There are four windows",
        "answer = (2, 4)": "The measured slope is 4.000",
        "answer = (4, 4)": "four pixels are equal",
        "answer = (4, 8)": "Four windows, four tied",
    },
    {
        "answer = 9": "With stride 1 it would be",
        "answer = 1": "overlap by one pixel",
        "answer = 2": "An image has two",
        "answer = 3": "4 is the most",
    },
]
