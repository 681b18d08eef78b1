"""LaTeX as MathML, which browsers set themselves."""

import functools
import re

from latex2mathml.converter import convert

STYLED = re.compile(r' xmlns="[^"]*"')


@functools.cache
def mathml(tex, display="block"):
    """Return a formula as MathML."""
    # The transposition's sign and a fraction's fill of a browser are in no need of a namespace.
    return STYLED.sub("", convert(tex, display=display))
