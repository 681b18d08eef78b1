"""What a thing is taken for, and where its parameters and gradients are found."""

import numpy as np
import pytest

import backprop as bp
from backprop.checks import Function, OfLoss, OnSelf, Pair, WithCache
from backprop.selfcheck import spread

x = spread((3, 4), 0)


class Gain:
    """y = g x, its gradient kept in many ways."""

    def __init__(self, way):
        self.way = way
        self.g = np.linspace(0.5, 1.5, 4)
        if way == "params dict, grads dict":
            self.params = {"g": self.g}
        if way == "params list, grads list":
            self.params = [self.g]

    def forward(self, x):
        self.x = x
        return x * self.g

    def backward(self, delta):
        gradient = (delta * self.x).sum(axis=0)
        match self.way:
            case "params dict, grads dict":
                self.grads = {"g": gradient}
            case "params list, grads list":
                self.grads = [gradient]
            case "grads dict with d":
                self.grads = {"dg": gradient}
            case "returns nothing":
                self.dg, self.dx = gradient, delta * self.g
                return None
            case "returns a tuple":
                self.dg = gradient
                return (delta * self.g,)
            case spelled:
                setattr(self, spelled, gradient)
        return delta * self.g


WAYS = [
    *("dg", "d_g", "grad_g", "g_grad", "gradg", "gg"),
    *("params dict, grads dict", "params list, grads list", "grads dict with d"),
    *("returns nothing", "returns a tuple"),
]


@pytest.mark.parametrize("way", WAYS)
def test_gradients_are_found_however_they_are_kept(way):
    thing = Gain(way)
    before = thing.g.copy()
    report = bp.gradcheck(thing, x)
    assert report, report
    assert [row.name for row in report.comparisons] == ["x", "g"]
    assert report.taken_for == "forward and backward with their state on self"
    assert np.array_equal(thing.g, before)
    assert not hasattr(thing, "x")  # only a copy has run


def test_unusual_names_are_given():
    class Odd(Gain):
        def backward(self, delta):
            self.slope_of_gain = (delta * self.x).sum(axis=0)
            return delta * self.g

    report = bp.gradcheck(Odd(""), x)
    assert [finding.kind for finding in report.findings] == ["missing gradient"]
    report = bp.gradcheck(OnSelf(Odd(""), params={"g": "slope_of_gain"}), x)
    assert report, report
    assert report["g"].shape == (4,)


def test_a_parameter_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="gradcheck expects parameters among g, got W") as e:
        bp.gradcheck(OnSelf(Gain("dg"), params=["W"]), x)
    assert str(e.value) == "gradcheck expects parameters among g, got W"


def test_gradients_that_add_up_are_set_to_zero_where_the_layer_can():
    class Adding(Gain):
        def zero_grad(self):
            self.dg = 0.0

        def backward(self, delta):
            self.dg = self.dg + (delta * self.x).sum(axis=0)
            return delta * self.g

    assert bp.gradcheck(Adding("dg"), x)


def test_running_averages_are_no_parameters():
    class Averaging(Gain):
        def __init__(self):
            super().__init__("dg")
            self.mean = np.zeros(4)

        def forward(self, x):
            self.mean = 0.9 * self.mean + 0.1 * x.mean(axis=0)
            return super().forward(x)

    assert bp.gradcheck(Averaging(), x)


@pytest.mark.parametrize("returned", ["dict", "dict with d", "tuple"])
def test_a_foreign_layer_with_a_cache(returned):
    class Cached:
        def __init__(self):
            self.g = np.linspace(0.5, 1.5, 4)

        def forward(self, x):
            return x * self.g, x

        def backward(self, delta, cache):
            dx, dg = delta * self.g, (delta * cache).sum(axis=0)
            forms = {"dict": (dx, {"g": dg}), "dict with d": (dx, {"dg": dg}), "tuple": (dx, dg)}
            return forms[returned]

    for thing in (Cached(), WithCache(Cached()), WithCache(Cached(), params=["g"])):
        report = bp.gradcheck(thing, x)
        assert report, report
        assert report.taken_for == "forward and backward with a cache"
        assert [row.name for row in report.comparisons] == ["x", "g"]


def scale_forward(x, gain, settings):
    return x * gain * settings["factor"], (x, gain, settings)


def scale_backward(dout, cache):
    x, gain, settings = cache
    return dout * gain * settings["factor"], (dout * x).sum(axis=0) * settings["factor"]


