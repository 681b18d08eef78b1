"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

WRONG = [
    {
        "answer = 25 * 6 + 25 * 6 * 12 + 192 * 10": "has a bias",
        "answer = (25 + 1) * 6 + (25 + 1) * 12 + (192 + 1) * 10": "reads all six maps",
        "answer = 3000": "Go on in the same way",
    },
    {
        "kernel = W": "That computes something else",
        "kernel = W[::-1]": "A mirror image",
        "kernel = W[:, ::-1]": "A mirror image",
        "kernel = W[::-1, ::-1, :, ::-1]": "keep their order",
        "kernel = W.swapaxes(0, 1)": "Reverse the first two axes",
        "kernel = W.T": "The shape is",
    },
    {
        "answer = (1, 4, 16)": "k1 lies lowest",
        "answer = (4, 4, 4)": "Does its delta pass one",
        "answer = (16, 16, 1)": "has passed one pooling",
        "answer = (8, 4, 1)": "multiply",
    },
]
