"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

WRONG = [
    {"answer = dz": "of the squared error", "answer = -1 / y": "still has to pass"},
    {
        "answer = f * (1 - f)": "only the slope of the outer",
        "answer = f * (1 - f) * inner * (1 - inner)": "Two slopes of three",
        "answer = 1.0": "The measured slope is 0.018150085",
    },
    {
        "answer = 0.30564063268": "uphill",
        "answer = 0.28047144679": "the biases too",
        "answer = 0.29102792391": "take them all, then move",
        "answer = 0.298": "in both layers",
    },
]
