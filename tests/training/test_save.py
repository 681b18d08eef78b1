"""Networks in files: the same bits back, and nothing from a file that was not so written."""

import json
import os
import struct
import sys

import numpy as np
import pytest
import safetensors.numpy

from backprop.initializers import Given, Initializer, Orthogonal
from backprop.layer import Layer
from backprop.layers import Add, BatchNorm, Dense, Dropout, Tanh
from backprop.network import Network
from backprop.training import load, save
from cases import CASES


def build(layers, in_shape, dtype=np.float32):
    net = Network(layers)
    net.build(in_shape, rng=0, dtype=dtype)
    return net


def raised(kind, call, *args, **kwargs):
    with pytest.raises(kind) as caught:
        call(*args, **kwargs)
    return str(caught.value)


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


# Round trips


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_layer_comes_back_with_the_same_bits(case, tmp_path):
    net = Network(inputs=len(case.shapes))
    net.add(case.build(), *range(len(case.shapes)))
    net.build(*(shape[1:] for shape in case.shapes), rng=0)
    net.parameters[...] = np.random.default_rng(1).standard_normal(net.parameters.size)
    net.forward(*case.inputs(np.float32, seed=5))
    save(net, tmp_path / "net.safetensors")
    twin = load(tmp_path / "net.safetensors")
    assert repr(twin) == repr(net)
    assert [layer.name for layer in twin] == [layer.name for layer in net]
    assert list(twin.params) == list(net.params)
    assert same_bits(twin.parameters, net.parameters)
    x = case.inputs(np.float32)
    assert list(twin.averages) == list(net.averages)
    assert all(same_bits(twin.averages[key], net.averages[key]) for key in net.averages)
    assert same_bits(net.predict(*x), twin.predict(*x))
    ys = [each.forward(*x, rng=np.random.default_rng(4))[0] for each in (net, twin)]
    assert same_bits(*ys)
    twin = load(tmp_path / "net.safetensors")
    save(twin, tmp_path / "again.safetensors")
    contents = [(tmp_path / name).read_bytes() for name in ("net.safetensors", "again.safetensors")]
    assert contents[0] == contents[1]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_types_and_special_numbers_are_kept(dtype, tmp_path):
    net = build([Dense(3), Tanh(), Dense(2)], (2,), dtype)
    net.parameters[:4] = [np.nan, np.inf, -0.0, np.finfo(dtype).smallest_subnormal]
    save(net, tmp_path / "net")
    twin = load(tmp_path / "net")
    assert same_bits(twin.parameters, net.parameters)
    assert twin.dtype == dtype
    assert all(np.shares_memory(value, twin.parameters) for value in twin.params.values())


def test_shared_and_nested_layers_stay_shared(tmp_path):
    shared, block = Dense(3), Network([Dense(3), Tanh()])
    block.name = "block"
    net = Network(inputs=2)
    a, b = net.add(shared, 0), net.add(shared, 1)
    c = net.add(Add(), a, b)
    net.add(block, net.add(block, c))
    net.build((3,), (3,), rng=0)
    save(net, tmp_path / "net")
    twin = load(tmp_path / "net")
    assert twin[0] is twin[1] is not shared
    assert twin[3] is twin[4]
    assert twin[3].name == "block"
    assert twin.steps[2][1] == (2, 3)
    assert list(twin.params) == ["0.W", "0.b", "3.0.W", "3.0.b"]
    x = np.ones((2, 3), np.float32), np.full((2, 3), 2, np.float32)
    assert same_bits(twin.forward(*x)[0], net.forward(*x)[0])
    twin[0].W[...] = 0
    assert not twin[1].W.any()


class Scale(Layer):
    """A layer of one's own, with settings of every kind that can be saved."""

    param_names = ("s",)

    def __init__(
        self, init, limits=(0, None), table=np.float32([[1, 2]]), words=("a", ["b", True])
    ):
        self.init, self.limits, self.table, self.words = init, limits, table, words

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        self.s = self.init(in_shape, rng=rng, dtype=dtype)
        return in_shape

    def forward(self, x, /):
        return x * self.s, x

    def backward(self, delta, cache, /):
        return delta * self.s, {"s": (delta * cache).sum(axis=0)}


