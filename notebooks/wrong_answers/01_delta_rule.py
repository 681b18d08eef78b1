"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

WRONG = [
    {
        "answer = dz": "of the squared error",
        "answer = -1 / y": "still has to pass",
        "answer = t - y": "The sign",
        "answer = (y - t) * y": "What cancels?",
    },
    {
        "answer = f * (1 - f)": "only the slope of the outer",
        "answer = f * (1 - f) * inner * (1 - inner)": "Two slopes of three",
        "answer = f * (1 - f) * inner * (1 - inner) * w": "not by w",
        "answer = 1.0": "The slope is 0.018150085",
    },
    {
        "answer = 1 / curvatures.max()": "at the bottom in one step",
        "answer = 2 / curvatures.min()": "the flat direction can bear",
        "answer = 2 / curvatures.sum()": "not the largest",
        "answer = 0.2": "the distance has grown",
        "answer = 0.05": "there is room",
    },
]
