"""Formula, line of code and number as one thing.

    explain(LSTM)                            the derivation over its code
    explain(net, x, y, loss=...)             one example's way through it, with every number
    explain(..., of="2.W[3,1]")              the chain of factors from the loss to one weight

What takes long to import is imported when something is explained.
"""

from ..errors import expects, whole


def explain(
    subject,
    x=None,
    y=None,
    /,
    *,
    loss=None,
    pick=None,
    of=None,
    most=12,
    rng=None,
    digits=6,
    small=16,
):
    """Return formulas over the lines that carry them out; of a network's pass, with the numbers.

    `print` it in a terminal; a notebook shows it as Markdown with LaTeX; `latex()` is a document.
    Of a pass, `html()` is a page for a browser, to step through and to point at every number.

    Without `x` it is the derivation of `subject`. With `x` it is one pass of a network, forward and
    back: for every layer the formula, the line, the numbers in their places and what they gave. The
    numbers are those that the shipped code computed, recorded while it ran; if a compiled kernel
    would have stood in for some lines, they run themselves, and the page says so. Nothing is
    changed, not even running averages. An array too large to be written out is a map of signs and
    sizes, with its largest entry taken apart below it.

    With `pick` other entries are taken apart, each below the line that made it, as many as you
    like: "0.y[0,3,2,1]" of what layer 0 makes, "0.x[...]" of what it reads; "3.delta[0,7]" of
    the delta that layer 3 is given, "3.dx[0,7]" of the one that it hands down; "0.dW[1,2,0,3]" of a
    gradient, "0.W[1,2,0,3]" of the parameter; "0.xhat[0,3]" of any line's result, by its name on
    the page, "0.da_i[4][0,1]" in round 4 of a loop; "loss.p[0,7]" of a line of the loss. All are
    counted with the example's axis.

    With `of` it is the way from the loss to one entry of a gradient: a weight, "2.W[3,1]" of layer
    2; a number that goes into a layer, "0.x[0,5,7]", or into its second input, "0.x1[0,7]"; or one
    that comes out of it, "1.y[0,3]". Every line on the way is taken apart into single numbers, and
    what stands at the end is the float that `backward` returned. A single way to the loss is
    followed, and beside it what weighs most; of a long sum, the largest terms.

    Args:
        subject: a layer, a loss or anything else with equations in its docstring, as a class, an
            object, a function or a module; with `x`, a built Network.
        x: an input with the batch axis, best of a single example; a tuple of several inputs.
        y: the target for the loss.
        loss: a loss such as `HalfSquaredError()`.
        pick: a list of names of entries to take apart; an empty one for none.
        of: which entry of a gradient to follow.
        most: how many entries on that way are taken apart; None takes all apart, which can be long.
        rng: the numpy Generator or seed that stochastic layers draw from.
        digits: how many digits of a number are shown; the page's `recording` has all.
        small: how many numbers an array can have to be written out.

    Raises:
        TypeError: `subject` has no derivation, or no source that can be read; with `x`, it is no
            Network, or `loss` is no loss.
        ValueError: the network is not built, the target is missing, `of` or `pick` names nothing,
            or what network and loss raise.
        NotImplementedError: on the way to `of` is a line that is no formula of single numbers.
    """
    if x is None:
        if any(one is not None for one in (y, loss, pick, of)):
            raise expects("explain", "an input x to send through the network", "none")
        from .derivation import derivation

        return derivation(subject)
    if pick is not None and of is not None:
        raise expects("explain", "pick= or of=", "both")
    from .example import Example
    from .recording import record

    digits, small = whole("explain", "digits", digits), whole("explain", "small", small, least=0)
    run = record(subject, x if isinstance(x, tuple) else (x,), y, loss, rng)
    if of is None:
        return Example(run, digits, small, pick)
    from .path import Path

    return Path(run, of, digits, most if most is None else whole("explain", "most", most))
