r"""Wrong derivatives made of right ones: one line of a backward pass changed in one place.

`mutants(bp.LSTM)` lists what can be got wrong in the equations that stand under **Backward** in the
docstring of `LSTM`: a sign, a factor, a term left out, a neighbour in time, and so on (see
`mistakes.py`). Each `Mutant` says what it changes, and makes the class that has the mistake. A
gradient check has to catch them all; and a wrong gradient that equals a mutant's has found its
name.

The class is a subclass in which one method is compiled anew: nothing happens to the class itself.
Its backward pass runs the NumPy lines, in whose place no kernel of `backprop.compiled` would have
the mistake.
"""

import ast
import copy
import dataclasses
import functools
import inspect
import re
import textwrap
import types
from typing import Any

from ..compiled import readable
from ..errors import expects
from .mistakes import Names, of_statement


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One line of a backward pass and what it is changed to.

    Shown as text it is a sentence: "LSTM (16): dc = dc * f is left out".
    """

    of: type
    """The class whose derivative is changed."""
    method: str
    """The method that the line stands in; `window.fold` is that of the attribute `window`."""
    equation: int
    """The line's tag."""
    kind: str
    """What sort of mistake it is: "sign", "dropped term" and so on."""
    line: str
    """The statement as it is."""
    becomes: str
    """The statement in its place; empty if there is none."""

    def __str__(self):
        where = f", {self.method}" if "." in self.method else ""
        change = f"becomes {self.becomes}: {self.kind}" if self.becomes else "is left out"
        return f"{self.of.__name__}{where} ({self.equation}): {self.line} {change}"

    @functools.cached_property
    def cls(self):
        """The class with the mistake: a subclass of `of` by the same name."""
        attribute, _, name = self.method.rpartition(".")
        owner = _helper(self.of, name) if attribute else self.of
        changed = _by_lines(_compiled(getattr(owner, name), self.equation, self.becomes))
        passes = [one for one in ("backward", "grads") if hasattr(self.of, one)]
        methods: dict[str, Any] = {one: _by_lines(getattr(self.of, one)) for one in passes}
        if attribute:
            methods[attribute] = _with_method(attribute, name, changed)
        else:
            methods[name] = changed
        return _subclass(self.of, methods)

    def applied(self, thing, /):
        """Return a copy of the layer or loss `thing`, built or not, that has the mistake."""
        twin = copy.deepcopy(thing)
        twin.__class__ = self.cls
        return twin


def mutants(kind, /):
    """Return every mutant of `kind`, a class of layers or losses, equation by equation.

    No mutant's line is the line as it is, and no two are the same. A class with no equations under
    **Backward** has no mutants.

    Raises:
        TypeError: `kind` is not a class with the methods `forward` and `backward`.
        OSError: its source is not at hand.
    """
    passes = (getattr(kind, name, None) for name in ("forward", "backward"))
    if not (isinstance(kind, type) and all(map(inspect.isfunction, passes))):
        raise expects("mutants", "a class with forward and backward", repr(kind), TypeError)
    found = {}
    for method, function, equations in [*_methods(kind), *_helpers(kind)]:
        tree, lines = _parsed(function)
        for equation in sorted(lines.keys() & equations):
            statement = _statement(tree, lines[equation])
            line = ast.unparse(statement)
            for mistake, changed in of_statement(statement, _names(kind, tree, statement)):
                becomes = ast.unparse(ast.fix_missing_locations(changed)) if changed else ""
                mutant = Mutant(kind, method, equation, mistake, line, becomes)
                if becomes != line:
                    found.setdefault((method, equation, becomes), mutant)
    return sorted(found.values(), key=lambda mutant: ("." in mutant.method, mutant.equation))


# Where the lines of a backward pass stand


def _methods(kind):
    """Yield (name, function, backward equations of the chapter that it stands in)."""
    for name in dir(kind):
        owner = next(cls for cls in kind.__mro__ if name in vars(cls))
        if inspect.isfunction(getattr(kind, name)):
            yield name, getattr(kind, name), _backward_equations(owner)


def _backward_equations(cls):
    """Return the tags that stand under **Backward** in the docstring of `cls`."""
    doc = inspect.cleandoc(vars(cls).get("__doc__") or "")
    sections = re.split(r"^(?=\*\*)", doc, flags=re.MULTILINE)
    backward = "".join(part for part in sections if part.startswith("**Backward**"))
    return {int(tag) for tag in re.findall(r"\\tag\{(\d+)\}", backward)}


def _helpers(kind):
    """Yield the same for what only backward calls of an attribute: `self.window.fold`."""
    passes = {"forward": set(), "backward": set()}
    for name, calls in passes.items():
        for function in _reached(kind, name):
            for node in ast.walk(_parsed(function)[0]):
                match node:
                    case ast.Attribute(ast.Attribute(ast.Name("self"), attribute), called):
                        calls.add((attribute, called))
    for attribute, called in sorted(passes["backward"] - passes["forward"]):
        if owner := _helper(kind, called):
            function = getattr(owner, called)
            yield f"{attribute}.{called}", function, set(_parsed(function)[1])


def _reached(kind, name):
    """Return the methods of `kind` that the method `name` comes to, itself included."""
    reached, names = {}, [name]
    while names:
        function = getattr(kind, name := names.pop())
        if inspect.isfunction(function) and name not in reached:
            reached[name] = function
            names += [called for called in function.__code__.co_names if hasattr(kind, called)]
    return reached.values()


def _helper(kind, called):
    """Return the class that the file of `kind` uses and whose method `called` has equations."""
    for cls in kind.backward.__globals__.values():
        if isinstance(cls, type) and not hasattr(cls, "backward"):
            function = vars(cls).get(called)
            if inspect.isfunction(function) and _parsed(function)[1]:
                return cls
    return None


