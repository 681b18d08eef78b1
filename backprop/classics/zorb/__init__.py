from .method import fit_zorb, forward, target
from .scale import Scale
