"""What `fit` calls at the end of each epoch: functions of a Progress."""

from dataclasses import dataclass

from ..errors import choice, real, whole
from .history import MONITORS, History
from .saving import save
from .step import TrainStep


@dataclass(eq=False)
class Progress:
    """Where a training stands: what a callback is called with."""

    step: TrainStep
    """The block that does the updates; `step.net` is the network."""
    history: History
    """The epochs so far, the one that has just ended being the last."""
    epochs: int
    """The number of the epoch that will be the last."""
    stopped: bool = False
    """Whether `stop` was called."""

    @property
    def net(self):
        """The network in training."""
        return self.step.net

    @property
    def epoch(self):
        """The number of the epoch that has just ended, from 1."""
        return self.history.rows[-1].epoch

    @property
    def last(self):
        """Whether no epoch follows."""
        return self.stopped or self.epoch == self.epochs

    def stop(self):
        """Make this epoch the last one."""
        self.stopped = True


class EarlyStopping:
    """Stops the training when no epoch has been better for `patience` epochs.

    Args:
        patience: how many epochs to wait for a better one.
        monitor: the number to go by, a field of the History; `"val_loss"` needs validation
            examples.
        min_delta: by how much an epoch has to be better to count.
        restore_best: whether the network ends with the parameters and running averages of its best
            epoch, also if all epochs were run. (Ctrl-C within an epoch leaves it as it then is.)
    """

    def __init__(self, patience, monitor="val_loss", min_delta=0.0, restore_best=True):
        self.patience = whole("EarlyStopping", "patience", patience)
        self.monitor = choice("EarlyStopping", "monitor", monitor, MONITORS)
        self.min_delta = real("EarlyStopping", "min_delta", min_delta, least=0)
        self.restore_best = restore_best
        self.kept = None
        self.averages = {}

    def __call__(self, progress):
        """Keep the network of a best epoch; stop and restore it when it is time."""
        newest = len(progress.history) - 1
        best = progress.history.best(self.monitor, self.min_delta)
        if newest == 0:
            self.kept = None
        if best == newest and self.restore_best:
            self.kept = progress.net.parameters.copy()
            self.averages = progress.net.averages
        if newest - (0 if best is None else best) >= self.patience:
            progress.stop()
        if progress.last and self.kept is not None:
            progress.net.parameters[...] = self.kept
            progress.net.averages = self.averages


class Checkpoint:
    """Saves the network to `path` after each epoch that is the best so far.

    Args:
        path: the file, written by `save`.
        monitor: the number to go by, a field of the History.
    """

    def __init__(self, path, monitor="val_loss"):
        self.path = path
        self.monitor = choice("Checkpoint", "monitor", monitor, MONITORS)

    def __call__(self, progress):
        """Save the network if this epoch is the best."""
        if progress.history.best(self.monitor) == len(progress.history) - 1:
            save(progress.net, self.path)
