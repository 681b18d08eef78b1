"""What training takes besides the data: the same memory however many examples, or steps."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import backprop as bp
from backprop.training.examples import CHUNK

D, H, K, BATCH = 784, 64, 10, 256


def build(in_shape=(D,)):
    net = bp.Network([bp.Flatten(), bp.Dense(H), bp.ReLU(), bp.Dense(K)])
    net.build(in_shape, rng=0)
    return net


def fit(net, x, y, epochs=1):
    more = {"epochs": epochs, "batch_size": BATCH, "progress": False}
    return bp.fit(net, (x, y), loss=bp.SoftmaxCrossEntropy(), optimizer=bp.Adam(), **more)


def peak(call, *args, **more):
    """Return how many bytes a call takes at most besides what was there before."""
    tracemalloc.start()
    try:
        call(*args, **more)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def bound(net, count):
    """Return what fit may take: bytes of the model, of a batch and of the order of examples."""
    model = 8 * net.param_count  # two averages, the gradient in parts and whole, and steps between
    batch = 4 * BATCH * (D + 4 * H + 4 * K)
    looked_at = 8 * CHUNK
    return 4 * (model + batch + looked_at) + 8 * count


def examples(count):
    return np.zeros((count, D), np.float32), np.zeros(count, np.uint8)


def test_training_takes_no_more_for_more_examples():
    net = build()
    fit(net, *examples(BATCH))  # what is imported on the way counts once
    peaks = {count: peak(fit, net, *examples(count), epochs=2) for count in (20_000, 40_000)}
    for count, most in peaks.items():
        assert most < bound(net, count) < 4 * count * D / 4
    of_order, of_lists = 8 * 20_000, 64 * 40_000 // BATCH
    assert peaks[40_000] < peaks[20_000] + of_order + of_lists + 2**14


def test_evaluation_keeps_the_answers_only():
    net, loss = build(), bp.SoftmaxCrossEntropy()
    bp.evaluate(net, examples(BATCH), loss=loss)
    peaks = [
        peak(bp.evaluate, net, examples(count), loss=loss, batch_size=BATCH)
        for count in (10_000, 20_000)
    ]
    answers = 8 * 8 * 10_000  # whole numbers: the answers and the truth, in parts, joined, counted
    assert peaks[1] < peaks[0] + answers < 4 * 10_000 * D / 8


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (300, 8, 8), np.uint8), rng.integers(0, K, 300, np.uint8)


def trained(x, y):
    """Return everything that training and evaluating on these examples gives."""
    net = build(x.shape[1:])
    history = fit(net, x, y, epochs=2)
    found = bp.evaluate(net, (x, y), loss=bp.SoftmaxCrossEntropy())
    return net.parameters, history.loss, history.accuracy, found.loss, found.predictions


def test_numbers_that_stay_in_their_files_are_the_same_numbers(images, tmp_path):
    whole, y = images
    x = whole / np.float32(255)
    np.save(tmp_path / "x.npy", x)
    bp.write_idx(tmp_path / "x.idx", x)
    bp.write_idx(tmp_path / "whole.idx", whole)
    bp.write_idx(tmp_path / "y.idx", y)
    bp.write_idx(tmp_path / "wide.idx", y.astype(np.int32))
    expected = trained(x, y)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    scaled = bp.Scaled(bp.read_idx(tmp_path / "whole.idx", mmap=True))
    for inputs in (mapped, bp.read_idx(tmp_path / "x.idx", mmap=True), scaled):
        for labels in ("y.idx", "wide.idx"):
            found = trained(inputs, bp.read_idx(tmp_path / labels, mmap=True))
            for one, other in zip(found, expected, strict=True):
                assert_array_equal(one, other)


def test_scaled_images_cost_a_batch_at_a_time(tmp_path):
    bp.write_idx(tmp_path / "x", np.zeros((20_000, 28, 28), np.uint8))
    net, y = build((28, 28)), np.zeros(20_000, np.uint8)
    x = bp.Scaled(bp.read_idx(tmp_path / "x", mmap=True))
    fit(net, x[:BATCH], y[:BATCH])
    assert peak(fit, net, x, y) < bound(net, len(x))


def chunked(units, N, D):
    net = bp.Network([bp.LSTM(units), bp.Dense(K)])
    net.build((50, D), rng=0)
    return bp.TruncatedBPTT(bp.TrainStep(net, bp.SoftmaxCrossEntropy(), bp.Adam())), net


def test_long_sequences_may_be_mapped_and_scaled(tmp_path):
    rng = np.random.default_rng(0)
    whole = rng.integers(0, 256, (3, 200, 5), np.uint8)
    y = rng.integers(0, K, (3, 200))
    bp.write_idx(tmp_path / "x", whole)
    found = []
    for x in (whole / np.float32(255), bp.Scaled(bp.read_idx(tmp_path / "x", mmap=True))):
        train, net = chunked(6, 3, 5)
        found.append((train(x, y), net.parameters))
    assert found[0][0] == found[1][0]
    assert_array_equal(found[0][1], found[1][1])


# In full


@pytest.mark.slow
@pytest.mark.parametrize("where", ["memory", "npy", "idx", "scaled"])
def test_sixty_thousand_images(tmp_path, where):
    count = 60_000
    x, y = examples(count)
    if where == "npy":
        np.save(tmp_path / "x.npy", x)
        x = np.load(tmp_path / "x.npy", mmap_mode="r")
    elif where != "memory":
        bp.write_idx(tmp_path / "x", x if where == "idx" else x.astype(np.uint8))
        x = bp.read_idx(tmp_path / "x", mmap=True)
    net = build()
    fit(net, *examples(BATCH))
    x = bp.Scaled(x) if where == "scaled" else x
    assert peak(fit, net, x, y, epochs=2) < bound(net, count) < 4 * count * D / 16


@pytest.mark.slow
@pytest.mark.parametrize("scaled", [False, True])
def test_ten_thousand_steps(tmp_path, scaled):
    peaks = []
    for steps in (1_000, 10_000):
        kind = np.uint8 if scaled else np.float32
        x = np.lib.format.open_memmap(tmp_path / f"{steps}.npy", "w+", kind, (4, steps, 200))
        x, y = bp.Scaled(x) if scaled else x, np.zeros((4, steps), np.uint8)
        train, _ = chunked(128, 4, 200)
        train(x[:, :50], y[:, :50])
        peaks.append(peak(train, x, y))
    # The losses of 200 chunks instead of 20; a chunk of the input is 160 kB.
    assert peaks[1] < peaks[0] + 2**14 + 180 * 256
