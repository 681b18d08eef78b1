"""What a peer is."""

from collections.abc import Callable
from typing import NamedTuple


class Peer(NamedTuple):
    """The same function in PyTorch."""

    run: Callable
    called: str
    """What PyTorch calls it."""
    note: str = ""
    """How layouts are brought together, and where PyTorch's conventions differ."""
