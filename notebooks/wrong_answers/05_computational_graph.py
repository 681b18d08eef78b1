"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

WRONG = [
    {
        "answer = 12": "f itself",
        "answer = 3": "comes over the sum",
        "answer = 4": "comes over the maximum. y",
        "answer = 1": "And over the maximum?",
    },
    {
        "collect = lambda so_far, slope, arriving: slope * arriving": "What came before is lost",
        "collect = lambda so_far, slope, arriving: so_far + arriving": "so many paths",
        "collect = lambda so_far, slope, arriving: so_far * slope * arriving": "begins at 0",
        "collect = lambda so_far, slope, arriving: so_far - slope * arriving": "and should be",
    },
    {
        "answer = 120": "all three inputs",
        "answer = 11": "multiply",
        "answer = 42": "number of weights",
        "answer = 20": "And then?",
    },
]
