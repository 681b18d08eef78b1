"""Long sequences, trained in chunks."""

import numpy as np

from ..data.scaled import as_it_is
from ..errors import expects
from .step import TrainStep


class TruncatedBPTT:
    r"""Truncated backpropagation through time: an update for each chunk of a long sequence.

        net = Network([LSTM(64), Dense(10)])
        net.build((100, 8))  # chunks of 100 steps
        train = TruncatedBPTT(TrainStep(net, SoftmaxCrossEntropy(), Adam()))
        for epoch in range(20):
            loss = train(x, y)  # x (N, 10000, 8), y (N, 10000)
            train.reset()

    The network is built for $k$ steps. Sequences of $k, 2k, 3k, \dots$ are cut into chunks, each of
    which begins with the states $s$ that the one before it ended with, taken as a constant:

    $$ s_0^{(j)} = s_k^{(j-1)}, \qquad s_0^{(1)} = 0. $$

    So the outputs are those of the whole sequence, as far as they can be while the parameters move
    with each chunk, and the memory needed is that of one chunk; the arrays may be memory-mapped
    files. The last states stay in `train.states`, by layer number, and the next call goes on from
    there until `reset()`. `net.advance` predicts in chunks in the same way.

    **Bias.** With $\partial^{+}$ the derivative by a parameter $\theta$ where it stands in step $i$
    alone, the loss $L_t$ of step $t$ has the gradient

    $$ \frac{\partial L_t}{\partial \theta} = \sum_{i \le t}
       \frac{\partial L_t}{\partial s_t}
       \Bigl(\prod_{l = i + 1}^{t} \frac{\partial s_l}{\partial s_{l-1}}\Bigr)
       \frac{\partial^{+} s_i}{\partial \theta}. $$

    A chunk that begins after step $b$ keeps the terms with $i > b$: at its first step one, at its
    last $k$. The others are left out however many sequences are averaged over. They are small
    where the product is, that is where influence fades within a chunk; what takes longer than $k$
    steps to show is not learned from them. Take $s_t = \tanh(u x_t + w s_{t-1})$ with $u = 0.5$,
    $w = 0.8$, $x = (1, -0.5, 0.25)$ and $L = \frac12 (s_3 - 0.3)^2$:

    | chunk | $\partial L/\partial u$ | $\partial L/\partial w$ |
    |---|---|---|
    | step 3 | -0.0198 | -0.0094 |
    | steps 2 and 3 | 0.0114 | -0.0383 |
    | steps 1 to 3 | -0.0279 | -0.0383 |

    With two steps $u$ has even the wrong sign. Step 1 adds nothing to $w$ only because $s_0 = 0$.

    Layers whose initial states are inputs, or that read in reverse, begin anew in each chunk.

    Args:
        step: a TrainStep. Inputs and outputs of its network are sequences of $k$ steps.

    Raises:
        TypeError: `step` is something else.
        ValueError: no layer of the network hands states on, or its inputs and outputs are not all
            of as many steps.

    Source: Williams and Peng, *An efficient gradient-based algorithm for on-line training of
    recurrent network trajectories* (1990), where it is BPTT($k$; $k$).
    """

    def __init__(self, step):
        if not isinstance(step, TrainStep):
            raise expects("TruncatedBPTT", "a TrainStep", repr(step), TypeError)
        net = step.net
        if not net.state_shapes():
            raise expects("TruncatedBPTT", "a layer that hands its states on", "none")
        shapes = [*net.in_shapes, net.shapes[-1]]
        self.step, self.length = step, shapes[0][0]
        if any(shape[0] != self.length for shape in shapes):
            raise expects("TruncatedBPTT", "inputs and outputs of as many steps", shapes)
        self.reset()

    def reset(self):
        """Forget the states: the next chunk begins with zeros."""
        self.states = {}

    def __call__(self, x, y, rate=None):
        """Do an update for each chunk and return their loss, each before its update.

        It is the mean over all steps or their sum, as the loss's reduction has it, plus the mean
        penalty. The arguments are those of `updates`.
        """
        seen = [(update.data_loss, update.penalty) for update in self.updates(x, y, rate)]
        loss, penalty = (sum(column) for column in zip(*seen, strict=True))
        if self.step.objective.loss.reduction == "mean":
            loss /= len(seen)
        return loss + penalty / len(seen)

    def updates(self, x, y, rate=None):
        """Return an iterator that does the update of a chunk when asked for it, and gives it back.

        Args:
            x: sequences, and a tuple of such arrays for a network with several inputs: (N, T, ...)
                each, T a multiple of the steps that the network is built for.
            y: the targets of all steps, (N, T) or (N, T, M).
            rate: a learning rate instead of the optimizer's own.

        Raises:
            ValueError: the arrays are not of as many sequences and steps, or of other sequences
                than the states are: `reset()` them first.
            FloatingPointError: as in `TrainStep.update`. States and parameters are then as they
                were before that chunk.
        """
        xs = tuple(as_it_is(each) for each in (x if isinstance(x, tuple) else (x,)))
        y = np.asanyarray(y)
        self._check((*xs, y))
        return self._updates(xs, y, rate)

    def _updates(self, xs, y, rate):
        for start in range(0, y.shape[1], self.length):
            now = slice(start, start + self.length)
            chunk = tuple(each[:, now] for each in xs)
            update = self.step.update(chunk, y[:, now], rate, self.states)
            self.states = update.states
            yield update

    def _check(self, arrays):
        """Raise ValueError unless all are of as many sequences and steps, a multiple of k."""
        sizes = [each.shape[:2] for each in arrays]
        N, T = sizes[0] if len(sizes[0]) == 2 else (0, 0)
        if T == 0 or T % self.length or any(size != (N, T) for size in sizes):
            what = f"inputs and targets of as many sequences, of a multiple of {self.length} steps"
            raise expects("TruncatedBPTT", what, f"shapes {[each.shape for each in arrays]}")
