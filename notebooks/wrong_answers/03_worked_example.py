"""Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given."""

FORGOT = """
twin[0].W -= 0.5 * grads["0.W"]
answer = mazur.backward(twin)[0]
"""
UPHILL = """
twin[0].W += 0.5 * grads["0.W"]
twin[2].W += 0.5 * grads["2.W"]
answer = mazur.backward(twin)[0]
"""
BIASES = """
for key, value in twin.params.items():
    value -= 0.5 * grads[key]
answer = mazur.backward(twin)[0]
"""
IN_TURN = """
twin[2].W -= 0.5 * grads["2.W"]
twin[0].W -= 0.5 * twin.grads(delta, caches)["0.W"]
answer = mazur.backward(twin)[0]
"""

WRONG = [
    {
        "answer = (target_o2 - out_o2) * out_o2 * (1 - out_o2) * out_h1": "The sign",
        "answer = (out_o2 - target_o2) * out_h1": "the slope of the logistic",
        "answer = (out_o2 - target_o2) * out_o2 * (1 - out_o2)": "delta_o2",
        "answer = (out_o2 - target_o2) * out_o2 * (1 - out_o2) * out_h2": "not from h2",
        "answer = dw5": "leads to o1",
        "answer = 0.5": "three factors",
    },
    {
        "answer = delta_o1 * w6 * out_h2 * (1 - out_h2) * i2": "one way of two",
        "answer = (delta_o1 * w6 + delta_o2 * w8) * i2": "a slope of its own",
        "answer = (delta_o1 * w6 + delta_o2 * w8) * out_h2 * (1 - out_h2)": "delta_h2",
        "answer = (delta_o1 * w6 + delta_o2 * w8) * out_h2 * (1 - out_h2) * i1": "not from i1",
        "answer = (delta_o1 * w5 + delta_o2 * w7) * out_h2 * (1 - out_h2) * i2": "lead from h1",
        "answer = 0.5": "two ways",
    },
    {
        "answer = error": "before the step",
        UPHILL: "uphill",
        BIASES: "the biases too",
        IN_TURN: "take them all, then move",
        FORGOT: "in both layers",
    },
]
