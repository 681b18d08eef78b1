"""What is compared with PyTorch. Nothing here needs it."""

from .. import layers, losses, penalties, schedules
from ..network import Network
from ..optimizers import SGD, AdaGrad, Adam, AdamW, RMSProp
from .case import LayerCase, LossCase, OptimizerCase, PenaltyCase, ScheduleCase, TrainingCase


def _wired(*steps):
    net = Network()
    for layer, *values in steps:
        net.add(layer, *values)
    return net


def _layers():
    """Return every public layer in several configurations."""
    row, image, odd = (4, 5), (2, 6, 8, 3), (2, 5, 7, 2)
    sequence, state, mask = (3, 6, 4), (3, 5), (3, 6)
    shared = layers.Dense(5)
    activations = [
        layers.Identity(),
        layers.Sigmoid(),
        layers.Tanh(),
        layers.ReLU(),
        layers.LeakyReLU(),
        layers.LeakyReLU(slope=0.3),
        layers.PReLU(),
        layers.PReLU(shared=True),
        layers.ELU(),
        layers.ELU(alpha=0.7),
        layers.SELU(),
        layers.GELU(),
        layers.Softplus(),
        layers.Softsign(),
        layers.SiLU(),
        layers.Softmax(),
    ]
    pools = [
        (2, {}),
        (3, {"stride": 1}),
        (3, {"stride": 2, "padding": 1}),
        ((1, 3), {"stride": (2, 1)}),
        (3, {"padding": (2, 1)}),
        ((3, 4), {"stride": 2, "padding": "same"}),
    ]
    return [
        LayerCase(layers.Dense(3), (row,)),
        LayerCase(layers.Dense(1), ((1, 1),)),
        LayerCase(layers.Dense(3, bias=False), (sequence,)),
        LayerCase(layers.Dense(30), ((64, 400),)),
        LayerCase(layers.Conv2D(3, 3), (image,)),
        LayerCase(layers.Conv2D(2, (2, 3), stride=(2, 1), padding=(1, 2)), (odd,)),
        LayerCase(layers.Conv2D(2, 3, dilation=2, padding=2, bias=False), (odd,)),
        LayerCase(layers.Conv2D(2, 3, padding="same"), (odd,)),
        LayerCase(layers.Conv2D(2, (4, 2), padding="same"), (odd,)),
        LayerCase(layers.Conv2D(2, 4, padding="same", stride=2), (odd,)),
        LayerCase(layers.Conv2D(2, (2, 3), padding="same", stride=3, dilation=2), (odd,)),
        LayerCase(layers.Conv2D(3, (3, 2), flip=True), (image,)),
        LayerCase(layers.Conv2D(2, 3, flip=True, padding="same", stride=2), (odd,)),
        LayerCase(layers.Conv2D(16, 5, padding=2), ((8, 28, 28, 4),)),
        LayerCase(layers.ConvTranspose2D(3, 3), (image,)),
        LayerCase(layers.ConvTranspose2D(2, 3, stride=2, padding=1, output_padding=(1, 0)), (odd,)),
        LayerCase(layers.ConvTranspose2D(2, (2, 3), dilation=2, bias=False), (odd,)),
        LayerCase(layers.ConvTranspose2D(2, 4, stride=2, padding="same"), (odd,)),
        LayerCase(layers.ConvTranspose2D(2, 2, stride=3, padding="same"), (odd,)),
        LayerCase(layers.DepthwiseConv2D(3), (image,)),
        LayerCase(layers.DepthwiseConv2D((3, 2), multiplier=2, stride=(1, 2), padding=1), (odd,)),
        LayerCase(layers.DepthwiseConv2D(4, multiplier=3, padding="same"), (odd,)),
        LayerCase(layers.DepthwiseConv2D(3, padding="same", stride=2, dilation=2), (odd,)),
        *(LayerCase(layers.MaxPool(size, **settings), (odd,)) for size, settings in pools),
        LayerCase(layers.MaxPool(2), (odd,), whole=1),
        LayerCase(layers.MaxPool(3, stride=2, padding=1), (odd,), whole=1),
        *(LayerCase(layers.AvgPool(size, **settings), (odd,)) for size, settings in pools),
        LayerCase(layers.AvgPool(3, stride=2, padding=1, count_include_pad=False), (odd,)),
        LayerCase(layers.AvgPool(2, padding="same", count_include_pad=False), (odd,)),
        LayerCase(layers.GlobalMaxPool(), (odd,)),
        LayerCase(layers.GlobalMaxPool(), (odd,), whole=1),
        LayerCase(layers.GlobalAvgPool(), (odd,)),
        *(
            LayerCase(layer, (sequence, *states))
            for layer, given in [
                (layers.RNN(5), (state,)),
                (layers.RNN(5, reverse=True), (state,)),
                (layers.RNN(5, activation="relu"), (state,)),
                (layers.LSTM(5), (state, state)),
                (layers.LSTM(5, reverse=True), (state, state)),
                (layers.GRU(5), (state,)),
                (layers.GRU(5, reverse=True), (state,)),
                (layers.GRU(5, reset_after=False), (state,)),
                (layers.Bidirectional(layers.RNN(5)), (state, state)),
                (layers.Bidirectional(layers.LSTM(5)), (state,) * 4),
                (layers.Bidirectional(layers.GRU(5), last=True), (state, state)),
            ]
            for states in ((), given)
        ),
        LayerCase(layers.RNN(5, masked=True), (sequence, state, mask)),
        LayerCase(layers.LSTM(5, masked=True), (sequence, state, state, mask)),
        LayerCase(layers.GRU(5, masked=True, reverse=True), (sequence, mask)),
        LayerCase(layers.RNN(64), ((8, 28, 28),)),
        LayerCase(layers.LSTM(64), ((8, 28, 28),)),
        LayerCase(layers.GRU(64), ((8, 28, 28),)),
        LayerCase(layers.LSTM(5, forget_bias=-1.0), ((1, 1, 1),)),
        *(LayerCase(layer, (row,)) for layer in activations),
        *(LayerCase(layer, ((4, 20),), whole=30) for layer in activations),
        LayerCase(layers.Softmax(), (sequence,)),
        *(
            LayerCase(layer, (shape,))
            for layer in (layers.LayerNorm(), layers.BatchNorm())
            for shape in (row, sequence, image)
        ),
        LayerCase(layers.LayerNorm(scale=False, shift=False, epsilon=0.1), (row,)),
        LayerCase(layers.BatchNorm(keep=0.5, epsilon=0.1), (row,)),
        LayerCase(layers.Embedding(7, 5), ((3, 6),)),
        LayerCase(layers.Dropout(), (row,)),
        LayerCase(layers.Dropout(rate=0.9), (image,)),
        LayerCase(layers.Flatten(), (image,)),
        LayerCase(layers.Flatten("columns"), (image,)),
        LayerCase(layers.Reshape((6, 24)), (image,)),
        LayerCase(layers.Last(), (sequence,)),
        LayerCase(layers.Last(reverse=True), (sequence,)),
        LayerCase(layers.Add(), (row, row, row)),
        LayerCase(layers.Concat(), (row, (4, 2))),
        LayerCase(
            Network(
                [
                    layers.Conv2D(4, 3, padding=1),
                    layers.ReLU(),
                    layers.MaxPool(2),
                    layers.Dropout(0.3),
                    layers.Flatten(),
                    layers.Dense(3),
                ]
            ),
            (image,),
        ),
        LayerCase(
            _wired((shared, 0), (layers.Tanh(), 1), (shared, 2), (layers.Add(), 0, 3)), (row,)
        ),
        LayerCase(
            _wired((layers.LSTM(3), 0), (layers.LSTM(3, reverse=True), 0), (layers.Concat(), 1, 2)),
            (sequence,),
        ),
        LayerCase(
            Network([layers.Conv2D(4, 3, bias=False), layers.BatchNorm(), layers.ReLU()]),
            (image,),
        ),
        LayerCase(
            Network([Network([layers.Dense(4), layers.Softsign()]), layers.Softmax()]), (row,)
        ),
    ]


