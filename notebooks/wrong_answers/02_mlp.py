"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

WRONG = [
    {
        "answer = delta2[0] * W2[1][0] + delta2[1] * W2[1][1]": "the slope of the unit itself",
        "answer = delta2[0] * W2[1][0] * a1[1] * (1 - a1[1])": "there is a sum",
        "answer = (delta2[0] * W2[0][1] + delta2[1] * W2[1][1]) * a1[1] * (1 - a1[1])": "j to k",
        "answer = (delta2[0] * W2[1][0] + delta2[1] * W2[1][1]) * a1[1]": "The measured slope is",
    },
    {
        "answer = deltas.T @ inputs": "transposed",
        "answer = inputs @ M1": "n has to vanish",
        "answer = inputs.T @ deltas / len(inputs)": "not a mean",
        "answer = np.outer(inputs[0], deltas[0])": "the third row",
    },
    {
        "answer = x3.T @ delta": "the shape of W",
        "answer = x3.T @ (delta @ W)": "compresses",
        "answer = delta.T @ (x3 @ W)": "restores",
        "answer = 2 * x3.T @ (delta @ W)": "not equal",
        "answer = x3.T @ (x3 @ W)": "Measured",
    },
]