@pytest.mark.parametrize("wrap", [tuple, lambda pair: Pair(*pair)])
def test_a_pair_of_functions_names_its_arguments(wrap):
    gain = np.linspace(1, 2, 4)
    report = bp.gradcheck(wrap((scale_forward, scale_backward)), x, gain, {"factor": 3.0})
    assert report, report
    assert report.taken_for == "a pair of functions with a cache"
    assert [row.name for row in report.comparisons] == ["x", "gain"]


def test_several_outputs_take_several_deltas():
    def forward(x, c):
        return np.tanh(x) * c, c**2, (x, c)

    def backward(d_one, d_two, cache):
        x, c = cache
        return d_one * c * (1 - np.tanh(x) ** 2), d_one * np.tanh(x) + 2 * d_two * c

    report = bp.gradcheck((forward, backward), x, spread((3, 4), 1))
    assert report, report


def cubes(v):
    return (v**3).sum()


@pytest.mark.parametrize(
    "thing",
    [
        (cubes, lambda v: 3 * v**2),
        Function(cubes, lambda v: 3 * v**2),
        lambda v: (cubes(v), 3 * v**2),
        Function(lambda v: (cubes(v), {"v": 3 * v**2})),
    ],
)
def test_a_function_and_its_gradient(thing):
    report = bp.gradcheck(thing, np.linspace(-1, 2, 5))
    assert report, report
    assert report.taken_for == "a function and its gradient"
    assert report["v"].shape == (5,)


def test_a_function_may_have_no_gradient_of_its_data():
    fit = lambda w, X, y: (((X @ w - y) ** 2).sum(), 2 * X.T @ (X @ w - y))  # noqa: E731
    report = bp.gradcheck(fit, spread((4,), 1), x, spread((3,), 2))
    assert report, report
    assert [row.name for row in report.comparisons] == ["w"]
    assert "note: X: no gradient, not checked" in str(report)


def test_a_loss_of_ours_or_of_others():
    target = np.array([1, 0, 3])
    for thing in (bp.SoftmaxCrossEntropy(), OfLoss(bp.SoftmaxCrossEntropy(), target)):
        given = {} if isinstance(thing, OfLoss) else {"target": target}
        report = bp.gradcheck(thing, x, **given)
        assert report, report
        assert report.taken_for == "a loss"


def test_a_foreign_layer_under_a_loss():
    report = bp.gradcheck(Gain("dg"), x, loss=bp.SoftmaxCrossEntropy(), target=np.array([1, 0, 3]))
    assert report, report
    assert report.taken_for == (
        "forward and backward with their state on self under SoftmaxCrossEntropy"
    )


def test_float32_is_checked_in_float64_and_told_besides():
    thing = Gain("dg")
    thing.g = thing.g.astype(np.float32)
    report = bp.gradcheck(thing, x.astype(np.float32))
    assert report, report
    assert report["g"].complex_error < 1e-12
    assert 1e-9 < report["g"].float32_error < 1e-5
    assert thing.g.dtype == np.float32


def test_a_network_of_float32_is_reported_too():
    net = bp.Network([bp.Dense(4), bp.Tanh(), bp.Dense(2)])
    net.build((4,), rng=0)
    report = bp.gradcheck(net, x)
    assert all(1e-9 < row.float32_error < 1e-5 for row in report.comparisons)
    assert net.dtype == np.float32


