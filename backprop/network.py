"""Layers wired together: a layer made of layers."""

import copy
import inspect

import numpy as np
import numpy.typing as npt

from .errors import batch_of, expects, generator, whole
from .layer import Array, Grads, Layer, check_averages
from .memory import keep_freed_memory
from .parallel import at_once, by_example, cut
from .settings import ours
from .stretch import Chain, find, shipped
from .summary import summary


class Network(Layer):
    r"""Layers wired into an acyclic graph; itself a layer.

    **Wiring.** Values are numbered. The inputs come first (value 0, with `inputs=1`), and each
    `add` makes one more; `net.add(layer, *values)` says which ones the layer reads, the newest if
    nothing is said. So a list of layers is a chain:

        net = Network([Dense(64), ReLU(), Dense(10)])

    and this is a residual block, in which value 0 is read twice:

        net = Network()
        h = net.add(Dense(8), 0)
        h = net.add(Tanh(), h)
        net.add(Add(), 0, h)

    The last value is the output. A layer added twice shares its parameters; Networks nest.

    **Forward.** $v_k = f_k(v_{i}, v_{j}, \dots)$ in the order of `add`.

    **Backward.** Let $\delta_k = \partial L/\partial v_k$. A value reaches the loss through every
    layer that reads it, so by the chain rule its delta is the sum over its readers

    $$ \delta_i = \sum_{k \text{ reads } i}
       \Bigl(\frac{\partial v_k}{\partial v_i}\Bigr)^{\!\top} \delta_k, $$

    each term being the `dx` that reader $k$ hands down. Visited in the reverse order of `add`, all
    readers of a value come before it. Parameters that stand in several places get a sum too.

    **Parameters.** Once built, all parameters lie in one vector, `net.parameters`, in the order of
    `net.params`; each layer's `W` is a view into it. `net.flatten(grads)` brings gradients into
    that order. A parameter's key is the number of its layer and its name: `"2.W"` is `net[2].W`.
    Running averages are in `net.averages`, under keys of the same kind.

    **States.** A long sequence can be taken in chunks, each pass beginning where the one before it
    ended. The states of recurrent layers are then handed on by layer number:

        y, cache = net.forward(first)
        y, cache = net.forward(second, states=net.final_states(cache))

    or `y, states = net.advance(second, states=states)`, which is `predict` in chunks. They are
    constants: no gradient goes back into the chunk before. A layer that reads its initial states
    from other values begins with those in every pass; a reversed one, whose past is the chunk to
    come, begins with zeros.

    **Whole numbers.** An input that a layer looks up rows by (`Embedding`) stays what it is; every
    other one is converted to the type of the parameters.

    Args:
        layers: layers to chain up, each reading the one before.
        inputs: how many inputs the network takes.
    """

    def __init__(self, layers=(), *, inputs=1):
        self._begin(whole("Network", "inputs", inputs))
        for layer in layers:
            self.add(layer)

    def _begin(self, inputs):
        self.inputs, self.steps, self.in_shapes = inputs, [], None
        self._owners = self._averaging = []

    # Wiring

    def add(self, layer, /, *values):
        """Append `layer`, reading the numbered `values` (the newest if none is named).

        Returns the number of the value it makes. Raises TypeError for something that is no layer,
        and ValueError for a value that does not exist yet, or once the network is built.
        """
        newest = self.inputs + len(self.steps) - 1
        if not isinstance(layer, Layer):
            raise expects(self.who, "layers to add", repr(layer), TypeError)
        if any(part is self for part in inside(layer)):
            raise expects(self.who, "layers other than itself", "itself")
        if self.in_shapes is not None:
            raise expects(self.who, "all layers to be added before build", f"{layer!r} after it")
        for value in values:
            if whole(self.who, "a value's number", value, least=0) > newest:
                raise expects(self.who, f"a value from 0 to {newest}", value)
        self.steps.append((layer, values or (newest,)))
        self._owners = self._averaging = _first_stands(self.steps)
        if not layer.name:
            kind = type(layer).__name__.lower()
            count = len({id(other) for other in self if type(other) is type(layer)})
            layer.name = f"{kind}_{count}"
        return newest + 1

    def __iter__(self):
        """Iterate over the layers in the order of `add`."""
        return iter(self.layers)

    def __len__(self):
        """Return how many layers were added."""
        return len(self.steps)

    def __getitem__(self, number):
        """Return layer `number`."""
        return self.steps[number][0]

    @property
    def layers(self):
        """The layers in the order of `add`, a shared one wherever it stands."""
        return [layer for layer, _ in self.steps]

    @property
    def stochastic(self):
        """Whether any layer draws random numbers."""
        return any(layer.stochastic for layer in self)

    @property
    def stateful(self):
        """Whether any layer updates running averages."""
        return any(layer.stateful for layer in self)

    @property
    def by_example(self):
        """Whether every layer takes each example by itself, and may run in two threads.

        Of a subclass of one's own, which may do something between the layers, it is not known.
        """
        return ours(type(self)) and all(by_example(layer) for layer in self)

    @property
    def integer_inputs(self):
        """The inputs that are whole numbers: those that a layer reads as such."""
        return tuple(i for i in range(self.inputs) if any(self._reads_whole(i)))

    def integers_below(self, position, /):
        return min(
            layer.integers_below(p)
            for layer, reads in self.steps
            for p, i in enumerate(reads)
            if i == position
        )

    def _reads_whole(self, value):
        """Return, for everything that reads `value`, whether it takes whole numbers there."""
        return [
            p in layer.integer_inputs
            for layer, reads in self.steps
            for p, i in enumerate(reads)
            if i == value
        ]

    def owners(self):
        """Return `(number, layer)` of every layer, a shared one only where it stands first."""
        return self._owners

    # Building

    def build(self, in_shape, /, *more, rng=None, dtype: npt.DTypeLike = np.float32):
        """Build every layer and return the output's shape; all shape errors come here.

        Args:
            in_shape: shape of one example of the first input, without the batch axis.
            *more: the same of further inputs.
            rng: a numpy Generator or a seed.
            dtype: type of the parameters, and of everything computed.
        """
        in_shapes = tuple(_shape(self.who, shape) for shape in (in_shape, *more))
        if len(in_shapes) != self.inputs:
            raise expects(self.who, f"the shapes of {self.inputs} inputs", len(in_shapes))
        self._owners = _first_stands(self.steps)
        self._check_wiring()
        keep_freed_memory()
        before = [(layer, dict(vars(layer))) for layer in inside(self)]
        try:
            shapes = self._build_layers(in_shapes, generator(self.who, rng), dtype)
        except Exception:
            for layer, attributes in before:
                vars(layer).clear()
                vars(layer).update(attributes)
            raise
        self.in_shapes, self.shapes = in_shapes, shapes
        self.work = self.multiply_adds(*in_shapes)
        self._wanted = self._with_parameters()
        self._carrying = self.state_shapes()
        self.limits = {i: self.integers_below(i) for i in self.integer_inputs}
        self.place(np.empty(self.param_count, dtype))
        return shapes[-1]

    def _build_layers(self, in_shapes, rng, dtype):
        """Build every layer and return the shapes of all values."""
        shapes = list(in_shapes)
        built = set()
        for layer, reads in self.steps:
            # A layer met again keeps its parameters: only a copy is built, to learn the shape.
            again = id(layer) in built
            target = copy.deepcopy(layer) if again else layer
            given = [shapes[i] for i in reads]
            try:
                inspect.signature(target.build).bind(*given)
            except TypeError:
                raise expects(layer.who, "as many inputs as its build takes", len(given)) from None
            shapes.append(target.build(*given, rng=rng, dtype=dtype))
            if again:
                _check_shared(layer, target)
            built.add(id(layer))
        return shapes

    def _with_parameters(self):
        """Return of each value whether parameters made it: where `grads` wants a delta."""
        wanted = [False] * self.inputs
        for layer, reads in self.steps:
            wanted.append(bool(layer.params) or any(wanted[i] for i in reads))
        return wanted

    def _check_wiring(self):
        if not self.steps:
            raise expects(self.who, "at least one layer", "none")
        read = {value for _, reads in self.steps for value in reads}
        for value in range(self.inputs + len(self.steps) - 1):
            if value not in read:
                raise expects(self.who, "every value to be read", f"no reader of value {value}")
            whole_numbers = self._reads_whole(value)
            if any(whole_numbers) and value >= self.inputs:
                got = f"value {value}, made by {self[value - self.inputs].who}"
                raise expects(self.who, "whole numbers to be inputs", got)
            if any(whole_numbers) and not all(whole_numbers):
                what = "all readers of a value to take whole numbers, or none"
                raise expects(self.who, what, f"both for value {value}")
        parts = [part for _, layer in self.owners() for part in inside(layer)]
        for part in parts:
            if sum(part is other for other in parts) > 1:
                shared = f"{part.who} inside a nested one too"
                raise expects(self.who, "a layer to be shared within one network", shared)

    def place(self, vector, /):
        start = 0
        for _, layer in self.owners():
            layer.place(vector[start : start + layer.param_count])
            start += layer.param_count
        self.parameters = vector
        self._vector = vector
        self._parts, start = {}, 0
        for key, value in self.params.items():
            self._parts[key] = slice(start, start + value.size)
            start += value.size
        self._averaging = [each for each in self._owners if each[1].stateful]
        self._stretches = {stretch.first: stretch for stretch in find(self, self._parts)}
        self._ending = {stretch.last: stretch for stretch in self._stretches.values()}
        first = self._stretches.get(0)
        whole = first and len(first.layers) == len(self.steps)
        self.chain = first if whole and isinstance(first, Chain) else None
        self._placed = [
            (layer, name, getattr(layer, name))
            for layer in inside(self)
            if not isinstance(layer, Network)
            for name in layer.param_names
        ]

    def replaced(self):
        """Return the keys of parameters whose array was replaced (`net[0].W = array`).

        They lie in `parameters` no more, and no update could reach them.
        """
        placed = [getattr(layer, name) is view for layer, name, view in self._placed]
        if all(placed) and self.parameters is self._vector:
            return []
        return [
            key
            for key, value in self.params.items()
            if not np.may_share_memory(value, self.parameters)
        ]

    def __getstate__(self):
        """Return what a copy is made of; what `place` finds out it will find out for the copy."""
        found = ("_vector", "_parts", "_stretches", "_ending", "chain", "_placed")
        return {name: value for name, value in vars(self).items() if name not in found}

    def __setstate__(self, state):
        """Restore a copy: its parameters are views of one vector again."""
        self.__dict__.update(state)
        if self.in_shapes is not None:
            self.place(self.parameters)

    @property
    def params(self):
        """The live parameter arrays by key: `"2.W"` is `net[2].W`."""
        return {
            f"{number}.{name}": value
            for number, layer in self.owners()
            for name, value in layer.params.items()
        }

    @property
    def averages(self):
        """The running averages by key: `"1.mean"` is `net[1].mean`."""
        return {
            f"{number}.{name}": value
            for number, layer in self._averaging
            for name, value in layer.averages.items()
        }

    @averages.setter
    def averages(self, averages):
        check_averages(self.who, self.averages, averages)
        for number, layer in self.owners():
            layer.averages = {name: averages[f"{number}.{name}"] for name in layer.averages}

    @property
    def dtype(self):
        """The type of the parameters."""
        return self.parameters.dtype

    def flatten(self, grads, /):
        """Return gradients by key as one vector, in the order of `parameters`."""
        if not grads:
            return np.empty(0, self.dtype)
        return np.concatenate([grads[key].ravel() for key in self._parts])

    # Passes

    def forward(self, x, /, *more, rng=None, states=None):
        """Return the last value and the caches of all steps.

        Args:
            x: the first input, with the batch axis. Another real type is converted to `dtype`, here
                and nowhere else; whole numbers that a layer reads as such are checked and kept.
            *more: further inputs.
            rng: the numpy Generator that stochastic layers draw from.
            states: what layers begin with, by their number: `{0: (h0,), 2: (h0, c0)}`, constants.
                Layers that are not named begin with zeros.
        """
        values, caches = self.values(x, *more, rng=rng, states=states)
        return values[-1], caches

    def values(self, x, /, *more, rng=None, states=None):
        """Return every value, the inputs first, and the caches of all steps: a `forward`.

        `net.deltas(delta, caches)` are the deltas of these values, in the same order.
        """
        values = self.enter(x, *more)
        states = self.enter_states(states, len(values[0]))
        caches = []
        for number, (layer, reads) in enumerate(self.steps):
            if number < len(caches):
                continue  # a stretch has passed it
            stretch = self._stretches.get(number)
            if stretch and (passed := stretch.forward(values[reads[0]])):
                values += passed[0]
                caches += passed[1]
                continue
            extra = {"rng": rng} if layer.stochastic else {}
            if number in states:
                extra["states"] = states[number]
            y, cache = layer.forward(*map(values.__getitem__, reads), **extra)
            values.append(y)
            caches.append(cache)
        return values, caches

    def predict(self, x, /, *more):
        values = self.enter(x, *more)

        def act(part):
            return self._run([value[part] for value in values], {}, carrying=())[0]

        ys = at_once(act, cut(self, values))
        return ys[0] if len(ys) == 1 else np.concatenate(ys)

    def advance(self, x, /, *more, states=None):
        """Return what `predict` returns, and the states that it ended with.

        Args:
            x: the first input, with the batch axis.
            *more: further inputs.
            states: what layers begin with, as in `forward`.
        """
        values = self.enter(x, *more)
        states = self.enter_states(states, len(values[0]))
        return self._run(values, states, carrying=self._carrying)

    def _run(self, values, states, carrying):
        """Return the last value and, by number, the final states of the layers `carrying` them."""
        final = {}
        last_reader = {i: number for number, (_, reads) in enumerate(self.steps) for i in reads}
        for number, (layer, reads) in enumerate(self.steps):
            if self.inputs + number < len(values):
                continue  # a stretch has passed it
            xs = [values[i] for i in reads]
            stretch = self._stretches.get(number)
            if stretch and (y := stretch.predict(*xs)) is not None:
                values += [None] * (len(stretch.layers) - 1)
            elif number in carrying:
                y, final[number] = _advance(layer, xs, states.get(number, ()))
            else:
                y = layer.predict(*xs)
            values.append(y)
            for i in reads:
                if last_reader[i] == number:
                    values[i] = None  # nobody reads it again: let its memory go
        return values[-1], final

    def state_shapes(self, *in_shapes):
        """Return the shapes of the states that each layer can hand on, by its number.

        The network knows the shapes of its inputs since `build`: they need not be named.
        """
        found = {
            number: layer.state_shapes(*(self.shapes[i] for i in reads))
            for number, (layer, reads) in enumerate(self.steps)
        }
        return {number: shapes for number, shapes in found.items() if shapes}

    def final_states(self, cache, /):
        """Return the states that the pass with this cache ended with, by layer number."""
        return {number: self[number].final_states(cache[number]) for number in self._carrying}

    def backward(self, delta, cache, /):
        deltas, grads = self._run_back(delta, cache, [True] * len(self.shapes))
        dxs = tuple(deltas[: self.inputs])
        return (dxs if self.inputs > 1 else dxs[0]), grads

    def grads(self, delta, cache, /):
        return self._run_back(delta, cache, self._wanted)[1]

    def gradient(self, delta, cache, /):
        """Return the gradient as one vector: `flatten(grads(delta, cache))`, with less copying."""
        if not shipped(self, "backward", "grads"):
            return self.flatten(self.grads(delta, cache))
        vector = np.empty_like(self.parameters)
        grads = self._run_back(delta, cache, self._wanted, vector=vector)[1]
        for key, part in self._parts.items():
            d = grads[key]
            if d.dtype != vector.dtype or d.size != part.stop - part.start:
                return self.flatten(grads)  # complex, of a complex step; or what will be an error
            if d.base is not vector:
                vector[part] = d.ravel()
        return vector

    def deltas(self, delta, cache, /, value=None):
        """Return dL/dv of every value v: of the inputs, and of each layer's output.

        It is None for an input of whole numbers.

        Args:
            delta: dL/dv of the last value, or of the one that `value` names.
            cache: what `forward` returned.
            value: the number of the value where the pass begins. What it is not made of has None.
        """
        value = len(self.shapes) - 1 if value is None else value
        if value not in range(len(self.shapes)):
            raise expects(self.who, f"a value from 0 to {len(self.shapes) - 1}", value)
        made_of = {value}
        for number, (_, reads) in reversed(list(enumerate(self.steps))):
            if self.inputs + number in made_of:
                made_of.update(reads)
        wanted = [i in made_of for i in range(len(self.shapes))]
        return self._run_back(delta, cache, wanted, keep=True, value=value)[0]

    def _run_back(self, delta, caches, wanted, keep=False, value=-1, vector=None):
        shape = np.shape(delta)
        if not shape or shape[1:] != self.shapes[value]:
            raise expects(self.who, f"a delta of shape {batch_of(self.shapes[value])}", shape)
        deltas: list[Array] = [None] * len(self.shapes)
        deltas[value] = delta
        of_layer: dict[int, Grads] = {}
        first = len(self.steps)  # the first step that has been passed
        for number in reversed(range(len(self.steps))):
            layer, reads = self.steps[number]
            made = self.inputs + number
            if not wanted[made] or number >= first:
                continue
            delta = deltas[made]
            stretch = None if keep else self._ending.get(number)
            if not keep:
                deltas[made] = None  # nobody reads it again: let its memory go
            if stretch and (passed := stretch.backward(delta, caches, wanted, vector)):
                (dx, found), reads, first = passed, stretch.reads, stretch.first
            elif any(wanted[i] for i in reads):
                dx, grads = layer.backward(delta, caches[number])
                found = {id(layer): grads}
            else:
                dx, found = None, {id(layer): layer.grads(delta, caches[number])}
            if dx is not None:
                for i, part in zip(reads, dx if isinstance(dx, tuple) else (dx,), strict=True):
                    deltas[i] = part if deltas[i] is None else deltas[i] + part
            for key, grads in found.items():
                of_layer[key] = _sum(of_layer[key], grads) if key in of_layer else grads
        return deltas, {
            f"{number}.{name}": d
            for number, layer in self.owners()
            if id(layer) in of_layer
            for name, d in of_layer[id(layer)].items()
        }

    @property
    def is_chain(self):
        """Whether every layer reads the one before it and nothing else."""
        return all(reads == (self.inputs + i - 1,) for i, (_, reads) in enumerate(self.steps))

    def summary(self):
        """Return a table of shapes, parameters, multiply-adds and bytes of cache, as text."""
        if self.in_shapes is None:
            raise expects(self.who, "build(in_shape) before summary", "none")
        return summary(self)

    def draw(self, x=None, y=None, /, *, loss=None, lines="gradients"):
        """Draw the network, and the two passes of one batch: `backprop.plots.diagram`."""
        from .plots import diagram

        return diagram(self, x, y, loss=loss, lines=lines)

    def multiply_adds(self, in_shape, /, *more):
        return sum(
            layer.multiply_adds(*(self.shapes[i] for i in reads)) for layer, reads in self.steps
        )

    def __repr__(self):
        """Show the layers, and what they read where the network is no chain."""
        reads = "" if self.is_chain else f", reading {[reads for _, reads in self.steps]}"
        inputs = "" if self.inputs == 1 else f", inputs={self.inputs}"
        return f"Network({self.layers!r}{inputs}{reads})"

    def enter(self, *xs):
        """Return the inputs as a list of arrays of `dtype`, or raise ValueError or TypeError."""
        if self.in_shapes is None:
            raise expects(self.who, "build(in_shape) before a pass", "none")
        if len(xs) != self.inputs:
            raise expects(self.who, f"{self.inputs} inputs", len(xs))
        values, dtype = [], self.parameters.dtype
        for i, (x, in_shape) in enumerate(zip(xs, self.in_shapes, strict=True)):
            x = np.asarray(x)
            if x.shape[1:] != in_shape or x.ndim == 0:
                raise expects(self.who, f"inputs of shape {batch_of(in_shape)}", x.shape)
            if i in self.limits:
                check_whole(self.who, x, self.limits[i])
            elif x.dtype != dtype:
                if not (x.dtype.kind in "biufc" and np.can_cast(x.dtype, dtype, "same_kind")):
                    raise expects(self.who, f"inputs that are {dtype}", x.dtype, TypeError)
                x = x.astype(dtype)
            values.append(x)
        counts = [len(x) for x in values]
        if counts[0] == 0 or counts.count(counts[0]) < len(counts):
            got = ", ".join(map(str, counts))
            raise expects(self.who, "at least one example, as many in each input", got)
        return values

    def enter_states(self, states, N):
        """Return states by layer number as arrays of `dtype`, or raise ValueError or TypeError."""
        if not states:
            return {}
        if not isinstance(states, dict):
            raise expects(self.who, "states in a dict by layer number", repr(states), TypeError)
        carrying = self._carrying
        entered = {}
        for number, parts in states.items():
            if number not in carrying:
                raise expects(self.who, f"states of layers {[*carrying]}", number)
            if isinstance(carrying[number], dict):
                entered[number] = self[number].enter_states(parts, N)
                continue
            wanted, got = [(N, *shape) for shape in carrying[number]], [*map(np.shape, parts)]
            if got != wanted:
                raise expects(self[number].who, f"states of shapes {wanted}", got)
            entered[number] = [np.asarray(part).astype(self.dtype, copy=False) for part in parts]
        return entered


