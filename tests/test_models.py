"""The models of the command line: what they are made of and what they cannot take."""

import numpy as np
import pytest

from backprop.layers import Conv2D, Flatten, Reshape
from backprop.losses import HalfSquaredError, SoftmaxCrossEntropy
from backprop.models import MODELS, Model, gru, lenet, lstm, mlp, rnn, zhang
from backprop.optimizers import SGD
from backprop.training import TrainStep

MNIST = (28, 28, 1)


def built(make, in_shape=MNIST, classes=10):
    model = make(in_shape, classes)
    assert model.net.build(in_shape, rng=0) == (classes,)
    return model


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (mlp, 784 * 128 + 128 + 128 * 10 + 10),
        (
            lenet,
            (25 * 6 + 6)
            + (25 * 6 * 16 + 16)
            + (400 * 120 + 120)
            + (120 * 84 + 84)
            + (84 * 10 + 10),
        ),
        (zhang, 3898),
        (rnn, (28 + 128 + 1) * 128 + 129 * 10),
        (lstm, (28 + 128 + 1) * 512 + 129 * 10),
        (gru, (28 + 128 + 1) * 384 + 128 + 129 * 10),
    ],
)
def test_parameters_on_mnist(make, count):
    assert built(make).net.param_count == count


def test_names():
    assert sorted(MODELS) == ["cnn", "gru", "lenet", "lstm", "mlp", "rnn", "zhang"]


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("in_shape", [MNIST, (32, 30, 3)])
def test_one_update_lowers_the_loss_of_its_batch(make, in_shape):
    model = built(make, in_shape, classes=4)
    x = np.random.default_rng(0).random((8, *in_shape), np.float32)
    y = np.arange(8) % 4

    def loss():
        return model.loss.forward(model.net.predict(x), y)[0]

    before = loss()
    TrainStep(model.net, model.loss, model.optimizer, clip=model.clip)(x, y, rate=1e-3)
    assert loss() < before


@pytest.mark.parametrize("name", ["cnn", "mlp", "rnn", "lstm", "gru"])
def test_what_fits_the_shipped_digits(name):
    built(MODELS[name], (8, 8, 1))


@pytest.mark.parametrize(("make", "size"), [(lenet, 4), (zhang, 2)])
def test_what_does_not_says_so(make, size):
    model = make((8, 8, 1), 10)
    with pytest.raises(ValueError, match="expects") as error:
        model.net.build((8, 8, 1), rng=0)
    assert str(error.value) == (
        "Conv2D 'conv2d_2' expects images that a 5x5 window fits into with padding (0, 0), "
        f"got (N, {size}, {size}, 6)"
    )


@pytest.mark.parametrize("make", [rnn, lstm, gru])
def test_rows_need_images(make):
    with pytest.raises(ValueError, match="expects") as error:
        make((64,), 10)
    assert str(error.value) == (
        f"{make.__name__} expects images of shape (N, H, W, C), got (N, 64)"
    )


def test_recurrent_models_read_rows():
    assert built(lstm, (5, 4, 3)).net[0].settings == {"shape": (5, 12)}
    assert isinstance(rnn((5, 4, 3), 2).net[0], Reshape)


def test_zhang_is_the_paper():
    model = built(zhang)
    kernels = [layer for layer in model.net if isinstance(layer, Conv2D)]
    assert all(layer.flip for layer in kernels)
    bounds = [0.1851640199545103, 0.11547005383792516, 0.1723454968864278]
    for layer, bound in zip((*kernels, model.net[-2]), bounds, strict=True):
        assert 0.98 * bound < np.abs(layer.W).max() <= np.float32(bound)
        assert not layer.b.any()
    assert [layer.order for layer in model.net if isinstance(layer, Flatten)] == ["columns"]
    assert isinstance(model.optimizer, SGD)
    assert (model.optimizer.rate, model.optimizer.momentum, model.batch_size) == (1.0, 0.0, 50)
    assert isinstance(model.loss, HalfSquaredError)
    assert model.loss.reduction == "mean"
    assert model.schedule(10)(7.5) == 1.0


@pytest.mark.parametrize(("examples", "epochs"), [(1000, 25), (60_000, 1), (333, 75), (9, 200)])
def test_epochs_come_nearest_to_the_updates(examples, epochs):
    model = Model(mlp(MNIST, 10).net, batch_size=10, updates=2500)
    assert model.epochs(examples) == epochs


def test_rates_fall_to_zero_at_the_end():
    model = mlp(MNIST, 10)
    assert isinstance(model.loss, SoftmaxCrossEntropy)
    schedule = model.schedule(4)
    assert [schedule(epoch) for epoch in (0, 2, 4)] == pytest.approx([1, 0.5, 0], abs=1e-15)