@functools.cache
def _parsed(function):
    """Return the tree of a function, its lines numbered as in its file, and {tag: line}."""
    source, first = inspect.getsourcelines(function)
    tree = ast.parse(textwrap.dedent("".join(source)))
    ast.increment_lineno(tree, first - 1)
    tags = {n: re.search(r"# \((\d+)\)$", line.rstrip()) for n, line in enumerate(source, first)}
    return tree.body[0], {int(tag[1]): n for n, tag in tags.items() if tag}


def _statement(tree, line):
    """Return the statement that ends on that line."""
    simple = (node for node in ast.walk(tree) if isinstance(node, ast.stmt))
    return next(n for n in simple if n.end_lineno == line and not hasattr(n, "body"))


# What the names in it are


def _names(kind, tree, statement):
    """Return the `Names` of a statement in the function `tree`."""
    arguments = {argument.arg for argument in ast.walk(tree.args) if isinstance(argument, ast.arg)}
    parameters = [f"self.{name}" for name in getattr(kind, "param_names", ())]
    names = Names(arguments, [parameters], set(), set(), set())
    for node in ast.walk(tree):
        match node:
            case ast.Assign([target], value):
                names.together += _unpacked(target)
                from_cache = ast.unparse(value) == "cache"
                for source in _caches(kind) if from_cache else [value]:
                    names.masks.update(_masks(target, source))
            case ast.Name(name, ast.Store()) if node.lineno < statement.lineno:
                names.bound.add(name)
            case ast.For(target, steps):
                last = target.elts[-1] if isinstance(target, ast.Tuple) else target
                counts = "range(" in ast.unparse(steps)
                (names.steps if counts else names.views).add(ast.unparse(last))
    return names


def _unpacked(target):
    """Yield the names that stand side by side in a tuple that is assigned to."""
    for node in ast.walk(target):
        if isinstance(node, ast.Tuple):
            yield [part.id for part in node.elts if isinstance(part, ast.Name) and part.id != "_"]


def _caches(kind):
    """Yield what `forward` returns as its cache, each name in it replaced by its value."""
    forward, _ = _parsed(kind.forward)
    values = {}
    for node in ast.walk(forward):
        match node:
            case ast.Assign([ast.Name(name)], value):
                values[name] = value
    for node in ast.walk(forward):
        match node:
            case ast.Return(ast.Tuple([_, ast.Tuple(parts)])):
                yield ast.Tuple([values.get(ast.unparse(part), part) for part in parts])
            case ast.Return(ast.Tuple([_, cache])):
                yield values.get(ast.unparse(cache), cache)


def _masks(target, value):
    """Yield the names in `target` to which the assignment `target = value` gives booleans."""
    match target, value:
        case ast.Tuple(targets), ast.Tuple(values):
            for pair in zip(targets, values, strict=False):
                yield from _masks(*pair)
        case ast.Name(name), ast.Compare() | ast.UnaryOp(ast.Invert()):
            yield name


# From a changed line to a class


def _compiled(function, equation, becomes):
    """Return `function` with another statement in the place of that equation."""
    tree, lines = _parsed(function)
    tree = copy.deepcopy(tree)
    _Replace(_statement(tree, lines[equation]), becomes).visit(tree)
    # Within a class of the same name, so that `super()` and private names mean what they meant.
    owner = function.__qualname__.split(".")[-2]
    free = function.__code__.co_freevars
    outer = ", ".join(name for name in free if name != "__class__")
    module = ast.parse(f"def _({outer}):\n class {owner}:\n  pass")
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef):
            node.body = [tree]
    code = compile(module, function.__code__.co_filename, "exec")
    for name in ("_", owner, function.__name__):
        code = next(c for c in code.co_consts if getattr(c, "co_name", None) == name)
    cells = dict(zip(free, function.__closure__ or (), strict=True))
    changed = types.FunctionType(
        code,
        function.__globals__,
        argdefs=function.__defaults__,
        closure=tuple(cells[name] for name in code.co_freevars),
    )
    changed.__kwdefaults__ = function.__kwdefaults__
    changed.__qualname__ = function.__qualname__
    return changed


class _Replace(ast.NodeTransformer):
    """Put a statement in another's place, and zeros into new arrays.

    What a mutant leaves unwritten is then the same in every pass, not what memory held before.
    """

    def __init__(self, old, becomes):
        self.old = old
        self.new = ast.parse(becomes or "pass").body[0]
        for node in ast.walk(self.new):
            ast.copy_location(node, old)

    def visit(self, node):
        return self.new if node is self.old else super().visit(node)

    def visit_Attribute(self, node):
        if ast.unparse(node) in ("np.empty", "np.empty_like"):
            node.attr = node.attr.replace("empty", "zeros")
        return self.generic_visit(node)


def _by_lines(function):
    """Return `function` so that no compiled kernel stands in for its lines."""

    def run(self, *args, **more):
        with readable():
            return function(self, *args, **more)

    # By this name `explain` knows the frame of a layer's pass.
    run.__code__ = run.__code__.replace(co_name=function.__name__)
    return functools.wraps(function)(run)


def _subclass(cls, attributes):
    kept = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
    return type(cls.__name__, (cls,), {**kept, **attributes})


def _with_method(attribute, name, changed):
    """Return a property: the object's `attribute`, with another method by that name."""

    def get(self):
        helper = copy.copy(vars(self)[attribute])
        helper.__class__ = _subclass(type(helper), {name: changed})
        return helper

    def put(self, helper):
        vars(self)[attribute] = helper

    return property(get, put)
