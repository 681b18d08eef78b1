"""The training loop."""

import math
import time

from ..data.batches import batches
from ..errors import choice, expects, whole
from .callbacks import Progress
from .display import Display
from .evaluate import Tally, evaluation
from .examples import Examples
from .history import Epoch, History
from .interrupt import Interrupt
from .step import TrainStep


def fit(
    net,
    data,
    *,
    loss,
    optimizer,
    epochs=1,
    batch_size=32,
    validation=None,
    schedule=None,
    penalties=(),
    clip=None,
    freeze=(),
    monitor="loss",
    callbacks=(),
    watch=(),
    seed=0,
    start=None,
    progress=True,
):
    r"""Train `net` in place on examples and return the History.

    Everything is checked before anything changes. The data set is not copied: each batch is taken
    as `x[index]`, so that arrays may be memory-mapped files, and images `Scaled` ones. Batches are
    functions of `(seed, epoch)` and random layers of `(seed, update)`, so a run that goes on from a
    History is the run that it would have been in one piece, bit for bit.

    The loss reported is the loss minimised: over the examples of the epoch, each seen before the
    update that it took part in, with the penalties. The validation loss has the penalties too, so
    that the two can be compared. With `reduction="sum"` both are sums over the examples, to which
    the penalties are added once.

    Ctrl-C lets the running batch finish; then the History of the finished epochs is returned with
    `interrupted` set, and the network keeps what it has learned. A second Ctrl-C raises
    KeyboardInterrupt at once. A run that goes on from such a History does the unfinished epoch
    again.

    Args:
        net: a built Network.
        data: a pair `(x, y)`; `x` is a tuple of arrays if the network has several inputs.
        loss: a Loss.
        optimizer: an Optimizer.
        epochs: how many times to go through the examples.
        batch_size: how many examples make one update; the last batch of an epoch may be smaller.
        validation: another pair `(x, y)`, evaluated after each epoch.
        schedule: a function `(epoch, losses)` whose value multiplies the optimizer's rate before
            each update; see `backprop.schedules`. `epoch` is 2.5 in the middle of the third.
        penalties: penalties on the parameters, such as `L2(1e-4)`.
        clip: the largest global norm of a gradient.
        freeze: patterns over the keys of parameters that are to stay as they are.
        monitor: whether the `losses` of the schedule are the History's `"loss"` or `"val_loss"`.
        callbacks: functions that are called with a Progress after each epoch.
        watch: functions that are called with the TrainStep before the first update and after each,
            such as DeltaNorms. They are to look, and to change nothing.
        seed: a whole number; with the same one, the same run.
        start: the History of an earlier call to go on from; `epochs` are then further ones.
        progress: whether to show a bar (in a terminal) and a line for each epoch.

    Raises:
        TypeError: an argument is of another kind.
        ValueError: an argument has a value that cannot be; the examples do not suit the network or
            the loss; or a number among them is not finite.
        FloatingPointError: the loss or its gradient has become NaN or infinite. Parameters and
            running averages are as they were before that update.
    """
    epochs = whole("fit", "epochs", epochs)
    batch_size = whole("fit", "batch_size", batch_size)
    history = _history(start)
    settings = {"penalties": penalties, "clip": clip, "freeze": freeze, "seed": seed}
    step = TrainStep(net, loss, optimizer, **settings, state=history.state)
    examples = Examples("fit", net, data, loss)
    held_out = None if validation is None else Examples("fit", net, validation, loss)
    _check_calls(schedule, callbacks, watch, monitor, held_out)
    history.state = step.state
    first = len(history)
    now = Progress(step, history, first + epochs)
    for look in watch:
        look(step)
    with Interrupt() as interrupt, Display(progress, len(examples), first, now.epochs) as display:
        for epoch in range(first, now.epochs):
            losses = getattr(history, monitor)
            plan = _plan(step, len(examples), batch_size, epoch, schedule, losses)
            row = _epoch(step, examples, epoch, plan, watch, interrupt, display)
            if row is None:
                break
            history.rows.append(row if held_out is None else _validated(row, step, held_out))
            display.epoch(history.rows[-1])
            for callback in callbacks:
                callback(now)
            if now.last:
                break
    history.interrupted = interrupt.seen
    return history


def _plan(step, count, batch_size, epoch, schedule, losses):
    """Yield the index and the learning rate of each batch of an epoch."""
    total = math.ceil(count / batch_size)
    parts = batches(count, batch_size, seed=step.seed, epoch=epoch)
    for number, index in enumerate(parts):
        factor = schedule(epoch + number / total, losses) if schedule else 1.0
        yield index, step.optimizer.rate * factor


def _epoch(step, examples, epoch, plan, watch, interrupt, display):
    """Do the updates of one epoch and return what happened, or None if interrupted on the way."""
    tally, norms, rate = Tally(step.objective.loss), [], 0.0
    begun = time.perf_counter()
    for index, rate in plan:
        if interrupt.seen:
            return None
        x, target = examples[index]
        try:
            update = step.update(x, target, rate)
        except FloatingPointError as error:
            error.add_note(f"in epoch {epoch + 1}")
            raise
        tally.add(update.data_loss, update.y, target, update.penalty)
        norms.append(update.gradient_norm)
        for look in watch:
            look(step)
        display.batch(epoch, len(index), tally)
    return Epoch(
        epoch + 1,
        tally.loss,
        tally.accuracy,
        rate=rate,
        gradient_norm=sum(norms) / len(norms),
        seconds=time.perf_counter() - begun,
    )


def _validated(row, step, held_out):
    """Return `row` with the numbers of the validation examples."""
    found = evaluation(step.net, held_out, step.objective.loss)
    val_loss = found.loss + step.objective.penalty()
    return row._replace(val_loss=val_loss, val_accuracy=found.accuracy)


def _history(start):
    """Return a History to write on: a new one, or a copy of `start`."""
    if start is None:
        return History()
    if not isinstance(start, History):
        raise expects("fit", "start to be the History of an earlier call", repr(start), TypeError)
    return History(start.rows, start.state)


def _check_calls(schedule, callbacks, watch, monitor, held_out):
    """Raise TypeError for what cannot be called, ValueError for a field that will not be filled."""
    for call in (*callbacks, *([schedule] if schedule else [])):
        if not callable(call):
            what = "callbacks and a schedule that can be called"
            raise expects("fit", what, repr(call), TypeError)
    for look in watch:
        if not callable(look):
            raise expects("fit", "watch to be functions of a TrainStep", repr(look), TypeError)
    choice("fit", "monitor", monitor, ("loss", "val_loss"))
    for name in (monitor, *(getattr(each, "monitor", monitor) for each in callbacks)):
        if name.startswith("val_") and held_out is None:
            raise expects("fit", f"validation examples, to monitor {name}", "none")
