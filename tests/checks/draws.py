"""Right layers at random: none of them may ever be called wrong."""

from types import SimpleNamespace

import numpy as np

import backprop as bp
from checks import foreign
from checks.foreign import Subject


def random_correct(rng, recipe=None, scale=None):
    """Return a right `Subject` of random kind, sizes, scale of inputs, dtype and memory layout.

    `recipe` is one of `RECIPES`, if the kind is not to be random, and `scale` the inputs' size.
    """
    recipe = recipe or RECIPES[rng.integers(len(RECIPES))]
    return recipe(Draw(rng, scale))


class Draw(SimpleNamespace):
    """Random sizes by the usual letters, and arrays that fit them."""

    def __init__(self, rng, scale=None):
        upto = lambda top: int(rng.integers(1, top + 1))  # noqa: E731
        N, T, D, H, M, C, F, K, S = map(upto, (4, 4, 4, 3, 3, 2, 2, 3, 3))
        P = int(rng.integers(K))
        super().__init__(N=N, T=T, D=D, H=H, M=M, C=C, F=F, K=K, S=S, P=P)
        self.height, self.width = K + upto(4) - 1, K + upto(4) - 1
        self.act = str(rng.choice(list(foreign.ACTIVATIONS)))
        self.scale = scale or 10 ** rng.uniform(-3, 3)
        self.dtype, self.of_inputs = rng.choice([np.float32, np.float64], 2)
        self.turned = rng.random() < 0.25
        self.rng = rng

    def x(self, *shape):
        """Return inputs; every fourth time their numbers do not lie side by side in memory."""
        x = (self.scale * self.rng.standard_normal(shape)).astype(self.of_inputs)
        return np.asfortranarray(x) if self.turned else x

    def w(self, *shapes):
        """Return parameters that a pair of functions takes beside the inputs."""
        return [w.astype(self.of_inputs) for w in foreign.weights(self.rng, *shapes)]

    def classes(self, *shape):
        return self.rng.integers(self.D, size=shape)

    def of(self, style, code, *inputs, **settings):
        return Subject(style, code, inputs, settings, self.dtype)

    @property
    def rows(self):
        return self.x(self.N, self.D)

    @property
    def sequences(self):
        return self.x(self.N, self.T, self.D)

    @property
    def images(self):
        return self.x(self.N, self.height, self.width, self.C)

    @property
    def channels_first(self):
        return self.x(self.N, self.C, self.height, self.width)


def conv_pair(s):
    w, b = s.w((s.F, s.C, s.K, s.K), (s.F,))
    return s.of("pair", foreign.CONV, s.channels_first, w, b, {"stride": s.S, "pad": s.P})


def pool_pair(code):
    return lambda s: s.of("pair", code, s.channels_first, {"size": s.K, "stride": s.S})


def batchnorm_pair(s):
    gamma, beta = s.w((s.D,), (s.D,))
    return s.of("pair", foreign.BATCHNORM, s.x(s.N + 2, s.D), gamma, beta, {"eps": 1e-5})


def recurrent_pair(code, gates):
    def recipe(s):
        h0, *w = s.w((s.N, s.H), (s.D, gates * s.H), (s.H, gates * s.H), (gates * s.H,))
        return s.of("pair", code, s.sequences, h0, *w)

    return recipe


RECIPES = [
    lambda s: s.of("self", foreign.Dense, s.rows, D=s.D, M=s.M, act=s.act),
    lambda s: s.of("self", foreign.ColumnDense, s.x(s.D, s.N), D=s.D, M=s.M),
    lambda s: s.of("self", foreign.TwoLayers, s.rows, D=s.D, H=s.H, M=s.M),
    lambda s: s.of("self", foreign.ListDense, s.rows, D=s.D, M=s.M),
    lambda s: s.of("self", foreign.Residual, s.rows, D=s.D),
    lambda s: s.of("self", foreign.ReLU, s.rows),
    lambda s: s.of("self", foreign.Softmax, s.rows),
    lambda s: s.of("self", foreign.Dropout, s.rows, rate=0.3, seed=s.T),
    lambda s: s.of("self", foreign.Flatten, s.images),
    lambda s: s.of("self", foreign.MeanOverTime, s.sequences),
    lambda s: s.of("self", foreign.BatchNorm, s.x(s.N + 2, s.D), D=s.D),
    lambda s: s.of("self", foreign.Conv, s.images, K=s.K, C=s.C, F=s.F, stride=s.S, pad=s.P),
    lambda s: s.of("self", foreign.SciPyConv, s.channels_first, K=s.K, C=s.C, F=s.F),
    lambda s: s.of("self", foreign.MaxPool, s.images, K=s.K, stride=s.S),
    lambda s: s.of("self", foreign.FourGates, s.sequences, D=s.D, H=s.H),
    lambda s: s.of("pair", foreign.AFFINE, s.rows, *s.w((s.D, s.M), (s.M,))),
    lambda s: s.of("pair", foreign.AFFINE, s.x(s.N, s.D, 2), *s.w((2 * s.D, s.M), (s.M,))),
    lambda s: s.of("pair", foreign.TANH, s.sequences),
    lambda s: s.of("pair", foreign.SOFTMAX, s.sequences),
    conv_pair,
    pool_pair(foreign.MAX_POOL),
    pool_pair(foreign.AVG_POOL),
    batchnorm_pair,
    recurrent_pair(foreign.RNN, gates=1),
    recurrent_pair(foreign.LSTM, gates=4),
    lambda s: s.of("loss", foreign.softmax_loss, s.rows, s.classes(s.N)),
    lambda s: s.of("loss", foreign.temporal_softmax_loss, s.sequences, s.classes(s.N, s.T)),
    lambda s: s.of("loss", foreign.half_squared_loss, s.rows, s.rows),
    lambda s: s.of("layer", foreign.Recurrent, s.sequences, H=s.H),
    lambda s: s.of("layer", foreign.RotatedConv, s.images, K=s.K, F=s.F),
    lambda s: s.of("layer", foreign.MeanPool, s.images, K=s.K, stride=s.S),
    lambda s: s.of("layer", foreign.Scale, s.rows),
    lambda s: s.of("layer", bp.Dense, s.rows, units=s.M),
    lambda s: s.of("layer", bp.Conv2D, s.images, filters=s.F, size=s.K, stride=s.S, padding=s.P),
    lambda s: s.of("layer", bp.MaxPool, s.images, size=s.K, stride=s.S, padding=s.P),
    lambda s: s.of("layer", bp.AvgPool, s.images, size=s.K, stride=s.S, padding=s.P),
    lambda s: s.of("layer", bp.RNN, s.sequences, units=s.H),
    lambda s: s.of("layer", bp.LSTM, s.sequences, units=s.H, reverse=s.turned),
    lambda s: s.of("layer", bp.Softmax, s.rows),
    lambda s: s.of("layer", bp.Dropout, s.rows, rate=0.3),
    *(
        lambda s, code=code: s.of("layer", code, s.rows)
        for code in (bp.Sigmoid, bp.Tanh, bp.ReLU, bp.ELU, bp.GELU, bp.Softplus, bp.SiLU)
    ),
    lambda s: s.of("scipy", foreign.RIDGE, s.x(s.D)),
    lambda s: s.of("scipy", foreign.MEAN_SQUARED, s.x(s.D)),
    lambda s: s.of("scipy", foreign.LOGISTIC, s.x(s.D)),
    lambda s: s.of("scipy", foreign.ROSENBROCK, s.x(s.D + 1)),
    lambda s: s.of("scipy", foreign.LOG_SUM_EXP, s.x(s.D)),
]