class Halves(Initializer):
    def __call__(self, shape, /, *, rng=None, dtype=np.float32):
        return np.full(shape, 0.5, dtype)


def test_layers_of_ones_own_are_named_by_the_caller(tmp_path):
    path = tmp_path / "net"
    net = build([Scale(Halves(), limits=(np.int64(3), np.float64(0.1))), Dense(2)], (2,))
    save(net, path)
    twin = load(path, layers=[Scale, Halves])
    first = twin[0]
    assert type(first) is Scale
    assert type(first.init) is Halves
    assert first.limits == (3, 0.1)
    assert [type(each) for each in first.limits] == [int, float]
    assert same_bits(first.table, np.float32([[1, 2]]))
    assert first.words == ("a", ["b", True])
    assert same_bits(twin.parameters, net.parameters)
    wanted = "a class that load(..., layers=[...]) names, got"
    text = f"load expects a file that save wrote, got {path}: load expects {wanted}"
    assert raised(ValueError, load, path) == f"{text} 'Scale'"
    assert raised(ValueError, load, path, layers=[Scale]) == f"{text} 'Halves'"
    message = raised(TypeError, load, path, layers=["Scale"])
    assert message == "load expects layers to be classes of layers, got 'Scale'"


def test_a_class_of_ones_own_is_not_taken_for_the_packages(tmp_path):
    class Dense(Tanh):
        pass

    save(build([Dense()], (2,)), tmp_path / "net")
    assert type(load(tmp_path / "net", layers=[Dense])[0]) is Dense
    assert "got 'Dense'" in raised(ValueError, load, tmp_path / "net")


class Twice(Network):
    """A network of one's own that only adds a method."""

    def predict(self, x, /):
        return 2 * super().predict(x)


class Tower(Network):
    """A network of one's own that lays its layers itself."""

    def __init__(self, floors):
        super().__init__([Dense(3) for _ in range(floors)])
        self.floors = floors


def test_networks_of_ones_own(tmp_path):
    x = np.ones((2, 3), np.float32)
    shared = Dense(3)
    net = Twice()
    net.add(Add(), net.add(shared, net.add(shared, 0)), 0)
    net.build((3,), rng=0)
    outer = build([Tower(2), net], (3,))
    save(outer, tmp_path / "net")
    twin = load(tmp_path / "net", layers=[Twice, Tower])
    assert [type(layer) for layer in twin] == [Tower, Twice]
    assert list(twin.params) == list(outer.params)
    assert twin[1].steps[2][1] == (2, 0)
    assert same_bits(twin.predict(x), outer.predict(x))


def test_initializers_come_back_and_draw_nothing(tmp_path):
    layers = [Dense(2, init=Orthogonal(gain=1.5)), Dense(2, init=Given([[0.1, -2], [3e-320, 1]]))]
    net = build(layers, (2,))
    save(net, tmp_path / "net")
    twin = load(tmp_path / "net")
    assert repr(twin) == repr(net)
    np.testing.assert_array_equal(twin[1].init.array, net[1].init.array)