def _losses():
    """Return every public loss with both reductions, all kinds of targets, more axes."""
    kinds = {
        losses.SoftmaxCrossEntropy: ("classes", "distributions", "rows"),
        losses.CrossEntropy: ("classes", "distributions"),
        losses.LogisticCrossEntropy: ("rows", "classes"),
        losses.BinaryCrossEntropy: ("rows", "classes"),
        losses.MeanSquaredError: ("rows", "classes"),
        losses.HalfSquaredError: ("rows", "classes"),
    }
    return [
        *(
            LossCase(kind(reduction=reduction), shape, targets)
            for kind, all_targets in kinds.items()
            for targets in all_targets
            for reduction, shape in [("mean", (5, 4)), ("sum", (5, 4)), ("mean", (3, 6, 4))]
        ),
        LossCase(losses.SoftmaxCrossEntropy(), (5, 4), "classes", scale=60.0),
        LossCase(losses.LogisticCrossEntropy(), (5, 4), "rows", scale=60.0),
    ]


def _optimizers():
    step, cosine = schedules.StepDecay(5, 0.5), schedules.CosineDecay(20, floor=0.1)
    return [
        OptimizerCase(SGD(0.1)),
        OptimizerCase(SGD(0.1, momentum=0.9)),
        OptimizerCase(SGD(0.1, momentum=0.9, nesterov=True)),
        OptimizerCase(SGD(0.1, momentum=0.9, weight_decay=0.01)),
        OptimizerCase(SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01)),
        OptimizerCase(AdaGrad(0.1)),
        OptimizerCase(RMSProp(0.01)),
        OptimizerCase(RMSProp(0.01, decay=0.9, epsilon=1e-5)),
        OptimizerCase(Adam(0.01)),
        OptimizerCase(Adam(0.01, beta1=0.8, beta2=0.99, epsilon=1e-5)),
        OptimizerCase(AdamW(0.01)),
        OptimizerCase(AdamW(0.01, weight_decay=0.1)),
        OptimizerCase(SGD(0.1), step),
        OptimizerCase(Adam(0.01), cosine),
        OptimizerCase(SGD(0.1, momentum=0.9), clip=1.0),
        OptimizerCase(Adam(0.01), clip=1.0),
    ]


