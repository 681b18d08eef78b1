r"""LaTeX as MathML, which browsers set themselves.

`latex2mathml` does the work. Around it: what it does not know is said in what it knows
(`\mathrel{+}` is a plus sign), limits of displayed sums stand below them, and `\tanh c` gets the
little space that TeX puts after a function's name.
"""

import functools
import html
import re

from latex2mathml.converter import convert

KNOWN = {
    r"\mathrel{+}": "+",
    r"\arg": r"\operatorname{arg}\,",
    r"\Bigl\lVert": r"\lVert",
    r"\Bigr\rVert": r"\rVert",
}
TEXT = re.compile(r"\\text\{[^{}]*\}")
"""What stands in it is put into the page as it is."""
NEEDLESS = re.compile(r' (xmlns="[^"]*"|mathvariant="italic")')
FUNCTION = re.compile(r"(<mi>(?:tanh|sinh|cosh|log|exp)</mi>)(?!<m(?:row|o)\b)")


@functools.cache
def mathml(tex, display="inline"):
    """Return a formula as MathML."""
    for unknown, known in KNOWN.items():
        tex = tex.replace(unknown, known)
    tex = tex.strip().rstrip(",.")
    if display == "block":
        tex = tex.replace(r"\sum_", r"\sum\limits_")
    tex = TEXT.sub(lambda match: html.escape(match[0], quote=False), tex)
    try:
        made = NEEDLESS.sub("", convert(tex, display=display))
    except Exception:  # it has errors of its own for what it cannot read
        return f"<code>{html.escape(tex)}</code>"
    made = made.replace("<mo>&#x0002B;</mo><mo>&#x0003D;</mo>", "<mo>+=</mo>")
    return FUNCTION.sub(r'\1<mspace width="0.17em"></mspace>', made)
