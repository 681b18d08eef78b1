"""Neural networks in NumPy with every derivative coded by hand.

    import backprop as bp

    net = bp.Network([bp.Dense(32), bp.ReLU(), bp.Dense(10)])
    net.build((64,), rng=0)
    bp.gradcheck(net, x)

Start with `layer.py`, the contract, and `layers/dense.py`, the first chapter.
"""
