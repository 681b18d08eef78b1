"""What the report shows, draws and writes; the smallest input; raw images and their kinks."""

import json

import numpy as np
import pytest

import backprop as bp
from backprop.selfcheck import spread
from checks.planted import PLANTED
from mnist import MNIST, needs_mnist


def planted(kind, style="self"):
    return next(p for p in PLANTED if p.kind == kind and p.style == style)


def report_on(kind, style="self"):
    each = planted(kind, style)
    return bp.gradcheck(each.make(), *each.inputs)


def test_a_students_lstm_without_the_cell_delta():
    for style in ("pair", "self"):
        report = report_on("cell delta not carried", style)
        assert [each.kind for each in report.diagnoses] == ["cell delta not carried"]
        assert "where it is dc = dc_next + dh * o * tanh'(c)" in str(report)
        assert report.smallest.shapes["x"][1] == 2  # with one step nothing is carried


def test_the_smallest_input_is_small():
    report = report_on("kernel not rotated", "layer")
    assert report.smallest.shapes == {"x": (1, 3, 3, 1)}
    assert np.allclose(report.smallest.gradient[0, ::-1, ::-1], report.smallest.estimate[0])
    assert "smallest input that fails: x (1, 3, 3, 1); there dx is\n[[" in str(report)


def test_a_mistake_that_needs_two_examples_keeps_them():
    report = report_on("sum over the batch missing")
    assert report.smallest.shapes["x"][0] == 2


def test_numbers_that_no_mistake_explains_are_located():
    class OneRow(bp.Tanh):
        def backward(self, delta, cache, /):
            dx = delta * (1 - cache**2)
            dx[1] += np.cos(np.arange(dx[1].size)).reshape(dx[1].shape)
            return dx, {}

    report = bp.gradcheck(OneRow(), spread((3, 4), 0))
    assert not report.diagnoses
    assert (
        "x: no mistake of the catalogue gives these numbers; they are wrong only at 1 of axis 0"
        " (3 long)" in str(report)
    )


def test_an_explanation_is_not_looked_for_unless_wanted():
    each = planted("kernel not rotated")
    report = bp.gradcheck(each.make(), *each.inputs, explain=False)
    assert not report
    assert not report.diagnoses
    assert report.smallest is None


def test_worst_is_the_worst_verdict_first():
    report = report_on("kernel not rotated", "layer")
    assert report.worst().name == "x"
    assert report.worst().verdict == "wrong"


@pytest.mark.parametrize("kind", ["cell delta not carried", "wrong shape", "overwrites delta"])
def test_json_says_what_the_report_says(kind, tmp_path):
    report = report_on(kind, "self")
    path = tmp_path / "report.json"
    text = report.to_json(path)
    assert path.read_text(encoding="utf8") == text + "\n"
    found = json.loads(text)
    assert found["verdict"] == "wrong"
    assert found["taken_for"] == report.taken_for
    assert [row["name"] for row in found["tensors"]] == [row.name for row in report.comparisons]
    assert [d["kind"] for d in found["diagnoses"]] == [d.kind for d in report.diagnoses]
    assert [f["kind"] for f in found["findings"]] == [f.kind for f in report.findings]
    for row in found["tensors"]:
        assert row["checked"] == len(report[row["name"]].checked)
        assert row["worst"]["gradient"] == report[row["name"]].at(tuple(row["worst"]["index"]))[0]


def drawn(picture):
    """Return the panels with entries and the maps of a picture."""
    panels = [axes for axes in picture.axes if axes.get_label() != "<colorbar>"]
    return panels[::2], panels[1::2]


def test_the_picture_shows_the_entries_and_where_they_differ():
    report = report_on("kernel not rotated", "layer")
    picture = report.plot()
    entries, maps = drawn(picture)
    assert len(entries) == len(maps) == 3
    wrong = report["x"]
    xs, ys = np.concatenate([c[0].get_xydata() for c in entries[0].containers]).T
    assert np.allclose(np.sort(xs), np.sort(wrong.best))
    assert np.allclose(np.sort(ys), np.sort(wrong.of_checked))
    shown = maps[0].images[0].get_array()
    # images (2, 5, 4, 2) as tiles: examples in rows, channels in columns, a gap between
    error = (wrong.analytic - wrong.estimated) / wrong.scale
    assert shown.shape == (2 * 6 - 1, 2 * 5 - 1)
    assert np.allclose(shown[:5, :4], error[0, :, :, 0])
    assert np.allclose(shown[6:, 5:], error[1, :, :, 1])
    assert picture.png().startswith(b"\x89PNG")


def test_the_picture_parts_the_gates():
    _, maps = drawn(report_on("cell delta not carried", "pair").plot())
    cuts = [len(axes.lines) for axes in maps]
    assert cuts == [0, 0, 3, 3, 3]  # x, h0; Wx, Wh, b have four gates


def test_the_picture_shows_one_sided_slopes():
    report = bp.gradcheck(bp.ReLU(), np.array([[0.0, 1.0, -1.0]]))
    (entries,), (error,) = drawn(report.plot())
    assert "undefined here: 1" in [t.get_text() for t in entries.get_legend().get_texts()]
    assert len(error.patches) == 1


def conv_net(conv, shape, rng=0):
    net = bp.Network([conv, bp.ReLU(), bp.MaxPool(2), bp.Flatten(), bp.Dense(10)])
    net.build(shape, rng=rng)
    return net


class Unrotated(bp.Conv2D):
    """A convolution whose dx is taken with the kernel the wrong way round."""

    def backward(self, delta, cache, /):
        turned = bp.Conv2D(self.filters, self.size)
        vars(turned).update(vars(self), W=self.W[::-1, ::-1])
        return bp.Conv2D.backward(turned, delta, cache)[0], self.grads(delta, cache)


def check_raw_images(images, classes, entries):
    """The acceptance case: zero bias, ReLU and MaxPool on images that are mostly zero."""
    loss = {"loss": bp.SoftmaxCrossEntropy(), "target": classes, "entries": entries}
    windows = np.lib.stride_tricks.sliding_window_view(images[..., 0], (3, 3), axis=(1, 2))
    assert (windows == 0).all(axis=(-1, -2)).mean() > 0.1
    report = bp.gradcheck(conv_net(bp.Conv2D(4, 3), images.shape[1:]), images, **loss)
    assert report, report
    row = report["x"]
    assert row.verdict == "undefined here"
    assert row.kinks.any()
    assert "x: undefined at" in str(report)
    assert row.complex_error < 1e-12
    wrong = bp.gradcheck(conv_net(Unrotated(4, 3), images.shape[1:]), images, **loss)
    assert wrong["x"].verdict == "wrong"
    assert [r.verdict for r in wrong.comparisons[1:]] == [r.verdict for r in report.comparisons[1:]]


def test_raw_digits_pass_with_their_kinks_listed():
    data = bp.load_data("digits")
    framed = np.pad(data.x_train[:2], ((0, 0), (4, 4), (4, 4), (0, 0)))
    check_raw_images(framed, data.y_train[:2], entries=60)


@pytest.mark.slow
@needs_mnist
def test_raw_mnist_passes_with_its_kinks_listed():
    images = bp.read_idx(MNIST / "train-images-idx3-ubyte.gz")[:4, ..., np.newaxis] / 255
    classes = bp.read_idx(MNIST / "train-labels-idx1-ubyte.gz")[:4]
    check_raw_images(images, classes, entries=300)
