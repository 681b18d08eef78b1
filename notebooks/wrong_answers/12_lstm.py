"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

SHOWN = 'two["dh"] * two["o"] * (1 - math.tanh(two["c"]) ** 2)'

WRONG = [
    {
        'answer = two["dc"] * two["c_before"]': "That is df",
        'answer = two["dc"] * two["c"] * two["f"] * (1 - two["f"])': "*before* the step",
        'answer = two["dc"] * two["c_before"] * (1 - two["f"] ** 2)': "the slope of tanh",
        'answer = two["dh"] * two["c_before"] * two["f"] * (1 - two["f"])': "begin with dc",
        'answer = two["dc"] * two["i"] * two["f"] * (1 - two["f"])': "Which factor",
    },
    {
        f"answer = {SHOWN}": "a second reader",
        'answer = three["dc"] * three["f"]': "also shown",
        f'answer = {SHOWN} + three["dc"]': "multiplied by a forget gate",
        f'answer = {SHOWN} + three["dc"] * two["f"]': "That of step 3",
        'answer = two["dh"] * two["o"] + three["dc"] * three["f"]': "its slope is missing",
        f'answer = {SHOWN} + three["dc"] * three["i"]': "Two readers",
    },
    {
        "f = 0.5**50\nanswer = math.log(f / (1 - f))": "The root goes the other way",
        "answer = 0.5 ** (1 / 50)": "Invert the logistic function",
        "answer = 0.0": "a gate of 1/2",
        "answer = 1.0": "With this bias 1.58e-07",
    },
]
