"""Formula, line of code and number as one thing.

    explain(LSTM)                            the derivation over its code
    explain(net, x, y, loss=...)             one example's way through it, with every number

What takes long to import is imported when something is explained.
"""

from ..errors import expects, whole


def explain(subject, x=None, y=None, /, *, loss=None, rng=None, digits=6, small=16):
    """Return formulas over the lines that carry them out; of a network's pass, with the numbers.

    `print` it in a terminal; a notebook shows it as Markdown with LaTeX; `latex()` is a document.

    Without `x` it is the derivation of `subject`. With `x` it is one pass of a network, forward and
    back: for every layer the formula, the line, the numbers in their places and what they gave. The
    numbers are those that the shipped code computed, recorded while it ran. Nothing is changed, not
    even running averages.

    Args:
        subject: a layer, a loss or anything else with equations in its docstring, as a class, an
            object or a function; with `x`, a built Network.
        x: an input with the batch axis, best of a single example; a tuple of several inputs.
        y: the target for the loss.
        loss: a loss such as `HalfSquaredError()`.
        rng: the numpy Generator or seed that stochastic layers draw from.
        digits: how many digits of a number are shown; the page's `recording` has all.
        small: how many numbers an array can have to be written out.

    Raises:
        TypeError: `subject` has no derivation, or no source that can be read; with `x`, it is no
            Network, or `loss` is no loss.
        ValueError: the network is not built, the target is missing, or what network and loss raise.
    """
    if x is None:
        if y is not None or loss is not None:
            raise expects("explain", "an input x to send through the network", "none")
        from .derivation import derivation

        return derivation(subject)
    from .example import Example
    from .recording import record

    digits, small = whole("explain", "digits", digits), whole("explain", "small", small, least=0)
    run = record(subject, x if isinstance(x, tuple) else (x,), y, loss, rng)
    return Example(run, digits, small)
