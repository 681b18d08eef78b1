"""What a constructor was called with: layers, losses, optimizers and the like keep it."""

import functools
import inspect
from typing import Any

DISTRIBUTION = "explicit-backprop"
"""What this package is called where packages are installed from, and their versions are asked."""


class Configured:
    """An object whose constructor stores its arguments under their own names."""

    @property
    def settings(self) -> dict[str, Any]:
        """The constructor's arguments by name: what `repr` shows and `save` writes."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def __repr__(self) -> str:
        """Show the constructor call, without the arguments that have their default."""
        words = []
        for name, parameter in inspect.signature(type(self)).parameters.items():
            value = getattr(self, name)
            if parameter.default is parameter.empty:
                words.append(repr(value))
            elif repr(value) != repr(parameter.default):
                words.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(words)})"


@functools.cache
def ours(kind: type) -> bool:
    """Return whether a class is one of this package, and does what its documentation says."""
    return kind.__module__.startswith(f"{__package__}.")
