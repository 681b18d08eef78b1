r"""The same numbers from PyTorch: every layer, loss, optimizer and model beside its twin there.

    import backprop as bp
    print(bp.parity())              # or: python -m backprop.parity

PyTorch finds its derivatives by automatic differentiation and knows nothing of ours. Each case of
`cases.py` is computed twice from the same inputs, parameters, deltas, masks and batches, and each
tensor $a$ is compared with PyTorch's $b$ by

$$ \frac{\max_i |a_i - b_i|}{\max_i |b_i|}, $$

which is to be at most 1e-12 in float64 and 1e-5 in float32. Where rounding alone can make it more,
the case states its own bound and why.

`peers.py` says what each layer is called in PyTorch and where conventions differ. PyTorch comes
with the extra `parity`.
"""

from ..errors import expects


def parity():
    """Compare everything with PyTorch and return the Parity, a table that prints itself.

    It takes about a minute. The result is true when every difference keeps within its bound.

    Raises:
        ImportError: PyTorch is not installed.
    """
    try:
        import torch  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError:
        what = 'PyTorch, which pip install "explicit-backprop[parity]" brings'
        raise expects("parity", what, "none", ImportError) from None
    from .report import report

    return report()


__all__ = ["parity"]
