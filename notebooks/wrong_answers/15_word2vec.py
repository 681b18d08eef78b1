"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

BAG = """
h_bag = (W1[0] + W1[2]) / 2
y_bag = np.exp(h_bag @ W2) / np.exp(h_bag @ W2).sum()
"""

WRONG = [
    {
        "answer = 0.1": "two numbers",
        "answer = dW1[0]": "with bread alone",
        "answer = dW1[0] / 2": "of the old dh",
        f"{BAG}answer = W2 @ (y_bag - [0, 1, 0])": "the delta of the mean",
        f"{BAG}answer = W2 @ y_bag / 2": "then as above",
    },
    {
        "answer = U[2] - delta[1] * h[0]": "One step of two",
        "answer = U[2] + 2 * delta[1] * h[0]": "Uphill",
        "answer = 2 * delta[1] * h[0]": "That is the gradient",
        "answer = U[2] - 3 * delta[1] * h[0]": "the sum of delta h",
    },
    {
        "answer = 'nobody'": "A word, such as",
        "answer = 'sword'": "the word itself",
        "answer = max((w for w in model.words if w != 'sword'), "
        "key=lambda w: model[w] @ model['sword'])": "A cosine divides by both",
        "answer = 'gold'": "the largest of these but one",
    },
]
