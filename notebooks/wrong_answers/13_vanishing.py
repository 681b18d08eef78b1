"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

WRONG = [
    {
        "answer = 1": "With weights of 1 the slope is 9.54e-07",
        "answer = 1 / 4": "has to make up for it",
        "answer = 4**10": "Each unit has a weight",
        "answer = 2": "the slope is 0.000977",
    },
    {
        "answer = 2": "for *each* matrix",
        "answer = 2**10": "of layers 1 to 3",
        "answer = 2**3": "count the layers over",
        "answer = 2**8": "of layer 3 itself",
        "answer = 14": "Which weight matrices",
    },
    {
        "answer = -1": "above 0",
        "answer = 2 / 200": "That is He's",
        "answer = 1 / 200": "That is LeCun's",
        "answer = (1 / 125) ** 0.5": "That is the deviation",
        "answer = 1 / (0.75 * 200)": "The slope is squared too",
        "answer = 0.02": "not about 1",
    },
]
