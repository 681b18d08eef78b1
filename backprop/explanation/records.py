"""What is recorded of a pass: lines, and the layers' calls."""

import dataclasses
from typing import Any

import numpy as np

from .chapters import Line


@dataclasses.dataclass(frozen=True)
class Record:
    """What one tagged line gave, one time that it ran."""

    line: Line
    chapter: str
    """Whose equation it is: a layer's class, a loss's, or a function's."""
    steps: tuple[int, ...]
    """Which layer ran it: `(2,)` is `net[2]`, `(2, 0)` the first layer of a network there."""
    phase: str
    """Which pass: "forward", "loss" or "backward"."""
    round: int
    """Which time it is that this layer's pass runs the line, from 1."""
    loops: dict[str, int]
    """The whole numbers that the loops around it counted with, such as `{"t": 2}`."""
    operands: dict[str, Any]
    """The values on the right of the line by their source, such as `self.W`, before it ran."""
    name: str
    """What the result was assigned to, as the source has it; "" for what was returned."""
    before: Any
    """What stood there before, where the line adds to it (`+=`)."""
    value: Any
    """The result, copied."""
    inner: bool
    """Whether it ran inside another tagged line, as `fold` does in Conv2D's."""
    held: dict[str, Any] = dataclasses.field(repr=False, compare=False, default_factory=dict)
    """The very arrays, not copied: where in memory the numbers lay. The result is under ""."""

    @property
    def tag(self):
        """The number of the equation."""
        return self.line.tag

    @property
    def shape(self):
        """The shape of the result; () for a number."""
        return np.shape(self.value)


@dataclasses.dataclass(frozen=True)
class Call:
    """One layer's pass: what it was given and what it returned."""

    steps: tuple[int, ...]
    phase: str
    given: tuple
    """The inputs, forward; delta, backward."""
    returned: Any
    """The output, forward; dx, backward, as the layer handed them down."""
    grads: dict[str, Any] = dataclasses.field(default_factory=dict)
    """The gradients by the layer's parameters, backward."""
    held: tuple = dataclasses.field(repr=False, compare=False, default=())
    """The very objects, not copied: what was given, and all that was returned."""
