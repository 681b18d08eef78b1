"""A sequence read from both of its ends."""

import numpy as np

from ..errors import expects
from ..layer import Layer
from ..network import Network
from .merge import Concat
from .shape import Last


class Bidirectional(Network):
    r"""Two recurrent layers over one sequence, from its two ends, and their states side by side.

    Shapes: $x\,(N, T, D)$, $h^f\,(N, T, H)$, $h^g\,(N, T, H')$, $y\,(N, T, H + H')$; with `last`,
    $y\,(N, H + H')$.

    **Forward**, where $f$ reads from the beginning and $g$, which has `reverse=True`, from the end:

    $$ h^f = f(x) \tag{1} $$

    $$ h^g = g(x) \tag{2} $$

    with `last`, of each layer the state that it came to last:

    $$ h^f = h^f_T \tag{3} $$

    $$ h^g = h^g_1 \tag{4} $$

    and in any case

    $$ y = [\,h^f, h^g\,] \tag{5} $$

    **Backward.** It is a Network of these layers, and its passes are a Network's: Concat gives each
    layer its own columns of $\delta$, and $x$, which is read twice, gets the sum

    $$ dx = \Bigl(\frac{\partial h^f}{\partial x}\Bigr)^{\!\top} dh^f
          + \Bigl(\frac{\partial h^g}{\partial x}\Bigr)^{\!\top} dh^g. $$

    **The end of a sequence.** At step $t$, $h^f$ has seen $x_1, \dots, x_t$ and $h^g$ has seen
    $x_T, \dots, x_t$. So all of $x$ is in $h^f_T$ and in $h^g_1$, while $h^g_T$, which `Last()`
    after this layer would take, knows nothing but $x_T$. Say `last=True` instead:

        Network([Bidirectional(LSTM(8)), Bidirectional(LSTM(8), last=True), Dense(2)])

    Args:
        forward_layer: $f$, a recurrent layer.
        backward_layer: $g$, a recurrent layer with `reverse=True`; None makes one with the settings
            of $f$ and parameters of its own.
        last: return the last states alone.

    The initial states are optional further inputs, first those of $f$, then as many of $g$;
    `backward` then returns their gradients after `dx`. If both layers are masked, one mask, which
    both read, is the last input. The keys of the parameters of $f$ are
    `"0.Wx"` and so on, those of $g$ `"1.Wx"` and so on.

    Raises:
        ValueError: a layer that does not read in its direction, or only one that is masked; in
            `build`, inputs or states that do not fit.

    Source: Schuster and Paliwal, *Bidirectional recurrent neural networks* (1997).
    """

    def __init__(self, forward_layer, backward_layer=None, *, last=False):
        super().__init__()
        self.forward_layer = _reading("forward_layer", forward_layer, reverse=False)
        self.backward_layer = backward_layer
        self.last = bool(last)
        if backward_layer is None:
            settings = {**forward_layer.settings, "reverse": True}
            backward_layer = type(forward_layer)(**settings)
        g = _reading("backward_layer", backward_layer, reverse=True)
        self.masked = _masked(forward_layer)
        if _masked(g) != self.masked:
            raise expects("Bidirectional", "both layers masked or neither", repr(g))
        self._wire(forward_layer, g)

    def add(self, layer, /, *values):
        """Raise TypeError: a Bidirectional has all of its layers."""
        raise expects(self.who, "no more layers", repr(layer), TypeError)

    def _wire(self, f, g, states=0):
        """Add all layers, for inputs with so many initial states."""
        self._begin(1 + states + self.masked)
        add, half = super().add, states // 2
        given, mask = range(1, 1 + states), range(1 + states, self.inputs)
        h_f = add(f, 0, *given[:half], *mask)  # (1)
        h_g = add(g, 0, *given[half:], *mask)  # (2)
        if self.last:
            h_f = add(Last(), h_f)  # (3)
            h_g = add(Last(reverse=True), h_g)  # (4)
        add(Concat(), h_f, h_g)  # (5)

    def build(self, in_shape, /, *more, rng=None, dtype=np.float32):
        states = len(more) - self.masked
        if states < 0:
            raise expects(self.who, "a mask as its last input", "none")
        if states % 2:
            raise expects(self.who, "as many initial states for each layer", states)
        before = dict(vars(self))
        self._wire(*self.layers[:2], states=states)
        try:
            return super().build(in_shape, *more, rng=rng, dtype=dtype)
        except Exception:
            vars(self).update(before)
            raise

    __repr__ = Layer.__repr__  # the call that makes it, not the layers that it makes


def _reading(name, layer, reverse):
    """Return `layer` if it reads in the direction that `reverse` says, or raise ValueError."""
    if getattr(layer, "reverse", None) is not reverse:
        what = f"{name} to be a recurrent layer with reverse={reverse}"
        raise expects("Bidirectional", what, repr(layer))
    return layer


def _masked(layer):
    """Return whether the last input of `layer` is a mask."""
    return getattr(layer, "masked", False)