def _first_stands(steps):
    """Return `(number, layer)` of every layer, a shared one only where it stands first."""
    first = {id(layer): number for number, (layer, _) in reversed(list(enumerate(steps)))}
    return [
        (number, layer) for number, (layer, _) in enumerate(steps) if first[id(layer)] == number
    ]


def _shape(who, shape):
    """Return `shape` as a tuple of positive ints, or raise ValueError."""
    axes = shape if isinstance(shape, tuple | list) else (shape,)
    return tuple(whole(who, "an axis of an input's shape", axis) for axis in axes)


def check_whole(who, x, below):
    """Raise TypeError or ValueError unless `x` holds whole numbers from 0 to under `below`."""
    if x.dtype.kind not in "iu":
        raise expects(who, "inputs that are whole numbers", x.dtype, TypeError)
    least, most = x.min(initial=0), x.max(initial=0)
    if least < 0 or most >= below:
        got = least if least < 0 else most
        raise expects(who, f"inputs that are whole numbers from 0 to {below - 1}", got)


def inside(layer):
    """Return the layer itself and, if it is a Network, all layers inside it, each once."""
    inner = layer.owners() if isinstance(layer, Network) else []
    return [layer, *(part for _, one in inner for part in inside(one))]


def _advance(layer, xs, states):
    """Return the prediction of a layer that hands its states on, and these."""
    if isinstance(layer, Network):
        return layer.advance(*xs, states=states)
    y, cache = layer.forward(*xs, states=states)
    return y, layer.final_states(cache)


def _check_shared(layer, twin):
    """Raise ValueError unless `twin`, built where `layer` stands again, is the same function."""
    if isinstance(layer, Network):
        what, mine, its = "inputs of shapes", layer.in_shapes, twin.in_shapes
    else:
        what = "parameters of shapes"
        arrays = ((*one.params.values(), *one.averages.values()) for one in (layer, twin))
        mine, its = ([value.shape for value in each] for each in arrays)
    if mine != its:
        raise expects(layer.who, f"{what} {mine} wherever it stands", its)


def _sum(first, second):
    """Return the gradients of parameters that stand in two places."""
    return {name: first[name] + second[name] for name in first}
