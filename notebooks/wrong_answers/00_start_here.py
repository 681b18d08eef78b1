"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

WRONG = [
    {
        "answer = 64 * 100 + 100 * 10": "a bias of its own",
        "answer = 64 * 100 + 100 * 10 + 2": "not for each layer",
        "answer = net.param_count": "the network with 32",
        "answer = 1000": "The weights alone",
    },
    {
        "answer = 2": "quotation marks",
        'answer = "1.W[2,0]"': "1 is the Tanh",
        'answer = "0.W[1,2]"': "to the hidden units",
        'answer = "2.W[0, 2]"': "First where it comes from",
        'answer = "2.W[3,1]"': "counted from 0",
        'answer = "2.W[2,1]"': "from, to",
    },
    {
        "back = lambda delta, x: 3 * x**2": "delta has to be a factor",
        "back = lambda delta, x: delta * x**3": "That is y",
        "back = lambda delta, x: delta * x**2": "comes down",
        "back = lambda delta, x: delta * 3 * x": "Not yet",
    },
]