def _schedules():
    return [
        ScheduleCase(schedules.ConstantRate(), 10),
        ScheduleCase(schedules.StepDecay(3, 0.5), 20),
        ScheduleCase(schedules.ExponentialDecay(0.9), 20),
        ScheduleCase(schedules.CosineDecay(20), 20),
        ScheduleCase(schedules.CosineDecay(20, floor=0.1), 20),
        ScheduleCase(schedules.WarmUp(5), 20),
        ScheduleCase(schedules.WarmUp(5, schedules.ExponentialDecay(0.9)), 20),
        ScheduleCase(schedules.ReduceOnPlateau(2, 0.5), 20),
        ScheduleCase(schedules.ReduceOnPlateau(3, 0.1, min_delta=0.05), 20),
    ]


def _trainings():
    summed = "the rounding errors of 100 updates add up"
    usual = {("w", "float32"): (1e-4, summed)}
    tipped = (
        "rounding tips a rectifier or a pool, and training goes on from there: begun from weights"
        " that differ in their last digit, our own run departs as far from itself"
    )
    of_cnn = {("losses", "float32"): (5e-2, tipped), ("w", "float32"): (1e-1, tipped)}
    names = ("mlp", "cnn", "lenet", "zhang", "rnn", "lstm", "gru")
    return [TrainingCase(name, bounds=of_cnn if name == "cnn" else usual) for name in names]


CASES = [
    *_layers(),
    *_losses(),
    PenaltyCase(penalties.L1(0.1)),
    PenaltyCase(penalties.L2(0.1)),
    *_optimizers(),
    *_schedules(),
    *_trainings(),
]
"""Everything that `parity` compares."""
