"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

SWEEP = """
def sweep():
    da, dh = np.zeros((5, 4)), np.zeros(4)
    for t in reversed(range(5)):
        da[t] = {}
        dh = {}
    return da, dh

answer = sweep()
"""


def sweep(first, second="da[t] @ Wh.T"):
    return SWEEP.format(first, second)


WRONG = [
    {
        "answer = du": "does not meet the inputs",
        "answer = dz[3] * s[2]": "the share of step 3 alone",
        "answer = sum(dz.values())": "still has to be multiplied",
        "answer = sum(dz[k] * s[k] for k in dz)": "the state *before*",
        "answer = 0.5": "The measured slope is -0.03834016",
    },
    {
        "answer = delta": "two arrays",
        sweep("(dh + delta[t]) * (1 - h[t + 1] ** 2)", "0"): "What comes back",
        sweep("dh + delta[t]"): "The last step is wrong already",
        sweep("(dh + delta[t]) * (1 - h[t] ** 2)"): "The last step is wrong already",
        sweep("(dh + delta[t]) * (1 - h[t + 1] ** 2)", "da[t] @ Wh"): "through Wh.T",
        sweep("(dh + delta[t] * (t == 4)) * (1 - h[t + 1] ** 2)"): "a loss of its own",
        sweep("(dh + delta[t]) * (1 - h[t + 1] ** 2)", "da[4] @ Wh.T"): "look at dh",
        sweep("(dh + delta[t]) * (1 - h[t + 1] ** 2)", "da[t] @ Wh.T if t else dh"): "that is left",
    },
    {
        "answer = du": "leave out what is cut off",
        "answer = dz[1] * x[0]": "the last one",
        "answer = dz[3]": "still missing",
        "answer = dz[3] * x[2] + dz[2] * x[1]": "one is left",
    },
]
