"""scikit-learn's MLPClassifier: the same perceptrons in NumPy, by other hands."""

import numpy as np
from sklearn.neural_network import MLPClassifier  # pyright: ignore[reportMissingImports]

from ... import layers
from ..workloads import CLASSES
from .side import Side, Unfit

CALLED = {layers.ReLU: "relu", layers.Sigmoid: "logistic", layers.Tanh: "tanh"}
"""What our activations are called there."""


class Perceptron(Side):
    """`partial_fit` on all batches in one call, in their order: what it checks, it checks once.

    `predict` is `predict_proba`, which ends with the softmax.
    """

    library = "scikit-learn"
    gives_probabilities = True

    def __init__(self, problem, threads):
        super().__init__(problem, threads)
        activation, self.dense = _read(problem.net)
        workload = problem.workload
        self.x = np.concatenate([x for x, _ in problem.batches])
        self.y = np.concatenate([y for _, y in problem.batches])
        self.model = MLPClassifier(
            hidden_layer_sizes=[layer.units for layer in self.dense[:-1]],
            activation=activation,
            solver="sgd",
            alpha=0,
            batch_size=workload.batch,
            learning_rate_init=workload.rate,
            momentum=workload.momentum,
            nesterovs_momentum=False,
            shuffle=False,
            n_iter_no_change=2**31,
            random_state=0,
        )
        self.model.partial_fit(self.x, self.y, classes=range(CLASSES))
        self.start()

    def start(self):
        for layer, W, b in zip(self.dense, self.model.coefs_, self.model.intercepts_, strict=True):
            W[:], b[:] = layer.W, layer.b
        # And the momentum with it: the next call makes a new one.
        vars(self.model).pop("_optimizer", None)

    def train(self):
        return float(self.model.partial_fit(self.x, self.y).loss_)

    def predict(self):
        return [self.model.predict_proba(x) for x, _ in self.problem.batches][-1]


def _read(net):
    """Return the activation and the Dense layers of a perceptron; raise Unfit for another net."""
    for layer in net:
        if not isinstance(layer, layers.Dense | layers.ReLU | layers.Sigmoid | layers.Tanh):
            raise Unfit(f"has no {type(layer).__name__}")
    activations = {type(layer) for layer in net if not isinstance(layer, layers.Dense)}
    if len(activations) > 1:
        raise Unfit("has one activation for all layers")
    names = [CALLED[kind] for kind in activations]
    return (names or ["identity"])[0], [each for each in net if isinstance(each, layers.Dense)]