def test_large_tensors_are_sampled_and_the_count_printed():
    report = bp.gradcheck(bp.Dense(30), spread((3, 40), 0), entries=50)
    assert "50 of 1200" in str(report)
    assert "30 of 30" in str(report)
    checked = report["W"].checked
    assert len(set(checked)) == 50
    assert np.array_equal(checked // 24, np.arange(50))  # one from each equal stretch


def test_what_the_sample_misses_the_random_directions_see():
    class OneOff(bp.Dense):
        def grads(self, delta, cache, /):
            grads = super().grads(delta, cache)
            grads["W"][17, 23] += 0.5
            return grads

    report = bp.gradcheck(OneOff(30), spread((3, 40), 0), entries=10, rng=1)
    assert 17 * 30 + 23 not in report["W"].checked
    assert report["W"].verdict == "wrong"
    assert "along a random direction through all 1200 entries the slope is" in str(report)


# Layers as they are found in the wild


class Affine:
    """y = x W, the gradient's name being the question."""

    def __init__(self, name="W", of="dW"):
        self.name, self.of = name, of
        setattr(self, name, np.cos(np.arange(8.0)).reshape(4, 2))

    def forward(self, x):
        self.x = x
        return x @ getattr(self, self.name)

    def backward(self, delta):
        setattr(self, self.of, self.x.T @ delta)
        return delta @ getattr(self, self.name).T


@pytest.mark.parametrize(
    ("name", "of"),
    [
        *(("W", of) for of in ("dW", "dw", "dL_dW", "dLdW", "nabla_W", "delta_W", "W_gradient")),
        ("_W", "_dW"),
        ("weights", "dweights"),
    ],
)
def test_more_spellings(name, of):
    report = bp.gradcheck(Affine(name, of), x)
    assert report, report
    assert [row.name for row in report.comparisons] == ["x", name]


def test_what_may_be_the_gradient_is_hinted_at():
    report = bp.gradcheck(Affine("weights", "dW"), x)
    assert [finding.kind for finding in report.findings] == ["missing gradient"]
    assert 'If it is dW, say OnSelf(thing, params={"weights": "dW"})' in str(report)
    assert bp.gradcheck(OnSelf(Affine("weights", "dW"), params={"weights": "dW"}), x)


def test_a_layer_that_was_used_before_is_as_good_as_a_new_one():
    thing = Affine()
    thing.backward(np.ones_like(thing.forward(spread((7, 4), 5))))
    report = bp.gradcheck(thing, x)
    assert report, report
    assert [row.name for row in report.comparisons] == ["x", "W"]


class Sequence:
    """Layers in a list, a dict and an attribute, each with parameters of its own."""

    def __init__(self, factor=1.0):
        self.layers = [Affine(), Gain("grads dict with d")]
        self.named = {"last": Gain("dg")}
        self.layers[1].g = np.linspace(1, 2, 2)
        self.named["last"].g = np.linspace(2, 3, 2)
        self.weights = [np.array([0.5, 1.5]), np.array([1.0, 2.0])]
        self.factor = factor

    def forward(self, x):
        for layer in (*self.layers, self.named["last"]):
            x = layer.forward(x)
        self.seen = [x, x * self.weights[0]]
        return self.seen[1] * self.weights[1]

    def backward(self, delta):
        self.dweights = [0, (delta * self.seen[1]).sum(axis=0)]
        delta = delta * self.weights[1]
        self.dweights[0] = (delta * self.seen[0]).sum(axis=0)
        delta = delta * self.weights[0]
        for layer in (self.named["last"], *reversed(self.layers)):
            delta = layer.backward(delta)
        self.layers[0].dW = self.layers[0].dW * self.factor
        return delta


def test_parameters_of_parts_are_found():
    report = bp.gradcheck(Sequence(), x)
    assert report, report
    assert {row.name for row in report.comparisons} == {
        *("x", "weights[0]", "weights[1]", "layers[0].W", "layers[1].g", "named.last.g"),
    }
    report = bp.gradcheck(Sequence(factor=-7.0), x)
    assert report["layers[0].W"].verdict == "wrong"
    assert [row.name for row in report.comparisons if not row.ok] == ["layers[0].W"]


def test_slots_whole_numbers_and_settings_of_backward():
    class Slotted:
        __slots__ = ("W", "dW", "x")

        def __init__(self):
            self.W = np.array([[1, 2], [3, 4], [5, 6], [0, 1]])

        def forward(self, x):
            self.x = x
            return x @ self.W

        def backward(self, delta, learning_rate=0.0, **rest):
            self.dW = self.x.T @ delta
            return delta @ self.W.T

    thing = Slotted()
    report = bp.gradcheck(thing, x)
    assert report, report
    assert [row.name for row in report.comparisons] == ["x", "W"]
    assert thing.W.dtype.kind == "i"


def test_a_plain_number_with_a_gradient_is_told():
    class Slope:
        def __init__(self):
            self.a = 0.25

        def forward(self, x):
            self.x = x
            return np.where(x > 0, x, self.a * x)

        def backward(self, delta):
            self.da = float((delta * np.minimum(self.x, 0)).sum())
            return delta * np.where(self.x > 0, 1, self.a)

    assert "note: a is a plain number and was not checked" in str(bp.gradcheck(Slope(), x))


def test_buffers_changed_in_place_are_no_parameters():
    class Averaging(Gain):
        def __init__(self):
            super().__init__("dg")
            self.mean = np.zeros(4)

        def forward(self, x):
            self.mean *= 0.9
            self.mean += 0.1 * x.mean(axis=0)
            return super().forward(x)

    report = bp.gradcheck(Averaging(), x)
    assert report, report
    assert not report.findings


@pytest.mark.parametrize("form", ["tuple", "dict", "list"])
def test_backward_may_return_the_gradients_of_parameters_too(form):
    class Returning:
        def __init__(self):
            self.b, self.W = np.zeros(2), np.cos(np.arange(8.0)).reshape(4, 2)

        def forward(self, x):
            self.x = x
            return x @ self.W + self.b

        def backward(self, delta):
            dx, dW, db = delta @ self.W.T, self.x.T @ delta, delta.sum(axis=0)
            return {"tuple": (dx, dW, db), "list": [dx, dW, db]}.get(
                form, {"x": dx, "dW": dW, "db": db}
            )

    report = bp.gradcheck(Returning(), x)
    assert report, report
    assert {row.name for row in report.comparisons} == {"x", "b", "W"}


def test_a_dict_of_parameters_may_be_an_argument():
    def loss(params, X):
        h = np.tanh(X @ params["W"] + params["b"])
        dz = 2 * h * (1 - h**2)
        return (h**2).sum(), {"dW": X.T @ dz, "db": dz.sum(axis=0)}

    params = {"W": spread((4, 2), 1), "b": spread((2,), 2)}
    report = bp.gradcheck(loss, params, x)
    assert report, report
    assert {row.name for row in report.comparisons} == {"W", "b"}


def test_a_loss_with_its_state_on_self():
    class Square:
        def forward(self, y, target):
            self.d = y - target
            return (self.d**2).sum()

        def backward(self):
            return 2 * self.d

    report = bp.gradcheck(Square(), x, target=spread((3, 4), 1))
    assert report, report


def test_small_gradients_are_held_to_their_own_size():
    class Deep:
        """Ten logistic units in a row, in code that lets no complex number pass."""

        def __init__(self, right):
            self.right = right

        def forward(self, x):
            self.ys = [np.array(x, float)]
            for _ in range(10):
                self.ys.append(1 / (1 + np.exp(-self.ys[-1])))
            return self.ys[-1]

        def backward(self, delta):
            for y in reversed(self.ys[1:]):
                delta = delta * y * (1 - y)
            return delta if self.right else 0 * delta

    assert bp.gradcheck(Deep(True), x)
    assert bp.gradcheck(Deep(False), x)["x"].verdict == "wrong"


def test_an_output_that_is_no_number_is_a_finding():
    class Root:
        def forward(self, x):
            self.x = x
            return np.sqrt(x)

        def backward(self, delta):
            return delta / (2 * np.sqrt(self.x))

    report = bp.gradcheck(Root(), -np.abs(x))
    assert [finding.kind for finding in report.findings] == ["not finite"]
    assert "forward returns NaN or infinity for these inputs" in str(report)


def test_a_large_layer_ends_in_time():
    report = bp.gradcheck(bp.Dense(256), np.random.default_rng(0).standard_normal((16, 256)))
    assert report, report
    assert len(report["W"].checked) <= 300
    assert len(report["W"].taken) == 3


def test_a_method_that_returns_a_loss_and_its_gradients():
    class TwoLayers:
        def __init__(self, wrong=1.0):
            self.params = {"W1": spread((4, 3), 1), "b1": np.ones(3), "W2": spread((3, 2), 2)}
            self.wrong = wrong

        def loss(self, X, y, reg=0.5):
            p = self.params
            h = np.tanh(X @ p["W1"] + p["b1"])
            scores = h @ p["W2"]
            z = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            hit = np.arange(2) == y[:, None]
            loss = -np.log(z)[hit].mean() + reg * (p["W1"] ** 2).sum()
            ds = (z - hit) / len(X)
            dz = ds @ p["W2"].T * (1 - h**2)
            grads = {"W2": h.T @ ds, "b1": dz.sum(axis=0)}
            grads["W1"] = self.wrong * (X.T @ dz + 2 * reg * p["W1"])
            return loss, grads

    report = bp.gradcheck(TwoLayers().loss, x, np.array([0, 1, 1]))
    assert report, report
    assert report.taken_for == "a method that returns a number and its gradients"
    assert {row.name for row in report.comparisons} == {"W1", "b1", "W2"}
    report = bp.gradcheck(TwoLayers(wrong=2.0).loss, x, np.array([0, 1, 1]))
    assert report["W1"].verdict == "wrong"


def test_a_list_of_steps_is_one_array():
    class Steps:
        def forward(self, x):
            self.x = x
            return [step**2 for step in x]

        def backward(self, delta):
            return [2 * step * d for step, d in zip(self.x, delta, strict=True)]

    report = bp.gradcheck(Steps(), x)
    assert report, report


def test_ties_that_the_complex_step_decides_otherwise_are_no_mistake():
    class Pool:
        """The largest of four, of which many are equal; a complex maximum is another one."""

        def forward(self, x):
            self.winner = x.argmax(axis=-1)
            return x.max(axis=-1)

        def backward(self, delta):
            return delta[..., None] * (np.arange(4) == self.winner[..., None])

    many = np.maximum(np.round(np.random.default_rng(0).standard_normal((40, 30, 4))), 0)
    assert bp.gradcheck(Pool(), many)


def test_a_parameter_may_be_a_view_of_the_one_that_has_the_gradient():
    class Flat:
        def __init__(self):
            self.theta = np.cos(np.arange(8.0))
            self.W = self.theta.reshape(4, 2)

        def forward(self, x):
            self.x = x
            return x @ self.W

        def backward(self, delta):
            self.dtheta = (self.x.T @ delta).ravel()
            return delta @ self.W.T

    report = bp.gradcheck(Flat(), x)
    assert report, report
    assert [row.name for row in report.comparisons] == ["x", "theta"]


def test_what_a_function_of_the_constructor_reads_is_told():
    class Closed:
        def __init__(self):
            self.W = np.cos(np.arange(8.0)).reshape(4, 2)
            self.apply = lambda x: x @ self.W

        def forward(self, x):
            self.x = x
            return self.apply(x)

        def backward(self, delta):
            self.dW = self.x.T @ delta
            return delta @ self.W.T

    report = bp.gradcheck(Closed(), x)
    assert "W was not checked: forward reads it through a function that was made" in str(report)
    assert not report


def test_a_setting_among_the_arguments_takes_no_gradient():
    class Flagged:
        def __init__(self):
            self.W = np.cos(np.arange(8.0)).reshape(4, 2)

        def forward(self, x, training=True):
            return x @ self.W, x

        def backward(self, delta, x):
            return delta @ self.W.T, x.T @ delta

    for given in ((x,), (x, True)):
        report = bp.gradcheck(Flagged(), *given)
        assert report, report
        assert {row.name for row in report.comparisons} >= {"W"}


@pytest.mark.parametrize("form", [dict, list])
def test_a_pair_may_return_a_dict_or_a_list(form):
    def forward(x, w):
        return x @ w, (x, w)

    def backward(delta, cache):
        x, w = cache
        dx, dw = delta @ w.T, x.T @ delta
        return {"dx": dx, "dw": dw} if form is dict else [dx, dw]

    assert bp.gradcheck((forward, backward), x, spread((4, 2), 1))


def test_a_gradient_may_be_a_list_of_numbers():
    f, gradient = lambda v: v[0] ** 2 + v[1] ** 3, lambda v: [2 * v[0], 3 * v[1] ** 2]
    assert bp.gradcheck((f, gradient), np.array([1.0, 2.0]))


def test_token_ids_in_a_list():
    class Table:
        def __init__(self, right):
            self.W, self.right = np.cos(np.arange(10.0)).reshape(5, 2), right

        def forward(self, ids):
            self.ids = ids
            return self.W[ids]

        def backward(self, delta):
            self.dW = np.zeros_like(self.W)
            if self.right:
                np.add.at(self.dW, self.ids, delta)
            else:
                self.dW[self.ids] = delta

    assert bp.gradcheck(Table(True), [1, 2, 2])
    report = bp.gradcheck(Table(False), [1, 2, 2])
    assert report["W"].verdict == "wrong"


def test_a_loss_that_changes_its_target_leaves_ours_alone():
    class Greedy:
        def forward(self, y, target):
            target -= y
            return (target**2).sum(), target

        def backward(self, cache):
            return -2 * cache

    target = np.ones((3, 4))
    assert not bp.gradcheck(Greedy(), x, target=target)
    assert np.array_equal(target, np.ones((3, 4)))


def test_a_function_without_a_gradient_is_told_what_is_missing():
    message = (
        "gradcheck expects a function that returns its value and its gradient, or a pair of"
        " functions, got cubes, which returns one number"
    )
    with pytest.raises(TypeError) as caught:
        bp.gradcheck(cubes, np.ones(3))
    assert str(caught.value) == message


def test_numbers_that_forward_does_not_take_are_no_crash():
    class Ranged:
        def forward(self, x):
            assert x.max() <= 1, "between 0 and 1"
            self.x = x
            return x**2

        def backward(self, delta):
            return 2 * self.x * delta

    report = bp.gradcheck(Ranged(), np.array([[0.5, 1.0]]))
    assert report["x"].verdict in ("ok", "cannot tell")