def test_saving_twice_gives_the_same_bytes(tmp_path):
    net = build([Dense(3), Dropout(0.2), Dense(2)], (2,))
    for name in "ab":
        save(net, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def averaging(dtype=np.float32):
    """Return a network whose running averages have moved, and an input for it."""
    shared = BatchNorm(keep=0.5)
    net = build([Dense(3), shared, Dense(3), shared, Network([BatchNorm()])], (2,), dtype)
    x = np.random.default_rng(3).standard_normal((6, 2)).astype(dtype)
    net.forward(x)
    return net, x


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_running_averages_come_back(dtype, tmp_path):
    net, x = averaging(dtype)
    save(net, tmp_path / "net")
    twin = load(tmp_path / "net")
    assert list(twin.averages) == ["1.mean", "1.variance", "4.0.mean", "4.0.variance"]
    for key, value in net.averages.items():
        assert value.any()
        assert same_bits(twin.averages[key], value)
    assert same_bits(twin.predict(x), net.predict(x))
    assert twin[1] is twin[3]
    assert same_bits(twin.forward(x)[0], net.forward(x)[0])
    assert all(same_bits(twin.averages[key], value) for key, value in net.averages.items())


def test_running_averages_stand_beside_the_parameters(tmp_path):
    net, _ = averaging()
    save(net, tmp_path / "net")
    tensors = safetensors.numpy.load_file(tmp_path / "net")
    assert tensors.keys() == net.params.keys() | net.averages.keys()
    np.testing.assert_array_equal(tensors["1.variance"], net[1].variance)


def test_other_readers_find_the_parameters_under_their_keys(tmp_path):
    net = build([Dense(3), Tanh(), Dense(2)], (2,))
    save(net, tmp_path / "net.safetensors")
    tensors = safetensors.numpy.load_file(tmp_path / "net.safetensors")
    assert sorted(tensors) == ["0.W", "0.b", "2.W", "2.b"]
    np.testing.assert_array_equal(tensors["2.W"], net[2].W)


def test_a_network_without_parameters(tmp_path):
    net = build([Tanh()], (2,))
    save(net, tmp_path / "net")
    assert repr(load(tmp_path / "net")) == repr(net)


# What cannot be saved


def test_what_is_saved_is_checked(tmp_path):
    path = tmp_path / "net"

    running = build([BatchNorm()], (2,))
    running[0].variance = np.ones(2)
    replaced = build([Dense(2)], (2,))
    replaced[0].W = np.zeros((2, 2))
    for kind, net, text in [
        (TypeError, Dense(2), "a Network, got Dense(2)"),
        (ValueError, Network([Tanh()]), "a network after build(in_shape), got one before it"),
        (
            ValueError,
            build([Dense(2)], (2,), np.complex128),
            "parameters that are float16, float32, float64, got complex128",
        ),
        (ValueError, running, "0.variance to be float32, got float64"),
        (ValueError, replaced, "0.W to be changed by W[...] = array, got W = array"),
        (
            TypeError,
            build([Scale(Halves(), limits={3})], (2,)),
            "settings that are numbers, text, arrays, layers, initializers or lists of them, "
            "got {3}",
        ),
    ]:
        assert raised(kind, save, net, path) == "save expects " + text
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net"
    save(build([Dense(2)], (2,)), path)
    old = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    message = raised(OSError, save, build([Dense(3)], (2,)), path)
    assert message == f"save expects to be able to write {path}, got No space left on device"
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_folders_that_cannot_be_written(tmp_path):
    net = build([Dense(2)], (2,))
    missing = tmp_path / "missing" / "net"
    message = raised(FileNotFoundError, save, net, missing)
    assert message == f"save expects to be able to write {missing}, got No such file or directory"
    message = raised(IsADirectoryError, save, net, tmp_path)
    assert message == f"save expects to be able to write {tmp_path}, got Is a directory"
    (tmp_path / "file").write_text("here")
    message = raised(NotADirectoryError, save, net, tmp_path / "file" / "net")
    assert message.endswith("got Not a directory")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    message = raised(PermissionError, save, build([Dense(2)], (2,)), tmp_path / "net")
    tmp_path.chmod(0o700)
    assert message.endswith("got Permission denied")


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "net")
    save(build([Dense(2)], (2,)), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert len(load(tmp_path / "net")) == 1


# What is not such a file


@pytest.fixture
def file(tmp_path):
    return in_parts(build([Dense(3), Tanh(), Dense(2)], (2,)), tmp_path / "net.safetensors")


@pytest.fixture
def averages_file(tmp_path):
    return in_parts(averaging()[0], tmp_path / "net.safetensors")


def in_parts(net, path):
    """A saved network, in parts: its tensors, the description, and how to write them back."""
    save(net, path)

    class File:
        content = path.read_bytes()
        tensors = {**net.params, **net.averages}
        header = json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]])
        about = json.loads(header["__metadata__"]["backprop"])

        def refused(self):
            """Write the parts and return why they are refused."""
            metadata = {"backprop": json.dumps(self.about)}
            path.write_bytes(safetensors.numpy.save(self.tensors, metadata))
            return self.refused_as_it_is()

        def refused_as_it_is(self):
            message = raised(ValueError, load, path)
            start = f"load expects a file that save wrote, got {path}: "
            assert message.startswith(start)
            return message.removeprefix(start)

    File.path = path
    return File()


