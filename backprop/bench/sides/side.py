"""What the race knows of a library."""


class Unfit(Exception):
    """Raised by a side that cannot take a workload: the message is the reason."""


class Side:
    """A library's way of training one problem."""

    library = ""
    """The distribution whose version the table gives."""
    gives_probabilities = False
    """Whether `predict` ends with the softmax."""

    def __init__(self, problem, threads):
        """Take over the weights and prepare the batches; raise Unfit if that cannot be done."""
        self.problem = problem

    def start(self):
        """Go back to the problem's weights, and forget all momentum."""
        raise NotImplementedError

    def train(self):
        """Do one update for each batch in turn and return the mean of the losses, all read."""
        raise NotImplementedError

    def predict(self):
        """Compute the outputs of each batch in turn and return those of the last (N, classes)."""
        raise NotImplementedError
