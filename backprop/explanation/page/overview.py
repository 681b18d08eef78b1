"""The map of the network: a row for each layer, and one for the loss."""

import numpy as np

from ..example import brief, name_of, value_name


def overview(run):
    """Return the rows of the map: every layer with its shapes, those inside it deeper."""
    loss = {"layer": (), "name": brief(run.loss), "reads": [], "makes": "L", "shape": ()}
    return [*_rows(run, ()), loss]


def _rows(run, prefix):
    net = run.network(prefix)
    for number, (layer, reads) in enumerate(net.steps):
        steps = (*prefix, number)
        call = run.call(steps, "forward")
        yield {
            "layer": steps,
            "name": name_of(steps, layer),
            "reads": [value_name(net, value) for value in reads],
            "makes": value_name(net, net.inputs + number),
            "shape": np.shape(call.returned),
        }
        if hasattr(layer, "steps"):
            yield from _rows(run, steps)