def test_the_parts_put_together_are_the_file(file):
    file.path.write_bytes(
        safetensors.numpy.save(file.tensors, {"backprop": json.dumps(file.about)})
    )
    assert file.path.read_bytes() == file.content
    load(file.path)


def test_truncated_at_every_length(file):
    for length in range(len(file.content)):
        file.path.write_bytes(file.content[:length])
        assert file.refused_as_it_is().startswith("Error while deserializing header: ")


def test_trailing_bytes(file):
    file.path.write_bytes(file.content + b"\0")
    assert "file not fully covered" in file.refused_as_it_is()


@pytest.mark.parametrize("length", [0, 1, 10**6, 2**40, 2**63, 2**64 - 1])
def test_a_header_that_lies_about_its_length(file, length):
    file.path.write_bytes(struct.pack("<Q", length) + file.content[8:])
    assert file.refused_as_it_is().startswith("Error while deserializing header: ")


def test_tensors_that_lie_about_their_size(file):
    for shape, offsets in [([2**40], [0, 2**42]), ([2**62, 2**62], [0, 8]), ([2], [0, 4])]:
        header = json.dumps(
            {"0.W": {"dtype": "F32", "shape": shape, "data_offsets": offsets}}
        ).encode()
        file.path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
        assert file.refused_as_it_is().startswith("Error while deserializing header: ")


def test_a_bit_turned_anywhere_in_the_header_is_refused_or_harmless(file):
    end = 8 + struct.unpack("<Q", file.content[:8])[0]
    refused = 0
    for place in range(end):
        content = bytearray(file.content)
        content[place] ^= 1
        file.path.write_bytes(content)
        try:
            net = load(file.path)
        except ValueError:
            refused += 1
        else:  # a name, a default initializer's setting, the package's version
            assert isinstance(net, Network)
            assert [value.shape for value in net.params.values()] == [(2, 3), (3,), (3, 2), (2,)]
    assert refused > end / 2


def test_another_safetensors_file(file):
    file.path.write_bytes(safetensors.numpy.save(file.tensors))
    assert file.refused_as_it_is() == "load expects an architecture in the metadata, got none"


def test_an_architecture_that_is_no_json(file):
    file.path.write_bytes(safetensors.numpy.save(file.tensors, {"backprop": "{"}))
    assert file.refused_as_it_is().startswith("Expecting property name")


@pytest.mark.parametrize("about", ["[]", "3", '"x"', "{}", '{"version": 1}', "[" * 10**5])
def test_an_architecture_that_is_another_json(file, about):
    file.path.write_bytes(safetensors.numpy.save(file.tensors, {"backprop": about}))
    assert file.refused_as_it_is()


def test_a_later_format(file):
    file.about["version"] = 2
    assert file.refused() == "load expects format version 1, got 2"


def test_an_unknown_type(file):
    file.about["dtype"] = "object"
    assert file.refused().startswith("load expects a Network of float16, float32, float64, got ")


def test_an_architecture_that_is_no_network(file):
    file.about["network"] = 3
    refused = file.refused()
    assert refused == "load expects a Network of float16, float32, float64, got 3 of float32"


@pytest.mark.parametrize("name", ["Denze", "Layer", "os.system", "__class__", None, 3])
def test_an_unknown_layer(file, name):
    file.about["network"]["layers"][0]["class"] = name
    assert file.refused() == f"load expects a class that this version has, got {name!r}"


def test_settings_that_the_layer_refuses(file):
    settings = file.about["network"]["layers"][0]["settings"]
    settings["units"] = -3
    refused = file.refused()
    assert refused == "Dense expects units to be a whole number of at least 1, got -3"
    settings["units"] = 3
    settings["colour"] = "red"
    assert "unexpected keyword argument 'colour'" in file.refused()


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [[0, [0]]],
        [[7, [0]], [1, [1]], [2, [2]]],
        [[-1, [0]], [1, [1]], [2, [2]]],
        [[0, [0]], [1, [9]], [2, [2]]],
        [[0, [0]], [1, [-1]], [2, [2]]],
        [[0], [1], [2]],
        "abc",
    ],
)
def test_wiring_that_cannot_be(file, steps):
    file.about["network"]["steps"] = steps
    assert file.refused()


