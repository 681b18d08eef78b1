"""What `backprop explain` names, explained, and written as the suffix of a file asks for it."""

import difflib
from pathlib import Path

import numpy as np

from .. import losses, models
from ..atomic import write
from ..data import load_data
from ..errors import expects
from ..training import load
from . import explain

SUFFIXES = {
    ".html": lambda page: page.html(),
    ".md": lambda page: page._repr_markdown_(),
    ".tex": lambda page: page.latex(),
    ".txt": str,
}
LOSSES = {name: getattr(losses, name) for name in losses.__all__ if name != "Loss"}
MODEL = "mlp"
"""The model that is explained if nothing is said: its page is the shortest."""


def explained(name, given, seed):
    """Return the derivation of `name`; without one, the page of an example.

    Args:
        name: a layer's, a loss's or an optimizer's.
        given: the options that were given, by name: data, shape, index, model, run, loss, pick, of,
            most.
        seed: seed of a new model's parameters, and of what stochastic layers draw.

    Raises:
        ValueError: an option that names nothing, or that does not go with another one.
        OSError: the data or the run cannot be read.
    """
    if name is not None:
        if given:
            raise expects("explain", f"--out alone beside {name}", f"--{next(iter(given))}")
        return explain(_named(name))
    for one, other in (("model", "run"), ("pick", "of")):
        if one in given and other in given:
            raise expects("explain", f"--{one} or --{other}", "both")
    if "most" in given and "of" not in given:
        raise expects("explain", "--of beside --most", "none")
    of_loss = given.get("loss")
    if of_loss is not None and of_loss not in LOSSES:
        raise expects("--loss", f"one of {', '.join(LOSSES)}", repr(of_loss))
    data = load_data(given.get("data", "digits"), shape=given.get("shape"))
    images, labels = data.test
    index = given.get("index", 0)
    if not 0 <= index < len(labels):
        raise expects("--index", f"a test example from 0 to {len(labels) - 1}", index)
    net, loss = _network(given, data, seed)
    loss = loss if of_loss is None else LOSSES[of_loss]()
    more = {key: given[key] for key in ("pick", "of", "most") if key in given}
    example = images[index : index + 1], labels[index : index + 1]
    return explain(net, *example, loss=loss, rng=np.random.default_rng(seed), **more)


def checked_suffix(out, with_html):
    """Return the function that writes a page as the suffix of `out` says, or raise ValueError."""
    known = [suffix for suffix in SUFFIXES if with_html or suffix != ".html"]
    if Path(out).suffix not in known:
        what = f"a file that ends in {', '.join(known[:-1])} or {known[-1]}"
        raise expects("--out", what, out)
    return SUFFIXES[Path(out).suffix]


def save(out, text):
    """Write a page into the file `out`, as a whole or not at all."""
    write("--out", out, text.encode())


def _named(name):
    """Return what is called so in the package, or raise ValueError with the nearest name."""
    import backprop

    names = [one for one in backprop.__all__ if isinstance(getattr(backprop, one), type)]
    if name not in names:
        near = difflib.get_close_matches(name, names, 1) or ["LSTM"]
        what = f"the name of a layer, a loss or an optimizer, such as {near[0]}"
        raise expects("explain", what, repr(name))
    return getattr(backprop, name)


def _network(given, data, seed):
    """Return the network that is explained and its loss: a new one, or one that was trained."""
    if "run" in given:
        run = Path(given["run"])
        # Whatever loss it was trained on, this one takes the outputs of a classifier.
        return load(run / "model.safetensors" if run.is_dir() else run), LOSSES[
            "SoftmaxCrossEntropy"
        ]()
    recipe = models.MODELS[given.get("model", MODEL)](data.in_shape, len(data.classes))
    recipe.net.build(data.in_shape, rng=seed)
    return recipe.net, recipe.loss
