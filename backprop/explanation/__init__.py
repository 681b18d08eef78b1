"""Formula, line of code and number as one thing.

    explain(LSTM)                            the derivation over its code
    print(explain(LSTM()))                   the same, of an object

What takes long to import is imported when something is explained.
"""


def explain(subject, /):
    """Return the derivation of `subject` with, under each equation, the line that carries it out.

    `print` it in a terminal; a notebook shows it as Markdown with LaTeX; `latex()` is a document.

    Args:
        subject: a layer, a loss or anything else with equations in its docstring, as a class, an
            object or a function.

    Raises:
        TypeError: `subject` has no derivation, or no source that can be read.
    """
    from .derivation import derivation

    return derivation(subject)
