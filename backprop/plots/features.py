"""Pictures of what was learned: kernels, and what becomes of an image."""

import numpy as np

from ..errors import batch_of, expects
from .picture import columns_for, tiled


def filters(layer, /):
    """Draw the kernels of a built Conv2D: a column for each filter, a row for each input channel.

    Kernels of a single channel are wrapped into a block. Blue is negative, red is positive, white
    zero; all share one scale.

    Raises:
        ValueError: the layer has no kernels of shape (K, K, C, F).
    """
    W = layer.params.get("W", np.empty(0))
    if W.ndim != 4:
        raise expects("filters", "a layer with W of shape (K, K, C, F)", repr(layer))
    K, L, C, F = W.shape
    most = max(abs(float(W.min())), abs(float(W.max())), np.finfo(W.dtype).tiny)
    tiles = W.transpose(2, 3, 0, 1).reshape(C * F, K, L)
    columns = columns_for(F) if C == 1 else F
    title = f"{F} filters of {K}x{L}" + (f" for each of {C} channels" if C > 1 else "")
    return tiled(tiles, columns, title, "weight", cmap="RdBu_r", vmin=-most, vmax=most)


def feature_maps(net, x, number, /):
    """Draw what layer `number` of a network makes of one image: a map for each channel.

    Args:
        net: a built Network with one input.
        x: one example, without the batch axis.
        number: the layer, as in `net[number]`.

    Raises:
        ValueError: there is no such layer, or its output for one example is no image (H, W, C).
    """
    if number not in range(len(net)):
        raise expects("feature_maps", f"a layer from 0 to {len(net) - 1}", number)
    values = [np.asarray(x)[np.newaxis]]
    net.predict(*values)  # complains about what does not fit
    for layer, reads in net.steps[: number + 1]:
        values.append(layer.predict(*(values[i] for i in reads)))
    maps = values[-1][0]
    if maps.ndim != 3:
        what = "a layer whose outputs are images (N, H, W, C)"
        raise expects("feature_maps", what, batch_of(maps.shape))
    title = f"{net[number].name}: {maps.shape[-1]} maps of {maps.shape[0]}x{maps.shape[1]}"
    return tiled(
        maps.transpose(2, 0, 1), columns_for(maps.shape[-1]), title, "value", cmap="viridis"
    )