def test_arrays_of_no_numbers(file):
    setting = {"array": [1], "dtype": "U9"}
    file.about["network"]["layers"][0]["settings"]["units"] = setting
    assert file.refused() == "load expects arrays of numbers, got 'U9'"


def test_a_missing_tensor(file):
    del file.tensors["2.b"]
    assert file.refused() == "load expects tensor 2.b to be (2,) F32, got absent"


def test_a_tensor_too_many(file):
    file.tensors["2.c"] = np.zeros(3, np.float32)
    assert file.refused() == "load expects tensor 2.c to be absent, got (3,) F32"


def test_a_tensor_of_another_shape(file):
    file.tensors["0.W"] = np.zeros((3, 2), np.float32)
    assert file.refused() == "load expects tensor 0.W to be (2, 3) F32, got (3, 2) F32"


def test_a_tensor_of_another_type(file):
    for dtype, word in [(np.float64, "F64"), (np.int32, "I32")]:
        file.tensors["0.b"] = np.zeros(3, dtype)
        assert file.refused() == f"load expects tensor 0.b to be (3,) F32, got (3,) {word}"


def test_running_averages_that_are_not_those_of_the_layers(averages_file):
    file = averages_file
    for kind, word in [(np.zeros((3, 1), np.float32), "(3, 1) F32"), (np.ones(3), "(3,) F64")]:
        file.tensors["1.mean"] = kind
        assert file.refused() == f"load expects tensor 1.mean to be (3,) F32, got {word}"
    del file.tensors["1.mean"]
    assert file.refused() == "load expects tensor 1.mean to be (3,) F32, got absent"
    file.tensors["1.mean"] = file.tensors["2.mean"] = np.zeros(3, np.float32)
    assert file.refused() == "load expects tensor 2.mean to be absent, got (3,) F32"
    del file.tensors["2.mean"]
    file.about["network"]["layers"][1]["settings"]["keep"] = 1.0
    what = "keep to be a finite number of at least 0 below 1, got 1.0"
    assert file.refused() == f"BatchNorm expects {what}"


@pytest.mark.parametrize("kind", ["BatchNorm", "LayerNorm"])
def test_features_larger_than_the_file_take_no_memory(file, kind):
    layer = {"class": kind, "name": "", "settings": {}}
    file.about["network"] = {
        "class": "Network",
        "name": "",
        "inputs": 1,
        "layers": [layer],
        "steps": [[0, [0]]],
    }
    file.about["in_shapes"] = [[10**15]]
    assert file.refused() == f"load expects parameters of at most 17 numbers, got ({10**15},)"


def test_ids_larger_than_the_file_take_no_memory(file):
    layer = {"class": "Embedding", "name": "", "settings": {"count": 10**15, "units": 2}}
    file.about["network"]["layers"][0] = layer
    assert file.refused() == f"load expects parameters of at most 17 numbers, got ({10**15}, 2)"


def test_an_architecture_larger_than_the_file_takes_no_memory(file):
    file.about["network"]["layers"][0]["settings"]["units"] = 10**15
    refused = file.refused()
    assert refused == f"load expects parameters of at most 17 numbers, got (2, {10**15})"


def test_files_that_cannot_be_read(tmp_path):
    missing = tmp_path / "missing"
    message = raised(FileNotFoundError, load, missing)
    assert message == f"load expects to be able to read {missing}, got No such file or directory"
    message = raised(IsADirectoryError, load, tmp_path)
    assert message == f"load expects to be able to read {tmp_path}, got Is a directory"


def test_loading_imports_nothing(file):
    file.about["network"]["layers"][0] = {"own": "antigravity", "name": "", "settings": {}}
    assert "got 'antigravity'" in file.refused()
    assert "antigravity" not in sys.modules
