"""Pictures of a training."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from ..errors import expects
from .picture import BLUE, ORANGE, Picture, written_out


def learning_curves(history, /):
    """Draw the loss and, where there is one, the accuracy of every epoch.

    Args:
        history: what `fit` returned. A loss that spans more than a power of ten is drawn on a
            logarithmic axis, on which a steady decay is a straight line.

    Raises:
        ValueError: no epoch was finished.
    """
    if len(history) == 0:
        raise expects("learning_curves", "a history of at least one epoch", "none")
    panels = [("loss", history.loss, history.val_loss)]
    if not np.isnan(history.accuracy).all():
        panels.append(("accuracy", history.accuracy, history.val_accuracy))
    figure = Picture(4.2 * len(panels), 3.2)
    for place, (name, training, validation) in enumerate(panels, start=1):
        axes = figure.add_subplot(1, len(panels), place)
        axes.plot(history.epoch, training, "o-", color=BLUE, markersize=3, label="training")
        if not np.isnan(validation).all():
            axes.plot(
                history.epoch, validation, "s-", color=ORANGE, markersize=3, label="validation"
            )
            axes.legend(frameon=False)
        low, high = np.nanmin([training, validation]), np.nanmax([training, validation])
        if name == "loss" and 0 < 10 * low < high:
            axes.set_yscale("log")
            written_out(axes.yaxis, low, high)
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.3)
    return figure
