"""Parameters chosen by their keys: which numbers of `net.parameters` a pattern means."""

from fnmatch import fnmatchcase

import numpy as np

from .errors import expects


def matches(key, patterns):
    """Return whether the parameter `key` fits the pattern, or one of several."""
    patterns = (patterns,) if isinstance(patterns, str) else patterns
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def fits(who, what, net, patterns):
    """Return for each number of `net.parameters` whether its key fits one of `patterns`.

    Raises ValueError for a pattern that fits no key: what it was to do would silently not be done.
    """
    patterns = (patterns,) if isinstance(patterns, str) else tuple(patterns)
    params = net.params
    for pattern in patterns:
        if not (isinstance(pattern, str) and any(matches(key, pattern) for key in params)):
            raise expects(who, f"{what} to fit one of the keys {', '.join(params)}", repr(pattern))
    chosen = [matches(key, patterns) for key in params]
    sizes = [value.size for value in params.values()]
    return np.repeat(np.array(chosen, bool), np.array(sizes, int))


def where(mask):
    """Return the index of the chosen numbers: a slice, which copies nothing, if it can be."""
    places = np.flatnonzero(mask)
    if len(places) and places[-1] - places[0] == len(places) - 1:
        return slice(int(places[0]), int(places[-1]) + 1)
    return places
