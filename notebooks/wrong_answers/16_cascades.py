"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

WRONG = [
    {
        "answer = 0": "does not read z1",
        "answer = 8": "You have two",
        "answer = 4": "One way of three",
        "answer = 12": "both readers",
    },
    {
        "answer = 0.1": "One number for each",
        "answer = A @ dy": "its slope is missing",
        "answer = A.T @ (slopes * dy)": "where the push begins",
        "answer = sweep.slopes[1][0] * (A @ (slopes * dy))": "in A already",
        "answer = slopes * dy": "then equation (6)",
    },
    {
        "answer = s[1] * V31 * a3": "the direct way. Neuron 2",
        "answer = s[1] * V21 * a2": "to neuron 3?",
        "answer = V21 * a2 + V31 * a3": "with which slope",
        "answer = s[1] * (V21 * a2 + V31 * a3 + V21 * a2)": "walked it twice",
        "answer = s[1]": "times a sum",
    },
]
