"""Pictures of a network, of its two passes, of a training and of what was learned.

Every function returns a Picture: a notebook shows it, `picture.savefig("name.png")` writes it,
`picture.png()` and `picture.svg()` are the content of such a file. Nothing here touches pyplot, so
no window opens, no figure stays in memory, and threads may draw at once.

The two colours differ for colour-blind eyes too, in lightness as well as in hue.
"""

from .answers import confusion_matrix, examples, wrong_predictions
from .curves import learning_curves
from .deltas import delta_history, delta_norms
from .diagram import diagram
from .features import feature_maps, filters
from .picture import BLUE, ORANGE, Picture
from .pixels import input_gradient, receptive_field
from .through_time import gradient_through_time
from .unrolled import unrolled

__all__ = [
    "BLUE",
    "ORANGE",
    "Picture",
    "confusion_matrix",
    "delta_history",
    "delta_norms",
    "diagram",
    "examples",
    "feature_maps",
    "filters",
    "gradient_through_time",
    "input_gradient",
    "learning_curves",
    "receptive_field",
    "unrolled",
    "wrong_predictions",
]
